"""Whether this package is right and fast on the device at hand, in some minutes.

    python experiments/gpu_check.py                     ten minutes on a card
    python experiments/gpu_check.py --tiny              in miniature, on a CPU too

What is most telling comes first: what it runs on, the same work here and on the CPU, physics correction, training,
sampling, theory; then as much of the paper's grid as the time allows. Every step has its own limit and writes one
small JSON file; the same command continues with the steps whose file is not there. docs/gpu.md says what it printed.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from selfloop.cli.guard import script

ROOT = Path(__file__).resolve().parents[1]
LIMITS = {
    "environment": 40, "gaussian": 40, "correction": 200, "engines": 60, "training": 90, "losses": 90, "sampling": 60,
    "theory": 60, "precision": 90, "kernels": 60, "rollouts": 150, "grid": 600,
}  # fmt: skip
"""The steps in their order, and the seconds that each may take."""
MINIATURE = [
    "--preset", "smoke", "--n", "4", "--generations", "2", "--seeds", "1", "--twins", "0", "--arms", "baseline",
    "physics", "--evaluate", "8", "--first-steps", "2", "--steps", "1", "--batch", "4", "--width", "16",
    "--layers", "1", "--frames", "8", "--band", "8",
]  # fmt: skip
"""The grid of --tiny."""
LEAST = 3.0
"""Seconds that must be left for a step to begin."""


@dataclass(frozen=True)
class CheckConfig:
    """What to check, and for how long."""

    minutes: float = 9.0
    """In all; the grid takes what the other steps leave."""
    out: Path = Path("runs/gpu_check")
    """Folder of the JSON files, the grid and the compiled programs."""
    tiny: bool = False
    """In miniature, for any machine: small sizes, the embedded clips, a grid of two chains; no limits of steps."""
    data: str | None = "bandai-namco"
    """Motion data, as in motion_grid.py."""
    only: tuple[str, ...] = ()
    """Steps to take; all by default."""


def parse(arguments: list[str]) -> CheckConfig:
    """The settings that the command line asks for."""
    import tyro

    from selfloop.errors import ConfigError

    config = tyro.cli(CheckConfig, args=arguments, description=__doc__.split("\n\n")[0])
    if not config.minutes > 0:
        raise ConfigError(f"--minutes is {config.minutes}; give more than 0")
    for name in config.only:
        if name not in LIMITS:
            raise ConfigError(f"--only is {name}; choose among {', '.join(LIMITS)}")
    return config


def run(arguments: list[str]) -> Path:
    """Take the steps that are not yet done; the path of the folder."""
    end = time.monotonic()
    # The grid's own process needs memory of the card too; JAX reads this when it is imported.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    config = parse(arguments)
    end += 60 * config.minutes
    from selfloop.runs.environment import compilation_cache

    compilation_cache(config.out / "compiled")
    for name, limit in LIMITS.items():
        left = end - time.monotonic()
        if config.only and name not in config.only:
            continue
        if (config.out / f"{name}.json").exists():
            print(f"{name}: done before")
        elif left < LEAST:
            print(f"{name}: no time left; the same command continues")
        else:
            take(config, name, left if config.tiny else min(limit, left))
    return config.out


def take(config: CheckConfig, name: str, limit: float) -> None:
    """Take one step; its rows are kept in ``NAME.json`` once it is done, those of an unfinished one beside it."""
    from selfloop.runs.record import write_json

    began, rows, stopped = time.monotonic(), [], None
    try:
        with limited(limit):
            for made in steps(config, limit)[name]:
                rows.append(made)
                print(f"{name}: {line(made)}", flush=True)
                write_json(config.out / f"{name}.part.json", {"rows": rows})
    except Exception as error:  # one step's failure must not cost the others their time
        stopped = f"{type(error).__name__}: {error}".splitlines()[0]
        print(f"{name}: stopped: {stopped}", flush=True)
    done = {"seconds": round(time.monotonic() - began, 1), "rows": rows}
    write_json(config.out / f"{name}.part.json", done | ({"stopped": stopped} if stopped else {}))
    if not stopped:
        os.replace(config.out / f"{name}.part.json", config.out / f"{name}.json")


def line(made: dict[str, Any]) -> str:
    """A row in words."""
    if "value" not in made:
        return ", ".join(f"{name} {value}" for name, value in made.items())
    ratio = "" if made["ratio"] is None else f" (ratio {made['ratio']:.3g})"
    against = f"; {made['against']}" if made["against"] else ""
    return f"{made['name']}: {made['value']:.5g} {made['unit']}{against}{ratio}"


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """TimeoutError after so many seconds, as soon as Python has the word again."""

    def stop(number: int, frame: Any) -> None:
        raise TimeoutError(f"over its limit of {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def steps(config: CheckConfig, limit: float) -> dict[str, Iterator[dict[str, Any]]]:
    """The rows of every step, made when they are asked for."""
    from benchmarks import gpu as measure
    from benchmarks import gpu_agreement as agree
    from benchmarks import gpu_candidates as candidates

    size = measure.TINY if config.tiny else replace(measure.Sizes(), data=config.data)
    return {
        "environment": place(size),
        "gaussian": agree.gaussian(),
        "correction": measure.correction(size),
        "engines": agree.engines(size),
        "training": measure.training(size),
        "losses": agree.losses(size),
        "sampling": measure.sampling(size),
        "theory": measure.theory(size),
        "precision": agree.precision(size),
        "kernels": candidates.kernels(size),
        "rollouts": candidates.rollouts(size),
        "grid": grid(config, limit),
    }


def place(size: Any) -> Iterator[dict[str, Any]]:
    """What it runs on, and what that can do."""
    from benchmarks.gpu import ceilings

    from selfloop.runs.environment import environment

    yield environment()
    yield from ceilings(size)


def grid(config: CheckConfig, limit: float) -> Iterator[dict[str, Any]]:
    """The paper's grid in a process of its own until the time is over, and what its generations took."""
    from benchmarks.measuring import row

    from selfloop.runs import record

    out, began = config.out / "grid", time.monotonic()
    command = [sys.executable, str(ROOT / "experiments" / "motion_grid.py"), "--out", str(out)]
    command += MINIATURE if config.tiny else ["--preset", "paper", "--data", str(config.data)]
    kept = {"JAX_COMPILATION_CACHE_DIR": str(config.out / "compiled")}
    with open(config.out / "grid.log", "ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | kept)
        try:
            first = _first(process, out, began + limit - LEAST)
            process.wait(max(began + limit - LEAST - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait(LEAST)
    if first is not None:
        yield row("grid, first generation", first - began, "s", "goal: 60 s cold", (first - began) / 60)
    rows = [made for path in sorted(out.glob("jobs/*/rows.jsonl")) for made in record.read(path)]
    yield from _generations(rows)
    if process.returncode in (-signal.SIGTERM, 128 + signal.SIGTERM):
        raise TimeoutError("the grid is not finished")
    if process.returncode:
        raise RuntimeError(f"motion_grid.py ended with {process.returncode}; see grid.log")


def _first(process: subprocess.Popen, out: Path, end: float) -> float | None:
    """When generation 1 was first recorded; None if it was not."""
    while process.poll() is None and time.monotonic() < end:
        if any(b'"generation": 1,' in path.read_bytes() for path in out.glob("jobs/*/rows.jsonl")):
            return time.monotonic()
        time.sleep(0.2)
    return None


def _generations(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Seconds of a generation of all chains, by part: the median over those after the second, which has compiled."""
    import numpy as np
    from benchmarks.measuring import row

    last = max((made["generation"] for made in rows), default=0)
    yield row("grid, generations", last, "", "of 50", last / 50)
    chains = len({(made["chain"], made["n"]) for made in rows})
    for name in sorted({name for made in rows for name in made if name.startswith("seconds_")}):
        spent = {g: chains * made[name] for made in rows if (g := made["generation"]) > 2 and name in made}
        if spent:
            yield row(f"grid, {name}", float(np.median(list(spent.values()))), "s/generation", f"{chains} chains")


if __name__ == "__main__":
    sys.exit(script(run))
