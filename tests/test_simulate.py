"""Simulated worlds: the same seed gives the same world, and what was planted can be found again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import exitmodels as xm
from exitmodels import simulate
from exitmodels.simulate.reasons import PHRASES

WINDOW = ("2013-03-01", "2014-08-21")


def days(frame: pd.DataFrame) -> np.ndarray:
    return (frame["left"] - frame["joined"]).dt.days.to_numpy()


@pytest.fixture(scope="module")
def whole() -> simulate.SimulatedExits:
    """The same world, seen without the filter: those still inside are rows too."""
    return simulate.exits(60_000, scheme="censored", rng=11)


# ---- exits ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("n", [1, 431, 25_000])
def test_exactly_n_records_exist_and_each_exit_falls_inside_the_window(n):
    frame = simulate.exits(n, rng=2).frame
    assert len(frame) == n
    assert frame["left"].between(*WINDOW).all()
    assert (days(frame) >= 1).all()
    assert frame["left"].is_monotonic_increasing
    assert frame["record"].tolist() == list(range(1, n + 1))


def test_the_same_seed_gives_the_same_world_and_another_seed_another():
    one, two, other = (simulate.exits(500, rng=seed).frame for seed in (5, 5, 6))
    pd.testing.assert_frame_equal(one, two)
    assert not one["left"].equals(other["left"])
    pd.testing.assert_frame_equal(simulate.exits(500, rng=np.random.default_rng(5)).frame, one)


def test_every_print_says_that_the_data_are_simulated():
    for made in (simulate.exits(10), simulate.spells(10)):
        assert str(made).startswith("SIMULATED DATA")
        assert repr(made) == str(made)


def test_the_truth_says_what_was_planted():
    truth = simulate.exits(10, policy="2014-01-01", policy_ratio=2.0, mean_stay=90).truth
    assert truth["simulated"] is True
    assert truth["policy"]["date"] == "2014-01-01"
    assert truth["policy"]["hazard_ratios"]["treatment"] == 2.0
    assert truth["policy"]["hazard_ratios"]["family emergency"] == 1.0, "the negative control"
    assert truth["mean_stay"] == 90
    assert_allclose(sum(truth["shares"].values()), 1)
    assert truth["imposed"] == []


def test_the_edges_are_imposed_when_asked_for_and_only_then():
    world = simulate.exits(431, edges=True, rng=4)
    frame = world.frame
    assert frame.loc[frame["left"] == WINDOW[0], "reason_text"].tolist() == ["family visit; treatment"]
    last = frame.loc[frame["left"] == WINDOW[1], "reason_text"]
    assert sorted(last) == ["his family was imprisoned", "treatment", "treatment", "treatment"]
    assert len(world.truth["imposed"]) == 2
    free = [simulate.exits(431, rng=seed).frame["left"].eq(WINDOW[1]).sum() for seed in range(5)]
    assert free != [4] * 5


def test_the_text_names_the_true_reason_and_sometimes_another_first():
    frame = simulate.exits(20_000, blank=0.05, second=0.3, rng=8).frame
    first = frame["reason_text"].map(simulate.first_mentioned)
    assert abs((first == "unknown").mean() - 0.05) < 0.006
    written = frame[first != "unknown"]
    phrases = written["planted_reason"].map(lambda reason: PHRASES[reason])
    assert all(any(p in text for p in own) for text, own in zip(written["reason_text"], phrases, strict=True))
    several = written["reason_text"].str.contains("[;,]")
    wrong = (first[written.index] != written["planted_reason"])[several].mean()
    assert abs(wrong - 0.25) < 0.03, "the further reason comes first in one text of four"
    assert (first[written.index] == written["planted_reason"])[~several].all()


def test_records_of_exits_only_make_stays_look_shorter():
    """True mean 180 days; people join from the first day of the window, so P(seen) = 1 - (1 - e^-w) / w, w = 539/180.

    The density of a stay t among the seen is proportional to exp(-t/180) (539 - t), which gives a mean of 110 days.
    """
    world = simulate.exits(100_000, lead=0, effects={}, policy_ratio=1.0, mean_stay=180, rng=3)
    t = np.arange(0, 539, 0.01)
    seen = np.exp(-t / 180) * (539 - t)
    expected = float((t * seen).sum() / seen.sum())
    assert round(expected) == 110
    found = days(world.frame)
    # 100,000 draws
    assert_allclose(found.mean(), expected + 0.5, atol=4 * found.std() / np.sqrt(len(found)) + 0.2)


def test_the_scheme_travels_so_that_biased_models_refuse():
    world = simulate.exits(100, rng=1)
    with pytest.raises(xm.SchemeError):
        xm.KaplanMeier(event="any").fit(world.spells())


def test_those_still_inside_are_rows_of_the_whole_world(whole):
    inside = whole.frame["left"].isna()
    assert 0.1 < inside.mean() < 0.6
    assert whole.frame.loc[inside, ["reason_text", "planted_reason"]].isna().all(axis=None)
    spells = whole.spells()
    assert spells.n_events == (~inside).sum()
    assert spells.delayed, "those who joined before the window are at risk from its first day"


@pytest.mark.parametrize("reason", ["treatment", "family visit", "family emergency", "marriage"])
def test_cox_finds_the_planted_effects_and_the_policy(whole, reason):
    frame = whole.frame.assign(near=(whole.frame["origin"] == "Levant").astype(int))
    spells = xm.Spells.from_frame(
        frame, origin="joined", exit="left", event="planted_reason", censor=[None], window=WINDOW, open_end="window"
    )
    pieces = spells.split(whole.truth["policy"]["date"], by="calendar", name="after")
    fit = xm.Cox("age + married + near + C(unit) + after", event=reason).fit(pieces)
    planted = {**dict.fromkeys(("age", "married", "near"), 0.0), **whole.truth["log_hazard_ratios"][reason]}
    planted["after"] = np.log(whole.truth["policy"]["hazard_ratios"][reason])
    expected = np.array([planted.get(name, 0.0) for name in fit.names])
    z = (fit.params.to_numpy() - expected) / fit.bse.to_numpy()
    assert (np.abs(z) < 3.5).all(), dict(zip(fit.names, z.round(2), strict=True))


@pytest.mark.parametrize(
    "wrong",
    [{"n": 0}, {"scheme": "all"}, {"edges": True, "scheme": "censored"}, {"policy_ratio": 0}, {"mean_stay": -1},
     {"lead": -1}, {"window": ("2014-01-01", "2014-01-02")}, {"blank": 2}, {"second": -0.1},
     {"effects": {"boredom": {}}}, {"n": 3, "edges": True}],
)  # fmt: skip
def test_a_world_that_cannot_be_is_refused(wrong):
    with pytest.raises(xm.DataError) as refusal:
        simulate.exits(**{"n": 10, **wrong})
    assert refusal.value.code == "simulate"
    assert refusal.value.hint


# ---- spells --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("options", [{}, {"delayed": True, "shape": 1.4}, {"whole_days": False, "shape": 0.8}])
def test_cox_finds_the_planted_coefficients_of_each_cause(options):
    made = simulate.spells(30_000, causes=3, strata=2, rng=17, **options)
    spells = made.spells()
    for cause, planted in made.truth["coefficients"].items():
        fit = xm.Cox("x1 + x2", event=cause).fit(spells)
        z = (fit.params.to_numpy() - np.array(list(planted.values()))) / fit.bse.to_numpy()
        assert (np.abs(z) < 3.5).all(), (cause, z)


def test_the_baseline_hazard_is_the_planted_one():
    made = simulate.spells(40_000, coefficients={"left": [0.0]}, mean_stay=100, shape=1.3, whole_days=False, rng=2)
    curve = xm.NelsonAalen().fit(made.spells()).at([50, 100, 150])
    z = (curve["estimate"] - (np.array([50, 100, 150]) / 100) ** 1.3) / curve["se"]
    assert (z.abs() < 3.5).all()


def test_delayed_entry_whole_days_strata_and_clusters_are_there_when_asked():
    frame = simulate.spells(500, delayed=True, strata=3, clusters=20, frailty=0.5, rng=1).frame
    assert list(frame.columns) == ["person", "entry", "exit", "event", "x1", "x2", "stratum", "cluster"]
    assert frame["entry"].dtype.kind == frame["exit"].dtype.kind == "i"
    assert (frame["exit"] > frame["entry"]).all()
    assert set(frame["stratum"]) == {0, 1, 2}
    assert frame["cluster"].between(0, 19).all()
    real = simulate.spells(500, whole_days=False, rng=1).frame
    assert real["exit"].dtype.kind == "f"
    assert "entry" not in real.columns


def test_a_seed_fixes_the_spells():
    one, two = (simulate.spells(200, causes=2, rng=9).frame for _ in range(2))
    pd.testing.assert_frame_equal(one, two)


@pytest.mark.parametrize(
    "wrong",
    [{"causes": 7}, {"coefficients": {}}, {"coefficients": {"a": [1], "b": [1, 2]}}, {"n": 0}, {"shape": 0},
     {"frailty": -1}, {"frailty": 0.5}, {"clusters": 0}],
)  # fmt: skip
def test_spells_that_cannot_be_are_refused(wrong):
    with pytest.raises(xm.DataError) as refusal:
        simulate.spells(**{"n": 10, **wrong})
    assert refusal.value.code == "simulate"
