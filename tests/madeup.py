"""Small made-up data shared by tests: ties at whole days, censoring, two causes, weights."""

from __future__ import annotations

import numpy as np
import pandas as pd

import exitmodels as xm


def two_causes(n: int = 150, seed: int = 0) -> pd.DataFrame:
    """Exits for reasons 1 and 2 (0: censored) at whole days, a covariate, a group, whole weights."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    stay, end = np.ceil(rng.exponential(10 * np.exp(-0.3 * x))), rng.integers(5, 30, n)
    event = np.where(stay <= end, rng.integers(1, 3, n), 0)
    exit = np.minimum(stay, end).astype(int)
    return pd.DataFrame({"exit": exit, "event": event, "x": x, "g": rng.integers(0, 2, n), "w": rng.integers(1, 4, n)})


def as_spells(data: pd.DataFrame, **more: object) -> xm.Spells:
    """Reasons are called a and b; entry is used when there is a column of that name."""
    entry = {"entry": data.entry} if "entry" in data else {}
    columns = {"x": data.x, "g": data.g}
    return xm.Spells(exit=data.exit, event=data.event, causes=["a", "b"], covariates=columns, **entry, **more)
