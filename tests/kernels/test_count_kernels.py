"""Kernels of the count families: derivatives, slow definitions written another way, and limits."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import optimize, special, stats

from exitmodels.kernels import absorbed, clustered, countglm, countlaws, nb1, spread, twopart
from exitmodels.kernels.countprofile import count_terms

STEP = 1e-5


def sample(seed=0, n=40):
    rng = np.random.default_rng(seed)
    mean = rng.uniform(0.2, 20, n)
    return rng.poisson(mean * rng.gamma(2, 0.5, n)).astype(float), mean


# ---- NB1 -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("alpha", [1e-3, 0.3, 5.0])
@pytest.mark.parametrize("gammas", [False, True])
def test_nb1_likelihood_is_scipys(alpha, gammas, monkeypatch):
    """Both ways to sum over j < y: over a list of all events, and by gamma functions."""
    if gammas:
        monkeypatch.setattr(nb1, "_MOST", -1)
    y, mean = sample()
    expected = stats.nbinom.logpmf(y, mean / alpha, 1 / (1 + alpha))
    assert_allclose(nb1.nb1_rows(y, mean, alpha)[0], expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("alpha", [1e-6, 1e-3, 0.3, 5.0])
@pytest.mark.parametrize(("kernel", "name"), [(nb1.nb1_rows, "nb1"), (twopart.count_rows, "nb2")])
def test_row_derivatives_are_derivatives(alpha, kernel, name):
    y, mean = sample()
    _, e, k, ee, ek, kk = kernel(y, mean, alpha)
    up, down = (kernel(y, mean * np.exp(h), alpha) for h in (STEP, -STEP))
    assert_allclose((up[0] - down[0]) / (2 * STEP), e, rtol=1e-6, atol=1e-7)
    assert_allclose((up[1] - down[1]) / (2 * STEP), ee, rtol=1e-6, atol=1e-7)
    up, down = (kernel(y, mean, alpha * np.exp(h)) for h in (STEP, -STEP))
    assert_allclose((up[0] - down[0]) / (2 * STEP), k, rtol=1e-5, atol=1e-7)
    assert_allclose((up[1] - down[1]) / (2 * STEP), ek, rtol=1e-5, atol=1e-7)
    assert_allclose((up[2] - down[2]) / (2 * STEP), kk, rtol=1e-5, atol=1e-7)


def test_nb1_without_overdispersion_is_poisson():
    y = np.array([4.0, 5, 6, 5, 4, 6])
    fit = nb1.fit_nb1(y, np.ones((6, 1)), np.zeros(6))
    assert fit.alpha == 0
    assert_allclose(fit.beta, np.log(5), rtol=1e-12)


def test_the_terms_of_a_profile_are_those_of_the_fit():
    y, mean = sample(3)
    design = np.column_stack([np.ones(40), np.log(mean)])
    for family, fitter in (("nb1", nb1.fit_nb1), ("nb2", countglm.fit_nb2), ("poisson", countglm.fit_poisson)):
        fit = fitter(y, design, np.zeros(40))
        at = np.append(fit.beta, np.log(fit.alpha)) if family != "poisson" else fit.beta
        terms = count_terms(y, design, np.zeros(40), family)(at)
        assert_allclose(terms.value, fit.llf, rtol=1e-12)
        assert_allclose(terms.gradient, 0, atol=1e-7)
        assert_allclose(terms.information, fit.information, rtol=1e-7, atol=1e-7)


# ---- two parts -------------------------------------------------------------------------------------------------------
def mixture(seed, negbin, n=60):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(size=n)])
    z = np.column_stack([np.ones(n), rng.normal(size=n)])
    offset = rng.normal(size=n) / 4
    y = rng.poisson(np.exp(0.9 + 0.3 * x[:, 1] + offset)) * (rng.random(n) > 0.3)
    return twopart.TwoPart(y.astype(float), x, z, offset, negbin)


def slow_loglik(problem, at, hurdle):
    """Row by row, from scipy's probabilities."""
    alpha = np.exp(at[4]) if problem.negbin else None
    total = 0.0
    for y, x, z, o in zip(problem.y, problem.count, problem.zero, problem.offset, strict=True):
        mean, p = np.exp(o + x @ at[:2]), special.expit(z @ at[2:4])
        law = stats.poisson(mean) if alpha is None else stats.nbinom(1 / alpha, 1 / (1 + alpha * mean))
        if hurdle:
            total += np.log(1 - p) if y == 0 else np.log(p) + law.logpmf(y) - np.log(law.sf(0))
        else:
            total += np.log(p * (y == 0) + (1 - p) * law.pmf(y))
    return total


@pytest.mark.parametrize("hurdle", [False, True], ids=["inflated", "hurdle"])
@pytest.mark.parametrize("negbin", [False, True], ids=["poisson", "nb2"])
def test_two_part_fits_are_the_top_of_a_slow_likelihood(hurdle, negbin):
    """Value, zero slope and curvature at the estimate, against numerical derivatives of the slow definition."""
    problem = mixture(11, negbin, n=150)
    wider = problem.y * (1 + negbin * (problem.y > 2))
    problem = twopart.TwoPart(wider, problem.count, problem.zero, problem.offset, negbin)
    fit = (twopart.fit_hurdle if hurdle else twopart.fit_zero_inflated)(problem)
    assert fit.converged
    assert (fit.alpha > 0) == negbin
    at = np.concatenate([fit.beta, fit.gamma, [np.log(fit.alpha)] if negbin else []])
    assert_allclose(slow_loglik(problem, at, hurdle), fit.llf, rtol=1e-10)
    steps = np.eye(len(at)) * 1e-4
    slope = [(slow_loglik(problem, at + s, hurdle) - slow_loglik(problem, at - s, hurdle)) / 2e-4 for s in steps]
    assert_allclose(slope, 0, atol=1e-5)
    curve = [
        (slow_loglik(problem, at + s, hurdle) - 2 * fit.llf + slow_loglik(problem, at - s, hurdle)) / 1e-8
        for s in steps
    ]
    # second differences of a log-likelihood lose half the digits
    assert_allclose(-np.array(curve), np.diag(fit.information), rtol=1e-4, atol=1e-3)
    assert_allclose(fit.scores.sum(axis=0), 0, atol=1e-7)


@pytest.mark.parametrize("seed", range(8))
def test_a_mixture_never_calls_a_missing_number_converged(seed):
    """Data without extra zeros, tiny data and separated data: the answer is finite or says that it is not one."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(6, 30))
    x = np.column_stack([np.ones(n), rng.normal(size=n)])
    y = rng.poisson(rng.uniform(0.2, 4), n).astype(float)
    y[0], y[-1] = 3.0, 0.0
    for negbin in (False, True):
        fit = twopart.fit_zero_inflated(twopart.TwoPart(y, x, x, np.zeros(n), negbin))
        numbers = np.concatenate([fit.beta, fit.gamma, [fit.llf, fit.alpha], fit.information.ravel()])
        assert not fit.converged or np.isfinite(numbers).all()
        if fit.converged:
            assert np.linalg.eigvalsh(fit.information).min() > 0


# ---- levels without columns ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("family", ["poisson", "nb2"])
def test_absorbed_levels_are_dummy_columns(family):
    rng = np.random.default_rng(5)
    group = np.repeat(np.arange(9), rng.integers(4, 20, 9))
    n = len(group)
    x, offset = rng.normal(size=(n, 2)), rng.normal(size=n) / 3
    y = rng.poisson(np.exp(0.8 + 0.4 * x[:, 0] + offset + rng.normal(size=9)[group]) * rng.gamma(2, 0.5, n)).astype(
        float
    )
    y[np.unique(group, return_index=True)[1]] += 1
    one = absorbed.fit_absorbed(y, x, offset, group, family)
    dummies = np.column_stack([x, np.eye(9)[group]])
    other = (countglm.fit_nb2 if family == "nb2" else countglm.fit_poisson)(y, dummies, offset)
    kept = [0, 1, 11] if family == "nb2" else [0, 1]
    full = np.linalg.inv(other.information)
    assert one.converged
    assert_allclose(one.beta, other.beta[:2], rtol=1e-10, atol=1e-12)
    assert_allclose(one.level, other.beta[2:11], rtol=1e-9)
    assert_allclose([one.llf, one.alpha], [other.llf, other.alpha], rtol=1e-10)
    assert_allclose(np.linalg.inv(one.information), full[np.ix_(kept, kept)], rtol=1e-8, atol=1e-12)
    meat, inner = other.scores.T @ other.scores, np.linalg.inv(one.information)
    assert_allclose(inner @ one.scores.T @ one.scores @ inner, (full @ meat @ full)[np.ix_(kept, kept)], rtol=1e-7)


def test_poisson_levels_give_the_conditional_estimate():
    """Given group totals the counts are multinomial, whose likelihood has no levels at all."""
    rng = np.random.default_rng(2)
    group = np.repeat(np.arange(6), 5)
    x = rng.normal(size=30)
    y = rng.poisson(np.exp(1 + 0.5 * x)).astype(float)

    def lost(b):
        total = 0.0
        for g in range(6):
            inside = group == g
            total -= y[inside] @ special.log_softmax(b * x[inside])
        return total

    best = optimize.minimize_scalar(lost, bounds=(-2, 2), method="bounded", options={"xatol": 1e-12})
    assert_allclose(absorbed.fit_absorbed(y, x[:, None], np.zeros(30), group, "poisson").beta, best.x, atol=1e-6)


# ---- few clusters ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("power", [0.5, 1.0])
def test_corrected_scores_are_those_of_the_matrices_in_the_papers(power):
    """(I - H)^-power of each cluster formed in full."""
    rng = np.random.default_rng(8)
    group = np.repeat(np.arange(7), rng.integers(1, 9, 7))
    design = np.column_stack([np.ones(len(group)), rng.normal(size=(len(group), 2))])
    y = rng.poisson(4, len(group)).astype(float)
    fit = countglm.fit_poisson(y, design, np.zeros(len(group)))
    bread, root = np.linalg.inv(fit.information), np.sqrt(fit.mean)
    meat = np.zeros((3, 3))
    for g in range(7):
        inside = group == g
        z = design[inside] * root[inside, None]
        size, axes = np.linalg.eigh(np.eye(inside.sum()) - z @ bread @ z.T)
        score = z.T @ (axes * size**-power) @ axes.T @ ((y - fit.mean)[inside] / root[inside])
        meat += np.outer(score, score)
    ours = clustered.leverage_corrected_meat(fit.scores, design, fit.mean, group, power)
    assert_allclose(ours, meat, rtol=1e-9)


def test_mancl_and_derouen_is_nearly_a_jackknife():
    """For least squares it is one exactly; for a log link to the first order."""
    rng = np.random.default_rng(1)
    group = np.repeat(np.arange(30), 4)
    design = np.column_stack([np.ones(120), rng.normal(size=120)])
    y = rng.poisson(np.exp(2 + 0.2 * design[:, 1])).astype(float)
    fit = countglm.fit_poisson(y, design, np.zeros(120))
    bread = np.linalg.inv(fit.information)
    ours = bread @ clustered.leverage_corrected_meat(fit.scores, design, fit.mean, group, 1.0) @ bread
    left = [countglm.fit_poisson(y[group != g], design[group != g], np.zeros(116)).beta - fit.beta for g in range(30)]
    # a first-order identity for a log link
    assert_allclose(np.sqrt(np.diag(ours)), np.sqrt(np.sum(np.square(left), axis=0)), rtol=0.03)


# ---- dispersion and laws of counts -----------------------------------------------------------------------------------
@pytest.mark.parametrize("rule", ["pearson", "deviance", "moments"])
def test_moment_rules_are_met_at_their_fit(rule):
    y, mean = sample(4, 80)
    design = np.column_stack([np.ones(80), np.log(mean)])
    fit = spread.fit_nb2_by(y, design, np.zeros(80), rule)
    assert fit.converged
    found = {
        "pearson": np.sum((y - fit.mean) ** 2 / (fit.mean + fit.alpha * fit.mean**2)) - 78,
        "deviance": countglm.unit_deviance(y, fit.mean, fit.alpha).sum() - 78,
        "moments": np.sum((y - fit.mean) ** 2 - y - fit.alpha * fit.mean**2),
    }[rule]
    assert_allclose(found, 0, atol=1e-6)
    assert_allclose(fit.scores.sum(axis=0), 0, atol=1e-7)


def test_likely_alpha_is_that_of_the_joint_fit_at_its_means():
    y, mean = sample(4, 80)
    fit = countglm.fit_nb2(y, np.column_stack([np.ones(80), np.log(mean)]), np.zeros(80))
    assert_allclose(spread.likely_alpha(y, fit.mean), fit.alpha, rtol=1e-8)
    assert spread.likely_alpha(np.full(5, 3.0), np.full(5, 3.0)) == 0


@pytest.mark.parametrize(("family", "alpha"), [("poisson", 0.0), ("nb2", 0.7), ("nb1", 1.5)])
def test_probabilities_are_scipys(family, alpha):
    _, mean = sample()
    k = np.full(len(mean), 3.0)
    size = {"nb2": np.full(len(mean), 1 / alpha) if alpha else None, "nb1": mean / alpha if alpha else None}.get(family)
    law = stats.poisson(mean) if size is None else stats.nbinom(size, size / (size + mean))
    assert_allclose(countlaws.log_probability(k, mean, family, alpha), law.logpmf(3), rtol=1e-10)
    assert_allclose(countlaws.at_most(k, mean, family, alpha), law.cdf(3), rtol=1e-10)
    assert_allclose(countlaws.variance(mean, family, alpha), law.var(), rtol=1e-12)
    assert_allclose(countlaws.at_most(k - 4, mean, family, alpha), 0)
    assert_allclose(countlaws.expected_frequencies(mean, family, alpha, 400).sum(), len(mean), rtol=1e-8)


def test_the_zero_score_of_poisson_is_van_den_broeks():
    """With an intercept: S^2 / (sum (1 - p0) / p0 - n times the mean)."""
    rng = np.random.default_rng(6)
    y = rng.poisson(1.5, 60) * (rng.random(60) > 0.2)
    mean = np.full(60, y.mean())
    p_zero = np.exp(-mean)
    z, score = spread.zero_score(y, p_zero, -mean[:, None], np.array([[mean.sum()]]))
    assert_allclose(score, np.sum(((y == 0) - p_zero) / p_zero), rtol=1e-12)
    assert_allclose(z**2, score**2 / (np.sum((1 - p_zero) / p_zero) - 60 * y.mean()), rtol=1e-12)
