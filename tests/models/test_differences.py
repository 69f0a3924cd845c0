"""Differences of restricted means, time lost, survival and incidence at fixed times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import exitmodels as xm


@pytest.fixture
def world() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    n = 90
    entry = np.where(rng.random(n) < 0.5, rng.integers(0, 6, n), 0)
    data = {"entry": entry, "exit": entry + rng.integers(1, 25, n), "event": rng.integers(0, 3, n)}
    more = {"g": np.array(list("abc"))[rng.integers(0, 3, n)], "w": rng.integers(1, 4, n), "c": rng.integers(0, 15, n)}
    return pd.DataFrame({**data, **more})


def read(data: pd.DataFrame, **more: object) -> xm.Spells:
    return xm.Spells.from_frame(data, exit="exit", entry="entry", event="event", censor=[0], **more)


QUESTIONS = (
    lambda s, **more: xm.rmst_difference(s, "g", 15, event="any", **more),
    lambda s, **more: xm.rmst_difference(s, "g", 15, kind="time-lost", **more),
    lambda s, **more: xm.fixed_time_difference(s, "g", [7, 12], event="any", **more),
    lambda s, **more: xm.fixed_time_difference(s, "g", [7, 12], kind="incidence", **more),
)


@pytest.mark.parametrize("ask", QUESTIONS)
def test_weights_order_and_units(world: pd.DataFrame, ask: object) -> None:
    copies = world.loc[world.index.repeat(world.w)]
    one = ask(read(world, weight="w"))
    for other in (read(copies), read(copies.sample(frac=1, random_state=3))):
        two = ask(other)
        assert_allclose(one.estimate, two.estimate, rtol=1e-9)
        assert_allclose(one.covariance, two.covariance, rtol=1e-8, atol=1e-15)


@pytest.mark.parametrize("ask", QUESTIONS)
def test_clusters_that_cross_groups(world: pd.DataFrame, ask: object) -> None:
    """The covariance is the sum over clusters of the derivative by the weight of the cluster, group by group."""

    def estimate(weight: np.ndarray) -> np.ndarray:
        data = world.assign(w=weight)
        return ask(read(data, weight="w", weights="sampling", cluster="c"), variance="robust").estimate

    base = 1 + np.random.default_rng(2).random(len(world))
    found = ask(read(world.assign(w=base), weight="w", weights="sampling", cluster="c"), variance="cluster")
    h = 1e-6
    moves = []
    for c in range(15):
        step = h * base * (world.c == c).to_numpy()
        moves.append((estimate(base + step) - estimate(base - step)) / (2 * h))
    by_hand = np.einsum("cmg,cmh->mgh", np.array(moves), np.array(moves))
    assert_allclose(found.covariance, by_hand, rtol=1e-5, atol=1e-9)
    assert np.abs(found.covariance[:, 0, 1]).min() > 0
    contrast = found.contrasts()
    v = found.covariance[0]
    assert_allclose(contrast.se.iloc[0], np.sqrt(v[0, 0] + v[1, 1] - 2 * v[0, 1]), rtol=1e-10)


def test_cut_spells_with_clusters_change_nothing(world: pd.DataFrame) -> None:
    spells = read(world)
    whole = xm.rmst_difference(spells, "g", 15, event="any", variance="robust")
    cut = xm.rmst_difference(spells.split([4, 9]), "g", 15, event="any", variance="cluster")
    assert_allclose(whole.estimate, cut.estimate, rtol=1e-10)
    assert_allclose(whole.covariance, cut.covariance, rtol=1e-8, atol=1e-12)


def test_the_numbers_are_those_of_the_curves(world: pd.DataFrame) -> None:
    spells = read(world)
    curve = xm.KaplanMeier(by="g", event="any").fit(spells)
    found = QUESTIONS[2](spells)
    at = curve.at([7, 12])
    assert_allclose(found.estimate, at.estimate.to_numpy().reshape(3, 2).T)
    assert_allclose(found.se, at.se.to_numpy().reshape(3, 2).T)
    frame = found.estimates()
    assert_allclose(frame.lower, at.lower.to_numpy().reshape(3, 2).T.ravel())
    lost = QUESTIONS[1](spells)
    areas = xm.AalenJohansen(by="g").fit(spells).rmst(15)
    for i, cause in enumerate((1, 2)):
        assert_allclose(lost.estimate[i], areas.estimate[areas.cause == cause])
        assert_allclose(lost.se[i], areas.se[areas.cause == cause])
    assert [place["cause"] for place in lost.places] == [1, 2]
    stay = QUESTIONS[0](spells)
    assert_allclose(lost.estimate.sum(axis=0) + stay.estimate[0], 15)


def test_five_scales_by_hand(world: pd.DataFrame) -> None:
    """Klein et al. (2007), their statistics for two groups written out."""
    found = xm.fixed_time_difference(read(world[world.g != "c"]), "g", 12, event="any")
    (p, q), (a, b) = found.estimate[0], found.se[0]
    by_hand = {
        "difference": (q - p, np.hypot(a, b)),
        "ratio": (np.log(q / p), np.hypot(a / p, b / q)),
        "log-log": (
            np.log(np.log(q) / np.log(p)),
            np.hypot(a / (p * np.log(p)), b / (q * np.log(q))),
        ),
        "odds-ratio": (
            np.log(q / (1 - q) * (1 - p) / p),
            np.hypot(a / (p * (1 - p)), b / (q * (1 - q))),
        ),
        "arcsine": (
            np.arcsin(np.sqrt(q)) - np.arcsin(np.sqrt(p)),
            np.hypot(a / np.sqrt(4 * p * (1 - p)), b / np.sqrt(4 * q * (1 - q))),
        ),
    }
    for scale, (difference, se) in by_hand.items():
        row = found.contrasts(scale, alpha=0.1).iloc[0]
        back = np.exp if scale not in ("difference", "arcsine") else lambda v: v
        half = stats.norm.ppf(0.95) * se
        assert_allclose(row[["estimate", "lower", "upper"]].tolist(), back(difference + np.array([0, -half, half])))
        test = found.test(0, scale)
        assert_allclose(
            [test.statistic, test.pvalue], [(difference / se) ** 2, stats.chi2.sf((difference / se) ** 2, 1)]
        )
        assert_allclose(row.p, test.pvalue)


def test_three_groups_and_pairs(world: pd.DataFrame) -> None:
    found = QUESTIONS[0](read(world), reference="g=b")
    assert found.names == ("g=a vs g=b", "g=c vs g=b")
    pairs = found.contrasts(pairs="all", adjust="holm")
    assert len(pairs) == 3
    assert (pairs["p adjusted"] >= pairs["p"]).all()
    weight = 1 / found.se[0] ** 2
    mean = weight @ found.estimate[0] / weight.sum()
    test = found.test()
    assert test.df == 2
    assert_allclose(test.statistic, weight @ (found.estimate[0] - mean) ** 2, rtol=1e-9)
    again = QUESTIONS[0](read(world), reference=0).test()
    assert_allclose(again.statistic, test.statistic, rtol=1e-9)
    assert_allclose(found.tests().p, test.pvalue)


def test_values_without_a_logarithm_are_not_guessed() -> None:
    spells = xm.Spells(exit=[5, 6, 7, 1, 2, 8], covariates={"g": list("aaabbb")})
    found = xm.fixed_time_difference(spells, "g", 4)
    assert_allclose(found.contrasts("difference").estimate, -2 / 3)
    assert found.contrasts("log-log").p.isna().all()
    assert np.isnan(found.test(0, "log-log").pvalue)


def test_bad_questions(world: pd.DataFrame) -> None:
    spells = read(world)
    with pytest.raises(xm.DataError, match="causes of exit, and none was chosen"):
        xm.rmst_difference(spells, "g", 15)
    with pytest.raises(xm.DataError, match="one group"):
        xm.rmst_difference(spells.select(spells.columns["g"].values == 0), "g", 15, event="any")
    with pytest.raises(xm.DataError, match="beyond"):
        xm.rmst_difference(spells, "g", 500, kind="time-lost")
    with pytest.raises(xm.DataError, match="not known at 500"):
        xm.fixed_time_difference(spells, "g", [5, 500], kind="incidence")
    with pytest.raises(xm.DataError, match="no group 'z'"):
        xm.rmst_difference(spells, "g", 15, event="any", reference="z")
    with pytest.raises(xm.DataError, match="no group number 3"):
        xm.rmst_difference(spells, "g", 15, event="any", reference=3)
    with pytest.raises(xm.DataError, match="kind='cif'"):
        xm.rmst_difference(spells, "g", 15, kind="cif")
    found = xm.rmst_difference(spells, "g", 15, event="any")
    with pytest.raises(xm.DataError, match="scale='log-log'"):
        found.contrasts("log-log")
    with pytest.raises(xm.DataError, match="pairs="):
        found.contrasts(pairs="some")
    with pytest.raises(xm.DataError, match="method='guess'"):
        found.contrasts(adjust="guess")
    with pytest.raises(xm.DataError, match="between 0 and 1"):
        found.conf_int(alpha=95)
    with pytest.raises(xm.SchemeError, match="rmst_difference would be biased"):
        xm.rmst_difference(xm.Spells(exit=[1, 2], right_limit=[3, 3], covariates={"g": [0, 1]}), "g")


def test_printing_saving_drawing(world: pd.DataFrame, tmp_path: Path) -> None:
    for ask in QUESTIONS:
        found = ask(read(world))
        found.save(tmp_path / "d.json")
        back = xm.load(tmp_path / "d.json")
        pd.testing.assert_frame_equal(back.tidy(), found.tidy())
        assert str(back) == str(found)
        assert found.cite().count("\n") >= 2
        assert len(found.params) == len(found.bse) == len(found.pvalues) == len(found.conf_int())
        assert found.to_latex(caption="x").startswith(r"\begin{table}")
        assert found.to_markdown().count("\n") == len(found.tidy()) + 1
        assert "<table>" in found.to_html()
        for scale in found.scales[:2]:
            assert "limits" in found.plot(scale=scale).get_xlabel()
        assert found.plot().get_yticklabels()[0].get_text() == found.names[0]
