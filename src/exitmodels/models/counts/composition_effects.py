"""Effects of a change of columns: on each share, on the total, and on each reason's rate, with joint covariance.

Third floor. Everything is the delta method on one covariance of shares and total.

Called by: composition_results.py, relabelling.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.linalg import scaled_rank
from exitmodels.kernels.simultaneous import largest_critical
from exitmodels.models.counts.composition_fit import Fitted, relative_offset
from exitmodels.models.counts.composition_predict import shares_at
from exitmodels.render import tables
from exitmodels.render.text import Block, Summary, number, pvalue
from exitmodels.results.bibliography import citation
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.results.labels import labelled
from exitmodels.results.storing import Stored
from exitmodels.shapes.columns import Columns, rows_of
from exitmodels.shapes.frames import Table
from exitmodels.shapes.ledger import Ledger

if TYPE_CHECKING:
    from exitmodels.models.counts.composition_results import CompositionResults

__all__ = ["CompositionEffects", "Scenario", "effects_of", "marginal_effects_of", "mean_share", "scenarios"]


@dataclass(frozen=True, eq=False, kw_only=True)
class CompositionEffects(Stored):
    """Effects with their joint covariance.

    Attributes
    ----------
    kinds, reasons : tuple of str
        What each effect is ("share difference", "total ratio", "rate ratio", "share slope") and of which reason.
    estimate : (q,)
        Differences as they are; ratios as logarithms.
    covariance : (q, q)
    before, after : (q,)
        Share, total or rate at the first and at the second value.
    df_resid : float or None
    """

    kinds: tuple[str, ...]
    reasons: tuple[str, ...]
    estimate: Floats
    covariance: Floats
    before: Floats
    after: Floats
    change: str
    vcov: str
    df_resid: float | None
    method: str
    sources: tuple[str, ...]
    ledger: Ledger
    warnings: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Kind and reason of each effect."""
        return tuple(f"{k}: {r}" if r else k for k, r in zip(self.kinds, self.reasons, strict=True))

    @property
    def params(self) -> Any:
        """Effects, as a Series; ratios as logarithms."""
        return labelled(self.estimate, self.names, name="estimate")

    @property
    def standard_errors(self) -> Floats:
        """Standard errors of `estimate`."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))

    @property
    def bse(self) -> Any:
        """Standard errors of `params`."""
        return labelled(self.standard_errors, self.names, name="se")

    @property
    def pvalues(self) -> Any:
        """Two-sided p-values, one effect at a time."""
        with np.errstate(invalid="ignore", divide="ignore"):
            z = np.abs(self.estimate) / self.standard_errors
        p = 2 * (stats.norm.sf(z) if self.df_resid is None else stats.t.sf(z, self.df_resid))
        return labelled(p, self.names, name="p")

    def cov_params(self) -> Any:
        """Joint covariance of `params`."""
        return labelled(self.covariance, self.names, self.names)

    def conf_int(self, alpha: float = 0.05, simultaneous: bool = False) -> Any:
        """Limits of `params`: columns low, high.

        Parameters
        ----------
        alpha : float
        simultaneous : bool
            Limits that hold for all effects of one kind together; they use the law of the largest error.
        """
        half = self._critical(alpha, simultaneous) * self.standard_errors
        return labelled(np.column_stack([self.estimate - half, self.estimate + half]), self.names, ("low", "high"))

    def _critical(self, alpha: float, simultaneous: bool) -> Floats:
        if not 0 < alpha < 1:
            raise DataError(f"alpha={alpha} is not between 0 and 1.", code="alpha", hint="0.05 gives 95 % limits.")
        tail = 1 - alpha / 2
        one = float(stats.norm.ppf(tail) if self.df_resid is None else stats.t.ppf(tail, self.df_resid))
        out = np.full(len(self.names), one)
        if simultaneous:
            kinds = np.array(self.kinds)
            for kind in np.unique(kinds):
                own = np.flatnonzero(kinds == kind)
                out[own] = largest_critical(self.covariance[np.ix_(own, own)], alpha, self.df_resid)
        return out

    def test(self, kind: str = "share difference") -> HypothesisTest:
        """Test that all effects of one kind are zero together."""
        own = np.flatnonzero(np.array(self.kinds) == kind)
        if not len(own):
            known = ", ".join(dict.fromkeys(self.kinds))
            raise DataError(f"kind={kind!r} is not among the effects.", code="kind", hint=f"One of {known}.")
        middle, value = self.covariance[np.ix_(own, own)], self.estimate[own]
        df = scaled_rank(middle)
        statistic = float(value @ np.linalg.pinv(middle, rcond=1e-10, hermitian=True) @ value)
        return HypothesisTest(
            statistic=statistic,
            df=df,
            pvalue=float(stats.chi2.sf(statistic, df)),
            method=f"Wald test: no {kind} ({self.change}), {self.vcov} variance",
            sources=self.sources,
            ledger=self.ledger,
        )

    def tidy(self, alpha: float = 0.05) -> Any:
        """One row per effect: before, after, estimate, limits alone and together, p; ratios as ratios."""
        import pandas as pd

        alone, joint = self.conf_int(alpha).to_numpy(), self.conf_int(alpha, simultaneous=True).to_numpy()
        ratio = np.array([kind.endswith("ratio") for kind in self.kinds])
        shown = np.column_stack([self.estimate, alone, joint])
        with np.errstate(over="ignore"):
            shown[ratio] = np.exp(shown[ratio])
        frame = {"effect": self.kinds, "reason": self.reasons, "before": self.before, "after": self.after}
        names = ("estimate", "low", "high", "joint low", "joint high")
        return pd.DataFrame({**frame, **dict(zip(names, shown.T, strict=True)), "p": self.pvalues.to_numpy()})

    def _table(self, alpha: float) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]:
        level = number(100 * (1 - alpha), 3)
        frame = self.tidy(alpha)
        columns = ("effect", "reason", "before", "after", "estimate", f"low {level}%", f"high {level}%")
        rows = [(*row[:-1], pvalue(row[-1])) for row in frame.to_numpy(dtype=object).tolist()]
        return (*columns, "joint low", "joint high", "p"), tuple(rows)

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form."""
        facts = (("change", self.change), ("variance", self.vcov))
        return Summary(
            f"Effects on the composition: {self.method}", facts, (Block(*self._table(alpha)),), self.warnings
        )

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def to_latex(self, alpha: float = 0.05, caption: str = "", label: str = "") -> str:
        """Return the effects as a LaTeX table."""
        return tables.to_latex(
            *self._table(alpha), caption=caption, label=label, notes=(f"{self.change}; {self.vcov}.",)
        )

    def to_markdown(self, alpha: float = 0.05) -> str:
        """Return the effects as a Markdown table."""
        return tables.to_markdown(*self._table(alpha))

    def to_html(self, alpha: float = 0.05) -> str:
        """Return the effects as an HTML table."""
        return tables.to_html(*self._table(alpha), caption=self.change)

    def plot(self, ax: Any = None, alpha: float = 0.05, kind: str | None = None) -> Any:
        """Draw the effects of one kind (by default share differences) with their limits; return the Axes."""
        from exitmodels.render.points import points

        kind = self.kinds[0] if kind is None else kind
        frame = self.tidy(alpha)
        frame = frame[frame["effect"] == kind]
        values = frame[["estimate", "low", "high"]].to_numpy(dtype=float)
        names = tuple(str(r) or "total" for r in frame["reason"])
        null = 1.0 if kind.endswith("ratio") else 0.0
        return points(ax, names, values, null, f"{kind}: {self.change}", number(100 * (1 - alpha), 3))

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(self.sources, self.method)


@dataclass(frozen=True, eq=False)
class Scenario:
    """Rows with some columns set, and what they weigh."""

    design: Floats
    offset: Floats | None
    weight: Floats
    total_design: Floats | None
    exposure: Floats


def scenarios(
    fitted: Fitted, change: Mapping[str, tuple[Any, Any]], at: Any, offsets: Mapping[str, str] | None = None
) -> tuple[Scenario, Scenario]:
    """Rows of the fit (or `at`) with the columns at their first and at their second value."""
    if not change:
        raise DataError("No change is named.", code="change", hint='Such as {"policy": (0, 1)}.')
    for name, pair in change.items():
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise DataError(f"The change of {name!r} is not a pair.", column=name, code="change", hint="(from, to).")
    both = [_scenario(fitted, {name: pair[i] for name, pair in change.items()}, at, offsets) for i in (0, 1)]
    moved = not np.array_equal(both[0].design, both[1].design)
    totals = [part.total_design for part in both]
    if not moved and (totals[0] is None or totals[1] is None or np.array_equal(totals[0], totals[1])):
        raise DataError(
            f"The formula does not use {', '.join(change)}.", code="change", hint="Name a column of the formula."
        )
    return both[0], both[1]


def _scenario(fitted: Fitted, values: Mapping[str, Any], at: Any, offsets: Mapping[str, str] | None) -> Scenario:
    rows = fitted.rows
    total = fitted.total
    if at is None:
        columns, n, labels = rows.columns, len(rows), rows.labels
        weight = rows.size * rows.weight
        exposure = np.ones(n) if total is None else np.exp(total.offset)
        offset = relative_offset(rows)
    else:
        given = dict.fromkeys(values) if at is None else at
        if isinstance(given, Mapping) and not hasattr(given, "columns"):
            given = {**{name: value for name, value in values.items() if name not in given}, **given}
        columns, n, labels = rows_of(given)
        weight, exposure = np.ones(n), np.ones(n)
        offset = None
        if offsets:
            table = np.zeros((n, len(rows.reasons)))
            for reason, name in offsets.items():
                table[:, rows.reasons.index(reason)] = columns.want(name).values
            offset = table[:, 1:] - table[:, :1]
    for name, value in values.items():
        columns = columns.with_column(_constant(name, value, n))
    design = fitted.design.rebuild(columns, labels=labels).matrix
    other = None if total is None else total.design.rebuild(columns, labels=labels).matrix
    return Scenario(design, offset, weight, other, exposure)


def _constant(name: str, value: Any, n: int) -> Any:
    return Columns(Table({name: [value] * n}))[name]


def mean_share(beta: Floats, scene: Scenario) -> tuple[Floats, Floats]:
    """Average shares (J,) and their derivatives along the coefficients (J, K p)."""
    share = shares_at(beta, scene.design, scene.offset)
    weight = scene.weight / scene.weight.sum()
    return weight @ share, _slope(share, weight, scene.design)


def _slope(share: Floats, weight: Floats, design: Floats) -> Floats:
    """Sum over rows of weight times the derivative of each share, (J, K p)."""
    j, p = share.shape[1], design.shape[1]
    out = np.empty((j, (j - 1) * p))
    for one in range(j):
        for two in range(1, j):
            along = weight * share[:, one] * ((one == two) - share[:, two])
            out[one, (two - 1) * p : two * p] = along @ design
    return out


def effects_of(
    result: CompositionResults, fitted: Fitted, change: dict[str, tuple[Any, Any]], at: Any
) -> CompositionEffects:
    """Differences of shares; with a total, ratios of totals and of rates too."""
    both = scenarios(fitted, change, at, result.model_of.offset)
    (one, first), (two, second) = (mean_share(result.beta, scene) for scene in both)
    own, q = first.shape[1], len(result.names)
    reasons = list(result.reasons)
    kinds, labels = ["share difference"] * len(reasons), list(reasons)
    value, before, after = [two - one], [one], [two]
    slope = [np.hstack([second - first, np.zeros((len(reasons), q - own))])]
    if fitted.total is not None:
        (start, down), (end, up) = (_rates(result, scene) for scene in both)
        kinds += ["total ratio"] + ["rate ratio"] * len(reasons)
        labels += ["", *reasons]
        value.append(np.log(end / start))
        before.append(start)
        after.append(end)
        slope.append(up / end[:, None] - down / start[:, None])
    matrix = np.vstack(slope)
    return _made(result, kinds, labels, value, matrix, before, after, _words(change))


def _rates(result: CompositionResults, scene: Scenario) -> tuple[Floats, Floats]:
    """Expected total and each reason's, per unit of exposure (J + 1,), and derivatives along all coefficients."""
    assert scene.total_design is not None
    p_total = scene.total_design.shape[1]
    alpha = result.estimate[-p_total:]
    weight = scene.exposure / scene.exposure.sum()
    mean = weight * np.exp(scene.total_design @ alpha)
    share = shares_at(result.beta, scene.design, scene.offset)
    own, q = result.beta.size, len(result.names)
    slope = np.zeros((share.shape[1] + 1, q))
    slope[1:, :own] = _slope(share, mean, scene.design)
    slope[0, -p_total:] = mean @ scene.total_design
    slope[1:, -p_total:] = (share * mean[:, None]).T @ scene.total_design
    return np.append(mean.sum(), mean @ share), slope


def marginal_effects_of(result: CompositionResults, fitted: Fitted, column: str, at: Any) -> CompositionEffects:
    """Average derivative of each share along a numeric column.

    The derivative of the design is taken by a five-point rule, exact for terms up to the fourth power.
    """
    columns = fitted.rows.columns if at is None else rows_of(at)[0]
    found = columns.want(column)
    if found.kind != "number":
        raise DataError("It is not numeric.", column=column, code="not-numeric", hint="Use effects() for levels.")
    values = found.values.astype(np.float64)
    step = 1e-2 * (float(values.std()) or 1.0)
    labels = np.arange(len(values))

    def design(shift: float) -> Floats:
        moved = columns.with_column(Columns(Table({column: values + shift * step}))[column])
        return fitted.design.rebuild(moved, labels=labels).matrix

    slope_x = (8 * (design(1) - design(-1)) - (design(2) - design(-2))) / (12 * step)
    x = design(0)
    weight = np.ones(len(x)) if at is not None else fitted.rows.size * fitted.rows.weight
    weight = weight / weight.sum()
    share = shares_at(result.beta, x, relative_offset(fitted.rows) if at is None else None)
    along = np.column_stack([np.zeros(len(x)), slope_x @ result.beta.T])
    mean = (share * along).sum(axis=1)[:, None]
    rate = share * (along - mean)
    value = weight @ rate
    j, p = share.shape[1], x.shape[1]
    matrix = np.zeros((j, len(result.names)))
    for one in range(j):
        for two in range(1, j):
            same = float(one == two)
            # d rate_one / d eta_two, and through the slope of eta_two.
            bend = rate[:, one] * (same - share[:, two]) - share[:, one] * rate[:, two]
            through = share[:, one] * (same - share[:, two])
            matrix[one, (two - 1) * p : two * p] = (weight * bend) @ x + (weight * through) @ slope_x
    blank = [np.full(j, np.nan)]
    words = f"one unit of {column}, derivative averaged over rows"
    return _made(result, ["share slope"] * j, list(result.reasons), [value], matrix, blank, blank, words)


def _words(change: Mapping[str, tuple[Any, Any]]) -> str:
    return ", ".join(f"{name} from {pair[0]} to {pair[1]}" for name, pair in change.items())


def _made(
    result: CompositionResults,
    kinds: list[str],
    labels: list[str],
    value: list[Floats],
    matrix: Floats,
    before: list[Floats],
    after: list[Floats],
    words: str,
) -> CompositionEffects:
    return CompositionEffects(
        kinds=tuple(kinds),
        reasons=tuple(labels),
        estimate=np.concatenate(value),
        covariance=matrix @ result.covariance @ matrix.T,
        before=np.concatenate(before),
        after=np.concatenate(after),
        change=words,
        vcov=result.vcov,
        df_resid=result.df_resid,
        method=result.method,
        sources=result.sources,
        ledger=result.ledger,
        warnings=result.warnings,
    )
