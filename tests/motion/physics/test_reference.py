import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.motion.data import rotations
from selfloop.motion.data.skeleton import J, Motion
from selfloop.motion.physics import reference

T = 40


@pytest.mark.parametrize("length", [40, 25, 3, 1])
def test_lowpass_keeps_lines_and_repeats_the_end(length):
    line = np.outer(np.arange(T), [1.0, -2.0]).astype(np.float32) + 3
    out = np.asarray(jax.jit(reference.lowpass)(jnp.asarray(line), jnp.int32(length)))
    np.testing.assert_allclose(out[:length], line[:length], atol=1e-4)
    np.testing.assert_allclose(out[length:], np.broadcast_to(out[length - 1], out[length:].shape))


def test_lowpass_damps_the_fastest_wave_as_the_gaussian_says():
    wave = np.cos(np.pi * np.arange(T)).astype(np.float32)
    out = np.asarray(reference.lowpass(jnp.asarray(wave[:, None]), jnp.int32(T), 1.0))[10:30, 0]
    weights = np.exp(-0.5 * np.arange(-3, 4) ** 2.0)
    gain = (weights * (-1.0) ** np.arange(-3, 4)).sum() / weights.sum()
    np.testing.assert_allclose(out, gain * wave[10:30], atol=1e-6)


@pytest.mark.parametrize("length", [40, 12, 1])
@pytest.mark.parametrize("height", [0.3, -0.2])
def test_a_floating_or_sunken_floor_is_found(height, length):
    lowest = np.where(np.arange(T) < length, height, np.nan).astype(np.float32)
    found = reference.floor(jnp.asarray(np.nan_to_num(lowest, nan=9.0)), jnp.int32(length))
    np.testing.assert_allclose(found, height, atol=1e-6)


def test_a_slow_rise_is_found():
    rise = np.linspace(0, 0.2, T).astype(np.float32)
    left = rise - np.asarray(reference.floor(jnp.asarray(rise), jnp.int32(T)))
    # A window of half a second either side sees less of the rise at the end, which gravity has to finish.
    assert np.abs(left[:-10]).max() < 0.02
    assert np.abs(left).max() < 0.06


@pytest.mark.parametrize("flight", [0.4, 0.6])
def test_a_jump_keeps_its_height(flight):
    time = (np.arange(T) / 20 - 1) / (flight / 2)
    jump = np.where(np.abs(time) < 1, 9.81 * flight**2 / 8 * (1 - time**2), 0).astype(np.float32)
    found = np.asarray(reference.floor(jnp.asarray(jump), jnp.int32(T)))
    assert np.abs(found).max() < 0.03
    assert np.isclose(found[20], 0, atol=0.01)


def test_velocities_of_a_steady_turn_and_walk():
    time = np.arange(T) / 20
    root = np.stack([1.5 * time, 0.5 * time, np.full(T, 2.0)], -1).astype(np.float32)
    pelvis = rotations.about_axis("z", jnp.asarray(2.0 * time, jnp.float32))
    local = jnp.broadcast_to(jnp.eye(3, dtype=jnp.float32), (T, J, 3, 3)).at[:, 0].set(pelvis)
    local = local.at[:, 4].set(rotations.about_axis("y", jnp.asarray(-0.7 * time, jnp.float32)))
    result = reference.prepare(Motion(jnp.asarray(root), local), jnp.int32(T), 9)
    assert result.q.shape == (39 * 9 + 1, 37)
    assert result.velocity.shape == (39 * 9 + 1, 36)
    expected = np.zeros(36)
    expected[:2], expected[5], expected[6 + 9] = (1.5, 0.5), 2.0, -0.7
    # The root's quaternion is read by a cubic: exact to the third order in the angle of a frame, 0.05 rad.
    np.testing.assert_allclose(result.velocity[:, :6], np.broadcast_to(expected[:6], (352, 6)), atol=2e-2)
    np.testing.assert_allclose(result.velocity[20:-20, 6:], np.broadcast_to(expected[6:], (312, 30)), atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(result.q[:, 3:7], axis=-1), 1, atol=1e-6)


def test_products_of_quaternions_are_products_of_rotations():
    p, q = np.random.default_rng(0).normal(size=(2, 5, 4)).astype(np.float32)
    p, q = (v / np.linalg.norm(v, axis=-1, keepdims=True) for v in (p, q))
    product = rotations.from_quaternion(reference.hamilton(jnp.asarray(p), jnp.asarray(q)))
    both = rotations.from_quaternion(jnp.asarray(p)) @ rotations.from_quaternion(jnp.asarray(q))
    np.testing.assert_allclose(product, both, atol=1e-6)
