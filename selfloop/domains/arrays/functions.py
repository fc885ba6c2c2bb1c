"""Fingerprints of a user's functions: a run goes on with the functions that it was begun with, or not at all."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

from selfloop.digest import digest
from selfloop.engine.settings import Settings
from selfloop.errors import ConfigError
from selfloop.runs import record

FILE = "functions.json"
"""In the run's folder: the fingerprint of every function by its name."""


def same_functions(functions: Mapping[str, Callable[..., Any] | None], settings: Settings) -> dict[str, Any]:
    """Keep the fingerprints in the run's folder, beside those of functions that are not given any more.

    What functions call and what values they close over are no part of them. Returns nothing for the environment.

    Raises:
        ConfigError: a function that is not what it was when the run was begun.
    """
    path = settings.out / FILE
    known = record.read_json(path) if path.exists() else {}
    now = {name: fingerprint(one) for name, one in functions.items()}
    if changed := [name for name in now if known.get(name, now[name]) != now[name]]:
        raise ConfigError(
            f"{settings.out} holds a run with another {' and '.join(changed)} (the code has changed); give another out"
        )
    record.write_json(path, known | now)
    return {}


def fingerprint(function: Any) -> str:
    """A hash of what a function's source says, comments and layout apart; of its name where it has no source."""
    try:
        text = ast.dump(ast.parse(textwrap.dedent(inspect.getsource(function))))
    except (OSError, TypeError, SyntaxError):
        code = getattr(function, "__code__", None)
        text = repr((code.co_code, code.co_names)) if code else getattr(function, "__qualname__", repr(type(function)))
    return digest(text)
