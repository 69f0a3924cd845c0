"""Checks of a discrete-time cure fit: is there a share that never leaves, and does anything run off to its edge.

Third floor, in the room of hazards.

Called by: discrete_cure.py.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import chdtrc, expit

from exitmodels.kernels.ascent import Ascent
from exitmodels.kernels.curelag import CureRows, fit_cure
from exitmodels.models.hazards.cure_rows import CureDesign
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.shapes.spells import Spells

__all__ = ["boundary_test", "sources", "trouble"]

_NOWHERE, _RUN = -700.0, 12.0


def boundary_test(data: CureRows, top: float, null: float, most: int, rows: Spells) -> HypothesisTest:
    """Likelihood ratio of a share that never leaves, one for all, against none; the covariates of the lag in both."""
    a, _, b = data.sizes
    if a == 1:
        some = top
    elif b == 0:
        some = null
    else:
        some = fit_cure(replace(data, never=data.never[:, :1]), None, most).surface.value
    nobody = replace(data, never=data.never[:, :0], never_offset=np.full(len(data.weight), _NOWHERE))
    value = max(2 * (some - fit_cure(nobody, None, most).surface.value), 0.0)
    return HypothesisTest(
        statistic=value,
        df=1,
        pvalue=0.5 * float(chdtrc(1, value)) if value > 0 else 1.0,
        method="likelihood ratio test that nothing never leaves, at the edge: half chi-squared(0), half chi-squared(1)",
        distribution="half chi2(0), half chi2(1)",
        sources=("self_liang1987",),
        ledger=rows.ledger,
    )


def sources(baseline: str, penalised: bool) -> tuple[str, ...]:
    """Keys of the papers behind a fit."""
    tail = ("taylor1995",) if baseline == "periods" else ("self_liang1987",)
    more = ("firth1993", "greenland_mansournia2015") if penalised else ()
    return ("farewell1982", "maller_zhou1996", *tail, *more)


def trouble(best: Ascent, data: CureRows, design: CureDesign) -> tuple[str, ...]:
    """Name what runs off to its edge."""
    a, f, _ = data.sizes
    v = data.never @ best.at[:a] + data.never_offset
    if float(expit(v).max()) < 1e-4:
        return (
            "The best fit has no share that never leaves: long lags explain the records as well. See never_fraction() "
            "for its upper limit; standard errors of the never-part mean nothing.",
        )
    free = np.isfinite(data.fixed) & (data.fixed == 0)
    period = (data.basis @ best.at[a : a + f])[free]
    slopes = [i for i in (*range(1, a), *range(a + f, len(best.at))) if abs(best.at[i]) > _RUN]
    if len(period) and float(period.min()) > _RUN:
        return (
            "The best fit has everything that ever leaves do so in the first period: the hazard runs to 1. Use "
            'baseline="periods" or penalty="logf".',
        )
    if slopes:
        which = ", ".join(design.names[i] for i in slopes[:6])
        return (
            f"The likelihood keeps rising as the coefficient of {which} grows: the records hold no counterexample. Its "
            'printed value and standard error mean nothing. Merge levels, or use penalty="logf".',
        )
    if not best.converged:
        return ("The search stopped before its rule was met; do not report these estimates.",)
    return ()
