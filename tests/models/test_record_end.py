"""Did exits stop, or did records? Planted truths, the evidence by brute force, and refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import gammaln, logsumexp

import exitmodels as xm
from exitmodels.kernels.recordend import weigh_ends

WEEKS = 40


def world(
    rng: np.random.Generator, recording: int = WEEKS, events: int = WEEKS, rho: float = 0.0, psi: float = 0.0
) -> xm.Counts:
    t = np.arange(WEEKS)
    recorded = np.where(t >= recording, rho, 1.0)
    means = [6.0 * recorded * np.where(t >= events, psi, 1.0), 8.0 * recorded, 5.0 * recorded]
    start = np.datetime64("2013-03-01") + 7 * t
    table: dict[str, Any] = {
        "n": np.concatenate([rng.poisson(mean) for mean in means]),
        "kind": np.repeat(["exit", "entry", "pay"], WEEKS),
        "start": np.tile(start, 3),
        "end": np.tile(start + 7, 3),
    }
    return xm.Counts.from_table(table, n="n", by="kind", start="start", end="end", shared=True)


@pytest.mark.parametrize(
    ("planted", "recording", "events"),
    [
        ({"recording": 30}, "ended", None),
        ({"events": 30}, None, "ended"),
        ({"recording": 20, "events": 30, "rho": 0.5, "psi": 0.1}, "ended", "ended"),
        ({"recording": 28, "events": 16, "rho": 0.4, "psi": 0.2}, "ended", "ended"),
    ],
)
def test_planted_truths_are_found(planted, recording, events):
    fit = xm.RecordEnd("exit").fit(world(np.random.default_rng(31), **planted))
    if recording:
        assert fit.recording_ended > 0.99
        assert fit.when()["middle"].iloc[0] == np.datetime64("2013-03-01") + 7 * planted["recording"]
    else:
        assert fit.recording_ended < 0.5
    if events:
        assert fit.events_ended > 0.99
        gap = fit.when()["middle"].iloc[1] - np.datetime64("2013-03-01")
        assert abs(gap.days / 7 - planted["events"]) <= 2
    else:
        assert fit.events_ended < 0.9
    share = fit.left(alpha=0.01)
    if "rho" in planted:
        assert share.loc["recording", "low"] < planted["rho"] < share.loc["recording", "high"]
        assert share.loc["events", "low"] < planted["psi"] < share.loc["events", "high"]


def test_nothing_can_be_said_of_exits_after_the_recording_stopped():
    fit = xm.RecordEnd("exit").fit(world(np.random.default_rng(7), recording=28))
    assert fit.verdict == "recording: ended; events: cannot tell"
    assert any("cannot be seen" in note for note in fit.warnings)


def test_a_steady_world_is_not_called_an_end():
    fits = [xm.RecordEnd("exit").fit(world(np.random.default_rng(seed))) for seed in range(4)]
    assert np.mean([fit.posterior[0] for fit in fits]) > 0.5
    assert all("ended" not in fit.verdict.replace("did not end", "") for fit in fits)


def test_evidence_is_that_of_brute_force():
    """Base rates integrated in closed form: a gamma integral for each series, here written with Poisson terms."""
    rng = np.random.default_rng(3)
    x, c, e = rng.poisson(5, 7).astype(float), rng.poisson(7, 7).astype(float), np.linspace(5, 8, 7)
    places = np.arange(1, 7)
    made = weigh_ends(x, c, e, places)

    def marginal(n: np.ndarray, shape: np.ndarray) -> float:
        total = n.sum()
        return float((n * np.log(shape)).sum() + gammaln(total + 0.5) - (total + 0.5) * np.log(shape.sum()))

    nodes, weights = np.polynomial.legendre.leggauss(40)
    nodes, weights, t = (nodes + 1) / 2, weights / 2, np.arange(7)
    both = []
    for a in places:
        for i, r in enumerate(nodes):
            recorded = e * np.where(t >= a, r, 1.0)
            control = marginal(c, recorded)
            both += [
                control + marginal(x, recorded * np.where(t >= b, s, 1.0)) + np.log(weights[i] * weights[j])
                for b in places[::3]
                for j, s in enumerate(nodes)
            ]
    alone = [
        marginal(x, e * np.where(t >= b, s, 1.0)) + marginal(c, e) + np.log(w)
        for b in places
        for s, w in zip(nodes, weights, strict=True)
    ]
    none = marginal(x, e) + marginal(c, e)
    # nodes of the quadrature against those of the brute force
    assert_allclose(made.log_evidence[2] - made.log_evidence[0], logsumexp(alone) - np.log(6) - none, atol=2e-4)
    few = weigh_ends(x, c, e, places)
    assert_allclose(few.log_evidence, made.log_evidence)
    # With both ends: the pairs of dates that brute force tried, from the weights of the dates.
    whole = [
        marginal(c, e * np.where(t >= a, r, 1.0))
        + marginal(x, e * np.where(t >= a, r, 1.0) * np.where(t >= b, s, 1.0))
        + np.log(weights[i] * weights[j])
        for a in places
        for i, r in enumerate(nodes)
        for b in places
        for j, s in enumerate(nodes)
    ]
    # nodes of the quadrature against those of the brute force
    assert_allclose(made.log_evidence[3] - made.log_evidence[0], logsumexp(whole) - 2 * np.log(6) - none, atol=2e-4)


def test_order_of_kinds_and_rows_do_not_matter_and_priors_do():
    counts = world(np.random.default_rng(4), events=30)
    fit = xm.RecordEnd("exit").fit(counts)
    other = xm.RecordEnd(
        "exit", prior={"neither ended": 0.7, "recording ended": 0.1, "events ended": 0.1, "both ended": 0.1}
    )
    tilted = other.fit(counts)
    odds = tilted.posterior[2] / tilted.posterior[0] * 7
    assert_allclose(odds, fit.posterior[2] / fit.posterior[0], rtol=1e-9)
    assert_allclose(fit.bayes_factor("events ended", "neither ended"), fit.posterior[2] / fit.posterior[0], rtol=1e-9)


def test_overdispersion_weakens_the_evidence():
    rng = np.random.default_rng(9)
    start, t = np.datetime64("2013-03-01") + 7 * np.arange(WEEKS), np.arange(WEEKS)
    noise = [
        rng.negative_binomial(2.0, 2.0 / (2.0 + m * np.where(t >= 30, s, 1.0))) for m, s in ((6.0, 0.3), (9.0, 1.0))
    ]
    table = {"n": np.concatenate(noise), "kind": np.repeat(["exit", "entry"], WEEKS), "start": np.tile(start, 2)}
    table["end"] = table["start"] + 7
    counts = xm.Counts.from_table(table, n="n", by="kind", start="start", end="end", shared=True)
    loose, tight = xm.RecordEnd("exit").fit(counts), xm.RecordEnd("exit", dispersion=1).fit(counts)
    assert loose.dispersion > 2
    assert 0 < loose.log_evidence[2] - loose.log_evidence[0] < tight.log_evidence[2] - tight.log_evidence[0]


def test_controls_that_do_not_fall_together_are_found():
    counts = world(np.random.default_rng(5), recording=25, rho=0.3)
    assert xm.RecordEnd("exit").fit(counts).tests["controls fall together"].pvalue > 0.001
    n = counts.n.copy()
    of, late = counts.keys["kind"].decoded() == "pay", counts.start >= counts.start.min() + 7 * 25
    n[of & late] += 5
    from dataclasses import replace

    assert xm.RecordEnd("exit").fit(replace(counts, n=n)).tests["controls fall together"].pvalue < 1e-4


def test_answers_in_print_and_on_file(tmp_path):
    fit = xm.RecordEnd("exit").fit(world(np.random.default_rng(1), events=30))
    text = str(fit)
    assert "verdict" in text
    assert "controls (entry, pay)" in text
    assert fit.tidy().shape == (4, 5)
    assert "tabular" in fit.to_latex()
    assert "Lipsitch" in fit.cite()
    assert fit.plot().get_legend() is not None
    fit.save(tmp_path / "end.json")
    assert_allclose(xm.load(tmp_path / "end.json").posterior, fit.posterior)
    assert_allclose(fit.params.sum(), 1.0)


def test_refusals():
    counts = world(np.random.default_rng(1))
    with pytest.raises(xm.IdentificationError, match="no model can tell"):
        xm.RecordEnd("exit").fit(counts.select(kind="exit"))
    with pytest.raises(xm.IdentificationError, match="no model can tell"):
        xm.RecordEnd("exit").fit(counts.aggregate("kind"))
    with pytest.raises(xm.DataError, match="No kind is called"):
        xm.RecordEnd("exits").fit(counts)
    with pytest.raises(xm.DataError, match="sum to 1"):
        xm.RecordEnd("exit", prior={"neither ended": 0.5}).fit(counts)
    from dataclasses import replace

    silent = replace(counts, n=np.where(counts.keys["kind"].decoded() == "exit", counts.n, 0))
    with pytest.raises(xm.IdentificationError, match="controls hold no record"):
        xm.RecordEnd("exit").fit(silent)
