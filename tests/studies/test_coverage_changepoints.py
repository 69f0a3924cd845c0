"""Size of the test of no change, and coverage of the set of dates, at 11, 50 and 431 events.

Periods are the 18 months of the founding case, the last one cut. The p-value is exact given the total, so that the
test may not reject too often; with few events it rejects less often than alpha, since only few p-values are possible.
The set of
dates inverts exact tests given the events on either side.

In an ordinary run 300 series are drawn for each total (Monte Carlo error 1.3 points at 5 %), 60 for the sets; with
EXITMODELS_FULL_STUDY=1, 4000 and 600.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

import exitmodels as xm

DAYS = np.diff(np.arange("2013-03", "2014-10", dtype="datetime64[M]").astype("datetime64[D]")).astype(float)[:18]
DAYS[-1] = 21
FULL = os.environ.get("EXITMODELS_FULL_STUDY") == "1"
SIZES, SETS = (4000, 600) if FULL else (300, 60)


@pytest.mark.slow
@pytest.mark.parametrize("total", [11, 50, 431])
def test_the_test_rejects_no_more_than_it_says(total):
    rng = np.random.default_rng(total)
    p = np.array([_pvalue(rng.multinomial(total, DAYS / DAYS.sum())) for _ in range(SIZES)])
    for alpha in (0.05, 0.2):
        assert (p <= alpha).mean() <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / SIZES)
    if total == 431:  # fine enough that the level is also used
        assert (p <= 0.2).mean() >= 0.2 - 4 * np.sqrt(0.16 / SIZES)


def _pvalue(counts):
    from exitmodels.kernels.onechange import exceeds, ratio_profile

    among = np.ones(17, dtype=bool)
    return exceeds(DAYS, int(counts.sum()), float(ratio_profile(counts, DAYS).max()), among)


@pytest.mark.slow
@pytest.mark.parametrize(("total", "ratio"), [(11, 0.2), (50, 0.5), (431, 0.7)])
def test_the_set_of_dates_covers(total, ratio):
    rng = np.random.default_rng(total + 1)
    mean = DAYS * np.where(np.arange(18) < 10, 1.0, ratio)
    inside = [xm.change_test(rng.multinomial(total, mean / mean.sum()), DAYS).inside[9] for _ in range(SETS)]
    assert np.mean(inside) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / SETS)
