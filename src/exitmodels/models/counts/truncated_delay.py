"""Regression of a delay (or a stay) that could be seen only if it was short enough.

Third floor. The arithmetic is in kernels/truncatedscale.py.

Read next: truncated_delay_results.py; nowcast.py, which needs no law for the delay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError, IdentificationError, SchemeError
from exitmodels.kernels.ascent import Ascent, ascend
from exitmodels.kernels.linalg import symmetric_inverse
from exitmodels.kernels.sandwich import cluster_meat, robust_meat
from exitmodels.kernels.truncatedscale import LAWS, Truncated, power_law, row_terms, surface
from exitmodels.models.counts.checks import recoding, refuse_collinear, refuse_few
from exitmodels.models.counts.truncated_delay_results import TruncatedDelayResults
from exitmodels.shapes.design import Design
from exitmodels.shapes.spells import Spells

__all__ = ["TruncatedDelay"]

_FLAT = 1e-7
_KINDS = ("model", "robust", "cluster")


@dataclass(frozen=True)
class TruncatedDelay:
    """Accelerated failure time regression under right truncation.

    log(delay) = x b + error / shape; a row counts by f(delay) / F(limit), for it is in the table only because its
    delay was no longer than its limit.

    Parameters
    ----------
    formula : str
        Right-hand side; an intercept is always included. Coefficients move log time: exp(b) multiplies the delay.
    family : {"weibull", "lognormal", "loglogistic"}
    vcov : {"model", "robust", "cluster"}, optional
        "cluster" needs clusters in the spells or ``cluster(name)`` in the formula. By default "cluster" if there are
        some, "robust" for sampling weights, else "model" (observed information).

    Notes
    -----
    Covariates must not be known only because of the delay. Nothing is known about delays beyond the largest limit:
    what the law says there is extrapolation. The likelihood may have no finite maximum (the scale runs away and only
    the power law (t / limit)^k is left); then the fit is refused, with that limit. Source: Lagakos, Barraj and De
    Gruttola (1988); Kalbfleisch and Lawless (1989, 1991).

    Examples
    --------
    >>> delay, limit = [1, 2, 2, 3, 5, 4, 1, 2, 6, 3], [9, 9, 8, 8, 8, 6, 5, 4, 9, 3.5]
    >>> fit = TruncatedDelay().fit(Spells(exit=delay, right_limit=limit))
    >>> fit.converged, fit.names
    (True, ('Intercept', 'log shape'))
    """

    formula: str = "1"
    family: str = "weibull"
    vcov: str | None = None

    def __post_init__(self) -> None:
        for name, known in (("family", LAWS), ("vcov", (None, *_KINDS))):
            if getattr(self, name) not in known:
                shown = ", ".join(str(value) for value in known if value)
                raise DataError(f"{name}={getattr(self, name)!r} is not known.", code=name, hint=f"Use one of {shown}.")

    def fit(self, spells: Spells) -> TruncatedDelayResults:
        """Fit to spells with `right_limit` (delays and how long each could have been and still be seen).

        Raises
        ------
        SchemeError
            Without right limits, with left ones above zero, or with late entry: this likelihood is not theirs.
        DataError
            For censored rows, delays of zero, collinear columns, fewer events than coefficients.
        IdentificationError
            When the likelihood has no finite maximum.
        """
        limit = _limits(spells)
        design = Design.of(self.formula, spells.columns, labels=spells.labels, intercept=True)
        if design.strata is not None or design.offset is not None:
            raise DataError(
                "strata() and offset() terms are not used here.", code="formula", hint="Use a factor instead."
            )
        weight = spells.row_weight
        names = (*design.names, "log shape")
        refuse_few(float(weight.sum()), len(spells), names)
        back = recoding(design.matrix, design.names)
        if len(design.names) > 1:
            refuse_collinear(design.matrix, design.matrix @ back, design.names)
        time = np.asarray(spells.exit, dtype=np.float64)
        data = Truncated(np.log(time), np.log(limit), design.matrix @ back, weight, self.family)
        best = self._climb(data)
        turn = np.eye(len(names))
        turn[:-1, :-1] = back
        cluster = design.cluster if design.cluster is not None else spells.cluster
        kind = self.vcov or (
            "cluster" if cluster is not None else "robust" if spells.weights == "sampling" else "model"
        )
        covariance = turn @ _covariance(data, best, kind, cluster, spells.weights) @ turn.T
        estimate = turn @ best.at
        null = Truncated(data.log_time, data.log_limit, np.ones((len(spells), 1)), weight, self.family)
        alone = ascend(lambda theta: surface(null, theta), np.array([float(data.log_time.mean()), 0.0]))
        sampling = spells.weights == "sampling"
        return TruncatedDelayResults(
            names=names,
            estimate=estimate,
            covariance=covariance,
            vcov=kind,
            llf=best.surface.value,
            llnull=alone.surface.value,
            nobs=float(len(spells)) if sampling else float(weight.sum()),
            n_events=float(weight.sum()),
            converged=best.converged,
            ledger=spells.ledger,
            method=f"{self.family.capitalize()} regression of right-truncated delays",
            sources=("lagakos1988", "kalbfleisch_lawless1991"),
            outcome="delay",
            family=self.family,
            largest_limit=float(limit.max()),
            unit=spells.unit,
            design=design,
            limit=limit,
            weight=weight,
        )

    def _climb(self, data: Truncated) -> Ascent:
        start = np.zeros(data.design.shape[1] + 1)
        start[0] = float(np.average(data.log_time, weights=data.weight))
        best = ascend(lambda theta: surface(data, theta), start)
        n = float(data.weight.sum())
        flattest = float(np.linalg.eigvalsh(best.surface.information / n).min())
        if best.converged and flattest > _FLAT:
            return best
        if flattest <= _FLAT or not best.converged:
            raise IdentificationError(_nowhere(data, best, self.family), code="no-maximum", hint=_INSTEAD)
        return best


_INSTEAD = (
    "Report the reverse hazards (delay_distribution) up to the largest limit, use a law with fewer parameters, "
    "or bring outside knowledge of the delay."
)


def _nowhere(data: Truncated, best: Ascent, family: str) -> str:
    text = (
        "The likelihood has no finite maximum that was found: it still rises as the scale runs away, so these records "
        "do not tell the delays beyond their limits."
    )
    if family == "lognormal" or not np.isfinite(data.log_limit).all():
        return text
    k, value = power_law(data)
    return (
        f"{text} Its limit for all rows together is the power law (t / limit)^k with k = {k:.6g}, log-likelihood "
        f"{value:.6g} (the search stopped at {best.surface.value:.6g})."
    )


def _limits(spells: Spells) -> Floats:
    if spells.right_limit is None:
        raise SchemeError(
            "TruncatedDelay needs to know how long each delay could have been and still be seen; these spells have no "
            "right limits.",
            code="scheme",
            hint="Give right_limit=, the time from each event to the end of observation (the same clock as exit).",
        )
    limit = np.asarray(spells.right_limit, dtype=np.float64)
    left = spells.left_limit
    if (left is not None and np.any(np.asarray(left) > 0)) or np.any(np.asarray(spells.entry) > 0):
        raise SchemeError(
            "Some rows could be seen only if their time was long enough too (left limits or late entry above zero).",
            code="scheme",
            hint="This likelihood is for right truncation alone; choose the rows without, or a doubly truncated model.",
        )
    for bad, what, code, hint in (
        (np.asarray(spells.event) == 0, "are censored", "censored", "A truncated sample holds complete delays only."),
        (
            np.asarray(spells.exit) <= 0,
            "have a delay of 0",
            "zero-delay",
            "Add half a day to it, and one to the limit.",
        ),
        (np.asarray(spells.exit) > limit, "are longer than their limit", "limit", "Check the end of observation."),
    ):
        if np.any(bad):
            raise DataError(f"{int(bad.sum())} rows {what}.", rows=spells.labels[bad], code=code, hint=hint)
    return limit


def _covariance(data: Truncated, best: Ascent, kind: str, cluster: Any, weights: str) -> Floats:
    bread = symmetric_inverse(best.surface.information)
    if kind == "model":
        return bread
    _, first, _ = row_terms(data, best.at)
    scores = np.column_stack([first[:, :1] * data.design, first[:, 1]])
    if kind == "cluster":
        if cluster is None:
            raise DataError("There are no clusters.", code="cluster", hint="Name them in the spells or the formula.")
        codes = np.unique(cluster, return_inverse=True)[1]
        return bread @ cluster_meat(scores * data.weight[:, None], codes, False) @ bread
    # A frequency of three is three rows; a sampling weight multiplies one row's score.
    size = np.sqrt(data.weight) if weights == "frequency" else data.weight
    return bread @ robust_meat(scores * size[:, None]) @ bread
