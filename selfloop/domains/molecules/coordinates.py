"""Internal coordinates of conformers: bonds, angles and torsions, and the way back to positions.

A torsion is that of the first atom placed on another; those of its siblings are measured from it, so that only one
coordinate turns where a bond does. Torsions that turn are two numbers, cosine and sine; others are one, about their
mean in the real data. The three hydrogens of a methyl are told apart by where they stand (`labelled`): otherwise each
rotor would be three modes of one law.

Letters: N conformers, A atoms, F coordinates, B bonds (A - 1), S torsions that stay, K that turn.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.domains.molecules.geometry import angles, dihedrals, distances, wrapped
from selfloop.domains.molecules.molecule import Molecule

TURNS = 0.75
"""A torsion turns where the mean of exp(i t) over the real data is shorter than this, or its bond is free to."""


class Internal(NamedTuple):
    """The internal coordinates of a molecule, standardised over its real data."""

    molecule: Molecule
    turns: np.ndarray
    """Which torsions are a cosine and a sine, bools [A - 3]."""
    middle: np.ndarray
    """Mean direction of every torsion [A - 3]."""
    mean: np.ndarray
    deviation: np.ndarray
    """Of the coordinates [F]."""

    @property
    def local(self) -> int:
        """The number of bonds and angles, which come first."""
        return 2 * self.molecule.field.atoms - 3

    def forward(self, x: Array) -> Array:
        """Standardised coordinates [N, F] of conformers [N, A, 3]."""
        found = _raw(self, *internal(self.molecule, x))
        return (found - jnp.asarray(self.mean, x.dtype)[None]) / jnp.asarray(self.deviation, x.dtype)[None]

    def inverse(self, z: Array) -> Array:
        """Conformers [N, A, 3] of standardised coordinates [N, F], in the frame of the molecule's root."""
        f = z * jnp.asarray(self.deviation, z.dtype)[None] + jnp.asarray(self.mean, z.dtype)[None]
        bonds, count, stay = self.molecule.field.atoms - 1, int(self.turns.sum()), ~self.turns
        length, angle = f[:, :bonds], f[:, bonds : self.local]
        still = f[:, self.local : f.shape[1] - 2 * count] + jnp.asarray(self.middle[stay], z.dtype)[None]
        turned = jnp.arctan2(f[:, f.shape[1] - count :], f[:, f.shape[1] - 2 * count : f.shape[1] - count])
        order = np.argsort(np.concatenate([np.flatnonzero(stay), np.flatnonzero(self.turns)]))
        return positions(self.molecule, length, angle, jnp.concatenate([still, turned], 1)[:, order])


def fitted(molecule: Molecule, x: Array) -> Internal:
    """The coordinates in which conformers x [N, A, 3] have mean 0 and deviation 1."""
    length, angle, torsion = jax.jit(partial(internal, molecule))(x)
    wheel = np.exp(1j * np.asarray(torsion, np.float64)).mean(0)
    one = np.ones(1)
    free = [{int(j), int(k)} for _, j, k, _ in molecule.free]
    middle = molecule.root[1]  # the atoms on it are placed by an improper torsion, about no bond
    turns = [row.sibling < 0 and row.bonded != middle and {row.bonded, row.angle} in free for row in molecule.branches]
    blank = Internal(molecule, (np.abs(wheel) < TURNS) | np.array(turns), np.angle(wheel), one, one)
    raw = np.asarray(_raw(blank, length, angle, torsion), np.float64)
    return blank._replace(mean=raw.mean(0), deviation=np.maximum(raw.std(0), 1e-3))


def _raw(on: Internal, length: Array, angle: Array, torsion: Array) -> Array:
    off, turned = wrapped(torsion - jnp.asarray(on.middle, torsion.dtype)[None]), torsion[:, on.turns]
    return jnp.concatenate([length, angle, off[:, ~on.turns], jnp.cos(turned), jnp.sin(turned)], 1)


def internal(molecule: Molecule, x: Array) -> tuple[Array, Array, Array]:
    """Bonds [N, A - 1], angles [N, A - 2] and torsions [N, A - 3] in the order of placing, siblings' from the first."""
    one, middle, two = molecule.root
    rows = np.array(molecule.branches, int).reshape(-1, 5)
    pairs = np.concatenate([[[one, middle], [two, middle]], rows[:, :2]])
    triples = np.concatenate([[[one, middle, two]], rows[:, :3]])
    whole = dihedrals(x, rows[:, :4])
    own = np.where(rows[:, 4] < 0, np.arange(len(rows)), rows[:, 4])
    first = jnp.where(jnp.asarray(rows[:, 4] < 0)[None], 0, whole[:, own])
    return distances(x, pairs), angles(x, triples), wrapped(whole - first)


def positions(molecule: Molecule, length: Array, angle: Array, torsion: Array) -> Array:
    """Conformers [N, A, 3] of bonds, angles and torsions as `internal` gives them: the middle of the root at the
    origin, its first atom on the x axis, its second in the upper half of the xy plane.
    """
    one, middle, two = molecule.root
    zero = jnp.zeros_like(length[:, 0])
    placed = {middle: jnp.stack([zero] * 3, 1), one: jnp.stack([length[:, 0], zero, zero], 1)}
    placed[two] = length[:, 1:2] * jnp.stack([jnp.cos(angle[:, 0]), jnp.sin(angle[:, 0]), zero], 1)
    whole: list[Array] = []
    for i, row in enumerate(molecule.branches):
        turn = torsion[:, i] + (whole[row.sibling] if row.sibling >= 0 else 0)
        whole.append(turn)
        at, a, d = (placed[atom] for atom in (row.bonded, row.angle, row.dihedral))
        placed[row.atom] = _placed(at, a, d, length[:, i + 2], angle[:, i + 1], turn)
    return jnp.stack([placed[atom] for atom in range(molecule.field.atoms)], 1)


def _placed(at: Array, a: Array, d: Array, length: Array, angle: Array, turn: Array) -> Array:
    """The point at ``length`` from ``at``, at ``angle`` to ``a`` and with the dihedral ``turn`` to ``d`` [N, 3]."""
    along = _unit(at - a)
    normal = _unit(jnp.cross(a - d, along))
    side = jnp.cross(normal, along)
    across = jnp.cos(turn)[:, None] * side + jnp.sin(turn)[:, None] * normal
    return at + length[:, None] * (jnp.sin(angle)[:, None] * across - jnp.cos(angle)[:, None] * along)


def _unit(vector: Array) -> Array:
    return vector / (jnp.linalg.norm(vector, axis=-1, keepdims=True) + 1e-12)


def framed(molecule: Molecule, x: Array) -> Array:
    """The same conformers, turned and moved into the frame of `positions`."""
    one, middle, two = molecule.root
    x = x - x[:, middle : middle + 1]
    first = _unit(x[:, one])
    third = _unit(jnp.cross(first, x[:, two]))
    axes = jnp.stack([first, jnp.cross(third, first), third], 1)
    return jnp.einsum("nij,naj->nai", axes, x)


def labelled(molecule: Molecule, x: Array) -> Array:
    """The same conformers, the hydrogens of every methyl numbered by their torsions.

    The first stands within a sixth of a turn of where the first one stands at the molecule's minimum, the others follow
    by rising torsion: one of six numberings that are all the same molecule.
    """
    own = jnp.asarray(molecule.field.minimum, x.dtype)[None]
    for row in molecule.methyls:
        ends = np.array([[h, *row[3:]] for h in row[:3]])
        centre = dihedrals(own, ends[:1])
        order = jnp.argsort((dihedrals(x, ends) - centre + jnp.pi / 3) % (2 * jnp.pi), axis=1)
        x = x.at[:, row[:3]].set(jnp.take_along_axis(x[:, row[:3]], order[:, :, None], 1))
    return x


def prepared(molecule: Molecule, x: Array) -> Array:
    """Conformers as the loop has them: labelled, in their own frame."""
    return framed(molecule, labelled(molecule, x))
