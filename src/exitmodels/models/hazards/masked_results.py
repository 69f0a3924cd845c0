"""What a fit with masked causes gives back: hazards, shares, incidence, and the chances behind each masked exit.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.maskedpieces import cluster_scores, hazard_covariance, piecewise_incidence, score_squares
from exitmodels.kernels.patternshares import posterior
from exitmodels.results.curve import Curve
from exitmodels.results.piece import Piece
from exitmodels.results.regression import Regression
from exitmodels.results.storing import Stored, unstored
from exitmodels.shapes.fitting import clusters_of, factor_of
from exitmodels.shapes.labels import Labels
from exitmodels.shapes.masking import Masking
from exitmodels.shapes.spells import Spells

__all__ = ["Group", "MaskedFit", "MaskedResults", "check_vcov", "incidence_curve"]

_CELLS = 400


@dataclass(frozen=True, eq=False, kw_only=True)
class Group(Stored):
    """Counts and hazards of one group.

    Attributes
    ----------
    keys : mapping
    n : float
        Rows, copies counted.
    time : (J,)
        Time at risk in each piece.
    count : (J, P)
        Exits of each label.
    share, hazard : (J, K)
        Of each cause, in each piece.
    """

    keys: Mapping[str, Any]
    n: float
    time: Floats
    count: Floats
    share: Floats
    hazard: Floats
    converged: bool


@dataclass(frozen=True, eq=False)
class MaskedFit:
    """The data of a fit, for other variances and for labels; never saved."""

    rows: Spells
    said: Masking
    code: Ints | None

    def covariance(self, groups: tuple[Group, ...], cuts: Floats, kind: str, cluster: Ints | None) -> Floats:
        """Covariance of the log hazards, in the order group, cause, piece; NaN for hazards of zero."""
        j, k = groups[0].hazard.shape
        bread = np.zeros((len(groups) * j * k,) * 2)
        for g, group in enumerate(groups):
            for piece in range(j):
                places = g * j * k + piece * k + np.arange(k)
                bread[np.ix_(places, places)] = hazard_covariance(
                    group.count[piece], group.hazard[piece], self.said.chance
                )
        made = bread if kind == "model" else self._sandwich(groups, cuts, bread, cluster)
        zero = np.concatenate([group.hazard.ravel() == 0 for group in groups])
        made[zero, :] = made[:, zero] = np.nan
        turn = np.concatenate([np.arange(j * k).reshape(j, k).T.ravel() + g * j * k for g in range(len(groups))])
        return made[np.ix_(turn, turn)]

    def _sandwich(self, groups: tuple[Group, ...], cuts: Floats, bread: Floats, cluster: Ints | None) -> Floats:
        rows, q = self.rows, groups[0].hazard.size
        middle, known = np.zeros_like(bread), np.nan_to_num(bread)
        width = 0 if cluster is None else int(cluster.max()) + 1
        sums = np.zeros((width, len(bread)))
        factor = factor_of(rows) if cluster is None else rows.row_weight
        for g, group in enumerate(groups):
            own: Any = slice(None) if self.code is None else np.flatnonzero(self.code == g)
            part = slice(g * q, (g + 1) * q)
            held = (rows.entry[own], rows.exit[own], rows.event[own], factor[own], cuts, group.hazard, self.said.chance)
            if cluster is None:
                middle[part, part] = score_squares(*held)
            else:
                sums[:, part] = cluster_scores(*held, cluster[own], width)
        middle = middle if cluster is None else sums.T @ sums
        return np.asarray(known @ middle @ known, dtype=np.float64)


def check_vcov(kind: str) -> None:
    """Refuse a variance that is not known."""
    if kind not in ("model", "robust", "cluster"):
        raise DataError(
            f"vcov={kind!r} is not known.",
            code="vcov",
            hint="One of model, robust, cluster; for the bootstrap use exitmodels.bootstrap(model, spells, rng=).",
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class MaskedResults(Regression):
    """Fitted piecewise constant hazards with masked causes.

    Attributes
    ----------
    causes : tuple
    labels_seen : tuple
        Labels of exit in the records, masked ones among them.
    chance : (P, K)
        What each label says about the causes.
    cuts : (J - 1,)
    groups : tuple of Group
    horizon : float
        The last recorded time.
    """

    causes: tuple[Any, ...]
    labels_seen: tuple[Any, ...]
    chance: Floats
    cuts: Floats
    groups: tuple[Group, ...]
    horizon: float
    unit: str
    fitted: MaskedFit | None = field(default=None, metadata={"stored": False})

    ratio_name: ClassVar[str] = "hazard"

    def with_vcov(self, kind: str, cluster: Any = None) -> Self:
        """Return the same fit with another covariance.

        Parameters
        ----------
        kind : {"model", "robust", "cluster"}
            Inverse observed information; sandwich over rows; over clusters.
        cluster : (n,) labels, optional
            By default the clusters of the spells.
        """
        check_vcov(kind)
        fitted = unstored(self.fitted, "Another variance")
        codes = None
        if kind == "cluster":
            own = None if cluster is None else np.unique(np.asarray(cluster), return_inverse=True)[1]
            codes = np.unique(clusters_of(fitted.rows, own), return_inverse=True)[1]
        return replace(self, covariance=fitted.covariance(self.groups, self.cuts, kind, codes), vcov=kind)

    def hazards(self, alpha: float = 0.05) -> Any:
        """One row per group, piece and cause: from, to, time at risk, expected exits, hazard, low, high."""
        import pandas as pd

        edges = np.concatenate([[0.0], self.cuts, [np.inf]])
        limits = np.exp(self.conf_int(alpha).to_numpy()).reshape(len(self.groups), len(self.causes), -1, 2)
        rows = []
        for g, group in enumerate(self.groups):
            for j in range(len(group.time)):
                for k, cause in enumerate(self.causes):
                    exits = float(group.share[j, k] * group.count[j].sum())
                    span = {"cause": cause, "from": edges[j], "to": edges[j + 1], "time": group.time[j], "exits": exits}
                    low, high = limits[g, k, j]
                    rows.append({**group.keys, **span, "hazard": group.hazard[j, k], "low": low, "high": high})
        return pd.DataFrame(rows)

    def predict_incidence(self, times: Any = None, transform: str = "log-log") -> Curve:
        """Incidence of each cause in each group, with limits by the delta method.

        Parameters
        ----------
        times : sequence of float, optional
            Times that the curve must hold exactly; a fine grid up to the last recorded time is always there.
        """
        grid = self._grid(times)
        q = len(self.causes) * (len(self.cuts) + 1)
        turn = np.arange(q).reshape(len(self.causes), -1).T.ravel()
        pieces = []
        for g, group in enumerate(self.groups):
            value, slopes = piecewise_incidence(group.hazard, self.cuts, grid)
            # The slope by the log of a hazard of zero is zero, so its unknown variance does not matter here.
            spread = np.nan_to_num(self.covariance[g * q : (g + 1) * q, g * q : (g + 1) * q])[np.ix_(turn, turn)]
            for k, cause in enumerate(self.causes):
                se = np.sqrt(np.maximum(np.einsum("tp,pq,tq->t", slopes[k], spread, slopes[k]), 0.0))
                pieces.append(Piece.predicted({**group.keys, "cause": cause}, grid, value[k], se))
        return incidence_curve(self, pieces, transform)

    def labels(self) -> Labels:
        """Chance of each cause for each row that was used, given what is written, the piece and the group.

        For `impute`: the cause of a masked exit is then drawn as the fit sees it. The fit's own error is not in them.
        """
        fitted = unstored(self.fitted, "A label for each row")
        rows, code = fitted.rows, fitted.code
        share = np.stack([group.share for group in self.groups])
        gone = np.flatnonzero(rows.event > 0)
        piece = np.searchsorted(self.cuts, rows.exit[gone], side="left")
        group = np.zeros(len(rows), dtype=np.int64) if code is None else code
        weights = np.full((len(rows), len(self.causes)), np.nan)
        weights[gone] = posterior(share, self.chance)[group[gone], piece, rows.event[gone] - 1]
        return Labels(weights, self.causes, None, f"Given the fit: {self.method}", copies=rows.weight)

    def _grid(self, times: Any) -> Floats:
        asked = np.empty(0) if times is None else np.atleast_1d(np.asarray(times, dtype=np.float64))
        if len(asked) and (asked.min() < 0 or asked.max() > self.horizon):
            raise DataError(
                f"times reach from {asked.min():g} to {asked.max():g}; the records reach {self.horizon:g}.",
                code="horizon",
                hint=f"Give times between 0 and {self.horizon:g}.",
            )
        grid: AnyArray = np.unique(np.concatenate([np.linspace(0, self.horizon, _CELLS + 1), self.cuts, asked]))
        return grid[(grid > 0) & (grid <= self.horizon)]


def incidence_curve(fit: Any, pieces: Sequence[Piece], transform: str) -> Curve:
    """Predicted incidences of a fit, as a curve that carries where they come from."""
    return Curve(
        kind="incidence",
        pieces=tuple(pieces),
        transform=transform,
        variance=fit.vcov,
        unit=fit.unit,
        ledger=fit.ledger,
        method=f"Incidence predicted by: {fit.method}",
        sources=fit.sources,
        outcome="cause of exit",
        warnings=fit.warnings,
        converged=fit.converged,
    )
