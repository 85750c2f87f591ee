import os

import pytest

from footfall import Server


@pytest.fixture(autouse=True)
def no_settings_of_the_caller(monkeypatch):
    """What points a shell at running services must not reach a command that a test runs."""
    for name in list(os.environ):
        if name.startswith(("KAFKA_", "REDIS_", "DATABASE_")):
            monkeypatch.delenv(name)


@pytest.fixture
def server():
    """A fresh embedded server for one test."""
    with Server() as running:
        yield running
