"""Records that exist only because the exit fell inside a window: hazards per reason, and a policy inside the window.

Third floor, in the room of truncation. Read next: window_rows.py (limits, policies, names), then the likelihood in
kernels/windowhazards.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.errors import DataError, SchemeError
from exitmodels.models.truncation.window_choice import Choices, fitted_as
from exitmodels.models.truncation.window_laws import STRETCHING
from exitmodels.models.truncation.window_results import ParametricResults, check_vcov
from exitmodels.models.truncation.window_rows import usable_rows
from exitmodels.shapes.spells import Spells

__all__ = ["ExitWindow", "ExitWindowResults", "StretchedWindowResults"]


class ExitWindowResults(ParametricResults):
    """Fitted hazards per reason of exit records seen through a window; see `ParametricResults`."""


class StretchedWindowResults(ExitWindowResults):
    """The same where covariates stretch the clock of some reason: `hazard_ratios` and `time_ratios` tell them apart."""

    ratio_name = "exp(coef)"


@dataclass(frozen=True)
class ExitWindow:
    """Hazards per reason from records of exits inside a window, by the doubly truncated likelihood.

    Parameters
    ----------
    formula : str or mapping of cause to str
        Covariates known at the start of the stay, ``offset()`` and ``cluster()``; "1" for none. One formula for all
        causes (each with its own coefficients), or one for each.
    policy : date, column name, list or mapping of name to either, optional
        A change of policy on a calendar date: from that day on it multiplies the hazards of everyone then inside. A
        column holds, for each row, the time on its own clock after which the policy acts. Several policies add up on
        the log scale, each from its date on.
    touches : mapping of policy name to list of causes, optional
        Which hazards a policy may change; all by default. A single policy without a name is called "policy".
    common : sequence of str
        Effects (columns of the design, or policies) that have one value for all the causes that have them.
    hazard : str or mapping of cause to str
        Baseline of each cause: "exponential", "weibull", "gompertz", "piecewise" or "spline", whose hazard covariates
        multiply; or "lognormal", "loglogistic", "gamma" or "generalised gamma", whose clock they stretch. A policy
        multiplies the hazard of any.
    cuts : sequence of float, or mapping of cause to it, optional
        Where a piecewise hazard changes (by default five pieces with equal numbers of recorded exits), or the inner
        knots of a spline.
    df : int, "aic" or mapping of cause to either, optional
        Coefficients of a spline beside its level, 3 by default: its df - 1 inner knots share out the recorded exits
        equally, the outer two are at the first and last exit. "aic" tries 1 to 5 and says what it found.
    proportional : bool
        Give all causes the first one's baseline, each times a constant. For few exits, or many of unknown cause.
    unknown : label, optional
        The cause that means "reason not known": such an exit adds the sum of all hazards. This is right when whether a
        reason was written down depends on time and covariates only, not on the reason (missing at random).
    vcov : {"model", "robust", "cluster"}, optional
        By default "model"; "robust" with sampling weights; "cluster" when the formula has ``cluster()``. The bootstrap:
        ``fit.with_vcov("bootstrap", rng=)``, or ``exitmodels.bootstrap(model, spells, rng=)`` for its own limits.
    max_steps : int

    Notes
    -----
    A stay T of cause k, seen only because U < T <= V, adds log h_k(T) + log S(T) - log(S(U) - S(V)). All causes enter
    S, so they are estimated together. Days count as points in time; a policy of day D acts on exits of D and later.
    A spline is natural and cubic for the log cumulative hazard in log time, which is then known in closed form at every
    limit; where it would fall the law has no hazard, and a fit that falls between the exits warns.
    Given the covariates and policies, stays must not depend on the join date in any other way: the printed test of
    quasi-independence looks for a trend and a step. A row may have an infinite right limit; then someone still there
    would have been seen too, and may be in the table. Source: Kalbfleisch & Lawless (1989); Keiding (1990); Moreira &
    de Una-Alvarez (2010); Dinse (1982) for unknown reasons; Royston & Parmar (2002) for the spline.

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.simulate.exits(n=431, rng=5).spells()
    >>> spells = spells.for_cause("any")
    >>> fit = xm.ExitWindow(policy="2014-06-29", hazard="exponential").fit(spells)
    >>> fit.names
    ('log rate', 'policy')
    >>> list(fit.compare_naive().columns)
    ['estimate', 'se', 'naive', 'naive se']
    """

    formula: str | Mapping[Any, str] = "1"
    policy: Any = None
    touches: Mapping[str, Sequence[Any]] | None = None
    common: Sequence[str] = ()
    hazard: str | Mapping[Any, str] = "piecewise"
    cuts: Any = None
    df: Any = None
    proportional: bool = False
    unknown: Any = None
    vcov: str | None = None
    max_steps: int = 200

    def fit(self, spells: Spells) -> ExitWindowResults:
        """Fit all causes together.

        Raises
        ------
        SchemeError
            If the spells are not records of exits inside limits.
        IdentificationError
            If a policy lies outside the window, or has no exits on one side.
        DataError, FormulaError
            For rows outside their limits, missing values, collinear columns, or fewer exits than parameters.

        Warns
        -----
        ConvergenceWarning
            When the likelihood has no finite maximum; the parameters that run off are named.
        """
        check_vcov(self.vcov)
        if spells.right_limit is None:
            raise SchemeError(
                "ExitWindow is for records that exist only because the exit fell inside a window; these spells have no "
                "right limits.",
                code="scheme",
                hint='Read them with scheme="exits-only" and a window; or use ParametricSpells or CauseSpecificCox.',
            )
        _only_exits(spells)
        causes = [cause for cause in spells.causes if self.unknown is None or cause != self.unknown]
        if self.unknown is not None and self.unknown not in spells.causes:
            raise DataError(
                f"unknown={self.unknown!r} is not a cause of exit in these spells.",
                code="unknown-cause",
                hint=f"Causes: {', '.join(map(str, spells.causes))}.",
            )
        choices = Choices(
            causes=causes,
            formulas=_by_cause(self.formula, causes, "formula"),
            hazards=_by_cause(self.hazard, causes, "hazard"),
            cuts=_by_cause(self.cuts, causes, "cuts"),
            df=_by_cause(self.df, causes, "df"),
            policy=self.policy,
            touches=self.touches,
            common=self.common,
            unknown=self.unknown,
            proportional=self.proportional,
        )
        rows = usable_rows(spells, choices.formulas)
        _every_cause(rows, causes)
        shown = ", ".join(dict.fromkeys(choices.hazards))
        method = f"Cause-specific hazards ({shown}) of exits recorded inside a window, doubly truncated likelihood"
        masked = ("dinse1982",) if self.unknown is not None else ()
        smooth = ("royston_parmar2002",) if "spline" in choices.hazards else ()
        sources = ("kalbfleisch_lawless1989", "keiding1990", "moreira_una_alvarez2010", *masked, *smooth)
        stretched = any(hazard in STRETCHING for hazard in choices.hazards)
        kind = StretchedWindowResults if stretched else ExitWindowResults
        fit: ExitWindowResults = fitted_as(kind, rows, choices, self.vcov, self.max_steps, method, sources)
        return fit


def _by_cause(given: Any, causes: Sequence[Any], what: str) -> list[Any]:
    """One value for each cause."""
    if not isinstance(given, Mapping):
        return [given] * len(causes)
    absent = [c for c in causes if c not in given]
    unknown = [c for c in given if c not in causes]
    if unknown or (absent and what not in ("cuts", "df")):
        raise DataError(
            f"{what}= is given for {', '.join(map(str, given))}; the causes are {', '.join(map(str, causes))}.",
            code="causes",
            hint="Give one for each cause.",
        )
    return [given.get(c) for c in causes]


def _only_exits(spells: Spells) -> None:
    assert spells.right_limit is not None
    hidden = (spells.event == 0) & np.isfinite(spells.right_limit)
    for bad, what in (
        (hidden, "have not ended with an exit, but only exits could be recorded"),
        (None if spells.lower is None and spells.upper is None else spells.exit == spells.exit, "have interval dates"),
    ):
        if bad is not None and bad.any():
            raise DataError(
                f"{int(bad.sum())} rows {what}.",
                rows=spells.labels[bad],
                code="scheme",
                hint="Do not split the spells: cuts= and policy= act inside the model. For interval dates of one kind "
                "of exit use ParametricSpells.",
            )


def _every_cause(rows: Spells, causes: Sequence[Any]) -> None:
    empty = [c for c in causes if not (rows.event == rows.causes.index(c) + 1).any()]
    if empty:
        raise DataError(
            f"Nobody left for {empty[0]}, so its hazard cannot be estimated.",
            code="no-events",
            hint="Leave the cause out, or join it with another.",
        )
