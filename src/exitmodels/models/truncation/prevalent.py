"""People found inside on one day and followed: long stays are found more often.

Third floor. Use it for a roll of those present (a census of a prison, a payroll, a list of members), when people came
at a rate that is known up to a factor; when nothing is known of that rate, KaplanMeier with delayed entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.lengthbias import fit_found, place_found
from exitmodels.kernels.products import kaplan_meier
from exitmodels.kernels.squared import Settled
from exitmodels.kernels.tables import event_table
from exitmodels.models.truncation.prevalent_curve import PrevalentCheck, PrevalentCurve
from exitmodels.models.truncation.prevalent_errors import Stays, cohort_errors
from exitmodels.models.truncation.prevalent_rows import CohortGroup, cohort_groups
from exitmodels.models.truncation.stationarity import found_inside, stationarity_test
from exitmodels.render.text import number
from exitmodels.results.piece import Piece
from exitmodels.shapes.spells import Spells

__all__ = ["PrevalentCohort"]

_VARIANCES = ("robust", "model", "cluster", "bootstrap", "none")
_MOST = 1000
_NONE = 1e-12


@dataclass(frozen=True)
class PrevalentCohort:
    """Nonparametric maximum likelihood estimate of stays from a prevalent cohort with follow-up.

    Parameters
    ----------
    by : str or list of str, optional
        Columns whose values (crossed) make the groups.
    since : float, optional
        How long before the day of the roll people had been coming; by default for as long as any stay.
    growth : float
        People came at a rate proportional to exp(growth * date); 0 (default) is a constant rate.
    variance : {"robust", "model", "cluster", "bootstrap", "none"}, optional
        "robust" (default): infinitesimal jackknife over rows. "model": inverse of the observed information. "cluster":
        infinitesimal jackknife over clusters (default when there are clusters). "bootstrap": rows or clusters drawn
        again.
    transform : {"log-log", "log", "plain", "arcsine", "logit", "cloglog"}
    n_samples : int
    rng : numpy Generator or seed, optional

    Notes
    -----
    `entry` is the time between coming and being found, `exit` the whole stay, or its length when last seen (event 0).
    A stay of length t is found with a chance proportional to t (with `since` and `growth`, to the number who came at
    most t before); the masses are divided by it. Three assumptions: the rate of coming has the stated shape, stays do
    not depend on when people came, and the end of follow-up tells nothing about the stay. The first is tested
    (`stationarity_test`) and printed. The product limit with delayed entry needs only the other two and stands beside;
    it is less precise, and knows nothing of stays shorter than the shortest time since entry.

    The estimate is for the stay whatever its reason: those still inside carry no reason, and the length bias of a
    reason is that of the whole stay. Incidence for each reason: AalenJohansen with delayed entry.

    Source: Vardi (1982, 1989); Wang (1991); Asgharian, M'Lan & Wolfson (2002).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(entry=[1, 2, 2], exit=[2, 4, 4])  # nobody still there: masses 1/3, 2/3 over 2 and 4
    >>> curve = xm.PrevalentCohort().fit(spells)
    >>> curve.estimate.round(3).tolist(), round(curve.checks[0].mean, 3)  # harmonic mean of 2, 4, 4
    ([0.5, 0.0], 3.0)
    """

    by: str | Sequence[str] | None = None
    since: float | None = None
    growth: float = 0.0
    variance: str | None = None
    transform: str = "log-log"
    n_samples: int = 500
    rng: np.random.Generator | int | None = None

    def fit(self, spells: Spells) -> PrevalentCurve:
        """Estimate the curve of each group.

        Raises
        ------
        SchemeError
            If only exits inside a window were recorded.
        DataError
            If people are at risk from time 0 (they were not found inside), came longer ago than `since`, or nobody of
            a group left.
        """
        rows = found_inside(spells, "PrevalentCohort").complete(self.by)
        kind = self._kind(rows)
        since = self._since(rows)
        rng = np.random.default_rng(self.rng)
        pieces, checks, notes = [], [], []
        for group in cohort_groups(rows, self.by):
            piece, check, said = self._group(group, rows, kind, since, rng)
            pieces.append(piece)
            checks.append(check)
            notes += said
        sources = ("vardi1982", "vardi1989", "asgharian2002", *(("efron1979",) if kind == "bootstrap" else ()))
        return PrevalentCurve(
            kind="survival",
            pieces=tuple(pieces),
            transform=self.transform,
            variance=kind if kind != "bootstrap" else f"bootstrap ({self.n_samples} samples)",
            unit=rows.unit,
            ledger=rows.ledger,
            method=f"Survival from a prevalent cohort, {self._rate()}",
            sources=sources,
            warnings=tuple(notes),
            converged=all(check.gap < 1e-8 for check in checks),
            checks=tuple(checks),
        )

    def _rate(self) -> str:
        if self.since is None and self.growth == 0:
            return "people coming at a constant rate"
        rate = "a constant rate" if self.growth == 0 else f"a rate growing by exp({number(self.growth)} t)"
        return f"people coming at {rate}" + ("" if self.since is None else f" since {number(self.since)} before")

    def _kind(self, rows: Spells) -> str:
        kind = self.variance or ("cluster" if rows.cluster is not None else "robust")
        if kind not in _VARIANCES:
            raise DataError(
                f"variance={kind!r} is not known.", code="variance", hint=f"One of {', '.join(_VARIANCES)}."
            )
        if kind == "cluster" and rows.cluster is None:
            raise DataError("There are no clusters.", code="no-cluster", hint="Read the spells with cluster=.")
        if kind == "model" and rows.weight is not None and rows.weights == "sampling":
            raise DataError(
                'variance="model" counts people, and sampling weights do not.',
                code="variance",
                hint='Use variance="robust".',
            )
        return kind

    def _since(self, rows: Spells) -> float:
        since = np.inf if self.since is None else float(self.since)
        if not (since > 0 and np.isfinite(self.growth) and (self.growth >= 0 or np.isfinite(since))):
            raise DataError(
                f"since={self.since}, growth={self.growth} cannot be.",
                code="since",
                hint="since is above zero; with a falling rate (growth below zero) it must be given.",
            )
        early = np.flatnonzero(np.asarray(rows.entry, dtype=float) > since)
        if early.size:
            raise DataError(
                f"{early.size} people came longer before the roll than since={number(since)}.",
                column="entry",
                rows=rows.labels[early],
                code="since",
                hint="Give the time since the first could come.",
            )
        return since

    def _group(
        self, group: CohortGroup, rows: Spells, kind: str, since: float, rng: np.random.Generator
    ) -> tuple[Piece, PrevalentCheck, list[str]]:
        if not group.left.any():
            raise DataError(
                f"{group.label}: nobody left, so the data cannot show how long people stay.",
                code="no-events",
                hint="Times since entry alone are for CurrentDuration; otherwise follow people longer.",
            )
        data, which, reached = place_found(group.level, group.left, group.weight, group.times, since, self.growth)
        found = fit_found(data)
        read = Stays.of(data, found.mass, group.times[which])
        choices = (kind, since, rng, self.growth, self.n_samples)
        spread = cohort_errors(group, data, found, which, *choices) if kind != "none" else None
        open_end = not bool(reached[-1])
        ends = np.flatnonzero(np.bincount(which, read.stays, len(group.times)) > _NONE)
        ends = ends[:-1] if open_end else ends
        estimate = (
            np.array([read.survival(group.times[k]) for k in ends]) if len(ends) < 2 else read.at(group.times[ends])
        )
        se = np.full(len(ends), np.nan) if spread is None else spread.curve(group.times[ends])
        # a law that falls to 0 at the last exit has no error there
        gone = np.bincount(group.level[group.left], group.weight[group.left], len(group.times))
        piece = Piece(
            keys=group.keys,
            time=group.times[ends],
            estimate=np.where(estimate < _NONE, 0.0, estimate),
            se=np.where(estimate < _NONE, 0.0, se),
            at_risk=np.zeros(0),
            events=gone[ends],
            censored=np.zeros(0),
            n=group.n,
            until=float(group.times[-1]),
            integral_se=None if spread is None else spread.area,
        )
        beside = _delayed_entry(group)
        check = PrevalentCheck(
            keys=group.keys,
            n=group.n,
            n_left=float(group.weight[group.left].sum() if group.copies else group.left.sum()),
            found_mean=float(found.mass @ group.times[which]),
            mean=read.mean,
            mean_se=np.nan if spread is None else spread.mean,
            open_end=open_end,
            last=float(group.times[-1]),
            first_entry=float(group.entry.min()),
            late_time=beside[0],
            late_survival=beside[1],
            stationarity=self._tested(rows.select(group.members)),
            gap=found.gap,
            llf=found.value,
            n_steps=found.n_steps,
        )
        return piece, check, _notes(check, found, group.label)

    def _tested(self, rows: Spells) -> float:
        """p-value of the test of a constant rate; NaN where another shape is taken as known, or nothing is compared."""
        if self.since is not None or self.growth != 0:
            return np.nan
        try:
            return stationarity_test(rows).pvalue
        except DataError:
            return np.nan


def _delayed_entry(group: CohortGroup) -> tuple[Floats, Floats]:
    """Product limit that uses entry only as delayed: no rate of coming is assumed."""
    exit = group.times[group.level]
    table = event_table(exit, group.left.astype(np.int64), 1, group.entry, group.weight)
    used = np.flatnonzero(table.all_events > 0)
    survival, _ = kaplan_meier(table.at_risk[used].astype(np.float64), table.all_events[used].astype(np.float64))
    return np.asarray(table.time[used], dtype=np.float64), survival


def _notes(check: PrevalentCheck, found: Settled, label: str) -> list[str]:
    notes = []
    if check.open_end:
        notes.append(
            f"{label}: the longest time on record is of somebody still there, so mass beyond {number(check.last)} is "
            "put there: the mean is at least this"
        )
    if check.stationarity < 0.05:
        notes.append(
            f"{label}: time since entry and time yet to come differ (p = {number(check.stationarity, 3)}), so people "
            "did not come at a constant rate, or stays changed: prefer KaplanMeier with delayed entry"
        )
    if not found.converged:
        notes.append(f"{label}: the estimate is self-consistent only to within {found.gap:.1e}")
    return notes
