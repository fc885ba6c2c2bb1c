"""Boltzmann's law of a molecule's conformers, restricted to its own form: the density that physics correctors know.

    p*(x) = exp(-E(x) / (k T)) / Z    where x has the molecule's chirality and its amides are trans, else 0

Units: kcal/mol, angstroms, kelvin, g/mol. Letters: N conformers, A atoms.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.correctors.markov import LogDensity
from selfloop.domains.molecules.forcefield import Parameters, energy
from selfloop.domains.molecules.molecule import Molecule

BOLTZMANN = 0.0019872043
"""k, kcal/mol/K."""
LIGHT, HEAVY = 3.0, 12.0
"""Masses of hydrogen and of all other atoms in sampling, where only positions count: alike ones allow longer steps."""


def speeds(field: Parameters, temperature: float) -> np.ndarray:
    """Thermal speeds sqrt(k T / m) [A, 1], the natural lengths of a kernel; its step size is then a time."""
    masses = np.where(np.array(field.elements) == 1, LIGHT, HEAVY)
    return np.sqrt(BOLTZMANN * temperature / masses)[:, None]


def boltzmann(known: Molecule, temperature: float) -> LogDensity:
    """``log_density(x [N, A, 3]) -> [N]``: log p* but for a constant, - infinity where x has another form."""
    of, heat = energy(known.field), BOLTZMANN * temperature

    def log_density(x: Array) -> Array:
        return jnp.where(known.own_form(x), -of(x) / heat, -jnp.inf)

    return log_density
