"""Compose on an engine: a node killed, one cut off, exact counts; unproven: vendors' images."""
import json
import os
import pathlib
import re
import subprocess
import sys

import psycopg
import pytest

from containers import HARDENED, ContainedLoad, ContainedServer
from doc_commands import Reader
from engine import COMPOSE, Engine, image_script
from footfall import ROOT, Client, wait_until
from journal import Check, audit_of, gauge

VERSION = re.search(r"project\(footfall VERSION (\S+)",
                    (ROOT / "CMakeLists.txt").read_text()).group(1)
IMAGE = f"localhost/footfall:{VERSION}"
NODES = {"footfall-1": 8080, "footfall-2": 8180, "footfall-3": 8280}
CLICK = {"event_id": "e-1", "user_id": "ada", "event_type": "click", "page_url": "/x"}


class Project:
    """What a Compose file brings up, on the stand-ins."""

    def __init__(self, engine: Engine, file: str, secrets: pathlib.Path | None = None,
                 **settings: str):
        self.engine = engine
        self.files = ("--file", ROOT / "compose" / file, "--file", ROOT / "compose/ci.yaml")
        self.settings = {"DOCKER_HOST": engine.host, "FOOTFALL_IMAGE": IMAGE,
                         "SECRETS": str(secrets), "COMPOSE_DISABLE_ENV_FILE": "1", **settings}

    def compose(self, *words: str, seconds: float = 240) -> str:
        done = subprocess.run([COMPOSE, *self.files, *words], capture_output=True, text=True,
                              env={**os.environ, **self.settings}, timeout=seconds)
        assert done.returncode == 0, (
            f"compose {words}: {done.stderr[-3000:]}\n"
            + (self.compose("logs", "--tail", "20") if words[0] == "up" else ""))
        return done.stdout

    def up(self, *words: str) -> None:
        self.compose("up", "--detach", "--no-build", "--wait", *words)

    def container(self, service: str) -> str:
        return self.compose("ps", "--all", "--format", "{{.Name}}", service).strip()

    def address_of(self, service: str) -> str:
        """In the engine's network; it changes when the container is connected again."""
        networks = json.loads(self.engine.docker(
            "inspect", self.container(service)))[0]["NetworkSettings"]["Networks"]
        return next(iter(networks.values()))["IPAddress"]


@pytest.fixture(scope="module")
def engine():
    print(image_script("build"))
    print(image_script("stand-ins"))
    with Engine() as running:
        running.load(IMAGE)
        running.load("localhost/footfall-stand-ins:ci")
        yield running


@pytest.fixture
def project(engine, tmp_path):
    subprocess.run([ROOT / "scripts/compose-secrets", tmp_path / "secrets"], check=True,
                   capture_output=True, timeout=30)
    made = Project(engine, "compose.yaml", tmp_path / "secrets")
    yield made
    made.compose("--profile", "single", "--profile", "monitoring", "down", "--volumes")


def cluster(project: Project) -> dict[str, ContainedServer]:
    return {name: ContainedServer(project.engine, project.container(name), first_port=port)
            for name, port in NODES.items()}


def partitions(server: ContainedServer) -> dict[str, list[int]]:
    """Who has which, as one node knows; only of those that it has a link to."""
    nodes = server.admin.get("/cluster").json()["nodes"]
    return {node["name"]: node["partitions"] for node in nodes
            if node["self"] or node.get("link") == "up"}


def await_spread(nodes: dict[str, ContainedServer], *alive: str) -> None:
    """Until all partitions are at these nodes, evenly, by links between all of them."""
    def is_even() -> bool:
        spreads = [partitions(nodes[name]) for name in alive]
        return all(set(x) == set(alive) and sorted(p for y in x.values() for p in y)
                   == list(range(6)) and {len(y) for y in x.values()} == {6 // len(alive)}
                   for x in spreads)
    wait_until(is_even, 60, lambda: {name: partitions(nodes[name]) for name in alive})


def rows_of(project: Project, secrets: pathlib.Path):
    url = (secrets / "database_url").read_text().strip().replace(
        "@postgres:", f"@{project.address_of('postgres')}:")

    def rows(statement: str) -> list[tuple]:
        with project.engine.inside(), psycopg.connect(url) as session:
            return session.execute(statement).fetchall()
    return rows


def settle(nodes: dict[str, ContainedServer], load: ContainedLoad) -> None:
    """Until each node knows what was acknowledged, and all of it is folded."""
    after = ",".join(f"{x}:{y}" for x, y in load.journal.reached.items())
    for name, server in nodes.items():
        wait_until(lambda: server.query.get("/v1/stats/page", page_url="/page/0", headers={
            "Footfall-After": after}).status == 200, 60, f"{name} has applied everything")
    wait_until(lambda: all(gauge(server, f"footfall_{what}") == 0 for server in nodes.values()
                           for what in ("requests_in_flight", "partition_lag_records",
                                        "partition_unfolded_records")), 60, "all is folded")


def more(load: ContainedLoad, count: int = 300) -> None:
    sent = load.accepted()
    wait_until(lambda: load.accepted() > sent + count, 60, "events are accepted")


def totals(server: ContainedServer) -> dict[str, int]:
    pages = server.query.get("/v1/stats/top-pages", limit=1000).json()["pages"]
    return {page["page_url"]: page["clicks"] for page in pages}


def test_three_nodes_through_a_kill_and_a_cut(project, tmp_path):
    project.up()
    nodes = cluster(project)
    for server in nodes.values():
        assert server.hardened() == HARDENED
    await_spread(nodes, *NODES)
    third = nodes["footfall-3"]
    with ContainedLoad(nodes["footfall-1"], nodes["footfall-2"], clients=4) as load:
        more(load)
        pid = third.pid()
        third.kill9()
        more(load)
        third.await_restart(pid)
        await_spread(nodes, *NODES)
        project.engine.docker("network", "disconnect", "footfall_default", third.name)
        await_spread(nodes, "footfall-1", "footfall-2")
        project.engine.await_health(third.name, "unhealthy")
        assert project.engine.state(third.name)["Running"], "it can recover by itself"
        more(load)
        project.engine.docker("network", "connect", "--alias", "footfall-3", "footfall_default",
                              third.name)
        project.engine.await_health(third.name, "healthy")
        await_spread(nodes, *NODES)
        more(load)
    settle(nodes, load)
    check = Check(load.journal, rows_of(project, tmp_path / "secrets"))
    print(f"compose: {check.figures()}")
    assert not check.problems, check.problems
    counted = {page: clicks for page, (clicks, _) in check.totals.items()}
    for name, server in nodes.items():
        audit = audit_of(server)
        assert audit["ok"], (name, audit)
        assert totals(server) == counted, name
    # A stop in order ends each node with 0, and what was counted is there afterwards.
    project.compose("stop")
    for name in [server.name for server in nodes.values()] + [project.container("postgres")]:
        assert project.engine.state(name)["ExitCode"] == 0, project.engine.docker(
            "logs", "--tail", "50", name)
    project.compose("down")
    project.up()
    assert totals(cluster(project)["footfall-2"]) == counted


def test_one_embedded_node_keeps_its_counts(project):
    project.up("single")
    assert project.compose("ps", "--services").split() == ["single"]
    server = ContainedServer(project.engine, project.container("single"), first_port=8380)
    assert server.hardened() == HARDENED
    with ContainedLoad(server, clients=2) as load:
        more(load)
    settle({"single": server}, load)
    counted = totals(server)
    assert sum(counted.values()) == len(load.journal.ids("accepted"))
    project.compose("--profile", "single", "down")
    project.up("single")
    again = ContainedServer(project.engine, project.container("single"), first_port=8380)
    assert totals(again) == counted and audit_of(again)["ok"]


def test_a_missing_secret_ends_the_start(project, tmp_path):
    (tmp_path / "secrets/database_url").unlink()
    with pytest.raises(AssertionError, match="database_url"):
        project.up()


def test_monitoring_sees_every_target(project, tmp_path):
    (tmp_path / "secrets/slack_webhook_url").write_text("http://127.0.0.1:1/hook\n")
    # Grafana has no stand-in.
    project.up(*NODES, "prometheus", "alertmanager", "postgres-exporter", "redis-exporter")
    prometheus = project.engine.client("127.0.0.1:9090")

    def result(query: str) -> list[dict]:
        answer = prometheus.get("/api/v1/query", query=query)
        return answer.json()["data"]["result"] if answer.status == 200 else []
    wait_until(lambda: sorted(x["metric"]["job"] for x in result("up == 1"))
               == ["footfall"] * 3 + ["postgres", "redis"], 60, lambda: result("up"))
    for metric in ("pg_up", "redis_up", 'min(footfall_ready{role="query"})'):
        wait_until(lambda: [x["value"][1] for x in result(metric)] == ["1"], 60,
                   lambda: (metric, result(metric)))
    assert prometheus.get("/api/v1/rules").json()["data"]["groups"]
    alertmanagers = prometheus.get("/api/v1/alertmanagers").json()["data"]
    assert len(alertmanagers["activeAlertmanagers"]) == 1, alertmanagers


CALL = """
import sys, grpc
call = grpc.insecure_channel("127.0.0.1:50051").unary_unary(
    "/analytics.AnalyticsService/GetEventCount")
print(call(b"\\x0a\\x03ada\\x12\\x02/x", timeout=10).hex())
"""


def test_the_clients_of_the_reference(engine):
    project = Project(engine, "reference.yaml", POSTGRES_USER="user", POSTGRES_DB="events",
                      POSTGRES_PASSWORD="password", KAFKA_TOPIC="clicks", REDIS_HOST="redis",
                      KAFKA_BROKER="redpanda:29092")
    try:
        project.up()
        ingest, gateway = engine.client("127.0.0.1:8080"), engine.client("127.0.0.1:8081")
        for _ in range(3):
            answer = ingest.post("/ingest", CLICK)
            assert answer.status == 200 and answer.json()["event_id"] == "e-1", answer
        asked = {"user_id": "ada", "page_url": "/x"}
        wait_until(lambda: count_of(gateway, asked) == 1, 20, "it is counted once")
        said = engine.run(sys.executable, "-c", CALL)
        assert said.stdout == "08011203616461" + "1a022f78\n", said
        # The names that the reference's services have on its network.
        for name in ("ingestion", "api-gateway", "analytics", "processor"):
            engine.docker("exec", project.container("redis"), "bash", "-c",
                          f"</dev/tcp/{name}/8080")
        assert engine.client("127.0.0.1:8083").get("/readyz").status == 200
    finally:
        project.compose("down", "--volumes")


def count_of(gateway: Client, asked: dict[str, str]) -> int:
    """As the reference's own front end asks: a GET with a body."""
    answer = gateway.request("GET", "/analytics/events", asked)
    assert answer.status == 200, answer
    return answer.json()["count"]


def test_the_commands_of_the_document_work(engine, tmp_path):
    engine.docker("tag", IMAGE, f"footfall:{VERSION}")
    reader = Reader(engine, tmp_path, {
        "scripts/compose-secrets": f"scripts/compose-secrets {tmp_path}/secrets",
        ".yaml ": ".yaml -f compose/ci.yaml "})
    assert reader.run("Compose") >= 12
    engine.docker("volume", "prune", "--force")
