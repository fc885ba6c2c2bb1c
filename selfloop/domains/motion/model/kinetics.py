"""Features of a motion that need no training: how fast its joints move, and which simple relations its body is in.

They are what AIST++ (Li et al., ICCV 2021) computes its two FIDs on, after Onuma et al. (Eurographics 2008) and Mueller
et al. (SIGGRAPH 2005), fitted to this skeleton, and serve where too few clips are at hand to train an encoder.
Shapes: B motions, T frames at 20 fps, J = 15 joints, D = 64 model features, K = 45 kinetic and G = 25 geometric ones.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.domains.motion.artefacts import masked_mean
from selfloop.domains.motion.data import features, rotations, skeleton
from selfloop.domains.motion.data.features import FPS
from selfloop.domains.motion.data.skeleton import INDEX, NAMES, TIPS, J

K = 3 * J
ARM = 0.27
"""Length (m) of the upper arm, the unit of Mueller's thresholds."""

SIDED = (
    "hand moves forward",
    "hand moves up",
    "hand fast",
    "hand above neck",
    "elbow bent",
    "foot fast",
    "foot raised",
    "foot in front",
    "knee bent",
    "thigh lifted",
)
PAIRED = ("hands apart", "hands approach", "feet apart", "spine tilted", "pelvis fast")
GEOMETRIC = tuple(f"{side} {name}" for side in ("left", "right") for name in SIDED) + PAIRED
"""Names of the geometric features in their order."""

KINETIC = tuple(f"{name} {what}" for what in ("horizontal", "vertical", "acceleration") for name in NAMES)
"""Names of the kinetic features in their order."""


def kinetic(x: Array, length: Array) -> Array:
    """Kinetic features [B, 45] of features x [B, T, D] with lengths [B].

    For every joint: root mean square of its horizontal speed, then of its vertical speed (m/s), then its mean
    acceleration (m/s^2), over the frames that count. The first two are the roots of Onuma's mean kinetic energies: the
    same information with lighter tails, for the sake of a Gaussian fit. Joints move in the world, travel included.
    """
    positions, _ = skeleton.forward(features.decode(x))
    velocity = jnp.diff(positions, axis=1) * FPS
    acceleration = jnp.linalg.norm(jnp.diff(velocity, axis=1), axis=-1) * FPS
    flat = jnp.sqrt(masked_mean((velocity[..., :2] ** 2).sum(-1), length - 1))
    rise = jnp.sqrt(masked_mean(velocity[..., 2] ** 2, length - 1))
    return jnp.concatenate([flat, rise, masked_mean(acceleration, length - 2)], -1)


def geometric(x: Array, length: Array) -> Array:
    """Geometric features [B, 25] of features x [B, T, D] with lengths [B]: the share of the time each relation holds.

    25 of the relations of Mueller et al. that fifteen joints can tell, with their thresholds: moving 1.8 arms/s, fast
    2.5 arms/s, bent an inner angle under 110 degrees, raised 1.2 arms over the floor, in front 0.38 arms, thigh lifted
    50 degrees off the spine, hands 2.5 and feet 1.4 arms apart sideways, spine tilted 30 degrees, pelvis fast 2.3
    arms/s (ours: feet, spine).
    """
    motion = features.decode(x)
    positions, world = skeleton.forward(motion)
    facing = rotations.about_axis("z", rotations.heading(motion.rotations[..., 0, :, :]))
    seen = jnp.swapaxes(facing, -1, -2)[:, :, None] @ (positions - positions[:, :, :1])[..., None]
    body = _Body(positions, world, seen[..., 0], facing)
    values = jnp.stack(_one_side(body, "left", "right") + _one_side(body, "right", "left") + _both_sides(body), -1)
    return masked_mean(values.astype(x.dtype), length - 1)


class _Body(NamedTuple):
    """What relations are read from: positions and rotations in the world, positions from the pelvis, facing x."""

    positions: Array
    world: Array
    seen: Array
    facing: Array

    def tip(self, joint: str) -> Array:
        """World position [B, T, 3] of the end of the chain at ``joint``."""
        index = INDEX[joint]
        return self.positions[:, :, index] + self.world[:, :, index] @ np.array(TIPS[joint], np.float32)

    def joint(self, name: str) -> Array:
        """World position [B, T, 3] of a joint."""
        return self.positions[:, :, INDEX[name]]

    def own(self, vector: Array) -> Array:
        """A world vector [B, T - 1, 3] as the body sees it: forward, left, up."""
        return (jnp.swapaxes(self.facing[:, 1:], -1, -2) @ vector[..., None])[..., 0]


def _one_side(body: _Body, side: str, other: str) -> list[Array]:
    hand, foot = body.tip(f"{side}_elbow"), body.joint(f"{side}_ankle")
    pelvis = _speed(body.joint("pelvis"))
    reach = body.own(_speed(hand) - pelvis)
    elbow, shoulder = body.joint(f"{side}_elbow"), body.joint(f"{side}_shoulder")
    knee, hip = body.joint(f"{side}_knee"), body.joint(f"{side}_hip")
    spine = body.joint("pelvis") - body.joint("neck")
    ahead = body.seen[:, :, INDEX[f"{side}_ankle"], 0] - body.seen[:, :, INDEX[f"{other}_ankle"], 0]
    return [
        reach[..., 0] > 1.8 * ARM,
        reach[..., 2] > 1.8 * ARM,
        jnp.linalg.norm(reach, axis=-1) > 2.5 * ARM,
        (hand[..., 2] > body.joint("neck")[..., 2])[:, 1:],
        (_angle(shoulder - elbow, hand - elbow) < 110)[:, 1:],
        jnp.linalg.norm(_speed(foot), axis=-1) > 2.5 * ARM,
        (foot[..., 2] > 1.2 * ARM)[:, 1:],
        (ahead > 0.38 * ARM)[:, 1:],
        (_angle(hip - knee, foot - knee) < 110)[:, 1:],
        (_angle(knee - hip, spine) > 50)[:, 1:],
    ]


def _both_sides(body: _Body) -> list[Array]:
    gap = body.tip("left_elbow") - body.tip("right_elbow")
    aside = body.own(gap[:, 1:])[..., 1]
    stance = body.seen[:, :, INDEX["left_ankle"], 1] - body.seen[:, :, INDEX["right_ankle"], 1]
    spine = body.joint("neck") - body.joint("pelvis")
    upright = jnp.broadcast_to(jnp.array([0, 0, 1], spine.dtype), spine.shape)
    return [
        aside > 2.5 * ARM,
        -jnp.diff(jnp.linalg.norm(gap, axis=-1), axis=1) * FPS > 1.4 * ARM,
        (stance > 1.4 * ARM)[:, 1:],
        (_angle(spine, upright) > 30)[:, 1:],
        jnp.linalg.norm(_speed(body.joint("pelvis")), axis=-1) > 2.3 * ARM,
    ]


def _speed(point: Array) -> Array:
    return jnp.diff(point, axis=1) * FPS


def _angle(a: Array, b: Array) -> Array:
    """Angle (degrees) between vectors [..., 3]."""
    return jnp.rad2deg(jnp.arctan2(jnp.linalg.norm(jnp.cross(a, b), axis=-1), (a * b).sum(-1)))
