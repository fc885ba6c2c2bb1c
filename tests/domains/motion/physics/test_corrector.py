"""What the physics corrector does to motions made by hand and to real ones; `test_corrector_laws` has any motion."""

import jax
import numpy as np
import pytest

from selfloop.domains.motion import artefacts
from selfloop.domains.motion.data import datasets, features, windows
from selfloop.domains.motion.physics import corrector as module
from selfloop.domains.motion.physics.gains import gains
from selfloop.errors import ConfigError
from tests.domains.motion.physics.motions import (
    CHUNK,
    FRAMES,
    batch_of,
    crouched,
    decode,
    encoded,
    joints,
    jump,
    prepared,
    shaken,
    squat,
    walk,
)

KEY = jax.random.key(0)
KINDS = ("crouched", "squat", "deep squat", "two squats", "walk", "slow walk", "jump")
CLEAN = encoded(crouched(0.2), squat(), squat(0.8), squat(turns=2.0), walk(), walk(0.4), jump())


@pytest.fixture(scope="module")
def corrector():
    return module.physics_corrector(chunk=CHUNK)


def off(x, other):
    """Mean distance of the joints [N] (mm)."""
    return 1000 * np.linalg.norm(joints(x) - joints(other), axis=-1).mean((1, 2))


def test_motions_that_physics_allows_stay_nearly_as_they_are(corrector):
    result, info = corrector(KEY, batch_of(CLEAN), None)
    assert not info["failed"].any()
    np.testing.assert_array_equal(result.weight, 1)
    moved = off(result.x, CLEAN)
    assert moved[0] < 6  # the sole sinks by about 2 mm and the body settles on it
    assert (moved[:6] < 20).all(), dict(zip(KINDS, moved, strict=True))
    np.testing.assert_allclose(info["moved"], moved, atol=0.01)


def test_little_is_pulled_where_little_is_missing(corrector):
    """Standing needs no help, quick squats little; every share is a number from 0 to its cap."""
    _, info = corrector(KEY, batch_of(CLEAN), None)
    cap, weight = gains().cap, 9.81 * 65
    for share, most in ((info["root_force_share"], cap[:3]), (info["root_torque_share"], cap[3:6])):
        assert (share >= 0).all()
        assert (share <= np.linalg.norm(most) / weight).all()
        assert (np.asarray(share)[:4] < [0.02, 0.1, 0.2, 0.2]).all()


def test_learning_stays_nearer(corrector):
    """Tracking of the planned poses; not of the root, which only the wrench and the ground move."""
    learned = module.physics_corrector(rounds=2, chunk=CHUNK)
    wanted = prepared(CLEAN).motion.rotations

    def error(result):
        turns = np.asarray(features.decode(result.x).rotations)[:, :, 1:]
        return np.sqrt(np.mean((turns - wanted[:, :, 1:]) ** 2))

    once, often = (error(fix(KEY, batch_of(CLEAN), None)[0]) for fix in (corrector, learned))
    assert often < 0.9 * once


def test_jitter_floating_and_bobbing_are_mended(corrector):
    bob = np.zeros_like(CLEAN)
    bob[..., 3] = 0.08 * np.sin(2 * np.pi * np.arange(FRAMES) / 20) + 0.1
    jitter = encoded(*(shaken(decode(x), seed, 0.05) for seed, x in enumerate(CLEAN)))
    batches = [jitter, CLEAN + bob]
    results = [np.asarray(corrector(KEY, batch_of(x), None)[0].x) for x in [CLEAN, *batches]]
    for x, result, left in zip(batches, results[1:], (0.7, 0.25), strict=True):
        part = slice(0, 6)  # a jump's take-off is where a bob is not seen
        assert off(result, results[0])[part].mean() < left * off(x, CLEAN)[part].mean()
    measured = [artefacts.jerk(joints(x), np.full(len(x), FRAMES)) for x in (CLEAN, jitter, results[1])]
    assert (measured[2] < 0.25 * measured[1]).all()


def test_a_second_pass_moves_little(corrector):
    once = np.asarray(corrector(KEY, batch_of(CLEAN), None)[0].x)
    twice = np.asarray(corrector(KEY, batch_of(once), None)[0].x)
    assert off(twice, CLEAN).mean() < off(once, CLEAN).mean() + 10


def test_weak_gains_fall_and_nothing_is_compiled_again(corrector):
    corrector(KEY, batch_of(CLEAN), None)
    programs = (module._prepare, module._finish)
    before = [program._cache_size() for program in programs]
    limp = module.physics_corrector(gains=gains(joint_cap=0.0, root_lift=0.0, root_torque=0.0), chunk=CHUNK)
    result, info = limp(jax.random.key(1), batch_of(CLEAN), None)
    assert info["failed"].all()
    np.testing.assert_array_equal(result.weight, 0)
    np.testing.assert_array_equal(result.x, CLEAN)
    for name in ("moved", "root_force_share", "root_torque_share"):
        np.testing.assert_array_equal(info[name], 0)
    for strength in (gains(joint_stiffness=4.0), gains(root_force=100.0), gains(joint_damping=0.02)):
        result, info = module.physics_corrector(gains=strength, chunk=CHUNK)(KEY, batch_of(CLEAN[:3]), None)
        assert not info["failed"].any()
    assert [program._cache_size() for program in programs] == before


def test_without_a_crutch_a_crouch_still_stands():
    """No torque on the pelvis, no lift: ground and joints alone hold a still figure for a second."""
    alone = module.physics_corrector(gains=gains(root_torque=0.0, root_lift=0.0), chunk=CHUNK)
    result, info = alone(KEY, batch_of(CLEAN[:1]), None)
    assert not info["failed"].any()
    assert off(result.x, CLEAN[:1])[0] < 60
    np.testing.assert_array_equal(info["root_torque_share"], 0)


def test_unknown_pipeline_names_the_choices():
    with pytest.raises(ConfigError, match="'spring'.*auto, mjx, mujoco"):
        module.physics_corrector(pipeline="spring")


def test_real_clips_survive_near_to_where_they_were(corrector, embedded_folder):
    clips = [clip for clip in datasets.load(None) if clip.name.split("_")[-1] in ("walk", "run", "jump", "punch")]
    cut = windows.cut(clips, FRAMES, n=8)
    result, info = corrector(KEY, batch_of(cut.x, cut.length), None)
    assert not info["failed"].any()
    # Recordings lie up to 7 cm off the floor: heights are compared from the pelvis.
    centred = [p - p[:, :, :1] for p in (joints(result.x), joints(cut.x))]
    assert 1000 * np.linalg.norm(centred[0] - centred[1], axis=-1).mean() < 15
    assert artefacts.measure(result.x, np.asarray(cut.length))["penetration_mm"].mean() < 2


@pytest.mark.parametrize(
    ("platform", "memory", "count", "size"),
    [("cpu", None, 5000, 64), ("gpu", 80, 160, 1024), ("gpu", 80, 9000, 4096), ("gpu", 8, 9000, 1024),
     ("gpu", None, 2000, 1024)],
)  # fmt: skip
def test_the_chunk_suits_the_device(monkeypatch, platform, memory, count, size):
    class Device:
        def memory_stats(self):
            return memory and {"bytes_limit": memory * 2**30}

    monkeypatch.setattr(jax, "default_backend", lambda: platform)
    monkeypatch.setattr(jax, "local_devices", lambda: [Device()])
    assert module.suited(count, 40) == size
