"""The theory's tests run in float64."""

import jax
import pytest


@pytest.fixture(autouse=True, scope="module")
def double():
    """For a module at a time: hypothesis wants no fixture of a single test."""
    with jax.enable_x64(True):
        yield
