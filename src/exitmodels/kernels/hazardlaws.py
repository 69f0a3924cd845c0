"""Laws of a stay: baseline hazards with their derivatives, for likelihoods that may be truncated on either side.

Ground floor: NumPy only. A law answers four questions at any times t, for its own parameters phi: the cumulative
hazard and its slopes, the log hazard and its slopes, and the weighted sums of the second derivatives of both. A new law
is a class with these methods; the likelihood (windowhazards.py) asks nothing else.

Called by: windowhazards.py.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from exitmodels.arrays import Floats

__all__ = ["Constant", "Gompertz", "Law", "Pieces", "Weibull"]

_SERIES = 1 / np.cumprod([1.0, *range(1, 12)])


class Law(Protocol):
    """A baseline hazard with f parameters.

    `levels` (f,) holds 1 for parameters to which a constant of the log hazard is added, else 0.
    """

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def levels(self) -> Floats: ...

    def start(self, log_rate: float) -> Floats:
        """Parameters of the constant hazard exp(log_rate), or near it."""
        ...

    def sizes(self, length: float) -> Floats:
        """Change of each parameter that alters the hazard about e-fold within a stay of this length (f,)."""
        ...

    def cumulative(self, t: Floats, phi: Floats) -> tuple[Floats, Floats]:
        """Cumulative hazard at t (n,), and its slopes (n, f)."""
        ...

    def cumulative_bend(self, t: Floats, phi: Floats, by: Floats) -> Floats:
        """Sum over t of `by` times the second derivative of the cumulative hazard (f, f)."""
        ...

    def log_hazard(self, t: Floats, phi: Floats) -> tuple[Floats, Floats]:
        """Log hazard at t > 0 (n,), and its slopes (n, f)."""
        ...

    def log_hazard_bend(self, t: Floats, phi: Floats, by: Floats) -> Floats:
        """Sum over t of `by` times the second derivative of the log hazard (f, f)."""
        ...


@dataclass(frozen=True)
class Constant:
    """h(t) = exp(a): exponential stays.

    >>> law = Constant()
    >>> law.cumulative(np.array([2.0]), np.array([0.0]))[0].tolist()
    [2.0]
    """

    @property
    def names(self) -> tuple[str, ...]:
        return ("log rate",)

    @property
    def levels(self) -> Floats:
        return np.ones(1)

    def start(self, log_rate: float) -> Floats:
        return np.array([log_rate])

    def sizes(self, length: float) -> Floats:
        return np.ones(1)

    def cumulative(self, t: Floats, phi: Floats) -> tuple[Floats, Floats]:
        value = np.exp(phi[0]) * t
        return value, value[:, None]

    def cumulative_bend(self, t: Floats, phi: Floats, by: Floats) -> Floats:
        return np.array([[np.exp(phi[0]) * float(by @ t)]])

    def log_hazard(self, t: Floats, phi: Floats) -> tuple[Floats, Floats]:
        return np.full(len(t), phi[0]), np.ones((len(t), 1))

    def log_hazard_bend(self, t: Floats, phi: Floats, by: Floats) -> Floats:
        return np.zeros((1, 1))


@dataclass(frozen=True)
class Weibull:
    """H(t) = exp(a) t^k with k = exp(b): rising (k > 1) or falling (k < 1) as a power of time.

    The scale of the usual form, H = (t / scale)^k, is exp(-a / k).
    """

    @property
    def names(self) -> tuple[str, ...]:
        return ("log rate", "log shape")

    @property
    def levels(self) -> Floats:
        return np.array([1.0, 0.0])

    def start(self, log_rate: float) -> Floats:
        return np.array([log_rate, 0.0])

    def sizes(self, length: float) -> Floats:
        return np.ones(2)

    def cumulative(self, t: Floats, phi: Floats) -> tuple[Floats, Floats]:
        value, power = self._parts(t, phi)
        return value, np.column_stack([value, value * power])

    def cumulative_bend(self, t: Floats, phi: Floats, by: Floats) -> Floats:
        value, power = self._parts(t, phi)
        own = by * value
        mixed = float(own @ power)
        return np.array([[float(own.sum()), mixed], [mixed, float(own @ (power * power + power))]])

    def log_hazard(self, t: Floats, phi: Floats) -> tuple[Floats, Floats]:
        log_time = np.log(t)
        power = np.exp(phi[1]) * log_time
        return phi[0] + phi[1] + power - log_time, np.column_stack([np.ones(len(t)), 1 + power])

    def log_hazard_bend(self, t: Floats, phi: Floats, by: Floats) -> Floats:
        return np.array([[0.0, 0.0], [0.0, float(np.exp(phi[1]) * (by @ np.log(t)))]])

    def _parts(self, t: Floats, phi: Floats) -> tuple[Floats, Floats]:
        """H and k log t; both 0 at t = 0, where H log t has the limit 0."""
        power = np.exp(phi[1]) * np.log(np.where(t > 0, t, 1.0))
        return np.where(t > 0, np.exp(phi[0] + power), 0.0), power


@dataclass(frozen=True)
class Gompertz:
    """h(t) = exp(a + g t): the log hazard is a line in time, of either sign."""

    @property
    def names(self) -> tuple[str, ...]:
        return ("log rate", "slope")

    @property
    def levels(self) -> Floats:
        return np.array([1.0, 0.0])

    def start(self, log_rate: float) -> Floats:
        return np.array([log_rate, 0.0])

    def sizes(self, length: float) -> Floats:
        return np.array([1.0, 1.0 / length])

    def cumulative(self, t: Floats, phi: Floats) -> tuple[Floats, Floats]:
        value, first = self._parts(t, phi, 1)
        return value, np.column_stack([value, first])

    def cumulative_bend(self, t: Floats, phi: Floats, by: Floats) -> Floats:
        value, first, second = self._parts(t, phi)
        mixed = float(by @ first)
        return np.array([[float(by @ value), mixed], [mixed, float(by @ second)]])

    def log_hazard(self, t: Floats, phi: Floats) -> tuple[Floats, Floats]:
        return phi[0] + phi[1] * t, np.column_stack([np.ones(len(t)), t])

    def log_hazard_bend(self, t: Floats, phi: Floats, by: Floats) -> Floats:
        return np.zeros((2, 2))

    def _parts(self, t: Floats, phi: Floats, most: int = 2) -> list[Floats]:
        """H and its derivatives in g up to the order `most`: rate t^(j + 1) times the mean of u^j exp(g t u) on (0, 1).

        The closed forms cancel near g t = 0; there the series takes over.
        """
        rate, x = np.exp(phi[0]), phi[1] * t
        near = np.abs(x) < 0.1
        away, small = np.where(near, 1.0, x), x[near]
        grown = np.exp(away)
        out: list[Floats] = []
        moment = np.expm1(away) / away
        for j in range(most + 1):
            if j > 0:
                moment = (grown - j * moment) / away
            shown = moment
            if len(small):
                shown = moment.copy()
                shown[near] = np.polynomial.polynomial.polyval(small, _SERIES / (np.arange(len(_SERIES)) + j + 1))
            out.append(rate * t ** (j + 1) * shown)
        return out


@dataclass(frozen=True, eq=False)
class Pieces:
    """A constant hazard exp(a_j) on each of (0, c1], (c1, c2], ..., (cm, inf).

    Parameters
    ----------
    cuts : (m,)
        Rising times above zero.
    """

    cuts: Floats

    @property
    def names(self) -> tuple[str, ...]:
        edges = ["0", *(f"{c:g}" for c in self.cuts)]
        inner = [f"log rate ({a}, {b}]" for a, b in itertools.pairwise(edges)]
        return (*inner, f"log rate ({edges[-1]}, inf)")

    @property
    def levels(self) -> Floats:
        return np.ones(len(self.cuts) + 1)

    def start(self, log_rate: float) -> Floats:
        return np.full(len(self.cuts) + 1, log_rate)

    def sizes(self, length: float) -> Floats:
        return np.ones(len(self.cuts) + 1)

    def cumulative(self, t: Floats, phi: Floats) -> tuple[Floats, Floats]:
        slopes = self._lengths(t) * np.exp(phi)
        return slopes.sum(axis=1), slopes

    def cumulative_bend(self, t: Floats, phi: Floats, by: Floats) -> Floats:
        return np.diag(np.exp(phi) * (by @ self._lengths(t)))

    def log_hazard(self, t: Floats, phi: Floats) -> tuple[Floats, Floats]:
        place = np.searchsorted(self.cuts, t, side="left")
        slopes = np.zeros((len(t), len(phi)))
        slopes[np.arange(len(t)), place] = 1.0
        return phi[place], slopes

    def log_hazard_bend(self, t: Floats, phi: Floats, by: Floats) -> Floats:
        return np.zeros((len(phi), len(phi)))

    def _lengths(self, t: Floats) -> Floats:
        """Time spent in each piece by t."""
        begins = np.concatenate([[0.0], self.cuts])
        widths = np.append(np.diff(begins), np.inf)
        return np.asarray(np.clip(t[:, None] - begins, 0.0, widths), dtype=np.float64)
