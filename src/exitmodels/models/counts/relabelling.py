"""Relabelling: how much strategic misreporting of reasons would explain a change of shares.

Third floor. People who leave for one reason may write another that is allowed. For each part q of them the true shares
are fitted with the rates of misreporting taken as known; nothing in the data can say which q is true.

Called by: composition_results.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import optimize, stats

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.ascent import solve_scaled
from exitmodels.kernels.misclassified import fit_misclassified
from exitmodels.models.counts.composition_effects import mean_share, scenarios
from exitmodels.models.counts.composition_fit import Fitted, relative_offset
from exitmodels.render.text import Block, Summary, number
from exitmodels.results.bibliography import citation
from exitmodels.results.storing import Stored
from exitmodels.shapes.ledger import Ledger

if TYPE_CHECKING:
    from exitmodels.models.counts.composition_results import CompositionResults

__all__ = ["Relabelling", "relabelling_of"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Relabelling(Stored):
    """The change of a share under every assumed part of misreporting.

    Attributes
    ----------
    q : (m,)
        Part of those whose true reason is `source` who wrote `target`, in the rows at the second value.
    estimate, se, low, high : (m,)
        Change of the true share of `target`. Without model variance the model's is scaled as at q = 0.
    q_unsure, q_gone : float
        Where a limit first reaches zero, and where the change itself does; NaN if never below the largest q that the
        records allow.
    q_most : float
        The largest part that the records allow: beyond it the true share of `target` would be negative.
    """

    q: Floats
    estimate: Floats
    se: Floats
    low: Floats
    high: Floats
    q_unsure: float
    q_gone: float
    q_most: float
    source: str
    target: str
    change: str
    alpha: float
    method: str
    ledger: Ledger
    sources: tuple[str, ...] = ("magder_hughes1997", "whittemore_gong1991")
    warnings: tuple[str, ...] = ()

    def to_frame(self) -> Any:
        """Return one row for each q: estimate, se, low, high."""
        import pandas as pd

        names = ("q", "estimate", "se", "low", "high")
        return pd.DataFrame({name: getattr(self, name) for name in names})

    def summary(self) -> Summary:
        """Return the printed form."""
        level = number(100 * (1 - self.alpha), 3)
        facts = (
            ("change", self.change),
            ("assumed", f"a part q of true {self.source!r} wrote {self.target!r}"),
            ("limit reaches zero at q", self.q_unsure),
            ("change is gone at q", self.q_gone),
            ("largest q the records allow", self.q_most),
        )
        rows = tuple(tuple(row) for row in self.to_frame().to_numpy().tolist())
        columns = ("q", "estimate", "se", f"low {level}%", f"high {level}%")
        return Summary(
            f"Relabelling: change of the true share of {self.target}", facts, (Block(columns, rows),), self.warnings
        )

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def plot(self, ax: Any = None) -> Any:
        """Draw the change against q, and mark where it is unsure and where it is gone; return the Axes."""
        from exitmodels.render.shares import sensitivity

        marks = [(self.q_unsure, "unsure at"), (self.q_gone, "gone at")]
        labels = (f"part of true {self.source} that wrote {self.target}", f"change of the share of {self.target}")
        return sensitivity(ax, self.q, self.estimate, self.low, self.high, marks, labels)

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(self.sources, self.method)


def relabelling_of(
    result: CompositionResults,
    fitted: Fitted,
    change: Mapping[str, tuple[Any, Any]],
    source: str,
    target: str,
    q: Any,
    at: Any,
    alpha: float,
) -> Relabelling:
    """Fit the true shares for a grid of q, and look for the turning points."""
    _check(result, fitted, source, target, change)
    later = _later(fitted, change)
    solver = _Solver(result, fitted, later, source, target, scenarios(fitted, change, at, result.model_of.offset))
    most = solver.most()
    grid = np.linspace(0, 0.98 * most, 11) if q is None else np.atleast_1d(np.asarray(q, dtype=np.float64))
    if grid.min() < 0 or grid.max() >= most:
        raise DataError(
            f"q must lie between 0 and {most:.3f}: beyond it the records hold fewer {target!r} than were relabelled.",
            code="q",
            hint="Give smaller values, or leave q out.",
        )
    critical = float(
        stats.norm.ppf(1 - alpha / 2) if result.df_resid is None else stats.t.ppf(1 - alpha / 2, result.df_resid)
    )
    found = np.array([solver.effect(value) for value in grid])
    start = solver.effect(0.0)
    sign = 1.0 if start[0] >= 0 else -1.0
    gone = _root(lambda v: sign * solver.effect(v)[0], most)

    def sure(value: float) -> float:
        here = solver.effect(value)
        return sign * here[0] - critical * here[1]

    unsure = 0.0 if sure(0.0) <= 0 else _root(sure, most)
    half = critical * found[:, 1]
    return Relabelling(
        q=grid,
        estimate=found[:, 0],
        se=found[:, 1],
        low=found[:, 0] - half,
        high=found[:, 0] + half,
        q_unsure=unsure,
        q_gone=gone,
        q_most=most,
        source=source,
        target=target,
        change=", ".join(f"{name} from {pair[0]} to {pair[1]}" for name, pair in change.items()),
        alpha=alpha,
        method=result.method,
        ledger=result.ledger,
        warnings=result.warnings,
    )


def _check(
    result: CompositionResults, fitted: Fitted, source: str, target: str, change: Mapping[str, tuple[Any, Any]]
) -> None:
    for name in (source, target):
        if name not in result.reasons:
            known = ", ".join(result.reasons)
            raise DataError(f"{name!r} is not a reason.", code="reason", hint=f"Reasons: {known}.")
    if source == target:
        raise DataError("The true and the written reason are the same.", code="reason", hint="Name two reasons.")
    if result.family != "multinomial" or result.penalty or np.isfinite(fitted.strength):
        raise DataError(
            "Relabelling is worked out for plain multinomial shares.",
            code="family",
            hint='Fit family="multinomial" without a penalty or a spline; vcov="quasi" or "robust" is carried over.',
        )


def _later(fitted: Fitted, change: Mapping[str, tuple[Any, Any]]) -> Any:
    """Rows whose columns are at the second value."""
    keep = np.ones(len(fitted.rows), dtype=bool)
    for name, pair in change.items():
        keep &= np.asarray(fitted.rows.columns.want(name).decoded() == pair[1], dtype=bool)
    if not keep.any() or keep.all():
        raise DataError(
            f"{int(keep.sum())} of {len(keep)} rows are at the second value of the change.",
            code="change",
            hint="Give values that occur, such as (0, 1) for a column of zeros and ones.",
        )
    return keep


class _Solver:
    """True shares for an assumed q, remembered, each started from the last."""

    def __init__(
        self, result: CompositionResults, fitted: Fitted, later: Any, source: str, target: str, scenes: Any
    ) -> None:
        table = fitted.rows.table() * fitted.rows.weight[:, None]
        offset = relative_offset(fitted.rows)
        pattern = np.column_stack([fitted.scaled, later, *([] if offset is None else [offset])])
        kept, where = np.unique(pattern, axis=0, return_inverse=True)
        counts = np.stack([np.bincount(where.ravel(), column, len(kept)) for column in table.T], axis=1)
        width = fitted.scaled.shape[1]
        self.design, self.later = kept[:, :width], kept[:, width] > 0
        self.offset = None if offset is None else kept[:, width + 1 :]
        self.counts, self.fitted, self.scenes = counts, fitted, scenes
        self.one, self.two = result.reasons.index(source), result.reasons.index(target)
        self.at = fitted.at
        self.known: dict[float, tuple[float, float]] = {}
        _, slope = self._change(fitted.at)
        model = self._error(slope, fitted.information)
        own = len(fitted.at)
        back = np.kron(np.eye(fitted.k), fitted.recode)
        given = slope @ np.linalg.solve(back, np.eye(own)) @ result.covariance[:own, :own]
        wide = float(given @ (slope @ np.linalg.solve(back, np.eye(own))))
        self.inflation = float(np.sqrt(wide)) / model if model > 0 else 1.0

    def most(self) -> float:
        """The largest q that leaves a true share of the target in the later rows as a whole."""
        one, two = (float(self.counts[self.later, i].sum()) for i in (self.one, self.two))
        if two == 0:
            raise DataError("The written reason never occurs in the later rows.", code="reason", hint="Name another.")
        return two / (one + two)

    def effect(self, q: float) -> tuple[float, float]:
        """Change of the true share of the target and its standard error."""
        if q not in self.known:
            j = self.counts.shape[1]
            rates = np.broadcast_to(np.eye(j), (len(self.counts), j, j)).copy()
            rates[self.later, self.one, self.one] = 1 - q
            rates[self.later, self.one, self.two] = q
            best = fit_misclassified(self.design, self.counts, rates, self.fitted.at, self.offset)
            value, slope = self._change(best.at)
            self.known[q] = value, self.inflation * self._error(slope, best.surface.expected)
        return self.known[q]

    def _change(self, at: Floats) -> tuple[float, Floats]:
        """Change of the target's share, and its derivatives along the coefficients of the scaled columns."""
        back = np.kron(np.eye(self.fitted.k), self.fitted.recode)
        beta = (back @ at).reshape(self.fitted.k, -1)
        (one, first), (two, second) = (mean_share(beta, scene) for scene in self.scenes)
        return float(two[self.two] - one[self.two]), (second - first)[self.two] @ back

    def _error(self, slope: Floats, information: Floats) -> float:
        solved = solve_scaled(information, slope)
        return float("nan") if solved is None else float(np.sqrt(max(float(slope @ solved), 0.0)))


def _root(function: Any, most: float) -> float:
    """First zero of a function that begins above zero, looked for below `most`."""
    places = np.linspace(0, 0.995 * most, 41)
    before = function(float(places[0]))
    for low, high in pairwise(places):
        after = function(float(high))
        if before > 0 >= after:
            return float(optimize.brentq(function, low, high, xtol=1e-10))
        before = after
    return float("nan")
