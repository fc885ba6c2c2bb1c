"""What a learner of a discrete law has never seen. Letters: K symbols."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike


def unseen_mass(p: Array, counts: Array) -> Array:
    """The probability under p [K] of a symbol whose count [K] (or learned probability) is 0.

    It is the error of a lookup table, which is right where it has seen (Dohmatob et al., A Tale of Tails, ICML 2024).
    """
    return jnp.sum(jnp.where(counts > 0, 0, p))


def expected_unseen_mass(p: Array, n: ArrayLike) -> Array:
    """``sum_i p_i (1 - p_i)^n``: the mean of `unseen_mass` over n independent draws of p [K].

    For Zipf's law of exponent beta it falls like n^-(1 - 1/beta).
    """
    return jnp.sum(p * jnp.exp(n * jnp.log1p(-p)))
