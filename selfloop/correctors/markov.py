"""Markov kernels as correctors: Metropolis-adjusted Langevin (MALA) and Hamiltonian Monte Carlo (HMC) at a known law.

k steps of a reversible kernel P whose invariant law is p* make of samples of law p samples of law p P^k: no
f-divergence from p* grows, and each eigenmode of P contracts by its eigenvalue kappa_i^k, so that the correction's
strength is bought with steps, mode by mode (`selfloop.stability.mixing`). Physics, where the law is Boltzmann's.

A kernel of our own: MALA is HMC of one leapfrog step, so that both are thirty lines over all samples at once, and a
domain need not install a sampler's package (a test holds them to BlackJAX's where that is installed).
Letters: N samples, k steps, L leapfrog steps, h step size, S step sizes, F functions, T times.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch, finite_rows
from selfloop.correctors.fallback import fallback, select
from selfloop.correctors.strength import report
from selfloop.errors import ConfigError
from selfloop.protocols import Corrector

LogDensity = Callable[[Any], Array]
"""``log_density(x)`` [N] of samples (a pytree of real leaves [N, ...]), each by itself; any constant may be added."""


class Place(NamedTuple):
    """Where N chains are."""

    x: Any
    value: Array
    """log p* [N]."""
    slope: Any
    """Its gradient, shaped as x."""


def langevin(log_density: LogDensity, steps: Array | int, step_size: Array | float, scale: Any = None) -> Corrector:
    """k steps of the Metropolis-adjusted Langevin algorithm (MALA), whose invariant law is exp ``log_density``.

        y = x + h^2/2 s^2 grad log p*(x) + h s xi,    xi ~ N(0, I),

    taken with probability min(1, p*(y) q(x | y) / (p*(x) q(y | x))): `hmc` of one leapfrog step, argument by argument.
    The physics time of k steps is k h^2 / 2 in units of the overdamped diffusion dx = grad log p* dt + sqrt(2) dW.

    Source: Roberts and Tweedie, Bernoulli 1996; Neal, Handbook of MCMC, 2011, section 5.5.2.
    """
    return hmc(log_density, steps, step_size, 1, scale)


def hmc(
    log_density: LogDensity, steps: Array | int, step_size: Array | float, leapfrog: int, scale: Any = None
) -> Corrector:
    """k steps of Hamiltonian Monte Carlo, L leapfrog steps of length h each, with fresh momenta N(0, I) every time.

    Metropolised, so that p* is invariant at every h. ``info["accepted"]`` [N] is the share of the k proposals that were
    taken, ``info["work"]`` [N] the number of gradients of log p* that a sample cost, k L + 1. A sample at which log p*
    or its gradient is not finite fails: the law does not know it. k and h may be traced.

    Args:
        log_density: ``log_density(x)`` [N]; the temperature is in it.
        steps: k, 0 or more.
        step_size: h, or several [S] of which each sample takes one at random every step (a mixture of reversible
            kernels is reversible): long steps mix, short ones free samples that came from afar.
        leapfrog: L.
        scale: s, a pytree of one array a leaf of x that broadcasts over a sample: the leaf's natural length
            (a diagonal mass 1 / s^2); None: 1.

    Raises:
        ConfigError: k below 0, L below 1, an h that is not above 0.

    Source: Duane et al., Physics Letters B 1987; Neal, 2011.
    """
    check(steps, step_size, leapfrog)

    @fallback
    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        dtype, n = batch.weight.dtype, batch.capacity
        sizes, lengths = jnp.atleast_1d(jnp.asarray(step_size, dtype)), scales(scale, batch.x)
        place = at(log_density, batch.x)

        def step(i: Array, carry: tuple[Place, Array]) -> tuple[Place, Array]:
            place, accepted = carry
            of_size, of_momentum, of_choice = jax.random.split(jax.random.fold_in(key, i), 3)
            h = sizes[jax.random.randint(of_size, (n,), 0, len(sizes))]
            momentum = normal(of_momentum, place.x)
            ahead, after = _leapfrog(log_density, place, momentum, h, lengths, leapfrog)
            gain = ahead.value - _kinetic(after, n) - place.value + _kinetic(momentum, n)
            taken = jnp.log(jax.random.uniform(of_choice, (n,), dtype)) < gain.astype(dtype)
            taken &= jnp.isfinite(gain) & finite_rows((ahead.x, ahead.slope), n)
            return select(taken, ahead, place), accepted + taken.astype(dtype)

        end, accepted = jax.lax.fori_loop(0, steps, step, (place, jnp.zeros(n, dtype)))
        share = accepted / jnp.maximum(jnp.asarray(steps, dtype), 1)
        work = jnp.full(n, jnp.asarray(steps, dtype) * leapfrog + 1)
        told = report(batch, end.x) | {"accepted": share, "work": work}
        return batch._replace(x=end.x), told | {"failed": ~finite_rows((place.value, place.slope), n)}

    return correct


def trace(
    corrector: Corrector, key: Array, batch: Batch, observe: Callable[[Any], Array], times: int
) -> tuple[Batch, Array]:
    """Functions along chains: ``observe(x)`` [N, F] of the batch and after each of T corrections, [N, T + 1, F].

    The corrector is one link of the chain (a kernel of few steps); with samples of p* to start from, what
    `selfloop.stability.mixing` predicts a strength from.
    """

    def link(batch: Batch, t: Array) -> tuple[Batch, Array]:
        batch, _ = corrector(jax.random.fold_in(key, t), batch, None)
        return batch, observe(batch.x)

    end, seen = jax.lax.scan(link, batch, jnp.arange(times))
    return end, jnp.concatenate([observe(batch.x)[None], seen]).swapaxes(0, 1)


def at(log_density: LogDensity, x: Any) -> Place:
    """log p* and its gradient at N samples, by one reverse pass over all of them."""
    value, pull = jax.vjp(log_density, x)
    return Place(x, value, pull(jnp.ones_like(value))[0])


def drift(place: Place, scale: Any, h: Array) -> Any:
    """h s grad log p*, shaped as x, for step sizes h [N]."""
    return jax.tree.map(lambda slope, s: _column(h, slope) * s * slope, place.slope, scale)


def normal(key: Array, x: Any) -> Any:
    """Standard normals shaped as x, each leaf from its own key."""
    leaves, form = jax.tree.flatten(x)
    keys = jax.random.split(key, len(leaves))
    return form.unflatten([jax.random.normal(k, v.shape, v.dtype) for k, v in zip(keys, leaves, strict=True)])


def push(x: Any, by: Any, scale: Any, h: Array) -> Any:
    """x + h s by, for step sizes h [N]."""
    return jax.tree.map(lambda leaf, p, s: leaf + _column(h, leaf) * s * p, x, by, scale)


def scales(scale: Any, x: Any) -> Any:
    """s shaped as x."""
    if scale is None:
        return jax.tree.map(jnp.ones_like, x)
    return jax.tree.map(lambda leaf, s: jnp.broadcast_to(jnp.asarray(s, leaf.dtype)[None], leaf.shape), x, scale)


def check(steps: Array | int, step_size: Array | float, leapfrog: int = 1) -> None:
    """ConfigError for what no kernel can do, as far as it is known."""
    if not isinstance(steps, jax.core.Tracer) and not int(steps) >= 0:
        raise ConfigError(f"steps is {int(steps)}; a correction takes 0 steps (none) or more")
    known = not any(isinstance(one, jax.core.Tracer) for one in jax.tree.leaves(step_size))
    if known and not (np.asarray(step_size) > 0).all():
        raise ConfigError(f"step_size is {step_size}; give a length above 0 (or several), in units of scale")
    if not leapfrog >= 1:
        raise ConfigError(f"leapfrog is {leapfrog}; a proposal takes 1 leapfrog step (Langevin) or more")


def _leapfrog(
    log_density: LogDensity, place: Place, momentum: Any, h: Array, scale: Any, steps: int
) -> tuple[Place, Any]:
    """L leapfrog steps of Hamilton's equations: reversible, and of volume 1."""

    def once(_: Array, carry: tuple[Place, Any]) -> tuple[Place, Any]:
        place, p = carry
        p = jax.tree.map(jnp.add, p, drift(place, scale, h / 2))
        ahead = at(log_density, push(place.x, p, scale, h))
        return ahead, jax.tree.map(jnp.add, p, drift(ahead, scale, h / 2))

    return jax.lax.fori_loop(0, steps, once, (place, momentum))


def _kinetic(momentum: Any, n: int) -> Array:
    """|p|^2 / 2 [N]."""
    return sum((leaf**2).reshape(n, -1).sum(1) / 2 for leaf in jax.tree.leaves(momentum))


def _column(h: Array, like: Array) -> Array:
    return h.reshape(-1, *[1] * (like.ndim - 1)).astype(like.dtype)
