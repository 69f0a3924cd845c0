"""What a statement says of each record, and the range of the share it permits.

Third floor, in the room of records. Called by: statement.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats
from exitmodels.errors import DataError
from exitmodels.kernels.exact_binomial import binomial_interval
from exitmodels.render.text import Block, Summary, number
from exitmodels.results.tabled import Tabled

__all__ = ["STATUS", "VERDICTS", "RuleStatus"]

VERDICTS = ("permitted", "prohibited", "undetermined")
STATUS = ("permitted", "prohibited", "not addressed", "undetermined", "before the statement")


@dataclass(frozen=True, eq=False, kw_only=True)
class RuleStatus(Tabled):
    """What a statement says of each record.

    Attributes
    ----------
    status : (n,) of str
        "permitted", "prohibited", "not addressed", "undetermined" or "before the statement".
    clauses : tuple of str
    truth : (n, c)
        Each clause: 1 true, 0 false, 0.5 unknown; dates play no part here.
    decided : (n, 2)
        Permitted, and prohibited, in the same three values; an undetermined record need not be open to both.
    screen : bool
        Whether dates were ignored.
    """

    version: str
    status: AnyArray
    clauses: tuple[str, ...]
    truth: Floats
    decided: Floats
    screen: bool
    method: str
    sources: tuple[str, ...] = ("kleene1952", "manski2003")

    def bounds(self, status: str = "permitted", alpha: float = 0.05) -> dict[str, float]:
        """Share with this status among records under the statement: the range, and limits around it.

        Parameters
        ----------
        status : {"permitted", "prohibited"}
        alpha : float

        Returns
        -------
        dict with lower, upper (open records all against, all for), low, high (exact lower limit of the lower
        and upper limit of the upper share: at least 1 - alpha for the whole range), n.
        """
        if status not in VERDICTS[:2]:
            raise DataError(
                f"There are no bounds for {status!r}.", code="rule", hint='Use "permitted" or "prohibited".'
            )
        value = self.decided[self.status != STATUS[4], VERDICTS.index(status)]
        under, sure, most = len(value), int((value == 1).sum()), int((value > 0).sum())
        low, high = binomial_interval(np.array([sure, most]), np.array([under, under]), alpha=alpha)
        return {"lower": sure / under, "upper": most / under, "low": float(low[0]), "high": float(high[1]), "n": under}

    def to_frame(self) -> Any:
        """One row per record: the status, and each clause as true, false or unknown."""
        import pandas as pd

        words = np.array(["false", "unknown", "true"], dtype=object)[(2 * self.truth).astype(np.int64)]
        return pd.DataFrame({"status": self.status, **dict(zip(self.clauses, words.T, strict=True))})

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form."""
        columns, rows = self._table(alpha)
        shares = self.bounds("permitted", alpha)
        span = (
            f"{number(shares['lower'])} to {number(shares['upper'])} ({number(shares['low'])}-{number(shares['high'])})"
        )
        notes = ["Words of an official statement, not practice; the range is what the records leave open."]
        if self.screen:
            notes.append("Dates ignored: what would have qualified, had the statement been in force.")
        facts = (("records", len(self.status)), ("share permitted", span))
        return Summary(self.method, facts, (Block(tuple(columns), tuple(tuple(r) for r in rows)),), tuple(notes))

    def _table(self, alpha: float) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        rows = [(word, int((self.status == word).sum())) for word in STATUS if (self.status == word).any()]
        return ("status", "n"), rows
