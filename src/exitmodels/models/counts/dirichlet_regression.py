"""Dirichlet regression: shares that were measured (areas, budgets, times), not counted from records.

Third floor. For shares of counted records use Composition: it knows how many records stand behind each share.

Read next: kernels/dirichlet.py.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from exitmodels.arrays import AnyArray, Floats
from exitmodels.errors import ConvergenceWarning, DataError
from exitmodels.kernels.dirichlet import dirichlet_scores, fit_dirichlet
from exitmodels.kernels.linalg import symmetric_inverse
from exitmodels.kernels.simplex import closed
from exitmodels.models.counts.checks import recoding, refuse_collinear
from exitmodels.models.counts.logratios import read_parts
from exitmodels.results.regression import Regression
from exitmodels.results.storing import unstored
from exitmodels.shapes.columns import Columns, rows_of
from exitmodels.shapes.design import Design
from exitmodels.shapes.frames import Table
from exitmodels.shapes.ledger import Ledger

__all__ = ["DirichletRegression", "DirichletResults"]


@dataclass(frozen=True)
class DirichletRegression:
    """Measured shares as a function of covariates.

    The shares of a row have a Dirichlet law; the logarithm of each of its parameters is linear in the terms. A term
    moves the mean shares and their precision together (the "common" parametrisation).

    Parameters
    ----------
    formula : str
    parts : sequence of str
        Columns of the shares, at least two, above zero. Rows that do not add to one are divided by their sum, and the
        ledger says so.
    zeros : {"refuse", "shrink"}
        "shrink" moves every share towards 1/J: (share (n - 1) + 1/J) / n, n being the number of rows (Smithson and
        Verkuilen 2006). A result that rests on this is about the treatment of zeros too.
    vcov : {"model", "robust"}

    Notes
    -----
    Where a term drives the precision so high that some rows seem exact, the search may stop early, and says so.
    Source: Campbell and Mosimann (1987); Hijazi and Jernigan (2009); Maier (2014), "common" parametrisation.

    Examples
    --------
    >>> lake = {"sand": [0.8, 0.5, 0.7, 0.3, 0.6, 0.2, 0.5, 0.1], "silt": [0.2, 0.5, 0.3, 0.7, 0.4, 0.8, 0.5, 0.9],
    ...         "depth": [10, 12, 13, 15, 20, 22, 25, 30]}
    >>> fit = DirichletRegression("depth", parts=["sand", "silt"]).fit(lake)
    >>> fit.names
    ('sand: Intercept', 'sand: depth', 'silt: Intercept', 'silt: depth')
    """

    formula: str
    parts: Sequence[str]
    zeros: str = "refuse"
    vcov: str = "model"

    def fit(self, frame: Any) -> DirichletResults:
        """Fit to a table with one row for each composition.

        Raises
        ------
        DataError
            For shares that are missing, negative or (without zeros="shrink") zero, and for too few rows.
        """
        table = Table(frame)
        shares, ledger = read_parts(table, self.parts, self.zeros, Ledger(table.n))
        columns = Columns(table, names=tuple(name for name in table.names if name not in self.parts))
        design = Design.of(self.formula or "1", columns, labels=table.labels, intercept=True)
        if design.offset is not None or design.strata is not None or design.cluster is not None:
            raise DataError(
                "offset(), strata() and cluster() are not for this model.", code="formula", hint="Omit them."
            )
        if table.n < len(design.names) + 1:
            raise DataError(
                f"There are {table.n} rows for {len(design.names)} columns.",
                code="few-rows",
                hint="Ask for fewer terms.",
            )
        recode = recoding(design.matrix, design.names)
        scaled = design.matrix @ recode
        refuse_collinear(design.matrix, scaled, design.names)
        best = fit_dirichlet(scaled, np.log(shares))
        null = fit_dirichlet(np.ones((table.n, 1)), np.log(shares))
        notes = () if best.converged else ("the search stopped before its rule was met; do not report these estimates",)
        for note in notes:
            warnings.warn(note, ConvergenceWarning, stacklevel=2)
        back = np.kron(np.eye(len(self.parts)), recode)
        bread = back @ symmetric_inverse(best.surface.information) @ back.T
        made = DirichletResults(
            names=tuple(f"{part}: {term}" for part in self.parts for term in design.names),
            estimate=back @ best.at,
            covariance=bread,
            vcov="model",
            llf=best.surface.value,
            llnull=null.surface.value,
            nobs=float(table.n),
            n_events=float(table.n),
            converged=best.converged,
            ledger=ledger,
            method=f"Dirichlet regression of {len(self.parts)} parts on {self.formula}",
            sources=("campbell_mosimann1987", "hijazi_jernigan2009", "maier2014"),
            outcome="share",
            warnings=notes,
            parts=tuple(self.parts),
            model_covariance=bread,
            data=_Data(design, shares, table.labels),
        )
        return made.with_vcov(self.vcov)


@dataclass(frozen=True, eq=False)
class _Data:
    design: Design
    shares: Floats
    labels: AnyArray


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class DirichletResults(Regression):
    """A fitted Dirichlet regression; coefficients are those of the log parameters, part after part.

    Attributes
    ----------
    parts : tuple of str
    """

    parts: tuple[str, ...]
    model_covariance: Floats
    data: _Data | None = field(default=None, metadata={"stored": False})

    ratio_name: ClassVar[str] = "ratio"

    @property
    def df_model(self) -> int:
        """Number of coefficients, intercepts not counted."""
        return sum(not name.endswith(": Intercept") for name in self.names)

    def with_vcov(self, kind: str) -> DirichletResults:
        """Return the same fit with "model" (observed information) or "robust" (HC0) variance."""
        if kind not in ("model", "robust"):
            raise DataError(f"vcov={kind!r} is not known.", code="vcov", hint='"model" or "robust".')
        if kind == "model":
            return replace(self, covariance=self.model_covariance, vcov=kind)
        data = self._data("A robust variance")
        scores = dirichlet_scores(self.estimate, data.design.matrix, np.log(data.shares))
        half = scores @ self.model_covariance
        return replace(self, covariance=half.T @ half, vcov=kind, sources=(*self.sources, "white1980"))

    def predict(self, new: Any = None) -> Any:
        """Mean shares of the parts, as a DataFrame."""
        frame = self.get_prediction(new)
        return frame.pivot(index="row", columns="part", values="share")[list(self.parts)]

    def get_prediction(self, new: Any = None, alpha: float = 0.05) -> Any:
        """Mean shares with standard errors and limits (logit scale): one row for each row and part."""
        import pandas as pd
        from scipy import special

        data = self._data("Prediction")
        x, index = data.design.matrix, data.labels
        if new is not None:
            columns, _, index = rows_of(new)
            x = data.design.rebuild(columns, labels=index).matrix
        j, p = len(self.parts), x.shape[1]
        mean = closed(np.exp(x @ self.estimate.reshape(j, p).T))
        frames = []
        for i, part in enumerate(self.parts):
            along = mean[:, i, None] * ((np.arange(j) == i) - mean)
            slope = (along[:, :, None] * x[:, None, :]).reshape(len(x), -1)
            se = np.sqrt(np.einsum("iq,qr,ir->i", slope, self.covariance, slope))
            half, middle = self._critical(alpha) * se / (mean[:, i] * (1 - mean[:, i])), special.logit(mean[:, i])
            limits = {"low": special.expit(middle - half), "high": special.expit(middle + half)}
            frames.append(pd.DataFrame({"row": index, "part": part, "share": mean[:, i], "se": se, **limits}))
        return pd.concat(frames, ignore_index=True)

    def _data(self, what: str) -> _Data:
        return unstored(self.data, what)
