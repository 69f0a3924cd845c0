"""From a path or a frame to a sheet.

Third floor, in the room of records. Read next: delimited.py, workbook.py, typed.py.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from exitmodels.errors import DataError
from exitmodels.records.delimited import read_delimited
from exitmodels.records.sheet import Sheet
from exitmodels.records.typed import plain_cells
from exitmodels.records.workbook import read_workbook
from exitmodels.shapes.frames import Table

__all__ = ["open_sheet"]

_TEXT = (".csv", ".tsv", ".tab", ".txt")
_BOOK = (".xlsx", ".xlsm", ".xls")
_PARQUET = (".parquet", ".pq")


def open_sheet(
    given: Any, encoding: str | None, delimiter: str | None, worksheet: str | None, header: int = 1
) -> Sheet:
    """Read a file or a frame; see `read_records` for the arguments."""
    if not isinstance(given, (str, Path)):
        kind = "a dict of columns" if isinstance(given, dict) else f"a {type(given).__module__.split('.')[0]} table"
        return _framed(given, kind)
    path = Path(given)
    if not path.is_file():
        raise DataError(f"There is no file {path}.", code="no-file", hint="Check the path.")
    suffix = path.suffix.lower()
    if suffix in _TEXT:
        return read_delimited(path, encoding, delimiter, header)
    if suffix in _BOOK:
        return read_workbook(path, worksheet, header)
    if suffix in _PARQUET:
        return _framed(_parquet(path), path.name, hashlib.sha256(path.read_bytes()).hexdigest())
    raise DataError(
        f"Files that end in {suffix!r} are not read here.",
        code="format",
        hint=f"Read are {', '.join((*_TEXT, '.xlsx', *_PARQUET))}; or read it into a frame first.",
    )


def _parquet(path: Path) -> Any:
    try:
        from pyarrow import parquet
    except ImportError as problem:
        raise DataError(
            "Parquet files are read with pyarrow, which is not installed.",
            code="no-package",
            hint="Install exitmodels[scale], or read the file into a frame first.",
        ) from problem
    return parquet.read_table(path)


def _framed(frame: Any, source: str, file_hash: str = "") -> Sheet:
    table = Table(frame)
    labels, facts = table.labels, {"sha256 of the file": file_hash} if file_hash else {}
    if len(set(labels.tolist())) < len(labels):
        labels, facts = np.arange(table.n), {**facts, "row labels": "counted from 0, for the index repeats"}
    columns = {str(name): plain_cells(table.frame.get_column(name).to_list()) for name in table.frame.columns}
    return Sheet(
        {name: cells for name, (cells, _) in columns.items()},
        {name: kinds for name, (_, kinds) in columns.items()},
        labels,
        source,
        facts,
    )
