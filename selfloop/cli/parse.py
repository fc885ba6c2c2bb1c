"""The command line by tyro: typed functions are its commands, their settings its options, mistakes one line each."""

import contextlib
import functools
import io
import re
import sys
from collections.abc import Callable
from typing import Annotated, Any, Union

import tyro

Function = Callable[..., Any]


def parse(commands: dict[str, Function], arguments: list[str], prog: str, description: str) -> Any:
    """Call the command that the arguments name, on what they say; what it returns.

    A name of two words is a command inside a group. SystemExit with code 2 and one line on standard error for what
    cannot be parsed; with 0 after ``--help`` and ``--tyro-print-completion bash|zsh|tcsh``. Nothing is called then.
    """
    chosen: list[Callable[[], Any]] = []
    kept = {name: _kept(function, chosen) for name, function in commands.items()}
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            tyro.cli(_union(kept), args=arguments, prog=prog, description=description)
    except SystemExit as stop:
        if stop.code:
            print(f"error: {one_line(said.getvalue())}", file=sys.stderr)
        raise
    print(said.getvalue(), end="", file=sys.stderr)
    return chosen[0]()


def one_line(box: str) -> str:
    """What a box of tyro's says, as a line: its first paragraph and where the help is."""
    lines = (line.strip("│ \t") for line in box.splitlines() if not line.startswith(("╭", "╰")))
    paragraphs = [" ".join(part.split()) for part in re.split(r"─{5,}", "\n".join(lines))]
    said = [part for part in paragraphs if part and not part.startswith("Argument helptext")]
    return "; ".join(said) or "the arguments cannot be read"


def _kept(function: Function, chosen: list[Callable[[], Any]]) -> Function:
    """A function of the same options that only says that it was chosen, so that no work is done while parsing."""

    @functools.wraps(function)
    def keep(*args: Any, **kwargs: Any) -> None:
        chosen.append(lambda: function(*args, **kwargs))

    return keep


def _union(commands: dict[str, Function]) -> Any:
    """The type that has tyro choose among the commands."""
    groups: dict[str, dict[str, Function]] = {}
    for name, function in commands.items():
        group, _, rest = name.partition(" ")
        groups.setdefault(group, {})[rest] = function
    kinds = []
    for name, inner in groups.items():
        if "" in inner:
            kinds.append(Annotated[Any, tyro.conf.subcommand(name=name, constructor=inner[""])])
        else:
            told = f"{', '.join(inner)}: see --help of each"
            kinds.append(Annotated[_union(inner), tyro.conf.subcommand(name=name, description=told)])
    # A union of one is no union.
    return Union[(*kinds, Annotated[None, tyro.conf.Suppress])]  # type: ignore[return-value]  # noqa: UP007
