"""Clients that ask for counts while something else goes on, and what they were told."""
from __future__ import annotations

import collections
import http.client
import json
import random
import threading
import time
import urllib.parse
from typing import Any

from footfall import PATIENCE, Server
from journal import Pages

USERS = 50  # As Load has them.


class Readers:
    """Threads that ask how often a user clicked on a page, until they are stopped.

        with Readers(server, clients=2, seed=1) as readers:
            ...
        print(readers.p99())

    Pages are picked as Load picks them. An answer other than 200, or 503 with
    Retry-After, is trouble."""

    def __init__(self, server: Server, clients: int = 2, seed: int = 1,
                 pages: Pages | None = None, pause: float = 0):
        """`pause`: seconds of each client between an answer and its next request."""
        self.address = server.address("query")
        self.pages = pages or Pages()
        self.pause = pause
        self.stopping = threading.Event()
        self.trouble: list[BaseException] = []
        self.answers: collections.Counter = collections.Counter()  # by HTTP status
        self.backwards = 0  # answers below one that the same client had before
        self.times: list[tuple[float, float]] = []  # when it was asked, seconds it took
        self.threads = [threading.Thread(target=self._run, args=(number, seed))
                        for number in range(clients)]

    def __enter__(self) -> "Readers":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, *_: Any) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        if self.trouble and kind is None:
            raise self.trouble[0]

    def p99(self, since: float = 0, until: float = float("inf")) -> float:
        """Seconds, of the questions asked between two times of time.monotonic()."""
        taken = sorted(took for began, took in list(self.times) if since <= began < until)
        assert taken, "nobody asked"
        return taken[len(taken) * 99 // 100]

    def _run(self, number: int, seed: int) -> None:
        try:
            self._ask_for_ever(random.Random(f"{seed}/readers/{number}"))
        except BaseException as error:  # Shown by the thread that waits for us.
            self.trouble.append(error)

    def _ask_for_ever(self, chance: random.Random) -> None:
        host, port = self.address.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=10 * PATIENCE)
        seen: dict[tuple[str, str], int] = {}
        while not self.stopping.is_set():
            pair = (f"user-{chance.randint(1, USERS)}", self.pages.pick(chance))
            began = time.monotonic()
            count = self._ask(connection, *pair)
            self.times.append((began, time.monotonic() - began))
            if count is not None:
                self.backwards += count < seen.get(pair, 0)
                seen[pair] = count
            if self.pause:
                self.stopping.wait(self.pause)
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, user: str, page: str) -> int | None:
        connection.request("GET", "/v1/stats/count?" + urllib.parse.urlencode(
            {"user_id": user, "page_url": page}))
        answer = connection.getresponse()
        text = answer.read()
        self.answers[answer.status] += 1
        if answer.status == 200:
            return json.loads(text)["count"]
        assert answer.status == 503, (answer.status, text)
        assert int(answer.headers["retry-after"]) >= 1, answer.headers
        return None
