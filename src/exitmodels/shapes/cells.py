"""What can be done with cells once they are counted: check, choose, sum, describe.

First floor. The functions behind `Counts`; they take the shape and give the fields that change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.render.text import Block, Summary, number
from exitmodels.shapes.frames import Column

if TYPE_CHECKING:
    from exitmodels.shapes.counts import Counts

__all__ = [
    "aggregate",
    "bars",
    "check",
    "check_counts",
    "check_exposure",
    "describe",
    "drawn",
    "first_of",
    "grouped",
    "numbered",
    "require_whole",
    "select",
    "summed_exposure",
]


def check(
    n: AnyArray,
    exposure: Floats,
    start: AnyArray,
    end: AnyArray,
    columns: tuple[Column, ...],
    whole: bool = True,
) -> None:
    """Refuse cells that cannot be: the last line of defence, whatever the door."""
    sizes = {len(n), len(exposure), len(start), len(end), *(len(column) for column in columns)}
    if len(sizes) > 1 or not len(n):
        raise DataError(
            f"The columns of the cells have {sorted(sizes)} rows.", code="shape", hint="One entry for every cell."
        )
    rows = np.arange(len(n))
    check_counts("n", np.asarray(n), rows, whole)
    check_exposure("exposure", n, np.asarray(exposure), rows)
    bad = np.flatnonzero(end <= start)
    if bad.size:
        i = bad[0]
        raise DataError(
            f"{bad.size} periods do not end after they start (first: {start[i]} to {end[i]}).",
            column="end",
            rows=bad,
            code="period",
            hint="The end of a period is the day after its last.",
        )


def check_counts(name: str, n: AnyArray, labels: AnyArray, whole: bool = True) -> None:
    """Counts are whole numbers, zero or more; expected counts need not be whole."""
    bad = np.flatnonzero(~np.isfinite(n) | (n < 0) | ((n != np.floor(n)) & whole))
    if bad.size:
        kind = "whole numbers" if whole else "numbers"
        raise DataError(
            f"{bad.size} counts are not {kind} of zero or more (first: {n[bad[0]]:g}).",
            column=name,
            rows=labels[bad],
            code="count",
            hint="Counts are numbers of records; give rates as counts with their exposure.",
        )


def check_exposure(name: str, n: AnyArray, exposure: Floats, labels: AnyArray) -> None:
    """Exposure is finite and zero or more, and above zero wherever something happened."""
    bad = np.flatnonzero(~np.isfinite(exposure) | (exposure < 0))
    if bad.size:
        raise DataError(
            f"{bad.size} exposures are missing, infinite or negative (first: {exposure[bad[0]]:g}).",
            column=name,
            rows=labels[bad],
            code="exposure",
            hint="Exposure is observed time, or people times time: a number above zero.",
        )
    bad = np.flatnonzero((exposure == 0) & (n > 0))
    if bad.size:
        raise DataError(
            f"{bad.size} cells have events but no exposure (first: {n[bad[0]]:g} events over 0).",
            column=name,
            rows=labels[bad],
            code="zero-exposure",
            hint="Where something was recorded, something was observed; correct the exposure or the count.",
        )


def summed_exposure(counts: Counts, group: Ints) -> Floats:
    """Exposure of each group of cells that lie in one period or more: once per period if shared, else summed."""
    size = int(group.max()) + 1
    summed = np.asarray(np.bincount(group, counts.exposure, size), dtype=np.float64)
    pairs, first, where, cells_in = np.unique(
        np.stack([group, counts.period_code]), axis=1, return_index=True, return_inverse=True, return_counts=True
    )
    if cells_in.max() == 1 or counts.shared is False:
        return summed
    unequal = counts.exposure != counts.exposure[first][where.ravel()]
    if counts.shared is None and not unequal.any():
        keys = ", ".join(counts.keys) or "rows"
        raise DataError(
            f"Each period has one exposure, repeated over {keys}; whether it is one exposure or several is not said.",
            column="exposure",
            code="shared-exposure",
            hint="Build the counts with shared=True if the keys divide the same observed time (reasons), with "
            "shared=False if each has its own (places).",
        )
    if counts.shared is None:
        return summed
    if unequal.any():
        rows = np.flatnonzero(unequal)
        raise DataError(
            "The keys are said to share their exposure, but it differs within a period.",
            column="exposure",
            rows=rows,
            code="shared-exposure",
            hint="Use shared=False, so that exposures are added.",
        )
    return np.asarray(np.bincount(pairs[0], counts.exposure[first], size), dtype=np.float64)


def aggregate(counts: Counts, over: Sequence[str]) -> dict[str, Any]:
    """Fields of the counts summed over some keys."""
    unknown = [name for name in over if name not in counts.keys]
    if unknown:
        raise DataError(
            f"No key is called {unknown[0]!r}.", column=unknown[0], code="no-key", hint=f"Keys: {_listed(counts.keys)}."
        )
    if counts.mentions in over:
        raise DataError(
            f"Each record counts once for every value of {counts.mentions} it names, so a sum over {counts.mentions} "
            "would count some records more than once.",
            column=counts.mentions,
            code="mentions",
            hint='Count again without this key, or with labels="fractional" or "first".',
        )
    kept = tuple(column for column in counts.key_columns if column.name not in over)
    group, first = numbered([counts.period_code if counts.dated else 0 * counts.period_code, *(c.values for c in kept)])
    covariates = tuple(c for c in counts.covariate_columns if np.array_equal(c.values, c.values[first][group]))
    ledger = counts.ledger
    lost = [c.name for c in counts.covariate_columns if c not in covariates]
    if lost:
        ledger = ledger.note(f"covariates that differ within the summed cells were left out: {', '.join(lost)}")
    return {
        **{name: getattr(counts, name)[first] for name in ("start", "end", "period", "partial")},
        "n": grouped(group, counts.n),
        "records": None if counts.records is None else grouped(group, counts.records),
        "loose": None,
        "exposure": summed_exposure(counts, group),
        "key_columns": tuple(c.take(first) for c in kept),
        "covariate_columns": tuple(c.take(first) for c in covariates),
        "shared": counts.shared if kept else True,
        "ledger": ledger,
    }


def first_of(columns: Sequence[AnyArray]) -> Ints:
    """Where each distinct combination is first seen."""
    return numbered(columns)[1]


def require_whole(counts: Counts, what: str) -> None:
    """Refuse expected counts, with the reason why they are not whole."""
    if counts.whole:
        return
    raise DataError(
        f"{what} needs numbers of records; these counts are expected ones, since dates known as ranges or records with "
        f"several labels were divided among cells ({number(float(counts.n.sum()))} records in all).",
        column="n",
        code="expected-counts",
        hint="Take counts.imputations(m, rng) and pool the answers, count in periods that hold each range, or declare "
        'labels="first" or "all".',
    )


def drawn(counts: Counts, m: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Fields of the imputed counts."""
    loose = counts.loose
    if loose is None and not counts.whole:
        raise DataError(
            "These counts were summed, chosen or read from others, and no longer hold the uncertain records.",
            code="no-data",
            hint="Draw imputations from the counts as read, then sum or choose from each of them.",
        )
    if m < 1:
        raise DataError(f"m={m} is not a number of imputations.", code="m", hint="20 or more for standard errors.")
    made = [counts.n if loose is None else loose.drawn(rng) for _ in range(m)]
    ledger = counts.ledger.note("uncertain dates or labels were drawn at random (one of several imputations)")
    return [{"n": n, "whole": True, "loose": None, "ledger": ledger} for n in made]


def grouped(group: Ints, n: AnyArray) -> AnyArray:
    """Sums by group; whole numbers stay whole."""
    sums = np.bincount(group, n)
    return sums.round().astype(np.int64) if n.dtype.kind in "iu" else np.asarray(sums, dtype=np.float64)


def numbered(columns: Sequence[AnyArray]) -> tuple[Ints, Ints]:
    """Number the distinct combinations in sorted order; say where each is first seen."""
    codes = np.stack([np.unique(c, return_inverse=True)[1] for c in columns])
    _, first, group = np.unique(codes, axis=1, return_index=True, return_inverse=True)
    return group.ravel().astype(np.int64), first.astype(np.int64)


def select(counts: Counts, mask: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the chosen cells."""
    keep = np.ones(len(counts), dtype=bool) if mask is None else np.asarray(mask)
    if keep.dtype != bool or keep.shape != (len(counts),):
        raise DataError(
            f"The mask has dtype {keep.dtype} and shape {keep.shape}; there are {len(counts)} cells.",
            code="mask",
            hint="Give one True or False for every cell.",
        )
    for name, wanted in values.items():
        keep = keep & _matches(counts, name, wanted)
    if not keep.any():
        raise DataError("No cell is left.", code="empty", hint="Check the values asked for.")
    left = len(counts) - int(keep.sum())
    fields = ("start", "end", "period", "partial", "n", "exposure")
    return {
        **{name: getattr(counts, name)[keep] for name in fields},
        "records": None if counts.records is None else counts.records[keep],
        "loose": None,
        "key_columns": tuple(c.take(keep) for c in counts.key_columns),
        "covariate_columns": tuple(c.take(keep) for c in counts.covariate_columns),
        "ledger": counts.ledger.note(
            f"{left} cells with {number(float(counts.n[~keep].sum()))} records were left out by select"
        ),
    }


def _matches(counts: Counts, name: str, wanted: Any) -> AnyArray:
    columns = counts.keys | {c.name: c for c in counts.covariate_columns}
    if name not in columns:
        raise DataError(
            f"No key or covariate is called {name!r}.", column=name, code="no-key", hint=f"Known: {_listed(columns)}."
        )
    listed = wanted if isinstance(wanted, (list, tuple, set)) else [wanted]
    held = columns[name].decoded()
    unknown = [value for value in listed if not np.any(held == value)]
    if unknown:
        raise DataError(
            f"No cell has {name}={unknown[0]!r}.",
            column=name,
            code="no-level",
            hint=f"Known: {columns[name].examples(20)}.",
        )
    return np.asarray(np.isin(held, np.array(list(listed), dtype=held.dtype)), dtype=bool)


def _listed(names: Mapping[str, Any]) -> str:
    return ", ".join(names) or "none"


def describe(counts: Counts) -> Summary:
    """Facts about the cells, as printed."""
    facts: list[tuple[str, Any]] = [("records", counts.total), ("cells", len(counts))]
    if counts.window is not None:
        facts.append(("window", f"{counts.window[0]} to {counts.window[1]}"))
    if counts.dated:
        partial = len(np.unique(counts.period_code[counts.partial]))
        facts.append(("periods", f"{len(counts.periods)}" + (f", {partial} partial" if partial else "")))
    facts.append(("empty cells", int((counts.n == 0).sum())))
    facts.append(("exposure", f"{counts.exposure.min():g} to {counts.exposure.max():g} {counts.unit} per cell"))
    blocks = tuple(_by_key(counts, column) for column in counts.key_columns)
    notes = [f"{e.n} {e.kind}: {e.why}" if e.n else e.why for e in counts.ledger.entries]
    title = "Counts" + (f" by {', '.join(counts.keys)}" if counts.keys else "")
    return Summary(title + (f", freq {counts.freq}" if counts.freq else ""), tuple(facts), blocks, tuple(notes))


def _by_key(counts: Counts, column: Column) -> Block:
    levels, where = np.unique(column.values, return_inverse=True)
    sums = np.bincount(where.ravel(), counts.n)
    names = [str(column.levels[v]) if column.kind == "text" else str(v) for v in levels]
    heading = "mentions" if column.name == counts.mentions else "records"
    return Block((column.name, heading), tuple((name, number(float(n))) for name, n in zip(names, sums, strict=True)))


def bars(counts: Counts) -> dict[str, Any]:
    """Heights by period and key combination, for the picture."""
    code = counts.period_code
    first = np.unique(code, return_index=True)[1]
    group, seen = numbered([c.values for c in counts.key_columns] or [0 * code])
    heights = np.zeros((int(group.max()) + 1, len(first)))
    np.add.at(heights, (group, code), counts.n)
    decoded = [c.decoded()[seen] for c in counts.key_columns]
    names = [", ".join(str(v) for v in row) for row in zip(*decoded, strict=True)]
    return {
        "starts": counts.start[first],
        "ends": counts.end[first],
        "heights": heights,
        "names": names,
        "partial": counts.partial[first],
        "per": _PERIOD_WORDS.get(counts.freq.split("-")[0], "period"),
        "calendar": "Hijri months" if counts.freq == "HM" else "",
    }


_PERIOD_WORDS = {"D": "day", "W": "week", "MS": "month", "QS": "quarter", "YS": "year", "HM": "Hijri month"}
