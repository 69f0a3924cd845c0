"""The Wald test that no covariate matters, where the covariance allows one.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from exitmodels.kernels.linalg import scaled_rank
from exitmodels.results.regression import Regression

__all__ = ["with_wald"]

R = TypeVar("R", bound=Regression)
_NOTE = "variance has too small a rank for a Wald test"


def with_wald(result: R, places: Sequence[int]) -> R:
    """Add the Wald test of the coefficients at `places`, or a note that their covariance allows none."""
    tests = {name: test for name, test in result.tests.items() if name != "Wald"}
    notes = tuple(note for note in result.warnings if not note.endswith(_NOTE))
    if len(places):
        part = result.covariance[np.ix_(places, places)]
        if np.isfinite(part).all() and (np.diag(part) > 0).all() and scaled_rank(part) == len(places):
            tests["Wald"] = result.wald_test([result.names[i] for i in places])
        else:
            notes = (*notes, f"the {result.vcov} {_NOTE}")
    return replace(result, tests=tests, warnings=notes)
