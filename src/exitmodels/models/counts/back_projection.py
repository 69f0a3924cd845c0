"""Back-projection: when events lay whose records are dated, if the law of the delay is known from elsewhere.

Third floor. The arithmetic is in kernels/backprojection.py.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats
from exitmodels.errors import ConvergenceWarning, DataError
from exitmodels.kernels.backprojection import back_project, expected_records
from exitmodels.results.bibliography import citation
from exitmodels.results.estimates import Estimates
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.ledger import Ledger

__all__ = ["BackProjection", "BackProjectionResults"]


@dataclass(frozen=True)
class BackProjection:
    """Events by period, from records by period and a known law of the delay.

    Parameters
    ----------
    law : sequence of float
        Probabilities of delays of 0, 1, 2, ... periods; they sum to one.
    smooth : int
        Even; the estimate is smoothed over this many periods and one, with binomial weights. 0 for none.
    draws : int
        Simulated series behind the limits.
    rng : numpy Generator or seed

    Notes
    -----
    The law is taken as known: limits hold the randomness of the records only, and smoothing flattens peaks, so that
    they are for the smoothed curve. Estimates for the newest periods rest on few records; those of which nothing
    could be seen yet have none. Source: Becker, Watson and Carlin (1991), run to convergence.

    Examples
    --------
    >>> counts = Counts.from_table({"n": [0, 1, 4, 9, 8, 3, 1, 0, 0]}, n="n")
    >>> fit = BackProjection([0.2, 0.5, 0.3], draws=50, rng=1).fit(counts)
    >>> int(fit.estimate.argmax())
    2
    """

    law: Sequence[float]
    smooth: int = 2
    draws: int = 199
    rng: Any = 0

    def __post_init__(self) -> None:
        law = np.asarray(self.law, dtype=np.float64)
        if law.ndim != 1 or law.size == 0 or not np.all(law >= 0) or abs(law.sum() - 1) > 1e-8:
            raise DataError(
                f"law={list(np.ravel(law))[:6]} is not a law: probabilities of delays 0, 1, 2, ... that sum to 1.",
                code="law",
                hint="delay_distribution(triangle).pmf is one, given a largest delay.",
            )
        if self.smooth < 0 or self.smooth % 2:
            raise DataError(f"smooth={self.smooth} is not an even number of 0 or more.", code="smooth", hint="Use 2.")
        object.__setattr__(self, "law", tuple(law.tolist()))

    def fit(self, counts: Counts) -> BackProjectionResults:
        """Project one series of counts back.

        Raises
        ------
        DataError
            For several series, periods of unequal length, or no record at all.
        """
        order = np.argsort(counts.start if counts.dated else counts.period_code, kind="stable")
        if len(set(counts.period_code.tolist())) < len(counts):
            raise DataError(
                "There are several series.", code="several-series", hint="Sum or choose one: aggregate(), select()."
            )
        if counts.partial.any():
            raise DataError(
                "A period is cut by the window, which shifts delays that are counted in periods.",
                code="partial",
                hint="Count in days, or choose a window of whole periods.",
            )
        y, law = counts.n[order].astype(np.float64), np.array(self.law)
        if y.sum() == 0:
            raise DataError("There is no record.", code="empty", hint="Check the window.")
        rate, seen, converged, _ = back_project(y, law, self.smooth)
        notes = [] if converged else ["the search stopped before its rule was met"]
        if not converged:
            warnings.warn(notes[0], ConvergenceWarning, stacklevel=2)
        blind = int(np.sum(seen <= 0))
        if blind:
            notes.append(f"{blind} newest periods have no estimate: none of their records could have been made yet")
        rng = np.random.default_rng(self.rng)
        drawn = rng.poisson(expected_records(rate, law), (self.draws, len(y))).astype(np.float64)
        paths = back_project(drawn, law, self.smooth, tol=1e-5, most=500)[0]
        return BackProjectionResults(
            periods=counts.periods if counts.dated else tuple(str(i + 1) for i in range(len(y))),
            records=y,
            estimate=rate,
            share_seen=seen,
            fitted=expected_records(rate, law),
            paths=np.sort(paths, axis=0),
            smooth=self.smooth,
            met=converged,
            alpha=0.05,
            notes=tuple(notes),
            ledger=counts.ledger,
        )


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class BackProjectionResults(Estimates):
    """Events by period.

    Attributes
    ----------
    records : (T,)
    estimate : (T,)
        Events by period; 0 by convention where `share_seen` is 0, and NaN in tables.
    share_seen : (T,)
        Probability that the record of an event of that period was made by the end.
    fitted : (T,)
        Expected records.
    """

    periods: tuple[str, ...]
    records: Floats
    estimate: Floats
    share_seen: Floats
    fitted: Floats
    paths: AnyArray
    smooth: int
    met: bool
    alpha: float
    notes: tuple[str, ...] = ()
    ledger: Ledger | None = None

    @property
    def converged(self) -> bool:
        """Whether the iteration met its rule."""
        return self.met

    def _named(self) -> tuple[Sequence[str], Floats]:
        return self.periods, np.where(self.share_seen > 0, self.estimate, np.nan)

    def _limits(self, alpha: float) -> tuple[Floats, Floats]:
        """Basic bootstrap limits on the square-root scale."""
        root = 2 * np.sqrt(self.estimate)
        ends = [np.sqrt(np.quantile(self.paths, q, axis=0)) for q in (1 - alpha / 2, alpha / 2)]
        low, high = (np.maximum(root - end, 0.0) ** 2 for end in ends)
        # Where little could be seen, an estimate near zero is no knowledge: the upper limit is at least that of none.
        unseen, width = self.share_seen <= 0, self.smooth + 1
        floor = -np.log(alpha / 2) / (np.where(unseen, 1.0, self.share_seen) * width)
        return np.where(unseen, 0.0, low), np.where(unseen, np.inf, np.maximum(high, floor))

    def _heading(self) -> str:
        return "Back-projection of records to events"

    def _measure(self) -> str:
        return "events"

    def _more(self) -> dict[str, Sequence[Any]]:
        return {"records": self.records.tolist(), "share seen": self.share_seen.tolist()}

    def plot(self, ax: Any = None, alpha: float | None = None) -> Any:
        """Draw records as bars and the events behind them as a line with limits; return the Axes."""
        from exitmodels.render.series import counted_series

        limits = self.conf_int(alpha).to_numpy()
        level = f"{100 * (1 - (self.alpha if alpha is None else alpha)):g} %"
        known = np.isfinite(limits).all(axis=1)
        n = len(self.records)
        return counted_series(
            ax, y=self.records, mean=self._named()[1], low=np.where(known, limits[:, 0], np.nan),
            high=np.where(known, limits[:, 1], np.nan), starts=None, ends=None, partial=np.zeros(n, dtype=bool),
            level=level, label="events, projected back",
        )  # fmt: skip

    def cite(self) -> str:
        """Print the version and the paper behind these numbers."""
        return citation(("becker1991",), self._heading())

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__
