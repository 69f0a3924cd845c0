"""Lags in discrete time with a share that never leaves: closed forms, other models at the limit, laws, bad input."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from scipy.special import expit, logit
from scipy.stats import chi2

import exitmodels as xm

LONG = 400


def long_watched(n_open: int = 4) -> xm.Spells:
    """Lags 1, 1, 1, 2, 2, 3 and some items watched so long that they can only be of those that never leave."""
    exit = [1, 1, 1, 2, 2, 3] + [LONG] * n_open
    return xm.Spells(exit=exit, event=[1] * 6 + [0] * n_open)


def world(n: int = 400, seed: int = 0, watch: int = 15) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    w, x = rng.integers(0, 2, n), rng.normal(size=n)
    lag = rng.geometric(expit(-0.5 + 0.5 * x))
    watched = rng.integers(1, watch, n)
    left = (rng.random(n) < expit(0.3 - 1.0 * w)) & (lag <= watched)
    return pd.DataFrame(
        {"exit": np.where(left, lag, watched), "left": left, "w": w, "x": x, "group": rng.integers(0, 30, n)}
    )


def spells(data: pd.DataFrame, **more) -> xm.Spells:
    return xm.Spells.from_frame(data, exit="exit", event="left", **more)


def test_closed_forms_when_the_follow_up_is_very_long():
    """Then never = open / n and the geometric hazard is events / lags, each with its binomial variance."""
    fit = xm.DiscreteCure().fit(long_watched())
    never, hazard = 4 / 10, 6 / 10
    assert_allclose(fit.estimate, [logit(never), logit(hazard)], rtol=1e-8)
    variance = [1 / (10 * never * (1 - never)), 1 / (10 * hazard * (1 - hazard))]
    assert_allclose(fit.covariance, np.diag(variance), rtol=1e-7, atol=1e-9)
    value = 4 * np.log(0.4) + 6 * np.log(0.6) + 6 * np.log(0.6) + 4 * np.log(0.4)
    assert_allclose(fit.llf, value, rtol=1e-12)


def test_the_profile_limits_are_those_of_a_binomial_share_then():
    low, high = xm.DiscreteCure().fit(long_watched()).never_fraction().loc[0, ["low", "high"]]

    def drop(p: float) -> float:
        return 2 * (4 * np.log(0.4 / p) + 6 * np.log(0.6 / (1 - p)))

    assert_allclose([drop(low), drop(high)], 3.841458820694124, rtol=1e-7)
    wald = xm.DiscreteCure().fit(long_watched()).never_fraction(method="wald").loc[0, ["low", "high"]]
    half = 1.959963984540054 / np.sqrt(10 * 0.24)
    assert_allclose(wald.astype(float), expit(logit(0.4) + np.array([-half, half])), rtol=1e-8)


def test_the_penalty_adds_half_an_item_to_each_side():
    """Jeffreys' prior of a proportion: never = (open + 1/2) / (n + 1), hazard = (events + 1/2) / (lags + 1)."""
    fit = xm.DiscreteCure(penalty="logf").fit(long_watched())
    assert_allclose(expit(fit.estimate), [4.5 / 11, 6.5 / 11], rtol=1e-8)
    everything_at_once = xm.Spells(exit=[1, 1, 1, LONG, LONG], event=[1, 1, 1, 0, 0])
    with pytest.warns(xm.ConvergenceWarning, match="hazard runs to 1"):
        plain = xm.DiscreteCure().fit(everything_at_once)
    assert not plain.converged
    tamed = xm.DiscreteCure(penalty="logf").fit(everything_at_once)
    assert tamed.converged
    assert_allclose(expit(tamed.estimate), [2.5 / 6, 3.5 / 4], rtol=1e-8)


def test_free_periods_are_the_product_limit_estimate():
    """Without covariates the zero tail gives Kaplan-Meier's curve, and its plateau as the share that never leaves."""
    data = world()
    fit = xm.DiscreteCure(baseline="periods").fit(spells(data))
    km = xm.KaplanMeier().fit(spells(data))
    curve = fit.predict_survival().at(np.arange(1, 15)).estimate
    assert_allclose(curve, km.at(np.arange(1, 15)).estimate, rtol=1e-8)
    assert_allclose(fit.never_fraction().estimate[0], km.estimate[-1], rtol=1e-8)
    assert_allclose(fit.never_bounds()[1], km.estimate[-1], rtol=1e-12)
    assert_allclose(fit.watched.se, km.se[-1], rtol=1e-10)


def test_the_model_without_a_share_that_never_leaves_is_the_discrete_hazard():
    """The null of the boundary test is the ordinary regression on person-periods."""
    s = spells(world())
    for link in ("logit", "cloglog"):
        fit = xm.DiscreteCure("1", "x", link=link).fit(s)
        plain = xm.DiscreteHazard("x", link=link, baseline="1").fit(s)
        test = fit.tests["some never leave"]
        assert_allclose(test.statistic, 2 * (fit.llf - plain.llf), rtol=1e-7)
        assert_allclose(test.pvalue, 0.5 * chi2.sf(test.statistic, 1), rtol=1e-12)


def test_half_a_p_value_at_the_edge():
    """Half the chi-squared tail where the statistic is above zero, 1 where the best fit is at the edge."""
    rng = np.random.default_rng(3)
    lag, watched = rng.geometric(0.25, 300), rng.integers(3, 30, 300)
    all_leave = xm.Spells(exit=np.minimum(lag, watched), event=(lag <= watched).astype(int))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        test = xm.DiscreteCure().fit(all_leave).tests["some never leave"]
    wanted = 0.5 * chi2.sf(test.statistic, 1) if test.statistic > 0 else 1.0
    assert_allclose(test.pvalue, wanted, rtol=1e-12)
    assert test.pvalue > 0.01


def test_a_general_optimiser_finds_the_same_place():
    data = world(300, seed=5)
    w, x, t, left = (data[c].to_numpy(float) for c in ("w", "x", "exit", "left"))

    def minus(theta: np.ndarray) -> float:
        never = expit(theta[0] + theta[1] * w)
        hazard = expit(theta[2] + theta[3] * x)
        stay = (1 - hazard) ** (t - left)
        return -np.sum(np.where(left > 0, np.log((1 - never) * stay * hazard), np.log(never + (1 - never) * stay)))

    found = minimize(minus, np.zeros(4), method="BFGS", options={"gtol": 1e-7})
    fit = xm.DiscreteCure("w", "x").fit(spells(data))
    assert_allclose(fit.llf, -found.fun, rtol=1e-10)
    # BFGS on a numerical gradient stops within about 1e-5 of the top.
    assert_allclose(fit.estimate, found.x, atol=1e-4)


def test_planted_coefficients_are_found():
    fit = xm.DiscreteCure("w", "x").fit(spells(world(2000, seed=1, watch=40)))
    away = (fit.estimate - [-0.3, 1.0, -0.5, 0.5]) / fit.standard_errors
    assert np.abs(away).max() < 3


# ---- laws --------------------------------------------------------------------------------------------------------
def same(a: xm.Spells, b: xm.Spells, model: xm.DiscreteCure | None = None) -> None:
    first, second = ((model or xm.DiscreteCure("w", "x", vcov="robust")).fit(s) for s in (a, b))
    assert_allclose(first.estimate, second.estimate, rtol=1e-7, atol=1e-9)
    assert_allclose(first.covariance, second.covariance, rtol=1e-6, atol=1e-10)
    assert_allclose(first.llf, second.llf, rtol=1e-11)


def test_the_order_of_rows_does_not_matter():
    data = world()
    same(spells(data), spells(data.sample(frac=1, random_state=0)))


def test_weight_two_is_two_rows():
    data = world(200)
    data["weight"] = np.arange(200) % 3 + 1
    repeated = data.loc[data.index.repeat(data["weight"])]
    same(spells(data, weight="weight"), spells(repeated))
    same(
        spells(data, weight="weight", cluster="group"),
        spells(repeated, cluster="group"),
        xm.DiscreteCure("w", vcov="cluster"),
    )
    a, b = (xm.DiscreteCure("w").fit(s) for s in (spells(data, weight="weight"), spells(repeated)))
    assert a.watched == b.watched
    assert a.nobs == b.nobs
    item = {"w": [1]}
    assert_allclose(a.never_fraction(item).iloc[0, 1:], b.never_fraction(item).iloc[0, 1:], rtol=1e-6)


def test_sampling_weights_change_scale_and_nothing_else():
    data = world(200)
    data["weight"] = np.random.default_rng(0).random(200) + 0.5
    data["heavy"] = 7 * data["weight"]
    a, b = (xm.DiscreteCure("w").fit(spells(data, weight=name, weights="sampling")) for name in ("weight", "heavy"))
    assert a.vcov == "robust"
    assert_allclose(a.estimate, b.estimate, rtol=1e-7)
    assert_allclose(a.covariance, b.covariance, rtol=1e-6)


def test_cutting_a_spell_in_two_changes_nothing():
    """(0, 9] is (0, 3] and then (3, 9] given still out at 3: late entry is conditioned on."""
    data = world()
    whole = spells(data)
    cut = whole.split([3, 6])
    assert len(cut) > len(whole)
    a, b = (xm.DiscreteCure("w", "x", baseline="log(period)").fit(s) for s in (whole, cut))
    assert_allclose(a.estimate, b.estimate, rtol=1e-6, atol=1e-8)
    assert_allclose(a.llf, b.llf, rtol=1e-11)
    clustered = b.with_vcov("cluster").covariance
    assert_allclose(clustered, a.with_vcov("robust").covariance, rtol=1e-5, atol=1e-9)


def test_delayed_entry_is_no_bias():
    data = world(3000, seed=2)
    late = data[(data.index % 2 == 0) | (data["exit"] > 2)].copy()
    late["entry"] = np.where(late.index % 2 == 0, 0, 2)
    fit = xm.DiscreteCure("w", "x").fit(spells(late, entry="entry"))
    away = (fit.estimate - [-0.3, 1.0, -0.5, 0.5]) / fit.standard_errors
    assert np.abs(away).max() < 3


def test_units_of_a_covariate_rescale_its_coefficient_only():
    data = world()
    data["big"] = 1000 * data["x"] + 5e4
    a, b = (xm.DiscreteCure("w", f"{name}").fit(spells(data)) for name in ("x", "big"))
    assert_allclose(a.llf, b.llf, rtol=1e-10)
    assert_allclose(a.params["lag: x"], 1000 * b.params["lag: big"], rtol=1e-6)
    assert_allclose(a.params[["never: Intercept", "never: w"]], b.params[["never: Intercept", "never: w"]], rtol=1e-6)


# ---- predictions -------------------------------------------------------------------------------------------------
def test_the_next_issue_by_hand():
    """N = share never, h = hazard: after c issues without it, (1 - N) h (1 - h)^c / (N + (1 - N) (1 - h)^c)."""
    fit = xm.DiscreteCure().fit(long_watched())
    never, hazard = 0.4, 0.6
    waited = np.arange(4)
    out = (1 - never) * (1 - hazard) ** waited
    wanted = out * hazard / (never + out)
    found = fit.predict_next(waited=waited)
    assert_allclose(found.chance[:-1], wanted, rtol=1e-7)
    assert_allclose(found.at_least_one, 1 - np.prod(1 - wanted), rtol=1e-7)
    assert_allclose(found.expected, wanted.sum(), rtol=1e-7)
    two = fit.predict_next(waited=[1], issues=2).chance[0]
    assert_allclose(two, 1 - (1 - wanted[1]) * (1 - wanted[2]), rtol=1e-7)


def test_delta_errors_of_the_next_issue_agree_with_numerical_ones():
    s = spells(world())
    fit = xm.DiscreteCure("w", "x", baseline="log(period)").fit(s)
    item = {"w": [1, 0], "x": [0.3, -1.0]}
    found, step = fit.predict_next(item, waited=[0, 2]), 1e-6
    slopes = []
    for j in range(len(fit.estimate)):
        moved = [
            fit.with_covariance(fit.covariance, "model", estimate=fit.estimate + sign * step * np.eye(5)[j])
            for sign in (1, -1)
        ]
        up, down = (m.predict_next(item, waited=[0, 2]).chance for m in moved)
        slopes.append((up - down) / (2 * step))
    g = np.array(slopes).T
    assert_allclose(found.se, np.sqrt(np.einsum("ip,pq,iq->i", g, fit.covariance, g)), rtol=1e-5)


def test_open_items_of_the_fit_are_asked_by_default():
    fit = xm.DiscreteCure("w").fit(spells(world(60)))
    found = fit.predict_next()
    assert len(found.names) == 1 + int((~world(60)["left"]).sum())
    frame = found.tidy()
    assert frame["low"].between(0, frame["estimate"]).all()
    assert (frame["high"] >= frame["estimate"]).all()


def test_curves_end_where_the_share_says():
    fit = xm.DiscreteCure("w", "x").fit(spells(world()))
    curve = fit.predict_incidence({"w": [1], "x": [0.0]}, periods=200)
    assert_allclose(curve.estimate[-1], 1 - fit.predict({"w": [1], "x": [0.0]}).iloc[0], rtol=1e-8)
    assert np.all(np.diff(curve.estimate) >= 0)
    limits = curve.conf_int().to_numpy()
    assert np.all((limits[:, 0] <= curve.estimate) & (curve.estimate <= limits[:, 1]))


def test_profile_limits_at_a_covariate_pattern_hold_their_definition():
    """Refit with the coefficient held by an offset: the likelihood has fallen by half the quantile."""
    data = world()
    fit = xm.DiscreteCure("w", "x").fit(spells(data))
    low = fit.never_fraction({"w": [1], "x": [0.0]}).low[0]
    # With v(1) = u fixed, v(w) = u - beta (1 - w): offset u and a column that is zero at w = 1.
    x, t, left, w = (data[c].to_numpy(float) for c in ("x", "exit", "left", "w"))

    def minus(theta: np.ndarray) -> float:
        never = expit(logit(low) + theta[0] * (w - 1))
        hazard = expit(theta[1] + theta[2] * x)
        stay = (1 - hazard) ** (t - left)
        return -np.sum(np.where(left > 0, np.log((1 - never) * stay * hazard), np.log(never + (1 - never) * stay)))

    held = minimize(minus, np.zeros(3), method="BFGS", options={"gtol": 1e-8})
    # The numerical gradient of BFGS limits the value to about 1e-7.
    assert_allclose(2 * (fit.llf + held.fun), 3.841458820694124, rtol=1e-5)


def test_a_saved_fit_predicts_and_says_what_it_lacks(tmp_path):
    fit = xm.DiscreteCure("w", "x", baseline="log(period)").fit(spells(world()))
    fit.save(tmp_path / "fit.json")
    again = xm.load(tmp_path / "fit.json")
    item = {"w": [1], "x": [0.5]}
    assert_allclose(again.predict_next(item, waited=20).chance, fit.predict_next(item, waited=20).chance, rtol=1e-12)
    assert_allclose(
        again.never_fraction(item, method="wald").iloc[0, 1:], fit.never_fraction(item, method="wald").iloc[0, 1:]
    )
    for ask in (again.never_fraction, again.predict_next, again.omission_evidence):
        with pytest.raises(xm.DataError):
            ask()
    with pytest.raises(xm.DataError, match="Another variance"):
        again.with_vcov("robust")


def test_everything_prints():
    fit = xm.DiscreteCure("w", "x").fit(spells(world()))
    text = str(fit)
    for words in ("watched beyond the longest lag", "some never leave", "only known to lie between 0 and"):
        assert words in text
    assert "never: w" in fit.to_latex()
    assert "Farewell" in fit.cite()
    assert fit.plot() is not None
    assert xm.DiscreteCure().fit(long_watched()).plot() is not None
    assert "at least one" in str(fit.predict_next({"w": [1], "x": [0.0]}))
    assert fit.predict_next({"w": [1], "x": [0.0]}).plot() is not None
    assert fit.follow_up["longest lag"] == fit.watched.longest_lag
    assert fit.df_model == 2


# ---- what is not identified --------------------------------------------------------------------------------------
def test_a_follow_up_that_is_too_short_is_said_and_bounded():
    short = xm.Spells(exit=[1, 1, 2, 2, 3, 3, 3, 2, 1], event=[1, 1, 1, 1, 1, 0, 0, 0, 0])
    with pytest.warns(xm.DataWarning, match="Nothing was watched beyond the longest lag, 3"):
        fit = xm.DiscreteCure(penalty="logf").fit(short)
    bounds = fit.never_bounds()
    assert bounds[0] == 0
    km = xm.KaplanMeier().fit(short)
    assert_allclose(bounds[1], km.estimate[-1])
    assert_allclose(bounds[2], km.conf_int(transform="log-log").to_numpy()[-1, 1], rtol=1e-8)
    with pytest.raises(xm.IdentificationError, match="only known to lie between 0 and"):
        xm.DiscreteCure(baseline="periods").fit(short)


def test_an_estimate_at_the_edge_is_named_and_has_an_upper_limit():
    lags = [1] * 50 + [2] * 25 + [3] * 12 + [4] * 6 + [5] * 3
    everyone = xm.Spells(exit=[*lags, 6, 3, 2], event=[1] * len(lags) + [0] * 3)
    with pytest.warns(xm.ConvergenceWarning, match="no share that never leaves"):
        fit = xm.DiscreteCure().fit(everyone)
    assert not fit.converged
    row = fit.never_fraction().loc[0]
    assert row["estimate"] < 1e-4
    assert row["low"] == 0
    assert 0 < row["high"] < 0.06
    assert fit.tests["some never leave"].statistic == pytest.approx(0.0, abs=1e-6)


def test_separation_is_named_and_the_penalty_ends_it():
    data = world(80, seed=4)
    data["notice"] = (~data["left"] & (data.index % 3 == 0)).astype(int)
    with pytest.warns(xm.ConvergenceWarning, match="coefficient of never: notice"):
        fit = xm.DiscreteCure("notice").fit(spells(data))
    assert not fit.converged
    tamed = xm.DiscreteCure("notice", penalty="logf").fit(spells(data))
    assert tamed.converged
    assert 0 < tamed.params["never: notice"] < 12


# ---- bad input ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("change", "model", "code"),
    [
        ({"event": [0, 0, 0, 0]}, {}, "no-events"),
        ({"event": [1, 1, 1, 1]}, {}, "no-open"),
        ({"exit": [1, 2.5, 3, 9]}, {}, "periods"),
        ({}, {"link": "probit"}, "link"),
        ({}, {"penalty": "ridge"}, "penalty"),
        ({}, {"vcov": "hac"}, "vcov"),
        ({}, {"vcov": "cluster"}, "no-cluster"),
        ({}, {"never": "x + same"}, "collinear"),
        ({}, {"never": "x + z", "lag": "x"}, "few-events"),
        ({}, {"never": "strata(x)"}, "formula"),
        ({"exit": [9], "event": [1]}, {}, "one-row"),
    ],
)
def test_bad_input_is_refused(change, model, code):
    given = {"exit": [1, 2, 9, 9], "event": [1, 1, 0, 0], **change}
    n = len(given["exit"])
    columns = {"x": [1, 0, 1, 0][:n], "same": [3, 2, 3, 2][:n], "z": [0, 0, 1, 1][:n]}
    with pytest.raises(xm.DataError) as problem:
        xm.DiscreteCure(**model).fit(xm.Spells(**given, covariates=columns))
    assert problem.value.code == code
    assert problem.value.hint


def test_records_of_exits_only_are_refused():
    with pytest.raises(xm.SchemeError, match="DiscreteCure"):
        xm.DiscreteCure().fit(xm.Spells(exit=[1, 2], right_limit=[3, 3]))


def test_bad_questions_are_refused():
    fit = xm.DiscreteCure("w").fit(spells(world(60)))
    asks = [
        (lambda: fit.never_fraction(), "new"),
        (lambda: fit.never_fraction({"w": [1]}, method="exact"), "method"),
        (lambda: fit.predict_next({"w": [1]}, waited=1.5), "waited"),
        (lambda: fit.predict_next({"w": [1]}, issues=0), "issues"),
        (lambda: fit.predict_incidence({"w": [1]}, periods=0), "periods"),
        (lambda: fit.with_vcov("hac"), "vcov"),
    ]
    for ask, code in asks:
        with pytest.raises(xm.DataError) as problem:
            ask()
        assert problem.value.code == code


# ---- lags from issues --------------------------------------------------------------------------------------------
def test_lags_from_dates_and_from_numbers_agree():
    """Issues on days 10, 40, 70; two days of lead: an item of day 7 can be in the first, one of day 8 in the second."""
    issues = ["2016-01-10", "2016-02-09", "2016-03-10"]
    items = pd.DataFrame(
        {
            "date": pd.to_datetime(["2016-01-07", "2016-01-08", "2016-01-09", "2016-02-20", "2016-03-09"]),
            "first": [1, 2, 2, 3, 4],
            "in": [1, None, 3, None, None],
            "paper": ["a", "a", "b", "b", "b"],
        }
    )
    by_date = xm.reprint_lags(items, reappeared="in", published="date", issues=issues, lead=2, cluster="paper")
    by_number = xm.reprint_lags(items, reappeared="in", first="first", last=3)
    for found in (by_date, by_number):
        assert found.exit.tolist() == [1, 2, 2, 1]
        assert found.event.tolist() == [1, 0, 1, 0]
        assert found.ledger.n_set_aside == 1
        assert found.ledger.entries[0].rows == (4,)
        assert found.unit == "issues"
    assert by_date.cluster.tolist() == [0, 0, 1, 1]
    early = xm.reprint_lags(items.iloc[:2], reappeared="in", first="first", last=2)
    assert early.exit.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("columns", "asked", "code"),
    [
        ({"first": [1, 2], "in": [3, None]}, {"first": "first", "last": 2}, "issue-number"),
        ({"first": [2, 2], "in": [1, None]}, {"first": "first", "last": 2}, "issue-number"),
        ({"first": [1.5, 2], "in": [2, None]}, {"first": "first", "last": 2}, "issue-number"),
        ({"first": [None, 2], "in": [2, None]}, {"first": "first", "last": 2}, "missing"),
        ({"first": [1, 2], "in": ["one", None]}, {"first": "first", "last": 2}, "not-numeric"),
        ({"first": [3, 3], "in": [None, None]}, {"first": "first", "last": 2}, "empty"),
        ({"first": [1, 2], "in": [2, None]}, {"first": "first"}, "first"),
        ({"date": ["2016-01-01"] * 2, "in": [1, None]}, {"published": "date", "issues": ["2016-02-01"]}, "date-text"),
    ],
)
def test_bad_items_are_refused(columns, asked, code):
    with pytest.raises(xm.DataError) as problem:
        xm.reprint_lags(pd.DataFrame(columns), reappeared="in", **asked)
    assert problem.value.code == code


def test_issues_must_rise():
    items = {"date": pd.to_datetime(["2016-01-01"]), "in": [1]}
    with pytest.raises(xm.DataError, match="do not rise"):
        xm.reprint_lags(items, reappeared="in", published="date", issues=["2016-02-01", "2016-01-15"])


# ---- the simulated newsletter ------------------------------------------------------------------------------------
def test_the_simulated_newsletter_says_so_and_holds_the_founding_facts():
    world = xm.simulate.newsletter(rng=3)
    assert "SIMULATED DATA" in str(world)
    days = np.array(world.issues, dtype="datetime64[D]")
    assert len(days) == 13
    assert (days[-1] - days[0]).astype(int) == 369
    assert_allclose(np.diff(days).astype(int).mean(), 30.75)
    assert world.frame["newsletter"].max() == 49
    assert np.all(
        np.diff(world.frame.groupby("newsletter")["published"].first()).astype("timedelta64[D]").astype(int) == 7
    )
    assert xm.simulate.newsletter(rng=3).frame.equals(world.frame)
    seen = world.frame["reappeared"].notna()
    assert not world.frame.loc[seen, "planted_never"].any()
    with pytest.raises(xm.DataError, match="makes no world"):
        xm.simulate.newsletter(hazard=0)


def test_the_planted_newsletter_is_found():
    world = xm.simulate.newsletter(per_week=60, rng=5)
    lags = xm.reprint_lags(
        world.frame, reappeared="reappeared", published="published", issues=world.issues, lead=world.truth["lead"]
    )
    fit = xm.DiscreteCure("topic + warns").fit(lags)
    planted = world.truth["never"]
    wanted = [planted[k] for k in ("Intercept", "doctrine", "biography", "notice", "warns")]
    away = (fit.estimate - [*wanted, logit(world.truth["hazard"])]) / fit.standard_errors
    assert np.abs(away).max() < 3
