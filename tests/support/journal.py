"""Load that remembers what it was told, and the check of a store against it.

Each request for an event is written down before it is sent (invoke) and after its
answer (complete). Whatever happens to the server in between, the store must then
hold what was acknowledged, once, and nothing that was refused or never sent.
"""
from __future__ import annotations

import bisect
import collections
import datetime
import http.client
import itertools
import json
import random
import sqlite3
import threading
from typing import Any, Callable, Iterable

from footfall import PATIENCE, Server, wait_until

ACCEPTED, UNKNOWN, REJECTED = "accepted", "unknown", "rejected"
ROUNDS_TO_RETRY = 0.2
SITE = "default"
ENDS_MAX = 3  # starts until everything is folded


class Journal:
    """What became of every event. Threads may share it."""

    def __init__(self) -> None:
        self.contents: dict[str, set[tuple[str, str]]] = {}  # id: every (page, user) sent
        self.outcomes: dict[str, collections.Counter] = {}
        self.pending: collections.Counter = collections.Counter()
        self.reached: dict[int, int] = {}  # partition: the last offset that was acknowledged
        self.answers: collections.Counter = collections.Counter()  # by HTTP status; 0: none
        self.recent: collections.deque[tuple[str, str]] = collections.deque(maxlen=40)  # as sent
        self.untrue = 0  # answers of 200 that left an event unknown
        self.poison = 0  # records in the log that are no events
        self.lock = threading.Lock()

    def invoke(self, events: list[dict]) -> None:
        with self.lock:
            for event in events:
                name = event["event_id"]
                self.contents.setdefault(name, set()).add((event["page_url"], event["user_id"]))
                self.outcomes.setdefault(name, collections.Counter())
                self.recent.append((event["page_url"], event["user_id"]))
                self.pending[name] += 1

    def complete(self, events: list[dict], status: int, outcomes: list[str]) -> None:
        with self.lock:
            self.answers[status] += 1
            self.untrue += status == 200 and UNKNOWN in outcomes
            for event, outcome in zip(events, outcomes, strict=True):
                self.outcomes[event["event_id"]][outcome] += 1
                self.pending[event["event_id"]] -= 1

    def note_positions(self, text: str) -> None:
        """`text`: "partition:offset", with commas, as Footfall-Position has it."""
        with self.lock:
            for pair in text.split(","):
                partition, offset = (int(number) for number in pair.split(":"))
                self.reached[partition] = max(offset, self.reached.get(partition, 0))

    def ids(self, outcome: str) -> set[str]:
        """Ids by the best that they were told; what had no answer is unknown."""
        with self.lock:
            return {name for name, seen in self.outcomes.items() if outcome == best(
                seen, self.pending[name])}


def best(seen: collections.Counter, pending: int) -> str:
    if seen[ACCEPTED]:
        return ACCEPTED
    return UNKNOWN if pending or seen[UNKNOWN] else REJECTED


def outcomes_of(status: int, body: bytes, count: int) -> list[str]:
    """What an answer of /ingest or /v1/events says of each of its events."""
    answer = json.loads(body)
    if "results" in answer:
        return [result["status"] for result in answer["results"]]
    if status == 200:
        return [ACCEPTED] * count
    if "outcome" in answer:
        return [answer["outcome"]] * count
    refused = status < 500 or status == 507 or answer["type"].endswith(":too_many_connections")
    return [REJECTED if refused else UNKNOWN] * count


class Pages:
    """Pages as on a real site: a few are most of it."""

    def __init__(self, count: int = 200):
        self.names = [f"/page/{number}" for number in range(count)]
        self.sums = list(itertools.accumulate(1 / (rank + 1) for rank in range(count)))

    def pick(self, chance: random.Random) -> str:
        return self.names[bisect.bisect(self.sums, chance.random() * self.sums[-1])]


class Load:
    """Clients that send until they are stopped, whatever becomes of the server.

        with Load(server, clients=8, seed=1) as load:
            ...
        print(load.journal.answers)

    Every fifth request repeats events of an earlier one. The server keeps its ports."""

    def __init__(self, server: Server, clients: int = 6, seed: int = 1,
                 batch_max: int = 20, pages: Pages | None = None, users: int = 50,
                 change: Callable[[random.Random, dict], None] | None = None,
                 pause: float = 0):
        """`change` may alter an event that is sent again, in place. `pause`: seconds of
        each client between an answer and its next request."""
        self.address = server.address("ingest")
        self.journal = Journal()
        self.prefix = f"{seed}-{random.SystemRandom().getrandbits(32):x}"
        self.batch_max = batch_max
        self.pages = pages or Pages()
        self.users = users
        self.change = change
        self.pause = pause
        self.stopping = threading.Event()
        self.trouble: list[BaseException] = []
        self.threads = [threading.Thread(target=self._run, args=(number, seed))
                        for number in range(clients)]

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, *_: Any) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        if self.trouble and kind is None:
            raise self.trouble[0]

    def accepted(self) -> int:
        """Answers of 200 so far."""
        return self.journal.answers[200]

    def _run(self, number: int, seed: int) -> None:
        try:
            self._send_for_ever(number, random.Random(f"{seed}/{number}"))
        except BaseException as error:  # Shown by the thread that waits for us.
            self.trouble.append(error)

    def _send_for_ever(self, number: int, chance: random.Random) -> None:
        connection = self._connection(number)
        fresh = itertools.count()
        sent: collections.deque[list[dict]] = collections.deque(maxlen=200)
        while not self.stopping.is_set():
            if connection.sock is None:
                try:
                    connection.connect()
                except OSError:
                    self.stopping.wait(0.005)  # Nothing listens; nothing was sent.
                    continue
            if sent and chance.random() < ROUNDS_TO_RETRY:
                events = [dict(event) for event in chance.choice(sent)]
                if self.change:
                    for event in events:
                        self.change(chance, event)
            else:
                size = 1 if chance.random() < 0.7 else chance.randint(2, self.batch_max)
                events = [self._event(f"{self.prefix}-{number}-{next(fresh)}", chance)
                          for _ in range(size)]
                sent.append(events)
            self._send(connection, events)
            if self.pause:
                self.stopping.wait(self.pause)
        connection.close()

    def _connection(self, number: int) -> http.client.HTTPConnection:
        host, port = self.address.rsplit(":", 1)
        return http.client.HTTPConnection(host, int(port), timeout=10 * PATIENCE)

    def _event(self, name: str, chance: random.Random) -> dict:
        age = datetime.timedelta(seconds=chance.randint(0, 3600))
        at = datetime.datetime.now(datetime.timezone.utc) - age
        return {"event_id": name, "user_id": f"user-{chance.randint(1, self.users)}",
                "event_type": chance.choice(("click", "view")),
                "page_url": self.pages.pick(chance), "time_stamp": f"{at:%Y-%m-%dT%H:%M:%SZ}"}

    def _send(self, connection: http.client.HTTPConnection, events: list[dict]) -> None:
        path, body = ("/ingest", events[0]) if len(events) == 1 else ("/v1/events", events)
        self.journal.invoke(events)
        try:
            connection.request("POST", path, json.dumps(body))
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            self.journal.complete(events, 0, [UNKNOWN] * len(events))
            return
        outcomes = outcomes_of(answer.status, text, len(events))
        self.journal.complete(events, answer.status, outcomes)
        if answer.status == 200 and ACCEPTED in outcomes:
            self.journal.note_positions(answer.headers["footfall-position"])
        if answer.status in (429, 503):
            assert int(answer.headers["retry-after"]) >= 1, answer.headers
        if answer.status != 200:
            self.stopping.wait(0.01)


Rows = Callable[[str], Iterable[tuple]]


def minute_of(time: Any) -> str:
    """As SQLite gives it, or PostgreSQL."""
    if isinstance(time, datetime.datetime):
        time = time.astimezone(datetime.timezone.utc).isoformat()
    return time[:len("2025-11-05T20:00")]


class Check:
    """A store, read whole, against the journal of one site. `problems` is empty when it
    holds."""

    def __init__(self, journal: Journal, rows: Rows, site: str = SITE):
        self.journal = journal
        mine = f" WHERE site_id = '{site}'"
        self.stored = []
        self.minutes: collections.Counter = collections.Counter()
        for name, page, user, kind, time in rows(
                "SELECT event_id, page_url, user_id, event_type, time_stamp"
                " FROM click_events" + mine):
            self.stored.append((name, page, user))
            self.minutes[page, minute_of(time), kind] += 1
        self.clicks = {(page, user): int(n) for page, user, n in rows(
            "SELECT page_url, user_id, click_count FROM page_clicks" + mine)}
        self.totals = {page: (int(clicks), int(users)) for page, clicks, users in rows(
            "SELECT page_url, clicks, users FROM page_totals" + mine)}
        self.series = {(page, minute_of(time), kind): int(n) for page, time, kind, n in rows(
            "SELECT page_url, bucket, event_type, clicks FROM page_series" + mine)}
        self.bad = int(list(rows("SELECT count(*) FROM bad_events"))[0][0])
        self._compare()

    def _compare(self) -> None:
        sent = set(self.journal.contents)
        names = {name for name, _, _ in self.stored}
        self.acknowledged = self.journal.ids(ACCEPTED)
        self.lost = self.acknowledged - names
        self.phantom = names - sent
        self.refused_but_stored = self.journal.ids(REJECTED) & names
        self.twice = len(self.stored) - len(names)
        self.unlike = [row for row in self.stored if row[0] in sent
                       and (row[1], row[2]) not in self.journal.contents[row[0]]]
        want = collections.Counter((page, user) for _, page, user in self.stored)
        users = collections.Counter(page for page, _ in want)
        pages = collections.Counter(page for _, page, _ in self.stored)
        self.problems = [f"{what}: {len(some)}, such as {sorted(some)[:3]}" for what, some in (
            ("acknowledged but not stored", self.lost),
            ("stored but never sent", self.phantom),
            ("refused but stored", self.refused_but_stored),
            ("stored with other contents", self.unlike)) if some]
        self.problems += [f"{what} differs from the rows" for what, same in (
            ("page_clicks", self.clicks == want),
            ("page_totals", self.totals == {page: (n, users[page]) for page, n in pages.items()}),
            ("page_series", self.series == self.minutes)) if not same]
        if self.twice:
            self.problems.append(f"stored twice: {self.twice}")
        if self.bad != self.journal.poison:
            self.problems.append(f"bad_events has {self.bad} of {self.journal.poison} records"
                                 " that are no events")
        if self.journal.untrue:
            self.problems.append(f"answered 200 with events unknown: {self.journal.untrue}")

    def figures(self) -> str:
        """One line for the record of a run."""
        journal = self.journal
        attempts = sum(sum(seen.values()) for seen in journal.outcomes.values())
        answers = " ".join(f"{status or 'none'}:{n}" for status, n in sorted(
            journal.answers.items()))
        return (f"sent {len(journal.contents)} acknowledged {len(self.acknowledged)} "
                f"stored {len(self.stored)} counted {sum(self.clicks.values())} "
                f"duplicates {attempts - len(journal.contents)} "
                f"unknown {len(journal.ids(UNKNOWN))} rejected {len(journal.ids(REJECTED))} "
                f"lost {len(self.lost)} twice {self.twice} phantom {len(self.phantom)} "
                f"bad {self.bad} answers {answers}")


def gauge(server: Server, name: str) -> float:
    """The sum of a metric over its labels."""
    lines = server.admin.get("/metrics").text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines
               if line.startswith((name + " ", name + "{")))


def settle(server: Server, journal: Journal, seconds: float = 60) -> None:
    """Waits until what was acknowledged, and all else that is known, is applied and folded."""
    after = ",".join(f"{partition}:{offset}" for partition, offset in journal.reached.items())

    def is_applied() -> bool:
        return server.query.get("/v1/stats/page", page_url="/page/0",
                                headers={"Footfall-After": after} if after else None).status == 200

    def is_folded() -> bool:
        return (gauge(server, "footfall_requests_in_flight") == 0
                and gauge(server, "footfall_partition_lag_records") == 0
                and gauge(server, "footfall_partition_unfolded_records") == 0)

    wait_until(is_applied, seconds, "everything acknowledged is applied")
    def open_work() -> str:
        names = ("footfall_requests_in_flight", "footfall_partition_lag_records",
                 "footfall_partition_unfolded_records")
        lines = [x for x in server.admin.get("/metrics").text.splitlines() if x.startswith(names)]
        actors = server.admin.get("/actors", name="partition").json()["actors"]
        told = [server.admin.get(f"/actors/{x['id']}").text for x in actors]
        return "\n".join(["everything is folded", *lines, *told,
                          server.admin.get("/admin/partitions").text])

    wait_until(is_folded, seconds, open_work)


def sqlite_rows(server: Server) -> Rows:
    """Reads the embedded store of a server that has ended."""
    def rows(statement: str) -> list[tuple]:
        connection = sqlite3.connect(server.data / "store.db")
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()

    return rows


def check_embedded(server: Server, journal: Journal, what: str) -> Check:
    return end_and_check(server, journal, sqlite_rows(server), what)


def audit_of(server: Server) -> dict[str, Any]:
    """The verdict, or why there is none."""
    try:
        return server.audit()
    except AssertionError as error:
        return {"ok": False, "differences": [f"no audit: {error}"]}


def examine(server: Server, journal: Journal, rows: Rows, what: str, site: str = SITE) -> Check:
    """Ends the server and holds its store against the journal; prints the figures."""
    behind = "SELECT 1 FROM partition_progress JOIN fold_progress USING (topic, part)" \
             " WHERE next_offset <> folded_offset"
    for _ in range(ENDS_MAX):
        settle(server, journal)
        audit = audit_of(server)
        server.terminate()
        # A request without an answer may reach the log as the very last.
        is_behind = bool(list(rows(behind)))
        if not is_behind:
            break
        server.start()
    check = Check(journal, rows, site)
    differences = audit["differences"]
    verdict = "ok" if audit["ok"] and not differences else f"{len(differences)} differences"
    print(f"{what}: {check.figures()} audit {verdict}")
    if is_behind:
        check.problems.append(f"not folded to the end after {ENDS_MAX} starts")
    if verdict != "ok":
        check.problems.append(f"audit: {verdict}, such as {differences[:1]}")
    return check


def end_and_check(server: Server, journal: Journal, rows: Rows, what: str) -> Check:
    """As examine(), and nothing may be wrong."""
    check = examine(server, journal, rows, what)
    assert not check.problems, check.problems
    return check
