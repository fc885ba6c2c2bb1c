"""The experiment from its command line: stops, continuations, refusals, bad input, and what a run leaves behind."""

import importlib.util
import json
import os
import re
import shutil
import signal
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import get_args

import jax
import numpy as np
import pytest

from selfloop.domains.motion import measures, setup, summary
from selfloop.domains.motion import run as experiment
from selfloop.domains.motion.config import Pipeline, smoke
from selfloop.domains.motion.data import datasets
from selfloop.errors import ConfigError
from selfloop.runs import checkpoint, record
from tests.domains.motion.stops import EXPERIMENTS, lines, start, stopped_by
from tests.runs.disk import small_files

SCRIPT = EXPERIMENTS / "motion_loop.py"
TINY = {"n": 8, "evaluate": 8, "first_steps": 4, "steps": 2, "batch": 8, "width": 16, "layers": 1,
        "guidance": 1.0}  # fmt: skip
ARMS = ("baseline", "uncorrected")
LONG = 40
"""Generations of the runs that are killed: enough time to do it in."""


def options(out, data, **changes):
    """A tiny run as the command line has it."""
    asked = TINY | {"out": out, "data": data} | changes
    pairs = [(f"--{name.replace('_', '-')}", str(value)) for name, value in asked.items() if value is not None]
    return ["--preset", "smoke", "--arms", *ARMS, *(word for pair in pairs for word in pair)]


def settings(out, data, **changes):
    """The same as a config."""
    return replace(smoke(), **(TINY | {"out": out, "data": data and str(data), "arms": ARMS} | changes))


def rows(out):
    """What was computed: the records without times, in order."""
    kept = [
        {k: v for k, v in row.items() if not k.startswith("seconds_")} for row in record.read(out / "metrics.jsonl")
    ]
    assert all(row.keys() >= {"arm", "seed", "generation"} for row in kept)
    return kept


@pytest.fixture(scope="module")
def straight(compiled, clips_folder, tmp_path_factory):
    """The folder of a run that nothing stopped, by the script in a process of its own; and what it printed."""
    out = tmp_path_factory.mktemp("straight") / "run"
    process = start(SCRIPT.name, compiled, *options(out, clips_folder, generations=LONG))
    said, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    return out, said


# Stops, in processes of their own


def test_kills_lose_nothing_that_was_recorded(straight, compiled, clips_folder, tmp_path):
    out, expected = tmp_path / "run", rows(straight[0])
    command = options(out, clips_folder, generations=LONG)
    recorded = 0
    for number, code in ((signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130)):
        process = start(SCRIPT.name, compiled, *command)
        assert stopped_by(number, lambda: lines(out / "metrics.jsonl"), recorded + 3, process)[0] == code
        kept = rows(out)
        assert recorded < len(kept) < len(expected)
        assert kept == expected[: len(kept)]
        recorded = len(kept)
    last, second = (start(SCRIPT.name, compiled, *command) for _ in range(2))
    losers = [process for process in (last, second) if "another process" in process.communicate(timeout=300)[1]]
    assert [process.returncode for process in losers] == [2]
    assert rows(out) == expected
    assert not list(out.rglob(".*.tmp"))


# Stops and continuations in this process, where one model is compiled for all


@pytest.fixture(scope="module")
def made():
    """What runs of this module have read, built and prepared."""
    return {}


@pytest.fixture
def quick(compiled, made, monkeypatch):
    """Runs share the data, the model's programs and the measures, and make no page."""

    def once(module, name, key):
        original = getattr(module, name)

        def shared(*given):
            if (at := (name, key(*given))) not in made:
                made[at] = original(*given)
            return made[at]

        monkeypatch.setattr(module, name, shared)

    once(setup, "load", lambda config: (config.data, config.n))
    once(setup, "model", lambda config, data: replace(config, out=Path(), generations=1, seeds=1, preset="", data=""))
    once(measures, "motion_measures", lambda reference, judge, names: id(reference))
    monkeypatch.setattr(summary, "write", lambda config, data, floors: config.out)


@pytest.fixture(scope="module")
def three(straight, clips_folder):
    """The rows of a straight run of 3 generations: the first of each arm in the long one."""
    return [row for row in rows(straight[0]) if row["generation"] <= 3]


MOMENTS = [
    (module, name, call, when)
    for module, name in ((checkpoint, "save"), (record, "append"))
    for call in (1, 3, 6)
    for when in ("before", "after")
] + [(checkpoint, "prune", 2, "before"), (experiment, "_store", 3, "after"), (record, "write_json", 2, "before")]


@pytest.mark.parametrize(("module", "name", "call", "when"), MOMENTS)
def test_a_stop_at_any_moment_continues_to_the_same_rows(
    quick, three, clips_folder, tmp_path, monkeypatch, module, name, call, when
):
    config, original, calls = settings(tmp_path / "run", clips_folder, generations=3), getattr(module, name), []

    def stopping(*arguments):
        calls.append(1)
        if len(calls) == call and when == "before":
            raise KeyboardInterrupt
        result = original(*arguments)
        if len(calls) == call:
            raise KeyboardInterrupt
        return result

    with monkeypatch.context() as patch:
        patch.setattr(module, name, stopping)
        with pytest.raises(KeyboardInterrupt):
            experiment.run(config)
    kept = rows(config.out)
    assert kept == three[: len(kept)]
    experiment.run(config)
    assert rows(config.out) == three


def test_generation_0_is_computed_once_a_seed(quick, clips_folder, tmp_path, monkeypatch):
    trained, original = [], setup.trained_once

    def watched(fit, *rest):
        return original(lambda *arguments: (trained.append(1), fit(*arguments))[1], *rest)

    monkeypatch.setattr(setup, "trained_once", watched)
    config = settings(tmp_path / "run", clips_folder, generations=1, seeds=2)
    experiment.run(config)
    assert len(trained) == 2 * 2  # two seeds, 4 steps in calls of 2
    first = {(row["arm"], row["seed"]): row for row in rows(config.out) if row["generation"] == 0}
    assert len(first) == 4
    for seed in (0, 1):
        assert {**first["baseline", seed], "arm": ""} == {**first["uncorrected", seed], "arm": ""}
    assert {**first["baseline", 0], "seed": 1} != first["baseline", 1]


def test_more_generations_continue_a_finished_run(quick, three, clips_folder, tmp_path):
    config = settings(tmp_path / "run", clips_folder, generations=1)
    experiment.run(config)
    finished = rows(config.out)
    experiment.run(replace(config, generations=3))
    grown = rows(config.out)
    assert grown[: len(finished)] == finished
    key = ("arm", "seed", "generation")
    by_key = [{tuple(row[k] for k in key): row for row in part} for part in (grown, three)]
    assert by_key[0] == by_key[1]
    assert len(grown) == len(three)
    experiment.run(replace(config, generations=3))
    assert rows(config.out) == grown


def test_moved_folders_and_data_and_another_preset_continue(quick, clips_folder, tmp_path):
    config = settings(tmp_path / "run", clips_folder, generations=1)
    experiment.run(config)
    finished = rows(config.out)
    shutil.move(config.out, tmp_path / "moved")
    shutil.copytree(clips_folder, tmp_path / "elsewhere")
    experiment.run(replace(config, out=tmp_path / "moved", data=str(tmp_path / "elsewhere"), preset="default"))
    assert rows(tmp_path / "moved") == finished


def test_a_lost_checkpoint_costs_its_generation_only(quick, three, clips_folder, tmp_path):
    config = settings(tmp_path / "run", clips_folder, generations=3)
    experiment.run(config)
    (config.out / "checkpoints" / "uncorrected" / "seed_0" / "generation_0003.msgpack").unlink()
    experiment.run(config)
    assert rows(config.out) == three


# A second generation compiles nothing


def count_by_generation(config, compilations, monkeypatch):
    """How many programs were compiled by the time each record was written, by arm and generation."""
    counts, append = {}, record.append

    def counted(path, row):
        counts[row["arm"], row["generation"]] = len(compilations)
        append(path, row)

    monkeypatch.setattr(record, "append", counted)
    experiment.run(config)
    return counts


def test_a_second_generation_compiles_nothing(compiled, compilations, clips_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(summary, "write", lambda *_: None)
    config, before = settings(tmp_path / "run", clips_folder, generations=3), len(compilations)
    counts = count_by_generation(config, compilations, monkeypatch)
    assert counts["baseline", 0] > before
    for arm in config.arms:
        assert counts[arm, 3] == counts[arm, 1], arm


# What a run leaves behind


def check_folder(out, config):
    """Everything that the run promises, for the arms, seeds and generations asked."""
    stored = record.read_json(out / "config.json")
    assert stored.items() >= {"n": config.n, "lam": config.lam, "arms": list(config.arms)}.items()
    assert stored["generations"] == config.generations
    assert record.read_json(out / "environment.json")["packages"]["jax"] == jax.__version__
    wanted = [
        (arm, seed, t) for seed in range(config.seeds) for arm in config.arms for t in range(config.generations + 1)
    ]
    found = rows(out)
    assert [(row["arm"], row["seed"], row["generation"]) for row in found] == wanted
    for row in found:
        assert row.keys() >= {"fid_kinetic", "fid_geometric", "diversity_kinetic", "penetration_mm", "float_mm",
                              "skate_mm_per_frame", "jerk", "limit_violation_deg", "loss"}  # fmt: skip
        assert all(np.isfinite(value) for name, value in row.items() if name != "arm")
        assert row["generation"] == 0 or {"failed", "moved_mm"} <= row.keys()
    floors = record.read_json(out / "floors.json")
    assert floors["real"]["n"] <= config.evaluate
    assert np.isfinite(floors["real"]["fid_kinetic"])
    assert ("real, corrected" in floors) == ("physics" in config.arms)
    last = config.generations
    kept = {t for t in range(last + 1) if t % 10 == 0 or t > last - 2}
    for arm in config.arms:
        for seed in range(config.seeds):
            there = (out / "checkpoints" / arm / f"seed_{seed}").glob("*")
            assert {path.name for path in there} == {f"generation_{t:04d}.msgpack" for t in kept}
    for figure in ("measures", "fid_kinetic", "jerk"):
        assert (out / "figures" / f"{figure}.png").read_bytes().startswith(b"\x89PNG")
    check_page((out / "report.html").read_text(), config)


def check_page(page, config):
    """It needs no network, and plays first, middle and last generation of every arm."""
    assert not re.findall(r"https?://|src=.(?!data:)|<link|@import", page)
    held = json.loads(re.search(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)[1])
    text = json.dumps(held)
    for arm in config.arms:
        assert f'"{arm}"' in text
    played = {(scene["arm"], scene["generation"]) for scene in scenes(held)}
    chosen = {0, config.generations // 2, config.generations}
    assert played == {(arm, t) for arm in config.arms for t in chosen}


def scenes(value):
    """All objects in the page's data that say which arm and generation they show."""
    if isinstance(value, dict):
        if {"arm", "generation"} <= value.keys():
            yield value
        value = list(value.values())
    for item in value if isinstance(value, list) else []:
        yield from scenes(item)


def test_a_run_leaves_all_it_promises(straight, clips_folder):
    out, said = straight
    check_folder(out, settings(out, clips_folder, generations=LONG))
    assert str(out / "report.html") in said
    for line in ("generation 0", "baseline", "uncorrected", "real"):
        assert line in said


# Bad input: one clear line, before any work


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("motion_loop", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def command(compiled, script, clips_folder, tmp_path, monkeypatch, capsys):
    """Call the script's main with a tiny run's options; exit code, stdout and stderr."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setenv("SELFLOOP_CACHE", str(tmp_path / "cache"))

    def call(*more, **changes):
        arguments = options(**({"out": tmp_path / "run", "data": clips_folder, "generations": 1} | changes))
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *arguments, *map(str, more)])
        try:
            code = script.main()
        except SystemExit as stop:
            code = stop.code
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def refused(result, told, out):
    """One line that says it, and nothing was begun."""
    code, _, errors = result
    assert code == 2
    assert re.fullmatch(r"error: [^\n]+\n", errors), errors
    for part in told:
        assert part in errors
    assert not out.is_dir() or not any(out.iterdir())


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"lam": -1}, ["--lam is -1", "0 or more"]),
        ({"lam": "nan"}, ["--lam is nan"]),
        ({"lam": "inf"}, ["--lam is inf"]),
        ({"guidance": "nan"}, ["--guidance is nan"]),
        ({"guidance": -0.5}, ["--guidance is -0.5"]),
        ({"n": 3}, ["--n is 3; give 4 or more"]),
        ({"n": 1000}, ["n = 1000 windows", "1 to"]),
        ({"seeds": 0}, ["--seeds is 0"]),
        ({"generations": 0}, ["--generations is 0"]),
        ({"evaluate": 1}, ["--evaluate is 1"]),
        ({"first_steps": 0}, ["--first-steps is 0"]),
        ({"layers": 0}, ["--layers is 0"]),
        ({"band": 0}, ["--band is 0"]),
        ({"band": 7}, ["40 frames, bands of 7"]),
        ({"width": 30}, ["width 30"]),
        ({"frames": 42}, ["--frames is 42", "multiple of 4"]),
        ({"data": "/nowhere/at/all"}, ["/nowhere/at/all does not exist", "bandai-namco-256"]),
        ({"preset": "bogus"}, ["--preset is bogus", "smoke, default, paper"]),
    ],
)
def test_a_bad_setting_is_named(command, tmp_path, changes, told):
    refused(command(**changes), told, tmp_path / "run")


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"pipeline": "bogus"}, ["bogus", "mjx"]), ({"arms": "bogus"}, ["bogus", "physics"]), ({"n": "many"}, ["many"])],
)
def test_what_the_command_line_does_not_know_is_named(command, tmp_path, changes, told):
    code, _, errors = command(**changes)
    assert code == 2
    assert "Traceback" not in errors
    assert all(part in errors for part in told)
    assert not (tmp_path / "run").exists()


def test_an_arm_twice(command, tmp_path):
    refused(command("--arms", "baseline", "baseline"), ["baseline baseline", "each once"], tmp_path / "run")


@pytest.mark.parametrize(("field", "value"), [("arms", ("bogus",)), ("arms", ()), ("pipeline", "bogus")])
def test_from_python_too(tmp_path, field, value):
    with pytest.raises(ConfigError, match=f"--{field} is"):
        experiment.run(replace(smoke(), out=tmp_path / "run", **{field: value}))
    assert not (tmp_path / "run").exists()


def test_the_pipelines_offered_are_those_there_are():
    from selfloop.domains.motion.physics.backends import PIPELINES

    assert set(get_args(Pipeline)) == set(PIPELINES)


def test_out_that_is_a_file_or_someone_elses_folder(command, tmp_path):
    (tmp_path / "run").touch()
    code, _, errors = command()
    assert (code, errors) == (2, f"error: --out {tmp_path / 'run'} is a file; give a folder\n")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / ".draft.tmp").touch()
    code, _, errors = command(out=tmp_path / "thesis")
    assert code == 2
    assert "not empty and holds no run" in errors
    assert os.listdir(tmp_path / "thesis") == [".draft.tmp"]


def spoilt(kind, source, target):
    """A set with one bad thing in it."""
    target.mkdir()
    good = (source / "walk_0.bvh").read_text()
    head, _, motion = good.partition("Frame Time:")
    text = {
        "empty": "",
        "malformed": "This is no motion.",
        "truncated": good[: len(good) * 2 // 3],
        "NaN": re.sub(r"-?\d+\.\d+(?=\s*$)", "nan", good, count=1),
        "rate": head + "Frame Time: 20.0" + motion.partition("\n")[1] + motion.partition("\n")[2],
    }.get(kind)
    if text is not None:
        (target / "bad_1.bvh").write_text(text)
        return target
    with zipfile.ZipFile(target / "bad_1.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        if kind == "bomb":
            archive.writestr("bad.bvh", b"0" * (65 * 2**20))
        else:
            archive.writestr("../bad.bvh", good)
    return target / "bad_1.zip"


@pytest.mark.parametrize("kind", ["empty", "malformed", "truncated", "NaN", "rate", "bomb", "outside"])
def test_bad_data_is_named(command, made_up_folder, tmp_path, kind):
    refused(command(data=spoilt(kind, made_up_folder, tmp_path / "set")), ["bad"], tmp_path / "run")


def test_without_the_extra_it_says_what_to_install(command, tmp_path, monkeypatch):
    found = importlib.util.find_spec
    hidden = lambda name, *rest: None if name == "pybullet_data" else found(name, *rest)  # noqa: E731
    monkeypatch.setattr(importlib.util, "find_spec", hidden)
    refused(command(data=None), ["pip install 'selfloop[mocap]'", "--data"], tmp_path / "run")


def test_another_run_in_the_folder_is_refused_with_all_differences(command, quick, made_up_folder, tmp_path):
    assert command()[0] == 0
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    code, _, errors = command(lam=0.5, guidance=2, data=made_up_folder)
    assert code == 2
    assert errors.count("\n") == 1
    for told in ("lam is 1.0 there, 0.5 asked", "guidance is 1.0 there, 2.0 asked", "data_digest"):
        assert told in errors
    assert "generations" not in errors
    code, _, errors = command("--arms", "uncorrected")
    assert 'arms is ["baseline", "uncorrected"] there, ["uncorrected"] asked' in errors
    assert before == {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}


def test_labels_that_changed_are_other_data(made_up_folder, tmp_path, monkeypatch):
    config, read = settings(tmp_path, made_up_folder), datasets.load
    first = setup.load(config)
    monkeypatch.setattr(datasets, "load", lambda path: [replace(clip, label=clip.label + "ing") for clip in read(path)])
    second = setup.load(config)
    np.testing.assert_array_equal(first.real.x, second.real.x)
    assert first.digest != second.digest


@pytest.mark.parametrize(
    "damaged", ["config.json", "metrics.jsonl", "checkpoints/baseline/seed_0/generation_0001.msgpack"]
)
def test_a_damaged_run_is_an_error_that_names_the_file(command, quick, tmp_path, damaged):
    assert command()[0] == 0
    path = tmp_path / "run" / damaged
    path.write_bytes(path.read_bytes()[:-30] + b"\n{}}\n\n")
    code, _, errors = command(generations=2)
    assert code == 2
    assert re.fullmatch(r"error: [^\n]+\n", errors), errors
    assert path.name in errors


def test_a_full_disk_stops_it_and_room_lets_it_go_on(command, quick, three, tmp_path, monkeypatch):
    with small_files(20_000):
        code, _, errors = command(generations=3)
    assert code == 2
    assert re.fullmatch(
        r"error: \S+seed_0\.msgpack: cannot be written \([^)]+\); \d+ bytes are needed: [^\n]+\n", errors
    )
    append, calls = record._write_all, []

    def full(file, data):
        calls.append(1)
        if len(calls) == 6:
            append(file, data[: len(data) // 2])
            raise OSError(28, os.strerror(28))
        append(file, data)

    with monkeypatch.context() as patch:
        patch.setattr(record, "_write_all", full)
        code, _, errors = command(generations=3)
    assert (code, errors.count("\n")) == (2, 1)
    assert "metrics.jsonl: cannot be written (No space left on device)" in errors
    assert rows(tmp_path / "run") == three[:5]
    assert command(generations=3)[0] == 0
    assert rows(tmp_path / "run") == three


def test_a_folder_that_may_not_be_read_is_an_error(command, tmp_path, monkeypatch):
    def closed(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(setup, "load", lambda config: closed(config.data))
    refused(command(data="locked"), ["Permission denied", "locked"], tmp_path / "run")


# With physics, and on thousands of windows


@pytest.mark.slow
def test_physics_from_end_to_end(compiled, compilations, embedded_folder, tmp_path, monkeypatch):
    config = settings(tmp_path / "run", None, generations=3, arms=(*ARMS, "physics"))
    with monkeypatch.context() as patch:
        counts = count_by_generation(config, compilations, patch)
    for arm in config.arms:
        assert counts[arm, 3] == counts[arm, 1], arm
    check_folder(config.out, config)
    stopped = replace(config, out=tmp_path / "stopped")
    with monkeypatch.context() as patch:
        append = record.append

        def stop(path, row):
            append(path, row)
            if (row["arm"], row["generation"]) == ("physics", 2):
                raise KeyboardInterrupt

        patch.setattr(record, "append", stop)
        with pytest.raises(KeyboardInterrupt):
            experiment.run(stopped)
    experiment.run(stopped)
    assert rows(stopped.out) == rows(config.out)


@pytest.mark.slow
def test_a_set_large_enough_to_split(compiled, data_folder, tmp_path):
    data = data_folder / "bandai-namco" / "bandai-namco-motion-2-subset256.zip"
    config = settings(tmp_path / "run", data, generations=2)
    experiment.run(config)
    check_folder(config.out, config)
    assert all("fid_features" in row and 0 <= row["label_accuracy"] <= 1 for row in rows(config.out))
