"""The idealised corrector pi_gamma of Gillman et al. (2024), which mixes the model's law with the target's."""

from collections.abc import Callable
from typing import Any

import jax
from jax import Array
from jax.typing import ArrayLike

from selfloop.batch import Batch
from selfloop.correctors.fallback import fallback, select
from selfloop.correctors.strength import report, share_kept, strength
from selfloop.protocols import Corrector


def replacement(draw: Callable[[Array, int], Any], gamma: ArrayLike) -> Corrector:
    """pi_gamma by Bernoulli replacement: each sample is kept with probability tau = 1 / (1 + gamma), else redrawn.

        (p + gamma p*) / (1 + gamma)

    is exactly the law of the result where the samples have law p and ``draw(key, N)`` draws N points of p*, shaped as
    the samples are (any pytree of leaves [N, ...], of any dtype). gamma = 0 is the identity to the bit; gamma = inf is
    legal and replaces all. Weights stay. Raises ConfigError for gamma < 0.
    """
    strength(gamma)

    @fallback
    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        key_choice, key_draw = jax.random.split(key)
        dtype = batch.weight.dtype
        kept = jax.random.uniform(key_choice, batch.weight.shape, dtype) < share_kept(gamma, dtype)
        x = select(kept, batch.x, draw(key_draw, batch.capacity))
        return batch._replace(x=x), report(batch, x)

    return correct
