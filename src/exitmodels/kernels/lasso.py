"""Quadratics with absolute values: the step inside every lasso.

Ground floor. Minimise b'Q b / 2 - c'b + sum w |b|. Instead of many sweeps over
coordinates, the set of non-zero coefficients and their signs is kept: given
those the minimum is one linear system, and from a warm start few sets are tried.

Read next: coxpath.py.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import Bools, Floats

__all__ = ["quadratic_lasso"]

_ROUNDING = 1e-11


def quadratic_lasso(square: Floats, linear: Floats, weight: Floats, start: Floats) -> Floats:
    """Minimise b'Q b / 2 - c'b + sum w |b|, exactly up to rounding.

    Parameters
    ----------
    square : (p, p)
        Q, positive semi-definite; positive definite on the columns with weight zero.
    linear : (p,)
        c.
    weight : (p,)
        w >= 0; zero leaves a coefficient unpenalised, infinity keeps it at zero.
    start : (p,)
        Where to begin; good starts save steps.

    Returns
    -------
    (p,), with exact zeros.

    Notes
    -----
    Each step solves for the coefficients in use, walks towards the solution as far as the function falls,
    and drops those that reach zero; when the set is optimal, the coefficient that pulls hardest joins. The
    function falls at every step and there are finitely many sets, so it ends.
    Source: Lee, Battle, Raina & Ng (2007), the feature-sign search.
    """
    b = np.where(np.isinf(weight), 0.0, start)
    sign = np.sign(b)
    used: Bools = (weight == 0) | (b != 0)
    size = np.max(np.abs(linear), initial=0.0) + np.max(np.abs(np.diag(square) * b), initial=0.0)
    tol = _ROUNDING * max(float(size), 1e-300)
    joined = False
    for _ in range(20 * len(b) + 100):
        before = b
        if used.any():
            b, sign, used = _walk(square, linear, weight, b, sign, used)
        slope = square @ b - linear
        still = np.array_equal(b, before)
        if not still and np.any(np.abs(slope + np.where(sign == 0, 0.0, weight) * sign)[used] > tol):
            joined = False
            continue
        if used.all():
            break
        excess = np.where(used, -np.inf, np.abs(slope) - weight)
        j = int(np.argmax(excess))
        if not excess[j] > tol or (still and joined):
            break
        joined = True
        used = used.copy()
        used[j], sign[j] = True, -np.sign(slope[j])
    return b


def _walk(
    square: Floats, linear: Floats, weight: Floats, b: Floats, sign: Floats, used: Bools
) -> tuple[Floats, Floats, Bools]:
    """Go from b towards the minimum for these signs, to the lowest point on the way where a sign changes."""
    rows = np.flatnonzero(used)
    pull = np.where(weight[rows] > 0, weight[rows] * sign[rows], 0.0)
    here = b[rows]
    part = square if len(rows) == len(b) else square[np.ix_(rows, rows)]
    step = _solve(part, linear[rows] - pull) - here
    turns = (weight[rows] > 0) & ((here + step) * sign[rows] < 0)
    out = b.copy()
    if not turns.any():
        out[rows] = here + step
        return out, np.sign(out), (weight == 0) | (out != 0)
    cross = np.full(len(rows), np.inf)
    cross[turns] = -here[turns] / step[turns]
    places = np.unique(np.append(cross[turns], 1.0))
    along = part @ step
    first, second = float(here @ along - linear[rows] @ step), float(step @ along)
    at = here + places[:, None] * step
    heights = first * places + 0.5 * second * places**2 + np.abs(at) @ weight[rows]
    t = float(places[np.argmin(heights)])
    out[rows] = np.where(cross == t, 0.0, here + t * step)
    return out, np.sign(out), (weight == 0) | (out != 0)


def _solve(square: Floats, linear: Floats) -> Floats:
    d = np.sqrt(np.maximum(np.diag(square), 1e-300))
    scaled = square / np.outer(d, d)
    try:
        return np.asarray(np.linalg.solve(scaled, linear / d) / d)
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.lstsq(scaled, linear / d, rcond=1e-12)[0] / d)
