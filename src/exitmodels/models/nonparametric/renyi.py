"""Renyi's supremum test: do two hazards differ at any time, even if the difference turns round later?

Third floor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.kernels.logrank import merged_steps, time_weights
from exitmodels.kernels.suprema import motion_exceeds
from exitmodels.models.nonparametric.compared import (
    SOURCES,
    Compared,
    compare,
    family_name,
    family_of,
    never_together,
    two_groups,
)
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.shapes.spells import Spells

__all__ = ["renyi_test"]


def renyi_test(
    spells: Spells,
    by: str | Sequence[str],
    *,
    event: Any = None,
    strata: str | Sequence[str] | None = None,
    weights: str = "logrank",
    rho: float = 0.0,
    gamma: float = 0.0,
) -> HypothesisTest:
    """Compare two groups by the largest value that their log-rank score reaches on the way.

    Parameters
    ----------
    spells, by, event, strata, weights, rho, gamma
        As in `logrank_test`.

    Returns
    -------
    HypothesisTest
        `statistic` is the largest absolute score divided by the standard deviation of the last one; ``detail`` has
        the times and the path of the score of the first group, and the time at which it was largest.

    Raises
    ------
    SchemeError
        If only exits inside a window were recorded.
    DataError
        For one group or more than two, no exits, or sampling weights.

    Notes
    -----
    Under no difference the score is Brownian motion run at its variance, under delayed entry too, and the p-value is
    the chance that such a path strays as far. Where hazards cross, the log-rank score turns back towards zero and
    this test keeps its power. Over strata the scores of one time are added.
    Source: Gill (1980); Fleming, Harrington & O'Sullivan (1987); Klein & Moeschberger (2003), section 7.6.

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[5, 8, 12, 9, 13, 18], event=[1, 1, 1, 1, 0, 1],
    ...                    covariates={"unit": list("aaabbb")})
    >>> test = xm.renyi_test(spells, by="unit")
    >>> round(test.statistic, 4), round(test.pvalue, 4)
    (1.599, 0.2197)
    """
    family = family_of(weights)
    compared = compare(spells, "renyi_test", by, event, strata)
    two_groups(compared, "renyi_test")
    times, path, spread = _path(compared, family, rho, gamma)
    variance = float(spread.sum())
    if not variance > 0:
        raise never_together()
    highest = int(np.argmax(np.abs(path)))
    statistic = float(np.abs(path[highest]) / np.sqrt(variance))
    name = family_name(family, rho, gamma)
    strata_words = f", {compared.n_strata} strata" if compared.n_strata > 1 else ""
    return HypothesisTest(
        statistic=statistic,
        df=float("nan"),
        pvalue=motion_exceeds(statistic),
        method=f"Renyi supremum test with {name} weights{strata_words}; largest at {times[highest]:g}",
        distribution="supremum of absolute Brownian motion",
        labels=(compared.labels[0],),
        detail={
            "largest score": path[[highest]],
            "at time": times[[highest]],
            "last score": path[[-1]],
            "standard deviation": np.sqrt([variance]),
            "path": np.column_stack([times, path, np.cumsum(spread)]),
        },
        sources=("gill1980", "fleming1987", *SOURCES[family]),
        ledger=compared.rows.ledger,
    )


def _path(compared: Compared, family: str, rho: float, gamma: float) -> tuple[Floats, Floats, Floats]:
    """Event times, the running score of the first group, and the variance that each time adds."""
    times: list[Floats] = []
    steps: list[Floats] = []
    spreads: list[Floats] = []
    for moments, at_risk, events, _ in compared.tables():
        total, exits = at_risk.sum(axis=0), events.sum(axis=0)
        weight = time_weights(total, exits, family, rho, gamma)
        w = np.ones(len(total)) if weight is None else weight
        share = at_risk[0] / total
        left = np.where(total > 1, (total - exits) / np.maximum(total - 1, 1.0), 0.0)
        times.append(moments)
        steps.append(w * (events[0] - share * exits))
        spreads.append(w**2 * share * (1 - share) * left * exits)
    grid, step, spread = merged_steps(times, steps, spreads)
    return grid, np.cumsum(step), spread
