"""Influence of each row on Kaplan-Meier, Nelson-Aalen and Aalen-Johansen curves.

Ground floor. A `Form` says what a row's own event adds, what its time at risk
takes away, and how the sums are read at each time; influence.py squares and
adds them. Right under delayed entry, weights and clusters together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.influence import integrated_influence, variance_over_time
from exitmodels.kernels.products import aalen_johansen
from exitmodels.kernels.risksets import RiskIndex, at_risk_sum

__all__ = [
    "Form",
    "Rows",
    "area_influence",
    "area_variance",
    "hazard_form",
    "incidence_form",
    "influence_at",
    "survival_form",
    "variance",
]


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of one group on their grid of event times.

    Attributes
    ----------
    index : RiskIndex
        One stratum, events of any cause.
    event : (n,) int
        0 for censored, 1 .. j for the causes.
    weight : (n,)
        Weights that make the estimate.
    factor : (n,)
        What the influence of a row is multiplied by before squaring: the weight itself, or its square
        root when a weight counts separate people.
    cluster : (n,) int or None
    """

    index: RiskIndex
    event: Ints
    weight: Floats
    factor: Floats
    cluster: Ints | None

    def at_risk(self) -> Floats:
        """Y at each grid time."""
        return at_risk_sum(self.index, self.weight)

    def events(self, n_causes: int) -> Floats:
        """Exits for each cause at each grid time, (j, k)."""
        k = self.index.n_times
        rows = self.index.event_rows
        key = (self.event[rows] - 1) * k + self.index.moment[rows]
        return np.bincount(key, self.weight[rows], n_causes * k).reshape(n_causes, k)


@dataclass(frozen=True, eq=False)
class Form:
    """The influence on one curve, in the three parts that `influence.variance_over_time` reads."""

    jumps: Floats
    rates: Floats
    readout: Floats


def _parts(rows: Rows, n_causes: int) -> tuple[Floats, Floats, Floats, Floats]:
    at_risk, events = rows.at_risk(), rows.events(n_causes)
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = np.where(at_risk > 0, 1.0 / at_risk, 0.0)
        hazard = events.sum(axis=0) * inverse
        left = np.where(hazard < 1 - 1e-14, 1.0 / (1.0 - hazard), 0.0)
    return events, inverse, hazard, left


def _own(rows: Rows, values: Floats, cause: int | None = None) -> Floats:
    """`values` at the time of each row's own event (of one cause), zero for other rows."""
    out = np.zeros(len(rows.event))
    mine = rows.index.event_rows if cause is None else np.flatnonzero(rows.event == cause)
    out[mine] = values[rows.index.moment[mine]]
    return out


def survival_form(rows: Rows, n_causes: int = 1) -> Form:
    """Influence on S(t): -S(t) times the sum of dM / (Y - d)."""
    _, inverse, hazard, left = _parts(rows, n_causes)
    step = left * inverse
    survival = np.cumprod(1.0 - hazard)
    return Form(_own(rows, step)[:, None], (step * hazard)[:, None], -survival[:, None])


def hazard_form(rows: Rows) -> Form:
    """Influence on the Nelson-Aalen sum: the sum of dM / Y."""
    _, inverse, hazard, _ = _parts(rows, 1)
    return Form(_own(rows, inverse)[:, None], (inverse * hazard)[:, None], np.ones((len(hazard), 1)))


def incidence_form(rows: Rows, n_causes: int, cause: int) -> Form:
    """Influence on F_j(t): sum of S(s-) dM_j / Y - (F_j(t) - F_j(s)) dM / (Y - d).

    Source: Therneau, Crowson & Atkinson (2024), the infinitesimal jackknife of the Aalen-Johansen estimate.
    """
    events, inverse, hazard, left = _parts(rows, n_causes)
    at_risk = rows.at_risk()
    before, incidence = aalen_johansen(np.where(at_risk > 0, at_risk, 1.0), events)
    own, step = before * inverse, left * inverse
    curve = incidence[cause - 1]
    jumps = np.column_stack([_own(rows, own, cause) + _own(rows, curve * step), _own(rows, step)])
    rates = np.column_stack([own * events[cause - 1] * inverse + curve * step * hazard, step * hazard])
    return Form(jumps, rates, np.column_stack([np.ones_like(curve), -curve]))


def variance(rows: Rows, form: Form) -> Floats:
    """Infinitesimal-jackknife variance at each grid time, (k,)."""
    i = rows.index
    return variance_over_time(
        i.enters, i.leaves, i.moment, form.jumps, form.rates, form.readout, rows.factor, rows.cluster
    )


def area_variance(rows: Rows, form: Form, tau: float) -> float:
    """Infinitesimal-jackknife variance of the area under the curve up to tau."""
    own = area_influence(rows, form, tau)
    if rows.cluster is not None:
        own = np.bincount(rows.cluster, own)
    return float(own @ own)


def area_influence(rows: Rows, form: Form, tau: float) -> Floats:
    """Influence of each row (times its factor) on the area under the curve up to tau, (n,)."""
    i = rows.index
    width = np.diff(np.minimum(np.append(i.times, np.inf), tau))
    return rows.factor * integrated_influence(i.enters, i.leaves, i.moment, form.jumps, form.rates, form.readout, width)


def influence_at(rows: Rows, form: Form, time: float) -> Floats:
    """Influence of each row (times its factor) on the curve at one time, (n,)."""
    i = rows.index
    upto = int(np.searchsorted(i.times, time, side="right"))
    if upto == 0:
        return np.zeros(len(i.enters))
    total = np.zeros((upto + 1, form.rates.shape[1]))
    np.cumsum(form.rates[:upto], axis=0, out=total[1:])
    happened = (i.moment >= 0) & (i.moment < upto)
    own = np.where(happened[:, None], form.jumps, 0.0)
    own -= total[np.minimum(i.leaves, upto)] - total[np.minimum(i.enters, upto)]
    return rows.factor * (own @ form.readout[upto - 1])
