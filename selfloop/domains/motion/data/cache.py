"""Cache of clips that were read once, on disk, since reading thousands takes minutes and holding them a gigabyte.

A set is one file of float32 numbers [F, 63] (pelvis place and 15 quaternions of every frame) that is mapped into memory
as far as it is looked at, and one JSON of everything else. Clips are written piece by piece while they are read. The
JSON states what it was made of: sizes and times of change, and the text of the modules that read it. When any of these
changes, the clips are read anew. A cache that cannot be read or written is as good as none.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from selfloop.domains.motion.data.clip import Clip
from selfloop.domains.motion.data.skeleton import J
from selfloop.errors import DataError
from selfloop.runs.environment import cache_folder

_TEXT = tuple(field.name for field in fields(Clip) if field.name not in ("root", "rotations"))
_WIDTH = 3 + 4 * J


def place(path: Path) -> Path:
    """The cache file of a source; its numbers lie beside it."""
    return cache_folder() / "clips" / f"{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:32]}.json"


def state(path: Path, given: str = "") -> str:
    """A hash of the source as it is now, of the modules that read it, and of what else was ``given`` to them."""
    digest = hashlib.sha256(given.encode())
    for module in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(module.read_bytes())
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        found = file.stat()
        digest.update(f"{file}|{found.st_size}|{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def load(file: Path, made_of: str) -> tuple[list[Clip], dict[str, str]] | None:
    """The clips of a cache file, and the faults of files left out; None where it cannot be read or is outdated."""
    try:
        held = json.loads(file.read_text("utf-8"))
        if held["state"] != made_of:
            return None
        numbers = _mapped(file.with_name(held["numbers"]), sum(held["length"]))
        return _clips(held["rows"], held["length"], numbers), dict(held["faults"])
    except (OSError, DataError, ValueError, KeyError, TypeError):
        return None


def _mapped(path: Path, frames: int) -> np.ndarray:
    if path.stat().st_size != 4 * frames * _WIDTH:
        raise ValueError("cut off")
    return np.memmap(path, np.float32, "r", shape=(frames, _WIDTH))


def _clips(rows: list[list[Any]], length: list[int], numbers: np.ndarray) -> list[Clip]:
    clips, ends = [], np.cumsum(length)
    for row, end, frames in zip(rows, ends, length, strict=True):
        part = numbers[end - frames : end]
        text = {
            name: tuple(value) if isinstance(value, list) else value for name, value in zip(_TEXT, row, strict=True)
        }
        clips.append(Clip(**text, root=part[:, :3], rotations=part[:, 3:].reshape(frames, J, 4)))
    return clips


class Store:
    """A cache file in the making: takes clips, gives them back as views of the file that they lie in."""

    def __init__(self, file: Path):
        """OSError where nothing can be written there."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self.file: Path = file
        self.path: Path = file.with_name(f".{file.stem}.{os.getpid()}.tmp")
        self.stream: BinaryIO = self.path.open("wb")
        self.frames: int = 0

    def take(self, clips: Iterable[Clip]) -> list[Clip]:
        """The same clips, on disk. DataError where the disk is full."""
        clips = list(clips)
        try:
            for clip in clips:
                self.stream.write(np.concatenate([clip.root, clip.rotations.reshape(len(clip), -1)], 1).tobytes())
            self.stream.flush()
        except OSError as error:
            self.drop()
            raise DataError(
                f"{self.path}: cannot be written ({error}); let SELFLOOP_CACHE name a folder with room"
            ) from None
        frames = [len(clip) for clip in clips]
        numbers = _mapped(self.path, self.frames + sum(frames))[self.frames :]
        self.frames += sum(frames)
        return _clips([[getattr(clip, name) for name in _TEXT] for clip in clips], frames, numbers)

    def keep(self, made_of: str, clips: list[Clip], faults: dict[str, str]) -> None:
        """Makes the cache file of these clips, which were taken in any order: whole or not at all."""
        final, rows = self.path.with_suffix(".sorted"), [[getattr(clip, name) for name in _TEXT] for clip in clips]
        name = f"{self.file.stem}-{made_of[:8]}.f32"
        with contextlib.suppress(OSError):
            with final.open("wb") as stream:
                for clip in clips:
                    stream.write(np.concatenate([clip.root, clip.rotations.reshape(len(clip), -1)], 1).tobytes())
            for old in self.file.parent.glob(f"{self.file.stem}-*.f32"):
                old.unlink()
            os.replace(final, self.file.with_name(name))
            held = {
                "state": made_of,
                "numbers": name,
                "length": [len(clip) for clip in clips],
                "rows": rows,
                "faults": faults,
            }
            text = self.path.with_suffix(".json.tmp")
            text.write_text(json.dumps(held), "utf-8")
            os.replace(text, self.file)
        self.drop()

    def drop(self) -> None:
        """Forget the file; clips given back stay readable."""
        self.stream.close()
        with contextlib.suppress(OSError):
            self.path.unlink()
