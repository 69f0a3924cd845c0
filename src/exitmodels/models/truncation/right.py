"""Stays seen only because they ended before the records close.

Third floor. Use it when everybody who came is inside the window: those who stayed too long have no record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exitmodels.errors import SchemeError
from exitmodels.kernels.reversetime import reverse_product_limit
from exitmodels.models.truncation.estimate import Right
from exitmodels.models.truncation.fitting import Choices, fit_groups
from exitmodels.models.truncation.seen import limits, refuse_open, sorted_groups
from exitmodels.models.truncation.window_curve import WindowCurve
from exitmodels.shapes.spells import Spells

__all__ = ["RightTruncated", "refuse_left"]

_VARIANCES = ("greenwood", "model", "robust", "cluster", "jackknife", "bootstrap", "none")


@dataclass(frozen=True)
class RightTruncated:
    """Product limit in reverse time, for stays seen only when they were short enough.

    Parameters
    ----------
    by : str or list of str, optional
        Columns whose values (crossed) make the groups.
    kind : {"survival", "incidence"}
        Survival whatever the cause; or the incidence of each cause.
    variance : {"greenwood", "model", "robust", "cluster", "jackknife", "bootstrap", "none"}, optional
        "greenwood" (default) and "model" are the same number; the others as in `DoublyTruncated`. "robust" by
        default with sampling weights.
    transform : {"log-log", "log", "plain", "arcsine", "logit", "cloglog"}
    n_samples : int
    rng : numpy Generator or seed, optional

    Notes
    -----
    The estimate is **conditional on the stay being no longer than the largest that could be seen**: F(t) / F(longest).
    How many stayed longer is not in such records. Assumes that stays do not depend on when people came. Where few
    are at risk early in reverse time the curve can be 0 or 1 for no good reason; this is said.

    Source: Lynden-Bell (1971); Lagakos, Barraj & De Gruttola (1988); Kalbfleisch & Lawless (1989); incidence: Huang &
    Wang (1995).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[1, 2, 3], right_limit=[2, 3, 3])
    >>> xm.RightTruncated().fit(spells).estimate.tolist()
    [0.75, 0.5, 0.0]
    """

    by: str | Sequence[str] | None = None
    kind: str = "survival"
    variance: str | None = None
    transform: str = "log-log"
    n_samples: int = 500
    rng: np.random.Generator | int | None = None

    def fit(self, spells: Spells) -> WindowCurve:
        """Estimate the curve of each group.

        Raises
        ------
        SchemeError
            If the spells have no windows, or short stays are missing too (a left limit above zero).
        DataError
            If somebody had not left, or an exit lies outside its window.
        """
        refuse_open(spells, "RightTruncated")
        refuse_left(spells, "RightTruncated")
        choices = Choices(
            "RightTruncated",
            self.by,
            self.kind,
            self.variance,
            _VARIANCES,
            "greenwood",
            self.transform,
            "right",
            self.n_samples,
            self.rng,
        )
        what = "survival" if self.kind == "survival" else "cumulative incidence"
        sources: tuple[str, ...] = ("lynden_bell1971", "lagakos1988", "kalbfleisch_lawless1989")
        sources += ("huang_wang1995",) if self.kind == "incidence" else ()
        curve = fit_groups(
            spells,
            choices,
            Right(),
            "raise",
            f"Right-truncated estimate of {what}, given a stay no longer than could be seen",
            sources,
        )
        return self._counted(curve, spells.complete(self.by))

    def _counted(self, curve: WindowCurve, rows: Spells) -> WindowCurve:
        """Add the rows at risk in reverse time, Greenwood's errors at every time, and what to beware of."""
        pieces, notes = list(curve.pieces), list(curve.warnings)
        each = len(pieces) // max(len(curve.checks), 1)
        for g, group in enumerate(sorted_groups(rows, self.by, "right")):
            _, variance, _, events, at_risk = reverse_product_limit(
                group.slot, group.stop, group.weight, len(group.time)
            )
            for j in range(g * each, (g + 1) * each):
                changes: dict[str, Any] = {"at_risk": at_risk, "censored": np.zeros(len(at_risk))}
                if self.kind == "survival" and curve.variance in ("greenwood", "model"):
                    changes["se"] = np.sqrt(variance)
                pieces[j] = replace(pieces[j], **changes)
            stuck = np.flatnonzero((events >= at_risk) & (np.arange(len(events)) > 0))
            if stuck.size:
                at = group.time[int(stuck[-1])]
                notes.append(
                    f"{group.label}: everyone at risk in reverse time at {at:g} left then, so no earlier exit gets any "
                    "mass: earlier and later stays are not linked."
                )
        return replace(curve, pieces=tuple(pieces), warnings=tuple(notes))


def refuse_left(spells: Spells, model: str) -> None:
    """Refuse windows that hide short stays."""
    left, right = limits(spells, "right")
    zero = left > max(0.0, 0.0 if spells.left_limit is None else min(0.0, float(np.min(left))))
    hidden = np.flatnonzero(zero & np.isfinite(left))
    if hidden.size:
        raise SchemeError(
            f"{model} takes every short stay to be on record, but {hidden.size} people came before the window opened, "
            "or were seen only from some time on: had they left earlier they would have no record.",
            rows=spells.labels[hidden],
            code="left-limit",
            hint="Use DoublyTruncated; or select those who came inside the window (spells.left_limit == 0).",
        )
    if not np.isfinite(right).any():
        raise SchemeError(
            f"No right limit is finite, so {model} has nothing to correct.",
            code="no-window",
            hint="Use KaplanMeier, with entry= for delayed entry.",
        )
