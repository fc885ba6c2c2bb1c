"""MuJoCo's own C engine: rollouts on all cores of a CPU, in float64, some six times as fast there as MJX.

Shapes: N motions, S physics steps, V = 36 degrees of freedom.
"""

import functools
import os

import mujoco
import numpy as np
from jax import Array
from mujoco import rollout

from selfloop.domains.motion.physics import humanoid
from selfloop.domains.motion.physics.controls import V
from selfloop.domains.motion.physics.gains import Gains, fields

_CONTROL = int(mujoco.mjtState.mjSTATE_CTRL | mujoco.mjtState.mjSTATE_MOCAP_POS | mujoco.mjtState.mjSTATE_MOCAP_QUAT)


def roll(strength: Gains, timestep: float, start: Array, control: Array) -> np.ndarray:
    """Positions and velocities [N, S, 2 V + 1] (float32) after every step of ``timestep`` seconds.

    From the states ``start`` [N, 2 V + 1] under ``control`` [N, S, CONTROLS]; see `controls.command`. A rollout that
    blows up is NaN from there on.
    """
    model = _model(timestep)
    for name, value in fields(model, strength).items():
        getattr(model, name)[:] = value
    pool, data = _workers(timestep, _cores())
    clock = np.ones((len(start), 1))
    initial = np.concatenate([clock, start], -1, dtype=np.float64)
    states, _ = pool.rollout(
        model, data, initial_state=initial, control=np.asarray(control, np.float64), control_spec=_CONTROL
    )
    # After a blow-up the engine begins anew at time nought, which is before the start.
    sound = np.cumprod(np.diff(states[..., 0], axis=1, prepend=clock) > 0, axis=1).astype(bool)
    result = states[..., 1 : 2 + 2 * V].astype(np.float32)
    result[~sound] = np.nan
    return result


@functools.cache
def _model(timestep: float) -> mujoco.MjModel:
    # The engine would report every blow-up in a file in the working folder; here a blow-up is a failed correction.
    mujoco.set_mju_user_warning(lambda text: None)
    return mujoco.MjModel.from_xml_string(humanoid.mjcf(timestep))


@functools.cache
def _workers(timestep: float, cores: int) -> tuple[rollout.Rollout, list[mujoco.MjData]]:
    return rollout.Rollout(nthread=cores), [mujoco.MjData(_model(timestep)) for _ in range(cores)]


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
