"""Survival, incidence of each cause and mean stay that follow from cause-specific baselines and their factors.

Ground floor: NumPy only. Slopes with respect to all parameters come along, for limits by the delta method.

Called by: models.truncation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.kernels.hazardlaws import Law

__all__ = ["Factors", "cumulative_hazards", "incidences", "mean_stay"]

Factors = tuple[Floats, Floats]

_LATEST = 1e280
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)


def cumulative_hazards(
    laws: Sequence[Law], phis: Sequence[Floats], factors: Sequence[Factors], logs: Floats, t: Floats
) -> tuple[Floats, Floats]:
    """Cumulative hazard of each cause and its slopes.

    Parameters
    ----------
    laws, phis : the baseline of each cause and its parameters
    factors : sequence of ((p_k,), (m_k,))
        Values of the covariates, and of the policies, of each cause.
    logs : (K, 2)
        The linear predictor of the covariates of each cause, and of its policies. Policies multiply the hazard;
        covariates multiply it too or, with an accelerated law, stretch its clock.
    t : (t,)

    Returns
    -------
    (K, t), and slopes (K, t, P) in the order: for each cause its law, its covariates, its policies.
    """
    sizes = [len(phi) + len(x) + len(on) for phi, (x, on) in zip(phis, factors, strict=True)]
    value, slopes, at = np.zeros((len(laws), len(t))), np.zeros((len(laws), len(t), sum(sizes))), 0
    for k, (law, phi, (x, on)) in enumerate(zip(laws, phis, factors, strict=True)):
        eta, level = logs[k]
        read = law.basis(t)
        base, steep = law.cumulative(read - eta if law.accelerated else read, phi)
        ratio = np.exp(level if law.accelerated else eta + level)
        value[k] = ratio * base
        moved = ratio * steep[0] if law.accelerated else value[k]
        f, p = len(phi), len(x)
        slopes[k, :, at : at + f] = ratio * steep.T
        slopes[k, :, at + f : at + f + p] = moved[:, None] * x
        slopes[k, :, at + f + p : at + sizes[k]] = value[k][:, None] * on
        at += sizes[k]
    return value, slopes


def incidences(value: Floats, slopes: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Survival (t,), its slopes (t, P), incidences (K, t) and theirs (K, t, P) on a rising grid of times.

    Within a step of the grid the hazards are taken as proportional: its exits, S - S', are shared as the cumulative
    hazards grew. Exact for causes with hazards of one shape; otherwise the error falls with the square of the
    step. Incidences and survival add to one.
    """
    total, steep = value.sum(axis=0), slopes.sum(axis=0)
    survival = np.exp(-total)
    survival_slopes = -survival[:, None] * steep
    before = np.concatenate([[1.0], survival[:-1]])
    before_slopes = np.concatenate([np.zeros((1, steep.shape[1])), survival_slopes[:-1]])
    rise = np.diff(value, axis=1, prepend=0.0)
    rise_slopes = np.diff(slopes, axis=1, prepend=0.0)
    whole = np.maximum(rise.sum(axis=0), 1e-300)
    share = rise / whole
    share_slopes = (rise_slopes - share[:, :, None] * rise_slopes.sum(axis=0)) / whole[:, None]
    gone, gone_slopes = before - survival, before_slopes - survival_slopes
    steps = share * gone
    step_slopes = share_slopes * gone[:, None] + share[:, :, None] * gone_slopes
    return survival, survival_slopes, np.cumsum(steps, axis=1), np.cumsum(step_slopes, axis=1)


def mean_stay(
    laws: Sequence[Law],
    phis: Sequence[Floats],
    factors: Sequence[Factors],
    logs: Floats,
    tau: float,
    inner: Sequence[float] = (),
) -> tuple[float, Floats]:
    """Mean of min(stay, tau) and its slopes (P,): the area under the survival function.

    `tau` may be infinite; then the area ends where t S(t) is below exp(-45). Panels double from a time at which next to
    nobody has left and end at the `inner` times, where a hazard may jump; 12 Gauss-Legendre nodes in each.

    Raises
    ------
    ValueError
        If survival does not fall fast enough, so that the mean stay is infinite.
    """

    def total(t: float) -> float:
        return float(cumulative_hazards(laws, phis, factors, logs, np.array([t]))[0].sum())

    if not np.isfinite(tau):
        middle = 1.0
        while total(middle) < 1:
            middle *= 2
            if middle > 1e60:
                raise ValueError("survival does not fall to zero")
        tau = middle
        while total(tau) - np.log(tau / middle) < 45:
            tau *= 2
            if tau > _LATEST:
                raise ValueError("survival does not fall to zero fast enough")
    least = tau
    while total(least) > 1e-12 and least > tau * 1e-300:
        least /= 2
    edges = least * 2.0 ** np.arange(0, round(np.log2(tau / least)) + 1)
    edges[-1] = tau
    even = np.linspace(0, tau, 65)[1:]
    cuts = [c for c in inner if 0 < c < tau]
    edges = np.unique(np.concatenate([[0.0], edges, even, cuts]))
    half = np.diff(edges) / 2
    nodes = ((edges[:-1] + half)[:, None] + half[:, None] * _NODES).ravel()
    weight = (half[:, None] * _WEIGHTS).ravel()
    value, slopes = cumulative_hazards(laws, phis, factors, logs, nodes)
    survival = np.exp(-value.sum(axis=0)) * weight
    return float(survival.sum()), -survival @ slopes.sum(axis=0)
