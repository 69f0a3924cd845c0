"""Hazards seen through a window against the likelihood typed in: ``python -m benchmarks.exit_window [--quick]``.

One reason, a constant hazard, and a policy that multiplies it from a day on. The peer is the doubly truncated
likelihood in NumPy, handed to SciPy's BFGS, which takes slopes by differences.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import optimize

import exitmodels as xm
from benchmarks.pair import Pair, Ready, main

__all__ = ["PAIRS", "rows", "typed_in"]

CLOSE, DAY, MEAN, RATIO = 539.0, 300.0, 180.0, 0.6


def rows(n: int, seed: int = 1) -> dict[str, Any]:
    """SIMULATED exits in a window of 539 days; the policy begins on its 300th day."""
    rng = np.random.default_rng(seed)
    came = rng.uniform(-400, CLOSE, 4 * n)
    change, area = np.maximum(DAY - came, 0.0), rng.exponential(MEAN, 4 * n)
    stay = np.where(area < change, area, change + (area - change) / RATIO)
    seen = np.flatnonzero((came + stay > 0) & (came + stay <= CLOSE))[:n]
    left, right = np.maximum(-came, 0.0)[seen], (CLOSE - came)[seen]
    return {"exit": stay[seen], "left_limit": left, "right_limit": right, "change": change[seen]}


def typed_in(data: dict[str, Any]) -> Any:
    """Log rate and log ratio by BFGS."""
    time, left, right, change = (data[name] for name in ("exit", "left_limit", "right_limit", "change"))

    def loss(theta: Any) -> float:
        rate, ratio = np.exp(theta)

        def hazard(t: Any) -> Any:
            return rate * (np.minimum(t, change) + ratio * np.maximum(t - change, 0.0))

        log_hazard = theta[0] + theta[1] * (time > change)
        seen = np.log(np.exp(-hazard(left)) - np.exp(-hazard(right)))
        return float(-np.mean(log_hazard - hazard(time) - seen))

    return optimize.minimize(loss, np.array([-np.log(np.mean(time)), 0.0]), method="BFGS", options={"gtol": 1e-7}).x


def _prepare(hazard: str) -> Callable[[int], Ready]:
    def prepare(n: int) -> Ready:
        data = rows(n)
        limits = {name: data[name] for name in ("left_limit", "right_limit")}
        spells = xm.Spells(exit=data["exit"], covariates={"change": data["change"]}, **limits)
        model, plain = (xm.ExitWindow(policy="change", hazard=law) for law in (hazard, "exponential"))

        def difference(fit: Any, theirs: Any) -> float:
            """In standard errors."""
            return float(np.max(np.abs(fit.params.to_numpy() - theirs) / fit.bse.to_numpy()))

        return Ready(lambda: model.fit(spells), lambda: typed_in(data), difference, 1.0, lambda: plain.fit(spells))

    return prepare


# BFGS with differences stops a little short of the top, hence a hundredth of a standard error.
PAIRS = tuple(
    Pair(f"window-{law}{size}", f"ExitWindow, {said}", "BFGS, constant hazard", n, 0.0, 1e-2, _prepare(law), "")
    for law, said in (("exponential", "constant hazard"), ("weibull", "Weibull"), ("piecewise", "five pieces"))
    for size, n in (("-small", 431), ("", 1_000_000))
)


if __name__ == "__main__":
    main(PAIRS)
