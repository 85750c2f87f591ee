"""docs/metrics.md against running nodes, both ways; metrics that alerts stand on change as said."""
import re
import shutil
import sqlite3
import time
from typing import Any

import pytest

import monitoring
from cluster import Cluster
from footfall import ROOT, Server, wait_until
from journal import gauge
from services import Services
from stopped import server_on_fixed_ports, settled
from tls_server import Tls

DOCUMENT = ROOT / "docs/metrics.md"


def event(number: int) -> dict[str, str]:
    return {"event_id": f"e-{number}", "user_id": "ada", "event_type": "click",
            "page_url": f"/page/{number % 7}"}


def rows() -> dict[str, dict[str, Any]]:
    """The tables of the document."""
    found = {}
    for line in DOCUMENT.read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) != 5 or not cells[0].startswith("`"):
            continue
        labels: dict[str, set[str] | None] = {}
        for part in [] if cells[2] == "-" else cells[2].split(";"):
            name, sign, bounds = re.match(r"\s*`(\w+)`\s*([=:]) (.*)", part).groups()
            labels[name] = set(re.findall(r"`(\w+)`", bounds)) if sign == "=" else None
        found[cells[0].strip("`")] = {"type": cells[1], "labels": labels, "used": cells[4]}
    return found


def use(server: Server) -> None:
    """Something of everything, so that no metric can hide."""
    assert server.ingest.post("/v1/events", [event(n) for n in range(50)]).status == 200
    for n in range(7):
        assert server.query.get("/v1/stats/page", page_url=f"/page/{n}").status == 200


def merge(into: dict[str, dict[str, Any]], server: Server) -> None:
    text = server.admin.get("/metrics").text
    for name, found in monitoring.parse(text).items():
        known = into.setdefault(name, {"type": found["type"], "labels": {}})
        assert known["type"] == found["type"], name
        for label, values in found["labels"].items():
            known["labels"].setdefault(label, set()).update(values)


@pytest.fixture(scope="module")
def exposed(tmp_path_factory) -> dict[str, dict[str, Any]]:
    """Of an embedded node with TLS, one on services and two of a cluster: all that they expose."""
    found: dict[str, dict[str, Any]] = {}
    with Tls(tmp_path_factory.mktemp("tls")) as tls:
        server = tls.server
        use(server)
        merge(found, server)
    with Services() as services, Cluster(services.environment, 2) as nodes:
        for server in nodes.alive().values():
            use(server)
            merge(found, server)
    return found


def test_the_document_has_what_nodes_expose_and_nothing_else(exposed):
    documented = rows()
    assert len(documented) > 60, "the tables were not read"
    assert set(exposed) - set(documented) == set(), "not in docs/metrics.md"
    assert set(documented) - set(exposed) == set(), "in docs/metrics.md, and no node has it"
    for name, row in documented.items():
        found = exposed[name]
        assert row["type"] == found["type"], name
        assert set(row["labels"]) == set(found["labels"]), f"labels of {name}"
        for label, values in row["labels"].items():
            if values is not None:
                assert found["labels"][label] == values, f"{label} of {name}"


def test_the_document_says_who_uses_what():
    used: dict[str, set[str]] = {}
    for alert, rule in monitoring.alerts().items():
        for name in monitoring.metrics_in(rule["expr"]):
            used.setdefault(name, set()).add(f"[{alert}](operations.md#{alert.lower()})")
    for board, panel in monitoring.panels():
        for target in panel["targets"]:
            for name in monitoring.metrics_in(target["expr"]):
                used.setdefault(name, set()).add(board)
    documented = rows()
    for name, row in documented.items():
        assert set(row["used"].split(", ")) == (used.get(name) or {"-"}), name
    ours = {name for name in used if monitoring.OURS.fullmatch(name)}
    assert ours <= set(documented), f"used, and not documented: {ours - set(documented)}"


def test_promtool_finds_nothing_wrong_with_their_names(tmp_path):
    with Server() as server:
        use(server)
        (tmp_path / "text").write_text(server.admin.get("/metrics").text)
    done = monitoring.check("sh", "-c", f"promtool check metrics <{tmp_path}/text")
    assert done == "", done


def test_process_and_disk():
    with Server() as server:
        assert abs(gauge(server, "process_start_time_seconds") - time.time()) < 30
        assert 10 < gauge(server, "process_open_fds") < gauge(server, "process_max_fds")
        usage = shutil.disk_usage(server.data)
        assert gauge(server, "footfall_data_disk_size_bytes") == pytest.approx(usage.total, 0.01)
        assert gauge(server, "footfall_data_disk_free_bytes") == pytest.approx(usage.free, 0.05)
        before = gauge(server, "process_open_fds")
        server.client("query").get("/v1/stats/page", page_url="/a")
        held = [server.client("query") for _ in range(20)]
        for client in held:
            client.connection.connect()
        wait_until(lambda: gauge(server, "process_open_fds") >= before + 20, 10, "20 more are open")
        for client in held:
            client.close()
        began = gauge(server, "process_start_time_seconds")
        server.restart()
        assert gauge(server, "process_start_time_seconds") > began


def test_an_append_counts_once():
    with Server() as server:
        for number in range(20):
            assert server.ingest.post("/v1/events", event(number)).status == 200
        assert gauge(server, "footfall_append_seconds_count") == 20
        assert gauge(server, "footfall_log_appends_total") == 20


def folded(server: Server) -> None:
    wait_until(lambda: gauge(server, "footfall_partition_lag_records") == 0
               and gauge(server, "footfall_partition_unfolded_records") == 0, 20, "all is counted")


def test_an_audit_that_finds_something_is_seen():
    with Server() as server:
        use(server)
        folded(server)
        assert server.audit()["ok"] and gauge(server, "footfall_audit_differences") == 0
        assert gauge(server, "footfall_audits_total") == 1
        server.terminate()
        store = sqlite3.connect(server.data / "store.db")
        store.execute("UPDATE core_page_totals SET clicks = clicks - 1")
        store.commit()
        store.close()
        server.start()
        assert not server.audit()["ok"]
        assert gauge(server, "footfall_audit_differences") > 0
        assert 'footfall_audits_total{result="differs"} 1' in server.admin.get("/metrics").text


def test_a_stopped_partition_is_seen():
    with server_on_fixed_ports() as server:
        server.launch()
        server.await_ready()
        use(server)
        folded(server)
        assert gauge(server, "footfall_partitions") == 4
        assert gauge(server, "footfall_partition_running") == 4
        assert gauge(server, "footfall_partition_stopped") == 0
        server.terminate()
        for path in server.data.glob("log.db*"):
            path.unlink()
        server.launch()
        many = [x["state"] for x in settled(server)].count("stopped")
        assert many > 0
        assert gauge(server, "footfall_partition_stopped") == many
        assert gauge(server, "footfall_partition_running") == 4 - many
