"""Sets of conformers: the shipped one, and files of a user's own (``--data``)."""

import lzma
from pathlib import Path
from typing import NamedTuple

import numpy as np

from selfloop.domains.molecules import parameters
from selfloop.domains.molecules.forcefield import Parameters
from selfloop.errors import DataError

FOLDER = Path(__file__).parent / "sets"
PARAMETERS, CONFORMERS = FOLDER / "alanine_dipeptide.json", FOLDER / "alanine_dipeptide.xz"
GRID = 1 / 2048
"""Angstroms of a unit of the shipped 16-bit whole numbers: an eighth of the error of half-precision floats there."""


class Conformers(NamedTuple):
    """Conformers of one molecule."""

    field: Parameters
    loop: np.ndarray
    """float32 [., A, 3], for the loop, its lines of real data and its idealised corrector."""
    reference: np.ndarray
    """What judges, float32 [., A, 3]."""
    about: str


def pack(path: Path, x: np.ndarray) -> None:
    """Conformers [N, A, 3] as 16-bit whole numbers, compressed."""
    path.write_bytes(lzma.compress(np.round(x / GRID).astype("<i2").tobytes(), preset=9))


def unpack(path: Path, atoms: int) -> np.ndarray:
    """What `pack` wrote, float32 [N, A, 3]."""
    return np.frombuffer(lzma.decompress(path.read_bytes()), "<i2").reshape(-1, atoms, 3) * np.float32(GRID)


def shipped() -> Conformers:
    """Alanine dipeptide at 600 K; both halves hold as many conformers of two independent runs of the sampler."""
    field = parameters.read(PARAMETERS)
    x = unpack(CONFORMERS, field.atoms)
    half = len(x) // 2
    about = "alanine dipeptide under MMFF94 at 600 K, made by experiments/molecule_reference.py (CC0)"
    return Conformers(field, x[:half], x[half:], about)


def load(path: str | None) -> Conformers:
    """The conformers of a file, or the shipped ones.

    Raises:
        DataError: no such file, or one that does not hold conformers of one molecule.
    """
    if path is None:
        return shipped()
    from selfloop.domains.molecules.files import conformers

    if not Path(path).is_file():
        raise DataError(f"--data {path}: no such file; give an SDF or XYZ file of one molecule's conformers")
    return conformers(Path(path))
