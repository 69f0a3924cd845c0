"""Nelson-Aalen: the cumulative hazard of leaving.

Third floor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels import jackknife
from exitmodels.kernels.products import nelson_aalen, restricted_area
from exitmodels.kernels.steps import value_at
from exitmodels.models.nonparametric.observed import Group, choose_variance, groups, late_start
from exitmodels.results.curve import Curve
from exitmodels.results.piece import Piece
from exitmodels.shapes.spells import Spells

__all__ = ["NelsonAalen"]

_VARIANCES = ("aalen", "binomial", "robust", "cluster")
_TIES = ("aalen", "fleming-harrington")


@dataclass(frozen=True)
class NelsonAalen:
    """Cumulative hazard: the sum of exits over people at risk.

    Parameters
    ----------
    by, event, start
        As in `KaplanMeier`.
    ties : {"aalen", "fleming-harrington"}
        Exits on one day at once, d / Y; or one after another, 1/Y + 1/(Y - 1) + ...
    variance : {"aalen", "binomial", "robust", "cluster"}, optional
        d / Y^2 (default); d (Y - d) / Y^3; infinitesimal jackknife over rows (default with sampling
        weights) or clusters.
    transform : {"log", "plain", "arcsine", "logit", "cloglog"}
        Scale of the limits: of H, or (the last three) of exp(-H).

    Notes
    -----
    Source: Aalen (1978); Fleming & Harrington (1984).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[6, 6, 6, 7, 10, 13], event=[1, 1, 1, 1, 0, 1])
    >>> xm.NelsonAalen().fit(spells).estimate.round(3).tolist()
    [0.5, 0.833, 0.833, 1.833]
    """

    by: str | Sequence[str] | None = None
    event: Any = None
    ties: str = "aalen"
    variance: str | None = None
    transform: str = "log"
    start: float | None = None

    def fit(self, spells: Spells) -> Curve:
        """Estimate the cumulative hazard of each group."""
        if self.ties not in _TIES:
            raise DataError(f"ties={self.ties!r} is not known.", code="ties", hint=f"One of {', '.join(_TIES)}.")
        spells.require_scheme("NelsonAalen")
        rows = late_start(spells.for_cause(self.event).complete(self.by), self.start)
        kind = choose_variance(self.variance, rows, "aalen", _VARIANCES)
        pieces = tuple(self._piece(group, kind) for group in groups(rows, self.by, kind == "cluster"))
        notes = [f"{p.label}: nobody left, so the hazard stays at 0" for p in pieces if not p.events.any()]
        return Curve(
            kind="cumulative hazard",
            pieces=pieces,
            transform=self.transform,
            variance=kind,
            unit=rows.unit,
            ledger=rows.ledger,
            method="Nelson-Aalen estimate of the cumulative hazard",
            sources=("aalen1978",) if self.ties == "aalen" else ("aalen1978", "fleming_harrington1984"),
            outcome=str(rows.causes[0]),
            warnings=tuple(notes),
        )

    def _piece(self, group: Group, kind: str) -> Piece:
        table = group.table
        count = self._counts(group)
        hazard, squared = nelson_aalen(table.at_risk, table.events[0], self.ties, kind, count)
        if kind in ("robust", "cluster"):
            rows = group.rows()
            on_grid = jackknife.variance(rows, jackknife.hazard_form(rows))
            squared = value_at(rows.index.times, on_grid, table.time, 0.0)
        se = np.sqrt(squared)
        return Piece(
            keys=group.keys,
            time=table.time,
            estimate=hazard,
            se=se,
            at_risk=table.at_risk,
            events=table.events[0],
            censored=table.censored,
            n=group.n,
            integral_se=self._integral(group, kind, hazard, squared),
            independent=kind != "cluster",
            resample=group.resampler(jackknife.hazard_form, se),
        )

    def _integral(self, group: Group, kind: str, hazard: Floats, squared: Floats) -> Any:
        """Standard error of the area under exp(-H), for `Curve.survival().rmst()`."""

        def integral_se(tau: float) -> float:
            if kind in ("robust", "cluster"):
                rows = group.rows()
                form = jackknife.hazard_form(rows)
                survival = np.exp(-value_at(group.table.time, hazard, rows.index.times, 0.0))
                form = jackknife.Form(form.jumps, form.rates, -survival[:, None])
                return float(np.sqrt(jackknife.area_variance(rows, form, tau)))
            _, rest = restricted_area(group.table.time, np.exp(-hazard), 1.0, tau)
            return float(np.sqrt(np.sum(rest**2 * np.diff(squared, prepend=0.0))))

        return integral_se

    def _counts(self, group: Group) -> Floats | None:
        """Rows behind each tied exit, when weights are not copies of rows."""
        spells = group.spells
        if self.ties == "aalen" or spells.weight is None or spells.weights == "frequency":
            return None
        rows = group.rows()
        heads = np.bincount(rows.index.moment[rows.index.event_rows], minlength=rows.index.n_times).astype(float)
        places = np.searchsorted(rows.index.times, group.table.time)
        return np.where(group.table.events[0] > 0, heads[np.minimum(places, len(heads) - 1)], 0.0)
