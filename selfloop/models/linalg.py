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


def solve_lower(lower: Array, right: Array) -> Array:
    """The Y [d, N] with lower Y = right [d, N], for a lower triangular [d, d]; a pivot of 0 gives a row of 0."""
    rows = []
    for j in range(lower.shape[0]):
        pivot = lower[j, j]
        row = jnp.where(pivot != 0, right[j] / jnp.where(pivot != 0, pivot, 1), 0)
        rows.append(row)
        right = right - lower[:, j][:, None] * row[None]
    return jnp.stack(rows)


def solve_root(lower: Array, right: Array) -> Array:
    """The Y [d, N] with A A^T Y = right [d, N], for a lower triangular A [d, d]; directions in which A is 0 get 0."""
    half = solve_lower(lower, right)
    # The transpose, turned end to end, is lower triangular again.
    return solve_lower(lower.T[::-1, ::-1], half[::-1])[::-1]


def log_normal(x: Array, mean: Array, covariance: Array) -> Array:
    """log N(x; mean, covariance) [N] of points [N, d]; NaN where the covariance is singular."""
    lower = root(covariance)
    pivots = jnp.diagonal(lower)
    regular = jnp.all(pivots > 0)
    whitened = solve_lower(lower, (x - mean[None]).T)
    volume = jnp.sum(jnp.log(jnp.where(regular, pivots, 1))) + x.shape[-1] / 2 * jnp.log(2 * jnp.pi)
    return jnp.where(regular, -jnp.sum(whitened**2, 0) / 2 - volume, jnp.nan)
