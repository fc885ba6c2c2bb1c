import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfloop.domains.motion import artefacts
from selfloop.domains.motion.data import features, rotations, skeleton
from selfloop.domains.motion.data.features import FPS
from selfloop.domains.motion.data.skeleton import LIMITS, Motion, Q

T = 40
REST = 0.905
"""Pelvis height (m) at which the rest pose stands: thigh 0.41, shin 0.41, ankle over sole 0.085."""
measure, encode = jax.jit(artefacts.measure), jax.jit(features.encode)


def standing(root=None, angles=None) -> Motion:
    """One motion [1, T] in the rest pose, or in another; ``root`` [T, 3] is added to its standing place."""
    place = jnp.zeros((T, 3)).at[:, 2].set(REST) + (0 if root is None else jnp.asarray(root, jnp.float32))
    local = skeleton.from_coordinates(jnp.zeros((T, Q)) if angles is None else angles)
    return Motion(place[None], jnp.concatenate([jnp.broadcast_to(jnp.eye(3), (T, 1, 3, 3)), local], 1)[None])


def measured(motion: Motion, length: int = T) -> dict[str, float]:
    return {name: float(value[0]) for name, value in measure(encode(motion), jnp.array([length])).items()}


def along(axis: int, values) -> np.ndarray:
    root = np.zeros((T, 3), np.float32)
    root[:, axis] = values
    return root


def test_a_standing_figure_is_clean():
    values = measured(standing())
    assert tuple(sorted(values)) == tuple(sorted(artefacts.NAMES))
    for name, value in values.items():
        assert abs(value) < (0.1 if name == "jerk" else 1e-3), name


@settings(max_examples=20, deadline=None)
@given(height=st.floats(-0.3, 0.3))
def test_height_is_floating_or_penetration(height):
    values = measured(standing(along(2, height)))
    assert np.isclose(values["float_mm"], 1000 * max(height, 0), atol=0.01)
    assert np.isclose(values["penetration_mm"], 1000 * max(-height, 0), atol=0.01)


def test_frames_are_averaged():
    values = measured(standing(along(2, np.where(np.arange(T) < 10, 0.03, -0.02))))
    assert np.isclose(values["float_mm"], 7.5, atol=0.01)
    assert np.isclose(values["penetration_mm"], 15, atol=0.01)


@settings(max_examples=20, deadline=None)
@given(speed=st.floats(0, 1).filter(lambda v: abs(v - artefacts.SKATE_SPEED) > 1e-3), turn=st.floats(-3, 3))
def test_sliding_on_flat_feet(speed, turn):
    travel = speed * np.arange(T)[:, None] / FPS * np.array([np.cos(turn), np.sin(turn), 0])
    values = measured(standing(travel))
    assert np.isclose(values["skate_mm_per_frame"], 1000 * speed / FPS, atol=0.02)
    assert np.isclose(values["skate_ratio"], float(speed > artefacts.SKATE_SPEED), atol=1e-5)


def test_only_standing_feet_skate():
    gliding = along(0, np.arange(T) * 0.05)
    high = gliding + along(2, artefacts.FLAT + 0.001)
    assert measured(standing(high))["skate_mm_per_frame"] == 0
    half = gliding + along(2, np.where(np.arange(T) < 20, 0.0, 0.1))
    assert np.isclose(measured(standing(half))["skate_mm_per_frame"], 50, atol=0.1)
    assert np.isclose(measured(standing(half))["skate_ratio"], 19 / 39, atol=1e-5)


def test_turning_on_one_foot_is_no_skating():
    """The pelvis circles about a sphere of the left foot; the right foot is lifted by its knee and hip."""
    yaw = jnp.arange(float(T)) * 0.05
    facing = rotations.about_axis("z", yaw)
    pivot = skeleton.sphere_centres(*skeleton.forward(standing()))[0, 0, 2] * np.array([1, 1, 0], np.float32)
    spin = pivot[None] - (facing @ pivot[None, :, None])[..., 0]
    names = [joint.name for joint in skeleton.SKELETON for _ in joint.order]
    bent = jnp.zeros((T, Q)).at[:, names.index("right_hip")].set(-0.8).at[:, names.index("right_knee")].set(1.2)
    still = standing(spin, bent)
    turned = still.rotations.at[0, :, 0].set(facing)
    values = measured(Motion(still.root, turned))
    assert values["skate_mm_per_frame"] < 0.05


def test_jerk_of_a_sinusoid():
    """The third difference of a sin(w t) is 8 a sin^3(w / 2) in size; the mean of |cos| is 2 / pi."""
    amplitude, period = 0.05, 11.3
    root = along(2, amplitude * np.sin(2 * np.pi * np.arange(T) / period))
    factor = 8 * amplitude * np.sin(np.pi / period) ** 3 * FPS**3
    at = np.arange(T - 3) + 1.5
    expected = factor * np.abs(np.cos(2 * np.pi * at / period)).mean()
    assert np.isclose(measured(standing(root))["jerk"], expected, rtol=1e-3)
    assert np.isclose(expected, factor * 2 / np.pi, rtol=0.1)


def test_a_hinge_beyond_its_limit():
    knee = [joint.name for joint in skeleton.SKELETON for _ in joint.order].index("left_knee")
    out = jnp.zeros((T, Q)).at[:, knee].set(float(LIMITS[knee, 1]) + np.deg2rad(10).astype(np.float32))
    assert np.isclose(measured(standing(angles=out))["limit_violation_deg"], 10 / Q, rtol=1e-3)
    under = jnp.zeros((T, Q)).at[: T // 2, knee].set(float(LIMITS[knee, 0]) - np.deg2rad(4).astype(np.float32))
    assert np.isclose(measured(standing(angles=under))["limit_violation_deg"], 2 / Q, rtol=1e-3)


@pytest.mark.parametrize("length", [1, 3, 4, 25])
def test_padding_has_no_part(length):
    root = along(0, np.arange(T) * 0.01) + along(2, 0.02 * np.sin(np.arange(T)))
    x = encode(standing(root))
    poisoned = x.at[:, length:].set(jnp.nan)
    clean = measure(x, jnp.array([length]))
    for name, value in measure(poisoned, jnp.array([length])).items():
        assert jnp.isfinite(value).all(), name
        np.testing.assert_allclose(value, clean[name], rtol=1e-5, err_msg=name)
    if length > 3:
        cut = measure(x[:, :length], jnp.array([length]))
        for name, value in clean.items():
            np.testing.assert_allclose(value, cut[name], rtol=1e-4, atol=1e-4, err_msg=name)
