"""How far coders agree: observed and expected disagreement from counts of values, for any bootstrap weights.

Ground floor. A record is one line of counts: how many coders gave it each of the v distinct values. Every statistic
is a ratio of sums over records, so that a bootstrap sample (a weight for each record) costs one matrix product.

Called by: records/agreement.py.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import Bools, Floats, Ints

__all__ = ["cohen_kappa", "gwet_ac1", "jaccard_distance", "krippendorff_alpha", "masi_distance", "raw_agreement"]


def jaccard_distance(sets: Bools) -> Floats:
    """One less the share of labels in common, for each pair of label sets.

    Parameters
    ----------
    sets : (v, k) bool
        One row per distinct set of labels.

    Returns
    -------
    (v, v), from 0 (the same set; two empty sets are the same) to 1 (nothing in common).

    Examples
    --------
    >>> jaccard_distance(np.array([[1, 1, 0], [1, 0, 0]], dtype=bool)).tolist()
    [[0.0, 0.5], [0.5, 0.0]]
    """
    both, either = _overlap(sets)
    return np.where(either > 0, 1 - both / np.maximum(either, 1), 0.0)


def masi_distance(sets: Bools) -> Floats:
    """One less Jaccard's share times 1 (same set), 2/3 (one holds the other), 1/3 (overlap) or 0 (none in common).

    Parameters and result as `jaccard_distance`. Source: Passonneau (2006).

    Examples
    --------
    >>> masi_distance(np.array([[1, 1, 0], [1, 0, 0]], dtype=bool)).round(4).tolist()
    [[0.0, 0.6667], [0.6667, 0.0]]
    """
    both, either = _overlap(sets)
    size = np.asarray(sets).sum(axis=1)
    inside = both == np.minimum.outer(size, size)
    degree = np.where(both == either, 1.0, np.where(both == 0, 0.0, np.where(inside, 2 / 3, 1 / 3)))
    return np.where(either > 0, 1 - degree * both / np.maximum(either, 1), 0.0)


def _overlap(sets: Bools) -> tuple[Floats, Floats]:
    """Labels that two sets share, and labels that either holds, (v, v) each."""
    given = np.asarray(sets, dtype=np.float64)
    both, size = given @ given.T, given.sum(axis=1)
    return both, size[:, None] + size - both


def krippendorff_alpha(counts: Floats, distance: Floats, weight: Floats) -> Floats:
    """Krippendorff's alpha: one less observed over expected disagreement.

    Parameters
    ----------
    counts : (n, v)
        How many coders gave each record each value; records with fewer than two codings carry nothing.
    distance : (v, v)
        Disagreement of two values, 0 on the diagonal.
    weight : (b, n)
        Times each record counts: ones, or the draws of a bootstrap.

    Returns
    -------
    (b,), NaN where all pairable codings are the same, for then no disagreement is expected.

    Notes
    -----
    Cost O(b (n v + v^2)). Source: Hayes and Krippendorff (2007); Krippendorff's coincidence matrix gives a record
    with m codings a total of m.
    """
    coded = counts.sum(axis=1)
    kept = coded >= 2
    held, m, w = counts[kept], coded[kept], weight[:, kept]
    within = np.einsum("nv,nv->n", held @ distance, held) / (m - 1)
    total = w @ m
    values = w @ held
    expected = np.einsum("bv,bv->b", values @ distance, values)
    return 1 - _ratio((w @ within) * (total - 1), expected)


def raw_agreement(counts: Floats, weight: Floats) -> Floats:
    """Share of pairs of coders who agree on a record, averaged over the records with two codings or more (b,).

    Parameters as `krippendorff_alpha`.
    """
    coded = counts.sum(axis=1)
    kept = coded >= 2
    m = coded[kept]
    agreed = ((counts[kept] * (counts[kept] - 1)).sum(axis=1)) / (m * (m - 1))
    return _ratio(weight[:, kept] @ agreed, weight[:, kept].sum(axis=1))


def gwet_ac1(counts: Floats, n_values: int, weight: Floats) -> Floats:
    """Gwet's AC1: agreement beyond chance when chance strikes only the records that are hard to code.

    Parameters
    ----------
    counts, weight : as `krippendorff_alpha`
    n_values : int
        Values that a coder could have given (at least those given).

    Returns
    -------
    (b,), NaN with fewer than two values.

    Notes
    -----
    Prevalence is averaged over records with one coding or more, agreement over those with two or more.
    Source: Gwet (2008).
    """
    if n_values < 2:
        return np.full(len(weight), np.nan)
    coded = counts.sum(axis=1)
    seen = coded >= 1
    share = counts[seen] / coded[seen, None]
    prevalence = _ratio(weight[:, seen] @ share, weight[:, seen].sum(axis=1)[:, None])
    chance = (prevalence * (1 - prevalence)).sum(axis=1) / (n_values - 1)
    return _ratio(raw_agreement(counts, weight) - chance, 1 - chance)


def cohen_kappa(first: Ints, second: Ints, n_values: int, weight: Floats) -> Floats:
    """Cohen's kappa of two coders, each with a prevalence of their own.

    Parameters
    ----------
    first, second : (n,) int
        Value given by each coder, 0 .. n_values - 1; -1 where the coder has not coded the record, which is left out.
    n_values : int
    weight : (b, n)

    Returns
    -------
    (b,), NaN where both coders always give one and the same value. Source: Cohen (1960).
    """
    both = (first >= 0) & (second >= 0)
    a, b, w = first[both], second[both], weight[:, both]
    total = w.sum(axis=1)
    agreed = _ratio(w @ (a == b).astype(np.float64), total)
    shares = [_ratio(w @ (np.arange(n_values) == code[:, None]).astype(np.float64), total[:, None]) for code in (a, b)]
    chance = (shares[0] * shares[1]).sum(axis=1)
    return _ratio(agreed - chance, 1 - chance)


def _ratio(above: Floats, below: Floats) -> Floats:
    """A quotient, NaN where the divisor vanishes (up to rounding)."""
    gone = np.abs(below) < 1e-12
    return np.where(gone, np.nan, above / np.where(gone, 1.0, below))
