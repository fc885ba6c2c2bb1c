"""Errors of many generations as a discounted sum: what real data forget for the loop.

Where each generation trains on a share a of real data and 1 - a of the newest synthetic ones, an error made in
generation k reaches generation t with the factor (1 - a)^(t - k), its square with (1 - a)^(2 (t - k)). Errors made
independently of each other therefore add up as

    D_t = sum_{k=0}^{t} (1 - a)^(2 (t - k)) e_k,

e_k the squared error (a divergence: KL, chi^2, to second order) that generation k adds by itself. Source: the
discounted sum of score errors of arXiv 2602.16601, as recalled; not re-read; derived here from p' - p = (1 - a) (p_t -
p) + u. Letters: T generations.
"""

import jax.numpy as jnp
from jax import Array

from selfloop.stability.precision import Number, floats


def discounted(errors: Array, real_share: Number) -> Array:
    """``D_t`` [T + 1] of errors e [T + 1], the first that of generation 0; the share a lies in [0, 1]."""
    errors, a = floats(errors, real_share)
    t = jnp.arange(errors.shape[0], dtype=errors.dtype)
    age = t[:, None] - t[None]
    kept = jnp.where(age >= 0, (1 - a) ** (2 * jnp.maximum(age, 0)), 0)
    return kept @ errors


def discounted_limit(error: Number, real_share: Number) -> Array:
    """``e / (a (2 - a))``, where the sum tends with the same e every generation; inf without real data, a = 0."""
    error, a = floats(error, real_share)
    return error / (a * (2 - a))
