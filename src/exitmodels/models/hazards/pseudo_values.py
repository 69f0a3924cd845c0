"""Pseudo-observations: a number for each person, as if no stay had been censored.

Third floor. A survival probability, an incidence or a mean time is written as
the mean of one number per row; an ordinary regression of these numbers on
covariates is then a regression of the probability or the mean itself.

Read next: pseudo.py (regression).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError, SchemeError
from exitmodels.kernels import functionals
from exitmodels.kernels.functionals import Readings, readings
from exitmodels.kernels.leaveout import leave_one_out
from exitmodels.kernels.risksets import risk_index
from exitmodels.models.hazards.moment_fit import asked_times
from exitmodels.results.labels import labelled
from exitmodels.shapes.spells import Spells

__all__ = ["Pseudo", "make_pseudo", "method_for", "pseudo_rows", "pseudo_values"]

KINDS = ("survival", "incidence", "rmst", "time-lost", "cumhaz")
METHODS = ("jackknife", "infinitesimal")


def pseudo_values(
    spells: Spells,
    kind: str = "survival",
    times: Any = None,
    *,
    event: Any = None,
    by: str | Sequence[str] | None = None,
    method: str | None = None,
    start: float | None = None,
) -> Any:
    """Pseudo-observations of each row.

    Parameters
    ----------
    spells : Spells
    kind : {"survival", "incidence", "rmst", "time-lost", "cumhaz"}
        S(t); incidence of `event`; mean time before leaving, up to t; mean time lost to `event` before t;
        cumulative hazard (Nelson-Aalen).
    times : float or sequence of float
    event : label, list of labels or "any", optional
        For "incidence" and "time-lost" other exits compete; for the rest they are censored.
    by : str or list of str, optional
        Values are made within these groups: needed when censoring differs between them.
    method : {"jackknife", "infinitesimal"}, optional
        "jackknife": n times the estimate less n - 1 times the estimate with the row left out (as R's pseudo).
        "infinitesimal": estimate plus n times the influence of the row (as R's survival). They differ in the
        third digit. By default "jackknife"; "infinitesimal" with sampling weights.
    start : float, optional
        Condition on being there at this time: for data with delayed entry. Those who enter later are set aside.

    Returns
    -------
    DataFrame
        One row per row of the spells, labelled alike; one column per time. The mean of a column is the estimate.

    Raises
    ------
    SchemeError
        If only exits inside a window were recorded, or if people enter late and `start` is not given.
    DataError
        For times beyond the last one observed, or several causes and none chosen.

    Notes
    -----
    Assumes that censoring is independent of the covariates (within the groups of `by`). With delayed entry
    the mean of a pseudo-observation given covariates is not the quantity asked for (Parner, Andersen &
    Overgaard 2023). Exact in O(n log n): nothing is refitted.
    Source: Andersen, Klein & Rosthoj (2003).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[2, 3, 5, 8], event=[1, 0, 1, 1])
    >>> xm.pseudo_values(spells, times=4).round(3).iloc[:, 0].tolist()
    [0.0, 1.0, 1.0, 1.0]
    """
    asked = asked_times(times)
    rows, cause, begin = pseudo_rows(spells, kind, event, asked, start, "pseudo_values")
    made = make_pseudo(rows.complete(by), kind, asked, cause, by, method_for(method, rows), begin)
    return labelled(made.values, made.rows.labels, list(asked))


@dataclass(frozen=True, eq=False)
class Pseudo:
    """Pseudo-observations, and the groups they were made in."""

    rows: Spells
    values: Floats
    parts: tuple[tuple[Ints, Readings, float], ...]


def method_for(method: str | None, rows: Spells) -> str:
    sampling = rows.weight is not None and rows.weights == "sampling"
    if method is None:
        return "infinitesimal" if sampling else "jackknife"
    if method not in METHODS:
        raise DataError(f"method={method!r} is not known.", code="method", hint=f"One of {', '.join(METHODS)}.")
    if method == "jackknife" and sampling:
        raise DataError(
            "To leave one person out, weights must count people; these are sampling weights.",
            code="sampling-weights",
            hint='Use method="infinitesimal".',
        )
    return method


def pseudo_rows(
    spells: Spells, kind: str, event: Any, times: Floats, start: float | None, name: str
) -> tuple[Spells, int, float]:
    """The rows that are used, the code of the cause that counts (0 for all), and the time they start from."""
    if kind not in KINDS:
        raise DataError(f"kind={kind!r} is not known.", code="kind", hint=f"One of {', '.join(KINDS)}.")
    spells.require_scheme(name)
    rows, cause = spells, 0
    if kind in ("incidence", "time-lost"):
        if event != "any" or "any" in spells.causes:
            chosen = spells.for_cause(event)
            code = np.where(chosen.event > 0, 1, np.where(spells.event > 0, 2, 0)).astype(np.int64)
            rows = spells._with(event=code, causes=(chosen.causes[0], "any other"))
            cause = 1
    else:
        rows = spells.for_cause(event)
    if start is not None:
        rows = rows.select((rows.entry <= start) & (rows.exit > start), why=f"not there at the start, {start:g}")
    begin = float(start) if start is not None else float(rows.entry.min())
    if np.any(rows.entry > begin):
        raise SchemeError(
            f"{int(np.count_nonzero(rows.entry > begin))} people enter after time {begin:g}. With delayed entry the "
            "mean of a pseudo-observation given covariates is not the probability asked for (Parner, Andersen & "
            "Overgaard 2023), so the regression would be biased.",
            rows=rows.labels[np.flatnonzero(rows.entry > begin)],
            code="delayed-entry",
            hint="Give start=, to condition on those who are there at that time; or use Cox, AalenAdditive or "
            "DiscreteHazard, which take delayed entry as it stands.",
        )
    if np.any(times <= begin):
        raise DataError(
            f"The time {times.min():g} is not after {begin:g}, when everyone is at risk.",
            code="times",
            hint="Give later times.",
        )
    return rows, cause, begin


def make_pseudo(
    rows: Spells, kind: str, times: Floats, cause: int, by: str | Sequence[str] | None, method: str, begin: float
) -> Pseudo:
    code, keys = rows.groups(by)
    out, parts = np.empty((len(rows), len(times))), []
    for g, key in enumerate(keys):
        members = np.arange(len(rows)) if code is None else np.flatnonzero(code == g)
        exit, event, weight = rows.exit[members], rows.event[members], rows.row_weight[members]
        _refuse_horizon(key, times, exit)
        index = risk_index(None, exit, event > 0)
        made = readings(index, event, weight, len(rows.causes), kind, times, cause, begin)
        size = float(weight.sum())
        whole = functionals.values(made)
        if method == "jackknife":
            out[members] = size * whole - (size - 1.0) * leave_one_out(made)
        else:
            out[members] = whole + size * functionals.influence(made)
        parts.append((members, made, size))
    return Pseudo(rows, out, tuple(parts))


def _refuse_horizon(key: dict[str, Any], times: Floats, exit: Floats) -> None:
    last = float(exit.max())
    if times.max() > last:
        label = ", ".join(f"{name}={value}" for name, value in key.items()) or "these spells"
        raise DataError(
            f"The time {times.max():g} lies beyond {last:g}, the last observed time of {label}.",
            code="horizon",
            hint=f"Give times up to {last:g}.",
        )
