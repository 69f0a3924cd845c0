"""Poisson, negative binomial and binomial counts with their canonical-style links: likelihood, residuals, derivatives.

Ground floor. Each quantity is given row by row with its derivatives by the linear predictor (log of the mean; logit of
the share for binomial counts) and by log alpha, the log of the negative binomial dispersion.

Read next: glarma.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from exitmodels.arrays import Floats
from exitmodels.kernels.countglm import dispersion_terms
from exitmodels.kernels.predictive import CountLaw

__all__ = ["POWERS", "LikelihoodTerms", "ResidualTerms", "law_of", "likelihood_terms", "residual_terms"]

POWERS = {"pearson": 0.5, "score": 1.0, "identity": 0.0}
"""Residuals are (y - mean) over the variance to this power."""


@dataclass(frozen=True, eq=False)
class LikelihoodTerms:
    """Log-likelihood of each row, its derivatives, and the expectation of minus the second (all (n,))."""

    value: Floats
    slope: Floats
    curve: Floats
    expected: Floats
    dispersion: Floats
    dispersion_curve: Floats
    cross: Floats


@dataclass(frozen=True, eq=False)
class ResidualTerms:
    """Residual of each row with first and second derivatives by predictor and by log alpha (all (n,))."""

    value: Floats
    slope: Floats
    curve: Floats
    dispersion: Floats
    dispersion_curve: Floats
    cross: Floats


def law_of(predictor: Floats, exposure: Floats, trials: Floats | None, alpha: float) -> CountLaw:
    """The distribution of each count; `exposure` multiplies the mean and is not used with trials."""
    with np.errstate(over="ignore"):
        if trials is not None:
            return CountLaw(trials * special.expit(predictor), 0.0, trials)
        return CountLaw(exposure * np.exp(predictor), alpha)


def likelihood_terms(y: Floats, law: CountLaw) -> LikelihoodTerms:
    """Log-likelihood in full and its derivatives at observed counts `y` (n,)."""
    value, mean = law.log_pmf(y), law.mean
    gap, nought = y - mean, np.zeros_like(mean)
    if law.trials is not None or law.alpha == 0:
        bend = law.variance
        return LikelihoodTerms(value, gap, -bend, bend, nought, nought, nought)
    wide = 1 + law.alpha * mean
    own, own_curve = dispersion_terms(y, mean, law.alpha)
    return LikelihoodTerms(
        value=value,
        slope=gap / wide,
        curve=-mean * (1 + law.alpha * y) / wide**2,
        expected=mean / wide,
        dispersion=own,
        dispersion_curve=own_curve,
        cross=-gap * law.alpha * mean / wide**2,
    )


def residual_terms(y: Floats, law: CountLaw, power: float) -> ResidualTerms:
    """Residuals (y - mean) / variance^power and their derivatives.

    Notes
    -----
    With s the factor variance^-power and d its logarithmic derivative, the slope is -mean' s + residual d, and so on.
    """
    mean, scale = law.mean, law.variance**-power
    nought = np.zeros_like(mean)
    if law.trials is not None:
        share = mean / law.trials
        rise, rise2 = law.variance, law.variance * (1 - 2 * share)
        d, d2, dk, dkk = -power * (1 - 2 * share), 2 * power * share * (1 - share), nought, nought
    else:
        part = law.alpha * mean / (1 + law.alpha * mean)
        rise, rise2 = mean, mean
        d, d2 = -power * (1 + part), -power * part * (1 - part)
        dk, dkk = -power * part, -power * part * (1 - part)
    value = (y - mean) * scale
    slope = -rise * scale + value * d
    return ResidualTerms(
        value=value,
        slope=slope,
        curve=-rise2 * scale - rise * scale * d + slope * d + value * d2,
        dispersion=value * dk,
        dispersion_curve=value * (dk**2 + dkk),
        cross=slope * dk + value * dkk,
    )
