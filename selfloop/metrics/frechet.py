"""The Frechet distance between Gaussians, what FID is in a space of features.

For Gaussians it is the 2-Wasserstein distance (Dowson and Landau, 1982):
``W2^2 = |m_a - m_b|^2 + tr A + tr B - 2 tr (A^(1/2) B A^(1/2))^(1/2)``.

Fitted to samples it is biased upwards: by ``(1/N + 1/M) (F + F (F + 1) / 4)``, to first order in 1/N and 1/M, where
both are the same white Gaussian. Compare only figures of equal sample counts, and print real against real beside them.
Shapes: N, M samples, F features.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike


class Moments(NamedTuple):
    """First two moments of a distribution."""

    mean: Array
    """[F]."""
    covariance: Array
    """[F, F], symmetric and positive semi-definite."""


def moments(x: Array, weight: Array | None = None) -> Moments:
    """Mean and unbiased covariance of samples [N, F].

    Weights [N] >= 0 count as reliabilities: the covariance's divisor is ``V - sum w^2 / V`` with ``V = sum w``, which
    for weights 0 and 1 is the number of present samples less one. Rows of weight 0 may hold anything, NaN too.
    """
    if weight is None:
        weight = jnp.ones(x.shape[0], x.dtype)
    present = (weight > 0)[:, None]
    total = weight.sum()
    mean = jnp.where(present, x, 0).T @ weight / total
    offset = jnp.where(present, x - mean[None], 0)
    covariance = (offset * weight[:, None]).T @ offset / (total - (weight**2).sum() / total)
    return Moments(mean, covariance)


@jax.custom_jvp
def sqrt_psd(matrix: Array) -> Array:
    """The symmetric square root [F, F] of a positive semi-definite matrix, of any rank.

    Its derivative solves ``S dS + dS S = dM``; on the null space, where there is none, it is taken as 0, so that
    gradients are finite everywhere.
    """
    roots, vectors = _root_eigen(matrix)
    return (vectors * roots[None]) @ vectors.T


@sqrt_psd.defjvp
def _sqrt_psd_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    roots, vectors = _root_eigen(primals[0])
    inner = vectors.T @ (tangents[0] + tangents[0].T) @ vectors / 2
    pair = roots[:, None] + roots[None]
    inner = jnp.where(pair > 0, inner / jnp.where(pair > 0, pair, 1), 0)
    return (vectors * roots[None]) @ vectors.T, vectors @ inner @ vectors.T


def _root_eigen(matrix: Array) -> tuple[Array, Array]:
    """Square roots of the eigenvalues, and eigenvectors; what rounding alone can produce counts as 0."""
    values, vectors = _eigh(matrix)
    noise = values[-1] * values.shape[0] * jnp.finfo(values.dtype).eps
    real = values > jnp.maximum(noise, 0)
    return jnp.where(real, jnp.sqrt(jnp.where(real, values, 1)), 0), vectors


@jax.custom_jvp
def nuclear_norm(matrix: Array) -> Array:
    """The sum of the singular values of a matrix [F, F]; its gradient is ``U V^T``, on the null space 0."""
    return _svd(matrix)[1].sum()


@nuclear_norm.defjvp
def _nuclear_norm_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    left, values, right = _svd(primals[0])
    real = values > values[0] * values.shape[0] * jnp.finfo(values.dtype).eps
    return values.sum(), (jnp.where(real[None], left, 0) @ right * tangents[0]).sum()


# One matrix at a time even under `vmap`: on a CPU of few cores jaxlib's batched LAPACK calls wait for threads of the
# pool that they run in, and two at once can wait for each other for ever (seen with jaxlib 0.10.2 on two cores).
_eigh = jax.custom_batching.sequential_vmap(lambda matrix: tuple(jnp.linalg.eigh(matrix)))
_svd = jax.custom_batching.sequential_vmap(lambda matrix: tuple(jnp.linalg.svd(matrix)))


def squared_frechet(a: Moments, b: Moments) -> Array:
    """Squared Frechet distance (squared W2) between two Gaussians, a scalar in squared units of the features.

    The cross term is the sum of the singular values of ``A^(1/2) B^(1/2)``, which keeps full precision where the
    covariances are singular (N < F) and the textbook root of their product does not.
    """
    mean, covariance = frechet_parts(a, b)
    return mean + covariance


def frechet_parts(a: Moments, b: Moments) -> tuple[Array, Array]:
    """The two scalars that `squared_frechet` is the sum of: ``|m_a - m_b|^2``, and what the covariances differ by."""
    cross = nuclear_norm(sqrt_psd(a.covariance) @ sqrt_psd(b.covariance))
    covariance = jnp.trace(a.covariance) + jnp.trace(b.covariance) - 2 * cross
    return ((a.mean - b.mean) ** 2).sum(), jnp.maximum(covariance, 0)


def gaussian_w2(mean_a: ArrayLike, covariance_a: ArrayLike, mean_b: ArrayLike, covariance_b: ArrayLike) -> Array:
    """The 2-Wasserstein distance between N(mean_a, covariance_a) and N(mean_b, covariance_b), in the features' unit."""
    a = Moments(jnp.asarray(mean_a), jnp.asarray(covariance_a))
    return jnp.sqrt(squared_frechet(a, Moments(jnp.asarray(mean_b), jnp.asarray(covariance_b))))


def squared_w2_to_standard_plane(mean: Array, covariance: Array) -> Array:
    """``W2^2 = |mean|^2 + tr S + 2 - 2 sqrt(tr S + 2 sqrt(det S))`` between N(mean, S) and N(0, I_2), a scalar.

    For 2 x 2 matrices tr S^(1/2) has this closed form: no LAPACK, so that millions may be read under `vmap`. Near S = I
    its error is that of the subtraction; elsewhere use `gaussian_w2`.
    """
    a, b, c = covariance[0, 0], covariance[0, 1], covariance[1, 1]
    root = jnp.sqrt(a + c + 2 * jnp.sqrt(jnp.maximum(a * c - b * b, 0)))
    return jnp.maximum(jnp.sum(mean**2) + a + c + 2 - 2 * root, 0)


def frechet_distance(x: Array, y: Array, x_weight: Array | None = None, y_weight: Array | None = None) -> Array:
    """The squared Frechet distance between Gaussians fitted to samples x [N, F] and y [M, F]: the FID of features.

    Source: Heusel et al., NeurIPS 2017. Biased upwards at finite N and M (see the module's text).
    """
    return squared_frechet(moments(x, x_weight), moments(y, y_weight))
