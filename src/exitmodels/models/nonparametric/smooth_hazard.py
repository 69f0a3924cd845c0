"""Smoothed hazards: at which rate people leave, as a curve over time.

Third floor, in the room of curves. Use it to see when leaving is most frequent. Read survival, and compare groups, from
Kaplan-Meier and the log-rank test: a smoothed hazard is biased where it bends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.hazardsmooth import (
    BOUNDARIES,
    KERNELS,
    Range,
    Risk,
    best_bandwidths,
    counts_between,
    neighbour_bandwidths,
    smooth,
    windows,
)
from exitmodels.kernels.products import nelson_aalen
from exitmodels.kernels.risksets import accumulate
from exitmodels.models.nonparametric.hazard_curve import HazardCurve, HazardPiece
from exitmodels.models.nonparametric.observed import Group, choose_variance, groups
from exitmodels.shapes.spells import Spells

__all__ = ["SmoothHazard"]

_RULES = ("global", "local", "knn")
_TIES = ("aalen", "fleming-harrington")
_VARIANCES = ("aalen", "robust", "cluster")
_FEWEST = 10


@dataclass(frozen=True)
class SmoothHazard:
    """Kernel-smoothed hazard of leaving.

    Parameters
    ----------
    bandwidth : float or {"global", "local", "knn"}, optional
        Half the width of the stretch over which exits are averaged, in units of time. Otherwise chosen by the
        least estimated mean squared error: one for the range ("global", the default), one at each time ("local"),
        or the distance to the k-th nearest exit ("knn").
    kernel : {"epanechnikov", "rectangle", "biquadratic", "triquadratic"}
    boundary : {"both", "left", "none"}
        At which ends of the range the kernel is mended. Unmended, the hazard is pulled towards zero there.
    by : str or list of str, optional
        Columns whose values (crossed) make the groups.
    event : label, list of labels or "any", optional
        Which exits count; needed when the spells have several causes.
    start, end : float, optional
        Range. By default from 0 (with delayed entry, from the time at which ten are at risk) to the last time at
        which ten are at risk, and half a step (of the median distance between exits) beyond.
    points : int
        Points of the grid.
    ties : {"aalen", "fleming-harrington"}
        Exits on one day at once, or one after another.
    variance : {"aalen", "robust", "cluster"}, optional
        From the increments d / Y^2 of the variance of the cumulative hazard; or the infinitesimal jackknife over
        rows (the default with sampling weights) or clusters.
    transform : {"log", "plain"}
        Scale of the limits.

    Notes
    -----
    Assumes that censoring and late entry tell nothing about the exit. Limits do not cover the bias of smoothing, which
    rounds off peaks: take a smaller bandwidth where that matters.
    Source: Ramlau-Hansen (1983); Mueller & Wang (1994).

    Examples
    --------
    >>> import exitmodels as xm
    >>> people = xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest", unit="W")
    >>> curve = xm.SmoothHazard(bandwidth=12).fit(people)
    >>> curve.at([10, 40]).estimate.round(4).tolist()
    [0.0045, 0.0069]
    """

    bandwidth: float | str | None = None
    kernel: str = "epanechnikov"
    boundary: str = "both"
    by: str | Sequence[str] | None = None
    event: Any = None
    start: float | None = None
    end: float | None = None
    points: int = 101
    ties: str = "aalen"
    variance: str | None = None
    transform: str = "log"

    def fit(self, spells: Spells) -> HazardCurve:
        """Estimate the hazard of each group.

        Raises
        ------
        SchemeError
            If only exits inside a window were recorded, or times are only known to lie between limits.
        DataError
            If a choice is not known, the range is empty, or a group has too few exits to smooth.
        """
        self._check_choices()
        spells.require_scheme("SmoothHazard")
        rows = spells.for_cause(self.event).complete(self.by)
        kind = choose_variance(self.variance, rows, "aalen", _VARIANCES)
        pieces = tuple(self._piece(group, kind) for group in groups(rows, self.by, kind == "cluster"))
        rule = f"bandwidth {self.bandwidth:g}" if self._fixed is not None else f"{self._rule} bandwidth"
        return HazardCurve(
            kind="hazard",
            pieces=pieces,
            transform=self.transform,
            variance=kind,
            unit=rows.unit,
            ledger=rows.ledger,
            method=f"Smoothed hazard, {self.kernel} kernel, {rule}",
            sources=("ramlau_hansen1983", "mueller_wang1994"),
            outcome=str(rows.causes[0]),
        )

    @property
    def _rule(self) -> str:
        return self.bandwidth if isinstance(self.bandwidth, str) else "global"

    @property
    def _fixed(self) -> float | None:
        return None if self.bandwidth is None or isinstance(self.bandwidth, str) else float(self.bandwidth)

    def _check_choices(self) -> None:
        choices = (
            ("bandwidth", self._rule, _RULES),
            ("kernel", self.kernel, KERNELS),
            ("boundary", self.boundary, BOUNDARIES),
            ("ties", self.ties, _TIES),
            ("transform", self.transform, ("log", "plain")),
        )
        for name, value, known in choices:
            if value not in known:
                raise DataError(f"{name}={value!r} is not known.", code=name, hint=f"One of {', '.join(known)}.")
        if self._fixed is not None and not 0 < self._fixed < np.inf:
            raise DataError(
                f"bandwidth={self._fixed:g} is not a length of time.", code="bandwidth", hint="Give a positive number."
            )
        if self.points < 2:
            raise DataError(f"points={self.points} is too few.", code="points", hint="Two at least; 101 by default.")

    def _piece(self, group: Group, kind: str) -> HazardPiece:
        table = group.table
        held = table.events[0] > 0
        times, events = table.time[held], table.events[0][held]
        if len(times) < 2:
            raise DataError(
                f"{_name(group)}: there are exits at {len(times)} time(s) only.",
                code="few-events",
                hint="A hazard cannot be smoothed from so few; use xm.rate.",
            )
        total, squared = nelson_aalen(table.at_risk, table.events[0], self.ties)
        step, spread = np.diff(total, prepend=0.0)[held], np.diff(squared, prepend=0.0)[held]
        span = self._span(group, times)
        grid = np.linspace(span.start, span.end, self.points)
        crowd = np.append(table.at_risk, 0.0)[np.searchsorted(table.time, grid)]
        width = self._width(times, events, step, spread, grid, span)
        hazard, variance = smooth(times, step, spread, grid, width, self.kernel, span)
        if kind != "aalen":
            variance = self._robust(group, grid, width, span)
        return HazardPiece(
            keys=group.keys,
            time=grid,
            estimate=hazard,
            se=np.sqrt(variance),
            at_risk=crowd,
            events=counts_between(times, events, grid),
            censored=np.zeros(len(grid)),
            n=group.n,
            bandwidth=width,
        )

    def _span(self, group: Group, times: Floats) -> Range:
        table = group.table
        enough = np.flatnonzero(table.at_risk >= _FEWEST)
        late = group.spells.delayed
        last = float(table.time[enough[-1]]) if enough.size else float(times[-1])
        first = float(table.time[enough[0]]) if enough.size and late else 0.0
        last += float(np.median(np.diff(times))) / 2  # an exit of the last whole day is not at the end of the range
        start, end = first if self.start is None else self.start, last if self.end is None else self.end
        if not start < end:
            raise DataError(
                f"{_name(group)}: the range {start:g} to {end:g} is empty.", code="range", hint="Give start < end."
            )
        return Range(float(start), float(end), self.boundary)

    def _width(self, times: Floats, events: Floats, step: Floats, spread: Floats, grid: Floats, span: Range) -> Floats:
        """Bandwidth at each point of the grid."""
        if self._fixed is not None:
            return np.full(len(grid), self._fixed)
        length = span.end - span.start
        inside = float(events[(times >= span.start) & (times <= span.end)].sum())
        first = length / (8 * max(inside, 1.0) ** 0.2)
        risk = Risk.of(times, step, spread, grid, max(first, 2 * float(grid[1] - grid[0])), self.kernel, span)
        apart = 2 * float(np.median(np.diff(times)))  # narrower, a kernel would see single days
        if self._rule == "knn":
            numbers = np.unique(np.linspace(2, max(inside / 2, 2), 20).astype(int))
            tried = [np.maximum(neighbour_bandwidths(times, events, grid, int(k)), apart) for k in numbers[::-1]]
            return tried[int(np.argmin([risk.at(width).sum() for width in tried]))]
        choices = np.unique(np.clip(np.geomspace(0.4 * first, 20 * first, 30), min(apart, length / 2), length / 2))
        found = best_bandwidths(risk, choices, self._rule == "local")
        if self._rule == "global":
            return found
        even = np.full(len(grid), min(5 * first, length / 2))
        ones = np.gradient(grid)
        smoothed, _ = smooth(grid, found * ones, ones, grid, even, self.kernel, span)
        weight, _ = smooth(grid, ones, ones, grid, even, self.kernel, span)
        return np.clip(smoothed / weight, found.min(), found.max())

    def _robust(self, group: Group, grid: Floats, width: Floats, span: Range) -> Floats:
        """Infinitesimal jackknife: what one more row does to the hazard at each point, squared and summed."""
        rows = group.rows()
        index, events = rows.index, rows.index.event_rows
        at_risk, left = rows.at_risk(), rows.events(1)[0]
        out = np.zeros(len(grid))
        for i, part, weight in windows(index.times, grid, width, self.kernel, span):
            spread = np.zeros(index.n_times)
            spread[part] = weight / at_risk[part]
            push = -accumulate(index, spread * left / at_risk)
            push[events] += spread[index.moment[events]]
            push *= rows.factor
            if rows.cluster is not None:
                push = np.bincount(rows.cluster, push)
            out[i] = push @ push
        return out


def _name(group: Group) -> str:
    return ", ".join(f"{k}={v}" for k, v in group.keys.items()) or "all"
