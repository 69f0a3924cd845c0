"""Stays seen only because they ended inside a window with two ends.

Third floor. Use it for records of exits: a person who left before the window opens, or after it closes, has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from exitmodels.models.truncation.estimate import Double
from exitmodels.models.truncation.fitting import Choices, fit_groups
from exitmodels.models.truncation.window_curve import WindowCurve
from exitmodels.shapes.spells import Spells

__all__ = ["DoublyTruncated"]

_VARIANCES = ("robust", "model", "cluster", "jackknife", "bootstrap", "none")


@dataclass(frozen=True)
class DoublyTruncated:
    """Nonparametric maximum likelihood estimate of stays seen through windows with two ends.

    Parameters
    ----------
    by : str or list of str, optional
        Columns whose values (crossed) make the groups; each has its own estimate.
    kind : {"survival", "incidence"}
        Survival whatever the cause; or the incidence of each cause, whose sum is one minus survival.
    variance : {"robust", "model", "cluster", "jackknife", "bootstrap", "none"}, optional
        "robust" (default): infinitesimal jackknife over rows. "model": inverse of the observed information. "cluster":
        infinitesimal jackknife over clusters. "jackknife": leave out each row or cluster (200 random blocks when they
        are many) and fit again. "bootstrap": resample rows or clusters and fit again.
    transform : {"log-log", "log", "plain", "arcsine", "logit", "cloglog"}
        Scale of the pointwise limits.
    closed : {"right", "both"}
        Whether an exit at the left limit itself would have been seen: left < exit <= right (default), or
        left <= exit <= right.
    existence : {"raise", "largest"}
        What to do when the windows do not link all times, so that no unique estimate exists: refuse, or set the rows
        outside the largest linked set aside and condition on its times.
    n_samples : int
        Bootstrap samples.
    rng : numpy Generator or seed, optional
        For the bootstrap, and for the blocks of the jackknife.

    Notes
    -----
    Assumes that stays do not depend on when people came (quasi-independence of the stay and its window), which
    `quasi_independence_test` tests; a policy that changes stays from some date on breaks it. Conditional on the range
    that could be seen. With more than 1000 distinct times, standard errors come from times merged into cells.

    Source: Efron & Petrosian (1999); Shen (2010); existence: Xiao & Hudgens (2019); information: Emura, Konno &
    Michimae (2015); incidence: de Una-Alvarez (2020).

    Examples
    --------
    >>> import exitmodels as xm
    >>> curve = xm.DoublyTruncated().fit(xm.datasets.exits431().spells())
    >>> curve.means()[["naive", "mean", "se"]].round(1).values.tolist()[0][0] < curve.checks[0].mean
    True
    """

    by: str | Sequence[str] | None = None
    kind: str = "survival"
    variance: str | None = None
    transform: str = "log-log"
    closed: str = "right"
    existence: str = "raise"
    n_samples: int = 500
    rng: np.random.Generator | int | None = None

    def fit(self, spells: Spells) -> WindowCurve:
        """Estimate the curve of each group.

        Raises
        ------
        SchemeError
            If the spells have no windows.
        DataError
            If somebody had not left, or an exit lies outside its window.
        IdentificationError
            If the windows do not link all times (see `existence`).
        """
        choices = Choices(
            "DoublyTruncated",
            self.by,
            self.kind,
            self.variance,
            _VARIANCES,
            "robust",
            self.transform,
            self.closed,
            self.n_samples,
            self.rng,
        )
        what = "survival" if self.kind == "survival" else "cumulative incidence"
        sources = ("efron_petrosian1999", "shen2010", "xiao_hudgens2019")
        extra: tuple[str, ...] = ("emura2015",) if self.variance == "model" else ()
        extra += ("de_una_alvarez2020",) if self.kind == "incidence" else ()
        return fit_groups(
            spells, choices, Double(), self.existence, f"Doubly truncated estimate of {what}", (*sources, *extra)
        )
