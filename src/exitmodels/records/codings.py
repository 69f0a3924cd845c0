"""The codings of several coders, read as sets of labels.

Third floor, in the room of records. Called by: agreement.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from exitmodels.errors import DataError
from exitmodels.records.coded import CodedReasons
from exitmodels.shapes.frames import Table

__all__ = ["label_universe", "read_codings"]


def read_codings(coders: Any, separator: str | None) -> tuple[tuple[str, ...], list[list[frozenset[str] | None]], bool]:
    """Names of the coders, their codings as sets, and whether a coding can hold several labels."""
    if isinstance(coders, Mapping):
        given = {str(name): value for name, value in coders.items()}
    else:
        table = Table(coders)
        given = {name: table.frame[name].to_list() for name in table.names}
    if len(given) < 2:
        raise DataError(f"{len(given)} coder is given.", code="coders", hint="Agreement needs two coders or more.")
    listed = {name: v.sets() if isinstance(v, CodedReasons) else list(v) for name, v in given.items()}
    sizes = {name: len(v) for name, v in listed.items()}
    if len(set(sizes.values())) > 1 or not max(sizes.values()):
        raise DataError(
            f"The coders have {', '.join(f'{name}: {size}' for name, size in sizes.items())} records.",
            code="coders",
            hint="Give every coder the same records in the same order, None where a record was not coded.",
        )
    several = separator is not None or any(_is_set(item) for v in listed.values() for item in v)
    codings = [[_coding(item, separator, name, i) for i, item in enumerate(v)] for name, v in listed.items()]
    return tuple(given), codings, several


def _is_set(item: Any) -> bool:
    return isinstance(item, (set, frozenset, list, tuple, np.ndarray))


def _coding(item: Any, separator: str | None, coder: str, row: int) -> frozenset[str] | None:
    if _is_set(item):
        return frozenset(str(label) for label in item)
    if item is None or item != item or str(item) in ("<NA>", "NaT"):
        return None
    text = str(item).strip()
    if not text:
        raise DataError(
            "An empty text is not a coding.",
            column=coder,
            rows=[row],
            code="coders",
            hint="Give None where the coder has not coded the record, and an empty set for no reason.",
        )
    parts = [text] if separator is None else [part.strip() for part in text.split(separator)]
    return frozenset(part for part in parts if part)


def label_universe(codings: list[list[frozenset[str] | None]], labels: Sequence[str] | None) -> tuple[str, ...]:
    """Every label that could have been given: those declared, else those used, sorted."""
    used = {label for coding in codings for given in coding if given is not None for label in given}
    if labels is None:
        return tuple(sorted(used))
    strange = sorted(used - set(labels))
    if strange:
        raise DataError(f"Not among labels=: {', '.join(strange)}.", code="labels", hint="Add them, or correct them.")
    return tuple(dict.fromkeys(labels))
