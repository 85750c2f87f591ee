"""Real faults to a stand-in for Slack; discovery by a stand-in API. Unproven: Slack, Kubernetes."""
import contextlib
import http.server
import json
import threading
import time
from typing import Any, Iterator

import pytest
import yaml

from footfall import ROOT, Server, run, wait_until
from journal import gauge
from monitoring import FOLDER, Monitoring, check
from own_services import OwnServices
from ports import fixed_ports
from services import Services
from small_disk import fill, small_disk

FASTER = 10  # Of what takes minutes; the first test waits as long as shipped.


def event(number: int) -> dict[str, str]:
    return {"event_id": f"e-{number}", "user_id": "ada", "event_type": "click", "page_url": "/a"}


@contextlib.contextmanager
def clicks(server: Server) -> Iterator[None]:
    """Some clicks a second, whatever is answered."""
    over = threading.Event()

    def send() -> None:
        number = 0
        while not over.wait(0.2):
            number += 1
            with contextlib.suppress(OSError), contextlib.closing(server.client("ingest")) as to:
                to.post("/v1/events", event(number))

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def watching(server: Server, faster: int = FASTER) -> Monitoring:
    return Monitoring({("footfall", "shop"): [server.address("admin")]}, faster)


def is_seen(watch: Monitoring) -> None:
    wait_until(lambda: [x["value"][1] for x in watch.query('up{job="footfall"}')] == ["1"], 60,
               "Prometheus sees the node")


def only(watch: Monitoring, alert: str) -> bool:
    assert {x.split("] ")[1] for x in watch.slack.titles()} == {f"{alert} in shop"}, \
        watch.slack.titles()
    return True


def test_a_killed_node_is_told_within_a_minute_and_so_is_its_return():
    """With the shipped intervals: only addresses are others."""
    with Server(ports=fixed_ports()) as server, watching(server, 1) as watch:
        is_seen(watch)
        server.kill9()
        killed = time.monotonic()
        when, told = watch.slack.await_title("[FIRING critical] FootfallNodeDown in shop", 90)
        print(f"told {when - killed:.1f} s after the kill: {told}")
        assert when - killed < 60
        assert told["color"] == "danger"
        assert f"{server.address('admin')} is down" in told["text"]
        assert "docs/operations.md#footfallnodedown" in told["text"]
        server.start()
        started = time.monotonic()
        when, told = watch.slack.await_title("[RESOLVED] FootfallNodeDown in shop", 120)
        print(f"its end was told {when - started:.1f} s after the start")
        assert told["color"] == "good" and "Resolved at" in told["text"]
        only(watch, "FootfallNodeDown")


@pytest.fixture
def own(tmp_path) -> Iterator[OwnServices]:
    with OwnServices(tmp_path / "services") as services:
        yield services


def test_a_lost_database_tells_of_itself_alone(own):
    with Server(environment=own.environment()) as server, watching(server) as watch:
        is_seen(watch)
        with clicks(server):
            wait_until(lambda: gauge(server, "footfall_records_applied_total") > 0, 20, "clicks")
            own.run("kill9", "postgres")
            watch.slack.await_title("[FIRING critical] FootfallStoreDown", 60)
            # What follows from it fires too, and nobody is told.
            wait_until(lambda: watch.firing() >= {"FootfallNotReady", "FootfallLag"}, 120,
                       lambda: f"consequences; there are {watch.firing()}")
            only(watch, "FootfallStoreDown")
            own.run("start", "postgres")
            watch.slack.await_title("[RESOLVED] FootfallStoreDown", 120)


def test_a_full_disk_tells_of_itself_alone(tmp_path):
    with small_disk(tmp_path / "disk", 256 << 20) as disk, \
            Server(data=disk / "data") as server, watching(server) as watch:
        is_seen(watch)
        assert server.ingest.post("/v1/events", event(0)).status == 200
        with clicks(server):
            filler = fill(disk)
            _, told = watch.slack.await_title("[FIRING critical] FootfallDiskFull", 60)
            assert "0% left" in told["text"]
            wait_until(lambda: watch.firing() >= {"FootfallDiskFilling", "FootfallLogDown"}, 180,
                       lambda: f"consequences; there are {watch.firing()}")
            only(watch, "FootfallDiskFull")
            filler.unlink()
            watch.slack.await_title("[RESOLVED] FootfallDiskFull", 120)


def test_a_certificate_in_its_last_day_tells_of_itself_alone(tmp_path):
    done = run("certs", "--days", "1", "--out", str(tmp_path), "one")
    assert done.returncode == 0, done
    options = ["--cluster-listen", "127.0.0.1:0", "--node-name", "one",
               "--cluster-ca", f"{tmp_path}/ca.pem", "--cluster-cert", f"{tmp_path}/one.pem",
               "--cluster-key", f"{tmp_path}/one.key"]
    with Services() as services, \
            Server(*options, environment=services.environment) as server, \
            watching(server) as watch:
        is_seen(watch)
        _, told = watch.slack.await_title("[FIRING critical] FootfallCertificateExpires ", 60)
        assert "ends in 23h 5" in told["text"] or "ends in 1d 0h" in told["text"], told
        wait_until(lambda: "FootfallCertificateExpiresSoon" in watch.firing(), 60, "the other one")
        only(watch, "FootfallCertificateExpires")


def pod(name: str, app: str, port: str, address: str, phase: str = "Running") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "shop", "uid": name, "labels": {
                "app.kubernetes.io/name": app, "app.kubernetes.io/component": "node"}},
            "spec": {"nodeName": "m", "containers": [{"name": "c", "image": "x", "ports": [
                {"name": "cluster", "containerPort": 4242, "protocol": "TCP"},
                {"name": port, "containerPort": 8082, "protocol": "TCP"}]}]},
            "status": {"phase": phase, "podIP": address, "hostIP": "10.0.0.1"}}


PODS = [pod("footfall-node-0", "footfall", "admin", "10.1.0.1"),
        pod("footfall-migrate-x", "footfall", "admin", "10.1.0.2", "Succeeded"),
        pod("other-0", "other", "admin", "10.1.0.3"),
        pod("alertmanager-0", "alertmanager", "web", "10.1.0.4"),
        pod("postgres-exporter-x", "postgres-exporter", "metrics", "10.1.0.5"),
        pod("redis-exporter-x", "redis-exporter", "metrics", "10.1.0.6")]


@pytest.fixture
def pods() -> Iterator[str]:
    """A stand-in for the Kubernetes API that lists these pods, and where it is."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            watch = "watch=" in self.path
            body = b"" if watch else json.dumps({
                "kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"},
                "items": PODS if "/pods" in self.path else []}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)
            if watch:
                over.wait(60)

        def log_message(self, *_: Any) -> None:
            pass

    over = threading.Event()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        over.set()
        server.shutdown()
        server.server_close()


def test_kubernetes_discovery_finds_the_right_pods(pods, tmp_path):
    promtool = check(ROOT / "scripts/newer-promtool").split()[0]
    path = tmp_path / "kubernetes.yml"
    check(promtool, "check", "config", FOLDER / "prometheus/kubernetes.yml")
    tree = yaml.safe_load((FOLDER / "prometheus/kubernetes.yml").read_text())
    del tree["rule_files"]
    manager = tree["alerting"]["alertmanagers"][0]
    manager["kubernetes_sd_configs"][0]["namespaces"] = {"names": ["shop"]}  # It runs in no pod.
    # promtool looks at jobs alone: the way to Alertmanager becomes one for this.
    tree["scrape_configs"].append({"job_name": "alertmanager", **manager})
    del tree["alerting"]
    for job in tree["scrape_configs"]:
        job["kubernetes_sd_configs"][0]["api_server"] = pods
    path.write_text(yaml.safe_dump(tree))
    found = {}
    for job in ("footfall", "postgres", "redis", "alertmanager"):
        text = check(promtool, "check", "service-discovery", "--timeout=3s", path, job)
        targets, _ = json.JSONDecoder().raw_decode(text, text.index("["))
        found[job] = [x["labels"] for x in targets if x["labels"]]
    seen = {job: [(x["__address__"], x.get("namespace"), x["instance"]) for x in labels]
            for job, labels in found.items()}
    assert seen == {
        "footfall": [("10.1.0.1:8082", "shop", "footfall-node-0")],
        "postgres": [("10.1.0.5:8082", "shop", "postgres-exporter-x")],
        "redis": [("10.1.0.6:8082", "shop", "redis-exporter-x")],
        "alertmanager": [("10.1.0.4:8082", None, "10.1.0.4:8082")]}
    assert found["footfall"][0]["component"] == "node"
