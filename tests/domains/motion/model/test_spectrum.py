"""The cosine coordinates: an orthonormal transform that loses nothing."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.fft
from hypothesis import given, settings
from hypothesis import strategies as st

from selfloop.domains.motion.data.features import GROUPS, D
from selfloop.domains.motion.model.spectrum import Spectrum, from_waves, spectrum, to_waves


def motions(seed, n=5, frames=12):
    """Random walks, each feature with its own mean and size."""
    random = np.random.default_rng(seed)
    steps = random.normal(size=(n, frames, D)) * random.uniform(0.01, 3.0, D)
    return (random.normal(size=D) + np.cumsum(steps, 1)).astype(np.float32)


PLAIN = Spectrum(jnp.zeros(D), jnp.ones((12, D)))


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000))
def test_there_and_back(seed):
    x = motions(seed)
    by = spectrum(x)
    back = from_waves(to_waves(x, by), by)
    # Two products of 12 terms in float32, on values up to the largest of x.
    np.testing.assert_allclose(back, x, atol=40 * np.finfo(np.float32).eps * np.abs(x).max())


def test_waves_are_the_orthonormal_cosine_transform():
    x = motions(0)
    expected = scipy.fft.dct(np.asarray(x, np.float64), axis=1, norm="ortho")
    np.testing.assert_allclose(to_waves(x, PLAIN), expected, atol=1e-4)


def test_without_scale_lengths_and_angles_are_kept():
    x, y = motions(1), motions(2)
    np.testing.assert_allclose(jnp.vdot(to_waves(x, PLAIN), to_waves(y, PLAIN)), np.vdot(x, y), rtol=1e-4)


def test_the_mean_has_no_waves_and_a_constant_only_the_first():
    by = spectrum(motions(3))
    at_mean = np.broadcast_to(np.asarray(by.mean), (1, 12, D))
    np.testing.assert_allclose(to_waves(at_mean, by), 0, atol=1e-5)
    waves = to_waves(at_mean + 1, by)
    np.testing.assert_allclose(waves[:, 0], np.sqrt(12) / by.scale[None, 0], rtol=1e-4)
    np.testing.assert_allclose(waves[:, 1:] * by.scale[None, 1:], 0, atol=1e-5)


def test_the_scale_is_one_number_a_group_and_frequency():
    x = motions(4)
    scale = np.asarray(spectrum(x).scale)
    assert np.all(scale > 0)
    for _, columns in GROUPS:
        np.testing.assert_array_equal(
            scale[:, columns], np.broadcast_to(scale[:, columns][:, :1], scale[:, columns].shape)
        )


@pytest.mark.parametrize("factor", [0.5, 4.0])
def test_a_unit_of_measure_changes_scales_in_proportion(factor):
    x = motions(5)
    np.testing.assert_allclose(spectrum(factor * x).scale, factor * spectrum(x).scale, rtol=2e-2)


def test_motion_that_stands_still_has_finite_waves():
    still = np.ones((3, 12, D), np.float32)
    by = spectrum(still)
    assert np.isfinite(to_waves(still, by)).all()
    np.testing.assert_allclose(from_waves(to_waves(still, by), by), still, atol=1e-6)
