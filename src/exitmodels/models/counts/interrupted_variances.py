"""Limits of one coefficient of an interrupted series under every variance, side by side.

Third floor. The bootstrap refits all simulated series together in one kernel (kernels/batchglm.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from exitmodels.errors import DataError
from exitmodels.kernels.batchglm import fit_many
from exitmodels.models.counts.interrupted_fit import Columns, Estimate

if TYPE_CHECKING:
    from exitmodels.models.counts.interrupted_results import InterruptedResults

__all__ = ["effect_place", "variances"]

_SIDE_BY_SIDE = ("latent", "model", "quasi", "robust", "hc3", "hac", "hac-leverage")


def effect_place(fit: InterruptedResults, coef: str | None) -> int:
    """Number of a coefficient; by default of the first effect."""
    name = next(iter(fit.effects)) if coef is None else coef
    if name not in fit.names:
        raise DataError(f"No coefficient is called {name!r}.", code="coef", hint=f"Known: {', '.join(fit.names)}.")
    return fit.names.index(name)


def variances(
    fit: InterruptedResults, coef: str | None, alpha: float, n: int, rng: np.random.Generator | int | None
) -> Any:
    """Limits of one coefficient under every variance, side by side.

    Parameters
    ----------
    coef : str, optional
        By default the first effect.
    alpha : float
    n : int
        Simulated series for the bootstrap-t row; 0 leaves it out.
    rng : numpy Generator or seed

    Returns
    -------
    DataFrame
        variance, se, low, high, rate ratio and its limits, `width` relative to "quasi", and the caution that goes with
        each. The estimate is the same in all rows.

    Notes
    -----
    Bootstrap-t: series are drawn from the fitted rates times a latent autoregression, its correlation and variance
    drawn by their weights; each is fitted again, and |difference| / quasi-Poisson error gives the critical value.
    Source: Efron and Tibshirani (1993), section 12.5, symmetric form (Hall, 1992, section 3.6).
    """
    import pandas as pd

    place, data = effect_place(fit, coef), fit._data("Other variances")
    kinds = ("model",) if fit.family == "lognormal-ar1" else _SIDE_BY_SIDE
    rows = []
    for kind in kinds:
        other = fit.with_vcov(kind)
        low, high = other.conf_int(alpha).to_numpy()[place]
        own = [w for w in other.warnings if w not in fit.warnings or fit.vcov == other.vcov]
        rows.append((other.vcov, other.standard_errors[place], low, high, "; ".join(w for w in own if "cuts" not in w)))
    if n and not fit.family.startswith("lognormal"):
        assert data.fit is not None
        se, half = _bootstrap_t(fit, data.fit, data.columns, place, alpha, n, np.random.default_rng(rng))
        middle = fit.estimate[place]
        rows.append(("bootstrap-t", se, middle - half, middle + half, f"{n} simulated series"))
    made = pd.DataFrame(rows, columns=["variance", "se", "low", "high", "caution"]).set_index("variance")
    made.insert(3, "ratio", np.exp(fit.estimate[place]))
    made.insert(4, "ratio_low", np.exp(made["low"]))
    made.insert(5, "ratio_high", np.exp(made["high"]))
    width = made["high"] - made["low"]
    made.insert(6, "width", width / width["quasi"] if "quasi" in made.index else np.nan)
    return made


def _bootstrap_t(
    fit: InterruptedResults,
    found: Estimate,
    columns: Columns,
    place: int,
    alpha: float,
    n: int,
    rng: np.random.Generator,
) -> tuple[float, float]:
    limits = fit.with_vcov("latent").latent
    assert limits is not None
    pick = rng.choice(limits.weight.size, n, p=limits.weight.ravel())
    rho, tau2 = np.repeat(limits.rho, len(limits.tau2))[pick], np.tile(limits.tau2, len(limits.rho))[pick]
    wander = np.empty((n, len(columns.y)))
    for t, gap in enumerate(columns.gap):
        decay = rho**gap
        before = wander[:, t - 1] if t else np.zeros(n)
        wander[:, t] = decay * before + np.sqrt(tau2 * (1 - decay**2)) * rng.standard_normal(n)
    mean = found.mean * np.exp(wander - tau2[:, None] / 2)
    drawn = rng.poisson(np.minimum(mean, 1e9)).astype(np.float64)
    many = fit_many(drawn, found.centred, columns.offset, found.alpha)
    size = np.maximum(many.pearson / found.df, 1.0)
    turn = found.recode[place]
    error = np.sqrt(size * np.einsum("p,bpq,q->b", turn, many.bread, turn))
    away = np.abs(many.beta @ turn - fit.estimate[place]) / error
    away[~many.converged] = np.inf
    se = float(np.sqrt(max(found.phi, 1.0) * found.expected_bread[place, place]))
    return se, float(np.quantile(away, 1 - alpha, method="higher")) * se
