"""The end of the leak: how many events had happened whose record was still to come.

Third floor. Kernels: delays.py (reverse hazards) and chainladder.py (Mack).

Read next: shapes/triangle.py (the data), nowcast_results.py (the answers).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError, IdentificationError
from exitmodels.kernels.chainladder import climb_ladder
from exitmodels.kernels.delays import Reverse, dispersion, prediction_variance, reverse_hazards
from exitmodels.models.counts.nowcast_results import DelayDistribution, NowcastResults
from exitmodels.shapes.triangle import DelayTriangle

__all__ = ["Nowcast", "delay_distribution"]

_VARIANCES = ("quasi", "poisson", "mack")


def delay_distribution(triangle: DelayTriangle, variance: str = "quasi") -> DelayDistribution:
    """Estimate the law of the delay between event and record, corrected for delays that could not be seen yet.

    Parameters
    ----------
    triangle : DelayTriangle
    variance : {"quasi", "poisson"}
        "quasi" multiplies the Poisson variance by Pearson's chi-squared over its degrees of freedom (by 1 if that is
        less).

    Returns
    -------
    DelayDistribution, of the delays up to `triangle.max_delay`: nothing is known about longer ones.

    Raises
    ------
    IdentificationError
        When no record could have shown some delay.

    Notes
    -----
    Assumes that the law of the delay did not change over the origins; see `Nowcast(...).fit(...).stability_test()`.
    Source: Lagakos, Barraj and De Gruttola (1988); Kalbfleisch and Lawless (1989).

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"week": [1, 1, 2, 2, 3], "delay": [0, 1, 0, 1, 0], "n": [20, 10, 16, 12, 18]})
    >>> triangle = DelayTriangle.from_table(table, origin="week", delay="delay", n="n")
    >>> delay_distribution(triangle).cdf.round(3).tolist()
    [0.621, 1.0]
    """
    if variance not in ("quasi", "poisson"):
        raise DataError(f"variance={variance!r} is not known.", code="variance", hint='Use "quasi" or "poisson".')
    made = _reverse(triangle)
    phi, _, notes = _spread(triangle, made, variance)
    law = np.diff(made.cdf, prepend=0.0)
    total, delays = triangle.n.sum(axis=0), np.arange(triangle.max_delay + 1)
    return DelayDistribution(
        delay=delays,
        hazard=made.hazard,
        events=made.events,
        at_risk=made.at_risk,
        cdf=made.cdf,
        pmf=law,
        se_log_cdf=np.sqrt(phi * made.variance_log),
        mean=float(delays @ law),
        naive_mean=float(delays @ total / total.sum()),
        dispersion=phi,
        alpha=0.05,
        notes=notes,
        ledger=triangle.ledger,
    )


def _reverse(triangle: DelayTriangle) -> Reverse:
    made = reverse_hazards(triangle.n, triangle.last)
    empty = np.flatnonzero(made.at_risk == 0)
    empty = empty[empty > 0]
    if empty.size:
        raise IdentificationError(
            f"No record belongs to an origin old enough to show a delay of {int(empty[0])} periods.",
            code="no-old-records",
            hint=f"Use max_delay={int(empty[0]) - 1}; what is said then is conditional on delays up to that.",
        )
    return made


def _spread(triangle: DelayTriangle, made: Reverse, variance: str) -> tuple[float, int, tuple[str, ...]]:
    phi, df = dispersion(triangle.n, triangle.last, made.cdf)
    if variance == "poisson":
        return 1.0, df, ()
    if df < 1 or not np.isfinite(phi):
        return 1.0, df, ("too few cells to estimate the dispersion; Poisson variance is used",)
    if triangle.whole and phi < 1:
        return 1.0, df, (f"the dispersion is {phi:.3g}; it is taken as 1",)
    return phi, df, ()


@dataclass(frozen=True)
class Nowcast:
    """Events that had happened by the last day of observation, recorded or not.

    Each origin's records are divided by the probability that a record could have been made by now. The same numbers
    are the chain ladder, and the maximum of a Poisson model with free origins and free delays.

    Parameters
    ----------
    variance : {"quasi", "poisson", "mack"}
        "poisson": Lawless (1994); "quasi": times the dispersion of the triangle (at least 1 for counts), as in the
        over-dispersed Poisson model of Renshaw and Verrall (1998); "mack": Mack (1993), without a law for the counts.
    recent : int, optional
        Use the newest so many origins only, when the law of the delay is thought to have changed before.

    Notes
    -----
    Everything is conditional on delays up to the triangle's `max_delay`: events whose records take longer, or are
    never made, are not counted. If the clerk stopped, records that are missing are not late, and the nowcast means
    nothing: see `exitmodels.RecordEnd`.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"week": [1, 1, 2, 2, 3], "delay": [0, 1, 0, 1, 0], "n": [20, 10, 16, 12, 18]})
    >>> fit = Nowcast().fit(DelayTriangle.from_table(table, origin="week", delay="delay", n="n"))
    >>> fit.nowcast.round(1).tolist()
    [30.0, 28.0, 29.0]
    """

    variance: str = "quasi"
    recent: int | None = None

    def __post_init__(self) -> None:
        if self.variance not in _VARIANCES:
            raise DataError(
                f"variance={self.variance!r} is not known.",
                code="variance",
                hint=f"Use one of {', '.join(_VARIANCES)}.",
            )
        if self.recent is not None and self.recent < 2:
            raise DataError(f"recent={self.recent} is less than 2.", code="recent", hint="Two origins are the least.")

    def fit(self, triangle: DelayTriangle) -> NowcastResults:
        """Complete the triangle.

        Raises
        ------
        IdentificationError
            When no record could have shown some delay, or Mack's variance has no two origins to compare.
        """
        if self.recent is not None and self.recent < len(triangle.n):
            triangle = triangle.recent(self.recent)
        made = _reverse(triangle)
        phi, df, notes = _spread(triangle, made, "quasi" if self.variance == "mack" else self.variance)
        total, share = triangle.n.sum(axis=1), made.cdf[triangle.last]
        lost = share <= 0
        if lost.any():
            notes += (f"{int(lost.sum())} newest origins have no estimate: no record of an older one was made so soon",)
        safe = np.where(lost, 1.0, share)
        loose = np.where(lost, 0.0, made.variance_log[triangle.last])
        own, whole = prediction_variance(np.where(lost, 0.0, total), safe, loose)
        variance, total_variance = phi * own, phi * whole
        if self.variance == "mack":
            variance, total_variance = _mack(triangle)
        first = int(np.argmax(triangle.last < triangle.max_delay))
        return NowcastResults(
            origins=triangle.origins,
            observed=total,
            share_seen=np.where(lost, np.nan, share),
            nowcast=np.where(lost, np.nan, total / safe),
            variance=np.where(lost, np.nan, variance),
            variance_log=loose,
            total_variance=total_variance,
            kind=self.variance,
            dispersion=phi,
            df=df,
            whole=triangle.whole,
            first_open=first,
            alpha=0.05,
            notes=notes,
            ledger=triangle.ledger,
            delay=delay_distribution(triangle, "poisson" if self.variance == "poisson" else "quasi"),
            triangle=triangle,
        )


def _mack(triangle: DelayTriangle) -> tuple[Floats, float]:
    ladder = climb_ladder(triangle.n, triangle.last)
    if np.isnan(ladder.sigma2).any():
        raise IdentificationError(
            "Mack's variance compares origins that show the same factor; here some factors are shown by one only, "
            "and fewer than two before them have a variance.",
            code="mack",
            hint='Use variance="quasi", or a smaller max_delay.',
        )
    return ladder.variance, ladder.total_variance
