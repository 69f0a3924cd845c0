"""Newton's method with step halving, for concave log-likelihoods.

Ground floor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from exitmodels.arrays import Floats

__all__ = ["Maximum", "Terms", "newton"]


class Terms(Protocol):
    """Value, gradient and information (minus the Hessian) of a function at a point."""

    @property
    def value(self) -> float: ...

    @property
    def gradient(self) -> Floats: ...

    @property
    def information(self) -> Floats: ...


T = TypeVar("T", bound=Terms)


@dataclass(frozen=True, eq=False)
class Maximum(Generic[T]):
    """Where the search ended.

    Attributes
    ----------
    at : (p,)
    terms : value, gradient and information at `at`, or within `tol` of it
    start : the same where the search began
    step : (p,)
        The last Newton step that was proposed.
    converged : bool
    n_steps : int
    """

    at: Floats
    terms: T
    start: T
    step: Floats
    converged: bool
    n_steps: int


def newton(
    evaluate: Callable[[Floats], T], start: Floats, tol: float = 1e-9, max_steps: int = 30, first: T | None = None
) -> Maximum[T]:
    """Maximise a concave function.

    Parameters
    ----------
    evaluate : function of (p,) giving terms
    start : (p,)
    tol : float
        Stop when the Newton step, measured in standard errors (the square root of g' I^-1 g), is below this.
    max_steps : int
    first : terms, optional
        Terms at `start`, if they are known.

    Notes
    -----
    A step that lowers the function (or leaves its domain) is halved, at most 20 times. The last step is
    taken without another evaluation: it moves the answer by less than `tol` standard errors.
    """
    at = np.asarray(start, dtype=float)
    begin = here = evaluate(at) if first is None else first
    step = np.zeros_like(at)
    if len(at) == 0:
        return Maximum(at, here, begin, step, True, 0)
    last = np.inf
    for count in range(1, max_steps + 1):
        step = _solve(here.information, here.gradient)
        size = float(np.sqrt(max(float(step @ here.gradient), 0.0)))
        if size < tol or (size < 1e4 * tol and size >= 0.5 * last):
            return Maximum(at + step, here, begin, step, True, count)
        last = size
        there = evaluate(at + step)
        halvings = 0
        while not there.value >= here.value - 1e-10 * abs(here.value) and halvings < 20:
            step = step / 2
            there = evaluate(at + step)
            halvings += 1
        at, here = at + step, there
    return Maximum(at, here, begin, step, False, max_steps)


def _solve(information: Floats, gradient: Floats) -> Floats:
    scale = np.sqrt(np.maximum(np.diag(information), 1e-300))
    scaled = information / np.outer(scale, scale)
    try:
        return np.asarray(np.linalg.solve(scaled, gradient / scale) / scale)
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.lstsq(scaled, gradient / scale, rcond=1e-12)[0] / scale)
