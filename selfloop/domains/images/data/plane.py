"""Points in the plane: eight Gaussians on a circle, alike or not in weight, and two moons. Shapes: N points, C centres.

A point is an image of one row and two columns, so that models and the loop treat both alike.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

UNEQUAL = (0.3, 0.2, 0.15, 0.12, 0.1, 0.07, 0.04, 0.02)
"""Weights of the eight Gaussians where they differ: two of them are rare."""
RADIUS, GAUSSIAN_WIDTH = 2.0, 0.15
MOON, MOON_WIDTH = 1.5, 0.08
CURVE = 200
"""Points that stand for the two curves of the moons."""


class Plane(NamedTuple):
    """A law in the plane."""

    draw: Callable[[Array, int], Array]
    """``draw(key, N)``: points [N, 1, 2]."""
    centres: np.ndarray
    """What it lies about [C, 2], by classes in turn."""
    classes: int
    width: float
    """Standard deviation about the nearest centre, along each of ``spread`` directions."""
    spread: int


def _circle() -> np.ndarray:
    angle = np.arange(8) * np.pi / 4
    return RADIUS * np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)


def _moon(angle: Array, second: Array) -> Array:
    """The points [N, 2] of two half circles at angles [N] from 0 to pi."""
    one = jnp.stack([jnp.cos(angle), jnp.sin(angle)], -1)
    other = jnp.stack([1 - jnp.cos(angle), 0.5 - jnp.sin(angle)], -1)
    return MOON * (jnp.where(second[:, None], other, one) - jnp.array([[0.5, 0.25]], angle.dtype))


def _gaussians(key: Array, count: int) -> Array:
    key_mode, key_noise = jax.random.split(key)
    centre = jnp.asarray(_circle())[jax.random.randint(key_mode, (count,), 0, 8)]
    return (centre + GAUSSIAN_WIDTH * jax.random.normal(key_noise, (count, 2)))[:, None]


def _unequal(key: Array, count: int) -> Array:
    key_mode, key_noise = jax.random.split(key)
    centre = jnp.asarray(_circle())[jax.random.choice(key_mode, 8, (count,), p=jnp.asarray(UNEQUAL))]
    return (centre + GAUSSIAN_WIDTH * jax.random.normal(key_noise, (count, 2)))[:, None]


def _moons(key: Array, count: int) -> Array:
    key_moon, key_angle, key_noise = jax.random.split(key, 3)
    angle = jnp.pi * jax.random.uniform(key_angle, (count,))
    points = _moon(angle, jax.random.bernoulli(key_moon, 0.5, (count,)))
    return (points + MOON_WIDTH * jax.random.normal(key_noise, (count, 2)))[:, None]


def _curves() -> np.ndarray:
    angle = jnp.repeat(jnp.linspace(0, jnp.pi, CURVE // 2), 2)
    return np.asarray(_moon(angle, jnp.arange(CURVE) % 2 == 1))


PLANES: dict[str, Callable[[], Plane]] = {
    "gaussians": lambda: Plane(_gaussians, _circle(), 8, GAUSSIAN_WIDTH, 2),
    "unequal": lambda: Plane(_unequal, _circle(), 8, GAUSSIAN_WIDTH, 2),
    "moons": lambda: Plane(_moons, _curves(), 2, MOON_WIDTH, 1),
}
"""Laws of the plane by name."""
