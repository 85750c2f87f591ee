"""Faults of real Kafka, PostgreSQL and Redis under load: nothing acknowledged is lost,
nothing counts twice, and nobody's hand is needed."""
import json
import time

import psycopg
import pytest

from cutting_proxy import CuttingProxy
from footfall import Server, wait_until
from journal import Load, end_and_check, fixed_ports, gauge
from own_services import OwnServices


@pytest.fixture(scope="module")
def own_services(tmp_path_factory):
    with OwnServices(tmp_path_factory.mktemp("services")) as running:
        yield running


@pytest.fixture
def services(own_services):
    """All of them up, whatever the test before left."""
    own_services.run("start")
    return own_services


def postgres_rows(environment: dict[str, str]):
    def rows(statement: str) -> list[tuple]:
        with psycopg.connect(environment["DATABASE_URL"]) as session:
            return session.execute(statement).fetchall()

    return rows


def await_more(load: Load, more: int, seconds: float = 60) -> None:
    enough = load.accepted() + more
    wait_until(lambda: load.accepted() >= enough or load.trouble, seconds, "clicks are accepted")


def await_applied(server: Server, seconds: float = 60) -> None:
    """Waits until more was applied than had been when this was called."""
    before = gauge(server, "footfall_events_folded_total")
    wait_until(lambda: gauge(server, "footfall_events_folded_total") > before, seconds,
               "clicks are counted")


def recovery(server: Server, load: Load, what: str) -> None:
    """From the end of the fault until clicks are accepted and counted."""
    began = time.monotonic()
    await_more(load, 20)
    await_applied(server)
    print(f"{what}: accepts and counts {time.monotonic() - began:.1f} s after it is back")


@pytest.mark.parametrize("name", ["kafka", "postgres", "redis", "footfall"])
def test_kill_9_under_load(services, name):
    environment = services.environment()
    with Server(environment=environment, ports=fixed_ports()) as server:
        with Load(server, clients=4, seed=50) as load:
            await_more(load, 50)
            for _ in range(2):
                if name == "footfall":
                    server.kill9()
                    server.start()
                else:
                    services.run("kill9", name)
                    meets_the_fault(server, load, name)
                    services.run("start", name)
                recovery(server, load, name)
        end_and_check(server, load.journal, postgres_rows(environment), f"kill -9 of {name}")


def meets_the_fault(server: Server, load: Load, name: str) -> None:
    """Waits until the service was missed, so that the fault is one."""
    if name == "kafka":
        many = load.journal.answers[503] + 1
        wait_until(lambda: load.journal.answers[503] >= many or load.trouble, 30, "503 are seen")
    elif name == "postgres":
        failures = gauge(server, "footfall_apply_failures_total")
        wait_until(lambda: gauge(server, "footfall_apply_failures_total") > failures, 30)
        await_more(load, 50)  # The log takes clicks all the same.
    else:
        wait_until(lambda: server.count("user-1", "/page/0") >= 0)
        await_more(load, 50)


def test_a_frozen_database_costs_only_freshness(services):
    environment = services.environment()
    with Server(environment=environment, ports=fixed_ports()) as server:
        with Load(server, clients=4, seed=51) as load:
            await_more(load, 50)
            services.run("pause", "postgres")
            began = time.monotonic()
            try:
                wait_until(lambda: time.monotonic() - began > 5, 10, "it was frozen for 5 s")
                await_more(load, 50)
            finally:
                services.run("resume", "postgres")
            recovery(server, load, "frozen database")
        end_and_check(server, load.journal, postgres_rows(environment), "PostgreSQL frozen 5 s")


def test_lost_replies_of_the_database_are_resolved(services):
    """The statement was done or not; only its answer is missing."""
    environment = services.environment()
    direct = environment["DATABASE_URL"]
    host = direct.rsplit("@", 1)[1].split("/")[0]
    with CuttingProxy(host, seed=52) as proxy:
        environment["DATABASE_URL"] = direct.replace(host, proxy.address)
        with Server(environment=environment, ports=fixed_ports()) as server:
            with Load(server, clients=4, seed=52) as load:
                await_more(load, 50)
                proxy.cutting = True
                wait_until(lambda: proxy.cuts >= 50 or load.trouble, 60, "50 replies are lost")
                proxy.cutting = False
                recovery(server, load, "lost replies")
            end_and_check(server, load.journal, postgres_rows({"DATABASE_URL": direct}),
                          f"{proxy.cuts} lost replies")


POISON = [b"", b"not json at all", b"{", b"[]", b"null", b"{}", b'{"event_id":"x"}',
          b"\xff\xfe\x00",
          b'{"event_id":1,"user_id":2,"event_type":3,"page_url":4}',
          b'{"event_id":"p","user_id":"","event_type":"click","page_url":"/"}']


def test_poison_records_of_other_producers_block_nothing(services):
    environment = services.environment()
    with Server(environment=environment) as server:
        lines = []
        for number in range(20_000):
            lines.append(json.dumps({
                "event_id": f"other-{number}", "user_id": f"user-{number % 97}",
                "event_type": "click", "page_url": f"/page/{number % 50}"}).encode())
            if number % 20 == 0:
                lines.append(POISON[number // 20 % len(POISON)])
        services.produce(environment["KAFKA_TOPIC"], lines)
        rows = postgres_rows(environment)
        wait_until(lambda: rows("SELECT (SELECT count(*) FROM click_events)"
                                " + (SELECT count(*) FROM bad_events)") == [(21_000,)], 60)
        wait_until(lambda: gauge(server, "footfall_partition_unfolded_records") == 0)
        stored = rows("SELECT count(*), count(DISTINCT event_id) FROM click_events")
        bad = rows("SELECT count(*), count(*) FILTER (WHERE reason <> '') FROM bad_events")
        counted = rows("SELECT sum(click_count)::bigint FROM page_clicks")
        print(f"poison: stored {stored[0][0]} counted {counted[0][0]} bad {bad[0][0]}")
        assert (stored, bad, counted) == ([(20_000, 20_000)], [(1_000, 1_000)], [(20_000,)])
        assert server.audit() == {"ok": True, "differences": []}
