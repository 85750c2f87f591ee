"""Load of clients that know several servers, as behind a balancer."""
from __future__ import annotations

import http.client
import itertools
from typing import Any

from footfall import PATIENCE, Server
from journal import Load


class RoamingConnection(http.client.HTTPConnection):
    """Each new connection goes to the next one of the addresses that is not away, and a
    request to one that is away to another."""

    def __init__(self, addresses: list[str], away: set[str], timeout: float):
        super().__init__("", timeout=timeout)
        self.addresses = addresses
        self.turns = itertools.cycle(addresses)
        self.away = away
        self.address = ""

    def connect(self) -> None:
        for self.address in itertools.islice(self.turns, len(self.addresses)):
            if self.address not in self.away:
                break
        self.host, port = self.address.rsplit(":", 1)
        self.port = int(port)
        super().connect()

    def request(self, *words: Any, **more: Any) -> None:
        if self.address in self.away:
            self.close()
        super().request(*words, **more)


class RoamingLoad(Load):
    """Who gets no answer sends the same events to another server.

        with RoamingLoad(list(nodes.nodes.values()), clients=4, seed=1) as load:
            ...

    `away`: addresses of ingest that get no request from now on."""

    def __init__(self, servers: list[Server], *, patience: float = 3, **more: Any):
        """`patience`: seconds until a request without an answer is given up."""
        super().__init__(servers[0], **more)
        self.addresses = [server.address("ingest") for server in servers]
        self.away: set[str] = set()
        self.patience = patience

    def _connection(self, number: int) -> http.client.HTTPConnection:
        first = number % len(self.addresses)
        return RoamingConnection(self.addresses[first:] + self.addresses[:first], self.away,
                                 self.patience * PATIENCE)

    def _send(self, connection: http.client.HTTPConnection, events: list[dict]) -> None:
        super()._send(connection, events)
        if connection.sock is not None or self.stopping.is_set():
            return
        try:
            connection.connect()
        except OSError:
            return  # They are sent again now and then, as any others.
        super()._send(connection, events)
