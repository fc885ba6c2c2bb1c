"""HumanML3D's features (Guo et al., CVPR 2022): ``.npy``, [T, 263] numbers at 20 fps; y up, z forward, x left, metres.

| columns | what |
|---|---|
| 0 | yaw rate, half-angle a frame (rad) |
| 1-2 | root velocity in the facing frame, x and z (m a frame) |
| 3 | root height (m) |
| 4-66 | positions of 21 joints, the root's heading and place taken out (m) |
| 67-262 | rotations, velocities and foot contacts: not needed here |

The 22 joints are SMPL's. Positions leave the turn of a bone about itself open: hips and shoulders give it for the
trunk, the bend of knee and elbow for the limbs (a straight limb turns with its parent), and the head looks where the
chest does. Only that is lost, and the bones take canonical lengths.
"""

import io

import numpy as np

from selfloop.domains.motion.data import bones, quaternion
from selfloop.domains.motion.data.clip import Clip
from selfloop.domains.motion.data.skeleton import INDEX, J
from selfloop.errors import DataError

FPS, WIDTH, JOINTS = 20.0, 263, 22

_SPINE, _NECK, _HEAD = 3, 12, 15
_LEFT = {"hip": 1, "knee": 4, "ankle": 7, "toe": 10, "shoulder": 16, "elbow": 18, "wrist": 20}
_RIGHT = {"hip": 2, "knee": 5, "ankle": 8, "toe": 11, "shoulder": 17, "elbow": 19, "wrist": 21}
_SLOPES = {"pelvis": -8.0, "chest": 6.0, "neck": 40.0, "foot": 20.0}
"""How far (degrees) the bone that stands for a joint leans forward in a standing figure (the set's mean pose), and how
far the bone from ankle to toes slopes down in a flat foot."""


def read(content: bytes, name: str, label: str = "motion") -> Clip | None:
    """The clip of one file; None for the set's other arrays (statistics [263] and joint positions [T, 22, 3]).

    Raises:
        DataError: if the content is no array of numbers, or has another width, fewer than two frames, or numbers that
            are not finite.
    """
    try:
        features = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DataError(f"{name}: is not a complete .npy array ({error})") from None
    if features.shape == (WIDTH,) or (features.ndim == 3 and features.shape[1:] == (JOINTS, 3)):
        return None
    if features.ndim != 2 or features.shape[1] != WIDTH or not np.issubdtype(features.dtype, np.floating):
        raise DataError(f"{name}: an array {features.shape} of {features.dtype}; HumanML3D has [T, {WIDTH}] floats")
    if len(features) < 2:
        raise DataError(f"{name}: has {len(features)} frame(s); a motion has at least 2")
    if not np.isfinite(features).all():
        raise DataError(f"{name}: frame {int(np.argmin(np.isfinite(features).all(1)))} holds NaN or infinite numbers")
    return from_positions(joints(features) @ bones.AXES.T, name, label)


def joints(features: np.ndarray) -> np.ndarray:
    """Joint positions [T, 22, 3] (m, y up) of features [T, 263]."""
    x = features.astype(np.float64)
    # Rates lead from a frame to the next. The facing quaternion (cos a, 0, sin a, 0) leads world to facing frame.
    half = np.concatenate([[0.0], np.cumsum(x[:-1, 0])])
    out = quaternion.conjugate(quaternion.about_axis("y", 2 * half))
    step = np.concatenate([np.zeros((1, 3)), np.insert(x[:-1, 1:3], 1, 0, axis=1)])
    root = np.cumsum(quaternion.rotate(out, step), 0)
    local = quaternion.rotate(out[:, None], x[:, 4:67].reshape(len(x), JOINTS - 1, 3))
    others = local + root[:, None] * np.array([1, 0, 1])
    root[:, 1] = x[:, 3]
    return np.concatenate([root[:, None], others], 1)


def from_positions(place: np.ndarray, name: str, label: str, fps: float = FPS) -> Clip:
    """The clip whose bones point as those between SMPL's 22 joints [T, 22, 3] (m, z up) do."""
    world = np.empty((len(place), J, 4))
    hips = (place[:, _LEFT["hip"]] + place[:, _RIGHT["hip"]]) / 2
    across = place[:, _LEFT["hip"]] - place[:, _RIGHT["hip"]]
    shoulders = place[:, _LEFT["shoulder"]] - place[:, _RIGHT["shoulder"]]
    world[:, INDEX["pelvis"]] = bones.frame(place[:, _SPINE] - hips, across, _SLOPES["pelvis"])
    world[:, INDEX["chest"]] = bones.frame(place[:, _NECK] - place[:, _SPINE], shoulders, _SLOPES["chest"])
    world[:, INDEX["neck"]] = bones.frame(place[:, _HEAD] - place[:, _NECK], shoulders, _SLOPES["neck"])
    for side, at in (("left", _LEFT), ("right", _RIGHT)):
        arm, leg, foot = _limbs({joint: place[:, i] for joint, i in at.items()}, world)
        world[:, [INDEX[f"{side}_shoulder"], INDEX[f"{side}_elbow"]]] = np.stack(arm, 1)
        world[:, [INDEX[f"{side}_hip"], INDEX[f"{side}_knee"]]] = np.stack(leg, 1)
        world[:, [INDEX[f"{side}_ankle"], INDEX[f"{side}_toe"]]] = foot[:, None]
    legs = [place[:, a] - place[:, b] for a, b in ((1, 4), (4, 7), (2, 5), (5, 8))]
    scale = 2 * bones.LEG / np.sum([np.linalg.norm(bone, axis=-1).mean() for bone in legs])
    return Clip(name, fps, hips * scale, bones.local(world), label, source="humanml3d")


def _limbs(at: dict[str, np.ndarray], world: np.ndarray) -> tuple:
    """World rotations of (shoulder, elbow), (hip, knee) and the foot of one side."""
    chest, pelvis = world[:, INDEX["chest"]], world[:, INDEX["pelvis"]]
    upper, thigh = at["elbow"] - at["shoulder"], at["knee"] - at["hip"]
    arm = bones.bend(upper, at["wrist"] - at["elbow"], bones.carried(upper, chest), 1)
    leg = bones.bend(thigh, at["ankle"] - at["knee"], bones.carried(thigh, pelvis), -1)
    left = quaternion.rotate(leg[1], np.array([0.0, 1.0, 0.0]))
    # The sole's normal, from the bone that slopes down along it.
    foot = bones.frame(np.cross(at["toe"] - at["ankle"], left), left, _SLOPES["foot"])
    return arm, leg, foot
