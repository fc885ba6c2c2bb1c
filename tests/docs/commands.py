"""The commands of a page: whether what they name exists. None is run; long ones take hours.

Known are the scripts of this repository, the command ``selfloop``, pip (extras) and pytest (paths); of other programs
nothing is checked.
"""

import contextlib
import functools
import io
import itertools
import re
import runpy
import shlex
import signal
import sys
import tomllib
from pathlib import Path

from tests.docs.blocks import ROOT, blocks

OPTION = re.compile(r"--[a-z][\w-]*")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def commands(page: str) -> list[str]:
    """Every simple command of the page's shell blocks, continued lines joined, comments cut."""
    found = []
    for block in blocks(page):
        if block.language == "bash" and block.remark("not run") is None:
            for line in block.text.replace("\\\n", " ").splitlines():
                found += re.split(r"&&|\|\||[;&|]", re.sub(r"(^|\s)#.*", "", line))
    return [one.strip() for one in found if one.strip()]


def complaint(command: str) -> str | None:
    """What is wrong with a command, in one line; None where nothing is."""
    words = shlex.split(command)
    while words and ("=" in words[0] and not words[0].startswith("-")):
        words = words[1:]  # variables
    words = words[words.index("taskset") + 3 :] if "taskset" in words else words
    if not words:
        return None
    if words[0].startswith("python") and len(words) > 1 and words[1].endswith(".py"):
        return _script(ROOT / words[1], words[2:])
    if words[0] == "selfloop":
        return _entry(words[1:])
    if "pip" in words[:1]:
        return _extras(" ".join(words))
    return None


def _script(path: Path, arguments: list[str]) -> str | None:
    if not path.exists():
        return f"{path.relative_to(ROOT)} does not exist"
    return _options(helped(str(path)), arguments)


def _entry(arguments: list[str]) -> str | None:
    if "selfloop" not in PROJECT.get("scripts", {}):
        return None  # the command comes with another part of the package; nothing to hold it against
    module, _, function = PROJECT["scripts"]["selfloop"].partition(":")
    names = tuple(itertools.takewhile(lambda one: not one.startswith("-"), arguments[:2]))  # "run motion", "verify"
    return _options(_asked(f"from {module} import {function}; {function}()", ("selfloop", *names)), arguments)


def _options(text: str, arguments: list[str]) -> str | None:
    known = set(OPTION.findall(text))
    unknown = [word for word in OPTION.findall(" ".join(arguments)) if word not in known]
    return f"no option {', '.join(unknown)}" if unknown else None


def _extras(command: str) -> str | None:
    known = set(PROJECT["optional-dependencies"])
    asked = {name for inside in re.findall(r"\[([\w,-]+)\]", command) for name in inside.split(",")}
    return f"no extra {', '.join(sorted(asked - known))}" if asked - known else None


@functools.cache
def helped(path: str) -> str:
    """What a script says when asked for --help."""
    return _asked(Path(path), (path,))


def _asked(program: Path | str, arguments: tuple[str, ...]) -> str:
    """Run a script, or code, with --help in this process, whose imports are then shared."""
    out, before = io.StringIO(), {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    argv, path = sys.argv, list(sys.path)
    sys.argv = [*arguments, "--help"]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), contextlib.suppress(SystemExit):
            if isinstance(program, Path):
                sys.path.insert(0, str(program.parent))
                runpy.run_path(str(program), run_name="__main__")
            else:
                exec(program, {"__name__": "__main__"})
    finally:
        sys.argv, sys.path[:] = argv, path
        for number, handler in before.items():
            signal.signal(number, handler)
    return out.getvalue()
