"""Each corruption does what it says, by closed forms, and nothing else."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfloop.domains.motion import artefacts
from selfloop.domains.motion.bench.corruptions import BEYOND, CORRUPTIONS, PUSHED
from selfloop.domains.motion.data import features, skeleton
from selfloop.domains.motion.data.skeleton import LIMITS
from tests.domains.motion.bench.motions import FRAMES, joints, made_up

pytestmark = pytest.mark.usefixtures("hurried")
LENGTHS = (40, 40, 25, 2)
NEAR = 2e-4
"""Metres: rates and angles in float32, summed over 40 frames."""


def corrupted(name, seed=0, lengths=LENGTHS):
    x, length = made_up(seed, lengths)
    return x, length, CORRUPTIONS[name](jax.random.key(seed), x, length)


def moved(name):
    """What a corruption adds to the joints' places [N, T, J, 3], and the mask [N, T] of frames that count."""
    x, length, y = corrupted(name)
    return joints(y) - joints(x), np.asarray(features.valid(length, FRAMES))


def angles_of(x):
    return np.asarray(jax.vmap(skeleton.coordinates)(features.decode(x).rotations))


@pytest.mark.parametrize("name", CORRUPTIONS)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**31 - 1), size=st.floats(1e-3, 1e3))
def test_finite_features_stay_finite_and_lengths_are_kept(name, seed, size):
    x = jnp.float32(size) * jax.random.normal(jax.random.key(seed), (len(LENGTHS), FRAMES, features.D))
    length = jnp.array(LENGTHS, jnp.int32)
    y = CORRUPTIONS[name](jax.random.key(seed), x, length)
    assert y.shape == x.shape
    assert y.dtype == x.dtype
    assert bool(jnp.isfinite(y).all())
    np.testing.assert_array_equal(y, features.hold(y, length))


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_what_lies_beyond_the_length_does_not_matter(name):
    x, length, y = corrupted(name)
    noise = jax.random.normal(jax.random.key(9), x.shape)
    other = jnp.where(features.valid(length, FRAMES)[..., None], x, noise)
    np.testing.assert_allclose(CORRUPTIONS[name](jax.random.key(0), other, length), y, atol=2e-3)


def test_clean_is_the_motion_itself():
    x, _, y = corrupted("clean")
    # rates are differences of float32 positions of some metres, times 20
    np.testing.assert_allclose(y, x, atol=2e-4)


@pytest.mark.parametrize(("name", "height"), [("float", 0.1), ("sink", -0.1)])
def test_every_joint_is_lifted_by_the_same_height(name, height):
    change, _ = moved(name)
    np.testing.assert_allclose(change, np.broadcast_to([0, 0, height], change.shape), atol=NEAR)


def test_rise_is_a_straight_line_to_20_cm():
    change, counts = moved("rise")
    for one, kept, length in zip(change, counts, LENGTHS, strict=True):
        np.testing.assert_allclose(one[kept][:, 0, 2], np.linspace(0, 0.2, length), atol=NEAR)
    np.testing.assert_allclose(change[..., :2], 0, atol=NEAR)


def test_bob_is_a_sine_of_8_cm_and_1_hz():
    change, counts = moved("bob")
    wave = 0.08 * np.sin(2 * np.pi * np.arange(FRAMES) / 20)
    np.testing.assert_allclose(change[0, :, 3, 2], wave, atol=NEAR)
    np.testing.assert_allclose(change[2, counts[2], 3, 2], wave[:25], atol=NEAR)


def test_drift_ends_20_cm_away_and_keeps_the_pose():
    change, _ = moved("drift")
    np.testing.assert_allclose(np.linalg.norm(change[:, -1, :, :2], axis=-1), 0.2, atol=NEAR)
    np.testing.assert_allclose(change, np.broadcast_to(change[:, :, :1], change.shape), atol=NEAR)
    np.testing.assert_allclose(change[0, 13, 0], change[0, -1, 0] / 3, atol=NEAR)
    np.testing.assert_allclose(change[..., 2], 0, atol=NEAR)


@pytest.mark.parametrize(("name", "factor"), [("skate_slow", 0.7), ("skate_fast", 1.3)])
def test_skating_scales_the_path_alone(name, factor):
    x, _, y = corrupted(name)
    before, after = joints(x), joints(y)
    np.testing.assert_allclose(after[:, :, 0, :2], factor * before[:, :, 0, :2], atol=NEAR)
    np.testing.assert_allclose(after - after[:, :, :1], before - before[:, :, :1], atol=NEAR)


def test_jitter_is_white_and_of_5_hundredths_of_a_radian():
    x, _, y = corrupted("jitter", lengths=(40,) * 4)
    noise = angles_of(y) - angles_of(x)
    count = noise.size
    assert abs(noise.std() - 0.05) < 4 * 0.05 / np.sqrt(2 * count)
    assert abs((noise[:, 1:] * noise[:, :-1]).mean()) < 4 * 0.05**2 / np.sqrt(count)


def test_pose_noise_is_constant_in_time():
    x, _, y = corrupted("pose_noise", lengths=(40,) * 4)
    noise = angles_of(y) - angles_of(x)
    np.testing.assert_allclose(noise, np.broadcast_to(noise[:, :1], noise.shape), atol=5e-3)
    one = noise[:, 0]
    assert abs(one.std() - 0.2) < 4 * 0.2 / np.sqrt(2 * one.size)


def test_limits_are_passed_by_half_a_radian_by_some_coordinates():
    x, _, y = corrupted("limits", lengths=(40,) * 4)
    angles = angles_of(y)
    pushed = np.abs(angles - angles_of(x)).max(1) > 1e-2
    np.testing.assert_array_equal(pushed.sum(1), PUSHED)
    excess = np.maximum(LIMITS[:, 0] - angles.min(1), angles.max(1) - LIMITS[:, 1])
    np.testing.assert_allclose(excess[pushed], BEYOND, atol=2e-3)


def test_over_smoothing_damps_a_sine_as_a_gaussian_does():
    frames = np.arange(FRAMES) / 20
    x, length = made_up(0, (40,))
    x = x.at[0, :, 3].set(jnp.asarray(0.9 + 0.1 * np.sin(2 * np.pi * frames), jnp.float32))
    y = CORRUPTIONS["over_smooth"](jax.random.key(0), x, length)
    gain = np.exp(-0.5 * (2 * np.pi * 1.0 / 6) ** 2)  # 1 Hz, sigma 1/6 s
    middle = slice(12, 28)
    np.testing.assert_allclose(
        y[0, middle, 3] - 0.9, gain * (x[0, middle, 3] - 0.9), atol=1e-3
    )  # the kernel is cut at 3 sigma


def test_over_smoothing_keeps_a_steady_pace():
    x, length = made_up(0, (40,))
    x = x.at[0, :, 0].set(0).at[0, :, 4:10].set(jnp.array([1, 0, 0, 0, 1, 0], jnp.float32)[None])
    x = x.at[0, :, 1:3].set(jnp.array([[1.5, 0.2]], jnp.float32))
    y = CORRUPTIONS["over_smooth"](jax.random.key(0), x, length)
    np.testing.assert_allclose(y[..., 1:3], x[..., 1:3], atol=1e-3)


def test_time_is_warped_along_the_same_path_and_ends_in_the_same_place():
    x, length = made_up(3, (40,) * 4)
    motion = features.decode(x)
    # a root that moves at 1 m/s: its place is the time
    root = jnp.zeros_like(motion.root).at[..., 0].set(jnp.arange(FRAMES, dtype=jnp.float32)[None] / 20)
    still = motion._replace(root=root + jnp.array([0, 0, 0.9], jnp.float32)[None, None])
    y = CORRUPTIONS["time_warp"](jax.random.key(0), features.encode(still), length)
    place = np.linalg.norm(np.asarray(features.decode(y).root)[..., :2], axis=-1)
    pace = np.diff(place, axis=1) * 20
    assert (pace > 0.75 - 0.01).all()
    assert (pace < 1.25 + 0.01).all()
    assert pace.max() > 1.2
    assert pace.min() < 0.8
    np.testing.assert_allclose(place[:, -1], 39 / 20, atol=2e-3)


def test_the_mix_hurts_in_every_way():
    x, length, y = corrupted("mix", lengths=(40,) * 4)
    before, after = artefacts.measure(x, length), artefacts.measure(y, length)
    assert float((after["jerk"] - before["jerk"]).min()) > 0
    change = joints(y) - joints(x)
    np.testing.assert_allclose(change[:, :, 0, 2], 0.05, atol=NEAR)


def test_motions_differ_in_their_noise_and_keys_decide_it():
    x, length = made_up(0, (40,))
    twice = jnp.concatenate([x, x]), jnp.concatenate([length, length])
    one = CORRUPTIONS["pose_noise"](jax.random.key(0), *twice)
    again = CORRUPTIONS["pose_noise"](jax.random.key(0), *twice)
    other = CORRUPTIONS["pose_noise"](jax.random.key(1), *twice)
    np.testing.assert_array_equal(one, again)
    assert float(jnp.abs(one[0] - one[1]).max()) > 0.05
    assert float(jnp.abs(one - other).max()) > 0.05
