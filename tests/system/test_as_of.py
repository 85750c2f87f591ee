"""An answer says no more than it knows: its time is never later than the arrival of an
acknowledged event that it lacks, whatever the store does."""
from __future__ import annotations

import datetime
import time

import pytest

from footfall import Server, wait_until
from grpc_node import Node, load_stubs
from own_services import OwnServices
from ports import fixed_ports

PAGE = "/as-of"


def instant(text: str) -> float:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    with OwnServices(tmp_path_factory.mktemp("services"), "kafka", "postgres", "redis") as running:
        yield running


@pytest.fixture(scope="module")
def stubs(tmp_path_factory):
    return load_stubs(tmp_path_factory.mktemp("stubs"))


def post(server: Server, *ids: str) -> str:
    """@returns the positions of the events, one of each partition."""
    answer = server.ingest.post("/v1/events", [
        {"event_id": x, "user_id": "ada", "event_type": "click", "page_url": PAGE} for x in ids])
    assert answer.status == 200 and answer.json()["accepted"] == len(ids), answer
    return answer.headers["footfall-position"]


def told(server: Server, node: Node) -> dict[str, tuple[int, float]]:
    """What each way of asking says: count and time. Those that need the store may fail."""
    out = {}
    for name, path in {
            "compatible": f"/analytics/events?user_id=ada&page_url={PAGE}",
            "count": f"/v1/stats/count?user_id=ada&page_url={PAGE}",
            "page": f"/v1/stats/page?page_url={PAGE}",
            "users": f"/v1/stats/users?page_url={PAGE}"}.items():
        answer = server.query.get(path)
        assert answer.status == 200, (name, answer)
        body = answer.json()
        count = body["users"][0]["clicks"] if name == "users" else body.get(
            "count", body.get("clicks"))
        out[name] = (count, instant(answer.headers["footfall-as-of"]))
        if "as_of" in body:
            assert body["as_of"] == answer.headers["footfall-as-of"]
    request = node.stubs.stats.PageRequest(page_url=PAGE)
    page = node.stats.GetPage(request, timeout=node.seconds)
    out["gRPC page"] = (page.clicks, page.freshness.as_of.ToNanoseconds() / 1e9)
    pair = node.stubs.analytics.EventCountRequest(user_id="ada", page_url=PAGE)
    got, call = node.analytics.GetEventCount.with_call(pair, timeout=node.seconds)
    out["gRPC count"] = (got.count, instant(dict(call.trailing_metadata())["footfall-as-of"]))
    return out


@pytest.mark.parametrize("log", ["embedded", "kafka"])
def test_time_stands_while_the_database_is_frozen(services, stubs, log):
    environment = services.environment()
    if log == "embedded":
        environment = {"DATABASE_URL": environment["DATABASE_URL"]}
    with Server(environment=environment, ports=fixed_ports()) as server:
        node = Node(server, stubs)
        after = post(server, "a", "b")
        # The user is known, the page live and the count cached from here on.
        answer = server.query.get(f"/v1/stats/page?page_url={PAGE}", {"Footfall-After": after})
        assert answer.json()["clicks"] == 2
        wait_until(lambda: all(x == 2 for x, _ in told(server, node).values()), 10)
        services.run("pause", "postgres")
        try:
            post(server, "c")
            arrived = time.time()  # Or a little before.
            until = time.monotonic() + 3
            seen = set()
            while time.monotonic() < until:
                for name, (count, as_of) in told(server, node).items():
                    assert count == 2 and as_of < arrived, (name, count, as_of, arrived)
                    seen.add(as_of)
                post(server, f"more-{time.monotonic()}")
            assert arrived - max(seen) < 2, "as fresh as it can be"
        finally:
            services.run("resume", "postgres")
        wait_until(lambda: all(x > 2 and as_of > arrived
                               for x, as_of in told(server, node).values()), 20)
        node.channel.close()
