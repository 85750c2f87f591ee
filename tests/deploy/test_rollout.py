"""The dev overlay's pods as processes in network namespaces, rolled, drained and scaled under load: no event lost, none twice; no container engine, no scheduler and no kube-proxy took part."""
import redis
import psycopg
import pytest

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


@pytest.fixture
def place(tmp_path):
    """A network with Kafka, PostgreSQL and Redis on its bridge, and the Secrets of the overlay."""
    made = run("certs", "--out", str(tmp_path / "authority"), "nobody")
    assert made.returncode == 0, made
    authority = {"tls.crt": (tmp_path / "authority/ca.pem").read_text(),
                 "tls.key": (tmp_path / "authority/ca.key").read_text()}
    with Network(*SLOTS) as network, \
            OwnServices(tmp_path / "services", address=network.address) as own:
        where = own.environment()
        host, port = where["REDIS_ADDR"].split(":")
        redis.Redis(host, int(port)).config_set("requirepass", PASSWORD)
        (tmp_path / "pods").mkdir()
        secrets = {"footfall-authority": authority, "footfall-secrets": {
            "database-url": where["DATABASE_URL"], "redis-password": PASSWORD}}
        names = {"redpanda:9092": where["KAFKA_BROKER"], "redis:6379": where["REDIS_ADDR"]}
        place = Place(network, tmp_path / "pods", World(render(ROOT / "k8s/overlays/dev"), {}),
                      secrets, names)
        place.database = where
        for path in (tmp_path, *tmp_path.parents):  # The pods' user goes through them.
            if path.stat().st_uid == 0 and str(path).startswith("/tmp/"):
                path.chmod(path.stat().st_mode | 0o011)
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


def test_updates_drains_and_scaling_lose_nothing(place):
    with Rollout(place) as cluster:
        count, newest = migrations(place)  # Nine pods began at once, on an empty database.
        assert count == newest > 0
        turns = [Turns(cluster, f"footfall-{x}", "ingest") for x in ("ingest", "gateway")]
        asked = [Turns(cluster, f"footfall-{x}", "query") for x in ("query", "gateway")]
        load = ServiceLoad(turns, clients=4, seed=7, pages=Pages(60), users=20, pause=0.02)
        least = {x: 2 for x in cluster.wanted}
        with load, Readers(asked, load.journal) as readers, cluster.always_ready(least):
            await_more(load, 100)
            old = {p.name for pods in cluster.pods.values() for p in pods}
            cluster.roll_all()
            new = {p.name for pods in cluster.pods.values() for p in pods}
            assert len(new) == 9 and {x for x in old & new} == {
                f"footfall-node-{i}" for i in range(3)}
            assert all(p.revision == 2 for pods in cluster.pods.values() for p in pods)
            await_more(load, 100)
            cluster.drain("machine-b")
            assert not any(p.machine == "machine-b" for pods in cluster.pods.values()
                           for p in pods)
            await_more(load, 100)
            cluster.scale("footfall-node", 5)
            await_more(load, 100)
            cluster.scale("footfall-node", 2)
            await_more(load, 100)
        print(f"{len(cluster.ends)} pods ended, the slowest in {max(cluster.ends):.1f} s; answers "
              f"to readers {dict(readers.answers)}")
        finish(cluster, load, "rolled, drained, scaled")
        assert cluster.restarts() == 0
        assert migrations(place) == (count, newest)
        assert set(load.journal.answers) == {200}, load.journal.answers
        assert not readers.odd, readers.odd[:5]
