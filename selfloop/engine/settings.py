"""The settings that every experiment has, and the cells that they ask for.

A *cell* is one (n, axes, lambda, arm) with all its seeds. A domain's settings are these and its own fields.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, get_args

from selfloop.engine.check import check_settings, check_tables
from selfloop.engine.domain import Domain
from selfloop.errors import ConfigError

Refit = Literal["finetune", "from_scratch"]
CoupledStart = Literal["seed", "part"]
Pairs = tuple[tuple[str, Any], ...]
"""Settings by name, as a value that can be compared and hashed."""


@dataclass(frozen=True)
class Settings:
    """A self-consuming loop over n, lambda, arms and seeds that all of them share."""

    preset: str = "default"
    """Where the defaults below come from."""
    data: str | None = None
    """The real data; None for those that need no file."""
    out: Path = Path("runs/experiment")
    """The run's folder. The same command continues it, and nothing finished is computed again; more generations, seeds,
    arms or cells may be asked for later. Several processes may work on it at once."""
    arms: tuple[str, ...] = ("baseline", "uncorrected")
    """What is compared. An arm without synthetic data does not depend on lambda and is run once."""
    n: tuple[int, ...] = (64,)
    """Numbers of real samples."""
    lam: tuple[float, ...] = (1.0,)
    """Augmentation ratios lambda: synthetic samples per real one."""
    skip: tuple[str, ...] = ()
    """Pairs n:lambda to leave out."""
    generations: int = 20
    """Generations after generation 0, which sees real data only. Raising it continues a finished run."""
    seeds: int = 2
    """Independent repetitions; all arms of a seed share their random numbers and their generation 0."""
    coupled: int = 0
    """Generations of a second, coupled chain beside every chain: it has the same random numbers and starts from another
    generation 0, so that their distance shows how fast the loop forgets where it began. 0 for none."""
    coupled_start: CoupledStart = "seed"
    """seed: a coupled chain starts from another seed's generation 0, of the same law but for chance; part: from one
    that has seen only the first quarter of the real samples, whose law lies far off, so that a contraction stands out
    from chance."""
    refit: Refit = "finetune"
    """How a generation learns. finetune: from the model before it; from_scratch: a new model, the same for a chain and
    the one coupled to it, trained as generation 0 was: what theory calls a refit."""
    evaluate: int = 128
    """Samples that every generation is judged by, the same number in all cells, as FID depends on it."""
    audit_every: int = 5
    """Every so many generations the evaluation samples are also corrected, and the correction measured."""
    together: int = 1
    """Cells of one shape that run as one program: on an accelerator many."""
    cluster: str | None = None
    """Hand the jobs to Ray (extra `cluster`): local starts it on this machine, auto or HOST:PORT joins one that runs.
    All nodes need --out on a shared file system."""
    workers: int = 2
    """Jobs at a time with --cluster local."""


MAY_CHANGE = ("out", "preset", "data", "arms", "n", "lam", "skip", "seeds", "coupled", "together", "cluster", "workers")
"""Settings that may differ from call to call on one folder: they say which jobs there are, or are kept with each, or
do not touch what is computed. A domain's axes and what it has by n may, too."""
LOWEST = {"n": 4, "generations": 1, "seeds": 1, "coupled": 0, "evaluate": 4, "audit_every": 1, "together": 1,
          "workers": 1}  # fmt: skip
"""The least that every number may be; covariances and third neighbours need 4 samples."""

S = TypeVar("S", bound=Settings)


class Cell(NamedTuple):
    """What the seeds of a cell share."""

    n: int
    axes: Pairs
    lam: float
    arm: str


def cells(domain: Domain, settings: Settings) -> list[Cell]:
    """The cells in the order they are run; an arm without synthetic data stands under lambda 0."""
    skipped = {_pair(text) for text in settings.skip}
    found: dict[Cell, None] = {}
    values = [[(name, value) for value in getattr(settings, name)] for name in domain.axes]
    for axes in itertools.product(*values):
        for n, lam in itertools.product(settings.n, settings.lam):
            for arm in settings.arms if (n, lam) not in skipped else ():
                found[Cell(n, axes, lam if domain.arms[arm].synthetic else 0.0, arm)] = None
    return list(found)


def _pair(text: str) -> tuple[int, float]:
    n, _, lam = text.partition(":")
    try:
        return int(n), float(lam)
    except ValueError:
        raise ConfigError(f"--skip {text!r}; give pairs n:lambda, such as 256:4") from None


def by_n(domain: Domain, settings: Settings, n: int) -> Pairs:
    """The settings that depend on n, for one n."""
    at = settings.n.index(n)
    values = {name: getattr(settings, name) for name in domain.by_n}
    return tuple((name, value[at] if len(value) > 1 else value[0]) for name, value in values.items())


def single(settings: S, n: int, pairs: Pairs) -> S:
    """The same settings for one n and these values alone, each still a tuple (of one)."""
    return replace(settings, n=(n,), **{name: (value,) for name, value in pairs})


def checked(domain: Domain, settings: S) -> S:
    """The settings, or ConfigError for the first one outside its range, with what is allowed."""
    check_settings(domain, settings)
    check_tables(domain)
    for name in ("arms", "n", "lam", "skip", *domain.axes, *domain.by_n):
        if not isinstance(getattr(settings, name), tuple):
            raise ConfigError(f"{option(name)} is {getattr(settings, name)!r}; give a tuple of values, if only of one")
    within(settings, LOWEST)
    _tables(domain, settings)
    for name in ("n", "lam", *domain.axes):
        _several(name, getattr(settings, name))
    for name in ("lam", *domain.axes):
        for value in getattr(settings, name):
            if not (isinstance(value, int | float) and value >= 0 and math.isfinite(value)):
                raise ConfigError(f"{option(name)} is {value}; give a number, 0 or more")
    for name in domain.by_n:
        if (given := len(getattr(settings, name))) not in (1, len(settings.n)):
            raise ConfigError(f"{option(name)} has {given} numbers for {len(settings.n)} of --n; give one, or one each")
    for name in ("out", "preset"):
        if not isinstance(getattr(settings, name), str | Path):
            raise ConfigError(f"{option(name)} is {getattr(settings, name)!r}; give a path or a name")
    for name, choices in (("refit", Refit), ("coupled_start", CoupledStart)):
        one_of(name, getattr(settings, name), get_args(choices))
    if settings.coupled and settings.coupled_start == "seed" and settings.seeds < 2:
        raise ConfigError("--coupled needs 2 --seeds or more: a coupled chain starts from another seed's generation 0")
    domain.check(settings)
    if not cells(domain, settings):
        raise ConfigError("--skip leaves no cell")
    return replace(settings, out=Path(settings.out))


def _tables(domain: Domain, settings: Settings) -> None:
    _several("arms", settings.arms)
    for arm in settings.arms:
        if arm not in domain.arms:
            raise ConfigError(f"--arms {arm}: no such arm; choose from {', '.join(domain.arms)}")


def option(name: str) -> str:
    """A field as the command line has it."""
    return f"--{name.replace('_', '-')}"


def within(settings: Settings, lowest: dict[str, int]) -> None:
    """ConfigError for the first number below its least."""
    for name, least in lowest.items():
        values = getattr(settings, name)
        for value in values if isinstance(values, tuple) else (values,):
            if isinstance(value, bool) or not isinstance(value, int):
                raise ConfigError(f"{option(name)} is {value!r}; give a whole number, {least} or more")
            if value < least:
                raise ConfigError(f"{option(name)} is {value}; give {least} or more")


def one_of(name: str, value: str, choices: Sequence[str]) -> None:
    """ConfigError for a value that is none of the choices."""
    if value not in choices:
        raise ConfigError(f"{option(name)} is {value}; choose one of {', '.join(choices)}")


def _several(name: str, values: Sequence[Any]) -> None:
    if not values or len(set(values)) < len(values):
        raise ConfigError(f"{option(name)} is {' '.join(map(str, values)) or 'empty'}; give one or more, each once")
