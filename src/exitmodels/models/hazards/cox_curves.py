"""Curves predicted by a Cox fit: for new rows, and along a path of covariates, with limits.

Third floor, in the room of hazards. A new row and a path are one thing here:
the relative risk and the covariates at each event time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels import coxcurves
from exitmodels.kernels.partial import CoxTerms, cox_terms
from exitmodels.kernels.productlimit import product_limit
from exitmodels.results.curve import Curve
from exitmodels.results.piece import Piece
from exitmodels.shapes.columns import rows_of
from exitmodels.shapes.grouping import group_codes

if TYPE_CHECKING:
    from exitmodels.models.hazards.cox_fit import CoxFit

__all__ = ["cumulative_hazards", "path_hazards", "survival_of"]

_BASELINES = ("efron", "breslow", "kalbfleisch-prentice")
_VARIANCES = ("full", "coefficients", "centred")


@dataclass(frozen=True, eq=False)
class _Base:
    """A baseline, with the terms its increments come from where the fit used others."""

    hazard: coxcurves.Baseline
    plain: CoxTerms | None = None
    source: str | None = None


def cumulative_hazards(result: CoxFit, new: Any, transform: str, variance: str, baseline: str | None) -> Curve:
    """Predicted cumulative hazard of each new row."""
    scaled, lp, stratum, labels = result._new_rows(new)
    base = _base(result, baseline, variance)
    moments: dict[int, Any] = {}
    pieces = []
    for i, label in enumerate(labels):
        s = int(stratum[i])
        rows, added = result._over_time(scaled[i], s)
        factor, risk = float(np.exp(lp[i])), np.exp(added)
        time, hazard, squared = coxcurves.hazard_curve(base.hazard, s, rows, risk, _covariance(result))
        if result.vcov != "model" and variance == "full":
            if s not in moments:
                moments[s] = _moments(result, base, s, None)
            squared = _robust(base, s, rows, risk, moments[s])
        keys = {"row": label}
        pieces.append(Piece.predicted(keys, time, factor * hazard, factor * np.sqrt(squared), result.until[s]))
    return _curve(result, base, pieces, transform)


def path_hazards(
    result: CoxFit,
    new: Any,
    start: str,
    stop: str,
    by: str | None,
    transform: str,
    variance: str,
    baseline: str | None,
) -> Curve:
    """Cumulative hazard of people whose covariates change: rows hold on (start, stop]."""
    columns, n, labels = rows_of(new)
    begins, ends = (np.asarray(columns[name].values, dtype=float) for name in (start, stop))
    who, names = (np.zeros(n, np.int64), ["path"]) if by is None else group_codes(columns[by])
    scaled, lp, stratum, _ = result._new_rows(new)
    base = _base(result, baseline, variance)
    pieces = []
    for p, name in enumerate(names):
        own = np.flatnonzero(who == p)
        own = own[np.argsort(begins[own], kind="stable")]
        _check_path(begins[own], ends[own], labels[own], stratum[own], start, stop)
        s = int(stratum[own[0]])
        grid = base.hazard.times[int(base.hazard.bounds[s]) : int(base.hazard.bounds[s + 1])]
        place = np.searchsorted(ends[own], grid, side="left")
        inside = (grid > begins[own[0]]) & (place < len(own))
        row = own[np.minimum(place, len(own) - 1)]
        rows, added = result._over_time(scaled[row], s)
        risk = np.where(inside, np.exp(lp[row] + added), 0.0)
        time, hazard, squared = coxcurves.hazard_curve(base.hazard, s, rows, risk, _covariance(result))
        if result.vcov != "model" and variance == "full":
            squared = _robust(base, s, rows, risk, _moments(result, base, s, risk))
        kept = inside.nonzero()[0]
        until = min(result.until[s], float(ends[own[-1]]))
        pieces.append(Piece.predicted({"row": name}, time[kept], hazard[kept], np.sqrt(squared[kept]), until))
    return _curve(result, base, pieces, transform)


def survival_of(hazards: Curve, transform: str) -> Curve:
    """Survival, exp of minus the cumulative hazard."""
    pieces = []
    for piece in hazards.pieces:
        survival = np.exp(-piece.estimate)
        with np.errstate(invalid="ignore"):
            se = np.where(survival > 0, survival * piece.se, np.nan)
        pieces.append(replace(piece, estimate=survival, se=se))
    method = hazards.method.replace("Cumulative hazard", "Survival")
    return replace(hazards, kind="survival", pieces=tuple(pieces), transform=transform, method=method)


def _covariance(result: CoxFit) -> Floats:
    return result.covariance * np.outer(result.scale, result.scale)


def _base(result: CoxFit, kind: str | None, variance: str) -> _Base:
    """The increments asked for; those of the fit by default."""
    if variance not in _VARIANCES:
        raise DataError(f"variance={variance!r} is not known.", code="variance", hint=", ".join(_VARIANCES) + ".")
    if kind is not None and kind not in _BASELINES:
        raise DataError(f"baseline={kind!r} is not known.", code="baseline", hint=", ".join(_BASELINES) + ".")
    if variance == "centred" and kind != "kalbfleisch-prentice":
        raise DataError(
            'variance="centred" belongs to the product-limit baseline.',
            code="variance",
            hint='Give baseline="kalbfleisch-prentice", or another variance.',
        )
    if kind is None or kind == result.ties:
        return _Base(result.baseline)
    if result.varying is not None:
        raise DataError(
            f"With effects that change with time the baseline is {result.ties}'s.",
            code="baseline",
            hint="Leave it out.",
        )
    fitted = result._data("Another baseline")
    data = replace(fitted.data, efron=kind == "efron" and bool(np.any(fitted.data.count > 1)))
    terms = cox_terms(result.estimate * result.scale, data)
    if kind != "kalbfleisch-prentice":
        return _Base(coxcurves.baseline(data, terms), terms, "breslow1974" if kind == "breslow" else "efron1977")
    centring = result._centring() if variance == "centred" else None
    return _Base(product_limit(data, terms, centring), terms, "kalbfleisch_prentice2002")


def _moments(result: CoxFit, base: _Base, stratum: int, risk: Floats | None) -> list[tuple[int, Floats, Floats]]:
    """Second moments of the influences, one set for each grouping of the rows, with its sign."""
    fitted = result._data("A robust limit")
    if fitted.terms is None or result.varying is not None:
        raise DataError(
            "Robust limits of curves are not offered when effects change with time.",
            code="variance",
            hint='Give variance="coefficients", or split the spells and put the product in the formula.',
        )
    inverse = result.model_covariance * np.outer(result.scale, result.scale)
    out = []
    for sign, factor, cluster in fitted.units(result.vcov):
        moments, rate = coxcurves.influence_moments(
            fitted.data, fitted.terms, fitted.stratum, stratum, inverse, factor, cluster, risk, base.plain
        )
        out.append((sign, moments, rate))
    return out


def _robust(base: _Base, stratum: int, rows: Floats, risk: Floats, moments: list[tuple[int, Floats, Floats]]) -> Floats:
    total = sum(
        sign * coxcurves.influence_variance(base.hazard, stratum, rows, risk, made, rate)
        for sign, made, rate in moments
    )
    return np.maximum(np.asarray(total), 0.0)


def _check_path(begins: Floats, ends: Floats, labels: Any, stratum: Ints, start: str, stop: str) -> None:
    bad = np.flatnonzero((begins >= ends) | np.append(begins[1:] < ends[:-1], False))
    if bad.size:
        raise DataError(
            f"The rows of a path must follow one another; here one ends before it begins, or overlaps the next "
            f"({start}={begins[bad[0]]:g}, {stop}={ends[bad[0]]:g}).",
            rows=labels[bad],
            code="path",
            hint=f"Give one row for each stretch ({start}, {stop}] of time.",
        )
    if np.any(begins[1:] > ends[:-1]):
        at = int(np.flatnonzero(begins[1:] > ends[:-1])[0])
        raise DataError(
            f"The path has a hole between {ends[at]:g} and {begins[at + 1]:g}.",
            rows=labels[[at, at + 1]],
            code="path",
            hint="Say which covariates hold there.",
        )
    if np.any(stratum != stratum[0]):
        raise DataError("A path that changes its stratum has no hazard of its own.", code="path", hint="One stratum.")


def _curve(result: CoxFit, base: _Base, pieces: list[Piece], transform: str) -> Curve:
    variance = "tsiatis1981" if result.vcov == "model" else "reid_crepeau1985"
    return Curve(
        kind="cumulative hazard",
        pieces=tuple(pieces),
        transform=transform,
        variance=result.vcov,
        unit=result.unit,
        ledger=result.ledger,
        method="Cumulative hazard predicted by a Cox model",
        sources=(*result.sources, *((base.source,) if base.source else ()), variance),
        outcome=result.outcome,
    )
