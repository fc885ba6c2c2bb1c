"""Parameters of a molecule: read from JSON, or made by RDKit's MMFF94 from its bonds. RDKit is optional (extra
``molecules``): the shipped molecule needs none.
"""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np

from selfloop.domains.molecules.forcefield import Parameters
from selfloop.errors import DataError
from selfloop.extras import need

WIDTHS = {"bonds": 4, "angles": 7, "planes": 5, "torsions": 7, "pairs": 5}
"""Numbers of a row of each term."""


def write(path: str | Path, parameters: Parameters) -> None:
    """The parameters as JSON, one line a term."""
    told = {name: _plain(value) for name, value in parameters._asdict().items()}
    lines = [f"{json.dumps(name)}: {json.dumps(value, separators=(',', ':'))}" for name, value in told.items()]
    Path(path).write_text("{" + ",\n".join(lines) + "}\n", "utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [[int(v) if v == int(v) else float(f"{v:.9g}") for v in row] for row in value]
    return list(value) if isinstance(value, tuple) else value


def read(path: str | Path) -> Parameters:
    """What `write` wrote; DataError where it is no such file."""
    try:
        found = json.loads(Path(path).read_text("utf-8"))
        rows = {name: np.asarray(found[name], float).reshape(-1, width) for name, width in WIDTHS.items()}
        return Parameters(
            tuple(found["elements"]), tuple(found["masses"]), **rows,
            minimum=np.asarray(found["minimum"], float).reshape(-1, 3), smiles=found["smiles"],
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: holds no parameters of a molecule ({error})") from error


def rdkit(what: str = "a molecule of your own") -> Any:
    """The module ``rdkit.Chem`` with what this file uses; ConfigError, with what installs it, where there is none."""
    need("molecules", what)
    from rdkit import Chem
    from rdkit.Chem import AllChem, rdForceFieldHelpers  # noqa: F401 (they register themselves)

    return Chem


def of_smiles(smiles: str, seed: int = 1) -> Parameters:
    """Of a molecule by its SMILES, hydrogens added and its first conformer embedded from ``seed``."""
    chem = rdkit()
    from rdkit.Chem import AllChem

    molecule = chem.AddHs(chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(molecule, randomSeed=seed)
    return of_molecule(molecule)


def of_molecule(molecule: Any) -> Parameters:
    """Of an RDKit molecule with explicit hydrogens and a conformer.

    Raises:
        DataError: MMFF94 has no types for it.
    """
    chem = rdkit()
    from rdkit.Chem import rdForceFieldHelpers as fields

    known = fields.MMFFGetMoleculeProperties(molecule, mmffVariant="MMFF94")
    if known is None:
        raise DataError(f"MMFF94 has no parameters for {chem.MolToSmiles(molecule)}; give another molecule")
    fields.MMFFOptimizeMolecule(molecule, maxIters=5000)
    near = [sorted(other.GetIdx() for other in atom.GetNeighbors()) for atom in molecule.GetAtoms()]
    ends = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in molecule.GetBonds()]
    return Parameters(
        tuple(atom.GetAtomicNum() for atom in molecule.GetAtoms()),
        tuple(atom.GetMass() for atom in molecule.GetAtoms()),
        _rows("bonds", [(*end, *known.GetMMFFBondStretchParams(molecule, *end)[1:]) for end in ends]),
        _rows("angles", _angles(molecule, known, near)),
        _rows("planes", _planes(molecule, known, near)),
        _rows("torsions", _torsions(molecule, known, near, ends)),
        _rows("pairs", _pairs(molecule, known, chem.GetDistanceMatrix(molecule))),
        molecule.GetConformer().GetPositions(),
        chem.MolToSmiles(chem.RemoveHs(molecule)),
    )


def _rows(name: str, rows: list[tuple]) -> np.ndarray:
    return np.array(rows, float).reshape(-1, WIDTHS[name])


def _angles(molecule: Any, known: Any, near: list[list[int]]) -> list[tuple]:
    found = []
    for j, others in enumerate(near):
        for i, k in itertools.combinations(others, 2):
            if bend := known.GetMMFFAngleBendParams(molecule, i, j, k):
                coupled = known.GetMMFFStretchBendParams(molecule, i, j, k) or (0, 0.0, 0.0)
                found.append((i, j, k, bend[1], bend[2], coupled[1], coupled[2]))
    return found


def _planes(molecule: Any, known: Any, near: list[list[int]]) -> list[tuple]:
    found = []
    for j, others in enumerate(near):
        if len(others) == 3:
            a, b, c = others
            for i, k, out in ((a, b, c), (a, c, b), (b, c, a)):
                stiff = known.GetMMFFOopBendParams(molecule, i, j, k, out)
                if stiff is not None:
                    found.append((i, j, k, out, stiff[-1] if isinstance(stiff, tuple) else stiff))
    return found


def _torsions(molecule: Any, known: Any, near: list[list[int]], ends: list[tuple[int, int]]) -> list[tuple]:
    found = []
    for j, k in ends:
        for i, last in itertools.product(near[j], near[k]):
            if i != k and last != j and i != last:
                part = known.GetMMFFTorsionParams(molecule, i, j, k, last)
                if part:
                    found.append((i, j, k, last, *part[1:]))
    return found


def _pairs(molecule: Any, known: Any, apart: np.ndarray) -> list[tuple]:
    found = []
    for i, j in itertools.combinations(range(len(apart)), 2):
        if apart[i, j] >= 3:
            shape, share = known.GetMMFFVdWParams(i, j), 0.75 if apart[i, j] == 3 else 1.0
            charge = known.GetMMFFPartialCharge(i) * known.GetMMFFPartialCharge(j) * share
            found.append((i, j, shape[2], shape[3], charge))
    return found
