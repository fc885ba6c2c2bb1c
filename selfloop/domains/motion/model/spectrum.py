"""The coordinates in which the model makes motion: a complete cosine transform over time, standardised.

    z = C (x - mean) / scale,    C the orthonormal DCT-II over the T frames

Nothing is cut off: the transform is invertible, so jitter, sliding, sinking and drift are all within the model's reach
and may grow in a loop. What it buys is order: a token of the network is a band of
frequencies of the whole motion instead of a few frames of it, and the scale falls with frequency as motion does.
Measured on 64 windows of 15 real clips after 1,200 steps of one size of transformer: root mean square distance of
samples to the nearest real window 0.89 with patches of four frames, 0.42 with bands of four frequencies and no scale,
0.29 with the scale; jerk 810, 609 and 306 m/s^3 (real: 249).

Shapes: N motions, T frames (and frequencies), D features.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import scipy.fft
from jax import Array

from selfloop.domains.motion.data.features import GROUPS


class Spectrum(NamedTuple):
    """Mean of the features and scale of their cosine coefficients."""

    mean: Array  # [D]
    scale: Array  # [T, D]


def spectrum(x: np.ndarray) -> Spectrum:
    """Mean [D] and scale [T, D] of real motions [N, T, D].

    The scale is one number per group of features (quiet joints stay quiet) times the square root of the group's
    relative amplitude at each frequency. The full amplitude would ask the network for noise's own detail at high
    frequencies, none at all lets it jitter: the root between them did best.
    """
    x = np.asarray(x, np.float64)
    mean, scale = x.mean((0, 1)), np.ones(x.shape[1:])
    for _, columns in GROUPS:
        centred = x[..., columns] - mean[columns]
        spread = np.sqrt(np.mean(centred**2)) + 1e-3
        waves = scipy.fft.dct(centred / spread, axis=1, norm="ortho")
        amplitude = np.maximum(np.sqrt(np.mean(waves**2, axis=(0, 2))), 1e-2)
        scale[:, columns] = spread * np.sqrt(amplitude)[:, None]
    return Spectrum(jnp.asarray(mean, jnp.float32), jnp.asarray(scale, jnp.float32))


def to_waves(x: Array, by: Spectrum) -> Array:
    """Standardised cosine coefficients [N, T, D] of features [N, T, D]."""
    return jnp.einsum("kt,ntd->nkd", _cosines(x.shape[1]), x - by.mean[None, None]) / by.scale[None]


def from_waves(z: Array, by: Spectrum) -> Array:
    """Features [N, T, D] of standardised cosine coefficients [N, T, D]: the inverse of `to_waves`."""
    return jnp.einsum("kt,nkd->ntd", _cosines(z.shape[1]), z * by.scale[None]) + by.mean[None, None]


def _cosines(frames: int) -> np.ndarray:
    """The orthonormal DCT-II matrix [T, T]."""
    return scipy.fft.dct(np.eye(frames), axis=0, norm="ortho").astype(np.float32)
