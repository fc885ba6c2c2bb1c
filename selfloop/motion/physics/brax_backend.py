"""The one door to Brax: a physics pipeline as three functions.

Brax's authors say that its pipelines are no longer actively maintained and point at MJX, which the default pipeline
here wraps; that one warning is silenced below, nothing else. Neither Brax nor MJX passes JAX's strict promotion rules,
so both run inside `relaxed`.

Shapes: V = 36 degrees of freedom (velocity, force), V + 1 numbers of position (the root's rotation is a quaternion).
"""

import contextlib
import functools
import io
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from jax import Array

from selfloop.errors import ConfigError
from selfloop.motion.physics import humanoid

# MJX prints that an optional backend of its own is not installed.
with contextlib.redirect_stdout(io.StringIO()):
    import brax.generalized.pipeline as generalized
    import brax.mjx.pipeline as mjx_pipeline
    from brax.base import Actuator, System, Transform
    from brax.io import mjcf as brax_mjcf
    from brax.mjx.base import State
    from mujoco import mjx

V = 36


class Engine(NamedTuple):
    """A physics pipeline that moves one humanoid; `jax.vmap` it for many."""

    timestep: float
    """Seconds a step."""
    init: Callable[[Array, Array], Any]
    """``init(q [V + 1], velocity [V]) -> state``."""
    step: Callable[[Any, Array, Array], Any]
    """``step(state, force [V], inertia [V]) -> state``: generalised forces (N, Nm; the root's in the world for
    translation, in the pelvis for rotation), and what to add to the mass matrix' diagonal."""
    read: Callable[[Any], tuple[Array, Array]]
    """``read(state) -> (q [V + 1], velocity [V])``."""


@contextlib.contextmanager
def relaxed() -> Iterator[None]:
    """Inside, JAX promotes dtypes and ranks by its ordinary rules, whatever the caller has set."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


@functools.cache
def engine(pipeline: str, timestep: float) -> Engine:
    """The humanoid on a Brax pipeline.

    Raises:
        ConfigError: no such pipeline.
    """
    if pipeline not in PIPELINES:
        raise ConfigError(f"pipeline {pipeline!r} is not one of {', '.join(PIPELINES)}; choose one of these")
    return PIPELINES[pipeline](system(timestep), timestep)


def system(timestep: float) -> System:
    """The humanoid as a Brax system, every leaf strongly typed."""
    model = mujoco.MjModel.from_xml_string(humanoid.mjcf(timestep))
    with relaxed(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Brax System, piplines and environments", category=UserWarning)
        return _strong(brax_mjcf.load_model(model))


def _strong(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: jax.lax.convert_element_type(leaf, leaf.dtype), tree)


def _mjx(system: System, timestep: float) -> Engine:
    """MJX behind Brax's interface. Its state is rebuilt every step from what moves: position, velocity, warm start."""

    def init(q: Array, velocity: Array) -> tuple[Array, Array, Array]:
        return q, velocity, jnp.zeros_like(velocity)

    def step(state: tuple[Array, Array, Array], force: Array, inertia: Array) -> tuple[Array, Array, Array]:
        q, velocity, warm = state
        with relaxed():
            data = mjx.make_data(system).replace(qpos=q, qvel=velocity, qacc_warmstart=warm, qfrc_applied=force)
            place = Transform.zero((system.num_links(),))
            full = State(q=q, qd=velocity, x=place, xd=None, contact=None, **data.__dict__)
            heavy = system.replace(dof_armature=system.dof_armature + inertia)
            full = mjx_pipeline.step(heavy, full, jnp.zeros(0, q.dtype))
            return _strong((full.q, full.qd, full.qacc_warmstart))

    return Engine(timestep, init, step, lambda state: state[:2])


def _generalized(system: System, timestep: float) -> Engine:
    """Brax's own generalised coordinates; an actuator of gain 1 on each degree of freedom lets forces in."""
    free, one = np.tile(np.array([-np.inf, np.inf], np.float32), (V, 1)), np.ones(V, np.float32)
    motors = Actuator(
        q_id=np.arange(V), qd_id=np.arange(V), ctrl_range=free, force_range=free,
        gain=one, gear=one, bias_q=0 * one, bias_qd=0 * one,
    )  # fmt: skip
    driven = system.replace(actuator=jax.tree.map(jnp.asarray, motors), nu=V)
    base = driven.dof.armature

    def init(q: Array, velocity: Array) -> Any:
        with relaxed():
            return _strong(generalized.init(driven, q, velocity))

    def step(state: Any, force: Array, inertia: Array) -> Any:
        with relaxed():
            heavy = driven.replace(dof=driven.dof.replace(armature=base + inertia))
            return _strong(generalized.step(heavy, state, force))

    return Engine(timestep, init, step, lambda state: (state.q, state.qd))


PIPELINES: dict[str, Callable[[System, float], Engine]] = {"mjx": _mjx, "generalized": _generalized}
"""The pipelines that take forces on every degree of freedom; `positional` and `spring` ignore those on a free root."""
