"""The ladder of correctors, from nothing to the nearest real motion, so that each rung's worth is visible."""

from collections.abc import Callable
from typing import NamedTuple

from selfloop.domains.motion.bench.data import Data
from selfloop.protocols import Corrector, identity

ROUNDS = 3
"""Rounds of iterative learning control."""


class Rung(NamedTuple):
    """A corrector of the bench."""

    build: Callable[[Data, str], Corrector]
    """From the bench's data and the pipeline of `physics_corrector`."""
    about: str
    """What it does, for the report."""
    needs: str = ""
    """The field of `Data` without which it cannot be built: extra real clips, which a small set has not."""
    most: int | None = None
    """How many motions of a case it is given; None for all. Few where one costs a hundred times as much."""


def _smoothing(data: Data, pipeline: str) -> Corrector:
    from selfloop.domains.motion.correctors.smoothing import smoothing

    return smoothing()


def _cleanup(data: Data, pipeline: str) -> Corrector:
    from selfloop.domains.motion.correctors.cleanup import cleanup

    return cleanup()


def _physics(data: Data, pipeline: str) -> Corrector:
    from selfloop.domains.motion.physics.corrector import physics_corrector

    return physics_corrector(pipeline)


def _physics_ilc(data: Data, pipeline: str) -> Corrector:
    from selfloop.domains.motion.physics.corrector import physics_corrector

    return physics_corrector(pipeline, rounds=ROUNDS)


def _physics_no_torque(data: Data, pipeline: str) -> Corrector:
    from selfloop.domains.motion.physics.corrector import physics_corrector
    from selfloop.domains.motion.physics.gains import gains

    return physics_corrector(pipeline, gains(root_torque=0.0))


def _physics_gradient(data: Data, pipeline: str) -> Corrector:
    from selfloop.domains.motion.physics.refinement import gradient_corrector

    return gradient_corrector()


def _prior(data: Data, pipeline: str) -> Corrector:
    from selfloop.domains.motion.correctors.prior import load_or_train, prior

    return prior(load_or_train(data.encoder[0])[0], data.names)


def _physics_prior(data: Data, pipeline: str) -> Corrector:
    from selfloop.domains.motion.correctors.chain import chain

    return chain(_prior(data, pipeline), _physics(data, pipeline))


def _nearest_real(data: Data, pipeline: str) -> Corrector:
    from selfloop.domains.motion.correctors.nearest import nearest_real

    return nearest_real(data.loop)


LADDER: dict[str, Rung] = {
    "none": Rung(lambda data, pipeline: identity, "The motion as it is: what the corruption did."),
    "smoothing": Rung(_smoothing, "A low-pass over time."),
    "cleanup": Rung(_cleanup, "Kinematics: ground alignment, contact detection, feet locked by inverse kinematics."),
    "physics": Rung(_physics, "A humanoid under physics that tracks the cleaned motion."),
    "physics_ilc": Rung(_physics_ilc, f"The same with {ROUNDS} rounds of iterative learning control."),
    "physics_no_torque": Rung(_physics_no_torque, "Physics without a torque on the pelvis: it must balance itself."),
    "physics_gradient": Rung(
        _physics_gradient, "Physics refined by gradients through a differentiable pipeline; on 8 motions.", most=8
    ),
    "prior": Rung(_prior, "Partial re-noising by a model of other real clips: extra real data.", "encoder"),
    "physics_prior": Rung(_physics_prior, "The prior, then physics: extra real data.", "encoder"),
    "nearest_real": Rung(_nearest_real, "The nearest real motion of the loop's clips: the ceiling.", "loop"),
}
"""Every corrector of the bench by its name. A new one is one row."""
