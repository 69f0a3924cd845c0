"""Laws, likelihood and curves behind ExitWindow: numerical derivatives, slow definitions, closed forms."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.integrate import quad

from exitmodels.kernels.ascent import Surface
from exitmodels.kernels.hazardcurves import cumulative_hazards, incidences, mean_stay
from exitmodels.kernels.hazardlaws import Constant, Gompertz, Law, Pieces, Weibull
from exitmodels.kernels.splinelaw import Spline, spline_basis
from exitmodels.kernels.timelaws import Gamma, GeneralisedGamma, LogLogistic, LogNormal
from exitmodels.kernels.uppergamma import log_stretched, log_upper
from exitmodels.kernels.windowclimb import climb
from exitmodels.kernels.windowhazards import WindowData, cause_hazards, evaluate, log1mexp, row_terms, total_hazard

LAWS: list[tuple[Law, list[float]]] = [
    (Constant(), [-1.0]),
    (Weibull(), [-1.0, 0.4]),
    (Weibull(), [-1.0, -0.4]),
    (Gompertz(), [-1.0, 0.7]),
    (Gompertz(), [-1.0, -0.7]),
    (Gompertz(), [-1.0, 1e-9]),
    (Pieces(np.array([0.5, 2.0])), [-1.0, 0.3, -2.0]),
    (Spline(np.log([0.2, 0.8, 1.5, 3.0])), [-1.0, 1.2, 0.3, -0.2]),
    (LogNormal(), [0.3, -0.2]),
    (LogNormal(), [-4.0, 0.5]),
    (LogLogistic(), [0.3, 0.4]),
    (Gamma(), [0.3, -0.7]),
    (Gamma(), [-3.0, 3.0]),
    (GeneralisedGamma(), [0.3, -0.2, 0.7]),
    (GeneralisedGamma(), [0.3, -0.2, -0.7]),
    (GeneralisedGamma(), [0.3, -0.2, 1e-3]),
]
TIMES = np.array([0.3, 0.5, 1.1, 2.0, 4.0])


@pytest.mark.parametrize(("law", "phi"), LAWS)
def test_a_law_agrees_with_itself(law, phi):
    """The cumulative hazard integrates the hazard; slopes and bends are numerical derivatives."""
    phi = np.array(phi)
    value, _ = law.cumulative(law.basis(TIMES), phi)
    for t, h in zip(TIMES, value, strict=True):
        slow = quad(lambda s: hazard(law, s, phi), 0, t, points=[0.2, 0.5, 0.8, 1.5, 2.0, 3.0], limit=200)[0]
        assert_allclose(h, slow, rtol=1e-7)
    by, eps = np.array([0.2, 1.0, -0.4, 0.7, 0.1]), 1e-5
    for name, reads in (("cumulative", law.basis(TIMES)), ("log_hazard", law.exit_basis(TIMES))):
        of = getattr(law, name)
        known = (of(reads, phi),) if name == "cumulative" else ()
        slopes, bend = of(reads, phi)[1], getattr(law, f"{name}_bend")(reads, phi, by, *known)
        scale = 1 + np.abs(bend).max()
        for j, unit in enumerate(np.eye(len(phi))):
            up, down = of(reads, phi + eps * unit), of(reads, phi - eps * unit)
            # a first difference with this step is good to about 1e-8 of the largest derivative
            assert_allclose(slopes[j], (up[0] - down[0]) / (2 * eps), rtol=1e-6, atol=1e-8 * scale)
            assert_allclose(bend[j], (up[1] - down[1]) @ by / (2 * eps), rtol=1e-6, atol=2e-7 * scale)
    at_zero, flat = law.cumulative(law.basis(np.zeros(1)), phi)
    # a gamma law takes time 0 as exp(-300) of its scale
    assert_allclose(at_zero, 0, atol=1e-60)
    assert_allclose(flat, 0, atol=1e-60)


def hazard(law, t, phi):
    return float(np.exp(law.log_hazard(law.exit_basis(np.array([t])), phi)[0][0]))


def moved(law, t, phi, eta):
    """The hazard of a row with this linear predictor: multiplied, or the clock stretched."""
    return hazard(law, t * np.exp(-eta), phi) * np.exp(-eta) if law.accelerated else hazard(law, t, phi) * np.exp(eta)


def test_known_laws_of_scipy():
    """Tails and hazards of the same laws written by others; far into the tail by mpmath."""
    t = np.array([0.1, 1.0, 3.0, 20.0])
    for law, phi, theirs in (
        (LogNormal(), [0.3, -0.2], stats.lognorm(np.exp(-0.2), scale=np.exp(0.3))),
        (LogLogistic(), [0.3, 0.4], stats.fisk(np.exp(0.4), scale=np.exp(0.3))),
        (Gamma(), [0.3, 0.7], stats.gamma(np.exp(0.7), scale=np.exp(0.3))),
        (GeneralisedGamma(), [0.3, -0.2, 1.0], stats.weibull_min(np.exp(0.2), scale=np.exp(0.3))),
        (GeneralisedGamma(), [0.3, -0.2, 0.0], stats.lognorm(np.exp(-0.2), scale=np.exp(0.3))),
    ):
        phi = np.array(phi)
        assert_allclose(law.cumulative(law.basis(t), phi)[0], -theirs.logsf(t), rtol=1e-10)
        log = law.log_hazard(law.exit_basis(t), phi)[0]
        assert_allclose(log, theirs.logpdf(t) - theirs.logsf(t), rtol=1e-9, atol=1e-10)
    # Q(2, u) = (1 + u) exp(-u), also where it underflows; the normal law is the limit of the stretched one
    u = np.array([1.0, 50.0, 1000.0, 1e6])
    assert_allclose(log_upper(2.0, u), np.log1p(u) - u, rtol=1e-12)
    w = np.linspace(-3, 3, 7)
    around = [log_stretched(w, q)[0] for q in (1.9e-3, 2.0e-3, 2.1e-3)]
    # a second difference over 1e-4 where the way of computing changes: nothing but rounding and 1e-8 of curvature
    assert_allclose(around[0] - 2 * around[1] + around[2], 0, atol=2e-7)
    assert_allclose(log_stretched(w, 0.0)[0], stats.norm.logsf(w), rtol=1e-12)


def test_a_spline_without_inner_knots_is_a_weibull_law_and_is_linear_outside():
    t, knots = np.array([0.5, 1.0, 4.0]), np.log([0.4, 1.0, 3.0])
    plain = Spline(knots[[0, 2]])
    phi = np.array([-1.0, 1.4])
    weibull = Weibull()
    assert_allclose(plain.cumulative(plain.basis(t), phi)[0],
                    weibull.cumulative(weibull.basis(t), np.array([-1.0, np.log(1.4)]))[0], rtol=1e-13)  # fmt: skip
    outside = np.log([3.5, 4.0, 10.0, 0.1, 0.2])
    slopes = spline_basis(outside, knots)[1][2]
    assert_allclose(slopes[:3], slopes[0], rtol=1e-10)
    assert_allclose(slopes[3:], 0, atol=1e-14)
    assert plain.rises(phi, 10.0)
    assert not Spline(knots).rises(np.array([-1.0, 0.2, 5.0]), 5.0)


def test_a_climb_to_a_limit_that_is_not_there_gives_up():
    """-exp(-x) rises for ever; -(x - 2)^4 - (x - 2)^2 has a top."""

    def endless(at):
        value = float(np.exp(-at[0]))
        return Surface(-value, np.array([value]), np.array([[value]]), lambda: np.eye(1))

    def top(at):
        z = at[0] - 2
        return Surface(-(z**4) - z**2, np.array([-4 * z**3 - 2 * z]), np.array([[12 * z**2 + 2]]), lambda: np.eye(1))

    lost, found = (
        climb(endless, [np.zeros(1)], np.full((1, 1), 1e4), 5000),
        climb(top, [np.full(1, 9.0)], np.eye(1), 50),
    )
    assert not lost.converged
    assert lost.n_steps < 5000
    assert found.converged
    assert found.at[0] == pytest.approx(2, abs=1e-12)
    with pytest.raises(ValueError, match="inside"):
        climb(lambda at: None, [np.zeros(1), np.ones(1)], np.eye(1), 5)


PROPORTIONAL = (Weibull(), Gompertz(), Pieces(np.array([0.4, 1.0])))
STRETCHED = (LogNormal(), GeneralisedGamma(), Spline(np.log([0.1, 0.8, 2.0])))
PHI = {
    PROPORTIONAL: ([-0.2, 0.3], [-0.6, 0.4], [-0.7, 0.2, 0.1]),
    STRETCHED: ([0.2, -0.3], [0.4, 0.1, 0.6], [-0.7, 1.2, 0.1]),
}


def parameters(laws):
    """Laws, covariates and policies of each cause in turn."""
    effects = ([0.2, -0.1, 0.3, -0.4], [0.5], [-0.5, 0.3])
    return np.concatenate([np.r_[phi, own] for phi, own in zip(PHI[laws], effects, strict=True)])


def made(n=60, masked=True, seed=3, laws=PROPORTIONAL):
    """Rows of every kind: three laws, two policies, unknown causes, rows without a right limit, weights."""
    rng = np.random.default_rng(seed)
    begin = np.where(rng.random(n) < 0.5, 0.0, rng.random(n))
    end = begin + 0.05 + rng.random(n)
    close = np.where(rng.random(n) < 0.3, np.inf, end + rng.random(n))
    cause = rng.integers(-1 if masked else 0, 4, n)
    cause = np.where(np.isfinite(close) & (cause == 0), 1, cause)
    first = rng.random(n) * 2 - 0.5
    matrix = rng.normal(size=(n, 2))
    return WindowData(
        begin=begin,
        end=end,
        upper=None,
        close=close,
        cause=cause,
        weight=0.5 + rng.random(n),
        offset=0.1 * rng.normal(size=n),
        matrices=(matrix, np.empty((n, 0)), matrix[:, :1]),
        laws=laws,
        changes=np.stack([first, first + 0.4]),
        touches=np.array([[True, True], [False, True], [True, False]]),
        combine=np.eye(len(parameters(laws))),
    )


AT = parameters(PROPORTIONAL)


def slow_value(data, at):
    """The log-likelihood by its definition: hazards of every cause integrated by quadrature, one row after another."""
    total = 0.0
    for i in range(len(data.end)):

        def hazards(t, i=i):
            out = []
            for k, (law, covariates, policies) in enumerate(data.spans()):
                acting = [t > c for c in data.changes[data.touches[k], i]]
                eta = data.matrices[k][i] @ at[covariates] + data.offset[i]
                out.append(moved(data.laws[k], t, at[law], eta) * np.exp(np.array(acting, float) @ at[policies]))
            return np.array(out)

        def area(a, b, i=i):
            points = sorted(p for p in [*data.changes[:, i], 0.4, 1.0] if a < p < b)
            return quad(lambda t: hazards(t).sum(), a, b, points=points or None, limit=200)[0]

        upper = data.end[i] if data.upper is None else data.upper[i]
        value = -area(data.begin[i], data.end[i]) if data.end[i] > data.begin[i] else 0.0
        if upper > data.end[i]:
            value += np.log(1 - np.exp(-area(data.end[i], upper)))
        elif data.cause[i] != 0:
            own = hazards(data.end[i])
            value += np.log(own.sum() if data.cause[i] < 0 else own[data.cause[i] - 1])
        if np.isfinite(data.close[i]):
            value -= np.log(1 - np.exp(-area(data.begin[i], data.close[i])))
        total += data.weight[i] * value
    return total


@pytest.mark.parametrize("laws", [PROPORTIONAL, STRETCHED])
def test_the_likelihood_is_its_definition(laws):
    """Truncation on both sides, masked causes and two policies, by numerical integration of the hazards."""
    data, at = made(20 if laws is PROPORTIONAL else 5, laws=laws), parameters(laws)
    assert_allclose(evaluate(data, at).value, slow_value(data, at), rtol=1e-8)
    parts = cause_hazards(data, at, data.begin, data.end)
    assert_allclose(parts.sum(axis=0), total_hazard(data, at, data.begin, data.end), rtol=1e-12)


@pytest.mark.parametrize("laws", [PROPORTIONAL, STRETCHED])
@pytest.mark.parametrize("masked", [True, False])
def test_gradient_and_information_are_the_numerical_derivatives(masked, laws):
    data, eps, at = made(masked=masked, laws=laws), 1e-6, parameters(laws)
    here = evaluate(data, at)
    for j, unit in enumerate(np.eye(len(at))):
        up, down = evaluate(data, at + eps * unit), evaluate(data, at - eps * unit)
        assert_allclose(here.gradient[j], (up.value - down.value) / (2 * eps), rtol=1e-5, atol=1e-6)
        assert_allclose(here.information[j], -(up.gradient - down.gradient) / (2 * eps), rtol=1e-5, atol=1e-5)
    scores = np.concatenate([block for _, block in row_terms(data, at)])
    assert_allclose(data.weight @ scores, here.gradient, rtol=1e-10)
    assert_allclose(here.expected, scores.T @ (scores * data.weight[:, None]), rtol=1e-10)


def test_interval_dates_within_limits():
    data = made(masked=False)
    one = replace(
        data,
        upper=np.where(np.isfinite(data.close), (data.end + data.close) / 2, data.end),
        cause=(data.cause != 0).astype(int),
        matrices=data.matrices[:1],
        laws=data.laws[:1],
        touches=data.touches[:1],
        combine=np.eye(6),
    )
    assert_allclose(evaluate(one, AT[:6]).value, slow_value(one, AT[:6]), rtol=1e-8)
    eps = 1e-6
    for j, unit in enumerate(np.eye(6)):
        up, down = evaluate(one, AT[:6] + eps * unit), evaluate(one, AT[:6] - eps * unit)
        here = evaluate(one, AT[:6])
        assert_allclose(here.gradient[j], (up.value - down.value) / (2 * eps), rtol=1e-5, atol=1e-6)
        assert_allclose(here.information[j], -(up.gradient - down.gradient) / (2 * eps), rtol=1e-5, atol=1e-5)


def test_differences_of_survival_keep_their_digits():
    """At a hazard of 1e-12 per day S(U) - S(V) has no digits left; the log of its share of S(U) has all."""
    assert_allclose(log1mexp(np.array([1e-12]))[0], np.log(1e-12), rtol=1e-12)
    assert_allclose(log1mexp(np.array([40.0]))[0], -np.exp(-40.0), rtol=1e-12)
    assert log1mexp(np.array([np.inf]))[1][0] == 0


def test_points_outside_the_domain_have_no_value():
    assert evaluate(made(), AT + 1e4) is None


def test_curves_by_hand():
    """Constant hazards 0.2 and 0.3: S = exp(-t / 2), F_1 = 0.4 (1 - S), mean 2, restricted mean 2 (1 - S(tau))."""
    laws, phis = (Constant(), Constant()), (np.log([0.2]), np.log([0.3]))
    none = ((np.empty(0), np.empty(0)),) * 2
    grid = np.array([1.0, 3.0])
    survival, _, parts, _ = incidences(*cumulative_hazards(laws, phis, none, np.zeros((2, 2)), grid))
    assert_allclose(survival, np.exp(-grid / 2), rtol=1e-14)
    assert_allclose(parts[0], 0.4 * (1 - np.exp(-grid / 2)), rtol=1e-14)
    assert_allclose(mean_stay(laws, phis, none, np.zeros((2, 2)), np.inf)[0], 2, rtol=1e-10)
    assert_allclose(mean_stay(laws, phis, none, np.zeros((2, 2)), 3.0)[0], 2 * (1 - np.exp(-1.5)), rtol=1e-12)


@pytest.mark.parametrize("laws", [(Weibull(), Gompertz()), (LogLogistic(), LogNormal())])
def test_slopes_of_curves_are_the_numerical_derivatives(laws):
    """Each cause has a covariate and a policy; two kinds of laws."""
    factors = ((np.array([0.5]), np.ones(1)), (np.array([2.0]), np.ones(1)))
    grid = np.linspace(0.01, 3, 300)

    def curves(theta):
        phis = (theta[:2], theta[4:6])
        logs = np.array([[0.5 * theta[2], theta[3]], [2 * theta[6], theta[7]]])
        hazards = cumulative_hazards(laws, phis, factors, logs, grid)
        return *incidences(*hazards), *mean_stay(laws, phis, factors, logs, 2.0)

    theta, eps = np.array([-1.0, -0.3, 0.2, 0.4, -1.5, 0.4, 0.1, -0.3]), 1e-6
    _, slope, _, part_slopes, _, area_slopes = curves(theta)
    for j, unit in enumerate(np.eye(8)):
        up, down = curves(theta + eps * unit), curves(theta - eps * unit)
        assert_allclose(slope[:, j], (up[0] - down[0]) / (2 * eps), atol=1e-8)
        assert_allclose(part_slopes[:, :, j], (up[2] - down[2]) / (2 * eps), atol=1e-8)
        assert_allclose(area_slopes[j], (up[4] - down[4]) / (2 * eps), atol=1e-8)

    nodes, weights = np.polynomial.legendre.leggauss(40)
    edges = 3 * 2.0 ** -np.arange(30.0, -1, -1)
    t = np.concatenate([a + (b - a) * (nodes + 1) / 2 for a, b in pairwise(edges)])
    width = np.concatenate([(b - a) / 2 * weights for a, b in pairwise(edges)])
    first = np.array([moved(laws[0], s, theta[:2], 0.5 * theta[2]) for s in t]) * np.exp(theta[3])
    phis = (theta[:2], theta[4:6])
    logs = np.array([[0.5 * theta[2], theta[3]], [2 * theta[6], theta[7]]])
    left = np.exp(-cumulative_hazards(laws, phis, factors, logs, t)[0].sum(axis=0))
    fine = np.linspace(0, 3, 6001)[1:]
    found = incidences(*cumulative_hazards(laws, phis, factors, logs, fine))[2][0, -1]
    # the causes' hazards are taken as proportional within each step of 0.0005
    assert_allclose(found, (width * first) @ left, rtol=3e-6)


def test_mean_stays_without_an_end():
    """Gompertz hazards that fade and log-logistic stays of shape 0.8 have none; shape 1.5 and the lognormal have."""
    none, flat = ((np.empty(0), np.empty(0)),), np.zeros((1, 2))
    for law, phi in ((Gompertz(), [-3.0, -1.0]), (LogLogistic(), [0.0, np.log(0.8)])):
        with pytest.raises(ValueError, match="zero"):
            mean_stay((law,), (np.array(phi),), none, flat, np.inf)
    shape = 1.5
    found = mean_stay((LogLogistic(),), (np.array([0.7, np.log(shape)]),), none, flat, np.inf)[0]
    assert_allclose(found, np.exp(0.7) * np.pi / shape / np.sin(np.pi / shape), rtol=1e-9)
    found = mean_stay((LogNormal(),), (np.array([0.7, np.log(1.3)]),), none, flat, np.inf)[0]
    assert_allclose(found, np.exp(0.7 + 1.3**2 / 2), rtol=1e-9)
