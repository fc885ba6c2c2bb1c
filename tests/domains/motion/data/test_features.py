import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from selfloop.domains.motion.data import features, rotations
from selfloop.domains.motion.data.clip import canonical, to_motion
from selfloop.domains.motion.data.skeleton import Motion

encode, decode = jax.jit(features.encode), jax.jit(features.decode)

# Positions are sums of up to 40 float32 steps of centimetres.
SUMMED = 1e-5


@pytest.mark.parametrize("seed", range(3))
def test_decode_returns_a_motion_that_starts_over_the_origin_facing_x(wander, seed):
    motion = to_motion(canonical(wander(seed, frames=40)))
    back = decode(encode(motion))
    np.testing.assert_allclose(back.root, motion.root, atol=SUMMED)
    np.testing.assert_allclose(back.rotations, motion.rotations, atol=SUMMED)


def test_place_and_heading_do_not_matter(wander):
    motion = to_motion(wander(3))
    turn = rotations.about_axis("z", jnp.float32(1.3))
    moved = Motion(
        (turn @ motion.root[..., None])[..., 0] + jnp.array([[3.0, -2.0, 0.0]]),
        motion.rotations.at[:, 0].set(turn @ motion.rotations[:, 0]),
    )
    # Rates are differences of metres times 20: 20 ulp of 5 m.
    np.testing.assert_allclose(encode(moved), encode(motion), atol=5e-5)


def test_columns_hold_what_the_table_says(wander):
    clip = canonical(wander(4))
    x = np.asarray(encode(to_motion(clip)))
    assert x.shape == (len(clip), features.D)
    np.testing.assert_allclose(x[:, 3], clip.root[:, 2], atol=1e-6)
    speed = np.linalg.norm(np.diff(clip.root[:, :2], axis=0), axis=1) * features.FPS
    np.testing.assert_allclose(np.linalg.norm(x[1:, 1:3], axis=1), speed, atol=1e-4)
    np.testing.assert_array_equal(x[0, :3], x[1, :3])
    covered = np.concatenate([np.arange(features.D)[columns] for _, columns in features.GROUPS])
    np.testing.assert_array_equal(covered, np.arange(features.D))


def test_a_batch_is_its_motions_one_by_one(wander):
    one, two = (to_motion(wander(seed)) for seed in (5, 6))
    both = Motion(jnp.stack([one.root, two.root]), jnp.stack([one.rotations, two.rotations]))
    np.testing.assert_allclose(encode(both)[1], encode(two), atol=1e-6)
    np.testing.assert_allclose(decode(encode(both)).root[0], decode(encode(one)).root)


@settings(max_examples=50, deadline=None)
@given(hnp.arrays(np.float32, (6, features.D), elements=st.floats(-(2.0**60), 2.0**60, width=32)))
def test_any_finite_features_decode_to_a_finite_motion_of_rotations(x):
    motion = decode(jnp.asarray(x))
    assert np.isfinite(motion.root).all()
    turns = np.asarray(motion.rotations, np.float64)
    np.testing.assert_allclose(turns @ np.swapaxes(turns, -1, -2), np.broadcast_to(np.eye(3), turns.shape), atol=1e-5)
