"""Correction by weights: verifier, curation, failure."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import keep, uniform
from selfloop.correctors.curation import curation, curation_by_weights, preference
from selfloop.correctors.failing import failing
from selfloop.correctors.idealized import replacement
from selfloop.correctors.verifier import verifier
from selfloop.errors import ConfigError
from selfloop.protocols import identity
from tests.correctors.once import once

REWARD = np.array([0, 0.3, 0.5, 1, 1])
SHARE = np.array([0.3, 0.3, 0.2, 0.15, 0.05])


def enumerated(choices):
    """H_K over all K - 1 rivals of each of five symbols."""
    total, value = np.zeros(5), np.exp(REWARD)
    for rivals in product(range(5), repeat=choices - 1):
        total += np.prod(SHARE[list(rivals)]) * choices * value / (value + value[list(rivals)].sum())
    return total


@pytest.mark.parametrize("choices", [1, 2, 3, 4])
def test_preference_is_the_sum_over_all_rivals(choices, x64):
    got = jax.jit(preference, static_argnums=2)(jnp.asarray(REWARD), jnp.asarray(SHARE), choices)
    np.testing.assert_allclose(got, enumerated(choices), rtol=1e-12)
    np.testing.assert_allclose(SHARE @ got, 1, rtol=1e-12)


def test_preference_of_infinitely_many_choices_is_the_tilt(x64):
    tilt = np.exp(REWARD) / (SHARE @ np.exp(REWARD))
    np.testing.assert_allclose(preference(jnp.asarray(REWARD), jnp.asarray(SHARE), float("inf")), tilt, rtol=1e-14)
    # Of K choices the sum over rivals fluctuates by 1 / sqrt(K), its mean's bias by 1 / K.
    np.testing.assert_allclose(preference(jnp.asarray(REWARD), jnp.asarray(SHARE), 10_000), tilt, rtol=1e-3)


@pytest.mark.parametrize("choices", [2, 3])
def test_curated_samples_have_the_law_of_the_sum_over_all_rivals(choices):
    m = 60_000
    labels = jnp.asarray(np.random.default_rng(0).choice(5, m, p=SHARE), jnp.int32)
    corrected, info = once(curation(lambda x: jnp.asarray(REWARD, jnp.float32)[x], choices), 1, uniform(labels))
    kept = m // choices
    assert corrected.weight.sum() == kept
    assert not info["failed"].any()
    law = SHARE * enumerated(choices)
    share = np.bincount(np.asarray(corrected.x), np.asarray(corrected.weight), 5) / kept
    assert (abs(share - law) < 5 * np.sqrt(law * (1 - law) / kept)).all()


def test_curation_takes_one_present_sample_of_each_group():
    batch = keep(uniform(jnp.arange(10.0)[:, None]), jnp.array([1, 1, 1, 0, 1, 0, 0, 0, 0, 1], bool))
    corrected, _ = once(curation(lambda x: 100 * x[:, 0], 3), 0, batch)
    # Groups 0-2, 3-5, 6-8 keep their present best, the third has none; slot 9 is beyond the last whole group.
    np.testing.assert_array_equal(np.flatnonzero(corrected.weight), [2, 4])


def test_curating_a_law_raises_the_reward_as_the_lemma_says_and_ends_on_the_best(x64):
    """E e^r grows by at least (K - 1) / K Var(e^r) / max e^r; the limit is p_0 on the best (Ferbach et al., 2024)."""
    value, choices = np.exp(REWARD), 2
    correct = jax.jit(curation_by_weights(lambda x: jnp.asarray(REWARD)[x], choices), static_argnums=2)
    batch = uniform(jnp.arange(5))._replace(weight=jnp.asarray(SHARE))
    for _ in range(150):
        before = np.asarray(batch.weight)
        batch, _ = correct(jax.random.key(0), batch, None)
        after = np.asarray(batch.weight)
        mean = before @ value
        growth = (choices - 1) / choices * (before @ (value - mean) ** 2) / value.max()
        assert after @ value - mean >= growth - 1e-12
        np.testing.assert_allclose(after.sum(), 1, rtol=1e-10)
    np.testing.assert_allclose(after, [0, 0, 0, 0.75, 0.25], atol=1e-6)


@pytest.mark.parametrize(("lam", "reward"), [(0.3, 1.61007), (0.5, 1.63257), (2.0, 1.83115)])
def test_curation_beside_real_data_settles_near_them(lam, reward, x64):
    """p = (p_d + lambda p H_2) / (1 + lambda), by 200 steps; the numbers are from an independent enumeration."""
    share, liked = jnp.asarray(SHARE), jax.jit(preference, static_argnums=2)
    for _ in range(200):
        share = (SHARE + lam * share * liked(jnp.asarray(REWARD), share, 2)) / (1 + lam)
        share = share / share.sum()
    assert abs(float(share @ np.exp(REWARD)) - reward) < 6e-6


@pytest.mark.parametrize("choices", [0, 0.5, float("nan"), 11])
def test_impossible_numbers_of_choices_are_refused(choices):
    with pytest.raises(ConfigError, match="choices is"):
        curation(lambda x: x, choices)(jax.random.key(0), uniform(jnp.ones(10)), None)


@pytest.mark.parametrize(("right", "phi", "psi"), [(0.3, 0.9, 0.2), (0.6, 0.5, 0.5), (0.2, 1.0, 0.0)])
def test_verified_samples_are_right_as_often_as_bayes_says(right, phi, psi):
    m = 50_000
    labels = jnp.asarray(np.random.default_rng(0).random(m) < right)
    corrected, info = once(verifier(lambda x: x, phi, psi), 1, uniform(labels))
    kept = corrected.weight.sum()
    share = right * phi + (1 - right) * psi
    posterior = right * phi / share
    assert abs(kept / m - share) < 5 * np.sqrt(share * (1 - share) / m)
    got = corrected.weight @ labels.astype(jnp.float32) / kept
    assert abs(got - posterior) <= 5 * np.sqrt(posterior * (1 - posterior) / kept)
    assert not info["failed"].any()


@pytest.mark.parametrize("rates", [(1.2, 0.5), (0.5, -0.1), (float("nan"), 0.5)])
def test_rates_outside_zero_and_one_are_refused(rates):
    with pytest.raises(ConfigError, match="rate is"):
        verifier(lambda x: x > 0, *rates)


def test_failures_are_marked_left_alone_and_as_frequent_as_asked():
    m, p = 20_000, 0.3
    batch = uniform(jnp.full((m, 1), 100.0))
    corrector = failing(replacement(lambda key, n: jnp.zeros((n, 1)), float("inf")), p)
    corrected, info = once(corrector, 0, batch)
    np.testing.assert_array_equal(corrected.x[:, 0] == 100, info["failed"])
    np.testing.assert_array_equal(info["moved"] == 0, info["failed"])
    assert abs(info["failed"].mean() - p) < 5 * np.sqrt(p * (1 - p) / m)


def test_failures_of_a_failing_corrector_add_up():
    batch = uniform(jnp.zeros((10, 1)))
    for inner, outer in ((0.0, 1.0), (1.0, 0.0)):
        assert failing(failing(identity, inner), outer)(jax.random.key(0), batch, None)[1]["failed"].all()
    with pytest.raises(ConfigError, match="probability of failure is"):
        failing(identity, 1.1)
