"""The transformer: one law, whether its likelihood is asked for, or it writes; with the cache as without."""

import math
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from selfloop.batch import uniform
from selfloop.errors import ConfigError
from selfloop.models.neural import transformer as net
from selfloop.models.neural.training import Training
from selfloop.models.neural.transformer import TransformerConfig, transformer
from tests.documents import EVERY, T, V, at_half_temperature

SMALL = TransformerConfig(V, T, width=8, layers=2, heads=2)
STEPS = Training(batch=16, steps=60, first_steps=60, rate=1e-2, ema=0.9)
ALL = jnp.asarray(EVERY, jnp.int32)


@pytest.fixture(scope="module")
def own():
    model = transformer(SMALL, STEPS)
    state = model.init(jax.random.key(0))
    table = state.average["params"]["table"]
    average = {"params": state.average["params"] | {"table": 8 * table}}
    return model, state._replace(params=average, average=average)


@pytest.fixture(scope="module")
def law(own):
    model, state = own
    return np.exp(np.asarray(jax.jit(model.log_prob)(state, ALL), np.float64))


def test_all_documents_sum_to_one(law):
    assert np.isclose(law.sum(), 1, atol=1e-5)
    assert 0.05 < law.max() < 0.5  # neither uniform nor certain


def test_the_cache_gives_what_the_whole_gives(own):
    params, network = own[1].average, net.Decoder(SMALL)
    before = jnp.pad(ALL[:, :-1], ((0, 0), (1, 0)))
    whole, _ = network.apply(params, before, net.blank(SMALL, len(ALL)), 0)
    caches = net.blank(SMALL, len(ALL))
    for at in range(T):
        logits, caches = network.apply(params, before[:, at : at + 1], caches, at)
        np.testing.assert_allclose(logits[:, 0], whole[:, at], atol=2e-5)


def test_writing_with_the_cache_is_writing_without(own):
    """The same keys, every token from the logits of the whole document so far."""
    params, network, key = own[1].average, net.Decoder(SMALL), jax.random.key(3)
    found = net.written(key, network, params, 50)
    tokens, ended = jnp.zeros((50, T), jnp.int32), jnp.zeros(50, bool)
    for at, one in enumerate(jax.random.split(jax.random.split(key, 1)[0], T)):
        before = jnp.pad(tokens[:, :-1], ((0, 0), (1, 0)))
        logits, _ = network.apply(params, before, net.blank(SMALL, 50), 0)
        token = jnp.where(ended, 0, jax.random.categorical(one, logits[:, at]).astype(jnp.int32))
        tokens, ended = tokens.at[:, at].set(token), ended | (token == 0)
    np.testing.assert_array_equal(found, tokens)


def test_more_documents_than_are_written_at_a_time(own, monkeypatch):
    monkeypatch.setattr(net, "WRITTEN", 8)
    found = net.written(jax.random.key(3), net.Decoder(SMALL), own[1].average, 20)
    assert found.shape == (20, T)
    assert (found[:8] != found[8:16]).any()


def test_log_prob_sums_to_the_loss(own):
    params, x = own[1].average, ALL[5:]
    ended = jnp.pad(x[:, :-1] == 0, ((0, 0), (1, 0)))  # what stands behind the end
    total = jax.jit(own[0].log_prob)(own[1], x).sum()
    each = net.log_probs(net.Decoder(SMALL), params, x)
    assert np.isclose(float(total), float(each.sum()), rtol=1e-5)
    assert (np.asarray(each)[np.asarray(ended)] == 0).all()
    count = sum(min(one.index(0) + 1, T) if 0 in one else T for one in x.tolist())
    assert np.isclose(float(net.loss(net.Decoder(SMALL), params, x)), -float(total) / count, rtol=1e-5)


def test_samples_have_the_law_of_the_likelihood(own, law):
    assert p_value(own, 1.0, law) > 1e-6


def test_temperature_sharpens_each_token(own, law):
    """At 1/2 every token has its probability squared, not the document."""
    squared = at_half_temperature(law)
    assert p_value(own, 0.5, squared) > 1e-6
    assert p_value(own, 1.0, squared) < 1e-6


def p_value(own, temperature, law, n=4000):
    x = net.written(jax.random.key(1), net.Decoder(SMALL), own[1].average, n, temperature)
    drawn = Counter(map(tuple, np.asarray(x).tolist()))
    assert set(drawn) <= set(EVERY)
    order = np.argsort(law)
    seen, expected = np.array([drawn[EVERY[i]] for i in order]), n * law[order]
    group = np.minimum(np.cumsum(expected) // 10, 20).astype(int)
    seen, expected = np.bincount(group, seen), np.bincount(group, expected)
    return stats.chisquare(seen[expected > 0], expected[expected > 0] * n / expected.sum()).pvalue


@pytest.mark.slow
def test_it_learns_what_it_is_shown(own):
    model = own[0]
    state, info = model.fit(jax.random.key(0), uniform(ALL[-3:]), model.init(jax.random.key(0)))
    # Three documents, equally often: ln 3 nats each at the least, over 4 tokens.
    assert math.log(3) / T - 0.1 < float(info["loss"]) < math.log(3) / T + 0.25
    assert float(jnp.exp(model.log_prob(state, ALL[-3:])).sum()) > 0.5


def test_turned_queries_and_keys_meet_by_how_far_apart_they_are():
    query, key = jax.random.normal(jax.random.key(0), (2, 1, 1, 1, 8))
    at = lambda x, place: net.rotated(x, jnp.asarray([place], jnp.int32))  # noqa: E731
    score = lambda i, j: float((at(query, i) * at(key, j)).sum())  # noqa: E731
    assert np.isclose(score(7, 3), score(104, 100), atol=1e-4)
    assert not np.isclose(score(7, 3), score(8, 3), atol=1e-3)
    np.testing.assert_allclose(at(query, 0), query, atol=1e-6)


def test_the_size_is_that_of_the_formula(own):
    expected = V * 8 + 2 * (12 * 8**2 + 2 * 8) + 8
    assert net.parameters(own[1].params) == expected


@pytest.mark.parametrize(
    ("config", "temperature", "says"),
    [
        (SMALL, 0.0, "temperature is 0.0; give a number above 0"),
        (TransformerConfig(1, T), 1.0, "symbols is 1; give 2 or more"),
        (TransformerConfig(V, T, layers=0), 1.0, "layers is 0; give 1 or more"),
        (TransformerConfig(V, T, width=12, heads=4), 1.0, "width 12 with 4 heads: give a width that is a multiple"),
    ],
)
def test_what_cannot_be_is_told(config, temperature, says):
    with pytest.raises(ConfigError, match=says):
        transformer(config, STEPS, temperature)
