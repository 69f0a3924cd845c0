"""What is the silence worth? The likelihood ratio of an omission, and how it hangs on the base rate.

Third floor, in the room of hazards. If something is held back on purpose it is missing for certain (or with chance d);
if nothing is held back it is missing with chance 1 - p, where p is how often such items appear. So one omission has
a likelihood ratio of d / (1 - p): next to nothing while p is small.

Read next: omission_results.py (what comes back), discrete_cure.py (p from lags), reprint.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import betaincinv, betaln

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.models.hazards.omission_results import OmissionEvidence, chance_missing, omission_ratio
from exitmodels.render.text import number
from exitmodels.results.estimates import check_level
from exitmodels.shapes.ledger import Ledger

__all__ = ["evidence_from_draws", "omission_evidence"]

_GRID = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
_NODES = 2000


def omission_evidence(
    base_rate: float | None = None,
    *,
    appeared: float | None = None,
    of: float | None = None,
    items: int = 1,
    deliberate: float = 1.0,
    correlation: float = 0.0,
    prior: tuple[float, float] = (0.5, 0.5),
    wanted: float = 20.0,
    grid: Sequence[float] = _GRID,
    alpha: float = 0.05,
) -> OmissionEvidence:
    """What it is worth that an item did not appear.

    Parameters
    ----------
    base_rate : float, optional
        Chance that such an item appears when nothing is held back, taken as known.
    appeared, of : float, optional
        Or how many of how many comparable items appeared: then the base rate is uncertain, and the ordinary chance of
        the omission is averaged over its posterior.
    items : int
        Items that were looked for and are missing.
    deliberate : float
        Chance that all of them are missing if they are held back on purpose.
    correlation : float
        Correlation of items within the same circumstances (intraclass; beta-binomial): 0 independent, 1 they stand or
        fall together.
    prior : (a, b)
        Beta prior of the base rate; Jeffreys' (1/2, 1/2) by default, (1, 1) is uniform.
    wanted : float
        Ratio to reach, for "what would it take".
    grid : sequence of float
        Base rates of the table.
    alpha : float

    Returns
    -------
    OmissionEvidence

    Raises
    ------
    DataError
        When neither or both of a base rate and counts are given, or a number is no chance or count.

    Notes
    -----
    Ratio: deliberate / (1 - p)^items. With a shared uncertain p the ordinary chance is
    B(a', b' + items) / B(a', b'), a' = a + appeared, b' = b + of - appeared: items then hang together through p, and
    the Bayes factor is smaller than the ratio at the posterior mean. Source: Good (1950) on weights of evidence; Kass &
    Raftery (1995).

    Examples
    --------
    >>> found = omission_evidence(0.1)
    >>> round(found.ratio, 3), round(found.needed, 2), found.items_needed
    (1.111, 0.95, 29.0)
    >>> round(omission_evidence(appeared=3, of=30).averaged, 3)
    1.127
    """
    check_level(alpha)
    _check(base_rate, appeared, of, items, deliberate, correlation, prior, wanted, grid)
    notes = _dependence(items, correlation)
    if base_rate is not None:
        p, q = float(base_rate), float(chance_missing(np.array(base_rate), items, correlation))
        low = high = float("nan")
        averaged, counts = _over(deliberate, q), None
    else:
        assert appeared is not None
        assert of is not None
        a, b = prior[0] + appeared, prior[1] + of - appeared
        p, counts = a / (a + b), (float(appeared), float(of))
        averaged = _over(deliberate, _average(a, b, items, correlation))
        sides = betaincinv(a, b, np.array([alpha / 2, 1 - alpha / 2]))
        low, high = (float(v) for v in omission_ratio(sides, items, deliberate, correlation))
        notes = (*notes, f"base rate: Beta({number(prior[0])}, {number(prior[1])}) prior, {appeared:g} of {of:g}")
    return OmissionEvidence(
        base_rate=p,
        items=items,
        ratio=_over(deliberate, float(chance_missing(np.array(p), items, correlation))),
        averaged=averaged,
        low=low,
        high=high,
        single=_over(deliberate, 1 - p),
        needed=_needed(items, deliberate, wanted),
        deliberate=float(deliberate),
        wanted=float(wanted),
        correlation=float(correlation),
        alpha=alpha,
        grid=np.asarray(grid, dtype=np.float64),
        method="Evidence of an omission: held back on purpose against the ordinary working of chance",
        sources=("good1950", "kass_raftery1995"),
        prior=None if base_rate is not None else (float(prior[0]), float(prior[1])),
        counts=counts,
        warnings=notes,
    )


def _over(deliberate: float, chance: float) -> float:
    return float("inf") if chance <= 0 else deliberate / chance


def _needed(items: int, deliberate: float, wanted: float) -> float:
    return float(max(-np.expm1(np.log(deliberate / wanted) / items), 0.0))


def _average(a: float, b: float, items: int, correlation: float) -> float:
    """Chance that all items are missing, over a Beta(a, b) base rate."""
    if correlation == 0:
        return float(np.exp(betaln(a, b + items) - betaln(a, b)))
    # Midpoints of equal shares of the posterior: error of order 1e-6 for so many.
    nodes = betaincinv(a, b, (np.arange(_NODES) + 0.5) / _NODES)
    return float(chance_missing(nodes, items, correlation).mean())


def _dependence(items: int, correlation: float) -> tuple[str, ...]:
    if items == 1 or correlation > 0:
        return ()
    return (
        f"the {items} omissions count as independent; one decision that governs them all makes them one (see "
        "correlation=, and the ratio if they stand or fall together)",
    )


def _check(
    base_rate: float | None,
    appeared: float | None,
    of: float | None,
    items: int,
    deliberate: float,
    correlation: float,
    prior: tuple[float, float],
    wanted: float,
    grid: Sequence[float],
) -> None:
    counted = appeared is not None and of is not None
    if (base_rate is None) != counted or (appeared is None) != (of is None):
        raise DataError(
            "The base rate must be known in one way.",
            code="base-rate",
            hint="Give base_rate=, or how many appeared= of= how many comparable items.",
        )
    wrong = [
        ("base_rate", base_rate, base_rate is None or 0 <= base_rate < 1, "A chance from 0 up to below 1."),
        ("appeared", appeared, appeared is None or (of is not None and 0 <= appeared <= of), "0 up to of=."),
        ("of", of, of is None or of > 0, "A number above 0."),
        ("items", items, items >= 1 and int(items) == items, "A whole number, 1 or more."),
        ("deliberate", deliberate, 0 < deliberate <= 1, "A chance above 0."),
        ("correlation", correlation, 0 <= correlation <= 1, "A number between 0 and 1."),
        ("prior", prior, len(prior) == 2 and min(prior) > 0, "Two numbers above 0."),
        ("wanted", wanted, wanted > deliberate, "A ratio above deliberate=."),
        ("grid", grid, len(grid) > 0 and min(grid) >= 0 and max(grid) < 1, "Chances from 0 up to below 1."),
    ]
    for name, value, right, hint in wrong:
        if not right:
            raise DataError(f"{name}={value!r} makes no sense here.", column=name, code=name, hint=hint)


def evidence_from_draws(
    logs: Floats,
    drawn: Floats,
    deliberate: float,
    wanted: float,
    alpha: float,
    sources: tuple[str, ...],
    ledger: Ledger,
) -> OmissionEvidence:
    """Evidence from a fitted model.

    Parameters
    ----------
    logs : (k,)
        Log of the ordinary chance that each item is missing.
    drawn : (m,)
        Chance that all are missing, for draws of the model's coefficients.
    """
    check_level(alpha)
    _check(0.5, None, None, len(logs), deliberate, 0.0, (0.5, 0.5), wanted, _GRID)
    k, missing = len(logs), float(np.exp(logs.sum()))
    levels = np.quantile(drawn, [1 - alpha / 2, alpha / 2])
    low, high = (_over(deliberate, float(v)) for v in levels)
    normal = "base rate: from the fit, its coefficients drawn from their normal law (a flat prior)"
    return OmissionEvidence(
        base_rate=float(-np.expm1(logs.sum() / k)),
        items=k,
        ratio=_over(deliberate, missing),
        averaged=_over(deliberate, float(drawn.mean())),
        low=low,
        high=high,
        single=_over(deliberate, float(np.exp(logs.min()))),
        needed=_needed(k, deliberate, wanted),
        deliberate=float(deliberate),
        wanted=float(wanted),
        correlation=0.0,
        alpha=alpha,
        grid=np.asarray(_GRID),
        method="Evidence of an omission: held back on purpose against the ordinary working of chance, as fitted",
        sources=(*sources, "good1950", "kass_raftery1995"),
        ledger=ledger,
        warnings=(*_dependence(k, 0.0), normal),
    )
