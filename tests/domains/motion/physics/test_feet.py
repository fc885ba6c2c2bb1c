import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from selfloop.domains.motion.data import skeleton
from selfloop.domains.motion.data.features import FPS
from selfloop.domains.motion.data.skeleton import FOOT_SPHERES, INDEX
from selfloop.domains.motion.physics import feet
from selfloop.domains.motion.physics.feet import CLEARANCE, DROP, FARTHEST, FAST, HIGH, LIFT, LOW, SLOW
from tests.domains.motion.physics.motions import crouched, squat, walk

pytestmark = pytest.mark.usefixtures("hurried")
T = 24
SOLE = np.array([[0, 0.03], [0, -0.03], [0.17, 0.03], [0.17, -0.03]])
planned = jax.jit(feet.plan)
many = settings(deadline=None, max_examples=25)


def foot(path, height):
    """Spheres of a flat foot on ``path`` [T, 2] at ``height`` [T] (m): centres [T, C, 3], heights [T, C]."""
    centres = np.concatenate([path[:, None] + SOLE[None], np.repeat(height[:, None, None], 4, 1)], -1)
    return jnp.asarray(centres, jnp.float32), jnp.asarray(np.repeat(height[:, None], 4, 1), jnp.float32)


def slipping(pace):
    """A path [T, 2] forward at ``pace`` [T] (m/s)."""
    return np.stack([np.cumsum(np.broadcast_to(pace, T)) / FPS, np.zeros(T)], -1)


def test_contact_is_linear_in_height_and_in_speed():
    heights = np.linspace(-0.05, 0.1, T)
    weight = np.asarray(feet.contact(*foot(np.zeros((T, 2)), heights)))
    np.testing.assert_allclose(weight[:, 0], np.interp(heights, [LOW, HIGH], [1, 0]), atol=1e-5)
    for speed in (0, 0.5 * SLOW, 0.5 * (SLOW + FAST), FAST, 2 * FAST):
        weight = np.asarray(feet.contact(*foot(slipping(speed), np.zeros(T))))
        np.testing.assert_allclose(weight, np.interp(speed, [SLOW, FAST], [1, 0]), atol=1e-4)


@many
@given(hnp.arrays(bool, T))
def test_neighbours_are_the_nearest(stands):
    near = feet.neighbours(jnp.asarray(stands))
    for frame in range(T):
        assert near.before[frame] == max((f for f in range(frame + 1) if stands[f]), default=-1)
        assert near.after[frame] == min((f for f in range(frame, T) if stands[f]), default=T)


@pytest.mark.parametrize("height", [0.0, 0.015, -0.03])
def test_a_foot_that_stands_is_put_on_the_floor_and_no_farther(height):
    moved = np.asarray(feet.offset(*foot(np.zeros((T, 2)), np.full(T, height))))
    np.testing.assert_allclose(moved, np.broadcast_to([0, 0, -height], (T, 3)), atol=1e-6)


@pytest.mark.parametrize("speed", [0.05, 0.15])
def test_the_slip_of_a_stance_is_taken_out_about_its_mean(speed):
    path = slipping(speed)
    moved = np.asarray(feet.offset(*foot(path, np.zeros(T))))
    free = np.abs(moved[:, 0]) < FARTHEST - 1e-6
    np.testing.assert_allclose((path + moved[:, :2])[free], np.broadcast_to(path.mean(0), (free.sum(), 2)), atol=1e-5)
    assert free.all() == (speed * T / FPS / 2 < FARTHEST)


def steps(slip=0.1, lift=0.01):
    """A stance that slips, a swing that scuffs, and again: centres, heights, and which frames stand."""
    pace = np.full(T, slip)
    pace[8:14] = 3.0
    height = np.zeros(T)
    height[8:14] = lift
    centres, heights = foot(slipping(pace), height)
    return centres, heights, np.asarray(feet.contact(centres, heights).max(-1) > 0.5)


@pytest.mark.parametrize("lift", [0.0, 0.01, 0.1])
def test_a_swing_clears_the_floor_and_stances_stand(lift):
    centres, heights, stands = steps(lift=lift)
    moved = np.asarray(feet.offset(centres, heights))
    assert stands[:7].all()
    assert stands[15:].all()
    middle = ~stands
    middle[1:] &= ~stands[:-1]
    middle[:-1] &= ~stands[1:]
    assert middle.sum() >= 3
    after = np.asarray(heights).min(-1) + moved[:, 2]
    assert (after[middle] >= max(CLEARANCE, lift) - 1e-6).all()
    np.testing.assert_allclose(after[stands], 0, atol=1e-6)
    place = np.asarray(centres)[:, 0, :2] + moved[:, :2]
    for run in (place[:7], place[15:]):
        np.testing.assert_allclose(run, np.broadcast_to(run.mean(0), run.shape), atol=1e-5)


def test_a_swing_fades_from_one_stance_to_the_next():
    centres, heights, stands = steps()
    along = np.asarray(feet.offset(centres, heights))[:, 0]
    swing = np.flatnonzero(~stands)
    ends = along[swing[0] - 1], along[swing[-1] + 1]
    assert min(ends) - 1e-6 <= along[swing].min()
    assert along[swing].max() <= max(ends) + 1e-6
    steps_ = np.diff(along[swing[0] - 1 : swing[-1] + 2])
    assert (np.sign(steps_) == np.sign(ends[1] - ends[0])).all()


@many
@given(st.integers(0, 9999), st.floats(0.001, 3))
def test_plans_stay_in_bounds_whatever_the_feet_do(seed, size):
    random = np.random.default_rng(seed)
    path, height = size * random.normal(size=(T, 2)).cumsum(0), size * random.normal(size=T)
    moved = np.asarray(feet.offset(*foot(path, height)))
    assert (np.linalg.norm(moved[:, :2], axis=-1) <= FARTHEST + 1e-5).all()
    assert (moved[:, 2] >= -DROP - 1e-6).all()
    assert (moved[:, 2] <= LIFT + 1e-6).all()


def ankles(motion):
    return np.asarray(skeleton.forward(motion)[0])[:, np.array([INDEX["left_ankle"], INDEX["right_ankle"]])]


@pytest.mark.parametrize("motion", [crouched(0.2), squat()], ids=["crouched", "squat"])
def test_feet_that_stand_still_stay(motion):
    """A straight leg is bent by its STRETCH: 0.05 % of 0.82 m."""
    result = planned(motion)
    np.testing.assert_allclose(ankles(result), ankles(motion), atol=5e-4)
    np.testing.assert_allclose(planned(crouched(0.2)).rotations, crouched(0.2).rotations, atol=1e-5)


def test_the_feet_of_a_sliding_figure_stand_and_its_body_slides_on():
    """It goes 12 cm at 10 cm/s with bent knees: each foot stays where it was on the mean."""
    motion = crouched(0.4)
    slide = jnp.asarray(slipping(0.1), jnp.float32)
    motion = motion._replace(root=motion.root.at[:, :2].add(slide))
    result = planned(motion)
    place = ankles(result)
    np.testing.assert_allclose(place, np.broadcast_to(ankles(motion).mean(0), place.shape), atol=1e-5)
    np.testing.assert_array_equal(result.root, motion.root)
    np.testing.assert_array_equal(result.rotations[:, 0], motion.rotations[:, 0])


def test_a_walk_that_scuffs_no_longer_does():
    motion = walk(lift=0.0)
    positions, world = skeleton.forward(planned(motion))
    before, after = (
        np.asarray(skeleton.sphere_heights(*forward, FOOT_SPHERES)).reshape(T, 2, -1).min(-1)
        for forward in (skeleton.forward(motion), (positions, world))
    )
    np.testing.assert_allclose(before, 0, atol=1e-3)
    highest = after.max(0)
    assert (highest >= CLEARANCE - 1e-3).all()
    assert (after > -1e-3).all()
