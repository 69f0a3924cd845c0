"""What a Cox fit refuses, sets aside or warns of, each with its message.

Third floor, in the room of hazards.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.linalg import dependencies
from exitmodels.kernels.optimise import Maximum
from exitmodels.kernels.partial import CoxData, CoxTerms
from exitmodels.kernels.risksets import RiskIndex
from exitmodels.shapes.design import Design
from exitmodels.shapes.spells import Spells

__all__ = ["enough", "runaway", "varies"]


def enough(rows: Spells, design: Design, index: RiskIndex) -> None:
    """Refuse one row, no exits, and fewer exits than columns."""
    events, p = len(index.event_rows), len(design.names)
    if len(rows) < 2:
        raise DataError("There is one row only.", code="one-row", hint="A regression compares people.")
    if events == 0:
        raise DataError(
            f"Nobody left for {rows.causes[0]}, so no hazard can be estimated.", code="no-events", hint="Check event=."
        )
    if events < p:
        raise DataError(
            f"There are {events} exits for {p} columns ({', '.join(design.names[:8])}).",
            code="few-events",
            hint="Use fewer columns; ten exits for each is a common rule of thumb.",
        )


def varies(first: CoxTerms, data: CoxData, spread: Floats, names: tuple[str, ...]) -> None:
    """Refuse columns that never differ among people at risk together (say, constant within strata)."""
    size = max(float(data.event_weight.sum()), 1.0)
    if not len(names):
        return
    seen = np.diag(first.information) > 1e-12 * size * spread**2
    flat = [name for name, v in zip(names, seen, strict=True) if not v]
    if not flat:
        flat = [names[d.column] for d in dependencies(first.information, 1e-10)]
    if flat:
        raise DataError(
            "It does not differ among people at risk at the same time (or follows there from other columns), so "
            "its effect cannot be seen.",
            column=flat[0],
            code="no-variation",
            hint="Is it constant within the strata? Take it out, or make it no stratum.",
        )


def runaway(best: Maximum[CoxTerms], names: tuple[str, ...]) -> str:
    """Say which columns separate those who leave from those who stay, when the likelihood has no maximum."""
    if not len(names):
        return ""
    shrunk = np.diag(best.terms.information) / np.diag(best.start.information)
    moving = np.abs(best.step) > 1e-3
    columns = [name for name, small, moves in zip(names, shrunk < 1e-5, moving, strict=True) if small and moves]
    if not columns and not best.converged:
        columns = [name for name, moves in zip(names, moving, strict=True) if moves]
    if not columns:
        return ""
    return (
        f"The likelihood keeps rising as the coefficient of {', '.join(columns)} grows: everyone (or no one) with "
        "the higher value left first (monotone likelihood). The estimate is infinite; its printed value and "
        'standard error mean nothing. Merge levels, or use penalty="firth".'
    )
