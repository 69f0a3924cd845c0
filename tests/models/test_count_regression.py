"""Count regression: laws of the likelihood, agreement with other programs, and refusals."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import optimize, stats

import exitmodels as xm
from exitmodels.errors import ConvergenceWarning, DataError, FormulaError
from exitmodels.kernels import countglm

FAMILIES = ("poisson", "quasipoisson", "nb2")


def panel(seed=0, months=40, spread=0.4):
    """Monthly counts in three places, overdispersed, with unequal exposure."""
    rng = np.random.default_rng(seed)
    start = np.tile(np.arange(months), 3).astype("datetime64[M]") + 516
    place = np.repeat(["a", "b", "c"], months)
    x = rng.normal(size=3 * months)
    exposure = rng.uniform(5, 20, 3 * months)
    mean = exposure * np.exp(-1 + 0.4 * x + 0.5 * (place == "b"))
    n = rng.poisson(mean * rng.gamma(1 / spread, spread, 3 * months))
    return pd.DataFrame(
        {
            "start": start.astype("datetime64[D]").astype("datetime64[ns]"),
            "place": place,
            "x": x,
            "exposed": exposure,
            "n": n,
        }
    )


def counted(frame, **options):
    options = {
        "n": "n",
        "start": "start",
        "freq": "MS",
        "by": "place",
        "exposure": "exposed",
        "covariates": ["x"],
    } | options
    return xm.Counts.from_table(frame, **options)


# ---- the kernel ------------------------------------------------------------------------------------------------------
def nb2_by_scipy(y, mean, alpha):
    return stats.nbinom.logpmf(y, 1 / alpha, 1 / (1 + alpha * mean)).sum()


@pytest.mark.parametrize("alpha", [1e-3, 0.2, 1.0, 30.0])
def test_the_likelihood_is_scipys(alpha):
    rng = np.random.default_rng(1)
    mean = rng.uniform(0.1, 40, 50)
    y = rng.poisson(mean).astype(float)
    assert_allclose(countglm.nb2_loglik(y, mean, alpha), nb2_by_scipy(y, mean, alpha), rtol=1e-9)
    assert_allclose(countglm.poisson_loglik(y, mean), stats.poisson.logpmf(y, mean).sum(), rtol=1e-13)


def test_alpha_near_zero_becomes_poisson_without_losing_digits():
    rng = np.random.default_rng(1)
    mean = rng.uniform(0.1, 40, 50)
    y = rng.poisson(mean).astype(float)
    poisson = countglm.poisson_loglik(y, mean)
    slope = np.sum((y - mean) ** 2 - y) / 2
    for alpha in (1e-6, 1e-8, 1e-10):
        assert_allclose(
            # the first term of a series in alpha; the second is of the order of alpha
            countglm.nb2_loglik(y, mean, alpha) - poisson,
            alpha * slope,
            rtol=2e-3,
            atol=1e-12 * abs(poisson),
        )


@pytest.mark.parametrize(
    ("alpha", "big"),
    [(1e-7, False), (1e-3, False), (0.5, False), (5.0, False), (1e-3, True), (0.5, True), (5.0, True)],
)
def test_score_and_information_are_derivatives(alpha, big, monkeypatch):
    """Central differences of the log-likelihood, for both ways to sum over j < y (tables, and gamma functions)."""
    if big:
        monkeypatch.setattr(countglm, "_TABLE", 0)
    rng = np.random.default_rng(4)
    design = np.column_stack([np.ones(30), rng.normal(size=30)])
    y, offset = rng.poisson(4, 30).astype(float), rng.normal(size=30) / 5
    at = np.array([1.3, 0.2, np.log(alpha)])

    def terms(point):
        return countglm._nb2_terms(y, design, offset, point[:2], np.exp(point[2]))

    _, gradient, information = terms(at)
    for j, step in enumerate(np.eye(3) * 1e-5):
        up, down = terms(at + step), terms(at - step)
        assert_allclose(gradient[j], (up[0] - down[0]) / 2e-5, rtol=1e-5, atol=2e-6)
        assert_allclose(information[:, j], -(up[1] - down[1]) / 2e-5, rtol=1e-5, atol=2e-6)


# ---- laws ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("family", FAMILIES)
@given(seed=st.integers(0, 10_000), factor=st.floats(0.01, 1000))
@settings(max_examples=15)
def test_scaling_exposure_shifts_only_the_intercept(family, seed, factor):
    frame = panel(seed)
    model = xm.CountRegression("x + place", family=family)
    one = model.fit(counted(frame))
    other = model.fit(counted(frame.assign(exposed=frame["exposed"] * factor)))
    shift = np.zeros(4)
    shift[0] = -np.log(factor)
    assert_allclose(other.estimate, one.estimate + shift, rtol=1e-9, atol=1e-9)
    assert_allclose(other.covariance, one.covariance, rtol=1e-8, atol=1e-12)
    assert_allclose(other.llf, one.llf, rtol=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=15)
def test_rows_in_any_order_give_the_same_answer(family, seed):
    frame = panel(seed)
    shuffled = frame.sample(frac=1, random_state=seed)
    for vcov in ("model", "robust", "hc3", "hac", "cluster"):
        model = xm.CountRegression(
            "x + place", family=family, vcov=vcov, cluster="month" if vcov == "cluster" else None
        )
        one, other = model.fit(counted(frame)), model.fit(counted(shuffled))
        assert_allclose(other.estimate, one.estimate, rtol=1e-9, atol=1e-11)
        assert_allclose(other.covariance, one.covariance, rtol=1e-7, atol=1e-12)


@given(seed=st.integers(0, 10_000), share=st.floats(0.05, 0.95))
@settings(max_examples=25)
def test_splitting_cells_in_two_leaves_poisson_estimates_unchanged(seed, share):
    """Events and exposure of a cell are divided; the sum is sufficient for the rate."""
    rng, frame = np.random.default_rng(seed), panel(seed)
    part = rng.binomial(frame["n"], share)
    first = frame.assign(n=part, exposed=frame["exposed"] * share)
    second = frame.assign(n=frame["n"] - part, exposed=frame["exposed"] * (1 - share))
    whole = xm.CountRegression("x + place").fit(counted(frame))
    halves = xm.CountRegression("x + place").fit(counted(pd.concat([first, second])))
    assert_allclose(halves.estimate, whole.estimate, rtol=1e-8, atol=1e-10)
    assert_allclose(halves.covariance, whole.covariance, rtol=1e-8)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_fit_does_not_depend_on_the_scale_or_origin_of_a_column(family):
    """Day numbers near 16000 and their squares are fitted as well as centred ones."""
    frame = panel(1)
    frame["day"] = 16_000 + frame["start"].rank(method="dense") * 30
    centred = frame.assign(day=(frame["day"] - 16_600) / 100)
    formula, columns = "day + I(day**2)", {"covariates": ["day"]}
    one = xm.CountRegression(formula, family=family).fit(counted(frame, **columns))
    other = xm.CountRegression(formula, family=family).fit(counted(centred, **columns))
    assert_allclose(one.predict(), other.predict(), rtol=1e-7)
    if family != "quasipoisson":
        assert_allclose(one.llf, other.llf, rtol=1e-11)


def test_an_intercept_alone_is_the_rate():
    counts = counted(panel(3))
    fit = xm.CountRegression("1").fit(counts)
    rate = xm.rate(counts.total, counts.exposure.sum())
    assert_allclose(np.exp(fit.estimate[0]), rate.estimate, rtol=1e-12)
    assert_allclose(fit.bse["Intercept"], 1 / np.sqrt(counts.total), rtol=1e-12)
    assert_allclose(fit.llf, fit.llnull, rtol=1e-13)


def test_two_groups_give_the_wald_rate_ratio():
    frame = pd.DataFrame({"n": [11, 20], "t": [6.0, 12.0], "g": [1, 0]})
    counts = xm.Counts.from_table(frame, n="n", exposure="t", covariates=["g"])
    ratio = xm.rate_ratio(11, 6, 20, 12, method="wald")
    row = xm.CountRegression("g").fit(counts).rate_ratios().loc["g"]
    assert_allclose(row.to_numpy(), [ratio.ratio, ratio.low, ratio.high], rtol=1e-10)


def test_simulate_fit_recover():
    """The truth lies inside the 95 % limits about as often as promised, for coefficient and dispersion."""
    inside = np.zeros(2)
    for seed in range(60):
        fit = xm.CountRegression("x + place", family="nb2").fit(counted(panel(seed)))
        low, high = fit.conf_int().loc["x"]
        low_alpha, high_alpha = fit.alpha_interval()
        inside += [low <= 0.4 <= high, low_alpha <= 0.4 <= high_alpha]
    assert np.all(inside >= 52)


# ---- other programs --------------------------------------------------------------------------------------------------
def statsmodels_glm(frame, family):
    design = np.column_stack([np.ones(len(frame)), frame["place"] == "b", frame["place"] == "c", frame["x"]])
    return sm.GLM(frame["n"].to_numpy(), design.astype(float), family=family, exposure=frame["exposed"].to_numpy())


@pytest.mark.parametrize("kind", ["model", "robust", "hac", "cluster"])
def test_poisson_matches_statsmodels(kind):
    frame = panel(2).query("place == 'a'").reset_index(drop=True) if kind == "hac" else panel(2)
    options = {"hac": {"maxlags": 4}, "cluster": {"groups": np.arange(len(frame)) % 40, "use_correction": False}}
    name = {"model": "nonrobust", "robust": "HC0", "hac": "HAC", "cluster": "cluster"}[kind]
    if kind == "hac":
        design = np.column_stack([np.ones(len(frame)), frame["x"]])
        model = sm.GLM(frame["n"], design, family=sm.families.Poisson(), exposure=frame["exposed"])
        formula = "x"
    else:
        model, formula = statsmodels_glm(frame, sm.families.Poisson()), "place + x"
    theirs = model.fit(tol=1e-14, cov_type=name, cov_kwds=options.get(kind))
    counts = counted(frame.assign(g=np.arange(len(frame)) % 40), covariates=["x", "g"])
    ours = xm.CountRegression(formula).fit(counts)
    extra = {"hac": {"hac_lags": 4}, "cluster": {"cluster": "g", "small_sample": False}}.get(kind, {})
    ours = ours.with_vcov(kind, **extra)
    assert_allclose(ours.estimate, theirs.params, rtol=1e-8)
    assert_allclose(ours.standard_errors, theirs.bse, rtol=1e-8)
    assert_allclose(ours.llf, theirs.llf, rtol=1e-12)


def test_quasi_poisson_uses_pearsons_dispersion_and_students_t():
    frame = panel(2)
    theirs = statsmodels_glm(frame, sm.families.Poisson()).fit(tol=1e-14, scale="X2", use_t=True)
    ours = xm.CountRegression("place + x", family="quasipoisson").fit(counted(frame))
    assert_allclose(ours.dispersion, theirs.scale, rtol=1e-9)
    assert_allclose(ours.standard_errors, theirs.bse, rtol=1e-9)
    assert_allclose(ours.conf_int(), theirs.conf_int(), rtol=1e-8)
    assert_allclose(ours.pvalues, theirs.pvalues, rtol=1e-7)
    assert np.isnan(ours.llf)
    assert "t" in str(ours.summary()).split()


def test_predictions_and_residuals_match_statsmodels():
    frame = panel(5)
    theirs = statsmodels_glm(frame, sm.families.Poisson()).fit(tol=1e-14)
    ours = xm.CountRegression("place + x").fit(counted(frame))
    mine, yours = ours.get_prediction().summary_frame(), theirs.get_prediction().summary_frame()
    assert list(mine.columns) == list(yours.columns)
    assert_allclose(mine, yours.mul(frame["exposed"], axis=0), rtol=1e-8)  # theirs are rates
    for kind in ("response", "pearson", "deviance", "anscombe"):
        assert_allclose(ours.residuals(kind), getattr(theirs, f"resid_{kind}"), rtol=1e-7, atol=1e-9)


def test_negative_binomial_matches_a_general_optimiser():
    """The same likelihood, written with scipy's law and climbed without derivatives of ours."""
    frame = panel(5)
    fit = xm.CountRegression("place + x", family="nb2").fit(counted(frame))
    design = fit.data.design.matrix
    offset = np.log(frame["exposed"].to_numpy())

    def loss(at):
        return -nb2_by_scipy(frame["n"].to_numpy(), np.exp(offset + design @ at[:-1]), np.exp(at[-1]))

    best = optimize.minimize(loss, np.zeros(5), method="BFGS", options={"gtol": 1e-7})
    assert_allclose(-best.fun, fit.llf, rtol=1e-10)
    assert_allclose(best.x, [*fit.estimate, np.log(fit.alpha)], atol=1e-5)
    their = sm.GLM(frame["n"], design, family=sm.families.NegativeBinomial(alpha=fit.alpha), offset=offset).fit(
        tol=1e-14
    )
    assert_allclose(fit.residuals("anscombe"), their.resid_anscombe, rtol=1e-6, atol=1e-8)
    assert_allclose(fit.deviance, their.deviance, rtol=1e-9)


def test_negative_binomial_robust_errors_are_the_joint_sandwich():
    """Bread and meat of (beta, log alpha) by numerical derivatives of each row's log-likelihood."""
    frame = panel(6)
    fit = xm.CountRegression("x", family="nb2", vcov="robust").fit(counted(frame))
    y, offset = frame["n"].to_numpy(), np.log(frame["exposed"].to_numpy())
    at = np.array([*fit.estimate, np.log(fit.alpha)])

    def rows(point):
        mean, alpha = np.exp(offset + point[0] + point[1] * frame["x"].to_numpy()), np.exp(point[2])
        return stats.nbinom.logpmf(y, 1 / alpha, 1 / (1 + alpha * mean))

    steps = np.eye(3) * 1e-4
    scores = np.stack([(rows(at + h) - rows(at - h)) / 2e-4 for h in steps], axis=1)
    bread = -np.array(
        [
            [(rows(at + a + b) - rows(at + a - b) - rows(at - a + b) + rows(at - a - b)).sum() / 4e-8 for a in steps]
            for b in steps
        ]
    )
    full = np.linalg.inv(bread) @ (scores.T @ scores) @ np.linalg.inv(bread)
    assert_allclose(fit.covariance, full[:2, :2], rtol=1e-4, atol=1e-8)  # second differences
    assert_allclose(fit.log_alpha_se, np.sqrt(full[2, 2]), rtol=1e-4)  # second differences


# ---- what a fit answers ----------------------------------------------------------------------------------------------
def test_new_rows_are_rates_unless_they_have_exposure():
    fit = xm.CountRegression("x + place").fit(counted(panel(1)))
    new = pd.DataFrame({"x": [0.0, 1.0], "place": ["b", "a"]}, index=["p", "q"])
    rates, counts = fit.predict(new), fit.predict(new.assign(exposure=[10.0, 20.0]))
    assert rates.index.tolist() == ["p", "q"]
    assert_allclose(counts, rates * [10, 20])
    assert_allclose(rates["p"], np.exp(fit.params["Intercept"] + fit.params["place[T.b]"]))


def test_the_cells_themselves_can_be_new_rows():
    counts = counted(panel(1))
    fit = xm.CountRegression("time + C(month)").fit(counts)
    assert_allclose(fit.predict(counts), fit.predict(), rtol=1e-12)


def test_prediction_limits_are_those_of_the_coefficients():
    fit = xm.CountRegression("x", family="quasipoisson").fit(counted(panel(1)))
    row = fit.get_prediction({"x": [0.0]}).summary_frame(alpha=0.1).iloc[0]
    low, high = np.exp(fit.conf_int(0.1).loc["Intercept"])
    assert_allclose([row["mean_ci_lower"], row["mean_ci_upper"]], [low, high])


def test_offsets_in_the_formula_add_to_exposure():
    counts = counted(panel(1))
    one = xm.CountRegression("x").fit(counts)
    other = xm.CountRegression("x + offset(np.log(exposure))", exposure=False).fit(counts)
    assert_allclose(one.estimate, other.estimate, rtol=1e-12)
    plain = xm.CountRegression("x", exposure=False).fit(counts)
    assert_allclose(plain.predict().sum(), counts.total)


def test_one_cluster_in_the_formula():
    counts = counted(panel(1))
    one = xm.CountRegression("x + cluster(month)", vcov="cluster").fit(counts)
    other = xm.CountRegression("x", vcov="cluster", cluster="month").fit(counts)
    assert_allclose(one.covariance, other.covariance)
    assert one.vcov == "cluster(month)"
    assert "only 12 clusters" in one.warnings[-1]


def test_hac_sums_the_cells_of_a_period():
    """The three places of a month are one observation of the series; with no lags they are clusters."""
    fit = xm.CountRegression("x + place").fit(counted(panel(1)))
    hac = fit.with_vcov("hac", hac_lags=0)
    assert_allclose(
        hac.covariance, fit.with_vcov("cluster", cluster="start", small_sample=False).covariance, rtol=1e-10
    )
    assert hac.vcov == "hac(0)"
    assert not hac.warnings


def test_short_series_warn_about_hac():
    fit = xm.CountRegression("x", vcov="hac").fit(counted(panel(1, months=18)))
    assert fit.vcov == "hac(2)"
    assert any("18 periods: below 40" in text for text in fit.warnings)
    assert "18 periods" in str(fit)


def test_overdispersion_is_pointed_out():
    counts = counted(panel(1))
    poisson = xm.CountRegression("x").fit(counts)
    assert any("times as much as Poisson" in text for text in poisson.warnings)
    assert not poisson.with_vcov("robust").warnings
    assert not xm.CountRegression("x", family="nb2").fit(counts).warnings


def test_counts_without_overdispersion_give_poisson_and_say_so():
    even = xm.Counts.from_table({"n": [5, 6, 5, 7, 6, 7], "x": [0, 0, 1, 1, 2, 2]}, n="n", covariates=["x"])
    nb2, poisson = (xm.CountRegression("x", family=f).fit(even) for f in ("nb2", "poisson"))
    assert_allclose(nb2.estimate, poisson.estimate)
    assert nb2.alpha == 0
    assert nb2.converged
    assert "alpha is at its limit 0" in nb2.warnings[0]
    with pytest.raises(DataError, match="no limits of this kind"):
        nb2.alpha_interval()


def test_huge_counts_are_fitted():
    rng = np.random.default_rng(0)
    n = (rng.gamma(5, 1e6, 60)).astype(int)
    counts = xm.Counts.from_table({"n": n}, n="n")
    fit = xm.CountRegression("1", family="nb2").fit(counts)
    assert fit.converged
    assert_allclose(np.exp(fit.estimate[0]), n.mean(), rtol=1e-8)
    shape = stats.gamma.fit(n, floc=0)[0]
    assert_allclose(fit.theta, shape, rtol=1e-4)  # gamma limit of the law of large counts


def test_a_level_without_events_is_named():
    frame = panel(1)
    frame.loc[frame["place"] == "c", "n"] = 0
    with pytest.warns(ConvergenceWarning, match=r"'place\[T.c\]' runs to infinity: no event in the 40 cells"):
        fit = xm.CountRegression("x + place").fit(counted(frame))
    assert not fit.converged
    assert "runs to infinity" in str(fit)
    without = xm.CountRegression("x + place").fit(counted(frame[frame["place"] != "c"]))
    assert_allclose(fit.estimate[fit.names.index("x")], without.estimate[without.names.index("x")], rtol=1e-5)


def test_results_have_the_names_that_statsmodels_users_know():
    fit = xm.CountRegression("x + place", family="nb2").fit(counted(panel(1)))
    assert set(fit.params.index) == {"Intercept", "place[T.b]", "place[T.c]", "x"}
    assert fit.aic == -2 * fit.llf + 2 * 5
    assert fit.llf > fit.llnull
    assert fit.nobs == 120
    assert fit.df_model == 3
    assert fit.wald_test(["place[T.b]", "place[T.c]"]).df == 2
    assert "rate ratio" in str(fit.summary())
    assert fit.rate_ratios().columns.tolist() == ["rate ratio", "low", "high"]
    assert "Lawless" in fit.cite()
    assert "Newey" in fit.with_vcov("hac").cite()
    assert "Newey" not in fit.with_vcov("hac").with_vcov("model").cite()
    assert "tabular" in fit.to_latex()


def test_a_result_can_be_saved_and_says_what_it_lost(tmp_path):
    fit = xm.CountRegression("x + place", family="nb2").fit(counted(panel(1)))
    fit.save(tmp_path / "fit.json")
    again = xm.load(tmp_path / "fit.json")
    assert_allclose(again.estimate, fit.estimate, rtol=0)
    assert again.theta == fit.theta
    assert "rate ratio" in str(again)
    for act in (
        lambda: again.residuals(),
        lambda: again.predict(),
        lambda: again.with_vcov("robust"),
        lambda: again.deviance,
    ):
        with pytest.raises(DataError, match=r"needs the data.*Fit the model again"):
            act()


def test_fit_changes_neither_model_nor_counts():
    counts, model = counted(panel(1)), xm.CountRegression("x")
    before = counts.to_frame()
    model.fit(counts)
    pd.testing.assert_frame_equal(counts.to_frame(), before)
    assert model == xm.CountRegression("x")


# ---- refusals --------------------------------------------------------------------------------------------------------
def small(**changes):
    frame = {"n": [3, 4, 2, 5, 3, 8], "x": [0.0, 1, 2, 3, 4, 5], "k": [7.0] * 6, "u": ["a", "b"] * 3} | changes
    return xm.Counts.from_table(frame, n="n", covariates=[name for name in frame if name != "n"])


@pytest.mark.parametrize(
    ("formula", "changes", "error", "message"),
    [
        ("k", {}, DataError, "Column 'k'.*value 7 in every row.*Leave the term out"),
        ("x + y", {"y": [1.0, 3, 5, 7, 9, 11]}, DataError, "follows from other columns: . = "),
        ("x", {"n": [0, 1, 0, 0, 0, 0]}, DataError, "1 events for 2 coefficients.*Intercept, x"),
        ("x", {"n": [0] * 6}, DataError, "0 events for 2 coefficients"),
        ("C(x) + u + k", {}, DataError, "6 cells for 8 coefficients"),
        ("x", {"x": [0.0, 1, np.nan, 3, 4, 5]}, DataError, "missing"),
        ("z", {}, FormulaError, "names 'z', which is not a column"),
        ("x + strata(u)", {}, FormulaError, "strata.. belongs to hazard models"),
    ],
)
def test_bad_designs_are_refused(formula, changes, error, message):
    with pytest.raises(error, match=message):
        xm.CountRegression(formula).fit(small(**changes))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"family": "binomial"}, "family='binomial' is not known.*nb2"),
        ({"vcov": "HC9"}, "vcov='HC9' is not known.*hc3"),
    ],
)
def test_unknown_choices_are_refused(options, message):
    with pytest.raises(DataError, match=message):
        xm.CountRegression("x", **options)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("hac", {}, 'no dates.*vcov="robust"'),
        ("cluster", {}, "clusters are not named"),
        ("cluster", {"cluster": "v"}, "no column 'v' to cluster on.*Columns"),
        ("cluster", {"cluster": "k"}, "one cluster only"),
        ("robust", {"cluster": "u"}, "cluster= goes with vcov='cluster'"),
    ],
)
def test_impossible_covariances_are_refused(kind, options, message):
    fit = xm.CountRegression("x").fit(small())
    with pytest.raises(DataError, match=message):
        fit.with_vcov(kind, **options)


def test_too_many_lags_are_refused():
    fit = xm.CountRegression("x").fit(counted(panel(1)))
    with pytest.raises(DataError, match="hac_lags=40 does not fit a series of 40 periods"):
        fit.with_vcov("hac", hac_lags=40)


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ({"x": [1.0], "u": ["c"]}, "'c' was not in the data of the fit.*Known levels: a, b"),
        ({"x": [np.nan], "u": ["a"]}, "missing"),
        ({"u": ["a"]}, "'x'"),
        ({"x": [1.0], "u": ["a"], "exposure": [0.0]}, "1 exposures are not above zero"),
    ],
)
def test_bad_new_rows_are_refused(new, message):
    fit = xm.CountRegression("x + u").fit(small())
    with pytest.raises(DataError, match=message):
        fit.predict(new)


def test_unknown_residuals_are_refused():
    with pytest.raises(DataError, match=r"kind='martingale'.*anscombe"):
        xm.CountRegression("x").fit(small()).residuals("martingale")


def test_no_warning_is_raised_on_good_data():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for family in FAMILIES:
            assert xm.CountRegression("x + place", family=family).fit(counted(panel(9))).converged


def test_a_level_that_is_a_cluster_has_no_clustered_error() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"unit": np.repeat(list("abcd"), 12), "x": np.tile(np.arange(12.0), 4), "n": rng.poisson(9, 48)}
    )
    counts = xm.Counts.from_table(table, start=None, n="n", by="unit", covariates=["x"], exposure=None)
    fit = xm.CountRegression("x + unit", vcov="cluster", cluster="unit", exposure=False).fit(counts)
    assert np.isfinite(fit.bse["x"])
    assert np.isnan(fit.bse["unit[T.b]"])
    assert "the clusters themselves determine it" in fit.warnings[-1]
