"""The one door to Brax' rollouts: its mjx pipeline, in float32, which is what an accelerator is for.

Brax' authors say that its pipelines are no longer actively maintained and point at MJX, which this one wraps; that one
warning is silenced below, nothing else. Neither Brax nor MJX passes JAX's strict promotion rules, so both run inside
`relaxed`.

Shapes: N motions, S physics steps, V = 36 degrees of freedom (velocity), V + 1 numbers of position (the root's rotation
is a quaternion).
"""

import contextlib
import functools
import io
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
from jax import Array

from selfloop.domains.motion.physics import humanoid
from selfloop.domains.motion.physics.controls import V
from selfloop.domains.motion.physics.gains import Gains, fields
from selfloop.domains.motion.physics.reference import conjugate, hamilton
from selfloop.domains.motion.physics.residual_wrench import rotation_vector

# MJX prints that an optional backend of its own is not installed.
with contextlib.redirect_stdout(io.StringIO()):
    import brax.mjx.pipeline as pipeline
    from brax.base import System, Transform
    from brax.io import mjcf as brax_mjcf
    from brax.mjx.base import State
    from mujoco import mjx

ITERATIONS, LINE_SEARCHES = 3, 4
"""Most Newton steps of the contact solver and trials of each one's length. Here a batch takes as many as its slowest
motion does and never fewer by rounding, so the C engine's 10 and 20 would nearly always be taken, at half the speed."""


@contextlib.contextmanager
def relaxed() -> Iterator[None]:
    """Inside, JAX promotes dtypes and ranks by its ordinary rules, whatever the caller has set."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def roll(strength: Gains, timestep: float, start: Array, control: Array) -> Array:
    """Positions and velocities [N, S, 2 V + 1] (float32) after every step of ``timestep`` seconds.

    From the states ``start`` [N, 2 V + 1] under ``control`` [N, S, CONTROLS]; see `controls.command`. A rollout that
    blows up is NaN from there on. It is compiled once for each N, S and timestep.
    """
    model, program = _model(timestep), _program(timestep)
    return program(fields(model, strength), jnp.asarray(start, jnp.float32), jnp.asarray(control, jnp.float32))


def system(timestep: float) -> Any:
    """The humanoid as a Brax system, every leaf strongly typed."""
    with relaxed(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Brax System, piplines and environments", category=UserWarning)
        return _strong(brax_mjcf.load_model(_load(timestep)))


def _load(timestep: float) -> mujoco.MjModel:
    model = mujoco.MjModel.from_xml_string(humanoid.mjcf(timestep))
    model.opt.iterations, model.opt.ls_iterations = ITERATIONS, LINE_SEARCHES
    return model


@functools.cache
def _model(timestep: float) -> System:
    return system(timestep)


@functools.cache
def _program(timestep: float) -> Callable[[dict[str, Array], Array, Array], Array]:
    base = _model(timestep)

    @jax.jit
    def program(strength: dict[str, Array], start: Array, control: Array) -> Array:
        with relaxed():
            one = functools.partial(_roll, base.replace(**strength))
            return jax.vmap(one)(start, control)

    return program


def _roll(system: System, start: Array, control: Array) -> Array:
    """One motion's states [S, 2 V + 1]. Only what moves is carried from step to step."""

    def step(carry: tuple[Array, Array, Array], control: Array) -> tuple[tuple[Array, Array, Array], Array]:
        q, velocity, acceleration = carry
        mocap = control[V : V + 6].reshape(2, 3), control[V + 6 :].reshape(2, 4)
        data = mjx.make_data(system).replace(
            qpos=q, qvel=velocity, qacc_warmstart=acceleration, mocap_pos=mocap[0], mocap_quat=mocap[1]
        )
        place = Transform.zero((system.num_links(),))
        state = State(q=q, qd=velocity, x=place, xd=None, contact=None, **data.__dict__)
        state = pipeline.step(_clamped(system, q, velocity, control), state, control[:V])
        after = jnp.concatenate([state.q, state.qd])
        return _strong((state.q, state.qd, state.qacc_warmstart)), after

    still = jnp.zeros(V, jnp.float32)
    states = jax.lax.scan(step, (start[: V + 1], start[V + 1 :], still), control)[1]
    sound = jnp.cumprod(jnp.all(jnp.abs(states) < mujoco.mjMAXVAL, -1, keepdims=True).astype(jnp.int32), 0) > 0
    return jnp.where(sound, states, jnp.nan)


def _clamped(system: System, q: Array, velocity: Array, control: Array) -> System:
    """The system in which those of the pelvis' six pulls that reach their caps are constant forces.

    MJX' implicitfast keeps the damping of an actuator whose force is clamped, as if the pelvis had a fifth more mass;
    C's drops it, as it should.
    """
    place, turn = control[V : V + 3], control[V + 10 : V + 14]
    between = hamilton(conjugate(turn), q[3:7])
    spin = hamilton(hamilton(between, jnp.concatenate([jnp.zeros(1), velocity[3:6]])), conjugate(between))[1:]
    length = jnp.concatenate([q[:3] - place, rotation_vector(turn, q[3:7])])
    gain, bias, cap = (getattr(system, f"actuator_{name}") for name in ("gainprm", "biasprm", "forcerange"))
    pace = jnp.concatenate([velocity[:3], spin])
    force = gain[:6, 0] * control[:6] + bias[:6, 1] * length + bias[:6, 2] * pace
    held = jnp.clip(force, cap[:6, 0], cap[:6, 1])
    over = held != force
    constant = jnp.zeros_like(bias[:6]).at[:, 0].set(held)
    return system.replace(
        actuator_gainprm=gain.at[:6, 0].set(jnp.where(over, 0, gain[:6, 0])),
        actuator_biasprm=bias.at[:6].set(jnp.where(over[:, None], constant, bias[:6])),
    )


def _strong(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: jax.lax.convert_element_type(leaf, leaf.dtype), tree)
