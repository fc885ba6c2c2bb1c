"""Laws of every registered model, on data that suit it."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from selfloop.batch import Batch, concatenate, keep, take
from selfloop.errors import ConfigError
from selfloop.protocols import Coordinates, Model
from tests.tables import MODELS

N, SPARE = 40, 5
SMOOTH = [name for name in MODELS if MODELS[name].smooth]
CHECKED = [name for name in MODELS if MODELS[name].model(jnp.dtype("float32")).check]


class Fitted(NamedTuple):
    """A model with its functions compiled, an untrained state, and its state after one fit to the data.

    The last five slots of the data are absent: all laws fit data of one size, so that each model compiles once.
    """

    model: Model
    data: Batch
    before: tuple
    after: tuple


@functools.cache
def once(name, precision):
    with jax.enable_x64(True):
        data = MODELS[name].data(jax.random.key(0), N + SPARE, jnp.float64)
    with jax.enable_x64(precision == "float64"):
        dtype = jnp.dtype(precision)
        model = MODELS[name].model(dtype)
        model = model._replace(
            fit=jax.jit(model.fit), sample=jax.jit(model.sample, static_argnums=3), log_prob=jax.jit(model.log_prob)
        )
        data = jax.tree.map(lambda leaf: leaf.astype(dtype) if leaf.dtype == jnp.float64 else leaf, data)
        data = keep(data, jnp.arange(N + SPARE) < N)
        before = model.init(jax.random.key(1))
        return Fitted(model, data, before, model.fit(jax.random.key(2), data, before)[0])


@pytest.fixture(params=[(name, precision) for name in MODELS for precision in ("float32", "float64")], ids="-".join)
def either(request):
    with jax.enable_x64(request.param[1] == "float64"):
        yield once(*request.param)


@pytest.fixture(params=MODELS)
def fitted(request):
    with jax.enable_x64(True):
        yield once(request.param, "float64")


@pytest.fixture(params=SMOOTH)
def smooth(request):
    """A model in float64, data, its fit, and the chart of its states."""
    with jax.enable_x64(True):
        model, data, _, after = once(request.param, "float64")
        leaves = Coordinates(lambda state: ravel_pytree(state)[0], ravel_pytree(after)[1])
        yield model, data, after, model.coordinates or leaves


def same(case, a, b):
    """Whether two states are the same law of the data."""
    x = case.data.x
    return jnp.allclose(case.model.log_prob(a, x), case.model.log_prob(b, x), rtol=1e-8, atol=1e-8)


def shapes(tree):
    return jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype, leaf.weak_type), tree)


def test_fit_keeps_structure_and_dtypes(either):
    assert shapes(either.after) == shapes(either.before)
    assert {leaf.dtype for leaf in jax.tree.leaves(either.after)} == {either.data.weight.dtype}


def test_samples_are_shaped_as_the_data(either):
    model, data, _, after = either
    data = take(data, jnp.arange(7))
    drawn = jax.eval_shape(lambda key: model.sample(key, after, data.cond, 7), jax.random.key(4))
    assert shapes(drawn) == shapes(data)


def test_samples_have_weight_one_and_depend_on_the_key_alone(fitted):
    cond = jax.tree.map(lambda leaf: leaf[:7], fitted.data.cond)
    one, again, other = (fitted.model.sample(jax.random.key(k), fitted.after, cond, 7) for k in (4, 4, 5))
    np.testing.assert_array_equal(one.weight, np.ones(7))
    np.testing.assert_array_equal(one.x, again.x)
    assert not np.array_equal(one.x, other.x)


@pytest.mark.parametrize("name", MODELS)
def test_float32_fits_as_float64_does(name):
    single, double = once(name, "float32"), once(name, "float64")
    with jax.enable_x64(True):
        expected = double.model.log_prob(double.after, double.data.x)
    # A fit's rounding is about the square root of n times 6e-8, times the condition of its problem (below 1000 here).
    np.testing.assert_allclose(single.model.log_prob(single.after, single.data.x), expected, atol=1e-3, rtol=1e-3)


def test_absent_samples_have_no_influence(fitted):
    other = jax.tree.map(lambda leaf: leaf.at[N:].set(3), fitted.data)._replace(weight=fitted.data.weight)
    assert same(fitted, fitted.model.fit(jax.random.key(2), other, fitted.before)[0], fitted.after)


def test_weight_two_is_the_sample_twice(fitted):
    model, data, before, after = fitted
    doubled = data._replace(weight=data.weight.at[:SPARE].set(2))
    repeated = concatenate(take(data, jnp.arange(N)), take(data, jnp.arange(SPARE)))
    one, two = (model.fit(jax.random.key(3), batch, before)[0] for batch in (doubled, repeated))
    assert same(fitted, one, two)
    assert not same(fitted, one, after)


def test_generations_run_under_scan_and_vmap(fitted):
    model, data, _, after = fitted
    cond = jax.tree.map(lambda leaf: leaf[: N // 2], data.cond)

    def step(state, key):
        key_sample, key_fit = jax.random.split(key)
        state, _ = model.fit(key_fit, concatenate(data, model.sample(key_sample, state, cond, N // 2)), state)
        return state, None

    chains = jax.vmap(lambda key: jax.lax.scan(step, after, jax.random.split(key, 3))[0])
    keys = jax.random.split(jax.random.key(6), 2)
    lowered = jax.jit(chains).lower(keys)
    assert "lapack" not in lowered.as_text()  # batched LAPACK calls can wait for each other for ever
    states = lowered.compile()(keys)
    one, other = (jax.tree.map(lambda leaf, at=at: leaf[at], states) for at in (0, 1))
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(states))
    assert not same(fitted, one, after)
    assert not same(fitted, one, other)


def test_the_fit_is_a_maximum_of_the_likelihood(smooth):
    model, data, after, chart = smooth
    mean = lambda theta: data.weight @ model.log_prob(chart.state(theta), data.x) / N  # noqa: E731
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
    cond = jax.tree.map(lambda leaf: leaf[jnp.arange(n) % N], data.cond)
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


@pytest.mark.parametrize("name", CHECKED)
def test_a_good_fit_passes_its_models_check_and_a_degenerate_state_does_not(name):
    with jax.enable_x64(True):
        model, _, _, after = once(name, "float64")
        model.check(after)
        with pytest.raises(ConfigError):
            model.check(jax.tree.map(lambda leaf: jnp.full_like(leaf, jnp.nan), after))
