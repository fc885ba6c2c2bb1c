"""Table of the correctors of motion: everything that an arm or the bench may name, from nothing to the ceiling.

A new corrector is one file and one row here: bench, arms, ``--help``, pages and the battery of laws read this table.
MuJoCo, Brax and trained models are loaded only by the rows that use them, when they are made.
"""

from collections.abc import Callable
from typing import NamedTuple

from selfloop.domains.motion.data.windows import Windows
from selfloop.errors import ConfigError
from selfloop.protocols import Corrector, identity

ROUNDS = 3
"""Rounds of iterative learning control."""

Make = Callable[[str, Windows | None, tuple[str, ...]], Corrector]
"""``make(pipeline, others, names)``: the engine of physics (`physics.backends.PIPELINES`), real windows of clips that
neither loop nor reference hold (None where the set is too small to spare any), and the labels of the motions that will
be corrected, in order."""


class Entry(NamedTuple):
    """One corrector of the table."""

    make: Make
    """Builds it; once a run, for some train or load a model."""
    about: str
    """What it does, for pages."""
    pointwise: bool = True
    """Whether it looks at each motion alone and uses no key: motions of many chains may go together in one call."""
    learns: bool = False
    """Whether it needs ``others``."""
    most: int | None = None
    """How many motions of a case the bench gives it; None for all. Few where one costs a hundred times as much."""


def corrector(name: str, pipeline: str, others: Windows | None, names: tuple[str, ...]) -> Corrector:
    """The corrector of a row; the other arguments are those of `Make`.

    Raises:
        ConfigError: no such row, or one that learns from other clips where there are none.
    """
    if name not in CORRECTORS:
        raise ConfigError(f"corrector {name!r} is not one of {', '.join(CORRECTORS)}; choose one of these")
    if CORRECTORS[name].learns and others is None:
        raise ConfigError(f"{name} learns from other clips, and this set is too small to spare any: give --data")
    return CORRECTORS[name].make(pipeline, others, names)


def _identity(pipeline: str, others: Windows | None, names: tuple[str, ...]) -> Corrector:
    return identity


def _smoothing(pipeline: str, others: Windows | None, names: tuple[str, ...]) -> Corrector:
    from selfloop.domains.motion.correctors.smoothing import smoothing

    return smoothing()


def _cleanup(pipeline: str, others: Windows | None, names: tuple[str, ...]) -> Corrector:
    from selfloop.domains.motion.correctors.cleanup import cleanup

    return cleanup()


def _physics(pipeline: str, others: Windows | None, names: tuple[str, ...], rounds: int = 0) -> Corrector:
    from selfloop.domains.motion.physics.corrector import physics_corrector

    return physics_corrector(pipeline, rounds=rounds)


def _physics_ilc(pipeline: str, others: Windows | None, names: tuple[str, ...]) -> Corrector:
    return _physics(pipeline, others, names, ROUNDS)


def _physics_no_torque(pipeline: str, others: Windows | None, names: tuple[str, ...]) -> Corrector:
    from selfloop.domains.motion.physics.corrector import physics_corrector
    from selfloop.domains.motion.physics.gains import gains

    return physics_corrector(pipeline, gains(root_torque=0.0))


def _physics_gradient(pipeline: str, others: Windows | None, names: tuple[str, ...]) -> Corrector:
    from selfloop.domains.motion.physics.refinement import gradient_corrector

    return gradient_corrector()


def _prior(pipeline: str, others: Windows | None, names: tuple[str, ...]) -> Corrector:
    from selfloop.domains.motion.correctors import prior

    return prior.prior(prior.load_or_train(others)[0], names)


def _physics_prior(pipeline: str, others: Windows | None, names: tuple[str, ...]) -> Corrector:
    from selfloop.domains.motion.correctors.chain import chain

    return chain(_prior(pipeline, others, names), _physics(pipeline, others, names))


def _nearest_real(pipeline: str, others: Windows | None, names: tuple[str, ...]) -> Corrector:
    from selfloop.domains.motion.correctors.nearest import nearest_real

    return nearest_real(others, names)


CORRECTORS: dict[str, Entry] = {
    "identity": Entry(_identity, "The motion as it is: what the corruption did."),
    "smoothing": Entry(_smoothing, "A low-pass over time."),
    "cleanup": Entry(_cleanup, "Kinematics: ground alignment, contact detection, feet locked by inverse kinematics."),
    "physics": Entry(_physics, "A humanoid under physics that tracks the cleaned motion."),
    "physics_ilc": Entry(_physics_ilc, f"The same with {ROUNDS} rounds of iterative learning control."),
    "physics_no_torque": Entry(_physics_no_torque, "Physics without a torque on the pelvis: it must balance itself."),
    "physics_gradient": Entry(
        _physics_gradient, "Physics refined by gradients through a differentiable pipeline; on 8 motions.", most=8
    ),
    "prior": Entry(
        _prior, "Partial re-noising by a model of other real clips: extra real data.", pointwise=False, learns=True
    ),
    "physics_prior": Entry(_physics_prior, "The prior, then physics: extra real data.", pointwise=False, learns=True),
    "nearest_real": Entry(_nearest_real, "The nearest real motion of other clips: the ceiling.", learns=True),
}
"""Every corrector of motion by its name."""
