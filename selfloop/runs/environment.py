"""What a run ran on: versions, machine, devices, source; and where its compiled programs are kept."""

import datetime
import os
import platform
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

PACKAGES = ("selfloop", "jax", "jaxlib", "flax", "optax", "numpy", "scipy", "brax", "mujoco", "mujoco-mjx")
CACHE_VARIABLE = "SELFLOOP_CACHE"

PEAKS = {
    "NVIDIA H100": (989e12, 495e12),
    "NVIDIA H200": (989e12, 495e12),
    "NVIDIA A100": (312e12, 156e12),
    "NVIDIA L4": (121e12, 60e12),
    "NVIDIA GeForce RTX 4090": (165e12, 82e12),
}
"""FLOP/s that a card's maker states for dense matrices in bfloat16, and in float32 rounded to TF32 as JAX does there.

Sums are float32 in both. Of the H100 it is the SXM module; what is measured on random numbers is about four fifths."""


def environment() -> dict[str, Any]:
    """Versions, platform, processors, devices and git state, without the host's name or any path."""
    return {
        "packages": {package: _version(package) for package in PACKAGES},
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpus": _cpus(),
        "devices": [f"{device.platform}: {device.device_kind}" for device in jax.devices()],
        "git": _git(Path(__file__).resolve().parent),
    }


def invocation() -> dict[str, str]:
    """The command that this process was started with, and the time (UTC).

    A script has its path as it was typed, or from the working folder; one that lies elsewhere has its name alone.
    """
    program, *arguments = sys.argv or [""]
    name = Path(program).name
    if name.endswith(".py") and name != "__main__.py" and "launcher" not in name:
        command = shlex.join(["python", _typed(Path(program)), *arguments])
    elif name == "selfloop" or (name == "__main__.py" and Path(program).parent.name == "selfloop"):
        command = shlex.join(["selfloop", *arguments])
    else:
        command = "called from Python"
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return {"command": command, "started": now}


def peak_flops(compute: str = "bfloat16", kind: str | None = None) -> float | None:
    """The most FLOP/s of a device of this ``kind`` (the first one's) in bfloat16 or float32; None where not known."""
    kind = jax.devices()[0].device_kind if kind is None else kind
    # "NVIDIA L4" is also how the L40 begins.
    known = [peaks for name, peaks in PEAKS.items() if f"{kind} ".startswith(f"{name} ")]
    return known[0][compute != "bfloat16"] if known else None


def cache_folder() -> Path:
    """The folder SELFLOOP_CACHE names, or ``selfloop`` in the user's cache folder as the platform has it."""
    import platformdirs

    return Path(os.environ.get(CACHE_VARIABLE) or platformdirs.user_cache_dir("selfloop"))


def compilation_cache(folder: str | Path | None = None) -> Path | None:
    """Keep compiled programs from run to run, in ``folder`` or `cache_folder`; returns where, or None if it cannot.

    A folder already set by JAX's own JAX_COMPILATION_CACHE_DIR is kept. A cache that cannot be written costs time, not
    results: the run goes on without.
    """
    if folder is None and jax.config.jax_compilation_cache_dir:
        return Path(jax.config.jax_compilation_cache_dir)
    target = Path(folder) if folder is not None else cache_folder() / "compiled"
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    from jax.experimental.compilation_cache import compilation_cache as cache

    jax.config.update("jax_compilation_cache_dir", str(target))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
    cache.reset_cache()  # JAX decides at its first compilation whether there is a cache
    return target


def peak_memory_mib() -> float:
    """The most memory that has been in use so far (MiB): of the first device where JAX knows, else of this process."""
    stats = jax.local_devices()[0].memory_stats() or {}
    if "peak_bytes_in_use" in stats:
        return stats["peak_bytes_in_use"] / 2**20
    try:
        import resource
    except ImportError:  # not POSIX
        return float("nan")
    # Kilobytes on Linux, bytes on macOS.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def _typed(script: Path) -> str:
    """A script's path without any folder above the working one."""
    here = Path.cwd()
    inside = script.is_relative_to(here) if script.is_absolute() else ".." not in script.parts
    return (script.relative_to(here) if script.is_absolute() else script).as_posix() if inside else script.name


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _cpus() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _git(folder: Path) -> dict[str, Any] | None:
    """Commit and cleanliness of the source tree that this package is tracked in, or None."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", Path(__file__).name)  # a venv inside someone's repository is not our source
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.SubprocessError):
        return None
