"""Rotations in JAX. Shapes: ``[...]`` any leading axes; matrices ``[..., 3, 3]``, quaternions ``[..., 4]`` as wxyz."""

import jax.numpy as jnp
from jax import Array

AXES = {"x": 0, "y": 1, "z": 2}


def about_axis(axis: str, angle: Array) -> Array:
    """Rotation by ``angle`` [...] (rad) about a coordinate axis: [..., 3, 3]."""
    i = AXES[axis]
    j, k = (i + 1) % 3, (i + 2) % 3
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    matrix = jnp.zeros((*jnp.shape(angle), 3, 3), jnp.result_type(angle))
    matrix = matrix.at[..., i, i].set(1)
    matrix = matrix.at[..., j, j].set(cos).at[..., k, k].set(cos)
    return matrix.at[..., k, j].set(sin).at[..., j, k].set(-sin)


def from_quaternion(q: Array) -> Array:
    """Matrix [..., 3, 3] of a unit quaternion [..., 4] (wxyz)."""
    w, x, y, z = (q[..., i] for i in range(4))
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return jnp.stack([jnp.stack(row, -1) for row in rows], -2)


def to_quaternion(matrix: Array) -> Array:
    """Unit quaternion [..., 4] (wxyz, w >= 0) of a rotation matrix, stable at every angle (Shepperd's method)."""
    m = matrix
    trace = m[..., 0, 0] + m[..., 1, 1] + m[..., 2, 2]
    diagonal = jnp.stack([trace, m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]], -1)
    # Row i of `scaled` is 4 q_i q: each row is right, the one with the largest q_i is well conditioned.
    a, b, c = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    d, e, f = m[..., 0, 1] + m[..., 1, 0], m[..., 0, 2] + m[..., 2, 0], m[..., 1, 2] + m[..., 2, 1]
    own = 1 + 2 * diagonal - trace[..., None]
    own = own.at[..., 0].set(1 + trace)
    scaled = jnp.stack(
        [
            jnp.stack([own[..., 0], a, b, c], -1),
            jnp.stack([a, own[..., 1], d, e], -1),
            jnp.stack([b, d, own[..., 2], f], -1),
            jnp.stack([c, e, f, own[..., 3]], -1),
        ],
        -2,
    )
    best = jnp.argmax(diagonal, -1)
    q = jnp.take_along_axis(scaled, best[..., None, None], -2)[..., 0, :]
    q = q / jnp.linalg.norm(q, axis=-1, keepdims=True)
    return jnp.where(q[..., :1] < 0, -q, q)


def to_six(matrix: Array) -> Array:
    """The first two columns of a rotation, [..., 6]: a continuous representation (Zhou et al., CVPR 2019)."""
    return jnp.concatenate([matrix[..., :, 0], matrix[..., :, 1]], -1)


def from_six(six: Array) -> Array:
    """Rotation [..., 3, 3] of any 6 numbers by Gram-Schmidt: inverts `to_six`, finite everywhere."""
    x = _unit(six[..., :3], jnp.array([1, 0, 0], six.dtype))
    y = _across(_unit(six[..., 3:], jnp.array([0, 1, 0], six.dtype)), x)
    spare = jnp.where(jnp.abs(x[..., 1:2]) < 0.9, jnp.array([0, 1, 0], six.dtype), jnp.array([0, 0, 1], six.dtype))
    # Of parallel columns only rounding is left, which has no direction; of nearly parallel ones some, hence twice.
    y = _across(_unit(jnp.where(jnp.sum(y * y, -1, keepdims=True) > 1e-6, y, _across(spare, x)), spare), x)
    y = y / jnp.linalg.norm(y, axis=-1, keepdims=True)
    return jnp.stack([x, y, jnp.cross(x, y)], -1)


def _across(v: Array, x: Array) -> Array:
    """The part of ``v`` at right angles to the unit vector ``x``."""
    return v - jnp.sum(x * v, -1, keepdims=True) * x


def _unit(v: Array, fallback: Array) -> Array:
    """v / |v|, or ``fallback`` where v is too short to have a direction."""
    square = jnp.sum(v * v, -1, keepdims=True)
    long = square > 1e-12
    return jnp.where(long, v * jnp.where(long, square, 1) ** -0.5, fallback)


def euler(matrix: Array, order: str) -> tuple[Array, Array]:
    """Both intrinsic angle triples [..., 3] with ``R = R_i(a) R_j(b) R_k(c)``, for an ``order`` of three axes.

    The first has ``|b| <= pi/2``, the second is ``(a + pi, pi - b, c + pi)``.
    """
    i, j, k = (AXES[axis] for axis in order)
    sign = 1 if (j - i) % 3 == 1 else -1
    a = jnp.arctan2(-sign * matrix[..., j, k], matrix[..., k, k])
    b = jnp.arcsin(jnp.clip(sign * matrix[..., i, k], -1, 1))
    c = jnp.arctan2(-sign * matrix[..., i, j], matrix[..., i, i])
    pi = jnp.asarray(jnp.pi, matrix.dtype)
    return jnp.stack([a, b, c], -1), jnp.stack([a + pi, pi - b, c + pi], -1)


def from_euler(angles: Array, order: str) -> Array:
    """``R_i(a) R_j(b) R_k(c)`` for intrinsic angles [..., 3]: [..., 3, 3]."""
    a, b, c = (about_axis(axis, angles[..., n]) for n, axis in enumerate(order))
    return a @ b @ c


def heading(matrix: Array) -> Array:
    """Yaw [...] (rad) about the vertical z at which a body's left-pointing y axis is seen from above.

    The lateral axis stays level through bows, rolls and somersaults, where a forward axis would not; only a body that
    lies on its side has no heading.
    """
    return jnp.arctan2(-matrix[..., 0, 1], matrix[..., 1, 1])
