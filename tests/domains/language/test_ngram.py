"""The n-gram against a dictionary, against the sum of all documents, and against its own samples."""

from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from selfloop.batch import uniform
from selfloop.domains.language import ngram as ngrams
from selfloop.domains.language.ngram import NgramConfig, ngram
from selfloop.errors import ConfigError
from tests.documents import EVERY, T, V, at_half_temperature

CONFIGS = {
    "exact": NgramConfig(V, T, order=3, bits=10),
    "hashed": NgramConfig(V, T, order=4, bits=2),
    "clock": NgramConfig(V, T, order=3, bits=6, clock=(0, 1, 2, 3)),
    "unigram": NgramConfig(V, T, order=1, bits=4),
}


@pytest.fixture
def real():
    rows = np.random.default_rng(0).choice(len(EVERY), 12)
    return uniform(jnp.asarray(np.array(EVERY)[rows].astype(np.int32)))


def fitted(config, batch):
    return ngram(config).fit(jax.random.key(0), batch, None)[0]


def by_dictionary(config, batch, document):
    """log p of a document by the formula, from Python dictionaries of contexts as they are."""
    counts = Counter()
    for row, weight in zip(np.asarray(batch.x).tolist(), np.asarray(batch.weight).tolist(), strict=True):
        for k, context, token in pieces(config, row):
            counts[k, context, token] += weight
    total = 0.0
    found = {}
    for k, context, token in pieces(config, list(document)):
        after = [counts[k, context, y] for y in range(V)]
        types = sum(c > 0 for c in after)
        below = found.get(k - 1, 1 / V) if k else 1 / V
        found[k] = (after[token] + types * below) / (sum(after) + types) if types else below
        if k == config.order - 1:
            total += np.log(found[k])
    return total


def pieces(config, row):
    """Every order, context and token of a document up to its end."""
    clock = config.clock or (0,) * T
    for t, token in enumerate(row):
        past = [0] * config.order + row[:t]
        for k in range(config.order):
            yield k, (clock[t], *past[len(past) - k :]), token
        if token == 0:
            return


@pytest.mark.parametrize("name", ["exact", "clock", "unigram"])
def test_the_likelihood_is_that_of_the_formula(real, name):
    config = CONFIGS[name]
    real = real._replace(weight=real.weight * jnp.linspace(0.5, 2, 12, dtype=jnp.float32))
    found = ngrams.log_prob(config, fitted(config, real), jnp.asarray(EVERY, jnp.int32))
    np.testing.assert_allclose(found, [by_dictionary(config, real, one) for one in EVERY], rtol=1e-4)


@pytest.mark.parametrize("name", CONFIGS)
def test_all_documents_sum_to_one(real, name):
    config = CONFIGS[name]
    for state in (fitted(config, real), ngram(config).init(jax.random.key(0)), ngrams.shorter(fitted(config, real), 1)):
        found = ngrams.log_prob(config, state, jnp.asarray(EVERY, jnp.int32))
        assert np.isclose(np.exp(np.asarray(found, np.float64)).sum(), 1, atol=1e-5)


@pytest.mark.parametrize("name", CONFIGS)
def test_samples_have_the_law_of_the_likelihood(real, name):
    config, n = CONFIGS[name], 4000
    state = fitted(config, real)
    assert p_value(config, state, 1.0, n, np.exp(ngrams.log_prob(config, state, jnp.asarray(EVERY, jnp.int32)))) > 1e-6


def test_temperature_sharpens_each_token(real):
    """At 1/2 every token has its probability squared, not the document."""
    config = CONFIGS["exact"]
    state = fitted(config, real)
    law = np.exp(ngrams.log_prob(config, state, jnp.asarray(EVERY, jnp.int32)))
    law = at_half_temperature(law)
    assert np.isclose(sum(law), 1, atol=1e-5)
    assert p_value(config, state, 0.5, 4000, law) > 1e-6
    assert p_value(config, state, 1.0, 4000, law) < 1e-6


def p_value(config, state, temperature, n, law):
    drawn = Counter(map(tuple, np.asarray(ngram(config, temperature).sample(jax.random.key(1), state, None, n).x)))
    assert set(drawn) <= set(EVERY)
    order = np.argsort(law)
    seen, expected = np.array([drawn[EVERY[i]] for i in order]), n * law[order]
    group = np.minimum(np.cumsum(expected) // 10, 20).astype(int)
    seen, expected = np.bincount(group, seen), np.bincount(group, expected)
    return stats.chisquare(seen[expected > 0], expected[expected > 0] * n / expected.sum()).pvalue


def test_what_has_no_weight_has_no_influence(real):
    config = CONFIGS["hashed"]
    other = real._replace(
        x=jnp.concatenate([real.x[:6], jnp.full_like(real.x[6:], 2)]), weight=real.weight.at[6:].set(0)
    )
    first = jax.tree.map(lambda leaf: leaf[:6], real)
    for one, two in zip(fitted(config, other), fitted(config, first), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_biased_pair_is_written_more_often(real):
    config = CONFIGS["exact"]
    state, bias = fitted(config, real), jnp.zeros((V, V)).at[:, 2].set(20.0)
    found = ngrams.written(jax.random.key(0), config, state, 50, bias=bias)
    assert (np.asarray(found) == 2).all()


@pytest.mark.parametrize(
    ("config", "temperature", "says"),
    [
        (CONFIGS["exact"], 0.0, "temperature is 0.0; give a number above 0"),
        (CONFIGS["exact"], -1.0, "temperature is -1.0; give a number above 0"),
        (NgramConfig(V, T, order=0), 1.0, "order is 0; give 1 or more"),
        (NgramConfig(1, T), 1.0, "1 symbols; give 2 or more"),
        (NgramConfig(V, T, clock=(0, 1)), 1.0, "clock has 2 numbers for 4 places"),
        (NgramConfig(V, T, bits=1, clock=(0, 1, 2, 3)), 1.0, "clock goes to 3, tables have 2.1 rows"),
    ],
)
def test_what_cannot_be_is_told(config, temperature, says):
    with pytest.raises(ConfigError, match=says):
        ngram(config, temperature)
