"""R packages: data go over in binary files, and R itself times the fit and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.data import Array, Sample
from benchmarks.tasks import SAMPLES, Numbers

__all__ = ["PACKAGE", "SCRIPTS", "Answer", "missing", "run", "versions"]


@dataclass(frozen=True)
class Script:
    """How R does a task: preparation, the fit that is timed, and the list of numbers to compare."""

    prepare: str
    fit: str
    read: str


@dataclass(frozen=True)
class Answer:
    """Seconds of each timed run, peak extra resident megabytes of one run, and the numbers."""

    seconds: tuple[float, ...]
    megabytes: float
    numbers: Numbers


_SPELL = "(if (exists('entry')) Surv(entry, exit, event) else Surv(exit, event))"
_CURVE = "s <- summary(answer, times = grid, extend = TRUE); list(survival = s$surv, se = s$std.err)"
_STATES = "s <- summary(answer, times = grid, extend = TRUE); list(incidence = s$pstate[, 2], se = s$std.err[, 2])"
_STEPS = "a <- answer[[1]]; i <- findInterval(grid, a$time); list(incidence = a$est[i], se_aalen = sqrt(a$var[i]))"
_LOOP = f"""
  draws <- numeric({SAMPLES})
  for (b in seq_len({SAMPLES})) {{
    rows <- sample.int(n, n, TRUE)
    draws[b] <- quantile(survfit(Surv(exit[rows], event[rows]) ~ 1), 0.5, conf.int = FALSE)
  }}
  draws"""

_LIKELIHOOD = """
  at <- function(t) c(1, answer$surv)[findInterval(t, answer$time) + 1]
  list(loglik = sum(log(at(lower) - ifelse(is.finite(upper), at(upper), 0))))"""

SCRIPTS: Mapping[tuple[str, str], Script] = {
    ("km", "R survival"): Script("", f"survfit({_SPELL} ~ 1)", _CURVE),
    ("logrank", "R survival"): Script("", "survdiff(Surv(exit, event) ~ group)", "list(statistic = answer$chisq)"),
    ("aj", "R survival"): Script("event <- factor(event)", "survfit(Surv(exit, event) ~ 1)", _STATES),
    ("aj", "R cmprsk"): Script("", "cuminc(exit, event)", _STEPS),
    ("cox", "R survival"): Script(
        "",
        f'coxph({_SPELL} ~ matrix, ties = "efron")',
        "list(coef = coef(answer), coef_se = sqrt(diag(vcov(answer))))",
    ),
    ("concordance", "R survival"): Script(
        "",
        "concordance(Surv(exit, event) ~ matrix, reverse = TRUE)",
        "list(concordance = answer$concordance, se = sqrt(answer$var))",
    ),
    ("fine-gray-small", "R cmprsk"): Script(
        "",
        "crr(exit, event, matrix)",
        "list(coef = answer$coef, coef_se = sqrt(diag(answer$var)))",
    ),
    ("fine-gray", "R fastcmprsk"): Script(
        "",
        "fastCrr(Crisk(exit, event) ~ matrix, variance = FALSE)",
        "list(coef = answer$coef)",
    ),
    ("turnbull", "R survival"): Script("", 'survfit(Surv(lower, upper, type = "interval2") ~ 1)', _LIKELIHOOD),
    ("turnbull", "R npsurv"): Script("", "npsurv(cbind(lower, upper))", "list(loglik = answer$ll)"),
    ("bootstrap", "R survival"): Script("set.seed(1)", _LOOP, "list(draws = answer)"),
}
PACKAGE: Mapping[str, str] = {
    "R survival": "survival",
    "R cmprsk": "cmprsk",
    "R fastcmprsk": "fastcmprsk",
    "R npsurv": "npsurv",
}

_FRAME = """
suppressMessages(library({package}))
status <- function(field) {{
  line <- grep(field, readLines("/proc/self/status"), value = TRUE)
  if (length(line)) as.numeric(gsub("[^0-9]", "", line)) / 1000 else NA
}}
{load}
{prepare}
run <- function() {{ {fit} }}
invisible(gc())
try(cat("5", file = "/proc/self/clear_refs"), silent = TRUE)
before <- tryCatch(status("VmRSS"), error = function(e) NA)
first <- system.time(answer <- run(), gcFirst = FALSE)[["elapsed"]]
extra <- tryCatch(status("VmHWM"), error = function(e) NA) - before
numbers <- {{ {read} }}
rm(answer)
times <- max(1, min({runs}, floor({budget} / max(first, 1e-3))))
seconds <- replicate(times, {{
  gc()
  count <- if (first < 0.02) 20 else 1
  system.time(for (i in seq_len(count)) run(), gcFirst = FALSE)[["elapsed"]] / count
}})
for (name in names(numbers)) writeBin(as.double(numbers[[name]]), paste0("out-", name))
writeBin(as.double(c(extra, seconds)), "seconds")
"""


def missing(name: str) -> str | None:
    """Say why an R package cannot be used, or None."""
    if shutil.which("Rscript") is None:
        return "Rscript is not installed"
    test = f'quit(status = !requireNamespace("{PACKAGE[name]}", quietly = TRUE))'
    found = subprocess.run(["Rscript", "-e", test], capture_output=True, check=False)
    return None if found.returncode == 0 else f"R package {PACKAGE[name]} is not installed"


def versions() -> str:
    """Version of R and of its survival package, or an empty string."""
    if missing("R survival"):
        return ""
    ask = 'cat(paste0("R ", getRversion(), ", R survival ", packageVersion("survival")))'
    return subprocess.run(["Rscript", "-e", ask], capture_output=True, text=True, check=True).stdout


def run(task: str, name: str, sample: Sample, runs: int = 5, budget: float = 20.0, limit: float = 600.0) -> Answer:
    """Do a task in a fresh R process: once to warm up, then up to `runs` times within `budget` seconds."""
    script = SCRIPTS[task, name]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        text = _FRAME.format(
            package=PACKAGE[name],
            load=_load(sample, root),
            prepare=script.prepare,
            fit=script.fit,
            read=script.read,
            runs=runs,
            budget=budget,
        )
        (root / "run.R").write_text(text, encoding="utf-8")
        done = subprocess.run(
            ["Rscript", "run.R"], cwd=root, capture_output=True, text=True, timeout=limit, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{name} failed: {done.stderr.strip()[-300:]}")
        extra, *seconds = np.fromfile(root / "seconds").tolist()
        numbers = {path.name.removeprefix("out-"): np.fromfile(path) for path in root.glob("out-*")}
    return Answer(tuple(seconds), extra, numbers)


def _load(sample: Sample, root: Path) -> str:
    """Write the arrays and return the R lines that read them."""
    arrays: dict[str, Array | None] = {
        "exit": sample.exit,
        "event": sample.event,
        "entry": sample.entry,
        "group": sample.group,
        "matrix": sample.matrix,
        "lower": sample.lower,
        "upper": sample.upper,
        "grid": sample.grid(),
    }
    lines = [f"n <- {len(sample)}L"]
    for name, values in arrays.items():
        if values is None:
            continue
        values.astype(np.float64).ravel(order="F").tofile(root / f"{name}.bin")
        lines.append(f'{name} <- readBin("{name}.bin", "double", {values.size})')
    if sample.matrix is not None:
        lines.append(f"dim(matrix) <- c(n, {sample.matrix.shape[1]}L)")
    return "\n".join(lines)
