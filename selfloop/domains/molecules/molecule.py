"""What follows from a molecule's bonds: a tree of internal coordinates, free torsions, methyls, chirality.

Letters: N conformers, A atoms, K free torsions.
"""

from collections import deque
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.domains.molecules.forcefield import STRAIGHT, Parameters
from selfloop.domains.molecules.geometry import dihedrals, volumes
from selfloop.errors import DataError

STIFF = 10.0
"""Sum of a bond's torsional constants V2 (kcal/mol) from which on it does not turn: amides, double bonds."""
LANDMARKS = {"CNC(=O)[C@H](C)NC(C)=O": (("phi", "psi"), 0)}
"""By SMILES: the names of free torsions, and which of them is above 0 in a rare basin (C7ax of alanine dipeptide)."""


class Branch(NamedTuple):
    """How an atom is placed from others that are placed before it."""

    atom: int
    bonded: int
    angle: int
    dihedral: int
    sibling: int
    """Row of the first atom placed on the same one, from whose dihedral this one's is measured; -1: it is the first."""


class Molecule(NamedTuple):
    """A molecule, as its bonds and force field say."""

    field: Parameters
    root: tuple[int, int, int]
    """Three bonded atoms, the second in the middle, from which all others are placed."""
    branches: tuple[Branch, ...]
    """A - 3 rows."""
    free: np.ndarray
    """Quadruples of atoms [K, 4] of the torsions that turn, but for those of methyls."""
    names: tuple[str, ...]
    """Of the free torsions."""
    rare: int | None
    """The free torsion that is above 0 in a rare basin."""
    stiff: np.ndarray
    """Quadruples of torsions that do not turn, outside rings [., 4]."""
    methyls: np.ndarray
    """Three hydrogens, their atom, its neighbour, and one of that one's [., 6]."""
    centres: np.ndarray
    """Atoms of four neighbours, at most one a hydrogen, with three of them [., 4]."""

    @property
    def bonds(self) -> np.ndarray:
        """Pairs of atoms."""
        return self.field.bonds[:, :2].astype(int)

    def own_form(self, x: Array) -> Array:
        """Whether conformers x [N, A, 3] have the chirality and the cis and trans bonds of the molecule's minimum."""
        own = jnp.asarray(self.field.minimum, x.dtype)[None]
        right = jnp.ones(len(x), bool)
        if len(self.centres):
            right &= (volumes(x, self.centres) * volumes(own, self.centres) > 0).all(1)
        if len(self.stiff):
            right &= (jnp.cos(dihedrals(x, self.stiff) - dihedrals(own, self.stiff)) > 0).all(1)
        return right


def molecule(field: Parameters) -> Molecule:
    """The molecule of these parameters.

    Raises:
        DataError: it has no torsion, or a linear chain of atoms, where torsions mean nothing.
    """
    near = _neighbours(field)
    if field.atoms < 4 or (field.angles[:, 4] > STRAIGHT).any():
        raise DataError(f"{field.smiles} has under four atoms or three in a line: torsions do not describe it")
    root = _root(field, near)
    branches = _branches(field, near, root)
    free, stiff = _torsions(field, near)
    names = tuple("-".join(str(atom + 1) for atom in row) for row in free)
    known, rare = LANDMARKS.get(field.smiles, (names, None))
    return Molecule(field, root, branches, free, known, rare, stiff, _methyls(field, near), _centres(field, near))


def _neighbours(field: Parameters) -> list[list[int]]:
    """Of every atom, heavy ones first, those with most heavy neighbours before others."""
    near: list[list[int]] = [[] for _ in range(field.atoms)]
    for i, j in field.bonds[:, :2].astype(int):
        near[i].append(int(j))
        near[j].append(int(i))
    heavy = [sum(field.elements[j] > 1 for j in others) for others in near]
    return [sorted(others, key=lambda j: (field.elements[j] == 1, -heavy[j], j)) for others in near]


def _heavy(field: Parameters, near: list[list[int]], atom: int) -> int:
    return sum(field.elements[other] > 1 for other in near[atom])


def _root(field: Parameters, near: list[list[int]]) -> tuple[int, int, int]:
    """The atom from which no other is far, and its first two neighbours."""
    inner = [atom for atom in range(field.atoms) if len(near[atom]) > 1]
    middle = min(inner, key=lambda atom: (max(_steps(near, atom)), -_heavy(field, near, atom), atom))
    return near[middle][0], middle, near[middle][1]


def _steps(near: list[list[int]], start: int, without: tuple[int, int] | None = None) -> list[int]:
    """Bonds from an atom to every other; -1 where there is no way (that avoids one bond)."""
    far, queue = [-1] * len(near), deque([start])
    far[start] = 0
    while queue:
        at = queue.popleft()
        for other in near[at]:
            if far[other] < 0 and without not in ((at, other), (other, at)):
                far[other] = far[at] + 1
                queue.append(other)
    return far


def _branches(field: Parameters, near: list[list[int]], root: tuple[int, int, int]) -> tuple[Branch, ...]:
    """All other atoms, nearest to the root first."""
    one, middle, two = root
    toward = {middle: (one, two), one: (middle, two), two: (middle, one)}
    rows: list[Branch] = []
    queue = deque((middle, one, two))
    while queue:
        at = queue.popleft()
        angle, dihedral = toward[at]
        first = -1
        for atom in near[at]:
            if atom not in toward:
                rows.append(Branch(atom, at, angle, dihedral, first))
                first = len(rows) - 1 if first < 0 else first
                toward[atom] = at, angle
                queue.append(atom)
    if len(rows) + 3 < field.atoms:
        raise DataError(f"{field.smiles} is more than one molecule; give one")
    return tuple(rows)


def _torsions(field: Parameters, near: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Quadruples of the torsions that turn, and of those that do not, outside rings."""
    free, stiff = [], []
    for j, k in sorted(tuple(sorted(map(int, bond[:2]))) for bond in field.bonds):
        before, after = (next(iter(i for i in near[a] if i != b), None) for a, b in ((j, k), (k, j)))
        if before is None or after is None or _steps(near, j, (j, k))[k] >= 0:
            continue
        if field.elements[before] == 1 or field.elements[after] == 1:
            continue
        about = field.torsions[[{int(row[1]), int(row[2])} == {j, k} for row in field.torsions]]
        (stiff if about[:, 5].sum() > STIFF else free).append((before, j, k, after))
    return np.array(free, int).reshape(-1, 4), np.array(stiff, int).reshape(-1, 4)


def _methyls(field: Parameters, near: list[list[int]]) -> np.ndarray:
    rows = []
    for atom, others in enumerate(near):
        light = [other for other in others if field.elements[other] == 1]
        if len(light) == 3 and len(others) == 4:
            (to,) = set(others) - set(light)
            rows.append((*light, atom, to, next(other for other in near[to] if other != atom)))
    return np.array(rows, int).reshape(-1, 6)


def _centres(field: Parameters, near: list[list[int]]) -> np.ndarray:
    rows = [
        (atom, *others[:3])
        for atom, others in enumerate(near)
        if len(others) == 4 and sum(field.elements[other] == 1 for other in others) <= 1
    ]
    return np.array(rows, int).reshape(-1, 4)
