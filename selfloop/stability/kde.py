"""Loops over kernel density estimates: the averaged law of generation t, exactly.

    E p_{t+1} = K_h * ((1 - w) p + w (tau E p_t + (1 - tau) p)),    E p_0 = K_h * p

with a kernel of standard deviation h, real share 1 - w, corrector's target p* = p the law of the data, tau =
1 / (1 + gamma). w = 1 is the fully synthetic loop. Averages over the loop's own randomness; one dimension.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.stability.precision import Number, floats


def kde_variance(variance: Number, h: Number, w: Number, gamma: Number, generations: int) -> Array:
    """The variance [T + 1] of E p_t: ``variance + h^2 sum_{i=0}^{t} r^i``, r = w tau.

    Bounded by variance + h^2 / (1 - r); at w = 1, gamma = 0 it grows by h^2 a generation.
    """
    variance, h, w, gamma = floats(variance, h, w, gamma)
    r = w / (1 + gamma)
    return variance + h**2 * jnp.cumsum(r ** jnp.arange(generations + 1, dtype=r.dtype))


@partial(jax.jit, static_argnames="generations")
def kde_characteristic(target: Array, kernel: Array, w: Number, gamma: Number, generations: int) -> Array:
    """The characteristic function [T + 1, ...] of E p_t, from those of the data and of the kernel at the same points.

        phi' = kernel ((1 - r) target + r phi),    phi_0 = kernel target

    It tends to kernel target (1 - r) / (1 - r kernel).
    """
    w, gamma = floats(w, gamma)
    r = w / (1 + gamma)

    def step(phi: Array, _: None) -> tuple[Array, Array]:
        return kernel * ((1 - r) * target + r * phi), phi

    return jax.lax.scan(step, kernel * target, length=generations + 1)[1]


def hermite_damping(order: Number, rho: Number, w: Number, gamma: Number, generations: int) -> Array:
    """The factor [T + 1, ...] on the Hermite coefficient of an order j in E p_t, where a model's kernel shrinks as
    well: a sample is rho x + sqrt(1 - rho^2) z, x of the training set, z normal. Such is a diffusion model that
    remembers its data and stops early; the kernel leaves N(0, 1) as it is.

        d' = rho^j (1 - r + r d),    d_0 = rho^j,    d -> (1 - r) rho^j / (1 - r rho^j),    r = w tau

    E He_j(x) under E p_t is d_t times that of the data: the limit is a mixture of the data smoothed once, twice, ...,
    with weights (1 - r) r^k. Source: arXiv 2606.13796, as recalled; not re-read; derived here (Mehler's formula).
    """
    (kernel,) = floats(rho)
    kernel = kernel ** floats(order)[0]
    return kde_characteristic(jnp.ones_like(kernel), kernel, w, gamma, generations)
