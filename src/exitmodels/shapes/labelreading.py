"""Behind `Labels`: from what was written to weights.

First floor. Read next: labelsource.py (shares), masking.py (labels that leave several causes open).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError, IdentificationError
from exitmodels.kernels.patternshares import posterior, split_shares
from exitmodels.shapes.labelsource import Prevalence
from exitmodels.shapes.masking import Masking
from exitmodels.shapes.spells import Spells

if TYPE_CHECKING:
    from exitmodels.shapes.labels import Labels

__all__ = ["check_weights", "misclassified", "of_spells", "read_mentions"]


def check_weights(weights: Floats, causes: tuple[Any, ...]) -> None:
    """Refuse weights that are no chances."""
    if weights.ndim != 2 or weights.shape[1] != len(causes) or not len(weights) or len(set(causes)) < len(causes):
        raise DataError(
            f"The weights have the shape {weights.shape} for {len(causes)} causes.",
            code="labels",
            hint="Give one row per record and one column for each of the causes, which must differ.",
        )
    gone = np.isnan(weights).all(axis=1)
    with np.errstate(invalid="ignore"):
        fine = (np.abs(weights.sum(axis=1) - 1) < 1e-8) & (weights >= -1e-12).all(axis=1)
    bad = np.flatnonzero(~fine & ~gone)
    if bad.size:
        raise DataError(
            f"The weights of {bad.size} records are no chances that add to one (first: {weights[bad[0]].tolist()}).",
            rows=bad,
            code="labels",
            hint="Divide each row by its sum; leave rows of people who have not left NaN.",
        )
    if gone.all():
        raise DataError("No record has a label.", code="labels", hint="Give a weight to those who left.")


def read_mentions(
    mentions: Any, causes: Sequence[Any] | None, unknown: Sequence[Any] | None
) -> tuple[Floats, list[Any], list[Any]]:
    """Which record names what (n, K) of 0 and 1, the names, and those that mean "not known"."""
    blank = list(unknown or [])
    if hasattr(mentions, "codebook") and hasattr(mentions, "weights"):
        book = mentions.codebook
        blank = [book.blank, book.absent] if unknown is None else blank
        frame = mentions.weights("all")
        used = frame.to_numpy().any(axis=0) if causes is None else np.isin(list(frame.columns), list(causes))
        mentions = frame.loc[:, used | np.isin(list(frame.columns), blank)]
        causes = None
        blank = [b for b in blank if b in mentions.columns]
    named = list(getattr(mentions, "columns", causes or []))
    matrix = np.asarray(mentions, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[1] != len(named) or not np.isin(matrix, (0.0, 1.0)).all():
        raise DataError(
            f"mentions have the shape {matrix.shape} for {len(named)} names, or hold more than 0 and 1.",
            code="labels",
            hint="Give a DataFrame of 0 and 1, an array with causes=, or coded reasons.",
        )
    strange = [b for b in blank if b not in named]
    if strange or len(named) - len(blank) < 1:
        raise DataError(
            f"unknown={blank} does not fit the columns {named}.", code="labels", hint="Name some of the columns."
        )
    return matrix, named, blank


def of_spells(kind: type[Labels], spells: Spells, unknown: Any, masked: Mapping[Any, Any] | None) -> Labels:
    """See `Labels.of`."""
    said = Masking.of(spells, unknown, masked)
    weights = np.full((len(spells), len(said.causes)), np.nan)
    gone = spells.event > 0
    rows = said.chance / said.chance.sum(axis=1, keepdims=True)
    weights[gone] = rows[spells.event[gone] - 1]
    open_rows = np.zeros(len(spells), dtype=bool)
    open_rows[gone] = ~said.certain[spells.event[gone] - 1]
    return kind(weights, said.causes, open_rows, "Labels as written", copies=spells.weight)


def misclassified(kind: type[Labels], written: Any, chances: Any, prior: Any, causes: Sequence[Any] | None) -> Labels:
    """See `Labels.misclassified`."""
    table, rows, columns = _table(chances, causes)
    code = _written(written, columns)
    chance = np.vstack([table.T, np.ones(len(rows))])
    seen = np.bincount(code, minlength=len(chance)).astype(np.float64)
    lost = np.flatnonzero((chance.sum(axis=1) == 0) & (seen > 0))
    if lost.size:
        raise DataError(
            f"{columns[int(lost[0])]!r} is written, and has no chance under any cause.",
            rows=np.flatnonzero(code == lost[0]),
            code="labels",
            hint="Correct the table.",
        )
    notes: list[str] = []
    source = None
    if isinstance(prior, str):
        if prior != "observed":
            raise DataError(f"prior={prior!r} is not known.", code="labels", hint='Give shares, or "observed".')
        share = _inverted(table, seen, rows, notes)
        group = np.zeros(len(code), dtype=np.int64)
        none = np.empty((0, len(rows)))
        source = Prevalence(chance, code, group, share[None], none, np.empty((1, 0)), seen[None])
    else:
        share = _shares(prior, rows)
    weights = posterior(share, chance)[code]
    empty = np.flatnonzero(weights.sum(axis=1) == 0)
    if empty.size:
        raise DataError(
            f"{empty.size} records have no cause left under the prior.",
            rows=empty,
            code="labels",
            hint="Give every cause that can be behind them a share above 0.",
        )
    return kind(weights, rows, None, "Posterior under a table of misclassification", source, notes)


def _table(chances: Any, causes: Sequence[Any] | None) -> tuple[Floats, list[Any], list[Any]]:
    table = np.asarray(chances, dtype=np.float64)
    framed = hasattr(chances, "columns")
    rows, columns = (list(chances.index), list(chances.columns)) if framed else (list(causes or []), list(causes or []))
    fine = table.ndim == 2 and table.shape == (len(rows), len(columns)) and len(rows) > 0
    if not fine or np.any(table < 0) or np.any(np.abs(table.sum(axis=1) - 1) > 1e-8):
        raise DataError(
            f"chances have the shape {table.shape} for {len(rows)} causes, or rows that are no chances.",
            code="labels",
            hint="Row k holds the chances that cause k is written as each label; it adds to one.",
        )
    return table, rows, columns


def _written(written: Any, columns: Sequence[Any]) -> Ints:
    place = {name: i for i, name in enumerate(columns)}
    given = [None if v is None or v != v else v for v in list(written)]
    strange = [i for i, v in enumerate(given) if v is not None and v not in place]
    if strange or not given:
        raise DataError(
            f"{len(strange)} records are written as something the table does not know, such as {given[strange[0]]!r}."
            if strange
            else "Nothing is written.",
            rows=strange,
            code="labels",
            hint=f"Known: {', '.join(map(str, columns))}; None for nothing.",
        )
    return np.array([len(columns) if v is None else place[v] for v in given], dtype=np.int64)


def _inverted(table: Floats, seen: Floats, causes: Sequence[Any], notes: list[str]) -> Floats:
    size = np.linalg.svd(table, compute_uv=False)
    if len(size) < len(table) or size[-1] < 1e-8 * size[0]:
        raise IdentificationError(
            "The table of chances is singular: different true shares give the same written ones, so these cannot be "
            "turned back.",
            code="singular",
            hint="Give the prior shares, or join causes that are written alike.",
        )
    share: Floats = split_shares(seen[None, :-1], table.T).share[0]
    gone = [str(c) for c, s in zip(causes, share, strict=True) if s < 1e-9]
    if gone:
        notes.append(
            f"{', '.join(gone)}: fewer written than misreadings of the other causes explain; the true share is put at "
            "zero."
        )
    return share


def _shares(prior: Any, causes: Sequence[Any]) -> Floats:
    given = [prior.get(c, 0.0) for c in causes] if isinstance(prior, Mapping) else list(prior)
    share = np.asarray(given, dtype=np.float64)
    if share.shape != (len(causes),) or np.any(share < 0) or abs(share.sum() - 1) > 1e-8:
        raise DataError(f"prior={prior!r} are no shares of the causes.", code="labels", hint="They add to one.")
    return share
