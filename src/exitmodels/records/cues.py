"""Cues: stems of words, in English and Arabic, found in a reason as it was written.

Third floor, in the room of records. A text is cut into clauses, its letters are folded (case, vowel signs, forms of
alif, ya and ta marbuta), and each cue is one pattern over whole words. Arabic words may carry the particles that
are written onto them (wa, fa, bi, li, ka) and the article.

Read next: codebook.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from exitmodels.records.monthnames import folded

__all__ = ["Hit", "clauses_of", "cue_pattern", "find_cues"]

_BREAK = re.compile(r"[;,،؛/\\+|&\n\r()\[\].:]|(?<![A-Za-z])[-–—]|[-–—](?![A-Za-z])")
_PARTICLES = "(?:[وفبلك]{0,2}(?:ال|ل)?)"
_GAP = r"(?: (?!(?:and|or|then|also|plus|ثم|او|مع) |و)\w+){0,3}"
_NOT_WORD = re.compile(r"[^\w]+")


@dataclass(frozen=True)
class Hit:
    """A cue found in a text.

    Attributes
    ----------
    code : str
    cue : str
        The cue as the codebook writes it.
    written : str
        The words that matched, folded.
    clause : int
        Clause of the text, from 0.
    start, end : int
        Place within the folded clause.
    """

    code: str
    cue: str
    written: str
    clause: int
    start: int
    end: int


def clauses_of(text: str) -> list[str]:
    """Cut a text at punctuation and fold each part; parts without a letter or digit are left out.

    >>> clauses_of("Treatment; to visit his mother")
    ['treatment', 'to visit his mother']
    """
    parts = (" ".join(_NOT_WORD.sub(" ", folded(part)).split()) for part in _BREAK.split(text))
    return [part for part in parts if part]


@lru_cache(maxsize=4096)
def cue_pattern(cue: str) -> re.Pattern[str]:
    """Compile one cue.

    Parameters
    ----------
    cue : str
        Words; ``stem*`` takes any ending, ``a|b`` either word, ``..`` up to three words between (never across "and" or
        a word that begins with wa), ``=word`` an Arabic word that must stand without particles.

    Examples
    --------
    >>> bool(cue_pattern("علاج*").search("للعلاج")), bool(cue_pattern("=فر").search("كفر"))
    (True, False)
    """
    out = ""
    for word in cue.split():
        if word == "..":
            out += _GAP
            continue
        out += (" " if out else "") + "(?:" + "|".join(_word(part) for part in word.split("|")) + ")"
    return re.compile(rf"(?<!\w){out}(?!\w)")


def _word(written: str) -> str:
    bare, ending = (written[:-1], r"\w*") if written.endswith("*") else (written, "")
    alone = bare.startswith("=")
    stem = re.escape(folded(bare.lstrip("=")).strip())
    arabic = bool(re.search("[\u0621-\u064a]", stem))
    return (_PARTICLES if arabic and not alone else "") + stem + ending


def find_cues(clauses: list[str], cues: tuple[tuple[str, str], ...]) -> list[Hit]:
    """Find every cue, in order of mention; a cue that lies inside a longer cue of another code gives way to it.

    Parameters
    ----------
    clauses : list of str
        From `clauses_of`.
    cues : tuple of (code, cue)

    Examples
    --------
    >>> cues = (("MED", "treatment"), ("FEM", "treatment .. mother"))
    >>> [hit.code for hit in find_cues(clauses_of("treatment of his mother, treatment"), cues)]
    ['FEM', 'MED']
    """
    hits = []
    for place, clause in enumerate(clauses):
        found = [
            Hit(code, cue, match.group(), place, match.start(), match.end())
            for code, cue in cues
            for match in cue_pattern(cue).finditer(clause)
        ]
        hits += [hit for hit in found if not any(_covers(other, hit) for other in found)]
    return sorted(hits, key=lambda hit: (hit.clause, hit.start, -hit.end, hit.code))


def _covers(longer: Hit, hit: Hit) -> bool:
    inside = longer.start <= hit.start and hit.end <= longer.end
    return inside and longer.code != hit.code and (longer.end - longer.start) > (hit.end - hit.start)
