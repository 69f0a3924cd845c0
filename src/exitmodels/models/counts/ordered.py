"""Proportional odds: reasons (or gravity, rank, stage) that have an order.

Third floor. One coefficient for each term, whatever the number of categories; where that is doubtful, compare with
`Composition`, which gives each category its own.

Read next: kernels/ordinal.py, composition.py (no order assumed).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from scipy import special, stats

from exitmodels.arrays import Floats
from exitmodels.errors import ConvergenceWarning, DataError
from exitmodels.kernels.linalg import symmetric_inverse
from exitmodels.kernels.multinomial import log_ways
from exitmodels.kernels.ordinal import fit_ordinal, ordinal_shares
from exitmodels.kernels.sandwich import cluster_meat
from exitmodels.models.counts.checks import recoding, refuse_collinear
from exitmodels.models.counts.reason_rows import Asked, ReasonRows, read_reasons
from exitmodels.results.regression import Regression
from exitmodels.results.storing import unstored
from exitmodels.shapes.columns import rows_of
from exitmodels.shapes.design import Design

__all__ = ["OrderedResults", "ProportionalOdds"]


@dataclass(frozen=True)
class ProportionalOdds:
    """Ordered categories: logit P(category >= j) = cut_j + terms, the same terms for every cut.

    Parameters
    ----------
    formula : str
    order : sequence of str
        The categories from the lowest up: columns of counts, or the values of `reason`.
    reason : str, optional
        Key or column that holds the categories; without it `order` names columns of counts.
    vcov : {"model", "robust", "cluster"}, optional
        "model" is the inverse of the expected information. By default "cluster" when there are clusters, "robust"
        with sampling weights.
    cluster, weight, weights, missing
        As in `Composition`.

    Notes
    -----
    A positive coefficient goes with higher categories. Source: McCullagh (1980).

    Examples
    --------
    >>> cells = {"low": [30, 20], "mid": [20, 20], "high": [10, 20], "policy": [0, 1]}
    >>> fit = ProportionalOdds("policy", order=["low", "mid", "high"]).fit(cells)
    >>> fit.params.round(3).tolist()
    [-0.032, -1.517, 0.774]
    """

    formula: str
    order: Sequence[str]
    reason: str | None = None
    vcov: str | None = None
    cluster: str | None = None
    weight: str | None = None
    weights: str = "frequency"
    missing: str = "raise"

    def fit(self, data: Any) -> OrderedResults:
        """Fit to counts, spells or a table, as `Composition` does.

        Raises
        ------
        DataError
            When a category is not in the order or never occurs, and as in `Composition`.
        """
        rows = self._rows(data)
        design = Design.of(self.formula or "1", rows.columns, labels=rows.labels, intercept=True)
        if design.offset is not None or design.strata is not None or design.cluster is not None:
            raise DataError(
                "offset(), strata() and cluster() are not for this model.", code="formula", hint="Omit them."
            )
        recode = recoding(design.matrix, design.names)
        scaled = design.matrix @ recode
        refuse_collinear(design.matrix, scaled, design.names)
        counts = rows.table() * rows.weight[:, None]
        cuts = len(rows.reasons) - 1
        best = fit_ordinal(scaled[:, 1:], counts)
        trouble = (
            () if best.converged else ("the search stopped before its rule was met; do not report these estimates",)
        )
        if np.abs(scaled[:, 1:] @ best.at[cuts:]).max(initial=0.0) > 15:
            trouble = ("a coefficient may run to infinity: categories are separated by the terms",)
        for text in trouble:
            warnings.warn(text, ConvergenceWarning, stacklevel=2)
        back = _back(recode, cuts)
        ways = log_ways(counts) if rows.grouped and np.all(rows.weight == 1) else 0.0
        totals = rows.totals
        made = OrderedResults(
            names=tuple(f"cut: {name} or more" for name in rows.reasons[1:]) + design.names[1:],
            estimate=back @ best.at,
            covariance=back @ symmetric_inverse(best.surface.expected) @ back.T,
            vcov="model",
            llf=best.surface.value + ways,
            llnull=float(special.xlogy(totals, totals / totals.sum()).sum()) + ways,
            nobs=float((rows.size > 0).sum()) if rows.grouped else float(rows.weight.sum()),
            n_events=float(totals.sum()),
            converged=not trouble,
            ledger=rows.ledger,
            method=f"Proportional odds of {len(rows.reasons)} ordered categories on {self.formula}",
            sources=("mccullagh1980",),
            outcome="category",
            warnings=trouble,
            categories=rows.reasons,
            data=_Data(rows, design),
        )
        clustered, sampled = rows.cluster is not None, rows.weights == "sampling"
        return made.with_vcov(self.vcov or ("cluster" if clustered else "robust" if sampled else "model"))

    def _rows(self, data: Any) -> ReasonRows:
        wanted = tuple(str(name) for name in self.order)
        asked = Asked(
            self.reason,
            wanted if self.reason is None and not hasattr(data, "key_columns") and not hasattr(data, "causes") else (),
            None,
            self.weight,
            self.weights,
            self.cluster,
            missing=self.missing,
        )
        rows = read_reasons(data, asked, "ProportionalOdds")
        if set(rows.reasons) != set(wanted) or len(wanted) != len(rows.reasons):
            raise DataError(
                f"The order names {', '.join(wanted)}; the data hold {', '.join(sorted(rows.reasons))}.",
                code="order",
                hint="Name every category once, from the lowest up.",
            )
        rows = rows.ordered([rows.reasons.index(name) for name in wanted])
        empty = [name for name, n in zip(rows.reasons, rows.totals, strict=True) if n == 0]
        if empty:
            raise DataError(f"The category {empty[0]!r} never occurs.", code="empty-reason", hint="Leave it out.")
        return rows


@dataclass(frozen=True, eq=False)
class _Data:
    rows: ReasonRows
    design: Design


def _back(recode: Floats, cuts: int) -> Floats:
    """From scaled columns: cuts take the centring, slopes the scale."""
    p = len(recode) - 1
    out = np.zeros((cuts + p, cuts + p))
    out[:cuts, :cuts] = np.eye(cuts)
    out[:cuts, cuts:] = recode[0, 1:]
    out[cuts:, cuts:] = recode[1:, 1:]
    return out


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class OrderedResults(Regression):
    """A fitted proportional-odds model: cuts first, then one coefficient for each term.

    Attributes
    ----------
    categories : tuple of str
        From the lowest up.
    """

    categories: tuple[str, ...]
    data: _Data | None = field(default=None, metadata={"stored": False})

    ratio_name: ClassVar[str] = "odds ratio"

    @property
    def df_model(self) -> int:
        """Number of terms, cuts not counted."""
        return len(self.names) - len(self.categories) + 1

    def odds_ratios(self, alpha: float = 0.05) -> Any:
        """Ratios of the odds of being in a higher category, with limits."""
        return self.ratios(alpha).iloc[len(self.categories) - 1 :]

    def with_vcov(self, kind: str, small_sample: bool = True) -> OrderedResults:
        """Return the same fit with "model", "robust" (HC0) or "cluster" variance."""
        if kind not in ("model", "robust", "cluster"):
            raise DataError(f"vcov={kind!r} is not known.", code="vcov", hint='"model", "robust" or "cluster".')
        if kind == "model" and self.vcov == "model":
            return self
        data = self._data("Another variance")
        rows, x = data.rows, data.design.matrix[:, 1:]
        share, slope = ordinal_shares(self.estimate, x, len(self.categories))
        counts = rows.table()
        unit = np.einsum("ij,ijq->iq", counts / share, slope)
        scaled = slope * np.sqrt((rows.size * rows.weight)[:, None] / share)[:, :, None]
        flat = scaled.reshape(-1, len(self.names))
        bread = symmetric_inverse(flat.T @ flat)
        if kind == "model":
            return replace(self, covariance=bread, vcov=kind)
        if kind == "robust":
            power = np.sqrt(rows.weight) if rows.weights == "frequency" else rows.weight
            meat = (unit * power[:, None]).T @ (unit * power[:, None])
        else:
            if rows.cluster is None:
                raise DataError("The clusters are not named.", code="cluster", hint='Give cluster="column".')
            codes = np.unique(rows.cluster, return_inverse=True)[1]
            meat = cluster_meat(unit * rows.weight[:, None], codes, small_sample)
        return replace(self, covariance=bread @ meat @ bread, vcov=kind)

    def predict(self, new: Any = None) -> Any:
        """Shares of the categories, as a DataFrame."""
        frame = self.get_prediction(new)
        return frame.pivot(index="row", columns="category", values="share")[list(self.categories)]

    def get_prediction(self, new: Any = None, alpha: float = 0.05) -> Any:
        """Shares with standard errors and limits (logit scale): one row for each row and category."""
        import pandas as pd

        data = self._data("Prediction")
        x, index = data.design.matrix, data.rows.labels
        if new is not None:
            columns, _, index = rows_of(new)
            x = data.design.rebuild(columns, labels=index).matrix
        share, slope = ordinal_shares(self.estimate, x[:, 1:], len(self.categories))
        se = np.sqrt(np.einsum("ijq,qr,ijr->ij", slope, self.covariance, slope))
        half, middle = self._critical(alpha) * se / (share * (1 - share)), special.logit(share)
        columns_out = {
            "row": np.repeat(index, share.shape[1]),
            "category": np.tile(self.categories, len(share)),
            "share": share.ravel(),
            "se": se.ravel(),
            "low": special.expit(middle - half).ravel(),
            "high": special.expit(middle + half).ravel(),
        }
        return pd.DataFrame(columns_out)

    def plot(self, ax: Any = None, alpha: float = 0.05) -> Any:
        """Draw the odds ratios with their limits on a log axis; return the Axes."""
        from exitmodels.render.axes import coefficients

        frame = self.odds_ratios(alpha)
        return coefficients(ax, list(frame.index), frame.to_numpy(), self.ratio_name, f"{100 * (1 - alpha):g}")

    def _data(self, what: str) -> _Data:
        return unstored(self.data, what)

    def _critical(self, alpha: float) -> float:
        if not 0 < alpha < 1:
            raise DataError(f"alpha={alpha} is not between 0 and 1.", code="alpha", hint="0.05 gives 95 % limits.")
        return float(stats.norm.ppf(1 - alpha / 2))
