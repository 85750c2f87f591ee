"""Reads server-sent events as a browser does: one connection, one event after the other."""
import contextlib
import http.client
import json
import socket
import ssl
import time
import urllib.parse
from typing import Any, Iterator


class Event:
    def __init__(self, name: str, data: str, position: str):
        self.name = name
        self.text = data
        self.position = position
        self.at = time.monotonic()

    def json(self) -> Any:
        return json.loads(self.text)


class Stream:
    """`GET /v1/live` at an address, with the topics and parameters that are given."""

    def __init__(self, address: str, *topics: str, last: str = "", key: str = "",
                 timeout: float = 30, path: str = "/v1/live",
                 trust: ssl.SSLContext | None = None, **parameters: str):
        host, _, port = address.rpartition(":")
        self.timeout = timeout
        self.connection = (
            http.client.HTTPSConnection(host, int(port), timeout=timeout, context=trust) if trust
            else http.client.HTTPConnection(host, int(port), timeout=timeout))
        query = urllib.parse.urlencode([("topic", x) for x in topics] + list(parameters.items()))
        headers = {"Last-Event-ID": last} if last else {}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        self.connection.request("GET", f"{path}?{query}", headers=headers)
        self.answer = self.connection.getresponse()
        self.status = self.answer.status

    def events(self) -> Iterator[Event]:
        """Until the server ends the stream, or the connection breaks."""
        fields: dict[str, str] = {}
        with contextlib.suppress(http.client.HTTPException, ConnectionError):
            while line := self.answer.readline():
                text = line.decode().rstrip("\n")
                if text:
                    name, _, value = text.partition(": ")
                    fields[name] = value
                elif "event" in fields:
                    yield Event(fields["event"], fields.get("data", ""), fields.get("id", ""))
                    fields = {}
                else:
                    fields = {}

    def until(self, name: str, holds=lambda x: True) -> Event:
        """The first event of that name for which it holds. Beats go on meanwhile: they are no
        reason to wait for ever."""
        end = time.monotonic() + self.timeout
        for x in self.events():
            assert time.monotonic() < end, f"no {name} as awaited in {self.timeout} s"
            if x.name == name and holds(x):
                return x
        raise AssertionError(f"the stream ended without the {name} that was awaited")

    def close(self) -> None:
        """Whoever reads, in whatever thread, is at the end then."""
        with contextlib.suppress(OSError, AttributeError):
            self.connection.sock.shutdown(socket.SHUT_RDWR)
