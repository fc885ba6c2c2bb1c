"""The one split of images: class by class, in the order of the hash of the image, into what nothing else sees.

The same images therefore have the same roles on every machine, and every role holds as many of each class.
Shapes: N images.
"""

import numpy as np

from selfloop.domains.images.data.images import Images, key_of
from selfloop.errors import ConfigError

SHARES = {"loop": 0.4, "reference": 0.3, "encoder": 0.2, "prior": 0.1}
"""What part of the images each role gets: the loop's real data, what samples are judged by, what evaluators are trained
on, and what correctors may learn from."""


def split(found: Images) -> dict[str, Images]:
    """The images of each role, classes taking turns, so that the first n hold as many of each class, give or take one.

    Of a class with N images a role gets those from round(N a) to round(N b) in the order of their hashes, a and b the
    edges of its share.
    """
    edges = np.cumsum([0.0, *SHARES.values()])
    rank = _ranks(found)
    rows: dict[str, list[np.ndarray]] = {role: [] for role in SHARES}
    for label in range(found.classes):
        own = np.flatnonzero(found.label == label)
        own = own[np.argsort(rank[own])]
        cuts = np.round(len(own) * edges).astype(int)
        for role, low, high in zip(SHARES, cuts[:-1], cuts[1:], strict=True):
            rows[role].append(own[low:high])
    return {role: _taken(found, _in_turn(parts)) for role, parts in rows.items()}


def first(found: Images, n: int) -> Images:
    """The first n images of a role; ConfigError where it holds fewer."""
    if n > len(found.x):
        raise ConfigError(f"--n is {n}; the loop's part of these images holds {len(found.x)}: give at most that")
    return _taken(found, np.arange(n))


def _ranks(found: Images) -> np.ndarray:
    """The place [N] of each image in the order of all hashes."""
    keys = np.array([key_of(image) for image in found.x])
    rank = np.empty(len(keys), int)
    rank[np.argsort(keys, kind="stable")] = np.arange(len(keys))
    return rank


def _in_turn(parts: list[np.ndarray]) -> np.ndarray:
    """One after the other of each class, as long as there are any."""
    turn = np.concatenate([np.arange(len(part)) for part in parts])
    return np.concatenate(parts)[np.argsort(turn, kind="stable")]


def _taken(found: Images, rows: np.ndarray) -> Images:
    return found._replace(x=found.x[rows], label=found.label[rows])
