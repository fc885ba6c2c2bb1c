import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from selfloop.domains.motion.data import skeleton
from selfloop.domains.motion.data.skeleton import J
from selfloop.domains.motion.physics import brax_backend, gains, humanoid
from selfloop.domains.motion.physics.tracker import to_motion


@pytest.fixture(scope="module")
def model():
    return mujoco.MjModel.from_xml_string(humanoid.mjcf(1 / 180))


@pytest.fixture(scope="module")
def passive():
    return mujoco.MjModel.from_xml_string(humanoid.passive(1 / 180))


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
        np.testing.assert_allclose(positions[i], data.xpos[1 : J + 1], atol=2e-6)
        np.testing.assert_allclose(world[i], data.xmat[1 : J + 1].reshape(-1, 3, 3), atol=2e-6)
        np.testing.assert_allclose(centres[i], data.geom_xpos[contacts], atol=2e-6)


def test_forward_kinematics_equals_brax(passive, poses):
    from brax import kinematics
    from brax.io import mjcf

    positions, _ = skeleton.forward(to_motion(jnp.asarray(poses)))
    with pytest.warns(UserWarning, match="not actively being maintained"):
        system = mjcf.load_model(passive)
    with brax_backend.relaxed():
        place = jax.vmap(lambda q: kinematics.forward(system, q, jnp.zeros(36))[0].pos)(jnp.asarray(poses))
    np.testing.assert_allclose(positions, place, atol=2e-6)


def test_masses_sum_to_the_body(model, passive):
    for one in (model, passive):
        assert np.isclose(one.body_mass.sum(), humanoid.MASS)
        np.testing.assert_allclose(one.body_mass[1 : J + 1], humanoid.segment_masses())
        assert np.isclose(one.body("left_hip").mass[0], 0.1416 * 65)


def test_looks_are_dropped_without_their_inertia(model, passive):
    """The model that is simulated has no geoms but what touches; its bodies weigh and turn as the others do."""
    assert model.ngeom == 1 + len(skeleton.SPHERES)
    assert passive.ngeom == model.ngeom + J
    for name in ("body_mass", "body_ipos", "body_inertia"):
        np.testing.assert_allclose(getattr(model, name)[: J + 1], getattr(passive, name), rtol=1e-6, atol=1e-9)


def test_the_controller_is_in_the_order_of_the_degrees_of_freedom(model, passive):
    """Six pulls on the pelvis, towards two bodies that move as they are told, then one motor a joint coordinate."""
    assert passive.nu == passive.nmocap == 0
    assert model.nmocap == 2
    assert [model.body(f"goal_{name}").mocapid[0] for name in ("place", "turn")] == [0, 1]
    np.testing.assert_array_equal(model.actuator_trntype[:6], mujoco.mjtTrn.mjTRN_SITE)
    np.testing.assert_array_equal(model.actuator_trnid[6:, 0], 1 + np.arange(skeleton.Q))
    np.testing.assert_array_equal(model.jnt_dofadr[1:], 6 + np.arange(skeleton.Q))


def test_gains_are_filled_in_by_name(model):
    strength = gains.gains()
    named = gains.fields(model, strength)
    h, cap = 1 / 180, strength.cap
    np.testing.assert_allclose(named["actuator_gainprm"][:, 0], strength.stiffness)
    np.testing.assert_allclose(named["actuator_biasprm"][:, 2], -strength.damping - h * strength.stiffness)
    np.testing.assert_allclose(named["actuator_forcerange"][:6], np.stack([-cap, cap], 1)[:6])
    np.testing.assert_allclose(named["jnt_actfrcrange"][1:], np.stack([-cap, cap], 1)[6:])
    np.testing.assert_allclose(named["dof_armature"], [0] * 3 + [humanoid.SPIN_ARMATURE] * 3 + [humanoid.ARMATURE] * 30)


def test_limits_are_the_skeletons(model):
    np.testing.assert_allclose(model.jnt_range[1:], skeleton.LIMITS, atol=1e-6)


def test_only_spheres_touch_and_only_the_floor(model):
    data = mujoco.MjData(model)
    data.qpos[:7] = [0, 0, -1, 1, 0, 0, 0]
    mujoco.mj_forward(model, data)
    pairs = {tuple(sorted(pair)) for pair in data.contact.geom}
    floor = model.geom("floor").id
    assert pairs == {(floor, model.geom(f"contact_{i}").id) for i in range(len(skeleton.SPHERES))}
