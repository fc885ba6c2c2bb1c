"""Windows: pieces of clips of one capacity, as the features a model trains on.

Shapes: N windows, T = ``capacity`` frames at 20 fps, D = 64 features.
"""

from typing import NamedTuple

import jax
import numpy as np

from selfloop.domains.motion.data import features, rotations
from selfloop.domains.motion.data.clip import Clip, unroll
from selfloop.domains.motion.data.skeleton import Motion
from selfloop.errors import DataError


class Windows(NamedTuple):
    """N pieces of clips, distinct clips first."""

    x: np.ndarray
    """Features [N, T, D], float32; beyond its length a window repeats its last pose."""
    length: np.ndarray
    """Frames that are real [N], int32."""
    label: np.ndarray
    """Index into ``names`` [N], int32."""
    clip: np.ndarray
    """Index into the clips that were cut [N], int32."""
    start: np.ndarray
    """First frame within its clip [N], int32."""
    names: tuple[str, ...]
    """The labels of all clips that were cut, sorted."""


def cut(
    clips: list[Clip], capacity: int = 40, n: int | None = None, stride: int | None = None, seed: int = 0
) -> Windows:
    """Windows of ``capacity`` frames, ``stride`` apart (by default a fifth of the capacity).

    First one window of every clip, then a second one of every clip that has it, and so on, in an order that ``seed``
    decides; a clip's windows come so that each is far from those before. Fewer windows with the same seed are the
    beginning of more. A cyclic clip gives a window for every start within one cycle, unrolled as far as needed; any
    other clip shorter than the capacity gives one window that its length masks.

    Raises:
        DataError: if there is no clip, a clip has another frame rate, or ``n`` is larger than what the clips give.
    """
    stride = max(capacity // 5, 1) if stride is None else stride
    if not clips or capacity < 2 or stride < 1:
        raise DataError(f"{len(clips)} clips, windows of {capacity} frames, stride {stride}: need at least 1, 2 and 1")
    for clip in clips:
        if abs(clip.fps - features.FPS) > 1e-3:
            raise DataError(f"{clip.name} has {clip.fps:g} frames a second; resample it to {features.FPS:g} first")
    order = _order([_starts(clip, capacity, stride) for clip in clips], np.random.default_rng(seed))
    if n is not None and not 0 < n <= len(order):
        raise DataError(
            f"n = {n} windows, but these {len(clips)} clips give 1 to {len(order)} of {capacity} frames; "
            "choose n within that, or use more data (--data)"
        )
    order = order[:n]
    long = [_long_enough(clip, capacity) for clip in clips]
    at = [np.minimum(start + np.arange(capacity), len(long[i]) - 1) for i, start in order]
    root = np.stack([long[i].root[frames] for (i, _), frames in zip(order, at, strict=True)])
    turns = np.stack([long[i].rotations[frames] for (i, _), frames in zip(order, at, strict=True)])
    names = tuple(sorted({clip.label for clip in clips}))
    index, start = np.array(order, np.int32).T
    return Windows(
        x=_encode(root, turns),
        length=np.array([min(len(long[i]) - first, capacity) for i, first in order], np.int32),
        label=np.array([names.index(clips[i].label) for i in index], np.int32),
        clip=index,
        start=start,
        names=names,
    )


def at_most(clips: list[Clip], capacity: int, most: int) -> Windows:
    """The first ``most`` windows of `cut`, or all where there are fewer; a large set is never cut whole."""
    given = sum(len(_starts(clip, capacity, max(capacity // 5, 1))) for clip in clips)
    return cut(clips, capacity, min(most, given) or None)


def _starts(clip: Clip, capacity: int, stride: int) -> np.ndarray:
    """Where windows of a clip begin."""
    last = len(clip) - 2 if clip.cyclic else max(len(clip) - capacity, 0)
    return np.arange(0, last + 1, stride)


def _long_enough(clip: Clip, capacity: int) -> Clip:
    return unroll(clip, (len(clip) + capacity) / clip.fps) if clip.cyclic else clip


def _order(starts: list[np.ndarray], random: np.random.Generator) -> list[tuple[int, int]]:
    """Pairs (clip, start): a first round over all clips, a second over those that have two windows, and so on."""
    spread = [_spread(choices, random) for choices in starts]
    order = []
    for turn in range(max(len(choices) for choices in starts)):
        rest = [i for i in random.permutation(len(starts)) if len(starts[i]) > turn]
        order += [(int(i), int(spread[i][turn])) for i in rest]
    return order


def _spread(choices: np.ndarray, random: np.random.Generator) -> list[int]:
    """The same numbers, beginning with any one of them; each next one is the farthest from all before."""
    chosen = [choices[random.integers(len(choices))]]
    gap = np.abs(choices - chosen[0])
    while len(chosen) < len(choices):
        chosen.append(choices[np.argmax(gap)])
        gap = np.minimum(gap, np.abs(choices - chosen[-1]))
    return chosen


@jax.jit
def _features(root: jax.Array, turns: jax.Array) -> jax.Array:
    return features.encode(Motion(root, rotations.from_quaternion(turns)))


def _encode(root: np.ndarray, turns: np.ndarray, block: int = 512) -> np.ndarray:
    """Features of N windows, in blocks of one size so that one program serves them all."""
    n, block = len(root), min(block, len(root))
    x = np.empty((*root.shape[:2], features.D), np.float32)
    for at in range(0, n, block):
        # The last block reaches back so that it is full.
        part = slice(min(at, n - block), min(at, n - block) + block)
        x[part] = _features(root[part], turns[part])
    return x
