"""Delays between an event and its record, when only what is already recorded can be seen.

Ground floor: NumPy and SciPy. A delay of an event is seen only if it is no longer than the time that has passed; in
reversed time that is ordinary late entry, and the delay's distribution follows from its reverse hazards. The same
numbers are the chain ladder's factors and the maximum of an over-dispersed Poisson model with free origins and free
delays.

Read next: chainladder.py (Mack's standard errors).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from exitmodels.arrays import Floats, Ints

__all__ = ["Reverse", "dispersion", "predicted_quantiles", "prediction_variance", "reverse_hazards", "two_laws"]


@dataclass(frozen=True, eq=False)
class Reverse:
    """Reverse hazards and what follows.

    Attributes
    ----------
    events, at_risk : (D + 1,)
        Records with delay d, and with delay d or less, of origins old enough to have shown a delay of d.
    hazard : (D + 1,)
        Their ratio: P(delay = d | delay <= d). NaN where nothing was at risk.
    cdf : (D + 1,)
        P(delay <= d | delay <= D).
    variance_log : (D + 1,)
        Of log cdf, for Poisson counts.
    """

    events: Floats
    at_risk: Floats
    hazard: Floats
    cdf: Floats
    variance_log: Floats


def reverse_hazards(n: Floats, last: Ints) -> Reverse:
    """Estimate the law of the delay.

    Parameters
    ----------
    n : (m, D + 1)
        Records by origin and delay; zero where not yet seen.
    last : (m,)
        Largest delay that could be seen of each origin, at most D.

    Notes
    -----
    Cost: O(m D). Source: Lagakos, Barraj and De Gruttola (1988); Kalbfleisch and Lawless (1989); Lawless (1994).

    Examples
    --------
    >>> made = reverse_hazards(np.array([[2.0, 2.0], [3.0, 0.0]]), np.array([1, 0]))
    >>> made.cdf.tolist()
    [0.5, 1.0]
    """
    delays = np.arange(n.shape[1])
    old = last[:, None] >= delays
    events = (n * old).sum(axis=0)
    at_risk = (np.cumsum(n, axis=1) * old).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = events / at_risk
        part = hazard / (at_risk * (1 - hazard))
    keep = 1 - np.append(hazard[1:], 0.0)
    cdf = np.cumprod(keep[::-1])[::-1]
    variance = np.cumsum(np.append(part[1:], 0.0)[::-1])[::-1]
    return Reverse(events, at_risk, hazard, cdf, variance)


def dispersion(n: Floats, last: Ints, cdf: Floats) -> tuple[float, int]:
    """Pearson's chi-squared over its degrees of freedom, of the cells that could be seen; and those degrees.

    Origins and delays without any record are fitted by zero and do not count.
    """
    law = np.diff(cdf, prepend=0.0)
    share, total = cdf[last], n.sum(axis=1)
    old = (last[:, None] >= np.arange(n.shape[1])) & (total > 0)[:, None] & (law > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(old, np.outer(total / share, law), 1.0)
    df = int(old.sum() - (total > 0).sum() - (law > 0).sum() + 1)
    chi2 = float(np.where(old, (n - mean) ** 2 / mean, 0.0).sum())
    return (chi2 / df if df > 0 else float("nan")), df


def prediction_variance(total: Floats, share: Floats, variance_log: Floats) -> tuple[Floats, float]:
    """Variance of true less predicted number of each origin, and of their sum, for Poisson counts.

    Parameters
    ----------
    total : (m,)
        Records seen.
    share : (m,)
        Probability that an event's record can be seen by now.
    variance_log : (m,)
        Variance of log `share`; origins are nested, so that the covariance of two is the smaller variance.

    Notes
    -----
    Source: Lawless (1994), equation for the variance of prediction; for the sum, the same terms as in the
    over-dispersed Poisson model of Renshaw and Verrall (1998).
    """
    size = total / share
    own = total * (1 - share) / share**2
    order = np.argsort(variance_log)
    s, v = size[order], variance_log[order]
    above = np.cumsum(s[::-1])[::-1] - s
    shared = float((s * s * v).sum() + 2 * (s * v * above).sum())
    return own + size**2 * variance_log, float(own.sum()) + shared


def predicted_quantiles(level: float, mean: Floats, variance: Floats, whole: bool) -> Floats:
    """Quantile of what is still to come: negative binomial (gamma for amounts) with this mean and variance.

    With a known law of the delay and Poisson records, the negative binomial is exact for Jeffreys' prior.
    """
    mean, variance = np.asarray(mean, dtype=np.float64), np.asarray(variance, dtype=np.float64)
    out, some = np.zeros(mean.shape), (mean > 0) & (variance > 0)
    m, v = mean[some], variance[some]
    if not whole:
        out[some] = stats.gamma.ppf(level, m * m / v, scale=v / m)
        return out
    extra = np.maximum(v - m, 1e-9 * m)
    out[some] = stats.nbinom.ppf(level, m * m / extra, m / (m + extra))
    return out


def two_laws(n: Floats, last: Ints, late: Ints) -> tuple[float, int]:
    """Chi-squared distance, and its degrees of freedom, between the reverse hazards of two groups of origins.

    At each delay the records with just that delay are compared with those of shorter ones, as in a log-rank test, but
    without letting differences of opposite sign cancel.
    """
    parts = [reverse_hazards(n[late == g], last[late == g]) for g in (0, 1)]
    statistic, df = 0.0, 0
    for d in range(1, n.shape[1]):
        cell = np.array([[p.events[d], p.at_risk[d] - p.events[d]] for p in parts])
        rows, columns = cell.sum(axis=1), cell.sum(axis=0)
        if rows.min() > 0 and columns.min() > 0:
            expected = np.outer(rows, columns) / cell.sum()
            statistic += float(((cell - expected) ** 2 / expected).sum())
            df += 1
    return statistic, df
