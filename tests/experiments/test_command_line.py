"""The command line of the motion experiment."""

import importlib.util
from pathlib import Path

import pytest

from selfloop.domains.motion.config import PRESETS
from selfloop.errors import SelfloopError

SCRIPT = Path(__file__).parents[2] / "experiments" / "motion_loop.py"


@pytest.fixture(scope="module", name="parse")
def _parse():
    spec = importlib.util.spec_from_file_location("motion_loop", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.parse


def test_no_argument_is_the_default(parse):
    assert parse([]) == PRESETS["default"]()


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("form", ["--preset {}", "--preset={}"])
def test_a_preset_is_what_its_function_returns(parse, name, form):
    assert parse(form.format(name).split()) == PRESETS[name]()


def test_options_change_a_preset(parse):
    config = parse(["--preset", "smoke", "--n", "12", "--lam", "0.5", "--arms", "baseline", "physics"])
    assert (config.n, config.lam, config.arms) == (12, 0.5, ("baseline", "physics"))
    assert config.steps == PRESETS["smoke"]().steps


def test_an_unknown_preset_is_named_with_the_known_ones(parse):
    with pytest.raises(SelfloopError, match="--preset is big; choose one of smoke, default, paper"):
        parse(["--preset", "big"])
