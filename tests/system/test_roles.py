"""Nodes that do not do everything: a gateway that leaves all to others, and one that only works."""
import signal

import psycopg
import pytest

from cluster import Cluster
from footfall import run, wait_until
from journal import Load, end_and_check, gauge
from services import Services

CLICK = {"user_id": "ada", "event_type": "click", "page_url": "/x"}
WORKS = "ingest,aggregate,query"


@pytest.fixture
def services():
    with Services("KAFKA_BROKER", "DATABASE_URL") as running:
        yield running


def test_a_gateway_leaves_all_to_others(services):
    with Cluster(services.environment, 3, roles={"n1": WORKS, "n3": "gateway"}) as nodes:
        gate, worker = nodes["n3"], nodes["n1"]  # It is ready once it has others.
        assert nodes.owned("n3") == [] and len(nodes.owned("n1")) == 2
        assert worker.ready["ingest"] == worker.ready["query"] == worker.ready["grpc"] == ""
        assert "ready: ingest - query - grpc - admin 127.0.0.1:" in worker.stderr()
        assert gate.admin.get("/readyz").status == 200
        assert gate.admin.get("/readyz", role="gateway").status == 200
        assert worker.admin.get("/readyz", role="ingest").status == 200
        lacks = gate.admin.get("/readyz", role="aggregate")
        assert lacks.status == 503 and "does not have the role (--roles)" in lacks.text, lacks
        assert set(gate.admin.get("/readyz").json()["roles"]) == {"gateway"}
        shown = {x["name"]: x["role_names"] for x in gate.admin.get("/cluster").json()["nodes"]}
        assert shown == {"n1": WORKS, "n2": "gateway,ingest,aggregate,query", "n3": "gateway"}

        for number in range(12):
            page = f"/{number}"
            posted = gate.ingest.post("/v1/events", {**CLICK, "page_url": page})
            assert posted.status == 200, posted
            found = gate.query.get("/v1/stats/page", page_url=page, headers={
                "Footfall-After": posted.headers["footfall-position"]})
            assert found.status == 200 and found.json()["clicks"] == 1, found
            part = int(posted.headers["footfall-position"].split(":")[0])
            assert found.headers["footfall-node"] == nodes.owners()[part]
        assert len(gate.query.get("/v1/stats/top-pages", limit=20).json()["pages"]) == 12
        assert gate.query.get("/v1/stats/series", step="hour").json()["points"][-1]["clicks"] == 12
        assert gauge(gate, "footfall_remote_events_total") == 12
        for asked in (gate, nodes["n2"]):  # Over all partitions, whoever has them.
            active = asked.query.get("/v1/stats/active", limit=20)
            assert active.status == 200, active
            assert (active.json()["visitors"], active.json()["clicks"]) == (1, 12), active
            assert len(active.json()["pages"]) == 12, active


def test_what_a_gateway_does_when_those_it_needs_die(services):
    with Cluster(services.environment, 3, roles={"n1": WORKS, "n3": "gateway"}) as nodes:
        gate, worker = nodes["n3"], nodes["n1"]  # It is ready once it has others.
        with Load(gate, clients=4, seed=91) as load:
            wait_until(lambda: load.accepted() >= 60 or load.trouble, 20, "events are accepted")
            worker.kill9()
            wanted = load.accepted() + 200
            wait_until(lambda: load.accepted() >= wanted or load.trouble, 20, "they still are")
        assert gauge(gate, "footfall_remote_events_total") >= wanted
        nodes["n2"].kill9()
        wait_until(lambda: gate.admin.get("/readyz").status == 503, 10, "it can do nothing")
        assert "there is no link to a node with the role ingest" in gate.admin.get("/readyz").text
        refused = gate.ingest.post("/v1/events", CLICK)
        assert refused.status == 503 and "nothing was stored" in refused.text, refused
        assert refused.headers["retry-after"] == "1"
        refused = gate.query.get("/v1/stats/page", page_url="/1")
        assert refused.status == 503 and "no link to a node with the role query" in refused.text
        nodes["n2"].start()
        wait_until(lambda: gate.admin.get("/readyz").status == 200, 20, "it is of use again")
        gate.terminate()
        end_and_check(nodes["n2"], load.journal, services.sql, "a gateway and a worker killed")


def test_a_worker_that_ends_leaves_no_request_without_an_answer(services):
    """As docs/cluster.md says workers are to be started."""
    with Cluster(services.environment, 3, "--drain-delay-s", "2", roles={
            "n1": WORKS, "n3": "gateway"}) as nodes, \
            Load(nodes["n3"], clients=4, seed=92) as load:
        wait_until(lambda: load.accepted() >= 60 or load.trouble, 20, "events are accepted")
        nodes["n1"].terminate()
        wanted = load.accepted() + 100
        wait_until(lambda: load.accepted() >= wanted or load.trouble, 20, "they still are")
        load.__exit__(None)
        assert set(load.journal.answers) == {200}, load.journal.answers
        nodes["n3"].terminate()
        end_and_check(nodes["n2"], load.journal, services.sql, "a worker ended")


def test_who_drains_is_given_nothing_more_before_it_leaves(services):
    """Also a worker that owns no partition, which has nothing to hand over at its end."""
    with Cluster(services.environment, 3, "--drain-delay-s", "4", roles={
            "n1": "ingest", "n3": "gateway"}) as nodes, \
            Load(nodes["n3"], clients=6, seed=93) as load:
        wait_until(lambda: load.accepted() >= 60 or load.trouble, 20, "events are accepted")
        nodes["n1"].process.send_signal(signal.SIGTERM)

        def is_told() -> bool:
            with psycopg.connect(services.environment["DATABASE_URL"]) as session:
                return session.execute("SELECT draining FROM public.cluster_nodes"
                                       " WHERE name = 'n1'").fetchone() == (True,)
        wait_until(is_told, 2, "it says that it drains")
        assert nodes["n1"].process.wait(30) == 0, nodes["n1"].stderr()
        wanted = load.accepted() + 100
        wait_until(lambda: load.accepted() >= wanted or load.trouble, 20, "they still are")
        load.__exit__(None)
        assert set(load.journal.answers) == {200}, load.journal.answers
        nodes["n3"].terminate()
        end_and_check(nodes["n2"], load.journal, services.sql, "a worker without partitions ended")


def test_roles_that_are_none():
    both = {"KAFKA_BROKER": "127.0.0.1:1", "DATABASE_URL": "postgresql://a@127.0.0.1:1/b"}
    for roles, told in (("query,count", 'there is no role "count"; give some of gateway, ingest, '
                                        'aggregate, query, separated by commas'),
                        ("query,,gateway", 'there is no role ""')):
        done = run("serve", "--cluster-listen", "127.0.0.1:0", "--cluster-insecure",
                   "--roles", roles, environment=both)
        assert done.returncode != 0 and told in done.stderr, done
    done = run("serve", "--roles", "gateway")
    assert done.returncode != 0
    assert "of no use without --cluster-listen (FOOTFALL_CLUSTER_LISTEN)" in done.stderr, done
