"""What models refuse: settings outside their range, and fits to fewer points than they have freedoms."""

from typing import Any

import jax
import numpy as np
from jax.typing import ArrayLike

from selfloop.batch import Batch
from selfloop.errors import ConfigError


def concrete(value: Any) -> bool:
    """Whether the value is known now: under a trace nothing is, and nothing is checked."""
    return not isinstance(value, jax.core.Tracer)


def at_least(least: int, value: int, what: str) -> None:
    """ConfigError where a whole number is below the least that makes sense."""
    if value < least:
        raise ConfigError(f"{what} is {value}; give {least} or more")


def positive(value: ArrayLike, what: str) -> None:
    """ConfigError where a known number is not finite and above 0."""
    if concrete(value) and not (np.all(np.asarray(value) > 0) and np.all(np.isfinite(np.asarray(value)))):
        raise ConfigError(f"{what} is {value}; give a finite number above 0")


def enough(batch: Batch, needed: int, what: str) -> None:
    """ConfigError where a batch has room for fewer points than a fit needs."""
    if batch.capacity < needed:
        raise ConfigError(f"n is {batch.capacity}; {what} needs {needed} points or more")


def columns(batch: Batch, d: int, what: str) -> None:
    """ConfigError where samples are not [N, d]."""
    shape = getattr(batch.x, "shape", None)
    if shape is None or len(shape) != 2 or shape[1] != d:
        told = "a pytree" if shape is None else f"samples {list(shape)}"
        hint = (
            "; x.reshape(-1, 1) makes columns of numbers on the line" if shape is not None and len(shape) == 1 else ""
        )
        raise ConfigError(f"{what} in {d} dimensions takes samples [N, {d}], and was given {told}{hint}")
