"""Conformers of a user's own molecule: SDF, or XYZ whose bonds are found from distances. RDKit reads both."""

from pathlib import Path
from typing import Any

import numpy as np

from selfloop.domains.molecules import parameters
from selfloop.domains.molecules.sets import Conformers
from selfloop.errors import DataError

FEWEST = 20
"""Conformers that a file must hold: half of them are for the loop, half judge."""


def conformers(path: Path) -> Conformers:
    """The conformers of a file, every other one for the loop and the rest to judge.

    Raises:
        DataError: it is no SDF or XYZ file, holds another molecule somewhere, or too few conformers.
        ConfigError: RDKit is not installed.
    """
    chem = parameters.rdkit(f"--data {path}")
    readers = {".sdf": _sdf, ".xyz": _xyz}
    if path.suffix.lower() not in readers:
        raise DataError(f"--data {path}: ends in {path.suffix or 'nothing'}; give an .sdf or .xyz file")
    from rdkit import RDLogger

    RDLogger.DisableLog("rdApp.*")  # it says on stderr what one line says below
    found = readers[path.suffix.lower()](chem, path)
    if len(found) < FEWEST:
        raise DataError(f"--data {path}: holds {len(found)} conformers; give {FEWEST} or more of one molecule")
    first = found[0]
    x = np.array([_positions(path, i, one, first) for i, one in enumerate(found)], np.float32)
    x -= x.mean(1, keepdims=True)
    if first.GetNumConformers() and not np.isfinite(x).all():
        raise DataError(f"--data {path}: holds positions that are not finite")
    field = parameters.of_molecule(chem.Mol(first))
    return Conformers(field, x[::2], x[1::2], f"{len(x)} conformers of {field.smiles} from a file of the user's own")


def _sdf(chem: Any, path: Path) -> list[Any]:
    found = list(chem.SDMolSupplier(str(path), removeHs=False))
    if None in found:
        raise DataError(f"--data {path}: molecule {found.index(None) + 1} cannot be read as SDF")
    return found


def _xyz(chem: Any, path: Path) -> list[Any]:
    """Bonds are found in the first conformer alone: the others have the same atoms in the same order."""
    from rdkit.Chem import rdDetermineBonds

    found = [chem.MolFromXYZBlock(block) for block in _blocks(path)]
    if None in found:
        raise DataError(f"--data {path}: conformer {found.index(None) + 1} cannot be read as XYZ")
    if found:
        first = chem.Mol(found[0])
        try:
            rdDetermineBonds.DetermineBonds(first, charge=0)
        except ValueError as error:
            line = str(error).splitlines()[0]
            raise DataError(
                f"--data {path}: no bonds of a neutral molecule fit its atoms ({line}); give SDF"
            ) from error
        found[0] = first
    return found


def _blocks(path: Path) -> list[str]:
    """The text of each conformer: a count, a comment, and as many lines."""
    lines, found, at = path.read_text("utf-8", errors="replace").splitlines(), [], 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        if not lines[at].strip().isdigit():
            raise DataError(f"--data {path}: line {at + 1} is no number of atoms, with which each XYZ conformer begins")
        end = at + 2 + int(lines[at])
        if end > len(lines):
            raise DataError(f"--data {path}: the conformer at line {at + 1} is cut short")
        found.append("\n".join(lines[at:end]) + "\n")
        at = end
    return found


def _positions(path: Path, i: int, one: Any, first: Any) -> np.ndarray:
    kinds = [[atom.GetAtomicNum() for atom in each.GetAtoms()] for each in (one, first)]
    if kinds[0] != kinds[1]:
        raise DataError(f"--data {path}: conformer {i + 1} has other atoms than the first; give one molecule")
    return one.GetConformer().GetPositions()
