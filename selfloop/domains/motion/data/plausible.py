"""Plausibility gate: whether a clip, once canonical, can be a person.

Every limit lies far over all real motion that was measured: 2,902 Bandai-Namco clips, 29 of DeepMimic and one of
HumanML3D, flips, crawls, rolls and getups among them. What was read in a wrong axis, unit, rest pose or order of
numbers passes at least one of them, or was refused by its reader.
Shapes: T frames, J = 15 joints.
"""

from typing import NamedTuple

import numpy as np

from selfloop.domains.motion.data import quaternion
from selfloop.domains.motion.data.clip import Clip, forward, lowest
from selfloop.domains.motion.data.skeleton import INDEX
from selfloop.errors import DataError


class Limit(NamedTuple):
    """The most that a measure may be."""

    most: float
    real: float
    """The most among the clips of DeepMimic and a subset of 256 of Bandai-Namco; all others are within the limit."""
    text: str
    """What is measured, with a place for its value."""
    hint: str


_POSE = "rest pose or order of rotations"
LIMITS = {
    "chest_deg": Limit(100, 56, "the trunk is bent by {:.0f} degrees in the median frame", _POSE),
    "neck_deg": Limit(100, 57, "the head is turned by {:.0f} degrees in the median frame", _POSE),
    "hip_deg": Limit(130, 88, "a thigh is turned by {:.0f} degrees in the median frame", _POSE),
    "ankle_deg": Limit(90, 41, "a foot is turned by {:.0f} degrees in the median frame", _POSE),
    "knee_share": Limit(0.3, 0, "a knee bends forward or through itself in a share of {:.2f} of the frames",
                        "are left and right, or front and back, exchanged?"),
    "upside_down": Limit(0.7, 0.31, "the head is under hips and feet in a share of {:.2f} of the frames", "axes"),
    "lies_and_travels": Limit(0.7, 0.21, "a stretched body lies and travels in {:.2f} of the frames", "axes"),
    "root_mps": Limit(8, 5.9, "the root moves at up to {:.3g} m/s", "unit, frame rate, or standardised numbers"),
    "joint_mps": Limit(30, 14.2, "a joint moves at up to {:.3g} m/s", "jumps between frames, unit or frame rate"),
    "pelvis_m": Limit(2, 1.48, "the pelvis is up to {:.3g} m over the floor", "axes or unit"),
    "hangs_m": Limit(0.6, 0.13, "the lowest point is over {:.3g} m high in a quarter of the frames", "axes or unit"),
}  # fmt: skip
"""By the names of `measure`."""
FLOOR = 0.5
"""Distance (m) from 0 that the floor of a format whose floor is 0 may have."""


def measure(clip: Clip) -> dict[str, float]:
    """What `LIMITS` limits, of a canonical clip."""
    places, _ = forward(clip.root, clip.rotations)
    angle = np.degrees(2 * np.arccos(np.clip(np.abs(clip.rotations[..., 0]), 0, 1)))
    middle = {name: float(np.median(angle[:, j])) for name, j in INDEX.items()}
    knees = [
        np.degrees(quaternion.hinge_angle(clip.rotations[:, INDEX[f"{side}_knee"]], "y")) for side in ("left", "right")
    ]
    high, pelvis = places[:, INDEX["neck"], 2], places[:, 0, 2]
    ankles = places[:, [INDEX["left_ankle"], INDEX["right_ankle"]]]
    body = places[:, INDEX["neck"]] - ankles.mean(1)
    tall = np.linalg.norm(body, axis=-1)
    lying = (np.abs(body[:, 2]) < 0.35 * tall) & (tall > 1.05)
    travel = np.linalg.norm(np.diff(clip.root, axis=0), axis=1) * clip.fps
    along = np.linalg.norm(np.diff(clip.root[:, :2], axis=0), axis=1) * clip.fps
    return {
        "chest_deg": middle["chest"],
        "neck_deg": middle["neck"],
        "hip_deg": max(middle["left_hip"], middle["right_hip"]),
        "ankle_deg": max(middle["left_ankle"], middle["right_ankle"]),
        "knee_share": float(max(np.mean((knee < -30) | (knee > 170)) for knee in knees)),
        "upside_down": float(np.mean((high < pelvis) & (ankles[..., 2].min(1) > pelvis))),
        "lies_and_travels": float(np.mean(lying[1:] & (along > 0.3))),
        "root_mps": float(travel.max()),
        "joint_mps": float(np.linalg.norm(np.diff(places, axis=0), axis=-1).max() * clip.fps),
        "pelvis_m": float(pelvis.max()),
        "hangs_m": float(np.percentile(lowest(clip), 75)),
    }


def check(clip: Clip) -> None:
    """DataError for a canonical clip that cannot be a person: what was measured, what is allowed, where to look."""
    values = measure(clip)
    worst = max(LIMITS, key=lambda name: values[name] / LIMITS[name].most)
    limit = LIMITS[worst]
    if values[worst] > limit.most:
        raise DataError(
            f"{clip.name}: {limit.text.format(values[worst])} (at most {limit.most:g} is plausible, real clips reach "
            f"{limit.real:g}); look at {limit.hint}: `selfloop motion inspect` shows what was understood"
        )


def check_floor(clip: Clip) -> None:
    """DataError for a clip, as read, of a format whose floor is 0 and whose figure stands far from it: another unit."""
    floor = float(np.percentile(lowest(clip), 5))
    if abs(floor) > FLOOR:
        raise DataError(
            f"{clip.name}: the figure stands {floor:.2f} m from the floor of its own file (at most {FLOOR:g} is "
            "plausible); look at the root's height and unit (metres, y up), or standardised numbers"
        )
