"""Multinomial logit: shares of several categories, fitted by Newton's method with the full block information.

Ground floor: NumPy and SciPy. The likelihood needs the data only through the sums of each category's rows (K, p)
and the total of each row, so rows with equal columns are one row. The information is made of cross products of whole
blocks of rows; the largest array is one block's (K p, rows), never rows x (K p)^2.

Read next: multinomial_firth.py (finite estimates with empty cells), multinomial_scores.py (robust variances).
Called by: models.counts.composition_fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import gammaln

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.optimise import Maximum, newton

__all__ = [
    "MultinomialData",
    "MultinomialTerms",
    "collapse_rows",
    "fit_multinomial",
    "log_ways",
    "multinomial_gradient",
    "multinomial_terms",
    "row_blocks",
    "shares_of",
    "sums_of_codes",
]

_NUMBERS = 1 << 17
_SAFE = 600.0
_SAMPLE, _LARGE = 16, 1 << 17
_POLISHED, _POLISHING = 1e-5, 9


@dataclass(frozen=True, eq=False)
class MultinomialData:
    """What the likelihood needs. K is the number of categories less one: the baseline has linear predictor zero.

    Attributes
    ----------
    design : (n, p)
    total : (n,)
        Weighted number of records in the row.
    sums : (K, p)
        For each category but the baseline, the sum of its records' rows of the design.
    offset : (n, K) or None
        Added to the linear predictors.
    constant : float
        Sum over records of the offset of their category.
    penalty : (K p, K p) or None
        Half of b' penalty b is taken from the log-likelihood.
    """

    design: Floats
    total: Floats
    sums: Floats
    offset: Floats | None = None
    constant: float = 0.0
    penalty: Floats | None = None

    @property
    def size(self) -> int:
        """Number of coefficients, K p."""
        return int(self.sums.size)


@dataclass(frozen=True, eq=False)
class MultinomialTerms:
    """Log-likelihood (without the number of ways to order the records), gradient and information at a point."""

    value: float
    gradient: Floats
    information: Floats


def row_blocks(n: int, width: int) -> Iterator[slice]:
    """Blocks of rows whose temporaries of `width` numbers a row stay in cache."""
    size = int(np.clip(_NUMBERS // max(width, 1), 256, 1 << 14))
    return (slice(start, start + size) for start in range(0, n, size))


def shares_of(beta: Floats, design: Floats, offset: Floats | None = None) -> tuple[Floats, Floats]:
    """Shares of the categories but the baseline, and the log of the sum that they were divided by.

    Parameters
    ----------
    beta : (K, p)
    design : (n, p)
    offset : (n, K), optional

    Returns
    -------
    (K, n), (n,)
        The share of the baseline is one minus the sum, or exp(-log sum).
    """
    powers, total, log_sum = _powers(beta, design, offset)
    powers /= total
    return powers, log_sum


def _powers(beta: Floats, design: Floats, offset: Floats | None) -> tuple[Floats, Floats, Floats]:
    """Exponentials of the linear predictors (K, n), what they must be divided by, and the log of their sum."""
    eta = beta @ design.T
    if offset is not None:
        eta += offset.T
    if eta.max(initial=0.0) < _SAFE:
        np.exp(eta, out=eta)
        total = 1.0 + eta.sum(axis=0)
        return eta, total, np.log(total)
    top = np.maximum(eta.max(axis=0), 0.0)
    eta -= top
    np.exp(eta, out=eta)
    total = eta.sum(axis=0) + np.exp(-top)
    return eta, total, top + np.log(total)


def multinomial_terms(at: Floats, data: MultinomialData) -> MultinomialTerms:
    """Log-likelihood, gradient and information at the coefficients (K p,), category after category.

    Notes
    -----
    Cost: O(n K^2 p^2), nearly all of it in one symmetric product of BLAS per block.
    Source: McCullagh and Nelder (1989), section 6.4; Agresti (2013), section 8.1.
    """
    k, p = data.sums.shape
    beta = at.reshape(k, p)
    value = float((data.sums * beta).sum()) + data.constant
    mean_sums, information = np.zeros((k, p)), np.zeros((k * p, k * p))
    for rows in row_blocks(len(data.design), k * p):
        x, m = data.design[rows], data.total[rows]
        powers, below, log_sum = _powers(beta, x, None if data.offset is None else data.offset[rows])
        value -= float(m @ log_sum)
        root = np.sqrt(m)
        scaled = np.ascontiguousarray(x.T) * root
        product = powers[:, None, :] * (scaled / below)
        flat = product.reshape(k * p, -1)
        mean_sums += product @ root
        information -= flat @ flat.T
        own = (flat @ scaled.T).reshape(k, p, p)
        for j in range(k):
            information[j * p : (j + 1) * p, j * p : (j + 1) * p] += own[j]
    gradient = (data.sums - mean_sums).ravel()
    information = (information + information.T) / 2
    if data.penalty is not None:
        pulled = data.penalty @ at
        value -= 0.5 * float(at @ pulled)
        gradient, information = gradient - pulled, information + data.penalty
    return MultinomialTerms(value, gradient, information)


def fit_multinomial(
    data: MultinomialData, tol: float = 1e-9, max_steps: int = 60, start: Floats | None = None
) -> Maximum[MultinomialTerms]:
    """Maximise the likelihood from `start`, or from equal shares.

    Notes
    -----
    With many rows the search begins on every sixteenth, and goes on with gradients of all rows and the information of
    the few, which costs a third of a full step and leaves an error of a few per cent of the last; one full step ends
    it. Where that does not work as foreseen the full steps start from the best point found.
    """
    near = tol
    if start is None:
        start = np.zeros(data.size)
        if len(data.design) > _LARGE and data.penalty is None:
            start, polished = _first_guess(data, max_steps)
            near = max(tol, 10 * _POLISHED) if polished else tol
    return newton(_bounded(lambda at: multinomial_terms(at, data)), start, near, max_steps)


def _first_guess(data: MultinomialData, max_steps: int) -> tuple[Floats, bool]:
    """A point near the maximum, and whether it is within `_POLISHED` standard errors of it.

    Only the category sums of all rows are known, so those of the thinned rows are put together from them, moved by
    what the thinned rows have more or less of every column at the overall shares.
    """
    part = slice(None, None, _SAMPLE)
    x, m = data.design[part], data.total[part]
    scale = float(m.sum() / data.total.sum())
    offset = None if data.offset is None else data.offset[part]
    whole = data.total @ data.design
    share = data.sums[:, :1] / whole[0] if whole[0] != 0 else np.zeros((len(data.sums), 1))
    sums = data.sums * scale + share * (m @ x - whole * scale)
    small = MultinomialData(x, m, sums, offset, data.constant * scale)
    found = newton(_bounded(lambda at: multinomial_terms(at, small)), np.zeros(data.size), 1e-2, min(max_steps, 12))
    if not (found.converged and np.isfinite(found.at).all()):
        return np.zeros(data.size), False
    return _polish(found.at, found.terms.information / scale, data)


def _polish(at: Floats, information: Floats, data: MultinomialData) -> tuple[Floats, bool]:
    """Steps with a fixed information, as long as each is far smaller than the one before."""
    try:
        inverse = np.linalg.inv(information)
    except np.linalg.LinAlgError:
        return at, False
    last = np.inf
    for _ in range(_POLISHING):
        gradient = multinomial_gradient(at, data)
        step = inverse @ gradient
        size = float(np.sqrt(max(float(step @ gradient), 0.0)))
        if not size < 0.3 * last:
            return at, False
        at, last = at + step, size
        if size < _POLISHED:
            return at, True
    return at, False


def multinomial_gradient(at: Floats, data: MultinomialData) -> Floats:
    """The gradient alone (of the likelihood without a penalty), (K p,)."""
    k, p = data.sums.shape
    beta, mean_sums = at.reshape(k, p), np.zeros((k, p))
    for rows in row_blocks(len(data.design), 4 * k):
        x = data.design[rows]
        powers, below, _ = _powers(beta, x, None if data.offset is None else data.offset[rows])
        powers *= data.total[rows] / below
        mean_sums += powers @ x
    return (data.sums - mean_sums).ravel()


def _bounded(evaluate: Callable[[Floats], MultinomialTerms]) -> Callable[[Floats], MultinomialTerms]:
    """A step that leaves the range of floating point has value minus infinity, so that it is halved."""

    def safe(at: Floats) -> MultinomialTerms:
        with np.errstate(over="ignore", invalid="ignore"):
            terms = evaluate(at)
        return terms if np.isfinite(terms.value) else replace(terms, value=-np.inf)

    return safe


def sums_of_codes(code: Ints, weight: Floats | None, design: Floats, n_categories: int) -> Floats:
    """For each category the sum of its rows of the design, (J, p)."""
    columns = [column if weight is None else column * weight for column in design.T]
    return np.stack([np.bincount(code, column, n_categories) for column in columns], axis=1)


def collapse_rows(design: Floats, total: Floats) -> tuple[Floats, Floats]:
    """Make rows with equal columns one row, where that saves at least half of them.

    Rows are found by a random combination of their columns and then compared in full, so two different rows are never
    taken for one. A few thousand rows show first whether it is worth a sort.
    """
    n, p = design.shape
    sample = design[:: max(n // 4096, 1)]
    if n < 64 or len(np.unique(_mixed(sample))) > 0.5 * len(sample):
        return design, total
    _, first, where = np.unique(_mixed(design), return_index=True, return_inverse=True)
    kept = design[first]
    if len(first) > 0.5 * n or not all(np.array_equal(kept[where, j], design[:, j]) for j in range(p)):
        return design, total
    return kept, np.bincount(where, total, len(first))


def _mixed(design: Floats) -> Floats:
    mix: Floats = np.asarray(np.random.default_rng(20130301).standard_normal((design.shape[1],)))
    out: Floats = np.zeros(len(design))
    for column, factor in zip(design.T, mix, strict=True):
        out = out + column * factor
    return out


def log_ways(counts: Floats) -> float:
    """Log of the number of orders in which the records of each row can come: the multinomial coefficients.

    >>> round(float(np.exp(log_ways(np.array([[2, 1, 1]])))))
    12
    """
    return float((gammaln(counts.sum(axis=1) + 1) - gammaln(counts + 1).sum(axis=1)).sum())
