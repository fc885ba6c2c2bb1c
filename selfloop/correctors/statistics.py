"""The idealised corrector of Gillman et al. (2024) on sufficient statistics (`selfloop.models.statistics`)."""

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from selfloop.batch import Batch
from selfloop.correctors.strength import report, share_kept, strength
from selfloop.models.states import GaussianState
from selfloop.models.statistics import bound, merge, single, standard_pair, transform, uniforms
from selfloop.protocols import Corrector


def replacement_statistics(target: GaussianState, gamma: ArrayLike, m: ArrayLike, most: int | None = None) -> Corrector:
    """pi_gamma by Bernoulli replacement, for a record of m points, exact in law.

        k ~ Binomial(m, tau), tau = 1 / (1 + gamma);   record of k points of the state + record of m - k of the target

    The k kept points are drawn here, from the state whose samples they are: of m independent points any k have one
    law. What was sampled before is therefore not looked at but for ``info["moved"]``, the Euclidean distance of the two
    records, and where nobody asks for that a compiler drops it. gamma = inf is legal; ``m`` and
    gamma may be traced (``most`` then bounds m). ``info["replaced"]`` [1] is m - k.

    Raises:
        ConfigError: for gamma < 0, or m outside 1 to ``most``.
    """
    strength(gamma)
    most, (d,), dtype = bound(m, most), target.mean.shape, target.mean.dtype
    below = binomial_cdf(m, share_kept(gamma, dtype), most)

    def correct(key: Array, batch: Batch, state: GaussianState) -> tuple[Batch, dict[str, Array]]:
        u = uniforms(key, d, most, dtype)
        k = jnp.minimum(jnp.sum(u[-1] >= below, dtype=jnp.int32), m)
        kept, drawn = standard_pair(u, k, m - k, d, most)
        parts = transform(kept, state), transform(drawn, target)
        both = Batch(jax.tree.map(lambda *leaves: jnp.stack(leaves), *parts), jnp.ones(2, dtype))
        result = single(merge(both))
        return result, report(batch, result.x) | {"replaced": (m - k)[None]}

    return correct


def binomial_cdf(m: ArrayLike, tau: Array, most: int) -> Array:
    """P(K <= i), i = 0 .. most - 1, of K ~ Binomial(m, tau): a uniform u gives K as the number of entries <= u.

    By adding one trial after the other: every term is positive, so that float32 keeps a relative 1e-6, and tau = 0
    and 1 are exact.
    """

    def trial(_: Array, p: Array) -> Array:
        return p * (1 - tau) + jnp.concatenate([jnp.zeros(1, p.dtype), p[:-1]]) * tau

    return jnp.cumsum(jax.lax.fori_loop(0, m, trial, jnp.zeros(most + 1, tau.dtype).at[0].set(1)))[:-1]
