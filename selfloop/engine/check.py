"""Checks of a domain: what it fills in fits together, and what its functions return has the shapes that are expected.

All before the first job, each with one line that says what came and what is expected: a mistake in a domain would else
show after hours, deep inside a compiled program. Shapes: N samples, F features.
"""

import difflib
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch, finite, look
from selfloop.contracts import check, part
from selfloop.engine.domain import BETTER, KINDS, Arm, Data, Domain, Measure, Observation, primary
from selfloop.engine.scores import names
from selfloop.errors import ConfigError
from selfloop.policies import POLICIES
from selfloop.protocols import Loop, Model

ROW = {"failed", "moved", "loss"}
"""What records say of a chain beside what is measured of its samples."""


def check_tables(domain: Domain) -> None:
    """ConfigError where an arm names what is not there, an axis is no setting, or a measure says what means nothing."""
    for name, arm in domain.arms.items():
        if not isinstance(arm, Arm):
            raise ConfigError(f"domain {domain.name}: the arm {name} is {look(arm)}; give an Arm(...)")
        _known(f"arm {name}", "corrector", arm.corrector, ("identity", *domain.correctors))
        _known(f"arm {name}", "policy", arm.policy, tuple(POLICIES))
    fields = getattr(domain.settings, "__dataclass_fields__", {})
    for name in (*domain.axes, *domain.by_n):
        _known(f"domain {domain.name}", "axis", name, tuple(fields))
    for measure in domain.measures:
        if not isinstance(measure, Measure):
            raise ConfigError(f"domain {domain.name}: a measure is {measure!r}; give a Measure(name, ...)")
        _known(f"measure {measure.name}", "kind", measure.kind, KINDS)
        _known(f"measure {measure.name}", "better", measure.better, BETTER)


def check_data(domain: Domain, data: Any, n: int) -> None:
    """ConfigError where the data are no `Data` of n real samples, or lack a source that an arm names."""
    if not isinstance(data, Data):
        raise ConfigError(f"domain {domain.name}: data returned {look(data)}; it returns a Data")
    for name, least in (("real", n), ("reference", 4), ("pool", 4)):
        batch = getattr(data, name)
        if not isinstance(batch, Batch):
            raise ConfigError(f"domain {domain.name}: Data.{name} is {look(batch)}; give a Batch (selfloop.uniform)")
        finite(batch, f"domain {domain.name}: Data.{name}")
        if batch.capacity < least or (name == "real" and batch.capacity != n):
            wanted = f"{n}, as --n says" if name == "real" else f"{least} or more"
            raise ConfigError(f"domain {domain.name}: Data.{name} holds {batch.capacity} samples; give {wanted}")
    for name, arm in domain.arms.items():
        _known(f"arm {name}", "source", arm.source, tuple(data.sources))


def check_model(domain: Domain, model: Any) -> None:
    """ConfigError where the model is no `Model`."""
    if not isinstance(model, Model):
        raise ConfigError(f"domain {domain.name}: model returned {look(model)}; it returns a Model(init, fit, sample)")


def check_observation(domain: Domain, observe: Any, batch: Batch) -> Observation:
    """What is observed of N samples (or its shapes), or ConfigError where it is not made of points [N, F], values [N],
    shares [N, K] and numbers [], all of them floats.
    """
    with part(f"domain {domain.name}: observe", batch):
        found = jax.eval_shape(lambda batch: observe(batch), batch) if domain.traceable else observe(batch)
    count = batch.capacity
    if not isinstance(found, Observation):
        raise ConfigError(f"domain {domain.name}: observe returned {look(found)}; it returns an Observation")
    if not set(domain.spaces) & set(found.spaces):
        there, asked = ", ".join(found.spaces) or "none", ", ".join(domain.spaces)
        raise ConfigError(f"domain {domain.name}: observed spaces are {there}; one of Domain.spaces ({asked}) must be")
    _arrays(domain, "space", found.spaces, count, 2)
    _arrays(domain, "value", found.values, count, 1)
    _arrays(domain, "share", found.shares, count, 2)
    _scalars(domain, found.numbers)
    return found


def check_measures(domain: Domain, found: Observation, numbers: Mapping[str, Any]) -> None:
    """ConfigError for a measure that no row of the run would have, of what is observed of samples and of states; those
    of a space that is not there are none.
    """
    ranked = [primary(domain.spaces, found.spaces), *domain.spaces]
    known = set().union(*(names(space, (*found.spaces, *domain.spaces)) for space in ranked))
    known |= ROW | {*found.values, *found.numbers, *numbers}
    known |= {f"{kind}_{name}" for kind in ("entropy", "within", "between") for name in found.shares}
    for measure in domain.measures:
        if measure.name not in known | {f"corrected_{name}" for name in known} and not measure.optional:
            near = difflib.get_close_matches(measure.name, known, 1)
            there = ", ".join((*found.values, *found.numbers, *numbers)) or "none"
            raise ConfigError(
                f"domain {domain.name}: the measure {measure.name} is nothing that is observed (values: {there}) or "
                f"computed{f'; do you mean {near[0]}' if near else ''}"
            )


def check_settings(domain: Any, settings: Any) -> None:
    """ConfigError where the domain is none, or the settings are not its own."""
    if not isinstance(domain, Domain):
        raise ConfigError(f"the domain is {look(domain)}; give a selfloop.engine.domain.Domain")
    if not isinstance(settings, domain.settings):
        told = settings.__name__ if isinstance(settings, type) else type(settings).__name__
        raise ConfigError(f"settings are {told}; domain {domain.name} takes {domain.settings.__name__}(...)")


def check_parts(domain: Domain, loop: Loop, arm: str, tried: Callable[[Loop, Array], None] = check) -> None:
    """ConfigError where a part of an arm's loop does not do what `protocols` says, by `contracts.check` or another."""
    try:
        tried(loop, jax.random.key(0))
    except ConfigError as error:
        raise ConfigError(f"domain {domain.name}, arm {arm}: {error}") from error


def check_numbers(domain: Domain, numbers: Any, init: Any) -> Mapping[str, Any]:
    """What is measured of a state that ``init(key)`` makes (or its shapes), or ConfigError where it is not all float
    scalars.
    """
    measured = lambda key: numbers(init(key))  # noqa: E731
    key = jax.random.key(0)
    found = jax.eval_shape(measured, key) if domain.traceable else measured(key)
    if not isinstance(found, Mapping):
        raise ConfigError(f"domain {domain.name}: numbers returned {look(found)}; it returns scalars by name")
    _scalars(domain, found)
    return found


def _scalars(domain: Domain, found: Mapping[str, Any]) -> None:
    for name, value in found.items():
        if value.ndim or not jnp.issubdtype(value.dtype, jnp.floating):
            raise ConfigError(f"domain {domain.name}: the number {name} is {look(value)}; give one float")


def _arrays(domain: Domain, kind: str, found: Mapping[str, Any], count: int, axes: int) -> None:
    for name, values in found.items():
        fits = values.ndim == axes and values.shape[0] == count and jnp.issubdtype(values.dtype, jnp.floating)
        if not fits:
            wanted = f"float [{count}, F]" if axes == 2 else f"float [{count}], a number a sample"
            raise ConfigError(f"domain {domain.name}: the {kind} {name} is {look(values)}; give {wanted}")


def _known(where: str, what: str, name: str, choices: tuple[str, ...]) -> None:
    if name not in choices:
        told = ", ".join(choice or "''" for choice in choices)
        raise ConfigError(f"{where}: no {what} is called {name!r}; choose one of {told}")
