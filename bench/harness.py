"""What the rows of scripts/bench stand on: a server, its processes' CPU time, a load."""
from __future__ import annotations

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("FOOTFALL_BENCH_BUILD", ROOT / "build/release"))
BINARY = BUILD / "app/footfall"
TICKS = os.sysconf("SC_CLK_TCK")


def program(name: str) -> pathlib.Path:
    return BUILD / "bench" / name


def stat_of(pid: int | str) -> list[str]:
    """The fields of /proc/PID/stat from the state on; empty once it is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def cpu_of(pid: int) -> float:
    fields = stat_of(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS if fields else 0


def cpu_of_tree(pid: int) -> float:
    """CPU seconds of a process, its children and those that it has waited for."""
    own = stat_of(pid)
    ticks = sum(int(x) for x in own[11:15])
    for entry in pathlib.Path("/proc").iterdir():
        fields = stat_of(entry.name) if entry.name.isdigit() else []
        if fields and fields[1] == str(pid):
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


class Services:
    """Kafka, PostgreSQL and Redis of one benchmark, in a folder of their own."""

    def __init__(self):
        self.folder = ROOT / "build/bench-services"
        subprocess.run([ROOT / "scripts/services", "start", self.folder], check=True,
                       env={**os.environ, "KAFKA_JVM": "-Xms1g -Xmx1g"})
        text = subprocess.run([ROOT / "scripts/services", "env", self.folder], check=True,
                              capture_output=True, text=True).stdout
        self.variables = dict(re.findall(r"export (\w+)='?([^'\n]+)'?", text))
        self._runs = 0

    def environment(self) -> dict[str, str]:
        """A topic and a database of their own for each server."""
        import psycopg  # Of build/venv; only this mode needs it.
        self._runs += 1
        name = f"bench_{os.getpid()}_{self._runs}"
        base = self.variables["DATABASE_URL"]
        with psycopg.connect(base, autocommit=True) as session:
            session.execute(f"CREATE DATABASE {name}")
        return {"KAFKA_BROKER": self.variables["KAFKA_BROKER"], "KAFKA_TOPIC": name,
                "DATABASE_URL": f"{base.rsplit('/', 1)[0]}/{name}",
                "REDIS_ADDR": self.variables["REDIS_ADDR"]}

    def cpu(self) -> dict[str, float]:
        pids = {name: int((self.folder / name / "pid").read_text().split()[0])
                for name in ("kafka", "redis")}
        postgres = (self.folder / "postgres/pid").read_text().split()[0]
        return {"kafka": cpu_of(pids["kafka"]), "postgres": cpu_of_tree(int(postgres)),
                "redis": cpu_of(pids["redis"])}

    def sessions(self, database: str) -> int:
        """How many a database has, but ours."""
        import psycopg
        with psycopg.connect(database) as session:
            return session.execute(
                "SELECT count(*) - 1 FROM pg_stat_activity"
                " WHERE datname = current_database()").fetchone()[0]

    def close(self) -> None:
        subprocess.run([ROOT / "scripts/services", "wipe", self.folder], check=True)


class Server:
    """One fresh `footfall serve` on free ports; leaving the block ends it."""

    def __init__(self, *options: str, services: Services | None = None, data: str | None = None,
                 environment: dict[str, str] | None = None):
        """`environment`: that of other nodes, to be one of theirs."""
        self.services = services
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="footfall-bench-"))
        self.data = pathlib.Path(data) if data else self.folder / "data"
        self.options = options
        self.environment = environment or (services.environment() if services else {})
        self.start()

    def start(self) -> float:
        """Starts the process; the seconds until it was ready."""
        ready = self.folder / "ready.json"
        ready.unlink(missing_ok=True)
        command = [BINARY, "serve", "--data-dir", self.data, "--ready-file", ready,
                   "--log-level", "warn", *self.options]
        for listener in ("ingest", "query", "grpc", "admin"):
            command += [f"--{listener}-port", "0"]
        clean = {name: value for name, value in os.environ.items()
                 if not name.startswith(("FOOTFALL_", "KAFKA_", "REDIS_", "DATABASE_URL"))}
        began = time.monotonic()
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log,
                                            env={**clean, **self.environment})
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > began + 60:
                raise RuntimeError(f"not ready: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.0005)
        self.ready_after = time.monotonic() - began
        self.addresses = json.loads(ready.read_text())
        return self.ready_after

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far by process."""
        return {"footfall": cpu_of(self.process.pid),
                **(self.services.cpu() if self.services else {})}

    def rss(self) -> int:
        pages = pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGESIZE")

    def disk(self) -> int:
        return sum(x.stat().st_blocks * 512 for x in self.data.rglob("*") if x.is_file())

    def metrics(self) -> dict[str, float]:
        text = self.ask("admin", "/metrics")[1].decode()
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines if name}

    def ask(self, listener: str, path: str) -> tuple[http.client.HTTPResponse, bytes]:
        """One answer on a connection of its own, and its body."""
        host, _, port = self.addresses[listener].rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer, body

    def get(self, listener: str, path: str) -> tuple[int, float]:
        """The status of an answer, and the milliseconds that it took."""
        began = time.monotonic()
        answer, _ = self.ask(listener, path)
        return answer.status, (time.monotonic() - began) * 1e3

    def folded(self) -> float:
        return self.metrics()["footfall_events_folded_total"]

    def wait_counted(self, events: float, since: float = 0, seconds: float = 900) -> None:
        """Until so many events beyond `since` stand in the aggregates."""
        deadline = time.monotonic() + seconds
        while (there := self.folded() - since) < events:
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError(f"only {there:.0f} of {events} events were counted")
            time.sleep(0.02)


def load_command(mode: str, address: str, **options: Any) -> list[str]:
    words = [str(program("footfall_load")), mode, "--address", address, "--seed", "0"]
    return words + option_words(options)


def option_words(options: dict[str, Any]) -> list[str]:
    words = []
    for name, value in options.items():
        if value is True:
            words.append("--" + name.replace("_", "-"))
        elif value not in (False, None):
            words += ["--" + name.replace("_", "-"), str(value)]
    return words


def run_load(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    report = json.loads(done.stdout)
    if report["requests"] == 0:
        raise RuntimeError(f"no request was answered 200{errors_of(report)}: {' '.join(command)}")
    return report


def errors_of(report: dict[str, Any]) -> str:
    return "".join(f"; {times} x {status}" for status, times in report["errors"].items())


def ingest(server: Server, mode: str, **options: Any) -> dict[str, Any]:
    """Loads and waits until all of it is counted; figures per event."""
    since, cpu, began = server.folded(), server.cpu(), time.monotonic()
    report = run_load(load_command(mode, server.addresses["ingest"], **options))
    events = report["events"]
    accepted = time.monotonic() - began
    server.wait_counted(events, since)
    took = time.monotonic() - began
    spent = {name: value - cpu[name] for name, value in server.cpu().items()}
    spent["generator"] = report["cpu_seconds"]
    return {"rate": events / took, "events": events, "seconds": took,
            "cpu_us": {name: value * 1e6 / max(events, 1) for name, value in spent.items()},
            "p50_ms": report["p50_ms"], "p99_ms": report["p99_ms"],
            "notes": f"{events:,} events; acknowledged at {events / accepted:,.0f}/s"
                     + errors_of(report)}


def ask(server: Server, command: list[str]) -> dict[str, Any]:
    """Runs a load of queries; figures per query, and where the answers came from."""
    before, cpu = server.metrics(), server.cpu()
    report = run_load(command)
    spent = {name: value - cpu[name] for name, value in server.cpu().items()}
    spent["generator"] = report["cpu_seconds"]
    after, n = server.metrics(), max(report["requests"], 1)
    shares = []
    for source in ("cache", "actor", "store"):
        name = f'footfall_queries_total{{source="{source}"}}'
        share = (after[name] - before[name]) / n
        if share > 0.005:
            shares.append(f"{share:.0%} {source}")
    return {"rate": n / report["seconds"],
            "cpu_us": {name: value * 1e6 / n for name, value in spent.items()},
            "p50_ms": report["p50_ms"], "p99_ms": report["p99_ms"],
            "notes": ", ".join(shares) + errors_of(report)}
