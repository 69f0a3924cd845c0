"""Labels: what each record may have ended with, as weights over causes.

First floor. One object for every kind of doubt about a reason: several reasons on one form, coders who differ, a known
rate of misreading, a blank. Weights are for draws (`draw`, `complete`) and tables; sets without a rule stay masked, for
the models that take them (`as_masked`).

Read next: labelreading.py (constructors), labelsource.py (shares and proper draws), labeldraws.py.
Called by: records, results.imputing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.render.text import Block, Summary, number
from exitmodels.shapes import labeldraws, labelreading, labelsource
from exitmodels.shapes.labelsource import Source
from exitmodels.shapes.spells import Spells

__all__ = ["Labels"]


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Labels:
    """Weights of records over causes.

    Parameters
    ----------
    weights : (n, K)
        Chance of each cause for each record; rows add to one. Rows of people who have not left may be NaN.
    causes : sequence
        K labels.
    masked : (n,) bool, optional
        Records whose weights stand for no rule: any cause with a weight above zero is open, and nothing says how the
        chance is shared. They must be spread (`spread`) before labels are drawn.
    method : str
        Where the weights came from, in words.
    copies : (n,), optional
        How many people each record stands for when shares are found; one by default.

    Raises
    ------
    DataError
        If a row is negative or does not add to one.

    Examples
    --------
    >>> labels = Labels([[1, 0], [0.5, 0.5], [0, 1]], ["treatment", "visit"])
    >>> labels.hard().tolist(), round(labels.effective, 3)
    (['treatment', 'treatment', 'visit'], 0.333)
    >>> labels.draw(2, rng=1).tolist()
    [[1, 2, 2], [1, 1, 2]]
    """

    weights: Floats
    causes: tuple[Any, ...]
    masked: Bools
    method: str
    source: Source | None
    notes: tuple[str, ...]
    copies: Floats | None

    def __init__(
        self,
        weights: Any,
        causes: Sequence[Any],
        masked: Any = None,
        method: str = "Weights as given",
        source: Source | None = None,
        notes: Sequence[str] = (),
        copies: Any = None,
    ) -> None:
        made = np.array(weights, dtype=np.float64)
        named = tuple(causes)
        labelreading.check_weights(made, named)
        open_rows = np.zeros(len(made), dtype=bool) if masked is None else np.array(masked, dtype=bool)
        for array in (made, open_rows):
            array.flags.writeable = False
        for name, value in {
            "weights": made,
            "causes": named,
            "masked": open_rows,
            "method": method,
            "source": source,
            "notes": tuple(notes),
            "copies": None if copies is None else np.asarray(copies, dtype=np.float64),
        }.items():
            object.__setattr__(self, name, value)

    # ---- made from what was written ----------------------------------------------------------------------------
    @classmethod
    def fractional(
        cls, mentions: Any, causes: Sequence[Any] | None = None, unknown: Sequence[Any] | None = None
    ) -> Labels:
        """One over the number of reasons named, for each of them.

        Parameters
        ----------
        mentions : CodedReasons, DataFrame or (n, K) array of 0 and 1
            What each record names.
        causes : sequence, optional
            Names of the columns of an array.
        unknown : sequence, optional
            Columns that mean "not known"; by default those of the codebook. They count only where nothing else is
            named. Such records, and those that name nothing, stay masked: every cause is open.

        Notes
        -----
        A rule, not a finding: with two reasons on a form each is taken to be *the* reason with chance one half.
        """
        matrix, named, blank = labelreading.read_mentions(mentions, causes, unknown)
        kept = [j for j, name in enumerate(named) if name not in blank]
        held = matrix[:, kept]
        many = held.sum(axis=1, keepdims=True)
        weights = np.where(many > 0, held / np.maximum(many, 1.0), 1 / len(kept))
        return cls(weights, [named[j] for j in kept], many[:, 0] == 0, "Fractional labels, 1/k for each reason named")

    @classmethod
    def of(cls, spells: Spells, unknown: Any = None, masked: Mapping[Any, Any] | None = None) -> Labels:
        """The labels that spells carry themselves, some of which leave several causes open.

        Parameters
        ----------
        unknown, masked
            As in `MaskedCauses`. Records with such labels stay masked until they are spread.
        """
        return labelreading.of_spells(cls, spells, unknown, masked)

    @classmethod
    def misclassified(
        cls,
        written: Any,
        chances: Any,
        prior: Any = "observed",
        causes: Sequence[Any] | None = None,
    ) -> Labels:
        """What was written, given how often each cause is written as something else.

        Parameters
        ----------
        written : (n,) labels
            None where nothing is written: then the prior alone speaks.
        chances : DataFrame, or (K, L) array
            ``chances[k, l]`` is the chance that cause k is written as l; rows add to one. A DataFrame names causes in
            its index and what is written in its columns; an array is square, in the order of `causes`.
        prior : mapping, (K,) shares, or "observed"
            Shares of the true causes. "observed": those under which the shares written are most likely, which is the
            inverse of the table wherever that is no negative share.
        causes : sequence, optional
            Names for an array.

        Raises
        ------
        IdentificationError
            If the table is singular, so that the shares written do not tell the true ones, with prior="observed".
        DataError
            If rows of the table do not add to one, or something written has no chance.

        Notes
        -----
        Source: Rogan & Gladen (1978) for two causes; Magder & Hughes (1997).

        Examples
        --------
        >>> table = [[0.9, 0.1], [0.2, 0.8]]
        >>> made = Labels.misclassified(["a"] * 55 + ["b"] * 45, table, causes=["a", "b"])
        >>> made.weights[0].round(3).tolist()
        [0.818, 0.182]
        """
        return labelreading.misclassified(cls, written, chances, prior, causes)

    # ---- what is there -----------------------------------------------------------------------------------------
    def __len__(self) -> int:
        return len(self.weights)

    @property
    def left(self) -> Bools:
        """Records that have weights (n,): those who left."""
        return ~np.isnan(self.weights[:, 0])

    @property
    def entropy(self) -> Floats:
        """Shannon entropy of each record in nats (n,); NaN for those who have not left."""
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.where(self.weights > 0, np.log(self.weights), 0.0)
        return np.asarray(-(self.weights * logs).sum(axis=1) + 0.0, dtype=np.float64)

    @property
    def effective(self) -> float:
        """Mean entropy over its largest value, log K: 0 when every label is certain, 1 when nothing is known."""
        if len(self.causes) < 2:
            return 0.0
        return float(np.nanmean(self.entropy) / np.log(len(self.causes)))

    def hard(self) -> AnyArray:
        """The likeliest cause of each record, the first of equals; None for those who have not left."""
        names = np.array([*self.causes, None], dtype=object)
        return names[np.where(self.left, np.argmax(np.nan_to_num(self.weights), axis=1), len(self.causes))]

    def to_frame(self) -> Any:
        """One row per record: the weight of each cause, whether it is masked, entropy."""
        import pandas as pd

        frame = pd.DataFrame(self.weights, columns=list(self.causes))
        return frame.assign(masked=self.masked, entropy=self.entropy)

    def summary(self) -> Summary:
        """Return the printed form."""
        held = self.weights[self.left]
        sure = held.max(axis=1) > 1 - 1e-9
        likely = np.argmax(held, axis=1)
        rows = tuple(
            (str(c), float(held[:, k].sum()), int((sure & (likely == k)).sum()), int((~sure & (held[:, k] > 0)).sum()))
            for k, c in enumerate(self.causes)
        )
        facts = (
            ("records with a label", len(held)),
            ("certain", int(sure.sum())),
            ("masked sets", int(self.masked.sum())),
            ("effective entropy (0 to 1)", number(self.effective)),
            ("wrong if the likeliest is taken", number(float((1 - held.max(axis=1)).sum()))),
        )
        return Summary(self.method, facts, (Block(("cause", "expected", "certain", "possible"), rows),), self.notes)

    def __repr__(self) -> str:
        return str(self.summary())

    __str__ = __repr__

    # ---- what follows ------------------------------------------------------------------------------------------
    def spread(self, rule: str = "observed", group: Any = None) -> Labels:
        """Give masked records weights by a declared rule.

        Parameters
        ----------
        rule : {"observed", "equal"}
            "observed": by the shares of the causes (among those open) that make all labels most likely: unknown
            reasons are then missing at random. "equal": one over the number open.
        group : (n,) labels, optional
            Shares are found in each group apart: missing at random given the group. Use whatever the reason, and
            whether it was written, depend on; such as the group, and the year or the length of the stay in classes.

        Returns
        -------
        Labels

        Raises
        ------
        IdentificationError
            If a group has only masked records, so that its shares are not known.
        """
        return labelsource.spread(self, rule, group)

    def draw(self, m: int = 1, *, rng: np.random.Generator | int, proper: bool = False) -> Ints:
        """Draw one cause for each record, m times.

        Parameters
        ----------
        m : int
        rng : numpy Generator or seed
        proper : bool
            Also draw what the weights were computed from. Weights are functions of estimated prevalences (and of
            coders' tables); with True each draw takes these from their posterior, found by data augmentation under
            Dirichlet(1/2) priors, so that limits pooled over draws also hold the error of the weights. With False they
            are taken as known. It makes no difference where weights are given or follow a rule such as 1/k.

        Returns
        -------
        (m, n) int
            Place of the cause, from 1; 0 for those who have not left.
        """
        self._refuse_masked()
        generator = np.random.default_rng(rng)
        if proper and self.source is not None:
            return np.stack([labeldraws.pick(w, generator) for w in self.source.renewed(self, m, generator)])
        return np.stack([labeldraws.pick(self.weights, generator) for _ in range(m)])

    def complete(
        self, spells: Spells, m: int = 1, *, rng: np.random.Generator | int, proper: bool = False
    ) -> list[Spells]:
        """Spells in which every exit has one cause, drawn m times.

        A row that stands for several people (a frequency weight) is shared out among the causes drawn for them.
        """
        self._refuse_masked()
        labeldraws.fits(self, spells)
        return labeldraws.completed(self, spells, m, np.random.default_rng(rng), proper)

    def as_masked(self, spells: Spells) -> tuple[Spells, dict[str, list[Any]]]:
        """Spells whose labels say which causes are open, and the `masked=` of models that take them.

        Weights are not used: a record with two causes of weight above zero leaves both open.

        Examples
        --------
        >>> spells = Spells(exit=[3, 5, 8], event=[1, 1, 0])
        >>> labels = Labels([[1, 0], [0.5, 0.5], [float("nan")] * 2], ["a", "b"])
        >>> made, sets = labels.as_masked(spells)
        >>> made.causes, sets
        (('a', 'b', 'a or b'), {'a or b': ['a', 'b']})
        """
        labeldraws.fits(self, spells)
        return labeldraws.as_masked(self, spells)

    def take(self, rows: Any) -> Labels:
        """Labels of some of the records (a mask, or positions); the weights stay as they are."""
        source = None if self.source is None else self.source.take(rows)
        copies = None if self.copies is None else self.copies[rows]
        weights, masked = self.weights[rows], self.masked[rows]
        return Labels(weights, self.causes, masked, self.method, source, self.notes, copies)

    def _refuse_masked(self) -> None:
        rows = np.flatnonzero(self.masked)
        if rows.size:
            raise DataError(
                f"{number(rows.size)} records are masked sets, and no rule says how to share them out.",
                rows=rows,
                code="masked",
                hint='Use labels.spread("observed", group=...), or a model that takes sets: MaskedCauses, MaskedCox, '
                "MaskedIncidence.",
            )
