"""Correctors that learn: what they learn of known laws, that folds and guards leak nothing, frozen, resumed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import selfloop
from selfloop import Loop, begin, checkpointed, generation, policies, sources
from selfloop.batch import Batch, keep, uniform
from selfloop.correctors.adaptive import frozen, guarded
from selfloop.correctors.density_ratio import density_ratio
from selfloop.correctors.lessons import folds, like, rows, scale_of
from selfloop.correctors.transport_map import transport_map
from selfloop.errors import ConfigError
from selfloop.models.gaussian import gaussian
from selfloop.protocols import Adaptive, identity

N = 400


def normal(seed, mean=0.0, n=N):
    return uniform(mean + jax.random.normal(jax.random.key(seed), (n, 2)))


def taught(adaptive, real, raw, lessons=2):
    own = adaptive.start(jax.random.key(0), real)
    for t in range(1, lessons + 1):
        own = adaptive.adapt(jax.random.key(t), jnp.asarray(t, jnp.int32), real, raw, own)
    return own


def test_folds_are_the_samples_own_and_even():
    x = np.asarray(normal(0, n=4000).x)
    one = np.asarray(folds(jnp.asarray(x), 4))
    np.testing.assert_array_equal(one[::-1], folds(jnp.asarray(x[::-1].copy()), 4))
    counts = np.bincount(one, minlength=4)
    assert (abs(counts - 1000) < 5 * np.sqrt(4000 * 0.25 * 0.75)).all()
    other = np.asarray(folds(jnp.asarray(x), 4, 1))
    both = np.histogram2d(one, other, bins=4)[0]
    assert (abs(both - 250) < 5 * np.sqrt(4000 / 16)).all()


def test_rows_and_back():
    x = {"a": jnp.arange(12.0).reshape(3, 2, 2), "b": jnp.arange(3.0)}
    real = uniform(x)
    scale = scale_of(real)
    there = rows(x, scale)
    np.testing.assert_allclose(there.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose((np.asarray(there) ** 2).mean(0), 1, rtol=1e-5)
    back = like(there * scale.spread[None] + scale.centre[None], x)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), back, x)


@pytest.fixture(scope="module")
def ratio():
    """A density ratio that has seen N(0, I) as real and N(1, I) as synthetic."""
    adaptive = density_ratio(count=2)
    return adaptive, taught(adaptive, normal(0), normal(1, 1.0))


def test_the_ratio_is_that_of_the_laws(ratio):
    """log w = 1 - x_1 - x_2 of normals at (0, 0) and (1, 1): on new samples the weights bring the mean near 0."""
    adaptive, own = ratio
    fresh = normal(2, 1.0, 2000)
    done, info = adaptive.corrector(own)(jax.random.key(0), fresh, None)
    log, exact = np.log(done.weight), 1 - np.asarray(fresh.x).sum(1)
    assert np.corrcoef(log, exact)[0, 1] > 0.9
    mean = np.asarray(done.weight @ fresh.x / done.weight.sum())
    assert (abs(mean) < 0.35).all()
    np.testing.assert_allclose(done.weight.mean(), 1, atol=0.35)
    assert not info["moved"].any()


def test_a_sample_does_not_weigh_itself():
    """Labels by chance: on its own samples a classifier that had seen them would find a difference; this one cannot."""
    adaptive = density_ratio(steps=400, count=2)
    raw = normal(1)
    own = taught(adaptive, normal(0), raw)
    done, _ = adaptive.corrector(own)(jax.random.key(0), raw, None)
    before, after = np.asarray(raw.x).mean(0), np.asarray(done.weight @ raw.x / done.weight.sum())
    real = np.asarray(normal(0).x).mean(0)
    assert np.linalg.norm(after - real) > 0.2 * np.linalg.norm(before - real)


def test_the_map_moves_new_samples_onto_the_real_law():
    adaptive = transport_map(block=N)
    own = taught(adaptive, normal(0), normal(1, 1.0))
    fresh = normal(2, 1.0, 2000)
    done, info = adaptive.corrector(own)(jax.random.key(0), fresh, None)
    np.testing.assert_allclose(done.x.mean(0), 0, atol=0.2)
    np.testing.assert_allclose(info["moved"].mean(), np.sqrt(2), rtol=0.2)
    np.testing.assert_array_equal(done.weight, 1)
    nearest = np.linalg.norm(np.asarray(done.x)[:, None] - np.asarray(normal(0).x)[None], axis=-1).min(1)
    assert np.median(nearest) > 0.01  # it copies no real sample


def test_guard_is_off_for_a_corrector_that_harms_and_on_for_one_that_helps():
    def shift(by):
        def corrector(own):
            return lambda key, batch, state: (batch._replace(x=batch.x + by), identity(key, batch, state)[1])

        return Adaptive(lambda key, real: (), lambda key, t, real, raw, own: own, corrector)

    raw, real = normal(1, 1.0), normal(0)
    for by, on in ((-0.7, True), (0.5, False)):
        adaptive = guarded(shift(by))
        own = taught(adaptive, real, raw, 1)
        assert bool(own.on) is on
        done, info = adaptive.corrector(own)(jax.random.key(0), raw, None)
        np.testing.assert_array_equal(done.x, raw.x + by if on else raw.x)
        np.testing.assert_array_equal(info["on"], float(on))
    assert not bool(taught(guarded(shift(-0.1)), real, normal(2), 1).on)  # nothing to correct


def test_guard_keeps_what_it_judges_by_from_the_lessons():
    seen = []

    def adapt(key, t, real, raw, own):
        seen.append((real, raw))
        return own

    adaptive = guarded(Adaptive(lambda key, real: (), adapt, lambda own: identity))
    real, raw = normal(0), normal(1)
    taught(adaptive, real, raw, 2)
    for batch, whole in zip(seen[0] + seen[1], (real, raw) * 2, strict=True):
        kept = np.asarray(batch.weight)
        assert 0.65 < kept.mean() < 0.85
        np.testing.assert_array_equal(kept > 0, np.asarray(folds(whole.x, 4, 1)) != 0)


def counting(step=1.0):
    """A corrector that learns how many lessons it has had, and moves samples by as much."""

    def corrector(own):
        def correct(key, batch, state):
            x = batch.x + own
            return batch._replace(x=x), {"moved": jnp.linalg.norm(x - batch.x, axis=1), "failed": batch.weight < 0}

        return correct

    return Adaptive(lambda key, real: jnp.zeros(()), lambda key, t, real, raw, own: own + step, corrector)


def loop(corrector):
    real = sources.fixed(normal(0, n=20))
    return Loop(gaussian(2), policies.replace(), real, 20, corrector)


def test_what_is_learned_is_carried_and_frozen_means_once():
    key = jax.random.key(0)
    for corrector, expected in ((counting(), [1, 2, 3]), (frozen(counting()), [1, 1, 1])):
        measure = lambda key, result: result.correction["moved"].mean() if result.raw else jnp.zeros(())  # noqa: E731
        carry, moved = selfloop.scan(loop(corrector), key, 3, measure)
        np.testing.assert_allclose(moved[1:] / np.sqrt(2), expected, rtol=1e-5)
        assert float(carry.corrector) == expected[-1]
        by_hand, _ = begin(loop(corrector), key)
        for t in range(1, 4):
            by_hand, _ = generation(loop(corrector), key, jnp.asarray(t, jnp.int32), by_hand)
        np.testing.assert_allclose(by_hand.state.mean, carry.state.mean, rtol=1e-4)


def test_a_checkpointed_loop_goes_on_with_what_was_learned(tmp_path):
    key, ignore = jax.random.key(0), lambda key, result: None
    straight = checkpointed(loop(counting()), key, 4, tmp_path / "one", ignore)
    checkpointed(loop(counting()), key, 2, tmp_path / "two", ignore)
    resumed = checkpointed(loop(counting()), key, 4, tmp_path / "two", ignore)
    assert float(resumed.corrector) == 4
    jax.tree.map(np.testing.assert_array_equal, resumed, straight)


def test_a_lesson_that_changes_what_is_known_is_refused():
    wrong = counting()._replace(adapt=lambda key, t, real, raw, own: (own, own))
    with pytest.raises(ConfigError, match="adapt returned what it learned"):
        begin(loop(wrong), jax.random.key(0))


@pytest.mark.parametrize("make", [lambda: density_ratio(0), lambda: density_ratio(count=1), lambda: transport_map(0),
                                  lambda: guarded(counting(), 1), lambda: guarded(counting(), level=0.4)])  # fmt: skip
def test_what_cannot_be_is_refused(make):
    with pytest.raises(ConfigError):
        make()


def test_absent_samples_teach_nothing(ratio):
    """Samples of weight 0 may hold anything finite: the lesson is the same to rounding."""
    adaptive, _ = ratio
    raw = normal(1, 1.0)
    here = jnp.arange(N) % 3 > 0
    other = Batch(jnp.where(here[:, None], raw.x, 7.0), jnp.where(here, 1.0, 0))
    fresh = normal(2, 1.0)
    weights = [
        adaptive.corrector(taught(adaptive, normal(0), batch, 1))(jax.random.key(0), fresh, None)[0].weight
        for batch in (keep(raw, here), other)
    ]
    np.testing.assert_allclose(*weights, rtol=1e-3)
