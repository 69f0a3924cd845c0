"""Laws of a stay: baseline hazards with their derivatives, for likelihoods that may be truncated on either side.

Ground floor: NumPy only. A law reads times once (`basis`, `exit_basis`); for its own parameters phi it then answers two
questions as often as asked: the cumulative hazard with its slopes, and the log hazard with its slopes, each with the
weighted sum of its second derivatives. A new law is a class with these methods; the likelihood (windowhazards.py) and
the curves (hazardcurves.py) ask nothing else.

Covariates multiply these hazards. Laws whose clock they stretch are in timelaws.py, splines in splinelaw.py.
Called by: windowhazards.py, hazardcurves.py.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from exitmodels.arrays import Floats

__all__ = ["Constant", "Gompertz", "Known", "Law", "Pieces", "Weibull"]

Known = tuple[Floats, Floats]
_SERIES = 1 / np.cumprod([1.0, *range(1, 12)])


class Law(Protocol):
    """A baseline hazard with f parameters.

    `levels` (f,) holds 1 for parameters to which a constant of the linear predictor is added, else 0. `accelerated`
    says whether covariates stretch the clock (`timelaws.Accelerated`) instead of multiplying the hazard.
    """

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def levels(self) -> Floats: ...

    @property
    def accelerated(self) -> bool: ...

    def start(self, log_rate: float) -> Floats:
        """Parameters of the constant hazard exp(log_rate), or near it."""
        ...

    def scales(self, length: float) -> Floats:
        """From the parameters to numbers whose change by 1 alters the hazard e-fold within such a stay (f, f)."""
        ...

    def basis(self, t: Floats) -> Floats:
        """What the cumulative hazard needs of times (..., n)."""
        ...

    def cumulative(self, basis: Floats, phi: Floats) -> tuple[Floats, Floats]:
        """Cumulative hazard (n,), and its slopes (f, n)."""
        ...

    def cumulative_bend(self, basis: Floats, phi: Floats, by: Floats, known: Known) -> Floats:
        """Sum over times of `by` times the second derivative of the cumulative hazard (f, f).

        `known` is what `cumulative` gave at the same times and parameters.
        """
        ...

    def exit_basis(self, t: Floats) -> Floats:
        """What the log hazard needs of times above zero (..., n)."""
        ...

    def log_hazard(self, basis: Floats, phi: Floats) -> tuple[Floats, Floats]:
        """Log hazard (n,), and its slopes (f, n); `basis` is an `exit_basis`."""
        ...

    def log_hazard_bend(self, basis: Floats, phi: Floats, by: Floats) -> Floats:
        """Sum over times of `by` times the second derivative of the log hazard (f, f)."""
        ...


@dataclass(frozen=True)
class Constant:
    """h(t) = exp(a): exponential stays.

    >>> law = Constant()
    >>> law.cumulative(law.basis(np.array([2.0])), np.array([0.0]))[0].tolist()
    [2.0]
    """

    accelerated = False

    @property
    def names(self) -> tuple[str, ...]:
        return ("log rate",)

    @property
    def levels(self) -> Floats:
        return np.ones(1)

    def start(self, log_rate: float) -> Floats:
        return np.array([log_rate])

    def scales(self, length: float) -> Floats:
        return np.eye(1)

    def basis(self, t: Floats) -> Floats:
        return t

    exit_basis = basis

    def cumulative(self, basis: Floats, phi: Floats) -> tuple[Floats, Floats]:
        value = np.exp(phi[0]) * basis
        return value, value[None]

    def cumulative_bend(self, basis: Floats, phi: Floats, by: Floats, known: Known) -> Floats:
        return np.array([[float(by @ known[0])]])

    def log_hazard(self, basis: Floats, phi: Floats) -> tuple[Floats, Floats]:
        return np.full(len(basis), phi[0]), np.ones((1, len(basis)))

    def log_hazard_bend(self, basis: Floats, phi: Floats, by: Floats) -> Floats:
        return np.zeros((1, 1))


@dataclass(frozen=True)
class Weibull:
    """H(t) = exp(a) t^k with k = exp(b): rising (k > 1) or falling (k < 1) as a power of time.

    The scale of the usual form, H = (t / scale)^k, is exp(-a / k).
    """

    accelerated = False

    @property
    def names(self) -> tuple[str, ...]:
        return ("log rate", "log shape")

    @property
    def levels(self) -> Floats:
        return np.array([1.0, 0.0])

    def start(self, log_rate: float) -> Floats:
        return np.array([log_rate, 0.0])

    def scales(self, length: float) -> Floats:
        return np.eye(2)

    def basis(self, t: Floats) -> Floats:
        """Log times, 0 at time 0; and whether time is above 0: there H log t has the limit 0."""
        return np.stack([np.log(np.where(t > 0, t, 1.0)), (t > 0).astype(np.float64)])

    exit_basis = basis

    def cumulative(self, basis: Floats, phi: Floats) -> tuple[Floats, Floats]:
        power = np.exp(phi[1]) * basis[0]
        value = np.exp(phi[0] + power) * basis[1]
        return value, np.stack([value, value * power])

    def cumulative_bend(self, basis: Floats, phi: Floats, by: Floats, known: Known) -> Floats:
        value, turned = known[1]
        mixed = float(by @ turned)
        twice = float(np.exp(phi[1]) * ((by * turned) @ basis[0])) + mixed
        return np.array([[float(by @ value), mixed], [mixed, twice]])

    def log_hazard(self, basis: Floats, phi: Floats) -> tuple[Floats, Floats]:
        power = np.exp(phi[1]) * basis[0]
        return phi[0] + phi[1] + power - basis[0], np.stack([np.ones_like(power), 1 + power])

    def log_hazard_bend(self, basis: Floats, phi: Floats, by: Floats) -> Floats:
        return np.array([[0.0, 0.0], [0.0, float(np.exp(phi[1]) * (by @ basis[0]))]])


@dataclass(frozen=True)
class Gompertz:
    """h(t) = exp(a + g t): the log hazard is a line in time, of either sign."""

    accelerated = False

    @property
    def names(self) -> tuple[str, ...]:
        return ("log rate", "slope")

    @property
    def levels(self) -> Floats:
        return np.array([1.0, 0.0])

    def start(self, log_rate: float) -> Floats:
        return np.array([log_rate, 0.0])

    def scales(self, length: float) -> Floats:
        return np.diag([1.0, length])

    def basis(self, t: Floats) -> Floats:
        return t

    exit_basis = basis

    def cumulative(self, basis: Floats, phi: Floats) -> tuple[Floats, Floats]:
        value, first = self._parts(basis, phi, 1)
        return value, np.stack([value, first])

    def cumulative_bend(self, basis: Floats, phi: Floats, by: Floats, known: Known) -> Floats:
        value, first, second = self._parts(basis, phi, 2)
        mixed = float(by @ first)
        return np.array([[float(by @ value), mixed], [mixed, float(by @ second)]])

    def log_hazard(self, basis: Floats, phi: Floats) -> tuple[Floats, Floats]:
        return phi[0] + phi[1] * basis, np.stack([np.ones_like(basis), basis])

    def log_hazard_bend(self, basis: Floats, phi: Floats, by: Floats) -> Floats:
        return np.zeros((2, 2))

    def _parts(self, t: Floats, phi: Floats, most: int) -> list[Floats]:
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

    accelerated = False

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

    def scales(self, length: float) -> Floats:
        return np.eye(len(self.cuts) + 1)

    def basis(self, t: Floats) -> Floats:
        """Time spent in each piece (f, n)."""
        begins = np.concatenate([[0.0], self.cuts])
        widths = np.append(np.diff(begins), np.inf)
        return np.asarray(np.clip(t - begins[:, None], 0.0, widths[:, None]), dtype=np.float64)

    def cumulative(self, basis: Floats, phi: Floats) -> tuple[Floats, Floats]:
        slopes = np.exp(phi)[:, None] * basis
        return slopes.sum(axis=0), slopes

    def cumulative_bend(self, basis: Floats, phi: Floats, by: Floats, known: Known) -> Floats:
        return np.diag(known[1] @ by)

    def exit_basis(self, t: Floats) -> Floats:
        """Which piece each time lies in, as zeros and ones (f, n)."""
        place = np.searchsorted(self.cuts, t, side="left")
        return (np.arange(len(self.cuts) + 1)[:, None] == place).astype(np.float64)

    def log_hazard(self, basis: Floats, phi: Floats) -> tuple[Floats, Floats]:
        return phi @ basis, basis

    def log_hazard_bend(self, basis: Floats, phi: Floats, by: Floats) -> Floats:
        return np.zeros((len(phi), len(phi)))
