"""BVH files: a hierarchy of joints, then a table of channels, one line a frame.

Whatever the order of its channels, a joint turns by the product of its rotation channels as written. Position channels
replace the joint's OFFSET, but in a file whose channels lie nearer to nought than to the OFFSETs they are added to it,
since its exporter wrote differences. Units and axes are the file's own. Shapes: T frames, J joints of the file.
"""

import re
from dataclasses import dataclass

import numpy as np

from selfloop.domains.motion.data import quaternion
from selfloop.domains.motion.data.formats.bvh_writer import write as write
from selfloop.errors import DataError

_CHANNEL = re.compile(r"([XYZ])(position|rotation)$", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Bvh:
    """One file, its channels resolved."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    """Index of each joint's parent, which comes before it; -1 for a root."""
    offsets: np.ndarray
    """OFFSET of each joint [J, 3]: the bones of the rest pose."""
    ends: dict[int, tuple[float, float, float]]
    """End Site of each joint that has one, by the joint's index."""
    translations: np.ndarray
    """Position of each joint in its parent's frame [T, J, 3]."""
    rotations: np.ndarray
    """Rotation of each joint in its parent's frame [T, J, 4], wxyz."""
    fps: float


def parse(text: str, name: str = "BVH") -> Bvh:
    """The content of a BVH file; ``name`` is for messages.

    Raises:
        DataError: if the hierarchy or the table is malformed, truncated, empty or not finite, or the frame time is
            missing or not positive.
    """
    found = re.search(r"^\s*MOTION\s*$", text, re.MULTILINE)
    if not found:
        raise DataError(f"{name}: has no MOTION section; it is truncated or not a BVH file")
    names, parents, offsets, channels, ends = _hierarchy(text[: found.start()].split(), name)
    table, step = _table(text[found.end() :], sum(map(len, channels)), name)
    base = np.array(offsets) * _differences(table, parents, offsets, channels)
    translations = np.repeat(np.array(offsets)[None], len(table), 0)
    turns = np.repeat(quaternion.IDENTITY[None, None], len(table), 0).repeat(len(names), 1)
    at = 0
    for j, own in enumerate(channels):
        for axis, kind in own:
            if kind == "position":
                translations[:, j, "xyz".index(axis)] = table[:, at] + base[j, "xyz".index(axis)]
            else:
                turns[:, j] = quaternion.multiply(turns[:, j], quaternion.about_axis(axis, np.radians(table[:, at])))
            at += 1
    return Bvh(tuple(names), tuple(parents), np.array(offsets), ends, translations, turns, 1 / step)


def _differences(table: np.ndarray, parents: list, offsets: list, channels: list) -> bool:
    """Whether position channels below the root are to be added to the OFFSETs: most lie nearer to nought than to them.

    A joint that carries the travel (Bandai-Namco's hips) has one voice among many.
    """
    at, added, replaced = 0, 0, 0
    least = 1e-3 * np.abs(offsets).max()
    for j, own in enumerate(channels):
        for axis, kind in own:
            offset = offsets[j]["xyz".index(axis)]
            if kind == "position" and parents[j] >= 0 and abs(offset) > least:
                nearer = np.abs(table[:, at]).mean() < np.abs(table[:, at] - offset).mean()
                added, replaced = added + nearer, replaced + (not nearer)
            at += 1
    return bool(added > replaced)


def people(bvh: Bvh) -> list[Bvh]:
    """One file a ROOT: several performers in one take, or a prop beside one."""
    starts = [j for j, parent in enumerate(bvh.parents) if parent < 0]
    if len(starts) == 1:
        return [bvh]
    ends = [*starts[1:], len(bvh.names)]
    return [
        Bvh(
            bvh.names[a:b],
            tuple(parent - a if parent >= 0 else -1 for parent in bvh.parents[a:b]),
            bvh.offsets[a:b],
            {j - a: site for j, site in bvh.ends.items() if a <= j < b},
            bvh.translations[:, a:b],
            bvh.rotations[:, a:b],
            bvh.fps,
        )
        for a, b in zip(starts, ends, strict=True)
    ]


def at_rest(bvh: Bvh) -> np.ndarray:
    """Positions [J, 3] of the joints with no rotation at all, the root at the origin."""
    places = np.zeros_like(bvh.offsets)
    for j, parent in enumerate(bvh.parents):
        if parent >= 0:
            places[j] = places[parent] + bvh.offsets[j]
    return places


def _hierarchy(words: list[str], name: str) -> tuple[list, list, list, list, dict]:
    """Names, parents, offsets, channels as (axis, kind) and End Sites."""
    names, parents, offsets, channels, ends, open_joints = [], [], [], [], {}, []
    at = words.index("HIERARCHY") + 1 if "HIERARCHY" in words else 0
    try:
        while at < len(words):
            word, at = words[at], at + 1
            if word in ("ROOT", "JOINT"):
                end = words.index("{", at)
                names.append(" ".join(words[at:end]))
                parents.append(open_joints[-1] if open_joints else -1)
                offsets.append((0.0, 0.0, 0.0))
                channels.append([])
                open_joints.append(len(names) - 1)
                at = end + 1
            elif word == "End":
                end = words.index("}", at)
                site = words[words.index("OFFSET", at, end) + 1 : end]
                ends[open_joints[-1]] = _vector(site)
                at = end + 1
            elif word == "OFFSET":
                offsets[open_joints[-1]] = _vector(words[at : at + 3])
                at += 3
            elif word == "CHANNELS":
                count = int(words[at])
                own = [_CHANNEL.match(channel).groups() for channel in words[at + 1 : at + 1 + count]]
                channels[open_joints[-1]] = [(axis.lower(), kind.lower()) for axis, kind in own]
                at += 1 + count
            elif word == "}":
                open_joints.pop()
            else:
                raise ValueError(f"unexpected {word!r}")
        if open_joints or not names:
            raise ValueError("unbalanced braces or no joint")
    except (ValueError, IndexError, AttributeError) as error:
        raise DataError(f"{name}: malformed hierarchy ({error})") from None
    return names, parents, offsets, channels, ends


def _vector(words: list[str]) -> tuple[float, float, float]:
    x, y, z = (float(word) for word in words)
    if not np.isfinite((x, y, z)).all():
        raise ValueError("an OFFSET is not finite")
    return x, y, z


def _table(motion: str, width: int, name: str) -> tuple[np.ndarray, float]:
    """The channels [T, width] and the frame time (s)."""
    header = re.match(r"\s*Frames:\s*(\S+)\s+Frame\s+Time:[ \t]*(\S*)[^\S\n]*\n?", motion)
    if not header:
        raise DataError(f"{name}: lacks its 'Frames:' or 'Frame Time:' line")
    try:
        count, step = int(header[1]), float(header[2])
    except ValueError:
        raise DataError(f"{name}: {header[1]!r} frames of {header[2]!r} s; two numbers are needed") from None
    if not (np.isfinite(step) and step > 0):
        raise DataError(f"{name}: a frame time of {step:g} s; it must be positive")
    if count < 2 or width == 0:
        raise DataError(f"{name}: {count} frame(s) of {width} channels; a motion has at least 2 frames and 1 channel")
    try:
        values = np.array(motion[header.end() :].split(), np.float64)
    except ValueError as error:
        raise DataError(f"{name}: the table holds something that is not a number ({error})") from None
    if values.size != count * width:
        raise DataError(
            f"{name}: {values.size} numbers for {count} frames of {width} channels ({count * width}); "
            "it is truncated or malformed"
        )
    if not np.isfinite(values).all():
        raise DataError(f"{name}: frame {int(np.argmin(np.isfinite(values))) // width} holds NaN or infinite numbers")
    return values.reshape(count, width), step


def forward(bvh: Bvh) -> tuple[np.ndarray, np.ndarray]:
    """World positions [T, J, 3] and world rotations [T, J, 4] of the file's joints, in its units and axes."""
    positions, world = [], []
    for j, parent in enumerate(bvh.parents):
        if parent < 0:
            positions.append(bvh.translations[:, j])
            world.append(bvh.rotations[:, j])
        else:
            positions.append(positions[parent] + quaternion.rotate(world[parent], bvh.translations[:, j]))
            world.append(quaternion.multiply(world[parent], bvh.rotations[:, j]))
    return np.stack(positions, 1), np.stack(world, 1)


def positions(bvh: Bvh) -> np.ndarray:
    """World positions [T, J, 3] of the file's joints, in its units and axes."""
    return forward(bvh)[0]
