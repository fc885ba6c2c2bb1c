"""Curation: of K candidates the one that somebody likes is kept. Letters: N samples, K choices, r reward."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch
from selfloop.correctors.fallback import fallback
from selfloop.correctors.strength import report
from selfloop.errors import ConfigError
from selfloop.protocols import Corrector


def curation(reward: Callable[[Any], Array], choices: int) -> Corrector:
    """Of each K neighbouring slots one is kept, with probability softmax of ``reward(x)`` [N] among the present ones.

    The others get weight 0, so m samples leave m / K, independent and of law p H_K where the samples are independent
    of law p:

        H_K(x) = E[ K exp r(x) / (exp r(x) + sum_{i < K} exp r(x_i)) ],    x_1 .. x_{K - 1} ~ p

    (Ferbach et al., 2024, Lemma 2.1). Slots beyond the last whole group are dropped. K = 1 is the identity. Raises
    ConfigError for K < 1 or above the number of samples.
    """
    _check(choices)

    @fallback
    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        groups = batch.capacity // choices
        if groups == 0:
            raise ConfigError(f"choices is {choices} of {batch.capacity} samples; draw {choices} samples or more")
        present = batch.weight > 0
        score = reward(batch.x).astype(batch.weight.dtype)
        score += jax.random.gumbel(key, batch.weight.shape, batch.weight.dtype)
        score = jnp.where(present, score, -jnp.inf)[: groups * choices].reshape(groups, choices)
        best = jnp.argmax(score, 1)
        kept = (jnp.arange(choices)[None] == best[:, None]).reshape(-1)
        kept = jnp.pad(kept, (0, batch.capacity - groups * choices))
        return batch._replace(weight=jnp.where(kept, batch.weight, 0)), report(batch, batch.x)

    return correct


def curation_by_weights(reward: Callable[[Any], Array], choices: float) -> Corrector:
    """Curation without its chance: every weight is multiplied by H_K, taken under the batch's own weighted law.

    Nothing is lost and the weights keep their sum; on a law given by all its points it is the map p -> p H_K itself.
    K may be infinite: then H = exp r / E exp r. Raises ConfigError for K < 1.
    """
    _check(choices)

    @fallback
    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        score = reward(batch.x).astype(batch.weight.dtype)
        weight = batch.weight * preference(score, batch.weight, choices)
        return batch._replace(weight=weight), report(batch, batch.x)

    return correct


def preference(reward: Array, weight: Array, choices: float) -> Array:
    """H_K [N] of samples with rewards [N] under the law with the weights [N]; 0 for absent samples.

    With a = exp r, 1 / A = int exp(-A u) du and u = exp s,

        H_K = K int a exp(s - a exp s) (E exp(-a' exp s))^(K - 1) ds,

    by the trapezoidal rule, whose error falls exponentially in the step: below 1e-12 in float64 for rewards within 20
    of each other. Source: derived; checked against enumeration.
    """
    present = weight > 0
    share = weight / jnp.sum(weight)
    r = reward - jnp.max(jnp.where(present, reward, -jnp.inf))
    r = jnp.where(present, r, 0)
    if choices == float("inf"):
        return jnp.where(present, jnp.exp(r) / (share @ jnp.exp(r)), 0)
    low, high = -40 - jnp.log(jnp.asarray(choices, r.dtype)), 5 - jnp.min(r)
    s = low + (high - low) * jnp.linspace(0, 1, 801, dtype=r.dtype)
    power = r[:, None] + s[None]
    other = share @ jnp.exp(-jnp.exp(power))
    inside = jnp.exp(power - jnp.exp(power)) * other[None] ** (choices - 1)
    return jnp.where(present, choices * jnp.sum(inside, 1) * (s[1] - s[0]), 0)


def _check(choices: float) -> None:
    if not choices >= 1:
        raise ConfigError(f"choices is {choices}; one sample is kept of 1 or more")
