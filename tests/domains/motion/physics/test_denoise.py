"""The filter against `scipy.fft.dct`, and what follows from its formula for any signal."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import fft

from selfloop.domains.motion.data import skeleton
from selfloop.domains.motion.physics import denoise
from selfloop.domains.motion.physics.denoise import CAUTION, NEAR
from tests.domains.motion.physics.motions import shaken, squat, walk

pytestmark = pytest.mark.usefixtures("hurried")
T, C = 24, 3
filtered = jax.jit(denoise.wiener)


def wiener(values, length=T):
    return np.asarray(filtered(jnp.asarray(values, jnp.float32), jnp.int32(length)))


def waves(seed, fastest=1.5):
    """A sum of three sines a channel [T, C], the fastest of ``fastest`` Hz."""
    random = np.random.default_rng(seed)
    rate, phase, size = random.uniform(0.1, [fastest, 2 * np.pi, 0.3], (3, C, 3)).transpose(2, 0, 1)
    return (size * np.sin(2 * np.pi * rate * np.arange(T)[:, None, None] / 20 + phase)).sum(1)


def spectrum(values):
    """Orthonormal cosine coefficients of what a straight line leaves of values [T, C]."""
    line = np.polyfit(np.arange(len(values)), values, 1)
    return fft.dct(values - np.outer(np.arange(len(values)), line[0]) - line[1], axis=0, norm="ortho")


def noise(values):
    """Mean power of the upper third of the coefficients."""
    return np.mean(spectrum(values)[2 * len(values) // 3 :] ** 2)


def rms(values):
    return np.sqrt(np.mean(np.square(values)))


signals = st.builds(
    lambda seed, level: waves(seed) + level * np.random.default_rng(seed).normal(size=(T, C)),
    st.integers(0, 999),
    st.sampled_from([0.0, 0.001, 0.03, 0.5]),
)
many = settings(deadline=None, max_examples=25)


@pytest.mark.parametrize("length", [1, 2, 3, 4, T])
def test_constants_and_lines_are_exact(length):
    line = np.outer(np.arange(T), [0.0, 0.1, -2.0]) + [3.0, 0.5, -1.0]
    out = wiener(line, length)
    np.testing.assert_allclose(out[:length], line[:length], atol=1e-5)
    np.testing.assert_array_equal(out[length:], np.broadcast_to(out[length - 1], out[length:].shape))


@pytest.mark.parametrize("length", [1, 2, 3])
def test_hardly_any_frames_stay_finite_and_near(length):
    values = np.random.default_rng(0).normal(size=(T, C))
    out = wiener(values, length)
    assert np.isfinite(out).all()
    inside = values[:length]
    assert (np.abs(out[:length] - inside.mean(0)) <= 1e-5 + np.ptp(inside, axis=0)).all()


@many
@given(signals, st.integers(1, T))
def test_frames_beyond_the_length_do_not_matter(values, length):
    other = values.copy()
    other[length:] = 1e3
    np.testing.assert_array_equal(wiener(values, length), wiener(other, length))


@pytest.mark.parametrize("length", [4, 17])
def test_a_length_is_a_shorter_signal(length):
    """The filter of the first frames alone, whose program knows no others."""
    values = waves(0) + 0.03 * np.random.default_rng(0).normal(size=(T, C))
    short = denoise.wiener(jnp.asarray(values[:length], jnp.float32), jnp.int32(length))
    np.testing.assert_allclose(wiener(values, length)[:length], short, atol=1e-5)


@many
@given(signals)
def test_no_signal_moves_more_than_its_noise_explains(values):
    """Of a coefficient of power p is lost (1 - g)^2 p, and p is at most 2 NEAR + 1 times the local mean P; with
    g = S / (S + s), S = max(P - c s, 0) for the noise's power s, (1 - g)^2 P is largest at P = c s, where it is c s."""
    moved = rms(wiener(values) - values)
    assert moved <= np.sqrt((2 * NEAR + 1) * CAUTION * noise(values)) + 1e-5


@many
@given(signals, st.floats(-3, 3), st.floats(-3, 3), st.floats(0.1, 10))
def test_size_lines_and_the_direction_of_time_do_not_matter(values, height, slope, factor):
    line = height + slope * np.arange(T)[:, None] / T
    expected = factor * wiener(values) + line
    tolerance = 1e-4 * (1 + factor)
    np.testing.assert_allclose(wiener(factor * values + line), expected, atol=tolerance)
    np.testing.assert_allclose(wiener(values[::-1])[::-1], wiener(values), atol=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_smooth_movement_passes(seed):
    """Sines of up to 1.5 Hz have less than a thousandth of their power over 6.7 Hz."""
    values = waves(seed)
    assert rms(wiener(values) - values) < 0.02 * rms(values - values.mean(0))


def test_white_noise_shrinks_nearly_as_much_as_it_can():
    """A filter that knows the signal's power s^2 in every coefficient and the noise's, n^2, leaves a mean square error
    of s^2 n^2 / (s^2 + n^2); here two coefficients, the line's, are kept whole."""
    random, level = np.random.default_rng(0), 0.05
    left, least = [], []
    for seed in range(40):
        clean = waves(seed)
        left.append(np.mean((wiener(clean + level * random.normal(size=clean.shape)) - clean) ** 2))
        power = np.mean(spectrum(clean) ** 2, 1, keepdims=True)
        ideal = power * level**2 / (power + level**2)
        ideal[:2] = level**2
        least.append(ideal.mean())
    left, least = np.sqrt(np.mean(left)), np.sqrt(np.mean(least))
    assert 0.95 * least < left < 1.25 * least


def test_noise_alone_is_all_but_gone():
    """A line is kept, 2 of T numbers; over that only what passes for a signal by chance."""
    random = np.random.default_rng(1)
    left = rms([rms(wiener(random.normal(size=(T, C)))) for _ in range(40)])
    assert 0.9 * np.sqrt(2 / T) < left < 1.5 * np.sqrt(2 / T)


def test_a_second_pass_hardly_changes():
    random, first, second = np.random.default_rng(2), [], []
    for seed in range(40):
        values = waves(seed) + 0.05 * random.normal(size=(T, C))
        once = wiener(values)
        first.append(rms(once - values))
        second.append(rms(wiener(once) - once))
    assert np.mean(second) < 0.2 * np.mean(first)


@pytest.mark.parametrize("length", [T, 10])
def test_a_motion_keeps_rotations_and_loses_jitter(length):
    clean = squat()
    noisy = shaken(clean, 0, angle=0.05, place=0.01)
    quiet = denoise.quieted(noisy, jnp.int32(length))
    gram = quiet.rotations @ jnp.swapaxes(quiet.rotations, -1, -2)
    np.testing.assert_allclose(gram, np.broadcast_to(np.eye(3), gram.shape), atol=1e-5)
    places = [np.asarray(skeleton.forward(motion)[0])[:length] for motion in (clean, noisy, quiet)]
    before, after = (rms(np.diff(place - places[0], 2, axis=0)) for place in places[1:])
    assert after < 0.25 * before
    assert rms(places[2] - places[0]) < rms(places[1] - places[0])
    np.testing.assert_array_equal(quiet.root[length:], np.broadcast_to(quiet.root[length - 1], (T - length, 3)))


@pytest.mark.parametrize("clean", [squat(), walk()], ids=["squat", "walk"])
def test_a_smooth_motion_stays_within_millimetres(clean):
    quiet = denoise.quieted(clean, jnp.int32(T))
    moved = np.linalg.norm(skeleton.forward(quiet)[0] - skeleton.forward(clean)[0], axis=-1)
    assert 1000 * moved.mean() < 2
