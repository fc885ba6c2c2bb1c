"""Checks of a domain: what it fills in fits together, and what its functions return has the shapes that are expected.

All before the first job, each with one line that says what came and what is expected: a mistake in a domain would else
show after hours, deep inside a compiled program. Shapes: N samples, F features.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from selfloop.batch import Batch
from selfloop.engine.domain import BETTER, KINDS, Data, Domain, Observation
from selfloop.errors import ConfigError
from selfloop.policies import POLICIES
from selfloop.protocols import Model


def check_tables(domain: Domain) -> None:
    """ConfigError where an arm names what is not there, an axis is no setting, or a measure says what means nothing."""
    for name, arm in domain.arms.items():
        _known(f"arm {name}", "corrector", arm.corrector, ("identity", *domain.correctors))
        _known(f"arm {name}", "policy", arm.policy, tuple(POLICIES))
    fields = getattr(domain.settings, "__dataclass_fields__", {})
    for name in (*domain.axes, *domain.by_n):
        _known(f"domain {domain.name}", "axis", name, tuple(fields))
    for measure in domain.measures:
        _known(f"measure {measure.name}", "kind", measure.kind, KINDS)
        _known(f"measure {measure.name}", "better", measure.better, BETTER)


def check_data(domain: Domain, data: Any, n: int) -> None:
    """ConfigError where the data are no `Data` of n real samples, or lack a source that an arm names."""
    if not isinstance(data, Data):
        raise ConfigError(f"domain {domain.name}: data returned {_look(data)}; it returns a Data")
    for name, least in (("real", n), ("reference", 4), ("pool", 4)):
        batch = getattr(data, name)
        if not isinstance(batch, Batch):
            raise ConfigError(f"domain {domain.name}: Data.{name} is {_look(batch)}; give a Batch (selfloop.uniform)")
        if batch.capacity < least or (name == "real" and batch.capacity != n):
            wanted = f"{n}, as --n says" if name == "real" else f"{least} or more"
            raise ConfigError(f"domain {domain.name}: Data.{name} holds {batch.capacity} samples; give {wanted}")
    for name, arm in domain.arms.items():
        _known(f"arm {name}", "source", arm.source, tuple(data.sources))


def check_model(domain: Domain, model: Any) -> None:
    """ConfigError where the model is no `Model`."""
    if not isinstance(model, Model):
        raise ConfigError(f"domain {domain.name}: model returned {_look(model)}; it returns a Model(init, fit, sample)")


def check_observation(domain: Domain, observe: Any, batch: Batch) -> None:
    """ConfigError where what is observed of N samples is not made of float points [N, F], values [N], shares [N, K]."""
    found, count = jax.eval_shape(lambda batch: observe(batch), batch), batch.capacity
    if not isinstance(found, Observation):
        raise ConfigError(f"domain {domain.name}: observe returned {_look(found)}; it returns an Observation")
    if not set(domain.spaces) & set(found.spaces):
        there, asked = ", ".join(found.spaces) or "none", ", ".join(domain.spaces)
        raise ConfigError(f"domain {domain.name}: observed spaces are {there}; one of Domain.spaces ({asked}) must be")
    _arrays(domain, "space", found.spaces, count, 2)
    _arrays(domain, "value", found.values, count, 1)
    _arrays(domain, "share", found.shares, count, 2)


def _arrays(domain: Domain, kind: str, found: Mapping[str, Any], count: int, axes: int) -> None:
    for name, values in found.items():
        fits = values.ndim == axes and values.shape[0] == count and jnp.issubdtype(values.dtype, jnp.floating)
        if not fits:
            wanted = f"float [{count}, F]" if axes == 2 else f"float [{count}], a number a sample"
            raise ConfigError(f"domain {domain.name}: the {kind} {name} is {_look(values)}; give {wanted}")


def _known(where: str, what: str, name: str, choices: tuple[str, ...]) -> None:
    if name not in choices:
        told = ", ".join(choice or "''" for choice in choices)
        raise ConfigError(f"{where}: no {what} is called {name!r}; choose one of {told}")


def _look(value: Any) -> str:
    return f"{value.dtype}{list(value.shape)}" if hasattr(value, "dtype") else type(value).__name__
