"""Is there an effect at any time, and is it the same at all times? Tests after an additive hazards fit.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import chdtrc, ndtr

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.additive_influence import life_influence, resampled_processes
from exitmodels.models.hazards.additive_fitted import AdditiveFrame, Fitted
from exitmodels.render.text import Block, Summary, pvalue
from exitmodels.results.bibliography import citation
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.results.labels import labelled
from exitmodels.results.storing import Stored
from exitmodels.shapes.ledger import Ledger

__all__ = ["Average", "EffectTests", "average_effects", "resampled_tests"]

WEIGHTS = ("aalen", "nrisk", "variance")


@dataclass(frozen=True, eq=False)
class Average:
    """Weighted sums of the increments of each cumulative effect, and the averages they stand for."""

    names: tuple[str, ...]
    sums: Floats
    sums_covariance: Floats
    scale: Floats
    n_baselines: int
    weights: str
    kind: str

    @property
    def estimate(self) -> Floats:
        """Sums over the sum of weights."""
        return self.sums / self._scale

    @property
    def covariance(self) -> Floats:
        """Covariance of `estimate`."""
        return self.sums_covariance / np.outer(self._scale, self._scale)

    @property
    def _scale(self) -> Floats:
        """The sum of weights; NaN for a baseline under which nobody left."""
        return np.where(self.scale > 0, self.scale, np.nan)

    def test(self, ledger: Ledger) -> HypothesisTest:
        """Chi-squared test of all covariates together, with the parts of each."""
        s = self.n_baselines
        value, middle = self.sums[s:], self.sums_covariance[s:, s:]
        if not len(value):
            raise DataError("There is no covariate to test.", code="test", hint="Put one in the formula.")
        statistic = float(value @ np.linalg.solve(middle, value))
        se = np.sqrt(np.diag(self.covariance))
        z = self.estimate / se
        return HypothesisTest(
            statistic=statistic,
            df=len(value),
            pvalue=float(chdtrc(len(value), statistic)),
            method=f"Test of no effect at any time, weights {self.weights}, {self.kind} variance",
            labels=self.names,
            detail={
                "coef": self.estimate,
                "se": se,
                "z": z,
                "p": 2 * ndtr(-np.abs(z)),
                "sum": self.sums,
                "covariance": self.sums_covariance,
            },
            sources=("aalen1989",),
            ledger=ledger,
        )


def average_effects(fitted: Fitted, frame: AdditiveFrame, weights: str, kind: str) -> Average:
    """Weighted sums of increments in the units given; see `AdditiveResults.effect_test`."""
    if weights not in WEIGHTS:
        raise DataError(f"weights={weights!r} is not known.", code="weights", hint=f"One of {', '.join(WEIGHTS)}.")
    data, terms, s = fitted.data, fitted.terms, frame.n_baselines
    change = frame.to_given()
    left = change @ terms.inverse
    left[:, :s][~terms.present] = 0.0
    names, scale = frame.effects, np.ones(len(change))
    if weights == "variance":
        inner = (change @ terms.inverse @ change.T)[:, s:, s:]
        left = _solved(inner, left[:, s:], terms.usable)
        names, scale, s = names[s:], scale[s:], 0
    else:
        diagonal = np.einsum("kqp,qp->kq", left, change)
        factor = _inverted(diagonal) if weights == "aalen" else np.broadcast_to(_at_risk(terms), diagonal.shape)
        left = factor[:, :, None] * left
        rows = data.index.event_rows[terms.usable[data.index.moment[data.index.event_rows]]]
        counted = data.weight[rows, None] * (factor if weights == "aalen" else np.ones_like(factor))[_at(data, rows)]
        scale = counted.sum(axis=0)
    sums = np.einsum("im,i->m", _event_parts(data, left), data.weight)
    factor_of_row, cluster = fitted.units("cluster" if kind == "cluster" else "robust")
    parts = (life_influence(data, terms, left) if kind != "model" else _event_parts(data, left)) * factor_of_row[
        :, None
    ]
    if cluster is not None:
        parts = np.stack([np.bincount(cluster, column) for column in parts.T], axis=1)
    return Average(names, sums, parts.T @ parts, scale, s, weights, kind)


def _at(data: Any, rows: Any) -> Any:
    return data.index.moment[rows]


def _at_risk(terms: Any) -> Floats:
    return np.where(terms.usable, terms.at_risk, 0.0)[:, None]


def _inverted(values: Floats) -> Floats:
    return np.where(values > 0, 1.0 / np.where(values > 0, values, 1.0), 0.0)


def _solved(inner: Floats, left: Floats, usable: Floats) -> Floats:
    out = np.zeros_like(left)
    out[usable] = np.linalg.solve(inner[usable], left[usable])
    return out


def _event_parts(data: Any, left: Floats) -> Floats:
    """left'x at the exit of each row, zero for others: (n, m)."""
    out = np.zeros((len(data.columns), left.shape[1]))
    rows = data.index.event_rows
    out[rows] = np.einsum("imp,ip->im", left[data.index.moment[rows]], data.columns[rows])
    return out


@dataclass(frozen=True, eq=False, kw_only=True)
class EffectTests(Stored):
    """Resampled tests of each cumulative effect B.

    Attributes
    ----------
    names : tuple of str
    statistic, pvalue : (q, 3)
        Largest |B / se|: no effect. Largest |B(t) - B(end) t / end|, and the integral of its square: a constant
        effect.
    largest : (n, q)
        Largest |resampled process / se| in each draw, for bands.
    time, value, se : (k,), (k, q), (k, q)
    departure : (k, q)
        B(t) - B(end) t / end.
    draws : (m, k, q)
        The same for the first few resampled processes, for the figure; not saved.
    """

    names: tuple[str, ...]
    statistic: Floats
    pvalue: Floats
    largest: Floats
    time: Floats
    value: Floats
    se: Floats
    departure: Floats
    kind: str
    unit: str
    ledger: Ledger
    draws: Floats | None = field(default=None, metadata={"stored": False})

    def to_frame(self) -> Any:
        """One row per effect: the three statistics and their p-values."""
        columns = (
            "sup_effect",
            "sup_constant",
            "integral_constant",
            "p_effect",
            "p_sup_constant",
            "p_integral_constant",
        )
        return labelled(np.hstack([self.statistic, self.pvalue]), self.names, columns)

    def band(self, name: str, alpha: float = 0.05) -> tuple[Floats, Floats]:
        """Limits that hold at all times together with probability 1 - alpha: (k,) each."""
        if name not in self.names:
            raise DataError(f"No effect is called {name!r}.", code="term", hint=f"Known: {', '.join(self.names)}.")
        j = self.names.index(name)
        half = float(np.quantile(self.largest[:, j], 1 - alpha)) * self.se[:, j]
        return self.value[:, j] - half, self.value[:, j] + half

    def summary(self) -> Summary:
        """Return the printed form."""
        rows = tuple(
            (name, *(float(self.statistic[j, 0]), pvalue(float(self.pvalue[j, 0]))),
             *(part for i in (1, 2) for part in (float(self.statistic[j, i]), pvalue(float(self.pvalue[j, i])))))
            for j, name in enumerate(self.names)
        )  # fmt: skip
        columns = ("", "no effect: sup", "p", "constant: sup", "p", "constant: integral", "p")
        facts = (("resampled processes", len(self.largest)), ("variance", self.kind))
        return Summary("Tests of effects over time", facts, (Block(columns, rows),))

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(("scheike_martinussen2004", "martinussen_scheike2006"), "resampled tests of cumulative effects")

    def plot(self, name: str, ax: Any = None) -> Any:
        """Draw how far the cumulative effect is from a straight line, over resampled processes; return the Axes."""
        from exitmodels.render.effects import departures

        if name not in self.names:
            raise DataError(f"No effect is called {name!r}.", code="term", hint=f"Known: {', '.join(self.names)}.")
        j = self.names.index(name)
        drawn = np.empty((0, len(self.time))) if self.draws is None else self.draws[:, :, j]
        label = f"{name}: constant effect? p = {pvalue(float(self.pvalue[j, 1]))}"
        return departures(ax, self.time, self.departure[:, j], drawn, label, self.unit)


def resampled_tests(
    fitted: Fitted,
    frame: AdditiveFrame,
    value: Floats,
    se: Floats,
    kind: str,
    unit: str,
    n: int,
    rng: np.random.Generator,
) -> EffectTests:
    """Resample; see `AdditiveResults.resampled_tests`.

    Notes
    -----
    A p-value is (1 + draws at least as large) / (1 + n). Source: Scheike & Martinussen (2004); Martinussen &
    Scheike (2006), chapter 5; the statistics are those of timereg.
    """
    terms = fitted.terms
    change = frame.to_given_over(terms.elapsed)
    q = len(frame.effects)
    share = (terms.elapsed / terms.elapsed[-1])[:, None]
    width = np.diff(terms.elapsed, prepend=0.0)[:, None]
    known = np.where(se > 0, se, np.inf)

    def read(process: Floats) -> tuple[Floats, Floats]:
        bent = process - process[-1] * share
        found = [np.abs(process / known).max(axis=0), np.abs(bent).max(axis=0), (bent**2 * width).sum(axis=0)]
        return np.stack(found, axis=1), bent

    statistic, departure = read(value)
    draws, shown = np.empty((n, q, 3)), []
    factor, cluster = fitted.units(kind)
    for i, (process, moved) in enumerate(resampled_processes(fitted.data, terms, factor, cluster, n, rng)):
        given = np.einsum("kqp,kp->kq", change[:, :, :q], process) + change[:, :, q:] @ moved
        draws[i], bent = read(given)
        if i < 50:
            shown.append(bent)
    return EffectTests(
        names=frame.effects,
        statistic=statistic,
        pvalue=(1 + (draws >= statistic).sum(axis=0)) / (1 + n),
        largest=draws[:, :, 0],
        time=fitted.data.index.times,
        value=value,
        se=se,
        departure=departure,
        kind=kind,
        unit=unit,
        ledger=fitted.rows.ledger,
        draws=np.stack(shown) if shown else None,
    )
