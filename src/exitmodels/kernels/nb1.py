"""Negative binomial counts whose variance is in proportion to the mean: variance = mean (1 + alpha), "NB1".

Ground floor: NumPy and SciPy. The size of a row is mean / alpha, so the sum over j < y of log(mean + alpha j) takes
the place of a ratio of gamma functions: nothing cancels when alpha is small.

Called by: models.counts.regression.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from exitmodels.arrays import Floats
from exitmodels.kernels.ascent import Surface, ascend
from exitmodels.kernels.countglm import CountFit, fit_poisson, poisson_loglik

__all__ = ["Nb1Rows", "fit_nb1", "nb1_loglik", "nb1_rows"]

_MOST, _SMALL, _TERMS = 5_000_000, 1e-2, 14
Nb1Rows = tuple[Floats, Floats, Floats, Floats, Floats, Floats]


def nb1_loglik(y: Floats, mean: Floats, alpha: float) -> float:
    """Log-likelihood in full; alpha zero gives Poisson's."""
    return poisson_loglik(y, mean) if alpha == 0 else float(nb1_rows(y, mean, alpha)[0].sum())


def nb1_rows(y: Floats, mean: Floats, alpha: float) -> Nb1Rows:
    """Log-likelihood of each row, and its derivatives in the log mean (eta) and in k = log alpha.

    Parameters
    ----------
    y, mean : (n,)
    alpha : float
        Above zero.

    Returns
    -------
    value, d_eta, d_k, d_eta_eta, d_eta_k, d_k_k : (n,)

    Notes
    -----
    Cost: O(n + number of events). Source: Cameron and Trivedi (2013), section 3.3.1.
    """
    rise, a1, a2, b1, b2, c2 = _rising(y, mean, alpha)
    flat, flat1, flat2 = _flat(alpha)
    value = rise - special.gammaln(y + 1) - mean * flat - y * np.log1p(alpha)
    eta = mean * (a1 - flat)
    slope = b1 - mean * flat1 - y / (1 + alpha)
    bend = -b2 - mean * flat2 + y / (1 + alpha) ** 2
    cross = -mean * (c2 + flat1)
    return value, eta, alpha * slope, eta - mean**2 * a2, alpha * cross, alpha**2 * bend + alpha * slope


def _rising(y: Floats, mean: Floats, alpha: float) -> Nb1Rows:
    """With t_j = mean + alpha j, sums over j < y of log t, 1/t, 1/t^2, j/t, j^2/t^2 and j/t^2."""
    n = len(y)
    if y.sum() <= _MOST:
        times = y.astype(np.int64)
        row = np.repeat(np.arange(n), times)
        j = np.arange(len(row)) - np.repeat(np.cumsum(times) - times, times)
        t = mean[row] + alpha * j
        share = j / t
        parts = (np.log(t), 1 / t, 1 / t**2, share, share**2, share / t)
        return tuple(np.bincount(row, part, n) for part in parts)  # type: ignore[return-value]
    r = mean / alpha
    log = special.gammaln(y + r) - special.gammaln(r) + y * np.log(alpha)
    psi = special.digamma(y + r) - special.digamma(r)
    tri = special.polygamma(1, r) - special.polygamma(1, y + r)
    one, two = psi / alpha, tri / alpha**2
    share = (y - r * psi) / alpha
    cross = (psi - r * tri) / alpha**2
    return log, one, two, share, (y - 2 * r * psi + r**2 * tri) / alpha**2, cross


def _flat(alpha: float) -> tuple[float, float, float]:
    """log(1 + alpha) / alpha and its first two derivatives, without cancelling near zero."""
    if alpha < _SMALL:
        k = np.arange(_TERMS)
        c = (-1.0) ** k / (k + 1)
        first, second = c[1:] * k[1:], c[2:] * k[2:] * (k[2:] - 1)
        return tuple(float(np.polyval(p[::-1], alpha)) for p in (c, first, second))  # type: ignore[return-value]
    log = float(np.log1p(alpha))
    inner = alpha / (1 + alpha)
    return log / alpha, (inner - log) / alpha**2, (2 * log - 2 * inner - inner**2) / alpha**3


def fit_nb1(y: Floats, design: Floats, offset: Floats, steps: int = 200) -> CountFit:
    """Fit log mean = offset + design @ beta with variance mean (1 + alpha), jointly in beta and log alpha.

    Parameters
    ----------
    y : (n,)
        Counts, not all zero.
    design : (n, p)
    offset : (n,)

    Returns
    -------
    CountFit
        Poisson's, with alpha = 0, when the derivative in alpha there is not positive: no overdispersion is seen.

    Notes
    -----
    Cost: O(n p^2 + number of events) a step. Unlike NB2 the coefficients and alpha are related, so their joint
    information is used. Source: Cameron and Trivedi (2013), section 3.3.1.
    """
    poisson = fit_poisson(y, design, offset)
    excess = float(np.sum(((y - poisson.mean) ** 2 - y) / poisson.mean)) / 2
    if excess <= 0:
        return poisson
    p = design.shape[1]

    def surface(at: Floats) -> Surface | None:
        if abs(at[p]) > 40:
            return None
        mean = np.exp(np.minimum(offset + design @ at[:p], 700.0))
        value, eta, k, ee, ek, kk = nb1_rows(y, mean, float(np.exp(at[p])))
        gradient = np.append(design.T @ eta, k.sum())
        top = np.column_stack([-(design * ee[:, None]).T @ design, -(design.T @ ek)])
        information = np.vstack([top, np.append(top[:, -1], -kk.sum())])
        scores = np.column_stack([design * eta[:, None], k])
        total = float(value.sum())
        return Surface(total, gradient, information, lambda: scores.T @ scores) if np.isfinite(total) else None

    begin = np.append(poisson.beta, np.log(np.clip(2 * excess / len(y), 1e-4, 1e3)))
    found = ascend(surface, begin, most=steps)
    alpha = float(np.exp(found.at[p]))
    mean = np.exp(offset + design @ found.at[:p])
    _, eta, k, *_ = nb1_rows(y, mean, alpha)
    scores = np.column_stack([design * eta[:, None], k])
    return CountFit(found.at[:p], alpha, mean, found.surface.value, found.surface.information, scores, found.converged)
