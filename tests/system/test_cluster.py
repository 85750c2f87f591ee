"""Three nodes on one topic and database: each partition is applied by one of them, whoever
dies, hangs or leaves, and any of them answers."""
import os
import signal
import socket
import time

import pytest

from cluster import Cluster, links
from footfall import PATIENCE, Server, run, wait_until
from journal import Journal, Load, Pages, end_and_check, gauge
from own_services import OwnServices
from ports import fixed_ports
from service_waits import postgres_rows
from services import Services

ANOTHER_RUNS = 3
CLICK = {"user_id": "ada", "event_type": "click", "page_url": "/x"}


@pytest.fixture
def services():
    with Services("KAFKA_BROKER", "DATABASE_URL") as running:
        yield running


def end_all(nodes: Cluster, services: Services, journal: Journal, what: str) -> None:
    """Nodes leave one after the other; the last one's store is held against the journal."""
    *others, last = nodes.alive().values()
    for server in others:
        server.terminate()
    nodes.await_even()
    end_and_check(last, journal, services.sql, what)


def enough(load: Load, more: int = 40) -> None:
    wanted = load.accepted() + more
    wait_until(lambda: load.accepted() >= wanted or load.trouble, 20, "events are accepted")


def test_every_node_takes_events_and_answers_for_all(services):
    with Cluster(services.environment, 3) as nodes:
        assert sorted(len(nodes.owned(name)) for name in nodes.nodes) == [1, 1, 2]
        after = []
        for number, server in enumerate(list(nodes.nodes.values()) * 4):
            answer = server.ingest.post("/v1/events", {**CLICK, "page_url": f"/{number}"})
            assert answer.status == 200, answer
            after.append(answer.headers["footfall-position"])
        for server in nodes.nodes.values():
            assert server.admin.get("/readyz").status == 200
            for number, position in enumerate(after):
                began = time.time()
                answer = server.query.get("/v1/stats/page", page_url=f"/{number}",
                                          headers={"Footfall-After": position})
                assert answer.status == 200 and answer.json()["clicks"] == 1, answer
                assert time.time() - began < 2 * PATIENCE
            top = server.query.get("/v1/stats/top-pages", limit=20)
            assert top.status == 200 and len(top.json()["pages"]) == 12, top
            assert server.audit()["ok"] is True
        # What one node's cache knows is never served by another.
        page = {"page_url": "/3", "user_id": "ada"}
        for _ in range(3):
            for server in nodes.nodes.values():
                answer = server.query.get("/v1/stats/count", **page)
                assert answer.json()["count"] == 1, answer
        owner = nodes.owners()[int(after[3].split(":")[0])]
        assert {server.query.get("/v1/stats/count", **page).headers["footfall-node"]
                for server in nodes.nodes.values()} == {owner}

        def sources() -> list[str]:
            return sorted(server.query.get("/v1/stats/count", **page).json()["source"]
                          for server in nodes.nodes.values())
        wait_until(lambda: sources() == ["cache", "cache", "cache"], 10, sources)
        asked = sum(gauge(server, "footfall_remote_queries_total")
                    for server in nodes.nodes.values())
        assert asked > 0


def test_every_node_shows_all(services):
    with Cluster(services.environment, 3) as nodes:
        for name, server in nodes.nodes.items():
            def told() -> dict:
                return {x.get("name"): x.get("partitions")
                        for x in server.admin.get("/cluster").json()["nodes"]}
            wait_until(lambda: told() == {x: nodes.owned(x) for x in nodes.nodes}, 10, told)
            found = server.admin.get("/cluster").json()
            mine, *others = found["nodes"]
            assert mine["self"] and mine["name"] == name and mine["ready"]
            assert {x["name"] for x in others} == set(nodes.nodes) - {name}
            assert all(x["state"] == "live" and x["log"] == "works" for x in found["nodes"])
            assert all(x["link"] == "up" and x["role_names"] == "gateway,ingest,aggregate,query"
                       and x["version"] and x["address"] for x in others)
            assert found["unowned"] == []
            shown = run("cluster", "--url", server.url("admin"))
            assert shown.returncode == 0, shown
            lines = shown.stdout.splitlines()
            assert lines[0].split() == ["node", "process", "state", "log", "link",
                                        "partitions"]
            assert f"{name} (asked)" in shown.stdout and len(lines) == 4
            assert max(map(len, lines)) <= 80
        nodes["n3"].kill9()
        wait_until(lambda: len(nodes["n1"].admin.get("/cluster").json()["nodes"]) == 3
                   and "late" in run("cluster", "--url", nodes["n1"].url("admin")).stdout, 20,
                   "the dead one is shown as late")
    with Server() as alone:
        assert "this node is alone" in run("cluster", "--url", alone.url("admin")).stdout


def test_who_dies_is_replaced_within_two_seconds(services):
    with Cluster(services.environment, 3) as nodes, \
            Load(nodes["n2"], clients=4, seed=81) as load:
        enough(load)
        parts = nodes.owned("n1")
        untouched = {part: row for part, row in nodes.rows().items() if part not in parts}
        nodes["n1"].kill9()
        seconds = nodes.seconds_until_taken(parts, "n1")
        rows = nodes.rows()
        assert {part: rows[part] for part in untouched} == untouched, "no other one moved"
        enough(load)
        nodes["n1"].start()
        nodes.await_even()
        enough(load)
        load.__exit__(None)
        end_all(nodes, services, load.journal, "a node killed")
    print(f"kill -9: partitions {parts} of n1 ran elsewhere after {seconds:.2f} s")
    assert seconds < 2 * PATIENCE


def test_who_hangs_is_replaced_and_applies_nothing_when_it_goes_on(services):
    with Cluster(services.environment, 3) as nodes, \
            Load(nodes["n2"], clients=4, seed=83) as load:
        enough(load)
        parts = nodes.owned("n1")
        process = nodes["n1"].process
        os.kill(process.pid, signal.SIGSTOP)
        seconds = nodes.seconds_until_taken(parts, "n1")
        enough(load)
        os.kill(process.pid, signal.SIGCONT)
        nodes.await_even()
        fenced = gauge(nodes["n1"], "footfall_partitions_fenced_total")
        enough(load)
        load.__exit__(None)
        end_all(nodes, services, load.journal, "a node stopped for a while")
    print(f"SIGSTOP: partitions {parts} of n1 ran elsewhere after {seconds:.2f} s; "
          f"{fenced:g} applies fenced")
    assert seconds < 5 * PATIENCE


def test_who_leaves_hands_over_at_once(services):
    with Cluster(services.environment, 3) as nodes, \
            Load(nodes["n2"], clients=4, seed=84) as load:
        enough(load)
        parts = nodes.owned("n1")
        nodes["n1"].process.send_signal(signal.SIGTERM)
        seconds = nodes.seconds_until_taken(parts, "n1")
        assert nodes["n1"].process.wait(20) == 0, nodes["n1"].stderr()
        names = [row[0] for row in services.sql("SELECT name FROM public.cluster_nodes")]
        assert sorted(names) == ["n2", "n3"]
        enough(load)
        load.__exit__(None)
        assert set(load.journal.answers) == {200}, load.journal.answers
        end_all(nodes, services, load.journal, "a node left")
    print(f"SIGTERM: partitions {parts} of n1 ran elsewhere after {seconds:.2f} s")
    assert seconds < 1.5 * PATIENCE


def test_of_two_nodes_under_one_name_the_later_stays(services):
    with Cluster(services.environment, 2) as nodes:
        first = nodes["n1"]
        with Server(*links("n1"), environment=services.environment, ports=fixed_ports()) as second:
            assert first.process.wait(20) == ANOTHER_RUNS, first.stderr()
            assert "another process has joined the cluster as node n1" in first.stderr()
            nodes.nodes["n1"] = second
            nodes.await_even()


def test_a_node_outside_the_cluster_is_refused_and_one_inside_waits_for_it(services):
    with Cluster(services.environment, 1) as nodes, \
            Server(environment=services.environment, start=False) as alone:
        assert nodes.owned("n1") == [0, 1, 2, 3]
        assert alone.launch().wait(40) == ANOTHER_RUNS, alone.stderr()
        assert "--cluster-listen" in alone.stderr()


def test_settings_that_make_no_cluster():
    def refused(*options: str, **environment: str) -> str:
        done = run("serve", *options, environment=environment)
        assert done.returncode != 0 and done.stdout == "", done
        return done.stderr

    listen = ("--cluster-listen", "127.0.0.1:0", "--cluster-insecure")
    assert "give --kafka-broker (KAFKA_BROKER) and --database-url (DATABASE_URL) too" in refused(
        *listen)
    needs_both = "without the roles ingest and aggregate a node needs no Kafka"
    assert needs_both in refused(*listen, "--roles", "ingest,query")
    assert "give --database-url (DATABASE_URL) too" in refused(*listen, "--roles", "query")
    assert "finds the other nodes by them; give --cluster-seeds" in refused(
        *listen, "--roles", "gateway")
    for wrong in ("nowhere", "127.0.0.1:1,", "0.0.0.0:9"):
        assert "is no address of a node; give host:port" in refused(
            *listen, "--roles", "gateway", "--cluster-seeds", wrong)
    assert "10.0.0.1:9 is not of this machine" in refused(
        *listen, "--roles", "gateway", "--cluster-seeds", "127.0.0.1:1,10.0.0.1:9")
    assert "of no use without --cluster-listen" in refused("--cluster-seeds", "127.0.0.1:1")
    assert "of no use without --cluster-listen" in refused("--node-name", "a")
    assert "of no use without --cluster-listen" in refused("--lease-seconds", "5")
    assert "of no use without --cluster-listen" in refused("--cluster-insecure")
    both = {"KAFKA_BROKER": "127.0.0.1:1", "DATABASE_URL": "postgresql://a@127.0.0.1:1/b"}
    assert "give --cluster-ca, --cluster-cert, --cluster-key too (footfall certs" in refused(
        "--cluster-listen", "127.0.0.1:0", **both)
    assert "give --cluster-key too" in refused(*links("n1")[:-2], **both)
    assert "--cluster-ca" in refused("--cluster-listen", "10.0.0.1:9", "--cluster-insecure", **both)
    assert "no other node can dial 0.0.0.0:9" in refused(
        "--cluster-listen", "0.0.0.0:9", **both)
    another = links("n1")
    another[another.index("--node-name") + 1] = "n2"
    assert "is for n1, localhost" in refused(*another, **both)
    missing = links("n1")
    missing[-1] += ".not"
    assert ".not" in refused(*missing, **both)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = links("n1")
        busy[1] = f"127.0.0.1:{taken.getsockname()[1]}"
        assert "cannot link to other nodes" in refused(*busy, **both)
    assert "give host:port" in refused("--cluster-listen", "nowhere", **both)
    assert "node-name" in refused(*listen, "--node-name", "no name", **both)
    assert "2 to 60" in refused(*listen, "--lease-seconds", "1", **both)


def test_a_store_that_hangs_or_restarts_moves_nothing(tmp_path):
    with OwnServices(tmp_path) as own, \
            Cluster(own.environment(), 3) as nodes:
        with Load(nodes["n2"], clients=2, seed=85, pages=Pages(20), pause=0.05) as load:
            enough(load)
            owners = nodes.owners()
            moves = sum(gauge(x, "footfall_partitions_taken_total") for x in nodes.nodes.values())
            own.run("pause", "postgres")
            time.sleep(10)
            own.run("resume", "postgres")
            nodes.await_even()
            enough(load)
            own.run("kill9", "postgres")
            time.sleep(2)
            own.run("start", "postgres")
            nodes.await_even()
            enough(load)
            assert nodes.owners() == owners
            # Each claimed its own anew, as its lease was over, and nothing else.
            more = sum(gauge(x, "footfall_partitions_taken_total")
                       for x in nodes.nodes.values()) - moves
        *others, last = nodes.nodes.values()
        for server in others:
            server.terminate()
        nodes.await_even()
        end_and_check(last, load.journal, postgres_rows(nodes.environment),
                      "PostgreSQL frozen 10 s and killed under three nodes")
    print(f"PostgreSQL away twice: {more:g} claims, no move")


def test_any_node_shows_the_actors_of_all(services):
    with Cluster(services.environment, 3) as nodes:
        asked = nodes["n1"].admin
        all_of = asked.get("/actors", name="partition").json()
        assert [x["name"] for x in all_of["nodes"]] == ["n1", "n2", "n3"]
        assert all_of["total"] == 12 and len(all_of["actors"]) == 12
        assert {x["node"] for x in all_of["actors"]} == set(nodes.nodes)
        tree = asked.get("/actors", name="partition", view="tree", node="n2").json()
        assert [(x["name"], x["node"]) for x in tree["tree"]] == [("supervisor", "n2")]
        for row in all_of["actors"]:
            one = asked.get(f"/actors/{row['node']}/{row['id']}")
            assert one.status == 200, one
            assert one.json()["key"] == row["key"] and one.json()["fields"]
        assert asked.get("/actors/n2/999999999").status == 404
        assert asked.get("/actors/n4/1").status == 404
        assert asked.get("/actors", node="n4").status == 404
        shown = run("actors", "--name", "gateway", "--url", nodes["n3"].url("admin"))
        assert shown.stdout.splitlines()[0].split()[:3] == ["node", "id", "name"], shown
        assert len(shown.stdout.splitlines()) == 4
        os.kill(nodes["n2"].process.pid, signal.SIGSTOP)
        try:
            def missing() -> dict:
                return {x["name"]: x["error"] for x in asked.get("/actors").json()["nodes"]
                        if "error" in x}
            assert missing() == {"n2": "it did not answer within a second"}
            wait_until(lambda: "there is no link to it" in missing().get("n2", ""), 10, missing)
            shown = run("actors", "--name", "gateway", "--url", nodes["n1"].url("admin"))
            assert "without n2: there is no link to it" in shown.stdout, shown
        finally:
            os.kill(nodes["n2"].process.pid, signal.SIGCONT)
