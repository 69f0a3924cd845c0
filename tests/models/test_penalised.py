"""Penalised Cox regression: ridge, lasso, elastic net, penalised splines, paths and cross-validation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import brentq, minimize

import exitmodels as xm

FORMULA = "fin + age + race + wexp + mar + paro + prio"
PLAIN = {"convention": "coxph", "standardise": False}


@pytest.fixture(scope="module")
def rossi() -> xm.Spells:
    return xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest", unit="W")


def made(seed: int, n: int = 120, p: int = 5) -> pd.DataFrame:
    """Delayed entry, many ties, two strata, whole weights and clusters."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(rng.normal(size=(n, p)).round(2), columns=[f"x{j}" for j in range(p)])
    start = rng.integers(0, 5, n)
    risk = np.exp(0.6 * data.x0 - 0.4 * data.x1)
    stay = np.ceil(rng.exponential(8 / risk)).astype(int)
    return data.assign(
        start=start,
        stop=start + np.minimum(stay, 12),
        left=(stay <= 12).astype(int),
        w=rng.integers(1, 4, n),
        home=rng.integers(0, 2, n),
        town=rng.integers(0, 25, n),
    )


def spells(data: pd.DataFrame, **columns: Any) -> xm.Spells:
    return xm.Spells.from_frame(data, entry="start", exit="stop", event="left", **columns)


# ---- closed forms and slow definitions ----------------------------------------------------------------------------
def test_ridge_of_the_example_solved_by_hand() -> None:
    """Therneau & Grambsch's six people, Efron ties: the score 2 - r/(r+1) - r/(r+3) - r/(r+5) meets theta b."""
    six = xm.Spells(exit=[1, 1, 6, 6, 8, 9], event=[1, 0, 1, 1, 0, 1], covariates={"x": [1, 1, 1, 0, 0, 0]})
    fit = xm.Cox("x", penalty="ridge", strength=0.7, **PLAIN).fit(six)

    def score(b: float) -> float:
        r = np.exp(b)
        return float(2 - r / (r + 1) - r / (r + 3) - r / (r + 5) - 0.7 * b)

    root = brentq(score, -5, 5, xtol=1e-14)
    assert_allclose(fit.estimate, root, rtol=1e-10)
    r = np.exp(root)
    information = r / (r + 1) ** 2 + 3 * r / (r + 3) ** 2 + 5 * r / (r + 5) ** 2
    assert_allclose(fit.covariance, 1 / (information + 0.7))
    assert_allclose(fit.with_vcov("frequentist").covariance, information / (information + 0.7) ** 2)
    assert_allclose(fit.df_effective, information / (information + 0.7))
    assert_allclose(fit.aic, -2 * fit.llf + 2 * fit.df_effective)
    assert_allclose(fit.bic, -2 * fit.llf + np.log(4) * fit.df_effective)


def test_the_lasso_of_one_column_is_where_the_score_meets_the_strength() -> None:
    six = xm.Spells(exit=[1, 1, 6, 6, 8, 9], event=[1, 0, 1, 1, 0, 1], covariates={"x": [1, 1, 1, 0, 0, 0]})
    start = 2 - 1 / 2 - 1 / 4 - 1 / 6  # the score at zero
    fit = xm.Cox("x", penalty="lasso", strength=0.5, **PLAIN).fit(six)
    root = brentq(lambda b: 2 - 1 / (1 + np.exp(-b)) - 1 / (1 + 3 * np.exp(-b)) - 1 / (1 + 5 * np.exp(-b)) - 0.5, 0, 5)
    assert_allclose(fit.estimate, root, rtol=1e-8)
    assert xm.Cox("x", penalty="lasso", strength=start + 1e-6, **PLAIN).fit(six).estimate[0] == 0
    assert xm.Cox("x", penalty="lasso", strength=start - 1e-6, **PLAIN).fit(six).estimate[0] > 0


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_an_elastic_net_by_a_slow_definition(ties: str) -> None:
    """The likelihood by a loop over risk sets (weights as copies), the penalty as written, a general optimiser."""
    data = made(1, n=50, p=3)
    data = data.loc[data.index.repeat(data.w)].reset_index(drop=True)
    x = data[["x0", "x1", "x2"]].to_numpy()
    strength, mix, n = 0.08, 0.4, len(data)
    sd = x.std(axis=0)

    def loss(b: np.ndarray) -> float:
        eta, total = x @ b, 0.0
        for home in (0, 1):
            for t in np.unique(data.stop[(data.left == 1) & (data.home == home)]):
                at_risk = (data.start < t) & (t <= data.stop) & (data.home == home)
                out = at_risk & (data.stop == t) & (data.left == 1)
                d = int(out.sum())
                share = np.arange(d) / d if ties == "efron" else np.zeros(d)
                below = np.exp(eta[at_risk]).sum() - share * np.exp(eta[out]).sum()
                total += eta[out].sum() - np.log(below).sum()
        return float(-total / n + strength * (mix * np.abs(b * sd).sum() + (1 - mix) / 2 * np.sum((b * sd) ** 2)))

    model = xm.Cox("x0 + x1 + x2 + strata(home)", ties=ties, penalty="elasticnet", strength=strength, mix=mix)
    fit = model.fit(spells(made(1, n=50, p=3), weight="w"))
    slow = minimize(loss, fit.estimate + 0.05, method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-14})
    assert loss(fit.estimate) <= slow.fun + 1e-12
    assert_allclose(fit.estimate, slow.x, atol=1e-5)


def test_cross_validation_by_its_definition() -> None:
    """Refit each fold alone; the log-likelihood of all less that of the rows kept, each by a loop over risk sets."""
    data = made(2, n=80)
    data["fold"] = np.arange(80) % 4
    strengths = [0.2, 0.05, 0.01]
    formula = "x0 + x1 + x2 + strata(home)"
    path = xm.CoxPath(formula, strengths=strengths, folds="fold", mix=0.8).fit(spells(data))

    def value(b: np.ndarray, part: pd.DataFrame) -> float:
        eta, total = part[["x0", "x1", "x2"]].to_numpy() @ b, 0.0
        for i in np.flatnonzero(part.left == 1):
            one = part.iloc[i]
            at_risk = (part.start < one.stop) & (one.stop <= part.stop) & (part.home == one.home)
            total += eta[i] - np.log(np.exp(eta[at_risk.to_numpy()]).sum())
        return total

    def top(part: pd.DataFrame) -> float:
        d = part[part.left == 1].groupby(["home", "stop"]).size().to_numpy()
        return -float(np.sum(d * np.log(d)))

    raw = np.empty((4, 3))
    for k in range(4):
        kept = data[data.fold != k].reset_index(drop=True)
        for m, strength in enumerate(strengths):
            choices = {"penalty": "elasticnet", "mix": 0.8, "strength": strength, "ties": "breslow"}
            b = xm.Cox(formula, **choices).fit(spells(kept)).estimate
            missing = (top(data) - value(b, data)) - (top(kept) - value(b, kept))
            raw[k, m] = 2 * missing / data.left[data.fold == k].sum()
    assert path.validation is not None
    assert_allclose(path.validation.raw, raw, rtol=1e-6)
    share = data.groupby("fold").left.sum().to_numpy() / data.left.sum()
    assert_allclose(path.validation.mean, share @ raw, rtol=1e-6)
    assert_allclose(path.validation.se, np.sqrt(share @ (raw - share @ raw) ** 2 / 3), rtol=1e-5)
    assert path.strength_min == path.strengths[np.argmin(path.validation.mean)]
    assert path.strength_1se >= path.strength_min


def test_the_two_conventions_are_one_penalty(rossi: xm.Spells) -> None:
    """strength s on glmnet's scale is n s (n - 1) / n on coxph's, for ridge without factors."""
    n, s = 432, 0.3
    glmnet = xm.Cox(FORMULA, penalty="ridge", strength=s).fit(rossi)
    coxph = xm.Cox(FORMULA, penalty="ridge", strength=(n - 1) * s, convention="coxph").fit(rossi)
    assert_allclose(glmnet.estimate, coxph.estimate, rtol=1e-9)
    assert_allclose(glmnet.covariance, coxph.covariance, rtol=1e-9)


def test_limits_of_the_strength(rossi: xm.Spells) -> None:
    """No strength is no penalty; a huge one leaves nothing, or for a spline a straight line."""
    plain = xm.Cox(FORMULA).fit(rossi)
    for penalty, mix in (("ridge", None), ("lasso", None), ("elasticnet", 0.5)):
        free = xm.Cox(FORMULA, penalty=penalty, strength=0.0, mix=mix).fit(rossi)
        assert_allclose(free.estimate, plain.estimate, rtol=1e-7)
        gone = xm.Cox(FORMULA, penalty=penalty, strength=1e7, mix=mix).fit(rossi)
        assert_allclose(gone.estimate, 0.0, atol=1e-6)
    stiff = xm.Cox("pspline(age, strength=1e9) + fin").fit(rossi)
    line = xm.Cox("age + fin").fit(rossi)
    assert_allclose(stiff.params["fin"], line.params["fin"], rtol=1e-5)
    assert_allclose(stiff.smooth_tests().coef[0], line.params["age"], rtol=1e-5)
    assert_allclose(stiff.df_effective, 2, atol=1e-5)
    loose = xm.Cox("pspline(age, strength=1e-7, segments=4, degree=2) + fin").fit(rossi)
    knots = np.linspace(17, 44, 5)[1:-1].tolist()
    free_spline = xm.Cox(f"bs(age, knots={knots}, degree=2) + fin").fit(rossi)
    assert_allclose(loose.llf, free_spline.llf, rtol=1e-9)
    assert_allclose(loose.params["fin"], free_spline.params["fin"], rtol=1e-6)


# ---- laws ---------------------------------------------------------------------------------------------------------
MODELS = [
    {"penalty": "ridge", "strength": 0.2},
    {"penalty": "lasso", "strength": 0.05},
    {"penalty": "elasticnet", "strength": 0.1, "mix": 0.5, "ties": "breslow"},
]


@pytest.mark.parametrize("choices", MODELS)
def test_row_order_and_copies_change_nothing(choices: dict[str, Any]) -> None:
    data, formula = made(3), "x0 + x1 + x2 + x3 + strata(home) + offset(0.3 * x4)"
    fit = xm.Cox(formula, **choices).fit(spells(data, weight="w"))
    shuffled = data.sample(frac=1, random_state=1)
    again = xm.Cox(formula, **choices).fit(spells(shuffled, weight="w"))
    copies = xm.Cox(formula, **choices).fit(spells(data.loc[data.index.repeat(data.w)]))
    for other in (again, copies):
        assert_allclose(other.estimate, fit.estimate, rtol=1e-7, atol=1e-10)
        assert_allclose(other.llf, fit.llf, rtol=1e-10)
        assert_allclose(other.df_effective, fit.df_effective, rtol=1e-7)
        new = data.head(3)
        ours, theirs = fit.predict_survival(new), other.predict_survival(new)
        assert_allclose(theirs.estimate, ours.estimate, rtol=1e-7)
        assert_allclose(theirs.se, ours.se, rtol=1e-6)


def test_copies_change_no_smooth_term() -> None:
    data, formula = made(3), "pspline(x0, df=3) + x1 + strata(home)"
    fit = xm.Cox(formula).fit(spells(data, weight="w"))
    copies = xm.Cox(formula).fit(spells(data.loc[data.index.repeat(data.w)]))
    assert_allclose(copies.smooth_effect(), fit.smooth_effect(), rtol=1e-6, atol=1e-8)
    assert_allclose(fit.term_df["pspline(x0)"], 3.0, rtol=1e-7)


@pytest.mark.parametrize("formula", ["x0 + x1 + x2", "pspline(x0, df=3) + x1"])
def test_cutting_spells_changes_nothing_when_columns_are_penalised_as_given(formula: str) -> None:
    whole = spells(made(4))
    choices = {} if "pspline" in formula else {"penalty": "ridge", "strength": 3.0, **PLAIN}
    one, two = xm.Cox(formula, **choices).fit(whole), xm.Cox(formula, **choices).fit(whole.split([3, 6]))
    assert_allclose(two.llf, one.llf, rtol=1e-9)
    assert_allclose(two.params["x1"], one.params["x1"], rtol=1e-7)
    assert_allclose(two.bse["x1"], one.bse["x1"], rtol=1e-7)


def test_a_new_unit_of_a_column_changes_only_its_coefficient() -> None:
    data = made(5)
    scaled = data.assign(x0=data.x0 * 1000.0 + 5, x1=data.x1 * 1e-6)
    for choices in MODELS:
        one = xm.Cox("x0 + x1 + x2", **choices).fit(spells(data))
        two = xm.Cox("x0 + x1 + x2", **choices).fit(spells(scaled))
        assert_allclose(two.estimate * [1000, 1e-6, 1], one.estimate, rtol=1e-6, atol=1e-9)
    one, two = (xm.Cox("pspline(x0) + x2").fit(spells(d)) for d in (data, scaled))
    assert_allclose(two.smooth_effect().effect, one.smooth_effect().effect, rtol=1e-6, atol=1e-8)


def test_robust_and_cluster_variance_put_the_middle_between_penalised_inverses() -> None:
    data = made(6)
    held = spells(data, cluster="town")
    fit = xm.Cox("x0 + x1 + x2", penalty="ridge", strength=0.1, vcov="cluster").fit(held)
    assert fit.vcov == "cluster"
    scores = fit.residuals("score").to_numpy()
    sums = pd.DataFrame(scores).groupby(data.town.to_numpy()).sum().to_numpy()
    assert_allclose(fit.covariance, fit.model_covariance @ sums.T @ sums @ fit.model_covariance, rtol=1e-8)
    weighted = xm.Cox("x0 + x1", penalty="ridge", strength=0.1).fit(spells(data, weight="w", weights="sampling"))
    assert weighted.vcov == "robust"
    boot = fit.with_vcov("bootstrap", cluster="town", n=60, rng=1)
    assert_allclose(boot.bse, fit.bse, rtol=0.5)  # 60 samples of 25 clusters
    tight = xm.Cox("x0 + x1 + x2", penalty="ridge", strength=50.0).fit(held).with_vcov("bootstrap", n=30, rng=1)
    assert tight.bse.max() < 0.01  # samples are refitted with the penalty, not without


def test_the_bootstrap_of_a_firth_fit_is_finite_where_the_plain_one_is_not() -> None:
    data = xm.Spells(exit=[1, 2, 3, 4, 5, 6, 7, 8], event=[1] * 8, covariates={"x": [1, 1, 1, 1, 0, 0, 0, 0]})
    fit = xm.Cox("x", penalty="firth").fit(data).with_vcov("bootstrap", n=40, rng=2)
    assert 0.2 < fit.bse["x"] < 5


# ---- what comes back ----------------------------------------------------------------------------------------------
def test_after_a_lasso_limits_are_refused_with_what_to_do(rossi: xm.Spells) -> None:
    fit = xm.Cox(FORMULA, penalty="lasso", strength=0.02).fit(rossi)
    for ask in (fit.conf_int, fit.wald_test, fit.cov_params, fit.profile_limits, lambda: fit.with_vcov("robust")):
        with pytest.raises(xm.DataError) as caught:
            ask()
        assert caught.value.code in ("no-limits", "profile")
    with pytest.raises(xm.DataError, match="debiased"):
        fit.conf_int()
    assert fit.bse.isna().all()
    assert fit.pvalues.isna().all()
    assert "No standard errors" in str(fit)
    assert 0 < len(fit.active) < 7
    assert fit.df_effective == len(fit.active)
    assert list(fit.tidy().columns) == list(xm.Cox("fin").fit(rossi).tidy().columns)
    curve = fit.predict_survival(xm.datasets.rossi().head(2))
    assert "too narrow" in str(curve)
    assert np.isfinite(curve.at([20, 50]).lower).all()
    for text in (fit.to_latex(), fit.to_markdown(), fit.to_html()):
        assert "paro" not in text
    assert "no limits" in fit.plot().get_xlabel()


def test_the_debiased_fit_is_near_the_unpenalised_one(rossi: xm.Spells) -> None:
    plain = xm.Cox(FORMULA).fit(rossi)
    debiased = xm.Cox(FORMULA, penalty="lasso", strength=0.02).fit(rossi).debiased()
    # a small penalty undone to first order
    assert_allclose(debiased.estimate, plain.estimate, atol=0.1 * plain.standard_errors.max())
    # a small penalty undone to first order
    assert_allclose(debiased.standard_errors, plain.standard_errors, rtol=0.03)
    assert np.isfinite(debiased.conf_int()).all(axis=None)
    assert type(debiased) is type(plain)
    assert debiased.predict_survival(xm.datasets.rossi().head(1)).warnings == ()
    few = xm.Cox(FORMULA, penalty="lasso", strength=0.02).fit(rossi.select(np.arange(60)))
    with pytest.raises(xm.DataError, match="columns for"):
        few.debiased()


def test_a_path_and_its_points(rossi: xm.Spells) -> None:
    path = xm.CoxPath(FORMULA, rng=4).fit(rossi)
    assert path.n_active[0] == 0
    assert np.all(np.diff(path.log_likelihood) >= -1e-9)
    assert path.violation.max() < 1e-7
    point = path.at(path.strengths[20])
    single = xm.Cox(FORMULA, penalty="lasso", strength=path.strengths[20], ties="breslow").fit(rossi)
    assert_allclose(point.estimate, path.coefficients[20], atol=1e-9)
    assert_allclose(single.estimate, path.coefficients[20], atol=1e-9)
    assert_allclose(path.coef(path.strengths[20]), path.coefficients[20])
    between = np.sqrt(path.strengths[20] * path.strengths[21])
    assert_allclose(path.coef(between), path.at(between).estimate)
    assert_allclose(path.coef(), path.chosen.estimate, atol=1e-9)
    assert path.chosen.penalty.strength == path.strength
    assert path.active_sets[0] == ()
    new = xm.datasets.rossi().head(2)
    assert_allclose(path.predict(new), path.chosen.predict(new))
    assert_allclose(path.predict_survival(new).estimate, path.chosen.predict_survival(new).estimate)
    frame = path.to_frame()
    assert frame.aic.idxmin() == int(np.argmin(-2 * path.log_likelihood + 2 * path.df))
    careful = xm.CoxPath(FORMULA, rng=4, choose="1se").fit(rossi)
    assert careful.strength == path.strength_1se
    assert "1se" in str(careful)
    assert "Simon" in path.cite()
    assert path.plot().get_xscale() == "log"
    assert path.plot_cv().get_xlabel().startswith("Strength")


def test_the_same_seed_deals_the_same_folds_and_clusters_stay_whole() -> None:
    data = made(7)
    held = spells(data, cluster="town")
    one, two = (xm.CoxPath("x0 + x1 + x2", rng=9, folds=5).fit(held) for _ in range(2))
    assert_allclose(one.validation.raw, two.validation.raw)
    fold = pd.Series(one.validation.fold)
    assert (fold.groupby(data.town.to_numpy()).nunique() == 1).all()
    by_formula = xm.CoxPath("x0 + x1 + x2 + cluster(town)", rng=9, folds=5).fit(spells(data))
    assert_allclose(by_formula.validation.raw, one.validation.raw)


def test_more_columns_than_exits() -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(size=(70, 150))
    stay = rng.exponential(np.exp(-1.2 * x[:, 0] + x[:, 1]))
    data = pd.DataFrame(x, columns=[f"g{j}" for j in range(150)]).assign(t=stay, e=rng.random(70) < 0.8)
    held = xm.Spells.from_frame(data, exit="t", event="e")
    formula = " + ".join(c for c in data if c.startswith("g"))
    path = xm.CoxPath(formula, rng=1, folds=5).fit(held)
    assert {"g0", "g1"} <= set(path.chosen.active)
    assert len(path.chosen.active) < 70
    assert path.deviance_ratio[:-1].max() < 0.99
    ridge = xm.CoxPath(formula, rng=1, folds=3, mix=0.0, n_strengths=8, ratio=0.1).fit(held)
    assert ridge.violation.max() < 1e-6
    assert ridge.chosen.df_effective < 70


def test_levels_of_a_factor_and_their_penalty_factors(rossi: xm.Spells) -> None:
    data = xm.datasets.rossi().assign(band=lambda d: np.array(list("abcd"))[d.age % 4])
    held = xm.Spells.from_frame(data, exit="week", event="arrest")
    free = xm.Cox("band + fin + prio", penalty="lasso", strength=5.0, penalty_factors={"band": 0}).fit(held)
    assert free.active == ("band[T.b]", "band[T.c]", "band[T.d]")
    assert_allclose(free.estimate[:3], xm.Cox("band").fit(held).estimate, rtol=1e-6)
    out = xm.Cox("band + fin + prio", penalty="ridge", strength=0.01, penalty_factors={"prio": np.inf})
    with pytest.raises(xm.DataError, match="infinite"):
        out.fit(held)
    gone = xm.Cox("band + fin + prio", penalty="lasso", strength=0.0, penalty_factors={"prio": np.inf}).fit(held)
    assert gone.params["prio"] == 0


def test_paths_of_covariates_influence_and_comparison() -> None:
    data = made(9)
    held = spells(data)
    lasso = xm.Cox("x0 + x1 + x2", penalty="lasso", strength=0.08).fit(held)
    ridge = xm.Cox("x0 + x1 + x2", penalty="ridge", strength=0.08).fit(held)
    smooth = xm.Cox("pspline(x0, df=3) + x1").fit(held)
    new = pd.DataFrame({"start": [0, 4], "stop": [4, 30], "x0": [1.0, 1.0], "x1": [0.0, 0.0], "x2": [0.5, 0.5]})
    for fit in (lasso, ridge, smooth):
        path, curve = fit.predict_path(new), fit.predict_survival(new.head(1))
        assert_allclose(path.estimate, curve.estimate)
        assert_allclose(path.se, curve.se)
        with pytest.raises(xm.DataError, match="penalised"):
            fit.anova()
    assert "too narrow" in lasso.predict_path(new).warnings[-1]
    assert np.isfinite(ridge.influence().to_numpy()).all()
    with pytest.raises(xm.DataError, match="after a lasso"):
        lasso.influence()


# ---- smooth terms -------------------------------------------------------------------------------------------------
def test_new_rows_beyond_the_range_and_a_range_of_ones_own(rossi: xm.Spells) -> None:
    fit = xm.Cox("pspline(age, df=3) + fin").fit(rossi)
    lp = fit.predict({"age": [44, 50, 56], "fin": [0, 0, 0]})
    assert_allclose(lp[2] - lp[1], lp[1] - lp[0])
    effect = fit.smooth_effect("age", at=[44, 50, 56])
    assert_allclose(np.diff(effect.effect), np.diff(lp))
    assert np.all(np.diff(effect.se) > 0)
    wider = xm.Cox("pspline(age, df=3, range=(15, 50)) + fin").fit(rossi)
    assert wider.penalty.smooths[0].low == 15
    assert_allclose(wider.term_df["pspline(age)"], 3)
    assert_allclose(wider.llf, fit.llf, rtol=1e-5)
    far = xm.Cox("pspline(age, strength=10, range=(10, 200)) + fin").fit(rossi)  # most functions meet no row
    # other knots: near, not the same
    assert_allclose(far.params["fin"], fit.params["fin"], rtol=0.05)
    mean = np.average(fit.smooth_effect("age", at=xm.datasets.rossi().age).effect)
    assert_allclose(mean, 0.0, atol=1e-10)


def test_a_curved_effect_is_found_and_a_straight_one_is_left_straight() -> None:
    rng = np.random.default_rng(11)
    x, z = rng.uniform(-2, 2, 800), rng.uniform(-2, 2, 800)
    stay = rng.exponential(np.exp(-np.sin(2 * x) - 0.5 * z))
    held = xm.Spells(exit=np.minimum(stay, 3), event=stay < 3, covariates={"x": x, "z": z})
    for df in ('"aic"', '"reml"', "5"):
        fit = xm.Cox(f"pspline(x, df={df}) + pspline(z, df={df})").fit(held)
        effect = fit.smooth_effect("x", at=np.linspace(-1.8, 1.8, 30))
        truth = np.sin(2 * effect.x)
        truth -= np.mean(np.sin(2 * x))
        assert np.mean((effect.low < truth) & (truth < effect.high)) > 0.8
        tests = fit.smooth_tests().set_index(["term", "part"]).p
        assert tests["pspline(x)", "nonlinear"] < 1e-6
        assert tests["pspline(z)", "nonlinear"] > 0.01
        if df != "5":
            assert fit.term_df["pspline(x)"] > 3.5
            assert fit.term_df["pspline(z)"] < 3.5


def test_smooth_terms_in_tables_and_figures(rossi: xm.Spells) -> None:
    fit = xm.Cox("pspline(age) + fin + strata(mar)").fit(rossi)
    assert "pspline(age), nonlinear" in str(fit)
    assert "[2]" not in str(fit)
    assert "pspline(age), linear" in fit.to_latex()
    assert fit.tidy().term.tolist() == ["fin", "pspline(age), linear", "pspline(age), nonlinear"]
    assert "df" in fit.plot_smooth("age").get_title(loc="left")
    assert [t.get_text() for t in fit.plot().get_yticklabels()] == ["fin"]
    assert "Eilers" in fit.cite()
    with pytest.raises(xm.DataError, match="no smooth term"):
        fit.plot_smooth("fin")
    mixed = xm.Cox("pspline(age) + fin + prio", penalty="ridge", strength=0.05).fit(rossi)
    assert abs(mixed.params["prio"]) < abs(xm.Cox("pspline(age) + fin + prio").fit(rossi).params["prio"])


def test_saved_results_come_back_and_predict(rossi: xm.Spells, tmp_path: Path) -> None:
    data = xm.datasets.rossi()
    fits = [
        xm.Cox("pspline(age) + C(fin) + strata(mar)").fit(rossi),
        xm.Cox(FORMULA, penalty="lasso", strength=0.02).fit(rossi),
        xm.CoxPath(FORMULA, rng=2, n_strengths=20).fit(rossi),
    ]
    for fit in fits:
        fit.save(tmp_path / "fit.json")
        back = xm.load(tmp_path / "fit.json")
        assert str(back) == str(fit)
        ours, theirs = (f.predict_survival(data.head(3)).to_frame() for f in (fit, back))
        pd.testing.assert_frame_equal(ours, theirs)
    with pytest.raises(xm.DataError, match="saved result"):
        back.at(0.0123)
    assert_allclose(back.coef(back.strengths[3]), fits[2].coefficients[3])


# ---- bad input ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"penalty": "ridge"}, "needs a strength"),
        ({"penalty": "lasso", "strength": -1}, "needs a strength"),
        ({"penalty": "elasticnet", "strength": 1}, "not between 0 and 1"),
        ({"penalty": "ridge", "strength": 1, "mix": 0.5}, "belongs to"),
        ({"penalty": "lasso", "strength": 1, "ties": "exact"}, "does not go with a penalty"),
        ({"penalty": "lasso", "strength": 1, "vcov": "robust"}, "no covariance to choose"),
        ({"penalty": "ridge", "strength": 1, "convention": "sas"}, "glmnet, coxph"),
        ({"penalty": "ridge", "strength": 1, "penalty_factors": {"height": 2}}, "not a column"),
        ({"penalty": "ridge", "strength": 1, "penalty_factors": {"fin": -2}}, "negative"),
        ({"penalty": "ridge", "strength": 1, "penalty_factors": {"fin": 0, "age": 0}}, "zero or infinite"),
        ({"penalty": "ridge", "strength": 1, "time_varying": {"fin": "log"}}, "do not go together"),
        ({"penalty": "bridge"}, "is not known"),
    ],
)
def test_choices_that_make_no_sense(rossi: xm.Spells, choices: dict[str, Any], words: str) -> None:
    with pytest.raises(xm.DataError, match=words):
        xm.Cox("fin + age", **choices).fit(rossi)


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("pspline(age, df=0.5)", "df is a number above"),
        ("pspline(age, df=30, segments=5)", "df is a number above"),
        ("pspline(age, strength=-1)", "strength is above 0"),
        ("pspline(age, strength=1, df=3)", "both df and strength"),
        ("pspline(age, segments=2)", "segments"),
        ("pspline(age, knots=3)", "not known"),
        ("pspline(age, range=(50, 10))", "low below high"),
        ("pspline(age) + pspline(age, df=3)", "twice"),
        ("pspline(log(age))", "cannot be read"),
        ("fin - pspline(age)", "subtracted"),
        ("pspline(age):fin", "cannot be read"),
        ("pspline(height)", "not a column"),
        ("pspline(age) + age", "say the same"),
    ],
)
def test_smooth_terms_that_make_no_sense(rossi: xm.Spells, formula: str, words: str) -> None:
    with pytest.raises(xm.DataError, match=words):
        xm.Cox(formula).fit(rossi)


def test_smooth_terms_do_not_go_with_text_gaps_selection_or_other_models(rossi: xm.Spells) -> None:
    data = xm.datasets.rossi().assign(town="a", gap=lambda d: d.age.where(d.age > 18))
    held = xm.Spells.from_frame(data, exit="week", event="arrest")
    with pytest.raises(xm.DataError, match="needs numbers"):
        xm.Cox("pspline(town)").fit(held)
    with pytest.raises(xm.DataError, match="missing or infinite"):
        xm.Cox("pspline(gap)").fit(held)
    dropped = xm.Cox("pspline(gap) + fin").fit(xm.Spells.from_frame(data, exit="week", event="arrest", missing="drop"))
    assert dropped.ledger.n_set_aside == data.gap.isna().sum()
    for penalty in ("lasso", "firth"):
        with pytest.raises(xm.DataError, match="do not go together"):
            xm.Cox("pspline(age) + fin", penalty=penalty, strength=1.0).fit(rossi)
    with pytest.raises(xm.DataError, match="its own penalty"):
        xm.CoxPath("pspline(age) + fin", rng=1).fit(rossi)
    with pytest.raises(xm.DataError, match="Test the fit without the penalty"):
        xm.Cox("pspline(age)").fit(rossi).ph_test()


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({}, "rng= was not given"),
        ({"rng": 1, "folds": 1}, "folds=1"),
        ({"rng": 1, "folds": 5000}, "folds=5000"),
        ({"rng": 1, "mix": 1.5}, "not between 0 and 1"),
        ({"rng": 1, "choose": "best"}, "min or 1se"),
        ({"rng": 1, "ties": "exact"}, "breslow or efron"),
        ({"rng": 1, "strengths": [0.1, -1]}, "negative"),
        ({"rng": 1, "ratio": 2}, "ratio=2"),
        ({"folds": "arrest"}, "fold holds every exit"),
    ],
)
def test_paths_that_make_no_sense(rossi: xm.Spells, choices: dict[str, Any], words: str) -> None:
    with pytest.raises(xm.DataError, match=words):
        xm.CoxPath("fin + age", **choices).fit(rossi)


def test_constant_and_dependent_columns(rossi: xm.Spells) -> None:
    data = xm.datasets.rossi().assign(one=1.0, twice=lambda d: 2 * d.age)
    held = xm.Spells.from_frame(data, exit="week", event="arrest")
    with pytest.raises(xm.DataError, match="one is constant"):
        xm.Cox("one + age", penalty="ridge", strength=0.1).fit(held)
    kept = xm.Cox("one + age", penalty="ridge", strength=0.1, collinear="drop").fit(held)
    assert kept.names == ("age",)
    assert "constant" in kept.warnings[0]
    both = xm.Cox("age + twice", penalty="ridge", strength=0.1).fit(held)
    assert_allclose(both.estimate[0], 2 * both.estimate[1], rtol=1e-6)
    with pytest.raises(xm.DataError, match="no penalty chooses"):
        xm.Cox("age + twice + fin", penalty="lasso", strength=0.1, penalty_factors={"age": 0, "twice": 0}).fit(held)
    path = xm.CoxPath("age + twice + fin", folds=None).fit(held)
    assert path.converged
    nobody = xm.Spells(exit=[1, 2, 3], event=[0, 0, 0], covariates={"x": [1, 2, 3]})
    with pytest.raises(xm.DataError, match="Nobody left"):
        xm.CoxPath("x", folds=None).fit(nobody)
    window = xm.Spells(exit=[1, 2, 3], left_limit=[0, 0, 0], right_limit=[9, 9, 9], covariates={"x": [1, 2, 3]})
    with pytest.raises(xm.SchemeError):
        xm.Cox("x", penalty="ridge", strength=1).fit(window)
