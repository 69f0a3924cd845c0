"""GLARMA: regression of a count series in which past surprises move the present.

Third floor. The model says what is asked; the arithmetic is in kernels/glarma.py.

Read next: series_results.py (what a fit answers).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from exitmodels.arrays import Floats
from exitmodels.errors import ConvergenceWarning, DataError
from exitmodels.kernels.ascent import Ascent
from exitmodels.kernels.glarma import Path, Shape, trace
from exitmodels.kernels.glarma_slopes import fit_shape, score_rows
from exitmodels.kernels.glarma_terms import POWERS
from exitmodels.models.counts.count_ar import check_lags
from exitmodels.models.counts.glarma_results import GLARMAResults
from exitmodels.models.counts.series import TimeSeries, series_of
from exitmodels.models.counts.series_results import KINDS, Pieces, SeriesFit, series_covariance
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.shapes.counts import Counts

__all__ = ["GLARMA"]

_FAMILIES = {"poisson": "Poisson", "negbin": "negative binomial", "binomial": "binomial"}
_LEAST_ALPHA = 1e-8


@dataclass(frozen=True)
class GLARMA:
    """Generalised linear autoregressive moving average model for a series of counts.

    The log mean (logit of the share, for binomial counts) is a regression plus a state that is driven by past
    residuals: each autoregressive lag adds its coefficient times (state + residual) then, each moving-average lag its
    coefficient times the residual then.

    Parameters
    ----------
    formula : str
        Right-hand side; an intercept is always included; ``offset(...)`` may stand in it.
    ar, ma : sequence of int
        Lags in periods.
    family : {"poisson", "negbin", "binomial"}
        "negbin" has variance mean + alpha mean^2, alpha by maximum likelihood; "binomial" needs `trials`.
    residuals : {"pearson", "score", "identity"}
        (n - mean) over its standard deviation, over its variance, or as it is.
    trials : str, optional
        Column of the number of trials of each period.
    vcov : {"observed", "model", "robust"}
        "observed" information, as is usual for these models; see `with_vcov`.
    exposure : bool
        Whether log(exposure) is an offset (never for binomial counts).
    unobserved : str, optional
        Column that is 1 (or true) in periods whose count is not known; their residual is zero.

    Notes
    -----
    Covariates keep their regression meaning: what an effect is does not depend on the lags, in contrast to `CountAR`.
    Large-sample theory is known for special cases only; look at `plot_pit` and the tests.
    Source: Davis, Dunsmuir and Streett (2003, 2005); Dunsmuir and Scott (2015).

    Examples
    --------
    >>> n = [2, 3, 5, 4, 6, 8, 7, 5, 4, 3, 2, 4, 5, 3, 2, 2, 3, 1, 2, 4]
    >>> fit = GLARMA("1", ma=(1,)).fit(Counts.from_table({"n": n}, n="n"))
    >>> fit.params.round(3).to_dict()
    {'Intercept': 1.287, 'ma[t-1]': 0.379}
    """

    formula: str = "1"
    ar: Sequence[int] = ()
    ma: Sequence[int] = ()
    family: str = "poisson"
    residuals: str = "pearson"
    trials: str | None = None
    vcov: str = "observed"
    exposure: bool = True
    unobserved: str | None = None

    def __post_init__(self) -> None:
        for name, known in (("family", _FAMILIES), ("residuals", POWERS), ("vcov", KINDS)):
            if getattr(self, name) not in known:
                raise DataError(
                    f"{name}={getattr(self, name)!r} is not known.", code=name, hint=f"Use one of {', '.join(known)}."
                )
        for name in ("ar", "ma"):
            object.__setattr__(self, name, check_lags(name, getattr(self, name)))
        if not self.ar and not self.ma:
            raise DataError("No lag is named.", code="lags", hint="Name lags in ar= or ma=, or use CountRegression.")
        if (self.trials is None) == (self.family == "binomial"):
            raise DataError(
                'family="binomial" and trials= go together.',
                code="trials",
                hint="Name the column of trials, or leave it.",
            )

    def fit(self, counts: Counts) -> GLARMAResults:
        """Fit to one series of counts; the counts and the model stay as they were.

        Raises
        ------
        DataError
            For several series, irregular periods, constant or collinear columns, or more events than trials.
        IdentificationError
            When too few periods remain after the longest lag.
        """
        lags = (*self.ar, *self.ma)
        series = series_of(
            counts,
            self.formula,
            exposure=self.exposure and self.trials is None,
            unobserved=self.unobserved,
            lags=max(lags),
            extra=len(lags) + (self.family == "negbin"),
        )
        shape = Shape(
            y=series.y,
            exposure=series.exposure,
            design=series.design.matrix,
            ar=tuple(self.ar),
            ma=tuple(self.ma),
            power=POWERS[self.residuals],
            trials=None if self.trials is None else _trials(series, self.trials),
        )
        static, dynamic = self._climb(replace(shape, ar=(), ma=())), self._climb(shape)
        return self._answer(series, static, dynamic)

    def _climb(self, shape: Shape) -> tuple[Shape, Ascent]:
        """Fit without overdispersion first; then with it, if the counts show any."""
        lags = len(shape.ar) + len(shape.ma)
        begin = np.zeros(shape.width)
        seen = shape.seen
        if shape.trials is None:
            begin[0] = np.log(shape.known[seen].sum() / shape.exposure[seen].sum())
        start = fit_shape(replace(shape, ar=(), ma=()), begin)
        found = fit_shape(shape, np.append(start.at, np.zeros(lags))) if lags else start
        if self.family != "negbin":
            return shape, found
        path = trace(shape, found.at)
        assert path is not None
        gap = (shape.known - path.law.mean)[seen] ** 2 - shape.known[seen]
        if gap.sum() <= 0:
            return shape, found
        moment = float(gap.sum() / np.sum(path.law.mean[seen] ** 2))
        wide = replace(shape, free_alpha=True)
        joint = fit_shape(wide, np.append(found.at, np.log(np.clip(moment, 1e-4, 10.0))))
        return (wide, joint) if joint.at[-1] > np.log(_LEAST_ALPHA) else (shape, found)

    def _answer(self, series: TimeSeries, static: tuple[Shape, Ascent], dynamic: tuple[Shape, Ascent]) -> GLARMAResults:
        (shape, best), (_, null) = dynamic, static
        path = trace(shape, best.at)
        assert path is not None
        pieces = _pieces(shape, best, path)
        names = (
            *series.design.names,
            *(f"ar[t-{lag}]" for lag in self.ar),
            *(f"ma[t-{lag}]" for lag in self.ma),
        )
        q, full = len(names), series_covariance(pieces, self.vcov)
        alpha = shape.alpha(best.at)
        converged = best.converged and bool(np.isfinite(full).all())
        notes = self._notes(best, full, alpha)
        if not converged:
            warnings.warn(notes[0], ConvergenceWarning, stacklevel=3)
        made = SeriesFit(series, path.law, pieces, shape, best.at)
        fit = GLARMAResults(
            names=names,
            estimate=best.at[:q],
            covariance=full[:q, :q],
            vcov=self.vcov,
            llf=best.surface.value,
            llnull=null.surface.value,
            nobs=float(shape.seen.sum()),
            n_events=float(shape.known[shape.seen].sum()),
            converged=converged,
            ledger=series.counts.ledger,
            method=self._method(),
            sources=("davis2003", "davis2005", "dunsmuir_scott2015"),
            outcome="n",
            warnings=tuple(notes),
            family=self.family,
            link="log" if self.trials is None else "logit",
            alpha=alpha,
            log_alpha_se=float(np.sqrt(full[q, q])) if shape.free_alpha else float("nan"),
            n_covariates=shape.width,
            ar=tuple(self.ar),
            ma=tuple(self.ma),
            residual_kind=self.residuals,
            trials=self.trials or "",
            data=made,
        )
        return replace(fit, tests=_serial_tests(fit))

    def _method(self) -> str:
        text = f"GLARMA ({_FAMILIES[self.family]}, {self.residuals} residuals): n ~ {self.formula}"
        text += f"; AR {', '.join(map(str, self.ar))}" if self.ar else ""
        return text + (f"; MA {', '.join(map(str, self.ma))}" if self.ma else "")

    def _notes(self, best: Ascent, full: Floats, alpha: float) -> list[str]:
        notes = []
        if not best.converged:
            notes.append(
                "The search for the highest likelihood stopped before its rule was met; do not report these estimates."
            )
        elif not np.isfinite(full).all():
            notes.append(
                "The likelihood is flat in some direction at its top (do ar and ma share a lag they do not need?); "
                "do not report these estimates."
            )
        if self.family == "negbin" and alpha == 0:
            notes.append("the counts show no overdispersion: alpha is at its limit 0, and this is the Poisson fit")
        return notes


def _trials(series: TimeSeries, name: str) -> Floats:
    columns: dict[str, Any] = series.counts.columns
    if name not in columns:
        raise DataError(
            f"The counts have no column {name!r}.",
            column=name,
            code="no-column",
            hint=f"Columns: {', '.join(columns)}.",
        )
    values = columns[name].values.astype(np.float64)
    known = np.where(series.seen, series.y, 0.0)
    bad = np.flatnonzero(~np.isfinite(values) | (values != np.floor(values)) | (values < np.maximum(known, 1)))
    if bad.size:
        raise DataError(
            f"{bad.size} numbers of trials are not whole, below 1, or below the count (first: {values[bad[0]]:g} "
            f"trials, {known[bad[0]]:g} events).",
            column=name,
            rows=series.index[bad],
            code="trials",
            hint="Each event is one of the trials of its period; mark periods without trials as unobserved.",
        )
    return values


def _pieces(shape: Shape, best: Ascent, path: Path) -> Pieces:
    scores = score_rows(shape, best.at, path)
    surface = best.surface
    bound = np.zeros(len(best.at), dtype=bool)
    return Pieces(surface.information, surface.expected, surface.expected, scores, bound)


def _serial_tests(fit: GLARMAResults) -> dict[str, HypothesisTest]:
    """Whether the lags are needed at all: likelihood ratio against the regression without them, and Wald."""
    lags = fit.names[fit.n_covariates :]
    statistic = max(2 * (fit.llf - fit.llnull), 0.0)
    ratio = HypothesisTest(
        statistic=statistic,
        df=len(lags),
        pvalue=float(stats.chi2.sf(statistic, len(lags))),
        method="Likelihood-ratio test of no serial dependence",
        ledger=fit.ledger,
    )
    tests = {"likelihood ratio, no lags": ratio}
    if np.isfinite(fit.covariance).all():
        tests["Wald, no lags"] = fit.wald_test(list(lags))
    return tests
