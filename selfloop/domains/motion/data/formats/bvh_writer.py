"""BVH files of the canonical skeleton, written: centimetres, y up, z forward, x left; rotations ZXY in degrees."""

from pathlib import Path

import numpy as np

from selfloop.domains.motion.data import quaternion, skeleton
from selfloop.domains.motion.data.clip import Clip, from_motion
from selfloop.domains.motion.data.features import FPS


def write(path: Path, motion: Clip | skeleton.Motion, fps: float = FPS) -> None:
    """Writes one motion of the canonical skeleton: centimetres, y up, z forward, x left; rotations ZXY in degrees.

    The file's axes are the canonical ones renamed (x' = y, y' = z, z' = x), so that a rotation keeps its angle.

    Args:
        path: where to; a file that is there is replaced.
        motion: a clip, or a motion [T, ...] (not a batch).
        fps: the motion's frame rate; a clip brings its own.
    """
    clip = motion if isinstance(motion, Clip) else from_motion(motion, Path(path).stem, fps=fps)
    lines = ["HIERARCHY"]
    _write_joint(lines, 0, "")
    lines += ["MOTION", f"Frames: {len(clip)}", f"Frame Time: {1 / clip.fps:.9g}"]
    order = np.array(_depth_first(0))
    angles = np.degrees(_zxy(clip.rotations.astype(np.float64)[:, order]))
    table = np.concatenate([clip.root[:, [1, 2, 0]] * 100.0, angles.reshape(len(clip), -1)], 1)
    lines += [" ".join(f"{value:.6f}" for value in row) for row in table]
    Path(path).write_text("\n".join(lines) + "\n", encoding="ascii")


def _children(joint: int) -> list[int]:
    return [j for j, parent in enumerate(skeleton.PARENTS) if parent == joint]


def _depth_first(joint: int) -> list[int]:
    return [joint] + [j for child in _children(joint) for j in _depth_first(child)]


def _offset(x: float, y: float, z: float) -> str:
    return f"OFFSET {100 * y:.6f} {100 * z:.6f} {100 * x:.6f}"


def _write_joint(lines: list[str], joint: int, indent: str) -> None:
    own = skeleton.SKELETON[joint]
    inner = indent + "  "
    place = "Xposition Yposition Zposition " if joint == 0 else ""
    lines += [f"{indent}{'JOINT' if joint else 'ROOT'} {own.name}", indent + "{", inner + _offset(*own.offset)]
    lines.append(f"{inner}CHANNELS {6 if place else 3} {place}Zrotation Xrotation Yrotation")
    for child in _children(joint):
        _write_joint(lines, child, inner)
    if own.name in skeleton.TIPS:
        lines += [inner + "End Site", inner + "{", f"{inner}  {_offset(*skeleton.TIPS[own.name])}", inner + "}"]
    lines.append(indent + "}")


def _zxy(q: np.ndarray) -> np.ndarray:
    """Angles (z', x', y') [..., 3] (rad) of canonical rotations in the file's axes."""
    m = quaternion.to_matrix(quaternion.unit(q)[..., [0, 2, 3, 1]])
    level = np.hypot(m[..., 2, 0], m[..., 2, 2])
    x = np.arctan2(m[..., 2, 1], level)
    z = np.arctan2(-m[..., 0, 1], m[..., 1, 1])
    y = np.arctan2(-m[..., 2, 0], m[..., 2, 2])
    # At x = 90 degrees only z + y or z - y is known: y is set to nought.
    locked = level < 1e-12
    z = np.where(locked, np.arctan2(m[..., 1, 0], m[..., 0, 0]), z)
    return np.stack([z, x, np.where(locked, 0, y)], -1)
