"""Laws of the estimators under truncation, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import exitmodels as xm


def world(seed: int, n: int = 120) -> dict[str, Any]:
    """Exponential-like whole-day stays with two reasons, seen through a window of 60 days; SIMULATED."""
    rng = np.random.default_rng(seed)
    stay, came = np.ceil(rng.weibull(1.3, 5 * n) * 25), rng.integers(-60, 60, 5 * n)
    seen = np.flatnonzero((came + stay > 0) & (came + stay <= 60))[:n]
    stay, came = stay[seen], came[seen]
    return {
        "exit": stay,
        "left_limit": np.maximum(-came, 0).astype(float),
        "right_limit": 60.0 - came,
        "event": np.where(rng.random(n) < 0.6, "a", "b"),
        "x": rng.integers(0, 2, n),
        "z": rng.normal(size=n),
        "g": rng.integers(0, 2, n),
    }


def spells(data: dict[str, Any], rows: Any = None, **more: Any) -> xm.Spells:
    keep = np.arange(len(data["exit"])) if rows is None else rows
    own = {name: v[keep] for name, v in data.items()}
    columns = {name: own.pop(name) for name in ("x", "z", "g")}
    return xm.Spells(**own, covariates=columns, causes=("a", "b"), censor=[], **more)


KINDS = ("robust", "model", "none")


@pytest.mark.parametrize("variance", KINDS)
@pytest.mark.parametrize("kind", ["survival", "incidence"])
def test_weight_two_is_two_rows_in_any_order(variance: str, kind: str) -> None:
    data = world(1)
    model = xm.DoublyTruncated(variance=variance, kind=kind, by="g")
    twice = np.random.default_rng(0).permutation(np.repeat(np.arange(120), 2))
    one, two = model.fit(spells(data, weight=np.full(120, 2.0))), model.fit(spells(data, twice))
    np.testing.assert_allclose(one.estimate, two.estimate, atol=1e-9)
    np.testing.assert_allclose(one.se, two.se, atol=1e-9)
    assert [c.mean for c in one.checks] == pytest.approx([c.mean for c in two.checks])


def test_incidences_sum_to_one_minus_survival_and_errors_are_those_of_the_jackknife() -> None:
    data = spells(world(2))
    survival = xm.DoublyTruncated().fit(data)
    incidence = xm.DoublyTruncated(kind="incidence").fit(data)
    total = incidence.pieces[0].estimate + incidence.pieces[1].estimate
    np.testing.assert_allclose(total, 1 - survival.estimate, atol=1e-12)
    for kind, curve in (("survival", survival), ("incidence", incidence)):
        left_out = xm.DoublyTruncated(kind=kind, variance="jackknife").fit(data)
        inner = (curve.estimate > 0.1) & (curve.estimate < 0.9)
        # leaving out one row of a sample against its first-order form
        np.testing.assert_allclose(left_out.se[inner], curve.se[inner], rtol=0.06)
        drawn = xm.DoublyTruncated(kind=kind, variance="bootstrap", n_samples=200, rng=3).fit(data)
        # 200 bootstrap samples
        np.testing.assert_allclose(drawn.se[inner], curve.se[inner], rtol=0.3)


def test_clusters_of_one_row_are_rows() -> None:
    data = world(3)
    alone = xm.DoublyTruncated(variance="cluster").fit(spells(data, cluster=np.arange(120)))
    np.testing.assert_allclose(alone.se, xm.DoublyTruncated().fit(spells(data)).se, atol=1e-10)
    pairs = xm.DoublyTruncated(variance="cluster").fit(
        spells(data, np.repeat(np.arange(120), 2), cluster=np.arange(240) // 2)
    )
    np.testing.assert_allclose(pairs.se, alone.se, atol=1e-9)
    sampled = xm.DoublyTruncated().fit(spells(data, weight=np.full(120, 3.7), weights="sampling"))
    np.testing.assert_allclose(sampled.se, alone.se, atol=1e-9)


def test_without_a_left_limit_both_estimators_agree_and_delayed_entry_is_a_left_limit() -> None:
    data = world(4)
    keep = np.flatnonzero(data["left_limit"] == 0)
    right, both = (
        xm.RightTruncated().fit(spells(data, keep)),
        xm.DoublyTruncated(variance="model").fit(spells(data, keep)),
    )
    np.testing.assert_allclose(right.estimate, both.estimate, atol=1e-9)
    np.testing.assert_allclose(right.se, both.se, atol=1e-8)
    own = {name: data[name] for name in ("exit", "right_limit")}
    late = xm.Spells(**own, entry=data["left_limit"])
    np.testing.assert_allclose(
        xm.DoublyTruncated().fit(late).estimate, xm.DoublyTruncated().fit(spells(data)).estimate, atol=1e-12
    )


def test_without_a_right_limit_it_is_kaplan_meier_with_delayed_entry() -> None:
    data = world(5)
    seen = xm.Spells(exit=data["exit"], left_limit=data["left_limit"])
    late = xm.Spells(exit=data["exit"], entry=data["left_limit"])
    ours, theirs = xm.DoublyTruncated(variance="model").fit(seen), xm.KaplanMeier().fit(late)
    np.testing.assert_allclose(ours.estimate, theirs.estimate, atol=1e-9)
    np.testing.assert_allclose(ours.se[:-1], theirs.se[:-1], rtol=1e-6)


def test_areas_and_means_agree() -> None:
    curve = xm.DoublyTruncated().fit(spells(world(6)))
    check = curve.checks[0]
    area = curve.rmst(float(curve.time[-1]))
    assert area.estimate[0] == pytest.approx(check.mean)
    assert area.se[0] == pytest.approx(check.mean_se)
    assert np.isnan(curve.at(check.high + 1).estimate[0])
    assert curve.median().time[0] > 0


def test_many_times_are_merged_for_standard_errors_only() -> None:
    rng = np.random.default_rng(1)
    stay, came = rng.weibull(1.3, 9000) * 25, rng.uniform(-60, 60, 9000)
    seen = (came + stay > 0) & (came + stay <= 60)
    rows = xm.Spells(exit=stay[seen], left_limit=np.maximum(-came, 0)[seen], right_limit=60 - came[seen])
    curve = xm.DoublyTruncated().fit(rows)
    blocks = xm.DoublyTruncated(variance="jackknife", rng=2).fit(rows)
    assert any("merged" in note for note in curve.warnings)
    at = [10, 20, 40]
    # blocks of rows left out: a rough variance from few blocks
    np.testing.assert_allclose(curve.at(at).se, blocks.at(at).se, rtol=0.25)
    # one sample of about 4,500 rows around its truth
    np.testing.assert_allclose(1 - curve.at(at).estimate, 1 - np.exp(-((np.array(at) / 25) ** 1.3)), atol=0.04)


def test_saved_curves_come_back(tmp_path: Any) -> None:
    curve = xm.DoublyTruncated(by="g").fit(spells(world(7)))
    curve.save(tmp_path / "c.json")
    again = xm.load(tmp_path / "c.json")
    np.testing.assert_array_equal(again.estimate, curve.estimate)
    assert str(again) == str(curve)
    assert curve.plot() is not None
    assert "Xiao" in curve.cite()


# ---- regression --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("estimator", ["weighted", "stabilised"])
@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_regression_laws_and_influence(estimator: str, ties: str) -> None:
    """Weight 2 is two rows; the robust variance is the sum of squared derivatives by the weights of rows."""
    data = world(8)
    model = xm.TruncatedCox("x + z", event="a", estimator=estimator, ties=ties)
    weight = np.random.default_rng(2).integers(1, 3, 120)
    one = model.fit(spells(data, weight=weight.astype(float)))
    two = model.fit(spells(data, np.repeat(np.arange(120), weight)))
    np.testing.assert_allclose(one.estimate, two.estimate, atol=1e-8)
    np.testing.assert_allclose(one.covariance, two.covariance, atol=1e-8)
    assert one.effective == pytest.approx(two.effective)
    sampled = np.random.default_rng(3).uniform(0.5, 2, 120)
    fit = model.fit(spells(data, weight=sampled, weights="sampling"))
    moves = []
    for i in range(120):
        ends = []
        for step in (1e-4, -1e-4):
            moved = sampled.copy()
            moved[i] *= 1 + step
            ends.append(model.fit(spells(data, weight=moved, weights="sampling")).estimate)
        moves.append((ends[0] - ends[1]) / 2e-4)
    slopes = np.array(moves)
    np.testing.assert_allclose(fit.covariance, slopes.T @ slopes, rtol=1e-7)


def test_a_wide_window_gives_the_plain_cox_fit() -> None:
    data = world(9)
    open_window = {**data, "left_limit": np.zeros(120), "right_limit": np.full(120, 1000.0)}
    fit = xm.TruncatedCox("x + z", event="a", ties="efron", vcov="robust").fit(spells(open_window))
    plain = {name: data[name] for name in ("exit", "event")}
    cox = xm.Cox("x + z", event="a", vcov="robust").fit(
        xm.Spells(**plain, censor=[], causes=("a", "b"), covariates={"x": data["x"], "z": data["z"]})
    )
    np.testing.assert_allclose(fit.estimate, cox.estimate, atol=1e-8)
    np.testing.assert_allclose(fit.covariance, cox.covariance, rtol=1e-6)
    assert fit.effective == pytest.approx(120)


def test_other_variances_and_trimming() -> None:
    data = world(10)
    fit = xm.TruncatedCox("x + strata(g)", event="any").fit(spells(data, cluster=np.arange(120)))
    np.testing.assert_allclose(fit.with_vcov("cluster").covariance, fit.covariance, rtol=1e-8)
    drawn = fit.with_vcov("bootstrap", n_samples=100, rng=1)
    # 100 bootstrap samples
    np.testing.assert_allclose(drawn.bse, fit.bse, rtol=0.4)
    capped = xm.TruncatedCox("x", event="any", trim=1.2).fit(spells(data))
    assert capped.n_trimmed > 0
    assert capped.largest_weight == 1.2
    with pytest.raises(xm.DataError, match="cap the average"):
        xm.TruncatedCox("x", trim=0.5).fit(spells(data))


def test_reverse_cox_laws() -> None:
    data = world(11)
    keep = np.flatnonzero(data["left_limit"] == 0)
    model = xm.ReverseCox("x + z")
    one = model.fit(spells(data, keep, weight=np.full(len(keep), 2.0)))
    two = model.fit(spells(data, np.repeat(keep, 2)))
    np.testing.assert_allclose(one.estimate, two.estimate, atol=1e-9)
    np.testing.assert_allclose(one.covariance, two.covariance, atol=1e-10)
    assert xm.ReverseCox("x", vcov="robust").fit(spells(data, keep)).vcov == "robust"
    with pytest.raises(xm.SchemeError, match="DoublyTruncated"):
        model.fit(spells(data))


# ---- tests of independence, and bias -------------------------------------------------------------------------------
def test_dependence_is_found_and_independence_is_not() -> None:
    data = world(12)
    rng = np.random.default_rng(12)
    came = rng.integers(-60, 60, 900)
    stay = np.ceil(np.maximum(30 - 0.4 * came + rng.normal(0, 6, 900), 1))  # those who came late leave early
    seen = np.flatnonzero((came + stay > 0) & (came + stay <= 60))[:120]
    changed = {"exit": stay[seen], "left_limit": np.maximum(-came[seen], 0.0), "right_limit": 60.0 - came[seen]}
    spoilt = {**data, **changed}
    for method in ("kendall", "permutation"):
        calm = xm.quasi_independence_test(spells(data), method, n_draws=499, rng=1)
        loud = xm.quasi_independence_test(spells(spoilt), method, n_draws=499, rng=1)
        assert calm.pvalue > 0.01
        assert loud.pvalue < 0.01
        assert np.max(np.abs(loud.detail["z"])) > 2
    weight = np.full(120, 2.0)
    one = xm.quasi_independence_test(spells(data, weight=weight))
    two = xm.quasi_independence_test(spells(data, np.repeat(np.arange(120), 2)))
    assert one.statistic == pytest.approx(two.statistic)


def test_tsai_for_right_limits_is_tsai_in_reverse() -> None:
    data = world(13)
    keep = np.flatnonzero(data["left_limit"] == 0)
    ours = xm.quasi_independence_test(spells(data, keep))
    assert "Tsai" in ours.method
    time, limit = data["exit"][keep], data["right_limit"][keep]
    turned = xm.Spells(exit=200 - time, entry=200 - limit, event=np.ones(len(keep), bool))
    assert ours.statistic == pytest.approx(xm.quasi_independence_test(turned, closed="both").statistic)


def test_window_bias_by_simulation_and_by_hand() -> None:
    """Exponential stays, people coming evenly inside the window: E[T (W - T)+] / E[(W - T)+]."""
    rate, close = 1 / 200, 539.0
    e = np.exp(-rate * close)
    below = close - (1 - e) / rate
    first = (
        close * (1 - e * (1 + rate * close)) - (2 / rate) * (1 - e * (1 + rate * close + (rate * close) ** 2 / 2))
    ) / rate
    found = xm.window_bias(200, close)
    assert found.naive_mean == pytest.approx(first / below, rel=1e-9)
    assert found.recorded == pytest.approx(below / close, rel=1e-9)
    rng = np.random.default_rng(4)
    came = np.log(rng.uniform(np.exp(-0.002 * 365), np.exp(0.002 * 539), 400_000)) / 0.002
    stay = rng.weibull(1.5, 400_000) * 150
    seen = (came + stay > 0) & (came + stay <= 539)
    made = xm.window_bias(150 * 0.9027452929509336, 539, before=365, growth=0.002, shape=1.5)
    # 400,000 draws
    assert made.naive_mean == pytest.approx(stay[seen].mean(), rel=0.005)
    # 400,000 draws
    assert made.recorded == pytest.approx(seen.mean(), rel=0.01)
    assert xm.window_bias(200, 539, before=np.inf).ratio == pytest.approx(1)


# ---- what is refused ------------------------------------------------------------------------------------------------
def test_what_is_refused() -> None:
    data = world(14)
    plain = xm.Spells(exit=data["exit"])
    for model in (xm.DoublyTruncated(), xm.RightTruncated(), xm.TruncatedCox("x"), xm.ReverseCox("x")):
        with pytest.raises(xm.SchemeError, match="no window"):
            model.fit(plain)
    with pytest.raises(xm.SchemeError, match="DoublyTruncated"):
        xm.RightTruncated().fit(spells(data))
    with pytest.raises(xm.SchemeError, match=r"DoublyTruncated .*TruncatedCox"):
        xm.KaplanMeier().fit(spells(data))
    with pytest.raises(xm.DataError, match="outside the window") as raised:
        xm.DoublyTruncated().fit(xm.Spells(exit=[3.0, 4], left_limit=[3.0, 1], right_limit=[9.0, 9]))
    assert raised.value.rows == (0,)
    with pytest.raises(xm.DataError, match="had not left"):
        xm.DoublyTruncated().fit(xm.Spells(exit=[3.0, 4], event=[0, 1], left_limit=[0.0, 1], right_limit=[9.0, 9]))
    apart = xm.Spells(exit=[1.0, 2, 11, 12], left_limit=[0.0, 0, 10, 10], right_limit=[5.0, 5, 15, 15])
    with pytest.raises(xm.IdentificationError, match="2 sets"):
        xm.DoublyTruncated().fit(apart)
    assert xm.DoublyTruncated(existence="largest").fit(apart).checks[0].outside == 2
    for bad in ({"variance": "magic"}, {"kind": "hazard"}, {"closed": "left"}, {"variance": "cluster"}):
        with pytest.raises(xm.DataError):
            xm.DoublyTruncated(**bad).fit(spells(data))
    with pytest.raises(xm.DataError, match="sampling weights"):
        xm.quasi_independence_test(spells(data, weight=np.ones(120), weights="sampling"))
    with pytest.raises(xm.SchemeError, match="neither"):
        xm.quasi_independence_test(plain)
    with pytest.raises(xm.DataError, match="mean_stay"):
        xm.window_bias(-1, 539)
    with pytest.raises(xm.DataError, match="causes"):
        xm.TruncatedCox("x").fit(spells(data))
    with pytest.raises(xm.DataError, match="constant"):
        xm.TruncatedCox("one", event="any").fit(
            xm.Spells(exit=[1.0, 2, 3], right_limit=[4.0, 4, 4], covariates={"one": [1, 1, 1]})
        )
