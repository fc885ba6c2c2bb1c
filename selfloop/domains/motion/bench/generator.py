"""Samples of a self-consuming generator: what a corrector meets in the loop, with no clean counterpart.

Chains of the project's own loop on 256 windows of the loop's clips: the uncorrected one, read at generations 0, 5 and
20, and one that a given corrector is part of, on whose own samples the corrector is to be audited (`on_policy`). All
start from one generation 0. What is made is kept on disk, and a chain that was interrupted goes on.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch
from selfloop.domains.motion import setup
from selfloop.domains.motion.config import MotionLoopConfig
from selfloop.domains.motion.model import denoiser, model, spectrum
from selfloop.domains.motion.setup import Data
from selfloop.loop import begin, generation, role_key
from selfloop.models.neural import diffusion
from selfloop.models.neural.cached import cached
from selfloop.policies import augment
from selfloop.protocols import Carry, Corrector, Loop, identity
from selfloop.runs import checkpoint

GENERATIONS = (0, 5, 20)
"""Generations at which the uncorrected chain is read."""

SAMPLES = 1000
"""Samples of each: the audit of a young generation needs that many."""

CORRECTED = 10
"""Generations that a corrector is in the loop before it is audited there."""


def settings(data: str | None, n: int = 256) -> MotionLoopConfig:
    """The loop of the bench: lambda 1, guidance 2.5 and the default network, on n windows."""
    return MotionLoopConfig(data=data, n=n, lam=1.0, guidance=2.5)


def generated(config: MotionLoopConfig, data: Data, generations: Sequence[int] = GENERATIONS) -> dict[int, Batch]:
    """`SAMPLES` samples of the uncorrected model at each generation, under the labels and lengths of the real windows.

    The first call trains it, for some minutes, and keeps the samples in the user's cache.
    """
    return _chain(config, data, identity, _home(config, data) / "uncorrected", generations)


def on_policy(
    config: MotionLoopConfig, data: Data, corrector: Corrector, folder: Path | str, generations: int = CORRECTED
) -> Batch:
    """`SAMPLES` raw samples of a model that has been corrected by ``corrector`` for so many ``generations``.

    They are what the corrector itself meets in the loop, after it has removed what it can see: audit it on them. Labels
    are those of ``data.real``. ``folder`` keeps the chain and its samples, and says which corrector they are of: give
    every corrector its own.
    """
    return _chain(config, data, corrector, Path(folder), (generations,))[generations]


def _home(config: MotionLoopConfig, data: Data) -> Path:
    """The folder in the cache for chains of these settings and data."""
    loop = (config.n, config.lam, config.guidance, config.frames, config.first_steps, config.steps, config.batch)
    network = (config.width, config.band, config.layers)
    return cached("generator", (data.digest, loop, network), (denoiser, diffusion, model, spectrum))


def _chain(
    config: MotionLoopConfig, data: Data, corrector: Corrector, folder: Path, generations: Sequence[int]
) -> dict[int, Batch]:
    """Samples of one chain at the given generations: read where they are cached, made where they are not."""
    cond = setup.evaluation_conditions(data, SAMPLES)
    like = Batch(np.zeros((SAMPLES, *data.real.x.shape[1:]), np.float32), np.zeros(SAMPLES, np.float32), cond)
    paths = {t: folder / f"samples_{t:04d}.msgpack" for t in generations}
    if missing := [t for t, path in paths.items() if not path.exists()]:
        loop, key = _loop(config, data, corrector), jax.random.key(0)

        def sampled(t: int, state: Any) -> None:
            if t in paths:
                checkpoint.save(paths[t], loop.model.sample(role_key(key, t, "evaluate"), state, cond, SAMPLES))

        _run(loop, key, max(missing), folder, sampled, checkpoint.latest(folder, min(missing) - 1))
    return {t: jax.tree.map(jnp.asarray, checkpoint.load(path, like)) for t, path in paths.items()}


def _loop(config: MotionLoopConfig, data: Data, corrector: Corrector) -> Loop:
    """The loop of the bench's generator, with generation 0 from the cache where it was trained before."""
    base, m = setup.model(config, data), setup.synthetic(config)
    calls, start = -(-config.first_steps // config.steps), _home(config, data) / "generation_0.msgpack"
    first_fit = setup.trained_once(base.fit, calls, m, start, lambda: None)
    source = setup.source(setup.batch(data.real), data)
    return Loop(base, augment(config.lam), source, m, corrector, first_fit)


def _run(
    loop: Loop,
    key: Array,
    generations: int,
    folder: Path,
    sampled: Callable[[int, Any], None],
    resume: int | None,
) -> None:
    """Drive the loop from where its checkpoints in ``folder`` end; ``sampled(t, state)`` sees every generation."""
    if resume is None:
        carry, _ = begin(loop, key)
        checkpoint.save(checkpoint.name(folder, 0), carry)
        sampled(0, carry.state)
    else:
        real = loop.source(key, jnp.int32(0))
        blank = jax.eval_shape(lambda: Carry(loop.model.init(key), loop.policy.start(real, loop.capacity)))
        carry = checkpoint.load(checkpoint.name(folder, resume), blank)
    for t in range((resume or 0) + 1, generations + 1):
        carry, _ = generation(loop, key, jnp.int32(t), carry)
        checkpoint.save(checkpoint.name(folder, t), carry)
        sampled(t, carry.state)
        checkpoint.prune(folder)
