"""A disk that is soon full."""

import contextlib

import pytest


@contextlib.contextmanager
def small_files(size: int):
    """No file of this process may grow over ``size`` bytes: a write beyond is an OSError, as on a full disk."""
    resource = pytest.importorskip("resource", reason="needs POSIX file size limits")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
