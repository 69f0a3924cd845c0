"""A column of dates of a sheet, read by its declared format.

Third floor, in the room of records. Called by: records.py.
"""

from __future__ import annotations

import numpy as np

from exitmodels.records.dates import Dates
from exitmodels.records.parsing import parse_dates
from exitmodels.records.schema import DateFormat
from exitmodels.records.sheet import DATE, Sheet

__all__ = ["parsed_column"]

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def parsed_column(sheet: Sheet, name: str, form: DateFormat) -> Dates:
    """Read a column of dates; cells that were dates in their source are read as what that program took them for."""
    import pandas as pd

    cells = sheet.want(name).copy()
    for place in np.flatnonzero(sheet.kinds[name] == DATE):
        year, month, day = cells[place][:10].split("-")
        # Months by name leave no doubt, whatever order was declared for texts.
        cells[place] = f"{int(day)} {_MONTHS[int(month) - 1]} {year}"
    column = pd.Series(cells, index=pd.Index(sheet.labels), dtype=object)
    return parse_dates(column, bad="missing", column=name, **form.choices())
