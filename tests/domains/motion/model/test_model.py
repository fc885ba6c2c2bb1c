"""The motion model's laws: what it trains on, what it averages, what it samples, what of it is kept."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfloop.batch import Batch, keep, uniform
from selfloop.domains.motion.data.features import D
from selfloop.domains.motion.model.model import MotionModelConfig, motion_model
from selfloop.domains.motion.model.spectrum import spectrum
from selfloop.errors import ConfigError
from selfloop.models.neural.denoiser import DenoiserConfig
from selfloop.models.neural.training import draw_rows
from selfloop.runs import checkpoint

pytestmark = pytest.mark.usefixtures("hurried")

T = 8
NETWORK = DenoiserConfig(frames=T, features=D, labels=2, band=T, width=32, layers=1)
CONFIG = MotionModelConfig(network=NETWORK, batch=16, first_steps=8, steps=1, sample_steps=4, ema=0.9)


def clusters(n=12):
    """Motions about +1 (label 0) and -1 (label 1) in every feature, 0.1 wide."""
    label = np.arange(n) % 2
    x = (1 - 2 * label)[:, None, None] + 0.1 * np.random.default_rng(0).normal(size=(n, T, D))
    return uniform(jnp.asarray(x, jnp.float32), {"label": jnp.asarray(label), "length": jnp.full(n, T)})


def conditions(n, length=T):
    return {"label": jnp.arange(n) % 2, "length": jnp.full(n, length)}


@pytest.fixture(scope="module")
def model():
    return motion_model(CONFIG, spectrum(clusters().x))


@pytest.fixture(scope="module")
def start(model):
    return model.init(jax.random.key(0))


@pytest.fixture(scope="module")
def state(model, start):
    return model.fit(jax.random.key(1), clusters(), start)[0]


def equal(a, b):
    return jax.tree.all(jax.tree.map(lambda x, y: bool(jnp.array_equal(x, y)), a, b))


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.sampled_from([0.0, 0.0, 1e-6, 0.3, 1.0, 1e6]), min_size=5, max_size=5).filter(any),
    st.integers(0, 2**31),
)
def test_rows_of_weight_0_are_never_drawn(weights, seed):
    weight = jnp.array(weights, jnp.float32)
    assert np.all(weight[draw_rows(jax.random.key(seed), weight, 200)] > 0)


def test_rows_are_drawn_in_proportion_to_their_weight():
    weight, size = np.array([0.0, 1.0, 3.0, 0.0, 0.5, 5.5, 0.0], np.float32), 40_000
    share = np.bincount(draw_rows(jax.random.key(0), jnp.asarray(weight), size), minlength=7) / size
    expected = weight / weight.sum()
    assert np.all(np.abs(share - expected) <= 5 * np.sqrt(expected * (1 - expected) / size))


def poisoned(batch, dead):
    x = jnp.where(dead[:, None, None], jnp.nan, batch.x)
    return batch._replace(x=x, weight=jnp.where(dead, 0.0, batch.weight))


def test_samples_of_weight_0_do_not_train(model, start):
    dead = jnp.arange(12) % 3 == 0
    bad = poisoned(clusters(), dead)
    key = jax.random.key(2)
    fitted = model.fit(key, keep(bad, ~dead), start)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(fitted))
    assert equal(fitted, model.fit(key, bad, start))
    other = Batch(jnp.where(dead[:, None, None], 100.0, bad.x), bad.weight, bad.cond)
    assert equal(fitted, model.fit(key, other, start))
    assert not equal(fitted, model.fit(key, clusters(), start))


def test_same_key_same_state_and_samples(model, start, state):
    assert equal(model.init(jax.random.key(0)), start)
    assert not equal(model.init(jax.random.key(1)), start)
    assert equal(model.fit(jax.random.key(1), clusters(), start)[0], state)
    assert not equal(model.fit(jax.random.key(3), clusters(), start)[0], state)
    draw = [model.sample(jax.random.key(seed), state, conditions(4), 4).x for seed in (5, 5, 6)]
    assert equal(draw[0], draw[1])
    assert not equal(draw[0], draw[2])


def test_the_average_is_an_exponential_one_a_step(model, start):
    assert equal(start.average, start.params)
    first, _ = model.fit(jax.random.key(1), clusters(), start)
    second, _ = model.fit(jax.random.key(2), clusters(), first)
    expected = jax.tree.map(lambda old, new: 0.9 * old + 0.1 * new, first.average, second.params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7), second.average, expected)
    assert int(second.step) == 2
    assert not equal(second.average, second.params)


def test_samples_come_from_the_average_with_their_conditions(model, state):
    cond = conditions(6)
    drawn = model.sample(jax.random.key(4), state, cond, 6)
    assert drawn.x.shape == (6, T, D)
    np.testing.assert_array_equal(drawn.weight, 1)
    assert equal(drawn.cond, cond)
    swapped = state._replace(params=jax.tree.map(jnp.zeros_like, state.params))
    assert equal(model.sample(jax.random.key(4), swapped, cond, 6), drawn)


@pytest.mark.parametrize("length", [1, 5])
def test_beyond_its_length_a_sample_stands_still(model, state, length):
    x = np.asarray(model.sample(jax.random.key(4), state, conditions(3, length), 3).x)
    np.testing.assert_array_equal(x[:, length:, :3], 0)
    np.testing.assert_array_equal(x[:, length:, 3:], np.repeat(x[:, length - 1 : length, 3:], T - length, 1))


def test_labels_are_learned():
    config = dataclasses.replace(CONFIG, batch=32, first_steps=1000, steps=1000, sample_steps=10, ema=0.98)
    model = motion_model(config, spectrum(clusters().x))
    state, info = model.fit(jax.random.key(1), clusters(), model.init(jax.random.key(0)))
    assert float(info["loss"]) < 1
    guided = motion_model(dataclasses.replace(config, guidance=2.5), spectrum(clusters().x))
    for sampler in (model, guided):
        centre = np.asarray(sampler.sample(jax.random.key(2), state, conditions(20), 20).x).mean((1, 2))
        np.testing.assert_array_equal(np.sign(centre), 1 - 2 * (np.arange(20) % 2))
        if sampler is model:
            np.testing.assert_allclose(np.abs(centre), 1, atol=0.25)


def test_a_state_that_was_kept_goes_on_as_if_nothing_had_happened(model, state, tmp_path):
    checkpoint.save(tmp_path / "state", state)
    back = checkpoint.load(tmp_path / "state", jax.eval_shape(model.init, jax.random.key(0)))
    assert jax.tree.structure(back) == jax.tree.structure(state)
    key = jax.random.key(9)
    assert equal(model.fit(key, clusters(), back), model.fit(key, clusters(), state))


@pytest.mark.parametrize(
    ("network", "settings", "told"),
    [
        ({"frames": 40, "band": 7}, {}, "40 frames, bands of 7"),
        ({"width": 30, "heads": 4}, {}, "width 30, 4 heads"),
        ({}, {"batch": 0}, "batch 0"),
        ({}, {"steps": 0}, "steps 0"),
        ({}, {"ema": 1.0}, "ema 1"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(network, settings, told):
    config = MotionModelConfig(network=dataclasses.replace(NETWORK, **network), **settings)
    with pytest.raises(ConfigError, match=told):
        motion_model(config, spectrum(clusters().x))
