"""Breaks in a least-squares regression over time: where they are, how sure that is, and whether there are any.

Ground floor: NumPy and SciPy.

Source: Bai and Perron (1998, 2003) for breaks; Bai (1997) for intervals of their dates; Andrews (1993) for the largest
F; Ploberger and Kraemer (1992) for the cumulated residuals. Called by: models.counts.structural.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy import optimize, special

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.suprema import scaled_inside

__all__ = ["argmax_law", "best_breaks", "break_interval", "cumulated_residuals", "f_statistics", "sup_f_pvalue"]


def best_breaks(y: Floats, design: Floats, shortest: int, most: int) -> tuple[Floats, list[Ints]]:
    """Least residual sums of squares with 0, 1, ..., `most` breaks.

    Parameters
    ----------
    y : (n,)
    design : (n, k)
    shortest : int
        Fewest points of a stretch, more than k.
    most : int
        Most breaks; fewer are tried when the series is too short.

    Returns
    -------
    rss : (m + 1,)
    breaks : list of (j,) arrays
        Points before each break, for j = 0, ..., m breaks.

    Notes
    -----
    Cost: O(n^2 k^3) for the sums of squares, held as n x n (a series of 3000 takes 72 MB), and O(n^2 most) for the
    breaks.
    """
    n = len(y)
    most = min(most, n // shortest - 1)
    rss = _all_rss(y, design, shortest)
    best = [rss[0]]
    last: list[Ints] = []
    for _ in range(most):
        total = best[-1][:, None] + rss
        last.append(total.argmin(axis=0))
        best.append(total.min(axis=0))
    breaks = []
    for m in range(most + 1):
        cuts, at = [], n
        for level in range(m - 1, -1, -1):
            at = int(last[level][at])
            cuts.append(at)
        breaks.append(np.array(cuts[::-1], dtype=np.int64))
    return np.array([b[n] for b in best]), breaks


def _all_rss(y: Floats, design: Floats, shortest: int) -> Floats:
    """(n + 1, n + 1): residual sum of squares of the stretch from s to t; infinite where it is too short."""
    n, k = design.shape
    centre = np.linalg.lstsq(design, y, rcond=None)[0]
    basis = np.linalg.qr(design)[0] * np.sqrt(n)
    z = np.column_stack([basis, y - design @ centre])
    moments = np.concatenate([np.zeros((1, k + 1, k + 1)), np.cumsum(z[:, :, None] * z[:, None, :], axis=0)])
    rss = np.full((n + 1, n + 1), np.inf)
    for t in range(shortest, n + 1):
        m = moments[t] - moments[: t - shortest + 1]
        xx, xy = m[:, :k, :k], m[:, :k, k:]
        fitted = np.linalg.solve(xx, xy) if k > 1 else xy / xx
        rss[: len(m), t] = np.maximum(m[:, k, k] - np.sum(xy * fitted, axis=(1, 2)), 0.0)
    return rss


def f_statistics(y: Floats, design: Floats, first: int) -> Floats:
    """F of one break after point `first`, ..., n - `first`: Wald form, not divided by the number of columns."""
    n, k = design.shape
    rss = _all_rss(y, design, min(first, n - first))
    places = np.arange(first, n - first + 1)
    split = rss[0, places] + rss[places, n]
    return np.asarray((rss[0, n] - split) / (split / (n - 2 * k)))


def sup_f_pvalue(statistic: float, columns: int, ratio: float) -> float:
    """Asymptotic probability that the largest F reaches this value.

    Parameters
    ----------
    statistic : float
    columns : int
        Coefficients that may change.
    ratio : float
        ``(1 - a)^2 / a^2`` when a share a is trimmed at each end.

    Notes
    -----
    One column: exact for the limiting process (an Ornstein-Uhlenbeck path), by its eigenvalues; below 1e-8, and for
    several columns, the tail expansion of Estrella (2003), good to a few per cent for p below 0.1 and bounded by one.

    Examples
    --------
    >>> round(sup_f_pvalue(8.85, 1, (0.85 / 0.15) ** 2), 3)
    0.05
    """
    if statistic <= 0:
        return 1.0
    if columns == 1:
        exact = 1 - scaled_inside(float(np.sqrt(statistic)), ratio)
        if exact > 1e-8:
            return float(exact)
    half = columns / 2
    lead = np.exp(half * np.log(statistic / 2) - statistic / 2 - special.gammaln(half))
    return float(np.clip(lead * ((1 - columns / statistic) * np.log(ratio) + 2 / statistic), 0.0, 1.0))


def cumulated_residuals(y: Floats, design: Floats) -> Floats:
    """Cumulated least-squares residuals over sigma root n (n + 1,); a Brownian bridge when nothing changes."""
    n, k = design.shape
    residual = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    sigma = np.sqrt(residual @ residual / (n - k))
    return np.append(0.0, np.cumsum(residual) / (sigma * np.sqrt(n)))


def argmax_law(x: float, xi: float, spread: float) -> float:
    """P(argmax of the two-sided drifting motion <= x), Bai (1997), appendix B.

    Parameters
    ----------
    x : float
        On the scale of the first regime.
    xi : float
        Size of the change in the second regime's regressors over the first's.
    spread : float
        ``xi phi2^2 / phi1^2``, with the error variances.
    """
    if x < 0:
        return _left(-x, xi, spread)
    return _right(x, xi, spread)


def _left(x: float, xi: float, phi: float) -> float:
    frac = xi / phi
    root = np.sqrt(x)
    first = -np.exp(-x / 8) * root / np.sqrt(2 * np.pi)
    second = -(phi / xi * (phi + 2 * xi) / (phi + xi)) * np.exp(
        frac * (1 + frac) * x / 2 + special.log_ndtr(-(0.5 + frac) * root)
    )
    third = (x / 2 - 2 + (phi + 2 * xi) ** 2 / ((phi + xi) * xi)) * special.ndtr(-root / 2)
    return float(first + second + third)


def _right(x: float, xi: float, phi: float) -> float:
    frac = xi**2 / phi
    root = np.sqrt(x)
    first = np.sqrt(frac) * root * np.exp(-frac * x / 8) / np.sqrt(2 * np.pi)
    second = (xi / phi * (2 * phi + xi) / (phi + xi)) * np.exp(
        (phi + xi) * x / 2 + special.log_ndtr(-(phi + xi / 2) / np.sqrt(phi) * root)
    )
    third = ((2 * phi + xi) ** 2 / ((phi + xi) * phi) - 2 + frac * x / 2) * special.ndtr(-np.sqrt(frac) * root / 2)
    return float(1 + first + second - third)


def break_interval(y: Floats, design: Floats, cuts: Ints, alpha: float, equal: bool = False) -> tuple[Ints, Ints]:
    """Limits of each break, rounded outward to points.

    Parameters
    ----------
    cuts : (m,) int
        Points before each break.
    alpha : float
    equal : bool
        Whether regressors and errors have the same spread in all stretches.

    Returns
    -------
    low, high : (m,) int
        -1 and n + 1 where the law gives no limit.

    Notes
    -----
    Asymptotic, for breaks that are small beside the noise but many standard errors large; errors are uncorrelated.
    """
    n, edges = len(y), np.concatenate([[0], cuts, [len(y)]])
    stretches = [slice(a, b) for a, b in pairwise(edges)]
    betas = [np.linalg.lstsq(design[s], y[s], rcond=None)[0] for s in stretches]
    squares = [float(np.sum((y[s] - design[s] @ b) ** 2)) for s, b in zip(stretches, betas, strict=True)]
    sigma = [sum(squares) / n if equal else q / (s.stop - s.start) for q, s in zip(squares, stretches, strict=True)]
    whole = design.T @ design / n
    second = [whole if equal else design[s].T @ design[s] / (s.stop - s.start) for s in stretches]
    low, high = np.empty(len(cuts), dtype=np.int64), np.empty(len(cuts), dtype=np.int64)
    for i, cut in enumerate(cuts):
        delta = betas[i + 1] - betas[i]
        size, later = float(delta @ second[i] @ delta), float(delta @ second[i + 1] @ delta)
        xi = later / size
        spread = xi * sigma[i + 1] / max(sigma[i], 1e-300)
        down, up = (_quantile(p, xi, spread) for p in (alpha / 2, 1 - alpha / 2))
        scale = sigma[i] / size
        low[i] = -1 if np.isnan(up) else max(int(cut - np.ceil(up * scale)), 0)
        high[i] = n + 1 if np.isnan(down) else min(int(cut - np.floor(down * scale)), n)
    return low, high


def _quantile(p: float, xi: float, spread: float) -> float:
    def gap(x: float) -> float:
        return argmax_law(x, xi, spread) - p

    middle = gap(0.0)
    if not np.isfinite(middle) or (middle > 0) == (p > 0.5):
        return float("nan")
    far = 1.0 if middle < 0 else -1.0
    while (gap(far) > 0) == (middle > 0):
        far *= 2
        if abs(far) > 1e9:
            return float("nan")
    return float(optimize.brentq(gap, min(far, 0.0), max(far, 0.0), xtol=1e-10))
