"""What every corrector of motion keeps, whatever it is given."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfloop.domains.motion.correctors.chain import chain
from selfloop.domains.motion.correctors.nearest import nearest_real
from selfloop.domains.motion.correctors.prior import PriorConfig, prior, train_prior
from selfloop.domains.motion.correctors.smoothing import smoothing
from selfloop.domains.motion.data import features
from tests.domains.motion.correctors.motions import NAMES, as_windows, joints, made_up

pytestmark = pytest.mark.usefixtures("hurried")
REAL = as_windows(made_up(1, 30))


@pytest.fixture(scope="module")
def correctors(hurried):
    model, _ = train_prior(jax.random.key(0), REAL, PriorConfig(band=8, width=16, layers=1, steps=4, batch=4))
    table = {"smoothing": smoothing(), "nearest": nearest_real(REAL), "prior": prior(model, NAMES, 0.5, steps=2)}
    return table | {"chain": chain(table["smoothing"], table["nearest"])}


KINDS = ("smoothing", "nearest", "prior", "chain")


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 99), bad=st.sampled_from([np.nan, np.inf, -np.inf]), size=st.sampled_from([1.0, 100.0]))
def test_only_what_is_not_finite_fails(correctors, kind, seed, bad, size):
    batch = made_up(seed, 5)
    batch = batch._replace(x=(size * batch.x).at[2, 3, 7].set(bad), weight=jnp.array([1.0, 0.5, 1.0, 2.0, 0.0]))
    fixed, info = correctors[kind](jax.random.key(seed), batch, None)
    np.testing.assert_array_equal(info["failed"], np.arange(5) == 2)
    np.testing.assert_array_equal(fixed.weight, [1.0, 0.5, 0.0, 2.0, 0.0])
    assert np.isfinite(fixed.x).all()
    assert np.isfinite(info["moved"]).all()
    np.testing.assert_array_equal(fixed.x[2], batch.x[2].at[3, 7].set(0))
    assert info["moved"][2] == 0
    np.testing.assert_array_equal(fixed.cond["label"], batch.cond["label"])


@pytest.mark.parametrize("kind", KINDS)
def test_frames_beyond_the_length_stand_still(correctors, kind):
    batch = made_up(3, 6)
    fixed, _ = correctors[kind](jax.random.key(0), batch, None)
    np.testing.assert_array_equal(fixed.x, features.hold(fixed.x, batch.cond["length"]))


@pytest.mark.parametrize("kind", KINDS)
def test_frames_beyond_the_length_change_nothing(correctors, kind):
    """But for the prior, which reads whole windows: it is given windows as they are held, always."""
    batch = made_up(4, 6)
    other = batch._replace(x=jnp.where(features.valid(batch.cond["length"], 16)[..., None], batch.x, 0.3))
    if kind != "prior":
        one, two = (correctors[kind](jax.random.key(0), given, None)[0].x for given in (batch, other))
        np.testing.assert_allclose(one, two, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_moved_is_the_distance_of_the_joints(correctors, kind):
    batch = made_up(5, 4)
    fixed, info = correctors[kind](jax.random.key(0), batch, None)
    distance = np.linalg.norm(joints(fixed.x) - joints(batch.x), axis=-1).mean(-1)
    mean = [row[:length].mean() for row, length in zip(distance, batch.cond["length"], strict=True)]
    np.testing.assert_allclose(info["moved"], 1000 * np.array(mean), rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("kind", ["smoothing", "nearest", "chain"])
def test_order_and_company_do_not_change_a_motion(correctors, kind):
    batch = made_up(6, 5)
    whole = correctors[kind](jax.random.key(0), batch, None)[0].x
    pick = np.array([4, 1])
    part = jax.tree.map(lambda leaf: leaf[pick], batch)
    np.testing.assert_allclose(correctors[kind](jax.random.key(0), part, None)[0].x, whole[pick], atol=1e-5)
