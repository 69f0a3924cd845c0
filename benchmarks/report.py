"""The table of ratios: ``python -m benchmarks.report [--quick] [--only TASK] [--no-r]``.

For each line the answers are shown to agree first; then ours and each peer's take turns, and the ratio
peer / ours of the median seconds is printed, with the aim of the line. A peer that disagrees, or would
take more than a minute, is named with the reason and not counted.

On a busy machine BLAS threads wait for each other; OPENBLAS_NUM_THREADS=1 gives ratios that can be repeated.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

import exitmodels as xm
from benchmarks import (
    changepoints,
    composition,
    count_effects,
    count_series,
    exit_window,
    hawkes,
    hijri,
    interrupted,
    peers,
    rscript,
    small_counts,
    truncation,
)
from benchmarks.agree import compare
from benchmarks.data import Design, Sample, draw
from benchmarks.measure import alternate, peak_megabytes, seconds, timed
from benchmarks.pair import Measured, measure, size
from benchmarks.tasks import TASKS, Job, Numbers

__all__ = ["LINES", "PAIRS", "Aim", "Line", "Outcome", "Row", "job_of", "main", "measure_line", "table"]

PAIRS = tuple(
    pair
    for module in (
        small_counts,
        count_effects,
        count_series,
        interrupted,
        changepoints,
        composition,
        hawkes,
        hijri,
        truncation,
        exit_window,
    )
    for pair in module.PAIRS
)
LIMIT = 60.0
SMALL = 431


@dataclass(frozen=True)
class Aim:
    """What a line should reach.

    Parameters
    ----------
    of : str
        The name of a peer, "fastest", "fastest Python" (all but R), "seconds", "sorts" or "matrices".
    value : float
        At least this ratio; or at most this many seconds, sorts, or design matrices of extra memory.
    """

    of: str
    value: float

    @property
    def upper(self) -> bool:
        """Whether the value must stay below."""
        return self.of in ("seconds", "sorts", "matrices")


@dataclass(frozen=True)
class Line:
    """One line of the table: a task on a sample of one design and size."""

    key: str
    task: str
    title: str
    n: int
    design: Design
    aims: tuple[Aim, ...]


@dataclass(frozen=True)
class Outcome:
    """What came of one peer: a ratio and its memory, or why there is none."""

    name: str
    ratio: float = float("nan")
    megabytes: float = float("nan")
    note: str = ""

    def __str__(self) -> str:
        if self.note:
            return self.note
        return _times(self.ratio) + (f" ({self.megabytes:.0f} MB)" if self.megabytes == self.megabytes else "")


@dataclass
class Row:
    """One line as measured."""

    line: Line
    n: int
    ours: float
    megabytes: float = float("nan")
    whole: float = float("nan")
    sorts: float = float("nan")
    outcomes: list[Outcome] = field(default_factory=list)

    def counted(self, python_only: bool = False) -> list[Outcome]:
        """Peers with a ratio, the fastest first."""
        some = [o for o in self.outcomes if o.ratio == o.ratio and not (python_only and o.name.startswith("R "))]
        return sorted(some, key=lambda o: o.ratio)

    def got(self, aim: Aim) -> float:
        """The number that an aim speaks of; NaN when it could not be measured."""
        matrix = self.n * max(self.line.design.columns, 1) * 8 / 1e6
        plain = {"seconds": self.ours, "sorts": self.sorts, "matrices": self.megabytes / matrix - 1}
        if aim.of in plain:
            return plain[aim.of]
        some = self.counted(aim.of == "fastest Python")
        if not aim.of.startswith("fastest"):
            some = [o for o in some if o.name == aim.of]
        return some[0].ratio if some else float("nan")


_DAYS = Design(whole=True, delayed=True)
_BEAT_R, _FAST = "R survival", "fastest"
LINES: tuple[Line, ...] = (
    Line(
        "cox",
        "cox",
        "Cox, Efron, delayed entry, days, 10 columns",
        1_000_000,
        Design(delayed=True, columns=10),
        (Aim(_BEAT_R, 10), Aim("fastest Python", 4), Aim("matrices", 1.5)),
    ),
    Line("cox-small", "cox", "Cox, Efron, days, 5 columns", SMALL, Design(columns=5), (Aim("seconds", 0.003),)),
    Line(
        "km-days",
        "km",
        "Kaplan-Meier, delayed entry, days",
        10_000_000,
        _DAYS,
        (Aim(_BEAT_R, 100), Aim("lifelines", 5)),
    ),
    Line(
        "km-real",
        "km",
        "Kaplan-Meier, delayed entry, real times",
        10_000_000,
        Design(whole=False, delayed=True),
        (Aim(_BEAT_R, 30),),
    ),
    Line("logrank", "logrank", "Log-rank, 2 groups, days", 1_000_000, Design(groups=2), (Aim(_FAST, 10),)),
    Line("aj", "aj", "Aalen-Johansen with variance, 2 causes, days", 1_000_000, Design(causes=2), (Aim(_FAST, 30),)),
    Line(
        "concordance",
        "concordance",
        "Concordance with its standard error, real times",
        1_000_000,
        Design(whole=False, columns=1),
        (Aim(_BEAT_R, 7), Aim("lifelines", 35)),
    ),
    Line(
        "fine-gray",
        "fine-gray",
        "Fine-Gray with robust variance, days, 10 columns",
        1_000_000,
        Design(causes=2, columns=10),
        (Aim("fastest Python", 5), Aim("matrices", 4)),
    ),
    Line(
        "fine-gray-real",
        "fine-gray",
        "Fine-Gray with robust variance, real times, 5 columns",
        100_000,
        Design(whole=False, causes=2, columns=5),
        (Aim("fastest Python", 5),),
    ),
    Line(
        "fine-gray-small",
        "fine-gray-small",
        "Fine-Gray with robust variance, days, 5 columns",
        SMALL,
        Design(causes=2, columns=5),
        (Aim("fastest", 5),),
    ),
    Line("turnbull", "turnbull", "Turnbull, visits at free gaps", 10_000, Design(visits=True), (Aim(_FAST, 1),)),
    Line("turnbull-small", "turnbull", "Turnbull, visits at free gaps", SMALL, Design(visits=True), (Aim(_FAST, 1),)),
    Line("bootstrap", "bootstrap", "1,000 bootstrap medians, days", SMALL, Design(), (Aim(_FAST, 50),)),
    Line("from-frame", "from-frame", "Spells.from_frame, days, delayed entry", 10_000_000, _DAYS, (Aim("sorts", 1),)),
)


# ---- reading a table ---------------------------------------------------------------------------------------------
def _frame_job(sample: Sample) -> Callable[[], Any]:
    import pandas as pd

    frame = pd.DataFrame({"exit": sample.exit, "event": sample.event, "entry": sample.entry})
    return lambda: xm.Spells.from_frame(frame, exit="exit", event="event", entry="entry")


def job_of(line: Line, peer: str) -> Job:
    """The job of a peer (or ours, "exitmodels") for a line."""
    if line.task == "from-frame":
        return Job("exitmodels", _frame_job, lambda spells, sample: {})
    jobs = (TASKS[line.task], *peers.PEERS[line.task])
    return next(job for job in jobs if job.name == peer)


def _measure_frame(line: Line, n: int, memory: bool) -> Row:
    sample = draw(n, line.design)
    read = _frame_job(sample)
    read()
    sort, ours = alternate(lambda: np.sort(sample.exit), read)
    median = float(np.median(ours))
    row = Row(line, n, median, sorts=median / float(np.median(sort)))
    if memory:
        row.megabytes = peak_megabytes(line.key, "exitmodels", n)
    return row


# ---- one line ----------------------------------------------------------------------------------------------------
def measure_line(
    line: Line, n: int, with_r: bool = True, memory: bool = True, say: Callable[[str], None] = print
) -> Row:
    """Measure ours and every peer that can do the line at n rows."""
    if line.task == "from-frame":
        return _measure_frame(line, n, memory)
    sample, ours = draw(n, line.design), TASKS[line.task]
    run = ours.prepare(sample)
    numbers = ours.read(run(), sample)
    row = Row(line, n, seconds(run), whole=seconds(lambda: ours.prepare(sample)()))
    spent = [row.ours]
    if memory:
        row.megabytes = peak_megabytes(line.key, ours.name, n)
    for job in peers.PEERS[line.task]:
        row.outcomes.append(_peer(line, job, sample, run, numbers, memory, spent))
        say(f"  {line.key}, {n} rows, {job.name}: {row.outcomes[-1]}")
    for task, name in rscript.SCRIPTS if with_r else ():
        if task == line.task:
            row.outcomes.append(_in_r(line, name, sample, run, numbers))
            say(f"  {line.key}, {n} rows, {name}: {row.outcomes[-1]}")
    row.ours = float(np.median(spent))
    return row


def _peer(
    line: Line, job: Job, sample: Sample, run: Callable[[], Any], numbers: Numbers, memory: bool, spent: list[float]
) -> Outcome:
    """Measure one Python peer; our own seconds of the same minutes are added to `spent`."""
    why = peers.missing(job.name) or peers.CANNOT.get((line.task, job.name))
    if why:
        return Outcome(job.name, note=why)
    try:
        note = _too_slow(line, len(sample), lambda small: _once(line, job, small))
        if note:
            return Outcome(job.name, note=note)
        theirs = job.prepare(sample)
        same = compare(numbers, job.read(theirs(), sample))
        if not same.holds:
            return Outcome(job.name, note=f"disagrees: {same}")
        here, there = alternate(run, theirs)
        spent += here
    except Exception as error:
        return Outcome(job.name, note=f"failed: {type(error).__name__}: {str(error)[:80]}")
    grown = peak_megabytes(line.key, job.name, len(sample)) if memory else float("nan")
    return Outcome(job.name, float(np.median(there) / np.median(here)), grown)


def _in_r(line: Line, name: str, sample: Sample, run: Callable[[], Any], numbers: Numbers) -> Outcome:
    why = rscript.missing(name)
    if why:
        return Outcome(name, note=why)

    def small(rows: Sample) -> tuple[float, str]:
        got = rscript.run(line.task, name, rows, runs=1)
        return float(np.median(got.seconds)), _disagreement(line, rows, got.numbers)

    try:
        note = _too_slow(line, len(sample), small)
        if note:
            return Outcome(name, note=note)
        before = seconds(run)
        got = rscript.run(line.task, name, sample)
        after = seconds(run)
    except (RuntimeError, OSError, ValueError) as error:
        return Outcome(name, note=f"failed: {type(error).__name__}: {str(error)[:80]}")
    same = compare(numbers, got.numbers)
    if not same.holds:
        return Outcome(name, note=f"disagrees: {same}")
    return Outcome(name, float(np.median(got.seconds)) / ((before + after) / 2), got.megabytes)


def _once(line: Line, job: Job, sample: Sample) -> tuple[float, str]:
    run = job.prepare(sample)
    spent, answer = timed(run)
    return spent, _disagreement(line, sample, job.read(answer, sample))


def _disagreement(line: Line, sample: Sample, theirs: Numbers) -> str:
    ours = TASKS[line.task]
    same = compare(ours.read(ours.prepare(sample)(), sample), theirs)
    return "" if same.holds else f"disagrees at {len(sample)}: {same}"


def _too_slow(line: Line, n: int, attempt: Callable[[Sample], tuple[float, str]]) -> str:
    """Climb to the size by tens first; say when the next step or the whole would pass the limit, or disagrees."""
    before, growth = 0.0, 10.0
    for share in (1000, 100, 10):
        size = n // share
        if size < SMALL:
            continue
        spent, note = attempt(draw(size, line.design))
        if note:
            return note
        growth = max(5.0, spent / before) if before else growth
        steps = 1 if share == 10 else 2
        if share < 1000 and spent * growth**steps > LIMIT:
            return f"> {LIMIT:.0f} s ({spent:.2g} s for {size:,})"
        before = spent
    return ""


# ---- the table ---------------------------------------------------------------------------------------------------
def _times(ratio: float) -> str:
    return f"{ratio:.0f}x" if ratio >= 20 else f"{ratio:.1f}x"


_UNITS = {"seconds": "s", "sorts": "of one np.sort", "matrices": "design matrices beyond the first"}


def _verdict(row: Row, aim: Aim) -> str:
    got = row.got(aim)
    what = f"below {aim.value:g} {_UNITS[aim.of]}" if aim.upper else f"{aim.value:g}x {aim.of}"
    if row.n != row.line.n:
        return f"{what}: at {row.line.n:,} rows"
    if got != got:
        return f"{what}: not measured"
    if (got < aim.value) if aim.upper else (got >= aim.value):
        return f"{what}: met ({got:.3g})"
    return f"{what}: missed by {(got / aim.value if aim.upper else aim.value / got):.3g} times ({got:.3g})"


def _cells(row: Row) -> list[str]:
    fastest = row.counted()[:1]
    ours = f"{row.ours:.3g} s" + (f" ({row.megabytes:.0f} MB)" if row.megabytes == row.megabytes else "")
    named, whole = "", ""
    if fastest:
        named = f"{fastest[0].name} {fastest[0]}"
        whole = _times(fastest[0].ratio * row.ours / row.whole)
    others = "; ".join(f"{o.name} {o}" for o in [*row.counted()[1:], *(o for o in row.outcomes if o.note)])
    aims = "; ".join(_verdict(row, aim) for aim in row.line.aims)
    return [row.line.title, f"{row.n:,}", ours, named, whole, others, aims]


def table(rows: Iterable[Row | Measured]) -> str:
    """The measured lines as one Markdown table."""
    head = ["task", "rows", "ours", "fastest peer", "same, Spells made too", "other peers", "aims"]
    lines = [head, ["---"] * len(head), *(row.cells() if isinstance(row, Measured) else _cells(row) for row in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def machine() -> str:
    """Cores, processor and versions."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [row.split(":", 1)[1].strip() for row in info.read_text().splitlines() if row.startswith("model name")]
        model = names[0] if names else model
    packages = dict.fromkeys(["numpy", "scipy", "pandas", *peers.PACKAGE.values()])
    found = [f"Python {platform.python_version()}", f"exitmodels {xm.__version__}"]
    for name in packages:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    cores = f"{os.cpu_count()} cores, {model}"
    if hasattr(os, "getloadavg"):
        cores += f", load {os.getloadavg()[2]:.1f} over the last quarter of an hour"
    threads = os.environ.get("OPENBLAS_NUM_THREADS")
    cores += f", {threads} BLAS thread(s)" if threads else ""
    return f"{cores}; {', '.join([*found, rscript.versions()]).rstrip(', ')}"


def _aside(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the lines that were asked for and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a hundredth of the rows, no memory")
    parser.add_argument(
        "--only", metavar="TASK", help=f"one of {', '.join(line.key for line in (*LINES, *PAIRS))}, or a task"
    )
    parser.add_argument("--no-r", action="store_true", help="leave R out")
    chosen = parser.parse_args(arguments)
    lines = [line for line in LINES if chosen.only in (None, line.key, line.task)]
    rows: list[Row | Measured] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for line in lines:
            n = max(SMALL, line.n // 100) if chosen.quick else line.n
            rows.append(measure_line(line, n, not chosen.no_r, not chosen.quick, say=_aside))
        for pair in PAIRS:
            if chosen.only in (None, pair.key):
                rows.append(measure(pair, size(pair, chosen.quick)))
                _aside(f"  {rows[-1]}")
    print(
        "\nx: median seconds of the peer over ours (fit alone; answers agree). "
        "MB: peak extra resident memory of one run in a fresh process.\n"
    )
    print(table(rows))
    print(f"\n{machine()}")


if __name__ == "__main__":
    main()
