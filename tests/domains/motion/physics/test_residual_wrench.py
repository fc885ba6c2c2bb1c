import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from selfloop.domains.motion.physics import residual_wrench
from selfloop.domains.motion.physics.gains import Gains, gains
from selfloop.domains.motion.physics.residual_wrench import WEIGHT

STEPS, K = 9, 28
H = 1 / (20 * STEPS)
STRENGTH = gains(root_force=500.0, root_lift=300.0, root_torque=200.0)
shares = jax.jit(residual_wrench.shares, static_argnums=1)


def upright(rate=0.0, turning=0.0):
    """A reference that walks along x at ``rate`` (m/s) and turns about z at ``turning`` (rad/s): q, velocity."""
    time = H * np.arange(K)
    q, velocity = np.zeros((K, 37), np.float32), np.zeros((K, 36), np.float32)
    q[:, 0], q[:, 2] = rate * time, 0.9
    q[:, 3], q[:, 6] = np.cos(turning * time / 2), np.sin(turning * time / 2)
    velocity[:, 0], velocity[:, 5] = rate, turning
    return q, velocity


def share(q, velocity, states, counts=None, strength=STRENGTH):
    counts = np.ones(K, bool) if counts is None else counts
    return np.asarray(shares(strength, STEPS, q, velocity, states.astype(np.float32), counts))


@pytest.mark.parametrize(("rate", "turning"), [(0.0, 0.0), (1.5, 0.0), (0.0, 3.0), (-0.7, -2.0)])
def test_who_is_where_the_reference_is_is_not_pulled(rate, turning):
    """Rounding: a hundred nanometres and nanoradians times the stiffness, of 640 N."""
    q, velocity = upright(rate, turning)
    np.testing.assert_allclose(share(q, velocity, np.concatenate([q, velocity], -1)), 0, atol=2e-4)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_constant_force_is_its_share_of_the_weight(axis):
    q, velocity = upright()
    states = np.concatenate([q, velocity], -1)
    newton = 100.0
    states[:, axis] -= newton / STRENGTH.stiffness[axis]
    np.testing.assert_allclose(share(q, velocity, states), [newton / WEIGHT, 0], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_constant_torque_is_its_share_of_the_weight_times_a_metre(axis):
    q, velocity = upright()
    torque = 50.0
    turn = np.zeros(3)
    turn[axis] = -torque / STRENGTH.stiffness[3 + axis]
    states = np.concatenate([q, velocity], -1)
    states[:, 3:7] = Rotation.from_rotvec(turn).as_quat()[[3, 0, 1, 2]]
    np.testing.assert_allclose(share(q, velocity, states), [0, torque / WEIGHT], rtol=1e-3, atol=1e-5)


def test_caps_hold_axis_by_axis():
    q, velocity = upright()
    states = np.concatenate([q, velocity], -1)
    states[:, :3] += 100
    expected = np.sqrt(2 * 500.0**2 + 300.0**2) / WEIGHT
    np.testing.assert_allclose(share(q, velocity, states), [expected, 0], rtol=1e-5)


def test_damping_answers_to_the_velocity_that_is_missing():
    """v' = v + dv: the force is d dv, and k h dv for the step that is looked ahead."""
    q, velocity = upright()
    states = np.concatenate([q, velocity], -1)
    states[:, 37] = -0.01
    expected = (STRENGTH.damping[0] + H * STRENGTH.stiffness[0]) * 0.01 / WEIGHT
    np.testing.assert_allclose(share(q, velocity, states), [expected, 0], rtol=1e-4)


def test_what_does_not_count_and_what_is_not_a_number_is_left_out():
    q, velocity = upright()
    states = np.concatenate([q, velocity], -1)
    states[:, 0] -= 100.0 / STRENGTH.stiffness[0]
    wild = states.copy()
    counts = np.arange(K) < 20
    wild[20:] = 1e6
    wild[5] = np.nan
    np.testing.assert_allclose(share(q, velocity, wild, counts), share(q, velocity, states), rtol=1e-5)
    np.testing.assert_array_equal(share(q, velocity, np.full_like(states, np.nan)), 0)
    np.testing.assert_array_equal(share(q, velocity, states, np.arange(K) < 1), 0)


def test_a_force_half_of_the_time_counts_by_its_mean_square():
    q, velocity = upright()
    states = np.concatenate([q, velocity], -1)
    states[: (K - 1) // 3, 1] += 100.0 / STRENGTH.stiffness[1]
    np.testing.assert_allclose(share(q, velocity, states), [np.sqrt(1 / 3) * 100 / WEIGHT, 0], rtol=1e-3, atol=1e-5)


def test_no_cap_no_wrench():
    q, velocity = upright()
    none = Gains(STRENGTH.stiffness, STRENGTH.damping, 0 * STRENGTH.cap)
    states = np.concatenate([q + 1, velocity], -1)
    np.testing.assert_array_equal(share(q, velocity, states, strength=none), 0)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 9999))
def test_the_rotation_vector_is_scipys(seed):
    random = np.random.default_rng(seed)
    pair = random.normal(size=(2, 20, 4))
    pair[1, :5] = pair[0, :5] + 1e-3 * random.normal(size=(5, 4))
    pair[1, 5:10] *= -1
    source, target = pair / np.linalg.norm(pair, axis=-1, keepdims=True)
    turns = [Rotation.from_quat(np.roll(q, -1, -1)) for q in (source, target)]
    expected = (turns[0].inv() * turns[1]).as_rotvec()
    got = residual_wrench.rotation_vector(jnp.asarray(source, jnp.float32), jnp.asarray(target, jnp.float32))
    np.testing.assert_allclose(got, expected, atol=2e-5)
