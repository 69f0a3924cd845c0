"""Dates known as ranges, several labels, person-time, effort, longer periods, and the fast way to count."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import exitmodels as xm
from exitmodels.errors import DataError
from exitmodels.shapes import dense
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.imprecise import spread_days

WINDOW = ("2014-01-01", "2014-03-31")


def day(number):
    return np.datetime64("2014-01-01") + np.asarray(number, dtype="timedelta64[D]")


# ---- ranges ----------------------------------------------------------------------------------------------------------
def ranges(n=60, seed=1):
    rng = np.random.default_rng(seed)
    low = rng.integers(0, 80, n)
    high = np.minimum(low + rng.choice([0, 0, 3, 20], n), 89)
    return pd.DataFrame({"low": low, "high": high, "reason": rng.choice(["a", "b"], n), "times": rng.integers(1, 3, n)})


@given(st.integers(0, 200), st.sampled_from(["D", "W", "MS", "10D"]))
def test_a_range_counts_in_proportion_to_its_days_in_each_period(seed, freq):
    """The definition: each record gives each of its days the same part."""
    frame = ranges(25, seed)
    dated = frame.assign(left=day(frame.low), to=day(frame.high))
    options = {"date": "left", "until": "to", "by": "reason", "weight": "times", "window": WINDOW}
    counts = Counts.from_frame(dated, freq=freq, **options)
    slow = np.zeros((90, 2))
    for row in frame.itertuples():
        slow[row.low : row.high + 1, "ab".index(row.reason)] += row.times / (row.high - row.low + 1)
    cells = counts.to_frame()
    first = np.datetime64(WINDOW[0])
    for cell in cells.itertuples():
        a, b = ((np.datetime64(v, "D") - first).astype(int) for v in (cell.start, cell.end))
        if "ab".index(cell.reason) < 2:
            assert_allclose(cell.n, slow[a:b, "ab".index(cell.reason)].sum(), atol=1e-9)
    assert_allclose(counts.total, frame.times.sum())


def test_months_are_whole_when_counted_by_month():
    frame = {"left": ["2014-01", "2014-02-03", "2014-03"], "known": ["month", "day", "month"]}
    formats = {"month": "%Y-%m", "day": "%Y-%m-%d"}
    options = {"date": "left", "precision": "known", "date_format": formats, "window": WINDOW}
    monthly = Counts.from_frame(frame, freq="MS", **options)
    assert monthly.whole
    assert monthly.n.tolist() == [1, 1, 1]
    weekly = Counts.from_frame(frame, freq="W", **options)
    assert not weekly.whole
    assert_allclose(weekly.total, 3)
    assert "2 dates are known only to within a range" in str(weekly.ledger)


@pytest.mark.parametrize(
    ("word", "low", "high"),
    [
        ("day", "2014-02-05", "2014-02-05"),
        ("week", "2014-02-03", "2014-02-09"),
        ("month", "2014-02-01", "2014-02-28"),
        ("quarter", "2014-01-01", "2014-03-31"),
        ("year", "2014-01-01", "2014-12-31"),
        ("hijri month", "2014-02-01", "2014-03-01"),
    ],
)
def test_each_precision_names_its_period(word, low, high):
    frame = {"left": pd.to_datetime(["2014-02-05"]), "known": [word]}
    counts = Counts.from_frame(frame, date="left", precision="known", window=("2013-12-01", "2015-01-31"))
    seen = np.flatnonzero(counts.n)
    assert str(counts.start[seen[0]]) == low
    assert str(counts.start[seen[-1]]) == high


def test_a_range_is_cut_at_the_window_and_said():
    frame = {"left": pd.to_datetime(["2013-12-30", "2014-02-01"]), "to": pd.to_datetime(["2014-01-02", "2014-02-01"])}
    counts = Counts.from_frame(frame, date="left", until="to", window=WINDOW)
    assert counts.n[:3].tolist() == [0.5, 0.5, 0.0]
    assert "1 of these ranges were cut" in str(counts.ledger)


def test_imputations_put_each_record_on_one_of_its_days():
    frame = ranges(40)
    dated = frame.assign(left=day(frame.low), to=day(frame.high))
    counts = Counts.from_frame(dated, date="left", until="to", by="reason", freq="W", window=WINDOW)
    drawn = counts.imputations(400, rng=7)
    assert all(made.whole and made.total == 40 for made in drawn)
    mean = np.mean([made.n for made in drawn], axis=0)
    assert np.abs(mean - counts.n).max() < 4 * np.sqrt(np.maximum(counts.n, 1).max() / 400)
    again = counts.imputations(2, rng=7)
    assert_array_equal(again[1].n, drawn[1].n)
    assert not np.array_equal(again[0].n, again[1].n)


def test_whole_counts_impute_to_themselves():
    counts = Counts.from_frame({"left": day([1, 4])}, date="left", window=WINDOW)
    assert_array_equal(counts.imputations(2, rng=1)[1].n, counts.n)


def test_imputations_come_before_sums():
    counts = Counts.from_frame(
        {"left": day([1]), "to": day([40]), "reason": ["a"]}, date="left", until="to", by="reason", window=WINDOW
    )
    with pytest.raises(DataError, match=r"no longer hold the uncertain records.*as read"):
        counts.aggregate().imputations(2, rng=1)


@pytest.mark.parametrize(
    "act",
    [
        lambda c: xm.rate(c),
        lambda c: xm.shares(c, "reason"),
        lambda c: xm.boundary_test(c),
        lambda c: xm.rate_change(c, "2014-02-01", min_events=0),
        lambda c: xm.homogeneity_test(c),
        lambda c: xm.scan_test(c, 7),
        lambda c: xm.CountRegression("time").fit(c),
        lambda c: xm.CountRegression("time", family="nb2", vcov="robust").fit(c),
        lambda c: xm.InterruptedSeries(at="2014-02-01").fit(c),
        lambda c: xm.CountAR().fit(c.aggregate()),
    ],
)
def test_exact_answers_and_likelihoods_refuse_expected_counts(act):
    frame = ranges(60).assign(left=lambda f: day(f.low), to=lambda f: day(f.high))
    counts = Counts.from_frame(frame, date="left", until="to", by="reason", window=WINDOW)
    with pytest.raises(DataError, match="expected ones") as caught:
        act(counts)
    assert caught.value.code == "expected-counts"
    assert "imputations" in caught.value.hint


def test_imputations_are_fitted_and_pooled():
    """Near the fit to the true days, and a little less sure."""
    frame = ranges(200).assign(left=lambda f: day(f.low), to=lambda f: day(f.high))
    counts = Counts.from_frame(frame, date="left", until="to", freq="W", window=WINDOW)
    true = Counts.from_frame(
        frame.assign(left=lambda f: day((f.low + f.high) // 2)), date="left", freq="W", window=WINDOW
    )
    plain = xm.CountRegression("time").fit(true)
    pooled = xm.pool([xm.CountRegression("time").fit(made) for made in counts.imputations(30, rng=2)])
    assert abs(plain.estimate[1] - pooled.estimate[1]) < 0.5 * pooled.standard_errors[1]
    assert pooled.standard_errors[1] > 0.98 * plain.standard_errors[1]
    assert 0 < pooled.missing_information["time"] < 0.5
    assert "30 imputations" in str(pooled)
    wide = pooled.conf_int().loc["time"]
    assert wide["low"] < pooled.estimate[1] < wide["high"]


def test_pooling_by_hand():
    """Rubin's rules on two fits with known numbers."""
    cells = Counts.from_table({"n": [4, 6, 9], "x": [0, 1, 2]}, n="n", covariates=["x"])
    other = Counts.from_table({"n": [5, 5, 9], "x": [0, 1, 2]}, n="n", covariates=["x"])
    fits = [xm.CountRegression("x").fit(c) for c in (cells, other)]
    pooled = xm.pool(fits)
    between = (fits[0].estimate[1] - fits[1].estimate[1]) ** 2 / 2
    within = (fits[0].covariance[1, 1] + fits[1].covariance[1, 1]) / 2
    assert_allclose(pooled.covariance[1, 1], within + 1.5 * between, rtol=1e-12)
    assert_allclose(pooled.df[1], (1 + within / (1.5 * between)) ** 2, rtol=1e-10)
    with pytest.raises(DataError, match="1 fits"):
        xm.pool(fits[:1])
    with pytest.raises(DataError, match="different coefficients"):
        xm.pool([fits[0], xm.CountRegression("1").fit(cells)])


@pytest.mark.parametrize(
    ("change", "options", "code"),
    [
        ({"to": day([5, 3])}, {"until": "to"}, "range"),
        ({"known": ["day", "decade"]}, {"precision": "known"}, "precision"),
        ({"known": [1, 2]}, {"precision": "known"}, "precision"),
        ({"known": ["day", "day"], "to": day([9, 9])}, {"precision": "known", "until": "to"}, "range"),
        ({}, {"date_format": {"day": "%Y"}}, "date-format"),
        ({"to": [np.datetime64("2014-01-09"), np.datetime64("NaT")]}, {"until": "to"}, "missing"),
        ({"to": day([4, 30]), "e": [1.0, 1.0]}, {"until": "to", "exposure": "e"}, "exposure"),
    ],
)
def test_bad_ranges_are_refused(change, options, code):
    frame = pd.DataFrame({"left": day([4, 8])}).assign(**change)
    with pytest.raises(DataError) as caught:
        Counts.from_frame(frame, date="left", window=WINDOW, **options)
    assert caught.value.code == code
    assert caught.value.hint


def test_ranges_wholly_outside_the_window_follow_the_rule():
    frame = pd.DataFrame({"left": day([-40, 3]), "to": day([-20, 5])})
    with pytest.raises(DataError, match="1 dates lie outside"):
        Counts.from_frame(frame, date="left", until="to", window=WINDOW)
    kept = Counts.from_frame(frame, date="left", until="to", window=WINDOW, outside="set aside")
    assert kept.total == 1
    assert kept.ledger.n_set_aside == 1


def test_spreading_conserves_what_is_spread():
    rng = np.random.default_rng(3)
    low = rng.integers(0, 300, 5000)
    high = np.minimum(low + 1 + rng.integers(0, 40, 5000), 330)
    made = spread_days(low, high, rng.random(5000), rng.integers(0, 7, 5000), (330, 7))
    assert np.all(made >= 0)
    assert made.shape == (330, 7)


# ---- several labels --------------------------------------------------------------------------------------------------
LABELLED = pd.DataFrame(
    {
        "left": day([0, 0, 1, 40, 40, 70]),
        "reason": [
            "visit; treatment",
            "treatment",
            "trade;visit ;",
            "visit",
            "treatment; treatment",
            "trade; visit; work",
        ],
        "place": ["x", "y", "x", "x", "y", "y"],
    }
)


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("first", {"visit": 2, "treatment": 2, "trade": 2}),
        ("all", {"visit": 4, "treatment": 3, "trade": 2, "work": 1}),
        ("fractional", {"visit": 1 / 2 + 1 / 2 + 1 + 1 / 3, "treatment": 2.5, "trade": 1 / 2 + 1 / 3, "work": 1 / 3}),
    ],
)
def test_three_ways_to_count_labels(rule, wanted):
    counts = Counts.from_frame(LABELLED, date="left", by="reason", labels=rule, separator=";", freq="MS", window=WINDOW)
    found = counts.to_frame().groupby("reason")["n"].sum().to_dict()
    assert found == pytest.approx(wanted)
    assert counts.total == pytest.approx(6)
    assert "3 records name several values of reason" in str(counts.ledger)
    assert counts.whole == (rule != "fractional")


def test_shares_of_labels_that_overlap_are_shares_of_records():
    options = {"date": "left", "by": ["reason", "place"], "separator": ";", "freq": "MS", "window": WINDOW}
    counts = Counts.from_frame(LABELLED, labels={"reason": "all"}, **options)
    found = xm.shares(counts, "reason")
    assert found.total == 6
    assert found.to_frame().loc["visit", "n"] == 4
    assert "add to more than one" in str(found)
    places = xm.shares(counts, "place")
    assert places.to_frame()["n"].tolist() == [3, 3]
    assert xm.rate(counts).n == 6
    assert xm.rate(counts, by="reason").to_frame().loc["visit", "n"] == 4
    assert counts.select(place="x").total == 3
    assert counts.aggregate("place").total == 6
    assert counts.aggregate(freq="YS").total == 6
    with pytest.raises(DataError, match="count some records more than once"):
        counts.aggregate("reason")
    with pytest.raises(DataError, match="exclude one another"):
        xm.shares(counts, "reason", method="goodman")
    assert xm.shares(counts, "reason", method="bonferroni").high[0] <= 1


def test_imputed_labels_are_one_of_those_named():
    options = {"date": "left", "by": "reason", "separator": ";", "freq": "MS", "window": WINDOW}
    counts = Counts.from_frame(LABELLED, labels="fractional", **options)
    drawn = counts.imputations(600, rng=4)
    assert {made.total for made in drawn} == {6}
    # 600 draws
    assert_allclose(np.mean([made.n for made in drawn], axis=0), counts.n, atol=0.1)


def test_labels_and_ranges_together():
    """A record with two labels and two possible days is in four cells by quarters."""
    frame = {"left": day([4]), "to": day([5]), "reason": ["a; b"]}
    options = {"date": "left", "until": "to", "by": "reason", "separator": ";", "window": WINDOW}
    counts = Counts.from_frame(frame, labels="fractional", **options)
    assert counts.n[8:12].tolist() == [0.25] * 4
    both = Counts.from_frame(frame, labels="all", **options)
    assert both.n[8:12].tolist() == [0.5] * 4
    assert both.total == pytest.approx(1)
    for made in both.imputations(20, rng=1):
        assert sorted(made.n[8:12].tolist()) == [0, 0, 1, 1]
        assert made.n[8] == made.n[9]  # both labels fall on the day drawn


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": "all"}, "belong together"),
        ({"separator": ";"}, "belong together.*labels="),
        ({"labels": "most", "separator": ";"}, "labels='most' is not known.*fractional"),
        ({"labels": {"motive": "all"}, "separator": ";"}, "not one of by="),
        ({"labels": "all", "separator": ";", "by": ["reason", "place"]}, "not clear.*Name the one key"),
        ({"labels": "all", "separator": ";", "by": "size"}, "split from text"),
    ],
)
def test_labels_must_be_declared(options, message):
    frame = LABELLED.assign(size=1)
    with pytest.raises(DataError, match=f"(?s){message}"):
        Counts.from_frame(frame, date="left", window=WINDOW, **{"by": "reason", **options})


def test_a_text_without_any_label_is_missing():
    frame = LABELLED.assign(reason=[" ; ", *LABELLED["reason"][1:]])
    options = {"date": "left", "by": "reason", "labels": "all", "separator": ";", "window": WINDOW}
    with pytest.raises(DataError, match="1 values are missing") as caught:
        Counts.from_frame(frame, **options)
    assert caught.value.rows == (0,)
    assert Counts.from_frame(frame, missing="drop", **options).ledger.n_set_aside == 1


# ---- person-time and effort ------------------------------------------------------------------------------------------
def places():
    frame = pd.DataFrame({"left": day([0, 5, 33, 60]), "place": ["x", "y", "x", "y"]})
    return Counts.from_frame(frame, date="left", by="place", freq="MS", window=WINDOW, shared=False)


def test_person_days_are_sums_over_days():
    counts = places()
    stock = pd.DataFrame({"date": day([0, 10, 89]), "n": [100, 120, 41]})
    found = counts.person_time(stock)
    daily = np.interp(np.arange(90), [0, 10, 89], [100, 120, 41])
    wanted = [daily[:31].sum(), daily[31:59].sum(), daily[59:].sum()]
    assert_allclose(found, np.repeat(wanted, 2))
    steps = counts.person_time(stock, between="step")
    assert_allclose(steps[0], 10 * 100 + 21 * 120)


def test_person_days_by_place_and_as_a_range():
    counts = places()
    stock = pd.DataFrame(
        {"date": day([0, 89, 0, 89]), "place": ["x", "x", "y", "y"], "low": [10, 10, 5, 5], "high": [12, 12, 9, 9]}
    )
    low, high = counts.person_time(stock, n=("low", "high"), by="place")
    assert low[:2].tolist() == [310, 155]
    found = xm.rate(counts, (low, high), by="place", unit="person-day")
    assert_allclose(found.band[0], [2 / (90 * 12), 2 / (90 * 9)])
    assert_allclose(found.high[0], xm.rate(2, 900).high)
    with pytest.raises(DataError, match=r"range.*fit at both ends"):
        counts.with_exposure((low, high))
    held = counts.with_exposure(low, shared=False)
    assert held.total_exposure == 90 * 15
    assert held.unit == "person-days"
    assert "exposure replaced" in str(held.ledger)
    fits = [xm.CountRegression("place").fit(counts.with_exposure(e, shared=False)) for e in (low, high)]
    assert fits[0].estimate[0] > fits[1].estimate[0]


@pytest.mark.parametrize(
    ("stock", "options", "code"),
    [
        ({"date": day([5, 89]), "n": [1, 2]}, {}, "stock-range"),
        ({"date": day([0, 40]), "n": [1, 2]}, {}, "stock-range"),
        ({"date": day([0, 0, 89]), "n": [1, 2, 3]}, {}, "twice"),
        ({"date": day([0, 89]), "n": [1, -2]}, {}, "stock"),
        ({"date": day([0, 89]), "n": [1, np.nan]}, {}, "missing"),
        ({"date": day([0, 89]), "n": ["a", "b"]}, {}, "not-numeric"),
        ({"date": day([0, 89]), "n": [1, 2], "place": ["x", "x"]}, {"by": "place"}, "no-stock"),
        ({"date": day([0, 89]), "n": [1, 2]}, {"by": "reason"}, "no-key"),
        ({"date": day([0, 89]), "n": [1, 2]}, {"between": "spline"}, "between"),
        ({"date": day([0, 89]), "n": [3, 2], "m": [1, 1]}, {"n": ("n", "m")}, "range"),
    ],
)
def test_bad_stocks_are_refused(stock, options, code):
    if options.get("by") == "reason":
        stock = {**stock, "reason": ["x", "x"]}
    with pytest.raises(DataError) as caught:
        places().person_time(pd.DataFrame(stock), **options)
    assert caught.value.code == code


def test_stocks_may_be_held_beyond_their_days():
    found = places().person_time(pd.DataFrame({"date": day([5, 40]), "n": [10, 10]}), ends="hold")
    assert found.tolist() == [310, 310, 280, 280, 310, 310]


def test_effort_multiplies_exposure():
    counts = places().aggregate()
    twice = counts.with_effort({"2014-01": 1, "2014-02": 2, "2014-03": 0.5})
    assert twice.exposure.tolist() == [2 * 31, 2 * 2 * 28, 2 * 0.5 * 31]
    assert "effort" in twice.unit
    flat = xm.CountRegression("1").fit(counts).estimate[0]
    assert_allclose(xm.CountRegression("1").fit(counts.with_effort(2.0)).estimate[0], flat - np.log(2))
    for wrong, code in (({"2014-01": 1}, "effort"), ([1.0, 2.0], "shape"), (-1.0, "effort"), ("held", "no-column")):
        with pytest.raises(DataError) as caught:
            counts.with_effort(wrong)
        assert caught.value.code == code


# ---- longer periods --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("freq", ["W", "W-THU", "MS", "QS", "HM", "10D"])
def test_days_summed_are_the_longer_periods(freq):
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"left": day(rng.integers(0, 90, 300)), "reason": rng.choice(["a", "b"], 300)})
    daily = Counts.from_frame(frame, date="left", by="reason", window=WINDOW)
    direct = Counts.from_frame(frame, date="left", by="reason", freq=freq, window=WINDOW)
    pd.testing.assert_frame_equal(daily.aggregate(freq=freq).to_frame(), direct.to_frame())
    alone = Counts.from_frame(frame, date="left", freq=freq, window=WINDOW)
    assert_array_equal(daily.aggregate("reason", freq=freq).n, alone.n)
    assert_array_equal(daily.aggregate("reason", freq=freq).exposure, alone.exposure)


def test_weeks_do_not_fit_into_months():
    weekly = Counts.from_frame({"left": day([0, 50])}, date="left", freq="W", window=WINDOW)
    with pytest.raises(DataError, match=r'lies in two of the longer ones.*freq="D"'):
        weekly.aggregate(freq="MS")


def test_a_longer_period_that_lacks_days_is_partial():
    daily = Counts.from_frame({"left": day([0, 50])}, date="left", window=WINDOW)
    some = daily.select(daily.start != np.datetime64("2014-02-03"))
    monthly = some.aggregate(freq="MS")
    assert monthly.partial.tolist() == [False, True, False]
    assert monthly.exposure.tolist() == [31, 27, 31]
    assert "lack days" in str(monthly.ledger)


# ---- the fast way ----------------------------------------------------------------------------------------------------
@given(st.integers(0, 10**6), st.sampled_from(["D", "W", "MS"]), st.sampled_from(["ns", "us", "s"]))
def test_the_fast_way_gives_the_same_cells(seed, freq, unit):
    rng, n = np.random.default_rng(seed), dense._ROWS
    frame = pd.DataFrame(
        {
            "left": (day(rng.integers(0, 90, n)) + rng.integers(0, 86_400, n).astype("timedelta64[s]")).astype(
                f"datetime64[{unit}]"
            ),
            "reason": pd.Categorical.from_codes(rng.integers(1, 4, n), ["never", "c", "a", "b", "nor this"]),
            "place": rng.integers(-3, 4, n) * 2,
            "open": rng.random(n) < 0.5,
        }
    )
    options = {"date": "left", "by": ["reason", "place", "open"], "freq": freq, "window": WINDOW}
    fast = Counts.from_frame(frame, **options)
    slow = Counts.from_frame(frame.assign(one=1), weight="one", **options)
    pd.testing.assert_frame_equal(fast.to_frame(), slow.to_frame())
    for mine, other in zip(fast.key_columns, slow.key_columns, strict=True):
        assert mine.levels == other.levels
        assert_array_equal(mine.values, other.values)


def test_the_fast_way_leaves_odd_records_to_the_other():
    n = dense._ROWS
    frame = pd.DataFrame({"left": day(np.zeros(n)), "reason": "a"})
    frame.loc[7, "left"] = pd.NaT
    with pytest.raises(DataError, match="1 values are missing"):
        Counts.from_frame(frame, date="left", by="reason", window=WINDOW)
    frame.loc[7, "left"] = pd.Timestamp("2015-01-01")
    with pytest.raises(DataError, match="1 dates lie outside"):
        Counts.from_frame(frame, date="left", by="reason", window=WINDOW)
    with pytest.raises(DataError, match="no column 'gone'"):
        Counts.from_frame(frame, date="gone", by="reason", window=WINDOW)
