"""Absolute risks predicted from cause-specific Cox fits, with limits.

Third floor, in the room of hazards. The hazards of all causes are laid on one
grid of times; kernels.absoluterisk does the sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels import absoluterisk, coxresiduals
from exitmodels.models.hazards.cox_results import CoxResults
from exitmodels.results.curve import Curve
from exitmodels.results.piece import Piece

if TYPE_CHECKING:
    from exitmodels.models.hazards.cause_specific import CauseSpecificResults

__all__ = ["predicted_incidence"]


@dataclass(frozen=True, eq=False)
class _New:
    """New rows as one cause's model sees them."""

    scaled: Floats
    risk: Floats
    stratum: Ints


def predicted_incidence(
    result: CauseSpecificResults, new: Any, causes: Any, survival: str, start: float, transform: str
) -> Curve:
    """Incidence of the chosen causes for each new row."""
    if survival not in ("product-limit", "exponential"):
        raise DataError(
            f"survival={survival!r} is not known.", code="survival", hint='"product-limit" or "exponential".'
        )
    chosen = _chosen(result.causes, causes)
    made = [fit._new_rows(new) for fit in result.fits]
    labels = made[0][3]
    views = [_New(scaled, np.exp(lp), stratum) for scaled, lp, stratum, _ in made]
    influences = None if result.vcov == "model" else [_influence(fit) for fit in result.fits]
    pieces = []
    for i, label in enumerate(labels):
        strata = [int(view.stratum[i]) for view in views]
        grid = np.unique(np.concatenate([_own(f, s)[1] for f, s in zip(result.fits, strata, strict=True)]))
        grid = grid[grid > start]
        steps = [
            _steps(f, s, grid, v.scaled[i], float(v.risk[i]))
            for f, s, v in zip(result.fits, strata, views, strict=True)
        ]
        hazards = np.stack([step.hazard for step in steps])
        rows = None
        if influences is not None:
            rows = [_rows(f, s, grid, c) for f, s, c in zip(result.fits, strata, influences, strict=True)]
        until = min(f.until[s] for f, s in zip(result.fits, strata, strict=True))
        for k in chosen:
            risk = absoluterisk.absolute_risk(hazards, k, survival == "product-limit")
            if rows is None:
                squared = absoluterisk.model_variance(risk, k, steps, [_scaled(f) for f in result.fits])
            else:
                squared = _robust(result, risk, k, steps, rows, [float(v.risk[i]) for v in views])
            keys = {"row": label, "cause": result.causes[k]}
            pieces.append(Piece.predicted(keys, grid, risk.incidence, np.sqrt(squared), until))
    return Curve(
        kind="incidence",
        pieces=tuple(pieces),
        transform=transform,
        variance=result.vcov,
        unit=result.unit,
        ledger=result.ledger,
        method="Absolute risk from cause-specific Cox models",
        sources=("benichou_gail1990", *result.fits[0].sources),
        outcome="cause of exit",
    )


def _chosen(causes: tuple[Any, ...], asked: Any) -> list[int]:
    if asked is None:
        return list(range(len(causes)))
    wanted = list(asked) if isinstance(asked, (list, tuple)) else [asked]
    unknown = [cause for cause in wanted if cause not in causes]
    if unknown:
        raise DataError(
            f"{unknown[0]!r} is not a cause of exit here.",
            code="unknown-cause",
            hint=f"Causes: {', '.join(map(str, causes))}.",
        )
    return [causes.index(cause) for cause in wanted]


def _own(fit: CoxResults, stratum: int) -> tuple[slice, Floats]:
    own = slice(int(fit.baseline.bounds[stratum]), int(fit.baseline.bounds[stratum + 1]))
    return own, fit.baseline.times[own]


def _scaled(fit: CoxResults) -> Floats:
    return fit.covariance * np.outer(fit.scale, fit.scale)


def _steps(fit: CoxResults, stratum: int, grid: Floats, row: Floats, risk: float) -> absoluterisk.CauseSteps:
    """The hazard of one cause for one new row, zero at the times of other causes."""
    own, times = _own(fit, stratum)
    later = np.isin(times, grid)
    place = np.searchsorted(grid, times[later])
    base = fit.baseline
    hazard, square = np.zeros(len(grid)), np.zeros(len(grid))
    slope = np.zeros((len(grid), len(row)))
    hazard[place] = risk * base.hazard[own][later]
    square[place] = risk**2 * base.square[own][later]
    slope[place] = risk * (base.hazard[own][later, None] * row - base.drift[own][later])
    return absoluterisk.CauseSteps(hazard, square, slope)


def _influence(fit: CoxResults) -> Floats:
    """Influence of each row on the coefficients (scaled columns), without its weight."""
    fitted = fit._data("A robust limit")
    assert fitted.terms is not None
    inverse = fit.model_covariance * np.outer(fit.scale, fit.scale)
    return fitted.score(fitted.terms) @ inverse


def _rows(fit: CoxResults, stratum: int, grid: Floats, coefficients: Floats) -> absoluterisk.CauseRows:
    """Where each row stands on the common grid, and what it adds to the hazard of one cause."""
    fitted = fit._data("A robust limit")
    terms, data = fitted.terms, fitted.data
    assert terms is not None
    own, times = _own(fit, stratum)
    low, high, k = own.start, own.stop, len(grid)
    cut = np.append(np.searchsorted(grid, times), k)
    later = np.isin(times, grid)
    here = np.ones(len(data.matrix), bool) if fitted.stratum is None else fitted.stratum == stratum
    index, scale = data.index, np.exp(-terms.shift)
    enters = np.where(here, cut[np.clip(index.enters - low, 0, high - low)], k)
    leaves = np.where(here, cut[np.clip(index.leaves - low, 0, high - low)], k)
    moment = np.full(len(here), -1, dtype=np.int64)
    jump = np.zeros(len(here))
    left = np.flatnonzero(here & (index.moment >= 0))
    left = left[later[index.moment[left] - low]]
    at = index.moment[left]
    moment[left] = cut[at - low]
    relative = coxresiduals.relative_risk(data, terms)
    jump[left] = scale * (terms.hazard[at] / (data.share[at] * data.count[at]) + relative[left] * terms.square_f[at])
    square = np.zeros(k)
    square[cut[:-1][later]] = terms.square[own][later] * scale
    return absoluterisk.CauseRows(enters, leaves, moment, jump, relative, square, coefficients)


def _robust(
    result: CauseSpecificResults,
    risk: absoluterisk.Risk,
    cause: int,
    steps: list[absoluterisk.CauseSteps],
    rows: list[absoluterisk.CauseRows],
    scale: list[float],
) -> Floats:
    fitted = result.fits[0]._data("A robust limit")
    total = np.zeros(len(risk.incidence))
    for sign, factor, cluster in fitted.units(result.vcov):
        unit = np.arange(len(factor)) if cluster is None else cluster
        total += sign * absoluterisk.robust_variance(risk, cause, steps, rows, scale, factor, unit)
    return np.maximum(total, 0.0)
