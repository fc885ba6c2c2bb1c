"""The arms of the experiment: what each corrects its samples with, and what it trains on. A new arm is one row."""

from collections.abc import Callable
from typing import NamedTuple

from jax import Array

from selfloop.domains.motion.config import MotionLoopConfig
from selfloop.domains.motion.correctors import prior
from selfloop.domains.motion.correctors.chain import chain
from selfloop.domains.motion.correctors.nearest import nearest_real
from selfloop.domains.motion.correctors.smoothing import smoothing
from selfloop.domains.motion.data.windows import Windows
from selfloop.domains.motion.physics.corrector import physics_corrector
from selfloop.domains.motion.setup import Data, batch, source, synthetic
from selfloop.errors import ConfigError
from selfloop.policies import accumulate, augment
from selfloop.protocols import Corrector, Loop, Model, Policy, identity


def no_corrector(config: MotionLoopConfig, data: Data) -> Corrector:
    """Samples are trained on as they are."""
    return identity


class Arm(NamedTuple):
    """One arm."""

    corrector: Callable[[MotionLoopConfig, Data], Corrector]
    """Made once a run: some train or load a model."""
    policy: Callable[[Array | float], Policy] = augment
    """``policy(lam)``."""
    own: bool = True
    """Whether it trains on its own samples; the baseline does not, lambda is 0 there."""
    alone: bool = True
    """Whether the corrector looks at each motion alone and uses no key: motions of all lanes may then go together."""

    grows: bool = False
    """Whether it keeps every sample, so that its training set grows with the generations."""

    @property
    def corrects(self) -> bool:
        """Whether it changes its samples."""
        return self.corrector is not no_corrector

    def ratio(self, lam: float) -> float:
        """The arm's augmentation ratio where the run's is ``lam``."""
        return lam if self.own else 0.0


def _others(data: Data, arm: str) -> Windows:
    """Windows of clips that neither the loop nor the reference holds."""
    if data.encoder is None:
        raise ConfigError(f"the arm {arm} learns from other clips, and this set is too small to spare any: give --data")
    return data.encoder[0]


def _physics_prior(config: MotionLoopConfig, data: Data) -> Corrector:
    model, _ = prior.load_or_train(_others(data, "physics_prior"))
    return chain(prior.prior(model, data.real.names), physics_corrector(config.pipeline))


ARMS = {
    "baseline": Arm(no_corrector, own=False),
    "uncorrected": Arm(no_corrector),
    "physics": Arm(lambda config, data: physics_corrector(config.pipeline)),
    "physics_prior": Arm(_physics_prior, alone=False),
    "smoothing": Arm(lambda config, data: smoothing()),
    "nearest_real": Arm(lambda config, data: nearest_real(_others(data, "nearest_real"), data.real.names)),
    "accumulate": Arm(no_corrector, policy=lambda lam: accumulate(), grows=True),
}


def arm_loop(name: str, config: MotionLoopConfig, data: Data, base: Model, first_fit: Callable | None = None) -> Loop:
    """The loop of one arm. The baseline draws the same number of samples, so that arms differ in data alone."""
    arm, m = ARMS[name], synthetic(config)
    policy = arm.policy(arm.ratio(config.lam))
    corrector = arm.corrector(config, data)
    return Loop(base, policy, source(batch(data.real), data), m, corrector, first_fit, m * config.generations)
