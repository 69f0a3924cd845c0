"""Names folded: what a clerk's spelling leaves free goes, in Arabic and in Latin letters, and one key serves both.

Third floor, in the room of records. A folded name is for comparing, never for print: it merges different names too.

Read next: translit.py (the rules), comparing.py (how alike two names are). Called by: comparing.py, pseudonyms.py.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Ints
from exitmodels.errors import DataError
from exitmodels.records.translit import (
    NAME_RULES,
    divided,
    fold_character,
    fold_word,
    is_arabic,
    is_article,
    skeleton,
    without_article,
)
from exitmodels.shapes.frames import Table

__all__ = ["FoldedName", "FoldedNames", "fold_names"]

_WORD = re.compile(r"[(\[]|[^\W_]+")
_KUNYA = frozenset(("ابو", "ابي", "ابا", "ام", "abu", "abou", "abo", "aboo", "abi", "aba", "um", "umm", "om", "oum"))
_LINKS = frozenset(
    ("بن", "ابن", "بنت", "ابنه", "ولد", "ال", "ibn", "bin", "ben", "bint", "bent", "binte", "ould", "wuld", "wold")
)


@dataclass(frozen=True)
class FoldedName:
    """One name, folded.

    Attributes
    ----------
    text : str
        Folded words in the order written.
    kunya : str
        The kunya, folded, without "Abu" or "Umm" but with a letter for which ("a bakr", "u salama"); "" for none.
    key : str
        Consonants of each word, the same for both scripts as far as that goes.
    kunya_key : str
    script : {"arabic", "latin", "mixed", ""}
    """

    text: str
    kunya: str
    key: str
    kunya_key: str
    script: str


@dataclass(frozen=True, eq=False, repr=False)
class FoldedNames:
    """A column of names, folded; held by distinct value.

    Attributes
    ----------
    values : tuple of str
        Distinct names as written.
    folds : tuple of FoldedName
        Each of them folded.
    place : (n,) int
        The name of each record; -1 where missing.
    without : tuple of str
        Rules left out.
    """

    values: tuple[str, ...]
    folds: tuple[FoldedName, ...]
    place: Ints
    without: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.place)

    def __repr__(self) -> str:
        kept = len({(f.text, f.kunya) for f in self.folds if f.text or f.kunya})
        return f"{len(self):,} names, {len(self.values):,} spellings, {kept:,} after folding"

    @property
    def is_missing(self) -> Bools:
        """Records without a name (n,)."""
        return np.asarray(self.place < 0)

    @cached_property
    def folded(self) -> AnyArray:
        """Folded names (n,), None where missing."""
        return self._each([f.text for f in self.folds])

    @cached_property
    def kunya(self) -> AnyArray:
        """Kunyas (n,), "" for none, None where the name is missing."""
        return self._each([f.kunya for f in self.folds])

    @cached_property
    def key(self) -> AnyArray:
        """Keys that serve both scripts (n,), None where missing."""
        return self._each([f.key for f in self.folds])

    def _each(self, made: list[str]) -> AnyArray:
        return np.array([*made, None], dtype=object)[self.place]

    def to_frame(self) -> Any:
        """One row per record: written, folded, kunya, key, script."""
        import pandas as pd

        columns = {"written": self._each(list(self.values)), "folded": self.folded, "kunya": self.kunya}
        return pd.DataFrame({**columns, "key": self.key, "script": self._each([f.script for f in self.folds])})

    def groups(self) -> Any:
        """Spellings that became one: folded, n spellings, the spellings; most first. Read it before you trust it."""
        import pandas as pd

        held: dict[str, list[str]] = {}
        for value, fold in zip(self.values, self.folds, strict=True):
            if fold.text or fold.kunya:
                held.setdefault(" / ".join(filter(None, (fold.text, fold.kunya))), []).append(value)
        rows = [(text, len(names), "; ".join(names)) for text, names in held.items() if len(names) > 1]
        return pd.DataFrame(sorted(rows, key=lambda r: (-r[1], r[0])), columns=["folded", "n", "spellings"])


def fold_names(values: Any, *, without: Collection[str] = ()) -> FoldedNames:
    """Fold names in Arabic and Latin letters.

    Parameters
    ----------
    values : sequence of str, or a column of a frame
        Names as written; None and NaN are missing, and so is a text without a letter.
    without : collection of str
        Rules to leave out, by name; `NAME_RULES` in ``exitmodels.records.translit`` says what each does.

    Returns
    -------
    FoldedNames
        With `folded`, `kunya`, `key` and `to_frame()`.

    Raises
    ------
    DataError
        For a column that is not text, or an unknown rule.

    Notes
    -----
    Folding is for finding candidates. It merges names that differ (Mahmud and Muhammad share a key, Hasan and Husain
    too, for short vowels are not written in Arabic), and it cannot know that a kunya and a name are one man. Keys hold
    the consonants only. Words keep their order.
    Cost: each distinct value once; words are remembered.

    Examples
    --------
    >>> names = fold_names(["Abu Bakr Mohammed al-Shami", "محمّد الشامي", "Mohamed Alshamy", "Abd el-Kader", None])
    >>> print(names.to_frame().fillna("").to_string(index=False))
                       written       folded kunya     key script
    Abu Bakr Mohammed al-Shami muhamad shami a bakr mhmd cm  latin
    ...
    """
    unknown = sorted(set(without) - set(NAME_RULES))
    if unknown:
        raise DataError(
            f"No rule is called {', '.join(map(repr, unknown))}.",
            column="without",
            code="choice",
            hint=f"Rules: {', '.join(NAME_RULES)}.",
        )
    table = Table({"names": list(values)} if not hasattr(values, "to_frame") else values.to_frame("names"))
    column = table.column("names")
    if column.kind != "text" and not column.is_missing.all():
        raise DataError(
            f"Names are text; the column holds {column.kind} values such as {column.examples(3)}.",
            column="names",
            code="names",
            hint="Give the column of names as written.",
        )
    spellings = tuple(str(level) for level in column.levels)
    folds = fold_distinct(spellings, frozenset(without))
    place = column.values.astype(np.int64) if column.kind == "text" else np.full(len(column), -1)
    empty = np.array([not (f.text or f.kunya) for f in folds] + [True])
    return FoldedNames(spellings, folds, np.where(empty[place], -1, place), tuple(sorted(without)))


def fold_distinct(spellings: tuple[str, ...], without: frozenset[str] = frozenset()) -> tuple[FoldedName, ...]:
    """Fold distinct names: letters all at once, then words."""
    text = unicodedata.normalize("NFC", "\n".join(s.replace("\n", " ") for s in spellings))
    table = {ord(c): fold_character(c, without) for c in set(text) if c != "\n"}
    lines = text.translate(table).split("\n")
    return tuple(_fold(line, without) for line in lines) if spellings else ()


def _fold(line: str, without: frozenset[str]) -> FoldedName:
    words, kunyas = _kunyas_apart(_WORD.findall(line), without)
    folded = [fold_word(word, without) for word in _joined(words, without)]
    nick = [(kind, fold_word(word, without)) for kind, word in kunyas]
    folded = [word for word in folded if word]
    seen = "".join(words) + "".join(word for _, word in kunyas)
    latin = any("a" <= c <= "z" for c in seen)
    script = ("mixed" if latin else "arabic") if is_arabic(seen) else "latin" if latin else ""
    return FoldedName(
        " ".join(folded),
        "; ".join(f"{kind} {word}" for kind, word in nick),
        " ".join(filter(None, map(skeleton, folded))),
        "; ".join(f"{kind} {skeleton(word)}" for kind, word in nick),
        script,
    )


def _kunyas_apart(words: list[str], without: frozenset[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Take kunyas at the start, or after a bracket, out of the words; elsewhere Abu becomes part of the next word."""
    rest: list[str] = []
    kunyas: list[tuple[str, str]] = []
    bracket, i = True, 0
    while i < len(words):
        word = words[i]
        if word in "([":
            bracket, i = True, i + 1
            continue
        together = is_arabic(word) and word.startswith("ابو") and len(word) > 5
        if "kunya" not in without and (together or (word in _KUNYA and i + 1 < len(words))):
            i, name = (i, word[3:]) if together else _next_name(words, i + 1, without)
            if name and bracket:
                kunyas.append(("a" if word[0] in "اa" and word != "ام" else "u", without_article(name)))
            elif name:
                rest.append(("ابو" if is_arabic(word) else "abu") + without_article(name))
        elif word not in _KUNYA or len(words) == 1 or "kunya" in without:
            rest.append(word)
        bracket, i = False, i + 1
    return rest, kunyas


def _next_name(words: list[str], i: int, without: frozenset[str]) -> tuple[int, str]:
    """The name that follows Abu or Umm, across an article or Abd al-: (place of its last word, name)."""
    while i + 1 < len(words) and "article" not in without and is_article(words[i], words[i + 1]):
        i += 1
    if words[i] in ("abd", "عبد") and i + 1 < len(words):
        last, name = _next_name(words, i + 1, without)
        return last, words[i] + without_article(name)
    return i, words[i] if words[i] not in "([" else ""


def _parts(word: str, without: frozenset[str]) -> tuple[str, ...]:
    """A word divided, unless the rule that divides it is left out."""
    made = divided(word)
    rule = "abd" if made[0] in ("abd", "عبد") else "din"
    return (word,) if rule in without else made


def _joined(words: list[str], without: frozenset[str]) -> list[str]:
    """Apply the rules that look at more than one word."""
    parts = [part for word in words for part in _parts(word, without)]
    out: list[str] = []
    for i, word in enumerate(parts):
        following = parts[i + 1] if i + 1 < len(parts) else ""
        if following and "article" not in without and is_article(word, following):
            continue
        if "filiation" not in without and word in _LINKS and len(parts) > 1:
            continue
        bare = word if "article" in without else without_article(word)
        if out and out[-1] in ("abd", "عبد") and "abd" not in without:
            out[-1] += "الله" if bare in ("الله", "له", "لله") else bare
        else:
            out.append(bare)
    return out
