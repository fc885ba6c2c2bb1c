"""Strict promotion for every test; where the real data is."""

import os
import resource
import sys
from pathlib import Path

import hypothesis
import jax
import pytest

from selfloop.runs.environment import compilation_cache

sys.path.insert(0, str(Path(__file__).parents[1] / "experiments"))  # where scripts find each other
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

# The same examples in every run; `pytest --hypothesis-profile explore` looks for new ones.
hypothesis.settings.register_profile("fixed", derandomize=True)
hypothesis.settings.register_profile("explore", derandomize=False)
hypothesis.settings.load_profile("fixed")


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of archives that SELFLOOP_DATA names."""
    folder = os.environ.get("SELFLOOP_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("needs real motion data: set SELFLOOP_DATA to a folder of archives")
    return Path(folder)


@pytest.fixture(scope="session")
def embedded_folder(tmp_path_factory) -> Path:
    """A folder of the 15 clips that come with the package, as files."""
    from selfloop.domains.motion.data import archive, embedded

    folder = tmp_path_factory.mktemp("embedded")
    for name, content in archive.members(embedded.ARCHIVE, lambda name: True):
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="session", autouse=True)
def compiled():
    """Keep even the smallest program; the environment in which another process does the same."""
    folder = compilation_cache()
    if folder is None:
        yield {}
        return
    wanted = {"jax_persistent_cache_min_compile_time_secs": 0.0, "jax_persistent_cache_min_entry_size_bytes": -1}
    before = {name: getattr(jax.config, name) for name in wanted}
    for name, value in wanted.items():
        jax.config.update(name, value)
    yield {name.upper(): str(value) for name, value in wanted.items()} | {"JAX_COMPILATION_CACHE_DIR": str(folder)}
    for name, value in before.items():
        jax.config.update(name, value)


@pytest.fixture(scope="session")
def compilations():
    """A list that grows by one name with every program that XLA is asked for."""
    seen = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, seconds, **details: seen.append(event) if event.endswith("backend_compile_duration") else None
    )
    return seen


@pytest.fixture(scope="module", autouse=True)
def _bounded_memory():
    """Thousands of compiled programs would fill gigabytes: past two, a module's end forgets them."""
    yield
    if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 2 * 2**20 * (1024 if sys.platform == "darwin" else 1):
        jax.clear_caches()


@pytest.fixture
def x64():
    """Float64 for the length of a test: the theory's precision."""
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="module")
def hurried():
    """Programs are compiled in half the time and run more slowly: for tests that hardly compute."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)
    jax.clear_caches()  # else operations compiled in a hurry would serve other modules, with other last bits
