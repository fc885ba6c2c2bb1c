"""The prior on data of two clusters, one a label, where what it should do is plain."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.fft

from selfloop.batch import Batch
from selfloop.domains.motion.correctors import prior as module
from selfloop.domains.motion.correctors.prior import PriorConfig, load_or_train, prior, train_prior
from selfloop.domains.motion.data import features
from selfloop.errors import ConfigError
from tests.domains.motion.correctors.motions import as_windows, made_up

pytestmark = pytest.mark.usefixtures("hurried")
CONFIG = PriorConfig(band=8, width=32, layers=1, steps=600, batch=16, rate=1e-2, ema=0.9)
TINY = PriorConfig(band=16, width=16, layers=1, steps=2, batch=4)
LOW, HIGH = 0.85, 1.05
"""Pelvis height (m) of motions that are called run (label 0) and walk (label 1)."""


def heights(seed, count):
    """One motion, at 0.85 m where it runs, at 1.05 m where it walks, give or take 1 cm."""
    batch = made_up(0, 1, frames=8)
    label = np.arange(count) % 2
    height = np.where(label == 0, LOW, HIGH) + 0.01 * np.random.default_rng(seed).normal(size=count)
    x = jnp.repeat(batch.x, count, 0).at[..., 3].set(jnp.asarray(height, jnp.float32)[:, None])
    length = jnp.full(count, x.shape[1], jnp.int32)
    x = features.hold(x, length)
    return Batch(x, jnp.ones(count), {"label": jnp.asarray(label, jnp.int32), "length": length})


@pytest.fixture(scope="module")
def model(hurried):
    windows = as_windows(heights(0, 64))._replace(names=("run", "walk"))
    return train_prior(jax.random.key(0), windows, CONFIG)[0]


def corrected_height(model, names, batch, level):
    return np.asarray(prior(model, names, level)(jax.random.key(1), batch, None)[0].x[..., 3].mean(1))


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_what_no_data_have_is_led_back_to_the_label(model, level):
    batch = heights(1, 40)
    lifted = batch._replace(x=batch.x.at[..., 3].add(0.2))
    wanted = np.where(np.arange(40) % 2 == 0, LOW, HIGH)
    before = np.abs(np.asarray(lifted.x[..., 3].mean(1)) - wanted)
    after = np.abs(corrected_height(model, ("run", "walk"), lifted, level) - wanted)
    assert after.mean() < before.mean() / 2


def test_a_full_level_forgets_the_motion(model):
    batch = heights(1, 20)
    lifted = batch._replace(x=batch.x.at[..., 3].add(0.5))
    one, two = (corrected_height(model, ("run", "walk"), given, 1.0) for given in (batch, lifted))
    # cos(pi/2) is 6e-8 in float32, so that half a metre is still there with less than a millimetre.
    np.testing.assert_allclose(one, two, atol=1e-3)


@pytest.mark.parametrize("path", [0, 1, 3])
def test_the_slow_part_of_the_path_stays(model, path):
    batch = heights(1, 20)
    wander = 0.5 * jax.random.normal(jax.random.key(2), (20, 8, 3))
    batch = batch._replace(x=batch.x.at[..., :3].add(wander))
    fixed = prior(model, ("run", "walk"), 1.0, path)(jax.random.key(1), batch, None)[0]
    before, after = (scipy.fft.dct(np.asarray(given.x[..., :3]), axis=1, norm="ortho") for given in (batch, fixed))
    np.testing.assert_allclose(after[:, :path], before[:, :path], atol=1e-4)
    # Half a metre a second of white noise at every frequency, which the model knows nothing of.
    assert np.abs(after - before)[:, path:].mean() > 0.1


def test_labels_match_by_name(model):
    batch = heights(1, 20)
    swapped = batch._replace(cond=batch.cond | {"label": 1 - batch.cond["label"]})
    np.testing.assert_array_equal(
        corrected_height(model, ("run", "walk"), batch, 1.0), corrected_height(model, ("walk", "run"), swapped, 1.0)
    )
    gap = corrected_height(model, ("run", "walk"), swapped, 1.0) - corrected_height(model, ("run", "walk"), batch, 1.0)
    assert (np.where(np.arange(20) % 2 == 0, gap, -gap) > 0.1).all()


def test_a_label_it_does_not_know_is_none(model):
    batch = heights(1, 20)
    height = corrected_height(model, ("jump", "hop"), batch, 1.0)
    swapped = batch._replace(cond=batch.cond | {"label": 1 - batch.cond["label"]})
    np.testing.assert_array_equal(corrected_height(model, ("jump", "hop"), swapped, 1.0), height)
    assert np.abs(height - corrected_height(model, ("run", "walk"), batch, 1.0)).max() > 0.01


def test_noise_is_that_of_the_key_and_the_place(model):
    batch, correct = heights(1, 6), prior(model, ("run", "walk"))
    one, again, other = (correct(jax.random.key(seed), batch, None)[0].x for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert float(jnp.abs(one - other).max()) > 1e-4
    first = jax.tree.map(lambda leaf: leaf[jnp.zeros(6, jnp.int32)], batch)
    drawn = correct(jax.random.key(0), first, None)[0].x
    assert float(jnp.abs(drawn[0] - drawn[1]).max()) > 1e-4


def test_it_is_trained_once(monkeypatch, tmp_path):
    monkeypatch.setenv("SELFLOOP_CACHE", str(tmp_path))
    windows = as_windows(made_up(0, 8))
    made, info = load_or_train(windows, TINY)
    monkeypatch.setattr(module, "train_prior", lambda *given: pytest.fail("trained again"))
    kept, kept_info = load_or_train(windows, TINY)
    jax.tree.map(np.testing.assert_array_equal, made, kept)
    assert info == kept_info
    assert kept.names == windows.names


def test_a_negative_path_is_refused(model):
    with pytest.raises(ConfigError, match="path is -1"):
        prior(model, ("run", "walk"), path=-1)


@pytest.mark.parametrize("level", [0.0, -0.1, 1.1, float("nan")])
def test_a_level_outside_is_refused(model, level):
    with pytest.raises(ConfigError, match="level is"):
        prior(model, ("run", "walk"), level)
