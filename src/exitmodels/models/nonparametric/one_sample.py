"""One-sample log-rank test: do people leave at a known rate?

Third floor. The rate comes from outside (a life table, another organisation, a model); it is taken as known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import ndtri

from exitmodels.arrays import AnyArray, Floats
from exitmodels.errors import DataError
from exitmodels.kernels.exact import poisson_interval
from exitmodels.kernels.steps import value_at
from exitmodels.results.curve import Curve
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.shapes.spells import Spells

__all__ = ["one_sample_logrank_test"]

Expected = str | float | Callable[[Floats], Any] | Curve


def one_sample_logrank_test(
    spells: Spells,
    expected: Expected,
    *,
    of: str = "hazard",
    event: Any = None,
    by: str | Sequence[str] | None = None,
    variance: str | None = None,
    alpha: float = 0.05,
) -> HypothesisTest:
    """Compare observed exits with the number a known hazard leads to expect.

    Parameters
    ----------
    spells : Spells
    expected : number, column, function or Curve
        A number is a constant hazard for one unit of time. A function gives the cumulative hazard (or the survival)
        at an array of times since the origin; a Curve of one piece is read as such a function. A column holds, for
        each row, the cumulative hazard over its own time at risk (or the chance of surviving it).
    of : {"hazard", "survival"}
        What a function or a column gives.
    event, by
        As in `KaplanMeier`; with `by` each group is compared with what is expected of it, and the statistics are added.
    variance : {"expected", "average", "robust", "cluster"}, optional
        Of the difference: the expected number (as R's survdiff); its mean with the observed one, which is nearer the
        truth in small samples; or from the differences of the rows or clusters themselves. Robust by default with
        sampling weights, else "expected".
    alpha : float
        For the limits of the ratio.

    Returns
    -------
    HypothesisTest
        ``to_frame()`` has observed, expected, their ratio and its limits: exact (Poisson), or on the log scale for a
        robust variance.

    Raises
    ------
    SchemeError
        If only exits inside a window were recorded.
    DataError
        If what is expected is negative, falls with time, is zero in all, or cannot be read.

    Notes
    -----
    Risk counts on (entry, exit], so late entry is exact: each row expects H(exit) - H(entry).
    Source: Breslow (1975); Klein & Moeschberger (2003), section 7.2; the mean variance: Wu (2014).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[10, 20, 30, 40], event=[1, 1, 0, 1])
    >>> test = xm.one_sample_logrank_test(spells, 0.02)
    >>> test.statistic, test.detail["expected"].tolist()
    (0.5, [2.0])
    """
    spells.require_scheme("one_sample_logrank_test")
    rows = spells.for_cause(event).complete(by)
    own = _expected(rows, expected, of)
    kind = _variance_kind(rows, variance)
    code, keys = rows.groups(by)
    group = np.zeros(len(rows), dtype=np.int64) if code is None else code
    weight, g = rows.row_weight, len(keys)
    observed = np.bincount(group, weight * (rows.event > 0), g)
    total = np.bincount(group, weight * own, g)
    if not np.all(total > 0):
        raise DataError("No exit is expected of anyone in a group.", code="expected", hint="Check the unit of time.")
    covariance = _covariance(rows, own, group, g, observed, total, kind)
    difference = observed - total
    inverse = np.linalg.pinv(covariance, rcond=1e-10, hermitian=True)
    statistic, df = float(difference @ inverse @ difference), int(np.linalg.matrix_rank(covariance, hermitian=True))
    low, high = _limits(observed, total, np.diag(covariance), kind, alpha)
    detail = {"observed": observed, "expected": total, "ratio": observed / total, "low": low, "high": high}
    return HypothesisTest(
        statistic=statistic,
        df=df,
        pvalue=float(stats.chi2.sf(statistic, df)),
        method=f"One-sample log-rank test, {kind} variance",
        labels=tuple(", ".join(f"{k}={v}" for k, v in key.items()) or "all" for key in keys),
        detail={**detail, "covariance": covariance},
        sources=("breslow1975", *(("wu2014",) if kind == "average" else ())),
        ledger=rows.ledger,
    )


def _variance_kind(rows: Spells, variance: str | None) -> str:
    sampling = rows.weight is not None and rows.weights == "sampling"
    known = ("robust", "cluster") if sampling else ("expected", "average", "robust", "cluster")
    kind = known[0] if variance is None else variance
    if kind not in known:
        why = " with sampling weights" if sampling else ""
        raise DataError(f"variance={kind!r} is not known{why}.", code="variance", hint=f"One of {', '.join(known)}.")
    if kind == "cluster" and rows.cluster is None:
        raise DataError("The spells have no clusters.", code="no-cluster", hint="Read them with cluster=.")
    return kind


def _expected(rows: Spells, expected: Expected, of: str) -> Floats:
    """Expected exits of each row over its own time at risk."""
    if of not in ("hazard", "survival"):
        raise DataError(f"of={of!r} is not known.", code="expected", hint='"hazard" or "survival".')
    if isinstance(expected, str):
        own = _hazard(rows.columns.want(expected).values, of)
    elif isinstance(expected, Curve):
        own = _from_curve(rows, expected)
    elif callable(expected):
        begin = _hazard(expected(np.asarray(rows.entry, dtype=float)), of)
        own = _hazard(expected(np.asarray(rows.exit, dtype=float)), of) - begin
    else:
        own = float(expected) * (rows.exit - rows.entry)
    if np.shape(own) != (len(rows),):
        raise DataError(
            f"The function gives {np.size(own)} values for {len(rows)} times.", code="expected", hint="One for each."
        )
    bad = ~np.isfinite(own) | (own < 0)
    if bad.any():
        raise DataError(
            "What is expected of a row is negative, infinite or missing.",
            column=expected if isinstance(expected, str) else None,
            rows=rows.labels[bad],
            code="expected",
            hint="A cumulative hazard is 0 or more and does not fall; a survival lies in (0, 1] and does not rise.",
        )
    return own


def _hazard(values: Any, of: str) -> Floats:
    given: AnyArray = np.asarray(values, dtype=float)
    if of == "hazard":
        return given
    if np.any(given > 1):
        raise DataError(
            f"A survival of {given.max():g} exceeds 1.",
            code="expected",
            hint='Give of="hazard" for a cumulative hazard.',
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        return -np.log(given)


def _from_curve(rows: Spells, curve: Curve) -> Floats:
    if len(curve) != 1 or curve.kind == "incidence":
        raise DataError(
            f"A curve of {curve.kind} with {len(curve)} pieces is no expected hazard.",
            code="expected",
            hint="Pick one survival or cumulative hazard: curve[0].",
        )
    piece = curve.pieces[0]
    if np.any(rows.exit > piece.known_until):
        raise DataError(
            f"The expected curve is known until {piece.known_until:g} only.",
            rows=rows.labels[rows.exit > piece.known_until],
            code="horizon",
            hint="Censor the spells there: spells.landmark(0, horizon=...).",
        )
    of = "survival" if curve.kind == "survival" else "hazard"
    begin, end = (
        value_at(piece.time, piece.estimate, np.asarray(t, float), curve.start) for t in (rows.entry, rows.exit)
    )
    return _hazard(end, of) - _hazard(begin, of)


def _covariance(
    rows: Spells, own: Floats, group: AnyArray, g: int, observed: Floats, total: Floats, kind: str
) -> Floats:
    if kind == "expected":
        return np.diag(total)
    if kind == "average":
        return np.diag((observed + total) / 2)
    weight = rows.row_weight
    difference: Floats = (rows.event > 0) - own
    if kind == "robust":
        square = weight if rows.weights == "frequency" else weight**2
        return np.diag(np.bincount(group, square * difference**2, g))
    assert rows.cluster is not None
    unit = np.unique(rows.cluster, return_inverse=True)[1]
    sums = np.bincount(unit * g + group, weight * difference, (int(unit.max()) + 1) * g).reshape(-1, g)
    return np.asarray(sums.T @ sums)


def _limits(observed: Floats, total: Floats, variance: Floats, kind: str, alpha: float) -> tuple[Floats, Floats]:
    if not 0 < alpha < 1:
        raise DataError(f"alpha={alpha} is not between 0 and 1.", code="alpha", hint="0.05 gives 95 % limits.")
    if kind in ("expected", "average"):
        low, high = poisson_interval(observed, alpha)
        return np.asarray(low) / total, np.asarray(high) / total
    with np.errstate(divide="ignore", invalid="ignore"):
        wide = np.exp(float(ndtri(1 - alpha / 2)) * np.sqrt(variance) / observed)
        return observed / total / wide, observed / total * wide
