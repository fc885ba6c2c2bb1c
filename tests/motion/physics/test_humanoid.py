import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from selfloop.motion.data import skeleton
from selfloop.motion.physics import brax_backend, humanoid
from selfloop.motion.physics.tracker import to_motion


@pytest.fixture(scope="module")
def model():
    return mujoco.MjModel.from_xml_string(humanoid.mjcf(1 / 180))


@pytest.fixture(scope="module")
def poses():
    random = np.random.default_rng(0)
    low, high = skeleton.LIMITS.T
    turn = random.normal(size=(8, 4))
    turn /= np.linalg.norm(turn, axis=-1, keepdims=True)
    return np.concatenate([random.normal(size=(8, 3)), turn, random.uniform(low, high, (8, 30))], -1).astype(np.float32)


def test_forward_kinematics_equals_mujoco(model, poses):
    positions, world = skeleton.forward(to_motion(jnp.asarray(poses)))
    centres = skeleton.sphere_centres(positions, world)
    contacts = [model.geom(f"contact_{i}").id for i in range(len(skeleton.SPHERES))]
    data = mujoco.MjData(model)
    for i, pose in enumerate(poses):
        data.qpos[:] = pose
        mujoco.mj_forward(model, data)
        np.testing.assert_allclose(positions[i], data.xpos[1:], atol=2e-6)
        np.testing.assert_allclose(world[i], data.xmat[1:].reshape(-1, 3, 3), atol=2e-6)
        np.testing.assert_allclose(centres[i], data.geom_xpos[contacts], atol=2e-6)


def test_forward_kinematics_equals_brax(poses):
    from brax import kinematics

    positions, _ = skeleton.forward(to_motion(jnp.asarray(poses)))
    with brax_backend.relaxed():
        system = brax_backend.system(1 / 180)
        place = jax.vmap(lambda q: kinematics.forward(system, q, jnp.zeros(36))[0].pos)(jnp.asarray(poses))
    np.testing.assert_allclose(positions, place, atol=2e-6)


def test_masses_sum_to_the_body(model):
    assert np.isclose(model.body_mass.sum(), humanoid.MASS)
    np.testing.assert_allclose(model.body_mass[1:], humanoid.segment_masses())
    thigh = model.body("left_hip")
    assert np.isclose(thigh.mass[0], 0.1416 * 65)


def test_limits_are_the_skeletons(model):
    np.testing.assert_allclose(model.jnt_range[1:], skeleton.LIMITS, atol=1e-6)


def test_only_spheres_touch_and_only_the_floor(model):
    data = mujoco.MjData(model)
    data.qpos[:7] = [0, 0, -1, 1, 0, 0, 0]
    mujoco.mj_forward(model, data)
    pairs = {tuple(sorted(pair)) for pair in data.contact.geom}
    floor = model.geom("floor").id
    assert pairs == {(floor, model.geom(f"contact_{i}").id) for i in range(len(skeleton.SPHERES))}
