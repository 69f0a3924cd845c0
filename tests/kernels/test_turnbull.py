"""The distribution seen through intervals: closed forms, a slow definition, derivatives, limits."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import brentq
from scipy.stats import chi2

from exitmodels.kernels import graphs
from exitmodels.kernels.chains import Chain, chain, maximise, node_gradient
from exitmodels.kernels.innermost import innermost, rank_ends
from exitmodels.kernels.intervaltests import EFFECTS, score_rows, score_variance
from exitmodels.kernels.products import kaplan_meier
from exitmodels.kernels.tables import event_table
from exitmodels.kernels.turnbull import fit_masses
from exitmodels.kernels.turnbull_limits import Profile, Steps, draw_steps

INF = np.inf


def fitted(lower, upper, entry=None, weight=None):
    lower, upper = np.asarray(lower, float), np.asarray(upper, float)
    places = innermost(rank_ends(lower, upper, None if entry is None else np.asarray(entry, float)))
    return places, fit_masses(places, np.ones(len(lower)) if weight is None else np.asarray(weight, float))


def self_consistent(lower, upper, entry, weight, steps=20_000):
    """Turnbull (1976), eq. 3.4 and 3.5, on every time and gap that the data can tell apart; dense and slow."""
    ends = np.unique(np.concatenate([lower, upper, entry]))
    ends = ends[np.isfinite(ends)]
    cells = np.sort(np.concatenate([ends, (ends[:-1] + ends[1:]) / 2, ends[-1:] + 1]))
    seen = cells > entry[:, None]
    held = ((lower[:, None] < cells) & (cells <= upper[:, None])) | (
        (lower == upper)[:, None] & (cells == lower[:, None])
    )
    keep = (held & seen).any(axis=0)
    held, seen = (held & seen)[:, keep].astype(float), seen[:, keep].astype(float)
    p = np.full(held.shape[1], 1 / held.shape[1])
    for _ in range(steps):
        p = (weight / (held @ p)) @ held * p + (weight / (seen @ p)) @ (1 - seen) * p
        p /= p.sum()
    return float(weight @ np.log(held @ p / (seen @ p)))


def draw(rng, n, late):
    """Small worlds on a coarse grid: exact, left-, right- and interval-censored times, entries, weights."""
    entry = np.where(rng.random(n) < late, rng.integers(1, 6, n), 0).astype(float)
    lower = entry + rng.integers(0, 6, n)
    upper = lower + rng.integers(0, 5, n)
    upper = np.where(upper == entry, upper + 1, upper).astype(float)
    lower = np.where((lower < upper) & (rng.random(n) < 0.1), 0, lower).astype(float)
    upper = np.where((rng.random(n) < 0.25) & (lower < upper), INF, upper)
    return lower, upper, entry, rng.integers(1, 4, n).astype(float)


# ---- where mass can be -------------------------------------------------------------------------------------------
def test_innermost_intervals_by_hand():
    """(0, 2], (1, 3], (2, 4] and the point 2: 2 lies in (0, 2] and (1, 3] but not in (2, 4]."""
    places = innermost(rank_ends(np.array([0, 1, 2, 2.0]), np.array([2, 3, 4, 2.0])))
    assert_allclose(places.left, [2, 2])
    assert_allclose(places.right, [2, 3])
    assert places.point.tolist() == [True, False]
    assert list(zip(places.first.tolist(), places.stop.tolist(), strict=True)) == [(0, 1), (0, 2), (1, 2), (0, 1)]


def test_an_interval_that_ends_where_another_begins_shares_nothing_with_it():
    places = innermost(rank_ends(np.array([0.0, 2.0]), np.array([2.0, 5.0])))
    assert_allclose(np.column_stack([places.left, places.right]), [[0, 2], [2, 5]])


def test_an_entry_closes_an_interval():
    """The row that enters at 3 makes mass before 3 cheaper: (1, 4] can hold mass in (1, 3] and in (3, 4]."""
    places = innermost(rank_ends(np.array([1.0, 3.0]), np.array([4.0, 6.0]), np.array([0.0, 3.0])))
    assert_allclose(np.column_stack([places.left, places.right]), [[1, 3], [3, 4]])
    assert places.enters.tolist() == [0, 1]


def test_times_that_differ_by_rounding_are_one_time():
    places = innermost(rank_ends(np.array([0.0, 0.1 + 0.2]), np.array([0.3, 1.0])))
    assert_allclose(places.right, [0.3, 1.0])


# ---- how much ----------------------------------------------------------------------------------------------------
def test_two_overlapping_intervals_by_hand():
    """(0, 2] twice and (1, 3] once: everything in (1, 2] explains all rows; the likelihood is 1."""
    places, found = fitted([0, 0, 1], [2, 2, 3])
    assert (places.left[found.mass > 0], places.right[found.mass > 0]) == (1, 2)
    assert_allclose(found.value, 0, atol=1e-12)


def test_current_status_is_the_pooled_average_of_ayer_et_al():
    """At 1: 1 of 3 gone; at 2: 1 of 1; at 3: 1 of 2. The last two violate the order and pool: 2 of 3."""
    times, gone = np.array([1, 1, 1, 2, 3, 3.0]), np.array([1, 0, 0, 1, 1, 0])
    places, found = fitted(np.where(gone, 0, times), np.where(gone, times, INF))
    assert_allclose(found.before[np.searchsorted(places.right, [1.5, 2.5, 3.5])], [2 / 3, 1 / 3, 1 / 3], atol=1e-12)
    assert_allclose(found.value, np.log(1 / 3) + 2 * np.log(2 / 3) + 2 * np.log(2 / 3) + np.log(1 / 3), rtol=1e-12)


@pytest.mark.parametrize("n", [60, 2000])
def test_exact_and_right_censored_times_give_kaplan_meier_with_delayed_entry(n):
    rng = np.random.default_rng(n)
    stay, end = np.ceil(rng.exponential(60, n)), np.ceil(rng.uniform(1, 120, n))
    exit, event = np.minimum(stay, end), (stay <= end).astype(int)
    entry = np.where(rng.random(n) < 0.3, np.floor(exit / 2), 0)
    table = event_table(exit, event, 1, entry)
    survival, _ = kaplan_meier(table.at_risk, table.events[0])
    places, found = fitted(exit, np.where(event, exit, INF), entry)
    last = np.flatnonzero(survival <= 0)
    upto = len(survival) if not last.size else last[0] + 1
    ours = np.array([found.before[np.searchsorted(places.right, t, side="right")] for t in table.time[:upto]])
    assert_allclose(ours, survival[:upto], atol=1e-11)
    assert found.gap < 1e-9


@pytest.mark.parametrize("late", [0.0, 0.5])
def test_the_likelihood_is_that_of_the_slow_definition(late):
    rng = np.random.default_rng(17)
    exhausted = 0
    for _ in range(40):
        lower, upper, entry, weight = draw(rng, rng.integers(1, 11), late)
        _, found = fitted(lower, upper, entry, weight)
        slow = self_consistent(lower, upper, entry, weight)
        assert found.converged
        assert found.gap < 1e-9
        assert found.value >= slow - 1e-9
        exhausted += bool(found.exhausted)
        if not found.exhausted:
            assert found.value <= slow + 1e-5  # self-consistency creeps where a mass goes to zero
    assert (exhausted > 0) == (late > 0)


def test_survival_falls_to_zero_when_nobody_is_known_to_live_through():
    """The first row is gone by 2; the second enters at 5. Any survival at 5 fits, so the curve ends at 2."""
    places, found = fitted([0, 6], [2, 8], [0, 5])
    assert found.exhausted == (0,)
    assert_allclose(found.before, [1] + [0] * len(places))
    assert_allclose(found.value, 0, atol=1e-12)


def test_masses_are_unique_without_delayed_entry():
    rng = np.random.default_rng(2)
    for _ in range(60):
        lower, upper, _, weight = draw(rng, 8, 0.0)
        assert fitted(lower, upper, None, weight)[1].flat == 0


def test_a_direction_in_which_nothing_changes_is_counted():
    """Seen from 0: present at 3; gone in (2, 4]; present at 5. From 3: present at 5. From 5: gone in (6, 7].

    The likelihood S(3) (1 - S(4)) S(5) S(5) / S(3) (S(6) - S(7)) / S(5) does not hold S(3).
    """
    lower, upper = np.array([3.0, 2, 5, 5, 6]), np.array([INF, 4, INF, INF, 7])
    entry, weight = np.array([0.0, 0, 0, 3, 5]), np.ones(5)
    places, found = fitted(lower, upper, entry)
    assert found.flat == 1
    assert_allclose(np.column_stack([places.left, places.right]), [[2, 3], [3, 4], [6, 7]])
    assert_allclose(found.before[[0, 2, 3]], [1, 2 / 3, 0], atol=1e-9)
    data = chain(3, places.enters, places.first, places.stop, weight)
    values = [maximise(data, (1, -np.log(s))).value for s in (0.7, 0.8, 0.95)]
    assert_allclose(values, found.value, rtol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_large_sets_are_solved_like_small_ones(seed, monkeypatch):
    """Conjugate gradients and Cholesky must give one answer, on exact and interval times together."""
    rng = np.random.default_rng(seed)
    stay = rng.weibull(1.5, 300) * 100
    lower = np.where(rng.random(300) < 0.6, stay, np.maximum(stay - rng.exponential(20, 300), 0))
    upper = np.where(lower == stay, stay, stay + rng.exponential(20, 300))
    _, dense = fitted(lower, upper)
    monkeypatch.setattr(graphs, "_DENSE", 3)
    _, sparse = fitted(lower, upper)
    assert_allclose(sparse.before, dense.before, atol=1e-9)
    assert sparse.gap < 1e-9


def test_gradient_and_curvature_against_numerical_ones():
    rng = np.random.default_rng(5)
    lower, upper, entry, weight = draw(rng, 40, 0.4)
    places = innermost(rank_ends(lower, upper, entry))
    data = chain(len(places), places.enters, places.first, places.stop, weight, rng.uniform(0.5, 2, 40))
    hazard = np.concatenate([[0.0], np.cumsum(rng.uniform(0.05, 0.4, len(places) - 1))])

    def value(h):
        x = data.rate * (h[data.high] - h[data.low])
        return data.slope @ h + data.weight @ np.log(-np.expm1(-x))

    gradient, edge = node_gradient(data, hazard)
    eye = np.eye(len(hazard))
    slopes = [(value(hazard + 1e-6 * e) - value(hazard - 1e-6 * e)) / 2e-6 for e in eye]
    assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-6)
    hessian = np.zeros((len(hazard), len(hazard)))
    for i, j, w in zip(data.low, data.high, edge, strict=True):
        hessian += w * np.outer(eye[i] - eye[j], eye[i] - eye[j])
    slopes = [
        (node_gradient(data, hazard + 1e-6 * e)[0] - node_gradient(data, hazard - 1e-6 * e)[0]) / 2e-6 for e in eye
    ]
    assert_allclose(-hessian, slopes, rtol=1e-7, atol=1e-6)


def test_the_likelihood_of_a_row_with_entry_and_rate():
    """One row: seen at 1, present at 2, gone by 3, rate 2; H = 0, 0.1, 0.3, 0.6 at the nodes."""
    data = Chain(
        5, np.array([0, 2.0, -2.0, 0, 0]), np.array([2]), np.array([3]), np.ones(1), np.full(1, 2.0), np.zeros(4)
    )
    hazard = np.array([0, 0.1, 0.3, 0.6, 0.9])
    right = np.log(np.exp(-2 * 0.3) - np.exp(-2 * 0.6)) - np.log(np.exp(-2 * 0.1))
    assert_allclose(data.slope @ hazard + np.log(-np.expm1(-2 * 0.3)), right)
    assert_allclose(maximise(data).value, 0, atol=1e-6)


# ---- limits ------------------------------------------------------------------------------------------------------
def test_likelihood_ratio_limits_are_those_of_thomas_and_grunkemeier():
    """With exact times the constrained hazards are d / (Y + lambda)."""
    rng = np.random.default_rng(3)
    stay, end = rng.exponential(100, 100), rng.uniform(0, 200, 100)
    exit, event = np.minimum(stay, end), stay <= end
    entry = rng.uniform(0, 30, 100) * (rng.random(100) < 0.5)
    keep = exit > entry
    exit, event, entry = exit[keep], event[keep], entry[keep]
    ends = rank_ends(exit, np.where(event, exit, INF), entry)
    places = innermost(ends)
    found = fit_masses(places, np.ones(len(exit)))
    day, quantile = 60.0, chi2.ppf(0.95, 1)
    times = np.sort(exit[event & (exit <= day)])
    at_risk = np.array([np.sum((exit >= t) & (entry < t)) for t in times]).astype(float)

    def fall(size):
        return (
            2 * np.sum(at_risk * np.log1p(size / at_risk) - (at_risk - 1) * np.log1p(size / (at_risk - 1))) - quantile
        )

    bounds = [brentq(fall, -(at_risk.min() - 1) + 1e-9, 0), brentq(fall, 0, 1e4)]
    closed = [np.prod(1 - 1 / (at_risk + size)) for size in bounds]
    now = found.before[np.searchsorted(places.right, day, side="right")]
    profile = Profile(ends, np.ones(len(exit)), found.value)
    low, high = profile.limits(day, now, now, quantile)
    assert_allclose([low, high], closed, rtol=1e-6)
    assert_allclose([profile.statistic(day, v) for v in closed], quantile, rtol=1e-6)
    assert_allclose(profile.statistic(day, now), 0, atol=1e-9)


def test_limits_before_the_first_exit():
    """Nobody of 20 has left by 5: the likelihood of S is S to the 20, and the limit exp(-q / 40)."""
    ends = rank_ends(np.full(20, 10.0), np.full(20, 12.0))
    profile = Profile(ends, np.ones(20), 0.0)
    low, high = profile.limits(5.0, 1.0, 1.0, 3.84)
    assert_allclose(low, np.exp(-3.84 / 40), rtol=1e-6)
    assert high == 1


def test_fixing_survival_agrees_with_a_brute_force_search():
    """Inside an innermost interval too, where the time asked for cuts the interval."""
    lower, upper, weight = np.array([0, 2, 3, 5.0]), np.array([3, 6, 8, INF]), np.array([3.0, 2, 2, 1])
    _, found = fitted(lower, upper, None, weight)
    profile = Profile(rank_ends(lower, upper), weight, found.value)
    grid = np.linspace(0, 1, 401)
    # cells (0, 2], (2, 2.5], (2.5, 3], (3, 5], (5, 6], (6, 8], (8, inf): cuts at 2.5
    first = grid[:, None]
    level = 0.7
    p = (1 - level) * first  # mass in (2, 2.5]; the rest of 1 - level in (0, 2] helps no row but the first
    rest = 0.7
    inside = np.linspace(0, rest, 401)[None, :]  # mass in (2.5, 3], the others share what is left in (5, 6]
    far = rest - inside
    with np.errstate(divide="ignore"):
        value = (
            3 * np.log((1 - level) + inside)
            + 2 * np.log(p + inside + far)
            + 2 * np.log(far + 0 * p)
            + np.log(far + 0 * p)
        )
    assert_allclose(profile.statistic(2.5, level), 2 * (found.value - value.max()), atol=2e-5)


def test_bootstrap_draws_people_rows_or_clusters():
    lower, upper = np.array([0.0, 1, 2, 3]), np.array([1.0, 2, 3, INF])
    ends, weight = rank_ends(lower, upper), np.array([1.0, 5, 3, 1])
    rng = np.random.default_rng(0)
    people = draw_steps(ends, weight, 300, rng)
    # 300 draws
    assert_allclose(people.at(1.5).mean(), 0.9, atol=0.02)
    # 300 draws
    assert_allclose(people.at(1.5).std(), np.sqrt(0.09 / 10), rtol=0.2)
    whole = draw_steps(ends, weight, 300, rng, cluster=np.array([0, 0, 1, 1]))
    assert set(np.round(whole.at(1.5), 9)) == {np.round(5 / 6, 9), 0.9, 1.0}
    rows = draw_steps(ends, weight, 300, rng, copies=False)
    assert len(set(np.round(rows.at(1.5), 9))) > 3


def test_step_curves_are_read_one_by_one():
    steps = Steps(np.array([1.0, 3, 2]), np.array([0.5, 0.0, 0.2]), np.array([0, 2, 3, 3]))
    assert_allclose(steps.at(1.0), [0.5, 1, 1])
    assert_allclose(steps.at(2.5), [0.5, 0.2, 1])
    assert_allclose(steps.crossing(0.5)[:2], [1, 2])


# ---- scores ------------------------------------------------------------------------------------------------------
def shifted(curve, effect, size):
    """The curve of a group whose effect is `size`."""
    if effect == "finkelstein":
        return curve ** np.exp(size)
    if effect == "wilcoxon":
        odds = curve[:-1] / np.maximum(1 - curve[:-1], 1e-300) * np.exp(-size)
        return np.append(np.where(curve[:-1] >= 1, 1.0, odds / (1 + odds)), 0.0)
    hazard = 1 - curve[1:-1] / curve[:-2]
    odds = hazard / (1 - hazard) * np.exp(size)
    return np.concatenate([[1.0], np.cumprod(1 / (1 + odds)), [0.0]])


@pytest.mark.parametrize("effect", EFFECTS)
def test_scores_and_information_against_numerical_derivatives(effect):
    """The efficient information is that of effects and curve together, the curve's part taken away."""
    rng = np.random.default_rng(8)
    lower, upper, entry, weight = draw(rng, 60, 0.3)
    lower = np.maximum(lower, entry)
    entry[:10] = 0
    group = rng.integers(0, 3, 60)
    places, found = fitted(lower, upper, entry, weight)
    assert not found.exhausted
    mass = np.where(found.mass > 1e-12, found.mass, 0)
    rows = score_rows(found.before, mass, places.enters, places.first, places.stop, effect)

    def value(parameters):
        curve = np.concatenate([[1.0], parameters[3:], [0.0]])
        total = 0.0
        for g in range(3):
            own, s = group == g, shifted(curve, effect, parameters[g])
            a, b, e = rows.first[own], rows.stop[own], rows.enters[own]
            total += weight[own] @ (np.log(s[a] - s[b]) - np.log(s[e]))
        return total

    at = np.concatenate([np.zeros(3), rows.curve[1:-1]])
    size, eye = 1e-4, np.eye(len(at))
    slope = [(value(at + size * e) - value(at - size * e)) / (2 * size) for e in eye]
    assert_allclose(np.bincount(group, weight * rows.score, 3), slope[:3], rtol=1e-5, atol=1e-5)
    # a slope that is zero, by differences, at a maximum found to rounding
    assert_allclose(slope[3:], 0, atol=1e-3)
    size = 2e-4
    cross = [
        [
            (
                value(at + size * (e + f))
                - value(at + size * (e - f))
                - value(at - size * (e - f))
                + value(at - size * (e + f))
            )
            / (4 * size**2)
            for e in eye
        ]
        for f in eye
    ]
    full = -np.array(cross)
    efficient = full[:3, :3] - full[:3, 3:] @ np.linalg.solve(full[3:, 3:], full[3:, :3])
    # second differences, and an inverse of them
    assert_allclose(score_variance(rows, group, 3, weight), efficient, rtol=2e-4, atol=2e-4)
