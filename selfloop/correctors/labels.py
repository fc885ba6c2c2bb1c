"""Correctors of labels, for linear regression with a shared design: x = [design, label], columns d and 1.

The model with weights v labels a row z with z . v + noise; the truth is z . w + noise. Letters: N rows, d columns.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from selfloop.batch import Batch
from selfloop.correctors.fallback import fallback, select
from selfloop.correctors.strength import report, share_kept, strength
from selfloop.protocols import Corrector


def relabel(weights: ArrayLike, noise: ArrayLike, gamma: ArrayLike) -> Corrector:
    """pi_gamma on labels: each is kept with probability tau = 1 / (1 + gamma), else drawn anew from the truth.

        label ~ tau N(z . v, noise^2) + (1 - tau) N(z . w, noise^2),

    w = ``weights`` [d], ``noise`` a standard deviation. With wrong weights it is the corrector (or labeller) that is
    wrong on a share 1 - tau of the rows. gamma = 0 is the identity to the bit. Raises ConfigError for gamma < 0.
    """
    strength(gamma)

    @fallback
    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        key_choice, key_noise = jax.random.split(key)
        dtype = batch.x.dtype
        kept = jax.random.uniform(key_choice, batch.weight.shape, dtype) < share_kept(gamma, dtype)
        spread = jnp.asarray(noise, dtype) * jax.random.normal(key_noise, batch.weight.shape, dtype)
        label = batch.x[:, :-1] @ jnp.asarray(weights, dtype) + spread
        x = batch.x.at[:, -1].set(select(kept, batch.x[:, -1], label))
        return batch._replace(x=x), report(batch, x)

    return correct


def shrink_labels(weights: ArrayLike, gamma: ArrayLike) -> Corrector:
    """Labels as the model would give them whose weights are (v + gamma w) / (1 + gamma), with the same noise.

        label + (1 - tau) z . (w - v),    tau = 1 / (1 + gamma),

    w = ``weights`` [d], v = ``state.weights`` [d], as `models.regression` has them. It has no variance of its own.
    gamma = 0 is the identity to the bit, gamma = inf labels as the truth does. Raises ConfigError for gamma < 0.
    """
    strength(gamma)

    @fallback
    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        design, label = batch.x[:, :-1], batch.x[:, -1]
        moved = (1 - share_kept(gamma, batch.x.dtype)) * (design @ (jnp.asarray(weights, design.dtype) - state.weights))
        x = batch.x.at[:, -1].set(label + moved)
        return batch._replace(x=x), report(batch, x)

    return correct
