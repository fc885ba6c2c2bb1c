"""Gaussian mixtures as populations, in NumPy float64: what the corrector should do to them, exactly.

Letters: K components, d dimensions, N points, F functions; tau = 1 / (1 + gamma).
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import logsumexp, ndtr


class Mixture(NamedTuple):
    """sum_k weights_k N(means_k, covariances_k)."""

    weights: np.ndarray  # [K], of sum 1
    means: np.ndarray  # [K, d]
    covariances: np.ndarray  # [K, d, d]


def share_kept(gamma: float) -> float:
    """tau = 1 / (1 + gamma)."""
    return 1 / (1 + gamma)


def combined(gamma: float, other: float) -> float:
    """The strength of two corrections, one after the other: gamma + other + gamma other."""
    return (1 + gamma) * (1 + other) - 1


def corrected(law: Mixture, target: Mixture, gamma: float) -> Mixture:
    """pi_gamma law = tau law + (1 - tau) target, which is a mixture again; gamma may be infinite."""
    tau = share_kept(gamma)
    weights = np.concatenate([tau * law.weights, (1 - tau) * target.weights])
    return Mixture(weights, *(np.concatenate([getattr(law, k), getattr(target, k)]) for k in Mixture._fields[1:]))


def geodesic_law(law: Mixture, target: Mixture, gamma: float) -> Mixture:
    """The point at share 1 - tau of the W2 geodesic between two single Gaussians: N(tau mu + (1 - tau) mu*, M S M)."""
    tau, eye = share_kept(gamma), np.eye(law.means.shape[1])
    root = sqrt_psd(law.covariances[0])
    back = np.linalg.inv(root)
    move = tau * eye + (1 - tau) * back @ sqrt_psd(root @ target.covariances[0] @ root) @ back
    between = tau * law.means + (1 - tau) * target.means
    return Mixture(np.ones(1), between, (move @ law.covariances[0] @ move)[None])


def gaussian_w2(law: Mixture, other: Mixture) -> float:
    """W2 of two single Gaussians: |m - m'|^2 + tr (S + S' - 2 (S^(1/2) S' S^(1/2))^(1/2)), under the root."""
    root = sqrt_psd(law.covariances[0])
    cross = sqrt_psd(root @ other.covariances[0] @ root)
    square = np.sum((law.means - other.means) ** 2) + np.trace(law.covariances[0] + other.covariances[0] - 2 * cross)
    return float(np.sqrt(max(square, 0.0)))


def sqrt_psd(matrix: np.ndarray) -> np.ndarray:
    """The symmetric root of a positive semi-definite matrix [d, d]."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def draw_from(law: Mixture) -> Callable[[jax.Array, int], jax.Array]:
    """``draw(key, N)``: N independent points [N, d], in JAX's default precision."""
    absent = -len(law.weights) % 4  # so that mixtures of 1 to 4 components share a compiled program
    shares = np.pad(law.weights, (0, absent))
    means = np.pad(law.means, ((0, absent), (0, 0)))
    roots = np.pad(np.linalg.cholesky(law.covariances), ((0, absent), (0, 0), (0, 0)))
    return lambda key, n: _draw(key, *(jnp.asarray(part, float) for part in (shares, means, roots)), n)


@partial(jax.jit, static_argnums=4)
def _draw(key: jax.Array, shares: jax.Array, means: jax.Array, roots: jax.Array, n: int) -> jax.Array:
    key_component, key_noise = jax.random.split(key)
    k = jax.random.choice(key_component, len(shares), (n,), p=shares)
    noise = jax.random.normal(key_noise, (n, means.shape[1]), means.dtype)
    return means[k] + jnp.einsum("nij,nj->ni", roots[k], noise)


def mean(law: Mixture) -> np.ndarray:
    """E x [d]."""
    return law.weights @ law.means


def covariance(law: Mixture) -> np.ndarray:
    """Cov x [d, d], by the law of total variance."""
    offset = law.means - mean(law)[None]
    return np.einsum("k,kij->ij", law.weights, law.covariances + offset[:, :, None] * offset[:, None])


def log_density(law: Mixture, x: np.ndarray) -> np.ndarray:
    """log p(x) [N] at points [N, d]; finite where the density itself would be rounded to 0."""
    offset = x[:, None] - law.means[None]
    square = np.einsum("nki,kij,nkj->nk", offset, np.linalg.inv(law.covariances), offset)
    volume = np.linalg.slogdet(2 * np.pi * law.covariances)[1]
    return logsumexp(-(square + volume[None]) / 2, axis=1, b=law.weights[None])


def project(law: Mixture, direction: np.ndarray) -> Mixture:
    """The law of the coordinate along a direction [d], a mixture on the line."""
    spread = np.einsum("i,kij,j->k", direction, law.covariances, direction)
    return Mixture(law.weights, (law.means @ direction)[:, None], spread[:, None, None])


def overlap(law: Mixture, other: Mixture, bandwidth: float = 0.0) -> float:
    """E N(x - y; 0, h^2 I) for independent x of one law and y of the other; at h = 0 the integral of p q."""
    offset = law.means[:, None] - other.means[None]
    spread = law.covariances[:, None] + other.covariances[None] + bandwidth**2 * np.eye(offset.shape[-1])
    square = np.einsum("kli,klij,klj->kl", offset, np.linalg.inv(spread), offset)
    density = np.exp(-(square + np.linalg.slogdet(2 * np.pi * spread)[1]) / 2)
    return float(law.weights @ density @ other.weights)


def wave(law: Mixture, frequency: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """E cos(frequency . x + phase) [F], for frequencies [F, d] and phases [F]."""
    damping = np.exp(-np.einsum("fi,kij,fj->fk", frequency, law.covariances, frequency) / 2)
    return (damping * np.cos(frequency @ law.means.T + phase[:, None])) @ law.weights


def below(law: Mixture, direction: np.ndarray, level: np.ndarray) -> np.ndarray:
    """P(direction . x <= level) [F], for directions [F, d] and levels [F]."""
    spread = np.sqrt(np.einsum("fi,kij,fj->fk", direction, law.covariances, direction))
    return ndtr((level[:, None] - direction @ law.means.T) / spread) @ law.weights
