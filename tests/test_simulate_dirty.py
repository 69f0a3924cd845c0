"""The dirty register: what was planted is found, all of it and nothing else; nothing on the clean twin."""

from __future__ import annotations

import pytest

import exitmodels as xm
from exitmodels.records.audit import audit
from exitmodels.records.reader import read_records
from exitmodels.records.schema import DateFormat
from exitmodels.simulate.register import dirty

HONEST = {"blank-reason", "uncoded-reason", "absent-reason"}
"""Notes on things that are in the clean register too, or follow from a planted defect."""


def read(register, path):
    return read_records(
        register.write(path),
        id="record",
        joined="joined",
        left="left",
        reason="reason",
        person="name",
        numbers=("age", "fee"),
        groups="unit",
        other_dates=("born", "recorded"),
        dates=DateFormat(order="dmy"),
        window=register.window,
        scheme="exits-only",
    )


@pytest.mark.parametrize(("form", "seed", "per"), [("csv", 0, 2), ("csv", 7, 3), ("xlsx", 5, 3)])
def test_what_was_planted_is_found_and_nothing_else(form, seed, per, tmp_path):
    register = dirty(xm.simulate.exits(600, rng=seed), per=per, form=form, rng=seed)
    made = audit(read(register, tmp_path / f"dirty.{form}"))
    planted = set(register.planted[["code", "row", "column"]].itertuples(index=False, name=None))
    found = {(f.code, row, f.column) for f in made.findings for row in (f.rows or (None,))}
    assert planted - found == set()
    assert {one for one in found - planted if one[0] not in HONEST} == set()
    rows = register.planted.dropna(subset="row").groupby("code").size()
    assert rows.min() >= per


@pytest.mark.parametrize(("form", "seed"), [("csv", 1), ("csv", 2), ("xlsx", 4)])
def test_nothing_is_found_on_the_clean_twin(form, seed, tmp_path):
    register = dirty(xm.simulate.exits(rng=seed, edges=bool(seed % 2)), form=form, rng=seed)
    made = audit(read(register.clean, tmp_path / f"clean.{form}"))
    assert made.clean
    assert {finding.code for finding in made.findings} <= HONEST


def test_every_kind_of_defect_is_planted():
    """The codes of the audit, but for those that need a frame or other columns."""
    csv, book = (dirty(xm.simulate.exits(rng=1), form=form, rng=1).planted["code"] for form in ("csv", "xlsx"))
    assert set(csv) | set(book) == {
        *("surplus-cells", "short-row", "shifted-cells", "empty-row", "repeated-header", "total-row", "section-row"),
        *("mojibake", "lost-characters", "hidden-marks", "presentation-forms", "mixed-forms", "embedded-newline"),
        *("header-mark", "line-ends", "constant-column", "merged-cells", "hidden-rows", "typed-beside-text"),
        *("no-date", "sentinel-date", "day-number", "two-digit-year", "two-calendars", "two-orders", "partial-date"),
        *("date-no-such-day", "date-unreadable", "date-no-year", "date-zero", "time-zone", "twelve-hour-clock"),
        *("outside-window", "exit-before-entry", "year-slip", "day-month-swapped", "1904-days", "born-after"),
        *("after-record", "bulk-day", "heaped-days", "truncated-text", "ditto", "placeholder-reason"),
        *("thousands-separator", "decimal-comma", "power-of-ten", "foreign-digits", "not-a-number"),
        *("impossible-age", "sentinel-value", "scientific-id", "lost-zeros", "rounded-id", "repeated-id"),
        *("duplicate", "near-duplicate"),
    }


def test_proposals_write_what_stood_there(tmp_path):
    """A proposal for a date, a reason or an id is the text of the clean twin, for every row."""
    register = dirty(xm.simulate.exits(rng=4), rng=4)
    was = register.planted.set_index(["code", "row", "column"])["was"]
    exact = {"year-slip", "day-month-swapped", "1904-days", "two-orders", "two-calendars", "two-digit-year"}
    exact |= {"day-number", "mojibake", "presentation-forms", "hidden-marks", "mixed-forms", "lost-zeros", "ditto"}
    seen = set()
    made = audit(read(register, tmp_path / "dirty.csv"))
    for finding in made.findings:
        if finding.code in exact:
            assert finding.proposal is not None, finding.code
            for row, text in zip(finding.rows, finding.proposal, strict=True):
                assert text == was[finding.code, row, finding.column], finding.code
            seen.add(finding.code)
    assert seen == exact


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    world = xm.simulate.exits(rng=3)
    one, other = (dirty(world, rng=3).write(tmp_path / f"{k}.csv").read_bytes() for k in range(2))
    assert one == other != dirty(world, rng=4).write(tmp_path / "2.csv").read_bytes()
    assert one.startswith(b"\xef\xbb\xbf")


def test_the_frame_is_what_the_reader_sees(tmp_path):
    register = dirty(xm.simulate.exits(rng=3), rng=3)
    seen = read(register, tmp_path / "dirty.csv").to_frame()
    assert seen.index.tolist() == register.frame.index.tolist()
    assert (seen.fillna("") == register.frame.fillna("")).to_numpy().all()


def test_it_says_that_it_is_simulated():
    register = dirty(xm.simulate.exits(rng=3), rng=3)
    assert str(register).startswith("SIMULATED DATA, not real records")
    assert str(register.clean).startswith("SIMULATED DATA, not real records")


@pytest.mark.parametrize(
    ("change", "column"),
    [({"per": 1}, "per"), ({"form": "ods"}, "form"), ({"made": xm.simulate.exits(100)}, "made"),
     ({"made": xm.simulate.exits(300, scheme="censored")}, "made")],
)  # fmt: skip
def test_what_makes_no_register_is_refused(change, column):
    with pytest.raises(xm.DataError) as error:
        dirty(**{"made": xm.simulate.exits(300), **change})
    assert error.value.column == column


def test_a_file_of_another_form_is_refused(tmp_path):
    with pytest.raises(xm.DataError, match="does not end"):
        dirty(xm.simulate.exits(rng=3), rng=3).write(tmp_path / "dirty.xlsx")
