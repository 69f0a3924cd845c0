"""Incidence predicted by a Fine-Gray fit, with limits.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels import coxcurves
from exitmodels.kernels.subcurves import Moments, curve_moments, curve_variance
from exitmodels.kernels.subvarying_curves import varying_curve_variance
from exitmodels.models.hazards.finegray_fitted import FineGrayFitted, Variance
from exitmodels.results.curve import Curve
from exitmodels.results.piece import Piece

if TYPE_CHECKING:
    from exitmodels.models.hazards.finegray_results import FineGrayResults

__all__ = ["incidence_of", "predicted_hazards"]


@dataclass(frozen=True, eq=False)
class _Path:
    """One new row at the event times of its stratum: relative risk, cumulative hazard, and its slope."""

    stratum: int
    risk: Floats
    hazard: Floats
    slope: Floats
    model: Floats


class _Limits:
    """Variances of predicted curves; what new rows share is computed once."""

    def __init__(self, result: FineGrayResults) -> None:
        self.result = result
        self.shared: dict[int, Moments] = {}
        self.made: tuple[FineGrayFitted, Variance, Floats] | None = None
        if result.vcov not in ("model", "bootstrap"):
            fitted = result._data("A robust limit")
            kind, _, known = result.vcov.partition(", ")
            variance = Variance(kind, bool(known))
            inverse = result.model_covariance * np.outer(result.scale, result.scale)
            self.made = fitted, variance, fitted.influence(variance.known) @ inverse

    def variance(self, path: _Path, chosen: Ints) -> Floats:
        """Of the cumulative hazard at the chosen event times of the stratum."""
        if self.made is None:
            return path.model[chosen]
        fitted, variance, coefficients = self.made
        assert fitted.terms is not None
        factor, cluster = fitted.units(variance.kind)
        if fitted.varying is not None and fitted.at is not None:
            return varying_curve_variance(
                fitted.at,
                fitted.data,
                fitted.varying,
                fitted.terms,
                path.stratum,
                path.risk,
                path.slope,
                coefficients,
                factor,
                cluster,
                variance.known,
            )[chosen]
        if path.stratum not in self.shared:
            self.shared[path.stratum] = curve_moments(
                fitted.data, fitted.terms, path.stratum, chosen, coefficients, factor, cluster, variance.known
            )
        one = float(path.risk[0]) if len(path.risk) else 1.0
        return one**2 * curve_variance(self.shared[path.stratum], path.slope[chosen] / one)


def predicted_hazards(result: FineGrayResults, new: Any, times: Any, transform: str, limits: bool = True) -> Curve:
    """Predicted cumulative subdistribution hazard of each new row."""
    scaled, offset, stratum, labels = result._new_rows(new)
    shared = _Limits(result) if limits else None
    pieces = []
    for i, label in enumerate(labels):
        path = _path(result, int(stratum[i]), scaled[i], float(offset[i]))
        own = _own(result, path.stratum)
        at, chosen = _asked(result.baseline.times[own], times, result.until[path.stratum])
        read = np.maximum(chosen, 0)
        squared = np.zeros(len(path.hazard)) if shared is None else np.empty(0)
        if shared is not None:
            needed = np.unique(read[chosen >= 0])
            known = shared.variance(path, needed) if len(needed) else np.empty(0)
            squared = known[np.searchsorted(needed, read)] if len(needed) else np.zeros(len(read))
        else:
            squared = np.full(len(read), np.nan)
        hazard = np.where(chosen >= 0, path.hazard[read], 0.0)
        se = np.where(chosen >= 0, np.sqrt(squared), 0.0)
        pieces.append(Piece.predicted({"row": label}, at, hazard, se, result.until[path.stratum]))
    return Curve(
        kind="cumulative hazard",
        pieces=tuple(pieces),
        transform=transform,
        variance=result.vcov,
        unit=result.unit,
        ledger=result.ledger,
        method="Cumulative subdistribution hazard predicted by a Fine-Gray model",
        sources=result.sources,
        outcome=result.outcome,
    )


def incidence_of(hazards: Curve, transform: str) -> Curve:
    """Incidence, one minus exp of minus the cumulative hazard."""
    pieces = []
    for piece in hazards.pieces:
        left = np.exp(-piece.estimate)
        pieces.append(replace(piece, estimate=-np.expm1(-piece.estimate), se=left * piece.se))
    return replace(
        hazards,
        kind="incidence",
        pieces=tuple(pieces),
        transform=transform,
        method="Incidence predicted by a Fine-Gray model",
    )


def _own(result: FineGrayResults, stratum: int) -> slice:
    return slice(int(result.baseline.bounds[stratum]), int(result.baseline.bounds[stratum + 1]))


def _path(result: FineGrayResults, stratum: int, scaled: Floats, offset: float) -> _Path:
    own = _own(result, stratum)
    beta = result.estimate * result.scale
    varying = result.varying
    rows = np.broadcast_to(scaled, (own.stop - own.start, len(scaled)))
    if varying is not None:
        rows = varying.wide(scaled)[own]
    risk = np.exp(rows @ beta + offset)
    covariance = result.covariance * np.outer(result.scale, result.scale)
    _, hazard, model = coxcurves.hazard_curve(result.baseline, stratum, rows, risk, covariance)
    slope = coxcurves.path_slope(result.baseline, own, rows, risk)
    return _Path(stratum, risk, hazard, slope, model)


def _asked(grid: Floats, times: Any, until: float) -> tuple[Floats, Ints]:
    """Times at which the curve is given, and the event time that each shows (-1: before the first)."""
    if times is None:
        return grid, np.arange(len(grid))
    asked = np.unique(np.atleast_1d(np.asarray(times, dtype=float)))
    if not np.isfinite(asked).all():
        raise DataError("Times must be finite.", code="times", hint="Give numbers in the unit of the spells.")
    asked = asked[asked <= until]
    return asked, np.searchsorted(grid, asked, side="right") - 1
