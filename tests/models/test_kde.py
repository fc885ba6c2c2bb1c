"""Kernel density against SciPy and the closed form of its variance."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats

from selfloop import policies, sources
from selfloop.batch import Batch, uniform
from selfloop.errors import ConfigError
from selfloop.loop import scan
from selfloop.models.kde import KernelState, kernel_density
from selfloop.protocols import Loop


@pytest.mark.usefixtures("x64")
def test_density_is_the_weighted_sum_of_normals():
    rng = np.random.default_rng(0)
    points, weight, x = rng.normal(size=(6, 2)), rng.uniform(0.5, 2, 6), rng.normal(size=(4, 2))
    model = kernel_density(0.3, 10, 2, jnp.float64)
    state, _ = model.fit(jax.random.key(0), Batch(jnp.asarray(points), jnp.asarray(weight)), None)
    bumps = np.stack([scipy.stats.multivariate_normal(p, 0.09 * np.eye(2)).logpdf(x) for p in points], 1)
    expected = scipy.special.logsumexp(bumps, 1, b=weight / weight.sum())
    np.testing.assert_allclose(model.log_prob(state, jnp.asarray(x)), expected, rtol=1e-12)


def test_samples_are_points_plus_noise_and_empty_slots_are_never_drawn():
    n = 50_000
    state = KernelState(jnp.asarray([[99.0], [-1.0], [3.0], [99.0]]), jnp.asarray([0.0, 0.25, 0.75, 0.0]))
    x = np.asarray(kernel_density(0.5, 4).sample(jax.random.key(0), state, None, n).x)
    assert x.max() < 10
    spread = 3 + 0.25  # between the points, and of the bump
    assert abs(x.mean() - 2) < 5 * np.sqrt(spread / n)
    assert abs(x.var() - spread) < 5 * x.var() * np.sqrt(2 / n)


@pytest.mark.usefixtures("x64")
def test_every_replacement_adds_the_bump_and_loses_one_part_in_m():
    # E Var(x_t) = (1 - 1/m) (E Var(x_t-1) + h^2) for samples of size m, variances dividing by m.
    m, h, chains = 20, 0.5, 4000

    def chain(key):
        key_data, key = jax.random.split(key)
        real = uniform(jax.random.normal(key_data, (m, 1)))
        loop = Loop(kernel_density(h, m, dtype=jnp.float64), policies.replace(), sources.fixed(real), m)
        return scan(loop, key, 4, lambda key, result: result.state.points.var())[1]

    values = jax.jit(jax.vmap(chain))(jax.random.split(jax.random.key(0), chains))
    expected = [1 - 1 / m]
    for _ in range(4):
        expected.append((1 - 1 / m) * (expected[-1] + h**2))
    np.testing.assert_array_less(np.abs(values.mean(0) - np.asarray(expected)), 5 * values.std(0) / np.sqrt(chains))


def test_more_samples_than_capacity_are_refused():
    with pytest.raises(ConfigError, match="has 5 samples, the kernel density room for 4: give capacity 5"):
        kernel_density(1.0, 4).fit(jax.random.key(0), uniform(jnp.zeros((5, 1))), None)


@pytest.mark.parametrize(("bandwidth", "capacity", "d"), [(0.0, 4, 1), (1.0, 0, 1), (1.0, 4, 0)])
def test_settings_out_of_range_are_refused(bandwidth, capacity, d):
    with pytest.raises(ConfigError, match="the bandwidth is 0.0|the capacity is 0|dimensions, is 0"):
        kernel_density(bandwidth, capacity, d)
