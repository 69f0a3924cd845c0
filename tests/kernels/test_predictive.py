"""Predictive laws, scores and calibration, against sums written out."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from exitmodels.kernels.predictive import SCORES, CountLaw, marginal_gap, pit_distribution, pit_histogram, scores

MEAN = np.array([0.03, 0.7, 3.0, 11.0, 80.0])
Y = np.array([0.0, 2.0, 3.0, 4.0, 95.0])
LAWS = {
    "poisson": (CountLaw(MEAN), stats.poisson(MEAN)),
    "nearly poisson": (CountLaw(MEAN, 1e-6), stats.poisson(MEAN)),
    "little overdispersed": (CountLaw(MEAN, 0.004), stats.nbinom(250, 1 / (1 + 0.004 * MEAN))),
    "overdispersed": (CountLaw(MEAN, 0.3), stats.nbinom(1 / 0.3, 1 / (1 + 0.3 * MEAN))),
    "binomial": (
        CountLaw(MEAN, 0.0, np.array([3.0, 5.0, 8.0, 20.0, 100.0])),
        stats.binom([3, 5, 8, 20, 100], MEAN / [3, 5, 8, 20, 100]),
    ),
}


@pytest.mark.parametrize("name", LAWS)
def test_laws_and_scores(name):
    law, peer = LAWS[name]
    close = 5e-4 if name == "nearly poisson" else 1e-9
    assert_allclose(law.log_pmf(Y), peer.logpmf(Y), rtol=close)
    assert_allclose(law.cdf(Y), peer.cdf(Y), rtol=close)
    assert_allclose(law.cdf(-np.ones(5)), 0)
    assert_allclose(law.variance, peer.var(), rtol=close)
    for p in (0.025, 0.5, 0.975):
        assert_array_equal(law.quantile(p), peer.ppf(p))
    k = np.arange(3000)[:, None]
    pmf, cdf = peer.pmf(k), peer.cdf(k)
    at, norm = peer.pmf(Y), (pmf**2).sum(axis=0)
    z2 = (Y - peer.mean()) ** 2 / peer.var()
    wanted = (
        -np.log(at),
        norm - 2 * at,
        -at / np.sqrt(norm),
        ((cdf - (k >= Y)) ** 2).sum(axis=0),
        z2 + np.log(peer.var()),
        z2,
        (Y - MEAN) ** 2,
    )
    found = scores(Y, law)
    for label, values in zip(SCORES, wanted, strict=True):
        assert_allclose(found[label], values, rtol=max(close, 1e-8), atol=1e-20, err_msg=label)


def test_drawn_counts_have_the_law():
    rng = np.random.default_rng(1)
    for law, _ in LAWS.values():
        some = law.rows(np.full(40_000, 3))
        drawn = some.draw(rng)
        spread = np.sqrt(law.variance[3])
        assert abs(drawn.mean() - law.mean[3]) < 5 * spread / 200
        # 40,000 draws
        assert_allclose(drawn.var(), law.variance[3], rtol=0.06)


def test_transform_by_its_definition():
    """The mean over uniform draws in the gap that each count leaves."""
    law, _ = LAWS["overdispersed"]
    u = np.array([0.1, 0.5, 0.93])
    low, high = law.cdf(Y - 1), law.cdf(Y)
    fine = (np.arange(200_000) + 0.5) / 200_000
    drawn = low[:, None] + fine * (high - low)[:, None]
    assert_allclose(pit_distribution(Y, law, u), [(drawn <= v).mean() for v in u], atol=1e-5)
    assert_allclose(pit_histogram(Y, law, 7).sum(), 7)


def test_calibrated_predictions_are_flat_and_others_are_not():
    rng = np.random.default_rng(2)
    mean = rng.uniform(0.5, 8, 20_000)
    law = CountLaw(mean, 0.5)
    y = law.draw(rng)
    assert np.abs(pit_histogram(y, law) - 1).max() < 0.12
    poisson = pit_histogram(y, CountLaw(mean))
    assert min(poisson[0], poisson[-1]) > 1.5
    k = np.arange(12.0)
    assert np.abs(marginal_gap(y, law, k)).max() < 0.015 < np.abs(marginal_gap(y, CountLaw(mean), k)).max()


def test_proper_scores_prefer_the_truth():
    rng = np.random.default_rng(3)
    mean = rng.uniform(0.5, 8, 20_000)
    y = CountLaw(mean, 0.5).draw(rng)
    true, off = scores(y, CountLaw(mean, 0.5)), scores(y, CountLaw(1.3 * mean, 0.5))
    narrow = scores(y, CountLaw(mean))
    for name in ("logarithmic", "quadratic", "spherical", "ranked", "dawid_sebastiani"):
        assert true[name].mean() < off[name].mean(), name
        assert true[name].mean() < narrow[name].mean(), name
