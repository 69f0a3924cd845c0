"""Which records are of one person: within a list, or between two.

Third floor, in the room of records. Keys decide first; other pairs that share a block are compared, and a
mixture of matches and others says how probable each match is. Results keep probabilities, not names.

Read next: linked.py (what comes back), linkmodel.py (the model). Names: names.py. Comparisons: comparing.py.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.errors import ConvergenceWarning, DataError, DataWarning
from exitmodels.kernels.blocks import agreeing_pairs
from exitmodels.records.blocking import Passes, read_passes
from exitmodels.records.comparing import Field, Folder, prepare, read_comparisons
from exitmodels.records.linked import Linked
from exitmodels.records.linkmodel import LinkModel, build_model
from exitmodels.records.oneortwo import Deduplicated, LinkedLists
from exitmodels.shapes.frames import Table
from exitmodels.shapes.ledger import Ledger

__all__ = ["deduplicate", "link"]


@dataclass(frozen=True)
class _Choices:
    on: Any
    block: Any
    keys: Any
    threshold: float
    review: float
    u: str
    max_pairs: int
    random_pairs: int
    draws: int
    rng: np.random.Generator


def deduplicate(
    frame: Any,
    *,
    on: Any,
    block: Any = None,
    keys: Sequence[Any] = (),
    threshold: float = 0.9,
    review: float = 0.1,
    u: str = "em",
    max_pairs: int = 5_000_000,
    random_pairs: int = 200_000,
    draws: int = 50,
    rng: np.random.Generator | int | None = None,
) -> Deduplicated:
    """Find the records of a list that are of one person.

    Parameters
    ----------
    frame : any frame, or dict of arrays
        One row per record.
    on : mapping of column to how, or sequence of `Comparison`
        What is compared: ``{"name": "name", "born": "date", "unit": "exact"}``.
    block : part, tuple of parts, or sequence of these; None for every pair
        Pairs are compared when they agree on every part of at least one block. A part is a column, or ``key(name)``,
        ``first(name)``, ``last(name)``, ``folded(name)``, ``initial(name)``, ``kunya(name)``, ``year(born)``,
        ``month(born)``. Two blocks that look at different columns check one another.
    keys : sequence of columns, or of tuples of columns
        Records that agree on all columns of a key are one person, whatever else they say.
    threshold : float
        Pairs of at least this probability are linked.
    review : float
        Pairs from here to `threshold` are for a person to look at.
    u : {"em", "random"}
        Agreement among pairs that are no match: estimated with the rest, or measured on random pairs for the columns
        that no block looks at.
    max_pairs : int
        Refuse to compare more pairs than this.
    random_pairs : int
        How many random pairs to draw with ``u="random"``.
    draws : int
        Bootstrap draws of records, for limits; 0 for none.
    rng : numpy Generator or seed

    Returns
    -------
    Deduplicated

    Raises
    ------
    DataError
        With more pairs than `max_pairs`, no pair at all, or a column that cannot be compared as asked.

    Warns
    -----
    DataWarning
        When the fit has found no class of matches that deserves the name, or clusters hang together by a chain.

    Notes
    -----
    Assumes that, given match or not, columns agree independently of one another (a common surname in one unit breaks
    it), and that missing values say nothing. Probabilities are for pairs and are as good as that. Keys whose columns
    are not compared also teach the model what matches look like.
    Cost: forming and comparing the pairs; the fit costs by patterns.
    Source: Fellegi and Sunter (1969), Winkler (1988, 1990), Jaro (1989).

    Examples
    --------
    >>> import exitmodels as xm
    >>> import pandas as pd
    >>> world = xm.simulate.exits(n=300, rng=1).frame
    >>> twice = pd.concat([world, world[:20]], ignore_index=True)
    >>> on = {"joined": "date", "left": "date", "age": "number", "origin": "exact"}
    >>> found = deduplicate(twice, on=on, block=["joined", "age"], rng=1)
    >>> found.n_persons, len(found.unique().frame)
    (300, 300)
    """
    choices = _Choices(
        on, block, keys, threshold, review, u, max_pairs, random_pairs, draws, np.random.default_rng(rng)
    )
    table = Table(frame)
    if table.n < 2:
        raise DataError("One record has no duplicate.", code="pairs", hint="Give two records or more.")
    found = Deduplicated(**_fitted((table,), choices), table=table)
    _warn_of_chains(found)
    return found


def link(
    a: Any,
    b: Any,
    *,
    on: Any,
    block: Any = None,
    keys: Sequence[Any] = (),
    one_to_one: bool = False,
    threshold: float = 0.9,
    review: float = 0.1,
    u: str = "em",
    max_pairs: int = 5_000_000,
    random_pairs: int = 200_000,
    draws: int = 50,
    rng: np.random.Generator | int | None = None,
) -> LinkedLists:
    """Find the records of two lists that are of one person.

    Parameters
    ----------
    a, b : any frames, or dicts of arrays
        The columns that are compared have the same name in both.
    one_to_one : bool
        When neither list holds anyone twice: of competing links those stay whose weights have the largest sum.
    on, block, keys, threshold, review, u, max_pairs, random_pairs, draws, rng
        As for `deduplicate`.

    Returns
    -------
    LinkedLists

    Raises
    ------
    DataError
        As `deduplicate`.

    Notes
    -----
    Without `one_to_one`, two records of one list that both link to a record of the other are one person. Deduplicate
    each list first if that is not meant.

    Examples
    --------
    >>> import exitmodels as xm
    >>> world = xm.simulate.exits(n=400, rng=1).frame
    >>> on = {"joined": "date", "left": "date", "age": "number", "origin": "exact"}
    >>> found = link(world[:300], world[200:], on=on, block=["joined", "left"], one_to_one=True, rng=1)
    >>> found.n_links
    100
    """
    choices = _Choices(
        on, block, keys, threshold, review, u, max_pairs, random_pairs, draws, np.random.default_rng(rng)
    )
    found = LinkedLists(**_fitted((Table(a), Table(b)), choices), one_to_one=one_to_one)
    _warn_of_chains(found)
    return found


def _warn_of_chains(found: Linked) -> None:
    """Say that clusters hold pairs that look like different people."""
    if found.n_chained:
        warnings.warn(
            f"{found.n_chained} clusters hold two records whose own probability is below review={found.review:g}, "
            "joined through others. What to do: look at .clusters where chained is true, or raise the threshold.",
            DataWarning,
            stacklevel=3,
        )


def _fitted(tables: tuple[Table, ...], choices: _Choices) -> dict[str, Any]:
    """Everything a result holds."""
    _check(choices)
    folder = Folder()
    fields = tuple(prepare(comparison, tables, folder) for comparison in read_comparisons(choices.on))
    passes = None if choices.block is None else read_passes(choices.block, tables, folder)
    keys = read_passes(choices.keys, tables, folder) if choices.keys else None
    n_a, n_b = tables[0].n, tables[1].n if len(tables) > 1 else None
    counted = _affordable(passes, keys, n_a, n_b, choices.max_pairs)
    left, right, blocked = _all_pairs(passes, keys, n_a, n_b)
    if not blocked.any():
        raise DataError("No two records agree on a block.", code="pairs", hint="Give wider blocks, or block=None.")
    levels = np.stack([field.compare(left, right) for field in fields], axis=1)
    agree = _agreements(passes, left, right)
    keyed = _keyed(keys, left, right)
    compared = {field.comparison.column for field in fields}
    sure = _sure(keys, compared, keyed)
    drawn = _random_levels(fields, n_a, n_b, choices) if choices.u == "random" else None
    model = build_model(
        fields, levels, passes, agree, blocked, sure, (left, right), (n_a, n_b), drawn, choices.draws, choices.rng
    )
    cell, cell_pattern, cell_adjust = _cells(model, fields, levels, left)
    notes = (*_doubts(model, n_a, n_b), *model.notes)
    return {
        "n_a": n_a,
        "n_b": n_b,
        "left": left,
        "right": right,
        "cell": cell,
        "cell_pattern": cell_pattern,
        "cell_adjust": cell_adjust,
        "key": keyed,
        "keys": () if keys is None else keys.names,
        "blocks": counted,
        "patterns": model.patterns,
        "fields": tuple(r.name for r in model.fields),
        "levels": tuple(r.labels for r in model.fields),
        "mixture": model.mixture,
        "draws": model.draws,
        "missed_draws": model.missed,
        "universe": model.universe,
        "countable": model.countable,
        "labels_a": tables[0].labels,
        "labels_b": tables[-1].labels,
        "cutoff": choices.threshold,
        "review": choices.review,
        "notes": notes,
        "ledger": Ledger(read=sum(table.n for table in tables)),
        "seed": int(choices.rng.integers(1 << 31)),
    }


def _cells(model: LinkModel, fields: tuple[Field, ...], levels: Ints, left: Ints) -> tuple[Ints, Ints, Floats]:
    """Cells of one pattern and equally rare values: the cell of each pair, and of each cell its pattern and gain."""
    weighted = [f for f, field in enumerate(fields) if field.comparison.frequency]
    if not weighted:
        n = len(model.patterns)
        return model.pattern, np.arange(n), np.zeros(n)
    gain = np.sum([fields[f].rarity(levels[:, f], left) for f in weighted], axis=0)
    cells, cell = np.unique(np.stack([model.pattern, gain], axis=1), axis=0, return_inverse=True)
    return cell.reshape(-1), cells[:, 0].astype(np.int64), cells[:, 1]


def _check(choices: _Choices) -> None:
    wrong = [
        ("threshold", choices.threshold, 0 < choices.threshold <= 1, "A probability above 0."),
        ("review", choices.review, 0 <= choices.review <= choices.threshold, "A probability up to the threshold."),
        ("u", choices.u, choices.u in ("em", "random"), '"em" or "random".'),
        ("draws", choices.draws, choices.draws >= 0, "A whole number, 0 or more."),
        ("random_pairs", choices.random_pairs, choices.random_pairs > 0, "A whole number above 0."),
    ]
    for name, value, right, hint in wrong:
        if not right:
            raise DataError(f"{name}={value!r} is not possible.", column=name, code="choice", hint=hint)


def _affordable(
    passes: Passes | None, keys: Passes | None, n_a: int, n_b: int | None, most: int
) -> tuple[tuple[str, int, str], ...]:
    """Count the pairs of each block before any is formed."""
    everything = n_a * (n_a - 1) // 2 if n_b is None else n_a * n_b
    counted = [("every pair", everything, "")] if passes is None else passes.counted()
    wanted = sum(n for _, n, _ in counted) + sum(n for _, n, _ in (keys.counted() if keys else ()))
    if wanted > most:
        sizes = "; ".join(f"{name}: {n:,}" + (f" (largest: {most})" if most else "") for name, n, most in counted)
        raise DataError(
            f"{wanted:,} pairs would be compared, more than max_pairs={most:,}. {sizes}.",
            column="block",
            code="max-pairs",
            hint="Make blocks narrower, as (key(name), unit); set placeholders to missing; or raise max_pairs.",
        )
    return tuple(counted)


def _all_pairs(passes: Passes | None, keys: Passes | None, n_a: int, n_b: int | None) -> tuple[Ints, Ints, Bools]:
    """Pairs to compare, and which of them a block (not only a key) brings together."""
    width = n_b or n_a
    if passes is None:
        zero = np.zeros(n_a, dtype=np.int64)
        left, right = agreeing_pairs(zero, None if n_b is None else np.zeros(n_b, dtype=np.int64))
    else:
        left, right = passes.pairs()
    if keys is None or passes is None:
        return left, right, np.ones(len(left), dtype=bool)
    joint = left * width + right
    extra = np.setdiff1d(np.stack(keys.pairs()).T @ np.array([width, 1]), joint)
    every = np.concatenate([joint, extra])
    order = np.argsort(every, kind="stable")
    return every[order] // width, every[order] % width, order < len(joint)


def _agreements(passes: Passes | None, left: Ints, right: Ints) -> Bools:
    if passes is None:
        return np.zeros((len(left), 0), dtype=bool)
    return np.stack([passes.agreement(i, left, right) for i in range(len(passes.parts))], axis=1)


def _keyed(keys: Passes | None, left: Ints, right: Ints) -> Ints:
    """The first key that links each pair; -1 for none."""
    out = np.full(len(left), -1, dtype=np.int64)
    if keys is None:
        return out
    agree = _agreements(keys, left, right)
    for k in reversed(range(len(keys.members))):
        out[agree[:, list(keys.members[k])].all(axis=1)] = k
    return out


def _sure(keys: Passes | None, compared: set[str], keyed: Ints) -> Bools:
    """Pairs that teach the model: linked by a key none of whose columns is compared."""
    if keys is None:
        return np.zeros(len(keyed), dtype=bool)
    outside = [not compared & {keys.parts[i].column for i in block} for block in keys.members]
    return np.array([*outside, False])[keyed]


def _random_levels(fields: tuple[Field, ...], n_a: int, n_b: int | None, choices: _Choices) -> Ints:
    left = choices.rng.integers(0, n_a, choices.random_pairs)
    right = choices.rng.integers(0, n_b or n_a, choices.random_pairs)
    apart = np.ones(len(left), dtype=bool) if n_b is not None else left != right
    return np.stack([field.compare(left[apart], right[apart]) for field in fields], axis=1)


def _doubts(model: LinkModel, n_a: int, n_b: int | None) -> tuple[str, ...]:
    """Signs that the fit has found something else than matches; each is warned of and stays in the summary."""
    fit, found = model.mixture, []
    expected = fit.prevalence * fit.total
    if expected < 1:
        found.append(f"The fit expects {expected:.2g} matches: it has found no class of matches.")
    if fit.prevalence > 0.5 or expected > 2 * (n_a if n_b is None else min(n_a, n_b)):
        found.append(f"The fit expects {expected:,.0f} matches, which is no small class: look at .weights().")
    if model.spare < 0:
        found.append("There are more parameters than agreement patterns: compare more columns, or in more levels.")
    for r, one, two in zip(model.fields, fit.m, fit.u, strict=True):
        score = r.base * (1 << len(r.parts)) + r.bits
        high, low = int(np.argmax(score)), int(np.argmin(np.where(r.base < 0, score + (1 << 30), score)))
        if r.field < 0:
            low = int(np.argmin(score))
        if high != low and one[high] / max(two[high], 1e-300) <= one[low] / max(two[low], 1e-300):
            found.append(f"Agreement on {r.name} speaks against a match: the classes are not matches and others.")
    for text in found:
        warnings.warn(text, DataWarning, stacklevel=5)
    if not fit.converged:
        text = f"EM stopped after {fit.steps} steps before its rule was met."
        warnings.warn(text, ConvergenceWarning, stacklevel=5)
        found.append(text)
    return tuple(found)
