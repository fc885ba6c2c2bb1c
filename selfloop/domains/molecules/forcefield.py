"""Merck molecular force field (MMFF94): the energy of conformers of one molecule, and its gradient.

Seven terms, each a sum over tuples of atoms: bonds, angles, their coupling, planes, torsions, van der Waals pairs and
charges. What a term needs of difference vectors of bonded atoms is shared, and conformers are the last axis of all
arrays, so that a CPU computes many at a time; chunks of `CHUNK` stay in its cache.

Source: Halgren, J. Comput. Chem. 17 (1996), 490-641; numbers as in RDKit, which the tests hold it against.
Letters: N conformers, A atoms. Units: kcal/mol, angstroms, degrees inside the parameters.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

CHUNK = 64
"""Conformers at a time."""
DEGREES = 180 / np.pi
CUBIC = -0.006981317
"""Of the angle's energy, per degree."""
STRAIGHT = 179.5
"""Angles at rest above this have the energy of a linear centre, which has no cubic term."""


class Parameters(NamedTuple):
    """The terms of one molecule. Rows of whole numbers are atoms; one row a term."""

    elements: tuple[int, ...]
    """Atomic numbers [A]."""
    masses: tuple[float, ...]
    """Of the atoms [A], g/mol."""
    bonds: np.ndarray
    """i, j, force constant (mdyn/A), length at rest."""
    angles: np.ndarray
    """i, j, k (j in the middle), force constant (mdyn A/rad^2), angle at rest, and the coupling's two constants."""
    planes: np.ndarray
    """i, j, k, l (j in the middle, l out of the plane of i, j, k), force constant."""
    torsions: np.ndarray
    """i, j, k, l, V1, V2, V3."""
    pairs: np.ndarray
    """i, j, R*, epsilon, product of charges (x 0.75 where three bonds apart)."""
    minimum: np.ndarray
    """Positions [A, 3] of a conformer at a minimum of the energy."""
    smiles: str

    @property
    def atoms(self) -> int:
        """The number A of atoms."""
        return len(self.elements)


Energy = Callable[[Array], Array]
"""``energy(x [N, A, 3]) -> [N]``, kcal/mol."""


def energy(parameters: Parameters) -> Energy:
    """The energy [N] of conformers x [N, A, 3], in their precision; it can be differentiated once, backwards."""
    one, both = _last(parameters), energy_and_gradient(parameters)

    @jax.custom_vjp
    def of(x: Array) -> Array:
        return _by_chunks(one, x)

    # By chunks too: what a chunk's gradient needs of its energy does not leave the cache.
    of.defvjp(both, lambda slope, weight: (weight[:, None, None] * slope,))
    return of


def energy_and_gradient(parameters: Parameters) -> Callable[[Array], tuple[Array, Array]]:
    """``f(x [N, A, 3])``: the energy [N] and its gradient [N, A, 3], kcal/mol/A; forces are its negative."""
    of = _last(parameters)

    def both(part: Array) -> tuple[Array, Array]:
        value, back = jax.vjp(of, part)
        return value, back(jnp.ones_like(value))[0]

    return lambda x: _by_chunks(both, x)


def _by_chunks(function: Callable[[Array], Any], x: Array) -> Any:
    """A function of conformers [A, 3, n] on x [N, A, 3], `CHUNK` at a time; results' last axis comes first."""
    count = len(x)
    if count <= CHUNK:
        return _first(function(jnp.moveaxis(x, 0, -1)))
    pieces = -(-count // CHUNK)
    filled = jnp.concatenate([x, jnp.broadcast_to(x[:1], (pieces * CHUNK - count, *x.shape[1:]))])
    parts = jnp.moveaxis(filled.reshape(pieces, CHUNK, *x.shape[1:]), 1, -1)
    found = jax.lax.map(lambda part: _first(function(part)), parts)
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:])[:count], found)


def _first(found: Any) -> Any:
    return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, -1, 0), found)


def _last(parameters: Parameters) -> Callable[[Array], Array]:
    """The energy [n] of conformers [A, 3, n]."""
    terms = _terms(parameters)

    def of(x: Array) -> Array:
        return sum(term(x) for term in terms)

    return of


def _terms(p: Parameters) -> list[Callable[[Array], Array]]:
    """Bonded terms together, as they share bonds' vectors, and pairs; terms that a molecule has none of are absent."""
    bonded, found = _Bonds(p), []
    makes = [(p.angles, _angles), (p.planes, _planes), (p.torsions, _torsions)]
    parts = [_stretch(p), *(make(p, bonded) for rows, make in makes if len(rows))]
    difference = _difference(p, p.bonds)

    def of_bonds(x: Array) -> Array:
        vectors = _times(difference, x)
        seen = _Seen(vectors, dot(vectors, vectors))
        return sum(part(seen) for part in parts)

    found.append(of_bonds)
    return [*found, _pairs(p)] if len(p.pairs) else found


class _Seen(NamedTuple):
    """Bonds of conformers: vectors [bonds, 3, n] from the second atom to the first, and their squares [bonds, n]."""

    vector: Array
    square: Array


class _Bonds:
    """Where each bond is among the bonds, and which way it points."""

    def __init__(self, p: Parameters) -> None:
        ends = p.bonds[:, :2].astype(int)
        self.count = len(ends)
        self.at = {(i, j): (k, 1.0) for k, (i, j) in enumerate(ends)} | {
            (j, i): (k, -1.0) for k, (i, j) in enumerate(ends)
        }

    def choice(self, rows: np.ndarray, head: int, tail: int) -> tuple[np.ndarray, np.ndarray]:
        """One-hot [rows, bonds] of the bond from atom ``tail`` to atom ``head`` of each row, and its sign [rows]."""
        found = [self.at[int(row[head]), int(row[tail])] for row in rows]
        return np.eye(self.count)[[k for k, _ in found]], np.array([sign for _, sign in found])


def _difference(p: Parameters, rows: np.ndarray) -> np.ndarray:
    """The matrix [rows, A] that makes of positions the vector from a row's second atom to its first."""
    each, matrix = np.arange(len(rows)), np.zeros((len(rows), p.atoms))
    matrix[each, rows[:, 0].astype(int)] = 1
    matrix[each, rows[:, 1].astype(int)] = -1
    return matrix


def _times(matrix: np.ndarray, x: Array) -> Array:
    # A product with a matrix of zeros and ones: gathering is as fast forwards, but its gradient is not.
    return jnp.tensordot(jnp.asarray(matrix, x.dtype), x, 1)


def dot(a: Array, b: Array) -> Array:
    """Inner products [m, n] of vectors [m, 3, n]."""
    return a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1] + a[:, 2] * b[:, 2]


def _column(values: np.ndarray, like: Array) -> Array:
    return jnp.asarray(values, like.dtype)[:, None]


def _stretch(p: Parameters) -> Callable[[_Seen], Array]:
    def of(seen: _Seen) -> Array:
        far = jnp.sqrt(seen.square) - _column(p.bonds[:, 3], seen.square)
        stiff = _column(143.9325 / 2 * p.bonds[:, 2], far)
        return (stiff * far**2 * (1 - 2 * far + 7 / 3 * far**2)).sum(0)

    return of


def _angles(p: Parameters, bonds: _Bonds) -> Callable[[_Seen], Array]:
    """Bending, and stretch-bend coupling."""
    rows = p.angles
    (one, sign), (two, other) = bonds.choice(rows, 0, 1), bonds.choice(rows, 2, 1)
    length, straight = p.bonds[:, 3], rows[:, 4] > STRAIGHT
    stiff = np.where(straight, 143.9325 * rows[:, 3], 0.043844 / 2 * rows[:, 3])

    def of(seen: _Seen) -> Array:
        size = jnp.sqrt(seen.square)
        a, b = _times(one, size), _times(two, size)
        cosine = dot(_times(one, seen.vector), _times(two, seen.vector)) * _column(sign * other, a) / (a * b)
        bend = DEGREES * jnp.arccos(_inside(cosine)) - _column(rows[:, 4], a)
        energy = bend**2 * (1 + CUBIC * bend)
        if straight.any():
            energy = jnp.where(straight[:, None], 1 + cosine, energy)
        far = _column(rows[:, 5], a) * (a - _column(one @ length, a))
        far += _column(rows[:, 6], a) * (b - _column(two @ length, a))
        return (_column(stiff, a) * energy + 2.51210 * far * bend).sum(0)

    return of


def _planes(p: Parameters, bonds: _Bonds) -> Callable[[_Seen], Array]:
    rows = p.planes
    three = [bonds.choice(rows, end, 1) for end in (0, 2, 3)]

    def of(seen: _Seen) -> Array:
        a, b, c = (_times(which, seen.vector) * _column(sign, seen.square)[:, None] for which, sign in three)
        normal = jnp.stack([a[:, i] * b[:, j] - a[:, j] * b[:, i] for i, j in ((1, 2), (2, 0), (0, 1))], 1)
        sine = dot(normal, c) / jnp.sqrt(dot(normal, normal) * dot(c, c) + 1e-12)
        out = DEGREES * jnp.arcsin(_inside(sine))
        return (_column(0.043844 / 2 * rows[:, 4], out) * out**2).sum(0)

    return of


def _torsions(p: Parameters, bonds: _Bonds) -> Callable[[_Seen], Array]:
    """By the cosine of the dihedral, from inner products of its three bonds alone."""
    rows = p.torsions
    (a, sa), (b, sb), (c, sc) = (bonds.choice(rows, head, tail) for head, tail in ((1, 0), (2, 1), (3, 2)))

    def of(seen: _Seen) -> Array:
        va, vb, vc = (_times(which, seen.vector) for which in (a, b, c))
        qa, qb, qc = (_times(which, seen.square) for which in (a, b, c))
        ab, bc = dot(va, vb) * _column(sa * sb, qa), dot(vb, vc) * _column(sb * sc, qa)
        ac = dot(va, vc) * _column(sa * sc, qa)
        area = jnp.maximum((qa * qb - ab**2) * (qb * qc - bc**2), 1e-8)
        cosine = (ab * bc - ac * qb) * jax.lax.rsqrt(area)
        twice = 2 * cosine**2 - 1
        v1, v2, v3 = (_column(rows[:, i] / 2, qa) for i in (4, 5, 6))
        return (v1 * (1 + cosine) + v2 * (1 - twice) + v3 * (1 + cosine * (2 * twice - 1))).sum(0)

    return of


def _pairs(p: Parameters) -> Callable[[Array], Array]:
    """Buffered 14-7 of van der Waals, and buffered Coulomb."""
    matrix, radius = _difference(p, p.pairs), p.pairs[:, 2]

    def of(x: Array) -> Array:
        vector = _times(matrix, x)
        r = jnp.sqrt(dot(vector, vector) + 1e-10)
        rest, seventh, deep = _column(radius, r), _column(radius**7, r), _column(p.pairs[:, 3], r)
        touch = deep * (1.07 * rest / (r + 0.07 * rest)) ** 7 * (1.12 * seventh / (r**7 + 0.12 * seventh) - 2)
        return (touch + _column(332.0716 * p.pairs[:, 4], r) / (r + 0.05)).sum(0)

    return of


def _inside(cosine: Array) -> Array:
    """Within the open interval on which arc functions have a slope."""
    edge = 1 - 1e-6
    return jnp.clip(cosine, -edge, edge)
