"""How much more counts vary than their model says: tests and estimates of the dispersion, and of too many zeros.

Ground floor: NumPy and SciPy. All start from counts and fitted means.

Called by: models.counts.spread_tests.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import optimize

from exitmodels.arrays import Floats
from exitmodels.kernels.countglm import CountFit, _climb, dispersion_terms, fit_poisson, nb2_loglik, unit_deviance

__all__ = [
    "auxiliary_regression",
    "dean_score",
    "deviance_alpha",
    "fit_nb2_by",
    "likely_alpha",
    "moment_alpha",
    "pearson_alpha",
    "zero_score",
]

_MOST = 1e4


def auxiliary_regression(y: Floats, mean: Floats, power: int) -> tuple[float, float]:
    """Estimate of alpha in variance = mean + alpha mean^power, and its z, by least squares on Poisson means.

    ((y - mean)^2 - y) / mean is regressed, without intercept, on mean^(power - 1).
    Source: Cameron and Trivedi (1990), Journal of Econometrics 46, 347-364.
    """
    excess = ((y - mean) ** 2 - y) / mean
    column = mean ** (power - 1)
    square = float(column @ column)
    alpha = float(column @ excess) / square
    left = excess - alpha * column
    error = float(np.sqrt(left @ left / (len(y) - 1) / square))
    return alpha, alpha / error


def dean_score(y: Floats, mean: Floats) -> float:
    """Score statistic against variance = mean + alpha mean^2, normal when counts are Poisson.

    Source: Dean and Lawless (1989), JASA 84, 467-472; Dean (1992), JASA 87, 451-457 (P_B).
    """
    return float(np.sum((y - mean) ** 2 - y) / np.sqrt(2 * np.sum(mean**2)))


def moment_alpha(y: Floats, mean: Floats) -> float:
    """sum((y - mean)^2 - y) / sum(mean^2), or zero."""
    return max(float(np.sum((y - mean) ** 2 - y) / np.sum(mean**2)), 0.0)


def likely_alpha(y: Floats, mean: Floats) -> float:
    """The NB2 alpha of highest likelihood with the means held; zero when the derivative there is not positive."""
    if np.sum((y - mean) ** 2 - y) <= 0:
        return 0.0

    def slope(log_alpha: float) -> float:
        return float(dispersion_terms(y, mean, float(np.exp(log_alpha)))[0].sum())

    low, high = -30.0, float(np.log(_MOST))
    while slope(low) <= 0 and low < high:
        low += 1.0
    if low >= high or slope(high) >= 0:
        return float("nan")
    return float(np.exp(optimize.brentq(slope, low, high, xtol=1e-14, rtol=1e-13)))


def pearson_alpha(y: Floats, mean: Floats, df: float) -> float:
    """The alpha at which Pearson's chi-squared equals its degrees of freedom; zero when it is below them at zero."""
    return _crossing(lambda alpha: float(np.sum((y - mean) ** 2 / (mean + alpha * mean**2))) - df)


def deviance_alpha(y: Floats, mean: Floats, df: float) -> float:
    """The alpha at which the deviance equals its degrees of freedom; zero when it is below them at zero."""
    return _crossing(lambda alpha: float(unit_deviance(y, mean, alpha).sum()) - df)


def _crossing(above: Callable[[float], float]) -> float:
    if above(0.0) <= 0:
        return 0.0
    high = 1.0
    while above(high) > 0:
        high *= 10
        if high > _MOST:
            return float("nan")
    return float(optimize.brentq(above, 0.0, high, xtol=1e-14, rtol=1e-12))


def fit_nb2_by(y: Floats, design: Floats, offset: Floats, rule: str, steps: int = 200) -> CountFit:
    """Fit the negative binomial with alpha set by a moment rule: coefficients and alpha in turn, until both rest.

    Parameters
    ----------
    rule : {"pearson", "deviance", "moments"}
        `pearson_alpha` and `deviance_alpha` on n - p degrees of freedom, or `moment_alpha`.

    Returns
    -------
    CountFit
        `information` and `scores` are those of the coefficients alone.

    Notes
    -----
    Source: Breslow (1984), Applied Statistics 33, 38-44, for Pearson's rule.
    """
    df = len(y) - design.shape[1]
    rules: dict[str, Callable[[Floats], float]] = {
        "pearson": lambda mean: pearson_alpha(y, mean, df),
        "deviance": lambda mean: deviance_alpha(y, mean, df),
        "moments": lambda mean: moment_alpha(y, mean),
    }
    fit = fit_poisson(y, design, offset)
    alpha = rules[rule](fit.mean)
    for _ in range(steps):
        if alpha == 0 or not np.isfinite(alpha):
            break
        fit = _held(y, design, offset, alpha, fit.beta)
        again = rules[rule](fit.mean)
        if abs(again - alpha) <= 1e-11 * alpha:
            return fit
        alpha = again
    if alpha == 0:
        return fit_poisson(y, design, offset)
    return CountFit(fit.beta, fit.alpha, fit.mean, fit.llf, fit.information, fit.scores, False)


def _held(y: Floats, design: Floats, offset: Floats, alpha: float, start: Floats) -> CountFit:
    def terms(beta: Floats) -> tuple[float, Floats, Floats]:
        mean = np.exp(np.minimum(offset + design @ beta, 700.0))
        spread = 1 + alpha * mean
        weight = mean * (1 + alpha * y) / spread**2
        gradient = design.T @ ((y - mean) / spread)
        return nb2_loglik(y, mean, alpha), gradient, (design * weight[:, None]).T @ design

    beta, value, information, converged = _climb(terms, start, 100)
    mean = np.exp(np.minimum(offset + design @ beta, 700.0))
    scores = design * ((y - mean) / (1 + alpha * mean))[:, None]
    return CountFit(beta, alpha, mean, value, information, scores, converged)


def zero_score(y: Floats, p_zero: Floats, at_zero: Floats, information: Floats) -> tuple[float, float]:
    """Signed root of the score statistic for a share of extra zeros, and the score; z is above 0 for too many.

    Parameters
    ----------
    y : (n,)
    p_zero : (n,)
        Probability of a zero under the fit.
    at_zero : (n, q)
        What the score of the model's parameters would be in each row if its count were zero; also the covariance of
        the two scores, since a zero is what they share.
    information : (q, q)

    Notes
    -----
    For Poisson with an intercept this is the test of van den Broek (1995), Biometrics 51, 738-743.
    """
    score = float(np.sum((y == 0) / p_zero - 1))
    shared = at_zero.sum(axis=0)
    variance = float(np.sum(1 / p_zero - 1)) - float(shared @ np.linalg.solve(information, shared))
    return score / float(np.sqrt(variance)) if variance > 0 else float("nan"), score
