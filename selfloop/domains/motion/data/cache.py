"""Cache of clips that were read once: one ``.npz`` in the user's cache folder, since reading thousands takes a minute.

Each source has one file, which states what it was made of: sizes and times of change, and the text of the modules that
read it. When any of these changes, the clips are read anew. A cache that cannot be read or written is as good as none.
"""

import contextlib
import hashlib
import json
from dataclasses import fields
from pathlib import Path

import numpy as np

from selfloop.domains.motion.data.clip import Clip
from selfloop.errors import DataError, SelfloopError
from selfloop.runs import files
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
        held = files.read_arrays(file)
        if held["state"].item() != made_of:
            return None
        rows, ends = json.loads(held["text"].item()), np.cumsum(held["length"])[:-1]
        parts = zip(rows, np.split(held["root"], ends), np.split(held["rotations"], ends), strict=True)
        return [Clip(**dict(zip(_TEXT, row, strict=True)), root=r, rotations=q) for row, r, q in parts]
    except (DataError, ValueError, KeyError, TypeError):
        return None


def store(file: Path, made_of: str, clips: list[Clip]) -> None:
    """Writes a cache file whole or not at all."""
    arrays = {
        "state": np.array(made_of),
        "root": np.concatenate([clip.root for clip in clips]),
        "rotations": np.concatenate([clip.rotations for clip in clips]),
        "length": np.array([len(clip) for clip in clips]),
        "text": np.array(json.dumps([[getattr(clip, name) for name in _TEXT] for clip in clips])),
    }
    with contextlib.suppress(SelfloopError):
        files.store_arrays(file, arrays)
