"""Two ends that look alike: of what is recorded, and of the recording.

Ground floor: NumPy and SciPy. The records of interest have mean lambda E r s, those of the controls mu E r: r falls
from 1 to rho when recording ends, and s from 1 to psi when the events themselves do. The two base rates are
integrated out exactly (Jeffreys), the two falls by quadrature (uniform on 0 to 1), the two dates by summing. Within
the controls, kinds drop out: given their total, their shares do not depend on r.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from exitmodels.arrays import Floats, Ints

__all__ = ["EXPLANATIONS", "Ends", "weigh_ends"]

EXPLANATIONS = ("neither ended", "recording ended", "events ended", "both ended")
_NODES, _FINE = 24, 25


@dataclass(frozen=True, eq=False)
class Ends:
    """Evidence and posterior pieces.

    Attributes
    ----------
    log_evidence : (4,)
        Log marginal likelihood of each explanation, up to one constant.
    log_best : (4,)
        Highest log-likelihood of each on the grid, base rates at their best, up to one constant.
    recording_date, event_date : (2, c)
        Log weights of the candidate dates: alone, and with the other end as well.
    recording_left, events_left : (2, q)
        Log weights of the nodes of rho and psi, likewise.
    rho, psi : (q,)
        The nodes.
    best : (4,) of (date, rho, date, psi)
        The highest point with both ends, candidates by number.
    """

    log_evidence: Floats
    log_best: Floats
    recording_date: Floats
    event_date: Floats
    recording_left: Floats
    events_left: Floats
    rho: Floats
    psi: Floats
    best: tuple[int, float, int, float]


def _coarse() -> Floats:
    """Nodes on (0, 1], dense near 0 where a full stop lies."""
    return (np.arange(1, _NODES + 1) / _NODES) ** 3


def _refined(nodes: Floats, weights: Floats) -> Floats:
    """Add nodes where the weight lies, so that the trapezium rule is accurate there."""
    share = weights - weights.max(axis=1, keepdims=True)
    added = [nodes, np.array([1e-6, 1e-4])]
    for row in share:
        near = np.flatnonzero(row > -14.0)
        low = nodes[near[0] - 1] if near[0] else 1e-6
        added.append(np.linspace(low, nodes[min(near[-1] + 1, len(nodes) - 1)], _FINE))
    return np.unique(np.concatenate(added))


def _log_trapezium(nodes: Floats) -> Floats:
    """Log weights of the trapezium rule on (0, 1); the piece below the first node counts with it."""
    wide = np.diff(nodes)
    weight = np.zeros(len(nodes))
    weight[:-1] += wide / 2
    weight[1:] += wide / 2
    weight[0] += nodes[0]
    return np.log(weight)


def weigh_ends(events: Floats, controls: Floats, exposure: Floats, places: Ints, phi: float = 1.0) -> Ends:
    """Weigh the four explanations.

    Parameters
    ----------
    events, controls, exposure : (T,)
        By period; controls summed over their kinds.
    places : (c,)
        Candidate first periods after an end, each between 1 and T - 1.
    phi : float
        Dispersion, by which log-likelihoods are divided.

    Notes
    -----
    Cost: O(q^2 c^2), first on a coarse grid of the two shares and then with more nodes where the weight lies.
    Source of the idea: Lipsitch, Tchetgen Tchetgen and Cohen (2010), negative controls.
    """
    coarse = _coarse()
    everywhere = np.arange(len(places))
    series = (events, controls, exposure, places, phi)
    first = _weigh(*series, coarse, coarse, everywhere, everywhere)
    rho, psi = _refined(coarse, first.recording_left), _refined(coarse, first.events_left)
    return _weigh(*series, rho, psi, _likely(first.recording_date), _likely(first.event_date))


def _likely(weights: Floats) -> Ints:
    """Candidate dates whose weight, alone or with the other end, is above e^-25 of the largest."""
    return np.flatnonzero((weights > weights.max(axis=1, keepdims=True) - 25.0).any(axis=0))


def _weigh(
    events: Floats,
    controls: Floats,
    exposure: Floats,
    places: Ints,
    phi: float,
    rho: Floats,
    psi: Floats,
    some_r: Ints,
    some_e: Ints,
) -> Ends:
    """Weigh on given nodes; pairs of dates are tried among `some_r` and `some_e` only."""
    before = np.concatenate([[0.0], np.cumsum(exposure)])[places]
    total = float(exposure.sum())
    x, c = float(events.sum()), float(controls.sum())
    x_after = x - np.concatenate([[0.0], np.cumsum(events)])[places]
    c_after = c - np.concatenate([[0.0], np.cumsum(controls)])[places]
    log_rho, log_psi = np.log(rho), np.log(psi)
    of_rho, of_psi = _log_trapezium(rho) - np.log(len(places)), _log_trapezium(psi) - np.log(len(places))

    def base(mass: Floats, n: float) -> Floats:
        return -(n + 0.5) * np.log(mass)

    kept, gone = before[:, None] + rho * (total - before)[:, None], before[:, None] + psi * (total - before)[:, None]
    control = base(kept, c) + c_after[:, None] * log_rho
    none = float(base(np.array(total), x) + base(np.array(total), c)) / phi
    recording = (control + base(kept, x) + x_after[:, None] * log_rho) / phi
    stopped = (base(gone, x) + x_after[:, None] * log_psi + base(np.array(total), c)) / phi
    low = np.minimum.outer(before[some_r], before[some_e])
    high = np.maximum.outer(before[some_r], before[some_e])
    order = before[some_r, None] <= before[None, some_e]
    dates, by_node = np.full(low.shape, -np.inf), np.empty((len(rho), len(psi)))
    best, where = -np.inf, (0, 1.0, 0, 1.0)
    for i, r in enumerate(rho):
        fixed = (control[:, i] + x_after * log_rho[i])[some_r, None]
        for j, s in enumerate(psi):
            mass = low + np.where(order, r, s) * (high - low) + r * s * (total - high)
            value = (base(mass, x) + fixed + log_psi[j] * x_after[some_e]) / phi
            top = float(value.max())
            if top > best:
                a, b = np.unravel_index(int(value.argmax()), value.shape)
                best, where = top, (int(some_r[a]), float(r), int(some_e[b]), float(s))
            value += of_rho[i] + of_psi[j]
            shift = top + of_rho[i] + of_psi[j]
            by_node[i, j] = shift + np.log(np.exp(value - shift).sum())
            if shift > best - 60.0:
                np.logaddexp(dates, value, out=dates)
    recorded, ended = recording + of_rho, stopped + of_psi
    both_r, both_e = np.full(len(places), -np.inf), np.full(len(places), -np.inf)
    both_r[some_r], both_e[some_e] = logsumexp(dates, axis=1), logsumexp(dates, axis=0)
    return Ends(
        log_evidence=np.array([none, logsumexp(recorded), logsumexp(ended), logsumexp(by_node)]),
        log_best=np.array([none, recording.max(), stopped.max(), best]),
        recording_date=np.stack([logsumexp(recorded, axis=1), both_r]),
        event_date=np.stack([logsumexp(ended, axis=1), both_e]),
        recording_left=np.stack([logsumexp(recorded, axis=0), logsumexp(by_node, axis=1)]),
        events_left=np.stack([logsumexp(ended, axis=0), logsumexp(by_node, axis=0)]),
        rho=rho,
        psi=psi,
        best=where,
    )
