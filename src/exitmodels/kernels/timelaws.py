"""Laws whose clock covariates stretch: lognormal, log-logistic, gamma and generalised gamma stays.

Ground floor: NumPy and SciPy only. See hazardlaws.py for what a law must answer. The first parameter of each law here
is a location on the log time scale; a row with linear predictor eta has the law's hazard at time t exp(-eta), divided
by exp(eta), which is the law with its location moved by eta. So derivatives by eta are those by the location, and
these laws give their second derivatives time by time.

Read next: uppergamma.py. Called by: windowhazards.py, hazardcurves.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import expit, log_ndtr, polygamma, psi

from exitmodels.arrays import Floats
from exitmodels.kernels.hazardlaws import Known
from exitmodels.kernels.uppergamma import by_differences, log_density, log_stretched, log_upper

__all__ = ["Accelerated", "Gamma", "GeneralisedGamma", "LogLogistic", "LogNormal"]

_LOW, _HIGH = -700.0, 1e8
_FAR = 300.0


class Accelerated(ABC):
    """A law with a location on the log time scale as its first parameter; its basis is the log of time."""

    accelerated = True

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]: ...

    @abstractmethod
    def start(self, log_rate: float) -> Floats: ...

    @abstractmethod
    def cumulative(self, basis: Floats, phi: Floats) -> tuple[Floats, Floats]: ...

    @abstractmethod
    def cumulative_bends(self, basis: Floats, phi: Floats) -> Floats:
        """Second derivatives of the cumulative hazard (f, f, n)."""

    @abstractmethod
    def log_hazard(self, basis: Floats, phi: Floats) -> tuple[Floats, Floats]: ...

    @abstractmethod
    def log_hazard_bends(self, basis: Floats, phi: Floats) -> Floats:
        """Second derivatives of the log hazard (f, f, n)."""

    @property
    def levels(self) -> Floats:
        return np.eye(1, len(self.names)).ravel()

    def scales(self, length: float) -> Floats:
        return np.eye(len(self.names))

    def basis(self, t: Floats) -> Floats:
        """Log times, minus infinity at 0."""
        with np.errstate(divide="ignore"):
            return np.log(t)

    def exit_basis(self, t: Floats) -> Floats:
        """Log times."""
        return np.log(t)

    def cumulative_bend(self, basis: Floats, phi: Floats, by: Floats, known: Known) -> Floats:
        return np.asarray(self.cumulative_bends(basis, phi) @ by, dtype=np.float64)

    def log_hazard_bend(self, basis: Floats, phi: Floats, by: Floats) -> Floats:
        return np.asarray(self.log_hazard_bends(basis, phi) @ by, dtype=np.float64)


class _Standard(NamedTuple):
    """At z: cumulative hazard G, G', G'', and the first and second derivative of log G'; log G' itself."""

    value: Floats
    first: Floats
    second: Floats
    log_first: Floats
    steep: Floats
    bend: Floats


class _LocationScale(Accelerated):
    """H(t) = G((log t - m) / s) with a location m and log s = sign * b."""

    sign = 1.0

    @abstractmethod
    def standard(self, z: Floats) -> _Standard:
        """The law with m = 0 and s = 1 on the log time scale."""

    def _at(self, basis: Floats, phi: Floats) -> tuple[_Standard, Floats, float]:
        spread = float(np.exp(self.sign * phi[1]))
        z = np.clip((basis - phi[0]) / spread, _LOW, _HIGH)
        return self.standard(z), z, spread

    def cumulative(self, basis: Floats, phi: Floats) -> tuple[Floats, Floats]:
        g, z, spread = self._at(basis, phi)
        return g.value, np.stack([-g.first / spread, -self.sign * g.first * z])

    def cumulative_bends(self, basis: Floats, phi: Floats) -> Floats:
        g, z, spread = self._at(basis, phi)
        return self._twice(g.first, g.second, z, spread)

    def log_hazard(self, basis: Floats, phi: Floats) -> tuple[Floats, Floats]:
        g, z, spread = self._at(basis, phi)
        value = g.log_first - self.sign * phi[1] - basis
        return value, np.stack([-g.steep / spread, -self.sign * (g.steep * z + 1)])

    def log_hazard_bends(self, basis: Floats, phi: Floats) -> Floats:
        g, z, spread = self._at(basis, phi)
        return self._twice(g.steep, g.bend, z, spread)

    def _twice(self, first: Floats, second: Floats, z: Floats, spread: float) -> Floats:
        mixed = self.sign * (second * z + first) / spread
        return np.array([[second / spread**2, mixed], [mixed, second * z**2 + first * z]])


@dataclass(frozen=True)
class LogNormal(_LocationScale):
    """log T is normal with mean m and standard deviation exp(b).

    >>> law = LogNormal()
    >>> value, _ = law.cumulative(law.basis(np.array([1.0])), np.array([0.0, 0.0]))
    >>> round(float(np.exp(-value[0])), 6)
    0.5
    """

    @property
    def names(self) -> tuple[str, ...]:
        return ("location", "log sd")

    def start(self, log_rate: float) -> Floats:
        return np.array([-log_rate - 0.4, 0.1])

    def standard(self, z: Floats) -> _Standard:
        upper = log_ndtr(-z)
        log_first = -0.5 * z * z - 0.5 * np.log(2 * np.pi) - upper
        first = np.exp(log_first)
        steep = first - z
        return _Standard(-upper, first, first * steep, log_first, steep, first * steep - 1)


@dataclass(frozen=True)
class LogLogistic(_LocationScale):
    """H(t) = log(1 + (t / exp(m))^k) with k = exp(b); exp(m) is the median.

    >>> law = LogLogistic()
    >>> value, _ = law.cumulative(law.basis(np.array([2.0])), np.array([np.log(2), 0.3]))
    >>> round(float(np.exp(-value[0])), 6)
    0.5
    """

    sign = -1.0

    @property
    def names(self) -> tuple[str, ...]:
        return ("log scale", "log shape")

    def start(self, log_rate: float) -> Floats:
        return np.array([-log_rate - 0.4, 0.3])

    def standard(self, z: Floats) -> _Standard:
        p = expit(z)
        q = expit(-z)
        value = np.logaddexp(0.0, z)
        return _Standard(value, p, p * q, z - value, q, -p * q)


@dataclass(frozen=True)
class Gamma(Accelerated):
    """T / exp(m) has the gamma law with shape exp(b) and scale 1.

    Notes
    -----
    Derivatives by the shape are central differences of fourth order (relative error about 1e-10); those by the
    location are exact.
    """

    @property
    def names(self) -> tuple[str, ...]:
        return ("log scale", "log shape")

    def start(self, log_rate: float) -> Floats:
        return np.array([-log_rate, 0.0])

    def _at(self, basis: Floats, phi: Floats) -> tuple[Floats, Floats, Floats, Floats, float]:
        """G = -log of the upper tail at y = log(t) - m, its y-derivative, y, exp(y) and the shape."""
        y = np.clip(basis - phi[0], -_FAR, _FAR)
        shape = float(np.exp(phi[1]))
        value = -log_upper(shape, np.exp(y))
        return value, np.exp(log_density(shape, y) + value), y, np.exp(y), shape

    def _by_shape(self, y: Floats, phi: Floats) -> tuple[Floats, Floats]:
        """First and second derivative of G by the log shape."""
        return by_differences(lambda b: -log_upper(np.exp(b), np.exp(y)), phi[1], 5e-3 / (1 + np.exp(phi[1] / 2)))

    def cumulative(self, basis: Floats, phi: Floats) -> tuple[Floats, Floats]:
        value, first, y, _, _ = self._at(basis, phi)
        return value, np.stack([-first, self._by_shape(y, phi)[0]])

    def cumulative_bends(self, basis: Floats, phi: Floats) -> Floats:
        _, first, y, u, shape = self._at(basis, phi)
        once, twice = self._by_shape(y, phi)
        mixed = -first * (shape * (y - psi(shape)) + once)
        return np.array([[first * (shape - u + first), mixed], [mixed, twice]])

    def log_hazard(self, basis: Floats, phi: Floats) -> tuple[Floats, Floats]:
        value, first, y, u, shape = self._at(basis, phi)
        once, _ = self._by_shape(y, phi)
        slopes = np.stack([-(shape - u + first), shape * (y - psi(shape)) + once])
        return log_density(shape, y) + value - basis, slopes

    def log_hazard_bends(self, basis: Floats, phi: Floats) -> Floats:
        _, first, y, u, shape = self._at(basis, phi)
        once, twice = self._by_shape(y, phi)
        curved = shape * (y - psi(shape))
        mixed = -(shape + first * (curved + once))
        own = curved - shape**2 * polygamma(1, shape) + twice
        return np.array([[-u + first * (shape - u + first), mixed], [mixed, own]])


@dataclass(frozen=True)
class GeneralisedGamma(Accelerated):
    """w = (log T - m) / s has the log density of Prentice with shape q: Weibull at q = 1, lognormal at q = 0.

    Parameters are m, log s and q, of either sign; the gamma law is q = s.

    Notes
    -----
    Derivatives by q are central differences of fourth order (relative error about 1e-9). Source: Prentice (1974).
    """

    @property
    def names(self) -> tuple[str, ...]:
        return ("location", "log sd", "shape")

    def start(self, log_rate: float) -> Floats:
        return np.array([-log_rate - 0.2, 0.0, 0.6])

    def _at(self, basis: Floats, phi: Floats) -> _Stretched:
        spread, q = float(np.exp(phi[1])), float(phi[2])
        far = _FAR / (abs(q) + 0.02)
        w = np.clip((basis - phi[0]) / spread, -far, far)

        def parts(at: float) -> Floats:
            upper, dense, steep, _ = log_stretched(w, at)
            return np.stack([-upper, dense, steep])

        upper, dense, steep, bend = log_stretched(w, q)
        first = np.exp(dense - upper)
        once, twice = by_differences(parts, q, 1e-2)
        mixed = first * (once[1] + once[0])
        return _Stretched(w, spread, -upper, first, first * (steep + first), dense, steep, bend, once, twice, mixed)

    def cumulative(self, basis: Floats, phi: Floats) -> tuple[Floats, Floats]:
        g = self._at(basis, phi)
        return g.value, np.stack([-g.first / g.spread, -g.first * g.w, g.once[0]])

    def cumulative_bends(self, basis: Floats, phi: Floats) -> Floats:
        g = self._at(basis, phi)
        return _stretched_bends(g, g.first, g.second, g.mixed, g.twice[0])

    def log_hazard(self, basis: Floats, phi: Floats) -> tuple[Floats, Floats]:
        g = self._at(basis, phi)
        steep = g.steep + g.first
        slopes = np.stack([-steep / g.spread, -(steep * g.w + 1), g.once[1] + g.once[0]])
        return g.dense + g.value - phi[1] - basis, slopes

    def log_hazard_bends(self, basis: Floats, phi: Floats) -> Floats:
        g = self._at(basis, phi)
        return _stretched_bends(g, g.steep + g.first, g.bend + g.second, g.once[2] + g.mixed, g.twice[1] + g.twice[0])


class _Stretched(NamedTuple):
    """At w: G = -log of the upper tail, G', G''; the log density and its two w-derivatives.

    `once` and `twice` hold the q-derivatives of G, of the log density and of its slope; `mixed` is that of G'.
    """

    w: Floats
    spread: float
    value: Floats
    first: Floats
    second: Floats
    dense: Floats
    steep: Floats
    bend: Floats
    once: Floats
    twice: Floats
    mixed: Floats


def _stretched_bends(g: _Stretched, first: Floats, second: Floats, mixed: Floats, own: Floats) -> Floats:
    """Second derivatives by location, log s and q of a function of w and q with these derivatives."""
    turned = (second * g.w + first) / g.spread
    return np.array(
        [
            [second / g.spread**2, turned, -mixed / g.spread],
            [turned, second * g.w**2 + first * g.w, -mixed * g.w],
            [-mixed / g.spread, -mixed * g.w, own],
        ]
    )
