"""Smoothing, and the correctors of labels."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import uniform
from selfloop.correctors.biased import biased
from selfloop.correctors.idealized import replacement
from selfloop.correctors.labels import relabel, shrink_labels
from selfloop.correctors.smoothing import smoothing
from tests.correctors.once import once


class Weights(NamedTuple):
    weights: jax.Array


def rows(seed, n, d, weights, noise):
    """Designs and labels of a linear rule, and the noise that is in them."""
    rng = np.random.default_rng(seed)
    design, error = rng.normal(size=(n, d)), noise * rng.normal(size=n)
    label = design @ np.asarray(weights) + error
    return uniform(jnp.asarray(np.concatenate([design, label[:, None]], 1), float)), error


@pytest.mark.parametrize("gamma", [0.5, 3.0])
def test_smoothing_over_all_keeps_the_mean_and_shrinks_the_covariance_to_tau_squared(gamma, x64):
    x = np.random.default_rng(0).normal(size=(30, 2)) + 4
    new = np.asarray(once(smoothing(gamma), 0, uniform(jnp.asarray(x)))[0].x)
    np.testing.assert_allclose(new.mean(0), x.mean(0), rtol=1e-12)
    np.testing.assert_allclose(np.cov(new.T), np.cov(x.T) / (1 + gamma) ** 2, rtol=1e-10)


def test_smoothing_over_neighbours_by_loops(x64):
    rng, h, tau = np.random.default_rng(0), 0.7, 0.25
    x, weight = rng.normal(size=(12, 3)), rng.integers(0, 3, 12).astype(float)
    expected = x.copy()
    for i in np.flatnonzero(weight):
        kernel = np.array([np.exp(-np.sum((x[i] - other) ** 2) / (2 * h * h)) for other in x]) * weight
        expected[i] = tau * x[i] + (1 - tau) * kernel @ x / kernel.sum()
    batch = uniform(jnp.asarray(x))._replace(weight=jnp.asarray(weight))
    np.testing.assert_allclose(once(smoothing(1 / tau - 1, h), 0, batch)[0].x, expected, rtol=1e-10)


@pytest.mark.parametrize("gamma", [0.0, 1.0, float("inf")])
def test_shrunk_labels_are_those_of_the_mean_rule_with_the_same_noise(gamma, x64):
    tau = 1 / (1 + gamma)
    fitted, truth = jnp.array([1.0, -2.0]), jnp.array([0.5, 3.0])
    batch, error = rows(0, 20, 2, fitted, 0.3)
    new = once(shrink_labels(truth, gamma), 0, batch, Weights(fitted))[0].x
    np.testing.assert_array_equal(new[:, :2], batch.x[:, :2])
    np.testing.assert_allclose(new[:, 2], batch.x[:, :2] @ (tau * fitted + (1 - tau) * truth) + error, rtol=1e-12)


def test_relabelled_rows_are_of_both_rules_in_their_shares():
    n, gamma, noise = 20_000, 1.0, 0.1
    fitted, truth = jnp.array([1.0, -2.0]), jnp.array([50.0, 80.0])
    batch, _ = rows(0, n, 2, fitted, noise)
    new = np.asarray(once(relabel(truth, noise, gamma), 1, batch)[0].x)
    np.testing.assert_array_equal(new[:, :2], batch.x[:, :2])
    anew = new[:, 2] != np.asarray(batch.x[:, 2])
    assert abs(anew.mean() - 0.5) < 5 * 0.5 / np.sqrt(n)
    residual = (new[:, 2] - new[:, :2] @ np.asarray(truth))[anew]
    assert abs(residual.mean()) < 5 * noise / np.sqrt(anew.sum())
    assert abs(residual.std() / noise - 1) < 5 / np.sqrt(2 * anew.sum())  # and float32 keeps labels of 200 to 2e-5


def test_a_biased_corrector_is_a_replacement_by_another_law():
    batch = uniform(jnp.zeros((50, 1)))
    draw = lambda key, n: 5 + jax.random.normal(key, (n, 1))  # noqa: E731
    key = jax.random.key(0)
    np.testing.assert_array_equal(
        biased(draw, 2.0)(key, batch, None)[0].x, replacement(draw, 2.0)(key, batch, None)[0].x
    )


@pytest.mark.parametrize("far", [1e3, 1e6, 1e9])
def test_a_point_without_neighbours_is_its_own_mean(far):
    """Whose kernel with itself must not underflow by the rounding of large squares; nor its neighbours' when it is."""
    near = jax.random.normal(jax.random.key(21), (20, 3))
    batch = uniform(jnp.concatenate([near, jnp.full((1, 3), far)]))
    result, info = smoothing(3.0, 0.01)(jax.random.key(0), batch, None)
    assert not info["failed"].any()
    np.testing.assert_allclose(result.x, batch.x, rtol=1e-3, atol=1e-2)
