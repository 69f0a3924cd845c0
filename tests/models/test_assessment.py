"""Concordance, scores, ROC, calibration, explained variation and cross-validation: closed forms and bad input."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import exitmodels as xm
from exitmodels.kernels.intervals import probability_limits


def rossi(**more: Any) -> xm.Spells:
    return xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest", unit="W", **more)


def small(n: int = 80, seed: int = 1, causes: int = 1) -> xm.Spells:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    stay, end = np.ceil(rng.exponential(size=n) * 20 * np.exp(-0.7 * x)), np.ceil(rng.uniform(5, 60, n))
    event = np.where(stay <= end, 1 + (rng.random(n) < 0.4) * (causes - 1), 0)
    names = list("ab")[:causes]
    columns = {"x": x, "z": rng.normal(size=n), "g": rng.integers(0, 2, n)}
    return xm.Spells(np.minimum(stay, end), event, causes=names, covariates=columns)


# ---- concordance -------------------------------------------------------------------------------------------------
def test_concordance_by_hand() -> None:
    """Exits 1, 2, 4, 5, one censored at 3: nine pairs are known. Scores 5, 3, 2, 2 and 3 for the censored.

    At 1: four lower. At 2: two lower, one equal (the censored). At 4: one equal. So 6 + 2/2 of 8.
    """
    spells = xm.Spells(exit=[1, 2, 3, 4, 5], event=[1, 1, 0, 1, 1])
    found = xm.concordance(spells, [5, 3, 3, 2, 2])
    assert found.counts[0].tolist() == [[6, 0, 2, 0, 0]]
    assert_allclose(found.estimate, 7 / 8)
    assert_allclose(found.somers_d, 0.75)


def test_censoring_on_the_day_of_an_exit_stays_longer_and_tied_exits_do_not_count() -> None:
    spells = xm.Spells(exit=[4, 4, 4, 9], event=[1, 0, 1, 0])
    found = xm.concordance(spells, [3, 1, 3, 5])
    assert found.counts[0].tolist() == [[2, 2, 0, 0, 1]]
    assert xm.concordance(spells, [3, 1, 2, 5]).counts[0].tolist() == [[2, 2, 0, 1, 0]]


def test_without_censoring_concordance_is_kendall_and_the_mann_whitney_share() -> None:
    from scipy.stats import kendalltau

    rng = np.random.default_rng(4)
    time, score = rng.permutation(50) + 1, rng.permutation(50)
    found = xm.concordance(xm.Spells(time), score)
    assert_allclose(found.somers_d, -kendalltau(time, score).statistic)


def test_ranks_average_to_somers_d_and_are_kept_when_asked() -> None:
    spells = rossi()
    fit = xm.Cox("fin + age + prio").fit(spells)
    found = xm.concordance(spells, fit, ranks=True, time_weight="S")
    ranks = found.ranks()
    assert len(ranks) == spells.n_events
    assert_allclose(np.average(ranks["rank"], weights=ranks.pairs * ranks.weight), found.somers_d.iloc[0])
    assert ranks["rank"].between(-1, 1).all()
    with pytest.raises(xm.DataError, match="not kept"):
        xm.concordance(spells, fit).ranks()


def test_a_fit_a_linear_predictor_and_a_stratified_fit() -> None:
    spells = rossi()
    fit = xm.Cox("fin + age + prio").fit(spells)
    line = fit.predict(xm.datasets.rossi()).to_numpy()
    assert_allclose(xm.concordance(spells, fit).estimate, xm.concordance(spells, line).estimate)
    within = xm.Cox("fin + age + strata(race)").fit(spells)
    line = within.predict(xm.datasets.rossi()).to_numpy()
    by_race = xm.concordance(rossi(stratum="race"), line)
    found = xm.concordance(spells, within)
    assert_allclose(found.estimate, by_race.estimate)
    assert_allclose(found.covariance, by_race.covariance)
    assert len(found.pairs()) == 2


def test_tmin_makes_early_exits_tied() -> None:
    spells = xm.Spells(exit=[1, 2, 5, 6], event=[1, 1, 1, 1])
    assert xm.concordance(spells, [1, 2, 4, 3], tmin=3).counts[0].tolist() == [[1, 4, 0, 1, 0]]
    with pytest.raises(xm.DataError, match="censored before tmin"):
        xm.concordance(xm.Spells([1, 2, 5, 6], [1, 0, 1, 1]), [1, 2, 4, 3], tmin=3)


def test_comparison_of_scores_and_the_test_of_equality() -> None:
    spells = rossi()
    fits = {
        "prio": xm.Cox("prio").fit(spells),
        "age": xm.Cox("age").fit(spells),
        "both": xm.Cox("prio + age").fit(spells),
    }
    found = xm.concordance(spells, fits)
    table = found.compare("age")
    v, i, j = found.covariance, 0, 1
    assert_allclose(table.se[0], np.sqrt(v[i, i] + v[j, j] - 2 * v[i, j]))
    assert table.score.tolist() == ["prio", "both"]
    test = found.equality_test()
    assert test.df == 2
    two = xm.concordance(spells, {name: fits[name] for name in ("prio", "age")})
    assert_allclose(two.equality_test().statistic, table.z[0] ** 2)
    same = xm.concordance(spells, {"one": fits["age"], "two": fits["age"]})
    assert np.isnan(same.compare().z[0])


# ---- scores ------------------------------------------------------------------------------------------------------
def test_without_censoring_scores_are_plain_averages() -> None:
    rng = np.random.default_rng(2)
    time, risk = rng.permutation(40) + 1.0, rng.random(40)
    gone = time <= 17
    found = xm.score({"a": risk}, xm.Spells(time), 17)
    brier = np.mean((gone - risk) ** 2)
    assert_allclose(found.estimates["brier"][0], [brier, gone.mean() * (1 - gone.mean())])
    assert_allclose(found.estimates["ipa"][0, 0], 1 - brier / (gone.mean() * (1 - gone.mean())))
    assert_allclose(found.estimates["auc"][0, 0], np.mean(risk[gone][:, None] > risk[~gone]))
    error = np.std((gone - risk) ** 2, ddof=1) / np.sqrt(40)
    assert_allclose(np.sqrt(found.covariances["brier"][0, 0, 0]), error)


def test_the_null_model_scores_zero_and_censoring_in_groups_is_kaplan_meier_in_each() -> None:
    spells = small()
    null = 1 - xm.KaplanMeier().fit(spells).at([10, 20]).estimate.to_numpy()
    found = xm.score({"flat": np.tile(null, (80, 1))}, spells, [10, 20])
    assert_allclose(found.estimates["ipa"][:, 0], 0, atol=1e-12)
    assert_allclose(found.estimates["auc"][:, 0], 0.5)
    assert_allclose(found.covariances["ipa"][:, 0, 0], 0, atol=1e-12)
    risk = np.linspace(0.1, 0.9, 80)
    code = np.asarray(spells.columns["g"].values)
    parts = [xm.score(risk[code == g], spells.select(code == g), 15, metrics=("brier",)) for g in (0, 1)]
    shares = [np.mean(code == g) for g in (0, 1)]
    whole = xm.score(risk, spells, 15, metrics=("brier",), censoring="strata(g)")
    expected = sum(s * p.estimates["brier"][0, 0] for s, p in zip(shares, parts, strict=True))
    assert_allclose(whole.estimates["brier"][0, 0], expected)
    assert_allclose(
        whole.covariances["brier"][0, 0, 0],
        sum(s**2 * p.covariances["brier"][0, 0, 0] for s, p in zip(shares, parts, strict=True)),
        # weights estimated in each group: the parts agree to the order of one over n
        rtol=0.1,
    )


def test_a_cox_model_of_censoring_that_tells_nothing_changes_little() -> None:
    spells = small(400)
    fit = xm.Cox("x").fit(spells)
    plain, modelled = (xm.score(fit, spells, 15, censoring=c) for c in (None, "z"))
    for metric in ("brier", "auc"):
        gap = abs(plain.estimates[metric] - modelled.estimates[metric])[0, 0]
        assert 0 < gap < 0.2 * np.sqrt(plain.covariances[metric][0, 0, 0])


def test_areas_over_time_and_their_error() -> None:
    spells = small()
    fit = xm.Cox("x").fit(spells)
    times = [5.0, 10, 20]
    found = xm.score(fit, spells, times)
    b = found.estimates["brier"][:, 0]
    assert_allclose(found.estimates["ibs"][0, 0], (5 * b[0] / 2 + 5 * (b[0] + b[1]) / 2 + 10 * (b[1] + b[2]) / 2) / 20)
    steps = xm.score(fit, spells, times, area="step")
    assert_allclose(steps.estimates["ibs"][0, 0], (5 * b[0] + 10 * b[1]) / 20)
    ratio = found.estimates["ibs"][0, 0] / found.estimates["ibs"][0, 1]
    assert_allclose(found.estimates["integrated ipa"][0, 0], 1 - ratio)
    assert found.to_frame().query("metric == 'ibs'").time.tolist() == [20, 20]


def test_predictions_as_survival_of_any_fit_and_as_arrays_agree() -> None:
    spells = small()
    fit = xm.Cox("x + strata(g)").fit(spells)
    data = {name: spells.columns[name].decoded() for name in ("x", "g")}
    survival = fit.predict(data, "survival", [10, 20]).to_numpy()

    @dataclass
    class Other:
        """A fit that is no Cox fit, but predicts survival."""

        def predict_survival(self, new: Any) -> Any:
            return fit.predict_survival(new)

    other = Other()
    found = xm.score({"fit": fit, "array": 1 - survival, "other": other}, spells, [10, 20])
    for name in ("brier", "auc"):
        assert_allclose(found.estimates[name][:, 0], found.estimates[name][:, 1], rtol=1e-12)
        assert_allclose(found.estimates[name][:, 0], found.estimates[name][:, 2], rtol=1e-12)
    gaps = found.compare("brier", "fit").query("model != 'null'")
    assert_allclose(gaps.difference, 0, atol=1e-12)
    by_risk = xm.concordance(spells, other, tau=20).estimate
    assert_allclose(by_risk, xm.concordance(spells, 1 - survival[:, 1], tau=20).estimate)


def test_start_judges_those_there_by_what_follows() -> None:
    """Late entry before the start changes nothing; probabilities are given presence at the start."""
    spells = small(200)
    rng = np.random.default_rng(1)
    late = xm.Spells(
        spells.exit, spells.event, entry=np.floor(rng.random(200) * np.minimum(spells.exit, 6)),
        covariates={"x": spells.columns["x"].values},
    )  # fmt: skip
    fit = xm.Cox("x").fit(late)
    found = xm.score(fit, late, [12, 18], start=6)
    kept = late.select(late.exit > 6)
    x = {"x": kept.columns["x"].values}
    survival = fit.predict(x, "survival", [6, 12, 18]).to_numpy()
    given = 1 - survival[:, 1:] / survival[:, :1]
    shifted = xm.Spells(kept.exit - 6, kept.event, covariates=x)
    again = xm.score(given, shifted, [6, 12])
    for metric in found.metrics:
        assert_allclose(found.estimates[metric][:, 0], again.estimates[metric][:, 0], rtol=1e-10)
        assert_allclose(found.covariances[metric], again.covariances[metric], rtol=1e-8, atol=1e-14)
    assert found.ledger.n_set_aside == 200 - len(kept)
    with pytest.raises(xm.DataError, match="some enter late"):
        xm.score(fit, late, 12)


def test_competing_causes_are_scored_on_incidence() -> None:
    spells = small(200, causes=2)
    incidence = xm.AalenJohansen().fit(spells).at([20]).query("cause == 'a'").estimate.to_numpy()
    found = xm.score({"flat": np.tile(incidence, (200, 1))}, spells, 20, event="a", metrics=("brier", "ipa"))
    assert_allclose(found.estimates["brier"][0], incidence[0] * (1 - incidence[0]))
    assert_allclose(found.estimates["ipa"][0, 0], 0, atol=1e-12)
    fit = xm.Cox("x", event="a").fit(spells)
    with pytest.raises(xm.DataError, match="as if the other ways to leave did not exist"):
        xm.score(fit, spells, 20, event="a")
    assert xm.score(xm.Cox("x", event="any").fit(spells), spells, 20, event="any").outcome == "any"


def test_fits_that_predict_incidence_are_read_row_by_row() -> None:
    spells = small(120, causes=2)
    fit = xm.CauseSpecificCox("x").fit(spells)
    curve = fit.predict_incidence({"x": spells.columns["x"].values})
    values = {t: curve.at(t).query("cause == 'a'").estimate.to_numpy() for t in (4, 10, 20)}
    table = np.column_stack([values[10], values[20]])
    found = xm.score({"fit": fit, "array": table}, spells, [10, 20], event="a")
    assert_allclose(found.estimates["brier"][:, 0], found.estimates["brier"][:, 1])
    gone = curve.at(4).groupby("row", sort=False).estimate.sum().to_numpy()
    given = ((table - values[4][:, None]) / (1 - gone)[:, None])[:, 1:]
    later = xm.score({"fit": fit, "array": given}, spells, 20, event="a", start=4)
    assert_allclose(later.estimates["brier"][:, 0], later.estimates["brier"][:, 1])


def test_roc_points_enclose_the_area() -> None:
    spells = small(150)
    x = spells.columns["x"].values
    points = xm.roc(x, spells, 15)
    miss = np.concatenate([1 - points.specificity.to_numpy(), [1.0]])[np.argsort(points.cutpoint.to_numpy())[::-1]]
    hits = points.sort_values("cutpoint", ascending=False)
    false = np.concatenate([1 - hits.specificity.to_numpy(), [1.0]])
    true = np.concatenate([hits.sensitivity.to_numpy(), [1.0]])
    area = np.sum(np.diff(false) * (true[1:] + true[:-1]) / 2)
    assert miss.shape == (len(points),)
    assert_allclose(area, xm.score(x, spells, 15, metrics=("auc",)).estimates["auc"][0, 0])
    chosen = xm.roc(x, spells, 15, cutpoints=[0.0, 0.5])
    assert (chosen.sensitivity_lower <= chosen.sensitivity).all()
    place = np.searchsorted(points.cutpoint, [0.0, 0.5], side="right") - 1
    assert_allclose(chosen.npv, points.npv.to_numpy()[place])


# ---- calibration -------------------------------------------------------------------------------------------------
def test_calibration_groups_are_kaplan_meier_in_each() -> None:
    spells = small(200)
    fit = xm.Cox("x").fit(spells)
    found = xm.calibration(fit, spells, 15, groups=4)
    frame = found.to_frame()
    risk = 1 - fit.predict({"x": spells.columns["x"].values}, "survival", [15]).to_numpy()[:, 0]
    cut = np.quantile(risk, [0.25, 0.5, 0.75], method="inverted_cdf")
    group = np.searchsorted(cut, risk)
    for g, row in enumerate(frame.itertuples()):
        own = spells.select(group == g)
        at = xm.KaplanMeier(variance="robust").fit(own).at(15)
        assert_allclose(row.observed, 1 - at.estimate[0])
        # n against n - 1 in a group: a first-order identity
        assert_allclose(row.se, at.se[0] * np.sqrt(row.n / (row.n - 1)), rtol=0.02)
        assert_allclose(row.predicted, risk[group == g].mean())
    assert_allclose([frame.lower, frame.upper], probability_limits(frame.observed, frame.se, 0.05, "cloglog"))


def test_calibration_finds_a_distorted_prediction() -> None:
    """A hazard raised to the power 2 and doubled is put right by slope 1/2 and intercept -log(2) / 2."""
    spells = small(3000)
    x = spells.columns["x"].values
    fit = xm.Cox("x").fit(spells)
    hazard = -np.log(fit.predict({"x": x}, "survival", [3]).to_numpy()[:, 0])
    found = xm.calibration({"right": 1 - np.exp(-hazard), "wrong": 1 - np.exp(-2 * hazard**2)}, spells, 3)
    right, wrong = found.estimate
    assert_allclose(wrong[3], right[3] / 2, rtol=1e-6)
    assert_allclose(wrong[2], right[2] - right[3] * np.log(2) / 2, rtol=1e-6, atol=1e-8)
    assert abs(right[3] - 1) < 3 * np.sqrt(found.covariance[0, 3, 3])
    assert found.perfect_test("wrong").pvalue < 1e-6 < found.perfect_test("right").pvalue
    table = found.overall()
    assert_allclose(table.estimate[0], np.exp(right[0]))


def test_groups_where_nobody_left_have_exact_limits() -> None:
    spells = xm.Spells(exit=np.r_[np.arange(1, 11), np.full(20, 30)], event=np.r_[np.ones(10), np.ones(20)].astype(int))
    risk = np.r_[np.full(10, 0.9), np.full(20, 0.1)]
    frame = xm.calibration(risk, spells, 15, groups=2).to_frame()
    assert_allclose(frame.observed, [0, 1])
    assert_allclose(frame.upper[0], 1 - 0.025 ** (1 / 20))
    assert_allclose(frame.lower[1], 0.025 ** (1 / 10))


# ---- explained variation and cross-validation --------------------------------------------------------------------
def test_explained_variation_of_weighted_rows_clusters_and_new_people() -> None:
    data = xm.datasets.rossi()
    data = data.assign(w=1 + data.index % 3)
    weighted = xm.Spells.from_frame(data, exit="week", event="arrest", weight="w")
    copies = xm.Spells.from_frame(data.loc[data.index.repeat(data.w)], exit="week", event="arrest")
    model = xm.Cox("fin + age + prio", tol=1e-12)
    one, two = (xm.explained_variation(model.fit(s)) for s in (weighted, copies))
    assert_allclose(one.estimate, two.estimate, rtol=1e-8)
    assert_allclose(one.se[0], two.se[0], rtol=1e-8)
    fit = model.fit(rossi())
    new = xm.explained_variation(fit, rossi())
    assert_allclose(new.params["D"], xm.explained_variation(fit).params["D"])
    assert "R2_N" not in new.names
    robust = xm.explained_variation(fit.with_vcov("robust"))
    assert 0.5 < robust.bse["D"] / new.bse["D"] < 2
    assert robust.bse["D"] != new.bse["D"]


def test_cross_validation_by_hand() -> None:
    """Refit by hand on the same folds; pooled scores are those of the left-out predictions."""
    spells = small(90)
    model = xm.Cox("x + z")
    found = xm.cross_validate(model, spells, [10, 20], k=3, rng=5, scores=("brier", "concordance", "partial"))
    place = np.empty(90, dtype=int)
    place[np.random.default_rng(5).permutation(90)] = np.arange(90) % 3
    risk, line, gain = np.zeros((90, 2)), np.zeros(90), np.zeros(3)
    data = {name: spells.columns[name].values for name in ("x", "z")}
    for f in range(3):
        fit = model.fit(spells.select(place != f))
        own = {name: v[place == f] for name, v in data.items()}
        risk[place == f] = 1 - fit.predict(own, "survival", [10, 20]).to_numpy()
        line[place == f] = fit.predict(own).to_numpy()
        gain[f] = partial(spells, fit.predict(data).to_numpy()) - partial(
            spells.select(place != f), fit.predict({n: v[place != f] for n, v in data.items()}).to_numpy()
        )
    again = xm.score(risk, spells, [10, 20], metrics=("brier",))
    assert found.scores is not None
    assert_allclose(found.scores.estimates["brier"], again.estimates["brier"])
    assert_allclose(found.partial["model"], gain)
    strata = xm.Spells(spells.exit, spells.event, stratum=place)
    assert found.concordance is not None
    assert_allclose(found.concordance.estimate, xm.concordance(strata, line).estimate)
    folds = found.by_fold()
    assert sorted(set(folds.fold)) == [1, 2, 3]
    brier = folds.query("metric == 'brier' and time == 10").estimate
    assert_allclose(brier.mean(), again.estimates["brier"][0, 0])


def partial(spells: xm.Spells, line: np.ndarray) -> float:
    """Efron's log partial likelihood, one exit time at a time."""
    total = 0.0
    for t in np.unique(spells.exit[spells.event > 0]):
        dead = (spells.exit == t) & (spells.event > 0)
        risk, own = np.exp(line[spells.exit >= t]).sum(), np.exp(line[dead]).sum()
        total += line[dead].sum() - sum(np.log(risk - i / dead.sum() * own) for i in range(dead.sum()))
    return float(total)


def test_folds_keep_clusters_whole_and_follow_the_seed() -> None:
    spells = small(60)
    cluster = np.arange(60) // 4
    grouped = xm.Spells(spells.exit, spells.event, cluster=cluster, covariates={"x": spells.columns["x"].values})
    found = xm.cross_validate(xm.Cox("x"), grouped, 20, k=5, rng=0, scores=("brier",))
    assert found.divided == "clusters"
    same = xm.cross_validate(xm.Cox("x"), grouped, 20, k=5, rng=0, scores=("brier",))
    assert_allclose(found.to_frame().estimate, same.to_frame().estimate)
    assert found.compare("brier").empty or len(found.compare("brier")) == 1


# ---- results as others -------------------------------------------------------------------------------------------
def everything() -> dict[str, Any]:
    spells = rossi()
    fits = {"one": xm.Cox("fin").fit(spells), "two": xm.Cox("fin + age + prio").fit(spells)}
    return {
        "concordance": xm.concordance(spells, fits, ranks=True),
        "scores": xm.score(fits, spells, [26, 52]),
        "calibration": xm.calibration(fits["two"], spells, 52, groups=5),
        "explained": xm.explained_variation(fits["two"]),
        "validated": xm.cross_validate(xm.Cox("fin + age"), spells, 52, k=3, rng=1),
    }


def test_results_print_save_cite_and_draw(tmp_path: Path) -> None:
    for name, result in everything().items():
        path = tmp_path / f"{name}.json"
        result.save(path)
        assert str(xm.load(path)) == str(result)
        assert "exitmodels" in result.cite()
        assert "tabular" in result.to_latex()
        assert result.to_markdown().startswith("|")
        assert len(result.to_frame())
        if hasattr(result, "plot"):
            axes = result.plot()
            assert axes.get_xlabel()
    assert everything()["scores"].plot("auc").get_ylabel() == "AUC"


BAD: list[tuple[str, str, Any]] = [
    ("score-length", "3 columns for 2 times|shape", lambda s: xm.score(np.ones((80, 3)) / 2, s, [5, 10])),
    ("rows", "for 80 spells", lambda s: xm.score(np.ones(79) / 2, s, 5)),
    ("not a probability", "no table of probabilities", lambda s: xm.score(np.arange(80.0), s, 5)),
    ("marker at two times", "no table of probabilities", lambda s: xm.score(np.ones(80) / 2, s, [5, 10])),
    ("gaps", "missing or infinite", lambda s: xm.score(np.r_[np.nan, np.ones(79)] / 2, s, 5)),
    ("times", "cannot be used", lambda s: xm.score(np.ones((80, 2)) / 2, s, [10, 5])),
    ("zero", "cannot be used", lambda s: xm.score(np.ones(80) / 2, s, 0)),
    ("horizon", "nobody is left under observation|predicts nothing", lambda s: xm.score(np.ones(80) / 2, s, 1e4)),
    ("beyond fit", "predicts nothing for", lambda s: xm.score(xm.Cox("x").fit(s), s, 1e4)),
    ("metric", "not known", lambda s: xm.score(np.ones(80) / 2, s, 5, metrics=("gini",))),
    ("text metric", "not known", lambda s: xm.score(np.ones(80) / 2, s, 5, metrics="brier")),
    ("controls", "not known", lambda s: xm.score(np.ones(80) / 2, s, 5, controls="some")),
    ("same day", "not known", lambda s: xm.score(np.ones(80) / 2, s, 5, same_day="perhaps")),
    ("area", "not known", lambda s: xm.score(np.ones(80) / 2, s, 5, area="simpson")),
    ("null", "is taken", lambda s: xm.score({"null": np.ones(80) / 2}, s, 5)),
    ("empty", "No prediction", lambda s: xm.score({}, s, 5)),
    ("censoring", "cluster", lambda s: xm.score(np.ones(80) / 2, s, 5, censoring="x + cluster(g)")),
    ("weight", "not known", lambda s: xm.concordance(s, np.ones(80), time_weight="G")),
    ("no pairs", "No two people", lambda s: xm.concordance(s, np.ones(80), tau=0.5)),
    ("many columns", "has 2 columns", lambda s: xm.concordance(s, np.ones((80, 2)))),
    ("one group", "the same risk", lambda s: xm.calibration(np.ones(80) / 2, s, 15)),
    ("groups", "cannot be used", lambda s: xm.calibration(np.linspace(0.1, 0.9, 80), s, 15, groups=1)),
    ("nobody", "nobody has left", lambda s: xm.calibration(np.linspace(0.1, 0.9, 80), s, 0.5)),
    ("constant", "same for everyone", lambda s: xm.explained_variation(xm.Cox("strata(g)").fit(s))),
    ("folds", "cannot be used", lambda s: xm.cross_validate(xm.Cox("x"), s, 5, k=1)),
    ("too many folds", "80 units for 81", lambda s: xm.cross_validate(xm.Cox("x"), s, 5, k=81)),
    ("no model", "has no fit", lambda s: xm.cross_validate(xm.Cox("x").fit(s), s, 5)),
    ("no times", "No time", lambda s: xm.cross_validate(xm.Cox("x"), s)),
    ("no clusters", "no clusters", lambda s: xm.cross_validate(xm.Cox("x"), s, 5, by="cluster")),
    ("fold named", "fold 1 of 3", lambda s: xm.cross_validate(xm.Cox("nothing"), s, 5, k=3)),
    ("two causes", "2 causes", lambda s: xm.score(np.ones(80) / 2, small(causes=2), 5)),
]


@pytest.mark.parametrize(("what", "message", "call"), BAD, ids=[b[0] for b in BAD])
def test_bad_input_is_refused_with_a_reason(what: str, message: str, call: Any) -> None:
    with pytest.raises(xm.DataError, match=message):
        call(small())


def test_late_entry_pieces_and_windows_are_refused_with_the_reason() -> None:
    spells = small()
    late = xm.Spells(spells.exit + 1, spells.event, entry=np.arange(80) % 2)
    for weight in ("n/G2", "S/G"):
        with pytest.raises(xm.DataError, match="some enter late"):
            xm.concordance(late, np.arange(80), time_weight=weight)
    cut = xm.Spells(spells.exit, spells.event).split(3)
    with pytest.raises(xm.DataError, match="pieces of one stay"):
        xm.score(np.linspace(0, 1, len(cut)), cut, 5, start=1)
    window = xm.Spells(exit=[3, 4], event=[1, 1], left_limit=[0, 0], right_limit=[9, 9])
    for call in (xm.concordance, lambda s, v: xm.score(v, s, 2), lambda s, v: xm.calibration(v, s, 2)):
        with pytest.raises(xm.SchemeError):
            call(window, [0.1, 0.2])


def test_rows_with_gaps_or_weight_zero_are_set_aside_and_counted() -> None:
    data = xm.datasets.rossi().astype({"age": float})
    data.loc[[3, 9], "age"] = np.nan
    data["w"] = np.r_[0, np.ones(len(data) - 1)]
    spells = xm.Spells.from_frame(data, exit="week", event="arrest", weight="w", missing="drop")
    fit = xm.Cox("fin + age").fit(spells)
    for found in (xm.score(fit, spells, 40), xm.concordance(spells, fit), xm.calibration(fit, spells, 40)):
        assert found.ledger.n_set_aside == 3
        assert "set aside" in str(found)
    assert xm.cross_validate(xm.Cox("fin + age"), spells, 40, k=3, rng=1).ledger.n_set_aside == 3
