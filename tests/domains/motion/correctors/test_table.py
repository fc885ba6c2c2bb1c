"""The table of motion's correctors: its names, what it says of them, and that it loads no engine."""

import subprocess
import sys

import pytest

from selfloop.domains.motion.correctors import table
from selfloop.domains.motion.correctors.table import CORRECTORS
from selfloop.errors import ConfigError


def test_the_names_that_arms_and_bench_use():
    physics = "physics physics_ilc physics_no_torque physics_gradient"
    assert list(CORRECTORS) == f"identity smoothing cleanup {physics} prior physics_prior nearest_real".split()
    assert all(entry.about.endswith(".") for entry in CORRECTORS.values())


@pytest.mark.parametrize("name", [name for name, entry in CORRECTORS.items() if entry.learns])
def test_what_learns_needs_other_clips(name):
    with pytest.raises(ConfigError, match=f"{name} learns from other clips, .* give --data"):
        table.corrector(name, "auto", None, ("walk",))


def test_an_unknown_name_is_told_the_choices():
    with pytest.raises(ConfigError, match="corrector 'physic' is not one of identity, smoothing"):
        table.corrector("physic", "auto", None, ("walk",))


def test_reading_the_table_loads_no_engine():
    code = (
        "import selfloop.domains.motion.correctors.table, sys; print({'mujoco', 'brax', 'flax'} & sys.modules.keys())"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"
