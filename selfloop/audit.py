"""The measured contraction of any corrector, from samples alone.

The idealised corrector of strength gamma turns a law p into ``(p + gamma p*) / (1 + gamma)``, and so brings it nearer
to the target p* by exactly ``rho = 1 / (1 + gamma)`` in every integral probability metric. Read backwards, that
measures any corrector: rho = MMD(corrected, p*) / MMD(raw, p*), and its **effective gamma** is ``1 / rho - 1``, the
strength of the idealised corrector that brings the samples as near. The kernel is a mean of Gaussian ones.
Shapes: N raw samples, M reference samples, F features.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch, keep
from selfloop.errors import ConfigError, DataError, TooNearError
from selfloop.metrics import contraction
from selfloop.metrics.estimates import Estimate, estimate
from selfloop.metrics.points import like, one_a_clip, sample
from selfloop.protocols import Corrector
from selfloop.wording import cell, html_table

if TYPE_CHECKING:
    from selfloop.figure import Figure

REFUSED, WARNED = 5, 10
"""Bootstrap standard deviations between the raw samples and the target: fewer are refused, or warned of."""
SIDEWAYS = 0.9
"""An alignment that is surely below this is no mixture's."""


class Audit(NamedTuple):
    """What a corrector did to samples; ``print`` shows it as a table."""

    rho: Estimate
    """MMD(corrected, target) / MMD(raw, target): 0 perfect, 1 no better, above 1 harmful."""
    gamma: Estimate
    """Effective gamma 1 / rho - 1: the strength of the idealised corrector that contracts as much; above -1. Its upper
    limit is infinity where the corrected samples cannot be told from the target."""
    alignment: Estimate
    """Cosine between corrected - target and raw - target in the kernel's space: 1 for a mixture with the target, less
    for a move sideways, for which gamma is no strength. NaN where the corrected samples are at the target."""
    projection: Estimate
    """Their inner product over MMD(raw, target)^2: 1 / (1 + gamma) too for a mixture; it credits a move sideways."""
    moved: float
    """Mean distance between a sample's features and its correction's, over those that were corrected."""
    length: float
    """Median distance between a raw and a reference sample: the features' natural unit."""
    failed: float
    """Share of the raw samples that the corrector marked as failed; they are not in the corrected set."""
    rejected: float
    """Share that it gave weight 0 without failing; they are not in the corrected set either."""
    seconds: float
    """Time of a second, identical call of the corrector, per sample."""
    compilation: float
    """What the first call took beyond that, in seconds."""
    separation: float
    """MMD(raw, target) over its bootstrap standard deviation."""
    level: float
    """Coverage of every interval, each for itself."""
    warnings: tuple[str, ...]
    """What a reader must know before quoting the figures."""

    def __str__(self) -> str:
        lines = [f"{name:<18}{text}" for name, text in self._rows()]
        return "\n".join(lines + [f"warning: {text}" for text in self.warnings])

    def __repr__(self) -> str:
        """One line: what counts, with its interval."""
        rho, gamma = (" ".join(_text(one).split()) for one in (self.rho, self.gamma))
        warned = f", {len(self.warnings)} warnings" if self.warnings else ""
        return f"Audit(rho {rho}, effective gamma {gamma}, failed {cell(100 * self.failed)} %{warned})"

    def _repr_html_(self) -> str:
        rows = [[name, " ".join(text.split())] for name, text in self._rows()]
        return html_table(["measure", "value"], rows, " ".join(f"Warning: {text}." for text in self.warnings))

    def plot(self) -> "Figure":
        """rho, alignment and projection with their intervals: 1 is a corrector that does nothing, 0 a perfect one."""
        import numpy as np

        from selfloop import drawing

        shown = {"rho (distance left)": self.rho, "alignment": self.alignment, "projection": self.projection}
        known = {name: one for name, one in shown.items() if np.isfinite(one.value)}
        figure = drawing.blank(5.6, 0.9 + 0.5 * len(known))
        axes = figure.subplots()
        for i, (name, one) in enumerate(known.items()):
            axes.errorbar([one.value], [i], xerr=[[one.value - one.low], [one.high - one.value]], fmt="o", capsize=3,
                          color=drawing.colours(["physics"])["physics"])  # fmt: skip
            figure.tip(axes, one.value, i, f"{name}: {' '.join(_text(one).split())}")
        axes.axvline(1, color=drawing.INK, linewidth=1, dashes=(4, 3))
        axes.set_yticks(range(len(known)), list(known))
        axes.set_ylim(len(known) - 0.5, -0.5)
        gamma = " ".join(_text(self.gamma).split())
        drawing.style(axes, f"Effective gamma {gamma}", f"{100 * self.level:g} % intervals; dashed: no correction")
        return figure

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("rho", f"{_text(self.rho)}  ({100 * self.level:g} % interval)"),
            ("effective gamma", _text(self.gamma)),
            ("alignment", _text(self.alignment)),
            ("projection", _text(self.projection)),
            ("moved", f"{cell(self.moved):>8}  ({cell(self.moved / self.length)} of the median distance)"),
            ("failed", f"{cell(100 * self.failed):>8} %"),
            ("rejected", f"{cell(100 * self.rejected):>8} %"),
            ("seconds a sample", f"{cell(self.seconds):>8}  (and {cell(self.compilation)} s of compilation)"),
            ("raw distance", f"{cell(self.separation):>8}  bootstrap sd from 0"),
        ]


def audit(
    key: Array,
    corrector: Corrector,
    raw: Batch,
    reference: Batch,
    features: Callable[[Batch], Array] | None = None,
    *,
    state: Any = None,
    group: Any = None,
    raw_group: Any = None,
    level: float = 0.95,
    resamples: int = 1000,
) -> Audit:
    """Measure how much nearer to the target a corrector brings samples, and by what it does so.

    Unbiased kernel U-statistics, the kernel a mean of Gaussian ones of 1/4, 1/2, 1, 2 and 4 times the median distance
    between raw and reference samples; percentile intervals of the Bayesian bootstrap over independent units, raw and
    corrected samples resampled together. Memory grows as (N + M)^2. A compiled program serves all calls of one N, M, F
    and dtype; the corrector is called twice and as it is given: jit it for the time of a compiled one.

    Args:
        key: consumed; the same key gives the same audit, but for the times.
        corrector: ``correct(key, raw, state) -> (Batch, info)``, one sample for each, in their order; those of weight
            0 or in ``info["failed"]`` are left out of the corrected set, other weights count. Each sample's correction
            must not depend on the others (resampling among them, matching), or rho is biased by the order of 1/N.
        raw: samples of the generator, as the corrector will meet them.
        reference: samples of the target that neither corrector, generator nor features have seen.
        features: ``features(batch) -> points`` [N, F], coordinates of comparable scale, in which to measure; None: the
            samples themselves.
        state: handed to the corrector.
        group: the clip or recording of each reference sample [M], any labels; a clip counts once, however many windows
            of it are there. None: every sample is its own.
        raw_group: the same for raw samples [N], where some are not independent; each still counts once.
        level: coverage of the intervals.
        resamples: bootstrap resamples, at least 10 / (1 - level).

    Raises:
        TooNearError: where the raw samples are under 5 bootstrap standard deviations from the target: there is nothing
            to contract that could be read. 5 to 10 are warned of.
        DataError: on NaN, on fewer than 10 independent units, on features of different or wrong shapes.
        ConfigError: on a level, a number of resamples or groups that do not fit.

    Source: contraction of every integral probability metric by 1 / (1 + gamma), by linearity of p -> p - p*, for the
    corrector of Gillman et al. (2024); MMD and its U-statistics, Gretton et al., JMLR 2012; bootstrap, Rubin, 1981.
    """
    _check(level, resamples)
    key_correct, key_draws = jax.random.split(key)
    before = sample(raw, features, raw_group, "the raw samples")
    target = one_a_clip(like(sample(reference, features, group, "the reference"), before, "the reference"))
    on = contraction.ground(key_draws, before, target, resamples)
    raw_arm = contraction.arm(on, before)
    separation = _separation(_host(raw_arm.square), float(on.length))
    corrected, info, seconds, compilation = _timed(corrector, key_correct, raw, state)
    failed, usable = _usable(raw, corrected, info)
    after = like(sample(usable, features, raw_group, "the corrected samples"), before, "the corrected samples")
    corrected_arm = contraction.arm(on, after)
    product = contraction.product(on, before, after, raw_arm, corrected_arm)
    raw2, corrected2, product = _host(raw_arm.square), _host(corrected_arm.square), _host(product)
    rho = contraction.ratio(raw2, corrected2, level)
    gamma = Estimate(_gamma(rho.value), _gamma(rho.high), _gamma(rho.low))
    alignment = contraction.cosine(raw2, corrected2, product, level)
    moved = jnp.average(jnp.linalg.norm(after.points - before.points, axis=1), weights=after.weight)
    present, used = np.asarray(before.weight > 0), np.asarray(after.weight > 0)
    return Audit(
        rho=rho,
        gamma=gamma,
        alignment=alignment,
        projection=estimate(product / raw2, level),
        moved=float(moved),
        length=float(on.length),
        failed=float(failed[present].mean()),
        rejected=float((~used & ~failed)[present].mean()),
        seconds=seconds / raw.capacity,
        compilation=compilation,
        separation=separation,
        level=level,
        warnings=_warnings(separation, gamma, alignment),
    )


def _check(level: float, resamples: int) -> None:
    if not 0 < level < 1:
        raise ConfigError(f"level is {level}; the coverage of an interval lies between 0 and 1: give 0.95, say")
    if not resamples * (1 - level) >= 10 * (1 - 1e-9):
        raise ConfigError(
            f"resamples is {resamples}, too few for the ends of a {100 * level:g} % interval: "
            f"give {int(np.ceil(10 / (1 - level) * (1 - 1e-9)))} or more"
        )


def _separation(raw2: np.ndarray, length: float) -> float:
    """The raw distance over its standard deviation, sd(D) = sd(D^2) / (2 D); refuses what cannot be read."""
    if not length > 0:
        raise DataError(f"the median distance between raw and reference samples is {length}: give features that differ")
    separation = float(2 * raw2[0] / raw2[1:].std())
    if not separation >= REFUSED:
        raise TooNearError(
            f"the raw samples are {separation:.2g} bootstrap standard deviations from the target, and {REFUSED} are "
            "needed to read a contraction: give more samples and more clips, or a generator that has drifted further"
        )
    return separation


def _timed(corrector: Callable, key: Array, raw: Batch, state: Any) -> tuple[Batch, dict[str, Array], float, float]:
    """The corrector's result, the seconds of a second call, and what the first took beyond them."""

    def call() -> tuple[Any, float]:
        start = time.perf_counter()
        result = jax.block_until_ready(corrector(key, raw, state))
        return result, time.perf_counter() - start

    first = call()[1]
    (corrected, info), seconds = call()
    return corrected, info, seconds, max(first - seconds, 0.0)


def _usable(raw: Batch, corrected: Batch, info: dict[str, Array]) -> tuple[np.ndarray, Batch]:
    """Which samples failed [N], and the corrected set without them."""
    if corrected.capacity != raw.capacity:
        raise DataError(
            f"the corrector returned {corrected.capacity} samples for {raw.capacity}; it must return one for each, "
            "in their order, those without use with weight 0"
        )
    failed = jnp.asarray(info.get("failed", jnp.zeros(raw.capacity, bool))).astype(bool)
    return np.asarray(failed), keep(corrected, ~failed & (corrected.weight != 0) & (raw.weight != 0))


def _host(values: Array) -> np.ndarray:
    return np.asarray(values, np.float64)


def _gamma(rho: float) -> float:
    return 1 / rho - 1 if rho > 0 else float("inf")


def _text(one: Estimate) -> str:
    limits = f">= {cell(one.low)}" if one.high == float("inf") else f"[{cell(one.low)}, {cell(one.high)}]"
    return f"{cell(one.value):>8}  {limits}"


def _warnings(separation: float, gamma: Estimate, alignment: Estimate) -> tuple[str, ...]:
    found = []
    if separation < WARNED:
        found.append(f"the raw samples are only {separation:.2g} bootstrap sd from the target: take more of both")
    if gamma.high == float("inf"):
        found.append("the corrected samples cannot be told from the target: gamma has only a lower limit")
    elif alignment.high < SIDEWAYS:
        found.append("the samples also moved sideways (alignment): rho counts, but gamma is no mixture's strength")
    return tuple(found)
