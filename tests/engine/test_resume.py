"""A run that is stopped, killed, damaged or shared ends as one that nothing disturbed, bit for bit; a dead chain."""

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.domains.gaussian.domain import GAUSSIAN
from selfloop.engine import folder
from selfloop.engine.cluster import run_jobs, say_stopped
from selfloop.engine.job import CHECKPOINT, run_job
from selfloop.errors import DataError
from selfloop.loop import role_key
from selfloop.runs import record
from tests.engine.small import (
    by_chain,
    bytes_of,
    compute,
    context,
    jobs,
    observations,
    options,
    points,
    rows,
    same,
    same_arrays,
    small,
)

SCRIPT = Path(__file__).parents[2] / "experiments" / "gaussian_loop.py"
LONG = {"arms": ("uncorrected", "idealised", "accumulate"), "generations": 40, "coupled": 15, "coupled_start": "part",
        "audit_every": 5, "together": 2}  # fmt: skip
"""Four jobs of two or four chains; a checkpoint every ten generations."""


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """A run that nothing stops."""
    out = compute(small(tmp_path_factory.mktemp("straight") / "run", **LONG))
    assert len(by_chain(out)) == 3 * 2 * (41 + 16)
    return out


# Processes that are killed, stopped, or two


@pytest.fixture
def launch(compiled):
    """Start the script on a run's folder; what still runs in the end is killed."""
    begun = []

    def start(out):
        pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        words = [sys.executable, str(SCRIPT), *options(small(out, **LONG))]
        begun.append(subprocess.Popen(words, env=os.environ | compiled, **pipes))
        return begun[-1]

    yield start
    for process in begun:
        process.kill()


def recorded(out):
    """How many rows there are."""
    return sum(path.read_bytes().count(b"\n") for path in out.glob("jobs/*/rows.jsonl"))


def reached(process, out, least):
    """Wait for so many rows."""
    while recorded(out) < least:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.002)


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_kills_at_random_instants_change_nothing(straight, launch, tmp_path, kills):
    """Every third while it starts, the others after some generations more."""
    out, chance, whole = tmp_path / "run", random.Random(kills), recorded(straight)
    for i in range(kills):
        process, before = launch(out), recorded(out)
        if i % 3 == 2:
            time.sleep(chance.uniform(0, 3))
        else:
            reached(process, out, before + chance.randrange(1, whole // kills))
            time.sleep(chance.uniform(0, 0.02))
        process.kill()
        assert process.wait() == -signal.SIGKILL
    assert recorded(out) < whole
    same(compute(small(out, **LONG)), straight)
    assert not list(out.glob("jobs/**/.*.tmp"))


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)]
)
def test_a_run_stops_when_asked_and_continues(straight, launch, tmp_path, number, code):
    out = tmp_path / "run"
    process = launch(out)
    reached(process, out, 50)
    process.send_signal(number)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == code
    assert errors == "stopped; the same command continues\n"
    assert recorded(out) < recorded(straight)
    same(compute(small(out, **LONG)), straight)


def test_two_processes_share_the_jobs(straight, launch, tmp_path):
    """This one takes what the other does not hold, and says what the other does."""
    out, settings = tmp_path / "run", small(tmp_path / "run", **LONG)
    process = launch(out)
    reached(process, out, 1)
    at, planned = context(settings), jobs(settings)
    held = run_jobs(at, planned)
    assert len(held) < len(planned)
    until = time.monotonic() + 60
    while any(not folder.finished(out, job) for job in planned):
        assert time.monotonic() < until
        time.sleep(0.01)
    process.kill()
    process.wait()
    same(out, straight)
    assert len(by_chain(out)) == len(by_chain(straight))  # none twice


# Files that are damaged


class Stop(Exception):
    """A stand-in for a kill."""


def stopped_in(out, generation, **changes):
    """A run of one job whose process ends in a generation; its job's folder."""
    settings = small(out, **LONG | {"arms": ("uncorrected",), "coupled": 0} | changes)
    at, (job,) = context(settings), jobs(settings)
    home = folder.job_folder(out, job)
    folder.store_job(out, job)
    at.check(job.n)
    at.store(job)

    def tick(steps, what="", kind=None):
        if what.endswith(f": generation {generation}"):
            raise Stop

    with pytest.raises(Stop):
        run_job(at, job, tick)
    return settings, home


def torn(home):
    """A line that a kill has left half written, in another generation than the last checkpoint's."""
    path = home / "rows.jsonl"
    path.write_bytes(path.read_bytes()[:-25])


def more(home):
    """A line whose end alone is missing."""
    path = home / "rows.jsonl"
    path.write_bytes(path.read_bytes()[:-1])


def forgotten(home):
    """No checkpoint: from the beginning."""
    for path in home.glob("*.msgpack"):
        path.unlink()


def unseen(home):
    """Observations after the checkpoint are not there."""
    for path in home.glob("observations/generation_002[1-9].npz"):
        path.unlink()


def unfinished(home):
    """What is written beside a file, before it takes its place."""
    (home / ".generation_0030.msgpack.7.tmp").write_bytes(b"half")
    (home / "observations" / ".generation_0026.npz.7.tmp").write_bytes(b"half")


@pytest.mark.parametrize("damage", [lambda home: None, torn, more, forgotten, unseen, unfinished])
@pytest.mark.parametrize("generation", [5, 25])
def test_what_a_stop_may_leave_is_mended(straight, tmp_path, damage, generation):
    settings, home = stopped_in(tmp_path / "run", generation)
    assert [path.name for path in home.glob("*.msgpack")] == [f"generation_{20:04d}.msgpack"] * (generation > 10)
    damage(home)
    compute(settings)
    alone, whole = by_chain(tmp_path / "run"), by_chain(straight)
    assert all(whole[at].keys() == alone[at].keys() for at in alone)
    undisturbed = compute(small(tmp_path / "undisturbed", **LONG | {"arms": ("uncorrected",), "coupled": 0}))
    same(tmp_path / "run", undisturbed)
    kept = {path.name: path.read_bytes() for path in home.glob("*.msgpack")}
    assert list(kept) == ["generation_0040.msgpack"]
    assert kept == {name.rpartition("/")[2]: data for name, data in bytes_of(undisturbed).items()
                    if name.endswith("0040.msgpack")}  # fmt: skip
    assert not list(home.rglob(".*.tmp"))


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("generation_0020.msgpack", "generation_0020.msgpack: truncated or corrupt"),
        ("rows.jsonl", "rows.jsonl, line 1: not a JSON object"),
        ("job.json", "job.json: not valid JSON"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, pattern, told):
    settings, home = stopped_in(tmp_path / "run", 25)
    path = home / pattern
    data = path.read_bytes()
    path.write_bytes(data[:30] + b"\n" + data[60:] if pattern == "rows.jsonl" else data[:-30])
    with pytest.raises(DataError) as error:
        compute(settings)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_a_checkpoint_is_kept_every_so_often_and_the_last_for_more_generations(straight):
    assert CHECKPOINT == 10
    found = sorted(path.name for path in straight.glob("jobs/*/*.msgpack"))
    assert found == ["generation_0015.msgpack"] * 2 + ["generation_0040.msgpack"] * 2
    for path in straight.glob("jobs/*/done"):
        memory = record.read_json(path)["peak_memory_mib"]
        assert 0 < memory["second_generation"] <= memory["end"]


# Chains that are no longer finite


def mortal(*deaths):
    """A domain whose model breaks in the fit of these seeds and generations."""

    def model(settings, data):
        healthy = GAUSSIAN.model(settings, data)

        def fit(key, batch, state):
            state, info = healthy.fit(key, batch, state)
            last = [jax.random.key_data(role_key(jax.random.key(seed), t, "fit")) for seed, t in deaths]
            broken = (jnp.stack(last) == jax.random.key_data(key)[None]).all(1).any()
            return state._replace(mean=jnp.where(broken, jnp.nan, state.mean)), info

        return healthy._replace(fit=fit)

    return GAUSSIAN._replace(model=model)


DYING = {"arms": ("uncorrected", "idealised"), "together": 2, "generations": 14, "seeds": 3}


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """The same with no seed that dies."""
    return compute(small(tmp_path_factory.mktemp("sound") / "run", **DYING), mortal((7, 1)))


@pytest.mark.parametrize("generation", [4, 12])
def test_a_chain_that_dies_is_named_and_leaves_the_others_as_they_are(sound, tmp_path, capsys, generation):
    """Also where the run is continued from a checkpoint of after its end."""
    settings, domain = small(tmp_path / "run", **DYING), mortal((1, generation))
    compute(replace(settings, generations=11), domain)
    out = compute(settings, domain)
    capsys.readouterr()
    say_stopped(out, jobs(settings, domain))
    place = f"n = 8, gamma 1, lambda 1, seed 1, in generation {generation}"
    told = [f"stopped: {arm}, {place}: the model's state is not finite" for arm in DYING["arms"]]
    assert sorted(capsys.readouterr().out.splitlines()) == sorted(told)
    found, expected = by_chain(out), by_chain(sound)
    for at in expected:
        seed, t = at[4], at[6]
        if seed == 1 and t > generation:
            assert at not in found
        elif (seed, t) == (1, generation):
            assert found[at]["stopped"] == "nan"
        else:
            assert found[at] == expected[at]
    kept, whole = observations(out), observations(sound)
    for path, values in kept.items():
        if path[-8:-4] >= f"{generation:04d}":  # though the fit forgets a state that was no number
            assert all(np.isnan(leaf[[1, 4]]).all() for leaf in values.values() if leaf.dtype == np.float32)
    others = [i for i, chain in enumerate(jobs(settings, domain)[0].chains) if chain.seed != 1]
    for arrays in (kept, whole):
        for path, values in arrays.items():
            arrays[path] = {name: leaf[others] for name, leaf in values.items()}
    same_arrays(kept, whole)
    for at, trace in points(out).items():
        assert len(trace) == (generation if at[2] == 1 else 15)


def test_a_job_whose_chains_have_all_died_stops(tmp_path):
    domain = mortal((0, 2), (1, 5), (2, 12))
    settings = small(tmp_path / "run", **DYING)
    ticks, at, (job,) = [], context(settings, domain), jobs(settings, domain)
    folder.store_job(settings.out, job)
    at.store(job)
    run_job(at, job, lambda steps, what="", kind=None: ticks.append(steps))
    assert sum(ticks) == 14 * 6  # the generations that are not run count as done
    assert max(folder.generations(folder.job_folder(settings.out, job))) == 12
    assert folder.finished(settings.out, job)
    before = rows(settings.out)
    assert [len([row for row in own if "stopped" in row]) for own in before.values()] == [6]
    compute(settings, domain)
    compute(replace(settings, generations=20), domain)  # more generations bring nobody back
    assert rows(settings.out) == before
    for path, values in observations(settings.out).items():
        if path.endswith("0012.npz"):
            assert np.isnan(values["space/points"]).all()
