"""Kernels behind masked causes and uncertain labels: slow definitions, derivatives, ascent."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import optimize
from scipy.integrate import quad
from scipy.stats import norm

from exitmodels.kernels import dawidskene, maskedpieces, patternshares
from exitmodels.kernels.manski import critical_value
from exitmodels.kernels.maskedcox import MaskedData, MaskedTerms, incidence_parts
from exitmodels.kernels.risksets import risk_index
from exitmodels.kernels.rubin import combine, degrees

SETS = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1], [1, 1, 0], [0, 0.4, 0.9]])


def slope(function, at, step=1e-6):
    """Central differences."""
    at = np.asarray(at, dtype=float)
    moved = [(function(at + step * e) - function(at - step * e)) / (2 * step) for e in np.eye(len(at))]
    return np.array(moved)


# ---- shares ------------------------------------------------------------------------------------------------------
def test_shares_by_hand():
    """Known exits 21 and 4, eight unknown: the unknown are shared as the known are."""
    chance = np.array([[1.0, 0], [0, 1], [1, 1]])
    made = patternshares.split_shares(np.array([[21.0, 4, 8]]), chance)
    assert_allclose(made.share, [[0.84, 0.16]], rtol=1e-14)
    assert made.unique.all()
    assert made.converged


def test_shares_are_the_maximum():
    """A general optimiser on the simplex finds nothing better."""
    rng = np.random.default_rng(3)
    count = rng.integers(1, 20, (4, len(SETS))).astype(float)
    made = patternshares.split_shares(count, SETS)

    def minus(log, n):
        s = np.append(np.exp(log), 1.0)
        return -float(n @ np.log(SETS @ (s / s.sum())))

    for n, share, value in zip(count, made.share, patternshares.pattern_value(count, made.share, SETS), strict=True):
        best = optimize.minimize(minus, np.zeros(2), args=(n,), tol=1e-12)
        assert value >= -best.fun - 1e-9
        s = np.append(np.exp(best.x), 1.0)
        # the general optimiser stops early on a flat top: the square root of its tolerance
        assert_allclose(share, s / s.sum(), atol=1e-5)


def test_shares_on_the_boundary():
    """A cause that is never certain and only one of all those possible gets no share; its condition holds."""
    made = patternshares.split_shares(np.array([[6.0, 4, 0, 5, 0, 0]]), SETS)
    assert_allclose(made.share, [[0.6, 0.4, 0.0]], atol=1e-12)
    assert made.unique.all()


def test_shares_that_are_not_unique_are_noticed():
    only_masked = patternshares.split_shares(np.array([[0.0, 0, 0, 5, 0, 0], [2.0, 1, 1, 5, 0, 0]]), SETS)
    assert only_masked.unique.tolist() == [False, True]
    tied = patternshares.split_shares(np.array([[0.0, 0, 5, 0, 5, 0]]), SETS)
    assert not tied.unique[0]


def test_em_climbs():
    rng = np.random.default_rng(5)
    count, share = rng.integers(0, 9, (3, len(SETS))).astype(float), rng.dirichlet(np.ones(3), 3)
    for _ in range(50):
        before = patternshares.pattern_value(count, share, SETS)
        share = patternshares.em_step(count, share, SETS)
        assert np.all(patternshares.pattern_value(count, share, SETS) >= before - 1e-12)


def test_curvature_is_what_masking_leaves():
    """Louis: expected complete information less the variance of the complete score given what is seen."""
    count, level = np.array([5.0, 3, 2, 4, 6, 3]), np.array([0.5, 0.2, 0.3])
    bend = patternshares.curvature(count, level, SETS)
    value = lambda s: float(count @ np.log(SETS @ s))  # noqa: E731
    assert_allclose(bend, -slope(lambda s: slope(value, s, 1e-5), level, 1e-5), rtol=1e-4)
    told = patternshares.posterior(level, SETS)
    complete = np.diag(count @ told / level**2)
    missing = sum(n * (np.diag(q) - np.outer(q, q)) / np.outer(level, level) for n, q in zip(count, told, strict=True))
    assert_allclose(bend, complete - missing, rtol=1e-12)


# ---- piecewise hazards -------------------------------------------------------------------------------------------
CUTS = np.array([2.0, 5.0])


def rows(n=60, seed=1):
    rng = np.random.default_rng(seed)
    entry = np.where(rng.random(n) < 0.4, rng.uniform(0, 3, n), 0.0)
    exit = entry + rng.exponential(3, n)
    return entry, exit, rng.integers(0, len(SETS) + 1, n), rng.integers(1, 4, n).astype(float)


def slow_value(log_hazard, entry, exit, pattern, weight):
    """Row by row."""
    hazard, edges = np.exp(log_hazard).reshape(3, 3), [0.0, *CUTS, np.inf]
    total = 0.0
    for a, b, p, w in zip(entry, exit, pattern, weight, strict=True):
        for j in range(3):
            total -= w * max(min(b, edges[j + 1]) - max(a, edges[j]), 0.0) * hazard[j].sum()
            if p and edges[j] < b <= edges[j + 1]:
                total += w * np.log(SETS[p - 1] @ hazard[j])
    return total


def test_hazard_value_and_information():
    entry, exit, pattern, weight = rows()
    time = maskedpieces.time_at_risk(entry, exit, weight, CUTS)
    count = maskedpieces.pattern_counts(exit, pattern, weight, CUTS, len(SETS))
    share = patternshares.split_shares(count, SETS).share
    hazard = share * (count.sum(axis=1) / time)[:, None]
    at = np.log(hazard).ravel()
    value = lambda x: slow_value(x, entry, exit, pattern, weight)  # noqa: E731
    assert_allclose(maskedpieces.hazard_value(count, time, hazard, SETS), value(at), rtol=1e-12)
    assert_allclose(slope(value, at), 0, atol=1e-5)
    bend = -slope(lambda x: slope(value, x, 1e-4), at, 1e-4)
    for j in range(3):
        part = slice(3 * j, 3 * j + 3)
        # numerical second derivatives carry about six digits
        made = maskedpieces.hazard_covariance(count[j], hazard[j], SETS)
        assert_allclose(np.linalg.inv(made), bend[part, part], rtol=1e-4, atol=1e-4)


def test_scores_of_rows_and_clusters():
    entry, exit, pattern, weight = rows()
    hazard = np.array([[0.1, 0.05, 0.02], [0.2, 0.1, 0.1], [0.05, 0.2, 0.1]])
    at = np.log(hazard).ravel()
    one = [r[:, None] for r in (entry, exit, pattern, np.ones(len(entry)))]
    each = np.array([slope(lambda x, i=i: slow_value(x, *(r[i] for r in one)), at) for i in range(len(entry))])
    squares = maskedpieces.score_squares(entry, exit, pattern, weight, CUTS, hazard, SETS)
    assert_allclose(squares, (each * weight[:, None]).T @ (each * weight[:, None]), rtol=1e-6, atol=1e-6)
    cluster = np.arange(len(entry)) // 7
    sums = maskedpieces.cluster_scores(entry, exit, pattern, weight, CUTS, hazard, SETS, cluster, cluster.max() + 1)
    slow = np.array([(each * weight[:, None])[cluster == c].sum(axis=0) for c in range(cluster.max() + 1)])
    assert_allclose(sums, slow, rtol=1e-6, atol=1e-6)


def test_piecewise_incidence():
    hazard = np.array([[0.1, 0.05, 0.02], [0.2, 0.0, 0.1], [0.05, 0.2, 0.1]])
    times = np.array([1.0, 2.0, 3.5, 5.0, 7.0, 9.0])

    def total(t):
        return sum(max(min(t, b) - a, 0) * h.sum() for a, b, h in zip([0, 2, 5], [2, 5, 99], hazard, strict=True))

    value, slopes = maskedpieces.piecewise_incidence(hazard, CUTS, times)
    for k in range(3):
        for i, t in enumerate(times):
            inside = [c for c in CUTS if c < t]
            rate = lambda s, k=k: hazard[np.searchsorted(CUTS, s), k] * np.exp(-total(s))  # noqa: E731
            assert_allclose(value[k, i], quad(rate, 0, t, points=inside or None, epsabs=1e-12)[0], rtol=1e-9)
    log = np.log(np.maximum(hazard, 1e-300)).ravel()
    numeric = slope(lambda x: maskedpieces.piecewise_incidence(np.exp(x).reshape(3, 3), CUTS, times)[0].ravel(), log)
    assert_allclose(slopes.reshape(-1, 9).T, numeric, atol=1e-8)


# ---- Cox ---------------------------------------------------------------------------------------------------------
def cox_data(seed=2, n=40, tied=True):
    rng = np.random.default_rng(seed)
    entry = np.where(rng.random(n) < 0.4, rng.integers(0, 3, n), 0)
    exit = entry + (rng.integers(1, 8, n) if tied else rng.uniform(1, 8, n))
    pattern = rng.integers(0, len(SETS) + 1, n)
    x, z = rng.normal(size=(n, 2)), rng.normal(size=(n, 1))
    one = np.ones((n, 1))
    stratum, weight = rng.integers(0, 2, n), rng.integers(1, 4, n).astype(float)
    index = risk_index(entry, exit, pattern > 0, stratum, 2)
    matrices = (x, np.hstack([z, one]), np.hstack([x, one]))
    data = MaskedData(index, pattern, SETS, weight, 0.3 * z[:, 0], matrices)
    return data, (entry, exit, stratum)


def slow_cox(theta, data, spells):
    """Risk sets by definition."""
    entry, exit, stratum = spells
    sizes = np.cumsum([0, *(m.shape[1] for m in data.matrices)])
    linear = [m @ theta[a:b] for m, a, b in zip(data.matrices, sizes[:-1], sizes[1:], strict=True)]
    risk = np.exp(np.array(linear) + data.offset)
    total = 0.0
    for i in np.flatnonzero(data.pattern > 0):
        there = (entry < exit[i]) & (exit >= exit[i]) & (stratum == stratum[i])
        below = (data.weight * risk.sum(axis=0))[there].sum()
        total += data.weight[i] * (np.log(SETS[data.pattern[i] - 1] @ risk[:, i]) - np.log(below))
    return total


def test_masked_cox_terms():
    """Delayed entry, strata, ties, weights and an offset together."""
    data, spells = cox_data()
    theta = np.array([0.3, -0.2, 0.5, -0.4, 0.1, 0.2, 0.3])
    terms = MaskedTerms(data, theta)
    value = lambda x: slow_cox(x, data, spells)  # noqa: E731
    # the shift of linear predictors cancels between exits and risk sets
    assert_allclose(terms.value, value(theta), rtol=1e-12)
    assert_allclose(terms.gradient, slope(value, theta), rtol=1e-6, atol=1e-6)
    bend = -slope(lambda x: MaskedTerms(data, x).gradient, theta)
    assert_allclose(terms.information, bend, rtol=1e-6, atol=1e-6)
    assert_allclose(data.weight @ terms.scores(), terms.gradient, atol=1e-10)
    assert np.linalg.eigvalsh(terms.complete)[0] > -1e-10


@pytest.mark.parametrize("product", [True, False])
def test_slopes_of_predicted_incidence(product):
    data, _ = cox_data(tied=False)
    theta = np.array([0.3, -0.2, 0.5, -0.4, 0.1, 0.2, 0.3])
    grid = slice(int(data.index.bounds[0]), int(data.index.bounds[1]))
    size = grid.stop - grid.start
    row = [np.tile(v, (size, 1)) for v in ([0.2, -0.1], [0.5, 1.0], [0.2, -0.1, 1.0])]

    def parts(x):
        terms = MaskedTerms(data, x)
        linear = np.array([z @ x[s] for z, s in zip(row, data.spans, strict=True)])
        return incidence_parts(terms, grid, row, np.exp(linear - terms.top) * 0.01, product)

    survival, found = parts(theta)
    if product:
        assert_allclose(survival + sum(f[0] for f in found), 1, rtol=1e-12)
    for k in range(3):
        numeric = slope(lambda x, k=k: parts(x)[1][k][0], theta)
        assert_allclose(found[k][1].T, numeric, rtol=1e-5, atol=1e-9)


# ---- coders ------------------------------------------------------------------------------------------------------
def votes(seed=4, n=200):
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    wrong = rng.integers(0, 3, (n, 4))
    made = np.where(rng.random((n, 4)) < [0.9, 0.8, 0.85, 0.6], truth[:, None], wrong)
    made[rng.random((n, 4)) < 0.2] = -1
    return made[(made >= 0).any(axis=1)]


@pytest.mark.parametrize("smooth", [0.0, 0.5])
def test_dawid_skene_climbs_to_a_fixed_point(smooth):
    made = votes()
    end = dawidskene.climb(made, np.ones(len(made)), 3, dawidskene.majority(made, 3), smooth, tol=1e-14)
    assert end.converged
    assert np.all(np.diff(end.path) > -1e-9)
    prevalence, confusion = dawidskene.maximise(made, end.posterior, np.ones(len(made)), smooth)
    assert_allclose(prevalence, end.prevalence, atol=1e-6)
    assert_allclose(confusion, end.confusion, atol=1e-5)


def test_dawid_skene_posterior_by_definition():
    made = votes(n=20)
    rng = np.random.default_rng(1)
    prevalence, confusion = rng.dirichlet(np.ones(3)), rng.dirichlet(np.ones(3), (4, 3))
    posterior, value = dawidskene.expected(made, prevalence, confusion)
    for row, told, log in zip(made, posterior, value, strict=True):
        joint = prevalence.copy()
        for r, read in enumerate(row):
            if read >= 0:
                joint = joint * confusion[r, :, read]
        assert_allclose(told, joint / joint.sum(), rtol=1e-12)
        assert_allclose(log, np.log(joint.sum()), rtol=1e-12)


def test_dawid_skene_saturated():
    """Three coders and two classes have as many parameters as there are free cells: an inner maximum fits exactly."""
    cells = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)])
    right = np.array([[0.9, 0.8], [0.85, 0.7], [0.8, 0.9]])
    chance = [p * np.prod(np.where(cells == k, right[:, k], 1 - right[:, k]), axis=1) for k, p in ((0, 0.6), (1, 0.4))]
    weight = 1000 * np.sum(chance, axis=0)
    end = dawidskene.climb(cells, weight, 2, dawidskene.majority(cells, 2), tol=1e-15, most=20_000)
    assert_allclose(end.prevalence, [0.6, 0.4], atol=1e-5)  # EM ends where it hardly moves
    assert_allclose(np.einsum("rkk->rk", end.confusion), right, atol=1e-5)


def test_gibbs_stays_near_the_estimate():
    made = votes(n=400)
    distinct, count = np.unique(made, axis=0, return_counts=True)
    end = dawidskene.climb(distinct, count.astype(float), 3, dawidskene.majority(distinct, 3))
    drawn = dawidskene.gibbs(distinct, count, end.posterior, 20, np.random.default_rng(1))
    shares = np.einsum("u,muk->mk", count / count.sum(), drawn)
    assert_allclose(shares.mean(axis=0), end.prevalence, atol=0.05)  # twenty draws of shares that vary by 0.03
    assert shares.std(axis=0).min() > 0.005


# ---- limits and pooling ------------------------------------------------------------------------------------------
def test_critical_value_covers():
    width = np.array([0.0, 0.3, 2.0, np.inf])
    c = critical_value(width, 0.1)
    assert_allclose(norm.cdf(c + width) - norm.cdf(-c), 0.9, rtol=1e-12)
    assert_allclose(c[[0, -1]], norm.ppf([0.95, 0.9]), rtol=1e-12)


def test_rubin_by_hand():
    """Estimates 1, 2, 3 with variance 1: B = 1, T = 1 + 4/3, and df = 2 (7/4)^2 = 6.125."""
    made = combine(np.array([[1.0], [2], [3]]), np.ones((3, 1)))
    assert_allclose([made.total[0], made.df[0], made.missing[0]], [7 / 3, 6.125, 4 / 7], rtol=1e-12)
    old, observed = 6.125, 11 / 13 * 10 * (1 - 4 / 7)
    assert_allclose(degrees(3, made.missing, 10.0), old * observed / (old + observed), rtol=1e-12)
    assert np.isinf(degrees(3, np.zeros(1))[0])
