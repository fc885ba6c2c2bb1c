"""Table of the correctors of molecules: everything that an arm may name. A new one is one row.

The number in a name is k, how many gradients of the energy a conformer costs: what they have in common.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch
from selfloop.correctors.fallback import fallback
from selfloop.correctors.idealized import replacement
from selfloop.correctors.markov import hmc, langevin
from selfloop.domains.molecules.coordinates import framed, prepared
from selfloop.domains.molecules.correctors.minimise import minimise
from selfloop.domains.molecules.molecule import Molecule
from selfloop.domains.molecules.physics import boltzmann, speeds
from selfloop.protocols import Corrector

LEAPFROG = 10
"""Gradients a trajectory of HMC."""
STEPS = (0.033, 0.016)
"""Times of a leapfrog step, half of the trajectories each: long ones mix, short ones free what came from afar."""
LANGEVIN = (0.045, 0.016)
"""The same of a Langevin step."""
BUDGETS = (20, 80, 320, 1280)


class Known(NamedTuple):
    """What correctors may know."""

    molecule: Molecule
    temperature: float
    spare: Array
    """Real conformers [., A, 3] that the loop does not hold."""
    gamma: float


class Entry(NamedTuple):
    """One corrector of the table."""

    make: Callable[[Known], Corrector]
    pointwise: bool = False
    """Whether it looks at each conformer alone and uses no key."""


def hamiltonian(known: Known, budget: int) -> Corrector:
    """HMC at Boltzmann's law for ``budget`` gradients."""
    law, lengths = boltzmann(known.molecule, known.temperature), speeds(known.molecule.field, known.temperature)
    return hmc(law, max(budget // LEAPFROG, 1), STEPS, LEAPFROG, lengths)


def diffusing(known: Known, budget: int) -> Corrector:
    """Metropolis-adjusted Langevin at Boltzmann's law for ``budget`` gradients."""
    law, lengths = boltzmann(known.molecule, known.temperature), speeds(known.molecule.field, known.temperature)
    return langevin(law, budget, LANGEVIN, lengths)


def ideal(known: Known) -> Corrector:
    """A share gamma / (1 + gamma) replaced by real conformers that the loop does not hold."""

    def draw(key: Array, count: int) -> Array:
        return known.spare[jax.random.randint(key, (count,), 0, len(known.spare))]

    return replacement(draw, known.gamma)


def settled(known: Molecule, corrector: Corrector) -> Corrector:
    """The corrector, its conformers labelled and in their own frame again; ``moved`` is `apart`."""

    @fallback
    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        after, info = corrector(key, batch, state)
        x = prepared(known, after.x)
        moved = jnp.where(batch.weight > 0, apart(known, batch.x, x), 0)
        return after._replace(x=x), info | {"moved": moved}

    return jax.jit(correct)


def apart(known: Molecule, one: Array, other: Array) -> Array:
    """Root mean square distance of atoms [N] between conformers [N, A, 3], each in its own frame (A)."""
    return jnp.sqrt(((framed(known, one) - framed(known, other)) ** 2).sum(-1).mean(-1))


CORRECTORS: dict[str, Entry] = {
    "minimise": Entry(lambda known: minimise(known.molecule, 40), pointwise=True),
    "ideal": Entry(ideal),
    **{f"langevin_{k}": Entry(partial(diffusing, budget=k)) for k in BUDGETS},
    **{f"hmc_{k}": Entry(partial(hamiltonian, budget=k)) for k in BUDGETS},
}
"""Every corrector of molecules by its name."""


def make(name: str, known: Known) -> Corrector:
    """A corrector of the table."""
    return settled(known.molecule, CORRECTORS[name].make(known))
