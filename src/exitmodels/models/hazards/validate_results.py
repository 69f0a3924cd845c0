"""What `cross_validate` gives back: scores of predictions for people left out, pooled and by fold.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.models.hazards.concordance_results import Concordance
from exitmodels.models.hazards.score_results import Scores
from exitmodels.render import tables
from exitmodels.render.text import Block, Summary, number
from exitmodels.results.bibliography import citation
from exitmodels.results.storing import Stored
from exitmodels.shapes.ledger import Ledger

__all__ = ["CrossValidated"]


@dataclass(frozen=True, eq=False, kw_only=True)
class CrossValidated(Stored):
    """Scores of predictions for people left out of each fit.

    Attributes
    ----------
    scores : Scores or None
        Of all predictions together, each made by the fit that had not seen the person.
    concordance : Concordance or None
        Of pairs within a fold, added over folds.
    partial : mapping of str to (k,)
        For Cox models: what the people of each fold add to the log partial likelihood, at the coefficients
        fitted without them.
    fold : (q,) int
    fold_model, fold_metric : (q,) tuples of str
    fold_time, fold_estimate : (q,)
        The same scores in each fold; NaN where a fold cannot be scored.
    """

    names: tuple[str, ...]
    scores: Scores | None
    concordance: Concordance | None
    partial: Mapping[str, Floats]
    fold: Ints
    fold_model: tuple[str, ...]
    fold_metric: tuple[str, ...]
    fold_time: Floats
    fold_estimate: Floats
    k: int
    divided: str
    ledger: Ledger
    method: str
    sources: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    converged: bool = True

    def to_frame(self, alpha: float = 0.05) -> Any:
        """One row for each metric, time and model, pooled over folds: estimate, se, lower, upper."""
        import pandas as pd

        frames = [] if self.scores is None else [self.scores.to_frame(alpha)]
        if self.concordance is not None:
            own = self.concordance.to_frame(alpha)[["estimate", "se", "lower", "upper"]].reset_index(names="model")
            frames.append(own.assign(metric="concordance", time=np.nan))
        if self.partial:
            sums = [(name, float(v.sum())) for name, v in self.partial.items()]
            own = pd.DataFrame(sums, columns=["model", "estimate"])
            frames.append(own.assign(metric="partial", time=np.nan, se=np.nan, lower=np.nan, upper=np.nan))
        return pd.concat(frames, ignore_index=True)[["metric", "time", "model", "estimate", "se", "lower", "upper"]]

    def by_fold(self) -> Any:
        """One row for each fold, model, metric and time."""
        import pandas as pd

        columns = {"fold": self.fold, "model": self.fold_model, "metric": self.fold_metric}
        return pd.DataFrame({**columns, "time": self.fold_time, "estimate": self.fold_estimate})

    def compare(self, metric: str | None = None, reference: str | None = None, alpha: float = 0.05) -> Any:
        """Differences between models, as `Scores.compare`, and as `Concordance.compare` for "concordance"."""
        if metric == "concordance" and self.concordance is not None:
            return self.concordance.compare(reference, alpha)
        if self.scores is None:
            raise DataError("No score over time was asked for.", code="metric", hint='Ask "brier", "ipa" or "auc".')
        return self.scores.compare(metric, reference, alpha)

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form: pooled scores with limits, and their spread over folds."""
        level = number(100 * (1 - alpha), 3)
        pooled = self.to_frame(alpha)
        folds = self.by_fold()
        rows = []
        for r in pooled.itertuples():
            same = (folds.metric == r.metric) & (folds.model == r.model)
            same &= folds.time.isna() if np.isnan(r.time) else folds.time == r.time
            own = folds.estimate[same].dropna()
            spread = (float(own.min()), float(own.max())) if len(own) else ("", "")
            time = "" if np.isnan(r.time) else number(r.time)
            numbers = ("" if np.isnan(v) else number(v) for v in (r.se, r.lower, r.upper))
            rows.append((r.metric, r.model, time, r.estimate, *numbers, *spread))
        limits = (f"low {level}%", f"high {level}%", "least fold", "largest fold")
        columns = ("score", "model", "time", "pooled", "se", *limits)
        facts = (("folds", self.k), ("divided by", self.divided))
        return Summary(self.method, facts, (Block(columns, tuple(rows)),), self.warnings)

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def to_latex(self, alpha: float = 0.05, caption: str = "", label: str = "") -> str:
        """Return the pooled scores as a LaTeX table."""
        frame = self.to_frame(alpha)
        cells = frame.to_numpy(dtype=object).tolist()
        return tables.to_latex(list(frame.columns), cells, caption=caption, label=label, notes=(f"{self.method}.",))

    def to_markdown(self, alpha: float = 0.05) -> str:
        """Return the pooled scores as a Markdown table."""
        frame = self.to_frame(alpha)
        return tables.to_markdown(list(frame.columns), frame.to_numpy(dtype=object).tolist())

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(self.sources, self.method)

    def plot(self, metric: str | None = None, ax: Any = None, alpha: float = 0.05) -> Any:
        """Draw a pooled score against time (or the concordances), with limits; return the Axes."""
        if self.scores is None or metric == "concordance":
            if self.concordance is None:
                raise DataError("There is nothing to draw.", code="metric", hint="Ask for other scores.")
            return self.concordance.plot(ax, alpha)
        return self.scores.plot(metric, ax, alpha)
