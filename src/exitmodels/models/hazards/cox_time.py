"""Effects that change with time: from what the user writes to functions at the event times.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.risksets import RiskIndex
from exitmodels.kernels.varying import Varying

__all__ = ["changing"]

_KNOWN = {"log": np.log, "identity": np.asarray, "sqrt": np.sqrt}


def changing(asked: Mapping[str, Any], names: tuple[str, ...], index: RiskIndex) -> tuple[Varying, tuple[str, ...]]:
    """Columns, functions at the event times, and names of the products."""
    columns: list[int] = []
    steps: list[Floats] = []
    made: list[str] = []
    for key, function in asked.items():
        own = [j for j, name in enumerate(names) if name == key or name.startswith(f"{key}[")]
        if not own:
            raise DataError(
                "time_varying= names a column that the formula does not have.",
                column=key,
                code="time-varying",
                hint=f"Columns: {', '.join(names) or 'none'}; put the column in the formula too.",
            )
        table, label = _values(key, function, index.times)
        for j in own:
            for m in range(table.shape[1]):
                columns.append(j)
                steps.append(table[:, m])
                made.append(f"{names[j]}:{label}" + (f"[{m + 1}]" if table.shape[1] > 1 else ""))
    return Varying(np.asarray(columns, dtype=np.int64), np.column_stack(steps)), tuple(made)


def _values(key: str, function: Any, times: Floats) -> tuple[Floats, str]:
    """The function at the event times, (k, m), and what to call it."""
    label = function if isinstance(function, str) else getattr(function, "__name__", "f")
    label = "f(t)" if label in ("<lambda>", "f") else f"{label}(t)"
    if isinstance(function, str):
        if function not in _KNOWN:
            raise DataError(
                f"time_varying function {function!r} is not known.",
                column=key,
                code="time-varying",
                hint=f"One of {', '.join(_KNOWN)}, or a function of an array of times.",
            )
        function = _KNOWN[function]
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.asarray(function(times), dtype=float)
    if values.ndim not in (1, 2) or len(values) != len(times):
        raise DataError(
            f"The function of time gives an array of shape {values.shape} for {len(times)} times.",
            column=key,
            code="time-varying",
            hint="Return one number (or one row) for each time.",
        )
    bad = ~np.isfinite(values.reshape(len(times), -1)).all(axis=1)
    if bad.any():
        raise DataError(
            f"The function of time is not finite at t = {times[bad][0]:g}.",
            column=key,
            code="time-varying",
            hint="Shift the time, as in log(t + 1).",
        )
    return values.reshape(len(times), -1), label
