"""Small sets of images."""

import gzip
import struct

import numpy as np
import pytest

from selfloop.domains.images.data import sets
from selfloop.domains.images.data.images import Images


def pictures(seed=0, each=40, classes=3, side=8):
    """Bars at a place that the class says, with noise: uint8 [N, side, side] and labels [N]."""
    random = np.random.default_rng(seed)
    label = np.arange(each * classes) % classes
    x = random.integers(0, 60, (len(label), side, side))
    for image, kind in zip(x, label, strict=True):
        image[:, 2 * kind : 2 * kind + 2] += 150
    return x.astype(np.uint8), label.astype(np.uint8)


def made(seed=0, **sizes):
    x, label = pictures(seed, **sizes)
    return Images(x.astype(np.float32) / 255, label.astype(np.int32), "made")


def idx(array):
    """An array of bytes as an IDX file."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_set(folder, x, label, name="train", pack=False):
    folder.mkdir(exist_ok=True)
    for kind, array in (("images-idx3", x), ("labels-idx1", label)):
        path, data = folder / f"{name}-{kind}-ubyte", idx(array)
        if pack:
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(data))
        else:
            path.write_bytes(data)
    return folder


@pytest.fixture(scope="session")
def pictures_folder(tmp_path_factory):
    """IDX files of 120 images of three classes."""
    return write_set(tmp_path_factory.mktemp("pictures") / "set", *pictures())


@pytest.fixture(autouse=True)
def _read_anew():
    sets.load.cache_clear()
