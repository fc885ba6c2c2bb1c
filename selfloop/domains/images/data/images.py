"""Labelled images: what every source of data gives. Shapes: N images, H rows, W columns, K classes."""

import hashlib
from typing import NamedTuple

import numpy as np

from selfloop.errors import ConfigError, DataError


class Images(NamedTuple):
    """Grey images and what they show."""

    x: np.ndarray
    """[N, H, W], float32 from 0 to 1."""
    label: np.ndarray
    """[N], int32 from 0 to K - 1."""
    about: str = ""
    """Where they are from, and their licence."""

    @property
    def classes(self) -> int:
        """The number K of classes."""
        return int(self.label.max()) + 1


def images(x: np.ndarray, label: np.ndarray, about: str) -> Images:
    """Bytes [N, H, W] and labels [N] as images, an image that is there several times once.

    Raises:
        DataError: labels that do not match, or fewer than two classes.
    """
    if len(x) != len(label):
        raise DataError(f"{about}: {len(x)} images but {len(label)} labels; give one label an image")
    if len(np.unique(label)) < 2:
        raise DataError(f"{about}: {len(np.unique(label))} classes; give images of two or more")
    first = np.sort(np.unique([key_of(image) for image in x], return_index=True)[1])
    return Images(x[first].astype(np.float32) / 255, label[first].astype(np.int32), about)


def key_of(image: np.ndarray) -> str:
    """What an image is told by: the SHA-256 of its bytes."""
    return hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()


def shrunk(found: Images, size: int) -> Images:
    """The images with ``size`` rows and columns, each pixel the mean of a block.

    Raises:
        ConfigError: where the side is no multiple of the size, or the images are not square.
    """
    side = found.x.shape[1]
    if found.x.shape[2] != side or side % size:
        shape = "x".join(map(str, found.x.shape[1:]))
        raise ConfigError(f"--size is {size}, and the images are {shape}; give a divisor of their side")
    block = side // size
    x = found.x.reshape(-1, size, block, size, block).mean((2, 4), dtype=np.float32)
    return found._replace(x=x)
