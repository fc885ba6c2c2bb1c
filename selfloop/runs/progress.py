"""Progress with the time left, and tables, in the terminal; plain lines where there is no terminal."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from selfloop.runs.pace import Kind, Pace
from selfloop.wording import cell, duration, heading, numeric

Tick = Callable[..., None]
_EVERY = 15.0
"""Seconds between plain lines."""


ONE = Kind()
"""Steps that are all of one kind."""


class Skipped(NamedTuple):
    """Steps of a kind that take no time: an earlier run has done them, or nobody ever will."""

    kind: Kind


@contextmanager
def progress(total: int | Mapping[Kind, int], text: str, done: int = 0) -> Iterator[Tick]:
    """Show work and the time left (`runs.pace`).

    ``with progress(total, "training") as tick: tick(1, "physics, seed 0")``: a tick says how many steps are done more,
    what comes now, and of which `Kind` the steps were (one kind for all by default), or that they are `Skipped`.

    Args:
        total: steps of the whole; or, of each kind, those that are left.
        text: what is done.
        done: steps that a run which is continued has done already.
    """
    left = dict(total) if isinstance(total, Mapping) else {ONE: total - done}
    total = done + sum(left.values())
    console, pace, began = Console(), Pace(left), time.monotonic()
    show, close = (_bar if console.is_terminal else _lines)(console, total, text, done)
    finished, last = done, began

    def tick(steps: int = 1, what: str = "", kind: Kind | Skipped = ONE) -> None:
        nonlocal finished, last
        finished, now = finished + steps, time.monotonic()
        if isinstance(kind, Skipped):
            pace.done(kind.kind, steps, None)
        elif steps:
            pace.done(kind, steps, now - last)
            last = now
        show(finished, what, now - began, pace.remaining())

    try:
        yield tick
    finally:
        close()


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], title: str = "") -> None:
    """Print rows as a table of the named columns."""
    console = Console()
    if not console.is_terminal:  # files and pipes have no width to keep to
        console = Console(width=400)
    view = Table(title=Text(title) if title else None, title_justify="left", header_style="bold")
    for column in columns:
        right = any(numeric(row.get(column)) for row in rows)
        view.add_column(Text(heading(column)), justify="right" if right else "left")
    for row in rows:
        view.add_row(*(Text(cell(row.get(column))) for column in columns))
    console.print(view)


def _remaining(left: float | None) -> str:
    return "" if left is None else f"{duration(left)} left"


def _bar(console: Console, total: int, text: str, done: int) -> tuple[Callable, Callable]:
    tail = TextColumn("{task.fields[left]}  {task.fields[what]}", markup=False)
    bar = Progress(
        TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), tail, console=console
    )
    task = bar.add_task(text, total=total, completed=done, left="", what="")
    bar.start()

    def show(finished: int, what: str, elapsed: float, left: float | None) -> None:
        bar.update(task, completed=finished, what=what, left=_remaining(left))

    return show, bar.stop


def _lines(console: Console, total: int, text: str, done: int) -> tuple[Callable, Callable]:
    said = -_EVERY

    def show(finished: int, what: str, elapsed: float, left: float | None) -> None:
        nonlocal said
        if elapsed - said < _EVERY and finished < total:
            return
        said = elapsed
        parts = [f"{text}: {finished}/{total}", what, f"{duration(elapsed)} so far", _remaining(left)]
        print(", ".join(part for part in parts if part), flush=True)

    return show, lambda: None
