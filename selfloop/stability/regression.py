"""Test errors of loops over linear regression: y = x w* + noise, x ~ N(0, I_d), one design relabelled every generation.

E |w_t - w*|^2, an array [T + 1] whose entry t is the model of generation t (entry 0: fitted to real labels; the paper
counts it as model 1). Source: Gerstgrasser et al., COLM 2024; the corrected cases are derived in docs/stability.md.
Letters: d dimensions, N points a generation (N >= d + 2), T generations, sigma the noise of labels.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.errors import ConfigError
from selfloop.stability.precision import Number, floats


def one_fit(d: int, points: int, sigma: Number) -> Array:
    """``sigma^2 d / (N - d - 1)``: the error of one fit to real labels, averaged over designs.

    Raises ConfigError for N < d + 2, where it is infinite.
    """
    if points < d + 2:
        raise ConfigError(f"{points} points in {d} dimensions have no finite expected error; take {d + 2} or more")
    (sigma,) = floats(sigma)
    return sigma**2 * d / (points - d - 1)


def regression_replace(d: int, points: int, sigma: Number, generations: int, gamma: Number = 0.0) -> Array:
    """``one_fit sum_{i=0}^{t} tau^(2 i)``: labels by (w_t + gamma w*) / (1 + gamma), old ones discarded.

    At gamma = 0 it grows as t + 1; with gamma > 0 it stays below one_fit / (1 - tau^2).
    """
    (gamma,) = floats(gamma)
    terms = (1 + gamma) ** (-2 * jnp.arange(generations + 1, dtype=gamma.dtype))
    return one_fit(d, points, sigma) * jnp.cumsum(terms)


def regression_accumulate(d: int, points: int, sigma: Number, generations: int) -> Array:
    """``one_fit sum_{i=1}^{t+1} 1 / i^2``, below one_fit pi^2 / 6: all labels kept, no correction."""
    i = jnp.arange(1, generations + 2, dtype=jnp.result_type(float))
    return one_fit(d, points, sigma) * jnp.cumsum(1 / i**2)


@partial(jax.jit, static_argnames="generations")
def regression_replace_given(design: Array, sigma: Number, gamma: Number, generations: int) -> Array:
    """`regression_replace` for one design [N, d], where each label is drawn from w_t or w* (probability tau, 1 - tau).

    The coin adds to a label's variance tau (1 - tau) (x_i (w_t - w*))^2. With P = (X^T X)^-1 X^T and the covariance S
    of the error:  S' = tau^2 S + P diag(sigma^2 + tau (1 - tau) x_i S x_i^T) P^T,  S_0 = sigma^2 (X^T X)^-1.
    """
    sigma, gamma, design = floats(sigma, gamma, design)
    tau = 1 / (1 + gamma)
    pseudo = jnp.linalg.solve(design.T @ design, design.T)

    def step(s: Array, _: None) -> tuple[Array, Array]:
        spread = sigma**2 + tau * (1 - tau) * jnp.sum((design @ s) * design, 1)
        return tau**2 * s + (pseudo * spread[None]) @ pseudo.T, jnp.trace(s)

    return jax.lax.scan(step, sigma**2 * pseudo @ pseudo.T, length=generations + 1)[1]
