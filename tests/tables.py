"""The registered models, policies and correctors that the common laws run over: a new one is one row here."""

import jax
import jax.numpy as jnp

from selfloop import policies
from selfloop.correctors.idealized import replacement
from selfloop.correctors.identity import identity
from selfloop.models.gaussian import gaussian


def normal_draw(key, n):
    """The target law of the tables' correctors: two independent standard normals."""
    return jax.random.normal(key, (n, 2))


MODELS = {
    "gaussian": lambda: gaussian(2),
    "gaussian, float64": lambda: gaussian(2, jnp.float64),
}

POLICIES = {
    "augment 0": lambda: policies.augment(0.0),
    "augment 0.5": lambda: policies.augment(0.5),
    "replace": policies.replace,
    "accumulate": policies.accumulate,
    "accumulate_subsample": policies.accumulate_subsample,
}

CORRECTORS = {
    "identity": lambda: identity,
    "replacement 0": lambda: replacement(normal_draw, 0.0),
    "replacement 1": lambda: replacement(normal_draw, 1.0),
    "replacement inf": lambda: replacement(normal_draw, float("inf")),
}
