"""Jobs handed to Ray: two workers, one of them killed on the way, leave what one process leaves."""

import importlib.util
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from selfloop import extras
from selfloop.engine import folder
from selfloop.engine.cluster import compute as compute_job
from selfloop.engine.cluster import run_jobs
from selfloop.errors import ConfigError, SelfloopError
from selfloop.runs import record
from selfloop.runs.lock import alone
from tests.engine.small import compute, context, jobs, same, small

SETTINGS = {"arms": ("uncorrected", "idealised", "accumulate"), "generations": 100, "audit_every": 50}
needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs Ray: install the extra `cluster`")


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """By one process."""
    return compute(small(tmp_path_factory.mktemp("straight") / "run", **SETTINGS))


@pytest.fixture
def quiet(monkeypatch, compiled):
    """What workers inherit: the cache of compiled programs, and no reports to Ray's makers."""
    for name, value in (compiled | {"RAY_USAGE_STATS_ENABLED": "0", "JAX_PLATFORMS": "cpu"}).items():
        monkeypatch.setenv(name, value)
    root = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]))


def working(out):
    """Ids of the processes that hold files of a run's folder open."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(path.readlink()).startswith(f"{out}/jobs/") and int(path.parts[2]) != os.getpid():
                found.add(int(path.parts[2]))
        except OSError:
            continue
    return found


@needs_ray
@pytest.mark.skipif(sys.platform != "linux", reason="finds workers by /proc")
def test_two_workers_of_which_one_is_killed_leave_what_one_process_leaves(straight, tmp_path, quiet):
    out, killed = (tmp_path / "run").resolve(), []

    def kill():
        until = time.monotonic() + 120
        while time.monotonic() < until and not killed:
            for path in out.glob("jobs/*/rows.jsonl"):
                if 20 < path.read_bytes().count(b"\n") < 150 and (found := working(path.parents[2])):
                    killed.append(found.pop())
                    os.kill(killed[0], signal.SIGKILL)
                    return
            time.sleep(0.002)

    thread = threading.Thread(target=kill)
    thread.start()
    settings = small(out, **SETTINGS, cluster="local", workers=2)
    compute(settings)
    thread.join()
    assert len(killed) == 1
    same(out, straight)
    assert all(folder.finished(out, job) for job in jobs(settings))


@needs_ray
@pytest.mark.slow
def test_what_a_job_refuses_is_one_line_and_what_is_done_is_not_handed_out(straight, tmp_path, quiet):
    out = shutil.copytree(straight, tmp_path / "run")
    settings = small(out, **SETTINGS, cluster="local", workers=1)
    about = record.read_json(out / "data" / "n8" / "about.json")
    record.write_json(out / "data" / "n8" / "about.json", about | {"digest": "other"})
    began = time.monotonic()
    compute(settings)  # all is done: no worker is started
    assert time.monotonic() - began < 2
    (out / "jobs" / jobs(settings)[0].name / "done").unlink()
    with pytest.raises(SelfloopError, match="holds a run on other data") as error:
        compute(settings)
    assert "\n" not in str(error.value)


def test_without_ray_there_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setattr(extras, "_found", lambda module: module != "ray")
    told = r"^--cluster needs what is not installed \(ray\): pip install 'selfloop\[cluster\]'$"
    with pytest.raises(ConfigError, match=told):
        compute(small(tmp_path / "run", cluster="local"))


@needs_ray
def test_a_cluster_that_is_not_there_is_one_clear_line(tmp_path, quiet):
    with pytest.raises(ConfigError, match="--cluster auto: .*see docs/sweeps.md") as error:
        compute(small(tmp_path / "run", cluster="auto"))
    assert "\n" not in str(error.value)


def test_a_job_that_another_holds_is_left_to_it_and_told(tmp_path):
    settings = small(tmp_path / "run", arms=("baseline", "uncorrected"), generations=1)
    at, planned = context(settings), jobs(settings)
    with alone(folder.job_folder(settings.out, planned[0])):
        assert not compute_job(at, planned[0], lambda steps, what="", kind=None: None)
        assert run_jobs(at, planned) == planned[:1]
        assert folder.finished(settings.out, planned[1])
    assert run_jobs(at, planned) == []
