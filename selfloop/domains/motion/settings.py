"""Settings of motion experiments, and their presets: the loop (`LOOP_PRESETS`) and the grid (`GRID_PRESETS`)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from selfloop.domains.motion.arms import ARMS
from selfloop.engine.settings import Settings, one_of, within
from selfloop.errors import ConfigError
from selfloop.extras import need

if TYPE_CHECKING:
    ArmName: TypeAlias = str
else:
    ArmName = Literal[tuple(ARMS)]  # what tyro offers and checks
Pipeline = Literal["auto", "mjx", "mujoco"]
Condition = Literal["label", "text"]


@dataclass(frozen=True)
class MotionSettings(Settings):
    """The self-consuming loop on real human motion: retrain, sample, correct, retrain."""

    data: str | None = None
    """Motion data: a folder, a .zip or a .tar.xz of BVH, DeepMimic or HumanML3D files, or a named set (deepmimic,
    bandai-namco-256, bandai-namco: downloaded). Without it: the 15 clips that come with the package."""
    skeleton: Path | None = None
    """A file map.toml that says which joint is which in BVH files of an unknown skeleton; the error prints one to fill
    in."""
    strict: bool = False
    """Refuse a set with a bad file, which is else left out and named."""
    out: Path = Path("runs/motion_loop")
    arms: tuple[ArmName, ...] = ("baseline", "uncorrected", "physics")
    """baseline: fine-tuned on real data only; uncorrected: on real data and its own samples; physics: on real data
    and its own samples after the physics corrector; physics_prior: after a prior learned on other clips, then physics;
    smoothing: after a low-pass; nearest_real: each replaced by the nearest window of other clips, a ceiling;
    accumulate: uncorrected, but older samples stay. physics_prior and nearest_real need a set of 100 clips or more."""
    together: int = 8
    condition: Condition = "label"
    """What a motion is asked for by: the label of its clip, or text: one of several captions made from label and style,
    drawn anew every generation; judged under captions that no training has seen, by R-precision too."""
    text_encoder: Path | None = None
    """Folder of a model2vec model that turns captions into points (extra `text`; nothing is downloaded). Without it:
    an encoder by the words and letters of the captions, which needs nothing."""
    guidance: tuple[float, ...] = (2.5,)
    """Classifier-free guidance at sampling: 2.5 as in the paper; 1 is none."""
    pipeline: Pipeline = "auto"
    """Engine of the physics corrector: mjx (through Brax, for accelerators), mujoco (the C engine, on all cores of a
    CPU), or auto, the one that suits what JAX runs on."""
    frames: int = 40
    """Length of a window, at 20 frames a second."""
    mirror: bool = False
    """Add the left-right mirror image of every real clip."""
    first_steps: tuple[int, ...] = (2000,)
    """Training steps of generation 0; one number, or one for each --n."""
    steps: tuple[int, ...] = (100,)
    """Training steps of every later generation; one number, or one for each --n."""
    batch: int = 64
    """Windows a training step."""
    width: int = 144
    """Width of the network. On the 15 clips 144 x 3 layers makes samples as near to real motion as 256 x 4, in two
    thirds of the time."""
    band: int = 40
    """Frequencies a token. One token for the whole motion (band = frames) makes the network a residual perceptron,
    which learns fastest on a CPU; smaller bands make it a transformer."""
    layers: int = 3
    """Layers of the network."""


LOWEST = {"frames": 8, "first_steps": 1, "steps": 1, "batch": 1, "width": 8, "band": 1, "layers": 1}
PATCH = 4
"""Frames are counted in multiples of this, the evaluator's patch."""


def check(settings: MotionSettings) -> None:
    """ConfigError for the first setting of motion that cannot be."""
    within(settings, LOWEST)
    if settings.frames % PATCH:
        raise ConfigError(f"--frames is {settings.frames}; give a multiple of {PATCH}")
    one_of("pipeline", settings.pipeline, get_args(Pipeline))
    one_of("condition", settings.condition, get_args(Condition))
    for arm in settings.arms:
        if "physics" in ARMS[arm].corrector:
            need("motion", f"the arm {arm}")
    if settings.text_encoder is not None and settings.condition != "text":
        raise ConfigError(f"--text-encoder is {settings.text_encoder}, but conditions are labels; add --condition text")


def loop_smoke() -> MotionSettings:
    """A complete run in miniature, to see that everything works: about a minute on 2 cores."""
    return MotionSettings(
        preset="smoke", out=Path("runs/smoke"), n=(16,), generations=2, seeds=1, evaluate=16, audit_every=1,
        first_steps=(100,), steps=(20,), batch=16, width=128, layers=2,
    )  # fmt: skip


def loop_default() -> MotionSettings:
    """15 real clips, three arms, 20 generations, 2 seeds: 7 minutes on 2 cores, compilation included."""
    return MotionSettings()


def loop_paper() -> MotionSettings:
    """The paper's class of model, its schedule for n = 64 and text: a GPU, about a thousand steps a generation."""
    return MotionSettings(
        preset="paper", data="bandai-namco", out=Path("runs/paper"), generations=50, seeds=3, evaluate=256,
        first_steps=(5000,), steps=(1000,), width=512, layers=8, band=4, condition="text",
    )  # fmt: skip


def grid_smoke() -> MotionSettings:
    """A grid in miniature on the embedded clips, to see that everything works: about 2 minutes on 2 cores."""
    return MotionSettings(
        preset="smoke", out=Path("runs/grid_smoke"), n=(16,), generations=6, seeds=2, coupled=4, evaluate=32,
        first_steps=(100,), steps=(20,), batch=16, width=128, layers=2, together=1,
    )  # fmt: skip


def grid_cpu() -> MotionSettings:
    """What docs/results.md rests on: 66 chains of 50 generations, coupled ones; 2 h as 2 processes of a core."""
    return MotionSettings(
        preset="cpu", data="bandai-namco", out=Path("runs/motion_grid"), n=(64, 256), lam=(1.0, 4.0),
        guidance=(2.5, 1.0), arms=("baseline", "uncorrected", "physics", "physics_prior"), skip=("256:4",),
        generations=50, seeds=3, coupled=15, together=1, evaluate=256, first_steps=(2000, 4000), steps=(50,),
        width=192, layers=3,
    )  # fmt: skip


def grid_cpu_full() -> MotionSettings:
    """Every arm and lambda at n = 64 to 256, 5 seeds, the small model: a day of 2 cores."""
    return replace(
        _paper_grid(), preset="cpu_full", out=Path("runs/grid_cpu_full"), n=(64, 128, 256),
        first_steps=(2000, 3000, 4000),
    )  # fmt: skip


def grid_gpu() -> MotionSettings:
    """The paper's grid, n = 2794 included, with the small model, all arms of one shape in one program."""
    return replace(
        _paper_grid(), preset="gpu", out=Path("runs/grid_gpu"), first_steps=(2000, 3000, 4000, 20_000),
        steps=(100, 100, 100, 1000), width=256, layers=4, together=64,
    )  # fmt: skip


def grid_paper() -> MotionSettings:
    """The paper's nine arms at n = 64, its class of model (8 layers, width 512) and schedule: one H100-class GPU."""
    return replace(
        grid_cpu(), preset="paper", out=Path("runs/grid_paper"), n=(64,), lam=(0.25, 0.5, 0.75, 1.0), guidance=(2.5,),
        skip=(), arms=("baseline", "uncorrected", "physics"), seeds=1, coupled=0, together=64, first_steps=(5000,),
        steps=(1000,), width=512, layers=8, band=4, condition="text",
    )  # fmt: skip


def _paper_grid() -> MotionSettings:
    lam = (0.25, 0.5, 0.75, 1.0, 2.0, 4.0)
    return replace(grid_cpu(), n=(64, 128, 256, 2794), lam=lam, arms=tuple(ARMS), skip=(), seeds=5)


Presets = dict[str, Callable[[], MotionSettings]]
LOOP_PRESETS: Presets = {"smoke": loop_smoke, "default": loop_default, "paper": loop_paper}
GRID_PRESETS: Presets = {"smoke": grid_smoke, "cpu": grid_cpu, "cpu_full": grid_cpu_full, "gpu": grid_gpu,
                         "paper": grid_paper}  # fmt: skip
