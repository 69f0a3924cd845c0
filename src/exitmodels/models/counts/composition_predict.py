"""Predicted shares with limits, one at a time or together, and the figure of shares over time.

Third floor. Limits are made on the logit scale of each share, so that they stay between 0 and 1.

Called by: composition_results.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special, stats

from exitmodels.arrays import AnyArray, Floats
from exitmodels.errors import DataError
from exitmodels.kernels.multinomial import row_blocks, shares_of
from exitmodels.kernels.simultaneous import largest_critical
from exitmodels.models.counts.composition_fit import Fitted, relative_offset
from exitmodels.models.counts.reason_rows import Asked, ReasonRows, read_reasons
from exitmodels.shapes.columns import Columns, rows_of
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.frames import Column

if TYPE_CHECKING:
    from exitmodels.models.counts.composition_results import CompositionResults

__all__ = ["SharePrediction", "predicted_shares", "share_figure", "shares_at"]

_TOGETHER = 4_000_000


@dataclass(frozen=True, eq=False)
class SharePrediction:
    """Shares of every reason at some rows.

    Attributes
    ----------
    reasons : tuple of str
    shares : (m, J)
    design : (m, p)
    covariance : (K p, K p)
        Of the coefficients of the shares.
    index : (m,)
        Row labels.
    df_resid : float or None
        Degrees of freedom of Student's t.
    """

    reasons: tuple[str, ...]
    shares: Floats
    design: Floats
    covariance: Floats
    index: AnyArray
    df_resid: float | None = None

    @property
    def predicted_mean(self) -> Any:
        """Shares, as a DataFrame with one column for each reason."""
        import pandas as pd

        return pd.DataFrame(self.shares, columns=list(self.reasons), index=self.index)

    def slopes(self, which: Floats, rows: slice = slice(None)) -> tuple[Floats, Floats]:
        """Share of a set of reasons (`which` is 0 or 1 for each) and its derivatives along the coefficients."""
        share, x = self.shares[rows], self.design[rows]
        whole = share @ which
        along = share[:, 1:] * (which[1:] - whole[:, None])
        return whole, (along[:, :, None] * x[:, None, :]).reshape(len(x), -1)

    def set_limits(self, which: Floats, alpha: float = 0.05, critical: float | None = None) -> tuple[Floats, ...]:
        """Share of a set of reasons, its standard error and its limits."""
        critical = self._critical(alpha) if critical is None else critical
        parts = []
        for rows in row_blocks(len(self.shares), len(self.covariance)):
            share, slope = self.slopes(which, rows)
            parts.append((share, np.sqrt(np.maximum(np.einsum("iq,qr,ir->i", slope, self.covariance, slope), 0.0))))
        share, se = (np.concatenate(column) for column in zip(*parts, strict=True))
        with np.errstate(divide="ignore", invalid="ignore"):
            half = critical * se / (share * (1 - share))
            middle = special.logit(share)
        inside = np.isfinite(half)
        low = np.where(inside, special.expit(middle - half), share)
        return share, se, low, np.where(inside, special.expit(middle + half), share)

    def _critical(self, alpha: float) -> float:
        if not 0 < alpha < 1:
            raise DataError(f"alpha={alpha} is not between 0 and 1.", code="alpha", hint="0.05 gives 95 % limits.")
        tail = 1 - alpha / 2
        return float(stats.norm.ppf(tail) if self.df_resid is None else stats.t.ppf(tail, self.df_resid))

    def summary_frame(self, alpha: float = 0.05, simultaneous: bool = False) -> Any:
        """One row for each row and reason: share, se, low, high.

        Parameters
        ----------
        alpha : float
        simultaneous : bool
            Limits that hold for all shares of the frame together (the law of the largest of their errors).
        """
        import pandas as pd

        critical = self._together(alpha) if simultaneous else None
        m, j = self.shares.shape
        found = [np.stack(self.set_limits(which, alpha, critical)) for which in np.eye(j)]
        share, se, low, high = np.stack(found, axis=-1).reshape(4, -1)
        columns = {"row": np.repeat(self.index, j), "reason": np.tile(self.reasons, m)}
        return pd.DataFrame({**columns, "share": share, "se": se, "low": low, "high": high})

    def _together(self, alpha: float) -> float:
        m, j = self.shares.shape
        if m * j * len(self.covariance) > _TOGETHER or m * j > 3000:
            raise DataError(
                f"{m * j} shares are too many for joint limits.", code="simultaneous", hint="Give fewer rows."
            )
        slope = np.concatenate([self.slopes(which)[1] for which in np.eye(j)])
        return largest_critical(slope @ self.covariance @ slope.T, alpha, self.df_resid)


def predicted_shares(result: CompositionResults, fitted: Fitted, new: Any) -> SharePrediction:
    """Predict at the rows of the fit, or at new ones."""
    if new is None:
        design, offset, index = fitted.design.matrix, relative_offset(fitted.rows), fitted.rows.labels
    else:
        columns, n, index = _new_columns(result, new)
        design = fitted.design.rebuild(columns, labels=index).matrix
        offset = _new_offset(result, columns, n)
    own = len(result.reasons) - 1, len(result.terms)
    size = own[0] * own[1]
    return SharePrediction(
        result.reasons,
        shares_at(result.beta, design, offset),
        design,
        result.covariance[:size, :size],
        index,
        result.df_resid,
    )


def shares_at(beta: Floats, design: Floats, offset: Floats | None = None) -> Floats:
    """Shares of all reasons, the baseline first, (n, J)."""
    rest, log_sum = shares_of(beta, design, offset)
    return np.vstack([np.exp(-log_sum), rest]).T


def _new_columns(result: CompositionResults, new: Any) -> tuple[Columns, int, AnyArray]:
    if isinstance(new, Counts):
        rows: ReasonRows = read_reasons(new, Asked(reason=result.model_of.reason))
        return rows.columns, len(rows), rows.labels
    return rows_of(new)


def _new_offset(result: CompositionResults, columns: Columns, n: int) -> Floats | None:
    given = dict(result.model_of.offset or {})
    if not given:
        return None
    out = np.zeros((n, len(result.reasons)))
    for reason, name in given.items():
        out[:, result.reasons.index(reason)] = columns.want(name).values
    return out[:, 1:] - out[:, :1]


def share_figure(result: CompositionResults, fitted: Fitted, ax: Any, alpha: float, x: str | None) -> Any:
    """Draw stacked shares over time or along a column; None when there is nothing to draw them along."""
    from exitmodels.render.shares import stacked_shares

    rows = fitted.rows
    place: AnyArray
    if x is None and rows.start is not None and rows.end is not None:
        place, label = rows.start + (rows.end - rows.start) // 2, "date"
    elif x is not None:
        column: Column = rows.columns.want(x)
        if column.kind not in ("number", "date"):
            raise DataError("The axis needs numbers or dates.", column=x, code="not-numeric", hint="Another column?")
        place, label = column.values, x
    else:
        return None
    _, first = np.unique(place, return_index=True)
    if len(first) < 2:
        return None
    shown = predicted_shares(result, fitted, None)
    part = SharePrediction(
        shown.reasons, shown.shares[first], shown.design[first], shown.covariance, shown.index[first], shown.df_resid
    )
    below = np.tril(np.ones((len(result.reasons), len(result.reasons))))
    edges = [part.set_limits(which, alpha) for which in below[:-1]]
    cut = (
        None
        if rows.partial is None or rows.start is None or rows.end is None
        else (
            rows.start[first][rows.partial[first]],
            rows.end[first][rows.partial[first]],
        )
    )
    level = f"{100 * (1 - alpha):g}"
    several = len(first) < len(place)
    note = "first row at each place" if several and len(np.unique(shown.design, axis=0)) > len(first) else ""
    return stacked_shares(
        ax,
        place[first],
        [(e[0], e[2], e[3]) for e in edges],
        result.reasons,
        label=label,
        level=level,
        cut=cut,
        note=note,
    )
