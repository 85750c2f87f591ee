"""What fails is said: once when it begins, at most once a minute, once when it is over; and
/readyz and /metrics tell whose work it hinders. Real PostgreSQL, Redis and Kafka."""
import re
import time
import urllib.parse

import psycopg
import pytest
import redis

from footfall import Server, wait_until
from journal import gauge
from own_services import OwnServices
from services import Services, let_two_share

CLICK = {"user_id": "ada", "event_type": "click", "page_url": "/x"}
ROLES = ("gateway", "ingest", "aggregate", "query")


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    with OwnServices(tmp_path_factory.mktemp("services"), "postgres", "redis") as running:
        yield running


def as_admin(own: OwnServices, *statements: str) -> None:
    with psycopg.connect(own.addresses["DATABASE_URL"], autocommit=True) as session:
        for statement in statements:
            session.execute(statement)


@pytest.fixture
def environment(own):
    """A database of a role that is no superuser; the event log is embedded."""
    as_admin(own, "DROP DATABASE IF EXISTS silence WITH (FORCE)", "DROP ROLE IF EXISTS silence",
             "CREATE ROLE silence LOGIN PASSWORD 'silence-word'",
             "CREATE DATABASE silence OWNER silence")
    host = urllib.parse.urlsplit(own.addresses["DATABASE_URL"]).netloc.rpartition("@")[2]
    return {"DATABASE_URL": f"postgresql://silence:silence-word@{host}/silence",
            "REDIS_ADDR": own.addresses["REDIS_ADDR"]}


def ready(server: Server, role: str = "") -> bool:
    answer = server.admin.get("/readyz" + (f"?role={role}" if role else ""))
    assert answer.status in (200, 503), answer
    return answer.status == 200


def roles(server: Server) -> dict[str, bool]:
    return {role: ready(server, role) for role in ROLES}


def metric(server: Server, line: str) -> str:
    found = re.search(rf"^{re.escape(line)} (\S+)$", server.admin.get("/metrics").text, re.M)
    assert found, line
    return found.group(1)


def told(server: Server, subject: str) -> list[str]:
    """What was said of it: begins, goes on, is over."""
    kinds = []
    for line in server.stderr().splitlines():
        for kind in ("fails", "has failed for", "works again"):
            if f"{subject} {kind}" in line:
                assert " warning " in line, line
                kinds.append(kind)
    return kinds


def await_begin(server: Server, subject: str, reason: str) -> None:
    wait_until(lambda: told(server, subject), 30, f"{subject} fails")
    line = next(x for x in server.stderr().splitlines() if f"{subject} fails" in x)
    assert reason in line and "look at" in line, line


def await_end(server: Server, subject: str, *silent: str, clicks: int = 2) -> None:
    """Told once that it begins and once that it is over; of the others nothing. All is counted."""
    wait_until(lambda: "works again" in told(server, subject), 60, f"{subject} works again")
    wait_until(lambda: ready(server), 20, "it is ready again")
    kinds = told(server, subject)
    assert kinds[0] == "fails" and kinds[-1] == "works again", kinds
    assert kinds.count("fails") == 1 and kinds.count("works again") == 1, kinds
    assert kinds.count("has failed for") <= 1, kinds
    for other in silent:
        assert told(server, other) == [], server.stderr()
    wait_until(lambda: server.count("ada", "/x") == clicks, 20, "all is counted")


def post(server: Server) -> None:
    answer = server.ingest.post("/v1/events", CLICK)
    assert answer.status == 200, answer


def post_hangs(server: Server) -> bool:
    """Posts a click; whether it is not applied a while later."""
    post(server)
    end = time.monotonic() + 1
    while time.monotonic() < end:
        if gauge(server, "footfall_partition_lag_records") == 0:
            return False
    return True


@pytest.fixture
def server(environment):
    with Server(environment=environment) as running:
        post(running)
        wait_until(lambda: running.count("ada", "/x") == 1, 20, "it is counted")
        yield running


def test_ready_names_what_the_node_stands_on(server, environment):
    line = next(x for x in server.stderr().splitlines() if " ready: " in x)
    host = environment["DATABASE_URL"].split("@")[1]
    assert f"log sqlite {server.data}/log.db" in line
    assert f"store postgresql {host}" in line and f"cache redis {environment['REDIS_ADDR']}" in line
    answer = server.admin.get("/readyz").json()
    assert answer["dependencies"] == {"log": "ok", "store": "ok", "cache": "ok"}
    assert roles(server) == dict.fromkeys(ROLES, True)
    assert server.admin.get("/readyz?role=cook").status == 400
    assert server.admin.get("/readyz?part=query").status == 400
    text = server.admin.get("/metrics").text
    build = next(x for x in text.splitlines() if x.startswith("footfall_build_info{"))
    for label in ('log="sqlite"', 'store="postgresql"', 'cache="redis"', 'version="'):
        assert label in build
    assert build.endswith(" 1")
    for name in ("log", "store", "cache"):
        assert metric(server, f'footfall_dependency_up{{name="{name}"}}') == "1"


def test_a_store_that_is_away(own, server):
    own.run("kill9", "postgres")
    try:
        await_begin(server, "the store", "PostgreSQL")
        post(server)  # The log takes it.
        wait_until(lambda: not ready(server, "query"), 10)
        assert roles(server) == {"gateway": True, "ingest": True, "aggregate": False,
                                 "query": False}
        assert not ready(server)
        why = server.admin.get("/readyz?role=query").json()
        assert "not ready for query; query: " in why["detail"], why
        assert metric(server, 'footfall_dependency_up{name="store"}') == "0"
        assert metric(server, 'footfall_ready{role="ingest"}') == "1"
        assert metric(server, 'footfall_ready{role="query"}') == "0"
    finally:
        own.run("start", "postgres")
    await_end(server, "the store", "the event log", "the cache")


def test_a_right_that_was_taken_away(server, environment):
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as session:
        session.execute("REVOKE INSERT ON core.events FROM silence")
        post(server)
        await_begin(server, "applying", "permission denied")
        assert roles(server) == {"gateway": True, "ingest": True, "aggregate": False,
                                 "query": True}
        assert "permission denied" in server.admin.get("/readyz").json()["roles"]["aggregate"]
        session.execute("GRANT INSERT ON core.events TO silence")
    await_end(server, "applying", "the store", "the event log", "the cache")


def test_a_timeout_that_nothing_can_keep(own, server):
    end_sessions = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename='silence'"
    as_admin(own, "ALTER ROLE silence SET statement_timeout = '1ms'", end_sessions)
    many = [{**CLICK, "user_id": f"user-{number}", "page_url": "/many"} for number in range(1000)]
    assert server.ingest.post("/v1/events", many).status == 200
    post(server)
    wait_until(lambda: told(server, "the store") or told(server, "applying"), 30, "it is told")
    assert "statement timeout" in server.stderr()
    assert ready(server, "ingest") and not ready(server, "aggregate")
    as_admin(own, "ALTER ROLE silence RESET ALL", end_sessions)
    subject = "the store" if told(server, "the store") else "applying"
    await_end(server, subject, "the event log", "the cache")


def test_a_synchronous_standby_that_is_missing(own, server):
    """Commits hang: nothing fails, and nothing moves."""
    as_admin(own, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'",
             "SELECT pg_reload_conf()")
    clicks = 1  # As the fixture posted.
    try:
        # PostgreSQL's processes read the new setting one after the other.
        while not post_hangs(server):
            clicks += 1
            assert clicks < 20, "commits do not hang"
        clicks += 1
        await_begin(server, "applying", "SyncRep")
        assert roles(server) == {"gateway": True, "ingest": True, "aggregate": False,
                                 "query": True}
        assert "1 record" in server.admin.get("/readyz").json()["roles"]["aggregate"]
    finally:
        as_admin(own, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
    await_end(server, "applying", "the event log", "the cache", clicks=clicks)


def test_a_cache_that_wants_a_password(own, server):
    host, port = own.addresses["REDIS_ADDR"].rsplit(":", 1)
    session = redis.Redis(host, int(port))
    session.config_set("requirepass", "cache-word")
    session.client_kill_filter(_type="normal", skipme=True)
    session.execute_command("AUTH", "cache-word")
    try:
        await_begin(server, "the cache", "NOAUTH")
        assert ready(server)  # Only slower.
        assert "NOAUTH" in server.admin.get("/readyz").json()["dependencies"]["cache"]
        assert metric(server, 'footfall_dependency_up{name="cache"}') == "0"
        post(server)
    finally:
        session.config_set("requirepass", "")
    await_end(server, "the cache", "the event log", "the store", "applying")


def test_a_second_node_that_nothing_keeps_away():
    with Services("KAFKA_BROKER", "DATABASE_URL") as services:
        let_two_share(services.environment["DATABASE_URL"])
        fight_over(services)


def fight_over(services: Services) -> None:
    with Server(environment=services.environment) as first:
        post(first)
        wait_until(lambda: first.count("ada", "/x") == 1, 20, "it is counted")
        with Server(environment=services.environment) as second:
            def fight() -> bool:
                for node in (first, second):
                    node.ingest.post("/v1/events", {**CLICK, "page_url": "/other"})
                return bool(told(first, "applying")) or bool(told(second, "applying"))

            wait_until(fight, 60, "the fight is told")
            fought = [x for x in (first, second) if told(x, "applying")]
            assert any("another owner" in x.stderr() and "second node" in x.stderr()
                       for x in fought)
            second.terminate()
        post(first)
        wait_until(lambda: first.count("ada", "/x") == 2 and ready(first), 30, "it goes on alone")
        if first in fought:
            wait_until(lambda: "works again" in told(first, "applying"), 60, "it is told")
