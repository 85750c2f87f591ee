"""Keys on the services: several nodes, and a PostgreSQL that is away."""
import concurrent.futures
import time

import pytest

from cluster import Cluster, gateway
from footfall import PATIENCE, Server, access_of, make_key, run, wait_until
from own_services import OwnServices
from services import Services
from test_access import CLICK, bearer


def revoke(server: Server, key: str) -> None:
    done = run("key", "revoke", key.split("_")[2], environment=access_of(server))
    assert done.returncode == 0, done


@pytest.fixture
def services():
    with Services("KAFKA_BROKER", "DATABASE_URL") as running:
        yield running


def test_each_node_of_a_cluster_hears_of_keys(services):
    nodes = Cluster(services.environment, 3, "--auth", "on")
    root = make_key(nodes["n1"], "--role", "admin", "--site", "*")  # Before there is a schema.
    for node in nodes.nodes.values():
        node.key = root
    with nodes:
        second = make_key(nodes["n1"], "--role", "ingest", "--site", "default")
        for node in nodes.nodes.values():
            wait_until(lambda: node.ingest.post("/v1/events", CLICK, bearer(second)).status == 200,
                       5, "a new key passes at each node")
        revoke(nodes["n1"], second)
        wait_until(lambda: all(x.ingest.post("/v1/events", CLICK, bearer(second)).status == 401
                               for x in nodes.nodes.values()), 5, "and is dead at each")
        assert all(x.ingest.post("/v1/events", CLICK).status == 200 for x in nodes.nodes.values())


def test_keys_hold_while_postgresql_is_away(tmp_path):
    with OwnServices(tmp_path) as services, Server(
            "--auth", "on", environment=services.environment(), start=False) as server:
        good = make_key(server, "--role", "ingest", "--site", "default")
        dead = make_key(server, "--role", "ingest", "--site", "default")
        server.start()
        revoke(server, dead)
        wait_until(lambda: server.ingest.post("/v1/events", CLICK, bearer(dead)).status == 401, 5)
        services.run("pause", "postgres")
        try:
            assert server.ingest.post("/v1/events", CLICK, bearer(good)).status == 200
            assert server.ingest.post("/v1/events", CLICK, bearer(dead)).status == 401
            wait_until(lambda: "those that are known hold" in server.stderr(), 30, "it says so")
            assert server.ingest.post("/v1/events", CLICK, bearer(good)).status == 200
            assert server.ingest.post("/v1/events", CLICK, bearer(dead)).status == 401
        finally:
            services.run("resume", "postgres")
        wait_until(lambda: "changes of keys are seen again" in server.stderr(), 30, "and this")
        revoke(server, good)
        wait_until(lambda: server.ingest.post("/v1/events", CLICK, bearer(good)).status == 401, 5)
        # A look that waits for the server holds up no end.
        services.run("pause", "postgres")
        try:
            time.sleep(3)
            began = time.monotonic()
            server.terminate()
            took = time.monotonic() - began
            print(f"ended {took:.1f} s after SIGTERM, PostgreSQL frozen")
            assert took < 2 * PATIENCE
        finally:
            services.run("resume", "postgres")


def test_a_key_is_revoked_while_postgresql_is_away(tmp_path):
    """At each node within seconds, also at a gateway without a database; and for good."""
    with OwnServices(tmp_path) as own:
        nodes = Cluster(own.environment(), 2, "--auth", "on")
        root = make_key(nodes["n1"], "--role", "admin", "--site", "*")
        bad = make_key(nodes["n1"], "--role", "ingest", "--site", "default")
        for node in nodes.nodes.values():
            node.key = root
        with nodes, gateway("n9", nodes.address("n1"), nodes.address("n2"),
                            options=("--auth", "on")) as gate:
            gate.key = root
            gate.start()
            doors = [*nodes.nodes.values(), gate]

            def answers(key: str) -> set[int]:
                return {x.ingest.post("/v1/events", CLICK, bearer(key)).status for x in doors}

            wait_until(lambda: answers(bad) == {200}, 10, lambda: answers(bad))
            own.run("pause", "postgres")
            try:
                began = time.monotonic()
                with concurrent.futures.ThreadPoolExecutor() as pool:
                    asked = pool.submit(nodes["n1"].query.request, "DELETE",
                                        f"/v1/keys/{bad.split('_')[2]}")
                    wait_until(lambda: answers(bad) == {401}, 5, lambda: answers(bad))
                    assert answers(root) == {200}
                    print(f"revoked at all nodes after {time.monotonic() - began:.1f} s")
                    done = asked.result()
                assert done.status == 202 and done.json()["stored"] is False, done
                assert done.json()["row"]["state"] == "revoked"
                listed = nodes["n2"].query.get("/v1/keys")  # As it is known, and no more.
                assert listed.status == 200 and '"state":"revoked"' in listed.text, listed
                nodes["n1"].kill9()  # The others know it still.
                doors.remove(nodes["n1"])
            finally:
                own.run("resume", "postgres")
            wait_until(lambda: nodes.sql("SELECT id FROM core.access_keys WHERE revoked_at IS NOT"
                                         " NULL") == [(bad.split("_")[2],)], 30,
                       "the store is told")
            assert "are revoked there" in nodes["n2"].stderr()
            nodes["n1"].start()
            doors.append(nodes["n1"])
            assert answers(bad) == {401} and answers(root) == {200}
