import os

import pytest


@pytest.fixture(autouse=True)
def no_settings_of_the_caller(monkeypatch):
    """What points a shell at running services must not reach a program that a test runs."""
    for name in list(os.environ):
        if name.startswith(("KAFKA_", "REDIS_", "DATABASE_")):
            monkeypatch.delenv(name)
