"""The code blocks of a Markdown page, and what each of them prints when all are run in order.

A block is fenced. An HTML comment right above it may say how it is checked, always with the reason:

    <!-- slow: REASON -->                 run with `pytest -m slow` only
    <!-- not run: REASON -->              never run, but it must compile
    <!-- within 5 %: REASON -->           numbers of this `text` block may differ by so much, relative to their size
    <!-- varies LABEL, LABEL: REASON -->  lines that start with a label hold numbers that no two runs share
"""

import ast
import contextlib
import io
import re
import sys
import types
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = sorted(str(path.relative_to(ROOT)) for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
_FENCE = re.compile(
    r"(?P<remarks>(?:^<!--.*?-->\n)*)^(?P<fence>```+)(?P<language>[^\n]*)\n(?P<text>.*?)^(?P=fence)\n",
    re.MULTILINE | re.DOTALL,
)
PYTHON = ("python", "{code-cell} ipython3")


class Block(NamedTuple):
    """One fenced block."""

    page: str
    line: int
    language: str
    text: str
    remarks: dict[str, str]
    """Reasons by what they are for: ``slow``, ``not run``, ``within 5 %``, ``varies LABEL, LABEL``."""

    @property
    def python(self) -> bool:
        return self.language in PYTHON

    def remark(self, word: str) -> str | None:
        """What a remark says between its first word and its reason; None where there is no such remark."""
        return next((key.removeprefix(word).strip() for key in self.remarks if key.startswith(word)), None)


def blocks(page: str) -> list[Block]:
    """The blocks of a page, in order."""
    text, found = (ROOT / page).read_text("utf-8"), []
    for match in _FENCE.finditer(text):
        remarks = dict(re.findall(r"<!--\s*([^:]*?):\s*(.*?)\s*-->", match["remarks"], re.DOTALL))
        line = text[: match.start("fence")].count("\n") + 1
        found.append(Block(page, line, match["language"].strip(), match["text"], remarks))
    return found


class Ran(NamedTuple):
    """A block that was run."""

    block: Block
    printed: str
    beside: list[tuple[str, str]]
    """Of every ``print(...)  # COMMENT``: what was printed, and the comment."""


def run(page: str, *, slow: bool = False) -> tuple[list[Ran], dict[str, Any]]:
    """Run the Python of a page in one namespace; what each block printed, and the names that are left.

    Without ``slow`` it ends before the first block that is marked as slow, for those after it may need it.
    """
    module = types.ModuleType("page_" + re.sub(r"\W", "_", page))
    sys.modules[module.__name__] = module  # where dataclasses look for the names of their annotations
    done = []
    for block in blocks(page):
        if block.remark("slow") is not None and not slow:
            break
        if block.python and block.remark("not run") is None:
            done.append(_run(block, vars(module)))
    return done, vars(module)


def _run(block: Block, names: dict[str, Any]) -> Ran:
    source, beside, whole = block.text, [], io.StringIO()
    lines = source.splitlines()
    for node in ast.parse(source).body:
        out = io.StringIO()
        part = ast.Module([node], [])
        ast.increment_lineno(part, block.line)
        with contextlib.redirect_stdout(out):
            exec(compile(part, str(ROOT / block.page), "exec"), names)
        last = lines[node.end_lineno - block.line - 1]
        if isinstance(node, ast.Expr) and last.lstrip().startswith("print(") and "  # " in last:
            beside.append((out.getvalue(), last.split("  # ", 1)[1]))
        whole.write(out.getvalue())
    return Ran(block, whole.getvalue(), beside)


def expected(page: str) -> list[tuple[Block, Block]]:
    """Pairs of a block of Python and the ``text`` block right after it, which says what it prints."""
    every = blocks(page)
    pairs = zip(every, every[1:], strict=False)
    return [(one, after) for one, after in pairs if one.python and after.language == "text"]
