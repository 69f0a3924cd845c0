"""Fine and Gray's likelihood against its definition, and influences against numerical derivatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from exitmodels.kernels.beyond import beyond_sum
from exitmodels.kernels.coxcurves import baseline, path_slope
from exitmodels.kernels.joins import join_rows
from exitmodels.kernels.optimise import newton
from exitmodels.kernels.partial import CoxTerms, cox_terms
from exitmodels.kernels.stays import Stays, code_times
from exitmodels.kernels.subcurves import curve_moments, curve_variance
from exitmodels.kernels.subdistribution import SubData, influences, subdistribution
from exitmodels.kernels.subvarying import varying_sub_terms
from exitmodels.kernels.subvarying_curves import varying_curve_variance
from exitmodels.kernels.subvarying_influence import varying_influences
from exitmodels.kernels.varying import Varying

ROW = np.array([0.4, -0.3])
SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {"late": False, "groups": 1, "strata": 1},
    "groups": {"late": False, "groups": 3, "strata": 1},
    "late entry": {"groups": 1, "strata": 1},
    "everything": {},
    "everything, Efron": {"ties": "efron"},
    "everything, real times": {"days": False},
    "everything, offset": {"offset": True},
}


@dataclass
class World:
    """Rows with ties, late entry, groups, strata and sampling weights."""

    entry: np.ndarray | None
    exit: np.ndarray
    status: np.ndarray
    matrix: np.ndarray
    weight: np.ndarray
    group: np.ndarray | None
    stratum: np.ndarray | None
    offset: np.ndarray | None
    ties: str
    changing: bool = False
    convention: str = "geskus"

    def data(self, weight: np.ndarray) -> SubData:
        entry, exit, levels = code_times(self.entry, self.exit)
        groups = 1 if self.group is None else int(self.group.max()) + 1
        strata = 1 if self.stratum is None else int(self.stratum.max()) + 1
        stays = Stays(
            exit, entry, levels, self.status, None, None, self.stratum, strata, self.group, groups, self.convention
        )
        return subdistribution(stays, self.matrix, weight, self.offset, self.ties, replicas=False)

    def varying(self, data: SubData) -> Varying | None:
        times = data.cox.index.times
        return Varying(np.array([0, 1]), np.column_stack([np.log(times), times > 6.0])) if self.changing else None

    def fit(self, weight: np.ndarray) -> tuple[SubData, Varying | None, np.ndarray, CoxTerms]:
        data = self.data(weight)
        varying = self.varying(data)
        terms = (lambda b: cox_terms(b, data.cox)) if varying is None else lambda b: varying_sub_terms(b, data, varying)
        at = newton(terms, np.zeros(4 if self.changing else 2), 1e-13, 60).at
        return data, varying, at, terms(at)

    def curve(self, weight: np.ndarray, stratum: int) -> np.ndarray:
        """Cumulative subdistribution hazard of one new row."""
        data, varying, at, terms = self.fit(weight)
        base = baseline(data.cox, terms)
        own = slice(base.bounds[stratum], base.bounds[stratum + 1])
        wide = ROW if varying is None else varying.wide(ROW)[own]
        return np.cumsum(base.hazard[own] * np.exp(wide @ at))


def world(
    seed: int = 3,
    n: int = 80,
    late: bool = True,
    days: bool = True,
    groups: int = 2,
    strata: int = 2,
    ties: str = "breslow",
    offset: bool = False,
    **changes: Any,
) -> World:
    rng = np.random.default_rng(seed)
    exit = rng.integers(3, 14, n).astype(float) if days else rng.exponential(5, n) + 3
    begin = exit * rng.uniform(0.2, 0.9, n) * (rng.random(n) < 0.4)
    return World(
        (np.floor(begin) if days else begin) if late else None,
        exit,
        rng.integers(0, 3, n),
        rng.standard_normal((n, 2)),
        rng.uniform(0.5, 2, n),
        rng.integers(0, groups, n) if groups > 1 else None,
        rng.integers(0, strata, n) if strata > 1 else None,
        rng.standard_normal(n) / 2 if offset else None,
        ties,
        **changes,
    )


def derivative(function: Any, weight: np.ndarray) -> np.ndarray:
    """Central differences with respect to the weight of each row, (n, ...)."""
    step = 1e-5
    return np.stack(
        [(function(weight + step * e) - function(weight - step * e)) / (2 * step) for e in np.eye(len(weight))]
    )


def by_definition(w: World, beta: np.ndarray) -> float:
    """The weighted log partial likelihood, risk set by risk set, with weights multiplied out point by point."""
    n = len(w.exit)
    zeros = np.zeros(n, int)
    entry = np.full(n, -np.inf) if w.entry is None else w.entry
    group, stratum = (zeros if g is None else g for g in (w.group, w.stratum))
    first = w.exit.min()

    def kept(j: int, t: float) -> float:
        mine, product = group == group[j], 1.0
        for u in np.unique(w.exit[(w.status == 0) & mine & (w.exit >= w.exit[j]) & (w.exit < t)]):
            there = mine & (entry < u) & ((w.exit > u) | ((w.exit == u) & (w.status == 0)))
            product *= 1 - w.weight[there & (w.exit == u)].sum() / w.weight[there].sum()
        for v in np.unique(entry[mine & (entry >= w.exit[j]) & (entry < t) & (entry >= first)]):
            there = mine & (entry <= v) & (w.exit > v)
            product /= 1 - w.weight[there & (entry == v)].sum() / w.weight[there].sum()
        return product if t <= w.exit[mine].max() else 0.0

    eta = w.matrix @ beta + (0 if w.offset is None else w.offset)
    total = 0.0
    for t, s in {(t, s) for t, s in zip(w.exit[w.status == 1], stratum[w.status == 1], strict=True)}:
        here = stratum == s
        share = ((entry < t) & (w.exit >= t) & here).astype(float)
        for j in np.flatnonzero(here & (w.status == 2) & (w.exit < t)):
            share[j] = kept(j, t)
        tied = here & (w.status == 1) & (w.exit == t)
        risk = w.weight * share * np.exp(eta)
        total += w.weight[tied] @ eta[tied]
        m = int(tied.sum())
        steps = np.arange(m) / m if w.ties == "efron" else np.zeros(m)
        total -= w.weight[tied].mean() * np.log(risk.sum() - steps * risk[tied].sum()).sum()
    return total


@pytest.mark.parametrize("name", SETTINGS)
def test_likelihood_is_its_definition(name: str) -> None:
    w = world(**SETTINGS[name])
    for beta in (np.zeros(2), np.array([0.3, -0.5])):
        assert_allclose(cox_terms(beta, w.data(w.weight).cox).value, by_definition(w, beta), rtol=1e-12)


@pytest.mark.parametrize("changing", [False, True])
@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_gradient_and_information_are_derivatives(ties: str, changing: bool) -> None:
    w = world(ties=ties, changing=changing, offset=True)
    data = w.data(w.weight)
    varying = w.varying(data)
    terms = (lambda b: cox_terms(b, data.cox)) if varying is None else lambda b: varying_sub_terms(b, data, varying)
    at = np.array([0.1, -0.2, 0.05, 0.3])[: 4 if changing else 2]
    here, step = terms(at), 1e-5
    pairs = [(terms(at + step * e), terms(at - step * e)) for e in np.eye(len(at))]
    assert_allclose([(u.value - d.value) / (2 * step) for u, d in pairs], here.gradient, rtol=1e-7, atol=1e-7)
    assert_allclose([(d.gradient - u.gradient) / (2 * step) for u, d in pairs], here.information, rtol=1e-7, atol=1e-7)


def test_effects_that_do_not_change_are_constant_ones() -> None:
    w = world(offset=True)
    data = w.data(w.weight)
    none = Varying(np.zeros(0, int), np.zeros((data.cox.index.n_times, 0)))
    beta = np.array([0.2, 0.4])
    plain, slow = cox_terms(beta, data.cox), varying_sub_terms(beta, data, none)
    assert_allclose([slow.value, *slow.gradient], [plain.value, *plain.gradient], rtol=1e-11)
    assert_allclose(slow.information, plain.information, rtol=1e-11)
    ours = np.concatenate([block for _, block in varying_influences(beta, data, none, slow)])
    assert_allclose(ours, np.concatenate([block for _, block in influences(data, plain)]), atol=1e-11)


@pytest.mark.parametrize(
    ("name", "changing"),
    [(name, False) for name in SETTINGS] + [("plain", True), ("everything", True), ("everything, Efron", True)],
)
def test_influence_is_the_derivative_with_respect_to_a_row(name: str, changing: bool) -> None:
    """Through the estimated distributions of censoring and entry too."""
    w = world(changing=changing, n=60, **SETTINGS[name])
    data, varying, at, terms = w.fit(w.weight)
    made = influences(data, terms) if varying is None else varying_influences(at, data, varying, terms)
    ours = np.concatenate([block for _, block in made]) @ np.linalg.inv(terms.information)
    numeric = derivative(lambda v: w.fit(v)[2], w.weight)
    assert_allclose(ours, numeric, atol=1e-8)
    known = influences(data, terms, True) if varying is None else varying_influences(at, data, varying, terms, True)
    without = np.concatenate([block for _, block in known]) @ np.linalg.inv(terms.information)
    assert np.abs(without - numeric).max() > 1e-4


@pytest.mark.parametrize(
    ("name", "changing", "clustered"),
    [(name, False, False) for name in SETTINGS]
    + [
        ("everything", False, True),
        ("plain", True, False),
        ("everything", True, True),
        ("everything, Efron", True, False),
    ],
)
def test_variance_of_a_curve_is_the_sum_of_squared_derivatives(name: str, changing: bool, clustered: bool) -> None:
    w = world(changing=changing, n=50, **SETTINGS[name])
    data, varying, at, terms = w.fit(w.weight)
    made = influences(data, terms) if varying is None else varying_influences(at, data, varying, terms)
    moved = np.concatenate([block for _, block in made]) @ np.linalg.inv(terms.information)
    cluster = np.random.default_rng(1).integers(0, 12, 50) if clustered else None
    base = baseline(data.cox, terms)
    for s in range(len(base.bounds) - 1):
        numeric = derivative(lambda v, s=s: w.curve(v, s), w.weight) * w.weight[:, None]
        if cluster is not None:
            numeric = np.stack([numeric[cluster == c].sum(axis=0) for c in range(12)])
        own = slice(base.bounds[s], base.bounds[s + 1])
        rows = np.broadcast_to(ROW, (own.stop - own.start, 2)) if varying is None else varying.wide(ROW)[own]
        path = np.exp(rows @ at)
        slope = path_slope(base, own, rows, path)
        if varying is not None:
            ours = varying_curve_variance(at, data, varying, terms, s, path, slope, moved, w.weight, cluster)
            assert_allclose(ours, (numeric**2).sum(axis=0), rtol=1e-6)
            continue
        for chosen in (np.arange(len(path)), np.arange(0, len(path), 3)):
            moments = curve_moments(data, terms, s, chosen, moved, w.weight, cluster)
            ours = path[0] ** 2 * curve_variance(moments, slope[chosen] / path[0])
            assert_allclose(ours, (numeric**2).sum(axis=0)[chosen], rtol=1e-6)


def test_risk_sets_without_censoring_keep_everyone_who_left_for_another_cause() -> None:
    """Nobody censored: the subdistribution risk set at t is everyone who has not left for the cause by t."""
    rng = np.random.default_rng(8)
    exit, status = rng.permutation(50) + 1, rng.integers(1, 3, 50)
    _, codes, levels = code_times(None, exit)
    data = subdistribution(Stays(codes, None, levels, status), np.zeros((50, 1)))
    terms = cox_terms(np.zeros(1), data.cox)
    assert_array_equal(terms.s0, 50 - np.arange(len(terms.s0)))


def test_keeping_some_rows_keeps_their_weights() -> None:
    w = world(strata=1)
    data = w.data(w.weight)
    beyond, index = data.cox.beyond, data.cox.index
    assert beyond is not None
    rows = np.arange(0, 80, 3)
    kept = np.zeros(index.n_times, bool)
    kept[index.moment[rows][index.moment[rows] >= 0]] = True
    values = np.zeros(80)
    values[rows] = w.weight[rows]
    assert_allclose(beyond_sum(beyond.take(rows, kept), w.weight[rows]), beyond_sum(beyond, values)[kept])


def test_many_groups_are_searched_as_few_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    w = world(groups=4)
    counted = w.data(w.weight)
    monkeypatch.setattr("exitmodels.kernels.subweights._TABLE", 0)
    monkeypatch.setattr("exitmodels.kernels.subweights._DENSE", 0)
    searched = w.data(w.weight)
    assert counted.weights.clock.ruler.table is not None
    assert searched.weights.clock.ruler.table is None
    assert_array_equal(counted.weights.clock.after, searched.weights.clock.after)
    for one, other in zip(counted.cox.beyond.layers, searched.cox.beyond.layers, strict=True):
        assert_array_equal(one.keep, other.keep)
        assert_array_equal(one.factor, other.factor)


def test_joins_of_rows() -> None:
    person = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    entry = np.array([0, 3, 0, 4, 0, 2, 0, 5])
    exit = np.array([3, 7, 3, 6, 4, 6, 5, 9])
    left = np.array([0, 1, 0, 0, 0, 1, 1, 0], bool)
    found = join_rows(person, entry, exit, left)
    assert_array_equal(np.flatnonzero(~found.begins), [1])
    assert_array_equal(np.flatnonzero(~found.ends), [0])
    assert_array_equal(found.gap, [3])
    assert_array_equal(found.overlap, [5])
    assert_array_equal(found.early, [7])
    assert found.n_joins == 1
