"""From what was chosen to a fit: baselines by name, the number of knots by Akaike's criterion, the kind of result.

Third floor, in the room of truncation. Called by: exit_window.py, parametric_spells.py.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exitmodels.errors import ConvergenceWarning, DataError, DataWarning
from exitmodels.models.truncation import window_fit
from exitmodels.models.truncation.window_fit import Fitted
from exitmodels.models.truncation.window_independence import independence_test
from exitmodels.models.truncation.window_laws import MOST_DF, laws_of, wants_aic
from exitmodels.models.truncation.window_results import INDEPENDENCE, ParametricResults
from exitmodels.models.truncation.window_rows import Named, arrange
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.shapes.spells import Spells

__all__ = ["Choices", "fitted_as"]


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the two models let one choose, one value for each cause where that makes sense."""

    causes: Sequence[Any]
    formulas: Sequence[str]
    hazards: Sequence[str]
    cuts: Sequence[Any]
    df: Sequence[Any]
    policy: Any = None
    touches: Mapping[str, Sequence[Any]] | None = None
    common: Sequence[str] = ()
    unknown: Any = None
    proportional: bool = False

    def named(self, rows: Spells) -> Named:
        """Rows for the likelihood."""
        laws = laws_of(self.hazards, self.cuts, self.df, rows)
        return arrange(
            rows,
            self.formulas,
            laws,
            self.policy,
            self.touches,
            self.common,
            self.causes,
            self.unknown,
            self.proportional,
        )


def fitted_as(
    kind: type[ParametricResults],
    rows: Spells,
    choices: Choices,
    vcov: str | None,
    most: int,
    method: str,
    sources: tuple[str, ...],
) -> Any:
    """Fit, the number of knots first where that is asked for."""
    if not wants_aic(choices.hazards, choices.cuts, choices.df):
        return _finish(kind, rows, choices.named(rows), choices.causes, vcov, most, method, sources)
    tried: dict[int, tuple[float, Named, window_fit.Search]] = {}
    for df in range(1, MOST_DF + 1):
        try:
            named = replace(choices, df=[df if own == "aic" else own for own in choices.df]).named(rows)
            window_fit.enough(named, rows.n_events)
        except DataError as found:
            if not tried or found.code not in ("knots", "few-events"):
                raise
            break
        search = window_fit.search(named, most)
        sound = not window_fit.runaway(named, search.best) and not window_fit.falling(named, search.best.at)
        if df == 1 or sound:
            tried[df] = (2 * len(named.names) - 2 * search.best.surface.value, named, search)
    least = min(tried, key=lambda df: tried[df][0])
    listed = ", ".join(f"{df}: {tried[df][0]:.1f}" for df in tried)
    chosen = f"df={least} has the least AIC ({listed}); limits do not count this choice."
    _, named, search = tried[least]
    return _finish(kind, rows, named, choices.causes, vcov, most, method, sources, search, chosen)


def _finish(
    kind: type[Any],
    rows: Spells,
    named: Named,
    causes: Sequence[Any],
    vcov: str | None,
    most: int,
    method: str,
    sources: tuple[str, ...],
    found: window_fit.Search | None = None,
    chosen: str = "",
) -> Any:
    """Search (unless that was done), check, and fill in the results."""
    window_fit.enough(named, rows.n_events)
    found = window_fit.search(named, most) if found is None else found
    best = found.best
    trouble = window_fit.runaway(named, best)
    told = (trouble,) if trouble else ()
    if trouble:
        warnings.warn(trouble, ConvergenceWarning, stacklevel=4)
    fallen = window_fit.falling(named, best.at)
    if fallen and not trouble:
        told = (
            f"The spline for {', '.join(str(causes[k]) for k in fallen)} has a cumulative hazard that falls somewhere "
            "below the largest limit, where it is no law of a stay; use a smaller df, or other cuts.",
        )
        warnings.warn(told[0], DataWarning, stacklevel=4)
    copies = rows.weights == "frequency" or rows.weight is None
    fitted = Fitted(named, best.at, best.surface.information, copies)
    naive = naive_se = None
    effective = chance = float("nan")
    tests: dict[str, HypothesisTest] = {}
    if found.naive is not None:
        naive = named.recode @ found.naive.at
        spread = named.recode @ window_fit.inverse(found.naive.surface.information) @ named.recode.T
        naive_se = np.sqrt(np.diag(spread))
        effective, chance = window_fit.seen(named, best.at)
        test = independence_test(named, best)
        tests = {} if test is None else {INDEPENDENCE: test}
    data = named.data
    made = kind(
        names=named.names,
        estimate=named.recode @ best.at,
        covariance=fitted.covariance("model", None),
        vcov="model",
        llf=best.surface.value,
        llnull=window_fit.null_value(named, best.at, most) if named.effects.any() else best.surface.value,
        nobs=rows.n,
        n_events=rows.n_events,
        converged=not trouble,
        ledger=rows.ledger,
        method=method,
        sources=sources,
        warnings=told,
        tests=tests,
        causes=tuple(causes),
        laws=data.laws,
        designs=named.designs,
        policies=named.policies,
        touches=data.touches,
        combine=data.combine,
        horizon=window_fit.horizon(data),
        unit=rows.unit,
        effects=named.effects,
        stretches=named.stretches,
        chosen=chosen,
        naive=naive,
        naive_se=naive_se,
        effective=effective,
        chance=chance,
        exits=_exits(rows),
        fitted=fitted,
        rows=rows,
    )
    wanted = vcov or ("cluster" if named.cluster is not None else "model" if copies else "robust")
    return made.with_vcov(wanted)


def _exits(rows: Spells) -> tuple[tuple[str, float], ...]:
    weight = rows.row_weight if rows.weights == "frequency" else np.ones(len(rows))
    return tuple((str(c), float(weight[rows.event == k].sum())) for k, c in enumerate(rows.causes, start=1))
