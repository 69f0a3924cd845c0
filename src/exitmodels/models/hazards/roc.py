"""Points of the ROC curve at one time.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import ndtri

from exitmodels.errors import DataError
from exitmodels.kernels.scores import roc_points
from exitmodels.models.hazards.followed import follow
from exitmodels.models.hazards.predicted import event_risks, needed_columns
from exitmodels.models.hazards.score import CONTROLS
from exitmodels.shapes.spells import Spells

__all__ = ["roc"]


def roc(
    prediction: Any,
    spells: Spells,
    time: float,
    *,
    event: Any = None,
    cutpoints: Sequence[float] | None = None,
    censoring: str | None = None,
    start: float | None = None,
    controls: str = "event-free",
    same_day: str = "known",
    alpha: float = 0.05,
) -> Any:
    """Points of the ROC curve at one time, with predictive values.

    Parameters
    ----------
    prediction : fit, or (n,) array
        Risk of having left by `time`, or any marker, higher meaning sooner.
    cutpoints : sequence of float, optional
        With limits at these; by default every value of the prediction, without limits.
    event, censoring, start, controls, same_day
        As in `score`.

    Returns
    -------
    DataFrame
        One row for each cutpoint: sensitivity (share of cases above it), specificity (share of controls not
        above it), ppv and npv; with standard errors and limits (columns ending in _se, _lower and _upper) when
        cutpoints were chosen.

    Notes
    -----
    Source: Uno et al. (2007); Blanche, Dartigues & Jacqmin-Gadda (2013).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[2, 3, 5, 7, 8, 9], event=[1, 1, 0, 1, 0, 1])
    >>> xm.roc([0.8, 0.6, 0.3, 0.4, 0.1, 0.2], spells, 6, cutpoints=[0.5]).sensitivity.tolist()
    [1.0]
    """
    import pandas as pd

    asked = np.array([float(time)])
    if controls not in CONTROLS:
        raise DataError(f"controls={controls!r} is not known.", code="controls", hint="event-free or all.")
    people = follow(spells, "roc", event, asked, start, censoring, same_day, needed_columns({"model": prediction}))
    marker = event_risks("model", prediction, spells, people.keep, asked, event, start).values[:, 0]
    cuts = None if cutpoints is None else np.asarray(cutpoints, dtype=float)
    found = roc_points(people.at(float(time)), people.censoring, people.weight, marker, 1, cuts, controls)
    influence = found.pop("influence", None)
    frame = pd.DataFrame(found)
    if influence is None:
        return frame
    se = np.sqrt(np.diag(people.covariance(influence))).reshape(4, len(frame))
    z = float(ndtri(1 - alpha / 2))
    for name, own in zip(("sensitivity", "specificity", "ppv", "npv"), se, strict=True):
        frame[f"{name}_se"] = own
        frame[f"{name}_lower"] = np.maximum(frame[name] - z * own, 0.0)
        frame[f"{name}_upper"] = np.minimum(frame[name] + z * own, 1.0)
    return frame
