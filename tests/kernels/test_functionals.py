"""Numbers read off curves: derivatives against numerical ones, leaving out against refitting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from exitmodels.kernels.functionals import Readings, direction_influence, influence, readings, values
from exitmodels.kernels.leaveout import leave_one_out
from exitmodels.kernels.risksets import risk_index

TIMES = np.array([3.0, 5.5, 9.0])
KINDS = [("survival", 0), ("incidence", 1), ("incidence", 2), ("rmst", 0), ("time-lost", 2), ("cumhaz", 0)]


def made(seed: int = 0, n: int = 25) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(1, 13, n).astype(float), rng.integers(0, 3, n), rng.integers(1, 4, n).astype(float)


def read(exit: np.ndarray, event: np.ndarray, weight: np.ndarray, kind: str, cause: int) -> Readings:
    return readings(risk_index(None, exit, event > 0), event, weight, 2, kind, TIMES, cause)


@pytest.mark.parametrize(("kind", "cause"), KINDS)
def test_influence_is_the_derivative_by_the_weight(kind: str, cause: int) -> None:
    exit, event, weight = made()
    ours, step = influence(read(exit, event, weight, kind, cause)), 1e-5
    for i in range(len(exit)):
        more, less = weight.copy(), weight.copy()
        more[i] += step
        less[i] -= step
        up, down = (values(read(exit, event, w, kind, cause)) for w in (more, less))
        assert_allclose(ours[i], (up - down) / (2 * step), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("kind", "cause"), KINDS)
def test_second_derivatives_along_a_direction(kind: str, cause: int) -> None:
    exit, event, weight = made(4)
    direction = np.random.default_rng(1).normal(size=(len(exit), 2))
    r, step = read(exit, event, weight, kind, cause), 1e-5
    for m in range(len(TIMES)):
        ours = direction_influence(r, m, direction)
        for p in range(2):
            up, down = (
                influence(read(exit, event, weight + sign * step * direction[:, p], kind, cause))[:, m]
                for sign in (1, -1)
            )
            assert_allclose(ours[:, p], (up - down) / (2 * step), rtol=1e-5, atol=1e-8)


@given(st.integers(0, 10_000), st.sampled_from(KINDS), st.integers(2, 12))
def test_leaving_one_out_is_refitting_without_it(seed: int, which: tuple[str, int], n: int) -> None:
    """Also where the one left out was the last at risk: the curve then stays where it was."""
    exit, event, weight = made(seed, n)
    event[0] = 1
    ours = leave_one_out(read(exit, event, weight, *which))
    for i in range(n):
        less = weight.copy()
        less[i] -= 1
        keep = less > 0
        if not (event[keep] > 0).any():
            continue
        assert_allclose(ours[i], values(read(exit[keep], event[keep], less[keep], *which)), rtol=1e-9, atol=1e-10)


def test_homogeneous_numbers_have_influences_that_add_to_nothing() -> None:
    exit, event, weight = made(2)
    for kind, cause in KINDS:
        assert_allclose(weight @ influence(read(exit, event, weight, kind, cause)), 0.0, atol=1e-10)
