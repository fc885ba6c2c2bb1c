"""Benchmarks of whole processes: the theory's command line, and what importing the package costs."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measuring import RUNS, row

ROOT = Path(__file__).resolve().parents[2]


def verify() -> list[dict[str, Any]]:
    """``theory/verify.py --quick`` in a process of its own, with an empty and then a filled cache of programs."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        environment = {k: v for k, v in os.environ.items() if k != "JAX_COMPILATION_CACHE_DIR"}
        environment["SELFLOOP_CACHE"] = str(Path(folder) / "cache")
        command = [sys.executable, str(ROOT / "theory" / "verify.py"), "--quick", "--out", str(Path(folder) / "out")]
        for kind, allowed in (("cold", 150), ("warm", 60)):
            began = time.perf_counter()
            done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
            seconds = time.perf_counter() - began
            outcome = "" if done.returncode == 0 else f"; exit code {done.returncode}"
            rows.append(
                row(f"verify --quick, {kind}", seconds, "s", f"allowed: {allowed} s{outcome}", seconds / allowed)
            )
    return rows


def imports() -> list[dict[str, Any]]:
    """``import selfloop`` beside ``import jax``, each in processes of their own."""

    def seconds(module: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", f"import {module}"], cwd=ROOT, check=True)
        return time.perf_counter() - began

    ours, theirs = (min(seconds(module) for _ in range(RUNS)) for module in ("selfloop", "jax"))
    return [row("import selfloop", ours, "s", f"import jax: {theirs:.2f} s", ours / theirs)]
