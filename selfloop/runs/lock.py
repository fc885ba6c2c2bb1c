"""One process a run: a lock on the run's folder that the system releases however its holder ends, kill -9 included."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from selfloop.errors import ConfigError
from selfloop.runs import files

try:
    import fcntl
except ImportError:  # not POSIX: runs there are not protected from one another
    fcntl = None


@contextlib.contextmanager
def alone(folder: str | Path) -> Iterator[None]:
    """Hold a folder, made if absent, for this process; where the system or the file system has no locks, only make it.

    Raises:
        ConfigError: where another process holds it, or it is a file.
        SelfloopError: where it cannot be made.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise ConfigError(f"--out {folder} is a file; give a folder") from error
    except OSError as error:
        raise files.cannot_write(folder, 0, error) from error
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        _lock(folder, handle)
        yield
    finally:
        os.close(handle)


def _lock(folder: Path, handle: int) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        message = f"{folder}: another process is at work in it; wait for it, stop it, or give another --out"
        raise ConfigError(message) from error
    except OSError:  # a network file system without locks
        pass
