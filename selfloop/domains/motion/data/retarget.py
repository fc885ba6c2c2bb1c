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

from selfloop.domains.motion.data import figure, joint_names, quaternion, world
from selfloop.domains.motion.data.bones import AXES, LEG, local
from selfloop.domains.motion.data.clip import Clip
from selfloop.domains.motion.data.figure import Understood
from selfloop.domains.motion.data.formats.bvh import Bvh, at_rest, forward
from selfloop.domains.motion.data.skeleton import INDEX, NAMES, OFFSETS, PARENTS, J

_UP, _DOWN, _FORWARD, _BACK, _LEFT, _RIGHT = (
    np.array(axis, float) for axis in ((0, 0, 1), (0, 0, -1), (1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0))
)


def _still() -> np.ndarray:
    """Places [J, 3] of the canonical joints at rest."""
    places = np.zeros((J, 3))
    for j, parent in enumerate(PARENTS):
        places[j] = 0 if parent < 0 else places[parent] + OFFSETS[j]
    return places


_CANONICAL = _still()


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

_X, _Y = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
_BANDAI_BONES = (
    ("Hips", "Spine", _X), ("Chest", "Neck", _X),
    ("UpperArm_L", "LowerArm_L", _X), ("UpperArm_R", "LowerArm_R", -_X),
    ("LowerArm_L", "Hand_L", _X), ("LowerArm_R", "Hand_R", -_X),
    ("UpperLeg_L", "LowerLeg_L", _X), ("UpperLeg_R", "LowerLeg_R", -_X),
    ("LowerLeg_L", "Foot_L", _X), ("LowerLeg_R", "Foot_R", -_X),
    ("Foot_L", "Toes_L", _X), ("Foot_R", "Toes_R", -_X),
)  # fmt: skip
"""Bones of Bandai-Namco's skeleton: joint, child, and the local axis along which the child lies."""


def from_bvh(bvh: Bvh, name: str, label: str = "", given: joint_names.Map | None = None) -> Clip:
    """The clip of a BVH file of one person; see `understood`."""
    return understood(bvh, name, label, given)[0]


def understood(bvh: Bvh, name: str, label: str = "", given: joint_names.Map | None = None) -> tuple[Clip, Understood]:
    """The clip of a BVH file of one person, and what was found out about the file.

    Bandai-Namco's own skeleton and the canonical one, in any axes and unit, are copied joint by joint; any other
    whose joints can be named goes by the directions of its bones (`figure`).

    Raises:
        DataError: if a joint is not found, or the world cannot be made out.
    """
    if given is None:
        bare = tuple(name.rsplit(":", 1)[-1] for name in bvh.names)
        if set(NAMES) == set(bare) and (own := _own(bvh, bare, name, label)) is not None:
            return own
        if {source for source, _, _ in BANDAI.values()} <= set(bvh.names) and _as_bandai(bvh):
            clip = _bandai(bvh, name, label)
            return clip, Understood("bandai-namco", "y", "cm", "known")
    return figure.clip(bvh, joint_names.find(bvh.names, name, given), name, label)


def _own(bvh: Bvh, bare: tuple[str, ...], name: str, label: str) -> tuple[Clip, Understood] | None:
    """A canonical figure whose OFFSETs are the canonical ones, turned and scaled; None where they are others."""
    order = np.array([bare.index(joint) for joint in NAMES])
    still, ours = at_rest(bvh)[order], _CANONICAL
    u, size, v = np.linalg.svd((still - still[0]).T @ ours)
    turn = (u @ np.diag([1.0, 1.0, np.linalg.det(u @ v)]) @ v).T
    scale = size @ [1.0, 1.0, np.linalg.det(u @ v)] / np.sum(ours**2)
    if scale <= 0 or np.abs((still - still[0]) @ turn.T / scale - ours).max() > 0.01:
        return None
    whole, per = np.round(turn), next((s for s in (1.0, 100.0, 1000.0) if abs(scale / s - 1) < 1e-3), scale)
    turn = whole if np.abs(turn - whole).max() < 1e-3 else turn
    lead = quaternion.from_matrix(turn)
    turns = quaternion.multiply(quaternion.multiply(lead, bvh.rotations[:, order]), quaternion.conjugate(lead))
    clip = Clip(name, bvh.fps, bvh.translations[:, order[0]] @ turn.T / per, turns, label, source="selfloop")
    return clip, Understood("selfloop", world.nearest(turn[2]), world.unit(LEG * per), "rest pose")


def _as_bandai(bvh: Bvh) -> bool:
    """Whether bones at rest lie along the local axes that `BANDAI` is about (within 5 degrees)."""
    index = {joint: i for i, joint in enumerate(bvh.names)}
    for source, child, axis in _BANDAI_BONES:
        j = next((k for k, parent in enumerate(bvh.parents) if parent == index[source] and bvh.names[k] == child), None)
        if j is None or bvh.offsets[j] @ axis < np.cos(np.radians(5)) * np.linalg.norm(bvh.offsets[j]):
            return False
    return True


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
