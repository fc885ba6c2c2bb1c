"""Gaussian loops: samples of N(0, I_d) and a Gaussian fitted by maximum likelihood, exact recursions beside them.

The engine's oracle and the quickest demonstration. With the covariance known (``--model mean``) the distance of a chain
to the one coupled to it shrinks by exactly lambda / (1 + lambda) a generation, and on average by
lambda / ((1 + lambda)(1 + gamma)) where a share gamma / (1 + gamma) of the samples is replaced by true ones.
Letters: n real samples, d dimensions, N samples.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import jax
import numpy as np
from jax import Array

from selfloop.batch import Batch, uniform
from selfloop.correctors.failing import failing
from selfloop.correctors.idealized import replacement
from selfloop.correctors.smoothing import smoothing
from selfloop.correctors.transport import redraw
from selfloop.engine.domain import Arm, Data, Domain, Measure, Observation
from selfloop.engine.settings import CoupledStart, Settings, one_of, within
from selfloop.models.exponential import gaussian_mean
from selfloop.models.gaussian import gaussian
from selfloop.protocols import Corrector, Model
from selfloop.sources import fixed, fresh

POOL, REFERENCE = 512, 512
"""True samples for the lines of real data, and to be judged by."""

ARMS = {
    "baseline": Arm(synthetic=False),
    "uncorrected": Arm(),
    "idealised": Arm("idealised"),
    "redraw": Arm("redraw"),
    "smoothing": Arm("smoothing", predicted=False),
    "failing": Arm("failing"),
    "replace": Arm(policy="replace"),
    "accumulate": Arm(policy="accumulate"),
    "accumulate_subsample": Arm(policy="accumulate_subsample"),
    "fresh": Arm(source="fresh"),
}


if TYPE_CHECKING:
    ArmName: TypeAlias = str
else:
    ArmName = Literal[tuple(ARMS)]  # what tyro offers and checks


@dataclass(frozen=True)
class GaussianSettings(Settings):
    """A self-consuming loop on Gaussian data, where theory knows every answer."""

    out: Path = Path("runs/gaussian_loop")
    arms: tuple[ArmName, ...] = ("baseline", "uncorrected", "idealised", "accumulate", "replace")
    """baseline: real data alone; uncorrected: real data and its own samples; idealised: a share gamma / (1 + gamma) of
    them replaced by true ones; redraw: the same share of their places; smoothing: drawn together; failing: idealised,
    three in ten fail; replace: own samples alone; accumulate: older samples stay; accumulate_subsample: n of them all;
    fresh: new real data every generation."""
    n: tuple[int, ...] = (100,)
    generations: int = 20
    seeds: int = 6
    coupled: int = 12
    coupled_start: CoupledStart = "part"
    evaluate: int = 200
    together: int = 8
    audit_every: int = 10
    gamma: tuple[float, ...] = (1.0,)
    """Strengths of the correctors."""
    d: int = 2
    """Dimensions."""
    model: Literal["gaussian", "mean"] = "gaussian"
    """gaussian: mean and covariance are fitted; mean: the mean alone, the covariance is known."""


def default() -> GaussianSettings:
    """Five arms, 6 seeds, 20 generations and coupled chains: seconds on a laptop."""
    return GaussianSettings()


def smoke() -> GaussianSettings:
    """The same in miniature."""
    return GaussianSettings(preset="smoke", out=Path("runs/gaussian_smoke"), n=(20,), generations=4, seeds=3, coupled=0,
                            evaluate=100)  # fmt: skip


PRESETS: dict[str, Callable[[], GaussianSettings]] = {"default": default, "smoke": smoke}


def draw(d: int) -> Callable[[Array, int], Array]:
    """``draw(key, N)``: the true law, N(0, I_d)."""
    return lambda key, count: jax.random.normal(key, (count, d))


def data(settings: GaussianSettings, n: int) -> Data:
    """True samples; the same for all seeds but where an arm asks for fresh ones."""
    true = draw(settings.d)
    keys = jax.random.split(jax.random.key(0), 3)
    real, pool, reference = (uniform(true(key, size)) for key, size in zip(keys, (n, POOL, REFERENCE), strict=True))
    sources = {"fixed": fixed, "fresh": lambda real: fresh(lambda key: uniform(true(key, n)))}
    return Data(real, reference, pool, sources=sources, digest=f"normal {settings.d}", about="made: N(0, I)")


def model(settings: GaussianSettings, data: Data) -> Model:
    """The Gaussian of the settings."""
    return gaussian(settings.d) if settings.model == "gaussian" else gaussian_mean(np.eye(settings.d))


def observe(settings: GaussianSettings, data: Data) -> Callable[[Batch], Observation]:
    """The samples as they are; ``second_moment`` |x|^2 / d, which is 1 in the true law."""
    return lambda batch: Observation({"points": batch.x}, {"second_moment": (batch.x**2).mean(-1)})


def check(settings: GaussianSettings) -> None:
    """ConfigError for settings that cannot be."""
    within(settings, {"d": 1})
    one_of("model", settings.model, ("gaussian", "mean"))


def _made(make: Callable[..., Corrector]) -> Callable[[GaussianSettings, Data], Corrector]:
    return lambda settings, data: jax.jit(make(draw(settings.d), settings.gamma[0]))


GAUSSIAN = Domain(
    name="gaussian",
    settings=GaussianSettings,
    data=data,
    model=model,
    observe=observe,
    arms=ARMS,
    correctors={
        "idealised": _made(replacement),
        "redraw": _made(redraw),
        "smoothing": lambda settings, data: jax.jit(smoothing(settings.gamma[0])),
        "failing": _made(lambda true, gamma: failing(replacement(true, gamma), 0.3)),
    },
    measures=(
        Measure(
            "second_moment",
            "",
            "moment",
            headline=True,
            least=0.0,
            about="Mean squared length of a sample over d; 1 for the true law N(0, I)",
        ),
        Measure("moved", least=0.0, about="Mean Euclidean distance between a sample before and after correction"),
    ),  # fmt: skip
    axes=("gamma",),
    check=check,
    title="Self-consuming Gaussians",
)
