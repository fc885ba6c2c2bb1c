"""Provenance without private things; a compilation cache that works and never starts by itself."""

import getpass
import json
import os
import socket
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from selfloop.runs import environment

_COMPILE = """
import sys, jax, jax.numpy as jnp
import numpy as np
import pytest

from selfloop.runs import environment
assert jax.config.jax_compilation_cache_dir is None
print(environment.compilation_cache())
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.jit(lambda x: jnp.sin(x) * 3)(jnp.ones(5)).block_until_ready()
"""


def test_environment_names_versions_and_nothing_private():
    found = environment.environment()
    assert found["packages"]["jax"] == metadata.version("jax")
    assert set(found["packages"]) == set(environment.PACKAGES)
    assert found["cpus"] >= 1
    assert found["devices"]
    text = json.dumps(found)
    assert socket.gethostname() not in text
    assert str(Path.home()) not in text
    assert f"/{getpass.getuser()}" not in text


def test_git_state_is_that_of_a_tree_that_tracks_the_package():
    top = Path(environment.__file__).parents[2]
    state = environment._git(Path(environment.__file__).parent)
    if (top / ".git").exists():
        head = subprocess.run(["git", "-C", top, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        assert state["commit"] == head.stdout.strip()
        assert isinstance(state["dirty"], bool)
    else:
        assert state is None


def test_another_repository_around_the_package_is_not_its_source(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / "environment.py").touch()
    assert environment._git(tmp_path) is None


def test_the_cache_is_where_the_variable_says_and_is_used(tmp_path):
    variables = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    variables |= {environment.CACHE_VARIABLE: str(tmp_path), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", _COMPILE]
    result = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == str(tmp_path / "compiled")
    assert any((tmp_path / "compiled").iterdir())


def test_a_cache_that_cannot_be_made_is_done_without(tmp_path):
    (tmp_path / "file").touch()
    assert environment.compilation_cache(tmp_path / "file" / "cache") is None


def test_peak_memory_is_that_of_the_largest_moment():
    before = environment.peak_memory_mib()
    held = np.ones(int((before + 200) * 2**17))  # more than all that was ever in use
    assert environment.peak_memory_mib() > before + 150
    del held
    assert environment.peak_memory_mib() > before + 150


@pytest.mark.parametrize(
    ("program", "command"),
    [
        ("experiments/motion_loop.py", "python experiments/motion_loop.py --n '16 32'"),
        ("{here}/experiments/motion_loop.py", "python experiments/motion_loop.py --n '16 32'"),
        ("/home/somebody/loops/mine.py", "python mine.py --n '16 32'"),
        ("../loops/mine.py", "python mine.py --n '16 32'"),
        ("/somewhere/bin/selfloop", "selfloop --n '16 32'"),
        ("/somewhere/selfloop/__main__.py", "selfloop --n '16 32'"),
        ("/somewhere/ipykernel_launcher.py", "called from Python"),
    ],
)
def test_the_command_is_the_one_that_was_typed_without_folders_of_the_machine(program, command, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [program.format(here=Path.cwd()), "--n", "16 32"])
    assert environment.invocation()["command"] == command
