"""Torques against MuJoCo's inverse dynamics of the same humanoid, and against statics on paper."""

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from selfloop.domains.motion.data import rotations, skeleton
from selfloop.domains.motion.data.skeleton import LIMITS, Q
from selfloop.domains.motion.physics import humanoid
from selfloop.domains.motion.physics import inverse_dynamics as module
from selfloop.domains.motion.physics.humanoid import ARMATURE, MASS
from tests.domains.motion.physics.motions import NAMES, crouched, squat

pytestmark = pytest.mark.usefixtures("hurried")
T, G = 24, 9.81
UPRIGHT = np.broadcast_to(np.eye(3, dtype=np.float32), (T, 3, 3))
torques = jax.jit(module.inverse_dynamics)


@pytest.fixture(scope="module")
def model():
    """The humanoid without contact, limits or damping; its segments do not resist turning."""
    model = mujoco.MjModel.from_xml_string(humanoid.passive(1 / 180))
    model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONTACT | mujoco.mjtDisableBit.mjDSBL_LIMIT
    model.body_inertia[:] = 1e-9
    return model


def inverse(model, place, turn, angles, rate=0.0, push=0.0, lift=0.0, force=()):
    """Torques [Q] (Nm) of one instant: coordinates with their rate [Q] and acceleration, the pelvis' own along z."""
    data = mujoco.MjData(model)
    data.qpos[:] = np.concatenate([place, turn, angles])
    data.qvel[6:], data.qacc[6:], data.qacc[2] = rate, push, lift
    mujoco.mj_inverse(model, data)
    total = np.array(data.qfrc_inverse)
    for body, point, newton in force:
        part = np.zeros(model.nv)
        mujoco.mj_applyFT(model, data, newton, np.zeros(3), point, body, part)
        total -= part
    return total[6:]


def swing(seed, speed=0.3):
    """Coordinates [T, Q] that swing within their limits at up to ``speed`` Hz, with first and second derivatives."""
    random = np.random.default_rng(seed)
    low, high = LIMITS.T
    size, rate, phase = random.uniform(0, 0.4, Q), random.uniform(0, 2 * np.pi * speed, Q), random.uniform(0, 6, Q)
    middle = np.clip(random.uniform(low, high), low + size, high - size) * 0.5
    time = np.arange(T)[:, None] / 20
    wave, slope = np.sin(rate * time + phase), np.cos(rate * time + phase)
    return middle + size * wave, size * rate * slope, -size * rate**2 * wave


def high(lift=0.0):
    """The pelvis [T, 3] far over the floor, accelerated upwards by ``lift`` (m/s^2)."""
    time = np.arange(T) / 20
    return np.stack([0 * time, 0 * time, 20 + 0.5 * lift * time**2], -1).astype(np.float32)


@pytest.mark.parametrize("seed", range(3))
def test_a_pose_that_is_held_takes_what_mujoco_says(model, seed):
    random = np.random.default_rng(seed)
    angles = np.broadcast_to(random.uniform(*LIMITS.T), (T, Q)).astype(np.float32)
    turn = random.normal(size=4)
    turn /= np.linalg.norm(turn)
    pelvis = jnp.broadcast_to(rotations.from_quaternion(jnp.asarray(turn, jnp.float32)), (T, 3, 3))
    torque = torques(high(), pelvis, angles)
    expected = inverse(model, [0, 0, 20], turn, angles[0])
    # Places 20 m high are rounded to 1e-6 m in float32, their second differences to 1.6e-3 m/s^2: 0.1 N of 65 kg.
    np.testing.assert_allclose(torque, np.broadcast_to(expected, (T, Q)), atol=0.1)
    assert np.abs(expected).max() > 20


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("lift", [0.0, -G, 3.0], ids=["held", "free flight", "lifted"])
def test_movement_takes_what_mujoco_says(model, seed, lift):
    """Second differences at 20 fps see a sine of 0.3 Hz smaller by (2 pi 0.3 / 20)^2 / 12 = 0.07 %."""
    angles, rate, push = swing(seed)
    torque = np.asarray(torques(high(lift), UPRIGHT, angles.astype(np.float32)))[1:-1]
    still = [1, 0, 0, 0]
    expected = np.array([inverse(model, [0, 0, 20], still, angles[t], rate[t], push[t], lift) for t in range(1, T - 1)])
    np.testing.assert_allclose(torque, expected, atol=0.1)


def test_what_is_left_out_is_the_segments_own_turning(model):
    """At most the inertia that a joint carries, about the segments' own centres, times the angular acceleration."""
    whole = mujoco.MjModel.from_xml_string(humanoid.passive(1 / 180))
    whole.opt.disableflags = model.opt.disableflags
    angles, rate, push = swing(0)
    for t in (5, 15):
        both = [inverse(m, [0, 0, 20], [1, 0, 0, 0], angles[t], rate[t], push[t]) for m in (model, whole)]
        most = whole.body_inertia.max(1).sum() * (np.abs(push).sum(1) + np.abs(rate).sum(1) ** 2)[t]
        assert 0 < np.abs(both[0] - both[1]).max() < most


@pytest.mark.parametrize("angle", [0.3, -1.2, np.pi / 2])
def test_an_arm_held_out_takes_its_weight_times_its_lever(angle):
    """About the shoulder both segments, with their centres at 0.135 and 0.27 + 0.125 m; about the elbow the lower."""
    angles = np.zeros((T, Q), np.float32)
    angles[:, NAMES.index("left_shoulder_y")] = angle
    torque = np.asarray(torques(high(), UPRIGHT, angles))
    upper, lower = (MASS * humanoid.FRACTIONS[name] for name in ("shoulder", "elbow"))
    shoulder = G * (upper * 0.135 + lower * 0.395) * np.sin(angle)
    np.testing.assert_allclose(torque[:, NAMES.index("left_shoulder_y")], shoulder, atol=0.05)
    np.testing.assert_allclose(torque[:, NAMES.index("left_elbow_y")], G * lower * 0.125 * np.sin(angle), atol=0.02)
    np.testing.assert_allclose(torque[:, NAMES.index("right_shoulder_y")], 0, atol=0.02)


def test_a_rotor_resists_acceleration():
    """In free fall, of a toe, which weighs 0.18 kg: all that is left is I q''."""
    toe, rate = NAMES.index("left_toe_y"), 4.0
    angles = np.zeros((T, Q), np.float32)
    angles[:, toe] = 0.5 * rate * (np.arange(T) / 20) ** 2 - 1
    torque = np.asarray(torques(high(-G), UPRIGHT, angles))[:, toe]
    own = MASS * humanoid.FRACTIONS["toe"] * 0.04**2
    np.testing.assert_allclose(torque, ARMATURE * rate, atol=own * rate + 0.02)


def forces(motion):
    """Reaction [T, C, 3] and places [T, C, 3] of the contact spheres."""
    angles = skeleton.coordinates(motion.rotations)
    at, spheres = module.places(motion.root, motion.rotations[:, 0], angles)
    second = 400 * np.pad(np.diff(np.asarray(at, float), 2, axis=0), ((1, 1), (0, 0), (0, 0)), mode="edge")
    load = humanoid.segment_masses()[None, :, None] * (second - [0, 0, -G])
    return np.asarray(module.reactions(at, jnp.asarray(load, jnp.float32), spheres)), np.asarray(spheres), at, load


@pytest.mark.parametrize("motion", [crouched(0.3), squat()], ids=["crouched", "squat"])
def test_the_ground_carries_the_body(motion):
    """Reactions push, and add up to what gravity and acceleration ask; around the zero-moment point."""
    reaction, spheres, at, load = forces(motion)
    np.testing.assert_allclose(reaction.sum(1), load.sum(1), atol=0.05)
    assert (reaction[..., 2] >= 0).all()
    point = (reaction[..., 2:] * spheres[..., :2]).sum(1) / reaction[..., 2].sum(1)[:, None]
    moment = (np.asarray(at)[..., :2] * load[..., 2:] - np.asarray(at)[..., 2:] * load[..., :2]).sum(1)
    np.testing.assert_allclose(point, moment / load.sum(1)[:, 2:], atol=0.05)
    if not np.ptp(motion.root):
        np.testing.assert_allclose(reaction.sum(1), np.broadcast_to([0, 0, MASS * G], (T, 3)), atol=0.05)


def test_what_does_not_touch_carries_nothing():
    motion = crouched(0.3)
    motion = motion._replace(root=motion.root.at[:, 2].add(0.2))
    reaction, *_ = forces(motion)
    np.testing.assert_array_equal(reaction, 0)


def test_the_ground_helps_the_legs(model):
    """With the reactions as outer forces MuJoCo finds the same torques; knees of a squat would else hang."""
    motion = squat(0.9)
    angles = np.asarray(skeleton.coordinates(motion.rotations))
    torque = np.asarray(torques(motion.root, motion.rotations[:, 0], angles))
    reaction, spheres, *_ = forces(motion)
    knee = NAMES.index("left_knee_y")
    for t in (4, 12, 18):
        bodies = [1 + sphere.joint for sphere in skeleton.FOOT_SPHERES]
        force = list(zip(bodies, spheres[t].astype(float), reaction[t].astype(float), strict=True))
        second = 400 * np.diff(angles.astype(float), 2, axis=0)[t - 1]
        slope = 10 * (angles[t + 1] - angles[t - 1]).astype(float)
        lift = 400 * float(np.diff(np.asarray(motion.root[:, 2], float), 2)[t - 1])
        expected = inverse(model, motion.root[t], [1, 0, 0, 0], angles[t], slope, second, lift, force)
        np.testing.assert_allclose(torque[t], expected, atol=0.1)
    assert torque[12, knee] < -40
