import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfloop.domains.motion.data import features, rotations, skeleton
from selfloop.domains.motion.data.features import FPS
from selfloop.domains.motion.data.skeleton import MIRROR, J, Motion, Q
from selfloop.domains.motion.model import kinetics
from selfloop.metrics import scale

T = 40
NAMES = [joint.name for joint in skeleton.SKELETON for _ in joint.order]
kinetic, geometric, encode = jax.jit(kinetics.kinetic), jax.jit(kinetics.geometric), jax.jit(features.encode)


def posed(root=None, **angles) -> Motion:
    """One motion [1, T]: ``root`` [T, 3] is added to the standing place; ``joint=(hinge, angle or [T])`` bends."""
    coordinates = jnp.zeros((T, Q))
    for joint, (hinge, angle) in angles.items():
        coordinates = coordinates.at[:, NAMES.index(joint) + hinge].set(angle)
    place = jnp.zeros((T, 3)).at[:, 2].set(0.905) + (0 if root is None else jnp.asarray(root, jnp.float32))
    local = skeleton.from_coordinates(coordinates)
    return Motion(place[None], jnp.concatenate([jnp.broadcast_to(jnp.eye(3), (T, 1, 3, 3)), local], 1)[None])


def relations(motion: Motion, length: int = T) -> dict[str, float]:
    values = geometric(encode(motion), jnp.array([length]))[0]
    return dict(zip(kinetics.GEOMETRIC, map(float, values), strict=True))


def wild(seed: int) -> Motion:
    """A motion of smooth random angles that travels and turns."""
    random = np.random.default_rng(seed)
    rate, phase = random.uniform(1, 5, (2, Q + 4)).astype(np.float32)
    wave = np.sin(phase + rate * np.arange(T, dtype=np.float32)[:, None] / FPS)
    local = skeleton.from_coordinates(jnp.asarray(0.6 * wave[:, :Q]))
    pelvis = rotations.about_axis("z", jnp.asarray(wave[:, Q])) @ rotations.about_axis(
        "x", jnp.asarray(0.2 * wave[:, Q])
    )
    root = np.stack([wave[:, Q + 1], wave[:, Q + 2], 0.9 + 0.1 * wave[:, Q + 3]], 1)
    return Motion(jnp.asarray(root)[None], jnp.concatenate([pelvis[:, None], local], 1)[None])


def flipped(motion: Motion) -> Motion:
    across = jnp.array([1.0, -1.0, 1.0])
    turned = motion.rotations[:, :, np.array(MIRROR)] * jnp.outer(across, across)[None, None, None]
    return Motion(motion.root * across[None, None], turned)


def test_names_count_the_features():
    x = encode(wild(0))
    assert kinetic(x, jnp.array([T])).shape == (1, len(kinetics.KINETIC))
    assert geometric(x, jnp.array([T])).shape == (1, len(kinetics.GEOMETRIC)) == (1, 25)


def test_energies_of_steady_and_of_shaken_travel():
    """All joints share the root's motion: x(t) = v t, z(t) = a sin(w t)."""
    v, a, period = 1.3, 0.02, 10
    time = np.arange(T)
    root = np.stack([v * time / FPS, 0 * time, a * np.sin(2 * np.pi * time / period)], 1)
    values = kinetic(encode(posed(root)), jnp.array([T])).reshape(3, J)
    step = 2 * a * np.sin(np.pi / period) * FPS
    rise = np.sqrt(np.mean((step * np.cos(2 * np.pi * (time[:-1] + 0.5) / period)) ** 2))
    second = np.abs(4 * a * np.sin(np.pi / period) ** 2 * FPS**2 * np.sin(2 * np.pi * time[1:-1] / period)).mean()
    np.testing.assert_allclose(values[0], v, rtol=1e-3)
    np.testing.assert_allclose(values[1], rise, rtol=1e-3)
    np.testing.assert_allclose(values[2], second, rtol=2e-3)


GLIDE = np.arange(T)[:, None] / FPS * np.array([1.0, 0, 0])
POSES = {
    "rest": ({}, set()),
    "arm up": ({"left_shoulder": (0, 3.0)}, {"left hand above neck"}),
    "arms out": ({"left_shoulder": (0, 1.5), "right_shoulder": (0, -1.5)}, {"hands apart"}),
    "elbow": ({"right_elbow": (0, -2.0)}, {"right elbow bent"}),
    "leg up": (
        {"left_hip": (0, -1.2), "left_knee": (0, 1.6)},
        {"left thigh lifted", "left knee bent", "left foot raised", "left foot in front"},
    ),
    "step": ({"right_hip": (0, -0.4)}, {"right foot in front"}),
    "bow": ({"chest": (0, 0.8)}, {"spine tilted"}),
    "glide": ({"root": GLIDE}, {"pelvis fast", "left foot fast", "right foot fast"}),
}


@pytest.mark.parametrize("name", POSES)
def test_relations_of_a_held_pose(name):
    pose, true = POSES[name]
    assert {name for name, share in relations(posed(**pose)).items() if share > 0.5} == true


def test_relations_count_the_time():
    lifted = jnp.where(jnp.arange(T) < 10, 3.0, 0.0)
    shares = relations(posed(left_shoulder=(0, lifted)))
    assert np.isclose(shares["left hand above neck"], 9 / 39, atol=1e-5)  # steps into frames 1 to 9
    assert shares["left hand fast"] > 0
    assert np.isclose(relations(posed(left_shoulder=(0, lifted)), 10)["left hand above neck"], 1)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 100), turn=st.floats(-3, 3))
def test_place_heading_and_side_do_not_matter(seed, turn):
    motion, length = wild(seed), jnp.array([T])
    about = rotations.about_axis("z", jnp.array(turn, jnp.float32))
    root = (about @ motion.root[..., None])[..., 0] + jnp.array([3.0, -2.0, 0.0])[None, None]
    moved = Motion(root, motion.rotations.at[:, :, 0].set(about @ motion.rotations[:, :, 0]))
    x, y, z = encode(motion), encode(moved), encode(flipped(motion))
    np.testing.assert_allclose(kinetic(x, length), kinetic(y, length), rtol=1e-2, atol=1e-3)
    np.testing.assert_allclose(geometric(x, length), geometric(y, length), atol=0.06)  # a step or two at a threshold
    swapped = kinetic(z, length).reshape(3, J)[:, np.array(MIRROR)].reshape(1, -1)
    np.testing.assert_allclose(kinetic(x, length), swapped, rtol=1e-2, atol=1e-3)
    g = geometric(z, length)
    swapped = jnp.concatenate([g[:, 10:20], g[:, :10], g[:, 20:]], 1)
    np.testing.assert_allclose(geometric(x, length), swapped, atol=0.06)


@pytest.mark.parametrize("length", [3, 25])
def test_padding_has_no_part(length):
    x, keep = encode(wild(1)), jnp.array([length])
    for function in (kinetic, geometric):
        poisoned = function(x.at[:, length:].set(jnp.nan), keep)
        np.testing.assert_allclose(poisoned, function(x[:, :length], keep), rtol=1e-4, atol=1e-4)


def test_standardised_reference_has_unit_variance_but_where_it_hardly_varies():
    values = jax.random.normal(jax.random.key(0), (500, 3)) * jnp.array([1.0, 10.0, 1e-4])[None] + 5
    scaled = scale.standardise(values, scale.scale_of(values))
    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(scaled.std(0)[:2], 1, rtol=1e-3)
    assert scaled.std(0)[2] < 1e-2
