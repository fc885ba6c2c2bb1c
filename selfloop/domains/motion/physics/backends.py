"""The engines behind one function: the same model, the same controls, the same states back.

| pipeline | engine | for |
|---|---|---|
| `mjx` | Brax's mjx pipeline (float32) | accelerators |
| `mujoco` | MuJoCo's C engine (float64), on all cores | CPUs |
| `auto` | the one that suits what JAX runs on | |
"""

from collections.abc import Callable

import jax
from jax import Array

from selfloop.domains.motion.physics.gains import Gains
from selfloop.errors import ConfigError
from selfloop.extras import need

Roll = Callable[[Gains, float, Array, Array], Array]
"""``roll(strength, timestep, start [N, 2 V + 1], control [N, S, CONTROLS]) -> states [N, S, 2 V + 1]``: positions and
velocities after every step, NaN from where a rollout blew up on. One program serves all gains."""

PIPELINES = ("auto", "mjx", "mujoco")


def chosen(pipeline: str) -> str:
    """The pipeline that a name stands for. ConfigError where there is none of that name."""
    if pipeline not in PIPELINES:
        raise ConfigError(f"pipeline {pipeline!r} is not one of {', '.join(PIPELINES)}; choose one of these")
    suits = "mujoco" if jax.default_backend() == "cpu" else "mjx"
    return suits if pipeline == "auto" else pipeline


def roll_of(pipeline: str) -> Roll:
    """The engine of a pipeline; it is imported when it is asked for. ConfigError where it is not installed."""
    need("motion", "the physics of motion")
    if chosen(pipeline) == "mujoco":
        from selfloop.domains.motion.physics import mujoco_backend

        return mujoco_backend.roll
    from selfloop.domains.motion.physics import brax_backend

    return brax_backend.roll
