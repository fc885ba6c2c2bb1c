"""Ctrl-C while the package is imported, which takes seconds: one line, not a traceback through half-loaded libraries.

Only where nobody catches the interruption, which then ends the program: what a notebook does with it stays as it is.
"""

import signal
import sys
from types import FrameType, TracebackType
from typing import Any

_before: dict[str, Any] = {}


def begin() -> None:
    """From here on an interruption that ends the program is told in one line; nothing where it is handled already."""
    try:
        if _before or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            return
        signal.signal(signal.SIGINT, _stop)
    except ValueError:  # another thread than the main one, which no signal reaches
        return
    _before.update(hook=sys.excepthook, interrupted=False, said=False)
    sys.excepthook = _told


def end() -> None:
    """The package is there: whoever handles interruptions does so."""
    if _before:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.excepthook = _before["hook"]
        _before.clear()


def _stop(number: int, frame: FrameType | None) -> None:
    _before["interrupted"] = True
    raise KeyboardInterrupt


def _told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not _before.get("interrupted"):
        _before.get("hook", sys.__excepthook__)(kind, error, trace)
    elif not _before["said"]:  # a library may have made another error of it, or several
        _before["said"] = True
        print("stopped while selfloop was loading", file=sys.stderr)
