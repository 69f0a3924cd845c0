"""Aalen-Johansen: the probability of having left for each reason.

Third floor. Several reasons on one day are exact (nothing is jittered).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels import jackknife
from exitmodels.kernels.products import aalen_johansen, incidence_variance
from exitmodels.kernels.steps import value_at
from exitmodels.models.nonparametric.observed import Group, choose_variance, exhausted, groups, late_start
from exitmodels.results.curve import Curve
from exitmodels.results.piece import Piece
from exitmodels.shapes.spells import Spells

__all__ = ["AalenJohansen"]

_VARIANCES = ("jackknife", "aalen", "robust", "cluster")


@dataclass(frozen=True)
class AalenJohansen:
    """Cumulative incidence of each cause of exit.

    Parameters
    ----------
    by : str or list of str, optional
        Columns whose values (crossed) make the groups.
    causes : list of labels, optional
        The causes to report; all are always in the model.
    variance : {"jackknife", "aalen", "cluster"}, optional
        "jackknife" (the same as "robust"): infinitesimal jackknife over rows, as R's survfit prints.
        "aalen": a counting-process variance from the table, as cmprsk prints; without weights only.
        "cluster": infinitesimal jackknife over clusters.
    transform : {"log-log", "cloglog", "log", "plain", "logit", "arcsine"}
        Scale of the limits, applied to the incidence itself ("cloglog": to its complement).
    start : float, optional
        Condition on being there just before this time.

    Notes
    -----
    Assumes that censoring and late entry tell nothing about the exit that follows.
    Source: Aalen & Johansen (1978); variance: Therneau, Crowson & Atkinson (2024).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[1, 2, 2, 3], event=["a", "a", "b", "in"], censor="in")
    >>> cif = xm.AalenJohansen().fit(spells)
    >>> cif.at(2)[["cause", "estimate"]].values.tolist()
    [['a', 0.5], ['b', 0.25]]
    """

    by: str | Sequence[str] | None = None
    causes: Sequence[Any] | None = None
    variance: str | None = None
    transform: str = "log-log"
    start: float | None = None

    def fit(self, spells: Spells) -> Curve:
        """Estimate the incidence of each cause in each group.

        Raises
        ------
        SchemeError
            If only exits inside a window were recorded.
        """
        spells.require_scheme("AalenJohansen")
        rows = late_start(spells.complete(self.by), self.start)
        kind = choose_variance(self.variance, rows, "jackknife", _VARIANCES)
        if kind == "aalen" and rows.weight is not None and rows.weights == "sampling":
            raise DataError(
                'variance="aalen" counts people, and sampling weights do not.',
                code="variance",
                hint='Use variance="robust".',
            )
        pieces: list[Piece] = []
        notes: list[str] = []
        for group in groups(rows, self.by, kind == "cluster"):
            made, note = self._pieces(group, kind)
            pieces += made
            notes += [note] if note else []
        return Curve(
            kind="incidence",
            pieces=tuple(pieces),
            transform=self.transform,
            variance=kind,
            unit=rows.unit,
            ledger=rows.ledger,
            method="Aalen-Johansen estimate of cumulative incidence",
            sources=("aalen_johansen1978", "andersen1993" if kind == "aalen" else "therneau2024"),
            outcome="cause of exit",
            warnings=tuple(notes),
        )

    def _chosen(self, spells: Spells) -> list[tuple[int, Any]]:
        everything = list(enumerate(spells.causes, start=1))
        if self.causes is None:
            return everything
        unknown = [cause for cause in self.causes if cause not in spells.causes]
        if unknown:
            raise DataError(
                f"{unknown[0]!r} is not a cause of exit in these spells.",
                code="unknown-cause",
                hint=f"Causes: {', '.join(str(c) for c in spells.causes)}.",
            )
        return [(k, cause) for k, cause in everything if cause in self.causes]

    def _pieces(self, group: Group, kind: str) -> tuple[list[Piece], str | None]:
        table = group.table
        before, incidence = aalen_johansen(table.at_risk, table.events)
        squared = self._variances(group, kind, before, incidence)
        made = []
        n_causes = len(group.spells.causes)
        for k, cause in self._chosen(group.spells):
            form = partial(jackknife.incidence_form, n_causes=n_causes, cause=k)
            piece = Piece(
                keys={**group.keys, "cause": cause},
                time=table.time,
                estimate=incidence[k - 1],
                se=np.sqrt(squared[k - 1]),
                at_risk=table.at_risk,
                events=table.events[k - 1],
                censored=table.censored,
                n=group.n,
                integral_se=self._integral(group, k),
                resample=group.resampler(form, np.sqrt(squared[k - 1])),
            )
            made.append(piece)
        survival = before - before * table.all_events / table.at_risk
        label = ", ".join(f"{name}={value}" for name, value in group.keys.items()) or "all"
        return made, exhausted(table, survival, label)

    def _variances(self, group: Group, kind: str, before: Floats, incidence: Floats) -> Floats:
        """From the table when each row has been at risk since the start; from the rows otherwise."""
        spells, table = group.spells, group.table
        counts = spells.weight is None or spells.weights == "frequency"
        if kind == "aalen" or (kind != "cluster" and counts and not spells.delayed):
            form = "aalen" if kind == "aalen" else "jackknife"
            return incidence_variance(table.at_risk, table.events, before, incidence, form)
        rows = group.rows()
        n_causes = len(spells.causes)
        out = np.zeros_like(incidence)
        for k, _ in self._chosen(spells):
            on_grid = jackknife.variance(rows, jackknife.incidence_form(rows, n_causes, k))
            out[k - 1] = value_at(rows.index.times, on_grid, table.time, 0.0)
        return out

    def _integral(self, group: Group, cause: int) -> Any:
        def integral_se(tau: float) -> float:
            rows = group.rows()
            form = jackknife.incidence_form(rows, len(group.spells.causes), cause)
            return float(np.sqrt(jackknife.area_variance(rows, form, tau)))

        return integral_se
