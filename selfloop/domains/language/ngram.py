"""Witten-Bell n-gram language model with hashed contexts: counts in tables, its likelihood exact.

The probability of token y after the context h of the last k tokens mixes what followed h with the context one shorter:

    p_k(y | h) = (c(h, y) + t(h) p_{k-1}(y | h')) / (c(h) + t(h)),    p_{-1} = 1 / V

where c counts (by weight), t(h) is the number of different tokens seen after h, and a context never seen has
p_k = p_{k-1} (Witten and Bell, 1991). Contexts are rows of a table: short ones have a row each, long ones share
2^bits rows by a hash, which is one more coarse-graining of contexts: the model is a law like any other, and sums to 1.
A document ends with token 0, or after T tokens. Shapes: N documents, T tokens, V symbols with the end, K orders.
"""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch, uniform
from selfloop.errors import ConfigError
from selfloop.models.sequences import END, counted
from selfloop.protocols import Model

Counts = tuple[Array, ...]
"""Of every order k = 0 .. K-1 the table [rows, V] of how often each symbol followed each context of k tokens."""
PIECE = 512
"""Documents whose likelihood is computed at a time."""


@dataclass(frozen=True)
class NgramConfig:
    """The sizes of a model."""

    symbols: int
    """V, the end among them."""
    length: int
    """T, after which a document that has not ended is cut."""
    order: int = 6
    """K: a token is predicted from the K-1 before it."""
    bits: int = 17
    """A table has at most 2^bits rows."""
    clock: tuple[int, ...] = ()
    """A number for every place in a document [T], part of every context: places with one number share their counts.
    Empty: all places do. Strings of a fixed layout need one, or an n-gram loses its place."""

    @property
    def hours(self) -> int:
        """How many numbers the clock has."""
        return max(self.clock, default=0) + 1

    def rows(self, k: int) -> int:
        """Rows of the table of order k."""
        return min(self.hours * self.symbols**k, 2**self.bits)

    def exact(self, k: int) -> bool:
        """Whether every context of k tokens has its own row."""
        return self.hours * self.symbols**k <= 2**self.bits


def ngram(config: NgramConfig, temperature: float = 1.0, dtype: Any = jnp.float32) -> Model:
    """The n-gram of the documents it was last fitted to, x int32 [N, T]; sampling is by ``p^(1/temperature)``.

    ``log_prob`` [N] (nats) is that of temperature 1: what was learned, not how it is sampled. Raises ConfigError for a
    temperature that is not above 0, an order or number of bits below 1, or a clock that has not T numbers.
    """
    check(config, temperature)

    def init(key: Array) -> Counts:
        return tuple(jnp.zeros((config.rows(k), config.symbols), dtype) for k in range(config.order))

    def fit(key: Array, batch: Batch, state: Counts) -> tuple[Counts, dict[str, Array]]:
        tokens = batch.x
        weight = (batch.weight.astype(dtype)[:, None] * counted(tokens).astype(dtype)).reshape(-1)
        tables = []
        for k, rows in enumerate(contexts(config, tokens)):
            at = rows.reshape(-1) * config.symbols + tokens.reshape(-1)
            flat = jnp.zeros(config.rows(k) * config.symbols, dtype).at[at].add(weight)
            tables.append(flat.reshape(-1, config.symbols))
        return tuple(tables), {}

    def sample(key: Array, state: Counts, cond: None, n: int) -> Batch:
        return uniform(written(key, config, state, n, temperature))

    return Model(init, fit, sample, lambda state, x: log_prob(config, state, x))


def check(config: NgramConfig, temperature: float) -> None:
    """ConfigError for sizes and temperatures that cannot be."""
    if not temperature > 0:
        raise ConfigError(f"the temperature is {temperature}; give a number above 0")
    for name, value in (("order", config.order), ("bits", config.bits), ("length", config.length)):
        if value < 1:
            raise ConfigError(f"the {name} is {value}; give 1 or more")
    if config.symbols < 2:
        raise ConfigError(f"{config.symbols} symbols; give 2 or more, the end among them")
    if config.clock and len(config.clock) != config.length:
        raise ConfigError(f"the clock has {len(config.clock)} numbers for {config.length} places; give one each")
    if not config.exact(0):
        raise ConfigError(f"the clock goes to {config.hours - 1}, tables have 2^{config.bits} rows; give more bits")


def contexts(config: NgramConfig, tokens: Array) -> list[Array]:
    """The row of every order's table [N, T] that predicts each token."""
    wide = jnp.pad(tokens, ((0, 0), (config.order - 1, 0)))
    past = [wide[:, config.order - 1 - k : wide.shape[1] - k] for k in range(1, config.order)]
    return rows_of(config, jnp.broadcast_to(_clock(config)[None], tokens.shape), past)


def rows_of(config: NgramConfig, hour: Array, past: list[Array]) -> list[Array]:
    """Rows by order, int32, of contexts whose k-th last token is ``past[k - 1]``, at the clock's ``hour``."""
    found, own, mixed = [hour], hour, hour.astype(jnp.uint32) + jnp.uint32(1)
    for k, token in enumerate(past, 1):
        mixed = (mixed ^ (token.astype(jnp.uint32) + jnp.uint32(_odd(k)))) * jnp.uint32(0x9E3779B1)
        mixed = mixed ^ (mixed >> jnp.uint32(15))
        if config.exact(k):
            own = own * config.symbols + token
            found.append(own)
        else:
            found.append(((mixed * jnp.uint32(0x85EBCA6B)) >> jnp.uint32(32 - config.bits)).astype(jnp.int32))
    return found


def log_prob(config: NgramConfig, state: Counts, tokens: Array) -> Array:
    """Log-likelihood [N] of documents [N, T] in nats: exact, of the end too."""
    sums = [table.sum(1) for table in state]
    types = [(table > 0).sum(1).astype(table.dtype) for table in state]

    known, short = smoothed(config, state)

    def some(tokens: Array) -> Array:
        every = contexts(config, tokens)
        p = short[every[known], tokens]
        for k in range(known + 1, config.order):
            rows = every[k]
            p = _mixed(state[k][rows, tokens], sums[k][rows], types[k][rows], p)
        return jnp.where(counted(tokens), jnp.log(p), 0).sum(1)

    return jax.lax.map(lambda row: some(row[None])[0], tokens, batch_size=PIECE)


def written(
    key: Array, config: NgramConfig, state: Counts, n: int, temperature: float = 1.0, bias: Array | None = None
) -> Array:
    """n documents [n, T], token by token, by inversion: one uniform number a token.

    ``bias`` [V, V], where given, is added to the logits of the next token by the token before (a watermark). The key is
    consumed.
    """
    uniforms, short = jax.random.uniform(key, (config.length, n), state[0].dtype), smoothed(config, state)

    def step(carry: tuple[Array, Array], now: tuple[Array, Array]) -> tuple[tuple[Array, Array], Array]:
        past, ended = carry
        u, hour = now
        rows = rows_of(config, jnp.broadcast_to(hour, (n,)), [past[k] for k in range(config.order - 1)])
        p = next_token(state, rows, *short)
        p = p if temperature == 1 else p ** (1 / temperature)
        if bias is not None:
            last = past[0] if config.order > 1 else jnp.zeros(n, jnp.int32)
            p = p * jnp.exp(bias)[last]
        total = jnp.cumsum(p, 1)
        token = (total < (u * total[:, -1])[:, None]).sum(1, dtype=jnp.int32)
        token = jnp.where(ended, END, jnp.minimum(token, config.symbols - 1))
        past = jnp.concatenate([token[None], past[:-1]]) if config.order > 1 else past
        return (past, ended | (token == END)), token

    start = jnp.zeros((max(config.order - 1, 1), n), jnp.int32), jnp.zeros(n, bool)
    return jax.lax.scan(step, start, (uniforms, _clock(config)))[1].T


def smoothed(config: NgramConfig, state: Counts) -> tuple[int, Array]:
    """The longest order k whose contexts all have rows of their own, and its table of p_k [rows, V]."""
    p, last = jnp.full((1, config.symbols), 1 / config.symbols, state[0].dtype), 0
    for k in range(config.order):
        if config.exact(k):
            # A context without its oldest token has the row divided by V; order 0 rests on the one row of p_{-1}.
            below = jnp.repeat(p, config.hours if k == 0 else config.symbols, 0)
            p, last = _after(state[k], below), k
    return last, p


def next_token(state: Counts, rows: list[Array], known: int, short: Array) -> Array:
    """Probabilities [..., V] of the next token after contexts of these rows, from the `smoothed` short ones."""
    p = short[rows[known]]
    for table, at in zip(state[known + 1 :], rows[known + 1 :], strict=True):
        p = _after(table[at], p)
    return p


def bits_per_token(config: NgramConfig, state: Counts, tokens: Array) -> tuple[Array, Array]:
    """Bits of each document [N] and the tokens it is made of [N], the end among them."""
    return -log_prob(config, state, tokens) / np.log(2), counted(tokens).sum(1).astype(state[0].dtype)


def shorter(state: Counts, order: int) -> Counts:
    """The same model as if it had seen contexts of fewer than ``order`` tokens alone."""
    return tuple(table if k < order else jnp.zeros_like(table) for k, table in enumerate(state))


def _after(count: Array, p: Array) -> Array:
    """p_k [..., V] of counts [..., V] and p_{k-1} [..., V]."""
    return _mixed(count, count.sum(-1, keepdims=True), (count > 0).sum(-1, keepdims=True).astype(count.dtype), p)


def _mixed(count: Array, total: Array, types: Array, p: Array) -> Array:
    return jnp.where(total > 0, (count + types * p) / jnp.where(total > 0, total + types, 1), p)


def _clock(config: NgramConfig) -> Array:
    return jnp.asarray(config.clock or (0,) * config.length, jnp.int32)


def _odd(k: int) -> int:
    """A fixed odd number for the k-th last token."""
    return (0x27D4EB2F * (2 * k + 1)) % 2**32 | 1
