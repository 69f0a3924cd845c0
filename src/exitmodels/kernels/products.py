"""Curves from event tables: Kaplan-Meier, Nelson-Aalen and Aalen-Johansen, with their variances.

Ground floor. Arrays come from tables.py; variances that need the rows
(weights, clusters, delayed entry with several causes) are in influence.py.
"""

from __future__ import annotations

import numpy as np
from scipy.special import digamma, zeta

from exitmodels.arrays import CHUNK, Floats

__all__ = ["aalen_johansen", "incidence_variance", "kaplan_meier", "nelson_aalen", "restricted_area"]


def kaplan_meier(at_risk: Floats, events: Floats) -> tuple[Floats, Floats]:
    """Product-limit estimate and Greenwood's sum.

    Parameters
    ----------
    at_risk, events : (k,)

    Returns
    -------
    survival : (k,)
        S(t), at and after each time.
    greenwood : (k,)
        Sum of d / (Y (Y - d)): the variance of log S; infinite once S is zero.

    Notes
    -----
    By pieces that stay in cache. Source: Kaplan & Meier (1958), eq. 2b; Greenwood (1926).
    """
    survival, greenwood = np.empty(len(at_risk)), np.empty(len(at_risk))
    product, total = 1.0, 0.0
    for start in range(0, len(at_risk), CHUNK):
        part = slice(start, start + CHUNK)
        y, d = at_risk[part], events[part]
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(d > 0, d / y, 0.0)
            step = np.where(d > 0, share / (y - d), 0.0)
        factor = 1.0 - share
        factor[0] *= product
        step[0] += total
        np.cumprod(factor, out=survival[part])
        np.cumsum(step, out=greenwood[part])
        product, total = survival[part][-1], greenwood[part][-1]
    return survival, greenwood


def nelson_aalen(
    at_risk: Floats, events: Floats, ties: str = "aalen", variance: str = "aalen", count: Floats | None = None
) -> tuple[Floats, Floats]:
    """Cumulative hazard and its variance.

    Parameters
    ----------
    at_risk, events : (k,)
    ties : {"aalen", "fleming-harrington"}
        "aalen" adds d / Y. "fleming-harrington" lets tied exits leave one after another,
        1/Y + 1/(Y - 1) + ...
    variance : {"aalen", "binomial"}
        d / Y^2, or d (Y - d) / Y^3 (which is smaller under ties); with Fleming-Harrington ties the sum
        of squares of the increments.
    count : (k,), optional
        Number of tied rows when `events` is a sum of sampling weights: the steps then have equal size.

    Notes
    -----
    Source: Aalen (1978); Fleming & Harrington (1984); Klein & Moeschberger (2003), eq. 4.2.3-4.2.4.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        if ties == "aalen":
            step = np.where(events > 0, events / at_risk, 0.0)
            second = step / at_risk if variance == "aalen" else step * (at_risk - events) / at_risk**2
            square = np.where(events > 0, second, 0.0)
        else:
            step, square = _one_by_one(at_risk, events, events if count is None else count)
    return np.cumsum(step), np.cumsum(square)


def _one_by_one(at_risk: Floats, events: Floats, count: Floats) -> tuple[Floats, Floats]:
    """Sums of w/(Y - w l) and of its square over l = 0 .. m - 1, with w = events / m, in closed form."""
    tied = events > 0
    size = np.where(tied, events / np.where(tied, count, 1.0), 1.0)
    top = at_risk / size
    low = top - count
    step = np.where(tied, digamma(top + 1) - digamma(low + 1), 0.0)
    square = np.where(tied, zeta(2, low + 1) - zeta(2, top + 1), 0.0)
    single = tied & (count == 1)
    step[single], square[single] = 1 / top[single], 1 / top[single] ** 2
    return step, square


def aalen_johansen(at_risk: Floats, events: Floats) -> tuple[Floats, Floats]:
    """Probability of still being there, and of having left for each cause.

    Parameters
    ----------
    at_risk : (k,)
    events : (j, k)
        Exits for each cause; several causes on one day are exact.

    Returns
    -------
    before : (k,)
        S(t-), the probability of being there just before each time.
    incidence : (j, k)

    Notes
    -----
    Source: Aalen & Johansen (1978).
    """
    total = events.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = np.where(total > 0, total / at_risk, 0.0)
        shares = np.where(events > 0, events / at_risk, 0.0)
    survival = np.cumprod(1.0 - hazard)
    before = np.concatenate([[1.0], survival[:-1]])
    return before, np.cumsum(before * shares, axis=1)


def incidence_variance(
    at_risk: Floats, events: Floats, before: Floats, incidence: Floats, kind: str = "jackknife"
) -> Floats:
    """Variance of each cumulative incidence, from the table alone.

    Parameters
    ----------
    at_risk : (k,)
    events, incidence : (j, k)
    before : (k,)
        S(t-).
    kind : {"jackknife", "aalen"}
        "jackknife": exits of one day are multinomial given those at risk; this is the infinitesimal
        jackknife when nobody enters late. "aalen": exits for the cause and for all others are independent
        counts with variance d (Y - d) / (Y - 1), the form that cmprsk prints.

    Notes
    -----
    With q = 1 / (1 - h), the influence on F_j(t) is the sum over times s up to t of
    S(s-) dM_j(s) / Y(s) - (F_j(t) - F_j(s)) q(s) dM(s) / Y(s); its square is a quadratic in F_j(t).
    Source: Therneau, Crowson & Atkinson (2024); Aalen (1978); Gray (1988), appendix.
    """
    total = events.sum(axis=0)
    inverse = np.where(total > 0, 1.0 / np.where(at_risk > 0, at_risk, 1.0), 0.0)
    hazard = total * inverse
    q = np.where(hazard < 1, 1.0 / np.where(hazard < 1, 1.0 - hazard, 1.0), 0.0)
    out = np.empty_like(incidence)
    for j, own in enumerate(events):
        curve = incidence[j]
        if kind == "jackknife":
            squares = before**2 * own * (1.0 - own * inverse)
            cross = before * q * own * (1.0 - hazard)
            shared = q**2 * total * (1.0 - hazard)
        else:
            own_spread, other_spread = _tied_spread(own, at_risk), _tied_spread(total - own, at_risk)
            squares, cross = before**2 * own_spread, before * q * own_spread
            shared = q**2 * (own_spread + other_spread)
        constant = (squares + 2 * cross * curve + shared * curve**2) * inverse**2
        linear = (cross + shared * curve) * inverse**2
        quadratic = np.cumsum(shared * inverse**2)
        out[j] = np.cumsum(constant) - 2 * curve * np.cumsum(linear) + curve**2 * quadratic
    return np.maximum(out, 0.0)


def _tied_spread(events: Floats, at_risk: Floats) -> Floats:
    """d (Y - d) / (Y - 1): the hypergeometric variance of a number of exits."""
    return np.where(events > 1, events * (at_risk - events) / np.maximum(at_risk - 1, 1.0), events)


def restricted_area(time: Floats, values: Floats, start: float, tau: float) -> tuple[float, Floats]:
    """Integrate a right-continuous step curve from 0 to tau.

    Returns
    -------
    area : float
    rest : (k,)
        For each time, the integral from that time to tau (zero beyond tau).
    """
    inside = time < tau
    edges = np.concatenate([[0.0], np.minimum(time, tau), [tau]])
    heights = np.concatenate([[start], values])
    pieces = np.diff(edges) * heights
    rest = np.cumsum(pieces[:0:-1])[::-1]
    return float(pieces.sum()), np.where(inside, rest, 0.0)
