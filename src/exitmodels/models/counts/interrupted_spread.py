"""Covariances of an interrupted series that can be asked for, by name, with the caution that goes with each.

Third floor. The arithmetic is in kernels/sandwich.py and latent.py. Called by: interrupted.py, interrupted_results.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.sandwich import hac_lags, hac_meat, leverage, robust_meat
from exitmodels.models.counts.interrupted_fit import Columns, Estimate
from exitmodels.models.counts.latent import LatentLimits

__all__ = ["KINDS", "Spread", "spread_of"]

KINDS = ("latent", "model", "quasi", "robust", "hc0", "hc1", "hc2", "hc3", "hac", "hac-leverage")
SHORT_SERIES = 40


@dataclass(frozen=True, eq=False)
class Spread:
    """A covariance of the coefficients, its name, Student's degrees of freedom if any, and what to say about it."""

    covariance: Floats
    label: str
    df: float | None = None
    latent: LatentLimits | None = None
    warnings: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


_HC = {"robust": "hc0", "hc0": "hc0", "hc1": "hc1", "hc2": "hc2", "hc3": "hc3"}


def spread_of(fit: Estimate, columns: Columns, kind: str, lags: int | None = None) -> Spread:
    """Compute the covariance of the named kind."""
    kind = kind.lower()
    if kind not in KINDS:
        raise DataError(f"vcov={kind!r} is not known.", code="vcov", hint=f"Use one of {', '.join(KINDS)}.")
    if fit.family == "lognormal-ar1" and kind != "model":
        raise DataError(
            f'vcov={kind!r} does not go with family="lognormal-ar1", whose errors are already modelled.',
            code="vcov",
            hint='Use vcov="model".',
        )
    if kind == "latent":
        found = LatentLimits.of(fit.residual, fit.centred, fit.noise, columns.gap, fit.influence)
        papers = ("harville1974", "strawderman1971")
        return Spread(found.covariance, "latent AR(1)", latent=found, sources=papers)
    if kind in ("model", "quasi"):
        return _trusting(fit, kind)
    return _robust(fit, columns, kind, lags)


def _trusting(fit: Estimate, kind: str) -> Spread:
    p = len(fit.beta)
    logs = fit.family.startswith("lognormal")
    if kind == "model" and fit.family in ("poisson", "negbin"):
        cov = fit.recode @ fit.bread[:p, :p] @ fit.recode.T
        return Spread(cov, "model", warnings=_overdispersed(fit))
    factor = fit.phi if kind == "model" or logs else max(fit.phi, 1.0)
    note = () if logs else ("neighbouring periods are taken to be unrelated",)
    if kind == "model" and fit.family == "quasi" and fit.phi < 1:
        note = (*note, f"the counts vary less than Poisson counts would (dispersion {fit.phi:.2f}), which is luck")
    return Spread(factor * fit.expected_bread, kind, float(fit.df), warnings=note)


def _overdispersed(fit: Estimate) -> tuple[str, ...]:
    if fit.phi <= 1.25:
        return ("neighbouring periods are taken to be unrelated",)
    return (
        f"the counts vary {fit.phi:.2f} times as much as this family allows, and neighbouring periods are taken to be "
        "unrelated: these limits are too narrow",
    )


def _robust(fit: Estimate, columns: Columns, kind: str, lags: int | None) -> Spread:
    p, n = len(fit.beta), len(columns.y)
    hat = leverage(fit.centred, fit.weight, np.linalg.inv((fit.centred * fit.weight[:, None]).T @ fit.centred))
    if kind in _HC:
        meat, label = robust_meat(fit.scores, _HC[kind], hat, fit.scores.shape[1]), kind
        narrow = f", and with {n} periods these limits are too narrow" if n < SHORT_SERIES else ""
        notes: tuple[str, ...] = (f"neighbouring periods are taken to be unrelated{narrow}",)
        papers, df = (("white1980",) if kind in ("robust", "hc0") else ("white1980", "mackinnon_white1985")), None
    else:
        length = len(np.unique(columns.period))
        chosen = _lags(lags, length)
        scores = fit.scores / np.maximum(1 - hat, 1e-12)[:, None] if kind == "hac-leverage" else fit.scores
        meat, label = hac_meat(scores, columns.period, chosen), f"{kind}({chosen})"
        short = f"the series has {length} periods: below {SHORT_SERIES}, limits from these errors are too narrow"
        notes = (short,) if length < SHORT_SERIES else ()
        papers, df = ("newey_west1987", "newey_west1994"), float(n - p) if kind == "hac-leverage" else None
    full = fit.bread @ meat @ fit.bread
    return Spread(fit.recode @ full[:p, :p] @ fit.recode.T, label, df, warnings=notes, sources=papers)


def _lags(lags: int | None, length: int) -> int:
    if lags is not None and (lags < 0 or lags != int(lags) or lags >= length):
        raise DataError(
            f"hac_lags={lags} does not fit a series of {length} periods.",
            code="hac-lags",
            hint="Use a few, or leave it out.",
        )
    return hac_lags(length) if lags is None else int(lags)
