"""Tests that stays are unrelated to the windows they were seen through.

Third floor, in the room of truncation. Every estimate here rests on it; a policy that shortens stays from some date on
breaks it, for those who came late then have short windows and short stays.
"""

from __future__ import annotations

import numpy as np
from scipy.special import chdtrc

from exitmodels.arrays import Floats
from exitmodels.errors import DataError, SchemeError
from exitmodels.kernels.grouped import ranks
from exitmodels.kernels.quasi import at_risk_ranks, exchanged, pair_sums
from exitmodels.models.truncation.seen import limits, refuse_open
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.shapes.spells import Spells

__all__ = ["quasi_independence_test"]

_METHODS = ("tsai", "kendall", "permutation")


def quasi_independence_test(
    spells: Spells,
    method: str | None = None,
    closed: str = "right",
    n_draws: int = 999,
    most: int = 20000,
    rng: np.random.Generator | int | None = None,
) -> HypothesisTest:
    """Test that stays do not depend on when they could be seen.

    Parameters
    ----------
    spells : Spells
        With windows (scheme "exits-only"), or with delayed entry and censoring.
    method : {"tsai", "kendall", "permutation"}, optional
        "tsai": Tsai's conditional Kendall tau, for one-sided truncation (delayed entry, or a right limit only); takes
        censored spells. "kendall": Martin & Betensky's, for windows with two ends. "permutation": windows dealt out
        again among those in which every stay fits, with the rank correlations of stay and limits as statistic. By
        default "tsai" where it applies, else "kendall".
    closed : {"right", "both"}
        Whether a stay at the left limit itself is seen, or at risk.
    n_draws : int
        Permutations.
    most : int
        With more rows than this, "kendall" (whose cost grows with the square of the rows) uses a random subset, and
        says so.
    rng : numpy Generator or seed, optional

    Returns
    -------
    HypothesisTest
        `detail` holds tau for each limit: positive when longer stays go with later limits.

    Raises
    ------
    SchemeError
        If the spells have neither windows nor delayed entry.
    DataError
        With sampling weights; or when no two rows are comparable.

    Notes
    -----
    Two rows are compared only if each stay would have been seen through the other's window. Without a significant
    result dependence is not excluded: what lies outside the windows is never compared.
    Tsai's variance is the one without ties. When both limits move together (windows of one length) there is one
    degree of freedom, else two. Source: Tsai (1990); Martin & Betensky (2005); Efron & Petrosian (1999).

    Examples
    --------
    >>> import exitmodels as xm
    >>> test = xm.quasi_independence_test(xm.datasets.exits431().spells())
    >>> test.df, round(test.pvalue, 4)
    (2, 0.2827)
    """
    if method is not None and method not in _METHODS:
        raise DataError(f"method={method!r} is not known.", code="method", hint=f"One of {', '.join(_METHODS)}.")
    if spells.weight is not None and spells.weights == "sampling":
        raise DataError(
            "The test counts pairs of people, and sampling weights do not.",
            code="sampling-weights",
            hint="Test the sample without its weights.",
        )
    windowed = spells.left_limit is not None or spells.right_limit is not None
    if not windowed and not spells.delayed:
        raise SchemeError(
            "These spells have neither windows nor delayed entry, so nothing was left out that depends on the stay.",
            code="no-window",
            hint="No test is needed; use KaplanMeier or Cox.",
        )
    if spells.weight is not None and not spells.weight.all():
        spells = spells.select(spells.weight > 0, why="weight zero")
    if not windowed:
        if method not in (None, "tsai"):
            raise DataError("With delayed entry only, Tsai's test is the one.", code="method", hint='method="tsai".')
        return _tsai(spells, np.asarray(spells.entry, float), np.asarray(spells.exit, float), spells.event > 0, closed)
    refuse_open(spells, "quasi_independence_test")
    left, right = limits(spells, closed)
    exit = np.asarray(spells.exit, dtype=np.float64)
    binding_left, binding_right = bool(np.any(left > left.min())), bool(np.isfinite(right).any())
    if method is None:
        method = "kendall" if binding_left and binding_right else "tsai"
    everyone = np.ones(len(exit), dtype=bool)
    if method == "tsai":
        if binding_left and binding_right:
            raise DataError(
                "Tsai's test is for one-sided truncation; these windows have two ends.",
                code="method",
                hint='Use method="kendall" or "permutation".',
            )
        if binding_right:
            return _tsai(spells, -right, -exit, everyone, "both")
        return _tsai(spells, left, exit, everyone, closed)
    generator = np.random.default_rng(rng)
    columns, labels = _columns(left, right)
    if method == "permutation":
        return _permuted(spells, exit, left, right, columns, labels, closed, n_draws, generator)
    return _kendall(spells, exit, left, right, columns, labels, closed, most, generator)


def _tsai(spells: Spells, entry: Floats, exit: Floats, event: Floats, closed: str) -> HypothesisTest:
    finite = np.where(np.isfinite(entry), entry, exit.min() - 1)
    _, (starts, ends) = ranks(finite, exit)
    begins = starts + (0.5 if closed == "right" else 0.0)
    weight = np.asarray(spells.row_weight, dtype=np.float64)
    score, size = at_risk_ranks(begins, ends.astype(np.float64), np.asarray(event, dtype=bool), weight)
    total = float(weight @ score)
    variance = float(weight @ np.where(size > 0, (size**2 - 1) / 3, 0.0))
    if variance <= 0:
        raise DataError("No two people are comparable.", code="no-pairs", hint="The test needs overlapping stays.")
    pairs = float(weight @ np.where(size > 0, size - 1, 0.0))
    statistic = total**2 / variance
    return HypothesisTest(
        statistic=statistic,
        df=1,
        pvalue=float(chdtrc(1, statistic)),
        method="Tsai test of quasi-independence (conditional Kendall tau)",
        labels=("entry" if np.isfinite(entry).all() and entry.max() >= 0 else "limit",),
        detail={
            "K": np.array([total]),
            "variance": np.array([variance]),
            "z": np.array([total / np.sqrt(variance)]),
            "tau": np.array([total / pairs if pairs else np.nan]),
        },
        sources=("tsai1990",),
        ledger=spells.ledger,
    )


def _columns(left: Floats, right: Floats) -> tuple[Floats, tuple[str, ...]]:
    found = {"left limit": left, "right limit": right}
    kept = {name: v for name, v in found.items() if np.isfinite(v).all() and np.ptp(v) > 0}
    if not kept:
        raise DataError("The windows do not differ.", code="no-pairs", hint="There is nothing to test.")
    return np.column_stack(list(kept.values())), tuple(kept)


def _kendall(
    spells: Spells,
    exit: Floats,
    left: Floats,
    right: Floats,
    columns: Floats,
    labels: tuple[str, ...],
    closed: str,
    most: int,
    rng: np.random.Generator,
) -> HypothesisTest:
    notes: tuple[str, ...] = ()
    rows = np.arange(len(exit))
    if len(rows) > most:
        rows = np.sort(rng.choice(len(rows), most, replace=False))
        notes = (f"a random {most} of {len(exit)} rows were compared (most=)",)
    weight = np.asarray(spells.row_weight, dtype=np.float64)[rows]
    sums = pair_sums(exit[rows], left[rows], right[rows], columns[rows], weight, closed == "both")
    if sums.pairs == 0 or not np.any(np.diag(sums.variance) > 0):
        raise DataError("No two people are comparable.", code="no-pairs", hint="The windows do not overlap enough.")
    spread = np.sqrt(np.maximum(np.diag(sums.variance), 0.0))
    scale = np.where(spread > 0, spread, 1.0)
    unit = sums.variance / np.outer(scale, scale)
    values, vectors = np.linalg.eigh(unit)
    keep = values > 1e-8
    along = vectors[:, keep].T @ (sums.concordance / scale)
    statistic, df = float(np.sum(along**2 / values[keep])), int(keep.sum())
    return HypothesisTest(
        statistic=statistic,
        df=df,
        pvalue=float(chdtrc(df, statistic)),
        method="Martin-Betensky test of quasi-independence (conditional Kendall tau)",
        labels=labels,
        detail={
            "tau": sums.concordance / sums.pairs,
            "z": sums.concordance / scale,
            "comparable pairs": np.full(len(labels), sums.pairs),
        },
        sources=("martin_betensky2005",),
        ledger=spells.ledger,
        warnings=notes,
    )


def _permuted(
    spells: Spells,
    exit: Floats,
    left: Floats,
    right: Floats,
    columns: Floats,
    labels: tuple[str, ...],
    closed: str,
    n_draws: int,
    rng: np.random.Generator,
) -> HypothesisTest:
    if spells.weight is not None:
        times = np.round(spells.weight).astype(int)
        exit, left, right, columns = (np.repeat(v, times, axis=0) for v in (exit, left, right, columns))
    drawn, accepted = exchanged(exit, left, right, closed == "both", n_draws, 5, rng)
    time = _midranks(exit)
    scores = np.column_stack([_midranks(column) for column in columns.T])
    seen = time @ scores
    values = np.stack([time @ scores[which] for which in drawn])
    centre, spread = values.mean(axis=0), values.std(axis=0, ddof=1)
    if not np.all(spread > 0):
        raise DataError(
            "No exchange of windows is possible.", code="no-pairs", hint="The windows do not overlap enough."
        )
    far = np.abs((values - centre) / spread).max(axis=1)
    own = np.abs((seen - centre) / spread)
    pvalue = (1 + np.count_nonzero(far >= own.max() - 1e-12)) / (n_draws + 1)
    return HypothesisTest(
        statistic=float(own.max()),
        df=np.nan,
        pvalue=float(pvalue),
        method=f"Permutation test of quasi-independence, {n_draws} draws",
        distribution="permutation",
        labels=labels,
        detail={"z": (seen - centre) / spread},
        sources=("efron_petrosian1999",),
        ledger=spells.ledger,
        warnings=()
        if accepted > 0.05
        else (f"only {accepted:.1%} of the exchanges were possible; draws may be alike",),
    )


def _midranks(values: Floats) -> Floats:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - (count - 1) / 2
    found = middle[place.ravel()]
    return np.asarray(found - found.mean(), dtype=np.float64)
