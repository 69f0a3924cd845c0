"""Count autoregression against the same recursion written as a loop over time: ``python -m benchmarks.count_series``.

Three loops over an INGARCH(1,1) series, each in plain Python: one as the formulas of the papers look when typed in,
with arrays for the mean and its derivatives; the likelihood alone, handed to an optimiser without slopes; and one pared
down to Python numbers with every derivative unrolled, the fastest that plain Python gets.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import exitmodels as xm
from benchmarks.agree import compare
from benchmarks.pair import Pair, Ready, main
from exitmodels.kernels.ingarch import Recursion
from exitmodels.kernels.ingarch_fit import fit_mean

TRUTH = (2.0, 0.3, 0.5)


def series(n: int, seed: int = 1) -> Any:
    """An INGARCH(1,1) series with the identity link."""
    rng, mean = np.random.default_rng(seed), TRUTH[0] / (1 - TRUTH[1] - TRUTH[2])
    out = np.empty(n, dtype=np.int64)
    for t in range(n):
        out[t] = rng.poisson(mean)
        mean = TRUTH[0] + TRUTH[1] * out[t] + TRUTH[2] * mean
    return out


def loop(y: list[int], theta: Any) -> tuple[float, Any, Any]:
    """Log-likelihood (without constants), score and expected information, by the definition."""
    b0, b1, a1 = (float(v) for v in theta)
    first = y[0]
    mean, d0, d1, d2 = float(first), 0.0, 0.0, 0.0
    before, value = first, 0.0
    s0 = s1 = s2 = i00 = i01 = i02 = i11 = i12 = i22 = 0.0
    for count in y:
        d0, d1, d2 = 1 + a1 * d0, before + a1 * d1, mean + a1 * d2
        mean = b0 + b1 * before + a1 * mean
        value += count * math.log(mean) - mean
        pull = count / mean - 1
        s0, s1, s2 = s0 + pull * d0, s1 + pull * d1, s2 + pull * d2
        i00, i01, i02 = i00 + d0 * d0 / mean, i01 + d0 * d1 / mean, i02 + d0 * d2 / mean
        i11, i12, i22 = i11 + d1 * d1 / mean, i12 + d1 * d2 / mean, i22 + d2 * d2 / mean
        before = count
    return value, np.array([s0, s1, s2]), np.array([[i00, i01, i02], [i01, i11, i12], [i02, i12, i22]])


def typed_in(y: Any, theta: Any) -> tuple[float, Any, Any]:
    """The same as `loop`, with the arrays of the formulas."""
    n = len(y)
    mean, slope = np.empty(n), np.zeros((n, 3))
    score, information, value = np.zeros(3), np.zeros((3, 3)), 0.0
    before, last, moved = y[0], float(y[0]), np.zeros(3)
    for t in range(n):
        mean[t] = theta[0] + theta[1] * before + theta[2] * last
        slope[t] = np.array([1.0, before, last]) + theta[2] * moved
        value += y[t] * np.log(mean[t]) - mean[t]
        score += (y[t] / mean[t] - 1) * slope[t]
        information += np.outer(slope[t], slope[t]) / mean[t]
        before, last, moved = y[t], mean[t], slope[t]
    return value, score, information


def by_differences(y: list[int], start: Any) -> Any:
    """Likelihood by a loop, slopes by the optimiser's differences."""
    from scipy.optimize import minimize

    def loss(theta: Any) -> float:
        b0, b1, a1 = (float(v) for v in theta)
        if b0 <= 0 or b1 < 0 or a1 < 0 or b1 + a1 >= 1:
            return 1e300
        mean, before, value = float(y[0]), y[0], 0.0
        for count in y:
            mean = b0 + b1 * before + a1 * mean
            value += count * math.log(mean) - mean
            before = count
        return -value / len(y)

    return minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-13, "maxiter": 1000}).x


def loop_fit(y: Any, start: Any, loop: Callable[[Any, Any], Any] = loop) -> tuple[Any, Any]:
    """Fisher scoring with a loop, to the same rule of stopping."""
    at = np.array(start, dtype=float)
    value, score, information = loop(y, at)
    for _ in range(100):
        step = np.linalg.solve(information, score)
        there = loop(y, at + step)
        while not there[0] >= value - 1e-9:
            step = step / 2
            there = loop(y, at + step)
        gain = float(score @ step)
        at, (value, score, information) = at + step, there
        if gain < 1e-14 * abs(value):
            break
    return at, np.sqrt(np.diag(np.linalg.inv(information)))


def recursion(y: Any) -> Recursion:
    """The same model for our kernel."""
    n = len(y)
    return Recursion(y.astype(float), np.ones(n), np.ones((n, 1)), np.array([False]), (1,), (1,), False, before="first")


START = np.array([3.0, 0.2, 0.5])


def _difference(here: Any, there: Any) -> float:
    """Of coefficients and, where the peer has them, standard errors; in tolerated differences."""
    theirs = {"coef": there[0], "coef_se": there[1]} if isinstance(there, tuple) else {"coef": there}
    agreed = compare({"coef": here[0], "coef_se": here[1]}, theirs)
    return agreed.difference / agreed.tolerance


def _bare(y: Any) -> tuple[Any, Any]:
    fit = fit_mean(recursion(y), START)
    return fit.at, np.sqrt(np.diag(np.linalg.inv(fit.surface.expected)))


def _whole(y: Any) -> Callable[[], tuple[Any, Any]]:
    counts = xm.Counts.from_table({"n": y}, n="n")
    model = xm.CountAR(past_means=(1,), link="identity", before="first")

    def fit() -> tuple[Any, Any]:
        found = model.fit(counts)
        return found.estimate, found.standard_errors

    return fit


def _prepare(peer: str, whole: bool) -> Callable[[int], Ready]:
    def prepare(n: int) -> Ready:
        y = series(n)
        plain = y.tolist()
        run = {
            "typed-in loop": lambda: loop_fit(y, START, typed_in),
            "pared-down loop": lambda: loop_fit(plain, START, loop),
            "loop without slopes": lambda: by_differences(plain, START),
        }[peer]
        return Ready(_whole(y) if whole else lambda: _bare(y), run, _difference)

    return prepare


PAIRS = (
    *(
        Pair(f"ingarch-{peer[:5]}", "INGARCH fit, kernel", peer, 100_000, aim, 1.0, _prepare(peer, False), package="")
        for peer, aim in (("typed-in loop", 100.0), ("pared-down loop", 0.0), ("loop without slopes", 0.0))
    ),
    Pair("ingarch", "CountAR.fit", "typed-in loop", 100_000, 100.0, 1.0, _prepare("typed-in loop", True), package=""),
)


if __name__ == "__main__":
    main(PAIRS)
