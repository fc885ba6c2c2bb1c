"""Jobs: the chains that run as one program, and which of them a run still lacks. What is finished is not planned again.

A *chain* is one loop with one seed. A job's chains share n, axes, policy, source and the sizes of all arrays, so that
one compiled program serves them. Jobs are independent of one another, checkpointed and resumable.
"""

import hashlib
import itertools
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, NamedTuple

from selfloop.engine.domain import Domain
from selfloop.engine.settings import Cell, Pairs, Settings, by_n, cells
from selfloop.policies import synthetic_count

PART = 4
"""A displaced generation 0 has seen one real sample of so many."""


class Chain(NamedTuple):
    """One chain: its seed is the key of all its random numbers."""

    arm: str
    lam: float
    seed: int
    start: int
    """The seed whose generation 0 it starts from. A *coupled* chain starts from another's, or, as -1 - seed, from that
    of its own seed which has seen only a part of the real samples."""


@dataclass(frozen=True)
class Job:
    """Chains of one shape, and what they share."""

    n: int
    axes: Pairs
    by_n: Pairs
    policy: str
    source: str
    synthetic: int
    """Samples m that every chain draws a generation; under ``augment`` lambda says how many of them it trains on."""
    coupled: bool
    chains: tuple[Chain, ...]
    generations: int
    """May grow later: it is no part of the name."""

    @property
    def shape(self) -> "Job":
        """What the programs of a generation depend on: jobs of one shape share them, coupled or not."""
        return replace(self, coupled=False, chains=(), generations=0)

    @property
    def subject(self) -> "Job":
        """What model, correctors and observers depend on: n, axes and what there is by n."""
        return replace(self.shape, policy="", source="", synthetic=0)

    @property
    def name(self) -> str:
        """A folder's name: what a reader looks for, and a hash of the rest."""
        arms = "+".join(dict.fromkeys(chain.arm for chain in self.chains))
        lams = "+".join(dict.fromkeys(f"{chain.lam:g}" for chain in self.chains))
        axes = "".join(f"_{name}{value:g}" for name, value in self.axes)
        digest = hashlib.sha256(repr(replace(self, generations=0)).encode()).hexdigest()[:8]
        return f"n{self.n}{axes}_lam{lams}_{arms}{'_coupled' * self.coupled}"[:140] + f"_{digest}"


def described(job: Job) -> dict[str, Any]:
    """A job in JSON's own types."""
    return asdict(job) | {"chains": [chain._asdict() for chain in job.chains]}


def undescribed(found: dict[str, Any]) -> Job:
    """The job that was `described`; KeyError or TypeError where it is none."""
    values = {field.name: found[field.name] for field in fields(Job)}
    for name in ("axes", "by_n"):
        values[name] = tuple((key, value) for key, value in values[name])
    return Job(**values | {"chains": tuple(Chain(**chain) for chain in values["chains"])})


def plan(domain: Domain, settings: Settings, known: Iterable[Job] = ()) -> list[Job]:
    """The jobs that the settings ask for: those known already, as far as is asked, and new ones for missing chains.

    All chains come before those coupled to them, and each in the order of `cells`.
    """
    held = {(_shared(job), chain): job for job in known for chain in job.chains}
    jobs: list[Job] = []
    missing: dict[tuple, list[list[Chain]]] = {}
    for coupled, cell in itertools.product((False, True), cells(domain, settings)):
        generations = min(settings.coupled, settings.generations) if coupled else settings.generations
        shared = _shared_by(domain, settings, cell, coupled=coupled)
        chains = [Chain(cell.arm, cell.lam, seed, _start(settings, seed, coupled)) for seed in range(settings.seeds)]
        for job in dict.fromkeys(held[shared, chain] for chain in chains if (shared, chain) in held):
            jobs.append(replace(job, generations=max(job.generations, generations)))
        if generations and (new := [chain for chain in chains if (shared, chain) not in held]):
            # Only `augment` takes a traced lambda: under other policies the number of samples is lambda.
            alike = None if shared[3] == "augment" else cell.lam
            missing.setdefault((shared, alike, generations), []).append(new)
    for (shared, _, generations), groups in missing.items():
        for at in range(0, len(groups), settings.together):
            some = groups[at : at + settings.together]
            jobs.append(_job(shared, [chain for group in some for chain in group], generations))
    return list(dict.fromkeys(jobs))


def _shared(job: Job) -> tuple:
    return job.n, job.axes, job.by_n, job.policy, job.source, job.coupled


def _shared_by(domain: Domain, settings: Settings, cell: Cell, *, coupled: bool) -> tuple:
    arm = domain.arms[cell.arm]
    return cell.n, cell.axes, by_n(domain, settings, cell.n), arm.policy, arm.source, coupled


def _start(settings: Settings, seed: int, coupled: bool) -> int:  # noqa: FBT001
    """Where a chain starts; it does not depend on how many seeds there are."""
    if not coupled:
        return seed
    return -1 - seed if settings.coupled_start == "part" else (seed - 1 if seed else 1)


def _job(shared: tuple, chains: list[Chain], generations: int) -> Job:
    n, axes, values, policy, source, coupled = shared
    m = max(1, *(synthetic_count(chain.lam, n) for chain in chains))
    return Job(n, axes, values, policy, source, m, coupled, tuple(chains), generations)
