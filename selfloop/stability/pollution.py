"""A polluted pool of Gaussians: K models publish beside humans, and the next K are fitted to what a crawler keeps.

Humans publish x ~ N(0, 1), model k publishes N(m_k, T^2 v_k) with a sampling temperature T. Of what is kept a share s
is synthetic, from any of the K models alike; each next model takes mean and unbiased variance of n documents of its own
drawing. With V = E v, Q = E m^2, B = E (mean of the m_k)^2, and P the variance of the kept pool,

    P = (1 - s) + s T^2 V + s Q - s^2 B,    V' = P,    Q' = s^2 B + P / n,    B' = s^2 B + P / (n K)

exactly. So the variance settles at (1 - s) / (1 - s T^2 - c / n) with c = s - s^2 / (K (1 + s)): a bias that only T, s
decide, and a noise of order 1 / n that more families halve and quarter. Derived here.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from selfloop.errors import ConfigError


def kept_share(published: Any, tpr: Any, fpr: Any, flagged: Any = 0.0) -> Any:
    """The synthetic share s among what is kept, where a share ``published`` of all documents is synthetic.

        s = published u / (published u + (1 - published) w),    u = 1 - tpr (1 - flagged),  w = 1 - fpr (1 - flagged)

    ``tpr`` of the synthetic and ``fpr`` of the human documents are flagged, and count ``flagged`` of an unflagged one:
    0 where they are filtered out.
    """
    synthetic, human = (1 - rate * (1 - flagged) for rate in (tpr, fpr))
    return published * synthetic / (published * synthetic + (1 - published) * human)


def human_probability(flag: Any, published: Any, tpr: Any, fpr: Any) -> Any:
    """Bayes: the probability that a document is human, given whether it is flagged (1 or 0)."""
    human = (1 - published) * (flag * fpr + (1 - flag) * (1 - fpr))
    synthetic = published * (flag * tpr + (1 - flag) * (1 - tpr))
    return human / (human + synthetic)


def stationary_variance(s: float, temperature: float, n: float = math.inf, families: int = 1) -> float:
    """The variance V at which the loop settles, ``(1 - s) / (1 - s T^2 - c / n)``.

    Raises ConfigError for a share outside [0, 1), and where there is no such point.
    """
    _check(s, temperature)
    left = 1 - s * temperature**2 - (s - s**2 / (families * (1 + s))) / n
    if not left > 0:
        raise ConfigError(
            f"at a kept share of {s} and temperature {temperature} with n = {n} the variance has no bound"
        )
    return (1 - s) / left


def stationary_mean_square(s: float, temperature: float, n: float, families: int = 1) -> float:
    """E m^2 of one model where the loop has settled: ``V / n (1 + s^2 / (K (1 - s^2)))``."""
    v = stationary_variance(s, temperature, n, families)
    return v / n * (1 + s**2 / (families * (1 - s**2)))


class Web(NamedTuple):
    """The models of a pool."""

    mean: Array
    """[K]."""
    variance: Array
    """[K]."""


def gaussian_web(
    key: Array,
    s: ArrayLike,
    temperature: ArrayLike,
    n: int,
    families: int,
    steps: int,
    dtype: Any = jnp.float32,
) -> Web:
    """The K models after 0 .. ``steps`` steps [steps + 1, K]; share and temperature may be traced."""
    s, temperature = jnp.asarray(s, dtype), jnp.asarray(temperature, dtype)

    def fitted(x: Array) -> Web:
        return Web(x.mean(1), x.var(1, ddof=1))

    def step(now: Web, key: Array) -> tuple[Web, Web]:
        key_kind, key_model, key_noise = jax.random.split(key, 3)
        shape = (families, n)
        synthetic = jax.random.uniform(key_kind, shape, dtype) < s
        who = jax.random.randint(key_model, shape, 0, families)
        noise = jax.random.normal(key_noise, shape, dtype)
        made = now.mean[who] + temperature * jnp.sqrt(now.variance)[who] * noise
        after = fitted(jnp.where(synthetic, made, noise))
        return after, after

    key_first, key_rest = jax.random.split(key)
    first = fitted(jax.random.normal(key_first, (families, n), dtype))
    rest = jax.lax.scan(step, first, jax.random.split(key_rest, steps))[1]
    return jax.tree.map(lambda one, more: jnp.concatenate([one[None], more]), first, rest)


def expected_web(s: float, temperature: float, n: int, families: int, steps: int) -> list[tuple[float, float]]:
    """(E v, E m^2) after 0 .. ``steps`` steps, by the exact recursion."""
    _check(s, temperature)
    v, q, b = 1.0, 1 / n, 1 / (n * families)
    found = [(v, q)]
    for _ in range(steps):
        pool = (1 - s) + s * temperature**2 * v + s * q - s**2 * b
        v, q, b = pool, s**2 * b + pool / n, s**2 * b + pool / (n * families)
        found.append((v, q))
    return found


def _check(s: float, temperature: float) -> None:
    if not 0 <= s < 1:
        raise ConfigError(
            f"the synthetic share kept is {s}; give 0 to below 1: without human documents nothing settles"
        )
    if not temperature > 0:
        raise ConfigError(f"the temperature is {temperature}; give a number above 0")
