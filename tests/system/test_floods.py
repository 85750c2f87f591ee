"""Clients invent values without end: a click costs the same, and counts stay exact."""
import json
import os
import pathlib
import time

import pytest

from footfall import Server, wait_until
from journal import gauge
from services import Services

NAMED = 1000  # Types of a page that an answer names.
BATCH = 1000
TICKS = os.sysconf("SC_CLK_TCK")


def event(kind: str, number: int) -> dict:
    out = {"user_id": f"user-{number % 50}", "event_type": "click", "page_url": "/flooded",
           "time_stamp": "2025-06-01T12:00:00Z"}
    if kind == "types":
        out["event_type"] = f"type-{number}"
    if kind == "users":
        out["user_id"] = f"user-{number}"
    if kind == "pages":
        out["page_url"] = f"/page-{number}"
    if kind == "minutes":
        when = 946_684_800 + number * 16_231_561 % 52_594_560 * 60  # Of 2000 to 2099.
        out["time_stamp"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))
    return out


def post(server: Server, kind: str, first: int, count: int) -> str:
    for start in range(first, first + count, BATCH):
        lines = [json.dumps(event(kind, number)) for number in range(start, start + BATCH)]
        answer = server.ingest.post("/v1/events", "\n".join(lines))
        assert answer.status == 200 and answer.json()["accepted"] == BATCH, answer
    return answer.headers["footfall-position"]


def wait_folded(server: Server, events: int) -> None:
    wait_until(lambda: gauge(server, "footfall_events_folded_total") >= events, 60,
               f"{events} events are folded")


def cpu_seconds(server: Server) -> float:
    stat = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / TICKS


def page(server: Server, after: str = "") -> dict:
    answer = server.query.get("/v1/stats/page", {"Footfall-After": after} if after else {},
                              page_url="/flooded")
    assert answer.status == 200, answer
    assert len(answer.body) < 100_000
    return answer.json()


def check_types(found: dict, clicks: int, types: int) -> None:
    assert found["clicks"] == clicks
    assert len(found["by_type"]) == min(types, NAMED)
    assert sum(found["by_type"].values()) + found["other_types"]["clicks"] == clicks
    assert found["more"] is (types > NAMED)


@pytest.mark.parametrize("kind", ["types", "users", "pages", "minutes"])
def test_a_click_costs_the_same_whatever_was_invented_before(kind):
    quarter = 40_000 if kind == "types" else 20_000
    with Server() as server:
        post(server, "plain", 0, 10_000)
        wait_folded(server, 10_000)
        spent = []
        for i in range(4):
            began = cpu_seconds(server)
            position = post(server, kind, i * quarter, quarter)
            wait_folded(server, 10_000 + (i + 1) * quarter)
            spent.append((cpu_seconds(server) - began) / quarter * 1e6)
        print(f"{kind}: " + ", ".join(f"{us:.1f}" for us in spent) + " us of CPU an event")
        assert spent[3] <= 2 * spent[0]
        clicks = 10_000 + (0 if kind == "pages" else 4 * quarter)
        check_types(page(server, position), clicks, 1 + (4 * quarter if kind == "types" else 0))
        assert page(server)["users"] == (4 * quarter if kind == "users" else 50)


@pytest.mark.parametrize("names", [(), ("KAFKA_BROKER", "DATABASE_URL", "REDIS_ADDR")],
                         ids=["embedded", "services"])
def test_a_page_of_many_types_is_exact_live_stored_and_after_a_restart(names):
    if not names:
        return many_types({})
    with Services(*names) as services:
        many_types(services.environment)


def many_types(environment: dict[str, str]) -> None:
    types, plain = 5_000, 3_000
    fields = ("clicks", "users", "by_type", "other_types")
    with Server(environment=environment) as server:
        post(server, "plain", 0, 1_000)
        page(server)  # It is live from here on.
        post(server, "types", 0, types)
        position = post(server, "plain", 0, plain - 1_000)
        live = page(server, position)
        check_types(live, types + plain, types + 1)
        assert live["by_type"]["click"] == plain
        wait_folded(server, types + plain)
        assert server.audit() == {"ok": True, "differences": []}
        server.restart()
        stored = page(server)
        assert stored["source"] == "store"
        assert [stored[x] for x in fields] == [live[x] for x in fields]
        # And on from there: named ones count on, new ones do not push them out.
        post(server, "types", 0, 1_000)
        position = post(server, "types", types, 1_000)
        more = page(server, position)
        check_types(more, types + plain + 2_000, types + 1_001)
        assert set(more["by_type"]) == set(stored["by_type"])
        assert sorted(more["by_type"].values())[-2:] == [2, plain]
