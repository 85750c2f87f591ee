"""Redis is flushed, full, silent or gone under load: right counts, only later."""
import time

import pytest
import redis

from cutting_proxy import CuttingProxy
from footfall import PATIENCE, Server, wait_until
from journal import Load, Pages, end_and_check, gauge, settle
from own_services import OwnServices
from readers import USERS, Readers
from service_waits import await_for, await_more, check_counts
from services import Services

BREAKER_SECONDS = 1
P99_SECONDS = 0.3
MORE_BYTES_MAX = 256 * 1024  # Some hundreds of counts: a slow machine fills it in seconds, too.


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory):
    with OwnServices(tmp_path_factory.mktemp("redis"), "redis") as running:
        yield running


@pytest.fixture
def services(own_redis):
    """Kafka and PostgreSQL that others use too, and the Redis of this module."""
    own_redis.run("start", "redis")
    with Services("KAFKA_BROKER", "DATABASE_URL") as running:
        running.environment["REDIS_ADDR"] = own_redis.addresses["REDIS_ADDR"]
        yield running


def cache_health(server: Server) -> str:
    rows = server.admin.get("/actors", name="cache_manager").json()["actors"]
    return server.admin.get(f"/actors/{rows[0]['id']}").json()["fields"]["health"]


def await_cache(server: Server, user: str, page: str) -> None:
    """Waits until the cache answers for this pair."""
    def from_cache() -> bool:
        answer = server.query.get("/v1/stats/count", user_id=user, page_url=page)
        return answer.headers.get("footfall-source") == "cache"

    wait_until(from_cache, 20, "the cache answers")


def quiet_end(server: Server, load: Load, readers: Readers, services: Services, what: str) -> None:
    """The load is over: what is counted, told and stored must agree."""
    settle(server, load.journal)
    asked = check_counts(server, services.sql)
    print(f"{what}: {sum(readers.answers.values())} questions {dict(readers.answers)}, p99 "
          f"{readers.p99() * 1000:.0f} ms, backwards {readers.backwards}, {asked} counts compared")
    end_and_check(server, load.journal, services.sql, what)
    assert set(load.journal.answers) == {200} and set(readers.answers) == {200}
    assert readers.backwards == 0


def test_a_flush_costs_only_latency(services):
    cache = services.redis()
    with Server(environment=services.environment) as server:
        with Load(server, clients=2, seed=80) as load, Readers(server, seed=80) as readers:
            await_more(load, 50)
            for _ in range(10):
                cache.flushall()
                enough = readers.answers[200] + 200
                wait_until(lambda: readers.answers[200] > enough or readers.trouble, 20)
        quiet_end(server, load, readers, services, "Redis flushed 10 times")


def test_a_full_cache_costs_only_latency(services):
    cache = services.redis()
    before = cache.config_get("maxmemory")["maxmemory"]
    cache.config_set("maxmemory", cache.info("memory")["used_memory"] + MORE_BYTES_MAX)
    try:
        pages = Pages(5000)
        with Server(environment=services.environment) as server:
            with Load(server, clients=2, seed=81, pages=pages, batch_max=200) as load, \
                    Readers(server, clients=3, seed=81, pages=pages) as readers:
                wait_until(lambda: int(cache.info("stats")["evicted_keys"]) > 50, 60,
                           "Redis is full and evicts")
            quiet_end(server, load, readers, services, "Redis full")
    finally:
        cache.config_set("maxmemory", before)


def test_a_silent_cache_is_given_up_within_a_second(services):
    with CuttingProxy(services.environment["REDIS_ADDR"], seed=82) as proxy:
        services.environment["REDIS_ADDR"] = proxy.address
        with Server(environment=services.environment) as server:
            with Load(server, clients=2, seed=82, pause=0.01) as load, \
                    Readers(server, seed=82) as readers:
                await_more(load, 50)
                proxy.swallowing = True
                began = time.monotonic()
                wait_until(lambda: cache_health(server), 10, "the breaker is open")
                opened = time.monotonic() - began
                await_for(5, load)
                ended = time.monotonic()
                proxy.swallowing = False
                wait_until(lambda: not cache_health(server), 20, "the breaker is closed")
                closed = time.monotonic() - ended
            p99 = readers.p99(began, ended)
            print(f"silent Redis: given up after {opened:.2f} s, p99 of questions meanwhile "
                  f"{p99 * 1000:.0f} ms, used again {closed:.1f} s after it is back")
            quiet_end(server, load, readers, services, "Redis silent for 5 s")
    assert opened < BREAKER_SECONDS * PATIENCE
    assert p99 < P99_SECONDS * PATIENCE


def test_nothing_of_before_is_told_after_a_silence(services):
    """The click that the cache was never told of is the last one of its page."""
    click = {"user_id": "ann", "event_type": "click", "page_url": "/once"}
    other = {**click, "page_url": "/other"}
    with CuttingProxy(services.environment["REDIS_ADDR"], seed=83) as proxy:
        services.environment["REDIS_ADDR"] = proxy.address
        with Server(environment=services.environment) as server:
            assert server.ingest.post("/v1/events", [click, other]).status == 200
            wait_until(lambda: server.count("ann", "/once") == 1)
            await_cache(server, "ann", "/once")
            proxy.swallowing = True
            assert server.ingest.post("/v1/events", click).status == 200
            wait_until(lambda: cache_health(server), 10, "the breaker is open")
            proxy.swallowing = False
            await_cache(server, "ann", "/other")
            assert server.count("ann", "/once") == 2


def test_most_reads_of_popular_pages_are_answered_by_the_cache(services):
    """The design's promise: 80 % and more after warm-up, while clicks come in."""
    pages = Pages(60)
    everyone = [{"user_id": f"user-{user}", "event_type": "click", "page_url": page}
                for page in pages.names for user in range(1, USERS + 1)]
    lookups = "footfall_cache_lookups_total"

    def by_result(server: Server) -> tuple[float, float]:
        text = server.admin.get("/metrics").text
        found = [line.rsplit(" ", 1)[1] for result in ("hit", "miss")
                 for line in text.splitlines() if line.startswith(f'{lookups}{{result="{result}"')]
        return float(found[0]), float(found[1])

    with Server(environment=services.environment) as server:
        for start in range(0, len(everyone), 500):
            answer = server.ingest.post("/v1/events", everyone[start:start + 500])
            assert answer.status == 200, answer
        with Load(server, clients=1, seed=84, pages=pages, pause=0.02) as load, \
                Readers(server, clients=4, seed=84, pages=pages) as readers:
            wait_until(lambda: sum(by_result(server)) > 3 * len(everyone), 60, "it is warm")
            hits, misses = by_result(server)
            clicks = gauge(server, "footfall_events_folded_total")
            began = time.monotonic()
            wait_until(lambda: sum(by_result(server)) > hits + misses + 2 * len(everyone), 60)
            hits, misses = (now - then for now, then in zip(by_result(server), (hits, misses)))
            clicks = (gauge(server, "footfall_events_folded_total") - clicks) / (
                time.monotonic() - began)
    ratio = hits / (hits + misses)
    print(f"cache: {ratio:.1%} of {hits + misses:.0f} lookups hit, {clicks:.0f} clicks/s, "
          f"p99 {readers.p99() * 1000:.0f} ms")
    assert clicks > 20 and load.journal.answers[200] > 50
    assert ratio >= 0.8
