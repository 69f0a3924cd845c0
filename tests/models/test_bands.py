"""Bands of curves: laws, ranges, draws, refusals and figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import exitmodels as xm
from exitmodels.kernels.suprema import bridge_critical, scaled_critical


@pytest.fixture
def world() -> pd.DataFrame:
    """Late entry, ties at whole days, two causes, weights and clusters."""
    rng = np.random.default_rng(7)
    n = 150
    entry = np.where(rng.random(n) < 0.5, rng.integers(0, 20, n), 0)
    columns = {"entry": entry, "exit": entry + rng.integers(1, 40, n), "event": rng.integers(0, 3, n)}
    return pd.DataFrame(
        {**columns, "w": rng.integers(1, 4, n), "c": rng.integers(0, 30, n), "g": rng.integers(0, 2, n)}
    )


def read(data: pd.DataFrame, **more: object) -> xm.Spells:
    return xm.Spells.from_frame(data, exit="exit", entry="entry", event="event", censor=[0], **more)


def numbers(curve: xm.results.curve.Curve, kind: str, **more: object) -> np.ndarray:
    return curve.bands(kind, **more).to_frame()[["time", "estimate", "lower", "upper"]].to_numpy()


KINDS = ("hall-wellner", "equal-precision")


@pytest.mark.parametrize("kind", KINDS)
def test_weights_order_cuts_and_units_change_nothing(world: pd.DataFrame, kind: str) -> None:
    copies = world.loc[world.index.repeat(world.w)]
    km = xm.KaplanMeier(event="any", by="g")
    whole = numbers(km.fit(read(world, weight="w")), kind, start=4)
    assert_allclose(whole, numbers(km.fit(read(copies)), kind, start=4), rtol=1e-9)
    assert_allclose(whole, numbers(km.fit(read(copies.sample(frac=1, random_state=1))), kind, start=4), rtol=1e-9)
    hours = copies.assign(entry=copies.entry * 24, exit=copies.exit * 24)
    assert_allclose(whole * [24, 1, 1, 1], numbers(km.fit(read(hours)), kind, start=96), rtol=1e-9)


def test_cutting_spells_changes_no_equal_precision_band(world: pd.DataFrame) -> None:
    km = xm.KaplanMeier(event="any", variance="greenwood")
    spells = read(world)
    one, two = (km.fit(s).bands(start=3, end=30).to_frame() for s in (spells, spells.split([5, 11])))
    assert_allclose(one[["lower", "upper"]], two[["lower", "upper"]], rtol=1e-9)


def test_the_formulas_by_hand(world: pd.DataFrame) -> None:
    """Both bands from the Greenwood sum alone, under late entry and ties."""
    curve = xm.KaplanMeier(event="any").fit(read(world))
    frame = curve.to_frame()
    variance = np.cumsum(frame.events / (frame.at_risk * (frame.at_risk - frame.events)))
    keep = ((frame.time >= 5) & (frame.time <= 40)).to_numpy()
    survival, v, n = frame.estimate[keep], variance[keep], len(world)
    assert frame.time[keep].iloc[0] == 5
    k = bridge_critical(0.1, *(n * u / (1 + n * u) for u in (v.iloc[0], v.iloc[-1])))
    band = curve.bands("hall-wellner", 0.1, start=5, end=40, transform="plain").to_frame()
    assert_allclose(band.upper, np.minimum(survival * (1 + k * (1 + n * v) / np.sqrt(n)), 1), rtol=1e-10)
    k = scaled_critical(0.1, v.iloc[-1] / v.iloc[0])
    band = curve.bands(alpha=0.1, start=5, end=40, transform="log").to_frame()
    assert_allclose(band.lower, survival * np.exp(-k * np.sqrt(v)), rtol=1e-10)
    hazard = xm.NelsonAalen(event="any").fit(read(world))
    wide = np.cumsum(frame.events / frame.at_risk**2)[keep]
    k = scaled_critical(0.05, wide.iloc[-1] / wide.iloc[0])
    band = hazard.bands(start=5, end=40, transform="plain").to_frame()
    assert_allclose(band.upper, hazard.to_frame().estimate[keep] + k * np.sqrt(wide), rtol=1e-10)


def test_without_censoring_hall_wellner_is_kolmogorovs_band() -> None:
    exits = np.arange(1, 201)
    band = xm.KaplanMeier().fit(xm.Spells(exit=exits)).bands("hall-wellner", transform="plain")
    inner = band.to_frame().iloc[20:180]
    assert_allclose(inner.upper - inner.estimate, band.pieces[0].critical / np.sqrt(200), rtol=1e-9)
    # printed with five figures; 200 steps stand for the limit
    assert_allclose(band.pieces[0].critical, 1.3581, rtol=2e-4)


def test_a_band_is_wider_than_limits_and_holds_its_first_value(world: pd.DataFrame) -> None:
    curve = xm.KaplanMeier(event="any").fit(read(world))
    band = curve.bands(start=10.5, end=30)
    limits = curve.at([10.5, 20, 30])
    at = band.at([10.5, 20, 30])
    assert (at.lower < limits.lower).all()
    assert (at.upper > limits.upper).all()
    assert band.to_frame().time[0] == 10.5
    assert band.at([10, 31]).lower.isna().all()
    narrow = curve.bands(start=20, end=22)
    assert narrow.pieces[0].critical < band.pieces[0].critical


def test_draws_agree_with_the_exact_value_and_are_seeded(world: pd.DataFrame) -> None:
    rng = np.random.default_rng(8)
    many = xm.KaplanMeier().fit(xm.Spells(exit=rng.exponential(10, 1000), entry=None, event=rng.random(1000) < 0.8))
    exact = many.bands(start=1, end=20).pieces[0].critical
    drawn = [many.bands(start=1, end=20, n_draws=2000, rng=1).pieces[0].critical for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert abs(drawn[0] - exact) < 0.12  # a path that moves at exits only reaches a little less far
    cif = xm.AalenJohansen().fit(read(world))
    band = cif.bands(start=5, end=40, rng=2)
    assert band.n_draws == 2000
    assert "2000 multiplier draws" in str(band)
    assert "Lin, D. Y." in band.cite()
    assert all(1.96 < piece.critical < 4 for piece in band.pieces)


def test_clusters_are_drawn_whole(world: pd.DataFrame) -> None:
    """Every row ten times over in one cluster: the clustered band is that of the rows alone."""
    alone = xm.KaplanMeier(event="any", variance="robust").fit(read(world))
    tenfold = world.loc[world.index.repeat(10)]
    spells = read(tenfold.assign(c=tenfold.index), cluster="c")
    band = xm.KaplanMeier(event="any", variance="cluster").fit(spells).bands(start=5, end=40, n_draws=8000, rng=3)
    again = alone.bands(start=5, end=40, n_draws=8000, rng=4)
    assert_allclose(band.to_frame().lower, again.to_frame().lower, rtol=0.01)  # two sets of draws


def test_what_cannot_be_had_is_refused(world: pd.DataFrame) -> None:
    spells = read(world, cluster="c")
    curve = xm.KaplanMeier(event="any").fit(spells)
    with pytest.raises(xm.DataError, match="not a known band"):
        curve.bands("nair")
    with pytest.raises(xm.DataError, match="independent increments"):
        xm.AalenJohansen().fit(spells).bands("hall-wellner")
    with pytest.raises(xm.DataError, match="independent increments"):
        xm.KaplanMeier(event="any", variance="cluster").fit(spells).bands("hall-wellner")
    with pytest.raises(xm.DataError, match="must be drawn from the data"):
        xm.Cox("g", event=1).fit(spells).predict_survival({"g": [1]}).bands()
    with pytest.raises(xm.DataError, match="beyond"):
        curve.bands(end=500)
    with pytest.raises(xm.DataError, match="no exit between"):
        curve.bands(end=0.5)
    with pytest.raises(xm.DataError, match="between 0 and 1"):
        curve.bands(alpha=5)
    with pytest.raises(xm.DataError, match="use one of"):
        curve.bands(transform="probit")
    with pytest.raises(xm.DataError, match="too few"):
        curve.bands(n_draws=10)
    with pytest.raises(xm.DataError, match="not zero"):
        xm.KaplanMeier().fit(xm.Spells(exit=[3, 4], event=[0, 0], causes=["x"])).bands()


def test_bands_are_saved_printed_and_drawn(world: pd.DataFrame, tmp_path: Path) -> None:
    curve = xm.KaplanMeier(event="any", by="g").fit(read(world))
    band = curve.bands("hall-wellner")
    band.save(tmp_path / "band.json")
    curve.save(tmp_path / "curve.json")
    pd.testing.assert_frame_equal(xm.load(tmp_path / "band.json").to_frame(), band.to_frame())
    again = xm.load(tmp_path / "curve.json").bands("hall-wellner")
    pd.testing.assert_frame_equal(again.to_frame(), band.to_frame())
    cif = xm.AalenJohansen().fit(read(world))
    cif.save(tmp_path / "cif.json")
    with pytest.raises(xm.DataError, match="saved or predicted"):
        xm.load(tmp_path / "cif.json").bands()
    assert "Hall, W. J." in band.cite()
    assert band.to_latex([10, 20]).count(r"\\") == 5
    assert len(band.to_markdown([10]).splitlines()) == 4
    assert "<table>" in band.to_html([10])
    plain, both = curve.plot(), curve.plot(bands=band)
    assert len(both.collections) == len(plain.collections) + 2
    assert len(curve.plot(bands="equal-precision", limits=False, risk_table=True).collections) == 2
    assert "95%" in str(band)
