"""Fine-Gray regression: closed forms, laws, the protocol of results, and bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import exitmodels as xm
from exitmodels.kernels.subvarying import varying_sub_terms
from exitmodels.kernels.subvarying_influence import varying_influences
from support import agree


def people(seed: int = 1, n: int = 200, late: bool = False, days: bool = True, **more: Any) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    x, z = rng.standard_normal(n), rng.integers(0, 2, n)
    exit = rng.exponential(12 * np.exp(-0.3 * x)) + 1
    entry = np.where(rng.random(n) < 0.4, exit * rng.uniform(0.1, 0.9, n), 0) if late else np.zeros(n)
    if days:
        exit, entry = np.ceil(exit), np.floor(entry)
    if late:
        entry[np.argsort(exit)[np.r_[:20, n - 20 : n]]] = 0
    return {
        "exit": exit,
        "entry": entry,
        "event": rng.choice(["stay", "a", "b"], n, p=[0.3, 0.4, 0.3]),
        "x": x,
        "z": z,
        "unit": rng.choice(list("pqr"), n),
        "person": np.arange(n),
        "copies": rng.integers(1, 4, n),
        **more,
    }


def spells(data: Any, **choices: Any) -> xm.Spells:
    return xm.Spells.from_frame(pd.DataFrame(data), exit="exit", event="event", censor="stay", entry="entry", **choices)


def same(one: Any, other: Any, rtol: float = 1e-8) -> None:
    """Estimates, variance, likelihood and a predicted curve with its limits."""
    assert_allclose(one.estimate, other.estimate, rtol=rtol)
    assert_allclose(one.covariance, other.covariance, rtol=rtol, atol=1e-14)
    assert_allclose([one.llf, one.llnull], [other.llf, other.llnull], rtol=1e-10)
    new = {"x": [0.3, -1.0], "z": [0, 1], "unit": ["p", "q"]}
    times = [4, 9, 15]
    for a, b in zip(one.predict_incidence(new, times), other.predict_incidence(new, times), strict=True):
        assert_allclose(a.estimate, b.estimate, rtol=rtol)
        assert_allclose(a.se, b.se, rtol=1e-7)


# ---- closed forms ----------------------------------------------------------------------------------------------------
def test_two_groups_of_three_by_hand() -> None:
    """Exits at 1 (a, x=1), 2 (b, x=0), 3 (censored, x=0), 4 (a, x=0), 5 (a, x=1), 6 (stay, x=1).

    At 4 the person who left for b at 2 weighs G(4-)/G(2-) = 3/4; with r = exp(beta) the risk sets hold
    3 + 3 r at 1, 7/4 + 2 r at 4 and 3/4 + 2 r at 5, two of the three exits having x = 1.
    """
    rows = xm.Spells(
        exit=[1, 2, 3, 4, 5, 6], event=["a", "b", "stay", "a", "a", "stay"], censor="stay",
        covariates={"x": [1, 0, 0, 0, 1, 1]},
    )  # fmt: skip
    fit = xm.FineGray("x", event="a", tol=1e-13).fit(rows)
    r = float(np.exp(fit.estimate[0]))
    at_risk = np.array([[3, 3], [7 / 4, 2], [3 / 4, 2]])
    means = at_risk[:, 1] * r / (at_risk[:, 0] + at_risk[:, 1] * r)
    assert_allclose(means.sum(), 2, rtol=1e-12)
    assert_allclose(1 / fit.model_covariance[0, 0], (means * (1 - means)).sum(), rtol=1e-10)
    assert_allclose(fit.llf, 2 * np.log(r) - np.log(at_risk @ [1, r]).sum(), rtol=1e-12)
    assert_allclose(fit.baseline_hazard.cumhaz, np.cumsum(1 / (at_risk @ [1, r])), rtol=1e-12)


@pytest.mark.parametrize("late", [False, True])
def test_without_covariates_the_product_limit_is_aalen_johansen(late: bool) -> None:
    """Weights that put exits before censorings and these before entries make it exact."""
    rows = spells(people(late=late))
    fit = xm.FineGray("1", event="a", weighting="geskus").fit(rows)
    base = fit.baseline_hazard
    ours = 1 - np.cumprod(1 - np.diff(base.cumhaz, prepend=0.0))
    theirs = xm.AalenJohansen(causes=["a"]).fit(rows).at(base.time.tolist())
    assert_allclose(ours, theirs.estimate, rtol=1e-10)


def test_without_other_causes_it_is_cox() -> None:
    data = people(late=True)
    data["event"] = np.where(data["event"] == "b", "stay", data["event"])
    rows = spells(data)
    for ties in ("breslow", "efron"):
        ours = xm.FineGray("x + z + strata(unit)", ties=ties).fit(rows)
        theirs = xm.Cox("x + z + strata(unit)", ties=ties, vcov="robust").fit(rows)
        agree(ours.estimate, theirs.estimate)
        agree(ours.covariance, theirs.covariance, atol=1e-14)
        new = {"x": [0.5], "z": [1], "unit": ["q"]}
        agree(ours.predict_cumhaz(new).estimate, theirs.predict_cumhaz(new).estimate)
        agree(ours.predict_cumhaz(new).se, theirs.predict_cumhaz(new).se, 1e-7)
        assert any("Cox's model" in note for note in ours.warnings)


def test_strata_with_their_own_censoring_are_separate_likelihoods() -> None:
    data = pd.DataFrame(people(late=True))
    whole = xm.FineGray("x + strata(z)", event="a", censoring="z").fit(spells(data))
    parts = [xm.FineGray("x + offset(known)", event="a") for _ in range(2)]
    known = data.assign(known=whole.estimate[0] * data.x)
    total = sum(fit.fit(spells(known[known.z == z])).llnull for z, fit in enumerate(parts))
    assert_allclose(whole.llf, total, rtol=1e-10)


# ---- laws ------------------------------------------------------------------------------------------------------------
CHOICES = {
    "plain": ({}, {}),
    "late": ({}, {"late": True}),
    "real times": ({}, {"days": False}),
    "real times, late, Efron, groups, strata": (
        {"ties": "efron", "censoring": "unit", "formula": "x + strata(z)"},
        {"days": False, "late": True},
    ),
    "changing": ({"time_varying": {"x": "log"}}, {"late": True}),
}


@pytest.mark.parametrize("name", CHOICES)
def test_row_order_copies_and_units_of_time(name: str) -> None:
    choices, made = CHOICES[name]
    model = xm.FineGray(**{"formula": "x + z", **choices}, event="a")
    data = pd.DataFrame(people(**made))
    fit = model.fit(spells(data))
    same(model.fit(spells(data.sample(frac=1, random_state=2))), fit)
    repeated = data.loc[data.index.repeat(data.copies)]
    same(model.fit(spells(repeated)), model.fit(spells(data, weight="copies")))
    longer = model.fit(spells(data.assign(exit=data.exit * 24, entry=data.entry * 24)))
    if "time_varying" not in choices:
        assert_allclose(longer.covariance, fit.covariance, rtol=1e-8)
        assert_allclose(longer.estimate, fit.estimate, rtol=1e-8)


@pytest.mark.parametrize("weighting", ["fine-gray", "geskus"])
@pytest.mark.parametrize("late", [False, True])
def test_cutting_stays_changes_nothing(late: bool, weighting: str) -> None:
    """Pieces of one stay are one person: their cuts are neither censorings nor entries."""
    if late and weighting == "fine-gray":
        return
    rows = spells(people(late=late))
    model = xm.FineGray("x + z", event="a", weighting=weighting)
    cut = model.fit(rows.split([3, 7, 8]))
    same(cut, model.fit(rows))
    assert any("they are one stay" in note for note in cut.warnings)
    named = spells(people(late=late)).split([3, 7, 8])
    same(xm.FineGray("x + z", event="a", weighting=weighting, id="person").fit(named), model.fit(rows))


def test_entering_before_the_first_exit_is_entering_at_the_start() -> None:
    data = people()
    assert data["exit"].min() > 1
    late = {**data, "entry": np.where(data["z"] == 1, 1.0, 0.0)}
    model = xm.FineGray("x + z", event="a")
    assert model.fit(spells(late)).weighting == "fine-gray"
    same(model.fit(spells(late)), model.fit(spells(data)))


def test_clusters_of_one_are_rows_and_sampling_weights_have_no_scale() -> None:
    data = people()
    model = xm.FineGray("x + z", event="a")
    fit = model.fit(spells(data))
    same(fit.with_vcov("cluster", cluster="person"), fit)
    same(fit.with_vcov("cluster", cluster=data["person"]), fit)
    weights = np.random.default_rng(0).uniform(0.5, 3, 200)
    one = model.fit(spells({**data, "w": weights}, weight="w", weights="sampling"))
    ten = model.fit(spells({**data, "w": 10 * weights}, weight="w", weights="sampling"))
    assert_allclose(one.estimate, ten.estimate, rtol=1e-9)
    assert_allclose(one.covariance, ten.covariance, rtol=1e-8)
    doubled = model.fit(spells({**data, "w": np.full(200, 2.0)}, weight="w", weights="sampling"))
    assert_allclose(doubled.covariance, fit.covariance, rtol=1e-8)


def test_labels_given_for_clusters_follow_their_rows() -> None:
    """Real times are sorted inside the fit; labels are in the reader's order."""
    data = people(days=False)
    rows = spells(data)
    fit = xm.FineGray("x + z", event="a").fit(rows)
    by_name = fit.with_vcov("cluster", cluster="unit")
    assert_allclose(fit.with_vcov("cluster", cluster=data["unit"]).covariance, by_name.covariance, rtol=1e-12)
    for kind in ("martingale", "score", "influence", "dfbeta", "dfbetas"):
        assert fit.residuals(kind).index.tolist() == rows.labels.tolist()


# ---- variances -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("choices", [{}, {"time_varying": {"x": "log"}}, {"weighting": "geskus", "ties": "efron"}])
def test_residuals_add_up(choices: dict[str, Any]) -> None:
    fit = xm.FineGray("x + z", event="a", **choices).fit(spells(people(n=150)))
    for kind in ("score", "influence"):
        assert_allclose(fit.residuals(kind).sum(), 0, atol=1e-7)
    moved = fit.residuals("dfbeta").to_numpy()
    assert_allclose(moved.T @ moved, fit.covariance, rtol=1e-9)
    moved = fit.residuals("dfbeta", known_weights=True).to_numpy()
    assert_allclose(moved.T @ moved, fit.with_vcov("robust", known_weights=True).covariance, rtol=1e-9)
    assert_allclose(fit.residuals("schoenfeld").sum(), 0, atol=1e-8)
    assert_allclose(fit.residuals("martingale").sum(), 0, atol=1e-8)
    assert fit.residuals("scaled-schoenfeld").shape == fit.residuals("schoenfeld").shape


def test_the_bootstrap_agrees_with_the_influence_of_rows() -> None:
    fit = xm.FineGray("x + z", event="a").fit(spells(people(n=300)))
    drawn = fit.with_vcov("bootstrap", n=400, rng=3)
    assert drawn.vcov == "bootstrap"
    # 400 bootstrap samples
    assert_allclose(drawn.bse, fit.bse, rtol=0.15)
    again = fit.with_vcov("bootstrap", n=20, rng=5)
    assert_allclose(again.covariance, fit.with_vcov("bootstrap", n=20, rng=5).covariance)


def test_a_test_of_proportional_effects_sees_what_is_there() -> None:
    rng = np.random.default_rng(4)
    n = 1500
    z = rng.integers(0, 2, n)
    early = rng.exponential(10, n) ** np.where(z == 1, 2.0, 1.0) / np.where(z == 1, 10.0, 1.0)
    other = rng.exponential(20, n)
    data = {"exit": np.minimum(early, other) + 1e-3, "entry": 0.0, "event": np.where(early < other, "a", "b")}
    fit = xm.FineGray("z + x", event="a").fit(spells({**data, "z": z, "x": rng.standard_normal(n)}))
    for transform in ("log", "identity", "rank"):
        test = fit.ph_test(transform)
        assert test.names == ("z", "x", "all terms")
        assert test.pvalue[0] < 1e-4 < test.pvalue[1]
    assert "Goodness-of-fit" in test.cite()
    test.plot("z")


def test_the_test_of_proportional_effects_is_the_score_test_of_a_changing_one() -> None:
    """Score and influences of the larger model where the change is zero, less what estimating the effects takes."""
    rows = spells(people(late=True))
    fit = xm.FineGray("x + z", event="a").fit(rows)
    larger = xm.FineGray("x + z", event="a", time_varying={"x": "log", "z": "log"}).fit(rows).fitted
    at = np.append(fit.estimate * fit.scale, [0, 0])
    terms = varying_sub_terms(at, larger.data, larger.varying)
    moved = np.concatenate([b for _, b in varying_influences(at, larger.data, larger.varying, terms)])
    took = terms.information[2:, :2] @ np.linalg.inv(terms.information[:2, :2])
    own = moved[:, 2:] - moved[:, :2] @ took.T
    score = terms.gradient[2:]
    test = fit.ph_test("log")
    assert_allclose(test.statistic[2], score @ np.linalg.solve(own.T @ own, score), rtol=1e-7)
    assert_allclose(test.statistic[:2], score**2 / (own**2).sum(axis=0), rtol=1e-7)


# ---- predictions -----------------------------------------------------------------------------------------------------
def test_curves_at_some_times_are_the_whole_curve_read_there() -> None:
    for choices in ({}, {"time_varying": {"x": "log"}}, {"censoring": "unit", "formula": "x + strata(z)"}):
        fit = xm.FineGray(**{"formula": "x + z", **choices}, event="a").fit(spells(people(n=120)))
        new = pd.DataFrame({"x": [0.0, 1.5], "z": [0, 1]}, index=["low", "high"])
        whole, some = fit.predict_incidence(new), fit.predict_incidence(new, times=[0.5, 3, 8.5, 12])
        columns = ["estimate", "se", "lower", "upper"]
        assert_allclose(whole.at([0.5, 3, 8.5, 12])[columns], some.to_frame()[columns], rtol=1e-8)
        assert some.groups == ("row=low", "row=high")
        assert np.isnan(fit.predict_incidence(new, times=[1e9, 3]).at([1e9]).estimate).all()
        table = fit.get_prediction(new, [3, 12]).summary_frame()
        assert_allclose(table.estimate, some.at([3, 12]).estimate)
        assert_allclose(fit.predict(new, "incidence", [3, 12]).to_numpy().ravel(), table.estimate)
        hazard = fit.predict_cumhaz(new, times=[3, 12])
        assert_allclose(-np.expm1(-hazard.estimate), table.estimate)
        assert_allclose(fit.predict(new, "cumhaz", [3, 12]).to_numpy().ravel(), hazard.estimate)


def test_linear_predictors_and_the_baseline() -> None:
    fit = xm.FineGray("x + offset(z)", event="a").fit(spells(people()))
    new = {"x": [0.0, 2.0], "z": [0.0, 1.0]}
    assert_allclose(fit.predict(new), [0, 2 * fit.estimate[0] + 1])
    assert_allclose(fit.predict(new, "hazard_ratio"), np.exp(fit.predict(new)))
    curve = fit.predict_cumhaz(new)
    assert_allclose(curve.pieces[0].estimate, fit.baseline_hazard.cumhaz)
    assert_allclose(curve.pieces[1].estimate, fit.baseline_hazard.cumhaz * np.exp(fit.predict(new)[1]))


def test_limits_with_the_variance_that_was_asked_for() -> None:
    fit = xm.FineGray("x + z", event="a").fit(spells(people(), cluster="unit"))
    new = {"x": [1.0], "z": [0]}
    widths = {}
    for kind, known in (("robust", False), ("robust", True), ("cluster", False), ("model", False)):
        curve = fit.with_vcov(kind, known_weights=known).predict_incidence(new, times=[10])
        widths[curve.variance] = float(curve.se[0])
    assert list(widths) == ["robust", "robust, weights known", "cluster", "model"]
    assert len(set(widths.values())) == 4
    # two variances that are near, not the same
    assert_allclose(widths["robust"], widths["robust, weights known"], rtol=1e-3)


# ---- protocol --------------------------------------------------------------------------------------------------------
def test_tables_figures_and_files(tmp_path: Path) -> None:
    fit = xm.FineGray("x + C(unit)", event="a", censoring="z").fit(spells(people()))
    assert fit.hazard_ratios().columns.tolist() == ["SHR", "low", "high"]
    text = str(fit)
    assert "Fine-Gray regression for a, Breslow ties, fine-gray weights" in text
    assert fit.aic == pytest.approx(-2 * fit.llf + 6)
    assert "JASA 94, 496-509" in fit.cite()
    for made in (fit.to_latex(), fit.to_markdown(), fit.to_html()):
        assert "SHR" in made
    fit.plot()
    fit.predict_incidence({"x": [0, 1], "unit": ["p", "q"]}).plot()
    fit.save(tmp_path / "fit.json")
    loaded = xm.load(tmp_path / "fit.json")
    assert_allclose(loaded.covariance, fit.covariance)
    assert_allclose(
        loaded.predict({"x": [0], "unit": ["q"]}, "incidence", [9]),
        fit.predict({"x": [0], "unit": ["q"]}, "incidence", [9]),
    )
    with pytest.raises(xm.DataError, match="needs the data of the fit"):
        loaded.predict_incidence({"x": [0], "unit": ["q"]})
    assert_allclose(loaded.with_vcov("model").bse, fit.with_vcov("model").bse)


def test_several_causes_as_one_and_the_other_cause() -> None:
    data = people()
    rows = spells(data)
    both = xm.FineGray("x", event=["a", "b"]).fit(rows)
    plain = xm.Cox("x", event="any", ties="breslow", vcov="robust").fit(rows)
    agree(both.covariance, plain.covariance)
    assert both.outcome == "a or b"


def test_monotone_likelihood_is_named() -> None:
    data = people()
    data["never"] = ((data["event"] != "a") & (data["z"] == 1)).astype(int)
    with pytest.warns(xm.ConvergenceWarning, match="never"):
        fit = xm.FineGray("x + never", event="a").fit(spells(data))
    assert not fit.converged


def test_rows_set_aside_stand_in_the_ledger() -> None:
    data = pd.DataFrame(people())
    data.loc[3, "x"] = np.nan
    data.loc[5, "unit"] = None
    fit = xm.FineGray("x", event="a", censoring="unit").fit(spells(data, missing="drop"))
    assert (fit.nobs, fit.ledger.n_set_aside) == (198, 2)


# ---- bad input -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("choices", "code"),
    [
        ({"ties": "exact"}, "ties"),
        ({"weighting": "crr"}, "weighting"),
        ({"vcov": "hac"}, "vcov"),
        ({"collinear": "keep"}, "collinear"),
        ({"event": None}, "several-causes"),
        ({"event": "c"}, "unknown-cause"),
        ({"formula": "x + copy", "collinear": "raise"}, "collinear"),
        ({"formula": "x + one"}, "collinear"),
        ({"censoring": "nowhere"}, "no-column"),
        ({"id": "unit"}, "overlap"),
        ({"vcov": "cluster"}, "no-cluster"),
        ({"time_varying": {"nowhere": "log"}}, "time-varying"),
    ],
)
def test_choices_that_cannot_be(choices: dict[str, Any], code: str) -> None:
    data = people()
    data |= {"copy": 2 * data["x"] + 1, "one": 1}
    with pytest.raises(xm.DataError) as error:
        xm.FineGray(**{"formula": "x", "event": "a", **choices}).fit(spells(data))
    assert error.value.code == code


def test_collinear_columns_may_be_dropped() -> None:
    data = people()
    data |= {"copy": 2 * data["x"] + 1}
    fit = xm.FineGray("x + copy", event="a", collinear="drop").fit(spells(data))
    assert fit.names == ("x",)
    assert any("copy" in note for note in fit.warnings)


def test_late_entry_needs_weights_that_know_of_it() -> None:
    with pytest.raises(xm.DataError, match="entered after the first exit") as error:
        xm.FineGray("x", event="a", weighting="fine-gray").fit(spells(people(late=True)))
    assert error.value.code == "delayed-entry"


def test_a_time_at_which_nobody_was_left_is_refused() -> None:
    rows = xm.Spells(
        exit=[1, 2, 3, 9, 10, 11], entry=[0, 0, 0, 5, 5, 5], event=["a", "b", "stay", "a", "b", "a"], censor="stay",
        covariates={"x": [0, 1, 0, 1, 1, 0]},
    )  # fmt: skip
    with pytest.raises(xm.DataError, match="At 3 nobody") as error:
        xm.FineGray("x", event="a").fit(rows)
    assert error.value.code == "empty-risk-set"


@pytest.mark.parametrize(
    ("entry", "event", "code"),
    [([0, 2], ["stay", "a"], "gap"), ([0, 1], ["a", "stay"], "after-exit"), ([0, 0.5], ["stay", "a"], "overlap")],
)
def test_rows_of_a_person_that_do_not_join(entry: list[float], event: list[str], code: str) -> None:
    rows = xm.Spells(
        exit=[1, 4, 5, 6], entry=[*entry, 0, 0], event=[*event, "b", "a"], censor="stay",
        covariates={"who": [0, 0, 1, 2], "x": [0, 1, 1, 0]},
    )  # fmt: skip
    with pytest.raises(xm.DataError) as error:
        xm.FineGray("x", event="a", id="who").fit(rows)
    assert error.value.code == code
    assert error.value.rows == (1,)


def test_only_exits_inside_a_window_are_refused() -> None:
    rows = xm.Spells(exit=[3, 4, 5], event=[1, 2, 1], causes=["a", "b"], left_limit=[1, 1, 1], right_limit=[9, 9, 9])
    with pytest.raises(xm.SchemeError):
        xm.FineGray("1", event="a").fit(rows)


def test_unknown_levels_kinds_and_times() -> None:
    fit = xm.FineGray("x + C(unit)", event="a").fit(spells(people()))
    for ask, code in (
        (lambda: fit.predict_incidence({"x": [0], "unit": ["s"]}), "unknown-level"),
        (lambda: fit.predict_incidence({"x": [0], "unit": ["p"]}, times=[np.nan]), "times"),
        (lambda: fit.predict({"x": [0], "unit": ["p"]}, "odds"), "kind"),
        (lambda: fit.residuals("deviance"), "kind"),
        (lambda: fit.ph_test("km"), "transform"),
        (lambda: fit.with_vcov("hc3"), "vcov"),
    ):
        with pytest.raises(xm.DataError) as error:
            ask()
        assert error.value.code == code
    changing = xm.FineGray("x", event="a", time_varying={"x": "log"}).fit(spells(people()))
    for ask in (lambda: changing.predict({"x": [0]}), changing.ph_test):
        with pytest.raises(xm.DataError) as error:
            ask()
        assert error.value.code == "time-varying"
