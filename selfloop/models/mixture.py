"""Gaussian mixtures: by EM, by gradient, and with nothing free but the locations.

    p(x) = sum_k weights_k N(x; means_k, covariances_k)

A fit starts from the state before it, so that labels stay where they were; from a state whose components are all the
same (a new one) it starts from slices of equal mass along the axis of greatest variance. Nothing is regularised: a
component whose covariance would become singular keeps its last one, a component without mass its place. Letters: N
samples, K components, d dimensions.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from selfloop.batch import Batch, uniform
from selfloop.errors import ConfigError
from selfloop.models import charts
from selfloop.models.limits import at_least, concrete, enough, positive
from selfloop.models.linalg import log_normal, root
from selfloop.models.newton import maximise
from selfloop.models.states import GaussianState
from selfloop.protocols import Coordinates, Model

MERGED = 1e-3
"""Components nearer than this, in units of their spread, are one: the curvature between them is of its square."""


class MixtureState(NamedTuple):
    """A Gaussian mixture."""

    weights: Array  # [K], sum 1
    means: Array  # [K, d]
    covariances: Array  # [K, d, d]


class LocationsState(NamedTuple):
    """The locations of a mixture of which all else is known."""

    means: Array  # [K, d]


def mixture(k: int, d: int, steps: int = 100, dtype: jnp.dtype = jnp.float32) -> Model:
    """K Gaussians in d dimensions by ``steps`` steps of EM; samples x [N, d].

    Coordinates: logits against the last component, means, log-Cholesky factors (`charts.location_scale`). ``check``
    raises ConfigError where a weight has vanished, two components have merged or one has collapsed, and says which;
    so do k or d below 1, and a fit with room for fewer than K (d + 2) points.
    """

    def fit(key: Array, batch: Batch, state: MixtureState) -> tuple[MixtureState, dict]:
        enough(batch, k * (d + 2), f"a mixture of {k} in {d} dimensions")
        share = batch.weight / jnp.sum(batch.weight)
        return _em(batch.x, share, _started(batch.x, share, state, state.means, state.covariances), steps), {}

    return _model(k, d, fit, dtype)


def mixture_gradient(k: int, d: int, em: int = 20, newton: int = 20, dtype: jnp.dtype = jnp.float32) -> Model:
    """The same mixture by gradient: ``newton`` damped Newton steps in its coordinates, after a few of EM.

    EM climbs from anywhere but creeps where components overlap; Newton's method (`newton.maximise`) does not, at a cost
    a step that is of the square of the number of parameters.
    """

    def fit(key: Array, batch: Batch, state: MixtureState) -> tuple[MixtureState, dict]:
        enough(batch, k * (d + 2), f"a mixture of {k} in {d} dimensions")
        share = batch.weight / jnp.sum(batch.weight)
        start = _em(batch.x, share, _started(batch.x, share, state, state.means, state.covariances), em)
        return _climb(log_prob, coordinates(d), batch.x, share, start, newton), {}

    return _model(k, d, fit, dtype)


def mixture_locations(
    scale: ArrayLike,
    weights: ArrayLike,
    d: int = 1,
    em: int = 20,
    newton: int = 20,
    dtype: jnp.dtype = jnp.float32,
) -> Model:
    """Mixtures of round Gaussians of known scale (one, or [K]) and weights [K]; only the means [K, d] are fitted.

    Fitted by ``em`` steps of EM and ``newton`` damped Newton steps; its coordinates are the means. Raises ConfigError
    where the scale is not above 0, or the weights are not, or do not sum to 1; ``check`` where two components have
    merged.
    """
    positive(scale, "the components' scale")
    positive(weights, "a component's weight")
    if concrete(weights) and abs(float(np.sum(np.asarray(weights))) - 1) > 1e-5:
        raise ConfigError(f"the weights sum to {float(np.sum(np.asarray(weights))):.6g}; they must sum to 1")
    weights = jnp.asarray(weights, dtype)
    k = weights.shape[0]
    covariances = jnp.broadcast_to(jnp.asarray(scale, dtype), k)[:, None, None] ** 2 * jnp.eye(d, dtype=dtype)[None]
    chart = Coordinates(lambda state: state.means.ravel(), lambda theta: LocationsState(theta.reshape(k, d)))

    def full(state: LocationsState | MixtureState) -> MixtureState:
        return MixtureState(weights, state.means, covariances)

    def density(state: LocationsState, x: Array) -> Array:
        return log_prob(full(state), x)

    def fit(key: Array, batch: Batch, state: LocationsState) -> tuple[LocationsState, dict]:
        enough(batch, k * (d + 2), f"a mixture of {k} in {d} dimensions")
        share = batch.weight / jnp.sum(batch.weight)
        start = _em(batch.x, share, full(_started(batch.x, share, full(state), state.means)), em, full)
        return _climb(density, chart, batch.x, share, LocationsState(start.means), newton), {}

    return Model(
        lambda key: LocationsState(jnp.zeros((k, d), dtype)),
        fit,
        lambda key, state, cond, n: _sample(key, full(state), n),
        density,
        check=lambda state: check(full(state)),
    )


def coordinates(d: int) -> Coordinates:
    """theta = (log(weights_k / weights_K) [K - 1], means [K d], log-Cholesky factors [K d (d + 1) / 2])."""
    one, size = charts.location_scale(d), d + d * (d + 1) // 2

    def theta(state: MixtureState) -> Array:
        parts = jax.vmap(one.theta)(GaussianState(state.means, state.covariances))
        logits = jnp.log(state.weights[:-1]) - jnp.log(state.weights[-1])
        return jnp.concatenate([logits, parts[:, :d].ravel(), parts[:, d:].ravel()])

    def state(theta: Array) -> MixtureState:
        k = (theta.shape[0] + 1) // (size + 1)
        logits, means, scales = jnp.split(theta, [k - 1, k - 1 + k * d])
        parts = jax.vmap(one.state)(jnp.concatenate([means.reshape(k, d), scales.reshape(k, -1)], 1))
        weights = jax.nn.softmax(jnp.concatenate([logits, jnp.zeros(1, theta.dtype)]))
        return MixtureState(weights, parts.mean, parts.covariance)

    return Coordinates(theta, state)


def log_prob(state: MixtureState, x: Array) -> Array:
    """log p(x) [N] of points [N, d]; NaN where a covariance is singular."""
    return jax.scipy.special.logsumexp(_joint(state, x), 1)


def check(state: MixtureState) -> None:
    """ConfigError where a component has no mass or no spread, or is the same as another: no theory applies there."""
    weights, means, covariances = (np.asarray(leaf, np.float64) for leaf in state)
    eps = np.finfo(np.asarray(state.means).dtype).eps
    values = np.linalg.eigvalsh(covariances)
    for i, weight in enumerate(weights):
        if not weight > np.sqrt(eps):
            raise ConfigError(f"component {i} has vanished: its weight is {weight:.3g}; use a smaller k")
        if not values[i, 0] > values.max() * eps:
            raise ConfigError(
                f"component {i} has collapsed: the least eigenvalue of its covariance is {values[i, 0]:.3g}, "
                f"the largest of all {values.max():.3g}; take more points, or a smaller k"
            )
    for i, j in zip(*np.triu_indices(len(weights), 1), strict=True):
        spread = values[[i, j]].max()
        apart = max(
            np.abs(means[i] - means[j]).max() / np.sqrt(spread),
            np.abs(covariances[i] - covariances[j]).max() / spread,
        )
        if not apart > MERGED:
            raise ConfigError(
                f"components {i} and {j} have merged: they differ by {apart:.2g} of their spread, below {MERGED}; "
                "use a smaller k, or start from other means"
            )


def _model(k: int, d: int, fit: Callable, dtype: jnp.dtype) -> Model:
    at_least(1, k, "k, the number of components,")
    at_least(1, d, "d, the number of dimensions,")

    def init(key: Array) -> MixtureState:
        eye = jnp.broadcast_to(jnp.eye(d, dtype=dtype)[None], (k, d, d))
        return MixtureState(jnp.full(k, 1 / k, dtype), jnp.zeros((k, d), dtype), eye)

    return Model(init, fit, lambda key, state, cond, n: _sample(key, state, n), log_prob, coordinates(d), check)


def _joint(state: MixtureState, x: Array) -> Array:
    """log(weights_k N(x; ...)) [N, K]."""
    densities = jax.vmap(log_normal, (None, 0, 0), 1)(x, state.means, state.covariances)
    return densities + jnp.log(state.weights)[None]


def _sample(key: Array, state: MixtureState, n: int) -> Batch:
    k, d = state.means.shape
    key_component, key_noise = jax.random.split(key)
    component = jax.random.choice(key_component, k, (n,), p=state.weights)
    noise = jax.random.normal(key_noise, (n, d), state.means.dtype)
    roots = jax.vmap(root)(state.covariances)
    return uniform(state.means[component] + jnp.sum(roots[component] * noise[:, None], -1))


def _moments(x: Array, share: Array, membership: Array, before: MixtureState) -> MixtureState:
    """The mixture of the weighted moments of memberships [N, K]; what has none stays as it was ``before``."""
    part = share[:, None] * membership
    mass = jnp.sum(part, 0)
    divisor = jnp.where(mass > 0, mass, 1)
    means = jnp.where(mass[:, None] > 0, part.T @ x / divisor[:, None], before.means)
    centred = x[:, None] - means[None]
    covariances = jnp.einsum("nk,nki,nkj->kij", part, centred, centred) / divisor[:, None, None]
    regular = jax.vmap(lambda one: jnp.all(jnp.diagonal(root(one)) > 0))(covariances)
    return MixtureState(mass, means, jnp.where(regular[:, None, None], covariances, before.covariances))


def _em(x: Array, share: Array, state: MixtureState, steps: int, fixed: Callable = lambda state: state) -> MixtureState:
    """EM; ``fixed(state)`` puts back what is not to be fitted."""

    def step(_: Array, state: MixtureState) -> MixtureState:
        return fixed(_moments(x, share, jax.nn.softmax(_joint(state, x), 1), state))

    return jax.lax.fori_loop(0, steps, step, state)


def _slices(x: Array, share: Array, state: MixtureState) -> MixtureState:
    """The moments of K slices of equal mass along the axis of greatest variance; lean slices get the whole's spread."""
    k = state.weights.shape[0]
    whole = _moments(x, share, jnp.ones((x.shape[0], 1), x.dtype), jax.tree.map(lambda leaf: leaf[:1], state))
    spread = whole.covariances[0]

    def turn(_: Array, axis: Array) -> Array:
        axis = spread @ axis
        return axis / jnp.max(jnp.abs(axis))

    # The power method: a start need not be exact.
    axis = jax.lax.fori_loop(0, 30, turn, spread[:, jnp.argmax(jnp.diagonal(spread))])
    order = jnp.argsort(x @ axis)
    middle = jnp.cumsum(share[order]) - share[order] / 2
    at = jnp.zeros_like(share).at[order].set(middle)
    slot = jnp.clip(jnp.floor(at * k), 0, k - 1).astype(jnp.int32)
    before = state._replace(covariances=jnp.broadcast_to(whole.covariances, state.covariances.shape))
    return _moments(x, share, jax.nn.one_hot(slot, k, dtype=x.dtype), before)


def _started(x: Array, share: Array, state: MixtureState, *parts: Array) -> MixtureState:
    """The state as it is, or slices of the data where its components have all these parts [K, ...] in common."""
    same = jnp.all(jnp.stack([jnp.all(part == part[:1]) for part in parts]))
    return jax.tree.map(lambda new, old: jnp.where(same, new, old), _slices(x, share, state), state)


def _climb(density: Callable, chart: Coordinates, x: Array, share: Array, state: Any, steps: int) -> Any:
    theta = maximise(lambda theta: share @ density(chart.state(theta), x), chart.theta(state), steps)
    return chart.state(theta)
