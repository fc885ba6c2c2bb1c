"""What a grid has left to be analysed: the lanes that left observations, and those observations over the generations.

A grid that still runs may be read: only whole generations are. Shapes: T generations, N evaluation samples, F features.
"""

import functools
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from selfloop.domains.motion.arms import ARMS
from selfloop.domains.motion.grid import blocks
from selfloop.errors import DataError

FREE = tuple(name for name, arm in ARMS.items() if not arm.corrects)
"""Arms that correct nothing."""


class Held(NamedTuple):
    """One chain of the grid, and where its observations are."""

    n: int
    guidance: float
    arm: str
    lam: float
    seed: int
    start: int
    folder: Path
    index: int
    """Its place among the lanes of its block."""

    @property
    def twin(self) -> bool:
        """Whether it starts from another seed's generation 0."""
        return self.start != self.seed

    @property
    def cell(self) -> tuple[int, float, float, str]:
        """What its seeds share: n, guidance, lambda and arm."""
        return self.n, self.guidance, self.lam, self.arm


def lanes(out: Path) -> list[Held]:
    """Every chain of the grid in ``out`` that has observations, each once."""
    found: dict[tuple, Held] = {}
    for block in blocks.stored(out):
        folder = blocks.folder_of(out, block) / "observations"
        if generations(folder):
            for i, lane in enumerate(block.lanes):
                held = Held(block.n, block.guidance, *lane, folder, i)
                found.setdefault(held[:6], held)
    return [found[key] for key in sorted(found)]


def generations(folder: Path) -> list[int]:
    """The generations whose observations are in the folder, in order."""
    return sorted(int(path.stem.removeprefix("generation_")) for path in folder.glob("generation_*.npz"))


@functools.lru_cache(maxsize=160)
def observed(folder: Path, generation: int, name: str) -> np.ndarray | None:
    """One array [L, N, ...] of one generation of all lanes of a block, or None where it was not observed.

    Raises:
        DataError: a file that cannot be read.
    """
    path = folder / f"generation_{generation:04d}.npz"
    try:
        with np.load(path) as arrays:
            return arrays.get(name)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: cannot be read ({error}); remove the block's folder to compute it again") from error


def main(arrays: dict[str, np.ndarray]) -> str:
    """The space that laws are compared in: the encoder's features, or kinetic ones where there is no encoder."""
    return "features" if "features" in arrays else "kinetic"


def trace(held: Held, name: str) -> dict[int, np.ndarray]:
    """One lane's observations [N, F] by generation, up to the first that is not finite (there the lane died)."""
    found = {}
    for generation in generations(held.folder):
        values = observed(held.folder, generation, name)
        if values is None:
            continue
        if not np.isfinite(values[held.index]).all():
            break
        found[generation] = values[held.index]
    return found


@functools.lru_cache(maxsize=4)
def reference(out: Path) -> dict[str, np.ndarray]:
    """The reference's windows in each space [M, F], their ``artefacts`` [M, 6] and ``clip`` [M].

    Raises:
        DataError: where the grid has stored none yet.
    """
    path = out / "reference.npz"
    if not path.exists():
        raise DataError(f"{path}: no such file; give the folder of a grid that has been begun (--out)")
    with np.load(path) as arrays:
        return {name: arrays[name] for name in arrays.files}
