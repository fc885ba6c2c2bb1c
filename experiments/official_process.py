"""The process behind the Gaussian figure of Gillman et al. (2024) as its script runs it, in parts of the common loop.

Three things in that script differ from the algorithm it illustrates, and each is one exchangeable part here:

    histogram_rejection  the corrector: the model's law is replaced by a 10 x 10 histogram of the m samples, and the
                         bound of the rejection sampler is not a bound, so that what is accepted has too light tails
    growing_shares       the policy: corrected sets are kept, and at generation G set j gives its first int(j / G m)
                         points, so that lambda is not m / n but grows like (G + 1) m / (2 n)
    ridged               the model: 1e-6 on the diagonal of the fitted covariance

The script is exp_scripts/gaussian_toy_example.py of the paper's repository, in the version that proposes from N(0, I);
a second version there proposes from N(0, 2 I), under a bound that is none either. Points are drawn one by one, and
training sets are records of statistics (`selfloop.models.statistics`), since a Gaussian fit needs no more. float32.
Letters: n real points, m synthetic points a generation, d = 2 dimensions, T generations.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop import (
    Batch,
    Corrector,
    GaussianState,
    Loop,
    Model,
    Policy,
    gaussian,
    policies,
    replacement,
    scan,
    sources,
)
from selfloop.batch import concatenate, keep
from selfloop.correctors.statistics import replacement_statistics
from selfloop.correctors.strength import share_kept
from selfloop.metrics.frechet import squared_w2_to_standard_plane
from selfloop.models.statistics import Statistics, draw, gaussian_statistics, single

N, M, D = 50, 25, 2
BINS = 10
RIDGE = 1e-6
GAMMAS = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 2.0, 5.0)
BLOCK = 64
"""Candidates drawn at once: enough for nearly every chain to accept m of them."""
STANDARD = 1 / (2 * np.pi)
"""The density of N(0, I_2) at 0."""


def target(dtype: jnp.dtype = jnp.float32) -> GaussianState:
    """N(0, I_2): the law of the real data and of the perfect corrector."""
    return GaussianState(jnp.zeros(D, dtype), jnp.eye(D, dtype=dtype))


def normal_draw(key: Array, count: int) -> Array:
    """Points of the target."""
    return jax.random.normal(key, (count, D))


def ridged() -> Model:
    """A Gaussian that samples points and is fitted to records, with 1e-6 added to the covariance's diagonal."""
    model = gaussian_statistics(D, M)

    def fit(key: Array, batch: Batch, state: GaussianState) -> tuple[GaussianState, dict]:
        state, info = model.fit(key, batch, state)
        return state._replace(covariance=state.covariance + RIDGE * jnp.eye(D)), info

    return model._replace(fit=fit, sample=gaussian(D).sample)


def histogram_rejection(gamma: Array | float, block: int = BLOCK) -> Corrector:
    """m points of the law that the script's rejection sampler has, which is not the tau h + (1 - tau) q it aims at.

    h is the histogram of the samples and q = N(0, I). The script draws z of q and accepts where u M q(z) < f(z), with
    f = tau h + (1 - tau) q and M = (tau max h + (1 - tau) q(0)) / q(0). Far from 0 the ratio f / q exceeds M, so that
    what it accepts has a density in proportion to min(q, f / M). The same law, exactly, comes from candidates of f
    accepted where u f(z) < M q(z): four in five are, instead of one in four. Candidates come in blocks; the first m
    accepted are taken.
    """
    tau = share_kept(gamma, jnp.float32)

    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        m = batch.capacity
        boxes = histogram(batch.x)
        bound = tau * jnp.max(height(boxes, boxes.cell)) / STANDARD + 1 - tau

        def more(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            turn, count, found = carry
            u = jax.random.uniform(jax.random.fold_in(key, turn), (4, block)) + jnp.finfo(jnp.float32).eps / 2
            z = candidates(boxes, tau, u[1:])
            ratio = tau * height(boxes, cells(boxes, z)) / STANDARD * jnp.exp(jnp.sum(z**2, 0) / 2) + 1 - tau
            accepted = u[0] * ratio < bound
            rank = count + jnp.cumsum(accepted, dtype=jnp.int32)
            slot = jnp.where(accepted, jnp.minimum(rank - 1, m), m)  # one more than there are, for what is not taken
            return turn + 1, rank[-1], found.at[:, slot].set(z)

        zero = jnp.zeros((), jnp.int32)
        start = zero, zero, jnp.zeros((D, m + 1), batch.x.dtype)
        found = jax.lax.while_loop(lambda carry: carry[1] < m, more, start)[2]
        x = found[:, :m].T
        return batch._replace(x=x), {"moved": jnp.linalg.norm(x - batch.x, axis=1), "failed": jnp.zeros(m, bool)}

    return correct


class Boxes(NamedTuple):
    """A histogram of m points by the cell that each is in."""

    low: Array  # [2]  the corner of the points' bounding box
    width: Array  # [2]  of a cell
    place: Array  # [2, m]  row and column of each point's cell
    cell: Array  # [m]  its number


def histogram(x: Array) -> Boxes:
    """The histogram of points [m, 2] with BINS x BINS cells on their bounding box, the last cells closed (NumPy's)."""
    low, high = jnp.min(x, 0), jnp.max(x, 0)
    width = (high - low) / BINS
    place = jnp.minimum(jnp.floor((x - low[None]) / width[None]), BINS - 1).T
    return Boxes(low, width, place, number(place))


def cells(boxes: Boxes, z: Array) -> Array:
    """The cell that the script finds for points [2, B]: int() truncates, so that (-1, 0) is 0; -1 outside the box."""
    return number(jnp.trunc((z - boxes.low[:, None]) / boxes.width[:, None]))


def number(place: Array) -> Array:
    """The number of the cell in a row and column [2, ...], or -1 where there is none."""
    inside = jnp.all((place >= 0) & (place < BINS), 0)
    return jnp.where(inside, place[0] * BINS + place[1], -1).astype(jnp.int32)


def height(boxes: Boxes, cell: Array) -> Array:
    """The histogram's density in the cells of these numbers [B]."""
    count = jnp.sum(cell[:, None] == boxes.cell[None], 1, dtype=boxes.width.dtype)
    return count / (boxes.cell.shape[0] * boxes.width[0] * boxes.width[1])


def candidates(boxes: Boxes, tau: Array, u: Array) -> Array:
    """Points [2, B] of the law f, normalised, as the script evaluates it, from uniforms [3, B].

    One of the m cells that the points are in, or q: since (-1, 0) is cell 0, a cell of row or column 0 is twice as
    wide there, and twice as likely.
    """
    m = boxes.cell.shape[0]
    edge = boxes.place == 0
    upper = jnp.cumsum(tau * jnp.prod(jnp.where(edge, 2.0, 1.0), 0) / m)
    choice = u[0] * (upper[-1] + 1 - tau)
    chosen = jnp.sum(choice[:, None] >= upper[None], 1, dtype=jnp.int32)
    place = jnp.append(boxes.place, jnp.zeros((2, 1)), 1)[:, chosen]
    inside = boxes.low[:, None] + boxes.width[:, None] * jnp.where(place == 0, 2 * u[1:] - 1, place + u[1:])
    normal = np.float32(np.sqrt(2)) * jax.lax.erf_inv(2 * u[1:] - 1)
    return jnp.where(chosen[None] < m, inside, normal)


def growing_shares(generations: int, m: int) -> Policy:
    """The real points and, at generation G, the first int(j / G m) corrected points of each set j = 1 .. G.

    The i-th point of set j is in from j = first[G, i] on, so that the synthetic record is a sum over i of differences
    of sums over generations, which are what is remembered: memory [T + 1, m, 1 + d + d^2], and m look-ups a generation.
    """
    first = jnp.asarray(first_sets(generations, m))

    def start(real: Batch, capacity: int) -> Array:
        return jnp.zeros((generations + 1, m, 1 + D + D * D), real.weight.dtype)

    def select(key: Array, t: Array, real: Batch, corrected: Batch, memory: Array) -> tuple[Batch, Array]:
        corrected = keep(corrected, corrected.weight > 0)
        square = (corrected.x[:, :, None] * corrected.x[:, None]).reshape(m, D * D)
        row = jnp.concatenate([jnp.ones((m, 1)), corrected.x, square], 1) * corrected.weight[:, None]
        now = memory[t - 1] + row
        memory = memory.at[t].set(now)
        sums = jnp.sum(now - memory[first[t] - 1, jnp.arange(m)], 0)
        count, total = sums[0], sums[1 : 1 + D]
        scatter = sums[1 + D :].reshape(D, D) - total[:, None] * total[None] / count
        return concatenate(real, single(Statistics(count, total, scatter))), memory

    return Policy(start, select)


def first_sets(generations: int, m: int) -> np.ndarray:
    """first [T + 1, m]: the first set j whose int(j / G m) points hold the i-th, in the script's own arithmetic."""
    first = np.ones((generations + 1, m), np.int32)
    for g in range(1, generations + 1):
        counts = (np.arange(1, g + 1) / g * m).astype(int)
        first[g] = 1 + np.searchsorted(counts, np.arange(1, m + 1))
    return first


def official(key: Array, gamma: Array | float, generations: int) -> Array:
    """W2 [T + 1] of one chain of the script's process: histogram, rejection, accumulation."""
    return _accumulating(histogram_rejection(gamma), key, generations)


def exact_accumulating(key: Array, gamma: Array | float, generations: int) -> Array:
    """W2 [T + 1] of one chain with the same accumulation after a corrector that does what it says."""
    return _accumulating(replacement(normal_draw, gamma), key, generations)


def stated(key: Array, gamma: Array | float, generations: int) -> Array:
    """W2 [T + 1] of one chain of the algorithm as stated, lambda = m / n: in sufficient statistics throughout."""
    key_real, key_loop = jax.random.split(key)
    corrector = replacement_statistics(target(), gamma, M)
    loop = Loop(gaussian_statistics(D, M), policies.augment(1.0), _real(key_real), 1, corrector)
    return scan(loop, key_loop, generations, lambda key, g: to_target(g.state))[1]


def _accumulating(corrector: Corrector, key: Array, generations: int) -> Array:
    key_real, key_loop = jax.random.split(key)
    loop = Loop(ridged(), growing_shares(generations, M), _real(key_real), M, corrector)
    return scan(loop, key_loop, generations, lambda key, g: to_target(g.state))[1]


def _real(key: Array) -> sources.Source:
    """The record of n real points."""
    return sources.fixed(draw(key, target(), N))


def to_target(state: GaussianState) -> Array:
    """W2 to N(0, I_2)."""
    return jnp.sqrt(squared_w2_to_standard_plane(state.mean, state.covariance))
