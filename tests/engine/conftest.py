"""Compiled programs kept from run to run, for these tests and for the processes that they start."""

import jax
import pytest

from selfloop.runs.environment import compilation_cache


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
