"""The bootstrap of any model: resample people, refit, read off the numbers.

Second floor. Models hold choices and no data, so the same model is fitted to
each sample; this file knows neither which model it is nor what it estimates.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import ConvergenceWarning, DataError, DataWarning, IdentificationError
from exitmodels.results.resampled import Resampled
from exitmodels.shapes.grouping import group_codes
from exitmodels.shapes.spells import Spells

__all__ = ["bootstrap"]


def bootstrap(
    model: Any,
    spells: Spells,
    n: int = 1000,
    by: str | None = None,
    rng: np.random.Generator | int | None = None,
    progress: bool = False,
    statistic: Callable[[Any], Any] | None = None,
    bca: bool = False,
) -> Resampled:
    """Bootstrap a model.

    Parameters
    ----------
    model : any model with ``fit(spells)``
    spells : Spells
    n : int
        Number of bootstrap samples.
    by : str, optional
        What is drawn: a row by default (a person counted by a frequency weight); "cluster" draws the clusters
        of the spells, a column's name its groups. Rows of one person must be drawn together.
    rng : numpy Generator or seed
    progress : bool
        Write how far it is to standard error.
    statistic : function of a fit, optional
        Gives the numbers to be studied (an array or Series); the coefficients by default.
    bca : bool
        Also leave out each unit in turn (or each of 200 blocks of units), which
        ``conf_int(method="bca")`` needs.

    Returns
    -------
    Resampled
        `conf_int(method=)` gives percentile, basic, normal or BCa limits. Samples in which the model has no
        fit are NaN and counted.

    Raises
    ------
    DataError
        When more than half of the samples have no fit.

    Notes
    -----
    Models that can refit on their coded design (`Cox`) do so; the draws are those of fitting each sample anew.
    Source: Efron (1979); BCa: Efron (1987), with the acceleration from the jackknife.

    Examples
    --------
    >>> import exitmodels as xm
    >>> people = xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest")
    >>> boot = xm.bootstrap(xm.Cox("fin + prio"), people, n=50, rng=1)
    >>> boot.draws.shape
    (50, 2)
    """
    read = statistic or _coefficients
    fit = model.fit(spells)
    names, estimate = _named(read(fit))
    units = _units(spells, by)
    generator = np.random.default_rng(rng)
    tick = _ticker(n) if progress else _silent
    short = getattr(fit, "_bootstrap_draws", None) if statistic is None else None
    known = short(units, n, generator, tick) if short is not None and fit.nobs == spells.n else None
    draws = np.full((n, len(estimate)), np.nan) if known is None else known
    for i in range(n if known is None else 0):
        draws[i] = _again(model, _drawn(spells, units, generator), read, len(estimate))
        tick(i + 1)
    lost = int(np.isnan(draws).any(axis=1).sum())
    if lost > n / 2:
        raise DataError(
            f"The model has no fit in {lost} of {n} samples.",
            code="bootstrap",
            hint="Use a smaller model, or a penalty.",
        )
    made = "rows" if by is None else f"groups of {by}"
    return Resampled(
        names=names,
        estimate=estimate,
        draws=draws,
        method=f"Bootstrap of {type(model).__name__}, {n} samples of {made}",
        sources=("efron1979", *(("efron1987",) if bca else ())),
        ledger=spells.ledger,
        acceleration=_acceleration(model, spells, units, read, estimate) if bca else None,
    )


def _ticker(n: int) -> Callable[[int], None]:
    """Write progress to standard error, a hundred times at most."""

    def tick(done: int) -> None:
        if done % max(1, n // 100) == 0 or done == n:
            sys.stderr.write(f"\rbootstrap {done} of {n}" + ("\n" if done == n else ""))

    return tick


def _silent(done: int) -> None:
    """Say nothing."""


def _coefficients(fit: Any) -> Any:
    if not hasattr(fit, "params"):
        raise DataError(
            f"{type(fit).__name__} has no coefficients.",
            code="statistic",
            hint="Give statistic=, say lambda fit: fit.at([26, 52]).estimate.",
        )
    return fit.params


def _named(value: Any) -> tuple[tuple[str, ...], Floats]:
    numbers = np.atleast_1d(np.asarray(value, dtype=float)).ravel()
    index = getattr(value, "index", None)
    labels: Sequence[Any] = [f"statistic {i + 1}" for i in range(len(numbers))]
    if index is not None and getattr(value, "ndim", 0) == 1 and index.dtype.kind not in "iu":
        labels = list(index)
    return tuple(str(label) for label in labels), numbers


def _units(spells: Spells, by: str | None) -> Ints | None:
    """Group of each row that is drawn as one; None for rows."""
    if by is None:
        return None
    if by == "cluster":
        if spells.cluster is None:
            raise DataError("The spells have no clusters.", code="no-cluster", hint="Read them with cluster=.")
        return np.unique(spells.cluster, return_inverse=True)[1].astype(np.int64)
    return group_codes(spells.columns.want(by))[0].astype(np.int64)


def _drawn(spells: Spells, units: Ints | None, rng: np.random.Generator) -> Spells:
    """One sample: groups drawn twice are two groups."""
    size = len(spells)
    if units is not None:
        return _copies(spells, units, rng.integers(0, units.max() + 1, int(units.max()) + 1))
    if spells.weight is not None and spells.weights == "frequency":
        total = round(float(spells.weight.sum()))
        counts = rng.multinomial(total, spells.weight / spells.weight.sum())
        kept = np.flatnonzero(counts)
        return spells._take(kept)._with(weight=counts[kept].astype(float))
    return spells._take(rng.integers(0, size, size))


def _copies(spells: Spells, units: Ints, chosen: Ints) -> Spells:
    order = np.argsort(units, kind="stable")
    start = np.searchsorted(units[order], np.arange(int(units.max()) + 2))
    many = np.diff(start)[chosen]
    ends = np.cumsum(many)
    within = np.arange(int(ends[-1])) - np.repeat(ends - many, many)
    rows = order[np.repeat(start[chosen], many) + within]
    return spells._take(rows)._with(cluster=np.repeat(np.arange(len(chosen)), many))


def _again(model: Any, sample: Spells, read: Callable[[Any], Any], q: int) -> Floats:
    """The numbers of one sample; NaN when the model refuses it or finds no maximum."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            warnings.simplefilter("error", ConvergenceWarning)
            values = np.atleast_1d(np.asarray(read(model.fit(sample)), dtype=float)).ravel()
    except (DataError, IdentificationError, ConvergenceWarning, np.linalg.LinAlgError):
        return np.full(q, np.nan)
    return values if len(values) == q else np.full(q, np.nan)


def _acceleration(
    model: Any, spells: Spells, units: Ints | None, read: Callable[[Any], Any], estimate: Floats
) -> Floats:
    """Skewness of the jackknife values over six: Efron (1987), eq. 7.3 in its empirical form."""
    unit = np.arange(len(spells)) if units is None else units
    size = int(unit.max()) + 1
    block = unit if size <= 200 else unit * 200 // size
    values = np.array(
        [
            _again(model, spells._take(np.flatnonzero(block != b)), read, len(estimate))
            for b in range(int(block.max()) + 1)
        ]
    )
    away = np.nanmean(values, axis=0) - values
    with np.errstate(divide="ignore", invalid="ignore"):
        skew = np.nansum(away**3, axis=0) / (6 * np.nansum(away**2, axis=0) ** 1.5)
    return np.where(np.isfinite(skew), skew, 0.0)
