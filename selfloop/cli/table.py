"""The table of commands: a new one is a file with a typed function and one row, imported when it is asked for.

A command is a function whose parameters are the options (tyro's rules) and whose result is the exit code.
"""

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

from selfloop.cli.domains import DOMAINS, domain

CONTINUES = "stopped; the same command continues"


class Command(NamedTuple):
    """A row of the table."""

    load: Callable[[list[str]], Callable[..., Any]]
    """From the arguments after the name to the function."""
    what: str
    stopped: str = "stopped"
    """What is said after Ctrl-C."""


def at(place: str) -> Callable[[list[str]], Callable[..., Any]]:
    """Load ``module:function``."""
    module, _, name = place.partition(":")
    return lambda arguments: getattr(importlib.import_module(module), name)


COMMANDS: dict[str, Command] = {
    **{f"run {name}": Command(domain(name), row.what, CONTINUES) for name, row in DOMAINS.items()},
    "verify": Command(
        at("selfloop.cli.verify:verify"),
        "Check every stability theorem beside its measurement.",
        "stopped; claims.json holds what was checked",
    ),
    "certify": Command(at("selfloop.cli.certify:certify"), "How much synthetic data can a model of my data take?"),
    "audit": Command(at("selfloop.cli.audit:audit"), "How strong is my corrector? From three arrays of samples."),
    "compare": Command(at("selfloop.cli.compare:compare"), "Compare finished runs, paired by seed."),
    "report": Command(at("selfloop.cli.report:report"), "Write the report of a run again."),
    "motion inspect": Command(at("selfloop.cli.inspect:inspect"), "What is understood of a set of motion capture."),
    "bench correctors": Command(
        at("selfloop.cli.correctors:correctors"), "Every corrector of motion on every corruption.", CONTINUES
    ),
    "bench speed": Command(at("selfloop.cli.bench:speed"), "How fast the loops are."),
    "bench gaussian-toy": Command(at("selfloop.cli.bench:gaussian_toy"), "The Gaussian figure of Gillman et al."),
    "bench phase-diagram": Command(at("selfloop.cli.bench:phase_diagram"), "Where the loop is stable, measured."),
    "doctor": Command(at("selfloop.cli.doctor:doctor"), "What is installed and found here, and whether it works."),
}
