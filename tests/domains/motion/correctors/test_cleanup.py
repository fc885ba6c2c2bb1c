import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.domains.motion import artefacts
from selfloop.domains.motion.correctors.cleanup import cleanup
from selfloop.domains.motion.data.skeleton import LIMITS
from tests.domains.motion.physics.motions import (
    FRAMES,
    NAMES,
    batch_of,
    crouched,
    decode,
    encoded,
    joints,
    posed,
    shaken,
    squat,
    walk,
)

CLEAN = encoded(crouched(0.2), squat(), squat(0.8), walk(), walk(0.4), squat(1.0, 2.0), walk(0.6), crouched(0.5))
correct = cleanup()
measured = jax.jit(artefacts.measure)


def cleaned(x):
    fixed, info = correct(jax.random.key(0), batch_of(x), None)
    assert not info["failed"].any()
    return np.asarray(fixed.x)


def measure(x):
    """Every artefact [N] by its name."""
    return {name: np.asarray(value) for name, value in measured(jnp.asarray(x), jnp.full(len(x), FRAMES)).items()}


def off(x, other):
    """Mean distance of the joints [N] (mm)."""
    return 1000 * np.linalg.norm(joints(x) - joints(other), axis=-1).mean((1, 2))


def test_clean_motions_hardly_move_and_moved_is_how_far():
    fixed, info = correct(jax.random.key(0), batch_of(CLEAN), None)
    assert off(fixed.x, CLEAN).max() < 5
    np.testing.assert_allclose(info["moved"], off(fixed.x, CLEAN), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("height", [0.2, -0.15])
def test_floating_and_sinking_are_gone(height):
    shifted = CLEAN + np.float32(height) * (np.arange(64) == 3)
    np.testing.assert_allclose(joints(cleaned(shifted)), joints(cleaned(CLEAN)), atol=1e-4)


def test_jitter_shrinks_and_feet_stop_skating():
    jitter = encoded(*(shaken(decode(x), seed, 0.04, 0.005) for seed, x in enumerate(CLEAN)))
    fixed = cleaned(jitter)
    before, after = measure(jitter), measure(fixed)
    assert (after["jerk"] < 0.4 * before["jerk"]).all()
    assert after["jerk"].mean() < 0.15 * before["jerk"].mean()
    assert after["skate_mm_per_frame"].mean() < 0.3 * before["skate_mm_per_frame"].mean()
    assert after["penetration_mm"].mean() < 0.3 * before["penetration_mm"].mean()
    assert off(fixed, CLEAN).mean() < 0.8 * off(jitter, CLEAN).mean()


def test_joints_go_back_inside_their_limits():
    """Elbows, neck and chest half a radian out, at most."""
    out = 0.5 * np.sin(np.arange(FRAMES) / 5) ** 2
    names = ("chest_y", "neck_x", "left_elbow_y", "right_elbow_y")
    angles = {name: LIMITS[NAMES.index(name), 1] + out for name in names}
    x = encoded(*[posed([0, 0, 0.905], **angles)] * 8)
    before, after = measure(x)["limit_violation_deg"], measure(cleaned(x))["limit_violation_deg"]
    assert before.min() > 1
    assert after.max() < 0.05


def test_a_second_pass_hardly_changes():
    """The line that travel is, and stances, stay; curves are rounded off a little more."""
    jitter = encoded(*(shaken(decode(x), seed, 0.04, 0.005) for seed, x in enumerate(CLEAN)))
    once = cleaned(jitter)
    assert off(cleaned(once), once).mean() < 0.3 * off(once, jitter).mean()
