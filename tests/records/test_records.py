"""Records: files and frames read as written, declared, repaired, and turned into spells and counts."""

from __future__ import annotations

import codecs
import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

import exitmodels as xm

ROWS = [
    ("1", "2013-02-01", "2013-03-01", "treatment", "31"),
    ("2", "2013-02-09", "2013-04-02", "family visit; treatment", "24"),
    ("3", "2013-05-11", "2013-09-30", "", "40"),
]
NAMES = ("record", "joined", "left", "why", "age")
WINDOW = ("2013-03-01", "2014-08-21")
SCHEMA = xm.Schema(
    joined="joined", left="left", reason="why", id="record", numbers="age", window=WINDOW, scheme="exits-only"
)


def table(rows=ROWS, names=NAMES):
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def written(folder: Path, text: str, encoding: str = "utf-8", name: str = "exits.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def lines(rows=ROWS, names=NAMES, mark=",", end="\n"):
    return end.join(mark.join(row) for row in (names, *rows)) + end


# ---- files ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiters_and_line_ends_are_found_and_said(tmp_path, mark, end):
    rows = [(*row[:3], row[3].replace(";", " and"), row[4]) for row in ROWS]
    records = xm.read_records(written(tmp_path, lines(rows, mark=mark, end=end)), SCHEMA)
    assert records.sheet.cells["left"].tolist() == [row[2] for row in ROWS]
    assert records.labels.tolist() == [2, 3, 4]
    assert records.sheet.facts["delimiter"] == {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}[mark]
    assert records.sheet.facts["line ends"] == {"\n": "LF", "\r\n": "CR LF"}[end]


@pytest.mark.parametrize(
    ("mark", "encoding", "said"),
    [
        (codecs.BOM_UTF8, "utf-8", "UTF-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16 (little end first)"),
        (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16 (big end first)"),
        (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32 (little end first)"),
        (b"", "utf-8", "none"),
    ],
)
def test_a_byte_order_mark_decides_and_is_no_part_of_a_name(tmp_path, mark, encoding, said):
    path = tmp_path / "exits.csv"
    path.write_bytes(mark + lines([(*ROWS[0][:3], "علاج", "31")]).encode(encoding))
    records = xm.read_records(path, SCHEMA)
    assert records.sheet.names == NAMES
    assert records.sheet.cells["why"].tolist() == ["علاج"]
    assert records.sheet.facts["byte-order mark"] == said


def test_an_encoding_is_never_guessed(tmp_path):
    path = written(tmp_path, lines([ROWS[0], ("2", "2013-02-09", "2013-04-02", "علاج", "24")]), "cp1256")
    with pytest.raises(xm.DataError, match=r"line 3.*cp1256: '2,2013-02-09,2013-04-02,علاج,24'") as caught:
        xm.read_records(path, SCHEMA)
    assert caught.value.code == "encoding"
    assert xm.read_records(path, SCHEMA, encoding="cp1256").sheet.cells["why"][1] == "علاج"
    with pytest.raises(xm.DataError, match="not known"):
        xm.read_records(path, SCHEMA, encoding="no-such-code")


def test_line_breaks_inside_cells_keep_rows_and_line_numbers(tmp_path):
    text = ",".join(NAMES) + '\n1,2013-02-01,2013-03-01,"treatment\nof a wound",31\n\n2,2013-02-09,2013-04-02,,24\n'
    records = xm.read_records(written(tmp_path, text), SCHEMA)
    assert records.labels.tolist() == [2, 5]
    assert records.sheet.cells["why"].tolist() == ["treatment\nof a wound", ""]


def test_rows_with_too_many_or_too_few_cells_are_kept_and_refused_as_spells(tmp_path):
    text = lines() + "4,2013-05-12,2013-06-30,treatment, of a wound,25\n5,2013-05-12,2013-06-30\n"
    records = xm.read_records(written(tmp_path, text), SCHEMA)
    assert records.sheet.surplus == {3: ("25",)}
    assert records.sheet.short == (4,)
    assert records.sheet.cells["why"][4] is None
    with pytest.raises(xm.DataError, match="more cells than columns") as caught:
        records.to_spells()
    assert caught.value.rows == (5,)
    kept = records.set_aside([5, 6], why="shifted")
    assert len(kept.to_spells()) == 3
    assert kept.sheet.surplus == {}
    assert kept.sheet.short == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a,a\n1,2\n", "header"),
        ("a,,left\n1,2,3\n", "header"),
        ("left\n", "empty"),
        ('left,why\n2013-04-01,"open\n' + "x" * 20, None),
        ("left\x00\n1\n", "encoding"),
    ],
)
def test_files_that_are_no_table(tmp_path, text, code):
    path = written(tmp_path, text)
    if code is None:
        assert len(xm.read_records(path, left="left")) == 1
        return
    with pytest.raises(xm.DataError) as caught:
        xm.read_records(path, left="left")
    assert caught.value.code == code


def test_other_files_are_refused(tmp_path):
    for path, code in ((tmp_path / "none.csv", "no-file"), (written(tmp_path, "x", name="exits.docx"), "format")):
        with pytest.raises(xm.DataError) as caught:
            xm.read_records(path, left="left")
        assert caught.value.code == code


def test_a_header_below_a_title(tmp_path):
    path = written(tmp_path, "Exits of the northern office\n\n" + lines())
    assert xm.read_records(path, SCHEMA, header=2).labels.tolist() == [4, 5, 6]


# ---- worksheets ----------------------------------------------------------------------------------------------------
def workbook(path: Path, rows, merge: str | None = None, second: bool = False) -> Path:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(list(row))
    if merge:
        sheet.merge_cells(merge)
    if second:
        book.create_sheet("notes")
    book.save(path)
    return path


def test_a_worksheet_tells_text_numbers_and_dates_apart(tmp_path):
    day = dt.datetime(2013, 3, 1)
    rows = [("left", "why", "age"), (day, "treatment", 31), ("1 April 2013", None, 24.5), (41699, "family visit", "40")]
    records = xm.read_records(workbook(tmp_path / "x.xlsx", rows), left="left", reason="why", numbers="age")
    assert records.sheet.cells["left"].tolist() == ["2013-03-01", "1 April 2013", "41699"]
    assert records.sheet.kinds["left"].tolist() == [3, 1, 2]
    assert records.sheet.cells["age"].tolist() == ["31", "24.5", "40"]
    assert records.sheet.cells["why"].tolist() == ["treatment", None, "family visit"]
    assert records.problems[["row", "text", "why"]].values.tolist() == [[4, "41699", "serial"]]
    assert records.left.lower[:2].astype(str).tolist() == ["2013-03-01", "2013-04-01"]


def test_merged_cells_and_worksheets_are_named(tmp_path):
    path = workbook(tmp_path / "x.xlsx", [NAMES, *ROWS], merge="D2:D3", second=True)
    with pytest.raises(xm.DataError, match="one of: Sheet, notes"):
        xm.read_records(path, SCHEMA)
    records = xm.read_records(path, SCHEMA, worksheet="Sheet")
    assert records.sheet.merged == {"why": (1,)}
    assert records.sheet.facts["other worksheets"] == ("notes",)


def test_gregorian_cells_of_a_worksheet_in_a_hijri_column_are_a_problem(tmp_path):
    rows = [("left",), (dt.datetime(2014, 8, 21),), ("25 Shawwal 1435",)]
    path = workbook(tmp_path / "x.xlsx", rows)
    records = xm.read_records(path, left="left", dates=xm.DateFormat(calendar="hijri"))
    assert records.problems[["row", "why"]].values.tolist() == [[2, "other-calendar"]]


# ---- frames --------------------------------------------------------------------------------------------------------
def test_every_kind_of_table_gives_the_same_records(tmp_path):
    held = table()
    parquet.write_table(pa.table(held), tmp_path / "x.parquet")
    path = written(tmp_path, lines())
    made = [xm.read_records(t, SCHEMA) for t in (held, pd.DataFrame(held), pl.DataFrame(held), pa.table(held), path)]
    made.append(xm.read_records(tmp_path / "x.parquet", SCHEMA))
    assert len({records.sheet.sha256 for records in made}) == 1
    assert len({records.sha256 for records in made}) == 1


def test_a_repeated_index_is_replaced_by_places():
    records = xm.read_records(pd.DataFrame(table(), index=[7, 7, 8]), SCHEMA)
    assert records.labels.tolist() == [0, 1, 2]
    assert "index repeats" in records.sheet.facts["row labels"]


def test_the_hash_moves_with_any_cell_and_with_the_schema():
    base = xm.read_records(table(), SCHEMA)
    other = xm.read_records(table([*ROWS[:2], (*ROWS[2][:4], "41")]), SCHEMA)
    absent = xm.read_records(table([*ROWS[:2], (*ROWS[2][:3], None, "40")]), SCHEMA)
    moved = base.with_window("2013-03-01", "2014-08-20")
    assert len({records.sha256 for records in (base, other, absent, moved)}) == 4
    assert xm.read_records(table(), SCHEMA).sha256 == base.sha256


# ---- the schema ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "fields",
    [
        {"left": "left", "joined": "left"},
        {"left": "left", "numbers": "left"},
        {"left": "left", "scheme": "whatever"},
        {"left": "left", "missing_left": "inside", "scheme": "exits-only"},
        {"left": "left", "missing_left": "gone"},
        {"left": "left", "dates": {"born": xm.DateFormat()}},
        {"left": "left", "window": ("2014-01-01", "2013-01-01")},
    ],
)
def test_a_schema_that_contradicts_itself(fields):
    with pytest.raises(xm.DataError):
        xm.Schema(**fields)


def test_columns_that_are_not_there_are_refused_with_the_nearest():
    with pytest.raises(xm.DataError, match="Did you mean 'joined'"):
        xm.read_records(table(), left="left", joined="joinde")
    with pytest.raises(xm.DataError, match="Both schema="):
        xm.read_records(table(), SCHEMA, left="left")


# ---- set aside, repair, ledger -------------------------------------------------------------------------------------
def test_what_was_done_stands_in_the_ledger_of_the_fit():
    rows = [
        *ROWS,
        ("4", "2013-06-01", "2013-06-31", "treatment", "22"),
        ("5", "2013-08-01", "2013-07-01", "trade", "30"),
    ]
    records = xm.read_records(table(rows), SCHEMA)
    done = records.repair("left", {3: "2013-06-30"}, why="June has 30 days").set_aside([4], why="exit before entry")
    spells = done.to_spells(event="any")
    whole = done.with_window(*WINDOW, scheme="censored").to_spells(event="any")
    assert records.digest in str(xm.KaplanMeier().fit(whole).ledger)
    assert "exit before entry" in str(xm.KaplanMeier().fit(whole).ledger)
    kinds = [(entry.kind, entry.n, entry.rows) for entry in spells.ledger.entries[:2]]
    assert kinds == [("repaired", 1, (3,)), ("set aside", 1, (4,))]
    assert spells.ledger.read == 5
    assert spells.ledger.used == 4 == len(spells)
    assert records.digest in spells.ledger.source
    assert done.digest in spells.ledger.source
    assert "'2013-06-31' became '2013-06-30'" in str(spells.ledger)
    assert len(records) == 5
    assert records.sheet.cells["left"][3] == "2013-06-31"


def test_repairs_and_set_asides_need_rows_and_reasons():
    records = xm.read_records(table(), SCHEMA)
    calls = {
        "why": [lambda: records.set_aside([1]), lambda: records.repair("left", {1: "2013-04-03"})],
        "no-row": [lambda: records.set_aside([9], why="x"), lambda: records.repair("left", {9: "x"}, why="x")],
        "empty": [lambda: records.set_aside([], why="x"), lambda: records.set_aside(np.zeros(3, dtype=bool), why="x")],
        "length": [lambda: records.set_aside(np.ones(2, dtype=bool), why="x")],
        "no-repair": [lambda: records.repair("left", why="x")],
        "no-column": [lambda: records.repair("lift", {1: "x"}, why="x"), lambda: records.dates("why")],
    }
    for code, group in calls.items():
        for call in group:
            with pytest.raises(xm.DataError) as caught:
                call()
            assert caught.value.code == code


# ---- spells --------------------------------------------------------------------------------------------------------
def test_spells_equal_those_read_by_hand():
    records = xm.read_records(table(), SCHEMA)
    spells = records.to_spells()
    days = [28, 52, 142]
    assert spells.exit.tolist() == days
    assert [spells.causes[k - 1] for k in spells.event] == ["MED", "MED", "UNK_blank"]
    assert spells.left_limit.tolist() == [27.0, 19.0, 0.0]
    assert spells.scheme == "exits-only"
    assert spells.columns.want("age").values.tolist() == [31.0, 24.0, 40.0]
    first = records.to_spells(rule="first")
    assert [first.causes[k - 1] for k in first.event] == ["MED", "VIS", "UNK_blank"]
    assert records.to_spells(event="any").causes == ("exit",)
    assert records.to_spells(codebook=None).causes == ("family visit; treatment", "no text", "treatment")


def test_simulated_worlds_give_the_spells_they_were_made_of(tmp_path):
    made = xm.simulate.exits(rng=5)
    path = tmp_path / "world.csv"
    made.frame.to_csv(path, index=False)
    records = xm.read_records(
        path, joined="joined", left="left", reason="reason_text", numbers="age", window=made.window, scheme="exits-only"
    )
    ours, theirs = records.to_spells(event="planted_reason"), made.spells()
    for name in ("exit", "event", "left_limit", "right_limit"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


def test_unreadable_and_missing_dates_are_refused_or_set_aside():
    rows = [*ROWS, ("4", "2013-06-01", "2013-06-31", "trade", "22"), ("5", "", "2013-07-01", "trade", "30")]
    records = xm.read_records(table(rows), SCHEMA)
    with pytest.raises(xm.DataError, match="no date") as caught:
        records.to_spells()
    assert (caught.value.column, caught.value.rows) == ("joined", (4,))
    spells = records.to_spells(missing="drop")
    assert [(entry.n, entry.rows) for entry in spells.ledger.entries if entry.kind == "set aside"] == [
        (1, (4,)),
        (1, (3,)),
    ]
    with pytest.raises(xm.DataError, match="not known"):
        records.to_spells(missing="ignore")


def test_the_scheme_must_be_said():
    records = xm.read_records(table(), joined="joined", left="left", window=WINDOW)
    with pytest.raises(xm.DataError, match="how the records came to be seen"):
        records.to_spells()
    with pytest.raises(xm.DataError, match="not which window"):
        xm.read_records(table(), joined="joined", left="left", scheme="exits-only").to_spells()
    assert records.with_window(*WINDOW, scheme="censored").to_spells().scheme == "censored"
    with pytest.raises(xm.DataError, match="No date of joining"):
        xm.read_records(table(), left="left", scheme="censored").to_spells()


def test_people_still_inside():
    rows = [*ROWS, ("4", "2014-08-01", "", "", "30")]
    records = xm.read_records(
        table(rows), joined="joined", left="left", window=WINDOW, scheme="censored", missing_left="inside"
    )
    spells = records.to_spells()
    assert spells.exit.tolist() == [28, 52, 142, 20]
    assert spells.event.tolist() == [1, 1, 1, 0]
    assert records.to_counts().n.sum() == 3


def test_ranges_of_days_become_limits_within_the_window_and_the_stay():
    rows = [
        ("1", "2013-02-01", "March 2013", "treatment", "31"),
        ("2", "2014-02-09", "August 2014", "trade", "24"),
        ("3", "2013-05-20", "May 2013", "trade", "24"),
        ("4", "2013-05-11", "2013-09-30", "", "40"),
    ]
    spells = xm.read_records(table(rows), SCHEMA).to_spells()
    assert spells.lower.tolist() == [27, 172, 0, 142]
    assert spells.upper.tolist() == [58, 193, 11, 142]
    assert any("cut at the edge" in entry.why for entry in spells.ledger.entries)


def test_people_inside_beside_ranges():
    rows = [ROWS[0], ("2", "2013-02-09", "April 2013", "", "24"), ("3", "2014-08-01", "", "", "30")]
    records = xm.read_records(
        table(rows), joined="joined", left="left", window=WINDOW, scheme="censored", missing_left="inside"
    )
    spells = records.to_spells()
    assert spells.lower.tolist() == [28, 50, 20]
    assert spells.upper.tolist() == [28, 80, np.inf]
    assert spells.event.tolist() == [1, 1, 0]


def test_uncertain_origins_are_refused_and_drawn():
    rows = [("1", "February 2013", "March 2013", "treatment", "31"), *ROWS[1:]]
    records = xm.read_records(table(rows), SCHEMA)
    with pytest.raises(xm.DataError, match="not known for certain"):
        records.to_spells()
    drawn = records.imputations(40, rng=3)
    first = np.array([spells.exit[0] for spells in drawn])
    assert {int(s.exit[1]) for s in drawn} == {52}
    assert first.min() >= 1
    assert first.max() <= 58
    assert len(set(first)) > 10
    assert [s.exit.tolist() for s in records.imputations(3, rng=3)] == [s.exit.tolist() for s in drawn[:3]]
    impossible = xm.read_records(table([("1", "2013-05-02", "April 2013", "", "31"), *ROWS[1:]]), SCHEMA)
    with pytest.raises(xm.DataError, match="whichever days"):
        impossible.imputations(1, rng=1)


def test_numbers_are_read_plainly_or_refused():
    rows = [(*ROWS[0][:4], "٣١"), (*ROWS[1][:4], ""), ROWS[2]]
    spells = xm.read_records(table(rows), SCHEMA).to_spells()
    np.testing.assert_array_equal(spells.columns.want("age").values, [31.0, np.nan, 40.0])
    with pytest.raises(xm.DataError, match="'1,200'") as caught:
        xm.read_records(table([(*ROWS[0][:4], "1,200"), *ROWS[1:]]), SCHEMA).to_spells()
    assert caught.value.rows == (0,)


def test_people_are_clusters_and_those_without_a_name_stand_alone():
    held = {**table(), "name": ["A", "", ""]}
    spells = xm.read_records(held, joined="joined", left="left", person="name", scheme="censored").to_spells()
    assert len(set(spells.cluster)) == 3


def test_absent_reasons_need_a_meaning():
    rows = [ROWS[0], (*ROWS[1][:3], None, "24"), ROWS[2]]
    with pytest.raises(xm.DataError, match="two things"):
        xm.read_records(table(rows), SCHEMA).to_spells()
    schema = xm.Schema(
        joined="joined", left="left", reason="why", window=WINDOW, scheme="exits-only", missing_reason="no-field"
    )
    spells = xm.read_records(table(rows), schema).to_spells()
    assert [spells.causes[k - 1] for k in spells.event] == ["MED", "UNK_nofield", "UNK_blank"]


def test_labels_of_another_kind_are_not_taken_for_unknown_reasons_in_silence():
    rows = [(*row[:3], "Release code 17", row[4]) for row in ROWS]
    records = xm.read_records(table(rows), SCHEMA)
    with pytest.warns(xm.DataWarning, match="3 of 3 reasons"):
        assert records.to_spells().causes == ("uncoded",)
    assert records.to_spells(codebook=None).causes == ("Release code 17",)


# ---- counts --------------------------------------------------------------------------------------------------------
def test_counts_by_reason_and_by_period():
    records = xm.read_records(table(), SCHEMA)
    monthly = records.to_counts()
    assert monthly.n.sum() == 3
    assert len(monthly.n) == 18
    assert monthly.exposure.sum() == 539
    held = records.to_counts(by="why", rule="all").to_frame().groupby("why")["n"].sum()
    assert held.to_dict() == {"MED": 2, "VIS": 1, "UNK_blank": 1}
    shared = records.to_counts(by="why", rule="fractional").to_frame().groupby("why")["n"].sum()
    assert shared.to_dict() == {"MED": 1.5, "VIS": 0.5, "UNK_blank": 1.0}
    ranges = xm.read_records(table([(*ROWS[0][:2], "March 2013", "", "1"), *ROWS[1:]]), SCHEMA).to_counts(freq="W")
    assert ranges.n.sum() == pytest.approx(3.0, abs=1e-12)
    assert not ranges.whole


# ---- names ---------------------------------------------------------------------------------------------------------
def test_names_leave_records_spells_and_ledger():
    held = {**table(), "name": ["Tester One", "Tester Tow", None], "office": ["north", "north", "south"]}
    schema = replace(SCHEMA, person="name", listed="office")
    records = xm.read_records(held, schema).repair("name", {1: "Tester Two"}, why="a slip of the pen")
    hashed = records.pseudonymised("a salt for tests only")
    again = records.pseudonymised("a salt for tests only")
    spells = hashed.to_spells()
    assert hashed.sheet.cells["name"].tolist() == again.sheet.cells["name"].tolist()
    assert hashed.sheet.cells["name"][2] is None
    assert "Tester" not in f"{hashed.to_frame()}{spells.ledger}{hashed!r}"
    assert "Tester" in str(records.ledger)
    assert hashed.digest != records.digest
    assert len(set(spells.cluster)) == 3
    assert spells.columns.want("office").decoded().tolist() == ["north", "north", "south"]
    with pytest.raises(xm.DataError, match="salt"):
        records.pseudonymised("short")
    with pytest.raises(xm.DataError, match="No column of names"):
        xm.read_records(held, SCHEMA).pseudonymised("a salt for tests only")


# ---- what frames hold ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("column", "cells", "kinds"),
    [
        (pd.array(["2014-01-03", None], dtype="string"), ["2014-01-03", None], [1, 0]),
        (pd.array([20140103, None], dtype="Int64"), ["20140103", None], [2, 0]),
        (pd.Categorical(["2014-01-03", None]), ["2014-01-03", None], [1, 0]),
        (pd.to_datetime(["2014-01-03", None]), ["2014-01-03", None], [3, 0]),
        (np.array([2014.0, np.nan]), ["2014", None], [2, 0]),
        (np.array([dt.date(2014, 1, 3), "3 January 2014"], dtype=object), ["2014-01-03", "3 January 2014"], [3, 1]),
    ],
)
def test_cells_of_typed_columns(column, cells, kinds):
    sheet = xm.read_records(pd.DataFrame({"left": column}), left="left").sheet
    assert sheet.cells["left"].tolist() == cells
    assert sheet.kinds["left"].tolist() == kinds


def test_a_time_zone_stays_in_view():
    left = pd.to_datetime(["2014-01-03 23:30"]).tz_localize("Asia/Baghdad")
    records = xm.read_records(pd.DataFrame({"left": left}), left="left")
    assert records.sheet.cells["left"].tolist() == ["2014-01-03 23:30:00+03:00"]
    assert records.audit(show=False).rows("time-zone") == (0,)


def test_columns_without_a_name_do_no_harm():
    assert xm.read_records(pd.DataFrame({0: ["x"], "left": ["2014-01-03"]}), left="left").sheet.names == ("0", "left")
