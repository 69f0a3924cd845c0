"""`read_records`: from a file or frame and a schema to records.

Third floor, in the room of records. Read next: schema.py, opening.py, records.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from exitmodels.errors import DataError
from exitmodels.records.opening import open_sheet
from exitmodels.records.records import Records
from exitmodels.records.schema import Schema
from exitmodels.shapes.ledger import Ledger

__all__ = ["read_records"]


def read_records(
    source: Any,
    schema: Schema | None = None,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    worksheet: str | None = None,
    header: int = 1,
    **columns: Any,
) -> Records:
    """Read exit records as written.

    Parameters
    ----------
    source : path, or pandas, Polars, PyArrow or DuckDB table, or dict of arrays
        Files: text with delimiters (.csv, .tsv, .txt), Excel (.xlsx; needs openpyxl), Parquet (needs pyarrow).
    schema : Schema, optional
        What the columns are. Its fields may be given as keyword arguments instead: ``left="exit_date"``.
    encoding : str, optional
        Of text files; UTF-8 by default, or what a byte-order mark says. Never guessed.
    delimiter : str, optional
        Of text files; by default the one of comma, semicolon, tab and bar that cuts the rows evenly.
    worksheet : str, optional
        Name of the worksheet; needed when there are several.
    header : int
        Row that holds the names of the columns, counted from 1 without empty rows.

    Returns
    -------
    Records

    Raises
    ------
    DataError
        For files that are not there, cannot be decoded or have no rows, headers with empty or repeated names, and
        columns of the schema that are not in the table. Faults of single rows do not raise: see `Records.audit`.

    Examples
    --------
    >>> from exitmodels.records.schema import DateFormat
    >>> records = read_records({"left": ["25 Shawwal 1435"], "why": ["treatment"]}, left="left", reason="why",
    ...                        dates=DateFormat(calendar="hijri"))
    >>> records.left.lower.astype(str).tolist()
    ['2014-08-21']
    """
    if schema is not None and columns:
        given = ", ".join(columns)
        raise DataError(f"Both schema= and {given} are given.", code="schema", hint="Give one of them.")
    declared = Schema(**columns) if schema is None else schema
    sheet = open_sheet(source, encoding, delimiter, worksheet, header)
    for name in declared.columns:
        sheet.want(name)
    made = Records(sheet, declared, Ledger(len(sheet)))
    return replace(made, ledger=replace(made.ledger, source=f"{sheet.source} (sha256 {made.digest} as read)"))
