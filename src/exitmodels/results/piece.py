"""One piece of a curve: the steps of one group (and cause), with the counts behind them.

Second floor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.kernels.steps import value_at
from exitmodels.results.storing import Stored

__all__ = ["Piece", "counts_at", "group_counts", "matches"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Piece(Stored):
    """The curve of one group (and cause).

    Attributes
    ----------
    keys : mapping
        What this piece is for, such as ``{"fin": 1}`` or ``{"unit": "a", "cause": "treatment"}``.
    time, estimate, se : (k,)
    at_risk, events, censored : (k,)
        Weighted counts; empty for predicted curves.
    n : float
        Rows (replications counted), or 1 for a predicted curve.
    until : float, optional
        Last time at which the curve is known; by default the last of `time`.
    integral_se : function, optional
        Standard error of the integral of the curve from 0 to tau. It needs the data, so it is not saved.
    independent : bool
        Whether the error of the curve (of log S, or of the cumulative hazard) has independent increments, so that
        the critical values of bands follow from Brownian paths.
    resample : function, optional
        ``resample(start, end, n_draws, rng)``: for each multiplier draw, the largest absolute error from start to
        end, in standard errors. It needs the data, so it is not saved.
    """

    keys: Mapping[str, Any]
    time: Floats
    estimate: Floats
    se: Floats
    at_risk: Floats
    events: Floats
    censored: Floats
    n: float
    until: float | None = None
    integral_se: Callable[[float], float] | None = field(default=None, metadata={"stored": False})
    independent: bool = False
    resample: Callable[[float, float, int, np.random.Generator], Floats] | None = field(
        default=None, metadata={"stored": False}
    )

    @classmethod
    def predicted(
        cls, keys: Mapping[str, Any], time: Floats, estimate: Floats, se: Floats, until: float | None = None
    ) -> Piece:
        """Make a piece that was predicted, so that no counts stand behind it."""
        none = np.empty(0)
        return cls(
            keys=keys, time=time, estimate=estimate, se=se, at_risk=none, events=none, censored=none, n=1.0, until=until
        )

    @property
    def known_until(self) -> float:
        """Last time at which the curve is known."""
        if self.until is not None:
            return self.until
        return float(self.time[-1]) if len(self.time) else 0.0

    @property
    def label(self) -> str:
        """The keys in words."""
        return ", ".join(f"{name}={value}" for name, value in self.keys.items()) or "all"


def matches(piece: Piece, place: int, which: Any) -> bool:
    if isinstance(which, Mapping):
        return all(piece.keys.get(name) == value for name, value in which.items())
    if isinstance(which, (int, np.integer)) and not isinstance(which, bool):
        return place == which
    return piece.label == which or set(str(which).split(", ")) <= set(piece.label.split(", "))


def group_counts(pieces: Sequence[Piece], times: Floats) -> dict[str, Floats]:
    """At risk and censored once for the group; exits summed over the causes that are shown."""
    counts = [counts_at(piece, times) for piece in pieces]
    return {**counts[0], "events": np.sum([c["events"] for c in counts], axis=0)}


def counts_at(piece: Piece, times: Floats) -> dict[str, Floats]:
    if not len(piece.at_risk):
        return {}
    following = np.append(piece.at_risk, 0.0)[np.searchsorted(piece.time, times, side="left")]
    events = value_at(piece.time, np.cumsum(piece.events), times, 0.0)
    censored = value_at(piece.time, np.cumsum(piece.censored), times, 0.0)
    return {"at_risk": following, "events": events, "censored": censored}
