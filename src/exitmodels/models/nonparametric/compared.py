"""What all tests of groups share: who is compared, within which strata, with which weights.

Third floor, in the room of curves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.logrank import FAMILIES, timed_risk_tables
from exitmodels.shapes.spells import Spells

__all__ = ["SOURCES", "Compared", "compare", "family_name", "family_of", "never_together", "two_groups"]

_SYNONYMS = {
    "wilcoxon": "gehan",
    "gehan-wilcoxon": "gehan",
    "log-rank": "logrank",
    "peto-peto": "peto",
    "fh": "fleming-harrington",
}
SOURCES = {
    "logrank": ("mantel1966",),
    "gehan": ("gehan1965",),
    "tarone-ware": ("tarone_ware1977",),
    "peto": ("peto1972",),
    "modified-peto": ("peto1972", "klein_moeschberger2003"),
    "prentice": ("prentice1978",),
    "fleming-harrington": ("fleming_harrington1991",),
}
_NAMES = {
    "logrank": "Log-rank",
    "gehan": "Gehan-Wilcoxon",
    "tarone-ware": "Tarone-Ware",
    "peto": "Peto-Peto",
    "modified-peto": "Modified Peto-Peto",
    "prentice": "Prentice",
}


@dataclass(frozen=True, eq=False)
class Compared:
    """Rows with the group and the stratum of each."""

    rows: Spells
    group: Ints
    labels: tuple[str, ...]
    stratum: Ints | None
    n_strata: int

    def tables(self) -> Iterator[tuple[Floats, Floats, Floats, Floats]]:
        """Event times, people at risk, exits and group sizes of each stratum."""
        rows, weight = self.rows, self.rows.weight
        return timed_risk_tables(
            rows.entry_or_none, rows.exit, rows.event, self.group, len(self.labels), weight, self.stratum, self.n_strata
        )


def compare(
    spells: Spells, name: str, by: str | Sequence[str], event: Any, strata: str | Sequence[str] | None
) -> Compared:
    """Set up a comparison, or refuse it.

    Raises
    ------
    SchemeError
        If only exits inside a window were recorded.
    DataError
        For one group, no exits, or sampling weights.
    """
    spells.require_scheme(name)
    rows = spells.for_cause(event).complete(by).complete(strata)
    if rows.weight is not None and rows.weights == "sampling":
        raise DataError(
            f"{name} counts people; sampling weights are not counts.",
            code="sampling-weights",
            hint='Use Cox with vcov="robust" and its Wald test, or rmst_difference.',
        )
    if not rows.event.any():
        raise DataError("Nobody left, so there is nothing to compare.", code="no-events", hint="Check event=.")
    group, keys = rows.groups(by)
    if group is None:
        raise DataError("No column was named.", code="one-group", hint="Name a column with two or more values.")
    if len(keys) < 2:
        raise DataError(
            f"There is one group only ({keys[0]}).", code="one-group", hint="Name a column with two or more values."
        )
    if strata is None:
        stratum, n_strata = rows.stratum, max(len(rows.stratum_labels), 1)
    else:
        stratum, found = rows.groups(strata)
        n_strata = len(found)
    labels = tuple(", ".join(f"{k}={v}" for k, v in key.items()) for key in keys)
    return Compared(rows, group, labels, stratum, n_strata)


def two_groups(compared: Compared, name: str) -> None:
    """Refuse more than two groups."""
    if len(compared.labels) > 2:
        raise DataError(
            f"{name} compares two groups; there are {len(compared.labels)}: {'; '.join(compared.labels[:6])}.",
            code="two-groups",
            hint="Use pairwise_tests, which compares them two by two, or logrank_test for all at once.",
        )


def never_together() -> DataError:
    """Say that the groups cannot be compared."""
    return DataError(
        "No two groups are ever at risk together at an exit, so they cannot be compared.",
        code="no-comparison",
        hint="Check the groups, the strata and the entry times.",
    )


def family_of(weights: str) -> str:
    """Name of a family of weights, or an error that lists them."""
    family = _SYNONYMS.get(weights.lower(), weights.lower())
    if family not in FAMILIES:
        raise DataError(
            f"weights={weights!r} is not known.", code="weights-family", hint=f"One of {', '.join(FAMILIES)}."
        )
    return family


def family_name(family: str, rho: float, gamma: float) -> str:
    """Print the name of a family of weights."""
    return _NAMES.get(family, f"Fleming-Harrington (rho={rho:g}, gamma={gamma:g})")
