"""More laws under truncation: reverse log-rank, limits of the mean, weights from limits, intervals, the figure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.models.test_truncation import spells, world

import exitmodels as xm
from exitmodels.kernels.boundmass import fit_bounds, flat_directions, loose_ends, place_bounds, rank_bounds


# ---- reverse-time log-rank ------------------------------------------------------------------------------------------
def right_only(seed: int) -> tuple[dict[str, Any], Any]:
    data = world(seed)
    return data, np.flatnonzero(data["left_limit"] == 0)


def slow_logrank(time: Any, limit: Any, group: Any, weigh: Any) -> tuple[Any, Any]:
    """Loop over times from the largest down: rows at risk have time <= t <= limit."""
    g = len(np.unique(group))
    score, spread = np.zeros(g), np.zeros((g, g))
    for t in np.unique(time)[::-1]:
        risk = (time <= t) & (t <= limit)
        n, d = risk.sum(), np.sum(time == t)
        share = np.bincount(group[risk], minlength=g) / n
        w = weigh(n, d)
        score += w * (np.bincount(group[time == t], minlength=g) - d * share)
        if n > 1:
            spread += w**2 * d * (n - d) / (n - 1) * (np.diag(share) - np.outer(share, share))
    return score, spread


@pytest.mark.parametrize(("weights", "weigh"), [("logrank", lambda n, d: 1.0), ("gehan", lambda n, d: float(n))])
def test_reverse_logrank_against_a_slow_definition(weights: str, weigh: Any) -> None:
    data, keep = right_only(20)
    group = np.arange(len(keep)) % 3
    own = {"exit": data["exit"][keep], "right_limit": data["right_limit"][keep]}
    rows = xm.Spells(**own, covariates={"unit": group})
    test = xm.reverse_logrank_test(rows, "unit", weights=weights)
    score, spread = slow_logrank(own["exit"], own["right_limit"], group, weigh)
    np.testing.assert_allclose(test.detail["score"], score, atol=1e-9)
    np.testing.assert_allclose(test.detail["covariance"], spread, atol=1e-9)
    assert test.statistic == pytest.approx(score[:2] @ np.linalg.solve(spread[:2, :2], score[:2]))
    trend = xm.reverse_logrank_test(rows, "unit", weights=weights, trend=True)
    line = np.array([1.0, 2.0, 3.0])
    assert trend.statistic == pytest.approx((line @ score) ** 2 / (line @ spread @ line))


def test_reverse_logrank_laws() -> None:
    data, keep = right_only(21)
    twice = np.random.default_rng(1).permutation(np.repeat(keep, 2))
    one = xm.reverse_logrank_test(spells(data, keep, weight=np.full(len(keep), 2.0)), "g")
    two = xm.reverse_logrank_test(spells(data, twice), "g")
    assert one.statistic == pytest.approx(two.statistic)
    within = xm.reverse_logrank_test(spells(data, keep), "g", strata="x")
    parts = [xm.reverse_logrank_test(spells(data, keep[data["x"][keep] == level]), "g") for level in (0, 1)]
    np.testing.assert_allclose(within.detail["score"], sum(p.detail["score"] for p in parts))
    np.testing.assert_allclose(within.detail["covariance"], sum(p.detail["covariance"] for p in parts))
    # it is the log-rank test of reversed time with delayed entry
    time, limit = data["exit"][keep], data["right_limit"][keep]
    turned = xm.Spells(exit=900 - time, entry=899.5 - limit, covariates={"g": data["g"][keep]})
    for weights in ("logrank", "peto", "tarone-ware", "prentice"):
        ours = xm.reverse_logrank_test(spells(data, keep), "g", weights=weights)
        assert ours.statistic == pytest.approx(xm.logrank_test(turned, "g", weights=weights).statistic)


def test_reverse_logrank_refusals() -> None:
    data, keep = right_only(22)
    rows = spells(data, keep)
    with pytest.raises(xm.SchemeError, match="DoublyTruncated"):
        xm.reverse_logrank_test(spells(data), "g")
    with pytest.raises(xm.DataError, match="sampling weights"):
        xm.reverse_logrank_test(spells(data, keep, weight=np.ones(len(keep)), weights="sampling"), "g")
    for bad in ({"weights": "magic"}, {"trend": [1.0]}):
        with pytest.raises(xm.DataError):
            xm.reverse_logrank_test(rows, "g", **bad)
    with pytest.raises(xm.DataError, match="one group"):
        xm.reverse_logrank_test(spells(data, keep[data["g"][keep] == 1]), "g")


# ---- limits of the mean ---------------------------------------------------------------------------------------------
def test_likelihood_ratio_limits_of_the_mean() -> None:
    """At each limit the statistic is the quantile; without windows it is Owen's for a plain mean."""
    data = world(23)
    curve = xm.DoublyTruncated().fit(spells(data))
    found = curve.means(limits="likelihood-ratio").iloc[0]
    ratio = curve.profiles["all"]._ratio(curve.profiles["all"].group.weight)
    assert ratio is not None
    for limit in (found.lower, found.upper):
        assert ratio.statistic(limit) == pytest.approx(3.841458820694124, rel=1e-5)
    assert found.lower < found["mean"] < found.upper
    plain = np.random.default_rng(5).exponential(10, 40)
    whole = xm.DoublyTruncated().fit(xm.Spells(exit=plain, left_limit=np.zeros(40), right_limit=np.full(40, 1e3)))
    own = whole.profiles["all"]._ratio(np.ones(40))
    assert own is not None
    for mean in (8.0, 9.0, 13.0):
        from scipy.optimize import brentq

        away = plain - mean
        edge = np.array([-1 / away.max(), -1 / away.min()]) * (1 - 1e-9)
        tilt = brentq(lambda v, a=away: np.sum(a / (1 + v * a)), *edge, xtol=1e-14)
        assert own.statistic(mean) == pytest.approx(2 * np.sum(np.log1p(tilt * away)), rel=1e-7)
    assert own.statistic(plain.max() + 1) == np.inf


def test_weights_and_clusters_in_limits_of_the_mean() -> None:
    data = world(24)
    model = xm.DoublyTruncated()
    one = model.fit(spells(data, weight=np.full(120, 2.0))).means(limits="likelihood-ratio").iloc[0]
    two = model.fit(spells(data, np.repeat(np.arange(120), 2))).means(limits="likelihood-ratio").iloc[0]
    np.testing.assert_allclose([one.lower, one.upper], [two.lower, two.upper], rtol=1e-6)
    pairs = np.repeat(np.arange(120), 2)
    together = model.fit(spells(data, pairs, cluster=np.arange(240) // 2)).means(limits="likelihood-ratio").iloc[0]
    plain = model.fit(spells(data)).means(limits="likelihood-ratio").iloc[0]
    # pairs of equal rows are half as many people; the scale comes from the sandwich and not from the information
    np.testing.assert_allclose(together.upper - together.lower, plain.upper - plain.lower, rtol=0.25)
    corrected = model.fit(spells(data)).means(limits="bartlett", n_samples=30, rng=1).iloc[0]
    assert corrected.lower <= plain.lower
    assert corrected.upper >= plain.upper
    with pytest.raises(xm.DataError, match="limits"):
        model.fit(spells(data)).means(limits="magic")


def test_saved_curves_refuse_likelihood_ratios(tmp_path: Any) -> None:
    curve = xm.DoublyTruncated().fit(spells(world(25)))
    curve.save(tmp_path / "c.json")
    with pytest.raises(xm.DataError, match="need the data"):
        xm.load(tmp_path / "c.json").means(limits="likelihood-ratio")


# ---- weights from the law of limits ---------------------------------------------------------------------------------
@pytest.mark.parametrize("estimator", ["weighted", "stabilised"])
def test_weights_from_limits_move_as_their_derivatives(estimator: str) -> None:
    data, keep = right_only(26)
    keep = keep[:60]
    # no limit at its stay, and some without end
    data["right_limit"] = np.where(np.arange(120) % 7 == 0, np.inf, data["right_limit"] + 0.5)
    model = xm.TruncatedCox("x + z", event="any", estimator=estimator, chances="limits")
    weight = np.random.default_rng(3).uniform(0.5, 2, len(keep))
    fit = model.fit(spells(data, keep, weight=weight, weights="sampling"))
    moves = []
    for i in range(len(keep)):
        ends = []
        for step in (1e-4, -1e-4):
            moved = weight.copy()
            moved[i] *= 1 + step
            ends.append(model.fit(spells(data, keep, weight=moved, weights="sampling")).estimate)
        moves.append((ends[0] - ends[1]) / 2e-4)
    slopes = np.array(moves)
    # central differences
    np.testing.assert_allclose(fit.covariance, slopes.T @ slopes, rtol=1e-6)
    assert fit.with_vcov("bootstrap", n_samples=30, rng=1).bse.gt(0).all()
    with pytest.raises(xm.SchemeError, match="DoublyTruncated"):
        model.fit(spells(world(26)))
    with pytest.raises(xm.DataError, match="chances"):
        xm.TruncatedCox("x", chances="magic").fit(spells(data))


# ---- intervals seen through windows ---------------------------------------------------------------------------------
def test_exact_times_give_the_doubly_truncated_estimate() -> None:
    data = world(27)
    own = {name: data[name] for name in ("exit", "left_limit", "right_limit")}
    for closed in ("right", "both"):
        ours = xm.TruncatedTurnbull(n_samples=0, closed=closed).fit(xm.Spells(**own))
        theirs = xm.DoublyTruncated(variance="none", closed=closed).fit(xm.Spells(**own))
        np.testing.assert_allclose(ours.time, theirs.time)
        np.testing.assert_allclose(ours.estimate, theirs.estimate, atol=1e-9)
        assert ours.pieces[0].llf == pytest.approx(theirs.checks[0].llf)
        assert ours.pieces[0].flat == 0


def test_without_right_limits_it_is_turnbull_with_delayed_entry() -> None:
    rng = np.random.default_rng(28)
    entry, stay = rng.integers(0, 10, 200), np.ceil(rng.weibull(1.3, 200) * 25)
    keep = stay > entry + 1
    entry, stay = entry[keep].astype(float), stay[keep]
    low = entry + np.floor((stay - entry) / 4) * 4
    high = np.where((rng.random(len(low)) < 0.2) & (low > entry), np.inf, low + 4)
    theirs = xm.Turnbull().fit(xm.Spells(lower=low, upper=high, entry=entry))
    ours = xm.TruncatedTurnbull(n_samples=0).fit(xm.Spells(lower=low, upper=high, left_limit=entry))
    assert ours.pieces[0].llf == pytest.approx(theirs.pieces[0].llf, rel=1e-10)
    at = np.arange(2.0, 30.0, 3.0)
    np.testing.assert_allclose(ours.at(at).least, theirs.at(at).least, atol=1e-7)
    np.testing.assert_allclose(ours.at(at).most, theirs.at(at).most, atol=1e-7)


def brute(low: Any, high: Any, left: Any, right: Any) -> float:
    """Best log-likelihood with mass on every whole day, by many plain steps from several starts."""
    days = np.arange(1, int(high.max()) + 1)
    held = (days > low[:, None]) & (days <= high[:, None]) & (days > left[:, None]) & (days <= right[:, None])
    seen = (days > left[:, None]) & (days <= right[:, None])
    rng, best = np.random.default_rng(0), -np.inf
    for _ in range(2):
        mass = rng.dirichlet(np.ones(len(days)))
        for _ in range(2500):
            mass = (
                mass
                * (held / (held @ mass)[:, None]).sum(0)
                / np.maximum((seen / (seen @ mass)[:, None]).sum(0), 1e-300)
            )
            mass = mass / mass.sum()
        best = max(best, float(np.sum(np.log(held @ mass) - np.log(seen @ mass))))
    return best


def test_intervals_and_windows_against_brute_force() -> None:
    data = world(29)
    low = np.floor((data["exit"] - 1) / 10) * 10
    high = low + 10
    left, right = data["left_limit"], data["right_limit"]
    curve = xm.TruncatedTurnbull(n_samples=0, rng=1).fit(
        xm.Spells(lower=low, upper=high, left_limit=left, right_limit=right)
    )
    # plain steps end a little short of the maximum
    assert curve.pieces[0].llf == pytest.approx(brute(low, high, left, right), abs=2e-3)
    assert curve.pieces[0].llf >= brute(low, high, left, right) - 1e-6
    assert curve.pieces[0].gap < 1e-9
    bounds = rank_bounds(low, high, left, right)
    places = place_bounds(bounds)
    found = fit_bounds(places, np.ones(120))
    assert found.converged
    assert loose_ends(places, np.ones(120), found.mass).max() < 1e-8
    assert flat_directions(places, np.ones(120), found.mass) == curve.pieces[0].flat


def test_laws_of_intervals_with_windows(tmp_path: Any) -> None:
    data = world(30)
    low = np.floor((data["exit"] - 1) / 5) * 5
    own = {"lower": low, "upper": low + 5, "left_limit": data["left_limit"], "right_limit": data["right_limit"]}
    model = xm.TruncatedTurnbull(n_samples=20, rng=1)
    one = model.fit(xm.Spells(**own, weight=np.full(120, 2.0)))
    order = np.random.default_rng(2).permutation(np.repeat(np.arange(120), 2))
    two = xm.TruncatedTurnbull(n_samples=0).fit(xm.Spells(**{k: v[order] for k, v in own.items()}))
    np.testing.assert_allclose(one.at([10, 20, 40]).least, two.at([10, 20, 40]).least, atol=1e-7)
    frame = one.at([12, 25, 999])
    assert np.all(frame.least[:2] <= frame.estimate[:2])
    assert np.isnan(frame.estimate[2])
    assert one.quantile(0.5).earliest[0] <= one.quantile(0.5).latest[0]
    one.save(tmp_path / "c.json")
    assert str(xm.load(tmp_path / "c.json")) == str(one)
    assert one.plot() is not None
    by = xm.TruncatedTurnbull(by="g", n_samples=0).fit(xm.Spells(**own, covariates={"g": data["g"]}))
    assert len(by.pieces) == 2


def test_what_is_refused_of_intervals() -> None:
    with pytest.raises(xm.SchemeError, match="no window"):
        xm.TruncatedTurnbull().fit(xm.Spells(lower=[1.0], upper=[2.0]))
    with pytest.raises(xm.DataError, match="inside the window"):
        xm.TruncatedTurnbull().fit(xm.Spells(lower=[5.0, 1], upper=[6.0, 2], right_limit=[4.0, 4]))
    with pytest.raises(xm.DataError, match="had not left"):
        xm.TruncatedTurnbull().fit(xm.Spells(exit=[3.0, 4], event=[0, 1], right_limit=[9.0, 9]))
    apart = {"left_limit": [0.0, 0, 10, 10], "right_limit": [5.0, 5, 15, 15]}
    with pytest.raises(xm.IdentificationError, match="2 sets"):
        xm.TruncatedTurnbull().fit(xm.Spells(lower=[0.0, 1, 10, 11], upper=[1.0, 2, 11, 12], **apart))


# ---- the figure and the error ---------------------------------------------------------------------------------------
def test_the_lexis_diagram_shades_what_was_seen_and_hatches_what_was_not() -> None:
    records = xm.datasets.exits431()
    ax = records.spells().plot(most=50)
    labels = ax.get_legend_handles_labels()[1]
    assert labels == ["exits recorded", "exits without a record", "left"]
    assert "50 of 431" in ax.get_title(loc="left")
    (lines,) = [c for c in ax.collections if hasattr(c, "get_segments")]
    ends = np.stack(lines.get_segments())
    np.testing.assert_allclose(ends[:, 1, 0] - ends[:, 0, 0], ends[:, 1, 1] - ends[:, 0, 1])  # slope one, in days
    assert ax.get_aspect() == 1
    again = records.spells().plot(most=50)
    other = next(c for c in again.collections if hasattr(c, "get_segments"))
    np.testing.assert_array_equal(ends, np.stack(other.get_segments()))
    whole = records.spells()
    bare = xm.Spells(exit=whole.exit, left_limit=whole.left_limit, right_limit=whole.right_limit).plot(most=50)
    assert "window opened" in bare.get_xlabel()
    assert xm.Spells(exit=[1, 2], event=[1, 0]).plot().get_ylabel().startswith("Spells")
    odd = xm.Spells(exit=[2.0, 3], left_limit=[1.0, 1], right_limit=[4.0, 9]).plot()
    assert odd.get_ylabel().startswith("Spells")


def test_the_scheme_error_names_what_exists() -> None:
    with pytest.raises(xm.SchemeError) as raised:
        xm.KaplanMeier().fit(spells(world(31)))
    for word in str(raised.value.hint).replace(",", " ").replace(";", " ").replace(".", " ").split():
        if word[0].isupper() and word[1:].lower() != word[1:]:
            assert hasattr(xm, word), word
    for name in ("ExitWindow", "ParametricSpells", "TruncatedTurnbull", "ReverseCox", "reverse_logrank_test"):
        assert name in raised.value.hint
