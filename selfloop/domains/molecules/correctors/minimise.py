"""Minimisation of the energy: physics that knows which conformers are good and nothing of how many there are.

The negative control: all that comes out lies near a minimum, and the law's spread is gone.
Letters: N conformers, A atoms.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch
from selfloop.correctors.fallback import fallback
from selfloop.correctors.strength import report
from selfloop.domains.molecules.forcefield import energy_and_gradient
from selfloop.domains.molecules.molecule import Molecule
from selfloop.errors import ConfigError
from selfloop.protocols import Corrector

STEP, FRICTION, LARGEST = 2e-4, 0.1, 200.0
"""A^2 mol/kcal; the share of the last step that is lost; the force on an atom (kcal/mol/A) above which it is cut."""


def minimise(known: Molecule, steps: int) -> Corrector:
    """``steps`` of gradient descent with momentum, v <- (1 - f) v - h g, x <- x + v, the force on each atom cut.

    Raises:
        ConfigError: fewer than 0 steps.
    """
    if steps < 0:
        raise ConfigError(f"steps is {steps}; give 0 or more")
    both = energy_and_gradient(known.field)

    @fallback
    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        def step(_: int, carry: tuple[Array, Array]) -> tuple[Array, Array]:
            x, speed = carry
            slope = both(x)[1]
            size = jnp.linalg.norm(slope, axis=-1, keepdims=True)
            speed = (1 - FRICTION) * speed - STEP * slope * jnp.minimum(1, LARGEST / (size + 1e-9))
            return x + speed, speed

        x, _ = jax.lax.fori_loop(0, steps, step, (batch.x, jnp.zeros_like(batch.x)))
        work = jnp.full_like(batch.weight, steps)
        return batch._replace(x=x), report(batch, x) | {"work": work}

    return correct
