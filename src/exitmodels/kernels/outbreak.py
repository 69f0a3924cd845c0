"""How many records are too many for this week, judged by the same weeks of former years.

Ground floor: NumPy and SciPy. A quasi-Poisson regression of baseline counts, in which former outbreaks weigh less,
predicts the present count; the limit is a quantile of the prediction.

Source: Farrington, Andrews, Beale and Catchpole (1996); Noufaily et al. (2013); Salmon, Schumacher and Hoehle (2016)
for the way blocks of the season are made. Called by: models.counts.farrington.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from exitmodels.arrays import Floats, Ints

__all__ = ["THRESHOLDS", "Baseline", "Limit", "baseline_rows", "season_blocks", "upper_limit"]

THRESHOLDS = ("power", "negbin-plugin", "negbin-quantile")


@dataclass(frozen=True, eq=False)
class Baseline:
    """A fitted baseline."""

    beta: Floats
    covariance: Floats
    dispersion: float
    converged: bool


@dataclass(frozen=True)
class Limit:
    """What was expected in one period, and from where on a count is an alarm."""

    expected: float
    upper: float
    pvalue: float
    dispersion: float
    trend: float
    link_se: float
    converged: bool


def season_blocks(at: int, season: int, years: int, half: int, blocks: int) -> Ints:
    """Block of the season of each period up to `at` (0: not in the baseline).

    Parameters
    ----------
    at : int
        Period to be judged, from 0.
    season : int
        Periods in a year.
    years, half : int
        Former years, and periods on either side of the same period in each.
    blocks : int
        Parts of the season: the window around the period is the last, the rest of the year is cut into the others.

    Returns
    -------
    (at + 1,) int
    """
    made = np.zeros(at + 1, dtype=np.int64)
    made[max(at - half, 0) :] = blocks
    for year in range(1, years + 1):
        centre = at - year * season
        made[max(centre - half, 0) : max(centre + half + 1, 0)] = blocks
        if blocks > 1:
            length = season - 2 * half - 1
            sizes = np.full(blocks - 1, length // (blocks - 1))
            sizes[: length % (blocks - 1)] += 1
            places = centre + half + 1 + np.arange(length)
            made[places[places >= 0]] = np.repeat(np.arange(1, blocks), sizes)[places >= 0]
    return made


def baseline_rows(block: Ints, at: int, skip: int) -> Ints:
    """Periods of the baseline, without the last `skip` before `at` and `at` itself."""
    rows = np.flatnonzero(block[: max(at - skip, 0)] > 0)
    return np.asarray(rows, dtype=np.int64)


def _fit(y: Floats, matrix: Floats, exposure: Floats, weight: Floats, tol: float) -> tuple[Baseline, Floats, Floats]:
    """Weighted quasi-Poisson; also fitted means and leverages. Stops when the deviance changes by less than `tol`."""
    q, r = np.linalg.qr(matrix)
    done = False
    mean = y + 0.1
    deviance = 2 * float(np.sum(weight * (special.xlogy(y, y / mean) - (y - mean))))
    for _ in range(100):
        w = weight * mean
        z = np.log(mean / exposure) + (y - mean) / mean
        b = np.linalg.lstsq(q * np.sqrt(w)[:, None], z * np.sqrt(w), rcond=None)[0]
        mean = exposure * np.exp(np.clip(q @ b, -50, 50))
        new = 2 * float(np.sum(weight * (special.xlogy(y, y / mean) - (y - mean))))
        if abs(new - deviance) < tol * (0.1 + abs(new)):
            done = True
            break
        deviance = new
    inverse = np.linalg.pinv(q.T @ (q * w[:, None]))
    leverage = w * np.einsum("ij,jk,ik->i", q, inverse, q)
    free = max(len(y) - matrix.shape[1], 1)
    dispersion = float(np.sum(w * (y / mean - 1) ** 2)) / free
    back = np.linalg.inv(r)
    return Baseline(back @ b, back @ inverse @ back.T, dispersion, done), mean, leverage


def _reweighted(
    y: Floats, matrix: Floats, exposure: Floats, threshold: float, stop: float, wrong_weights: bool
) -> tuple[Baseline, float]:
    """Fit, give counts far above their mean less weight, fit again; and the dispersion used for errors."""
    first, mean, leverage = _fit(y, matrix, exposure, np.ones(len(y)), stop)
    if not np.isfinite(threshold):
        return first, first.dispersion
    phi = max(first.dispersion, 1.0)
    residual = 1.5 * (y ** (2 / 3) * mean ** (-1 / 6) - np.sqrt(mean)) / np.sqrt(phi * (1 - leverage))
    weight = np.where(residual > threshold, residual, 1.0) ** -2.0
    weight *= len(y) / weight.sum()
    second, mean, _ = _fit(y, matrix, exposure, weight, stop)
    spread = second.dispersion
    if wrong_weights:
        spread = float(np.sum(weight * (y / mean - 1) ** 2)) / max(len(y) - matrix.shape[1], 1)
    return second, spread


def upper_limit(
    counts: Floats,
    exposure: Floats,
    block: Ints,
    rows: Ints,
    at: int,
    *,
    quantile: float,
    threshold: float,
    trend: bool,
    trend_alpha: float,
    years: int,
    kind: str = "power",
    stop: float = 1e-13,
    wrong_weights: bool = False,
) -> Limit:
    """Fit the baseline of one period and give its limit.

    Parameters
    ----------
    counts, exposure : (n,)
    block, rows
        From `season_blocks` and `baseline_rows`.
    at : int
    quantile : float
        Such as 0.95.
    threshold : float
        Standardised residual beyond which baseline counts weigh less; infinite for no reweighting.
    trend : bool
        Try a linear trend; kept when its p-value is below `trend_alpha`, the prediction is no larger than the largest
        baseline count, and there are three years or more.
    kind : {"power", "negbin-plugin", "negbin-quantile"}
    stop : float
        Relative change of the deviance at which a fit ends.
    wrong_weights : bool
        Follow ``farringtonFlexible`` of the R package surveillance (1.20): after reweighting, its dispersion behind
        standard errors weighs squared working residuals by the outbreak weights alone, not by the mean as well. By
        default errors use the Pearson dispersion, which is at least 1 in the prediction.
    """
    y, e = counts[rows], exposure[rows]
    levels = np.unique(block[rows])
    season = (block[rows][:, None] == levels[levels != block[at]]).astype(np.float64)
    base = np.column_stack([np.ones(len(rows)), season])
    now = np.zeros(base.shape[1])
    now[0] = 1.0
    slope = 0.0
    chosen = None
    if trend and years >= 3:
        time = (rows - at).astype(np.float64)
        scale = np.abs(time).max()
        fit, spread = _reweighted(y, np.column_stack([base, time / scale]), e, threshold, stop, wrong_weights)
        error = np.sqrt(fit.covariance[-1, -1] * spread)
        p = 2 * stats.t.sf(abs(fit.beta[-1]) / error, len(y) - base.shape[1] - 1)
        predicted = float(exposure[at] * np.exp(fit.beta[0]))
        if fit.converged and p < trend_alpha and predicted <= y.max():
            chosen, slope = (fit, spread), float(fit.beta[-1] / scale)
            now = np.append(now, 0.0)
    if chosen is None:
        chosen = _reweighted(y, base, e, threshold, stop, wrong_weights)
    fit, spread = chosen
    phi = max(fit.dispersion, 1.0)
    mean = float(exposure[at] * np.exp(now @ fit.beta))
    link_se = float(np.sqrt(now @ fit.covariance @ now * (spread if wrong_weights else phi)))
    upper, pvalue = _prediction(kind, counts[at], mean, link_se, phi, quantile)
    return Limit(mean, upper, pvalue, phi, slope, link_se, fit.converged)


def _prediction(kind: str, y: float, mean: float, link_se: float, phi: float, quantile: float) -> tuple[float, float]:
    if kind == "power":
        tau = phi + link_se**2 * mean
        se = np.sqrt(4 / 9 * mean ** (1 / 3) * tau)
        upper = (mean ** (2 / 3) + special.ndtri(quantile) * se) ** 1.5
        return float(upper), float(special.ndtr(-(y ** (2 / 3) - mean ** (2 / 3)) / se))
    if kind == "negbin-quantile":
        mean = mean * float(np.exp(special.ndtri(quantile) * link_se))
    law = stats.nbinom(mean / (phi - 1), 1 / phi) if phi > 1 else stats.poisson(mean)
    return float(law.ppf(quantile)), float(law.sf(y - 1))
