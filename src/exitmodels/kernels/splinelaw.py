"""A smooth baseline hazard: the log cumulative hazard is a natural cubic spline in log time.

Ground floor: NumPy only. See hazardlaws.py for what a law must answer, and windowhazards.py for who asks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.kernels.hazardlaws import Known

__all__ = ["Spline", "spline_basis"]


def spline_basis(x: Floats, knots: Floats) -> tuple[Floats, Floats]:
    """Natural cubic spline on knots, linear beyond the outer ones: 1, x, then one column for each inner knot.

    Parameters
    ----------
    x : (n,)
    knots : (m + 2,)
        Rising.

    Returns
    -------
    values, slopes : (m + 2, n)

    Notes
    -----
    With u = max(x - knot, 0)^3 and r = (last - inner) / (last - first), a column is
    u(inner) - r u(first) - (1 - r) u(last). Source: Royston & Parmar (2002), section 2.2.

    Examples
    --------
    >>> spline_basis(np.array([0.0, 1.0, 3.0]), np.array([0.0, 1.0, 2.0]))[0][2].tolist()
    [0.0, -0.5, -6.0]
    """
    first, last, inner = knots[0], knots[-1], knots[1:-1, None]
    share = (last - inner) / (last - first)
    low, high, own = (np.maximum(x - knot, 0.0) for knot in (first, last, inner))
    values = own**3 - share * low**3 - (1 - share) * high**3
    slopes = 3 * (own**2 - share * low**2 - (1 - share) * high**2)
    ones = np.ones_like(x)
    return np.vstack([ones, x, values]), np.vstack([np.zeros_like(x), ones, slopes])


@dataclass(frozen=True, eq=False)
class Spline:
    """log H(t) = a0 + a1 log t + a2 v1(log t) + ...: a Weibull law that is let bend at the inner knots.

    The log cumulative hazard is modelled, not the log hazard, because H is then known in closed form: a truncated
    likelihood needs it at both limits of every row, and at each change of policy between. The price is that H need
    not rise for all coefficients; where it falls the law has no hazard, and the search stays out.

    Parameters
    ----------
    knots : (m + 2,)
        Rising log times; the outer two are where the law becomes a power of time.

    Notes
    -----
    Source: Royston & Parmar (2002).
    """

    knots: Floats

    accelerated = False

    @property
    def names(self) -> tuple[str, ...]:
        return ("log rate", "log time", *(f"bend {j}" for j in range(1, len(self.knots) - 1)))

    @property
    def levels(self) -> Floats:
        return np.eye(1, len(self.knots)).ravel()

    def start(self, log_rate: float) -> Floats:
        phi = np.zeros(len(self.knots))
        phi[:2] = log_rate, 1.0
        return phi

    def scales(self, length: float) -> Floats:
        """Log cumulative hazards at the knots."""
        return np.asarray(spline_basis(self.knots, self.knots)[0].T, dtype=np.float64)

    def basis(self, t: Floats) -> Floats:
        """The spline's columns at log times; the last row is whether time is above 0."""
        inside = t > 0
        values, _ = spline_basis(np.log(np.where(inside, t, 1.0)), self.knots)
        return np.vstack([values, inside])

    def cumulative(self, basis: Floats, phi: Floats) -> tuple[Floats, Floats]:
        value = np.exp(phi @ basis[:-1]) * basis[-1]
        return value, value * basis[:-1]

    def cumulative_bend(self, basis: Floats, phi: Floats, by: Floats, known: Known) -> Floats:
        return np.asarray((known[1] * by) @ basis[:-1].T, dtype=np.float64)

    def exit_basis(self, t: Floats) -> Floats:
        """Columns and their slopes in log time (2, f, n)."""
        return np.stack(spline_basis(np.log(t), self.knots))

    def log_hazard(self, basis: Floats, phi: Floats) -> tuple[Floats, Floats]:
        columns, steep = basis
        rise = phi @ steep
        return phi @ columns + np.log(rise) - columns[1], columns + steep / rise

    def log_hazard_bend(self, basis: Floats, phi: Floats, by: Floats) -> Floats:
        steep = basis[1]
        return -(steep * (by / (phi @ steep) ** 2)) @ steep.T

    def rises(self, phi: Floats, end: float) -> bool:
        """Whether the cumulative hazard rises all the way to `end`."""
        low = min(self.knots[0], np.log(end))
        x = np.unique(np.concatenate([np.linspace(low, np.log(end), 400), self.knots[self.knots <= np.log(end)]]))
        return bool((phi @ spline_basis(x, self.knots)[1] > 0).all())
