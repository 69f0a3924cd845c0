"""The codebook, rules in three values, and agreement of coders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import exitmodels as xm
from exitmodels.errors import DataError, IdentificationError
from exitmodels.simulate.reasons import first_mentioned

BOOK = xm.Codebook.named("exit-reasons-1")


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("treatment", ("MED",)),
        ("to visit his mother; surgery in hospital", ("VIS", "MED")),
        ("treatment and visit mother", ("MED", "VIS")),
        ("treatment of his mother", ("FEM",)),
        ("his father died", ("FEM",)),
        ("martyred", ("DTH",)),
        ("bring wife and children", ("FET",)),
        ("bring brothers", ("LOG",)),
        ("bank transfer", ("DOC",)),
        ("transfer", ("RED",)),
        ("علاج+زيارة", ("MED", "VIS")),
        ("عِلاج وزيارة والده", ("MED", "VIS")),
        ("للعـــلاج", ("MED",)),
        ("عملية", ()),
        ("عملية جراحية", ("MED",)),
        ("وفاة والدته", ("FEM",)),
        ("استشهد", ("DTH",)),
        ("كفر", ()),
        ("أهله مسجونون", ("FEM",)),
        ("إحضار عائلته", ("FET",)),
        ("إدخال أخوة", ("LOG",)),
        ("لا يوجد", ("UNK_blank",)),
        ("", ("UNK_blank",)),
        (" - ", ("UNK_blank",)),
        ("/", ("UNK_blank",)),
        ("something private", ()),
    ],
)
def test_what_a_text_is_coded_as(text: str, codes: tuple[str, ...]) -> None:
    assert BOOK.code(text).codes == codes


def test_the_cue_the_words_and_what_is_left() -> None:
    coded = BOOK.code("Surgery / something private; surgery again")
    assert coded.codes == ("MED",)
    assert [(h.cue, h.written, h.clause) for h in coded.hits] == [("surger*", "surgery", 0), ("surger*", "surgery", 2)]
    assert coded.uncoded == ("something private",)
    assert BOOK.code("عملية").doubts == ("عمليه: an operation, medical or military",)


def test_every_arabic_cue_is_found_with_particles_and_other_spellings() -> None:
    for text in ("العلاج", "بالعلاج", "وللعلاج", "علاجه", "عـلاج", "عَلَاج"):
        assert BOOK.code(text).codes == ("MED",), text


def test_simulated_clerks_are_read_without_error() -> None:
    """The first label of each simulated text is known; 'papers' is the only name that differs."""
    text = xm.datasets.exits431().frame["reason_text"].fillna("")
    coded = BOOK.code_column(text)
    first = [BOOK.labels[code] for code in coded.primary("first")]
    same = {"unknown: blank": "unknown", "papers or money": "papers"}
    assert [same.get(label, label) for label in first] == [first_mentioned(t) for t in text]


def test_a_column_by_every_rule() -> None:
    coded = BOOK.code_column(
        pd.Series(["work; treatment", "treatment", None, "zzz", "visit; marriage"]), missing="no-field"
    )
    assert coded.primary("first").tolist() == ["WRK", "MED", "UNK_nofield", "", "VIS"]
    assert coded.primary("hierarchy").tolist() == ["MED", "MED", "UNK_nofield", "", "MAR"]
    assert coded.primary("first", level="group").tolist() == ["group business", "medical", "unknown", "", "family"]
    assert coded.weights("all").sum(axis=1).tolist() == [2, 1, 1, 0, 2]
    assert coded.weights("fractional").sum(axis=1).tolist() == [1, 1, 1, 0, 1]
    assert coded.weights("all", level="group")["family"].tolist() == [0, 0, 0, 0, 1]
    assert coded.weights("fractional", level="group")["family"].tolist() == [0, 0, 0, 0, 1]
    assert coded.joined().tolist() == ["WRK; MED", "MED", "UNK_nofield", "", "VIS; MAR"]
    assert coded.uncoded()[["text", "n"]].to_numpy().tolist() == [["zzz", 1]]
    assert coded.sets()[3] is None
    assert coded.to_frame().loc["MED"].tolist() == ["treatment", 2, 1, 2]


def test_order_of_records_and_repeats_change_nothing(tmp_path: Path) -> None:
    texts = np.array(["work", "visit", "work; visit", "", "zzz"])
    order = np.array([4, 2, 0, 1, 3, 2])
    whole, mixed = BOOK.code_column(texts), BOOK.code_column(texts[order])
    assert (whole.weights("fractional").to_numpy()[order] == mixed.weights("fractional").to_numpy()).all()
    whole.save(tmp_path / "coded.json")
    assert str(xm.load(tmp_path / "coded.json")) == str(whole)


def test_a_codebook_travels_and_a_change_shows() -> None:
    again = xm.Codebook.from_dict(BOOK.to_dict())
    assert again == BOOK
    assert again.digest == BOOK.digest
    longer = BOOK.extend("mine-1", {"TRD": ["livestock"]})
    assert longer.digest != BOOK.digest
    assert BOOK.code("livestock").codes == ()
    assert longer.code("livestock").codes == ("TRD",)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: BOOK.code_column(["a", None]), "can mean two things"),
        (lambda: BOOK.code_column([1, 2]), "Reasons are text"),
        (lambda: BOOK.code_column([]), "no rows"),
        (lambda: BOOK.code(None), "not a text"),
        (lambda: BOOK.extend(BOOK.version, {}), "taken"),
        (lambda: BOOK.extend("x", {"NOPE": ["a"]}), "No such code"),
        (lambda: BOOK.extend("x", {"MED": [".. a"]}), "cannot be read"),
        (lambda: xm.Codebook("v", BOOK.reasons, BOOK.hierarchy[1:]), "hierarchy"),
        (lambda: xm.Codebook.named("exit-reasons-9"), "shipped"),
        (lambda: BOOK.code_column(["a"]).primary("longest"), "not known"),
    ],
)
def test_what_a_codebook_refuses(act, words: str) -> None:
    with pytest.raises(DataError, match=words):
        act()


RULE = xm.Statement(
    "rule",
    ("2016-10-01", "2016-10-10"),
    (
        xm.Clause("R1", "permitted", "MED and not inside"),
        xm.Clause("R3", "undetermined", "need"),
        xm.Clause("R4", "prohibited", "forever"),
    ),
)
FACTS = {
    "MED": [1, 1, 1, 0, 0, 1, 0],
    "inside": [0, None, 1, 0, 0, 0, 0],
    "need": [0, 0, 0, 0, 1, 0, 0],
    "forever": [0, 0, 0, 0, 0, None, 1],
}
WANTED = ["permitted", "undetermined", "not addressed", "not addressed", "undetermined", "undetermined", "prohibited"]


def test_three_values_by_hand() -> None:
    status = RULE.evaluate(FACTS, screen=True)
    assert status.status.tolist() == WANTED
    bounds = status.bounds()
    assert (bounds["lower"], bounds["upper"], bounds["n"]) == (1 / 7, 4 / 7, 7)
    assert bounds["low"] < bounds["lower"]
    assert bounds["upper"] < bounds["high"]
    assert status.bounds("prohibited")["lower"] == 1 / 7
    assert status.bounds("prohibited")["upper"] == 2 / 7  # only "forever" unknown can be prohibited


def test_bounds_hold_every_way_of_filling_in_the_unknown() -> None:
    bounds = RULE.evaluate({**FACTS, "need": [0] * 7}, screen=True).bounds()
    for inside in (0, 1):
        for forever in (0, 1):
            filled = {
                name: [v if v is not None else inside if name == "inside" else forever for v in values]
                for name, values in {**FACTS, "need": [0] * 7}.items()
            }
            share = RULE.evaluate(filled, screen=True).bounds()
            assert share["lower"] == share["upper"]
            assert bounds["lower"] <= share["lower"] <= bounds["upper"]


def test_the_date_of_the_statement() -> None:
    days = ["2016-09-30", "2016-10-10", "2016-10-10", "2016-10-05", "2016-10-10", "2016-10-10", "2016-10-05"]
    status = RULE.evaluate(FACTS, dates=days).status.tolist()
    assert status[0] == "before the statement"
    assert status[1:3] == WANTED[1:3]
    assert status[3] == "not addressed"
    assert status[6] == "undetermined"
    with pytest.raises(IdentificationError, match="before rule"):
        RULE.evaluate(FACTS, dates=["2014-08-21"] * 7)


def test_unknown_reasons_are_unknown_facts() -> None:
    coded = BOOK.code_column(["treatment", "visit", "", "visit; zzz", "zzz"])
    known = {"inside": [0] * 5, "need": [0] * 5, "forever": [0] * 5}
    found = RULE.evaluate(coded, known, screen=True).status.tolist()
    assert found == ["permitted", "not addressed", "undetermined", "undetermined", "undetermined"]


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: RULE.evaluate(FACTS), "dates of the exits"),
        (lambda: RULE.evaluate({"age": [1]}, screen=True), "No condition names"),
        (lambda: RULE.evaluate({"MED": [2]}, screen=True), "true, false or unknown"),
        (lambda: RULE.evaluate({"MED": [1], "need": [1, 0]}, screen=True), "Not one value"),
        (lambda: xm.Statement("v", ("2016-01-01", "2015-01-01"), ()), "back to"),
        (
            lambda: xm.Statement("v", ("2015-01-01", "2015-01-01"), (xm.Clause("a", "permitted", "x > 1"),)),
            "cannot be read",
        ),
    ],
)
def test_what_a_statement_refuses(act, words: str) -> None:
    with pytest.raises(DataError, match=words):
        act()


def test_two_coders_of_sets_with_gaps() -> None:
    """Three records coded twice: equal, {a} against {a, b}, {a} against {b}; every number by pairs of codings."""
    first = [{"a"}, {"a"}, {"a"}, None, {"b"}]
    second = [{"a"}, {"a", "b"}, {"b"}, {"a"}, None]
    result = xm.agreement({"A": first, "B": second}, n=50, rng=1)
    assert (result.n_records, result.n_pairable) == (5, 3)
    assert result.at("agreement") == pytest.approx(1 / 3)
    # codings: a four times, ab once, b once; unlike pairs of 30: a-ab 8, a-b 8, ab-b 2
    assert result.at("alpha") == pytest.approx(1 - (4 / 6) / (18 / 30))
    assert result.at("alpha-jaccard") == pytest.approx(1 - (2 * 0.5 + 2) / 6 / ((8 * 0.5 + 8 + 2 * 0.5) / 30))
    assert result.at("alpha-masi") == pytest.approx(1 - (2 * 2 / 3 + 2) / 6 / ((8 * 2 / 3 + 8 + 2 * 2 / 3) / 30))
    assert result.at("cohen", "b") == pytest.approx(0.0)
    assert result.at("agreement", "b") == pytest.approx(1 / 3)


def test_texts_sets_and_frames_are_read_alike(tmp_path: Path) -> None:
    texts = {"A": ["x; y", "x", "z", "y"], "B": ["y; x", "x; z", "z", None]}
    sets = {k: [None if t is None else t.split("; ") for t in v] for k, v in texts.items()}
    first = xm.agreement(texts, separator=";", n=100, rng=3)
    for other in (xm.agreement(sets, n=100, rng=3), xm.agreement(pd.DataFrame(texts), separator=";", n=100, rng=3)):
        pd.testing.assert_frame_equal(first.to_frame(), other.to_frame())
    assert first.at("alpha-masi") > first.at("alpha")
    first.save(tmp_path / "a.json")
    assert str(xm.load(tmp_path / "a.json")) == str(first)
    assert "Passonneau" in first.cite()


def test_the_order_of_coders_and_records_does_not_matter() -> None:
    rng = np.random.default_rng(5)
    codes = rng.integers(0, 3, (40, 3)).astype(str)
    one = xm.agreement({"A": codes[:, 0], "B": codes[:, 1], "C": codes[:, 2]}, n=0)
    two = xm.agreement({"C": codes[::-1, 2], "A": codes[::-1, 0], "B": codes[::-1, 1]}, n=0)
    np.testing.assert_allclose(one.estimate, two.estimate, atol=1e-12)
    assert np.isnan(one.conf_int()).all()


def test_perfect_agreement_and_a_declared_list_of_labels() -> None:
    codes = ["a", "b", "a", "b"]
    result = xm.agreement({"A": codes, "B": codes}, labels=["a", "b", "c"], n=20, rng=1)
    assert result.at("cohen") == result.at("alpha") == result.at("ac1") == 1
    assert np.isnan(result.at("alpha", "c"))
    assert "undefined" in str(result)


@pytest.mark.parametrize(
    ("coders", "words"),
    [
        ({"A": ["a"]}, "two coders"),
        ({"A": ["a"], "B": ["a", "b"]}, "records"),
        ({"A": ["a", None], "B": [None, "b"]}, "No record is coded"),
        ({"A": ["a"], "B": [" "]}, "empty text"),
    ],
)
def test_what_agreement_refuses(coders: dict[str, list[str]], words: str) -> None:
    with pytest.raises(DataError, match=words):
        xm.agreement(coders)
