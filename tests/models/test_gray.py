"""Gray's test: its definition written group by group and time by time, laws, size under late entry, bad input."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import exitmodels as xm


def people(seed: int = 1, n: int = 150, late: bool = False, days: bool = True) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    exit = rng.exponential(12, n) + 1
    exit = np.ceil(exit) if days else exit
    entry = np.where(rng.random(n) < 0.5, exit * rng.uniform(0.1, 0.9, n), 0) * late
    entry[np.argsort(exit)[np.r_[:30, n - 20 : n]]] = 0
    return pd.DataFrame(
        {
            "exit": exit,
            "entry": np.floor(entry) if days else entry,
            "event": rng.choice(["stay", "a", "b"], n, p=[0.3, 0.4, 0.3]),
            "group": rng.choice(list("pqr"), n),
            "site": rng.integers(0, 2, n),
            "copies": rng.integers(1, 4, n),
        }
    )


def spells(data: pd.DataFrame, **choices: Any) -> xm.Spells:
    return xm.Spells.from_frame(data, exit="exit", event="event", censor="stay", entry="entry", **choices)


def slowly(data: pd.DataFrame, cause: str, rho: float) -> tuple[np.ndarray, np.ndarray]:
    """Score and covariance as one sum over the steps of each group's two martingales, influences kept in full."""
    names = sorted(data.group.unique())
    times = np.sort(data.exit[data.event != "stay"].unique())
    g, k = len(names), len(times)
    y, d, o = np.zeros((g, k)), np.zeros((g, k)), np.zeros((g, k))
    for i, name in enumerate(names):
        own = data[data.group == name]
        for j, t in enumerate(times):
            y[i, j] = ((own.exit >= t) & (own.entry < t)).sum()
            d[i, j] = ((own.exit == t) & (own.event == cause)).sum()
            o[i, j] = ((own.exit == t) & ~own.event.isin([cause, "stay"])).sum()
    km, inc, before, inc_before = np.ones(g), np.zeros(g), np.ones((g, k)), np.zeros((g, k))
    after = np.ones((g, k))
    for j in range(k):
        before[:, j], inc_before[:, j] = km, inc
        for i in range(g):
            if y[i, j]:
                inc[i] += km[i] * d[i, j] / y[i, j]
                km[i] *= 1 - (d[i, j] + o[i, j]) / y[i, j]
        after[:, j] = km
    size = np.where(y > 0, y / np.where(y > 0, before, 1), 0)
    total, deaths = size.sum(axis=0), d.sum(axis=0)
    gone = np.cumsum(deaths / total)
    gone_before = np.r_[0, gone[:-1]]
    weight = (1 - gone_before) ** rho
    share = size * (1 - inc_before)
    score = ((d - deaths * share / share.sum(axis=0)) * weight).sum(axis=1)
    covariance = np.zeros((g, g))
    for m in range(g):
        for j in range(k):
            if not y[m, j]:
                continue

            def later(j: int = j, m: int = m) -> np.ndarray:
                """What a lower incidence of group m from time j on does to each score at later times."""
                out = np.zeros(g)
                for u in range(j + 1, k):
                    for i in range(g):
                        out[i] += (
                            weight[u] * size[m, u] * ((i == m) - size[i, u] / total[u])
                            * deaths[u] / (total[u] * (1 - gone_before[u]))
                        )  # fmt: skip
                return out

            ahead = later()
            ratio = (1 - gone[j]) / after[m, j] if after[m, j] > 1e-12 else 0.0
            pull = np.array([weight[j] * size[m, j] * ((i == m) - size[i, j] / total[j]) for i in range(g)])
            if deaths[j]:
                tied = 1 - (deaths[j] - 1) / (total[j] * before[m, j] - 1) if deaths[j] > 1 else 1
                step = pull + (1 - ratio) * ahead
                covariance += tied * before[m, j] * deaths[j] / (total[j] * y[m, j]) * np.outer(step, step)
            if o[m, j] and after[m, j] > 1e-12:
                tied = 1 - (o[m, j] - 1) / (y[m, j] - 1) if o[m, j] > 1 else 1
                spread = tied * before[m, j] ** 2 * o[m, j] / y[m, j] ** 2
                covariance += spread * np.outer(ratio * ahead, ratio * ahead)
    return score, covariance


@pytest.mark.parametrize("rho", [0.0, 1.0])
@pytest.mark.parametrize("late", [False, True])
def test_score_and_covariance_by_definition(late: bool, rho: float) -> None:
    data = people(late=late, n=90)
    for cause in ("a", "b"):
        score, covariance = slowly(data, cause, rho)
        test = xm.gray_test(spells(data), by="group", event=cause, rho=rho)
        assert_allclose(test.detail["score"], score, atol=1e-10)
        assert_allclose(test.detail["covariance"], covariance, rtol=1e-9, atol=1e-10)
        assert_allclose(test.statistic, score[:2] @ np.linalg.solve(covariance[:2, :2], score[:2]), rtol=1e-9)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("days", [False, True])
def test_row_order_copies_cuts_and_units(days: bool, late: bool) -> None:
    data = people(late=late, days=days)

    def statistic(rows: xm.Spells) -> np.ndarray:
        return xm.gray_test(rows, by="group", strata="site").statistic.to_numpy()

    here = statistic(spells(data))
    assert_allclose(statistic(spells(data.sample(frac=1, random_state=3))), here, rtol=1e-9)
    assert_allclose(statistic(spells(data.assign(exit=data.exit * 7, entry=data.entry * 7))), here, rtol=1e-9)
    assert_allclose(statistic(spells(data).split([4, 9])), here, rtol=1e-9)
    copied = data.loc[data.index.repeat(data.copies)]
    assert_allclose(statistic(spells(copied)), statistic(spells(data, weight="copies")), rtol=1e-9)
    strata = xm.gray_test(spells(data, stratum="site"), by="group")
    assert_allclose(strata.statistic, here, rtol=1e-12)


def test_groups_that_are_the_same_do_not_differ() -> None:
    data = people()
    twice = pd.concat([data.assign(group="p"), data.assign(group="q")])
    test = xm.gray_test(spells(twice), by="group", event="a")
    assert_allclose(test.statistic, 0, atol=1e-20)
    assert_allclose(test.detail["observed"], test.detail["expected"])


def test_one_cause_several_causes_and_their_tables(tmp_path: Path) -> None:
    rows = spells(people())
    every = xm.gray_test(rows, by="group", rho=1)
    one = xm.gray_test(rows, by="group", event="b", rho=1)
    assert (every["b"].statistic, list(every), len(every)) == (one.statistic, ["a", "b"], 2)
    assert every.pvalue["b"] == one.pvalue
    assert "rho=1" in str(every)
    assert "Gray, R. J. (1988)" in every.cite()
    assert one.to_frame().index.tolist() == ["group=p", "group=q", "group=r"]
    every.save(tmp_path / "gray.json")
    assert xm.load(tmp_path / "gray.json").to_frame().equals(every.to_frame())
    with pytest.raises(xm.DataError, match="no test for"):
        every["c"]
    both = xm.gray_test(rows, by="group", event=["a", "b"])
    assert both.method.startswith("Gray's test for a or b")


def test_a_group_without_rows_in_a_stratum_is_passed_over() -> None:
    data = people()
    data.loc[data.group == "r", "site"] = 0
    test = xm.gray_test(spells(data), by="group", event="a", strata="site")
    assert test.df == 2


@pytest.mark.slow
@pytest.mark.parametrize("late", [False, True])
def test_size(late: bool) -> None:
    """Same incidences, different censoring and (if late) different entry: five in a hundred tests reject."""
    worlds = 4000 if os.environ.get("EXITMODELS_FULL_STUDY") else 600
    rng = np.random.default_rng(5)
    rejected = []
    for _ in range(worlds):
        n = 250
        g = rng.integers(0, 2, n)
        left, last = rng.exponential(10, n), rng.uniform(2, 25, n) * (1 + 0.5 * g)
        entry = np.where(rng.random(n) < 0.6, rng.uniform(0, 8, n) * (1 + 0.3 * g), 0) * late
        cause = np.where(left <= last, 1 + (rng.random(n) < 0.4), 0)
        seen = np.minimum(left, last) > entry
        rows = xm.Spells(
            np.minimum(left, last)[seen], cause[seen], entry=entry[seen], causes=["a", "b"], covariates={"g": g[seen]}
        )
        rejected.append(xm.gray_test(rows, by="g", event="a").pvalue < 0.05)
    error = 3 * np.sqrt(0.05 * 0.95 / worlds)
    assert abs(np.mean(rejected) - 0.05) < error


@pytest.mark.parametrize(
    ("changes", "choices", "code"),
    [
        ({}, {"by": "nowhere"}, "no-column"),
        ({"group": "p"}, {}, "one-group"),
        ({}, {"event": "c"}, "unknown-cause"),
        ({"event": "stay"}, {"event": None}, "no-events"),
    ],
)
def test_questions_that_cannot_be_asked(changes: dict[str, Any], choices: dict[str, Any], code: str) -> None:
    rows = spells(people().assign(**changes)) if code != "no-events" else None
    if rows is None:
        rows = xm.Spells(exit=[1, 2, 3], event=[0, 0, 0], causes=["a", "b"], covariates={"group": list("pqp")})
    with pytest.raises(xm.DataError) as error:
        xm.gray_test(rows, **{"by": "group", **choices})
    assert error.value.code == code


def test_sampling_weights_and_emptied_groups_are_refused() -> None:
    with pytest.raises(xm.DataError, match="not counts"):
        xm.gray_test(spells(people(), weight="copies", weights="sampling"), by="group")
    rows = xm.Spells(
        exit=[1, 2, 9, 10, 3, 11], entry=[0, 0, 5, 5, 0, 0], event=list("ababab"), covariates={"group": list("ppppqq")},
        censor=[],
    )  # fmt: skip
    with pytest.raises(xm.DataError, match="In group=p everyone") as error:
        xm.gray_test(rows, by="group")
    assert error.value.code == "empty-risk-set"


def test_only_exits_inside_a_window_are_refused() -> None:
    rows = xm.Spells(exit=[3, 4, 5], event=[1, 2, 1], causes=["a", "b"], left_limit=[1, 1, 1], right_limit=[9, 9, 9])
    with pytest.raises(xm.SchemeError):
        xm.gray_test(rows, by="group")
