"""The rate behind dates that were rounded: written as a month, or heaped on the first day of one.

Third floor. When the record says how precisely a date is known, the date is a range of days and enters the likelihood
as one. When it does not, too many dates fall on the first of the month, and a mixture says how many of them belong
to other days.

Read next: rounded_results.py (what a fit answers), kernels/rounded.py (the likelihood), shapes/imprecise.py (ranges).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy import special, stats

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import ConvergenceWarning, DataError, FormulaError, IdentificationError
from exitmodels.kernels.ascent import Ascent, ascend
from exitmodels.kernels.rounded import Heap, RoundedData, rounded_terms
from exitmodels.models.counts.checks import recoding, refuse_collinear, refuse_few
from exitmodels.models.counts.rounded_cells import DailyCells, daily_cells, heaps_of
from exitmodels.models.counts.rounded_results import RoundedResults
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.design import Design

__all__ = ["RoundedDates"]

_FLAGGED, _HEAPED = ("heitjan_rubin1991",), ("wang_heitjan2008",)


@dataclass(frozen=True)
class RoundedDates:
    """Log-linear rate of a Poisson process whose dates are known to within ranges, or heaped.

    Parameters
    ----------
    formula : str
        Right-hand side in `time` (days from the window's first day, and parts of days), `month`, `year`, keys and
        covariates, such as ``"time"``, ``"time + I(time >= 485)"`` or ``"bs(time, df=5) + reason"``.
    heaps : mapping from period to day, optional
        Ways in which dates were rounded without a word: ``{"MS": 1}`` says that some dates of each month are written as
        its first day, ``{"MS": 15, "YS": 1}`` that others are written as the fifteenth or as New Year's Day. Periods
        are as in `Counts.from_frame`. Without it, ranges that the counts themselves hold are used.
    day : {"whole", "middle"}
        A certain day stands for its whole length (the chance of an event on it) or for its middle (the rate at noon);
        this changes estimates little and log-likelihoods by a constant or so. Heaps need "whole".

    Notes
    -----
    Assumes that events follow a Poisson process with this rate, that a date is coarsened (or heaped) with a probability
    that does not depend on the day within its period, and that everyone who is recorded left inside the window.
    Source: Heitjan and Rubin (1991) for coarsening at random; Wang and Heitjan (2008) for heaping.

    Examples
    --------
    >>> frame = {"left": ["2014-01-20", "2014-02", "2014-02-11", "2014-02-27", "2014-02"],
    ...          "known": ["day", "month", "day", "day", "month"]}
    >>> daily = Counts.from_frame(frame, date="left", precision="known", window=("2014-01-01", "2014-02-28"),
    ...                           date_format={"day": "%Y-%m-%d", "month": "%Y-%m"})
    >>> fit = RoundedDates("time").fit(daily)
    >>> [round(float(v), 4) for v in fit.estimate]
    [-4.463, 0.0542]
    """

    formula: str = "time"
    heaps: Mapping[str, int] = field(default_factory=dict)
    day: str = "whole"

    def __post_init__(self) -> None:
        if self.day not in ("whole", "middle"):
            raise DataError(f"day={self.day!r} is not known.", code="day", hint='Use "whole" or "middle".')
        if self.heaps and self.day == "middle":
            raise DataError(
                "A heaped day takes events from other days, so its mean is an integral, not a rate at noon.",
                code="day",
                hint='Use day="whole" with heaps=.',
            )

    def fit(self, counts: Counts) -> RoundedResults:
        """Fit to counts by day, as read: `Counts.from_frame(..., freq="D", precision=...)`.

        Raises
        ------
        DataError
            If the counts are not by day, were summed or chosen from others, or hold fewer events than coefficients.
        IdentificationError
            If no record falls on a day of heaping, or all do: then the two kinds cannot be told apart.
        FormulaError
            If the formula cannot be read or names a column that is not there.
        """
        cells = daily_cells(counts, bool(self.heaps))
        design = Design.of(self.formula, cells.columns(), intercept=True)
        if design.strata is not None:
            raise FormulaError("strata() belongs to hazard models.", code="strata", hint="Write the column as a term.")
        names = (*design.names, *(f"logit heaped {name}" for name in self.heaps))
        refuse_few(cells.total, len(cells.n), names)
        heaps = tuple(heaps_of(cells, name, day) for name, day in self.heaps.items())
        _refuse_unheaped(cells, heaps, tuple(self.heaps))
        recode = recoding(design.matrix, design.names)
        refuse_collinear(design.matrix, design.matrix @ recode, design.names)
        best, data = self._climb(cells, design, recode, heaps)
        return self._answer(counts, cells, design, recode, data, best, names)

    def _climb(
        self, cells: DailyCells, design: Design, recode: Floats, heaps: tuple[Heap, ...]
    ) -> tuple[Ascent, RoundedData]:
        middle = None
        if self.day == "middle":
            noon = design.rebuild(cells.columns(middle=True))
            middle = (noon.matrix @ recode, _offset(noon, len(cells.n)))
        data = RoundedData(
            design=design.matrix @ recode,
            offset=_offset(design, len(design.matrix)),
            weight=cells.weight,
            n=cells.n,
            middle=middle,
            low=cells.low,
            high=cells.high,
            times=cells.times,
            heaps=heaps,
        )
        return ascend(lambda at: rounded_terms(data, at), _start(data, cells.total)), data

    def _answer(
        self,
        counts: Counts,
        cells: DailyCells,
        design: Design,
        recode: Floats,
        data: RoundedData,
        best: Ascent,
        names: tuple[str, ...],
    ) -> RoundedResults:
        p, h = len(design.names), len(data.heaps)
        turn = np.eye(p + h)
        turn[:p, :p] = recode
        notes = list(_cautions(best, cells, p, tuple(self.heaps)))
        if not best.converged:
            warnings.warn(notes[0], ConvergenceWarning, stacklevel=3)
        null = ascend(lambda at: rounded_terms(_flat(data), at), _start(_flat(data), cells.total))
        kind = (
            f"heaped on {_words(self.heaps)}"
            if h
            else f"{int(cells.times.sum())} of {int(cells.total)} known to a range"
        )
        return RoundedResults(
            names=names,
            estimate=turn @ best.at,
            covariance=turn @ _inverse(best.surface.information) @ turn.T,
            vcov="model",
            llf=best.surface.value,
            llnull=null.surface.value,
            nobs=float(cells.total),
            n_events=float(cells.total),
            converged=best.converged,
            ledger=counts.ledger,
            method=f"Rate with rounded dates: {self.formula} ({kind})",
            sources=_HEAPED if h else _FLAGGED,
            outcome="rate",
            warnings=tuple(notes),
            tests=_heap_test(data, best, cells.total) if h == 1 else {},
            heaps=tuple(self.heaps),
            unit=counts.unit,
            design=design,
            cells=cells,
        )


def _offset(design: Design, size: int) -> Floats:
    return np.zeros(size) if design.offset is None else design.offset


def _start(data: RoundedData, total: float) -> Floats:
    """A constant rate, and even shares of every way to write a date."""
    at = np.zeros(data.design.shape[1] + len(data.heaps))
    at[0] = np.log(total / float(data.weight @ np.exp(data.offset)))
    return at


def _flat(data: RoundedData) -> RoundedData:
    """The same data under one constant rate."""
    middle = None if data.middle is None else (data.middle[0][:, :1], data.middle[1])
    return RoundedData(
        data.design[:, :1], data.offset, data.weight, data.n, middle, data.low, data.high, data.times, data.heaps
    )


def _heap_test(data: RoundedData, best: Ascent, total: float) -> dict[str, HypothesisTest]:
    """Likelihood ratio against no heaping, a value at the edge of what is possible."""
    plain = RoundedData(data.design, data.offset, data.weight, data.n, None, data.low, data.high, data.times, ())
    without = ascend(lambda at: rounded_terms(plain, at), _start(plain, total))
    statistic = max(0.0, 2 * (best.surface.value - without.surface.value))
    p = 0.5 * float(stats.chi2.sf(statistic, 1)) if statistic else 1.0
    name = "no heaping (likelihood ratio, half chi-squared)"
    return {name: HypothesisTest(statistic=statistic, df=1, pvalue=p, method=name)}


def _inverse(information: Floats) -> Floats:
    try:
        return np.asarray(np.linalg.inv(information))
    except np.linalg.LinAlgError:
        return np.full(information.shape, np.nan)


def _cautions(best: Ascent, cells: DailyCells, p: int, heaps: tuple[str, ...]) -> tuple[str, ...]:
    notes = []
    if not best.converged:
        notes.append(
            "The search for the highest likelihood stopped before its rule was met; do not report these estimates."
        )
    if not cells.n.any():
        notes.append("no date is known to the day: what happens within the ranges rests on the formula alone")
    share = special.softmax(np.concatenate([[0.0], best.at[p:]]))[1:]
    notes += [
        f"no sign of heaping by {name}: its share is at the limit 0, where a standard error means nothing; leave it out"
        for name, part in zip(heaps, share, strict=True)
        if part < 1e-7
    ]
    return tuple(notes)


def _words(heaps: Mapping[str, int]) -> str:
    return ", ".join(f"day {day} of {name}" for name, day in heaps.items())


def _refuse_unheaped(cells: DailyCells, heaps: tuple[Heap, ...], names: tuple[str, ...]) -> None:
    on: Ints = np.zeros(len(cells.n), dtype=np.int64)
    for name, heap in zip(names, heaps, strict=True):
        on[heap.at] = 1
        if not cells.n[heap.at].any():
            raise IdentificationError(
                f"No record falls on a day on which dates of {name} would be heaped.",
                column="heaps",
                code="no-heap",
                hint="Leave this way of rounding out, or check the day.",
            )
    if heaps and not np.any(cells.n[on == 0]):
        raise IdentificationError(
            "All records fall on days of heaping, so nothing tells rounded dates from true ones.",
            column="heaps",
            code="all-heaped",
            hint="Read the dates as months: precision= in Counts.from_frame.",
        )
