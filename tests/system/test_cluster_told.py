"""What the nodes of a cluster hear of each other's partitions: clicks that another producer
misplaced, stops; and a schema that a newer program has taken one step on."""
import time

import psycopg
import pytest

from cluster import Cluster
from footfall import PATIENCE, wait_until
from services import Services
from stopped import command
from topics import Topic

PAGES = [f"/{i}" for i in range(8)]


@pytest.fixture
def services():
    with Services("KAFKA_BROKER", "DATABASE_URL") as running:
        yield running


def click(number: int, page: str) -> dict:
    return {"event_id": f"e-{number}", "user_id": "ada", "event_type": "click", "page_url": page}


def post(server, number: int, page: str):
    return server.ingest.post("/v1/events", click(number, page))


def answers(nodes: Cluster) -> set[tuple]:
    """Count and whole page of each page at each node, and where they came from."""
    found = set()
    for server in nodes.alive().values():
        for page in PAGES:
            count = server.query.get("/v1/stats/count", user_id="ada", page_url=page).json()
            whole = server.query.get("/v1/stats/page", page_url=page).json()
            found |= {(page, count["count"], count["source"]),
                      (page, whole["clicks"], whole["source"])}
    return found


def test_clicks_in_partitions_of_others_are_in_all_answers(services):
    topic = Topic(services.environment)
    with Cluster(services.environment, 2) as nodes:
        for i, page in enumerate(PAGES):
            assert post(nodes["n1"], i, page).status == 200
        wait_until(lambda: {x[2] for x in answers(nodes)} <= {"cache", "actor"}
                   and {x[1] for x in answers(nodes)} == {1}, 20, lambda: answers(nodes))
        number = 100
        for wanted in (2, 3, 4):
            # Every page in one partition: most belong to another, half to the other node.
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            topic.produce([{**click(number + i, page), "time_stamp": stamp}
                           for i, page in enumerate(PAGES)], partition=wanted % 4)
            number += 100
            began = time.monotonic()
            wait_until(lambda: {x[1] for x in answers(nodes)} == {wanted}, 10,
                       lambda: f"all are {wanted}: {answers(nodes)}")
            print(f"misplaced clicks were in all answers after {time.monotonic() - began:.2f} s")
            for _ in range(5):
                assert {x[1] for x in answers(nodes)} == {wanted}
        for server in nodes.alive().values():
            assert "footfall_memory_doubted 1" in server.admin.get("/metrics").text
            wait_until(lambda: "answering from memory fails" in server.stderr(), 5, server.stderr)
        # Then they answer from memory again, and clicks that are not misplaced count at once.
        wait_until(lambda: {x[2] for x in answers(nodes)} <= {"cache", "actor"}, 30,
                   lambda: answers(nodes))
        for i, page in enumerate(PAGES):
            assert post(nodes["n2"], 1000 + i, page).status == 200
        wait_until(lambda: {x[1] for x in answers(nodes)} == {5}, 10, lambda: answers(nodes))
        for server in nodes.alive().values():
            assert server.audit()["ok"] is True


def test_a_stopped_partition_takes_no_posts_at_any_node(services):
    topic = Topic(services.environment)
    with Cluster(services.environment, 2) as nodes:
        for i, page in enumerate(PAGES):
            assert post(nodes["n1"], i, page).status == 200
        wait_until(lambda: {x[1] for x in answers(nodes)} == {1}, 20, lambda: answers(nodes))
        topic.make_anew()
        for name in nodes.nodes:
            wait_until(lambda: nodes.states(name) == ["stopped"] * 4, 30,
                       lambda: f"all stopped: {nodes.states(name)}")
        for server in nodes.alive().values():
            for i, page in enumerate(PAGES):
                answer = post(server, 100 + i, page)
                assert answer.status == 503, answer
                assert answer.json()["type"].endswith("partition_stopped"), answer
                assert "--new-generation" in answer.text
        rows = nodes["n1"].admin.get("/admin/partitions").json()["partitions"]
        assert sum("(seen by node n2)" in x["reason"] for x in rows) == 2, rows
        done = command(nodes["n1"], "partitions", "--new-generation", "--yes")
        assert done.returncode == 0, done
        nodes.await_even(30)
        for number, server in enumerate(nodes.alive().values()):
            for i, page in enumerate(PAGES):
                wait_until(lambda: post(server, 200 + 100 * number + i, page).status == 200, 10)
        wait_until(lambda: {x[1] for x in answers(nodes)} == {3}, 20, lambda: answers(nodes))


def test_nodes_go_on_beside_a_newer_schema(services):
    with Cluster(services.environment, 2) as nodes:
        assert post(nodes["n1"], 1, PAGES[0]).status == 200
        with psycopg.connect(services.environment["DATABASE_URL"], autocommit=True) as session:
            session.execute("ALTER TABLE public.partition_progress ADD COLUMN later int DEFAULT 1")
            session.execute("ALTER TABLE public.cluster_nodes ADD COLUMN later int DEFAULT 1")
            newest = session.execute("INSERT INTO core.migrations (version, name)"
                                     " SELECT max(version) + 1, 'later' FROM core.migrations"
                                     " RETURNING version").fetchone()[0]
        for i, page in enumerate(PAGES):
            assert post(nodes["n2"], 10 + i, page).status == 200
        wait_until(lambda: {x[1] for x in answers(nodes)} <= {1, 2}, 20, lambda: answers(nodes))
        nodes["n2"].kill9()
        nodes.await_even()
        assert nodes["n1"].audit()["ok"] is True
        nodes["n2"].launch()
        assert nodes["n2"].process.wait(timeout=30 * PATIENCE) != 0
        assert f"schema version {newest}" in nodes["n2"].stderr()
        assert "run a newer Footfall" in nodes["n2"].stderr()
