"""Estimates with limits that need no covariance: rates, shares, differences; one, or a list of them.

Second floor. A result fills in names, estimates and how limits follow from a level; tables and the figure are
derived here once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.render import tables
from exitmodels.render.text import Block, Summary, number
from exitmodels.results.labels import labelled
from exitmodels.results.storing import Stored

__all__ = ["Estimates", "check_level"]


def check_level(alpha: float) -> None:
    """Refuse a level that is none."""
    if not 0 < alpha < 1:
        raise DataError(f"alpha={alpha} is not between 0 and 1.", code="alpha", hint="0.05 gives 95 % limits.")


class Estimates(Stored, ABC):
    """Names, estimates and limits, as tables and as a figure.

    Subclasses give `_named` (names and estimates), `_limits` (low and high at a level), `_heading` and `_measure`, and
    have the fields `alpha` and, if they like, `notes`.
    """

    alpha: float

    # ---- what a subclass says ----------------------------------------------------------------------------------
    @abstractmethod
    def _named(self) -> tuple[Sequence[str], Floats]:
        """Names and estimates."""

    @abstractmethod
    def _limits(self, alpha: float) -> tuple[Floats, Floats]:
        """Low and high at a level."""

    @abstractmethod
    def _heading(self) -> str:
        """What was done, in words."""

    def _measure(self) -> str:
        """What is estimated, for axes and column heads."""
        return "estimate"

    def _null(self) -> float | None:
        """The value that means no effect, if there is one; ratios (null 1) are drawn on a log axis."""
        return None

    def _more(self) -> dict[str, Sequence[Any]]:
        """Further columns, such as counts."""
        return {}

    # ---- what follows ------------------------------------------------------------------------------------------
    @property
    def converged(self) -> bool:
        """Limits are closed forms or bracketed searches, which always end."""
        return True

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a careful reader should know."""
        return tuple(getattr(self, "notes", ()))

    @property
    def params(self) -> Any:
        """Estimates, as a Series."""
        names, values = self._named()
        return labelled(np.asarray(values, dtype=np.float64), names, name=self._measure())

    def conf_int(self, alpha: float | None = None) -> Any:
        """Limits by the same method, at another level if one is given: columns low, high."""
        if alpha is not None:
            check_level(alpha)
        low, high = self._limits(self.alpha if alpha is None else alpha)
        return labelled(np.column_stack([low, high]), self._named()[0], ("low", "high"))

    def tidy(self, alpha: float | None = None) -> Any:
        """One row per estimate: term, further columns, estimate, low, high."""
        import pandas as pd

        names, values = self._named()
        limits = self.conf_int(alpha).to_numpy()
        made: dict[str, Any] = {"term": list(names), **{k: list(v) for k, v in self._more().items()}}
        return pd.DataFrame(made | {"estimate": values, "low": limits[:, 0], "high": limits[:, 1]})

    def _table(self, alpha: float | None) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]:
        level = number(100 * (1 - (self.alpha if alpha is None else alpha)), 3)
        frame = self.tidy(alpha)
        columns = ("", *self._more(), self._measure(), f"low {level}%", f"high {level}%")
        return columns, tuple(tuple(row) for row in frame.itertuples(index=False))

    def summary(self, alpha: float | None = None) -> Summary:
        """Return the printed form: what was estimated and how, the estimates, and every note."""
        columns, rows = self._table(alpha)
        ledger = getattr(self, "ledger", None)
        facts: list[tuple[str, Any]] = []
        if ledger is not None and ledger.n_set_aside:
            facts.append(("records", f"{ledger.n_set_aside} of {ledger.read} set aside; see .ledger"))
        return Summary(self._heading(), tuple(facts), (Block(columns, rows),), self.warnings)

    def to_latex(self, alpha: float | None = None, caption: str = "", label: str = "") -> str:
        """Return the estimates as a LaTeX (booktabs) table; the notes say how limits were made."""
        notes = (f"{self._heading()}.", *self.warnings)
        return tables.to_latex(*self._table(alpha), caption=caption, label=label, notes=notes)

    def to_markdown(self, alpha: float | None = None) -> str:
        """Return the estimates as Markdown."""
        return tables.to_markdown(*self._table(alpha))

    def to_html(self, alpha: float | None = None) -> str:
        """Return the estimates as HTML."""
        return tables.to_html(*self._table(alpha), caption=self._heading())

    def plot(self, ax: Any = None, alpha: float | None = None) -> Any:
        """Draw the estimates with their limits, one under another; return the Axes."""
        from exitmodels.render import limits as picture

        names, values = self._named()
        drawn = np.column_stack([values, self.conf_int(alpha).to_numpy()])
        level, null = number(100 * (1 - (self.alpha if alpha is None else alpha)), 3), self._null()
        return picture.limits(ax, list(names), drawn, self._measure(), level, null, null == 1.0)
