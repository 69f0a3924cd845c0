"""How two records are compared, column by column: levels of agreement, and missing as a level of its own.

Third floor, in the room of records. Texts are compared once for each distinct pair of values, however many pairs of
records share it.

Read next: blocking.py (which pairs are compared), linking.py. Called by: linking.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.codepoints import code_points
from exitmodels.kernels.editdistance import edit_distance
from exitmodels.kernels.jarowinkler import jaro_winkler
from exitmodels.records.names import FoldedName, fold_distinct
from exitmodels.shapes.frames import Column, Table

__all__ = ["Comparison", "Field", "Folder", "both_columns", "prepare", "read_comparisons", "text_codes"]

_DEFAULTS: dict[str, tuple[float, ...]] = {
    "exact": (),
    "name": (0.92, 0.85),
    "kunya": (0.92, 0.85),
    "jaro-winkler": (0.92, 0.85),
    "edit": (1, 2),
    "date": (2,),
    "number": (),
}
_LUNAR = (354, 355)


@dataclass(frozen=True)
class Comparison:
    """How one column is compared.

    Parameters
    ----------
    column : str
        Present in both lists under this name.
    how : {"exact", "name", "kunya", "jaro-winkler", "edit", "date", "number"}
        See Notes.
    levels : sequence of numbers, optional
        Limits of the levels between "same" and "differ", best first: similarities for names and "jaro-winkler" (default
        .92, .85), edits for "edit" (1, 2), days for "date" (one number: 2), distances for "number" (none).
    frequency : bool
        Whether agreement on a rare value weighs more than agreement on a common one.
    missing : {"neutral", "informative"}
        A missing value is a level of its own. "neutral": it speaks neither for nor against a match. "informative": its
        weight is estimated like any other.

    Notes
    -----
    * "exact": same or not, any kind of column.
    * "name": same after folding (`fold_names`, words in any order); alike and similar by Jaro-Winkler of the folded
      names, or, across scripts, of their keys; equal keys are alike. Kunyas do not count; "kunya" compares them.
    * "jaro-winkler", "edit": texts as written.
    * "date": same day; within so many days; a slip (day and month exchanged, one Gregorian or one Hijri year off); same
      month; differ. The column must hold dates: `parse_dates` makes them.
    * "number": equal; within each distance; differ.

    Examples
    --------
    >>> Comparison("born", "date", levels=[3]).level_names
    ('differ', 'same month', 'slip', 'within 3 days', 'same')
    """

    column: str
    how: str = "exact"
    levels: Sequence[float] | None = None
    frequency: bool = False
    missing: str = "neutral"

    def __post_init__(self) -> None:
        if self.how not in _DEFAULTS:
            raise _wrong(self.column, f"how={self.how!r} is not known", "choice", f"Use {', '.join(_DEFAULTS)}.")
        if self.missing not in ("neutral", "informative"):
            raise _wrong(self.column, f"missing={self.missing!r} is not known", "choice", "Use neutral or informative.")
        given = tuple(_DEFAULTS[self.how] if self.levels is None else (float(x) for x in self.levels))
        rising = self.how in ("edit", "number", "date")
        ordered = sorted(set(given), reverse=not rising) == list(given)
        inside = all(x > 0 for x in given) if rising else all(0 < x < 1 for x in given)
        count = self.how != "exact" and (len(given) == 1 if self.how == "date" else True)
        if not (ordered and inside and (count or not given)):
            raise _wrong(
                self.column,
                f"levels={list(given)} make no levels of {self.how!r}",
                "levels",
                "Give similarities between 0 and 1, falling; edits or distances above 0, rising; days for a date.",
            )
        object.__setattr__(self, "levels", given)

    @property
    def level_names(self) -> tuple[str, ...]:
        """Names of the levels, worst first."""
        cuts = tuple(f"{x:g}" for x in self.levels or ())
        middle: list[str] = []
        if self.how in ("name", "kunya", "jaro-winkler"):
            middle = [f"{cut} or more" for cut in cuts[::-1]]
        elif self.how == "edit":
            middle = [f"{cut} edits or fewer" if cut != "1" else "1 edit" for cut in cuts[::-1]]
        elif self.how == "number":
            middle = [f"within {cut}" for cut in cuts[::-1]]
        elif self.how == "date":
            middle = ["same month", "slip", f"within {cuts[0]} days"]
        return "differ", *middle, "same"

    @property
    def graded(self) -> bool:
        """Whether each level should speak more for a match than the one before."""
        return self.how != "date"


class Folder:
    """Folds the distinct names of each column once, for as long as one linkage runs."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[FoldedName, ...]] = {}

    def __call__(self, column: str, distinct: tuple[str, ...]) -> tuple[FoldedName, ...]:
        """Fold the distinct values of a column."""
        if column not in self._held:
            self._held[column] = fold_distinct(distinct)
        return self._held[column]


@dataclass(frozen=True, eq=False)
class Field:
    """A column of both lists, ready to be compared.

    Attributes
    ----------
    comparison : Comparison
    a, b : (n,) int
        Values of the first and second list as codes (days and numbers: places among the distinct values); -1 missing.
        With one list `b` is `a`.
    distinct : array or tuple
        The distinct values.
    """

    comparison: Comparison
    a: Ints
    b: Ints
    distinct: Any

    def compare(self, left: Ints, right: Ints) -> Ints:
        """Level of each pair (m,) int8; -1 where either value is missing."""
        one, two = self.a[left], self.b[right]
        out = np.full(len(left), -1, dtype=np.int8)
        there = np.flatnonzero((one >= 0) & (two >= 0))
        if self.comparison.how in ("exact", "date", "number"):
            out[there] = self._levels(one[there], two[there])
            return out
        low, high = np.minimum(one[there], two[there]), np.maximum(one[there], two[there])
        width = len(self.distinct) + 1
        pairs, where = np.unique(low * width + high, return_inverse=True)
        if len(pairs):
            out[there] = self._levels(pairs // width, pairs % width)[where.reshape(-1)]
        return out

    def absent(self) -> float:
        """Share of all pairs in which the field is missing."""
        return float(1 - np.mean(self.a >= 0) * np.mean(self.b >= 0))

    def rarity(self, levels: Ints, left: Ints) -> Floats:
        """What agreement on the value adds to the log weight of pairs at the top level (m,), zero for others.

        The log of the chance that two records agree on any value over the share of records that hold this one.
        """
        pool = self.a if self.b is self.a else np.concatenate([self.a, self.b])
        share = np.bincount(pool[pool >= 0], minlength=len(self.distinct)) / max(int(np.count_nonzero(pool >= 0)), 1)
        top = levels == len(self.comparison.level_names) - 1
        gain = np.log(np.sum(share**2)) - np.log(np.maximum(share, 1e-300))
        return np.where(top, gain[np.maximum(self.a[left], 0)], 0.0)

    def _levels(self, one: Ints, two: Ints) -> Ints:
        how, cuts = self.comparison.how, tuple(self.comparison.levels or ())
        top = len(self.comparison.level_names) - 1
        if how == "exact":
            made = np.zeros(len(one), dtype=np.int64)
        elif how == "date":
            made = _date_levels(self.distinct[one], self.distinct[two], cuts[0])
        elif how == "number":
            made = _graded(-np.abs(self.distinct[one] - self.distinct[two]), [-c for c in cuts])
        elif how == "edit":
            made = _graded(
                -edit_distance(*code_points(self.distinct), one, two, int(max(cuts, default=0))), _minus(cuts)
            )
        elif how == "jaro-winkler":
            made = _graded(jaro_winkler(*code_points(self.distinct), one, two), list(cuts))
        else:
            made = _name_levels(self.distinct, one, two, list(cuts), how == "kunya")
        return np.where(one == two, top, made)


def _minus(cuts: tuple[float, ...]) -> list[float]:
    return [-cut for cut in cuts]


def _graded(score: AnyArray, cuts: list[float]) -> Ints:
    """How many of the limits are reached."""
    return np.sum([score >= cut for cut in cuts], axis=0, dtype=np.int64) + np.zeros(len(score), dtype=np.int64)


def _date_levels(one: Ints, two: Ints, days: float) -> Ints:
    """Levels of two day numbers."""
    gap = np.abs(one - two)
    a, b = (v.astype("datetime64[D]") for v in (one, two))
    month_a, month_b = a.astype("datetime64[M]"), b.astype("datetime64[M]")
    year_a, year_b = (v.astype("datetime64[Y]").astype(np.int64) for v in (a, b))
    day_a, day_b = ((v - m).astype(np.int64) + 1 for v, m in ((a, month_a), (b, month_b)))
    number_a, number_b = (m.astype(np.int64) % 12 + 1 for m in (month_a, month_b))
    turned = (year_a == year_b) & (day_a == number_b) & (day_b == number_a)
    year = (np.abs(year_a - year_b) == 1) & (number_a == number_b) & (day_a == day_b)
    slip = turned | year | np.isin(gap, _LUNAR)
    return np.select([gap <= days, slip, month_a == month_b], [3, 2, 1], 0)


def _name_levels(folds: tuple[FoldedName, ...], one: Ints, two: Ints, cuts: list[float], kunya: bool) -> Ints:
    """Levels of two folded names: letters within one script, keys across scripts; words in any order."""
    text = [f.kunya if kunya else f.text for f in folds]
    keys = [f.kunya_key if kunya else f.key for f in folds]
    sorted_text, sorted_keys = (np.array([" ".join(sorted(t.split())) for t in side] + [""]) for side in (text, keys))
    script = np.array([f.script for f in folds] + [""])
    across = script[one] != script[two]
    score = np.empty(len(one))
    for which, written, ordered in ((~across, text, sorted_text), (across, keys, sorted_keys)):
        part = np.flatnonzero(which)
        straight = jaro_winkler(*code_points(written), one[part], two[part])
        turned = jaro_winkler(*code_points(ordered.tolist()[:-1]), one[part], two[part])
        score[part] = np.maximum(straight, turned)
    made = np.minimum(_graded(score, cuts), len(cuts))
    made = np.where(sorted_keys[one] == sorted_keys[two], len(cuts), made)
    return np.where(~across & (sorted_text[one] == sorted_text[two]), len(cuts) + 1, made)


def read_comparisons(on: Any) -> tuple[Comparison, ...]:
    """Read what a user gives as ``on=``: a mapping of column to how, or names and Comparisons."""
    if isinstance(on, Mapping):
        made = [how if isinstance(how, Comparison) else Comparison(column, how) for column, how in on.items()]
    else:
        made = [
            item if isinstance(item, Comparison) else Comparison(item) for item in ([on] if isinstance(on, str) else on)
        ]
    if not made:
        raise DataError(
            "Nothing is compared.", column="on", code="on", hint='Give on={"name": "name", "born": "date"}.'
        )
    twice = [c for i, c in enumerate(made) if (c.column, c.how) in [(d.column, d.how) for d in made[:i]]]
    if twice:
        raise DataError(
            f"{twice[0].column!r} is compared twice by {twice[0].how!r}, which would count one agreement twice.",
            column=twice[0].column,
            code="on",
            hint="Compare each column once.",
        )
    return tuple(made)


def prepare(comparison: Comparison, tables: tuple[Table, ...], folder: Folder) -> Field:
    """Read the column in each list as codes of common distinct values."""
    columns = both_columns(comparison.column, tables)
    how, kind = comparison.how, columns[0].kind
    wanted = {"exact": kind, "date": "date", "number": "number"}.get(how, "text")
    if kind != wanted:
        raise _wrong(
            comparison.column,
            f"how={how!r} compares a {wanted} column; this one holds {kind} values such as {columns[0].examples(3)}",
            "kind",
            "parse_dates makes dates; choose another how= otherwise.",
        )
    if kind == "text":
        distinct, codes = text_codes(columns)
        if how in ("name", "kunya"):
            folds = folder(comparison.column, distinct)
            texts = np.array([(f.kunya if how == "kunya" else f.text) for f in folds] + [""], dtype=object)
            codes = tuple(np.where(texts[c] == "", -1, c) for c in codes)
            if not comparison.frequency:
                return Field(comparison, codes[0], codes[-1], folds)
            # Spellings that fold to one name share its frequency.
            order = sorted(set(texts.tolist()))
            first = {text: i for i, text in reversed(list(enumerate(texts.tolist())))}
            kept = tuple(folds[first[text]] for text in order if text)
            place = {text: i for i, text in enumerate(t for t in order if t)}
            table = np.array([place.get(text, -1) for text in texts], dtype=np.int64)
            codes = tuple(table[c] for c in codes)
            return Field(comparison, codes[0], codes[-1], kept)
        return Field(comparison, codes[0], codes[-1], distinct)
    values = [c.values.astype("datetime64[D]").astype(np.int64) if kind == "date" else c.values for c in columns]
    gone = [c.is_missing for c in columns]
    pool = np.concatenate([v[~g] for v, g in zip(values, gone, strict=True)])
    levels = np.unique(pool)
    coded = [np.where(g, -1, np.searchsorted(levels, v)) for v, g in zip(values, gone, strict=True)]
    return Field(comparison, coded[0], coded[-1], levels)


def both_columns(name: str, tables: tuple[Table, ...]) -> tuple[Column, ...]:
    """One column of each list, of one kind."""
    columns = tuple(table.column(name) for table in tables)
    kinds = [c.kind for c in columns if not c.is_missing.all()]
    if len(set(kinds)) > 1:
        raise _wrong(name, f"the lists hold {kinds[0]} and {kinds[1]} values", "kind", "Make them of one kind.")
    return columns


def text_codes(columns: tuple[Column, ...]) -> tuple[tuple[str, ...], tuple[Ints, ...]]:
    """Distinct texts of all columns, stripped, and the code of each row; blank texts are missing."""
    written = [np.array([str(level).strip() for level in c.levels] + [""], dtype=object) for c in columns]
    distinct = tuple(sorted({text for side in written for text in side.tolist()} - {""}))
    place = {text: i for i, text in enumerate(distinct)}
    tables = [np.array([place.get(text, -1) for text in side], dtype=np.int64) for side in written]
    held = [c.values if c.kind == "text" else np.full(len(c), -1) for c in columns]
    return distinct, tuple(table[v] for table, v in zip(tables, held, strict=True))


def _wrong(column: str, what: str, code: str, hint: str) -> DataError:
    return DataError(f"{what[0].upper()}{what[1:]}.", column=column, code=code, hint=hint)
