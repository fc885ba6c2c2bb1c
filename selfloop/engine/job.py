"""A job from its beginning, or from where it was stopped, to its end: all its chains, one generation after another.

Every generation is observed on new samples of its models (`observe`) and leaves a row a chain; every tenth leaves a
checkpoint, from which the same programs give the same results bit for bit, and so does the last, from which a job that
is asked for more generations goes on. A chain that ends (`loop.ENDS`: its numbers are no longer finite, or nothing is
left to train on) is marked and says no more; the others go on, and where none is left the job ends.
Shapes: C chains, filled up to L for the devices, m synthetic samples a chain.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np

from selfloop.engine import correction
from selfloop.engine.ahead import ahead, compiling
from selfloop.engine.chains import host, place, stacked
from selfloop.engine.context import Context
from selfloop.engine.initial import initial_states
from selfloop.engine.observe import keep, shown
from selfloop.engine.plan import Job
from selfloop.engine.programs import ENDED
from selfloop.engine.work import Work, bare, first_carry, ready
from selfloop.errors import SelfloopError
from selfloop.protocols import Carry
from selfloop.runs import checkpoint, record
from selfloop.runs.environment import peak_memory_mib
from selfloop.runs.progress import Skipped, Tick

CHECKPOINT = 10
"""Generations from one checkpoint to the next: what a stop may cost."""


def _skip(work: Work, generations: range, tick: Tick) -> None:
    """Generations that take no time: done before, or never to be done as no chain is alive."""
    for sort, count in Counter(work.kind(t) for t in generations).items() or [(work.kind(0), 0)]:
        tick(work.count * count, work.job.name, Skipped(sort))


def run_job(context: Context, job: Job, tick: Tick) -> None:
    """To the last generation; then the folder is marked as done, with its peak memory."""
    work, generations = ready(context, job), job.generations
    with _named(f"{job.name}, generation 0"):
        t, carry = _resume(work, tick)
    alive, peak = _alive(work), []
    while t < generations and alive.any():
        t += 1
        with _named(f"{job.name}, generation {t}"):
            carry = _generation(work, t, carry, alive)
        peak.append(round(peak_memory_mib()))
        tick(work.count, f"{job.name}: generation {t}", work.kind(t))
    _skip(work, range(t + 1, generations + 1), tick)
    # By its second generation a job has done all that it does: memory must not grow from there.
    memory = {"second_generation": peak[:2][-1], "end": peak[-1]} if peak else {}
    record.write_json(work.folder / "done", {"generations": generations, "peak_memory_mib": memory})


@contextmanager
def _named(where: str) -> Iterator[None]:
    """Say where something went wrong that is the fault of input, or of functions that came with it."""
    try:
        yield
    except SelfloopError as error:
        raise type(error)(f"{where}: {error}") from error
    except Exception as error:
        error.add_note(f"in {where}")
        raise


def _resume(work: Work, tick: Tick) -> tuple[int, Carry]:
    """The last checkpoint, less what was recorded after it; or generation 0."""
    at = checkpoint.latest(work.folder, work.job.generations)
    rows, path = record.read(work.folder / "rows.jsonl"), work.folder / "rows.jsonl"
    record.rewrite(path, [row for row in rows if at is not None and row["generation"] <= at])
    model, mesh = work.context.model(work.job.subject), work.context.mesh
    with compiling(ahead(model, work.programs, work.observer, work.inputs, mesh)):
        found = initial_states(work.context, work.job, tick)
    state = place(stacked([found[chain.start] for chain in work.chains]), mesh)
    carry = first_carry(work, state)
    if at is None:
        _observe(work, 0, carry, {}, {}, np.ones(work.count, bool), np.zeros(work.count, int))
        return 0, carry
    _skip(work, range(1, at + 1), tick)
    # The memory of a job that has been asked for more generations has grown since.
    held = checkpoint.load(checkpoint.name(work.folder, at), host(carry), grown=1)
    return at, place(bare(held), mesh)._replace(corrector=held.corrector)


def states(context: Context, job: Job, t: int) -> Any:
    """The models of all chains of a job at a generation that it has a checkpoint of, or at 0, in the host's memory.

    Raises:
        DataError: there is no such checkpoint.
    """
    if t == 0:
        found = initial_states(context, job, lambda *_: None)
        return stacked([found[chain.start] for chain in job.chains])
    work = ready(context, job)
    like = jax.eval_shape(context.model(job.subject).init, jax.random.key(0))
    state = jax.tree.map(lambda leaf: np.zeros((len(work.chains), *leaf.shape), leaf.dtype), like)
    return checkpoint.load(checkpoint.name(work.folder, t), host(first_carry(work, state))).state


def _alive(work: Work) -> np.ndarray:
    """Which chains have not stopped [C]."""
    stopped = {row["chain"] for row in record.read(work.folder / "rows.jsonl") if "stopped" in row}
    return np.array([i not in stopped for i in range(work.count)])


def _generation(work: Work, t: int, carry: Carry, alive: np.ndarray) -> Carry:
    """One generation of all chains; those that diverge are no longer ``alive``."""
    mesh, watch = work.context.mesh, work.watch
    at = place(np.full(len(work.chains), t, np.int32), mesh)
    with watch("sample"):
        raw = jax.block_until_ready(work.programs.propose(*work.inputs, at, bare(carry)))
    with watch("correct"):
        learned = correction.learned(work, t, raw, carry)
        corrected, info = correction.corrected(work, t, raw, carry._replace(corrector=learned))
    with watch("train"):
        failed = place(info["failed"], mesh)
        learn = work.programs.learn
        carry, fit, ended = jax.block_until_ready(learn(*work.inputs, at, bare(carry), corrected, failed))
        carry = carry._replace(corrector=learned)
    died = np.where(alive, host(ended)[: len(alive)], 0)
    _observe(work, t, carry, host(fit), info, alive, died)
    alive &= died == 0
    if t % CHECKPOINT == 0 or t == work.job.generations:
        checkpoint.save(checkpoint.name(work.folder, t), host(carry))
        checkpoint.prune(work.folder, keep_last=1, every=1 << 30)
    return carry


def _observe(work: Work, t: int, carry: Carry, fit: dict, info: dict, alive: np.ndarray, died: np.ndarray) -> None:
    """Keep what a generation's models make, and write a row for every chain that is alive; ``died`` [C] says why one
    has ended here, 0 where it has not.
    """
    with work.watch("evaluate"):
        samples, found = work.observer.samples(work.inputs[1], carry.state)
    if t % work.context.settings.audit_every == 0:
        found |= shown(samples.x)
        if not correction.uncorrected(work.context.correctors(work.job)):
            with work.watch("audit"):
                found |= correction.audit(work, t, samples, carry)
    keep(work.folder, t, _blank(found, ~alive | (died > 0)), work.count)
    spent, rows = work.watch.read(work.count), []
    for i in np.flatnonzero(alive):
        row = {"chain": int(i)} | work.chains[i]._asdict() | {"n": work.job.n} | dict(work.job.axes)
        row |= {"generation": t} | {name: float(values[i]) for name, values in fit.items()}
        row |= {"stopped": ENDED[died[i]]} if died[i] else {}
        if info:
            told = {name: float(values[i].mean()) for name, values in info.items()}
            row |= {name: value for name, value in told.items() if np.isfinite(value)}
            row |= {"failed": int(info["failed"][i].sum())}
        rows.append(row | spent)
    record.append(work.folder / "rows.jsonl", *rows)


def _blank(found: dict[str, np.ndarray], dead: np.ndarray) -> dict[str, np.ndarray]:
    """Chains that have stopped are not finite, though a fit that forgets may make of them what it makes of others."""
    if not dead.any():
        return found
    at = np.flatnonzero(dead)
    found = {name: np.array(values) for name, values in found.items()}
    for values in found.values():
        if np.issubdtype(values.dtype, np.floating):
            values[at] = np.nan
    return found
