"""A job at work: what its generations share, and the carry that goes from one to the next.

Shapes: C chains, filled up to L for the devices, m synthetic samples a chain.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax import Array

from selfloop.batch import Batch
from selfloop.engine import adapt, folder
from selfloop.engine.chains import everywhere, filled, place
from selfloop.engine.context import Context
from selfloop.engine.observe import Observer, observer
from selfloop.engine.plan import Chain, Job
from selfloop.engine.programs import Programs, programs
from selfloop.engine.stopwatch import Stopwatch
from selfloop.policies import POLICIES
from selfloop.protocols import Carry
from selfloop.runs.pace import Kind


@dataclass(frozen=True)
class Work:
    """A job at work: what does not change from generation to generation."""

    context: Context
    job: Job
    folder: Path
    chains: list[Chain]
    """With those that only fill up the devices [L]; the first C are the job's."""
    inputs: tuple[Batch, Array, Array]
    """The real data, and the seed and lambda of every chain."""
    programs: Programs
    observer: Observer
    watch: Stopwatch

    @property
    def count(self) -> int:
        """The number C of chains."""
        return len(self.job.chains)

    def kind(self, t: int) -> Kind:
        """What generation t costs as much time as."""
        return kind(self.job, t, self.context.settings.audit_every)


def kind(job: Job, t: int, audit_every: int) -> Kind:
    """Generations of a job cost alike, but for those that also audit."""
    return Kind(job.name, "generation" if t % audit_every else "audited")


def kinds(job: Job, audit_every: int) -> Counter[Kind]:
    """How many generations of chains a job has of each kind."""
    every = Counter(kind(job, t, audit_every) for t in range(1, job.generations + 1))
    return Counter({one: count * len(job.chains) for one, count in every.items()})


def ready(context: Context, job: Job) -> Work:
    """A job with its programs, before the first generation."""
    mesh, data = context.mesh, context.data(job.n)
    chains = [job.chains[i] for i in filled(len(job.chains), mesh)]
    seed = place(np.array([chain.seed for chain in chains], np.uint32), mesh)
    lam = place(np.array([chain.lam for chain in chains], data.real.weight.dtype), mesh)
    home, inputs = folder.job_folder(context.settings.out, job), (everywhere(data.real, mesh), seed, lam)
    made = programs(context, job.shape, _capacity(job, data.real))
    return Work(context, job, home, chains, inputs, made, observer(context, job), Stopwatch())


def _capacity(job: Job, real: Batch) -> int:
    """Room for all synthetic samples, where the policy remembers any; else 0, so that programs are the same."""
    policy, capacity = POLICIES[job.policy](1.0), job.synthetic * job.generations
    one, none = (jax.eval_shape(lambda real, k=k: policy.start(real, k), real) for k in (1, 0))
    return 0 if one == none else capacity


def first_carry(work: Work, state: Any) -> Carry:
    """The carry of all chains at generation 0; what correctors learn is kept by arm, in the host's memory."""
    correctors = work.context.correctors(work.job)
    own = adapt.start(work.chains, correctors, work.context.data(work.job.n).real)
    return Carry(state, work.programs.remember(*work.inputs[:2]), own or ())


def bare(carry: Carry) -> Carry:
    """The carry as the compiled programs have it."""
    return carry._replace(corrector=())
