"""Uncertain labels and dates into any model: draw complete records, fit, pool.

Second floor. The file knows neither which model it is nor where labels and dates come from.

Read next: pooling.py (Rubin's rules), shapes/labels.py (draws of labels).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats
from exitmodels.errors import DataError
from exitmodels.results.pooling import pool
from exitmodels.shapes.dates import days_in_unit
from exitmodels.shapes.labels import Labels
from exitmodels.shapes.spells import Spells

__all__ = ["impute"]

_TRIES = 200


class Drawn(Protocol):
    """Dates that can be drawn."""

    def draw(self, m: int = 1, *, rng: np.random.Generator) -> AnyArray:
        """Days (m, n)."""
        ...


def impute(
    model: Any,
    spells: Spells,
    labels: Labels | None = None,
    dates: Drawn | Callable[[np.random.Generator], Any] | None = None,
    m: int = 20,
    *,
    rng: np.random.Generator | int | None = None,
    proper: bool = True,
    read: Callable[[Any], Any] | None = None,
    df_complete: float | None = None,
) -> Any:
    """Fit a model to records whose reasons or exit dates are uncertain, by multiple imputation.

    Parameters
    ----------
    model : any model with ``fit(spells)``
    spells : Spells
        With the exits as they are known; causes and exit times of those who left are replaced by draws.
    labels : Labels, optional
        Weights of each row over causes.
    dates : Dates, or function of a numpy Generator, optional
        Exit days of each row, as `parse_dates` gives them (the spells must have been read with an origin); or a
        function that returns exit times (n,) on the clock of the spells. Rows not yet left keep their time.
    m : int
        Imputations. 20 is usual; the result says whether it was enough (`mc_error`).
    rng : numpy Generator or seed
    proper : bool
        Whether prevalences and coders' tables behind the labels are drawn too; see `Labels.draw`. Rubin's rules ask
        for it: with False limits are a little short where few labels are certain.
    read : function of a fit, optional
        What is pooled: a regression or a curve, such as ``lambda fit: fit.predict_incidence({"age": [30]})``. By
        default the fit itself.
    df_complete : float, optional
        As in `pool`.

    Returns
    -------
    Pooled, or PooledCurve
        With the fits in `fits`.

    Raises
    ------
    DataError
        If labels are masked sets without a rule, dates cannot lie where the records put them (after the entry, inside
        the window and the row's own limits), or the model refuses a draw; a note on the error says which.

    Notes
    -----
    Draws of dates that fall outside what the records allow are drawn again (each row by itself). What the imputation
    ignores the pooled fit will not find: labels drawn without regard to a covariate pull its effects on causes
    together. Use ``spread(group=)``, or the labels of a fit: ``MaskedCox(...).fit(spells).labels()``.
    Source: Rubin (1987); Lu & Tsiatis (2001) for causes of exit.

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[2, 3, 4, 5, 7, 8, 9], event=["a", "b", "a", "?", "a", "in", "b"], censor="in")
    >>> labels = xm.Labels.of(spells, unknown="?").spread()
    >>> cif = xm.impute(xm.AalenJohansen(), spells, labels, m=10, rng=1)
    >>> cif.at(9)[["cause", "estimate"]].round(3).values.tolist()
    [['a', 0.529], ['b', 0.471]]
    """
    if labels is None and dates is None:
        raise DataError("Neither labels nor dates are given.", code="impute", hint="Then fit the model itself.")
    if m < 2:
        raise DataError(f"m={m}.", code="few-fits", hint="Two imputations or more; 20 is usual.")
    generator = np.random.default_rng(rng)
    fits, read_off = [], []
    for i, made in enumerate(_completed(spells, labels, dates, m, generator, proper)):
        try:
            fits.append(model.fit(made))
            read_off.append(fits[-1] if read is None else read(fits[-1]))
        except Exception as problem:
            problem.add_note(f"This happened in imputation {i + 1} of {m}.")
            raise
    pooled = pool(read_off, df_complete)
    return replace(pooled, fits=tuple(fits))


def _completed(
    spells: Spells, labels: Labels | None, dates: Any, m: int, rng: np.random.Generator, proper: bool
) -> Iterator[Spells]:
    if dates is None:
        assert labels is not None
        yield from labels.complete(spells, m, rng=rng, proper=proper)
        return
    if spells.weight is not None and spells.weights == "frequency" and np.any(spells.weight > 1):
        raise DataError(
            "Rows that stand for several people have one date for all of them.",
            code="weights",
            hint="Give each person a row of their own when dates are imputed.",
        )
    for _ in range(m):
        made = _dated(spells, dates, rng)
        yield made if labels is None else labels.complete(made, 1, rng=rng, proper=proper)[0]


def _dated(spells: Spells, dates: Any, rng: np.random.Generator) -> Spells:
    """Spells with one draw of the exit times of those who left."""
    left = spells.event > 0
    exit = np.where(left, np.nan, spells.exit.astype(np.float64))
    open_rows = np.flatnonzero(left)
    for _ in range(_TRIES):
        drawn = _times(spells, dates, rng)
        exit[open_rows] = drawn[open_rows]
        open_rows = open_rows[~_allowed(spells, exit)[open_rows]]
        if not len(open_rows):
            break
    else:
        i = int(open_rows[0])
        raise DataError(
            f"{len(open_rows)} exit dates never fall where the records put them (first: a draw of {exit[i]:g} for a "
            f"row at risk from {spells.entry[i]:g}).",
            rows=spells.labels[open_rows],
            code="dates",
            hint="An exit lies after its entry, inside the window, and within the row's limits; correct these rows.",
        )
    whole = spells.exit.dtype.kind in "iu" and bool(np.all(exit == np.floor(exit)))
    return spells._with(exit=exit.astype(np.int64) if whole else exit, lower=None, upper=None)


def _times(spells: Spells, dates: Any, rng: np.random.Generator) -> Floats:
    """One draw of exit times on the clock of the spells (n,); NaN where a date is missing."""
    if callable(dates):
        times = np.asarray(dates(rng), dtype=np.float64)
    else:
        if spells.origin is None:
            raise DataError(
                "These spells have no dates, so exit days cannot be placed on their clocks.",
                code="no-origin",
                hint="Read them with origin=, or give a function that returns exit times.",
            )
        days = np.asarray(dates.draw(1, rng=rng))[0]
        number = np.where(np.isnat(days), np.nan, days.astype("datetime64[D]").astype(np.int64))
        times = _on_clock(number, spells) if len(number) == len(spells) else number
    if times.shape != (len(spells),):
        raise DataError(f"There are {times.size} dates for {len(spells)} spells.", code="length", hint="One per row.")
    gone = np.flatnonzero(np.isnan(times) & (spells.event > 0))
    if gone.size:
        raise DataError(
            f"{gone.size} people left on a date that is missing.",
            rows=spells.labels[gone],
            code="missing",
            hint="Give an interval for the date, or set the rows aside.",
        )
    return times


def _on_clock(days: Floats, spells: Spells) -> Floats:
    assert spells.origin is not None
    return np.asarray((days - spells.origin) / days_in_unit(spells.unit), dtype=np.float64)


def _allowed(spells: Spells, exit: Floats) -> Bools:
    """Rows whose drawn exit the records could hold (n,)."""
    fine = exit > spells.entry
    if spells.left_limit is not None:
        fine &= exit >= spells.left_limit
    if spells.right_limit is not None:
        fine &= exit <= spells.right_limit
    if spells.window is not None and spells.origin is not None:
        length = days_in_unit(spells.unit)
        fine &= spells.origin + exit * length < spells.window[1]
    return np.asarray(fine)
