"""The settings of the motion loop, and its presets."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, get_args

import tyro

from selfloop.errors import ConfigError

Arm = Literal["baseline", "uncorrected", "physics", "physics_prior", "smoothing", "nearest_real", "accumulate"]
Pipeline = Literal["auto", "mjx", "mujoco"]
Condition = Literal["label", "text"]


@dataclass(frozen=True)
class MotionLoopConfig:
    """The self-consuming loop on real human motion: retrain, sample, correct, retrain."""

    preset: str = "default"
    """Where the defaults below come from: smoke, default or paper."""
    data: str | None = None
    """Motion data: a folder, a .zip or a .tar.xz of BVH, DeepMimic or HumanML3D files, or a named set (deepmimic,
    bandai-namco-256, bandai-namco: downloaded). Without it: the 15 clips that the extra `mocap` installs."""
    out: Path = Path("runs/motion_loop")
    """The run's folder. The same command on the same folder continues a run that was stopped."""
    arms: tuple[Arm, ...] = ("baseline", "uncorrected", "physics")
    """baseline: fine-tuned on real data only; uncorrected: on real data and its own samples; physics: on real data
    and its own samples after the physics corrector; physics_prior: after a prior learned on other clips, then physics;
    smoothing: after a low-pass; nearest_real: each replaced by the nearest window of other clips, a ceiling;
    accumulate: uncorrected, but older samples stay. physics_prior and nearest_real need a set of 100 clips or more."""
    n: int = 64
    """Real windows, the same every generation."""
    lam: float = 1.0
    """Augmentation ratio lambda: synthetic windows per real one."""
    generations: int = 20
    """Generations after generation 0, which sees real data only. Raising it continues a finished run."""
    seeds: int = 2
    """Independent repetitions; arms of one seed share their random numbers."""
    condition: Condition = "label"
    """What a motion is asked for by: the label of its clip, or text: one of several captions made from label and style,
    drawn anew every generation; judged under captions that no training has seen, by R-precision too."""
    text_encoder: Path | None = None
    """Folder of a model2vec model that turns captions into points (extra `text`; nothing is downloaded). Without it:
    an encoder by the words and letters of the captions, which needs nothing."""
    guidance: float = 2.5
    """Classifier-free guidance at sampling: 2.5 as in the paper; 1 is none."""
    pipeline: Pipeline = "auto"
    """Engine of the physics corrector: mjx (through Brax, for accelerators), mujoco (the C engine, on all cores of a
    CPU), or auto, the one that suits what JAX runs on."""
    frames: int = 40
    """Length of a window, at 20 frames a second."""
    mirror: bool = False
    """Add the left-right mirror image of every real clip."""
    evaluate: int = 128
    """Samples that every generation is judged by; FID depends on it, so compare only equal counts."""
    first_steps: int = 2000
    """Training steps of generation 0."""
    steps: int = 100
    """Training steps of every later generation."""
    batch: int = 64
    """Windows a training step."""
    width: int = 256
    """Width of the network."""
    band: int = 40
    """Frequencies a token. One token for the whole motion (band = frames) makes the network a residual perceptron,
    which learns fastest on a CPU; smaller bands make it a transformer."""
    layers: int = 4
    """Layers of the network."""
    data_digest: Annotated[str, tyro.conf.Suppress] = ""
    """What the data were when the run began; filled in by the run."""


def smoke() -> MotionLoopConfig:
    """A complete run in miniature, to see that everything works: under 2 minutes on 2 cores with warm caches."""
    return MotionLoopConfig(
        preset="smoke", out=Path("runs/smoke"), n=16, generations=2, seeds=1, evaluate=16, first_steps=100, steps=20,
        batch=16, width=128, layers=2,
    )  # fmt: skip


def default() -> MotionLoopConfig:
    """15 real clips, three arms, 20 generations, 2 seeds: under 10 minutes on 2 cores, compilation included."""
    return MotionLoopConfig()


def paper() -> MotionLoopConfig:
    """The paper's class of model, its schedule for n = 64 and text: a GPU, about a thousand steps a generation."""
    return MotionLoopConfig(
        preset="paper", data="bandai-namco", out=Path("runs/paper"), generations=50, seeds=3, evaluate=256,
        first_steps=5000, steps=1000, width=512, layers=8, band=4, condition="text",
    )  # fmt: skip


LOWEST = {
    "n": 4, "generations": 1, "seeds": 1, "frames": 8, "evaluate": 4, "first_steps": 1, "steps": 1, "batch": 1,
    "width": 8, "band": 1, "layers": 1,
}  # fmt: skip
"""The least that every number may be; covariances and third neighbours need 4 motions."""

PATCH = 4
"""Frames are counted in multiples of this, the evaluator's patch."""

PRESETS = {"smoke": smoke, "default": default, "paper": paper}


def checked(config: MotionLoopConfig) -> MotionLoopConfig:
    """The config, or ConfigError for the first setting outside its range."""
    for name, least in LOWEST.items():
        if getattr(config, name) < least:
            raise ConfigError(f"--{name.replace('_', '-')} is {getattr(config, name)}; give {least} or more")
    if config.frames % PATCH:
        raise ConfigError(f"--frames is {config.frames}; give a multiple of {PATCH}")
    if not (config.lam >= 0 and math.isfinite(config.lam)):
        raise ConfigError(f"--lam is {config.lam}; it is synthetic windows per real one: give a number, 0 or more")
    if not (config.guidance >= 0 and math.isfinite(config.guidance)):
        raise ConfigError(f"--guidance is {config.guidance}; give a number, 0 or more (1 is no guidance)")
    arms, pipelines = get_args(Arm), get_args(Pipeline)
    if not config.arms or len(set(config.arms)) < len(config.arms) or not set(config.arms) <= set(arms):
        raise ConfigError(
            f"--arms is {' '.join(config.arms) or 'empty'}; name one or more of {', '.join(arms)}, each once"
        )
    if config.pipeline not in pipelines:
        raise ConfigError(f"--pipeline is {config.pipeline}; choose one of {', '.join(pipelines)}")
    if config.condition not in get_args(Condition):
        raise ConfigError(f"--condition is {config.condition}; choose one of {', '.join(get_args(Condition))}")
    if config.text_encoder is not None and config.condition != "text":
        raise ConfigError(f"--text-encoder is {config.text_encoder}, but conditions are labels; add --condition text")
    return replace(config, out=Path(config.out))
