"""Tries to sign in are bounded, tell nothing, and slow nobody: nothing else runs beside it."""
import concurrent.futures
import statistics
import threading
import time

import pytest

from footfall import PATIENCE
from test_access import CLICK, locked
from test_people import PASSWORD, add_user, await_user, sign_in


@pytest.fixture
def server():
    with locked() as one:
        add_user(one, "ada")
        await_user(one, "ada")
        yield one


def test_tries_are_bounded_and_tell_nothing(server):
    assert [sign_in(server, "ada").status for _ in range(3)] == [200] * 3
    wrong = [sign_in(server, "ada", "wrong horse battery") for _ in range(5)]
    assert [x.status for x in wrong] == [401] * 5, wrong
    late = sign_in(server, "ada")  # Right, and one too many.
    assert late.status == 429 and 1 <= int(late.headers["retry-after"]) <= 12, late
    assert late.json()["type"] == "urn:footfall:problem:too_many_tries"
    took = {}
    for name in ("bob", "eve"):
        if name == "bob":
            add_user(server, name)
            await_user(server, name)
        times, answers = [], []
        for _ in range(3):
            began = time.monotonic()
            answers.append(sign_in(server, name, "wrong horse battery"))
            times.append(time.monotonic() - began)
        took[name] = statistics.median(times), {x.json()["detail"] for x in answers}
    assert took["bob"][1] == took["eve"][1]  # There is a bob, and no eve.
    print(f"a wrong password: {took['bob'][0] * 1000:.0f} ms, no such name: "
          f"{took['eve'][0] * 1000:.0f} ms")
    assert 0.5 < took["bob"][0] / took["eve"][0] < 2


def test_a_crowd_of_tries_does_not_slow_ingestion(server):
    """5,000 tries of many names; the address is bounded before any password is hashed."""
    def one(number: int) -> int:
        client = server.client("query")
        try:
            return client.post("/v1/session", {"name": f"n{number}", "password": PASSWORD}).status
        finally:
            client.close()

    def posts(seconds: float) -> list[float]:
        times, end = [], time.monotonic() + seconds
        client = server.client("ingest")
        while time.monotonic() < end:
            began = time.monotonic()
            assert client.post("/v1/events", CLICK, server.root).status == 200
            times.append(time.monotonic() - began)
        client.close()
        return sorted(times)

    quiet = posts(2)
    found: list[int] = []
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        tries = threading.Thread(target=lambda: found.extend(pool.map(one, range(5_000))))
        tries.start()
        crowded = posts(2)
        tries.join()
    assert set(found) <= {401, 429, 503} and found.count(401) <= 40, found
    middle = [x[len(x) // 2] * 1e3 for x in (quiet, crowded)]
    print(f"5,000 tries: a post took {middle[0]:.2f} ms before and {middle[1]:.2f} ms meanwhile; "
          f"{found.count(401)} passwords were hashed")
    assert crowded[len(crowded) // 2] < 0.05 * PATIENCE
