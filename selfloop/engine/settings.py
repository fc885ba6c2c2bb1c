"""The settings of the grid, its presets, and the cells that they ask for.

A *cell* is one (n, lambda, guidance, arm) with all its seeds. What differs from n to n (training steps) is given once,
or once for each n.
"""

import itertools
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from selfloop.domains.motion.config import LOWEST, PATCH, Arm, Condition, MotionLoopConfig, Pipeline
from selfloop.errors import ConfigError

Refit = Literal["continue", "anew"]
TwinStart = Literal["seed", "part"]


@dataclass(frozen=True)
class GridConfig:
    """The self-consuming loop over a grid of n, lambda, guidance and arms, with seeds that all of them share."""

    preset: str = "cpu"
    """Where the defaults below come from: smoke, cpu, cpu_full, gpu or paper."""
    data: str | None = "bandai-namco"
    """Motion data, as in motion_loop.py; a set of 100 clips or more, or None for the 15 clips of the extra `mocap`."""
    out: Path = Path("runs/motion_grid")
    """The grid's folder. The same command continues it; finished blocks are never computed again; several processes
    may work on it at once. More cells, seeds or arms may be asked for later."""
    n: tuple[int, ...] = (64, 256)
    """Numbers of real windows."""
    lam: tuple[float, ...] = (1.0, 4.0)
    """Augmentation ratios lambda."""
    guidance: tuple[float, ...] = (2.5, 1.0)
    """Strengths of classifier-free guidance."""
    arms: tuple[Arm, ...] = ("baseline", "uncorrected", "physics", "physics_prior")
    """See motion_loop.py. The baseline does not depend on lambda and is run once for each n and guidance."""
    skip: tuple[str, ...] = ("256:4",)
    """Pairs n:lambda to leave out."""
    generations: int = 50
    """Generations after generation 0."""
    seeds: int = 3
    """Repetitions of every cell; all cells of a seed share their random numbers and their generation 0."""
    twins: int = 15
    """Generations of the twin of every chain, which starts from another seed's generation 0 under the same random
    numbers, to measure how fast the loop forgets where it began; 0 for none."""
    twin_start: TwinStart = "seed"
    """seed: another seed's generation 0, which has the same law but for chance; part: one that has seen only the first
    quarter of the real windows, whose law lies far off, so that a contraction stands out from chance."""
    together: int = 1
    """Cells of one shape that run as one program: 1 on a CPU, many on an accelerator."""
    evaluate: int = 256
    """Samples that every generation is judged by, the same in all cells, as FID depends on it."""
    audit_every: int = 5
    """Every so many generations the evaluation samples are also corrected, and the correction measured."""
    first_steps: tuple[int, ...] = (2000, 4000)
    """Training steps of generation 0, for each n."""
    steps: tuple[int, ...] = (50,)
    """Training steps of every later generation, for each n."""
    refit: Refit = "continue"
    """How a generation learns. continue: from the model before it, for `steps` steps, as in the paper. anew: a new
    network, the same for a chain and its twin, for `first_steps` steps: what theory calls a refit."""
    batch: int = 64
    """Windows a training step."""
    width: int = 192
    """Width of the network."""
    band: int = 40
    """Frequencies a token; one token (band = frames) makes the network a residual perceptron."""
    layers: int = 3
    """Layers of the network."""
    frames: int = 40
    """Length of a window, at 20 frames a second."""
    condition: Condition = "label"
    """What a motion is asked for by, label or text, as in motion_loop.py."""
    text_encoder: Path | None = None
    """Folder of a sentence encoder, as in motion_loop.py."""
    pipeline: Pipeline = "auto"
    """Engine of the physics corrector, as in motion_loop.py."""


FREE = ("out", "preset", "data", "n", "lam", "guidance", "arms", "skip", "seeds", "twins", "together", "first_steps",
        "steps")  # fmt: skip
"""Settings that may differ from call to call on one folder: they say which blocks there are, or are kept with each."""


def smoke() -> GridConfig:
    """A grid in miniature on the embedded clips, to see that everything works: about 2 minutes on 2 cores."""
    return GridConfig(
        preset="smoke", data=None, out=Path("runs/grid_smoke"), n=(16,), lam=(1.0,), guidance=(2.5,), skip=(),
        arms=("baseline", "uncorrected", "physics"), generations=6, seeds=2, twins=4, evaluate=32, first_steps=(100,),
        steps=(20,), batch=16, width=128, layers=2,
    )  # fmt: skip


def cpu() -> GridConfig:
    """What docs/results.md rests on: 66 chains of 50 generations, their twins; 2 h as 2 processes of a core."""
    return GridConfig()


def cpu_full() -> GridConfig:
    """Every arm and lambda at n = 64 to 256, 5 seeds, the small model: a day of 2 cores."""
    return replace(
        _paper_grid(), preset="cpu_full", out=Path("runs/grid_cpu_full"), n=(64, 128, 256), seeds=5,
        first_steps=(2000, 3000, 4000),
    )  # fmt: skip


def gpu() -> GridConfig:
    """The paper's grid, n = 2794 included, with the small model, all arms of one shape in one program."""
    return replace(
        _paper_grid(), preset="gpu", out=Path("runs/grid_gpu"), first_steps=(2000, 3000, 4000, 20_000),
        steps=(100, 100, 100, 1000), width=256, layers=4, together=64,
    )  # fmt: skip


def paper() -> GridConfig:
    """The paper's nine arms at n = 64, its class of model (8 layers, width 512) and schedule: one H100-class GPU."""
    return GridConfig(
        preset="paper", out=Path("runs/grid_paper"), n=(64,), lam=(0.25, 0.5, 0.75, 1.0), guidance=(2.5,), skip=(),
        arms=("baseline", "uncorrected", "physics"), seeds=1, twins=0, together=64, first_steps=(5000,),
        steps=(1000,), width=512, layers=8, band=4, condition="text",
    )  # fmt: skip


def _paper_grid() -> GridConfig:
    lam = (0.25, 0.5, 0.75, 1.0, 2.0, 4.0)
    return GridConfig(n=(64, 128, 256, 2794), lam=lam, arms=get_args(Arm), skip=(), seeds=5)


PRESETS = {"smoke": smoke, "cpu": cpu, "cpu_full": cpu_full, "gpu": gpu, "paper": paper}


class Cell(NamedTuple):
    """What the seeds of a cell share."""

    n: int
    lam: float
    guidance: float
    arm: str


def cells(config: GridConfig) -> list[Cell]:
    """The cells of the grid in the order they are run; a baseline stands under lambda 0."""
    skipped = {_pair(text) for text in config.skip}
    found = []
    for guidance in config.guidance:
        for n, lam in itertools.product(config.n, config.lam):
            for arm in config.arms if (n, lam) not in skipped else ():
                cell = Cell(n, 0.0 if arm == "baseline" else lam, guidance, arm)
                if cell not in found:
                    found.append(cell)
    return found


def _pair(text: str) -> tuple[int, float]:
    n, colon, lam = text.partition(":")
    try:
        return int(n), float(lam)
    except ValueError:
        raise ConfigError(f"--skip {text!r}; give pairs n:lambda, such as 256:4") from None


def motion_config(config: GridConfig, n: int, lam: float = 1.0, guidance: float = 1.0) -> MotionLoopConfig:
    """The motion loop's settings for one n, lambda and guidance of the grid."""
    at = config.n.index(n)
    return MotionLoopConfig(
        data=config.data, n=n, lam=lam, generations=config.generations, guidance=guidance, pipeline=config.pipeline,
        frames=config.frames, evaluate=config.evaluate, first_steps=_of(config.first_steps, at),
        steps=_of(config.steps, at), batch=config.batch, width=config.width, band=config.band, layers=config.layers,
        condition=config.condition, text_encoder=config.text_encoder,
    )  # fmt: skip


def _of(values: tuple[int, ...], at: int) -> int:
    return values[at] if len(values) > 1 else values[0]


def checked(config: GridConfig) -> GridConfig:
    """The config, or ConfigError for the first setting outside its range."""
    for name, least in (LOWEST | {"together": 1, "audit_every": 1, "twins": 0}).items():
        values = getattr(config, name)
        for value in values if isinstance(values, tuple) else (values,):
            if value < least:
                raise ConfigError(f"--{name.replace('_', '-')} is {value}; give {least} or more")
    for name in ("n", "lam", "guidance", "arms"):
        values = getattr(config, name)
        if not values or len(set(values)) < len(values):
            raise ConfigError(f"--{name} is {' '.join(map(str, values)) or 'empty'}; give one or more, each once")
    for name in ("lam", "guidance"):
        for value in getattr(config, name):
            if not (value >= 0 and math.isfinite(value)):
                raise ConfigError(f"--{name} is {value}; give numbers, 0 or more")
    for name in ("first_steps", "steps"):
        if len(getattr(config, name)) not in (1, len(config.n)):
            given, option = len(getattr(config, name)), name.replace("_", "-")
            raise ConfigError(f"--{option} has {given} numbers for {len(config.n)} of --n; give one, or one for each")
    if config.frames % PATCH:
        raise ConfigError(f"--frames is {config.frames}; give a multiple of {PATCH}")
    if unknown := set(config.arms) - set(get_args(Arm)):
        raise ConfigError(f"--arms {' '.join(sorted(unknown))}: no such arm; choose from {', '.join(get_args(Arm))}")
    for name, known in {"pipeline": get_args(Pipeline), "condition": get_args(Condition)}.items():
        if getattr(config, name) not in known:
            raise ConfigError(f"--{name} is {getattr(config, name)}; choose one of {', '.join(known)}")
    if config.text_encoder is not None and config.condition != "text":
        raise ConfigError(f"--text-encoder is {config.text_encoder}, but conditions are labels; add --condition text")
    if config.refit not in get_args(Refit):
        raise ConfigError(f"--refit is {config.refit}; choose one of {', '.join(get_args(Refit))}")
    if config.twin_start not in get_args(TwinStart):
        raise ConfigError(f"--twin-start is {config.twin_start}; choose one of {', '.join(get_args(TwinStart))}")
    if config.twins and config.twin_start == "seed" and config.seeds < 2:
        raise ConfigError("--twins needs 2 --seeds or more: a twin starts from another seed's generation 0")
    if not cells(config):
        raise ConfigError("--skip leaves no cell")
    return replace(config, out=Path(config.out))
