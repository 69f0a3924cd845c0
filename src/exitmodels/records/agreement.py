"""Do coders read the same reasons? Agreement beyond chance, with limits from a bootstrap of records.

Third floor, in the room of records. Several statistics stand side by side, for none is enough: kappa and alpha fall
when a reason is rare even if coders hardly ever differ, AC1 does not, and a set-level alpha says how near two
different sets are.

Read next: kernels/agreement.py (the formulas).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels import agreement as kernel
from exitmodels.records.codings import label_universe, read_codings
from exitmodels.render.text import Block, Summary
from exitmodels.results.tabled import Tabled

__all__ = ["Agreement", "agreement"]

_CELLS = 1 << 22
_Statistic = Callable[[Floats], Floats]


@dataclass(frozen=True, eq=False, kw_only=True)
class Agreement(Tabled):
    """How far coders agree.

    Attributes
    ----------
    label, statistic : tuple of str
        What each number is about ("all": the whole coding of a record), and which it is: "agreement", "prevalence",
        "cohen", "alpha", "alpha-jaccard", "alpha-masi", "ac1".
    estimate : (q,)
    draws : (n, q)
        Bootstrap draws; NaN where a statistic does not exist in a sample.
    coders : tuple of str
    n_records, n_pairable : int
        Records given, and those that two coders or more have coded.
    """

    label: tuple[str, ...]
    statistic: tuple[str, ...]
    estimate: Floats
    draws: Floats
    coders: tuple[str, ...]
    n_records: int
    n_pairable: int
    method: str = "Agreement of coders"
    sources: tuple[str, ...] = ("cohen1960", "hayes_krippendorff2007", "passonneau2006", "gwet2008")

    def conf_int(self, alpha: float = 0.05) -> Floats:
        """Percentile limits (q, 2); NaN when fewer than two draws exist."""
        out = np.full((len(self.estimate), 2), np.nan)
        for j, column in enumerate(self.draws.T):
            there = column[~np.isnan(column)]
            if len(there) > 1:
                out[j] = np.quantile(there, [alpha / 2, 1 - alpha / 2])
        return out

    def to_frame(self, alpha: float = 0.05) -> Any:
        """One row per label and statistic: estimate, se, low, high, missing (share of draws without a value)."""
        import pandas as pd

        limits, gone = self.conf_int(alpha), np.isnan(self.draws)
        there = (~gone).sum(axis=0)
        centre = np.nansum(self.draws, axis=0) / np.maximum(there, 1)
        square = np.nansum((self.draws - centre) ** 2, axis=0)
        se = np.where(there > 1, np.sqrt(square / np.maximum(there - 1, 1)), np.nan)
        columns = {"label": self.label, "statistic": self.statistic, "estimate": self.estimate, "se": se}
        return pd.DataFrame({**columns, "low": limits[:, 0], "high": limits[:, 1], "missing": gone.mean(axis=0)})

    def at(self, statistic: str, label: str = "all") -> float:
        """One estimate."""
        for name, kind, value in zip(self.label, self.statistic, self.estimate, strict=True):
            if (name, kind) == (label, statistic):
                return float(value)
        labels, kinds = (", ".join(dict.fromkeys(names)) for names in (self.label, self.statistic))
        raise DataError(
            f"There is no {statistic!r} of {label!r}.",
            code="choice",
            hint=f"Labels: {labels}; statistics: {kinds}.",
        )

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form."""
        columns, rows = self._table(alpha)
        facts = (
            ("coders", ", ".join(self.coders)),
            ("records", self.n_records),
            ("coded by two or more", self.n_pairable),
        )
        notes = [
            f"{100 * (1 - alpha):g} % percentile limits, {len(self.draws)} bootstrap samples of records.",
            "By custom an alpha of .80 is firm and one of .667 to .80 tentative; read the lower limit.",
        ]
        if np.isnan(self.estimate).any():
            notes.append("nan: all codings are the same (or none compared), so agreement beyond chance is undefined.")
        return Summary(self.method, facts, (Block(tuple(columns), tuple(tuple(r) for r in rows)),), tuple(notes))

    def _table(self, alpha: float) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        limits = self.conf_int(alpha)
        rows = [
            (label, kind, *(f"{x:.3f}" for x in (value, low, high)))
            for label, kind, value, (low, high) in zip(self.label, self.statistic, self.estimate, limits, strict=True)
        ]
        return ("label", "statistic", "estimate", "low", "high"), rows


def agreement(
    coders: Any,
    *,
    separator: str | None = None,
    labels: Sequence[str] | None = None,
    n: int = 1000,
    rng: np.random.Generator | int | None = None,
) -> Agreement:
    """Agreement between two coders or more, for the whole coding and for each label.

    Parameters
    ----------
    coders : mapping of name to codings, or a frame with one column per coder
        Codings of the same records in the same order: one label each; sets of labels (any collection); texts with
        a `separator`; or `CodedReasons`. None or NaN: this coder has not coded the record. An empty set is a coding
        ("no reason").
    separator : str, optional
        Splits texts into sets, as ``";"``.
    labels : sequence of str, optional
        Every label that could have been given; by default those that were. AC1 of the whole coding depends on it.
    n : int
        Bootstrap samples; 0 for none.
    rng : numpy Generator or seed

    Returns
    -------
    Agreement
        For each label (present or not): share of agreeing pairs, prevalence, Cohen's kappa, Krippendorff's alpha
        and Gwet's AC1. For the whole coding ("all"): the same for single labels; for sets, agreement on the whole set,
        and alpha with the set as one value, with Jaccard's and with the MASI distance.

    Raises
    ------
    DataError
        With fewer than two coders, codings of different lengths, no record coded twice, or a label not in `labels`.

    Notes
    -----
    With more than two coders "cohen" is the mean over pairs of coders (Light, 1971). Records are drawn with
    replacement, all coders of a record together; expected disagreement is computed anew in each sample. Coders who
    saw each other's codes agree too well in every one of these numbers.

    Examples
    --------
    >>> first = ["treatment", "visit", "visit", "trade", "treatment", None]
    >>> second = ["treatment", "visit", "treatment", "trade", "treatment", "visit"]
    >>> result = agreement({"A": first, "B": second}, n=100, rng=1)
    >>> round(result.at("cohen"), 4), round(result.at("alpha"), 4)
    (0.6875, 0.7097)
    """
    names, codings, several = read_codings(coders, separator)
    universe = label_universe(codings, labels)
    sets = sorted(
        {given for coding in codings for given in coding if given is not None}, key=lambda s: (len(s), sorted(s))
    )
    place = {given: i for i, given in enumerate(sets)}
    code = np.array(
        [[-1 if given is None else place[given] for given in coding] for coding in codings], dtype=np.int64
    ).T
    pairable = (code >= 0).sum(axis=1) >= 2
    if not pairable.any():
        raise DataError("No record is coded by two coders.", code="coders", hint="Have some records coded twice.")
    held = np.array([[label in given for label in universe] for given in sets], dtype=bool).reshape(len(sets), -1)
    parts = _whole(code, held, len(universe), several)
    for j, label in enumerate(universe):
        binary = np.where(code >= 0, held[np.maximum(code, 0), j], -1).astype(np.int64)
        parts += [(label, kind, how) for kind, how in _single(binary, 2, prevalence=True)]
    here = np.ones((1, len(code)))
    estimate = np.array([how(here)[0] for _, _, how in parts])
    draws = _drawn([how for _, _, how in parts], len(code), n, np.random.default_rng(rng))
    return Agreement(
        label=tuple(part[0] for part in parts),
        statistic=tuple(part[1] for part in parts),
        estimate=estimate,
        draws=draws,
        coders=names,
        n_records=len(code),
        n_pairable=int(pairable.sum()),
        sources=("cohen1960", *(("light1971",) if len(names) > 2 else ()), *Agreement.sources[1:]),
    )


def _whole(code: Ints, held: Any, n_labels: int, several: bool) -> list[tuple[str, str, _Statistic]]:
    """Statistics of the whole coding."""
    if not several:
        return [("all", kind, how) for kind, how in _single(code, max(n_labels, len(held)), prevalence=False)]
    counts = _counts(code, len(held))
    measures = {
        "alpha": 1.0 - np.eye(len(held)),
        "alpha-jaccard": kernel.jaccard_distance(held),
        "alpha-masi": kernel.masi_distance(held),
    }
    out: list[tuple[str, str, _Statistic]] = [("all", "agreement", lambda w: kernel.raw_agreement(counts, w))]
    for kind, distance in measures.items():
        out.append(("all", kind, lambda w, d=distance: kernel.krippendorff_alpha(counts, d, w)))  # type: ignore[misc]
    return out


def _single(code: Ints, n_values: int, prevalence: bool) -> list[tuple[str, _Statistic]]:
    """Statistics of one value per record and coder, as functions of the weights (b, n)."""
    counts = _counts(code, n_values)
    nominal = 1.0 - np.eye(n_values)
    pairs = [(code[:, i], code[:, j]) for i, j in combinations(range(code.shape[1]), 2)]

    def cohen(w: Floats) -> Floats:
        each = [kernel.cohen_kappa(a, b, n_values, w) for a, b in pairs if ((a >= 0) & (b >= 0)).any()]
        return np.asarray(np.mean(each, axis=0))

    def common(w: Floats) -> Floats:
        total = w @ counts
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(total[:, -1] / total.sum(axis=1))

    first: list[tuple[str, _Statistic]] = [("agreement", lambda w: kernel.raw_agreement(counts, w))]
    return [
        *first,
        *([("prevalence", common)] if prevalence else []),
        ("cohen", cohen),
        ("alpha", lambda w: kernel.krippendorff_alpha(counts, nominal, w)),
        ("ac1", lambda w: kernel.gwet_ac1(counts, n_values, w)),
    ]


def _counts(code: Ints, n_values: int) -> Floats:
    """How many coders gave each record each value (n, v)."""
    row, coder = np.nonzero(code >= 0)
    flat = np.bincount(row * n_values + code[row, coder], minlength=len(code) * n_values)
    return flat.reshape(len(code), n_values).astype(np.float64)


def _drawn(statistics: list[_Statistic], records: int, n: int, rng: np.random.Generator) -> Floats:
    """Bootstrap draws (n, q), a few samples at a time so that memory stays bounded."""
    out = np.empty((n, len(statistics)))
    step = max(1, _CELLS // records)
    for start in range(0, n, step):
        size = min(step, n - start)
        weight = rng.multinomial(records, np.full(records, 1 / records), size=size).astype(np.float64)
        out[start : start + size] = np.column_stack([how(weight) for how in statistics])
    return out
