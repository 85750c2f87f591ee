"""What several files of this folder look through."""
import pytest

from browser import chromium, tools


@pytest.fixture(scope="module")
def browser():
    tools()
    with chromium() as x:
        yield x
