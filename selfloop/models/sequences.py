"""Token sequences with an end: what models of documents share.

A document is whole numbers [T]; token 0 ends it and fills what is behind it, and one that has not ended after T tokens
is cut. Shapes: N documents, T tokens.
"""

import jax.numpy as jnp
from jax import Array

END = 0
"""The token that ends a document."""


def counted(tokens: Array) -> Array:
    """Which tokens [N, T] a document is made of, bool: all before its end, and the end."""
    before = jnp.concatenate([jnp.ones_like(tokens[:, :1]), tokens[:, :-1]], 1)
    return before != END
