"""Floating-point operations (FLOP) of a run, counted by XLA in the programs that it lowers, none of which is run.

XLA counts a loop's body once, so one training step and one sampling step are counted, and multiplied:

    generation 0 of a seed       first steps x step
    a later one of a chain       steps x step + (m + N) x sampling steps x sample

m synthetic and N evaluation samples; evaluators and correctors come on top and are small beside them.
"""

from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from selfloop.batch import Batch, uniform
from selfloop.domains.images.arms import ARMS
from selfloop.domains.images.data.images import Images
from selfloop.domains.images.model import first_fits, model
from selfloop.domains.images.settings import ImageSettings
from selfloop.domains.images.setup import Roles
from selfloop.engine.domain import Data
from selfloop.errors import ConfigError
from selfloop.policies import synthetic_count

CLASSES = 10
SOME = 64
"""Samples of which one sampling step is counted."""


class Count(NamedTuple):
    """FLOP of the parts of a run."""

    step: float
    """One training step."""
    sample: float
    """One sampling step of one sample."""


def counted(settings: ImageSettings) -> Count:
    """The parts' FLOP, for images of ten classes and the first of every setting that is a tuple.

    Raises:
        ConfigError: a vae, whose steps are fitted in one call.
    """
    if settings.model.startswith("vae"):
        raise ConfigError(f"--model is {settings.model}; FLOP are counted of diffusion and flow")
    one = model(replace(settings, steps=(1,), sample_steps=1), _blank(settings))
    like = jax.eval_shape(one.init, jax.random.key(0))
    batch = _batch(settings.size, SOME)
    fit = jax.jit(one.fit).lower(jax.random.key(0), batch, like)
    draw = jax.jit(lambda key, state: one.sample(key, state, batch.cond, SOME).x).lower(jax.random.key(0), like)
    return Count(fit.cost_analysis()["flops"], draw.cost_analysis()["flops"] / SOME)


def by_lambda(settings: ImageSettings) -> dict[float, float]:
    """FLOP of all arms, seeds and generations at each lambda, generation 0 in the first."""
    count, found = counted(settings), {}
    train = settings.steps[0] * count.step
    for lam in settings.lam:
        drawn = [synthetic_count(lam, settings.n[0]) if ARMS[arm].synthetic else 1 for arm in settings.arms]
        each = [train + (m + settings.evaluate) * settings.sample_steps * count.sample for m in drawn]
        found[lam] = settings.seeds * settings.generations * sum(each)
    found[settings.lam[0]] += settings.seeds * first_fits(settings) * train
    return found


def _blank(settings: ImageSettings) -> Data:
    label = np.arange(SOME, dtype=np.int32) % CLASSES
    x = np.random.default_rng(0).uniform(size=(SOME, settings.size, settings.size)).astype(np.float32)
    some, batch = Images(x, label), _batch(settings.size, SOME)
    return Data(batch, batch, batch, own=Roles(some, some, some, some))


def _batch(size: int, count: int) -> Batch:
    return uniform(jnp.zeros((count, size, size)), jnp.arange(count, dtype=jnp.int32) % CLASSES)
