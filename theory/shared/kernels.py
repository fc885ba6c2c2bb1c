"""Reversible kernels with exact spectra: Metropolis-adjusted Langevin on a grid, and Ornstein-Uhlenbeck's corrector.

Letters: G grid points, k steps, N samples.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch
from selfloop.correctors.fallback import fallback
from selfloop.correctors.strength import report
from selfloop.protocols import Corrector

H = {"double well": 0.3, "Ornstein-Uhlenbeck": 0.5}
"""Step sizes of the kernels on a grid: a long one is refused for ever on steep walls."""


class Kernel(NamedTuple):
    """A reversible kernel on a grid, with its spectrum."""

    x: np.ndarray  # [G]
    law: np.ndarray  # p* [G]
    matrix: np.ndarray  # P [G, G], rows of sum 1
    kappa: np.ndarray  # [G], 1 first
    modes: np.ndarray  # f_i [G, G], a row a mode, orthonormal in L2(p*)


LOG_DENSITIES: dict[str, Callable[[Any], Any]] = {
    "double well": lambda x: -1.5 * (x**2 - 1) ** 2 + 0.3 * x,
    "Ornstein-Uhlenbeck": lambda x: -(x**2) / 2,
}
"""log p*(x), of NumPy and JAX arrays alike; the wells differ in depth."""
SLOPES: dict[str, Callable[[Any], Any]] = {
    "double well": lambda x: -6 * x * (x**2 - 1) + 0.3,
    "Ornstein-Uhlenbeck": lambda x: -x,
}


@cache
def kernel(name: str, size: int = 240) -> Kernel:
    """MALA between the points of a grid: exactly reversible there, the real kernel's up to the grid's spacing."""
    h, x = H[name], np.linspace(-2.2, 2.2, size) if name == "double well" else np.linspace(-6, 6, size)
    logp = LOG_DENSITIES[name](x)
    law = np.exp(logp - logp.max())
    law /= law.sum()
    ahead = x + h**2 / 2 * SLOPES[name](x)
    offer = np.exp(-((x[None] - ahead[:, None]) ** 2) / (2 * h**2)) * (x[1] - x[0]) / np.sqrt(2 * np.pi) / h
    flow = law[:, None] * offer
    matrix = np.minimum(flow, flow.T) / law[:, None]
    np.fill_diagonal(matrix, 0)
    np.fill_diagonal(matrix, 1 - matrix.sum(1))
    root = np.sqrt(law)
    kappa, vectors = np.linalg.eigh(root[:, None] * (matrix + law[None] * matrix.T / law[:, None]) / 2 / root[None])
    order = np.argsort(-abs(kappa))
    return Kernel(x, law, matrix, kappa[order], (vectors[:, order] / root[:, None]).T)


def after(law: np.ndarray, on: Kernel, k: int) -> np.ndarray:
    """p P^k [G]."""
    for _ in range(k):
        law = law @ on.matrix
    return law


def random_laws(on: Kernel, count: int) -> list[np.ndarray]:
    """Laws whose densities against p* are smooth, positive and of all modes."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(count):
        centre, width = rng.uniform(on.x[0] / 2, on.x[-1] / 2), rng.uniform(0.3, 1)
        bump = np.exp(-((on.x - centre) ** 2) / (2 * width**2))
        law = on.law * (rng.uniform(0.05, 0.5) + bump)
        found.append(law / law.sum())
    return found


def ornstein_uhlenbeck(kappa: Array | float, k: Array | float) -> Corrector:
    """k steps x -> kappa x + sqrt(1 - kappa^2) xi, exactly, of the kernel that N(0, I) is reversible under."""

    @fallback
    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        left = jnp.asarray(kappa, batch.x.dtype) ** jnp.asarray(k, batch.x.dtype)
        x = left * batch.x + jnp.sqrt(1 - left**2) * jax.random.normal(key, batch.x.shape, batch.x.dtype)
        return batch._replace(x=x), report(batch, x)

    return correct
