"""``selfloop doctor``: what is installed and found on this machine, and whether it computes what it should."""

import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from selfloop.cli import selftest
from selfloop.extras import EXTRAS, missing
from selfloop.runs.environment import CACHE_VARIABLE, PACKAGES, cache_folder, environment

GOOD, BAD, ABSENT = "✓", "✗", "-"


def doctor() -> int:
    """What is installed and found here, and whether it works: a self-test of some 20 seconds; code 1 where it fails."""
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal without ticks still says all else
    for title, lines in (
        ("Versions", versions()),
        ("Devices", devices()),
        ("Extras", extras()),
        ("Data", data()),
        ("Caches", caches()),
        ("Folders", folders()),
    ):
        print(title, *(f"  {line}" for line in lines), "", sep="\n")
    print("Self-test")
    sound = [_tested(name, test) for name, test in selftest.TESTS.items()]
    print("\nAll is well." if all(sound) else "\nNot all is well: see the lines with a cross.")
    return 0 if all(sound) else 1


def versions() -> list[str]:
    """Of Python and the packages that matter."""
    packages = environment()["packages"]
    known = [f"{name} {packages[name]}" for name in PACKAGES if packages[name]]
    return [f"Python {platform.python_version()}, {platform.system()} {platform.machine()}", ", ".join(known)]


def devices() -> list[str]:
    """What JAX computes on."""
    found = environment()
    return [*dict.fromkeys(found["devices"]), f"{found['cpus']} processors"]


def extras() -> list[str]:
    """Each extra: there, or how to install it."""
    lines = []
    for name in EXTRAS:
        absent = missing(name)
        told = f"not installed ({', '.join(absent)}): pip install 'selfloop[{name}]'" if absent else "installed"
        lines.append(f"{ABSENT if absent else GOOD} {name}: {told}")
    return lines


def data() -> list[str]:
    """Where the sets of motion are."""
    from selfloop.domains.motion.data import datasets, embedded

    local = os.environ.get("SELFLOOP_DATA")
    lines = [
        f"{GOOD if embedded.ARCHIVE.is_file() else BAD} {embedded.NOTICE}: inside the package",
        f"{GOOD if local and Path(local).is_dir() else ABSENT} SELFLOOP_DATA is {local or 'not set'}",
    ]
    for name, member in datasets.ARCHIVES.items():
        here, kept = Path(local or "") / member, cache_folder() / "data" / name
        where = here if local and here.exists() else kept if kept.is_dir() else None
        lines.append(f"{GOOD if where else ABSENT} {name}: {where or f'not here; --data {name} downloads it'}")
    return lines


def caches() -> list[str]:
    """What is kept from run to run, and its size."""
    home = cache_folder()
    lines = [f"{home} (set {CACHE_VARIABLE} to move it)"]
    for folder in sorted(home.iterdir()) if home.is_dir() else []:
        files = [path for path in (folder.rglob("*") if folder.is_dir() else [folder]) if path.is_file()]
        lines.append(
            f"  {folder.name}: {sum(path.stat().st_size for path in files) / 2**20:.1f} MiB, {len(files)} files"
        )
    return lines


def folders() -> list[str]:
    """Whether results and caches can be written."""
    return [_writable("working folder", Path.cwd()), _writable("cache", cache_folder())]


def _writable(what: str, folder: Path) -> str:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            return f"{GOOD} {what} {folder}: can be written"
    except OSError as error:
        return f"{BAD} {what} {folder}: cannot be written ({error.strerror}); set {CACHE_VARIABLE} or --out elsewhere"


def _tested(name: str, test: Callable[[], tuple[bool | None, str]]) -> bool:
    """Run one test and print its line; an error is a test that failed."""
    try:
        good, told = test()
    except Exception as error:  # a broken installation breaks in any way
        good, told = False, f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    print(f"  {ABSENT if good is None else GOOD if good else BAD} {name}: {told}", flush=True)
    return good is not False
