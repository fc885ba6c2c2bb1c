"""Samples of a real generator that consumes itself: what a corrector meets in the loop, with no clean counterpart.

Chains of the project's own loop on 256 windows of the loop's clips: the uncorrected one, read at generations 0, 5 and
20, and one that a given corrector is part of, on whose own samples the corrector is to be audited (`on_policy`). All
start from one generation 0. What is made is kept on disk, and a chain that was interrupted goes on.
"""

from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from selfloop.batch import Batch
from selfloop.domains.motion import setup
from selfloop.domains.motion.arms import arm_loop
from selfloop.domains.motion.config import MotionLoopConfig
from selfloop.domains.motion.model import denoiser, model, spectrum
from selfloop.domains.motion.setup import Data
from selfloop.loop import checkpointed
from selfloop.models.neural import diffusion
from selfloop.models.neural.cached import cached
from selfloop.protocols import Corrector, Generation, identity
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
    """Samples of one chain at the given generations: read where they are kept, made where they are not."""
    cond = setup.evaluation_conditions(data, SAMPLES)
    like = Batch(np.zeros((SAMPLES, *data.real.x.shape[1:]), np.float32), np.zeros(SAMPLES, np.float32), cond)
    paths = {t: folder / f"samples_{t:04d}.msgpack" for t in generations}
    if missing := [t for t, path in paths.items() if not path.exists()]:
        base = setup.model(config, data)
        calls, m = -(-config.first_steps // config.steps), setup.synthetic(config)
        start = _home(config, data) / "generation_0.msgpack"
        first_fit = setup.trained_once(base.fit, calls, m, start, lambda: None)
        loop = arm_loop("uncorrected", config, data, base, first_fit)._replace(corrector=corrector)

        def record(key: jax.Array, result: Generation) -> None:
            if (t := int(result.t)) in paths:
                checkpoint.save(paths[t], base.sample(key, result.state, cond, SAMPLES))

        resume = checkpoint.latest(folder, min(missing) - 1)
        checkpointed(loop, jax.random.key(0), max(missing), folder, record, resume)
    return {t: jax.tree.map(jnp.asarray, checkpoint.load(path, like)) for t, path in paths.items()}
