"""Exit records as a register would hold them: names made of syllables, days in text, numbers of forms.

Third floor, in the room of simulation. The names are drawn from syllables and belong to nobody.

Called by: register.py.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["COLUMNS", "Paper", "day_text", "papers"]

COLUMNS = ("record", "name", "born", "joined", "left", "recorded", "reason", "unit", "age", "fee", "form")
_ONSETS = ("b", "d", "f", "g", "k", "l", "m", "n", "r", "s", "t", "v", "z", "sh", "h", "j")
_NUCLEI = ("a", "e", "i", "o", "u", "a", "i")
_ACCENTED = 0.08
_FIRST_ZERO = 0.3
_ID_DIGITS = 21


@dataclass(eq=False)
class Paper:
    """One row to be written: a record (`days` and text by column), or something that is none (`raw` alone)."""

    cells: dict[str, Any] = field(default_factory=dict)
    days: Mapping[str, dt.date] = field(default_factory=dict)
    raw: list[str] | None = None

    def copy(self) -> Paper:
        """A second sheet with the same words."""
        return Paper(dict(self.cells), dict(self.days), None if self.raw is None else list(self.raw))


def day_text(day: dt.date) -> str:
    """Day, month, year.

    >>> day_text(dt.date(2014, 8, 21))
    '21/08/2014'
    """
    return f"{day.day:02d}/{day.month:02d}/{day.year:04d}"


def papers(frame: Any, rng: np.random.Generator) -> list[Paper]:
    """Write simulated exits as a clerk's register, in order of exit.

    Parameters
    ----------
    frame : DataFrame
        Of `exits`.
    """
    n = len(frame)
    joined, left = (frame[name].to_numpy().astype("datetime64[D]").astype(object) for name in ("joined", "left"))
    ages = frame["age"].to_numpy()
    first = np.where(rng.random(n) < _FIRST_ZERO, 0, rng.integers(1, 10, n))
    digits = rng.integers(0, 10, (n, _ID_DIGITS - 1))
    digits[:, -1] = rng.integers(1, 10, n)
    late, minute = rng.integers(0, 3, n), rng.integers(8 * 60, 18 * 60, n)
    spare, fee, form = rng.integers(1, 365, n), rng.integers(60, 400, n), rng.integers(0, 2, n)
    names = _names(n, rng)
    made = []
    for i in range(n):
        born = joined[i] - dt.timedelta(days=int(ages[i] * 365.25) + int(spare[i]))
        recorded = left[i] + dt.timedelta(days=int(late[i]))
        days = {"born": born, "joined": joined[i], "left": left[i], "recorded": recorded}
        reason = str(frame["reason_text"].iloc[i] or "")
        cells = {
            "record": f"{first[i]}{''.join(map(str, digits[i]))}",
            "name": names[i],
            **{name: day_text(day) for name, day in days.items()},
            "reason": "" if reason == "-" else reason,
            "unit": str(frame["unit"].iloc[i]),
            "age": str(int(ages[i])),
            "fee": str(int(fee[i]) * 5),
            "form": "AB"[form[i]],
        }
        cells["recorded"] += f" {minute[i] // 60:02d}:{minute[i] % 60:02d}"
        made.append(Paper(cells, days))
    return made


def _names(n: int, rng: np.random.Generator) -> list[str]:
    """Distinct pseudonyms, some with an accent; no two differ in vowels and doubled letters alone."""
    made: dict[str, str] = {}
    while len(made) < n:
        words = ["".join(_syllable(rng) for _ in range(3)) + _ONSETS[rng.integers(len(_ONSETS))] for _ in range(2)]
        if rng.random() < _ACCENTED:
            words[0] = words[0].replace("e", "é").replace("a", "á", 1)
        name = " ".join(word.capitalize() for word in words)
        bare = "".join(letter for letter in name.lower() if letter not in "aeiouáéhjwy ")
        made.setdefault("".join(a for a, b in zip(bare, " " + bare, strict=False) if a != b), name)
    return list(made.values())[:n]


def _syllable(rng: np.random.Generator) -> str:
    return _ONSETS[rng.integers(len(_ONSETS))] + _NUCLEI[rng.integers(len(_NUCLEI))]
