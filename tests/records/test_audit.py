"""The audit: each detector on a table small enough to answer by hand, with a near miss that must not alarm."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import exitmodels as xm
from exitmodels.records.audit import audit
from exitmodels.records.detect_duplicates import skeleton
from exitmodels.records.detect_file import mended
from exitmodels.records.reader import read_records
from exitmodels.records.records import Records
from exitmodels.records.schema import DateFormat

WINDOW = ("2013-03-01", "2014-08-21")
DMY = DateFormat(order="dmy")


def table(n: int = 8, **columns) -> pd.DataFrame:
    """n quiet records; columns given replace them, a mapping changes some rows only."""
    day = np.arange(n)
    joined = np.datetime64("2013-10-13") + 9 * (day % 20) + day // 20
    left = joined + 40 + 7 * (day % 11)
    made = {
        "joined": [as_text(d) for d in joined],
        "left": [as_text(d) for d in left],
        "reason": [f"treatment {'of a wound' if i % 2 else ''}".strip() for i in day],
    }
    for name, given in columns.items():
        if isinstance(given, dict):
            made[name] = list(made.get(name, [""] * n))
            for row, text in given.items():
                made[name][row] = text
        else:
            made[name] = list(given)
    return pd.DataFrame(made, dtype=object)


def as_text(day) -> str:
    moment = day.astype(object)
    return f"{moment.day:02d}/{moment.month:02d}/{moment.year}"


def read(frame: pd.DataFrame, **more) -> Records:
    schema = {"joined": "joined", "left": "left", "reason": "reason", "dates": DMY, "window": WINDOW, **more}
    return read_records(frame, scheme="exits-only", **schema)


def found(records: Records) -> dict[tuple[str, str | None], tuple]:
    return {(f.code, f.column): f.rows for f in audit(records).findings}


def only(records: Records, code: str, column: str | None = None):
    """The one finding of a code; there is no other but notes."""
    made = audit(records)
    (finding,) = made.of(code)
    others = {f.code for f in made.findings if f.weight != "note"} - {code}
    assert not others
    assert finding.column == column
    return finding


def test_quiet_records_are_clean():
    made = audit(read(table()))
    assert made.clean
    assert made.findings == ()


# ---- files and rows ----------------------------------------------------------------------------------------------
def written(tmp_path, text: str, **more) -> Records:
    path = tmp_path / "records.csv"
    path.write_bytes(text.encode())
    return read_records(path, joined="joined", left="left", reason="reason", dates=DMY, window=WINDOW,
                        scheme="exits-only", **more)  # fmt: skip


def lines(*extra: str, header: str = "joined,left,reason,unit,n") -> str:
    quiet = [f"{13 + i}/10/2013,{13 + i}/12/2013,treatment,north,{i + 1}" for i in range(12)]
    for text in extra:
        quiet.insert(6, text)
    return "\n".join([header, *quiet]) + "\n"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("14/10/2013,14/12/2013,treatment,wound,north,5", "surplus-cells"),
        ("14/10/2013,14/12/2013,treatment", "short-row"),
        (",14/10/2013,14/12/2013,treatment,north", "shifted-cells"),
        ("14/12/2013,treatment,north,5,", "shifted-cells"),
        (",,,,", "empty-row"),
        ("joined,left,reason,unit,n", "repeated-header"),
        ("Joined , LEFT,reason,unit,n", "repeated-header"),
        ("Grand total:,,,,21", "total-row"),
        (",,المجموع,,21", "total-row"),
        (",,,,21", "total-row"),
        ("October 2013,,,,", "section-row"),
    ],
)
def test_a_row_that_is_no_record(tmp_path, line, code):
    """It stands in line 8 of the file; twenty-one is 1 + ... + 6."""
    records = written(tmp_path, lines(line), numbers="n")
    assert only(records, code).rows == (8,)


@pytest.mark.parametrize(
    "line",
    [
        "14/10/2013,14/12/2013,total war wounds,north,5",
        "14/10/2013,14/12/2013,treatment,total,5",
        "14/10/2013,14/12/2013,,,",
        "14/10/2013,14/12/2013,2013-10-14,north,5",
        "14/10/2013,14/12/2013,unit,north,5",
    ],
)
def test_a_record_that_is_nearly_none(tmp_path, line):
    assert audit(written(tmp_path, lines(line), numbers="n")).clean


def test_numbers_that_sum_up_nothing_are_no_total(tmp_path):
    codes = found(written(tmp_path, lines(",,,,22"), numbers="n"))
    assert ("total-row", None) not in codes
    assert codes["no-date", "left"] == (8,)


def test_marks_in_a_header_and_two_kinds_of_line_ends(tmp_path):
    text = lines(header="joined,left,reason,unit,\ufeffn").replace("north,3\n", "north,3\r\n")
    codes = found(written(tmp_path, text))
    assert ("header-mark", "\ufeffn") in codes
    assert ("line-ends", None) in codes


def test_columns_that_say_nothing():
    frame = table(30, form=["A"] * 30, remark=[""] * 30, kind=["A"] * 20 + ["B"] * 10)
    codes = found(read(frame))
    assert ("constant-column", "form") in codes
    assert ("empty-column", "remark") in codes
    assert all(column != "kind" for _, column in codes)


# ---- encodings ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("right", "codec"), [("علاج", "cp1252"), ("علاج", "cp1256"), ("Réma", "latin-1"), ("Óscar Ñuño", "cp1252")]
)
def test_text_read_in_the_wrong_encoding_is_mended(right, codec):
    wrong = "".join(bytes([b]).decode(codec, "replace").replace("\ufffd", chr(b)) for b in right.encode())
    assert wrong != right
    assert mended(wrong) == right


@pytest.mark.parametrize("text", ["علاج", "فقط، خرج", "Straße", "Spaß“", "naïve café", "Ä", "طبيب", "дом", "مستشفى؟"])
def test_text_that_is_right_is_left_alone(text):
    assert mended(text) == text


@pytest.mark.parametrize(
    ("text", "code", "new"),
    [
        ("Ø¹Ù„Ø§Ø¬", "mojibake", "علاج"),
        ("treat\ufffdment", "lost-characters", None),
        ("???? ????", "lost-characters", None),
        ("treat\u200bment", "hidden-marks", "treatment"),
        ("\u202bعلاج\u202c", "hidden-marks", "علاج"),
        ("\ufecb\ufefc\ufe9d", "presentation-forms", "علاج"),
        ("treatment;\nvisit", "embedded-newline", "treatment; visit"),
        ("cafe\u0301 treatment", "mixed-forms", "café treatment"),
    ],
)
def test_a_defect_of_encoding(text, code, new):
    finding = only(read(table(reason={3: text, 4: "café treatment"})), code, "reason")
    assert finding.rows == (3,)
    assert finding.proposal == (None if new is None else (new,))


@pytest.mark.parametrize("text", ["??", "visit\u0020mother", "خانه\u200cها علاج", "ﷺ علاج", "cafe treatment?"])
def test_honest_characters(text):
    assert audit(read(table(reason={3: text}))).clean


def test_letters_all_in_two_parts_are_not_mixed():
    assert audit(read(table(reason={3: "cafe\u0301 treatment", 4: "treatment"}))).clean


# ---- dates -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "code", "new"),
    [
        ("31/04/2014", "date-no-such-day", None),
        ("soon", "date-unreadable", None),
        ("13/01", "date-no-year", None),
        ("00/01/2014", "date-zero", None),
        ("01/25/2014", "two-orders", "25/01/2014"),
        ("19/03/1435", "two-calendars", "20/01/2014"),
        ("20/01/14", "two-digit-year", "20/01/2014"),
        ("41659", "day-number", "20/01/2014"),
        ("40197", "day-number", "20/01/2014"),
        ("31/12/9999", "sentinel-date", None),
        ("01/01/1900", "sentinel-date", None),
        ("", "no-date", None),
        ("20/01/2015", "year-slip", "20/01/2014"),
        ("٢٠/٠١/٢٠١٥", "year-slip", "٢٠/٠١/٢٠١٤"),
        ("02/11/2014", "day-month-swapped", "11/02/2014"),
        ("19/01/2010", "1904-days", "20/01/2014"),
        ("25/10/2014", "outside-window", None),
    ],
)
def test_a_date_of_exit_with_a_defect(text, code, new):
    """Joined on 22 December 2013. Day 41659 of 1900, and 40197 of 1904, is 20 January 2014, which is 19 Rabi I 1435."""
    frame = table(joined={3: "22/12/2013"}, left={3: text})
    frame.loc[3, "joined"] = "22/12/2013"
    finding = only(read(frame), code, "left")
    assert finding.rows == (3,)
    if new is not None:
        assert finding.proposal == (new,)
        assert audit(read(frame).repair(finding)).clean


def test_a_sentinel_is_emptied():
    finding = only(read(table(left={3: "31/12/9999"})), "sentinel-date", "left")
    assert finding.proposal == (None,)


def test_the_first_days_of_1970_are_dates_when_the_window_holds_them():
    frame = pd.DataFrame({"joined": ["01/12/1969"] * 3, "left": ["01/01/1970", "02/01/1970", "07/02/1970"],
                          "reason": ["visit", "study", "trade"]})  # fmt: skip
    assert audit(read(frame, window=("1969-01-01", "1970-12-31"))).clean


@pytest.mark.parametrize(
    ("joined", "left", "code"),
    [
        ("05/01/2014", "17/12/2013", "exit-before-entry"),
        ("17/12/2013", "05/01/2013", "year-slip"),
        ("20/03/2014", "05/04/2014", None),
        ("20/03/2014", "20/03/2014", "same-day"),
        ("20/09/2014", "13/04/2014", "outside-window"),
    ],
)
def test_entry_and_exit(joined, left, code):
    made = audit(read(table(joined={3: joined}, left={3: left})))
    assert [f.code for f in made.findings] == ([] if code is None else [code])


def test_a_slip_is_proposed_only_when_no_other_reading_fits():
    """5 January 2013 may be 2014, and with day and month exchanged 1 May 2013: both inside the window."""
    frame = table(joined={3: "13/04/2013"}, left={3: "05/01/2013"})
    frame.loc[:2, "left"] = "20/08/2014"
    finding = only(read(frame), "outside-window", "left")
    assert finding.proposal is None
    frame.loc[3, "joined"] = "13/06/2013"
    assert only(read(frame), "year-slip", "left").proposal == ("05/01/2014",)


def test_a_repair_is_proposed_for_the_rows_where_it_is_plain():
    """Day 41659 fits the window when counted from 1900, and 55555 (in 2052) fits in no way."""
    made = audit(read(table(joined={3: "22/12/2013", 4: "22/12/2013"}, left={3: "41659", 4: "55555"})))
    plain, open_ = made.of("day-number")
    assert (plain.rows, plain.proposal) == ((3,), ("20/01/2014",))
    assert (open_.rows, open_.proposal) == ((4,), None)
    assert made.rows("day-number") == (3, 4)


def test_a_hijri_year_slip():
    """2 Muharram 1434 in the first week of 1435 (5 November 2013)."""
    frame = pd.DataFrame({"joined": ["1/10/1434"] * 4, "left": ["3/2/1435", "2/1/1434", "10/3/1435", "20/12/1434"],
                          "reason": ["visit", "study", "trade", "treatment"]})  # fmt: skip
    finding = only(read(frame, dates=DateFormat(calendar="hijri", order="dmy")), "year-slip", "left")
    assert (finding.rows, finding.proposal) == ((1,), ("2/1/1435",))


def test_partial_dates_are_kept_but_a_clock_needs_a_certain_start():
    left = audit(read(table(left={3: "01/2014", 4: "2014", 5: "mid 02/2014"})))
    assert left.clean
    assert left.rows("partial-date") == (3, 4, 5)
    assert only(read(table(joined={3: "10/2013"})), "partial-date", "joined").rows == (3,)


def test_two_orders_without_a_declared_one():
    frame = table(left={3: "01/25/2014"})
    finding = next(f for f in audit(read(frame, dates=DateFormat())).findings if f.code == "two-orders")
    assert (finding.column, finding.rows) == ("left", (3,))


def test_birth_and_record_against_the_stay():
    frame = table(born=["13/05/1990"] * 8, recorded=["20/08/2014"] * 8)
    more = {"other_dates": ("born", "recorded")}
    assert audit(read(frame, **more)).clean
    frame.loc[2, "born"], frame.loc[5, "recorded"] = "13/05/2014", "13/05/2013"
    codes = found(read(frame, **more))
    assert codes["born-after", "born"] == (2,)
    assert codes["after-record", "recorded"] == (5,)


def test_times_with_a_zone():
    assert only(read(table(left={3: "20/01/2014 09:30 +03:00"})), "time-zone", "left").rows == (3,)
    assert audit(read(table(left={3: "20/01/2014 09:30"}))).clean


def clocks(hours) -> Records:
    frame = table(60)
    frame["left"] = [f"{day} {hour:02d}:15" for day, hour in zip(frame["left"], hours, strict=True)]
    return read(frame)


def test_a_clock_of_twelve_hours():
    """Twenty times between 1 and 6 and none after noon: 1 in 2**20."""
    hours = [9] * 40 + [2] * 20
    assert only(clocks(hours), "twelve-hour-clock", "left").rows == tuple(range(60))
    assert audit(clocks([9] * 41 + [2] * 19)).clean
    assert audit(clocks([9] * 39 + [2] * 20 + [14])).clean
    assert audit(clocks([0] + [9] * 39 + [2] * 20)).clean


def test_an_exit_hours_before_the_entry():
    frame = table(joined={3: "20/01/2014 10:00"}, left={3: "20/01/2014 02:30"})
    finding = next(f for f in audit(read(frame)).findings if f.code == "clock-order")
    assert finding.proposal == ("20/01/2014 14:30",)


def test_dates_of_a_spreadsheet_beside_text():
    days = [dt.datetime(2014, m, 3 + m) for m in (1, 3, 5)]
    left = [*days, *(f"{13 + i}/02/2014" for i in range(5))]
    finding = only(read(table(left=left, joined=["13/11/2013"] * 8)), "typed-beside-text", "left")
    assert finding.rows == (0, 1, 2)
    assert finding.proposal == ("01/04/2014", "03/06/2014", "05/08/2014")
    left[7] = "09/02/2014"
    assert only(read(table(left=left, joined=["13/11/2013"] * 8)), "typed-beside-text", "left").proposal is None


def test_many_records_on_one_day():
    frame = table(200)
    frame.loc[:, "left"] = [as_text(np.datetime64("2014-03-01") + i % 100) for i in range(200)]
    assert ("bulk-day", "left") not in found(read(frame))
    frame.loc[:19, "left"] = "14/04/2014"
    assert len(audit(read(frame)).rows("bulk-day")) >= 20


def test_days_that_heap():
    frame = table(60)
    quiet = read(frame)
    assert ("heaped-days", "left") not in found(quiet)
    frame.loc[:19, "left"] = ["01/03/2014", "15/03/2014", "01/04/2014", "15/04/2014"] * 5
    frame.loc[:19, "joined"] = "13/10/2013"
    assert set(range(20)) <= set(audit(read(frame)).rows("heaped-days"))


# ---- reasons -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("mark", ['"', "〃", "do.", "Ditto", "كذلك", "نفسه", "as above"])
def test_ditto_takes_the_reason_above(mark):
    frame = table(reason={2: "family visit", 3: mark, 4: mark})
    finding = only(read(frame), "ditto", "reason")
    assert (finding.rows, finding.proposal) == ((3, 4), ("family visit", "family visit"))


@pytest.mark.parametrize("mark", ["-", "n/a", "?", "//", "...", "غير معروف"])
def test_marks_for_no_reason(mark):
    made = audit(read(table(reason={3: mark})))
    assert made.clean
    assert made.rows("placeholder-reason") == (3,)


def test_blank_and_absent_reasons():
    frame = table(reason={2: "", 5: None})
    codes = found(read(frame))
    assert codes["blank-reason", "reason"] == (2,)
    assert codes["blank-and-absent", "reason"] == (5,)
    assert audit(read(frame, missing_reason="blank")).clean


def test_texts_cut_at_one_length():
    """Ten distinct texts end at the greatest length, and none of the nine lengths before it has one: 0.1**10."""
    words = [f"treatment of wound number {'abcdefghij'[i]} {'x' * (8 + i)}" for i in range(10)]
    frame = table(20, reason=["visit", *["treatment"] * 9, *(text[:30] for text in words)])
    assert only(read(frame), "truncated-text", "reason").rows == tuple(range(10, 20))
    frame = table(20, reason=["visit", *["treatment"] * 9, *words])
    assert audit(read(frame)).clean


def test_reasons_that_no_cue_reaches():
    assert audit(read(table(reason={3: "zzz"}))).rows("uncoded-reason") == (3,)


# ---- numbers and ids ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "code", "new"),
    [
        ("1,250", "thousands-separator", "1250"),
        ("1'250.5", "thousands-separator", "1250.5"),
        ("12,5", "decimal-comma", "12.5"),
        ("1.250,5", "decimal-comma", "1250.5"),
        ("1.2E+03", "power-of-ten", None),
        ("n/a", "placeholder-number", ""),
        ("about 5", "not-a-number", None),
    ],
)
def test_a_number_as_people_write_it(text, code, new):
    frame = table(fee=["5", "7", "12", text, "20", "25", "3.5", ""])
    finding = only(read(frame, numbers="fee"), code, "fee")
    assert finding.rows == (3,)
    assert finding.proposal == (None if new is None else (None if new == "" else new,))


def test_digits_of_another_script_are_said():
    made = audit(read(table(fee=["5", "٧", "12", "9", "20", "25", "3.5", ""]), numbers="fee"))
    assert made.clean
    assert made.rows("foreign-digits") == (1,)


def test_a_comma_that_may_mark_thousands_or_decimals_is_left_open():
    frame = table(fee=["5", "7,5", "12", "1,250", "20", "25", "3.5", ""])
    (finding,) = audit(read(frame, numbers="fee")).of("thousands-separator")
    assert finding.proposal is None


def test_ages_and_codes_for_not_known():
    ages = ["25", "31", "0", "999", "99", "-1", "44", "28"]
    codes = found(read(table(age=ages), numbers="age"))
    assert codes["impossible-age", "age"] == (2, 3)
    assert codes["sentinel-value", "age"] == (4, 5)
    assert audit(read(table(age=["25", "31", "88", "90", "99", "18", "44", "28"]), numbers="age")).clean


def test_ids_that_went_through_a_spreadsheet():
    ids = [f"{'0' if i % 3 else '4'}{31_000_117 + 7 * i}" for i in range(30)]
    assert audit(read(table(30, id=ids), id="id")).clean
    ids[4], ids[7] = "4.31E+11", ids[7][1:]
    codes = found(read(table(30, id=ids), id="id"))
    assert codes["scientific-id", "id"] == (4,)
    assert codes["lost-zeros", "id"] == (7,)
    (finding,) = audit(read(table(30, id=ids), id="id")).of("lost-zeros")
    assert finding.proposal == ("0" + ids[7],)
    assert audit(read(table(30, id=range(1, 31)), id="id")).clean


def test_ids_rounded_to_fifteen_digits():
    ids = [f"7{i:02d}4831920557{i * 7919 % 100000 + 11111:07d}"[:20] + "3" for i in range(30)]
    assert audit(read(table(30, id=ids), id="id")).clean
    ids[3], ids[9] = (ids[k][:15] + "000000" for k in (3, 9))
    assert only(read(table(30, id=ids), id="id"), "rounded-id", "id").rows == (3, 9)


def test_repeated_ids():
    assert only(read(table(id=[1, 2, 3, 4, 5, 2, 7, 8]), id="id"), "repeated-id", "id").rows == (1, 5)


# ---- duplicates --------------------------------------------------------------------------------------------------
NAMES = [
    "Vashuzoh Nishib",
    "Kobashaf Gak",
    "Sami Darani",
    "Durira Feno",
    "Tarom Belki",
    "Zorak Mul",
    "Hesh Lagi",
    "Ro Ten",
]


def test_a_row_written_twice():
    frame = table(id=range(8), name=NAMES)
    frame.loc[6, ["joined", "left", "reason", "name"]] = frame.loc[2, ["joined", "left", "reason", "name"]]
    assert only(read(frame, id="id", person="name"), "duplicate").rows == (6,)
    frame.loc[6, "reason"] = "study"
    assert ("duplicate", None) not in found(read(frame, id="id", person="name"))


def test_equal_rows_of_nameless_people_may_be_chance():
    """Two exits a day of people with few traits: hundreds of equal pairs are expected."""
    rng = np.random.default_rng(5)
    n = 4000
    left = np.datetime64("2013-06-01") + rng.integers(0, 60, n)
    frame = pd.DataFrame({"joined": [as_text(d) for d in left - rng.integers(13, 30, n)],
                          "left": [as_text(d) for d in left], "reason": rng.choice(["visit", "study"], n)})  # fmt: skip
    assert frame.duplicated().sum() > 100
    assert audit(read(frame)).clean


@pytest.mark.parametrize(
    ("name", "joined", "left", "expected"),
    [
        ("Saami al-Dārāni", 0, 0, True),
        ("Sami Darani", 1, 1, True),
        ("Sami Darani", 30, 30, False),
        ("Salim Darani", 0, 0, False),
    ],
)
def test_nearly_the_same_record(name, joined, left, expected):
    frame = table(
        30, name=[f"{a}{b}{i}" for i, (a, b) in enumerate(zip("bdfghjklmnprst" * 3, "oaeiu" * 9, strict=False))][:30]
    )
    start, end = np.datetime64("2013-12-18"), np.datetime64("2014-03-20")
    frame.loc[2] = [as_text(start), as_text(end), "visit", "Sami Darani"]
    frame.loc[20] = [as_text(start + joined), as_text(end + left), "treatment", name]
    rows = audit(read(frame, person="name")).rows("near-duplicate")
    assert rows == ((20,) if expected else ())


def test_names_are_folded():
    assert skeleton("Abu Yusuf") == skeleton("abou Youssef") != skeleton("Abu Yunus")


# ---- the whole ---------------------------------------------------------------------------------------------------
def test_the_result_is_a_table_like_others(tmp_path):
    made = audit(read(table(left={2: "31/04/2014", 3: "02/11/2014"}, joined={3: "22/12/2013"})))
    assert not made.clean
    assert [f.code for f in made.faults] == ["date-no-such-day"]
    assert [f.code for f in made.doubts] == ["day-month-swapped"]
    assert made.to_frame()["rows"].tolist() == [1, 1]
    for text in (str(made), made.to_markdown(), made.to_latex(), made.to_html()):
        assert "date-no-such-day" in text
    made.save(tmp_path / "audit.json")
    again = xm.load(tmp_path / "audit.json")
    assert str(again) == str(made)
    assert again.findings == made.findings
    assert "audit" in made.cite().lower()


def test_effects_by_hand():
    """Four stays of 10, 20, 30 and -335 days; the slip mends the last to 30."""
    frame = pd.DataFrame({
        "joined": ["13/05/2013", "13/05/2013", "13/06/2013", "15/12/2013"],
        "left": ["23/05/2013", "02/06/2013", "13/07/2013", "14/01/2013"],
        "reason": ["treatment", "family visit", "treatment", "study"],
    })  # fmt: skip
    effects = audit(read(frame)).effects
    assert effects["finding"].tolist() == ["as read", "year-slip", "all faults", "all repairs, faults aside"]
    assert effects["usable"].tolist() == [3, 4, 4, 4]
    np.testing.assert_allclose(effects["exits per day"], np.array([3, 4, 4, 4]) / 539)
    np.testing.assert_allclose(effects["naive mean stay"], [(10 + 20 + 30 - 335) / 4, 22.5, 22.5, 22.5])
    np.testing.assert_allclose(effects["largest reason"], [0.5] * 4)


def test_any_schema_is_audited():
    """Pieces of a dirty register under every kind of schema: no error, and repairs that can be made."""
    rng = np.random.default_rng(0)
    frame = xm.simulate.dirty(xm.simulate.exits(300, rng=5), rng=5).frame
    for seed in range(6):
        chosen = {"joined": "joined", "reason": "reason", "id": "record", "person": ("name", "unit"),
                  "numbers": ("age", "fee"), "other_dates": ("born", "recorded"), "window": WINDOW}  # fmt: skip
        more = {name: value for name, value in chosen.items() if rng.random() < 0.6}
        calendar = ("gregorian", "hijri", "mixed", "solar hijri")[seed % 4]
        dates = DateFormat(calendar=calendar, order=(None, "dmy", ("dmy", "ymd"))[seed % 3])
        scheme = {"scheme": "exits-only"} if "window" in more else {}
        part = frame.sample(int(rng.integers(1, 80)), random_state=seed)
        records = read_records(part, left="left", dates=dates, **more, **scheme)
        made = audit(records)
        for finding in made.findings:
            if finding.proposal is not None:
                records = records.repair(finding)
        assert len(audit(records).effects) >= 1
        assert str(made).startswith("Audit of")


def test_the_order_of_rows_changes_no_finding():
    frame = table(30, left={3: "31/04/2014", 9: "02/11/2014"}, reason={5: "Ø¹Ù„Ø§Ø¬"})
    turned = frame.sample(frac=1, random_state=4)
    one, other = (
        {(code, column): set(rows) for (code, column), rows in found(read(f)).items()} for f in (frame, turned)
    )
    assert one == other


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_invented_on_honest_records(seed, tmp_path):
    world = xm.simulate.exits(rng=seed, edges=bool(seed % 2))
    path = tmp_path / "exits.csv"
    world.frame.drop(columns="planted_reason").to_csv(path, index=False)
    records = read_records(path, id="record", joined="joined", left="left", reason="reason_text", numbers="age",
                           groups=("unit", "origin"), window=world.window, scheme="exits-only")  # fmt: skip
    assert audit(records).clean
    assert audit(read_records(world.frame, id="record", joined="joined", left="left", reason="reason_text",
                              numbers="age", window=world.window, scheme="exits-only")).clean  # fmt: skip


def test_nothing_is_invented_on_the_founding_records():
    data = xm.datasets.exits431()
    records = read_records(data.frame, id="record", joined="joined", left="left", reason="reason_text", numbers="age",
                           window=data.window, scheme="exits-only")  # fmt: skip
    assert {f.code for f in audit(records).findings} == {"blank-reason", "placeholder-reason"}


def test_people_still_inside_have_no_date():
    world = xm.simulate.exits(300, scheme="censored", rng=3)
    records = read_records(world.frame, id="record", joined="joined", left="left", reason="reason_text",
                           missing_left="inside", missing_reason="no-field", window=world.window,
                           scheme="censored")  # fmt: skip
    made = audit(records)
    assert made.clean
    assert len(made.rows("no-date")) == int(world.frame["left"].isna().sum())


def test_a_person_cannot_be_inside_twice():
    """A stay that begins before an earlier one of the same name has ended; not one that begins on that day."""
    held = {
        "who": ["A", "A", "B", "A", "B", "A"],
        "joined": ["2013-01-01", "2013-02-01", "2013-01-05", "2013-03-20", "2013-03-09", "2013-04-01"],
        "left": ["2013-05-05", "2013-03-01", "2013-03-09", "2013-04-20", "2013-04-09", "2013-06-01"],
    }
    schema = {"left": "left", "joined": "joined", "person": "who", "window": ("2013-03-01", "2014-08-21")}
    made = audit(xm.read_records(held, **schema))
    assert made.rows("overlapping-stays") == (1, 3, 5)
    assert made.clean
    loose = {
        **held,
        "left": ["January 2013", *held["left"][1:]],
        "joined": ["2013-01-01", "2013-01-31", *held["joined"][2:]],
    }
    part = {name: column[:2] for name, column in loose.items()}
    # within January nobody knows who left first
    assert audit(xm.read_records(part, **schema)).rows("overlapping-stays") == ()
