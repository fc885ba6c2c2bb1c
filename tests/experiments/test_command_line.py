"""The command line of the experiments: presets, what overrides them, and what it does not know."""

import dataclasses
import importlib.util
from pathlib import Path

import pytest
from command import parsed

from selfloop.engine.settings import checked
from selfloop.errors import ConfigError

FOLDER = Path(__file__).parents[2] / "experiments"
SCRIPTS = ("motion_loop", "motion_grid", "gaussian_loop")


def loaded(name):
    """The domain of a script, its presets and the default one's name."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load()


@pytest.mark.parametrize("script", SCRIPTS)
def test_presets_are_where_the_defaults_come_from(script):
    domain, presets, default = loaded(script)
    assert parsed([], presets, default, "") == presets[default]()
    for name, preset in presets.items():
        for form in (["--preset", name], [f"--preset={name}"]):
            assert parsed(form, presets, default, "") == preset()
        assert checked(domain, preset()).preset == name


@pytest.mark.parametrize("script", SCRIPTS)
def test_options_override_the_preset(script):
    _, presets, default = loaded(script)
    asked = parsed(
        ["--preset", "smoke", "--generations", "7", "--n", "5", "9", "--lam", "0.5", "--seeds", "4"],
        presets,
        default,
        "",
    )
    same = dataclasses.replace(presets["smoke"](), generations=7, n=(5, 9), lam=(0.5,), seeds=4)
    assert asked == same


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_unknown_preset_is_named_with_those_there_are(script):
    _, presets, default = loaded(script)
    with pytest.raises(ConfigError, match=f"--preset is huge; choose one of {', '.join(presets)}"):
        parsed(["--preset", "huge"], presets, default, "")


@pytest.mark.parametrize("arguments", [["--speed", "3"], ["--generations", "many"], ["--arms", "magic"]])
@pytest.mark.parametrize("script", SCRIPTS)
def test_what_it_does_not_know_ends_it_with_exit_code_2(script, arguments, capsys):
    _, presets, default = loaded(script)
    with pytest.raises(SystemExit) as stop:
        parsed(arguments, presets, default, "")
    assert stop.value.code == 2
    assert arguments[-1] in capsys.readouterr().err or arguments[0] in capsys.readouterr().err
