"""From a source's joints to the canonical skeleton.

Orientations are copied, not positions: every canonical joint gets the world rotation of its source joint,
``R = S R_source M^-1``, where S turns the source's world into the canonical one (z up) and M, one constant a joint,
says where the source's local axes point when the figure stands at rest.

What is lost: the canonical figure has one trunk joint, no collar bones and no wrists, and its own proportions. The
pelvis travels as the source's hips, scaled with the legs; limb bones keep their directions in space (within 0.1 degree
over the 256-clip subset of Bandai-Namco), whereas joints lie elsewhere: against the scaled source 19 to 22 mm at hips,
knees and ankles, 51 mm at the toe joints (longer feet), 77 to 92 mm at shoulders and elbows (wider shoulders, collar
bones that do not rise), 47 mm in the mean. The lowest point of a standing figure stays within 2 mm of the floor; in
walking it lies 10 mm over it in the median frame, since the soles differ and the floor is one height a clip.
"""

import numpy as np

from selfloop.domains.motion.data import quaternion
from selfloop.domains.motion.data.clip import Clip
from selfloop.domains.motion.data.formats.bvh import Bvh, forward
from selfloop.domains.motion.data.skeleton import INDEX, NAMES, OFFSETS, PARENTS, J
from selfloop.errors import DataError

AXES = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
"""S of a world with y up, z forward, x left."""

LEG = float(-(OFFSETS[INDEX["left_knee"]] + OFFSETS[INDEX["left_ankle"]])[2])
"""Hip to ankle of the canonical skeleton (m)."""

_UP, _DOWN, _FORWARD, _BACK, _LEFT, _RIGHT = (
    np.array(axis, float) for axis in ((0, 0, 1), (0, 0, -1), (1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0))
)


def _pitched(axis: np.ndarray, degrees: float) -> np.ndarray:
    """An axis tipped forward and down about y."""
    return quaternion.rotate(quaternion.about_axis("y", np.radians(degrees)), axis)


# Medians over 17,657 stance frames of 86 clips; the head's over the style `normal`.
_FOOT, _TOES = _pitched(_FORWARD, 39.6), _pitched(_FORWARD, 22.5)
_CROWN, _NOSE = _pitched(_UP, 8.0), _pitched(_FORWARD, 8.0)

BANDAI = {
    "pelvis": ("Hips", _UP, _RIGHT),
    "chest": ("Chest", _UP, _FORWARD),
    "neck": ("Head", _CROWN, _NOSE),
    "left_shoulder": ("UpperArm_L", _DOWN, _LEFT),
    "left_elbow": ("LowerArm_L", _DOWN, _LEFT),
    "right_shoulder": ("UpperArm_R", _UP, _LEFT),
    "right_elbow": ("LowerArm_R", _UP, _LEFT),
    "left_hip": ("UpperLeg_L", _DOWN, _LEFT),
    "left_knee": ("LowerLeg_L", _DOWN, _LEFT),
    "left_ankle": ("Foot_L", _FOOT, _LEFT),
    "left_toe": ("Toes_L", _TOES, _LEFT),
    "right_hip": ("UpperLeg_R", _UP, _LEFT),
    "right_knee": ("LowerLeg_R", _UP, _LEFT),
    "right_ankle": ("Foot_R", -_FOOT, _LEFT),
    "right_toe": ("Toes_R", -_TOES, _LEFT),
}
"""Per canonical joint: the joint of Bandai-Namco's skeleton, and where its local x and y axes point at rest."""


def from_bvh(bvh: Bvh, name: str, label: str = "") -> Clip:
    """The clip of a BVH file whose skeleton is known: Bandai-Namco's, or the canonical one as `bvh.write` exports it.

    Raises:
        DataError: if the skeleton is another one.
    """
    if set(NAMES) == set(bvh.names):
        return _own(bvh, name, label)
    missing = sorted({source for source, _, _ in BANDAI.values()} - set(bvh.names))
    if missing:
        raise DataError(f"{name}: has no joint {missing[0]!r}; known skeletons are Bandai-Namco's and selfloop's own")
    return _bandai(bvh, name, label)


def _own(bvh: Bvh, name: str, label: str) -> Clip:
    order = np.array([bvh.names.index(joint) for joint in NAMES])
    root = bvh.translations[:, order[0]][:, [2, 0, 1]] / 100
    return Clip(name, bvh.fps, root, bvh.rotations[:, order][..., [0, 3, 1, 2]], label, source="selfloop")


def _bandai(bvh: Bvh, name: str, label: str) -> Clip:
    place, turn = forward(bvh)
    index = {joint: i for i, joint in enumerate(bvh.names)}
    world = np.empty((len(place), J, 4))
    turn_axes = quaternion.from_matrix(AXES)
    for joint, (source, x, y) in BANDAI.items():
        rest = quaternion.from_matrix(np.stack([x, y, np.cross(x, y)], -1))
        copied = quaternion.multiply(turn[:, index[source]], quaternion.conjugate(rest))
        world[:, INDEX[joint]] = quaternion.multiply(turn_axes, copied)
    hips = (place[:, index["UpperLeg_L"]] + place[:, index["UpperLeg_R"]]) / 2
    legs = [
        place[:, index[a]] - place[:, index[b]] for a, b in (("UpperLeg_L", "LowerLeg_L"), ("LowerLeg_L", "Foot_L"))
    ]
    scale = LEG / float(np.sum([np.linalg.norm(leg, axis=-1).mean() for leg in legs]))
    return Clip(name, bvh.fps, hips @ AXES.T * scale, local(world), label, source="bandai-namco")


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
        twist, bend = _elbow(quaternion.rotate(turns[:, elbow], _DOWN))
        turns[:, shoulder] = quaternion.multiply(turns[:, shoulder], twist)
        turns[:, elbow] = bend
    return turns


def _elbow(forearm: np.ndarray, softness: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Twist of the upper arm and hinge rotation [T, 4] that lead the forearm to a direction [T, 3] in the upper arm.

    The twist would be atan2(y, x); the softness makes it fade to nought where x and y vanish, and bounds the
    direction's error by itself (0.05 rad).
    """
    twist = quaternion.about_axis("z", np.arctan2(forearm[:, 1], forearm[:, 0] + softness))
    seen = quaternion.rotate(quaternion.conjugate(twist), forearm)
    return twist, quaternion.about_axis("y", np.arctan2(-seen[:, 0], -seen[:, 2]))
