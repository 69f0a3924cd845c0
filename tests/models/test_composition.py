"""Compositions: closed forms, laws, and what must be refused."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import exitmodels as xm

REASONS = ["a", "b", "c"]


def cells(seed: int = 0, n: int = 18) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    policy = (np.arange(n) >= n - 4).astype(int)
    share = np.array([0.5, 0.3, 0.2]) + np.outer(policy, [0.1, -0.15, 0.05])
    counts = np.array([rng.multinomial(m, p) for m, p in zip(rng.poisson(24, n), share, strict=True)])
    frame = pd.DataFrame(counts, columns=REASONS)
    return frame.assign(policy=policy, t=np.arange(n) / n, days=rng.integers(28, 32, n), post=np.arange(n) % 6)


def records(seed: int = 0, n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, g = rng.standard_normal(n).round(1), rng.integers(0, 2, n)
    u = np.column_stack([0 * x, 0.4 * x, -0.5 + 0.8 * g]) + rng.gumbel(size=(n, 3))
    reason = np.array(REASONS)[u.argmax(axis=1)]
    return pd.DataFrame({"reason": reason, "x": x, "g": g, "w": rng.integers(1, 4, n), "who": rng.integers(0, 60, n)})


def same(one: Any, two: Any, rtol: float = 1e-8) -> None:
    assert one.names == two.names
    assert_allclose(one.estimate, two.estimate, rtol=rtol, atol=1e-10)
    assert_allclose(one.covariance, two.covariance, rtol=rtol, atol=1e-12)


# ---- closed forms ------------------------------------------------------------------------------------------------
def test_a_two_by_two_table_gives_the_log_odds_ratio() -> None:
    fit = xm.Composition("x", reasons=["a", "b"]).fit({"a": [30, 12], "b": [10, 24], "x": [0, 1]})
    assert_allclose(fit.estimate, [np.log(1 / 3), np.log(24 * 30 / (12 * 10))], rtol=1e-10)
    assert_allclose(fit.bse["b: x"] ** 2, 1 / 30 + 1 / 10 + 1 / 12 + 1 / 24, rtol=1e-9)
    assert_allclose(
        fit.llnull,
        fit.llf
        - 0.5
        * fit.lr_test(
            xm.Composition("1", reasons=["a", "b"]).fit({"a": [30, 12], "b": [10, 24], "x": [0, 1]})
        ).statistic,
    )


def test_shares_and_limits_without_terms_are_the_observed_ones() -> None:
    fit = xm.Composition("1", reasons=REASONS).fit({"a": [50], "b": [30], "c": [20]})
    frame = fit.get_prediction().summary_frame().set_index("reason")
    assert_allclose(frame["share"][REASONS], [0.5, 0.3, 0.2], rtol=1e-10)
    assert_allclose(frame["se"][REASONS], np.sqrt(np.array([0.25, 0.21, 0.16]) / 100), rtol=1e-9)
    assert ((frame["low"] > 0) & (frame["high"] < 1)).all()


def test_firth_adds_half_a_record_to_each_cell_without_terms() -> None:
    """Jeffreys' prior of a multinomial is Dirichlet(1/2, ...): the penalised shares are (y + 1/2) / (n + J/2)."""
    fit = xm.Composition("1", reasons=REASONS, penalty="firth").fit({"a": [7], "b": [4], "c": [0]})
    assert_allclose(fit.predict()[REASONS].to_numpy()[0], np.array([7.5, 4.5, 0.5]) / 12.5, rtol=1e-8)


def test_total_and_shares_are_the_poisson_model_of_the_table() -> None:
    """Baker (1994): Poisson counts of each reason are a Poisson total times multinomial shares."""
    data = cells()
    fit = xm.Composition("policy", reasons=REASONS, baseline="a", exposure="days", total=True).fit(data)
    long = data.melt(id_vars=["policy", "days", "t"], value_vars=REASONS, var_name="reason", value_name="n")
    table = xm.Counts.from_table(long, n="n", by="reason", exposure="days", covariates=["policy", "t"])
    poisson = xm.CountRegression("reason * policy").fit(table)
    assert_allclose(fit.llf, poisson.llf, rtol=1e-10)
    ours = fit.effects({"policy": (0, 1)}, at={"t": 0.5})
    rate = ours.names.index("rate ratio: a")
    assert_allclose(ours.estimate[rate], poisson.params["policy"], rtol=1e-7)
    assert_allclose(ours.standard_errors[rate], poisson.bse["policy"], rtol=1e-6)


# ---- effects -----------------------------------------------------------------------------------------------------
def test_effects_hang_together() -> None:
    """Differences add to nothing; at one row a rate ratio is the total's ratio times the share's."""
    fit = xm.Composition("policy + t", reasons=REASONS, exposure="days", total=True, vcov="robust").fit(cells())
    effects = fit.effects({"policy": (0, 1)}, at={"t": 0.9})
    value = dict(zip(effects.names, effects.estimate, strict=True))
    shares = {r: np.log(effects.after[i] / effects.before[i]) for i, r in enumerate(fit.reasons)}
    assert_allclose(sum(value[f"share difference: {r}"] for r in REASONS), 0, atol=1e-14)
    for reason in REASONS:
        assert_allclose(value[f"rate ratio: {reason}"], value["total ratio"] + shares[reason], rtol=1e-10)
    joint = effects.tidy()
    assert ((joint["joint low"] <= joint["low"] + 1e-12) & (joint["joint high"] >= joint["high"] - 1e-12)).all()
    test = effects.test()
    assert test.df == 2
    assert 0 < test.pvalue < 1


@pytest.mark.parametrize("at", [None, {"t": [0.2, 0.8]}])
def test_the_covariance_of_effects_is_the_numerical_delta_method(at: Any) -> None:
    from dataclasses import replace

    fit = xm.Composition("policy + t", reasons=REASONS, exposure="days", total=True).fit(cells())
    effects = fit.effects({"policy": (0, 1)}, at)
    h, slopes = 1e-6, []
    for e in np.eye(len(fit.names)):
        up, down = (replace(fit, estimate=fit.estimate + s * h * e).effects({"policy": (0, 1)}, at) for s in (1, -1))
        slopes.append((up.estimate - down.estimate) / (2 * h))
    matrix = np.array(slopes).T
    assert_allclose(effects.covariance, matrix @ fit.covariance @ matrix.T, rtol=1e-5, atol=1e-10)


def test_the_covariance_of_marginal_effects_is_the_numerical_delta_method() -> None:
    from dataclasses import replace

    fit = xm.Composition("x + I(x**2) + g", reason="reason").fit(records())
    effects, h = fit.marginal_effects("x"), 1e-6
    slopes = []
    for e in np.eye(len(fit.names)):
        up, down = (replace(fit, estimate=fit.estimate + s * h * e).marginal_effects("x") for s in (1, -1))
        slopes.append((up.estimate - down.estimate) / (2 * h))
    matrix = np.array(slopes).T
    assert_allclose(effects.covariance, matrix @ fit.covariance @ matrix.T, rtol=1e-5, atol=1e-12)


# ---- laws --------------------------------------------------------------------------------------------------------
def test_the_baseline_does_not_matter() -> None:
    data = cells()
    one = xm.Composition("policy + t", reasons=REASONS, baseline="a", vcov="robust").fit(data)
    two = xm.Composition("policy + t", reasons=REASONS, baseline="c", vcov="robust").fit(data)
    turned = one.with_baseline("c")
    same(turned, two)
    same(turned.with_vcov("quasi"), two.with_vcov("quasi"))
    shares = [fit.get_prediction().summary_frame().sort_values(["row", "reason"]) for fit in (one, two)]
    for column in ("share", "se", "low", "high"):
        assert_allclose(shares[0][column], shares[1][column], rtol=1e-7)
    for kind in ("clr",):
        views = [fit.log_ratios(kind).sort_values(["ratio", "term"]) for fit in (one, two)]
        assert_allclose(views[0]["estimate"], views[1]["estimate"], rtol=1e-7)
        assert_allclose(views[0]["se"], views[1]["se"], rtol=1e-7)


@pytest.mark.parametrize("extra", [{}, {"penalty": "firth"}, {"family": "dirichlet-multinomial"}])
def test_rows_in_any_order(extra: dict[str, Any]) -> None:
    data = cells(5)
    model = xm.Composition("policy + t", reasons=REASONS, vcov="robust", **extra)
    same(model.fit(data), model.fit(data.sample(frac=1, random_state=1)), 1e-6)


@pytest.mark.parametrize(("vcov", "cluster"), [("model", None), ("robust", None), ("hc1", None), ("cluster", "who")])
def test_weight_three_is_three_rows(vcov: str, cluster: str | None) -> None:
    data = records()
    copies = data.loc[data.index.repeat(data["w"])].reset_index(drop=True)
    model = {"reason": "reason", "vcov": vcov, "cluster": cluster}
    weighted = xm.Composition("x + g", weight="w", **model).fit(data)
    copied = xm.Composition("x + g", **model).fit(copies)
    same(weighted, copied)
    assert_allclose(weighted.llf, copied.llf, rtol=1e-12)
    assert weighted.nobs == copied.nobs


def test_sampling_weights_have_a_robust_variance_that_does_not_know_their_unit() -> None:
    data = records()
    data["v"] = data["w"] * 2.5
    one, two = (xm.Composition("x + g", reason="reason", weight=w, weights="sampling").fit(data) for w in ("w", "v"))
    assert one.vcov == "robust"
    same(one, two)


def test_records_and_their_counts_give_the_same_shares() -> None:
    data = records()
    one = xm.Composition("g", reason="reason").fit(data)
    table = data.groupby(["g", "reason"]).size().unstack(fill_value=0).reset_index()
    two = xm.Composition("g", reasons=REASONS, baseline=one.baseline).fit(table)
    same(one, two)
    assert_allclose(one.llf, two.llf_kernel, rtol=1e-12)


def test_spells_give_their_causes() -> None:
    data = records()
    codes = data["reason"].map({"a": 1, "b": 2, "c": 3}).to_numpy(copy=True)
    codes[:20] = 0
    spells = xm.Spells(exit=np.arange(1, 301), event=codes, causes=REASONS, covariates={"x": data["x"], "g": data["g"]})
    one = xm.Composition("x + g").fit(spells)
    two = xm.Composition("x + g", reason="reason", baseline=one.baseline).fit(data.iloc[20:])
    same(one, two)
    assert one.ledger.n_set_aside == 20


def test_an_offset_moves_one_reason_only() -> None:
    data = cells().assign(shift=0.7)
    plain = xm.Composition("policy", reasons=REASONS, baseline="a").fit(data)
    moved = xm.Composition("policy", reasons=REASONS, baseline="a", offset={"b": "shift"}).fit(data)
    change = moved.params - plain.params
    assert_allclose(change["b: Intercept"], -0.7, rtol=1e-9)
    assert_allclose(change.drop("b: Intercept"), 0, atol=1e-9)
    assert_allclose(moved.predict(), plain.predict(), rtol=1e-9)
    assert_allclose([moved.llf, moved.llnull], [plain.llf, plain.llnull], rtol=1e-10)


def test_without_overdispersion_the_concentration_is_infinite() -> None:
    even = pd.DataFrame({"a": [20, 20, 20, 20], "b": [10, 10, 10, 10], "x": [0, 1, 2, 3]})
    fit = xm.Composition("x", reasons=["a", "b"], family="dirichlet-multinomial").fit(even)
    assert fit.family == "multinomial"
    assert np.isinf(fit.concentration)
    assert "no overdispersion" in fit.warnings[0]
    same(fit, xm.Composition("x", reasons=["a", "b"]).fit(even))


def test_concentration_can_depend_on_columns() -> None:
    rng = np.random.default_rng(4)
    late = np.repeat([0, 1], 150)
    share = [rng.dirichlet(np.array([5, 3, 2]) * c) for c in np.where(late == 1, 10.0, 0.7)]
    data = pd.DataFrame([rng.multinomial(25, s) for s in share], columns=REASONS).assign(late=late)
    fit = xm.Composition("late", reasons=REASONS, family="dirichlet-multinomial", concentration="late").fit(data)
    truth = {"log concentration: Intercept": np.log(7), "log concentration: late": np.log(100 / 7)}
    for name, value in truth.items():
        assert abs(fit.params[name] - value) < 3.5 * fit.bse[name]


def test_a_strong_penalty_leaves_a_straight_line_and_none_any_curve() -> None:
    data = cells(2)
    line = xm.Composition("t", reasons=REASONS).fit(data)
    stiff = xm.Composition("pspline(t, strength=1e9)", reasons=REASONS).fit(data)
    assert_allclose(stiff.predict()[REASONS], line.predict()[REASONS], atol=1e-6)
    # a limit: the penalty is 1e9, not infinite
    assert_allclose(stiff.edf, 4, atol=1e-4)
    wavy = xm.Composition("pspline(t, df=3)", reasons=REASONS).fit(data)
    assert_allclose(wavy.edf, 2 + 2 * 3, atol=1e-6)
    for df in ("'reml'", "'aic'"):
        assert 4 - 1e-3 <= xm.Composition(f"pspline(t, df={df})", reasons=REASONS).fit(data).edf <= 40
    other = xm.Composition("pspline(t, df=3)", reasons=REASONS, baseline="c").fit(data)
    assert_allclose(other.predict()[REASONS], wavy.predict()[REASONS], rtol=1e-8)


# ---- empty cells -------------------------------------------------------------------------------------------------
def test_an_empty_cell_is_named_and_the_penalty_helps() -> None:
    data = {"a": [20, 15], "b": [9, 12], "c": [4, 0], "policy": [0, 1]}
    with pytest.warns(xm.ConvergenceWarning, match="c: policy"):
        fit = xm.Composition("policy", reasons=REASONS).fit(data)
    assert not fit.converged
    firth = xm.Composition("policy", reasons=REASONS, penalty="firth").fit(data)
    assert firth.converged
    assert abs(firth.params["c: policy"]) < 5
    profile, wald = firth.conf_int(method="profile"), firth.conf_int()
    # A saturated table: half a record is added to each cell.
    assert_allclose(firth.params["c: policy"], np.log(0.5 * 20.5 / (4.5 * 15.5)), rtol=1e-8)
    assert profile.loc["c: policy", "low"] < wald.loc["c: policy", "low"]
    assert np.isfinite(profile.to_numpy()).all()


def test_profile_limits_are_where_the_likelihood_has_fallen() -> None:
    """The profile of b's effect in a table of two reasons, by a search over the free intercept."""
    from scipy import optimize

    data = {"a": [30, 12], "b": [10, 24], "x": [0, 1]}
    fit = xm.Composition("x", reasons=["a", "b"], baseline="a").fit(data)
    low, high = fit.conf_int(method="profile").loc["b: x"]

    def best(b: float) -> float:
        def minus(a: float) -> float:
            eta = np.array([a, a + b])
            return float(np.sum([40, 36] * np.logaddexp(0, eta)) - 10 * a - 24 * (a + b))

        return -float(optimize.minimize_scalar(minus, bounds=(-8, 8), method="bounded", options={"xatol": 1e-12}).fun)

    for limit in (low, high):
        assert_allclose(2 * (fit.llf_kernel - best(limit)), 3.841458820694124, rtol=1e-6)


def test_complete_data_do_not_raise_the_alarm() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert xm.Composition("policy + t", reasons=REASONS).fit(cells()).converged


# ---- relabelling -------------------------------------------------------------------------------------------------
def test_relabelling_without_other_terms_is_arithmetic() -> None:
    """Written shares after: a .6, b .2. If a part q of true b wrote a: true a = .6 - .2 q / (1 - q)."""
    data = {"a": [40, 60], "b": [40, 20], "c": [20, 20], "policy": [0, 1]}
    fit = xm.Composition("policy", reasons=REASONS).fit(data)
    found = fit.relabelling({"policy": (0, 1)}, source="b", target="a", q=[0, 0.2, 0.5])
    assert_allclose(found.estimate, 0.2 - 0.2 * found.q / (1 - found.q), atol=1e-7)
    assert_allclose(found.q_gone, 0.5, atol=1e-6)
    assert_allclose(found.q_most, 0.75)
    assert 0 < found.q_unsure < found.q_gone
    assert_allclose(found.se[0], fit.effects({"policy": (0, 1)}).bse["share difference: a"], rtol=1e-6)
    wide = fit.with_vcov("robust")
    assert "gone" in str(found.summary())
    assert found.plot() is not None
    with pytest.raises(xm.DataError, match="between"):
        fit.relabelling({"policy": (0, 1)}, source="b", target="a", q=[0.9])
    assert wide.reasons == fit.reasons


# ---- several reasons in a record ---------------------------------------------------------------------------------
def test_multiple_responses_without_terms_have_the_covariance_of_counts() -> None:
    frame = pd.DataFrame({"reason": ["a; b", "a", "b", "a", "b; c", "a", "c", "a; c"]})
    fit = xm.MultipleResponse("1", reason="reason", small_sample=False).fit(frame)
    named = np.array([[r in text for r in "abc"] for text in frame["reason"]], dtype=float)
    share = named.mean(axis=0)
    slope = np.diag(1 / (share * (1 - share)))
    assert_allclose(fit.predict().to_numpy()[0], share, rtol=1e-10)
    assert_allclose(fit.covariance, slope @ np.cov(named.T, bias=True) @ slope / 8, rtol=1e-8)


@pytest.mark.parametrize(("rule", "expected"), [("all", [5, 3, 3]), ("fractional", [4, 2, 2]), ("first", [5, 2, 1])])
def test_the_rule_for_several_reasons_decides_the_shares(rule: str, expected: list[float]) -> None:
    frame = pd.DataFrame({"reason": ["a; b", "a", "b", "a", "b; c", "a", "c", "a; c"]})
    fit = xm.Composition("1", reason="reason", separator=";", labels=rule, vcov="model").fit(frame)
    assert_allclose(fit.predict()[REASONS].to_numpy()[0], np.array(expected) / sum(expected), rtol=1e-9)
    assert rule in str(fit.ledger)


def test_a_joint_test_of_multiple_responses() -> None:
    rng = np.random.default_rng(8)
    late = rng.integers(0, 2, 200)
    text = [
        "; ".join(r for r, p in zip("abc", (0.7, 0.3 + 0.4 * z, 0.4), strict=True) if rng.random() < p) for z in late
    ]
    frame = pd.DataFrame({"reason": [t or "a" for t in text], "late": late, "who": np.arange(200) // 2})
    fit = xm.MultipleResponse("late", reason="reason", cluster="who").fit(frame)
    test = fit.wald_test("late")
    assert test.df == 3
    assert test.pvalue < 1e-4
    assert fit.vcov == "cluster(who)"
    with pytest.raises(xm.DataError, match="too few"):
        xm.MultipleResponse("late", reason="reason").fit(frame.assign(reason=["a; b"] + ["a"] * 199))


# ---- other programs and other models ---------------------------------------------------------------------------
def test_shares_agree_with_statsmodels() -> None:
    from statsmodels.discrete.discrete_model import MNLogit

    data = records(3)
    fit = xm.Composition("x + g", reason="reason", baseline="a").fit(data)
    matrix = np.column_stack([np.ones(len(data)), data["x"], data["g"]])
    peer = MNLogit(data["reason"].map({"a": 0, "b": 1, "c": 2}), matrix).fit(disp=0, method="newton", tol=1e-12)
    assert_allclose(fit.beta.T, peer.params.to_numpy(), rtol=1e-7)
    assert_allclose(fit.covariance, peer.cov_params().to_numpy(), rtol=1e-6)
    assert_allclose([fit.llf, fit.llnull, fit.aic], [peer.llf, peer.llnull, peer.aic], rtol=1e-10)


def test_proportional_odds_of_two_categories_is_the_logit() -> None:
    data = {"low": [30, 12, 9], "high": [10, 24, 16], "x": [0, 1, 2.5]}
    one = xm.ProportionalOdds("x", order=["low", "high"]).fit(data)
    two = xm.Composition("x", reasons=["low", "high"], baseline="low").fit(data)
    assert_allclose(one.estimate, two.estimate, rtol=1e-9)
    assert_allclose(one.covariance, two.covariance, rtol=1e-8)
    assert_allclose(one.with_vcov("robust").covariance, two.with_vcov("robust").covariance, rtol=1e-8)
    assert_allclose(one.predict({"x": [1.5]}), two.predict({"x": [1.5]}), rtol=1e-9)


def test_log_ratios_of_measured_shares() -> None:
    frame = {"a": [0.2, 0.5], "b": [0.3, 0.25], "c": [0.5, 0.25]}
    clr = xm.log_ratios(frame, REASONS)
    assert_allclose(clr.sum(axis=1), 0, atol=1e-14)
    assert_allclose(xm.log_ratios(frame, REASONS, "alr", baseline="a")["alr: b"], np.log([1.5, 0.5]))
    with pytest.raises(xm.DataError, match="no logarithm"):
        xm.log_ratios({"a": [0, 1], "b": [1, 1]}, ["a", "b"])
    filled = xm.log_ratios({"a": [0, 1], "b": [1, 1]}, ["a", "b"], "alr", zeros=0.5)
    assert_allclose(filled["alr: a"], np.log([1 / 3, 1]))
    assert filled.attrs["zeros"] == 0.5


# ---- results -----------------------------------------------------------------------------------------------------
def test_the_names_of_every_result(tmp_path: Path) -> None:
    fit = xm.Composition("policy + t", reasons=REASONS, exposure="days", total="quasipoisson").fit(cells())
    fit.save(tmp_path / "fit.json")
    loaded = xm.load(tmp_path / "fit.json")
    assert_allclose(loaded.estimate, fit.estimate)
    with pytest.raises(xm.DataError, match="does not hold"):
        loaded.predict()
    assert list(fit.tidy()["column"].unique()) == ["Intercept", "policy", "t"]
    assert "tabular" in fit.to_latex()
    assert "Baker" in fit.cite()
    assert fit.wald_test("policy").df == 2
    assert fit.wald_test().df == 6
    effects = fit.effects({"policy": (0, 1)})
    effects.save(tmp_path / "effects.json")
    assert_allclose(xm.load(tmp_path / "effects.json").covariance, effects.covariance)
    assert "rate ratio" in effects.to_markdown()
    assert effects.plot() is not None
    assert fit.plot(x="t") is not None
    assert fit.plot() is not None
    joint, alone = (fit.get_prediction().summary_frame(simultaneous=s) for s in (True, False))
    assert (joint["high"] > alone["high"]).all()
    assert fit.residuals("pearson").shape == (18, 3)


def test_total_families_and_their_variance() -> None:
    data = cells()
    for family in ("poisson", "quasipoisson", "nb2"):
        fit = xm.Composition("policy", reasons=REASONS, exposure="days", total=family).fit(data)
        alone = xm.CountRegression("policy", family=family).fit(
            xm.Counts.from_table(
                data.assign(n=data[REASONS].sum(axis=1)), n="n", exposure="days", covariates=["policy", "t"]
            )
        )
        assert_allclose(fit.params["total: policy"], alone.params["policy"], rtol=1e-6)
        if family == "poisson":
            assert_allclose(fit.bse["total: policy"], alone.bse["policy"], rtol=1e-7)
            robust = alone.with_vcov("robust")
            assert_allclose(fit.with_vcov("robust").bse["total: policy"], robust.bse["policy"], rtol=1e-7)


# ---- refused -----------------------------------------------------------------------------------------------------
BAD: dict[str, tuple[dict[str, Any], Any, str]] = {
    "no reason": ({}, records(), "Which column"),
    "one reason": ({"reason": "reason"}, records().assign(reason="a"), "one reason only"),
    "unknown baseline": ({"reasons": REASONS, "baseline": "z"}, cells(), "not a reason"),
    "empty reason": ({"reasons": REASONS}, cells().assign(c=0), "never occurs"),
    "negative count": ({"reasons": REASONS}, cells().assign(c=-1), "whole numbers"),
    "fraction": ({"reasons": REASONS}, cells().assign(c=0.5), "whole numbers"),
    "few": ({"reasons": REASONS}, {"a": [1, 0], "b": [0, 1], "c": [1, 0], "policy": [0, 1]}, "3 records for 4"),
    "total of records": ({"reason": "reason", "total": True}, records().assign(policy=0), "no total"),
    "missing reason": ({"reason": "reason"}, records().assign(reason=None), "missing"),
    "quasi of records": ({"reason": "reason", "vcov": "quasi"}, records().assign(policy=records()["g"]), "cells"),
    "no cluster": ({"reasons": REASONS, "vcov": "cluster"}, cells(), "not named"),
    "no dates": ({"reasons": REASONS, "vcov": "hac"}, cells(), "no dates"),
    "labels": ({"reason": "reason", "separator": ";"}, records(), "how a record with two reasons"),
    "weights": ({"reason": "reason", "weight": "x"}, records(), "negative"),
    "constant": ({"reasons": REASONS}, cells().assign(policy=1), "every row"),
    "missing column": ({"reasons": REASONS}, cells().drop(columns="policy"), "not a column"),
    "gap": ({"reasons": REASONS}, cells().assign(policy=np.nan), "missing or infinite"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused(case: str) -> None:
    options, data, words = BAD[case]
    with pytest.raises(xm.DataError, match=words):
        xm.Composition("policy", **options).fit(data)


def test_bad_choices_are_refused() -> None:
    for options in ({"family": "x"}, {"penalty": "ridge"}, {"vcov": "x"}, {"total": "x"}, {"weights": "x"}):
        with pytest.raises(xm.DataError, match="not known"):
            xm.Composition("1", **options)
    with pytest.raises(xm.FormulaError, match="same for every reason"):
        xm.Composition("policy + offset(np.log(days))", reasons=REASONS).fit(cells())
    fit = xm.Composition("policy", reasons=REASONS).fit(cells())
    with pytest.raises(xm.DataError, match="does not use"):
        fit.effects({"t": (0, 1)})
    with pytest.raises(xm.DataError, match="not of the same"):
        fit.lr_test(xm.Composition("1", reasons=REASONS).fit(cells(1)))
    twice = {"n": [1, 2, 3], "reason": ["a", "a", "b"], "x": [0, 0, 0]}
    with pytest.raises(xm.DataError, match="share period"):
        xm.Composition("1").fit(xm.Counts.from_table(twice, n="n", by="reason", covariates=["x"]))
    with pytest.raises(xm.DataError, match="order names"):
        xm.ProportionalOdds("1", order=["a", "b"], reason="reason").fit(records())


def test_a_missing_reason_can_be_set_aside() -> None:
    data = records()
    data.loc[:9, "reason"] = None
    fit = xm.Composition("g", reason="reason", missing="drop").fit(data)
    assert (fit.ledger.n_set_aside, fit.n_events) == (10, 290)
