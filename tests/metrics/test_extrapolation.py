from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from selfloop import metrics
from selfloop.metrics import Moments, moments, squared_frechet

extrapolated = jax.jit(metrics.extrapolated_frechet, static_argnames=("sizes", "draws"))
KEY = jax.random.key(0)


def white(f: int) -> Moments:
    return Moments(jnp.zeros(f), jnp.eye(f))


def on_the_line(x: np.ndarray) -> float:
    """Squared Frechet distance of numbers from N(0, 1)."""
    return float(x.mean() ** 2 + (x.std(ddof=1) - 1) ** 2)


def test_two_sizes_are_all_halves_and_the_whole():
    """The line through (1 / 3, mean of the 20 halves) and (1 / 6, all six) meets 0 at twice the latter less the former.

    Absent samples are in none."""
    x = np.array([-1.0, 0.3, 2.0, 0.5, -0.4, 1.7], np.float32)
    halves = [on_the_line(x[list(chosen)]) for chosen in combinations(range(6), 3)]
    holed, weight = np.insert(x, [0, 2, 6], np.nan)[:, None], jnp.array([0.0, 1, 1, 0, 1, 1, 1, 1, 0])
    error = 5 * np.std(halves) / np.sqrt(4000)
    for samples, present in ((x[:, None], None), (holed, weight)):
        got = extrapolated(KEY, samples, white(1), present, sizes=2, draws=4000)
        assert abs(got - (2 * on_the_line(x) - np.mean(halves))) < error


def test_the_bias_of_the_first_order_is_gone():
    n, f, repeats = 200, 6, 200
    x = jax.random.normal(KEY, (repeats, n, f))
    keys = jax.random.split(jax.random.key(1), repeats)
    got = jax.jit(jax.vmap(lambda key, x: metrics.extrapolated_frechet(key, x, white(f))))(keys, x)
    plain = jax.jit(jax.vmap(lambda x: squared_frechet(moments(x), white(f))))(x)
    bias = (f + f * (f + 1) / 4) / n
    assert abs(plain.mean() - bias) < 0.15 * bias
    assert abs(got.mean()) < 4 * got.std() / np.sqrt(repeats) + bias * f / n  # next order in f / n


def test_far_laws_keep_their_distance():
    x = np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32) + np.float32(2)
    wanted = squared_frechet(moments(x), white(3))
    assert abs(extrapolated(KEY, x, white(3)) - wanted) < 0.02 * wanted


def test_many_at_once_agree_with_one_by_one():
    x = jax.random.normal(KEY, (3, 40, 8))
    many = jax.jit(jax.vmap(lambda x: metrics.extrapolated_frechet(KEY, x, white(8))))
    one_by_one = [extrapolated(KEY, each, white(8)) for each in x]
    for _ in range(3):
        np.testing.assert_allclose(many(x), one_by_one, rtol=1e-3, atol=1e-4)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), shift=st.floats(-2, 2), scale=st.floats(0.5, 3))
def test_units_and_places_do_not_matter(seed, shift, scale):
    x = np.random.default_rng(seed).normal(size=(24, 3)).astype(np.float32)
    key, shift, scale = jax.random.key(seed), np.float32(shift), np.float32(scale)
    value = extrapolated(key, x, white(3))
    moved = extrapolated(key, scale * x + shift, Moments(jnp.zeros(3) + shift, scale**2 * jnp.eye(3)))
    assert np.isclose(moved, scale**2 * value, rtol=1e-3, atol=1e-3)
    assert np.isclose(extrapolated(key, x, white(3), jnp.full(24, 2.0)), value, rtol=1e-3, atol=1e-4)
