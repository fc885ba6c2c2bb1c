"""Motions made by hand, whose feet are known to stand, to swing or to fly; FRAMES frames at 20 fps."""

import jax
import jax.numpy as jnp
import numpy as np

from selfloop.batch import Batch
from selfloop.domains.motion.data import features, skeleton
from selfloop.domains.motion.data.skeleton import LEG_HEIGHT, SKELETON, Motion, Q
from selfloop.domains.motion.physics import corrector
from selfloop.domains.motion.physics.leg_ik import reach
from selfloop.domains.motion.physics.reference import Reference

FRAMES, CHUNK = 24, 8
THIGH = 0.41
NAMES = [f"{joint.name}_{axis}" for joint in SKELETON for axis in joint.order]
"""The joint coordinates."""


# Compiled, for hypothesis draws many motions.
coordinates = jax.jit(skeleton.coordinates)
from_coordinates = jax.jit(skeleton.from_coordinates)
encode, decode = jax.jit(features.encode), jax.jit(features.decode)
moved = jax.jit(reach, static_argnames="side")


def posed(root, frames=FRAMES, **angles) -> Motion:
    """An upright figure, its pelvis at ``root`` [T, 3] or [3] (m), the named coordinates [T] or [] (rad), others 0."""
    table = np.zeros((frames, Q), np.float32)
    for name, angle in angles.items():
        table[:, NAMES.index(name)] = angle
    local = from_coordinates(table)
    pelvis = np.broadcast_to(np.eye(3, dtype=np.float32), (frames, 1, 3, 3))
    place = np.broadcast_to(np.asarray(root, np.float32), (frames, 3))
    return Motion(jnp.asarray(place), jnp.concatenate([pelvis, local], 1))


def crouched(bend, frames=FRAMES) -> Motion:
    """Knees bent by twice ``bend`` [T] or [] (rad) over flat, still feet: thigh and shin are equally long."""
    legs = {"hip_y": -1, "knee_y": 2, "ankle_y": -1}
    angles = {f"{side}_{hinge}": share * bend for side in ("left", "right") for hinge, share in legs.items()}
    root = np.zeros((frames, 3))
    root[:, 2] = LEG_HEIGHT - 2 * THIGH * (1 - np.cos(bend))
    return posed(root, frames, **angles)


def squat(depth=0.4, turns=1.0, frames=FRAMES) -> Motion:
    """Knee bends down to ``depth`` (rad), ``turns`` of them."""
    return crouched(0.5 * depth * (1 - np.cos(2 * np.pi * turns * np.arange(frames) / frames)), frames)


def walk(speed=0.8, stride=0.6, lift=0.1, frames=FRAMES) -> Motion:
    """Steps of flat feet: each stands for 0.6 of a stride's time, so that both do for a tenth; ``speed`` in m/s."""
    time = np.arange(frames) / 20
    root = np.stack([speed * time, 0 * time, np.full(frames, LEG_HEIGHT - 0.06)], -1)
    motion = posed(root, frames)
    beat = speed * time / stride
    for side, y, late in (("left", 0.085, 0.0), ("right", -0.085, 0.5)):
        round_, share = np.divmod(beat + late, 1.0)
        swing = np.clip((share - 0.6) / 0.4, 0, 1)
        x = stride * (round_ - late + 0.3 + swing**2 * (3 - 2 * swing))
        goal = np.stack([x, np.full(frames, y), LEG_HEIGHT - 2 * THIGH + lift * np.sin(np.pi * swing)], -1)
        motion = moved(motion, side, jnp.asarray(goal, jnp.float32))
    return motion


def jump(flight=0.4, frames=FRAMES) -> Motion:
    """A stiff figure in free flight for ``flight`` seconds about the middle."""
    time = (np.arange(frames) - frames // 2) / 20 / (flight / 2)
    root = np.zeros((frames, 3))
    root[:, 2] = LEG_HEIGHT + np.where(np.abs(time) < 1, 9.81 * flight**2 / 8 * (1 - time**2), 0)
    return posed(root, frames)


def shaken(motion: Motion, seed: int, angle: float, place: float = 0.0) -> Motion:
    """White noise on every joint coordinate (rad) and on the pelvis' place (m)."""
    random = np.random.default_rng(seed)
    angles = coordinates(motion.rotations)
    angles = angles + angle * random.normal(size=angles.shape).astype(np.float32)
    root = motion.root + place * random.normal(size=motion.root.shape).astype(np.float32)
    turns = jnp.concatenate([motion.rotations[:, :1], from_coordinates(angles)], 1)
    return Motion(root, turns)


def batch_of(x, length=None) -> Batch:
    """Features [N, T, D] as a batch of weight 1."""
    count, frames = np.shape(x)[:2]
    length = np.broadcast_to(frames if length is None else length, count)
    cond = {"label": jnp.zeros(count, jnp.int32), "length": jnp.asarray(length, jnp.int32)}
    return Batch(jnp.asarray(x, jnp.float32), jnp.ones(count, jnp.float32), cond)


def encoded(*motions: Motion) -> np.ndarray:
    """Features [N, T, D]."""
    return np.stack([np.asarray(encode(motion)) for motion in motions])


def joints(x) -> np.ndarray:
    """World places of the joints [N, T, J, 3] (m) of features."""
    return np.asarray(places(decode(jnp.asarray(x))))


def prepared(x, length=FRAMES) -> Reference:
    """References of up to CHUNK motions, by the corrector's own program: compiled once for all tests."""
    fill = np.zeros(CHUNK - len(x), int)
    rows = np.concatenate([np.arange(len(x)), fill])
    lengths = np.broadcast_to(np.asarray(length, np.int32), len(x))[rows]
    result = corrector._prepare(np.asarray(x, np.float32)[rows], lengths, corrector.SUBSTEPS)
    return jax.tree.map(lambda leaf: np.asarray(leaf)[: len(x)], result)


@jax.jit
def places(motion: Motion) -> jax.Array:
    """World places of the joints [..., J, 3] (m)."""
    return skeleton.forward(motion)[0]
