"""Clips that were read once, kept in the user's cache folder as one ``.npz``, since reading thousands takes a minute.

Each source has one file, which states what it was made of: sizes and times of change, and the text of the modules that
read it. When any of these changes, the clips are read anew. A cache that cannot be read or written is as good as none.
"""

import hashlib
import json
import os
import tempfile
import zipfile
from dataclasses import fields
from pathlib import Path

import numpy as np

from selfloop.domains.motion.data.clip import Clip
from selfloop.runs.environment import cache_folder

_TEXT = tuple(field.name for field in fields(Clip) if field.name not in ("root", "rotations"))


def place(path: Path) -> Path:
    """The cache file of a source."""
    return cache_folder() / "clips" / f"{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:32]}.npz"


def state(path: Path) -> str:
    """A hash of the source as it is now, and of the modules that read it."""
    digest = hashlib.sha256()
    for module in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(module.read_bytes())
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        found = file.stat()
        digest.update(f"{file}|{found.st_size}|{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def load(file: Path, made_of: str) -> list[Clip] | None:
    """The clips of a cache file, or None where there is none that can be read and was made of this state."""
    try:
        with np.load(file, allow_pickle=False) as held:
            if held["state"].item() != made_of:
                return None
            root, turns, length = held["root"], held["rotations"], held["length"]
            rows = json.loads(held["text"].item())
        ends = np.cumsum(length)[:-1]
        parts = zip(rows, np.split(root, ends), np.split(turns, ends), strict=True)
        return [Clip(**dict(zip(_TEXT, row, strict=True)), root=r, rotations=q) for row, r, q in parts]
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None


def store(file: Path, made_of: str, clips: list[Clip]) -> None:
    """Writes a cache file whole or not at all."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as stream:
                np.savez(
                    stream,
                    state=np.array(made_of),
                    root=np.concatenate([clip.root for clip in clips]),
                    rotations=np.concatenate([clip.rotations for clip in clips]),
                    length=np.array([len(clip) for clip in clips]),
                    text=np.array(json.dumps([[getattr(clip, name) for name in _TEXT] for clip in clips])),
                )
            os.replace(name, file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError:
        pass
