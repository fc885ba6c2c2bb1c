"""Kernel density: every training sample is kept and carries a Gaussian bump. N samples, C capacity, d dimensions."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch, uniform
from selfloop.errors import ConfigError
from selfloop.models.limits import at_least, columns, enough, positive
from selfloop.protocols import Model


class KernelState(NamedTuple):
    """The samples that carry the bumps."""

    points: Array  # [C, d]
    weights: Array  # [C], sum 1; 0 in slots that hold no sample


def kernel_density(bandwidth: float, capacity: int, d: int = 1, dtype: jnp.dtype = jnp.float32) -> Model:
    """p(x) = sum_i w_i N(x; x_i, bandwidth^2 I): a fit remembers its samples, up to ``capacity`` of them.

    A sample is a training sample plus noise, so each generation adds bandwidth^2 to the variance. The state is no
    coordinates (it has as many freedoms as data), so no rate is to be had from it; the loop's law has closed forms of
    its own. Raises ConfigError where the bandwidth is not above 0, capacity or d are below 1, or a batch is empty or
    larger than the capacity.
    """
    positive(bandwidth, "the bandwidth")
    at_least(1, capacity, "the capacity")
    at_least(1, d, "d, the number of dimensions,")

    def init(key: Array) -> KernelState:
        return KernelState(jnp.zeros((capacity, d), dtype), jnp.full(capacity, 1 / capacity, dtype))

    def fit(key: Array, batch: Batch, state: KernelState) -> tuple[KernelState, dict]:
        enough(batch, 1, "a kernel density")
        columns(batch, d, "a kernel density")
        spare = capacity - batch.capacity
        if spare < 0:
            raise ConfigError(
                f"the training set has {batch.capacity} samples, the kernel density room for {capacity}: "
                f"give capacity {batch.capacity} or more"
            )
        share = batch.weight / jnp.sum(batch.weight)
        return KernelState(jnp.pad(batch.x, ((0, spare), (0, 0))), jnp.pad(share, (0, spare))), {}

    def sample(key: Array, state: KernelState, cond: None, n: int) -> Batch:
        key_point, key_noise = jax.random.split(key)
        index = jax.random.choice(key_point, capacity, (n,), p=state.weights)
        return uniform(state.points[index] + bandwidth * jax.random.normal(key_noise, (n, d), dtype))

    def log_prob(state: KernelState, x: Array) -> Array:
        apart = jnp.sum((x[:, None] - state.points[None]) ** 2, -1) / bandwidth**2
        volume = d * (jnp.log(bandwidth) + jnp.log(2 * jnp.pi) / 2)
        # The logarithm of an empty slot's weight 0 is -inf, and its bump is left out.
        return jax.scipy.special.logsumexp(jnp.log(state.weights)[None] - apart / 2, 1) - volume

    return Model(init, fit, sample, log_prob)
