"""The Gaussian loop in sufficient statistics: the same loop, thousands of times faster.

A sample is a *record*: count, total and scatter of many points, drawn directly from their joint law instead of point by
point. For k points of N(mu, C C^T), exactly and independently,

    total = k mu + sqrt(k) C z,   scatter = C A A^T C^T,   A lower triangular (Bartlett 1933):
    A_jj^2 ~ chi^2 of k - 1 - j degrees,   A_ij ~ N(0, 1) below the diagonal,   columns j >= k - 1 absent.

A chi-squared of even degree 2 h is -2 log of a product of h uniforms, and of odd degree 2 h + 1 that plus a squared
normal: no rejection, no branch. Two records of k and m - k points can share one pool of uniforms, the one from its
front, the other from its back, since together they need no more than one record of m points.

In the loop a slot of a batch is a record, not a point: ``Loop(gaussian_statistics(d, m), policies.augment(1.0),
fixed(record(real)), synthetic=1, ...)`` trains on one record of n real and one of m synthetic points, so that lambda is
m / n. ``replace`` and ``fresh`` mean what they always do; ``accumulate`` keeps a record a generation, `running_total`
only their merger; ``accumulate_subsample`` would draw whole records and has no meaning here.

Letters: N records, k, m points in a record, d dimensions, h pool of uniforms.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from selfloop.batch import Batch, concatenate, empty, uniform
from selfloop.errors import ConfigError
from selfloop.models.charts import location_scale
from selfloop.models.gaussian import check, log_prob
from selfloop.models.linalg import root
from selfloop.models.states import GaussianState
from selfloop.protocols import Model, Policy

_GROUP = 16
"""Uniforms multiplied before a logarithm: chi^2 of 32 degrees falls below float32's range once in 1e21 draws."""


class Statistics(NamedTuple):
    """What a Gaussian fit needs to know of its points; the scatter is about the points' own mean, against rounding."""

    count: Array  # [...]
    total: Array  # [..., d]  sum of the points
    scatter: Array  # [..., d, d]  sum of (x - mean) (x - mean)^T


def record(points: Batch) -> Batch:
    """The one record, of weight 1, of all points of a batch ``x`` [N, d], each counted by its weight."""
    count = jnp.sum(points.weight)
    total = points.weight @ points.x
    centred = points.x - (total / count)[None]
    return single(Statistics(count, total, (centred * points.weight[:, None]).T @ centred))


def single(statistics: Statistics) -> Batch:
    """A batch of one record of weight 1."""
    return uniform(jax.tree.map(lambda leaf: leaf[None], statistics))


def merge(records: Batch) -> Statistics:
    """The statistics of all points of N records together, each counted by its record's weight (parallel axes)."""
    count = records.weight * records.x.count
    weight = records.weight[:, None]
    total = jnp.sum(weight * records.x.total, 0)
    mean = total / _or_one(jnp.sum(count))
    apart = records.x.total / _or_one(records.x.count)[:, None] - mean[None]
    between = count[:, None, None] * apart[:, :, None] * apart[:, None, :]
    return Statistics(jnp.sum(count), total, jnp.sum(weight[:, :, None] * records.x.scatter + between, 0))


def _or_one(count: Array) -> Array:
    """What to divide by, also where there are no points."""
    return jnp.where(count > 0, count, 1)


def uniforms(key: Array, d: int, most: int, dtype: jnp.dtype) -> Array:
    """The numbers that `standard_pair` needs, uniform on the open interval (0, 1), and one more, the last."""
    return jax.random.uniform(key, (d * _half(most) + 2 * d * (d + 1) + 1,), dtype) + jnp.finfo(dtype).eps / 2


def standard_pair(u: Array, k: Array, rest: Array, d: int, most: int) -> tuple[Statistics, Statistics]:
    """Two independent records, of ``k`` and of ``rest`` points of N(0, I_d), where k + rest is at most ``most``.

    Counts are int32 scalars, traced or not; ``u`` are the `uniforms` it is made of, one by one.
    """
    h = _half(most)
    pool = u[: d * h].reshape(d, h)
    normal = math.sqrt(2) * jax.lax.erf_inv(2 * u[d * h : -1] - 1).reshape(2, d, d + 1)
    place = jnp.arange(h, dtype=jnp.int32)
    front = _bartlett(pool, lambda half: place[None] < half[:, None], normal[0], k)
    back = _bartlett(pool, lambda half: place[None] >= h - half[:, None], normal[1], rest)
    return front, back


def _half(most: int) -> int:
    """Uniforms that chi-squareds of most - 1 degrees in all take at the most."""
    return max((most - 1) // 2, 1)


def _bartlett(pool: Array, taken: Any, normal: Array, k: Array) -> Statistics:
    """A record of k standard normal points from those uniforms of a pool [d, h] that are ``taken(half)`` [d, h]."""
    d = pool.shape[0]
    degrees = jnp.maximum(k - 1 - jnp.arange(d, dtype=jnp.int32), 0)
    logs = _sum_of_logs(jnp.where(taken(degrees // 2), pool, jnp.ones_like(pool)))
    odd = jnp.where(degrees % 2 == 1, jnp.diagonal(normal) ** 2, 0)
    below = jnp.where(degrees[None] > 0, jnp.tril(normal[:, :d], -1), 0)
    factor = below + jnp.diag(jnp.sqrt(odd - 2 * logs))
    count = jnp.asarray(k, pool.dtype)
    return Statistics(count, jnp.sqrt(count) * normal[:, d], multiply(factor, factor.T))


def _sum_of_logs(values: Array) -> Array:
    """Sum of logarithms over the last axis, one logarithm a group."""
    size = values.shape[-1]
    groups = [jnp.prod(values[..., at : at + _GROUP], -1) for at in range(0, size, _GROUP)]
    return sum(jnp.log(group) for group in groups)


def multiply(a: Array, b: Array) -> Array:
    """a b of small matrices as plain sums, which fuse with what is around them under `vmap`."""
    return jnp.sum(a[:, :, None] * b[None], 1)


def transform(statistics: Statistics, state: GaussianState) -> Statistics:
    """The record of the points mean + C x, C C^T = covariance, from that of the points x."""
    factor = root(state.covariance)
    total = statistics.count * state.mean + jnp.sum(factor * statistics.total[None], 1)
    scatter = multiply(multiply(factor, statistics.scatter), factor.T)
    return Statistics(statistics.count, total, scatter)


def draw(key: Array, state: GaussianState, k: ArrayLike, most: int | None = None) -> Batch:
    """One record of k points of N(state); ``most`` is a static bound on k, needed where k is traced."""
    most = bound(k, most)
    d, dtype = state.mean.shape[0], state.mean.dtype
    u = uniforms(key, d, most, dtype)
    standard, _ = standard_pair(u, jnp.asarray(k, jnp.int32), jnp.asarray(0, jnp.int32), d, most)
    return single(transform(standard, state))


def bound(m: ArrayLike, most: int | None) -> int:
    """The static bound on m points a record. Raises ConfigError where there is none, or m is not in 1 .. bound."""
    if isinstance(m, jax.core.Tracer):
        if most is None:
            raise ConfigError("m is traced; say at trace time how many points a record may hold: give `most`")
        return most
    limit = int(m) if most is None else most
    if not 1 <= int(m) <= limit:
        raise ConfigError(f"m is {int(m)} points a record; give 1" + (f" to {limit}" if most else " or more"))
    return limit


def gaussian_statistics(d: int, m: ArrayLike, dtype: jnp.dtype = jnp.float32, most: int | None = None) -> Model:
    """The Gaussian model whose samples are records of m points each; fits merge records.

    The same fits in law as ``gaussian(d)`` on m points, exactly; the state, its density, coordinates and check are the
    same too. float32 costs relative rounding of about 1e-6 in a fit, and loses nothing that Monte Carlo can see;
    float64 is for the theory. ``m`` may be traced, one program then serving every lambda; ``most`` bounds it.
    Raises ConfigError where d or m is below 1, and for a fit to fewer than d + 2 points.
    """
    if d < 1:
        raise ConfigError(f"d is {d}; a Gaussian has 1 dimension or more")
    most = bound(m, most)

    def init(key: Array) -> GaussianState:
        return GaussianState(jnp.zeros(d, dtype), jnp.eye(d, dtype=dtype))

    def sample(key: Array, state: GaussianState, cond: None, n: int) -> Batch:
        records = jax.vmap(lambda key: draw(key, state, m, most).x)(jax.random.split(key, n))
        return uniform(jax.tree.map(lambda leaf: leaf[:, 0], records))

    return Model(init, fit, sample, log_prob, location_scale(d), check)


def fit(key: Array, records: Batch, state: GaussianState) -> tuple[GaussianState, dict[str, Any]]:
    """Maximum likelihood from N records; ConfigError for fewer than d + 2 points, where their number is known."""
    merged = merge(records)
    d = merged.total.shape[0]
    if not isinstance(merged.count, jax.core.Tracer) and float(merged.count) < d + 2:
        raise ConfigError(
            f"n is {float(merged.count):g}; a mean and a covariance in {d} dimensions need {d + 2} points or more"
        )
    return GaussianState(merged.total / merged.count, merged.scatter / merged.count), {}


def running_total() -> Policy:
    """`policies.accumulate` for records in memory that does not grow: all synthetic ones merged into one."""

    def select(key: Array, t: Array, real: Batch, corrected: Batch, memory: Batch) -> tuple[Batch, Batch]:
        memory = single(merge(concatenate(memory, corrected)))
        return concatenate(real, memory), memory

    return Policy(lambda real, capacity: empty(real, 1), select)
