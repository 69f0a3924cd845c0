"""Numbers read off a curve (a probability, a mean time), their first and second derivatives by row.

Ground floor. Each number is a sum over event times of a weight times the
increment of an incidence (or of a cumulative hazard). Its derivative by the
weight of a row (the influence of the row) is a jump at the row's own event less
a sum over its time at risk; the derivative of that in a given direction is the
same with other jumps and rates.

Read next: leaveout.py (the same number with one row left out).
Called by: models.hazards.pseudo.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.products import aalen_johansen
from exitmodels.kernels.risksets import RiskIndex, at_risk_sum

__all__ = ["Readings", "direction_influence", "influence", "jumps_and_rates", "readings", "values"]


@dataclass(frozen=True, eq=False)
class Readings:
    """The rows of one group, and m numbers read off its curve.

    Attributes
    ----------
    index : RiskIndex
        One stratum, events of any cause.
    event : (n,) int
        0 for censored, 1 .. j for the causes.
    weight : (n,)
    at_risk : (k,)
    events : (j, k)
    before : (k,)
        S(t-).
    omega : (m, k)
        What an increment at each time counts for each number.
    cause : int
        Which increments count; 0 for those of all causes.
    hazard : bool
        Whether increments are those of the cumulative hazard rather than of the incidence.
    sign : float
    start : (m,)
        The number is ``start + sign * (omega times increments)``.
    """

    index: RiskIndex
    event: Ints
    weight: Floats
    at_risk: Floats
    events: Floats
    before: Floats
    omega: Floats
    cause: int
    hazard: bool
    sign: float
    start: Floats

    @property
    def own(self) -> Floats:
        """Exits that count, (k,)."""
        return self.events.sum(axis=0) if self.cause == 0 else self.events[self.cause - 1]

    def counts(self) -> Ints:
        """Rows whose own exit counts."""
        rows = self.index.event_rows
        return rows if self.cause == 0 else rows[self.event[rows] == self.cause]

    def sums(self, values: Floats) -> tuple[Floats, Floats, Floats]:
        """Sums of `values` (n,) over those at risk, those whose exit counts, and all who leave: (k,) each."""
        k, rows, own = self.index.n_times, self.index.event_rows, self.counts()
        return (
            at_risk_sum(self.index, values),
            np.bincount(self.index.moment[own], values[own], k),
            np.bincount(self.index.moment[rows], values[rows], k),
        )


def readings(
    index: RiskIndex,
    event: Ints,
    weight: Floats,
    n_causes: int,
    kind: str,
    times: Floats,
    cause: int,
    begin: float = 0.0,
) -> Readings:
    """Prepare the numbers of one kind at several times.

    Parameters
    ----------
    kind : {"survival", "incidence", "rmst", "time-lost", "cumhaz"}
        S(t); F(t) of a cause; the area under S up to t; the area under F; the Nelson-Aalen sum.
    times : (m,)
    cause : int
        For "incidence" and "time-lost"; 0 counts all causes.
    begin : float
        Time from which everyone is at risk; areas are counted from there.
    """
    at_risk = at_risk_sum(index, weight)
    rows, k = index.event_rows, index.n_times
    events = np.bincount((event[rows] - 1) * k + index.moment[rows], weight[rows], n_causes * k).reshape(n_causes, k)
    before, _ = aalen_johansen(at_risk, events)
    area = kind in ("rmst", "time-lost")
    gap = times[:, None] - index.times[None, :]
    omega = np.maximum(gap, 0.0) if area else (gap >= 0).astype(np.float64)
    falling = kind in ("survival", "rmst")
    start = times - begin if kind == "rmst" else np.full(len(times), 1.0 if kind == "survival" else 0.0)
    which = 0 if falling or kind == "cumhaz" else cause
    sign = -1.0 if falling else 1.0
    return Readings(index, event, weight, at_risk, events, before, omega, which, kind == "cumhaz", sign, start)


def values(r: Readings) -> Floats:
    """The numbers themselves, (m,)."""
    steps = r.own / r.at_risk * (1.0 if r.hazard else r.before)
    return r.start + r.sign * (r.omega @ steps)


def jumps_and_rates(r: Readings) -> tuple[Floats, Floats, Floats]:
    """What an exit that counts adds, what any exit adds, and what each time at risk takes away: (m, k) each.

    Notes
    -----
    With F~ the running sum of omega S(s-) h: an exit that counts adds omega S(s-) / Y, and every exit takes away
    (F~(end) - F~(s)) / (Y - D). Source: Therneau, Crowson & Atkinson (2024) for curves; linear in omega.
    """
    inverse = 1.0 / r.at_risk
    share = r.own * inverse
    if r.hazard:
        counted = r.omega * inverse
        return r.sign * counted, np.zeros_like(counted), r.sign * counted * share
    counted = r.omega * (r.before * inverse)
    every = -_after(r.omega * (r.before * share)) * _left(r)
    total = r.events.sum(axis=0) * inverse
    return r.sign * counted, r.sign * every, r.sign * (counted * share + every * total)


def _after(steps: Floats) -> Floats:
    """Sum over later times, (m, k)."""
    total = np.cumsum(steps[:, ::-1], axis=1)[:, ::-1]
    return total - steps


def _left(r: Readings) -> Floats:
    """1 / (Y - D), zero where nobody is left."""
    rest = r.at_risk - r.events.sum(axis=0)
    some = rest > 1e-12 * r.at_risk
    return np.where(some, 1.0 / np.where(some, rest, 1.0), 0.0)


def influence(r: Readings) -> Floats:
    """Derivative of each number by the weight of each row, (n, m)."""
    return _by_row(r, *jumps_and_rates(r))


def _by_row(r: Readings, counted: Floats, every: Floats, rate: Floats) -> Floats:
    total = np.zeros((r.index.n_times + 1, len(rate)))
    np.cumsum(rate.T, axis=0, out=total[1:])
    out = total[r.index.enters] - total[r.index.leaves]
    rows, own = r.index.event_rows, r.counts()
    out[rows] += every.T[r.index.moment[rows]]
    out[own] += counted.T[r.index.moment[own]]
    return out


def direction_influence(r: Readings, number: int, direction: Floats) -> Floats:
    """Derivative of `influence` of one number when the weights move along `direction`.

    Parameters
    ----------
    number : int
        Which of the m numbers.
    direction : (n, p)

    Returns
    -------
    (n, p): sum over rows j of direction_j times the second derivative by the weights of j and of each row.

    Notes
    -----
    Cost: O((n + k) p). Exact: the chain rule through at-risk and event sums.
    """
    return np.stack([_one_direction(r, number, column) for column in direction.T], axis=1)


def _one_direction(r: Readings, number: int, direction: Floats) -> Floats:
    at_risk, own, total = r.sums(direction)
    inverse, all_events = 1.0 / r.at_risk, r.events.sum(axis=0)
    share, hazard = r.own * inverse, all_events * inverse
    share_d, hazard_d = (own - share * at_risk) * inverse, (total - hazard * at_risk) * inverse
    inverse_d, omega = -at_risk * inverse**2, r.omega[number]
    if r.hazard:
        counted, every, every_d = omega * inverse, np.zeros_like(omega), np.zeros_like(omega)
        counted_d = omega * inverse_d
    else:
        left = _left(r)
        fall = -hazard_d * r.at_risk * left
        before_d = r.before * (np.cumsum(fall) - fall)
        counted = omega * r.before * inverse
        counted_d = omega * (before_d * inverse + r.before * inverse_d)
        tail = _after((omega * r.before * share)[None])[0]
        tail_d = _after((omega * (before_d * share + r.before * share_d))[None])[0]
        every, every_d = -tail * left, -(tail_d * left - tail * (at_risk - total) * left**2)
    rate_d = counted_d * share + counted * share_d + every_d * hazard + every * hazard_d
    return _by_row(r, *(r.sign * part[None] for part in (counted_d, every_d, rate_d)))[:, 0]
