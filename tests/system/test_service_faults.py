"""Faults of real Kafka, PostgreSQL and Redis under load: nothing acknowledged is lost,
nothing counts twice, and nobody's hand is needed."""
import json
import time

import pytest

from cutting_proxy import CuttingProxy
from footfall import PATIENCE, Server, wait_until
from journal import Load, end_and_check, gauge, settle
from own_services import OwnServices
from ports import fixed_ports
from readers import Readers
from service_waits import (await_answer, await_for, await_more, check_counts,
                           postgres_rows, recovery)
from sse import Stream


FROZEN_SECONDS = 20
MORE_MIB_MAX = 128  # Twice what may wait for Kafka, 64 MiB.


@pytest.fixture(scope="module")
def own_services(tmp_path_factory):
    with OwnServices(tmp_path_factory.mktemp("services")) as running:
        yield running


@pytest.fixture
def services(own_services):
    """All of them up, whatever the test before left."""
    own_services.run("start")
    return own_services


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
        # What failed once and is not asked again must not keep the node from being ready.
        assert server.admin.get("/admin/audit").status == 503
    else:
        await_answer(server)
        await_more(load, 50)


def test_a_frozen_database_costs_only_freshness(services):
    environment = services.environment()
    with Server(environment=environment, ports=fixed_ports()) as server:
        with Load(server, clients=4, seed=51) as load:
            await_more(load, 50)
            services.run("pause", "postgres")
            try:
                await_for(5, load)
                await_more(load, 50)
            finally:
                services.run("resume", "postgres")
            recovery(server, load, "frozen database")
        end_and_check(server, load.journal, postgres_rows(environment), "PostgreSQL frozen 5 s")


def test_a_frozen_broker_costs_refusals_and_no_memory(services):
    environment = services.environment()
    with Server(environment=environment, ports=fixed_ports()) as server:
        with Load(server, clients=20, seed=53, batch_max=100) as load:
            await_more(load, 200)
            before = resident_mib(server)
            services.run("pause", "kafka")
            try:
                await_for(FROZEN_SECONDS, load)
                frozen = resident_mib(server)
            finally:
                services.run("resume", "kafka")
            recovery(server, load, "frozen broker")
        replaced = server.stderr().count("Kafka producer ended")
        print(f"frozen broker: {before:.0f} to {frozen:.0f} MiB, producers replaced {replaced}")
        end_and_check(server, load.journal, postgres_rows(environment),
                      f"Kafka frozen {FROZEN_SECONDS} s")
    assert set(load.journal.answers) <= {200, 429, 503}, load.journal.answers
    assert load.journal.answers[503] > 0
    assert frozen < before + MORE_MIB_MAX


@pytest.mark.parametrize("name, part", [("kafka", "log"), ("postgres", "store")])
def test_screens_hear_what_is_away_and_when_it_is_back(services, name, part):
    """The stream says what fails, with the reason, within the time after which a screen is
    stale; what it cannot know is null, not 0."""
    with Server(environment=services.environment(), ports=fixed_ports()) as server:
        screen = Stream(server.address("query"), "system", timeout=60 * PATIENCE)
        screen.until("system", lambda x: x.json()["ledger"]["written"] == 0)
        services.run("pause", name)
        since = time.monotonic()
        try:
            first = screen.until("system", lambda x: fails(x, part)
                                 or x.json()["ledger"]["written"] is None)
            told = first if fails(first, part) else screen.until(
                "system", lambda x: fails(x, part))
        finally:
            services.run("resume", name)
        print(f"{name} frozen: a sign after {first.at - since:.1f} s, the reason after "
              f"{told.at - since:.1f} s: {told.json()['dependencies'][part]}")
        assert first.at - since < 12 * PATIENCE  # When a screen calls itself stale.
        assert told.json()["ledger"]["written"] == (None if part == "log" else 0)
        screen.until("system", lambda x: x.json()["dependencies"][part] == "ok"
                     and x.json()["ledger"]["written"] == 0)
        screen.close()


def fails(told, part: str) -> bool:
    return told.json()["dependencies"][part] != "ok"


def resident_mib(server: Server) -> float:
    return gauge(server, "process_resident_memory_bytes") / 2 ** 20


def test_all_services_taken_away_in_turn_and_given_back(services):
    """As by hand: a clean stop and a start. Retry-After is checked with each 503."""
    environment = services.environment()
    rows = postgres_rows(environment)
    with Server(environment=environment, ports=fixed_ports()) as server:
        with Load(server, clients=4, seed=54) as load, \
                Readers(server, seed=54, pause=0.005) as readers:
            await_more(load, 50)
            for name in ("kafka", "postgres", "redis"):
                services.run("stop", name)
                meets_the_fault(server, load, name)
                services.run("start", name)
                recovery(server, load, name)
        began = time.monotonic()
        settle(server, load.journal)
        exact = time.monotonic() - began
        asked = check_counts(server, rows)
        print(f"all three in turn: everything counted {exact:.1f} s after the last click, {asked} "
              f"counts compared, questions {dict(readers.answers)} p99 {readers.p99():.2f} s, "
              f"backwards {readers.backwards}")
        end_and_check(server, load.journal, rows, "all three in turn")
    assert set(load.journal.answers) == {200, 503}, load.journal.answers
    assert readers.answers[200] > 0 and readers.backwards == 0
    assert exact < 10 * PATIENCE


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
        for number in range(100_000):
            lines.append(json.dumps({
                "event_id": f"other-{number}", "user_id": f"user-{number % 97}",
                "event_type": "click", "page_url": f"/page/{number % 50}"}).encode())
            if number % 100 == 0:
                lines.append(POISON[number // 100 % len(POISON)])
        services.produce(environment["KAFKA_TOPIC"], lines)
        rows = postgres_rows(environment)
        wait_until(lambda: rows("SELECT (SELECT count(*) FROM click_events)"
                                " + (SELECT count(*) FROM bad_events)") == [(101_000,)], 60)
        wait_until(lambda: gauge(server, "footfall_partition_unfolded_records") == 0)
        stored = rows("SELECT count(*), count(DISTINCT event_id) FROM click_events")
        bad = rows("SELECT count(*), count(*) FILTER (WHERE reason <> '') FROM bad_events")
        counted = rows("SELECT sum(click_count)::bigint FROM page_clicks")
        print(f"poison: stored {stored[0][0]} counted {counted[0][0]} bad {bad[0][0]}")
        assert (stored, bad, counted) == ([(100_000, 100_000)], [(1_000, 1_000)],
                                        [(100_000,)])
        assert server.audit() == {"ok": True, "differences": []}
