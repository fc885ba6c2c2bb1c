import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfloop.domains.motion.data import rotations, skeleton
from selfloop.domains.motion.data.skeleton import INDEX, LIMITS, Motion
from selfloop.domains.motion.physics.leg_ik import CROUCH, STRETCH, least_turn, reach
from tests.domains.motion.physics.motions import NAMES, THIGH, posed

pytestmark = pytest.mark.usefixtures("hurried")
T = 8
LEG = 2 * THIGH
SIDES = ("left", "right")
moved = jax.jit(reach, static_argnames="side")
many = settings(deadline=None, max_examples=25)


def poses(seed):
    """Any poses within the limits, knees bent by 0.2 rad or more, the pelvis turned anyhow."""
    random = np.random.default_rng(seed)
    angles = random.uniform(*LIMITS.T, (T, len(LIMITS)))
    knees = [NAMES.index(f"{side}_knee_y") for side in SIDES]
    angles[:, knees] = random.uniform(0.2, 2.4, (T, 2))
    turn = random.normal(size=(T, 4))
    turn = turn / np.linalg.norm(turn, axis=-1, keepdims=True)
    pelvis = rotations.from_quaternion(jnp.asarray(turn, jnp.float32))
    local = skeleton.from_coordinates(jnp.asarray(angles, jnp.float32))
    return Motion(jnp.asarray(random.normal(size=(T, 3)), jnp.float32), jnp.concatenate([pelvis[:, None], local], 1))


def directions(seed):
    """Unit vectors [T, 3] within 2.5 rad of a leg's own: to the opposite one there is no least turn."""
    random = np.random.default_rng(seed)
    way = random.normal(size=(T, 3))
    return way / np.linalg.norm(way, axis=-1, keepdims=True)


def parts(motion, side):
    """Places of hip and ankle [T, 3], the foot's turn in the world [T, 3, 3]."""
    positions, world = (np.asarray(part) for part in skeleton.forward(motion))
    hip, ankle = INDEX[f"{side}_hip"], INDEX[f"{side}_ankle"]
    return positions[:, hip], positions[:, ankle], world[:, ankle]


def goals(motion, side, seed, distance):
    """Places at ``distance`` [T] from the hip, at angles of up to 2 rad from where the ankle is."""
    hip, ankle, _ = parts(motion, side)
    way = (ankle - hip) / np.linalg.norm(ankle - hip, axis=-1, keepdims=True)
    across = np.cross(way, directions(seed))
    across = across / np.linalg.norm(across, axis=-1, keepdims=True)
    angle = np.random.default_rng(seed + 1).uniform(-2, 2, (T, 1))
    return (hip + distance[:, None] * (np.cos(angle) * way + np.sin(angle) * across)).astype(np.float32)


@many
@given(st.integers(0, 9999), st.sampled_from(SIDES))
def test_the_ankle_gets_where_it_can_and_nothing_else_moves(seed, side):
    motion = poses(seed)
    distance = np.random.default_rng(seed).uniform(CROUCH, STRETCH * LEG, T)
    goal = goals(motion, side, seed, distance)
    result = moved(motion, side, jnp.asarray(goal))
    _, _, foot = parts(motion, side)
    _, ankle, turn = parts(result, side)
    np.testing.assert_allclose(ankle, goal, atol=1e-5)
    np.testing.assert_allclose(turn, foot, atol=1e-5)
    leg = [INDEX[f"{side}_{name}"] for name in ("hip", "knee", "ankle")]
    others = [joint for joint in range(skeleton.J) if joint not in leg]
    np.testing.assert_array_equal(result.root, motion.root)
    np.testing.assert_array_equal(result.rotations[:, np.array(others)], motion.rotations[:, np.array(others)])


@many
@given(st.integers(0, 9999), st.sampled_from(SIDES))
def test_results_are_rotations_and_knees_bend_about_their_hinge(seed, side):
    motion = poses(seed)
    goal = goals(motion, side, seed, np.random.default_rng(seed).uniform(0.0, 1.2, T))
    turns = np.asarray(moved(motion, side, jnp.asarray(goal)).rotations)
    np.testing.assert_allclose(turns @ turns.swapaxes(-1, -2), np.broadcast_to(np.eye(3), turns.shape), atol=2e-5)
    knee = turns[:, INDEX[f"{side}_knee"]]
    np.testing.assert_allclose(knee[:, 1], np.broadcast_to([0, 1, 0], (T, 3)), atol=1e-6)
    assert (knee[:, 0, 2] >= 0).all()  # it bends backwards


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("distance", "got"), [(0.1, CROUCH), (1.0, STRETCH * LEG), (3.0, STRETCH * LEG)])
def test_out_of_reach_is_the_nearest_place_on_the_line(side, distance, got):
    motion = poses(3)
    goal = goals(motion, side, 3, np.full(T, distance))
    hip, ankle, _ = parts(moved(motion, side, jnp.asarray(goal)), side)
    np.testing.assert_allclose(ankle, hip + got / distance * (goal - hip), atol=1e-5)


@many
@given(st.integers(0, 9999), st.sampled_from(SIDES))
def test_where_it_is_is_where_it_stays(seed, side):
    """The knee's angle comes from its cosine, which loses 1 / sin(0.2) = 5 times the rounding."""
    motion = poses(seed)
    _, ankle, _ = parts(motion, side)
    result = moved(motion, side, jnp.asarray(ankle))
    np.testing.assert_allclose(result.rotations, motion.rotations, atol=2e-5)


def test_a_straight_leg_gives_way_by_the_stretch_alone():
    motion = posed([0, 0, 0.905], T)
    _, before, _ = parts(motion, "left")
    hip, ankle, _ = parts(moved(motion, "left", jnp.asarray(before)), "left")
    np.testing.assert_allclose(hip[:, 2] - ankle[:, 2], STRETCH * LEG, atol=1e-6)


@many
@given(st.integers(0, 9999))
def test_the_least_turn_is_about_the_common_normal(seed):
    source, way = directions(seed), directions(seed + 1)
    cosine = np.sum(source * way, -1)
    target = np.where(cosine[:, None] < -0.9, source, way)
    cosine = np.sum(source * target, -1)
    turn = np.asarray(least_turn(jnp.asarray(2 * source, jnp.float32), jnp.asarray(0.3 * target, jnp.float32)))
    np.testing.assert_allclose((turn @ source[..., None])[..., 0], target, atol=1e-5)
    # A rotation's trace is 1 + 2 cos(angle), and its axis stays.
    np.testing.assert_allclose(np.trace(turn, axis1=-2, axis2=-1), 1 + 2 * cosine, atol=1e-5)
    normal = np.cross(source, target)
    np.testing.assert_allclose((turn @ normal[..., None])[..., 0], normal, atol=1e-5)
