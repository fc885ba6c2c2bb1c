"""Laws of every registered model, on data that suit it."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from selfloop import policies, sources
from selfloop.batch import Batch, concatenate, keep, take
from selfloop.loop import Coordinates, Loop, Model, scan
from tests.tables import MODELS

N = 40
SMOOTH = [name for name in MODELS if MODELS[name].smooth]


class Fitted(NamedTuple):
    """A model with its functions compiled, data of its precision, an untrained state and the state after one fit."""

    model: Model
    data: Batch
    before: tuple
    after: tuple
    tolerance: float


@functools.cache
def once(name, precision):
    dtype = jnp.dtype(precision)
    model = MODELS[name].model(dtype)
    model = model._replace(
        fit=jax.jit(model.fit), sample=jax.jit(model.sample, static_argnums=3), log_prob=jax.jit(model.log_prob)
    )
    data = MODELS[name].data(jax.random.key(0), N, dtype)
    before = model.init(jax.random.key(1))
    after = model.fit(jax.random.key(2), data, before)[0]
    return Fitted(model, data, before, after, 1e-8 if precision == "float64" else 1e-4)


@pytest.fixture(params=[(name, precision) for name in MODELS for precision in ("float32", "float64")], ids="-".join)
def fitted(request):
    with jax.enable_x64(request.param[1] == "float64"):
        yield once(*request.param)


@pytest.fixture(params=MODELS)
def fitted64(request):
    with jax.enable_x64(True):
        yield once(request.param, "float64")


@pytest.fixture(params=SMOOTH)
def smooth(request):
    """A model in float64, data, its fit, and the chart of its states."""
    with jax.enable_x64(True):
        model, data, _, after, _ = once(request.param, "float64")
        leaves = Coordinates(lambda state: ravel_pytree(state)[0], ravel_pytree(after)[1])
        yield model, data, after, model.coordinates or leaves


def same(case, a, b):
    """Whether two states are the same law of the data, up to what the precision can tell after a fit."""
    model, data, *_, tolerance = case
    return jnp.allclose(model.log_prob(a, data.x), model.log_prob(b, data.x), rtol=tolerance, atol=tolerance)


def shapes(tree):
    return jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype, leaf.weak_type), tree)


def test_fit_keeps_structure_and_dtypes(fitted):
    assert shapes(fitted.after) == shapes(fitted.before)
    assert {leaf.dtype for leaf in jax.tree.leaves(fitted.after)} == {fitted.data.weight.dtype}


def test_absent_samples_have_no_influence(fitted):
    bad = lambda leaf: jnp.full_like(leaf[:5], jnp.nan if leaf.dtype != jnp.int32 else 99)  # noqa: E731
    poison = keep(jax.tree.map(bad, fitted.data), jnp.zeros(5, bool))
    with_absent, _ = fitted.model.fit(jax.random.key(2), concatenate(fitted.data, poison), fitted.before)
    assert same(fitted, with_absent, fitted.after)


def test_weight_two_is_the_sample_twice(fitted):
    data, key = fitted.data, jax.random.key(3)
    doubled = data._replace(weight=data.weight.at[:5].set(2))
    repeated = concatenate(data, jax.tree.map(lambda leaf: leaf[:5], data))
    one, two = (fitted.model.fit(key, batch, fitted.before)[0] for batch in (doubled, repeated))
    assert same(fitted, one, two)
    assert not same(fitted, one, fitted.after)


def test_samples_have_weight_one_and_depend_on_the_key_alone(fitted):
    cond = jax.tree.map(lambda leaf: leaf[:7], fitted.data.cond)
    one, again, other = (fitted.model.sample(jax.random.key(k), fitted.after, cond, 7) for k in (4, 4, 5))
    assert shapes(one) == shapes(take(fitted.data, jnp.arange(7)))
    np.testing.assert_array_equal(one.weight, np.ones(7))
    np.testing.assert_array_equal(one.x, again.x)
    assert not np.array_equal(one.x, other.x)


def test_compiled_equals_eager(fitted64):
    # The model's functions are compiled in these laws; without `jit` the same goes on, and inputs are looked at.
    eager, _ = fitted64.model.fit.__wrapped__(jax.random.key(2), fitted64.data, fitted64.before)
    assert same(fitted64, eager, fitted64.after)


def test_chains_run_under_vmap(fitted64):
    model, data, before, after, _ = fitted64
    loop = Loop(model, policies.augment(0.5), sources.fixed(data), N // 2)
    chains = jax.vmap(lambda key: scan(loop, key, 3, lambda key, result: result.state)[1])
    states = jax.jit(chains)(jax.random.split(jax.random.key(6), 2))
    first, last, other = (jax.tree.map(lambda leaf, at=at: leaf[at], states) for at in ((0, 0), (0, 3), (1, 3)))
    assert shapes(first) == shapes(before)
    assert same(fitted64, first, after)
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(states))
    assert not same(fitted64, last, first)
    assert not same(fitted64, last, other)


def test_the_fit_is_a_maximum_of_the_likelihood(smooth):
    model, data, after, chart = smooth
    mean = lambda theta: jnp.mean(model.log_prob(chart.state(theta), data.x))  # noqa: E731
    slope, curvature = jax.jit(lambda theta: (jax.grad(mean)(theta), jax.hessian(mean)(theta)))(chart.theta(after))
    np.testing.assert_allclose(slope, 0, atol=1e-8)
    assert np.linalg.eigvalsh(curvature).max() < 0


def test_a_refit_to_the_same_data_stays(smooth):
    model, data, after, chart = smooth
    again, _ = model.fit(jax.random.key(9), data, after)
    np.testing.assert_allclose(chart.theta(again), chart.theta(after), atol=1e-8)


def test_the_score_has_mean_zero_over_own_samples(smooth):
    model, data, after, chart = smooth
    n = 2000
    cond = jax.tree.map(lambda leaf: jnp.tile(leaf, (n // N, *[1] * (leaf.ndim - 1))), data.cond)
    own = model.sample(jax.random.key(7), after, cond, n).x
    score = jax.jit(jax.jacfwd(lambda theta: model.log_prob(chart.state(theta), own)))(chart.theta(after))
    # Five standard errors: a false alarm less than once in a million per figure, and the key is fixed.
    np.testing.assert_array_less(np.abs(score.mean(0)), 5 * score.std(0) / np.sqrt(n))


def test_coordinates_are_free_numbers_that_give_the_state_back(smooth):
    _, _, after, chart = smooth
    theta = chart.theta(after)
    back = chart.state(theta)
    assert theta.ndim == 1
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-9), back, after)
    np.testing.assert_allclose(chart.theta(back), theta, atol=1e-9)


def test_a_good_fit_passes_its_models_check(smooth):
    model, _, after, _ = smooth
    if model.check:
        model.check(after)
