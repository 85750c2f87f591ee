"""Clients of Services: who posts and who asks, while pods come and go behind them."""
from __future__ import annotations

import collections
import http.client
import threading

from footfall import PATIENCE
from journal import Journal, Load
from rollout import Turns


class ServiceConnection(http.client.HTTPConnection):
    """A new connection goes to some pod that the Service leads to. `follows`: it also leaves a
    pod to which the Service leads no more, as those of an Ingress do; others stay until the
    pod ends them, as those through kube-proxy do."""

    def __init__(self, turns: Turns, follows: bool):
        super().__init__("", timeout=20 * PATIENCE)
        self.turns, self.follows = turns, follows

    def getresponse(self) -> http.client.HTTPResponse:
        """What is not 200 is kept, with its reason."""
        answer = super().getresponse()
        if answer.status != 200:
            text = answer.read()
            self.turns.odd.append(f"{self.turns.service} {self.host}: {answer.status} {text!r}")
            answer.read = lambda: text
        return answer

    def connect(self) -> None:
        try:
            self.host, port = self.turns.next().rsplit(":", 1)
            self.port = int(port)
            super().connect()
        except OSError as error:
            self.turns.refused.append(f"{self.turns.service} {self.host}: {error!r}")
            raise

    def request(self, *words, **more) -> None:
        if self.follows and self.sock and f"{self.host}:{self.port}" not in self.turns.all():
            self.close()
        super().request(*words, **more)


class ServiceLoad(Load):
    """Half of the clients post to each of two Services."""

    def __init__(self, services: list[Turns], follows: bool = True, **more):
        self.services, self.follows = services, follows
        super().__init__(self, **more)

    def address(self, listener: str) -> str:
        return f"{listener} of Services"

    def _connection(self, number: int) -> http.client.HTTPConnection:
        return ServiceConnection(self.services[number % len(self.services)], self.follows)


class Readers:
    """Ask Services for counts of what was posted lately, and keep what came of it."""

    def __init__(self, services: list[Turns], journal: Journal):
        self.services, self.journal = services, journal
        self.answers: collections.Counter = collections.Counter()  # by service and status
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(x,)) for x in services]

    def __enter__(self) -> "Readers":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def _run(self, turns: Turns) -> None:
        connection = ServiceConnection(turns, follows=True)
        while not self.stopping.wait(0.03):
            with self.journal.lock:
                recent = list(self.journal.recent)
            if not recent:
                continue
            page, user = recent[0]
            try:
                connection.request("GET", f"/v1/stats/count?page_url={page}&user_id={user}")
                answer = connection.getresponse()
                status = answer.status
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                status, text = 0, repr(error)
            self.answers[turns.service, status] += 1
            if status == 0:
                turns.odd.append(f"{turns.service} {connection.host}: {text}")
