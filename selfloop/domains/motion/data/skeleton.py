"""The canonical skeleton: 15 joints, 36 degrees of freedom; metres; z up, x forward, y left.

At rest it stands with the arms hanging; every joint frame is then parallel to the world. The pelvis carries the
travel. Knees, elbows and toes are hinges about y, the other joints are balls, described where coordinates are needed
by three hinges in the order given here (the middle one is the one that moves least, away from its singularity).
Proportions are round anthropometric means, near to those of the sources that are retargeted to it.

Shapes: T frames, J = 15 joints, Q = 30 joint coordinates (36 with the root's six), C = 19 contact spheres.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.domains.motion.data import rotations


class Joint(NamedTuple):
    """One joint: its parent, its place in the parent's frame (m), its hinges in order, their limits (degrees)."""

    name: str
    parent: int
    offset: tuple[float, float, float]
    order: str
    limits: tuple[tuple[float, float], ...]


class Sphere(NamedTuple):
    """A contact sphere fixed to a joint's body: centre in its frame and radius (m)."""

    joint: int
    centre: tuple[float, float, float]
    radius: float


_CHEST = ((-45.0, 90.0), (-40.0, 40.0), (-60.0, 60.0))
_NECK = ((-60.0, 60.0), (-45.0, 45.0), (-80.0, 80.0))
# Wide: an arm that circles passes the singularity, and its three angles wind on.
_SHOULDER_L = ((-190.0, 210.0), (-225.0, 90.0), (-260.0, 260.0))
_SHOULDER_R = ((-210.0, 190.0), (-225.0, 90.0), (-260.0, 260.0))
_HIP_L = ((-150.0, 50.0), (-35.0, 70.0), (-65.0, 65.0))
_HIP_R = ((-150.0, 50.0), (-70.0, 35.0), (-65.0, 65.0))
_ANKLE = ((-55.0, 65.0), (-45.0, 45.0), (-55.0, 55.0))
_ELBOW = ((-155.0, 5.0),)
_KNEE = ((-5.0, 160.0),)
_TOE = ((-70.0, 45.0),)

SKELETON: tuple[Joint, ...] = (
    Joint("pelvis", -1, (0.0, 0.0, 0.0), "", ()),
    Joint("chest", 0, (0.0, 0.0, 0.15), "yxz", _CHEST),
    Joint("neck", 1, (0.0, 0.0, 0.29), "yxz", _NECK),
    Joint("left_shoulder", 1, (0.0, 0.16, 0.22), "xyz", _SHOULDER_L),
    Joint("left_elbow", 3, (0.0, 0.0, -0.27), "y", _ELBOW),
    Joint("right_shoulder", 1, (0.0, -0.16, 0.22), "xyz", _SHOULDER_R),
    Joint("right_elbow", 5, (0.0, 0.0, -0.27), "y", _ELBOW),
    Joint("left_hip", 0, (0.0, 0.085, 0.0), "yxz", _HIP_L),
    Joint("left_knee", 7, (0.0, 0.0, -0.41), "y", _KNEE),
    Joint("left_ankle", 8, (0.0, 0.0, -0.41), "yxz", _ANKLE),
    Joint("left_toe", 9, (0.13, 0.0, -0.06), "y", _TOE),
    Joint("right_hip", 0, (0.0, -0.085, 0.0), "yxz", _HIP_R),
    Joint("right_knee", 11, (0.0, 0.0, -0.41), "y", _KNEE),
    Joint("right_ankle", 12, (0.0, 0.0, -0.41), "yxz", _ANKLE),
    Joint("right_toe", 13, (0.13, 0.0, -0.06), "y", _TOE),
)

NAMES = tuple(joint.name for joint in SKELETON)
PARENTS = tuple(joint.parent for joint in SKELETON)
OFFSETS = np.array([joint.offset for joint in SKELETON], np.float32)
INDEX = {name: i for i, name in enumerate(NAMES)}
J = len(SKELETON)
BALLS = tuple(i for i, joint in enumerate(SKELETON) if len(joint.order) == 3)
HINGES = tuple(i for i, joint in enumerate(SKELETON) if len(joint.order) == 1)
LIMITS = np.radians(np.array([limit for joint in SKELETON for limit in joint.limits], np.float32))
Q = len(LIMITS)
LEG_HEIGHT = 0.905
"""Pelvis height of the standing rest pose (m): thigh, shin and the ankle's height over the sole."""

MIRROR = tuple(INDEX[name.replace("left", "#").replace("right", "left").replace("#", "right")] for name in NAMES)
"""The joint on the other side, for mirroring."""

TIPS = {
    "neck": (0.0, 0.0, 0.22),
    "left_elbow": (0.0, 0.0, -0.27),
    "right_elbow": (0.0, 0.0, -0.27),
    "left_toe": (0.07, 0.0, 0.0),
    "right_toe": (0.07, 0.0, 0.0),
}
"""Ends of the chains (crown, fingertips, toe tips) in their joint's frame, for drawing and export (m)."""


def _foot(ankle: int, toe: int) -> tuple[Sphere, ...]:
    return (
        Sphere(ankle, (-0.045, 0.025, -0.065), 0.02),
        Sphere(ankle, (-0.045, -0.025, -0.065), 0.02),
        Sphere(ankle, (0.13, 0.035, -0.065), 0.02),
        Sphere(ankle, (0.13, -0.035, -0.065), 0.02),
        Sphere(toe, (0.05, 0.0, -0.005), 0.02),
    )


FOOT_SPHERES = _foot(INDEX["left_ankle"], INDEX["left_toe"]) + _foot(INDEX["right_ankle"], INDEX["right_toe"])
BODY_SPHERES = (
    Sphere(INDEX["pelvis"], (0.0, 0.0, 0.0), 0.11),
    Sphere(INDEX["chest"], (0.0, 0.0, 0.14), 0.12),
    Sphere(INDEX["neck"], (0.0, 0.0, 0.12), 0.10),
    Sphere(INDEX["left_elbow"], (0.0, 0.0, 0.0), 0.04),
    Sphere(INDEX["left_elbow"], (0.0, 0.0, -0.25), 0.04),
    Sphere(INDEX["right_elbow"], (0.0, 0.0, 0.0), 0.04),
    Sphere(INDEX["right_elbow"], (0.0, 0.0, -0.25), 0.04),
    Sphere(INDEX["left_knee"], (0.0, 0.0, 0.0), 0.055),
    Sphere(INDEX["right_knee"], (0.0, 0.0, 0.0), 0.055),
)
SPHERES = FOOT_SPHERES + BODY_SPHERES
"""What may touch the floor: five spheres a foot first, then the body. Physics and the artefact measures share them."""


class Motion(NamedTuple):
    """A motion of the canonical skeleton, or a batch of them."""

    root: Array
    """Pelvis position [..., T, 3], m."""
    rotations: Array
    """Local rotations [..., T, J, 3, 3]; joint 0, the pelvis, relative to the world."""


def forward(motion: Motion) -> tuple[Array, Array]:
    """Forward kinematics: world positions [..., T, J, 3] (m) and world rotations [..., T, J, 3, 3] of all joints."""
    positions, world = [motion.root], [motion.rotations[..., 0, :, :]]
    for j in range(1, J):
        parent = PARENTS[j]
        positions.append(positions[parent] + world[parent] @ OFFSETS[j])
        world.append(world[parent] @ motion.rotations[..., j, :, :])
    return jnp.stack(positions, -2), jnp.stack(world, -3)


def sphere_centres(positions: Array, world: Array, spheres: tuple[Sphere, ...] = SPHERES) -> Array:
    """World centres [..., C, 3] (m) of contact spheres, from the result of `forward`."""
    joints = np.array([sphere.joint for sphere in spheres])
    centres = np.array([sphere.centre for sphere in spheres], np.float32)
    return positions[..., joints, :] + (world[..., joints, :, :] @ centres[..., None])[..., 0]


def sphere_heights(positions: Array, world: Array, spheres: tuple[Sphere, ...] = SPHERES) -> Array:
    """Height [..., C] (m) of each sphere's lowest point over the floor z = 0; negative is penetration."""
    return lowest_points(sphere_centres(positions, world, spheres), spheres)


def lowest_points(centres: Array, spheres: tuple[Sphere, ...] = SPHERES) -> Array:
    """The same [..., C] (m) of spheres whose centres [..., C, 3] (m) are known."""
    radii = np.array([sphere.radius for sphere in spheres], np.float32)
    return centres[..., 2] - jnp.broadcast_to(radii, centres.shape[:-1])


def coordinates(rotation: Array) -> Array:
    """Joint coordinates [T, Q] (rad) of local rotations [T, J, 3, 3], continuous in time.

    A ball joint's three angles have two solutions modulo full turns; each frame takes the one nearest to the frame
    before, so that a motion may pass the singularity. A hinge takes the turn about its own axis.
    """
    columns = []
    for j, joint in enumerate(SKELETON):
        if len(joint.order) == 3:
            columns.append(_continuous(*rotations.euler(rotation[:, j], joint.order)))
        elif len(joint.order) == 1:
            turn = jnp.arctan2(rotation[:, j, 0, 2] - rotation[:, j, 2, 0], rotation[:, j, 0, 0] + rotation[:, j, 2, 2])
            columns.append(turn[:, None])
    return jnp.concatenate(columns, -1)


def _continuous(first: Array, second: Array) -> Array:
    """Of two angle triples a frame [T, 3], and their full turns, the path that moves least from frame to frame."""
    turn = jnp.asarray(2 * jnp.pi, first.dtype)

    def step(previous: Array, candidates: Array) -> tuple[Array, Array]:
        near = candidates - turn * jnp.round((candidates - previous[None]) / turn)
        cost = jnp.sum((near - previous[None]) ** 2, -1)
        angles = jnp.where(cost[0] <= cost[1], near[0], near[1])
        return angles, angles

    return jax.lax.scan(step, jnp.zeros_like(first[0]), jnp.stack([first, second], 1))[1]


def from_coordinates(angles: Array) -> Array:
    """Local rotations [..., J - 1, 3, 3] of all joints but the pelvis from joint coordinates [..., Q] (rad)."""
    result, at = [], 0
    for joint in SKELETON[1:]:
        width = len(joint.order)
        if width == 3:
            result.append(rotations.from_euler(angles[..., at : at + 3], joint.order))
        else:
            result.append(rotations.about_axis(joint.order, angles[..., at]))
        at += width
    return jnp.stack(result, -3)
