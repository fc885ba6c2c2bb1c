"""Extrapolation away from one's own samples: negative guidance of a model by its retrained self."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.flatten_util import ravel_pytree

from selfloop.batch import Batch
from selfloop.correctors.fallback import fallback
from selfloop.correctors.strength import report
from selfloop.errors import ConfigError
from selfloop.protocols import Coordinates, Corrector, Model


def extrapolated(model: Model, w: Array | float) -> Callable[[Array, Batch, Any], Any]:
    """``away(key, batch, state)``: the state whose coordinates are (1 + w) theta(state) - w theta(retrained).

    Retrained is ``model.fit(key, batch, state)``, the batch being samples of the state; a model without coordinates is
    moved in the leaves of its state.
    """

    def away(key: Array, batch: Batch, state: Any) -> Any:
        retrained, _ = model.fit(key, batch, state)
        chart = model.coordinates or Coordinates(lambda s: ravel_pytree(s)[0], ravel_pytree(state)[1])
        here = chart.theta(state)
        scale = jnp.asarray(w, here.dtype)
        return chart.state((1 + scale) * here - scale * chart.theta(retrained))

    return away


def extrapolation(model: Model, w: Array | float) -> Corrector:
    """As many new samples of the model, its parameters moved away from what its own samples would make of it.

        theta' = (1 + w) theta - w theta_s,    theta_s fitted to the batch, samples ~ p_theta'

    In parameters that is Neon (arXiv 2510.03597), in the scores of normal laws (the model's ``coordinates`` being
    `models.charts.natural`) SIMS (arXiv 2408.16333). The samples are new ones: moving those that theta_s was fitted to
    would undo the gain. In log-scale coordinates w = 1 keeps E log variance of a loop without real data as it is, for
    any number of samples; optima for other coordinates are in `stability.extrapolation`. Present samples end with their
    own weight; w = 0 is the same law, in other samples; w may be traced. Raises ConfigError for a w below 0.
    """
    if not isinstance(w, jax.core.Tracer) and not float(w) >= 0:
        raise ConfigError(f"w is {float(w)}; an extrapolation away from the model's own samples is 0 (none) or more")
    away = extrapolated(model, w)

    @fallback
    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        key_fit, key_sample = jax.random.split(key)
        moved = away(key_fit, batch, state)
        x = model.sample(key_sample, moved, batch.cond, batch.capacity).x
        return batch._replace(x=x), report(batch, x)

    return correct
