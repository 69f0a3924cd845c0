"""Differences between the curves of groups: restricted means, time lost, and values at fixed times.

Third floor. Use these when the size of a difference matters, or when hazards are not proportional; each is a number
in the unit of time or of probability.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels import jackknife
from exitmodels.kernels.jackknife import Form, Rows
from exitmodels.models.nonparametric.aalen_johansen import AalenJohansen
from exitmodels.models.nonparametric.kaplan_meier import KaplanMeier
from exitmodels.models.nonparametric.observed import Group, groups
from exitmodels.render.axes import UNIT_NAMES
from exitmodels.render.text import number
from exitmodels.results.contrasts import Contrasts
from exitmodels.results.curve import Curve
from exitmodels.shapes.spells import Spells

__all__ = ["fixed_time_difference", "rmst_difference"]


def rmst_difference(
    spells: Spells,
    by: str | Sequence[str],
    tau: float | None = None,
    *,
    event: Any = None,
    kind: str = "survival",
    reference: str | int = 0,
    variance: str | None = None,
) -> Contrasts:
    """Compare the mean stay of groups up to a horizon, or the mean time lost to each cause.

    Parameters
    ----------
    spells : Spells
    by : str or list of str
        Columns whose values (crossed) make the groups.
    tau : float, optional
        Horizon, in the unit of the spells; by default the largest time that every group has reached. Choose it by
        the question.
    event : label, list of labels or "any", optional
        Which exits end a stay (kind="survival"; needed with several causes), or the causes to report
        (kind="time-lost"; all by default).
    kind : {"survival", "time-lost"}
        The area under the Kaplan-Meier curve, or under the incidence of each cause: the time up to tau that people
        are on average already gone for that cause.
    reference : str or int
        Label or number of the group that others are compared with.
    variance : str, optional
        As in `KaplanMeier` or `AalenJohansen`. With "cluster" the groups may share clusters: their covariance is
        counted.

    Returns
    -------
    Contrasts
        Scales "difference", "ratio" and, for survival, "lost-ratio" (ratio of tau less the mean).

    Raises
    ------
    SchemeError
        If only exits inside a window were recorded.
    DataError
        For one group, or a tau beyond what a group has reached.

    Notes
    -----
    Needs no proportional hazards. Limits of ratios are symmetric on the log scale.
    Source: Royston & Parmar (2013); Uno et al. (2014); time lost by cause: Andersen (2013).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[2, 4, 6, 8, 3, 7, 9, 9], event=[1, 1, 1, 1, 1, 1, 0, 0],
    ...                    covariates={"unit": list("aaaabbbb")})
    >>> xm.rmst_difference(spells, by="unit", tau=8).estimates().estimate.tolist()
    [5.0, 6.5]
    """
    curve = _curve(spells, "rmst_difference", by, event, kind, ("survival", "time-lost"), variance)
    found = curve.rmst(tau)
    horizon = float(found.tau[0])

    def influence(rows: Rows, form: Form, _: float) -> Floats:
        return jackknife.area_influence(rows, form, horizon)

    places, estimate, covariance = _arranged(curve, [found], spells, by, event, influence, [horizon])
    lost = kind == "time-lost"
    upto = f"{number(horizon)} {UNIT_NAMES.get(curve.unit, curve.unit)}"
    return _contrasts(
        curve,
        places,
        estimate,
        covariance,
        quantity=f"Mean time lost up to {upto}" if lost else f"Restricted mean stay up to {upto}",
        scales=("difference", "ratio") if lost else ("difference", "ratio", "lost-ratio"),
        reference=reference,
        top=horizon,
        limits="plain",
        sources=("andersen2013",) if lost else ("royston_parmar2013", "uno2014"),
    )


def fixed_time_difference(
    spells: Spells,
    by: str | Sequence[str],
    times: float | Sequence[float],
    *,
    event: Any = None,
    kind: str = "survival",
    reference: str | int = 0,
    variance: str | None = None,
) -> Contrasts:
    """Compare survival, or the incidence of each cause, at times chosen beforehand.

    Parameters
    ----------
    spells, by, event, reference, variance
        As in `rmst_difference`.
    times : float or sequence of float
    kind : {"survival", "incidence"}

    Returns
    -------
    Contrasts
        Scales "difference", "ratio", "log-log" (survival) or "cloglog" (incidence), "odds-ratio", "arcsine".
        ``tests(scale)`` compares all groups at each time.

    Raises
    ------
    SchemeError
        If only exits inside a window were recorded.
    DataError
        For one group, or a time at which the curve of a group is not known.

    Notes
    -----
    Each time is tested by itself. In small samples the test on the "log-log" (or "cloglog") scale keeps its level
    best; the plain difference rejects too often. A group whose estimate is 0 or 1 has no value on the log scales.
    Source: Klein, Logan, Harhoff & Andersen (2007).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[2, 4, 6, 8, 3, 7, 9, 9], event=[1, 1, 1, 1, 1, 1, 0, 0],
    ...                    covariates={"unit": list("aaaabbbb")})
    >>> found = xm.fixed_time_difference(spells, by="unit", times=5)
    >>> found.contrasts()[["estimate", "se"]].round(4).values.tolist()
    [[0.25, 0.3307]]
    """
    curve = _curve(spells, "fixed_time_difference", by, event, kind, ("survival", "incidence"), variance)
    asked = [float(t) for t in np.atleast_1d(np.asarray(times, dtype=float))]
    found = []
    for t in asked:
        at = curve.at(t)
        unknown = at.group[at.estimate.isna()].tolist()
        if unknown:
            raise DataError(
                f"The curve of {unknown[0]} is not known at {number(t)}.",
                code="horizon",
                hint="Choose a time that every group has reached.",
            )
        found.append(at)
    places, estimate, covariance = _arranged(curve, found, spells, by, event, jackknife.influence_at, asked)
    places = [
        {"time": t, **place} for place, t in zip(places, np.repeat(asked, len(places) // len(asked)), strict=True)
    ]
    survival = kind == "survival"
    return _contrasts(
        curve,
        places,
        estimate,
        covariance,
        quantity="Survival" if survival else "Cumulative incidence",
        scales=("difference", "ratio", "log-log" if survival else "cloglog", "odds-ratio", "arcsine"),
        reference=reference,
        top=1.0,
        limits=curve.transform,
        sources=("klein2007",),
    )


def _curve(
    spells: Spells, name: str, by: Any, event: Any, kind: str, kinds: tuple[str, str], variance: str | None
) -> Curve:
    """The curves of the groups, one piece for each group (and cause)."""
    spells.require_scheme(name)
    if kind not in kinds:
        raise DataError(f"kind={kind!r} is not known.", code="kind", hint=f"One of {', '.join(kinds)}.")
    if kind == "survival":
        curve = KaplanMeier(by=by, event=event, variance=variance).fit(spells)
    else:
        causes = None if event is None else list(event) if isinstance(event, (list, tuple, set)) else [event]
        curve = AalenJohansen(by=by, causes=causes, variance=variance).fit(spells)
    if len(_groups_of(curve)) < 2:
        raise DataError("There is one group only.", code="one-group", hint="Name a column with two or more values.")
    return curve


def _groups_of(curve: Curve) -> list[str]:
    names = [", ".join(f"{k}={v}" for k, v in piece.keys.items() if k != "cause") for piece in curve]
    return list(dict.fromkeys(names))


def _arranged(
    curve: Curve,
    found: list[Any],
    spells: Spells,
    by: Any,
    event: Any,
    influence: Callable[[Rows, Form, float], Floats],
    asked: list[float],
) -> tuple[list[dict[str, Any]], Floats, Floats]:
    """Places, estimates (m, k) and covariances (m, k, k): a place for each reading and cause."""
    causes = list(dict.fromkeys(piece.keys.get("cause") for piece in curve))
    k, c = len(_groups_of(curve)), len(causes)
    places = [{} if cause is None else {"cause": cause} for _ in found for cause in causes]
    values = np.stack([frame["estimate"].to_numpy(dtype=float).reshape(k, c).T for frame in found]).reshape(-1, k)
    if curve.variance == "cluster":
        return places, values, _clustered(curve, causes, spells, by, event, influence, asked)
    se = np.stack([frame["se"].to_numpy(dtype=float).reshape(k, c).T for frame in found]).reshape(-1, k)
    return places, values, np.einsum("mk,kl->mkl", se**2, np.eye(k))


def _clustered(
    curve: Curve,
    causes: list[Any],
    spells: Spells,
    by: Any,
    event: Any,
    influence: Callable[[Rows, Form, float], Floats],
    asked: list[float],
) -> Floats:
    """Sums of influence by cluster, over all groups, so that groups with members of one cluster are correlated."""
    survival = causes == [None]
    rows = (spells.for_cause(event) if survival else spells).complete(by)
    assert rows.cluster is not None
    n_clusters = int(rows.cluster.max()) + 1
    made = list(groups(rows, by, True))
    sums = np.zeros((len(asked) * len(causes), len(made), n_clusters))
    for g, group in enumerate(made):
        own = group.rows()
        members = slice(None) if group.members is None else group.members
        for j, cause in enumerate(causes):
            form = _form(group, own, cause)
            for t, time in enumerate(asked):
                part = influence(own, form, time)
                sums[t * len(causes) + j, g] = np.bincount(rows.cluster[members], part, n_clusters)
    return np.einsum("mgc,mhc->mgh", sums, sums)


def _form(group: Group, rows: Rows, cause: Any) -> Form:
    if cause is None:
        return jackknife.survival_form(rows)
    causes = group.spells.causes
    return jackknife.incidence_form(rows, len(causes), causes.index(cause) + 1)


def _contrasts(
    curve: Curve,
    places: list[dict[str, Any]],
    estimate: Floats,
    covariance: Floats,
    *,
    reference: str | int,
    sources: tuple[str, ...],
    **more: Any,
) -> Contrasts:
    names = _groups_of(curve)
    if isinstance(reference, str) and reference not in names:
        raise DataError(f"There is no group {reference!r}.", code="group", hint=f"There are: {'; '.join(names)}.")
    place = names.index(reference) if isinstance(reference, str) else int(reference)
    if not 0 <= place < len(names):
        raise DataError(f"There is no group number {place}.", code="group", hint=f"0 to {len(names) - 1}.")
    return Contrasts(
        places=tuple(places),
        groups=tuple(names),
        estimate=estimate,
        covariance=covariance,
        reference=place,
        variance=curve.variance,
        unit=curve.unit,
        method=curve.method,
        sources=(*sources, *curve.sources),
        ledger=curve.ledger,
        warnings=curve.warnings,
        **more,
    )
