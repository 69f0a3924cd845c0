"""Are the hazards proportional? Tests that an effect changes with time, in two named forms.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import chdtrc

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels import coxresiduals
from exitmodels.kernels.partial import weighted_information
from exitmodels.kernels.products import kaplan_meier
from exitmodels.kernels.steps import value_at
from exitmodels.kernels.tables import event_table
from exitmodels.models.hazards.cox_fitted import Fitted
from exitmodels.render.text import Block, Summary, pvalue
from exitmodels.results.bibliography import citation
from exitmodels.results.labels import labelled
from exitmodels.results.storing import Stored
from exitmodels.shapes.ledger import Ledger

__all__ = ["ProportionalityTest", "proportionality_test"]

TRANSFORMS = ("km", "rank", "identity", "log")
FORMS = ("score", "approximate")


@dataclass(frozen=True, eq=False, kw_only=True)
class ProportionalityTest(Stored):
    """Tests of proportional hazards, one for each term and one for all.

    Attributes
    ----------
    names : tuple of str
        The last is "all terms".
    statistic, df, pvalue : (q + 1,)
    transform, form : str
        Function of time, and form of the test; verdicts can change with both, so both are printed.
    time : (d,)
        Time of each exit, for the plot.
    residuals : (d, p)
        Scaled Schoenfeld residuals plus the coefficient: their trend is the effect over time.
    """

    names: tuple[str, ...]
    statistic: Floats
    df: Floats
    pvalue: Floats
    transform: str
    form: str
    columns: tuple[str, ...]
    time: Floats
    residuals: Floats
    estimate: Floats
    unit: str
    ledger: Ledger

    def to_frame(self) -> Any:
        """One row for each term: statistic, df, p."""
        table = np.column_stack([self.statistic, self.df, self.pvalue])
        return labelled(table, self.names, ("chi2", "df", "p"))

    def summary(self) -> Summary:
        """Return the printed form."""
        rows = tuple(
            (name, float(c), int(d), pvalue(float(p)))
            for name, c, d, p in zip(self.names, self.statistic, self.df, self.pvalue, strict=True)
        )
        facts = (("function of time", self.transform), ("form", self.form), ("exits", len(self.time)))
        return Summary("Test of proportional hazards", facts, (Block(("term", "chi2", "df", "p"), rows),))

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(("grambsch_therneau1994", "therneau_grambsch2000"), "test of proportional hazards")

    def plot(self, column: str | None = None, ax: Any = None) -> Any:
        """Draw the scaled Schoenfeld residuals of one column against time, with a running mean; return the Axes."""
        from exitmodels.render.axes import scatter_trend

        name = self.columns[0] if column is None else column
        if name not in self.columns:
            raise DataError(f"No column is called {name!r}.", code="column", hint=f"One of {', '.join(self.columns)}.")
        j = self.columns.index(name)
        label = f"Effect of {name} over time ({len(self.time)} exits)"
        return scatter_trend(ax, self.time, self.residuals[:, j], float(self.estimate[j]), label, self.unit)


def proportionality_test(result: Any, transform: str = "km", form: str = "score") -> ProportionalityTest:
    """Test whether effects change with a function g of time.

    Parameters
    ----------
    result : CoxResults
    transform : {"km", "rank", "identity", "log"}
        g(t): one minus the left-continuous Kaplan-Meier estimate; rank of t among all last times; t; log t.
    form : {"score", "approximate"}
        "score": score test of added terms x g(t), with the full information (as R's cox.zph since 2019).
        "approximate": the older form, which takes the risk-set variance as constant.

    Notes
    -----
    The two can disagree when covariates are correlated (Metzger 2023); report which was used.
    Source: Grambsch & Therneau (1994); Therneau & Grambsch (2000), section 6.2.
    """
    for name, value, known in (("transform", transform, TRANSFORMS), ("form", form, FORMS)):
        if value not in known:
            raise DataError(f"{name}={value!r} is not known.", code=name, hint=f"One of {', '.join(known)}.")
    fitted: Fitted = result._data("A test of proportional hazards")
    residuals, time, weight = _schoenfeld(fitted)
    clock = _clock(fitted, transform)
    g = clock[fitted.data.index.moment[_in_time_order(fitted)]]
    centre = float(np.mean(g))
    terms = _terms(result.names)
    tests = _score if form == "score" else _approximate
    statistic, df = tests(fitted, residuals * weight[:, None], g - centre, clock - centre, terms)
    scaled = (residuals * weight[:, None] * result.scale) @ result.model_covariance * len(time) + result.estimate
    return ProportionalityTest(
        names=(*terms, "all terms"),
        statistic=statistic,
        df=df,
        pvalue=np.asarray(chdtrc(df, statistic)),
        transform=transform,
        form=form,
        columns=result.names,
        time=time,
        residuals=scaled,
        estimate=result.estimate,
        unit=result.unit,
        ledger=result.ledger,
    )


def _terms(names: tuple[str, ...]) -> dict[str, list[int]]:
    """Columns of each term: the levels of one factor (or the parts of one spline) go together."""
    found: dict[str, list[int]] = {}
    for j, name in enumerate(names):
        parts = [part.split("[")[0] for part in name.split(":")]
        found.setdefault(":".join(parts), []).append(j)
    return found


def _in_time_order(fitted: Fitted) -> Any:
    index = fitted.data.index
    rows = index.event_rows
    return rows[np.argsort(index.moment[rows], kind="stable")]


def _schoenfeld(fitted: Fitted) -> tuple[Floats, Floats, Floats]:
    """Residuals on the scaled columns, time and weight of each exit, strata one after another."""
    assert fitted.terms is not None
    data, order = fitted.data, _in_time_order(fitted)
    at = data.index.moment[order]
    residuals = data.matrix[order] - coxresiduals.event_means(data, fitted.terms)[at]
    return residuals, data.index.times[at], fitted.rows.row_weight[order]


def _clock(fitted: Fitted, transform: str) -> Floats:
    """g at each event time of the grid, (k,)."""
    times, rows = fitted.data.index.times, fitted.rows
    if transform == "identity":
        return times
    if transform == "log":
        if np.any(times <= 0):
            raise DataError("log(t) needs times above zero.", code="transform", hint='Use "km" or "rank".')
        return np.log(times)
    if transform == "rank":
        last = np.sort(rows.exit)
        return (np.searchsorted(last, times, "left") + np.searchsorted(last, times, "right") + 1) / 2
    table = event_table(rows.exit, (rows.event > 0).astype(np.int64), 1, rows.entry_or_none)
    survival, _ = kaplan_meier(table.at_risk, table.events[0])
    return 1.0 - value_at(table.time, survival, times, 1.0, side="left")


def _score(
    fitted: Fitted, residuals: Floats, g: Floats, clock: Floats, terms: Mapping[str, list[int]]
) -> tuple[Floats, Floats]:
    assert fitted.terms is not None
    plain, first, second = (
        weighted_information(fitted.data, fitted.terms, factor) for factor in (np.ones_like(clock), clock, clock**2)
    )
    score = g @ residuals
    left = second - first @ np.linalg.solve(plain, first)
    groups = [*terms.values(), list(range(len(score)))]
    values = [score[j] @ np.linalg.solve(left[np.ix_(j, j)], score[j]) for j in groups]
    return np.array(values, dtype=float), np.array([len(j) for j in groups], dtype=float)


def _approximate(
    fitted: Fitted, residuals: Floats, g: Floats, clock: Floats, terms: Mapping[str, list[int]]
) -> tuple[Floats, Floats]:
    assert fitted.terms is not None
    n, inverse = len(g), np.linalg.inv(fitted.terms.information)
    score = g @ residuals
    moved, size = score @ inverse * n, float(g @ g)
    groups = [*terms.values(), list(range(len(score)))]
    values = [moved[j] @ np.linalg.solve(inverse[np.ix_(j, j)], moved[j]) / (n * size) for j in groups]
    return np.array(values, dtype=float), np.array([len(j) for j in groups], dtype=float)
