"""Where the data files lie, and how they are read.

Third floor, in the room of data sets.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["DATA", "exits431_path", "rossi", "timeline"]

DATA = Path(__file__).resolve().parent / "data"


def rossi() -> Any:
    """Return the recidivism data: 432 people followed for a year after release from prison.

    Returns
    -------
    pandas DataFrame
        ==========  ===================================================================
        week        week of first arrest after release, or 52 if none
        arrest      1 if arrested within the year
        fin         1 if given financial aid after release (randomised)
        age         years, at release
        race        1 if black, as the source codes it
        wexp        1 if in full-time work before prison
        mar         1 if married at release
        paro        1 if released on parole
        prio        convictions before this one
        ==========  ===================================================================

    Notes
    -----
    Source: Rossi, Berk & Lenihan (1980), Money, Work, and Crime: Experimental Evidence, Academic Press; used as the
    worked example by Allison (1995; 2nd ed. 2010), Survival Analysis Using SAS, SAS Institute. This copy follows the
    one shipped with lifelines (C. Davidson-Pilon and contributors, MIT licence).

    It must reproduce: the Cox model on all seven covariates, Efron ties, has coefficients fin -0.3794, age -0.0574,
    prio 0.0915; 114 arrests.

    Examples
    --------
    >>> import exitmodels as xm
    >>> people = xm.Spells.from_frame(rossi(), exit="week", event="arrest", unit="W")
    >>> cox = xm.Cox("fin + age + race + wexp + mar + paro + prio").fit(people)
    >>> cox.params[["fin", "age", "prio"]].round(4).tolist()
    [-0.3794, -0.0574, 0.0915]
    """
    import pandas as pd

    return pd.read_csv(DATA / "rossi.csv")


def exits431_path() -> Path:
    """Path of the CSV with the 431 SIMULATED exit records, for examples that begin with a file.

    >>> exits431_path().name
    'exits431.csv'
    """
    return DATA / "exits431.csv"


def timeline() -> Any:
    """Return the dated events around the founding case, each as an interval with its source.

    Returns
    -------
    pandas DataFrame
        date_from, date_to (first and last day on which it may have happened; equal when the day is known), event,
        kind, source, note.

    Notes
    -----
    Dates of publication are not dates of events; the column `kind` keeps them apart. Where a date was inferred
    the note says so. Nothing here names a person in the records.

    Examples
    --------
    >>> events = timeline()
    >>> events.loc[events["event"].str.contains("caliphate declared"), "date_from"].dt.date.astype(str).tolist()
    ['2014-06-29']
    """
    import pandas as pd

    dates = ["date_from", "date_to"]
    return pd.read_csv(DATA / "timeline.csv", parse_dates=dates, date_format="%Y-%m-%d", keep_default_na=False)
