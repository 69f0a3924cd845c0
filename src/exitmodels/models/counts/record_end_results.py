"""What can be said of two ends: probabilities, dates, what was left, and whether the controls bear witness.

Third floor. Made by record_end.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats
from exitmodels.errors import DataError
from exitmodels.kernels.recordend import EXPLANATIONS
from exitmodels.render.text import Block, Summary, number
from exitmodels.results.estimates import check_level
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.results.labels import labelled
from exitmodels.results.tabled import Tabled
from exitmodels.shapes.ledger import Ledger

__all__ = ["SURE", "RecordEndResults"]

SURE = 0.95
"""From this probability on an end is said to have happened; below one less it, not to have happened."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class RecordEndResults(Tabled):
    """How probable each explanation is.

    Attributes
    ----------
    posterior, prior, log_evidence, log_best : (4,)
        In the order of `explanations`. `log_best` is the highest log-likelihood, up to a constant shared by all.
    dispersion : float
    tests : mapping
        Whether the kinds of control fall together, when there are two or more.
    """

    posterior: Floats
    prior: Floats
    log_evidence: Floats
    log_best: Floats
    dates: AnyArray
    places: AnyArray
    date_weights: Floats
    left_nodes: tuple[Floats, Floats]
    left_weights: tuple[Floats, Floats]
    dispersion: float
    events: str
    controls: tuple[str, ...]
    n_events: float
    n_controls: float
    series: Floats
    exposure: Floats
    periods: tuple[str, ...]
    ledger: Ledger
    method: str
    sources: tuple[str, ...]
    tests: Mapping[str, HypothesisTest] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    explanations = EXPLANATIONS

    @property
    def converged(self) -> bool:
        """The answer is a sum over a grid, which always ends."""
        return True

    @property
    def params(self) -> Any:
        """Posterior probabilities of the explanations, as a Series."""
        return labelled(self.posterior, EXPLANATIONS, name="posterior")

    @property
    def verdict(self) -> str:
        """What can be said of each end at 0.95: "ended", "did not end" or "cannot tell"."""
        words = []
        for what, chance in (("recording", self.recording_ended), ("events", self.events_ended)):
            sure = "ended" if chance >= SURE else "did not end" if chance <= 1 - SURE else "cannot tell"
            words.append(f"{what}: {sure}")
        return "; ".join(words)

    @property
    def recording_ended(self) -> float:
        """Probability that the recording ended, alone or with the events."""
        return float(self.posterior[1] + self.posterior[3])

    @property
    def events_ended(self) -> float:
        """Probability that the events ended, alone or with the recording."""
        return float(self.posterior[2] + self.posterior[3])

    def bayes_factor(self, one: str, other: str) -> float:
        """Evidence for one explanation over another."""
        try:
            i, j = EXPLANATIONS.index(one), EXPLANATIONS.index(other)
        except ValueError as problem:
            raise DataError(
                f"{one!r} or {other!r} is not an explanation.", code="name", hint=f"Use {', '.join(EXPLANATIONS)}."
            ) from problem
        return float(np.exp(self.log_evidence[i] - self.log_evidence[j]))

    def when(self, alpha: float = 0.05) -> Any:
        """First period after each end, given that there was one: DataFrame of probability, middle, low, high."""
        return self._intervals(alpha, (self.dates, self.dates), (self.date_weights[0], self.date_weights[1]))

    def left(self, alpha: float = 0.05) -> Any:
        """Share that was left after each end, given that there was one: DataFrame of probability, middle, low, high."""
        return self._intervals(alpha, self.left_nodes, self.left_weights)

    def _intervals(self, alpha: float, nodes: tuple[AnyArray, AnyArray], weights: tuple[Floats, Floats]) -> Any:
        import pandas as pd

        check_level(alpha)
        rows = []
        chances = (self.recording_ended, self.events_ended)
        for values, weight, chance in zip(nodes, weights, chances, strict=True):
            below = np.cumsum(weight) / max(float(weight.sum()), 1e-300)
            middle, low, high = (
                values[min(int(np.searchsorted(below, q)), len(values) - 1)] for q in (0.5, alpha / 2, 1 - alpha / 2)
            )
            rows.append({"probability": chance, "middle": middle, "low": low, "high": high})
        return pd.DataFrame(rows, index=["recording", "events"])

    def conf_int(self, alpha: float = 0.05) -> Any:
        """Credible limits of the dates of the two ends; see `when`."""
        return self.when(alpha)[["low", "high"]]

    def tidy(self) -> Any:
        """One row per explanation: prior, posterior, log evidence, highest log-likelihood."""
        import pandas as pd

        columns = {"prior": self.prior, "posterior": self.posterior, "log_evidence": self.log_evidence}
        best = self.log_best - self.log_best.max()
        return pd.DataFrame({"explanation": list(EXPLANATIONS), **columns, "log_likelihood": best})

    def _table(self, alpha: float) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        best = self.log_best - self.log_best.max()
        rows = [
            (name, f"{p:.2f}", f"{q:.3f}", f"{e:.2f}", f"{b:.2f}")
            for name, p, q, e, b in zip(
                EXPLANATIONS, self.prior, self.posterior, self.log_evidence - self.log_evidence[0], best, strict=True
            )
        ]
        return ("explanation", "prior", "posterior", "log Bayes factor", "log-likelihood"), rows

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form: explanations, dates, what was left, and every warning."""
        columns, rows = self._table(alpha)
        facts = [
            (f"records of {self.events!r}", self.n_events),
            (f"controls ({', '.join(self.controls)})", self.n_controls),
            ("dispersion", self.dispersion),
            ("verdict", self.verdict),
        ]
        blocks, level = [Block(tuple(columns), tuple(map(tuple, rows)))], number(100 * (1 - alpha), 3)
        for head, frame in (("first period after", self.when(alpha)), ("share left", self.left(alpha))):
            lines = tuple((row.Index, f"{row.probability:.3f}", *map(_plain, row[2:])) for row in frame.itertuples())
            blocks.append(Block((head, "probability", "middle", f"low {level}%", f"high {level}%"), lines))
        if self.tests:
            tested = tuple((name, t.statistic, t.df, f"{t.pvalue:.4f}") for name, t in self.tests.items())
            blocks.append(Block(("test", "chi2", "df", "p"), tested))
        return Summary(self.method, tuple(facts), tuple(blocks), self.warnings)

    def plot(self, ax: Any = None) -> Any:
        """Draw rates of the kind in question and of the controls, each over its mean, and where the ends may lie."""
        from exitmodels.render.recordend import two_series

        sums = np.vstack([self.series[0], self.series[1:].sum(axis=0)])
        with np.errstate(divide="ignore", invalid="ignore"):
            rates = sums / self.exposure / (sums.sum(axis=1) / self.exposure.sum())[:, None]
        place = self.places
        chances = (self.recording_ended, self.events_ended)
        return two_series(ax, self.periods, rates, self.events, place, self.date_weights, chances)


def _plain(value: Any) -> str:
    return str(value)[:10] if hasattr(value, "year") else number(float(value))
