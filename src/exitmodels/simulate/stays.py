"""Censored stays with known hazards, for tests and benchmarks of regressions.

Third floor, in the room of simulation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.simulate.made import SimulatedSpells

__all__ = ["spells"]

CENSOR = "not yet left"
_DEFAULT = ((0.5, -0.3), (-0.4, 0.6), (0.0, 0.2))


def spells(
    n: int,
    *,
    coefficients: Mapping[str, Sequence[float]] | None = None,
    causes: int = 1,
    mean_stay: float = 180.0,
    shape: float = 1.0,
    follow_up: float = 365.0,
    delayed: bool = False,
    whole_days: bool = True,
    strata: int = 1,
    clusters: int | None = None,
    frailty: float = 0.0,
    rng: np.random.Generator | int = 0,
) -> SimulatedSpells:
    """Make a table of censored stays whose hazards are known.

    Parameters
    ----------
    n : int
        Rows.
    coefficients : mapping of str to sequence of float, optional
        Log hazard ratios of x1, x2, ... for each cause, by its label. Odd columns are standard normal, even ones 0/1.
    causes : int
        Number of causes, "cause 1", ..., when no coefficients are given (up to three).
    mean_stay : float
        Scale, in days, of the stay when all covariates are zero: its mean when `shape` is 1.
    shape : float
        Of the Weibull hazard: above 1 rising with time, below 1 falling.
    follow_up : float
        Each person is followed for a time uniform between 0 and this after entry.
    delayed : bool
        People come under observation at a day uniform on 0 to `mean_stay`, given that they are still there.
    whole_days : bool
        Round exits up to whole days (exits precede censorings on the same day); otherwise real times.
    strata : int
        Stratum s (0, 1, ...) multiplies every hazard by ``2**s``.
    clusters : int, optional
        Number of clusters to which rows are dealt at random.
    frailty : float
        Variance of a gamma factor (mean 1) shared within a cluster; 0 for none. The coefficients then hold
        given the factor; a Cox model that leaves it out estimates smaller ones.
    rng : numpy Generator or seed

    Returns
    -------
    SimulatedSpells
        `truth` holds the coefficients by cause, the baseline hazards, shape, strata and frailty.

    Notes
    -----
    The hazard of cause k, with the factor of the cluster, is
    ``factor * 2**stratum * exp(x'b_k) * shape * t**(shape - 1) / (causes * mean_stay**shape)``. Times are drawn by
    inverting the total, given survival to entry. Source: Bender, Augustin & Blettner (2005).

    Examples
    --------
    >>> made = spells(1000, causes=2, delayed=True, rng=3)
    >>> list(made.frame.columns)
    ['person', 'entry', 'exit', 'event', 'x1', 'x2']
    >>> made.truth["coefficients"]["cause 2"]
    {'x1': -0.4, 'x2': 0.6}
    """
    table = _table(coefficients, causes)
    labels = tuple(table)
    _check(n, mean_stay, shape, follow_up, strata, clusters, frailty)
    generator = np.random.default_rng(rng)
    beta = np.array([table[label] for label in labels]).T
    x = _covariates(n, len(beta), generator)
    stratum = generator.integers(0, strata, n) if strata > 1 else None
    cluster = generator.integers(0, clusters, n) if clusters else None
    factor = _factor(n, stratum, cluster, clusters, frailty, generator)
    hazards = np.exp(x @ beta) / (len(labels) * mean_stay**shape) * factor[:, None]
    entry = np.floor(generator.random(n) * mean_stay) if delayed else np.zeros(n)
    ends, code = _ends(entry, hazards, shape, follow_up, whole_days, generator)
    if whole_days:
        entry, ends = entry.astype(np.int64), ends.astype(np.int64)
    held = {"entry": entry if delayed else None, "exit": ends, "stratum": stratum, "cluster": cluster}
    truth = {
        "simulated": True,
        "causes": labels,
        "censor": CENSOR,
        "coefficients": {cause: {f"x{j}": b for j, b in enumerate(row, 1)} for cause, row in table.items()},
        "mean_stay": mean_stay,
        "shape": shape,
        "baseline_share": 1 / len(labels),
        "strata_ratios": tuple(2.0**s for s in range(strata)),
        "frailty": frailty,
    }
    return SimulatedSpells(frame=_frame(held, code, labels, x), truth=truth)


def _ends(
    entry: Floats, hazards: Floats, shape: float, follow_up: float, whole_days: bool, rng: np.random.Generator
) -> tuple[Floats, Ints]:
    """Invert the total hazard given survival to entry; the cause by its share; then censor."""
    n = len(entry)
    time = (rng.standard_exponential(n) / hazards.sum(axis=1) + entry**shape) ** (1 / shape)
    stop = entry + follow_up * rng.random(n)
    if whole_days:
        time, stop = np.maximum(np.ceil(time), entry + 1), np.maximum(np.ceil(stop), entry + 1)
    running = np.cumsum(hazards, axis=1)
    passed = (running < (rng.random(n) * running[:, -1])[:, None]).sum(axis=1)
    cause = np.minimum(passed, hazards.shape[1] - 1) + 1
    return np.minimum(time, stop), np.where(time <= stop, cause, 0)


def _table(coefficients: Mapping[str, Sequence[float]] | None, causes: int) -> dict[str, tuple[float, ...]]:
    if coefficients is None:
        if not 1 <= causes <= len(_DEFAULT):
            raise DataError(
                f"causes={causes} has no default coefficients.",
                column="causes",
                code="simulate",
                hint="Give 1 to 3, or the coefficients of each cause.",
            )
        return {f"cause {k}": _DEFAULT[k - 1] for k in range(1, causes + 1)}
    table = {str(label): tuple(float(b) for b in values) for label, values in coefficients.items()}
    if not table or len({len(values) for values in table.values()}) != 1:
        raise DataError(
            "The causes do not have the same number of coefficients.",
            column="coefficients",
            code="simulate",
            hint="Give one number for each covariate; 0 for no effect.",
        )
    return table


def _check(
    n: int, mean_stay: float, shape: float, follow_up: float, strata: int, clusters: int | None, frailty: float
) -> None:
    above_zero = {"n": n, "mean_stay": mean_stay, "shape": shape, "follow_up": follow_up, "strata": strata}
    above_zero |= {} if clusters is None else {"clusters": clusters}
    for name, value in above_zero.items():
        if not value > 0:
            raise DataError(f"{name}={value!r} makes no stays.", column=name, code="simulate", hint="Above zero.")
    if frailty < 0 or (frailty > 0 and clusters is None):
        raise DataError(
            f"frailty={frailty!r} cannot be planted.",
            column="frailty",
            code="simulate",
            hint="A variance is zero or more, and a shared factor needs clusters=.",
        )


def _covariates(n: int, p: int, rng: np.random.Generator) -> Floats:
    columns = [rng.standard_normal(n) if j % 2 == 0 else (rng.random(n) < 0.5).astype(float) for j in range(p)]
    return np.column_stack(columns) if columns else np.empty((n, 0))


def _factor(
    n: int,
    stratum: AnyArray | None,
    cluster: AnyArray | None,
    clusters: int | None,
    frailty: float,
    rng: np.random.Generator,
) -> Floats:
    factor = np.ones(n) if stratum is None else 2.0**stratum
    if frailty > 0 and cluster is not None and clusters is not None:
        factor = factor * (rng.gamma(1 / frailty, frailty, clusters)[cluster])
    return factor


def _frame(held: Mapping[str, AnyArray | None], code: Ints, labels: tuple[str, ...], x: Floats) -> Any:
    import pandas as pd

    made: dict[str, Any] = {"person": np.arange(1, len(code) + 1)}
    made |= {name: held[name] for name in ("entry", "exit") if held[name] is not None}
    made["event"] = pd.Categorical.from_codes(code, categories=pd.Index([CENSOR, *labels]))
    made |= {f"x{j}": x[:, j - 1] if j % 2 else x[:, j - 1].astype(np.int64) for j in range(1, x.shape[1] + 1)}
    made |= {name: held[name] for name in ("stratum", "cluster") if held[name] is not None}
    return pd.DataFrame(made)
