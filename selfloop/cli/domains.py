"""The table of domains that can be run by name. A later domain is one row; it is imported when it is asked for."""

import importlib
import itertools
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

from selfloop.cli.guard import one_of


class Row(NamedTuple):
    """A domain and one table of its presets."""

    domain: str
    """``module:NAME`` of its `Domain`."""
    presets: str
    """``module:NAME`` of a table from names to functions without arguments that make settings."""
    default: str
    what: str
    more: str = ""
    """What its ``--help`` begins with."""


DOMAINS = {
    "gaussian": Row(
        "selfloop.domains.gaussian.domain:GAUSSIAN",
        "selfloop.domains.gaussian.domain:PRESETS",
        "default",
        "Self-consuming Gaussians, where theory knows every answer: seconds.",
        """
    selfloop run gaussian                    five arms, 6 seeds, 20 generations
    selfloop run gaussian --gamma 0.5 2      two strengths of correction
    selfloop run gaussian --model mean       the mean alone is fitted: contraction is exact
""",
    ),
    "images": Row(
        "selfloop.domains.images.domain:IMAGES",
        "selfloop.domains.images.settings:PRESETS",
        "default",
        "The self-consuming loop on images: every image experiment of four papers, one preset each.",
        """
    selfloop run images                       5,000 digits of the extra `images`, 5 arms, 20 generations
    selfloop run images --preset smoke        the same in miniature
    selfloop run images --preset shumailov    a new VAE every generation
    selfloop run images --data FOLDER         MNIST or Fashion-MNIST as IDX files
""",
    ),
    "motion": Row(
        "selfloop.domains.motion.domain:MOTION",
        "selfloop.domains.motion.settings:LOOP_PRESETS",
        "default",
        "The self-consuming loop on real human motion, with and without a physics corrector.",
        """
    selfloop run motion                          15 clips that come with the package, 3 arms, 20 generations
    selfloop run motion --preset smoke           the same in miniature
    selfloop run motion --data FILE --n 256      your own motion capture
""",
    ),
    "motion-grid": Row(
        "selfloop.domains.motion.domain:MOTION",
        "selfloop.domains.motion.settings:GRID_PRESETS",
        "cpu",
        "The paper's grid on real human motion: n, lambda, guidance and arms, with coupled chains, job by job.",
        """
    selfloop run motion-grid --preset smoke      a grid in miniature
    selfloop run motion-grid                     the grid behind docs/results.md, for a CPU
    selfloop run motion-grid --preset gpu        the whole grid, for an accelerator

It may be given several times at once on one --out: each process takes jobs that no other one holds. --cluster local
--workers 2 starts such processes by itself, --cluster auto hands the jobs to a Ray cluster (docs/sweeps.md).
""",
    ),
    "language": Row(
        "selfloop.domains.language.domain:LANGUAGE",
        "selfloop.domains.language.settings:PRESETS",
        "default",
        "The self-consuming loop on text: a language model learns from what the one before it wrote.",
        """
    selfloop run language                        King James verses, 6 arms, 10 generations
    selfloop run language --preset smoke         the same in miniature
    selfloop run language --preset transformer   a small transformer in place of the n-gram
    selfloop run language --data FILE --n 2000   your own text, a document a line
""",
    ),
    "molecules": Row(
        "selfloop.domains.molecules.domain:MOLECULES",
        "selfloop.domains.molecules.settings:PRESETS",
        "default",
        "The self-consuming loop on conformers of a molecule, where physics knows the true law.",
        """
    selfloop run molecules                      alanine dipeptide at 600 K, 5 arms, 8 generations
    selfloop run molecules --preset smoke       the same in miniature
    selfloop run molecules --data FILE.sdf --n 500      conformers of your own molecule (extra `molecules`)
""",
    ),
    "sums": Row(
        "selfloop.domains.language.sums.domain:SUMS",
        "selfloop.domains.language.sums.domain:PRESETS",
        "default",
        "The self-consuming loop on sums as strings, where a program knows right from wrong.",
        """
    selfloop run sums                    8 arms, 3 seeds, 12 generations
    selfloop run sums --preset smoke     the same in miniature
""",
    ),
}

SAME = """
The same command on the same --out continues a run that was stopped; more generations, seeds or arms may be asked for.
Results: a table on screen, and in the folder --out a page (report.html), figures and metrics.jsonl.
"""


def domain(name: str) -> Callable[[list[str]], Callable[..., int]]:
    """How the command of a domain is loaded: the arguments' --preset says where its defaults come from."""
    return lambda arguments: command(DOMAINS[name], arguments)


def command(row: Row, arguments: list[str]) -> Callable[..., int]:
    """The command of a domain, whose options are its settings; ConfigError for a preset that there is not."""
    import tyro

    found, presets = _at(row.domain), _at(row.presets)
    preset = preset_of(arguments) or row.default
    one_of("--preset", preset, tuple(presets))
    defaults = presets[preset]()

    def run(settings: Any = defaults) -> int:
        from selfloop.experiment import run
        from selfloop.runs.environment import compilation_cache

        compilation_cache()
        print(f"report: {run(found, settings)}")
        return 0

    run.__annotations__ = {"settings": Annotated[type(defaults), tyro.conf.arg(name="")], "return": int}
    run.__doc__ = "\n".join([row.what, row.more, SAME, _told(presets)])
    return run


def preset_of(arguments: list[str]) -> str | None:
    """The preset that is named last."""
    named = [(i, b) for i, (a, b) in enumerate(itertools.pairwise(arguments)) if a == "--preset"]
    named += [(i, a.removeprefix("--preset=")) for i, a in enumerate(arguments) if a.startswith("--preset=")]
    return max(named)[1] if named else None


def _told(presets: dict[str, Callable]) -> str:
    """What each preset says of itself."""
    return "\n".join(["Presets:", *(f"    {name}: {' '.join(made.__doc__.split())}" for name, made in presets.items())])


def _at(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)
