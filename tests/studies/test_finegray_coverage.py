"""What nominal 95 % limits of a Fine-Gray fit cover, when the model is true, with ties, censoring and late entry.

Worlds are those of Fine & Gray (1999), section 6: F(t | x) = 1 - (1 - p (1 - exp(-t)))^exp(b x).
"""

from __future__ import annotations

import os

import numpy as np
import pytest

import exitmodels as xm

SHARE, EFFECT = 0.6, 0.5
FULL = bool(os.environ.get("EXITMODELS_FULL_STUDY"))


def world(rng: np.random.Generator, n: int, late: bool) -> xm.Spells:
    """Whole days, fifty to the unit of time."""
    x = rng.integers(0, 2, n)
    ever = 1 - (1 - SHARE) ** np.exp(EFFECT * x)
    first = rng.random(n) < ever
    own = -np.log(1 - (1 - (1 - rng.random(n) * ever) ** np.exp(-EFFECT * x)) / SHARE)
    left = np.where(first, own, rng.exponential(np.exp(0.3 * x), n))
    last = rng.uniform(0.3, 3, n)
    entry = np.where(rng.random(n) < 0.5, rng.uniform(0, 0.8, n), 0) * late
    left, last, entry = np.ceil(50 * left), np.ceil(50 * last), np.floor(50 * entry)
    exit = np.minimum(left, last)
    event = np.where(left <= last, np.where(first, 1, 2), 0)
    seen = exit > entry
    return xm.Spells(exit[seen], event[seen], entry=entry[seen], causes=["a", "b"], covariates={"x": x[seen]})


@pytest.mark.slow
@pytest.mark.parametrize("late", [False, True])
def test_coverage_of_effects_and_predicted_incidence(late: bool) -> None:
    rng = np.random.default_rng(1999)
    worlds = 2000 if FULL else 250
    hits = np.zeros(3)
    for _ in range(worlds):
        fit = xm.FineGray("x", event="a").fit(world(rng, 500 if late else 300, late))
        low, high = fit.conf_int().loc["x"]
        hits[0] += low <= EFFECT <= high
        curve = fit.predict_incidence({"x": [0, 1]}, times=[50]).to_frame()
        true = 1 - (1 - SHARE * (1 - np.exp(-1.0))) ** np.exp(EFFECT * np.arange(2))
        hits[1:] += (curve.lower <= true) & (true <= curve.upper)
    error = 3.5 * np.sqrt(0.05 * 0.95 / worlds)
    assert np.all(np.abs(hits / worlds - 0.95) < error + 0.005), hits / worlds
