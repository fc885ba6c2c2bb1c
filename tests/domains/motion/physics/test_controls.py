"""Controls on paper, and through the model that they are meant for."""

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from selfloop.domains.motion.data.skeleton import Q
from selfloop.domains.motion.physics import gains as module
from selfloop.domains.motion.physics import humanoid
from selfloop.domains.motion.physics.controls import AHEAD, CONTROLS, V, command
from selfloop.domains.motion.physics.gains import gains
from selfloop.domains.motion.physics.reference import Reference

K = 5
STRENGTH = gains()
commanded = jax.jit(command)


def reference(seed=0, torque=0.0, sunk=0.0):
    """Any positions and velocities [K, ...]; the planned motion is not read."""
    random = np.random.default_rng(seed)
    q = random.normal(size=(K, V + 1)).astype(np.float32)
    q[:, 3:7] /= np.linalg.norm(q[:, 3:7], axis=-1, keepdims=True)
    q[:, 7:] *= 0.3
    q[:, 2] = 5.0
    velocity = random.normal(size=(K, V)).astype(np.float32)
    torque = np.full((K, Q), torque, np.float32)
    return Reference(*map(jnp.asarray, (q, velocity, torque)), motion=None, sunk=jnp.float32(sunk))


def none():
    return jnp.zeros((K, Q), jnp.float32)


def test_joints_are_led_by_velocity_torque_and_offset():
    wanted = reference(torque=20.0)
    offset = np.random.default_rng(1).normal(size=(K, Q)).astype(np.float32)
    control = np.asarray(commanded(STRENGTH, wanted, offset).control)
    assert control.shape == (K - 1, CONTROLS)
    k, d = STRENGTH.stiffness, STRENGTH.damping
    q, velocity = np.asarray(wanted.q)[1:], np.asarray(wanted.velocity)[1:]
    expected = q[:, 7:] + 20.0 / k[6:] + offset[1:] + (d / k)[6:] * velocity[:, 6:]
    np.testing.assert_allclose(control[:, 6:V], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(control[:, :6], (d / k)[:6] * velocity[:, :6], rtol=1e-5)


@pytest.mark.parametrize("sign", [-1, 1])
def test_no_torque_moves_a_target_too_far(sign):
    plain, heavy = (commanded(STRENGTH, reference(torque=t), none()).control for t in (0.0, sign * 1e6))
    np.testing.assert_allclose((heavy - plain)[:, 6:V], sign * AHEAD, rtol=1e-4)


def test_goals_are_the_pelvis_own():
    wanted = reference()
    control = np.asarray(commanded(STRENGTH, wanted, none()).control)
    place, nowhere, unturned, turn = np.split(control[:, V:], [3, 6, 10], axis=1)
    np.testing.assert_array_equal(place, wanted.q[1:, :3])
    np.testing.assert_array_equal(turn, wanted.q[1:, 3:7])
    np.testing.assert_array_equal(nowhere, 0)
    np.testing.assert_array_equal(unturned, np.broadcast_to([1, 0, 0, 0], (K - 1, 4)))


def test_the_start_is_the_references_lifted_out_of_the_floor():
    wanted = reference(sunk=0.04)
    start = np.asarray(commanded(STRENGTH, wanted, none()).start)
    expected = np.concatenate([wanted.q[0], wanted.velocity[0]])
    expected[2] += 0.04
    np.testing.assert_allclose(start, expected, rtol=1e-6)


@pytest.fixture(scope="module")
def model():
    model = mujoco.MjModel.from_xml_string(humanoid.mjcf(1 / 180))
    for name, value in module.fields(model, STRENGTH).items():
        getattr(model, name)[:] = value
    return model


def pulled(model, control, q, velocity):
    """Generalised forces [V] (world's axes, then the pelvis', then joints) of the actuators in a state."""
    data = mujoco.MjData(model)
    data.qpos[:], data.qvel[:] = q, velocity
    data.ctrl[:], data.mocap_pos[:] = control[:V], control[V : V + 6].reshape(2, 3)
    data.mocap_quat[:] = control[V + 6 :].reshape(2, 4)
    mujoco.mj_forward(model, data)
    return np.array(data.qfrc_actuator)


def within_caps(force):
    return np.clip(force, -STRENGTH.cap, STRENGTH.cap)


def test_the_model_obeys_the_law_of_the_gains(model):
    """clip(k (q_ref - q - h v) + d (v_ref - v), cap) on every degree of freedom, for a pelvis that is not turned."""
    wanted = reference(1)
    turn = jnp.zeros((K, 4), jnp.float32).at[:, 0].set(1)
    wanted = wanted._replace(q=wanted.q.at[:, 3:7].set(turn))
    control = np.asarray(commanded(STRENGTH, wanted, none()).control, float)
    random = np.random.default_rng(2)
    k, d = STRENGTH.stiffness, STRENGTH.damping
    for step in range(K - 1):
        q, velocity = np.asarray(wanted.q[step + 1], float), 0.1 * random.normal(size=V)
        q[:3] += 0.01 * random.normal(size=3)
        q[7:] += 0.01 * random.normal(size=Q)
        error = np.zeros(V)
        error[:3] = np.asarray(wanted.q[step + 1, :3]) - q[:3]
        error[6:] = np.asarray(wanted.q[step + 1, 7:]) - q[7:]
        slope = np.asarray(wanted.velocity[step + 1], float) - velocity
        expected = within_caps(k * (error - velocity / 180) + d * slope)
        np.testing.assert_allclose(pulled(model, control[step], q, velocity), expected, rtol=1e-4, atol=0.5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_turned_pelvis_is_turned_back(model, axis):
    """By stiffness times angle about its own axis; 0.02 rad."""
    wanted = reference()._replace(velocity=jnp.zeros((K, V), jnp.float32))
    control = np.asarray(commanded(STRENGTH, wanted, none()).control, float)
    q = np.asarray(wanted.q[1], float)
    half = np.zeros(4)
    half[0], half[1 + axis] = np.cos(0.01), np.sin(0.01)
    turned = np.zeros(4)
    mujoco.mju_mulQuat(turned, q[3:7], half)
    q[3:7] = turned
    expected = np.zeros(3)
    expected[axis] = -0.02 * STRENGTH.stiffness[3 + axis]
    np.testing.assert_allclose(pulled(model, control[0], q, np.zeros(V))[3:6], expected, atol=0.5)
