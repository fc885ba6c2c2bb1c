"""The grid's settings: what is refused and how, the cells they ask for, and what may change on a folder."""

import dataclasses
import itertools
import math
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from selfloop.domains.motion.grid import run as grid
from tests.domains.motion.grid.tiny import settings

from selfloop.domains.motion.config import Arm
from selfloop.domains.motion.config import checked as checked_one
from selfloop.engine.settings import FREE, PRESETS, GridConfig, cells, checked, motion_config
from selfloop.errors import ConfigError, SelfloopError
from selfloop.runs import record

ARMS = get_args(Arm)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_valid(name):
    config = PRESETS[name]()
    assert config.preset == name
    assert checked(config) == config
    for n, guidance in itertools.product(config.n, config.guidance):
        checked_one(motion_config(config, n, config.lam[0], guidance))
    assert len({preset().out for preset in PRESETS.values()}) == len(PRESETS)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"n": (3,)}, "--n is 3; give 4 or more"),
        ({"n": (8, 3)}, "--n is 3; give 4 or more"),
        ({"n": ()}, "--n is empty; give one or more"),
        ({"n": (8, 8)}, "--n is 8 8; give one or more, each once"),
        ({"lam": ()}, "--lam is empty"),
        ({"lam": (1.0, 1.0)}, "--lam is 1.0 1.0"),
        ({"lam": (-1.0,)}, "--lam is -1.0; give numbers, 0 or more"),
        ({"lam": (math.nan,)}, "--lam is nan"),
        ({"lam": (1.0, math.inf)}, "--lam is inf"),
        ({"guidance": (math.nan,)}, "--guidance is nan"),
        ({"guidance": (-0.5,)}, "--guidance is -0.5"),
        ({"arms": ()}, "--arms is empty"),
        ({"arms": ("physics", "physics")}, "--arms is physics physics"),
        ({"arms": ("bogus",)}, "--arms bogus: no such arm; choose from baseline"),
        ({"skip": ("8",)}, "--skip '8'; give pairs n:lambda"),
        ({"skip": ("8:1:2",)}, "--skip '8:1:2'"),
        ({"skip": ("eight:1",)}, "--skip 'eight:1'"),
        ({"skip": ("8:1",)}, "--skip leaves no cell"),
        ({"generations": 0}, "--generations is 0; give 1 or more"),
        ({"seeds": 0}, "--seeds is 0"),
        ({"twins": -1}, "--twins is -1; give 0 or more"),
        ({"twins": 1, "seeds": 1}, "--twins needs 2 --seeds"),
        ({"together": 0}, "--together is 0"),
        ({"audit_every": 0}, "--audit-every is 0"),
        ({"evaluate": 3}, "--evaluate is 3; give 4 or more"),
        ({"first_steps": (0,)}, "--first-steps is 0"),
        ({"first_steps": (4, 4)}, "--first-steps has 2 numbers for 1 of --n; give one, or one for each"),
        ({"steps": ()}, "--steps has 0 numbers for 1 of --n"),
        ({"steps": (2, 0), "n": (8, 9)}, "--steps is 0"),
        ({"batch": 0}, "--batch is 0"),
        ({"width": 4}, "--width is 4; give 8 or more"),
        ({"band": 0}, "--band is 0"),
        ({"layers": 0}, "--layers is 0"),
        ({"frames": 42}, "--frames is 42; give a multiple of 4"),
        ({"frames": 4}, "--frames is 4; give 8 or more"),
        ({"pipeline": "bogus"}, "--pipeline is bogus; choose one of auto"),
        ({"condition": "bogus"}, "--condition is bogus; choose one of label"),
        ({"text_encoder": Path("there")}, "--text-encoder is there, but conditions are labels; add --condition text"),
    ],
)
def test_a_bad_setting_is_named(tmp_path, changes, told):
    with pytest.raises(ConfigError) as error:
        grid.run(settings(tmp_path / "grid", None, **changes))
    assert told in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "grid").exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"width": 30}, "width 30"),
        ({"band": 7}, "bands of 7"),
        ({"n": (100_000,)}, "n = 100000 windows"),
        ({"data": "/nowhere/at/all"}, "/nowhere/at/all does not exist"),
        ({"lam": (0.01,)}, "lambda is 0.01"),
    ],
)
def test_what_only_the_data_and_the_model_can_tell_begins_no_grid_either(clips_folder, tmp_path, changes, told):
    with pytest.raises(SelfloopError, match=told):
        grid.run(settings(tmp_path / "grid", **({"data": clips_folder} | changes)))
    assert not (tmp_path / "grid").exists()


def test_out_may_be_text():
    assert checked(replace(GridConfig(), out="somewhere")).out == Path("somewhere")


def few(values):
    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True).map(tuple)


@st.composite
def grids(draw):
    n, lam = draw(few((8, 16, 64))), draw(few((0.25, 1.0, 4.0)))
    pairs = [f"{a}:{b:g}" for a, b in itertools.product(n, lam)]
    skip = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=len(pairs) - 1))
    arms = draw(st.lists(st.sampled_from(ARMS), min_size=1, unique=True))
    return GridConfig(
        n=n, lam=lam, first_steps=(10,), guidance=draw(few((1.0, 2.5))), arms=tuple(arms), skip=tuple(skip)
    )


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(grids())
def test_the_cells_are_all_those_asked_for_in_order_and_a_baseline_once(config):
    found = cells(config)
    pairs = [(n, lam) for n, lam in itertools.product(config.n, config.lam) if f"{n}:{lam:g}" not in config.skip]
    wanted = [
        (n, lam, guidance, arm)
        for guidance in config.guidance
        for n, lam in pairs
        for arm in config.arms
        if arm != "baseline"
    ]
    assert [cell for cell in found if cell.arm != "baseline"] == wanted
    baselines = [cell for cell in found if cell.arm == "baseline"]
    if "baseline" in config.arms:
        expected = {(n, 0.0, guidance, "baseline") for guidance in config.guidance for n, _ in pairs}
        assert len(baselines) == len(expected)
        assert set(baselines) == expected
    else:
        assert not baselines


def test_steps_belong_to_their_n():
    config = GridConfig(n=(64, 256), first_steps=(2000, 4000), steps=(50,))
    found = [(one.n, one.first_steps, one.steps) for one in (motion_config(config, n) for n in config.n)]
    assert found == [(64, 2000, 50), (256, 4000, 50)]


OTHER = {"refit": "anew", "twin_start": "part",
         "preset": "gpu", "data": "elsewhere", "n": (8, 9), "lam": (1.0, 2.0), "guidance": (1.0, 2.5), "skip": ("9:1",),
         "arms": ("baseline",), "first_steps": (5,), "steps": (3,), "frames": 44, "condition": "text",
         "text_encoder": Path("there"), "pipeline": "mujoco"}  # fmt: skip


def changed(config, name):
    value = getattr(config, name)
    if name == "text_encoder":  # only where there is text
        config = replace(config, condition="text")
    return replace(config, **{name: OTHER.get(name, value + 1 if isinstance(value, int) else None)})


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """The settings of a folder in which a grid was begun; what is asked for there is not computed."""
    config = settings(tmp_path / "grid", None, twins=1)
    record.write_json(config.out / "config.json", {})
    monkeypatch.setattr(grid, "_work", lambda *_: False)
    (config.out / "config.json").unlink()
    monkeypatch.setattr(grid.Material, "model", lambda *_: None)
    grid.run(config)
    return config


NAMES = [field.name for field in dataclasses.fields(GridConfig) if field.name != "out"]


@pytest.mark.parametrize("name", NAMES)
def test_what_decides_results_may_not_change_on_a_folder_the_rest_may(begun, capsys, name):
    other = changed(begun, name)
    assert getattr(other, name) != getattr(begun, name)
    if name in FREE:
        assert grid.run(other) == begun.out
        assert "blocks are still held by other processes" in capsys.readouterr().out
        return
    before = (begun.out / "config.json").read_bytes()
    with pytest.raises(ConfigError) as error:
        grid.run(other)
    assert "\n" not in str(error.value)
    for told in (f"{name} is ", " there, ", " asked", "give another --out"):
        assert told in str(error.value)
    assert (begun.out / "config.json").read_bytes() == before


def test_the_free_settings_are_settings():
    assert set(FREE) <= {field.name for field in dataclasses.fields(GridConfig)}
