"""The two engines: each against mechanics, and the one against the other."""

import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.domains.motion.data import datasets, features, skeleton, splits, windows
from selfloop.domains.motion.data.features import FPS
from selfloop.domains.motion.physics import backends, brax_backend, gains, mujoco_backend
from selfloop.domains.motion.physics.controls import CONTROLS, V, command
from selfloop.domains.motion.physics.humanoid import MASS, segment_centres, segment_masses
from selfloop.domains.motion.physics.reference import prepare
from selfloop.domains.motion.physics.tracker import to_motion
from selfloop.errors import ConfigError

STEPS, FRAMES, N = 9, 16, 20
H = 1 / (FPS * STEPS)
S = (FRAMES - 1) * STEPS
G = 9.81
ROLLS = {"mjx": brax_backend.roll, "mujoco": mujoco_backend.roll}

pytestmark = pytest.mark.usefixtures("hurried")


def in_the_air(height=20.0):
    """N random poses far over the floor, upright and still, and controls that ask for other poses there."""
    random = np.random.default_rng(0)
    low, high = skeleton.LIMITS.T
    pose, goal = random.uniform(0.8 * low, 0.8 * high, (2, N, V - 6))
    start = np.zeros((N, 2 * V + 1), np.float32)
    start[:, 2], start[:, 3], start[:, 7 : V + 1] = height, 1, pose
    control = np.zeros((N, S, CONTROLS), np.float32)
    control[..., 6:V] = goal[:, None]
    control[..., V + 2] = height
    control[..., [V + 6, V + 10]] = 1
    return start, control


def without_hands(lift=0.0):
    """Gains whose residual wrench is at most ``lift`` (N), upwards or downwards."""
    return gains.gains(root_force=0.0, root_lift=lift, root_torque=0.0)


def test_unknown_pipeline_names_the_choices():
    with pytest.raises(ConfigError, match="'spring' is not one of auto, mjx, mujoco"):
        backends.roll_of("spring")


@pytest.mark.parametrize(("platform", "engine"), [("cpu", "mujoco"), ("gpu", "mjx"), ("tpu", "mjx")])
def test_auto_takes_the_c_engine_on_a_cpu(monkeypatch, platform, engine):
    monkeypatch.setattr(jax, "default_backend", lambda: platform)
    assert backends.chosen("auto") == engine
    assert backends.roll_of("auto") is ROLLS[engine]


@pytest.mark.parametrize("pipeline", list(ROLLS))
@pytest.mark.parametrize("lift", [0.0, 100.0])
def test_the_centre_of_mass_falls_as_it_should(pipeline, lift):
    """Semi-implicit Euler under a constant force f: after n steps v = a h n and z = a h^2 n (n + 1) / 2, a = f / m - g.

    A clamped lift is a force without damping: damping kept would be extra inertia.
    """
    start, control = in_the_air()
    control[..., 6:V] = start[:, None, 7 : V + 1]  # joints rest: quick ones conserve momentum to first order in h only
    control[..., V + 2] += 10  # out of the spring's reach: it pulls with all that it has
    states = ROLLS[pipeline](without_hands(lift), H, start, control)
    assert states.shape == (N, S, 2 * V + 1)
    assert states.dtype == np.float32
    height = centre_of_mass(np.concatenate([start[:, None], states], 1)[:, ::STEPS, : V + 1])[..., 2]
    n = STEPS * np.arange(FRAMES)
    fallen = (lift / MASS - G) * H**2 * n * (n + 1) / 2
    np.testing.assert_allclose(height - height[:, :1], np.broadcast_to(fallen, height.shape), atol=1e-3)


def centre_of_mass(q):
    """[..., 3] (m) of positions q [..., V + 1]."""
    places, turns = skeleton.forward(to_motion(jnp.asarray(q)))
    mass = segment_masses()
    centres = np.asarray(places) + np.einsum("...jab,jb->...ja", np.asarray(turns), segment_centres())
    return np.einsum("...ja,j->...a", centres, mass / mass.sum())


@pytest.fixture(scope="module")
def airborne(hurried):
    """The states of both engines under the ordinary gains."""
    return {name: roll(gains.gains(), H, *in_the_air()) for name, roll in ROLLS.items()}


def test_engines_agree_where_nothing_touches(airborne):
    """No contact, no chaos: what remains is the rounding of float32 (6e-7 m at a height of 10 m), step by step."""
    apart = np.linalg.norm(joints(airborne["mjx"]) - joints(airborne["mujoco"]), axis=-1)
    assert apart.max() < 1e-4


def joints(states):
    """Joint positions [N, T - 1, J, 3] (m) at the frames after the first."""
    return np.asarray(skeleton.forward(to_motion(jnp.asarray(states[:, STEPS - 1 :: STEPS, : V + 1])))[0])


@pytest.fixture(scope="module")
def real_commands(request, hurried):
    """Start and control of 20 real windows: of Bandai-Namco's tuning clips, or else of the embedded ones."""
    if "SELFLOOP_DATA" in os.environ:
        archive = request.getfixturevalue("data_folder") / "bandai-namco" / "bandai-namco-motion-2-subset256.zip"
        clips = [clip for clip in datasets.load(archive) if splits.role(clip.name) == "tuning"]
    else:
        request.getfixturevalue("embedded_folder")
        clips = datasets.load(None)
    cut = windows.cut(clips, FRAMES, n=N)

    @jax.jit
    def commands(x, length):
        wanted = jax.vmap(lambda x, length: prepare(features.decode(x), length, STEPS))(x, length)
        offset = jnp.zeros((*wanted.q.shape[:2], V - 6), jnp.float32)
        return jax.vmap(command, (None, 0, 0))(gains.gains(), wanted, offset)

    plan = commands(cut.x, cut.length)
    return np.asarray(plan.start), np.asarray(plan.control)


def test_engines_agree_on_real_clips(real_commands):
    """Contact is chaotic: a touch a step earlier or later moves a foot by millimetres.

    Measured on Bandai-Namco: 0.5 mm (median), 0.9 (mean), 3.2 (worst motion); on the embedded clips: 1.2, 1.6 and 4.2.
    Most of it is MJX' fewer Newton steps: with four of them, Bandai-Namco's are 0.1, 0.1 and 0.5 mm, for more time.
    """
    both = [roll(gains.gains(), H, *real_commands) for roll in ROLLS.values()]
    apart = 1000 * np.linalg.norm(joints(both[0]) - joints(both[1]), axis=-1).mean((1, 2))
    assert np.median(apart) < 2
    assert apart.max() < 10


def test_other_gains_and_caps_run_the_same_program(airborne):
    program = brax_backend._program(H)
    before = program._cache_size()
    weak = brax_backend.roll(gains.gains(joint_stiffness=4.0, joint_cap=1.0, root_torque=100.0), H, *in_the_air())
    assert np.abs(weak - airborne["mjx"]).max() > 0.1
    assert program._cache_size() == before == 1


@pytest.mark.parametrize("pipeline", list(ROLLS))
def test_a_blow_up_is_not_a_number_from_there_on(airborne, pipeline, tmp_path, monkeypatch):
    """Nor does it leave a file with warnings behind, as MuJoCo does by itself, or touch its neighbours."""
    monkeypatch.chdir(tmp_path)
    start, control = in_the_air()
    start[3, V + 1 :] = 1e9
    control[5, S // 2, 6] = np.inf
    states = ROLLS[pipeline](gains.gains(), H, start, control)
    assert np.isnan(states[3]).all()
    assert np.isfinite(states[5, : S // 2]).all()
    assert np.isnan(states[5, S // 2 + 1 :]).all()
    others = np.delete(np.arange(N), [3, 5])
    np.testing.assert_allclose(states[others], airborne[pipeline][others], atol=1e-3)
    assert not list(tmp_path.iterdir())
