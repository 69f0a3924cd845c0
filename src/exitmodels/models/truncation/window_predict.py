"""Predictions of a parametric fit: survival, incidence per cause and mean stay, under each policy, with limits.

Third floor, in the room of truncation. All are parametric: beyond the largest limit they are what the law says, not
what the records say, so curves end there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from exitmodels.arrays import Bools, Floats
from exitmodels.errors import DataError
from exitmodels.kernels.hazardcurves import cumulative_hazards, incidences, mean_stay
from exitmodels.kernels.hazardlaws import Law, Pieces
from exitmodels.results.curve import Curve
from exitmodels.results.piece import Piece
from exitmodels.results.regression import Regression
from exitmodels.shapes.columns import rows_of
from exitmodels.shapes.design import Design

__all__ = ["HazardPrediction"]

_CELLS = 500


@dataclass(frozen=True, eq=False)
class _Case:
    """One new row under one policy."""

    keys: dict[str, Any]
    factors: list[tuple[Floats, Floats]]
    logs: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class HazardPrediction(Regression):
    """What a parametric fit says about new rows.

    Attributes
    ----------
    causes : tuple
    laws : tuple of Law
        Baseline of each cause.
    policies : tuple of str
        In the order in which they began.
    touches : (K, m) bool
    combine : (P, q)
        From the coefficients to those of each cause: its law, its covariates, its policies.
    horizon : float
        The largest time that the records could show.
    """

    causes: tuple[Any, ...]
    laws: tuple[Law, ...]
    designs: tuple[Design, ...]
    policies: tuple[str, ...]
    touches: Bools
    combine: Floats
    horizon: float
    unit: str

    def predict_incidence(self, new: Any = None, times: Any = None, policy: Any = None) -> Curve:
        """Incidence of each cause: the chance to have left for it by each time, with limits (delta method).

        Parameters
        ----------
        new : table or mapping of columns, optional
            All covariates of all formulas; may be left out when there are none.
        times : sequence of float, optional
            Times that the curve must hold exactly, up to `horizon`; a fine grid is always there.
        policy : str or list of str, optional
            "before", or a policy's name: that policy and those that began earlier are in force during the whole stay.
            By default all of these in turn.
        """
        pieces = []
        for case in self._cases(new, policy):
            grid = self._grid(times)
            _, _, value, slopes = incidences(*self._hazards(case, grid))
            for k, cause in enumerate(self.causes):
                keys = {**case.keys, "cause": cause} if len(self.causes) > 1 else case.keys
                pieces.append(self._piece(keys, grid, value[k], slopes[k]))
        return self._curve("incidence", pieces)

    def predict_survival(self, new: Any = None, times: Any = None, policy: Any = None) -> Curve:
        """Chance to be still there, all causes together, with limits; see `predict_incidence`."""
        pieces = []
        for case in self._cases(new, policy):
            grid = self._grid(times)
            survival, slopes, _, _ = incidences(*self._hazards(case, grid))
            pieces.append(self._piece(case.keys, grid, survival, slopes))
        return self._curve("survival", pieces)

    def mean_stay(self, new: Any = None, tau: float | None = None, policy: Any = None, alpha: float = 0.05) -> Any:
        """Mean of the stay, or of its part up to `tau`: columns row, policy, tau, estimate, se, lower, upper.

        Parameters
        ----------
        tau : float, optional
            By default `horizon`, the largest time that the records could show. ``np.inf`` gives the mean of the whole
            stay, which then rests on the law beyond that time.

        Notes
        -----
        Limits are symmetric on the log scale, and not above tau.
        """
        import pandas as pd

        self._critical(alpha)
        end = self.horizon if tau is None else float(tau)
        if not end > 0:
            raise DataError(f"tau={tau} is not above zero.", code="tau", hint="A time, or np.inf.")
        cuts = [float(c) for law in self.laws if isinstance(law, Pieces) for c in law.cuts]
        rows, z = [], float(ndtri(1 - alpha / 2))
        for case in self._cases(new, policy):
            try:
                value, slopes = mean_stay(self.laws, self._phis(), case.factors, case.logs, end, cuts)
            except ValueError:
                raise DataError(
                    "Survival does not fall to zero under this law, so the mean stay is infinite.",
                    code="tau",
                    hint="Give a finite tau.",
                ) from None
            se = float(self._errors((slopes @ self.combine)[None])[0])
            wide = float(np.exp(z * se / value))
            found = {"tau": end, "estimate": value, "se": se, "lower": value / wide, "upper": min(value * wide, end)}
            rows.append({**case.keys, **found})
        return pd.DataFrame(rows)

    # ---- parts -------------------------------------------------------------------------------------------------
    def _spans(self) -> Iterator[tuple[slice, slice]]:
        """Places of law, and of covariates and policies, of each cause."""
        at = 0
        for law, design, touch in zip(self.laws, self.designs, self.touches, strict=True):
            middle = at + len(law.names)
            stop = middle + len(design.names) + int(touch.sum())
            yield slice(at, middle), slice(middle, stop)
            at = stop

    def _phis(self) -> list[Floats]:
        theta = self.combine @ self.estimate
        return [theta[law] for law, _ in self._spans()]

    def _states(self, policy: Any) -> Sequence[str]:
        known = ["before", *self.policies] if self.policies else [""]
        if policy is None:
            return known
        asked = [policy] if isinstance(policy, str) else list(policy)
        for name in asked:
            if name not in known:
                raise DataError(f"No policy is called {name!r}.", code="policy", hint=f"Known: {', '.join(known)}.")
        return asked

    def _cases(self, new: Any, policy: Any) -> Iterator[_Case]:
        if new is None:
            new = {"": [0.0]}
        columns, n, labels = rows_of(new)
        designs = [design.rebuild(columns, labels=labels) for design in self.designs]
        theta = self.combine @ self.estimate
        for i in range(n):
            for state in self._states(policy):
                on = np.arange(len(self.policies)) <= (self.policies.index(state) if state in self.policies else -1)
                factors, logs = [], []
                for k, (_, effects) in enumerate(self._spans()):
                    x, acting = designs[k].matrix[i], on[self.touches[k]].astype(np.float64)
                    offset, own = designs[k].offset, theta[effects]
                    moved = 0.0 if offset is None else float(offset[i])
                    factors.append((x, acting))
                    logs.append([float(x @ own[: len(x)]) + moved, float(acting @ own[len(x) :])])
                keys = {"row": labels[i], "policy": state} if state else {"row": labels[i]}
                yield _Case(keys, factors, np.array(logs))

    def _hazards(self, case: _Case, grid: Floats) -> tuple[Floats, Floats]:
        return cumulative_hazards(self.laws, self._phis(), case.factors, case.logs, grid)

    def _grid(self, times: Any) -> Floats:
        whole = self.horizon <= 4 * _CELLS and self.horizon >= 20
        even = np.arange(1, np.floor(self.horizon) + 1) if whole else np.linspace(0, self.horizon, _CELLS + 1)[1:]
        cuts = [law.cuts for law in self.laws if isinstance(law, Pieces)]
        asked = np.empty(0) if times is None else np.atleast_1d(np.asarray(times, dtype=np.float64))
        grid = np.unique(np.concatenate([even, [self.horizon], *cuts, asked]))
        if len(asked) and (asked.min() < 0 or asked.max() > self.horizon):
            raise DataError(
                f"times reach from {asked.min():g} to {asked.max():g}; the records could show stays up to "
                f"{self.horizon:g} only.",
                code="horizon",
                hint=f"Give times between 0 and {self.horizon:g}.",
            )
        return grid[(grid > 0) & (grid <= self.horizon)]

    def _errors(self, slopes: Floats) -> Floats:
        return np.sqrt(np.maximum(np.einsum("tp,pq,tq->t", slopes, self.covariance, slopes), 0.0))

    def _piece(self, keys: dict[str, Any], grid: Floats, estimate: Floats, slopes: Floats) -> Piece:
        return Piece.predicted(keys, grid, estimate, self._errors(slopes @ self.combine))

    def _curve(self, kind: str, pieces: list[Piece]) -> Curve:
        return Curve(
            kind=kind,
            pieces=tuple(pieces),
            transform="log-log",
            variance=self.vcov,
            unit=self.unit,
            ledger=self.ledger,
            method=f"{kind.capitalize()} predicted by: {self.method}",
            sources=self.sources,
            outcome=self.outcome,
            warnings=self.warnings,
            converged=self.converged,
        )
