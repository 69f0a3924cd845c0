"""What limits of mean stay and policy cover when 431 exits are seen through a window; how far off the naive mean is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import exitmodels as xm
from worlds import HIGH, LOW, WORLDS, inside

MEAN, RATIO = 180.0, 0.6


@pytest.mark.slow
def test_coverage_of_mean_stay_and_policy() -> None:
    """No covariates; the mean stay in worlds without a policy, the ratio of the total hazard in worlds with one."""
    hits = {"mean stay": 0, "policy": 0}
    short = []
    model = xm.ExitWindow(policy="2014-01-15", hazard="exponential")
    for seed in range(WORLDS):
        world = xm.simulate.exits(
            n=431, effects={}, policy="2014-01-15", policy_ratio=RATIO, mean_stay=MEAN, lead=0, rng=seed
        )
        spells = world.spells().for_cause("any")
        plain = xm.simulate.exits(n=431, effects={}, policy_ratio=1.0, mean_stay=MEAN, lead=0, rng=seed)
        constant = xm.ExitWindow(hazard="exponential").fit(plain.spells().for_cause("any"))
        # stays are rounded up to whole days, which adds half a day to their mean
        found = constant.mean_stay(tau=np.inf).iloc[0]
        hits["mean stay"] += inside(found.lower, MEAN + 0.5, found.upper)
        short.append(1 - float(plain.spells().exit.mean()) / MEAN)
        low, high = model.fit(spells).conf_int().loc["policy"]
        hits["policy"] += inside(low, _pooled(world), high)
    covered = {name: count / WORLDS for name, count in hits.items()}
    print(covered, np.quantile(short, [0.0, 0.5, 1.0]))
    assert all(LOW <= share <= HIGH for share in covered.values()), covered
    assert np.quantile(short, 0.01) > 0.2
    assert np.quantile(short, 0.99) < 0.6


def _pooled(world: Any) -> float:
    """Log ratio of the total hazard: one reason is not touched."""
    shares, ratios = world.truth["shares"], world.truth["policy"]["hazard_ratios"]
    return float(np.log(sum(shares[k] * ratios[k] for k in shares) / sum(shares.values())))
