"""Laws of additive and discrete-time hazards: order of rows, copies, cut spells, delayed entry."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pandas as pd
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import exitmodels as xm


@st.composite
def tables(draw: Any, least: int = 12, most: int = 40) -> pd.DataFrame:
    """Spells on a coarse grid, where ties and late entries are the rule; g is a stratum, x a covariate."""
    n = draw(st.integers(least, most))

    def whole(low: int, high: int) -> np.ndarray:
        return draw(hnp.arrays(np.int64, n, elements=st.integers(low, high)))

    entry = whole(0, 6)
    columns = {"entry": entry, "exit": entry + whole(1, 10), "event": whole(0, 2), "g": whole(0, 1)}
    return pd.DataFrame({**columns, "x": whole(-3, 3), "z": whole(-2, 2), "w": whole(1, 3)})


def read(data: pd.DataFrame, **more: Any) -> xm.Spells:
    return xm.Spells.from_frame(data, exit="exit", entry="entry", event="event", censor=[0], **more)


MODELS = {
    "free": xm.AalenAdditive("x + strata(g)", event="any", least=4),
    "mixed": xm.AalenAdditive("x + const(z)", event="any", least=4),
    "constant": xm.LinYing("x + z + strata(g)", event="any"),
    "discrete": xm.DiscreteHazard("x + z", event="any", baseline="period"),
    "causes": xm.DiscreteHazard("x", baseline="period"),
}


def numbers(model: Any, spells: xm.Spells, kinds: tuple[str, ...] = ("model", "robust")) -> list[np.ndarray] | None:
    """Estimates, covariances and a predicted curve with its errors; None where the data are refused."""
    try:
        fit = model.fit(spells)
    except (xm.DataError, xm.ConvergenceWarning, np.linalg.LinAlgError):
        return None
    out = [fit.estimate]
    for kind in kinds:
        other = fit.with_vcov(kind)
        curve = other.predict_survival({"x": [0.5], "z": [1], "g": [0]}).at([4, 8])
        out += [other.covariance, np.nan_to_num(curve.estimate), np.nan_to_num(curve.se**2)]
    return out


def same(one: list[np.ndarray] | None, two: list[np.ndarray] | None) -> None:
    assert (one is None) == (two is None)
    for a, b in zip(one or [], two or [], strict=True):
        size = max(float(np.abs(a).max()), 1.0) if np.size(a) else 1.0
        assert_allclose(a, b, rtol=1e-6, atol=1e-8 * size)


@settings(max_examples=40)
@given(tables(), st.sampled_from(sorted(MODELS)), st.randoms(use_true_random=False))
def test_rows_may_come_in_any_order(data: pd.DataFrame, name: str, random: Any) -> None:
    order = list(range(len(data)))
    random.shuffle(order)
    assume(data.event.gt(0).any())
    same(numbers(MODELS[name], read(data)), numbers(MODELS[name], read(data.iloc[order])))


@settings(max_examples=40)
@given(tables(), st.sampled_from(sorted(MODELS)))
def test_weight_three_is_three_rows(data: pd.DataFrame, name: str) -> None:
    assume(data.event.gt(0).any())
    copies = data.loc[data.index.repeat(data.w)].reset_index(drop=True)
    same(numbers(MODELS[name], read(data, weight="w")), numbers(MODELS[name], read(copies)))


@settings(max_examples=40)
@given(tables(), st.sampled_from(sorted(MODELS)), st.integers(1, 12))
def test_cutting_a_spell_changes_nothing(data: pd.DataFrame, name: str, at: int) -> None:
    """The pieces of a spell are one cluster; model-based variances do not see the cut at all."""
    assume(data.event.gt(0).any())
    spells = read(data.assign(id=np.arange(len(data))), cluster="id")
    cut = spells.split(at)
    same(numbers(MODELS[name], spells, ("model", "cluster")), numbers(MODELS[name], cut, ("model", "cluster")))


@settings(max_examples=40)
@given(tables(), st.sampled_from(sorted(MODELS)), st.integers(1, 20))
def test_a_later_start_of_every_clock_changes_nothing_but_the_times(data: pd.DataFrame, name: str, later: int) -> None:
    """Constant effects, and effects on the hazard, do not depend on when the clock was set to zero."""
    assume(data.event.gt(0).any())
    if name in ("discrete", "causes"):
        return
    moved = data.assign(entry=data.entry + later, exit=data.exit + later)
    one, two = (numbers(MODELS[name], read(d), ("model",)) for d in (data, moved))
    same(one and one[:2], two and two[:2])
