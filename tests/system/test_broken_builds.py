"""Programs that are broken on purpose: the checker finds the bug of each, and finds
nothing in the same run of the sound program."""
from __future__ import annotations

import contextlib
import itertools
import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import threading
import time
from typing import Callable

import psycopg
import pytest

from answers import Askers, wrong_answers
from footfall import BINARY, ROOT, Server, wait_until
from journal import (ACCEPTED, Check, Journal, Load, Rows, examine, gauge, outcomes_of,
                     settle, sqlite_rows)
from own_services import OwnServices
from ports import fixed_ports
from service_waits import await_more, postgres_rows
from services import let_two_share

BROKEN = os.environ.get("FOOTFALL_BROKEN", str(ROOT / "build/release/tests/broken/footfall_broken"))
STALL_SECONDS = 1
EMBEDDED, SERVICES, KAFKA_ONLY = "embedded", "services", "Kafka, SQLite"


class Run:
    """One program, sound or with a bug, in one mode."""

    def __init__(self, mode: str, bug: str, own_services: OwnServices | None):
        self.bug = bug
        self.services = None if mode == EMBEDDED else own_services
        self.environment = self.services.environment() if self.services else {}
        if mode == KAFKA_ONLY:
            del self.environment["DATABASE_URL"], self.environment["REDIS_ADDR"]
        self.name = f"{bug or 'sound'}, {mode}"

    def server(self, *options: str) -> Server:
        environment = dict(self.environment)
        if self.bug:
            environment["FOOTFALL_SEEDED_BUG"] = self.bug
        return Server(*options, environment=environment, ports=fixed_ports(),
                      binary=BROKEN if self.bug else BINARY)

    def rows(self, server: Server) -> Rows:
        if "DATABASE_URL" in self.environment:
            return postgres_rows(self.environment)
        return sqlite_rows(server)

    def examine(self, server: Server, journal: Journal, site: str = "default") -> list[str]:
        return examine(server, journal, self.rows(server), self.name, site).problems

    @contextlib.contextmanager
    def stalled_log(self, server: Server):
        """Meanwhile the log confirms nothing."""
        if self.services:
            self.services.run("pause", "kafka")
            try:
                yield
            finally:
                self.services.run("resume", "kafka")
            return
        with contextlib.closing(sqlite3.connect(server.data / "log.db")) as log:
            log.isolation_level = None
            log.execute("BEGIN IMMEDIATE")
            try:
                yield
            finally:
                log.execute("ROLLBACK")


def stall(what: str, until: Callable[[], bool]) -> None:
    """The fault lasts this long, or until it has shown what is wrong."""
    end = time.monotonic() + STALL_SECONDS
    wait_until(lambda: until() or time.monotonic() > end, STALL_SECONDS + 5, what)


def kill_while_the_log_stalls(run: Run) -> list[str]:
    with run.server() as server:
        with Load(server, clients=4, seed=70) as load:
            await_more(load, 50)
            with run.stalled_log(server):
                enough = load.accepted() + 300
                stall("the log stalls", lambda: load.accepted() >= enough)
                server.kill9()
            server.start()
            await_more(load, 50)
        return run.examine(server, load.journal)


def stop_while_the_log_stalls(run: Run) -> list[str]:
    with run.server() as server:
        with Load(server, clients=4, seed=71) as load:
            await_more(load, 50)
            with run.stalled_log(server):
                enough = load.accepted() + 300
                stall("the log stalls", lambda: load.accepted() >= enough)
                server.process.send_signal(signal.SIGTERM)
                wait_until(lambda: "draining" in server.stderr(), what="the drain has begun")
                stall("the log still stalls", lambda: server.process.poll() is not None)
            assert server.process.wait(20) == 0, server.stderr()
            server.start()
            await_more(load, 50)
        return run.examine(server, load.journal)


def kill_between_folds(run: Run) -> list[str]:
    with run.server("--fold-every-ms", "20") as server:
        with Load(server, clients=4, seed=72) as load:
            await_more(load, 100)
            server.kill9()
            server.start()
            await_more(load, 100)
        return run.examine(server, load.journal)


def end_between_folds(run: Run) -> list[str]:
    """The server ends by itself."""
    with run.server("--fold-every-ms", "20") as server:
        with Load(server, clients=4, seed=72):
            wait_until(lambda: server.process.poll() is not None, 60, "the server ends")
        return [server.stderr()]


def kill_between_merges(run: Run) -> list[str]:
    """A merge begins where nothing else is to be done: when the load has ended, and again after
    the start if the first one left no mark."""
    with run.server("--fold-every-ms", "20") as server:
        with Load(server, clients=4, seed=75) as load:
            await_more(load, 100)

        def blocks() -> list[tuple]:
            with contextlib.closing(sqlite3.connect(server.data / "store.db")) as store:
                return store.execute("SELECT sum(length(data)) FROM core_pair_blocks").fetchall()

        wait_until(lambda: blocks() != [(None,)], 20, "there was a merge")
        server.kill9()
        server.start()
        return run.examine(server, load.journal)


def let_batches_time_out(run: Run) -> list[str]:
    with run.server("--request-timeout-ms", "200") as server:
        with Load(server, clients=12, seed=73) as load:
            await_more(load, 50)
            with run.stalled_log(server):
                stall("requests time out", lambda: load.journal.untrue >= 3)
            await_more(load, 50)
        return run.examine(server, load.journal)


def give_two_sites_the_same_ids(run: Run) -> list[str]:
    journals = {"one": Journal(), "two": Journal()}
    with run.server() as server:
        for number, (site, journal) in itertools.product(range(20), journals.items()):
            batch = [{"event_id": f"e-{number}-{i}", "user_id": f"user-{i % 7}",
                      "event_type": "click", "page_url": f"/page/{i % 5}"} for i in range(20)]
            journal.invoke(batch)
            answer = server.ingest.post(f"/v1/events?site={site}", batch)
            journal.complete(batch, answer.status,
                             outcomes_of(answer.status, answer.body, len(batch)))
            journal.note_positions(answer.headers["footfall-position"])
        problems = run.examine(server, journals["one"], "one")
        return problems + Check(journals["two"], run.rows(server), "two").problems


POISON = [b"not json at all", b"{", b"[]", b"null", b"{}", b"\xff\xfe\x00"]


def produce_poison(run: Run) -> list[str]:
    journal = Journal()
    events = [{"event_id": f"other-{number}", "user_id": f"user-{number % 7}",
               "event_type": "click", "page_url": f"/page/{number % 50}"}
              for number in range(500)]
    with run.server() as server:
        journal.invoke(events)
        journal.poison = 5 * len(POISON)
        run.services.produce(run.environment["KAFKA_TOPIC"],
                             [json.dumps(event).encode() for event in events] + 5 * POISON)
        journal.complete(events, 200, [ACCEPTED] * len(events))
        wait_until(lambda: gauge(server, "footfall_records_applied_total") == 530, 30)
        return run.examine(server, journal)


class PassingPages:
    """Pages that are popular for a moment, a few at a time."""

    def __init__(self, clicks: int = 40):
        self.clicks = clicks
        self.picks = itertools.count()

    def pick(self, chance: random.Random) -> str:
        return f"/page/{next(self.picks) // self.clicks}-{chance.randint(1, 3)}"


def ask_while_clicks_come(run: Run) -> list[str]:
    # With no page live it is the store that answers what the cache has not.
    with run.server("--live-pages-max", "1", "--fold-every-ms", "10") as server:
        with Load(server, clients=3, seed=74, batch_max=3, pages=PassingPages(),
                  users=2) as load, Askers(server, load.journal) as askers:
            wait_until(lambda: load.accepted() >= 1500 and askers.asked >= 3000
                       or load.trouble or askers.trouble, 60, "clicks and questions")
        settle(server, load.journal)
        problems = wrong_answers(server, run.rows(server))
        if not run.bug:  # With late fills one may be told an older count until the fold.
            problems += askers.problems
        return problems + run.examine(server, load.journal)


class Offsets(threading.Thread):
    """Reads how far each partition is, all the time: it never goes back."""

    def __init__(self, address: str):
        super().__init__()
        self.address = address
        self.stopping = threading.Event()
        self.backwards = 0

    def run(self) -> None:
        seen: dict[int, int] = {}
        with psycopg.connect(self.address, autocommit=True) as session:
            while not self.stopping.wait(0.001):
                for part, offset in session.execute(
                        "SELECT part, next_offset FROM partition_progress").fetchall():
                    self.backwards += offset < seen.get(part, 0)
                    seen[part] = offset

    def __exit__(self, *_) -> None:
        self.stopping.set()
        self.join()

    def __enter__(self) -> "Offsets":
        self.start()
        return self


def let_two_own_the_partitions(run: Run) -> list[str]:
    let_two_share(run.environment["DATABASE_URL"])
    with run.server() as server, run.server() as other:
        with Offsets(run.environment["DATABASE_URL"]) as offsets, \
                Load(server, clients=4, seed=75) as load:
            await_more(load, 1000)
        rows = run.rows(server)

        def is_folded() -> bool:
            # The gauges of the node that did not fold are behind.
            return (rows("SELECT sum(next_offset - folded_offset)::int FROM partition_progress"
                         " JOIN fold_progress USING (topic, part)") == [(0,)]
                    and all(gauge(one, "footfall_partition_lag_records") == 0
                            and gauge(one, "footfall_partition_running") == 4
                            for one in (server, other)))

        wait_until(is_folded, 30, "both have applied everything, and it is folded")
        problems = []
        if offsets.backwards:
            problems.append(f"an applied offset went backwards: {offsets.backwards}")
        for one in (server, other):
            problems += wrong_answers(one, rows)
            one.terminate()
        server.start()
        return problems + run.examine(server, load.journal)


BOTH = (EMBEDDED, SERVICES)
# Bug: the run that shows it, in which modes, and what the checker must say.
BUGS = {
    "ack-on-enqueue": (kill_while_the_log_stalls, BOTH, "acknowledged but not stored"),
    "no-drain-flush": (stop_while_the_log_stalls, BOTH, "acknowledged but not stored"),
    "fold-without-cursor": (kill_between_folds, (SERVICES,), "page_totals differs"),
    "merge-without-cursor": (kill_between_merges, (EMBEDDED,), "page_clicks differs"),
    "set-not-delta": (kill_between_folds, BOTH, "page_totals differs"),
    "now-bucket": (kill_between_folds, BOTH, "page_series differs"),
    "batch-200": (let_batches_time_out, BOTH, "answered 200 with events unknown"),
    "unscoped-id": (give_two_sites_the_same_ids, BOTH, "acknowledged but not stored"),
    "skip-poison": (produce_poison, (KAFKA_ONLY, SERVICES), "bad_events has 0 of 30"),
    "del-not-versions": (ask_while_clicks_come, BOTH, "answers differ from the rows"),
    "no-cas": (let_two_own_the_partitions, (SERVICES,), "answers differ"),
}
CASES = [(bug, mode) for bug, (_, modes, _) in BUGS.items() for mode in modes]
# An assertion ends the program before it can count wrongly.
ASSERTED = [("fold-without-cursor", EMBEDDED, end_between_folds, "late <= x.folded")]
# A race that the clients cannot force: it shows in nine of ten runs.
TRIES = {"del-not-versions": 6}
# What a bug needs to show itself, and a sound program bears.
FAULTS = {ask_while_clicks_come: "late-fills"}
SOUND = sorted({(run, mode, fault) for run, modes, _ in BUGS.values() for mode in modes
                for fault in {"", FAULTS.get(run, "")}},
               key=lambda case: (case[0].__name__, *case[1:]))


@pytest.fixture(scope="module")
def own_services(tmp_path_factory):
    with OwnServices(tmp_path_factory.mktemp("services")) as running:
        yield running


@pytest.fixture(scope="module")
def table():
    lines: list[str] = []
    yield lines
    print("\n" + "\n".join(lines))


@pytest.mark.parametrize("run, mode, fault", SOUND, ids=lambda x: getattr(x, "__name__", x))
def test_the_sound_program_passes(own_services, run, mode, fault):
    assert run(Run(mode, fault, own_services)) == []


@pytest.mark.parametrize("bug, mode", CASES)
def test_the_checker_finds(own_services, table, bug, mode):
    run, _, found = BUGS[bug]
    for _ in range(TRIES.get(bug, 1)):
        problems = run(Run(mode, bug, own_services))
        table.append(f"| {bug} | {mode} | {'; '.join(problems) or 'nothing'} |")
        if any(found in problem for problem in problems):
            return
    raise AssertionError(problems)


@pytest.mark.parametrize("bug, mode, run, found", ASSERTED)
def test_an_assertion_finds(own_services, table, bug, mode, run, found):
    said = run(Run(mode, bug, own_services))
    table.append(f"| {bug} | {mode} | {said[-1].splitlines()[-1]} |")
    assert f"Assertion `{found}' failed" in said[0], said


def test_the_shipped_program_has_no_trace_of_a_bug():
    broken, sound = (pathlib.Path(name).read_bytes() for name in (BROKEN, BINARY))
    for text in ("FOOTFALL_SEEDED_BUG", "seeded_bug", *BUGS, *FAULTS.values()):
        assert text.encode() in broken
        assert text.encode() not in sound


def test_a_bug_that_nobody_knows_is_refused():
    done = subprocess.run([BROKEN, "--version"], capture_output=True, text=True,
                          env={**os.environ, "FOOTFALL_SEEDED_BUG": "no-such-bug"})
    assert (done.returncode, done.stdout) == (2, ""), done
    assert "no bug is called no-such-bug" in done.stderr
