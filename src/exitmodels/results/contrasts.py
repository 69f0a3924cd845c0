"""Differences and ratios of a number between groups: restricted means, survival or incidence at given times.

Second floor. A `Contrasts` holds, for each place (a time, or a cause), one estimate for each group with their
covariance; everything that a reader asks is derived here by the delta method on a named scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import ndtri

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.intervals import probability_limits
from exitmodels.kernels.linalg import scaled_rank
from exitmodels.render.text import Block, Summary, number, pvalue
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.results.labels import labelled
from exitmodels.results.multiplicity import adjusted
from exitmodels.results.scales import SCALES, Scale
from exitmodels.results.tabled import Tabled
from exitmodels.shapes.ledger import Ledger

__all__ = ["Contrasts"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Contrasts(Tabled):
    """Estimates by group, and how they differ.

    Attributes
    ----------
    quantity : str
        What was estimated.
    places : tuple of mapping
        One for each row of `estimate`, such as ``{"time": 26.0}`` or ``{"cause": "a"}``; a place may be ``{}``.
    groups : tuple of str
    estimate : (m, k)
    covariance : (m, k, k)
        Of the estimates of one place; groups share clusters at most.
    scales : tuple of str
        Scales on which differences can be taken; the first is the default.
    reference : int
        The group that others are compared with.
    top : float
        Largest possible value: 1, or the horizon.
    limits : str
        Scale of the limits of the estimates themselves.
    """

    quantity: str
    places: tuple[Mapping[str, Any], ...]
    groups: tuple[str, ...]
    estimate: Floats
    covariance: Floats
    scales: tuple[str, ...]
    reference: int
    top: float
    limits: str
    variance: str
    unit: str
    method: str
    sources: tuple[str, ...]
    ledger: Ledger
    warnings: tuple[str, ...] = ()

    @property
    def se(self) -> Floats:
        """Standard errors of `estimate`, (m, k)."""
        return np.sqrt(np.einsum("mkk->mk", self.covariance))

    # ---- estimates -------------------------------------------------------------------------------------------
    def estimates(self, alpha: float = 0.05) -> Any:
        """One row per place and group: place, group, estimate, se, lower, upper."""
        import pandas as pd

        z = _critical(alpha)
        rows = []
        for i, place in enumerate(self.places):
            value, se = self.estimate[i], self.se[i]
            if self.limits == "plain":
                low, high = np.maximum(value - z * se, 0.0), np.minimum(value + z * se, self.top)
            else:
                low, high = probability_limits(value, se, alpha, self.limits)
            for j, group in enumerate(self.groups):
                numbers = {"estimate": value[j], "se": se[j], "lower": low[j], "upper": high[j]}
                rows.append({**place, "group": group, **numbers})
        return pd.DataFrame(rows)

    def contrasts(
        self, scale: str | None = None, alpha: float = 0.05, pairs: str = "reference", adjust: str | None = None
    ) -> Any:
        """Differences between groups, with limits and p-values.

        Parameters
        ----------
        scale : str, optional
            One of `scales`, by default the first. Ratios are compared on the log scale and printed as ratios.
        alpha : float
        pairs : {"reference", "all"}
            Each group with the reference, or every pair.
        adjust : str, optional
            Adjust the p-values of one place for their number: "holm", "bonferroni", "fdr_bh" or another method of
            statsmodels' `multipletests`. Limits stay as they are, one by one.

        Returns
        -------
        DataFrame
            place, contrast, estimate, lower, upper, z, p (and `p adjusted`).
        """
        import pandas as pd

        chosen = self._scale(scale)
        z = _critical(alpha)
        frames = []
        for i, place in enumerate(self.places):
            value, covariance = self._on_scale(i, chosen)
            rows = []
            for a, b in self._pairs(pairs):
                difference = value[b] - value[a]
                with np.errstate(invalid="ignore"):
                    se = np.sqrt(covariance[a, a] + covariance[b, b] - 2 * covariance[a, b])
                row = {**place, "contrast": f"{self.groups[b]} vs {self.groups[a]}"}
                shown = (chosen.back(v) for v in (difference, difference - z * se, difference + z * se))
                row.update(zip(("estimate", "lower", "upper"), shown, strict=True))
                statistic = difference / se if se > 0 else np.nan
                rows.append({**row, "se": se, "z": statistic, "p": 2 * stats.norm.sf(abs(statistic))})
            frame = pd.DataFrame(rows)
            if adjust is not None:
                frame["p adjusted"] = adjusted(frame["p"].to_numpy(), adjust)
            frames.append(frame)
        return pd.concat(frames, ignore_index=True)

    def tests(self, scale: str | None = None) -> Any:
        """Test, for each place, that all groups are alike: a DataFrame of chi-squared statistics."""
        import pandas as pd

        rows = []
        for i, place in enumerate(self.places):
            test = self._test(i, scale)
            rows.append({**place, "statistic": test.statistic, "df": test.df, "p": test.pvalue})
        return pd.DataFrame(rows)

    def test(self, place: int = 0, scale: str | None = None) -> HypothesisTest:
        """Test that all groups are alike at one place (by its number)."""
        return self._test(place, scale)

    def _test(self, i: int, scale: str | None) -> HypothesisTest:
        chosen = self._scale(scale)
        value, covariance = self._on_scale(i, chosen)
        k = len(self.groups)
        matrix = np.eye(k)[np.arange(k) != self.reference] - np.eye(k)[self.reference]
        difference, spread = matrix @ value, matrix @ covariance @ matrix.T
        known = bool(np.isfinite(difference).all() and np.isfinite(spread).all())
        df = scaled_rank(spread) if known else 0
        statistic = float(difference @ np.linalg.pinv(spread, hermitian=True) @ difference) if df else np.nan
        where = ", ".join(f"{name}={number(v)}" for name, v in self.places[i].items())
        return HypothesisTest(
            statistic=statistic,
            df=df if df else np.nan,
            pvalue=float(stats.chi2.sf(statistic, df)) if df else np.nan,
            method=f"{self.quantity}{': ' + where if where else ''}; test by {chosen.words}",
            labels=self.groups,
            detail={"estimate": self.estimate[i], "se": self.se[i], "covariance": self.covariance[i]},
            sources=self.sources,
            ledger=self.ledger,
        )

    def _scale(self, scale: str | None) -> Scale:
        name = self.scales[0] if scale is None else scale
        if name not in self.scales:
            raise DataError(f"scale={name!r} is not for this.", code="scale", hint=f"One of {', '.join(self.scales)}.")
        return SCALES[name]

    def _on_scale(self, i: int, scale: Scale) -> tuple[Floats, Floats]:
        with np.errstate(divide="ignore", invalid="ignore"):
            value, slope = scale.value(self.estimate[i], self.top), scale.slope(self.estimate[i], self.top)
            covariance = self.covariance[i] * np.outer(slope, slope)
        usable = np.isfinite(value) & np.isfinite(slope)
        return np.where(usable, value, np.nan), np.where(np.outer(usable, usable), covariance, np.nan)

    def _pairs(self, pairs: str) -> list[tuple[int, int]]:
        k = len(self.groups)
        if pairs == "all":
            return list(combinations(range(k), 2))
        if pairs != "reference":
            raise DataError(f"pairs={pairs!r} is not known.", code="pairs", hint='"reference" or "all".')
        return [(self.reference, j) for j in range(k) if j != self.reference]

    # ---- the names of statsmodels ----------------------------------------------------------------------------
    @property
    def names(self) -> tuple[str, ...]:
        """Names of the differences with the reference, place by place."""
        out = []
        for place in self.places:
            where = ", ".join(f"{name}={number(v)}" for name, v in place.items())
            for a, b in self._pairs("reference"):
                out.append(f"{self.groups[b]} vs {self.groups[a]}" + (f" ({where})" if where else ""))
        return tuple(out)

    @property
    def params(self) -> Any:
        """Differences with the reference, on the default scale."""
        return labelled(self.contrasts()["estimate"].to_numpy(), self.names, name="estimate")

    @property
    def bse(self) -> Any:
        """Standard errors of `params` (of the logarithm, if the default scale is a ratio)."""
        return labelled(self.contrasts()["se"].to_numpy(), self.names, name="se")

    @property
    def pvalues(self) -> Any:
        """Two-sided p-values of `params`."""
        return labelled(self.contrasts()["p"].to_numpy(), self.names, name="p")

    def conf_int(self, alpha: float = 0.05, scale: str | None = None) -> Any:
        """Limits of the differences (or ratios) with the reference: columns low, high."""
        frame = self.contrasts(scale, alpha)
        return labelled(frame[["lower", "upper"]].to_numpy(), self.names, ("low", "high"))

    def tidy(self, alpha: float = 0.05) -> Any:
        """One row per scale, place and contrast."""
        import pandas as pd

        frames = []
        for scale in self.scales:
            frame = self.contrasts(scale, alpha)
            frame.insert(0, "scale", scale)
            frames.append(frame)
        return pd.concat(frames, ignore_index=True)

    # ---- print -----------------------------------------------------------------------------------------------
    def _note(self) -> str:
        return f"{self.quantity}; {self.variance} variance; time in {self.unit}."

    def _table(self, alpha: float) -> tuple[list[str], list[list[Any]]]:
        frame = self.tidy(alpha).drop(columns=["se", "z"])
        frame["p"] = [pvalue(p) for p in frame["p"]]
        level = number(100 * (1 - alpha), 3)
        names = {"lower": f"low {level}%", "upper": f"high {level}%"}
        return [names.get(c, c) for c in frame.columns], frame.to_numpy(dtype=object).tolist()

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form: the estimates, and their differences on every scale."""
        frame = self.estimates(alpha)
        level = number(100 * (1 - alpha), 3)
        columns = tuple({"lower": f"low {level}%", "upper": f"high {level}%"}.get(c, c) for c in frame.columns)
        first = Block(columns, tuple(tuple(row) for row in frame.to_numpy(dtype=object).tolist()))
        columns_of_all, rows = self._table(alpha)
        second = Block(tuple(columns_of_all), tuple(tuple(row) for row in rows))
        facts = (("unit of time", self.unit), ("variance", self.variance))
        return Summary(f"{self.quantity}: {self.method}", facts, (first, second), self.warnings)

    def plot(self, ax: Any = None, scale: str | None = None, alpha: float = 0.05) -> Any:
        """Draw the differences (or ratios) with the reference and their limits; return the Axes."""
        from exitmodels.render.points import points

        chosen = self._scale(scale)
        values = self.contrasts(scale, alpha)[["estimate", "lower", "upper"]].to_numpy(dtype=float)
        label = f"{self.quantity}: {chosen.words}"
        return points(ax, self.names, values, chosen.null, label, number(100 * (1 - alpha), 3))


def _critical(alpha: float) -> float:
    if not 0 < alpha < 1:
        raise DataError(f"alpha={alpha} is not between 0 and 1.", code="alpha", hint="0.05 gives 95 % limits.")
    return float(ndtri(1 - alpha / 2))
