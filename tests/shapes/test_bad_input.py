"""Every line of the table of bad input: what is found, the rule, and what to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import exitmodels as xm

GOOD = {"time": [5, 8, 12, 3, 9, 7], "left": [1, 0, 1, 1, 0, 1], "age": [20.0, 31.0, 25.0, 40.0, 33.0, 28.0]}
LABELS = list("abcdef")


def frame(**changes: Any) -> pd.DataFrame:
    return pd.DataFrame({**GOOD, **changes}, index=LABELS)


def read(data: pd.DataFrame, **changes: Any) -> xm.Spells:
    return xm.Spells.from_frame(data, **{"exit": "time", "event": "left", **changes})


def dates(*days: str | None) -> pd.Series:
    return pd.to_datetime(pd.Series(days, index=LABELS[: len(days)]))


JOINED = pd.Series(pd.to_datetime(["2013-01-01"] * 6), index=LABELS)
LEFT = pd.Series(pd.to_datetime(["2013-03-05", "2013-04-01", "2013-05-01", "2013-06-01", "2013-07-01", "2013-08-01"]))
LEFT.index = LABELS

Case = tuple[Callable[[], Any], str | None, tuple[Any, ...] | None, str, str]
CASES: dict[str, Case] = {
    "missing time": (
        lambda: read(frame(time=[5, 8, np.nan, 3, 9, 7])),
        "time",
        ("c",),
        "1 values are missing or infinite",
        'missing="drop"',
    ),
    "infinite time": (
        lambda: read(frame(time=[5, np.inf, 12, 3, 9, 7])),
        "time",
        ("b",),
        "missing or infinite",
        'missing="drop"',
    ),
    "missing nullable time": (
        lambda: read(frame(time=pd.array([5, None, 12, 3, 9, 7], dtype="Int64"))),
        "time",
        ("b",),
        "missing",
        'missing="drop"',
    ),
    "missing weight": (
        lambda: read(frame(w=[1, 1, 1, None, 1, 1]), weight="w"),
        "w",
        ("d",),
        "missing",
        'missing="drop"',
    ),
    "missing covariate": (
        lambda: xm.Cox("age").fit(read(frame(age=[20.0, np.nan, 25, 40, 33, np.inf]))),
        "age",
        ("b", "f"),
        "2 values are missing or infinite",
        'missing="drop"',
    ),
    "negative duration": (
        lambda: read(frame(time=[5, -8, 12, 3, 9, 7])),
        "time",
        ("b",),
        "1 negative durations (first: entry=0, time=-8)",
        "day_fraction=0.5",
    ),
    "exit on entry": (
        lambda: read(frame(start=[5, 1, 1, 1, 1, 1]), entry="start"),
        "time",
        ("a",),
        "do not end after they begin (first: start=5, time=5)",
        "day_fraction=0.5",
    ),
    "no event in a regression": (
        lambda: xm.Cox("age").fit(read(frame(left=0))),
        None,
        None,
        "Nobody left for left",
        "event=",
    ),
    "no event in a test": (
        lambda: xm.logrank_test(read(frame(left=0, g=list("xyxyxy"))), by="g"),
        None,
        None,
        "Nobody left",
        "event=",
    ),
    "fewer events than columns": (
        lambda: xm.Cox("age + x + y").fit(
            read(frame(left=[1, 0, 1, 0, 0, 0], x=[1, 5, 2, 7, 3, 3.5], y=[2, 1, 4, 9, 1, 0]))
        ),
        None,
        None,
        "2 exits for 3 columns",
        "fewer columns",
    ),
    "one row": (lambda: xm.Cox("age").fit(read(frame().iloc[:1])), None, None, "one row", "compares people"),
    "constant column": (
        lambda: xm.Cox("age + one").fit(read(frame(one=7.0))),
        "one",
        None,
        "one is constant",
        'collinear="drop"',
    ),
    "collinear column": (
        lambda: xm.Cox("age + months").fit(read(frame(months=[v * 12 for v in GOOD["age"]]))),
        "months",
        None,
        "months = 12 * age + constant",
        'collinear="drop"',
    ),
    "no variation within strata": (
        lambda: xm.Cox("g + strata(u)").fit(read(frame(g=[1, 1, 1, 2, 2, 2], u=list("xxxyyy")))),
        "g",
        None,
        "does not differ among people at risk at the same time",
        "constant within the strata",
    ),
    "text in a numeric column": (
        lambda: read(frame(time=["5", "8", "a year", "3", "9", "7"])),
        "time",
        ("a", "b", "c", "d", "e", "f"),
        "holds text values such as",
        "Convert it before reading",
    ),
    "event coded 1/2": (
        lambda: read(frame(left=[1, 2, 1, 2, 2, 1])),
        "left",
        ("b", "d", "e"),
        "1, 2",
        "censor=[value that means not yet]",
    ),
    "event coded with three reasons": (
        lambda: read(frame(left=[0, 2, 1, 3, 2, 1])),
        "left",
        ("b", "d", "e"),
        "0, 1, 2, 3",
        "reason of its own",
    ),
    "fractional event": (
        lambda: read(frame(left=[0, 0.5, 1, 1, 0, 1])),
        "left",
        ("b",),
        "0, 0.5, 1",
        "censor=",
    ),
    "reasons without censor": (
        lambda: read(frame(left=["in", "visit", "in", "cure", "in", "visit"])),
        "left",
        None,
        "'cure', 'in', 'visit'",
        "censor=[...]",
    ),
    "missing reason": (
        lambda: read(frame(left=["in", None, "cure", "cure", "in", "cure"]), censor="in"),
        "left",
        ("b",),
        "a missing label is not a reason",
        "unknown=",
    ),
    "reasons in a one-event model": (
        lambda: xm.KaplanMeier().fit(read(frame(left=["in", "visit", "cure", "cure", "in", "visit"]), censor="in")),
        None,
        None,
        "2 causes of exit, and none was chosen",
        'event="any", or one of: cure, visit',
    ),
    "unknown cause": (
        lambda: xm.KaplanMeier(event="trade").fit(read(frame(left=list("xyzyzx")), censor="z")),
        None,
        None,
        "'trade' is not a cause of exit",
        "Causes: x, y",
    ),
    "unknown level at predict": (
        lambda: xm.Cox("g").fit(read(frame(g=list("uvuvuv")))).predict({"g": ["u", "w"]}),
        "g",
        (1,),
        "'w' was not in the data of the fit",
        "Known levels: u, v",
    ),
    "negative weight": (
        lambda: read(frame(w=[1, -1, 1, 1, 1, -2]), weight="w"),
        "w",
        ("b", "f"),
        "2 weights are negative",
        "cannot be below zero",
    ),
    "all-zero weights": (lambda: read(frame(w=0), weight="w"), "w", None, "All weights are zero", "Leave"),
    "fractional frequency weights": (
        lambda: read(frame(w=[1, 2, 1.5, 1, 1, 1]), weight="w"),
        "w",
        ("c",),
        "not whole numbers (first: 1.5)",
        'weights="sampling"',
    ),
    "dates as text without a format": (
        lambda: read(frame(joined=["03/04/2013"] * 6, gone=["05/06/2013"] * 6), origin="joined", exit="gone"),
        "joined",
        None,
        "Dates are written as text, such as '03/04/2013'",
        "date_format=",
    ),
    "dates that do not fit the format": (
        lambda: read(
            frame(joined=["03/04/2013"] * 6, gone=["05/06/2013"] * 5 + ["2013-06-07"]),
            origin="joined",
            exit="gone",
            date_format="%d/%m/%Y",
        ),
        "gone",
        ("f",),
        "1 dates do not fit",
        "Correct the format",
    ),
    "dates without an origin": (
        lambda: read(frame(time=LEFT)),
        "time",
        None,
        "a date is not a duration",
        "origin=",
    ),
    "time zones": (
        lambda: read(frame(joined=JOINED, gone=LEFT.dt.tz_localize("UTC")), origin="joined", exit="gone"),
        "gone",
        None,
        "carry the time zone UTC",
        'timezone="UTC"',
    ),
    "mixed kinds": (
        lambda: read(
            frame(joined=JOINED, gone=np.array([dt.date(2013, 5, 1), "2013-06-01", None, 3, None, None], dtype=object)),
            origin="joined",
            exit="gone",
        ),
        "gone",
        None,
        "mixes date",
        "Make it one kind",
    ),
    "missing exit date is not today": (
        lambda: read(frame(joined=JOINED, gone=LEFT.where(LEFT.index != "b")), origin="joined", exit="gone"),
        "gone",
        ("b",),
        "missing",
        'missing="drop"',
    ),
    "exit outside the window": (
        lambda: read(
            frame(joined=JOINED, gone=LEFT), origin="joined", exit="gone", window=("2013-03-01", "2013-07-15")
        ),
        "gone",
        ("f",),
        "1 spells end outside the window 2013-03-01 to 2013-07-15 (first: 2013-08-01)",
        "Correct the window or the dates",
    ),
    "people who stayed under exits-only": (
        lambda: read(
            frame(joined=JOINED, gone=LEFT),
            origin="joined",
            exit="gone",
            window=("2013-03-01", "2013-08-15"),
            scheme="exits-only",
        ),
        None,
        ("b", "e"),
        "people who had not left",
        'scheme="censored"',
    ),
    "empty table": (lambda: read(frame().iloc[:0]), None, None, "no rows", "Check the filter"),
    "no such column": (lambda: read(frame(), exit="tme"), "tme", None, "no column 'tme'", "Did you mean 'time'"),
    "no such covariate": (
        lambda: xm.Cox("agee").fit(read(frame())),
        "agee",
        None,
        "names 'agee', which is not a column",
        "Columns: time, left, age",
    ),
    "a left-hand side": (lambda: xm.Cox("time ~ age").fit(read(frame())), None, None, "left-hand side", "only the cov"),
    "an infinite term": (
        lambda: xm.Cox("log(age - 20)").fit(read(frame())),
        "log(age - 20)",
        ("a",),
        "not finite in 1 rows",
        "logarithm of zero",
    ),
    "a month as unit": (
        lambda: read(frame(joined=JOINED, gone=LEFT), origin="joined", exit="gone", unit="M"),
        None,
        None,
        "unit='M' has no fixed length",
        "D, W, Y",
    ),
    "not a table": (lambda: xm.Spells.from_frame(7, exit="x"), None, None, "A int is not a table", "PyArrow table"),
    "clusters that are not there": (
        lambda: xm.Cox("age", vcov="cluster").fit(read(frame())),
        None,
        None,
        'vcov="cluster" needs clusters',
        "cluster(column)",
    ),
    "a date outside the data": (
        lambda: read(frame(joined=JOINED, gone=LEFT), origin="joined", exit="gone").split("2016-10-04", by="calendar"),
        None,
        None,
        "these records cannot show what changed there",
        "records that span the date",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_message_says_what_where_and_what_to_do(name: str) -> None:
    make, column, rows, found, hint = CASES[name]
    with pytest.raises(xm.DataError) as caught:
        make()
    error = caught.value
    assert found in str(error)
    assert hint in f"{error.hint}"
    assert error.hint in str(error)
    assert error.code
    if column is not None:
        assert error.column == column
        assert f"Column {column!r}" in str(error)
    if rows is not None:
        assert error.rows == rows
        assert str(rows[0]) in str(error)


def test_a_question_the_data_cannot_answer_has_its_own_error() -> None:
    spells = read(frame(joined=JOINED, gone=LEFT), origin="joined", exit="gone")
    with pytest.raises(xm.IdentificationError, match="429 days after the last"):
        spells.split("2014-10-04", by="calendar")


def test_only_the_first_ten_rows_are_named_and_all_are_counted() -> None:
    with pytest.raises(xm.DataError) as caught:
        xm.Spells.from_frame({"t": -np.arange(1, 41), "e": 1}, exit="t")
    assert len(caught.value.rows) == 10
    assert caught.value.n_rows == 40
    assert "30 more" in str(caught.value)


def test_dropped_rows_stand_in_the_ledger_and_the_summary() -> None:
    data = frame(time=[5, 8, np.nan, 3, 9, 7], age=[32.0, 31, 25, np.nan, 33, 28])
    spells = read(data, missing="drop")
    assert (spells.ledger.read, spells.ledger.used) == (6, 5)
    assert spells.ledger.entries[0].rows == ("c",)
    fit = xm.Cox("age").fit(spells)
    assert fit.nobs == fit.ledger.used == 4
    assert "2 of 6 records were set aside" in str(fit.summary())
    assert "missing in a column of 'age'" in str(fit.ledger)


def test_a_missing_value_in_an_unused_column_changes_nothing() -> None:
    plain = xm.Cox("age").fit(read(frame()))
    other = xm.Cox("age").fit(read(frame(note=[None, "x", None, "y", "z", None]), missing="drop"))
    assert other.nobs == plain.nobs
    assert float(other.params["age"]) == float(plain.params["age"])


def test_no_event_gives_a_curve_at_one_with_a_note() -> None:
    curve = xm.KaplanMeier().fit(read(frame(left=0)))
    assert set(curve.estimate) == {1.0}
    assert "nobody left" in curve.warnings[0]


def test_collinear_columns_can_be_dropped_and_are_named() -> None:
    data = frame(months=[v * 12 for v in GOOD["age"]])
    fit = xm.Cox("age + months", collinear="drop").fit(read(data))
    assert fit.names == ("age",)
    assert "months" in fit.warnings[0]


def test_same_day_exits_may_be_given_a_length() -> None:
    spells = read(frame(time=[5, 0, 12, 3, 0, 7]), day_fraction=0.5)
    assert spells.exit.tolist() == [5, 0.5, 12, 3, 0.5, 7]
    assert "given a length of 0.5" in str(spells.ledger)


def test_arabic_and_persian_digits_are_read_with_a_format() -> None:
    data = frame(joined=["٠١/٠١/٢٠١٣"] * 6, gone=["۰۵/۰۳/۲۰۱۳"] * 6)
    spells = read(data, origin="joined", exit="gone", date_format="%d/%m/%Y")
    assert set(spells.exit) == {63}


def test_time_zones_are_read_when_the_zone_is_named() -> None:
    late = pd.Series(pd.to_datetime(["2013-03-05 23:30"] * 6).tz_localize("UTC"), index=LABELS)
    utc = read(frame(joined=JOINED, gone=late.dt.floor("D")), origin="joined", exit="gone", timezone="UTC")
    there = read(frame(joined=JOINED, gone=late), origin="joined", exit="gone", timezone="Asia/Baghdad")
    assert set(utc.exit) == {63}
    assert np.allclose(there.exit, 64 + 2.5 / 24)


def test_timedeltas_are_read_in_the_unit_asked_for() -> None:
    data = frame(time=pd.to_timedelta(GOOD["time"], unit="D"))
    assert read(data).exit.tolist() == GOOD["time"]
    assert np.allclose(read(data, unit="W").exit, np.array(GOOD["time"]) / 7)


def test_missing_exit_dates_may_be_stays_open_at_the_close() -> None:
    data = frame(joined=JOINED, gone=LEFT.where(LEFT.index != "b"))
    spells = read(data, origin="joined", exit="gone", window=("2013-01-01", "2013-08-31"), open_end="window")
    assert spells.exit[1] == (dt.date(2013, 8, 31) - dt.date(2013, 1, 1)).days
    assert spells.event[1] == 0
    with pytest.raises(xm.DataError, match="though the row is an exit"):
        read(data.assign(left=1), origin="joined", exit="gone", window=("2013-01-01", "2013-08-31"), open_end="window")


def test_missing_reasons_get_the_meaning_they_are_given() -> None:
    data = frame(left=["in", None, "cure", "cure", "in", "cure"])
    assert read(data, censor=["in", None]).event.tolist() == [0, 0, 1, 1, 0, 1]
    named = read(data, censor="in", unknown="blank")
    assert named.causes == ("cure", "blank")
    assert named.event.tolist() == [0, 2, 1, 1, 0, 1]
    assert "1 missing reasons are counted as 'blank'" in str(named.ledger)


@pytest.mark.parametrize("model", [xm.KaplanMeier(), xm.NelsonAalen(), xm.AalenJohansen(), xm.Cox("age")])
def test_models_refuse_records_of_exits_only(model: Any) -> None:
    data = frame(joined=JOINED, gone=LEFT)
    spells = xm.Spells.from_frame(
        data, origin="joined", exit="gone", window=("2013-03-01", "2013-08-15"), scheme="exits-only"
    )
    with pytest.raises(xm.SchemeError, match=r"DoublyTruncated or RightTruncated.*TruncatedCox"):
        model.fit(spells)
    assert spells.left_limit is not None
    assert spells.left_limit.tolist() == [58.0] * 6
    assert spells.right_limit is not None
    assert spells.right_limit.tolist() == [226.0] * 6


def test_a_log_rank_test_refuses_them_too() -> None:
    spells = xm.Spells(exit=[5, 6], right_limit=[9, 9], left_limit=[0, 0], covariates={"g": [0, 1]})
    with pytest.raises(xm.SchemeError, match="biased"):
        xm.logrank_test(spells, by="g")


def test_interval_times_are_stored_and_exact_models_refuse_them() -> None:
    spells = read(frame(low=[4, 7, 11, 2, 8, 6]), lower="low", upper="time")
    assert spells.lower is not None
    assert spells.lower.tolist() == [4, 7, 11, 2, 8, 6]
    with pytest.raises(xm.SchemeError, match="only known to lie between"):
        xm.KaplanMeier().fit(spells)


def test_ten_million_rows_of_the_wrong_kind_are_refused_alike() -> None:
    n = 1_000_000
    big = pd.DataFrame({"time": np.ones(n), "left": np.full(n, 3)})
    with pytest.raises(xm.DataError, match="The event column holds 3"):
        read(big)
    big["time"] = -1.0
    with pytest.raises(xm.DataError, match="1000000 negative durations"):
        read(big.assign(left=1))
