"""Hazards, regressions and incidence with masked causes: laws, slow definitions, influence, bad input."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

import exitmodels as xm

SETS = {"c or d": ["c", "d"]}
NAMES = ["a", "c", "?", "d", "c or d"]


def world(n=120, seed=0, late=True, whole=True):
    """Three causes, one in four exits masked, covariates, groups, late entry, ties."""
    rng = np.random.default_rng(seed)
    x, g = rng.normal(size=n), rng.integers(0, 2, n)
    entry = np.where(rng.random(n) < 0.4, rng.integers(0, 4, n), 0) * late
    stay = rng.exponential(8 * np.exp(-0.4 * x))
    exit = entry + np.ceil(stay) if whole else entry + stay
    cause = 1 + rng.choice([0, 1, 3], n, p=[0.5, 0.3, 0.2])
    hidden = rng.random(n)
    cause = np.where(hidden < 0.15, 3, np.where((hidden < 0.3) & (cause != 1), 5, cause))
    event = np.where(rng.random(n) < 0.2, 0, cause)
    return {"entry": entry, "exit": exit, "event": event}, {"x": x, "g": g, "z": rng.normal(size=n)}


def spells(seed=0, rows=slice(None), n=120, late=True, whole=True, **more):
    data, columns = world(n, seed, late, whole)
    return xm.Spells(
        **{k: v[rows] for k, v in data.items()},
        causes=NAMES,
        covariates={k: v[rows] for k, v in columns.items()},
        **more,
    )


PIECES = xm.MaskedCauses(unknown="?", masked=SETS, cuts=[4, 9])
COX = xm.MaskedCox("x + z", unknown="?", masked=SETS)
CURVE = xm.MaskedIncidence(unknown="?", masked=SETS, cuts=[5])
MODELS = [PIECES, COX, xm.MaskedCox("x + strata(g)", unknown="?", masked=SETS, cuts=[5])]


def curve_of(model, fit):
    if isinstance(model, xm.MaskedCox):
        return fit.predict_incidence({"x": [0.3], "z": [0.1], "g": [1]})
    return fit.predict_incidence()


# ---- laws --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("model", MODELS, ids=["pieces", "cox", "cox with cuts"])
def test_laws_of_regressions(model):
    """Order of rows; weight 2 and two rows; cutting spells; a new unit of time."""
    fit = model.fit(spells())
    twice = np.repeat(np.arange(120), 1 + np.arange(120) % 2)
    weighted = model.fit(spells(weight=1 + np.arange(120) % 2))
    many = model.fit(spells(rows=twice))
    cut = model.fit(spells().split([3.0, 6.0]))
    for one, other in (
        (fit, model.fit(spells(rows=np.random.default_rng(1).permutation(120)))),
        (weighted, many),
        (weighted.with_vcov("robust"), many.with_vcov("robust")),
        (fit, cut),
        (fit.with_vcov("robust"), cut.with_vcov("cluster")),
    ):
        assert_allclose(one.estimate, other.estimate, rtol=1e-8, atol=1e-10)
        assert_allclose(one.covariance, other.covariance, rtol=1e-7, atol=1e-10)
        here, there = curve_of(model, one).at([4, 8]), curve_of(model, other).at([4, 8])
        assert_allclose(here[["estimate", "se"]], there[["estimate", "se"]], rtol=1e-7)
    assert_allclose(weighted.llf, many.llf, rtol=1e-12)


def test_laws_of_incidence():
    base = CURVE.fit(spells()).at([3, 8])
    other = CURVE.fit(spells(rows=np.random.default_rng(1).permutation(120))).at([3, 8])
    assert_allclose(base[["estimate", "se"]], other[["estimate", "se"]], rtol=1e-10)
    weighted = CURVE.fit(spells(weight=1 + np.arange(120) % 2)).at([3, 8])
    many = CURVE.fit(spells(rows=np.repeat(np.arange(120), 1 + np.arange(120) % 2))).at([3, 8])
    assert_allclose(weighted[["estimate", "se"]], many[["estimate", "se"]], rtol=1e-10)
    cut = xm.MaskedIncidence(unknown="?", masked=SETS, cuts=[5], variance="cluster").fit(spells().split([3.0, 6.0]))
    assert_allclose(base[["estimate", "se"]], cut.at([3, 8])[["estimate", "se"]], rtol=1e-10)


def test_groups_are_separate_fits():
    whole = xm.MaskedCauses(unknown="?", masked=SETS, by="g", cuts=[4]).fit(spells(n=300))
    data = spells(n=300)
    for g in (0, 1):
        own = xm.MaskedCauses(unknown="?", masked=SETS, cuts=[4]).fit(data.select(data.columns["g"].values == g))
        part = slice(6 * g, 6 * g + 6)
        assert_allclose(whole.estimate[part], own.estimate, rtol=1e-12)
        assert_allclose(whole.with_vcov("robust").covariance[part, part], own.with_vcov("robust").covariance, rtol=1e-9)
    frame = whole.hazards()
    assert list(frame.columns[:4]) == ["g", "cause", "from", "to"]
    assert_allclose(np.log(frame["hazard"]).sum(), whole.estimate.sum())


# ---- nothing masked ----------------------------------------------------------------------------------------------
def certain(**more):
    data, columns = world()
    event = np.where(data["event"] == 3, 1, np.where(data["event"] == 5, 2, np.minimum(data["event"], 3)))
    return xm.Spells(**{**data, "event": event}, causes=["a", "c", "d"], covariates=columns, **more)


def test_without_masks_hazards_are_exits_over_time():
    rows = certain()
    fit = xm.MaskedCauses(cuts=[4]).fit(rows)
    early = (rows.exit <= 4)[:, None] & (rows.event[:, None] == [1, 2, 3])
    exits = np.stack([early.sum(axis=0), ((rows.event[:, None] == [1, 2, 3]) & ~early).sum(axis=0)])
    time = [np.sum(np.maximum(np.minimum(rows.exit, 4) - rows.entry, 0))]
    time.append(np.sum(np.maximum(rows.exit - np.maximum(rows.entry, 4), 0)))
    assert_allclose(fit.groups[0].hazard, exits / np.array(time)[:, None], rtol=1e-12)
    assert_allclose(fit.standard_errors, 1 / np.sqrt(exits.T.ravel()), rtol=1e-12)


@pytest.mark.parametrize("weights", [None, "frequency", "sampling"])
def test_without_masks_incidence_is_aalen_johansen(weights):
    more = {} if weights is None else {"weight": 1 + np.arange(120) % 3, "weights": weights}
    ours, plain = xm.MaskedIncidence(cuts=[5]).fit(certain(**more)), xm.AalenJohansen().fit(certain(**more))
    assert_allclose(ours.estimate, plain.estimate, rtol=1e-12)
    assert_allclose(ours.se, plain.se, rtol=1e-9, atol=1e-14)
    assert_allclose(ours.rmst(8)["se"], plain.rmst(8)["se"], rtol=1e-9)


def test_without_masks_the_regression_is_one_cox_on_stacked_rows():
    """Lunn & McNeil: each person once for each cause, one baseline."""
    rows = certain()
    n = len(rows)
    x, event = np.tile(rows.columns["x"].values, 3), np.concatenate([rows.event == k for k in (1, 2, 3)])
    block = np.repeat([0, 1, 2], n)
    columns = {f"x{k}": x * (block == k) for k in range(3)} | {f"u{k}": 1.0 * (block == k) for k in (1, 2)}
    stacked = xm.Spells(entry=np.tile(rows.entry, 3), exit=np.tile(rows.exit, 3), event=event, covariates=columns)
    plain = xm.Cox("x0 + x1 + u1 + x2 + u2", ties="breslow").fit(stacked)
    ours = xm.MaskedCox("x").fit(rows)
    assert_allclose(ours.estimate, plain.estimate, rtol=1e-8)
    assert_allclose(ours.covariance, plain.covariance, rtol=1e-8)
    assert_allclose(ours.llf, plain.llf, rtol=1e-10)


def test_certain_chances_are_certain_labels():
    """A table of misreadings without misreadings changes nothing."""
    table = {c: {c: 1.0} for c in ("a", "c", "d")}
    ours, plain = xm.MaskedCauses(masked=table).fit(certain()), xm.MaskedCauses().fit(certain())
    assert_allclose(ours.estimate, plain.estimate, rtol=1e-12)
    assert_allclose(ours.covariance, plain.covariance, rtol=1e-12)


def test_fallible_labels():
    """Expected counts under a known table give the true hazards back."""
    true = np.array([600.0, 400.0])
    table = np.array([[0.9, 0.1], [0.25, 0.75]])
    written = true @ table
    rows = xm.Spells(exit=[2.0, 2.0], event=[1, 2], weight=written.round(), causes=["a", "b"])
    fit = xm.MaskedCauses(masked={"a": {"a": 0.9, "b": 0.25}, "b": {"a": 0.1, "b": 0.75}}).fit(rows)
    assert_allclose(fit.groups[0].hazard[0], true / 2000, rtol=1e-10)
    assert np.all(fit.standard_errors > 1 / np.sqrt(true))


# ---- influence ---------------------------------------------------------------------------------------------------
def derivative(read, n, step=1e-5):
    """How the numbers move with the weight of each row, by central differences."""
    moved = []
    for i in range(n):
        up, down = np.ones(n), np.ones(n)
        up[i] += step
        down[i] -= step
        moved.append((read(up) - read(down)) / (2 * step))
    return np.array(moved)


@pytest.mark.parametrize("cuts", [(), (5.0,)])
def test_robust_limits_of_incidence_are_those_of_the_influence(cuts):
    """The jackknife by its definition, the shares' part included."""
    n = 30
    model = xm.MaskedIncidence(unknown="?", masked=SETS, cuts=cuts)

    def read(weight):
        rows = spells(rows=slice(n), weight=weight, weights="sampling")
        curve = model.fit(rows)
        return np.concatenate([curve.at([3, 9])["estimate"], curve.rmst(9)["estimate"]])

    made = derivative(read, n)
    curve = model.fit(spells(rows=slice(n), weight=np.ones(n), weights="sampling"))
    ours = np.concatenate([curve.at([3, 9])["se"], curve.rmst(9)["se"]])
    assert_allclose(ours, np.sqrt((made**2).sum(axis=0)), rtol=1e-6)  # numerical derivatives
    cluster = np.arange(n) // 4
    sums = np.array([made[cluster == c].sum(axis=0) for c in range(cluster.max() + 1)])
    grouped = xm.MaskedIncidence(unknown="?", masked=SETS, cuts=cuts, variance="cluster").fit(
        spells(rows=slice(n), cluster=cluster)
    )
    ours = np.concatenate([grouped.at([3, 9])["se"], grouped.rmst(9)["se"]])
    assert_allclose(ours, np.sqrt((sums**2).sum(axis=0)), rtol=1e-6)


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("weights", [None, "frequency", "sampling"])
def test_three_ways_to_the_same_limits(late, weights):
    """From sums over patterns, from the table, and from rows as clusters of one."""
    weight = 1 + np.arange(120) % 3
    more = {} if weights is None else {"weight": weight, "weights": weights}
    one = CURVE.fit(spells(late=late, **more)).at([3, 6, 9])
    many = np.repeat(np.arange(120), weight) if weights == "frequency" else np.arange(120)
    more = more if weights == "sampling" else {}
    grouped = xm.MaskedIncidence(unknown="?", masked=SETS, cuts=[5], variance="cluster")
    other = grouped.fit(spells(late=late, rows=many, cluster=np.arange(len(many)), **more)).at([3, 6, 9])
    assert_allclose(one[["estimate", "se"]], other[["estimate", "se"]], rtol=1e-9)


@pytest.mark.parametrize(
    ("model", "whole", "n"),
    [
        (xm.MaskedCauses(unknown="?", masked=SETS, cuts=[5]), True, 40),
        (xm.MaskedCox("x", unknown="?", masked=SETS), True, 26),
        (xm.MaskedCox("x", unknown="?", masked=SETS, cuts=[5]), False, 34),
        (xm.MaskedCox("x + strata(g)", unknown="?", masked=SETS), True, 26),
    ],
    ids=["pieces", "cox", "cuts", "strata"],
)
def test_robust_variance_of_regressions_is_that_of_the_influence(model, whole, n):
    def fit(**more):
        rows = spells(rows=slice(n), seed=3, whole=whole, **more)
        made = model.fit(rows)
        return made, curve_of(model, made)

    def read(weight):
        made, curve = fit(weight=weight, weights="sampling")
        return np.concatenate([made.estimate, curve.at([4, 9])["estimate"]])

    moved = derivative(read, n)
    made, curve = fit(weight=np.ones(n), weights="sampling")
    assert made.vcov == "robust"
    ours = np.concatenate([made.standard_errors, curve.at([4, 9])["se"]])
    assert_allclose(ours, np.sqrt((moved**2).sum(axis=0)), rtol=2e-5)  # numerical derivatives of an optimum


def test_model_limits_of_predicted_incidence_follow_the_robust_ones():
    """Under the model both estimate the same: within a fifth on 2000 rows."""
    fit = xm.MaskedCox("x", unknown="?", masked=SETS).fit(spells(n=2000, late=False, whole=False))
    model, robust = (fit.with_vcov(v).predict_incidence({"x": [0.5]}).at([3, 9])["se"] for v in ("model", "robust"))
    assert_allclose(model, robust, rtol=0.2)  # two estimates of one variance, each with its own sampling error


# ---- labels, bounds, print ---------------------------------------------------------------------------------------
def test_labels_of_a_fit():
    rows = spells()
    for model in (PIECES, COX):
        fit = model.fit(rows)
        labels = fit.labels()
        held = labels.weights[rows.event > 0]
        assert_allclose(held.sum(axis=1), 1)
        assert_allclose(labels.weights[rows.event == 1], np.tile([1, 0, 0], ((rows.event == 1).sum(), 1)))
        assert np.all(labels.weights[rows.event == 5][:, 0] == 0)
        assert np.isnan(labels.weights[rows.event == 0]).all()
    expected = fit.labels().weights[rows.event > 0].sum(axis=0)
    assert_allclose(expected.sum(), rows.n_events)


def test_bounds_by_hand():
    """Four exits of four: a, a, b and one unknown: a between 2/4 and 3/4."""
    rows = xm.Spells(exit=[1, 2, 2, 3], event=["a", "a", "b", "?"], censor=[])
    found = xm.incidence_bounds(rows, unknown="?")
    assert_allclose(found.at(3)[["lowest", "highest"]], [[0.5, 0.75], [0.25, 0.5]], rtol=1e-12)


def test_bounds_hold_every_completion():
    rows = spells()
    found = xm.incidence_bounds(rows, unknown="?", masked=SETS, by="g").at([3, 8])
    inside = xm.MaskedIncidence(unknown="?", masked=SETS, by="g").fit(rows).at([3, 8])
    made = found.merge(inside, on=["g", "cause", "time"])
    assert len(made) == 12
    assert np.all((made["lowest"] <= made["estimate"] + 1e-12) & (made["estimate"] <= made["highest"] + 1e-12))
    assert np.all((made["lower_x"] <= made["lowest"]) & (made["highest"] <= made["upper_x"]))


def test_bounds_without_masks_are_aalen_johansen():
    """One point and the ordinary limits."""
    found, plain = xm.incidence_bounds(certain()).at([3, 8]), xm.AalenJohansen().fit(certain()).at([3, 8])
    for ours, theirs in (("lowest", "estimate"), ("highest", "estimate"), ("lower", "lower"), ("upper", "upper")):
        assert_allclose(found[ours], plain[theirs], rtol=1e-10)


def test_results_print_save_and_draw(tmp_path):
    rows = spells()
    for made in (PIECES.fit(rows), COX.fit(rows), xm.incidence_bounds(rows, unknown="?", masked=SETS)):
        assert "masked" in str(made).lower()
        assert "begin{tabular}" in made.to_latex()
        assert made.to_markdown()
        assert "(19" in made.cite()
        made.plot()
        made.save(tmp_path / "fit.json")
        again = xm.load(tmp_path / "fit.json")
        assert str(again) == str(made)
    fit = COX.fit(rows)
    assert list(fit.hazard_ratios().index) == [n for n in fit.names if "ratio" not in n]
    fit.save(tmp_path / "fit.json")
    with pytest.raises(xm.DataError, match="saved result"):
        xm.load(tmp_path / "fit.json").predict_incidence({"x": [0], "z": [0]})


def test_proportional_baselines_can_be_tested():
    rows = spells(n=400)
    one = xm.MaskedCox("x", unknown="?", masked=SETS).fit(rows)
    more = xm.MaskedCox("x", unknown="?", masked=SETS, cuts=[3, 8]).fit(rows)
    assert more.llf >= one.llf - 1e-9
    assert len(more.names) == len(one.names) + 4


# ---- bad input ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("model", "code"),
    [
        (xm.MaskedCauses(unknown="blank"), "unknown-cause"),
        (xm.MaskedCauses(masked={"c or d": "c"}), "masked"),
        (xm.MaskedCauses(masked={"c or d": ["c", "e"]}), "masked"),
        (xm.MaskedCauses(masked={"c or d": {"c": 1.5}}), "masked"),
        (xm.MaskedCauses(unknown=["?", "c", "d", "c or d"]), "masked"),
        (xm.MaskedCauses(unknown="?", cuts=[5, 3]), "cuts"),
        (xm.MaskedCauses(unknown="?", cuts=[5000]), "cuts"),
        (xm.MaskedCauses(unknown="?", vcov="hac"), "vcov"),
        (xm.MaskedCauses(unknown="?", vcov="cluster"), "no-cluster"),
        (xm.MaskedCox({"a": "x"}, unknown="?"), "causes"),
        (xm.MaskedCox("nothing", unknown="?"), "no-column"),
        (xm.MaskedCox({"a": "x + strata(g)", "c": "x", "d": "x", "c or d": "x"}, unknown="?"), "formula"),
        (xm.MaskedIncidence(unknown="?", causes=["e"]), "unknown-cause"),
    ],
)
def test_bad_input(model, code):
    with pytest.raises((xm.DataError, xm.FormulaError)) as caught:
        model.fit(spells())
    assert caught.value.code == code
    assert caught.value.hint


def test_what_is_not_identified_is_refused():
    rows = xm.Spells(exit=[1, 2, 5, 6], event=["a", "b", "?", "?"], censor=[])
    for model in (xm.MaskedCauses(unknown="?", cuts=[3]), xm.MaskedIncidence(unknown="?", cuts=[3])):
        with pytest.raises(xm.IdentificationError, match=r"\(3, inf\)"):
            model.fit(rows)
    window = xm.Spells(exit=[1, 2], event=["a", "?"], censor=[], right_limit=[5, 5])
    for refuses in (PIECES.fit, COX.fit, CURVE.fit, xm.incidence_bounds):
        with pytest.raises(xm.SchemeError):
            refuses(window)


def test_a_hazard_of_zero_is_told():
    rows = xm.Spells(exit=[1, 2, 5, 6], event=["a", "b", "a", "?"], censor=[])
    with pytest.warns(xm.DataWarning, match=r"b has a hazard of zero in \(3, inf\)"):
        fit = xm.MaskedCauses(unknown="?", cuts=[3]).fit(rows)
    assert np.isnan(fit.bse["b: log rate (3, inf)"])
    assert fit.predict_incidence([6]).at(6)["se"].notna().all()


def test_separated_causes_are_told():
    data, columns = world(seed=2)
    columns = {**columns, "only": 1.0 * (np.isin(data["event"], [2]))}
    rows = xm.Spells(**data, causes=NAMES, covariates=columns)
    with pytest.warns(xm.ConvergenceWarning, match="only"):
        fit = xm.MaskedCox("only", unknown="?", masked=SETS).fit(rows)
    assert not fit.converged
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert xm.MaskedCox("x", unknown="?", masked=SETS).fit(spells(n=400)).converged
