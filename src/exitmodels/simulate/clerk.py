"""Exit records of a world whose truth is known: dates, reasons as a clerk writes them, and a policy.

Third floor, in the room of simulation. Read next: people.py (who joins and how long each stays), reasons.py (wording).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools
from exitmodels.errors import DataError
from exitmodels.shapes.dates import day_number, iso, window_days
from exitmodels.simulate.made import SimulatedExits
from exitmodels.simulate.people import ORIGINS, REFERENCE_AGE, UNITS, World, draw
from exitmodels.simulate.reasons import EFFECTS, REASONS, UNTOUCHED, write

__all__ = ["exits"]

_BATCH = 200_000
_FIRST, _LAST = ("family visit",), ("treatment", "treatment", "treatment", "family emergency")
Rows = dict[str, AnyArray]


def exits(
    n: int = 431,
    *,
    window: tuple[Any, Any] = ("2013-03-01", "2014-08-21"),
    policy: Any = "2014-06-29",
    policy_ratio: float = 0.6,
    mean_stay: float = 180.0,
    effects: Mapping[str, Mapping[str, float]] | None = None,
    lead: int = 90,
    blank: float = 0.04,
    second: float = 0.3,
    scheme: str = "exits-only",
    edges: bool = False,
    rng: np.random.Generator | int = 0,
) -> SimulatedExits:
    """Make exit records whose truth is known, until exactly n exist.

    Parameters
    ----------
    n : int
        Records (rows).
    window : (first, last)
        Days on which an exit is recorded, both inside.
    policy : date
        First day of the new policy.
    policy_ratio : float
        Factor of every hazard from that day on, but for "family emergency", which the policy does not reach.
    mean_stay : float
        Mean stay, in days, of the reference person (age 28, not married, origin not Levant) under the old policy.
    effects : mapping, optional
        Log hazard ratios, ``{reason: {"age": , "married": , "near": }}``; by default `reasons.EFFECTS`. ``{}``: none.
    lead : int
        People join at a constant rate from this many days before the window to its close.
    blank, second : float
        Share of records without a usable text; share that name a further reason beside the true one.
    scheme : {"exits-only", "censored"}
        "exits-only": a record exists only because the exit fell inside the window. "censored": the same world seen
        whole, one row for each person there on some day of the window; `left` is missing for those still inside.
    edges : bool
        Impose what is known of the edges of the founding records: one record on the first day, naming a family
        visit and treatment; four on the last day, three of them "treatment" and one "his family was imprisoned".
        These five are drawn given those facts, so tests of the edges must not be run on them as if they were chance.
    rng : numpy Generator or seed

    Returns
    -------
    SimulatedExits

    Notes
    -----
    The hazard of reason k for a person with covariates x is constant over the stay and changes with the calendar:
    ``share_k / mean_stay * exp(x' effect_k) * (policy_ratio from the policy's first day)``. Stays are whole days,
    rounded up. Unit has no effect. `truth` holds all of it: shares, effects, policy, mean stay, lead, imposed edges.

    With "exits-only" the mean recorded stay falls short of the true mean, for long stays had not ended by the close:
    with ``lead=0``, no effects and no policy, a true mean of 180 days looks like about 110.

    Examples
    --------
    >>> world = exits(n=1000, rng=7)
    >>> print(world)
    SIMULATED DATA, not real records: 1,000 rows, 2013-03-01 to 2014-08-21, scheme "exits-only".
    No row describes a real person; the shares and effects were planted (.truth).
    >>> bool(world.frame["left"].between("2013-03-01", "2014-08-21").all())
    True
    """
    first, end = window_days(window)
    planted = (policy_ratio, mean_stay, EFFECTS if effects is None else effects, lead, blank, second)
    world = World(first, end - 1, int(day_number(policy, "policy")), *planted)
    _check(n, world, scheme, edges)
    generator = np.random.default_rng(rng)
    rows = _with_edges(world, n, generator) if edges else _gather(world, n, generator, scheme)
    sides = (iso(first), iso(end - 1))
    return SimulatedExits(frame=_frame(rows, world), truth=_truth(world, edges), window=sides, scheme=scheme)


def _check(n: int, world: World, scheme: str, edges: bool) -> None:
    wrong = [
        ("n", n, n >= (6 if edges else 1), "Give a whole number above zero (six or more with edges=True)."),
        ("scheme", scheme, scheme in ("exits-only", "censored"), '"exits-only" or "censored".'),
        ("edges", edges, not edges or scheme == "exits-only", 'The edges are facts of scheme="exits-only".'),
        ("policy_ratio", world.ratio, world.ratio > 0, "A hazard ratio is above zero."),
        ("mean_stay", world.mean_stay, world.mean_stay > 0, "Give days above zero."),
        ("lead", world.lead, world.lead >= 0, "Give days, zero or more."),
        ("window", world.last - world.first + 1, world.last - world.first >= 2, "Give three days or more."),
        ("blank", world.blank, 0 <= world.blank <= 1, "A share lies between 0 and 1."),
        ("second", world.second, 0 <= world.second <= 1, "A share lies between 0 and 1."),
        ("effects", sorted(world.effects), set(world.effects) <= set(REASONS), f"Reasons: {', '.join(REASONS)}."),
    ]
    for name, value, right, hint in wrong:
        if not right:
            raise DataError(f"{name}={value!r} makes no world.", column=name, code="simulate", hint=hint)


def _gather(world: World, n: int, rng: np.random.Generator, scheme: str) -> Rows:
    """Draw people until n of them are recorded."""

    def recorded(p: Rows) -> Bools:
        seen: Bools = p["left"] >= world.first
        return seen if scheme == "censored" else seen & (p["left"] <= world.last)

    rows = _first_n(world, n, rng, recorded)
    if scheme == "censored":
        rows["inside"] = rows["left"] > world.last
    return rows


def _first_n(world: World, n: int, rng: np.random.Generator, wanted: Any) -> Rows:
    kept: list[Rows] = []
    have, share = 0, 0.5
    while have < n:
        people = draw(world, int(np.clip((n - have) / share * 1.05 + 100, 1_000, _BATCH)), rng)
        places = np.flatnonzero(wanted(people))[: n - have]
        kept.append({name: values[places] for name, values in people.items()})
        have, share = have + len(places), max(len(places) / len(people["left"]), 0.01)
    return _joined(kept)


def _joined(parts: Iterable[Rows]) -> Rows:
    several = list(parts)
    return {name: np.concatenate([part[name] for part in several]) for name in several[0]}


def _with_edges(world: World, n: int, rng: np.random.Generator) -> Rows:
    """The bulk strictly between the edges; then one record on the first day and four on the last."""
    names = list(REASONS)
    bulk = _first_n(world, n - 5, rng, lambda p: (p["left"] > world.first) & (p["left"] < world.last))
    parts = [bulk]
    for day, reasons in ((world.first, _FIRST), (world.last, _LAST)):
        for reason in reasons:
            code = names.index(reason)
            parts.append(_first_n(world, 1, rng, lambda p, d=day, k=code: (p["left"] == d) & (p["cause"] == k)))
    rows = _joined(parts)
    rows["text"] = write(rows["cause"], rows["second"], rows["blank"], rows["wording"])
    rows["text"][-5:] = ["family visit; treatment", "treatment", "treatment", "treatment", "his family was imprisoned"]
    return rows


def _frame(rows: Rows, world: World) -> Any:
    import pandas as pd

    text = rows.get("text")
    text = write(rows["cause"], rows["second"], rows["blank"], rows["wording"]) if text is None else text
    reason = np.array(list(REASONS), dtype=object)[rows["cause"]]
    inside = rows.get("inside", np.zeros(len(text), dtype=bool))
    left = np.where(inside, np.datetime64("NaT"), rows["left"].astype("datetime64[D]"))
    order = np.lexsort((rows["left"], inside))
    columns = {
        "joined": rows["joined"].astype("datetime64[D]").astype("datetime64[s]"),
        "left": left.astype("datetime64[s]"),
        "reason_text": _blanked(text, inside),
        "origin": np.array(list(ORIGINS), dtype=object)[rows["origin"]],
        "age": rows["age"],
        "married": rows["married"],
        "unit": np.array(UNITS, dtype=object)[rows["unit"]],
        "planted_reason": _blanked(reason, inside),
    }
    made = {name: values[order] for name, values in columns.items()}
    return pd.DataFrame({"record": np.arange(1, len(text) + 1), **made})


def _blanked(labels: AnyArray, inside: Bools) -> AnyArray:
    """Nothing is written about those who have not left."""
    written = labels.copy()
    written[inside] = None
    return written


def _truth(world: World, edges: bool) -> dict[str, Any]:
    effects = {reason: dict(world.effects.get(reason, {})) for reason in REASONS}
    ratios = {reason: 1.0 if reason in UNTOUCHED else world.ratio for reason in REASONS}
    return {
        "simulated": True,
        "mean_stay": world.mean_stay,
        "shares": dict(REASONS),
        "log_hazard_ratios": effects,
        "covariates": {"age": f"years from {REFERENCE_AGE}", "married": "1 against 0", "near": "origin Levant"},
        "policy": {"date": iso(world.policy), "hazard_ratios": ratios},
        "lead": world.lead,
        "blank": world.blank,
        "second": world.second,
        "imposed": _imposed(world) if edges else [],
    }


def _imposed(world: World) -> list[str]:
    return [
        f"one record on {iso(world.first)}, 'family visit; treatment'",
        f"four records on {iso(world.last)}: three 'treatment', one 'his family was imprisoned'",
    ]
