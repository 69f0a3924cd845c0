"""Dirichlet-multinomial regression: shares that vary from row to row around a multinomial logit.

Ground floor: NumPy and SciPy. Each row's shares are drawn from a Dirichlet law with mean shares s and concentration c;
the counts vary as much as if 1 + (m - 1) / (c + 1) records went together. Fitted jointly in the coefficients and the
logarithm of the concentration, by Newton's method on the observed information.

Called by: models.counts.composition_fit.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from exitmodels.arrays import Floats
from exitmodels.kernels.ascent import Ascent, Surface, ascend
from exitmodels.kernels.multinomial import log_ways, shares_of

__all__ = [
    "dirichlet_multinomial_scores",
    "dirichlet_multinomial_surface",
    "fit_dirichlet_multinomial",
    "overdispersed",
]


def _parts(at: Floats, design: Floats, counts: Floats, spread: Floats, offset: Floats | None) -> tuple[Floats, ...]:
    p, q = design.shape[1], spread.shape[1]
    rest, log_sum = shares_of(at[:-q].reshape(-1, p), design, offset)
    share = np.maximum(np.vstack([np.exp(-log_sum), rest]).T, 1e-290)
    c = np.exp(spread @ at[-q:])
    return share, c, c[:, None] * share, counts.sum(axis=1)


def _row_slopes(share: Floats, c: Floats, a: Floats, counts: Floats, size: Floats) -> tuple[Floats, Floats, Floats]:
    """Derivatives of each row's log-likelihood along the linear predictors (n, K) and log c (n,); and u."""
    u = special.digamma(a + counts) - special.digamma(a)
    mean = (share * u).sum(axis=1)
    along = c[:, None] * share[:, 1:] * (u[:, 1:] - mean[:, None])
    deep = c * (special.digamma(c) - special.digamma(c + size)) + (a * u).sum(axis=1)
    return along, deep, u


def dirichlet_multinomial_scores(
    at: Floats, design: Floats, counts: Floats, spread: Floats, offset: Floats | None = None
) -> Floats:
    """Derivative of each row's log-likelihood, (n, K p + q)."""
    share, c, a, size = _parts(at, design, counts, spread, offset)
    along, deep, _ = _row_slopes(share, c, a, counts, size)
    first = (along[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    return np.hstack([first, deep[:, None] * spread])


def dirichlet_multinomial_surface(
    at: Floats, design: Floats, counts: Floats, spread: Floats, offset: Floats | None = None
) -> Surface | None:
    """Log-likelihood in full, gradient, and observed information.

    Parameters
    ----------
    at : (K p + q,)
        Coefficients of the shares, category after category, then those of the log concentration.
    design : (n, p)
    counts : (n, J)
        The baseline first; rows of at least one record.
    spread : (n, q)
        Columns of the log concentration; a column of ones for a common one.
    offset : (n, K), optional

    Notes
    -----
    Source: Mosimann (1962); Chen and Li (2013), section 2.2. Cost O(n K^2 p^2).
    """
    with np.errstate(over="ignore", invalid="ignore"):
        share, c, a, size = _parts(at, design, counts, spread, offset)
        value = log_ways(counts) + float(
            (special.gammaln(c) - special.gammaln(c + size)).sum()
            + (special.gammaln(a + counts) - special.gammaln(a)).sum()
        )
    if not np.isfinite(value):
        return None
    along, deep, u = _row_slopes(share, c, a, counts, size)
    gradient = np.append((along.T @ design).ravel(), deep @ spread)
    observed = _information(design, spread, share, c, a, u, counts, size)
    k, p = share.shape[1] - 1, design.shape[1]
    # Where the surface is not a hill: the multinomial information, shrunk as the variance is wider.
    wide = size * (c + 1) / (c + size)
    expected = np.zeros_like(observed)
    for i in range(k):
        for j in range(k):
            w = wide * share[:, i + 1] * ((i == j) - share[:, j + 1])
            expected[i * p : (i + 1) * p, j * p : (j + 1) * p] = design.T @ (w[:, None] * design)
    expected[k * p :, k * p :] = spread.T @ ((np.abs(deep) + 0.1)[:, None] * spread)
    return Surface(value, gradient, observed, lambda: expected)


def _information(
    design: Floats, spread: Floats, share: Floats, c: Floats, a: Floats, u: Floats, counts: Floats, size: Floats
) -> Floats:
    k, p, q = share.shape[1] - 1, design.shape[1], spread.shape[1]
    v = special.polygamma(1, a + counts) - special.polygamma(1, a)
    gap = u - (share * u).sum(axis=1)[:, None]
    curved = a * v - (share * a * v).sum(axis=1)[:, None]
    out = np.zeros((k * p + q, k * p + q))
    for i in range(1, k + 1):
        one = slice((i - 1) * p, i * p)
        for j in range(1, i + 1):
            two = slice((j - 1) * p, j * p)
            same = float(i == j)
            bend = (same - share[:, j]) * (gap[:, i] + a[:, i] * v[:, i]) - share[:, j] * (gap[:, j] + curved[:, j])
            out[one, two] = -design.T @ ((a[:, i] * bend)[:, None] * design)
            out[two, one] = out[one, two].T
        cross = -design.T @ ((a[:, i] * (gap[:, i] + curved[:, i]))[:, None] * spread)
        out[one, k * p :], out[k * p :, one] = cross, cross.T
    deep = c * (special.digamma(c) - special.digamma(c + size)) + (a * u).sum(axis=1)
    deep += c**2 * (special.polygamma(1, c) - special.polygamma(1, c + size)) + (a**2 * v).sum(axis=1)
    out[k * p :, k * p :] = -spread.T @ (deep[:, None] * spread)
    return out


def fit_dirichlet_multinomial(
    design: Floats, counts: Floats, spread: Floats, start: Floats, offset: Floats | None = None
) -> Ascent:
    """Maximise the likelihood from coefficients of the multinomial fit (K p,) and a moment estimate of c."""
    first = np.append(start, np.zeros(spread.shape[1]))
    share, _, _, size = _parts(first, design, counts, spread, offset)
    chi2 = ((counts - size[:, None] * share) ** 2 / (size[:, None] * share)).sum()
    df = max((counts.shape[1] - 1) * len(counts) - len(start), 1)
    inflation = max(float(chi2 / df), 1.05)
    mean_size = float((size**2).sum() / size.sum())
    c = np.clip((mean_size - inflation) / (inflation - 1), 1.0, 1e4)
    first[len(start) :] = np.linalg.lstsq(spread, np.full(len(spread), np.log(c)), rcond=None)[0]
    return ascend(lambda at: dirichlet_multinomial_surface(at, design, counts, spread, offset), first)


def overdispersed(share: Floats, counts: Floats) -> float:
    """Slope of the log-likelihood in 1 / c where it leaves the multinomial, at fitted shares (n, J).

    Not above zero: the counts show no overdispersion, and the likelihood rises towards the multinomial.
    Source: the Dirichlet-multinomial expanded in 1 / c; Neerchal and Morel (1998) discuss the limit.
    """
    size = counts.sum(axis=1)
    pairs = (counts * (counts - 1) / share).sum(axis=1) - size * (size - 1)
    return float(pairs.sum() / 2)
