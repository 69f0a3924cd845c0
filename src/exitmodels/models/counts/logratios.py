"""Log-ratio views of compositions: additive, centred, isometric.

Third floor. For looking at measured shares. For counts with zeros fit a model (Composition, whose `log_ratios` needs no
treatment of zeros): a log-ratio of small counts says more about how its zeros were filled than about the records.

Read next: kernels/simplex.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.simplex import closed
from exitmodels.kernels.simplex import log_ratios as ratios_of
from exitmodels.shapes import checks
from exitmodels.shapes.frames import Table
from exitmodels.shapes.ledger import Ledger

__all__ = ["log_ratios", "read_parts"]


def log_ratios(
    frame: Any, parts: Sequence[str], kind: str = "clr", *, baseline: str | None = None, zeros: str | float = "refuse"
) -> Any:
    """Log-ratios of the parts of each row.

    Parameters
    ----------
    frame : table, one row for each composition
    parts : sequence of str
        Columns of shares, or of counts.
    kind : {"clr", "alr", "ilr"}
        Each part over the geometric mean of all; over the baseline; or orthonormal pivot coordinates: each part over
        the geometric mean of those after it, in the order given.
    baseline : str, optional
        For "alr"; by default the last part, as is usual there.
    zeros : {"refuse"} or float
        A number is added to every part of every row before shares are taken (0.5 for counts is Jeffreys' choice);
        the columns' attribute ``attrs["zeros"]`` keeps it.

    Returns
    -------
    pandas.DataFrame

    Notes
    -----
    Source: Aitchison (1982); Egozcue et al. (2003).

    Examples
    --------
    >>> log_ratios({"a": [1.0], "b": [1.0], "c": [2.0]}, ["a", "b", "c"], "alr").round(4).to_numpy().tolist()
    [[-0.6931, -0.6931]]
    """
    import pandas as pd

    if kind not in ("clr", "alr", "ilr"):
        raise DataError(f"kind={kind!r} is not known.", code="kind", hint='"clr", "alr" or "ilr".')
    names = list(parts)
    place = len(names) - 1 if baseline is None else names.index(baseline) if baseline in names else -1
    if place < 0:
        raise DataError(f"baseline={baseline!r} is not a part.", code="baseline", hint=f"Parts: {', '.join(names)}.")
    table = Table(frame)
    shares, _ = read_parts(table, names, zeros, Ledger(table.n))
    labels = {"clr": names, "alr": [n for i, n in enumerate(names) if i != place], "ilr": names[:-1]}[kind]
    columns = [f"{kind}: {label}" for label in labels]
    made = pd.DataFrame(ratios_of(shares, kind, place), columns=columns, index=table.labels)
    made.attrs["zeros"] = zeros
    return made


def read_parts(table: Table, parts: Sequence[str], zeros: str | float, ledger: Ledger) -> tuple[Floats, Ledger]:
    """Read the parts, treat zeros as told, and divide rows by their sums.

    Raises
    ------
    DataError
        For fewer than two parts, text, missing or negative values, rows without anything, and zeros that are refused.
    """
    if len(parts) < 2 or len(set(parts)) < len(parts):
        raise DataError("A composition has two different parts or more.", code="parts", hint="Name their columns.")
    columns = [table.column(name) for name in parts]
    for column in columns:
        if column.kind != "number":
            raise DataError(f"It holds {column.examples(2)}.", column=column.name, code="not-numeric", hint="Numbers.")
        checks.refuse_gaps(column.name, column.missing, table.labels)
        checks.refuse_gaps(column.name, checks.not_finite(column.values), table.labels)
    values = np.column_stack([column.values for column in columns]).astype(np.float64)
    bad = np.flatnonzero((values < 0).any(axis=1) | (values.sum(axis=1) <= 0))
    if bad.size:
        raise DataError(
            f"{bad.size} rows have a negative part or nothing at all.",
            rows=table.labels[bad],
            code="parts",
            hint="Parts are zero or more, and add to more than zero.",
        )
    if isinstance(zeros, (int, float)) and not isinstance(zeros, bool):
        if not (np.isfinite(zeros) and zeros > 0):
            raise DataError(
                f"zeros={zeros} is not above zero.", code="zeros", hint="0.5 is Jeffreys' choice for counts."
            )
        values = values + float(zeros)
    shares = closed(values)
    if zeros == "shrink":
        n, j = shares.shape
        shares = (shares * (n - 1) + 1 / j) / n
    elif zeros != "refuse" and isinstance(zeros, str):
        raise DataError(f"zeros={zeros!r} is not known.", code="zeros", hint='"refuse", "shrink" or a number.')
    empty = np.flatnonzero((shares <= 0).any(axis=1))
    if empty.size:
        raise DataError(
            f"{empty.size} rows have a part that is zero, and zero has no logarithm.",
            rows=table.labels[empty],
            code="zeros",
            hint="For counts fit Composition, which needs no logarithm of a count; for measured shares say how zeros "
            "are to be treated (zeros=), and report it.",
        )
    off = int((np.abs(values.sum(axis=1) - 1) > 1e-9).sum())
    return shares, ledger.note(f"{off} rows did not add to one and were divided by their sum", off) if off else ledger
