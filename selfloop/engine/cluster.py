"""Scheduling of jobs: here one after another, or by Ray (`--cluster`), which knows machines and retries lost workers.

A job is a folder that one process holds while it works, so the same command may also be given several times at once, on
one machine or on several that share the folder. Nothing here knows what a job computes.
"""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from selfloop.engine import folder
from selfloop.engine.context import Context
from selfloop.engine.domain import Domain
from selfloop.engine.job import run_job
from selfloop.engine.plan import Job
from selfloop.engine.settings import Settings
from selfloop.engine.work import kinds
from selfloop.errors import ConfigError, SelfloopError
from selfloop.extras import need
from selfloop.loop import ENDS
from selfloop.runs import files, record
from selfloop.runs.lock import alone
from selfloop.runs.pace import Kind
from selfloop.runs.progress import ONE, Tick, progress

PAUSE = 1.0
"""Seconds between looks at what workers have done."""


def run_jobs(context: Context, jobs: list[Job]) -> list[Job]:
    """Compute the jobs; those that other processes still hold are returned."""
    out = context.settings.out
    done = sum(len(job.chains) * job.generations for job in jobs if folder.finished(out, job))
    left = sum((_kinds(context, job) for job in jobs if not folder.finished(out, job)), Counter())
    if left:
        with progress(left, "generations", done) as tick:
            (on_ray if context.settings.cluster else one_by_one)(context, jobs, tick)
    return [job for job in jobs if not folder.finished(out, job)]


def _kinds(context: Context, job: Job) -> Counter[Kind]:
    """What there is to do; of workers it is not known which job a generation was of, so that all count alike."""
    found = kinds(job, context.settings.audit_every)
    return Counter({ONE: found.total()}) if context.settings.cluster else found


def one_by_one(context: Context, jobs: list[Job], tick: Tick) -> None:
    """All jobs that nobody else holds, in this process; again as long as one was freed meanwhile."""
    while any([compute(context, job, tick) for job in jobs]):
        pass


def compute(context: Context, job: Job, tick: Tick) -> bool:
    """Compute a job, unless it is done or another process holds it; whether it has been computed."""
    out, home = context.settings.out, folder.job_folder(context.settings.out, job)
    if folder.finished(out, job):
        return False
    with ExitStack() as stack:
        try:
            stack.enter_context(alone(home))
        except ConfigError:
            return False
        if folder.finished(out, job):
            return False
        for stale in home.rglob(".*.tmp"):
            files.remove_quietly(stale)
        folder.store_job(out, job)
        context.check(job.n)
        context.store(job)
        run_job(context, job, tick)
    return True


def on_ray(context: Context, jobs: list[Job], tick: Tick) -> None:
    """One task a job: a worker that is lost is replaced, and goes on from the job's last checkpoint.

    Raises:
        ConfigError: Ray is not installed, or no cluster answers.
        SelfloopError: what a job raised.
    """
    settings = context.settings
    ray = _connected(settings)
    gpu = ray.cluster_resources().get("GPU", 0) > 0
    task = ray.remote(num_cpus=1, num_gpus=1 if gpu else 0, max_retries=-1)(_task)
    try:
        waiting = [task.remote(context.domain, settings, job) for job in jobs if not folder.finished(settings.out, job)]
        counted = _recorded(settings.out, jobs)
        while waiting:
            ended, waiting = ray.wait(waiting, timeout=PAUSE)
            now = _recorded(settings.out, jobs)
            tick(max(now - counted, 0), f"{len(waiting)} jobs left")
            counted = max(now, counted)
            for one in ended:
                if error := ray.get(one):
                    raise SelfloopError(error)
    finally:
        ray.shutdown()


def _connected(settings: Settings) -> Any:
    need("cluster", "--cluster")
    import ray

    local = {"num_cpus": settings.workers, "include_dashboard": False} if settings.cluster == "local" else {}
    try:
        ray.init(address=settings.cluster, log_to_driver=False, logging_level="ERROR", **local)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ConfigError(f"--cluster {settings.cluster}: {str(error).splitlines()[0]}; see docs/sweeps.md") from error
    return ray


_CONTEXTS: dict[Settings, Context] = {}
"""Of this worker: its programs serve all jobs that it is given."""


def _task(domain: Domain, settings: Settings, job: Job) -> str | None:
    """What a worker does; errors that a user can mend are returned as a line, as they need no retry."""
    from selfloop.runs.environment import compilation_cache

    compilation_cache()
    context = _CONTEXTS.setdefault(settings, Context(domain, settings))
    try:
        while not folder.finished(settings.out, job):
            if not compute(context, job, _silent):
                time.sleep(PAUSE)  # the worker before may not be quite gone
    except SelfloopError as error:
        return str(error)
    return None


def _silent(steps: int, what: str = "", kind: Any = None) -> None:
    """No progress is shown by a worker: the records that it appends are counted."""


def _recorded(out: Path, jobs: list[Job]) -> int:
    """Generations that have left their rows."""
    found = 0
    for job in jobs:
        path = folder.job_folder(out, job) / "rows.jsonl"
        rows = path.read_bytes().count(b"\n") if path.exists() else 0
        found += max(rows - len(job.chains), 0)
    return found


def say_stopped(out: Path, jobs: list[Job], say: Callable[[str], None] = print) -> None:
    """Name every chain that came to no end."""
    for job in jobs:
        for row in record.read(folder.job_folder(out, job) / "rows.jsonl"):
            if "stopped" in row:
                axes = "".join(f", {name} {value:g}" for name, value in job.axes)
                coupled = f" (coupled, from {row['start']})" if job.coupled else ""
                place = f"n = {row['n']}{axes}, lambda {row['lam']:g}, seed {row['seed']}{coupled}"
                say(f"stopped: {row['arm']}, {place}, in generation {row['generation']}: {ENDS[row['stopped']]}")
