"""Policies: what the next generation trains on.

A policy is a pair of pure functions, ``start(real, capacity) -> memory`` and
``select(key, t, real, corrected, memory) -> (Batch, memory)``. It only mixes: which samples are good is the corrector's
business, told by weights. Letters: n real points, m synthetic slots a generation, t generation (1 is the first one
that sees synthetic data).
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from selfloop.batch import Batch, concatenate, empty, keep, take
from selfloop.errors import ConfigError
from selfloop.protocols import Policy


def synthetic_count(lam: float, n: int) -> int:
    """floor(lambda n), the number of synthetic samples beside n real ones.

    A relative 1e-6 is forgiven, so that lambda = 0.29 beside 100 real points gives 29 and not 28. Raises ConfigError
    for a lambda below 0, and for one above 0 that asks for less than one sample.
    """
    _ratio(lam)
    count = int(lam * n * (1 + 1e-6))
    if lam > 0 and count == 0:
        raise ConfigError(
            f"lambda is {lam}, which beside {n} real points is less than one synthetic point: "
            f"give 0, or at least {1 / n:.3g}"
        )
    return count


def _unless(wrong: Array, batch: Batch) -> Batch:
    """The batch, with NaN for weights where something is wrong that cannot be raised under a trace."""
    return batch._replace(weight=jnp.where(wrong, jnp.nan, batch.weight).astype(batch.weight.dtype))


def _ratio(lam: float) -> None:
    try:
        fits = 0 <= float(lam) < float("inf")
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise ConfigError(
            f"lambda is {lam}; it is the number of synthetic samples per real one: give a finite number, 0 or more"
        )


def augment(lam: ArrayLike) -> Policy:
    """The n real points and the newest floor(lambda n) synthetic ones; older synthetic data are discarded.

    ``lam`` may be traced: it then weighs the first floor(lambda n) of the m slots, and one compiled program serves
    every lambda; where m is less than that, all weights are NaN, so that no result is taken for another lambda's.
    This is Algorithm 1 of Gillman et al. (2024), the loop of Bertrand et al. (2024), "synthetic augmentation" of
    Alemohammad et al. (2024). Raises ConfigError where a concrete lambda is below 0 or, once n and m are known, asks
    for less than one synthetic point or for more than m.
    """
    concrete = not isinstance(lam, jax.core.Tracer)
    if concrete:
        _ratio(lam)

    def select(key: Array, t: Array, real: Batch, corrected: Batch, memory: Any) -> tuple[Batch, Any]:
        m = corrected.capacity
        if concrete and (count := synthetic_count(float(lam), real.capacity)) > m:
            raise ConfigError(
                f"lambda asks for {count} synthetic samples beside {real.capacity} real ones; there are {m}"
            )
        count = jnp.floor(jnp.asarray(lam, real.weight.dtype) * real.capacity * (1 + 1e-6)).astype(jnp.int32)
        newest = keep(corrected, jnp.arange(m, dtype=jnp.int32) < count)
        return _unless(count > m, concatenate(real, newest)), memory

    return Policy(lambda real, capacity: (), select, (lambda n: synthetic_count(float(lam), n)) if concrete else None)


def weighted(share: ArrayLike) -> Policy:
    """The real points and the newest synthetic ones, as n + m points of which the real ones count the share x.

        weight of a real point: x (n + m) / n,    of a synthetic one: (1 - x) (n + m) / m

    where n and m count the points present, each by its own weight. x = n / (n + m) is plain pooling, x = 1 forgets the
    synthetic points; a loop with fresh real data is most accurate in between, at a golden ratio for n = m (He, Xu and
    Cheng, 2025). ``share`` may be traced. Raises ConfigError where a concrete one is not in [0, 1].
    """
    if not isinstance(share, jax.core.Tracer) and not 0 <= float(share) <= 1:
        raise ConfigError(f"the share of real data is {float(share)}; it lies between 0 (none) and 1 (all)")

    def select(key: Array, t: Array, real: Batch, corrected: Batch, memory: Any) -> tuple[Batch, Any]:
        x = jnp.asarray(share, real.weight.dtype)
        n, m = jnp.sum(real.weight), jnp.sum(corrected.weight)
        old = real._replace(weight=real.weight * x * (n + m) / n)
        # Where all synthetic samples failed, the real ones are all there is.
        new = corrected._replace(weight=corrected.weight * (1 - x) * (n + m) / jnp.where(m > 0, m, 1))
        return concatenate(old, new), memory

    return Policy(lambda real, capacity: (), select)


def mixed(share: float) -> Policy:
    """As many points as there are synthetic slots, a share of them real, drawn anew every generation.

    Of n real and m synthetic points, round(share m) real ones (n at most), without replacement, and the first of the
    others. Shumailov et al. (2024) keep 10 % of the original data so. Raises ConfigError where the share is not in
    [0, 1].
    """
    if not 0 <= share <= 1:
        raise ConfigError(f"the share of real data is {share}; it lies between 0 (none) and 1 (all)")

    def select(key: Array, t: Array, real: Batch, corrected: Batch, memory: Any) -> tuple[Batch, Any]:
        count = min(round(share * corrected.capacity), real.capacity)
        own = keep(real, jax.random.permutation(key, real.capacity) < count)
        others = keep(corrected, jnp.arange(corrected.capacity, dtype=jnp.int32) < corrected.capacity - count)
        return concatenate(own, others), memory

    return Policy(lambda real, capacity: (), select)


def replace() -> Policy:
    """The newest synthetic samples alone: the fully synthetic loop. Real data are seen by generation 0 only."""
    return Policy(lambda real, capacity: (), lambda key, t, real, corrected, memory: (corrected, memory))


def growing(first: Array | float, power: Array | float) -> Policy:
    """The newest synthetic samples alone, more of them every generation: the first floor(first t^power) of the m slots.

    With a power above 1 the variances 1 / m_t that generations add have a finite sum, and a loop without real data
    stays bounded (superlinear growth, arXiv 2505.13947; `stability.recursions.replace_sizes`); with 1 they grow as log
    t. Both may be traced. Where m is less than a generation asks for, all weights are NaN under a trace. Raises
    ConfigError where a concrete ``first`` is below 1, a power below 0, or a known generation asks for more than m
    samples.
    """
    for name, value, least in (("first", first, 1), ("power", power, 0)):
        if not isinstance(value, jax.core.Tracer) and not least <= float(value) < float("inf"):
            raise ConfigError(f"{name} is {float(value)}; sample sizes first * t^power need a finite {least} or more")

    def select(key: Array, t: Array, real: Batch, corrected: Batch, memory: Any) -> tuple[Batch, Any]:
        m = corrected.capacity
        size = jnp.asarray(first, jnp.float32) * jnp.asarray(t, jnp.float32) ** jnp.asarray(power, jnp.float32)
        count = jnp.floor(size * (1 + 1e-6)).astype(jnp.int32)
        if not isinstance(count, jax.core.Tracer) and int(count) > m:
            raise ConfigError(f"generation {int(t)} asks for {int(count)} synthetic samples; there are {m}")
        newest = keep(corrected, jnp.arange(m, dtype=jnp.int32) < count)
        return _unless(count > m, newest), memory

    return Policy(lambda real, capacity: (), select)


def accumulate() -> Policy:
    """The real points and every synthetic sample so far (Gerstgrasser et al. 2024)."""

    def select(key: Array, t: Array, real: Batch, corrected: Batch, memory: Batch) -> tuple[Batch, Batch]:
        full, memory = _remember(t, corrected, memory)
        return _unless(full, concatenate(real, memory)), memory

    return Policy(empty, select)


def accumulate_subsample() -> Policy:
    """n points drawn without replacement from the real points and every synthetic sample so far (Kazdan et al. 2024).

    Drawing is by weight (the n largest of Gumbel + log weight), so that failed samples are never drawn; those drawn
    count once each.
    """

    def select(key: Array, t: Array, real: Batch, corrected: Batch, memory: Batch) -> tuple[Batch, Batch]:
        full, memory = _remember(t, corrected, memory)
        pool = concatenate(real, memory)
        score = jnp.log(pool.weight) + jax.random.gumbel(key, pool.weight.shape, pool.weight.dtype)
        drawn = take(pool, jax.lax.top_k(score, real.capacity)[1])
        return _unless(full, drawn._replace(weight=jnp.sign(drawn.weight))), memory

    return Policy(empty, select)


def _remember(t: Array, corrected: Batch, memory: Batch) -> tuple[Array, Batch]:
    """Write generation t's samples into its own slots of the memory; and whether it was full, which is an error."""
    m, capacity = corrected.capacity, memory.capacity
    known = not isinstance(t, jax.core.Tracer)
    if m > capacity or (known and int(t) * m > capacity):
        raise ConfigError(
            f"generation {int(t) if known else 't'} does not fit in a memory of {capacity} synthetic samples; "
            f"begin with begin(loop, key, generations), or start with capacity generations * {m}"
        )
    at = (t - 1) * m
    memory = jax.tree.map(
        lambda slots, new: jax.lax.dynamic_update_slice_in_dim(slots, new.astype(slots.dtype), at, axis=0),
        memory,
        corrected,
    )
    return t * m > capacity, memory


def golden_share(lam: ArrayLike) -> Array:
    """The share x of real data under which a loop with n fresh real points and lambda n synthetic ones errs least.

        x = 2 / (1 + sqrt(1 + 4 lambda))

    1 / the golden ratio at lambda = 1 (He, Xu and Cheng, 2025; `stability.golden`, without a corrector).
    """
    return 2 / (1 + jnp.sqrt(1 + 4 * jnp.asarray(lam)))


POLICIES: dict[str, Callable[[Any], Policy]] = {
    "augment": augment,
    "replace": lambda lam: replace(),
    "tenth": lambda lam: mixed(0.1),
    "accumulate": lambda lam: accumulate(),
    "accumulate_subsample": lambda lam: accumulate_subsample(),
    "weighted": lambda lam: weighted(golden_share(lam)),
}
"""Policies by name, ``make(lam) -> Policy``. Only ``augment`` may be given a traced lambda. ``weighted`` takes the
`golden_share` of it; under the others the number of synthetic samples says it."""
