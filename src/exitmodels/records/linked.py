"""What linkage gives back: pairs with their probability, clusters, errors to expect, and the numbers for what follows.

Third floor, in the room of records. Row labels and numbers are kept, names are not. Another threshold needs no refit.

Read next: oneortwo.py (one list, two lists), kernels/linkgraph.py. Called by: oneortwo.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.fellegisunter import LinkMixture, log_weights, posterior
from exitmodels.kernels.linkgraph import components, least_inside, one_partner
from exitmodels.render.text import Block, Summary
from exitmodels.results.tabled import Tabled
from exitmodels.shapes.ledger import Ledger

__all__ = ["Linked"]

_SIMULATED = 1000
_THRESHOLDS = (0.5, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True, eq=False, kw_only=True)
class Linked(Tabled):
    """Pairs of records and how probable it is that both are of one person.

    Attributes
    ----------
    n_a, n_b : int
        Records in each list; `n_b` is None for one list.
    left, right : (m,) int
        Places of the two records of each compared pair.
    cell, cell_pattern, cell_adjust
        The cell of each pair; the agreement pattern of each cell, and what rare values add to its log weight.
    key : (m,) int
        The key that links a pair, in `keys`; -1 for none.
    blocks : tuple of (name, pairs, largest block)
    patterns : (p, f) int; `fields`, `levels` name its columns and codes
    mixture : LinkMixture
        The fit: `m`, `u`, prevalence among `universe` pairs.
    countable : bool
        Whether matches that no block brings together are counted.
    draws : (b, p)
        Log odds of each pattern in bootstrap draws of records.
    missed_draws : (b,)
    cutoff, review : float
        Pairs from `cutoff` on are linked; from `review` to `cutoff` they are for a person to look at.
    notes : tuple of str
    ledger : Ledger
    """

    n_a: int
    n_b: int | None
    left: Ints
    right: Ints
    cell: Ints
    cell_pattern: Ints
    cell_adjust: Floats
    key: Ints
    keys: tuple[str, ...]
    blocks: tuple[tuple[str, int, str], ...]
    patterns: Ints
    fields: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    mixture: LinkMixture
    draws: Floats
    missed_draws: Floats
    universe: float
    countable: bool
    labels_a: AnyArray
    labels_b: AnyArray
    cutoff: float
    review: float
    notes: tuple[str, ...]
    ledger: Ledger
    seed: int
    one_to_one: bool = False
    method: str = "Record linkage"
    sources: tuple[str, ...] = ("fellegi_sunter1969", "winkler1988", "jaro1989", "winkler1990", "rubin1981")

    @property
    def nobs(self) -> int:
        """Pairs compared."""
        return len(self.left)

    @property
    def n_links(self) -> int:
        """Pairs linked."""
        return int(self.linked.sum())

    @cached_property
    def _log_weight(self) -> Floats:
        """Log weight of each cell."""
        return log_weights(self.patterns, self.mixture.m, self.mixture.u)[self.cell_pattern] + self.cell_adjust

    @cached_property
    def _cell_probability(self) -> Floats:
        return posterior(self._log_weight, self.mixture.prevalence)

    @property
    def weight(self) -> Floats:
        """Weight of each pair in bits (m,): log2 of how much more often matches look like this than other pairs do."""
        return np.asarray(self._log_weight[self.cell] / np.log(2))

    @cached_property
    def probability(self) -> Floats:
        """Probability that each pair is a match (m,); 1 for pairs linked by a key."""
        return np.where(self.key >= 0, 1.0, self._cell_probability[self.cell])

    @cached_property
    def linked(self) -> Bools:
        """Pairs that are linked (m,)."""
        keep = self.probability >= self.cutoff
        if self.one_to_one:
            places = np.flatnonzero(keep)
            gain = np.where(self.key >= 0, 1e4, 0.0) + self._log_weight[self.cell]
            gain = gain[places] - gain[places].min(initial=0.0) + 1e-6
            keep = np.zeros(len(keep), dtype=bool)
            keep[places[one_partner(self.left[places], self.right[places], gain)]] = True
        return np.asarray(keep)

    @cached_property
    def cluster(self) -> Ints:
        """The person of each record (n_a + n_b,), the first list first."""
        shift = 0 if self.n_b is None else self.n_a
        n = self.n_a + (self.n_b or 0)
        return components(n, self.left[self.linked], self.right[self.linked] + shift)

    @property
    def n_persons(self) -> int:
        """Clusters, records alone included."""
        return int(self.cluster.max()) + 1

    def threshold(self, cutoff: float, review: float | None = None) -> Self:
        """The same fit, cut elsewhere; nothing is estimated again.

        Parameters
        ----------
        cutoff : float
            Probability from which pairs are linked.
        review : float, optional
            By default as before, but not above `cutoff`.
        """
        low = min(self.review, cutoff) if review is None else review
        if not (0 < cutoff <= 1 and 0 <= low <= cutoff):
            raise DataError(
                f"Thresholds {low!r} and {cutoff!r} are not possible.",
                code="choice",
                hint="Give probabilities, review up to cutoff.",
            )
        return replace(self, cutoff=cutoff, review=low)

    def threshold_for(self, false_rate: float = 0.01) -> float:
        """The lowest threshold at which the expected share of false links is at most this; 1 if there is none."""
        if not 0 < false_rate < 1:
            raise DataError(f"false_rate={false_rate!r} is no share.", code="choice", hint="Give one between 0 and 1.")
        p, n = self._per_cell(np.ones(self.nobs, dtype=bool))
        order = np.argsort(-p, kind="stable")
        p, n = p[order], n[order]
        rate = np.cumsum(n * (1 - p)) / np.maximum(np.cumsum(n), 1)
        last = np.append(p[1:] < p[:-1], True)
        fits = np.flatnonzero((rate <= false_rate) & last & (n > 0))
        return float(p[fits[-1]]) if len(fits) else 1.0

    def persons(self, thresholds: Sequence[float] = _THRESHOLDS) -> Any:
        """How many persons there are at each threshold, as a Series; for sensitivity of what follows."""
        import pandas as pd

        counted = [self.threshold(t).n_persons for t in thresholds]
        return pd.Series(counted, index=pd.Index(list(thresholds), name="threshold"), name="persons")

    def error_rates(self, thresholds: Sequence[float] = _THRESHOLDS, alpha: float = 0.05) -> Any:
        """Errors to expect at each threshold, as a DataFrame.

        Columns: threshold, links; false_rate (share of links that are no match) and missed_rate (share of matches among
        compared pairs that are not linked), each with low and high. Limits hold the bootstrap draws of the fit and the
        chance in who is a match, not a failure of the model. Pairs linked by a key count as right.
        """
        import pandas as pd

        rows = []
        for cutoff in thresholds:
            taken = self.threshold(cutoff).linked
            wrong, good = self._simulated(taken)
            lost = self._simulated(~taken)[1]
            found = int(taken.sum())
            p, n = self._per_cell(taken)
            q, k = self._per_cell(~taken)
            keyed = int((self.key >= 0).sum())
            expected, left = float(n @ (1 - p)), float(k @ q)
            matches = float(n @ p) + keyed + left
            false = np.quantile(wrong, [alpha / 2, 1 - alpha / 2]) / max(found, 1)
            missing = np.quantile(lost / np.maximum(good + lost + keyed, 1), [alpha / 2, 1 - alpha / 2])
            rows.append((cutoff, found, expected / max(found, 1), *false, left / max(matches, 1e-300), *missing))
        sides = [f"{name}{end}" for name in ("false", "missed") for end in ("_rate", "_low", "_high")]
        return pd.DataFrame(rows, columns=["threshold", "links", *sides])

    def _per_cell(self, which: Bools) -> tuple[Floats, Floats]:
        """Probability of each cell, and its pairs among `which`, those linked by a key left out."""
        n = np.bincount(self.cell[which & (self.key < 0)], minlength=len(self.cell_pattern)).astype(np.float64)
        return self._cell_probability, n

    def _simulated(self, which: Bools) -> tuple[Floats, Floats]:
        """Draw the number of non-matches and of matches among these pairs, over draws of the fit."""
        rng = np.random.default_rng(self.seed)
        n = self._per_cell(which)[1].astype(np.int64)
        there = np.flatnonzero(n)
        n, total = n[there], int(n.sum())
        each = max(_SIMULATED // max(len(self.draws), 1), 1)
        odds = self.draws if len(self.draws) else [None]
        out = []
        for row in odds:
            p = self._cell_probability[there]
            if row is not None:
                p = posterior(row[self.cell_pattern[there]] + self.cell_adjust[there], 0.5)
            out.append(rng.binomial(n, p, size=(each, len(n))).sum(axis=1))
        matches = np.concatenate(out).astype(np.float64)
        return total - matches, matches

    @cached_property
    def pairs(self) -> Any:
        """Compared pairs as a DataFrame, most probable first.

        Columns: row_a, row_b (labels), one per field (level of agreement), weight (bits), probability, how ("key: ...",
        "linked", "review", "apart", "taken": above the threshold but its partner has a better link).
        """
        import pandas as pd

        levels = {
            name: np.array([*words, "missing"], dtype=object)[self.patterns[self.cell_pattern[self.cell], f]]
            for f, (name, words) in enumerate(zip(self.fields, self.levels, strict=True))
        }
        over = self.probability >= self.cutoff
        how = np.select([self.linked, over, self.probability >= self.review], ["linked", "taken", "review"], "apart")
        keyed = np.array([*(f"key: {name}" for name in self.keys), ""], dtype=object)[self.key]
        how = np.where((self.key >= 0) & self.linked, keyed, how)
        ends = {"row_a": self.labels_a[self.left], "row_b": self.labels_b[self.right]}
        frame = pd.DataFrame({**ends, **levels, "weight": self.weight, "probability": self.probability, "how": how})
        order = np.lexsort((self.right, self.left, -self.weight, -self.probability))
        return frame.iloc[order].reset_index(drop=True)

    @cached_property
    def links(self) -> Any:
        """The linked pairs, as `pairs` shows them."""
        return self.pairs[self.pairs["how"].isin(["linked", *(f"key: {name}" for name in self.keys)])]

    @cached_property
    def clusters(self) -> Any:
        """One row per record: its label, list, cluster, and of the cluster: size, least, uncompared, chained.

        `least` is the smallest probability among compared pairs inside the cluster; `uncompared` counts inner pairs
        that shared no block; `chained` says that `least` is below `review`: the cluster holds two records that look
        like different people, joined through others.
        """
        import pandas as pd

        least, uncompared = self._inside
        size = np.bincount(self.cluster)
        which = np.repeat(["a", "b"], [self.n_a, self.n_b or 0])
        labels = self.labels_a if self.n_b is None else np.concatenate([self.labels_a, self.labels_b])
        c = self.cluster
        columns = {"list": which, "row": labels, "cluster": c, "size": size[c], "least": least[c]}
        more = {"uncompared": uncompared[c].astype(np.int64), "chained": least[c] < self.review}
        return pd.DataFrame({**columns, **more})

    @cached_property
    def _inside(self) -> tuple[Floats, Floats]:
        shift = 0 if self.n_b is None else self.n_a
        return least_inside(self.cluster, self.left, self.right + shift, self.probability)

    @property
    def n_chained(self) -> int:
        """Clusters that hold a pair below `review`."""
        return int((self._inside[0] < self.review).sum())

    def weights(self) -> Any:
        """What each level of each field says, as a DataFrame: field, level, m, u, weight (bits)."""
        import pandas as pd

        return pd.DataFrame(self._rows(), columns=["field", "level", "m", "u", "weight"])

    def _rows(self) -> list[tuple[Any, ...]]:
        out: list[tuple[Any, ...]] = []
        for name, words, m, u in zip(self.fields, self.levels, self.mixture.m, self.mixture.u, strict=True):
            bits = np.log2(np.maximum(m, 1e-300)) - np.log2(np.maximum(u, 1e-300))
            rows = [(name, w, float(a), float(b), float(c)) for w, a, b, c in zip(words, m, u, bits, strict=True)]
            out += sorted(rows, key=lambda row: -row[-1])
        return out

    def _table(self, alpha: float) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        rows = [(f, w, f"{m:.4f}", f"{u:.3g}", f"{bits:.1f}") for f, w, m, u, bits in self._rows()]
        return ("field", "level", "m", "u", "weight"), rows

    def _facts(self, alpha: float) -> list[tuple[str, Any]]:
        rates = self.error_rates([self.cutoff], alpha).iloc[0]
        expected = float((self.probability[self.key < 0]).sum()) + float((self.key >= 0).sum())
        missed = f"{self.mixture.hidden_matches:.1f}"
        if len(self.missed_draws):
            low, high = np.quantile(self.missed_draws, [alpha / 2, 1 - alpha / 2])
            missed += f" ({low:.1f}-{high:.1f})"
        waiting = int(((self.probability >= self.review) & (self.probability < self.cutoff)).sum())
        return [
            ("pairs", f"{self.nobs:,} of {self.universe:,.0f}"),
            ("matches expected", f"{expected:.1f} among these"),
            ("missed by blocks", missed if self.countable else "not estimable"),
            ("linked", f"{self.n_links:,} at probability {self.cutoff:g} or more"),
            ("by a key", int(((self.key >= 0) & self.linked).sum())),
            ("for review", f"{waiting:,} from {self.review:g}"),
            ("false links", f"{rates.false_rate:.4f} ({rates.false_low:.4f}-{rates.false_high:.4f})"),
            ("matches not linked", f"{rates.missed_rate:.4f} ({rates.missed_low:.4f}-{rates.missed_high:.4f})"),
        ]

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form."""
        columns, rows = self._table(alpha)
        blocks = Block(("block", "pairs"), tuple((name, f"{n:,}") for name, n, _ in self.blocks))
        notes = [
            "Probabilities assume that fields agree independently within matches and within other pairs.",
            *self.notes,
        ]
        if self.n_chained:
            notes.append(f"{self.n_chained} clusters hold a pair of probability below {self.review:g}: see .clusters.")
        table = Block(tuple(columns), tuple(tuple(row) for row in rows))
        return Summary(self.method, tuple(self._facts(alpha)), (blocks, table), tuple(notes))

    def plot(self, ax: Any = None) -> Any:
        """Draw how many pairs have each weight, matches and others, with the thresholds."""
        from exitmodels.render.linkage import weight_bars

        p, n = self._per_cell(np.ones(self.nobs, dtype=bool))
        odds = np.log(max(self.mixture.prevalence, 1e-300)) - np.log1p(-min(self.mixture.prevalence, 1 - 1e-16))
        at = [
            (np.log(t) - np.log1p(-min(t, 1 - 1e-16)) - odds) / np.log(2) for t in (self.review, self.cutoff) if t > 0
        ]
        return weight_bars(ax, weight=self._log_weight / np.log(2), matches=n * p, others=n * (1 - p), marks=at)
