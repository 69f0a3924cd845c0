"""Agreement beyond chance: published examples, closed forms by hand, slow definitions, laws."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from exitmodels.kernels.agreement import (
    cohen_kappa,
    gwet_ac1,
    jaccard_distance,
    krippendorff_alpha,
    masi_distance,
    raw_agreement,
)

FOUR_CODERS = (
    np.array(
        [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
            [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
        ]
    ).T
    - 1
)


def counts_of(code: np.ndarray, values: int) -> np.ndarray:
    return np.array([[np.sum(row == v) for v in range(values)] for row in code], dtype=float)


def ones(n: int) -> np.ndarray:
    return np.ones((1, n))


def nominal(v: int) -> np.ndarray:
    return 1.0 - np.eye(v)


def slow_alpha(code: np.ndarray, distance: np.ndarray) -> float:
    """The definition by pairs: mean disagreement within records over mean disagreement of any two codings."""
    within, pooled = 0.0, []
    for row in code:
        held = [v for v in row if v >= 0]
        if len(held) < 2:
            continue
        pooled += held
        within += sum(distance[a, b] for a, b in permutations(held, 2)) / (len(held) - 1)
    n = len(pooled)
    if not n:
        return np.nan
    expected = sum(distance[a, b] for a, b in permutations(pooled, 2)) / (n * (n - 1))
    return 1 - within / n / expected if expected else np.nan


def test_alpha_of_four_observers_with_gaps() -> None:
    """Krippendorff (2011), Computing Krippendorff's alpha-reliability, section C: nominal alpha .743."""
    value = krippendorff_alpha(counts_of(FOUR_CODERS, 5), nominal(5), ones(12))
    assert round(float(value[0]), 3) == 0.743


def test_alpha_of_two_observers_of_a_yes_or_no() -> None:
    """The same, section A: ten units, alpha .095 = 1 - 19 * 4 / (14 * 6) with o01 = 4, n0 = 14, n1 = 6."""
    code = np.array([[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]]).T
    value = krippendorff_alpha(counts_of(code, 2), nominal(2), ones(10))
    assert_allclose(value, 1 - 19 * 4 / (14 * 6), rtol=1e-13)
    assert round(float(value[0]), 3) == 0.095


def test_ac1_of_the_same_four_observers() -> None:
    """The worked example of Gwet's own program for these data: AC1 .77544."""
    assert round(float(gwet_ac1(counts_of(FOUR_CODERS, 5), 5, ones(12))[0]), 5) == 0.77544


@pytest.mark.parametrize(
    ("table", "kappa"),
    [
        (((20, 5), (10, 15)), 0.4),
        (((45, 15), (25, 15)), (0.60 - 0.54) / 0.46),
        (((25, 35), (5, 35)), (0.60 - 0.46) / 0.54),
    ],
)
def test_kappa_of_two_by_two_tables(table: tuple[tuple[int, int], ...], kappa: float) -> None:
    """By hand: po and pe from the margins."""
    first, second = np.array([(i, j) for i in (0, 1) for j in (0, 1) for _ in range(table[i][j])]).T
    assert_allclose(cohen_kappa(first, second, 2, ones(len(first))), kappa, rtol=1e-12)


def test_the_paradox_of_a_rare_label() -> None:
    """118 yes-yes, 5, 2 and no no-no of 125: kappa is below zero and AC1 near one, by hand."""
    first = np.array([0] * 123 + [1] * 2)
    second = np.array([0] * 118 + [1] * 5 + [0] * 2)
    code, w = np.column_stack([first, second]), ones(125)
    chance = (123 * 120 + 2 * 5) / 125**2
    assert_allclose(cohen_kappa(first, second, 2, w), (118 / 125 - chance) / (1 - chance), rtol=1e-12)
    yes = (123 + 120) / 250
    by_chance = 2 * yes * (1 - yes)
    assert_allclose(gwet_ac1(counts_of(code, 2), 2, w), (118 / 125 - by_chance) / (1 - by_chance), rtol=1e-12)
    assert cohen_kappa(first, second, 2, w)[0] < 0 < 0.9 < gwet_ac1(counts_of(code, 2), 2, w)[0]


def test_distances_of_sets_by_hand() -> None:
    sets = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 1]], dtype=bool)
    assert_allclose(jaccard_distance(sets), [[0, 1, 1, 1], [1, 0, 1 / 2, 1], [1, 1 / 2, 0, 2 / 3], [1, 1, 2 / 3, 0]])
    assert_allclose(masi_distance(sets), [[0, 1, 1, 1], [1, 0, 2 / 3, 1], [1, 2 / 3, 0, 8 / 9], [1, 1, 8 / 9, 0]])


def test_nothing_to_disagree_about_is_not_a_number() -> None:
    code = np.zeros((5, 2), dtype=int)
    assert np.isnan(krippendorff_alpha(counts_of(code, 2), nominal(2), ones(5)))
    assert np.isnan(cohen_kappa(code[:, 0], code[:, 1], 2, ones(5)))
    assert np.isnan(gwet_ac1(counts_of(code, 1), 1, ones(5)))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(-1, 3), min_size=3, max_size=3), min_size=2, max_size=12), st.integers(0, 10**6))
def test_alpha_is_its_definition_and_a_weight_of_two_is_two_records(rows: list[list[int]], seed: int) -> None:
    code = np.array(rows)
    sets = np.array([[0, 1], [1, 0], [1, 1], [0, 0]], dtype=bool)
    weight = np.random.default_rng(seed).integers(0, 3, len(code))
    repeated = np.repeat(code, weight, axis=0)
    counts, again = counts_of(code, 4), counts_of(repeated, 4)
    for distance in (nominal(4), jaccard_distance(sets), masi_distance(sets)):
        assert_allclose(
            krippendorff_alpha(counts, distance, ones(len(code)))[0], slow_alpha(code, distance), atol=1e-12
        )
        whole = krippendorff_alpha(again, distance, ones(len(repeated)))
        assert_allclose(krippendorff_alpha(counts, distance, weight[None].astype(float)), whole, atol=1e-12)
    w = weight[None].astype(float)
    assert_allclose(gwet_ac1(counts, 4, w), gwet_ac1(again, 4, ones(len(again))), atol=1e-12)
    assert_allclose(raw_agreement(counts, w), raw_agreement(again, ones(len(again))), atol=1e-12)
    pair = cohen_kappa(code[:, 0], code[:, 1], 4, w)
    assert_allclose(pair, cohen_kappa(repeated[:, 0], repeated[:, 1], 4, ones(len(again))), atol=1e-12)
