"""Maximum likelihood for counts with a log link: Poisson, and negative binomial with variance mu + alpha mu^2.

Ground floor: NumPy and SciPy. The negative binomial is fitted jointly in the coefficients and log alpha, by Newton
steps on the observed information, so that scores are zero to rounding and standard errors are those of the joint model.

Read next: sandwich.py (other covariances). Called by: models.counts.regression.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from exitmodels.arrays import Floats

__all__ = ["CountFit", "dispersion_terms", "fit_nb2", "fit_poisson", "nb2_loglik", "poisson_loglik", "unit_deviance"]

_SMALL, _TERMS, _TABLE = 1e-2, 12, 2_000_000
Terms = tuple[float, Floats, Floats]


@dataclass(frozen=True, eq=False)
class CountFit:
    """Where the likelihood is highest.

    Attributes
    ----------
    beta : (p,)
    alpha : float
        Zero for Poisson, and for a negative binomial that found no overdispersion.
    mean : (n,)
    llf : float
        In full, with the constants.
    information : (q, q)
        Observed, of beta, and of (beta, log alpha) when alpha is above zero.
    scores : (n, q)
        Derivative of each row's log-likelihood.
    converged : bool
    """

    beta: Floats
    alpha: float
    mean: Floats
    llf: float
    information: Floats
    scores: Floats
    converged: bool


def poisson_loglik(y: Floats, mean: Floats) -> float:
    """Log-likelihood in full."""
    return float(np.sum(special.xlogy(y, mean) - mean - special.gammaln(y + 1)))


def nb2_loglik(y: Floats, mean: Floats, alpha: float) -> float:
    """Log-likelihood in full, written so that alpha near zero gives Poisson's."""
    if alpha == 0:
        return poisson_loglik(y, mean)
    rise, _, _ = _rising(y, alpha)
    parts = rise - special.gammaln(y + 1) + special.xlogy(y, mean) - (y + 1 / alpha) * np.log1p(alpha * mean)
    return float(parts.sum())


def fit_poisson(y: Floats, design: Floats, offset: Floats, steps: int = 100) -> CountFit:
    """Fit log mean = offset + design @ beta.

    Parameters
    ----------
    y : (n,)
        Counts, not all zero.
    design : (n, p)
        Of full rank; columns of like size keep their digits.
    offset : (n,)

    Notes
    -----
    Cost: O(n p^2) a step, about six steps. Source: McCullagh and Nelder (1989), section 2.5.
    """

    def terms(beta: Floats) -> Terms:
        mean = np.exp(np.minimum(offset + design @ beta, 700.0))
        return poisson_loglik(y, mean), design.T @ (y - mean), (design * mean[:, None]).T @ design

    # One weighted least-squares step from the saturated model is near enough to the top.
    start = np.log(y + 0.5) - offset
    weight = np.sqrt(y + 0.5)
    begin: Floats = np.asarray(
        np.linalg.lstsq(design * weight[:, None], start * weight, rcond=None)[0], dtype=np.float64
    )
    beta, value, information, converged = _climb(terms, begin, steps)
    mean = np.exp(np.minimum(offset + design @ beta, 700.0))
    return CountFit(beta, 0.0, mean, value, information, design * (y - mean)[:, None], converged)


def fit_nb2(y: Floats, design: Floats, offset: Floats, steps: int = 200) -> CountFit:
    """Fit the negative binomial with variance mean + alpha mean^2, jointly in beta and log alpha.

    When the derivative in alpha at alpha = 0 is not positive, the counts show no overdispersion and the Poisson fit is
    given, with alpha = 0.

    Notes
    -----
    Cost: O(n p^2 + max y) a step. Source: Lawless (1987), with the score in alpha summed as j / (1 + alpha j).
    """
    poisson = fit_poisson(y, design, offset)
    excess = float(np.sum((y - poisson.mean) ** 2 - y)) / 2
    if excess <= 0:
        return poisson
    p = design.shape[1]

    def terms(at: Floats) -> Terms:
        return _nb2_terms(y, design, offset, at[:p], float(np.exp(np.clip(at[p], -40, 40))))

    moment = 2 * excess / float(np.sum(poisson.mean**2))
    begin = np.append(poisson.beta, np.log(np.clip(moment, 1e-6, 1e3)))
    at, value, information, converged = _climb(terms, begin, steps)
    alpha = float(np.exp(at[p]))
    mean = np.exp(offset + design @ at[:p])
    of_beta = design * ((y - mean) / (1 + alpha * mean))[:, None]
    scores = np.column_stack([of_beta, alpha * _alpha_score(y, mean, alpha)])
    return CountFit(at[:p], alpha, mean, value, information, scores, converged)


def _nb2_terms(y: Floats, design: Floats, offset: Floats, beta: Floats, alpha: float) -> Terms:
    mean = np.exp(np.minimum(offset + design @ beta, 700.0))
    spread = 1 + alpha * mean
    score_alpha = _alpha_score(y, mean, alpha)
    gradient = np.append(design.T @ ((y - mean) / spread), alpha * score_alpha.sum())
    weight = mean * (1 + alpha * y) / spread**2
    cross = alpha * (design.T @ ((y - mean) * mean / spread**2))
    _, _, rise2 = _rising(y, alpha)
    curve = rise2 + _series(alpha * mean, 2) / alpha**3 + y * mean**2 / spread**2
    corner = -(alpha**2 * curve.sum() + alpha * score_alpha.sum())
    top = np.column_stack([(design * weight[:, None]).T @ design, cross])
    return nb2_loglik(y, mean, alpha), gradient, np.vstack([top, np.append(cross, corner)])


def dispersion_terms(y: Floats, mean: Floats, alpha: float) -> tuple[Floats, Floats]:
    """First and second derivative of each row's log-likelihood in log alpha (n,); zeros at alpha = 0."""
    if alpha == 0:
        return np.zeros_like(mean), np.zeros_like(mean)
    score = alpha * _alpha_score(y, mean, alpha)
    _, _, rise2 = _rising(y, alpha)
    curve = rise2 + _series(alpha * mean, 2) / alpha**3 + y * mean**2 / (1 + alpha * mean) ** 2
    return score, alpha**2 * curve + score


def _alpha_score(y: Floats, mean: Floats, alpha: float) -> Floats:
    """Derivative of each row's log-likelihood in alpha."""
    _, rise1, _ = _rising(y, alpha)
    return np.asarray(rise1 + _series(alpha * mean, 1) / alpha**2 - y * mean / (1 + alpha * mean), dtype=np.float64)


def _series(z: Floats, order: int) -> Floats:
    """log(1+z) - z/(1+z) for order 1, z^2/(1+z)^2 minus twice that for order 2, without cancelling near zero."""
    first = np.log1p(z) - z / (1 + z)
    closed = first if order == 1 else (z / (1 + z)) ** 2 - 2 * first
    small = z < _SMALL
    if not small.any():
        return np.asarray(closed, dtype=np.float64)
    k = np.arange(2, 2 + _TERMS)
    factor = (-1.0) ** k * ((k - 1) / k if order == 1 else (k - 1) * (k - 2) / k)
    tiny = np.where(small, z, 0.0)
    total = np.zeros_like(tiny)
    for coefficient in factor[::-1]:
        total = total * tiny + coefficient
    return np.where(small, total * tiny**2, closed)


def _rising(y: Floats, alpha: float) -> tuple[Floats, Floats, Floats]:
    """Sum over j < y of log(1 + alpha j), and its first two derivatives in alpha."""
    most = int(y.max())
    if most <= _TABLE:
        j = np.arange(most, dtype=np.float64)
        share = j / (1 + alpha * j)
        place = y.astype(np.int64)
        tables = (np.log1p(alpha * j), share, -(share**2))
        return tuple(np.append(0.0, np.cumsum(t))[place] for t in tables)  # type: ignore[return-value]
    r = 1 / alpha
    log = special.gammaln(y + r) - special.gammaln(r) + y * np.log(alpha)
    slope = r**2 * (special.digamma(r) - special.digamma(y + r)) + y * r
    bend = r**4 * (special.polygamma(1, y + r) - special.polygamma(1, r))
    return log, slope, bend + 2 * r**3 * (special.digamma(y + r) - special.digamma(r)) - y * r**2


def _climb(terms: Callable[[Floats], Terms], at: Floats, steps: int) -> tuple[Floats, float, Floats, bool]:
    """Newton's method with halved steps; stops one step after the expected gain is below 1e-16."""
    value, gradient, information = terms(at)
    for _ in range(steps):
        step = _uphill(information, gradient)
        gain = float(gradient @ step)
        share, best = 1.0, terms(at + step)
        while not best[0] >= value - 1e-10 * (1 + abs(value)) and share > 1e-10:
            share /= 2
            best = terms(at + share * step)
        at, (value, gradient, information) = at + share * step, best
        if gain < 1e-16 and share == 1.0:
            return at, value, information, True
    return at, value, information, False


def _uphill(information: Floats, gradient: Floats) -> Floats:
    """The Newton step, or a damped one where the surface is not a hill."""
    damping, scale = 0.0, np.maximum(np.abs(np.diag(information)), 1e-300)
    for _ in range(60):
        try:
            root = np.linalg.cholesky(information + np.diag(damping * scale))
            half = np.linalg.solve(root, gradient)
            step = np.linalg.solve(root.T, half)
        except np.linalg.LinAlgError:
            damping = max(10 * damping, 1e-6)
            continue
        longest = np.abs(step).max()
        return step if longest <= 10 else step * (10 / longest)
    return gradient / scale


def unit_deviance(y: Floats, mean: Floats, alpha: float) -> Floats:
    """Twice the log-likelihood lost by each row against a perfect fit (alpha fixed)."""
    gain = special.xlogy(y, np.where(y > 0, y, 1.0) / mean)
    if alpha == 0:
        return np.asarray(np.maximum(2 * (gain - (y - mean)), 0.0), dtype=np.float64)
    loss = (y + 1 / alpha) * np.log1p(alpha * (y - mean) / (1 + alpha * mean))
    return np.asarray(np.maximum(2 * (gain - loss), 0.0), dtype=np.float64)
