"""The wheel, built and installed into a fresh virtual environment outside of the repository.

What it depends on is lent by the environment of the tests, so that nothing is downloaded.
"""

import importlib.util
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from selfloop.domains.motion.data.formats import bvh
from tests.domains.motion.conftest import swaying

ROOT = Path(__file__).parents[2]
SECONDS = 600
"""Until a story is given up, on a machine that does other work."""


@pytest.fixture(scope="package")
def bin_folder(tmp_path_factory):
    """The scripts of a virtual environment that holds the wheel."""
    for needed in ("hatchling", "pip"):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"needs {needed} to build and install the wheel: install the extra `test`")
    if not (ROOT / "pyproject.toml").is_file():
        pytest.skip("needs the repository, to build the wheel from")
    home = tmp_path_factory.mktemp("elsewhere")
    build = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    _called([sys.executable, "-c", build, str(home)], cwd=ROOT)
    _called([sys.executable, "-m", "venv", "--without-pip", str(home / "venv")], cwd=home)
    found = home / "venv" / ("Scripts" if os.name == "nt" else "bin")
    (wheel,) = home.glob("*.whl")
    install = ["install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", str(wheel)]
    _called([sys.executable, "-m", "pip", "--python", str(found / "python"), *install], cwd=home)
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(_called([str(found / "python"), "-c", where], cwd=home).strip())
    # Last on the path: whatever selfloop the tests' own environment has comes after the wheel's.
    lent = dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *_more()])
    (site / "lent.pth").write_text("\n".join(lent))
    return found


def _more():
    """Folders of packages that this environment itself borrows."""
    return [path for path in sys.path if path.endswith("site-packages")]


def _called(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture
def outside(bin_folder, compiled, tmp_path):
    """``outside(words...)``: what a command prints, in a folder that holds a user's own data and nothing of ours."""
    (tmp_path / "my_bvh").mkdir()
    for i in range(6):
        name = f"{('walk', 'wave', 'dance')[i % 3]}_{i}"
        bvh.write(tmp_path / "my_bvh" / f"{name}.bvh", swaying(name, i))
    unset = {"PYTHONPATH", "SELFLOOP_DATA", "VIRTUAL_ENV", "PYTHONHOME"}
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    found = kept | compiled | {"PATH": os.pathsep.join([str(bin_folder), os.environ.get("PATH", "")])}

    def run(*command):
        return _called([str(bin_folder / command[0]), *command[1:]], cwd=tmp_path, env=found, timeout=SECONDS)

    return run
