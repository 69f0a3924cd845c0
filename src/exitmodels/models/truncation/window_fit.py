"""Fitting: the naive search, the search with truncation, and what is said when there is no maximum.

Third floor, in the room of truncation. Read next: window_results.py (what comes back).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import chdtrc

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.ascent import Ascent, Surface, ascend
from exitmodels.kernels.linalg import symmetric_inverse
from exitmodels.kernels.windowhazards import WindowData, evaluate, log1mexp, row_terms, total_hazard
from exitmodels.models.truncation.window_rows import Named
from exitmodels.render.text import number
from exitmodels.results.hypothesis import HypothesisTest

__all__ = ["Fitted", "Search", "enough", "independence_test", "inverse", "null_value", "runaway", "search", "seen"]

_RUNAWAY = 30.0


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


def search(data: WindowData, most: int) -> Search:
    """Climb first without the right limits, then with them from there."""
    open_data = replace(data, close=np.full(len(data.close), np.inf))
    naive = ascend(lambda at: evaluate(open_data, at), _start(data), most=most)
    if not np.isfinite(data.close).any():
        return Search(naive, None)
    begin = naive.at if evaluate(data, naive.at) is not None else _start(data)
    return Search(ascend(lambda at: evaluate(data, at), begin, most=most), naive)


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


def null_value(data: WindowData, at: Floats, most: int) -> float:
    """Log-likelihood of the baselines alone; the search begins at the baselines of the full fit."""
    n, theta = len(data.end), data.combine @ at
    begin = np.concatenate([theta[law] for law, _, _ in data.spans()])
    bare = replace(
        data,
        matrices=tuple(np.empty((n, 0)) for _ in data.laws),
        changes=np.empty((0, n)),
        touches=np.ones((len(data.laws), 0), dtype=bool),
        combine=np.eye(len(begin)),
    )
    if evaluate(bare, begin) is None:
        return search(bare, most).best.surface.value
    return ascend(lambda inner: evaluate(bare, inner), begin, most=most).surface.value


def runaway(named: Named, best: Ascent) -> str:
    """Say which parameters run off, when the likelihood has no finite maximum; else nothing."""
    scaled = best.surface.information * np.outer(named.sizes, named.sizes)
    if not np.isfinite(scaled).all():
        return "The likelihood could not be evaluated at the end of the search."
    size, axes = np.linalg.eigh(scaled)
    flat = size < 1 / _RUNAWAY**2
    if best.converged and not flat.any():
        return ""
    moving = np.abs(axes[:, flat]).max(axis=1) if flat.any() else np.abs(best.surface.gradient * named.sizes)
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


def seen(named: Named, at: Floats) -> tuple[float, float]:
    """Effective sample size of rows weighted by one over their chance to be seen, and the chance over all."""
    data = named.data
    zero = np.zeros(len(data.begin))
    before = total_hazard(data, at, zero, data.begin)
    after, _ = log1mexp(total_hazard(data, at, data.begin, np.where(np.isfinite(data.close), data.close, data.begin)))
    log_chance = -before + np.where(np.isfinite(data.close), after, 0.0)
    shifted = np.exp(-(log_chance - log_chance.min()))
    weight = data.weight
    effective = float((weight @ shifted) ** 2 / (weight @ shifted**2))
    chance = float(weight.sum() / (weight @ shifted)) * float(np.exp(log_chance.min()))
    return effective, chance


def independence_test(named: Named, best: Ascent) -> HypothesisTest | None:
    """Score test that, given the model, hazards do not move with the calendar: neither with the join date, nor in time.

    Two coefficients are added for each cause: a trend over the right limit (which falls by a day for each day a person
    joins later), and a step at the date by which half of the exits were recorded. A trend alone would overlook a
    policy, which changes the hazards of early and late joiners alike. None where the limits do not vary; the trends
    alone where the model has that step already.
    """
    data = named.data
    if not np.isfinite(data.close).all() or np.ptp(data.close) == 0:
        return None
    for shares in ((0.5,), ()):
        larger: WindowData | None = _with_trend(data)
        for share in shares:
            larger = None if larger is None else _with_step(larger, share)
        surface = None if larger is None else evaluate(larger, _padded(best.at, larger))
        made = None if surface is None else _score(surface, len(best.at))
        if made is not None:
            statistic, df = made
            what = "a trend over the join date" + (" or a step in calendar time" if shares else "")
            method = f"Score test that, given the model, hazards do not have {what} (quasi-independence)"
            return HypothesisTest(statistic=statistic, df=df, pvalue=float(chdtrc(df, statistic)), method=method)
    return None


def _padded(at: Floats, larger: WindowData) -> Floats:
    return np.append(at, np.zeros(larger.combine.shape[1] - len(at)))


def _with_trend(data: WindowData) -> WindowData:
    z = (data.close - data.close.mean()) / data.close.std()
    larger = replace(data, matrices=tuple(np.column_stack([matrix, z]) for matrix in data.matrices))
    return _grown(data, larger, [covariates.stop - 1 for _, covariates, _ in larger.spans()])


def _with_step(data: WindowData, share: float) -> WindowData | None:
    """Add a change of all hazards at a quantile of the exit dates; None where its place among the policies varies."""
    step = data.close - np.quantile(data.close - data.end, 1 - share)
    place = int(np.sum(data.changes[:, 0] < step[0]))
    changes = np.insert(data.changes, place, step, axis=0)
    if np.any(np.diff(changes, axis=0) < 0):
        return None
    larger = replace(data, changes=changes, touches=np.insert(data.touches, place, True, axis=1))
    spans = zip(larger.spans(), data.touches, strict=True)
    return _grown(data, larger, [policies.start + int(touch[:place].sum()) for (_, _, policies), touch in spans])


def _grown(data: WindowData, larger: WindowData, added: list[int]) -> WindowData:
    """Give each of the `added` places a free coefficient; the old ones keep theirs."""
    old, q = data.combine, data.combine.shape[1]
    combine = np.zeros((len(old) + len(added), q + len(added)))
    kept = np.setdiff1d(np.arange(len(combine)), added)
    combine[kept, :q] = old
    combine[added, np.arange(q, q + len(added))] = 1.0
    return replace(larger, combine=combine)


def _score(surface: Surface, q: int) -> tuple[float, float] | None:
    """Score statistic of the coefficients after the first q; None where these follow from the others.

    The observed information is taken where it is positive definite, else the sum of squared scores.
    """
    for which in ("information", "expected"):
        info = getattr(surface, which)
        size = np.sqrt(np.maximum(np.diag(info), 1e-300))
        scaled = info / np.outer(size, size)
        if np.all(np.diag(info) > 0) and np.linalg.eigvalsh(scaled)[0] > 1e-9:
            left = scaled[q:, q:] - scaled[q:, :q] @ np.linalg.solve(scaled[:q, :q], scaled[:q, q:])
            score = surface.gradient[q:] / size[q:]
            return float(score @ np.linalg.solve(left, score)), float(len(score))
    return None


def enough(named: Named, n_events: float) -> None:
    """Refuse fewer exits than parameters."""
    if n_events < len(named.names):
        raise DataError(
            f"There are {number(n_events)} exits for {len(named.names)} parameters.",
            code="few-events",
            hint="Use fewer covariates, cuts or policies.",
        )
