"""One task, one peer: the answers agree, then both take turns.

Modules of the benchmarks that hold a tuple ``PAIRS`` stand in the one table of ``python -m benchmarks.report``, and
print their own lines by ``python -m benchmarks.<name> [--quick]``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np

from benchmarks.measure import alternate, seconds

__all__ = ["Measured", "Pair", "Ready", "close", "main", "measure"]


@dataclass(frozen=True)
class Ready:
    """Both jobs on one draw of data.

    Parameters
    ----------
    ours, theirs : callable
        Without arguments.
    difference : callable
        From the two answers to the largest difference, on the scale of the pair's tolerance.
    factor : float
        The peer's seconds count this many times: it was given this fraction of the rows, and its time is linear.
    check : callable, optional
        Ours for the comparison of answers, where the peer is given fewer rows.
    """

    ours: Callable[[], Any]
    theirs: Callable[[], Any]
    difference: Callable[[Any, Any], float]
    factor: float = 1.0
    check: Callable[[], Any] | None = None


@dataclass(frozen=True)
class Pair:
    """A task and a peer.

    Parameters
    ----------
    key, title : str
    peer : str
        As printed; a `package` of that name is wanted unless another, or "" for none, is named.
    n : int
        Full size, and `least` the size below which nothing is measured.
    aim : float
        The ratio to reach; 0 for none.
    tolerance : float
        Largest difference of the answers.
    prepare : callable
        From a size to `Ready`.
    """

    key: str
    title: str
    peer: str
    n: int
    aim: float
    tolerance: float
    prepare: Callable[[int], Ready]
    package: str | None = None
    least: int = 431


@dataclass(frozen=True)
class Measured:
    """Seconds of ours, how many times longer the peer took, or why there is no ratio."""

    pair: Pair
    n: int
    ours: float = float("nan")
    ratio: float = float("nan")
    note: str = ""

    def verdict(self) -> str:
        """What became of the aim."""
        aim, what = self.pair.aim, f"{self.pair.aim:g}x {self.pair.peer}"
        if not aim:
            return ""
        if self.ratio != self.ratio:
            return f"{what}: not measured"
        if self.n != self.pair.n:
            return f"{what}: at {self.pair.n:,} rows"
        return f"{what}: " + (
            f"met ({self.ratio:.3g})"
            if self.ratio >= aim
            else f"missed by {aim / self.ratio:.3g} times ({self.ratio:.3g})"
        )

    def cells(self) -> list[str]:
        """A row of the report's table."""
        spent = f"{self.ours:.3g} s" if self.ours == self.ours else ""
        named = self.note or f"{self.pair.peer} {self.ratio:.3g}x"
        return [self.pair.title, f"{self.n:,}", spent, named, "", "", self.verdict()]

    def __str__(self) -> str:
        spent = f"{self.ours:.3g} s" if self.ours == self.ours else "not timed"
        named = self.note or f"{self.pair.peer} / exitmodels = {self.ratio:.3g}"
        verdict = self.verdict()
        return f"{self.pair.title}, {self.n:,}: {spent}; {named}" + (f" ({verdict})" if verdict else "")


def close(ours: Any, theirs: Any) -> float:
    """Largest difference relative to one, or to the peer's number where that is larger; NaN for another shape."""
    here, there = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    if here.shape != there.shape:
        return float("nan")
    return float(np.max(np.abs(here - there) / np.maximum(np.abs(there), 1.0)))


def measure(pair: Pair, n: int) -> Measured:
    """Show that the answers agree, then time both."""
    package = pair.peer if pair.package is None else pair.package
    try:
        version = f" {metadata.version(package)}" if package else ""
    except metadata.PackageNotFoundError:
        return Measured(pair, n, seconds(pair.prepare(n).ours), note=f"{pair.peer}: not installed")
    ready = pair.prepare(n)
    gap = ready.difference((ready.check or ready.ours)(), ready.theirs())
    if not gap <= pair.tolerance:
        return Measured(pair, n, note=f"{pair.peer}{version} disagrees by {gap:.2g}")
    here, there = alternate(ready.ours, ready.theirs)
    spent = float(np.median(here))
    return Measured(pair, n, spent, float(np.median(there)) * ready.factor / spent)


def size(pair: Pair, quick: bool) -> int:
    """Rows to measure at: all, or a hundredth."""
    return max(min(pair.least, pair.n), pair.n // 100) if quick else pair.n


def main(pairs: Iterable[Pair]) -> None:
    """Print every pair of a module."""
    quick = "--quick" in sys.argv
    for pair in pairs:
        print(measure(pair, size(pair, quick)), flush=True)
