"""Times in --help, the README and docs are those of one table, `selfloop/times.toml`."""

import ast
import re

import pytest

from tests.docs.blocks import PAGES, ROOT
from tests.docs.times import TABLE, Duration, durations, known, wrong

SCRIPTS = sorted(
    str(path.relative_to(ROOT)) for path in [*(ROOT / "experiments").glob("*.py"), ROOT / "theory/verify.py"]
)
PRESETS = {  # functions whose docstring says how long a preset takes
    ("selfloop/domains/motion/settings.py", "loop_"): "experiments/motion_loop.py",
    ("selfloop/domains/motion/settings.py", "grid_"): "experiments/motion_grid.py",
    ("selfloop/domains/images/settings.py", ""): "experiments/image_loop.py",
    ("selfloop/domains/language/settings.py", ""): "experiments/language_loop.py",
}
ON_CORES = re.compile(r"(?:on|of) (?:2|two) (?:quiet |busy )?cores", re.IGNORECASE)
"""What a sentence about the time of a command says."""
ELSEWHERE = {  # sentences about a part of the work, and where their numbers are from
    "docs/audit.md": "1,000 raw and 1,000 reference samples",  # of one call
    "docs/results.md": "With 100 steps at n = 256 three arms",  # a benchmark's figure
}


def lines_of(script):
    """The lines of a script's docstring that show a command."""
    docstring = ast.get_docstring(ast.parse((ROOT / script).read_text("utf-8"))) or ""
    return [line for line in docstring.splitlines() if f"python {script}" in line]


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_help_of_a_script(script):
    for line in lines_of(script):
        assert not wrong(line, script), f"{script}: {line}; the table has {known(script)} seconds"


@pytest.mark.parametrize(("file", "prefix"), PRESETS)
def test_the_help_of_presets(file, prefix):
    functions = [node for node in ast.parse((ROOT / file).read_text("utf-8")).body if isinstance(node, ast.FunctionDef)]
    texts = {one.name: ast.get_docstring(one) or "" for one in functions if one.name.startswith(prefix)}
    assert texts
    for name, text in texts.items():
        if durations(text) and "GPU" not in text and "day" not in text:
            assert not wrong(text, PRESETS[file, prefix]), f"{name}: {text}"


def test_the_help_of_the_command():
    """`selfloop SUB` says what the script that it runs says."""
    for path in (ROOT / "selfloop" / "cli").glob("*.py"):
        for docstring in filter(None, map(ast.get_docstring, _documented(path))):
            if durations(docstring) and ("core" in docstring or "minute" in docstring):
                script = {"verify": "theory/verify.py", "bench": "experiments/speed.py"}.get(path.stem)
                assert script, f"{path.name}: a time, and no row of selfloop/times.toml: {docstring}"
                assert not wrong(docstring, script), f"{path.name}: {docstring}"


def _documented(path):
    tree = ast.parse(path.read_text("utf-8"))
    return [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef))]


@pytest.mark.parametrize("page", PAGES)
def test_a_page(page):
    """Rows and commands that name a script, and paragraphs with a remark ``<!-- times: SCRIPT -->``."""
    for paragraph in re.split(r"\n\s*\n", (ROOT / page).read_text("utf-8")):
        marked = re.match(r"<!-- times: (\S+) -->\n", paragraph)
        if marked:
            assert not wrong(paragraph[marked.end() :], marked[1]), f"{page}: {paragraph}"
            continue
        if page in ELSEWHERE and paragraph.lstrip().startswith(ELSEWHERE[page]):
            continue
        for line in paragraph.splitlines():
            script = next((one for one in SCRIPTS if f"python {one}" in line or line.startswith(f"| `{one}`")), None)
            if script:
                shown = line.rsplit("|", 2)[1] if line.startswith("|") else line.partition("#")[2]
                assert not wrong(shown, script), f"{page}: {line}; the table has {known(script)} seconds"
            else:
                said = ON_CORES.search(line) and durations(line)
                assert not said, f"{page}: {line}; put <!-- times: SCRIPT --> above the paragraph"


def test_every_row_names_a_command_and_says_when_it_was_measured():
    for name, row in TABLE.items():
        assert name == "pytest" or name.split()[0] in SCRIPTS
        assert {"seconds", "measured"} <= set(row) <= {"seconds", "core_seconds", "measured", "note"}, name


@pytest.mark.parametrize(
    ("text", "seconds", "right"),
    [
        ("15 s", 15.4, True),
        ("15 s", 16, False),
        ("2 min", 110, True),
        ("2 min", 80, False),
        ("7 minutes", 420, True),
        ("a minute", 45, True),
        ("half a minute", 43, True),
        ("half a minute", 57, False),
        ("under 10 minutes", 240, True),
        ("under 10 minutes", 100, False),
        ("under a minute", 61, False),
    ],
)
def test_a_duration_is_right_to_half_of_its_last_digit(text, seconds, right):
    assert Duration(text).is_of(seconds) == right


def test_a_stale_time_is_found():
    assert wrong("python theory/verify.py   all claims: 5 min on 2 cores", "theory/verify.py")
    assert not wrong("python theory/verify.py   all claims: 8 min on 2 cores", "theory/verify.py")
