"""The rows of scripts/bench with several nodes on one machine, mutual TLS between them.

What is compared runs in turns, several rounds, and of each the round counts that cost the
least CPU: what else the machine does only adds.
"""
from __future__ import annotations

import collections
import contextlib
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any, Iterator

from harness import BINARY, Server, Services, ask, errors_of, load_command, run_load
from rows import Row, probe

PARTITIONS = 12  # as many for each of 1, 2 and 3 nodes
CONNECTIONS = 6  # of all generators together
ROUNDS = 5
PAGE = "/articles/2025/page-of-the-site-0"  # the only one of a load with --pages 1
IDLE_SECONDS = 20


class Nodes:
    """`count` linked nodes on a fresh topic and database; 0: one node outside any cluster. The
    last `gateways` of them have the role gateway alone."""

    def __init__(self, services: Services, count: int, gateways: int = 0):
        self.services = services
        self.count = count
        self.gateways = gateways
        self.environment = {**services.environment(), "FOOTFALL_PARTITIONS": str(PARTITIONS)}

    def __enter__(self) -> "Nodes":
        with contextlib.ExitStack() as held:
            folder = held.enter_context(tempfile.TemporaryDirectory(prefix="footfall-bench-"))
            names = [f"n{i + 1}" for i in range(self.count)]
            if names:
                subprocess.run([BINARY, "certs", "--out", folder, *names], check=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.servers = [held.enter_context(Server(
                *links(folder, name),
                *(["--roles", "gateway"] if i >= self.count - self.gateways else []),
                services=self.services, environment=self.environment))
                for i, name in enumerate(names or [""])]
            deadline = time.monotonic() + 60
            while not self.is_even():
                if time.monotonic() > deadline:
                    raise RuntimeError(f"not spread evenly: {self.views()}")
                time.sleep(0.05)
            self._held = held.pop_all()
        return self

    def __exit__(self, *failure: Any) -> None:
        self._held.__exit__(*failure)

    def views(self) -> list[dict[str, Any]]:
        """What each node knows of all."""
        return [json.loads(server.ask("admin", "/cluster")[1])
                for server in self.servers if self.count]

    def is_even(self) -> bool:
        share = PARTITIONS // max(self.count - self.gateways, 1)
        return all(len(view["nodes"]) == self.count and not view["unowned"]
                   and all(0 <= len(x["partitions"]) - share <= 1 for x in view["nodes"]
                           if "aggregate" in x["role_names"])
                   and all(x["link"] == "up" for x in view["nodes"] if not x["self"])
                   for view in self.views())

    def owner(self, page: str) -> int:
        """The number of the node that has this page."""
        answer, _ = self.servers[0].ask("query", f"/v1/stats/page?page_url={page}")
        return int(answer.getheader("footfall-node").removeprefix("n")) - 1

    def cpu(self) -> dict[str, float]:
        own = [server.cpu() for server in self.servers]
        return {**own[0], "footfall": sum(x["footfall"] for x in own)}

    def metrics(self) -> dict[str, float]:
        out: collections.Counter = collections.Counter()
        for server in self.servers:
            out.update(server.metrics())
        return out

    def folded(self) -> float:
        return sum(server.folded() for server in self.servers)

    def wait_counted(self, events: float, since: float, seconds: float = 300) -> None:
        deadline = time.monotonic() + seconds
        while self.folded() - since < events:
            if time.monotonic() > deadline:
                raise RuntimeError(f"only {self.folded() - since:.0f} of {events} were counted")
            time.sleep(0.02)

    def ingest(self, events: int, to: list[Server] | None = None, batch: int = 1_000,
               **options: Any) -> Row:
        """Batches to these nodes at once, all unless given; figures per event."""
        to = to or self.servers
        since, cpu, began = self.folded(), self.cpu(), time.monotonic()
        loads = [subprocess.Popen(load_command(
            "batch", server.addresses["ingest"], batch=batch, events=events // len(to),
            connections=CONNECTIONS // len(to), **options), stdout=subprocess.PIPE, text=True)
            for server in to]
        reports = [json.loads(load.communicate()[0]) for load in loads]
        accepted, n = time.monotonic() - began, sum(x["events"] for x in reports)
        self.wait_counted(n, since)
        took = time.monotonic() - began
        spent = {name: value - cpu[name] for name, value in self.cpu().items()}
        spent["generator"] = sum(x["cpu_seconds"] for x in reports)
        return {"rate": n / took, "events": n,
                "cpu_us": {name: value * 1e6 / n for name, value in spent.items()},
                "p50_ms": statistics.median(x["p50_ms"] for x in reports),
                "p99_ms": max(x["p99_ms"] for x in reports),
                "notes": f"{n:,} events; acknowledged at {n / accepted:,.0f}/s"
                         + "".join(map(errors_of, reports))}


def links(folder: str, name: str) -> list[str]:
    if not name:
        return []
    path = pathlib.Path(folder)
    return ["--cluster-listen", "127.0.0.1:0", "--node-name", name,
            "--cluster-ca", str(path / "ca.pem"), "--cluster-cert", str(path / f"{name}.pem"),
            "--cluster-key", str(path / f"{name}.key")]


def server_us(row: Row) -> float:
    return sum(us for name, us in row["cpu_us"].items() if name != "generator")


def least(rounds: list[Row]) -> Row:
    """The round that cost least, and the figures of all of them."""
    row = min(rounds, key=server_us)
    row["notes"] += "; us of each round: " + ", ".join(f"{server_us(x):.1f}" for x in rounds)
    row["notes"] += "; /s: " + ", ".join(f"{x['rate']:,.0f}" for x in rounds)
    return row


def told(what: str, row: Row) -> None:
    print(f"{what}: {row['rate']:,.0f}/s, {server_us(row):.1f} us", file=sys.stderr, flush=True)


def idle(services: Services) -> Iterator[Row]:
    """What nodes cost that nobody uses: beats, links, looks for what is new."""
    for count in (0, 1, 3, 10):
        with Nodes(services, count) as nodes:
            time.sleep(3)  # What a start leaves behind is no idling.
            before = nodes.cpu()
            time.sleep(IDLE_SECONDS)
            spent = {name: (x - before[name]) / IDLE_SECONDS for name, x in nodes.cpu().items()}
            each = len(nodes.servers)
            sessions = services.sessions(nodes.environment["DATABASE_URL"]) / each
            memory = sum(server.rss() for server in nodes.servers) / each / 2**20
            yield {"id": f"cluster-idle-{count}", "what": f"idle: {of(count)}",
                   "percent": spent["footfall"] / each * 100,
                   "notes": f"{spent['footfall'] / each:.2%} of a core each, PostgreSQL "
                            f"{spent['postgres']:.2%} for all; {sessions:.1f} sessions of "
                            f"PostgreSQL and {memory:.0f} MiB each"}


def of(count: int) -> str:
    return f"{count} node{'s' * (count > 1)} of a cluster" if count else "1 node, no cluster"


def scaling(services: Services, events: int) -> Iterator[Row]:
    runs: dict[int, list[Row]] = {count: [] for count in (0, 1, 2, 3)}
    for number in range(ROUNDS):
        for count, done in runs.items():
            with Nodes(services, count) as nodes:
                nodes.ingest(events // 4)
                done.append(nodes.ingest(events))
                told(f"round {number + 1} of {ROUNDS}: {of(count)}", done[-1])
    for count, done in runs.items():
        yield {"id": f"cluster-{count}",
               "what": f"POST /v1/events, 1000 events each: {of(count)}", **least(done)}


ASKED = {1: 10_000, 64: 30_000}  # questions of a round, by connections
QUERIES = {  # What is asked, and the load that asks it.
    "page": ("page totals", {"path": "/v1/stats/page"}),
    "count": ("count of 20 hot pairs", {"path": "/v1/stats/count", "users": 20}),
}


def remote_queries(nodes: Nodes, seconds: float) -> Iterator[Row]:
    """The same questions about one page to the node that has it, and to another one."""
    owner = nodes.owner(PAGE)
    places = {"local": nodes.servers[owner],
              "remote": nodes.servers[(owner + 1) % nodes.count]}
    for connections in (1, 64):
        for name, (what, options) in QUERIES.items():
            runs: dict[str, list[Row]] = {place: [] for place in places}
            for _ in range(ROUNDS):
                for place, server in places.items():
                    common = {**options, "pages": 1, "connections": connections}
                    address = server.addresses["query"]
                    # So that the live page and the cache are there.
                    run_load(load_command("query", address, events=200, **common))
                    command = load_command("query", address, events=ASKED[connections],
                                           seconds=seconds, **common)
                    before = nodes.metrics()["footfall_remote_queries_total"]
                    row = ask(nodes, command)
                    asked = nodes.metrics()["footfall_remote_queries_total"] - before
                    row["notes"] += f"; {asked:,.0f} went to another node"
                    runs[place].append(row)
                    told(f"{name}, {place}, {connections}", row)
            for place, done in runs.items():
                row = least(done)
                row["notes"] += "; p50: " + ", ".join(f"{x['p50_ms']:.2f}" for x in done)
                where = "the node that has it" if place == "local" else "another node"
                yield {"id": f"cluster-query-{name}-{place}-{connections}",
                       "what": f"query: {what}, {connections} connections, of {where}", **row}


def given_events(nodes: Nodes, events: int, seconds: float) -> Iterator[Row]:
    """Events of one page to the node that has it, and to another one: each appends them to the
    log itself, and it is the log that the one that has the page reads them from."""
    owner = nodes.owner(PAGE)
    places = {"the node that has it": nodes.servers[owner],
              "another node": nodes.servers[(owner + 1) % nodes.count]}
    runs: dict[str, list[Row]] = {place: [] for place in places}
    for _ in range(ROUNDS):
        for place, server in places.items():
            row = nodes.ingest(events, [server], pages=1)
            runs[place].append(row)
            told(f"events of one page to {place}", row)
    for place, done in runs.items():
        yield {"id": f"cluster-events-{'local' if 'has' in place else 'remote'}",
               "what": f"POST /v1/events, 1000 events of one page each, to {place}",
               **least(done)}
    yield from freshness(nodes, seconds)


def events_through_a_gateway(services: Services, events: int) -> Iterator[Row]:
    """The same events to a node that takes them itself, and to a gateway that gives them to it."""
    with Nodes(services, 2, gateways=1) as nodes:
        places = {"remote": nodes.servers[1], "local": nodes.servers[0]}
        for batch in (100, 1_000):
            runs: dict[str, list[Row]] = {place: [] for place in places}
            for _ in range(ROUNDS):
                for place, server in places.items():
                    row = nodes.ingest(events, [server], batch=batch)
                    runs[place].append(row)
                    told(f"batches of {batch}, {place}", row)
            for place, done in runs.items():
                where = "through a gateway" if place == "remote" else "to the node that ingests"
                yield {"id": f"cluster-ingest-{place}-{batch}",
                       "what": f"POST /v1/events, {batch} events each, {where}", **least(done)}


def freshness(nodes: Nodes, seconds: float) -> Iterator[Row]:
    owner = nodes.owner("/probe/0")
    times: dict[str, list[float]] = {"local": [], "remote": []}
    for _ in range(ROUNDS):
        for place, at in (("local", owner), ("remote", (owner + 1) % nodes.count)):
            times[place] += probe(nodes.servers[at], seconds, pages=1)
    for place, all_of in times.items():
        ms = sorted(all_of)
        where = "the node that has the page" if place == "local" else "another node"
        yield {"id": f"cluster-freshness-{place}",
               "what": f"accepted to visible, without other load, at {where}",
               "p50_ms": statistics.median(ms), "p99_ms": ms[int(len(ms) * 0.99)],
               "notes": f"{len(ms)} probes with Footfall-After"}


def cluster(services: Services, events: int, seconds: float) -> Iterator[Row]:
    yield from scaling(services, events)
    with Nodes(services, 3) as nodes:
        nodes.ingest(20_000, pages=1, users=20)
        yield from remote_queries(nodes, 4 * seconds)
        yield from given_events(nodes, events // 3, seconds)
