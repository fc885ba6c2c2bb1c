"""Samples of a real generator that consumes itself: what a corrector meets in the loop, with no clean counterpart.

Runs of the engine on 256 windows of the loop's clips: the uncorrected loop, read at generations 0, 5 and 20, and one
that a given corrector is part of, on whose own samples the corrector is to be audited (`on_policy`). What is made is
kept on disk, and a run that was interrupted goes on.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from selfloop.batch import Batch
from selfloop.domains.motion.domain import MOTION
from selfloop.domains.motion.model import model, spectrum
from selfloop.domains.motion.settings import MotionSettings
from selfloop.engine import folder, plan
from selfloop.engine.chains import one_chain
from selfloop.engine.cluster import run_jobs
from selfloop.engine.context import Context
from selfloop.engine.domain import Arm, Domain
from selfloop.engine.job import states
from selfloop.loop import role_key
from selfloop.models.neural import denoiser, diffusion, training
from selfloop.models.neural.cached import cached
from selfloop.protocols import Corrector, identity
from selfloop.runs import checkpoint

GENERATIONS = (0, 5, 20)
"""Generations at which the uncorrected chain is read."""

SAMPLES = 1000
"""Samples of each: the audit of a young generation needs that many."""

CORRECTED = 10
"""Generations that a corrector is in the loop before it is audited there."""

ARM = "generator"


def settings(data: str | None, n: int = 256) -> MotionSettings:
    """The loop of the bench: lambda 1, guidance 2.5 and a network of width 256 and 4 layers, on n windows."""
    return MotionSettings(data=data, n=(n,), width=256, layers=4)


def generated(config: MotionSettings, generations: Sequence[int] = GENERATIONS) -> dict[int, Batch]:
    """`SAMPLES` samples of the uncorrected model at each generation, under the labels and lengths of the real windows.

    The first call trains it, for some minutes, and keeps the samples in the user's cache.
    """
    digest = MOTION.data(config, config.n[0]).digest
    parts = digest, replace(config, out=Path(), data=None)
    home = cached("generator", parts, (denoiser, diffusion, training, model, spectrum))
    return _chain(config, identity, home, generations)


def on_policy(config: MotionSettings, corrector: Corrector, home: Path | str, generations: int = CORRECTED) -> Batch:
    """`SAMPLES` raw samples of a model that has been corrected by ``corrector`` for so many ``generations``.

    They are what the corrector itself meets in the loop, after it has removed what it can see: audit it on them. Labels
    are those of the real windows. ``home`` keeps the run and its samples, and says which corrector they are of: give
    every corrector its own.
    """
    return _chain(config, corrector, Path(home), (generations,))[generations]


def _chain(config: MotionSettings, corrector: Corrector, home: Path, generations: Sequence[int]) -> dict[int, Batch]:
    """Samples of one chain at the given generations: read where they are cached, made where they are not."""
    data = MOTION.data(config, config.n[0])
    cond = data.conditions(SAMPLES)
    like = Batch(np.zeros((SAMPLES, *data.real.x.shape[1:]), np.float32), np.zeros(SAMPLES, np.float32), cond)
    paths = {t: home / f"samples_{t:04d}.msgpack" for t in generations}
    one = replace(config, out=home / "run", arms=(ARM,), seeds=1, evaluate=4, audit_every=1 << 20)
    for t, path in paths.items():
        if not path.exists():
            checkpoint.save(path, _sampled(_domain(corrector), one, t, cond))
    return {t: jax.tree.map(jnp.asarray, checkpoint.load(path, like)) for t, path in paths.items()}


def _domain(corrector: Corrector) -> Domain:
    """Motion with one arm, whose corrector this is."""
    arm = Arm() if corrector is identity else Arm("own")
    return MOTION._replace(arms={ARM: arm}, correctors={"own": lambda settings, data: corrector})


def _sampled(domain: Domain, config: MotionSettings, t: int, cond: dict) -> Batch:
    """Samples of the model of generation t, run that far."""
    context = Context(domain, replace(config, generations=max(t, 1)))
    (job,) = plan.plan(domain, context.settings, folder.stored_jobs(config.out))
    if t:
        run_jobs(context, [job])
    state = one_chain(states(context, job, t), 0)
    return context.model(job.subject).sample(role_key(jax.random.key(0), t, "evaluate"), state, cond, SAMPLES)
