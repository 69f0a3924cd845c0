"""Turnbull's curve: survival when exits are only known to lie between two times.

Third floor. Use it when people are seen now and then (inspections, letters, visits), so that an exit lies between
the last time somebody was known to be present and the first at which they were known to be gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exitmodels.errors import DataError
from exitmodels.kernels.innermost import innermost, rank_ends
from exitmodels.kernels.turnbull import fit_masses
from exitmodels.kernels.turnbull_limits import Profile
from exitmodels.models.nonparametric.interval_piece import IntervalPiece, Sampler
from exitmodels.models.nonparametric.turnbull_curve import IntervalCurve
from exitmodels.render.text import number
from exitmodels.shapes.between import Between, between
from exitmodels.shapes.spells import Spells

__all__ = ["Turnbull"]

_LIMITS = ("likelihood-ratio", "bootstrap")
_MASS = 1e-12


@dataclass(frozen=True)
class Turnbull:
    """Nonparametric maximum likelihood estimate of survival from intervals.

    Parameters
    ----------
    by : str or list of str, optional
        Columns whose values (crossed) make the groups.
    event : label, list of labels or "any", optional
        Which exits count; needed when the spells have several causes. Those who left for another reason are
        censored at `lower`.
    limits : {"likelihood-ratio", "bootstrap"}, optional
        "likelihood-ratio": survival values at a time that lower the log-likelihood by no more than half a chi-squared
        quantile; the default. "bootstrap": percentiles over resampled rows (or clusters, which are drawn whole); the
        default with sampling weights or clusters, where likelihood ratios do not hold.
    n_samples : int
        Bootstrap samples.
    rng : numpy Generator or seed, optional
    tol : float
        Largest relative breach of the conditions of a maximum.

    Notes
    -----
    A row says that the exit lies in (lower, upper]; equal limits are an exact time, which the interval holds; an
    infinite upper limit, or event 0, means not yet. With delayed entry the row was seen only because its exit
    comes after `entry` (Turnbull 1976, with the correction of Frydman 1994): risk on (entry, ...] as everywhere.
    Assumes that times of inspection, censoring and entry tell nothing about the exit.

    The likelihood puts mass only on innermost intervals, and does not say where inside them: see `IntervalCurve`.
    In cumulative hazards it is concave, so the maximum found is the maximum; whether its masses are unique is
    checked, and said when not. Likelihood ratio limits: with exact times, or inspections on a fixed set of dates,
    they cover what they say (Thomas & Grunkemeier 1975). With inspection times that vary freely the right quantile is
    smaller (2.27 instead of 3.84 at 95 %; Banerjee & Wellner 2001, 2005) and they are too wide, never too narrow;
    percentiles of the ordinary bootstrap are not consistent there (Sen & Xu 2015).

    Source: Peto (1973); Turnbull (1976).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(lower=[0, 4, 6, 8, 1], upper=[3, 7, 9, float("inf"), 2])
    >>> curve = xm.Turnbull().fit(spells)
    >>> curve.to_frame()[["left", "time", "estimate"]].round(4).values.tolist()
    [[1.0, 2.0, 0.6], [6.0, 7.0, 0.3], [8.0, 9.0, 0.0]]
    >>> curve.at(6.5)[["least", "most"]].round(4).values.tolist()
    [[0.3, 0.6]]
    """

    by: str | Sequence[str] | None = None
    event: Any = None
    limits: str | None = None
    n_samples: int = 500
    rng: np.random.Generator | int | None = None
    tol: float = 1e-10

    def fit(self, spells: Spells) -> IntervalCurve:
        """Estimate the curve of each group.

        Raises
        ------
        SchemeError
            If only exits inside a window were recorded.
        DataError
            If a limit is missing, somebody was gone by the time of entry, or there are several causes and none
            was chosen.
        """
        spells.require_scheme("Turnbull", intervals=True)
        rows = spells.complete(self.by)
        chosen = rows.for_cause(self.event)
        kind = self._kind(rows)
        seen = between(rows, chosen.event)
        code, keys = rows.groups(self.by)
        generator = np.random.default_rng(self.rng)
        pieces, notes, done = [], [], True
        for g, key in enumerate(keys):
            members = np.arange(len(rows)) if code is None else np.flatnonzero(code == g)
            piece, said, converged = self._piece(rows, seen, members, key, kind, generator)
            pieces.append(piece)
            notes += said
            done = done and converged
        if len(rows.causes) > 1 and np.any((rows.event > 0) & (chosen.event == 0)):
            notes.append("those who left for other reasons are censored at the last time they were known to be present")
        return IntervalCurve(
            kind="survival",
            pieces=tuple(pieces),
            transform=kind if kind == "likelihood-ratio" else "percentile",
            variance="no" if kind == "likelihood-ratio" else f"bootstrap ({self.n_samples} samples)",
            unit=rows.unit,
            ledger=rows.ledger,
            method="Turnbull estimate of survival from intervals",
            sources=(
                "peto1973",
                "turnbull1976",
                *(("frydman1994", "hudgens2005") if rows.delayed else ()),
                *_SOURCES[kind],
            ),
            outcome=str(chosen.causes[0]),
            warnings=tuple(notes),
            converged=done,
        )

    def _kind(self, rows: Spells) -> str:
        sampled = rows.weight is not None and rows.weights == "sampling"
        if self.limits is None:
            return "bootstrap" if sampled or rows.cluster is not None else "likelihood-ratio"
        if self.limits not in _LIMITS:
            raise DataError(
                f"limits={self.limits!r} is not known.", code="limits", hint=f"One of {', '.join(_LIMITS)}."
            )
        if self.limits == "likelihood-ratio" and sampled:
            raise DataError(
                "Likelihood ratios count people, and sampling weights do not.",
                code="sampling-weights",
                hint='Use limits="bootstrap".',
            )
        return self.limits

    def _piece(
        self, rows: Spells, seen: Between, members: Any, keys: dict[str, Any], kind: str, rng: np.random.Generator
    ) -> tuple[IntervalPiece, list[str], bool]:
        entry = None if seen.entry is None else seen.entry[members]
        ends = rank_ends(seen.lower[members], seen.upper[members], entry)
        weight = rows.row_weight[members]
        places = innermost(ends)
        found = fit_masses(places, weight, tol=self.tol)
        copies = rows.weights == "frequency"
        cluster = None if rows.cluster is None else np.unique(rows.cluster[members], return_inverse=True)[1]
        sampler = Sampler(ends, weight, copies, cluster)
        holds = found.mass > _MASS
        finite = holds & np.isfinite(places.right)
        last = places.left[holds][-1] if holds.any() and not finite[np.flatnonzero(holds)[-1]] else None
        counts = np.isfinite(seen.upper[members]) * (weight if copies else 1.0)
        piece = IntervalPiece(
            keys=keys,
            time=places.right[finite],
            estimate=np.where(found.before[1:] < _MASS, 0.0, found.before[1:])[finite],
            se=np.full(int(finite.sum()), np.nan),
            at_risk=np.zeros(0),
            events=np.array([counts.sum()]),
            censored=np.zeros(0),
            n=float(weight.sum() if copies else len(weight)),
            until=last,
            left=places.left[holds],
            right=places.right[holds],
            mass=found.mass[holds],
            gap=found.gap,
            drift=found.drift,
            flat=found.flat,
            llf=found.value,
            profile=Profile(ends, weight, found.value),
            sampler=sampler,
        )
        if kind == "bootstrap":
            samples = sampler.draw(self.n_samples, rng)
            draws = [float(np.std(samples.at(float(t)), ddof=1)) for t in piece.time]
            piece = replace(piece, samples=samples, se=np.asarray(draws), profile=None)
        return piece, _notes(piece, places.right, found.exhausted, found.converged), found.converged


_SOURCES = {"likelihood-ratio": ("thomas_grunkemeier1975", "banerjee_wellner2001"), "bootstrap": ("efron1981",)}


def _notes(piece: IntervalPiece, right: Any, exhausted: tuple[int, ...], converged: bool) -> list[str]:
    notes = []
    if not piece.events.any():
        notes.append(f"{piece.label}: nobody is known to have left, so the curve stays at 1")
    if exhausted:
        notes.append(
            f"{piece.label}: the curve falls to 0 at {number(float(right[exhausted[0]]))}, beyond which none of those "
            "then at risk was known to stay, though others entered later. Leave out the earliest entries."
        )
    if piece.flat:
        notes.append(
            f"{piece.label}: the likelihood does not change in {piece.flat} direction(s), so other curves fit as "
            "well: delayed entries leave stretches of time that no row links."
        )
    if not converged:
        notes.append(f"{piece.label}: the conditions of a maximum hold only to within {piece.gap:.1e}")
    return notes
