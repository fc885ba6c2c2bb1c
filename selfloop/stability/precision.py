"""Numbers of any kind as arrays of the session's floating-point precision."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

Number = ArrayLike


def floats(*values: Number) -> list[Array]:
    """Each value as a float64 array (float32 where x64 is off); traced ones stay traced."""
    return [jnp.asarray(value, jnp.result_type(float)) for value in values]
