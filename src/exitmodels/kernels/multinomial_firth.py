"""Multinomial logit with Jeffreys' penalty: half the log determinant of the information, so that estimates are finite.

Ground floor: NumPy only. An empty cell sends maximum likelihood to infinity; with the penalty it does not, and the
first-order bias of the estimates is gone. Cost O(n K^2 p^2) a step.

Called by: models.counts.composition_fit.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.kernels.multinomial import MultinomialData, MultinomialTerms, multinomial_terms, row_blocks, shares_of

__all__ = ["firth_terms"]


def firth_terms(at: Floats, data: MultinomialData) -> MultinomialTerms:
    """Evaluate the penalised log-likelihood; the information is that of the likelihood alone.

    Notes
    -----
    The logit link is canonical, so the bias-reducing adjustment of the score is the derivative of half the log
    determinant of the information. With S the shares, V the inverse information and A_jl = x' V_jl x, the derivative
    along the linear predictor k of a row of size m is m s_k (A_kk - sum_j s_j A_jj - 2 (A s)_k + 2 s'A s).
    Source: Firth (1993), section 3; Kosmidis and Firth (2011), section 3.
    """
    plain = multinomial_terms(at, data)
    k, p = data.sums.shape
    sign, logdet = np.linalg.slogdet(plain.information)
    if sign <= 0 or not np.isfinite(logdet):
        return MultinomialTerms(-np.inf, plain.gradient, plain.information)
    inverse = np.linalg.inv(plain.information)
    inverse = ((inverse + inverse.T) / 2).reshape(k, p, k, p)
    beta, slope = at.reshape(k, p), np.zeros((k, p))
    for rows in row_blocks(len(data.design), k * max(k, p)):
        x, m = data.design[rows], data.total[rows]
        share, _ = shares_of(beta, x, None if data.offset is None else data.offset[rows])
        # form[j, l, i] = x_i' V_jl x_i
        form = np.stack([np.einsum("ia,lai->li", x, np.einsum("alb,ib->lai", inverse[j], x)) for j in range(k)])
        own = np.einsum("jji->ji", form)
        pulled = np.einsum("jli,li->ji", form, share)
        inner = (own * share).sum(axis=0) - 2 * (share * pulled).sum(axis=0)
        slope += (m * share * (own - 2 * pulled - inner)) @ x
    gradient = plain.gradient + 0.5 * slope.ravel()
    return MultinomialTerms(float(plain.value + 0.5 * logdet), gradient, plain.information)
