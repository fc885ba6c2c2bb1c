"""A standing figure that slides is put back in its place; whoever walks keeps the way."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.domains.motion.data.skeleton import LEG_HEIGHT, Motion
from selfloop.domains.motion.physics import root_path
from tests.domains.motion.physics.motions import FRAMES, batch_of, crouched, encoded, posed, shaken, squat, walk

WHOLE = jnp.int32(FRAMES)
carried = jax.jit(lambda motion, length: root_path.carried(motion, jnp.float32(0), length))


def pushed(motion: Motion, speed: float, frames: int = FRAMES) -> Motion:
    """The motion with its root moving on at ``speed`` (m/s) along y as well."""
    way = np.minimum(np.arange(FRAMES), frames - 1) / np.float32(20) * np.float32(speed)
    return motion._replace(root=motion.root + way[:, None] * np.array([[0, 1, 0]], np.float32))


@pytest.mark.parametrize("speed", [0.15, 0.5, 2.0])
def test_a_standing_figure_that_slides_stands_still(speed):
    still = crouched(0.2)
    back = carried(pushed(still, speed), WHOLE)
    np.testing.assert_allclose(back.root, still.root, atol=1e-4)
    np.testing.assert_array_equal(back.rotations, still.rotations)


def test_what_slides_as_little_as_real_feet_is_left_alone():
    slow = pushed(crouched(0.2), 0.9 * root_path.REAL)
    np.testing.assert_allclose(carried(slow, WHOLE).root, slow.root, atol=1e-6)


def test_between_the_two_speeds_a_part_is_taken_out():
    speed = (root_path.REAL + root_path.WRONG) / 2
    way = carried(pushed(crouched(0.2), speed), WHOLE).root[-1, 1]
    np.testing.assert_allclose(way, 0.5 * speed * (FRAMES - 1) / 20, rtol=0.01)


@pytest.mark.parametrize("motion", [squat(), walk(0.0)], ids=["squat", "steps on the spot"])
def test_whose_feet_stand_keeps_the_place(motion):
    np.testing.assert_allclose(carried(motion, WHOLE).root, motion.root, atol=1e-3)


def test_whose_feet_stand_keeps_the_way():
    # Where one foot is put down while the other is lifted, both move on at one pace for a step: 3 % of the way at most.
    motion = walk(0.8)
    off = np.abs(np.asarray(carried(motion, WHOLE).root - motion.root))
    assert off.max() < 0.03 * 0.8 * (FRAMES - 1) / 20


def test_a_flying_figure_is_not_held_by_feet_it_does_not_stand_on():
    high = pushed(posed([0, 0, LEG_HEIGHT + 0.2]), 1.0)
    np.testing.assert_allclose(carried(high, WHOLE).root, high.root, atol=1e-6)


def test_height_and_frames_beyond_the_length_do_not_matter():
    length = 12
    sliding = pushed(crouched(0.2), 0.5, length)
    back = carried(sliding, jnp.int32(length))
    np.testing.assert_allclose(back.root[:length], crouched(0.2).root[:length], atol=1e-4)
    wild = sliding._replace(root=sliding.root.at[length:].set(7.0))
    np.testing.assert_allclose(carried(wild, jnp.int32(length)).root[:length], back.root[:length], atol=1e-5)


def test_a_shaken_walk_stays_near_its_way():
    # The feet's residual noise is no evidence: less than a centimetre a second is moved, the clean walk not at all.
    noisy = shaken(walk(), seed=0, angle=0.02)
    off = np.linalg.norm(np.asarray(carried(noisy, WHOLE).root - noisy.root), axis=-1)
    assert off.max() < 0.02


def test_the_more_the_feet_shook_the_less_is_believed():
    slow = pushed(crouched(0.2), root_path.WRONG)
    ways = [
        float(root_path.carried(slow, jnp.float32(jitter), WHOLE).root[-1, 1])
        for jitter in (0.0, 0.5 * (root_path.WRONG - root_path.REAL) / root_path.SHAKEN / 20, 0.1)
    ]
    whole = root_path.WRONG * (FRAMES - 1) / 20
    np.testing.assert_allclose(ways, [0, whole / 2, whole], atol=1e-3)


def test_shaking_is_what_the_ankles_are_off():
    still = crouched(0.2)
    raised = still._replace(root=still.root + np.array([[0, 0, 0.03]], np.float32))
    np.testing.assert_allclose(root_path.shaking(raised, still, WHOLE), 0.03, rtol=1e-4)


def test_the_corrector_brings_a_sliding_figure_back():
    from selfloop.domains.motion.correctors.cleanup import cleanup

    x = encoded(pushed(crouched(0.2), 0.5), crouched(0.2))
    result, info = cleanup()(jax.random.key(0), batch_of(x), None)
    assert not info["failed"].any()
    # Half a metre a second for more than a second; velocities are features 1 and 2.
    assert np.abs(np.asarray(result.x[0, :, 1:3])).max() < 0.02
    np.testing.assert_allclose(result.x[0], result.x[1], atol=0.02)
