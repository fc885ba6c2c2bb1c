"""Sufficient statistics against points: NumPy's sums, point-by-point sampling, and the recursions of the theory."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from selfloop import policies, sources
from selfloop.batch import Batch, concatenate, uniform
from selfloop.correctors.idealized import replacement
from selfloop.correctors.statistics import binomial_cdf, replacement_statistics
from selfloop.errors import ConfigError
from selfloop.loop import scan
from selfloop.models.gaussian import gaussian
from selfloop.models.states import GaussianState
from selfloop.models.statistics import (
    Statistics,
    draw,
    gaussian_statistics,
    merge,
    record,
    running_total,
    single,
    standard_pair,
    uniforms,
)
from selfloop.protocols import Loop
from selfloop.stability import recursions

DRAWS = 4000


def state(d, seed=0, dtype=jnp.float32):
    factor = np.eye(d) + 0.3 * np.random.default_rng(seed).normal(size=(d, d))
    return GaussianState(jnp.arange(1.0, d + 1, dtype=dtype), jnp.asarray(factor @ factor.T, dtype))


def standard(d, dtype=jnp.float32):
    return GaussianState(jnp.zeros(d, dtype), jnp.eye(d, dtype=dtype))


def readings(records):
    """Numbers that tell laws apart: every total, every scatter entry, and their joint quantities."""
    total, scatter = np.asarray(records.total), np.asarray(records.scatter)
    d = total.shape[-1]
    rows = [*total.T, *(scatter[:, i, j] for i in range(d) for j in range(i + 1))]
    return np.stack([*rows, total[:, 0] * scatter[:, -1, 0], np.linalg.det(scatter), np.trace(scatter.T)])


def same_law(one, other):
    """No Kolmogorov-Smirnov test rejects at 1e-5; the keys are fixed."""
    for a, b in zip(readings(one), readings(other), strict=True):
        if np.ptp(a) > 1e-3:  # a scatter of too few points is 0 but for rounding
            assert scipy.stats.ks_2samp(a, b).pvalue > 1e-5
        else:
            assert np.ptp(b) <= 1e-3


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=4, max_size=4), st.integers(0, 2**31 - 1))
def test_records_merge_to_the_record_of_all_points(sizes, seed):
    rng = np.random.default_rng(seed)
    padded, present = rng.normal(3, 1, (4, 6, 2)), np.arange(6)[None] < np.asarray(sizes)[:, None]
    x = padded[present]
    with jax.enable_x64(True):
        records = [record(Batch(jnp.asarray(p), jnp.asarray(w * 1.0))) for p, w in zip(padded, present, strict=True)]
        merged = merge(concatenate(*records))
        assert merged.count == len(x)
        np.testing.assert_allclose(merged.total, x.sum(0), rtol=1e-12)
        np.testing.assert_allclose(merged.scatter, (x - x.mean(0)).T @ (x - x.mean(0)), atol=1e-11)


@pytest.mark.usefixtures("x64")
def test_weight_two_is_the_record_twice_and_weight_zero_is_none():
    x = np.random.default_rng(0).normal(size=(3, 5, 2))
    a, b, c = (record(uniform(jnp.asarray(points))) for points in x)
    weighted = concatenate(a, b, c)._replace(weight=jnp.asarray([2.0, 1.0, 0.0]))
    for one, other in zip(merge(weighted), merge(concatenate(a, a, b)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("d", [1, 3])
def test_a_drawn_record_has_the_law_of_points(d):
    counts, most = (1, 2, 3, 4, 25, 90), 90

    def both(k, key):
        points = gaussian(d).sample(jax.random.fold_in(key, 1), state(d), None, most)
        first = (jnp.arange(most) < k).astype(jnp.float32)
        return draw(key, state(d), k, most).x, record(points._replace(weight=first)).x

    over = jax.jit(jax.vmap(jax.vmap(both, (None, 0)), (0, None)))
    drawn = over(jnp.asarray(counts, jnp.int32), jax.random.split(jax.random.key(d), DRAWS))
    for i in range(len(counts)):
        same_law(*jax.tree.map(lambda leaf, i=i: leaf[i, :, 0], drawn))


def test_drawn_moments_are_the_closed_forms():
    k, sigma, keys = 7, state(2), jax.random.split(jax.random.key(3), 20_000)
    drawn = jax.jit(jax.vmap(lambda key: draw(key, sigma, k).x))(keys)
    total, scatter = np.asarray(drawn.total[:, 0]), np.asarray(drawn.scatter[:, 0])
    covariance = np.asarray(sigma.covariance)
    error = lambda values: 5 * values.std(0) / np.sqrt(len(values))  # noqa: E731  five standard errors
    assert (np.abs(total.mean(0) - k * np.asarray(sigma.mean)) < error(total)).all()
    assert (np.abs(scatter.mean(0) - (k - 1) * covariance) < error(scatter)).all()
    square = (scatter[:, 0, 0] - (k - 1) * covariance[0, 0]) ** 2
    assert abs(square.mean() - 2 * (k - 1) * covariance[0, 0] ** 2) < error(square)  # Wishart variance


@pytest.mark.parametrize("m", [1, 25])
def test_the_corrector_has_the_law_of_pointwise_replacement(m):
    d, target, gammas = 2, standard(2), (0.0, 0.7, float("inf"))
    unread = uniform(Statistics(jnp.full(1, jnp.nan), jnp.full((1, d), jnp.nan), jnp.full((1, d, d), jnp.nan)))

    def both(gamma, key):
        key_direct, key_sample, key_correct = jax.random.split(key, 3)
        direct, _ = replacement_statistics(target, gamma, m)(key_direct, unread, state(d))
        raw = gaussian(d).sample(key_sample, state(d), None, m)
        point, _ = replacement(lambda key, n: jax.random.normal(key, (n, d)), gamma)(key_correct, raw, None)
        return direct.x, record(point).x

    over = jax.jit(jax.vmap(jax.vmap(both, (None, 0)), (0, None)))
    drawn = over(jnp.asarray(gammas), jax.random.split(jax.random.key(m), DRAWS))
    for i in range(len(gammas)):
        same_law(*jax.tree.map(lambda leaf, i=i: leaf[i, :, 0], drawn))


def test_two_records_of_one_pool_are_independent():
    keys = jax.random.split(jax.random.key(5), 20_000)
    k, rest = jnp.asarray(10, jnp.int32), jnp.asarray(14, jnp.int32)
    one, other = jax.jit(jax.vmap(lambda key: standard_pair(uniforms(key, 2, 24, jnp.float32), k, rest, 2, 24)))(keys)
    a = np.stack([*np.asarray(one.total).T, *np.asarray(one.scatter).reshape(-1, 4).T])
    b = np.stack([*np.asarray(other.total).T, *np.asarray(other.scatter).reshape(-1, 4).T])
    assert np.abs(np.corrcoef(a, b)[:6, 6:]).max() < 5 / np.sqrt(len(keys))


@pytest.mark.parametrize("m", [1, 25, 500])
@pytest.mark.parametrize("tau", [0.0, 0.01, 0.4, 1.0])
def test_the_binomial_table_is_scipys(m, tau):
    table = binomial_cdf(m, jnp.asarray(tau, jnp.float32), m)
    np.testing.assert_allclose(table, scipy.stats.binom.cdf(np.arange(m), m, np.float32(tau)), atol=2e-5)


def run(policy, corrector_of, n, m, gammas, generations, seeds, d=2, fresh=False):
    """Monte Carlo of s_t = E |mu_t|^2 / d, its standard error, and of E[Sigma_t + e e^T], per gamma."""
    target = standard(d, jnp.float64)

    def chain(key, gamma):
        key_real, key_loop = jax.random.split(key)
        source = sources.fresh(lambda key: draw(key, target, n)) if fresh else sources.fixed(draw(key_real, target, n))
        model = gaussian_statistics(d, m, jnp.float64)
        loop = Loop(model, policy, source, 1, corrector_of(target, gamma, m))
        return scan(loop, key_loop, generations, lambda key, g: g.state)[1]

    keys = jax.random.split(jax.random.key(0), seeds)
    over = jax.jit(jax.vmap(jax.vmap(chain, (0, None)), (None, 0)))
    path = over(keys, jnp.asarray(gammas))
    square = np.asarray(jnp.sum(path.mean**2, -1) / d)
    second = np.asarray(path.covariance + path.mean[..., :, None] * path.mean[..., None, :])
    return square.mean(1), square.std(1) / np.sqrt(seeds), second.mean(1), second.std(1) / np.sqrt(seeds)


WORKFLOWS = {
    "reuse": (policies.augment(1.0), recursions.reuse, False),
    "fresh": (policies.augment(1.0), recursions.fresh, True),
    "replace": (policies.replace(), recursions.replace, False),
    "accumulate": (running_total(), recursions.accumulate, False),
}


@pytest.mark.parametrize("name", WORKFLOWS)
@pytest.mark.usefixtures("x64")
def test_every_workflow_follows_its_recursion_and_conserves_the_second_moment(name):
    policy, recursion, fresh = WORKFLOWS[name]
    n, m, gammas, generations = 20, 12, [0.0, 0.5, 3.0], 5
    s, error, second, second_error = run(policy, replacement_statistics, n, m, gammas, generations, 4000, fresh=fresh)
    for i, gamma in enumerate(gammas):
        expected = np.asarray(recursion(n, m, gamma, -1.0, generations))
        assert (np.abs(s[i] - expected) < 5 * error[i]).all()
    assert (np.abs(second - np.eye(2)) < 5 * second_error).all()  # E[Sigma_t + e_t e_t^T] = Sigma*


@pytest.mark.usefixtures("x64")
def test_a_traced_m_draws_what_the_same_number_known_draws():
    target, key = standard(2, jnp.float64), jax.random.key(1)
    before = draw(jax.random.key(0), target, 30)

    def corrected(m, gamma):
        return replacement_statistics(target, gamma, m, most=30)(key, before, target)[0].x

    program = jax.jit(corrected)
    for m in (1, 30):
        known = jax.jit(lambda gamma, m=m: corrected(m, gamma))(0.5)
        for one, other in zip(program(jnp.asarray(m, jnp.int32), 0.5), known, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def test_a_record_tells_how_far_it_moved(x64):
    target, before = standard(2, jnp.float64), draw(jax.random.key(0), standard(2, jnp.float64), 30)
    corrected, info = replacement_statistics(target, 1.0, 30)(jax.random.key(1), before, target)
    square = sum(jnp.sum((a - b) ** 2) for a, b in zip(corrected.x, before.x, strict=True))
    np.testing.assert_allclose(info["moved"], jnp.sqrt(square)[None], rtol=1e-12)
    assert not info["failed"].any()


def test_float32_costs_a_relative_rounding_of_a_fit():
    u = uniforms(jax.random.key(2), 2, 25, jnp.float32)
    k, rest = jnp.asarray(13, jnp.int32), jnp.asarray(12, jnp.int32)
    program = jax.jit(lambda u: standard_pair(u, k, rest, 2, 25))
    single_precision = program(u)
    with jax.enable_x64(True):
        exact = program(np.asarray(u, np.float64))
        for one, other in zip(jax.tree.leaves(single_precision), jax.tree.leaves(exact), strict=True):
            np.testing.assert_allclose(one, other, rtol=2e-6, atol=2e-5)


def test_samples_are_records_of_m_points():
    batch = jax.jit(lambda key: gaussian_statistics(2, 25).sample(key, state(2), None, 3))(jax.random.key(0))
    assert batch.capacity == 3
    np.testing.assert_array_equal(batch.x.count, np.full(3, 25.0))
    assert len(set(np.asarray(batch.x.total[:, 0]).tolist())) == 3


def test_what_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="m is 0 points a record; give 1 or more"):
        gaussian_statistics(2, 0)
    with pytest.raises(ConfigError, match="m is 31 points a record; give 1 to 30"):
        replacement_statistics(standard(2), 1.0, 31, most=30)
    with pytest.raises(ConfigError, match="gamma is -1"):
        replacement_statistics(standard(2), -1.0, 25)
    with pytest.raises(ConfigError, match="m is traced"):
        jax.jit(lambda m: gaussian_statistics(2, m).init(jax.random.key(0)))(5)
    few = single(Statistics(jnp.asarray(3.0), jnp.zeros(2), jnp.zeros((2, 2))))
    with pytest.raises(ConfigError, match="n is 3; .* 2 dimensions need 4"):
        gaussian_statistics(2, 3).fit(jax.random.key(0), few, None)


def test_a_fit_is_the_maximum_likelihood_of_the_points():
    x = jax.random.normal(jax.random.key(0), (40, 2)) * 2 + 1
    fitted, _ = gaussian_statistics(2, 5).fit(jax.random.key(0), record(uniform(x)), None)
    expected, _ = gaussian(2).fit(jax.random.key(0), Batch(x, jnp.ones(40)), None)
    np.testing.assert_allclose(fitted.mean, expected.mean, rtol=1e-5)
    np.testing.assert_allclose(fitted.covariance, expected.covariance, rtol=1e-4, atol=1e-5)
