"""Raw HTTP over a socket: bytes as the test wants them, answers taken apart."""
from __future__ import annotations

import http.client
import json
import socket
from typing import Any

from footfall import PATIENCE, Answer


class RawAnswer:
    """One answer; `status` is 0 when the server hung up without one."""

    def __init__(self, head: bytes, body: bytes):
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split(" ")[1]) if lines[0] else 0
        self.reason = lines[0][13:]
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()
        self.body = body

    def json(self) -> Any:
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"<{self.status} {self.headers} {self.body[:300]!r}>"


class RawConnection:
    """A connection to "host:port"."""

    def __init__(self, address: str, seconds: float = 10):
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), seconds * PATIENCE)
        self.waiting = b""

    def __enter__(self) -> "RawConnection":
        return self

    def __exit__(self, *_: Any) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # Refused early; the answer may still be read.

    def _more(self) -> bool:
        try:
            got = self.socket.recv(65536)
        except ConnectionResetError:
            got = b""
        self.waiting += got
        return bool(got)

    def receive(self, head_only: bool = False) -> RawAnswer:
        """The next answer."""
        while b"\r\n\r\n" not in self.waiting:
            if not self._more():
                return RawAnswer(b"", self.waiting)
        head, self.waiting = self.waiting.split(b"\r\n\r\n", 1)
        answer = RawAnswer(head, b"")
        size = 0 if head_only or answer.status == 100 else int(
            answer.headers.get("content-length", 0))
        while len(self.waiting) < size and self._more():
            pass
        answer.body, self.waiting = self.waiting[:size], self.waiting[size:]
        return answer

    def ended(self) -> bool:
        """True when the server closes; False when bytes come that nobody asked for."""
        while self._more():
            pass
        return not self.waiting


def exchange(address: str, data: bytes, head_only: bool = False) -> RawAnswer:
    """Sends the bytes on a new connection and reads the first answer."""
    with RawConnection(address) as connection:
        connection.send(data)
        return connection.receive(head_only)


def request(method: str, target: str, body: bytes | None = None, *headers: str) -> bytes:
    """A well-formed HTTP/1.1 request."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")


def assert_problem(answer: RawAnswer) -> dict[str, Any]:
    """The answer explains itself as RFC 9457 and the API's document say."""
    assert answer.headers.get("content-type") == "application/problem+json", answer
    problem = answer.json()
    assert problem["type"].startswith("urn:footfall:problem:"), problem
    assert problem["title"] and isinstance(problem["title"], str), problem
    assert problem["status"] == answer.status, problem
    assert len(problem["detail"]) > 10, problem
    assert isinstance(problem["retry"], bool), problem
    if answer.status in (429, 503):
        assert int(answer.headers["retry-after"]) >= 1, answer
    return problem


def answer_to(address: str, sent: bytes) -> Answer:
    """What the server says to raw bytes, perhaps to none at all."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), 30 * PATIENCE) as connection:
        connection.sendall(sent)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return Answer(response)
