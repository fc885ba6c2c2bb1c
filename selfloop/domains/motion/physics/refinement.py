"""Gradient refinement of physics: what the humanoid is asked to do is improved by descent through the simulation.

The humanoid follows the pre-pass' reference in Brax' spring pipeline by proportional-derivative control of every
joint's rotation, and of the root by the capped residual wrench. What it misses, the mean square distance of its joints
and chain ends from the reference's, is then made smaller by Adam on offsets of the targets, frame by frame, with the
gradient of the simulation itself. Over long times that gradient means nothing (contact makes the motion chaotic), so a
motion is cut in segments, each refined from where the one before it ended; the best iterate counts, the first among
them.

It shows what gradients buy, and is not the corrector of choice: it costs some 400 times as much.

Shapes: N motions, T frames at 20 fps, D = 64 features; J = 15 joints; H frames a segment; S physics steps a frame.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from selfloop.batch import Batch
from selfloop.chunks import in_chunks
from selfloop.correctors.fallback import fallback
from selfloop.domains.motion.correctors.outcome import outcome
from selfloop.domains.motion.data import features, skeleton
from selfloop.domains.motion.data.features import FPS
from selfloop.domains.motion.data.skeleton import TIPS, Motion
from selfloop.domains.motion.physics import spring_tracker, tracker
from selfloop.domains.motion.physics.reference import prepare
from selfloop.domains.motion.physics.residual_wrench import WEIGHT
from selfloop.domains.motion.physics.spring_backend import Bodies, Spring, engine
from selfloop.domains.motion.physics.spring_tracker import Targets
from selfloop.errors import ConfigError

SUBSTEPS = 48
"""Physics steps a frame: 1.04 ms, which stiff joints of light links need."""

HORIZON = 5
"""Frames a segment: a quarter of a second."""

CHUNK = 8
"""Motions that one program corrects at a time."""

EFFORT = 1e-3
"""Price of an offset's square (rad or m), in square metres of tracking error."""

CRUTCH = 2e-4
"""Price of a residual force of the body's weight, squared, or of a torque of that times a metre, in the same unit."""


class Offsets(NamedTuple):
    """What refinement changes: shifts of the root's and turns of the joints' targets, at the frames."""

    root: Array
    """[T, 3], m."""
    turn: Array
    """Rotation vectors [T, J, 3] in the parents' frames, rad."""


class Played(NamedTuple):
    """What a segment became."""

    bodies: Bodies
    """At its frames but the first [H, ...]."""
    wrench: Array
    """Mean squares of the root's force and torque on the way to each of them [H, 2], N^2 and (Nm)^2."""


def gradient_corrector(
    iterations: int = 10, rate: float = 0.003, horizon: int = HORIZON, substeps: int = SUBSTEPS, chunk: int = CHUNK
) -> Callable:
    """A corrector ``correct(key, batch, state) -> (Batch, info)`` for features [N, T, D] with ``cond["length"]`` [N].

    A motion that falls, blows up or is not finite keeps its input (nulls for what is not finite) and gets weight 0.
    ``info`` holds per motion [N]: ``moved`` (mean distance of the joints from where they were, mm), ``failed``,
    ``error_mm`` (mean distance of joints and chain ends from the reference's, what refinement makes smaller),
    ``root_force_share`` and ``root_torque_share`` (rms residual force over the body's weight, rms residual torque over
    the body's weight times 1 m).

    Args:
        iterations: steps of Adam a segment; 0 only tracks.
        rate: Adam's learning rate, rad and m.
        horizon: frames a segment; over half a second gradients already differ from finite differences by their own
            size, over a quarter they serve better.
        substeps: physics steps a frame.
        chunk: motions at a time; a program is compiled for each T (a minute or two), not for each N, rate or
            number of iterations.

    Raises:
        ConfigError: a number is out of range.
    """
    least = {"iterations": 0, "horizon": 1, "substeps": 1, "chunk": 1}
    for name, value in {"iterations": iterations, "horizon": horizon, "substeps": substeps, "chunk": chunk}.items():
        if value < least[name]:
            raise ConfigError(f"{name} = {value} is less than {least[name]}; raise it")
    spring, descend = engine(1 / (FPS * substeps)), compiled(horizon, substeps)

    def some(x: Array, length: Array) -> tuple[Array, dict[str, Array]]:
        plan, sunk = _prepare(x, length)
        played = descend(jnp.int32(iterations), jnp.float32(rate), plan, sunk, length)
        return _finish(length, plan, spring_tracker.to_motion(played.bodies, spring), played.wrench)

    @fallback
    def correct(key: Array, batch: Batch, state: object) -> tuple[Batch, dict[str, Array]]:
        fixed, info = in_chunks(some, chunk, batch.x, jnp.asarray(batch.cond["length"], jnp.int32))
        return outcome(batch, fixed, **info)

    return correct


@functools.cache
def compiled(horizon: int, substeps: int) -> Callable[..., Any]:
    """The jitted ``program(iterations, rate, plan, sunk, length) -> Played`` of C motions: `refine`."""
    body = functools.partial(refine, engine(1 / (FPS * substeps)), horizon)
    return jax.jit(jax.vmap(body, in_axes=(None, None, 0, 0, 0)))


@jax.jit
def _prepare(x: Array, length: Array) -> tuple[Motion, Array]:
    """The references of motions, and how deep their first poses lie in the floor."""

    def one(x: Array, length: Array) -> tuple[Motion, Array]:
        reference = prepare(features.decode(x), length, 1)
        return reference.motion, reference.sunk

    return jax.vmap(one)(x, length)


@jax.jit
def _finish(length: Array, plan: Motion, motion: Motion, wrench: Array) -> tuple[Array, dict[str, Array]]:
    """Corrected features [C, T, D], and what happened to them."""
    counts = features.valid(length, motion.root.shape[1])
    fixed = features.hold(features.encode(motion), length)
    stood = (tracker.stands(motion, plan) | ~counts).all(1)
    missed = _mean(jnp.linalg.norm(points(motion) - points(plan), axis=-1).mean(-1), counts)
    force, torque = (jnp.sqrt(_mean(wrench[:, 1:, i], counts[:, 1:])) / jnp.float32(WEIGHT) for i in range(2))
    info = {"error_mm": 1000 * missed, "root_force_share": force, "root_torque_share": torque, "failed": ~stood}
    return fixed, info


def refine(
    spring: Spring, horizon: int, iterations: Array, rate: Array, plan: Motion, sunk: Array, length: Array
) -> Played:
    """What the humanoid does that follows ``plan`` [T] with refined targets; bodies and wrench at all T frames."""
    frames = len(plan.root)
    spare = -(frames - 1) % horizon
    plan = jax.tree.map(lambda leaf: jnp.concatenate([leaf, jnp.repeat(leaf[-1:], spare, 0)]), plan)
    aim, goal = spring_tracker.targets(plan), points(plan)
    start = spring_tracker.start(spring, plan, sunk)
    none = jax.tree.map(jnp.zeros_like, Offsets(aim.root, aim.turn[..., 1:]))

    def segment(carry: tuple[Bodies, Offsets], first: Array) -> tuple[tuple[Bodies, Offsets], Played]:
        bodies, offsets = carry
        price = functools.partial(loss, spring, aim, goal, length, horizon, bodies, first)
        offsets, played = _descend(price, offsets, first, rate, iterations)
        return (jax.tree.map(lambda leaf: leaf[-1], played.bodies), offsets), played

    _, played = jax.lax.scan(segment, (start, none), jnp.arange(0, frames - 1 + spare, horizon))
    whole = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:])[: frames - 1], played)
    return jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), Played(start, jnp.zeros(2, jnp.float32)), whole)


def loss(
    spring: Spring, aim: Targets, goal: Array, length: Array, horizon: int, bodies: Bodies, first: Array,
    offsets: Offsets,
) -> tuple[Array, Played]:  # fmt: skip
    """Mean square distance (m^2) of joints and ends from ``goal`` [T, P, 3] over a segment, and what was played.

    The price of the offsets, and of the residual wrench that they cost, is added. The segment begins at frame ``first``
    with ``bodies``; differentiable in ``offsets``.
    """
    moved = spring_tracker.shifted(aim, offsets.root, offsets.turn)
    part = jax.tree.map(lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, first, horizon + 1), moved)
    played = Played(*spring_tracker.play(spring, bodies, part))
    wanted = jax.lax.dynamic_slice_in_dim(goal, first + 1, horizon)
    counts = first + 1 + jnp.arange(horizon) < length
    square = jnp.sum((points(spring_tracker.to_motion(played.bodies, spring)) - wanted) ** 2, -1).mean(-1)
    wrench = played.wrench.sum(-1) / jnp.float32(WEIGHT**2)
    effort = sum(jnp.sum(leaf**2) / (leaf[0].size * horizon) for leaf in offsets)
    return jnp.where(counts, square + CRUTCH * wrench, 0).mean() + EFFORT * effort, played


def _descend(price: Callable, offsets: Offsets, first: Array, rate: Array, iterations: Array) -> tuple[Offsets, Played]:
    """The best of the iterates of Adam, of which the first changes nothing, on the offsets after frame ``first``."""
    adam = optax.scale_by_adam(b1=0.8, b2=0.95)
    slope = jax.value_and_grad(price, has_aux=True)

    def step(_: Array, carry: tuple) -> tuple:
        now, moments, best = carry
        (value, played), gradient = slope(now)
        better = value < best[0]  # not where it is no number
        best = jax.tree.map(lambda new, old: jnp.where(better, new, old), (value, now, played), best)
        gradient = jax.tree.map(lambda g: jnp.where(jnp.isfinite(g), g, 0) * _from(first + 1, g), gradient)
        norm = optax.global_norm(gradient)
        gradient = jax.tree.map(lambda g: g / jnp.maximum(norm, jnp.float32(1e-12)), gradient)
        with jax.numpy_dtype_promotion("standard"):  # optax raises a Python float to an integer power
            change, moments = adam.update(gradient, moments)
        return jax.tree.map(lambda o, c: o - rate * c, now, change), moments, best

    _, blank = jax.eval_shape(price, offsets)
    blank = jax.tree.map(lambda leaf: jnp.full(leaf.shape, jnp.nan, leaf.dtype), blank)
    carry = offsets, adam.init(offsets), (jnp.float32(jnp.inf), offsets, blank)
    _, _, (_, offsets, played) = jax.lax.fori_loop(0, iterations + 1, step, carry)
    return offsets, played


def _from(first: Array, like: Array) -> Array:
    """1 at the frames from ``first`` on, 0 before."""
    return (jnp.arange(len(like)) >= first).reshape(-1, *[1] * (like.ndim - 1)).astype(like.dtype)


def points(motion: Motion) -> Array:
    """Joints and chain ends [..., P, 3] of a motion, m."""
    positions, world = skeleton.forward(motion)
    ends = np.array([skeleton.INDEX[name] for name in TIPS])
    reach = np.array(list(TIPS.values()), np.float32)[..., None]
    return jnp.concatenate([positions, positions[..., ends, :] + (world[..., ends, :, :] @ reach)[..., 0]], -2)


def _mean(values: Array, counts: Array) -> Array:
    """Means [C] over the frames that count [C, T], finite whatever the values."""
    kept = counts & jnp.isfinite(values)
    return jnp.where(kept, values, 0).sum(1) / jnp.maximum(kept.sum(1), 1).astype(values.dtype)
