"""The measured contraction of any corrector, from samples alone.

The idealised corrector of strength gamma turns a law p into ``(p + gamma p*) / (1 + gamma)``, and so brings it nearer
to the target p* by exactly ``rho = 1 / (1 + gamma)`` in every integral probability metric. Read backwards, that
measures any corrector: rho = MMD(corrected, p*) / MMD(raw, p*), and its **effective gamma** is ``1 / rho - 1``, the
strength of the idealised corrector that brings the samples as near. The kernel is a mean of Gaussian ones.
Shapes: N raw samples, M reference samples, F features.
"""

import functools
import inspect
import time
from collections.abc import Callable
from typing import Any, NamedTuple, overload

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import ArrayLike

from selfloop import audit_warnings as warnings
from selfloop.audited import Audit as Audit
from selfloop.batch import Batch, finite_rows, keep, look, uniform
from selfloop.errors import ConfigError, DataError, TooNearError
from selfloop.metrics import contraction, strata
from selfloop.metrics.estimates import Estimate, estimate
from selfloop.metrics.points import like, one_a_clip, sample
from selfloop.protocols import Corrector

REFUSED = 5
"""Bootstrap standard deviations between the raw samples and the target: fewer are refused."""

Features = Callable[[Batch], Array] | None


class Options(NamedTuple):
    """What both forms of an audit may be told."""

    features: Features = None
    group: Any = None
    raw_group: Any = None
    label: Any = None
    raw_label: Any = None
    level: float = 0.95
    resamples: int = 1000


class _Corrected(NamedTuple):
    """What a corrector did, and how long it took."""

    batch: Batch
    info: dict[str, Array]
    seconds: float
    compilation: float


@overload
def audit(
    raw: Batch | ArrayLike,
    corrected: Batch | ArrayLike,
    reference: Batch | ArrayLike,
    features: Features = None,
    *,
    key: Array | None = None,
    group: ArrayLike | None = None,
    raw_group: ArrayLike | None = None,
    label: ArrayLike | None = None,
    raw_label: ArrayLike | None = None,
    level: float = 0.95,
    resamples: int = 1000,
) -> Audit: ...
@overload
def audit(
    key: Array,
    corrector: Corrector,
    raw: Batch,
    reference: Batch,
    features: Features = None,
    *,
    state: Any = None,
    group: ArrayLike | None = None,
    raw_group: ArrayLike | None = None,
    label: ArrayLike | None = None,
    raw_label: ArrayLike | None = None,
    level: float = 0.95,
    resamples: int = 1000,
) -> Audit: ...
def audit(*given: Any, **named: Any) -> Audit:  # noqa: D417
    """Measure how much nearer to the target a corrector brings samples, and by what it does so.

    Two forms, with the same options. **From arrays**: ``audit(raw, corrected, reference)``, samples [N, F], the same
    samples after correction, in the same order, and real ones [M, F]: NumPy arrays, lists, batches. Rows of
    ``corrected`` that hold NaN are failures. **Of a corrector** that is called here: ``audit(key, corrector, raw,
    reference)``, with raw and reference batches.

    Unbiased kernel U-statistics, the kernel a mean of Gaussian ones of 1/4, 1/2, 1, 2 and 4 times the median distance
    between raw and reference samples; percentile intervals of the Bayesian bootstrap over independent units, raw and
    corrected samples resampled together. Where both have labels (``raw_label`` and ``label``, or integers, or a dict's
    ``label``, as the batches' ``cond``) the reference is weighed until its labels are as frequent as the raw samples',
    in every resample; raw samples of a label that the reference lacks are left out, and warned of. Memory grows as
    (N + M)^2. A compiled program serves all calls of one N, M, F and dtype; a corrector is called twice and as it is
    given: jit it for the time of a compiled one.

    Args:
        key: random numbers of the bootstrap (and the corrector), consumed; the same key gives the same audit, but for
            the times. From arrays it is an option, key 0 where it is not given.
        corrector: ``correct(key, raw, state) -> (Batch, info)``, one sample for each, in their order; those of weight
            0 or in ``info["failed"]`` are left out of the corrected set, other weights count. Each sample's correction
            must not depend on the others (resampling among them, matching), or rho is biased by the order of 1/N; nor
            on a small bank, of whose chance no interval knows: repeated corrections are warned of.
        raw: samples of the generator, as the corrector will meet them.
        corrected: what the corrector made of each.
        reference: samples of the target that neither corrector, generator nor features have seen.
        features: ``features(batch) -> points`` [N, F], coordinates of comparable scale, in which to measure; None: the
            samples themselves.
        state: handed to the corrector.
        group: the clip or recording of each reference sample [M], any labels; a clip counts once, however many windows
            of it are there. None: every sample is its own.
        raw_group: the same for raw samples [N], where some are not independent; each still counts once.
        label: the class of each reference sample [M]; None: the batch's own, if it has one.
        raw_label: the same for raw samples [N].
        level: coverage of the intervals.
        resamples: bootstrap resamples, at least 10 / (1 - level).

    Raises:
        TooNearError: where the raw samples are under 5 bootstrap standard deviations from the target: there is nothing
            to contract that could be read. 5 to 10 are warned of.
        DataError: on NaN, on fewer than 10 independent units, on features of different or wrong shapes.
        ConfigError: on a level, a number of resamples, groups or labels that do not fit.

    Source: contraction of every integral probability metric by 1 / (1 + gamma), by linearity of p -> p - p*, for the
    corrector of Gillman et al. (2024); MMD and its U-statistics, Gretton et al., JMLR 2012; bootstrap, Rubin, 1981;
    post-stratification, Holt and Smith, JRSS A 1979.
    """
    calls = "corrector" in named or (len(given) > 1 and callable(given[1]))
    form = _of_corrector if calls else _of_arrays
    try:
        bound = inspect.signature(form).bind(*given, **named)
    except TypeError as error:
        raise ConfigError(
            f"audit: {error}; call audit(raw, corrected, reference) or audit(key, corrector, raw, reference)"
        ) from error
    return form(*bound.args, **bound.kwargs)


def _of_arrays(
    raw: Any, corrected: Any, reference: Any, features: Features = None, *, key: Array | None = None, **options: Any
) -> Audit:
    """The audit of samples and their known corrections."""
    before, target, after = (_samples(x) for x in (raw, reference, corrected))
    failed = ~finite_rows(after.x, after.capacity)
    done = _Corrected(keep(after, ~failed), {"failed": failed}, float("nan"), float("nan"))
    key = jax.random.key(0) if key is None else key
    return _audited(key, lambda _: done, before, target, Options(features, **_options(options)))


def _of_corrector(
    key: Array, corrector: Corrector, raw: Batch, reference: Batch, features: Features = None, *, state: Any = None,
    **options: Any,
) -> Audit:  # fmt: skip
    """The audit of a corrector that is called."""
    key_correct, key_draws = jax.random.split(key)
    call = functools.partial(_timed, corrector, raw=raw, state=state)
    given = Options(features, **_options(options))
    return _audited(key_draws, lambda _: call(key_correct), raw, reference, given)


def _options(named: dict[str, Any]) -> dict[str, Any]:
    unknown = set(named) - (set(Options._fields) - {"features"})
    if unknown:
        raise ConfigError(
            f"audit has no option {', '.join(sorted(unknown))}; there are key or state, {', '.join(Options._fields)}"
        )
    return named


def _samples(x: Any) -> Batch:
    """A batch of plain samples; whole numbers in columns are points, as real ones are."""
    if isinstance(x, Batch):
        return x
    found = uniform(x)
    whole = hasattr(found.x, "ndim") and found.x.ndim > 1 and not jnp.issubdtype(found.x.dtype, jnp.floating)
    return uniform(found.x.astype(jnp.float32)) if whole else found


def _audited(
    key: Array, correct: Callable[[None], _Corrected], raw: Batch, reference: Batch, options: Options
) -> Audit:
    """Measure, in an order in which what cannot be read is refused before the corrector is called."""
    level = options.level
    _check(options)
    raw, sides, missing = _labelled(raw, reference, options)
    before = sample(raw, options.features, options.raw_group, "the raw samples")
    target = sample(reference, options.features, options.group, "the reference")
    target = one_a_clip(like(target, before, "the reference"))
    on = contraction.ground(key, before, target, options.resamples, sides)
    raw_arm = contraction.arm(on, before)
    separation = _separation(_host(raw_arm.square), float(on.length))
    done = correct(None)
    failed, usable = _usable(raw, done)
    after = like(
        sample(usable, options.features, options.raw_group, "the corrected samples"), before, "the corrected samples"
    )
    corrected_arm = contraction.arm(on, after)
    product = contraction.product(on, before, after, raw_arm, corrected_arm)
    raw2, corrected2, product = _host(raw_arm.square), _host(corrected_arm.square), _host(product)
    rho = contraction.ratio(raw2, corrected2, level)
    gamma = Estimate(_gamma(rho.value), _gamma(rho.high), _gamma(rho.low))
    alignment = contraction.cosine(raw2, corrected2, product, level)
    moved = jnp.average(jnp.linalg.norm(after.points - before.points, axis=1), weights=after.weight)
    present, used = np.asarray(before.weight > 0), np.asarray(after.weight > 0)
    effective = warnings.effective_number(after.weight)
    told, whole = (warnings.effective_number(one) for one in (on.reference_draws[0] * target.weight, target.weight))
    found = [*warnings.plain(separation, gamma, alignment), *missing, *warnings.unlike(told, whole),
             *warnings.uneven(effective, int(used.sum())),
             *warnings.repeated(np.asarray(before.points)[present], np.asarray(after.points)[used])]  # fmt: skip
    return Audit(
        rho=rho,
        gamma=gamma,
        alignment=alignment,
        projection=estimate(product / raw2, level),
        moved=float(moved),
        length=float(on.length),
        failed=float(failed[present].mean()),
        rejected=float((~used & ~failed)[present].mean()),
        effective=effective,
        labels=0 if sides is None else sides.count,
        target=told,
        seconds=done.seconds / raw.capacity,
        compilation=done.compilation,
        separation=separation,
        level=level,
        kept=int(used.sum()),
        warnings=tuple(found),
    )


def _labelled(raw: Batch, reference: Batch, options: Options) -> tuple[Batch, strata.Strata | None, list[str]]:
    """The raw samples whose label the reference has, the labels of both, and what must be said of the others."""
    given = strata.labels(raw, options.raw_label, "raw_label"), strata.labels(reference, options.label, "label")
    if any(one is None for one in given):
        return raw, None, []
    sides, known = strata.compared(*given, np.asarray(raw.weight > 0), np.asarray(reference.weight > 0))
    if sides is None:
        return raw, None, []
    lost = np.asarray(raw.weight > 0) & ~known
    if not lost.any():
        return raw, sides, []
    names = ", ".join(str(one) for one in np.unique(given[0][lost])[:5])
    share = 100 * lost.sum() / np.asarray(raw.weight > 0).sum()
    told = f"the reference has no sample of label {names}: {share:.3g} % of the raw samples are left out"
    return keep(raw, jnp.asarray(known)), sides, [told]


def _check(options: Options) -> None:
    level, resamples = options.level, options.resamples
    if options.features is not None and not callable(options.features):
        raise ConfigError(
            f"features is {look(options.features)}; it is a function of a batch that returns points [N, F]"
        )
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


def _timed(corrector: Callable, key: Array, raw: Batch, state: Any) -> _Corrected:
    """The corrector's result, the seconds of a second call, and what the first took beyond them."""

    def call() -> tuple[Any, float]:
        start = time.perf_counter()
        result = jax.block_until_ready(corrector(key, raw, state))
        return result, time.perf_counter() - start

    first = call()[1]
    (corrected, info), seconds = call()
    return _Corrected(corrected, info, seconds, max(first - seconds, 0.0))


def _usable(raw: Batch, done: _Corrected) -> tuple[np.ndarray, Batch]:
    """Which samples failed [N], and the corrected set without them."""
    corrected = done.batch
    if corrected.capacity != raw.capacity:
        raise DataError(
            f"there are {corrected.capacity} corrected samples for {raw.capacity} raw ones; a corrector returns one "
            "for each, in their order, those without use with weight 0"
        )
    failed = jnp.asarray(done.info.get("failed", jnp.zeros(raw.capacity, bool))).astype(bool)
    return np.asarray(failed), keep(corrected, ~failed & (corrected.weight != 0) & (raw.weight != 0))


def _host(values: Array) -> np.ndarray:
    return np.asarray(values, np.float64)


def _gamma(rho: float) -> float:
    return 1 / rho - 1 if rho > 0 else float("inf")
