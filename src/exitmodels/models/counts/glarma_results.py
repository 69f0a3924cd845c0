"""What a GLARMA fit answers: the common answers of a series, and simulated futures.

Third floor. The rest is in series_results.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.ascent import symmetric_root
from exitmodels.kernels.glarma import Path, Shape, next_state, trace
from exitmodels.kernels.glarma_terms import law_of
from exitmodels.models.counts.series import TimeSeries
from exitmodels.models.counts.series_ahead import FutureRows
from exitmodels.models.counts.series_results import SeriesFit, SeriesResults, series_covariance
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.frames import Column, Table

__all__ = ["GLARMAResults"]

_SETS, _FAR = 200, 30.0


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class GLARMAResults(SeriesResults):
    """A fitted GLARMA model.

    Attributes
    ----------
    ar, ma : tuple of int
    residual_kind : str

    `llnull` is the regression without lags; `tests` compare with it. Other attributes are those of `SeriesResults`.
    """

    ar: tuple[int, ...]
    ma: tuple[int, ...]
    residual_kind: str
    trials: str = ""

    @property
    def state(self) -> Any:
        """What past residuals add to the linear predictor of each period, as a Series."""
        import pandas as pd

        data = self._data("The state")
        path = trace(data.kernel, data.theta)
        assert path is not None
        return pd.Series(path.state, index=data.series.index, name="state")

    def _to_come(self, series: TimeSeries, horizon: int | None, new: Any) -> FutureRows:
        """Rows to come; for binomial counts `new` must hold the trials, which take the place of the exposure."""
        rows = super()._to_come(series, horizon, new)
        if self.family != "binomial":
            return rows
        columns = new.columns if isinstance(new, Counts) else {} if new is None else _columns(new)
        if self.trials not in columns:
            raise DataError(
                "The trials of the periods to come are not said.",
                column=self.trials,
                code="trials",
                hint=f"Give one row for each period in new=, with the column {self.trials!r}.",
            )
        trials = columns[self.trials].values.astype(np.float64)
        if not np.all((trials >= 1) & (trials == np.floor(trials))):
            raise DataError(
                f"Trials are whole numbers of 1 or more; found {columns[self.trials].examples(3)}.",
                column=self.trials,
                code="trials",
                hint="Correct the column.",
            )
        return replace(rows, exposure=trials)

    def _paths(
        self, data: SeriesFit, rows: FutureRows, paths: int, parameters: bool, rng: np.random.Generator
    ) -> tuple[Floats, Floats, tuple[str, ...]]:
        shape: Shape = data.kernel
        sets = min(paths, _SETS) if parameters else 1
        past, share = [_known(shape, data.theta)], 1.0
        if parameters:
            past, share = _draws(shape, data.theta, series_covariance(data.pieces, self.vcov), sets, rng)
        drawn = _ahead(shape, past, rows, -(-paths // len(past)), rng)[:paths]
        ended = ~np.isfinite(drawn).all(axis=1)
        notes = ["limits take the estimates as if they were known"] if not parameters else []
        if share < 0.5:
            notes.append(f"only {100 * share:.0f} % of the drawn parameters give a stable state")
        if ended.any():
            notes.append(f"{int(ended.sum())} paths that ran away were left out")
        return drawn[~ended], _expected(shape, data.theta, rows), tuple(notes)


def _columns(new: Any) -> dict[str, Column]:
    table = Table(new)
    return {name: table.column(name) for name in table.names}


def _known(shape: Shape, theta: Floats) -> tuple[Floats, Path]:
    path = trace(shape, theta)
    assert path is not None
    return theta, path


def _draws(
    shape: Shape, theta: Floats, covariance: Floats, many: int, rng: np.random.Generator
) -> tuple[list[tuple[Floats, Path]], float]:
    """Parameters from their normal law, each with the state it gives; and the share that gave one."""
    root = symmetric_root(covariance)
    kept: list[tuple[Floats, Path]] = []
    tried = 0
    while len(kept) < many and tried < 20 * many + 100:
        draw = theta + root @ rng.standard_normal(len(theta))
        tried += 1
        path = trace(shape, draw)
        if path is not None:
            kept.append((draw, path))
    return kept or [_known(shape, theta)], len(kept) / tried


def _ahead(
    shape: Shape, past: list[tuple[Floats, Path]], rows: FutureRows, each: int, rng: np.random.Generator
) -> Floats:
    """Simulated counts (sets * each, h), all drawn at once at each step."""
    h, keep = len(rows.exposure), min(max((*shape.ar, *shape.ma)), len(shape.y))
    theta = np.repeat([draw for draw, _ in past], each, axis=0)
    alpha = np.repeat([shape.alpha(draw) for draw, _ in past], each)
    gap = np.zeros((len(theta), h))
    state = np.concatenate([np.repeat([path.state[-keep:] for _, path in past], each, axis=0), gap], axis=1)
    residual = np.repeat([path.residual.value[-keep:] for _, path in past], each, axis=0)
    residual = np.concatenate([residual, gap], axis=1)
    counts, alive, p = np.full((len(theta), h), np.nan), np.ones(len(theta), dtype=bool), shape.width
    lags = [(lag, True) for lag in shape.ar] + [(lag, False) for lag in shape.ma]
    for t in range(h):
        now = keep + t
        for r, (lag, ar) in enumerate(lags):
            if lag <= now:
                before = residual[:, now - lag] + (state[:, now - lag] if ar else 0.0)
                state[:, now] += theta[:, p + r] * before
        predictor = theta[:, :p] @ rows.matrix[t] + state[:, now]
        alive &= np.isfinite(predictor) & (np.abs(predictor) < _FAR)
        size = np.full(len(theta), rows.exposure[t])
        mean = law_of(np.where(alive, predictor, 0.0), size, None if shape.trials is None else size, 0.0).mean
        variance = mean * (1 - mean / size) if shape.trials is not None else mean * (1 + alpha * mean)
        drawn = _drawn(mean, alpha, size if shape.trials is not None else None, rng)
        counts[:, t] = np.where(alive, drawn, np.nan)
        residual[:, now] = (drawn - mean) * variance**-shape.power
    return counts


def _drawn(mean: Floats, alpha: Floats, trials: Floats | None, rng: np.random.Generator) -> Floats:
    if trials is not None:
        return np.asarray(rng.binomial(trials.astype(np.int64), mean / trials), dtype=np.float64)
    size = 1 / np.where(alpha > 0, alpha, 1.0)
    mixed = np.where(alpha > 0, rng.gamma(size) / size, 1.0) if np.any(alpha > 0) else 1.0
    return np.asarray(rng.poisson(mean * mixed), dtype=np.float64)


def _expected(shape: Shape, theta: Floats, rows: FutureRows) -> Floats:
    """Means when the residuals to come are zero."""
    _, path = _known(shape, theta)
    n, h, p = len(shape.y), len(rows.exposure), shape.width
    parts = shape.lag_parts(theta)
    state, residual = np.append(path.state, np.zeros(h)), np.append(path.residual.value, np.zeros(h))
    for t in range(h):
        state[n + t] = next_state(parts, state[None], residual[None], n + t)[0]
    trials = None if shape.trials is None else rows.exposure
    return law_of(rows.matrix @ theta[:p] + state[n:], rows.exposure, trials, 0.0).mean
