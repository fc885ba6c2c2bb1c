import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import Batch
from selfloop.domains.motion.data import features, skeleton
from selfloop.domains.motion.data.skeleton import LEG_HEIGHT, J, Motion
from selfloop.domains.motion.physics import refinement, spring_tracker
from selfloop.domains.motion.physics.spring_backend import engine
from selfloop.errors import ConfigError

KEY = jax.random.key(0)
FRAMES, THIGH = 16, 0.41


def batch_of(x, length=None):
    length = jnp.asarray(np.full(len(x), x.shape[1]) if length is None else length, jnp.int32)
    cond = {"label": jnp.zeros(len(x), jnp.int32), "length": length}
    return Batch(jnp.asarray(x, jnp.float32), jnp.ones(len(x), jnp.float32), cond)


def squat(depth, turns=1.0, height=0.0):
    """Knee bends on flat, still feet: thigh and shin are equally long, so hip = -a, knee = 2a, ankle = -a."""
    bend = 0.5 * depth * (1 - np.cos(2 * np.pi * turns * np.arange(FRAMES) / FRAMES))
    names = [f"{joint.name}_{axis}" for joint in skeleton.SKELETON for axis in joint.order]
    angles = np.zeros((FRAMES, skeleton.Q), np.float32)
    for side in ("left", "right"):
        for hinge, share in (("hip_y", -1), ("knee_y", 2), ("ankle_y", -1)):
            angles[:, names.index(f"{side}_{hinge}")] = share * bend
    root = np.zeros((FRAMES, 3), np.float32)
    root[:, 2] = LEG_HEIGHT + height - 2 * THIGH * (1 - np.cos(bend))
    pelvis = jnp.broadcast_to(jnp.eye(3, dtype=jnp.float32), (FRAMES, 1, 3, 3))
    return Motion(jnp.asarray(root), jnp.concatenate([pelvis, skeleton.from_coordinates(jnp.asarray(angles))], 1))


@pytest.fixture(scope="module")
def knee_bends():
    """Features [4, T, D]: standing, and squats from slow to so fast that legs can hardly follow."""
    motions = [squat(0.0), squat(0.8), squat(0.6, turns=2.0), squat(0.4, turns=3.0)]
    return np.stack([np.asarray(features.encode(motion)) for motion in motions])


@pytest.mark.parametrize("wrong", [{"iterations": -1}, {"horizon": 0}, {"substeps": 0}, {"chunk": 0}])
def test_numbers_out_of_range_are_named(wrong):
    (name, value), *_ = wrong.items()
    with pytest.raises(ConfigError, match=f"{name} = {value}"):
        refinement.gradient_corrector(**wrong)


@pytest.mark.slow  # the program and its derivative compile for a minute
def test_gradient_matches_finite_differences():
    """Along random directions, in flight and standing on the floor, against central differences of the simulation.

    In flight the loss is smooth and the tolerance that of float32. On the floor soles touch and leave from step to
    step, which no derivative sees: there 15 % are allowed (5 % were measured).
    """
    spring, horizon = engine(1 / 960), 3
    plans = [squat(0.4, height=1.0), squat(0.4)]
    plan = jax.tree.map(lambda *leaves: jnp.stack(leaves), *plans)

    def price(plan, offsets):
        aim, goal = spring_tracker.targets(plan), refinement.points(plan)
        goal = goal + np.array([0.05, 0.02, 0.05], np.float32)[None, None]
        start = spring_tracker.start(spring, plan, jnp.float32(0))
        rest = (jnp.int32(FRAMES), horizon, start, jnp.int32(0), offsets)
        return refinement.loss(spring, aim, goal, *rest)[0]

    none = refinement.Offsets(jnp.zeros((2, FRAMES, 3)), jnp.zeros((2, FRAMES, J, 3)))
    value = jax.jit(jax.vmap(price))
    _, gradient = jax.jit(jax.vmap(jax.value_and_grad(price, argnums=1)))(plan, none)
    random, eps, pairs = np.random.default_rng(0), 4e-3, []
    for _ in range(6):
        way = jax.tree.map(lambda leaf: jnp.asarray(random.normal(size=leaf.shape), jnp.float32), none)
        plus, minus = (
            value(plan, jax.tree.map(lambda o, w, s=sign: o + s * eps * w, none, way)) for sign in (1.0, -1.0)
        )
        slope = sum(jnp.sum((g * w).reshape(2, -1), 1) for g, w in zip(gradient, way, strict=True))
        pairs.append((np.asarray(plus - minus) / (2 * eps), np.asarray(slope)))
    measured, derived = np.moveaxis(np.array(pairs), 1, 0)
    error = np.linalg.norm(measured - derived, axis=0) / np.linalg.norm(measured, axis=0)
    assert error[0] < 2e-3
    assert error[1] < 0.15


@pytest.fixture(scope="module")
def correctors():
    """The corrector that only tracks, and the one that refines, compiled once."""
    make = functools.partial(refinement.gradient_corrector, chunk=4)
    return make(iterations=0), make(iterations=6)


@pytest.mark.slow
def test_refinement_reduces_the_tracking_error(correctors, knee_bends):
    (_, before), (result, after) = (correct(KEY, batch_of(knee_bends), None) for correct in correctors)
    assert not before["failed"].any()
    assert not after["failed"].any()
    np.testing.assert_array_equal(result.weight, 1)
    # Standing there is nothing to win; and an iterate may be dearer in millimetres that saves residual force.
    assert after["error_mm"][0] < before["error_mm"][0] + 0.5
    assert (after["error_mm"][1:] < 0.85 * before["error_mm"][1:]).all()
    for name in ("moved", "root_force_share", "root_torque_share"):
        assert after[name].shape == (4,)
        assert np.isfinite(after[name]).all()


@pytest.mark.slow
def test_absurd_motion_fails_and_stays_finite(correctors, knee_bends):
    random = np.random.default_rng(0).normal(size=knee_bends[0].shape).astype(np.float32)
    wild = [np.full_like(random, 1e30), 100 * random, np.where(random > 2, np.nan, random), knee_bends[1]]
    result, info = correctors[1](KEY, batch_of(np.stack(wild)), None)
    assert np.isfinite(result.x).all()
    assert all(np.isfinite(value).all() for value in info.values())
    np.testing.assert_array_equal(info["failed"], [True, True, True, False])
    np.testing.assert_array_equal(result.weight, [0, 0, 0, 1])
    np.testing.assert_array_equal(result.x[:2], np.stack(wild[:2]))


@pytest.mark.slow
def test_frames_beyond_the_length_do_not_matter(correctors, knee_bends):
    length = np.full(4, 9)
    held = np.asarray(features.hold(jnp.asarray(knee_bends), jnp.asarray(length)))
    wild = held.copy()
    wild[:, 9:] = 5
    a, b = (correctors[1](KEY, batch_of(x, length), None)[0].x for x in (held, wild))
    np.testing.assert_allclose(a, b, atol=1e-3)
    np.testing.assert_allclose(a, features.hold(a, jnp.asarray(length)))
