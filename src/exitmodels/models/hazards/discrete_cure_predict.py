"""What a cure fit says about items: who never leaves, by when the others do, and what the next period holds.

Third floor, in the room of hazards.

Read next: next_issue.py (what `predict_next` gives back), omission.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import expit

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.ascent import symmetric_root
from exitmodels.kernels.curelag import CureRows, Penalty, lag_logs, survivor_logs
from exitmodels.kernels.cureprofile import FollowUp
from exitmodels.models.hazards.cure_rows import CureDesign
from exitmodels.models.hazards.next_issue import NextIssue
from exitmodels.models.hazards.omission import evidence_from_draws
from exitmodels.models.hazards.omission_results import OmissionEvidence
from exitmodels.results.curve import Curve
from exitmodels.results.piece import Piece
from exitmodels.results.regression import Regression
from exitmodels.shapes.columns import Columns, rows_of
from exitmodels.shapes.spells import Spells

__all__ = ["CureFitted", "CurePrediction"]


@dataclass(frozen=True, eq=False)
class CureFitted:
    """The data of a fit, row by row and by distinct rows, for variances, profiles and open items; never saved."""

    data: CureRows
    small: CureRows
    penalty: Penalty | None
    at: Floats
    top: float
    recode: Floats
    design: CureDesign
    rows: Spells
    cluster: Ints | None


@dataclass(frozen=True, eq=False)
class _Case:
    """One item: its label, its columns in both parts, and offsets."""

    label: Any
    x: Floats
    z: Floats
    offsets: tuple[float, float]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class CurePrediction(Regression):
    """Predictions of a fitted cure model.

    Attributes
    ----------
    link : str
    watched : FollowUp
        How long the records follow those still out.
    designs : CureDesign
    """

    link: str
    watched: FollowUp
    designs: CureDesign
    unit: str = "D"
    fitted: CureFitted | None = field(default=None, metadata={"stored": False})

    # ---- rows --------------------------------------------------------------------------------------------------
    def _cases(self, new: Any) -> list[_Case]:
        if new is None and self.designs.slopes + self._has_offset() > 0:
            raise DataError(
                "The model has covariates, so predictions are for given values of them.",
                code="new",
                hint=f"Give new=, a table with {', '.join(self._variables())}.",
            )
        columns, n, labels = (Columns(), 1, np.arange(1)) if new is None else rows_of(new)
        return list(self._coded(columns, n, labels))

    def _has_offset(self) -> bool:
        return bool(self.designs.never.formula.offset or self.designs.lag.formula.offset)

    def _variables(self) -> list[str]:
        return list(dict.fromkeys([*self.designs.never.variables, *self.designs.lag.variables]))

    def _coded(self, columns: Columns, n: int, labels: AnyArray) -> Iterator[_Case]:
        parts, offsets = [], []
        for design, first in ((self.designs.never, 1), (self.designs.lag, 0)):
            if len(design.names) > first or design.formula.offset:
                made = design.rebuild(columns, labels=labels)
                matrix, offset = made.matrix, made.offset
            else:
                matrix, offset = np.ones((n, len(design.names))), None
            parts.append(matrix)
            offsets.append(np.zeros(n) if offset is None else offset)
        for i, label in enumerate(labels):
            yield _Case(label, parts[0][i], parts[1][i], (float(offsets[0][i]), float(offsets[1][i])))

    # ---- one item ----------------------------------------------------------------------------------------------
    def _still_out(self, case: _Case, t: int) -> tuple[Floats, Floats]:
        """Log chance to be still out after 0 .. t periods, and its slopes by the coefficients (t + 1, p)."""
        at = self.estimate
        a, f = len(self.designs.never.names), len(self.designs.baseline.names)
        basis, fixed = self.designs.baseline.upto(t)
        v = float(case.x @ at[:a]) + case.offsets[0]
        eta = basis @ at[a : a + f] + fixed + float(case.z @ at[a + f :]) + case.offsets[1]
        stay, stay1, *_ = lag_logs(self.link, eta)
        total = np.concatenate([[0.0], np.cumsum(stay)])
        value, by_v, by_s, _ = survivor_logs(np.full(t + 1, v), total)
        cells = np.vstack([np.zeros(f + len(case.z)), np.cumsum(stay1[:, None] * self._lag_columns(basis, case), 0)])
        return value, np.column_stack([by_v[:, None] * case.x, by_s[:, None] * cells])

    def _lag_columns(self, basis: Floats, case: _Case) -> Floats:
        return np.column_stack([basis, np.tile(case.z, (len(basis), 1))])

    def _errors(self, slopes: Floats) -> Floats:
        return np.sqrt(np.maximum(np.einsum("tp,pq,tq->t", slopes, self.covariance, slopes), 0.0))

    # ---- curves ------------------------------------------------------------------------------------------------
    def predict_incidence(self, new: Any = None, periods: int | None = None) -> Curve:
        """Chance to have left (reappeared) by the end of each period, those that never do included, with limits.

        Parameters
        ----------
        new : table or mapping of columns, optional
            May be left out when there are no covariates.
        periods : int, optional
            By default those of the records.
        """
        return self._curve("incidence", new, periods)

    def predict_survival(self, new: Any = None, periods: int | None = None) -> Curve:
        """Chance to be still out at the end of each period, with limits; see `predict_incidence`."""
        return self._curve("survival", new, periods)

    def _curve(self, kind: str, new: Any, periods: int | None) -> Curve:
        t = self.watched.longest if periods is None else int(periods)
        if t < 1:
            raise DataError(f"periods={periods} is no number of periods.", code="periods", hint="Give 1 or more.")
        pieces = []
        for case in self._cases(new):
            value, slopes = self._still_out(case, t)
            out = np.exp(value[1:])
            estimate = out if kind == "survival" else -np.expm1(value[1:])
            se = self._errors(slopes[1:] * out[:, None])
            keys = {} if new is None else {"row": case.label}
            pieces.append(Piece.predicted(keys, np.arange(1.0, t + 1), estimate, se))
        return Curve(
            kind=kind,
            pieces=tuple(pieces),
            transform="log-log" if kind == "survival" else "cloglog",
            variance=self.vcov,
            unit=self.unit,
            ledger=self.ledger,
            method=f"{kind.capitalize()} predicted by a discrete-time mixture cure model",
            sources=self.sources,
            outcome=self.outcome,
        )

    # ---- the next issue ----------------------------------------------------------------------------------------
    def predict_next(self, new: Any = None, waited: Any = None, issues: int = 1, alpha: float = 0.05) -> NextIssue:
        """Chance that items still out appear within the next issue (or several), each and at least one of them.

        Parameters
        ----------
        new : table or mapping of columns, optional
            Items; by default those of the fit that are still out, each with the lag it has waited.
        waited : int or sequence of int, optional
            Issues that each item of `new` has been missing from so far; 0 for one that has just been published.
        issues : int
            How many issues to look ahead.
        alpha : float

        Returns
        -------
        NextIssue
            One row per item and one for "at least one"; limits by the delta method, symmetric on the scale of
            log(-log(1 - p)). Given the covariates, items are taken to be independent.

        Examples
        --------
        >>> import exitmodels as xm
        >>> items = xm.Spells(exit=[1, 1, 1, 2, 2, 3, 9, 9, 9, 9], event=[1, 1, 1, 1, 1, 1, 0, 0, 0, 0])
        >>> xm.DiscreteCure().fit(items).predict_next(waited=[0, 3]).params.round(3).to_dict()
        {'item 0': 0.36, 'item 1': 0.053, 'at least one': 0.393}
        """
        cases, lags = self._open(new, waited)
        logs, slopes = self._missing(cases, lags, issues)
        names = [f"{'item ' if isinstance(c.label, (int, np.integer)) else ''}{c.label}" for c in cases]
        whole = (np.append(logs, logs.sum()), np.vstack([slopes, slopes.sum(axis=0)]))
        chance = -np.expm1(whole[0])
        ahead = "next issue" if issues == 1 else f"next {issues} issues"
        return NextIssue(
            names=(*names, "at least one"),
            chance=chance,
            se=self._errors(whole[1] * np.exp(whole[0])[:, None]),
            waited=tuple(int(v) for v in lags),
            issues=issues,
            alpha=alpha,
            method=f"Chance to appear in the {ahead}, given not yet",
            sources=self.sources,
            ledger=self.ledger,
            notes=self.warnings,
        )

    def omission_evidence(
        self,
        new: Any = None,
        waited: Any = None,
        issues: int = 1,
        deliberate: float = 1.0,
        wanted: float = 20.0,
        n_draws: int = 4000,
        alpha: float = 0.05,
        rng: np.random.Generator | int | None = 0,
    ) -> OmissionEvidence:
        """What it is worth that these items did not appear: deliberate omission against the ordinary working of chance.

        Parameters
        ----------
        new, waited, issues
            As in `predict_next`; `issues` are those in which the items were looked for and not found.
        deliberate, wanted, alpha
            As in `exitmodels.omission_evidence`.
        n_draws : int
            Draws of the coefficients from their normal law, over which the ordinary chance of the omission is averaged.
        rng : numpy Generator or seed
        """
        cases, lags = self._open(new, waited)
        drawn = np.random.default_rng(rng).standard_normal((n_draws, len(self.estimate)))
        thetas = self.estimate + drawn @ symmetric_root(self.covariance)
        logs = self._missing(cases, lags, issues)[0]
        missed = np.sum([self._drawn(c, int(lag), issues, thetas) for c, lag in zip(cases, lags, strict=True)], axis=0)
        return evidence_from_draws(logs, np.exp(missed), deliberate, wanted, alpha, self.sources, self.ledger)

    def _missing(self, cases: list[_Case], lags: Ints, issues: int) -> tuple[Floats, Floats]:
        """Log chance that each item is missing from the issues after its lag too, and its slopes."""
        if issues < 1:
            raise DataError(f"issues={issues} is no number of issues.", code="issues", hint="Give 1 or more.")
        logs, slopes = [], []
        for case, lag in zip(cases, lags, strict=True):
            value, slope = self._still_out(case, int(lag) + issues)
            logs.append(value[-1] - value[lag])
            slopes.append(slope[-1] - slope[lag])
        return np.array(logs), np.array(slopes)

    def _drawn(self, case: _Case, lag: int, issues: int, thetas: Floats) -> Floats:
        """The log chance of `_missing` for one item, at many values of the coefficients (m,)."""
        a, f = len(self.designs.never.names), len(self.designs.baseline.names)
        basis, fixed = self.designs.baseline.upto(lag + issues)
        v = thetas[:, :a] @ case.x + case.offsets[0]
        eta = thetas[:, a : a + f] @ basis.T + fixed + (thetas[:, a + f :] @ case.z + case.offsets[1])[:, None]
        stay = lag_logs(self.link, eta)[0]
        return survivor_logs(v, stay.sum(axis=1))[0] - survivor_logs(v, stay[:, :lag].sum(axis=1))[0]

    def _open(self, new: Any, waited: Any) -> tuple[list[_Case], Ints]:
        if new is None and waited is None:
            return self._open_rows()
        if new is None:
            lags = np.atleast_1d(np.asarray(waited))
            first = self._cases(None)[0]
            cases = [_Case(i, first.x, first.z, first.offsets) for i in range(len(lags))]
        else:
            cases = self._cases(new)
            lags = np.broadcast_to(np.asarray(0 if waited is None else waited), (len(cases),))
        if not np.all((lags == np.floor(lags)) & (lags >= 0)):
            raise DataError(f"waited={waited!r} holds no whole lags.", code="waited", hint="Issues so far, 0 or more.")
        return cases, lags.astype(np.int64)

    def _open_rows(self) -> tuple[list[_Case], Ints]:
        """The items of the fit that are still out."""
        if self.fitted is None:
            raise DataError(
                "The items of the fit are needed, which a saved result does not hold.",
                code="no-data",
                hint="Give new= and waited=.",
            )
        rows = self.fitted.rows
        out = rows.select(np.flatnonzero(rows.event == 0))
        return list(self._coded(out.columns, len(out), out.labels)), out.exit.astype(np.int64)

    def _never_at(self, case: _Case) -> tuple[float, float]:
        """logit(never) of an item and its standard error."""
        a = len(case.x)
        v = float(case.x @ self.estimate[:a]) + case.offsets[0]
        return v, float(np.sqrt(np.maximum(case.x @ self.covariance[:a, :a] @ case.x, 0.0)))

    def predict(self, new: Any = None) -> Any:
        """Estimated chance that each new item never leaves, as a Series."""
        import pandas as pd

        cases = self._cases(new)
        values = [float(expit(self._never_at(case)[0])) for case in cases]
        return pd.Series(values, index=[case.label for case in cases], name="never")
