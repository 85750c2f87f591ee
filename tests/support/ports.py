"""Ports for servers that keep theirs over restarts, no two of a machine's tests the same."""
from __future__ import annotations

import errno
import fcntl
import os
import pathlib
import random
import socket

# Below those that connections take, and those that scripts/services gives to its servers.
FIRST, COUNT = 20000, 8000
_lock = -1  # Of a file with a byte for each port; what this process has is locked while it runs.
_ours: set[int] = set()  # Its own locks keep a process from nothing.


def _claim(port: int) -> bool:
    """False: another test's server has the port, or somebody else's."""
    global _lock
    if _lock < 0:
        # Of the machine, whatever TMPDIR says: `make demo-cluster` has one of its own.
        path = pathlib.Path("/tmp", f"footfall-test-ports-{os.getuid()}")
        _lock = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    if port in _ours:
        return False
    try:
        fcntl.lockf(_lock, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        with socket.socket() as trial:
            trial.bind(("127.0.0.1", port))
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EAGAIN, errno.EACCES):
            raise
        return False
    _ours.add(port)
    return True


def fixed_ports() -> dict[str, str]:
    """Ports that stay the same over restarts."""
    chance = random.SystemRandom()
    ports: dict[str, str] = {}
    while len(ports) < 4:
        port = chance.randrange(FIRST, FIRST + COUNT)
        if _claim(port):
            ports[["ingest", "query", "grpc", "admin"][len(ports)]] = str(port)
    return ports
