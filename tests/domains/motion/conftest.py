"""A small set of clips, and programs made in a hurry."""

import numpy as np
import pytest

from selfloop.domains.motion.data import quaternion
from selfloop.domains.motion.data.clip import Clip
from selfloop.domains.motion.data.formats import bvh
from selfloop.domains.motion.data.skeleton import J


def swaying(name: str, seed: int, frames: int = 60) -> Clip:
    """A figure that wanders about and bends some joints."""
    random = np.random.default_rng(seed)
    phase, rate = random.uniform(0, 2 * np.pi, (2, 4)).astype(np.float32)
    wave = np.sin(phase + rate * np.arange(frames, dtype=np.float32)[:, None] / 20)
    turns = np.tile(quaternion.IDENTITY.astype(np.float32), (frames, J, 1))
    turns[:, 0] = quaternion.about_axis("z", wave[:, 0])
    for joint in (1, 2, 4):
        turns[:, joint] = quaternion.about_axis("x", 0.3 * wave[:, 1])
    root = np.stack([wave[:, 2], wave[:, 3], 0.9 + 0.02 * wave[:, 1]], 1)
    return Clip(name, 20.0, root, turns, name.split("_")[0])


@pytest.fixture(scope="session")
def made_up_folder(tmp_path_factory):
    """Six BVH clips of three labels, called walk_0 to dance_5."""
    folder = tmp_path_factory.mktemp("clips")
    for i in range(6):
        name = f"{('walk', 'wave', 'dance')[i % 3]}_{i}"
        bvh.write(folder / f"{name}.bvh", swaying(name, i))
    return folder


@pytest.fixture(scope="session")
def clips_folder(embedded_folder):
    """The 15 real clips that come with the package."""
    return embedded_folder
