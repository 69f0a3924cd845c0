"""Turnbull's curve and its tests as a reader meets them: spells, limits, readings, figures, refusals."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import exitmodels as xm

INF = np.inf


@pytest.fixture(scope="module")
def visits():
    """People seen now and then; some late, some weighted, in two groups."""
    rng = np.random.default_rng(12)
    n = 90
    group = rng.integers(0, 2, n)
    stay = rng.weibull(1.4, n) * np.where(group, 30, 50)
    seen = np.cumsum(np.ceil(rng.exponential(9, (n, 9))), axis=1)
    place = (seen < stay[:, None]).sum(axis=1)
    edges = np.concatenate([np.zeros((n, 1)), seen, np.full((n, 1), INF)], axis=1)
    lower, upper = edges[np.arange(n), place], edges[np.arange(n), place + 1]
    entry = np.where(rng.random(n) < 0.3, np.floor(lower / 2), 0)
    return pd.DataFrame({"lower": lower, "upper": upper, "entry": entry, "w": rng.integers(1, 4, n), "g": group})


def read(frame, **more):
    return xm.Spells.from_frame(frame, lower="lower", upper="upper", entry="entry", **more)


# ---- reading -----------------------------------------------------------------------------------------------------
def test_limits_stand_in_for_exit_and_event():
    spells = xm.Spells(lower=[0, 3, 5], upper=[2, INF, 5])
    assert_array_equal(spells.exit, [2, 3, 5])
    assert_array_equal(spells.event, [1, 0, 1])
    assert spells.causes == ("exit",)
    frame = pd.DataFrame({"a": [0, 3, 5], "b": [2, INF, 5]})
    again = xm.Spells.from_frame(frame, lower="a", upper="b")
    assert_array_equal(again.exit, spells.exit)
    assert_array_equal(again.event, spells.event)


def test_dates_between_visits():
    frame = pd.DataFrame(
        {
            "came": ["2020-01-01"] * 3,
            "seen": ["2020-01-05", "2020-02-01", "2020-01-03"],
            "gone": ["2020-01-09", None, "2020-01-03"],
            "left": [1, 0, 1],
        }
    )
    how = {"origin": "came", "lower": "seen", "upper": "gone", "date_format": "%Y-%m-%d"}
    spells = xm.Spells.from_frame(frame, event="left", **how)
    assert_array_equal(spells.lower, [4, 31, 2])
    assert_array_equal(spells.upper, [8, INF, 2])
    with pytest.raises(xm.DataError, match="missing") as caught:
        xm.Spells.from_frame(frame, **how)
    assert caught.value.column == "gone"
    assert len(xm.Spells.from_frame(frame, missing="drop", **how)) == 2


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: xm.Spells(), "no-times"),
        (lambda: xm.Spells(lower=[1, 2]), "no-times"),
        (lambda: xm.Spells(lower=[1, 2], upper=[3]), "length"),
        (lambda: xm.Spells(lower=[1, np.nan], upper=[3, 4]), "missing"),
        (lambda: xm.Spells(lower=[0, 2], upper=[INF, 4]), "no-information"),
        (lambda: xm.Spells(lower=[1, 5], upper=[3, 4]), "interval"),
        (lambda: xm.Spells(lower=[1, 2], upper=[3, 4], event=[1, 0]), "interval"),
        (lambda: xm.Spells(lower=[1, 2], upper=[3, 4], entry=[0, 4]), "order"),
    ],
)
def test_limits_that_cannot_be_are_refused(make, code):
    with pytest.raises(xm.DataError) as caught:
        make()
    assert caught.value.code == code
    assert caught.value.hint


def test_exact_times_are_asked_for_by_other_models(visits):
    for model in (xm.KaplanMeier(), xm.NelsonAalen(), xm.SmoothHazard(), xm.LifeTable([0, 10])):
        with pytest.raises(xm.SchemeError, match="Turnbull"):
            model.fit(read(visits))
    records = xm.datasets.exits431().spells()
    with pytest.raises(xm.SchemeError, match="biased"):
        xm.Turnbull(event="any").fit(records)
    with pytest.raises(xm.SchemeError, match="biased"):
        xm.interval_logrank_test(records, "unit", event="any")


def test_gone_by_entry_is_refused_with_rows():
    spells = xm.Spells(exit=[5, 9], entry=[1, 6], lower=[2, 3], upper=[5, 6])
    with pytest.raises(xm.DataError, match="gone by the time") as caught:
        xm.Turnbull().fit(spells)
    assert caught.value.rows == (1,)


# ---- the curve ---------------------------------------------------------------------------------------------------
def test_exact_spells_give_kaplan_meier_and_its_likelihood_limits():
    spells = xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest")
    one, two = xm.Turnbull(by="fin").fit(spells), xm.KaplanMeier(by="fin").fit(spells)
    for ours, theirs in zip(one.pieces, two.pieces, strict=True):
        held = theirs.events > 0
        assert_allclose(ours.time, theirs.time[held])
        assert_allclose(ours.estimate, theirs.estimate[held], rtol=1e-11)
    limits, greenwood = one.at([26, 52]), two.at([26, 52])
    for side in ("lower", "upper"):
        # likelihood-ratio limits against Wald limits: near, not the same
        assert_allclose(limits[side], greenwood[side], atol=0.005)
    assert_allclose(one.at([26, 52]).least, one.at([26, 52]).most)


def test_what_is_known_and_what_is_not():
    """(0, 4], (2, 6], (5, 9] and one person still there at 7: mass 1/2 in (2, 4], the rest after 7 or in (7, 9]."""
    curve = xm.Turnbull().fit(xm.Spells(lower=[0, 2, 5, 7], upper=[4, 6, 9, INF]))
    piece = curve.pieces[0]
    assert_allclose(np.column_stack([piece.left, piece.right, piece.mass]), [[2, 4, 0.5], [7, 9, 0.5]], atol=1e-12)
    at = curve.at([1, 2, 3, 4, 8, 9, 20])
    assert_allclose(at.most, [1, 1, 1, 0.5, 0.5, 0, 0], atol=1e-12)
    assert_allclose(at.least, [1, 1, 0.5, 0.5, 0, 0, 0], atol=1e-12)
    found = curve.quantile([0.25, 0.75])
    assert_array_equal(found.earliest, [2, 7])
    assert_array_equal(found.latest, [4, 9])
    area = curve.rmst(9, rng=1)
    assert_allclose(area[["least", "most"]].iloc[0], [2 + 0.5 * 5, 4 + 0.5 * 5])
    assert area.estimate.item() == area.most.item()
    assert area.lower.item() <= area.estimate.item() <= area.upper.item()


def test_the_curve_is_not_known_beyond_the_last_time_somebody_was_seen():
    curve = xm.Turnbull().fit(xm.Spells(lower=[0, 3, 5], upper=[2, 4, INF]))
    at = curve.at([5, 6])
    assert_allclose(at.estimate, [1 / 3, np.nan])
    assert_allclose(at.least, [1 / 3, 0])
    assert_allclose(at.lower.iloc[1], 0)
    assert np.isnan(curve.quantile(0.9).time.item())
    with pytest.raises(xm.DataError, match="beyond"):
        curve.rmst(6)


def test_limits_hold_the_estimate_and_widen_with_the_level(visits):
    curve = xm.Turnbull(by="g").fit(read(visits, weight="w"))
    wide, narrow = curve.to_frame(0.01), curve.to_frame(0.2)
    assert (wide.lower <= narrow.lower + 1e-9).all()
    assert (wide.upper >= narrow.upper - 1e-9).all()
    assert ((narrow.lower <= narrow.estimate) & (narrow.estimate <= narrow.upper)).all()
    for piece in curve.pieces:
        low, high = piece.limits(piece.time, 0.05)
        assert (np.diff(low) <= 1e-6).all()
        assert (np.diff(high) <= 1e-6).all()


def test_limits_of_the_median_are_those_times_that_limits_do_not_rule_out(visits):
    curve = xm.Turnbull().fit(read(visits))
    found = curve.quantile(0.5).iloc[0]
    grid = np.unique(visits[["lower", "upper"]].to_numpy())
    grid = grid[np.isfinite(grid)]
    at = curve.at(grid)
    inside = grid[(at.lower.to_numpy() <= 0.5) & (at.upper.to_numpy() >= 0.5)]
    assert found.lower == inside.min()
    assert found.upper == grid[at.upper.to_numpy() < 0.5].min()
    assert found.lower <= found.earliest < found.latest <= found.upper


def test_bootstrap_limits_repeat_with_a_seed_and_differ_without_clusters(visits):
    spells = read(visits)
    one = xm.Turnbull(limits="bootstrap", n_samples=60, rng=4).fit(spells).at([10, 30])
    two = xm.Turnbull(limits="bootstrap", n_samples=60, rng=4).fit(spells).at([10, 30])
    assert_array_equal(one.lower, two.lower)
    assert (one.se > 0).all()
    assert ((one.lower < one.estimate) & (one.estimate < one.upper)).all()
    doubled = pd.concat([visits.assign(c=np.arange(len(visits)))] * 2)
    clustered = xm.Turnbull(n_samples=200, rng=4).fit(read(doubled, cluster="c")).at(20)
    apart = xm.Turnbull(limits="bootstrap", n_samples=200, rng=4).fit(read(doubled)).at(20)
    assert clustered.se.item() > 1.2 * apart.se.item()
    assert_allclose(clustered.estimate, xm.Turnbull().fit(spells).at(20).estimate, atol=1e-9)


def test_sampling_weights_are_bootstrapped_and_not_likelihood_ratios(visits):
    spells = read(visits, weight="w", weights="sampling")
    curve = xm.Turnbull(n_samples=50, rng=1).fit(spells)
    assert curve.transform == "percentile"
    counted = xm.Turnbull().fit(read(visits, weight="w"))
    assert_allclose(curve.pieces[0].mass, counted.pieces[0].mass, atol=1e-9)
    with pytest.raises(xm.DataError, match="sampling"):
        xm.Turnbull(limits="likelihood-ratio").fit(spells)


def test_one_cause_of_several():
    spells = xm.Spells(lower=[0, 2, 3, 5], upper=[2, 4, 6, INF], event=["a", "b", "a", "in"], censor="in")
    with pytest.raises(xm.DataError, match="none was chosen"):
        xm.Turnbull().fit(spells)
    curve = xm.Turnbull(event="a").fit(spells)
    assert "last time they were known to be present" in str(curve)
    plain = xm.Turnbull().fit(xm.Spells(lower=[0, 2, 3, 5], upper=[2, INF, 6, INF]))
    assert_allclose(curve.pieces[0].mass, plain.pieces[0].mass)


def test_notes_say_what_is_odd():
    gone = xm.Turnbull().fit(xm.Spells(lower=[0, 6], upper=[2, 8], entry=[0, 5]))
    assert "falls to 0 at 2" in str(gone)
    stays = xm.Turnbull().fit(xm.Spells(lower=[4, 6], upper=[INF, INF]))
    assert "stays at 1" in str(stays)
    slides = xm.Spells(lower=[3, 2, 5, 5, 6], upper=[INF, 4, INF, INF, 7], entry=[0, 0, 0, 3, 5])
    assert "does not change in 1 direction" in str(xm.Turnbull().fit(slides))


def test_printed_saved_and_drawn(visits, tmp_path):
    curve = xm.Turnbull(by="g").fit(read(visits))
    text = str(curve)
    assert "median after" in text
    assert "g=1" in text
    assert "Turnbull, B. W. (1976)" in curve.cite()
    assert r"\toprule" in curve.to_latex([10, 20])
    curve.save(tmp_path / "curve.json")
    again = xm.load(tmp_path / "curve.json")
    assert_allclose(again.conf_int(), curve.conf_int())
    assert_allclose(again.quantile(0.5).latest, curve.quantile(0.5).latest)
    assert "not saved" in str(again)
    with pytest.raises(xm.DataError, match="need the data"):
        again.at(11.37)
    with pytest.raises(xm.DataError, match="need the data"):
        again.rmst(10)
    for drawn in (curve, again):
        ax = drawn.plot()
        assert ax.get_legend() is not None
        low, high = ax.get_ylim()
        assert (low, high) == (0, 1.02)
    assert len(curve["g=1"].plot(limits=False).collections) < len(curve["g=1"].plot().collections)
    plt.close("all")


def test_a_saved_bootstrap_answers_as_before(visits, tmp_path):
    curve = xm.Turnbull(limits="bootstrap", n_samples=40, rng=2).fit(read(visits))
    curve.save(tmp_path / "curve.json")
    again = xm.load(tmp_path / "curve.json")
    pd.testing.assert_frame_equal(again.at([5, 25]), curve.at([5, 25]))
    pd.testing.assert_frame_equal(again.rmst(30), curve.rmst(30))


def test_choices_that_are_not_known_are_refused(visits):
    spells = read(visits)
    with pytest.raises(xm.DataError, match="One of likelihood-ratio"):
        xm.Turnbull(limits="wald").fit(spells)
    curve = xm.Turnbull().fit(spells)
    with pytest.raises(xm.DataError, match="transform"):
        curve.at(3, transform="log")
    with pytest.raises(xm.DataError, match="alpha"):
        curve.conf_int(1.5)


# ---- tests for groups --------------------------------------------------------------------------------------------
def test_with_exact_times_the_scores_are_those_of_the_log_rank_test():
    spells = xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest")
    for by in ("fin", ["fin", "race"]):
        ours, theirs = xm.interval_logrank_test(spells, by), xm.logrank_test(spells, by)
        assert_allclose(ours.detail["score"], theirs.detail["observed"] - theirs.detail["expected"], rtol=1e-9)
        assert ours.df == theirs.df
        # a permutation-type against a hypergeometric variance: near, not the same
        assert_allclose(ours.statistic, theirs.statistic, rtol=0.01)


def test_strata_add_up_and_trend_has_one_degree(visits):
    frame = visits.assign(s=np.arange(len(visits)) % 3, h=np.arange(len(visits)) % 4)
    spells = read(frame)
    total = xm.interval_logrank_test(spells, "g", strata="s")
    parts = [xm.interval_logrank_test(spells.select(frame.s.to_numpy() == s), "g") for s in range(3)]
    assert_allclose(total.detail["score"], np.sum([p.detail["score"] for p in parts], axis=0), atol=1e-9)
    assert_allclose(total.detail["covariance"], np.sum([p.detail["covariance"] for p in parts], axis=0), atol=1e-9)
    trend = xm.interval_logrank_test(spells, "h", trend=True)
    assert trend.df == 1
    assert_allclose(trend.statistic, xm.interval_logrank_test(spells, "h", trend=[0, 5, 10, 15]).statistic)
    assert xm.interval_logrank_test(spells, "h").df == 3


def test_permutations_agree_with_their_chi_squared(visits):
    spells = read(visits.assign(entry=0.0))
    plain = xm.interval_logrank_test(spells, "g", variance="permutation")
    dealt = xm.interval_logrank_test(spells, "g", n_permutations=999, rng=5)
    assert_allclose(dealt.statistic, plain.statistic)
    assert abs(dealt.pvalue - plain.pvalue) < 4 * np.sqrt(plain.pvalue * (1 - plain.pvalue) / 999) + 0.01
    assert dealt.pvalue == xm.interval_logrank_test(spells, "g", n_permutations=999, rng=5).pvalue


@pytest.mark.parametrize(
    ("choices", "code"),
    [
        ({"scores": "cox"}, "scores"),
        ({"variance": "robust"}, "variance"),
        ({"variance": "permutation"}, "delayed-entry"),
        ({"variance": "score", "n_permutations": 9}, "variance"),
        ({"trend": [1, 2, 3]}, "trend"),
    ],
)
def test_choices_that_make_no_test_are_refused(visits, choices, code):
    with pytest.raises(xm.DataError) as caught:
        xm.interval_logrank_test(read(visits), "g", **choices)
    assert caught.value.code == code


def test_groups_that_cannot_be_compared_are_refused(visits):
    with pytest.raises(xm.DataError, match="one group"):
        xm.interval_logrank_test(read(visits.assign(g=1)), "g")
    with pytest.raises(xm.DataError, match="Nobody left"):
        xm.interval_logrank_test(read(visits.assign(upper=INF, lower=visits.lower + 1)), "g")
    with pytest.raises(xm.DataError, match="sampling"):
        xm.interval_logrank_test(read(visits, weight="w", weights="sampling"), "g")
    early = xm.Spells(lower=[0, 6, 7], upper=[2, 8, 9], entry=[0, 5, 5], covariates={"g": [0, 1, 0]})
    with pytest.raises(xm.DataError, match="falls to zero"):
        xm.interval_logrank_test(early, "g")


# ---- weights of those who were not lost --------------------------------------------------------------------------
def test_weighted_shares_are_kaplan_meier_and_aalen_johansen():
    rng = np.random.default_rng(3)
    spells = xm.Spells(
        exit=rng.integers(1, 20, 80),
        event=rng.choice(["a", "b", "in"], 80),
        censor="in",
        weight=rng.integers(1, 4, 80),
        covariates={"g": rng.integers(0, 2, 80)},
    )
    for t in (3, 7.5, 12):
        weight = xm.censoring_weights(spells, t)[t].to_numpy()
        for code, cause in enumerate(spells.causes, start=1):
            share = weight[(spells.event == code) & (spells.exit <= t)].sum() / spells.n
            assert_allclose(share, xm.AalenJohansen(causes=[cause]).fit(spells).at(t).estimate.item(), rtol=1e-12)
    ends = xm.censoring_weights(spells, by="g")["end"].to_numpy()
    assert (ends[spells.event == 0] == 0).all()


def test_late_entries_have_no_such_weights(visits):
    with pytest.raises(xm.DataError, match="enter late"):
        xm.censoring_weights(xm.Spells(exit=[3, 5], entry=[0, 2]))
