"""Predictions of 2024 to 2026 beside independent calculations: brute recursions, quadrature, optimisers, chance."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from selfloop.stability import (
    discount,
    extrapolation,
    golden,
    kde,
    recursions,
    safe,
    sharpening,
    variation,
    verified,
    weak,
)

ROOT = Path(__file__).parents[2]
FEW = settings(max_examples=10, deadline=None)


@FEW
@given(st.floats(0, 1), st.lists(st.floats(0, 3), min_size=1, max_size=6))
def test_discounted_is_its_recursion(a, errors):
    found, total = np.asarray(discount.discounted(jnp.asarray(errors), a)), 0.0
    for one, error in zip(found, errors, strict=True):
        total = (1 - a) ** 2 * total + error
        assert one == pytest.approx(total, rel=1e-12, abs=1e-300)


def test_the_discounted_limit_is_where_a_long_sum_ends():
    assert float(discount.discounted(jnp.full(400, 0.3), 0.2)[-1]) == pytest.approx(discount.discounted_limit(0.3, 0.2))


@FEW
@given(st.integers(1, 5), st.floats(0.1, 0.95), st.floats(0.05, 1), st.floats(0, 3))
def test_hermite_damping_is_that_of_the_kernel_on_polynomials(order, rho, w, gamma):
    """E He_j(rho x + sqrt(1 - rho^2) z) by Gauss-Hermite, generation by generation, from a coefficient of 1."""
    z, weight = np.polynomial.hermite_e.hermegauss(12)
    he = np.polynomial.hermite_e.HermiteE.basis(order)
    x = 1.7
    shrink = (weight @ he(rho * x + np.sqrt(1 - rho**2) * z)) / weight.sum() / he(x)
    r, expected = w / (1 + gamma), [shrink]
    for _ in range(4):
        expected.append(shrink * (1 - r + r * expected[-1]))
    np.testing.assert_allclose(kde.hermite_damping(order, rho, w, gamma, 4), expected, rtol=1e-9, atol=1e-12)


@FEW
@given(st.integers(2, 40), st.integers(1, 200))
def test_the_synthetic_drift_is_the_recursions_excess(n, m):
    excess = float(recursions.reuse_limit(n, m, 0.0, -1.0)) - 1 / n
    assert float(safe.synthetic_drift(n, m)) == pytest.approx(excess, rel=1e-9)


@FEW
@given(st.integers(2, 40), st.floats(0.01, 0.6))
def test_no_larger_amount_is_safe(n, excess):
    m = float(safe.largest_synthetic(n, excess))
    drift = lambda m: n * float(safe.synthetic_drift(n, m))  # noqa: E731
    if np.isinf(m):
        assert drift(1e9) <= excess * (1 + 1e-6)
    else:
        assert m == 0 or drift(m) <= excess * (1 + 1e-9)
        assert drift(m + 1) > excess * (1 - 1e-9)


@FEW
@given(st.floats(0.01, 0.9), st.floats(0.1, 1.0), st.floats(0, 1.0))
def test_weak_accuracy_with_and_without_false_positives(beta, phi, psi):
    t = np.arange(6)
    np.testing.assert_allclose(weak.weak_accuracy(beta, phi, 0.0, 5), 1 - (1 - beta * phi) ** t, atol=1e-12)
    q = {0.0: 1.0}  # the law of a question's state, by enumeration of both answers
    for found in np.asarray(weak.weak_accuracy(beta, phi, psi, 5)):
        assert sum(k * p for k, p in q.items()) == pytest.approx(found, abs=1e-12)
        after: dict = {}
        for state, p in q.items():
            for own, p_own in ((1, state), (0, 1 - state)):
                for out, p_out in ((1, beta), (0, 1 - beta)):
                    for keep_own in (0, 1):
                        for keep_out in (0, 1):
                            rate = [phi if right else psi for right in (own, out)]
                            chance = p * p_own * p_out
                            for kept, r in zip((keep_own, keep_out), rate, strict=True):
                                chance *= r if kept else 1 - r
                            taught = [label for label, kept in ((own, keep_own), (out, keep_out)) if kept]
                            new = np.mean(taught) if taught else state
                            after[new] = after.get(new, 0.0) + chance
        q = after


def test_weak_rounds_are_enough_and_one_less_is_not():
    for beta, eps in ((0.02, 0.1), (0.5, 0.125), (0.3, 1e-4)):
        t = int(weak.weak_rounds(beta, eps, 0.9))
        assert (1 - 0.9 * beta) ** t <= eps < (1 - 0.9 * beta) ** (t - 1)
    assert int(weak.weak_rounds(0.5, 0.125)) == 3


@FEW
@given(st.integers(1, 20), st.integers(2, 60), st.floats(0.1, 0.95), st.floats(0.1, 2))
def test_the_verified_path_is_its_recursion_and_turns_where_said(n, m, tau, bias):
    path, b, s = verified.verified_path(n, m, tau, bias, 8), bias, 1 / n
    for one in np.asarray(path):
        assert one == pytest.approx((bias - b) ** 2 + s, rel=1e-9)
        b, s = tau * b, tau**2 * s + tau / m
    long = np.asarray(verified.verified_path(n, m, tau, bias, 900))
    assert long[-1] == pytest.approx(float(verified.verified_limit(m, tau, bias)), rel=1e-6)
    assert abs(int(long.argmin()) - float(verified.best_generation(n, m, tau, bias))) <= 1 + 1e-6


def test_what_is_accepted_is_a_narrower_normal_law():
    kappa, mu, c = 1.3, 0.4, -1.0
    tau = kappa**2 / (1 + kappa**2)
    weigh = lambda y: np.exp(-((y - mu) ** 2) / 2 - (y - c) ** 2 / 2 / kappa**2)  # noqa: E731
    total, first, second = (integrate.quad(lambda y, k=k: y**k * weigh(y), -12, 12)[0] for k in range(3))
    assert first / total == pytest.approx(tau * mu + (1 - tau) * c)
    assert second / total - (first / total) ** 2 == pytest.approx(tau)


@pytest.mark.parametrize("k", [3, 8])
def test_the_log_bias_is_the_mean_of_a_log_chi_square(k):
    expected = integrate.quad(lambda y: np.log(y / k) * stats.chi2.pdf(y, k - 1), 0, np.inf)[0]
    assert float(extrapolation.log_bias(k)) == pytest.approx(expected, rel=1e-6)
    assert float(extrapolation.log_weight(k, k)) == 1.0


def test_precision_weight_undoes_the_bias_of_inverse_wisharts():
    n, m, d = 9, 12, 2
    w, one_n, one_m = float(extrapolation.precision_weight(n, m, d)), n / (n - d - 2), m / (m - d - 2)
    assert one_n * (1 + w - w * one_m) == pytest.approx(1)
    w = float(extrapolation.covariance_weight(n, m))
    assert (1 - 1 / n) * (1 + w - w * (1 - 1 / m)) == pytest.approx(1)


@FEW
@given(st.integers(1, 30), st.floats(0.05, 40), st.integers(1, 20))
def test_the_copy_error_is_the_recursions(n, lam, t):
    s = recursions.reuse(n, lam * n, 0.0, 0.0, t)[-1]
    assert float(variation.copy_error(n, lam * n, t)) == pytest.approx(float(s) - 1 / n, rel=1e-6, abs=1e-12)
    assert float(s) <= 1.5 / n


@pytest.mark.parametrize("s", [0.02, 1.0, 9.0])
def test_the_variation_of_a_normal_mean(s):
    tv = lambda e: (2 * stats.norm.cdf(abs(e) / 2) - 1) * stats.norm.pdf(e, 0, np.sqrt(s))  # noqa: E731
    expected = 2 * integrate.quad(tv, 0, 12 * np.sqrt(s), limit=200)[0]
    assert float(variation.normal_variation(s)) == pytest.approx(expected, rel=1e-7)


def test_the_worst_ratio():
    assert float(variation.worst_ratio(1)) == pytest.approx(1, abs=1e-6)
    for t in (3, 50, 2000):
        best = optimize.minimize_scalar(
            lambda u, t=t: -float(variation.copy_error(1.0, np.exp(u), t)),
            bounds=(-1, np.log(10 * t)),
            method="bounded",
        )
        assert float(variation.worst_ratio(t)) == pytest.approx(np.exp(best.x), rel=1e-3)
    assert float(variation.worst_ratio(2e5)) == pytest.approx(4e5 / np.log(8e5), rel=0.02)


@FEW
@given(st.floats(0.1, 4), st.floats(0, 4), st.floats(1, 5), st.floats(-2, 2))
def test_guided_is_the_tilted_law(v, b, w, mu):
    x = np.linspace(-30, 30, 40_001)
    tilted = w * stats.norm.logpdf(x, mu, np.sqrt(v)) + (1 - w) * stats.norm.logpdf(x, 0, np.sqrt(v + b))
    law = np.exp(tilted - tilted.max())
    law /= law.sum()
    narrow, apart = sharpening.guided(v, b, w)
    assert law @ x == pytest.approx(float(apart) * mu, abs=1e-6)
    assert law @ x**2 - (law @ x) ** 2 == pytest.approx(float(narrow), rel=1e-6)


@pytest.mark.parametrize(("v", "b", "w"), [(0.5, 1.0, 2.5), (1.0, 0.2, 4.0), (0.3, 3.0, 1.0)])
def test_guided_flow_is_where_the_flow_ends(v, b, w):
    """dx / d tau = x - w (x - m exp(-s)) / v(s) + (w - 1) x / u(s) from noise, by an integrator of scipy."""
    level = lambda s, v: 1 + (v - 1) * np.exp(-2 * s)  # noqa: E731
    reach, mean = 16.0, 0.7

    def rate(tau, x):
        s = reach - tau
        return x - w * (x - mean * np.exp(-s)) / level(s, v) + (w - 1) * x / level(s, v + b)

    ends = integrate.solve_ivp(rate, (0, reach), [0.0, 1.0], rtol=1e-9, atol=1e-11).y[:, -1]
    narrow, apart = sharpening.guided_flow(v, b, w)
    assert float(sharpening.guided_flow(v, b, 3.0)[1]) == pytest.approx(1 + 2 * v / (v + b), rel=1e-12)
    assert (ends[1] - ends[0]) ** 2 == pytest.approx(float(narrow), rel=1e-5)
    assert ends[0] == pytest.approx(float(apart) * mean, rel=1e-5)


def test_guidance_one_and_temperature_one_change_nothing():
    for lam in (1.0, np.inf):
        for law in (sharpening.guided, sharpening.guided_flow):
            np.testing.assert_allclose(sharpening.guidance_path(0.7, 1.0, lam, 5, law), np.ones((2, 6)), rtol=1e-12)
    p = np.array([0.5, 0.3, 0.2])
    np.testing.assert_allclose(sharpening.tempered(jnp.asarray(p), 1.0, 9), p, rtol=1e-12)
    np.testing.assert_allclose(sharpening.tempered(jnp.asarray(p), 2.0, 1), p**0.5 / (p**0.5).sum(), rtol=1e-12)
    np.testing.assert_allclose(sharpening.scaled_variance(1.5, 1.0, 200)[-1], 2.0, rtol=1e-9)


@FEW
@given(st.floats(0.1, 5), st.floats(0.3, 50))
def test_the_ridge_optimum_minimises_the_risk(k, signal):
    x, g = (float(one) for one in golden.ridge_optimum(k, signal))
    best = optimize.minimize(
        lambda p: float(golden.ridge_risk(p[0], p[1], k, signal)), [0.6, 0.7], bounds=[(1e-3, 1), (1e-3, 1)], tol=1e-12
    )
    least, y = float(golden.ridge_risk(x, g, k, signal)), g * (1 - x)
    assert least <= best.fun * (1 + 1e-6)
    closed = signal * (1 - y) / (1 - y + signal * (1 + y)) + k * y**2 / (1 - y**2)
    assert least == pytest.approx(closed, rel=1e-9)


def test_without_noise_ridge_is_the_golden_ratio():
    x, g = golden.ridge_optimum(1.0, np.inf)
    assert (float(x), float(g)) == (pytest.approx(2 / (1 + 5**0.5), rel=1e-9), 1.0)
    np.testing.assert_allclose(golden.ridge_risk(0.4, 1.0, 0.7, 3.0), golden.stationary_variance(0.4, 0.7), rtol=1e-12)


@pytest.mark.parametrize("v2", [-1.0, 0.0, 1.0])
def test_sizes_that_stay_are_replace(v2):
    found = recursions.replace_sizes(4, jnp.full(6, 7.0), 0.5, v2)
    np.testing.assert_allclose(found, recursions.replace(4, 7, 0.5, v2, 6), rtol=1e-12)


def test_sizes_enter_in_their_order():
    found = recursions.replace_sizes(5, jnp.asarray([3.0, 8.0]), 0.0, -1.0)
    np.testing.assert_allclose(1 - found, np.cumprod([4 / 5, 2 / 3, 7 / 8]), rtol=1e-12)


def test_jit_leaves_numbers_as_they_are():
    assert float(jax.jit(safe.synthetic_drift)(6, 12)) == pytest.approx(float(safe.synthetic_drift(6, 12)), rel=1e-12)


@pytest.mark.parametrize(("n", "lam"), [(64, 1), (64, 4), (256, 1)])
def test_the_pages_table_of_sharpening(n, lam):
    """docs/stability.md, from the records of docs/results.md."""
    page = (ROOT / "docs" / "stability.md").read_text("utf-8")
    row = next(line for line in page.splitlines() if line.startswith(f"| {n}, {lam} |"))
    shown = [float(one) for one in row.replace(" +- ", "|").strip("|").split("|")[1:]]
    lanes = [json.loads(line) for line in (ROOT / "docs" / "results" / "grid.jsonl").read_text("utf-8").splitlines()]
    lanes = [one for one in lanes if one["kind"] == "lane" and one["n"] == n]
    inside = lambda guidance, arm, lam, t: np.array([  # noqa: E731
        one["values"]["within_features"][t] for one in lanes
        if (one["guidance"], one["arm"], one["lam"]) == (guidance, arm, lam)
    ])  # fmt: skip
    plain, first = inside(1.0, "baseline", 0.0, 0).mean(), inside(2.5, "baseline", 0.0, 0).mean()
    expected = [plain, first]
    for law, of in ((sharpening.guided, lambda path: path[-1]), (sharpening.guided_flow, np.min)):
        b = optimize.brentq(lambda b, law=law: float(law(1.0, b, 2.5)[0]) - first / plain, 1e-3, 50)
        v, g = sharpening.guidance_path(b, 2.5, float(lam), 59, law)
        expected.append(plain * of(np.asarray(jax.vmap(lambda v, g, b=b, law=law: law(v, b * g**2, 2.5)[0])(v, g))))
    last = inside(2.5, "uncorrected", float(lam), 50)
    np.testing.assert_allclose(shown, [*expected, last.mean(), last.std(ddof=1)], atol=6e-4)
    assert expected[3] < last.mean() < expected[2]
