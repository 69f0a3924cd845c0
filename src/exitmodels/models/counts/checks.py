"""What a count regression must have before and after it is fitted.

Third floor. Before: enough events, and columns that can be told apart. After: estimates that are finite.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import linalg

from exitmodels.arrays import AnyArray, Floats
from exitmodels.errors import DataError
from exitmodels.kernels.countglm import CountFit
from exitmodels.shapes.frames import Column

__all__ = ["log_exposure", "recoding", "refuse_collinear", "refuse_few", "runaway"]

_RANK = 1e-9


def refuse_few(n_events: float, n_rows: int, names: Sequence[str]) -> None:
    """Fewer events than coefficients, or no more rows than coefficients, cannot carry a regression."""
    p = len(names)
    if n_rows < p or n_rows == 1:
        raise DataError(
            f"There are {n_rows} cells for {p} coefficients ({', '.join(names)}).",
            code="few-rows",
            hint="Count in finer periods, or ask for fewer terms; for one cell use rate().",
        )
    if n_events < p:
        raise DataError(
            f"There are {n_events:g} events for {p} coefficients ({', '.join(names)}).",
            code="few-events",
            hint="Ask for fewer terms, or give the counts with exact limits (rate, rate_ratio).",
        )


def recoding(matrix: Floats, names: Sequence[str]) -> Floats:
    """Return B such that the columns of ``matrix @ B`` are centred and of like size; beta = B @ b."""
    p = matrix.shape[1]
    has_intercept = bool(names) and names[0] == "Intercept"
    middle = matrix.mean(axis=0) if has_intercept else np.zeros(p)
    size = np.sqrt(np.mean((matrix - middle) ** 2, axis=0))
    size[size <= 1e-12 * np.maximum(np.abs(matrix).max(axis=0), 1e-300)] = 1.0
    made = np.diag(1 / size)
    if has_intercept:
        made[0] = np.append(1.0, -middle[1:] / size[1:])
    return made


def refuse_collinear(matrix: Floats, centred: Floats, names: Sequence[str]) -> None:
    """Constant columns, and columns that follow from the others, have no coefficient of their own."""
    _, r, order = linalg.qr(centred, mode="economic", pivoting=True)
    size = np.abs(np.diag(r))
    rank = int(np.sum(size > _RANK * size[0]))
    if rank == len(names):
        return
    extra, kept = int(order[rank]), np.sort(order[:rank])
    if np.ptp(matrix[:, extra]) == 0:
        raise DataError(
            f"It has the value {matrix[0, extra]:g} in every row, so its effect cannot be told from the intercept.",
            column=names[extra],
            code="constant",
            hint="Leave the term out.",
        )
    share = np.linalg.lstsq(matrix[:, kept], matrix[:, extra], rcond=None)[0]
    parts = [f"{c:+.4g} {names[j]}" for j, c in zip(kept, share, strict=True) if abs(c) > 1e-8]
    raise DataError(
        f"It follows from other columns: {names[extra]} = {' '.join(parts) or '0'}.",
        column=names[extra],
        code="collinear",
        hint="Leave one of these terms out.",
    )


def runaway(fit: CountFit, y: Floats, matrix: Floats, names: Sequence[str]) -> str:
    """Name the column whose coefficient runs to infinity, if one does; else return an empty text."""
    lost = (y == 0) & (fit.mean < 1e-6 * y.mean())
    flattest = float(np.linalg.eigvalsh(fit.information).min())
    if not lost.any() or flattest > 1e-6:
        return ""
    among = [j for j in range(len(names)) if names[j] != "Intercept"] or [0]
    # The column that moves most between the rows whose mean vanished and the others.
    moved = [abs(matrix[lost, j].mean() - matrix[~lost, j].mean()) / max(matrix[:, j].std(), 1e-300) for j in among]
    name = names[among[int(np.argmax(moved))]]
    return (
        f"The coefficient of {name!r} runs to infinity: no event in the {int(lost.sum())} cells that it sets apart. "
        "Its estimate and standard error mean nothing; merge the level with another, or give the exact limits of "
        "rate() or rate_ratio() for it."
    )


def log_exposure(column: Column, labels: AnyArray) -> Floats:
    """Logs of the exposures for which a prediction is asked."""
    exposure = column.values.astype(np.float64)
    bad = np.flatnonzero(~(np.isfinite(exposure) & (exposure > 0)))
    if bad.size:
        raise DataError(
            f"{bad.size} exposures are not above zero and finite.",
            column="exposure",
            rows=labels[bad],
            code="exposure",
            hint="Give the time for which to predict, or leave the column out for rates.",
        )
    return np.log(exposure)
