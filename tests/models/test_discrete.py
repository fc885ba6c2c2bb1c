"""The lookup table and Zipf's law against counts and closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import Batch, uniform
from selfloop.errors import ConfigError, DataError
from selfloop.metrics.tails import expected_unseen_mass, unseen_mass
from selfloop.models.discrete import DiscreteState, discrete, zipf


def labels(*x):
    return jnp.asarray(x, jnp.int32)


def test_the_fit_is_the_table_of_weighted_frequencies():
    batch = Batch(labels(0, 2, 2, 1), jnp.asarray([1.0, 2.0, 1.0, 0.0]))
    np.testing.assert_array_equal(discrete(4).fit(jax.random.key(0), batch, None)[0].probs, [0.25, 0, 0.75, 0])


def test_samples_follow_the_table_and_a_lost_symbol_never_returns():
    probs, n = np.asarray([0.5, 0.0, 0.3, 0.2], np.float32), 40_000
    x = discrete(4).sample(jax.random.key(0), DiscreteState(jnp.asarray(probs)), None, n).x
    assert x.dtype == jnp.int32
    share = np.bincount(x, minlength=4) / n
    np.testing.assert_array_less(np.abs(share - probs), 5 * np.sqrt(probs * (1 - probs) / n) + 1e-12)


def test_log_prob_is_that_of_the_table():
    state = DiscreteState(jnp.asarray([0.5, 0.25, 0.25]))
    np.testing.assert_allclose(discrete(3).log_prob(state, labels(1, 0)), np.log([0.25, 0.5]), rtol=1e-6)


@pytest.mark.usefixtures("x64")
def test_zipf_falls_with_its_exponent():
    p = zipf(1.5, 1000, jnp.float64)
    assert p.sum() == pytest.approx(1, abs=1e-14)
    np.testing.assert_allclose(np.diff(np.log(p)) / np.diff(np.log(np.arange(1, 1001))), -1.5, rtol=1e-9)


@pytest.mark.usefixtures("x64")
def test_expected_unseen_mass_is_the_mean_of_unseen_mass():
    p, n, chains = zipf(2.0, 50, jnp.float64), 20, 2000
    model = discrete(50, jnp.float64)

    def unseen(key):
        draws = model.sample(key, DiscreteState(p), None, n)
        return unseen_mass(p, model.fit(key, draws, None)[0].probs)

    values = jax.jit(jax.vmap(unseen))(jax.random.split(jax.random.key(0), chains))
    expected = sum(float(q) * (1 - float(q)) ** n for q in p)
    assert expected_unseen_mass(p, n) == pytest.approx(expected, rel=1e-12)
    assert abs(values.mean() - expected) < 5 * values.std() / np.sqrt(chains)


def test_a_symbol_without_mass_has_no_logit():
    with pytest.raises(ConfigError, match="2 of 4 symbols have probability 0, the first is symbol 1"):
        discrete(4).check(DiscreteState(jnp.asarray([0.5, 0.0, 0.5, 0.0])))


@pytest.mark.parametrize("wrong", [-1, 3])
def test_a_label_that_is_no_symbol_is_refused_unless_it_is_absent(wrong):
    x, weight = labels(0, wrong, 1), jnp.ones(3)
    with pytest.raises(DataError, match=f"label of row 1 is {wrong}; symbols are 0 to 2"):
        discrete(3).fit(jax.random.key(0), uniform(x), None)
    state, _ = discrete(3).fit(jax.random.key(0), Batch(x, weight.at[1].set(0)), None)
    np.testing.assert_array_equal(state.probs, [0.5, 0.5, 0])


@pytest.mark.parametrize("make", [lambda: discrete(1), lambda: zipf(2.0, 1), lambda: zipf(1.0, 5)])
def test_settings_out_of_range_are_refused(make):
    with pytest.raises(ConfigError, match="k, the number of symbols, is 1|beta is 1.0"):
        make()
