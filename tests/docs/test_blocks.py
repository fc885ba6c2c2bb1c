"""Every code block of the README and of docs/: Python prints what the page says, commands name what exists."""

import re

import jax
import pytest

from tests.docs import output
from tests.docs.blocks import PAGES, PYTHON, ROOT, blocks, expected, run
from tests.docs.commands import commands, complaint, helped

RUN_ELSEWHERE = ("docs/architecture.md",)  # tests/test_docs.py looks at what it leaves
CODE = [page for page in PAGES if page not in RUN_ELSEWHERE and any(one.python for one in blocks(page))]
NOTEBOOKS = [page for page in CODE if page.startswith("docs/notebooks/")]  # executed by every build of the site, too
SLOW = [page for page in CODE if any(one.remark("slow") is not None for one in blocks(page))] + NOTEBOOKS
REMARKS = ("slow", "not run", "within", "varies")


@pytest.fixture
def as_a_user(tmp_path, monkeypatch):
    """An empty folder, no screen, and JAX as it comes, without the strictness of tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def held(page, *, slow):
    """Run a page and hold it against what it says."""
    ran, _ = run(page, slow=slow)
    says, wrong = expected(page), []
    for one in ran:
        where = f"{page}:{one.block.line}"
        if (after := next((text for block, text in says if block == one.block), None)) is not None:
            within = float((after.remark("within") or "0").rstrip(" %")) / 100
            varies = tuple(filter(None, re.split(r",\s*", after.remark("varies") or "")))
            wrong += [f"{where}: {line}" for line in output.differences(after.text, one.printed, within, varies)]
        wrong += [
            f"{where}: printed {printed.strip()}, the comment says {comment}"
            for printed, comment in one.beside
            if output.NUMBER.findall(printed) and not output.numbers_begin(comment, printed)
        ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", [page for page in CODE if page not in NOTEBOOKS])
def test_python_prints_what_the_page_says(page, as_a_user):
    held(page, slow=False)


@pytest.mark.slow
@pytest.mark.parametrize("page", SLOW)
def test_slow_python_too(page, as_a_user):
    held(page, slow=True)


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)])
def test_commands_name_scripts_options_and_extras_that_there_are(page):
    found = {command: complaint(command) for command in commands(page)}
    assert not {command: why for command, why in found.items() if why}


def test_an_option_that_is_not_there_is_found():
    assert complaint("python experiments/gaussian_loop.py --gama 2") == "no option --gama"
    assert complaint("selfloop run gaussian --gama 2") == "no option --gama"
    assert complaint("selfloop run gaussian --gamma 2") is None
    assert complaint("python experiments/no_such.py") == "experiments/no_such.py does not exist"
    assert complaint("pip install -e '.[no_such]'") == "no extra no_such"
    assert "--generations" in helped(str(ROOT / "experiments" / "gaussian_loop.py"))


@pytest.mark.parametrize("page", PAGES)
def test_remarks_are_known_and_give_a_reason(page):
    for block in blocks(page):
        for remark, reason in block.remarks.items():
            if remark.startswith(REMARKS):
                assert len(reason.split()) > 2, f"{page}:{block.line}: {remark} without a reason"
        if block.language in PYTHON and block.remark("not run") is not None:
            compile(block.text, page, "exec")


@pytest.mark.parametrize(
    ("page", "printed", "as_it_is"),
    [
        ("rate 0.3356", "rate 0.3356", True),
        ("rate 0.3356", "rate 0.3357", True),
        ("rate 0.3356", "rate 0.3376", False),
        ("rate 0.3356", "rata 0.3356", False),
        ("rate any", "rate 0.3356", False),
        ("a 1\n...", "a 1\nb 2\nc 3", True),
        ("a 1\n...", "a 3\nb 2", False),
        ("a 1", "a 1\nb 2", False),
        ("t 7.7e-06", "t 7.8e-06", True),
        ("t 7.7e-06", "t 9.8e-06", False),
    ],
)
def test_output_is_compared_by_words_and_by_the_digits_shown(page, printed, as_it_is):
    assert (not output.differences(page, printed)) == as_it_is


def test_output_may_be_allowed_to_vary():
    assert not output.differences("t 10.0 s\nr 0.5", "t 11.2 s\nr 0.5", varies=("t",))
    assert output.differences("t 10.0 s\nr 0.5", "t 11.2 s\nr 0.7", varies=("t",))
    assert not output.differences("r 100.0", "r 104.0", within=0.05)
    assert output.differences("r 100.0", "r 106.0", within=0.05)
    assert output.numbers_begin("[0.553 0.884] of 1", "[0.553 0.884]")
    assert not output.numbers_begin("[0.553 0.884] of 1", "[0.553 0.889]")
