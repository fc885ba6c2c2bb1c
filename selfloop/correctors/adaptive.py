"""Correctors that learn, in other manners: frozen after their first lesson, or guarded by an audit of their own.

Letters: N samples, G parts of the data, B resamples.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch
from selfloop.correctors.fallback import select
from selfloop.correctors.lessons import Scale, folds, rows, scale_of
from selfloop.errors import ConfigError
from selfloop.metrics import contraction
from selfloop.metrics.points import Sample
from selfloop.protocols import Adaptive, Corrector

SALT = 1
"""Of the guard's split, so that it is none of a corrector's own folds."""


def frozen(adaptive: Adaptive) -> Adaptive:
    """The corrector as it is after its first lesson, in generation 1; the control of learning on."""

    def adapt(key: Array, t: Array, real: Batch, raw: Batch, own: Any) -> Any:
        lesson = lambda: adaptive.adapt(key, t, real, raw, own)  # noqa: E731
        if isinstance(t, jax.core.Tracer):
            return jax.lax.cond(t <= 1, lesson, lambda: own)
        return lesson() if int(t) <= 1 else own

    return adaptive._replace(adapt=adapt)


class Guarded(NamedTuple):
    """What a guarded corrector has learned."""

    inner: Any
    scale: Scale
    on: Array
    """Whether it corrects, a bool."""
    gamma: Array
    """What the last audit said, 1 / rho - 1; NaN before one and where the raw samples cannot be told from real ones."""


def guarded(adaptive: Adaptive, parts: int = 4, level: float = 0.9, resamples: int = 200) -> Adaptive:
    """The corrector, but off as long as its own audit does not find its strength above 0.

    One in ``parts`` real samples and as many of the current ones are kept from its lessons (which ones, their own bits
    decide: a real sample is never taught in one generation and used to judge in another). On those it is on where the
    upper ``level`` limit of

        MMD^2(corrected, real) - MMD^2(raw, real)

    lies below 0, by the Bayesian bootstrap and the kernel of `selfloop.audit`: effective gamma surely above 0. Off, the
    samples stay as they are. ``info["on"]`` [N] says which. Early samples of a good model cannot be told from real
    ones: nothing is corrected then, which is what there is to correct. Raises ConfigError for fewer than 2 parts or a
    level outside (0.5, 1).
    """
    if parts < 2 or not 0.5 < level < 1:
        raise ConfigError(f"parts is {parts} and level {level}; give 2 parts or more, and a level between 0.5 and 1")

    def start(key: Array, real: Batch) -> Guarded:
        return Guarded(adaptive.start(key, real), scale_of(real), jnp.zeros((), bool), jnp.full((), jnp.nan))

    def adapt(key: Array, t: Array, real: Batch, raw: Batch, own: Guarded) -> Guarded:
        of_lesson, of_correction, of_draws = jax.random.split(key, 3)
        apart = [folds(batch.x, parts, SALT) == 0 for batch in (real, raw)]
        taught = [_only(batch, ~one) for batch, one in zip((real, raw), apart, strict=True)]
        inner = adaptive.adapt(of_lesson, t, *taught, own.inner)
        judged = [_only(batch, one) for batch, one in zip((real, raw), apart, strict=True)]
        fixed, info = adaptive.corrector(inner)(of_correction, judged[1], None)
        fixed = _only(fixed, ~info["failed"])
        on, gamma = _judged(of_draws, *judged, fixed, own.scale, level, resamples)
        return Guarded(inner, own.scale, on, gamma)

    def corrector(own: Guarded) -> Corrector:
        inner = adaptive.corrector(own.inner)

        def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
            done, info = inner(key, batch, state)
            ill = info["failed"]
            keep = jnp.broadcast_to(own.on, batch.weight.shape) | ill
            x, weight = select(keep, (done.x, done.weight), (batch.x, batch.weight))
            info = {name: value if name == "failed" else jnp.where(keep, value, 0) for name, value in info.items()}
            on = jnp.where(ill, 0, own.on.astype(batch.weight.dtype))
            return batch._replace(x=x, weight=weight), info | {"on": on}

        return correct

    return Adaptive(start, adapt, corrector)


def _only(batch: Batch, here: Array) -> Batch:
    return batch._replace(weight=jnp.where(here, batch.weight, 0))


@partial(jax.jit, static_argnums=(5, 6))
def _judged(
    key: Array, real: Batch, raw: Batch, fixed: Batch, scale: Scale, level: float, resamples: int
) -> tuple[Array, Array]:
    target, before, after = (_sample(batch, scale) for batch in (real, raw, fixed))
    on = contraction.ground(key, before, target, resamples)
    squares = [contraction.arm(on, one).square for one in (before, after)]
    gain = squares[1] - squares[0]
    surely = (jnp.quantile(gain[1:], level) < 0) & jnp.isfinite(gain).all()
    rho = jnp.sqrt(jnp.maximum(squares[1][0], 0) / squares[0][0])
    gamma = jnp.where(squares[0][0] > 0, 1 / jnp.maximum(rho, 1e-3) - 1, jnp.nan)
    return surely, gamma.astype(jnp.result_type(float))


def _sample(batch: Batch, scale: Scale) -> Sample:
    points = jnp.where((batch.weight > 0)[:, None], rows(batch.x, scale), 0)
    unit = jnp.arange(batch.capacity, dtype=jnp.int32)
    return Sample(points, batch.weight.astype(points.dtype), unit)
