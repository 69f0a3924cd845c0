"""Reasons for leaving, and how a clerk words them.

Third floor, in the room of simulation. The labels follow the codebook exit-reasons-1 of the user guide. The
shares and effects are planted: they are round numbers chosen for teaching, not estimates of anything.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints

__all__ = ["BLANKS", "EFFECTS", "PHRASES", "REASONS", "UNTOUCHED", "first_mentioned", "write"]

REASONS: dict[str, float] = {
    "treatment": 0.30,
    "family visit": 0.22,
    "family emergency": 0.08,
    "fetch family": 0.05,
    "marriage": 0.06,
    "work for the group": 0.12,
    "trade": 0.06,
    "papers": 0.03,
    "study": 0.03,
    "return for good": 0.05,
}
"""Label of each reason, and its share of the hazard of the reference person."""

EFFECTS: dict[str, dict[str, float]] = {
    "treatment": {"age": 0.02},
    "family visit": {"married": 0.5, "near": 0.4},
    "family emergency": {"near": 0.3},
    "fetch family": {"married": 1.2},
    "marriage": {"married": -1.5, "age": -0.03},
    "trade": {"near": 0.6, "age": 0.01},
    "study": {"age": -0.08},
    "return for good": {"married": 0.3},
}
"""Log hazard ratios: `age` for one year (from 28), `married` 1 against 0, `near` origin Levant against others."""

UNTOUCHED = ("family emergency",)
"""Reasons that the policy does not reach: a shock from outside, so a negative control."""

PHRASES: dict[str, tuple[str, ...]] = {
    "treatment": ("treatment", "medical treatment", "surgery in hospital", "treatment of a wound"),
    "family visit": ("family visit", "to visit his mother", "to see his family"),
    "family emergency": ("his family was imprisoned", "his father is ill", "death of his brother"),
    "fetch family": ("to bring his wife and children", "to fetch his family"),
    "marriage": ("marriage", "engagement"),
    "work for the group": ("work", "task abroad", "on assignment"),
    "trade": ("trade", "to buy goods"),
    "papers": ("to renew his passport", "bank transfer"),
    "study": ("study", "university exam"),
    "return for good": ("going home", "does not want to stay"),
}
BLANKS = ("", "-")

_WORDS = tuple(phrase for phrases in PHRASES.values() for phrase in phrases)
_OWNER = {phrase: label for label, phrases in PHRASES.items() for phrase in phrases}
_JOINS = ("; ", ", ")


def _tables() -> tuple[Ints, Ints, AnyArray]:
    """First phrase and number of phrases of each reason, and every text a clerk can write."""
    sizes = np.array([len(phrases) for phrases in PHRASES.values()])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    pairs = [a + join + b for join in _JOINS for a in _WORDS for b in _WORDS]
    return starts, sizes, np.array([*_WORDS, *pairs, *BLANKS], dtype=object)


def write(cause: Ints, second: Ints, blank: AnyArray, uniform: Floats) -> AnyArray:
    """Write the reasons of each record as text.

    Parameters
    ----------
    cause, second : (n,) int
        Number of the true reason, and of a further one (-1: none).
    blank : (n,) bool
        Records on which the clerk wrote nothing of use.
    uniform : (n, 4)
        One column each for the phrase, the second phrase, the order of mention (the further reason comes first in
        one text of four) and the comma, semicolon or dash.
    """
    starts, sizes, texts = _tables()
    words = len(_WORDS)
    first = starts[cause] + (uniform[:, 0] * sizes[cause]).astype(np.int64)
    other = starts[second] + (uniform[:, 1] * sizes[second]).astype(np.int64)
    swap = uniform[:, 2] < 0.25
    a, b = np.where(swap, other, first), np.where(swap, first, other)
    join = (uniform[:, 3] < 0.3).astype(np.int64)
    text = np.where(second < 0, first, words + (join * words + a) * words + b)
    text = np.where(blank, len(texts) - 2 + join, text)
    return texts[text]


def first_mentioned(text: Any) -> str:
    """Label of the reason a simulated text names first; "unknown" when it names none.

    It knows the wording of this generator only, so it is exact here and of no use for real records.

    >>> first_mentioned("treatment of a wound; family visit"), first_mentioned("-")
    ('treatment', 'unknown')
    """
    written = text if isinstance(text, str) else ""
    for join in _JOINS:
        written = written.split(join)[0]
    return _OWNER.get(written, "unknown")
