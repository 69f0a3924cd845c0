"""Labels: weights of records over causes, draws and what follows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import exitmodels as xm

NAN = float("nan")


def spells(**more):
    return xm.Spells(
        exit=[2, 3, 4, 5, 7, 8, 9, 9],
        event=["a", "b", "a", "?", "a", "in", "b", "b or c"],
        censor="in",
        causes=None,
        **more,
    )


MASKED = {"b or c": ["b", "c"]}


# ---- constructors ------------------------------------------------------------------------------------------------
def test_fractions():
    mentions = pd.DataFrame({"MED": [1, 1, 0, 0], "VIS": [0, 1, 0, 0], "blank": [0, 0, 1, 0]})
    labels = xm.Labels.fractional(mentions, unknown=["blank"])
    assert labels.causes == ("MED", "VIS")
    assert_allclose(labels.weights, [[1, 0], [0.5, 0.5], [0.5, 0.5], [0.5, 0.5]])
    assert labels.masked.tolist() == [False, False, True, True]


def test_fractions_of_coded_reasons():
    """Blanks of the codebook are masked; codes that nobody named are left out."""
    book = xm.Codebook.named("exit-reasons-1")
    coded = book.code_column(["treatment", "to visit his mother; treatment", "", "trade"])
    labels = xm.Labels.fractional(coded)
    assert set(labels.causes) == {"MED", "VIS", "TRD"}
    assert labels.masked.tolist() == [False, False, True, False]
    assert_allclose(labels.weights[1].max(), 0.5)


def test_labels_of_spells():
    rows = xm.Spells(exit=[1, 2, 3, 4], event=["a", "b", "?", "a or b"], censor=[])
    labels = xm.Labels.of(rows, unknown="?", masked={"a or b": {"a": 0.3, "b": 0.1}})
    assert_allclose(labels.weights, [[1, 0], [0, 1], [0.5, 0.5], [0.75, 0.25]])
    assert labels.masked.tolist() == [False, False, True, True]


def test_misclassified_by_hand():
    """Rogan & Gladen: se .9, sp .95; 22 % seen is 20 % true, and a positive is true with chance .18 / .22."""
    table = pd.DataFrame([[0.9, 0.1], [0.05, 0.95]], index=["ill", "well"], columns=["ill", "well"])
    written = ["ill"] * 22 + ["well"] * 78
    labels = xm.Labels.misclassified(written, table)
    assert_allclose(labels.weights[0], [0.18 / 0.22, 0.04 / 0.22], rtol=1e-10)
    assert_allclose(labels.weights.mean(axis=0), [0.2, 0.8], rtol=1e-10)
    given = xm.Labels.misclassified(["ill", None], table, prior={"ill": 0.5, "well": 0.5})
    assert_allclose(given.weights, [[0.9 / 0.95, 0.05 / 0.95], [0.5, 0.5]], rtol=1e-12)


def test_misclassified_more_labels_than_causes():
    """What is written may have labels of its own; shares maximise the likelihood."""
    table = pd.DataFrame([[0.6, 0.1, 0.3], [0.1, 0.7, 0.2]], index=["a", "b"], columns=["a", "b", "unclear"])
    true = np.array([0.25, 0.75])
    written = np.repeat(["a", "b", "unclear"], (2000 * true @ table.to_numpy()).round().astype(int))
    assert_allclose(xm.Labels.misclassified(written, table).weights.mean(axis=0), true, rtol=1e-9)


def test_a_singular_table_is_refused():
    with pytest.raises(xm.IdentificationError, match="singular"):
        xm.Labels.misclassified(["a", "b"], [[0.5, 0.5], [0.5, 0.5]], causes=["a", "b"])
    made = xm.Labels.misclassified(["a", "b"], [[0.5, 0.5], [0.5, 0.5]], prior=[0.3, 0.7], causes=["a", "b"])
    assert_allclose(made.weights, [[0.3, 0.7]] * 2)


def test_a_negative_share_is_put_at_zero_and_told():
    made = xm.Labels.misclassified(["a"] * 97 + ["b"] * 3, [[0.9, 0.1], [0.2, 0.8]], causes=["a", "b"])
    assert_allclose(made.weights[:, 1], 0, atol=1e-12)
    assert "b: fewer written" in str(made)


# ---- spreading ---------------------------------------------------------------------------------------------------
def test_spread_by_group():
    """Unknown ones take the shares of the known ones of their group; sets only of the causes they leave open."""
    weights = [[1, 0, 0], [1, 0, 0], [0, 1, 0], [1 / 3] * 3, [0, 0, 1], [0, 1, 0], [0, 0.5, 0.5], [NAN] * 3]
    labels = xm.Labels(weights, ["a", "b", "c"], masked=[0, 0, 0, 1, 0, 0, 1, 0])
    one = labels.spread(group=["x"] * 4 + ["y"] * 4)
    assert_allclose(one.weights[3], [2 / 3, 1 / 3, 0], atol=1e-12)
    assert_allclose(one.weights[6], [0, 0.5, 0.5], atol=1e-12)
    assert not one.masked.any()
    whole = labels.spread()
    share = whole.weights[3]
    # self-consistent: shares are the mean of all weights, sets among them
    assert_allclose(np.nanmean(whole.weights, axis=0), share, rtol=1e-9)
    assert_allclose(labels.spread("equal").weights[3], 1 / 3)


def test_spread_counts_copies():
    one = xm.Labels.of(spells(weight=[3, 1, 1, 1, 1, 1, 1, 1]), unknown="?", masked={"b or c": ["a", "b"]})
    rows = spells()
    many = xm.Labels.of(rows.select([0, 0, 0, 1, 2, 3, 4, 5, 6, 7]), unknown="?", masked={"b or c": ["a", "b"]})
    assert_allclose(one.spread().weights, many.spread().weights[2:], rtol=1e-10)


def test_spread_refuses_groups_without_certain_labels():
    labels = xm.Labels([[1, 0], [0.5, 0.5], [0.5, 0.5]], ["a", "b"], masked=[0, 1, 1])
    with pytest.raises(xm.IdentificationError, match="y"):
        labels.spread(group=["x", "x", "y"])
    with pytest.raises(xm.DataError, match="shape"):
        labels.spread(group=["x"])


# ---- draws -------------------------------------------------------------------------------------------------------
def test_draws_follow_the_weights():
    weights = np.array([[0.2, 0.5, 0.3], [1, 0, 0], [NAN] * 3])
    drawn = xm.Labels(weights, ["a", "b", "c"]).draw(20_000, rng=1)
    shares = [np.bincount(drawn[:, 0], minlength=4)[1:] / 20_000]
    assert_allclose(shares[0], weights[0], atol=0.012)  # three standard errors of a share of one half
    assert_array_equal(np.unique(drawn[:, 1]), [1])
    assert_array_equal(np.unique(drawn[:, 2]), [0])
    assert_array_equal(drawn[:5], xm.Labels(weights, ["a", "b", "c"]).draw(5, rng=1))


def test_proper_draws_also_draw_the_shares():
    """30 and 10 known, 40 unknown: shares drawn from Dirichlet(30.5, 10.5) move the draws of all unknown together."""
    weights = np.repeat([[1.0, 0], [0, 1], [0.5, 0.5]], [30, 10, 40], axis=0)
    labels = xm.Labels(weights, ["a", "b"], masked=np.repeat([False, True], [40, 40])).spread()
    plain, proper = ((labels.draw(800, rng=2, proper=p)[:, 40:] == 1).sum(axis=1) for p in (False, True))
    assert_allclose([plain.mean(), proper.mean()], 40 * np.array([0.75, 30.5 / 41]), atol=0.5)  # four standard errors
    share = 30.5 * 10.5 / (41**2 * 42)
    within = 40 * (30.5 * 10.5 / 41**2 - share)
    # variances from 800 draws: relative standard error 5 %
    assert_allclose(plain.var(), 40 * 0.75 * 0.25, rtol=0.15)
    assert_allclose(proper.var(), within + 1600 * share, rtol=0.15)


def test_masked_sets_are_not_drawn():
    labels = xm.Labels.of(spells(), unknown="?", masked={"b or c": ["a", "b"]})
    with pytest.raises(xm.DataError, match="masked sets") as caught:
        labels.draw(rng=1)
    assert caught.value.rows == (3, 7)


def test_completed_spells():
    labels = xm.Labels.of(spells(), unknown="?", masked={"b or c": ["a", "b"]}).spread()
    for made in labels.complete(spells(), 5, rng=3):
        assert made.causes == ("a", "b")
        assert_array_equal(made.event[[0, 1, 2, 4, 5, 6]], [1, 2, 1, 1, 0, 2])
        assert np.isin(made.event[[3, 7]], [1, 2]).all()


def test_completed_spells_share_out_copies():
    """A row of weight w becomes as many people as it stands for, not one cause for all of them."""
    weight = np.array([1, 1, 1, 400, 1, 7, 1, 1])
    labels = xm.Labels([[1, 0], [0, 1], [1, 0], [0.5, 0.5], [1, 0], [NAN] * 2, [0, 1], [0, 1]], ["a", "b"])
    made = labels.complete(spells(weight=weight), 1, rng=3)[0]
    assert made.n == weight.sum()
    at_five = made.weight[(made.exit == 5)]
    assert len(at_five) == 2
    assert abs(at_five[0] - 200) < 60  # six standard deviations of a binomial
    assert_array_equal(made.weight[made.event == 0], [7])


def test_as_masked_feeds_models():
    weights = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.2, 0.8, 0], [1 / 3] * 3]
    rows = xm.Spells(exit=[1, 2, 3, 4, 5], event=np.ones(5, dtype=int))
    made, masked = xm.Labels(weights, ["a", "b", "c"]).as_masked(rows)
    assert masked == {"a or b": ["a", "b"], "unknown": ["a", "b", "c"]}
    fit = xm.MaskedCauses(masked=masked).fit(made)
    assert_allclose(fit.groups[0].share.sum(), 1)


def test_summaries_and_frames():
    labels = xm.Labels([[1, 0], [0.5, 0.5], [NAN, NAN]], ["a", "b"])
    assert_allclose(labels.effective, 0.5)
    assert labels.hard().tolist() == ["a", "a", None]
    assert "records with a label" in str(labels)
    assert list(labels.to_frame().columns) == ["a", "b", "masked", "entropy"]
    assert len(labels.take([True, False, True])) == 2


@pytest.mark.parametrize(
    ("weights", "causes"),
    [
        ([[0.5, 0.6]], ["a", "b"]),
        ([[-0.5, 1.5]], ["a", "b"]),
        ([[1.0]], ["a", "b"]),
        ([[0.5, 0.5]], ["a", "a"]),
        ([[NAN, NAN]], ["a", "b"]),
        ([[0.5, NAN]], ["a", "b"]),
    ],
)
def test_bad_weights(weights, causes):
    with pytest.raises(xm.DataError):
        xm.Labels(weights, causes)


def test_labels_must_be_those_of_the_spells():
    labels = xm.Labels([[1, 0], [NAN, NAN]], ["a", "b"])
    with pytest.raises(xm.DataError, match="2 labels for 3 spells"):
        labels.complete(xm.Spells(exit=[1, 2, 3]), rng=1)
    with pytest.raises(xm.DataError, match="no label") as caught:
        labels.complete(xm.Spells(exit=[1, 2]), rng=1)
    assert caught.value.rows == (1,)


@pytest.mark.parametrize(
    "call",
    [
        lambda: xm.Labels.fractional([[1, 2]], causes=["a", "b"]),
        lambda: xm.Labels.fractional([[1, 0]], causes=["a", "b"], unknown=["c"]),
        lambda: xm.Labels.misclassified(["c"], [[1, 0], [0, 1]], causes=["a", "b"]),
        lambda: xm.Labels.misclassified(["a"], [[1, 1], [0, 1]], causes=["a", "b"]),
        lambda: xm.Labels.misclassified(["a"], [[1, 0], [0, 1]], prior=[0.5, 0.6], causes=["a", "b"]),
        lambda: xm.Labels.misclassified(["a"], [[1, 0], [0, 1]], prior="flat", causes=["a", "b"]),
        lambda: xm.Labels.misclassified(["a"], [[1, 0], [0, 1]], prior=[0, 1], causes=["a", "b"]),
        lambda: xm.Labels([[1, 0]], ["a", "b"]).spread("nearest"),
    ],
)
def test_bad_input(call):
    with pytest.raises(xm.DataError) as caught:
        call()
    assert caught.value.hint
