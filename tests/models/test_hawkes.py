"""Hawkes processes: slow definitions, derivatives, limits of the likelihood of counts, laws, and refusals."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, stats

import exitmodels as xm
from exitmodels.kernels.hawkes import Events, compensator, exact_surface, excitation, intensity_at, loglik
from exitmodels.kernels.hawkes_binned import Binned, binned_surface, family_log_law, rates
from exitmodels.kernels.uniformity import anderson_darling

STEPS = Events.of(
    np.sort(np.random.default_rng(5).uniform(0, 60, 50)),
    60.0,
    np.array([0.0, 20.0, 35.0, 60.0]),
    np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 0.5]]),
)
THETA = np.array([-0.6, 0.3, -0.8, 0.2])


def slow_intensity(events: Events, theta: np.ndarray, t: float, inclusive: bool = False) -> float:
    piece = min(int(np.searchsorted(events.edges, t, side="right")) - 1, len(events.design) - 1)
    past = events.times[events.times <= t] if inclusive else events.times[events.times < t]
    eta, beta = np.exp(theta[-2:])
    return float(np.exp(events.design[piece] @ theta[:-2]) + eta * beta * np.exp(-beta * (t - past)).sum())


def test_the_likelihood_is_the_sum_over_all_pairs_and_the_integral_by_quadrature():
    cuts = np.unique(np.concatenate([STEPS.edges, STEPS.times]))
    area = sum(
        integrate.quad(lambda t: slow_intensity(STEPS, THETA, t), a + 1e-13, b - 1e-13)[0]
        for a, b in itertools.pairwise(cuts)
    )
    value = sum(np.log(slow_intensity(STEPS, THETA, t)) for t in STEPS.times) - area
    made = exact_surface(STEPS, THETA)
    assert made is not None
    assert_allclose(made.value, value, rtol=1e-9)
    assert_allclose(loglik(STEPS, THETA[:2], *np.exp(THETA[2:])), value, rtol=1e-9)
    assert_allclose(compensator(STEPS, THETA)[-1], area, rtol=1e-9)
    at = np.array([0.5, 20.0, 47.3])
    assert_allclose(intensity_at(STEPS, THETA, at)[0], [slow_intensity(STEPS, THETA, t, True) for t in at], rtol=1e-10)


def counts_of(n: np.ndarray) -> Binned:
    k = len(n)
    length = np.linspace(0.5, 2.0, k)
    return Binned(
        n.astype(float), length, 1.3 * length, np.column_stack([np.ones(k), np.arange(k) > k / 2]).astype(float)
    )


@pytest.mark.parametrize("kind", ["exact", "binned"])
def test_derivatives(kind):
    data = STEPS if kind == "exact" else counts_of(np.random.default_rng(2).poisson(1.4, 40))
    surface = exact_surface if kind == "exact" else binned_surface
    here, h = surface(data, THETA), 1e-5
    ups, downs = ([surface(data, THETA + s * h * e) for e in np.eye(4)] for s in (1, -1))
    slopes = [(u.value - d.value) / (2 * h) for u, d in zip(ups, downs, strict=True)]
    curves = [(d.gradient - u.gradient) / (2 * h) for u, d in zip(ups, downs, strict=True)]
    assert_allclose(here.gradient, slopes, rtol=1e-6, atol=1e-7)
    assert_allclose(here.information, curves, rtol=1e-6, atol=1e-6)
    assert np.linalg.eigvalsh(here.expected).min() > 0


def test_derivatives_of_the_intensity():
    at, h = np.array([3.0, 21.0, 60.0]), 1e-6
    slopes = intensity_at(STEPS, THETA, at)[1]
    for j, e in enumerate(np.eye(4)):
        up, down = (intensity_at(STEPS, THETA + s * h * e, at)[0] for s in (1, -1))
        assert_allclose(slopes[:, j], (np.log(up) - np.log(down)) / (2 * h), rtol=1e-6, atol=1e-8)


def test_excitation_is_the_sum_over_the_past():
    t = np.array([0.3, 0.9, 1.0, 4.2])
    for order, made in enumerate(excitation(t, 0.7, 2)):
        wanted = [sum((s - u) ** order * np.exp(-0.7 * (s - u)) for u in t if u < s) for s in t]
        assert_allclose(made, wanted, rtol=1e-12, atol=1e-15)


def test_counts_with_an_echo_much_longer_than_a_period_are_poisson_given_the_past():
    n = np.random.default_rng(3).poisson(2.0, 60).astype(float)
    data = Binned(n, np.ones(60), np.ones(60), np.ones((60, 1)))
    theta = np.array([0.1, np.log(0.5), np.log(1e-4)])
    echo = [0.5 * 1e-4 * sum(n[j] * np.exp(-1e-4 * (k - j)) for j in range(k)) for k in range(60)]
    wanted = stats.poisson.logpmf(n, np.exp(0.1) + np.array(echo)).sum()
    # a limit: the echo is long, not endless
    assert_allclose(binned_surface(data, theta).value, wanted, rtol=1e-4)


def test_counts_with_an_instant_echo_are_independent_borel_tanner():
    n = np.random.default_rng(4).poisson(1.0, 30).astype(float)
    data = Binned(n, np.ones(30), np.ones(30), np.ones((30, 1)))
    made = binned_surface(data, np.array([-0.5, np.log(0.4), np.log(1e7)]))
    assert_allclose(made.value, family_log_law(n, np.full(30, np.exp(-0.5)), np.full(30, 0.4)).sum(), rtol=1e-5)


def test_the_law_of_a_family_is_that_of_simulated_generations():
    rng, size = np.random.default_rng(8), 40000
    now = rng.poisson(1.2, size)
    total = now.copy()
    while now.any():
        now = rng.poisson(0.45 * now)
        total += now
    wanted = np.exp(family_log_law(np.arange(6.0), np.full(6, 1.2), np.full(6, 0.45)))
    found = np.bincount(total, minlength=6)[:6] / size
    assert np.all(np.abs(found - wanted) < 5 * np.sqrt(wanted / size))


def test_every_child_of_a_counted_event_falls_somewhere():
    """The shares of one event's children over this and all later periods add to the branching ratio."""
    length = np.array([0.7, 2.0, 1.1, *np.full(200, 1.0)])
    n = np.zeros(len(length))
    n[0] = 1.0
    carried, within, _ = rates(
        Binned(n, length, length, np.ones((len(n), 1))), np.array([0.0, np.log(0.6), np.log(0.3)])
    )
    assert_allclose(within[0][0] + carried[0].sum(), 0.6, rtol=1e-12)


def test_anderson_darling_has_its_known_critical_values():
    """Of the limit law for a fully known distribution: 1.9330, 2.4924 and 3.8781."""
    from exitmodels.kernels.uniformity import _limit_law

    assert_allclose([1 - _limit_law(v) for v in (1.9330, 2.4924, 3.8781)], [0.10, 0.05, 0.01], atol=2e-5)
    u = np.random.default_rng(1).random(50)
    s = np.sort(u)
    i = np.arange(1, 51)
    slow = -50 - np.sum((2 * i - 1) / 50 * (np.log(s) + np.log(1 - s[::-1])))
    assert_allclose(anderson_darling(u)[0], slow, rtol=1e-12)


@pytest.fixture(scope="module")
def history() -> np.ndarray:
    return np.asarray(xm.simulate_hawkes([(0, 0.2), (300, 0.6)], 0.5, 1.0, (0, 600), rng=11))


def test_recovery_and_agreement_of_exact_times_with_counts(history):
    exact = xm.Hawkes(at=300).fit(history, window=(0, 600))
    day = np.datetime64("2013-03-01") + np.arange(600)
    n = np.bincount(np.floor(history).astype(int), minlength=600)
    daily = xm.Counts.from_table({"n": n, "day": day}, n="n", start="day", freq="D")
    binned = xm.Hawkes(at=str(day[300])).fit(daily)
    truth = np.array([np.log(0.2), np.log(3.0), np.log(0.5), 0.0])
    assert np.all(np.abs(exact.estimate - truth) < 3 * exact.standard_errors)
    assert np.all(np.abs(binned.estimate - exact.estimate) < exact.standard_errors)
    assert binned.n_events == exact.n_events == len(history)
    assert daily.ledger == binned.ledger
    for fit in (exact, binned):
        low, high = fit.branching_ratio()[["low", "high"]]
        assert 0 < low < fit.branching < high < 1
        assert fit.time_rescaling_test("ad", rng=1).pvalue > 0.01
        assert 0.3 < fit.background_share < 0.8


def test_profile_limits_lie_where_the_likelihood_has_fallen_by_half_the_quantile(history):
    fit = xm.Hawkes().fit(history, window=(0, 600))
    from exitmodels.kernels.ascent import Surface, ascend

    for ratio in fit.branching_ratio()[["low", "high"]]:

        def fixed(rest: np.ndarray, ratio: float = ratio) -> Surface | None:
            s = exact_surface(fit.data.kernel, np.array([rest[0], np.log(ratio), rest[1]]))
            keep = np.ix_([0, 2], [0, 2])
            return s and Surface(s.value, s.gradient[[0, 2]], s.information[keep], lambda: s.expected[keep])

        top = ascend(fixed, fit.estimate[[0, 2]])
        assert_allclose(2 * (fit.llf - top.surface.value), stats.chi2.ppf(0.95, 1), rtol=1e-5)


def test_another_clock_and_another_order_change_nothing(history):
    one = xm.Hawkes().fit(history, window=(0, 600))
    shuffled = np.random.default_rng(1).permutation(history)
    two = xm.Hawkes().fit(1000 + 24 * shuffled, window=(1000, 1000 + 24 * 600))
    assert_allclose([two.branching, 24 * two.decay], [one.branching, one.decay], rtol=1e-7)
    assert_allclose(two.llf, one.llf - len(history) * np.log(24), rtol=1e-9)


def test_dates_with_time_of_day_are_times_in_days(history):
    stamps = pd.Timestamp("2013-03-01") + pd.to_timedelta(history, unit="D")
    fit = xm.Hawkes().fit(pd.Series(stamps), window=("2013-03-01", "2014-10-21"))
    plain = xm.Hawkes().fit(history, window=(0, 600))
    assert_allclose(fit.estimate, plain.estimate, rtol=1e-6)
    assert fit.intensity(["2013-05-01"]).shape == (1, 4)


def test_a_formula_over_periods_is_the_same_as_a_step(history):
    step = xm.Hawkes(at=300).fit(history, window=(0, 600))
    table = pd.DataFrame({"start": [0, 100, 300], "after": [0, 0, 1]})
    formula = xm.Hawkes("after").fit(history, window=(0, 600), periods=table)
    assert_allclose(formula.estimate, step.estimate, rtol=1e-7)


def test_without_self_excitation_the_ratio_has_an_upper_limit_and_the_test_says_nothing():
    rng = np.random.default_rng(21)
    fits = [xm.Hawkes().fit(np.sort(rng.uniform(0, 300, 150)), window=(0, 300)) for _ in range(8)]
    none = [fit for fit in fits if not fit.excited]
    assert none, "about half of all Poisson histories have their top at zero"
    fit = none[0]
    assert fit.branching == 0
    assert np.isnan(fit.decay)
    assert "no self-excitation" in str(fit.summary())
    found = fit.branching_ratio()
    assert found["low"] == 0 < found["high"] < 1
    assert fit.excitation_test(19, rng=1).pvalue > 0.2
    assert fit.intensity([100.0])["intensity"].iloc[0] == pytest.approx(0.5, rel=1e-6)


def test_the_simulated_test_finds_self_excitation(history):
    fit = xm.Hawkes(at=300).fit(history, window=(0, 600))
    assert fit.excitation_test(19, rng=1).pvalue == pytest.approx(0.05)


def test_a_drift_that_is_not_in_the_model_is_named():
    """A background that rises tenfold looks like a slow echo, and the fit says so."""
    rng = np.random.default_rng(2)
    times = np.sort(400 * rng.random(600) ** 0.4)
    fit = xm.Hawkes().fit(times, window=(0, 400))
    assert any("miss a trend" in note or "rests on its bound" in note for note in fit.warnings)


def test_simulated_histories_have_the_stated_mean_and_are_reproducible():
    sizes = [len(xm.simulate_hawkes(0.5, 0.4, 2.0, (0, 400), rng=i)) for i in range(60)]
    assert abs(np.mean(sizes) - 0.5 * 400 / 0.6) < 4 * np.std(sizes) / np.sqrt(60) + 1
    one, two = (xm.simulate_hawkes(0.5, 0.4, 2.0, (10, 50), rng=3) for _ in range(2))
    assert np.array_equal(one, two)
    assert one.min() >= 10
    assert np.all(np.diff(one) > 0)


def test_figures_and_files(history, tmp_path):
    fit = xm.Hawkes(at=300).fit(history, window=(0, 600))
    assert fit.plot().get_ylabel() == "events per unit of time"
    day = np.datetime64("2013-03-01") + np.arange(600)
    n = np.bincount(np.floor(history).astype(int), minlength=600)
    binned = xm.Hawkes().fit(xm.Counts.from_table({"n": n, "day": day}, n="n", start="day", freq="D"))
    assert binned.plot().get_legend() is not None
    frame = binned.intensity()
    assert np.mean((frame["n"] >= frame["low"]) & (frame["n"] <= frame["high"])) > 0.93
    fit.save(tmp_path / "fit.json")
    again = xm.load(tmp_path / "fit.json")
    assert again.branching == fit.branching
    with pytest.raises(xm.DataError, match="does not hold"):
        again.residuals()
    assert "Hawkes" in fit.cite()


TWO = np.array([1.0, 2.0, 3.5, 7.0, 8.0, 9.5])


@pytest.mark.parametrize(
    ("events", "options", "model", "error", "words"),
    [
        (np.array([1.0, 2.0, 2.0, 3.0, 4.0]), {"window": (0, 9)}, {}, xm.DataError, "Do not jitter"),
        (TWO, {}, {}, xm.DataError, "when observation began"),
        (TWO, {"window": (9, 1)}, {}, xm.DataError, "does not end after"),
        (TWO, {"window": (0, 9)}, {}, xm.DataError, "outside the window"),
        (np.array([1.0, np.nan, 3.0, 4.0]), {"window": (0, 9)}, {}, xm.DataError, "missing"),
        (np.array(["a", "b"]), {"window": (0, 9)}, {}, xm.DataError, "numbers or dates"),
        (np.array([1.0, 2.0]), {"window": (0, 9)}, {}, xm.DataError, "2 events for 3"),
        (TWO, {"window": (0, 10)}, {"at": 12}, xm.IdentificationError, "not inside the observed window"),
        (TWO, {"window": (0, 10)}, {"at": 9.8}, xm.IdentificationError, "no event on one side"),
        (TWO, {"window": (0, 10)}, {"at": "2014-01-01"}, xm.DataError, "have no dates"),
        (TWO, {"window": (0, 10)}, {"background": "x"}, xm.FormulaError, "not a column"),
    ],
)
def test_refusals(events, options, model, error, words):
    with pytest.raises(error, match=words):
        xm.Hawkes(**model).fit(events, **options)


def test_refusals_of_counts_and_choices():
    n, day = [1, 2, 0, 3, 1, 2], np.datetime64("2014-01-01") + np.arange(6)
    table = {"n": n * 2, "day": np.tile(day, 2), "kind": ["a"] * 6 + ["b"] * 6}
    several = xm.Counts.from_table(table, n="n", start="day", freq="D", by="kind", shared=True)
    with pytest.raises(xm.DataError, match="several series"):
        xm.Hawkes().fit(several)
    gap = xm.Counts.from_table({"n": n, "day": np.delete(np.append(day, day[-1] + 1), 2)}, n="n", start="day", freq="D")
    with pytest.raises(xm.DataError, match="follow one another"):
        xm.Hawkes().fit(gap)
    for wrong in ({"kernel": "power"}, {"longest": -1.0}):
        with pytest.raises(xm.DataError):
            xm.Hawkes(**wrong)
    with pytest.raises(xm.DataError, match="below 1"):
        xm.simulate_hawkes(1.0, 1.5, 1.0, (0, 1e4), rng=1)
