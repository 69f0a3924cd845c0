"""Our side of each task: how the spells are made, what is timed, and the numbers to compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import exitmodels as xm
from benchmarks.data import Array, Sample

__all__ = ["TASKS", "Job", "Numbers", "Task", "spells", "step"]

Numbers = dict[str, Array]
SAMPLES = 1000


@dataclass(frozen=True)
class Job:
    """One way of doing one task.

    Parameters
    ----------
    name : str
    prepare : function of a sample
        Brings the data into the form the package wants (not timed) and returns what is timed.
    read : function of the answer and the sample
        Takes from the answer the numbers to compare (not timed).
    """

    name: str
    prepare: Callable[[Sample], Callable[[], Any]]
    read: Callable[[Any, Sample], Numbers]


Task = Job


def spells(sample: Sample) -> xm.Spells:
    """Make the spells from the arrays of a sample."""
    columns = sample.columns()
    if sample.group is not None:
        columns["group"] = sample.group
    causes = list(range(1, sample.design.causes + 1)) if sample.design.causes > 1 else None
    return xm.Spells(sample.exit, sample.event, entry=sample.entry, covariates=columns or None, causes=causes)


def step(grid: Array, time: Array, value: Array, before: float) -> Array:
    """Value of a right-continuous step function at each point of the grid."""
    place = np.searchsorted(np.asarray(time), grid, side="right") - 1
    return np.where(place < 0, before, np.asarray(value)[np.maximum(place, 0)])


def _curve(sample: Sample) -> Callable[[], Any]:
    rows, model = spells(sample), xm.KaplanMeier()
    return lambda: model.fit(rows)


def _curve_numbers(curve: Any, sample: Sample) -> Numbers:
    grid = sample.grid()
    return {"survival": step(grid, curve.time, curve.estimate, 1.0), "se": step(grid, curve.time, curve.se, 0.0)}


def _test(sample: Sample) -> Callable[[], Any]:
    rows = spells(sample)
    return lambda: xm.logrank_test(rows, "group")


def _incidence(sample: Sample) -> Callable[[], Any]:
    rows, model = spells(sample), xm.AalenJohansen()
    return lambda: model.fit(rows)


def _incidence_numbers(curve: Any, sample: Sample) -> Numbers:
    """Both variances, since packages differ in the one they print."""
    grid, first = sample.grid(), curve.pieces[0]
    other = xm.AalenJohansen(variance="aalen").fit(spells(sample)).pieces[0]
    return {
        "incidence": step(grid, first.time, first.estimate, 0.0),
        "se": step(grid, first.time, first.se, 0.0),
        "se_aalen": step(grid, other.time, other.se, 0.0),
    }


def _regression(sample: Sample) -> Callable[[], Any]:
    rows, model = spells(sample), xm.Cox(" + ".join(sample.names))
    return lambda: model.fit(rows)


def _subdistribution(sample: Sample) -> Callable[[], Any]:
    rows, model = spells(sample), xm.FineGray(" + ".join(sample.names), event=1)
    return lambda: model.fit(rows)


def _subdistribution_numbers(fit: Any, sample: Sample) -> Numbers:
    """Robust standard errors with the weights estimated, and those of the inverse information, which some print."""
    return {
        "coef": np.asarray(fit.params),
        "coef_se": np.asarray(fit.bse),
        "model_se": np.asarray(fit.with_vcov("model").bse),
    }


def _medians(sample: Sample) -> Callable[[], Any]:
    rows, model = spells(sample), xm.KaplanMeier()
    return lambda: model.bootstrap(rows, p=0.5, n=SAMPLES, rng=1)


def _ordered(sample: Sample) -> Callable[[], Any]:
    """Concordance of the exits with the first column, with its standard error."""
    rows, score = spells(sample), _first(sample)
    return lambda: xm.concordance(rows, score)


def _first(sample: Sample) -> Array:
    assert sample.matrix is not None
    return np.ascontiguousarray(sample.matrix[:, 0])


def _between(sample: Sample) -> Callable[[], Any]:
    rows, model = xm.Spells(lower=sample.lower, upper=sample.upper), xm.Turnbull()
    return lambda: model.fit(rows)


TASKS: dict[str, Job] = {
    "km": Job("exitmodels", _curve, _curve_numbers),
    "logrank": Job("exitmodels", _test, lambda test, sample: {"statistic": np.array([test.statistic])}),
    "aj": Job("exitmodels", _incidence, _incidence_numbers),
    "cox": Job(
        "exitmodels",
        _regression,
        lambda fit, sample: {"coef": np.asarray(fit.params), "coef_se": np.asarray(fit.bse)},
    ),
    "concordance": Job(
        "exitmodels",
        _ordered,
        lambda found, sample: {"concordance": found.estimate, "se": found.standard_errors},
    ),
    "fine-gray": Job("exitmodels", _subdistribution, _subdistribution_numbers),
    "fine-gray-small": Job("exitmodels", _subdistribution, _subdistribution_numbers),
    "turnbull": Job("exitmodels", _between, lambda curve, sample: {"loglik": np.array([curve.pieces[0].llf])}),
    "bootstrap": Job("exitmodels", _medians, lambda drawn, sample: {"draws": drawn.draws[:, 0]}),
}
