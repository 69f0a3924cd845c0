"""What nominal 95 % limits cover when some items never reappear: the share, a coefficient, the next issue, few items.

Worlds of `simulate.newsletter`: 392 items over a year, or 12 of one kind with the log-F penalty. In an ordinary run 300
worlds are drawn (Monte Carlo error 1.3 points), with EXITMODELS_FULL_STUDY=1, 2000.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.special import expit

import exitmodels as xm
from worlds import FULL, HIGH, LOW, WORLDS, inside

REPORT = {"topic": ["report"], "warns": [0]}


@pytest.mark.slow
def test_coverage_of_the_share_the_effect_and_the_next_issue() -> None:
    hits = {"share, profile": 0, "share, wald": 0, "effect": 0, "lag": 0, "next": 0}
    worlds = WORLDS if FULL else 150
    for seed in range(worlds):
        world = xm.simulate.newsletter(never={"warns": 0.5}, rng=seed)
        lags = xm.reprint_lags(world.frame, reappeared="reappeared", published="published", issues=world.issues, lead=7)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", xm.DataWarning)
            fit = xm.DiscreteCure("topic + warns").fit(lags)
        share = expit(world.truth["never"]["Intercept"])
        for method in ("profile", "wald"):
            row = fit.never_fraction(REPORT, method=method).iloc[0]
            hits[f"share, {method}"] += inside(row["low"], share, row["high"])
        limits = fit.conf_int()
        hits["effect"] += inside(limits["low"].iloc[4], 0.5, limits["high"].iloc[4])
        hits["lag"] += inside(limits["low"].iloc[5], float(np.log(0.6 / 0.4)), limits["high"].iloc[5])
        chance = fit.predict_next(REPORT, waited=0).conf_int().iloc[0]
        hits["next"] += inside(chance["low"], (1 - share) * 0.6, chance["high"])
    covered = {name: count / worlds for name, count in hits.items()}
    print(covered)
    low = LOW if FULL else 0.90
    assert all(low <= value <= max(HIGH, 0.985) for value in covered.values()), covered


@pytest.mark.slow
def test_coverage_with_a_dozen_items_and_the_penalty() -> None:
    """Profile limits of the penalised fit; every world has an answer, also those without an item that is out."""
    rng, hits, known = np.random.default_rng(1), 0, 0
    for _ in range(WORLDS):
        lag, never = rng.geometric(0.6, 12), rng.random(12) < 0.6
        left = ~never & (lag <= 8)
        if left.all() or not left.any():
            continue
        items = xm.Spells(exit=np.where(left, lag, 8), event=left.astype(int))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", xm.DataWarning)
            row = xm.DiscreteCure(penalty="logf").fit(items).never_fraction().iloc[0]
        known += 1
        hits += inside(row["low"], 0.6, row["high"])
    print(hits / known, known)
    assert 0.90 <= hits / known <= 0.99
