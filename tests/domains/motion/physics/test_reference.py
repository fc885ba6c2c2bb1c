import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.transform import Rotation

from selfloop.domains.motion.data import features, rotations, skeleton
from selfloop.domains.motion.data.skeleton import LIMITS, Q
from selfloop.domains.motion.physics import reference
from selfloop.domains.motion.physics.corrector import SUBSTEPS as STEPS
from tests.domains.motion.physics.motions import (
    CHUNK,
    NAMES,
    coordinates,
    crouched,
    encoded,
    joints,
    jump,
    places,
    posed,
    prepared,
    shaken,
    squat,
    walk,
)

T = 24
BODY = 0.95
"""Height (m) of the centre of mass over the lowest sphere."""
many = settings(deadline=None, max_examples=25)
found = jax.jit(reference.floor)


def floor(lowest, height=None, length=T):
    """The floor under a figure of constant shape, if its centre of mass is not given."""
    height = lowest + BODY if height is None else height
    return np.asarray(found(jnp.asarray(lowest, jnp.float32), jnp.asarray(height, jnp.float32), jnp.int32(length)))


@pytest.mark.parametrize("length", [T, 13, 4, 1])  # fewer than the filter's radius repeat their ends
def test_lowpass_keeps_lines_and_repeats_the_end(length):
    line = np.outer(np.arange(T), [1.0, -2.0]).astype(np.float32) + 3
    out = np.asarray(reference.lowpass(jnp.asarray(line), jnp.int32(length), 1.0))
    np.testing.assert_allclose(out[:length], line[:length], atol=1e-4)
    np.testing.assert_allclose(out[length:], np.broadcast_to(out[length - 1], out[length:].shape))


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
def test_lowpass_damps_the_fastest_wave_as_the_gaussian_says(sigma):
    wave = np.cos(np.pi * np.arange(T)).astype(np.float32)
    radius = int(np.ceil(3 * sigma))
    out = np.asarray(reference.lowpass(jnp.asarray(wave[:, None]), jnp.int32(T), sigma))[radius:-radius, 0]
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    gain = (weights * (-1.0) ** offsets).sum() / weights.sum()
    np.testing.assert_allclose(out, gain * wave[radius:-radius], atol=1e-6)


@many
@given(st.floats(-0.3, 0.5), st.floats(-0.3, 0.3), st.integers(4, T))
def test_a_floating_sinking_or_rising_floor_is_found(height, slope, length):
    """However low the figure lies after the motion's length, over which its centre of mass stays."""
    lowest = (height + slope * np.arange(T) / T)[np.minimum(np.arange(T), length - 1)]
    wild = np.where(np.arange(T) < length, lowest, -9.0)
    np.testing.assert_allclose(floor(wild, lowest + BODY, length), lowest, atol=1e-5)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_hardly_any_frames_have_a_floor_too(length):
    np.testing.assert_allclose(floor(np.full(T, 0.2), length=length), 0.2, atol=1e-6)


@pytest.mark.parametrize("phase", [0.0, 1.0, 2.5, 4.0])
def test_a_bob_is_found(phase):
    """8 cm at 1 Hz fall with at most 3.2 m/s^2. The smoothing, of sigma frames, leaves 1 - exp(-(w sigma)^2 / 2)
    of it, w = 2 pi / 20 a frame; at the ends, where a wave does not go on point-symmetrically, three times as much."""
    bob = 0.08 * np.sin(2 * np.pi * np.arange(T) / 20 + phase)
    left = 1 - np.exp(-0.5 * (2 * np.pi * reference.SMOOTHING / 20) ** 2)
    off = np.abs(floor(bob) - bob)
    assert off[3:-3].max() < 0.08 * left + 1e-5
    assert off.max() < 0.08 * 3 * left


@pytest.mark.parametrize("late", [0.0, 0.3, 0.7])
@pytest.mark.parametrize("flight", [0.3, 0.4, 0.6])
@pytest.mark.parametrize("height", [0.0, 0.3])
def test_a_jump_keeps_its_height(flight, height, late):
    """On the highest of floors, wherever frames fall in it: a body takes off with 20 m/s^2, lands the same, and its
    feet leave the ground in between."""
    time = (np.arange(T) - T // 2 - late) / 20
    speed, push = 9.81 * flight / 2, 20.0
    flying = np.abs(time) < flight / 2
    before = np.clip(np.abs(time) - flight / 2, 0, speed / push)
    rise = np.where(flying, 9.81 / 2 * (flight**2 / 4 - time**2), -speed * before + push / 2 * before**2)
    lowest = height + np.where(flying, rise, 0)
    np.testing.assert_allclose(floor(lowest, height + BODY + rise), height, atol=1e-3)


def test_a_leap_that_falls_too_slowly_keeps_its_height():
    """35 cm in half a second, at less than `FALLING`: where it is higher than `LEAP` it is not the floor."""
    time = (np.arange(T) - T // 2) / 20
    rise = 0.175 * (1 + np.cos(np.pi * np.clip(time / 0.6, -1, 1)))
    assert np.diff(rise, 2).min() * 400 > reference.FALLING
    assert floor(rise).max() < reference.LEAP


signals = hnp.arrays(np.float32, (T, 2), elements=st.floats(-1, 1, width=32))


@many
@given(signals, st.integers(1, T))
def test_the_floor_is_never_over_the_feet_but_for_smoothing(signal, length):
    lowest, height = np.float32(0.3) * signal.T
    seen = floor(lowest, height, length)
    over = np.asarray(reference.lowpass(jnp.asarray(lowest), jnp.int32(length), reference.SMOOTHING))
    radius = int(np.ceil(3 * reference.SMOOTHING))
    assert np.isfinite(seen).all()
    # At the ends the signal goes on point-symmetrically, what is under it then lies over it.
    assert (seen <= over + 1e-5)[radius : length - radius].all()


MOTIONS = {"crouched": crouched(0.2), "squat": squat(), "walk": walk(), "jump": jump()}
CLEAN = encoded(*MOTIONS.values())


def plans(x, length=T):
    """World places [N, T, J, 3] of the planned motions."""
    return np.asarray(places(prepared(x, length).motion))


@pytest.mark.parametrize("height", [0.15, -0.1])
def test_the_plan_does_not_know_how_high_a_motion_lies(height):
    shifted = CLEAN + np.float32(height) * (np.arange(features.D) == 3)
    np.testing.assert_allclose(plans(shifted), plans(CLEAN), atol=2e-5)


def test_the_plan_of_a_clean_motion_is_near_to_it():
    """Millimetres, on the mean: a stance's slip and the floor are within rounding, curves are rounded off."""
    moved = 1000 * np.linalg.norm(plans(CLEAN) - joints(CLEAN), axis=-1).mean((1, 2))
    assert (moved < [0.1, 2, 10, 25]).all(), moved


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 999), st.floats(0, 1))
def test_the_plan_stays_within_the_joints_limits(seed, beyond):
    """Arms, trunk and head: what a leg does follows from where its foot is to be. The rounding that comes last takes
    means of rotations, whose three angles are not exactly the means of the angles."""
    random = np.random.default_rng(seed)
    motions = []
    for _ in range(CHUNK):
        wave = np.sin(np.arange(T)[:, None] / 20 * random.uniform(0, 6, Q) + random.uniform(0, 6, Q))
        angles = LIMITS.mean(1) + (0.5 * np.ptp(LIMITS, axis=1) + beyond) * wave
        # Balls only as far as they have one triple of angles.
        motions.append(posed([0, 0, 0.9], **dict(zip(NAMES, np.clip(angles, -1.4, 1.4).T, strict=True))))
    after = np.stack([coordinates(turns) for turns in prepared(encoded(*motions)).motion.rotations])
    excess = np.maximum(LIMITS[:, 0] - after, after - LIMITS[:, 1])[..., : NAMES.index("left_hip_y")]
    assert excess.max() < np.radians(2.5)


def test_beyond_its_length_a_motion_stands_still():
    length = np.array([1, 2, 3, 4, 9, 14, 22, 23])
    x = np.stack([encoded(shaken(walk(), n, 0.05, 0.01))[0] for n in length])
    wild = np.where(features.valid(jnp.asarray(length), T)[..., None], x, 7.0)
    one, two = prepared(x, length), prepared(wild, length)
    np.testing.assert_allclose(two.q, one.q, atol=1e-5)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(one))
    for q, velocity, end in zip(one.q, one.velocity, (length - 1) * STEPS, strict=True):
        # The cubic's slope at the last frame is the mean of its neighbours': it is over a frame later.
        np.testing.assert_allclose(q[end + STEPS :], np.broadcast_to(q[-1], q[end + STEPS :].shape), atol=1e-5)
        np.testing.assert_allclose(velocity[end + STEPS :], 0, atol=1e-3)


def test_velocities_of_a_steady_turn_and_walk():
    """A figure that slides by on its toes, so that no flat foot says that it should not."""
    time = np.arange(T) / 20
    root = np.stack([1.5 * time, 0.5 * time, np.full(T, 2.0)], -1)
    motion = posed(root, left_ankle_y=0.8, right_ankle_y=0.8, left_elbow_y=-0.7 * time, left_knee_y=0.2)
    pelvis = rotations.about_axis("z", jnp.asarray(2.0 * time, jnp.float32))
    result = prepared(encoded(motion._replace(rotations=motion.rotations.at[:, 0].set(pelvis))))
    count = (T - 1) * STEPS + 1
    assert result.q.shape == (1, count, 37)
    assert result.velocity.shape == (1, count, 36)
    expected = np.zeros(36)
    expected[:2], expected[5], expected[6 + NAMES.index("left_elbow_y")] = (1.5, 0.5), 2.0, -0.7
    velocity = result.velocity[0, 20:-20]
    np.testing.assert_allclose(velocity[:, :6], np.broadcast_to(expected[:6], velocity[:, :6].shape), atol=0.03)
    arms = slice(6, 6 + NAMES.index("left_hip_y"))
    np.testing.assert_allclose(velocity[:, arms], np.broadcast_to(expected[arms], velocity[:, arms].shape), atol=0.01)
    np.testing.assert_allclose(np.linalg.norm(result.q[..., 3:7], axis=-1), 1, atol=1e-6)


def test_velocities_are_the_rates_of_positions():
    """To second order in the step: the rest is h^2 / 12 of the second derivative of the velocity,
    up to 20,000 rad/s^3 where a leg swings."""
    spinning = walk()
    spin = rotations.about_axis("z", jnp.asarray(np.sin(np.arange(T) / 5), jnp.float32))
    spinning = spinning._replace(rotations=spinning.rotations.at[:, 0].set(spin))
    result = prepared(encoded(squat(), walk(), spinning))
    rate = 20 * STEPS
    middle = 0.5 * (result.velocity[:, 1:] + result.velocity[:, :-1])
    q = result.q.astype(float)
    np.testing.assert_allclose(np.diff(q[..., :3], axis=1) * rate, middle[..., :3], atol=0.01)
    np.testing.assert_allclose(np.diff(q[..., 7:], axis=1) * rate, middle[..., 6:], atol=0.05)
    for one, expected in zip(q, middle, strict=True):
        turn = Rotation.from_quat(one[:, [4, 5, 6, 3]])
        np.testing.assert_allclose((turn[:-1].inv() * turn[1:]).as_rotvec() * rate, expected[:, 3:6], atol=0.01)


def test_frames_are_met_and_torques_hold_the_figure_up():
    result = prepared(encoded(squat(0.9)))
    at_frames = result.q[0, ::STEPS]
    np.testing.assert_allclose(at_frames[:, :3], result.motion.root[0], atol=1e-5)
    np.testing.assert_allclose(at_frames[:, 7:], skeleton.coordinates(result.motion.rotations[0]), atol=1e-5)
    assert result.torque.shape == (1, (T - 1) * STEPS + 1, 30)
    assert result.sunk < 1e-3
    # At the deepest a knee carries half the body over a lever of half a shin.
    assert -150 < result.torque[0, T // 2 * STEPS, NAMES.index("left_knee_y")] < -50


def test_what_is_read_meets_the_frames_and_lines():
    signal = np.random.default_rng(0).normal(size=(T, 5)).astype(np.float32)
    value, _ = reference.read(jnp.asarray(signal), 4)
    np.testing.assert_allclose(value[::4], signal, atol=1e-6)
    line = np.outer(np.arange(T), [1.0, -0.5]).astype(np.float32)
    value, rate = reference.read(jnp.asarray(line), 4)
    np.testing.assert_allclose(value, np.outer(np.arange(4 * (T - 1) + 1) / 4, [1.0, -0.5]), atol=1e-5)
    np.testing.assert_allclose(rate, np.broadcast_to([20.0, -10.0], rate.shape), atol=1e-3)


def test_products_of_quaternions_are_products_of_rotations():
    p, q = np.random.default_rng(0).normal(size=(2, 5, 4)).astype(np.float32)
    p, q = (jnp.asarray(v / np.linalg.norm(v, axis=-1, keepdims=True)) for v in (p, q))
    product = rotations.from_quaternion(reference.hamilton(p, q))
    np.testing.assert_allclose(product, rotations.from_quaternion(p) @ rotations.from_quaternion(q), atol=1e-6)
    one = reference.hamilton(reference.conjugate(p), p)
    np.testing.assert_allclose(one, np.broadcast_to([1, 0, 0, 0], (5, 4)), atol=1e-6)
