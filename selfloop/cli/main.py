"""The command ``selfloop``: what it was asked for is loaded, parsed and done.

Of all commands only the one that is named is imported; all of them for ``--tyro-print-completion``.
"""

import sys
from collections.abc import Callable, Sequence

from selfloop.cli.guard import guarded
from selfloop.cli.table import COMMANDS, Command

ABOUT = """Self-consuming generative training: run loops, check their theory, audit correctors.

Completion for the shell: selfloop --tyro-print-completion bash > FILE, which the shell is to read (zsh, tcsh too)."""
COMPLETION = "--tyro-print-completion"
WRITTEN = "--tyro-write-completion"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments (None: the command line's) ask for; the exit code: 0, 2 for a mistake, 128 + n at signal n.

    1 is for work that was done and whose answer is no: a claim that does not hold, an installation that is not sound.
    """
    asked = list(sys.argv[1:] if arguments is None else arguments)
    name = named(asked)
    return guarded(lambda: _do(asked, name), COMMANDS[name].stopped if name else "stopped")


def named(arguments: Sequence[str]) -> str | None:
    """The command that the arguments begin with."""
    for words in (2, 1):
        if (name := " ".join(arguments[:words])) in COMMANDS:
            return name
    return None


def _do(arguments: list[str], name: str | None) -> int:
    if arguments[:1] in (["--version"], ["-V"]):
        from selfloop import __version__

        print(f"selfloop {__version__}")
        return 0
    from selfloop.cli.parse import parse

    complete = any(one.startswith((COMPLETION, WRITTEN)) for one in arguments)
    commands: dict[str, Callable] = {}
    for other, row in COMMANDS.items():
        wanted = complete or other == name
        commands[other] = row.load(arguments[len(other.split()) :] if other == name else []) if wanted else _stub(row)
    try:
        return parse(commands, arguments or ["--help"], "selfloop", ABOUT)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2 * (stop.code is not None)  # None is success


def _stub(row: Command) -> Callable[[], None]:
    """A command that is not called, for the list of all."""

    def stub() -> None: ...

    stub.__doc__ = row.what
    return stub


if __name__ == "__main__":
    sys.exit(main())
