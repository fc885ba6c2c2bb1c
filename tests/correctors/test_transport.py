"""Redraw, matching and geodesics, against enumeration, NumPy's eigenvectors and closed forms."""

from itertools import permutations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import keep, uniform
from selfloop.correctors.transport import geodesic, geodesic_empirical, matching, redraw, roots
from selfloop.metrics import wasserstein2
from selfloop.models.states import GaussianState
from tests.correctors.once import once


def rng_points(seed, n, d):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def spd(seed, d):
    a = np.random.default_rng(seed).normal(size=(d, d))
    return a @ a.T + 0.1 * np.eye(d)


def w2_squared(a, b):
    """Squared W2 of two Gaussians (mean, covariance), by NumPy's eigenvectors."""
    root = lambda m: (lambda v, q: (q * np.sqrt(np.maximum(v, 0))) @ q.T)(*np.linalg.eigh(m))  # noqa: E731
    cross = root(root(a[1]) @ b[1] @ root(a[1]))
    return np.sum((a[0] - b[0]) ** 2) + np.trace(a[1] + b[1] - 2 * cross)


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("absent", [(), (0, 4)])
def test_the_matching_is_the_cheapest_of_all_permutations(d, absent):
    n = 6
    x, y = rng_points(d, n, d), rng_points(d + 9, n, d)
    present = np.isin(np.arange(n), absent, invert=True)
    index = np.asarray(jax.jit(matching)(x, y, present))
    here = np.flatnonzero(present)
    best = min(np.sum((x[here] - y[list(p)]) ** 2) for p in permutations(here))
    assert sorted(index) == list(range(n))
    np.testing.assert_array_equal(index[list(absent)], absent)
    assert np.isclose(np.sum((x[here] - y[index[here]]) ** 2), best, rtol=1e-5)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_roots_without_lapack(d, x64):
    matrix = spd(d, d)
    root, inverse = roots(jnp.asarray(matrix))
    np.testing.assert_allclose(root @ root, matrix, atol=1e-12)
    np.testing.assert_allclose(inverse @ matrix @ inverse, np.eye(d), atol=1e-10)  # condition below 1e3
    assert all(jnp.isfinite(part).all() for part in roots(jnp.zeros((d, d))))


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("gamma", [0.3, 2.0, float("inf")])
def test_the_geodesic_pushes_the_gaussian_to_the_share_tau_of_its_w2(d, gamma, x64):
    """The map is affine, so its images of the origin and of the axes tell the law of the result exactly."""
    rng, tau = np.random.default_rng(d), 1 / (1 + gamma)
    fitted = GaussianState(rng.normal(size=d), spd(d, d))
    target = GaussianState(rng.normal(size=d), spd(d + 1, d))
    points = np.concatenate([np.zeros((1, d)), np.eye(d)])
    state = jax.tree.map(jnp.asarray, target)
    image = np.asarray(once(geodesic(state, gamma), 0, uniform(jnp.asarray(points)), fitted)[0].x)
    linear = (image[1:] - image[0]).T
    result = (image[0] + linear @ fitted.mean, linear @ fitted.covariance @ linear.T)
    np.testing.assert_allclose(linear, linear.T, atol=1e-9)  # the gradient of a convex function, so optimal
    assert (np.linalg.eigvalsh(linear) > 0).all()
    np.testing.assert_allclose(w2_squared(result, target), tau**2 * w2_squared(fitted, target), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        w2_squared(result, fitted), (1 - tau) ** 2 * w2_squared(fitted, target), rtol=1e-9, atol=1e-9
    )


def test_a_collapsed_gaussian_stays_finite():
    state = GaussianState(jnp.ones(2), jnp.zeros((2, 2)))
    target = GaussianState(jnp.zeros(2), jnp.eye(2))
    x = once(geodesic(target, 1.0), 0, uniform(jnp.ones((5, 2))), state)[0].x
    np.testing.assert_allclose(x, 0.5 * np.ones((5, 2)))  # the mean goes half the way


@pytest.mark.parametrize("gamma", [0.0, 0.4, float("inf")])
def test_the_empirical_geodesic_ends_at_tau_of_its_w2_to_the_draws(gamma):
    x, target = rng_points(0, 50, 1), 3 + rng_points(1, 50, 1)
    moved = once(geodesic_empirical(lambda key, n: jnp.asarray(target), gamma), 0, uniform(jnp.asarray(x)))[0].x
    before, after = (jax.jit(wasserstein2)(points[:, 0], target[:, 0]) for points in (x, moved))
    np.testing.assert_allclose(after, before / (1 + gamma), rtol=1e-5, atol=1e-6)


def test_a_redraw_holds_points_of_batch_and_draws_in_the_cheapest_order():
    n = 6
    x, target = rng_points(0, n, 2), 10 + rng_points(1, n, 2)
    batch = uniform(jnp.asarray(x))
    corrected, info = once(redraw(lambda key, n: jnp.asarray(target), 1.0), 1, batch)
    new = np.asarray(corrected.x)
    assert all(any((row == other).all() for other in np.concatenate([x, target])) for row in new)
    cost = lambda order: np.sum((x - new[list(order)]) ** 2)  # noqa: E731
    assert np.isclose(cost(range(n)), min(map(cost, permutations(range(n)))), rtol=1e-6)
    np.testing.assert_allclose(info["moved"], np.linalg.norm(new - x, axis=1), rtol=1e-5)


def test_a_redraw_has_the_mixture_for_its_law_and_a_resampling_variance():
    """Of the mean, given the batch: tau xbar + (1 - tau) mu*; its variance has (1/N) of the resampled law in it."""
    n, tau, repeats = 20, 0.5, 4000
    batch = uniform(jnp.asarray(2 + rng_points(0, n, 1)))
    draw = lambda key, n: jax.random.normal(key, (n, 1))  # noqa: E731
    keys = jax.random.split(jax.random.key(0), repeats)
    means = jax.jit(jax.vmap(lambda key: redraw(draw, 1 / tau - 1)(key, batch, None)[0].x.mean()))(keys)
    raw = np.asarray(batch.x[:, 0])
    variance = (tau * raw.var() + (1 - tau) + tau * (1 - tau) * raw.mean() ** 2) / n
    assert abs(means.mean() - tau * raw.mean()) < 5 * np.sqrt(variance / repeats)
    assert abs(means.var() / variance - 1) < 5 * np.sqrt(2 / repeats)  # near normal: relative error sqrt(2 / repeats)


def test_a_redraw_never_takes_absent_samples():
    batch = keep(uniform(jnp.concatenate([jnp.zeros((20, 1)), jnp.full((20, 1), 9.0)])), jnp.arange(40) < 20)
    corrected, _ = once(redraw(lambda key, n: jnp.ones((n, 1)), 1.0), 0, batch)
    assert set(np.unique(corrected.x[:20])) <= {0.0, 1.0}
    assert corrected.weight.sum() == 20
