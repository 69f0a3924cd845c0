"""From spells and two formulas to the rows of a cure model, on a scale that is kind to the search.

Third floor, in the room of hazards.

Called by: discrete_cure.py, discrete_cure_predict.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.curelag import CureRows, Penalty
from exitmodels.models.hazards.discrete_periods import Periods, baseline_columns, collapse
from exitmodels.models.hazards.scaling import scaled_columns
from exitmodels.shapes.design import Design
from exitmodels.shapes.frames import Column
from exitmodels.shapes.spells import Spells

__all__ = ["Baseline", "CureDesign", "baseline_of", "collapsed", "cure_rows", "penalty_of", "whole_lags"]


def whole_lags(rows: Spells) -> tuple[Ints, Ints]:
    """Periods before which, and up to which, each row is at risk; they must be whole and begin at 1."""
    for name, values in (("exit", rows.exit), ("entry", rows.entry)):
        bad = np.flatnonzero((values != np.floor(values)) | (values < 0))
        if bad.size:
            raise DataError(
                f"{bad.size} times are not whole numbers from 0 up (first: {values[bad[0]]:g}); they name no period.",
                column=name,
                rows=rows.labels[bad],
                code="periods",
                hint="Count lags in issues (or weeks, terms); xm.reprint_lags makes them from issue numbers or dates.",
            )
    return rows.entry.astype(np.int64), rows.exit.astype(np.int64)


@dataclass(frozen=True, eq=False)
class Baseline:
    """Columns of the periods: as given, as fitted, and what turns one into the other (given = inner @ turn).

    Attributes
    ----------
    fixed : (t,)
        -inf and inf where the hazard is 0 and 1 without a coefficient.
    formula : str
        Empty for free periods.
    """

    names: tuple[str, ...]
    given: Floats
    inner: Floats
    turn: Floats
    fixed: Floats
    formula: str

    def upto(self, t: int) -> tuple[Floats, Floats]:
        """Columns as given, and what is fixed, for periods 1 .. t; beyond the records a formula goes on, and free
        periods have nothing left to leave."""
        if t <= len(self.given):
            return self.given[:t], self.fixed[:t]
        more = t - len(self.given)
        if not self.formula:
            return np.vstack([self.given, np.zeros((more, len(self.names)))]), np.append(
                self.fixed, np.full(more, -np.inf)
            )
        known = np.arange(1.0, len(self.given) + 1)
        made = Design.of(self.formula, {"period": Column("period", "number", known)}, intercept=True)
        whole = made.rebuild({"period": Column("period", "number", np.arange(1.0, t + 1))}).matrix
        return whole, np.zeros(t)


def baseline_of(baseline: str, rows: Spells, enters: Ints, leaves: Ints) -> Baseline:
    """Columns of the periods; see `DiscreteCure`."""
    t = int(leaves.max())
    formula = "1" if baseline == "constant" else baseline
    if baseline != "periods":
        grid = Periods(np.arange(1.0, t + 1), enters, leaves, np.ones(len(rows), dtype=bool))
        names, given, inner, turn = baseline_columns(formula, grid, 1)
        return Baseline(names[0], given[0], inner[0], turn[0], np.zeros(t), formula)
    event = rows.event > 0
    counts = np.bincount(leaves[event], rows.row_weight[event], t + 1)[1:]
    last = int(np.flatnonzero(counts > 0)[-1])
    steps = np.bincount(enters, rows.row_weight, t + 1) - np.bincount(leaves, rows.row_weight, t + 1)
    empty = np.flatnonzero(np.cumsum(steps)[: last + 1] <= 0)
    if empty.size:
        raise DataError(
            f"Nothing was watched in period {empty[0] + 1}, so its hazard is not known.",
            code="no-risk",
            hint='Use baseline="constant" or a formula of period.',
        )
    fixed = np.where(counts > 0, 0.0, -np.inf)
    fixed[last] = np.inf
    free = np.flatnonzero(fixed == 0)
    columns = np.eye(t)[:, free]
    return Baseline(tuple(f"period[{k + 1}]" for k in free), columns, columns, np.eye(len(free)), fixed, "")


@dataclass(frozen=True, eq=False)
class CureDesign:
    """The two designs and the baseline, with the scale of the fit.

    Attributes
    ----------
    never, lag : Design
        The never-part with its intercept; the lag without.
    columns : pair of (n, a - 1), (n, b)
        Covariates of both, centred and scaled; empty once the fit is over.
    centres, scales : pairs
    binary : pair of bool arrays
        Which covariates take two values that differ by one.
    """

    never: Design
    lag: Design
    baseline: Baseline
    columns: tuple[Floats, Floats]
    centres: tuple[Floats, Floats]
    scales: tuple[Floats, Floats]
    binary: tuple[Floats, Floats]

    @classmethod
    def of(cls, rows: Spells, never: str, lag: str, baseline: Baseline) -> CureDesign:
        """Build and scale both designs; constant and collinear columns are refused."""
        first = Design.of(never or "1", rows.columns, labels=rows.labels, intercept=True)
        second = Design.of(lag or "1", rows.columns, labels=rows.labels)
        raw = (first.matrix[:, 1:], second.matrix)
        names = (first.names[1:], second.names)
        made = [scaled_columns(n, m, rows.row_weight) for n, m in zip(names, raw, strict=True)]
        binary = tuple(np.array([_is_binary(column) for column in m.T], dtype=bool) for m in raw)
        columns, centres, scales = ((a, b) for a, b in zip(*made, strict=True))
        return cls(first, second, baseline, columns, centres, scales, (binary[0], binary[1]))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all coefficients: the never-part, the periods, the lag."""
        lag = [f"lag: {name}" for name in (*self.baseline.names, *self.lag.names)]
        return (*(f"never: {name}" for name in self.never.names), *lag)

    @property
    def slopes(self) -> int:
        """Number of covariates in both parts."""
        return len(self.never.names) - 1 + len(self.lag.names)

    @property
    def cluster(self) -> Ints | None:
        """Clusters named by either formula."""
        return self.never.cluster if self.never.cluster is not None else self.lag.cluster

    def recode(self) -> Floats:
        """From the coefficients of the fit to those of the columns as given (p, p)."""
        a, f, b = len(self.never.names), len(self.baseline.names), len(self.lag.names)
        out = np.zeros((a + f + b, a + f + b))
        out[0, 0] = 1.0
        out[0, 1:a] = -self.centres[0] / self.scales[0]
        out[1:a, 1:a] = np.diag(1 / self.scales[0])
        out[a : a + f, a : a + f] = np.linalg.inv(self.baseline.turn)
        shifted = slice(a, a + 1) if self.baseline.formula else slice(a, a + f)
        out[shifted, a + f :] = -self.centres[1] / self.scales[1]
        out[a + f :, a + f :] = np.diag(1 / self.scales[1])
        return out

    def bare(self) -> CureDesign:
        """The same without anything of the size of the data."""
        never, lag = (replace(d, matrix=np.empty((0, len(d.names))), cluster=None, offset=None) for d in self._two())
        return replace(self, never=never, lag=lag, columns=(np.empty((0, 0)), np.empty((0, 0))))

    def _two(self) -> tuple[Design, Design]:
        return self.never, self.lag


def _is_binary(column: Floats) -> bool:
    low, high = float(column.min()), float(column.max())
    return high - low == 1.0 and bool(np.all((column == low) | (column == high)))


def cure_rows(rows: Spells, design: CureDesign, enters: Ints, leaves: Ints, link: str) -> CureRows:
    """Arrays for the kernel."""
    n = len(rows)
    offsets = [np.zeros(n) if d.offset is None else np.asarray(d.offset, dtype=np.float64) for d in design._two()]
    return CureRows(
        never=np.column_stack([np.ones(n), design.columns[0]]),
        lag=np.asarray(design.columns[1], dtype=np.float64).reshape(n, -1),
        never_offset=offsets[0],
        lag_offset=offsets[1],
        basis=design.baseline.inner,
        fixed=design.baseline.fixed,
        enters=enters,
        leaves=leaves,
        event=rows.event > 0,
        weight=np.asarray(rows.row_weight, dtype=np.float64),
        link=link,
    )


def collapsed(data: CureRows) -> CureRows:
    """Rows that agree in everything made one, with their weights added: the same likelihood."""
    times = np.column_stack([data.enters, data.leaves, data.event, data.lag_offset])
    code, first = collapse(np.column_stack([data.never, data.lag, times]), data.never_offset)
    if 2 * len(first) > len(code):
        return data
    names = ("never", "lag", "never_offset", "lag_offset", "enters", "leaves", "event")
    taken = {name: getattr(data, name)[first] for name in names}
    return replace(data, **taken, weight=np.bincount(code, data.weight, len(first)))


def penalty_of(design: CureDesign, slopes: bool = True) -> Penalty:
    """Rows of the log-F penalty on the scale of the fit; see `DiscreteCure`."""
    a, f = len(design.never.names), len(design.baseline.names)
    p = a + f + len(design.lag.names) if slopes else 1 + f
    rows = np.zeros((1, p))
    rows[0, 0] = 1.0
    if slopes:
        steps = [np.where(binary, 1 / scale, 2.0) for binary, scale in zip(design.binary, design.scales, strict=True)]
        places = [*range(1, a), *range(a + f, p)]
        more = np.zeros((len(places), p))
        more[np.arange(len(places)), places] = np.concatenate(steps)
        rows = np.vstack([rows, more])
    hazard = np.zeros((1 if design.baseline.formula == "1" else 0, p))
    hazard[:, a if slopes else 1] = design.baseline.inner[0, 0] if len(hazard) else 0.0
    return Penalty(rows, hazard)
