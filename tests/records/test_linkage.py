"""Names folded, records linked, persons hidden. Every name here is simulated or a given name in general use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import exitmodels as xm
from exitmodels.kernels.fellegisunter import log_weights
from simulated_lists import population, two_lists, written

ON = {"name": "name", "born": "date", "town": "exact"}
BLOCK = ["last(name)", "born"]


# ---- names --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "spellings",
    [
        ["Mohamed", "Muhammad", "Mohammed", "Mo7amed", "MUHAMMED"],
        ["Abd el-Kader", "Abdelqader", "Abdul Qadir", "Abd al-Qādir"],
        ["Abdul Rahman", "Abderrahmane", "Abd ar-Rahman", "Abdulrahman"],
        ["Abdullah", "Abd Allah", "Abdallah"],
        ["Yousuf bin Ahmad", "Youssef Ould Ahmed", "Yusuf ibn Ahmed"],
        ["Noureddine", "Nur al-Din", "Nuruddin"],
        ["Fāṭimah", "Fatima", "Fatemeh"],
        ["al-Shami", "Alshamy", "ash-Shami", "Shāmī"],
        ["Qassem Saleh", "Kassim Salih"],
        ["'Uthmān", "Osman", "Othman"],
        ["Waleed", "Walid", "Oualid"],
        ["عبد القادر", "عبدالقادر"],
        ["محمد", "مُحَمَّد", "مـحـمـد", "\u200fمحمد\u200f", "ﻣﺤﻤﺪ"],
        ["أحمد", "احمد", "إحمد"],
        ["علی", "علي", "على"],
        ["الشامي", "شامي", "شامى"],
        ["فاطمة", "فاطمه"],
        ["قاسم بن صالح", "قاسم صالح"],
    ],
)
def test_spellings_become_one(spellings: list[str]) -> None:
    assert len(set(xm.fold_names(spellings).folded)) == 1


@pytest.mark.parametrize(
    ("arabic", "latin"),
    [
        ("محمد", "Mohamed"),
        ("عبد الرحمن", "Abderrahmane"),
        ("عبدالله", "Abdallah"),
        ("يوسف", "Youssef"),
        ("عثمان", "Osman"),
        ("فاطمة الزهراء", "Fatima az-Zahra"),
        ("غسان", "Ghassan"),
        ("رمضان", "Ramazan"),
        ("رضا", "Reza"),
        ("خديجة", "Khadija"),
        ("صالح", "Saleh"),
        ("نور الدين", "Noureddine"),
        ("يحيى", "Yahya"),
        ("إلياس", "Ilyas"),
        ("القذافي", "Gaddafi"),
        ("هشام", "Hicham"),
        ("أويس", "Uwais"),
    ],
)
def test_one_key_for_both_scripts(arabic: str, latin: str) -> None:
    key = xm.fold_names([arabic, latin]).key
    assert key[0] == key[1] != ""


def test_names_that_differ_stay_apart() -> None:
    names = [
        "Hasan",
        "Husain",
        "Mahmud",
        "Muhammad",
        "Salih",
        "Salim",
        "Said",
        "Sayyid",
        "Jamal",
        "Kamal",
        "Ali",
        "Alwan",
    ]
    assert len(set(xm.fold_names(names).folded)) == len(names)


def test_kunyas_are_kept_apart() -> None:
    made = xm.fold_names(
        [
            "Abu Bakr Ali Said",
            "Ali Said (Abu Bakr)",
            "أبو بكر",
            "ام سلمة هند",
            "Mohamed Abu Khalil",
            "Umm Salama",
            "Abu",
        ]
    )
    assert made.folded.tolist() == ["ali said", "ali said", "", "هند", "muhamad abukhalil", "", "abu"]
    assert made.kunya.tolist() == ["a bakr", "a bakr", "a بكر", "u سلمه", "", "u salama", ""]


def test_rules_can_be_left_out_and_are_named() -> None:
    assert xm.fold_names(["al-Shami"], without=["article"]).folded.tolist() == ["al shami"]
    assert xm.fold_names(["Noureddine"], without=["din"]).folded[0] != "nur din"
    assert xm.fold_names(["Abdelqader"], without=["din"]).folded[0] == "abdkadir"
    assert xm.fold_names(["Abu Bakr"], without=["kunya"]).kunya[0] == ""
    with pytest.raises(xm.DataError, match="No rule is called 'vowel'"):
        xm.fold_names(["a"], without=["vowel"])


def test_missing_names_and_odd_columns() -> None:
    made = xm.fold_names(pd.Series(["Ali", None, " ", "---", "علي"]))
    assert_array_equal(made.is_missing, [False, True, True, True, False])
    assert made.folded[1] is None
    assert len(xm.fold_names([None, None])) == 2
    with pytest.raises(xm.DataError, match="Names are text"):
        xm.fold_names([1, 2])
    with pytest.raises(xm.DataError, match="no rows"):
        xm.fold_names([])


def test_groups_show_what_was_merged() -> None:
    frame = xm.fold_names(["Omar", "Umar", "Ali"]).groups()
    assert frame.values.tolist() == [["umar", 2, "Omar; Umar"]]


# ---- comparisons --------------------------------------------------------------------------------------------------
def levels(values: list[Any], comparison: xm.Comparison) -> list[str]:
    """Level of the first value with each of the others."""
    from exitmodels.records.comparing import Folder, prepare
    from exitmodels.shapes.frames import Table

    field = prepare(comparison, (Table({"v": values}),), Folder())
    found = field.compare(np.zeros(len(values) - 1, dtype=int), np.arange(1, len(values)))
    return [np.array([*comparison.level_names, "missing"])[code] for code in found]


def test_levels_of_dates() -> None:
    days = [
        "2014-06-03",
        "2014-06-03",
        "2014-06-05",
        "2014-03-06",
        "2015-06-03",
        "2013-06-14",
        "2014-06-29",
        "2012-01-01",
    ]
    found = levels([*pd.to_datetime(days), pd.NaT], xm.Comparison("v", "date"))
    slip = ["slip"] * 3  # day and month exchanged; a Gregorian year; 354 days, a Hijri year
    assert found == ["same", "within 2 days", *slip, "same month", "differ", "missing"]


def test_levels_of_numbers_edits_and_texts() -> None:
    assert levels([30, 30, 31, 35, np.nan], xm.Comparison("v", "number", [1])) == [
        "same",
        "within 1",
        "differ",
        "missing",
    ]
    found = levels(["hasan", "hasan", "hassan", "hsaasn", "umar", " "], xm.Comparison("v", "edit"))
    assert found == ["same", "1 edit", "2 edits or fewer", "differ", "missing"]
    found = levels(["MARTHA", "MARHTA", "MARTHA ", "BERTA"], xm.Comparison("v", "jaro-winkler", [0.96, 0.7]))
    assert found == ["0.96 or more", "same", "0.7 or more"]


def test_levels_of_names() -> None:
    names = [
        "Mohamed Khalid Shami",
        "محمد خالد الشامي",
        "Khaled Muhammad al-Shami",
        "Muhammad Khalid Shamy",
        "Muhamad Kalid Shmai",
    ]
    found = levels([*names, "Tariq", "Abu Bakr"], xm.Comparison("v", "name"))
    assert found == ["0.92 or more", "same", "same", "0.92 or more", "differ", "missing"]
    assert levels(["Abu Bakr Ali", "Omar (Abu Bakr)", "Abu Talib"], xm.Comparison("v", "kunya")) == ["same", "differ"]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"how": "sound"}, "not known"),
        ({"how": "name", "levels": [0.8, 0.9]}, "make no levels"),
        ({"how": "edit", "levels": [2, 1]}, "make no levels"),
        ({"how": "date", "levels": [1, 2]}, "make no levels"),
        ({"how": "exact", "levels": [1]}, "make no levels"),
        ({"missing": "drop"}, "not known"),
    ],
)
def test_comparisons_are_checked(bad: dict[str, Any], message: str) -> None:
    with pytest.raises(xm.DataError, match=message):
        xm.Comparison("v", **bad)


# ---- linkage ------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def lists() -> tuple[pd.DataFrame, pd.DataFrame, int]:
    return two_lists(2000, np.random.default_rng(1))


@pytest.fixture(scope="module")
def linked(lists: Any) -> Any:
    return xm.link(lists[0], lists[1], on=ON, block=BLOCK, rng=1)


def truth(found: Any, a: pd.DataFrame, b: pd.DataFrame) -> np.ndarray:
    return a["person"].to_numpy()[found.left] == b["person"].to_numpy()[found.right]


def test_planted_links_are_found_and_probabilities_are_calibrated(lists: Any, linked: Any) -> None:
    a, b, both = lists
    true = truth(linked, a, b)
    taken = linked.linked
    assert true[taken].mean() > 0.98
    assert true[taken].sum() > 0.88 * true.sum()
    p = linked.probability
    assert abs(p.sum() - true.sum()) < 3 * np.sqrt(both)
    for low, high in ((0, 0.05), (0.05, 0.5), (0.5, 0.95), (0.95, 1.01)):
        part = (p >= low) & (p < high)
        spread = np.sqrt((p[part] * (1 - p[part])).sum())
        assert abs(p[part].sum() - true[part].sum()) < 4 * spread + 0.02 * part.sum() + 2
    counts = linked.overlap().set_index("count")
    assert counts.low["with missed"] <= both <= counts.high["with missed"]
    assert counts.n11["with missed"] + counts.n10["with missed"] == pytest.approx(
        linked.cluster[: len(a)].max() + 1, abs=9
    )


def test_error_rates_hold_the_truth(lists: Any, linked: Any) -> None:
    true = truth(linked, lists[0], lists[1])
    for row in linked.error_rates([0.5, 0.9, 0.99]).itertuples():
        taken = linked.threshold(row.threshold).linked
        assert row.links == taken.sum()
        assert row.false_low - 0.01 <= (~true[taken]).mean() <= row.false_high + 0.01
        assert row.false_low <= row.false_rate <= row.false_high + 1e-3
        assert row.missed_low - 0.02 <= 1 - true[taken].sum() / true.sum() <= row.missed_high + 0.02
    cutoff = linked.threshold_for(0.01)
    assert linked.error_rates([cutoff]).false_rate[0] <= 0.01


def test_the_rows_may_come_in_any_order_and_the_lists_change_places(lists: Any, linked: Any) -> None:
    a, b, _ = lists
    rng = np.random.default_rng(2)
    mixed = xm.link(b.iloc[rng.permutation(len(b))], a.iloc[rng.permutation(len(a))], on=ON, block=BLOCK, draws=0)
    assert_allclose(mixed.mixture.llf, linked.mixture.llf, rtol=1e-10)
    # EM ends when no probability moves by 1e-8; two orders may end a little apart
    assert_allclose(mixed.mixture.prevalence, linked.mixture.prevalence, rtol=1e-5)
    one = {(x, y): p for x, y, p in zip(linked.pairs.row_a, linked.pairs.row_b, linked.pairs.probability, strict=True)}
    two = {(y, x): p for x, y, p in zip(mixed.pairs.row_a, mixed.pairs.row_b, mixed.pairs.probability, strict=True)}
    assert one.keys() == two.keys()
    # the same small distance to the end of EM, seen in each probability
    assert_allclose([one[k] for k in one], [two[k] for k in one], atol=1e-4)


def test_new_names_for_values_change_nothing(lists: Any) -> None:
    a, b, _ = lists
    new = {str(t): f"place {t}" for t in range(30)}
    plain = xm.link(a, b, on={"born": "date", "town": "exact", "name": "name"}, block=BLOCK, draws=0)
    other = xm.link(a.assign(town=a["town"].map(new)), b.assign(town=b["town"].map(new)), on=ON, block=BLOCK, draws=0)
    assert_array_equal(plain.left, other.left)
    assert_allclose(plain.probability, other.probability, atol=1e-4)  # where EM ends, as above


def test_one_to_one(lists: Any, linked: Any) -> None:
    a, b, _ = lists
    single = xm.link(a, b, on=ON, block=BLOCK, one_to_one=True, threshold=0.3, review=0.1, draws=0)
    pairs = single.links
    assert pairs.row_a.is_unique
    assert pairs.row_b.is_unique
    assert set(single.pairs.how) >= {"linked", "review", "apart"}
    assert single.n_links <= linked.threshold(0.3).n_links
    assert single.n_persons == len(a) + len(b) - single.n_links


def test_another_threshold_needs_no_refit(linked: Any) -> None:
    counts = linked.persons([0.5, 0.9, 0.99])
    assert counts.is_monotonic_increasing
    assert linked.threshold(0.5).mixture is linked.mixture
    assert linked.threshold(0.05).review == 0.05
    with pytest.raises(xm.DataError, match="not possible"):
        linked.threshold(1.5)


def test_rare_values_weigh_more(lists: Any) -> None:
    a, b, _ = lists
    rng = np.random.default_rng(4)
    shares = 1 / np.arange(1, 31)
    order = rng.choice(30, 2000, p=shares / shares.sum())
    a, b = (x.assign(town=np.char.add("t", order[x["person"]].astype(str))) for x in (a, b))
    on = [xm.Comparison("name", "name"), xm.Comparison("born", "date"), xm.Comparison("town", frequency=True)]
    found = xm.link(a, b, on=on, block=BLOCK, draws=5, rng=1)
    plain = log_weights(found.patterns, found.mixture.m, found.mixture.u)[found.cell_pattern[found.cell]]
    gain = found.weight * np.log(2) - plain
    town_a, town_b = a["town"].to_numpy()[found.left], b["town"].to_numpy()[found.right]
    same = town_a == town_b
    assert_allclose(gain[~same], 0, atol=1e-9)
    share = pd.concat([a["town"], b["town"]]).value_counts(normalize=True)
    assert_allclose(gain[same], np.log((share**2).sum() / share[town_a[same]].to_numpy()), atol=1e-9)


def test_random_pairs_give_much_the_same(lists: Any, linked: Any) -> None:
    found = xm.link(lists[0], lists[1], on=ON, block=BLOCK, u="random", draws=0, rng=3)
    # simulation: chances of agreement from 200,000 random pairs against those from EM
    assert found.probability.sum() == pytest.approx(linked.probability.sum(), rel=0.05)
    town = found.weights().query("field == 'town' and level == 'same'").u.item()
    assert town == pytest.approx(1 / 30, rel=0.1)  # simulation: towns were dealt at random


def doubled(rng: np.random.Generator) -> pd.DataFrame:
    people = population(500, rng)
    again = people.iloc[rng.choice(500, 120, replace=False)]
    return written(pd.concat([people, again, again.iloc[:15]]), rng).reset_index(drop=True)


def test_duplicates_within_a_list() -> None:
    frame = doubled(np.random.default_rng(5))
    found = xm.deduplicate(frame, on=ON, block=BLOCK, rng=1)
    assert abs(found.n_persons - 500) < 25
    true = frame["person"].to_numpy()[found.left] == frame["person"].to_numpy()[found.right]
    rates = found.error_rates([0.9]).iloc[0]
    # limits of 95 % for one list: up to two false links more happen (coverage: tests/studies)
    assert rates.false_low <= (~true[found.linked]).mean() <= rates.false_high + 2 / found.n_links
    assert rates.missed_low <= 1 - true[found.linked].sum() / true.sum() <= rates.missed_high
    made = found.unique("fullest")
    assert len(made.frame) == found.n_persons == made.ledger.used
    assert made.ledger.read == len(frame)
    gone = found.clusters.groupby("cluster").size()
    assert (gone - 1).sum() == made.ledger.n_set_aside
    assert isinstance(made.frame, pd.DataFrame)
    first = found.unique("first").frame
    assert set(first.index) <= set(frame.index)


def test_keys_link_whatever_else_is_said_and_teach_the_fit() -> None:
    rng = np.random.default_rng(6)
    frame = doubled(rng)
    frame["number"] = np.where(rng.random(len(frame)) < 0.5, frame["person"].astype(str), None)
    with pytest.warns(xm.DataWarning, match="1 clusters hold two records"):  # numbers join records that differ
        found = xm.deduplicate(frame, on=ON, block=BLOCK, keys=["number"], draws=0)
    keyed = found.pairs[found.pairs.how == "key: number"]
    together = frame.dropna(subset=["number"]).groupby("number").size()
    assert len(keyed) == (together * (together - 1) // 2).sum()
    assert (keyed.probability == 1).all()
    within = xm.deduplicate(frame, on=ON, block=BLOCK, keys=[("name", "born")], draws=0)
    assert (within.pairs.how == "key: name and born").any()


def test_a_chain_is_named() -> None:
    """B agrees with A on the number and with C on another; A and C look like different people."""
    rng = np.random.default_rng(7)
    frame = doubled(rng).assign(number=None, other=None).astype({"number": object, "other": object})
    names = frame.drop_duplicates("person").index[:3]
    frame.loc[names[:2], "number"] = "n1"
    frame.loc[names[1:], "other"] = "n2"
    frame.loc[names, "town"] = ["0", "0", "0"]
    with pytest.warns(xm.DataWarning, match="clusters hold two records"):
        found = xm.deduplicate(frame, on=ON, block=["last(name)", "born", "town"], keys=["number", "other"], draws=0)
    held = found.clusters[found.clusters.row.isin(names)]
    assert held.chained.all()
    assert held["cluster"].nunique() == 1


def test_one_column_for_all_blocks_says_what_cannot_be_counted(lists: Any) -> None:
    found = xm.link(lists[0], lists[1], on=ON, block=["last(name)", "first(name)"], draws=0)
    assert any("cannot be counted" in note for note in found.notes)
    assert "not estimable" in str(found.summary())
    assert list(found.overlap()["count"]) == ["linked", "expected"]


def test_every_pair_of_two_short_lists() -> None:
    a, b, both = two_lists(120, np.random.default_rng(8), share=0.6)
    found = xm.link(a, b, on=ON, rng=1)
    assert found.nobs == len(a) * len(b)
    assert found.mixture.hidden_matches == 0
    row = found.overlap().iloc[1]
    assert row.low - 3 <= both <= row.high + 3


def test_lists_that_share_nobody_are_called_so() -> None:
    rng = np.random.default_rng(9)
    a, b = (written(population(150, rng), rng) for _ in range(2))
    with pytest.warns(xm.DataWarning, match="match") as heard:
        found = xm.link(a, b, on=ON, block=BLOCK, draws=0)
    assert len(heard) >= 1
    assert found.notes


def test_saving_keeps_numbers_and_no_names(linked: Any, tmp_path: Any) -> None:
    linked.save(tmp_path / "links.json")
    back = xm.load(tmp_path / "links.json")
    assert_allclose(back.probability, linked.probability)
    assert str(back.summary()) == str(linked.summary())
    text = (tmp_path / "links.json").read_text()
    assert "muhammad" not in text
    frame = doubled(np.random.default_rng(5))
    found = xm.deduplicate(frame, on=ON, block=BLOCK, draws=0)
    found.save(tmp_path / "one.json")
    with pytest.raises(xm.DataError, match="never stored"):
        xm.load(tmp_path / "one.json").unique()


def test_tables_and_figure(linked: Any) -> None:
    assert "born" in linked.to_latex()
    assert "Winkler" in linked.cite()
    assert linked.plot().get_xlabel() == "Weight (bits)"
    assert linked.pairs.probability.is_monotonic_decreasing


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"on": {}}, "Nothing is compared"),
        ({"on": {"born": "name"}}, "compares a text column"),
        ({"on": {"nam": "name"}}, "no column 'nam'"),
        ({"on": ["name", "name"]}, "twice"),
        ({"block": ["sound(name)"]}, "no block"),
        ({"block": ["year(name)"]}, "no block"),
        ({"block": [()]}, "holds every pair"),
        ({"max_pairs": 100}, "more than max_pairs=100"),
        ({"threshold": 0}, "not possible"),
        ({"review": 0.95}, "not possible"),
        ({"u": "guess"}, "not possible"),
    ],
)
def test_what_cannot_be_linked_is_refused(lists: Any, choice: dict[str, Any], message: str) -> None:
    with pytest.raises(xm.DataError, match=message):
        xm.link(lists[0], lists[1], **{"on": ON, "block": BLOCK, **choice})


def test_no_pair_and_one_record() -> None:
    with pytest.raises(xm.DataError, match="No two records agree"):
        xm.deduplicate({"name": ["a", "b"], "town": ["x", "y"]}, on=["name"], block="town")
    with pytest.raises(xm.DataError, match="no duplicate"):
        xm.deduplicate({"name": ["a"]}, on=["name"])


def test_other_frames_in_and_out() -> None:
    import polars

    frame = doubled(np.random.default_rng(5))
    other = polars.DataFrame(
        {
            "name": frame["name"].to_list(),
            "town": frame["town"].to_list(),
            "born": frame["born"].to_numpy().astype("datetime64[us]"),
        }
    )
    found = xm.deduplicate(other, on=ON, block=BLOCK, draws=0)
    assert_array_equal(found.left, xm.deduplicate(frame, on=ON, block=BLOCK, draws=0).left)
    assert isinstance(found.unique().frame, polars.DataFrame)


# ---- hiding -------------------------------------------------------------------------------------------------------
SALT = "not a secret, for tests only"


def test_pseudonyms_are_the_standard_hashes() -> None:
    import hashlib
    import hmac

    names = pd.Series(["Ali", "Umar", None, " ", "Ali"])
    made = xm.pseudonyms(names, SALT)
    assert made[0] == made[4] == hmac.new(SALT.encode(), b"Ali", hashlib.sha256).hexdigest()[:32] != made[1]
    assert made[2] is None
    assert made[3] is None
    other = xm.pseudonyms(names, SALT.encode(), method="blake2b", bits=64)
    assert other[0] == hashlib.blake2b(b"Ali", key=SALT.encode(), digest_size=8).hexdigest()
    assert len(set(xm.pseudonyms(["Mohamed Ali", "Ali Muhammad"], SALT, fold=True))) == 1
    assert len(set(xm.pseudonyms(["Mohamed Ali", "Ali Muhammad"], SALT))) == 2


def test_a_known_answer() -> None:
    """Test case 2 of RFC 4231; its key is shorter than the least here, and zero bytes at the end change no HMAC."""
    wanted = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    key = b"Jefe".ljust(16, b"\0")
    assert xm.pseudonyms(["what do ya want for nothing?"], key, bits=256)[0] == wanted


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"salt": ""}, "The salt has 0 bytes"),
        ({"salt": "short"}, "The salt has 5 bytes"),
        ({"bits": 8}, "not possible"),
        ({"bits": 33}, "not possible"),
        ({"method": "md5"}, "not known"),
    ],
)
def test_pseudonyms_are_refused(choice: dict[str, Any], message: str) -> None:
    with pytest.raises(xm.DataError, match=message):
        xm.pseudonyms(["Ali"], **{"salt": SALT, **choice})


def test_a_collision_is_refused() -> None:
    """At 32 bits 150,000 values are expected to collide 2.6 times; with this salt they do."""
    with pytest.raises(xm.DataError, match="share a pseudonym"):
        xm.pseudonyms([f"n{i}" for i in range(150_000)], SALT, bits=32)


def test_small_cells_by_hand() -> None:
    """One small cell per row: a second cell of its row, and their columns closed in another row."""
    table = pd.DataFrame({"n": [20, 3, 9], "s": [14, 8, 12], "e": [50, 20, 4]}, index=["visit", "trade", "study"])
    made = xm.suppress_small(table)
    assert (made.n_primary, made.n_secondary) == (2, 2)
    frame = made.to_frame()
    assert (frame == "*").sum().sum() == 4
    assert list(frame.loc["total"]) == [32, 34, 74, 140]
    assert np.isnan(made.shown[made.why > 0]).all()
    limits = made.bounds()
    assert (limits.low <= 1).sum() >= 2
    assert (limits.high - limits.low >= 4).all()


def test_one_way_tables_and_zeros() -> None:
    made = xm.suppress_small(pd.Series({"a": 3, "b": 50, "c": 20, "d": 0}))
    assert made.to_frame()["n"].tolist() == ["*", 50, "*", 0, 73]
    assert xm.suppress_small(pd.Series({"a": 3, "b": 50}), margins=False).to_frame()["n"].tolist() == ["*", 50]
    assert xm.suppress_small(pd.Series({"a": 0, "b": 50, "c": 9}), zeros=True).n_primary == 1
    assert xm.suppress_small(pd.Series({"a": 8, "b": 50})).n_primary == 0
    lone = xm.suppress_small(pd.DataFrame([[2, 0], [0, 0]]))
    assert np.isnan(lone.shown[[0, 0, 2, 2], [0, 2, 0, 2]]).all()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.Series([1.5]), "not whole"),
        (pd.Series([-1]), "negative"),
        (pd.Series([np.nan, 3]), "missing"),
        (pd.Series({"total": 3}), "labels"),
        (pd.Series(["a"]), "something else"),
        ([1, 2], "DataFrame or Series"),
    ],
)
def test_tables_that_hold_no_counts(table: Any, message: str) -> None:
    with pytest.raises(xm.DataError, match=message):
        xm.suppress_small(table)
