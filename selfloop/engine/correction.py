"""The correction half of a generation, of all chains of a job: what correctors learn, correct, and are audited on.

Shapes: C chains, filled up to L for the devices, N samples a chain.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from selfloop.batch import Batch
from selfloop.engine import adapt
from selfloop.engine.chains import host, place
from selfloop.engine.correct import correct_chains
from selfloop.engine.observe import shown
from selfloop.engine.work import Work, bare
from selfloop.loop import role_key
from selfloop.protocols import Carry, identity


def learned(work: Work, t: int, raw: Batch, carry: Carry) -> Any:
    """What the correctors know that learn, of generation t's samples too; () where none does."""
    if not carry.corrector:
        return ()
    source = work.context.data(work.job.n).sources[work.job.source](work.inputs[0])
    keys = [role_key(jax.random.key(chain.seed), t, "real") for chain in work.chains]
    reals = [source(key, jnp.asarray(t, jnp.int32)) for key in keys]
    return adapt.adapt(work.chains, work.context.correctors(work.job), t, reals, host(raw), carry.corrector)


def corrected(work: Work, t: int, raw: Batch, carry: Carry) -> tuple[Batch, dict[str, np.ndarray]]:
    """The samples of all chains after their arms' correctors; where none corrects they stay on their devices."""
    correctors = work.context.correctors(work.job)
    if uncorrected(correctors):
        same, info = work.programs.uncorrected(work.inputs[0], raw)
        return same, host(info)
    keys = [role_key(jax.random.key(chain.seed), t, "correct") for chain in work.chains]
    arms = work.context.domain.arms
    own = adapt.by_chain(work.chains, carry.corrector or {})
    fixed, info = correct_chains(arms, work.chains, correctors, keys, host(raw), carry.state, own)
    return place(fixed, work.context.mesh), info


def uncorrected(correctors: Mapping[str, Any]) -> bool:
    """Whether no arm corrects."""
    return all(one is identity for one in correctors.values())


def audit(work: Work, t: int, samples: Batch, carry: Carry) -> dict[str, np.ndarray]:
    """What is kept of the evaluation samples after their correction, by correctors that have had the next lesson."""
    # Another role than the loop's own correction, whose noise the models have been trained on.
    keys = [role_key(jax.random.key(chain.seed), t, "evaluate") for chain in work.chains]
    correctors, arms = work.context.correctors(work.job), work.context.domain.arms
    known = ()
    if carry.corrector:
        at = place(np.full(len(work.chains), t + 1, np.int32), work.context.mesh)
        known = learned(work, t + 1, work.programs.propose(*work.inputs, at, bare(carry)), carry)
    own = adapt.by_chain(work.chains, known or {})
    fixed, info = correct_chains(arms, work.chains, correctors, keys, samples, carry.state, own)
    weights = {"corrected/weight": fixed.weight, "corrected/failed": info["failed"]}
    return work.observer.corrected(fixed.x) | shown(fixed.x, "corrected/") | weights
