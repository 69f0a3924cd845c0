"""Records that name several reasons: each reason a yes or no, related within a record in any way.

Third floor. Shares of mentions hide that one record can hold two; here the question is which part of the records
names each reason, and how that part moves. One logit for each reason, with the covariance of all of them from clusters
(records, or people with several records).

Read next: composition.py, whose separator= and labels= make one composition by a declared rule.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from scipy import special

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.errors import ConvergenceWarning, DataError
from exitmodels.kernels.multinomial import MultinomialData, fit_multinomial, shares_of
from exitmodels.kernels.sandwich import cluster_meat
from exitmodels.models.counts.checks import recoding, refuse_collinear
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.results.regression import Regression
from exitmodels.shapes import checks
from exitmodels.shapes.columns import Columns, rows_of
from exitmodels.shapes.design import Design
from exitmodels.shapes.frames import Table
from exitmodels.shapes.grouping import group_codes
from exitmodels.shapes.ledger import Ledger
from exitmodels.shapes.mentions import split_labels

__all__ = ["MultipleResponse", "MultipleResponseResults"]


@dataclass(frozen=True)
class MultipleResponse:
    """Each reason a binary response: logit P(record names reason j) = terms, with coefficients of its own.

    Parameters
    ----------
    formula : str
    reason : str
        Column of texts such as ``"family visit; treatment"``.
    separator : str
        What stands between the reasons of one record.
    cluster : str, optional
        Column of people or posts with several records; by default each record is a cluster.
    small_sample : bool
        Whether the variance is multiplied by G / (G - 1), G being the number of clusters.

    Notes
    -----
    Estimating equations with independence as the working correlation; the clustered variance takes in how reasons go
    together within a record and records within a cluster. Source: Agresti and Liu (1999), section 4; Liang and Zeger
    (1986). A joint test of a term over all reasons (``fit.wald_test("policy")``) replaces one test for each.

    Examples
    --------
    >>> frame = {"reason": ["a; b", "a", "b", "a", "b", "a; b", "b", "c", "c; a", "a"],
    ...          "late": [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]}
    >>> fit = MultipleResponse("1", reason="reason", separator=";").fit(frame)
    >>> fit.predict().round(2).to_numpy()[0].tolist()
    [0.6, 0.5, 0.2]
    """

    formula: str
    reason: str
    separator: str = ";"
    cluster: str | None = None
    small_sample: bool = True

    def fit(self, frame: Any) -> MultipleResponseResults:
        """Fit to a table of records.

        Raises
        ------
        DataError
            For records without any reason, fewer mentions or blanks of a reason than columns, and collinear columns.
        """
        table = Table(frame)
        column = table.column(self.reason)
        checks.refuse_gaps(self.reason, column.missing, table.labels, "missing")
        gone, make = split_labels(column, self.separator, "all")
        checks.refuse_gaps(self.reason, gone, table.labels, "without any reason")
        mentions = make(np.arange(table.n))
        code, levels = group_codes(mentions.column)
        named = np.zeros((table.n, len(levels)))
        named[mentions.row, code] = 1.0
        columns = Columns(table, names=tuple(name for name in table.names if name != self.reason))
        design = Design.of(self.formula or "1", columns, labels=table.labels, intercept=True)
        if design.offset is not None or design.strata is not None or design.cluster is not None:
            raise DataError("Marks are not for this model.", code="formula", hint="Give cluster= to the model.")
        cluster = np.arange(table.n)
        if self.cluster is not None:
            held = columns.want(self.cluster)
            checks.refuse_gaps(self.cluster, held.missing, table.labels, "missing")
            cluster = np.unique(group_codes(held)[0], return_inverse=True)[1]
        reasons = tuple(str(level) for level in levels)
        note = f"{mentions.several} of {table.n} records name several reasons; each reason is a response of its own"
        return self._climb(named, reasons, design, cluster, table.labels, Ledger(table.n).note(note))

    def _climb(
        self, named: Floats, reasons: tuple[str, ...], design: Design, cluster: Ints, labels: AnyArray, ledger: Ledger
    ) -> MultipleResponseResults:
        n, p = design.matrix.shape
        few = [r for r, m in zip(reasons, named.sum(axis=0), strict=True) if not p <= m <= n - p]
        if few:
            raise DataError(
                f"The reason {few[0]!r} is named by {int(named[:, reasons.index(few[0])].sum())} of {n} records, too "
                f"few (or too many) for {p} columns.",
                code="few-events",
                hint="Merge rare reasons, or ask for fewer terms.",
            )
        recode = recoding(design.matrix, design.names)
        scaled = design.matrix @ recode
        refuse_collinear(design.matrix, scaled, design.names)
        scores, breads, estimates, converged, llf, null = [], [], [], True, 0.0, 0.0
        for y in named.T:
            found = fit_multinomial(MultinomialData(scaled, np.ones(n), (y @ scaled)[None, :]))
            share, _ = shares_of(found.at[None, :], scaled)
            scores.append((y - share[0])[:, None] * scaled)
            breads.append(np.linalg.inv(found.terms.information))
            estimates.append(recode @ found.at)
            converged &= found.converged and float(np.abs(scaled @ found.at).max()) < 15
            llf += found.terms.value
            null += float(special.xlogy(y.sum(), y.mean()) + special.xlogy(n - y.sum(), 1 - y.mean()))
        meat = cluster_meat(np.hstack(scores), cluster.astype(np.int64), self.small_sample)
        whole = np.zeros_like(meat)
        for i, bread in enumerate(breads):
            whole[i * p : (i + 1) * p, i * p : (i + 1) * p] = recode @ bread
        notes = (
            () if converged else ("a coefficient may run to infinity: a reason is never, or always, named somewhere",)
        )
        for text in notes:
            warnings.warn(text, ConvergenceWarning, stacklevel=3)
        return MultipleResponseResults(
            names=tuple(f"{reason}: {term}" for reason in reasons for term in design.names),
            estimate=np.concatenate(estimates),
            covariance=whole @ meat @ whole.T,
            vcov=f"cluster({self.cluster or 'record'})",
            llf=llf,
            llnull=null,
            nobs=float(n),
            n_events=float(named.sum()),
            converged=converged,
            ledger=ledger,
            method=f"Multiple responses: {len(reasons)} reasons on {self.formula}; independence log-likelihood",
            sources=("agresti_liu1999", "liang_zeger1986"),
            outcome="named",
            warnings=notes,
            reasons=reasons,
            terms=design.names,
            data=_Data(design, labels),
        )


@dataclass(frozen=True, eq=False)
class _Data:
    design: Design
    labels: AnyArray


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class MultipleResponseResults(Regression):
    """Fitted multiple responses; the log-likelihood is that of independent reasons, so it compares nothing.

    Attributes
    ----------
    reasons, terms : tuple of str
    """

    reasons: tuple[str, ...]
    terms: tuple[str, ...]
    data: _Data | None = field(default=None, metadata={"stored": False})

    ratio_name: ClassVar[str] = "odds ratio"

    @property
    def df_model(self) -> int:
        """Number of coefficients, intercepts not counted."""
        return sum(not name.endswith(": Intercept") for name in self.names)

    def wald_test(self, what: Any = None) -> HypothesisTest:
        """Test coefficients; a term stands for its coefficient in every reason. By default all but the intercepts."""
        if what is None:
            what = [term for term in self.terms if term != "Intercept"]
        names = [what] if isinstance(what, str) else what
        if not isinstance(names, np.ndarray) and all(isinstance(name, str) for name in names):
            names = [
                f"{r}: {n}" if n in self.terms else n
                for n in names
                for r in (self.reasons if n in self.terms else ("",))
            ]
        return super().wald_test(names)

    def predict(self, new: Any = None) -> Any:
        """Part of the records that names each reason; rows need not add to one."""
        frame = self.get_prediction(new)
        return frame.pivot(index="row", columns="reason", values="share")[list(self.reasons)]

    def get_prediction(self, new: Any = None, alpha: float = 0.05) -> Any:
        """Parts with standard errors and limits (logit scale): one row for each row and reason."""
        import pandas as pd

        if self.data is None:
            raise DataError("Prediction needs the data, which are not stored.", code="no-data", hint="Fit again.")
        x, index = self.data.design.matrix, self.data.labels
        if new is not None:
            columns, _, index = rows_of(new)
            x = self.data.design.rebuild(columns, labels=index).matrix
        p, frames = len(self.terms), []
        for i, reason in enumerate(self.reasons):
            own = slice(i * p, (i + 1) * p)
            eta = x @ self.estimate[own]
            error = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", x, self.covariance[own, own], x), 0.0))
            half, share = self._critical(alpha) * error, special.expit(eta)
            limits = {"low": special.expit(eta - half), "high": special.expit(eta + half)}
            numbers = {"share": share, "se": error * share * (1 - share), **limits}
            frames.append(pd.DataFrame({"row": index, "reason": reason, **numbers}))
        return pd.concat(frames, ignore_index=True)
