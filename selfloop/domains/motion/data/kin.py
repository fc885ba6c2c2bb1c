"""Clips that are one another's mirror image or copy, found by content: they must share a role.

A mirrored clip has the same heights and the same path, with left and right exchanged. Candidates are clips of one
length whose invariants agree (a k-d tree); what counts is how far joints lie apart.
"""

from collections import defaultdict
from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from selfloop.domains.motion.data import splits
from selfloop.domains.motion.data.clip import Clip, forward, mirror

NEAR = 0.002
"""Distance (m) of joints in the mean under which two clips are one. The nearest repeated performances among 2,902 clips
of Bandai-Namco's differ by 0.005."""
_MOMENTS = 5


def related(clips: list[Clip]) -> list[Clip]:
    """The clips, where a copy or mirror image of an earlier one (by name) has that one's name as its ``origin``."""
    origin: dict[int, str] = {}
    groups = defaultdict(list)
    for i, clip in enumerate(clips):
        groups[len(clip)].append(i)
    for group in groups.values():
        if len(group) > 1:
            tree = cKDTree(np.stack([_invariants(clips[i]) for i in group]))
            for a, b in sorted(tree.query_pairs(3 * NEAR)):
                first, second = clips[group[a]], clips[group[b]]
                if group[b] not in origin and not _named_so(first, second) and _same(first, second):
                    origin[group[b]] = origin.get(group[a], first.origin or first.name)
    return [replace(clip, origin=origin[i]) if i in origin else clip for i, clip in enumerate(clips)]


def _named_so(a: Clip, b: Clip) -> bool:
    """Whether two clips share a role by their names already."""
    return splits.original(a.origin or a.name) == splits.original(b.origin or b.name)


def _invariants(clip: Clip) -> np.ndarray:
    """What a mirror image has in common with its original: heights and distances from the start, of the pelvis (m)."""
    at = np.linspace(0, len(clip) - 1, _MOMENTS).astype(int)
    far = np.linalg.norm(clip.root[at, :2] - clip.root[0, :2], axis=1)
    return np.concatenate([clip.root[at, 2], far]).astype(float)


def _same(a: Clip, b: Clip) -> bool:
    places = forward(a.root, a.rotations)[0]
    for other in (b, mirror(b)):
        if np.linalg.norm(forward(other.root, other.rotations)[0] - places, axis=-1).mean() < NEAR:
            return True
    return False
