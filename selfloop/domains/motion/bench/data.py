"""What the bench is run on: real windows of each role, every clip put on its floor.

A set of 100 clips or more has the roles of `splits`. A smaller one is halved: its tuning clips are those whose name's
hash lies in the lower half, each half is the other's reference, and what needs other clips still is left out.
Shapes: N windows, T frames at 20 fps.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from selfloop.digest import digest
from selfloop.domains.motion.data import clip as clips_of
from selfloop.domains.motion.data import datasets, splits, windows
from selfloop.domains.motion.data.clip import Clip
from selfloop.domains.motion.data.windows import Windows
from selfloop.domains.motion.setup import LEARNED_ON, SMALL
from selfloop.errors import ConfigError, DataError

SPLITS = ("tuning", "heldout")
FRAMES = 40
REFERENCE = 512
"""Windows of the reference, and of the clips that controls are taken from, at most."""
REST = 0.3
"""Speed (m/s) under which a contact sphere rests."""


class Data(NamedTuple):
    """Real windows; all labels are places in the same ``names``."""

    bench: dict[str, Windows]
    """The clean windows of each split."""
    reference: dict[str, Windows]
    """What an audit of each split calls real."""
    loop: Windows | None
    """Windows of the loop's clips, for controls; None in a small set."""
    encoder: tuple[Windows, list[str]] | None
    """Windows of the clips that encoder and prior are trained on, as the motion loop cuts them and with its labels, and
    their styles; None in a small set."""
    names: tuple[str, ...]
    digest: str
    """A hash of the windows."""

    @property
    def others(self) -> Windows | None:
        """Windows of clips that neither loop nor reference hold, for correctors that learn; None in a small set."""
        return None if self.encoder is None else self.encoder[0]


def load(path: str | None, most: int) -> Data:
    """Read, split, put on the floor and cut; of each split ``most`` windows, or what there is.

    Raises:
        ConfigError: ``most`` is under 2.
        DataError: no data, a fault in it, or a split with fewer than two windows.
    """
    if most < 2:
        raise ConfigError(f"--windows is {most}; an interval needs 2 or more")
    clips = datasets.load(path)
    names = tuple(sorted({clip.label for clip in clips}))
    small = len(clips) < SMALL
    parts = halves(clips) if small else splits.split(clips)
    bench = {split: _windows(parts[split], names, most, f"the {split} clips") for split in SPLITS}
    if small:
        other = dict(zip(SPLITS, reversed(SPLITS), strict=True))
        reference = {
            split: _windows(parts[other[split]], names, REFERENCE, f"the {other[split]} clips") for split in SPLITS
        }
        loop = encoder = None
    else:
        reference = dict.fromkeys(SPLITS, _windows(parts["reference"], names, REFERENCE, "the reference's clips"))
        loop = _windows(parts["loop"], names, REFERENCE, "the loop's clips")
        cut = windows.at_most(parts["encoder"], FRAMES, LEARNED_ON)
        encoder = cut, [parts["encoder"][i].style for i in cut.clip]
    return Data(bench, reference, loop, encoder, names, digest([*bench.values(), *reference.values()]))


def halves(clips: list[Clip]) -> dict[str, list[Clip]]:
    """The tuning and held-out clips of a small set, by the hash of their names."""
    lower = [splits.place(clip.name) < 0.5 for clip in clips]
    return {
        "tuning": [clip for clip, tuned in zip(clips, lower, strict=True) if tuned],
        "heldout": [clip for clip, tuned in zip(clips, lower, strict=True) if not tuned],
    }


def on_floor(clip: Clip) -> Clip:
    """The clip raised or lowered by one constant, so that what stands on the floor stands at z = 0.

    `canonical` lays the floor under nearly all frames, by which feet hang up to some centimetres over it. Here it is
    the median height of the lowest contact sphere over the frames in which that sphere rests; a clip of which nothing
    ever rests is left as it is.
    """
    places, heights = clips_of.contact_spheres(clip)
    lowest = heights.argmin(1)[:, None]
    steps = np.linalg.norm(np.diff(places, axis=0), axis=-1) * clip.fps
    speed = np.minimum(np.concatenate([steps[:1], steps]), np.concatenate([steps, steps[-1:]]))
    resting = np.take_along_axis(speed, lowest, 1)[:, 0] < REST
    if not resting.any():
        return clip
    floor = np.median(np.take_along_axis(heights, lowest, 1)[resting, 0]).astype(np.float32)
    return replace(clip, root=clip.root - np.array([0, 0, floor], np.float32))


def part(cut: Windows, rows: slice | np.ndarray) -> Windows:
    """Some of the windows."""
    return Windows(*(field if isinstance(field, tuple) else field[rows] for field in cut))


def relabelled(label: np.ndarray, old: tuple[str, ...], new: tuple[str, ...]) -> np.ndarray:
    """The same labels [N] as places in another list of names, which holds them all."""
    return np.array([new.index(name) for name in old], np.int32)[label]


def _windows(clips: list[Clip], names: tuple[str, ...], most: int, what: str) -> Windows:
    if len(clips) < 2:
        raise DataError(f"{what}: {len(clips)} of them in this set; the bench needs 2 or more: give a larger set")
    n = most if most <= len(clips) else None  # a clip gives one window at least
    cut = part(windows.cut([on_floor(clip) for clip in clips], FRAMES, n), slice(most))
    return cut._replace(label=relabelled(cut.label, cut.names, names), names=names)
