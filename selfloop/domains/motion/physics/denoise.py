"""Taking jitter out of a motion, and nothing else: a Wiener filter that measures the noise in the motion itself.

Human movement has little power over some 6 Hz; jitter has as much there as anywhere. So the mean power P of the upper
third of a joint's cosine coefficients estimates the noise's power sigma^2 in each, and coefficient k is kept by

    g_k = S_k / (S_k + sigma^2)        S_k = max(P_k - 2 sigma^2, 0)

with P_k the largest power near k or beyond, for the spectra of movement fall with k. Smooth motion has sigma near 0 and
passes nearly as it is: 60 real windows move by 1.3 mm and at a second pass by .1, where a fixed low-pass that damps
jitter as much moves them by 11 and by 7.

Shapes: T frames, C channels of a group (the coordinates of one joint); one motion, `jax.vmap` for more.
"""

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.domains.motion.data import rotations
from selfloop.domains.motion.data.skeleton import Motion

NEAR = 3
"""Coefficients to either side over which power is averaged."""

CAUTION = 2.0
"""Times the estimated noise that a coefficient's power must exceed to be kept at all."""


def quieted(motion: Motion, length: Array) -> Motion:
    """The motion without its jitter: root [T, 3], rotations [T, J, 3, 3]; the first ``length`` frames count."""
    root = wiener(motion.root, length)
    six = rotations.to_six(motion.rotations)
    return Motion(root, rotations.from_six(jax.vmap(wiener, (1, None), 1)(six, length)))


def wiener(values: Array, length: Array) -> Array:
    """The signal in ``values`` [T, C], whose channels share one noise level; beyond the length its end repeats."""
    frames = len(values)
    at = jnp.minimum(jnp.arange(frames), length - 1)
    counts = (jnp.arange(frames) < length).astype(values.dtype)
    line = _line(values, counts)
    waves = _cosines(frames, length)
    spectrum = waves @ ((values - line) * counts[:, None])
    power = jnp.mean(spectrum**2, -1)
    noise = _upper_third(power, length)
    signal = jnp.maximum(_falling(power, length) - CAUTION * noise, 0)
    kept = signal / jnp.maximum(signal + noise, jnp.finfo(values.dtype).tiny)
    smooth = line + waves.T @ (spectrum * kept[:, None])
    return smooth[at]


def _line(values: Array, counts: Array) -> Array:
    """The straight line [T, C] nearest to the frames that count: what is left has ends that nearly meet."""
    total = counts.sum()
    time = jnp.arange(len(values), dtype=values.dtype)
    time = time - jnp.sum(time * counts) / total
    mean = counts @ values / total
    slope = (time * counts) @ values / jnp.maximum(jnp.sum(time**2 * counts), 1)
    return mean[None] + time[:, None] * slope[None]


def _cosines(frames: int, length: Array) -> Array:
    """The orthonormal cosine basis [T, T] of the first ``length`` frames (rows: frequencies); zeros beyond."""
    order, time = jnp.arange(frames, dtype=jnp.float32), jnp.arange(frames, dtype=jnp.float32)
    size = length.astype(jnp.float32)
    waves = jnp.cos(jnp.pi * order[:, None] * (time[None] + 0.5) / size)
    norm = jnp.where(order == 0, jnp.sqrt(1 / size), jnp.sqrt(2 / size))
    inside = (order < size)[:, None] & (time < size)[None]
    return jnp.where(inside, norm[:, None] * waves, 0)


def _upper_third(power: Array, length: Array) -> Array:
    """Mean power of the upper third of the coefficients."""
    order = jnp.arange(len(power))
    upper = (3 * order >= 2 * length) & (order < length)
    return jnp.where(upper, power, 0).sum() / jnp.maximum(upper.sum(), 1).astype(power.dtype)


def _falling(power: Array, length: Array) -> Array:
    """The largest of the local means of the power [T] from each frequency on."""
    order = jnp.arange(len(power))
    near = (jnp.abs(order[:, None] - order[None]) <= NEAR) & (order < length)[None]
    mean = jnp.where(near, power[None], 0).sum(-1) / jnp.maximum(near.sum(-1), 1).astype(power.dtype)
    return jax.lax.cummax(mean, reverse=True)
