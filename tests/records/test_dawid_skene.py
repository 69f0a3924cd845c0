"""Coders who differ: estimates, labels, warnings."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import exitmodels as xm

NAMES = ["MED", "VIS", "TRD"]
SHARES = np.array([0.5, 0.3, 0.2])


def coders(n=3000, right=(0.9, 0.8, 0.85, 0.75), gaps=0.2, seed=1):
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, n, p=SHARES)
    made = {}
    for r, p in enumerate(right):
        slip = (truth + rng.integers(1, 3, n)) % 3
        read = np.where(rng.random(n) < p, truth, slip)
        made[f"coder {r + 1}"] = [None if g else NAMES[k] for k, g in zip(read, rng.random(n) < gaps, strict=True)]
    return made, truth


def test_it_finds_the_planted_errors():
    given, truth = coders()
    fit = xm.dawid_skene(given, causes=NAMES)
    assert fit.converged
    assert_allclose(fit.prevalence, SHARES, atol=0.03)  # 3000 records: standard error 0.01
    assert_allclose(fit.accuracy()["all"], [0.9, 0.8, 0.85, 0.75], atol=0.03)
    hard = fit.labels().hard()
    best = max(np.mean(np.array([v == NAMES[t] for v, t in zip(c, truth, strict=True)])) for c in given.values())
    assert np.mean(hard == np.array(NAMES, dtype=object)[truth]) > best + 0.1
    assert_allclose(fit.table("coder 1").sum(axis=1), 1)
    assert "coder 1 (2" in str(fit)
    assert not fit.warnings


def test_order_of_records_and_coders_does_not_matter():
    given, _ = coders(n=300)
    one = xm.dawid_skene(given, causes=NAMES)
    order = np.random.default_rng(2).permutation(300)
    other = xm.dawid_skene({k: [v[i] for i in order] for k, v in reversed(given.items())}, causes=NAMES)
    assert_allclose(one.llf, other.llf, rtol=1e-9)
    assert_allclose(one.posterior[order], other.posterior, atol=1e-4)  # EM ends where it hardly moves


def test_coders_who_agree_leave_nothing_open():
    same = [*(["MED"] * 5), *(["VIS"] * 3)]
    fit = xm.dawid_skene({"A": same, "B": same, "C": [*same[:-1], None]})
    assert_allclose(fit.prevalence, [5 / 8, 3 / 8], rtol=1e-9)
    assert fit.labels().effective < 1e-9
    assert any("boundary" in note for note in fit.warnings)
    smooth = xm.dawid_skene({"A": same, "B": same, "C": same}, smooth=0.5)
    assert np.all(smooth.confusion > 0.01)
    assert not any("boundary" in note for note in smooth.warnings)


def test_two_coders_and_switched_classes_are_told():
    given, _ = coders(n=200)
    two = xm.dawid_skene({k: given[k] for k in ("coder 1", "coder 2")}, causes=NAMES)
    assert any("two coders" in note for note in two.warnings)
    wrong = {"A": ["MED", "VIS"] * 40, "B": ["MED", "VIS"] * 40, "C": ["VIS", "MED"] * 40}
    assert any("switched" in note for note in xm.dawid_skene(wrong).warnings)


def test_coded_reasons_are_a_coder():
    book = xm.Codebook.named("exit-reasons-1")
    texts = ["treatment", "trade", "", "qwerty", "visit his mother", "treatment"]
    people = ["MED", "TRD", "MED", "VIS", "VIS", "MED"]
    fit = xm.dawid_skene({"cues": book.code_column(texts), "A": people, "B": people})
    assert fit.readings.tolist() == [4, 6, 6]
    assert fit.labels().hard().tolist() == people


def test_proper_draws_vary_the_tables():
    """Records that no coder has read follow the prevalence, which varies between draws when they are proper."""
    given, _ = coders(n=60)
    given = {k: [*v, *([None] * 400)] for k, v in given.items()}
    labels = xm.dawid_skene(given, causes=NAMES, smooth=0.5).labels()
    share = {p: (labels.draw(40, rng=1, proper=p)[:, 60:] == 1).mean(axis=1).std() for p in (False, True)}
    assert share[True] > 1.5 * share[False]
    assert labels.take(np.arange(60)).draw(2, rng=1, proper=True).shape == (2, 60)


def test_saved_and_loaded(tmp_path):
    fit = xm.dawid_skene(coders(n=100)[0], causes=NAMES)
    fit.save(tmp_path / "fit.json")
    again = xm.load(tmp_path / "fit.json")
    assert str(again) == str(fit)
    assert_allclose(again.labels().weights, fit.posterior)


@pytest.mark.parametrize(
    ("given", "more"),
    [
        ({"A": ["a", "b"]}, {}),
        ({"A": ["a", {"a", "b"}], "B": ["a", "b"]}, {}),
        ({"A": ["a", None], "B": ["a", None]}, {}),
        ({"A": ["a", "c"], "B": ["a", "b"]}, {"causes": ["a", "b"]}),
        ({"A": ["a", "b"], "B": ["a"]}, {}),
        ({"A": ["a", "b"], "B": ["a", "b"]}, {"smooth": -1}),
    ],
)
def test_bad_input(given, more):
    with pytest.raises(xm.DataError) as caught:
        xm.dawid_skene(given, **more)
    assert caught.value.hint


def test_a_frame_of_codings():
    frame = pd.DataFrame({"A": ["a", "b", "a"], "B": ["a", "b", "b"], "C": ["a", None, "a"]})
    assert xm.dawid_skene(frame).coders == ("A", "B", "C")
    with pytest.warns(xm.ConvergenceWarning):
        xm.dawid_skene(coders(n=100)[0], causes=NAMES, max_steps=2)
