"""The humanoid in Brax' spring pipeline, whose gradients are right: for what differentiates through physics.

Links are free bodies that stiff springs hold together at the joints, so a step is explicit arithmetic without a solver,
and its derivative is the derivative of the simulation (MJX' contact solver has none that is right). The price: small
steps, joints that give by millimetres, and softer control, for what a joint's motor can do in a step is limited by the
inertia of the two links at it. Every joint is a ball joint here; control alone keeps a knee a hinge.

Brax' own actuators ignore a torque on a free root and turn stacked hinges about the parent's axes. Forces and torques
therefore enter as changes of velocity before Brax' step, and joints are described by quaternions throughout.

Shapes: J = 15 links in the skeleton's order; one humanoid, `jax.vmap` it.
"""

import contextlib
import functools
import io
import warnings
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from jax import Array

from selfloop.domains.motion.data.skeleton import OFFSETS, PARENTS, J
from selfloop.domains.motion.physics import humanoid
from selfloop.domains.motion.physics.brax_backend import relaxed

# MJX prints that an optional backend of its own is not installed.
with contextlib.redirect_stdout(io.StringIO()):
    import brax.spring.pipeline as spring
    from brax import com, kinematics
    from brax.base import DoF, Motion, System, Transform
    from brax.io import mjcf as brax_mjcf
    from brax.spring.base import State

ROTOR = np.array([0.5] + [0.1] * (J - 1))
"""Inertia that every link gets on top of its own, kg m^2: the motors', and what lets small links take stiff control."""

PACE = 0.8
"""Frequency of the springs that hold joints together, times the step: explicit integration is stable up to 2."""

RATIO = 0.5
"""Their damping ratio."""

ERP = 0.3
"""Share of a penetration that a step takes back."""


class Bodies(NamedTuple):
    """Where the links are and how they move, in the world."""

    centre: Array
    """Centres of mass [J, 3], m."""
    turn: Array
    """Rotations as quaternions [J, 4]."""
    velocity: Array
    """Of the centres of mass [J, 3], m/s."""
    spin: Array
    """Angular velocities [J, 3], rad/s."""


class Joints(NamedTuple):
    """Links as their parents see them; the pelvis' parent is the world."""

    place: Array
    """Origins of the links in the world [J, 3], m."""
    turn: Array
    """Quaternions [J, 4]."""
    spin: Array
    """Angular velocities [J, 3] in the parent's frame, rad/s."""
    parent: Array
    """The parents' rotations in the world, quaternions [J, 4]."""
    pace: Array
    """Velocities of the origins of the links [J, 3] relative to the parent's material there, in its frame, m/s."""


class Spring(NamedTuple):
    """The humanoid with its two functions."""

    timestep: float
    """Seconds a step."""
    offset: np.ndarray
    """Each link's centre of mass in its own frame [J, 3], m."""
    inertia: np.ndarray
    """The inertia [J] (kg m^2) that a joint's motor turns in one step: its two links', in series."""
    system: Any  # Brax's System, which has no types
    """The model behind it."""

    def joints(self, bodies: Bodies) -> Joints:
        """The joints of links."""
        with relaxed():
            x, xd, j, jd, anchor, _ = _unfold(self.system, bodies)
            return Joints(x.pos, j.rot, jd.ang, anchor.rot, jd.vel)

    def step(self, bodies: Bodies, force: Array, torque: Array) -> Bodies:
        """The links after one step.

        Args:
            bodies: the links.
            force: on the pelvis' centre of mass [3], in the world, N.
            torque: of every joint on its link, in the world, [J, 3], Nm; the parent gets the opposite one.
        """
        with relaxed():
            return _step(self.system, self.timestep, bodies, force, torque)


@functools.cache
def engine(timestep: float) -> Spring:
    """The humanoid for steps of ``timestep`` seconds (about 1 ms)."""
    model = mujoco.MjModel.from_xml_string(humanoid.passive(timestep))
    model.opt.integrator = mujoco.mjtIntegrator.mjINT_EULER
    with relaxed(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Brax System, piplines and environments", category=UserWarning)
        system = brax_mjcf.load_model(model)
    inertia = np.asarray(system.link.inertia.i) + ROTOR[:, None, None] * np.eye(3)
    offset = np.asarray(system.link.inertia.transform.pos)
    least = np.diagonal(inertia, axis1=1, axis2=2).min(1)
    apart, turning = _ease(np.asarray(system.link.inertia.mass), offset, least)
    link = system.link.replace(
        inertia=system.link.inertia.replace(i=inertia),
        constraint_stiffness=(PACE / timestep) ** 2 / apart,
        constraint_vel_damping=2 * RATIO * PACE / timestep / apart,
        constraint_ang_damping=np.zeros(J),
    )  # fmt: skip
    system = system.replace(
        link=link, dof=_balls(), link_types="f" + "3" * (J - 1), nv=6 + 3 * (J - 1),
        baumgarte_erp=ERP, spring_mass_scale=0.0, spring_inertia_scale=0.0,
    )  # fmt: skip
    return Spring(timestep, offset.astype(np.float32), (1 / turning).astype(np.float32), _strong(system))


def _ease(mass: np.ndarray, offset: np.ndarray, inertia: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How easily forces pull joints apart, [J] (1/kg), and torques turn them, [J] (1/(kg m^2)): both links together."""
    parent = np.array(PARENTS[1:])
    apart, turning = 1 / mass + (offset**2).sum(1) / inertia, 1 / inertia
    lever = OFFSETS[1:] - offset[parent]
    apart[1:] += 1 / mass[parent] + (lever**2).sum(1) / inertia[parent]
    turning[1:] += 1 / inertia[parent]
    return apart, turning


def _balls() -> DoF:
    """A free root and ball joints, without limits."""
    turns = np.concatenate([np.zeros((3, 3)), *[np.eye(3)] * J])
    shifts = np.concatenate([np.eye(3), np.zeros((3 * J, 3))])
    none = np.zeros(len(turns))
    return DoF(
        motion=Motion(ang=turns, vel=shifts), armature=none, stiffness=none, damping=none, limit=None,
        invweight=none, solver_params=np.zeros((len(turns), 7)),
    )  # fmt: skip


def _strong(tree: System) -> System:
    def strong(leaf):
        leaf = jnp.asarray(leaf)
        dtype = jnp.float32 if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf.dtype
        return jax.lax.convert_element_type(leaf, dtype)

    return jax.tree.map(strong, tree)


def _unfold(system: System, bodies: Bodies) -> tuple:
    """Links and joints in Brax' terms."""
    centre = Transform(pos=bodies.centre, rot=bodies.turn)
    x, xd = com.to_world(system, centre, Motion(ang=bodies.spin, vel=bodies.velocity))
    return x, xd, *kinematics.world_to_joint(system, x, xd)


def _step(system: System, timestep: float, bodies: Bodies, force: Array, torque: Array) -> Bodies:
    x, xd, j, jd, a_p, a_c = _unfold(system, bodies)
    inverse = com.inv_inertia(system, x)
    net = torque.at[np.array(PARENTS[1:])].add(-torque[1:])
    mass = system.link.inertia.mass
    velocity = bodies.velocity.at[0].add(timestep * force / mass[0])
    spin = bodies.spin + timestep * (inverse @ net[..., None])[..., 0]
    nothing = jnp.zeros(system.qd_size(), jnp.float32)
    state = State(
        q=nothing, qd=nothing, x=x, xd=xd, contact=None, j=j, jd=jd, a_p=a_p, a_c=a_c, i_inv=inverse, mass=mass,
        x_i=Transform(pos=bodies.centre, rot=bodies.turn), xd_i=Motion(ang=spin, vel=velocity),
    )  # fmt: skip
    after = spring.step(system, state, nothing[:0])
    return Bodies(after.x_i.pos, after.x_i.rot, after.xd_i.vel, after.xd_i.ang)
