"""The domain of arrays: a user's real samples, generator, correctors and measures, all ordinary Python functions.

    from selfloop.domains import arrays
    report = arrays.run(real, fit, draw, "runs/mine", correctors={"clipped": clip}, generations=10, seeds=3)

Letters: M real samples, N samples, F features.
"""

import difflib
import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from selfloop import experiment
from selfloop.batch import Batch, look, uniform
from selfloop.correctors.external import external_corrector
from selfloop.digest import digest
from selfloop.domains.arrays.functions import same_functions
from selfloop.domains.arrays.split import Split, enough, rows_of, split
from selfloop.engine.domain import Arm, Data, Domain, Measure, Observation
from selfloop.engine.settings import Settings
from selfloop.errors import ConfigError
from selfloop.models.external import external
from selfloop.protocols import Model
from selfloop.sources import fixed, fresh_from

WIDEST = 1024
"""Numbers of a sample that are compared as they are: covariances of more are slow, and singular for few samples."""
Functions = Mapping[str, Callable[..., Any]]


@dataclass(frozen=True)
class ArraysSettings(Settings):
    """A self-consuming loop on arrays of one's own."""

    out: Path = Path("runs/arrays")
    generations: int = 10
    seeds: int = 3


def arrays(
    real: ArrayLike,
    fit: Callable[..., Any],
    draw: Callable[[int, Any, int], Any],
    *,
    correctors: Functions | None = None,
    arms: Mapping[str, Arm] | None = None,
    measures: Functions | None = None,
    embedding: Callable[[np.ndarray], Any] | None = None,
    room: int | None = None,
    about: str = "an array of the user",
) -> Domain:
    """The domain of these functions; `experiment.run` takes it with `ArraysSettings`.

    A random half of the real samples is the loop's, the other half is what generated samples are judged by
    (`split.split`). Arms: ``baseline`` (real data alone), ``uncorrected``, one of each corrector by its name, and those
    of ``arms``.

    Args:
        real: samples [M, ...], M at least 16.
        fit: ``fit(seed, samples, previous) -> state``, as `models.external` says.
        draw: ``draw(seed, state, n) -> samples`` [n, ...].
        correctors: ``function(seed, samples) -> samples`` by name, as `correctors.external` says.
        arms: further arms, or others under the same names.
        measures: ``function(samples) -> numbers`` [N] by name; their means are measures.
        embedding: ``function(samples) -> points`` [N, F], in which laws are compared; None: the samples' own numbers,
            each standardised by the reference's mean and standard deviation.
        room: bytes for a pickled state.
        about: where the real samples are from, and their licence.

    Raises:
        DataError, ConfigError: what cannot be; the functions are tried on the loop's samples.
    """
    correctors, measures, found = dict(correctors or {}), dict(measures or {}), split(real)
    width = found.centre.size
    if embedding is None and width > WIDEST:
        raise ConfigError(f"a sample is {width} numbers, and laws are compared in {WIDEST} at most; give an embedding")
    for name, function in {"fit": fit, "draw": draw, **correctors, **measures}.items():
        if not callable(function):
            raise ConfigError(f"{name} is {look(function)}; give a function")
    every = {"baseline": Arm(synthetic=False), "uncorrected": Arm()}
    every |= {name: Arm(name, predicted=False) for name in correctors} | dict(arms or {})
    functions = {"fit": fit, "draw": draw, "embedding": embedding, **correctors, **measures}
    return Domain(
        name="arrays",
        title="A loop on arrays",
        settings=ArraysSettings,
        data=functools.partial(_data, found, about),
        model=functools.partial(_model, fit, draw, room),
        observe=functools.partial(_observe, found, measures, embedding),
        arms=every,
        correctors={name: functools.partial(_corrector, function) for name, function in correctors.items()},
        spaces=("standardised",) if embedding is None else ("embedding", "standardised"),
        measures=tuple(Measure(name, headline=True, about=_told(name, one)) for name, one in measures.items()),
        environment=functools.partial(same_functions, functions),
        traceable=False,
    )


def run(
    real: ArrayLike,
    fit: Callable[..., Any],
    draw: Callable[[int, Any, int], Any],
    out: str | Path,
    *,
    correctors: Functions | None = None,
    arms: Mapping[str, Arm] | None = None,
    measures: Functions | None = None,
    embedding: Callable[[np.ndarray], Any] | None = None,
    room: int | None = None,
    about: str = "an array of the user",
    **settings: Any,
) -> Path:
    """Run or continue the experiment of `arrays` in the folder ``out``; the path of its report.

    ``settings`` are fields of `ArraysSettings`; n is by default all of the loop's half, and all arms are run. The same
    call continues a run that was stopped, and may ask for more generations, seeds and cells; other data, another
    ``fit`` or ``draw`` are refused. Errors as of `arrays` and `experiment.run`.
    """
    domain = arrays(real, fit, draw, correctors=correctors, arms=arms, measures=measures, embedding=embedding,
                    room=room, about=about)  # fmt: skip
    known = [field.name for field in fields(ArraysSettings)]
    for name in settings:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise ConfigError(f"no setting is called {name}{f'; do you mean {near[0]}' * bool(near)}")
    every = {"n": (len(uniform(real).weight) // 2,), "arms": tuple(domain.arms)}
    return experiment.run(domain, ArraysSettings(**{"out": Path(out)} | every | settings))


def _told(name: str, function: Callable) -> str:
    """What a measure means: the first sentence of its function's own docstring, where it has one."""
    text = " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())
    return text or f"Mean over the samples of the user's function {name}"


def _data(found: Split, about: str, settings: ArraysSettings, n: int) -> Data:
    real, reference, pool = map(uniform, (enough(found, n), found.reference, found.loop))
    sources = {"fixed": fixed, "fresh": lambda real: fresh_from(pool, n)}
    told = f"{about}; {len(found.loop)} samples are the loop's, {len(found.reference)} are kept to judge by"
    return Data(real, reference, pool, sources=sources, digest=digest(found), about=told)


def _model(fit: Callable, draw: Callable, room: int | None, settings: ArraysSettings, data: Data) -> Model:
    return external(fit, draw, data.real.x, room)


def _corrector(function: Callable, settings: ArraysSettings, data: Data) -> Callable:
    return external_corrector(function)


def _observe(found: Split, measures: Functions, embedding: Callable | None, settings: Any, data: Data) -> Callable:
    """What is measured of a batch: functions see the samples that are finite, the others are NaN."""

    def observe(batch: Batch) -> Observation:
        x = np.asarray(batch.x)
        rows = rows_of(x)
        good = np.isfinite(rows).all(1)
        spaces = {"standardised": jnp.asarray((rows - found.centre) / found.scale)}
        if embedding is not None:
            spaces["embedding"] = _seen("embedding", embedding, x, good, 2)
        return Observation(spaces, {name: _seen(name, one, x, good, 1) for name, one in measures.items()})

    return observe


def _seen(name: str, function: Callable, x: np.ndarray, good: np.ndarray, axes: int) -> Any:
    values = np.asarray(function(x[good]) if good.any() else function(np.zeros_like(x[:1]))[:0])
    count = int(good.sum())
    if values.ndim != axes or len(values) != count or values.dtype.kind not in "biuf":
        wanted = f"[{count}, F]" if axes == 2 else f"[{count}]"
        raise ConfigError(f"{name} returned {look(values)} of {count} samples; it returns numbers {wanted}")
    whole = np.full((len(x), *values.shape[1:]), np.nan, np.float32)
    whole[good] = values
    return jnp.asarray(whole)
