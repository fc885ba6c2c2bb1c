"""Samples from a file: NumPy's .npy or comma-separated values, as a finite array [N, F]."""

from pathlib import Path

import numpy as np

from selfloop.errors import DataError


def read(path: Path, what: str, *, finite: bool = True) -> np.ndarray:
    """The numbers of a .npy or .csv file as float64 [N, F]; a .csv may begin with a line of names.

    A vector is N points on a line; samples of more axes are flattened to F numbers each.

    Raises:
        DataError: no such file, not an array of numbers, empty, or (where ``finite``) NaN or infinite.
    """
    if not path.is_file():
        raise DataError(f"{what}: {path} is no file; give a .npy (numpy.save) or a .csv")
    try:
        found = np.load(path, allow_pickle=False) if path.suffix.lower() == ".npy" else _csv(path)
        numbers = np.asarray(found, np.float64)
    except (OSError, ValueError, TypeError, EOFError) as error:
        said = " ".join(str(error).split())[:200]
        raise DataError(f"{what}: {path} holds no array of numbers ({said}); give a .npy or a .csv") from None
    if numbers.ndim == 0 or numbers.size == 0:
        raise DataError(f"{what}: {path} is of shape {list(numbers.shape)}; give N samples of F numbers, [N, F]")
    if finite and not np.isfinite(numbers).all():
        row = int(np.argmin(np.isfinite(numbers.reshape(len(numbers), -1)).all(1)))
        raise DataError(f"{what}: {path} holds NaN or infinite numbers, in row {row} for one; leave such samples out")
    return numbers.reshape(len(numbers), -1)


def _csv(path: Path) -> np.ndarray:
    lines = path.read_text("utf-8-sig").splitlines()
    head = lines[0].split(",") if lines else []
    try:
        [float(word) for word in head]
    except ValueError:
        lines = lines[1:]
    return np.loadtxt(lines, delimiter=",", ndmin=2)
