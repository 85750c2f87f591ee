"""Far more load than the server may take: the excess is refused at once, the rest counts."""
import json
import selectors
import socket
import threading
import time

from footfall import PATIENCE, Client, Server
from journal import Journal, check_embedded, gauge, outcomes_of
from raw_http import request

REFUSED_WITHIN = 0.1
MEMORY_MORE = 64 << 20


class Sender:
    """One connection of the flood: a request at a time, another after each answer."""

    def __init__(self, name: str):
        self.name = name
        self.count = 0
        self.socket: socket.socket | None = None
        self.events: list[dict] = []
        self.began = 0.0
        self.data = b""


class Flood:
    """Many connections in one thread, so that times are those of the server."""

    def __init__(self, address: str, connections: int):
        host, port = address.rsplit(":", 1)
        self.where = (host, int(port))
        self.journal = Journal()
        self.refusals: list[float] = []
        self.without_hint = 0
        self.now = 0.0
        self.selector = selectors.DefaultSelector()
        self.senders = [Sender(f"f{number}") for number in range(connections)]

    def run(self, enough, seconds: float = 40) -> None:
        """Until `enough()`."""
        deadline = time.monotonic() + seconds * PATIENCE
        for sender in self.senders:
            self._open(sender)
        while not enough():
            assert time.monotonic() < deadline, f"not enough: {self.journal.answers}"
            ready = self.selector.select(0.1)
            self.now = time.monotonic()  # What we do with the answers is not the server's time.
            for key, _ in ready:
                self._read(key.data)
        for sender in self.senders:
            self._close(sender)

    def _open(self, sender: Sender) -> None:
        sender.socket = socket.create_connection(self.where, 10 * PATIENCE)
        self.selector.register(sender.socket, selectors.EVENT_READ, sender)
        self._send(sender)

    def _close(self, sender: Sender) -> None:
        self.selector.unregister(sender.socket)
        sender.socket.close()
        if sender.events:
            self.journal.complete(sender.events, 0, ["unknown"] * len(sender.events))
            sender.events = []

    def _send(self, sender: Sender) -> None:
        sender.count += 1
        sender.events = [{"event_id": f"{sender.name}-{sender.count}-{number}",
                          "user_id": sender.name, "event_type": "click",
                          "page_url": f"/page/{sender.count % 50}"} for number in range(2)]
        self.journal.invoke(sender.events)
        sender.data = b""
        data = request("POST", "/v1/events", json.dumps(sender.events).encode())
        sender.began = time.monotonic()
        try:
            sender.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # Refused before it was read; the answer may still be there.

    def _read(self, sender: Sender) -> None:
        try:
            got = sender.socket.recv(1 << 18)
        except ConnectionResetError:
            got = b""
        sender.data += got
        head, end, body = sender.data.partition(b"\r\n\r\n")
        headers = head.lower().split(b"\r\n")
        size = [int(line[15:]) for line in headers if line.startswith(b"content-length:")]
        if not got or (end and len(body) >= size[0]):
            self._answered(sender, head, body if size and len(body) >= size[0] else b"")

    def _answered(self, sender: Sender, head: bytes, body: bytes) -> None:
        status = int(head[9:12]) if body else 0
        events, sender.events = sender.events, []
        self.journal.complete(events, status, outcomes_of(status, body, len(events))
                              if body else ["unknown"] * len(events))
        if status in (429, 503):
            self.refusals.append(self.now - sender.began)
            self.without_hint += b"\r\nretry-after:" not in head.lower()
        if not body or b"\r\nconnection: close" in head.lower():
            self._close(sender)
            self._open(sender)
        else:
            self._send(sender)


class AdminProbe:
    """Asks the admin port all the time, in a thread of its own."""

    def __init__(self, server: Server):
        self.client = Client(server.address("admin"))
        self.times: list[float] = []
        self.statuses: set[int] = set()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self.stopping.is_set():
            for path in ("/healthz", "/metrics", "/actors"):
                began = time.monotonic()
                self.statuses.add(self.client.get(path).status)
                self.times.append(time.monotonic() - began)
            self.stopping.wait(0.05)

    def __enter__(self) -> "AdminProbe":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stopping.set()
        self.thread.join()
        self.client.close()


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def hold(server: Server, connections: int, status: int) -> None:
    """Floods the server until enough was refused with `status`, then checks everything."""
    flood = Flood(server.address("ingest"), connections)
    answers = flood.journal.answers
    before = gauge(server, "process_resident_memory_bytes")
    with AdminProbe(server) as probe:
        flood.run(lambda: answers[status] >= 3000 and answers[200] >= 300)
        after = gauge(server, "process_resident_memory_bytes")
    slow = percentile(flood.refusals, 0.99)
    check_embedded(server, flood.journal, f"{connections} connections")
    print(f"{len(flood.refusals)} refused, p99 {slow * 1000:.1f} ms; admin p99 "
          f"{percentile(probe.times, 0.99) * 1000:.1f} ms; memory {before / 2**20:.0f} to "
          f"{after / 2**20:.0f} MiB")
    assert set(answers) <= {200, status, 0}, answers
    assert flood.without_hint == 0
    assert slow < REFUSED_WITHIN * PATIENCE
    assert after < before + MEMORY_MORE * PATIENCE
    assert probe.statuses == {200}
    assert percentile(probe.times, 0.99) < 1 * PATIENCE


def test_more_requests_than_may_be_in_flight_are_refused_at_once():
    with Server("--max-in-flight", "4") as server:
        hold(server, connections=40, status=429)


def test_more_connections_than_may_be_open_are_refused_at_once():
    with Server("--max-connections", "4") as server:
        hold(server, connections=40, status=503)
