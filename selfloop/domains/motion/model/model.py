"""The motion diffusion model in the loop's protocol: init, fit and sample as compiled functions.

Shapes: N motions of a training set, B motions a step, T frames, D features a frame.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from selfloop.batch import Batch, uniform
from selfloop.domains.motion.data.features import hold
from selfloop.domains.motion.model.denoiser import Denoiser, DenoiserConfig, halved, overlaid
from selfloop.domains.motion.model.spectrum import Spectrum, from_waves, to_waves
from selfloop.errors import ConfigError
from selfloop.models.neural import diffusion
from selfloop.protocols import Model


@dataclass(frozen=True)
class MotionModelConfig:
    """How the model is trained and sampled."""

    network: DenoiserConfig = field(default_factory=DenoiserConfig)
    batch: int = 64
    """Motions a training step."""
    first_steps: int = 2000
    """Training steps of generation 0, on real data."""
    steps: int = 100
    """Fine-tuning steps of every later generation."""
    rate: float = 2e-3
    """Peak learning rate of generation 0; it falls by a cosine to `fine_rate`."""
    fine_rate: float = 3e-4
    """Learning rate of every later generation."""
    ema: float = 0.995
    """Decay a step of the averaged weights, which are the ones that sample."""
    label_drop: float = 0.1
    guidance: float = 1.0
    """Classifier-free guidance at sampling; 1 is none."""
    sample_steps: int = 20
    """DDIM steps."""


class MotionState(NamedTuple):
    """The model between two generations."""

    params: Any
    average: Any
    """Exponential moving average of the weights."""
    optimiser: Any
    step: Array


def motion_model(config: MotionModelConfig, by: Spectrum) -> Model:
    """A diffusion model of motion: samples are features [N, T, D] with conditions ``{"label", "length"}`` [N] int32.

    ``fit`` runs ``config.steps`` steps in one compiled call, on minibatches drawn in proportion to the weights: a
    sample of weight 0 is never seen. ``by`` comes from the real data (`spectrum.spectrum`).
    Raises ConfigError for sizes that do not fit together.
    """
    network, compute = _network(config), config.network.compute
    optimiser = _optimiser(config)

    @jax.jit
    def init(key: Array) -> MotionState:
        c = config.network
        example = jnp.zeros((1, c.frames, c.features)), jnp.zeros(1), jnp.zeros(1, jnp.int32), jnp.ones(1, jnp.int32)
        params = network.init(key, *example)
        return MotionState(params, params, optimiser.init(params), jnp.asarray(0, jnp.int32))

    def step(data: Batch, carry: tuple[MotionState, Any], key: Array) -> tuple[tuple[MotionState, Any], Array]:
        state, half = carry
        key_rows, key_loss = jax.random.split(key)
        rows = draw_rows(key_rows, data.weight, config.batch)
        x, label, length = data.x[rows], data.cond["label"][rows], data.cond["length"][rows]

        def objective(params: Any) -> Array:
            predict = lambda *args: network.apply(params, *args)  # noqa: E731
            unlabelled, drop = config.network.labels, config.label_drop
            return diffusion.loss(key_loss, predict, x, label, length, unlabelled=unlabelled, drop=drop)

        value, slope = jax.value_and_grad(objective)(overlaid(state.params, half))
        slope = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), slope)
        with jax.numpy_dtype_promotion("standard"):  # optax raises a Python float to an integer power
            change, moments = optimiser.update(slope, state.optimiser, state.params)
        params = optax.apply_updates(state.params, change)
        average = optax.incremental_update(params, state.average, 1 - config.ema)
        return (MotionState(params, average, moments, state.step + 1), halved(params, compute)), value

    @jax.jit
    def fit(key: Array, batch: Batch, state: MotionState) -> tuple[MotionState, dict[str, Array]]:
        data = batch._replace(x=to_waves(batch.x, by))
        keys = jax.random.split(key, config.steps)
        start = state, halved(state.params, compute)
        (state, _), losses = jax.lax.scan(lambda carry, key: step(data, carry, key), start, keys)
        return state, {"loss": jnp.mean(losses[-max(1, config.steps // 4) :])}

    def sample(key: Array, state: MotionState, cond: dict[str, Array], n: int) -> Batch:
        return uniform(_sample(key, state.average, cond["label"], cond["length"]), cond)

    @jax.jit
    def _sample(key: Array, params: Any, label: Array, length: Array) -> Array:
        c, weights = config.network, overlaid(params, halved(params, compute))
        predict = lambda *args: network.apply(weights, *args)  # noqa: E731
        if config.guidance != 1:
            predict = diffusion.guided(predict, config.guidance, c.labels)
        clean = diffusion.ddim(key, predict, label, length, (c.frames, c.features), config.sample_steps)
        return hold(from_waves(clean, by), length)

    return Model(init, fit, sample)


def draw_rows(key: Array, weight: Array, size: int) -> Array:
    """Indices [size] of rows drawn with replacement in proportion to their ``weight`` [N]; never one of weight 0."""
    edges = jnp.cumsum(weight)
    point = jax.random.uniform(key, (size,), weight.dtype) * edges[-1]
    rows = jnp.searchsorted(edges, point, side="right")
    # Rounding may put a point on the last edge itself: step back to the last row that has weight.
    return jnp.minimum(rows, jnp.searchsorted(edges, edges[-1], side="left"))


def _network(config: MotionModelConfig) -> Denoiser:
    c = config.network
    if c.frames % c.band or c.width % c.heads or c.width % 2:
        raise ConfigError(
            f"a network of {c.frames} frames, bands of {c.band}, width {c.width}, {c.heads} heads: the band must "
            "divide the frames, and the heads (and 2) the width"
        )
    if config.batch < 1 or config.steps < 1 or config.first_steps < 0 or not 0 <= config.ema < 1:
        raise ConfigError(
            f"batch {config.batch}, steps {config.steps}, ema {config.ema}: at least 1, at least 1, 0 to 1"
        )
    return Denoiser(c)


def _optimiser(config: MotionModelConfig) -> optax.GradientTransformation:
    warm = max(1, min(100, config.first_steps // 4))
    rate = optax.warmup_cosine_decay_schedule(
        0.0, config.rate, warm, max(config.first_steps, warm + 1), config.fine_rate
    )
    return optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(rate, weight_decay=0.01))
