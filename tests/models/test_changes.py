"""Changepoints and monitoring: laws, bad input, and what every result can do."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import exitmodels as xm

COUNTS = np.array([4, 5, 4, 3, 6, 5, 2, 4, 0, 1, 0, 0, 1, 0, 1, 2, 0, 1])


def weekly(counts, start="2013-03-04"):
    starts = np.datetime64(start) + 7 * np.arange(len(counts))
    return xm.Counts.from_table({"n": counts, "start": starts, "end": starts + 7}, n="n", start="start", end="end")


def table():
    rng = np.random.default_rng(4)
    return np.vstack([rng.multinomial(9, [0.6, 0.3, 0.1], 15), rng.multinomial(9, [0.2, 0.3, 0.5], 15)])


def test_counts_and_arrays_agree():
    counts = weekly(COUNTS)
    found, plain = xm.changepoints(counts), xm.changepoints(COUNTS, np.full(18, 7.0))
    assert found.cuts.tolist() == plain.cuts.tolist() == [8]
    assert_allclose(found.levels, plain.levels)
    assert found.dates == ("2013-04-29",)
    shuffled = counts.select(np.ones(18, dtype=bool))
    assert xm.change_test(shuffled).pvalue == xm.change_test(counts).pvalue


def test_row_order_does_not_matter():
    order = np.random.default_rng(1).permutation(18)
    starts = np.datetime64("2013-03-04") + 7 * np.arange(18)
    mixed = xm.Counts.from_table(
        {"n": COUNTS[order], "start": starts[order], "end": starts[order] + 7}, n="n", start="start", end="end"
    )
    assert_array_equal(xm.changepoints(mixed).cuts, xm.changepoints(weekly(COUNTS)).cuts)


@pytest.mark.parametrize("cost", ["poisson", "negbin"])
def test_unit_of_exposure_does_not_matter(cost):
    size = {"size": 5.0} if cost == "negbin" else {}
    e = np.linspace(1, 2, 18)
    one = xm.changepoints(COUNTS, e, cost=cost, **size)
    other = xm.changepoints(COUNTS, 7 * e, cost=cost, **size)
    assert_array_equal(one.cuts, other.cuts)
    assert_allclose(one.levels, 7 * other.levels)
    assert_allclose(xm.change_test(COUNTS, e).pvalue, xm.change_test(COUNTS, 7 * e).pvalue, rtol=1e-9)


def test_time_reversed():
    """The best cuts of the series run backwards are the mirror of the cuts."""
    assert (18 - xm.changepoints(COUNTS[::-1]).cuts[::-1]).tolist() == xm.changepoints(COUNTS).cuts.tolist()
    assert_allclose(xm.change_test(COUNTS[::-1]).pvalue, xm.change_test(COUNTS).pvalue, rtol=1e-9)
    one = xm.change_posterior(COUNTS, prior=(1, 1))
    assert_allclose(xm.change_posterior(COUNTS[::-1], prior=(1, 1)).change[::-1], one.change, rtol=1e-9)


def test_a_quiet_period_cut_in_two_changes_no_likelihood():
    """A period without events over exposure 2 is two periods without events over 1: the same ratios elsewhere."""
    y, e = np.array([3, 4, 0, 1, 0]), np.array([1.0, 1, 2, 1, 1])
    split, halves = np.array([3, 4, 0, 0, 1, 0]), np.ones(6)
    assert_allclose(xm.change_test(split, halves).ratios[[0, 1, 3, 4]], xm.change_test(y, e).ratios, rtol=1e-12)


def test_permuting_kinds_permutes_shares():
    counts = table()
    one, other = xm.changepoints(counts, cost="multinomial"), xm.changepoints(counts[:, [2, 0, 1]], cost="multinomial")
    assert one.cuts.tolist() == other.cuts.tolist() == [15]
    assert_allclose(other.levels, one.levels[:, [2, 0, 1]])
    assert_allclose(one.levels.sum(axis=1), 1.0)
    found = xm.change_posterior(counts, model="multinomial", changes="one")
    assert found.cut == 15
    assert found.means.shape == (30, 3)
    assert_allclose(found.means.sum(axis=1), 1.0)


def test_negative_binomial_of_great_size_is_poisson():
    assert_array_equal(xm.changepoints(COUNTS, cost="negbin", size=1e9).cuts, xm.changepoints(COUNTS).cuts)
    wild = np.random.default_rng(2).negative_binomial(1, 0.1, 300)
    found = xm.changepoints(wild, cost="negbin")
    assert 0.5 < found.size < 2
    assert found.n_changes == 0
    assert xm.changepoints(wild).n_changes > 20
    close = xm.change_posterior(COUNTS, model="negbin", size=1e7, prior=(1, 0.5), changes="one")
    assert_allclose(close.change, xm.change_posterior(COUNTS, prior=(1, 0.5), changes="one").change, atol=1e-6)


def test_gaussian_costs():
    rng = np.random.default_rng(3)
    y = np.concatenate([rng.normal(0, 1, 60), rng.normal(4, 1, 60)]) + 1e6
    assert xm.changepoints(y, cost="gaussian").cuts.tolist() == [60]
    spread = np.concatenate([rng.normal(0, 1, 60), rng.normal(0, 8, 60)])
    assert abs(int(xm.changepoints(spread, cost="meanvar").cuts[0]) - 60) < 4


def test_monte_carlo_is_reproducible_and_near_the_exact_answer():
    exact = xm.change_test(COUNTS - np.minimum(COUNTS, 2))
    drawn = [xm.change_test(exact.series.y, method="monte-carlo", draws=3999, rng=7) for _ in range(2)]
    assert drawn[0].pvalue == drawn[1].pvalue
    assert abs(drawn[0].pvalue - exact.pvalue) < 4 * np.sqrt(exact.pvalue / 4000) + 1 / 4000
    # 3,999 draws
    assert_allclose(drawn[0].date_pvalues, exact.date_pvalues, atol=0.04)


def test_eleven_events():
    """A list of 11: an even spread shows nothing, and the set of dates is then nearly all of them."""
    even = xm.change_test([1, 1, 2, 1, 1, 1, 2, 1, 1])
    assert even.pvalue > 0.5
    assert even.inside.all()
    assert even.warnings


def test_cusum_for_a_fall_and_for_overdispersion():
    fall = xm.count_cusum(COUNTS, target=4.2, ratio=0.4, run_length=200)
    assert len(fall.alarms)
    assert fall.alarms[0] >= 8
    assert fall.delay < 10 < 200 <= fall.run_length
    poisson, wild = (xm.count_cusum(COUNTS, target=4.2, ratio=2, size=s) for s in (np.inf, 2.0))
    assert wild.limit > poisson.limit


RESULTS = {
    "changepoints": lambda: xm.changepoints(weekly(COUNTS)),
    "none": lambda: xm.changepoints([2, 2, 2, 2]),
    "multinomial": lambda: xm.changepoints(table(), cost="multinomial"),
    "gaussian": lambda: xm.changepoints(COUNTS + 0.5, cost="gaussian"),
    "test": lambda: xm.change_test(weekly(COUNTS)),
    "posterior": lambda: xm.change_posterior(weekly(COUNTS)),
    "one": lambda: xm.change_posterior(COUNTS, changes="one"),
    "online": lambda: xm.online_changes(weekly(COUNTS)),
    "cusum": lambda: xm.count_cusum(weekly(COUNTS), target=0.3),
    "farrington": lambda: xm.farrington(np.random.default_rng(0).poisson(4, 270), years=4, last=10),
    "breaks": lambda: xm.structural_breaks(COUNTS),
    "bent": lambda: xm.bent_line(COUNTS, np.arange(18.0)),
}


@pytest.mark.parametrize("name", RESULTS)
def test_every_result_prints_plots_cites_and_is_read_back(name, tmp_path):
    found = RESULTS[name]()
    assert found.converged
    assert "exitmodels" in found.cite()
    assert "tabular" in found.to_latex()
    assert len(found.tidy())
    assert found.plot().get_figure() is not None
    found.save(tmp_path / "result.json")
    again = xm.load(tmp_path / "result.json")
    assert str(again) == str(found)
    assert again.plot().get_figure() is not None


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: xm.changepoints([1, 2, 3.5]), "count"),
        (lambda: xm.changepoints([1, -2, 3]), "count"),
        (lambda: xm.changepoints([1, np.nan, 3]), "count"),
        (lambda: xm.changepoints(["a", "b"]), "not-numeric"),
        (lambda: xm.changepoints([3]), "shape"),
        (lambda: xm.changepoints([1, 2], [1.0, 0.0]), "exposure"),
        (lambda: xm.changepoints([1, 2], [1.0]), "length"),
        (lambda: xm.changepoints([1, 2], cost="cauchy"), "cost"),
        (lambda: xm.changepoints([1, 2], penalty="hannan"), "penalty"),
        (lambda: xm.changepoints([1, 2], penalty=-1), "penalty"),
        (lambda: xm.changepoints([1, 2], min_size=3), "min-size"),
        (lambda: xm.changepoints([1, 2], method="magic"), "method"),
        (lambda: xm.changepoints([1, 2], cost="multinomial"), "one-kind"),
        (lambda: xm.changepoints(table()), "several-series"),
        (lambda: xm.changepoints([1, 2], alpha=2), "alpha"),
        (lambda: xm.changepoints(weekly(COUNTS), np.ones(18)), "exposure"),
        (lambda: xm.changepoints(weekly(COUNTS), by="reason"), "no-column"),
        (lambda: xm.changepoints(weekly(COUNTS).select(np.arange(18) != 5)), "gap"),
        (lambda: xm.change_test([0, 0, 0]), "no-events"),
        (lambda: xm.change_test([1, 2, 3], min_size=2), "few-periods"),
        (lambda: xm.change_test([1, 2, 3], method="guess"), "method"),
        (lambda: xm.change_posterior([1, 2], prior=(1, -1)), "prior"),
        (lambda: xm.change_posterior([1, 2], hazard=1), "hazard"),
        (lambda: xm.change_posterior([1, 2], model="negbin"), "size"),
        (lambda: xm.change_posterior([1, 2]).quantile(0.5), "several"),
        (lambda: xm.online_changes([1, 2], prior=(0, 1)), "prior"),
        (lambda: xm.count_cusum([1, 2], target=1, ratio=1), "ratio"),
        (lambda: xm.count_cusum([1, 2], target=-1), "target"),
        (lambda: xm.farrington([1, 2, 3]), "few-periods"),
        (lambda: xm.farrington([1, 2, 3], method="new"), "method"),
        (lambda: xm.structural_breaks([1, 2, 3]), "few-periods"),
        (lambda: xm.structural_breaks(np.arange(20), np.ones(20)), "collinear"),
        (lambda: xm.bent_line([1, 2, 3], [1, 2, 3]), "few-rows"),
        (lambda: xm.bent_line([1, 2, 3], [1, 2, 3], family="binomial"), "size"),
    ],
)
def test_bad_input_is_refused(call, code):
    with pytest.raises(xm.DataError) as caught:
        call()
    assert caught.value.code == code
    assert caught.value.hint
