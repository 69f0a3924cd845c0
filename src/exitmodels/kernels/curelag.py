"""Discrete time with a share that never leaves: mixture cure likelihood, its derivatives, and the search.

Ground floor. A row leaves in period t with chance (1 - never) h_t (1 - h_1) ... (1 - h_(t-1)), and with chance `never`
it does not leave at all. logit(never) = x' beta; g(h_t) = basis_t' c + z' gamma. Rows are visited in blocks of rows x
periods that stay in cache; the table of all rows and periods is never held.

Read next: cureprofile.py (profile limits). Called by: models.hazards.discrete_cure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.kernels.ascent import Ascent, Surface, ascend

__all__ = ["CureRows", "Penalty", "cure_surface", "fit_cure", "lag_logs", "row_values", "survivor_logs"]

_CELLS = 1 << 18
_FAR, _FIRST = 600.0, 5


@dataclass(frozen=True, eq=False)
class CureRows:
    """Rows on periods 1 .. t, with the columns of both parts.

    Attributes
    ----------
    never : (n, a)
        Columns of the never-part, the intercept included.
    lag : (n, b)
        Columns of the lag, without an intercept.
    never_offset, lag_offset : (n,)
    basis : (t, f)
        Columns of the periods.
    fixed : (t,)
        -inf where the hazard is 0 and inf where it is 1, without a coefficient; else 0.
    enters, leaves : (n,) int
        A row is at risk in periods enters + 1 .. leaves; those known to be still out at `enters` are conditioned on it.
    event : (n,) bool
        Whether the row leaves in period `leaves`.
    weight : (n,)
    link : {"logit", "cloglog"}
    """

    never: Floats
    lag: Floats
    never_offset: Floats
    lag_offset: Floats
    basis: Floats
    fixed: Floats
    enters: Ints
    leaves: Ints
    event: Bools
    weight: Floats
    link: str

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Coefficients of the never-part, of the periods and of the lag."""
        return self.never.shape[1], self.basis.shape[1], self.lag.shape[1]


@dataclass(frozen=True, eq=False)
class Penalty:
    """Half the log of p (1 - p) of some chances p: logit p = by_logit @ theta, and g(p) = by_link @ theta."""

    by_logit: Floats
    by_link: Floats


def lag_logs(link: str, eta: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
    """Log of the chance of staying with its two derivatives by eta, and log of the hazard with its two.

    Infinite `eta` stand for hazards 0 and 1 that are known: their derivatives are 0.
    """
    known = np.isfinite(eta)
    at = np.where(known, eta, 0.0)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        if link == "logit":
            stay = -np.logaddexp(0.0, at)
            gone = at + stay
            stay1, gone1 = -np.exp(gone), np.exp(stay)
            stay2 = gone2 = stay1 * gone1
        else:
            rate = np.exp(at)
            stay, stay1, stay2 = -rate, -rate, -rate
            gone = np.log(-np.expm1(-rate))
            gone1 = np.where(rate < _FAR, rate / np.expm1(np.minimum(rate, _FAR)), 0.0)
            gone2 = gone1 * (1 - rate - gone1)
    sure = eta == np.inf
    stay = np.where(known, stay, np.where(sure, -np.inf, 0.0))
    gone = np.where(known, gone, np.where(sure, 0.0, -np.inf))
    stay1, stay2, gone1, gone2 = (np.where(known, v, 0.0) for v in (stay1, stay2, gone1, gone2))
    return stay, stay1, stay2, gone, gone1, gone2


def survivor_logs(v: Floats, stay: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Log chance to be still out, log(never + (1 - never) e^stay) with logit(never) = v, and its derivatives.

    Returns
    -------
    value, by v, by stay, and the second derivative by stay; that by v and stay is its negative.
    """
    return (
        np.logaddexp(v, stay) - np.logaddexp(0.0, v),
        expit(v - stay) - expit(v),
        expit(stay - v),
        expit(v - stay) * expit(stay - v),
    )


@dataclass(frozen=True, eq=False)
class _Block:
    """Log-likelihood of some rows, its derivatives, and what the information adds over them."""

    rows: slice
    value: Floats
    scores: Floats
    information: Floats


def _blocks(theta: Floats, data: CureRows) -> Iterator[_Block]:
    a, f, _ = data.sizes
    period = data.basis @ theta[a : a + f] + data.fixed
    size = max(1, _CELLS // max(len(period), 1))
    for low in range(0, len(data.weight), size):
        yield _block(theta, data, slice(low, min(low + size, len(data.weight))), period)


def _block(theta: Floats, data: CureRows, rows: slice, period: Floats) -> _Block:
    a, f, _ = data.sizes
    x, z, basis = data.never[rows], data.lag[rows], data.basis
    event, enters = data.event[rows], data.enters[rows]
    last = data.leaves[rows] - event
    v = x @ theta[:a] + data.never_offset[rows]
    eta = period + (z @ theta[a + f :] + data.lag_offset[rows])[:, None]
    stay, stay1, stay2, gone, gone1, gone2 = lag_logs(data.link, eta)
    cells = np.arange(len(period))
    lived, before = cells < last[:, None], cells < enters[:, None]
    own = event[:, None] & (cells == last[:, None])
    until, at_entry = (np.where(mask, stay, 0.0).sum(axis=1) for mask in (lived, before))
    out, out_v, out_s, out_ss = survivor_logs(v, until)
    came, came_v, came_s, came_ss = survivor_logs(v, at_entry)
    late = enters > 0
    value = np.where(event, -np.logaddexp(0.0, v) + until + np.where(own, gone, 0.0).sum(axis=1), out)
    value = value - np.where(late, came, 0.0)
    # First and second derivatives cell by cell: staying up to the exit, the exit itself, less staying up to entry.
    k_out, k_in = np.where(event, 1.0, out_s)[:, None], np.where(late, came_s, 0.0)[:, None]
    first = lived * stay1 * k_out + own * gone1 - before * stay1 * k_in
    second = lived * stay2 * k_out + own * gone2 - before * stay2 * k_in
    never = expit(v)
    by_v = np.where(event, -never, out_v) - np.where(late, came_v, 0.0)
    scores = np.column_stack([x * by_v[:, None], _of_lag(first, basis, z)])
    w = data.weight[rows]
    information = -_linear(a, second * w[:, None], basis, z)
    for mask, sign, curve, part in ((~event, 1.0, out_ss, lived), (late, -1.0, came_ss, before)):
        wide = np.column_stack([x, -_of_lag(part * stay1, basis, z)])
        information -= (wide * (sign * w * np.where(mask, curve, 0.0))[:, None]).T @ wide
    spread = np.where(late, 0.0, never * (1 - never))
    information[:a, :a] += (x * (w * spread)[:, None]).T @ x
    return _Block(rows, value, scores, information)


def _of_lag(cells: Floats, basis: Floats, z: Floats) -> Floats:
    """Derivatives by eta, summed to derivatives by the coefficients of periods and lag (m, f + b)."""
    return np.column_stack([cells @ basis, z * cells.sum(axis=1)[:, None]])


def _linear(a: int, cells: Floats, basis: Floats, z: Floats) -> Floats:
    """Sum over cells of weight times the outer product of the cell's columns; zero in the never-part."""
    f, b = basis.shape[1], z.shape[1]
    out = np.zeros((a + f + b, a + f + b))
    out[a : a + f, a : a + f] = (basis * cells.sum(axis=0)[:, None]).T @ basis
    out[a : a + f, a + f :] = basis.T @ (cells.T @ z)
    out[a + f :, a : a + f] = out[a : a + f, a + f :].T
    out[a + f :, a + f :] = (z * cells.sum(axis=1)[:, None]).T @ z
    return out


def row_values(theta: Floats, data: CureRows) -> tuple[Floats, Floats]:
    """Log-likelihood (n,) and scores (n, p) of each row, without its weight."""
    found = list(_blocks(theta, data))
    return np.concatenate([b.value for b in found]), np.concatenate([b.scores for b in found])


def cure_surface(theta: Floats, data: CureRows, penalty: Penalty | None = None) -> Surface | None:
    """Log-likelihood, gradient and observed information; None where a linear predictor is out of reach.

    Notes
    -----
    Cost: O(n t (f + 1) + n p^2); memory for one block. With those late on record conditioned on being still out then.
    Source: Farewell (1982); in discrete time Tutz & Schmid (2016), section 9.
    """
    p = len(theta)
    value, gradient = 0.0, np.zeros(p)
    information, outer = np.zeros((p, p)), np.zeros((p, p))
    for block in _blocks(theta, data):
        w = data.weight[block.rows]
        if not np.isfinite(block.value).all():
            return None
        value += float(w @ block.value)
        gradient += w @ block.scores
        information += block.information
        outer += (block.scores * w[:, None]).T @ block.scores
    if penalty is not None:
        more = _penalised(theta, data, penalty)
        value, gradient = value + more[0], gradient + more[1]
        information, outer = information + more[2], outer + more[2]
    if not (np.isfinite(value) and np.isfinite(information).all()):
        return None
    ridge = 1e-8 * max(float(np.trace(outer)) / max(p, 1), 1e-8) * np.eye(p)
    return Surface(value, gradient, (information + information.T) / 2, lambda: outer + ridge)


def _penalised(theta: Floats, data: CureRows, penalty: Penalty) -> tuple[float, Floats, Floats]:
    value, gradient = 0.0, np.zeros(len(theta))
    information = np.zeros((len(theta), len(theta)))
    for link, rows in (("logit", penalty.by_logit), (data.link, penalty.by_link)):
        if len(rows):
            stay, stay1, stay2, gone, gone1, gone2 = lag_logs(link, rows @ theta)
            value += 0.5 * float((stay + gone).sum())
            gradient += 0.5 * (stay1 + gone1) @ rows
            information -= 0.5 * (rows * (stay2 + gone2)[:, None]).T @ rows
    return value, gradient, information


def fit_cure(data: CureRows, penalty: Penalty | None = None, most: int = 200) -> Ascent:
    """Climb a few steps from several shares that never leave, and go on from the highest place.

    The likelihood need not be a hill: a short follow-up can be explained by a large share that never leaves or by small
    hazards. The starts span that line.
    """
    best: Ascent | None = None
    for share in (0.95, 0.6, 0.2):
        start = _start(data, share)
        if cure_surface(start, data, penalty) is None:
            continue
        found = ascend(lambda at: cure_surface(at, data, penalty), start, most=_FIRST)
        if best is None or found.surface.value > best.surface.value + 1e-9 * (1 + abs(best.surface.value)):
            best = found
    if best is None:
        raise ValueError("no start lies inside the domain")
    return ascend(lambda at: cure_surface(at, data, penalty), best.at, most=most)


def _start(data: CureRows, share: float) -> Floats:
    """Constant chances: this share of those still out never leaves."""
    w, a = data.weight, data.sizes[0]
    out = float(w @ ~data.event)
    never = np.clip(share * out / float(w.sum()), 1e-3, 1 - 1e-3)
    periods = float((w * np.where(data.event, 1.0, 1 - share)) @ (data.leaves - data.enters))
    hazard = np.clip(float(w @ data.event) / max(periods, 1e-9), 1e-6, 0.95)
    level = np.log(hazard / (1 - hazard)) if data.link == "logit" else np.log(-np.log1p(-hazard))
    theta = np.zeros(sum(data.sizes))
    if a:
        theta[0] = np.log(never / (1 - never)) - float(w @ data.never_offset / w.sum())
    flat = np.full(len(data.basis), level - float(w @ data.lag_offset / w.sum()))
    theta[a : a + data.sizes[1]] = np.linalg.lstsq(data.basis, flat, rcond=None)[0]
    return theta
