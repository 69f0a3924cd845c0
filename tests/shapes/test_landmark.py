"""Spells seen from a landmark."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import exitmodels as xm


def test_who_is_there_and_who_is_not() -> None:
    spells = xm.Spells(exit=[3, 5, 6, 12, 9], entry=[0, 0, 2, 5, 7], event=[1, 1, 0, 1, 1])
    seen = spells.landmark(5)
    assert_array_equal(seen.exit, [6, 12])  # an exit at 5 is gone; an entry at 5 is at risk just after it
    assert_array_equal(seen.entry, [5, 5])
    assert [entry.why for entry in seen.ledger.entries if entry.kind == "set aside"] == [
        "gone by 5",
        "entered after the landmark at 5",
    ]
    assert seen.exit.dtype == np.int64
    kept = spells.landmark(5, late="keep")
    assert_array_equal(kept.entry, [5, 5, 7])
    again = spells.landmark(5, horizon=4, reset=True, late="keep")
    assert_array_equal(again.exit, [1, 4, 4])
    assert_array_equal(again.entry, [0, 0, 2])
    assert_array_equal(again.event, [0, 0, 1])
    assert spells.landmark(5, horizon=1.5, late="keep").exit.tolist() == [6, 6.5]


def test_the_curve_is_the_conditional_one() -> None:
    rng = np.random.default_rng(1)
    spells = xm.Spells(exit=rng.integers(1, 60, 300), event=rng.random(300) < 0.7)
    whole = xm.KaplanMeier().fit(spells).at([20, 30, 45]).estimate.to_numpy()
    after = xm.KaplanMeier().fit(spells.landmark(20)).at([30, 45]).estimate
    assert_allclose(after, whole[1:] / whole[0], rtol=1e-12)
    reset = xm.KaplanMeier().fit(spells.landmark(20, reset=True)).at([10, 25]).estimate
    assert_allclose(reset, after, rtol=1e-12)
    short = xm.KaplanMeier().fit(spells.landmark(20, horizon=10))
    assert short.time[-1] == 30


def test_dates_move_with_the_clock() -> None:
    data = pd.DataFrame(
        {"came": pd.to_datetime(["2014-01-01", "2014-02-01"]), "left": pd.to_datetime(["2014-03-01"] * 2)}
    )
    spells = xm.Spells.from_frame(data, origin="came", exit="left")
    moved = spells.landmark(10, reset=True)
    assert_array_equal(moved.origin + moved.exit, spells.origin + spells.exit)
    assert_array_equal(moved.exit, spells.exit - 10)


def test_limits_of_a_window_are_those_of_the_rest() -> None:
    spells = xm.Spells(exit=[8, 20], left_limit=[2, 12], right_limit=[30, 40])
    assert spells.landmark(5).left_limit.tolist() == [5, 12]
    moved = spells.landmark(5, reset=True)
    assert (moved.left_limit.tolist(), moved.right_limit.tolist(), moved.exit.tolist()) == ([0, 7], [25, 35], [3, 15])
    assert moved.scheme == "exits-only"
    with pytest.raises(xm.DataError, match="hold exits only"):
        spells.landmark(5, horizon=3)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"at": 99}, "Nobody is still there"),
        ({"at": 1, "late": "drop"}, "late='drop' is not known"),
        ({"at": 1, "horizon": 0}, "not positive"),
        ({"at": 2}, "entered later"),
    ],
)
def test_landmarks_that_make_no_sense(wanted: dict[str, float], message: str) -> None:
    with pytest.raises(xm.DataError, match=message):
        xm.Spells(exit=[9, 12], entry=[4, 5]).landmark(**wanted)


def test_times_between_limits_have_no_landmark() -> None:
    with pytest.raises(xm.DataError, match="only known to lie between"):
        xm.Spells(exit=[5, 6], lower=[4, 5], upper=[5, 6]).landmark(3)
