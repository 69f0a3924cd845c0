"""What nominal 95 % limits cover in small samples: profile, Wald, Firth's, of smooth effects, and debiased.

In an ordinary run few worlds are drawn and the bar is wide (Monte Carlo error about 1.3 points at 300 worlds);
with EXITMODELS_FULL_STUDY=1 there are 2000 worlds (0.5 points) and the bar is narrow.
"""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest

import exitmodels as xm

FULL = os.environ.get("EXITMODELS_FULL_STUDY") == "1"
WORLDS = 2000 if FULL else 300
LOW, HIGH = (0.93, 0.97) if FULL else (0.915, 0.985)


def small(rng: np.random.Generator, n: int, share: float, effect: float) -> xm.Spells | None:
    """A rare group, a number, late entries, whole days; about half of the stays end inside the records."""
    x = (rng.random(n) < share).astype(int)
    z = rng.normal(size=n)
    stay = np.ceil(rng.exponential(60 / np.exp(effect * x + 0.3 * z)))
    entry = np.where(rng.random(n) < 0.3, rng.integers(0, 20, n), 0)
    end = entry + np.ceil(rng.uniform(20, 120, n))
    seen = stay > entry
    exit, left = np.minimum(stay, end)[seen], (stay <= end)[seen]
    if left.sum() < 4 or x[seen].std() == 0:
        return None
    return xm.Spells(exit=exit, entry=entry[seen], event=left, covariates={"x": x[seen], "z": z[seen]})


@pytest.mark.slow
def test_coverage_of_profile_limits_in_small_samples() -> None:
    """Fifty people in two groups: profile limits cover what they should; so do Firth's.

    With a quarter of forty people in the group the partial likelihood itself is less near its limit law: profile
    limits then cover 92.6 % and Wald's 93.1 % (1400 worlds).
    """
    rng = np.random.default_rng(2001)
    hits, drawn, infinite = dict.fromkeys(("profile x", "profile z", "firth x", "firth z"), 0), 0, 0
    effect = 0.7
    while drawn < WORLDS:
        spells = small(rng, 50, 0.5, effect)
        if spells is None:
            continue
        drawn += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", xm.ConvergenceWarning)
            plain, firth = (xm.Cox("x + z", penalty=penalty).fit(spells) for penalty in (None, "firth"))
        for name, fit in (("profile", plain), ("firth", firth)):
            limits = fit.profile_limits()
            infinite += int(np.isinf(limits).any(axis=None))
            for column, truth in (("x", effect), ("z", 0.3)):
                low, high = limits.loc[column]
                hits[f"{name} {column}"] += bool(low <= truth <= high)
    covered = {name: count / drawn for name, count in hits.items()}
    print(covered, infinite)
    assert all(LOW <= share <= HIGH for share in covered.values()), covered


@pytest.mark.slow
def test_coverage_where_the_likelihood_is_often_monotone() -> None:
    """Six of thirty in a group that hardly leaves: plain estimates are often infinite; Firth's limits still hold."""
    rng = np.random.default_rng(57)
    worlds = WORLDS
    hits, drawn, endless = {"firth": 0, "profile": 0}, 0, 0
    while drawn < worlds:
        spells = small(rng, 30, 0.2, -1.5)
        if spells is None:
            continue
        drawn += 1
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            plain = xm.Cox("x").fit(spells)
        endless += bool(caught)
        low, high = plain.profile_limits().loc["x"]
        hits["profile"] += bool(low <= -1.5 <= high)
        low, high = xm.Cox("x", penalty="firth").fit(spells).profile_limits().loc["x"]
        assert np.isfinite([low, high]).all()
        hits["firth"] += bool(low <= -1.5 <= high)
    covered = {name: count / drawn for name, count in hits.items()}
    print(covered, endless / drawn)
    assert endless / drawn > 0.1
    # with few exits in the group the distribution is coarse, so cover is above the nominal, as for exact limits
    assert all(share >= LOW for share in covered.values()), covered


@pytest.mark.slow
def test_coverage_of_smooth_effects_and_of_the_debiased_lasso() -> None:
    """Limits of a smooth effect cover on average over its range (Wahba's sense); one step from the lasso covers."""
    rng = np.random.default_rng(1996)
    inside, debiased, shrunken = [], 0, 0
    at = np.linspace(-1.7, 1.7, 18)
    worlds = WORLDS // 2
    for _ in range(worlds):
        x = rng.uniform(-2, 2, (300, 8))
        stay = rng.exponential(1 / np.exp(np.sin(1.5 * x[:, 0]) + 0.3 * x[:, 1]))
        columns = {f"x{j}": x[:, j] for j in range(8)}
        spells = xm.Spells(exit=np.minimum(stay, 2), event=stay < 2, covariates=columns)
        effect = xm.Cox("pspline(x0, df=4) + x1").fit(spells).smooth_effect("x0", at=at)
        truth = np.sin(1.5 * at) - np.mean(np.sin(1.5 * x[:, 0]))
        inside.append(np.mean((effect.low <= truth) & (truth <= effect.high)))
        rest = " + ".join(f"x{j}" for j in range(1, 8))
        straight = xm.Spells(
            exit=np.minimum(stay, 2), event=stay < 2, covariates={**columns, "s": np.sin(1.5 * x[:, 0])}
        )
        lasso = xm.Cox(f"s + {rest}", penalty="lasso", strength=0.05).fit(straight)
        low, high = lasso.debiased().conf_int().loc["x1"]
        debiased += bool(low <= 0.3 <= high)
        shrunken += bool(lasso.params["x1"] > 0.3)
    print(np.mean(inside), debiased / worlds, shrunken / worlds)
    wide = 0.0 if FULL else 0.02
    assert LOW - wide <= np.mean(inside) <= HIGH + wide
    assert LOW - wide <= debiased / worlds <= HIGH + wide
    assert shrunken / worlds < 0.4  # the lasso itself is pulled towards zero
