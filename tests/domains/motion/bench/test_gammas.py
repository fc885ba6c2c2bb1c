"""Effective gammas in the bench's spaces: known correctors, the control, refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import uniform
from selfloop.domains.motion.bench import gammas
from selfloop.domains.motion.bench.cells import Case, Corrected
from selfloop.domains.motion.bench.gammas import Target

KEY = jax.random.key(3)
N = 300


def flat(batch):
    return batch.x[:, :, 0]


def points(seed, n, shift=0.0):
    """Features [n, 4, 1] that the space reads as points of a normal law about ``shift``."""
    return shift + jax.random.normal(jax.random.key(seed), (n, 4, 1))


def case_of(shift):
    batch = uniform(points(0, N, shift), {"length": jnp.full(N, 4, jnp.int32)})
    return Case("made up", batch, None, np.arange(N), np.zeros(N, bool))


def target(others=True):
    found = points(2, 2 * N)[..., 0] if others else None
    return {"made_up": Target(flat, points(1, N)[..., 0], np.arange(N), found)}


def result_of(case, x, alive=None):
    alive = np.ones(N, bool) if alive is None else alive
    return Corrected(case.batch._replace(x=x), {}, alive, 1.0, 1.0)


def test_no_correction_has_gamma_nought():
    case = case_of(1.5)
    found = gammas.effective(KEY, case, result_of(case, case.batch.x), target())
    assert found["effective_gamma_made_up"] == (0, 0, 0)


def test_the_control_reads_its_gamma_of_1():
    found = gammas.control(KEY, case_of(1.5), target())["control_gamma_made_up"]
    assert found.low < 1 < found.high
    assert found.value == pytest.approx(1, abs=0.25)  # the sd at 256 of the prototype's table is .14


def test_failed_motions_are_left_out():
    case = case_of(1.5)
    alive = np.arange(N) % 3 > 0
    x = jnp.where(jnp.asarray(alive)[:, None, None], points(4, N), jnp.float32(jnp.nan))
    found = gammas.effective(KEY, case, result_of(case, x, alive), target())["effective_gamma_made_up"]
    assert found.low > 5


def test_samples_like_real_ones_are_refused():
    case = case_of(0.0)
    assert gammas.effective(KEY, case, result_of(case, case.batch.x), target()) == {}
    assert gammas.control(KEY, case, target()) == {}


def test_there_is_no_control_without_other_clips():
    assert gammas.control(KEY, case_of(1.5), target(others=False)) == {}
