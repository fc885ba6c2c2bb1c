"""Whole files, written so that a stop at any moment leaves the old content or the new, never a mixture."""

import contextlib
import io
import os
import zipfile
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from selfloop.errors import DataError, SelfloopError


def replace(path: str | Path, data: bytes) -> None:
    """Write ``data`` beside ``path``, make it durable, and move it into place in one step.

    Raises:
        SelfloopError: where the disk is full or the folder may not be written; the old file is then untouched.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, len(data), error) from error
    finally:
        remove_quietly(temporary)


def store_arrays(path: str | Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays by name to one .npz file. SelfloopError as `replace`."""
    held = io.BytesIO()
    np.savez(held, **arrays)
    replace(path, held.getvalue())


def read_arrays(path: str | Path, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by name: those of ``names`` that it holds, or all.

    Raises:
        DataError: where the file is absent, truncated or corrupt, or no .npz file.
    """
    try:
        with np.load(path, allow_pickle=False) as held:
            return {name: held[name] for name in held.files if names is None or name in names}
    except (OSError, ValueError, TypeError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DataError(f"{path}: cannot be read ({reason}); restore it, or remove it to have it made anew") from error


def cannot_write(path: Path, size: int, error: OSError) -> SelfloopError:
    """The one-line error for ``size`` bytes that could not be written to ``path``."""
    reason = error.strerror or str(error) or type(error).__name__
    return SelfloopError(
        f"{path}: cannot be written ({reason}); {size} bytes are needed: make room or choose another folder, "
        "then run the same command again"
    )


def remove_quietly(path: Path) -> None:
    """Remove a file if it is there and may be removed."""
    with contextlib.suppress(OSError):  # a parent that is a file, a folder gone read-only: the cause was told
        path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make a rename durable; only POSIX lets a folder be opened for that."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
