"""Models of ordinary Python functions: the laws of every model, states that pickle, and drivers that stop and go on."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import selfloop as sl
from selfloop import policies, sources
from selfloop.batch import keep, uniform
from selfloop.errors import ConfigError, StoppedError
from selfloop.models.external import external
from selfloop.protocols import Loop

N, M = 40, 20
ROWS = np.random.default_rng(4).normal([1.0, -2.0], [2.0, 0.5], (N, 2)).astype(np.float32)
KEY = jax.random.key(8)


class Bag:
    """A generator with a state of its own: a bootstrap of what it has seen, and how often it has been fitted."""

    def __init__(self, seed, samples, before):
        rng = np.random.default_rng(seed)
        self.points = samples[rng.integers(len(samples), size=len(samples))]
        self.fits = 1 if before is None else before.fits + 1


def fit(seed, samples, previous):
    return Bag(seed, samples, previous)


def draw(seed, state, n):
    rng = np.random.default_rng(seed)
    return state.points[rng.integers(len(state.points), size=n)] + 0.1 * rng.normal(size=(n, 2))


def moments(seed, samples, previous, weight):
    return np.average(samples, axis=0, weights=weight)


def around(seed, state, n):
    return np.random.default_rng(seed).normal(state, 1.0, (n, 2))


def bag():
    return external(fit, draw, ROWS)


def fitted(model, batch, key=KEY):
    return model.fit(key, batch, model.init(key))[0]


def same(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


def test_fit_keeps_structure_and_samples_are_as_asked_and_hang_on_the_key_alone():
    model = bag()
    state = fitted(model, uniform(ROWS))
    shapes = lambda tree: jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), tree)  # noqa: E731
    assert shapes(state) == shapes(model.init(KEY))
    one, again, other = (model.sample(jax.random.key(k), state, None, M) for k in (1, 1, 2))
    assert (one.x.shape, one.x.dtype) == ((M, 2), jnp.float32)
    np.testing.assert_array_equal(one.weight, 1)
    same(one, again)
    assert not np.array_equal(one.x, other.x)
    same(state, fitted(model, uniform(ROWS)))
    assert not np.array_equal(state.pickled, fitted(model, uniform(ROWS), jax.random.key(9)).pickled)


def test_absent_samples_are_not_shown_and_weight_two_is_the_sample_twice():
    seen = []
    model = external(lambda seed, x, previous: seen.append(x) or x.mean(0), around, ROWS)
    seen.clear()
    batch = uniform(jnp.asarray(ROWS).at[5].set(jnp.nan))
    fitted(model, batch._replace(weight=batch.weight.at[5].set(0)))
    fitted(model, uniform(ROWS)._replace(weight=jnp.ones(N).at[:3].set(2)))
    np.testing.assert_array_equal(seen[0], np.delete(ROWS, 5, 0))
    np.testing.assert_array_equal(seen[1], np.repeat(ROWS, [2] * 3 + [1] * (N - 3), axis=0))


def test_a_fit_that_takes_weights_is_told_them():
    model = external(
        lambda seed, samples, previous, weight=None: samples[:1] if weight is None else moments(0, samples, 0, weight),
        lambda seed, state, n: np.zeros((n, 2)) + state,
        ROWS,
    )
    weight = jnp.linspace(0.5, 3, N).at[0].set(0)
    state = fitted(model, uniform(ROWS)._replace(weight=weight))
    expected = np.average(ROWS, axis=0, weights=np.asarray(weight))
    np.testing.assert_allclose(model.sample(KEY, state, None, 1).x[0], expected, rtol=1e-5)


def test_each_part_of_what_is_drawn_has_the_law_though_draw_sorts():
    """A mixture that is drawn component by component: half of the first half are of each."""
    sides = lambda seed, state, n: np.sign(np.arange(n) - n // 2 + 0.5)[:, None] * [1.0, 0.0]  # noqa: E731
    model = external(lambda seed, x, previous: 0, sides, ROWS)
    x = model.sample(KEY, fitted(model, uniform(ROWS)), None, 4000).x[:2000, 0]
    # Without replacement: the standard error of the mean of 2000 of 4000 signs is sqrt(1/2000 (1 - 1/2)) = 0.016.
    assert abs(float(x.mean())) < 5 * 0.016


def loop(model, corrector=sl.identity, policy=None):
    return Loop(model, policy or policies.augment(0.5), sources.fixed(uniform(ROWS)), corrector=corrector)


def test_the_state_of_the_generation_before_is_handed_on():
    import pickle

    carry, _ = sl.begin(loop(bag()), KEY)
    for t in (1, 2, 3):
        carry, _ = sl.generation(loop(bag()), KEY, jnp.asarray(t, jnp.int32), carry)
    assert pickle.loads(np.asarray(carry.state.pickled).tobytes()[: int(carry.state.length)]).fits == 4


@pytest.mark.parametrize("made", [bag, lambda: sl.gaussian(2)])
def test_a_driver_that_is_stopped_goes_on_to_the_same_end_or_refuses(tmp_path, made):
    def stopping(key, result):
        if int(result.t) == 3:
            raise KeyboardInterrupt

    seen = []
    fast = sl.external_corrector(lambda seed, x: x / 2)
    watch = lambda key, result: seen.append(int(result.t))  # noqa: E731
    straight = sl.checkpointed(loop(made(), fast), KEY, 5, tmp_path / "one", watch)
    with pytest.raises(KeyboardInterrupt):
        sl.checkpointed(loop(made(), fast), KEY, 5, tmp_path / "two", stopping)
    seen.clear()
    same(sl.checkpointed(loop(made(), fast), KEY, 5, tmp_path / "two", watch), straight)
    assert seen == [3, 4, 5]
    same(sl.checkpointed(loop(made(), fast), KEY, 5, tmp_path / "two", watch), straight)
    assert seen == [3, 4, 5]
    with pytest.raises(ConfigError, match="its key differ"):
        sl.checkpointed(loop(made(), fast), jax.random.key(1), 5, tmp_path / "two", watch)


def test_a_driver_refuses_another_loop_and_more_than_its_memory(tmp_path):
    def drive(gamma, generations=2, policy=None):
        corrector = sl.replacement(lambda key, n: jax.random.normal(key, (n, 2)), gamma)
        made = Loop(sl.gaussian(2), policy or policies.accumulate(), sources.fixed(uniform(ROWS)), M, corrector)
        return sl.checkpointed(made, KEY, generations, tmp_path, lambda key, result: None)

    drive(1.0)
    drive(1.0)
    for change, told in (((2.0,), "its parts differ"), ((1.0, 3), "memory has room for no more")):
        with pytest.raises(ConfigError, match=told):
            drive(*change)


def test_a_driver_does_not_begin_in_a_folder_of_something_else(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty and holds no loop"):
        sl.checkpointed(loop(bag()), KEY, 2, tmp_path, lambda key, result: None)


def test_samples_that_are_nan_fail_and_a_corrector_that_spoils_all_ends_the_chain():
    half = sl.external_corrector(lambda seed, x: np.where(x > 1, np.nan, x))
    result, info = half(KEY, uniform(ROWS), None)
    np.testing.assert_array_equal(info["failed"], (ROWS > 1).any(1))
    np.testing.assert_array_equal(result.weight, ~(ROWS > 1).any(1))
    spoils = loop(bag(), sl.external_corrector(lambda seed, x: x * np.nan))
    carry, _ = sl.begin(spoils, KEY)
    with pytest.raises(StoppedError, match="in generation 1: every synthetic sample failed"):
        sl.generation(spoils, KEY, jnp.asarray(1, jnp.int32), carry)


def test_an_external_corrector_sees_what_is_present_and_leaves_the_rest():
    batch = keep(uniform(ROWS), jnp.arange(N) % 4 > 0)
    result, info = sl.external_corrector(lambda seed, x: x + 3)(KEY, batch, None)
    np.testing.assert_allclose(result.x, np.where((np.arange(N) % 4 > 0)[:, None], ROWS + 3, 0), rtol=1e-6)
    np.testing.assert_allclose(info["moved"], np.where(np.arange(N) % 4 > 0, 3 * 2**0.5, 0), rtol=1e-5)
