"""Small linear algebra without LAPACK, for models that are fitted a million times under `vmap`.

On a CPU jaxlib's batched LAPACK calls run one matrix at a time, and two of them at once can wait for each other for
ever (seen with jaxlib 0.10.2 on two cores); unrolled over a few dimensions the same is plain vector arithmetic.
"""

import jax.numpy as jnp
from jax import Array


def root(covariance: Array) -> Array:
    """The lower triangular A [d, d] with A A^T = covariance, also of a singular positive semi-definite one.

    Cholesky's algorithm, column by column; a pivot that rounding alone can produce counts as 0, and so does its column.
    """
    d = covariance.shape[0]
    noise = jnp.max(jnp.diagonal(covariance)) * d * jnp.finfo(covariance.dtype).eps
    rest, columns = covariance, []
    for j in range(d):
        pivot = rest[j, j]
        real = (pivot > noise) & (jnp.arange(d) >= j)
        column = jnp.where(real, rest[:, j] / jnp.sqrt(jnp.where(pivot > noise, pivot, 1)), 0)
        columns.append(column)
        rest = rest - column[:, None] * column[None]
    return jnp.stack(columns, 1)
