"""The row of live screens: what many of them cost while one page changes all the time."""
from __future__ import annotations

import http.client
import json
import resource
import selectors
import socket
import time
from typing import Any

from harness import Server, Services

STREAMS = 1000
SECONDS = 10


def open_stream(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    made = socket.create_connection((host, int(port)))
    made.sendall(b"GET /v1/live?topic=page:/hot HTTP/1.1\r\nHost: localhost\r\n\r\n")
    made.setblocking(False)
    return made


def read_for(readers: selectors.BaseSelector, seconds: float) -> int:
    """The updates that came."""
    updates, end = 0, time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for key, _ in readers.select(left):
            updates += key.fileobj.recv(1 << 16).count(b"event: page")
    return updates


def streams(services: Services | None) -> dict[str, Any]:
    """`STREAMS` readers of one page that is clicked five times a second."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with Server(services=services) as server, selectors.DefaultSelector() as readers:
        for _ in range(STREAMS):
            readers.register(open_stream(server.addresses["query"]), selectors.EVENT_READ)
        posts = http.client.HTTPConnection(server.addresses["ingest"])
        event = json.dumps({"user_id": "u", "event_type": "click", "page_url": "/hot"})
        read_for(readers, 2)
        before, began, updates = server.cpu(), time.monotonic(), 0
        while time.monotonic() < began + SECONDS:
            posts.request("POST", "/v1/events", event)
            posts.getresponse().read()
            updates += read_for(readers, 0.2)
        took = time.monotonic() - began
        spent = {name: now - before[name] for name, now in server.cpu().items()}
        for key in list(readers.get_map().values()):
            key.fileobj.close()
        share = spent["footfall"] / took
        return {"id": "streams", "what": f"{STREAMS:,} live streams of one page",
                "rate": updates / took, "percent": share * 100,
                "cpu_us": {name: x / max(updates, 1) * 1e6 for name, x in spent.items()},
                "notes": f"updates; {share:.1%} of a core; RSS {server.rss() / 2**20:.0f} MiB"}
