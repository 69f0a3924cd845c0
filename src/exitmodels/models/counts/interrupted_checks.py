"""Second opinions on an interrupted series: placebo dates, other windows, other delays.

Third floor. Small fits run together in one kernel (kernels/batchglm.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from exitmodels.arrays import Bools, Floats
from exitmodels.errors import DataError, IdentificationError
from exitmodels.kernels.batchglm import ManyFits, fit_many
from exitmodels.models.counts.interrupted_fit import Columns
from exitmodels.models.counts.interrupted_variances import effect_place
from exitmodels.models.counts.profiled import EffectProfile
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.shapes.dates import iso

if TYPE_CHECKING:
    from exitmodels.models.counts.interrupted_results import InterruptedResults

__all__ = ["placebo", "profile", "sensitivity"]

_ONLY_COUNTS = "Poisson, quasi-Poisson and negative binomial families"


def _counts_only(fit: InterruptedResults, what: str) -> None:
    if fit.family.startswith("lognormal"):
        raise DataError(f"{what} is for the {_ONLY_COUNTS}.", code="family", hint='Fit family="poisson".')


# ---- placebo dates -------------------------------------------------------------------------------------------------
def placebo(fit: InterruptedResults, where: str, date: Any) -> HypothesisTest:
    """Rank the effect at its date among the effects at all other dates.

    Parameters
    ----------
    where : {"all", "before"}
        "all": the date is moved through the whole series, to the first day of every period that leaves enough on both
        sides. "before": placebo dates in the periods before the date only, where the true effect cannot reach.
    date : optional
        Which of several dates to move; the others stay.

    Returns
    -------
    HypothesisTest
        `statistic` is F, the drop of the deviance that the effect brings, over its columns and over the dispersion
        (at least one); `pvalue` is the share of dates whose F is as large, the true one among them. `to_frame()` lists
        all dates with F and the first effect's estimate.

    Notes
    -----
    Exact if, without an effect, every date is as likely as any other to have the largest F: a date chosen without
    looking at the records, in a series that is stationary around its baseline. It cannot be smaller than one over the
    number of dates. Source: randomisation inference, Fisher (1935); placebo dates, Abadie, Diamond and Hainmueller
    (2010).
    """
    _counts_only(fit, "placebo()")
    if where not in ("all", "before"):
        raise DataError(f"where={where!r} is not known.", code="where", hint='Use "all" or "before".')
    data = fit._data("A placebo test")
    number = 0 if date is None else fit.dates.index(str(date))
    dates, rows = _candidates(fit, number, where)
    if len(dates) < 3:
        raise IdentificationError(
            f"Only {len(dates)} other dates leave enough periods on both sides; a rank among so few says nothing.",
            code="few-dates",
            hint="Count in finer periods.",
        )
    found = data.fit
    assert found is not None
    gone = [j for j, name in enumerate(fit.names) if fit.effects.get(name, -1) == number]
    moved = _moved(fit, number, dates)[:, rows]
    f, coefficient = _drop(moved, data.columns, rows, gone, found.alpha)
    all_rows = np.ones(len(data.columns.y), dtype=bool)
    true_f, true_coefficient = _drop(data.columns.matrix[None], data.columns, all_rows, gone, found.alpha)
    as_large = int(np.sum(f >= true_f[0] * (1 - 1e-9)))
    side = "in the whole series" if where == "all" else f"before {fit.dates[number]}"
    note = () if where == "all" else ("placebo fits rest on fewer periods than the true one",)
    return HypothesisTest(
        statistic=float(true_f[0]),
        df=float("nan"),
        pvalue=(1 + as_large) / (1 + len(dates)),
        method=f"Effect at {fit.dates[number]} among {len(dates)} placebo dates {side}",
        distribution="rank among dates",
        labels=(fit.dates[number], *(iso(day) for day in dates)),
        detail={"F": np.append(true_f, f), "estimate": np.append(true_coefficient, coefficient)},
        sources=("abadie2010",),
        ledger=fit.ledger,
        warnings=note,
    )


def _candidates(fit: InterruptedResults, number: int, where: str) -> tuple[list[int], Bools]:
    """First days of periods that leave enough on both sides, without the true date; and the rows to use."""
    data = fit._data("A placebo test")
    model, cells = data.model, fit.cells
    starts = cells.start.astype("datetime64[D]").astype(np.int64)
    days = [int(np.datetime64(d, "D").astype(np.int64)) for d in fit.dates]
    others = [day for i, day in enumerate(days) if i != number]
    first, last = ([-np.inf, *days, np.inf][number + i] for i in (0, 2))
    inside = np.ones(len(starts), dtype=bool) if where == "all" else cells.since <= 0
    before, after = model.min_periods
    after += len(fit.effects) // len(days) - 1 + int(np.ceil(model.delay))
    own = np.flatnonzero(inside)[before : max(int(inside.sum()) - after + 1, before)]
    own_date = int(np.argmax(cells.since > 0))
    good = [
        int(starts[i])
        for i in own
        if i != own_date
        and first < starts[i] < last
        and all(abs(int(np.searchsorted(starts, day)) - i) >= after for day in others)
    ]
    rows = np.concatenate([inside, inside]) if len(data.columns.y) > len(starts) else inside
    return good, rows


def _moved(fit: InterruptedResults, number: int, dates: Sequence[int]) -> Floats:
    """The matrix with one date moved to each of several (c, n, p)."""
    data = fit._data("A placebo test")
    days = [int(np.datetime64(d, "D").astype(np.int64)) for d in fit.dates]
    moved: Floats = data.model.rebuilt(fit, [[*days[:number], day, *days[number + 1 :]] for day in dates])
    return moved


def _drop(matrix: Floats, columns: Columns, rows: Bools, gone: Sequence[int], alpha: float) -> tuple[Floats, Floats]:
    """F of the effect columns, and the first one's coefficient, for each matrix (c, n, p)."""
    y, offset = columns.y[rows], columns.offset[rows]
    keep = [j for j in range(matrix.shape[2]) if j not in gone and np.any(matrix[:, :, j] != 0)]
    whole = matrix[:, :, [*keep, *gone]]
    size = np.abs(whole).max(axis=(0, 1))
    full = fit_many(y, whole / size, offset, alpha)
    base = fit_many(y, whole[:, :, : len(keep)] / size[: len(keep)], offset, alpha)
    df = len(y) - whole.shape[2]
    dispersion = np.maximum(full.pearson / df, 1.0)
    f = (base.deviance - full.deviance) / len(gone) / dispersion
    return np.maximum(f, 0.0), full.beta[:, len(keep)] / size[len(keep)]


# ---- windows -------------------------------------------------------------------------------------------------------
def sensitivity(
    fit: InterruptedResults, donut: Sequence[int], window: Sequence[int | None], coef: str | None, alpha: float
) -> Any:
    """Refit without the periods nearest to the date, and with none beyond so many periods from it.

    Parameters
    ----------
    donut : sequence of int
        Periods set aside on each side of each date (people who hurried, or waited for the rule to settle).
    window : sequence of int or None
        Periods kept on each side of the dates; None keeps all.
    coef : str, optional
        By default the first effect.

    Returns
    -------
    DataFrame
        One row per combination: periods, estimate, ratio and its limits, or why the records cannot show it.
    """
    import pandas as pd

    place, data = effect_place(fit, coef), fit._data("A sensitivity check")
    rows = []
    for d in donut:
        for w in window:
            head = {"donut": d, "window": "all" if w is None else str(w)}
            try:
                other = data.model.fit_rows(data.counts, data.control, _near(fit, d, w))
            except DataError as refusal:
                rows.append({**head, "note": str(refusal).split(". ")[0]})
                continue
            low, high = other.conf_int(alpha).to_numpy()[place]
            ratio = dict(zip(("ratio", "low", "high"), np.exp([other.estimate[place], low, high]), strict=True))
            rows.append({**head, "periods": other.nobs, "estimate": other.estimate[place], **ratio, "note": ""})
    columns = ["donut", "window", "periods", "estimate", "ratio", "low", "high", "note"]
    return pd.DataFrame(rows, columns=columns).drop_duplicates(["donut", "periods", "note"], ignore_index=True)


def _near(fit: InterruptedResults, donut: int, window: int | None) -> Bools:
    series, timeline, days = fit._data("").model.calendar(fit._data("").counts)
    keep = np.ones(len(series), dtype=bool)
    since = [timeline.since(day) for day in days]
    for k in since:
        keep &= ~((k > -donut) & (k <= donut)) if donut else keep
    if window is not None:
        keep &= (since[0] > -window) & (since[-1] <= window)
    return keep


# ---- delays --------------------------------------------------------------------------------------------------------
def profile(fit: InterruptedResults, grid: Mapping[str, Sequence[float]]) -> EffectProfile:
    """Fit the effect at each delay, length or rate, all at once.

    Returns
    -------
    EffectProfile
        Deviances, coefficients, and the values that the series does not rule out.

    Notes
    -----
    A value stays in the 95 % set while its deviance is above the least by no more than (h / s)^2, where h is the
    half-width of the chosen limits for the first effect and s its error under the family alone: the rule by which those
    limits themselves are cut. With vcov="quasi" this is the dispersion times the quantile of F.
    Source: profile deviance, McCullagh and Nelder (1989), section 11.4; Box and Tiao (1975).
    """
    _counts_only(fit, "profile()")
    if len(grid) != 1 or next(iter(grid)) not in ("delay", "length", "rate"):
        raise DataError(
            f"profile() takes one of delay=, length= or rate=; found {', '.join(grid) or 'none'}.",
            code="profile",
            hint="For example fit.profile(delay=range(7)).",
        )
    (parameter, given), data = next(iter(grid.items())), fit._data("A profile")
    values = np.asarray(list(given), dtype=np.float64)
    found = data.fit
    assert found is not None
    models = [replace(data.model, **{parameter: float(v)}) for v in values]
    for model in models:
        model.refuse(data.counts)
    matrices = np.concatenate([model.rebuilt(fit, [None]) for model in models])
    first = effect_place(fit, None)
    size = np.abs(matrices).max(axis=(0, 1))
    many: ManyFits = fit_many(data.columns.y, matrices / size, data.columns.offset, found.alpha)
    best = int(np.argmin(many.deviance))
    half = (
        replace(data.model, **{parameter: float(values[best])})
        .fit(data.counts, data.control)
        ._half_widths(np.eye(len(fit.names))[[first]], 0.05)
    )
    error = np.sqrt(many.bread[:, first, first]) / size[first]
    return EffectProfile(
        parameter=parameter,
        value=values,
        deviance=many.deviance,
        coefficient=many.beta[:, first] / size[first],
        se=error,
        cut=float(half[0] / error[best]) ** 2,
        vcov=fit.vcov,
        method=f"Profile of the {parameter}: {data.model.effect} at {', '.join(fit.dates)}",
        sources=("box_tiao1975", "mccullagh_nelder1989"),
    )
