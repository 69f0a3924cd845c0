"""How probable is a change at each date, and how many were there? All segmentations weighed exactly.

Third floor. Read next: changepoints.py (the single best segmentation), change_date.py (a test without a prior).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.segmentations import (
    Evidence,
    dirichlet_evidence,
    gamma_evidence,
    grid_evidence,
    segment_means,
    segmentations,
)
from exitmodels.models.counts.periods_in import PeriodSeries, one_series, read_series, several_kinds
from exitmodels.render import tables
from exitmodels.render.text import Block, Summary, number
from exitmodels.results.bibliography import citation
from exitmodels.results.storing import Stored
from exitmodels.shapes.ledger import Ledger

__all__ = ["ChangePosterior", "change_posterior"]

MODELS = ("poisson", "negbin", "multinomial")
_LONGEST = 5000


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ChangePosterior(Stored):
    """Posterior of the dates and the number of changes.

    Attributes
    ----------
    change : (n - 1,)
        Probability of a change after each period but the last. With ``changes="one"``: given that there is one.
    number : (most + 1,)
        Probability of 0, 1, ... changes.
    means : (n,) or (n, k)
        Posterior mean rate (or shares) in each period.
    log_evidence : float
        Of all segmentations; factors that no segmentation changes are left out.
    log_bayes_factor : float
        Of one change (at a date with a uniform prior) against none, or of the whole prior against none.
    """

    change: Floats
    number: Floats
    means: Floats
    log_evidence: float
    log_bayes_factor: float
    changes: str
    hazard: float
    prior: tuple[float, ...]
    model: str
    series: PeriodSeries
    warnings: tuple[str, ...] = ()
    sources: tuple[str, ...] = ("barry_hartigan1992", "fearnhead2006")

    @property
    def converged(self) -> bool:
        """Sums are exact."""
        return True

    @property
    def ledger(self) -> Ledger | None:
        """Records read and set aside."""
        return self.series.ledger

    @property
    def expected_changes(self) -> float:
        """Posterior mean of the number of changes."""
        return float(self.change.sum()) if self.changes == "any" else float(self.number[1])

    @property
    def cut(self) -> int:
        """Periods before the most probable change."""
        return int(self.change.argmax()) + 1

    def quantile(self, p: float | Sequence[float]) -> Any:
        """Quantiles of the number of periods before the change, given one (``changes="one"``)."""
        if self.changes != "one":
            raise DataError(
                "With any number of changes there is no single date.", code="several", hint='Fit with changes="one".'
            )
        found = np.searchsorted(np.cumsum(self.change), np.asarray(p) - 1e-12) + 1
        return int(found) if np.ndim(p) == 0 else found

    def credible_set(self, level: float = 0.95) -> tuple[str, ...]:
        """Smallest set of first days of the new regime with this probability, given one change."""
        share = self.change / self.change.sum()
        order = np.argsort(-share, kind="stable")
        most = int(np.searchsorted(np.cumsum(share[order]), level - 1e-12)) + 1
        return tuple(self.series.begins(int(i) + 1) for i in np.sort(order[:most]))

    def tidy(self) -> Any:
        """One row for each date: periods before it, first day after it, probability."""
        import pandas as pd

        n = len(self.series)
        names = [self.series.begins(i) for i in range(1, n)]
        return pd.DataFrame({"cut": np.arange(1, n), "first_after": names, "probability": self.change})

    to_frame = tidy

    def _table(self) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]:
        order = np.argsort(-self.change, kind="stable")[:5]
        return ("new regime from", "probability"), tuple(
            (self.series.begins(int(i) + 1), self.change[i]) for i in order
        )

    def summary(self) -> Summary:
        """Return the printed form: how many changes, and the five most probable dates."""
        many = tuple((f"P({k} changes)", float(p)) for k, p in enumerate(self.number[:5]) if p >= 5e-4)
        factor = ("log10 Bayes factor against no change", self.log_bayes_factor / np.log(10))
        facts = (("expected number of changes", self.expected_changes), *many, factor)
        columns, rows = self._table()
        return Summary(self._heading(), facts, (Block(columns, rows),), self.warnings)

    def _heading(self) -> str:
        before = (
            "one change, any date alike"
            if self.changes == "one"
            else f"each boundary with probability {self.hazard:.4g}"
        )
        return f"Posterior of changes, {self.model}, prior: {before}; {', '.join(number(p) for p in self.prior)}"

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def to_latex(self, caption: str = "", label: str = "") -> str:
        """Return the most probable dates as a LaTeX (booktabs) table."""
        return tables.to_latex(*self._table(), caption=caption, label=label, notes=(f"{self._heading()}.",))

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(self.sources, self._heading())

    def plot(self, ax: Any = None) -> Any:
        """Draw the probability of a change at each date; return the Axes."""
        from exitmodels.render import changes as picture

        starts, ends = self.series.days
        inside = np.zeros(len(self.change), dtype=bool)
        order = np.argsort(-self.change, kind="stable")
        share = np.cumsum(self.change[order]) / self.change.sum()
        inside[order[: int(np.searchsorted(share, 0.95 - 1e-12)) + 1]] = True
        what = "95% of the probability" if self.changes == "one" else "95% of the expected changes"
        return picture.date_chances(
            ax,
            values=self.change,
            inside=inside,
            starts=starts,
            ends=ends,
            label="posterior probability",
            inside_label=what,
        )


def change_posterior(
    data: Any,
    exposure: Any = None,
    *,
    changes: str = "any",
    hazard: float | None = None,
    model: str = "poisson",
    prior: Sequence[float] | None = None,
    size: float | None = None,
    by: str | None = None,
    most: int = 20,
) -> ChangePosterior:
    """Exact posterior of the dates and the number of changes of a rate, or of a composition.

    Parameters
    ----------
    data : Counts or array
        One count for each period; (periods, kinds) for "multinomial".
    exposure : (n,) array, optional
    changes : {"any", "one"}
        Any number, each boundary between periods being a change with probability `hazard`; or none or one, with equal
        odds, at any boundary alike.
    hazard : float, optional
        By default ``1 / n``: about one change is expected beforehand.
    model : {"poisson", "negbin", "multinomial"}
    prior : (shape, rate), or one number for each kind
        Of the gamma law of a rate; by default shape 1/2 and the rate that gives the observed mean (unit information:
        weak, but it uses the data once). Of the Dirichlet law of shares; by default 1/2 each.
    size : float
        Negative binomial size of a period; needed by "negbin", whose rate has its gamma prior on a grid of 400 points.
    by : str, optional
        Key of `Counts` whose values are the kinds.
    most : int
        Largest number of changes whose probability is reported.

    Raises
    ------
    DataError
        For unknown choices and priors that are not positive; more than 5000 periods.

    Notes
    -----
    A Bayes factor depends on the prior of the rates: give your own when it matters. Counts are independent given the
    rate. Cost: O(n^2). Source: Barry and Hartigan (1992); Fearnhead (2006); Raftery and Akman (1986) for one change.

    Examples
    --------
    >>> found = change_posterior([4, 5, 4, 3, 6, 0, 1, 0, 0, 1, 0, 1], changes="one", prior=(1, 1))
    >>> found.cut, round(float(found.change[4]), 3)
    (5, 0.927)
    """
    for name, value, known in (("changes", changes, ("any", "one")), ("model", model, MODELS)):
        if value not in known:
            raise DataError(f"{name}={value!r} is not known.", code=name, hint=f"Use one of {', '.join(known)}.")
    series = read_series(data, exposure, by=by)
    series = several_kinds(series, "model='multinomial'") if model == "multinomial" else one_series(series, model)
    n = len(series)
    rate = 1 / n if hazard is None else float(hazard)
    if not 0 < rate < 1:
        raise DataError(
            f"hazard={hazard} is not between 0 and 1.", code="hazard", hint="1/40: a change every 40 periods."
        )
    if n > _LONGEST:
        raise DataError(
            f"{n} periods are more than {_LONGEST}: the sums grow with their square.",
            code="long",
            hint="Count in longer periods, or use changepoints().",
        )
    numbers = _prior(prior, series, model)
    evidence, mean = _evidence(series, model, numbers, size)
    none = float(evidence(n, np.zeros(1, dtype=np.int64))[0])
    made = _one(evidence, n, none) if changes == "one" else None
    if made is not None:
        change, how_many, total, factor = made
        means = _one_means(series, mean, change, how_many[1])
    else:
        all_ = segmentations(evidence, n, rate, min(most, n - 1))
        change, how_many, total = all_.change, all_.number, all_.log_evidence
        factor = total - none
        columns = [segment_means(all_, evidence, _column(mean, k), n, rate) for k in range(max(len(series.kinds), 1))]
        means = np.column_stack(columns) if series.kinds else columns[0]
    return ChangePosterior(
        change=change,
        number=how_many,
        means=means,
        log_evidence=total,
        log_bayes_factor=float(factor),
        changes=changes,
        hazard=rate,
        prior=numbers,
        model=model,
        series=series,
        sources=("raftery_akman1986",) if changes == "one" else ("barry_hartigan1992", "fearnhead2006"),
    )


def _prior(prior: Sequence[float] | None, series: PeriodSeries, model: str) -> tuple[float, ...]:
    wanted = len(series.kinds) if model == "multinomial" else 2
    if prior is None:
        if model == "multinomial":
            return (0.5,) * wanted
        return 0.5, float(0.5 * series.exposure.sum() / max(series.y.sum(), 0.5))
    numbers = tuple(float(p) for p in prior)
    if len(numbers) != wanted or not all(np.isfinite(p) and p > 0 for p in numbers):
        raise DataError(
            f"prior={prior!r} is not {wanted} positive numbers.",
            code="prior",
            hint="(shape, rate) of the gamma law, or one number for each kind.",
        )
    return numbers


def _evidence(
    series: PeriodSeries, model: str, prior: tuple[float, ...], size: float | None
) -> tuple[Evidence, Evidence]:
    """Log evidence of stretches, and their posterior means."""
    y, e = series.y, series.exposure
    total, weight = (np.concatenate([np.zeros((1, *x.shape[1:])), np.cumsum(x, axis=0)]) for x in (y, e))
    if model == "multinomial":
        alpha = np.array(prior)

        def shares(t: int, s: Any) -> Floats:
            a = alpha + total[t] - total[s]
            return np.asarray(a / a.sum(axis=1, keepdims=True))

        return dirichlet_evidence(y, alpha), shares
    if model == "poisson":
        a, b = prior

        def rates(t: int, s: Any) -> Floats:
            return np.asarray((a + total[t] - total[s]) / (b + weight[t] - weight[s]))

        return gamma_evidence(y, e, a, b), rates
    return _negbin(y, e, prior, size)


def _negbin(y: Floats, e: Floats, prior: tuple[float, ...], size: float | None) -> tuple[Evidence, Evidence]:
    if size is None or not size > 0:
        raise DataError(
            f"size={size} is not a positive number.",
            code="size",
            hint="Give the negative binomial size; changepoints(cost='negbin').size estimates it.",
        )
    a, b = prior
    grid = special.gammaincinv(a, (np.arange(400) + 0.5) / 400) / b
    mean = e[:, None] * np.maximum(grid, 1e-12)
    logliks = special.xlogy(y[:, None], mean / (mean + size)) + size * np.log(size / (mean + size))
    sums = np.concatenate([np.zeros((1, 400)), np.cumsum(logliks, axis=0)])

    def rates(t: int, s: Any) -> Floats:
        return np.asarray(special.softmax(sums[t] - sums[s], axis=1) @ grid)

    return grid_evidence(logliks, np.full(400, -np.log(400.0))), rates


def _column(mean: Evidence, k: int) -> Evidence:
    def one(t: int, s: Any) -> Floats:
        found = mean(t, s)
        return found if found.ndim == 1 else found[:, k]

    return one


def _one(evidence: Evidence, n: int, none: float) -> tuple[Floats, Floats, float, float]:
    zero = np.zeros(1, dtype=np.int64)
    left = np.array([evidence(k, zero)[0] for k in range(1, n)])
    joint = left + evidence(n, np.arange(1, n))
    one = float(special.logsumexp(joint) - np.log(n - 1))
    odds = np.array([none, one])
    return special.softmax(joint), special.softmax(odds), float(special.logsumexp(odds) - np.log(2)), one - none


def _one_means(series: PeriodSeries, mean: Evidence, change: Floats, chance: float) -> Floats:
    n, zero = len(series), np.zeros(1, dtype=np.int64)
    before = np.concatenate([mean(k, zero) for k in range(1, n)])
    after, flat = mean(n, np.arange(1, n)), mean(n, zero)
    weight = change[:, None] if before.ndim == 2 else change
    none = np.zeros((1, *before.shape[1:]))
    early = np.concatenate([np.cumsum((weight * before)[::-1], axis=0)[::-1], none])
    late = np.concatenate([none, np.cumsum(weight * after, axis=0)])
    return np.asarray(chance * (early + late) + (1 - chance) * flat)
