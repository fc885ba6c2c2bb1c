"""Correctors that learn, in the engine: chains learn alone, and a run that was stopped goes on with what they know."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.domains.gaussian.domain import GAUSSIAN
from selfloop.engine.domain import Arm
from selfloop.protocols import Adaptive
from tests.engine.small import compute, observations, points, rows, same, small


def learning(settings, data):
    """It learns the running mean of its chain's samples less that of real ones, and takes it away."""

    def adapt(key, t, real, raw, own):
        return (own + raw.x.mean(0) - real.x.mean(0)) / 2

    def corrector(own):
        def correct(key, batch, state):
            x = batch.x - own[None]
            moved = jnp.linalg.norm(x - batch.x, axis=1)
            return batch._replace(x=x), {"moved": moved, "failed": jnp.zeros(len(x), bool)}

        return jax.jit(correct)

    return Adaptive(lambda key, real: jnp.zeros(2), adapt, corrector)


DOMAIN = GAUSSIAN._replace(
    arms=GAUSSIAN.arms | {"learning": Arm("learning", policy="replace")},
    correctors=dict(GAUSSIAN.correctors) | {"learning": learning},
)
ARMS = {"arms": ("replace", "learning"), "generations": 12, "together": 2, "seeds": 2}


@pytest.mark.slow
def test_chains_learn_alone_and_a_run_goes_on(tmp_path):
    straight = compute(small(tmp_path / "one", **ARMS), DOMAIN)
    halves = small(tmp_path / "two", **ARMS | {"generations": 10})
    compute(halves, DOMAIN)
    compute(replace(halves, generations=12), DOMAIN)
    same(tmp_path / "two", straight)
    one, other = (points(straight)["learning", 1.0, seed, False] for seed in (0, 1))
    assert (np.asarray(one[12]) != np.asarray(other[12])).any()
    moved = [
        row["moved"] for own in rows(straight).values() for row in own if row["arm"] == "learning" and row["generation"]
    ]
    assert max(moved) > 0
    assert any("corrected/space/points" in held for held in observations(straight).values())
