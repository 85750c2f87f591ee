"""Pods as processes are updated, drained, scaled: each event counts once; no kubelet took part."""
import contextlib
import pathlib
import socket
import subprocess
import tempfile
import time

import psycopg
import pytest
import redis

from footfall import ROOT, run, wait_until
from journal import Check, Pages, gauge
from manifest_world import World
from manifests import render
from namespaces import Network
from own_services import OwnServices
from pods import Place
from rollout import Rollout, Turns
from service_clients import Readers, ServiceLoad
from service_waits import await_more, postgres_rows

SLOTS = [f"p{number}" for number in range(13)]
PASSWORD = "of-redis"


@contextlib.contextmanager
def redis_with_a_password(address: str):
    """As the overlay has it. @yields where."""
    with socket.socket() as free:
        free.bind((address, 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        ["redis-server", "--bind", address, "--port", str(port), "--requirepass", PASSWORD,
         "--save", "", "--appendonly", "no"], stdout=subprocess.DEVNULL)
    try:
        client = redis.Redis(address, port, password=PASSWORD)
        wait_until(lambda: answers(client), 20, "Redis answers")
        yield f"{address}:{port}"
    finally:
        process.kill()
        process.wait()


def answers(client: redis.Redis) -> bool:
    try:
        return client.ping()
    except redis.ConnectionError:
        return False


@pytest.fixture
def place(tmp_path):
    """A network with Kafka, PostgreSQL and Redis on its bridge, and the Secrets of the overlay."""
    made = run("certs", "--out", str(tmp_path / "authority"), "nobody")
    assert made.returncode == 0, made
    authority = {"tls.crt": (tmp_path / "authority/ca.pem").read_text(),
                 "tls.key": (tmp_path / "authority/ca.key").read_text()}
    # Not below pytest's folder, which is root's alone: the pods have another user.
    with tempfile.TemporaryDirectory(prefix="footfall-pods-") as folder, \
            Network(*SLOTS) as network, \
            redis_with_a_password(network.address) as cache, OwnServices(
                tmp_path / "services", "kafka", "postgres", address=network.address) as own:
        where = own.environment()
        secrets = {"footfall-authority": authority, "footfall-secrets": {
            "database-url": where["DATABASE_URL"], "redis-password": PASSWORD}}
        names = {"redpanda:9092": where["KAFKA_BROKER"], "redis:6379": cache}
        place = Place(network, pathlib.Path(folder), World(render(ROOT / "k8s/overlays/dev"), {}),
                      secrets, names)
        place.database = where
        yield place


def finish(cluster: Rollout, load: ServiceLoad, what: str) -> None:
    """All is applied and folded, and the store is held against what clients were told."""
    after = ",".join(f"{x}:{offset}" for x, offset in load.journal.reached.items())
    gate = cluster.ready("footfall-gateway")[0]
    wait_until(lambda: gate.query.get("/v1/stats/page", page_url="/page/0", headers={
        "Footfall-After": after}).status == 200, 60, "everything acknowledged is applied")
    nodes = cluster.ready("footfall-node")
    wait_until(lambda: all(gauge(x, f"footfall_partition_{y}_records") == 0 for x in nodes
                           for y in ("lag", "unfolded")), 60, "everything is folded")
    audit = nodes[0].admin.get("/admin/audit").json()
    check = Check(load.journal, postgres_rows(cluster.place.database))
    print(f"{what}: {check.figures()} audit {'ok' if audit['ok'] else audit['differences']}")
    assert check.problems == [] and audit["ok"]
    assert check.acknowledged


def migrations(place: Place) -> tuple[int, int]:
    with psycopg.connect(place.database["DATABASE_URL"]) as session:
        return session.execute("SELECT count(*), max(version) FROM core.migrations").fetchone()


@contextlib.contextmanager
def told(what: str, load: ServiceLoad):
    """Afterwards, events are still accepted."""
    began = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - began:.1f} s")
    await_more(load, 100)


def test_updates_drains_and_scaling_lose_nothing(place):
    with Rollout(place) as cluster:
        count, newest = migrations(place)  # Nine pods began at once, on an empty database.
        assert count == newest > 0
        turns = [Turns(cluster, f"footfall-{x}", "ingest") for x in ("ingest", "gateway")]
        asked = [Turns(cluster, f"footfall-{x}", "query") for x in ("query", "gateway")]
        load = ServiceLoad(turns, clients=4, seed=7, pages=Pages(60), users=20, pause=0.02)
        with load, Readers(asked, load.journal) as readers:
            await_more(load, 100)
            old = cluster.names()
            with told("an update of all workloads", load), cluster.ready_at_least(
                    cluster.least_in_an_update()):
                cluster.roll_all()
            assert len(cluster.names()) == 9 and old & cluster.names() == {
                f"footfall-node-{number}" for number in range(3)}
            assert all(p.revision == 2 for p in cluster.all())
            with told("a drained machine", load), cluster.ready_at_least(
                    cluster.least_by_budgets()):
                cluster.drain("machine-b")
            assert not any(p.machine == "machine-b" for p in cluster.all())
            with told("3 to 5 nodes", load):
                cluster.scale("footfall-node", 5)
            with told("5 to 2 nodes", load):
                cluster.scale("footfall-node", 2)
        print(f"{len(cluster.ends)} pods ended, the slowest in {max(cluster.ends):.1f} s; answers "
              f"to readers {dict(readers.answers)}")
        finish(cluster, load, "rolled, drained, scaled")
        assert cluster.restarts() == 0
        assert migrations(place) == (count, newest)
        odd = [x for turn in turns + asked for x in turn.odd + turn.refused]
        assert not odd and set(load.journal.answers) == {200}, (odd[:9], load.journal.answers)
