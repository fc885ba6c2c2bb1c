"""Laws of every registered corrector."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfloop.batch import uniform
from selfloop.correctors.idealized import replacement
from selfloop.correctors.identity import identity
from selfloop.errors import ConfigError
from tests.tables import CORRECTORS, normal_draw


@pytest.mark.parametrize("name", CORRECTORS)
def test_shapes_weights_and_info(name):
    batch = uniform(5 + jax.random.normal(jax.random.key(0), (64, 2)))
    corrected, info = jax.jit(CORRECTORS[name](), static_argnums=2)(jax.random.key(1), batch, None)
    assert jax.tree.map(jnp.shape, corrected) == jax.tree.map(jnp.shape, batch)
    assert info["moved"].shape == info["failed"].shape == (64,)
    assert info["failed"].dtype == bool
    np.testing.assert_allclose(info["moved"], np.linalg.norm(corrected.x - batch.x, axis=-1), rtol=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31 - 1))
def test_gamma_zero_is_the_identity_to_the_bit_and_infinity_replaces_all(seed):
    key = jax.random.key(seed)
    batch = uniform(9 + jax.random.normal(key, (50, 2)))
    np.testing.assert_array_equal(replacement(normal_draw, 0.0)(key, batch, None)[0].x, identity(key, batch, None)[0].x)
    assert jnp.all(replacement(normal_draw, float("inf"))(key, batch, None)[0].x < 7)


@pytest.mark.parametrize("gamma", [0.25, 1.0, 4.0])
def test_replacement_keeps_a_share_of_one_over_one_plus_gamma(gamma):
    n, tau = 40_000, 1 / (1 + gamma)
    batch = uniform(jnp.full((n, 2), 100.0))
    kept = np.asarray(replacement(normal_draw, gamma)(jax.random.key(0), batch, None)[0].x[:, 0] == 100).mean()
    assert abs(kept - tau) < 5 * np.sqrt(tau * (1 - tau) / n)  # five standard errors


@pytest.mark.parametrize("gamma", [-0.1, float("nan")])
def test_a_negative_gamma_is_refused(gamma):
    with pytest.raises(ConfigError, match="gamma is"):
        replacement(normal_draw, gamma)
