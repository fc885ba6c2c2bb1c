import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.motion.physics.brax_backend import PIPELINES, V, engine
from selfloop.motion.physics.humanoid import MASS

H, STEPS = 1 / 180, 9
G = 9.81


@pytest.mark.parametrize("pipeline", list(PIPELINES))
def test_free_fall_and_a_lift_of_the_weight(pipeline):
    """Semi-implicit Euler: after n steps a body has fallen by g h^2 n (n + 1) / 2; a force of m g keeps it in place."""
    physics = engine(pipeline, H)

    @jax.jit
    def run(q, force, inertia):
        def step(state, _):
            return physics.step(state, force, inertia), None

        return physics.read(jax.lax.scan(step, physics.init(q, jnp.zeros(V, jnp.float32)), None, length=STEPS)[0])

    start = jnp.zeros(V + 1, jnp.float32).at[2].set(3.0).at[3].set(1.0)
    none = jnp.zeros(V, jnp.float32)
    q, velocity = run(start, none, none)
    np.testing.assert_allclose(q[2], 3 - G * H**2 * STEPS * (STEPS + 1) / 2, atol=2e-5)
    np.testing.assert_allclose(velocity[2], -G * H * STEPS, atol=1e-4)
    np.testing.assert_allclose(q[7:], 0, atol=1e-5)
    q, _ = run(start, none.at[2].set(MASS * G), none)
    # Held at the pelvis alone, limbs begin to fall about it; the centre of mass stays, the pelvis within a millimetre.
    np.testing.assert_allclose(q[2], 3, atol=1e-3)
    assert q.dtype == velocity.dtype == jnp.float32
