"""Dashboards by Grafana's types, each expression on live nodes, drawn. Unproven: Grafana itself."""
import html
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading
import time
from typing import Any, Iterator

import pytest
import yaml

import monitoring
from cluster import Cluster
from footfall import ROOT, Server, wait_until
from monitoring import DASHBOARDS, FOLDER, Monitoring, check, exporter
from services import Services
from tls_server import Tls

TYPES = ROOT / "tests/deploy/grafana"
TOOLS = ROOT / "build/tools/grafana"
UNITS = {"none", "cps", "reqps", "Bps", "s", "bytes", "percentunit"}  # Of Grafana's list.
SHOTS = ROOT / "build/deploy/dashboards"


@pytest.fixture(scope="module")
def tsc() -> pathlib.Path:
    """The compiler, beside the types of the lock file."""
    program, lock = TOOLS / "node_modules/.bin/tsc", TYPES / "package-lock.json"
    have = TOOLS / "package-lock.json"
    if not program.exists() or not have.exists() or have.read_text() != lock.read_text():
        assert shutil.which("npm"), "npm (Node.js 20 or newer) is needed to check types"
        shutil.rmtree(TOOLS, ignore_errors=True)
        TOOLS.mkdir(parents=True)
        for path in TYPES.glob("package*.json"):
            shutil.copy(path, TOOLS)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=TOOLS,
                       check=True, timeout=300)
    return program


def compiled(tsc: pathlib.Path, texts: dict[str, str], expect: int) -> str:
    """What tsc says of dashboards as literals: fields that do not exist are errors."""
    paths = []
    for name, text in texts.items():
        paths.append(TOOLS / f"{name}.ts")
        paths[-1].write_text(
            "import type {Dashboard, Panel} from '@grafana/schema';\n"
            "const dashboard: Omit<Dashboard, 'panels'> & {panels: Panel[]} = "
            f"{text};\nexport default dashboard;\n")
    try:
        return check(tsc, "--noEmit", "--strict", "--module", "nodenext", "--skipLibCheck", *paths,
                     expect=expect, cwd=TOOLS)
    finally:
        for path in paths:
            path.unlink()


def test_grafanas_own_types_take_them_and_notice_what_is_wrong(tsc):
    texts = {path.stem: path.read_text() for path in DASHBOARDS}
    compiled(tsc, texts, 0)
    wrong = {"position": ('"gridPos"', '"gridpos"'), "unit": ('"unit"', '"units"'),
             "size": ('"w": 8', '"w": "8"'), "top": ('"refresh"', '"refrehs"'),
             "link": ('"targetBlank"', '"targetblank"')}
    told = compiled(tsc, {name: texts["ingest"].replace(*x) for name, x in wrong.items()}, 2)
    for name in wrong:
        assert f"{name}.ts(" in told, told


def test_every_panel_is_whole():
    anchors = monitoring.anchors(monitoring.RUNBOOKS.read_text())
    uids = [json.loads(path.read_text())["uid"] for path in DASHBOARDS]
    assert len(set(uids)) == len(uids) == 5
    seen: dict[str, set[Any]] = {}
    for board, panel in monitoring.panels():
        where = f"{board}: {panel['title']}"
        cells, box = seen.setdefault(board, set()), panel["gridPos"]
        mine = {(x, y) for x in range(box["x"], box["x"] + box["w"])
                for y in range(box["y"], box["y"] + box["h"])}
        assert box["x"] + box["w"] <= 24 and not cells & mine, f"{where} overlaps"
        assert panel["id"] not in cells, f"{where}: its id is another's"
        cells |= mine | {panel["id"]}
        assert panel["description"].endswith((".", "?")), where
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, where
        [link] = panel["links"]
        page, _, anchor = link["url"].partition("#")
        assert ROOT / page == monitoring.RUNBOOKS and anchor in anchors, f"{where}: {link['url']}"
        for target in panel["targets"]:
            assert set(target) == {"refId", "datasource", "legendFormat", "expr"}, where
            assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, where
            assert "$namespace" in target["expr"], f"{where}: of all namespaces"


def test_provisioning_has_the_keys_that_grafana_reads():
    """As its documentation lists them: docs/sources/administration/provisioning."""
    def read(name: str) -> dict[str, Any]:
        return yaml.safe_load((FOLDER / f"grafana/provisioning/{name}").read_text())

    sources, boards, alerting = (read(x) for x in ("datasources/prometheus.yml",
                                                   "dashboards/footfall.yml", "alerting/slack.yml"))
    [source] = sources["datasources"]
    assert set(source) <= {"name", "type", "uid", "access", "url", "isDefault", "editable",
                           "orgId", "version", "jsonData", "secureJsonData", "basicAuth"}
    assert source["type"] == "prometheus" and source["access"] == "proxy"
    [provider] = boards["providers"]
    assert set(provider) <= {"name", "orgId", "folder", "folderUid", "type", "disableDeletion",
                             "updateIntervalSeconds", "allowUiUpdates", "options"}
    assert set(alerting) == {"apiVersion", "contactPoints", "policies"}
    [point], [policy] = alerting["contactPoints"], alerting["policies"]
    assert set(point) == {"orgId", "name", "receivers"}
    [receiver] = point["receivers"]
    assert set(receiver) == {"uid", "type", "settings", "disableResolveMessage"}
    assert set(receiver["settings"]) <= {"url", "token", "recipient", "endpointUrl", "title",
                                         "text", "username", "icon_emoji", "icon_url"}
    [slack] = yaml.safe_load((FOLDER / "alertmanager/alertmanager.yml").read_text())["receivers"]
    path = slack["slack_configs"][0]["api_url_file"]
    assert receiver["settings"]["url"] == f"$__file{{{path}}}", "not the file of Alertmanager"
    services = yaml.safe_load((ROOT / "compose/compose.yaml").read_text())["services"]
    for name in ("alertmanager", "grafana"):
        assert pathlib.Path(path).name in services[name]["secrets"], name
    assert set(policy) <= {"orgId", "receiver", "group_by", "matchers", "object_matchers",
                           "routes", "group_wait", "group_interval", "repeat_interval"}
    assert policy["receiver"] == point["name"]
    assert {x["apiVersion"] for x in (sources, boards, alerting)} == {1}


class Load(threading.Thread):
    """Events and questions, to one node after the other, some of each kind."""

    def __init__(self, servers: list[Server]):
        super().__init__(daemon=True)
        self.servers, self.over, self.number = servers, threading.Event(), 0

    def run(self) -> None:
        while not self.over.wait(0.05):
            for server in self.servers:
                self.number += 1
                page = f"/page/{self.number % 20}"
                event = {"event_id": f"e-{self.number}", "user_id": f"u{self.number % 9}",
                         "event_type": "click", "page_url": page}
                server.client("ingest").post("/v1/events", [event, {**event, "user_id": ""}])
                query = server.client("query")
                query.get("/v1/stats/page", page_url=page)
                query.get("/analytics/events", user_id=f"u{self.number % 9}", page_url=page)
                query.get("/v1/stats/top-pages")


@pytest.fixture(scope="module")
def live(tmp_path_factory) -> Iterator[Monitoring]:
    """Prometheus, which has watched an embedded node with TLS, two of a cluster and what they
    stand on."""
    with Services() as services, Tls(tmp_path_factory.mktemp("tls")) as tls, \
            Cluster(services.environment, 2) as nodes:
        alone = tls.server
        database = {**os.environ, "DATA_SOURCE_NAME": services.environment["DATABASE_URL"]
                    + "?sslmode=disable"}
        redis = [f"--redis.addr=redis://{services.environment['REDIS_ADDR']}"]
        servers = [alone, *nodes.alive().values()]
        with exporter(["prometheus-postgres-exporter"], database) as postgres, \
                exporter(["prometheus-redis-exporter", *redis], dict(os.environ)) as cache:
            targets = {("footfall", "alone"): [alone.address("admin")],
                       ("footfall", "cluster"): [x.address("admin") for x in servers[1:]],
                       ("postgres", "cluster"): [postgres], ("redis", "cluster"): [cache]}
            load = Load(servers)
            load.start()
            try:
                with Monitoring(targets, 10) as watch:
                    wait_until(lambda: len(watch.query("up == 1")) == 5, 60, "five are scraped")
                    assert alone.audit()["ok"]
                    began = time.monotonic()
                    wait_until(lambda: time.monotonic() - began > 45, 60, "something to draw")
                    assert load.is_alive(), "the load ended"
                    yield watch
            finally:
                load.over.set()
                load.join()


def expression(target: dict[str, Any]) -> str:
    text = target["expr"].replace('namespace=~"$namespace"', 'namespace=~".+"')
    text = text.replace("$__rate_interval", "30s")
    assert "$" not in text, text
    return text


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_expression_returns_series(live, path):
    for panel in json.loads(path.read_text())["panels"]:
        for target in panel["targets"]:
            text = expression(target)
            series = wait_until(lambda: live.query(text), 60, f"{panel['title']}: {text}")
            for name in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                assert all(name in x["metric"] for x in series), f"{panel['title']}: no {name}"


def lines_of(watch: Monitoring, panel: dict[str, Any]) -> list[tuple[str, list[list[float]]]]:
    """What the panel would draw: legends and points."""
    now, found = time.time(), []
    for target in panel["targets"]:
        data = watch.ask("query_range", query=expression(target), start=f"{now - 60}",
                         end=f"{now}", step="2")
        for x in data["result"]:
            name = re.sub(r"\{\{(\w+)\}\}", lambda m: x["metric"].get(m[1], ""),
                          target["legendFormat"])
            points = [[at - now + 60, float(y)] for at, y in x["values"] if y not in ("NaN",)]
            found.append((name, points))
    return found


def drawn(panel: dict[str, Any], lines: list[tuple[str, list[list[float]]]]) -> str:
    """A panel as SVG: enough to see whether data and units make sense."""
    top = max([y for _, points in lines for _, y in points] + [1e-9])
    body = ""
    for i, (_, points) in enumerate(lines[:20]):
        path = " ".join(f"{x * 5:.1f},{140 - y / top * 120:.1f}" for x, y in points)
        body += f'<polyline fill="none" stroke="hsl({i * 67 % 360} 70% 45%)" points="{path}"/>'
    last = ", ".join(f"{name} {points[-1][1]:.4g}" for name, points in lines[:6] if points)
    unit = panel["fieldConfig"]["defaults"]["unit"]
    return (f"<div><b>{html.escape(panel['title'])}</b> <i>{unit}, up to {top:.4g}</i>"
            f'<svg viewBox="0 0 300 145">{body}</svg><small>{html.escape(last)}</small></div>')


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_it_is_drawn(live, path):
    """The panels' own data, by a page of ours; the picture stays in build/deploy/dashboards."""
    board = json.loads(path.read_text())
    lines = [(panel, lines_of(live, panel)) for panel in board["panels"]]
    assert all(points for _, all_lines in lines for _, points in all_lines[:1]), "nothing to draw"
    SHOTS.mkdir(parents=True, exist_ok=True)
    page, shot = SHOTS / f"{path.stem}.html", SHOTS / f"{path.stem}.png"
    page.write_text(
        "<meta charset=utf-8><style>body{font:13px sans-serif;display:grid;gap:12px;"
        "grid-template-columns:repeat(3,1fr)}div{border:1px solid #ccc;padding:8px}h1{grid-column:"
        f"1/4;margin:0}}svg{{width:100%}}</style><h1>{html.escape(board['title'])}</h1>"
        + "".join(drawn(*x) for x in lines))
    shot.unlink(missing_ok=True)
    profile = SHOTS / "profile"
    subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
                    "--no-first-run", "--disable-background-networking", "--disable-sync",
                    "--disable-component-update", "--disable-dev-shm-usage", "--hide-scrollbars",
                    f"--user-data-dir={profile}", f"--screenshot={shot}",
                    f"--window-size=1200,{250 * -(-len(lines) // 3) + 100}", page.as_uri()],
                   check=True, timeout=120, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    shutil.rmtree(profile, ignore_errors=True)
    assert shot.stat().st_size > 20_000
