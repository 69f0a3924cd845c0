"""Multiple imputation of labels and dates into any model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

import exitmodels as xm


def spells(n=200, seed=1, hide=0.2, **more):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2, n).astype(float)
    exit = rng.exponential(10 * np.exp(-0.3 * x))
    cause = np.array(["a", "b"], dtype=object)[(rng.random(n) < 0.4).astype(int)]
    event = np.where(rng.random(n) < 0.1, "in", np.where(rng.random(n) < hide, "?", cause))
    return xm.Spells(exit=exit, event=event, censor="in", covariates={"x": x}, **more)


def labels(rows):
    return xm.Labels.of(rows, unknown="?").spread()


# ---- Rubin's rules -----------------------------------------------------------------------------------------------
def test_a_regression_by_the_rules_written_out():
    rows = spells()
    pooled = xm.impute(xm.Cox("x", event="a"), rows, labels(rows), m=7, rng=3, proper=False)
    by_hand = [xm.Cox("x", event="a").fit(made) for made in labels(rows).complete(rows, 7, rng=3)]
    values = np.array([fit.estimate[0] for fit in by_hand])
    within, between = np.mean([fit.covariance[0, 0] for fit in by_hand]), values.var(ddof=1)
    total = within + 8 / 7 * between
    assert_allclose(pooled.estimate[0], values.mean(), rtol=1e-12)
    assert_allclose(pooled.covariance[0, 0], total, rtol=1e-12)
    df = 6 * (1 + within / (8 / 7 * between)) ** 2
    assert_allclose(pooled.df[0], df, rtol=1e-10)
    rise = 8 / 7 * between / within
    assert_allclose(pooled.fmi["x"], (rise + 2 / (df + 3)) / (rise + 1), rtol=1e-10)
    assert_allclose(pooled.mc_error["x"], np.sqrt(between / 7), rtol=1e-12)
    half = stats.t.ppf(0.975, df) * np.sqrt(total)
    assert_allclose(pooled.conf_int().loc["x"], [values.mean() - half, values.mean() + half], rtol=1e-10)
    left = [np.delete(np.arange(7), i) for i in range(7)]
    errors = [np.sqrt(np.mean([by_hand[i].covariance[0, 0] for i in k]) + 7 / 6 * values[k].var(ddof=1)) for k in left]
    assert_allclose(pooled.monte_carlo()["se_mc_error"]["x"], np.sqrt(6 / 7 * np.sum((errors - np.mean(errors)) ** 2)))
    assert len(pooled.fits) == 7


def test_a_curve_by_the_rules_written_out():
    rows = spells()
    pooled = xm.impute(xm.AalenJohansen(), rows, labels(rows), m=6, rng=3, proper=False)
    each = [xm.AalenJohansen().fit(made).at([5, 12]) for made in labels(rows).complete(rows, 6, rng=3)]
    values, squares = (np.stack([e[c].to_numpy() for e in each]) for c in ("estimate", "se"))
    total = (squares**2).mean(axis=0) + 7 / 6 * values.var(axis=0, ddof=1)
    at = pooled.at([5, 12])
    assert_allclose(at["estimate"], values.mean(axis=0), rtol=1e-12)
    assert_allclose(at["se"], np.sqrt(total), rtol=1e-12)
    between = 7 / 6 * values.var(axis=0, ddof=1)
    t = stats.t.ppf(0.975, 5 * (total / between) ** 2)
    p = values.mean(axis=0)
    wide = t * np.sqrt(total) / (p * -np.log(p))
    assert_allclose(at["lower"], p ** np.exp(wide), rtol=1e-9)
    frame = pooled.to_frame()
    last = frame[frame["time"] <= 12].groupby("cause").tail(1)
    assert_allclose(last["lower"], at["lower"].to_numpy()[[1, 3]], rtol=1e-12)
    assert {"missing", "df", "mc_error"} <= set(pooled.missing_information().columns)
    assert_allclose(pooled["cause=a"].at(5)["upper"], at["upper"][0])
    assert "6 imputations" in str(pooled.cite()) or "6 imputations" in pooled.method


def test_counts_behind_a_pooled_curve():
    rows = spells()
    pooled = xm.impute(xm.AalenJohansen(), rows, labels(rows), m=5, rng=3)
    exits = xm.AalenJohansen().fit(labels(rows).complete(rows, 2, rng=3)[0])
    assert_allclose(sum(p.events.sum() for p in pooled.pieces), rows.n_events)
    assert_allclose(pooled.at([5])["at_risk"], exits.at([5])["at_risk"])
    pooled.plot(risk_table=True)


def test_cause_specific_models_and_what_they_predict():
    rows = spells()
    pooled = xm.impute(xm.CauseSpecificCox("x"), rows, labels(rows), m=4, rng=3)
    assert pooled.names == ("a: x", "b: x")
    assert pooled.covariance[0, 1] == pytest.approx(1.25 * pooled.between[0, 1])
    read = lambda fit: fit.predict_incidence({"x": [1]})  # noqa: E731
    curve = xm.impute(xm.CauseSpecificCox("x"), rows, labels(rows), m=4, rng=3, read=read)
    again = xm.pool([read(fit) for fit in pooled.fits])
    assert_allclose(curve.at([5])["se"], again.at([5])["se"], rtol=1e-12)


@pytest.mark.parametrize("model", [xm.FineGray("x", event="a"), xm.MaskedCauses(cuts=[5])])
def test_other_models(model):
    rows = spells()
    pooled = xm.impute(model, rows, labels(rows), m=3, rng=3)
    assert pooled.converged
    assert np.all(pooled.standard_errors >= np.sqrt(np.diag(pooled.within)))


def test_a_truncated_model():
    world = xm.simulate.exits(n=300, effects={}, rng=2)
    rows = world.spells().for_cause("any")
    two = np.tile([0.3, 0.7], (300, 1))
    pooled = xm.impute(xm.ExitWindow(hazard="exponential"), rows, xm.Labels(two, ["a", "b"]), m=3, rng=3)
    assert pooled.names == ("a: log rate", "b: log rate")


# ---- laws --------------------------------------------------------------------------------------------------------
def test_certain_labels_change_nothing():
    rows = spells(hide=0.0)
    pooled = xm.impute(xm.Cox("x", event="a"), rows, xm.Labels.of(rows), m=3, rng=3)
    plain = xm.Cox("x", event="a").fit(rows)
    assert_allclose(pooled.estimate, plain.estimate, rtol=1e-12)
    assert_allclose(pooled.covariance, plain.covariance, rtol=1e-12)
    assert_allclose(pooled.conf_int(), plain.conf_int(), rtol=1e-10)
    assert pooled.fmi["x"] == 0


def test_many_imputations_find_the_masked_fit():
    """Labels drawn as the masked fit sees them give its estimates; proper or not, within Monte Carlo error."""
    rows = spells(n=400, hide=0.3)
    masked = xm.MaskedCauses(unknown="?").fit(rows)
    pooled = xm.impute(xm.MaskedCauses(), rows, labels(rows), m=100, rng=3)
    # a hundred draws: the error of the pooled estimate is a tenth of the error that imputation brings
    assert np.all(np.abs(pooled.estimate - masked.estimate) < 4 * pooled.mc_error)
    assert_allclose(pooled.standard_errors, masked.standard_errors, rtol=0.05)


def test_weights_are_people():
    rows = spells(n=60, weight=np.full(60, 50))
    pooled = xm.impute(xm.MaskedCauses(), rows, labels(rows), m=10, rng=3)
    assert pooled.nobs == 3000
    # three thousand people, not sixty drawn as blocks of fifty: imputation adds little
    assert pooled.missing_information.max() < 0.4


# ---- dates -------------------------------------------------------------------------------------------------------
def dated():
    frame = pd.DataFrame(
        {
            "joined": pd.to_datetime(["2014-01-10", "2014-01-20", "2014-02-01", "2014-02-15"] * 10),
            "left": pd.to_datetime(["2014-02-14", "2014-03-05", "2014-03-20", "2014-04-01"] * 10),
            "reason": ["a", "b", "a", "in"] * 10,
        }
    )
    written = ["2014-02", "2014-03-05", "2014-03", "2014-04-01"] * 10
    rows = xm.Spells.from_frame(
        frame, origin="joined", exit="left", event="reason", censor="in", window=("2014-01-01", "2014-06-30")
    )
    return rows, xm.parse_dates(written)


def test_dates_are_drawn_within_what_was_written():
    rows, dates = dated()
    seen = []

    class Keep:
        def fit(self, made):
            seen.append(made)
            return xm.KaplanMeier(event="any").fit(made)

    pooled = xm.impute(Keep(), rows, dates=dates, m=25, rng=1)
    exits = np.stack([made.exit for made in seen])
    assert_array_equal(exits[:, 1], rows.exit[1])
    assert_array_equal(exits[:, 3], rows.exit[3])
    assert exits[:, 0].min() >= 22
    assert exits[:, 0].max() <= 49
    assert len(np.unique(exits[:, 0])) > 10
    assert seen[0].exit.dtype.kind == "i"
    assert_allclose(pooled.at(100)["estimate"], np.mean([f.at(100)["estimate"] for f in pooled.fits]))


def test_dates_and_labels_in_one_draw():
    rows, dates = dated()
    open_rows = xm.Labels(np.tile([0.5, 0.5], (40, 1)), ["a", "b"])
    pooled = xm.impute(xm.AalenJohansen(), rows, open_rows, dates, m=4, rng=1)
    assert_allclose(pooled.at(50)["estimate"].sum(), np.mean([f.at(50)["estimate"].sum() for f in pooled.fits]))


def test_dates_by_a_function():
    rows = spells(n=50, hide=0)
    pooled = xm.impute(
        xm.KaplanMeier(event="any"), rows, dates=lambda rng: rows.exit + rng.uniform(0, 1, 50), m=3, rng=1
    )
    assert_array_equal([f.at(1e9)["events"][0] for f in pooled.fits], [rows.n_events] * 3)


def test_draws_stay_where_the_records_put_them():
    """An exit comes after its entry, and inside its own limits."""
    entry, limit = np.array([3.0, 0, 0]), np.array([9.0, 6, 9])
    rows = xm.Spells(exit=[5.0, 5, 5], entry=entry, left_limit=entry, right_limit=limit)
    seen = []

    class Keep:
        def fit(self, made):
            seen.append(made.exit)
            return xm.KaplanMeier().fit(xm.Spells(exit=made.exit))

    xm.impute(Keep(), rows, dates=lambda rng: rng.uniform(0, 10, 3), m=30, rng=1)
    exits = np.stack(seen)
    assert np.all((exits > entry) & (exits <= limit))
    with pytest.raises(xm.DataError, match="never fall") as caught:
        xm.impute(Keep(), rows, dates=lambda rng: np.array([2.0, 3, 3]), m=2, rng=1)
    assert caught.value.rows == (0,)


# ---- bad input ---------------------------------------------------------------------------------------------------
def test_bad_input():
    rows = spells(n=50)
    model = xm.Cox("x", event="a")
    for call, code in (
        (lambda: xm.impute(model, rows), "impute"),
        (lambda: xm.impute(model, rows, labels(rows), m=1), "few-fits"),
        (lambda: xm.impute(model, rows, xm.Labels.of(rows, unknown="?"), rng=1), "masked"),
        (lambda: xm.impute(model, rows, dates=lambda rng: np.ones(3), rng=1), "length"),
        (lambda: xm.impute(model, rows, dates=lambda rng: np.full(50, np.nan), rng=1), "missing"),
        (lambda: xm.impute(model, rows, dates=xm.parse_dates(["2014-02"] * 50), rng=1), "no-origin"),
        (lambda: xm.impute(model, rows, labels(rows), rng=1, read=lambda fit: 3), "pool"),
    ):
        with pytest.raises(xm.DataError) as caught:
            call()
        assert caught.value.code == code
    heavy = spells(n=50, weight=np.full(50, 2))
    with pytest.raises(xm.DataError, match="several people"):
        xm.impute(model, heavy, dates=lambda rng: rows.exit, rng=1)


def test_an_imputation_without_a_fit_is_told():
    rows = spells(n=30)
    with pytest.raises(xm.DataError) as caught:
        xm.impute(xm.Cox("missing_column", event="a"), rows, labels(rows), rng=1)
    assert any("imputation 1 of 20" in note for note in caught.value.__notes__)


def test_few_imputations_are_told(tmp_path):
    rows = spells(n=100, hide=0.6)
    pooled = xm.impute(xm.Cox("x", event="a"), rows, labels(rows), m=3, rng=3)
    assert "Monte Carlo error of x" in str(pooled)
    pooled.save(tmp_path / "pooled.json")
    assert str(xm.load(tmp_path / "pooled.json")) == str(pooled)
    curve = xm.impute(xm.AalenJohansen(), rows, labels(rows), m=3, rng=3)
    curve.save(tmp_path / "curve.json")
    assert_allclose(xm.load(tmp_path / "curve.json").at([5])["upper"], curve.at([5])["upper"])
