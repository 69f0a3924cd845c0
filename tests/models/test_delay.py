"""Delays: slow definitions written another way, laws, and refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import optimize, stats

import exitmodels as xm
from exitmodels.kernels.backprojection import back_project, expected_records
from exitmodels.kernels.delays import predicted_quantiles
from exitmodels.kernels.truncatedscale import LAWS, Truncated, surface

DATES = {"event": "left", "recorded": "noted", "date_format": "%Y-%m-%d"}


def records(rng: np.random.Generator, days: int = 60, mean: float = 6.0, longest: int = 8) -> pd.DataFrame:
    law = 0.7 ** np.arange(longest + 1)
    n = rng.poisson(mean, days)
    left = np.datetime64("2014-05-01") + np.repeat(np.arange(days), n)
    noted = left + rng.choice(longest + 1, len(left), p=law / law.sum())
    return pd.DataFrame({"left": left.astype(str), "noted": noted.astype(str), "one": 1})


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return records(np.random.default_rng(4))


def triangle(frame: pd.DataFrame, now: str = "2014-06-29", **options: object) -> xm.DelayTriangle:
    return xm.DelayTriangle.from_frame(frame, now=now, max_delay=8, first="2014-05-01", **DATES, **options)


def test_triangle_counts_what_a_loop_counts(frame):
    made = triangle(frame)
    known = frame[frame["noted"] <= "2014-06-29"]
    late = (pd.to_datetime(known["noted"]) - pd.to_datetime(known["left"])).dt.days
    for i in (0, 30, 57, 59):
        day = str(np.datetime64("2014-05-01") + i)
        wanted = [int(((known["left"] == day) & (late == d)).sum()) for d in range(9)]
        assert made.n[i].tolist() == wanted
        assert made.last[i] == min(8, 59 - i)
    assert made.total == len(known) == made.ledger.used
    assert made.ledger.n_set_aside == len(frame) - len(known)
    assert made.to_frame().isna().sum().sum() == 8 * 9 / 2


@pytest.mark.parametrize("variance", ["poisson", "quasi"])
def test_nowcast_is_the_poisson_model_with_free_origins_and_delays(frame, variance):
    """Closed forms against a generalised linear model with one column for each origin and delay."""
    import statsmodels.api as sm

    made = triangle(frame, now="2014-05-25")
    fit = xm.Nowcast(variance=variance).fit(made)
    m, width = made.n.shape
    cells = [(i, d) for i in range(m) for d in range(width)]
    design = np.array(
        [[*(i == j for j in range(m)), *(d == e for e in range(1, width))] for i, d in cells], dtype=float
    )
    seen = np.array([d <= made.last[i] for i, d in cells])
    some = made.n.sum(axis=1)[[i for i, _ in cells]] > 0
    y, use = made.n.ravel(), seen & some
    keep = design[use].any(axis=0)
    glm = sm.GLM(y[use], design[use][:, keep], family=sm.families.Poisson()).fit(tol=1e-14, maxiter=200)
    ahead = ~seen & some
    mean = np.exp(design[ahead][:, keep] @ glm.params)
    slope = mean @ design[ahead][:, keep]
    phi = max(glm.pearson_chi2 / glm.df_resid, 1.0) if variance == "quasi" else 1.0
    assert_allclose(fit.dispersion, phi, rtol=1e-8)
    assert_allclose(np.nansum(fit.unreported), mean.sum(), rtol=1e-8)
    assert_allclose(fit.total_variance, phi * (mean.sum() + slope @ glm.cov_params() @ slope), rtol=1e-7)


def test_mack_is_the_double_sum_of_his_paper(frame):
    made = triangle(frame, now="2014-05-25")
    fit = xm.Nowcast(variance="mack").fit(made)
    sums, (m, width) = np.cumsum(made.n, axis=1), made.n.shape
    factor, sigma2, base = np.ones(width), np.zeros(width), np.ones(width)
    for k in range(width - 1):
        rows = [i for i in range(m) if made.last[i] > k]
        base[k] = sum(sums[i, k] for i in rows)
        factor[k] = sum(sums[i, k + 1] for i in rows) / base[k]
        parts = [sums[i, k] * (sums[i, k + 1] / sums[i, k] - factor[k]) ** 2 for i in rows if sums[i, k] > 0]
        sigma2[k] = sum(parts) / (len(rows) - 1)
    full = sums.copy()
    for i in range(m):
        for k in range(made.last[i], width - 1):
            full[i, k + 1] = full[i, k] * factor[k]
    u, total = full[:, -1], 0.0
    for i in range(m):
        if u[i] == 0:
            continue
        ks = range(made.last[i], width - 1)
        own = u[i] ** 2 * sum(sigma2[k] / factor[k] ** 2 * (1 / full[i, k] + 1 / base[k]) for k in ks)
        assert_allclose(fit.variance[i], own, rtol=1e-10, atol=1e-12)
        shared = sum(2 * sigma2[k] / factor[k] ** 2 / base[k] for k in ks)
        total += own + u[i] * u[i + 1 :].sum() * shared
    assert_allclose(fit.total_variance, total, rtol=1e-10)


def test_weights_are_rows_and_order_does_not_matter(frame):
    double = xm.Nowcast().fit(triangle(pd.concat([frame, frame]).sample(frac=1, random_state=1)))
    weighed = xm.Nowcast().fit(triangle(frame.assign(one=2), weight="one"))
    assert_allclose(double.nowcast, weighed.nowcast)
    assert_allclose(double.variance, weighed.variance)


def test_without_truncation_the_law_is_the_share_of_each_delay(frame):
    made = triangle(frame, now="2014-12-31")
    law = xm.delay_distribution(made)
    assert_allclose(law.pmf, made.n.sum(axis=0) / made.total)
    assert law.mean == pytest.approx(law.naive_mean)
    fit = xm.Nowcast().fit(made)
    assert_allclose(fit.nowcast, made.n.sum(axis=1))
    assert fit.total().loc["still to be recorded"].tolist() == [0.0, 0.0, 0.0, 0.0, 0.0]


def test_weeks_are_sums_of_whole_weeks_and_cut_ones_are_refused(frame):
    weekly = xm.DelayTriangle.from_frame(frame, now="2014-06-29", freq="W", first="2014-05-05", max_delay=1, **DATES)
    known = frame[(frame["noted"] <= "2014-06-29") & (frame["left"] >= "2014-05-05")]
    assert weekly.ledger.used == weekly.total
    assert weekly.total <= len(known)
    with pytest.raises(xm.DataError, match="cuts one of them"):
        xm.DelayTriangle.from_frame(frame, now="2014-06-27", freq="W", first="2014-05-05", **DATES)


def test_a_change_of_the_delay_is_found_and_recent_origins_help():
    rng = np.random.default_rng(12)
    old, new = records(rng, 40), records(rng, 40)
    shift = pd.to_datetime(new["left"]) + pd.Timedelta(days=40)
    late = (pd.to_datetime(new["noted"]) - pd.to_datetime(new["left"])).dt.days // 3
    new = pd.DataFrame(
        {"left": shift.dt.strftime("%Y-%m-%d"), "noted": (shift + pd.to_timedelta(late, "D")).dt.strftime("%Y-%m-%d")}
    )
    made = triangle(pd.concat([old, new]), now="2014-07-19")
    steady = xm.Nowcast().fit(triangle(records(np.random.default_rng(1), 80), now="2014-07-19"))
    fit = xm.Nowcast().fit(made)
    assert fit.stability_test(split=40).pvalue < 1e-6
    assert steady.stability_test().pvalue > 0.001
    newest = xm.Nowcast(recent=30).fit(made)
    truth = len(new)
    here = {name: f.nowcast[-30:].sum() for name, f in (("all", fit), ("recent", newest))}
    wanted = float((new["left"] >= "2014-06-20").sum())
    assert truth > 0
    assert abs(here["recent"] - wanted) < abs(here["all"] - wanted)


def test_quantiles_with_a_known_law_are_negative_binomial():
    n, share = np.array([0.0, 3.0, 20.0]) + 0.5, np.array([0.2, 0.5, 0.9])
    mean, variance = n * (1 - share) / share, n * (1 - share) / share**2
    for level in (0.025, 0.5, 0.975):
        wanted = stats.nbinom.ppf(level, n, share)
        assert_allclose(predicted_quantiles(level, mean, variance, True), wanted)


def test_limits_of_days_without_records_are_not_a_point(frame):
    made = triangle(frame)
    n = made.n.copy()
    n[-2:] = 0
    fit = xm.Nowcast().fit(xm.DelayTriangle(n, made.last, made.origins, made.ledger, "D"))
    last = fit.to_frame().iloc[-1]
    assert last["nowcast"] == 0
    assert last["high"] >= 5


@pytest.mark.parametrize("law", LAWS)
def test_derivatives_of_truncated_laws(law):
    rng = np.random.default_rng(3)
    limit = rng.uniform(1, 9, 30)
    limit[::7] = np.inf
    time = np.where(np.isfinite(limit), limit, 9.0) * rng.uniform(0.05, 1, 30)
    data = Truncated(
        np.log(time), np.log(limit), np.column_stack([np.ones(30), rng.normal(size=30)]), rng.uniform(1, 3, 30), law
    )
    theta, h = np.array([0.8, 0.2, 0.3]), 1e-5
    made, ups, downs = surface(data, theta), *([surface(data, theta + s * h * e) for e in np.eye(3)] for s in (1, -1))
    assert_allclose(made.gradient, [(u.value - d.value) / (2 * h) for u, d in zip(ups, downs, strict=True)], rtol=1e-6)
    curves = [(d.gradient - u.gradient) / (2 * h) for u, d in zip(ups, downs, strict=True)]
    assert_allclose(made.information, curves, rtol=1e-5, atol=1e-6)


FAMILIES = {
    "weibull": lambda b, k: stats.weibull_min(k, scale=np.exp(b)),
    "lognormal": lambda b, k: stats.lognorm(1 / k, scale=np.exp(b)),
    "loglogistic": lambda b, k: stats.fisk(k, scale=np.exp(b)),
}


@pytest.fixture(scope="module")
def delays() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(17)
    limit, x = rng.uniform(2, 40, 900), rng.integers(0, 2, 900)
    time = 8 * np.exp(0.4 * x) * rng.weibull(1.6, 900)
    seen = time <= limit
    return time[seen], limit[seen], x[seen]


@pytest.mark.parametrize("family", FAMILIES)
def test_truncated_regression_is_the_top_of_the_written_likelihood(delays, family):
    time, limit, x = delays
    fit = xm.TruncatedDelay("x", family=family).fit(xm.Spells(exit=time, right_limit=limit, covariates={"x": x}))

    def minus(theta: np.ndarray) -> float:
        law = FAMILIES[family](theta[0] + theta[1] * x, np.exp(theta[2]))
        return -float((law.logpdf(time) - law.logcdf(limit)).sum())

    assert_allclose(fit.llf, -minus(fit.estimate), rtol=1e-10)
    found = optimize.minimize(minus, fit.estimate + 0.05, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9})
    assert_allclose(fit.estimate, found.x, atol=1e-6)
    share = fit.predict_share([5.0, 20.0, 60.0], {"x": [0, 1]})
    wanted = [
        FAMILIES[family](fit.estimate[0] + fit.estimate[1] * v, fit.shape).cdf(t) for v in (0, 1) for t in (5, 20, 60)
    ]
    assert_allclose(share["estimate"], wanted, rtol=1e-10)
    assert np.all((share["low"] < share["estimate"]) & (share["estimate"] < share["high"]))
    assert share["extrapolated"].tolist() == [False, False, True] * 2
    median = fit.predict_quantile(0.5, {"x": [1]})["estimate"].iloc[0]
    assert_allclose(FAMILIES[family](fit.estimate[0] + fit.estimate[1], fit.shape).cdf(median), 0.5)


def test_truncated_regression_recovers_the_truth_and_ignoring_truncation_does_not(delays):
    time, limit, x = delays
    fit = xm.TruncatedDelay("x").fit(xm.Spells(exit=time, right_limit=limit, covariates={"x": x}))
    truth = np.array([np.log(8), 0.4, np.log(1.6)])
    assert np.all(np.abs(fit.estimate - truth) < 3 * fit.standard_errors)
    whole = np.full(len(time), np.inf)
    naive = xm.TruncatedDelay("x").fit(xm.Spells(exit=time, right_limit=whole, covariates={"x": x}))
    assert naive.estimate[0] < truth[0] - 3 * naive.standard_errors[0]
    assert abs(fit.expected_total() / 900 - 1) < 0.15


def test_weights_clusters_and_order_of_truncated_rows(delays):
    time, limit, x = (part[:120] for part in delays)
    w = np.arange(120) % 3 + 1.0
    rows = np.repeat(np.arange(120), w.astype(int))
    one = xm.Spells(exit=time, right_limit=limit, covariates={"x": x}, weight=w)
    two = xm.Spells(exit=time[rows], right_limit=limit[rows], covariates={"x": x[rows]})
    for kind in ("model", "robust"):
        a, b = (xm.TruncatedDelay("x", vcov=kind).fit(s) for s in (one, two))
        assert_allclose(a.estimate, b.estimate, rtol=1e-8)
        assert_allclose(a.covariance, b.covariance, rtol=1e-7)
        assert a.llf == pytest.approx(b.llf, rel=1e-12)
    grouped = xm.Spells(exit=time[rows], right_limit=limit[rows], covariates={"x": x[rows]}, cluster=rows)
    sampling = xm.Spells(exit=time, right_limit=limit, covariates={"x": x}, weight=w, weights="sampling")
    c, d = xm.TruncatedDelay("x").fit(grouped), xm.TruncatedDelay("x").fit(sampling)
    assert (c.vcov, d.vcov) == ("cluster", "robust")
    assert_allclose(c.covariance, d.covariance, rtol=1e-7)


def test_no_finite_maximum_is_said_with_the_power_law(reference):
    """Adults with AIDS: no Weibull or log-logistic law is best; k = n / sum log(limit / time) = 2.10521."""
    frame = reference.csv("survival/aids_km.csv")
    adults, children = frame[frame["adult"] == 1], frame[frame["adult"] == 0]
    spells = xm.Spells(exit=adults["induct"].to_numpy(), right_limit=8.0 - adults["infect"].to_numpy())
    with pytest.raises(xm.IdentificationError, match=r"k = 2\.10521, log-likelihood -274\.886"):
        xm.TruncatedDelay().fit(spells)
    wanted = reference("survival/right_truncated_parametric_aids")["results"]["children_weibull"]
    fit = xm.TruncatedDelay().fit(
        xm.Spells(exit=children["induct"].to_numpy(), right_limit=8.0 - children["infect"].to_numpy())
    )
    assert_allclose(fit.estimate[::-1], list(wanted["par"].values()), rtol=1e-6)
    assert_allclose(fit.standard_errors[::-1], list(wanted["se"].values()), rtol=1e-6)
    assert_allclose(fit.llf, wanted["loglik"], rtol=1e-9)


def test_refusals_of_truncated_delays():
    good = {"exit": [1.0, 2.0, 3.0, 1.5], "right_limit": [4.0, 4.0, 4.0, 4.0]}
    cases = [
        ({"exit": good["exit"]}, xm.SchemeError, "right limits"),
        ({**good, "left_limit": [0.5, 0, 0, 0]}, xm.SchemeError, "long enough too"),
        ({**good, "event": [1, 0, 1, 1]}, xm.DataError, "censored"),
    ]
    for fields, error, words in cases:
        with pytest.raises(error, match=words):
            xm.TruncatedDelay().fit(xm.Spells(**fields))
    with pytest.raises(xm.DataError, match="family"):
        xm.TruncatedDelay(family="normal")


def test_back_projection_without_smoothing_is_maximum_likelihood():
    """With every delay zero the events are the records; with one fixed delay they are the records moved."""
    y = np.array([3.0, 0.0, 5.0, 2.0, 7.0])
    assert_allclose(back_project(y, np.array([1.0]), k=0)[0], y)
    moved, seen, *_ = back_project(y, np.array([0.0, 1.0]), k=0)
    assert_allclose(moved, [0.0, 5.0, 2.0, 7.0, 0.0], atol=1e-9)
    assert seen.tolist() == [1.0, 1.0, 1.0, 1.0, 0.0]


def test_each_step_of_back_projection_is_that_of_the_paper():
    rng = np.random.default_rng(2)
    law, y = np.array([0.2, 0.5, 0.3]), rng.poisson(6, 12).astype(float)
    rate = np.full(12, y.mean())
    for _ in range(3):
        mean = [sum(rate[t - d] * law[d] for d in range(3) if t >= d) for t in range(12)]
        raw = [
            rate[t] / sum(law[: 12 - t]) * sum(y[t + d] * law[d] / mean[t + d] for d in range(3) if t + d < 12)
            for t in range(12)
        ]
        near = [[(raw[t + j], w) for j, w in ((-1, 1), (0, 2), (1, 1)) if 0 <= t + j < 12] for t in range(12)]
        rate = np.array([sum(v * w for v, w in part) / sum(w for _, w in part) for part in near])
    assert_allclose(back_project(y, law, 2, tol=0.0, most=3)[0], rate, rtol=1e-12)
    assert_allclose(expected_records(np.ones(12), law), np.minimum(np.cumsum(np.append(law, np.zeros(9))), 1))


def test_back_projection_answers_and_refuses():
    start = np.datetime64("2014-01-01") + np.arange(9)
    counts = xm.Counts.from_table({"n": [0, 1, 4, 9, 8, 3, 1, 0, 0], "day": start}, n="n", start="day", freq="D")
    fit = xm.BackProjection([0, 0.5, 0.5], draws=100, rng=1).fit(counts)
    limits = fit.conf_int()
    assert np.isnan(fit.params.iloc[-1])
    assert np.isinf(limits["high"].iloc[-1])
    assert limits["high"].iloc[-2] > 2
    assert fit.plot().get_legend() is not None
    assert "Becker" in fit.cite()
    for law in ([0.5, 0.4], [-0.5, 1.5], []):
        with pytest.raises(xm.DataError, match="not a law"):
            xm.BackProjection(law)
    with pytest.raises(xm.DataError, match="even"):
        xm.BackProjection([1.0], smooth=3)


def test_refusals_of_triangles(frame):
    back = pd.DataFrame({"left": ["2014-05-03"], "noted": ["2014-05-01"]})
    with pytest.raises(xm.DataError, match="made before their event"):
        xm.DelayTriangle.from_frame(back, now="2014-06-01", **DATES)
    with pytest.raises(xm.IdentificationError, match="cannot be seen in 5 origins"):
        triangle(frame, now="2014-05-05")
    with pytest.raises(xm.DataError, match="no 'left' or no 'noted'"):
        triangle(frame.assign(noted=frame["noted"].where(frame.index > 0)))
    assert triangle(frame.assign(noted=frame["noted"].where(frame.index > 0)), missing="drop").ledger.n_set_aside > 0
    table = pd.DataFrame({"o": [1, 2, 2], "d": [0, 0, 1], "n": [1, 2, 3]})
    with pytest.raises(xm.DataError, match="had not passed"):
        xm.DelayTriangle.from_table(table, origin="o", delay="d", n="n")
    for wrong in ({"variance": "bootstrap"}, {"recent": 1}):
        with pytest.raises(xm.DataError):
            xm.Nowcast(**wrong)
    made = triangle(frame)
    n = made.n.copy()
    n[: len(n) - 8] = 0
    with pytest.raises(xm.IdentificationError, match="old enough to show a delay of 8"):
        xm.Nowcast().fit(xm.DelayTriangle(n, made.last, made.origins, made.ledger))


def test_answers_in_print_and_on_file(frame, tmp_path):
    fit = xm.Nowcast().fit(triangle(frame))
    assert "over-dispersed Poisson" in str(fit)
    assert "tabular" in fit.to_latex()
    assert "Lawless" in fit.cite()
    assert fit.plot().get_legend() is not None
    fit.save(tmp_path / "now.json")
    again = xm.load(tmp_path / "now.json")
    assert_allclose(again.nowcast, fit.nowcast)
    assert again.conf_int().equals(fit.conf_int())
    law = fit.delay.conf_int()
    assert np.all(law["low"] <= fit.delay.cdf)
    assert fit.delay.quantile(0.5) <= 3
