"""Python packages that do the same tasks, each as small as its own manual shows.

A peer that is absent, or cannot do a task, is left out with the reason (`missing`, `CANNOT`).
Imports are made when a job is prepared, so this module loads without any peer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any

import numpy as np
from scipy.special import ndtri

from benchmarks.data import Array, Sample
from benchmarks.tasks import SAMPLES, Job, Numbers, step

__all__ = ["CANNOT", "PACKAGE", "PEERS", "missing"]

PACKAGE: Mapping[str, str] = {
    "lifelines": "lifelines",
    "scikit-survival": "scikit-survival",
    "statsmodels": "statsmodels",
    "surpyval": "surpyval",
    "survival (Rust)": "survival",
    "survival (Rust), bare": "survival",
    "comprisk": "comprisk",
    "comprisk, robust": "comprisk",
}

CANNOT: Mapping[tuple[str, str], str] = {
    ("cox", "scikit-survival"): "no delayed entry",
}


def missing(name: str) -> str | None:
    """Say why a package cannot be used, or None."""
    try:
        metadata.version(PACKAGE[name])
    except metadata.PackageNotFoundError:
        return "not installed"
    return None


def _real(sample: Sample) -> tuple[Array, Array | None]:
    """Times as doubles, which every peer takes."""
    entry = None if sample.entry is None else sample.entry.astype(np.float64)
    return sample.exit.astype(np.float64), entry


def _records(sample: Sample) -> Array:
    out = np.empty(len(sample), dtype=[("event", bool), ("time", np.float64)])
    out["event"], out["time"] = sample.event > 0, sample.exit
    return out


# ---- Kaplan-Meier ------------------------------------------------------------------------------------------------
def _km_lifelines(sample: Sample) -> Callable[[], Any]:
    from lifelines import KaplanMeierFitter

    exit, entry = _real(sample)
    return lambda: KaplanMeierFitter().fit(exit, sample.event, entry=entry)


def _km_sksurv(sample: Sample) -> Callable[[], Any]:
    from sksurv.nonparametric import kaplan_meier_estimator

    (exit, entry), event = _real(sample), sample.event > 0
    return lambda: kaplan_meier_estimator(event, exit, time_enter=entry, conf_type="log-log")


def _km_statsmodels(sample: Sample) -> Callable[[], Any]:
    from statsmodels.duration.survfunc import SurvfuncRight

    exit, entry = _real(sample)
    return lambda: SurvfuncRight(exit, sample.event, entry=entry)


def _km_surpyval(sample: Sample) -> Callable[[], Any]:
    from surpyval import KaplanMeier

    (exit, entry), censored = _real(sample), 1 - sample.event
    return lambda: KaplanMeier.fit(exit, c=censored, tl=entry)


def _km_rust(sample: Sample) -> Callable[[], Any]:
    from survival.surv_analysis import survfitkm

    (exit, entry), event = _real(sample), sample.event.astype(np.float64)
    return lambda: survfitkm(exit, event, start=entry)


def _km_read(time: str, survival: str, se: str | None = None) -> Callable[[Any, Sample], Numbers]:
    """Read curves whose times and values are attributes of the answer."""

    def read(answer: Any, sample: Sample) -> Numbers:
        at = np.asarray(getattr(answer, time))
        found = {"survival": step(sample.grid(), at, np.asarray(getattr(answer, survival)), 1.0)}
        if se is not None:
            found["se"] = step(sample.grid(), at, np.asarray(getattr(answer, se)), 0.0)
        return found

    return read


def _km_read_lifelines(answer: Any, sample: Sample) -> Numbers:
    table = answer.survival_function_
    return {"survival": step(sample.grid(), table.index.to_numpy(), table.iloc[:, 0].to_numpy(), 1.0)}


def _km_read_rust(answer: Any, sample: Sample) -> Numbers:
    grid, time, value = sample.grid(), np.asarray(answer.time), np.asarray(answer.surv)
    return {"survival": step(grid, time, value, 1.0), "se": step(grid, time, value * np.asarray(answer.std_err), 0.0)}


# ---- Log-rank ----------------------------------------------------------------------------------------------------
def _logrank_lifelines(sample: Sample) -> Callable[[], Any]:
    from lifelines.statistics import logrank_test

    assert sample.group is not None
    (exit, _), one = _real(sample), sample.group == 0
    halves = exit[one], exit[~one], sample.event[one], sample.event[~one]
    return lambda: logrank_test(*halves)


def _logrank_sksurv(sample: Sample) -> Callable[[], Any]:
    from sksurv.compare import compare_survival

    records = _records(sample)
    return lambda: compare_survival(records, sample.group)


def _logrank_statsmodels(sample: Sample) -> Callable[[], Any]:
    from statsmodels.duration.survfunc import survdiff

    exit, _ = _real(sample)
    return lambda: survdiff(exit, sample.event, sample.group)


def _logrank_surpyval(sample: Sample) -> Callable[[], Any]:
    from surpyval import logrank

    (exit, _), censored = _real(sample), 1 - sample.event
    return lambda: logrank(exit, sample.group, c=censored)


def _logrank_rust(sample: Sample) -> Callable[[], Any]:
    from survival.surv_analysis import survdiff

    exit, _ = _real(sample)
    return lambda: survdiff(exit, sample.event, sample.group)


def _statistic(pick: Callable[[Any], float]) -> Callable[[Any, Sample], Numbers]:
    return lambda answer, sample: {"statistic": np.array([pick(answer)], dtype=float)}


# ---- Aalen-Johansen ----------------------------------------------------------------------------------------------
def _aj_lifelines(sample: Sample) -> Callable[[], Any]:
    """One fit for each cause, as its interface asks."""
    from lifelines import AalenJohansenFitter

    exit, _ = _real(sample)
    causes = range(1, sample.design.causes + 1)
    return lambda: [AalenJohansenFitter(seed=1).fit(exit, sample.event, cause) for cause in causes]


def _aj_read_lifelines(answer: Any, sample: Sample) -> Numbers:
    table = answer[0].cumulative_density_
    return {"incidence": step(sample.grid(), table.index.to_numpy(), table.iloc[:, 0].to_numpy(), 0.0)}


def _aj_sksurv(sample: Sample) -> Callable[[], Any]:
    from sksurv.nonparametric import cumulative_incidence_competing_risks

    exit, _ = _real(sample)
    return lambda: cumulative_incidence_competing_risks(sample.event, exit, conf_type="log-log")


def _aj_read_sksurv(answer: Any, sample: Sample) -> Numbers:
    """It gives limits on the scale log(-log F); the standard error follows from their width."""
    time, curve, limits = answer
    low, high = np.log(-np.log(limits[1]))
    with np.errstate(invalid="ignore", divide="ignore"):
        se = np.abs(low - high) / (2 * ndtri(0.975)) * -curve[1] * np.log(curve[1])
    grid = sample.grid()
    return {"incidence": step(grid, time, curve[1], 0.0), "se_aalen": step(grid, time, se, 0.0)}


def _aj_statsmodels(sample: Sample) -> Callable[[], Any]:
    from statsmodels.duration.survfunc import CumIncidenceRight

    exit, _ = _real(sample)
    return lambda: CumIncidenceRight(exit, sample.event)


def _aj_read_statsmodels(answer: Any, sample: Sample) -> Numbers:
    grid = sample.grid()
    return {
        "incidence": step(grid, answer.times, answer.cinc[0], 0.0),
        "se": step(grid, answer.times, answer.cinc_se[0], 0.0),
    }


def _aj_surpyval(sample: Sample) -> Callable[[], Any]:
    """Limits are made when asked for, so the timed call asks for them on the grid."""
    from surpyval import CompetingRisks

    (exit, _), censored, grid = _real(sample), (sample.event == 0).astype(np.int64), sample.grid()
    labels = sample.event.astype(object)
    labels[sample.event == 0] = None

    def fit() -> Any:
        model = CompetingRisks.fit(exit, labels, c=censored, how="Kaplan-Meier")
        return model, [model.cb(grid, event=cause) for cause in range(1, sample.design.causes + 1)]

    return fit


def _aj_rust(sample: Sample) -> Callable[[], Any]:
    from survival.surv_analysis import survfitaj

    exit, _ = _real(sample)
    states = [str(cause) for cause in range(1, sample.design.causes + 1)]
    return lambda: survfitaj(exit, sample.event, states)


def _aj_read_rust(answer: Any, sample: Sample) -> Numbers:
    grid, time = sample.grid(), np.asarray(answer.time)
    place = list(answer.states).index("1")
    return {
        "incidence": step(grid, time, np.asarray(answer.pstate)[:, place], 0.0),
        "se": step(grid, time, np.asarray(answer.std_err)[:, place], 0.0),
    }


# ---- Cox ---------------------------------------------------------------------------------------------------------
def _cox_lifelines(sample: Sample) -> Callable[[], Any]:
    import pandas as pd
    from lifelines import CoxPHFitter

    exit, entry = _real(sample)
    frame = pd.DataFrame(sample.matrix, columns=list(sample.names)).assign(exit=exit, event=sample.event)
    if entry is not None:
        frame["entry"] = entry
    column = None if entry is None else "entry"
    return lambda: CoxPHFitter().fit(frame, "exit", "event", entry_col=column)


def _cox_statsmodels(sample: Sample) -> Callable[[], Any]:
    """It counts a person entering on day t as at risk on day t, so entries are moved by half a day."""
    from statsmodels.duration.hazard_regression import PHReg

    exit, entry = _real(sample)
    if entry is not None and sample.design.whole:
        entry = entry + 0.5
    return lambda: PHReg(exit, sample.matrix, status=sample.event, entry=entry, ties="efron").fit(disp=0)


def _cox_surpyval(sample: Sample) -> Callable[[], Any]:
    from surpyval import CoxPH

    (exit, entry), censored = _real(sample), 1 - sample.event
    return lambda: CoxPH.fit(exit, sample.matrix, c=censored, tl=entry, tie_method="efron")


def _cox_rust(sample: Sample) -> Callable[[], Any]:
    from survival.regression import coxph_fit

    exit, entry = _real(sample)
    return lambda: coxph_fit(exit, sample.event, sample.matrix, entry=entry, method="efron")


def _cox_rust_bare(sample: Sample) -> Callable[[], Any]:
    """The same without residuals and without what predictions need."""
    from survival.regression import coxph_fit_raw

    exit, entry = _real(sample)
    return lambda: coxph_fit_raw(exit, sample.event, sample.matrix, entry=entry, method="efron", resid=False)


def _cox_read(coef: str, se: str) -> Callable[[Any, Sample], Numbers]:
    def read(answer: Any, sample: Sample) -> Numbers:
        return {"coef": np.asarray(getattr(answer, coef)), "coef_se": np.asarray(getattr(answer, se))}

    return read


def _cox_read_rust(answer: Any, sample: Sample) -> Numbers:
    return {"coef": np.asarray(answer.coefficients), "coef_se": np.sqrt(np.diag(np.asarray(answer.var)))}


# ---- Concordance -------------------------------------------------------------------------------------------------
def _concordance_lifelines(sample: Sample) -> Callable[[], Any]:
    """No standard error. Its scores are predicted times, so the sign is turned."""
    from lifelines.utils import concordance_index

    assert sample.matrix is not None
    (exit, _), score = _real(sample), -np.ascontiguousarray(sample.matrix[:, 0])
    return lambda: concordance_index(exit, score, sample.event)


def _concordance_sksurv(sample: Sample) -> Callable[[], Any]:
    """No standard error."""
    from sksurv.metrics import concordance_index_censored

    assert sample.matrix is not None
    (exit, _), event, score = _real(sample), sample.event > 0, np.ascontiguousarray(sample.matrix[:, 0])
    return lambda: concordance_index_censored(event, exit, score)[0]


def _concordance_read(answer: Any, sample: Sample) -> Numbers:
    return {"concordance": np.array([answer], dtype=float)}


# ---- Fine-Gray ---------------------------------------------------------------------------------------------------
def _subdistribution_surpyval(sample: Sample) -> Callable[[], Any]:
    """Its standard errors come from the inverse information alone."""
    from surpyval.univariate.competing_risks import FineGray

    (exit, _), censored = _real(sample), (sample.event == 0).astype(np.int64)
    labels = sample.event.astype(object)
    labels[sample.event == 0] = None
    return lambda: FineGray.fit(exit, sample.matrix, labels, c=censored, event=1)


def _subdistribution_comprisk(robust: bool) -> Callable[[Sample], Callable[[], Any]]:
    """By default without a sandwich; with one, the weights are taken as known."""

    def prepare(sample: Sample) -> Callable[[], Any]:
        from comprisk import FineGrayRegression

        exit, _ = _real(sample)
        return lambda: FineGrayRegression(robust_se=robust).fit(sample.matrix, time=exit, event=sample.event)

    return prepare


def _subdistribution_read_surpyval(answer: Any, sample: Sample) -> Numbers:
    return {"coef": np.asarray(answer.beta), "model_se": np.sqrt(np.diag(np.asarray(answer.covariance())))}


def _subdistribution_read_comprisk(robust: bool) -> Callable[[Any, Sample], Numbers]:
    def read(answer: Any, sample: Sample) -> Numbers:
        found = {"coef": np.asarray(answer.coef_)}
        return found if robust else {**found, "model_se": np.asarray(answer.se_)}

    return read


# ---- Turnbull ----------------------------------------------------------------------------------------------------
def _limits(sample: Sample) -> tuple[Array, Array]:
    assert sample.lower is not None
    assert sample.upper is not None
    return sample.lower, sample.upper


def _turnbull_lifelines(sample: Sample) -> Callable[[], Any]:
    from lifelines import KaplanMeierFitter

    lower, upper = _limits(sample)
    return lambda: KaplanMeierFitter().fit_interval_censoring(lower, upper)


def _turnbull_surpyval(sample: Sample) -> Callable[[], Any]:
    from surpyval import Turnbull

    lower, upper = _limits(sample)
    return lambda: Turnbull.fit(xl=lower, xr=upper)


def _loglik(survival: Callable[[Any, Array, bool], Array]) -> Callable[[Any, Sample], Numbers]:
    """Curves differ inside the intervals where they are not known; their likelihoods may not."""

    def read(answer: Any, sample: Sample) -> Numbers:
        lower, upper = _limits(sample)
        finite = np.isfinite(upper)
        before, after = np.ones(len(lower)), np.zeros(len(lower))
        before[lower > 0] = survival(answer, lower[lower > 0], True)
        after[finite] = survival(answer, upper[finite], False)
        with np.errstate(divide="ignore", invalid="ignore"):
            return {"loglik": np.array([np.sum(np.log(before - after))])}

    return read


def _turnbull_read_lifelines(answer: Any, at: Array, begins: bool) -> Array:
    """The upper of its two curves falls at the end of an interval or later, the lower at its end or before."""
    table = answer.survival_function_
    column = "NPMLE_estimate_upper" if begins else "NPMLE_estimate_lower"
    return step(at, table.index.to_numpy(), table[column].to_numpy(), 1.0)


# ---- Bootstrap of the median -------------------------------------------------------------------------------------
def _resampled(median: Callable[[Array, Array], float]) -> Callable[[Sample], Callable[[], Any]]:
    """Draw rows with replacement and refit."""

    def prepare(sample: Sample) -> Callable[[], Any]:
        (exit, _), event = _real(sample), sample.event

        def fit() -> Array:
            rng = np.random.default_rng(1)
            rows = rng.integers(0, len(exit), (SAMPLES, len(exit)))
            return np.array([median(exit[some], event[some]) for some in rows])

        return fit

    return prepare


def _median(time: Array, survival: Array) -> float:
    """The time at which the curve falls to a half; on a flat piece at that height, its middle."""
    place = int(np.argmax(survival <= 0.5 + 1e-12))
    flat = place + 1 < len(time) and survival[place] >= 0.5 - 1e-12
    after = place + int(np.argmax(survival[place:] < 0.5 - 1e-12)) if flat else place
    return float(time[place] + time[after]) / 2


def _median_lifelines(exit: Array, event: Array) -> float:
    from lifelines import KaplanMeierFitter

    return float(KaplanMeierFitter().fit(exit, event).median_survival_time_)


def _median_sksurv(exit: Array, event: Array) -> float:
    from sksurv.nonparametric import kaplan_meier_estimator

    return _median(*kaplan_meier_estimator(event > 0, exit))


def _median_statsmodels(exit: Array, event: Array) -> float:
    from statsmodels.duration.survfunc import SurvfuncRight

    return float(SurvfuncRight(exit, event).quantile(0.5))


def _median_surpyval(exit: Array, event: Array) -> float:
    from surpyval import KaplanMeier

    curve = KaplanMeier.fit(exit, c=1 - event)
    return _median(curve.x, curve.R)


def _median_rust(exit: Array, event: Array) -> float:
    from survival.surv_analysis import survfitkm

    curve = survfitkm(exit, event, se_fit=False)
    return _median(np.asarray(curve.time), np.asarray(curve.surv))


def _draws(answer: Any, sample: Sample) -> Numbers:
    return {"draws": np.asarray(answer)}


_SUBDISTRIBUTION = (
    Job("surpyval", _subdistribution_surpyval, _subdistribution_read_surpyval),
    Job("comprisk", _subdistribution_comprisk(False), _subdistribution_read_comprisk(False)),
    Job("comprisk, robust", _subdistribution_comprisk(True), _subdistribution_read_comprisk(True)),
)

PEERS: dict[str, tuple[Job, ...]] = {
    "km": (
        Job("lifelines", _km_lifelines, _km_read_lifelines),
        Job("scikit-survival", _km_sksurv, lambda a, s: {"survival": step(s.grid(), a[0], a[1], 1.0)}),
        Job("statsmodels", _km_statsmodels, _km_read("surv_times", "surv_prob", "surv_prob_se")),
        Job("surpyval", _km_surpyval, _km_read("x", "R")),
        Job("survival (Rust)", _km_rust, _km_read_rust),
    ),
    "logrank": (
        Job("lifelines", _logrank_lifelines, _statistic(lambda a: a.test_statistic)),
        Job("scikit-survival", _logrank_sksurv, _statistic(lambda a: a[0])),
        Job("statsmodels", _logrank_statsmodels, _statistic(lambda a: a[0])),
        Job("surpyval", _logrank_surpyval, _statistic(lambda a: a.statistic)),
        Job("survival (Rust)", _logrank_rust, _statistic(lambda a: a.chisq)),
    ),
    "aj": (
        Job("lifelines", _aj_lifelines, _aj_read_lifelines),
        Job("scikit-survival", _aj_sksurv, _aj_read_sksurv),
        Job("statsmodels", _aj_statsmodels, _aj_read_statsmodels),
        Job("surpyval", _aj_surpyval, lambda a, s: {"incidence": np.asarray(a[0].cif(s.grid(), event=1))}),
        Job("survival (Rust)", _aj_rust, _aj_read_rust),
    ),
    "cox": (
        Job("lifelines", _cox_lifelines, _cox_read("params_", "standard_errors_")),
        Job("statsmodels", _cox_statsmodels, _cox_read("params", "bse")),
        Job("surpyval", _cox_surpyval, _cox_read("params", "_se")),
        Job("survival (Rust)", _cox_rust, _cox_read_rust),
        Job("survival (Rust), bare", _cox_rust_bare, _cox_read_rust),
    ),
    "concordance": (
        Job("lifelines", _concordance_lifelines, _concordance_read),
        Job("scikit-survival", _concordance_sksurv, _concordance_read),
    ),
    "fine-gray": _SUBDISTRIBUTION,
    "fine-gray-small": _SUBDISTRIBUTION,
    "turnbull": (
        Job("lifelines", _turnbull_lifelines, _loglik(_turnbull_read_lifelines)),
        Job("surpyval", _turnbull_surpyval, _loglik(lambda answer, at, begins: np.asarray(answer.sf(at)))),
    ),
    "bootstrap": (
        Job("lifelines", _resampled(_median_lifelines), _draws),
        Job("scikit-survival", _resampled(_median_sksurv), _draws),
        Job("statsmodels", _resampled(_median_statsmodels), _draws),
        Job("surpyval", _resampled(_median_surpyval), _draws),
        Job("survival (Rust)", _resampled(_median_rust), _draws),
    ),
}
