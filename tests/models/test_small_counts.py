"""Rates by group, differences, shares, standardised rates, tests given the total and scans, as results."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

import exitmodels as xm
from exitmodels.errors import DataError
from exitmodels.models.counts.boundary import ties_at_the_extreme


def counted(by=("reason", "place"), freq="MS", **options):
    rng = np.random.default_rng(11)
    left = np.datetime64("2014-01-01") + rng.integers(0, 90, 60).astype("timedelta64[D]")
    frame = {"left": left, "reason": rng.choice(["a", "b"], 60), "place": rng.choice(["x", "y", "z"], 60)}
    window = ("2014-01-01", "2014-03-31")
    return xm.Counts.from_frame(frame, date="left", by=list(by), freq=freq, window=window, **options)


# ---- rates of Counts -------------------------------------------------------------------------------------------------
def test_rates_by_reason_share_their_days_and_places_add_theirs():
    counts = counted(by=("reason",))
    found = xm.rate(counts, by="reason").to_frame()
    assert found["exposure"].tolist() == [90, 90]
    assert found["n"].sum() == 60
    by_month = xm.rate(counts, by="period", method="mid-p")
    assert by_month.labels == ("2014-01", "2014-02", "2014-03")
    one = xm.rate(int(by_month.n[1]), 28, method="mid-p")
    assert_allclose([by_month.low[1], by_month.high[1]], [one.low, one.high], rtol=1e-12)
    places = counted(by=("place",), shared=False)
    assert xm.rate(places).exposure == 270
    assert xm.rate(places, by=["place", "period"]).labels[0] == "x, 2014-01"


def test_other_limits_of_the_same_rates():
    """conf_int at another level is what rate() gives at that level."""
    for options in ({}, {"method": "score"}, {"exposure_se": [1.0, 2.0, 1.0]}, {"exposure_se": 1.0, "method": "mover"}):
        made = xm.rate([0, 3, 11], [10, 20, 30], **options)
        again = xm.rate([0, 3, 11], [10, 20, 30], alpha=0.2, **options)
        assert_allclose(made.conf_int(0.2).to_numpy(), np.column_stack([again.low, again.high]), rtol=1e-12)
    band = xm.rate([3, 11], ([10, 20], [30, 40]))
    assert_allclose(band.conf_int(0.2).to_numpy()[:, 1], xm.rate([3, 11], [10, 20], alpha=0.2).high)


@pytest.mark.parametrize(
    "method", ["garwood", "mid-p", "blaker", "minlike", "byar", "score", "jeffreys", "wald", "log-wald"]
)
def test_no_interval_at_zero_is_empty_or_crossed(method):
    found = xm.rate(np.arange(30), 10.0, method=method)
    assert np.all(found.low >= 0)
    assert np.all(found.high > found.low)
    assert np.all(np.isfinite(found.high))


def test_estimated_exposures_say_what_they_add():
    found = xm.rate([0, 11], 626, exposure_se=147.3)
    assert np.isnan(found.denominator_share[0])
    # printed with four figures
    assert_allclose(found.denominator_share[1], 0.3785, atol=1e-4)
    assert "those of mover are given there" in str(found)
    wide = xm.rate(11, 626, exposure_se=400, method="fieller")
    assert wide.high == np.inf
    assert "no upper limit" in str(wide)
    linked = xm.rate(11, 626, exposure_se=147.3, covariance=100.0)
    assert linked.high < xm.rate(11, 626, exposure_se=147.3).high
    with pytest.raises(DataError, match="standard error"):
        linked.pvalue(0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"exposure": (1, 2), "exposure_se": 1}, "range, and has a standard error"),
        ({"exposure": 10, "exposure_se": 0}, "not above zero"),
        ({"exposure": 10, "exposure_se": 1, "method": "garwood"}, "garwood' is not known.*fieller"),
        ({"exposure": 10, "exposure_se": 1, "covariance": 50}, "larger than their variances allow"),
        ({"exposure": 10, "by": "reason"}, "by= chooses among the keys"),
    ],
)
def test_bad_estimated_exposures_are_refused(options, message):
    with pytest.raises(DataError, match=message):
        xm.rate(11, **options)


def test_unknown_groups_are_refused():
    with pytest.raises(DataError, match=r"by='office' is not a key.*period, reason, place"):
        xm.rate(counted(), by="office")


# ---- the protocol ----------------------------------------------------------------------------------------------------
RESULTS = {
    "rate": lambda: xm.rate([0, 11, 4], [10, 12, 3], labels=["none", "some", "few"], unit="month"),
    "band": lambda: xm.rate(11, (6, 12), unit="month"),
    "estimated": lambda: xm.rate(11, 626, exposure_se=147.3),
    "ratio": lambda: xm.rate_ratio(11, 1, 2, 1),
    "open ratio": lambda: xm.rate_ratio(5, 1, 0, 1),
    "difference": lambda: xm.rate_difference(11, 12, 2, 12, unit="month"),
    "shares": lambda: xm.shares({"treatment": 3, "family": 0, "other_reason": 8}, method="goodman"),
    "standardised": lambda: xm.standardised_rate([[2, 8], [5, 1]], [[10, 20], [30, 5]], [1, 1], labels=["a", "b"]),
    "standardised ratio": lambda: xm.standardised_rate([[2, 8], [5, 1]], [[10, 20], [30, 5]], [1, 1]).ratio(),
    "smr": lambda: xm.smr([35, 0], [6.6, 2.1], labels=["a", "b"]),
}


@pytest.mark.parametrize("name", RESULTS)
def test_every_result_keeps_the_protocol(name, tmp_path):
    made = RESULTS[name]()
    tidy = made.tidy()
    assert len(tidy) == len(made.params) == len(made.conf_int())
    assert np.all((tidy["low"] < tidy["high"]) & (tidy["low"] >= -1e9))
    assert made.converged
    assert isinstance(made.warnings, tuple)
    assert str(100 * (1 - made.alpha))[:2] in str(made.summary())
    assert r"\begin{tabular}" in made.to_latex(caption="A table")
    assert made.to_markdown().startswith("|")
    assert made.to_html().startswith("<table")
    assert "exitmodels" in made.cite()
    made.save(tmp_path / "it.json")
    assert json.loads((tmp_path / "it.json").read_text())["format"] == 1
    again = xm.load(tmp_path / "it.json")
    assert str(again) == str(made)
    pd.testing.assert_frame_equal(again.conf_int(0.1), made.conf_int(0.1))
    ax = made.plot()
    assert [t.get_text() for t in ax.get_yticklabels()] == [str(v) for v in tidy["term"]]
    assert "95% limits" in ax.get_xlabel()
    assert np.all(np.isfinite(ax.get_xlim()))


def test_a_picture_with_an_open_end_has_an_arrow():
    ax = xm.rate_ratio(5, 1, 0, 1).plot()
    assert ">" in [line.get_marker() for line in ax.lines]
    assert ax.get_xscale() == "log"


# ---- differences -----------------------------------------------------------------------------------------------------
def test_a_difference_prints_its_parts():
    found = xm.rate_difference(11, 12, 2, 12, unit="month", labels=("after", "before"))
    assert str(found).splitlines()[0].startswith("difference 0.7500 (0.1918 to 1.4934), p = 0.0126")
    assert "after: 0.9167" in str(found)
    assert_allclose(found.to_frame().loc["difference", "estimate"], 0.75)


@given(st.integers(0, 40), st.integers(0, 40), st.sampled_from(["score", "mover", "exact"]))
def test_differences_with_small_counts_have_width(n1, n2, method):
    found = xm.rate_difference(n1, 3, n2, 5, method=method)
    assert found.low < found.high
    assert 0 <= found.pvalue <= 1
    assert (found.pvalue < 0.05) == (not found.low <= 0 <= found.high) or abs(found.pvalue - 0.05) < 1e-6


def test_the_score_difference_and_the_score_ratio_ask_the_same_question():
    """Under equal rates both statistics are the same."""
    assert_allclose(
        xm.rate_difference(11, 6, 2, 5).pvalue, xm.rate_ratio(11, 6, 2, 5, method="score").pvalue, rtol=1e-10
    )


# ---- standardised rates ----------------------------------------------------------------------------------------------
def test_standardised_rates_of_counts_are_those_of_the_arrays():
    counts = counted(shared=False)
    table = counts.to_frame().groupby(["place", "reason"])[["n", "exposure"]].sum().unstack()
    n, exposure = table["n"].to_numpy(), table["exposure"].to_numpy()
    standard = {"a": 3, "b": 1}
    found = xm.standardised_rate(counts, over="reason", by="place", standard=standard)
    wanted = xm.standardised_rate(n, exposure, [3, 1])
    assert found.names == ("x", "y", "z")
    assert_allclose(found.low, wanted.low)
    assert_allclose(found.high, wanted.high)
    indirect = xm.smr(counts, over="reason", by="place", reference={"a": 0.1, "b": 0.2})
    assert_allclose(indirect.expected, exposure @ [0.1, 0.2])
    assert xm.smr(counts, 30).observed[0] == 60


def test_the_standards_scale_and_order_do_not_matter():
    one = xm.standardised_rate([2, 8], [10, 20], [1, 3])
    other = xm.standardised_rate([8, 2], [20, 10], [300, 100])
    assert_allclose([one.low, one.high], [other.low, other.high], rtol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([2, 8], [10, 0], [1, 1]), {}, "events but no exposure"),
        (([2, 0], [10, 0], [1, 1]), {}, "1 strata have no exposure.*Merge strata"),
        (([2, 8], [10, 20], [1]), {}, "one value of zero or more for each of 2 strata"),
        (([2, 8], [10, 20], [0, 0]), {}, "one value of zero or more"),
        (([2, 8], [10, 20]), {}, "standard= is not given"),
        (([2.5, 8], [10, 20], [1, 1]), {}, "whole numbers"),
        (([2, 8], [10], [1, 1]), {}, "shape"),
        (([2, 8], [10, 20], [1, 1]), {"method": "best"}, "method='best'"),
        (([2, 8], [10, 20], {"1": 3}), {}, "does not name the stratum '2'"),
        ((counted(), None, [1, 1]), {}, "strata are not named"),
    ],
)
def test_bad_strata_are_refused(arguments, options, message):
    with pytest.raises(DataError, match=message):
        xm.standardised_rate(*arguments, **options)


def test_a_rate_without_events_has_no_lognormal_ratio():
    found = xm.standardised_rate([[0, 0], [5, 1]], [[10, 20], [30, 5]], [1, 1], method="lognormal")
    assert np.isfinite(found.high[0])
    assert "those of fay-feuer are given there" in found.warnings[0]
    with pytest.raises(DataError, match="without events"):
        found.ratio()


# ---- given the total -------------------------------------------------------------------------------------------------
def test_exact_monte_carlo_and_large_sample_answers_agree():
    n, days = [12, 30, 18, 21], [31, 28, 31, 30]
    exact = xm.homogeneity_test(n, days, method="exact").pvalue
    drawn = xm.homogeneity_test(n, days, method="monte-carlo", draws=20_000, rng=1).pvalue
    assert abs(exact - drawn) < 4 * np.sqrt(exact * (1 - exact) / 20_000)
    # exact against large-sample: near, not the same
    assert_allclose(exact, xm.homogeneity_test(n, days, method="chi2").pvalue, rtol=0.1)
    trend = {m: xm.trend_test(n, days, method=m, rng=1).pvalue for m in ("exact", "mid-p", "normal", "monte-carlo")}
    assert trend["mid-p"] < trend["exact"]
    # mid-p against large-sample: near, not the same
    assert_allclose(trend["mid-p"], trend["normal"], rtol=0.05)
    # draws against large-sample
    assert_allclose(trend["monte-carlo"], trend["normal"], rtol=0.1)


def test_two_cells_give_the_exact_ratio_test():
    """With two cells the trend is the conditional test of a ratio, and so is homogeneity."""
    ratio = xm.rate_ratio(11, 6, 20, 12)
    assert_allclose(xm.trend_test([11, 20], [6, 12]).pvalue, ratio.pvalue, rtol=1e-9)
    single = xm.homogeneity_test([11, 20], [6, 12]).to_frame()["p"]
    assert_allclose(single, [ratio.pvalue_minlike] * 2, rtol=1e-9)


def test_tests_of_counts_take_their_exposure():
    counts = counted()
    by_month = counts.to_frame().groupby("period")["n"].sum()
    assert_allclose(
        xm.homogeneity_test(counts, method="chi2").pvalue,
        xm.homogeneity_test(by_month, [31, 28, 31], method="chi2").pvalue,
    )
    places = xm.homogeneity_test(counted(by=("place",), shared=False), by="place", method="exact")
    assert places.labels == ("x", "y", "z")
    assert places.ledger is not None


def test_order_of_the_cells_matters_to_the_trend_only():
    n, days = np.array([2, 9, 3, 6]), np.array([30, 31, 28, 31])
    order = np.array([2, 0, 3, 1])
    one, other = xm.homogeneity_test(n, days), xm.homogeneity_test(n[order], days[order])
    assert_allclose(one.pvalue, other.pvalue)
    same = xm.trend_test(n[order], days[order], scores=np.arange(4)[order])
    assert_allclose(same.pvalue, xm.trend_test(n, days).pvalue)


def test_the_exact_trend_keeps_its_level():
    """Summed over all outcomes of six events on four cells."""
    share, total = np.array([31, 28, 31, 10]) / 100, 6
    outcomes = [(a, b, c, total - a - b - c) for a in range(7) for b in range(7 - a) for c in range(7 - a - b)]
    chance = stats.multinomial.pmf(np.array(outcomes), total, share)
    p = np.array([xm.trend_test(list(x), share).pvalue for x in outcomes])
    for alpha in (0.01, 0.05, 0.1, 0.3):
        assert chance[p <= alpha].sum() <= alpha + 1e-12


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: xm.trend_test([0, 0], [1, 1]), "0 events"),
        (lambda: xm.trend_test([3], [1]), "1 cells"),
        (lambda: xm.trend_test([3, 4], [1, 1], [2, 2]), "scores are equal"),
        (lambda: xm.trend_test([3, 4, 5], [1, 1, 1], [0, 1, np.sqrt(2)], method="exact"), "no common step"),
        (lambda: xm.trend_test([3, 4], [1, 1], [1, 2, 3]), "scores have shape"),
        (lambda: xm.trend_test([3, 4], [1, 1], method="wild"), "method='wild'"),
        (lambda: xm.homogeneity_test([3, 4], [1, 0]), "events but no exposure"),
        (lambda: xm.homogeneity_test([3, 4], [1, 1, 1]), "exposures of shape"),
        (lambda: xm.homogeneity_test([3, -4]), "whole numbers"),
        (lambda: xm.homogeneity_test(np.full(40, 20), method="exact"), "too many to list"),
        (lambda: xm.homogeneity_test([3, 4], method="monte-carlo", draws=5), "too few"),
        (lambda: xm.homogeneity_test([3, 4], statistic="range"), "statistic='range'"),
    ],
)
def test_bad_comparisons_are_refused(call, message):
    with pytest.raises(DataError, match=message):
        call()


# ---- scans -----------------------------------------------------------------------------------------------------------
def test_a_planted_cluster_is_found_where_it_is():
    rng = np.random.default_rng(1)
    days = np.concatenate([rng.integers(1, 366, 30), [200, 201, 201, 203, 204, 205]])
    found = xm.scan_test(days, 7, 365, rng=1)
    assert found.pvalue < 0.01
    start = int(str(found).split("from day ")[1].split(",")[0])
    assert 195 <= start <= 205


def test_dates_day_numbers_and_counts_scan_alike():
    numbers = np.random.default_rng(2).integers(1, 31, 12)
    dates = pd.Series(np.datetime64("2013-12-31") + numbers)
    window = ("2014-01-01", "2014-01-31")
    counts = xm.Counts.from_frame({"left": dates}, date="left", window=window)
    one = xm.scan_test(numbers, 5, 31).pvalue
    assert xm.scan_test(dates, 5, window).pvalue == one
    assert_allclose(xm.scan_test(counts, 5).pvalue, one, rtol=1e-9)


def test_days_that_were_watched_more_hold_more():
    """A busy week is no surprise when most of the watching was done in it."""
    left = {"left": np.datetime64("2014-01-01") + np.array([3, 4, 4, 5, 20])}
    counts = xm.Counts.from_frame(left, date="left", window=("2014-01-01", "2014-01-31"))
    effort = counts.with_effort(np.where(np.arange(31) // 7 == 0, 20.0, 1.0))
    assert xm.scan_test(counts, 3).pvalue < 0.2 < xm.scan_test(effort, 3).pvalue
    with pytest.raises(DataError, match="not observed equally"):
        xm.scan_test(effort, 3, method="naus")


def test_one_day_windows_of_the_scan_and_the_boundary_agree_on_two_days():
    """With two days and two records: both on one day has probability a half, on the last day with records too."""
    assert_allclose(xm.scan_test([1, 1], 1, 2).pvalue, 0.5)
    assert_allclose(ties_at_the_extreme(2, 2, 2), 0.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: xm.scan_test([1, 2], 7, 5), "width=7"),
        (lambda: xm.scan_test([1, 2], 1.5, 5), "width=1.5"),
        (lambda: xm.scan_test([1, 2], 2), "window is not given"),
        (lambda: xm.scan_test([1, 2], 2, 5, method="best"), "method='best'"),
        (lambda: xm.scan_test(np.repeat(5, 60), 30, 365, method="exact"), "takes about"),
    ],
)
def test_bad_scans_are_refused(call, message):
    with pytest.raises(DataError, match=message):
        call()


# ---- the boundary under overdispersion -------------------------------------------------------------------------------
def test_the_boundary_under_overdispersion_by_simulation():
    """P(at least k on the last day with records) when daily counts are negative binomial."""
    rng, mean, ratio = np.random.default_rng(9), 0.8, 2.0
    drawn = rng.negative_binomial(mean / (ratio - 1), 1 / ratio, (20_000, 60))
    last = 59 - np.argmax(drawn[:, ::-1] > 0, axis=1)
    found = (drawn[np.arange(len(drawn)), last] >= 4).mean()
    days = np.repeat(np.arange(1, 61), np.r_[np.full(44, 1), np.zeros(15, int), 4])
    test = xm.boundary_test(days, 60, ratios=(ratio,)).to_frame()["probability"]
    # 20,000 drawn histories
    assert abs(found - test["day with records, variance/mean 2"]) < 0.008
