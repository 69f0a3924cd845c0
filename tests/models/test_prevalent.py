"""People found inside on a day: laws, closed forms and refusals. All data are simulated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import exitmodels as xm
from exitmodels.kernels.currentduration import falling_density, log_survival, mean_stay
from exitmodels.kernels.lengthbias import fit_found, found_spread, found_window, place_found
from exitmodels.kernels.squared import settle


def cohort(seed: int, n: int = 120, follow: float = 60.0) -> dict[str, Any]:
    """People found inside, long stays more often, each followed for a random time; SIMULATED."""
    rng = np.random.default_rng(seed)
    stay = rng.weibull(1.5, 20 * n) * 40
    stay = rng.choice(stay, n, p=stay / stay.sum())
    since = rng.uniform(0, 1, n) * stay
    seen = np.minimum(stay, since + rng.uniform(0, follow, n))
    return {"entry": since, "exit": seen, "event": stay <= seen}


def spells(data: dict[str, Any], rows: Any = None, **more: Any) -> xm.Spells:
    keep = np.arange(len(data["exit"])) if rows is None else rows
    return xm.Spells(**{name: v[keep] for name, v in data.items()}, **more)


def test_all_stays_whole_is_the_harmonic_mean() -> None:
    """Nobody still there: masses proportional to 1 / t (Vardi 1982), mean n / sum(1 / t)."""
    data = cohort(1, follow=1e9)
    curve = xm.PrevalentCohort().fit(spells(data))
    stay = np.sort(data["exit"])
    share = (1 / stay) / np.sum(1 / stay)
    last = np.append(np.diff(stay) > 0, True)
    np.testing.assert_allclose(curve.estimate, (1 - np.cumsum(share))[last], atol=1e-12)
    assert curve.checks[0].mean == pytest.approx(len(stay) / np.sum(1 / stay), rel=1e-12)
    assert curve.checks[0].found_mean == pytest.approx(stay.mean(), rel=1e-12)
    # delta method for n / sum(1 / t)
    inverse = 1 / stay
    by_hand = np.sqrt(np.sum((inverse - inverse.mean()) ** 2)) / (len(stay) * inverse.mean() ** 2)
    assert curve.checks[0].mean_se == pytest.approx(by_hand, rel=1e-10)


def test_it_maximises_the_likelihood_and_nothing_gains_by_mass_elsewhere() -> None:
    data = cohort(2)
    times, level = np.unique(data["exit"], return_inverse=True)
    found, _, _ = place_found(level, data["event"], np.ones(120), times, np.inf, 0.0)
    fit = fit_found(found)
    stays = fit.mass / found.chance
    tail = np.cumsum(stays[::-1])[::-1]
    value = sum(np.log(stays[found.place[i]] if data["event"][i] else tail[found.place[i]]) for i in range(120))
    assert fit.value == pytest.approx(value)
    slope = found.events / np.where(found.events > 0, fit.mass, 1)
    slope += np.cumsum(np.where(found.open > 0, found.open / tail, 0.0)) / found.chance
    assert slope.max() / 120 - 1 < 1e-9
    np.testing.assert_allclose(slope[fit.mass > 1e-9] / 120, 1, atol=1e-9)


def test_information_is_minus_the_second_derivative() -> None:
    rng = np.random.default_rng(3)
    place, left = rng.integers(0, 6, 40), rng.random(40) < 0.6
    place[:6], left[:6] = np.arange(6), True
    found, _, _ = place_found(place, left, np.ones(40), np.arange(1.0, 7.0), np.inf, 0.0)
    theta = np.log(fit_found(found).mass + 1e-3)

    def value(at: Any) -> float:
        stays = np.exp(at) / np.exp(at).sum() / found.chance
        tail = np.cumsum(stays[::-1])[::-1]
        return float(found.events @ np.log(stays) + found.open @ np.log(tail))

    held, size, step = int(np.argmax(found.events)), len(theta), 1e-4
    second = np.zeros((size, size))
    unit = np.eye(size) * step
    for i in range(size):
        for j in range(size):
            ends = [value(theta + a * unit[i] + b * unit[j]) * a * b for a in (1, -1) for b in (1, -1)]
            second[i, j] = sum(ends) / (4 * step**2)
    keep = np.delete(np.arange(size), held)
    mass = np.exp(theta) / np.exp(theta).sum()
    ours = np.linalg.inv(found_spread(found, mass)[np.ix_(keep, keep)])
    # central differences of a second derivative
    np.testing.assert_allclose(ours, -second[np.ix_(keep, keep)], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("variance", ["robust", "model"])
def test_weight_two_is_two_rows_in_any_order(variance: str) -> None:
    data = cohort(4)
    model = xm.PrevalentCohort(variance=variance)
    twice = np.random.default_rng(0).permutation(np.repeat(np.arange(120), 2))
    one, two = model.fit(spells(data, weight=np.full(120, 2.0))), model.fit(spells(data, twice))
    # masses at the edge of the simplex settle slowly
    np.testing.assert_allclose(one.at([10, 30, 60]).estimate, two.at([10, 30, 60]).estimate, atol=1e-7)
    np.testing.assert_allclose(one.means()[["mean", "se"]], two.means()[["mean", "se"]], rtol=1e-6)
    assert one.checks[0].stationarity == pytest.approx(two.checks[0].stationarity)


def test_clusters_of_one_are_rows_and_the_bootstrap_agrees() -> None:
    data = cohort(5)
    plain = xm.PrevalentCohort().fit(spells(data)).means().iloc[0]
    alone = xm.PrevalentCohort().fit(spells(data, cluster=np.arange(120))).means().iloc[0]
    assert alone.se == pytest.approx(plain.se, rel=1e-8)
    doubled = xm.PrevalentCohort().fit(spells(data, np.repeat(np.arange(120), 2), cluster=np.arange(240) // 2))
    assert doubled.means().iloc[0].se == pytest.approx(plain.se, rel=1e-5)
    sampled = xm.PrevalentCohort().fit(spells(data, weight=np.full(120, 3.3), weights="sampling"))
    assert sampled.means().iloc[0].se == pytest.approx(plain.se, rel=1e-6)
    drawn = xm.PrevalentCohort(variance="bootstrap", n_samples=100, rng=1).fit(spells(data))
    # 100 bootstrap samples
    assert drawn.means().iloc[0].se == pytest.approx(plain.se, rel=0.35)
    assert drawn.rmst(30.0).se.iloc[0] > 0


def test_known_rates_of_coming() -> None:
    """A rate growing by exp(g t), and people coming only since some day: the chance of being found is an integral."""
    t = np.array([5.0, 20.0, 50.0])
    grid = (np.arange(200_000) + 0.5) / 200_000
    for since, growth in ((np.inf, 0.02), (30.0, 0.02), (30.0, -0.03)):
        reach = np.minimum(t, since)
        slow = [r * np.mean(np.exp(-growth * r * grid)) for r in reach]
        np.testing.assert_allclose(found_window(t, since, growth), slow, rtol=1e-8)
    data = cohort(6)
    wide = xm.PrevalentCohort(since=1e6).fit(spells(data))
    assert wide.checks[0].mean == pytest.approx(xm.PrevalentCohort().fit(spells(data)).checks[0].mean, rel=1e-9)
    assert np.isnan(wide.checks[0].stationarity)
    grown = xm.PrevalentCohort(growth=0.02).fit(spells(data))
    assert grown.checks[0].mean > wide.checks[0].mean  # growing numbers hide long stays
    assert "growing" in grown.method


def test_delayed_entry_beside_it_is_kaplan_meier() -> None:
    data = cohort(7)
    curve = xm.PrevalentCohort().fit(spells(data))
    at = [10.0, 20.0, 40.0]
    np.testing.assert_allclose(
        curve.beside(at).delayed_entry, xm.KaplanMeier().fit(spells(data)).at(at).estimate, atol=1e-12
    )


def test_groups_saving_and_printing(tmp_path: Any) -> None:
    data = cohort(8, 200)
    half = {"g": np.arange(200) % 2}
    curve = xm.PrevalentCohort(by="g").fit(spells(data, covariates=half))
    own = xm.PrevalentCohort().fit(spells(data, np.flatnonzero(half["g"] == 1)))
    assert curve.checks[1].mean == pytest.approx(own.checks[0].mean)
    curve.save(tmp_path / "c.json")
    again = xm.load(tmp_path / "c.json")
    assert str(again) == str(curve)
    assert "Vardi" in curve.cite()
    assert curve.plot() is not None


def test_stationarity_against_a_slow_definition() -> None:
    data = cohort(9, 60)
    test = xm.stationarity_test(spells(data))
    since, ahead, left = data["entry"], data["exit"] - data["entry"], data["event"]
    time = np.r_[since, ahead]
    event = np.r_[np.ones(60, bool), left]
    second = np.repeat([0.0, 1.0], 60)
    score, own = 0.0, np.zeros(120)
    for t in np.unique(time[event]):
        risk, now = time >= t, (time == t) & event
        share = second[risk].mean()
        score += np.sum(second[now] - share)
        own[now] += second[now] - share
        own[risk] -= (second[risk] - share) * now.sum() / risk.sum()
    person = own[:60] + own[60:]
    assert test.statistic == pytest.approx(score**2 / np.sum(person**2))
    weights = np.full(60, 2.0)
    twice = spells(data, np.repeat(np.arange(60), 2))
    assert xm.stationarity_test(spells(data, weight=weights)).statistic == pytest.approx(
        xm.stationarity_test(twice).statistic
    )
    assert xm.stationarity_test(spells(data, cluster=np.arange(60))).statistic == pytest.approx(test.statistic)
    # people who came in a burst: everybody has been there for long
    burst = {**data, "entry": data["entry"] + 40, "exit": data["exit"] + 40}
    assert xm.stationarity_test(spells(burst)).pvalue < 1e-4


def test_current_durations_by_hand() -> None:
    """Exponential stays: the time so far has the same law. Weibull: scores vanish, and information by differences."""
    rng = np.random.default_rng(10)
    data = cohort(11, 300)
    so_far = data["entry"]
    now = xm.Spells(exit=so_far, event=np.zeros(300, bool))
    plain = xm.CurrentDuration("exponential").fit(now).fits[0]
    assert plain.mean == pytest.approx(so_far.mean(), rel=1e-9)
    assert plain.mean_se == pytest.approx(so_far.mean() / np.sqrt(300), rel=1e-7)
    for law in ("weibull", "gamma"):
        curve = xm.CurrentDuration(law).fit(now)
        assert curve.converged
        # the density S / mean integrates to one
        fine = np.linspace(0, 600, 200_001)
        area = np.trapezoid(np.exp(log_survival(law, curve.fits[0].estimate, fine)[0]), fine)
        assert area == pytest.approx(curve.fits[0].mean, rel=1e-6)  # trapezoids
        other = rng.normal(0, 0.02, (20, 2)) + curve.fits[0].estimate
        values = [np.sum(log_survival(law, at, so_far)[0]) - 300 * mean_stay(law, at)[0] for at in other]
        assert max(values) < curve.fits[0].llf
    twice = xm.CurrentDuration().fit(xm.Spells(exit=so_far, event=np.zeros(300, bool), weight=np.full(300, 2.0)))
    rows = xm.CurrentDuration().fit(xm.Spells(exit=np.repeat(so_far, 2), event=np.zeros(600, bool)))
    assert twice.means().iloc[0].se == pytest.approx(rows.means().iloc[0].se, rel=1e-7)
    robust = xm.CurrentDuration(vcov="robust").fit(now).means().iloc[0]
    # the model is right, so both variances estimate the same
    assert robust.se == pytest.approx(xm.CurrentDuration().fit(now).means().iloc[0].se, rel=0.3)
    one = xm.CurrentDuration(vcov="cluster").fit(
        xm.Spells(exit=so_far, event=np.zeros(300, bool), cluster=np.arange(300))
    )
    assert one.means().iloc[0].se == pytest.approx(robust.se, rel=1e-9)


def test_falling_density_is_the_least_concave_majorant() -> None:
    rng = np.random.default_rng(12)
    time = rng.exponential(10, 200)
    at, density = falling_density(time, np.ones(200))
    x, f = np.concatenate([[0.0], at]), np.arange(201) / 200
    # slow definition: slope at each point is min over earlier, max over later, of chords
    for k in (1, 20, 100, 199):
        slope = min(max((f[j] - f[i]) / (x[j] - x[i]) for j in range(k, 201)) for i in range(k))
        assert density[k - 1] == pytest.approx(slope)
    curve = xm.CurrentDuration("falling", start=2.0, n_samples=50, rng=1).fit(
        xm.Spells(exit=time, event=np.zeros(200, bool))
    )
    assert np.all(np.diff(curve.estimate) <= 0)
    # 200 draws of exp(-t / 10)
    assert abs(curve.at(12.0).estimate.iloc[0] - np.exp(-1)) < 0.25


def test_what_is_refused() -> None:
    data = cohort(13)
    with pytest.raises(xm.DataError, match="from time 0"):
        xm.PrevalentCohort().fit(xm.Spells(exit=data["exit"], event=data["event"]))
    with pytest.raises(xm.DataError, match="nobody left"):
        xm.PrevalentCohort().fit(spells({**data, "event": np.zeros(120, bool)}))
    with pytest.raises(xm.DataError, match="longer before"):
        xm.PrevalentCohort(since=1.0).fit(spells(data))
    for bad in ({"variance": "magic"}, {"variance": "cluster"}, {"since": -1.0}, {"growth": -0.1}):
        with pytest.raises(xm.DataError):
            xm.PrevalentCohort(**bad).fit(spells(data))
    with pytest.raises(xm.DataError, match="counts people"):
        xm.PrevalentCohort(variance="model").fit(spells(data, weight=np.ones(120), weights="sampling"))
    with pytest.raises(xm.SchemeError):
        xm.PrevalentCohort().fit(xm.Spells(exit=[3.0], right_limit=[4.0]))
    with pytest.raises(xm.DataError, match="have left"):
        xm.CurrentDuration().fit(spells(data))
    still = np.zeros(3, bool)
    for bad in ({"law": "magic"}, {"vcov": "cluster"}, {"law": "falling", "start": 99.0}):
        with pytest.raises(xm.DataError):
            xm.CurrentDuration(**bad).fit(xm.Spells(exit=[1.0, 2, 3], event=still))
    with pytest.raises(xm.DataError, match="too few"):
        xm.CurrentDuration().fit(xm.Spells(exit=[1.0, 2], event=still[:2]))
    with pytest.raises(xm.DataError, match="is not known"):
        xm.stationarity_test(spells(data), weights="magic")


def test_a_slow_step_is_carried_on() -> None:
    aim = np.array([0.7, 0.2, 0.1])
    found = settle(lambda p: (-float(np.sum((p - aim) ** 2)), 0.999 * p + 0.001 * aim), np.ones(3))
    np.testing.assert_allclose(found.mass, aim, atol=1e-8)
    assert found.converged
    assert found.n_steps < 500
