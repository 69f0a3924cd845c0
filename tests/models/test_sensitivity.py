"""Sensitivity: every declared change against the same change made by hand, Rubin's rule, failures, bad input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, logit

import exitmodels as xm
from exitmodels.results.quantity import quantity_of
from exitmodels.shapes.redated import AnyDay, move_dates
from exitmodels.shapes.relabelled import belonging, draw_labels, draw_unknown, noise_table
from exitmodels.shapes.shifted import move_window

WINDOW = ("2013-03-01", "2014-08-21")


def people(n: int = 300, seed: int = 0) -> pd.DataFrame:
    """Origins before and inside the window, stays of about 200 days, three reasons."""
    rng = np.random.default_rng(seed)
    first = np.datetime64("2012-10-01")
    joined = first + rng.integers(0, 600, n)
    left = joined + np.ceil(rng.exponential(200, n)).astype(int)
    reason = rng.choice(["treatment", "family visit", "unknown"], n, p=[0.4, 0.4, 0.2])
    return pd.DataFrame({"joined": joined, "left": left, "reason": reason, "x": rng.integers(0, 2, n)})


def within(data: pd.DataFrame, window: tuple[str, str]) -> pd.DataFrame:
    return data[data["left"].between(*window)]


def exits(data: pd.DataFrame, window: tuple[str, str] = WINDOW) -> xm.Spells:
    return xm.Spells.from_frame(
        within(data, window),
        origin="joined",
        exit="left",
        event="reason",
        censor=[],
        window=window,
        scheme="exits-only",
    )


def censored(data: pd.DataFrame, window: tuple[str, str] = WINDOW) -> xm.Spells:
    first, last = (np.datetime64(day) for day in window)
    known = data[(data["left"] >= first) & (data["joined"] < last)].copy()
    still = known["left"] > last
    known["reason"] = known["reason"].mask(still, "inside")
    known["left"] = known["left"].mask(still, last)
    return xm.Spells.from_frame(
        known, origin="joined", exit="left", event="reason", censor="inside", window=window, scheme="censored"
    )


def stays(data: pd.DataFrame | None = None, **more) -> xm.Spells:
    """Censored stays on a clock of days, without dates."""
    data = people() if data is None else data
    exit = (data["left"] - data["joined"]).dt.days.to_numpy()
    label = np.where(exit > 300, "inside", data["reason"])
    return xm.Spells(
        exit=np.minimum(exit, 300), event=label, censor="inside", covariates={"x": data["x"].to_numpy()}, **more
    )


def shifted(by: int) -> str:
    return str(np.datetime64(WINDOW[0]) + by)


# ---- the window --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("by", [-10, 10])
@pytest.mark.parametrize("side", ["first", "last"])
def test_moving_the_window_is_reading_with_another_window(side, by):
    """Exits only; outwards the same rows are kept, so the table is first cut to the old window."""
    data = within(people(), WINDOW)
    edges = [np.datetime64(day) for day in WINDOW]
    edges[side == "last"] += by
    wanted = exits(data, (str(edges[0]), str(edges[1])))
    found = move_window(exits(data), **{side: by})
    for name in ("exit", "left_limit", "right_limit", "origin", "event"):
        assert_array_equal(getattr(found, name), getattr(wanted, name), err_msg=name)
    assert found.window == wanted.window
    assert found.ledger.n_set_aside == len(data) - len(wanted)


def test_moving_the_window_in_days_of_another_unit():
    data = within(people(), WINDOW)
    kept = {"origin": "joined", "exit": "left", "event": "reason", "censor": [], "scheme": "exits-only", "unit": "W"}
    found = move_window(xm.Spells.from_frame(data, window=WINDOW, **kept), first=14)
    inside = within(data, (shifted(14), WINDOW[1]))
    wanted = xm.Spells.from_frame(inside, window=(shifted(14), WINDOW[1]), **kept)
    assert_allclose(found.left_limit, wanted.left_limit, atol=1e-12)
    assert len(found) == len(wanted)


def test_moving_a_censored_window_in_is_reading_with_another_window():
    data = people(seed=1)
    for side, window in (("first", (shifted(30), WINDOW[1])), ("last", (WINDOW[0], "2014-07-22"))):
        wanted = censored(data, window)
        found = move_window(censored(data), **{side: 30 if side == "first" else -30})
        order = [np.lexsort((s.exit, s.labels)) for s in (found, wanted)]
        for name in ("entry", "exit", "labels"):
            assert_array_equal(getattr(found, name)[order[0]], getattr(wanted, name)[order[1]], err_msg=name)
        assert_array_equal(found.event[order[0]] > 0, wanted.event[order[1]] > 0)


def test_moving_a_censored_window_out_keeps_people_watched():
    spells = censored(people())
    out = move_window(spells, last=5)
    still = spells.event == 0
    assert_array_equal(out.exit[still] - spells.exit[still], 5)
    assert_array_equal(out.exit[~still], spells.exit[~still])
    back = move_window(spells, first=-5)
    late = spells.entry > 5
    assert_array_equal(spells.entry[late] - back.entry[late], 5)


def test_limits_without_dates_can_be_moved_where_that_is_exact():
    spells = xm.Spells(exit=[3, 5, 9], right_limit=[4.0, 8.0, 9.0])
    moved = move_window(spells, last=-1)
    assert moved.right_limit.tolist() == [3.0, 7.0]
    assert moved.ledger.n_set_aside == 1
    with pytest.raises(xm.DataError, match="do not say when"):
        move_window(xm.Spells(exit=[3, 5], left_limit=[0.0, 2.0], right_limit=[9.0, 9.0]), first=1)
    with pytest.raises(xm.DataError, match="do not say when"):
        move_window(stays(), first=1)


# ---- the dates ---------------------------------------------------------------------------------------------------
def test_an_error_of_no_days_changes_nothing():
    for spells in (exits(people()), censored(people()), stays()):
        moved = move_dates(spells, AnyDay(0), np.random.default_rng(0))
        for name in ("entry", "exit", "left_limit", "right_limit", "event"):
            assert_array_equal(getattr(moved, name), getattr(spells, name), err_msg=name)


def test_a_sure_error_of_one_day_is_reading_shifted_dates():
    """All dates a day later: durations stay, limits move. (Records of the last day are left out of the test.)"""
    data = within(people(), (WINDOW[0], "2014-08-20"))
    moved = move_dates(exits(data), xm.DayError({1: 1.0}, shared=True), np.random.default_rng(0))
    later = data.assign(joined=data["joined"] + np.timedelta64(1, "D"), left=data["left"] + np.timedelta64(1, "D"))
    wanted = exits(later)
    for name in ("exit", "left_limit", "right_limit", "origin"):
        assert_array_equal(getattr(moved, name), getattr(wanted, name), err_msg=name)


def test_errors_by_month_move_a_month_together():
    spells = exits(people())
    law = xm.DayError({0: 0.5, 3: 0.5}, shared=True)
    moved = move_dates(spells, law, np.random.default_rng(2), which=("origin",))
    by = moved.origin - spells.origin
    month = xm.to_hijri(spells.origin.astype("datetime64[D]"))
    spread = pd.Series(by).groupby([month["year"], month["month"]]).nunique()
    # A record that its month's error would make impossible has drawn again by itself.
    assert (spread == 1).mean() > 0.8
    assert set(by) == {0, 3}
    alone = move_dates(spells, xm.DayError({0: 0.5, 3: 0.5}, shared=False), np.random.default_rng(2))
    assert pd.Series(alone.origin - spells.origin).groupby([month["year"], month["month"]]).nunique().max() == 2


@pytest.mark.parametrize("make", [exits, censored])
def test_drawn_dates_keep_every_record_possible(make):
    moved = move_dates(make(people()), AnyDay(40), np.random.default_rng(3))
    assert np.all(moved.exit > moved.entry)
    if moved.left_limit is not None:
        assert np.all((moved.exit > moved.left_limit) & (moved.exit <= moved.right_limit))
    left = moved.event > 0
    days = (moved.origin + moved.exit)[left]
    assert days.min() >= np.datetime64(WINDOW[0]).astype(int)
    assert days.max() <= np.datetime64(WINDOW[1]).astype(int)


def test_errors_are_spread_as_the_law_says():
    spells = xm.Spells(exit=np.full(6000, 500))
    moved = move_dates(spells, xm.DayError(shared=False), np.random.default_rng(0))
    share = pd.Series(moved.exit - 500).value_counts(normalize=True)
    # Three standard errors of a share of 6000.
    assert_allclose([share[k] for k in (-1, 0, 1, 2)], [0.10, 0.55, 0.30, 0.05], atol=0.02)


def test_what_cannot_be_moved_is_refused():
    with pytest.raises(xm.DataError, match="need calendar dates"):
        move_dates(stays(), xm.DayError(), np.random.default_rng(0))
    intervals = xm.Spells(lower=[1.0, 2.0], upper=[2.0, np.inf])
    for ask in (
        lambda: move_window(intervals, first=1),
        lambda: move_dates(intervals, AnyDay(1), np.random.default_rng(0)),
    ):
        with pytest.raises(xm.DataError, match="only known to lie between"):
            ask()
    with pytest.raises(xm.DataError, match="names no dates"):
        move_dates(stays(), AnyDay(1), np.random.default_rng(0), which=("birth",))


# ---- the labels --------------------------------------------------------------------------------------------------
def test_a_sure_exchange_of_labels_exchanges_the_causes():
    table = pd.DataFrame(
        [[0.0, 1.0], [1.0, 0.0]], index=["treatment", "family visit"], columns=["treatment", "family visit"]
    )
    model = xm.Cox("x", event="treatment")
    found = xm.sensitivity(model, stays(), label_noise=table, n_draws=2)
    wanted = xm.Cox("x", event="family visit").fit(stays())
    row = found.to_frame().loc[0]
    assert_allclose(row["estimate"], wanted.estimate[0], rtol=1e-9)
    assert_allclose([row["low"], row["high"]], wanted.conf_int().to_numpy()[0], rtol=1e-8)
    assert row["spread"] == 0
    assert_allclose(found.base[0], model.fit(stays()).estimate[0])


def test_noise_has_the_rate_that_was_asked():
    spells = xm.Spells(exit=np.ones(9000), event=np.repeat([1, 2, 3], 3000), causes=["a", "b", "c"])
    drawn = draw_labels(spells, noise_table(spells.causes, 0.2), np.random.default_rng(0)).event
    moved = pd.crosstab(spells.event, drawn, normalize="index").to_numpy()
    # simulation: four standard errors of a share among 3000
    assert_allclose(moved, noise_table(spells.causes, 0.2), atol=0.025)
    assert_allclose(np.diag(noise_table(spells.causes, 0.2)), 0.8)


def test_a_table_from_coders_is_turned_round_by_bayes():
    """Sensitivity 0.9 and specificity 0.95: 22 % seen is 20 % true (Rogan and Gladen)."""
    written_given_true = np.array([[0.9, 0.1], [0.05, 0.95]])
    found = noise_table(["a", "b"], written_given_true, shares=np.array([0.22, 0.78]))
    joint = np.array([0.2, 0.8])[:, None] * written_given_true
    assert_allclose(found, (joint / joint.sum(axis=0)).T, rtol=1e-8)
    spells = xm.Spells(exit=[1, 2, 3, 4], event=[1, 1, 2, 2], causes=["a", "b"])
    asked = {
        "quantity": lambda f: f.at(3)["estimate"].iloc[0],
        "label_noise": np.eye(2),
        "noise_given": "true",
        "n_draws": 2,
    }
    assert xm.sensitivity(xm.AalenJohansen(), spells, **asked).to_frame()["change"].iloc[0] == 0


def test_unknown_reasons_follow_the_offset():
    spells = stays()
    known = np.array([(spells.event == spells.causes.index(c) + 1).sum() for c in ("treatment", "family visit")])
    table, group = belonging(spells, "unknown", "treatment", 1.0)
    wanted = expit(logit(known[0] / known.sum()) + 1.0)
    place = [spells.causes.index(c) for c in ("treatment", "family visit", "unknown")]
    assert_allclose(table[0][place], [wanted, 1 - wanted, 0.0], rtol=1e-12)
    assert not group.any()
    by_x, group = belonging(spells, "unknown", "treatment", 0.0, by="x")
    for value in (0, 1):
        own = spells.columns["x"].values == value
        share = [np.sum(own & (spells.event == spells.causes.index(c) + 1)) for c in ("treatment", "family visit")]
        assert_allclose(by_x[group[own][0], place[0]], share[0] / sum(share), rtol=1e-12)


@pytest.mark.parametrize(("offset", "target"), [(np.inf, "treatment"), (-np.inf, "family visit")])
def test_the_bounds_of_unknown_reasons_are_recoding_by_hand(offset, target):
    data = people()
    model = xm.Cox("x", event="treatment")
    asked = {"unknown": "unknown", "belongs": "treatment", "offsets": [offset], "n_draws": 2}
    found = xm.sensitivity(model, stays(data), **asked).to_frame().loc[0, "estimate"]
    by_hand = data.assign(reason=data["reason"].replace("unknown", target))
    assert_allclose(found, model.fit(stays(by_hand)).estimate[0], rtol=1e-9)
    drawn = draw_unknown(stays(data), "unknown", "treatment", offset, np.random.default_rng(0))
    assert "unknown" not in drawn.causes


def test_a_row_of_weight_three_draws_as_three_rows():
    data = people(80)
    weight = np.arange(80) % 3 + 1
    repeated = data.loc[data.index.repeat(weight)].reset_index(drop=True)
    asked = {
        "label_noise": 0.2,
        "dates": 3,
        "unknown": "unknown",
        "belongs": "treatment",
        "offsets": [0.5],
        "n_draws": 3,
        "rng": 5,
    }
    model = xm.Cox("x", event="treatment")
    a = xm.sensitivity(model, stays(data, weight=weight), **asked).to_frame()
    b = xm.sensitivity(model, stays(repeated), **asked).to_frame()
    assert_allclose(a["estimate"], b["estimate"], rtol=1e-8)
    assert_allclose(a["low"], b["low"], rtol=1e-8)
    assert_array_equal(a["rows"], b["rows"])


# ---- pooling and failures ----------------------------------------------------------------------------------------
def test_limits_of_drawn_changes_are_rubins():
    model, spells = xm.Cox("x", event="treatment"), stays()
    found = xm.sensitivity(model, spells, label_noise=0.3, n_draws=6, rng=11).to_frame().loc[0]
    seeds = np.random.default_rng(11).integers(0, 2**63 - 1, size=6)
    table = noise_table(spells.causes, 0.3)
    fits = [model.fit(draw_labels(spells, table, np.random.default_rng(seed))) for seed in seeds]
    pooled = xm.pool(fits)
    assert_allclose(found["estimate"], pooled.estimate[0], rtol=1e-10)
    half = 1.959963984540054 * pooled.standard_errors[0]
    assert_allclose([found["low"], found["high"]], pooled.estimate[0] + np.array([-half, half]), rtol=1e-9)
    assert_allclose(found["spread"], np.sqrt(pooled.between[0, 0]), rtol=1e-9)


def test_the_same_seed_gives_the_same_numbers_whatever_else_is_asked():
    model = xm.Cox("x", event="treatment")
    few = xm.sensitivity(model, stays(), label_noise=[0.1], n_draws=3, rng=4).to_frame()
    more = xm.sensitivity(
        model, stays(), label_noise=[0.05, 0.1], dates=2, variations={"x = 1": lambda s: s}, n_draws=3, rng=4
    ).to_frame()
    row = more[(more["variation"] == "label noise") & (more["level"] == "0.1")].iloc[0]
    assert row["estimate"] == few.loc[0, "estimate"]
    assert more[more["variation"] == "x = 1"]["change"].iloc[0] == 0


def test_a_refit_that_fails_is_listed_with_its_reason():
    model = xm.Cox("x", event="treatment")
    found = xm.sensitivity(
        model,
        stays(),
        variations={
            "one sort": lambda s: s.select(s.columns["x"].values == 1),
            "nobody": lambda s: s.select(s.exit < 0),
            "as it is": stays(),
        },
    )
    frame = found.to_frame().set_index("variation")
    assert frame["failed"].to_dict() == {"one sort": 1, "nobody": 1, "as it is": 0}
    assert "constant" in frame.loc["one sort", "why"]
    assert "No row is selected" in frame.loc["nobody", "why"]
    assert not found.converged
    assert len(found.warnings) == 2
    assert "nobody: 1 of 1 refits failed" in str(found)
    assert found.plot() is not None


def test_duplicates_by_mapping_and_by_function():
    data = people()
    by_hand = {t: stays(data.iloc[: 300 - 50 * k]) for k, t in enumerate((0.99, 0.9, 0.8))}
    model = xm.Cox("x", event="treatment")
    a = xm.sensitivity(model, stays(data), duplicates=by_hand)
    b = xm.sensitivity(model, stays(data), duplicates=by_hand.__getitem__, thresholds=[0.99, 0.9, 0.8])
    assert a.to_frame().equals(b.to_frame())
    assert a.to_frame()["rows"].tolist() == [300, 250, 200]
    assert a.plot(kind="curve") is not None


# ---- what is followed --------------------------------------------------------------------------------------------
def test_a_quantity_may_be_many_things():
    spells = stays().for_cause("any")
    km = xm.KaplanMeier().fit(spells)
    row = km.at(100).iloc[0]
    wanted = [row["estimate"], row["lower"], row["upper"]]
    asks = [lambda f: f.at(100), lambda f: f.at(100).iloc[0], lambda f: tuple(wanted), lambda f: dict(row)]
    for ask in asks:
        assert_allclose(quantity_of(km, ask, 0.05)[1](km), wanted)
    area = km.rmst().iloc[0]
    assert_allclose(quantity_of(km, "rmst", 0.05)[1](km), [area["estimate"], area["lower"], area["upper"]])
    middle = quantity_of(km, lambda f: f.quantile(0.5), 0.05)[1](km)
    assert_allclose(middle, km.quantile(0.5).iloc[0][["time", "lower", "upper"]].to_numpy(float))
    alone = quantity_of(km, lambda f: f.at(100)["estimate"].iloc[0], 0.05)[1](km)
    assert_allclose(alone[0], wanted[0])
    assert np.isnan(alone[1:]).all()


@pytest.mark.parametrize(
    ("quantity", "words"),
    [
        (None, "no coefficients"),
        ("age", "no coefficient and no attribute"),
        (lambda f: f.at([1, 2]), "table of 2 rows"),
        (lambda f: "many", "no number"),
        (lambda f: {"a": 1, "b": 2}, "none is called estimate"),
        (lambda f: [1, 2], "no number"),
    ],
)
def test_a_quantity_that_is_no_number_is_refused(quantity, words):
    with pytest.raises(xm.DataError, match=words):
        xm.sensitivity(xm.KaplanMeier(), stays().for_cause("any"), quantity=quantity, variations={"same": stays()})


def test_several_coefficients_need_a_choice():
    spells = xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest")
    with pytest.raises(xm.DataError, match="2 coefficients"):
        xm.sensitivity(xm.Cox("fin + prio"), spells, variations={"same": spells})
    found = xm.sensitivity(xm.Cox("fin + prio"), spells, quantity="prio", variations={"same": spells})
    assert found.quantity == "prio"


# ---- the table and the figures -----------------------------------------------------------------------------------
def whole() -> xm.Spells:
    return exits(people(600, seed=2))


def test_swings_are_sorted_and_hold_the_base():
    found = xm.sensitivity(
        xm.TruncatedCox("x", event="treatment"), whole(), window=[7, 30], dates=2, label_noise=[0.1, 0.3], n_draws=3
    )
    swings = found.swings
    assert swings.is_monotonic_decreasing
    frame = found.to_frame()
    for name, swing in swings.items():
        values = [found.base[0], *frame[frame["variation"] == name]["estimate"]]
        assert_allclose(swing, max(values) - min(values))
    ax = found.plot(null=0)
    labels = [text.get_text() for text in ax.get_yticklabels()]
    assert labels == list(swings.index)
    assert len(ax.patches) >= len(swings)


def test_tipping_says_where_a_finding_vanishes():
    """With no draws to blur it: levels that move the estimate and its limits by a known amount."""
    spells = xm.Spells(exit=[1.0, 2.0, 3.0])

    class Mean:
        def fit(self, s):
            return s.exit.mean()

    def moved(by: float):
        return lambda s: s._with(exit=s.exit - by)

    found = xm.sensitivity(
        Mean(),
        spells,
        quantity=lambda m: (m, m - 1, m + 1),
        variations={"shift": {0.5: moved(0.5), 1.25: moved(1.25), 2.0: moved(2.0)}, "small": moved(0.1)},
    )
    table = found.tipping().set_index("variation")
    assert not table.loc["shift", "holds"]
    assert table.loc["shift", "level"] == "1.25"
    assert_allclose(table.loc["shift", "at"], 1.0)
    assert table.loc["small", "holds"]
    with pytest.raises(xm.DataError, match="that a change could take away"):
        found.tipping(null=1.5)


def test_it_prints_and_is_saved(tmp_path):
    model = xm.Cox("x", event="treatment")
    found = xm.sensitivity(
        model, stays(), unknown="unknown", belongs="treatment", offsets=[-np.inf, -1, 0, 1, np.inf], n_draws=3
    )
    assert "unknown is treatment" in str(found)
    assert "tabular" in found.to_latex()
    assert found.to_markdown().startswith("| variation")
    assert "Rubin" in found.cite()
    ax = found.plot(kind="curve", null=0)
    assert [text.get_text() for text in ax.get_xticklabels()] == ["-inf", "-1", "0", "1", "inf"]
    found.save(tmp_path / "found.json")
    again = xm.load(tmp_path / "found.json")
    assert again.to_frame().equals(found.to_frame())
    assert found.params["base"].iloc[0] == found.base[0]
    with pytest.raises(xm.DataError, match="hold no limits for alpha"):
        found.summary(alpha=0.1)
    with pytest.raises(xm.DataError, match="not known"):
        found.plot(kind="pie")


# ---- bad input ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({}, "no-change"),
        ({"window": 7}, "window"),
        ({"window": 0}, "window"),
        ({"window": 1.5}, "window"),
        ({"dates": 0}, "dates"),
        ({"label_noise": 1.5}, "label-noise"),
        ({"label_noise": [[0.5, 0.5], [0.5, 0.5]]}, "label-noise"),
        ({"label_noise": np.full((3, 3), 0.4)}, "label-noise"),
        ({"label_noise": 0.1, "noise_given": "coded"}, "label-noise"),
        ({"label_noise": 0.1, "n_draws": 1}, "n-draws"),
        ({"unknown": "blank", "belongs": "treatment"}, "unknown-cause"),
        ({"unknown": "unknown", "belongs": "unknown"}, "unknown"),
        ({"duplicates": lambda t: t}, "duplicates"),
        ({"variations": {"odd": 3}}, "variations"),
        ({"label_noise": 0.1, "alpha": 0.0}, "alpha"),
    ],
)
def test_bad_questions_are_refused(asked, code):
    with pytest.raises(xm.DataError) as problem:
        xm.sensitivity(xm.Cox("x", event="treatment"), stays(), **asked)
    assert problem.value.code == code
    assert problem.value.hint


def test_one_reason_has_no_wrong_labels():
    with pytest.raises(xm.DataError, match="one reason only"):
        xm.sensitivity(xm.KaplanMeier(), stays().for_cause("any"), quantity="rmst", label_noise=0.1)
