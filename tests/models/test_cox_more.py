"""Exact ties, changing effects, baselines, paths, resampling, comparison and influence: slow definitions and laws."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import exitmodels as xm
from exitmodels.kernels.exact_ties import subset_terms


def world(n: int = 60, seed: int = 3, **more: Any) -> xm.Spells:
    rng = np.random.default_rng(seed)
    entry = rng.integers(0, 6, n)
    return xm.Spells(
        exit=entry + rng.integers(1, 9, n),
        event=rng.integers(0, 2, n),
        entry=entry,
        stratum=rng.integers(0, 2, n),
        covariates={"x": rng.normal(size=n), "z": rng.integers(0, 2, n), "g": rng.integers(0, 8, n)},
        **more,
    )


# ---- exact ties ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("n", "size"), [(5, 2), (9, 8), (12, 6), (12, 1), (7, 7)])
def test_sums_over_subsets_are_those_of_a_list_of_all_subsets(n: int, size: int) -> None:
    rng = np.random.default_rng(n)
    eta, x = rng.normal(0, 3, n), rng.normal(size=(n, 2))
    sets = np.array(list(combinations(range(n), size)))
    weight = np.exp(eta[sets].sum(axis=1))
    chance, sums = weight / weight.sum(), x[sets].sum(axis=1)
    mean = chance @ sums
    log, share, own, cross = subset_terms(eta, np.ones(n), float(size), x)
    assert_allclose(log, np.log(weight.sum()), rtol=1e-12)
    assert_allclose(x.T @ share, mean, rtol=1e-10)
    hessian = (x * own[:, None]).T @ x + cross
    assert_allclose(hessian, (sums * chance[:, None]).T @ sums - np.outer(mean, mean), rtol=1e-9, atol=1e-12)


def test_large_tied_sets_match_the_recursion() -> None:
    """200 of 500: the coefficients of prod(1 + z r), multiplied out in extended precision."""
    rng = np.random.default_rng(1)
    eta = rng.normal(0, 1, 500)
    coefficients = np.zeros(201, dtype=np.longdouble)
    coefficients[0], scale = 1, np.longdouble(0)
    for r in np.exp(eta).astype(np.longdouble):
        coefficients[1:] += r * coefficients[:-1]
        top = coefficients.max()
        coefficients /= top
        scale += np.log(top)
    log = subset_terms(eta, np.ones(500), 200.0, np.zeros((500, 0)))[0]
    assert_allclose(log, float(np.log(coefficients[200]) + scale), rtol=1e-12)


def test_exact_ties_count_a_weight_of_three_as_three_rows() -> None:
    plain = world()
    copies = np.random.default_rng(0).integers(1, 4, len(plain))
    weighted = world(weight=copies)
    rows = plain.select(np.repeat(np.arange(len(plain)), copies))
    a, b = (xm.Cox("x + z", ties="exact").fit(s) for s in (weighted, rows))
    assert_allclose(a.estimate, b.estimate, rtol=1e-9)
    assert_allclose(a.covariance, b.covariance, rtol=1e-9)
    assert_allclose(a.llf, b.llf, rtol=1e-12)


def test_without_ties_all_three_agree() -> None:
    rng = np.random.default_rng(2)
    spells = xm.Spells(exit=rng.permutation(50) + 1, covariates={"x": rng.normal(size=50)})
    fits = [xm.Cox("x", ties=t).fit(spells) for t in ("efron", "breslow", "exact")]
    for fit in fits[1:]:
        assert_allclose([fit.estimate[0], fit.llf], [fits[0].estimate[0], fits[0].llf], rtol=1e-10)


@pytest.mark.parametrize(
    "ask",
    [
        lambda fit: fit.residuals("martingale"),
        lambda fit: fit.predict_survival({"x": [0.0]}),
        lambda fit: fit.predict_cumhaz({"x": [0.0]}),
        lambda fit: fit.with_vcov("robust"),
        lambda fit: fit.influence(),
    ],
)
def test_exact_ties_refuse_what_they_condition_away(ask: Any) -> None:
    with pytest.raises(xm.DataError, match="exact ties"):
        ask(xm.Cox("x", ties="exact").fit(world()))


def test_exact_ties_refuse_sampling_weights_and_robust_variance() -> None:
    with pytest.raises(xm.DataError, match="sampling weights"):
        xm.Cox("x", ties="exact").fit(world(weight=np.full(60, 1.5), weights="sampling"))
    with pytest.raises(xm.DataError, match="model-based"):
        xm.Cox("x", ties="exact", vcov="robust").fit(world())


# ---- effects that change with time ---------------------------------------------------------------------------
def cut_at_every_exit(spells: xm.Spells, column: str) -> xm.Spells:
    """The same people with one row for each event time, and the product as an ordinary column."""
    times = np.unique(spells.exit[spells.event > 0])
    pieces = spells.split(times)
    product = np.asarray(pieces.columns[column].values, dtype=float) * np.log(pieces.exit + 1.0)
    return xm.Spells(
        exit=pieces.exit,
        event=pieces.event,
        entry=pieces.entry,
        stratum=pieces.stratum,
        weight=pieces.weight,
        cluster=pieces.cluster,
        covariates={"x": pieces.columns["x"].values, "z": pieces.columns["z"].values, "product": product},
    )


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_changing_effect_is_a_column_cut_at_every_exit(ties: str, weighted: bool) -> None:
    weight = np.random.default_rng(5).integers(1, 4, 60) if weighted else None
    spells = world(weight=weight)
    fit = xm.Cox("x + z", ties=ties, time_varying={"x": lambda t: np.log(t + 1)}).fit(spells)
    wide = cut_at_every_exit(world(weight=weight, cluster=np.arange(60)), "x")
    slow = xm.Cox("x + z + product", ties=ties).fit(wide)
    assert_allclose(fit.estimate, slow.estimate, rtol=1e-8)
    assert_allclose(fit.covariance, slow.covariance, rtol=1e-7)
    assert_allclose([fit.llnull, fit.llf], [slow.llnull, slow.llf], rtol=1e-11)
    if not weighted:
        assert_allclose(fit.with_vcov("robust").covariance, slow.with_vcov("cluster").covariance, rtol=1e-6)
    whole = np.bincount(wide.cluster, slow.residuals("martingale"))
    assert_allclose(fit.residuals("martingale"), whole, rtol=1e-7, atol=1e-10)


def test_curves_of_a_changing_effect_follow_a_path() -> None:
    """The path of the product through the event times, on the fit to the cut rows, gives the same curve."""
    spells = world(cluster=np.arange(60))
    fit = xm.Cox("x + z", time_varying={"x": lambda t: np.log(t + 1)}).fit(
        spells._with(stratum=None, stratum_labels=())
    )
    wide = cut_at_every_exit(spells, "x")._with(stratum=None, stratum_labels=())
    slow = xm.Cox("x + z + product").fit(wide)
    stop = fit.baseline.times
    start = np.append(0.0, stop[:-1])
    ones = np.ones(len(stop))
    path = {"x": 0.7 * ones, "z": ones, "product": 0.7 * np.log(stop + 1), "start": start, "stop": stop}
    ours, theirs = fit.predict_survival({"x": [0.7], "z": [1]}), slow.predict_path(path)
    assert_allclose(ours.estimate, theirs.estimate, rtol=1e-7)
    assert_allclose(ours.se, theirs.se, rtol=1e-6)


@pytest.mark.parametrize(
    ("asked", "match"),
    [({"y": "log"}, "does not have"), ({"x": "cube"}, "not known"), ({"x": lambda t: t[:2]}, "shape"),
     ({"x": lambda t: np.log(t - t.min())}, "not finite")],
)  # fmt: skip
def test_bad_functions_of_time(asked: Any, match: str) -> None:
    with pytest.raises(xm.DataError, match=match):
        xm.Cox("x", time_varying=asked).fit(world())


# ---- baselines and paths -------------------------------------------------------------------------------------
def test_product_limit_without_effects_is_kaplan_meier() -> None:
    """x is balanced among those who leave and those who stay at each time, so its effect is zero."""
    spells = xm.Spells(
        exit=[1, 1, 2, 2, 2, 2, 3, 3, 4, 4],
        event=[1, 1, 1, 1, 0, 0, 1, 1, 0, 0],
        covariates={"x": [-1, 1] * 5},
    )
    fit = xm.Cox("x").fit(spells)
    assert_allclose(fit.estimate, 0, atol=1e-12)
    curve = fit.predict_survival({"x": [0]}, baseline="kalbfleisch-prentice")
    km = xm.KaplanMeier().fit(spells)
    assert_allclose(curve.estimate, km.at(curve.time).estimate, rtol=1e-12)
    again = xm.Cox("x").fit(spells.select(spells.exit < 9))
    assert_allclose(curve.at(1).se, again.predict_survival({"x": [0]}, baseline="kalbfleisch-prentice").at(1).se)


def test_product_limit_solves_its_equation() -> None:
    spells = world()._with(stratum=None, stratum_labels=())
    fit = xm.Cox("x + z").fit(spells)
    curve = fit.predict_cumhaz({"x": [0.0], "z": [0]}, baseline="kalbfleisch-prentice")
    risk = fit.predict({"x": spells.columns["x"].values, "z": spells.columns["z"].values}, "hazard_ratio").to_numpy()
    steps = np.diff(np.append(0, curve.estimate))
    for t, step in zip(curve.time, steps, strict=True):
        here = (spells.entry < t) & (spells.exit >= t)
        left = here & (spells.exit == t) & (spells.event > 0)
        assert_allclose(np.sum(risk[left] / -np.expm1(-risk[left] * step)), risk[here].sum(), rtol=1e-10)


def test_breslow_baseline_of_an_efron_fit() -> None:
    spells = world()._with(stratum=None, stratum_labels=())
    fit = xm.Cox("x").fit(spells)
    curve = fit.predict_cumhaz({"x": [0.0]}, baseline="breslow")
    risk = np.exp(np.asarray(spells.columns["x"].values) * fit.estimate[0])
    for t, step in zip(curve.time, np.diff(np.append(0, curve.estimate)), strict=True):
        here = (spells.entry < t) & (spells.exit >= t)
        assert_allclose(step, np.sum(here & (spells.exit == t) & (spells.event > 0)) / risk[here].sum(), rtol=1e-10)


@pytest.mark.parametrize("vcov", ["model", "robust"])
@pytest.mark.parametrize("baseline", [None, "breslow"])
def test_a_path_that_stands_still_is_a_new_row(vcov: str, baseline: str | None) -> None:
    fit = xm.Cox("x + z", vcov=vcov).fit(world()._with(stratum=None, stratum_labels=()))
    path = {"x": [0.3] * 3, "z": [1] * 3, "start": [0, 4, 7], "stop": [4, 7, 90]}
    row = fit.predict_survival({"x": [0.3], "z": [1]}, baseline=baseline)
    walked = fit.predict_path(path, baseline=baseline)
    assert_allclose(walked.estimate, row.estimate, rtol=1e-12)
    assert_allclose(walked.se, row.se, rtol=1e-10)


def test_paths_of_several_people_and_from_a_later_start() -> None:
    fit = xm.Cox("x").fit(world()._with(stratum=None, stratum_labels=()))
    new = {"x": [0, 1, 0], "start": [0, 5, 5], "stop": [5, 20, 20], "who": ["a", "a", "b"]}
    curve = fit.predict_path(new, by="who", kind="cumhaz")
    still = fit.predict_cumhaz({"x": [0.0]})
    first, second = (still.at(t).estimate.iloc[0] for t in (5, 12))
    at = curve.at(12).set_index("row").estimate
    assert_allclose(at["a"], first + np.exp(fit.estimate[0]) * (second - first), rtol=1e-12)
    assert_allclose(at["b"], second - first, rtol=1e-10)


@pytest.mark.parametrize(
    ("start", "stop", "match"),
    [([0, 6], [5, 9], "hole"), ([0, 4], [5, 9], "overlaps"), ([0, 9], [9, 9], "ends before")],
)
def test_bad_paths(start: list[int], stop: list[int], match: str) -> None:
    fit = xm.Cox("x").fit(world()._with(stratum=None, stratum_labels=()))
    with pytest.raises(xm.DataError, match=match):
        fit.predict_path({"x": [0, 1], "start": start, "stop": stop})


# ---- other variances -----------------------------------------------------------------------------------------
def test_jackknife_leaves_out_each_row_or_cluster() -> None:
    spells = world()
    fit = xm.Cox("x + z").fit(spells)
    left = np.stack([xm.Cox("x + z").fit(spells.select(np.arange(60) != i)).estimate for i in range(60)])
    away = left - left.mean(axis=0)
    assert_allclose(fit.with_vcov("jackknife").covariance, 59 / 60 * away.T @ away, rtol=1e-5)
    groups = np.asarray(spells.columns["g"].values)
    left = np.stack([xm.Cox("x + z").fit(spells.select(groups != i)).estimate for i in range(8)])
    away = left - left.mean(axis=0)
    assert_allclose(fit.with_vcov("jackknife", cluster="g").covariance, 7 / 8 * away.T @ away, rtol=1e-5)


def test_jackknife_leaves_out_one_person_of_a_weighted_row() -> None:
    plain = world()
    copies = np.random.default_rng(0).integers(1, 4, len(plain))
    rows = plain.select(np.repeat(np.arange(len(plain)), copies))
    a = xm.Cox("x").fit(world(weight=copies)).with_vcov("jackknife").covariance
    assert_allclose(a, xm.Cox("x").fit(rows).with_vcov("jackknife").covariance, rtol=1e-6)


def test_two_way_clusters_are_sums_of_one_way() -> None:
    spells = world()
    fit = xm.Cox("x").fit(spells)
    g, z = (np.asarray(spells.columns[c].values) for c in ("g", "z"))
    one = [fit.with_vcov("cluster", cluster=c).covariance for c in (g, z, g * 2 + z)]
    two = fit.with_vcov("cluster", cluster=("g", "z"))
    assert_allclose(two.covariance, one[0] + one[1] - one[2], rtol=1e-10)
    assert_allclose(fit.with_vcov("cluster", cluster=(g, g)).covariance, one[0], rtol=1e-10)


# ---- comparison and influence --------------------------------------------------------------------------------
def test_terms_added_one_after_another(reference: Any) -> None:
    stored = reference("survival/cox_ovarian")["results"]["anova"]
    spells = xm.Spells.from_frame(reference.csv("survival/ovarian.csv"), exit="futime", event="fustat")
    table = xm.Cox("age + `ecog.ps` + rx").fit(spells).anova()
    assert_allclose(table.llf, stored["loglik"], rtol=1e-10)
    assert_allclose(table.pvalues, stored["Pr(>|Chi|)"][1:], rtol=1e-7)


def test_models_that_hold_one_another_by_their_columns() -> None:
    spells = world()
    small, large = xm.Cox("x").fit(spells), xm.Cox("poly(x, 2) + z").fit(spells)
    table = small.anova(large)
    assert_allclose(table.statistic, 2 * (large.llf - small.llf))
    assert table.df.tolist() == [2]
    assert "chi2" in table.to_latex()
    assert table.to_frame().shape == (2, 6)
    with pytest.raises(xm.DataError, match="not nested"):
        xm.Cox("z").fit(spells).anova(xm.Cox("x + g").fit(spells))
    with pytest.raises(xm.DataError, match="same rows"):
        xm.Cox("x").fit(spells).anova(xm.Cox("x + z").fit(spells.select(np.arange(50))))
    with pytest.raises(xm.DataError, match="robust"):
        small.with_vcov("robust").anova(large)


def test_a_changing_effect_holds_the_constant_one() -> None:
    spells = world()
    changing = xm.Cox("x + z", time_varying={"x": "log"}).fit(spells)
    table = xm.Cox("x + z").fit(spells).anova(changing)
    assert table.df.tolist() == [1]
    assert 0 < table.pvalues[0] < 1


def test_influence_is_what_leaving_out_does_to_first_order() -> None:
    spells = world(n=300)
    fit = xm.Cox("x + z").fit(spells)
    table = fit.influence()
    i = int(table.displacement.argmax())
    without = xm.Cox("x + z").fit(spells.select(np.arange(300) != i))
    # a first-order identity: one row of 300 left out
    assert_allclose(table["dfbetas x"].iloc[i], (fit.estimate - without.estimate)[0] / fit.standard_errors[0], rtol=0.2)
    assert_allclose(np.sum(table.lmax**2), 1)
    groups = fit.influence("g")
    assert_allclose(groups["dfbetas x"].sum(), table["dfbetas x"].sum(), atol=1e-10)
    assert len(groups) == 8


# ---- the bootstrap of any model ------------------------------------------------------------------------------
def test_bootstrap_draws_clusters_whole() -> None:
    spells = world(cluster=np.repeat(np.arange(20), 3))
    seen: list[xm.Spells] = []

    class Watch:
        def fit(self, sample: xm.Spells) -> xm.Spells:
            seen.append(sample)
            return sample

    xm.bootstrap(Watch(), spells, n=5, by="cluster", rng=0, statistic=lambda s: len(s))
    for sample in seen[1:]:
        assert np.bincount(sample.cluster).tolist() == [3] * 20
        assert set(np.bincount(sample.labels // 3) % 3) == {0}


def test_bootstrap_limits_of_a_mean_stay() -> None:
    """BCa limits against the formulas of Efron (1987) written out."""
    from scipy.stats import norm

    rng = np.random.default_rng(4)
    spells = xm.Spells(exit=rng.exponential(10, 40) + 0.1)
    mean = lambda fit: fit.rmst(200.0).estimate  # noqa: E731
    boot = xm.bootstrap(xm.KaplanMeier(), spells, n=400, rng=1, statistic=mean, bca=True)
    x, draws = spells.exit, boot.draws[:, 0]
    assert_allclose(boot.estimate, x.mean())
    left = (x.sum() - x) / 39
    a = np.sum((left.mean() - left) ** 3) / 6 / np.sum((left.mean() - left) ** 2) ** 1.5
    assert_allclose(boot.acceleration, a, rtol=1e-8)
    z0 = norm.ppf((np.sum(draws < x.mean()) + 0.5 * np.sum(draws == x.mean())) / 400)
    z = z0 + norm.ppf([0.025, 0.975])
    levels = norm.cdf(z0 + z / (1 - a * z))
    expected = np.quantile(draws, levels, method="inverted_cdf")
    assert_allclose(boot.conf_int(method="bca").to_numpy()[0], expected)
    low, high = boot.conf_int().to_numpy()[0]
    assert_allclose(boot.conf_int(method="basic").to_numpy()[0], [2 * x.mean() - high, 2 * x.mean() - low])


def test_bootstrap_counts_samples_without_a_fit_and_refuses_when_most_have_none() -> None:
    spells = xm.Spells(exit=[1, 2, 3, 4, 5, 6], event=[1, 0, 0, 0, 0, 0], covariates={"x": [1, 0, 2, 1, 0, 1]})
    with pytest.raises(xm.DataError, match="no fit"):
        xm.bootstrap(xm.Cox("x"), spells, n=20, rng=0)
    with pytest.raises(xm.DataError, match="bca=True"):
        xm.bootstrap(xm.KaplanMeier(), spells, n=5, rng=0, statistic=lambda f: f.at(3).estimate).conf_int(method="bca")


def test_the_same_seed_gives_the_same_draws() -> None:
    spells = world(weight=np.random.default_rng(1).integers(1, 4, 60))
    a, b = (xm.bootstrap(xm.Cox("x"), spells, n=10, rng=7).draws for _ in range(2))
    assert_allclose(a, b, rtol=0)


@pytest.mark.parametrize("by", [None, "cluster", "g"])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_short_way_of_cox_draws_what_fitting_each_sample_does(by: str | None, weighted: bool) -> None:
    weight = np.random.default_rng(1).integers(1, 4, 60) if weighted else None
    spells = world(weight=weight, cluster=np.repeat(np.arange(20), 3))
    model = xm.Cox("x + z")
    short = xm.bootstrap(model, spells, n=6, by=by, rng=3).draws
    slow = xm.bootstrap(model, spells, n=6, by=by, rng=3, statistic=lambda fit: fit.params).draws
    assert_allclose(short, slow, rtol=1e-7)


def test_progress_is_written_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    xm.bootstrap(xm.Cox("x"), world(), n=5, rng=1, progress=True)
    assert "bootstrap 5 of 5" in capsys.readouterr().err
