"""Whether, given the model, hazards move with the calendar: a score test that needs no further fit.

Third floor, in the room of truncation. Called by: window_choice.py.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import chdtrc

from exitmodels.arrays import Floats
from exitmodels.kernels.ascent import Ascent, Surface
from exitmodels.kernels.windowhazards import WindowData, evaluate
from exitmodels.models.truncation.window_rows import Named
from exitmodels.results.hypothesis import HypothesisTest

__all__ = ["independence_test"]


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
