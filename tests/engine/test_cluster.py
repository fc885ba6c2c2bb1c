"""A grid by two processes at once: the same as by one; what a lost one means, and that the others go on from there."""

import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from selfloop.domains.motion.grid import parts, processes
from selfloop.domains.motion.grid.processes import Company, LostError, Start

from selfloop.errors import ConfigError
from selfloop.runs import record
from tests.domains.motion.grid import standin
from tests.domains.motion.grid.tiny import observations, options, rows, same_arrays, settings
from tests.domains.motion.stops import EXPERIMENTS

SETTINGS = {"together": 3, "generations": 45, "audit_every": 5}
"""One block of six lanes, of three arms and two seeds; one row and lane a generation, every ten leave a checkpoint."""
LANES = {0: range(4), 1: range(4, 6)}
"""Of each process with two devices: of four, each has two lanes, and the last device none of its own."""
ROUNDING = 1e-4
"""Float32, over 45 generations of a loop that does not make rounding grow."""
PATIENCE = 20.0

SCRIPT = """
import sys
sys.path[:0] = {folders!r}
import jax
jax.config.update("jax_disable_most_optimizations", True)
import motion_grid
def run(arguments):
    import pytest
    from tests.domains.motion.grid import standin
    standin.install(pytest.MonkeyPatch())
    return run_all(arguments)
run_all, motion_grid.run = motion_grid.run, run
sys.exit(motion_grid.main())
"""


@pytest.fixture(scope="module")
def launch(tmp_path_factory, compiled):
    """Start one process of a grid, with two devices; those that have not ended in the end are killed."""
    path, begun = tmp_path_factory.mktemp("script") / "motion_grid.py", []
    path.write_text(SCRIPT.format(folders=[str(EXPERIMENTS), str(EXPERIMENTS.parent)]))
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "PJRT_NPROC": "8", "JAX_PLATFORMS": "cpu"}

    def begin(*arguments):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        begun.append(subprocess.Popen([sys.executable, path, *arguments], env=os.environ | compiled | flags, **pipes))
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()


def pair(launch, out, port=None, **changes):
    """Two processes on one grid."""
    if port is None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
    shared = [*options(out, None, **SETTINGS | changes), "--coordinator", f"127.0.0.1:{port}", "--processes", "2"]
    return [launch(*shared, "--process", str(i), "--patience", f"{PATIENCE:g}") for i in range(2)]


def ended(process):
    """Exit code and last line of what was said, when it ends."""
    errors = process.communicate(timeout=600)[1]
    assert "Traceback" not in errors, errors
    assert "***" not in errors, errors
    return process.returncode, errors.rstrip().rpartition("\n")[2]


def block_of(out):
    (folder,) = (out / "blocks").iterdir()
    return folder


def recorded(out, process):
    """Generations that a process has left rows of."""
    found = [len(record.read(path)) for path in out.glob(f"blocks/*/part_{process}_of_2/rows.jsonl")]
    return max(found, default=0) // len(LANES[process])


@pytest.fixture(scope="module")
def straight(launch, tmp_path_factory):
    """The folder of a grid by two processes that nothing disturbed."""
    out = tmp_path_factory.mktemp("straight") / "grid"
    assert [ended(process) for process in pair(launch, out)] == [(0, ""), (0, "")]
    return out


def alike(out, expected):
    """Equal records and observations, but for rounding."""
    both = rows(out), rows(expected)
    assert both[0].keys() == both[1].keys()
    for name in both[0]:
        for one, other in zip(both[0][name], both[1][name], strict=True):
            assert one.keys() == other.keys()
            assert [one[key] for key in ("lane", "arm", "seed", "generation")] == [
                other[key] for key in ("lane", "arm", "seed", "generation")
            ]
            for key in ("loss", "moved_mm", "failed"):
                if one.get(key) is not None:
                    np.testing.assert_allclose(one[key], other[key], rtol=ROUNDING, atol=ROUNDING)
    made, wanted = observations(out), observations(expected)
    assert made.keys() == wanted.keys()
    for path in made:
        assert made[path].keys() == wanted[path].keys()
        for name, values in made[path].items():
            np.testing.assert_allclose(values, wanted[path][name], rtol=ROUNDING, atol=ROUNDING, err_msg=path)


def test_two_processes_make_the_grid_of_one(straight, tmp_path):
    config = settings(tmp_path / "grid", None, **SETTINGS)
    standin.run(config)
    alike(straight, config.out)
    assert {path.name for path in block_of(straight).iterdir()} == {"block.json", "rows.jsonl", "observations", "done"}


@pytest.mark.parametrize("victim", [1, pytest.param(0, marks=pytest.mark.slow)])
def test_a_lost_process_is_named_and_the_same_command_goes_on(straight, launch, tmp_path, victim):
    out = tmp_path / "grid"
    both = pair(launch, out)
    while recorded(out, victim) < 15:
        assert both[victim].poll() is None, both[victim].communicate()[1]
        time.sleep(0.005)
    both[victim].kill()
    began = time.monotonic()
    assert both[victim].wait() == -signal.SIGKILL
    code, said = ended(both[1 - victim])
    assert code == 2
    assert said == f"error: process {victim} of 2 does not answer ({PATIENCE:g} s: killed, or lost); {processes.AGAIN}"
    assert time.monotonic() - began > PATIENCE / 2
    assert not list(out.glob("blocks/*/done"))

    assert [ended(process) for process in pair(launch, out)] == [(0, ""), (0, "")]
    assert rows(out) == rows(straight)
    same_arrays(observations(out), observations(straight))
    assert {path.name for path in block_of(out).iterdir()} == {path.name for path in block_of(straight).iterdir()}


def test_nobody_comes(launch, tmp_path):
    words = options(tmp_path / "grid", None, **SETTINGS)
    process = launch(*words, "--coordinator", "127.0.0.1:9", "--processes", "2", "--process", "1", "--patience", "2")
    code, said = ended(process)
    assert code == 2
    assert said.startswith("error: the other processes have not come within 2 s (--coordinator 127.0.0.1:9)")
    assert not (tmp_path / "grid").exists()


def test_a_coordinator_alone_is_not_enough(tmp_path):
    with (
        pytest.raises(ConfigError, match="needs --processes N, and --process"),
        processes.company(Start("127.0.0.1:9"), tmp_path, lambda: None),
    ):
        pass


def test_the_start_is_taken_out_of_the_command_line():
    words = ["--n", "8", "--coordinator", "auto", "--process=1", "--out", "x", "--patience", "5"]
    assert processes.options(words) == (Start("auto", None, 1, 5.0), ["--n", "8", "--out", "x"])
    assert processes.options(["--out", "x"]) == (Start(), ["--out", "x"])


# Signs of life


@pytest.fixture
def crew(tmp_path):
    """Process 0 of three, of which the others have shown themselves."""
    for process in (1, 2):
        (tmp_path / f"alive_{process}").touch()
    return Company(0, 3, 0.5, tmp_path)


def test_who_gives_signs_is_not_lost(crew):
    until = time.monotonic() + 3 * crew.patience
    while time.monotonic() < until:
        for process in (1, 2):
            os.utime(crew.folder / f"alive_{process}")
        crew.check()
        time.sleep(0.02)


def test_who_gives_none_is_lost(crew):
    with pytest.raises(LostError, match="process 1 of 3 does not answer"):
        crew.wait(lambda: False)


def test_who_never_came_is_lost(tmp_path):
    with pytest.raises(LostError, match="process 0 of 2 does not answer"):
        Company(1, 2, 0.5, tmp_path).wait(lambda: False)


def test_who_stopped_on_purpose_is_missed_at_once(crew):
    (crew.folder / "ended_2").touch()
    with pytest.raises(LostError, match="process 2 of 3 has stopped, see what it said; start all"):
        crew.check()


def test_who_ended_with_all_done_is_not_missed(crew):
    (crew.folder / "ended_2").touch()
    answers = iter([False, True])
    crew.wait(lambda: next(answers))


def test_orders_are_heard(crew):
    crew.tell(0, "block")
    crew.tell(1, None)
    other = Company(2, 3, 0.5, crew.folder)
    assert [other.hear(k) for k in range(2)] == ["block", None]


def test_alone_nothing_is_waited_for(tmp_path):
    begun = []
    with processes.company(Start(), tmp_path, lambda: begun.append(1)) as crew:
        crew.check()
        crew.tell(0, "block")
        assert (crew.me, crew.count) == (0, 1)
    assert begun == [1]
    assert not list(tmp_path.iterdir())


# Parts of a block


@pytest.mark.parametrize(("names", "begun", "count"), [
    (["part_0_of_2/rows.jsonl"], "2", 1), (["rows.jsonl"], "1", 2),
    (["part_1_of_3/rows.jsonl", "rows.jsonl"], "3", 2),
])  # fmt: skip
def test_a_block_begun_by_another_number_of_processes_is_refused(tmp_path, names, begun, count):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(ConfigError, match=f"was begun by {begun} of --processes, not {count}; start as many"):
        parts.check(tmp_path, count)


def test_the_same_number_or_a_new_block_is_not(tmp_path):
    parts.check(tmp_path, 1)
    parts.check(tmp_path, 2)
    (tmp_path / "part_0_of_2").mkdir()
    (tmp_path / "rows.jsonl").touch()  # merged, but not marked before a stop
    parts.check(tmp_path, 2)
    assert not parts.complete(tmp_path, 2)
