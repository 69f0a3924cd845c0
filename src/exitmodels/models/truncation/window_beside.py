"""The estimate without a law beside the one with it, and the test that needs no model.

Third floor, in the room of truncation. Called by: window_results.py, when a summary is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError, IdentificationError, SchemeError
from exitmodels.kernels.windowhazards import WindowData, cause_hazards
from exitmodels.models.truncation.doubly import DoublyTruncated
from exitmodels.models.truncation.independence import quasi_independence_test
from exitmodels.models.truncation.window_curve import WindowCurve
from exitmodels.models.truncation.window_fit import row_chances
from exitmodels.render.text import Block, number
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.results.storing import Stored
from exitmodels.shapes.spells import Spells

__all__ = ["Beside", "lay_beside"]

_SHARES = (0.25, 0.5, 0.75)
_MOST_PAIRS = 4000
_MOST_ROWS = 4000
_STEPS = 48


@dataclass(frozen=True, eq=False, kw_only=True)
class Beside(Stored):
    """Nonparametric incidence beside the fitted one.

    Attributes
    ----------
    curve : WindowCurve or None
        Incidence of each cause among stays inside the range that could be seen; None when there is none.
    why : str
        Why there is no curve, or what existence check it passed.
    test : HypothesisTest or None
        Quasi-independence of stays and windows, without a model.
    why_not : str
        Why there is no test.
    time : (t,)
    recorded : (causes, t)
        Share of the records that are exits for the cause by then.
    fitted : (causes, t)
        What the fitted law says of people like these, among stays inside the range; NaN for exits of unknown cause.
    causes : tuple of str
    """

    curve: WindowCurve | None
    why: str
    test: HypothesisTest | None
    why_not: str
    time: Floats
    recorded: Floats
    fitted: Floats
    causes: tuple[str, ...]

    def block(self, alpha: float) -> Block:
        """One line for each cause and time: recorded, without a law and its limits, fitted."""
        level = number(100 * (1 - alpha), 3)
        columns = ("reason", "by", "recorded", "no law", f"low {level}%", f"high {level}%", "this law")
        limits = None if self.curve is None else self.curve.at(self.time, alpha)[["estimate", "lower", "upper"]]
        rows = []
        for k, cause in enumerate(self.causes):
            for j, time in enumerate(self.time):
                free = ("", "", "") if limits is None else tuple(map(float, limits.iloc[k * len(self.time) + j]))
                shown = "" if np.isnan(self.fitted[k, j]) else float(self.fitted[k, j])
                rows.append((cause, float(time), float(self.recorded[k, j]), *free, shown))
        heading = "Share gone for each reason, of stays inside the range that could be seen"
        return Block(columns, tuple(rows), heading)


def lay_beside(rows: Spells, data: WindowData, at: Floats, causes: tuple[Any, ...], cluster: bool) -> Beside:
    """Estimate incidence without a law, and say what the fitted law makes of it."""
    curve, why = _curve(rows, cluster)
    test, why_not = _test(rows)
    gone = np.asarray(rows.exit, dtype=np.float64)
    order = np.argsort(gone, kind="stable")
    upto = np.cumsum(rows.row_weight[order])
    places = np.searchsorted(upto, np.array(_SHARES) * upto[-1] * (1 - 1e-12))
    time = np.unique(gone[order][places])
    weight = rows.row_weight / rows.row_weight.sum()
    recorded = np.array([[weight[(rows.event == k) & (gone <= t)].sum() for t in time] for k in _codes(rows)])
    fitted = np.full((len(rows.causes), len(time)), np.nan)
    inside = _range(data, curve)
    made = _fitted(data, at, time, *inside)
    for k, cause in enumerate(causes):
        fitted[list(rows.causes).index(cause)] = made[k]
    names = tuple(str(c) for c in rows.causes)
    return Beside(
        curve=curve, why=why, test=test, why_not=why_not, time=time, recorded=recorded, fitted=fitted, causes=names
    )


def _codes(rows: Spells) -> range:
    return range(1, len(rows.causes) + 1)


def _closed(rows: Spells) -> str:
    """Exits on their left limit itself are kept by the likelihood; then windows are closed on both sides."""
    on = rows.left_limit is not None and bool(np.any(rows.exit == rows.left_limit))
    return "both" if on else "right"


def _curve(rows: Spells, cluster: bool) -> tuple[WindowCurve | None, str]:
    variance = "cluster" if cluster and rows.cluster is not None else "robust"
    model = DoublyTruncated(kind="incidence", variance=variance, closed=_closed(rows))
    plain = rows._with(stratum=None) if rows.stratum is not None else rows
    try:
        return model.fit(plain), "one linked set of times: the estimate without a law exists and is unique"
    except IdentificationError:
        curve = replace(model, existence="largest").fit(plain)
        check = curve.checks[0]
        return curve, (
            f"{check.components} sets of times that the windows do not link: no unique estimate without a law; shown "
            f"for the largest, {check.outside} rows set aside"
        )
    except (SchemeError, DataError) as found:
        return None, f"no estimate without a law: {found.args[0]}"


def _test(rows: Spells) -> tuple[HypothesisTest | None, str]:
    """Conditional Kendall tau; of many rows every so-manieth in order of the stay."""
    part, every = rows, -(-len(rows) // _MOST_PAIRS)
    if every > 1:
        part = rows.select(np.argsort(rows.exit, kind="stable")[::every])
    try:
        test = quasi_independence_test(part, closed=_closed(part))
    except (SchemeError, DataError) as found:
        return None, str(found.args[0])
    note = (f"one of {every} rows, in order of the stay, was compared",) if every > 1 else ()
    return replace(test, warnings=(*test.warnings, *note), ledger=None), ""


def _range(data: WindowData, curve: WindowCurve | None) -> tuple[float, float]:
    if curve is not None:
        return max(curve.checks[0].low, 0.0), curve.checks[0].high
    capped = np.isfinite(data.close)
    return float(data.begin.min()), float(data.close.max()) if capped.all() else np.inf


def _fitted(data: WindowData, at: Floats, time: Floats, low: float, high: float) -> Floats:
    """Incidence of each cause by each time, given a stay inside (low, high], over people seen or not: (causes, t).

    Each record stands for one over its chance to be seen. The stay is followed in steps; within one the causes share
    its exits as their hazards grew. Of many rows every so-manieth is followed.
    """
    every = max(len(data.end) // _MOST_ROWS, 1)
    part = data.take(np.argsort(data.end, kind="stable")[::every]) if every > 1 else data
    log_chance = row_chances(part, at)
    weight = part.weight * np.exp(log_chance.min() - log_chance)
    top = high if np.isfinite(high) else float(data.end.max())
    grid = np.unique(np.concatenate([np.linspace(low, top, _STEPS + 1), time]))
    grid = grid[(grid >= low) & (grid <= top)]
    n = len(part.end)
    survival = np.exp(-cause_hazards(part, at, np.zeros(n), np.full(n, low)).sum(axis=0))
    gone = np.zeros((len(data.laws), len(grid)))
    for j in range(1, len(grid)):
        rise = cause_hazards(part, at, np.full(n, grid[j - 1]), np.full(n, grid[j]))
        total = np.maximum(rise.sum(axis=0), 1e-300)
        gone[:, j] = gone[:, j - 1] + (rise / total * (survival * -np.expm1(-total))) @ weight
        survival = survival * np.exp(-total)
    whole = float(gone[:, -1].sum()) if np.isfinite(high) else float(gone[:, -1].sum() + survival @ weight)
    return np.asarray(gone[:, np.searchsorted(grid, np.minimum(time, top))] / whole, dtype=np.float64)
