"""Fitting: the naive search, the search with truncation, and what is said when there is no maximum.

Third floor, in the room of truncation. Read next: window_results.py (what comes back).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import eigh

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.ascent import Ascent
from exitmodels.kernels.linalg import symmetric_inverse
from exitmodels.kernels.splinelaw import Spline
from exitmodels.kernels.windowclimb import climb
from exitmodels.kernels.windowhazards import WindowData, evaluate, log1mexp, row_terms, total_hazard
from exitmodels.models.truncation.window_rows import Named
from exitmodels.render.text import number

__all__ = [
    "Fitted",
    "Search",
    "enough",
    "falling",
    "horizon",
    "inverse",
    "null_value",
    "resampled",
    "row_chances",
    "runaway",
    "search",
    "seen",
]

_RUNAWAY = 30.0
_PART = 20_000


@dataclass(frozen=True, eq=False)
class Search:
    """Where the searches with and without the right limit ended; without one they are the same."""

    best: Ascent
    naive: Ascent | None


@dataclass(frozen=True, eq=False)
class Fitted:
    """The data of a fit, for other variances; never saved."""

    named: Named
    at: Floats
    information: Floats
    copies: bool

    def covariance(self, kind: str, cluster: Floats | None) -> Floats:
        """Covariance of the parameters of the columns as given."""
        bread = inverse(self.information)
        if kind == "model":
            made = bread
        else:
            data = self.named.data
            width = 0 if cluster is None else int(cluster.max()) + 1
            middle, sums = np.zeros_like(bread), np.zeros((width, len(self.at)))
            for rows, scores in row_terms(data, self.at):
                weight = data.weight[rows]
                if cluster is not None:
                    np.add.at(sums, cluster[rows], scores * weight[:, None])
                else:
                    middle += scores.T @ (scores * (weight if self.copies else weight**2)[:, None])
            made = bread @ (middle if cluster is None else sums.T @ sums) @ bread
        recode = self.named.recode
        return np.asarray(recode @ made @ recode.T, dtype=np.float64)


def inverse(information: Floats) -> Floats:
    """Inverse information; NaN where it is not positive definite."""
    size = np.diag(information)
    if np.all(size > 0) and np.isfinite(information).all():
        scale = np.sqrt(size)
        if np.linalg.eigvalsh(information / np.outer(scale, scale))[0] > 1e-13:
            return symmetric_inverse(information)
    return np.full_like(information, np.nan)


def search(named: Named, most: int) -> Search:
    """Climb first without the right limits, then with them from there.

    With many rows the climb begins where it ends for every so-manieth of them; it still ends where it would from afar.
    """
    data, metric = named.data, named.metric
    every = len(data.end) // _PART
    if every < 3:
        return _both(data, metric, most, None, None)
    found = _both(data.take(slice(None, None, every)), metric, most, None, None)
    naive = found.naive if found.naive is not None else found.best
    begins = [end.at if end.converged else None for end in (naive, found.best)]
    return _both(data, metric, most, begins[0], begins[1])


def _both(data: WindowData, metric: Floats, most: int, begin_naive: Floats | None, begin: Floats | None) -> Search:
    open_data, far = replace(data, close=np.full(len(data.close), np.inf)), _start(data)
    starts = [far] if begin_naive is None else [begin_naive, far]
    naive = climb(lambda at: evaluate(open_data, at), starts, metric, most)
    if not np.isfinite(data.close).any():
        return Search(naive, None)
    starts = [naive.at if begin is None else begin, far]
    return Search(climb(lambda at: evaluate(data, at), starts, metric, most), naive)


def _start(data: WindowData) -> Floats:
    """Constant hazards: exits over time at risk, and no effects."""
    upper = data.end if data.upper is None else np.where(np.isfinite(data.upper), data.upper, data.end)
    time = float(data.weight @ ((data.end + upper) / 2 - data.begin))
    theta = np.zeros(len(data.combine))
    masked = float(data.weight[data.cause < 0].sum()) / len(data.laws)
    for k, (law, _, _) in enumerate(data.spans()):
        exits = float(data.weight[data.cause == k + 1].sum()) + masked
        theta[law] = data.laws[k].start(float(np.log(max(exits, 0.5) / max(time, 1e-300))))
    return np.linalg.lstsq(data.combine, theta, rcond=None)[0]


def null_value(named: Named, at: Floats, most: int) -> float:
    """Log-likelihood of the baselines alone; the search begins at the baselines of the full fit."""
    data, n = named.data, len(named.data.end)
    laws = np.concatenate([np.arange(law.start, law.stop) for law, _, _ in data.spans()])
    bare = replace(
        data,
        matrices=(np.empty((n, 0)),) * len(data.laws),
        changes=np.empty((0, n)),
        touches=np.ones((len(data.laws), 0), dtype=bool),
        combine=data.combine[np.ix_(laws, ~named.effects)],
    )
    begin, metric = at[~named.effects], named.metric[np.ix_(~named.effects, ~named.effects)]
    return climb(lambda inner: evaluate(bare, inner), [begin, _start(bare)], metric, most).surface.value


def refit(named: Named, copies: Floats, start: Floats, most: int) -> Floats | None:
    """Estimate again when each row counts `copies` times as much; None without a maximum."""
    data = named.data
    rows = np.flatnonzero(copies > 0)
    part = replace(data.take(rows), weight=(data.weight * copies)[rows])
    found = climb(lambda at: evaluate(part, at), [start, _start(part)], named.metric, most)
    flat = not np.isfinite(inverse(found.surface.information)).all()
    return found.at if found.converged and not flat else None


def resampled(
    fitted: Fitted,
    units: Ints | None,
    n: int,
    rng: np.random.Generator,
    tick: Callable[[int], None] | None = None,
    most: int = 60,
) -> Floats:
    """Estimates for the columns as given, on n resamples of rows, of people counted by weights, or of groups (n, q).

    Parameters
    ----------
    units : (rows,) int or None
        What is drawn as one; rows when None.

    Notes
    -----
    Each climb begins at the fit; cuts and knots stay where they are. A sample without a maximum, or whose coefficients
    have run off, gives NaN.
    """
    data = fitted.named.data
    weight, size = data.weight, len(data.weight)
    counted = units is None and fitted.copies and bool(np.any(weight != 1))
    unit = np.arange(size) if units is None else units
    many = int(unit.max()) + 1
    draws = np.full((n, len(fitted.at)), np.nan)
    for i in range(n):
        if counted:
            copies = rng.multinomial(round(float(weight.sum())), weight / weight.sum()) / weight
        else:
            copies = np.bincount(rng.integers(0, many, many), minlength=many)[unit].astype(np.float64)
        found = refit(fitted.named, copies, fitted.at, most)
        if found is not None and _length(found - fitted.at, fitted.named.metric) < _RUNAWAY:
            draws[i] = fitted.named.recode @ found
        if tick is not None:
            tick(i + 1)
    return draws


def runaway(named: Named, best: Ascent) -> str:
    """Say which parameters run off, when the likelihood has no finite maximum; else nothing."""
    if not np.isfinite(best.surface.information).all():
        return "The likelihood could not be evaluated at the end of the search."
    size, axes = eigh(best.surface.information, named.metric)
    flat = size < 1 / _RUNAWAY**2
    if best.converged and not flat.any():
        return ""
    length = np.sqrt(np.diag(named.metric))
    moving = (np.abs(axes[:, flat]).max(axis=1) if flat.any() else np.abs(best.surface.gradient) / length**2) * length
    names = ", ".join(name for name, m in zip(named.names, moving, strict=True) if m > 0.5 * moving.max())
    data = named.data
    capped = np.isfinite(data.close)
    text = f"The likelihood has no maximum that could be found: it is flat, or keeps rising, along {names}."
    if capped.any() and float(total_hazard(data, best.at, data.begin, data.close)[capped].max()) < 0.02:
        text += (
            " The hazard inside the limits runs to zero: the records tell the shape of the stays within the limits, "
            "not their level, so nothing can be said of those who stay longer."
        )
    return text + " Its printed value and standard error mean nothing; use fewer parameters, or another law."


def _length(step: Floats, metric: Floats) -> float:
    return float(np.sqrt(step @ metric @ step))


def horizon(data: WindowData) -> float:
    """The largest time that the records could show."""
    return float(np.where(np.isfinite(data.close), data.close, data.end).max())


def falling(named: Named, at: Floats) -> list[int]:
    """Causes whose spline falls somewhere before the horizon."""
    data, theta = named.data, named.data.combine @ at
    found = zip(data.laws, data.spans(), strict=True)
    end = horizon(data)
    return [
        k for k, (law, (own, _, _)) in enumerate(found) if isinstance(law, Spline) and not law.rises(theta[own], end)
    ]


def row_chances(data: WindowData, at: Floats) -> Floats:
    """Log chance of each row to be seen: S(U) - S(V), or S(U) where there is no right limit (n,)."""
    zero, capped = np.zeros(len(data.begin)), np.isfinite(data.close)
    before = total_hazard(data, at, zero, data.begin)
    after, _ = log1mexp(total_hazard(data, at, data.begin, np.where(capped, data.close, data.begin)))
    return np.where(capped, after, 0.0) - before


def seen(named: Named, at: Floats) -> tuple[float, float]:
    """Effective sample size of rows weighted by one over their chance to be seen, and the chance over all."""
    log_chance, weight = row_chances(named.data, at), named.data.weight
    shifted = np.exp(-(log_chance - log_chance.min()))
    effective = float((weight @ shifted) ** 2 / (weight @ shifted**2))
    chance = float(weight.sum() / (weight @ shifted)) * float(np.exp(log_chance.min()))
    return effective, chance


def enough(named: Named, n_events: float) -> None:
    """Refuse fewer exits than parameters."""
    if n_events < len(named.names):
        raise DataError(
            f"There are {number(n_events)} exits for {len(named.names)} parameters.",
            code="few-events",
            hint="Use fewer covariates, cuts or policies.",
        )
