"""Coders who differ: what is true, and how good is each of them?

Third floor, in the room of records. Read next: kernels/dawidskene.py (the algorithm), agreement.py (how far they
agree).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import ConvergenceWarning, DataError
from exitmodels.kernels.dawidskene import Coded, climb, gibbs, majority
from exitmodels.records.coded import CodedReasons
from exitmodels.records.codings import label_universe, read_codings
from exitmodels.render.text import Block, Summary, number
from exitmodels.results.tabled import Tabled
from exitmodels.shapes.labels import Labels

__all__ = ["DawidSkene", "dawid_skene"]

_EDGE = 1e-6


@dataclass(frozen=True, eq=False)
class _Votes:
    """The readings behind the labels, so that parameters can be drawn."""

    votes: Ints
    count: Ints
    place: Ints
    start: Floats

    def renewed(self, labels: Labels, m: int, rng: np.random.Generator) -> Iterator[Floats]:
        """Weights under draws of prevalence and of each coder's table."""
        for drawn in gibbs(self.votes, self.count, self.start, m, rng):
            yield drawn[self.place]

    def take(self, rows: Any) -> _Votes:
        """The same parameters for some records."""
        return replace(self, place=self.place[rows])


@dataclass(frozen=True, eq=False, kw_only=True)
class DawidSkene(Tabled):
    """True reasons and coders' errors, estimated together.

    Attributes
    ----------
    causes : tuple of str
        The K classes.
    coders : tuple of str
    prevalence : (K,)
    confusion : (R, K, K)
        ``confusion[r, k, l]``: chance that coder r writes l when k is true. NaN where no record tells.
    posterior : (n, K)
        Chance of each class for each record; rows add to one.
    readings : (R,) int
        Records that each coder has coded.
    llf : float
        Log-likelihood.
    path : (steps,)
        Objective after each step of EM.
    """

    causes: tuple[str, ...]
    coders: tuple[str, ...]
    prevalence: Floats
    confusion: Floats
    posterior: Floats
    readings: Ints
    llf: float
    path: Floats
    converged: bool
    smooth: float
    warnings: tuple[str, ...] = ()
    method: str = "True reasons behind several coders, by EM (Dawid-Skene)"
    sources: tuple[str, ...] = ("dawid_skene1979",)
    votes: _Votes | None = field(default=None, metadata={"stored": False})

    @property
    def nobs(self) -> int:
        """Number of records."""
        return len(self.posterior)

    def labels(self) -> Labels:
        """The posterior as `Labels`; with ``proper=True`` their draws also draw prevalence and the coders' tables."""
        return Labels(self.posterior, self.causes, None, self.method, self.votes, self.warnings)

    def accuracy(self) -> Any:
        """One row per coder: records coded, and the chance to be right for each class and on the whole."""
        import pandas as pd

        diagonal = np.einsum("rkk->rk", self.confusion)
        whole = np.nansum(diagonal * self.prevalence, axis=1)
        columns = {"coded": self.readings, **dict(zip(self.causes, diagonal.T, strict=True)), "all": whole}
        return pd.DataFrame(columns, index=pd.Index(self.coders, name="coder"))

    def table(self, coder: str) -> Any:
        """One coder's table: true class down, written class across, chances in rows."""
        import pandas as pd

        if coder not in self.coders:
            raise DataError(f"No coder is called {coder!r}.", code="coders", hint=f"Known: {', '.join(self.coders)}.")
        made = self.confusion[self.coders.index(coder)]
        return pd.DataFrame(made, index=pd.Index(self.causes, name="true"), columns=list(self.causes))

    def to_frame(self) -> Any:
        """One row per class: prevalence, and each coder's chance to read it right."""
        import pandas as pd

        columns, rows = self._table(0.05)
        return pd.DataFrame(rows, columns=list(columns)).set_index("reason")

    def _table(self, alpha: float) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        diagonal = np.einsum("rkk->kr", self.confusion)
        rows = [
            [cause, float(self.prevalence[k]), *(float(v) for v in diagonal[k])] for k, cause in enumerate(self.causes)
        ]
        return ("reason", "prevalence", *(f"{coder} right" for coder in self.coders)), rows

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form."""
        columns, rows = self._table(alpha)
        facts = (
            ("coders", ", ".join(f"{c} ({n})" for c, n in zip(self.coders, self.readings, strict=True))),
            ("records", self.nobs),
            ("log-likelihood", self.llf),
            ("effective entropy (0 to 1)", number(self.labels().effective)),
            ("converged", "yes" if self.converged else "no"),
        )
        return Summary(self.method, facts, (Block(tuple(columns), tuple(tuple(r) for r in rows)),), self.warnings)


def dawid_skene(
    coders: Any,
    *,
    causes: Sequence[str] | None = None,
    smooth: float = 0.0,
    starts: int = 5,
    tol: float = 1e-10,
    max_steps: int = 5000,
    rng: np.random.Generator | int = 0,
) -> DawidSkene:
    """Estimate the true reason of each record from several coders, and each coder's errors.

    Parameters
    ----------
    coders : mapping of name to codings, or a frame with one column per coder
        One label for each record, in the same order; None or NaN: this coder has not coded the record. `CodedReasons`
        count as a coder by their primary reason; where no cue was found, and where the field is blank, as not coded.
    causes : sequence of str, optional
        Every label that could have been given, in order; by default those that were.
    smooth : float
        Readings added to every cell of every coder's table and to every class: 0 for maximum likelihood; a little,
        such as 0.5, keeps chances off zero and one when labels are rare.
    starts : int
        Beginnings of the climb: the coders' majority, and others moved away from it at random. The best end counts.
    tol : float
        Stop when a step raises the objective by less than this share of its size.
    max_steps : int
    rng : numpy Generator or seed
        For the other beginnings.

    Returns
    -------
    DawidSkene

    Raises
    ------
    DataError
        With fewer than two coders, several labels in one coding, or nobody's coding at all.

    Warns
    -----
    ConvergenceWarning
        When the climb did not end.

    Notes
    -----
    Given the true reason coders err independently of one another: hard records that mislead all of them alike, or
    coders who saw each other's codes, break this, and make the model too sure. With two coders the tables are not
    identified without restriction (the majority start and rare errors decide); three or more are needed. The likelihood
    does not know the names of the classes: if a coder is right less often than wrong the result says so (label
    switching). Source: Dawid & Skene (1979).

    Examples
    --------
    >>> a = ["visit", "visit", "treatment", "treatment", "visit", "treatment", "visit"]
    >>> b = ["visit", "treatment", "treatment", "treatment", "visit", "treatment", "visit"]
    >>> c = ["visit", "visit", "treatment", "visit", None, "treatment", "visit"]
    >>> fit = dawid_skene({"A": a, "B": b, "C": c}, smooth=0.5)
    >>> fit.labels().hard().tolist()
    ['visit', 'visit', 'treatment', 'treatment', 'visit', 'treatment', 'visit']
    """
    if smooth < 0 or starts < 1:
        raise DataError(f"smooth={smooth}, starts={starts}.", code="choice", hint="smooth >= 0 and starts >= 1.")
    names, votes, universe = _read(coders, causes)
    distinct, place, count = np.unique(votes, axis=0, return_inverse=True, return_counts=True)
    place = place.ravel()
    generator = np.random.default_rng(rng)
    told = (distinct >= 0).any(axis=1)
    begin = np.full((len(distinct), len(universe)), 1 / len(universe))
    begin[told] = majority(distinct[told], len(universe))
    ends = []
    for i in range(starts):
        moved = begin if i == 0 else 0.5 * begin + 0.5 * generator.dirichlet(np.ones(len(universe)), len(begin))
        ends.append(climb(distinct, count.astype(np.float64), len(universe), moved, smooth, tol, max_steps))
    best = max(ends, key=lambda end: (round(float(end.path[-1]), 6), end is ends[0]))
    notes = _notes(best, ends, names, universe)
    if not best.converged:
        warnings.warn(f"EM did not end within {max_steps} steps.", ConvergenceWarning, stacklevel=2)
    return DawidSkene(
        causes=universe,
        coders=names,
        prevalence=best.prevalence,
        confusion=best.confusion,
        posterior=best.posterior[place],
        readings=(votes >= 0).sum(axis=0),
        llf=best.value,
        path=best.path,
        converged=best.converged,
        smooth=smooth,
        warnings=notes,
        votes=_Votes(distinct, count.astype(np.int64), place, best.posterior),
    )


def _read(coders: Any, causes: Sequence[str] | None) -> tuple[tuple[str, ...], Ints, tuple[str, ...]]:
    """Names of the coders, their readings (n, R) as places among the classes or -1, and the classes."""
    if isinstance(coders, Mapping):
        coders = {name: _primary(v) if isinstance(v, CodedReasons) else v for name, v in coders.items()}
    names, codings, _ = read_codings(coders, None)
    for name, coding in zip(names, codings, strict=True):
        bad = [i for i, given in enumerate(coding) if given is not None and len(given) != 1]
        if bad:
            raise DataError(
                f"{len(bad)} records have no label, or several, in one coding.",
                column=name,
                rows=bad,
                code="labels",
                hint="Give one label for each record (a primary reason), or use Labels.fractional for several.",
            )
    universe = label_universe(codings, causes)
    place = {label: i for i, label in enumerate(universe)}
    columns = [[-1 if given is None else place[next(iter(given))] for given in coding] for coding in codings]
    votes = np.array(columns, dtype=np.int64).T
    if not (votes >= 0).any() or len(universe) < 2:
        raise DataError(
            f"The coders gave {len(universe)} labels.", code="coders", hint="There must be two labels or more."
        )
    return names, votes, universe


def _primary(coded: CodedReasons) -> list[Any]:
    unknown = {"", coded.codebook.blank, coded.codebook.absent}
    return [None if code in unknown else code for code in coded.primary().tolist()]


def _notes(best: Coded, ends: Sequence[Coded], coders: Sequence[str], causes: Sequence[str]) -> tuple[str, ...]:
    """What a careful reader should know."""
    notes = []
    top = float(best.path[-1])
    if best is not ends[0]:
        gain = top - float(ends[0].path[-1])
        notes.append(f"A start away from the majority climbed higher (by {gain:.2f}); compare the classes' tables.")
    diagonal = np.einsum("rkk->rk", best.confusion)
    for r, k in zip(*np.nonzero(best.confusion.max(axis=2) > diagonal), strict=True):
        notes.append(f"{coders[r]} reads {causes[k]} mostly as another reason: the classes may have switched names.")
    free = ~np.isnan(best.confusion)
    edge = int(np.count_nonzero((best.confusion < _EDGE) & free))
    if edge:
        notes.append(
            f"{edge} of {int(free.sum())} chances lie at zero: on the boundary, where large-sample limits fail; "
            "smooth=0.5 keeps them inside."
        )
    if len(coders) < 3:
        notes.append(
            "With two coders the tables are not identified without restriction; have a third code some records."
        )
    if np.any(best.prevalence < _EDGE):
        empty = ", ".join(c for c, p in zip(causes, best.prevalence, strict=True) if p < _EDGE)
        notes.append(f"No record is likely to be {empty}.")
    return tuple(notes)
