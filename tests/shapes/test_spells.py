"""Spells: immutable, selected, cut and collapsed; dates, windows and what the ledger says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

import exitmodels as xm

DATA = pd.DataFrame(
    {
        "joined": pd.to_datetime(["2012-12-01", "2013-03-01", "2013-05-10", "2013-06-01"]),
        "left": pd.to_datetime(["2013-04-01", "2013-08-21", "2013-06-10", "2013-07-15"]),
        "why": ["visit", "inside", "cure", "visit"],
        "age": [20, 30, 40, 50],
    },
    index=["p", "q", "r", "s"],
)
WINDOW = ("2013-03-01", "2013-08-21")


def read(**more: object) -> xm.Spells:
    return xm.Spells.from_frame(DATA, origin="joined", exit="left", event="why", censor="inside", **more)  # type: ignore[arg-type]


def test_dates_become_whole_days() -> None:
    spells = read()
    assert spells.exit.tolist() == [121, 173, 31, 44]
    assert spells.exit.dtype.kind == "i"
    assert spells.causes == ("cure", "visit")
    assert spells.event.tolist() == [2, 0, 1, 2]


def test_people_from_before_the_window_enter_late() -> None:
    """Someone who came on 1 December can only be seen leaving from 1 March, day 90, on: at risk on (89, 121]."""
    spells = read(window=WINDOW)
    assert spells.entry.tolist() == [89, 0, 0, 0]
    assert "at risk from its first day only" in str(spells.ledger)
    assert xm.KaplanMeier(event="any").fit(spells).to_frame().at_risk.tolist() == [3, 2, 2, 1]


def test_spells_cannot_be_changed() -> None:
    spells = read()
    with pytest.raises(AttributeError, match="not changed once made"):
        spells.exit = np.ones(4)  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        spells.exit[0] = 7


def test_later_changes_of_the_frame_do_not_reach_the_spells() -> None:
    data = pd.DataFrame({"t": [5, 6, 7], "e": [1, 0, 1], "x": [1.0, 2.0, 4.0]})
    spells = xm.Spells.from_frame(data, exit="t", event="e")
    data.loc[0, "t"] = 99
    data.loc[0, "x"] = 99.0
    data["e"] = 0
    assert spells.exit.tolist() == [5, 6, 7]
    assert spells.columns["x"].values.tolist() == [1, 2, 4]
    assert spells.n_events == 2
    times = np.array([5, 6, 7])
    spells = xm.Spells(exit=times, covariates={"x": times})
    times[0] = 99
    assert spells.exit[0] == spells.columns["x"].values[0] == 5


def test_selection_by_mask_or_position_is_in_the_ledger() -> None:
    spells = read()
    young = spells.select(spells.columns["age"].values < 35, why="over 35")
    assert young.labels.tolist() == ["p", "q"]
    assert young.ledger.used == 2
    assert "over 35 (rows r, s)" in str(young.ledger)
    assert spells.select([2, 0]).exit.tolist() == [31, 121]
    with pytest.raises(xm.DataError, match="No row is selected"):
        spells.select(np.zeros(4, bool))
    with pytest.raises(xm.DataError, match="The mask has 2 values for 4 rows"):
        spells.select(np.ones(2, bool))


def test_a_calendar_cut_begins_the_new_period_on_its_day() -> None:
    spells = read(window=WINDOW).split(["2013-06-10", "2013-08-01"], by="calendar", name="period")
    rows = pd.DataFrame(
        {
            "who": spells.labels,
            "entry": spells.entry,
            "exit": spells.exit,
            "event": spells.event,
            "period": spells.columns["period"].values,
        }
    )
    assert rows.to_numpy().tolist() == [
        ["p", 89, 121, 2, 0],
        ["q", 0, 100, 0, 0],
        ["q", 100, 152, 0, 1],
        ["q", 152, 173, 0, 2],
        ["r", 0, 30, 0, 0],
        ["r", 30, 31, 1, 1],
        ["s", 0, 8, 0, 0],
        ["s", 8, 44, 2, 1],
    ]
    assert spells.cluster is not None
    assert_array_equal(spells.cluster, [0, 1, 1, 1, 2, 2, 3, 3])
    assert spells.exit.dtype.kind == "i"


def test_cuts_need_a_known_clock_or_origin() -> None:
    with pytest.raises(xm.DataError, match="no dates"):
        xm.Spells(exit=[5, 6]).split("2013-01-01", by="calendar")
    with pytest.raises(xm.DataError, match=r"by='month' is not known"):
        read().split(3, by="month")
    with pytest.raises(xm.IdentificationError, match="before the first"):
        read(window=WINDOW).split("2013-03-01", by="calendar")


def test_identical_rows_collapse_and_sampling_weights_do_not() -> None:
    spells = xm.Spells(exit=[3, 3, 8, 3], event=[1, 1, 0, 0], covariates={"g": list("aaba"), "z": [1, 2, 3, 4]})
    small = spells.collapse(by=["g"])
    assert small.weight is not None
    assert small.weight.tolist() == [2, 1, 1]
    assert small.columns["g"].decoded().tolist() == ["a", "b", "a"]
    assert len(spells.collapse()) == 4
    with pytest.raises(xm.DataError, match="not copies"):
        xm.Spells(exit=[3, 3], weight=[1.5, 1.5], weights="sampling").collapse()


def test_causes_are_chosen_by_name() -> None:
    spells = read()
    assert spells.for_cause("cure").event.tolist() == [0, 0, 1, 0]
    assert spells.for_cause(["cure", "visit"]).n_events == 3
    assert spells.for_cause("any").causes == ("any",)


def test_arrays_take_labels_codes_or_booleans() -> None:
    assert xm.Spells(exit=[1, 2], event=["in", "out"], censor="in").causes == ("out",)
    assert xm.Spells(exit=[1, 2, 3], event=[0, 2, 1]).causes == (1, 2)
    assert xm.Spells(exit=[1, 2], event=[True, False]).n_events == 1
    assert xm.Spells(exit=[1, 2]).n_events == 2
    with pytest.raises(xm.DataError, match="event codes are 1, 2"):
        xm.Spells(exit=[1, 2], event=[1, 2])
    with pytest.raises(xm.DataError, match="must hold numbers"):
        xm.Spells(exit=["a", "b"])
    with pytest.raises(xm.DataError, match="has 1 values where exit has 2"):
        xm.Spells(exit=[1, 2], event=[1])


def test_strata_of_several_columns_and_description() -> None:
    spells = xm.Spells.from_frame(
        DATA.assign(t=5, u=list("xxyy")), exit="t", event="why", censor="inside", stratum=["u", "why"]
    )
    assert spells.stratum_labels == ("u=x, why=inside", "u=x, why=visit", "u=y, why=cure", "u=y, why=visit")
    text = str(spells.describe())
    assert "not yet left" in text
    assert "time at risk (D)" in text
    assert "3 exits (cure, visit)" in repr(spells)


def test_lexis_diagram_shows_the_window() -> None:
    ax = read(window=WINDOW).plot()
    assert ax.get_xlabel() == "Date"
    assert len(ax.lines) >= 3
