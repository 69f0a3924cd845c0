"""Laws of the subject: what must hold for any data, looked for by hypothesis."""

from __future__ import annotations

from typing import Any

import duckdb
import hypothesis.extra.numpy as hnp
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import exitmodels as xm
from exitmodels.kernels.risksets import accumulate, at_risk_sum


@st.composite
def tables(draw: Any, least: int = 2, most: int = 30, causes: int = 2) -> pd.DataFrame:
    """Spells on a coarse grid, where ties are the rule: entry, exit, event, two groups, a covariate."""
    n = draw(st.integers(least, most))

    def whole(low: int, high: int) -> np.ndarray:
        return draw(hnp.arrays(np.int64, n, elements=st.integers(low, high)))

    entry = whole(0, 10)
    return pd.DataFrame(
        {
            "entry": entry,
            "exit": entry + whole(1, 10),
            "event": whole(0, causes),
            "g": whole(0, 1),
            "x": whole(-3, 3),
            "w": whole(1, 4),
        }
    )


def read(data: pd.DataFrame, event: str = "event", **more: Any) -> xm.Spells:
    return xm.Spells.from_frame(data, exit="exit", entry="entry", event=event, censor=[0], **more)


def curves(spells: xm.Spells) -> list[np.ndarray]:
    """Every curve estimate and its variance, with and without groups."""
    made = [
        xm.KaplanMeier(event="any").fit(spells),
        xm.NelsonAalen(event="any").fit(spells),
        xm.AalenJohansen().fit(spells),
        xm.KaplanMeier(by="g", event="any").fit(spells),
    ]
    return [np.nan_to_num(part) for curve in made for part in (curve.time, curve.estimate, curve.se**2)]


def cox(spells: xm.Spells, **choices: Any) -> Any:
    try:
        return xm.Cox("x", event="any", **choices).fit(spells)
    except (xm.DataError, xm.ConvergenceWarning):
        return None


@given(tables(), st.randoms(use_true_random=False))
def test_rows_may_come_in_any_order(data: pd.DataFrame, random: Any) -> None:
    order = list(range(len(data)))
    random.shuffle(order)
    assume(data.event.gt(0).any())
    for ours, shuffled in zip(curves(read(data)), curves(read(data.iloc[order])), strict=True):
        assert_allclose(ours, shuffled, rtol=1e-9, atol=1e-9)
    one, two = cox(read(data)), cox(read(data.iloc[order]))
    assert (one is None) == (two is None)
    if one is not None:
        assert_allclose(one.estimate, two.estimate, rtol=1e-7, atol=1e-9)
        assert_allclose(one.with_vcov("robust").covariance, two.with_vcov("robust").covariance, rtol=1e-6, atol=1e-12)


@given(tables())
def test_weight_three_is_three_rows(data: pd.DataFrame) -> None:
    assume(data.event.gt(0).any())
    copies = data.loc[data.index.repeat(data.w)].reset_index(drop=True)
    weighted, repeated = read(data, weight="w"), read(copies)
    assert weighted.n == repeated.n
    for one, two in zip(curves(weighted), curves(repeated), strict=True):
        assert_allclose(one, two, rtol=1e-9, atol=1e-9)
    one_curve = xm.KaplanMeier(event="any", variance="robust").fit(weighted)
    two_curve = xm.KaplanMeier(event="any", variance="robust").fit(repeated)
    assert_allclose(one_curve.se, two_curve.se, rtol=1e-7, atol=1e-9)
    for ties in ("efron", "breslow"):
        one_fit, two_fit = cox(weighted, ties=ties), cox(repeated, ties=ties)
        assert (one_fit is None) == (two_fit is None)
        if one_fit is not None:
            assert_allclose(one_fit.estimate, two_fit.estimate, rtol=1e-7, atol=1e-9)
            assert_allclose(one_fit.llf, two_fit.llf, rtol=1e-10, atol=1e-9)
            assert_allclose(
                one_fit.with_vcov("robust").covariance, two_fit.with_vcov("robust").covariance, rtol=1e-6, atol=1e-12
            )
    if data.g.nunique() == 2:
        try:
            one_test = xm.logrank_test(weighted, by="g", event="any")
        except xm.DataError:
            return
        assert_allclose(one_test.statistic, xm.logrank_test(repeated, by="g", event="any").statistic, rtol=1e-9)


@given(tables(), st.floats(0.01, 0.99))
def test_cutting_a_spell_changes_no_risk_set(data: pd.DataFrame, share: float) -> None:
    assume(data.event.gt(0).any())
    spells = read(data)
    cut = spells.split(data.entry.min() + share * (data.exit.max() - data.entry.min()), name="late")
    assert cut.n_events == spells.n_events
    assert_allclose((cut.exit - cut.entry).sum(), (spells.exit - spells.entry).sum())
    index, after = spells.for_cause("any").risk_index(), cut.for_cause("any").risk_index()
    assert_array_equal(at_risk_sum(index, np.ones(len(spells))), at_risk_sum(after, np.ones(len(cut))))
    one = xm.KaplanMeier(event="any").fit(spells)
    two = xm.KaplanMeier(event="any").fit(cut).at(one.time)
    assert_allclose(one.estimate, two.estimate, atol=1e-12)
    whole = xm.KaplanMeier(event="any", variance="robust").fit(spells)
    pieces = xm.KaplanMeier(event="any", variance="cluster").fit(cut).at(whole.time)
    assert_allclose(np.nan_to_num(whole.se), np.nan_to_num(pieces.se.to_numpy()), atol=1e-9)
    one_fit, two_fit = cox(spells), cox(cut)
    assert (one_fit is None) == (two_fit is None)
    if one_fit is not None:
        assert_allclose(one_fit.estimate, two_fit.estimate, rtol=1e-7, atol=1e-9)
        assert_allclose(
            one_fit.with_vcov("robust").covariance, two_fit.with_vcov("cluster").covariance, rtol=1e-6, atol=1e-12
        )


@given(tables(causes=3))
def test_causes_add_up(data: pd.DataFrame) -> None:
    assume(data.event.gt(0).any())
    spells = read(data)
    incidence = xm.AalenJohansen().fit(spells)
    total = np.sum([piece.estimate for piece in incidence.pieces], axis=0)
    assert_allclose(total, 1 - xm.KaplanMeier(event="any").fit(spells).estimate, atol=1e-12)
    hazards = [xm.NelsonAalen(event=cause).fit(spells).estimate for cause in spells.causes]
    assert_allclose(np.sum(hazards, axis=0), xm.NelsonAalen(event="any").fit(spells).estimate, rtol=1e-12)


@given(tables(), st.sampled_from([0.1, 7.0, 365.25, 1e-3]))
def test_a_new_unit_of_time_rescales_and_nothing_else(data: pd.DataFrame, unit: float) -> None:
    assume(data.event.gt(0).any())
    scaled = data.assign(entry=data.entry * unit, exit=data.exit * unit)
    one, two = xm.AalenJohansen(by="g").fit(read(data)), xm.AalenJohansen(by="g").fit(read(scaled))
    assert_allclose(one.time * unit, two.time, rtol=1e-12)
    assert_allclose(one.estimate, two.estimate, rtol=1e-12)
    assert_allclose(one.se, two.se, rtol=1e-9, atol=1e-12)
    fit, other = cox(read(data)), cox(read(scaled))
    assert (fit is None) == (other is None)
    if fit is not None:
        assert_allclose(fit.estimate, other.estimate, rtol=1e-7, atol=1e-9)


@given(tables(most=12))
def test_frames_of_any_kind_give_identical_spells(data: pd.DataFrame) -> None:
    data = data.assign(reason=np.array(["in", "visit", "cure"])[data.event], when=pd.Timestamp("2013-03-01"))
    arrow = pa.Table.from_pandas(data, preserve_index=False)
    frames = [data, pl.from_arrow(arrow), arrow, duckdb.from_arrow(arrow), pl.from_arrow(arrow).lazy()]
    made = [
        xm.Spells.from_frame(f, exit="exit", entry="entry", event="reason", censor="in", cluster="g") for f in frames
    ]
    for other in made[1:]:
        for name in ("entry", "exit", "event", "cluster"):
            assert_array_equal(getattr(other, name), getattr(made[0], name))
        assert other.causes == made[0].causes
        assert_array_equal(other.columns["x"].values, made[0].columns["x"].values)
        assert_array_equal(other.columns["when"].values, made[0].columns["when"].values)
        assert other.columns["reason"].levels == made[0].columns["reason"].levels


@given(tables())
def test_collapsing_identical_rows_changes_no_answer(data: pd.DataFrame) -> None:
    assume(data.event.gt(0).any())
    spells = read(data)
    small = spells.collapse(by=["x", "g"])
    assert small.n == spells.n
    assert len(small) == len(data[["entry", "exit", "event", "x", "g"]].drop_duplicates())
    for one, two in zip(curves(spells), curves(small), strict=True):
        assert_allclose(one, two, rtol=1e-9, atol=1e-9)


@given(tables())
def test_the_operators_are_each_others_transpose(data: pd.DataFrame) -> None:
    assume(data.event.gt(0).any())
    spells = read(data)
    code, keys = spells.groups("g")
    index = spells.risk_index(code, len(keys))
    rng = np.random.default_rng(0)
    v, u = rng.normal(size=(len(spells), 3)), rng.normal(size=(index.n_times, 3))
    assert_allclose(np.sum(at_risk_sum(index, v) * u), np.sum(v * accumulate(index, u)), atol=1e-9)


@given(tables())
def test_a_survival_curve_never_rises_and_limits_hold_it(data: pd.DataFrame) -> None:
    curve = xm.KaplanMeier(event="any").fit(read(data))
    assert np.all(np.diff(curve.estimate) <= 1e-15)
    limits = curve.conf_int()
    known = np.isfinite(limits["low"])
    assert np.all(limits["low"][known] <= curve.estimate[known] + 1e-12)
    assert np.all(limits["high"][known] >= curve.estimate[known] - 1e-12)
