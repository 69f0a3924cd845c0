"""Life tables and smoothed hazards: slow definitions, derivatives, figures, refusals."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad

import exitmodels as xm
from exitmodels.kernels.hazardsmooth import KERNELS, kernel_value

EDGES = [0, 2, 5, 9, 14]


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(21)
    n = 120
    entry = np.where(rng.random(n) < 0.4, rng.integers(0, 6, n), 0)
    return pd.DataFrame(
        {
            "entry": entry,
            "exit": entry + rng.integers(1, 12, n),
            "event": rng.integers(0, 2, n),
            "w": rng.uniform(0.5, 2, n),
            "c": rng.integers(0, 15, n),
            "g": rng.integers(0, 2, n),
        }
    )


def read(frame, **more):
    return xm.Spells.from_frame(frame, exit="exit", entry="entry", event="event", **more)


# ---- life tables -------------------------------------------------------------------------------------------------
def test_a_small_table_by_hand():
    """Ten begin; (0, 2): one left; [2, 5): two left, two lost, one came at 3; [5, 8): three left, one lost."""
    exit, event = [1, 2, 4, 3, 4, 5, 6, 7, 7, 9, 6], [1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0]
    spells = xm.Spells(exit=exit, event=event, entry=[0] * 10 + [3])
    table = xm.LifeTable([0, 2, 5, 8]).fit(spells).to_frame()
    assert table.present.tolist() == [10, 9, 6, 1]
    assert table.entered.tolist() == [0, 1, 0, 0]
    assert table.lost.tolist() == [0, 2, 2, 1]
    assert table.left.tolist() == [1, 2, 3, 0]
    assert table.exposed.tolist() == [10, 8.5, 5, 0.5]
    assert_allclose(table.survival, np.cumprod([1, 0.9, 6.5 / 8.5, 2 / 5]))
    assert_allclose(table.hazard.iloc[1], 2 / (3 * (8.5 - 1)))
    assert_allclose(table.density.iloc[2], table.survival.iloc[2] * 0.6 / 3)
    rest = table.median_rest.iloc[2]  # from 5, half of S(5) is reached on the straight line from S(5) to 0.4 S(5)
    assert_allclose(rest, 3 * 0.5 / 0.6)
    assert np.isnan(table.hazard.iloc[3])


def test_closed_on_the_right_is_kaplan_meier_without_losses():
    spells = xm.Spells(exit=[1, 2, 2, 3, 4, 4])
    table = xm.LifeTable([0, 1, 2, 3, 4], closed="right").fit(spells).to_frame()
    km = xm.KaplanMeier().fit(spells)
    assert_allclose(table.survival.iloc[1:], km.estimate[:-1])
    assert_allclose(table.survival_se.iloc[1:], km.se[:-1])
    assert_allclose(table.survival_lower.iloc[1:], km.conf_int().low[:-1])


@pytest.mark.parametrize("kind", ["robust", "sampling", "cluster"])
def test_robust_errors_are_derivatives_by_the_weights(frame, kind):
    """Move the weight of each row (or cluster) a little, and add up the squares."""
    by_cluster = {"cluster": "c"} if kind == "cluster" else {}
    weight = frame.w.to_numpy()
    spells = read(frame, weight="w", weights="sampling", **by_cluster)
    table = xm.LifeTable(EDGES, variance="cluster" if kind == "cluster" else None).fit(spells).to_frame()

    def columns(w):
        made = read(frame.assign(w=w), weight="w", weights="sampling")
        return xm.LifeTable(EDGES, variance="robust").fit(made).to_frame()[["survival", "density", "hazard"]].to_numpy()

    unit = frame.c.to_numpy() if kind == "cluster" else np.arange(len(frame))
    total = 0.0
    for value in np.unique(unit):
        moved = weight * (unit == value)
        total = total + ((columns(weight + 1e-5 * moved) - columns(weight - 1e-5 * moved)) / 2e-5) ** 2
    assert_allclose(table[["survival_se", "density_se", "hazard_se"]], np.sqrt(total), rtol=1e-5, atol=1e-9)


def test_a_table_prints_in_every_form(frame, tmp_path):
    table = xm.LifeTable(EDGES, by="g").fit(read(frame))
    assert "[2, 5)" in str(table)
    assert "from 14" in str(table)
    assert r"\midrule" in table.to_latex()
    assert table.to_markdown().startswith("| interval")
    assert "<table>" in table.to_html()
    assert "Gehan" in table.cite()
    assert table.conf_int().shape == (2 * 5, 2)
    table.save(tmp_path / "table.json")
    pd.testing.assert_frame_equal(xm.load(tmp_path / "table.json").to_frame(), table.to_frame())
    for what in ("hazard", "survival"):
        ax = table.plot(what=what)
        assert len(ax.get_legend().get_texts()) == 2
    with pytest.raises(xm.DataError, match="what="):
        table.plot(what="shape")
    plt.close("all")


@pytest.mark.parametrize(
    ("model", "code"),
    [
        (xm.LifeTable([0, 3, 2]), "edges"),
        (xm.LifeTable([0]), "edges"),
        (xm.LifeTable([2, 5]), "edges"),
        (xm.LifeTable([0, 5], closed="both"), "closed"),
        (xm.LifeTable([0, 5], variance="wald"), "variance"),
        (xm.SmoothHazard("wide"), "bandwidth"),
        (xm.SmoothHazard(-3), "bandwidth"),
        (xm.SmoothHazard(3, kernel="normal"), "kernel"),
        (xm.SmoothHazard(3, boundary="right"), "boundary"),
        (xm.SmoothHazard(3, ties="efron"), "ties"),
        (xm.SmoothHazard(3, transform="logit"), "transform"),
        (xm.SmoothHazard(3, points=1), "points"),
        (xm.SmoothHazard(3, start=9, end=4), "range"),
    ],
)
def test_choices_that_are_not_known_are_refused(frame, model, code):
    with pytest.raises(xm.DataError) as caught:
        model.fit(read(frame))
    assert caught.value.code == code


# ---- smoothed hazards --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("q", [0.0, 0.3, 0.8, 1.0])
def test_kernels_have_mass_one_and_mean_zero(kernel, q):
    for power, moment in ((0, 1), (1, 0)):
        found, _ = quad(lambda z: z**power * float(kernel_value(kernel, q, np.array(z))), -1, q)  # noqa: B023
        assert_allclose(found, moment, atol=1e-9)


def test_plain_kernels_by_their_formulas():
    z = np.linspace(-0.99, 0.99, 7)
    assert_allclose(kernel_value("rectangle", 1.0, z), 0.5)
    assert_allclose(kernel_value("epanechnikov", 1.0, z), 0.75 * (1 - z**2))
    assert_allclose(kernel_value("biquadratic", 1.0, z), 15 / 16 * (1 - z**2) ** 2)
    assert_allclose(kernel_value("triquadratic", 1.0, z), 35 / 32 * (1 - z**2) ** 3)


def test_away_from_the_ends_each_exit_adds_its_kernel(frame):
    curve = xm.SmoothHazard(3, start=0, end=14, points=15).fit(read(frame))
    chosen = frame[frame.event == 1]
    for t in (4, 7, 10):
        value = spread = 0.0
        for day in chosen.exit.unique():
            at_risk = ((frame.entry < day) & (frame.exit >= day)).sum()
            left = (chosen.exit == day).sum()
            height = 0.75 * max(1 - ((t - day) / 3) ** 2, 0) / 3
            value, spread = value + height * left / at_risk, spread + height**2 * left / at_risk**2
        row = curve.at(t).iloc[0]
        assert_allclose([row.estimate, row.se], [value, np.sqrt(spread)])
        half = 1.959963984540054 * np.sqrt(spread) / value
        assert_allclose([row.lower, row.upper], [value * np.exp(-half), value * np.exp(half)])


@pytest.mark.parametrize("cluster", [False, True])
def test_robust_errors_of_a_hazard_are_derivatives_by_the_weights(frame, cluster):
    weight = frame.w.to_numpy()
    model = xm.SmoothHazard(4, start=0, end=12, points=7, variance="cluster" if cluster else "robust")
    spells = read(frame, weight="w", weights="sampling", **({"cluster": "c"} if cluster else {}))

    def hazard(w):
        plain = xm.SmoothHazard(4, start=0, end=12, points=7, variance="robust")
        return plain.fit(read(frame.assign(w=w), weight="w", weights="sampling")).estimate

    unit = frame.c.to_numpy() if cluster else np.arange(len(frame))
    total = np.zeros(7)
    for value in np.unique(unit):
        moved = weight * (unit == value)
        total += ((hazard(weight + 1e-5 * moved) - hazard(weight - 1e-5 * moved)) / 2e-5) ** 2
    assert_allclose(model.fit(spells).se, np.sqrt(total), rtol=1e-5)


def test_mending_the_ends_takes_the_fall_away():
    """A constant hazard of 0.02: unmended, half of the mass of the kernel is lost at 0."""
    rng = np.random.default_rng(6)
    exit = rng.exponential(50, 20_000)
    spells = xm.Spells(exit=np.minimum(exit, 60), event=exit <= 60)
    found = {b: xm.SmoothHazard(10, boundary=b, end=60).fit(spells).estimate for b in ("both", "left", "none")}
    # 20,000 drawn stays
    assert_allclose(found["both"], 0.02, rtol=0.15)
    # 20,000 drawn stays
    assert_allclose([found["none"][0], found["none"][-1], found["left"][-1]], 0.01, rtol=0.15)
    assert_allclose(found["left"][0], found["both"][0])


@pytest.mark.parametrize("rule", ["global", "local", "knn"])
def test_chosen_bandwidths_do_better_than_a_bad_one(rule):
    """A hazard that rises and falls; integrated squared error against the truth."""
    rng = np.random.default_rng(11)
    grid = np.linspace(0, 100, 2001)
    true = 0.01 + 0.03 * np.exp(-(((grid - 40) / 12) ** 2))
    survival = np.exp(-np.cumsum(true) * 0.05)
    exit = np.interp(rng.random(1500), 1 - survival, grid)
    spells = xm.Spells(exit=np.minimum(exit, 90), event=exit < 90)

    def error(bandwidth):
        curve = xm.SmoothHazard(bandwidth, end=85).fit(spells)
        return float(np.sum((curve.estimate - np.interp(curve.time, grid, true)) ** 2))

    chosen = xm.SmoothHazard(rule, end=85).fit(spells).pieces[0].bandwidth
    assert (chosen > 0).all()
    assert (chosen.max() > chosen.min()) == (rule != "global")
    assert error(rule) < min(error(1.5), error(40))


def test_a_hazard_is_printed_drawn_and_saved(frame, tmp_path):
    curve = xm.SmoothHazard(4, by="g").fit(read(frame))
    assert "highest" in str(curve)
    assert "Ramlau-Hansen" in curve.cite()
    assert len(curve.plot().get_legend().get_texts()) == 2
    assert np.isnan(curve.at(1000).estimate).all()
    assert curve.to_frame().columns.tolist()[-2:] == ["at_risk", "bandwidth"]
    curve.save(tmp_path / "hazard.json")
    pd.testing.assert_frame_equal(xm.load(tmp_path / "hazard.json").to_frame(), curve.to_frame())
    assert r"\toprule" in curve.to_latex([3, 5])
    for reading in (curve.quantile, curve.rmst):
        with pytest.raises(xm.DataError, match="KaplanMeier"):
            reading()
    with pytest.raises(xm.DataError, match="transform"):
        curve.conf_int(transform="arcsine")
    plt.close("all")


def test_too_few_exits_cannot_be_smoothed():
    with pytest.raises(xm.DataError, match=r"1 time\(s\) only"):
        xm.SmoothHazard(2).fit(xm.Spells(exit=[3, 3, 5], event=[1, 1, 0]))
