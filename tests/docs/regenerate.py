"""Write into the pages what their Python prints: `python -m tests.docs.regenerate docs/audit.md ...`.

Each ``text`` block that follows a block of Python is replaced by what that prints; the blocks of slow pages too.
Look at the difference before it is committed: a number that has changed has changed for a reason.
"""

import os
import sys
import tempfile

from tests.docs import output
from tests.docs.blocks import ROOT, expected, run


def regenerate(page: str) -> None:
    """Run a page from an empty folder and rewrite its ``text`` blocks, up to a line of ``...``."""
    says = expected(page)
    text = (ROOT / page).read_text("utf-8").splitlines(keepends=True)
    ran, _ = run(page, slow=True)
    for block, after in reversed(says):  # from the end, so that line numbers before it stay
        printed = next(one.printed for one in ran if one.block == block)
        lines = printed.strip("\n").splitlines(keepends=True)
        old = after.text.splitlines(keepends=True)
        if old and old[-1].strip() == "...":
            lines = [*lines[: len(old) - 1], old[-1]]
        if output.differences(after.text, printed):
            text[after.line : after.line + len(old)] = [line.rstrip() + "\n" for line in lines]
    (ROOT / page).write_text("".join(text), "utf-8")


if __name__ == "__main__":
    os.environ.setdefault("MPLBACKEND", "agg")
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        for name in sys.argv[1:]:
            regenerate(name)
