"""Noise, loss and sampler against the one diffusion that has closed forms: of a Gaussian."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from selfloop.models.neural import diffusion

MEAN = np.array([1.0, -2.0, 0.5], np.float32)
ROOT = np.array([[1.0, 0.0, 0.0], [0.8, 0.5, 0.0], [-0.3, 0.2, 0.1]])
COVARIANCE = (ROOT @ ROOT.T).astype(np.float32)
LABELS = jnp.zeros(4000, jnp.int32)


def best(noisy, level, label, length):
    """E[x_0 | x_u] for x_0 ~ N(mean, S): mean + c S (c^2 S + s^2 I)^-1 (x_u - c mean), c and s of the schedule."""
    c, s = jnp.cos(jnp.pi / 2 * level)[:, None, None], jnp.sin(jnp.pi / 2 * level)[:, None, None]
    gain = c * COVARIANCE[None] @ jnp.linalg.inv(c**2 * COVARIANCE[None] + s**2 * jnp.eye(3)[None])
    return MEAN[None, None] + jnp.swapaxes(gain @ jnp.swapaxes(noisy - c * MEAN[None, None], 1, 2), 1, 2)


def test_noise_adds_up_to_the_same_variance():
    keys = jax.random.split(jax.random.key(0))
    x, noise = (jax.random.normal(key, (20, 50, 40)) for key in keys)
    level = jnp.linspace(0.0, 1.0, 20)
    noisy = diffusion.noised(x, noise, level)
    # 2000 values a level: five standard errors of a variance of 1.
    np.testing.assert_allclose(jnp.var(noisy, axis=(1, 2)), 1, atol=5 * np.sqrt(2 / 2000))
    parts = (
        diffusion.noised(jnp.ones((20, 1, 1)), jnp.zeros((20, 1, 1)), level),
        diffusion.noised(jnp.zeros((20, 1, 1)), jnp.ones((20, 1, 1)), level),
    )
    np.testing.assert_allclose(parts[0] ** 2 + parts[1] ** 2, 1, atol=1e-6)


def test_no_noise_at_level_0_and_no_motion_at_level_1():
    x, noise = jnp.full((1, 2, 3), 4.0), jnp.full((1, 2, 3), 7.0)
    np.testing.assert_array_equal(diffusion.noised(x, noise, jnp.zeros(1)), x)
    np.testing.assert_allclose(diffusion.noised(x, noise, jnp.ones(1)), noise, rtol=1e-6)


def test_ddim_with_the_best_predictor_draws_from_the_gaussian():
    key = jax.random.key(1)
    x = np.asarray(diffusion.ddim(key, best, LABELS, LABELS, (1, 3), 800))[:, 0]
    # The exact flow takes noise z to mean + S^(1/2) z; the steps' error falls as 1 / steps.
    noise = np.asarray(jax.random.normal(key, (4000, 1, 3)))[:, 0]
    np.testing.assert_allclose(x, MEAN + noise @ scipy.linalg.sqrtm(COVARIANCE), atol=0.02)
    deviation = np.sqrt(np.diag(COVARIANCE))
    np.testing.assert_array_less(np.abs(x.mean(0) - MEAN), 5 * deviation / np.sqrt(4000))
    error = np.sqrt((np.outer(deviation, deviation) ** 2 + COVARIANCE**2) / 4000)
    np.testing.assert_array_less(np.abs(np.cov(x.T) - COVARIANCE), 5 * error + 0.02)


@pytest.mark.parametrize("level", [0.3, 0.7, 0.95])
def test_from_any_level_the_flow_ends_in_the_gaussian(level):
    x = MEAN[None, None] + jax.random.normal(jax.random.key(7), (50, 1, 3)) @ ROOT.T.astype(np.float32)
    noisy = diffusion.noised(x, jax.random.normal(jax.random.key(8), x.shape), jnp.full(50, level))
    found = np.asarray(diffusion.denoised(best, noisy, level, LABELS[:50], LABELS[:50], 800))[:, 0]
    # The exact flow is linear: x_u, normal with mean c m and covariance c^2 S + s^2, is led to the normal of m and S.
    c, s = np.cos(np.pi / 2 * level), np.sin(np.pi / 2 * level)
    narrow, wide = scipy.linalg.sqrtm(COVARIANCE), scipy.linalg.sqrtm(c**2 * COVARIANCE + s**2 * np.eye(3))
    exact = MEAN + (np.asarray(noisy)[:, 0] - c * MEAN) @ np.linalg.inv(wide) @ narrow
    np.testing.assert_allclose(found, exact, atol=0.02)


@pytest.mark.parametrize("steps", [1, 5, 20])
def test_ddim_follows_its_recursion(steps):
    # For N(0, s^2) all is linear: x_v = (g cos v + (1 - g cos u) sin v / sin u) x_u, g = c s^2 / (c^2 s^2 + sin^2).
    variance, key, slope = 0.3, jax.random.key(2), 1.0

    def predict(noisy, level, label, length):
        c, s = jnp.cos(jnp.pi / 2 * level), jnp.sin(jnp.pi / 2 * level)
        return (c * variance / (c**2 * variance + s**2))[:, None, None] * noisy

    angles = np.pi / 2 * np.linspace(1, 0, steps + 1)
    for u, v in zip(angles[:-1], angles[1:], strict=True):
        g = np.cos(u) * variance / (np.cos(u) ** 2 * variance + np.sin(u) ** 2)
        slope *= g * np.cos(v) + (1 - g * np.cos(u)) / np.sin(u) * np.sin(v)
    start = jax.random.normal(key, (7, 2, 3))
    drawn = diffusion.ddim(key, predict, LABELS[:7], LABELS[:7], (2, 3), steps)
    np.testing.assert_allclose(drawn, slope * start, atol=1e-5)


def by_label(noisy, level, label, length):
    """A prediction that shows what it was asked: 10 label + level + length, everywhere."""
    shown = (10 * label + length).astype(level.dtype) + level
    return jnp.broadcast_to(shown[:, None, None], noisy.shape)


@pytest.mark.parametrize("guidance", [0.0, 1.0, 2.5])
def test_guidance_goes_from_no_label_to_the_label_and_beyond(guidance):
    label, length, level = jnp.array([0, 1, 2]), jnp.array([4, 5, 6]), jnp.array([0.1, 0.2, 0.3])
    noisy = jnp.zeros((3, 2, 2))
    asked = by_label(noisy, level, label, length)
    blank = by_label(noisy, level, jnp.full_like(label, 9), length)
    both = diffusion.guided(by_label, guidance, unlabelled=9)(noisy, level, label, length)
    np.testing.assert_allclose(both, blank + guidance * (asked - blank), rtol=1e-6)
    if guidance == 1:
        np.testing.assert_allclose(both, asked, rtol=1e-5)


def test_loss_sees_each_noise_level_in_its_own_interval():
    seen = {}

    def spy(noisy, level, label, length):
        seen.update(noisy=noisy, level=level, label=label)
        return x

    x = jax.random.normal(jax.random.key(4), (8, 3, 5))
    label = jnp.arange(8)
    value = diffusion.loss(jax.random.key(3), spy, x, label, label, unlabelled=99, drop=0.0)
    assert value == 0
    np.testing.assert_array_equal(np.floor(np.asarray(seen["level"]) * 8), np.arange(8))
    np.testing.assert_array_equal(seen["label"], label)
    diffusion.loss(jax.random.key(3), spy, x, label, label, unlabelled=99, drop=1.0)
    np.testing.assert_array_equal(seen["label"], 99)


def test_loss_is_the_mean_square_and_its_least_is_the_best_predictors():
    x = MEAN[None, None] + jax.random.normal(jax.random.key(5), (4000, 1, 3)) @ ROOT.T.astype(np.float32)

    def at(predict):
        loss = jax.jit(lambda x: diffusion.loss(jax.random.key(6), predict, x, LABELS, LABELS, unlabelled=1, drop=0.0))
        return float(loss(x))

    off = at(lambda *given: jnp.broadcast_to(MEAN, x.shape))
    np.testing.assert_allclose(off, np.trace(COVARIANCE) / 3, rtol=0.1)
    assert at(best) < off
    assert at(best) < at(lambda *given: 0.95 * best(*given))
    assert at(best) < at(lambda *given: best(*given) + 0.05)
