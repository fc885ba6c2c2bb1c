"""Experiments in processes of their own, and signals that stop them."""

import os
import subprocess
import sys
import time
from pathlib import Path

EXPERIMENTS = Path(__file__).parents[3] / "experiments"


def start(script: str, compiled: dict[str, str], *arguments: str) -> subprocess.Popen:
    """A script of experiments/ with programs compiled before (the fixture ``compiled``)."""
    command = [sys.executable, str(EXPERIMENTS / script), *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env={**os.environ, **compiled}, **pipes)


def stopped_by(number: int, recorded, least: int, process: subprocess.Popen) -> tuple[int, str]:
    """Send the signal when at least so many records are there; the exit code, and what was said on stderr."""
    while recorded() < least:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.002)
    process.send_signal(number)
    errors = process.communicate(timeout=300)[1]
    return process.returncode, errors


def lines(*paths: Path) -> int:
    """How many lines there are in files, some of which may not be there yet."""
    return sum(path.read_bytes().count(b"\n") for path in paths if path.exists())
