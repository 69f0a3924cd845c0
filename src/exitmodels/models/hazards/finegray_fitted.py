"""The data behind a Fine-Gray fit: influences of its rows, variances, tests, and fits to resampled rows.

Third floor, in the room of hazards. Results hold one `FineGrayFitted`; it is never saved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.kernels.coxresiduals import martingale, sandwich
from exitmodels.kernels.optimise import newton
from exitmodels.kernels.partial import CoxTerms, cox_terms
from exitmodels.kernels.subdistribution import SubData, influences, subdistribution
from exitmodels.kernels.subvarying import varying_sub_terms
from exitmodels.kernels.subvarying_influence import varying_influences, varying_martingale
from exitmodels.kernels.varying import Varying
from exitmodels.results.hypothesis import HypothesisTest, quadratic_test
from exitmodels.shapes.fitting import clusters_of, factor_of
from exitmodels.shapes.spells import Spells

__all__ = ["FineGrayFitted", "Variance", "bootstrap_draws", "likelihood", "refit", "robust_score"]


@dataclass(frozen=True)
class Variance:
    """Which robust variance: over rows or clusters, and what is taken as known.

    Attributes
    ----------
    kind : {"robust", "cluster", "cmprsk"}
    known : bool
        Take the weights of those who left for other causes as known.
    """

    kind: str
    known: bool = False

    @property
    def name(self) -> str:
        """As it is printed."""
        return f"{self.kind}, weights known" if self.known else self.kind


@dataclass(frozen=True, eq=False)
class FineGrayFitted:
    """The data of a fit, in the order the fit used; `back` puts rows in the order they were given."""

    data: SubData
    rows: Spells
    back: Ints | None
    cluster: Ints | None
    person: Ints | None
    stratum: Ints | None
    ties: str
    varying: Varying | None = None
    at: Floats | None = None
    terms: CoxTerms | None = None
    start: CoxTerms | None = None

    def given_order(self, values: AnyArray) -> AnyArray:
        """Rows of an array in the order of the spells."""
        return values if self.back is None else values[self.back]

    def units(self, kind: str) -> tuple[Floats, Ints | None]:
        """Factor of each row before squaring, and its cluster; pieces of one stay belong together."""
        if kind == "cluster":
            return self.rows.row_weight, clusters_of(self.rows, self.cluster)
        return factor_of(self.rows), self.person

    def blocks(
        self, terms: CoxTerms, at: Floats, known: bool = False, within: bool = False
    ) -> Iterator[tuple[slice, Floats]]:
        """Influence of rows on the score, on the scaled columns."""
        if self.varying is not None:
            return varying_influences(at, self.data, self.varying, terms, known, within)
        return influences(self.data, terms, known, None, within)

    def influence(self, known: bool = False) -> Floats:
        """Influence of each row on the score at the estimate, (n, p)."""
        assert self.terms is not None
        assert self.at is not None
        return np.concatenate([block for _, block in self.blocks(self.terms, self.at, known)])

    def middle(self, variance: Variance, terms: CoxTerms, at: Floats) -> Floats:
        """Sum of squares of the influences over rows, stays or clusters, (p, p)."""
        factor, cluster = self.units(variance.kind)
        blocks = self.blocks(terms, at, variance.known, variance.kind == "cmprsk")
        return sandwich(self.data.cox, terms, factor, cluster, blocks)

    def martingale(self) -> Floats:
        """Exits less expected ones of each row, weights beyond competing exits included."""
        assert self.terms is not None
        if self.varying is not None and self.at is not None:
            return varying_martingale(self.at, self.data, self.varying, self.terms)
        return martingale(self.data.cox, self.terms)


def likelihood(at: Floats, data: SubData, varying: Varying | None) -> CoxTerms:
    """Value, gradient and information."""
    return cox_terms(at, data.cox) if varying is None else varying_sub_terms(at, data, varying)


def robust_score(fitted: FineGrayFitted, variance: Variance) -> HypothesisTest:
    """Score test that all coefficients are zero, with the variance taken from rows or clusters."""
    assert fitted.start is not None
    spread = fitted.middle(variance, fitted.start, np.zeros(len(fitted.start.gradient)))
    method = f"robust score test that all coefficients are zero, {variance.name} variance"
    return quadratic_test(fitted.start.gradient, spread, method, fitted.rows.ledger, ("fine_gray1999", "lin_wei1989"))


def refit(fitted: FineGrayFitted, copies: Floats) -> Floats | None:
    """Estimate on the scaled columns when each row counts `copies` times; None without a maximum.

    The weights beyond competing exits are estimated anew from the copies.
    """
    cox, assumed = fitted.data.cox, fitted.at
    assert assumed is not None
    rows = np.flatnonzero(copies > 0)
    weight = copies[rows] if cox.weight is None else copies[rows] * cox.weight[rows]
    stays = fitted.data.stays.take(rows)
    if not np.any(stays.status == 1):
        return None
    offset = None if cox.offset is None else cox.offset[rows]
    replicas = fitted.rows.weights == "frequency"
    data = subdistribution(stays, np.ascontiguousarray(cox.matrix[rows]), weight, offset, fitted.ties, replicas)
    if len(data.weights.clock.empty):
        return None
    varying = None
    if fitted.varying is not None:
        held = np.searchsorted(fitted.data.keys, data.keys)
        varying = replace(fitted.varying, steps=fitted.varying.steps[held])
    try:
        best = newton(lambda b: likelihood(b, data, varying), assumed, 1e-6, 15)
    except np.linalg.LinAlgError:
        return None
    return best.at if best.converged else None


def bootstrap_draws(fitted: FineGrayFitted, cluster: Ints | None, n: int, rng: np.random.Generator) -> Floats:
    """Estimates (scaled columns) on n resamples of rows, of people counted by weights, of people whose stays are cut,
    or of clusters; those without a maximum are left out."""
    weight = fitted.data.cox.weight
    unit = fitted.person if cluster is None else cluster
    counted = unit is None and weight is not None and fitted.rows.weights == "frequency"
    unit = np.arange(len(fitted.rows)) if unit is None else unit
    size = int(unit.max()) + 1
    found = []
    for _ in range(n):
        if counted and weight is not None:
            copies = rng.multinomial(round(float(weight.sum())), weight / weight.sum()) / weight
        else:
            copies = np.bincount(rng.integers(0, size, size), minlength=size)[unit].astype(np.float64)
        best = refit(fitted, copies)
        if best is not None:
            found.append(best)
    return np.array(found)
