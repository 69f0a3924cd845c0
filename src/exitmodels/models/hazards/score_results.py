"""What `score` gives back: scores with limits, differences between models, areas over time.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.render.text import Block, Summary, number, pvalue
from exitmodels.results.tabled import Tabled
from exitmodels.shapes.ledger import Ledger

__all__ = ["NAMES", "NULL", "Scores"]

NULL = "null"
NAMES = {
    "brier": "Brier score",
    "ipa": "index of prediction accuracy",
    "auc": "AUC",
    "ibs": "integrated Brier score",
    "integrated ipa": "index of prediction accuracy, integrated",
}
_RANGE = {name: (-np.inf if "ipa" in name else 0.0, 1.0) for name in NAMES}


@dataclass(frozen=True, eq=False, kw_only=True)
class Scores(Tabled):
    """Scores of one or several models at several times.

    Attributes
    ----------
    names : tuple of str
        The models; "null" is the model that gives everyone the same risk.
    times : (k,)
    estimates : mapping of str to (k, m)
        For each metric, the score of each model at each time; integrated scores have one row.
    covariances : mapping of str to (k, m, m)
        Covariance of the models' scores at each time.
    """

    names: tuple[str, ...]
    times: Floats
    estimates: Mapping[str, Floats]
    covariances: Mapping[str, Floats]
    outcome: str
    unit: str
    ledger: Ledger
    method: str
    sources: tuple[str, ...]
    facts: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    converged: bool = True

    @property
    def metrics(self) -> tuple[str, ...]:
        """Which scores there are."""
        return tuple(self.estimates)

    def _metric(self, metric: str | None) -> str:
        name = self.metrics[0] if metric is None else metric
        if name not in self.estimates:
            raise DataError(f"There is no score {name!r}.", code="metric", hint=f"One of {', '.join(self.metrics)}.")
        return name

    def _models(self, metric: str) -> list[int]:
        """Models for which the score means something: not the null model's own accuracy or area."""
        hidden = metric not in ("brier", "ibs")
        return [j for j, name in enumerate(self.names) if not (hidden and name == NULL)]

    def _when(self, metric: str) -> Floats:
        return self.times if len(self.estimates[metric]) == len(self.times) else self.times[-1:]

    def to_frame(self, alpha: float = 0.05) -> Any:
        """One row for each metric, time and model: estimate, se, lower, upper.

        Limits are symmetric, cut at the ends of the range. Integrated scores stand at the last time.
        """
        import pandas as pd

        z = float(ndtri(1 - alpha / 2))
        rows = []
        for metric in self.metrics:
            low, high = _RANGE[metric]
            for i, t in enumerate(self._when(metric)):
                for j in self._models(metric):
                    value = float(self.estimates[metric][i, j])
                    se = float(np.sqrt(self.covariances[metric][i, j, j]))
                    limits = (max(value - z * se, low), min(value + z * se, high))
                    rows.append((metric, float(t), self.names[j], value, se, *limits))
        return pd.DataFrame(rows, columns=["metric", "time", "model", "estimate", "se", "lower", "upper"])

    def compare(self, metric: str | None = None, reference: str | None = None, alpha: float = 0.05) -> Any:
        """Differences between models on the same people, with limits and two-sided p-values.

        Parameters
        ----------
        metric : str, optional
            All of them by default.
        reference : str, optional
            The model the others are compared with; every pair by default.

        Returns
        -------
        DataFrame
            One row for each metric, time and pair: model, reference, difference, se, lower, upper, z, p.
        """
        import pandas as pd

        if reference is not None and reference not in self.names:
            raise DataError(f"There is no model {reference!r}.", code="model", hint=f"One of {', '.join(self.names)}.")
        z = float(ndtri(1 - alpha / 2))
        rows = []
        for name in self.metrics if metric is None else (self._metric(metric),):
            there = self._models(name)
            pairs = [(a, b) for b in there for a in there if a != b and self._is_pair(a, b, reference)]
            for i, t in enumerate(self._when(name)):
                value, cov = self.estimates[name][i], self.covariances[name][i]
                for a, b in pairs:
                    gap = float(value[a] - value[b])
                    se = float(np.sqrt(max(cov[a, a] + cov[b, b] - 2 * cov[a, b], 0.0)))
                    ratio = gap / se if se > 0 else float("nan")
                    p = float(2 * ndtr(-abs(ratio)))
                    models = (self.names[a], self.names[b])
                    rows.append((name, float(t), *models, gap, se, gap - z * se, gap + z * se, ratio, p))
        columns = ["metric", "time", "model", "reference", "difference", "se", "lower", "upper", "z", "p"]
        return pd.DataFrame(rows, columns=columns)

    def _is_pair(self, a: int, b: int, reference: str | None) -> bool:
        if reference is not None:
            return self.names[b] == reference
        return (self.names[b] == NULL, -b) > (self.names[a] == NULL, -a)

    # ---- print -----------------------------------------------------------------------------------------------
    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form: the scores, then the differences between models."""
        level = number(100 * (1 - alpha), 3)
        frame = self.to_frame(alpha)
        blocks = []
        for metric, part in frame.groupby("metric", sort=False):
            own = part[["model", "time", "estimate", "se", "lower", "upper"]].to_numpy(dtype=object)
            cells = tuple(tuple(row) for row in own)
            columns = ("model", "time", "estimate", "se", f"low {level}%", f"high {level}%")
            blocks.append(Block(columns, cells, NAMES[str(metric)]))
        if sum(name != NULL for name in self.names) > 1:
            blocks.append(self._differences(alpha, level))
        notes = list(self.warnings)
        if self.ledger.n_set_aside:
            notes.append(f"{self.ledger.n_set_aside} of {self.ledger.read} records were set aside; see .ledger.")
        return Summary(self.method, tuple(self.facts.items()), tuple(blocks), tuple(notes))

    def _differences(self, alpha: float, level: str) -> Block:
        rows = []
        frame = self.compare(alpha=alpha)
        for r in frame[frame.reference != NULL].itertuples():
            rows.append((f"{r.metric}: {r.model} - {r.reference}", r.time, r.difference, r.lower, r.upper, pvalue(r.p)))
        return Block(("", "time", "difference", f"low {level}%", f"high {level}%", "p"), tuple(rows), "Differences")

    def _table(self, alpha: float) -> tuple[list[str], list[list[Any]]]:
        frame = self.to_frame(alpha)
        return list(frame.columns), frame.to_numpy(dtype=object).tolist()

    def plot(self, metric: str | None = None, ax: Any = None, alpha: float = 0.05) -> Any:
        """Draw one score of each model against time, with pointwise limits; return the Axes."""
        from exitmodels.render.assessment import scores_over_time

        name = self._metric(metric)
        frame = self.to_frame(alpha)
        frame = frame[frame.metric == name]
        lines = [
            (str(model), *(part[c].to_numpy() for c in ("time", "estimate", "lower", "upper")))
            for model, part in frame.groupby("model", sort=False)
        ]
        level = 0.5 if name == "auc" else 0.0 if "ipa" in name else None
        return scores_over_time(ax, lines, NAMES[name], self.unit, level)
