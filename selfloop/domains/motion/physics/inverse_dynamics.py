"""What torques a motion takes: inverse dynamics of point masses, with the ground's reaction under the standing feet.

Springs that start to push only once the body has sagged make it sag a little more at every pass. So targets are moved
ahead by the torque that the motion takes, over the stiffness. By virtual work the torque on joint coordinate q_j is

    tau_j = sum_b m_b (a_b - g) . dc_b/dq_j  -  sum_s F_s . dp_s/dq_j  +  I q_j''

over segments b (mass, centre, acceleration) and contact spheres s, with the rotor inertia I; the segments' own turning
is left out. The reactions F_s add up to what carries the body, sum_b m_b (a_b - g), and lie around the zero-moment
point (Vukobratovic and Borovac 2004) among the spheres in contact; in flight there are none.

Shapes: T frames at 20 fps, J joints, Q = 30 joint coordinates, C contact spheres; one motion, `jax.vmap` for more.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.domains.motion.data import skeleton
from selfloop.domains.motion.data.features import FPS
from selfloop.domains.motion.data.skeleton import FOOT_SPHERES, Motion
from selfloop.domains.motion.physics.feet import contact
from selfloop.domains.motion.physics.humanoid import ARMATURE, segment_centres, segment_masses

GRAVITY = np.array([0, 0, -9.81], np.float32)

_MASSES = segment_masses().astype(np.float32)
_CENTRES = segment_centres().astype(np.float32)

SPREAD = 0.08
"""How far (m) around the zero-moment point a reaction spreads over the spheres: half a sole."""


def inverse_dynamics(root: Array, pelvis: Array, angles: Array) -> Array:
    """Torques [T, Q] (Nm) that a movement takes.

    Args:
        root: places of the pelvis [T, 3] (m).
        pelvis: its turns [T, 3, 3].
        angles: joint coordinates [T, Q] (rad).
    """
    at, spheres = places(root, pelvis, angles)
    load = _MASSES[None, :, None] * (_second(at) - GRAVITY[None, None])
    reaction = reactions(at, load, spheres)

    def work(angles: Array) -> Array:
        at, spheres = places(root, pelvis, angles)
        return jnp.sum(at * load) - jnp.sum(spheres * reaction)

    return jax.grad(work)(angles) + np.float32(ARMATURE) * _second(angles)


def places(root: Array, pelvis: Array, angles: Array) -> tuple[Array, Array]:
    """World places of the segments' centres of mass [T, J, 3] and of the feet's contact spheres [T, C, 3] (m)."""
    motion = Motion(root, jnp.concatenate([pelvis[:, None], skeleton.from_coordinates(angles)], 1))
    positions, world = skeleton.forward(motion)
    return centres(positions, world), skeleton.sphere_centres(positions, world, FOOT_SPHERES)


def centres(positions: Array, world: Array) -> Array:
    """World places [T, J, 3] (m) of the segments' centres of mass, from the result of `skeleton.forward`."""
    return positions + (world @ _CENTRES[None, ..., None])[..., 0]


def balance(positions: Array, world: Array) -> Array:
    """World place [T, 3] (m) of the whole body's centre of mass."""
    return jnp.einsum("tji,j->ti", centres(positions, world), _MASSES / _MASSES.sum())


def reactions(at: Array, load: Array, spheres: Array) -> Array:
    """Force [T, C, 3] (N) of the ground on each sphere, from the segments' places (m) and loads (N), both [T, J, 3]."""
    touch = contact(spheres, skeleton.lowest_points(spheres, FOOT_SPHERES))
    total = load.sum(1)
    moment = jnp.sum(at[..., :2] * load[..., 2:] - at[..., 2:] * load[..., :2], 1)
    point = moment / jnp.maximum(total[:, 2:], 1.0)
    far = jnp.sum((spheres[..., :2] - point[:, None]) ** 2, -1)
    weight = touch * jnp.exp(-(far - far.min(-1, keepdims=True)) / (2 * SPREAD**2))
    share = weight / jnp.maximum(weight.sum(-1, keepdims=True), 1e-3)
    carried = jnp.where((total[:, 2:] > 0) & (touch.max(-1, keepdims=True) > 0), total, 0)
    return share[..., None] * carried[:, None]


def _second(values: Array) -> Array:
    """Second derivative (a second squared) of values [T, ...]; the ends repeat their neighbours'."""
    inner = FPS**2 * (values[2:] - 2 * values[1:-1] + values[:-2])
    return jnp.concatenate([inner[:1], inner, inner[-1:]])
