"""A run of the bench in miniature: what it leaves, how it goes on, what it refuses."""

import math
import signal
from dataclasses import replace

import pytest

from selfloop.cli.main import main
from selfloop.domains.motion.bench import run as bench
from selfloop.domains.motion.bench.run import BenchConfig
from selfloop.domains.motion.correctors.table import CORRECTORS, Entry
from selfloop.errors import ConfigError
from selfloop.runs import environment, record

KEYS = ["corrector", "corruption", "split", "measure", "value", "low", "high"]


@pytest.fixture
def lifting(monkeypatch):
    """A cheap corrector in place of physics, which lifts by 3 cm; the calls it gets."""
    calls = []

    def correct(key, batch, state):
        calls.append(batch.capacity)
        return batch._replace(x=batch.x.at[..., 3].add(0.03)), {}

    monkeypatch.setitem(CORRECTORS, "physics", Entry(lambda *given: correct, "Lifts.", most=3))
    return calls


@pytest.fixture
def config(made_up_folder, tmp_path):
    return BenchConfig(
        data=str(made_up_folder), out=tmp_path / "bench", correctors=("identity", "physics", "prior"),
        corruptions=("clean", "float", "generator_0"), windows=5, samples=8,
    )  # fmt: skip


def value(rows, *wanted):
    (found,) = [row["value"] for row in rows if tuple(row[name] for name in KEYS[:4]) == wanted]
    return found


def test_a_run_leaves_rows_and_a_page(config, lifting, hurried):
    page = bench.run(config)
    rows = record.read_json(config.out / "bench.json")
    assert all(list(row) == KEYS for row in rows)
    assert value(rows, "physics", "clean", "heldout", "after_mm") == pytest.approx(30, abs=1e-3)
    assert value(rows, "physics", "float", "tuning", "distance_ratio") == pytest.approx(1.3, abs=1e-4)
    assert value(rows, "identity", "float", "heldout", "map_contraction") == 1
    assert lifting.count(3) == len(lifting)  # the corrector takes three motions of a case, and no more
    assert {row["corruption"] for row in rows} == {"clean", "float"}
    html = page.read_text()
    assert "left out: prior, generator_0." in html
    assert "physics (3 motions a case)" in html
    assert {path.name for path in config.out.iterdir()} >= {"config.json", "environment.json", "cells.jsonl", "figures"}


def test_what_is_measured_is_not_measured_again(config, lifting, hurried, monkeypatch):
    config = replace(config, correctors=("physics",), corruptions=("float",))
    whole = bench.measurer

    def breaking(*args):
        measured, done = whole(*args), []

        def stops(*cell):
            if done:
                raise KeyboardInterrupt
            done.append(cell)
            return measured(*cell)

        return stops

    with monkeypatch.context() as patch:
        patch.setattr(bench, "measurer", breaking)
        with pytest.raises(KeyboardInterrupt):
            bench.run(config)
    (first,) = record.read(config.out / "cells.jsonl")
    assert first["split"] == "heldout"
    lifting.clear()
    bench.run(config)
    assert len(lifting) == 3  # tuning alone: the clean motions, two passes
    assert record.read(config.out / "cells.jsonl")[0] == first
    lifting.clear()
    bench.run(replace(config, corruptions=("float", "sink")))
    assert len(lifting) == 6
    assert {row["corruption"] for row in record.read_json(config.out / "bench.json")} == {"float", "sink"}


def test_other_settings_need_another_folder(config, lifting, hurried):
    config = replace(config, correctors=("identity",), corruptions=("clean",))
    bench.run(config)
    with pytest.raises(ConfigError, match="seed is 0 there, 1 asked"):
        bench.run(replace(config, seed=1))
    with pytest.raises(ConfigError, match="windows is 5 there, 4 asked; data_digest is"):
        bench.run(replace(config, windows=4))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"correctors": ("physic",)}, "--correctors is physic; choose from identity, smoothing, cleanup, physics"),
        ({"correctors": ()}, "--correctors is empty; choose from identity"),
        ({"corruptions": ("clean", "noise")}, "--corruptions is noise; choose from clean, float"),
        ({"pipeline": "spring"}, "pipeline 'spring' is not one of auto, mjx, mujoco"),
        ({"windows": 1}, "--windows is 1; an interval needs 2 or more"),
        ({"samples": 0}, "--samples is 0; an interval needs 2 or more"),
    ],
)
def test_bad_settings_are_refused_before_any_work(config, change, says):
    with pytest.raises(ConfigError, match=says):
        bench.run(replace(config, **change))
    assert not config.out.exists()


def test_a_small_set_is_refused_where_all_that_is_asked_needs_a_large_one(config):
    with pytest.raises(ConfigError, match="--correctors prior --corruptions clean: none of these can be measured"):
        bench.run(replace(config, correctors=("prior",), corruptions=("clean",)))
    assert not config.out.exists()


def test_infinite_limits_come_back_and_speeds_have_their_range(config):
    for corruption, speed in (("float", 9.0), ("clean", 7.0)):
        measures = {"effective_gamma_artefacts": [2.0, 0.5, math.inf], "motion_s_per_core_s": [speed, None, None]}
        cell = {"split": "heldout", "corrector": "identity", "corruption": corruption, "measures": measures}
        record.append(config.out / "cells.jsonl", cell)
    rows = bench.rows(config)
    assert [row["corruption"] for row in rows] == ["clean"] * 2 + ["float"] * 2
    assert rows[0]["high"] == math.inf
    assert [rows[1][name] for name in ("value", "low", "high")] == [7, 7, 9]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--correctors", "physic"], "error: --correctors is physic; choose from identity, smoothing"),
        (["--data", "nowhere"], "error: nowhere does not exist; give a folder"),
        (["--windows", "1"], "error: --windows is 1; an interval needs 2 or more"),
    ],
)
def test_the_script_says_in_one_line_what_is_wrong(arguments, says, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(signal, "signal", lambda *args: None)
    monkeypatch.setattr(environment, "compilation_cache", lambda: None)
    assert main(["bench", "correctors", *arguments, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith(says)
    assert error.count("\n") == 1
