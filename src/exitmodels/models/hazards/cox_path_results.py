"""What a penalised path gives back: coefficients at each strength, cross-validation, and the chosen fit.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.models.hazards.penalised_finish import finish, solve_lasso
from exitmodels.models.hazards.penalised_results import PenalisedCoxResults
from exitmodels.models.hazards.penalised_rows import Prepared, penalty_weights
from exitmodels.models.hazards.penalty import Penalty
from exitmodels.render.text import Block, Summary, number
from exitmodels.results.bibliography import citation
from exitmodels.results.curve import Curve
from exitmodels.results.labels import labelled
from exitmodels.results.storing import Stored
from exitmodels.shapes.ledger import Ledger

__all__ = ["CoxPathResults", "Validation"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Validation(Stored):
    """Cross-validated deviance (minus twice the log-likelihood of exits left out, per exit).

    Attributes
    ----------
    fold : (n,) int
    raw : (folds, m)
        By fold and strength; NaN for folds without exits.
    mean, se : (m,)
        Over folds, weighted by their exits; `se` is the standard error of the mean over folds.
    """

    fold: Ints
    raw: Floats
    mean: Floats
    se: Floats

    def best(self) -> tuple[int, int]:
        """Positions of the smallest mean, and of the largest strength within one standard error of it."""
        low = int(np.argmin(self.mean))
        return low, int(np.argmax(self.mean <= self.mean[low] + self.se[low]))


@dataclass(frozen=True, eq=False, kw_only=True)
class CoxPathResults(Stored):
    """A path of penalised Cox fits.

    Attributes
    ----------
    names : tuple of str
    strengths : (m,)
        Falling.
    coefficients : (m, p)
        In the units of the columns; exact zeros where a column is out.
    scale : (p,)
        Standard deviations of the columns.
    log_likelihood : (m,)
        Log partial likelihood, without the penalty; `null_log_likelihood` with all coefficients zero and
        `saturated_log_likelihood` the largest that these ties allow.
    df : (m,)
        Effective degrees of freedom; for the lasso the number of columns in use.
    violation : (m,)
        Largest breach of the conditions for a maximum (Karush, Kuhn & Tucker), in the unit of the strengths.
    chosen : PenalisedCoxResults or None
        The fit at the chosen strength; None without cross-validation.
    choose : str
        How it was chosen.
    """

    names: tuple[str, ...]
    strengths: Floats
    coefficients: Floats
    scale: Floats
    log_likelihood: Floats
    null_log_likelihood: float
    saturated_log_likelihood: float
    df: Floats
    violation: Floats
    converged: bool
    mix: float
    ties: str
    standardised: bool
    factors: tuple[float, ...]
    nobs: float
    n_events: float
    ledger: Ledger
    method: str
    sources: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    validation: Validation | None = None
    choose: str = ""
    chosen: PenalisedCoxResults | None = None
    ready: Prepared | None = field(default=None, metadata={"stored": False})

    # ---- along the path --------------------------------------------------------------------------------------
    @property
    def n_active(self) -> Ints:
        """Columns with a coefficient that is not zero, at each strength."""
        return np.count_nonzero(self.coefficients, axis=1)

    @property
    def deviance(self) -> Floats:
        """Twice the log-likelihood that is missing from the largest that these ties allow."""
        return 2 * (self.saturated_log_likelihood - self.log_likelihood)

    @property
    def deviance_ratio(self) -> Floats:
        """Share of the null deviance that is explained."""
        gained = self.log_likelihood - self.null_log_likelihood
        return gained / (self.saturated_log_likelihood - self.null_log_likelihood)

    @property
    def active_sets(self) -> list[tuple[str, ...]]:
        """Names of the columns in use at each strength."""
        return [tuple(n for n, b in zip(self.names, row, strict=True) if b != 0) for row in self.coefficients]

    @property
    def aic(self) -> Floats:
        """Akaike's criterion at each strength, with effective degrees of freedom."""
        return -2 * self.log_likelihood + 2 * self.df

    @property
    def bic(self) -> Floats:
        """Schwarz's criterion at each strength; the sample size is the number of exits."""
        return -2 * self.log_likelihood + float(np.log(self.n_events)) * self.df

    def coef(self, strength: float | None = None) -> Any:
        """Coefficients at one strength, as a Series; between strengths of the path the model is fitted anew.

        Parameters
        ----------
        strength : float, optional
            By default the chosen one.
        """
        wanted = self.strength if strength is None else float(strength)
        at = np.flatnonzero(np.isclose(self.strengths, wanted, rtol=1e-9, atol=0.0))
        if at.size:
            return labelled(self.coefficients[at[0]], self.names, name="coef")
        return self.at(wanted).params

    def at(self, strength: float) -> PenalisedCoxResults:
        """Fit at one strength: predictions, residuals, summary."""
        if self.ready is None:
            raise DataError(
                "A fit at another strength needs the data, which a saved result does not hold.",
                code="no-data",
                hint="Fit the path again; .chosen was saved.",
            )
        if not 0 <= strength < np.inf:
            raise DataError(f"strength={strength!r} is not 0 or more.", code="strength", hint="As in .strengths.")
        kind = {1.0: "lasso", 0.0: "ridge"}.get(self.mix, "elasticnet")
        about = Penalty(
            kind=kind,
            strength=float(strength),
            mix=self.mix,
            convention="glmnet",
            standardised=self.standardised,
            factors=self.factors,
        )
        absolute, squared = penalty_weights(self.ready, np.array(self.factors), self.mix, self.standardised, "glmnet")
        solution = solve_lasso(self.ready, absolute, squared, float(strength), 60)
        return finish(self.ready, solution, about, self.ties, "none" if self.mix else "model", strength * squared)

    def to_frame(self) -> Any:
        """One row per strength: df, columns in use, log-likelihood, deviance ratio, AIC, BIC, cross-validation."""
        import pandas as pd

        frame = pd.DataFrame(
            {
                "strength": self.strengths,
                "df": self.df,
                "n_active": self.n_active,
                "log_likelihood": self.log_likelihood,
                "deviance_ratio": self.deviance_ratio,
                "aic": self.aic,
                "bic": self.bic,
                "violation": self.violation,
            }
        )
        if self.validation is None:
            return frame
        return frame.assign(cv_deviance=self.validation.mean, cv_se=self.validation.se)

    # ---- cross-validation ------------------------------------------------------------------------------------
    def validated(self, validation: Validation, choose: str) -> CoxPathResults:
        """Return the same path with a strength chosen by cross-validation, and the fit there."""
        with_curve = replace(self, validation=validation, choose=choose)
        return replace(with_curve, chosen=with_curve.at(with_curve.strength))

    def _validation(self) -> Validation:
        if self.validation is None:
            raise DataError(
                "This path was not cross-validated, so no strength was chosen.",
                code="no-validation",
                hint="Give folds=10 and rng=, or name a strength: path.at(strength).",
            )
        return self.validation

    @property
    def strength_min(self) -> float:
        """Strength with the smallest cross-validated deviance."""
        return float(self.strengths[self._validation().best()[0]])

    @property
    def strength_1se(self) -> float:
        """Largest strength whose cross-validated deviance is within one standard error of the smallest."""
        return float(self.strengths[self._validation().best()[1]])

    @property
    def strength(self) -> float:
        """The chosen strength."""
        return self.strength_1se if self.choose == "1se" else self.strength_min

    def _fit(self) -> PenalisedCoxResults:
        self._validation()
        assert self.chosen is not None
        return self.chosen

    def predict(self, new: Any, kind: str = "lp", times: Any = None) -> Any:
        """Predict from the chosen fit; see `CoxResults.predict`."""
        return self._fit().predict(new, kind, times)

    def predict_survival(self, new: Any, transform: str = "log-log") -> Curve:
        """Predicted survival of new rows from the chosen fit; the curve says what its limits leave out."""
        return self._fit().predict_survival(new, transform)

    # ---- print -----------------------------------------------------------------------------------------------
    def _marks(self) -> dict[str, float]:
        if self.validation is None:
            return {}
        return {"smallest deviance": self.strength_min, "within one se": self.strength_1se}

    def plot(self, ax: Any = None) -> Any:
        """Draw the coefficients per standard deviation along the path; return the Axes."""
        from exitmodels.render.paths import coefficient_paths

        values = self.coefficients * self.scale
        return coefficient_paths(ax, self.strengths, values, self.names, self.n_active, self._marks())

    def plot_cv(self, ax: Any = None) -> Any:
        """Draw the cross-validated deviance with one standard error either side; return the Axes."""
        from exitmodels.render.paths import cross_validation

        found = self._validation()
        return cross_validation(ax, self.strengths, found.mean, found.se, self.n_active, self._marks())

    def summary(self) -> Summary:
        """Return the printed form: the path in a few rows, and the chosen fit."""
        worst = float(self.violation.max())
        facts: list[tuple[str, Any]] = [
            ("rows", self.nobs),
            ("events", self.n_events),
            ("columns", len(self.names)),
            ("strengths", len(self.strengths)),
            ("converged", "yes" if self.converged else "no"),
            ("breach of the conditions for a maximum", "below 1e-9" if worst < 1e-9 else number(worst)),
        ]
        places = np.unique(np.linspace(0, len(self.strengths) - 1, 8).round().astype(int))
        marked = {}
        if self.validation is not None:
            low, near = self.validation.best()
            marked = {low: "min", near: "1se"} if low != near else {low: "min, 1se"}
            places = np.unique(np.concatenate([places, [low, near]]))
            facts.append(("chosen strength", f"{number(self.strength)} ({self.choose})"))
        columns = ("strength", "df", "in use", "deviance ratio", *(("cv deviance", "cv se", "") if marked else ()))
        rows = []
        for i in places:
            row = (f"{self.strengths[i]:.4g}", float(self.df[i]), int(self.n_active[i]), float(self.deviance_ratio[i]))
            cv = (float(self.validation.mean[i]), float(self.validation.se[i])) if self.validation is not None else ()
            rows.append((*row, *cv, *((marked.get(int(i), ""),) if marked else ())))
        blocks = [Block(columns, tuple(rows))]
        if self.chosen is not None:
            per_sd = dict(zip(self.names, self.chosen.estimate * self.scale, strict=True))
            lines = tuple((n, float(self.chosen.params[n]), float(per_sd[n])) for n in self.chosen.active)
            blocks.append(Block(("term", "coef", "coef per sd"), lines, "Coefficients at the chosen strength"))
        notes = list(self.warnings)
        if self.ledger.n_set_aside:
            notes.append(f"{self.ledger.n_set_aside} of {self.ledger.read} records were set aside; see .ledger.")
        notes.append("No standard errors: coefficients are shrunken, and columns selected on the same data.")
        return Summary(self.method, tuple(facts), tuple(blocks), tuple(notes))

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(self.sources, self.method)
