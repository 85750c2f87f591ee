"""Prometheus, Alertmanager and a stand-in for Slack, with the files that we ship."""
from __future__ import annotations

import contextlib
import functools
import http.server
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import time
from typing import Any, Iterator

import yaml

from footfall import ROOT, Client, wait_until
from ports import fixed_ports

FOLDER = ROOT / "k8s/monitoring"
DASHBOARDS = sorted((FOLDER / "grafana/dashboards").glob("*.json"))
RUNBOOKS = ROOT / "docs/operations.md"
OURS = re.compile(r"(?:footfall|process)_\w+")
HISTOGRAM = re.compile(r"_(bucket|sum|count)$")
NAME = re.compile(r"(?<![\w:\"$])(?:footfall_|process_|pg_|redis_)\w+")
RECORDED = re.compile(r"(?<![\w:\"])\w+:\w+:\w+")


def check(*command: Any, expect: int = 0, cwd: pathlib.Path | None = None) -> str:
    """What a program says, both ways, once it ended as it should."""
    done = subprocess.run([str(x) for x in command], capture_output=True, text=True, timeout=120,
                          cwd=cwd)
    text = done.stdout + done.stderr
    assert done.returncode == expect, f"{command[0]} ended with {done.returncode}:\n{text}"
    return text


@functools.cache
def rules(name: str) -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / f"prometheus/{name}.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in rules("alerts")}


def metrics_in(expression: str) -> set[str]:
    """The metrics that it reads, through recording rules too, without a histogram's suffixes
    where the name is one of ours."""
    recorded = {rule["record"]: rule["expr"] for rule in rules("recording")}
    found = set(NAME.findall(expression))
    for name in RECORDED.findall(expression):
        assert name in recorded, f"{name} is no recording rule: {expression}"
        found |= metrics_in(recorded[name])
    return {HISTOGRAM.sub("", x) if x.startswith("footfall_") else x for x in found}


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    """The name of the dashboard, and a panel of it."""
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            yield path.stem, panel


def anchors(text: str) -> set[str]:
    """Of each heading, as GitHub and GitLab make them."""
    return {re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower()).replace(" ", "-")
            for line in text.splitlines() if re.match(r"#{1,6} ", line)}


class Slack(http.server.ThreadingHTTPServer):
    """Takes what is posted to a webhook. `messages` has when it came, and what."""

    daemon_threads = True

    def __init__(self) -> None:
        messages: list[tuple[float, dict[str, Any]]] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                messages.append((time.monotonic(), json.loads(body)))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.messages = messages
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def titles(self) -> list[str]:
        return [message["attachments"][0]["title"] for _, message in self.messages]

    def await_title(self, text: str, seconds: float) -> tuple[float, dict[str, Any]]:
        """When a message with such a title came, and its attachment."""
        def found() -> tuple[float, dict[str, Any]] | None:
            return next(((when, x["attachments"][0]) for when, x in list(self.messages)
                         if text in x["attachments"][0]["title"]), None)
        return wait_until(found, seconds, lambda: f"a message {text!r}; there are {self.titles()}")


class Monitoring:
    """Both programs, with the shipped files in which only addresses are others.

    `targets`: of each job and namespace, where to ask. `faster`: what the times of alerts, rules'
    intervals and Alertmanager's waits are divided by.
    """

    def __init__(self, targets: dict[tuple[str, str], list[str]], faster: int = 1):
        self.targets, self.faster = targets, faster
        self._folder = tempfile.TemporaryDirectory(prefix="footfall-monitoring-")
        self.folder = pathlib.Path(self._folder.name)
        ports = list(fixed_ports().values())
        self.prometheus, self.alertmanager = (f"127.0.0.1:{port}" for port in ports[:2])
        self.slack = Slack()
        self._processes: list[subprocess.Popen] = []

    def _shorter(self, key: str, value: str) -> str:
        """A time of a file, as "1m30s". An alert waits for some scrapes all the same: on a busy
        machine one of them may fail."""
        units = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
        total = sum(int(n) * units[unit] for n, unit in re.findall(r"(\d+)(ms|[smh])", value))
        return f"{max(total // self.faster, min(total, 10_000 if key == 'for' else 100))}ms"

    def _in_haste(self, tree: Any) -> Any:
        """Every time that stands under a key of its own."""
        keys = {"for", "scrape_interval", "scrape_timeout", "evaluation_interval", "group_wait",
                "group_interval", "repeat_interval"}
        if isinstance(tree, dict):
            return {key: self._shorter(key, x) if key in keys and self.faster > 1
                    else self._in_haste(x)
                    for key, x in tree.items()}
        return [self._in_haste(x) for x in tree] if isinstance(tree, list) else tree

    def _write(self, source: str, change: Any = None) -> None:
        tree = self._in_haste(yaml.safe_load((FOLDER / source).read_text()))
        if change:
            change(tree)
        (self.folder / pathlib.Path(source).name).write_text(yaml.safe_dump(tree))

    def _set_addresses(self, tree: dict[str, Any]) -> None:
        if self.faster > 1:  # A machine that is busy gets as long as there is for an answer.
            tree["global"]["scrape_timeout"] = tree["global"]["scrape_interval"]
        tree["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [self.alertmanager]}]}]
        for job in tree["scrape_configs"]:
            job["static_configs"] = [
                {"targets": addresses, "labels": {"namespace": namespace}}
                for (name, namespace), addresses in self.targets.items() if name == job["job_name"]]

    def _set_webhook(self, tree: dict[str, Any]) -> None:
        url = self.folder / "slack_webhook_url"
        url.write_text(f"http://127.0.0.1:{self.slack.server_port}/services/T/B/X\n")
        tree["receivers"][0]["slack_configs"][0]["api_url_file"] = str(url)

    def _start(self, *command: str) -> None:
        with open(self.folder / f"{command[0]}.log", "ab") as log:
            self._processes.append(subprocess.Popen(command, cwd=self.folder, stdout=log,
                                                    stderr=log))

    def ask(self, path: str, **query: str) -> Any:
        answer = Client(self.prometheus).get(f"/api/v1/{path}", **query)
        assert answer.status == 200, f"{query}: {answer}"
        return answer.json()["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        return self.ask("query", query=expression)["result"]

    def firing(self) -> set[str]:
        return {x["labels"]["alertname"] for x in self.ask("alerts")["alerts"]
                if x["state"] == "firing"}

    def _is_up(self) -> bool:
        for process in self._processes:
            if process.poll() is not None:
                logs = "".join(x.read_text() for x in self.folder.glob("*.log"))
                raise AssertionError(f"{process.args[0]} ended:\n{logs[-3000:]}")
        with contextlib.suppress(OSError):
            return all(Client(x).get("/-/ready").status == 200
                       for x in (self.prometheus, self.alertmanager))
        return False

    def __enter__(self) -> "Monitoring":
        self._write("prometheus/prometheus.yml", self._set_addresses)
        self._write("prometheus/recording.yml")
        self._write("prometheus/alerts.yml")
        self._write("alertmanager/alertmanager.yml", self._set_webhook)
        shutil.copy(FOLDER / "alertmanager/slack.tmpl", self.folder)
        self._start("prometheus-alertmanager", "--config.file=alertmanager.yml",
                    "--storage.path=alertmanager", f"--web.listen-address={self.alertmanager}",
                    "--cluster.listen-address=")
        self._start("prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data",
                    f"--web.listen-address={self.prometheus}")
        try:
            wait_until(self._is_up, 60, "Prometheus and Alertmanager are ready")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: Any) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(30)
        self.slack.shutdown()
        self.slack.server_close()
        self._folder.cleanup()


@contextlib.contextmanager
def exporter(command: list[str], environment: dict[str, str]) -> Iterator[str]:
    """One of Debian's exporters; its address."""
    address = f"127.0.0.1:{next(iter(fixed_ports().values()))}"
    process = subprocess.Popen([*command, f"--web.listen-address={address}"], env=environment,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    def answers() -> bool:
        with contextlib.suppress(OSError):
            return Client(address).get("/metrics").status == 200
        return False
    try:
        wait_until(answers, 30, f"{command[0]} answers")
        yield address
    finally:
        process.terminate()
        process.wait(10)


def parse(text: str) -> dict[str, dict[str, Any]]:
    """Of each metric: its type, and the values of its labels but for a histogram's bounds."""
    found: dict[str, dict[str, Any]] = {}
    for line in text.splitlines():
        if line.startswith("# TYPE"):
            _, _, name, kind = line.split(" ")
            found[name] = {"type": kind, "labels": {}}
        elif line and not line.startswith("#"):
            name, labels = re.match(r"(\w+)(?:\{(.*)\})? ", line).groups()
            name = name if name in found else HISTOGRAM.sub("", name)
            for key, value in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""):
                if key != "le":
                    found[name]["labels"].setdefault(key, set()).add(value)
    return found
