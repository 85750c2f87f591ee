"""Servers of which a partition may be stopped: they are never ready, and answer all the same."""
from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from footfall import Answer, Server, run, wait_until
from ports import fixed_ports

HOMES: dict[int, str] = {}  # A page of each partition, as positions told; all logs here have four.


def server_on_fixed_ports(*options: str, **more: Any) -> Server:
    """A server that is asked before it is ready; `launch()` starts it."""
    ports = fixed_ports()
    server = Server(*options, start=False, ports=ports, **more)
    server.ready = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
    return server


def partitions(server: Server) -> list[dict[str, Any]]:
    try:
        answer = server.client("admin").get("/admin/partitions")
    except OSError:
        return []
    return answer.json()["partitions"] if answer.status == 200 else []


def settled(server: Server) -> list[dict[str, Any]]:
    """The partitions of a server that was launched, once each runs or has stopped."""
    def all_settled():
        rows = partitions(server)
        return rows if rows and all(x["state"] != "claiming" for x in rows) else None

    return wait_until(all_settled, 30, "every partition runs or has stopped")


def stopped(server: Server) -> list[dict[str, Any]]:
    return [x for x in partitions(server) if x["state"] == "stopped"]


def click(number: int) -> dict[str, str]:
    """Of a page of its own: over many of them every partition has some."""
    return {"event_id": f"e-{number}", "user_id": "ann", "event_type": "click",
            "page_url": f"/p/{number % 40}"}


def post(server: Server, numbers) -> dict[int, str]:
    """Posts them one batch; what became of each."""
    numbers = list(numbers)
    answer = server.ingest.post("/v1/events", [click(x) for x in numbers])
    assert answer.status in (200, 503), answer
    results = dict(zip(numbers, answer.json()["results"]))
    for x, result in results.items():
        if result["status"] == "accepted":
            HOMES[int(result["position"].split(":")[0])] = click(x)["page_url"]
    return {x: result["status"] for x, result in results.items()}


def post_all(server: Server, numbers) -> None:
    numbers = list(numbers)
    for begin in range(0, len(numbers), 500):
        outcomes = post(server, numbers[begin:begin + 500])
        assert set(outcomes.values()) == {"accepted"}, outcomes


def total(server: Server) -> int:
    """All clicks that are counted."""
    answer = server.query.get("/v1/stats/top-pages", limit=1000)
    assert answer.status == 200, answer
    return sum(x["clicks"] for x in answer.json()["pages"])


def await_total(server: Server, wanted: int) -> None:
    wait_until(lambda: total(server) >= wanted, 30, f"{wanted} clicks are counted")
    assert total(server) == wanted


def command(server: Server, *words: str):
    return run(*words, "--url", server.url("admin"))


def copy_database(source: Path, target: Path) -> None:
    """As `sqlite3 source '.backup target'`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(source) as from_, sqlite3.connect(target) as to:
        from_.backup(to)
    from_.close()
    to.close()


def refused(server: Server, row: dict[str, Any]) -> Answer:
    """Posts to a stopped partition, by both paths; the answer of one event."""
    event = {**click(1_000_000), "page_url": HOMES[row["partition"]]}
    answer = server.ingest.post("/ingest", event)
    problem = answer.json()
    assert answer.status == 503, answer
    assert answer.headers["retry-after"]
    assert problem["type"] == "urn:footfall:problem:partition_stopped"
    assert problem["retry"] is True and problem["outcome"] == "rejected"
    assert row["reason"] in problem["detail"]
    many = server.ingest.post("/v1/events", [event])
    assert many.status == 503, many
    assert many.json()["results"][0]["status"] == "rejected"
    return answer
