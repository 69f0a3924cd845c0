"""A trend that bends at an unknown place: where, by how much, and does it bend at all?

Third floor. Read next: interrupted.py (a date known beforehand), structural.py (jumps of a mean).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, special

from exitmodels.arrays import Floats
from exitmodels.errors import DataError, IdentificationError
from exitmodels.kernels.bentline import BENT_FAMILIES, Bend, davies_pvalue, fit_bend, fit_given
from exitmodels.models.counts.periods_in import check_alpha
from exitmodels.render.text import number, pvalue
from exitmodels.results.bibliography import citation
from exitmodels.results.estimates import Estimates

__all__ = ["BentLine", "bent_line"]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class BentLine(Estimates):
    """A straight line with one bend.

    Attributes
    ----------
    names, estimate, standard_errors : (k + 2,)
        Coefficients, the change of slope, and the place of the bend; errors from the joint information.
    bend, bend_limits : float, (low, high)
        The place, with limits from the profile likelihood.
    llf, deviance : float
    davies : float
        P-value of no bend: Davies' bound over places.
    x, y, fitted : (n,)
    grid, line : points of the fitted line, when there are no controls
    """

    names: tuple[str, ...]
    estimate: Floats
    standard_errors: Floats
    bend: float
    bend_limits: tuple[float, float]
    llf: float
    deviance: float
    davies: float
    family: str
    x: Floats
    y: Floats
    size: Floats
    fitted: Floats
    grid: Floats
    line: Floats
    alpha: float = 0.05
    notes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ("muggeo2003", "davies1987")

    @property
    def bse(self) -> Any:
        """Standard errors, as a Series."""
        import pandas as pd

        return pd.Series(self.standard_errors, index=list(self.names))

    @property
    def nobs(self) -> int:
        """Points."""
        return len(self.x)

    def _named(self) -> tuple[tuple[str, ...], Floats]:
        return self.names, self.estimate

    def _limits(self, alpha: float) -> tuple[Floats, Floats]:
        half = special.ndtri(1 - alpha / 2) * self.standard_errors
        low, high = self.estimate - half, self.estimate + half
        if alpha == self.alpha:
            low[-1], high[-1] = self.bend_limits
        return low, high

    def _heading(self) -> str:
        return f"Line with one bend, {self.family}: no bend has p {pvalue(self.davies)} (Davies)"

    def _more(self) -> dict[str, Any]:
        return {"se": self.standard_errors}

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(self.sources, f"Line with one bend, {self.family}")

    def plot(self, ax: Any = None, alpha: float | None = None) -> Any:
        """Draw the points, the fitted line and the bend with its limits; return the Axes."""
        from exitmodels.render import changes as picture

        level = self.alpha if alpha is None else alpha
        low, high = self._limits(level)
        words = {"binomial": "share", "poisson": "rate", "gaussian": "value"}
        return picture.bent_line(
            ax,
            x=self.x,
            y=self.y / self.size if self.family != "gaussian" else self.y,
            grid=self.grid,
            line=self.line,
            place=self.bend,
            low=float(low[-1]),
            high=float(high[-1]),
            x_label="x",
            y_label=words[self.family],
            level=number(100 * (1 - level), 3),
        )


def bent_line(
    y: Any,
    x: Any,
    size: Any = None,
    *,
    family: str = "poisson",
    controls: Any = None,
    between: tuple[float, float] | None = None,
    alpha: float = 0.05,
) -> BentLine:
    """Fit a linear predictor whose slope in x changes once, at a place that is estimated too.

    Parameters
    ----------
    y : (n,) array
        Counts, successes, or measurements.
    x : (n,) array
        Time, age, or another number.
    size : (n,) array, optional
        Exposures ("poisson"), trials ("binomial"; needed), weights ("gaussian").
    family : {"poisson", "binomial", "gaussian"}
        With log, logit and identity link.
    controls : (n, k) array, optional
        Further columns.
    between : (low, high), optional
        Where the bend may lie; by default between the second and the last but one value of x.
    alpha : float

    Raises
    ------
    DataError
    IdentificationError
        If x has fewer than four values, or too few points for the coefficients.

    Notes
    -----
    The likelihood has a corner at each value of x and may have several tops: all intervals are searched. Limits of the
    bend come from the profile likelihood around the highest top. Source: Muggeo (2003); Davies (1987).

    Examples
    --------
    >>> time = np.arange(20.0)
    >>> fit = bent_line(np.round(np.exp(3 - 0.15 * np.maximum(time - 9, 0))), time)
    >>> round(fit.bend, 1), round(float(fit.estimate[2]), 2)
    (9.1, -0.16)
    """
    check_alpha(alpha)
    values, place, weight = _read(y, x, size, family)
    columns = _controls(controls, len(place))
    matrix = np.column_stack([np.ones(len(place)), place, columns])
    levels = np.unique(place)
    if len(levels) < 4 or len(place) < matrix.shape[1] + 3:
        raise IdentificationError(
            f"{len(place)} points at {len(levels)} values of x cannot show a bend beside {matrix.shape[1]} terms.",
            column="x",
            code="few-rows",
            hint="Four values of x or more are needed.",
        )
    low, high = (float(levels[1]), float(levels[-2])) if between is None else (float(between[0]), float(between[1]))
    if not levels[0] < low < high < levels[-1]:
        raise DataError(
            f"between=({low:g}, {high:g}) does not lie inside {levels[0]:g} to {levels[-1]:g}.",
            column="x",
            code="between",
            hint="Leave points on both sides.",
        )
    best, at = fit_bend(family, values, weight, matrix, place, low, high)
    notes: list[str] = []
    limits = _profile(at, best, low, high, alpha, notes)
    errors = _joint_errors(family, best, matrix, place, weight)
    k = columns.shape[1]
    names = ("Intercept", "x", *(f"control {j + 1}" for j in range(k)), "change of slope", "bend")
    grid = np.unique(np.append(np.linspace(levels[0], levels[-1], 200), best.place))
    middle = columns.mean(axis=0) if k else np.empty(0)
    eta = (
        best.beta[0]
        + best.beta[1] * grid
        + float(middle @ best.beta[2 : 2 + k])
        + best.beta[-1] * np.maximum(grid - best.place, 0)
    )
    line = {"poisson": np.exp, "binomial": special.expit, "gaussian": np.asarray}[family](eta)
    return BentLine(
        names=names,
        estimate=np.append(best.beta, best.place),
        standard_errors=errors,
        bend=best.place,
        bend_limits=limits,
        llf=best.llf,
        deviance=best.deviance,
        davies=_davies(family, values, weight, matrix, place, low, high),
        family=family,
        x=place,
        y=values,
        size=weight,
        fitted=best.mean,
        grid=grid,
        line=line,
        alpha=alpha,
        notes=tuple(notes),
    )


def _read(y: Any, x: Any, size: Any, family: str) -> tuple[Floats, Floats, Floats]:
    if family not in BENT_FAMILIES:
        raise DataError(
            f"family={family!r} is not known.", code="family", hint=f"Use one of {', '.join(BENT_FAMILIES)}."
        )
    if family == "binomial" and size is None:
        raise DataError("A binomial line needs the numbers of trials.", column="size", code="size", hint="Give size=.")
    made = []
    for name, column in (("y", y), ("x", x), ("size", np.ones(np.shape(y)) if size is None else size)):
        values = np.asarray(column, dtype=np.float64)
        rows = np.flatnonzero(~np.isfinite(values))
        if values.shape != np.shape(y) or values.ndim != 1 or rows.size:
            raise DataError(
                f"It has shape {values.shape} and {rows.size} missing values; one number for each point is needed.",
                column=name,
                rows=rows,
                code="shape",
                hint="Give arrays of one length.",
            )
        made.append(values)
    counts, _, weight = made
    bad = weight <= 0
    if family != "gaussian":
        bad |= (counts < 0) | (counts != np.rint(counts)) | ((counts > weight) if family == "binomial" else False)
    if bad.any():
        raise DataError(
            f"{int(bad.sum())} points have counts that are not whole, negative or above their trials, or no exposure.",
            rows=np.flatnonzero(bad),
            code="count",
            hint="Correct them or leave them out.",
        )
    return made[0], made[1], made[2]


def _controls(controls: Any, n: int) -> Floats:
    if controls is None:
        return np.empty((n, 0))
    columns = np.asarray(controls, dtype=np.float64)
    if columns.shape[:1] != (n,) or not np.isfinite(columns).all():
        raise DataError(
            "The controls have missing values or another length.", column="controls", code="shape", hint="One row each."
        )
    return columns.reshape(n, -1)


def _profile(
    at: Callable[[float], Bend], best: Bend, low: float, high: float, alpha: float, notes: list[str]
) -> tuple[float, float]:
    """Where the profile falls by half the chi-squared quantile, on either side of the top."""
    bar = best.llf - special.chdtri(1, alpha) / 2
    found = []
    for end, name in ((low, "lower"), (high, "upper")):
        steps = np.linspace(best.place, end, 80)
        below = next((i for i in range(1, 80) if at(float(steps[i])).llf < bar), None)
        if below is None:
            found.append(end)
            notes.append(f"the {name} limit of the bend is the end of the range that was searched")
            continue
        root = optimize.brentq(
            lambda p: at(float(p)).llf - bar, float(steps[below - 1]), float(steps[below]), xtol=1e-12
        )
        found.append(float(root))
    return found[0], found[1]


def _joint_errors(family: str, best: Bend, matrix: Floats, x: Floats, size: Floats) -> Floats:
    """From the observed information of all parameters; its mixed term vanishes at the top."""
    step = -best.beta[-1] * (x > best.place)
    columns = np.column_stack([matrix, np.maximum(x - best.place, 0.0), step])
    if family == "gaussian":
        free = len(x) - columns.shape[1]
        weight = size / (best.deviance / max(free, 1))
    else:
        weight = best.mean * (1 - best.mean / size) if family == "binomial" else best.mean
    return np.sqrt(np.diag(np.linalg.pinv(columns.T @ (columns * weight[:, None]))))


def _davies(family: str, y: Floats, size: Floats, matrix: Floats, x: Floats, low: float, high: float) -> float:
    """Signed roots of likelihood ratios over 60 places."""
    flat = fit_given(family, y, size, matrix)
    roots = []
    for p in np.linspace(low, high, 60):
        made = fit_given(family, y, size, np.column_stack([matrix, np.maximum(x - p, 0.0)]))
        roots.append(np.sign(made.beta[-1]) * np.sqrt(max(2 * (made.llf - flat.llf), 0.0)))
    return davies_pvalue(np.array(roots))
