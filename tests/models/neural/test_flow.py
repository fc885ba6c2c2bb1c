"""Flow matching: the coupling, the loss and the sampler against what is known in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.models.neural import flow


def test_partners_are_near_and_fair():
    """Two far clusters on each side: every point takes a partner of its own cluster."""
    side = jnp.arange(64) % 2
    noise = jax.random.normal(jax.random.key(0), (64, 1, 2)) + 20.0 * side[:, None, None].astype(jnp.float32)
    x = noise[::-1]
    rows = flow.partners(jax.random.key(1), noise, x)
    np.testing.assert_array_equal(side[::-1][rows], side)


def test_an_outlier_spoils_no_partner():
    """A sample at a distance whose kernel is 0 in single precision: the others are paired as ever, all in range."""
    x = jnp.concatenate([jax.random.normal(jax.random.key(7), (31, 1, 2)), jnp.full((1, 1, 2), 1e4)])
    noise = jax.random.normal(jax.random.key(8), (32, 1, 2))
    rows = np.asarray(flow.partners(jax.random.key(9), noise, x))
    assert rows.min() >= 0
    assert rows.max() < 32
    assert len(set(rows[rows < 31])) > 5


def test_partners_are_drawn_in_equal_shares():
    """The plan's columns hold 1 / B each: over many keys every sample is taken as often as the others."""
    noise, x = (jax.random.normal(key, (8, 1, 2)) for key in jax.random.split(jax.random.key(2)))
    keys = jax.random.split(jax.random.key(3), 2000)
    rows = jax.jit(jax.vmap(lambda key: flow.partners(key, noise, x)))(keys)
    share = np.bincount(np.asarray(rows).ravel(), minlength=8) / rows.size
    np.testing.assert_allclose(share, 1 / 8, atol=5 * np.sqrt(1 / 8 * 7 / 8 / 2000) + 0.01)


def test_a_constant_velocity_carries_noise_by_itself():
    shift = jnp.array([[[3.0, -1.0]]])
    key = jax.random.key(4)
    x = flow.carried(key, lambda x, time, label: jnp.broadcast_to(shift, x.shape), jnp.zeros(50, jnp.int32), (1, 2), 3)
    np.testing.assert_allclose(x, jax.random.normal(key, (50, 1, 2)) + shift, rtol=1e-5, atol=1e-5)


def test_midpoint_steps_have_second_order():
    """dx/dt = x multiplies noise by e; the error falls four-fold with twice the steps."""
    key, label = jax.random.key(5), jnp.zeros(20, jnp.int32)
    exact = np.e * jax.random.normal(key, (20, 1, 1))
    off = [
        float(np.abs(flow.carried(key, lambda x, time, label: x, label, (1, 1), steps) - exact).max())
        for steps in (8, 16)
    ]
    assert off[0] / off[1] == pytest.approx(4, rel=0.15)


def test_the_loss_is_least_at_the_true_velocity():
    """Data at one point c: the velocity is (c - x_t) / (1 - t), and the loss 0."""
    x, label = jnp.ones((256, 1, 2)), jnp.zeros(256, jnp.int32)
    true = lambda x, time, label: (1 - x) / (1 - time)[:, None, None]  # noqa: E731
    assert float(flow.loss(jax.random.key(6), true, x, label)) < 1e-6
    assert float(flow.loss(jax.random.key(6), lambda *given: true(*given) + 0.1, x, label)) == pytest.approx(
        0.01, rel=0.01
    )
