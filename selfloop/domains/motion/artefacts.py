"""Physical artefacts of motions on a floor z = 0, measured on the contact spheres that physics uses too.

All are means over the frames that a motion's length keeps, one number a motion, and 0 is ideal but for `jerk`, whose
ideal is real motion's. Honest flight counts as floating and retargeted feet slide a little: always print the same
figures for real motion beside them.
Shapes: B motions, T frames at 20 fps, C contact spheres, J = 15 joints, D = 64 features.
"""

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.domains.motion.data import features, skeleton
from selfloop.domains.motion.data.features import FPS
from selfloop.domains.motion.data.skeleton import FOOT_SPHERES, LIMITS
from selfloop.metrics.scale import log_points

NAMES = ("penetration_mm", "float_mm", "skate_mm_per_frame", "skate_ratio", "jerk", "limit_violation_deg")

UNITS = {
    "penetration_mm": 1.0,
    "float_mm": 1.0,
    "skate_mm_per_frame": 1.0,
    "skate_ratio": 0.02,
    "jerk": 10.0,
    "limit_violation_deg": 0.1,
}
"""The least that an artefact is measured in as a coordinate of `points`, where the reference has less of it: about what
an eye would not see."""

FLOOR = 0.5
"""No coordinate is divided by less than this times the root mean square of all deviations: what the reference hardly
has at all (real joints keep their limits) does not rule the distance."""

FLAT = 0.025
"""Height (m) under which every sphere of a foot must stay for the foot to stand.

One low sphere is not enough: toes of real swinging feet pass a few millimetres over the floor at 2.5 m/s, lower than
standing ones, so that any threshold on a single point counts them (real walks would skate 16 to 21 mm a frame)."""

SKATE_SPEED = 0.2
"""Speed (m/s) over which `skate_ratio` says that a standing foot skates: 10 mm a frame at 20 fps."""


def measure(x: Array, length: Array) -> dict[str, Array]:
    """Every artefact [B] of features x [B, T, D] with lengths [B], by the names in `NAMES`."""
    motion = features.decode(jnp.asarray(x))
    positions, world = skeleton.forward(motion)
    centres = skeleton.sphere_centres(positions, world)
    heights = skeleton.lowest_points(centres)
    skate, ratio = skating(centres[..., : len(FOOT_SPHERES), :2], heights[..., : len(FOOT_SPHERES)], length)
    values = (
        penetration_mm(heights, length),
        float_mm(heights, length),
        skate,
        ratio,
        jerk(positions, length),
        limit_violation_deg(motion.rotations, length),
    )
    return dict(zip(NAMES, values, strict=True))


def stacked(values: dict[str, Array]) -> Array:
    """What `measure` returns as one array [B, 6], in the order of `NAMES`."""
    return jnp.stack([values[name] for name in NAMES], -1)


def points(values: Array, reference: Array) -> Array:
    """The space of artefacts: motions with artefacts [B, 6] as points [B, 6], beside real ones [M, 6] (`stacked`).

    See `metrics.scale.log_points`: a motion as good as real ones lies where they do.
    """
    return log_points(values, reference, jnp.array([UNITS[name] for name in NAMES], values.dtype), FLOOR)


def masked_mean(values: Array, length: Array) -> Array:
    """Mean over the first ``length`` [B] of the entries [B, T', ...] in time; 0 where there is none."""
    lead = (-1,) + (1,) * (values.ndim - 1)
    kept = jnp.arange(values.shape[1]).reshape(1, -1, *lead[2:]) < length.reshape(lead)
    return jnp.where(kept, values, 0).sum(1) / jnp.maximum(length, 1).reshape(lead[:-1]).astype(values.dtype)


def penetration_mm(heights: Array, length: Array) -> Array:
    """Mean over frames of how deep (mm) the deepest sphere of feet or body lies under the floor, [B].

    ``heights`` [B, T, C] (m) are those of `skeleton.sphere_heights`. The sense is that of PhysDiff's "penetrate" (Yuan
    et al., ICCV 2023), without its tolerance and on spheres instead of mesh vertices.
    """
    return 1000 * masked_mean(jnp.maximum(-heights.min(-1), 0), length)


def float_mm(heights: Array, length: Array) -> Array:
    """Mean over frames of how high (mm) the lowest sphere hangs over the floor, [B]: PhysDiff's "float", likewise.

    Frames of honest flight (running, jumping) count as well, so only the distance to real motion's figure tells.
    """
    return 1000 * masked_mean(jnp.maximum(heights.min(-1), 0), length)


def skating(centres: Array, heights: Array, length: Array) -> tuple[Array, Array]:
    """How much standing feet slide: ``skate_mm_per_frame`` and ``skate_ratio``, each [B].

    A foot stands in the step from t to t + 1 if its spheres all lie lower than `FLAT` in both frames; it slides by the
    least horizontal displacement among them, so that rolling and turning on the spot are free. The first figure is the
    mean slide (mm a frame of 1/20 s) over feet and steps in which a foot stands, 0 where none ever does: a motion that
    floats cannot skate. The second is the share of steps in which a standing foot slides faster than `SKATE_SPEED`. It
    adapts the skating ratio of GMD (Karunratanakul et al., ICCV 2023: one point a foot, lower than 5 cm, 0.5 m/s).

    Args:
        centres: horizontal positions of the feet's spheres, left foot first, [B, T, 2 * 5, 2] (m).
        heights: their lowest points over the floor [B, T, 2 * 5] (m).
        length: frames that count [B].
    """
    step = jnp.linalg.norm(jnp.diff(centres, axis=1), axis=-1)
    feet = (*step.shape[:2], 2, step.shape[2] // 2)
    flat = jnp.maximum(heights[:, 1:], heights[:, :-1]).reshape(feet).max(-1) < FLAT
    standing = flat & (jnp.arange(step.shape[1])[None] < length[:, None] - 1)[..., None]
    slide = jnp.where(standing, step.reshape(feet).min(-1), 0)
    count = standing.sum((1, 2)).astype(step.dtype)
    skates = (slide * FPS > SKATE_SPEED).any(-1).astype(step.dtype)
    return 1000 * slide.sum((1, 2)) / jnp.maximum(count, 1), masked_mean(skates, length - 1)


def jerk(positions: Array, length: Array) -> Array:
    """Mean over frames and joints of ``|x_{t+3} - 3 x_{t+2} + 3 x_{t+1} - x_t| fps^3`` (m/s^3), [B].

    ``positions`` [B, T, J, 3] (m) of the joints in the world; 0 for motions shorter than four frames.
    """
    third = jnp.linalg.norm(jnp.diff(positions, 3, axis=1), axis=-1).mean(-1)
    return FPS**3 * masked_mean(third, length - 3)


def limit_violation_deg(rotations: Array, length: Array) -> Array:
    """Mean over frames and the Q = 30 joint coordinates of the excess over `skeleton.LIMITS` (degrees), [B].

    ``rotations`` [B, T, J, 3, 3] are local. One hinge 10 degrees out throughout gives 10 / 30.
    """
    angles = jax.vmap(skeleton.coordinates)(rotations)
    low, high = LIMITS[:, 0], LIMITS[:, 1]
    excess = jnp.maximum(low[None, None] - angles, 0) + jnp.maximum(angles - high[None, None], 0)
    return jnp.rad2deg(masked_mean(excess.mean(-1), length))
