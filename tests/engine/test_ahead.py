"""Compilation ahead: programs are there when they are first called; what fails in it or is stopped says nothing."""

import threading

import jax
import numpy as np
import pytest

from selfloop.engine.ahead import ahead, compiling
from selfloop.engine.chains import place
from selfloop.engine.initial import initial_states
from selfloop.engine.work import ready
from selfloop.protocols import Carry
from tests.engine.small import compute, context, jobs, same, small

RUN = {"arms": ("uncorrected", "accumulate"), "n": (7,), "seeds": 3, "together": 3}
"""Of sizes that no other test has compiled."""


def quiet(steps, what="", kind=None):
    pass


def begun(out, job):
    """A job at work, and what is to be compiled for it."""
    at = context(small(out, **RUN))
    work = ready(at, jobs(at.settings)[job])
    return work, ahead(at.model(work.job.subject), work.programs, work.observer, work.inputs, at.mesh)


@pytest.mark.parametrize("job", [0, 1])
def test_a_generation_compiles_nothing_any_more(job, tmp_path, compilations):
    """Also where the policy remembers."""
    work, tasks = begun(tmp_path / "run", job)
    found = initial_states(work.context, work.job, quiet)
    state = jax.tree.map(lambda *leaves: np.stack(leaves), *[found[chain.start] for chain in work.chains])
    carry = Carry(place(state, work.context.mesh), work.programs.remember(*work.inputs[:2]))
    t = place(np.ones(len(work.chains), np.int32), work.context.mesh)
    before = len(compilations)
    with compiling(tasks):
        pass
    assert len(compilations) >= before + len(tasks) == before + 3
    before = len(compilations)
    work.observer.samples(work.inputs[1], carry.state)
    raw = work.programs.propose(*work.inputs, t, carry)
    failed = place(np.zeros(raw.weight.shape, bool), work.context.mesh)
    after, _, ended = work.programs.learn(*work.inputs, t, carry, raw, failed)
    jax.block_until_ready(after)
    assert len(compilations) == before
    assert not np.asarray(ended).any()


def test_a_run_is_the_same_without(tmp_path, monkeypatch):
    one = compute(small(tmp_path / "one", **RUN))
    jax.clear_caches()
    monkeypatch.setattr("selfloop.engine.job.ahead", lambda *_: [])
    same(one, compute(small(tmp_path / "other", **RUN)))


def test_what_cannot_be_compiled_is_left_to_its_first_call():
    asked = []

    def wrong():
        asked.append(1)
        raise ValueError("told again by the first call")

    with compiling([wrong, wrong]):
        pass
    assert asked == [1, 1]


def test_where_it_is_stopped_those_not_begun_are_left_out():
    begun, go = [], threading.Event()

    def slow():
        begun.append(1)
        go.wait(10)

    def stopped():
        with compiling([slow] * 50):
            threading.Timer(0.2, go.set).start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert 0 < len(begun) < 50
