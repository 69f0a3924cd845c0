"""Scores of a predicted risk at one time: Brier score, area under the ROC curve, ROC points.

Ground floor. Every score is a smooth function of weighted sums, so each comes with its influence: the
derivative by the weight of each row, the estimated censoring included. Squared and added over people or
clusters, influences give variances, and covariances of scores of several models at once.

Read next: ipcw.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats, Ints
from exitmodels.kernels.grouped import group_sum
from exitmodels.kernels.ipcw import Censoring, Known

__all__ = ["Scored", "brier_score", "covariance", "dynamic_auc", "probability_above", "roc_points", "roc_sides"]


@dataclass(frozen=True, eq=False)
class Scored:
    """A score of each of m models with its influence.

    Attributes
    ----------
    value : (m,)
    influence : (n, m)
        Derivative by the weight of each row.
    """

    value: Floats
    influence: Floats


def covariance(influence: Floats, weight: Floats, copies: bool, cluster: Ints | None = None) -> Floats:
    """Covariance of scores from their influences, (m, m).

    Parameters
    ----------
    influence : (n, m)
    copies : bool
        Whether a weight counts separate people with equal values.
    cluster : (n,) int, optional
        Rows of one cluster are added before they are squared.

    Notes
    -----
    Times u / (u - 1) for u people, rows or clusters, as in the variance of a mean (and in the R packages
    timeROC and riskRegression).
    """
    apart = copies and cluster is None
    own = influence * (np.sqrt(weight) if apart else weight)[:, None]
    if cluster is not None:
        codes = np.unique(cluster, return_inverse=True)[1]
        own = group_sum(own, codes, int(codes.max()) + 1)
    units = float(weight.sum()) if apart else float(len(own))
    return np.asarray(own.T @ own * (units / (units - 1.0) if units > 1 else np.nan))


def brier_score(known: Known, censoring: Censoring, weight: Floats, risk: Floats, cause: int) -> Scored:
    """Mean squared difference between what happened by t and its predicted risk.

    Parameters
    ----------
    risk : (n, m)
        Predicted probability of having left for `cause` by t, one column for each model.

    Notes
    -----
    Source: Graf et al. (1999); Gerds & Schumacher (2006); influence: the derivative of the estimate.
    """
    size = float(weight.sum())
    squares = ((known.event == cause)[:, None] - risk) ** 2 / size
    terms = known.weight[:, None] * squares
    value = weight @ terms
    back = censoring.adjoint(known.limit, weight[:, None] * terms)
    return Scored(value, terms + back - value / size)


def roc_sides(known: Known, cause: int, controls: str = "event-free") -> tuple[Bools, Bools]:
    """Who is a case, and who a control: those still there, or ("all") also those who left for other causes."""
    case = known.event == cause
    return case, known.there if controls == "event-free" else known.there | ((known.event > 0) & ~case)


def dynamic_auc(
    known: Known, censoring: Censoring, weight: Floats, marker: Floats, cause: int, controls: str = "event-free"
) -> Scored:
    """Probability that one who has left for `cause` by t has the higher marker than one who has not.

    Parameters
    ----------
    marker : (n, m)
        Higher means sooner; ties count one half.
    controls : {"event-free", "all"}
        Compared with those still there, or also with those who left for another cause.

    Notes
    -----
    Cumulative cases, dynamic controls. Source: Uno et al. (2007); Blanche, Dartigues & Jacqmin-Gadda (2013).
    NaN when there is no case or no control.
    """
    case, control = roc_sides(known, cause, controls)
    a, c = np.where(case, known.weight, 0.0), np.where(control, known.weight, 0.0)
    cases, rest = float(weight @ a), float(weight @ c)
    m = marker.shape[1]
    if cases == 0 or rest == 0:
        return Scored(np.full(m, np.nan), np.full((len(weight), m), np.nan))
    share = np.empty(m)
    residual = np.empty(marker.shape)
    for j in range(m):
        below = probability_above(marker[:, j], weight * c) / rest
        above = 1.0 - probability_above(marker[:, j], weight * a) / cases
        share[j] = float(weight @ (a * below)) / cases
        residual[:, j] = np.where(case, (below - share[j]) / cases, 0.0) + np.where(
            control, (above - share[j]) / rest, 0.0
        )
    terms = known.weight[:, None] * residual
    return Scored(share, terms + censoring.adjoint(known.limit, weight[:, None] * terms))


def probability_above(marker: Floats, values: Floats) -> Floats:
    """For each row, the sum of `values` over lower markers, plus half of that over equal ones."""
    levels, code = np.unique(marker, return_inverse=True)
    total = np.bincount(code, values, len(levels))
    upto = np.cumsum(total)
    return np.asarray((upto - total / 2)[code])


def roc_points(
    known: Known,
    censoring: Censoring,
    weight: Floats,
    marker: Floats,
    cause: int,
    cutpoints: Floats | None = None,
    controls: str = "event-free",
) -> dict[str, AnyArray]:
    """Sensitivity, specificity and predictive values of "marker above a cutpoint", with their influences.

    Parameters
    ----------
    marker : (n,)
    cutpoints : (q,), optional
        By default every value of the marker; influences are given for chosen cutpoints only.

    Returns
    -------
    dict with "cutpoint", "sensitivity", "specificity", "ppv", "npv", each (q,), and "influence", (n, 4 q), in
    that order (cutpoint by cutpoint within each), or no "influence".
    """
    case, control = roc_sides(known, cause, controls)
    a, c = np.where(case, known.weight, 0.0), np.where(control, known.weight, 0.0)
    levels, code = np.unique(marker, return_inverse=True)
    cuts = levels if cutpoints is None else np.asarray(cutpoints, dtype=float)
    upto = [np.concatenate([[0.0], np.cumsum(np.bincount(code, weight * s, len(levels)))]) for s in (a, c)]
    at = np.searchsorted(levels, cuts, side="right")
    (all_a, all_c), (low_a, low_c) = (u[-1] for u in upto), (u[at] for u in upto)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {
            "cutpoint": cuts,
            "sensitivity": 1.0 - low_a / all_a,
            "specificity": low_c / all_c,
            "ppv": (all_a - low_a) / (all_a - low_a + all_c - low_c),
            "npv": low_c / (low_a + low_c),
        }
    if cutpoints is None:
        return found
    above = marker[:, None] > cuts
    ca, co = case[:, None], control[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        residual = np.concatenate(
            [
                ca * (above - found["sensitivity"]) / all_a,
                co * (~above - found["specificity"]) / all_c,
                above * (ca - found["ppv"] * (ca | co)) / (all_a - low_a + all_c - low_c),
                ~above * (co - found["npv"] * (ca | co)) / (low_a + low_c),
            ],
            axis=1,
        )
    terms = known.weight[:, None] * residual
    return {**found, "influence": terms + censoring.adjoint(known.limit, weight[:, None] * terms)}
