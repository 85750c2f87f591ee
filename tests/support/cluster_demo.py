"""What scripts/demo-cluster shows, on the services that its environment names."""
from __future__ import annotations

import argparse
import collections
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
from typing import Any, Iterator

import psycopg

from cluster import Cluster
from demo_log import DemoLog, Figure
from footfall import BINARY, PATIENCE, run, wait_until
from importing import summary
from journal import gauge

LINES_A_SECOND = 2_000
LINES_AT_ONCE = 100
KILLED_AFTER = 0.4  # of the lines
TAKEOVER_MAX = 4.0  # seconds; a lease is 3
INTERRUPTED = 130
ENVIRONMENT = ("KAFKA_BROKER", "KAFKA_TOPIC", "DATABASE_URL", "REDIS_ADDR")


class Stopped(BaseException):
    """Ctrl-C, or SIGTERM."""


def stop(*_: Any) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # What ends now must not be ended half-way.
    show("stopped")
    sys.stdout = open(os.devnull, "w")  # What servers say that end so helps nobody.
    raise Stopped


def show(text: str = "") -> None:
    print(text, flush=True)


def title(text: str) -> None:
    show(f"\n{text}")


class Feeder(threading.Thread):
    """`footfall import -`, given the lines of a log at an even pace."""

    def __init__(self, log: DemoLog, to: str):
        super().__init__(daemon=True)
        self.lines = log.path.read_bytes().splitlines(keepends=True)
        self.sent = 0
        self.process = subprocess.Popen([BINARY, "import", "-", "--to", to], text=False,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)

    def run(self) -> None:
        began = time.monotonic()
        with contextlib.suppress(BrokenPipeError), self.process.stdin as pipe:
            while self.sent < len(self.lines):
                due = int((time.monotonic() - began) * LINES_A_SECOND) + 1
                due = min(due, self.sent + LINES_AT_ONCE, len(self.lines))
                pipe.write(b"".join(self.lines[self.sent:due]))
                pipe.flush()
                self.sent = due
                time.sleep(0.01)

    def finish(self) -> dict[str, str]:
        """The import's own summary, once it has ended."""
        self.join()
        code = self.process.wait(60 * PATIENCE)
        out, told = self.process.stdout.read().decode(), self.process.stderr.read().decode()
        assert code == 0, f"footfall import ended with {code}: {told}"
        return summary(subprocess.CompletedProcess([], 0, out, told))

    def __enter__(self) -> "Feeder":
        self.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.process.kill()
        self.process.wait()
        self.join()
        for pipe in (self.process.stdout, self.process.stderr):
            pipe.close()


class Demo:
    """One run. `wrong` holds what does not match, a sentence each."""

    def __init__(self, nodes: Cluster, log: DemoLog):
        self.nodes, self.log = nodes, log
        self.wrong: list[str] = []
        self.began = 0.0
        self.answers: list[float] = []  # seconds that n2 took
        self.unanswered = 0
        self.first = (collections.Counter(), collections.Counter())  # before the second import

    def check(self, holds: bool, what: str) -> str:
        if not holds:
            self.wrong.append(what)
        return "ok" if holds else "WRONG"

    def sql(self, statement: str) -> list[tuple]:
        with psycopg.connect(self.nodes.environment["DATABASE_URL"]) as session:
            return session.execute(statement).fetchall()

    def at(self, text: str) -> None:
        show(f"{time.monotonic() - self.began:7.1f} s  {text}")

    def show_nodes(self, asked: str) -> None:
        """As any operator sees them, once the asked one has heard of what just happened."""
        def has_heard() -> bool:
            found = self.nodes[asked].admin.get("/cluster").json()
            told = {part: x["name"] for x in found["nodes"] for part in x.get("partitions", [])}
            return told == self.nodes.owners()
        wait_until(has_heard, 10, f"{asked} has heard who has what")
        done = run("cluster", "--url", self.nodes[asked].url("admin"))
        assert done.returncode == 0, done
        for line in done.stdout.splitlines():
            show(f"  {line}")

    def await_ready(self) -> None:
        """Until each node is ready, and hears from the others that the log works."""
        def is_ready() -> bool:
            alive = self.nodes.alive().values()
            return (all(x.admin.get("/readyz").status == 200 for x in alive)
                    and all(row["log"] == "works" for x in alive
                            for row in x.admin.get("/cluster").json()["nodes"]))
        wait_until(is_ready, 30, "all nodes are ready")

    def ask(self) -> str:
        """The clicks of the first page, of n2: what a dashboard would do meanwhile."""
        page = self.log.top_pages[0][0]
        began = time.monotonic()
        answer = self.nodes["n2"].query.get("/v1/stats/page", page_url=page)
        if answer.status != 200:
            self.unanswered += 1
            return f"{answer.status}"
        self.answers.append(time.monotonic() - began)
        return f"{answer.json()['clicks']:,}"

    def counted(self) -> int:
        return int(self.sql("SELECT coalesce(sum(clicks), 0) FROM page_totals")[0][0])

    def watch(self, feeder: Feeder, until: int) -> None:
        """Tells how far it is, twice a second, until so many lines were sent."""
        next_told = time.monotonic()
        while feeder.sent < until and feeder.process.poll() is None:
            clicks = self.ask()
            if time.monotonic() >= next_told:
                next_told += 0.5
                self.at(f"sent {feeder.sent:6,}   counted {self.counted():6,}   "
                        f"n2 says {self.log.top_pages[0][0][:20]} has {clicks}")
            time.sleep(0.02)

    def import_and_kill(self) -> tuple[dict[str, str], float]:
        """The import's summary, and how long nobody had the partitions of n3."""
        nodes, lines = self.nodes, self.log.lines
        title(f"Importing {lines:,} lines of {self.log.name} through n1, asking n2:")
        self.began = time.monotonic()
        with Feeder(self.log, nodes["n1"].url("ingest")) as feeder:
            self.watch(feeder, int(lines * KILLED_AFTER))
            parts = nodes.owned("n3")
            text = ", ".join(map(str, parts))
            self.at(f"kill -9 of n3, process {nodes['n3'].process.pid}, which has partition {text}")
            nodes["n3"].kill9()
            took = nodes.seconds_until_taken(parts, "n3")
            owners = nodes.owners()
            now = sorted({owners[part] or "nobody" for part in parts})
            self.at(f"partition {text} runs at {', '.join(now)}: taken over in {took:.2f} s")
            self.watch(feeder, lines)
            told = feeder.finish()
        self.at(f"all sent; n2 answered {len(self.answers)} questions meanwhile, "
                f"{self.unanswered} not")
        self.show_nodes("n2")
        return told, took

    def await_counted(self) -> None:
        """Until nothing that was acknowledged waits to be counted."""
        def waiting() -> float:
            return sum(gauge(server, name) for server in self.nodes.alive().values()
                       for name in ("footfall_partition_lag_records",
                                    "footfall_partition_unfolded_records"))
        wait_until(lambda: waiting() == 0, 30, "all that was acknowledged is counted")

    def come_back(self) -> None:
        began = time.monotonic()
        self.nodes["n3"].start()
        self.nodes.await_even()
        self.nodes.await_links()
        title(f"n3 is started again, and has its share after {time.monotonic() - began:.1f} s:")
        self.show_nodes("n3")

    def measured(self, figure: Figure) -> tuple[int, str]:
        """What Footfall says, and who said it."""
        if figure.statement:
            return int(self.sql(figure.statement)[0][0]), "the store"
        answer = self.nodes["n2"].query.get(figure.path, **figure.query)
        if answer.status != 200:
            return -1, f"n2: {answer.status}"
        found = answer.json()
        where = answer.headers.get("footfall-node", "n2")
        whose = found["source"] + ("" if where == "n2" else f" of {where}")
        return found["count" if "count" in found else "clicks"], f"n2 ({whose})"

    def show_figures(self) -> None:
        title(f"{'known figures':<36}{'known':>8}{'counted':>9}         asked")
        for figure in self.log.figures():
            found, where = self.measured(figure)
            verdict = self.check(found == figure.known, f"{figure.name}: {found}, not "
                                                        f"{figure.known}")
            name = figure.name if len(figure.name) <= 34 else figure.name[:31] + "..."
            show(f"  {name:<34}{figure.known:>8,}{found:>9,}  {verdict:<6} {where}")

    def stock(self) -> tuple[collections.Counter, collections.Counter]:
        """Of each page and user: the events that are stored, and what they are counted as."""
        return (collections.Counter(self.sql("SELECT page_url, user_id FROM click_events")),
                collections.Counter({(page, user): int(n) for page, user, n in self.sql(
                    "SELECT page_url, user_id, click_count FROM page_clicks")}))

    def show_ledger(self, told: dict[str, str], took: float) -> None:
        stored, counts = self.first
        accepted = int(told["accepted"])
        want = self.log.clicks
        lost = ((want - stored) | (want - counts)).total()
        twice = ((stored - want) | (counts - want)).total()
        audit = self.nodes["n2"].audit()
        sound = audit["ok"] and not audit["differences"]
        title("ledger: each line of the log against what is stored and what is counted")
        for name, value, holds in (
                ("sent", f"{self.log.lines:,}", True),
                ("acknowledged", f"{accepted:,}", accepted == self.log.lines),
                ("counted", f"{counts.total():,}", counts.total() == self.log.lines),
                ("lost", f"{lost:,}", lost == 0),
                ("twice", f"{twice:,}", twice == 0),
                ("audit", "ok" if sound else "differs", sound),
                ("takeover", f"{took:.2f} s", took < TAKEOVER_MAX * PATIENCE)):
            show(f"  {name:<14}{value:>10}  {self.check(holds, f'{name}: {value}')}")

    def import_again(self) -> None:
        done = run("import", str(self.log.path), "--to", self.nodes["n2"].url("ingest"),
                   seconds=120)
        assert done.returncode == 0, done
        told = summary(done)
        self.await_counted()
        same = told["new"] == "0" and self.stock() == self.first
        title(f"The same import again, through n2: {int(told['accepted']):,} acknowledged, "
              f"{told['new']} new  {self.check(same, 'the second import changed something')}")

    def run(self) -> None:
        self.await_ready()
        title("The nodes, by `footfall cluster`:")
        self.show_nodes("n1")
        told, took = self.import_and_kill()
        self.await_counted()
        self.first = self.stock()
        self.come_back()
        self.import_again()
        self.show_figures()
        self.show_ledger(told, took)


def show_addresses(nodes: Cluster) -> None:
    for name, server in nodes.alive().items():
        show(f"  {name}  ingest {server.address('ingest')}  query {server.address('query')}  "
             f"admin {server.address('admin')}")


def keep(nodes: Cluster) -> None:
    title("It runs until Ctrl-C:")
    show_addresses(nodes)
    server = nodes["n2"]
    show(f"  {BINARY} cluster --watch --url {server.url('admin')}")
    show(f"  {BINARY} stats top-pages --url {server.url('query')}")
    with contextlib.suppress(Stopped):
        threading.Event().wait()


@contextlib.contextmanager
def running() -> Iterator[Cluster]:
    with Cluster({name: os.environ[name] for name in ENVIRONMENT}, 3) as nodes:
        yield nodes
        for server in nodes.alive().values():
            server.terminate()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", type=pathlib.Path)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    began = time.monotonic()
    try:
        log = DemoLog.of(options.log)
        show("Three nodes with mutual TLS between them, each a process of its own:")
        with running() as nodes:
            show_addresses(nodes)
            demo = Demo(nodes, log)
            demo.run()
            title(f"{'All of it matches' if not demo.wrong else 'FAILED'}, "
                  f"after {time.monotonic() - began:.0f} s.")
            for text in demo.wrong:
                show(f"  {text}")
            if options.keep:
                keep(nodes)
    except Stopped:
        return INTERRUPTED
    except AssertionError as error:
        show(f"\nFAILED: {error}")
        return 1
    return 1 if demo.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
