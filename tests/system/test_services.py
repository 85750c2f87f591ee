"""The same program on real Kafka, PostgreSQL and Redis, each alone and together."""
import json

import pytest

from footfall import Server, wait_until
from journal import gauge
from services import Services, produce

SETTINGS = [("KAFKA_BROKER",), ("DATABASE_URL",), ("REDIS_ADDR",),
            ("KAFKA_BROKER", "DATABASE_URL", "REDIS_ADDR")]


def click(number: int, user: str = "ann", page: str = "/pricing") -> dict:
    return {"event_id": f"e-{number}", "user_id": user, "event_type": "click", "page_url": page}


def send(server: Server, events: list[dict]) -> None:
    answer = server.ingest.post("/v1/events", events)
    assert answer.status == 200, answer
    assert answer.json()["accepted"] == len(events), answer


@pytest.fixture(params=SETTINGS, ids="+".join)
def services(request):
    with Services(*request.param) as given:
        yield given


def test_each_click_counts_once_over_kill_9(services):
    with Server(environment=services.environment) as server:
        for start in range(0, 300, 100):
            batch = [click(number) for number in range(start, start + 100)]
            send(server, batch)
            server.kill9()
            server.start()
            send(server, batch)
        wait_until(lambda: server.count("ann", "/pricing") == 300, 30)
        assert server.audit() == {"ok": True, "differences": []}
        assert server.count("ann", "/pricing") == 300


def test_the_reference_tables_are_there_for_psql():
    with Services("DATABASE_URL") as services:
        with Server(environment=services.environment) as server:
            send(server, [click(1), click(2), click(3, user="bob"), click(1)])
            wait_until(lambda: server.count("ann", "/pricing") == 2)
            assert services.sql("SELECT count(*) FROM click_events") == [(3,)]
            wait_until(lambda: services.sql(
                "SELECT user_id, click_count FROM page_clicks WHERE page_url = %s ORDER BY 1",
                "/pricing") == [("ann", 2), ("bob", 1)])


def test_the_references_records_in_kafka_count_once_by_their_event_id():
    def record(number: int) -> bytes:
        return json.dumps({**click(number), "time_stamp": f"2025-11-05T20:00:0{number}Z"}).encode()

    with Services("KAFKA_BROKER", "DATABASE_URL") as services:
        with Server(environment=services.environment) as server:
            for _ in range(2):  # Two runs of the producer: other partitions as well.
                produce(services.environment, [record(1), record(2), record(1)])
            wait_until(lambda: gauge(server, "footfall_records_applied_total") == 6, 30)
            assert server.count("ann", "/pricing") == 2
            assert services.sql("SELECT event_id, user_id, event_type, page_url, to_char(time_stamp"
                                " AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
                                " FROM click_events ORDER BY 1") == [
                (f"e-{number}", "ann", "click", "/pricing", f"2025-11-05 20:00:0{number}.000000")
                for number in (1, 2)]


def test_losing_the_cache_costs_only_latency():
    with Services("REDIS_ADDR") as services:
        with Server(environment=services.environment) as server:
            send(server, [click(1), click(2)])
            wait_until(lambda: server.count("ann", "/pricing") == 2)
            services.redis().flushall()
            assert server.count("ann", "/pricing") == 2
