"""The 431 simulated exit records: the size, window and edges of the founding case, and no real person.

Third floor, in the room of data sets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exitmodels.datasets.files import DATA, exits431_path
from exitmodels.shapes.spells import Spells

__all__ = ["Exits431", "exits431"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Exits431:
    """The 431 SIMULATED exit records.

    Attributes
    ----------
    frame : pandas DataFrame
        record, joined, left, reason_text (as a clerk writes; "" when blank), origin, age, married, unit, and
        `planted_reason`: the truth, which no real record holds.
    truth : mapping
        What was planted and what was imposed.
    window : (str, str)
        First and last day of the records, both inside.
    path : Path
        The CSV that was read.
    """

    frame: Any
    truth: Mapping[str, Any]
    window: tuple[str, str]
    path: Path

    def spells(self, event: str = "planted_reason", scheme: str = "exits-only") -> Spells:
        """Read the records as spells; by default under the scheme that made them.

        >>> exits431().spells().scheme
        'exits-only'
        """
        return Spells.from_frame(
            self.frame, origin="joined", exit="left", event=event, censor=[], window=self.window, scheme=scheme
        )

    def __str__(self) -> str:
        return (
            f"SIMULATED DATA, not the leaked records: {len(self.frame)} rows, {self.window[0]} to {self.window[1]}, "
            'scheme "exits-only".\n'
            "No row describes a real person; what was planted, and what was imposed, is in .truth."
        )

    __repr__ = __str__


def exits431() -> Exits431:
    """Return the 431 simulated exit records.

    Notes
    -----
    Made by ``exitmodels.simulate.exits(n=431, edges=True, rng=20130301)``; a test makes them again and compares.
    They share with the founding records their number, their window (539 days) and, by construction, their edges: one
    record on 2013-03-01 naming a family visit and treatment; four on 2014-08-21, three "treatment" and one "his
    family was imprisoned". Those five rows are imposed. Everything else is planted: all shares, stays, origins,
    ages and the policy of 2014-06-29 are inventions with known values and say nothing about the true records.

    It must reproduce: 431 / 539 = 0.7996 exits a day, exact 95 % limits 0.7259 to 0.8788; four on the last day,
    p = 0.0164.

    Examples
    --------
    >>> records = exits431()
    >>> records.truth["imposed"][1]
    "four records on 2014-08-21: three 'treatment', one 'his family was imprisoned'"
    """
    import json

    import pandas as pd

    dates = ["joined", "left"]
    frame = pd.read_csv(exits431_path(), parse_dates=dates, date_format="%Y-%m-%d", keep_default_na=False)
    truth = json.loads((DATA / "exits431.json").read_text(encoding="utf-8"))
    return Exits431(frame=frame, truth=truth, window=("2013-03-01", "2014-08-21"), path=exits431_path())
