"""Pairs of records as a mixture of matches and others: Fellegi and Sunter's model, fitted by EM.

Ground floor: NumPy only. Pairs enter as counts of agreement patterns, so that the cost does not depend on how many
pairs there are. Pairs that no block brought together can be given as one hidden count: what is known of them is that
they agree on none of the blocks. Then the blocks check one another, as lists do in capture-recapture, and the
number of matches that they miss is estimated with the rest.

Read next: linkgraph.py (clusters). Called by: records/linking.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints

__all__ = ["Hidden", "LinkMixture", "fit_mixture", "log_weights", "posterior"]

_TINY = 1e-300


@dataclass(frozen=True, eq=False)
class Hidden:
    """Pairs that were not compared.

    Attributes
    ----------
    count : float
        How many there are.
    classes : tuple of (levels,) int
        For each field, what a level says about the blocks (a class, from 0): the same class, the same blocks agree.
    missing : (f,) int
        The class of a missing value.
    absent : (f,)
        Share of pairs in which the field is missing, the same for matches and others.
    grid : (g, f) int
        Every combination of classes that no block brings together.
    """

    count: float
    classes: tuple[Ints, ...]
    missing: Ints
    absent: Floats
    grid: Ints


@dataclass(frozen=True, eq=False)
class LinkMixture:
    """Two classes of pairs.

    Attributes
    ----------
    prevalence : float
        Share of matches among all pairs, hidden ones included.
    m, u : tuple of (levels,)
        Probability of each level of each field among matches, and among other pairs.
    llf : float
    hidden_matches : float
        Expected matches among the pairs that were not compared.
    total : float
        Pairs, hidden ones included.
    steps : int
    converged : bool
    """

    prevalence: float
    m: tuple[Floats, ...]
    u: tuple[Floats, ...]
    llf: float
    hidden_matches: float
    total: float
    steps: int
    converged: bool


def fit_mixture(
    patterns: Ints,
    counts: Floats,
    start: LinkMixture,
    *,
    known: Floats | None = None,
    hidden: Hidden | None = None,
    fixed_u: tuple[bool, ...] | None = None,
    prior: float = 0.0,
    tol: float = 1e-9,
    max_steps: int = 5000,
) -> LinkMixture:
    """Maximise the likelihood of agreement patterns under independence of fields within matches and others.

    Parameters
    ----------
    patterns : (p, f) int
        Level of each field; -1 where it is missing, which speaks neither for nor against a match.
    counts : (p,)
        Pairs with each pattern.
    start : LinkMixture
        Where the search begins; its `m` and `u` give the number of levels. A level that starts at zero stays there.
    known : (p,), optional
        Further pairs that are matches for certain.
    hidden : Hidden, optional
    fixed_u : tuple of bool, optional
        Fields whose `u` stays as it starts, because it was measured on random pairs.
    prior : float
        Pairs' worth of evidence spread evenly over the levels of each field in each class (Dirichlet); 0 for maximum
        likelihood.
    tol : float
        The search ends when no probability moves by more than this, the prevalence relative to itself.

    Notes
    -----
    Cost: O(p f) a step. Source: Fellegi and Sunter (1969), Winkler (1988); the hidden cell is the E-step for a
    count known only in total (Dempster, Laird and Rubin, 1977, example of truncated multinomial data).

    Examples
    --------
    Two fields, 100 pairs; 18 agree on both.

    >>> patterns = np.array([[1, 1], [1, 0], [0, 1], [0, 0]])
    >>> half = (np.array([0.1, 0.9]), np.array([0.8, 0.2]))
    >>> start = LinkMixture(0.2, (half[0],) * 2, (half[1],) * 2, 0.0, 0.0, 100.0, 0, False)
    >>> fit = fit_mixture(patterns, np.array([18.0, 10.0, 10.0, 62.0]), start, max_steps=1)
    >>> round(fit.prevalence, 4)
    0.1774
    """
    work = _Work(patterns, counts, np.zeros(len(counts)) if known is None else known, hidden, start, fixed_u, prior)
    here, steps, converged = work.pack(start), 0, False
    while steps < max_steps and not converged:
        one = work.step(here)[0]
        steps, converged = steps + 1, work.moved(here, one) < tol
        if converged or steps == max_steps:
            here = one
            break
        two = work.step(one)[0]
        steps += 1
        here = _leap(work, here, one, two)
    rate, theta = work.unpack(here)
    work.prior_of = np.zeros_like(work.prior_of)
    llf, unseen = work.step(here)[1:]
    m, u = (tuple(np.split(side, work.starts[1:])) for side in theta)
    return LinkMixture(rate, m, u, llf, unseen, work.total, steps, converged)


def _leap(work: _Work, here: Floats, one: Floats, two: Floats) -> Floats:
    """Squared extrapolation of two steps (Varadhan and Roland, 2008), taken back where the likelihood falls."""
    r = one - here
    v = two - one - r
    size = float(np.sqrt(v @ v))
    length = float(np.sqrt(r @ r)) / size if size > 1e-14 else 1.0
    if length <= 1.0:
        return two
    base = work.step(two)[1]
    while length > 1.0:
        far = work.normal(here + 2 * length * r + length**2 * v)
        if work.step(far)[1] >= base - 1e-12 * abs(base):
            return far
        length = 1.0 + (length - 1.0) / 4 if length > 1.1 else 1.0
    return two


class _Work:
    """The EM step as a map on one vector (log odds of the prevalence, then logs of m and of u)."""

    def __init__(
        self,
        patterns: Ints,
        counts: Floats,
        sure: Floats,
        hidden: Hidden | None,
        start: LinkMixture,
        fixed_u: tuple[bool, ...] | None,
        prior: float,
    ) -> None:
        sizes = np.array([len(t) for t in start.m])
        self.starts = np.cumsum(sizes) - sizes
        self.field = np.repeat(np.arange(len(sizes)), sizes)
        self.counts, self.sure, self.hidden = counts, sure, hidden
        self.total = float(counts.sum() + sure.sum()) + (0.0 if hidden is None else hidden.count)
        self.prior_of = (prior / sizes)[self.field]
        self.kept = np.array(fixed_u or (False,) * len(sizes), dtype=bool)[self.field]
        self.has = np.zeros((len(patterns), int(sizes.sum())))
        row, column = np.nonzero(patterns >= 0)
        self.has[row, self.starts[column] + patterns[row, column]] = 1.0
        if hidden is not None:
            self._lay_out(hidden)

    def _lay_out(self, hidden: Hidden) -> None:
        """Place the classes of all fields side by side."""
        n = np.array([max(int(c.max()), int(m)) + 1 for c, m in zip(hidden.classes, hidden.missing, strict=True)])
        first = np.cumsum(n) - n
        self.owner = np.concatenate([c + start for c, start in zip(hidden.classes, first, strict=True)])
        self.member = np.zeros((len(self.owner), int(n.sum())))
        self.member[np.arange(len(self.owner)), self.owner] = 1.0
        self.even = np.maximum(self.member.sum(axis=0), 1.0)
        self.present = np.repeat(1 - hidden.absent, n)
        self.gone = np.zeros(int(n.sum()))
        self.gone[first + hidden.missing] = hidden.absent
        self.cells = np.zeros((len(hidden.grid), int(n.sum())))
        np.put_along_axis(self.cells, hidden.grid + first, 1.0, axis=1)
        several = np.array([len(np.unique(c)) > 1 for c in hidden.classes])
        self.divided = several[self.field]

    def pack(self, start: LinkMixture) -> Floats:
        """A mixture as a vector."""
        rate = min(max(start.prevalence, 1e-15), 1 - 1e-15)
        logs = [np.log(np.maximum(t, _TINY)) for t in (*start.m, *start.u)]
        return np.concatenate([[np.log(rate) - np.log1p(-rate)], *logs])

    def unpack(self, at: Floats) -> tuple[float, Floats]:
        """Prevalence, and the probabilities of both classes (2, levels)."""
        return float(1 / (1 + np.exp(-at[0]))), np.exp(at[1:]).reshape(2, -1)

    def normal(self, at: Floats) -> Floats:
        """Probabilities that add to one again; those that are held stay as they are."""
        logs = np.clip(at[1:], -690.0, 50.0).reshape(2, -1)
        theta = np.exp(logs)
        theta /= np.add.reduceat(theta, self.starts, axis=1)[:, self.field]
        return np.concatenate([[np.clip(at[0], -34.0, 34.0)], np.log(np.maximum(theta, _TINY)).ravel()])

    def moved(self, before: Floats, after: Floats) -> float:
        """The largest change of a probability; the prevalence relative to itself."""
        probabilities = np.abs(np.exp(after[1:]) - np.exp(before[1:])).max(initial=0.0)
        return float(max(probabilities, abs(after[0] - before[0])))

    def step(self, at: Floats) -> tuple[Floats, float, float]:
        """One step of EM; the penalised log-likelihood and the hidden matches where it began."""
        rate, theta = self.unpack(at)
        classes = np.log([[max(rate, _TINY)], [max(1 - rate, _TINY)]])
        logs = at[1:].reshape(2, -1)
        joint = logs @ self.has.T + classes
        whole = np.logaddexp(joint[0], joint[1])
        share = np.exp(joint - whole)
        weights = self.counts * share
        weights[0] += self.sure
        value = float(self.counts @ whole + self.prior_of @ logs.sum(axis=0))
        if self.sure.any():
            value += float(self.sure @ joint[0])
        made, unseen = weights @ self.has + self.prior_of, 0.0
        if self.hidden is not None:
            seen = self.present * (theta @ self.member)
            every = np.maximum(seen + self.gone, _TINY)
            masses = np.exp(np.log(every) @ self.cells.T + classes)
            beyond = max(float(masses.sum()), _TINY)
            unseen = self.hidden.count * float(masses[0].sum()) / beyond
            value += self.hidden.count * float(np.log(beyond))
            expected = (self.hidden.count / beyond * (masses @ self.cells) * seen / every)[:, self.owner]
            inside = (made @ self.member)[:, self.owner]
            part = np.where(inside > 0, made / np.maximum(inside, _TINY), 1 / self.even[self.owner])
            made = made + np.where(self.divided, expected * part, 0.0)
        made = made / np.maximum(np.add.reduceat(made, self.starts, axis=1), _TINY)[:, self.field]
        made[1] = np.where(self.kept, theta[1], made[1])
        found = min(max((float(weights[0].sum()) + unseen) / self.total, 1e-15), 1 - 1e-15)
        odds = [np.log(found) - np.log1p(-found)]
        return np.concatenate([odds, np.log(np.maximum(made, _TINY)).ravel()]), value, unseen


def log_weights(patterns: Ints, m: tuple[Floats, ...], u: tuple[Floats, ...]) -> Floats:
    """Natural log of the ratio of m to u for each pattern (p,); a missing field adds nothing."""
    out = np.zeros(len(patterns))
    for f, (one, two) in enumerate(zip(m, u, strict=True)):
        out += np.append(np.log(np.maximum(one, _TINY)) - np.log(np.maximum(two, _TINY)), 0.0)[patterns[:, f]]
    return out


def posterior(log_weight: Floats, prevalence: float) -> Floats:
    """Probability of a match, from the log weight and the share of matches among all pairs.

    >>> posterior(np.array([np.log(9.0)]), 0.1).round(12).tolist()
    [0.5]
    """
    odds = log_weight + np.log(max(prevalence, _TINY)) - np.log1p(-min(prevalence, 1 - 1e-16))
    return np.exp(-np.logaddexp(0.0, -odds))
