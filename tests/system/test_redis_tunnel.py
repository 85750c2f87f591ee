"""A real Redis that speaks TLS alone, behind the tunnel of docs/deployment.md: `rediss://` is
refused with the way out, and the way works, also after Redis or the tunnel was away."""
import contextlib
import pathlib
import re
import shutil
import socket
import subprocess
import time

import pytest
import redis

from authority import Authority
from footfall import PATIENCE, ROOT, Server, run, wait_until
from ports import fixed_ports

PASSWORD = "the-right-word"
CLICK = {"user_id": "ada", "event_type": "click", "page_url": "/x"}


class Process:
    """A program that listens on a port, started and ended by the test."""

    def __init__(self, port: int, log: pathlib.Path, *command: object):
        self.port, self.log = port, log
        self.command = [str(x) for x in command]
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> "Process":
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        deadline = time.monotonic() + 10 * PATIENCE
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise AssertionError(f"{self.command[0]}: {self.log.read_text()}")
            time.sleep(0.02)

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def rig(tmp_path):
    return Rig(tmp_path)


class Rig:
    """Redis with TLS, and the documented tunnel to it."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.authority = Authority(folder)
        self.authority.issue("redis")
        ports = [int(x) for x in fixed_ports().values()]
        self.redis_port, self.tunnel_port = ports[:2]

    def redis(self) -> Process:
        words = {"port": 0, "tls-port": self.redis_port, "bind": "127.0.0.1", "dir": self.folder,
                 "tls-cert-file": self.folder / "redis.crt", "tls-auth-clients": "no",
                 "tls-key-file": self.folder / "redis.key", "requirepass": PASSWORD,
                 "tls-ca-cert-file": self.authority.certificate, "save": ""}
        return Process(self.redis_port, self.folder / "redis.log", "redis-server",
                       *(x for name, value in words.items() for x in (f"--{name}", value)))

    def tunnel(self, authority: pathlib.Path | None = None) -> Process:
        """As the document has it, with the test's own ports, host and authority."""
        text = (ROOT / "docs/deployment.md").read_text()
        section = text.split("### Redis behind TLS", 1)[1].split("\n### ", 1)[0]
        told = re.search(r"```ini\n(.*?)```", section, re.S).group(1)
        for theirs, ours in (("127.0.0.1:6380", f"127.0.0.1:{self.tunnel_port}"),
                             ("redis.example.org:6379", f"127.0.0.1:{self.redis_port}"),
                             ("redis.example.org", "localhost"),
                             ("/etc/footfall/redis-ca.pem",
                              str(authority or self.authority.certificate))):
            assert theirs in told, f"{theirs} is not in the document's tunnel"
            told = told.replace(theirs, ours)
        file = self.folder / "tunnel.conf"
        file.write_text(told)
        return Process(self.tunnel_port, self.folder / "tunnel.log", shutil.which("stunnel"), file)

    def node(self) -> Server:
        return Server(environment={"REDIS_ADDR": f"redis://127.0.0.1:{self.tunnel_port}",
                                   "REDIS_PASSWORD": PASSWORD})

    def keys(self) -> int:
        with redis.Redis("localhost", self.redis_port, password=PASSWORD, ssl=True,
                         ssl_ca_certs=str(self.authority.certificate)) as client:
            return len(client.keys("*"))


def cache_of(server: Server) -> str:
    return server.admin.get("/readyz").json()["dependencies"]["cache"]


def click(server: Server, count: int) -> None:
    assert server.ingest.post("/v1/events", CLICK).status == 200
    wait_until(lambda: server.count("ada", "/x") == count, 10, f"{count} are counted")


def test_tls_is_refused_with_the_way_out():
    done = run("serve", environment={"REDIS_ADDR": f"rediss://:{PASSWORD}@redis.example.org:6379"})
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1 and PASSWORD not in done.stderr, done.stderr
    for word in ("redis-addr", "TLS", "stunnel", "docs/deployment.md", "redis://"):
        assert word in done.stderr, done.stderr
    assert "### Redis behind TLS" in (ROOT / "docs/deployment.md").read_text()


def test_the_documented_tunnel_serves_a_node(rig):
    with contextlib.ExitStack() as stack:
        server_of_redis = stack.enter_context(rig.redis())
        with rig.tunnel(), rig.node() as server:
            click(server, 1)
            wait_until(lambda: rig.keys() > 0, 10, "Redis holds an answer")
            assert cache_of(server) == "ok"
            server_of_redis.__exit__()
            click(server, 2)
            assert str(rig.tunnel_port) in cache_of(server)
            server_of_redis.__enter__()
            click(server, 3)
            wait_until(lambda: server.count("ada", "/x") == 3 and rig.keys() > 0, 20,
                       "Redis is used again")
            wait_until(lambda: cache_of(server) == "ok", 10, "the node says so")
            assert server.audit()["ok"]
            server.terminate()


def test_a_tunnel_to_somebody_else_gives_nothing_away(rig):
    (rig.folder / "other").mkdir()
    with rig.redis(), rig.tunnel(Authority(rig.folder / "other").certificate), \
            rig.node() as server:
        click(server, 1)
        assert str(rig.tunnel_port) in cache_of(server)
        assert rig.keys() == 0
        assert "verif" in (rig.folder / "tunnel.log").read_text().lower()
        server.terminate()
