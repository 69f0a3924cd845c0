"""A curve estimated from people found inside on a day, with what was checked.

Third floor, in the room of truncation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from exitmodels.arrays import Floats
from exitmodels.kernels.steps import crossing, value_at
from exitmodels.render.text import Block, Summary, pvalue
from exitmodels.results.curve import Curve
from exitmodels.results.storing import Stored

__all__ = ["PrevalentCheck", "PrevalentCurve"]


@dataclass(frozen=True, eq=False, kw_only=True)
class PrevalentCheck(Stored):
    """What was checked about the curve of one group.

    Attributes
    ----------
    keys : mapping
    n, n_left : float
        People found, and those of them who left while followed.
    found_mean : float
        Mean whole stay of people like those found: too long by length bias.
    mean, mean_se : float
        Mean stay of all who come.
    open_end : bool
        Whether the longest time on record is of somebody still there.
    last : float
        That time.
    first_entry : float
        Shortest time since entry: the product limit with delayed entry knows nothing of shorter stays.
    late_time, late_survival : (k,)
        The product limit with delayed entry.
    stationarity : float
        p-value of the test of a constant rate of coming; NaN when another shape was given.
    gap : float
        Largest change of a mass in one more step of self-consistency.
    llf : float
        Log-likelihood of the whole and unfinished stays, given that people were found.
    n_steps : int
    """

    keys: Mapping[str, Any]
    n: float
    n_left: float
    found_mean: float
    mean: float
    mean_se: float
    open_end: bool
    last: float
    first_entry: float
    late_time: Floats
    late_survival: Floats
    stationarity: float
    gap: float
    llf: float
    n_steps: int

    @property
    def label(self) -> str:
        """The keys in words."""
        return ", ".join(f"{k}={v}" for k, v in self.keys.items()) or "all"


@dataclass(frozen=True, eq=False, kw_only=True)
class PrevalentCurve(Curve):
    """Survival from a prevalent cohort.

    Attributes
    ----------
    checks : tuple of PrevalentCheck
        One for each group.
    """

    checks: tuple[PrevalentCheck, ...] = ()

    def means(self, alpha: float = 0.05) -> Any:
        """Mean stay of each group, as a DataFrame: group, n, found (mean of the stays found), mean, se, lower, upper.

        Limits are on the log scale.
        """
        import pandas as pd

        z = float(ndtri(1 - alpha / 2))
        rows = []
        for c in self.checks:
            factor = np.exp(z * c.mean_se / c.mean)
            row = {"group": c.label, **c.keys, "n": c.n, "found": c.found_mean, "mean": c.mean, "se": c.mean_se}
            rows.append({**row, "lower": c.mean / factor, "upper": c.mean * factor})
        return pd.DataFrame(rows)

    def beside(self, times: Any, alpha: float = 0.05) -> Any:
        """Read the curves, and beside them the product limit with delayed entry, which assumes no rate of coming.

        Returns
        -------
        DataFrame
            As `at`, with the column `delayed_entry`. That curve is about people who stay longer than the shortest time
            since entry (`checks[...].first_entry`).
        """
        frame = self.at(times, alpha)
        asked = np.atleast_1d(np.asarray(times, dtype=float))
        own = [value_at(c.late_time, c.late_survival, asked, 1.0) for c in self.checks]
        return frame.assign(delayed_entry=np.concatenate(own))

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form: the curves, then what was checked."""
        plain = super().summary(alpha)
        rows = tuple(
            (
                c.label,
                c.found_mean,
                c.mean,
                c.mean_se,
                crossing(c.late_time, c.late_survival, 0.5),
                pvalue(c.stationarity) if np.isfinite(c.stationarity) else "not tested",
            )
            for c in self.checks
        )
        columns = ("group", "mean of those found", "mean stay", "se", "median, delayed entry", "constant rate p")
        gap = max((c.gap for c in self.checks), default=0.0)
        facts = (*plain.facts, ("self-consistency gap", "<1e-9" if gap < 1e-9 else f"{gap:.1e}"))
        return Summary(plain.title, facts, (*plain.tables, Block(columns, rows)), plain.notes)
