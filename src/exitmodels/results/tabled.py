"""Results that are a table: printed, exported and cited in one way.

Second floor. A subclass says what stands in the table (`_table`) and how the
whole is printed (`summary`); the rest follows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from exitmodels.render import tables
from exitmodels.render.text import Summary
from exitmodels.results.bibliography import citation
from exitmodels.results.storing import Stored

__all__ = ["Tabled"]


class Tabled(Stored, ABC):
    """What every result with a table can do."""

    method: str
    sources: tuple[str, ...]

    @abstractmethod
    def _table(self, alpha: float) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        """Names of the columns, and the rows."""

    def _note(self) -> str:
        """What stands under the table."""
        return f"{self.method}."

    @abstractmethod
    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form."""

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def to_latex(self, alpha: float = 0.05, caption: str = "", label: str = "") -> str:
        """Return the table as LaTeX (booktabs), with a note on what it is."""
        return tables.to_latex(*self._table(alpha), caption=caption, label=label, notes=(self._note(),))

    def to_markdown(self, alpha: float = 0.05) -> str:
        """Return the table as Markdown."""
        return tables.to_markdown(*self._table(alpha))

    def to_html(self, alpha: float = 0.05) -> str:
        """Return the table as HTML."""
        return tables.to_html(*self._table(alpha), caption=self.method)

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(self.sources, self.method)
