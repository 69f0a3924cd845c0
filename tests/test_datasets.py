"""Shipped data: each reproduces the numbers its docstring promises."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import exitmodels as xm
from exitmodels import datasets, simulate

DATA = datasets.exits431_path().parent


# ---- Rossi ---------------------------------------------------------------------------------------------------
def test_rossi_has_the_published_size():
    rossi = datasets.rossi()
    assert rossi.shape == (432, 9)
    assert rossi["arrest"].sum() == 114
    assert rossi.loc[rossi["arrest"] == 0, "week"].eq(52).all()
    assert all(set(rossi[name]) == {0, 1} for name in ("arrest", "fin", "race", "wexp", "mar", "paro"))
    assert rossi.groupby("fin").size().tolist() == [216, 216]


def test_rossi_reproduces_the_published_coefficients():
    """Allison (2010): seven covariates, Efron ties."""
    people = xm.Spells.from_frame(datasets.rossi(), exit="week", event="arrest", unit="W")
    fit = xm.Cox("fin + age + race + wexp + mar + paro + prio").fit(people)
    expected = [-0.3794, -0.0574, 0.3139, -0.1498, -0.4337, -0.0849, 0.0915]
    assert_allclose(fit.params, expected, atol=5.1e-5)
    assert_allclose(fit.bse, [0.1914, 0.0220, 0.3080, 0.2122, 0.3819, 0.1958, 0.0286], atol=5.1e-5)


# ---- the 431 simulated records -------------------------------------------------------------------------------
def test_the_shipped_records_are_what_the_generator_makes():
    world = simulate.exits(n=431, edges=True, rng=20130301)
    text = world.frame.to_csv(index=False, date_format="%Y-%m-%d", lineterminator="\n")
    assert text == datasets.exits431_path().read_text(encoding="utf-8")
    assert dict(world.truth) == datasets.exits431().truth
    assert json.loads((DATA / "exits431.json").read_text(encoding="utf-8"))["simulated"] is True


def test_the_shipped_records_say_that_they_are_simulated():
    records = datasets.exits431()
    assert str(records).startswith("SIMULATED DATA")
    assert repr(records) == str(records)


def test_the_shipped_records_have_the_founding_number_window_and_edges():
    records = datasets.exits431()
    frame = records.frame
    assert len(frame) == 431
    assert records.window == ("2013-03-01", "2014-08-21")
    assert frame["left"].min() == pd.Timestamp("2013-03-01")
    assert frame["left"].max() == pd.Timestamp("2014-08-21")
    last = frame.loc[frame["left"] == "2014-08-21", "reason_text"].tolist()
    assert sorted(last) == ["his family was imprisoned", *["treatment"] * 3]
    assert not frame.duplicated().any()


def test_the_shipped_records_reproduce_the_promised_arithmetic():
    frame = datasets.exits431().frame
    daily = xm.Counts.from_frame(frame, date="left", freq="D", window=("2013-03-01", "2014-08-21"))
    found = xm.rate(daily)
    assert_allclose([found.estimate, found.low, found.high], [431 / 539, 0.7259, 0.8788], atol=5e-5)
    assert_allclose(xm.boundary_test(daily).pvalue, 0.0164, atol=5e-5)


def test_the_shipped_records_refuse_what_their_scheme_forbids():
    records = datasets.exits431()
    spells = records.spells()
    assert spells.scheme == "exits-only"
    assert np.all(spells.right_limit >= spells.exit)
    with pytest.raises(xm.SchemeError):
        xm.AalenJohansen().fit(spells)


# ---- the timeline --------------------------------------------------------------------------------------------
def test_the_timeline_holds_intervals_with_sources():
    events = datasets.timeline()
    assert list(events.columns) == ["date_from", "date_to", "event", "kind", "source", "note"]
    assert (events["date_from"] <= events["date_to"]).all()
    assert events["date_from"].is_monotonic_increasing
    assert (events[["event", "kind", "source", "note"]] != "").all(axis=None)


@pytest.mark.parametrize(
    ("what", "first", "last"),
    [
        ("First exit record", "2013-03-01", "2013-03-01"),
        ("under the name ISIS", "2013-04-08", "2013-04-09"),
        ("caliphate declared", "2014-06-29", "2014-06-29"),
        ("Last exit records", "2014-08-21", "2014-08-21"),
        ("Number 1 of the weekly", "2015-10-17", "2015-10-17"),
        ("first issue of the magazine rumiyah", "2016-09-05", "2016-09-05"),
        ("Al-Naba 49", "2016-09-17", "2016-10-14"),
    ],
)
def test_the_timeline_dates_its_events(what, first, last):
    events = datasets.timeline()
    row = events[events["event"].str.contains(what, case=False, regex=False)]
    assert len(row) == 1
    assert [str(day.date()) for day in row[["date_from", "date_to"]].iloc[0]] == [first, last]


# ---- all -----------------------------------------------------------------------------------------------------
def test_naming_the_rooms_loads_no_pandas():
    code = "import sys, exitmodels as xm; xm.datasets, xm.simulate; print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_each_data_file_is_named_with_its_source():
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    for path in DATA.iterdir():
        assert path.name == "README.md" or path.name in readme
