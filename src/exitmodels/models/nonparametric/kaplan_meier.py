"""Kaplan-Meier: the probability of still being there.

Third floor. Use it when stays may be censored or entered late, and one kind of
exit is in question. With several reasons that compete, use Aalen-Johansen: one
minus Kaplan-Meier would treat other exits as if they could not happen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.kernels import jackknife, resampling
from exitmodels.kernels.products import kaplan_meier, restricted_area
from exitmodels.kernels.steps import value_at
from exitmodels.models.nonparametric.observed import Group, choose_variance, exhausted, groups, late_start
from exitmodels.results.curve import Curve
from exitmodels.results.piece import Piece
from exitmodels.results.resampled import Resampled
from exitmodels.shapes.spells import Spells

__all__ = ["KaplanMeier"]


@dataclass(frozen=True)
class KaplanMeier:
    """Product-limit estimate of survival.

    Parameters
    ----------
    by : str or list of str, optional
        Columns whose values (crossed) make the groups.
    event : label, list of labels or "any", optional
        Which exits count; needed when the spells have several causes.
    variance : {"greenwood", "robust", "cluster"}, optional
        "robust" is the infinitesimal jackknife over rows, "cluster" over clusters. By default Greenwood's,
        or robust with sampling weights.
    transform : {"log-log", "log", "plain", "arcsine", "logit", "cloglog"}
        Scale of the pointwise limits.
    start : float, optional
        Condition on being there just before this time; with delayed entry it keeps tiny early risk sets out.

    Notes
    -----
    Assumes that those who are censored, or who enter late, face the same hazard as those at risk.
    Exits precede censorings on the same day; a person entering on day t is not at risk on day t.
    Source: Kaplan & Meier (1958); Greenwood (1926).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[6, 6, 6, 7, 10, 13], event=[1, 1, 1, 1, 0, 1])
    >>> curve = xm.KaplanMeier().fit(spells)
    >>> curve.estimate.round(3).tolist()
    [0.5, 0.333, 0.333, 0.0]
    >>> float(curve.median().time[0])
    6.5
    """

    by: str | Sequence[str] | None = None
    event: Any = None
    variance: str | None = None
    transform: str = "log-log"
    start: float | None = None

    def fit(self, spells: Spells) -> Curve:
        """Estimate the curve of each group.

        Raises
        ------
        SchemeError
            If only exits inside a window were recorded.
        DataError
            If there are several causes and none was chosen.
        """
        rows, kind = self._rows(spells)
        pieces, notes = [], []
        for group in groups(rows, self.by, kind == "cluster"):
            piece, survival = self._piece(group, kind)
            pieces.append(piece)
            if not group.table.events.any():
                notes.append(f"{piece.label}: nobody left, so the curve stays at 1")
            note = exhausted(group.table, survival, piece.label)
            notes += [note] if note else []
        return Curve(
            kind="survival",
            pieces=tuple(pieces),
            transform=self.transform,
            variance=kind,
            unit=rows.unit,
            ledger=rows.ledger,
            method="Kaplan-Meier estimate of survival",
            sources=("kaplan_meier1958", "greenwood1926" if kind == "greenwood" else "therneau2024"),
            outcome=str(rows.causes[0]),
            warnings=tuple(notes),
        )

    def _rows(self, spells: Spells) -> tuple[Spells, str]:
        spells.require_scheme("KaplanMeier")
        rows = late_start(spells.for_cause(self.event).complete(self.by), self.start)
        return rows, choose_variance(self.variance, rows, "greenwood", ("greenwood", "robust", "cluster"))

    def _piece(self, group: Group, kind: str) -> tuple[Piece, Floats]:
        table = group.table
        survival, greenwood = kaplan_meier(table.at_risk, table.events[0])
        if kind == "greenwood":
            with np.errstate(invalid="ignore"):
                se = survival * np.sqrt(greenwood)
        else:
            rows = group.rows()
            squared = jackknife.variance(rows, jackknife.survival_form(rows))
            se = np.sqrt(value_at(rows.index.times, squared, table.time, 0.0))
            se = np.where(survival > 0, se, np.nan)

        def integral_se(tau: float) -> float:
            if kind == "greenwood":
                return _greenwood_area(group, survival, tau)
            again = group.rows()
            return float(np.sqrt(jackknife.area_variance(again, jackknife.survival_form(again), tau)))

        piece = Piece(
            keys=group.keys,
            time=table.time,
            estimate=survival,
            se=se,
            at_risk=table.at_risk,
            events=table.events[0],
            censored=table.censored,
            n=group.n,
            integral_se=integral_se,
            independent=kind != "cluster",
            resample=group.resampler(jackknife.survival_form, se),
        )
        return piece, survival

    def bootstrap(
        self, spells: Spells, p: float = 0.5, n: int = 1000, rng: np.random.Generator | int | None = None
    ) -> Resampled:
        """Resample rows (or clusters) and read the time by which a share p has left.

        Parameters
        ----------
        p : float
            0.5 for the median.
        n : int
            Number of bootstrap samples.
        rng : numpy Generator or seed

        Returns
        -------
        Resampled
            One column of draws for each group; NaN where a sample does not reach p.

        Notes
        -----
        Identical rows are counted once and their numbers drawn together, so that a thousand
        samples cost one pass over a small table. Source: Efron (1981).
        """
        rows, _ = self._rows(spells)
        generator = np.random.default_rng(rng)
        names, draws, values = [], [], []
        whole = KaplanMeier(self.by, None, "greenwood", self.transform).fit(rows).quantile(p)
        code, keys = rows.groups(self.by)
        for g, key in enumerate(keys):
            m: Any = slice(None) if code is None else np.flatnonzero(code == g)
            entry = rows.entry[m] if rows.delayed else None
            cluster = None if rows.cluster is None else rows.cluster[m]
            weight = None if rows.weight is None else rows.weight[m]
            replicas = weight is not None and rows.weights == "frequency" and cluster is None
            table = resampling.compress(rows.exit[m], rows.event[m] > 0, entry, weight, replicas, cluster)
            draws.append(resampling.bootstrap_quantile(table, p, n, generator))
            names.append(", ".join(f"{k}={v}" for k, v in key.items()) or "all")
            values.append(float(whole.time.iloc[g]))
        return Resampled(
            names=tuple(names),
            estimate=np.asarray(values),
            draws=np.column_stack(draws),
            method=f"Bootstrap of the Kaplan-Meier {p:g} quantile, {n} samples",
            sources=("kaplan_meier1958", "efron1981"),
            ledger=rows.ledger,
        )


def _greenwood_area(group: Group, survival: Floats, tau: float) -> float:
    table = group.table
    _, rest = restricted_area(table.time, survival, 1.0, tau)
    left = table.at_risk - table.events[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.where((table.events[0] > 0) & (left > 0), table.events[0] / (table.at_risk * left), 0.0)
    return float(np.sqrt(np.sum(rest**2 * step)))
