import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from selfloop.domains.motion.data import skeleton
from selfloop.domains.motion.data.skeleton import J
from selfloop.domains.motion.physics import tracker
from selfloop.domains.motion.physics.backends import roll_of
from selfloop.domains.motion.physics.controls import V
from selfloop.domains.motion.physics.corrector import SUBSTEPS as STEPS
from selfloop.domains.motion.physics.gains import Gains, gains
from selfloop.domains.motion.physics.tracker import HEAD_DROP, MOST, RATE, ROOT_OFF
from tests.domains.motion.physics.motions import CHUNK, FRAMES, crouched, encoded, prepared, shaken, squat, walk

WHOLE = np.full(CHUNK, FRAMES, np.int32)
STRENGTH = gains()
standing = jax.jit(tracker.stands)
STIFF = Gains(STRENGTH.stiffness, 0 * STRENGTH.damping, STRENGTH.cap)


@pytest.fixture(scope="module")
def wanted():
    """References of eight motions, the torques they take left out."""
    motions = [
        crouched(0.2),
        squat(),
        squat(0.8),
        squat(0.6, 2.0),
        walk(),
        walk(0.4),
        shaken(squat(), 0, 0.1),
        squat(1),
    ]
    result = prepared(encoded(*motions))
    return result._replace(torque=np.zeros_like(result.torque))


def plant(react):
    """An engine whose joints do at once what ``react`` [N, S, 30] makes of their targets; the rest follows exactly."""

    def roll(strength, timestep, start, control):
        states = np.zeros((*control.shape[:2], 2 * V + 1), np.float32)
        states[..., :3], states[..., 3:7] = control[..., V : V + 3], control[..., -4:]
        states[..., 7 : V + 1] = react(np.asarray(control)[..., 6:V])
        return states

    return roll


@pytest.mark.parametrize("rounds", [0, 1, 2, 5])
def test_a_constant_droop_is_learned_away(wanted, rounds):
    """Every round leaves 1 - RATE of it, for smoothing keeps what is constant; near the start, which does not droop
    and is smoothed with the rest, more."""
    droop = plant(lambda target: target - np.float32(0.2))
    result = tracker.track(droop, STIFF, STEPS, wanted, WHOLE, rounds)
    off = np.abs(wanted.q[..., 7:] - result.states[..., 7 : V + 1])
    late = np.asarray(off[:, 3 * (1 + rounds) * STEPS :])
    np.testing.assert_allclose(late, 0.2 * (1 - RATE) ** rounds, atol=2e-5)
    if not rounds:
        np.testing.assert_allclose(result.error, 0.2 * np.sqrt((FRAMES - 1) / FRAMES), rtol=1e-4)


def test_targets_move_no_farther_than_they_may(wanted):
    """A droop of 1 rad is met by MOST at most."""
    droop = plant(lambda target: target - np.float32(1))
    result = tracker.track(droop, STIFF, STEPS, wanted, WHOLE, 6)
    np.testing.assert_allclose(result.error, (1 - MOST) * np.sqrt((FRAMES - 1) / FRAMES), rtol=2e-3)


def test_who_gets_worse_by_learning_keeps_the_first_rollout(wanted):
    contrary = plant(lambda target: -target - np.float32(0.1))
    first = tracker.track(contrary, STIFF, STEPS, wanted, WHOLE)
    result = tracker.track(contrary, STIFF, STEPS, wanted, WHOLE, 3)
    np.testing.assert_array_equal(result.error, first.error)
    np.testing.assert_array_equal(result.states, first.states)


def test_each_motion_keeps_its_own_best(wanted):
    """The first half of the batch learns, in the other half learning harms."""
    sign = np.where(np.arange(CHUNK) < CHUNK // 2, 1, -1).astype(np.float32)[:, None, None]
    mixed = plant(lambda target: sign * target - np.float32(0.1))
    first, result = (tracker.track(mixed, STIFF, STEPS, wanted, WHOLE, rounds) for rounds in (0, 2))
    assert (result.error[: CHUNK // 2] < 0.5 * first.error[: CHUNK // 2]).all()
    np.testing.assert_array_equal(result.error[CHUNK // 2 :], first.error[CHUNK // 2 :])


def test_a_blow_up_is_an_infinite_error_that_anything_is_better_than(wanted):
    calls = []

    def bursting(target):
        calls.append(None)
        return target + np.float32(np.nan if len(calls) == 1 else 0.1)

    once = tracker.track(plant(bursting), STIFF, STEPS, wanted, WHOLE)
    assert np.isinf(once.error).all()
    calls.clear()
    again = tracker.track(plant(bursting), STIFF, STEPS, wanted, WHOLE, 1)
    assert (again.error < 0.2).all()
    assert np.isfinite(again.states).all()


def test_only_the_frames_that_count_are_judged(wanted):
    length = np.arange(4, 4 + CHUNK, dtype=np.int32)
    late = plant(lambda target: target + np.where(np.arange(target.shape[1]) < 12 * STEPS, 0, 9)[:, None].astype("f"))
    result = tracker.track(late, STIFF, STEPS, wanted, length)
    np.testing.assert_allclose(result.error, 0, atol=1e-4)


@pytest.fixture(scope="module")
def engine():
    return roll_of("mujoco")


@settings(deadline=None, max_examples=6)
@given(seed=st.integers(0, 999), level=st.floats(0, 0.3), rounds=st.sampled_from([1, 2]))
def test_learning_never_tracks_worse(engine, seed, level, rounds):
    """Whatever the motion."""
    kinds = [crouched(0.2), squat(), squat(1.2, 3.0), walk(), walk(1.5), squat(0.8), walk(0.3), crouched(0.6)]
    x = encoded(*(shaken(motion, seed + i, level, 0.1 * level) for i, motion in enumerate(kinds)))
    length = np.random.default_rng(seed).integers(3, FRAMES + 1, CHUNK).astype(np.int32)
    reference = prepared(x, length)
    one, many = (tracker.track(engine, STRENGTH, STEPS, reference, length, r) for r in (0, rounds))
    assert (np.asarray(many.error) <= np.asarray(one.error)).all()


def test_learning_tracks_a_squat_better(engine):
    reference = prepared(encoded(*[squat(0.3 + 0.1 * i) for i in range(CHUNK)]))
    one, three = (np.asarray(tracker.track(engine, STRENGTH, STEPS, reference, WHOLE, r).error) for r in (0, 2))
    assert (three < one).all()
    assert three.mean() < 0.8 * one.mean()


def test_positions_become_the_motion():
    random = np.random.default_rng(0)
    q = random.normal(size=(5, V + 1)).astype(np.float32)
    motion = tracker.to_motion(jnp.asarray(q))
    expected = Rotation.from_quat(q[:, [4, 5, 6, 3]]).as_matrix()
    np.testing.assert_allclose(motion.rotations[:, 0], expected, atol=1e-5)
    np.testing.assert_array_equal(motion.root, q[:, :3])
    np.testing.assert_allclose(motion.rotations[:, 1:], skeleton.from_coordinates(jnp.asarray(q[:, 7:])), atol=1e-6)
    assert motion.rotations.shape == (5, J, 3, 3)


@pytest.mark.parametrize(
    ("place", "upright"),
    [
        ((0, 0, 0), True),
        ((0, 0, -0.9 * HEAD_DROP), True),
        ((0, 0, -1.1 * HEAD_DROP), False),
        ((0, 0.9 * ROOT_OFF, 0), True),
        ((0, -1.1 * ROOT_OFF, 0), False),
        ((0, 0, 0.9 * ROOT_OFF), True),
        ((np.nan, 0, 0), False),
    ],
)
def test_who_stands_is_near_and_upright(place, upright):
    wanted = crouched(0.2)
    other = wanted._replace(root=wanted.root + np.asarray(place, np.float32)[None])
    np.testing.assert_array_equal(standing(other, wanted), upright)
