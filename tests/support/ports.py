"""Ports for servers that keep theirs over restarts, no two of a machine's tests the same."""
from __future__ import annotations

import fcntl
import os
import pathlib
import random
import socket
import tempfile

_claimed: list[int] = []  # Descriptors, so that nobody gets a port of ours while we run.


def _claim(port: int) -> bool:
    """False: another server of this machine's tests has the port, or it is taken."""
    folder = pathlib.Path(tempfile.gettempdir(), "footfall-test-ports")
    folder.mkdir(exist_ok=True)
    lock = os.open(folder / str(port), os.O_CREAT | os.O_RDWR, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with socket.socket() as trial:
            trial.bind(("127.0.0.1", port))
    except OSError:
        os.close(lock)
        return False
    _claimed.append(lock)
    return True


def fixed_ports() -> dict[str, str]:
    """Ports that stay the same over restarts, below those that connections take."""
    chance = random.SystemRandom()
    ports: dict[str, str] = {}
    while len(ports) < 4:
        port = chance.randrange(20000, 32000)
        if _claim(port):
            ports[["ingest", "query", "grpc", "admin"][len(ports)]] = str(port)
    return ports
