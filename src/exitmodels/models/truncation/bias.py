"""What a naive reading of records of exits would have said.

Third floor, in the room of truncation.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import gamma as gamma_function

from exitmodels.errors import DataError
from exitmodels.render.text import Summary
from exitmodels.results.bibliography import citation
from exitmodels.results.storing import Stored

__all__ = ["WindowBias", "window_bias"]

_POINTS = 400


@dataclass(frozen=True, eq=False, kw_only=True)
class WindowBias(Stored):
    """The naive mean stay and the true one.

    Attributes
    ----------
    true_mean, naive_mean : float
        Of all stays, and of those on record.
    ratio : float
        naive / true.
    recorded : float
        Share, among people who came before the close, of those who have a record.
    """

    true_mean: float
    naive_mean: float
    ratio: float
    recorded: float
    method: str
    sources: tuple[str, ...] = ("lagakos1988",)

    def summary(self) -> Summary:
        """Return the printed form."""
        facts = (
            ("true mean stay", self.true_mean),
            ("mean of recorded stays", self.naive_mean),
            ("naive / true", self.ratio),
            ("share recorded", self.recorded),
        )
        return Summary(self.method, facts, ())

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(self.sources, self.method)


def window_bias(
    mean_stay: float, window: float, before: float = 0.0, growth: float = 0.0, shape: float = 1.0
) -> WindowBias:
    """Mean of the stays on record when only exits inside a window are recorded.

    Parameters
    ----------
    mean_stay : float
        True mean stay.
    window : float
        Length of the window, in the same unit.
    before : float
        How long before the window opened people had been coming; 0: everybody came inside it. May be infinite when
        `growth` is not negative.
    growth : float
        People come at a rate proportional to exp(growth * time).
    shape : float
        Shape of the Weibull law of stays; 1 is exponential.

    Notes
    -----
    A stay t is on record for people who came between max(-before, -t) and window - t. With a steady stream from long
    ago every stay has the same chance and the mean is right, though long and short stays are seen of different people;
    the shorter the stream, or the faster it grows, the more long stays are missing. The integrals are by Gauss-Legendre
    quadrature in the share of stays; error about 1e-9 for shapes from 0.5 to 5.

    Source: Lagakos, Barraj & De Gruttola (1988), for the scheme.

    Examples
    --------
    >>> import exitmodels as xm
    >>> round(xm.window_bias(200, 539).ratio, 3)
    0.574
    >>> round(xm.window_bias(200, 539, before=float("inf")).ratio, 6)
    1.0
    """
    for name, value, good in (
        ("mean_stay", mean_stay, np.isfinite(mean_stay) and mean_stay > 0),
        ("window", window, np.isfinite(window) and window > 0),
        ("before", before, before >= 0),
        ("shape", shape, np.isfinite(shape) and shape > 0),
        ("growth", growth, np.isfinite(growth) and (growth >= 0 or np.isfinite(before))),
    ):
        if not good:
            raise DataError(f"{name}={value} cannot be.", code=name, hint="Lengths are positive; see the docstring.")
    scale = mean_stay / gamma_function(1 + 1 / shape)
    edges = [0.0, *sorted(b for b in {before, window, window + before} if 0 < b < np.inf), np.inf]
    nodes, weights = np.polynomial.legendre.leggauss(_POINTS)
    total = weighted = 0.0
    for low, high in pairwise(edges):
        if low >= window + before:
            break
        # z = (t / scale)^shape has the exponential law; far beyond 60 there is no mass
        a, b = min((low / scale) ** shape, 60.0), min((high / scale) ** shape, 60.0)
        root_a, root_b = a ** (1 / 2), b ** (1 / 2)
        root = (root_b - root_a) / 2 * nodes + (root_a + root_b) / 2
        z = root**2
        t = scale * z ** (1 / shape)
        mass = (root_b - root_a) / 2 * weights * 2 * root * np.exp(-z)
        came = _came(np.maximum(-before, -t), np.minimum(window, window - t), growth)
        total += float(mass @ came)
        weighted += float(mass @ (came * t))
    everybody = float(_came(np.array([-before]), np.array([window]), growth)[0])
    return WindowBias(
        true_mean=float(mean_stay),
        naive_mean=weighted / total,
        ratio=weighted / total / mean_stay,
        recorded=total / everybody if np.isfinite(everybody) else 0.0,
        method=f"What recorded exits would say: window {window:g}, people coming from {before:g} before it",
    )


def _came(start: np.ndarray, stop: np.ndarray, growth: float) -> np.ndarray:
    """People who came between two times, 0 when they are out of order."""
    if growth == 0:
        return np.maximum(stop - start, 0.0)
    return np.maximum(np.exp(growth * stop) - np.exp(growth * start), 0.0) / growth
