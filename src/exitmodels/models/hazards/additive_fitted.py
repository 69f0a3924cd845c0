"""The formula, the scale and the data behind an additive hazards fit.

Third floor, in the room of hazards. Results hold one `Fitted`; it is never saved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import FormulaError
from exitmodels.kernels.additive import AdditiveData, AdditiveTerms
from exitmodels.shapes.fitting import clusters_of, factor_of
from exitmodels.shapes.spells import Spells

__all__ = ["AdditiveFrame", "Fitted", "separate"]

_MARKS = ("strata(", "cluster(", "offset(")


@dataclass(frozen=True, eq=False)
class AdditiveFrame:
    """What each column of the fit is, and how to bring it back to the units given.

    Attributes
    ----------
    baselines : tuple of str
        Labels of the strata; one empty label without strata.
    names, constants : tuple of str
        Covariates with changing and with constant effects.
    centre, scale, constant_centre, constant_scale : arrays
        The columns as given are ``centre + scale * column of the fit``.
    by_spells : bool
        Whether the spells themselves have strata, which new rows cannot name.
    """

    baselines: tuple[str, ...]
    names: tuple[str, ...]
    constants: tuple[str, ...]
    centre: Floats
    scale: Floats
    constant_centre: Floats
    constant_scale: Floats
    by_spells: bool

    @property
    def effects(self) -> tuple[str, ...]:
        """Names of the cumulative effects: baselines, then covariates."""
        if self.baselines == ("",):
            return ("Intercept", *self.names)
        return (*(f"Intercept[{label}]" for label in self.baselines), *self.names)

    @property
    def n_baselines(self) -> int:
        """Number of baselines."""
        return len(self.baselines)

    def to_given(self) -> Floats:
        """T with (cumulative effects in the units given) = T (those of the fit): (q, q)."""
        s, q = self.n_baselines, len(self.effects)
        change = np.eye(q)
        change[s:, s:] = np.diag(1 / self.scale)
        change[:s, s:] = -self.centre / self.scale
        return change

    def to_given_over(self, elapsed: Floats) -> Floats:
        """The same for (cumulative effects, constant effects), at each time: (k, q, q + r)."""
        s, q = self.n_baselines, len(self.effects)
        out = np.zeros((len(elapsed), q, q + len(self.constants)))
        out[:, :, :q] = self.to_given()
        out[:, :s, q:] = -(elapsed[:, None] * (self.constant_centre / self.constant_scale))[:, None, :]
        return out


@dataclass(frozen=True, eq=False)
class Fitted:
    """The data of a fit, for tests, residuals and other variances; never saved."""

    data: AdditiveData
    terms: AdditiveTerms
    rows: Spells
    cluster: Ints | None
    stratum: Ints | None

    def units(self, kind: str) -> tuple[Floats, Ints | None]:
        """Factor of each row before squaring, and its cluster."""
        if kind == "cluster":
            return self.rows.row_weight, np.unique(clusters_of(self.rows, self.cluster), return_inverse=True)[1]
        return factor_of(self.rows), None


def separate(formula: str, constant: Sequence[str], marks: bool = False) -> tuple[str, str]:
    """Divide a formula into terms with changing effects (with the marks) and terms with constant ones.

    With `marks`: into covariate terms, and marks such as ``strata(x)``.

    >>> separate("age + const(fin:prio) + strata(sex)", ["race"])
    ('age + strata(sex)', 'fin:prio + race')
    >>> separate("age + strata(sex)", (), marks=True)
    ('age', 'strata(sex)')
    """
    first, second = list[str](), list[str]()
    for term in _terms(formula):
        if marks:
            (second if term.startswith(_MARKS) else first).append(term)
        elif term.startswith("const(") and term.endswith(")"):
            second.append(term[len("const(") : -1].strip())
        else:
            first.append(term)
    if any("const(" in term for term in first):
        raise FormulaError(
            f"const() stands alone in a formula; {formula!r} puts it inside a term.",
            code="formula",
            hint="Write const(x) + const(x:z), or use LinYing to hold every effect constant.",
        )
    return " + ".join(first), " + ".join([*second, *constant])


def _terms(formula: str) -> list[str]:
    """Divide at the plus signs that stand outside brackets."""
    depth, last, found = 0, 0, []
    for i, c in enumerate(formula):
        depth += (c in "([{") - (c in ")]}")
        if c == "+" and depth == 0 and not formula[:i].rstrip().endswith(("*", ":", "/", "^")):
            found.append(formula[last:i].strip())
            last = i + 1
    found.append(formula[last:].strip())
    return [term for term in found if term]
