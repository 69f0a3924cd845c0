"""Dates as written: anchors, spellings, intervals, refusals."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hijridate import Gregorian, Hijri
from numpy.testing import assert_allclose, assert_array_equal

import exitmodels as xm
from exitmodels.kernels.calendar import gregorian_table, solar_table
from exitmodels.kernels.digitruns import digit_runs, shape_of
from exitmodels.shapes.hijri import hijri_table


def span(text: str, **options: object) -> tuple[str, str]:
    options = {"calendar": "hijri", **options}
    dates = xm.parse_dates([text], **options)
    return str(dates.lower[0]), str(dates.upper[0])


ANCHORS = [
    ("2013-03-01", "19 Rabi' II 1434", "١٩ ربيع الثاني ١٤٣٤ هـ", "19/4/1434"),
    ("2014-08-21", "25 Shawwal 1435", "٢٥ شوال ١٤٣٥", "25/10/1435"),
    ("2014-06-28", "1 Ramadan 1435", "۱ رمضان ۱۴۳۵", "1/9/1435"),
    ("2014-06-29", "2nd Ramadhan 1435 AH", "٢ رمضان المبارك ١٤٣٥هـ", "2/9/1435"),
    ("2014-07-05", "8 Ramadan 1435", "8 رمضان 1435", "08/09/1435"),
    ("2014-08-07", "11 Shawwal 1435", "11 شوّال 1435", "11-10-1435"),
    ("2014-10-26", "2 Muharram 1436", "2 محرم 1436", "2.1.1436"),
    ("2015-10-15", "2 Muharram 1437", "2 المحرم 1437", "2/1/1437"),
    ("2015-10-17", "4 Muharram 1437", "٤ محرم الحرام ١٤٣٧", "4/1/1437"),
    ("2016-09-05", "4 Dhu al-Hijja 1437", "4 ذي الحجة 1437", "4/12/1437"),
    ("2016-10-02", "1 Muharram 1438", "1 محرّم 1438", "1/1/1438"),
    ("2016-10-03", "2 Muharram 1438", "2 محرم 1438", "2/1/1438"),
    ("2016-04-12", "5 Rajab 1437", "5 رجب 1437", "5/7/1437"),
    ("2016-04-21", "14 Rajab 1437", "١٤ رجب ١٤٣٧", "14/7/1437"),
    ("2016-05-31", "24 Sha'ban 1437", "24 شعبان 1437", "24/8/1437"),
    ("2015-12-25", "14 Rabi' I 1437", "14 ربيع الأول 1437", "14/3/1437"),
    ("1924-08-01", "1 Muharram 1343", "1 محرم 1343", "1/1/1343"),
    ("2077-11-16", "30 Dhul Hijjah 1500", "30 ذو الحجة 1500", "30/12/1500"),
]


@pytest.mark.parametrize(("day", "english", "arabic", "numbers"), ANCHORS)
def test_known_days(day: str, english: str, arabic: str, numbers: str) -> None:
    dates = xm.parse_dates([english, arabic, numbers], calendar="hijri", order="dmy")
    assert dates.lower.astype(str).tolist() == dates.upper.astype(str).tolist() == [day] * 3


def test_known_months_and_years() -> None:
    assert span("Rabi al-Thani 1434") == ("2013-02-11", "2013-03-12")
    assert span("شوال ١٤٣٥") == ("2014-07-28", "2014-08-26")
    assert span("9/1435") == span("1435-09") == ("2014-06-28", "2014-07-27")
    assert span("1435") == span("عام 1435 هـ") == ("2013-11-04", "2014-10-24")


def test_every_month_of_the_table_is_hijridates() -> None:
    table = hijri_table()
    texts, days = [], []
    for year in range(1343, 1501):
        for month in range(1, 13):
            length = Hijri(year, month, 1).month_length()
            assert table.length(year, month) == length
            for day in (1, 15, length):
                texts.append(f"{day}/{month}/{year}")
                days.append(Hijri(year, month, day).to_gregorian().isoformat())
    dates = xm.parse_dates(texts, calendar="hijri", order="dmy")
    assert_array_equal(dates.lower.astype(str), days)
    back = xm.to_hijri(dates.lower)
    assert [f"{d}/{m}/{y}" for y, m, d in back.itertuples(index=False)] == texts


def test_days_back_to_hijri_are_hijridates() -> None:
    days = np.arange("1924-08-01", "2077-11-17", 17, dtype="datetime64[D]")
    theirs = [Gregorian.fromisoformat(str(day)).to_hijri().datetuple() for day in days]
    assert [tuple(row) for row in xm.to_hijri(days).itertuples(index=False)] == theirs
    with pytest.raises(xm.DataError, match="outside the Umm al-Qura"):
        xm.to_hijri(["1924-07-31"])


def test_gregorian_table_is_the_standard_librarys() -> None:
    rng = np.random.default_rng(3)
    days = rng.integers(-140_000, 190_000, 2_000)
    year, month, day = gregorian_table().parts(days)
    epoch = dt.date(1970, 1, 1).toordinal()
    assert [dt.date(*map(int, p)).toordinal() - epoch for p in zip(year, month, day, strict=True)] == days.tolist()
    assert_array_equal(gregorian_table().day(year, month, day), days)


def test_solar_new_years_are_the_known_equinoxes() -> None:
    known = {1358: "1979-03-21", 1376: "1997-03-21", 1393: "2014-03-21", 1396: "2017-03-21", 1399: "2020-03-20"}
    for year, day in {**known, 1400: "2021-03-21", 1404: "2025-03-21"}.items():
        assert span(f"1 فروردین {year}", calendar="solar hijri") == (day, day)
    assert solar_table().length(1399, 12) == 30
    assert solar_table().length(1400, 12) == 29


HIJRI_SPELLINGS = {
    1: ["Muharram", "Moharram", "Muḥarram", "محرم", "محرّم", "المحرم"],
    2: ["Safar", "صفر", "صفر الخير"],
    3: ["Rabi' al-Awwal", "Rabi I", "Rabiʿ al-awwal", "Rabi-ul-Awwal", "Rabi Al Awal", "ربيع الأول", "ربيع أول"],
    4: ["Rabi' al-Thani", "Rabi II", "Rabi' ath-Thani", "Rabīʿ al-Ākhir", "ربيع الثاني", "ربيع الآخر", "ربيع الاخر"],
    5: ["Jumada al-Ula", "Jumada I", "Jumādā al-Awwal", "Jamadi-ul-Awwal", "جمادى الأولى", "جمادي الاولى"],
    6: ["Jumada al-Akhira", "Jumada II", "Jumada al-Thani", "Jumādā ath-thāniya", "جمادى الثانية", "جمادى الآخرة"],
    7: ["Rajab", "رجب", "رجب المرجب"],
    8: ["Sha'ban", "Shaban", "Sha'aban", "Shaʿbān", "شعبان"],
    9: ["Ramadan", "Ramadhan", "Ramaḍān", "Ramazan", "رمضان", "رَمَضَان", "رمـــضان"],
    10: ["Shawwal", "Shawal", "شوال", "شوّال"],
    11: ["Dhu al-Qa'da", "Dhul Qa'dah", "Dhu'l-Qi'dah", "Zulqada", "ذو القعدة", "ذي القعده", "ذوالقعدة"],
    12: ["Dhu al-Hijja", "Dhul Hijjah", "Dhū l-Ḥijja", "Zilhijja", "ذو الحجة", "ذي الحجّة", "ذوالحجه"],
}
GREGORIAN_SPELLINGS = {
    1: ["January", "jan", "يناير", "كانون الثاني", "جانفي"],
    2: ["February", "Feb", "فبراير", "شباط"],
    3: ["March", "مارس", "آذار", "اذار"],
    4: ["April", "أبريل", "نيسان", "إبريل"],
    5: ["May", "مايو", "أيار", "ايار"],
    6: ["June", "يونيو", "يونيه", "حزيران"],
    7: ["July", "يوليو", "تموز"],
    8: ["August", "أغسطس", "آب", "غشت"],
    9: ["September", "Sept", "سبتمبر", "أيلول"],
    10: ["October", "أكتوبر", "تشرين الأول", "تشرين الاول"],
    11: ["November", "نوفمبر", "تشرين الثاني", "تشرين الثاني/نوفمبر"],
    12: ["December", "ديسمبر", "كانون الأول", "كانون الأول/ديسمبر"],
}


@pytest.mark.parametrize("month", range(1, 13))
def test_month_spellings(month: int) -> None:
    hijri = xm.parse_dates([f"12 {name} 1435" for name in HIJRI_SPELLINGS[month]], calendar="hijri")
    assert set(hijri.lower.astype(str)) == {Hijri(1435, month, 12).to_gregorian().isoformat()}
    gregorian = xm.parse_dates([f"12 {name} 2014" for name in GREGORIAN_SPELLINGS[month]])
    assert set(gregorian.lower.astype(str)) == {f"2014-{month:02d}-12"}


@pytest.mark.parametrize(
    "text",
    [
        "12 رمضان 1435",
        "\u200f12\u200f رمضان \u202b1435\u202c",
        "12/رمضان/1435هـ",
        "12رمضان1435",
        "١٢ رمضان ١٤٣٥ ه",
        "۱۲ رمضان ۱۴۳۵ هجري",
        "الخميس 12 رمضان سنة 1435",
        "Ramadan 12, 1435 A.H.",
        "12th of Ramadan 1435H",
        "1435 Ramadan 12",
        "12\u200f/9\u200f/1435",
        "１２/０９/１４３５",
        "12-09-1435",
        "12 . 9 . 1435",
        "12،9،1435",
        "1435/9/12",
        "12091435",
        "12/9/1435 14:30",
    ],
)
def test_one_day_in_many_writings(text: str) -> None:
    order = "ymd" if text.startswith("1435/") else "dmy"
    assert span(text, order=order) == ("2014-07-09", "2014-07-09")


def test_shared_names_take_a_number() -> None:
    assert span("12 Rabi 2 1435") == span("12 ربيع ٢ ١٤٣٥") == span("12/4/1435", order="dmy")
    assert span("12 تشرين 1 2014", calendar="gregorian")[0] == "2014-10-12"
    assert span("12 كانون 2 2014", calendar="gregorian")[0] == "2014-01-12"


def test_thirds() -> None:
    low, high = "2014-06-28", "2014-07-27"
    early, mid, late = (span(f"{word} Ramadan 1435") for word in ("early", "mid", "late"))
    assert (early[0], late[1]) == (low, high)
    assert (early[1], mid[0], mid[1], late[0]) == ("2014-07-07", "2014-07-08", "2014-07-17", "2014-07-18")
    assert span("أواخر رمضان 1435") == late
    parts = [span(f"{word} 2014", calendar="gregorian") for word in ("early", "mid", "late")]
    assert parts == [("2014-01-01", "2014-04-30"), ("2014-05-01", "2014-08-31"), ("2014-09-01", "2014-12-31")]


@pytest.mark.parametrize(
    ("text", "code", "options"),
    [
        ("3/9/1435", "ambiguous", {}),
        ("12101434", "ambiguous", {"order": ("dmy", "mdy")}),
        ("3/9/35", "two-digit-year", {"order": "dmy"}),
        ("12 Ramadan 35", "two-digit-year", {}),
        ("12 Ramadan", "no-year", {}),
        ("12/9", "no-year", {}),
        ("30/8/1434", "no-such-day", {"order": "dmy"}),
        ("31 Ramadan 1435", "no-such-day", {}),
        ("29/2/2013", "no-such-day", {"calendar": "gregorian", "order": "dmy"}),
        ("1/1/1342", "calendar-range", {}),
        ("1/1/1501", "calendar-range", {}),
        ("12 مهر 1393", "solar", {}),
        ("12/7/1393 ه.ش", "solar", {}),
        ("12 مهر 1393", "solar", {"calendar": "mixed"}),
        ("2014-06-29", "other-calendar", {}),
        ("12 June 2014", "other-calendar", {}),
        ("1435-09-02", "other-calendar", {"calendar": "gregorian"}),
        ("1 رمضان 2014 م", "two-dates", {}),
        ("2 رمضان 1435 الموافق 29 يونيو 2014", "two-dates", {}),
        ("12 ربيع 1435", "half-named", {}),
        ("12 تشرين 2014", "half-named", {"calendar": "gregorian"}),
        ("41699", "serial", {}),
        ("0/9/1435", "zero", {"order": "dmy"}),
        ("2014-06-29", "date-order", {"calendar": "gregorian", "order": "dmy"}),
        ("25/13/1435", "unreadable", {}),
        ("about 1435", "unreadable", {}),
        ("1/2-1435", "unreadable", {}),
        ("-5/6/1435", "unreadable", {}),
        ("1435" * 30, "unreadable", {}),
        ("12/9/14", "no-calendar", {"calendar": "mixed", "order": "dmy"}),
    ],
)
def test_refusals_say_why(text: str, code: str, options: dict[str, object]) -> None:
    options = {"calendar": "hijri", **options}
    with pytest.raises(xm.DataError) as caught:
        xm.parse_dates(
            pd.Series(["1 Ramadan 1435" if options["calendar"] != "gregorian" else "1 May 2014", text]), **options
        )
    assert caught.value.code == code
    assert caught.value.rows == (1,)
    kept = xm.parse_dates(["", text], bad="missing", **options)
    assert kept.missing.all()
    assert kept.problems[["row", "text", "why"]].to_numpy().tolist() == [[1, text, code]]


def test_ambiguity_shows_both_readings_and_what_the_column_proves() -> None:
    with pytest.raises(xm.DataError, match=r"2014-04-03 \(dmy\) or 2014-03-04 \(mdy\)") as caught:
        xm.parse_dates(["3/4/2014", "25/3/2014", "5/5/2014"])
    assert "1 other texts can only be dmy, such as '25/3/2014'" in str(caught.value)
    with pytest.raises(xm.DataError, match="has no one order"):
        xm.parse_dates(["25/3/2014", "3/25/2014"])
    assert str(xm.parse_dates(["5/5/2014"]).lower[0]) == "2014-05-05"


def test_declared_choices() -> None:
    assert span("3/9/35", order="dmy", two_digit_from=1400) == span("3 Ramadan 1435")
    assert span("3/9/90", order="dmy", two_digit_from=1343) == span("3 Ramadan 1390")
    assert span("12 Ramadan 35", two_digit_from=1400) == span("12 Ramadan 1435")
    assert span("0/9/1435", order="dmy", zeros="unknown") == span("Ramadan 1435")
    assert span("0/0/1435", order="dmy", zeros="unknown") == span("1435")
    assert span("3/9/1435", order=("dmy", "ymd")) == span("1435/9/3", order=("dmy", "ymd"))
    texts = ["2014-06-29", "2/9/1435", "2 رمضان 1435", "29 June 2014", 1435]
    mixed = xm.parse_dates(texts, calendar="mixed", order=("ymd", "dmy"))
    assert set(mixed.lower[:4].astype(str)) == {"2014-06-29"}
    assert mixed.calendar.tolist() == ["gregorian", "hijri", "hijri", "gregorian", "hijri"]


def test_columns_that_are_not_text() -> None:
    stamps = pd.Series(pd.to_datetime(["2014-06-29", None]))
    dates = xm.parse_dates(stamps, order="dmy")
    assert (str(dates.lower[0]), dates.missing.tolist()) == ("2014-06-29", [False, True])
    assert str(xm.parse_dates([dt.date(2014, 6, 29), None]).upper[0]) == "2014-06-29"
    assert span(1435) == span(1435.0) == span("1435")
    for values, code in [
        ([dt.date(2014, 6, 29), "29/6/2014"], "mixed"),
        ([1435.5], "not-dates"),
        (stamps.dt.tz_localize("UTC"), "time-zone"),
        ("1435", "not-dates"),
    ]:
        with pytest.raises(xm.DataError) as caught:
            xm.parse_dates(values)
        assert caught.value.code == code
    with pytest.raises(xm.DataError) as caught:
        xm.parse_dates(stamps, calendar="hijri")
    assert caught.value.code == "other-calendar"
    empty = xm.parse_dates([])
    assert len(empty) == 0
    for option in ({"calendar": "lunar"}, {"order": "dm"}, {"zeros": "no"}, {"bad": "skip"}):
        with pytest.raises(xm.DataError):
            xm.parse_dates(["2014"], **option)


def test_polars_columns() -> None:
    import polars

    dates = xm.parse_dates(polars.Series(["2 Ramadan 1435", None]), calendar="hijri")
    assert (str(dates.lower[0]), dates.missing.tolist()) == ("2014-06-29", [False, True])


# ---- the clerk's day -------------------------------------------------------------------------------------------------
def test_the_clerks_day_widens_hijri_dates_only() -> None:
    texts = ["1 Ramadan 1435", "Ramadan 1435", "29 June 2014"]
    dates = xm.parse_dates(texts, calendar="mixed", day_error=xm.DayError())
    assert dates.lower.astype(str).tolist() == ["2014-06-27", "2014-06-27", "2014-06-29"]
    assert dates.upper.astype(str).tolist() == ["2014-06-30", "2014-07-29", "2014-06-29"]
    announced = xm.parse_dates(texts, calendar="mixed", day_error=xm.DayError(announced={"1435-09": 1}))
    assert announced.lower.astype(str).tolist() == ["2014-06-29", "2014-06-29", "2014-06-29"]
    assert announced.upper.astype(str).tolist() == ["2014-06-29", "2014-07-28", "2014-06-29"]
    assert span("30/8/1434", order="dmy", day_error={0: 1.0}) == span("1/9/1434", order="dmy")


@pytest.mark.parametrize("chances", [{}, {0: 0.5}, {0: 1.5, 1: -0.5}, {0.5: 1.0}, {40: 1.0}, {0: float("nan")}])
def test_chances_must_be_a_distribution(chances: dict[int, float]) -> None:
    with pytest.raises(xm.DataError, match="no distribution"):
        xm.DayError(chances)
    with pytest.raises(xm.DataError, match="not a Hijri month"):
        xm.DayError(announced={"1435-13": 1})


def test_draws_follow_the_chances() -> None:
    law = {-1: 0.2, 0: 0.5, 2: 0.3}
    dates = xm.parse_dates(["1 Ramadan 1435"] * 2 + [None], calendar="hijri", day_error=xm.DayError(law))
    drawn = dates.draw(4_000, rng=5)
    assert np.isnat(drawn[:, 2]).all()
    error = (drawn[:, 0] - np.datetime64("2014-06-28")).astype(int)
    for day, chance in law.items():
        assert abs(np.mean(error == day) - chance) < 4 * np.sqrt(chance * (1 - chance) / 4_000)
    assert set(error) == set(law)
    assert_array_equal(drawn[:, 0], drawn[:, 1])
    apart = xm.DayError(law, shared=False)
    own = xm.parse_dates(["1 Ramadan 1435"] * 2, calendar="hijri", day_error=apart).draw(200, rng=5)
    assert (own[:, 0] != own[:, 1]).any()


def test_expected_counts_are_the_mean_of_draws_and_split_at_a_policy() -> None:
    texts = ["1 Ramadan 1435"] * 3 + ["Ramadan 1435", "1435", "29 June 2014"]
    dates = xm.parse_dates(texts, calendar="mixed", day_error=xm.DayError({-1: 0.2, 0: 0.5, 1: 0.3}))
    edges = ["2013-01-01", "2014-06-29", "2015-01-01"]
    n = dates.expected(edges, ("2013-01-01", "2014-12-31"))["n"].to_numpy()
    after = 3 * 0.3 + 1  # three first days, one exact
    after += sum(p * (29 + off) / 30 for off, p in ((-1, 0.2), (0, 0.5), (1, 0.3)))
    policy, last = np.datetime64("2014-06-29"), np.datetime64("2014-10-24")
    whole = 1 + int((last - np.datetime64("2013-11-04")).astype(int))
    after += sum(p * (int((last - policy).astype(int)) + 1 + off) / whole for off, p in ((-1, 0.2), (0, 0.5), (1, 0.3)))
    assert_allclose(n, [6 - after, after], rtol=1e-12)
    # 4,000 draws
    assert_allclose(np.mean(dates.draw(4_000, rng=1) >= policy, axis=0).sum(), after, atol=0.06)


def test_expected_counts_are_those_of_counts_without_error() -> None:
    texts = ["3 Ramadan 1435", "شعبان 1435", "Ramadan 1435", "1435", "25/10/1435"]
    dates = xm.parse_dates(texts, calendar="hijri", order="dmy")
    window = ("2014-05-01", "2014-08-21")
    counts = xm.Counts.from_frame(dates.to_frame(), date="lower", until="upper", freq="MS", window=window)
    ours = dates.expected("MS", window)
    assert_allclose(ours["n"], counts.n, rtol=1e-12)
    assert ours["period"].tolist() == ["2014-05", "2014-06", "2014-07", "2014-08"]
    with pytest.raises(xm.DataError) as caught:
        dates.expected("MS", ("2015-01-01", "2015-02-01"))
    assert caught.value.code == "outside-window"
    assert len(caught.value.rows) == 5


# ---- into spells -----------------------------------------------------------------------------------------------------
def test_limits_into_spells() -> None:
    left = xm.parse_dates(["25 Shawwal 1435", "Ramadan 1435", "1435"], calendar="hijri")
    came = ["2014-01-01", "2014-07-01", "2014-03-01"]
    lower, upper = left.limits(came)
    day = [np.datetime64(text) for text in came]
    assert lower.tolist() == [232.0, 0.0, 0.0]
    assert upper.tolist() == [232.0, 26.0, (np.datetime64("2014-10-24") - day[2]).astype(int)]
    spells = xm.Spells(lower=lower, upper=upper)
    assert spells.n_events == 3
    curve = xm.Turnbull().fit(spells)
    assert curve is not None
    assert_array_equal(left.limits(xm.parse_dates(came))[0], lower)


def test_limits_of_exact_days_give_kaplan_meier() -> None:
    came = np.array(["2014-01-01"] * 6, dtype="datetime64[D]")
    exits = xm.parse_dates([f"{day}/3/1435" for day in (1, 5, 5, 9, 20, 29)], calendar="hijri", order="dmy")
    lower, upper = exits.limits(came)
    curve = xm.Turnbull().fit(xm.Spells(lower=lower, upper=upper))
    plain = xm.KaplanMeier().fit(xm.Spells(exit=upper))
    times = upper[:-1] + 0.5
    assert_allclose(curve.at(times).estimate, plain.at(times).estimate, atol=1e-8)


def test_limits_refuse_loose_origins_and_wrong_order() -> None:
    left = xm.parse_dates(["2014-06-01"])
    for origin, code in ((xm.parse_dates(["2014-05"]), "origin"), (["2014-06-01"], "order")):
        with pytest.raises(xm.DataError) as caught:
            left.limits(origin)
        assert caught.value.code == code
    assert np.isnan(left.limits([None])[0]).all()


# ---- laws ------------------------------------------------------------------------------------------------------------
def test_rows_keep_their_places_whatever_the_order_and_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    parts = np.column_stack([rng.integers(1, 30, 400), rng.integers(1, 13, 400), rng.integers(1365, 1500, 400)])
    forms = ("{}/{}/{}", "{} - {} - {}", "{}.{}.{} هـ", "\u200f{}/{}/{}")
    texts = [forms[i % 4].format(*row) for i, row in enumerate(parts.tolist())]
    theirs = [Hijri(y, m, d).to_gregorian().isoformat() for d, m, y in parts.tolist()]
    whole = xm.parse_dates(texts, calendar="hijri", order="dmy")
    assert whole.lower.astype(str).tolist() == theirs
    monkeypatch.setattr("exitmodels.records.reading.CHUNK", 7)
    assert_array_equal(xm.parse_dates(texts[::-1], calendar="hijri", order="dmy").lower, whole.lower[::-1])


def test_shapes_agree_exactly_when_fingerprints_do() -> None:
    texts = ["1/2/3", "11/22/33", "١/٢/٣", "1\u200f/2/3", "1-2-3", "1/2/3 ", "a1", "1a", "12", "1 2", "a", ""]
    codes = np.array(texts, dtype="U12").view(np.uint32).reshape(len(texts), -1)
    prints = digit_runs(codes).shape
    shapes = [shape_of(text) for text in texts]
    for i, one in enumerate(shapes):
        for j, other in enumerate(shapes):
            assert (one == other) == (prints[i] == prints[j]), (texts[i], texts[j])
    many = np.array(["1 2 3 4 5 6 7 8 9 99999999999999999999999"]).view(np.uint32).reshape(1, -1)
    assert digit_runs(many).total.tolist() == [10]
