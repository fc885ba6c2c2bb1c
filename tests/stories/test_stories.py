"""Six people who never met us: each story is a script of at most 15 lines that runs from an installed wheel.

The wheel is built and installed into a fresh virtual environment outside of the repository; what it depends on is lent
by the environment of the tests, so that nothing is downloaded. Every script of this folder is a story.
"""

import ast
import importlib.util
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from selfloop.domains.motion.data.formats import bvh
from tests.domains.motion.conftest import swaying

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]
STORIES = sorted(path.stem for path in HERE.glob("[a-z]_*.py"))
TOLD = {
    "a_safe_share": r"lambda 0\.42.*An error shrinks to 0\.\d\d ± 0\.\d\d of itself every generation: safe",
    "b_audit": r"The corrector brings samples nearer to real data: .*effective gamma 0\.\d+ to [12]\.\d+",
    "c_own_generator": r"runs/mine/report\.html",
    "d_own_motion": r"report: runs/mine/report\.html",
    "e_compare": r"gamma_4.*idealised",
    "f_notebook": r"generations.*uncorrected",
}
"""What must be printed."""
QUICK = {"a_safe_share", "b_audit"}
"""Those of under 20 seconds of a core; the others are slow tests."""
LINES, SECONDS = 15, 600
"""Of code; and until a story is given up, on a machine that does other work."""


@pytest.fixture(scope="module")
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


@pytest.mark.parametrize(
    "story", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in STORIES]
)
def test_the_story_ends_well(story, outside, tmp_path):
    (tmp_path / "story.py").write_text((HERE / f"{story}.py").read_text("utf-8"), "utf-8")
    printed = outside("python", "story.py")
    assert re.search(TOLD.get(story, r"\S"), printed, re.DOTALL), printed


@pytest.mark.parametrize("story", STORIES)
def test_the_story_is_short_and_says_what_it_asks(story):
    text = (HERE / f"{story}.py").read_text("utf-8")
    assert ast.get_docstring(ast.parse(text))
    code = text.split('"""', 2)[2]
    lines = [line for line in code.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(lines) <= LINES


def test_the_wheel_is_what_is_imported_and_brings_the_command_and_the_theory(outside, tmp_path):
    where = Path(outside("python", "-c", "import selfloop; print(selfloop.__file__)").strip())
    assert ROOT not in where.parents
    assert (where.parent / "py.typed").is_file()
    assert not {"theory", "experiments"} & {path.name for path in where.parents[1].iterdir()}
    assert outside("selfloop", "--version").startswith("selfloop ")
    assert "ordering" in outside("selfloop", "verify", "--quick", "--only", "ordering")
    assert (tmp_path / "runs" / "theory" / "claims.json").is_file()


@pytest.mark.slow
def test_every_claim_holds_from_the_wheel(outside, tmp_path):
    outside("selfloop", "verify", "--quick")
    assert (tmp_path / "runs" / "theory" / "report.html").is_file()
