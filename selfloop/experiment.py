"""Experiments: a domain and its settings in, a folder of results and a report out. The one front door."""

from pathlib import Path

from selfloop.engine import folder
from selfloop.engine.cluster import run_jobs, say_stopped
from selfloop.engine.context import Context
from selfloop.engine.domain import Domain
from selfloop.engine.measure import write_metrics
from selfloop.engine.plan import plan
from selfloop.engine.settings import MAY_CHANGE, Settings, checked
from selfloop.runs import record
from selfloop.runs.environment import environment, invocation
from selfloop.runs.resume import continued, resume_or_start


def run(domain: Domain, settings: Settings) -> Path:
    """Run or continue an experiment; the path of its report, or its folder where others are still at work in it.

    The folder ``settings.out`` then holds config.json, environment.json, metrics.jsonl (one line an arm, seed and
    generation), results.jsonl, figures, report.html, and what is needed to go on (`engine.folder`). Raises
    SelfloopError for anything the user can mend, before any work that it would lose.
    """
    settings = checked(domain, settings)
    context = Context(domain, settings)
    begin(context)
    jobs = plan(domain, settings, folder.stored_jobs(settings.out))
    left = run_jobs(context, jobs)
    say_stopped(settings.out, jobs)
    if left:
        print(f"{len(left)} of {len(jobs)} jobs are still held by other processes: {left[0].name}, ...")
        return settings.out
    write_metrics(settings.out)
    from selfloop.report.write import write

    return write(settings.out, domain)


def begin(context: Context) -> None:
    """Make the folder this run's, or see that it is; a run that cannot be is not begun."""
    domain, settings, out = context.domain, context.settings, context.settings.out
    rule = {"extends": ("generations",), "ignores": (*MAY_CHANGE, *domain.axes, *domain.by_n)}
    if folder.begun(out):
        continued(out, settings, **rule)
        for n in settings.n if not settings.cluster else ():
            context.check(n)
    else:
        for job in plan(domain, settings):
            if not settings.cluster:  # there the workers have data and devices
                context.model(job.subject)
                context.correctors(job)
                context.observe(job.n)
                context.check_parts(job)
    resume_or_start(out, settings, **rule)
    folder.write_about(out, domain)
    path, now = out / "environment.json", invocation()
    began = record.read_json(path).get("started", now["started"]) if path.exists() else now["started"]
    record.write_json(path, environment() | now | {"started": began} | dict(domain.environment(settings)))
