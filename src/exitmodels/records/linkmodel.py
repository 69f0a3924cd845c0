"""From compared pairs to the mixture of matches and others: patterns, hidden pairs, starting values, draws.

Third floor, in the room of records. A field that a block looks at is refined: its levels also say on which parts the
pair agrees. So the blocks are part of the model, and pairs that no block brought together are a count whose patterns
are known as far as the blocks go.

Read next: kernels/fellegisunter.py. Called by: linking.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Any

import numpy as np

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.kernels.blocks import count_agreeing
from exitmodels.kernels.distinct import distinct
from exitmodels.kernels.fellegisunter import Hidden, LinkMixture, fit_mixture, log_weights
from exitmodels.records.blocking import Passes
from exitmodels.records.comparing import Field

__all__ = ["LinkModel", "Refined", "build_model"]

_STARTS = (0.5, 0.1, 0.01)


@dataclass(frozen=True, eq=False)
class Refined:
    """One field as the model sees it.

    Attributes
    ----------
    name : str
    field : int
        Place of the comparison; -1 for a block on a column that is not compared.
    base : (levels,) int
        Level of the comparison; -1 for "missing".
    bits : (levels,) int
        On which parts of blocks the pair agrees.
    parts : tuple of int
        The parts.
    labels : tuple of str
    top : int
        Highest level of the comparison.
    absent : float
        Share of pairs without a value, where missing is neutral.
    """

    name: str
    field: int
    base: Ints
    bits: Ints
    parts: tuple[int, ...]
    labels: tuple[str, ...]
    top: int
    absent: float


@dataclass(frozen=True, eq=False)
class LinkModel:
    """Patterns of the compared pairs, and the fit.

    Attributes
    ----------
    fields : tuple of Refined
    patterns : (p, f) int
    pattern : (m,) int
        The pattern of each pair.
    mixture : LinkMixture
    draws : (b, p)
        Log odds of a match for each pattern, for bootstrap draws of records.
    missed : (b,)
        Matches that no block brings together, in each draw.
    universe : float
        All pairs that could have been compared.
    spare : float
        Possible patterns, less the parameters; below zero the data cannot tell the classes apart.
    countable : bool
        Whether matches that no block brings together are counted.
    notes : tuple of str
    """

    fields: tuple[Refined, ...]
    patterns: Ints
    pattern: Ints
    mixture: LinkMixture
    draws: Floats
    missed: Floats
    universe: float
    spare: float
    countable: bool
    notes: tuple[str, ...]


def build_model(
    fields: tuple[Field, ...],
    levels: Ints,
    passes: Passes | None,
    agree: Bools,
    blocked: Bools,
    sure: Bools,
    ends: tuple[Ints, Ints],
    sizes: tuple[int, int | None],
    random_levels: Ints | None,
    n_draws: int,
    rng: np.random.Generator,
) -> LinkModel:
    """Fit the mixture to compared pairs.

    Parameters
    ----------
    fields : the comparisons; levels (m, f) what they say of each pair
    passes, agree : the blocks (None: all pairs), and on which parts each pair agrees (m, parts)
    blocked : (m,) whether a block (not only a key) brings the pair together
    sure : (m,) pairs that a key from outside the comparisons makes a match
    ends : first and second record of each pair
    sizes : records in each list; None as the second for one list
    random_levels : (r, f) levels of random pairs, or None
    """
    common, whole = _common(passes)
    refined, columns = _refine(fields, levels, passes, agree, common)
    patterns, pattern = _patterns(columns)
    universe = _universe(passes, common, whole, sizes, int(blocked.sum()))
    counts = np.bincount(pattern[blocked & ~sure], minlength=len(patterns)).astype(np.float64)
    known = np.bincount(pattern[blocked & sure], minlength=len(patterns)).astype(np.float64)
    hidden = _hidden(refined, passes, common, universe - float(counts.sum() + known.sum())) if whole else None
    hidden, why = _usable(hidden, refined, patterns[(counts + known) > 0])
    notes: tuple[str, ...] = () if whole and not why else (why or _same_column(passes),)
    total = float(counts.sum() + known.sum()) + (0.0 if hidden is None else hidden.count)
    fixed = tuple(random_levels is not None and not r.parts and r.field >= 0 for r in refined)
    start = _start(refined, patterns, counts, passes, total if hidden is not None else 0.0, sizes, random_levels, fixed)
    expected = float(min(sizes[0], sizes[1] or sizes[0]))
    given: dict[str, Any] = {"known": known, "hidden": hidden, "fixed_u": fixed, "prior": 1.0}
    starts = [replace(start, prevalence=min(share * expected / max(total, 1.0), 0.5)) for share in _STARTS]
    fits = [fit_mixture(patterns, counts, one, **given, tol=1e-4, max_steps=200) for one in starts]
    best = max(fits, key=lambda fit: (_right_way(fit, refined), fit.llf))
    best = fit_mixture(patterns, counts, best, **given, tol=1e-8)
    draws, missed = _draws(best, patterns, pattern, blocked, sure, ends, sizes, hidden, fixed, n_draws, rng)
    free = sum((2 - held) * (len(r.base) - 1) for r, held in zip(refined, fixed, strict=True)) + 1
    spare = _cells(refined, hidden) - (hidden is None) - free
    notes += _narrow(passes, common)
    kept = tuple(note for note in notes if note)
    countable = whole and not common and (hidden is not None or not why)
    return LinkModel(tuple(refined), patterns, pattern, best, draws, missed, universe, spare, countable, kept)


def _cells(refined: list[Refined], hidden: Hidden | None) -> float:
    """Patterns that compared pairs could show."""
    unseen = 0.0
    if hidden is not None:
        sizes = [np.bincount(c) for c in hidden.classes]
        unseen = float(np.sum([np.prod([s[k] for s, k in zip(sizes, row, strict=True)]) for row in hidden.grid]))
    return float(np.prod([float(len(r.base)) for r in refined])) - unseen


def _narrow(passes: Passes | None, common: tuple[int, ...]) -> tuple[str, ...]:
    if passes is None or not common:
        return ()
    names = ", ".join(passes.parts[i].name for i in common)
    return (f"Every block asks for agreement on {names}; matches that differ there are not counted.",)


def _patterns(columns: list[Ints]) -> tuple[Ints, Ints]:
    """Distinct rows of several columns of small codes, and the row of each pair."""
    code = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        # Made dense at each step, so that the code stays small however many columns there are.
        code = distinct(code * (int(column.max()) + 2) + column + 1)[1]
    first = np.empty(int(code.max()) + 1, dtype=np.int64)
    first[code[::-1]] = np.arange(len(code))[::-1]
    return np.stack([column[first] for column in columns], axis=1), code


def _common(passes: Passes | None) -> tuple[tuple[int, ...], bool]:
    """Parts that every block holds, and whether pairs that no block brings together can be reckoned with."""
    if passes is None:
        return (), True
    shared = set.intersection(*(set(block) for block in passes.members))
    columns = set.intersection(*({passes.parts[i].column for i in block} for block in passes.members))
    return tuple(sorted(shared)), columns == {passes.parts[i].column for i in shared}


def _same_column(passes: Passes | None) -> str:
    return (
        "Every block looks at one column in different ways, so matches that no block brings together cannot be counted."
        if passes is not None
        else ""
    )


def _universe(
    passes: Passes | None, common: tuple[int, ...], whole: bool, sizes: tuple[int, int | None], blocked: int
) -> float:
    """Pairs among which the share of matches is reckoned."""
    n, other = sizes
    if not whole:
        return float(blocked)
    if not common or passes is None:
        return n * (n - 1) / 2 if other is None else float(n) * other
    return float(count_agreeing(*passes.codes(common)))


def _refine(
    fields: tuple[Field, ...], levels: Ints, passes: Passes | None, agree: Bools, common: tuple[int, ...]
) -> tuple[list[Refined], list[Ints]]:
    """Levels of each field, divided by the parts on which the pair agrees; blocks on other columns become fields."""
    held: dict[str, list[int]] = {}
    for i, part in enumerate(passes.parts if passes is not None else ()):
        if i not in common:
            held.setdefault(part.column, []).append(i)
    refined, columns = [], []
    for f, field in enumerate(fields):
        c = field.comparison
        first = next(g for g, other in enumerate(fields) if other.comparison.column == c.column)
        parts = tuple(held.pop(c.column, ())) if first == f else ()
        made, column = _one(parts, agree, levels[:, f].astype(np.int64), c.missing)
        doubled = sum(other.comparison.column == c.column for other in fields) > 1
        name = f"{c.column} ({c.how})" if doubled else c.column
        absent = field.absent() if c.missing == "neutral" else 0.0
        refined.append(Refined(name, f, *made, parts, *_labelled(passes, parts, made, c.level_names), absent))
        columns.append(column)
    for column_name, parts_list in held.items():
        parts = tuple(parts_list)
        none = np.full(len(agree), -1, dtype=np.int64)
        made, column = _one(parts, agree, none, "informative")
        labels = tuple(_part_words(passes, parts, int(bits)) or "disagree" for bits in made[1])
        refined.append(Refined(f"{column_name} (block)", -1, *made, parts, labels, 0, 0.0))
        columns.append(column)
    return refined, columns


def _one(parts: tuple[int, ...], agree: Bools, level: Ints, missing: str) -> tuple[tuple[Ints, Ints], Ints]:
    """Levels seen as (level, parts that agree), and the level of each pair; -1 for a neutral missing value."""
    bits = np.zeros(len(level), dtype=np.int64)
    for k, part in enumerate(parts):
        bits += agree[:, part].astype(np.int64) << k
    known, column = distinct((level + 1) << len(parts) | bits)
    known = known.astype(np.int64)
    base, held = (known >> len(parts)) - 1, known & ((1 << len(parts)) - 1)
    if missing == "neutral" and len(known) and known[0] == 0:
        column, base, held = column - 1, base[1:], held[1:]
    if not len(base):
        base, held = np.array([0], dtype=np.int64), np.array([0], dtype=np.int64)
    return (base, held), column


def _labelled(
    passes: Passes | None, parts: tuple[int, ...], made: tuple[Ints, Ints], names: tuple[str, ...]
) -> tuple[tuple[str, ...], int]:
    """Words for each level; "same" goes without saying that the one part of a block agrees too."""
    labels = []
    for base, bits in zip(*made, strict=True):
        level, words = names[base] if base >= 0 else "missing", _part_words(passes, parts, int(bits))
        plain = not words or (level == "same" and len(parts) == 1)
        labels.append(level if plain else f"{level}; {words}")
    return tuple(labels), len(names) - 1


def _part_words(passes: Passes | None, parts: tuple[int, ...], bits: int) -> str:
    if passes is None or not bits:
        return ""
    return ", ".join(passes.parts[p].name for k, p in enumerate(parts) if bits >> k & 1) + " agrees"


def _hidden(refined: list[Refined], passes: Passes | None, common: tuple[int, ...], count: float) -> Hidden | None:
    """What is known of the pairs that no block brings together."""
    if passes is None or count < 0.5:
        return None
    classes, missing, options = [], [], []
    for r in refined:
        known = np.unique(np.append(r.bits, 0)) if r.parts else np.zeros(1, dtype=np.int64)
        classes.append(np.searchsorted(known, r.bits) if r.parts else np.zeros(len(r.bits), dtype=np.int64))
        missing.append(0)
        options.append(known)
    rows = []
    for choice in product(*(range(len(o)) for o in options)):
        on = {
            p for r, o, c in zip(refined, options, choice, strict=True) for k, p in enumerate(r.parts) if o[c] >> k & 1
        }
        if not any(set(block) - set(common) <= on for block in passes.members):
            rows.append(choice)
    if not rows:
        return None
    absent = np.array([r.absent if r.parts else 0.0 for r in refined])
    return Hidden(count, tuple(classes), np.array(missing), absent, np.array(rows, dtype=np.int64))


def _usable(hidden: Hidden | None, refined: list[Refined], patterns: Ints) -> tuple[Hidden | None, str]:
    """Each field that blocks look at must also be seen to disagree among compared pairs."""
    if hidden is None:
        return None, ""
    for f, r in enumerate(refined):
        seen = np.unique(patterns[:, f])
        if r.parts and not (r.bits[seen[seen >= 0]] == 0).any():
            return None, (
                f"No compared pair disagrees on {r.name}, so matches that no block brings together cannot be counted."
            )
    return hidden, ""


def _start(
    refined: list[Refined],
    patterns: Ints,
    counts: Floats,
    passes: Passes | None,
    total: float,
    sizes: tuple[int, int | None],
    random_levels: Ints | None,
    fixed: tuple[bool, ...],
) -> LinkMixture:
    """Matches agree mostly; others agree as often as pairs do at large."""
    m, u = [], []
    for f, r in enumerate(refined):
        weight = np.where(r.base == r.top, 8.0, 1.0) if r.field >= 0 else np.where(r.bits > 0, 8.0, 1.0)
        m.append(weight / weight.sum())
        there = patterns[:, f] >= 0
        seen = np.bincount(patterns[there, f], counts[there], len(r.base)) + 0.5
        if fixed[f] and random_levels is not None:
            drawn = random_levels[:, r.field]
            seen = np.array([np.count_nonzero(drawn == base) for base in r.base]) + 0.5
        elif r.parts and total > 0 and passes is not None:
            shares = _bit_shares(passes, r.parts, total, sizes)
            inside = np.bincount(r.bits, seen, len(shares))
            seen = seen / inside[r.bits] * np.maximum(shares[r.bits], 1e-12)
        u.append(seen / seen.sum())
    return LinkMixture(0.01, tuple(m), tuple(u), 0.0, 0.0, 0.0, 0, False)


def _bit_shares(passes: Passes, parts: tuple[int, ...], total: float, sizes: tuple[int, int | None]) -> Floats:
    """Share of all pairs that agree on exactly these parts, for every set of parts, by inclusion and exclusion."""
    at_least = np.empty(1 << len(parts))
    at_least[0] = sizes[0] * (sizes[0] - 1) / 2 if sizes[1] is None else float(sizes[0]) * sizes[1]
    for size in range(1, len(parts) + 1):
        for chosen in combinations(range(len(parts)), size):
            at_least[sum(1 << k for k in chosen)] = count_agreeing(*passes.codes([parts[k] for k in chosen]))
    for k in range(len(parts)):
        for bits in range(len(at_least)):
            if not bits >> k & 1:
                at_least[bits] -= at_least[bits | 1 << k]
    return np.maximum(at_least, 0.0) / max(at_least.sum(), 1.0)


def _right_way(fit: LinkMixture, refined: list[Refined]) -> bool:
    """Whether agreement speaks for a match on the whole."""
    tops = [
        float(one[np.argmax(r.base if r.field >= 0 else r.bits)] - two[np.argmax(r.base if r.field >= 0 else r.bits)])
        for r, one, two in zip(refined, fit.m, fit.u, strict=True)
    ]
    return sum(tops) > 0


def _draws(
    best: LinkMixture,
    patterns: Ints,
    pattern: Ints,
    blocked: Bools,
    sure: Bools,
    ends: tuple[Ints, Ints],
    sizes: tuple[int, int | None],
    hidden: Hidden | None,
    fixed: tuple[bool, ...],
    n: int,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Refit with random weights on records (Rubin's Bayesian bootstrap); a pair weighs the product of its records'."""
    odds, missed = np.empty((n, len(patterns))), np.empty(n)
    left, right = ends
    for b in range(n):
        one = rng.exponential(size=sizes[0])
        two = one if sizes[1] is None else rng.exponential(size=sizes[1])
        weight = (one / one.mean())[left] * (two / two.mean())[right]
        counts, known = (
            np.bincount(pattern[part], weight[part], len(patterns)) for part in (blocked & ~sure, blocked & sure)
        )
        fit = fit_mixture(
            patterns, counts, best, known=known, hidden=hidden, fixed_u=fixed, prior=1.0, tol=1e-5, max_steps=200
        )
        odds[b] = log_weights(patterns, fit.m, fit.u) + np.log(max(fit.prevalence, 1e-300))
        odds[b] -= np.log1p(-min(fit.prevalence, 1 - 1e-12))
        missed[b] = fit.hidden_matches
    return odds, missed
