"""What a Cox regression with masked causes gives back.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.influence import variance_over_time
from exitmodels.kernels.linalg import symmetric_inverse
from exitmodels.kernels.maskedcox import MaskedData, MaskedTerms, incidence_parts
from exitmodels.models.hazards.masked_results import check_vcov, incidence_curve
from exitmodels.results.curve import Curve
from exitmodels.results.piece import Piece
from exitmodels.results.regression import Regression
from exitmodels.results.storing import unstored
from exitmodels.shapes.columns import rows_of
from exitmodels.shapes.design import Design
from exitmodels.shapes.fitting import clusters_of
from exitmodels.shapes.labels import Labels
from exitmodels.shapes.masking import Masking
from exitmodels.shapes.spells import Spells

__all__ = ["MaskedCoxFit", "MaskedCoxResults"]


@dataclass(frozen=True, eq=False, kw_only=True)
class MaskedCoxFit:
    """The data of a fit, and where it ended; never saved.

    Attributes
    ----------
    turns : tuple of (centre, scale)
        Of the covariates of each cause.
    rows : Spells
        Before they were cut at `cuts`; `person` is the place there of each row of `data`.
    theta, information
        At the maximum, for the centred and scaled columns.
    """

    data: MaskedData
    said: Masking
    names: tuple[str, ...]
    effects: Bools
    recode: Floats
    designs: tuple[Design, ...]
    turns: tuple[tuple[Floats, Floats], ...]
    cuts: Floats
    strata: tuple[str, ...]
    rows: Spells
    person: Ints
    cluster: Ints | None
    formula_cluster: bool
    theta: Floats = field(default_factory=lambda: np.empty(0))
    bread: Floats = field(default_factory=lambda: np.empty((0, 0)))

    def at(self, theta: Floats, information: Floats) -> MaskedCoxFit:
        """The same data at the maximum."""
        fine = np.all(np.diag(information) > 0) and np.linalg.eigvalsh(information)[0] > 1e-12
        bread = symmetric_inverse(information) if fine else np.full_like(information, np.nan)
        return replace(self, theta=theta, bread=bread)

    def terms(self) -> MaskedTerms:
        """The likelihood at the maximum."""
        return MaskedTerms(self.data, self.theta)

    @property
    def copies(self) -> bool:
        """Whether weights count people."""
        return self.rows.weight is None or self.rows.weights == "frequency"

    def units(self, kind: str, cluster: Ints | None) -> tuple[Ints, Floats]:
        """Unit of each row whose influence is summed before squaring, and the factor of the row."""
        if kind == "cluster":
            own = cluster if cluster is not None else self.cluster
            return np.unique(clusters_of(self.rows, own), return_inverse=True)[1].astype(np.int64), self.data.weight
        # A row of weight w that counts people is w of them, each a unit of its own.
        return self.person, np.sqrt(self.data.weight) if self.copies else self.data.weight

    def covariance(self, kind: str, cluster: Ints | None) -> Floats:
        """Covariance of the coefficients of the columns as given."""
        made = self.bread
        if kind != "model":
            unit, factor = self.units(kind, cluster)
            sums = np.zeros((int(unit.max()) + 1, len(made)))
            np.add.at(sums, unit, self.terms().scores() * factor[:, None])
            made = made @ (sums.T @ sums) @ made
        return np.asarray(self.recode @ made @ self.recode.T, dtype=np.float64)


@dataclass(frozen=True, eq=False, kw_only=True)
class MaskedCoxResults(Regression):
    """A fitted Cox regression of all causes on one baseline.

    Attributes
    ----------
    causes : tuple
    effects : (q,) bool
        Which coefficients are effects of covariates; the others are log ratios between the causes' baselines.
    """

    causes: tuple[Any, ...]
    effects: Bools
    unit: str
    cluster_given: Ints | None = field(default=None, metadata={"stored": False})
    fitted: MaskedCoxFit | None = field(default=None, metadata={"stored": False})

    ratio_name: ClassVar[str] = "HR"

    def hazard_ratios(self, alpha: float = 0.05) -> Any:
        """Hazard ratios of the covariates, with limits: columns HR, low, high."""
        return self.ratios(alpha)[np.asarray(self.effects, dtype=bool)]

    @property
    def df_model(self) -> int:
        """Number of effects."""
        return int(np.sum(self.effects))

    def with_vcov(self, kind: str, cluster: Any = None) -> Self:
        """Return the same fit with another covariance; see `MaskedResults.with_vcov`."""
        check_vcov(kind)
        fitted = unstored(self.fitted, "Another variance")
        codes = None if cluster is None else np.unique(np.asarray(cluster), return_inverse=True)[1].astype(np.int64)
        if codes is not None and len(codes) != len(fitted.rows):
            raise DataError(
                f"{len(codes)} labels for {len(fitted.rows)} rows.", code="length", hint="Give one per row."
            )
        codes = None if codes is None else codes[fitted.person]
        made = fitted.covariance(kind, codes)
        return replace(self, covariance=made, vcov=kind, cluster_given=codes)

    def predict_incidence(
        self, new: Any = None, causes: Any = None, survival: str = "product-limit", transform: str = "log-log"
    ) -> Curve:
        """Incidence of each cause for people with these covariates, with limits.

        Parameters
        ----------
        new : table or mapping of columns, optional
            All covariates of all formulas; may be left out when there are none.
        causes : label or list of labels, optional
        survival : {"product-limit", "exponential"}
        transform : str

        Notes
        -----
        Limits hold the error of the baseline and of the coefficients together: by their information ("model"), or by
        the influence of each row or cluster.
        """
        if survival not in ("product-limit", "exponential"):
            raise DataError(
                f"survival={survival!r} is not known.", code="survival", hint='"product-limit" or "exponential".'
            )
        fitted = unstored(self.fitted, "A prediction")
        wanted = list(causes) if isinstance(causes, (list, tuple)) else None if causes is None else [causes]
        chosen = range(len(self.causes)) if wanted is None else [fitted.said.cause(c) for c in wanted]
        columns, n, labels = rows_of({"": [0.0]} if new is None else new)
        designs = [design.rebuild(columns, labels=labels) for design in fitted.designs]
        terms = fitted.terms()
        pieces: list[Piece] = []
        for i in range(n):
            pieces += self._row(terms, designs, i, labels[i], chosen, survival == "product-limit")
        return incidence_curve(self, pieces, transform)

    def labels(self) -> Labels:
        """Chance of each cause for each row that was used, given what is written, time and covariates.

        For `impute`; the fit's own error is not in them.
        """
        fitted = unstored(self.fitted, "A label for each row")
        rows = fitted.data.index.event_rows
        weights = np.full((len(fitted.rows), len(self.causes)), np.nan)
        weights[fitted.person[rows]] = fitted.terms().share.T
        return Labels(weights, self.causes, None, f"Given the fit: {self.method}", copies=fitted.rows.weight)

    # ---- parts -------------------------------------------------------------------------------------------------
    def _row(
        self, terms: MaskedTerms, designs: list[Design], i: int, label: Any, chosen: Any, product: bool
    ) -> list[Piece]:
        fitted = self.fitted
        assert fitted is not None
        index = fitted.data.index
        strata = designs[0].strata
        if fitted.rows.stratum is not None:
            raise DataError(
                "The strata of the spells have no place in new rows.",
                code="stratum",
                hint="Put strata(column) in the formula instead.",
            )
        s = 0 if strata is None else int(strata[i])
        grid = slice(int(index.bounds[s]), int(index.bounds[s + 1]))
        times = index.times[grid]
        columns = self._columns(designs, i, times)
        linear = np.stack([z @ fitted.theta[span] for z, span in zip(columns, fitted.data.spans, strict=True)])
        offset = designs[0].offset
        risk = np.exp(linear + (0.0 if offset is None else float(offset[i])) - terms.top)
        _, found = incidence_parts(terms, grid, columns, risk, product)
        made = []
        for k in chosen:
            square = self._variance(terms, grid, *found[k])
            keys = {"row": label, "cause": self.causes[k]}
            made.append(Piece.predicted(keys, times, found[k][0], np.sqrt(np.maximum(square, 0.0))))
        return made

    def _columns(self, designs: list[Design], i: int, times: Floats) -> list[Floats]:
        """Centred and scaled columns of a new row for each cause, at each time."""
        fitted = self.fitted
        assert fitted is not None
        piece = np.searchsorted(fitted.cuts, times, side="left")
        level = (piece[:, None] == np.arange(len(fitted.cuts) + 1)).astype(np.float64)
        made = []
        for k, (design, (centre, scale)) in enumerate(zip(designs, fitted.turns, strict=True)):
            own = np.tile((design.matrix[i] - centre) / scale, (len(times), 1))
            made.append(np.hstack([own, level]) if k else own)
        return made

    def _variance(
        self, terms: MaskedTerms, grid: slice, incidence: Floats, slopes: Floats, direct: Floats, shared: Floats
    ) -> Floats:
        """Variance of one incidence at each time of the grid."""
        fitted = self.fitted
        assert fitted is not None
        step, at_risk = terms.step[grid], terms.at_risk[grid]
        known = np.nan_to_num(fitted.bread)
        if self.vcov == "model":
            spread = step / at_risk
            # The square of A + F(s) B - F(t) B, summed over s up to t, is a quadratic in F(t).
            part = direct + incidence * shared
            sums = [np.cumsum(spread * v) for v in (part * part, part * shared, shared * shared)]
            baseline = sums[0] - 2 * incidence * sums[1] + incidence**2 * sums[2]
            return np.asarray(baseline + np.einsum("tp,pq,tq->t", slopes, known, slopes), dtype=np.float64)
        index = fitted.data.index
        unit, factor = fitted.units(self.vcov, self.cluster_given)
        rises = np.column_stack([direct + incidence * shared, shared]) / at_risk[:, None]
        inside = (index.enters >= grid.start) & (index.leaves <= grid.stop) & (index.leaves > index.enters)
        moment = np.where(inside & (index.moment >= 0), index.moment - grid.start, -1)
        risk = terms.risk.sum(axis=0)
        jumps = np.zeros((len(risk), 2))
        own = np.flatnonzero(moment >= 0)
        jumps[own] = rises[moment[own]] / risk[own, None]
        influence = (terms.scores() @ known) * factor[:, None]
        return variance_over_time(
            np.where(inside, index.enters - grid.start, 0),
            np.where(inside, index.leaves - grid.start, 0),
            moment,
            jumps,
            rises * step[:, None],
            np.column_stack([np.ones_like(incidence), -incidence]),
            factor * risk,
            unit,
            influence,
            slopes,
        )
