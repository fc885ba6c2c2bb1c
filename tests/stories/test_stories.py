"""Six people who never met us: each story is a script of at most 15 lines that runs from an installed wheel.

Every script of this folder that begins with its letter is a story.
"""

import ast
import re
from pathlib import Path

import pytest

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
LINES = 15
"""Of code."""


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
