import pytest

from footfall import Server


@pytest.fixture
def server():
    """A fresh embedded server for one test."""
    with Server() as running:
        yield running
