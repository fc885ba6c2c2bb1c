"""Rotations of the canonical figure's joints from where bones point, and its hinges.

Shapes: T frames, J = 15 canonical joints; directions [T, 3] and rotations [T, 4] (wxyz) in the canonical world.
"""

import numpy as np

from selfloop.domains.motion.data import quaternion
from selfloop.domains.motion.data.skeleton import INDEX, OFFSETS, PARENTS

AXES = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
"""The turn that leads a world with y up, z forward, x left to the canonical one."""

LEG = float(-(OFFSETS[INDEX["left_knee"]] + OFFSETS[INDEX["left_ankle"]])[2])
"""Hip to ankle of the canonical skeleton (m)."""

FORWARD, LEFT, UP = np.eye(3)
SOFTNESS = 0.05
"""Bend (as a sine) under which a limb counts as straight: its plane then follows what carries it."""


def unit(v: np.ndarray) -> np.ndarray:
    """Vectors scaled to length one; nought stays nought."""
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)


def frame(up: np.ndarray, left: np.ndarray, slope: float = 0.0) -> np.ndarray:
    """World rotation [T, 4] whose z axis is ``up`` and y axis nearest to ``left``, less the slope of ``up`` at rest."""
    z = unit(up)
    y = unit(left - np.sum(left * z, -1, keepdims=True) * z)
    seen = quaternion.from_matrix(np.stack([np.cross(y, z), y, z], -1))
    return quaternion.multiply(seen, quaternion.about_axis("y", np.array(-np.radians(slope))))


def between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The smallest turn [T, 4] that leads unit vectors ``a`` to ``b`` [T, 3]."""
    q = np.concatenate([1 + np.sum(a * b, -1, keepdims=True), np.cross(a, b)], -1)
    opposite = np.linalg.norm(q, axis=-1, keepdims=True) < 1e-6
    return quaternion.unit(np.where(opposite, np.array([0.0, 0.0, 1.0, 0.0]), q))


def carried(upper: np.ndarray, parent: np.ndarray) -> np.ndarray:
    """Forward [T, 3] of a limb that hangs from ``parent`` and is swung to the direction ``upper`` the shortest way."""
    down, direction = -quaternion.rotate(parent, UP), unit(upper)
    return quaternion.rotate(between(down, direction), quaternion.rotate(parent, FORWARD))


def bend(upper: np.ndarray, lower: np.ndarray, forward: np.ndarray, sign: int) -> tuple[np.ndarray, np.ndarray]:
    """World rotations of a limb's two bones: ``sign`` 1 where it bends forward (elbow), -1 backward (knee).

    The plane of the bend decides the upper bone's turn about itself; where the limb is straight it is ``forward``.
    """
    upper, lower = unit(upper), unit(lower)
    bent = lower - np.sum(lower * upper, -1, keepdims=True) * upper
    left = np.cross(-upper, sign * bent + SOFTNESS * forward)
    return frame(-upper, left), frame(-lower, left)


def mean_rotation(turns: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The rotation [4] nearest to the rotations [T, 4]: the first axis of their weighted second moment.

    Source: Markley et al., Averaging quaternions, J. Guidance, Control and Dynamics 30(4), 2007.
    """
    return np.linalg.eigh(np.einsum("t,ti,tj->ij", weight, turns, turns))[1][:, -1]


def local(world: np.ndarray) -> np.ndarray:
    """Local rotations [T, J, 4] of world rotations [T, J, 4], with knees, elbows and toes made hinges about y.

    A knee or toe keeps its turn about y. An elbow keeps the direction of the forearm: what does not fit the hinge
    becomes a twist of the upper arm, except where the arm is so straight that the twist would be arbitrary.
    """
    parents = np.array(PARENTS)
    turns = world.copy()
    turns[:, 1:] = quaternion.multiply(quaternion.conjugate(world[:, parents[1:]]), world[:, 1:])
    for side in ("left", "right"):
        for hinge in ("knee", "toe"):
            j = INDEX[f"{side}_{hinge}"]
            turns[:, j] = quaternion.about_axis("y", quaternion.hinge_angle(turns[:, j], "y"))
        shoulder, elbow = INDEX[f"{side}_shoulder"], INDEX[f"{side}_elbow"]
        twist, fold = _elbow(quaternion.rotate(turns[:, elbow], -UP))
        turns[:, shoulder] = quaternion.multiply(turns[:, shoulder], twist)
        turns[:, elbow] = fold
    return turns


def _elbow(forearm: np.ndarray, softness: float = SOFTNESS) -> tuple[np.ndarray, np.ndarray]:
    """Twist of the upper arm and hinge rotation [T, 4] that lead the forearm to a direction [T, 3] in the upper arm.

    The twist would be atan2(y, x); the softness makes it fade to nought where x and y vanish, and bounds the
    direction's error by itself (0.05 rad).
    """
    twist = quaternion.about_axis("z", np.arctan2(forearm[:, 1], forearm[:, 0] + softness))
    seen = quaternion.rotate(quaternion.conjugate(twist), forearm)
    return twist, quaternion.about_axis("y", np.arctan2(-seen[:, 0], -seen[:, 2]))
