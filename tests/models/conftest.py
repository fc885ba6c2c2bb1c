"""Small programs, many of them: compiling is most of the time here."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def _in_a_hurry(hurried):
    """Every module's programs are compiled in a hurry."""
