import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.domains.motion.correctors.chain import chain
from selfloop.errors import ConfigError
from selfloop.protocols import identity
from tests.domains.motion.correctors.motions import made_up

BATCH = made_up(0, 4)


def lifted(by, fails=(), weight=1.0):
    """Raises every motion; those in ``fails`` fail."""

    def correct(key, batch, state):
        failed = jnp.isin(jnp.arange(batch.capacity), jnp.array(fails, jnp.int32))
        info = {"moved": jnp.full(batch.capacity, 1000 * by), "failed": failed, f"by_{by}": batch.weight}
        return batch._replace(x=batch.x.at[..., 3].add(by), weight=weight * batch.weight), info

    return correct


def test_the_result_is_one_after_the_other():
    fixed, info = chain(lifted(0.1, weight=0.5), lifted(0.25, weight=0.5))(jax.random.key(0), BATCH, None)
    np.testing.assert_allclose(fixed.x, BATCH.x.at[..., 3].add(0.35), atol=1e-6)
    np.testing.assert_allclose(info["moved"], 350, rtol=1e-4)
    np.testing.assert_array_equal(fixed.weight, 0.25)
    assert {"by_0.1", "by_0.25"} <= set(info)


def test_a_motion_fails_with_any_of_them_and_keeps_its_input():
    fixed, info = chain(lifted(0.1, (1,)), lifted(0.2, (3,)))(jax.random.key(0), BATCH, None)
    np.testing.assert_array_equal(info["failed"], [False, True, False, True])
    np.testing.assert_array_equal(fixed.weight, [1, 0, 1, 0])
    np.testing.assert_array_equal(fixed.x[1], BATCH.x[1])
    np.testing.assert_array_equal(info["moved"][jnp.array([1, 3])], 0)


def test_keys_differ_and_are_those_of_the_seed():
    seen = []

    def spy(key, batch, state):
        seen.append(jax.random.key_data(key).tolist())
        return identity(key, batch, state)

    chain(spy, spy)(jax.random.key(3), BATCH, None)
    chain(spy, spy)(jax.random.key(3), BATCH, None)
    assert seen[0] != seen[1]
    assert seen[:2] == seen[2:]


def test_no_corrector_is_refused():
    with pytest.raises(ConfigError, match="at least one"):
        chain()
