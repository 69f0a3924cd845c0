"""Records that exist only because the exit fell inside a window: hazards per reason, and a policy inside the window.

Third floor, in the room of truncation. Read next: window_rows.py (limits, policies, names), then the likelihood in
kernels/windowhazards.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exitmodels.errors import DataError, SchemeError
from exitmodels.models.truncation.window_results import ParametricResults, check_vcov, finish
from exitmodels.models.truncation.window_rows import arrange, law_of, usable_rows
from exitmodels.shapes.spells import Spells

__all__ = ["ExitWindow", "ExitWindowResults"]


class ExitWindowResults(ParametricResults):
    """Fitted hazards per reason of exit records seen through a window; see `ParametricResults`."""


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
        Baseline of each cause: "exponential", "weibull", "gompertz" or "piecewise".
    cuts : sequence of float, or mapping of cause to it, optional
        Where a piecewise hazard changes; by default five pieces with equal numbers of recorded exits.
    unknown : label, optional
        The cause that means "reason not known": such an exit adds the sum of all hazards. This is right when whether a
        reason was written down depends on time and covariates only, not on the reason (missing at random).
    vcov : {"model", "robust", "cluster"}, optional
        By default "model"; "robust" with sampling weights; "cluster" when the formula has ``cluster()``. The
        bootstrap: ``exitmodels.bootstrap(model, spells, rng=)``.
    max_steps : int

    Notes
    -----
    A stay T of cause k, seen only because U < T <= V, adds log h_k(T) + log S(T) - log(S(U) - S(V)). All causes enter
    S, so they are estimated together. Days count as points in time; a policy of day D acts on exits of D and later.
    Given the covariates and policies, stays must not depend on the join date in any other way: the printed test of
    quasi-independence looks for a trend and a step. Source: Kalbfleisch & Lawless (1989); Keiding (1990); Moreira & de
    Una-Alvarez (2010); Dinse (1982) for unknown reasons.

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
        formulas = _by_cause(self.formula, causes, "formula")
        hazards, cuts = _by_cause(self.hazard, causes, "hazard"), _by_cause(self.cuts, causes, "cuts")
        rows = usable_rows(spells, formulas)
        _every_cause(rows, causes)
        laws = [law_of(hazard, cut, rows) for hazard, cut in zip(hazards, cuts, strict=True)]
        named = arrange(rows, formulas, laws, self.policy, self.touches, self.common, causes, self.unknown)
        shown = ", ".join(dict.fromkeys(hazards))
        method = f"Cause-specific hazards ({shown}) of exits recorded inside a window, doubly truncated likelihood"
        masked = ("dinse1982",) if self.unknown is not None else ()
        sources = ("kalbfleisch_lawless1989", "keiding1990", "moreira_una_alvarez2010", *masked)
        fit: ExitWindowResults = finish(
            ExitWindowResults, rows, named, causes, self.vcov, self.max_steps, method, sources
        )
        return fit


def _by_cause(given: Any, causes: Sequence[Any], what: str) -> list[Any]:
    """One value for each cause."""
    if not isinstance(given, Mapping):
        return [given] * len(causes)
    absent = [c for c in causes if c not in given]
    unknown = [c for c in given if c not in causes]
    if unknown or (absent and what != "cuts"):
        raise DataError(
            f"{what}= is given for {', '.join(map(str, given))}; the causes are {', '.join(map(str, causes))}.",
            code="causes",
            hint="Give one for each cause.",
        )
    return [given.get(c) for c in causes]


def _only_exits(spells: Spells) -> None:
    for bad, what in (
        (spells.event == 0, "have not ended with an exit, but only exits could be recorded"),
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
