import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads

from selfloop.metrics import frechet_distance, frechet_parts, gaussian_w2, moments, squared_frechet
from selfloop.metrics.frechet import Moments, nuclear_norm, sqrt_psd, squared_w2_to_standard_plane

distance = jax.jit(frechet_distance)


def samples(seed: int, n: int, f: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, f)) @ rng.normal(size=(f, f)) + rng.normal(size=f)).astype(np.float32)


def oracle(x: np.ndarray, y: np.ndarray) -> float:
    x, y = x.astype(float), y.astype(float)
    a, b = np.atleast_2d(np.cov(x.T)), np.atleast_2d(np.cov(y.T))
    cross = np.trace(scipy.linalg.sqrtm(a @ b)).real
    return float(np.sum((x.mean(0) - y.mean(0)) ** 2) + np.trace(a) + np.trace(b) - 2 * cross)


@pytest.mark.parametrize(("n", "f"), [(200, 1), (200, 5), (100, 32)])
def test_agrees_with_scipy(n, f):
    x, y = samples(0, n, f), samples(1, n + 50, f)
    assert np.isclose(distance(x, y), oracle(x, y), rtol=1e-4)


def test_fewer_samples_than_features():
    """In the span of the samples the problem is small: project on it, embed, and nothing changes."""
    x, y = samples(0, 10, 6), samples(1, 12, 6)
    embed = np.linalg.qr(np.random.default_rng(2).normal(size=(40, 6)))[0].T.astype(np.float32)
    assert np.isclose(frechet_distance(x @ embed, y @ embed), oracle(x, y), rtol=1e-4)


def test_commuting_covariances_by_hand():
    a = Moments(jnp.array([1.0, 2.0]), jnp.diag(jnp.array([4.0, 9.0])))
    b = Moments(jnp.array([4.0, 6.0]), jnp.diag(jnp.array([1.0, 0.0])))
    assert np.isclose(squared_frechet(a, b), 25 + 1 + 9)
    assert np.isclose(gaussian_w2(*a, *b), np.sqrt(35))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), shift=st.floats(-3, 3))
def test_parts_are_a_move_of_the_mean_and_a_change_of_shape(seed, shift):
    a, b = moments(samples(seed, 20, 5)), moments(samples(seed + 1, 30, 5))
    scale = 1e-4 * float(jnp.trace(a.covariance) + jnp.trace(b.covariance) + 1)
    mean, covariance = frechet_parts(a, b)
    assert np.isclose(mean + covariance, squared_frechet(a, b))
    assert np.isclose(covariance, squared_frechet(a, b._replace(mean=a.mean)), atol=scale)
    moved = frechet_parts(a, a._replace(mean=a.mean + np.float32(shift)))
    assert np.isclose(moved[0], 5 * shift**2, atol=scale)
    assert 0 <= moved[1] < scale


def test_bias_is_as_documented():
    n, f, repeats = 400, 8, 60
    keys = jax.random.split(jax.random.key(0), repeats)
    draws = jax.vmap(lambda key: jax.random.normal(key, (2, n, f)))(keys)
    values = jax.jit(jax.vmap(frechet_distance))(draws[:, 0], draws[:, 1])
    expected = (2 / n) * (f + f * (f + 1) / 4)
    error = values.std() / np.sqrt(repeats)
    assert abs(values.mean() - expected) < 4 * error + expected * f / n  # next order in f / n


def test_many_at_once_agree_with_one_by_one():
    """And come back at all: batched LAPACK calls that run at the same time can block one another."""
    x = jax.random.normal(jax.random.key(0), (100, 30, 24))
    y = jax.random.normal(jax.random.key(1), (100, 40, 24))
    many = jax.jit(lambda x, y: (jax.vmap(frechet_distance)(x, y), jax.vmap(frechet_distance)(y, y[::-1])))
    for _ in range(3):
        values, _ = jax.block_until_ready(many(x, y))
    for i in (0, 99):
        assert np.isclose(values[i], distance(x[i], y[i]), rtol=1e-4)


def test_weights_are_counts_and_absence():
    x = samples(0, 30, 4)
    weight = jnp.array([1.0, 0.0] * 15)
    poisoned = jnp.where(weight[:, None] > 0, x, jnp.nan)
    for got, wanted in zip(moments(poisoned, weight), moments(x[::2]), strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-4)
    doubled = moments(x, jnp.full(30, 2.0))
    for got, wanted in zip(doubled, moments(x), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), shift=st.floats(-3, 3))
def test_laws(seed, shift):
    x, y = samples(seed, 20, 5), samples(seed + 1, 30, 5)
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(5, 5)))[0].astype(np.float32)
    scale = 1e-4 * float(moments(x).covariance.trace() + moments(y).covariance.trace() + 1)
    value = distance(x, y)
    assert abs(value - distance(y, x)) < scale
    assert distance(x, x) < scale
    assert abs(value - distance(x @ turn + shift, y @ turn + shift)) < scale
    assert abs(distance(x, x + np.float32(shift)) - 5 * shift**2) < 2 * scale
    assert abs(frechet_distance(3 * x, 3 * y) - 9 * value) < 10 * scale


def test_root_and_its_derivative():
    matrix = jnp.cov(samples(0, 50, 6).T)
    root = sqrt_psd(matrix)
    np.testing.assert_allclose(root @ root, matrix, rtol=1e-3, atol=1e-4)
    with jax.enable_x64(True):
        wide = jnp.asarray(np.array(matrix), jnp.float64)
        check_grads(sqrt_psd, (wide,), order=1, modes=["fwd", "rev"], atol=1e-5, rtol=1e-5)
        check_grads(nuclear_norm, (wide + 1,), order=1, modes=["fwd", "rev"], atol=1e-5, rtol=1e-5)


def test_gradient_is_right_and_finite_at_singular_covariances():
    y = samples(1, 40, 3)
    with jax.enable_x64(True):
        x64, y64 = jnp.asarray(samples(0, 30, 3), jnp.float64), jnp.asarray(y, jnp.float64)
        check_grads(lambda x: distance(x, y64), (x64,), order=1, atol=1e-5, rtol=1e-5)
    few, flat = samples(0, 4, 12), jnp.ones((6, 12))
    assert jnp.isfinite(jax.jit(jax.grad(frechet_distance))(few, samples(1, 5, 12))).all()
    assert jnp.isfinite(jax.jit(jax.grad(frechet_distance))(flat, flat)).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31 - 1))
def test_the_plane_has_a_closed_form(seed):
    rng = np.random.default_rng(seed)
    mean, factor = rng.normal(size=2), rng.normal(size=(2, rng.integers(1, 4)))
    with jax.enable_x64(True):
        covariance = jnp.asarray(factor @ factor.T)
        expected = gaussian_w2(jnp.asarray(mean), covariance, jnp.zeros(2), jnp.eye(2)) ** 2
        np.testing.assert_allclose(squared_w2_to_standard_plane(jnp.asarray(mean), covariance), expected, rtol=1e-6)
