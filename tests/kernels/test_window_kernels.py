"""Laws, likelihood and curves behind ExitWindow: numerical derivatives, slow definitions, closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad

from exitmodels.kernels.hazardcurves import cumulative_hazards, incidences, mean_stay
from exitmodels.kernels.hazardlaws import Constant, Gompertz, Law, Pieces, Weibull
from exitmodels.kernels.windowhazards import WindowData, evaluate, log1mexp, row_terms

LAWS: list[tuple[Law, list[float]]] = [
    (Constant(), [-1.0]),
    (Weibull(), [-1.0, 0.4]),
    (Weibull(), [-1.0, -0.4]),
    (Gompertz(), [-1.0, 0.7]),
    (Gompertz(), [-1.0, -0.7]),
    (Gompertz(), [-1.0, 1e-9]),
    (Pieces(np.array([0.5, 2.0])), [-1.0, 0.3, -2.0]),
]
TIMES = np.array([0.3, 0.5, 1.1, 2.0, 4.0])


@pytest.mark.parametrize(("law", "phi"), LAWS)
def test_a_law_agrees_with_itself(law, phi):
    """The cumulative hazard integrates the hazard; slopes and bends are numerical derivatives."""
    phi = np.array(phi)
    value, slopes = law.cumulative(TIMES, phi)
    for t, h in zip(TIMES, value, strict=True):
        slow = quad(lambda s: np.exp(law.log_hazard(np.array([s]), phi)[0][0]), 0, t, points=[0.5, 2.0], limit=200)[0]
        assert_allclose(h, slow, rtol=1e-7)
    by, eps = np.array([0.2, 1.0, -0.4, 0.7, 0.1]), 1e-6
    for name in ("cumulative", "log_hazard"):
        of, bend = getattr(law, name), getattr(law, f"{name}_bend")(TIMES, phi, by)
        _, slopes = of(TIMES, phi)
        for j, unit in enumerate(np.eye(len(phi))):
            up, down = of(TIMES, phi + eps * unit), of(TIMES, phi - eps * unit)
            assert_allclose(slopes[:, j], (up[0] - down[0]) / (2 * eps), rtol=1e-6, atol=1e-9)
            assert_allclose(bend[j], by @ (up[1] - down[1]) / (2 * eps), rtol=1e-6, atol=1e-8)
    at_zero, flat = law.cumulative(np.zeros(1), phi)
    assert at_zero[0] == 0
    assert not flat.any()


def made(n=60, masked=True, seed=3):
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
        laws=(Weibull(), Gompertz(), Pieces(np.array([0.4, 1.0]))),
        changes=np.stack([first, first + 0.4]),
        touches=np.array([[True, True], [False, True], [True, False]]),
        combine=np.eye(14),
    )


AT = np.array([-0.2, 0.3, 0.2, -0.1, 0.3, -0.4, -0.6, 0.4, 0.5, -0.5, 0.2, 0.1, 0.3, -0.7])


def slow_value(data, at):
    """The log-likelihood by its definition: hazards of every cause integrated by quadrature, one row after another."""
    total = 0.0
    for i in range(len(data.end)):

        def hazards(t, i=i):
            out = []
            for k, (law, covariates, policies) in enumerate(data.spans()):
                acting = [t > c for c in data.changes[data.touches[k], i]]
                log = data.laws[k].log_hazard(np.array([t]), at[law])[0][0] + data.matrices[k][i] @ at[covariates]
                out.append(np.exp(log + np.array(acting, float) @ at[policies] + data.offset[i]))
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


def test_the_likelihood_is_its_definition():
    data = made(30)
    assert_allclose(evaluate(data, AT).value, slow_value(data, AT), rtol=1e-8)


@pytest.mark.parametrize("masked", [True, False])
def test_gradient_and_information_are_the_numerical_derivatives(masked):
    data, eps = made(masked=masked), 1e-6
    here = evaluate(data, AT)
    for j, unit in enumerate(np.eye(len(AT))):
        up, down = evaluate(data, AT + eps * unit), evaluate(data, AT - eps * unit)
        assert_allclose(here.gradient[j], (up.value - down.value) / (2 * eps), rtol=1e-5, atol=1e-6)
        assert_allclose(here.information[j], -(up.gradient - down.gradient) / (2 * eps), rtol=1e-5, atol=1e-5)
    scores = np.concatenate([block for _, block in row_terms(data, AT)])
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
    none = (np.empty(0), np.empty(0))
    grid = np.array([1.0, 3.0])
    survival, _, parts, _ = incidences(*cumulative_hazards(laws, phis, none, np.zeros(2), grid))
    assert_allclose(survival, np.exp(-grid / 2), rtol=1e-14)
    assert_allclose(parts[0], 0.4 * (1 - np.exp(-grid / 2)), rtol=1e-14)
    assert_allclose(mean_stay(laws, phis, none, np.zeros(2), np.inf)[0], 2, rtol=1e-10)
    assert_allclose(mean_stay(laws, phis, none, np.zeros(2), 3.0)[0], 2 * (1 - np.exp(-1.5)), rtol=1e-12)


def test_slopes_of_curves_are_the_numerical_derivatives():
    laws, factors = (Weibull(), Gompertz()), (np.array([0.5]), np.array([2.0]))
    grid = np.linspace(0.01, 3, 300)

    def curves(theta):
        phis, logs = (theta[:2], theta[3:5]), np.array([0.5 * theta[2], 2 * theta[5]])
        hazards = cumulative_hazards(laws, phis, factors, logs, grid)
        return *incidences(*hazards), *mean_stay(laws, phis, factors, logs, 2.0)

    theta, eps = np.array([-1.0, -0.3, 0.2, -1.5, 0.4, 0.1]), 1e-6
    _, slope, _, part_slopes, _, area_slopes = curves(theta)
    for j, unit in enumerate(np.eye(6)):
        up, down = curves(theta + eps * unit), curves(theta - eps * unit)
        assert_allclose(slope[:, j], (up[0] - down[0]) / (2 * eps), atol=1e-8)
        assert_allclose(part_slopes[:, :, j], (up[2] - down[2]) / (2 * eps), atol=1e-8)
        assert_allclose(area_slopes[j], (up[4] - down[4]) / (2 * eps), atol=1e-8)
    phis, logs = (theta[:2], theta[3:5]), np.array([0.1, 0.2])
    slow = quad(
        lambda t: np.exp(laws[0].log_hazard(np.array([t]), theta[:2])[0][0] + 0.1)
        * np.exp(-cumulative_hazards(laws, phis, factors, logs, np.array([t]))[0].sum()),
        0,
        3,
    )[0]  # fmt: skip
    assert_allclose(curves(theta)[2][0, -1], slow, rtol=2e-5)


def test_a_hazard_that_fades_has_no_mean_stay():
    phis = (np.array([-3.0, -1.0]),)
    with pytest.raises(ValueError, match="zero"):
        mean_stay((Gompertz(),), phis, (np.empty(0),), np.zeros(1), np.inf)
