"""The time left, on a clock of our own: within 20 % once a minute of steps has been seen."""

import itertools
from collections import Counter

import numpy as np
import pytest

from selfloop.engine import work as engine
from selfloop.engine.plan import Chain, Job
from selfloop.runs.pace import Kind, Pace

AUDIT = 5


def job(name, generations, before, each, audited=None, first_audit=0.0):
    """Steps of a job: what comes before the first one (initial states, compilation), and then each generation's."""
    for t in range(1, generations + 1):
        audits = t % AUDIT == 0
        seconds = (audited or each) if audits else each
        seconds += before * (t == 1) + first_audit * (t == AUDIT)
        yield Kind(name, "audited" if audits else "generation"), seconds


def errors(steps, after=60.0):
    """Relative errors of the time left, at all ticks from a minute on until two steps before the end."""
    steps = list(steps)
    pace = Pace(Counter(kind for kind, _ in steps))
    ends = np.cumsum([seconds for _, seconds in steps])
    found = []
    for i, (kind, seconds) in enumerate(steps[:-2]):
        pace.done(kind, 1, seconds)
        left, truth = pace.remaining(), ends[-1] - ends[i]
        if ends[i] >= after and left is not None:
            found.append(left / truth - 1)
    assert found
    return np.array(found)


NOISE = np.random.default_rng(0)
CASES = {
    "steady": job("a", 60, before=45, each=5),
    "generations that audit are twice as long": job("a", 60, before=45, each=5, audited=10),
    "and their program is compiled at the first of them": job("a", 60, before=45, each=5, audited=7, first_audit=20),
    "a pause of the machine": (
        (kind, seconds + 60 * (t == 9)) for t, (kind, seconds) in enumerate(job("a", 100, before=20, each=5))
    ),
    "noise of 15 %": (
        (kind, seconds * NOISE.lognormal(0, 0.15)) for kind, seconds in job("a", 200, before=45, each=3, audited=6)
    ),
    "many short jobs, each with a beginning": itertools.chain(*(job(i, 20, 25, 1.5, 3) for i in range(12))),
}


@pytest.mark.parametrize("case", CASES)
def test_the_time_left_is_right_within_a_fifth_after_a_minute(case):
    assert abs(errors(CASES[case])).max() < 0.2


RECORDED = {1: 148, 3: 167, 5: 187, 7: 206, 9: 227, 11: 248, 13: 266, 15: 286, 17: 305, 19: 325, 20: 340}
"""Seconds at which the default run of motion ended its generations, on two cores with cold caches; six chains each."""


def test_the_time_left_of_the_default_run_was_right_within_a_fifth():
    """From the first generation whose program was compiled on; before it nothing is said."""
    ends = np.interp(range(1, 21), list(RECORDED), list(RECORDED.values()))
    sorts = [Kind("a", "audited" if t % AUDIT == 0 else "generation") for t in range(1, 21)]
    pace, said = Pace(Counter(kind for kind in sorts for _ in range(6))), []
    for kind, end, seconds in zip(sorts, ends, np.diff(ends, prepend=0), strict=True):
        pace.done(kind, 6, seconds)
        if pace.remaining() is not None and ends[-1] - end > 15:
            said.append(pace.remaining() / (ends[-1] - end) - 1)
    assert len(said) > 15
    assert np.abs(said).max() < 0.2


def test_a_machine_that_becomes_slower_is_followed():
    """Twice as slow from the middle on: right again after as many steps as count."""
    steps = [(kind, seconds * (2 if t >= 150 else 1)) for t, (kind, seconds) in enumerate(job("a", 400, 30, 2))]
    pace = Pace(Counter(kind for kind, _ in steps))
    for i, (kind, seconds) in enumerate(steps[:-2]):
        pace.done(kind, 1, seconds)
        if i > 150 + 25 * AUDIT / (AUDIT - 1):
            assert pace.remaining() == pytest.approx(sum(s for _, s in steps[i + 1 :]), rel=0.2)


def test_nothing_is_said_before_a_step_without_compilation():
    pace = Pace({Kind("a"): 10})
    assert pace.remaining() is None
    pace.done(Kind("a"), 1, 30.0)
    assert pace.remaining() is None
    pace.done(Kind("a"), 1, 2.0)
    assert pace.remaining() == 8 * 2.0


def test_steps_of_an_earlier_run_take_no_time():
    pace = Pace({Kind("a"): 100})
    pace.done(Kind("a"), 40, None)
    for seconds in (30.0, 2.0, 2.0):
        pace.done(Kind("a"), 1, seconds)
    assert pace.remaining() == 57 * 2.0


def test_the_engine_counts_every_generation_of_every_chain_once():
    chains = tuple(Chain("uncorrected", 1.0, seed, seed) for seed in range(3))
    one = Job(64, (), (), "augment", "fixed", 64, coupled=False, chains=chains, generations=12)
    found = engine.kinds(one, AUDIT)
    assert {kind.sort: count for kind, count in found.items()} == {"generation": 10 * 3, "audited": 2 * 3}
    assert {kind.job for kind in found} == {one.name}
