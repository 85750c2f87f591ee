"""The same program on real Kafka, PostgreSQL and Redis, each alone and together."""
import pytest

from footfall import Server, wait_until
from services import Services

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


def test_losing_the_cache_costs_only_latency():
    with Services("REDIS_ADDR") as services:
        with Server(environment=services.environment) as server:
            send(server, [click(1), click(2)])
            wait_until(lambda: server.count("ann", "/pricing") == 2)
            services.redis().flushall()
            assert server.count("ann", "/pricing") == 2
