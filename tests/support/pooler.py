"""A real pgbouncer before a PostgreSQL, with its files in a private folder."""
from __future__ import annotations

import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.parse

from footfall import PATIENCE


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


class Pooler:
    """pgbouncer in one pool mode before the server of `url`.

    `start()` brings it back on the same port, in another mode if told so."""

    def __init__(self, url: str, mode: str, **settings: object):
        self.mode, self.settings = mode, settings
        self.server = urllib.parse.urlsplit(url)
        self.port = free_port()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="footfall-pooler-"))
        self.process: subprocess.Popen | None = None
        self.url = self.server._replace(
            netloc=f"{self.server.username}@127.0.0.1:{self.port}").geturl()

    def __enter__(self) -> "Pooler":
        return self.start()

    def __exit__(self, *_) -> None:
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, mode: str = "") -> "Pooler":
        self.mode = mode or self.mode
        file = self.folder / "pgbouncer.ini"
        settings = {"listen_addr": "127.0.0.1", "listen_port": self.port, "auth_type": "any",
                    "pool_mode": self.mode, "unix_socket_dir": "",
                    "logfile": self.folder / "log", **self.settings}
        lines = [f"{name} = {value}" for name, value in settings.items()]
        file.write_text(f"[databases]\n* = host={self.server.hostname} port={self.server.port} "
                        f"user={self.server.username} password={self.server.password}\n"
                        "[pgbouncer]\n" + "\n".join(lines) + "\n")
        command = [shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin"), str(file)]
        user = None
        if os.geteuid() == 0:  # It refuses to be root.
            user = "postgres"
            for path in (self.folder, file):
                shutil.chown(path, user)
            pwd.getpwnam(user)
        self.process = subprocess.Popen(command, user=user, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        cwd=self.folder)
        deadline = time.monotonic() + 10 * PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                ended = self.process.poll() is not None
                if ended or time.monotonic() > deadline:
                    raise AssertionError(f"pgbouncer does not run: {self.log()}") from None
                time.sleep(0.02)

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else "no log"

    def end(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
