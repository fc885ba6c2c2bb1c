"""Quaternions on the host, in numpy: ``[..., 4]`` as wxyz, for reading and retargeting clips of any length.

Clips differ in length, and JAX compiles every operation anew for every shape; what is done once a clip stays in numpy.
Arrays broadcast over their leading axes; results keep the dtype of the input.
"""

import numpy as np

IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])


def multiply(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """The product p q [..., 4]: first q, then p."""
    pw, px, py, pz = np.moveaxis(p, -1, 0)
    qw, qx, qy, qz = np.moveaxis(q, -1, 0)
    return np.stack(
        [
            pw * qw - px * qx - py * qy - pz * qz,
            pw * qx + px * qw + py * qz - pz * qy,
            pw * qy - px * qz + py * qw + pz * qx,
            pw * qz + px * qy - py * qx + pz * qw,
        ],
        -1,
    )


def conjugate(q: np.ndarray) -> np.ndarray:
    """The inverse of a unit quaternion."""
    return q * np.array([1, -1, -1, -1], q.dtype)


def rotate(q: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The vectors ``v`` [..., 3] turned by unit quaternions ``q`` [..., 4]."""
    w, u = q[..., :1], q[..., 1:]
    t = 2 * np.cross(u, v)
    return v + w * t + np.cross(u, t)


def about_axis(axis: str, angle: np.ndarray) -> np.ndarray:
    """The turn by ``angle`` [...] (rad) about a coordinate axis: [..., 4]."""
    angle = np.asarray(angle)
    q = np.zeros((*angle.shape, 4), angle.dtype)
    q[..., 0] = np.cos(angle / 2)
    q[..., 1 + "xyz".index(axis)] = np.sin(angle / 2)
    return q


def hinge_angle(q: np.ndarray, axis: str) -> np.ndarray:
    """The turn [...] (rad, in (-pi, pi]) about ``axis`` that is nearest to the rotation ``q``: its twist."""
    half = np.arctan2(q[..., 1 + "xyz".index(axis)], q[..., 0])
    return np.remainder(2 * half + np.pi, 2 * np.pi) - np.pi


def heading(q: np.ndarray) -> np.ndarray:
    """Yaw [...] (rad) of the y axis seen from above, as `rotations.heading`."""
    w, x, y, z = np.moveaxis(q, -1, 0)
    return np.arctan2(-2 * (x * y - w * z), 1 - 2 * (x * x + z * z))


def to_matrix(q: np.ndarray) -> np.ndarray:
    """Matrix [..., 3, 3] of unit quaternions: its columns are the turned coordinate axes."""
    return np.stack([rotate(q, axis) for axis in np.eye(3, dtype=q.dtype)], -1)


def from_matrix(matrix: np.ndarray) -> np.ndarray:
    """Unit quaternions [..., 4] of rotation matrices [..., 3, 3]."""
    m = np.moveaxis(matrix, (-2, -1), (0, 1))
    # The row 4 q_i q with the largest q_i is the well conditioned one (Shepperd's method).
    rows = np.stack(
        [
            [1 + m[0, 0] + m[1, 1] + m[2, 2], m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]],
            [m[2, 1] - m[1, 2], 1 + m[0, 0] - m[1, 1] - m[2, 2], m[0, 1] + m[1, 0], m[0, 2] + m[2, 0]],
            [m[0, 2] - m[2, 0], m[0, 1] + m[1, 0], 1 - m[0, 0] + m[1, 1] - m[2, 2], m[1, 2] + m[2, 1]],
            [m[1, 0] - m[0, 1], m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], 1 - m[0, 0] - m[1, 1] + m[2, 2]],
        ]
    )
    rows = np.moveaxis(rows, (0, 1), (-2, -1))
    best = np.argmax(np.diagonal(rows, axis1=-2, axis2=-1), -1)
    return unit(np.take_along_axis(rows, best[..., None, None], -2)[..., 0, :])


def unit(q: np.ndarray) -> np.ndarray:
    """``q`` scaled to length one."""
    return q / np.linalg.norm(q, axis=-1, keepdims=True)


def slerp(p: np.ndarray, q: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The rotation a share ``t`` [...] (0 to 1) of the shorter way from ``p`` to ``q`` [..., 4]."""
    dot = np.sum(p * q, -1, keepdims=True)
    q = np.where(dot < 0, -q, q)
    angle = np.arccos(np.clip(np.abs(dot), 0, 1))
    t = np.asarray(t, p.dtype)[..., None]
    # Under 1e-3 rad the sines lose precision and the straight line is the same to 1e-7.
    near = angle < 1e-3
    sine = np.where(near, 1, np.sin(angle))
    a = np.where(near, 1 - t, np.sin((1 - t) * angle) / sine)
    b = np.where(near, t, np.sin(t * angle) / sine)
    return unit(a * p + b * q)
