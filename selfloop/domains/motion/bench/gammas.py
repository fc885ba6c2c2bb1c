"""The effective gamma of a correction in the encoder's features and in the space of artefacts, with a positive control.

The control replaces half of the samples by other real windows: a corrector of gamma 1 by definition. Where the audit
refuses (too few clips, or samples too near to real ones) there is no number.
Shapes: N motions, M reference windows, F coordinates.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.audit import audit
from selfloop.batch import Batch, keep, uniform
from selfloop.domains.motion.bench.cells import Case, Corrected
from selfloop.domains.motion.bench.estimates import LEVEL, RESAMPLES
from selfloop.domains.motion.bench.spaces import Space, artefact_space, feature_space
from selfloop.domains.motion.data.windows import Windows
from selfloop.domains.motion.model.evaluator import Evaluator
from selfloop.domains.motion.setup import batch as batch_of
from selfloop.errors import DataError, TooNearError
from selfloop.metrics.estimates import Estimate


class Target(NamedTuple):
    """What is real, in one space."""

    space: Space
    reference: Array
    """[M, F]."""
    clip: np.ndarray
    """The clip of each reference window [M]."""
    others: Array | None
    """Real windows of still other clips [., F], for the control; None where there are none."""


def targets(reference: Windows, others: Windows | None, evaluator: Evaluator | None) -> dict[str, Target]:
    """The spaces by their name in measures; features only where there is an encoder."""
    real = batch_of(reference)
    spaces = {} if evaluator is None else {"features": feature_space(evaluator)}
    spaces["artefacts"] = artefact_space(real)
    return {
        name: Target(space, space(real), reference.clip, None if others is None else space(batch_of(others)))
        for name, space in spaces.items()
    }


def effective(key: Array, case: Case, result: Corrected, on: dict[str, Target]) -> dict[str, Estimate]:
    """``effective_gamma_*`` of a correction in each space, where the audit can read it; the key is consumed."""
    after = keep(result.batch, jnp.asarray(result.alive))
    found = {}
    for name, target in on.items():
        raw, moved = target.space(case.batch), Batch(target.space(after), after.weight)
        found[f"effective_gamma_{name}"] = _gamma(key, case, raw, moved, target)
    return {name: one for name, one in found.items() if one is not None}


def control(key: Array, case: Case, on: dict[str, Target]) -> dict[str, Estimate]:
    """``control_gamma_*``: the same of a corrector whose gamma is 1; the key is consumed."""
    key_half, key_other, key_audit = jax.random.split(key, 3)
    n = case.batch.capacity
    half = jax.random.permutation(key_half, n) < n // 2
    found = {}
    for name, target in on.items():
        if target.others is not None:
            raw = target.space(case.batch)
            pick = jax.random.permutation(key_other, len(target.others))[jnp.arange(n) % len(target.others)]
            mixed = uniform(jnp.where(half[:, None], target.others[pick], raw))
            found[f"control_gamma_{name}"] = _gamma(key_audit, case, raw, mixed, target)
    return {name: one for name, one in found.items() if one is not None}


def _gamma(key: Array, case: Case, raw: Array, corrected: Batch, target: Target) -> Estimate | None:
    """The effective gamma between points [N, F], or None where it cannot be read."""
    info = {"failed": corrected.weight == 0}
    try:
        return audit(
            key,
            lambda key, batch, state: (corrected, info),
            uniform(raw),
            uniform(target.reference),
            group=target.clip,
            raw_group=case.unit,
            level=LEVEL,
            resamples=RESAMPLES,
        ).gamma
    except (TooNearError, DataError):
        return None
