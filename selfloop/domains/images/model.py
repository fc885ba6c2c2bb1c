"""The models of the loop: diffusion and flow of labelled images or of points, variational autoencoders.

Samples are [N, H, W] from 0 to 1, or points [N, 1, 2]; conditions are labels [N], or None where there are none.
Shapes: N samples, B samples a step, H rows, W columns, K classes.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.domains.images.data.plane import PLANES
from selfloop.domains.images.settings import ImageSettings
from selfloop.engine.domain import Data
from selfloop.models.neural import diffusion, flow
from selfloop.models.neural.denoiser import Denoiser, DenoiserConfig, denoiser
from selfloop.models.neural.training import Subject, Training, trained
from selfloop.models.neural.unet import UNet, UNetConfig, unet
from selfloop.models.neural.vae import VAEConfig, endless, vae
from selfloop.protocols import Model

LABEL_DROP = 0.1
"""Share of labels that are hidden in training, where samples are guided."""


class Pixels(NamedTuple):
    """A network, and how samples look to it."""

    network: Denoiser | UNet
    middle: float
    deviation: float
    bounded: bool
    """Whether samples lie between 0 and 1."""

    @property
    def classes(self) -> int:
        """The number K of labels; K itself is no label."""
        return self.network.config.labels

    @property
    def shape(self) -> tuple[int, int]:
        """Of a sample."""
        return self.network.config.frames, self.network.config.features

    def given(self, x: Array) -> Array:
        """Samples of zero mean and unit variance."""
        return (x - self.middle) / self.deviation

    def shown(self, x: Array) -> Array:
        """The samples again."""
        x = x * self.deviation + self.middle
        return jnp.clip(x, 0, 1) if self.bounded else x


def perceptron(rows: int, columns: int, classes: int, width: int, layers: int) -> Denoiser:
    """The residual perceptron: a denoiser of one band."""
    return denoiser(
        DenoiserConfig(
            frames=rows, features=columns, labels=classes, band=rows, width=width, layers=layers, compute="float32"
        )
    )


def convolutional(rows: int, columns: int, classes: int, width: int, layers: int) -> UNet:
    """The U-Net of ``width`` channels and ``layers`` residual blocks a level."""
    return unet(UNetConfig(rows, columns, classes, width, layers))


NETWORKS: dict[str, Callable[[int, int, int, int, int], Any]] = {"perceptron": perceptron, "unet": convolutional}
"""``make(rows, columns, classes, width, layers)``: the networks of diffusion and flow by name."""


def pixels(x: np.ndarray, classes: int, width: int, layers: int, network: str = "perceptron") -> Pixels:
    """A network of `NETWORKS` for samples like x [N, H, W]; points are those of one row."""
    rows, columns = x.shape[1:]
    made = NETWORKS[network](rows, columns, classes, width, layers)
    return Pixels(made, float(np.mean(x)), float(np.std(x)), rows > 1)


def diffusion_of(on: Pixels, guidance: float, sample_steps: int, temperature: float = 1.0) -> Subject:
    """Denoising diffusion under the label, DDIM with classifier-free guidance."""

    def init(key: Array) -> Any:
        return on.network.init(key, jnp.zeros((1, *on.shape)), jnp.zeros(1), jnp.zeros(1, jnp.int32))

    def loss(key: Array, params: Any, x: Array, cond: Any) -> Array:
        predict = lambda *args: on.network.apply(params, *args)  # noqa: E731
        return diffusion.loss(key, predict, x, _labels(cond, len(x)), None, unlabelled=on.classes, drop=LABEL_DROP)

    def sample(key: Array, params: Any, cond: Any, n: int) -> Array:
        predict = lambda *args: on.network.apply(params, *args)  # noqa: E731
        if guidance != 1:
            predict = diffusion.guided(predict, guidance, on.classes)
        return on.shown(diffusion.ddim(key, predict, _labels(cond, n), None, on.shape, sample_steps, temperature))

    return Subject(init, loss, sample, on.given)


def flow_of(on: Pixels, sample_steps: int) -> Subject:
    """Flow matching with optimal transport pairs under the label."""

    def velocity(params: Any) -> flow.Velocity:
        return lambda x, time, label: on.network.apply(params, x, time, label)

    def loss(key: Array, params: Any, x: Array, cond: Any) -> Array:
        return flow.loss(key, velocity(params), x, _labels(cond, len(x)))

    def sample(key: Array, params: Any, cond: Any, n: int) -> Array:
        return on.shown(flow.carried(key, velocity(params), _labels(cond, n), on.shape, sample_steps))

    return diffusion_of(on, 1.0, 1)._replace(loss=loss, sample=sample)


def model(settings: ImageSettings, data: Data) -> Model:
    """The model that the settings name."""
    x = np.asarray(data.real.x)
    if settings.model.startswith("vae"):
        config = vae_config(settings, x.shape[1:])
        return vae(config) if settings.model == "vae" else endless(config)
    classes = 1 if settings.data in PLANES else data.own.real.classes
    on = pixels(x, classes, settings.width, settings.layers, settings.network)
    training = Training(
        batch=settings.batch, first_steps=settings.first_steps[0], steps=settings.steps[0], rate=settings.rate,
        fine_rate=settings.fine_rate,
    )  # fmt: skip
    if settings.model == "flow":
        return trained(flow_of(on, settings.sample_steps), training)
    subject = diffusion_of(on, settings.guidance[0], settings.sample_steps, settings.temperature)
    return trained(subject, training)


def vae_config(settings: ImageSettings, shape: tuple[int, int]) -> VAEConfig:
    """Of the autoencoder that the settings name."""
    return VAEConfig(
        shape=shape, network=settings.network, width=settings.width, batch=settings.batch,
        steps=settings.first_steps[0], rate=settings.rate, draw=settings.draw, start=settings.latents,
    )  # fmt: skip


def first_fits(settings: ImageSettings) -> int:
    """How many calls of fit make generation 0: a variational autoencoder's makes it in one."""
    return 1 if settings.model.startswith("vae") else -(-settings.first_steps[0] // settings.steps[0])


def _labels(cond: Any, n: int) -> Array:
    return jnp.zeros(n, jnp.int32) if cond is None else cond
