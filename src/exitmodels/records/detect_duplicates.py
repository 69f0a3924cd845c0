"""Rows that may be the same record: whole rows, the same person within days, the same days and nearly the same name.

Third floor, in the room of records. Without columns that name a person two people can be alike by chance; how often is
worked out from the table, and only more than that is a finding. `deduplicate` weighs the rest.

Called by: audit.py.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
from scipy.special import pdtrc

from exitmodels.arrays import AnyArray, Bools, Ints
from exitmodels.records.auditview import View, quick_fold
from exitmodels.records.finding import Finding

__all__ = ["duplicate_defects", "skeleton"]

_LEVEL = 1e-3
_SAFE = 3.0
_NEAR = 3
_TOKEN = re.compile(r"[\W_]+")
_ARTICLE = re.compile(r"^(?:al|el|ul|ال)(?=\w{3})")
_VOWELS = re.compile(r"[aeiouywاوي]")


def skeleton(text: str) -> str:
    """A name without what spelling leaves free: case, accents, articles, vowels, doubled letters.

    >>> skeleton("Abu Yusuf al-Darani") == skeleton("abou Yousef Eddarani"), skeleton("Sami"), skeleton("ابو يوسف")
    (True, 'sm', 'ب سف')
    """
    return _bare(quick_fold(text))


def _bare(folded: str) -> str:
    return " ".join(filter(None, map(_bones, _TOKEN.split(folded))))


@lru_cache(maxsize=1 << 17)
def _bones(token: str) -> str:
    bare = _ARTICLE.sub("", token)
    if len(bare) <= 2 and bare in ("al", "el", "ال"):
        return ""
    kept = _VOWELS.sub("", bare) or bare[:1]
    return re.sub(r"(.)\1+", r"\1", kept)


def duplicate_defects(view: View) -> tuple[list[Finding], Bools]:
    """Findings, and every row that is a copy of another or has one (n,)."""
    copies, twins = _whole_rows(view)
    found: list[Finding] = []
    schema = view.records.schema
    if copies.any():
        named = _all_named(view, copies)
        likely = named.all() or _beyond_chance(view, int(copies.sum()))
        if likely:
            weight = "fault" if named.all() else "doubt"
            what = "{rows} equal to an earlier row" + (" in all but the id" if schema.id else "")
            found += view.finding("duplicate", copies, what, None, weight, "Set aside the later copies.")
        else:
            copies, twins = np.zeros_like(copies), np.zeros_like(twins)
    if schema.person:
        found += _near(view.without(copies))
    return found, twins


def _groups(parts: list[AnyArray]) -> Ints:
    """Number of the group of rows that agree in all parts (n,)."""
    key = np.zeros(len(parts[0]), dtype=np.int64)
    for part in parts:
        _, code = np.unique(part, return_inverse=True)
        _, key = np.unique(key * (int(code.max(initial=0)) + 1) + code, return_inverse=True)
    return key


def _whole_rows(view: View) -> tuple[Bools, Bools]:
    """Later copies of a row, and all rows that have a copy (n,)."""
    names = [name for name in view.records.sheet.names if name != view.records.schema.id]
    sound = np.flatnonzero(view.sound)
    later, twins = np.zeros(view.n, dtype=bool), np.zeros(view.n, dtype=bool)
    if sound.size < 2 or not names:
        return later, twins
    key = _groups([view.column(name).codes[sound] for name in names])
    _, first, back, times = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    is_first = np.zeros(sound.size, dtype=bool)
    is_first[first] = True
    several = times[back] > 1
    later[sound[several & ~is_first]] = True
    twins[sound[several]] = True
    return later, twins


def _all_named(view: View, rows: Bools) -> Bools:
    """Whether every column that names a person holds something (one value for each of some rows)."""
    person = view.records.schema.person
    if not person:
        return np.zeros(int(rows.sum()), dtype=bool)
    return np.asarray(np.all([~view.column(name).empty[rows] for name in person], axis=0))


def _pairs(key: Ints) -> float:
    times = np.bincount(key).astype(float)
    return float((times * (times - 1)).sum() / 2)


def _beyond_chance(view: View, copies: int) -> bool:
    """Whether dates and the other cells agree together more often than if they had nothing to do with each other."""
    schema = view.records.schema
    sound = np.flatnonzero(view.sound)
    dates = [name for name in schema.date_columns if name in (schema.joined, schema.left)]
    rest = [name for name in view.records.sheet.names if name not in (*dates, schema.id)]
    pairs = sound.size * (sound.size - 1) / 2
    one = _pairs(_groups([view.column(name).codes[sound] for name in dates]))
    other = _pairs(_groups([view.column(name).codes[sound] for name in rest])) if rest else pairs
    # Pairs that agree throughout are the ones in question; they say nothing about chance.
    expected = _SAFE * max(one - copies, 0.5) * max(other - copies, 0.5) / pairs
    return bool(pdtrc(copies - 1, expected) < _LEVEL)


# ---- near duplicates ---------------------------------------------------------------------------------------------
def _near(view: View) -> list[Finding]:
    """The same person within days, or the same days and nearly the same name."""
    schema = view.records.schema
    left = view.span(schema.left)
    joined = left if schema.joined is None else view.span(schema.joined)
    first = schema.person[0]
    bones = _coded([_bare(text) for text in view.column(first).folded.texts], view.column(first).codes)
    exact = [_coded(view.column(name).folded.texts, view.column(name).codes) for name in schema.person]
    sound = view.sound & left.known & joined.known & ~view.column(first).empty
    rows = np.flatnonzero(sound)
    if rows.size < 2:
        return []
    same_name = _groups([part[rows] for part in exact])
    close = _close_pairs(same_name, left.low[rows], joined.low[rows])
    days = _groups([left.low[rows], joined.low[rows]])
    named = _groups([bones[rows]])
    alike = _later_in(_groups([days, named]))
    share = _share_close(left.low[rows], joined.low[rows])
    pairs = rows.size * (rows.size - 1) / 2
    found = np.zeros(view.n, dtype=bool)
    for alarm, expected in (
        (close, max(_pairs(same_name) - close.sum(), 0) * share),
        (alike, max(_pairs(days) - alike.sum(), 0) * max(_pairs(named) - alike.sum(), 0) / pairs),
    ):
        # The pairs in question are left out: the others say how often chance makes such a pair.
        if alarm.any() and pdtrc(int(alarm.sum()) - 1, _SAFE * expected) < _LEVEL:
            found[rows[alarm]] = True
    what = "{rows} close to an earlier one: the same person within days, or the same days and nearly the same name"
    made = view.finding("near-duplicate", found, what, first, "doubt", "Compare them; deduplicate weighs every pair.")
    if schema.joined is None:
        return made
    apart = rows[~found[rows]]
    crossed = np.zeros(view.n, dtype=bool)
    crossed[apart[_crossing(same_name[~found[rows]], joined.high[apart], left.low[apart])]] = True
    what = "{rows} of a person who was inside already: a stay that begins before an earlier one has ended"
    hint = "Two people of one name, or a wrong date."
    return made + view.finding("overlapping-stays", crossed, what, first, "note", hint)


def _coded(texts: list[str], codes: Ints) -> Ints:
    """Numbers of folded texts by row (n,)."""
    place: dict[str, int] = {}
    made = [place.setdefault(text, len(place)) for text in (*texts, "")]
    return np.array(made, dtype=np.int64)[codes]


def _later_in(key: Ints) -> Bools:
    """Rows whose group has an earlier row."""
    _, first = np.unique(key, return_index=True)
    later = np.ones(len(key), dtype=bool)
    later[first] = False
    return later


def _close_pairs(name: Ints, left: Ints, joined: Ints) -> Bools:
    """Rows whose exit and entry both lie within days of another row of the same name, and come later in the file."""
    order = np.lexsort((left, name))
    here, there = order[1:], order[:-1]
    near = (name[here] == name[there]) & (np.abs(left[here] - left[there]) <= _NEAR)
    near &= np.abs(joined[here] - joined[there]) <= _NEAR
    later = np.zeros(len(name), dtype=bool)
    later[np.maximum(here, there)[near]] = True
    return later


def _crossing(name: Ints, joined: Ints, left: Ints) -> Bools:
    """Rows that begin before an earlier stay of the same name has ended."""
    order = np.lexsort((left, joined, name))
    ends = left[order] - left.min(initial=0)
    # The latest end so far, within the name: larger names lie wholly above smaller ones.
    step = int(ends.max(initial=0)) + 1
    latest = np.maximum.accumulate(ends + name[order] * step) - name[order] * step
    crossed = np.zeros(len(name), dtype=bool)
    same = name[order][1:] == name[order][:-1]
    crossed[order[1:]] = same & (joined[order][1:] - left.min(initial=0) < latest[:-1])
    return crossed


def _share_close(left: Ints, joined: Ints) -> float:
    """About the share of pairs of rows whose two dates both lie within days, by chance."""

    def share(days: Ints) -> float:
        sorted_days = np.sort(days)
        within = np.searchsorted(sorted_days, sorted_days + _NEAR, side="right") - np.arange(len(days)) - 1
        return float(within.sum() / max(len(days) * (len(days) - 1) / 2, 1))

    return max(share(left), 1e-12) * max(share(joined), 1e-12)
