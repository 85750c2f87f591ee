"""Two nodes on one topic and database: the second is refused, and names the first."""
import os
import signal
import socket

from footfall import Server, wait_until
from services import Services

CLICK = {"user_id": "ada", "event_type": "click", "page_url": "/x"}
ANOTHER_RUNS = 3
LOCK = ("FROM pg_locks WHERE locktype = 'advisory' AND granted AND database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database())")


def post(server: Server) -> None:
    assert server.ingest.post("/v1/events", CLICK).status == 200


def holder(services: Services) -> int:
    return services.sql(f"SELECT coalesce(max(pid), 0) {LOCK}")[0][0]


def test_a_second_node_is_refused_until_the_first_is_gone():
    with Services("KAFKA_BROKER", "DATABASE_URL") as services, \
            Server(environment=services.environment) as first, \
            Server(environment=services.environment, start=False) as second:
        post(first)
        process = second.launch()
        assert process.wait(40) == ANOTHER_RUNS, second.stderr()
        said = second.stderr()
        assert f"process {first.process.pid} on {socket.gethostname()[:8]}" in said, said
        assert services.environment["KAFKA_TOPIC"] in said and ", since 2" in said, said
        assert not second.ready_file.exists()
        wait_until(lambda: first.count("ada", "/x") == 1, 20, "the first was not disturbed")
        assert "another owner" not in first.stderr()

        second.launch()  # While it waits for the place of one that may have died, it dies.
        wait_until(lambda: second.stderr().count("not ready yet: the store") > 1, 20, "it waits")
        first.kill9()
        second.await_ready(10)
        post(second)
        wait_until(lambda: second.count("ada", "/x") == 2, 20, "it goes on where the first ended")


def test_a_node_takes_its_place_again_or_ends():
    with Services("KAFKA_BROKER", "DATABASE_URL") as services, \
            Server(environment=services.environment) as first, \
            Server(environment=services.environment, start=False) as second:
        session = holder(services)
        services.sql("SELECT pg_terminate_backend(%s)", session)
        wait_until(lambda: holder(services) not in (0, session), 10, "it is there again")
        post(first)
        assert first.process.poll() is None

        # It hears of nothing for a while, and its session is gone: another one begins.
        os.kill(first.process.pid, signal.SIGSTOP)
        services.sql("SELECT pg_terminate_backend(%s)", holder(services))
        second.start()
        os.kill(first.process.pid, signal.SIGCONT)
        assert first.process.wait(30) == ANOTHER_RUNS, first.stderr()
        assert f"process {second.process.pid}" in first.stderr()
        assert "this node ends" in first.stderr()
        post(second)
        wait_until(lambda: second.count("ada", "/x") == 2, 20, "both are counted, once")
        assert second.audit()["ok"]
