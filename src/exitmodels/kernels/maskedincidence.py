"""Aalen-Johansen curves when the cause of some exits is masked: exits shared out, and the influence of each row.

Ground floor: NumPy only. At each time the exits of a pattern are shared among the causes it leaves open, by shares that
are constant between cuts; exits with a certain cause stay as they are, so that nothing changes where nothing is masked.

Read next: jackknife.py (the same without masking), patternshares.py. Called by: models.nonparametric.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.influence import integrated_influence, variance_over_time
from exitmodels.kernels.jackknife import Rows
from exitmodels.kernels.patternshares import curvature, posterior
from exitmodels.kernels.products import aalen_johansen

__all__ = ["MaskedForm", "area_error", "masked_form", "masked_variance", "shared_out"]


def shared_out(times: Floats, counts: Floats, cuts: Floats, share: Floats, chance: Floats) -> Floats:
    """Expected exits of each cause at each time (K, T).

    Parameters
    ----------
    counts : (P, T)
        Exits of each pattern.
    share : (J, K)
        Shares of the causes in each piece between cuts.
    chance : (P, K)
    """
    piece = np.searchsorted(cuts, times, side="left")
    return np.asarray(np.einsum("pt,tpk->kt", counts, posterior(share, chance)[piece]), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class _Cell:
    """What one piece adds through its shares.

    Attributes
    ----------
    rows, pattern : (m,) int
        Exits of the piece.
    influence : (P, h)
        Of an exit of each pattern on the h shares above zero.
    slopes : (T, h)
        Of the incidence by these shares.
    """

    rows: Ints
    pattern: Ints
    influence: Floats
    slopes: Floats


@dataclass(frozen=True, eq=False)
class MaskedForm:
    """The influence of rows on one incidence.

    Attributes
    ----------
    jumps, rates, readout
        As in `jackknife.Form`: shares taken as known.
    squares : (T,)
        Sum of squared influences with shares taken as known, where weights count people and nobody enters late.
    cells : list
        What comes through the shares of each piece in which they matter.
    """

    jumps: Floats
    rates: Floats
    readout: Floats
    squares: Floats
    cells: list[_Cell]


def masked_form(rows: Rows, cuts: Floats, share: Floats, chance: Floats, cause: int) -> MaskedForm:
    """Influence on the incidence of one cause (from 0): of the times, and through the shares.

    Notes
    -----
    Through the times it is that of Therneau, Crowson & Atkinson (2024) with the expected cause in place of the cause;
    through the shares it is the score of the pattern over the information of its piece.
    """
    index = rows.index
    piece = np.searchsorted(cuts, index.times, side="left")
    counts = rows.events(len(chance))
    told = posterior(share, chance)
    events = shared_out(index.times, counts, cuts, share, chance)
    at_risk = rows.at_risk()
    inverse = np.where(at_risk > 0, 1.0 / np.where(at_risk > 0, at_risk, 1.0), 0.0)
    total = events.sum(axis=0)
    hazard = total * inverse
    left = np.where(hazard < 1 - 1e-14, 1.0 / np.where(hazard < 1 - 1e-14, 1.0 - hazard, 1.0), 0.0)
    before, incidence = aalen_johansen(np.where(at_risk > 0, at_risk, 1.0), events)
    own, step, curve, mark = before * inverse, left * inverse, incidence[cause], events[cause]
    mine = index.event_rows
    moment, pattern = index.moment[mine], rows.event[mine] - 1
    jumps = np.zeros((len(rows.event), 2))
    jumps[mine, 0] = own[moment] * told[piece[moment], pattern, cause] + (curve * step)[moment]
    jumps[mine, 1] = step[moment]
    rates = np.column_stack([own * mark * inverse + curve * step * hazard, step * hazard])
    readout = np.column_stack([np.ones_like(curve), -curve])
    # At each time the squares over those at risk: of expected marks, of marks and exits, of exits.
    twice = np.einsum("pt,tp->t", counts, told[piece][:, :, cause] ** 2)
    parts = (own**2 * (twice - mark**2 * inverse), own * step * mark * (1 - hazard), step**2 * total * (1 - hazard))
    sums = [np.cumsum(v) for v in (parts[0] + 2 * parts[1] * curve + parts[2] * curve**2, parts[1] + parts[2] * curve)]
    squares = sums[0] - 2 * curve * sums[1] + curve**2 * np.cumsum(parts[2])
    return MaskedForm(jumps, rates, readout, squares, _cells(rows, piece, own, counts, share, chance, told, cause))


def _cells(
    rows: Rows, piece: Ints, own: Floats, counts: Floats, share: Floats, chance: Floats, told: Floats, cause: int
) -> list[_Cell]:
    """Influence on the shares of each piece, and slopes of the incidence by them; certain pieces are left out."""
    mine = rows.index.event_rows
    own_piece, pattern = piece[rows.index.moment[mine]], rows.event[mine] - 1
    found = []
    for j in np.unique(own_piece).tolist():
        held, here = np.flatnonzero(share[j] > 0), piece == j
        total = counts[:, here].sum(axis=1)
        # How the posterior of each pattern for this cause moves with each share.
        moves = told[j][:, [cause]] * ((held == cause) - told[j][:, held]) / share[j, held]
        if not np.any(moves[total > 0]):
            continue
        inverse = np.linalg.inv(curvature(total, share[j], chance)[np.ix_(held, held)])
        mixed = chance @ share[j]
        score = chance[:, held] / np.where(mixed > 0, mixed, 1.0)[:, None] - 1.0
        slopes = np.cumsum((counts.T @ moves) * (own * here)[:, None], axis=0)
        inside = own_piece == j
        found.append(_Cell(mine[inside], pattern[inside], score @ inverse, slopes))
    return found


def masked_variance(rows: Rows, form: MaskedForm) -> Floats:
    """Infinitesimal-jackknife variance at each grid time (T,).

    Notes
    -----
    Without clusters the influences through the times and through the shares are squared apart; their product needs
    only sums over the exits of each pattern and piece, so that cost is O(n + T J P).
    """
    if rows.cluster is not None:
        return _over_time(rows, form, *_columns(rows, form))
    plain = not rows.index.delayed and np.allclose(rows.factor**2, rows.weight)
    out = form.squares.copy() if plain else _over_time(rows, form, None, None)
    square = rows.factor**2
    for cell in form.cells:
        gains = cell.slopes @ cell.influence.T
        for p in np.unique(cell.pattern).tolist():
            chosen = cell.rows[cell.pattern == p]
            own = gains[:, p]
            out += own * (2 * _summed(rows, form, chosen, square[chosen]) + own * square[chosen].sum())
    return np.maximum(out, 0.0)


def _summed(rows: Rows, form: MaskedForm, chosen: Ints, square: Floats) -> Floats:
    """Sum over some exits of their influence through the times, at each grid time (T,)."""
    index, k = rows.index, rows.index.n_times
    steps = np.bincount(index.leaves[chosen], square, k + 1) - np.bincount(index.enters[chosen], square, k + 1)
    there = np.cumsum(steps[:0:-1])[::-1]
    out = np.zeros(k)
    for q in range(form.rates.shape[1]):
        gained = np.bincount(index.moment[chosen], square * form.jumps[chosen, q], k)
        out += form.readout[:, q] * np.cumsum(gained - there * form.rates[:, q])
    return out


def _columns(rows: Rows, form: MaskedForm) -> tuple[Floats, Floats]:
    """Influence of each row on the shares (n, c), factors in it, and slopes by them (T, c)."""
    constants = [np.zeros((len(rows.event), 0))]
    for cell in form.cells:
        part = np.zeros((len(rows.event), cell.influence.shape[1]))
        part[cell.rows] = cell.influence[cell.pattern] * rows.factor[cell.rows, None]
        constants.append(part)
    return np.hstack(constants), np.hstack([np.zeros((rows.index.n_times, 0)), *(cell.slopes for cell in form.cells)])


def _over_time(rows: Rows, form: MaskedForm, constants: Floats | None, slopes: Floats | None) -> Floats:
    i = rows.index
    parts = (form.jumps, form.rates, form.readout, rows.factor, rows.cluster)
    if constants is None or slopes is None or not constants.shape[1]:
        return variance_over_time(i.enters, i.leaves, i.moment, *parts)
    return variance_over_time(i.enters, i.leaves, i.moment, *parts, constants, slopes)


def area_error(rows: Rows, form: MaskedForm, tau: float) -> float:
    """Standard error of the area under the incidence up to tau."""
    i = rows.index
    width = np.diff(np.minimum(np.append(i.times, np.inf), tau))
    own = integrated_influence(i.enters, i.leaves, i.moment, form.jumps, form.rates, form.readout, width)
    for cell in form.cells:
        own[cell.rows] += (cell.influence @ (width @ cell.slopes))[cell.pattern]
    own = own * rows.factor
    if rows.cluster is not None:
        own = np.bincount(rows.cluster, own)
    return float(np.sqrt(own @ own))
