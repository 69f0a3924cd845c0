"""Counts: every cell is there, every record is accounted for, and every broken rule has its message."""

from __future__ import annotations

import datetime as dt
import time

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from exitmodels.errors import DataError
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.periods import period_edges

WINDOW = ("2013-03-01", "2014-08-21")


def records(n=400, seed=3):
    rng = np.random.default_rng(seed)
    days = np.datetime64("2013-03-01") + np.sort(rng.integers(0, 539, n)).astype("timedelta64[D]")
    reason = rng.choice(["treatment", "family", "finance"], n, p=[0.5, 0.3, 0.2])
    return pd.DataFrame({"left": days.astype("datetime64[ns]"), "reason": reason, "unit": rng.integers(1, 4, n)})


def slow_count(frame, start, end, **keys):
    """The definition: how many rows have their date in [start, end) and these keys."""
    held = (frame["left"] >= start) & (frame["left"] < end)
    for name, value in keys.items():
        held &= frame[name] == value
    return int(held.sum())


# ---- periods ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("freq", ["D", "7D", "28D", "W", "W-MON", "W-THU", "W-FRI", "W-SAT", "MS", "QS", "YS", "HM"])
def test_cells_match_a_slow_count(freq):
    frame = records()
    counts = Counts.from_frame(frame, date="left", by=["reason", "unit"], freq=freq, window=WINDOW)
    cells = counts.to_frame()
    assert counts.total == len(frame)
    assert cells["end"].max() == pd.Timestamp("2014-08-22")
    sample = cells.sample(min(len(cells), 60), random_state=1)
    for row in sample.itertuples():
        assert row.n == slow_count(frame, row.start, row.end, reason=row.reason, unit=row.unit)


@pytest.mark.parametrize("day", ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"])
def test_weeks_end_on_the_day_that_pandas_would_end_them(day):
    frame = records()
    counts = Counts.from_frame(frame, date="left", freq=f"W-{day}", window=WINDOW)
    weeks = pd.DatetimeIndex(counts.start).to_period(f"W-{day}")
    theirs = frame["left"].dt.to_period(f"W-{day}").value_counts()
    assert weeks.is_unique
    assert_array_equal(counts.n, theirs.reindex(weeks, fill_value=0))


def test_the_founding_window_is_77_weeks_from_friday_to_thursday():
    counts = Counts.from_frame(records(), date="left", freq="W-THU", window=WINDOW)
    assert len(counts) == 77
    assert not counts.partial.any()
    assert np.all(counts.exposure == 7)


@pytest.mark.parametrize("freq", ["MS", "QS", "YS"])
def test_gregorian_periods_match_pandas(freq):
    first, end = 15765, 16304
    theirs = pd.period_range("2013-03-01", "2014-08-21", freq=freq[0]).start_time.to_numpy().astype("datetime64[D]")
    assert_array_equal(period_edges(freq, first, end)[:-1].astype("datetime64[D]"), theirs)


def test_ramadan_1435_begins_on_the_day_of_the_official_tables():
    """29 June 2014 was 2 Ramadan 1435 in the Umm al-Qura tables, so the month begins on 28 June."""
    counts = Counts.from_frame(records(), date="left", freq="HM", window=WINDOW)
    cells = counts.to_frame().set_index("period")
    assert cells.loc["1435-09", "start"] == pd.Timestamp("2014-06-28")
    assert len(counts) == 19
    assert_array_equal(np.flatnonzero(counts.partial), [0, 18])


def test_given_edges_set_the_window():
    counts = Counts.from_frame(records(), date="left", freq=["2013-03-01", "2014-06-29", "2014-08-22"])
    assert counts.exposure.tolist() == [485, 54]
    assert counts.total == 400
    assert not counts.partial.any()


def test_the_years_and_months_of_hijri_cells_are_hijri():
    columns = Counts.from_frame(records(), date="left", freq="HM", window=WINDOW).columns
    assert columns["year"].values[0] == 1434
    assert columns["month"].values[0] == 4


# ---- exposure --------------------------------------------------------------------------------------------------------
def test_exposure_adds_up_to_the_window_and_is_shared_by_reasons():
    counts = Counts.from_frame(records(), date="left", by="reason", freq="MS", window=WINDOW)
    assert counts.total_exposure == 539
    assert counts.aggregate("reason").exposure.sum() == 539
    assert counts.exposure.sum() == 3 * 539


def test_exposure_of_places_is_added():
    frame = pd.DataFrame(
        {
            "left": pd.to_datetime(["2014-01-01", "2014-01-01", "2014-01-02", "2014-01-02"]),
            "place": ["a", "b", "a", "b"],
            "held": [10, 30, 12, 31],
        }
    )
    counts = Counts.from_frame(frame, date="left", by="place", exposure="held", unit="person-days")
    assert counts.aggregate().exposure.tolist() == [40, 43]
    assert counts.total_exposure == 83


@pytest.mark.parametrize("shared", [True, False])
def test_equal_exposures_need_to_be_told_apart(shared):
    frame = {"n": [1, 2], "reason": ["a", "b"], "days": [31, 31], "month": ["2014-01", "2014-01"]}
    options = {"n": "n", "by": "reason", "exposure": "days", "start": "month", "freq": "MS", "date_format": "%Y-%m"}
    with pytest.raises(DataError, match=r"one exposure or several is not said.*shared=True.*shared=False"):
        Counts.from_table(frame, **options).aggregate()
    told = Counts.from_table(frame, **options, shared=shared)
    assert told.aggregate().exposure.tolist() == [31 if shared else 62]


@pytest.mark.parametrize("kind", ["name", "date", "series", "period"])
def test_exposure_by_period(kind):
    values = [100.0, 200.0]
    index = {
        "name": ["2014-01", "2014-02"],
        "date": [dt.date(2014, 1, 1), dt.date(2014, 2, 9)],
        "series": pd.to_datetime(["2014-01-01", "2014-02-01"]),
        "period": pd.period_range("2014-01", periods=2, freq="M"),
    }[kind]
    given_values = (
        pd.Series(values, index=index) if kind in ("series", "period") else dict(zip(index, values, strict=True))
    )
    frame = {"left": pd.to_datetime(["2014-01-05", "2014-02-05", "2014-02-06"])}
    counts = Counts.from_frame(
        frame, date="left", freq="MS", window=("2014-01-01", "2014-02-28"), exposure=given_values, unit="person-months"
    )
    assert counts.exposure.tolist() == values
    assert counts.unit == "person-months"


# ---- sources ---------------------------------------------------------------------------------------------------------
def test_every_kind_of_frame_gives_the_same_counts():
    frame = records()
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    connection = duckdb.connect()
    made = [
        frame,
        frame.sample(frac=1, random_state=1),
        frame.assign(reason=frame["reason"].astype("category"), unit=frame["unit"].astype("Int64"), idle="x"),
        pl.from_pandas(frame),
        pl.from_pandas(frame).lazy(),
        arrow,
        connection.from_arrow(arrow),
    ]
    wanted = Counts.from_frame(frame, date="left", by=["reason", "unit"], freq="W", window=WINDOW).to_frame()
    for other in made[1:]:
        found = Counts.from_frame(other, date="left", by=["reason", "unit"], freq="W", window=WINDOW).to_frame()
        pd.testing.assert_frame_equal(found, wanted)


def test_weights_stand_for_records():
    frame = records(60)
    frame["times"] = np.random.default_rng(1).integers(0, 4, 60)
    copied = frame.loc[frame.index.repeat(frame["times"])]
    ours = Counts.from_frame(frame, date="left", freq="MS", weight="times", window=WINDOW)
    assert_array_equal(ours.n, Counts.from_frame(copied, date="left", freq="MS", window=WINDOW).n)


def test_ten_million_rows_take_a_second_or_so():
    """Measured against one sort of the same column, which is the honest unit of a noisy machine."""
    rng = np.random.default_rng(1)
    n = 5_000_000
    day = rng.integers(0, 539, n)
    frame = pd.DataFrame(
        {"left": np.datetime64("2013-03-01") + day.astype("timedelta64[D]"), "unit": rng.integers(0, 40, n)}
    )
    begin = time.perf_counter()
    counts = Counts.from_frame(frame, date="left", by="unit", freq="W", window=WINDOW)
    took = time.perf_counter() - begin
    begin = time.perf_counter()
    np.sort(rng.random(n))
    assert counts.total == n
    assert took < 10 * (time.perf_counter() - begin)


# ---- ledger ----------------------------------------------------------------------------------------------------------
def test_the_window_taken_from_the_data_is_said():
    counts = Counts.from_frame(records(), date="left", freq="MS")
    assert "window taken from the dates found" in str(counts.ledger)
    assert "the true window may be longer" in str(counts)


def test_rows_outside_the_window_and_missing_rows_are_in_the_ledger():
    frame = records(20)
    frame.loc[3, "left"] = pd.NaT
    frame.loc[5, "reason"] = None
    frame.loc[3, "reason"] = None
    frame.loc[7, "left"] = pd.Timestamp("2015-01-01")
    counts = Counts.from_frame(
        frame, date="left", by="reason", freq="MS", window=WINDOW, missing="drop", outside="set aside"
    )
    assert counts.total == 17 == counts.ledger.used
    assert [(e.n, e.rows) for e in counts.ledger.entries] == [(1, (3,)), (1, (5,)), (1, (7,))]


def test_cells_with_neither_exposure_nor_events_are_set_aside():
    counts = Counts.from_table({"n": [3, 0, 2], "days": [10, 0, 5]}, n="n", exposure="days")
    assert len(counts) == 2
    assert counts.ledger.n_set_aside == 1
    assert counts.ledger.entries[0].rows == (1,)


# ---- tables that are already counted ---------------------------------------------------------------------------------
def test_a_table_of_counts_is_the_same_as_counting_the_records():
    frame = records()
    counted = Counts.from_frame(frame, date="left", by="reason", freq="MS", window=WINDOW)
    table = counted.to_frame()
    again = Counts.from_table(table, n="n", start="start", by="reason", freq="MS", window=WINDOW)
    pd.testing.assert_frame_equal(again.to_frame(), table)
    ended = Counts.from_table(table, n="n", start="start", end="end", by="reason")
    assert_array_equal(ended.exposure, counted.exposure)


def test_years_written_as_numbers_need_a_format():
    counts = Counts.from_table({"year": [1851, 1852], "n": [4, 5]}, n="n", start="year", freq="YS", date_format="%Y")
    assert counts.exposure.tolist() == [365, 366]
    assert counts.periods == ("1851", "1852")


@given(st.data())
def test_splitting_a_table_and_summing_it_again_changes_nothing(data):
    """Counts by reason, summed over reason, are the counts without reason."""
    seed = data.draw(st.integers(0, 1000))
    freq = data.draw(st.sampled_from(["D", "W", "MS", "HM", "28D"]))
    frame = records(80, seed)
    by_reason = Counts.from_frame(frame, date="left", by=["reason", "unit"], freq=freq, window=WINDOW)
    plain = Counts.from_frame(frame, date="left", freq=freq, window=WINDOW)
    for once in (by_reason.aggregate(), by_reason.aggregate("unit").aggregate("reason")):
        for name in ("n", "exposure", "start", "end", "period", "partial"):
            assert_array_equal(getattr(once, name), getattr(plain, name))


def test_select_keeps_the_cells_asked_for_and_says_so():
    counts = Counts.from_frame(records(), date="left", by=["reason", "unit"], freq="MS", window=WINDOW)
    chosen = counts.select(reason=["family", "finance"], unit=2)
    cells = counts.to_frame()
    wanted = cells[cells["reason"].isin(["family", "finance"]) & (cells["unit"] == 2)]
    assert chosen.total == wanted["n"].sum()
    assert len(chosen) == len(wanted)
    assert "left out by select" in str(chosen.ledger)
    assert counts.select(np.asarray(counts.partial)).periods == ("2014-08",)


def test_cells_cannot_be_changed():
    counts = Counts.from_frame(records(), date="left", freq="MS", window=WINDOW)
    with pytest.raises(ValueError, match="read-only"):
        counts.n[0] = 99
    with pytest.raises(AttributeError):
        counts.n = counts.n + 1


def test_printing_says_what_a_reader_needs():
    counts = Counts.from_frame(records(), date="left", by="reason", freq="MS", window=WINDOW)
    text = str(counts)
    for part in ("400", "54", "2013-03-01 to 2014-08-21", "18, 1 partial", "treatment", "21 to 31 D"):
        assert part in text
    assert repr(counts) == "Counts(400 records in 54 cells by reason, freq 'MS')"


def test_the_picture_hatches_partial_periods_and_names_its_axes():
    ax = Counts.from_frame(records(), date="left", by="reason", freq="MS", window=WINDOW).plot()
    hatched = [bar for bar in ax.patches if bar.get_hatch()]
    assert len(hatched) == 3
    assert ax.get_ylabel() == "records per month"
    assert "month" in ax.get_xlabel()
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["family", "finance", "treatment", "partial period"]
    tops = sum(np.array([bar.get_height() for bar in group]) for group in ax.containers)
    assert tops.sum() == 400


def test_time_is_the_middle_of_the_period():
    counts = Counts.from_frame(records(), date="left", freq="MS", window=WINDOW)
    assert counts.columns["time"].values[:2].tolist() == [15.5, 46.0]


# ---- bad input -------------------------------------------------------------------------------------------------------
def days(*text):
    return pd.to_datetime(list(text))


JANUARY = {"window": ("2014-01-01", "2014-01-31")}
GOOD = {"left": days("2014-01-05", "2014-01-09"), "reason": ["a", "b"], "days": [5.0, 5.0]}
BAD_FRAMES = {
    "missing date": (
        {**GOOD, "left": days("2014-01-05", None)},
        {},
        "left",
        (1,),
        '1 values are missing.*missing="drop"',
    ),
    "missing key": ({**GOOD, "reason": ["a", None]}, {"by": "reason"}, "reason", (1,), "missing"),
    "outside": (
        {**GOOD, "left": days("2014-01-05", "2014-02-01")},
        {},
        "left",
        (1,),
        "outside the window.*2014-02-01.*set aside",
    ),
    "text dates": ({**GOOD, "left": ["05/01/2014", "09/01/2014"]}, {}, "left", (), "never guessed.*date_format"),
    "not dates": (GOOD, {"date": "days"}, "days", (), "must hold dates"),
    "unknown freq": (GOOD, {"freq": "fortnight"}, None, (), "not a known frequency.*28D"),
    "zero days": (GOOD, {"freq": "0D"}, None, (), "not a known frequency"),
    "no column": (GOOD, {"by": "raeson"}, "raeson", (), "Did you mean 'reason'"),
    "falling edges": (
        GOOD,
        {"freq": ["2014-01-01", "2014-01-20", "2014-01-10"]},
        None,
        (),
        "must rise.*2014-01-20 is followed",
    ),
    "short edges": (GOOD, {"freq": ["2014-01-01", "2014-01-20"]}, None, (), "edges cover.*window"),
    "window order": (GOOD, {"window": ("2014-02-01", "2014-01-01")}, None, (), "ends.*before it begins"),
    "before the Hijri tables": (
        GOOD,
        {"freq": "HM", "window": ("1900-01-01", "2014-01-31")},
        None,
        (),
        "Umm al-Qura tables",
    ),
    "after the Hijri tables": (
        GOOD,
        {"freq": "HM", "window": ("2014-01-01", "2090-01-01")},
        None,
        (),
        "Umm al-Qura tables",
    ),
    "fractional weight": ({**GOOD, "w": [1.0, 0.5]}, {"weight": "w"}, "w", (1,), "not whole numbers.*0.5"),
    "negative weight": ({**GOOD, "w": [1, -1]}, {"weight": "w"}, "w", (1,), "not whole numbers of zero or more"),
    "zero weights": ({**GOOD, "w": [0, 0]}, {"weight": "w"}, "w", (), "All weights are zero"),
    "text weights": ({**GOOD, "w": ["x", "y"]}, {"weight": "w"}, "w", (), "Weights are numbers"),
    "exposure differs": (
        {**GOOD, "days": [5.0, 6.0]},
        {"freq": "MS", "exposure": "days"},
        "days",
        (0,),
        "differ in exposure",
    ),
    "exposure of empty cells": (GOOD, {"exposure": "days"}, "days", tuple(range(4)), "29 cells have no record"),
    "exposure absent": (GOOD, {"freq": "MS", "exposure": {}}, "exposure", ("2014-01",), "1 periods have no exposure"),
    "exposure twice": (
        GOOD,
        {"freq": "MS", "exposure": {"2014-01": 1, "2014-01-09": 2}},
        "exposure",
        (),
        "given twice",
    ),
    "exposure outside": (GOOD, {"freq": "MS", "exposure": {"2015-01-01": 1}}, "exposure", (), "outside the window"),
    "exposure zero": (GOOD, {"freq": "MS", "exposure": {"2014-01": 0}}, "exposure", (0,), "events but no exposure"),
    "exposure negative": (GOOD, {"freq": "MS", "exposure": {"2014-01": -3}}, "exposure", (0,), "negative"),
    "exposure a number": (GOOD, {"exposure": 31}, "exposure", (), "mapping or Series"),
    "exposure text": (GOOD, {"exposure": "reason"}, "reason", (), "Exposures are numbers"),
    "empty": ({"left": days()}, {}, None, (), "no rows"),
    "bad choice": (GOOD, {"missing": "ignore"}, None, (), "missing='ignore' is not known"),
    "zoned": (
        {"left": days("2014-01-05", "2014-01-09").tz_localize("UTC")},
        {},
        "left",
        (),
        "time zone UTC.*timezone=",
    ),
}


@pytest.mark.parametrize("case", BAD_FRAMES)
def test_bad_records_are_refused_with_column_rows_and_hint(case):
    frame, options, column, rows, message = BAD_FRAMES[case]
    with pytest.raises(DataError, match=f"(?s){message}") as caught:
        Counts.from_frame(pd.DataFrame(frame), **{"date": "left", **JANUARY, **options})
    assert caught.value.column == column
    assert caught.value.rows[: len(rows)] == rows
    assert caught.value.hint


TABLE = {"month": ["2014-01", "2014-02"], "n": [3, 4], "days": [31.0, 28.0], "reason": ["a", "a"]}
BAD_TABLES = {
    "negative": ({**TABLE, "n": [3, -1]}, {}, "n", (1,), "not whole numbers of zero or more.*-1"),
    "fractional": ({**TABLE, "n": [3, 1.5]}, {}, "n", (1,), "1.5"),
    "missing": ({**TABLE, "n": [3, None]}, {}, "n", (1,), "missing"),
    "infinite": ({**TABLE, "n": [3, np.inf]}, {}, "n", (1,), "whole numbers"),
    "text": ({**TABLE, "n": ["3", "4"]}, {}, "n", (), "must hold numbers"),
    "zero exposure": (
        {**TABLE, "days": [31, 0]},
        {"exposure": "days"},
        "days",
        (1,),
        "events but no exposure.*4 events",
    ),
    "negative exposure": (
        {**TABLE, "days": [31, -2]},
        {"exposure": "days"},
        "days",
        (1,),
        "missing, infinite or negative",
    ),
    "no end": (TABLE, {"freq": None}, "month", (), "end is not said.*freq="),
    "overlap": (
        {**TABLE, "month": ["2014-01", "2014-01"], "to": days("2014-01-20", "2014-02-20")},
        {"freq": None, "end": "to"},
        "month",
        (1,),
        "overlap.*by=",
    ),
    "ends before start": (
        {**TABLE, "to": days("2014-01-20", "2014-01-20")},
        {"freq": None, "end": "to"},
        "month",
        (1,),
        "end",
    ),
    "outside": (TABLE, {"window": ("2014-01-01", "2014-01-31")}, "month", (1,), "outside the window"),
    "nothing left": (
        {**TABLE, "n": [0, 0], "days": [0, 0]},
        {"exposure": "days"},
        "exposure",
        (),
        "No cell has any exposure",
    ),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_bad_tables_are_refused_with_column_rows_and_hint(case):
    frame, options, column, rows, message = BAD_TABLES[case]
    options = {"n": "n", "start": "month", "freq": "MS", "date_format": "%Y-%m", **options}
    with pytest.raises(DataError, match=f"(?s){message}") as caught:
        Counts.from_table(pd.DataFrame(frame), **options)
    assert caught.value.column == column
    assert caught.value.rows == rows
    assert caught.value.hint


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda c: c.aggregate("place"), "No key is called 'place'.*Keys: reason"),
        (lambda c: c.select(reason="b"), "No cell has reason='b'.*'a'"),
        (lambda c: c.select(place="b"), "No key or covariate is called 'place'"),
        (lambda c: c.select([True]), "one True or False for every cell"),
        (lambda c: c.select(np.zeros(2, dtype=bool)), "No cell is left"),
        (lambda c: c.plot(), "no dates"),
    ],
)
def test_wrong_requests_say_what_there_is(act, message):
    counts = Counts.from_table({"n": [1, 2], "reason": ["a", "a"]}, n="n", by="reason")
    with pytest.raises(DataError, match=message):
        act(counts)


def test_ten_million_bad_rows_are_refused_at_once():
    frame = pd.DataFrame({"left": np.full(2_000_000, np.datetime64("2014-01-01"), dtype="datetime64[ns]")})
    begin = time.perf_counter()
    with pytest.raises(DataError, match="2000000 dates lie outside") as caught:
        Counts.from_frame(frame, date="left", window=("2013-01-01", "2013-12-31"))
    assert caught.value.n_rows == 2_000_000
    assert time.perf_counter() - begin < 5
