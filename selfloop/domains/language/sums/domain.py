"""The domain of sums: an n-gram learns addition from strings, and a program that knows right from wrong corrects it.

Correctors: ``verifier`` draws wrong strings anew until they are right, ``noisy`` does so for a share of them,
``recomputed`` replaces the result by the sum of the operands as they stand, ``idealised`` a share of all by true ones.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import Partial

from selfloop.batch import Batch, uniform
from selfloop.correctors.idealized import replacement
from selfloop.domains.language import ngram as ngrams
from selfloop.domains.language.correctors.rejection import rejection
from selfloop.domains.language.ngram import NgramConfig
from selfloop.domains.language.sums import strings
from selfloop.domains.language.sums.measures import MEASURES
from selfloop.engine.domain import Arm, Data, Domain, Observation
from selfloop.engine.settings import Settings, within
from selfloop.errors import ConfigError
from selfloop.protocols import Corrector, Model
from selfloop.sources import fixed, fresh

RATES = (0.9, 0.3)
"""Of right and of wrong strings, the share that the noisy verifier keeps."""
HELDOUT, REFERENCE = 4000, 2000
NAMES = ("verifier", "noisy", "recomputed", "idealised")
ARMS = {
    "baseline": Arm(synthetic=False),
    "uncorrected": Arm(),
    **{name: Arm(name, predicted=name == "idealised") for name in NAMES},
    "replace": Arm(policy="replace"),
    **{f"replace_{name}": Arm(name, policy="replace") for name in NAMES},
    "tenth": Arm(policy="tenth"),
    "accumulate": Arm(policy="accumulate"),
    "accumulate_subsample": Arm(policy="accumulate_subsample"),
    "fresh": Arm(source="fresh"),
}
DEFAULT = ("uncorrected", "recomputed", "replace", "replace_recomputed", "replace_verifier", "replace_noisy",
           "replace_idealised", "accumulate")  # fmt: skip

if TYPE_CHECKING:
    ArmName: TypeAlias = str
else:
    ArmName = Literal[tuple(ARMS)]  # what tyro offers and checks


@dataclass(frozen=True)
class SumsSettings(Settings):
    """A self-consuming loop on sums, with a verifier that is always right, one that is not, and a calculator."""

    out: Path = Path("runs/sums_loop")
    arms: tuple[ArmName, ...] = DEFAULT
    """augment: uncorrected, verifier, noisy, recomputed, idealised, fresh; replace and replace_CORRECTOR: own samples
    alone; tenth, accumulate, accumulate_subsample; baseline: real data alone."""
    n: tuple[int, ...] = (20000,)
    generations: int = 12
    seeds: int = 3
    evaluate: int = 4000
    audit_every: int = 6
    temperature: tuple[float, ...] = (1.0,)
    gamma: float = 1.0
    """Strength of the idealised corrector."""
    order: int = 6
    bits: int = 20
    """Tables have at most 2^bits rows: with 2^17, contexts of different places share rows, and a quarter of the strings
    that generation 0 writes are malformed."""


def default() -> SumsSettings:
    """Eight arms, 3 seeds, 12 generations of 20,000 strings."""
    return SumsSettings()


def smoke() -> SumsSettings:
    """The same in miniature."""
    arms = ("uncorrected", "replace", "replace_verifier", "replace_recomputed")
    return SumsSettings(preset="smoke", out=Path("runs/sums_smoke"), arms=arms, n=(2000,), generations=3, seeds=2,
                        evaluate=400, audit_every=3, bits=17)  # fmt: skip


PRESETS: dict[str, Callable[[], SumsSettings]] = {"default": default, "smoke": smoke}


def data(settings: SumsSettings, n: int) -> Data:
    """True sums; those held out are not the loop's."""
    keys = jax.random.split(jax.random.key(0), 4)
    real, pool, reference, heldout = (
        made(key, size) for key, size in zip(keys, (n, REFERENCE, REFERENCE, HELDOUT), strict=True)
    )
    sources = {"fixed": fixed, "fresh": lambda real: fresh(lambda key: uniform(made(key, n)))}
    return Data(uniform(real), uniform(reference), uniform(pool), sources=sources, own=heldout,
                digest=f"sums {strings.DIGITS}", about="made: sums of log-uniform operands")  # fmt: skip


def made(key: Array, n: int) -> Array:
    """n true sums [n, T]."""
    return strings.written(*strings.draw(key, n))


def config(settings: SumsSettings) -> NgramConfig:
    """An n-gram that knows its place in the string, without which it loses count."""
    return NgramConfig(strings.SYMBOLS, strings.LENGTH, settings.order, settings.bits, tuple(range(strings.LENGTH)))


def model(settings: SumsSettings, data: Data) -> Model:
    """The n-gram of the settings."""
    return ngrams.ngram(config(settings), settings.temperature[0])


def observe(settings: SumsSettings, data: Data) -> Partial:
    """``wrong`` and ``malformed`` of each string; of all well-formed ones the total variation of operands' lengths and
    first digits from their true law, and the share of different pairs of operands.
    """
    return Partial(_describe, jnp.asarray(strings.true_shares(), jnp.float32))


def _describe(truth: Array, batch: Batch) -> Observation:
    a, b, _, formed = strings.read(batch.x)
    weight = formed.astype(jnp.float32)
    points = jnp.where(formed[:, None], jnp.log10(1.0 + jnp.stack([a, b], 1).astype(jnp.float32)), 0)
    key = jnp.sort(a.astype(jnp.uint32) * jnp.uint32(100_003) ^ b.astype(jnp.uint32))
    values = {"wrong": 1 - strings.right(batch.x).astype(jnp.float32), "malformed": 1 - weight}
    numbers = {
        "operands_tv": jnp.abs(strings.shares(a, b, weight) - truth).sum() / 2,
        "distinct": (1 + (key[1:] != key[:-1]).sum()).astype(jnp.float32) / len(key),
    }
    return Observation({"operands": points}, values, numbers)


def numbers(settings: SumsSettings, data: Data) -> Partial:
    """``heldout_bits``: bits a string of held-out true sums."""
    likelihood = model(settings, data).log_prob
    return Partial(lambda held, state: {"heldout_bits": -likelihood(state, held).mean() / jnp.log(2.0)}, data.own)


def tell(batch: Batch, x: Any, weight: Any, **more: Any) -> tuple[Batch, dict[str, Array]]:
    """What correctors of sums tell: ``moved`` in digits that changed; absent strings stay as they are."""
    present = batch.weight > 0
    x = jnp.where(present[:, None], jnp.asarray(x, batch.x.dtype), batch.x)
    moved = (x != batch.x).sum(1).astype(batch.weight.dtype)
    weight = jnp.where(present, jnp.asarray(weight, batch.weight.dtype), 0)
    told = {name: jnp.asarray(value, batch.weight.dtype) for name, value in more.items()}
    return Batch(x, weight, batch.cond), {"moved": moved, "failed": jnp.zeros_like(present)} | told


def verifier(settings: SumsSettings, data: Data, rates: tuple[float, float] = (1.0, 0.0)) -> Corrector:
    """Strings are kept with one probability where they are right and another where they are wrong; the others are drawn
    anew, so that as many are left.
    """

    @jax.jit
    def accept(key: Array, x: Array) -> Array:
        return jax.random.uniform(key, x.shape[:1]) < jnp.where(strings.right(x), *rates)

    return rejection(tell, model(settings, data), accept)


def recomputed(settings: SumsSettings, data: Data) -> Corrector:
    """The result is computed anew from the operands; strings that are malformed get weight 0."""

    @jax.jit
    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        a, b, _, formed = strings.read(batch.x)
        x = jnp.where(formed[:, None], strings.written(a, b, (a + b) % 10**strings.DIGITS), batch.x)
        return tell(batch, x, jnp.where(formed, batch.weight, 0))

    return correct


def idealised(settings: SumsSettings, data: Data) -> Corrector:
    """A share gamma / (1 + gamma) of the strings is replaced by true ones."""
    mix = replacement(made, settings.gamma)

    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        after, _ = mix(key, batch, state)
        return tell(batch, after.x, after.weight)

    return correct


CORRECTORS: dict[str, Callable[[SumsSettings, Data], Corrector]] = {
    "verifier": verifier,
    "noisy": partial(verifier, rates=RATES),
    "recomputed": recomputed,
    "idealised": idealised,
}
"""Every corrector of sums by its name."""


def check(settings: SumsSettings) -> None:
    """ConfigError for settings that cannot be."""
    within(settings, {"order": 1, "bits": 4})
    for value in settings.temperature:
        if not value > 0:
            raise ConfigError(f"--temperature is {value}; give a number above 0")
    if not (settings.gamma >= 0 and np.isfinite(settings.gamma)):
        raise ConfigError(f"--gamma is {settings.gamma}; give a number, 0 or more")


SUMS = Domain(
    name="sums",
    settings=SumsSettings,
    data=data,
    model=model,
    observe=observe,
    numbers=numbers,
    arms=ARMS,
    correctors=CORRECTORS,
    spaces=("operands",),
    measures=MEASURES,
    axes=("temperature",),
    check=check,
    title="Self-consuming training on sums",
)
