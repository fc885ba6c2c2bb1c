"""World of a BVH file: which axis points up, what one unit is, and whether its rest pose stands.

A figure in BVH can lie along any axis, in any unit, over any rest pose. All three are found from the bones: OFFSETs
that make a symmetric figure standing straight say which way is up, and so does a figure that moves upright; where these
two differ (OFFSETs with y up in a world with z up; a crawl), the axis wins over which the lowest joint stays level.
Shapes: T frames, J joints of the file.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from selfloop.domains.motion.data import quaternion
from selfloop.domains.motion.data.joint_names import UPS
from selfloop.errors import DataError

Points = Mapping[str, np.ndarray]
"""Places [..., 3] of the joints of a figure by `joint_names.ROLES`, and ``hips``, the middle between them, ``waist``
and ``chest``, where pelvis and chest begin."""

UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "inch": 0.0254, "dm": 0.1, "CMU's (5.644 cm)": 0.0564444, "foot": 0.3048}
HUMAN_LEG = 0.83
"""Hip to ankle of an adult (m)."""
UPRIGHT = 0.8
"""Mean cosine between body and axis over which a motion says which way is up."""

LEANING = 0.3
"""The same, over which an axis may be up at all where the rest pose says another one."""


class Rest(NamedTuple):
    """A rest pose that stands: its directions in the file's axes."""

    forward: np.ndarray
    left: np.ndarray
    up: np.ndarray


def vector(axis: str) -> np.ndarray:
    """The unit vector of one of `joint_names.UPS`."""
    return np.eye(3)["xyz".index(axis[-1])] * (-1.0 if axis[0] == "-" else 1.0)


def nearest(direction: np.ndarray) -> str:
    """The signed axis nearest to a direction."""
    return max(UPS, key=lambda axis: float(vector(axis) @ direction))


def leg(points: Points) -> float:
    """Hip to ankle along thigh and shin, mean over frames and sides, in the file's unit."""
    bones = [
        (f"{side}_{a}", f"{side}_{b}") for side in ("left", "right") for a, b in (("hip", "knee"), ("knee", "ankle"))
    ]
    return float(np.sum([np.linalg.norm(points[a] - points[b], axis=-1).mean() for a, b in bones]) / 2)


def unit(length: float) -> str:
    """The unit in which a leg of this ``length`` is an adult's within a factor of 1.5; else one unit in metres."""
    name = min(UNITS, key=lambda name: abs(np.log(length * UNITS[name] / HUMAN_LEG)))
    near = abs(np.log(length * UNITS[name] / HUMAN_LEG)) < np.log(1.5)
    return name if near else f"1 unit = {HUMAN_LEG / length:.3g} m"


def standing(points: Points) -> Rest | None:
    """The directions of a rest pose [3] a joint, if it is a symmetric figure that stands with straight legs."""
    left = _unit(points["left_hip"] - points["right_hip"])
    ankles = (points["left_ankle"] + points["right_ankle"]) / 2
    top = (points["left_shoulder"] + points["right_shoulder"]) / 2
    up = top - ankles
    up = _unit(up - (up @ left) * left)
    axis = vector(nearest(up))
    if axis @ up > np.cos(np.radians(12)):
        up = axis
    size, middle = leg(points), points["hips"]
    straight = [_unit(points[f"{side}_{a}"] - points[f"{side}_{b}"]) @ up for side in ("left", "right")
                for a, b in (("hip", "knee"), ("knee", "ankle"))]  # fmt: skip
    trunk = _unit(top - middle) @ up
    if min(straight) < np.cos(np.radians(35)) or trunk < np.cos(np.radians(15)) or abs(left @ up) > 0.17:
        return None
    for part in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist"):
        a, b = points[f"left_{part}"] - middle, points[f"right_{part}"] - middle
        if np.linalg.norm(a - (b - 2 * (b @ left) * left)) > 0.05 * size:
            return None
    return Rest(np.cross(left, up), left, up)


def up(points: Points, rest: Rest | None, lowest: np.ndarray, where: str) -> str:
    """The axis that points up, one of `joint_names.UPS`.

    Args:
        points: of the motion, [T, 3] each, in the file's axes and unit.
        rest: the rest pose, if it stands.
        lowest: places of all joints [T, J, 3].
        where: the file, for messages.

    Raises:
        DataError: where neither rest pose nor motion says it.
    """
    body = points["left_shoulder"] + points["right_shoulder"] - points["left_ankle"] - points["right_ankle"]
    along = {axis: float((_unit(body) @ vector(axis)).mean()) for axis in UPS}
    moved, stood = max(UPS, key=along.__getitem__), None if rest is None else nearest(rest.up)
    if stood is None and along[moved] < UPRIGHT:
        raise DataError(
            f"{where}: no axis points up: the rest pose does not stand, and the body is along {moved} with a mean "
            f'cosine of {along[moved]:.2f} only ({UPRIGHT} is needed); say up = "y" (or another) in --skeleton map.toml'
        )
    if stood is None or stood == moved:
        return moved
    size = leg(points)
    some = [stood, moved, *(axis for axis in UPS if along[axis] > LEANING)]
    return min(some, key=lambda axis: _unsteady(lowest @ vector(axis), size))


def _unsteady(heights: np.ndarray, size: float) -> float:
    """How much the height of the lowest joint [T, J] changes and how far it lies from nought, in legs."""
    low = heights.min(1) / size
    return float(np.ptp(np.percentile(low, [5, 95])) + min(abs(np.percentile(low, 5)), 1.0))


def turn(axis: str) -> np.ndarray:
    """A rotation matrix that leads this axis to z; of y it leads z to x as well, as `retarget.AXES`."""
    up = vector(axis)
    forward = np.roll(up, 1) if axis[0] != "-" else np.roll(-up, 1)
    return np.stack([forward, np.cross(up, forward), up])


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-12)


def matrix(rest: Rest) -> np.ndarray:
    """The rotation [4] that leads the canonical axes to those of a rest pose."""
    return quaternion.from_matrix(np.stack([rest.forward, rest.left, rest.up], -1))
