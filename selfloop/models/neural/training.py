"""Training of a network in one scan, as a `Model`: AdamW, clipped gradients, averaged weights, minibatches by weight.

Diffusion and flow models of every domain are this and a `Subject`: what network, what loss, how to sample.
Shapes: N samples of a training set, B samples a step.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from selfloop.batch import Batch, uniform
from selfloop.errors import ConfigError
from selfloop.models.neural.denoiser import Compute, halved, overlaid
from selfloop.protocols import Model

CLIP = 1.0
"""The norm to which gradients are clipped."""
DECAY = 0.01
"""Weight decay."""


@dataclass(frozen=True)
class Training:
    """How a network is trained."""

    batch: int = 64
    """Samples a training step."""
    first_steps: int = 2000
    """Training steps of generation 0, on real data."""
    steps: int = 100
    """Fine-tuning steps of every later generation; one call of ``fit`` makes so many."""
    rate: float = 2e-3
    """Peak learning rate of generation 0; it falls by a cosine to `fine_rate`."""
    fine_rate: float = 3e-4
    """Learning rate of every later generation."""
    ema: float = 0.995
    """Decay a step of the averaged weights, which are the ones that sample."""


class Trained(NamedTuple):
    """A model between two generations."""

    params: Any
    average: Any
    """Exponential moving average of the weights."""
    optimiser: Any
    step: Array


class Subject(NamedTuple):
    """What is trained. Every key is consumed."""

    init: Callable[[Array], Any]
    """``init(key) -> params``."""
    loss: Callable[[Array, Any, Any, Any], Array]
    """``loss(key, params, x, cond)`` of B samples: a scalar."""
    sample: Callable[[Array, Any, Any, int], Any]
    """``sample(key, params, cond, n)``: n samples."""
    given: Callable[[Any], Any] = lambda x: x
    """How the samples [N, ...] look to ``loss``: scaled, transformed."""


def trained(subject: Subject, config: Training, compute: Compute = "float32") -> Model:
    """The model of a subject: ``fit`` runs ``config.steps`` steps in one compiled call.

    Minibatches are drawn with replacement in proportion to the weights: a sample of weight 0 is never seen. Its info is
    the mean ``loss`` of the last quarter of the steps. ``compute`` says what the blocks of a `denoiser` multiply in.
    Raises ConfigError for settings outside their range.
    """
    _check(config)
    optimiser = _optimiser(config)

    @jax.jit
    def init(key: Array) -> Trained:
        params = subject.init(key)
        return Trained(params, params, optimiser.init(params), jnp.asarray(0, jnp.int32))

    def step(data: Batch, carry: tuple[Trained, Any], key: Array) -> tuple[tuple[Trained, Any], Array]:
        state, half = carry
        key_rows, key_loss = jax.random.split(key)
        rows = draw_rows(key_rows, data.weight, config.batch)
        x, cond = jax.tree.map(lambda leaf: leaf[rows], (data.x, data.cond))
        value, slope = jax.value_and_grad(lambda params: subject.loss(key_loss, params, x, cond))(
            overlaid(state.params, half)
        )
        slope = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), slope)
        params, moments = updated(optimiser, slope, state.optimiser, state.params)
        average = optax.incremental_update(params, state.average, 1 - config.ema)
        return (Trained(params, average, moments, state.step + 1), halved(params, compute)), value

    @jax.jit
    def fit(key: Array, batch: Batch, state: Trained) -> tuple[Trained, dict[str, Array]]:
        data = batch._replace(x=subject.given(batch.x))
        keys = jax.random.split(key, config.steps)
        start = state, halved(state.params, compute)
        (state, _), losses = jax.lax.scan(lambda carry, key: step(data, carry, key), start, keys)
        return state, {"loss": jnp.mean(losses[-max(1, config.steps // 4) :])}

    @partial(jax.jit, static_argnames="n")
    def draw(key: Array, params: Any, cond: Any, n: int) -> Any:
        return subject.sample(key, overlaid(params, halved(params, compute)), cond, n)

    def sample(key: Array, state: Trained, cond: Any, n: int) -> Batch:
        return uniform(draw(key, state.average, cond, n), cond)

    return Model(init, fit, sample)


def draw_rows(key: Array, weight: Array, size: int) -> Array:
    """Indices [size] of rows drawn with replacement in proportion to their ``weight`` [N]; never one of weight 0."""
    edges = jnp.cumsum(weight)
    point = jax.random.uniform(key, (size,), weight.dtype) * edges[-1]
    rows = jnp.searchsorted(edges, point, side="right")
    # Rounding may put a point on the last edge itself: step back to the last row that has weight.
    return jnp.minimum(rows, jnp.searchsorted(edges, edges[-1], side="left"))


def updated(optimiser: optax.GradientTransformation, slope: Any, moments: Any, params: Any) -> tuple[Any, Any]:
    """Weights and the optimiser's moments after one step."""
    with jax.numpy_dtype_promotion("standard"):  # optax raises a Python float to an integer power
        change, moments = optimiser.update(slope, moments, params)
    return optax.apply_updates(params, change), moments


def _check(config: Training) -> None:
    if config.batch < 1 or config.steps < 1 or config.first_steps < 0 or not 0 <= config.ema < 1:
        raise ConfigError(
            f"batch {config.batch}, steps {config.steps}, ema {config.ema}: at least 1, at least 1, 0 to 1"
        )


def _optimiser(config: Training) -> optax.GradientTransformation:
    warm = max(1, min(100, config.first_steps // 4))
    rate = optax.warmup_cosine_decay_schedule(
        0.0, config.rate, warm, max(config.first_steps, warm + 1), config.fine_rate
    )
    return optax.chain(optax.clip_by_global_norm(CLIP), optax.adamw(rate, weight_decay=DECAY))
