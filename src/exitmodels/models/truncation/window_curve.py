"""A curve estimated from records seen through windows, with the checks that belong to it.

Third floor, in the room of truncation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import ndtri

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.models.truncation.mean_limits import MeanLimits
from exitmodels.render.text import Block, Summary, number
from exitmodels.results.curve import Curve
from exitmodels.results.storing import Stored

__all__ = ["WindowCheck", "WindowCurve"]


@dataclass(frozen=True, eq=False, kw_only=True)
class WindowCheck(Stored):
    """What was checked about the curve of one group.

    Attributes
    ----------
    keys : mapping
    n : float
        Rows, copies counted.
    low, high : float
        Stays outside (low, high] could not have been seen, whoever had them: the curve is conditional on lying inside.
    naive_mean : float
        Mean of the recorded stays.
    mean, mean_se : float
        Mean stay under the estimate, among stays inside (low, high], and its standard error (NaN without variance).
    effective : float
        Effective sample size of the weights 1 / chance of being recorded (Kish).
    largest_mass : float
        Largest share of the mass in one time.
    components, outside : int
        Connected components among the times, and rows outside the largest; 1 and 0 when the estimate exists and is
        unique.
    gap : float
        Largest change of a mass in one more step of self-consistency.
    llf : float
        Log-likelihood of the times given the windows, sum of log(mass / mass inside the window).
    n_steps : int
    """

    keys: Mapping[str, Any]
    n: float
    low: float
    high: float
    naive_mean: float
    mean: float
    mean_se: float
    effective: float
    largest_mass: float
    components: int
    outside: int
    gap: float
    llf: float
    n_steps: int

    @property
    def label(self) -> str:
        """The keys in words."""
        return ", ".join(f"{k}={v}" for k, v in self.keys.items()) or "all"


@dataclass(frozen=True, eq=False, kw_only=True)
class WindowLaw:
    """The estimated law of windows: what would be seen of a random spell, before any is lost."""

    left: Floats
    right: Floats
    share: Floats
    time: Floats
    mass: Floats
    chance: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class WindowCurve(Curve):
    """Survival, or incidence of each cause, from records that exist only because the exit fell inside a window.

    Attributes
    ----------
    checks : tuple of WindowCheck
        One for each group.
    laws : mapping of str to WindowLaw
        Masses and the estimated law of windows of each group; not saved.
    profiles : mapping of str to MeanLimits
        What likelihood ratio limits of the mean need of each group; not saved.
    """

    checks: tuple[WindowCheck, ...] = ()
    laws: Mapping[str, WindowLaw] = field(default_factory=dict, metadata={"stored": False})
    profiles: Mapping[str, MeanLimits] = field(default_factory=dict, metadata={"stored": False})

    def means(
        self,
        alpha: float = 0.05,
        limits: str = "log",
        n_samples: int = 200,
        rng: np.random.Generator | int | None = None,
    ) -> Any:
        """Mean stay of each group beside the naive mean, as a DataFrame.

        Parameters
        ----------
        alpha : float
        limits : {"log", "likelihood-ratio", "bartlett"}
            "log": the standard error, on the log scale. "likelihood-ratio": means that lower the log-likelihood by no
            more than half a chi-squared quantile. "bartlett": the same, the statistic divided by its mean over
            bootstrap samples.
        n_samples, rng
            Of those samples.

        Returns
        -------
        DataFrame
            group, n, naive (mean of the recorded stays), mean, se, lower, upper. Both are means among stays inside
            the range (low, high] that could be seen.

        Notes
        -----
        A few long stays that had little chance to be seen carry much of the mean. In simulated worlds of 431
        records 95 % limits covered 93 % ("log" and "likelihood-ratio", 1500 worlds; misses on the side of too short a
        mean) and 94 % ("bartlett").

        Source: likelihood ratio of a mean: Owen (1988); its correction: DiCiccio, Hall & Romano (1991).
        """
        import pandas as pd

        asked = self._mean_limits(alpha, limits, n_samples, rng)
        z = float(ndtri(1 - alpha / 2))
        rows = [
            {
                "group": c.label,
                **c.keys,
                "n": c.n,
                "naive": c.naive_mean,
                "mean": c.mean,
                "se": c.mean_se,
                "lower": c.mean * np.exp(-z * c.mean_se / c.mean),
                "upper": c.mean * np.exp(z * c.mean_se / c.mean),
                "low": c.low,
                "high": c.high,
            }
            for c in self.checks
        ]
        for row, own in zip(rows, asked, strict=False):
            row["lower"], row["upper"] = own
        return pd.DataFrame(rows)

    def _mean_limits(
        self, alpha: float, limits: str, n_samples: int, rng: np.random.Generator | int | None
    ) -> list[tuple[float, float]]:
        """Likelihood ratio limits of the mean of each group; none for limits on the log scale."""
        if limits not in ("log", "likelihood-ratio", "bartlett"):
            raise DataError(
                f"limits={limits!r} is not known.", code="limits", hint='"log", "likelihood-ratio" or "bartlett".'
            )
        if limits == "log":
            return []
        if not self.profiles:
            raise DataError(
                "Likelihood ratio limits need the data, which a saved curve does not hold.",
                code="no-data",
                hint="Ask the fitted curve before saving it.",
            )
        generator = np.random.default_rng(rng)
        drawn = n_samples if limits == "bartlett" else 0
        return [self.profiles[c.label].limits(alpha, drawn, generator)[:2] for c in self.checks]

    def at(self, times: Any, alpha: float = 0.05, transform: str | None = None) -> Any:
        """Read the curves at given times; NaN beyond the largest stay that could be seen. See `Curve.at`."""
        frame = super().at(times, alpha, transform)
        each = len(frame) // len(self.pieces)
        high = [next((c.high for c in self.checks if c.keys.items() <= p.keys.items()), np.inf) for p in self.pieces]
        beyond = frame["time"].to_numpy() > np.repeat(high, each)
        for name in ("estimate", "se", "lower", "upper"):
            frame[name] = np.where(beyond, np.nan, frame[name].to_numpy())
        return frame

    def masses(self) -> Any:
        """Mass of each time and chance that a stay of that length is recorded: group, time, mass, chance."""
        import pandas as pd

        frames = [
            pd.DataFrame({"group": label, "time": law.time, "mass": law.mass, "chance": law.chance})
            for label, law in self.laws.items()
        ]
        return pd.concat(frames, ignore_index=True)

    def window_law(self) -> Any:
        """Estimated share of each distinct window among all spells, seen or not: group, left, right, share."""
        import pandas as pd

        frames = [
            pd.DataFrame({"group": label, "left": law.left, "right": law.right, "share": law.share})
            for label, law in self.laws.items()
        ]
        return pd.concat(frames, ignore_index=True)

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form: the curves, then what was checked."""
        plain = super().summary(alpha)
        rows = tuple(
            (
                c.label,
                c.naive_mean,
                c.mean,
                c.mean_se,
                f"({number(c.low)}, {number(c.high)}]",
                c.effective,
                "yes" if c.components == 1 else f"no: {c.components} sets, largest kept",
            )
            for c in self.checks
        )
        columns = ("group", "naive mean", "mean stay", "se", "seen range", "effective n", "exists, unique")
        gap = max((c.gap for c in self.checks), default=0.0)
        facts = (*plain.facts, ("self-consistency gap", "<1e-9" if gap < 1e-9 else f"{gap:.1e}"))
        return Summary(plain.title, facts, (*plain.tables, Block(columns, rows)), plain.notes)
