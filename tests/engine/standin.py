"""A grid whose model, correction and measures compile in no time: for tests of what is done with their results."""

import jax
import jax.numpy as jnp
import numpy as np
from selfloop.domains.motion.grid import material, report
from selfloop.domains.motion.grid import run as grid
from selfloop.domains.motion.measures import Described

from selfloop.batch import Batch, uniform
from selfloop.domains.motion import artefacts, measures, setup
from selfloop.domains.motion.arms import ARMS
from selfloop.domains.motion.data.windows import Windows
from selfloop.domains.motion.setup import Data
from selfloop.protocols import Model

T, D, NAMES = 8, 64, ("run", "walk", "wave")


def windows(count: int) -> Windows:
    """Random windows, each of a clip of its own."""
    random, index = np.random.default_rng(0), np.arange(count, dtype=np.int32)
    x = random.normal(size=(count, T, D)).astype(np.float32)
    return Windows(x, np.full(count, T, np.int32), index % 3, index, 0 * index, NAMES)


def load(config) -> Data:
    return Data(windows(config.n), windows(12), windows(12), None, f"made {config.n}")


def model(config, data: Data) -> Model:
    """A mean for each feature, which moves halfway to that of the training set, with noise of its own."""

    def init(key):
        return {"mean": jax.random.normal(key, (T, D)), "step": jnp.asarray(0, jnp.int32)}

    def fit(key, batch: Batch, state):
        mean = jnp.tensordot(batch.weight, batch.x, 1) / batch.weight.sum()
        mean = 0.5 * (state["mean"] + mean) + 0.01 * jax.random.normal(key, mean.shape)
        return {"mean": mean, "step": state["step"] + 1}, {"loss": ((mean - state["mean"]) ** 2).mean()}

    def sample(key, state, cond, n):
        noise = jax.random.normal(key, (n, T, D))
        return uniform(state["mean"][None] + noise * (1 + cond["label"][:, None, None].astype(noise.dtype)), cond)

    return Model(init, fit, sample)


def halving(key, batch: Batch, state):
    """A corrector that looks at each motion alone: half of it, if it is finite."""
    failed = ~jnp.isfinite(batch.x).all((1, 2))
    x = jnp.where(failed[:, None, None], 0, batch.x / 2)
    found = {"failed": failed, "moved_mm": jnp.abs(x).mean((1, 2))}
    return Batch(x, jnp.where(failed, 0, batch.weight), batch.cond), found


def describe(reference, x, length, label) -> Described:
    points = {"kinetic": x.mean(1)[:, :45], "geometric": x.std(1)[:, :25]}
    artefacts = {name: x[:, 0, i] for i, name in enumerate(artefacts.NAMES)}
    return Described(points, jnp.full(len(x), jnp.nan, x.dtype), artefacts)


def install(patch) -> None:
    """Put them in the place of the real ones, by a MonkeyPatch."""
    patch.setattr(setup, "load", load)
    patch.setattr(setup, "model", model)
    patch.setattr(measures, "describe", describe)
    patch.setattr(material, "_describe", jax.jit(describe))
    patch.setattr(material.Material, "reference", lambda self, n: jnp.zeros(()))
    patch.setitem(ARMS, "smoothing", ARMS["smoothing"]._replace(corrector=lambda config, data: halving))
    patch.setattr(report, "write", lambda out: out / "report.html")


def run(config) -> None:
    """Run such a grid in a process of its own."""
    import pytest

    with pytest.MonkeyPatch.context() as patch:
        install(patch)
        grid.run(config)
