"""Likeness of texts, pairs within blocks, the mixture of matches and others, clusters, and hidden cells."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import optimize

from exitmodels.kernels.blocks import agreeing_pairs, combined_codes, count_agreeing
from exitmodels.kernels.codepoints import code_points
from exitmodels.kernels.editdistance import edit_distance
from exitmodels.kernels.fellegisunter import Hidden, LinkMixture, fit_mixture, log_weights, posterior
from exitmodels.kernels.jarowinkler import jaro_winkler
from exitmodels.kernels.linkgraph import components, least_inside, one_partner
from exitmodels.kernels.suppression import hide_further, inferred_bounds, safe_already, table_equations

words = st.lists(st.text("abcé", max_size=9), min_size=2, max_size=2)


def likeness(one: str, two: str, **choices: float) -> float:
    return float(jaro_winkler(*code_points([one, two]), np.array([0]), np.array([1]), **choices)[0])


def edits(one: str, two: str, most: int | None = None) -> int:
    return int(edit_distance(*code_points([one, two]), np.array([0]), np.array([1]), most)[0])


@pytest.mark.parametrize(
    ("one", "two", "jaro", "winkler"),
    [
        ("MARTHA", "MARHTA", 0.9444, 0.9611),
        ("DWAYNE", "DUANE", 0.8222, 0.8400),
        ("DIXON", "DICKSONX", 0.7667, 0.8133),
        ("JONES", "JOHNSON", 0.7905, 0.8324),
        ("ABROMS", "ABRAMS", 0.8889, 0.9222),
        ("SHACKLEFORD", "SHACKELFORD", 0.9697, 0.9818),
    ],
)
def test_published_likenesses(one: str, two: str, jaro: float, winkler: float) -> None:
    """Winkler's tables; printed to four places, hence the tolerance."""
    assert likeness(one, two, prefix_weight=0.0) == pytest.approx(jaro, abs=5.1e-5)
    assert likeness(one, two) == pytest.approx(winkler, abs=5.1e-5)


def slow_jaro(one: str, two: str) -> float:
    """The definition with lists, the shorter text first."""
    one, two = sorted((one, two), key=lambda t: (len(t), t))
    if not one:
        return float(not two)
    reach, free, kept = max(len(two) // 2 - 1, 0), list(range(len(two))), []
    for i, letter in enumerate(one):
        place = next((j for j in free if abs(i - j) <= reach and two[j] == letter), None)
        if place is not None:
            free.remove(place)
            kept.append((letter, place))
    c = len(kept)
    if not c:
        return 0.0
    ordered = [two[j] for j in sorted(j for _, j in kept)]
    moved = sum(a != b for (a, _), b in zip(kept, ordered, strict=True)) // 2
    return (c / len(one) + c / len(two) + (c - moved) / c) / 3


@given(words)
def test_likeness_is_its_definition_and_symmetric(pair: list[str]) -> None:
    one, two = pair
    assert likeness(one, two, prefix_weight=0.0) == pytest.approx(slow_jaro(one, two), abs=1e-12)
    assert likeness(one, two) == likeness(two, one)
    assert (likeness(one, two) == pytest.approx(1.0)) == (one == two)


def slow_edits(one: str, two: str) -> int:
    table = {(i, 0): i for i in range(len(one) + 1)} | {(0, j): j for j in range(len(two) + 1)}
    for i, j in itertools.product(range(1, len(one) + 1), range(1, len(two) + 1)):
        ways = [table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (one[i - 1] != two[j - 1])]
        if i > 1 and j > 1 and one[i - 2 : i] == two[j - 2 : j][::-1]:
            ways.append(table[i - 2, j - 2] + 1)
        table[i, j] = min(ways)
    return table[len(one), len(two)]


@given(words, st.integers(0, 4))
def test_edits_are_counted_and_the_band_changes_nothing(pair: list[str], most: int) -> None:
    one, two = pair
    assert edits(one, two) == edits(two, one) == slow_edits(one, two)
    assert edits(one, two, most) == min(slow_edits(one, two), most + 1)


def test_restricted_form() -> None:
    assert [edits("CA", "ABC"), edits("kitten", "sitting"), edits("", "abc"), edits("ab", "ba")] == [3, 3, 3, 1]


codes = st.lists(st.integers(-1, 3), max_size=12).map(lambda v: np.array(v, dtype=np.int64))


@given(codes, codes)
def test_pairs_within_blocks(a: np.ndarray, b: np.ndarray) -> None:
    within = {(i, j) for i, j in itertools.combinations(range(len(a)), 2) if a[i] == a[j] >= 0}
    between = {(i, j) for i in range(len(a)) for j in range(len(b)) if a[i] == b[j] >= 0}
    for found, wanted, count in (
        (agreeing_pairs(a), within, count_agreeing(a)),
        (agreeing_pairs(a, b), between, count_agreeing(a, b)),
    ):
        assert sorted(zip(*(side.tolist() for side in found), strict=True)) == sorted(wanted)
        assert count == len(wanted)


def test_combined_codes_agree_when_all_parts_do() -> None:
    rng = np.random.default_rng(1)
    columns = [rng.integers(-1, 3, 60) for _ in range(3)]
    joint = combined_codes(columns)
    for i, j in itertools.combinations(range(60), 2):
        alike = all(c[i] == c[j] >= 0 for c in columns)
        assert (joint[i] == joint[j] and joint[i] >= 0) == alike


# ---- the mixture --------------------------------------------------------------------------------------------------
PATTERNS = np.array(list(itertools.product((0, 1), repeat=3)))


def start(f: int = 3, rate: float = 0.2) -> LinkMixture:
    two = (np.array([0.2, 0.8]), np.array([0.8, 0.2]))
    return LinkMixture(rate, (two[0],) * f, (two[1],) * f, 0.0, 0.0, 0.0, 0, False)


def test_one_step_by_hand() -> None:
    """Two fields, counts 18, 10, 10, 62 at (1,1), (1,0), (0,1), (0,0); m = .9, u = .2, prevalence .2.

    P(match | 1,1) = .2 * .81 / (.2 * .81 + .8 * .04) = 81 / 97, | one) = .018 / (.018 + .128) = 9 / 73, | none) =
    .002 / (.002 + .512) = 1 / 257.
    """
    patterns, counts = np.array([[1, 1], [1, 0], [0, 1], [0, 0]]), np.array([18.0, 10.0, 10.0, 62.0])
    two = (np.array([0.1, 0.9]), np.array([0.8, 0.2]))
    begin = LinkMixture(0.2, (two[0],) * 2, (two[1],) * 2, 0.0, 0.0, 0.0, 0, False)
    fit = fit_mixture(patterns, counts, begin, max_steps=1)
    matches = counts * np.array([81 / 97, 9 / 73, 9 / 73, 1 / 257])
    assert_allclose(fit.prevalence, matches.sum() / 100, rtol=1e-12)
    assert_allclose(fit.m[0][1], matches[:2].sum() / matches.sum(), rtol=1e-12)
    assert_allclose(fit.u[1][1], (counts - matches)[[0, 2]].sum() / (counts - matches).sum(), rtol=1e-12)


def expected(rate: float, m: list[float], u: list[float], total: float) -> np.ndarray:
    def one(p: list[float]) -> np.ndarray:
        return np.prod(np.where(PATTERNS == 1, p, 1 - np.array(p)), axis=1)

    return total * (rate * one(m) + (1 - rate) * one(u))


def test_exact_counts_give_back_the_truth() -> None:
    """Three binary fields and two classes: seven free cells, seven parameters, so the fit is the truth."""
    counts = expected(0.05, [0.9, 0.8, 0.95], [0.1, 0.05, 0.3], 1e4)
    fit = fit_mixture(PATTERNS, counts, start(), tol=1e-12)
    # EM stops when steps are below 1e-12; the fit is then within 1e-9 of the optimum
    assert_allclose(fit.prevalence, 0.05, rtol=1e-8)
    assert_allclose([t[1] for t in fit.m], [0.9, 0.8, 0.95], rtol=1e-8)
    assert_allclose([t[1] for t in fit.u], [0.1, 0.05, 0.3], rtol=1e-8)
    assert fit.converged


FOUR = np.array(list(itertools.product((0, 1), repeat=4)))


def four(rate: float, m: list[float], u: list[float], total: float) -> np.ndarray:
    one, two = (np.prod(np.where(FOUR == 1, p, 1 - np.array(p)), axis=1) for p in (m, u))
    return total * (rate * one + (1 - rate) * two)


def unblocked(count: float) -> Hidden:
    """Blocks on the first two fields: pairs that agree on neither are hidden."""
    binary, one = np.array([0, 1]), np.array([0, 0])
    return Hidden(count, (binary, binary, one, one), np.zeros(4, dtype=int), np.zeros(4), np.array([[0, 0, 0, 0]]))


UNSEEN = (FOUR[:, :2] == 0).all(axis=1)


def test_blocks_check_one_another() -> None:
    """Pairs that agree on neither of two blocks are seen in total only, and the missed matches are still found."""
    m, u = [0.9, 0.8, 0.95, 0.7], [0.01, 0.005, 0.1, 0.3]
    counts = four(0.002, m, u, 1e6)
    hidden = unblocked(counts[UNSEEN].sum())
    fit = fit_mixture(FOUR[~UNSEEN], counts[~UNSEEN], start(4, 0.001), hidden=hidden, tol=1e-12, max_steps=20_000)
    # EM stops when steps are below 1e-12; where matches are hidden it crawls, and is then within 1e-7 of the optimum
    assert_allclose(fit.prevalence, 0.002, rtol=1e-6)
    assert_allclose([t[1] for t in fit.m], m, rtol=1e-6)
    assert_allclose([t[1] for t in fit.u], u, rtol=1e-6)
    assert_allclose(fit.hidden_matches, 1e6 * 0.002 * 0.1 * 0.2, rtol=1e-5)


def test_no_general_search_finds_a_better_fit() -> None:
    rng = np.random.default_rng(3)
    counts = rng.poisson(four(0.01, [0.85, 0.9, 0.8, 0.7], [0.02, 0.01, 0.2, 0.3], 2e5)).astype(float)
    beyond = counts[UNSEEN].sum()

    def loss(x: np.ndarray) -> float:
        p = 1 / (1 + np.exp(-x))
        cells = four(p[0], list(p[1:5]), list(p[5:]), 1.0)
        return float(-(counts[~UNSEEN] @ np.log(cells[~UNSEEN]) + beyond * np.log(cells[UNSEEN].sum())))

    fit = fit_mixture(FOUR[~UNSEEN], counts[~UNSEEN], start(4), hidden=unblocked(beyond), tol=1e-12, max_steps=20_000)
    at = np.array([fit.prevalence, *(t[1] for t in fit.m), *(t[1] for t in fit.u)])
    here = np.log(at / (1 - at))
    assert_allclose(-loss(here), fit.llf, rtol=1e-12)
    slope = optimize.approx_fprime(here, loss, 1e-6)
    assert_allclose(slope, 0, atol=0.05)  # forward differences, step 1e-6, of a function with curvature up to 1e4
    found = optimize.minimize(loss, here + 0.05, method="BFGS")
    assert fit.llf >= -found.fun - 1e-6


def test_a_missing_value_speaks_for_nobody() -> None:
    patterns = np.vstack([PATTERNS, [[1, 1, -1], [-1, -1, -1]]])
    weights = log_weights(patterns, start().m, start().u)
    assert_allclose(weights[-2], 2 * np.log(4), rtol=1e-12)
    assert weights[-1] == 0
    assert_allclose(posterior(weights[-1:], 0.2), 0.2)


def test_known_matches_and_fixed_fields_count() -> None:
    counts = expected(0.05, [0.9, 0.8, 0.95], [0.1, 0.05, 0.3], 1e4)
    known = np.where((PATTERNS == 1).all(axis=1), 500.0, 0.0)
    plain, taught = (fit_mixture(PATTERNS, counts, start(), known=k, tol=1e-6) for k in (None, known))
    assert taught.m[0][1] > plain.m[0][1]
    held = fit_mixture(PATTERNS, counts, start(), fixed_u=(True, False, False), max_steps=50)
    assert_allclose(held.u[0], [0.8, 0.2], rtol=1e-12)


def test_counts_twice_as_large_change_nothing_but_the_likelihood() -> None:
    counts = np.array([500.0, 30, 25, 12, 44, 9, 11, 60])
    one, two = (fit_mixture(PATTERNS, k * counts, start(), tol=1e-12) for k in (1, 2))
    assert_allclose(one.prevalence, two.prevalence, rtol=1e-7)
    assert_allclose(2 * one.llf, two.llf, rtol=1e-10)


# ---- the graph ----------------------------------------------------------------------------------------------------
def test_components_and_the_weakest_pair() -> None:
    left, right, p = np.array([0, 1, 0, 4]), np.array([1, 2, 2, 5]), np.array([0.95, 0.9, 0.02, 0.5])
    cluster = components(6, left[:2], right[:2])
    assert_array_equal(cluster, [0, 0, 0, 1, 2, 3])
    least, uncompared = least_inside(cluster, left, right, p)
    assert_allclose(least, [0.02, 1, 1, 1])
    assert_allclose(uncompared, 0)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=9))
def test_one_partner_each_and_the_best_sum(links: list[tuple[int, int, int]]) -> None:
    links = list({(a, b): (a, b, g) for a, b, g in links}.values())
    a, b, g = (np.array(side) for side in zip(*links, strict=True))
    keep = one_partner(a, b, g.astype(float))
    assert len(set(a[keep])) == keep.sum() == len(set(b[keep]))
    sums = [
        g[list(chosen)].sum()
        for size in range(1, len(links) + 1)
        for chosen in itertools.combinations(range(len(links)), size)
        if len(set(a[list(chosen)])) == size == len(set(b[list(chosen)]))
    ]
    assert g[keep].sum() == max(sums)


# ---- hidden cells -------------------------------------------------------------------------------------------------
def with_margins(inside: np.ndarray) -> np.ndarray:
    wide = np.column_stack([inside, inside.sum(axis=1)])
    return np.vstack([wide, wide.sum(axis=0)])


def test_bounds_by_hand() -> None:
    """Two hidden cells in a row of margin 12 with 5 shown: each lies between 0 and 7."""
    value = np.array([3.0, 4.0, 5.0, 12.0])
    low, high = inferred_bounds(value, np.array([True, True, False, False]), table_equations(1, 3), np.array([0, 1]))
    assert_allclose([low, high], [[0, 0], [7, 7]], atol=1e-6)  # limits are rounded to 1e-7


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_hidden_cells_cannot_be_worked_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    r, c = rng.integers(2, 5, 2)
    inside = rng.poisson(rng.uniform(1, 15), (r, c)).astype(float)
    table = with_margins(inside)
    value, small = table.ravel(), ((table > 0) & (table < 5)).ravel()
    margin = np.zeros(table.shape, dtype=bool)
    margin[-1], margin[:, -1] = True, True
    equations = table_equations(r, c)
    assert_allclose(equations @ value, 0)
    low, high = np.minimum(value, 1), np.full(len(value), 5.0)
    hidden = hide_further(value, small, margin.ravel(), equations, low, high)
    assert (hidden >= small).all()
    places = np.flatnonzero(small)
    floor, ceiling = inferred_bounds(value, hidden, equations, places)
    assert (floor <= 1 + 1e-6).all()
    assert (ceiling >= 5 - 1e-6).all()
    part = np.s_[:r, :c]
    grids = [v.reshape(table.shape)[part] for v in (value, small, low, high)]
    settled = np.zeros(table.shape, dtype=bool)
    settled[part] = safe_already(*grids)
    places = np.flatnonzero(settled.ravel())
    floor, ceiling = inferred_bounds(value, small, equations, places)
    assert (floor <= 1 + 1e-6).all()
    assert (ceiling >= 5 - 1e-6).all()
