"""Every arm: what its loop corrects, and what it trains on."""

from dataclasses import replace
from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import Batch, uniform
from selfloop.domains.motion import arms
from selfloop.domains.motion.arms import ARMS, arm_loop
from selfloop.domains.motion.config import Arm, MotionLoopConfig
from selfloop.domains.motion.setup import Data
from selfloop.errors import ConfigError
from selfloop.loop import begin, generation
from selfloop.protocols import Model, identity
from tests.domains.motion.correctors.motions import as_windows, made_up

pytestmark = pytest.mark.usefixtures("hurried")

N, LAM, GENERATIONS = 6, 0.5, 3
M = 3
CONFIG = MotionLoopConfig(n=N, lam=LAM, generations=GENERATIONS)
REAL = as_windows(made_up(0, N))
DATA = Data(REAL, REAL, REAL, (as_windows(made_up(1, 9)), ["plain"] * 9), "")


def model(seen):
    """A model that samples the real motions again, each a little farther on; it keeps what it is asked to train on."""

    def fit(key, batch, state):
        seen.append(batch)
        return state + 1, {"loss": jnp.float32(0)}

    def sample(key, state, cond, n):
        return uniform(jnp.asarray(REAL.x[:n]).at[..., 0].add(0.01 * state), cond)

    return Model(lambda key: jnp.float32(0), fit, sample)


def adding(step):
    def correct(key, batch, state):
        nothing = jnp.zeros(batch.capacity)
        return batch._replace(x=batch.x + step), {"failed": nothing > 0, "moved_mm": nothing}

    return correct


@pytest.fixture
def stand_ins(monkeypatch):
    """Physics adds 1 and the prior 10, so that no engine is started and nothing is trained."""
    monkeypatch.setattr(arms, "physics_corrector", lambda pipeline: adding(1.0))
    monkeypatch.setattr(arms.prior, "load_or_train", lambda windows: (windows, {}))
    monkeypatch.setattr(arms.prior, "prior", lambda model, names: adding(10.0))


KEPT = {"baseline": 0, "accumulate": None}
"""Generations whose samples are trained on: the last one but in these arms; None: all."""


@pytest.mark.parametrize("name", ARMS)
def test_what_an_arm_trains_on(stand_ins, name):
    seen, key = [], jax.random.key(0)
    loop = arm_loop(name, CONFIG, DATA, model(seen))
    assert loop.synthetic == M
    carry, _ = begin(loop, key)
    corrected = []
    for t in range(1, GENERATIONS + 1):
        carry, result = generation(loop, key, jnp.asarray(t, jnp.int32), carry)
        changed = np.asarray(result.corrected.x) - np.asarray(result.raw.x)
        if ARMS[name].corrector(CONFIG, DATA) is identity:
            assert not changed.any()
        elif name in ("physics", "physics_prior"):
            np.testing.assert_allclose(changed, {"physics": 1, "physics_prior": 11}[name], atol=1e-5)
        else:
            assert changed.any()
        corrected.append(np.asarray(result.corrected.x))
        training = present(seen[t])
        np.testing.assert_array_equal(training[:N], REAL.x)
        expected = corrected[-KEPT.get(name, 1) :] if KEPT.get(name, 1) else corrected if name == "accumulate" else []
        assert len(training) == N + M * len(expected)
        if expected:
            np.testing.assert_array_equal(training[N:], np.concatenate(expected))


def present(batch: Batch):
    return np.asarray(batch.x)[np.asarray(batch.weight) > 0]


def test_the_arms_offered_are_those_there_are():
    assert set(get_args(Arm)) == set(ARMS)


@pytest.mark.parametrize("name", ARMS)
def test_only_what_grows_needs_room_for_every_generation(stand_ins, name):
    arm, real = ARMS[name], uniform(jnp.asarray(REAL.x))
    sizes = [len(jax.tree.leaves(arm.policy(1.0).start(real, room))) for room in (0, 12)]
    assert (sizes[1] > 0) is arm.grows
    assert arm.ratio(LAM) == (0.0 if name == "baseline" else LAM)


@pytest.mark.parametrize("name", ["physics_prior", "nearest_real"])
def test_arms_that_need_other_clips_say_so(name):
    small = DATA._replace(encoder=None)
    with pytest.raises(ConfigError, match=f"the arm {name} learns from other clips.*give --data"):
        arm_loop(name, replace(CONFIG), small, model([]))
