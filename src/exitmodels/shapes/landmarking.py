"""Spells as seen from a landmark: those still there at a given time, and what they did afterwards.

First floor; the work behind `Spells.landmark`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from exitmodels.arrays import AnyArray
from exitmodels.errors import DataError
from exitmodels.render.text import number
from exitmodels.shapes.dates import days_in_unit

if TYPE_CHECKING:
    from exitmodels.shapes.spells import Spells

__all__ = ["landmark"]


def landmark(spells: Spells, at: float, horizon: float | None, reset: bool, late: str) -> Spells:
    """Keep those at risk just after `at`; see `Spells.landmark`."""
    if spells.lower is not None or spells.upper is not None:
        raise DataError(
            "Whether someone was still there at the landmark is not known when the exit is only known to lie between "
            "lower and upper.",
            code="interval-censored",
            hint="Choose exact times, or leave these rows out.",
        )
    if late not in ("set aside", "keep"):
        raise DataError(f"late={late!r} is not known.", code="landmark", hint='"set aside" or "keep".')
    if horizon is not None and not horizon > 0:
        raise DataError(f"horizon={horizon:g} is not positive.", code="landmark", hint="It is counted from `at`.")
    if horizon is not None and spells.scheme == "exits-only":
        raise DataError(
            "These records hold exits only, so a stay that is cut at a horizon would not have been recorded.",
            code="scheme",
            hint="Leave horizon out.",
        )
    kept = _present(spells, at, late)
    entry: AnyArray = np.maximum(kept.entry, at)
    exit, event = kept.exit, kept.event
    if horizon is not None:
        close = at + horizon
        kept, entry = _before(kept, entry, close)
        exit, event = np.minimum(kept.exit, close), np.where(kept.exit > close, 0, kept.event)
    changes: dict[str, Any] = {"entry": entry, "exit": exit, "event": event}
    if kept.left_limit is not None:
        changes["left_limit"] = np.maximum(kept.left_limit, at)
    if reset:
        changes = _reset(kept, {**changes, "right_limit": kept.right_limit}, at)
    whole = kept.exit.dtype.kind in "iu" and all(float(v).is_integer() for v in (at, 0 if horizon is None else horizon))
    for name in ("entry", "exit"):
        changes[name] = changes[name].astype(np.int64 if whole else np.float64)
    what = f"counted from the landmark at {number(at)}" if reset else f"at risk from the landmark at {number(at)}"
    return kept._with(**changes, ledger=kept.ledger.note(what))


def _present(spells: Spells, at: float, late: str) -> Spells:
    if not np.any(spells.exit > at):
        raise DataError(
            f"Nobody is still there at {number(at)}; the last spell ends at {number(float(spells.exit.max()))}.",
            code="landmark",
            hint="Choose an earlier landmark.",
        )
    kept = spells if np.all(spells.exit > at) else spells.select(spells.exit > at, why=f"gone by {number(at)}")
    after = kept.entry > at
    if late == "keep" or not after.any():
        return kept
    if after.all():
        raise DataError(
            f"All who are there after {number(at)} entered later.",
            code="landmark",
            hint='Choose a later landmark, or late="keep".',
        )
    return kept.select(~after, why=f"entered after the landmark at {number(at)}")


def _before(kept: Spells, entry: AnyArray, close: float) -> tuple[Spells, AnyArray]:
    """Leave out those who only enter at or after the horizon."""
    inside = entry < close
    if inside.all():
        return kept, entry
    return kept.select(inside, why=f"entered at or after the horizon, {number(close)}"), entry[inside]


def _reset(kept: Spells, changes: dict[str, Any], at: float) -> dict[str, Any]:
    """Count from the landmark."""
    moved = {name: v if v is None or name == "event" else v - at for name, v in changes.items()}
    if kept.origin is not None:
        moved["origin"] = kept.origin + at * days_in_unit(kept.unit)
    return moved
