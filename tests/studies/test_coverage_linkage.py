"""How often limits of linkage hold the truth: persons on both lists, false links, matches not linked. All simulated.

In an ordinary run 30 worlds are drawn and the bar is wide; with EXITMODELS_FULL_STUDY=1, 300 worlds. The limits are
to be on the safe side: they hold the draws of records and the chance in who is a match.
"""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest

import exitmodels as xm
from simulated_lists import two_lists

FULL = os.environ.get("EXITMODELS_FULL_STUDY") == "1"
WORLDS = 300 if FULL else 30


@pytest.mark.slow
def test_limits_of_linkage() -> None:
    rng = np.random.default_rng(431)
    hits = {"overlap": 0, "false": 0, "missed": 0}
    error, claimed, seen = [], [], []
    for _ in range(WORLDS):
        a, b, both = two_lists(1200, rng)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", xm.DataWarning)  # a chained cluster in some worlds
            found = xm.link(
                a, b, on={"name": "name", "born": "date", "town": "exact"}, block=["last(name)", "born"], rng=rng
            )
        true = a["person"].to_numpy()[found.left] == b["person"].to_numpy()[found.right]
        counts = found.overlap().set_index("count").loc["with missed"]
        rates = found.error_rates([0.9]).iloc[0]
        false, missed = (~true[found.linked]).mean(), 1 - true[found.linked].sum() / true.sum()
        hits["overlap"] += bool(counts.low <= both <= counts.high)
        hits["false"] += bool(rates.false_low <= false <= rates.false_high)
        hits["missed"] += bool(rates.missed_low <= missed <= rates.missed_high)
        error.append(counts.n11 / both - 1)
        claimed.append(rates.false_rate)
        seen.append(false)
    covered = {name: count / WORLDS for name, count in hits.items()}
    print(covered, "mean relative error of n11", np.mean(error), "false", np.mean(claimed), np.mean(seen))
    assert abs(np.mean(error)) < 0.02
    assert abs(np.mean(claimed) - np.mean(seen)) < 0.006
    assert all(share >= (0.93 if FULL else 0.86) for share in covered.values()), covered
