"""Who looks at all nodes of a cluster and asks them, whatever becomes of them, and what no
answer may be."""
from __future__ import annotations

import bisect
import collections
import datetime
import http.client
import random
import threading
import time
from typing import Callable, NamedTuple

from cluster import Cluster
from footfall import Client
from journal import ACCEPTED, Journal

LOOK_EVERY = 0.2
ASK_EVERY = 0.02
LIVE_MOST = 2.0  # Seconds since the last word of the store that the node is the owner.
LIVE = ("cache", "actor")
Pair = tuple[str, str]  # page, user
Tenure = tuple[str, float, float]  # owner, from, to


class Look(NamedTuple):
    began: float  # of time.monotonic()
    ended: float
    runs: frozenset[int]


class TimedJournal(Journal):
    """Knows of each page and user also how many of its events were sent, and when each was
    acknowledged for the first time."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[Pair, set[str]] = {}
        self.acknowledged: dict[Pair, list[float]] = {}
        self.known: set[str] = set()

    def invoke(self, events: list[dict]) -> None:
        super().invoke(events)
        with self.lock:
            for x in events:
                pair = x["page_url"], x["user_id"]
                self.sent.setdefault(pair, set()).add(x["event_id"])

    def complete(self, events: list[dict], status: int, outcomes: list[str]) -> None:
        super().complete(events, status, outcomes)
        now = time.time()
        with self.lock:
            for x, outcome in zip(events, outcomes, strict=True):
                if outcome == ACCEPTED and x["event_id"] not in self.known:
                    self.known.add(x["event_id"])
                    pair = x["page_url"], x["user_id"]
                    bisect.insort(self.acknowledged.setdefault(pair, []), now)

    def bounds(self, pair: Pair, before: float) -> tuple[int, int]:
        """How many were acknowledged before then, and how many were sent by now."""
        with self.lock:
            return (bisect.bisect_left(self.acknowledged.get(pair, []), before),
                    len(self.sent.get(pair, ())))


class Witness:
    """Two threads a node, until they are stopped: one looks at /cluster and /admin/partitions,
    one asks for counts of what was sent lately.

        with Load(...) as load, Witness(nodes, load.journal, "n2") as witness:
            with witness.excuse("n1"):
                ...
        assert not witness.problems

    A problem is: another answer than 200 or 503 with Retry-After; none from a node that is not
    excused; a count that falls for one client; one above what was sent, or below what the
    asked node had acknowledged before `as_of`; a partition that runs at two nodes at once. Of
    live answers late_answers() tells more, once it is known who owned what."""

    def __init__(self, nodes: Cluster, journal: TimedJournal, through: str = "", seed: int = 1):
        """`through`: the node that all events are sent to, if it is one."""
        self.nodes = nodes
        self.journal = journal
        self.through = through
        self.seed = seed
        self.began = time.time() - 60  # Nothing is older, but for the minute of what begins.
        self.excused: collections.Counter = collections.Counter()
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.problems: list[str] = []
        self.oldest = 0.0  # seconds, of a live answer when it was asked for
        self.answers: collections.Counter = collections.Counter()  # by source, or status
        self.clocks: dict[str, float] = {}  # of nodes, how far they are ahead
        self.looks: dict[str, list[Look]] = {}
        self.live: list[tuple[str, str, float]] = []  # who answered, page, when it was asked
        self.threads: list[threading.Thread] = []

    def __enter__(self) -> "Witness":
        for name in self.nodes.nodes:
            self.watch(name)
        if self.through not in self.nodes.nodes and self.through:
            self._begin(self._ask, self.through)  # A gateway: it has nothing to look at.
        return self

    def watch(self, name: str) -> None:
        """Also a node that came later."""
        self._begin(self._look, name)
        self._begin(self._ask, name)

    def _begin(self, run: Callable[[str], None], name: str) -> None:
        thread = threading.Thread(target=self._guard, args=(run, name))
        self.threads.append(thread)
        thread.start()

    def __exit__(self, *_) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        self.problems += self.two_at_once()

    def excuse(self, name: str) -> None:
        """From here on it need not answer."""
        self.excused[name] += 1

    def expect(self, name: str) -> None:
        self.excused[name] -= 1

    def _guard(self, run: Callable[[str], None], name: str) -> None:
        try:
            run(name)
        except BaseException as error:  # Shown with the others at the end.
            self._problem(f"{name}: the witness: {error!r}")

    def _problem(self, text: str) -> None:
        with self.lock:
            self.problems.append(text)

    def _each(self, name: str, listener: str, every: float,
              once: Callable[[Client], str]) -> None:
        """`once` tells what an excused node may answer, and no other."""
        client = self.nodes[name].client(listener, 2)
        while not self.stopping.wait(every):
            was_excused = self.excused[name]
            try:
                trouble = once(client)
            except (OSError, http.client.HTTPException) as error:
                trouble = f"no answer: {error!r}"
                with self.lock:
                    self.answers["none"] += 1
            if trouble and not was_excused and not self.excused[name]:
                self._problem(f"{name}: {trouble}")
        client.close()

    def _look(self, name: str) -> None:
        looks = self.looks.setdefault(name, [])

        def once(client: Client) -> str:
            began = time.monotonic()
            answer = client.get("/admin/partitions")
            ended = time.monotonic()
            seen = client.get("/cluster")
            if answer.status != 200 or seen.status != 200:
                return f"{answer} {seen}"
            runs = frozenset(row["partition"] for row in answer.json()["partitions"]
                             if row["state"] == "running")
            looks.append(Look(began, ended, runs))
            return ""

        self._each(name, "admin", LOOK_EVERY, once)

    def _ask(self, name: str) -> None:
        chance = random.Random(f"{self.seed}/witness/{name}")
        told: dict[Pair, int] = {}

        def once(client: Client) -> str:
            with self.journal.lock:
                recent = tuple(self.journal.recent)
            if recent:
                self._ask_for(name, client, chance.choice(recent), told)
            return ""

        self._each(name, "query", ASK_EVERY, once)

    def _ask_for(self, name: str, client: Client, pair: Pair, told: dict[Pair, int]) -> None:
        asked = time.time()
        answer = client.get("/v1/stats/count", page_url=pair[0], user_id=pair[1])
        if answer.status == 503 and int(answer.headers.get("retry-after", 0)) >= 1:
            with self.lock:
                self.answers["503"] += 1
            return
        if answer.status != 200:
            return self._problem(f"{name}: {answer}")
        got = answer.json()
        count, source = got["count"], got["source"]
        who = answer.headers["footfall-node"]
        as_of = datetime.datetime.fromisoformat(got["as_of"]).timestamp()
        # By the node's clock, or by that of the log where a record waits: hours lie between them.
        # Whoever passes an answer on takes such a time for one of the clock of who gave it.
        as_of = min(as_of - self.clocks.get(name, 0), as_of, as_of + self.clocks.get(who, 0),
                    key=lambda x: abs(x - asked))
        least, most = self.journal.bounds(pair, as_of)
        what = f"{name}: {pair} {count} from the {source} as of {got['as_of']}"
        if count < told.get(pair, 0):
            self._problem(f"{what}, after {told[pair]}")
        if count > most or (name == self.through and count < least):
            self._problem(f"{what}, not {least} to {most}")
        if as_of < self.began and source in LIVE:
            self._problem(f"{what}, by {who} at {asked}: before all began")
        told[pair] = count
        with self.lock:
            self.answers[source] += 1
            if source in LIVE:
                self.oldest = max(self.oldest, asked - as_of)
                self.live.append((who, pair[0], asked))

    def late_answers(self, tenures: dict[int, list[Tenure]], homes: dict[str, int]) -> list[str]:
        """Live answers of who had not been the owner for more than 2 s.

        @param tenures of each partition, who had it from when to when; of time.time().
        @param homes: the partition of each page."""
        late = [(name, page, asked) for name, page, asked in self.live if page in homes and not any(
            owner == name and begins <= asked + 1 and asked <= ends + LIVE_MOST
            for owner, begins, ends in tenures[homes[page]])]
        return [f"{len(late)} live answers of who was not the owner, first {late[0]}"] if late \
            else []

    def two_at_once(self) -> list[str]:
        """A node that ran a partition at two looks in a row ran it in between."""
        out = []
        for name, looks in self.looks.items():
            others = sorted((x.began, x.ended, x.runs, other) for other, more in
                            self.looks.items() if other != name for x in more)
            for first, then in zip(looks, looks[1:]):
                if then.began - first.ended > 2 * LOOK_EVERY:
                    continue  # It may have lost it and got it back.
                at = bisect.bisect_left(others, (first.ended,))
                while at < len(others) and others[at][0] < then.began:
                    _, ended, runs, other = others[at]
                    both = first.runs & then.runs & runs
                    if ended < then.began and both:
                        out.append(f"{sorted(both)} run at {name} and {other} at once")
                    at += 1
        return [f"{len(out)} times a partition ran at two nodes, first {out[0]}"] if out else []
