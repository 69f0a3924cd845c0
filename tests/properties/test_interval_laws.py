"""Laws of times seen through intervals, of life tables and of smoothed hazards."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pandas as pd
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import exitmodels as xm


@st.composite
def intervals(draw: Any, most: int = 25) -> pd.DataFrame:
    """Rows on a coarse grid: exact, interval- and right-censored, some seen late, with weights and groups."""
    n = draw(st.integers(2, most))

    def whole(low: int, high: int) -> np.ndarray:
        return draw(hnp.arrays(np.int64, n, elements=st.integers(low, high)))

    entry = whole(0, 4) * (whole(0, 2) == 0)
    lower = (entry + whole(1, 8)).astype(float)
    width = whole(0, 5)
    upper = np.where(width == 5, np.inf, lower + width)
    return pd.DataFrame({"entry": entry, "lower": lower, "upper": upper, "g": whole(0, 1), "w": whole(1, 3)})


def read(frame: pd.DataFrame, **more: Any) -> xm.Spells:
    return xm.Spells.from_frame(frame, lower="lower", upper="upper", entry="entry", **more)


def curve(spells: xm.Spells, **choices: Any) -> Any:
    return xm.Turnbull(**choices).fit(spells).pieces[0]


def same(one: Any, two: Any, tol: float = 1e-7) -> None:
    """The same likelihood, and the same curve where it is unique."""
    assert_allclose(one.llf, two.llf, rtol=1e-9, atol=1e-9)
    assert one.flat == two.flat
    if not one.flat:
        times = np.arange(0, 15) + 0.0
        for ours, theirs in zip(one.bounds(times), two.bounds(times), strict=True):
            assert_allclose(ours, theirs, atol=tol)


@given(intervals(), st.randoms(use_true_random=False))
def test_rows_may_come_in_any_order(frame: pd.DataFrame, random: Any) -> None:
    order = list(range(len(frame)))
    random.shuffle(order)
    same(curve(read(frame)), curve(read(frame.iloc[order])))


@given(intervals())
def test_weight_three_is_three_rows(frame: pd.DataFrame) -> None:
    copies = frame.loc[frame.index.repeat(frame.w)].reset_index(drop=True)
    one, two = read(frame, weight="w"), read(copies)
    same(curve(one), curve(two))
    assert curve(one).n == curve(two).n
    assume(frame.g.nunique() == 2 and np.isfinite(frame.upper).any())
    for variance in ("score", "permutation"):
        try:
            test = xm.interval_logrank_test(one, "g", variance=variance)
        except xm.DataError:
            continue
        again = xm.interval_logrank_test(two, "g", variance=variance)
        assert_allclose(test.detail["score"], again.detail["score"], atol=1e-7)
        assert_allclose(test.detail["covariance"], again.detail["covariance"], rtol=1e-5, atol=1e-7)


@given(intervals())
def test_conditions_of_a_maximum_hold(frame: pd.DataFrame) -> None:
    found = xm.Turnbull().fit(read(frame))
    piece = found.pieces[0]
    assert found.converged
    assert piece.gap < 1e-9
    assert piece.drift < 1e-9
    assert_allclose(piece.mass.sum(), 1)
    assert (piece.mass > 0).all()
    assert (piece.left[1:] >= piece.right[:-1]).all()


@given(intervals(), st.sampled_from([0.1, 7.0, 365.25]))
def test_a_new_unit_of_time_rescales_and_nothing_else(frame: pd.DataFrame, unit: float) -> None:
    names = ["entry", "lower", "upper"]
    one, two = curve(read(frame)), curve(read(frame.assign(**{n: frame[n] * unit for n in names})))
    assert_allclose(one.llf, two.llf, rtol=1e-9, atol=1e-9)
    assume(not one.flat)
    assert_allclose(one.right * unit, two.right)
    assert_allclose(one.mass, two.mass, atol=1e-7)


@given(intervals(), st.integers(1, 10))
def test_limits_hold_what_fits_and_nothing_far_away(frame: pd.DataFrame, day: int) -> None:
    """Survival at the limits lowers twice the log-likelihood by exactly the quantile, unless they are 0 or 1."""
    piece = curve(read(frame))
    low, high = (float(v[0]) for v in piece.limits(np.array([float(day)]), 0.05))
    least, most = (float(v[0]) for v in piece.bounds(np.array([float(day)])))
    assert low <= least + 1e-9
    assert high >= most - 1e-9
    for value in (low, high):
        if 1e-6 < value < 1 - 1e-6:
            # the limit is found by a search that stops there
            assert_allclose(piece.profile.statistic(float(day), value), 3.841459, rtol=1e-4)


@given(intervals())
def test_a_row_that_says_nothing_changes_nothing(frame: pd.DataFrame) -> None:
    """Somebody seen just after entry and never again adds no information."""
    last = float(frame.entry.max())
    extra = pd.DataFrame({"entry": [0.0], "lower": [1e-3], "upper": [np.inf], "g": [0], "w": [1]})
    assume(frame.lower.min() >= 1 and last < 100)
    one, two = curve(read(frame)), curve(read(pd.concat([frame, extra], ignore_index=True)))
    assert_allclose(one.llf, two.llf, rtol=1e-9, atol=1e-9)


# ---- life tables and smoothed hazards ----------------------------------------------------------------------------
@st.composite
def spells_frame(draw: Any) -> pd.DataFrame:
    n = draw(st.integers(3, 40))

    def whole(low: int, high: int) -> np.ndarray:
        return draw(hnp.arrays(np.int64, n, elements=st.integers(low, high)))

    entry = whole(0, 6)
    return pd.DataFrame({"entry": entry, "exit": entry + whole(1, 12), "event": whole(0, 1), "w": whole(1, 3)})


def exact(frame: pd.DataFrame, **more: Any) -> xm.Spells:
    return xm.Spells.from_frame(frame, exit="exit", entry="entry", event="event", censor=[0], **more)


@given(spells_frame(), st.sampled_from(["left", "right"]))
def test_a_life_table_counts_people(frame: pd.DataFrame, closed: str) -> None:
    """Each interval again, by counting rows one by one."""
    assume(frame.event.any())
    edges = [0, 3, 5, 9, 14]
    table = xm.LifeTable(edges, closed=closed).fit(exact(frame)).to_frame()
    ends = [*edges, np.inf] if len(table) == 5 else edges
    for row, a, b in zip(table.itertuples(), ends[:-1], ends[1:], strict=True):
        inside = (a <= frame.exit) & (frame.exit < b) if closed == "left" else (a < frame.exit) & (frame.exit <= b)
        there = (frame.entry <= a) & (frame.exit >= a if closed == "left" else frame.exit > a)
        assert row.left == (inside & (frame.event == 1)).sum()
        assert row.lost == (inside & (frame.event == 0)).sum()
        assert row.entered == ((a < frame.entry) & (frame.entry < b)).sum()
        assert row.present == there.sum()


@given(spells_frame())
def test_weighted_tables_and_hazards_are_those_of_copies(frame: pd.DataFrame) -> None:
    assume(frame.exit[frame.event == 1].nunique() > 2)
    copies = frame.loc[frame.index.repeat(frame.w)].reset_index(drop=True)
    one, two = exact(frame, weight="w"), exact(copies)
    for variance in ("greenwood", "robust"):
        tables = [xm.LifeTable([0, 4, 8, 12], variance=variance).fit(s).to_frame() for s in (one, two)]
        pd.testing.assert_frame_equal(*tables, rtol=1e-9)
    for variance in ("aalen", "robust"):
        model = xm.SmoothHazard(4, start=0, end=15, points=9, variance=variance)
        ours, theirs = model.fit(one), model.fit(two)
        assert_allclose(ours.estimate, theirs.estimate, rtol=1e-9, atol=1e-12)
        assert_allclose(ours.se, theirs.se, rtol=1e-7, atol=1e-12)
