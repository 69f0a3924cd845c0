"""Rates, ratios, shares, the boundary test and the change at a date."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

import exitmodels as xm
from exitmodels.errors import DataError, IdentificationError
from exitmodels.models.counts.boundary import ties_at_the_extreme


def daily(n_by_day, first="2013-03-01"):
    """One date for each record, from counts by day."""
    return np.datetime64(first) + np.repeat(np.arange(len(n_by_day)), n_by_day)


def founding():
    """431 records in 539 days, the last day with four: the shape of the founding case, not its records."""
    n = np.ones(539, dtype=int)
    n[:111] = 0
    n[-1] = 4
    return xm.Counts.from_frame({"left": daily(n)}, date="left", window=("2013-03-01", "2014-08-21"))


def test_the_founding_rate():
    counts = founding()
    assert str(xm.rate(431, 539)).startswith("0.7996 (0.7259-0.8788)")
    assert str(xm.rate(counts)).startswith("0.7996 (0.7259-0.8788) per day; 431 events over 539 days")


def test_rates_of_reasons_share_their_days():
    frame = {"left": daily([2, 0, 1, 3]), "reason": ["a", "b", "a", "a", "b", "b"]}
    counts = xm.Counts.from_frame(frame, date="left", by="reason", window=("2013-03-01", "2013-03-10"))
    assert xm.rate(counts).estimate == 0.6


@pytest.mark.parametrize("method", ["garwood", "mid-p", "byar", "score", "jeffreys"])
def test_limits_scale_with_the_unit(method):
    """Seven times the rate per day is the rate per week."""
    day, week = xm.rate(11, 70, method=method), xm.rate(11, 10, method=method)
    assert_allclose([7 * day.low, 7 * day.high], [week.low, week.high])


def test_an_array_of_rates():
    result = xm.rate([0, 11, 431], [10, 12, 539], unit="day", labels=["a", "b", "c"])
    frame = result.to_frame()
    assert frame.index.tolist() == ["a", "b", "c"]
    for i, (n, t) in enumerate(((0, 10), (11, 12), (431, 539))):
        one = xm.rate(n, t)
        assert frame.iloc[i][["rate", "low", "high"]].tolist() == [one.estimate, one.low, one.high]
    assert len(str(result).splitlines()) == 3


@pytest.mark.parametrize("method", ["wald", "log-wald", "anscombe"])
def test_methods_without_limits_at_zero_say_what_was_given(method):
    result = xm.rate([0, 2], 10, method=method)
    assert result.low[0] == 0
    assert 0.2 < result.high[0] < 0.4
    assert np.all(result.low >= 0)
    if method != "anscombe":
        assert "exact ones are given there" in str(result)


def test_exposure_known_as_a_range_gives_a_range():
    """The low limit at the longest exposure, the high limit at the shortest."""
    result = xm.rate(11, (1, 12), unit="month")
    assert_allclose(result.band, (11 / 12, 11))
    assert_allclose([result.low, result.high], [xm.rate(11, 12).low, xm.rate(11, 1).high])
    assert np.isnan(result.estimate)
    assert "1 to 12 months" in str(result)


def test_without_exposure_there_is_a_count_and_no_rate():
    with pytest.raises(
        IdentificationError, match=r"no exposure was given.*11 \(5\.491-19\.68\).*What to do: Give exposure="
    ) as caught:
        xm.rate(11)
    assert caught.value.column == "exposure"


def test_a_rate_is_tested_against_a_known_one():
    """R: poisson.test(11, 30, r = 0.2)."""
    assert_allclose(xm.rate(11, 30, method="minlike").pvalue(0.2), 0.0599721888192026, rtol=1e-10)
    result = xm.rate(11, 30)
    assert_allclose(result.pvalue(result.low), 0.05, rtol=1e-9)
    assert xm.rate([11, 3], 30).pvalue(0.2).shape == (2,)


def test_results_can_be_saved_and_cited(tmp_path):
    for result in (xm.rate([1, 2], 3), xm.rate_ratio(11, 1, 2, 1), xm.shares({"a": 3, "b": 1})):
        result.save(tmp_path / "it.json")
        assert str(xm.load(tmp_path / "it.json")) == str(result)
    assert "Garwood" in xm.rate(1, 2).cite()
    assert "Przyborowski" in xm.rate_ratio(11, 1, 2, 1).cite()
    assert "Clopper" in xm.shares({"a": 3, "b": 1}).cite()


@pytest.mark.parametrize(
    ("n", "exposure", "options", "message"),
    [
        (-1, 10, {}, "not whole numbers of zero or more"),
        (1.5, 10, {}, "not whole numbers.*1.5"),
        (np.nan, 10, {}, "not whole numbers"),
        ("eleven", 10, {}, "is not a count"),
        (11, 0, {}, "not above zero and finite.*leave out rows"),
        (11, -3, {}, "not above zero and finite"),
        (11, np.inf, {}, "not above zero and finite"),
        (11, (12, 1), {}, "not a .low, high. range"),
        (11, 10, {"method": "exactly"}, "method='exactly' is not known.*garwood"),
        (11, 10, {"alpha": 5}, "alpha=5 is not between 0 and 1"),
    ],
)
def test_bad_rates_are_refused(n, exposure, options, message):
    with pytest.raises(DataError, match=message):
        xm.rate(n, exposure, **options)


# ---- ratios ----------------------------------------------------------------------------------------------------------
def test_a_ratio_prints_its_parts():
    result = xm.rate_ratio(11, 6, 20, 12, unit="month", labels=("after", "before"))
    assert str(result).splitlines()[0] == "ratio 1.1000 (0.4761-2.4082), p = 0.9325; 95 % limits, exact"
    assert result.to_frame().loc["ratio", "n"] == 31
    assert "after: 1.8333" in str(result)


def test_ratios_with_zeros_keep_a_finite_side():
    none, all_of_it = xm.rate_ratio(0, 10, 5, 12), xm.rate_ratio(5, 12, 0, 10)
    assert none.low == 0
    assert all_of_it.high == np.inf
    assert_allclose(none.high, 1 / all_of_it.low)
    both = xm.rate_ratio(0, 1, 0, 1)
    assert (both.low, both.high, both.pvalue) == (0, np.inf, 1)
    assert np.isnan(both.ratio)


@pytest.mark.parametrize(("bad", "message"), [((1, 0, 2, 1), "not above zero"), ((1.5, 1, 2, 1), "whole numbers")])
def test_bad_ratios_are_refused(bad, message):
    with pytest.raises(DataError, match=message):
        xm.rate_ratio(*bad)


@given(st.integers(0, 60), st.integers(1, 60), st.floats(0.1, 20))
def test_ratio_limits_do_not_depend_on_the_unit(n1, n2, unit):
    one, other = xm.rate_ratio(n1, 3, n2, 5), xm.rate_ratio(n1, 3 * unit, n2, 5 * unit)
    assert_allclose([one.low, one.high, one.pvalue], [other.low, other.high, other.pvalue], rtol=1e-9)


# ---- shares ----------------------------------------------------------------------------------------------------------
def test_three_of_four_says_little():
    result = xm.shares({"treatment": 3, "relative imprisoned": 1})
    assert_allclose([result.low[0], result.high[0]], [0.1941, 0.9937], atol=5e-5)
    assert_allclose([result.low[1], result.high[1]], [0.0063, 0.8059], atol=5e-5)


def test_shares_of_counts_sum_over_periods_and_other_keys():
    frame = {"left": daily([2, 0, 1, 3]), "reason": ["a", "b", "a", "a", "b", "b"], "unit": [1, 1, 2, 2, 1, 1]}
    counts = xm.Counts.from_frame(frame, date="left", by=["reason", "unit"], freq="D")
    result = xm.shares(counts, by="unit", method="wilson")
    assert dict(zip(result.names, result.n.tolist(), strict=True)) == {"1": 4, "2": 2}
    theirs = stats.binomtest(4, 6).proportion_ci(method="wilson")
    assert_allclose(result.to_frame().loc["1", ["low", "high"]].tolist(), [theirs.low, theirs.high])


@pytest.mark.parametrize(
    ("given_counts", "options", "message"),
    [
        ({"a": 0}, {}, "Nothing was counted"),
        ({"a": 1.5}, {}, "whole numbers"),
        ({"a": 1}, {"method": "best"}, "method='best' is not known.*wilson"),
        ({"a": 1}, {"alpha": 0}, "alpha=0"),
        (founding(), {}, "0 keys is not said.*count the records with by="),
        (founding(), {"by": "reason"}, "by='reason' is not a key"),
    ],
)
def test_bad_shares_are_refused(given_counts, options, message):
    with pytest.raises(DataError, match=message):
        xm.shares(given_counts, **options)


# ---- the boundary ----------------------------------------------------------------------------------------------------
def test_the_founding_boundary():
    test = xm.boundary_test(founding())
    found = test.to_frame()["probability"]
    assert_allclose(test.pvalue, 0.0164, atol=5e-5)
    assert_allclose(found["fixed day, Poisson"], 0.0091, atol=5e-5)
    # printed with three figures
    assert_allclose(found.filter(like="variance/mean"), [0.062, 0.104, 0.171, 0.258], atol=5e-4)
    assert test.statistic == 4
    assert "2014-08-21" in str(test)


@pytest.mark.parametrize(("n", "days"), [(3, 4), (4, 3), (5, 2)])
def test_ties_by_listing_every_outcome(n, days):
    outcomes = np.stack(np.meshgrid(*[np.arange(days)] * n), -1).reshape(-1, n)
    ties = (outcomes == outcomes.max(axis=1, keepdims=True)).sum(axis=1)
    for k in range(1, n + 1):
        assert_allclose(ties_at_the_extreme(n, days, k), (ties >= k).mean(), rtol=1e-12)


def test_ties_by_simulation():
    dates = np.random.default_rng(8).integers(0, 60, (40_000, 30))
    ties = (dates == dates.max(axis=1, keepdims=True)).sum(axis=1)
    for k in (1, 2, 3):
        share = (ties >= k).mean()
        assert abs(share - ties_at_the_extreme(30, 60, k)) < 4 * np.sqrt(0.25 / 40_000)


def test_the_two_sides_are_mirror_images():
    dates = np.random.default_rng(2).integers(1, 100, 50)
    assert xm.boundary_test(dates, 100, "first").pvalue == xm.boundary_test(101 - dates, 100, "last").pvalue


def test_dates_and_day_numbers_give_the_same():
    numbers = np.random.default_rng(2).integers(1, 31, 50)
    dates = pd.Series(np.datetime64("2013-12-31") + numbers)
    assert xm.boundary_test(dates, ("2014-01-01", "2014-01-31")).pvalue == xm.boundary_test(numbers, 31).pvalue


@pytest.mark.parametrize(
    ("dates", "window", "options", "message"),
    [
        ([1, 2], None, {}, "window is not given.*data cannot tell"),
        ([1, 40], 31, {}, "1 dates lie outside the window"),
        (np.array([], dtype=int), 31, {}, "no records"),
        ([1, 2], 31, {"side": "middle"}, "side='middle'"),
        ([1, 2], 31, {"ratios": (0.5,)}, "not above 1"),
        (pd.to_datetime(["2014-01-01", None]), ("2014-01-01", "2014-01-31"), {}, "1 dates are missing"),
        (["01/02/2014"], ("2014-01-01", "2014-01-31"), {}, "never guessed"),
    ],
)
def test_bad_dates_are_refused(dates, window, options, message):
    with pytest.raises(DataError, match=message):
        xm.boundary_test(dates, window, **options)


def test_counts_must_be_by_day():
    weekly = xm.Counts.from_frame({"left": daily([1, 2])}, date="left", freq="W")
    with pytest.raises(DataError, match=r'not by day.*freq="D"'):
        xm.boundary_test(weekly)


# ---- the change ------------------------------------------------------------------------------------------------------
def test_a_policy_after_the_last_record_cannot_be_judged():
    with pytest.raises(
        IdentificationError, match="last record is 775 days before that date; there is no observation after it"
    ):
        xm.rate_change(founding(), "2016-10-04")


def test_a_policy_before_the_first_day_cannot_be_judged():
    with pytest.raises(
        IdentificationError, match="begins on 2013-03-01, 59 days after that date; there is no observation before"
    ):
        xm.rate_change(founding(), "2013-01-01")


def test_a_policy_on_the_first_day_has_nothing_before_it():
    with pytest.raises(IdentificationError, match="no observation before it"):
        xm.rate_change(founding(), "2013-03-01")


def test_too_few_events_on_a_side():
    with pytest.raises(
        IdentificationError, match=r"0 before \(over 31 D\) and 431.*each side needs 5.*lower min_events"
    ):
        xm.rate_change(founding(), "2013-04-01")
    assert xm.rate_change(founding(), "2014-08-21", min_events=4).rates[0].n == 4


def test_a_change_is_the_ratio_of_the_two_sides():
    counts = founding()
    change = xm.rate_change(counts, "2014-06-29")
    after = counts.select(counts.start >= np.datetime64("2014-06-29"))
    direct = xm.rate_ratio(after.total, 54, 431 - after.total, 485)
    assert (change.ratio, change.low, change.high) == (direct.ratio, direct.low, direct.high)
    assert change.labels == ("from 2014-06-29", "before 2014-06-29")


def test_a_date_inside_a_period_needs_finer_counts():
    monthly = xm.Counts.from_frame({"left": daily(np.full(90, 1))}, date="left", freq="MS")
    with pytest.raises(DataError, match=r'falls inside the period 2013-04-01 to 2013-04-30.*freq="D"'):
        xm.rate_change(monthly, "2013-04-10")


def test_a_weekly_series_says_at_least():
    weekly = xm.Counts.from_frame(
        {"left": daily(np.full(90, 1))}, date="left", freq="W-THU", window=("2013-03-01", "2013-05-30")
    )
    with pytest.raises(IdentificationError, match="last record is at least 31 days before"):
        xm.rate_change(weekly, "2013-06-30")


def test_cells_without_dates_have_no_before():
    with pytest.raises(DataError, match="no dates"):
        xm.rate_change(xm.Counts.from_table({"n": [1]}, n="n"), "2014-01-01")
