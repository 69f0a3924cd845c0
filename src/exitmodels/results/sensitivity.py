"""Sensitivity of any model's answer to how the records were read: labels, window, dates, duplicates, blanks.

Second floor. Models hold choices and no data, so the same model is fitted to each changed set of spells; this file
knows neither which model it is nor what it estimates.

Read next: sensitivity_changes.py (what is changed), sensitivity_table.py (what comes back).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import ndtri

from exitmodels.arrays import Floats
from exitmodels.errors import ConvergenceWarning, DataError
from exitmodels.results import sensitivity_changes as changes
from exitmodels.results.estimates import check_level
from exitmodels.results.quantity import Quantity, quantity_of
from exitmodels.results.sensitivity_changes import Change
from exitmodels.results.sensitivity_refit import Refit
from exitmodels.results.sensitivity_table import Sensitivity
from exitmodels.shapes.spells import Spells

__all__ = ["sensitivity"]

_REFUSALS = (DataError, ConvergenceWarning, np.linalg.LinAlgError, ArithmeticError, LookupError, ValueError)


def sensitivity(
    model: Any,
    spells: Spells,
    *,
    quantity: Any = None,
    label_noise: Any = None,
    noise_given: str = "written",
    window: Any = None,
    dates: Any = None,
    which_dates: tuple[str, ...] = ("origin", "exit"),
    duplicates: Any = None,
    thresholds: Sequence[float] | None = None,
    unknown: Any = None,
    belongs: Any = None,
    offsets: Sequence[float] = (-2.0, -1.0, 0.0, 1.0, 2.0),
    unknown_by: str | Iterable[str] | None = None,
    variations: Mapping[str, Any] | None = None,
    n_draws: int = 20,
    alpha: float = 0.05,
    rng: np.random.Generator | int | None = 0,
) -> Sensitivity:
    """Refit a model under declared changes of its data, and say how far one number moves.

    Parameters
    ----------
    model : any model with ``fit(spells)``
    spells : Spells
        As the analysis has them; they give the base fit. Changes of labels need all reasons in them, so let the model
        choose its ``event=``.
    quantity : str or function, optional
        What is followed: a coefficient's name; an attribute or plain method of the result, such as "rmst"; a function
        of the result that gives a number, (estimate, low, high), or a table of one row, such as
        ``lambda fit: fit.at(365)``. May be left out when there is one coefficient.
    label_noise : float, list of floats, (g, g) table, or mapping of names to these, optional
        Chance that a label is wrong (every other reason is then as likely), or chances of each true reason (columns)
        given the one written (rows).
    noise_given : {"written", "true"}
        "true": tables have true reasons in rows and written ones in columns, as a study of coders gives; they are
        turned round with the shares in these spells.
    window : int or list of int, optional
        Each edge of the window is moved by so many days, inwards and outwards; limits follow, and rows that fall
        outside are set aside and counted.
    dates : int, list of int, DayError, or mapping of names to day errors, optional
        Dates are off by up to so many days, all as likely, each by itself; or as the law says.
    which_dates : tuple of "origin" and "exit"
    duplicates : mapping of thresholds to spells, or function of a threshold, optional
        The spells under other rules for duplicates; a function needs `thresholds`.
    unknown, belongs : label, optional
        The label of exits without a known reason, and the reason they may belong to more often than others do.
    offsets : sequence of float
        By how much the logit of that chance exceeds the logit of the reason's share among known reasons: 0 is missing
        at random; ``inf`` and ``-inf`` are the bounds.
    unknown_by : str or list of str, optional
        Columns within which that share is taken.
    variations : mapping, optional
        Anything else: ``{name: spells}``, ``{name: function of the spells}`` or ``{name: {level: either}}``.
    n_draws : int
        Draws for each change in which chance has a part.
    alpha : float
    rng : numpy Generator or seed
        All levels use the same random numbers, so curves are smooth, and a level's result does not depend on what
        else was asked.

    Returns
    -------
    Sensitivity
        ``.to_frame()``, ``.plot()`` (a tornado; ``kind="curve"`` for levels that are numbers), ``.tipping()``.

    Raises
    ------
    DataError
        If nothing was asked, the quantity is not one number, or a change cannot be made from these spells.

    Notes
    -----
    A drawn change is an imputation of what the records may truly have said: the estimate is the mean over draws, and
    each limit lies as far from it as the root of (mean squared distance within draws + z^2 (1 + 1/m) variance of the
    estimates between draws), which is Rubin's rule (1987, section 3.1) when limits are symmetric. A refit that fails is
    listed with its reason. Chances of labels do not depend on covariates, except through `unknown_by`.

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.datasets.exits431().spells()
    >>> model = xm.TruncatedCox("married", event="treatment")
    >>> found = xm.sensitivity(model, spells, window=7)
    >>> found.to_frame().set_index(["variation", "level"])["rows"].to_dict()[("first day of the window", "+7 d")]
    427.0
    """
    check_level(alpha)
    asked = _asked(
        spells,
        labels=None if label_noise is None else (label_noise, noise_given),
        window=window,
        dates=None if dates is None else (dates, tuple(which_dates)),
        duplicates=None if duplicates is None else (duplicates, thresholds),
        unknown=None if unknown is None else (unknown, belongs, offsets, unknown_by),
        variations=variations,
    )
    drawn = any(change.drawn for change in asked)
    if drawn and n_draws < 2:
        raise DataError(f"n_draws={n_draws} shows no spread.", code="n-draws", hint="Give two or more; 20 is usual.")
    fit = model.fit(spells)
    name, read = quantity_of(fit, quantity, alpha)
    base = read(fit)
    seeds = np.random.default_rng(rng).integers(0, 2**63 - 1, size=n_draws)
    refits = tuple(_refit(model, spells, read, change, seeds if change.drawn else seeds[:1], alpha) for change in asked)
    lost = [r for r in refits if r.failed]
    notes = tuple(f"{r.title}: {r.failed} of {r.draws} refits failed ({r.why})" for r in lost)
    return Sensitivity(
        quantity=name,
        base=base,
        base_rows=_rows(fit, spells),
        refits=refits,
        alpha=alpha,
        method=f"Sensitivity of {name} in {type(model).__name__}" + (f", {n_draws} draws" if drawn else ""),
        sources=("rubin1987",) if drawn else (),
        ledger=spells.ledger,
        warnings=notes,
    )


def _asked(spells: Spells, **given: Any) -> list[Change]:
    found: list[Change] = []
    if given["labels"] is not None:
        found += changes.of_labels(spells, *given["labels"])
    if given["window"] is not None:
        found += changes.of_window(spells, given["window"])
    if given["dates"] is not None:
        found += changes.of_dates(spells, *given["dates"])
    if given["duplicates"] is not None:
        found += changes.of_duplicates(*given["duplicates"])
    if given["unknown"] is not None:
        found += changes.of_unknown(spells, *given["unknown"])
    if given["variations"] is not None:
        found += changes.of_variations(spells, given["variations"])
    if not found:
        raise DataError(
            "No change was declared.",
            code="no-change",
            hint="Give label_noise=, window=, dates=, duplicates=, unknown= or variations=.",
        )
    return found


def _rows(fit: Any, spells: Spells) -> float:
    return float(getattr(fit, "nobs", spells.n))


def _refit(model: Any, spells: Spells, read: Quantity, change: Change, seeds: Floats, alpha: float) -> Refit:
    """All draws of one change, pooled."""
    numbers, rows, aside, whys = [], [], [], []
    for seed in seeds:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                warnings.simplefilter("error", ConvergenceWarning)
                changed = change.make(np.random.default_rng(seed))
                fit = model.fit(changed)
                found = read(fit)
            if np.isnan(found[0]):
                raise DataError("The quantity is not defined (NaN).", code="quantity")
        except _REFUSALS as problem:
            whys.append(str(problem) or type(problem).__name__)
            continue
        numbers.append(found)
        rows.append(_rows(fit, changed))
        aside.append(changed.ledger.n_set_aside - spells.ledger.n_set_aside)
    pooled, spread = _pooled(np.array(numbers).reshape(-1, 3), alpha)
    return Refit(
        variation=change.variation,
        level=change.level,
        value=change.value,
        estimate=float(pooled[0]),
        low=float(pooled[1]),
        high=float(pooled[2]),
        spread=spread,
        rows=float(np.mean(rows)) if rows else float("nan"),
        set_aside=float(np.mean(aside)) if aside else float("nan"),
        draws=len(seeds),
        failed=len(whys),
        why=whys[0] if whys else "",
    )


def _pooled(numbers: Floats, alpha: float) -> tuple[Floats, float]:
    """Mean, limits and spread of the draws; see the notes of `sensitivity`."""
    m = len(numbers)
    if m == 0:
        return np.full(3, np.nan), float("nan")
    if m == 1:
        return numbers[0], float("nan")
    middle = numbers[:, 0].mean()
    between = float(numbers[:, 0].var(ddof=1))
    extra = float(ndtri(1 - alpha / 2)) ** 2 * (1 + 1 / m) * between
    arms = np.sqrt(((numbers[:, 1:] - numbers[:, :1]) ** 2).mean(axis=0) + extra)
    return np.array([middle, middle - arms[0], middle + arms[1]]), float(np.sqrt(between))
