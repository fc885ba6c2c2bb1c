from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from selfloop import metrics
from selfloop.metrics.mmd import median_distance, within

energy_distance2, kid, mmd2 = jax.jit(metrics.energy_distance2), jax.jit(metrics.kid), jax.jit(metrics.mmd2)
wasserstein1, wasserstein2 = jax.jit(metrics.wasserstein1), jax.jit(metrics.wasserstein2)
sliced_wasserstein = jax.jit(metrics.sliced_wasserstein, static_argnames=("p", "slices"))


def points(seed: int, n: int, f: int = 2, shift: float = 0.0) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=(n, f)) + shift).astype(np.float32)


def brute_mmd2(x, y, widths, kernel=None):
    kernel = kernel or (lambda d: np.mean([np.exp(-(d**2) / (2 * s * s)) for s in widths], 0))
    n, m = len(x), len(y)
    kx, ky, kxy = kernel(cdist(x, x)), kernel(cdist(y, y)), kernel(cdist(x, y))
    inner = (kx.sum() - np.trace(kx)) / (n * (n - 1)) + (ky.sum() - np.trace(ky)) / (m * (m - 1))
    return inner - 2 * kxy.mean()


def test_mmd2_agrees_with_brute_force():
    x, y = points(0, 30), points(1, 40, shift=0.5)
    assert np.isclose(mmd2(x, y, bandwidths=jnp.array([0.5, 2.0])), brute_mmd2(x, y, [0.5, 2.0]), atol=1e-5)
    median = np.median(cdist(y, y)[~np.eye(40, dtype=bool)])
    assert np.isclose(median_distance(y), median, rtol=1e-4)
    assert np.isclose(mmd2(x, y), brute_mmd2(x, y, median * np.array([0.25, 0.5, 1, 2, 4])), atol=1e-5)


def test_mmd2_of_gaussians_in_closed_form():
    """E k(x, y) = s / sqrt(s^2 + 2) exp(-d^2 / (2 (s^2 + 2))) for unit Gaussians at distance d on the line."""
    s, d, n, repeats = 1.5, 1.0, 100, 200

    def mean_kernel(distance: float) -> float:
        return s / np.sqrt(s * s + 2) * np.exp(-(distance**2) / (2 * (s * s + 2)))

    draws = jax.random.normal(jax.random.key(0), (repeats, 2, n, 1)) + jnp.array([0, d])[None, :, None, None]
    values = jax.jit(jax.vmap(lambda pair: mmd2(pair[0], pair[1], bandwidths=jnp.array([s]))))(draws)
    expected = 2 * mean_kernel(0) - 2 * mean_kernel(d)
    assert abs(values.mean() - expected) < 4 * values.std() / np.sqrt(repeats)


def test_mmd2_is_unbiased_at_equality():
    draws = jax.random.normal(jax.random.key(1), (400, 2, 12, 2))
    values = jax.jit(jax.vmap(lambda pair: mmd2(pair[0], pair[1], bandwidths=jnp.array([1.0]))))(draws)
    assert abs(values.mean()) < 4 * values.std() / 20
    assert values.min() < 0


def test_kid_agrees_with_brute_force():
    x, y = points(0, 30, 5), points(1, 40, 5, shift=0.5)
    u, v = np.arange(30) % 3, np.arange(40) % 2
    kernel = lambda a, b: (a.astype(float) @ b.T.astype(float) / 5 + 1) ** 3  # noqa: E731
    pair = lambda w: np.outer(w, w) * (1 - np.eye(len(w)))  # noqa: E731
    expected = np.average(kernel(x, x), weights=pair(u)) + np.average(kernel(y, y), weights=pair(v))
    expected -= 2 * np.average(kernel(x, y), weights=np.outer(u, v))
    holed = np.where(u[:, None] > 0, x, np.nan), np.where(v[:, None] > 0, y, np.nan)
    assert np.isclose(kid(*holed, jnp.asarray(u), jnp.asarray(v)), expected, rtol=1e-4)


def test_kid_of_gaussians_in_closed_form():
    """On the line it is ``sum_j binom(3, j) (E x^j - E y^j)^2``, of N(0, 1) and N(d, 1) a polynomial in d."""
    d, n, repeats = 0.7, 60, 400
    draws = jax.random.normal(jax.random.key(2), (repeats, 2, n, 1)) + jnp.array([0, d])[None, :, None, None]
    values = jax.jit(jax.vmap(lambda pair: metrics.kid(pair[0], pair[1])))(draws)
    expected = 3 * d**2 + 3 * d**4 + (d**3 + 3 * d) ** 2
    assert abs(values.mean() - expected) < 4 * values.std() / np.sqrt(repeats)
    same = jax.jit(jax.vmap(lambda pair: metrics.kid(pair[0], pair[1])))(draws.at[:, 1].add(-d))
    assert abs(same.mean()) < 4 * same.std() / np.sqrt(repeats)
    assert same.min() < 0


def test_energy_distance_agrees_with_scipy():
    """scipy's squared distance counts pairs of a sample with itself: E|x - x'| shrinks by (n - 1) / n."""
    x, y = points(0, 30, 1), points(1, 40, 1, shift=0.7)
    a, b = cdist(x, x).sum() / (30 * 29), cdist(y, y).sum() / (40 * 39)
    expected = scipy.stats.energy_distance(x[:, 0], y[:, 0]) ** 2 - a / 30 - b / 40
    assert np.isclose(energy_distance2(x, y), expected, rtol=1e-4)


def test_mixtures_contract_quadratically():
    """Between weighted laws on common atoms both distances are exact forms: the mixture lies at tau^2."""
    p, q, far = points(0, 200), points(1, 200), points(2, 200, shift=4.0)
    tau = 0.5
    for distance in (energy_distance2, mmd2):
        mixed = jnp.concatenate([far, q])
        weight = jnp.concatenate([jnp.full(200, tau), jnp.full(200, 1 - tau)])
        ratio = distance(mixed, p, weight) / distance(far, p)
        assert abs(ratio - tau**2) < 0.03  # 200 samples against a distance of many standard errors


def test_absent_samples_and_groups():
    x, y = points(0, 30), points(1, 40, shift=0.5)
    weight = jnp.arange(30.0) % 2
    holed = jnp.where(weight[:, None] > 0, x, jnp.nan)
    assert np.isclose(mmd2(holed, y, x_weight=weight), mmd2(x[1::2], y), atol=1e-5)
    assert np.isclose(energy_distance2(holed, y, weight), energy_distance2(x[1::2], y), atol=1e-4)
    kernel = jnp.array([[9.0, 9.0, 1.0], [9.0, 9.0, 3.0], [1.0, 3.0, 9.0]])
    assert np.isclose(within(kernel, jnp.ones(3), jnp.array([0, 0, 1])), 2.0)


def test_wasserstein_agrees_with_scipy():
    rng = np.random.default_rng(0)
    x, y = points(0, 30, 1)[:, 0], points(1, 47, 1, shift=1.0)[:, 0]
    u, v = rng.random(30).astype(np.float32), rng.random(47).astype(np.float32)
    u[::3] = 0
    assert np.isclose(wasserstein1(x, y), scipy.stats.wasserstein_distance(x, y), rtol=1e-4)
    assert np.isclose(wasserstein1(x, y, u, v), scipy.stats.wasserstein_distance(x, y, u, v), rtol=1e-4)
    x_absent = np.where(u > 0, x, np.nan).astype(np.float32)
    assert np.isclose(wasserstein1(x_absent, y, u, v), wasserstein1(x, y, u, v), rtol=1e-5)


def test_wasserstein2_of_equal_counts_pairs_the_sorted():
    x, y = points(0, 50, 1)[:, 0], points(1, 50, 1, shift=1.0)[:, 0]
    assert np.isclose(wasserstein2(x, y), np.sqrt(np.mean((np.sort(x) - np.sort(y)) ** 2)), rtol=1e-4)


@pytest.mark.parametrize("weights", [(1, 2, 3), (2, 0, 1)])
def test_weights_are_repetitions(weights):
    x, y = points(0, 3, 1)[:, 0], points(1, 4, 1)[:, 0]
    repeated = np.repeat(x, weights)
    got = wasserstein2(x, y, jnp.array(weights, jnp.float32))
    assert np.isclose(got, wasserstein2(repeated, y), rtol=1e-4)


def test_sliced_distance_of_a_shift():
    """A shift by v moves every projection by v.u: mean (v.u)^2 = |v|^2 / F."""
    x = points(0, 100, 3)
    got = sliced_wasserstein(jax.random.key(0), x, x + np.float32([3, 0, 4]), slices=4000)
    # (v.u)^2 / |v|^2 has mean 1/3 and standard deviation sqrt(4/45)
    assert abs(got**2 / 25 - 1 / 3) < 4 * np.sqrt(4 / 45 / 4000)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), shift=st.floats(-3, 3))
def test_laws(seed, shift):
    x, y = points(seed, 15, 3), points(seed + 1, 15, 3, shift=0.3)
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0].astype(np.float32)
    key = jax.random.key(seed)
    for distance in (partial(mmd2, bandwidths=jnp.array([1.0])), energy_distance2):
        assert np.isclose(distance(x, y), distance(y, x), atol=1e-4)
        assert np.isclose(distance(x, y), distance(x @ turn + shift, y @ turn + shift), atol=1e-3)
    assert np.isclose(sliced_wasserstein(key, x, y), sliced_wasserstein(key, y, x), atol=1e-5)
    assert sliced_wasserstein(key, x, x) < 1e-4
    for distance in (wasserstein1, wasserstein2):
        a, b, c = x[:, 0], y[:, 0], x[:, 1]
        assert np.isclose(distance(a, a + np.float32(shift)), abs(shift), atol=1e-4)
        assert distance(a, b) <= distance(a, c) + distance(c, b) + 1e-4
