"""Items of a weekly newsletter, some of which a monthly magazine carries later, in a world whose truth is known.

Third floor, in the room of simulation. The founding case: a weekly newsletter in one language, a magazine in others
that carried some of its items; 13 magazine issues at a mean gap of 30.75 days (52.7 weeks from first to last). Topics,
shares and effects are planted round numbers, not estimates of anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from exitmodels.errors import DataError
from exitmodels.shapes.dates import day_number

__all__ = ["NEVER", "TOPICS", "SimulatedItems", "newsletter"]

TOPICS: dict[str, float] = {"report": 0.45, "doctrine": 0.20, "biography": 0.15, "notice": 0.20}
"""Topics of items, and their shares."""

NEVER: dict[str, float] = {"Intercept": 1.0, "doctrine": -0.8, "biography": -0.5, "notice": 1.0, "warns": 0.0}
"""Log odds that the magazine never carries an item: a report that warns of nothing, and what is added to it."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SimulatedItems:
    """Simulated items of a newsletter.

    Attributes
    ----------
    frame : pandas DataFrame
        One row per item: item, newsletter (its number), published, topic, warns (1: it warns readers against leaving),
        reappeared (number of the magazine's issue, missing if none did); and `planted_never`, which no real table
        holds.
    issues : tuple of str
        Dates of the magazine's issues 1, 2, ...
    truth : mapping
        What was planted: see `exitmodels.simulate.newsletter`.
    """

    frame: Any
    issues: tuple[str, ...]
    truth: Mapping[str, Any]

    def __str__(self) -> str:
        found = int(self.frame["reappeared"].notna().sum())
        return (
            f"SIMULATED DATA, no real texts: {len(self.frame):,} items of {self.frame['newsletter'].max()} weekly "
            f"newsletters, {found} of them in {len(self.issues)} issues of a magazine.\nTopics, shares and effects "
            "were planted (.truth)."
        )

    __repr__ = __str__


def newsletter(
    weeks: int = 49,
    *,
    per_week: int = 8,
    magazine: int = 13,
    gap: float = 30.75,
    start: Any = "2016-09-05",
    before: int = 4,
    lead: int = 7,
    hazard: float = 0.6,
    never: Mapping[str, float] | None = None,
    warns: float = 0.1,
    issue_sd: float = 0.0,
    rng: np.random.Generator | int = 0,
) -> SimulatedItems:
    """Make items of a newsletter, and the issues of a magazine that carry some of them.

    Parameters
    ----------
    weeks, per_week : int
        Weekly newsletters, and items in each.
    magazine : int
        Issues of the magazine.
    gap : float
        Mean days between them.
    start : date
        Date of the magazine's first issue.
    before : int
        Newsletters that had appeared by then.
    lead : int
        Days that an item needs to be carried: it can be in the first issue dated later than this after it.
    hazard : float
        Chance that an issue carries an item that will be carried and has not been yet: the lag is geometric.
    never : mapping, optional
        Log odds that an item is never carried, over `NEVER`.
    warns : float
        Share of items that warn readers against leaving.
    issue_sd : float
        Standard deviation of what each newsletter adds to the log odds of all its items: with 0 items are independent.
    rng : numpy Generator or seed

    Examples
    --------
    >>> world = newsletter(rng=1)
    >>> print(world)
    SIMULATED DATA, no real texts: 392 items of 49 weekly newsletters, 119 of them in 13 issues of a magazine.
    Topics, shares and effects were planted (.truth).
    >>> world.issues[0], world.issues[-1]
    ('2016-09-05', '2017-09-09')
    """
    import pandas as pd

    effects = {**NEVER, **(never or {})}
    _check(weeks, per_week, magazine, gap, before, lead, hazard, warns, issue_sd, effects)
    generator = np.random.default_rng(rng)
    opens = int(day_number(start, "start"))
    dates = opens + np.round(gap * np.arange(magazine)).astype(np.int64)
    number = np.repeat(np.arange(1, weeks + 1), per_week)
    published = opens + 7 * (number - 1 - before)
    u = generator.random((len(number), 4))
    names = list(TOPICS)
    topic = np.searchsorted(np.cumsum(list(TOPICS.values()))[:-1], u[:, 0], side="right")
    warned = (u[:, 1] < warns).astype(np.int64)
    shared = issue_sd * generator.standard_normal(weeks)[number - 1]
    added = np.array([effects.get(name, 0.0) for name in names])
    out = u[:, 2] < expit(effects["Intercept"] + added[topic] + effects["warns"] * warned + shared)
    wait = np.maximum(np.ceil(np.log1p(-u[:, 3]) / np.log1p(-hazard)), 1).astype(np.int64) if hazard < 1 else 1
    first = np.searchsorted(dates, published + lead, side="right") + 1
    carried = first + wait - 1
    seen = ~out & (carried <= magazine)
    frame = pd.DataFrame(
        {
            "item": np.arange(1, len(number) + 1),
            "newsletter": number,
            "published": published.astype("datetime64[D]").astype("datetime64[s]"),
            "topic": pd.Categorical(np.asarray(names, dtype=object)[topic], categories=names),
            "warns": warned,
            "reappeared": pd.array(np.where(seen, carried, 0), dtype="Int64"),
            "planted_never": out,
        }
    )
    frame["reappeared"] = frame["reappeared"].mask(~seen)
    truth = {"simulated": True, "never": effects, "hazard": hazard, "lead": lead, "warns": warns, "issue_sd": issue_sd}
    return SimulatedItems(frame=frame, issues=tuple(str(d) for d in dates.astype("datetime64[D]")), truth=truth)


def _check(
    weeks: int,
    per_week: int,
    magazine: int,
    gap: float,
    before: int,
    lead: int,
    hazard: float,
    warns: float,
    issue_sd: float,
    effects: Mapping[str, float],
) -> None:
    wrong = [
        ("weeks", weeks, weeks >= 1, "Give a whole number above zero."),
        ("per_week", per_week, per_week >= 1, "Give a whole number above zero."),
        ("magazine", magazine, magazine >= 1, "Give a whole number above zero."),
        ("gap", gap, gap >= 1, "Give days, one or more."),
        ("before", before, before >= 0, "Give a whole number, zero or more."),
        ("lead", lead, lead >= 0, "Give days, zero or more."),
        ("hazard", hazard, 0 < hazard <= 1, "A chance above zero."),
        ("warns", warns, 0 <= warns <= 1, "A share lies between 0 and 1."),
        ("issue_sd", issue_sd, issue_sd >= 0, "Zero or more."),
        ("never", sorted(effects), set(effects) <= {*NEVER, *TOPICS}, f"Names: {', '.join([*NEVER, 'report'])}."),
    ]
    for name, value, right, hint in wrong:
        if not right:
            raise DataError(f"{name}={value!r} makes no world.", column=name, code="simulate", hint=hint)
