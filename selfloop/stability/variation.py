"""Total variation of a loop that has run t generations: first it rises with the amount of synthetic data, then falls.

A Gaussian's mean, variance 1 known; n real points, the same every generation, m = lambda n synthetic ones, no
correction. With w = m / (n + m) and x the real points' mean, mu_t is normal and

    E (mu_t - x)^2 = m / (n (n + 2 m)) (1 - w^(2 t)),    E (mu_t - mu*)^2 = 1 / n + that

exactly. As m grows the share of real data falls, which loses, and the copies get exact, which gains: at fixed t both
ends are harmless, and the worst lambda grows as about 2 t / log(4 t). For every lambda and t the second is below 1.5 /
n: a constant share of real data suffices. Sources: the phase transition of Fu et al., ICML 2024 (arXiv 2402.11778), and
the recursive stability of Fu et al., arXiv 2502.18865, as recalled; not re-read; this exact case derived here.
"""

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.stability.precision import Number, floats


def copy_error(n: Number, m: Number, t: Number) -> Array:
    """E (mu_t - x)^2: how far the model of generation t is from that of generation 0; m above 0."""
    n, m, t = floats(n, m, t)
    return m / (n * (n + 2 * m)) * (1 - (m / (n + m)) ** (2 * t))


def normal_variation(s: Number) -> Array:
    """``(2 / pi) arctan(sqrt(s) / 2)``: E TV(N(e, 1), N(0, 1)) for e ~ N(0, s), from TV = 2 Phi(|e| / 2) - 1."""
    (s,) = floats(s)
    return 2 / jnp.pi * jnp.arctan(jnp.sqrt(s) / 2)


def worst_ratio(t: Number) -> Array:
    """The lambda at which `copy_error` of generation t is largest, by golden section in log lambda; 1 at t = 1.

    About 2 t / log(4 t) for many generations, where (1 - 1 / (2 lambda)) (1 - exp(-2 t / lambda)) is largest.
    """
    (t,) = floats(t)
    golden = (5**0.5 - 1) / 2

    def shrink(bounds: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], None]:
        low, high = bounds
        left, right = high - golden * (high - low), low + golden * (high - low)
        rising = copy_error(1.0, jnp.exp(left), t) < copy_error(1.0, jnp.exp(right), t)
        return (jnp.where(rising, left, low), jnp.where(rising, high, right)), None

    start = (jnp.full_like(t, -1.0), jnp.log(10 * t + 10))
    low, high = jax.lax.scan(shrink, start, length=60)[0]
    return jnp.exp((low + high) / 2)
