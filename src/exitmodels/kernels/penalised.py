"""Quadratic penalties on the log partial likelihood: ridge and penalised splines.

Ground floor. The penalised log-likelihood is l(b) - b'P b / 2 with P positive
semi-definite. With I the information and H = I + P, the covariance of the
estimate is H^-1 (as of a posterior) or H^-1 I H^-1 (over repeated samples), and
the degrees of freedom that are left are the trace of H^-1 I.

Read next: lasso.py (absolute values), smoothing.py (how large P should be).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.kernels.linalg import symmetric_inverse
from exitmodels.kernels.optimise import Maximum, newton
from exitmodels.kernels.partial import CoxData, CoxTerms, cox_terms

__all__ = ["PenalisedTerms", "block_df", "covariances", "penalised_maximum", "penalised_terms", "saturated"]


@dataclass(frozen=True, eq=False)
class PenalisedTerms:
    """Penalised log-likelihood, its gradient and information, and the unpenalised terms at the same point."""

    value: float
    gradient: Floats
    information: Floats
    plain: CoxTerms


def penalised_terms(beta: Floats, data: CoxData, penalty: Floats, plain: CoxTerms | None = None) -> PenalisedTerms:
    """Evaluate l(b) - b'P b / 2.

    Parameters
    ----------
    penalty : (p, p)
        P, symmetric and positive semi-definite.
    plain : CoxTerms, optional
        The unpenalised terms at `beta`, if they are known.

    Notes
    -----
    Source: Gray (1992); Verweij & van Houwelingen (1994).
    """
    plain = cox_terms(beta, data) if plain is None else plain
    pull = penalty @ beta
    return PenalisedTerms(
        plain.value - 0.5 * float(beta @ pull), plain.gradient - pull, plain.information + penalty, plain
    )


def penalised_maximum(
    data: CoxData, penalty: Floats, start: Floats, tol: float = 1e-9, max_steps: int = 40, first: CoxTerms | None = None
) -> Maximum[PenalisedTerms]:
    """Maximise l(b) - b'P b / 2 by Newton's method; `tol` as in `optimise.newton`."""
    begin = None if first is None else penalised_terms(start, data, penalty, first)
    return newton(lambda b: penalised_terms(b, data, penalty), start, tol, max_steps, begin)


def covariances(information: Floats, penalty: Floats) -> tuple[Floats, Floats]:
    """H^-1 and H^-1 I H^-1, with H = I + P.

    Notes
    -----
    Source: Gray (1992), section 2; `var` and `var2` of R's survival package.
    """
    inverse = symmetric_inverse(information + penalty)
    return inverse, inverse @ information @ inverse


def block_df(bayes: Floats, sampling: Floats, blocks: Sequence[Any]) -> Floats:
    """Degrees of freedom of blocks of coefficients (lists of positions): the trace of V_jj^-1 V2_jj.

    V is H^-1 (`bayes`) and V2 is H^-1 I H^-1 (`sampling`), as `covariances` gives them. For the block of all
    coefficients this is the trace of H^-1 I; blocks need not add up to that.

    Notes
    -----
    Source: Gray (1992); Therneau & Grambsch (2000), section 5.8.
    """
    out = np.empty(len(blocks))
    for i, block in enumerate(blocks):
        part = np.ix_(block, block)
        spread = np.sqrt(np.diag(bayes[part]))
        unit = np.outer(spread, spread)
        out[i] = np.trace(np.linalg.solve(bayes[part] / unit, sampling[part] / unit))
    return out


def saturated(data: CoxData) -> float:
    """Largest value that the log partial likelihood could take with these ties: the zero of the deviance.

    Under Breslow's approximation minus the sum of d log d over event times, d the weight of those who leave;
    under Efron's, with d people of equal weight, minus the sum of log d!.
    """
    from scipy.special import gammaln

    if data.efron:
        return -float(data.share @ (gammaln(data.count + 1) + data.count * np.log(data.share)))
    total = data.share * data.count
    seen = total[total > 0]
    return -float(seen @ np.log(seen))
