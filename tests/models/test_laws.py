"""Laws of every registered model."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import concatenate, keep, uniform
from tests.tables import MODELS

N = 40


@pytest.fixture(params=MODELS, name="fitted")
def _fitted(request):
    """A model, data of its precision, and its state after one fit."""
    with jax.enable_x64("float64" in request.param):
        model = MODELS[request.param]()
        dtype = jnp.float64 if "float64" in request.param else jnp.float32
        data = uniform(1 + 2 * jax.random.normal(jax.random.key(0), (N, 2), dtype))
        state = model.init(jax.random.key(1))
        yield model, data, state, model.fit(jax.random.key(2), data, state)[0]


def same(a, b, tolerance=1e-5):
    return all(jnp.allclose(x, y, atol=tolerance) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


def test_fit_keeps_structure_and_dtypes(fitted):
    model, data, state, after = fitted
    shapes = lambda tree: jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype, leaf.weak_type), tree)  # noqa: E731
    assert shapes(after) == shapes(state)


def test_absent_samples_have_no_influence(fitted):
    model, data, state, after = fitted
    poison = keep(uniform(jnp.full_like(data.x, jnp.nan)), jnp.zeros(N, bool))
    with_absent, _ = model.fit(jax.random.key(2), concatenate(data, poison), state)
    assert same(with_absent, after)


def test_weight_two_is_the_sample_twice(fitted):
    model, data, state, _ = fitted
    doubled = data._replace(weight=data.weight.at[:5].set(2))
    repeated = concatenate(data, jax.tree.map(lambda leaf: leaf[:5], data))
    key = jax.random.key(3)
    assert same(model.fit(key, doubled, state)[0], model.fit(key, repeated, state)[0])


def test_samples_have_weight_one_and_depend_on_the_key_alone(fitted):
    model, data, _, after = fitted
    one, again, other = (model.sample(jax.random.key(k), after, None, 7) for k in (4, 4, 5))
    assert one.x.shape == (7, 2)
    assert one.x.dtype == data.x.dtype
    np.testing.assert_array_equal(one.weight, np.ones(7))
    np.testing.assert_array_equal(one.x, again.x)
    assert not np.allclose(one.x, other.x)


def test_traced_equals_eager(fitted):
    model, data, state, after = fitted
    traced = jax.jit(lambda key, batch: model.fit(key, batch, state)[0])(jax.random.key(2), data)
    assert same(traced, after)
    assert same(
        jax.jit(lambda key: model.sample(key, after, None, 7).x)(jax.random.key(4)),
        model.sample(jax.random.key(4), after, None, 7).x,
    )
