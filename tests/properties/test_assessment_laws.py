"""Laws of concordance and scores: order of rows, copies, cuts, clusters, delayed entry, units of time."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import exitmodels as xm


@st.composite
def rows(draw: Any, delayed: bool = True) -> dict[str, np.ndarray]:
    n = draw(st.integers(4, 25))

    def whole(low: int, high: int) -> np.ndarray:
        return np.asarray(draw(hnp.arrays(np.int64, n, elements=st.integers(low, high))))

    entry = whole(0, 6) if delayed else np.zeros(n, dtype=np.int64)
    return {
        "entry": entry,
        "exit": entry + whole(1, 9),
        "event": whole(0, 1),
        "score": whole(0, 5).astype(float),
        "weight": whole(1, 3),
        "stratum": whole(0, 1),
    }


def concordance(r: dict[str, np.ndarray], **more: Any) -> Any:
    weighted = {name: r[name] for name in ("weight", "stratum", "cluster") if name in r}
    spells = xm.Spells(r["exit"], r["event"], entry=r["entry"], **weighted)
    try:
        return xm.concordance(spells, r["score"], **more)
    except xm.DataError:
        assume(False)


def take(r: dict[str, np.ndarray], places: np.ndarray) -> dict[str, np.ndarray]:
    return {name: v[places] for name, v in r.items()}


def same(one: Any, two: Any) -> None:
    assert_allclose(one.estimate, two.estimate, rtol=1e-10)
    assert_allclose(one.covariance, two.covariance, rtol=1e-8, atol=1e-14)
    assert_allclose(one.conservative, two.conservative, rtol=1e-10)
    assert_allclose(one.counts[0].sum(axis=0), two.counts[0].sum(axis=0), rtol=1e-10)


@given(rows(), st.randoms(use_true_random=False), st.sampled_from(["n", "S", "I"]))
def test_concordance_does_not_depend_on_the_order_of_rows(r: Any, random: Any, weight: str) -> None:
    order = np.arange(len(r["exit"]))
    random.shuffle(order)
    same(concordance(r, time_weight=weight), concordance(take(r, order), time_weight=weight))


@given(rows(), st.sampled_from(["n", "S", "I"]))
def test_a_weight_is_a_number_of_copies(r: Any, weight: str) -> None:
    copies = take(r, np.repeat(np.arange(len(r["exit"])), r["weight"]))
    copies["weight"] = np.ones_like(copies["weight"])
    same(concordance(r, time_weight=weight), concordance(copies, time_weight=weight))


@given(rows())
def test_cutting_a_stay_in_two_changes_nothing(r: Any) -> None:
    """Pieces of one stay are one cluster, so the variance stays as well."""
    n = len(r["exit"])
    r = {**r, "weight": np.ones(n, dtype=np.int64), "cluster": np.arange(n)}
    cut = (r["entry"] + r["exit"]) / 2
    first = {**r, "exit": cut, "event": np.zeros(n, dtype=np.int64), "entry": r["entry"].astype(float)}
    second = {**r, "entry": cut, "exit": r["exit"].astype(float)}
    pieces = {name: np.concatenate([first[name], second[name]]) for name in r}
    one, two = concordance(r), concordance(pieces)
    assert_allclose(one.estimate, two.estimate)
    assert_allclose(one.covariance, two.covariance, atol=1e-14)
    assert_allclose(one.counts[0][:, :3], two.counts[0][:, :3])


@given(rows())
def test_turning_the_score_around_turns_the_concordance(r: Any) -> None:
    one = concordance(r)
    two = concordance({**r, "score": -r["score"]})
    three = concordance({**r, "score": np.exp(r["score"])})
    assert_allclose(two.estimate, 1 - one.estimate)
    assert_allclose(two.covariance, one.covariance, atol=1e-14)
    assert_allclose(three.estimate, one.estimate)


@given(rows(delayed=False), st.integers(2, 8), st.randoms(use_true_random=False))
def test_scores_of_copies_reordered_rows_and_another_unit_of_time(r: Any, t: int, random: Any) -> None:
    risk = (r["score"] + 0.5) / 7

    def scored(r: Any, risk: np.ndarray, scale: float = 1.0) -> Any:
        spells = xm.Spells(r["exit"] * scale, r["event"], weight=r["weight"])
        return xm.score(risk, spells, t * scale)

    try:
        one = scored(r, risk)
    except xm.DataError:
        assume(False)
    assume(np.isfinite(one.estimates["auc"]).all())
    places = np.repeat(np.arange(len(risk)), r["weight"])
    random.shuffle(places)
    copies = {**take(r, places), "weight": np.ones(len(places), dtype=np.int64)}
    for other in (scored(copies, risk[places]), scored(r, risk, 1 / 7)):
        for metric in one.metrics:
            assert_allclose(other.estimates[metric], one.estimates[metric], rtol=1e-9, atol=1e-12)
            assert_allclose(other.covariances[metric], one.covariances[metric], rtol=1e-7, atol=1e-12)


def test_clusters_of_one_change_nothing_and_copies_in_one_cluster_add_nothing() -> None:
    rng = np.random.default_rng(2)
    exit, event, risk = rng.integers(1, 20, 60), rng.integers(0, 2, 60), rng.random(60)
    plain = xm.score(risk, xm.Spells(exit, event), 10)
    alone = xm.score(risk, xm.Spells(exit, event, cluster=np.arange(60)), 10)
    twice = xm.score(
        np.tile(risk, 2), xm.Spells(np.tile(exit, 2), np.tile(event, 2), cluster=np.tile(np.arange(60), 2)), 10
    )
    for metric in plain.metrics:
        assert_allclose(alone.covariances[metric], plain.covariances[metric])
        assert_allclose(twice.covariances[metric], plain.covariances[metric], atol=1e-15)
