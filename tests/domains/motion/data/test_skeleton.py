import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from selfloop.domains.motion.data import rotations, skeleton
from selfloop.domains.motion.data.clip import to_motion

coordinates, from_coordinates, forward = map(
    jax.jit, (skeleton.coordinates, skeleton.from_coordinates, skeleton.forward)
)


def test_parents_come_before_children_and_every_chain_has_a_tip():
    assert all(parent < joint for joint, parent in enumerate(skeleton.PARENTS))
    leaves = set(range(skeleton.J)) - set(skeleton.PARENTS)
    assert {skeleton.NAMES[leaf] for leaf in leaves} == set(skeleton.TIPS)


def test_the_skeleton_is_symmetric():
    mirror = np.array(skeleton.MIRROR)
    np.testing.assert_array_equal(mirror[mirror], np.arange(skeleton.J))
    np.testing.assert_array_equal(skeleton.OFFSETS[mirror] * np.array([1, -1, 1]), skeleton.OFFSETS)
    parents = np.array(skeleton.PARENTS)
    np.testing.assert_array_equal(parents[mirror][1:], mirror[parents[1:]])


def test_at_rest_the_soles_touch_the_floor():
    rest = skeleton.Motion(
        jnp.array([[0, 0, skeleton.LEG_HEIGHT]], jnp.float32), jnp.tile(jnp.eye(3), (1, skeleton.J, 1, 1))
    )
    heights = np.asarray(skeleton.sphere_heights(*forward(rest)))[0]
    np.testing.assert_allclose(heights[: len(skeleton.FOOT_SPHERES)], 0, atol=1e-6)
    assert (heights[len(skeleton.FOOT_SPHERES) :] > 0.3).all()


def test_forward_kinematics_against_a_walk_up_every_chain(wander):
    clip = wander(0)
    positions, world = forward(to_motion(clip))
    for joint in range(skeleton.J):
        place, turn, at = np.zeros(3), Rotation.identity(), joint
        while at >= 0:
            local = Rotation.from_quat(clip.rotations[7, at], scalar_first=True)
            offset = clip.root[7] if at == 0 else np.array(skeleton.SKELETON[at].offset)
            place, turn = offset + local.apply(place), local * turn
            at = skeleton.PARENTS[at]
        np.testing.assert_allclose(positions[7, joint], place, atol=2e-6)
        np.testing.assert_allclose(world[7, joint], turn.as_matrix(), atol=2e-6)


def test_sphere_heights_one_by_one(wander):
    positions, world = forward(to_motion(wander(1, frames=4)))
    heights = np.asarray(skeleton.sphere_heights(positions, world))
    for i, sphere in enumerate(skeleton.SPHERES):
        centre = positions[:, sphere.joint] + world[:, sphere.joint] @ np.array(sphere.centre, np.float32)
        np.testing.assert_allclose(heights[:, i], centre[:, 2] - sphere.radius, atol=1e-6)


def test_coordinates_return_the_angles_within_limits(wander):
    local = to_motion(wander(2)).rotations
    angles = coordinates(local)
    np.testing.assert_allclose(from_coordinates(angles), local[:, 1:], atol=2e-3)
    # The clip was made within half of each joint's range, where one triple of angles is the nearest to rest.
    inside = (angles > skeleton.LIMITS[None, :, 0]) & (angles < skeleton.LIMITS[None, :, 1])
    assert float(jnp.mean(inside.astype(jnp.float32))) > 0.9


@pytest.mark.parametrize("seed", range(3))
def test_coordinates_are_continuous_through_full_turns(seed):
    # The middle angle stays 0.3 rad away from its singularity; the outer ones turn on and on.
    step = 0.15 * jax.random.normal(jax.random.key(seed), (300, skeleton.Q))
    angles = np.array(jnp.cumsum(step, 0))
    middle, at = [], 0
    for joint in skeleton.SKELETON[1:]:
        middle += [at + 1] if len(joint.order) == 3 else []
        at += len(joint.order)
    angles[:, middle] = 1.2 * np.sin(angles[:, middle])
    hinges = [i for i in range(skeleton.Q) if i not in {m + k for m in middle for k in (-1, 0, 1)}]
    angles[:, hinges] = np.sin(angles[:, hinges])
    angles -= angles[:1]
    pelvis = jnp.tile(jnp.eye(3), (300, 1, 1, 1))
    local = jnp.concatenate([pelvis, from_coordinates(jnp.asarray(angles))], 1)
    np.testing.assert_allclose(coordinates(local), angles, atol=5e-3)


def test_coordinates_stay_near_when_the_path_crosses_the_singularity():
    # A shoulder of order xyz led straight through y = 90 degrees; the smooth way on is y = 91, 92, ...
    order = skeleton.SKELETON[skeleton.INDEX["left_shoulder"]].order
    path = jnp.zeros((90, 3)).at[:, 1].set(jnp.radians(jnp.linspace(45.25, 134.25, 90)))
    local = jnp.tile(jnp.eye(3), (90, skeleton.J, 1, 1))
    local = local.at[:, skeleton.INDEX["left_shoulder"]].set(rotations.from_euler(path, order))
    steps = np.abs(np.diff(np.asarray(coordinates(local)), axis=0))
    assert steps.max() < np.radians(3)
