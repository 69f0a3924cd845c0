"""Is the rate the same everywhere, and does it rise? Exact answers, given the total.

Third floor. Under one common rate, the events of all cells together fall on the cells like draws with probabilities
in proportion to exposure; the unknown rate drops out.

Read next: kernels/conditional.py; regression.py when there is more than one explanation to weigh.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.conditional import (
    cell_pvalues,
    drawn_pvalue,
    homogeneity_exact,
    homogeneity_statistics,
    outcomes,
    score_lattice,
    score_tails,
    trend_score,
)
from exitmodels.models.counts.grouped import grouped_cells
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.results.multiplicity import adjusted
from exitmodels.shapes.cells import check_counts, check_exposure
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.ledger import Ledger

__all__ = ["homogeneity_test", "trend_test"]

_LISTED, _SUMMED, _BLOCK = 2e6, 1 << 24, 1 << 22
_HOMOGENEITY = ("auto", "exact", "monte-carlo", "chi2")
_TREND = ("auto", "exact", "mid-p", "monte-carlo", "normal")


@dataclass(frozen=True, eq=False)
class _Cells:
    """Counts, and the probability that an event falls in each cell under one common rate."""

    labels: tuple[str, ...]
    n: Ints
    share: Floats
    score: Floats
    ledger: Ledger | None


def homogeneity_test(
    counts: Any,
    exposure: Any = None,
    *,
    by: str | Sequence[str] | None = "period",
    statistic: str = "pearson",
    method: str = "auto",
    adjust: str = "holm",
    draws: int = 9999,
    rng: Any = None,
) -> HypothesisTest:
    """Test whether all cells have the same rate.

    Parameters
    ----------
    counts : Counts, or array of int
    exposure : array, optional
        For an array of counts; equal exposures by default.
    by : str or list of str
        For `Counts`: what the cells are, "period" or keys.
    statistic : {"pearson", "likelihood-ratio"}
    method : {"auto", "exact", "monte-carlo", "chi2"}
        "exact" lists all ways in which the total could have fallen on the cells, "monte-carlo" draws some of them, and
        "chi2" is for large counts. "auto" lists up to two million ways, and draws when there are more.
    adjust : str
        How the p-values of single cells (each against all others) are adjusted for their number: "holm", "fdr_bh",
        "bonferroni", ... as in statsmodels.
    draws : int
    rng : numpy Generator or seed

    Returns
    -------
    HypothesisTest
        `to_frame()` has a row for each cell: n, expected, the exact p-value that this cell differs from all others, and
        the same adjusted.

    Raises
    ------
    DataError
        With no events, one cell, or exposures that are not above zero.

    Notes
    -----
    Rejects for overdispersion of any kind: clusters of events, a trend, a season. Source: Hoel (1943); Cochran (1954).

    Examples
    --------
    >>> test = homogeneity_test([2, 9, 3], [30, 31, 28])
    >>> round(test.statistic, 3), round(test.pvalue, 4)
    (5.502, 0.06)
    """
    _check(statistic, ("pearson", "likelihood-ratio"), "statistic")
    _check(method, _HOMOGENEITY, "method")
    cells = _cells(counts, exposure, by, None, "homogeneity_test")
    which = 0 if statistic == "pearson" else 1
    n, total = cells.n.astype(np.float64), int(cells.n.sum())
    value = float(homogeneity_statistics(n, cells.share)[which])
    if method == "auto":
        method = "exact" if outcomes(total, len(n)) <= _LISTED else "monte-carlo"
    warnings: tuple[str, ...] = ()
    if method == "exact":
        if outcomes(total, len(n)) > 10 * _LISTED:
            raise DataError(
                f"{total} events can fall on {len(n)} cells in {outcomes(total, len(n)):.2g} ways, too many to list.",
                code="method",
                hint='Use method="monte-carlo".',
            )
        p = homogeneity_exact(n, cells.share, which)
    elif method == "chi2":
        p = float(special.chdtrc(len(n) - 1, value))
    else:
        p, error = _drawn(cells, value, lambda x: homogeneity_statistics(x, cells.share)[which], draws, rng)
        warnings = (f"p-value from {draws} draws; Monte Carlo standard error {error:.2g}",)
    single = cell_pvalues(cells.n, cells.share)
    return HypothesisTest(
        statistic=value,
        df=float(len(n) - 1),
        pvalue=p,
        method=f"One rate in all {len(n)} cells ({total} events), {statistic} statistic, {method}",
        distribution="chi2" if method == "chi2" else "multinomial, given the total",
        labels=cells.labels,
        detail={"n": n, "expected": total * cells.share, "p": single, f"p ({adjust})": adjusted(single, adjust)},
        sources=("hoel1943", "cochran1954"),
        ledger=cells.ledger,
        warnings=warnings,
    )


def trend_test(
    counts: Any,
    exposure: Any = None,
    scores: Any = None,
    *,
    by: str | Sequence[str] | None = "period",
    method: str = "auto",
    draws: int = 9999,
    rng: Any = None,
) -> HypothesisTest:
    """Test whether rates rise or fall with a score, such as time.

    Parameters
    ----------
    counts : Counts, or array of int
    exposure : array, optional
        For an array of counts; equal exposures by default.
    scores : array, optional
        One for each cell; by default 1, 2, 3, ... in the order of the cells.
    by : str or list of str
        For `Counts`: what the cells are, "period" or keys.
    method : {"auto", "exact", "mid-p", "monte-carlo", "normal"}
        "exact" is twice the smaller tail of the sum of scores, given the total; "mid-p" gives half of the
        probability of what was seen to each tail. Both need scores with a common step; "auto" is
        "exact" where it can be, and else "monte-carlo".
    draws : int
    rng : numpy Generator or seed

    Returns
    -------
    HypothesisTest
        `statistic` is the standardised sum of scores: above zero where the rate rises.

    Raises
    ------
    DataError
        With no events, one cell, scores that are all equal, or exposures that are not above zero.

    Notes
    -----
    Has most power against a log-linear rate, and keeps its level only if events are independent. Source:
    Cox and Lewis (1966), section 3.3; Armitage (1955).

    Examples
    --------
    >>> test = trend_test([0, 1, 2, 4, 4], [30, 31, 30, 31, 31])
    >>> round(test.statistic, 3), round(test.pvalue, 4)
    (2.315, 0.0253)
    """
    _check(method, _TREND, "method")
    cells = _cells(counts, exposure, by, scores, "trend_test")
    n, total = cells.n.astype(np.float64), int(cells.n.sum())
    value = float(trend_score(n, cells.share, cells.score))
    lattice = score_lattice(cells.score) if method in ("auto", "exact", "mid-p") else None
    feasible = lattice is not None and total * int(lattice[0].max()) <= _SUMMED
    if method == "auto":
        method = "exact" if feasible else "monte-carlo"
    warnings: tuple[str, ...] = ()
    if method in ("exact", "mid-p"):
        if lattice is None or not feasible:
            raise DataError(
                "The scores have no common step, or too many steps, for the exact distribution of their sum.",
                column="scores",
                code="scores",
                hint='Use whole scores, or method="monte-carlo".',
            )
        below, above, point = score_tails(total, cells.share, lattice[0], int(cells.n @ lattice[0]))
        p = min(1.0, 2 * (min(below, above) - (point / 2 if method == "mid-p" else 0.0)))
    elif method == "normal":
        p = float(2 * special.ndtr(-abs(value)))
    else:
        p, error = _drawn(cells, abs(value), lambda x: np.abs(trend_score(x, cells.share, cells.score)), draws, rng)
        warnings = (f"p-value from {draws} draws; Monte Carlo standard error {error:.2g}",)
    mean = total * cells.share
    return HypothesisTest(
        statistic=value,
        df=float("nan"),
        pvalue=p,
        method=f"Trend of the rate over {len(n)} cells ({total} events), {method}",
        distribution="normal" if method == "normal" else "sum of scores, given the total",
        labels=cells.labels,
        detail={"score": cells.score, "n": n, "expected": mean},
        sources=("cox_lewis1966", "armitage1955"),
        ledger=cells.ledger,
        warnings=warnings,
    )


def _check(value: str, known: tuple[str, ...], name: str) -> None:
    if value not in known:
        raise DataError(f"{name}={value!r} is not known.", code=name, hint=f"Use one of {', '.join(known)}.")


def _cells(counts: Any, exposure: Any, by: str | Sequence[str] | None, scores: Any, what: str) -> _Cells:
    if isinstance(counts, Counts):
        made = grouped_cells(counts, by, what, exposure)
        labels, n, time, ledger = made.labels, made.n, made.exposure, counts.ledger
    else:
        n = np.asarray(counts)
        if n.ndim != 1 or n.dtype.kind not in "iuf":
            raise DataError(f"{counts!r} are not counts.", column="counts", code="count", hint="Give whole numbers.")
        rows = np.arange(len(n))
        check_counts("counts", n, rows)
        n, labels, ledger = n.astype(np.int64), tuple(str(i + 1) for i in rows), None
        time = np.ones(len(n)) if exposure is None else np.asarray(exposure, dtype=np.float64)
        if time.shape != n.shape:
            raise DataError(
                f"There are {len(n)} counts and exposures of shape {time.shape}.",
                column="exposure",
                code="shape",
                hint="Give one exposure for each count.",
            )
        check_exposure("exposure", n, time, rows)
    kept = time > 0
    if kept.sum() < 2 or n.sum() == 0:
        found = f"{int(kept.sum())} cells with exposure, and {int(n.sum())} events"
        raise DataError(f"There are {found}.", code="few-cells", hint="A comparison needs two cells and some events.")
    score = np.arange(1.0, len(n) + 1) if scores is None else _scores(scores, len(n))
    if what == "trend_test" and np.ptp(score[kept]) == 0:
        raise DataError("All scores are equal.", column="scores", code="scores", hint="Scores must differ.")
    names = tuple(label for label, keep in zip(labels, kept, strict=True) if keep)
    return _Cells(names, n[kept], time[kept] / time[kept].sum(), score[kept], ledger)


def _scores(scores: Any, size: int) -> Floats:
    made = np.asarray(scores, dtype=np.float64)
    if made.shape != (size,) or not np.isfinite(made).all():
        raise DataError(
            f"The scores have shape {made.shape}; there are {size} cells.",
            column="scores",
            code="shape",
            hint="Give one finite score for each cell.",
        )
    return made


def _drawn(cells: _Cells, seen: float, statistic: Any, draws: int, rng: Any) -> tuple[float, float]:
    """Draw outcomes with the same total, some at a time."""
    if draws < 99:
        raise DataError(f"draws={draws} is too few.", column="draws", code="draws", hint="Use 999 or more.")
    made, step, count = np.random.default_rng(rng), max(1, _BLOCK // len(cells.n)), 0
    for start in range(0, draws, step):
        drawn = made.multinomial(int(cells.n.sum()), cells.share, min(step, draws - start)).astype(np.float64)
        count += int(np.sum(statistic(drawn) >= seen - 1e-9 * max(abs(seen), 1.0)))
    return drawn_pvalue(count, draws)
