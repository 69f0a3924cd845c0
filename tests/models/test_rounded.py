"""The rate behind rounded dates: derivatives, closed forms, laws, recovery and refusals."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import integrate

import exitmodels as xm
from exitmodels.errors import DataError, IdentificationError
from exitmodels.kernels.rounded import NODES, WEIGHTS, Heap, RoundedData, covering, ranges, rounded_terms

WINDOW = ("2014-01-01", "2014-06-30")
FIRST, DAYS = np.datetime64("2014-01-01"), 181


def rising(n=300, seed=1, slope=0.01):
    """Days of events with rate in proportion to exp(slope t)."""
    rng = np.random.default_rng(seed)
    time = np.log1p(rng.random(n) * np.expm1(slope * DAYS)) / slope
    return np.floor(time).astype(int)


def coarse(days, share=0.4, seed=2):
    """Some dates become their month."""
    rng = np.random.default_rng(seed)
    dates = FIRST + days
    monthly = rng.random(len(days)) < share
    return pd.DataFrame({"left": dates, "known": np.where(monthly, "month", "day")})


def heaped(days, share=0.4, seed=2):
    """Some dates are written as the first of their month."""
    rng = np.random.default_rng(seed)
    dates = FIRST + days
    first = dates.astype("datetime64[M]").astype("datetime64[D]")
    return pd.DataFrame({"left": np.where(rng.random(len(days)) < share, first, dates)})


def counts_of(frame, **options):
    return xm.Counts.from_frame(frame, date="left", window=WINDOW, **options)


# ---- the kernel ------------------------------------------------------------------------------------------------------
def kernel_data(heaps, middle=False):
    rng = np.random.default_rng(4)
    cells = 40
    time = (np.arange(cells)[:, None] + 0.5 + NODES / 2).ravel()
    design = np.column_stack([np.ones_like(time), time / cells, np.sin(time)])
    noon = np.arange(cells) + 0.5
    mid = (np.column_stack([np.ones(cells), noon / cells, np.sin(noon)]), np.zeros(cells)) if middle else None
    low = np.array([0, 5, 30]) if not heaps else np.zeros(0, int)
    high = np.array([10, 6, 40]) if not heaps else np.zeros(0, int)
    made = (
        Heap(np.array([0, 20]), np.array([20, 40]), np.array([0, 20])),
        Heap(np.array([0, 10]), np.array([10, 33]), np.array([5, 12])),
    )
    return RoundedData(
        design=design,
        offset=0.1 * np.cos(time),
        weight=np.tile(WEIGHTS / 2, cells),
        n=rng.poisson(1.5, cells).astype(float),
        middle=mid,
        low=low,
        high=high,
        times=np.arange(1.0, len(low) + 1),
        heaps=made[:heaps],
    )


@pytest.mark.parametrize(("heaps", "middle"), [(0, False), (0, True), (1, False), (2, False)])
def test_derivatives(heaps, middle):
    data, at = kernel_data(heaps, middle), np.array([0.2, -0.7, 0.4, -0.5, -1.2])[: 3 + heaps]
    terms, step = rounded_terms(data, at), 1e-5
    for j in range(len(at)):
        move = np.eye(len(at))[j] * step
        up, down = rounded_terms(data, at + move), rounded_terms(data, at - move)
        assert_allclose(terms.gradient[j], (up.value - down.value) / (2 * step), rtol=1e-6, atol=1e-6)
        assert_allclose(terms.information[j], (down.gradient - up.gradient) / (2 * step), rtol=1e-6, atol=1e-6)


def test_ranges_and_coverings_are_adjoint():
    rng = np.random.default_rng(1)
    low = rng.integers(0, 20, 30)
    high = low + 1 + rng.integers(0, 10, 30)
    values, amounts = rng.random(31), rng.random(30)
    assert_allclose(ranges(values, low, high) @ amounts, values @ covering(amounts, low, high, 31))


def test_days_are_integrated_to_rounding():
    """Four points a day integrate exp(a + b t) and a season as quadrature does."""
    fit = xm.RoundedDates("time + np.sin(2 * np.pi * time / 30)").fit(counts_of(coarse(rising()), precision="known"))
    a, b, c = fit.estimate

    def rate(t):
        return np.exp(a + b * t + c * np.sin(2 * np.pi * t / 30))

    frame = coarse(rising())
    exact = np.asarray((frame["left"][frame["known"] == "day"].to_numpy() - FIRST) / np.timedelta64(1, "D"), dtype=int)
    edges = pd.to_datetime(pd.date_range("2014-01-01", periods=7, freq="MS"))
    months = frame["left"][frame["known"] == "month"].to_numpy().astype("datetime64[M]").astype(int) - 528
    begin = ((edges - pd.Timestamp("2014-01-01")).days).to_numpy()
    whole = np.array([integrate.quad(rate, x, y, epsabs=1e-13, limit=200)[0] for x, y in pairwise(begin)])
    daily = np.array([integrate.quad(rate, d, d + 1, epsabs=1e-13)[0] for d in range(DAYS)])
    wanted = np.log(daily[exact]).sum() + np.log(whole[months]).sum() - whole.sum()
    assert_allclose(fit.llf, wanted, rtol=1e-11)


# ---- closed forms and laws -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("precise", [True, False])
def test_a_constant_rate_is_events_over_days(precise):
    """However coarse the dates, a constant rate is their number over the days watched."""
    frame = coarse(rising(), 1.0 if not precise else 0.0)
    fit = xm.RoundedDates("1").fit(counts_of(frame, precision="known"))
    assert_allclose(np.exp(fit.estimate[0]), 300 / DAYS, rtol=1e-12)
    assert_allclose(fit.standard_errors[0], 1 / np.sqrt(300), rtol=1e-8)
    assert ("no date is known to the day" in str(fit)) == (not precise)


def test_exact_dates_give_the_poisson_regression_of_days():
    """The integral over a day is the rate at noon, but for b squared over 24."""
    counts = counts_of(coarse(rising(), 0.0), precision="known")
    ours, theirs = xm.RoundedDates("time").fit(counts), xm.CountRegression("time").fit(counts)
    assert_allclose(ours.estimate, theirs.estimate, rtol=1e-5)
    assert_allclose(ours.standard_errors, theirs.standard_errors, rtol=1e-5)
    assert_allclose(
        ours.llf + np.sum(np.log([np.prod(np.arange(1, n + 1)) for n in counts.n])) * -1, theirs.llf, rtol=1e-8
    )


def test_months_alone_are_a_poisson_regression_of_months():
    """A step at the first of a month is seen by months as well as by days."""
    days = rising()
    step = f"I(time >= {31 + 28 + 31})"
    coarse_fit = xm.RoundedDates(step).fit(counts_of(coarse(days, 1.0), precision="known"))
    fine_fit = xm.RoundedDates(step).fit(counts_of(coarse(days, 0.0), precision="known"))
    assert_allclose(coarse_fit.estimate, fine_fit.estimate, rtol=1e-8)
    assert_allclose(coarse_fit.standard_errors, fine_fit.standard_errors, rtol=1e-8)


def test_rows_in_any_order_and_weights_change_nothing():
    frame = coarse(rising())
    one = xm.RoundedDates("time").fit(counts_of(frame, precision="known"))
    other = xm.RoundedDates("time").fit(counts_of(frame.sample(frac=1, random_state=1), precision="known"))
    assert_allclose(one.estimate, other.estimate, rtol=1e-9)
    doubled = xm.RoundedDates("time").fit(counts_of(pd.concat([frame, frame]), precision="known"))
    weighted = xm.RoundedDates("time").fit(counts_of(frame.assign(w=2), precision="known", weight="w"))
    assert_allclose(weighted.estimate, doubled.estimate, rtol=1e-9)
    assert_allclose(weighted.standard_errors * np.sqrt(2), one.standard_errors, rtol=1e-6)


def test_reasons_are_series_of_their_own():
    """With every coefficient free by reason, each reason is fitted alone."""
    frame = coarse(rising()).assign(reason=np.where(np.arange(300) % 3 == 0, "a", "b"))
    both = xm.RoundedDates("C(reason) * time").fit(counts_of(frame, precision="known", by="reason"))
    alone = xm.RoundedDates("time").fit(counts_of(frame[frame["reason"] == "a"], precision="known"))
    assert_allclose(both.params[["Intercept", "time"]], alone.estimate, rtol=1e-6)
    rate = both.rate(["2014-03-01"], new={"reason": ["a"]})
    assert_allclose(rate["rate"], alone.rate(["2014-03-01"])["rate"], rtol=1e-6)


def test_any_range_of_days_is_taken():
    days = rising()
    frame = pd.DataFrame({"left": FIRST + days, "to": FIRST + np.minimum(days + np.arange(300) % 9, DAYS - 1)})
    fit = xm.RoundedDates("time").fit(counts_of(frame, until="to"))
    assert abs(fit.estimate[1] - 0.01) < 3 * fit.standard_errors[1]


def test_exposure_scales_the_intercept_only():
    counts = counts_of(coarse(rising()), precision="known")
    one, other = xm.RoundedDates("time").fit(counts), xm.RoundedDates("time").fit(counts.with_effort(2.0))
    assert_allclose(other.estimate - one.estimate, [-np.log(2), 0], atol=1e-8)


def test_the_truth_is_found_again_and_naive_reading_is_not_it():
    """Mean over 40 worlds in which 40 % of the dates are heaped."""
    found, naive = [], []
    for seed in range(40):
        counts = counts_of(heaped(rising(300, seed), 0.4, seed + 100))
        fit = xm.RoundedDates("time", heaps={"MS": 1}).fit(counts)
        found.append([fit.estimate[1], fit.heaped_share().loc["MS", "share"]])
        naive.append(xm.CountRegression("time").fit(counts).estimate[1])
    mean, error = np.mean(found, axis=0), np.std(found, axis=0) / np.sqrt(40)
    assert np.all(np.abs(mean - [0.01, 0.4]) < 4 * error)
    assert abs(np.mean(naive) - 0.01) > 4 * np.std(naive) / np.sqrt(40)


def test_heaped_shares_and_the_test_against_none():
    fit = xm.RoundedDates("time", heaps={"MS": 1}).fit(counts_of(heaped(rising())))
    share = fit.heaped_share()
    assert_allclose(share["share"].sum(), 1)
    assert np.all((share["low"] < share["share"]) & (share["share"] < share["high"]))
    (test,) = fit.tests.values()
    assert test.pvalue < 1e-10
    two = xm.RoundedDates("time", heaps={"MS": 1, "W": 3}).fit(counts_of(heaped(rising())))
    assert two.llf >= fit.llf - 1e-6
    assert "logit heaped W" in two.names


def test_a_heap_that_is_not_there_is_said():
    days = np.setdiff1d(np.arange(DAYS), [0, 31, 59, 90, 120, 151])
    frame = pd.DataFrame({"left": FIRST + np.append(np.repeat(days, 3), 31)})
    fit = xm.RoundedDates("1", heaps={"MS": 1}).fit(counts_of(frame))
    assert "no sign of heaping by MS" in str(fit)


def test_heaping_days_outside_the_window_are_not_expected():
    """The window begins on the tenth: dates rounded to the first are lost, and the rate is not."""
    days = rising(2000)
    frame = heaped(days)
    late = frame[(FIRST + days >= np.datetime64("2014-01-10")) & (frame["left"] >= np.datetime64("2014-01-10"))]
    counts = xm.Counts.from_frame(late, date="left", window=("2014-01-10", "2014-06-30"))
    fit = xm.RoundedDates("time", heaps={"MS": 1}).fit(counts)
    assert abs(fit.heaped_share().loc["MS", "share"] - 0.4) < 0.05
    assert abs(fit.estimate[1] - 0.01) < 3 * fit.standard_errors[1]


# ---- results ---------------------------------------------------------------------------------------------------------
def test_the_rate_by_day_has_limits_and_a_picture(tmp_path):
    fit = xm.RoundedDates("time").fit(counts_of(coarse(rising()), precision="known"))
    frame = fit.rate()
    assert len(frame) == DAYS
    assert np.all((frame["low"] < frame["rate"]) & (frame["rate"] < frame["high"]))
    one = fit.rate("2014-03-01")
    assert_allclose(one["rate"], np.exp(fit.estimate @ [1, 59.5]), rtol=1e-10)
    assert_allclose(fit.rate_ratios().loc["time", "rate ratio"], np.exp(fit.estimate[1]))
    ax = fit.plot()
    assert ax.get_ylabel() == "records per day"
    assert "Heitjan" in fit.cite()
    fit.save(tmp_path / "it.json")
    again = xm.load(tmp_path / "it.json")
    assert str(again) == str(fit)
    with pytest.raises(DataError, match="saved result does not keep"):
        again.rate()


def whole():
    return counts_of({"left": FIRST + rising()})


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: xm.RoundedDates(day="dawn"), DataError, "day='dawn'"),
        (lambda: xm.RoundedDates(heaps={"MS": 1}, day="middle"), DataError, "not a rate at noon"),
        (lambda: xm.RoundedDates().fit(counts_of({"left": FIRST + rising()}, freq="W")), DataError, "not by day"),
        (lambda: xm.RoundedDates().fit(whole().select(np.arange(DAYS) > 3)), DataError, "summed or chosen"),
        (lambda: xm.RoundedDates(heaps={"MS": 40}).fit(whole()), DataError, "Day 40 is not a day"),
        (
            lambda: xm.RoundedDates(heaps={"MS": 1}).fit(counts_of(coarse(rising()), precision="known")),
            DataError,
            "Use one of the two",
        ),
        (
            lambda: xm.RoundedDates(heaps={"MS": 1}).fit(counts_of({"left": FIRST + np.array([2, 3, 9, 40])})),
            IdentificationError,
            "No record falls on a day",
        ),
        (
            lambda: xm.RoundedDates("1", heaps={"MS": 1}).fit(counts_of({"left": FIRST + np.array([0, 0, 31])})),
            IdentificationError,
            "All records fall on days of heaping",
        ),
        (lambda: xm.RoundedDates("time + age").fit(whole()), xm.FormulaError, "age"),
        (lambda: xm.RoundedDates("time + I(2 * time)").fit(whole()), DataError, "follows from other columns"),
        (lambda: xm.RoundedDates().fit(whole()).heaped_share(), DataError, "No heaping was modelled"),
        (lambda: xm.RoundedDates().fit(whole()).rate("2015-01-01"), DataError, "outside the window of the fit"),
    ],
)
def test_what_cannot_be_answered_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
