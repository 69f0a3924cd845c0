"""What `calibration` gives back: observed against predicted risk by group, and the line that would correct it.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import chdtrc, ndtri

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.calibrate import cloglog, inverse_cloglog
from exitmodels.kernels.intervals import probability_limits
from exitmodels.render.text import Block, Summary, number, pvalue
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.results.storing import Stored
from exitmodels.results.tabled import Tabled
from exitmodels.shapes.ledger import Ledger

__all__ = ["Calibration", "Groups"]

LINES = ("observed / predicted", "intercept (slope 1)", "intercept", "slope")


@dataclass(frozen=True, eq=False)
class Groups(Stored):
    """People in groups of predicted risk: mean prediction, observed risk with its error, how many, how many known."""

    predicted: Floats
    observed: Floats
    se: Floats
    n: Floats
    known: Floats

    def limits(self, alpha: float) -> tuple[Floats, Floats]:
        """Limits of the observed risk; exact ones where nobody, or everybody, has left."""
        low, high = probability_limits(self.observed, self.se, alpha, "cloglog")
        edge = (alpha / 2) ** (1 / np.maximum(self.known, 1.0))
        low = np.where(self.observed >= 1.0, edge, low)
        return low, np.where(self.observed <= 0.0, 1.0 - edge, high)


@dataclass(frozen=True, eq=False, kw_only=True)
class Calibration(Tabled):
    """Observed against predicted risk at one time.

    Attributes
    ----------
    names : tuple of str
    groups : tuple of Groups
        One for each model.
    estimate : (m, 4)
        For each model: log(observed / predicted); intercept with the slope fixed at 1; intercept; slope.
    covariance : (m, 4, 4)
    predicted : tuple of (n,)
        The predictions, for the plot.
    """

    names: tuple[str, ...]
    time: float
    groups: tuple[Groups, ...]
    estimate: Floats
    covariance: Floats
    predicted: tuple[Floats, ...]
    outcome: str
    unit: str
    ledger: Ledger
    method: str
    sources: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    converged: bool = True

    def to_frame(self, alpha: float = 0.05) -> Any:
        """One row for each model and group: n, mean predicted risk, observed risk, se, lower, upper.

        Limits are symmetric on the scale log(-log(1 - risk)); exact binomial ones, of those whose state is known,
        where nobody or everybody has left.
        """
        import pandas as pd

        frames = []
        for name, own in zip(self.names, self.groups, strict=True):
            low, high = own.limits(alpha)
            count = np.arange(1, len(own.n) + 1)
            columns = {"model": name, "group": count, "n": own.n, "predicted": own.predicted, "observed": own.observed}
            frames.append(pd.DataFrame({**columns, "se": own.se, "lower": low, "upper": high}))
        return pd.concat(frames, ignore_index=True)

    def overall(self, alpha: float = 0.05) -> Any:
        """One row for each model and measure, with limits.

        "observed / predicted": ratio of the observed risk to the mean prediction (calibration in the large);
        "intercept (slope 1)": the same on the scale log(-log(1 - risk)); "intercept" and "slope": the line that
        would correct the predictions on that scale. Good predictions have ratio 1, intercepts 0, slope 1; a slope
        below 1 says that they are too extreme.
        """
        import pandas as pd

        z = float(ndtri(1 - alpha / 2))
        rows = []
        for j, name in enumerate(self.names):
            se = np.sqrt(np.diag(self.covariance[j]))
            for i, measure in enumerate(LINES):
                value, low, high = (self.estimate[j, i] + s * z * se[i] for s in (0.0, -1.0, 1.0))
                shown = np.exp([value, low, high]) if i == 0 else np.array([value, low, high])
                own = se[i] * shown[0] if i == 0 else se[i]
                rows.append((name, measure, shown[0], own, shown[1], shown[2]))
        return pd.DataFrame(rows, columns=["model", "measure", "estimate", "se", "lower", "upper"])

    def perfect_test(self, name: str | None = None) -> HypothesisTest:
        """Wald test that the correcting line has intercept 0 and slope 1."""
        if name is not None and name not in self.names:
            raise DataError(f"There is no model {name!r}.", code="model", hint=f"One of {', '.join(self.names)}.")
        j = 0 if name is None else self.names.index(name)
        gap = self.estimate[j, 2:] - np.array([0.0, 1.0])
        value = float(gap @ np.linalg.solve(self.covariance[j, 2:, 2:], gap))
        return HypothesisTest(
            statistic=value,
            df=2,
            pvalue=float(chdtrc(2, value)),
            method=f"Wald test that {self.names[j]} is calibrated (intercept 0, slope 1)",
            sources=self.sources,
            ledger=self.ledger,
        )

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form: observed against predicted by group, and the overall measures."""
        level = number(100 * (1 - alpha), 3)
        low, high = f"low {level}%", f"high {level}%"
        frame, whole = self.to_frame(alpha), self.overall(alpha)
        blocks = []
        for name in self.names:
            part = frame[frame.model == name].drop(columns=["model", "se"])
            cells = tuple((str(int(row[0])), *map(float, row[1:])) for row in part.to_numpy())
            blocks.append(Block(("group", "n", "predicted", "observed", low, high), cells, name))
            own = whole[whole.model == name].drop(columns="model")
            rows = tuple((row[0], *map(float, row[1:])) for row in own.to_numpy(dtype=object))
            blocks.append(Block(("", "estimate", "se", low, high), rows))
            test = self.perfect_test(name)
            blocks.append(Block(("test of intercept 0 and slope 1", "chi2", "df", "p"),
                                (("", test.statistic, 2, pvalue(test.pvalue)),)))  # fmt: skip
        facts = (("at time", f"{number(self.time)} ({self.unit})"), ("outcome", self.outcome))
        notes = list(self.warnings)
        if self.ledger.n_set_aside:
            notes.append(f"{self.ledger.n_set_aside} of {self.ledger.read} records were set aside; see .ledger.")
        return Summary(self.method, facts, tuple(blocks), tuple(notes))

    def _table(self, alpha: float) -> tuple[list[str], list[list[Any]]]:
        frame = self.to_frame(alpha)
        return list(frame.columns), frame.to_numpy(dtype=object).tolist()

    def plot(self, ax: Any = None, alpha: float = 0.05) -> Any:
        """Draw observed against predicted risk by group, the correcting line, and where predictions lie."""
        from exitmodels.render.assessment import calibration_points

        points, curves = [], []
        for j, (name, own) in enumerate(zip(self.names, self.groups, strict=True)):
            low, high = own.limits(alpha)
            points.append((name, own.predicted, own.observed, low, high))
            first, last = np.quantile(self.predicted[j], [0.005, 0.995])
            grid = np.linspace(float(first), float(last), 200)
            a, b = self.estimate[j, 2:]
            curves.append((name, grid, inverse_cloglog(a + b * cloglog(grid))))
        return calibration_points(ax, points, curves, self.predicted, f"risk of leaving by {number(self.time)}")
