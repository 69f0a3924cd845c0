"""What the evidence of an omission gives back: the ratio, what it would take, and its dependence on the base rate.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.render.text import Block, Summary, number
from exitmodels.results.tabled import Tabled
from exitmodels.shapes.ledger import Ledger

__all__ = ["OmissionEvidence", "chance_missing", "omission_ratio"]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class OmissionEvidence(Tabled):
    """The likelihood ratio of an omission: held back on purpose, against the ordinary working of chance.

    Attributes
    ----------
    base_rate : float
        Chance that an item appears when nothing is held back (several items with different chances: the one that gives
        the same chance that all are missing).
    items : int
        Items that were looked for and are missing.
    ratio : float
        Likelihood ratio at that base rate, items independent.
    averaged : float
        Bayes factor: the ordinary chance of the omission averaged over what is known of the base rate; the same as
        `ratio` when the base rate is taken as known.
    low, high : float
        Limits of the ratio as the base rate moves within its own; NaN when it is taken as known.
    single : float
        Ratio of the strongest single item: what is left if all items stand or fall together.
    needed : float
        Base rate at which so many independent items reach the ratio `wanted`.
    deliberate, wanted, alpha, correlation : float
    prior : (2,) or None
        Beta prior of the base rate.
    grid : (m,)
        Base rates of the table.
    """

    base_rate: float
    items: int
    ratio: float
    averaged: float
    low: float
    high: float
    single: float
    needed: float
    deliberate: float
    wanted: float
    correlation: float
    alpha: float
    grid: Floats
    method: str
    sources: tuple[str, ...]
    prior: tuple[float, float] | None = None
    counts: tuple[float, float] | None = None
    ledger: Ledger | None = None
    warnings: tuple[str, ...] = ()

    @property
    def converged(self) -> bool:
        """Closed forms and sums, which always end."""
        return True

    @property
    def params(self) -> Any:
        """Base rate, likelihood ratio and Bayes factor, as a Series."""
        import pandas as pd

        values = {"base rate": self.base_rate, "likelihood ratio": self.ratio, "Bayes factor": self.averaged}
        return pd.Series(values, name="estimate")

    def conf_int(self) -> tuple[float, float]:
        """Limits of the likelihood ratio, (low, high)."""
        return self.low, self.high

    @property
    def items_needed(self) -> float:
        """Independent omissions of the same base rate that reach the ratio `wanted`; infinite at a base rate of 0."""
        if self.base_rate <= 0:
            return float("inf")
        if self.base_rate >= 1:
            return 1.0
        return float(max(np.ceil(np.log(self.wanted / self.deliberate) / -np.log1p(-self.base_rate) - 1e-9), 1.0))

    @property
    def words(self) -> str:
        """The Bayes factor in words, by the scale of Kass and Raftery (1995)."""
        steps = ((3.0, "not worth more than a bare mention"), (20.0, "positive"), (150.0, "strong"))
        if self.averaged < 1:
            return "against a deliberate omission"
        return next((word for edge, word in steps if self.averaged < edge), "very strong")

    def posterior(self, prior: float | Sequence[float]) -> Any:
        """Chance that the omission was deliberate, for prior chances of that: columns prior, posterior.

        Examples
        --------
        >>> from exitmodels.models.hazards.omission import omission_evidence
        >>> omission_evidence(0.1).posterior([0.1, 0.5]).round(3).to_dict("list")
        {'prior': [0.1, 0.5], 'posterior': [0.11, 0.526]}
        """
        import pandas as pd

        before = np.atleast_1d(np.asarray(prior, dtype=np.float64))
        if not np.all((before >= 0) & (before <= 1)):
            raise DataError(f"prior={prior!r} is no chance.", code="prior", hint="Give numbers between 0 and 1.")
        with np.errstate(invalid="ignore"):
            after = before / (before + (1 - before) / self.averaged)
        return pd.DataFrame({"prior": before, "posterior": after})

    def to_frame(self) -> Any:
        """Dependence on the base rate: base rate, ratio of one omission, ratio of all of them."""
        import pandas as pd

        one, every = (omission_ratio(self.grid, k, self.deliberate, self.correlation) for k in (1, self.items))
        return pd.DataFrame({"base rate": self.grid, "one omission": one, f"{self.items} omissions": every})

    tidy = to_frame

    def _table(self, alpha: float = 0.05) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]:
        frame = self.to_frame()
        frame = frame.iloc[:, :2] if self.items == 1 else frame
        return tuple(frame.columns), tuple(tuple(float(v) for v in row) for row in frame.to_numpy())

    def summary(self, alpha: float | None = None) -> Summary:
        """Return the printed form: the ratio, how sure it is, what it would take, and the table over base rates."""
        level = number(100 * (1 - self.alpha), 3)
        facts: list[tuple[str, Any]] = [("items omitted", self.items), ("base rate", self.base_rate)]
        facts.append(("likelihood ratio", self.ratio))
        if np.isfinite(self.low):
            facts.append((f"  {level}% limits", f"{number(self.low)} to {number(self.high)}"))
            facts.append(("Bayes factor", self.averaged))
        facts.append(("in words (Kass & Raftery)", self.words))
        if self.items > 1:
            facts.append(("if the items stand or fall together", self.single))
        facts.append((f"base rate needed for {number(self.wanted)}", self.needed))
        facts.append((f"omissions needed for {number(self.wanted)}", self.items_needed))
        return Summary(self.method, tuple(facts), (Block(*self._table()),), self.warnings)

    def plot(self, ax: Any = None) -> Any:
        """Draw the ratio against the base rate (log axis), with the base rate asked about; return the Axes."""
        from exitmodels.render import omission

        rates = np.linspace(0.0, 0.995, 400)
        curves = [("one omission", omission_ratio(rates, 1, self.deliberate, self.correlation))]
        if self.items > 1:
            curves.append(
                (f"{self.items} omissions", omission_ratio(rates, self.items, self.deliberate, self.correlation))
            )
        return omission.ratios(ax, rates, curves, (self.base_rate, self.averaged, self.low, self.high), self.wanted)


def chance_missing(p: Floats, k: int, correlation: float) -> Floats:
    """Chance that k items of base rate p are all missing; beta-binomial when they are correlated."""
    p = np.asarray(p, dtype=np.float64)
    if correlation == 0 or k == 1:
        return (1 - p) ** k
    if correlation == 1:
        return 1 - p
    size = (1 - correlation) / correlation
    steps = np.arange(k)
    return np.asarray(np.prod(((1 - p)[..., None] * size + steps) / (size + steps), axis=-1))


def omission_ratio(p: Floats, k: int, deliberate: float, correlation: float) -> Floats:
    """Likelihood ratio of k omissions at base rates p."""
    with np.errstate(divide="ignore"):
        return np.asarray(deliberate / chance_missing(p, k, correlation))
