"""Footfall in a container, driven as the Server of the other tests; load on several of them."""
from __future__ import annotations

import http.client
import os
import pathlib
import random
import signal
from typing import Any

from engine import Engine, InsideClient
from footfall import PATIENCE, Server, wait_until
from journal import Load

PORTS = {"ingest": 8080, "query": 8081, "admin": 8082, "grpc": 50051}


class ContainedServer(Server):
    """A container that was started by somebody else, at ports of the engine's network."""

    def __init__(self, engine: Engine, name: str, host: str = "127.0.0.1",
                 data: str | os.PathLike | None = None, first_port: int = PORTS["ingest"]):
        super().__init__(start=False, data=data)
        self._folder.cleanup()
        self.engine, self.name = engine, name
        offset = first_port - PORTS["ingest"]
        self.ready = {listener: f"{host}:{port + offset}" for listener, port in PORTS.items()}

    def client(self, listener: str, timeout: float = 10) -> InsideClient:
        return self.engine.client(self.ready[listener], timeout)

    def pid(self) -> int:
        return self.engine.state(self.name)["Pid"]

    def start(self, seconds: float = 60) -> "ContainedServer":
        self.engine.docker("start", self.name)
        self.engine.await_health(self.name, "healthy", seconds)
        return self

    def kill9(self) -> None:
        """The program dies, as by a fault of its own: the engine was not told to end it."""
        self.forget_clients()
        os.kill(self.pid(), signal.SIGKILL)

    def await_restart(self, before: int, seconds: float = 60) -> None:
        """The restart policy brings it back, `before` was its process."""
        wait_until(lambda: self.pid() not in (0, before), seconds, f"{self.name} runs again")
        self.engine.await_health(self.name, "healthy", seconds)

    def terminate(self, seconds: float = 30) -> None:
        self.forget_clients()
        self.engine.docker("stop", "--time", str(int(seconds * PATIENCE)), self.name)
        state = self.engine.state(self.name)
        assert state["ExitCode"] == 0 and not state["OOMKilled"], f"{state}\n{self.stderr()}"

    def stderr(self) -> str:
        return self.engine.docker("logs", "--tail", "200", self.name)

    def hardened(self) -> dict[str, Any]:
        """What the kernel says of the process, whatever the engine was asked for."""
        folder = pathlib.Path(f"/proc/{self.pid()}")
        status = dict(line.split(":\t", 1) for line in
                      (folder / "status").read_text().splitlines())
        root = next(line.split() for line in (folder / "mountinfo").read_text().splitlines()
                    if line.split()[4] == "/")
        return {"program": os.path.basename(os.readlink(folder / "exe")),
                "first": status["NSpid"].split()[-1] == "1",
                "user": status["Uid"].split(), "group": status["Gid"].split(),
                "capabilities": {status[f"Cap{x}"] for x in ("Inh", "Prm", "Eff", "Bnd", "Amb")},
                "no new privileges": status["NoNewPrivs"], "seccomp": status["Seccomp"],
                "read-only": "ro" in root[5].split(",")}


HARDENED = {"program": "footfall", "first": True, "user": ["10001"] * 4, "group": ["10001"] * 4,
            "capabilities": {"0" * 16}, "no new privileges": "1", "seccomp": "2",
            "read-only": True}


class ContainedLoad(Load):
    """Clients in the engine's network, each with one of the servers."""

    def __init__(self, *servers: ContainedServer, **named: Any):
        super().__init__(servers[0], **named)
        self.engine = servers[0].engine
        self.addresses = [server.address("ingest") for server in servers]

    def _send_for_ever(self, number: int, chance: random.Random) -> None:
        with self.engine.inside():
            super()._send_for_ever(number, chance)

    def _connection(self, number: int) -> http.client.HTTPConnection:
        host, port = self.addresses[number % len(self.addresses)].rsplit(":", 1)
        return http.client.HTTPConnection(host, int(port), timeout=10 * PATIENCE)
