"""Density-ratio weighting, learned online: a classifier tells real from synthetic, and its odds weigh the samples.

    w(x) = p_real(x) / p_synthetic(x) = D(x) / (1 - D(x))

Selection with known law: samples weighted so have the real law, as far as the classifier is right. Probabilities are
cross-fitted and calibrated: a sample is weighed by a classifier that has not seen it, whose logits have been put right
on samples that it has not seen either. Letters: N samples, D numbers of a sample, K folds.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch
from selfloop.correctors.fallback import fallback
from selfloop.correctors.lessons import Scale, folds, perceptron, rows, scale_of
from selfloop.correctors.strength import report
from selfloop.errors import ConfigError
from selfloop.models.neural.training import Training
from selfloop.protocols import Adaptive, Corrector

LEAST, MOST = -4.0, 3.0
"""Log weights are kept between these: one sample may count 20 times, none is quite forgotten."""
PRIOR = 4.0
"""Samples that the calibration's prior, logits as they are, is worth."""


class Ratio(NamedTuple):
    """What has been learned."""

    scale: Scale
    nets: Any
    """K classifiers, one a fold, stacked; each was trained on the other folds."""
    slope: Array
    """Calibrated logit = slope f + offset, each [K]."""
    offset: Array
    norm: Array
    """Mean weight of the samples learned from, which becomes 1."""


def density_ratio(steps: int = 200, count: int = 2, batch: int = 256) -> Adaptive:
    """Weights by the density ratio of the loop's real data to its samples, learned anew every generation.

    Each generation K = ``count`` perceptrons are trained for so many more steps from where they are, on the real data
    and the current samples outside one fold each, both classes alike in weight, and calibrated (Platt's two parameters
    a, b, by maximum likelihood of the fold left out). Each sample, of the loop or new, belongs to one fold by its own
    bits (`lessons.folds`). The corrected batch has mean weight 1 over the samples learned from. Conditions are not
    looked at. Raises ConfigError for steps below 1 or fewer than 2 folds.

    Source: Sugiyama et al., Density ratio estimation, 2012; Platt, 1999; cross-fitting, Chernozhukov et al., 2018.
    """
    if steps < 1 or count < 2:
        raise ConfigError(f"steps is {steps} and count {count}; give 1 step or more, and 2 folds or more")

    def net(d: int) -> tuple:
        return _classifier(d, steps, batch)

    def start(key: Array, real: Batch) -> Ratio:
        scale = scale_of(real)
        nets = jax.vmap(net(len(scale.centre))[0].init)(jax.random.split(key, count))
        one = jnp.ones(count, jnp.float32)
        return Ratio(scale, nets, one, 0 * one, one[0])

    def adapt(key: Array, t: Array, real: Batch, raw: Batch, own: Ratio) -> Ratio:
        model, apply = net(len(own.scale.centre))
        return _learn(model.fit, apply, count, key, real, raw, own)

    def corrector(own: Ratio) -> Corrector:
        apply = net(len(own.scale.centre))[1]

        @fallback
        def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
            weight = batch.weight * _weights(apply, count, batch.x, own).astype(batch.weight.dtype)
            return batch._replace(weight=weight), report(batch, batch.x)

        return correct

    return Adaptive(start, adapt, corrector)


_MADE: dict[tuple, tuple] = {}


def _classifier(d: int, steps: int, batch: int) -> tuple:
    """The perceptron of these sizes, made once: it is compiled once a process."""
    if (d, steps, batch) not in _MADE:
        training = Training(batch=batch, first_steps=steps, steps=steps, rate=2e-3, fine_rate=1e-3, ema=0.98)
        _MADE[d, steps, batch] = perceptron(d, 1, _cross_entropy, training)
    return _MADE[d, steps, batch]


def _cross_entropy(logit: Array, x: Array, real: Array) -> Array:
    return jnp.mean(jax.nn.softplus(jnp.where(real[:, None], -logit, logit)))


@partial(jax.jit, static_argnums=(0, 1, 2))
def _learn(fit: Any, apply: Any, count: int, key: Array, real: Batch, raw: Batch, own: Ratio) -> Ratio:
    x = jnp.concatenate([rows(real.x, own.scale), rows(raw.x, own.scale)])
    fold = jnp.concatenate([folds(real.x, count), folds(raw.x, count)])
    label = jnp.arange(len(x)) < real.capacity
    weight = jnp.concatenate([real.weight, raw.weight]).astype(jnp.float32)
    k = jnp.arange(count, dtype=jnp.int32)
    within = jax.vmap(lambda k: _balanced(jnp.where(fold != k, weight, 0), label))(k)
    train = jax.vmap(lambda key, weight, net: fit(key, Batch(x, weight, label), net)[0])
    nets = train(jax.random.split(key, count), within, own.nets)
    logit = jax.vmap(lambda net: apply(net, x)[:, 0])(nets)
    left = jax.vmap(lambda k: _balanced(jnp.where(fold == k, weight, 0), label))(k)
    slope, offset = jax.vmap(_calibrated, (0, None, 0))(logit, label, left)
    own = own._replace(nets=nets, slope=slope, offset=offset)
    odds = _odds(logit, fold, own)[real.capacity :]
    share = weight[real.capacity :]
    return own._replace(norm=jnp.sum(odds * share) / jnp.sum(share))


@partial(jax.jit, static_argnums=(0, 1))
def _weights(apply: Any, count: int, x: Any, own: Ratio) -> Array:
    """w [N], each from the classifier that has not seen the sample's fold."""
    seen = rows(x, own.scale)
    logit = jax.vmap(lambda net: apply(net, seen)[:, 0])(own.nets)
    return _odds(logit, folds(x, count), own) / own.norm


def _odds(logit: Array, fold: Array, own: Ratio) -> Array:
    logit = own.slope[:, None] * logit + own.offset[:, None]
    mine = jnp.take_along_axis(logit, fold[None], axis=0)[0]
    return jnp.exp(jnp.clip(mine, LEAST, MOST))


def _balanced(weight: Array, label: Array) -> Array:
    """Weights [N] in which both classes count the same, and as many as there are samples of the rarer one."""
    ones, zeros = (jnp.sum(jnp.where(side, weight, 0)) for side in (label, ~label))
    size = jnp.minimum(ones, zeros)
    return weight * jnp.where(label, size / jnp.maximum(ones, 1e-9), size / jnp.maximum(zeros, 1e-9))


def _calibrated(logit: Array, label: Array, weight: Array) -> tuple[Array, Array]:
    """Slope and offset of the logistic regression of labels on logits [N], by eight Newton steps.

    Its prior is the logits as they are, worth `PRIOR` samples.
    """
    design = jnp.stack([logit, jnp.ones_like(logit)], 1)

    def step(_: int, theta: Array) -> Array:
        p = jax.nn.sigmoid(design @ theta)
        slope = design.T @ (weight * (label.astype(p.dtype) - p)) - PRIOR * (theta - jnp.asarray([1.0, 0.0]))
        curve = (design * (weight * p * (1 - p))[:, None]).T @ design + PRIOR * jnp.eye(2)
        (a, b), (_, d) = curve
        inverse = jnp.asarray([[d, -b], [-b, a]]) / (a * d - b**2)
        return theta + inverse @ slope

    theta = jax.lax.fori_loop(0, 8, step, jnp.asarray([1.0, 0.0]))
    return jnp.maximum(theta[0], 0), theta[1]
