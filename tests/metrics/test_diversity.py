"""Diversity of samples with labels, and the dtypes of every measure of samples."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from selfloop import metrics

multimodality = jax.jit(metrics.multimodality)
spread_by_label = jax.jit(metrics.spread_by_label, static_argnames="labels")


def made(seed: int, n: int = 24, labels: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Samples, labels of which some have no or one sample, and weights 0 to 3; absent samples are NaN."""
    random = np.random.default_rng(seed)
    label = np.sort(random.integers(0, labels, n)).astype(np.int32)
    weight = random.integers(0, 4, n).astype(np.float32)
    x = random.normal(size=(n, 3)) + 2 * label[:, None]
    return np.where(weight[:, None] > 0, x, np.nan).astype(np.float32), label, weight


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_multimodality_agrees_with_brute_force(seed):
    x, label, weight = made(seed)
    total, over = 0.0, 0.0
    for i in range(24):
        others = (label == label[i]) & (np.arange(24) != i) & (weight > 0)
        if weight[i] > 0 and others.any():
            total += weight[i] * np.average(cdist(x[i : i + 1], x[others])[0], weights=weight[others])
            over += weight[i]
    assert np.isclose(multimodality(x, label, weight), total / over, rtol=1e-4)


def test_multimodality_by_hand():
    x = np.array([[0.0], [1.0], [5.0], [8.0], [100.0]], np.float32)
    assert np.isclose(multimodality(x, np.array([0, 0, 1, 1, 2])), (2 * 1 + 2 * 3) / 4)
    one = np.zeros(5, np.int32)
    assert np.isclose(multimodality(x, one), metrics.mean_pairwise_distance(x), rtol=1e-5)
    assert jnp.isnan(multimodality(x, np.arange(5)))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_spread_agrees_with_brute_force(seed):
    x, label, weight = made(seed)
    means, variances, noise = [], [], []
    for one in range(5):
        chosen, w = x[(label == one) & (weight > 0)], weight[(label == one) & (weight > 0)].astype(float)
        if len(chosen) > 1:
            means.append(np.average(chosen, axis=0, weights=w))
            variances.append(np.trace(np.cov(chosen.T, aweights=w)) / 3)
            noise.append(variances[-1] * (w**2).sum() / w.sum() ** 2)
    between = np.var(means, axis=0).mean() - np.mean(noise) * (1 - 1 / len(means))
    got = spread_by_label(x, label, 5, weight)
    assert np.isclose(got.within, np.mean(variances), rtol=1e-3)
    assert np.isclose(got.between, between, rtol=1e-3, atol=1e-3)


def test_spread_is_unbiased():
    """Four labels of five samples each: variance 1 within, and between that of their means 0, 0, 2, 2."""
    repeats = 500
    label = jnp.repeat(jnp.arange(4), 5)
    x = jax.random.normal(jax.random.key(0), (repeats, 20, 3)) + jnp.where(label > 1, 2.0, 0.0)[None, :, None]
    got = jax.jit(jax.vmap(lambda x: metrics.spread_by_label(x, label, 4)))(x)
    for values, wanted in zip(got, (1, 1), strict=True):
        assert abs(values.mean() - wanted) < 4 * values.std() / np.sqrt(repeats)


def test_samples_with_labels_of_their_own_have_no_spread():
    assert all(jnp.isnan(value) for value in spread_by_label(np.ones((3, 2), np.float32), np.arange(3), 3))


MEASURES = {
    "extrapolated_frechet": lambda x: metrics.extrapolated_frechet(jax.random.key(0), x, metrics.moments(x + 1)),
    "frechet_parts": lambda x: metrics.frechet_parts(metrics.moments(x), metrics.moments(x + 1)),
    "kid": lambda x: metrics.kid(x, x + 1),
    "modes_covered": lambda x: metrics.modes_covered(x, x + 1),
    "multimodality": lambda x: metrics.multimodality(x, jnp.arange(12) % 3),
    "spread_by_label": lambda x: metrics.spread_by_label(x, jnp.arange(12) % 3, 3),
}


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize("name", MEASURES)
def test_precision_is_that_of_the_samples(name, dtype):
    with jax.enable_x64(dtype == jnp.float64):
        x = jax.random.normal(jax.random.key(1), (2, 12, 4), dtype)
        for value in jax.tree.leaves(jax.jit(jax.vmap(MEASURES[name]))(x)):
            assert value.dtype == dtype
            assert value.shape == (2,)
            assert not value.weak_type
            assert jnp.isfinite(value).all()
