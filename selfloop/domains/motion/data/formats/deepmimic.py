"""DeepMimic's motion clips (Peng et al., ACM TOG 2018): JSON, y up, x forward, z right, metres.

``{"Loop": "wrap" | "none", "Frames": [[44 numbers], ...]}``. A frame holds its duration (s), root position (3), root
rotation (4, wxyz), then chest (4), neck (4), right hip (4), knee (1), ankle (4), shoulder (4), elbow (1), and the same
of the left. Joints are relative to their parents; a hinge turns about z (rad). The rest pose is the canonical one, so
that retargeting is a change of axes: ``(x, y, z) -> (x, -z, y)``.

What retargeting loses: nothing of the rotations; the toes, which the source has not, stay straight. Bones take
canonical lengths (hip to ankle 0.82 m for 0.831 m; shoulders and head differ by up to 10 cm) and travel is scaled
with the legs.
"""

import json
from dataclasses import replace

import numpy as np

from selfloop.domains.motion.data import quaternion
from selfloop.domains.motion.data.clip import Clip, at_frames, closes
from selfloop.domains.motion.data.skeleton import INDEX, OFFSETS, J
from selfloop.errors import DataError

WIDTH = 44
LEG = 0.421546 + 0.40987
"""Hip to ankle of the source's character (m)."""
SCALE = float(-(OFFSETS[INDEX["left_knee"]] + OFFSETS[INDEX["left_ankle"]])[2]) / LEG

_BALLS = {"pelvis": 4, "chest": 8, "neck": 12, "right_hip": 16, "right_ankle": 21, "right_shoulder": 25,
          "left_hip": 30, "left_ankle": 35, "left_shoulder": 39}  # fmt: skip
_HINGES = {"right_knee": 20, "right_elbow": 29, "left_knee": 34, "left_elbow": 43}


def read(text: str, name: str, label: str = "") -> Clip:
    """The clip of one file at its own frame rate; unequal frame durations are made equal (their median).

    Raises:
        DataError: if the text is no such JSON, is empty, has frames of another width, numbers that are not finite,
            or durations that are not positive.
    """
    frames, loop = _frames(text, name)
    durations = frames[:-1, 0]
    if not (durations > 0).all():
        raise DataError(
            f"{name}: frame {int(np.argmin(durations > 0))} lasts {durations.min():g} s; it must last longer than 0"
        )
    root = frames[:, [1, 3, 2]] * np.array([1, -1, 1]) * SCALE
    _order(frames, name)
    turns = np.zeros((len(frames), J, 4))
    turns[..., 0] = 1
    for joint, at in _BALLS.items():
        turns[:, INDEX[joint]] = _ball(frames[:, at : at + 4], name)
    for joint, at in _HINGES.items():
        turns[:, INDEX[joint]] = quaternion.about_axis("y", -frames[:, at])
    times = np.concatenate([[0.0], np.cumsum(durations)])
    step = float(np.median(durations))
    clip = Clip(name, 1 / step, root, turns, label, source="deepmimic")
    clip = replace(clip, cyclic=loop == "wrap" and closes(clip))
    if np.ptp(durations) < 1e-5:
        return clip
    uniform = np.linspace(0, times[-1], round(times[-1] / step) + 1)
    return at_frames(clip, np.interp(uniform, times, np.arange(len(times))), (len(uniform) - 1) / times[-1])


def _frames(text: str, name: str) -> tuple[np.ndarray, str]:
    """The table of frames [T, 44] and the loop word."""
    try:
        content = json.loads(text)
        rows, loop = content["Frames"], content.get("Loop", "none")
        widths = [len(row) for row in rows]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{name}: is not a DeepMimic motion ({type(error).__name__}: {error}); truncated?") from None
    for frame, width in enumerate(widths):
        if width != WIDTH:
            raise DataError(f"{name}: frame {frame} has {width} numbers; a DeepMimic humanoid frame has {WIDTH}")
    if len(rows) < 2:
        raise DataError(f"{name}: has {len(rows)} frame(s); a motion has at least 2")
    try:
        frames = np.array(rows, np.float64)
    except (ValueError, TypeError):
        raise DataError(f"{name}: holds something that is not a number") from None
    if not np.isfinite(frames).all():
        raise DataError(f"{name}: frame {int(np.argmin(np.isfinite(frames).all(1)))} holds NaN or infinite numbers")
    return frames, str(loop)


def _order(frames: np.ndarray, name: str) -> None:
    """DataError where the joints' quaternions are likely written xyzw: their last numbers are larger than the first."""
    first, last = (np.abs(frames[:, [at + k for at in _BALLS.values()]]).mean() for k in (0, 3))
    if last > 2 * first:
        raise DataError(
            f"{name}: quaternions' first numbers are {first:.2f} in the mean and their last {last:.2f} (in wxyz "
            "the first are the larger ones); they look like xyzw, the order of PyBullet and Isaac: write them as wxyz"
        )


def _ball(q: np.ndarray, name: str) -> np.ndarray:
    """Source quaternions [T, 4], normalised and in canonical axes."""
    length = np.linalg.norm(q, axis=-1)
    if (length < 0.1).any():
        raise DataError(
            f"{name}: frame {int(np.argmin(length))} holds a quaternion of length {length.min():g}; it must be 1"
        )
    return quaternion.unit(q)[:, [0, 1, 3, 2]] * np.array([1, 1, -1, 1])
