"""Life tables: how many were there, were lost and left in each stretch of time.

Third floor, in the room of curves. Use one when times are grouped (weeks, terms, age bands), or for a table in a
paper. With exact times Kaplan-Meier wastes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.intervals import hazard_limits, probability_limits
from exitmodels.kernels.lifetable import LifeColumns, count_intervals, life_columns, robust_errors
from exitmodels.models.nonparametric.observed import choose_variance
from exitmodels.render import tables
from exitmodels.render.text import Block, Summary, number
from exitmodels.results.bibliography import citation
from exitmodels.results.storing import Stored
from exitmodels.shapes.ledger import Ledger
from exitmodels.shapes.spells import Spells

__all__ = ["LifeTable", "LifeTableResult"]


@dataclass(frozen=True, eq=False, kw_only=True)
class LifeTableResult(Stored):
    """Life tables, one for each group.

    Attributes
    ----------
    edges : (k + 1,)
        The intervals lie between them; the last edge may be infinite.
    tables : tuple of mappings of str to (k,)
        present, entered, lost, left, exposed, share, survival, density, hazard, their standard errors, and the
        median time still to go.
    """

    keys: tuple[dict[str, Any], ...]
    edges: Floats
    closed: str
    tables: tuple[dict[str, Floats], ...]
    variance: str
    transform: str
    unit: str
    ledger: Ledger
    method: str = "Actuarial life table"
    sources: tuple[str, ...] = ("gehan1969", "klein_moeschberger2003")
    warnings: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """Label of each table."""
        return tuple(", ".join(f"{name}={value}" for name, value in key.items()) or "all" for key in self.keys)

    def to_frame(self, alpha: float = 0.05) -> Any:
        """One row per group and interval, with limits of survival (and of the hazard, on the log scale)."""
        import pandas as pd

        frames = []
        for label, key, table in zip(self.groups, self.keys, self.tables, strict=True):
            k = len(self.edges) - 1
            columns: dict[str, Any] = {"group": [label] * k, **{name: [value] * k for name, value in key.items()}}
            columns.update(start=self.edges[:-1], end=self.edges[1:], **table)
            low, high = probability_limits(table["survival"], table["survival_se"], alpha, self.transform)
            columns.update(survival_lower=low, survival_upper=high)
            rates = hazard_limits(table["hazard"], table["hazard_se"], alpha, "log")
            columns.update(zip(("hazard_lower", "hazard_upper"), rates, strict=True))
            frames.append(pd.DataFrame(columns))
        return pd.concat(frames, ignore_index=True)

    def conf_int(self, alpha: float = 0.05) -> Any:
        """Limits of survival at the beginning of each interval: columns low, high."""
        frame = self.to_frame(alpha)[["survival_lower", "survival_upper"]]
        return frame.set_axis(["low", "high"], axis=1)

    def _cells(self) -> tuple[list[str], list[list[Any]]]:
        names = ["present", "entered", "lost", "left", "exposed", "share"]
        shown = ["survival", "survival_se", "density", "hazard", "hazard_se", "median_rest"]
        late = any(table["entered"].any() for table in self.tables)
        picked = [name for name in [*names, *shown] if late or name != "entered"]
        rows = []
        for label, table in zip(self.groups, self.tables, strict=True):
            for j, (a, b) in enumerate(zip(self.edges[:-1], self.edges[1:], strict=True)):
                name = self._interval(a, b)
                rows.append([name if len(self.keys) == 1 else f"{label}, {name}", *(table[c][j] for c in picked)])
        return ["interval", *picked], [["" if isinstance(c, float) and np.isnan(c) else c for c in row] for row in rows]

    def _interval(self, a: float, b: float) -> str:
        if np.isinf(b):
            return f"from {number(a)}" if self.closed == "left" else f"after {number(a)}"
        return f"[{number(a)}, {number(b)})" if self.closed == "left" else f"({number(a)}, {number(b)}]"

    def summary(self) -> Summary:
        """Return the printed form."""
        columns, rows = self._cells()
        facts = (("unit of time", self.unit), ("variance", self.variance))
        notes = list(self.warnings)
        if self.ledger.n_set_aside:
            notes.append(f"{self.ledger.n_set_aside} of {self.ledger.read} records were set aside; see .ledger.")
        return Summary(self.method, facts, (Block(tuple(columns), tuple(tuple(row) for row in rows)),), tuple(notes))

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def to_latex(self, caption: str = "", label: str = "") -> str:
        """Return the table in LaTeX."""
        note = f"{self.method}; {self.variance} variance; time in {self.unit}."
        return tables.to_latex(*self._cells(), caption=caption, label=label, notes=(note,))

    def to_markdown(self) -> str:
        """Return the table in Markdown."""
        return tables.to_markdown(*self._cells())

    def to_html(self) -> str:
        """Return the table in HTML."""
        return tables.to_html(*self._cells(), caption=self.method)

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(self.sources, self.method)

    def plot(self, ax: Any = None, what: str = "hazard", alpha: float = 0.05) -> Any:
        """Draw the hazard of each interval as a step with limits (or what="survival" at its beginning)."""
        from exitmodels.render.hazards import Rate, rates

        if what not in ("hazard", "survival"):
            raise DataError(f"what={what!r} is not known.", code="what", hint='"hazard" or "survival".')
        frame, k = self.to_frame(alpha), len(self.edges) - 1
        finite = np.isfinite(self.edges[1:]) if what == "hazard" else np.ones(k, dtype=bool)
        drawn = []
        for g, label in enumerate(self.groups):
            part = frame.iloc[g * k : (g + 1) * k][finite]
            columns = [part[name].to_numpy(dtype=float) for name in (what, f"{what}_lower", f"{what}_upper")]
            drawn.append(Rate(label, part["start"].to_numpy(dtype=float), *columns))
        last = float(self.edges[1:][finite][-1]) if what == "hazard" else None
        return rates(ax, drawn, self.unit, what, last, step=what == "hazard")


@dataclass(frozen=True)
class LifeTable:
    """Actuarial life table.

    Parameters
    ----------
    edges : sequence of float
        Ends of the intervals, ascending, beginning at 0 or at the time from which people are followed. An
        open last interval is added when the last edge is finite and somebody stays beyond it.
    by : str or list of str, optional
        Columns whose values (crossed) make the groups.
    event : label, list of labels or "any", optional
        Which exits count; needed when the spells have several causes.
    closed : {"left", "right"}
        Whether an exit exactly at an edge belongs to the interval that begins there, [a, b) (the custom of life
        tables), or to the one that ends there, (a, b] (the custom of this package for risk).
    variance : {"greenwood", "robust", "cluster"}, optional
        Of survival, density and hazard. "greenwood": Greenwood's and Gehan's forms. "robust" (the default with
        sampling weights) and "cluster": infinitesimal jackknife.
    transform : str
        Scale of the limits of survival; see `KaplanMeier`.

    Notes
    -----
    People lost within an interval, and people who enter within it, count half: right when both are spread evenly.
    Survival is that at the beginning of an interval, density and hazard belong to its middle.
    Source: Gehan (1969); Klein & Moeschberger (2003), section 5.4.

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[1, 3, 3, 4, 6, 7, 9], event=[1, 1, 0, 1, 0, 1, 0])
    >>> table = xm.LifeTable([0, 2, 5, 8]).fit(spells)
    >>> table.to_frame()["survival"].round(4).tolist()
    [1.0, 0.8571, 0.5455, 0.3273]
    """

    edges: Sequence[float]
    by: str | Sequence[str] | None = None
    event: Any = None
    closed: str = "left"
    variance: str | None = None
    transform: str = "log-log"

    def fit(self, spells: Spells) -> LifeTableResult:
        """Make the table of each group.

        Raises
        ------
        SchemeError
            If only exits inside a window were recorded, or times are only known to lie between limits.
        DataError
            If the edges do not ascend, or somebody is at risk before the first.
        """
        spells.require_scheme("LifeTable")
        rows = spells.for_cause(self.event).complete(self.by)
        if self.closed not in ("left", "right"):
            raise DataError(f"closed={self.closed!r} is not known.", code="closed", hint='"left" or "right".')
        edges = _edges(self.edges, rows, self.closed)
        kind = choose_variance(self.variance, rows, "greenwood", ("greenwood", "robust", "cluster"))
        code, keys = rows.groups(self.by)
        made, notes = [], []
        for g, key in enumerate(keys):
            members = np.arange(len(rows)) if code is None else np.flatnonzero(code == g)
            made.append(self._table(rows, members, edges, kind))
            label = ", ".join(f"{name}={value}" for name, value in key.items()) or "all"
            gone = np.flatnonzero((made[-1]["survival"] == 0) & (made[-1]["present"] > 0))
            if gone.size:
                notes.append(f"{label}: survival falls to 0 before {edges[gone[0]]:g}, though others entered later")
        return LifeTableResult(
            keys=tuple(keys),
            edges=edges,
            closed=self.closed,
            tables=tuple(made),
            variance=kind,
            transform=self.transform,
            unit=rows.unit,
            ledger=rows.ledger,
            warnings=tuple(notes),
        )

    def _table(self, rows: Spells, members: Any, edges: Floats, kind: str) -> dict[str, Floats]:
        exit, left, weight = rows.exit[members], rows.event[members] > 0, rows.row_weight[members]
        entry = rows.entry[members] if rows.delayed else None
        counts = count_intervals(exit, left, edges, entry, weight, self.closed)
        columns = life_columns(counts, edges)
        table = {name: getattr(counts, name) for name in ("present", "entered", "lost", "left")}
        table.update({name: getattr(columns, name) for name in LifeColumns.__dataclass_fields__})
        if kind == "greenwood":
            return table
        cluster = None
        if kind == "cluster" and rows.cluster is not None:
            cluster = np.unique(rows.cluster[members], return_inverse=True)[1]
        copies = rows.weights == "frequency"
        errors = robust_errors(exit, left, edges, entry, self.closed, columns, weight, copies, cluster)
        table.update(zip(("survival_se", "density_se", "hazard_se"), errors, strict=True))
        table["median_rest_se"] = np.full(len(edges) - 1, np.nan)
        return table


def _edges(given: Sequence[float], rows: Spells, closed: str) -> Floats:
    edges = np.asarray(given, dtype=float)
    if edges.ndim != 1 or len(edges) < 2 or np.isnan(edges).any() or np.any(np.diff(edges) <= 0):
        raise DataError(
            "The edges of the intervals must ascend, and there must be two at least.",
            code="edges",
            hint="For instance edges=[0, 4, 8, 12].",
        )
    early = np.flatnonzero(rows.entry < edges[0])
    if early.size:
        raise DataError(
            f"{early.size} people are at risk before the first edge, {edges[0]:g}.",
            rows=rows.labels[early],
            code="edges",
            hint="Begin at 0, or at the earliest entry.",
        )
    last = rows.exit >= edges[-1] if closed == "left" else rows.exit > edges[-1]
    beyond = np.isfinite(edges[-1]) and bool(np.any(last))
    return np.append(edges, np.inf) if beyond else edges
