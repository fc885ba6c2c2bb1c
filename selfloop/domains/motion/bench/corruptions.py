"""Paired corruptions of real motion: known damage to a known clean motion.

Each is a function ``corrupt(key, x, length) -> x`` of features [N, T, D], of which the first ``length`` [N] frames
count; beyond them the last pose stands still. The key is consumed; each motion draws from its own. Place and heading of
the first frame are no features, so that a corruption cannot change them.
Shapes: N motions, T frames at 20 fps, D = 64 features, Q = 30 joint coordinates.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.domains.motion.data import features, rotations, skeleton
from selfloop.domains.motion.data.features import FPS
from selfloop.domains.motion.data.skeleton import LIMITS, SKELETON, Motion, Q
from selfloop.domains.motion.physics.reference import lowpass

Corruption = Callable[[Array, Array, Array], Array]
Change = Callable[[Array, Motion, Array], Motion]
"""What is done to one motion: root [T, 3] (m), rotations [T, J, 3, 3], its length a scalar."""

BEYOND = 0.5
"""How far (rad) `limits` pushes a joint coordinate over its limit."""
PUSHED = 6
"""Joint coordinates that `push_limits` pushes."""


def corruption(*changes: Change) -> Corruption:
    """The corruption that makes these changes one after the other, each with its own key."""

    def one(key: Array, x: Array, length: Array) -> Array:
        motion = features.decode(x)
        for change, own in zip(changes, jax.random.split(key, max(len(changes), 1)), strict=False):
            motion = change(own, motion, length)
        return features.hold(features.encode(motion), length)

    @jax.jit
    def corrupt(key: Array, x: Array, length: Array) -> Array:
        return jax.vmap(one)(jax.random.split(key, x.shape[0]), x, length)

    return corrupt


def lift(height: float) -> Change:
    """The whole motion higher by ``height`` (m)."""
    return partial(_raise, lambda seconds, whole: jnp.full_like(seconds, height))


def rise(height: float) -> Change:
    """Height gained at a steady pace, from 0 in the first frame to ``height`` (m) in the last."""
    return partial(_raise, lambda seconds, whole: height * seconds / whole)


def bob(height: float, rate: float) -> Change:
    """Up and down by ``height sin(2 pi rate t)`` (m), ``rate`` in Hz, t in seconds from the first frame."""
    return partial(_raise, lambda seconds, whole: height * jnp.sin(2 * np.pi * rate * seconds))


def _raise(curve: Callable[[Array, Array], Array], key: Array, motion: Motion, length: Array) -> Motion:
    seconds, whole = _clock(motion, length)
    return motion._replace(root=motion.root.at[:, 2].add(curve(seconds, whole)))


def drift(distance: float) -> Change:
    """Horizontal drift at a steady pace in a random direction, by ``distance`` (m) at the last frame."""

    def change(key: Array, motion: Motion, length: Array) -> Motion:
        seconds, whole = _clock(motion, length)
        angle = jax.random.uniform(key, (), maxval=2 * np.pi)
        way = distance * jnp.stack([jnp.cos(angle), jnp.sin(angle)])
        return motion._replace(root=motion.root.at[:, :2].add((seconds / whole)[:, None] * way[None]))

    return change


def travel(factor: float) -> Change:
    """All horizontal travel times ``factor``, the poses as they were: the feet skate."""

    def change(key: Array, motion: Motion, length: Array) -> Motion:
        return motion._replace(root=motion.root * jnp.array([[factor, factor, 1.0]], jnp.float32))

    return change


def jitter(size: float) -> Change:
    """White noise of standard deviation ``size`` (rad) on every joint coordinate of every frame."""

    def change(key: Array, motion: Motion, length: Array) -> Motion:
        return _bent(motion, size * jax.random.normal(key, (motion.root.shape[0], Q)))

    return change


def pose_noise(size: float) -> Change:
    """A constant error of every joint coordinate, of standard deviation ``size`` (rad) over coordinates and motions."""

    def change(key: Array, motion: Motion, length: Array) -> Motion:
        return _bent(motion, size * jax.random.normal(key, (1, Q)))

    return change


def _pushable() -> np.ndarray:
    """Coordinates [.] that may leave their limits and still be read: no shoulder, no middle angle near 90 degrees."""
    of = [(joint.name, i) for joint in SKELETON[1:] for i in range(len(joint.order))]
    middle = np.array([i == 1 for _, i in of])
    wide = np.abs(LIMITS).max(1) + BEYOND > np.radians(85)
    shoulder = np.array(["shoulder" in name for name, _ in of])
    return np.flatnonzero(~shoulder & ~(middle & wide))


def push_limits(key: Array, motion: Motion, length: Array) -> Motion:
    """`PUSHED` joint coordinates shifted by a constant each, until the farthest frame lies `BEYOND` outside its limit.

    They are those of a random half of all that come nearest to a limit, and go over that one.
    """
    angles = skeleton.coordinates(motion.rotations)
    counts = features.valid(length, len(angles))[:, None]
    below = jnp.where(counts, angles, jnp.inf).min(0) - LIMITS[:, 0]
    above = LIMITS[:, 1] - jnp.where(counts, angles, -jnp.inf).max(0)
    push = jnp.where(below < above, -below - BEYOND, above + BEYOND)
    places = _pushable()
    half = jax.random.choice(key, jnp.asarray(places), (len(places) // 2,), replace=False)
    chosen = half[jnp.argsort(jnp.minimum(below, above)[half])[:PUSHED]]
    return _bent(motion, jnp.zeros_like(push).at[chosen].set(push[chosen])[None])


def over_smooth(sigma: float) -> Change:
    """Gaussian means over time of the root's path and of all rotations, of standard deviation ``sigma`` (frames).

    At both ends the signal goes on point-symmetrically, so that a steady movement keeps its pace.
    """

    def change(key: Array, motion: Motion, length: Array) -> Motion:
        turns = rotations.from_six(lowpass(rotations.to_six(motion.rotations), length, sigma))
        return Motion(lowpass(motion.root, length, sigma), turns)

    return change


def time_warp(share: float) -> Change:
    """The same motion at a pace of ``1 + share cos(2 pi t / t_last + phase)``, of random phase; it ends when it did.

    Frames are read in between by straight lines, rotations by their first two columns.
    """

    def change(key: Array, motion: Motion, length: Array) -> Motion:
        frames, last = motion.root.shape[0], jnp.maximum(length - 1, 1).astype(jnp.float32)
        phase = jax.random.uniform(key, (), maxval=2 * np.pi)
        t = jnp.minimum(jnp.arange(frames).astype(jnp.float32), last)
        turn = 2 * np.pi * t / last
        at = jnp.clip(t + share * last / (2 * np.pi) * (jnp.sin(turn + phase) - jnp.sin(phase)), 0, last)
        first = jnp.clip(at.astype(jnp.int32), 0, jnp.maximum(length - 2, 0))
        part = at - first.astype(jnp.float32)

        def read(values: Array) -> Array:
            weight = part.reshape(-1, *[1] * (values.ndim - 1))
            return (1 - weight) * values[first] + weight * values[first + 1]

        return Motion(read(motion.root), rotations.from_six(read(rotations.to_six(motion.rotations))))

    return change


def _clock(motion: Motion, length: Array) -> tuple[Array, Array]:
    """Time [T] since the first frame, and of the last one that counts (s)."""
    seconds = jnp.arange(motion.root.shape[0]).astype(jnp.float32) / FPS
    return seconds, jnp.maximum(length - 1, 1).astype(jnp.float32) / FPS


def _bent(motion: Motion, by: Array) -> Motion:
    """The motion with ``by`` [T or 1, Q] (rad) added to its joint coordinates."""
    angles = skeleton.coordinates(motion.rotations) + by
    return motion._replace(rotations=motion.rotations.at[:, 1:].set(skeleton.from_coordinates(angles)))


CORRUPTIONS: dict[str, Corruption] = {
    "clean": corruption(),
    "float": corruption(lift(0.1)),
    "sink": corruption(lift(-0.1)),
    "rise": corruption(rise(0.2)),
    "bob": corruption(bob(0.08, 1.0)),
    "jitter": corruption(jitter(0.05)),
    "drift": corruption(drift(0.2)),
    "skate_slow": corruption(travel(0.7)),
    "skate_fast": corruption(travel(1.3)),
    "pose_noise": corruption(pose_noise(0.2)),
    "limits": corruption(push_limits),
    "over_smooth": corruption(over_smooth(FPS / 6)),  # a sixth of a second
    "time_warp": corruption(time_warp(0.25)),
    "mix": corruption(lift(0.05), jitter(0.03), travel(0.8), pose_noise(0.1)),
}
"""Every paired corruption by its name. A new one is one row."""
