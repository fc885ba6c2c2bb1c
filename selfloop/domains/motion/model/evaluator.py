"""The encoder behind FID: trained once on real clips that the loop never sees, then frozen and kept on disk.

From a 32-d latent one head tells the label, one the style where there is any, and a decoder the motion itself, so that
the latent holds how a motion is done as well as what it is. Every latent dimension has unit variance over the windows
it was trained on: a Frechet distance there is in squared standard deviations.
Shapes: B motions, N windows, T frames, D = 64 features, C = 91 channels, L = 32 latent dimensions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from selfloop.chunks import in_chunks
from selfloop.digest import digest
from selfloop.domains.motion.data import features, skeleton
from selfloop.domains.motion.data.windows import Windows
from selfloop.domains.motion.model import encoder, kinetics
from selfloop.domains.motion.model.encoder import C, Encoder, Heads, channels, mirrored, patched
from selfloop.errors import ConfigError
from selfloop.metrics.scale import Scale, scale_of, standardise
from selfloop.models.neural.cached import trained_once
from selfloop.runs.environment import cache_folder


@dataclass(frozen=True)
class EvaluatorConfig:
    """How the encoder is built and trained; the default takes about half a minute on two cores."""

    latent: int = 32
    width: int = 96
    blocks: int = 2
    patch: int = 4
    """Frames a token; the windows' capacity must be a multiple."""
    steps: int = 600
    batch: int = 64
    rate: float = 1e-3
    """Peak learning rate of AdamW, warmed up and decayed by a cosine."""
    decay: float = 0.02
    """Weight decay."""
    dropout: float = 0.1
    mirror: float = 0.5
    """Share of training motions that are mirrored, their label with them."""
    offset: float = 0.3
    """Every training motion is displaced by one constant in each channel, of so many standard deviations: with few
    clips the labels of new ones are recognised better (61 against 49 % with 50 clips), small lifts seen less well."""
    holdout: int = 8
    """One clip of so many is left out of training, to measure accuracy on."""


@partial(
    jax.tree_util.register_dataclass, data_fields=["params", "channels", "latents"], meta_fields=["config", "names"]
)
@dataclass(frozen=True)
class Evaluator:
    """A trained encoder: arrays as a pytree, the rest static."""

    params: Any
    channels: Scale
    """Scale of the C input channels."""
    latents: Scale
    """Scale of the raw latent."""
    config: EvaluatorConfig
    names: tuple[str, ...]
    """The labels its logits stand for, in order."""


def embed(evaluator: Evaluator, x: Array, length: Array) -> Array:
    """Latents [B, L] of features x [B, T, D] with lengths [B]; each dimension of unit variance over real motion."""
    return standardise(_raw(evaluator, x, length), evaluator.latents)


def label_logits(evaluator: Evaluator, x: Array, length: Array) -> Array:
    """Logits [B, number of names] of the labels ``evaluator.names``."""
    return _logits(evaluator, "label", _raw(evaluator, x, length))


def _raw(evaluator: Evaluator, x: Array, length: Array) -> Array:
    patches, mask = patched(channels(x), length, evaluator.channels, evaluator.config.patch)
    network = _network(evaluator.config)
    return network.apply({"params": evaluator.params["encoder"]}, patches, mask, deterministic=True)


def _logits(evaluator: Evaluator, head: str, raw: Array) -> Array:
    dense = evaluator.params["heads"][head]
    return raw @ dense["kernel"] + dense["bias"][None]


def _network(config: EvaluatorConfig) -> Encoder:
    return Encoder(config.latent, config.width, config.blocks, config.dropout)


def load_or_train(
    windows: Windows,
    config: EvaluatorConfig | None = None,
    styles: Sequence[str] | None = None,
    folder: Path | str | None = None,
) -> tuple[Evaluator, dict[str, float]]:
    """`train` with one fixed key, the yardstick of every run; from the user's cache folder where it was trained before.

    The file's name holds a hash of the windows, styles, settings and of the code that reads and trains; a file that is
    damaged is made anew.
    """
    config = EvaluatorConfig() if config is None else config
    modules = (__file__, *(module.__file__ for module in (encoder, kinetics, features, skeleton)))
    name = f"{digest((windows, config, styles), modules, length=24)}.msgpack"
    path = (cache_folder() / "evaluator" if folder is None else Path(folder)) / name
    key = jax.random.key(0)
    like = jax.eval_shape(lambda: _blank(key, windows, config, styles))
    info_like = dict.fromkeys(("label_accuracy", "style_accuracy", "windows", "loss"), 0.0)
    return trained_once(path, (like, info_like), lambda: train(key, windows, config, styles), "the evaluator")


def train(
    key: Array, windows: Windows, config: EvaluatorConfig | None = None, styles: Sequence[str] | None = None
) -> tuple[Evaluator, dict[str, float]]:
    """Train an encoder on real windows; the key is consumed, the result depends on nothing else.

    Args:
        key: PRNG key.
        windows: real windows of clips that neither the loop nor its reference holds.
        config: how to build and train it.
        styles: style of each window, where there is any.

    Returns:
        The evaluator, and an info: ``label_accuracy`` and ``style_accuracy`` on the held-out clips (NaN where none),
        ``windows`` trained on, and the mean ``loss`` of the last tenth of the steps.

    Raises:
        ConfigError: if the capacity is not a multiple of the patch, or there are fewer than two clips.
    """
    config = EvaluatorConfig() if config is None else config
    if windows.x.shape[1] % config.patch:
        raise ConfigError(f"windows of {windows.x.shape[1]} frames; the encoder needs a multiple of {config.patch}")
    if len(np.unique(windows.clip)) < 2:
        raise ConfigError("an encoder needs windows of at least 2 clips; use the training-free features instead")
    kinds, style = _kinds(windows, styles)
    out = windows.clip % config.holdout == config.holdout - 1
    data = (_over_all(channels, windows.x), windows.length, windows.label, style)
    fitted = tuple(jnp.asarray(values[~out]) for values in data)
    params, scale, loss = _fit(key, fitted, _partners(windows.names), config, len(windows.names), len(kinds))
    blank = Evaluator(params, scale, Scale(jnp.zeros(config.latent), jnp.ones(config.latent)), config, windows.names)
    raw = _over_all(lambda x, length: _raw(blank, x, length), windows.x, windows.length)
    evaluator = Evaluator(params, scale, scale_of(jnp.asarray(raw[~out])), config, windows.names)

    def accuracy(head: str, truth: np.ndarray) -> float:
        guess = np.asarray(_logits(evaluator, head, jnp.asarray(raw[out]))).argmax(1)
        return float(np.mean(guess == truth[out])) if out.any() else float("nan")

    return evaluator, {
        "label_accuracy": accuracy("label", windows.label),
        "style_accuracy": accuracy("style", style) if len(kinds) > 1 else float("nan"),
        "windows": float((~out).sum()),
        "loss": float(loss[-max(config.steps // 10, 1) :].mean()),
    }


def _kinds(windows: Windows, styles: Sequence[str] | None) -> tuple[list[str], np.ndarray]:
    """The styles there are, one if none is given, and the index [N] of each window's."""
    given = [""] * len(windows.x) if styles is None else list(styles)
    kinds = sorted(set(given))
    return kinds, np.array([kinds.index(style) for style in given], np.int32)


def _over_all(function: Callable[..., Array], *arrays: np.ndarray) -> np.ndarray:
    """A batched function of all windows, 256 at a time."""
    return np.asarray(in_chunks(jax.jit(function), 256, *arrays))


def _partners(names: tuple[str, ...]) -> Array:
    """For each label the one of its mirrored motion; -1 where the set has no such label."""
    swapped = [name.replace("left", "\0").replace("right", "left").replace("\0", "right") for name in names]
    return jnp.array([names.index(name) if name in names else -1 for name in swapped], jnp.int32)


def _init(key: Array, config: EvaluatorConfig, frames: int, labels: int, styles: int) -> tuple[Any, Encoder, Heads]:
    """Untrained parameters, and the networks that they are of."""
    count = frames // config.patch
    network, heads = _network(config), Heads(labels, styles, (count, config.patch * C))
    encoder_key, heads_key = jax.random.split(key)
    patches, mask = jnp.zeros((1, count, config.patch * C)), jnp.ones((1, count))
    params = {
        "encoder": network.init(encoder_key, patches, mask, deterministic=True)["params"],
        "heads": heads.init(heads_key, jnp.zeros((1, config.latent)))["params"],
    }
    return params, network, heads


def _blank(key: Array, windows: Windows, config: EvaluatorConfig, styles: Sequence[str] | None) -> Evaluator:
    """An evaluator of the right shapes."""
    kinds, _ = _kinds(windows, styles)
    params, _, _ = _init(key, config, windows.x.shape[1], len(windows.names), len(kinds))
    wide, narrow = jnp.zeros(C), jnp.zeros(config.latent)
    return Evaluator(params, Scale(wide, wide), Scale(narrow, narrow), config, windows.names)


@partial(jax.jit, static_argnames=("config", "labels", "styles"))
def _fit(
    key: Array, data: tuple[Array, ...], partner: Array, config: EvaluatorConfig, labels: int, styles: int
) -> tuple[Any, Scale, Array]:
    """Parameters, channel scale and losses [steps] after training on (channels, length, label, style): one scan."""
    n, frames, _ = data[0].shape
    scale = _scale_within(data[0], data[1])
    init_key, scan_key = jax.random.split(key)
    params, network, heads = _init(init_key, config, frames, labels, styles)
    rate = optax.warmup_cosine_decay_schedule(0.0, config.rate, config.steps // 20 + 1, config.steps + 1)
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(rate, weight_decay=config.decay))
    cross_entropy = optax.softmax_cross_entropy_with_integer_labels

    def loss_of(params: Any, key: Array) -> Array:
        pick_key, mirror_key, offset_key, drop_key = jax.random.split(key, 4)
        pick = jax.random.randint(pick_key, (config.batch,), 0, n)
        channel, length, label, style = (values[pick] for values in data)
        flip = (jax.random.uniform(mirror_key, (config.batch,)) < config.mirror) & (partner[label] >= 0)
        channel = jnp.where(flip[:, None, None], mirrored(channel), channel)
        offset = config.offset * jax.random.normal(offset_key, (config.batch, 1, C))
        channel = channel + offset * scale.deviation[None, None]
        patches, mask = patched(channel, length, scale, config.patch)
        drop = {"dropout": drop_key}
        latent = network.apply({"params": params["encoder"]}, patches, mask, deterministic=False, rngs=drop)
        what, how, again = heads.apply({"params": params["heads"]}, latent)
        named = cross_entropy(what, jnp.where(flip, partner[label], label)) + cross_entropy(how, style)
        return named.mean() + (((again - patches) ** 2).mean(-1) * mask).sum() / mask.sum()

    def step(carry: tuple[Any, Any], key: Array) -> tuple[tuple[Any, Any], Array]:
        params, state = carry
        loss, gradient = jax.value_and_grad(loss_of)(params, key)
        with jax.numpy_dtype_promotion("standard"):  # optax raises a Python float to an integer power
            updates, state = optimiser.update(gradient, state, params)
        return (optax.apply_updates(params, updates), state), loss

    keys = jax.random.split(scan_key, config.steps)
    (params, _), losses = jax.lax.scan(step, (params, optimiser.init(params)), keys)
    return params, scale, losses


def _scale_within(channel: Array, length: Array) -> Scale:
    """Scale of the channels [N, T, C] over the frames within their lengths [N]."""
    kept = (jnp.arange(channel.shape[1])[None] < length[:, None])[..., None].astype(channel.dtype)
    share = kept / kept.sum()
    mean = (share * channel).sum((0, 1))
    deviation = jnp.sqrt((share * (channel - mean[None, None]) ** 2).sum((0, 1)))
    return Scale(mean, jnp.maximum(deviation, 0.1 * jnp.sqrt((deviation**2).mean())))
