"""Sums as strings: a + b = c, digit by digit from the least, interleaved: a0 b0 c0 a1 b1 c1 ...

A program knows whether such a string is right, and can compute c anew. Operands are log-uniform, so that their first
digits have Benford's law. So laid out, a carry is the only thing that reaches from one digit to the next.
Shapes: N strings, T = 3 D + 1 tokens: digit + 1, and the end.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

DIGITS = 5
"""D; sums fit, as operands lie below 10^D / 2."""
LENGTH = 3 * DIGITS + 1
SYMBOLS = 11
POWERS = tuple(10**i for i in range(DIGITS))


def draw(key: Array, n: int) -> tuple[Array, Array]:
    """n pairs of operands, int32: floor(10^u) with u uniform from 0 to log10(10^D / 2 - 1)."""
    top = np.log10(10**DIGITS / 2 - 1)
    exponents = jax.random.uniform(key, (2, n), jnp.float32) * jnp.float32(top)
    a, b = jnp.floor(10.0**exponents).astype(jnp.int32)
    return a, b


def written(a: Array, b: Array, c: Array | None = None) -> Array:
    """Strings int32 [N, T] of operands and their sum, or another result."""
    c = a + b if c is None else c
    digits = jnp.stack([(x[:, None] // jnp.asarray(POWERS, jnp.int32)[None]) % 10 for x in (a, b, c)], 2) + 1
    return jnp.pad(digits.reshape(len(a), 3 * DIGITS), ((0, 0), (0, 1)))


def read(x: Array) -> tuple[Array, Array, Array, Array]:
    """Operands and result [N] of strings, and whether they are well formed; the numbers of others mean nothing."""
    digits = x[:, :-1] - 1
    formed = (digits >= 0).all(1) & (x[:, -1] == 0)
    numbers = jnp.maximum(digits, 0).reshape(len(x), DIGITS, 3) * jnp.asarray(POWERS, jnp.int32)[None, :, None]
    a, b, c = (numbers[:, :, i].sum(1) for i in range(3))
    return a, b, c, formed


def right(x: Array) -> Array:
    """Whether strings are well formed and their sums right, bool [N]."""
    a, b, c, formed = read(x)
    return formed & (c == (a + b) % 10**DIGITS)


def leading(value: Array) -> Array:
    """The number of digits and the first of them as one of 10 D cells, int32 [N]; 0 for 0."""
    size = sum((value >= power).astype(jnp.int32) for power in POWERS)
    first = value // jnp.asarray((1, *POWERS), jnp.int32)[size]
    return jnp.where(value > 0, 10 * (size - 1) + first, 0)


def shares(a: Array, b: Array, weight: Array) -> Array:
    """Histogram of both operands by `leading` [10 D]."""
    cells = jnp.zeros(10 * DIGITS, weight.dtype).at[leading(a)].add(weight).at[leading(b)].add(weight)
    return cells / cells.sum()


def true_shares() -> np.ndarray:
    """`shares` of the law of `draw`: P(value = k) = log10((k + 1) / k) / log10(top), added up in cells."""
    top = 10**DIGITS // 2 - 1
    edges = np.log10(np.arange(1, top + 1))
    mass = np.diff(edges) / edges[-1]
    cells = np.zeros(10 * DIGITS)
    np.add.at(cells, np.asarray(leading(jnp.arange(1, top, dtype=jnp.int32))), mass)
    return cells
