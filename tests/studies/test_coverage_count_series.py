"""What limits, forecasts and tests of count-series models do at the sizes of the founding case.

Series have 78 weeks and about 431 events, or 200 periods. In an ordinary run few are drawn and the bars are wide; with
EXITMODELS_FULL_STUDY=1, 2000 for each line (Monte Carlo error 0.5 points).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable

import numpy as np
import pytest

import exitmodels as xm

FULL = os.environ.get("EXITMODELS_FULL_STUDY") == "1"
WORLDS = 2000 if FULL else 150
SLACK = 0.0 if FULL else 0.045
WEEKS, LONG = 78, 200


def autoregression(
    rng: np.random.Generator, n: int, theta: tuple[float, float, float], log: bool, alpha: float, x: np.ndarray
) -> np.ndarray:
    """An INGARCH(1,1) or log-linear series with a covariate of effect 0.3 (log link), after 50 periods to settle."""
    start, of_count, of_mean = theta
    state, out = start / (1 - of_count - of_mean), np.zeros(n + 50, dtype=np.int64)
    before = state
    for t in range(n + 50):
        state = start + of_count * before + of_mean * state
        state += 0.3 * x[t - 50] if log and t >= 50 else 0.0
        mean = np.exp(state) if log else state
        out[t] = rng.poisson(mean * (rng.gamma(1 / alpha) * alpha if alpha else 1.0))
        before = np.log(out[t] + 1.0) if log else out[t]
    return out[50:]


def counted(y: np.ndarray, x: np.ndarray) -> xm.Counts:
    return xm.Counts.from_table({"n": y, "x": x}, n="n", covariates=["x"])


def coverage(
    make: Callable[[np.random.Generator], tuple[xm.Counts, dict[str, float]]], model: object, seed: int
) -> dict:
    """Share of worlds in which 95 % limits hold the truth, for each coefficient named."""
    rng, hits = np.random.default_rng(seed), {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", xm.ConvergenceWarning)
        for _ in range(WORLDS):
            counts, truth = make(rng)
            limits = model.fit(counts).conf_int()
            for name, value in truth.items():
                low, high = limits.loc[name]
                hits.setdefault(name, []).append(bool(low <= value <= high))
    return {name: float(np.mean(held)) for name, held in hits.items()}


def centred(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.normal(size=n)


def log_world(n: int, alpha: float) -> Callable[[np.random.Generator], tuple[xm.Counts, dict[str, float]]]:
    def make(rng: np.random.Generator) -> tuple[xm.Counts, dict[str, float]]:
        x = centred(rng, n)
        return counted(autoregression(rng, n, (1.0, 0.4, 0.0), True, alpha, x), x), {"x": 0.3, "n[t-1]": 0.4}

    return make


LINES = [
    # n, alpha, model, least coverage of x and of the lag
    (WEEKS, 0.0, xm.CountAR("x"), 0.93, 0.93),
    (WEEKS, 0.3, xm.CountAR("x", family="negbin"), 0.93, 0.93),
    (WEEKS, 0.3, xm.CountAR("x", family="negbin", dispersion="ml"), 0.92, 0.92),
    (WEEKS, 0.3, xm.CountAR("x", vcov="robust"), 0.9, 0.9),
    (LONG, 0.3, xm.CountAR("x", family="negbin", dispersion="ml"), 0.925, 0.93),
    (LONG, 0.3, xm.CountAR("x", family="negbin"), 0.93, 0.93),
]


@pytest.mark.slow
@pytest.mark.parametrize(("n", "alpha", "model", "least_x", "least_lag"), LINES)
def test_limits_of_the_log_linear_model(n, alpha, model, least_x, least_lag):
    found = coverage(log_world(n, alpha), model, seed=1)
    assert least_x - SLACK <= found["x"] <= 0.985, found
    assert least_lag - SLACK <= found["n[t-1]"] <= 0.985, found


@pytest.mark.slow
def test_poisson_errors_are_too_small_for_overdispersed_counts():
    """Why the fit warns: nominal 95 % limits that hold far less."""
    assert coverage(log_world(LONG, 0.3), xm.CountAR("x"), seed=2)["x"] < 0.85


@pytest.mark.slow
def test_limits_of_the_identity_link():
    def make(rng):
        zero = np.zeros(LONG)
        y = autoregression(rng, LONG, (2.0, 0.4, 0.2), False, 0.0, zero)
        return counted(y, zero), {"n[t-1]": 0.4}

    model = xm.CountAR(past_means=(1,), link="identity")
    assert 0.92 - SLACK <= coverage(make, model, seed=3)["n[t-1]"] <= 0.985


@pytest.mark.slow
@pytest.mark.parametrize("family", ["poisson", "negbin"])
def test_limits_of_glarma(family):
    def make(rng):
        x, alpha = centred(rng, LONG), 0.3 if family == "negbin" else 0.0
        state, residual, y = np.zeros(LONG), np.zeros(LONG), np.zeros(LONG, dtype=np.int64)
        for t in range(LONG):
            state[t] = 0.2 * residual[t - 1] if t else 0.0
            mean = np.exp(1.5 + 0.3 * x[t] + state[t])
            y[t] = rng.poisson(mean * (rng.gamma(1 / alpha) * alpha if alpha else 1.0))
            residual[t] = (y[t] - mean) / np.sqrt(mean + alpha * mean**2)
        return counted(y, x), {"x": 0.3, "ma[t-1]": 0.2}

    found = coverage(make, xm.GLARMA("x", ma=(1,), family=family), seed=4)
    assert all(0.925 - SLACK <= value <= 0.985 for value in found.values()), found


@pytest.mark.slow
def test_size_of_the_score_test_at_a_known_time():
    """Nominal 5 %: by score with the right weights, for Poisson counts and for quasi-likelihood."""
    for alpha, model in ((0.0, xm.CountAR()), (0.3, xm.CountAR(family="negbin"))):
        rng, low = np.random.default_rng(5), []
        for _ in range(WORLDS):
            y = autoregression(rng, WEEKS, (1.0, 0.4, 0.0), True, alpha, np.zeros(WEEKS))
            fit = model.fit(xm.Counts.from_table({"n": y}, n="n"))
            low.append(fit.intervention_test(50).pvalue < 0.05)
        assert 0.02 <= np.mean(low) <= 0.075 + SLACK


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "alpha"),
    [
        (xm.CountAR(), 0.0),
        (xm.CountAR(family="negbin", dispersion="ml"), 0.3),
        (xm.GLARMA(ma=(1,)), 0.0),
        (xm.LocalLevel(), 0.0),
        (xm.EndemicEpidemic(), 0.0),
    ],
)
def test_forecasts_of_eight_weeks(model, alpha):
    """Limits of counts hold at least their nominal share (counts are whole), and not everything."""
    rng, inside, total = np.random.default_rng(6), [], []
    for i in range(WORLDS if FULL else 60):
        y = autoregression(rng, WEEKS + 8, (1.0, 0.4, 0.0), True, alpha, np.zeros(WEEKS + 8))
        fit = model.fit(xm.Counts.from_table({"n": y[:WEEKS]}, n="n"))
        ahead = fit.forecast(8, rng=i, paths=600)
        frame, later = ahead.to_frame(), y[WEEKS:]
        inside += list((later >= frame["low"]) & (later <= frame["high"]))
        sums = ahead.total()
        total.append(sums["low"] <= later.sum() <= sums["high"])
    assert 0.94 - SLACK <= np.mean(inside) <= 0.99
    assert 0.91 - 2 * SLACK <= np.mean(total) <= 1.0


@pytest.mark.slow
def test_transform_is_flat_under_the_truth():
    """Pooled over worlds: each tenth of the histogram within five points of one."""
    rng, pooled = np.random.default_rng(7), []
    for _ in range(WORLDS):
        y = autoregression(rng, LONG, (1.0, 0.4, 0.0), True, 0.3, np.zeros(LONG))
        pooled.append(xm.CountAR(family="negbin", dispersion="ml").fit(xm.Counts.from_table({"n": y}, n="n")).pit())
    assert np.abs(np.mean(pooled, axis=0) - 1).max() < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("family", ["poisson", "gaussian"])
def test_limits_of_the_level(family):
    """Share of weeks in which the true level lies inside its limits, averaged over worlds."""
    rng, held = np.random.default_rng(8), []
    for _ in range(WORLDS):
        level = np.cumsum(0.15 * rng.normal(size=WEEKS)) + (1.7 if family == "poisson" else 0.0)
        if family == "poisson":
            y = rng.poisson(np.exp(level))
        else:
            y = np.round(1000 + 100 * (level + 0.4 * rng.normal(size=WEEKS))).astype(int)
            level = 1000 + 100 * level
        frame = xm.LocalLevel(family=family).fit(xm.Counts.from_table({"n": y}, n="n")).level()
        held.append(np.mean((level >= frame["low"]) & (level <= frame["high"])))
    assert 0.90 - SLACK <= np.mean(held) <= 0.97
