"""Cox regression of all causes at once, on one baseline, when the cause of some exits is masked.

Third floor, in the room of hazards. Read next: masked_cox_results.py (what comes back), kernels/maskedcox.py (the
likelihood).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import chdtrc

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import ConvergenceWarning, DataError, FormulaError
from exitmodels.kernels.ascent import Ascent, ascend
from exitmodels.kernels.linalg import standardise
from exitmodels.kernels.maskedcox import MaskedData, surface
from exitmodels.kernels.patternshares import split_shares
from exitmodels.kernels.risksets import risk_index
from exitmodels.models.hazards.cox_prepare import strata_of
from exitmodels.models.hazards.masked_cox_results import MaskedCoxFit, MaskedCoxResults
from exitmodels.models.hazards.masked_results import check_vcov
from exitmodels.render.text import number
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.shapes.design import Design
from exitmodels.shapes.fitting import independent, usable
from exitmodels.shapes.masking import Masking, check_cuts, piece_names
from exitmodels.shapes.spells import Spells

__all__ = ["MaskedCox"]

_METHOD = "Cox regressions of all causes on one baseline, some causes masked (Breslow ties)"
_SOURCES = ("goetghebeur_ryan1995", "dewanji1992", "louis1982")


@dataclass(frozen=True)
class MaskedCox:
    """Hazard ratios for each cause when some exits show only which causes are possible.

    Parameters
    ----------
    formula : str or mapping of cause to str
        One formula for all causes (each with its own coefficients), or one for each; ``"1"`` for none. ``strata()``,
        ``offset()`` and ``cluster()`` as in `Cox`.
    unknown, masked
        As in `MaskedCauses`.
    cuts : sequence of float, optional
        Times at which the ratio between the causes' baselines changes. None by default: baselines are proportional.
    vcov : {"model", "robust", "cluster"}, optional
        By default "model"; "robust" with sampling weights; "cluster" when the formula has ``cluster()``.
    max_steps : int

    Notes
    -----
    The hazard of cause k is h0(t) exp(a_k + x b_k): the baseline h0 is left free and shared, so that what is known of
    the exits with a certain cause tells how to read the others. With `cuts` the ratio exp(a_k) is constant only
    between them; twice the gain in log-likelihood tests proportionality. Missing at random given time and covariates,
    as in `MaskedCauses`. When all causes are certain and baselines are free of one another use `CauseSpecificCox`.
    Ties by Breslow's form: split ties finer, or expect small attenuation when many leave on one day.
    Source: Goetghebeur & Ryan (1995), in the full form that proportional baselines allow; Dewanji (1992).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[2, 3, 4, 5, 7, 8, 9, 11], event=["a", "b", "a", "?", "a", "in", "b", "?"],
    ...                    censor="in", covariates={"x": [1, 0, 0, 1, 1, 0, 1, 0]})
    >>> fit = xm.MaskedCox({"a": "x", "b": "1"}, unknown="?").fit(spells)
    >>> fit.names
    ('a: x', 'b: log ratio to a')
    """

    formula: str | Mapping[Any, str]
    unknown: Any = None
    masked: Mapping[Any, Any] | None = None
    cuts: Sequence[float] = ()
    vcov: str | None = None
    max_steps: int = 200

    def fit(self, spells: Spells) -> MaskedCoxResults:
        """Fit all causes together.

        Raises
        ------
        SchemeError
            If only exits inside a window were recorded.
        DataError, FormulaError
            For labels or columns that are not there, missing values, collinear columns, or fewer exits than parameters.

        Warns
        -----
        ConvergenceWarning
            When the likelihood has no finite maximum; the parameters that run off are named.
        """
        spells.require_scheme("MaskedCox")
        said = Masking.of(spells, self.unknown, self.masked)
        formulas = self._formulas(said.causes)
        rows = spells
        for formula in dict.fromkeys(formulas):
            rows = usable(rows, formula)
        said.refuse_unseen(rows.event)
        made = _arrange(rows, said, formulas, check_cuts(self.cuts))
        if rows.n_events < len(made.names):
            raise DataError(
                f"There are {number(rows.n_events)} exits for {len(made.names)} parameters.",
                code="few-events",
                hint="Use fewer covariates or cuts.",
            )
        best = ascend(lambda at: surface(made.data, at), _start(made), most=self.max_steps)
        trouble = _runaway(made, best)
        if trouble:
            warnings.warn(trouble, ConvergenceWarning, stacklevel=2)
        return self._results(rows, made, best, trouble)

    def _formulas(self, causes: Sequence[Any]) -> list[str]:
        if isinstance(self.formula, str):
            return [self.formula] * len(causes)
        if set(self.formula) != set(causes):
            raise DataError(
                f"The formulas are for {', '.join(map(str, self.formula))}; the causes are "
                f"{', '.join(map(str, causes))}.",
                code="causes",
                hint='Give a formula for each cause; "1" for one without covariates.',
            )
        return [self.formula[cause] for cause in causes]

    def _results(self, rows: Spells, made: MaskedCoxFit, best: Ascent, trouble: str) -> MaskedCoxResults:
        fitted = made.at(best.at, best.surface.information)
        null = _null(made)
        result = MaskedCoxResults(
            names=made.names,
            estimate=made.recode @ best.at,
            covariance=fitted.covariance("model", None),
            vcov="model",
            llf=best.surface.value,
            llnull=null,
            nobs=rows.n,
            n_events=rows.n_events,
            converged=not trouble,
            ledger=rows.ledger,
            method=_METHOD,
            sources=_SOURCES,
            warnings=(trouble,) if trouble else (),
            tests=_tests(best.surface.value - null, int(made.effects.sum())),
            causes=made.said.causes,
            effects=made.effects,
            unit=rows.unit,
            fitted=fitted,
        )
        copies = rows.weight is None or rows.weights == "frequency"
        kind = self.vcov or ("cluster" if made.formula_cluster else "model" if copies else "robust")
        check_vcov(kind)
        return result.with_vcov(kind)


def _arrange(spells: Spells, said: Masking, formulas: Sequence[str], cuts: Floats) -> MaskedCoxFit:
    """Columns, centred and scaled; names; the way back to the columns as given."""
    rows = spells._with(cluster=np.arange(len(spells)))
    rows = rows.split(cuts) if len(cuts) else rows
    assert rows.cluster is not None
    made = {f: Design.of(f, rows.columns, labels=rows.labels) for f in dict.fromkeys(formulas)}
    designs = tuple(made[f] for f in formulas)
    stratum, strata = _strata(rows, designs)
    index = risk_index(rows.entry_or_none, rows.exit, rows.event > 0, stratum, len(strata))
    offset = _offset(designs)
    piece = np.searchsorted(cuts, rows.exit, side="left")
    level = (piece[:, None] == np.arange(len(cuts) + 1)).astype(np.float64)
    matrices, names, effects, turns = [], list[str](), list[bool](), []
    for k, (cause, design) in enumerate(zip(said.causes, designs, strict=True)):
        matrix = design.matrix.copy()
        centre, scale, _ = standardise(matrix, rows.weight)
        independent(design.names, matrix, scale, rows.weight)
        turns.append((centre, scale))
        added = _levels(cause, said.causes[0], cuts) if k else []
        matrices.append(np.hstack([matrix, level]) if k else matrix)
        names += [f"{cause}: {name}" for name in design.names] + added
        effects += [True] * len(design.names) + [False] * len(added)
    data = MaskedData(index, rows.event, said.chance, rows.row_weight, offset, tuple(matrices))
    cluster = next((d.cluster for d in designs if d.cluster is not None), None)
    true = cluster if cluster is not None else None if spells.cluster is None else spells.cluster[rows.cluster]
    return MaskedCoxFit(
        data=data,
        said=said,
        names=tuple(names),
        effects=np.array(effects, dtype=bool),
        recode=_recode(data, turns, len(cuts) + 1),
        designs=designs,
        turns=tuple(turns),
        cuts=cuts,
        strata=strata,
        rows=spells,
        person=rows.cluster,
        cluster=true,
        formula_cluster=cluster is not None,
    )


def _levels(cause: Any, first: Any, cuts: Floats) -> list[str]:
    name = f"{cause}: log ratio to {first}"
    return [f"{name} {piece}" for piece in piece_names(cuts)] if len(cuts) else [name]


def _strata(rows: Spells, designs: Sequence[Design]) -> tuple[Ints | None, tuple[str, ...]]:
    if len({design.formula.strata for design in designs}) > 1:
        raise FormulaError("The strata differ between causes.", code="formula", hint="Give all causes the same ones.")
    return strata_of(rows, designs[0])


def _offset(designs: Sequence[Design]) -> Floats | None:
    if len({design.formula.offset for design in designs}) > 1:
        raise FormulaError("The offset differs between causes.", code="formula", hint="Give all causes the same one.")
    return designs[0].offset


def _recode(data: MaskedData, turns: Sequence[tuple[Floats, Floats]], n_levels: int) -> Floats:
    """From coefficients of centred, scaled columns to those of the columns as given.

    The baseline takes up the centring of the first cause; the levels of the others take up the difference.
    """
    out = np.eye(data.size)
    for k, (span, (centre, scale)) in enumerate(zip(data.spans, turns, strict=True)):
        p = len(centre)
        own = np.arange(span.start, span.start + p)
        out[own, own] = 1 / scale
        if k:
            levels = np.arange(span.start + p, span.stop)
            first = np.arange(data.spans[0].start, data.spans[0].stop)
            out[np.ix_(levels, own)] -= centre / scale
            out[np.ix_(levels, first)] += turns[0][0] / turns[0][1]
            assert len(levels) == n_levels
    return out


def _start(made: MaskedCoxFit) -> Floats:
    """Levels from the shares of the causes among all exits, and no effects."""
    data = made.data
    gone = data.pattern > 0
    count = np.bincount(data.pattern[gone] - 1, data.weight[gone], len(data.chance))
    share = np.maximum(split_shares(count[None], data.chance).share[0], 1e-3)
    start = np.zeros(data.size)
    for k, span in enumerate(data.spans):
        if k:
            start[span.start + len(made.turns[k][0]) : span.stop] = np.log(share[k] / share[0])
    return start


def _null(made: MaskedCoxFit) -> float:
    """Log-likelihood with levels alone."""
    data = made.data
    bare = tuple(m[:, len(turn[0]) :] for m, turn in zip(data.matrices, made.turns, strict=True))
    small = MaskedData(data.index, data.pattern, data.chance, data.weight, data.offset, bare)
    start = _start(replace(made, data=small, turns=tuple((turn[0][:0], turn[1][:0]) for turn in made.turns)))
    return ascend(lambda at: surface(small, at), start).surface.value


def _tests(gain: float, df: int) -> dict[str, HypothesisTest]:
    if not df:
        return {}
    text = "likelihood ratio test that all effects are zero"
    p = float(chdtrc(df, max(2 * gain, 0.0)))
    return {"likelihood ratio": HypothesisTest(statistic=2 * gain, df=float(df), pvalue=p, method=text)}


def _runaway(made: MaskedCoxFit, best: Ascent) -> str:
    """Say which parameters run off; the columns have unit spread, so that 1/900 of an exit is no information."""
    info = best.surface.information
    size, axes = np.linalg.eigh(info)
    flat = size < 1 / 900
    if best.converged and not flat.any():
        return ""
    moving = np.abs(axes[:, flat]).max(axis=1) if flat.any() else np.abs(best.surface.gradient)
    names = ", ".join(name for name, m in zip(made.names, moving, strict=True) if m > 0.5 * moving.max())
    return (
        f"The likelihood has no maximum that could be found: it is flat, or keeps rising, along {names}. Too few exits "
        "have a certain cause there, or a covariate separates the causes; use fewer terms."
    )
