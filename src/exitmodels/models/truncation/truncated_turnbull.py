"""Exits known only to lie between two times, and seen only because they fell inside a window.

Third floor, in the room of truncation. Use it when the date of the exit is a month or a year, or lies between two
roll-calls, and people who left outside the window have no record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError, IdentificationError, SchemeError
from exitmodels.kernels.boundmass import (
    Bounds,
    Places,
    bound_reach,
    fit_bounds,
    flat_directions,
    loose_ends,
    place_bounds,
    rank_bounds,
)
from exitmodels.kernels.squared import Settled
from exitmodels.kernels.windowreach import components
from exitmodels.models.truncation.between_curve import BetweenCurve, BetweenPiece
from exitmodels.render.text import number
from exitmodels.shapes.between import between
from exitmodels.shapes.spells import Spells

__all__ = ["TruncatedTurnbull"]

_NONE = 1e-10
_CHECKED = 1500


@dataclass(frozen=True)
class TruncatedTurnbull:
    """Nonparametric maximum likelihood estimate from intervals seen through windows.

    Parameters
    ----------
    by : str or list of str, optional
        Columns whose values (crossed) make the groups.
    closed : {"right", "both"}
        Whether an exit at the left limit itself would have been seen.
    n_samples : int
        Bootstrap samples for limits; 0 for none. Clusters are drawn whole.
    starts : int
        The likelihood may have several maxima; the search begins at so many places, and the best is kept.
    rng : numpy Generator or seed, optional
        For the bootstrap and for the starts after the first.

    Notes
    -----
    A row says that its exit lies in (lower, upper], and that it is there only because the exit lies in (left limit,
    right limit]; delayed entry is a left limit. Equal limits, or `exit` alone, are exact times, so exact and imprecise
    records may be mixed; a person who had not left by some time has no finite upper limit, which a finite right limit
    forbids. Assumes that stays do not depend on the window, nor on how the record was imprecise.

    Where nothing is imprecise it is `DoublyTruncated`; where no right limit is finite it is `Turnbull`, whose maximum
    is proven. Here three things are checked and said: whether every stretch of time is linked to every other
    (otherwise refused), whether the masses are unique, and by how much the conditions of a maximum are broken.

    Source: Turnbull (1976); Frydman (1994); Alioum & Commenges (1996); existence: Xiao & Hudgens (2019).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(lower=[0, 1, 2, 1], upper=[1, 2, 3, 3], right_limit=[2, 3, 3, 3])
    >>> curve = xm.TruncatedTurnbull(n_samples=0).fit(spells)
    >>> curve.to_frame()[["left", "time", "estimate"]].round(3).values.tolist()
    [[0.0, 1.0, 0.811], [1.0, 2.0, 0.566], [2.0, 3.0, 0.0]]
    """

    by: str | Sequence[str] | None = None
    closed: str = "right"
    n_samples: int = 200
    starts: int = 3
    rng: np.random.Generator | int | None = None

    def fit(self, spells: Spells) -> BetweenCurve:
        """Estimate the curve of each group.

        Raises
        ------
        SchemeError
            If there are no windows.
        DataError
            If an exit cannot lie in its window, or somebody had not left though only exits were seen.
        IdentificationError
            If the windows do not link all times.
        """
        rows = spells.complete(self.by)
        lower, upper, left, right = self._limits(rows)
        code, keys = rows.groups(self.by)
        rng = np.random.default_rng(self.rng)
        pieces, notes, done = [], [], True
        for g, key in enumerate(keys):
            members = np.arange(len(rows)) if code is None else np.flatnonzero(code == g)
            members = members[np.asarray(rows.row_weight)[members] > 0]
            if len(members) == 0:
                continue
            own = tuple(v[members] for v in (lower, upper, left, right))
            piece, said, converged = self._piece(rows, own, members, key, rng)
            pieces.append(piece)
            notes += said
            done = done and converged
        return BetweenCurve(
            kind="survival",
            pieces=tuple(pieces),
            transform="percentile",
            variance=f"bootstrap ({self.n_samples} samples)" if self.n_samples else "none",
            unit=rows.unit,
            ledger=rows.ledger,
            method="Survival from intervals seen through windows",
            sources=(
                "turnbull1976",
                "alioum_commenges1996",
                "xiao_hudgens2019",
                *(("efron1979",) if self.n_samples else ()),
            ),
            warnings=tuple(notes),
            converged=done,
        )

    def _limits(self, rows: Spells) -> tuple[Floats, Floats, Floats, Floats]:
        """Interval and window of each row, checked."""
        if self.closed not in ("right", "both"):
            raise DataError(f"closed={self.closed!r} is not known.", code="closed", hint='"right" or "both".')
        if rows.left_limit is None and rows.right_limit is None:
            raise SchemeError(
                "TruncatedTurnbull is for records that exist only because the exit fell inside a window; these have no "
                "window.",
                code="no-window",
                hint="Give left_limit= and right_limit=; without a window use Turnbull, which takes delayed entry.",
            )
        seen = between(rows, rows.event)
        n = len(rows)
        left = np.full(n, -np.inf) if rows.left_limit is None else np.asarray(rows.left_limit, dtype=np.float64)
        right = np.full(n, np.inf) if rows.right_limit is None else np.asarray(rows.right_limit, dtype=np.float64)
        if seen.entry is not None:
            left = np.maximum(left, seen.entry)
        still = np.flatnonzero((rows.event == 0) & np.isfinite(right))
        if still.size:
            raise DataError(
                f"{still.size} rows are people who had not left, yet each row is said to be seen because of its exit.",
                rows=rows.labels[still],
                code="scheme",
                hint='If people still inside are in the table, read it with scheme="censored".',
            )
        exact = seen.lower == seen.upper
        early = seen.upper < left if self.closed == "both" else seen.upper <= left
        late = np.where(exact, seen.lower > right, seen.lower >= right)
        outside = np.flatnonzero(early | late)
        if outside.size:
            raise DataError(
                f"{outside.size} exits cannot lie inside the window that let them be seen.",
                rows=rows.labels[outside],
                code="outside-window",
                hint='Correct the limits; if an exit at the left limit itself would be seen, give closed="both".',
            )
        return seen.lower, seen.upper, left, right

    def _piece(
        self,
        rows: Spells,
        own: tuple[Floats, ...],
        members: Ints,
        key: dict[str, Any],
        rng: np.random.Generator,
    ) -> tuple[BetweenPiece, list[str], bool]:
        bounds = rank_bounds(own[0], own[1], own[2], own[3], self.closed == "both")
        weight = np.asarray(rows.row_weight[members], dtype=np.float64)
        places = place_bounds(bounds)
        label = ", ".join(f"{k}={v}" for k, v in key.items()) or "all"
        self._refuse_apart(places, rows, members, label)
        everyone, (places, telling) = weight, places.telling()
        if not telling.any():
            raise IdentificationError(
                f"{label}: every interval fills its window, so the rows say nothing about the stay.",
                rows=rows.labels[members],
                code="no-information",
                hint="Narrower dates are needed.",
            )
        weight = everyone[telling]
        found, several = self._best(places, weight, rng)
        copies = rows.weights == "frequency"
        cluster = None if rows.cluster is None else np.unique(rows.cluster[members], return_inverse=True)[1].ravel()
        holds = found.mass > _NONE * found.mass.max()
        mass = np.where(holds, found.mass, 0.0) / found.mass[holds].sum()
        time = places.right[holds]
        finite = np.isfinite(time)
        estimate = 1.0 - np.cumsum(mass[holds])
        draws = self._draws(bounds, everyone, copies, cluster, time[finite], rng)
        gap = float(loose_ends(places, weight, found.mass).max())
        flat = flat_directions(places, weight, found.mass) if int(holds.sum()) <= _CHECKED else -1
        piece = BetweenPiece(
            keys=key,
            time=time[finite],
            estimate=np.where(estimate < 1e-12, 0.0, estimate)[finite],
            se=np.full(int(finite.sum()), np.nan) if draws is None else np.nanstd(draws.mean(axis=0), axis=0, ddof=1),
            at_risk=np.zeros(0),
            events=np.array([float(everyone.sum())]),
            censored=np.zeros(0),
            n=float(everyone.sum() if copies else len(everyone)),
            until=None if finite.all() else float(places.left[holds][-1]),
            left=places.left[holds],
            right=time,
            mass=mass[holds],
            low=float(own[2].min()),
            high=float(own[3].max()),
            llf=found.value,
            gap=gap,
            flat=flat,
            draws=draws,
        )
        return piece, _notes(piece, found, several, draws), found.converged

    def _refuse_apart(self, places: Places, rows: Spells, members: Ints, label: str) -> None:
        low, high = bound_reach(places)
        part = components(np.arange(len(places)), low, high, len(places))
        if int(part.max()) == 0:
            return
        largest = int(np.argmax(np.bincount(part[places.first])))
        away = np.flatnonzero(part[places.first] != largest)
        raise IdentificationError(
            f"{label}: the windows do not link all times, so the distribution that fits best does not exist or is not "
            f"unique: {int(part.max()) + 1} sets of times that do not reach one another.",
            rows=rows.labels[members[away]],
            code="not-connected",
            hint="Leave out the rows named here, or fit a parametric law (ParametricSpells).",
        )

    def _best(self, places: Places, weight: Floats, rng: np.random.Generator) -> tuple[Settled, float]:
        """Best maximum over several starts, and by how much the others fall short of it."""
        m = len(places)
        found = [fit_bounds(places, weight)]
        found += [fit_bounds(places, weight, rng.dirichlet(np.ones(m))) for _ in range(self.starts - 1)]
        values = np.array([f.value for f in found])
        return found[int(np.argmax(values))], float(values.max() - values.min())

    def _draws(
        self,
        bounds: Bounds,
        weight: Floats,
        copies: bool,
        cluster: Ints | None,
        time: Floats,
        rng: np.random.Generator,
    ) -> Floats | None:
        """Least and most survival at `time` in bootstrap samples: (2, n_samples, k).

        NaN where the windows of a sample do not link its times.
        """
        if not self.n_samples:
            return None
        out = np.full((2, self.n_samples, len(time)), np.nan)
        for b in range(self.n_samples):
            drawn = _drawn(weight, copies, cluster, rng)
            rows = np.flatnonzero(drawn)
            part = place_bounds(bounds.take(rows))
            low, high = bound_reach(part)
            if components(np.arange(len(part)), low, high, len(part)).max() > 0:
                continue
            part, kept = part.telling()
            if not kept.any():
                continue
            again = fit_bounds(part, drawn[rows][kept], None, 1e-8)
            steps = np.append(0.0, np.cumsum(again.mass))
            begins = np.where(part.point, np.nextafter(part.left, -np.inf), part.left)
            out[0, b] = 1.0 - steps[np.searchsorted(begins, time, side="left")]
            out[1, b] = 1.0 - steps[np.searchsorted(part.right, time, side="right")]
        return out


def _drawn(weight: Floats, copies: bool, cluster: Ints | None, rng: np.random.Generator) -> Floats:
    if copies and cluster is None:
        return rng.multinomial(round(float(weight.sum())), weight / weight.sum()).astype(np.float64)
    unit = np.arange(len(weight)) if cluster is None else cluster
    size = int(unit.max()) + 1
    return weight * rng.multinomial(size, np.full(size, 1 / size))[unit]


def _notes(piece: BetweenPiece, found: Settled, several: float, draws: Floats | None) -> list[str]:
    notes = [
        f"{piece.label}: the curve is for stays that end within the range that could be seen; nothing is known outside "
        f"({number(piece.low)}, {number(piece.high)}], nor about people who never leave."
    ]
    if piece.flat > 0:
        notes.append(
            f"{piece.label}: the likelihood does not change in {piece.flat} direction(s) among the intervals with "
            "mass: other curves fit as well"
        )
    if several > 1e-6 * max(abs(piece.llf), 1.0):
        notes.append(
            f"{piece.label}: the search ended at different maxima (log-likelihoods {number(several, 3)} apart); the "
            "best is given. Raise starts="
        )
    if not found.converged or piece.gap > 1e-6:
        notes.append(f"{piece.label}: the conditions of a maximum hold only to within {piece.gap:.1e}")
    if draws is not None:
        lost = int(np.isnan(draws[0]).any(axis=1).sum())
        if lost:
            notes.append(
                f"{piece.label}: {lost} of {draws.shape[1]} bootstrap samples have no unique estimate; left out"
            )
    return notes
