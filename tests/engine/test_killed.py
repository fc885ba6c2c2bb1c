"""A grid that is killed, stopped or shared by processes ends as one that nothing disturbed, bit for bit."""

import multiprocessing
import random
import signal
import sys
import time

import jax
import pytest

from tests.domains.motion.grid import standin
from tests.domains.motion.grid.tiny import by_lane, observations, options, rows, same_arrays, settings
from tests.domains.motion.stops import EXPERIMENTS, lines, start, stopped_by

LONG = {"arms": ("uncorrected", "smoothing"), "together": 2, "generations": 100, "twins": 60, "audit_every": 5}
"""Two blocks of four lanes: four rows a generation, and a checkpoint after every forty of them."""


def work(compiled, config):
    """A grid in a process of its own, with programs that were compiled before."""
    for name, value in compiled.items():
        jax.config.update(name, value)
    standin.run(config)


@pytest.fixture(scope="module")
def launch(compiled):
    """Start such a process; it is the fork of one that has imported everything and done nothing."""
    names = [name.lower() for name in compiled] + ["jax_disable_most_optimizations"]
    given = {name: getattr(jax.config, name) for name in names[:-1]} | {names[-1]: True}
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "selfloop.engine.cluster", "selfloop.report.write"])

    def begin(config):
        process = context.Process(target=work, args=(given, config))
        process.start()
        return process

    return begin


def ended(process):
    """The exit code of a process that is waited for."""
    process.join(1200)
    return process.exitcode


@pytest.fixture(scope="module")
def straight(launch, tmp_path_factory):
    """The folder of a grid that nothing stopped."""
    out = tmp_path_factory.mktemp("straight") / "grid"
    assert ended(launch(settings(out, None, **LONG))) == 0
    assert len(by_lane(out)) == 4 * (101 + 61)
    return out


def recorded(out):
    """How many rows there are."""
    return lines(*out.glob("blocks/*/rows.jsonl"))


def same(out, expected):
    assert rows(out) == rows(expected)
    same_arrays(observations(out), observations(expected))
    assert len(list(out.glob("blocks/*/done"))) == 2
    for left in ("blocks/*/*.msgpack", "blocks/**/.*.tmp", "starts/**/.*.tmp"):
        assert not list(out.glob(left))


@pytest.mark.parametrize("kills", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_kills_at_random_moments_change_nothing(straight, launch, tmp_path, kills):
    """Every fourth while it starts, the others after some generations more."""
    config, chance = settings(tmp_path / "grid", None, **LONG), random.Random(kills)
    for i in range(kills):
        process, before = launch(config), recorded(config.out)
        if i % 4 == 3:
            time.sleep(chance.uniform(0, 1))
        more = before + chance.randrange(1, 400 // kills)
        while process.is_alive() and recorded(config.out) < more and i % 4 != 3:
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.01))
        assert process.is_alive(), "ended before it was killed"
        process.kill()
        assert ended(process) == -signal.SIGKILL
    assert ended(launch(config)) == 0
    same(config.out, straight)


def test_processes_share_the_blocks(straight, launch, tmp_path):
    config = settings(tmp_path / "grid", None, **LONG)
    both = [launch(config) for _ in range(2)]
    assert [ended(process) for process in both] == [0, 0]
    assert by_lane(config.out).keys() == by_lane(straight).keys()  # none twice
    same(config.out, straight)


SCRIPT = """
import sys
sys.path[:0] = {folders!r}
import motion_grid
def run(arguments):
    import pytest
    from tests.domains.motion.grid import standin
    standin.install(pytest.MonkeyPatch())
    return run_all(arguments)
run_all, motion_grid.run = motion_grid.run, run
sys.exit(motion_grid.main())
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_command_stops_when_asked_and_continues(straight, compiled, launch, tmp_path, number, code):
    path, out = tmp_path / "motion_grid.py", tmp_path / "grid"
    path.write_text(SCRIPT.format(folders=[str(EXPERIMENTS), str(EXPERIMENTS.parent), *sys.path]))
    process = start(str(path), compiled, *options(out, None, **LONG))
    given, errors = stopped_by(number, lambda: recorded(out), 30, process)
    assert given == code
    assert errors.endswith("stopped; the same command continues\n")
    assert "Traceback" not in errors
    assert 29 <= recorded(out) < recorded(straight)  # a line that the stop meets half written is taken back
    assert ended(launch(settings(out, None, **LONG))) == 0
    assert by_lane(out).keys() == by_lane(straight).keys()
