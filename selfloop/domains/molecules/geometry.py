"""Distances, angles and dihedrals of conformers. Letters: N conformers, A atoms, K tuples of atoms."""

import jax.numpy as jnp
import numpy as np
from jax import Array


def distances(x: Array, pairs: np.ndarray) -> Array:
    """Distances [N, K] of the atoms of pairs [K, 2] in x [N, A, 3]."""
    return jnp.linalg.norm(x[:, pairs[:, 0]] - x[:, pairs[:, 1]], axis=-1)


def angles(x: Array, triples: np.ndarray) -> Array:
    """Angles [N, K] in 0 to pi at the middle atoms of triples [K, 3]."""
    a, b = x[:, triples[:, 0]] - x[:, triples[:, 1]], x[:, triples[:, 2]] - x[:, triples[:, 1]]
    return jnp.arctan2(jnp.linalg.norm(jnp.cross(a, b), axis=-1), (a * b).sum(-1))


def dihedrals(x: Array, quadruples: np.ndarray) -> Array:
    """Dihedral angles [N, K] in -pi to pi about the middle bonds of quadruples [K, 4]; 0 is cis."""
    a, b, c, d = (x[:, quadruples[:, i]] for i in range(4))
    axis = c - b
    one, two = jnp.cross(b - a, axis), jnp.cross(axis, d - c)
    sine = (jnp.cross(one, two) * axis).sum(-1) / jnp.linalg.norm(axis, axis=-1)
    return jnp.arctan2(sine, (one * two).sum(-1))


def wrapped(angle: Array) -> Array:
    """The same angle in -pi to pi."""
    return (angle + jnp.pi) % (2 * jnp.pi) - jnp.pi


def volumes(x: Array, quadruples: np.ndarray) -> Array:
    """Signed volumes [N, K] of three bonds of an atom: atom, and three neighbours (rows [K, 4])."""
    a, b, c = (x[:, quadruples[:, i]] - x[:, quadruples[:, 0]] for i in (1, 2, 3))
    return (jnp.cross(a, b) * c).sum(-1)
