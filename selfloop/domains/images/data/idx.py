"""IDX files: the format of MNIST and Fashion-MNIST, as they are or compressed by gzip.

A file is a magic number (two zero bytes, the type, the number of axes), the sizes as big-endian 32-bit integers, and
the bytes. A set is a folder of pairs ``NAME-images-idx3-ubyte`` and ``NAME-labels-idx1-ubyte``, each with or without
``.gz``. Source: LeCun, Cortes and Burges, the MNIST database.
"""

import gzip
import zlib
from pathlib import Path

import numpy as np

from selfloop.domains.images.data.images import Images, images
from selfloop.errors import DataError

BYTES = 0x08
"""The type of unsigned bytes."""
IMAGES, LABELS = "-images-idx3-ubyte", "-labels-idx1-ubyte"


def folder(path: Path) -> Images:
    """All images of a folder of IDX files, those of ``train`` before others by name.

    Raises:
        DataError: no such folder, no pair in it, a file that is damaged or something else, images of unequal size,
            labels that do not match.
    """
    if not path.is_dir():
        raise DataError(f"{path}: no such folder; --data is a folder of IDX files, or the name of a set")
    found = sorted(_bare(one) for one in path.iterdir() if _bare(one).endswith(IMAGES))
    if not found:
        raise DataError(f"{path}: no IDX files here; a set is files called train{IMAGES}(.gz) and train{LABELS}(.gz)")
    pairs = [_pair(path, name.removesuffix(IMAGES)) for name in sorted(found, key=lambda name: "train" not in name)]
    shapes = {x.shape[1:] for x, _ in pairs}
    if len(shapes) > 1:
        told = " and ".join(sorted("x".join(map(str, shape)) for shape in shapes))
        raise DataError(f"{path}: images of unequal size ({told}); keep one size in a folder")
    x, label = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    return images(x, label, path.name)


def read(path: Path) -> np.ndarray:
    """The bytes of an IDX file in the shape that it says.

    Raises:
        DataError: it cannot be read, is no IDX file of bytes, or holds more or less than it says.
    """
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DataError(f"{path}: truncated or damaged ({reason}); get the file again") from error
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] != BYTES or not raw[3]:
        raise DataError(f"{path}: the magic number is {raw[:4].hex() or 'absent'}; an IDX file of bytes begins 000008")
    head = 4 + 4 * raw[3]
    shape = np.frombuffer(raw[4:head][: 4 * (len(raw[4:head]) // 4)], ">u4").astype(int)
    wanted = head + int(np.prod(shape)) if len(shape) == raw[3] else head
    if len(shape) < raw[3] or len(raw) != wanted:
        raise DataError(f"{path}: {len(raw)} bytes where its head asks for {wanted}; get the file again")
    return np.frombuffer(raw, np.uint8, offset=head).reshape(shape)


def _bare(path: Path) -> str:
    return path.name.removesuffix(".gz")


def _pair(path: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    x, label = (_one(path, name + kind, axes) for kind, axes in ((IMAGES, 3), (LABELS, 1)))
    if len(x) != len(label):
        raise DataError(f"{path}: {len(x)} images but {len(label)} labels in {name}; the files are of two sets")
    return x, label


def _one(path: Path, name: str, axes: int) -> np.ndarray:
    there = [path / (name + end) for end in ("", ".gz") if (path / (name + end)).exists()]
    if not there:
        raise DataError(f"{path}: {name} is not there; every file of images needs its labels")
    found = read(there[0])
    if found.ndim != axes:
        raise DataError(f"{there[0]}: {found.ndim} axes; {'images have 3' if axes == 3 else 'labels have 1'}")
    return found
