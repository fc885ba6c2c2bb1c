"""A block from its beginning, or from where it was stopped, to its end: all its lanes, one generation after another.

Every generation is observed on new samples of its models (`observing`) and leaves a row a lane; every tenth leaves a
checkpoint, from which the same programs give the same results bit for bit. A lane whose numbers are no longer finite is
marked and says no more; the others go on.
Shapes: O lanes of this process, the first K of them genuine, m synthetic samples a lane.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch
from selfloop.domains.motion import setup
from selfloop.domains.motion.arms import ARMS
from selfloop.domains.motion.grid import observing
from selfloop.engine.chains import everywhere, genuine, mine, over_lanes, own, place, sound, stacked
from selfloop.engine.context import Material
from selfloop.engine.correct import correct_lanes
from selfloop.engine.initial import starts
from selfloop.engine.observe import Observer, observer
from selfloop.engine.plan import Block, Lane, own_folder
from selfloop.engine.stopwatch import Stopwatch
from selfloop.loop import learn, propose, role_key
from selfloop.protocols import Carry, Loop, Policy, identity
from selfloop.runs import checkpoint, files, record
from selfloop.runs.environment import peak_memory_mib
from selfloop.runs.progress import Tick

CHECKPOINT = 10
"""Generations from one checkpoint to the next: what a stop may cost."""


class Programs(NamedTuple):
    """The compiled halves of a generation, of all lanes of a block."""

    remember: Callable[..., Any]
    """``(real, seed) -> memory``: the policies' memories before the first generation."""
    propose: Callable[..., Batch]
    """``(real, seed, lam, t, carry) -> raw``."""
    learn: Callable[..., tuple[Carry, Array, Array]]
    """``(real, seed, lam, t, carry, corrected, failed) -> (carry, loss, sound)``."""


def programs(material: Material, block: Block) -> Programs:
    """The programs of a block; blocks of one shape, a cell's and its twins' among them, have the same."""
    arm = ARMS[block.lanes[0].arm]
    # Only what grows has a memory, whose size is the number of generations.
    return _programs(material, replace(block, generations=block.generations if arm.grows else 0, lanes=()), arm.policy)


@functools.cache
def _programs(material: Material, block: Block, policy: Callable[[Array], Policy]) -> Programs:
    model, data = material.learner(block), material.data(block.n)
    capacity = block.synthetic * block.generations

    def loop(real: Batch, lam: Array) -> Loop:
        return Loop(model, policy(lam), setup.source(real, data), block.synthetic)

    def remember(real: Batch, seed: Array) -> Any:
        return policy(jnp.float32(0)).start(real, capacity)

    def first(real: Batch, seed: Array, lam: Array, t: Array, carry: Carry) -> Batch:
        return propose(loop(real, lam), jax.random.key(seed), t, carry)

    def second(real: Batch, seed: Array, lam: Array, t: Array, carry: Carry, corrected: Batch, failed: Array) -> tuple:
        key = jax.random.key(seed)
        after, result = learn(loop(real, lam), key, t, carry, corrected, corrected, {"failed": failed})
        return after, result.fit["loss"], sound((after.state, result.fit["loss"]))

    return Programs(*(over_lanes(function, material.local) for function in (remember, first, second)))


@dataclass(frozen=True)
class Chains:
    """A block at work: what does not change from generation to generation."""

    material: Material
    block: Block
    folder: Path
    lanes: list[Lane]
    """Of this process, those that only fill up its devices included [O]."""
    at: np.ndarray
    """Which lanes of the block the genuine ones are [K]: the first of ``lanes``."""
    inputs: tuple[Batch, Array, Array]
    """The real data, and the seed and lambda of every lane."""
    programs: Programs
    observer: Observer
    watch: Stopwatch


def chains(material: Material, block: Block) -> Chains:
    """Make a block ready."""
    mesh, at = material.local, mine(len(block.lanes), material.mesh)
    lanes = [block.lanes[i] for i in at]
    real = everywhere(setup.batch(material.data(block.n).real), mesh)
    seed = place(np.array([lane.seed for lane in lanes], np.uint32), mesh)
    lam = place(np.array([lane.lam for lane in lanes], np.float32), mesh)
    folder, at = own_folder(material.config.out, block), at[: genuine(len(block.lanes), material.mesh)]
    made = programs(material, block), observer(material, block), Stopwatch()
    return Chains(material, block, folder, lanes, at, (real, seed, lam), *made)


def run(work: Chains, tick: Tick) -> None:
    """To the last generation; then the checkpoints go and the folder is marked as done, with its peak memory."""
    generations, count, peak = work.block.generations, len(work.at), []
    t, carry = _resume(work, tick)
    alive = _alive(work)
    while t < generations:
        t += 1
        carry = _generation(work, t, carry, alive)
        peak.append(round(peak_memory_mib()))
        tick(count, f"{work.block.name}: generation {t}")
    # By its second generation a block has done all that it does: memory must not grow from there.
    memory = {"second_generation": peak[:2][-1], "end": peak[-1]} if peak else {}
    record.write_json(work.folder / "done", {"generations": generations, "peak_memory_mib": memory})
    for path in work.folder.glob("generation_*.msgpack"):
        files.remove_quietly(path)


def _resume(work: Chains, tick: Tick) -> tuple[int, Carry]:
    """The last checkpoint, less what was recorded after it; or generation 0."""
    made, mesh = _begin(work, tick), work.material.local
    at = checkpoint.latest(work.folder, work.block.generations)
    rows = record.read(work.folder / "rows.jsonl")
    record.rewrite(work.folder / "rows.jsonl", [row for row in rows if at is not None and row["generation"] <= at])
    if at is None:
        count = len(work.at)
        _observe(work, 0, made, np.full(count, np.nan), {}, np.ones(count, bool), np.zeros(count, bool))
        return 0, made
    tick(len(work.at) * at, work.block.name)
    return at, place(checkpoint.load(checkpoint.name(work.folder, at), own(made)), mesh)


def _begin(work: Chains, tick: Tick) -> Carry:
    """Generation 0's models, and empty memories."""
    found = starts(work.material, work.block, tick)
    state = place(stacked([found[lane.start] for lane in work.lanes]), work.material.local)
    return Carry(state, work.programs.remember(*work.inputs[:2]))


def _alive(work: Chains) -> np.ndarray:
    """Which genuine lanes have not stopped [K]."""
    stopped = {row["lane"] for row in record.read(work.folder / "rows.jsonl") if "stopped" in row}
    return np.array([i not in stopped for i in work.at])


def _generation(work: Chains, t: int, carry: Carry, alive: np.ndarray) -> Carry:
    """One generation of all lanes; those that diverge are no longer ``alive``."""
    mesh, watch = work.material.local, work.watch
    at = place(np.full(len(work.lanes), t, np.int32), mesh)
    with watch("sample"):
        raw = jax.block_until_ready(work.programs.propose(*work.inputs, at, carry))
    with watch("correct"):
        corrected, info = _corrected(work, t, raw)
    with watch("train"):
        failed = place(info["failed"], mesh)
        carry, loss, healthy = jax.block_until_ready(work.programs.learn(*work.inputs, at, carry, corrected, failed))
    died = alive & ~own(healthy)[: len(alive)]
    _observe(work, t, carry, own(loss), info, alive, died)
    alive &= ~died
    if t % CHECKPOINT == 0 and t < work.block.generations:
        checkpoint.save(checkpoint.name(work.folder, t), own(carry))
        checkpoint.prune(work.folder, keep_last=1, every=1 << 30)
    return carry


def _corrected(work: Chains, t: int, raw: Batch) -> tuple[Batch, dict[str, np.ndarray]]:
    """The samples of all lanes after their arms' correctors; where none corrects they stay on their devices."""
    correctors = _correctors(work)
    if all(one is identity for one in correctors.values()):
        none = np.zeros((len(work.lanes), work.block.synthetic))
        return raw, {"failed": none > 0, "moved_mm": none}
    keys = [role_key(jax.random.key(lane.seed), t, "correct") for lane in work.lanes]
    corrected, info = correct_lanes(work.lanes, correctors, keys, own(raw))
    return place(corrected, work.material.local), info


def _correctors(work: Chains) -> dict[str, Callable]:
    """Of all arms of the block, so that all processes keep the same things of it."""
    return {lane.arm: work.material.corrector(lane.arm, work.block.n) for lane in work.block.lanes}


def _observe(
    work: Chains, t: int, carry: Carry, loss: np.ndarray, info: dict, alive: np.ndarray, died: np.ndarray
) -> None:
    """Keep what a generation's models make, and write a row for every genuine lane that is alive."""
    count = len(work.at)
    with work.watch("evaluate"):
        samples, found = work.observer.samples(work.inputs[1], carry.state)
    if t % work.material.config.audit_every == 0:
        found["x"] = samples.x[:, : observing.SHOWN]
        if not all(one is identity for one in _correctors(work).values()):
            with work.watch("audit"):
                found |= _after(work, t, samples)
    observing.keep(work.folder, t, found, count)
    spent = work.watch.read(count)
    for i in np.flatnonzero(alive):
        row = {"lane": int(work.at[i])} | work.lanes[i]._asdict() | {"n": work.block.n, "guidance": work.block.guidance}
        row |= {"generation": t, "loss": float(loss[i])} | ({"stopped": "nan"} if died[i] else {})
        if info:
            row |= {"failed": int(info["failed"][i].sum()), "moved_mm": float(info["moved_mm"][i].mean())}
        record.append(work.folder / "rows.jsonl", row | spent)


def _after(work: Chains, t: int, samples: Batch) -> dict[str, np.ndarray]:
    """What is kept of the evaluation samples after their correction."""
    # Another role than the loop's own correction, whose noise the models have been trained on.
    keys = [role_key(jax.random.key(lane.seed), t, "evaluate") for lane in work.lanes]
    fixed, info = correct_lanes(work.lanes, _correctors(work), keys, samples)
    return work.observer.again(np.asarray(fixed.x)) | {"corrected_failed": info["failed"]}
