"""Event tables: counted, sorted and ranked times give the same counts."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from exitmodels.kernels.tables import EventTable, event_table, grouped_tables


def by_definition(entry: np.ndarray, exit: np.ndarray, event: np.ndarray, causes: int) -> EventTable:
    times = np.unique(exit)
    at_risk = np.array([np.sum((entry < t) & (exit >= t)) for t in times])
    events = np.array([[np.sum((exit == t) & (event == k)) for t in times] for k in range(1, causes + 1)])
    censored = np.array([np.sum((exit == t) & (event == 0)) for t in times])
    return EventTable(times.astype(float), at_risk, events, censored)


def same(one: EventTable, two: EventTable) -> None:
    assert_allclose(one.time, two.time)
    assert_array_equal(one.at_risk, two.at_risk)
    assert_array_equal(one.events, two.events)
    assert_array_equal(one.censored, two.censored)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("delayed", [True, False])
def test_every_way_of_counting_agrees(seed: int, delayed: bool) -> None:
    rng = np.random.default_rng(seed)
    n, causes = 60, 1 + seed % 3
    entry = rng.integers(0, 8, n) if delayed else np.zeros(n, int)
    exit, event = entry + rng.integers(1, 9, n), rng.integers(0, causes + 1, n)
    truth = by_definition(entry, exit, event, causes)
    late = entry if delayed else None
    same(event_table(exit, event, causes, late), truth)
    tenths = EventTable(truth.time / 10, truth.at_risk, truth.events, truth.censored)
    real_entry = entry / 10 if delayed else None
    same(event_table(exit / 10, event, causes, real_entry), tenths)
    same(event_table(exit / 10, event, causes, real_entry, np.ones(n)), tenths)
    shifted = EventTable(truth.time - 5.5, truth.at_risk, truth.events, truth.censored)
    same(event_table(exit - 5.5, event, causes, entry - 5.5), shifted)


def test_near_ties_merge_in_the_sorted_table_too() -> None:
    exit = np.array([0.1 + 0.2, 0.3, 1.7])
    table = event_table(exit, np.array([1, 0, 1]), 1, np.array([0.0, 0.1, 0.3]))
    assert_array_equal(table.at_risk, [2, 1])
    assert_array_equal(table.events[0], [1, 1])
    assert_array_equal(table.censored, [1, 0])


@pytest.mark.parametrize("scale", [1, 0.1])
def test_groups_are_tables_of_their_own(scale: float) -> None:
    rng = np.random.default_rng(4)
    entry = rng.integers(0, 8, 80) * scale
    exit, event, group = entry + rng.integers(1, 9, 80) * scale, rng.integers(0, 3, 80), rng.integers(0, 4, 80)
    weight = rng.integers(1, 4, 80).astype(float)
    for g, table in enumerate(grouped_tables(exit, event, 2, entry, weight, group, 4)):
        own = group == g
        same(table, event_table(exit[own], event[own], 2, entry[own], weight[own]))
