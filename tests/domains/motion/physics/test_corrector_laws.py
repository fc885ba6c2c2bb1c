"""Laws of motion correctors, whatever they are given: each is tried on those to which it applies."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfloop.domains.motion import artefacts
from selfloop.domains.motion.correctors.chain import chain
from selfloop.domains.motion.correctors.cleanup import cleanup
from selfloop.domains.motion.correctors.smoothing import smoothing
from selfloop.domains.motion.data import features, skeleton
from selfloop.domains.motion.physics.corrector import physics_corrector
from selfloop.domains.motion.physics.gains import gains
from selfloop.domains.motion.physics.tracker import HEAD_DROP, ROOT_OFF
from tests.domains.motion.physics.motions import (
    CHUNK,
    FRAMES,
    batch_of,
    crouched,
    decode,
    encoded,
    joints,
    places,
    posed,
    prepared,
    shaken,
    squat,
    walk,
)

PHYSICS = ("physics", "learning", "limp")
GROUNDED = ("physics", "learning", "cleanup", "chain")
ALL = (*PHYSICS, "cleanup", "smoothing", "chain")
WEIGHTS = np.array([1, 0.5, 2, 0, 1, 1, 0.1, 3], np.float32)
measured = jax.jit(artefacts.measure)
few = settings(deadline=None, max_examples=5)


@pytest.fixture(scope="module")
def correctors():
    """Limp is physics with hardly a joint torque: much that it is given falls."""
    physics = physics_corrector(chunk=CHUNK)
    return {
        "physics": physics,
        "learning": physics_corrector(rounds=1, chunk=CHUNK),
        "limp": physics_corrector(gains=gains(joint_cap=0.1, root_lift=0.0, root_torque=30.0), chunk=CHUNK),
        "cleanup": cleanup(),
        "smoothing": smoothing(),
        "chain": chain(smoothing(0.7), physics),
    }


CLEAN = encoded(crouched(0.2), squat(), squat(0.8), walk(), walk(0.4), squat(1.0, 2.0), posed([0, 0, 0.905]), walk(1.2))


def absurd(random) -> np.ndarray:
    """Eight finite motions [8, T, D] of no body: wild, huge, tiny, constant, upside down, or hopping between places."""
    noise = random.normal(size=(CHUNK, FRAMES, features.D)).astype(np.float32)
    x = np.zeros_like(noise)
    x[0], x[1], x[2], x[3] = noise[0], 100 * noise[1], 1e30 * noise[2], 1e-30 * noise[3]
    x[4] = random.choice([0.0, 1.0, -1e6, 1e38])
    x[5] = CLEAN[1]
    x[5, :, 4:10] *= np.float32(-1)
    x[6] = CLEAN[3]
    x[6, :, 3] = 10 * random.choice([-1, 1], FRAMES)
    x[7] = np.where(random.random((FRAMES, 1)) < 0.5, CLEAN[1], CLEAN[7])
    return x


@st.composite
def given_motions(draw):
    """Batches of eight: clean, shaken, shifted, absurd or not finite motions of any length."""
    seed, level = draw(st.integers(0, 9999)), draw(st.sampled_from([0.0, 0.05, 0.3, 2.0]))
    random = np.random.default_rng(seed)
    x = np.where(random.random((CHUNK, 1, 1)) < 0.4, absurd(random), CLEAN)
    x = (x + level * random.normal(size=x.shape)).astype(np.float32)
    x[..., 3] += random.uniform(-0.3, 0.5, (CHUNK, 1))
    for row in np.flatnonzero(random.random(CHUNK) < draw(st.sampled_from([0.0, 0.3]))):
        x[row, random.integers(FRAMES), random.integers(features.D)] = random.choice([np.nan, np.inf, -np.inf])
    return batch_of(x, random.integers(1, FRAMES + 1, CHUNK))._replace(weight=jnp.asarray(WEIGHTS))


@pytest.mark.parametrize("kind", ALL)
@few
@given(batch=given_motions())
def test_whatever_comes_what_goes_is_finite_and_failures_are_flagged(correctors, kind, batch):
    fixed, info = correctors[kind](jax.random.key(0), batch, None)
    x = np.asarray(batch.x)
    sound = np.isfinite(x).all((1, 2))
    failed = np.asarray(info["failed"])
    assert np.isfinite(fixed.x).all()
    assert all(np.isfinite(value).all() for value in info.values())
    assert (sound | failed).all()
    np.testing.assert_array_equal(fixed.x[failed], np.where(np.isfinite(x), x, 0)[failed])
    np.testing.assert_array_equal(fixed.weight, np.where(failed, 0, WEIGHTS))
    assert (np.asarray(info["moved"])[failed] == 0).all()
    np.testing.assert_array_equal(fixed.cond["length"], batch.cond["length"])


@pytest.mark.parametrize("kind", PHYSICS)
@few
@given(batch=given_motions())
def test_what_is_said_to_stand_stands(correctors, kind, batch):
    """Head and pelvis are near to where the plan has them, seen from where features begin: over the origin."""
    fixed, info = correctors[kind](jax.random.key(0), batch, None)
    length = np.asarray(batch.cond["length"])
    kept = ~np.asarray(info["failed"])
    plan = prepared(np.where(np.isfinite(batch.x), batch.x, 0), length).motion
    now, then = joints(fixed.x), np.asarray(places(plan))
    head, counts = skeleton.INDEX["neck"], np.asarray(features.valid(jnp.asarray(length), FRAMES))
    low = (then - now)[..., head, 2] > HEAD_DROP + 1e-3
    away = np.abs(now - then)[..., 0, 2] > ROOT_OFF + 1e-3
    assert not ((low | away) & counts)[kept].any()


def test_a_limp_body_fails_where_a_strong_one_does_not(correctors):
    strong, limp = (correctors[kind](jax.random.key(0), batch_of(CLEAN), None)[1]["failed"] for kind in PHYSICS[::2])
    assert not strong.any()
    assert limp.sum() >= CHUNK // 2


@pytest.mark.parametrize("kind", ALL)
@few
@given(batch=given_motions(), seed=st.integers(0, 99))
def test_order_and_key_do_not_change_a_motion(correctors, kind, batch, seed):
    order = np.random.default_rng(seed).permutation(CHUNK)
    whole, known = correctors[kind](jax.random.key(0), batch, None)
    other, found = correctors[kind](jax.random.key(1), jax.tree.map(lambda leaf: leaf[order], batch), None)
    np.testing.assert_array_equal(found["failed"], known["failed"][order])
    scale = 1 + np.abs(np.asarray(whole.x)[order])
    assert (np.abs(other.x - whole.x[order]) <= 1e-4 * scale).all()


@pytest.mark.parametrize("kind", ["physics", "learning", "chain"])
def test_company_and_size_of_the_batch_do_not_change_a_motion(correctors, kind):
    """Seventeen make three loads of a program, the last of them filled up."""
    many = np.concatenate([CLEAN, CLEAN[::-1], CLEAN[:1]])
    whole = np.asarray(correctors[kind](jax.random.key(0), batch_of(CLEAN), None)[0].x)
    result = np.asarray(correctors[kind](jax.random.key(0), batch_of(many), None)[0].x)
    np.testing.assert_allclose(result, np.concatenate([whole, whole[::-1], whole[:1]]), atol=1e-4)


@pytest.mark.parametrize("kind", ALL)
@few
@given(seed=st.integers(0, 999))
def test_what_comes_after_the_length_does_not_matter_and_stands_still(correctors, kind, seed):
    random = np.random.default_rng(seed)
    length = random.integers(1, FRAMES + 1, CHUNK)
    counts = np.asarray(features.valid(jnp.asarray(length), FRAMES))[..., None]
    x = CLEAN + (0.02 * random.normal(size=CLEAN.shape)).astype(np.float32)
    held = np.asarray(features.hold(jnp.asarray(x), jnp.asarray(length)))
    wild = np.where(counts, x, np.float32(5))
    (one, info), (two, other) = (correctors[kind](jax.random.key(0), batch_of(y, length), None) for y in (held, wild))
    np.testing.assert_array_equal(info["failed"], other["failed"])
    np.testing.assert_allclose(np.where(counts, one.x, 0), np.where(counts, two.x, 0), atol=1e-4)
    kept = ~np.asarray(info["failed"])
    np.testing.assert_allclose(two.x[kept], features.hold(two.x, jnp.asarray(length))[kept], atol=1e-6)


@pytest.mark.parametrize("kind", GROUNDED)
@few
@given(heights=st.lists(st.floats(-0.2, 0.5), min_size=CHUNK, max_size=CHUNK))
def test_how_high_the_input_lies_does_not_matter(correctors, kind, heights):
    shifted = np.array(CLEAN)
    shifted[..., 3] += np.array(heights, np.float32)[:, None]
    low, high = (correctors[kind](jax.random.key(0), batch_of(x), None)[0].x for x in (CLEAN, shifted))
    # Rounding of the height, 6e-8 m, grows where feet touch.
    np.testing.assert_allclose(joints(high), joints(low), atol=2e-3)


BIAS = {"physics": 20, "learning": 20, "cleanup": 10, "smoothing": 15, "chain": 30}
"""Mean distance (mm) that a clean motion may be moved."""


@pytest.mark.parametrize("kind", BIAS)
@few
@given(seed=st.integers(0, 999))
def test_clean_motions_stay_near(correctors, kind, seed):
    random = np.random.default_rng(seed)
    squats = [squat(random.uniform(0.1, 0.9), random.uniform(0.5, 1.5)) for _ in range(CHUNK // 2)]
    walks = [walk(random.uniform(0.3, 1.0), random.uniform(0.45, 0.65)) for _ in range(CHUNK // 2)]
    _, info = correctors[kind](jax.random.key(0), batch_of(encoded(*squats, *walks)), None)
    assert not info["failed"].any()
    assert info["moved"].mean() < BIAS[kind]
    assert info["moved"].max() < 2.5 * BIAS[kind]


@pytest.mark.parametrize("kind", GROUNDED)
@few
@given(seed=st.integers(0, 999), level=st.floats(0, 0.15))
def test_nothing_is_pushed_into_the_floor(correctors, kind, seed, level):
    """Spheres of a body that stands sink in by 2 mm; what is deeper than before is so by little more."""
    random = np.random.default_rng(seed)
    motions = [shaken(decode(x), seed + i, level) for i, x in enumerate(CLEAN)]
    x = encoded(*motions)
    x[..., 3] += random.uniform(-0.15, 0.15, (CHUNK, 1)).astype(np.float32)
    whole = jnp.full(CHUNK, FRAMES)
    fixed, _ = correctors[kind](jax.random.key(0), batch_of(x), None)
    before, after = (np.asarray(measured(jnp.asarray(y), whole)["penetration_mm"]) for y in (x, fixed.x))
    assert (after <= before + 5).all(), (before, after)


def test_cleanup_is_what_the_humanoid_is_to_follow(correctors):
    """The physics corrector's plan, put where features begin."""
    fixed, _ = correctors["cleanup"](jax.random.key(0), batch_of(CLEAN), None)
    plan = jax.jit(features.encode)(prepared(CLEAN).motion)
    np.testing.assert_allclose(joints(fixed.x), joints(plan), atol=1e-5)
