"""A clip: one recorded motion of the canonical skeleton, kept on the host in numpy.

Frame and units are the skeleton's: metres, z up, x forward, y left. Shapes: T frames, J = 15 joints.
"""

from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np

from selfloop.domains.motion.data import quaternion, rotations
from selfloop.domains.motion.data.features import FPS
from selfloop.domains.motion.data.skeleton import MIRROR, OFFSETS, PARENTS, SPHERES, J, Motion
from selfloop.errors import DataError

GROUND_PERCENTILE = 5.0
"""Share of frames (%) in which the lowest contact sphere may lie below the floor after `canonical`."""

MOST_TILT, MOST_RISE, MOST_TURN = 30.0, 0.2, 100.0
"""How far (degrees, m) the pelvis of a cycle may lean and lie otherwise at its end, and a joint be turned (degrees);
DeepMimic's cycles reach 10, 0 and 58."""

CLOSING = 0.25
"""Time (s) at the end of each unrolled cycle over which its pose is led back to the first."""

MIRRORED = "_mirror"
"""Ending of a mirrored clip's name; DeepMimic names its own mirrored clips so."""


@dataclass(frozen=True, eq=False)
class Clip:
    """One motion.

    Raises:
        DataError: if a number is not finite, a shape is wrong or a quaternion is not of unit length.
    """

    name: str
    """Unique within its set; decides the clip's role in `splits`."""
    fps: float
    root: np.ndarray
    """Pelvis position [T, 3], m."""
    rotations: np.ndarray
    """Local rotations [T, J, 4], unit quaternions wxyz; joint 0, the pelvis, relative to the world."""
    label: str
    style: str = ""
    caption: str = ""
    cyclic: bool = False
    """Whether the last frame shows the first one's pose, one cycle on."""
    source: str = ""
    """The set or format it comes from."""
    texts: tuple[str, ...] = ()
    """Sentences that somebody wrote about it."""
    origin: str = ""
    """The clip whose role in `splits` it shares: what it is the mirror image, a copy or another performer of."""

    def __post_init__(self) -> None:
        root, turns = np.asarray(self.root, np.float32), np.asarray(self.rotations, np.float32)
        if root.ndim != 2 or root.shape[1] != 3 or turns.shape != (len(root), J, 4):
            raise DataError(
                f"{self.name}: root {root.shape} and rotations {turns.shape} are not [T, 3] and [T, {J}, 4]"
            )
        if len(root) < 2:
            raise DataError(f"{self.name}: {len(root)} frame(s); a motion has at least 2")
        if not (np.isfinite(self.fps) and self.fps > 0):
            raise DataError(f"{self.name}: {self.fps} frames a second; a positive number is needed")
        if not (np.isfinite(root).all() and np.isfinite(turns).all()):
            raise DataError(f"{self.name}: holds NaN or infinite numbers")
        if np.abs(np.linalg.norm(turns, axis=-1) - 1).max() > 1e-3:
            raise DataError(f"{self.name}: holds quaternions that are not of unit length; normalise them")
        object.__setattr__(self, "root", root)
        object.__setattr__(self, "rotations", turns)

    def __len__(self) -> int:
        return len(self.root)

    @property
    def seconds(self) -> float:
        """Time from the first frame to the last."""
        return (len(self) - 1) / self.fps


def forward(root: np.ndarray, turns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """World positions [T, J, 3] (m) and world rotations [T, J, 4]: `skeleton.forward` in numpy, on quaternions."""
    positions, world = [root], [turns[:, 0]]
    for j in range(1, J):
        parent = PARENTS[j]
        positions.append(positions[parent] + quaternion.rotate(world[parent], OFFSETS[j]))
        world.append(quaternion.multiply(world[parent], turns[:, j]))
    return np.stack(positions, 1), np.stack(world, 1)


def contact_spheres(clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    """World centres [T, C, 3] (m) of all contact spheres, and the heights [T, C] (m) of their lowest points."""
    positions, world = forward(clip.root, clip.rotations)
    joints = np.array([sphere.joint for sphere in SPHERES])
    centres = np.array([sphere.centre for sphere in SPHERES], np.float32)
    places = positions[:, joints] + quaternion.rotate(world[:, joints], centres)
    return places, places[..., 2] - np.array([sphere.radius for sphere in SPHERES], np.float32)


def lowest(clip: Clip) -> np.ndarray:
    """Height [T] (m) of the lowest point of all contact spheres over z = 0."""
    return contact_spheres(clip)[1].min(-1)


def resample(clip: Clip, fps: float = FPS) -> Clip:
    """The clip at ``fps``: positions linear in time, rotations on the shortest arc.

    A cyclic clip keeps its cycle whole: it gets the nearest whole number of frames, so that its speed changes by at
    most half a frame a cycle.
    """
    steps = clip.seconds * fps
    count = max(int(round(steps) if clip.cyclic else np.floor(steps + 1e-3)), 1)
    at = np.linspace(0, len(clip) - 1, count + 1) if clip.cyclic else np.arange(count + 1) * clip.fps / fps
    return at_frames(clip, np.minimum(at, len(clip) - 1), fps)


def at_frames(clip: Clip, at: np.ndarray, fps: float) -> Clip:
    """The clip read at fractional frame numbers ``at`` [T'], which become equally spaced frames at ``fps``."""
    before = np.minimum(at.astype(int), len(clip) - 2)
    share = (at - before).astype(np.float32)[:, None]
    root = clip.root[before] * (1 - share) + clip.root[before + 1] * share
    turns = quaternion.slerp(clip.rotations[before], clip.rotations[before + 1], share)
    return replace(clip, fps=float(fps), root=root, rotations=turns)


def canonical(clip: Clip) -> Clip:
    """The clip moved so that it starts over the origin, facing x, on a floor at z = 0.

    The floor is one constant height a clip: the 5th percentile over the frames of the lowest contact sphere.
    """
    yaw = quaternion.about_axis("z", -quaternion.heading(clip.rotations[0, 0]))
    root = quaternion.rotate(yaw, clip.root - clip.root[0] * np.array([1, 1, 0], np.float32))
    turns = clip.rotations.copy()
    turns[:, 0] = quaternion.multiply(yaw, turns[:, 0])
    moved = replace(clip, root=root, rotations=turns)
    floor = np.percentile(lowest(moved), GROUND_PERCENTILE).astype(np.float32)
    return replace(moved, root=root - np.array([0, 0, floor], np.float32))


def mirror(clip: Clip) -> Clip:
    """The clip with left and right exchanged, in its name, label and caption too; its own inverse."""
    turns = clip.rotations[:, np.array(MIRROR)] * np.array([1, -1, 1, -1], np.float32)
    name = clip.name.removesuffix(MIRRORED) if clip.name.endswith(MIRRORED) else clip.name + MIRRORED
    return replace(
        clip,
        name=name,
        root=clip.root * np.array([1, -1, 1], np.float32),
        rotations=turns,
        label=_swap_sides(clip.label),
        caption=_swap_sides(clip.caption),
        texts=tuple(_swap_sides(text) for text in clip.texts),
    )


def _swap_sides(text: str) -> str:
    return text.replace("left", "\0").replace("right", "left").replace("\0", "right")


def unroll(clip: Clip, seconds: float) -> Clip:
    """A cyclic clip repeated for at least ``seconds`` (to the next frame), as DeepMimic's ``"Loop": "wrap"`` intends.

    The last frame is the next cycle's first; planar displacement and heading change accumulate cycle over cycle.
    Recorded cycles close only roughly (up to 58 degrees in one joint of DeepMimic's): what is left is blended away
    over the last quarter second of each cycle, where the format would jump.

    Raises:
        DataError: if the clip is not cyclic.
    """
    if not clip.cyclic:
        raise DataError(f"{clip.name} is not cyclic; only a clip whose last pose is its first can be unrolled")
    period = len(clip) - 1
    frames = max(int(np.ceil(seconds * clip.fps - 1e-6)), 1) + 1
    turn = quaternion.heading(clip.rotations[-1, 0]) - quaternion.heading(clip.rotations[0, 0])
    cycle_root, cycle = _closed(clip, turn)
    level = np.array([1, 1, 0], np.float32)
    root, pelvis = [cycle_root], [cycle[:, 0]]
    for number in range(1, -(-frames // period) + 1):
        yaw = quaternion.about_axis("z", np.float32(number * turn))
        root.append(quaternion.rotate(yaw, cycle_root[1:] - cycle_root[0] * level) + root[-1][-1] * level)
        pelvis.append(quaternion.multiply(yaw, cycle[1:, 0]))
    at = np.arange(frames)
    turns = cycle[np.where(at > 0, (at - 1) % period + 1, 0)]
    turns[:, 0] = np.concatenate(pelvis)[:frames]
    return replace(clip, root=np.concatenate(root)[:frames], rotations=turns, cyclic=False)


def closes(clip: Clip) -> bool:
    """Whether the last pose is near enough to the first, but for place and heading, to lead on into it.

    Converters write ``"Loop": "wrap"`` for any clip.
    """
    up = quaternion.rotate(clip.rotations[[0, -1], 0], np.array([0, 0, 1], np.float32))
    tilt = np.degrees(np.arccos(np.clip(up[0] @ up[1], -1, 1)))
    rise = abs(clip.root[0, 2] - clip.root[-1, 2])
    same = np.abs(np.sum(clip.rotations[0, 1:] * clip.rotations[-1, 1:], -1))
    turn = np.degrees(2 * np.arccos(np.clip(same, 0, 1))).max()
    return bool(tilt < MOST_TILT and rise < MOST_RISE and turn < MOST_TURN)


def _closed(clip: Clip, turn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Root and rotations of a cycle whose last pose is its first, turned by ``turn`` (rad)."""
    last = len(clip) - 1
    width = max(min(CLOSING * clip.fps, last / 2), 1.0)
    ramp = np.clip((np.arange(last + 1) - last) / width + 1, 0, 1).astype(np.float32)
    share = ramp * ramp * (3 - 2 * ramp)
    goal = clip.rotations[0].copy()
    goal[0] = quaternion.multiply(quaternion.about_axis("z", turn), goal[0])
    gap = quaternion.multiply(quaternion.conjugate(clip.rotations[-1]), goal)
    step = quaternion.slerp(quaternion.IDENTITY.astype(np.float32), gap, share[:, None])
    rise = share * (clip.root[0, 2] - clip.root[-1, 2])
    return clip.root + rise[:, None] * np.array([0, 0, 1], np.float32), quaternion.multiply(clip.rotations, step)


def to_motion(clip: Clip) -> Motion:
    """The clip as JAX arrays: root [T, 3] (m), rotation matrices [T, J, 3, 3]."""
    return Motion(jnp.asarray(clip.root), rotations.from_quaternion(jnp.asarray(clip.rotations)))


def from_motion(motion: Motion, name: str, label: str = "", fps: float = FPS) -> Clip:
    """A clip of one motion [T, ...] (not a batch), for writing and playing."""
    turns = quaternion.from_matrix(np.asarray(motion.rotations))
    return Clip(name, fps, np.asarray(motion.root), turns, label)
