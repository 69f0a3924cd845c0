"""Predictive laws of counts, proper scores of them, and whether they are calibrated.

Ground floor: NumPy and SciPy. A law is one Poisson, negative binomial or binomial distribution for each time. Scores
are losses: smaller is better. Sums over all counts are closed forms where these keep their digits, else direct sums in
chunks; nothing of size n x k is kept.

Source: Czado, Gneiting and Held (2009) for scores, the non-randomised probability integral transform and marginal
calibration; Wei and Held (2014) and Jordan, Krueger and Lerch (2019) for closed forms of the ranked probability score.
Called by: models.counts.count_ar, models.counts.glarma.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from exitmodels.arrays import Bools, Floats

__all__ = ["SCORES", "CountLaw", "marginal_gap", "pit_distribution", "pit_histogram", "scores"]

SCORES = ("logarithmic", "quadratic", "spherical", "ranked", "dawid_sebastiani", "normalised_squared", "squared")
_CELLS = 1 << 20
_NEAR_POISSON = 0.01


@dataclass(frozen=True, eq=False)
class CountLaw:
    """One distribution of a count for each time.

    Attributes
    ----------
    mean : (n,)
    alpha : float
        Variance mean + alpha mean^2; zero for Poisson.
    trials : (n,) or None
        Number of trials of a binomial law.
    """

    mean: Floats
    alpha: float = 0.0
    trials: Floats | None = None

    @property
    def variance(self) -> Floats:
        """Variance (n,)."""
        if self.trials is not None:
            return np.asarray(self.mean * (1 - self.mean / self.trials), dtype=np.float64)
        return np.asarray(self.mean * (1 + self.alpha * self.mean), dtype=np.float64)

    def rows(self, keep: Bools | Floats) -> CountLaw:
        """Some of the times."""
        return CountLaw(self.mean[keep], self.alpha, None if self.trials is None else self.trials[keep])

    def log_pmf(self, k: Floats) -> Floats:
        """Log-probability of k, which is broadcast against the times."""
        mean = self.mean
        if self.trials is not None:
            m = self.trials
            with np.errstate(invalid="ignore", divide="ignore"):
                ways = special.gammaln(m + 1) - special.gammaln(k + 1) - special.gammaln(m - k + 1)
                out = ways + special.xlogy(k, mean / m) + special.xlog1py(m - k, -mean / m)
            return np.where(k <= m, out, -np.inf)
        if self.alpha == 0:
            return np.asarray(special.xlogy(k, mean) - mean - special.gammaln(k + 1), dtype=np.float64)
        a = self.alpha
        rise = _log_rising(k, a)
        out = rise - special.gammaln(k + 1) + special.xlogy(k, mean) - (k + 1 / a) * np.log1p(a * mean)
        return np.asarray(out, dtype=np.float64)

    def cdf(self, k: Floats) -> Floats:
        """Probability of k or fewer; zero below zero."""
        at = np.maximum(np.floor(k), 0.0)
        if self.trials is not None:
            left = self.trials - at
            inside = special.betainc(np.maximum(left, 1.0), at + 1, 1 - self.mean / self.trials)
            made = np.where(left > 0, inside, 1.0)
        elif self.alpha == 0:
            made = special.pdtr(at, self.mean)
        else:
            made = special.betainc(1 / self.alpha, at + 1, 1 / (1 + self.alpha * self.mean))
        return np.where(np.asarray(k) < 0, 0.0, made)

    def quantile(self, p: float) -> Floats:
        """Smallest count whose cumulative probability is at least p (n,)."""
        high = np.ceil(self.mean + 4 * np.sqrt(self.variance) + 4)
        while np.any(short := self.cdf(high) < p):
            high = np.where(short, 2 * high + 1, high)
        low = np.full_like(high, -1.0)
        while np.any(high - low > 1):
            middle = np.floor((low + high) / 2)
            enough = self.cdf(middle) >= p - 1e-14
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        return high

    def draw(self, rng: np.random.Generator) -> Floats:
        """One count from each law."""
        if self.trials is not None:
            return np.asarray(rng.binomial(self.trials.astype(np.int64), self.mean / self.trials), dtype=np.float64)
        mean = (
            self.mean if self.alpha == 0 else self.mean * self.alpha * rng.gamma(1 / self.alpha, size=self.mean.shape)
        )
        return np.asarray(rng.poisson(mean), dtype=np.float64)


def _log_rising(k: Floats, alpha: float) -> Floats:
    """log of the product over j < k of (1 + alpha j), without cancelling when alpha is small."""
    k = np.asarray(k, dtype=np.float64)
    most = int(k.max(initial=0.0))
    if most <= 100_000:
        table = np.append(0.0, np.cumsum(np.log1p(alpha * np.arange(most))))
        return np.asarray(table[k.astype(np.int64)], dtype=np.float64)
    r = 1 / alpha
    return np.asarray(special.gammaln(k + r) - special.gammaln(r) + k * np.log(alpha), dtype=np.float64)


def scores(y: Floats, law: CountLaw) -> dict[str, Floats]:
    """Seven scores of each time.

    Parameters
    ----------
    y : (n,)
        Observed counts.

    Returns
    -------
    dict of (n,), by the names in `SCORES`: minus the log-probability; -2 p + |p|^2; -p / |p|; sum over k of
    (P(k) - 1{y <= k})^2; z^2 + log variance; z^2; and (y - mean)^2, z being (y - mean) over its standard deviation.
    """
    log_p = law.log_pmf(y)
    p = np.exp(log_p)
    norm, ranked = _sums(y, law)
    gap = (y - law.mean) ** 2
    z2 = gap / law.variance
    made = (-log_p, norm - 2 * p, -p / np.sqrt(norm), ranked, z2 + np.log(law.variance), z2, gap)
    return dict(zip(SCORES, made, strict=True))


def _sums(y: Floats, law: CountLaw) -> tuple[Floats, Floats]:
    """Sum of squared probabilities, and the ranked probability score."""
    if law.trials is None and law.alpha == 0:
        return _poisson_sums(y, law)
    if law.trials is None and law.alpha >= _NEAR_POISSON:
        found = _negbin_sums(y, law)
        if np.isfinite(found).all():
            return found
    return _direct_sums(y, law)


def _poisson_sums(y: Floats, law: CountLaw) -> tuple[Floats, Floats]:
    mean = law.mean
    even, odd = special.ive(0, 2 * mean), special.ive(1, 2 * mean)
    at = np.exp(law.log_pmf(y))
    return even, (y - mean) * (2 * law.cdf(y) - 1) + 2 * mean * at - mean * (even + odd)


def _negbin_sums(y: Floats, law: CountLaw) -> tuple[Floats, Floats]:
    """Closed forms with Gauss's function, by a quadratic transformation that keeps its value between 0 and 1."""
    r, spread = 1 / law.alpha, law.alpha * law.mean
    p = 1 / (1 + spread)
    reach = -4 * spread * (1 + spread)
    norm = special.hyp2f1(r, 0.5, 1.0, reach)
    above = np.where(y > 0, special.betainc(r + 1, np.maximum(y, 1.0), p), 0.0)
    inner = p * (2 * above - 1) + special.hyp2f1(r + 1, 0.5, 2.0, reach)
    return norm, y * (2 * law.cdf(y) - 1) - law.mean / p * inner


def _direct_sums(y: Floats, law: CountLaw) -> tuple[Floats, Floats]:
    top = np.maximum(law.quantile(1 - 1e-13), y)
    order = np.argsort(top, kind="stable")
    norm, ranked = np.empty(len(y)), np.empty(len(y))
    begin = 0
    while begin < len(order):
        size = max(1, int(_CELLS / (top[order[begin]] + 1)))
        some = order[begin : begin + size]
        while len(some) > 1 and (top[some[-1]] + 1) * len(some) > 2 * _CELLS:
            some = some[: len(some) // 2]
        begin += len(some)
        k = np.arange(int(top[some[-1]]) + 1, dtype=np.float64)[:, None]
        pmf = np.exp(law.rows(some).log_pmf(k))
        norm[some] = np.sum(pmf**2, axis=0)
        ranked[some] = np.sum((np.cumsum(pmf, axis=0) - (y[some] <= k)) ** 2, axis=0)
    return norm, ranked


def pit_distribution(y: Floats, law: CountLaw, u: Floats) -> Floats:
    """Mean over times of the conditional distribution of the transform, at each u (Czado, Gneiting and Held, eq. 2).

    A uniform law (the value u itself) is what calibrated predictions give. Ties between counts need no randomness.
    """
    low, high = law.cdf(y - 1), law.cdf(y)
    room = np.maximum(high - low, 1e-300)
    return np.array([float(np.mean(np.clip((value - low) / room, 0.0, 1.0))) for value in np.ravel(u)])


def pit_histogram(y: Floats, law: CountLaw, bins: int = 10) -> Floats:
    """Heights of the histogram of the transform (bins,); all near one when predictions are calibrated."""
    return bins * np.diff(pit_distribution(y, law, np.linspace(0, 1, bins + 1)))


def marginal_gap(y: Floats, law: CountLaw, k: Floats) -> Floats:
    """Mean predicted share of counts up to k less the observed share, at each k."""
    return np.array([float(np.mean(law.cdf(np.full(len(y), v))) - np.mean(y <= v)) for v in np.ravel(k)])
