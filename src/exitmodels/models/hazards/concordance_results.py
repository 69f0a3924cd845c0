"""What `concordance` gives back: estimates with limits, pairs, ranks, and comparisons.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import chdtrc, ndtr, ndtri

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.intervals import probability_limits
from exitmodels.render.text import Block, Summary, number, pvalue
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.results.labels import labelled
from exitmodels.results.storing import Stored
from exitmodels.results.tabled import Tabled
from exitmodels.shapes.ledger import Ledger

__all__ = ["Concordance", "Ranks"]

PAIRS = ("concordant", "discordant", "tied_score", "tied_time", "tied_both")


@dataclass(frozen=True, eq=False)
class Ranks(Stored):
    """Rank of each exit among those compared with it: -1 for the lowest score, 1 for the highest."""

    row: Ints
    time: Floats
    rank: Floats
    pairs: Floats
    weight: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class Concordance(Tabled):
    """Concordance of one or several scores.

    Attributes
    ----------
    names : tuple of str
    estimate : (m,)
        (concordant + half of those tied in the score) / comparable.
    covariance : (m, m)
        Infinitesimal jackknife over people or clusters.
    conservative : (m,)
        Variance from the ranks, as if the score had no effect.
    counts : tuple of (s, 5)
        For each score, pairs by stratum: concordant, discordant, tied in the score, in time, in both; weighted.
    influence : (n, m)
        Derivative of each estimate by the weight of each row; not saved.
    """

    names: tuple[str, ...]
    estimate: Floats
    covariance: Floats
    conservative: Floats
    counts: tuple[Floats, ...]
    strata: tuple[tuple[str, ...], ...]
    time_weight: str
    tau: float | None
    nobs: float
    n_events: float
    variance: str
    outcome: str
    unit: str
    ledger: Ledger
    method: str
    sources: tuple[str, ...]
    ranked: tuple[Ranks, ...] = ()
    warnings: tuple[str, ...] = ()
    converged: bool = True
    influence: Floats | None = field(default=None, metadata={"stored": False})

    # ---- estimates -------------------------------------------------------------------------------------------
    @property
    def params(self) -> Any:
        """Estimates, as a Series."""
        return labelled(self.estimate, self.names, name="concordance")

    @property
    def standard_errors(self) -> Floats:
        """Standard errors, as an array."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def bse(self) -> Any:
        """Standard errors, as a Series."""
        return labelled(self.standard_errors, self.names, name="se")

    @property
    def conservative_se(self) -> Any:
        """Standard errors as if the score had no effect, as a Series."""
        return labelled(np.sqrt(self.conservative), self.names, name="se")

    def cov_params(self) -> Any:
        """Covariance of the estimates, as a DataFrame."""
        return labelled(self.covariance, self.names)

    @property
    def somers_d(self) -> Any:
        """Somers' D, 2 C - 1, as a Series."""
        return labelled(2 * self.estimate - 1, self.names, name="Somers' D")

    def conf_int(self, alpha: float = 0.05, transform: str = "logit") -> Any:
        """Limits, symmetric on the chosen scale ("logit" or "plain"): columns low, high."""
        try:
            low, high = probability_limits(self.estimate, self.standard_errors, alpha, transform)
        except ValueError as problem:
            raise DataError(str(problem) + ".", code="transform", hint="logit or plain.") from None
        return labelled(np.column_stack([low, high]), self.names, ("low", "high"))

    def to_frame(self, alpha: float = 0.05) -> Any:
        """One row for each score: estimate, se, lower, upper, and the pairs added over strata."""
        limits = self.conf_int(alpha).to_numpy()
        pairs = np.stack([c.sum(axis=0) for c in self.counts])
        table = np.column_stack([self.estimate, self.standard_errors, limits, pairs])
        return labelled(table, self.names, ("estimate", "se", "lower", "upper", *PAIRS))

    def pairs(self) -> Any:
        """One row for each score and stratum: counts of pairs of each kind (weighted)."""
        import pandas as pd

        frames = [
            pd.DataFrame(count, columns=list(PAIRS)).assign(score=name, stratum=list(labels))
            for name, count, labels in zip(self.names, self.counts, self.strata, strict=True)
        ]
        return pd.concat(frames, ignore_index=True)[["score", "stratum", *PAIRS]]

    def ranks(self, name: str | None = None) -> Any:
        """For each exit: time, rank of its score among those compared (-1 to 1), number compared, weight.

        The mean of the ranks, weighted by `pairs` times `weight`, is Somers' D; their course over time shows
        whether a score loses its value.
        """
        import pandas as pd

        if not self.ranked:
            raise DataError("Ranks were not kept.", code="ranks", hint="Ask concordance(..., ranks=True).")
        own = self.ranked[0 if name is None else self._place(name)]
        names = ("row", "time", "rank", "pairs", "weight")
        frame = pd.DataFrame({name: getattr(own, name) for name in names})
        return frame.sort_values(["time", "row"], ignore_index=True)

    def _place(self, name: str) -> int:
        if name not in self.names:
            raise DataError(f"There is no score {name!r}.", code="score", hint=f"One of {', '.join(self.names)}.")
        return self.names.index(name)

    # ---- comparison ------------------------------------------------------------------------------------------
    def compare(self, reference: str | None = None, alpha: float = 0.05) -> Any:
        """Differences between concordances on the same people, with limits and two-sided p-values.

        Parameters
        ----------
        reference : str, optional
            The score the others are compared with; the first by default.

        Returns
        -------
        DataFrame
            One row for each other score: score, reference, difference, se, lower, upper, z, p.
        """
        import pandas as pd

        base = 0 if reference is None else self._place(reference)
        z = float(ndtri(1 - alpha / 2))
        rows = []
        for j, name in enumerate(self.names):
            if j == base:
                continue
            gap = float(self.estimate[j] - self.estimate[base])
            v = self.covariance
            se = float(np.sqrt(max(v[j, j] + v[base, base] - 2 * v[j, base], 0.0)))
            ratio = gap / se if se > 0 else float("nan")
            rows.append((name, self.names[base], gap, se, gap - z * se, gap + z * se, ratio, 2 * ndtr(-abs(ratio))))
        columns = ["score", "reference", "difference", "se", "lower", "upper", "z", "p"]
        return pd.DataFrame(rows, columns=columns)

    def equality_test(self) -> HypothesisTest:
        """Wald test that all scores have the same concordance."""
        m = len(self.names)
        if m < 2:
            raise DataError("There is one score only.", code="one-score", hint="Give a dict of two or more.")
        gaps = self.estimate[1:] - self.estimate[0]
        contrast = np.column_stack([-np.ones(m - 1), np.eye(m - 1)])
        spread = contrast @ self.covariance @ contrast.T
        rank = int(np.linalg.matrix_rank(spread, hermitian=True))
        value = float(gaps @ np.linalg.pinv(spread, hermitian=True) @ gaps)
        return HypothesisTest(
            statistic=value,
            df=rank,
            pvalue=float(chdtrc(rank, value)) if rank else float("nan"),
            method="Wald test that the concordances are equal",
            labels=self.names,
            detail={"concordance": self.estimate},
            sources=self.sources,
            ledger=self.ledger,
        )

    # ---- print -----------------------------------------------------------------------------------------------
    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form: estimates, pairs, and differences between scores."""
        level = number(100 * (1 - alpha), 3)
        facts: list[tuple[str, Any]] = [("people or rows", self.nobs), (f"left for {self.outcome}", self.n_events)]
        facts += [("time weight", self.time_weight)] + ([] if self.tau is None else [("up to", self.tau)])
        facts.append(("variance", f"infinitesimal jackknife ({'clusters' if self.variance == 'cluster' else 'rows'})"))
        frame = self.to_frame(alpha)
        estimates = tuple((name, *map(float, frame.iloc[j, :4])) for j, name in enumerate(self.names))
        pairs = tuple((name, *map(float, frame.iloc[j, 4:])) for j, name in enumerate(self.names))
        blocks = [
            Block(("score", "concordance", "se", f"low {level}%", f"high {level}%"), estimates),
            Block(("score", "concordant", "discordant", "tied score", "tied time", "tied both"), pairs, "Pairs"),
        ]
        if len(self.names) > 1:
            rows = tuple(
                (f"{r.score} - {r.reference}", r.difference, r.se, r.lower, r.upper, pvalue(r.p))
                for r in self.compare(alpha=alpha).itertuples()
            )
            blocks.append(Block(("", "difference", "se", f"low {level}%", f"high {level}%", "p"), rows, "Differences"))
        notes = list(self.warnings)
        if self.ledger.n_set_aside:
            notes.append(f"{self.ledger.n_set_aside} of {self.ledger.read} records were set aside; see .ledger.")
        return Summary(self.method, tuple(facts), tuple(blocks), tuple(notes))

    def _table(self, alpha: float) -> tuple[list[str], list[list[Any]]]:
        frame = self.to_frame(alpha).reset_index(names="score")
        return list(frame.columns), frame.to_numpy(dtype=object).tolist()

    def plot(self, ax: Any = None, alpha: float = 0.05) -> Any:
        """Draw the concordances with their limits; return the Axes."""
        from exitmodels.render.assessment import estimates_with_limits

        values = self.to_frame(alpha).to_numpy()[:, [0, 2, 3]]
        return estimates_with_limits(ax, self.names, values, "Concordance", 0.5)
