"""What every curve result can be asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import exitmodels as xm


@pytest.fixture(scope="module")
def spells() -> xm.Spells:
    return xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest", unit="W")


def test_a_curve_is_a_long_frame(spells: xm.Spells) -> None:
    curve = xm.KaplanMeier(by=["fin", "mar"]).fit(spells)
    frame = curve.to_frame()
    assert list(frame.columns) == [
        "group", "fin", "mar", "time", "estimate", "se", "lower", "upper", "at_risk", "events", "censored",
    ]  # fmt: skip
    assert len(curve) == 4
    assert curve.groups[1] == "fin=0, mar=1"
    assert_array_equal(frame.time, curve.time)
    assert frame.events.sum() == 114
    assert frame.groupby("group").at_risk.first().sum() == 432


def test_pieces_are_picked_by_label_number_or_keys(spells: xm.Spells) -> None:
    curve = xm.KaplanMeier(by=["fin", "mar"]).fit(spells)
    assert curve["fin=0, mar=1"].groups == curve[1].groups == curve[{"fin": 0, "mar": 1}].groups
    assert len(curve["fin=0"]) == 2
    with pytest.raises(xm.DataError, match="No curve for 'fin=7'"):
        curve["fin=7"]


def test_readings(spells: xm.Spells) -> None:
    curve = xm.KaplanMeier().fit(spells)
    at = curve.at([0, 0.5, 20, 52, 60])
    assert at.estimate[0] == at.estimate[1] == 1
    assert at.at_risk[0] == 432
    assert at.events[3] == 114
    assert np.isnan(at.estimate[4])
    with pytest.raises(xm.DataError, match="beyond 52"):
        curve.rmst(60)
    with pytest.raises(xm.DataError, match="has no quantiles"):
        xm.NelsonAalen().fit(spells).quantile(0.5)
    with pytest.raises(xm.DataError, match="use one of plain"):
        curve.conf_int(transform="probit")
    with pytest.raises(xm.DataError, match="between 0 and 1"):
        curve.conf_int(alpha=95)
    frame = curve.to_frame()
    first = [frame.time[frame.estimate <= level].iloc[0] for level in (0.9, 0.8)]
    assert curve.quantile([0.1, 0.2]).time.tolist() == first
    assert "not reached" in str(curve)


def test_saved_curves_come_back(spells: xm.Spells, tmp_path: Path) -> None:
    for curve in (xm.KaplanMeier(by="fin").fit(spells), xm.AalenJohansen().fit(spells)):
        curve.save(tmp_path / "curve.json")
        back = xm.load(tmp_path / "curve.json")
        pd.testing.assert_frame_equal(back.to_frame(), curve.to_frame())
        assert back.cite() == curve.cite()
        with pytest.raises(xm.DataError, match="needs the data"):
            back.rmst(30)


def test_limits_of_a_hazard_are_those_of_its_survival(spells: xm.Spells) -> None:
    hazard = xm.NelsonAalen().fit(spells)
    survival = hazard.survival()
    for ours, theirs in (("log", "log-log"), ("plain", "log"), ("arcsine", "arcsine"), ("logit", "logit")):
        one, two = hazard.conf_int(transform=ours), survival.conf_int(transform=theirs)
        assert_allclose(np.exp(-one["high"]), two["low"], rtol=1e-10)
        assert_allclose(np.exp(-one["low"]), two["high"], rtol=1e-10)
    area, at = survival.rmst(40), survival.to_frame()
    rest = [sum(survival.at(np.arange(t, 40)).estimate) for t in at.time]  # weeks are whole, so the area is a sum
    by_hand = np.sum(np.where(at.time < 40, np.square(rest), 0) * at.events / at.at_risk**2)
    assert_allclose(area.se[0], np.sqrt(by_hand), rtol=1e-9)
    assert survival.quantile(0.1).time[0] == 23


def test_robust_area_under_the_survival_form_is_a_derivative() -> None:
    rng = np.random.default_rng(2)
    data = {"t": rng.integers(1, 15, 20), "e": rng.integers(0, 2, 20), "w": 1 + rng.random(20)}

    def area(weight: np.ndarray) -> pd.DataFrame:
        spells = xm.Spells.from_frame({**data, "w": weight}, exit="t", event="e", weight="w", weights="sampling")
        return xm.NelsonAalen().fit(spells).survival().rmst(10)

    moves = [
        data["w"][i] * (area(data["w"] + step).estimate[0] - area(data["w"] - step).estimate[0]) / 2e-5
        for i, step in enumerate(np.eye(20) * 1e-5)
    ]
    assert_allclose(area(data["w"]).se[0], np.sqrt(np.sum(np.square(moves))), rtol=1e-5)


def test_rows_without_a_group_are_refused_or_set_aside() -> None:
    data = pd.DataFrame({"t": [1, 2, 3, 4], "e": 1, "g": ["a", None, "b", "b"]})
    with pytest.raises(xm.DataError, match="their group is not known"):
        xm.KaplanMeier(by="g").fit(xm.Spells.from_frame(data, exit="t", event="e"))
    spells = xm.Spells.from_frame(data, exit="t", event="e", missing="drop")
    assert xm.KaplanMeier(by="g").fit(spells).ledger.used == 3
    assert xm.KaplanMeier().fit(spells).ledger.used == 4
    assert xm.logrank_test(spells, by="g").ledger.used == 3


def test_files_that_are_not_ours_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"format": 99}')
    with pytest.raises(xm.DataError, match="not a result saved by this version"):
        xm.load(tmp_path / "x.json")
    (tmp_path / "y.json").write_text('{"format": 1, "result": {"": "os:system", "value": {}}}')
    with pytest.raises(xm.DataError, match="outside exitmodels"):
        xm.load(tmp_path / "y.json")


def test_a_test_prints_saves_and_cites(spells: xm.Spells, tmp_path: Path) -> None:
    test = xm.logrank_test(spells, by="fin", trend=True)
    test.save(tmp_path / "t.json")
    assert str(xm.load(tmp_path / "t.json")) == str(test)
    assert test.to_frame().loc["fin=0", "observed"] == 66
    assert "Mantel" in test.cite()
    assert "Tarone" in test.cite()


@pytest.mark.parametrize("limits", [True, False])
def test_figures_are_labelled_with_units_and_events(spells: xm.Spells, limits: bool) -> None:
    ax = xm.KaplanMeier(by="fin").fit(spells).plot(limits=limits, risk_table=True)
    assert "weeks" in ax.get_xlabel()
    assert "66" in " ".join(text.get_text() for text in ax.get_legend().get_texts())
    stacked = xm.AalenJohansen().fit(spells).plot(stacked=True)
    assert stacked.get_ylim() == (0, 1)
    panels = xm.AalenJohansen(by="fin").fit(spells).plot(stacked=True)
    assert [panel.get_title() for panel in panels] == ["fin=0\n66 exits of 216", "fin=1\n48 exits of 216"]
    with pytest.raises(xm.DataError, match="need a panel each"):
        xm.AalenJohansen(by="fin").fit(spells).plot(panels[0], stacked=True)
    with pytest.raises(xm.DataError, match="Only incidences"):
        xm.KaplanMeier().fit(spells).plot(stacked=True)
    assert "95%" in xm.Cox("fin + age").fit(spells).plot().get_xlabel()
    assert "80%" in xm.Cox("fin + age").fit(spells).plot(alpha=0.2).get_xlabel()
    assert spells.plot().get_xlabel()


def test_tables_for_papers(spells: xm.Spells) -> None:
    curve = xm.KaplanMeier(by="fin").fit(spells)
    assert curve.to_latex([26, 52], caption="A & B").count(r"\\") == 5
    assert r"A \& B" in curve.to_latex([26], caption="A & B")
    assert curve.to_markdown([26]).count("\n") == 3
    assert curve.to_html([26]).count("<tr>") == 3


def test_bootstrap_of_the_median_is_seeded_and_covers() -> None:
    rng = np.random.default_rng(0)
    spells = xm.Spells(exit=rng.exponential(100, 431), event=rng.random(431) < 0.8)
    one, two = (xm.KaplanMeier().bootstrap(spells, n=500, rng=7) for _ in range(2))
    assert_array_equal(one.draws, two.draws)
    greenwood = xm.KaplanMeier().fit(spells).median()
    limits = one.conf_int()
    assert_allclose(limits.low.iloc[0], greenwood.lower[0], rtol=0.06)  # two methods, 500 draws
    assert_allclose(limits.high.iloc[0], greenwood.upper[0], rtol=0.06)  # two methods, 500 draws
    assert one.estimate[0] == greenwood.time[0]
