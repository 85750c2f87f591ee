"""What is away at the start is waited for, with the admin port open; what only a person can
mend ends the start at once."""
import json
import urllib.parse

import psycopg
import pytest

from footfall import Client, Server, run, wait_until
from own_services import OwnServices
from ports import fixed_ports

CLICK = {"user_id": "ada", "event_type": "click", "page_url": "/x"}
AWAY = "127.0.0.1:1"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    with OwnServices(tmp_path_factory.mktemp("services"), "postgres") as running:
        yield running


def launched(environment: dict[str, str]) -> Server:
    server = Server(environment=environment, ports=fixed_ports(), start=False)
    server.launch()
    return server


def client(server: Server, listener: str) -> Client:
    return Client("127.0.0.1:" + server.ports[listener])


def answers(server: Server, listener: str, path: str):
    """An answer, or nothing while nobody listens."""
    assert server.process.poll() is None, server.stderr()
    try:
        return client(server, listener).get(path)
    except OSError:
        return None


def await_waiting(server: Server, subject: str, reason: str) -> None:
    wait_until(lambda: f"not ready yet: {subject} fails" in server.stderr(), 30, "it is told")
    wait_until(lambda: reason in answers(server, "admin", "/readyz").text, 10, "/readyz tells it")
    answer = answers(server, "admin", "/readyz")
    assert answer.status == 503 and "retry-after" in answer.headers, answer
    assert answers(server, "admin", "/healthz").status == 200
    assert answers(server, "admin", "/readyz?role=ingest").status == 503
    for path in ("/metrics", "/version", "/cluster"):
        assert answers(server, "admin", path).status == 200, path
    await_refused_commands(server, reason)
    assert 'footfall_ready{role="ingest"} 0' in answers(server, "admin", "/metrics").text
    assert answers(server, "query", "/v1/stats/top-pages").status == 503
    refused = client(server, "ingest").post("/v1/events", CLICK)
    assert refused.status == 503 and "nothing was stored" in refused.text, refused


def await_refused_commands(server: Server, reason: str) -> None:
    """What there is no node to answer is no empty answer."""
    url = f"http://127.0.0.1:{server.ports['admin']}"
    for command in (["partitions"], ["actors"], ["actors", "1"], ["audit"], ["bad-events"],
                    ["backup", str(server.folder / "backup")]):
        done = run(*command, "--url", url)
        assert done.returncode == 1 and not done.stdout, (command, done)
        assert "starts and waits" in done.stderr and reason in done.stderr, (command, done)
    assert not (server.folder / "backup").exists()


def test_postgresql_comes_later(own):
    environment = {"DATABASE_URL": own.addresses["DATABASE_URL"]}
    own.run("stop", "postgres")
    server = launched(environment)
    with server:
        await_waiting(server, "the store", "PostgreSQL")
        assert server.stderr().count(" fails: ") == 1, server.stderr()
        own.run("start", "postgres")
        server.await_ready()
        assert server.ingest.post("/v1/events", CLICK).status == 200
        wait_until(lambda: server.count("ada", "/x") == 1)
        wait_until(lambda: server.admin.get("/readyz").status == 200)
        server.terminate()


@pytest.mark.parametrize("subject, reason, environment", [
    ("the event log", "Kafka", {"KAFKA_BROKER": AWAY}),
    ("the store", "PostgreSQL", {"DATABASE_URL": f"postgresql://me@{AWAY}/d"}),
    ("the store", "no-such-host", {"DATABASE_URL": "postgresql://me@no-such-host.invalid/d"}),
], ids=["kafka", "postgresql", "host"])
def test_a_start_that_waits_can_be_ended(subject, reason, environment):
    server = launched(environment)
    with server:
        await_waiting(server, subject, reason)
        server.terminate(5)
        assert not server.ready_file.exists()


def test_redis_is_not_waited_for():
    with Server(environment={"REDIS_ADDR": AWAY}) as server:
        wait_until(lambda: "the cache fails" in server.stderr(), 10)
        assert server.admin.get("/readyz").status == 200


def url_of(own: OwnServices, user: str, password: str, database: str) -> str:
    host = urllib.parse.urlsplit(own.addresses["DATABASE_URL"]).netloc.rpartition("@")[2]
    return f"postgresql://{user}:{password}@{host}/{database}"


def test_what_only_a_person_mends_is_refused_at_once(own):
    with psycopg.connect(own.addresses["DATABASE_URL"], autocommit=True) as session:
        session.execute("CREATE ROLE waiting LOGIN PASSWORD 'waiting-word'")
        session.execute("CREATE DATABASE waiting")
    cases = {
        "password authentication failed": url_of(own, "waiting", "another-word", "waiting"),
        'database "none" does not exist': url_of(own, "waiting", "waiting-word", "none"),
        "permission denied": url_of(own, "waiting", "waiting-word", "waiting"),
    }
    for reason, url in cases.items():
        server = Server(environment={"DATABASE_URL": url}, start=False)
        with server:
            assert server.launch().wait(20) == 1, reason
            assert reason in server.stderr() and "word" not in server.stderr().replace(
                "password", ""), server.stderr()
            assert "LOCATION" not in server.stderr()


def test_a_second_server_does_not_wait_for_the_folder(tmp_path):
    with Server(data=tmp_path / "data") as first:
        second = Server(data=first.data, start=False)
        with second:
            assert second.launch().wait(20) == 1
            assert "in use by process" in second.stderr()


def test_the_waiting_node_says_so_in_json():
    server = Server("--log-format", "json", environment={"DATABASE_URL": f"postgresql://{AWAY}/d"},
                    start=False)
    with server:
        server.launch()
        wait_until(lambda: "not ready yet" in server.stderr(), 30)
        lines = [json.loads(line) for line in server.stderr().splitlines()]
        assert any(x["level"] == "warning" for x in lines)
        server.terminate(5)


@pytest.mark.parametrize("away", [
    {"KAFKA_BROKER": AWAY}, {"DATABASE_URL": f"postgresql://u:hidden@{AWAY}/d"},
], ids=["log", "store"])
def test_a_node_that_waits_is_live_and_not_ready(away):
    server = launched(away)

    def asked(*more: str):
        return run("health", "--url", f"http://127.0.0.1:{server.ports['admin']}", *more)

    try:
        wait_until(lambda: asked("--live").returncode == 0, 20, "it is live")
        done = asked()
        assert done.returncode == 1 and done.stdout == "", done
        assert done.stderr.startswith("footfall: ") and done.stderr.count("\n") == 1, done
        assert "hidden" not in done.stderr
        assert asked("--role", "query").returncode == 1
    finally:
        server.kill9()
