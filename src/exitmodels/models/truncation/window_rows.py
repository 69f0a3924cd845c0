"""From spells to the rows of a truncated likelihood: limits, policies on each row's own clock, and names.

Third floor, in the room of truncation. Read next: window_laws.py (baselines by name), window_fit.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.errors import DataError, FormulaError, IdentificationError
from exitmodels.kernels.hazardlaws import Law
from exitmodels.kernels.linalg import dependencies
from exitmodels.kernels.windowhazards import WindowData
from exitmodels.models.truncation.window_names import combined, full_names, proportional_to_first
from exitmodels.shapes.dates import day_number, iso
from exitmodels.shapes.design import Design
from exitmodels.shapes.fitting import usable
from exitmodels.shapes.spells import Spells
from exitmodels.shapes.splitting import calendar_cuts

__all__ = ["Named", "arrange", "policy_clocks", "usable_rows"]


@dataclass(frozen=True, eq=False)
class Named:
    """Rows for the likelihood, the names of the free parameters, and what is needed to code new rows.

    Attributes
    ----------
    names : tuple of str
    effects : (q,) bool
        Which free parameters are effects of covariates or policies.
    stretches : (q,) bool
        Which of these stretch the clock instead of multiplying a hazard.
    recode : (q, q)
        From the parameters of the centred columns to those of the columns as given.
    metric : (q, q)
        The squared length of a change d is d' metric d; a length of 1 matters: see `Law.scales`.
    """

    data: WindowData
    names: tuple[str, ...]
    effects: Bools
    stretches: Bools
    recode: Floats
    metric: Floats
    designs: tuple[Design, ...]
    policies: tuple[str, ...]
    cluster: Ints | None


def usable_rows(spells: Spells, formulas: Sequence[str]) -> Spells:
    """Set aside rows of weight zero and, when the data were read so, incomplete ones."""
    rows = spells
    for formula in dict.fromkeys(formulas):
        rows = usable(rows, formula)
    if rows.left_limit is not None:
        ties = int(np.count_nonzero(rows.exit == rows.left_limit))
        if ties:
            rows = rows._with(ledger=rows.ledger.note("exits fall on their left limit itself, and are kept", ties))
    if rows.stratum is not None:
        raise DataError(
            "Strata have no place in a parametric hazard.", code="stratum", hint="Fit each apart, or use a covariate."
        )
    return rows


def policy_clocks(policy: Any, rows: Spells) -> tuple[tuple[str, ...], Floats]:
    """Names of the policies and, on each row's own clock, the time after which each acts (m, n)."""
    named = _named_policies(policy, rows)
    clocks = [_clock(name, value, rows) for name, value in named.items()]
    if not clocks:
        return (), np.empty((0, len(rows)))
    changes = np.stack(clocks)
    order = np.argsort(changes[:, 0], kind="stable")
    changes = changes[order]
    if np.any(np.diff(changes, axis=0) < 0):
        raise DataError(
            "The policies do not begin in the same order for every row.",
            code="policy-order",
            hint="Name columns whose times rise in one order in all rows.",
        )
    return tuple(list(named)[i] for i in order), changes


def _named_policies(policy: Any, rows: Spells) -> dict[str, Any]:
    if policy is None:
        return {}
    if isinstance(policy, Mapping):
        return {str(name): value for name, value in policy.items()}
    if isinstance(policy, (list, tuple)):
        return {f"from {value}": value for value in policy}
    return {"policy": policy}


def _clock(name: str, value: Any, rows: Spells) -> Floats:
    if isinstance(value, str) and value in rows.columns:
        column = rows.columns.want(value)
        times = np.asarray(column.values, dtype=np.float64) if column.kind == "number" else np.full(len(rows), np.nan)
        if column.missing is not None or np.isnan(times).any():
            raise DataError(
                "It must hold numbers: the time on each row's own clock after which the policy acts.",
                column=value,
                code="policy",
                hint="Infinite for rows it never reaches; or give the date of the policy.",
            )
    else:
        cuts, shift = calendar_cuts(rows, [value])
        times = np.asarray(cuts[0] - shift, dtype=np.float64)
    under = rows.exit[rows.event > 0] > times[rows.event > 0]
    if not under.any() or under.all():
        where = "after the policy began" if not under.any() else "before the policy began"
        raise IdentificationError(
            f"No exit was recorded {where} ({name}: {_shown(value)}), so these records cannot show what it changed.",
            code="policy",
            hint="Use a date with exits on both sides.",
        )
    return times


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else iso(day_number(value))


def arrange(
    rows: Spells,
    formulas: Sequence[str],
    laws: Sequence[Law],
    policy: Any,
    touches: Mapping[str, Sequence[Any]] | None,
    common: Sequence[str],
    causes: Sequence[Any],
    unknown: Any = None,
    proportional: bool = False,
) -> Named:
    """Put everything in place.

    Parameters
    ----------
    formulas, laws, causes : one per cause
    touches : mapping of policy name to causes, optional
        All causes where it is silent.
    common : sequence of str
        Effects that have one value for all causes that have them.
    unknown : label, optional
        The cause that stands for "not known".
    proportional : bool
        Whether the baselines of all causes are that of the first, each times a constant.
    """
    policies, changes = policy_clocks(policy, rows)
    acting = _touches(policies, touches, causes)
    made = {f: Design.of(f, rows.columns, labels=rows.labels) for f in dict.fromkeys(formulas)}
    designs = tuple(made[f] for f in formulas)
    centred = {f: _centred(design, rows) for f, design in made.items()}
    offset = _one_offset(designs)
    begin, end, upper, close = limits(rows)
    cause = _codes(rows, causes, unknown)
    own = [centred[f] for f in formulas]
    full = full_names(rows, designs, own, laws, policies, acting, causes)
    names, combine = combined(full, common, causes)
    if proportional:
        names, combine = proportional_to_first(names, combine, laws, full, causes)
    share = np.abs(combine) / np.abs(combine).sum(axis=0)
    data = WindowData(
        begin=begin,
        end=end,
        upper=upper,
        close=close,
        cause=cause,
        weight=rows.row_weight,
        offset=np.zeros(len(rows)) if offset is None else offset,
        matrices=tuple(centred[f][0] for f in formulas),
        laws=tuple(laws),
        changes=changes,
        touches=acting,
        combine=combine,
    )
    clusters = [d.cluster for d in designs if d.cluster is not None]
    return Named(
        data=data,
        names=names,
        effects=share.T @ full.effect > 0,
        stretches=share.T @ full.stretch > 0,
        recode=np.linalg.pinv(combine) @ full.shift @ combine,
        metric=(full.scales @ combine).T @ (full.scales @ combine),
        designs=designs,
        policies=policies,
        cluster=clusters[0] if clusters else None,
    )


def limits(rows: Spells) -> tuple[Floats, Floats, Floats | None, Floats]:
    """Begin, end, upper and close of each row; rows that could not have been seen are refused.

    An exit on its left limit itself is kept: days are points here, so it does not matter which side the limit is on.
    """
    n = len(rows)
    begin = np.asarray(rows.entry, dtype=np.float64)
    if rows.left_limit is not None:
        begin = np.maximum(begin, rows.left_limit)
    close = np.full(n, np.inf) if rows.right_limit is None else np.asarray(rows.right_limit, dtype=np.float64)
    end, upper = np.asarray(rows.exit, dtype=np.float64), None
    if rows.lower is not None or rows.upper is not None:
        low = begin if rows.lower is None else np.maximum(begin, rows.lower)
        high = np.full(n, np.inf) if rows.upper is None else np.asarray(rows.upper, dtype=np.float64)
        left = rows.event > 0
        end, upper = np.where(left, low, np.maximum(low, end)), np.where(left, high, np.inf)
    last = end if upper is None else np.where(rows.event > 0, np.maximum(end, upper), end)
    bad = np.flatnonzero((end < begin) | (last <= 0) | (last > close))
    if bad.size:
        raise DataError(
            f"{bad.size} rows end outside the limits between which they could have been seen, left and right.",
            rows=rows.labels[bad],
            code="outside-limits",
            hint="Correct the dates or the window, or set these rows aside.",
        )
    return begin, end, upper, close


def _codes(rows: Spells, causes: Sequence[Any], unknown: Any) -> Ints:
    table = np.zeros(len(rows.causes) + 1, dtype=np.int64)
    for code, cause in enumerate(rows.causes, start=1):
        table[code] = -1 if unknown is not None and cause == unknown else list(causes).index(cause) + 1
    return table[rows.event]


def _centred(design: Design, rows: Spells) -> tuple[Floats, Floats, Floats]:
    """Centred columns, their centres and spreads; strata, constant and dependent columns are refused."""
    if design.strata is not None:
        raise FormulaError("Strata have no place in a parametric hazard.", code="formula", hint="Fit each apart.")
    weight = rows.row_weight
    centre = weight @ design.matrix / weight.sum()
    matrix = design.matrix - centre
    gram = matrix.T @ (matrix * weight[:, None]) / weight.sum()
    spread = np.sqrt(np.diag(gram))
    flat = np.flatnonzero(spread <= 1e-12 * np.maximum(np.abs(centre), 1e-300))
    bad = [int(j) for j in flat] or [d.column for d in dependencies(gram)]
    if bad:
        raise DataError(
            "It is constant, or follows from the columns before it.",
            column=design.names[bad[0]],
            code="collinear",
            hint="Take it out of the formula.",
        )
    return matrix, centre, spread


def _one_offset(designs: Sequence[Design]) -> Floats | None:
    texts = {design.formula.offset for design in designs}
    if len(texts) > 1:
        raise FormulaError("The offset differs between causes.", code="formula", hint="Give all causes the same one.")
    return designs[0].offset


def _touches(policies: Sequence[str], touches: Any, causes: Sequence[Any]) -> Bools:
    out = np.ones((len(causes), len(policies)), dtype=bool)
    for name, reached in (touches or {}).items():
        absent = [c for c in reached if c not in causes]
        if name not in policies or absent or not reached:
            raise DataError(
                f"touches={touches!r} names {name!r}: {list(reached)!r}.",
                code="touches",
                hint=f"Policies: {', '.join(policies) or 'none'}. Causes: {', '.join(map(str, causes))}.",
            )
        out[:, list(policies).index(name)] = [c in reached for c in causes]
    return out
