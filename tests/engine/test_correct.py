"""The correction of all lanes at once is that of each lane alone."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import Batch
from selfloop.domains.motion.arms import ARMS
from selfloop.domains.motion.correctors.nearest import nearest_real
from selfloop.domains.motion.correctors.smoothing import smoothing
from selfloop.engine.chains import stacked
from selfloop.engine.correct import correct_lanes
from selfloop.engine.plan import Lane
from selfloop.protocols import identity
from tests.domains.motion.correctors.motions import as_windows, made_up

pytestmark = pytest.mark.usefixtures("hurried")

POOLED, KEYED, NONE = "smoothing", "physics_prior", "uncorrected"
LANES = [Lane(arm, 1.0, seed, seed) for seed in range(2) for arm in (POOLED, KEYED, NONE)]
N = 5


def raw():
    """Motions of all lanes, in the host's memory."""
    return jax.tree.map(np.asarray, stacked([jax.tree.map(np.asarray, made_up(i, N)) for i in range(len(LANES))]))


def keys():
    return [jax.random.key(10 + i) for i in range(len(LANES))]


def shaken(key, batch, state):
    """A corrector that draws, and fails some motions by chance."""
    key_noise, key_fail = jax.random.split(key)
    x = batch.x + jax.random.normal(key_noise, batch.x.shape)
    failed = jax.random.bernoulli(key_fail, 0.5, batch.weight.shape)
    weight = jnp.where(failed, 0, batch.weight)
    return Batch(x, weight, batch.cond), {"failed": failed, "moved_mm": jnp.abs(x).mean((1, 2))}


def picky(key, batch, state):
    """A corrector that looks at each motion alone, and fails those of one label."""
    failed = jnp.asarray(batch.cond["label"]) == 1
    x = jnp.where(failed[:, None, None], batch.x, 2 * batch.x)
    found = {"failed": failed, "moved_mm": jnp.where(failed, 0, jnp.asarray(batch.cond["length"], jnp.float32))}
    return Batch(x, jnp.where(failed, 0, batch.weight), batch.cond), found


def each_alone(correctors, given):
    """Every lane by a call of its own."""
    parts, info = [], []
    for i, lane in enumerate(LANES):
        own = jax.tree.map(lambda leaf, i=i: jnp.asarray(leaf[i]), given)
        fixed, found = correctors[lane.arm](keys()[i], own, None)
        parts.append(jax.tree.map(np.asarray, fixed))
        info.append({name: np.asarray(found.get(name, np.zeros(N))) for name in ("failed", "moved_mm")})
    return stacked(parts), stacked(info)


@pytest.mark.parametrize("name", ["picky", "smoothing"])
def test_together_is_as_alone(name):
    pooled = picky if name == "picky" else made(name)
    assert ARMS[POOLED].alone
    assert not ARMS[KEYED].alone
    correctors, given = {POOLED: pooled, KEYED: shaken, NONE: identity}, raw()
    fixed, info = correct_lanes(LANES, correctors, keys(), given)
    expected, told = each_alone(correctors, given)
    for one, other in zip(jax.tree.leaves((fixed, info)), jax.tree.leaves((expected, told)), strict=True):
        assert one.shape == other.shape
        # Programs of another size round otherwise: a few times 6e-8 of a value, and of mm of metres.
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert info["failed"].any()
    assert info["failed"].dtype == bool
    np.testing.assert_array_equal(fixed.weight == 0, info["failed"])
    still = [i for i, lane in enumerate(LANES) if lane.arm == NONE]
    np.testing.assert_array_equal(fixed.x[still], given.x[still])
    assert not info["moved_mm"][still].any()


def test_what_is_given_is_not_changed():
    given = raw()
    correct_lanes(LANES, {POOLED: picky, KEYED: shaken, NONE: identity}, keys(), given)
    jax.tree.map(np.testing.assert_array_equal, given, raw())


@functools.cache
def made(arm):
    """The corrector of an arm; no window has label 1."""
    real = as_windows(made_up(9, 12))
    real = real._replace(label=np.where(real.label == 1, 0, real.label))
    return {"smoothing": smoothing, "nearest_real": lambda: nearest_real(real)}[arm]()


@pytest.mark.parametrize("strange", [np.nan, np.inf, 1e30, 1e20])
@pytest.mark.parametrize("arm", ["smoothing", "nearest_real"])
def test_a_motion_gone_astray_leaves_the_others_as_they_are(arm, strange):
    assert ARMS[arm].alone
    corrector = made(arm)
    lanes, given = [Lane(arm, 1.0, seed, seed) for seed in range(2)], jax.tree.map(lambda leaf: leaf[:2], raw())
    clean, known = correct_lanes(lanes, {arm: corrector}, keys()[:2], given)
    x = given.x.copy()
    x[1, 2] = strange
    fixed, info = correct_lanes(lanes, {arm: corrector}, keys()[:2], given._replace(x=x))
    others = np.ones((2, N), bool)
    others[1, 2] = False
    np.testing.assert_array_equal(fixed.x[others], clean.x[others])
    np.testing.assert_array_equal(fixed.weight[others], clean.weight[others])
    np.testing.assert_array_equal(info["moved_mm"][others], known["moved_mm"][others])
    assert not info["failed"][others].any()
    assert np.isfinite(fixed.x[fixed.weight > 0]).all()
    if not np.isfinite(strange):
        assert info["failed"][1, 2]
        assert fixed.weight[1, 2] == 0
