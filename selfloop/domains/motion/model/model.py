"""The motion diffusion model in the loop's protocol: init, fit and sample as compiled functions.

Shapes: N motions, T frames, D features a frame.
"""

from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
from jax import Array

from selfloop.domains.motion.data.features import hold
from selfloop.domains.motion.model.spectrum import Spectrum, from_waves, to_waves
from selfloop.models.neural import diffusion
from selfloop.models.neural.denoiser import DenoiserConfig, denoiser
from selfloop.models.neural.training import Subject, Training, trained
from selfloop.protocols import Model


@dataclass(frozen=True)
class MotionModelConfig(Training):
    """How the model is trained and sampled."""

    network: DenoiserConfig = field(default_factory=DenoiserConfig)
    label_drop: float = 0.1
    guidance: float = 1.0
    """Classifier-free guidance at sampling; 1 is none."""
    sample_steps: int = 20
    """DDIM steps."""


def motion_model(config: MotionModelConfig, by: Spectrum) -> Model:
    """A diffusion model of motion: samples are features [N, T, D] with conditions ``{"label", "length"}`` [N] int32.

    It is `training.trained` on standardised frequencies; ``by`` comes from the real data (`spectrum.spectrum`).
    Raises ConfigError for sizes that do not fit together.
    """
    network, c = denoiser(config.network), config.network

    def init(key: Array) -> Any:
        example = jnp.zeros((1, c.frames, c.features)), jnp.zeros(1), jnp.zeros(1, jnp.int32), jnp.ones(1, jnp.int32)
        return network.init(key, *example)

    def loss(key: Array, params: Any, x: Array, cond: dict[str, Array]) -> Array:
        predict = lambda *args: network.apply(params, *args)  # noqa: E731
        given = x, cond["label"], cond["length"]
        return diffusion.loss(key, predict, *given, unlabelled=c.labels, drop=config.label_drop)

    def sample(key: Array, params: Any, cond: dict[str, Array], n: int) -> Array:
        predict = lambda *args: network.apply(params, *args)  # noqa: E731
        if config.guidance != 1:
            predict = diffusion.guided(predict, config.guidance, c.labels)
        given = cond["label"], cond["length"]
        clean = diffusion.ddim(key, predict, *given, (c.frames, c.features), config.sample_steps)
        return hold(from_waves(clean, by), cond["length"])

    return trained(Subject(init, loss, sample, lambda x: to_waves(x, by)), config, c.compute)
