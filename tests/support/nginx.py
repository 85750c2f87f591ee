"""An nginx with a server block of the documentation in it, and all its files in one folder."""
from __future__ import annotations

import os
import pathlib
import re
import shutil
import socket
import subprocess

from authority import Authority
from footfall import ROOT, wait_until
from ports import fixed_ports

USER, PASSWORD = "ada", "a long walk"


def documented_server() -> str:
    """The server block that docs/security.md recommends."""
    found = re.findall(r"```nginx\n(.*?)```", (ROOT / "docs/security.md").read_text(), re.DOTALL)
    assert len(found) == 1, "docs/security.md has one block for nginx"
    return found[0]


class Nginx:
    """`url` leads to a node at `upstream`, under the name of the server block. What must differ
    on another machine is replaced: ports and the file with people. The certificate, which the
    block leaves to those around it, is of the test's own."""

    def __init__(self, folder: pathlib.Path, upstream: str):
        self.folder = folder
        self.port = int(fixed_ports()["query"])
        block = documented_server()
        self.name = re.search(r"server_name (\S+);", block).group(1)
        self.url = f"https://{self.name}:{self.port}"
        users = folder / "users"
        users.write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
        for text, other in (("listen 443 ssl", f"listen 127.0.0.1:{self.port} ssl"),
                            ("/etc/nginx/footfall.users", str(users)),
                            ("127.0.0.1:8081", upstream)):
            assert block.count(text) == 1, f"{text} in the block of docs/security.md"
            block = block.replace(text, other)
        certificate = Authority(folder).issue("proxy", f"DNS:{self.name}")
        temporary = "\n".join(f"  {x}_temp_path {folder}/{x};" for x in (
            "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        # Workers of another user could not read the test's folder.
        user = "user root;\n" if os.geteuid() == 0 else ""
        self.file = folder / "nginx.conf"
        self.file.write_text(
            f"{user}daemon off;\npid {folder}/pid;\nworker_processes 1;\nevents {{}}\n"
            f"http {{\n  access_log off;\n{temporary}\n  ssl_certificate {certificate};\n"
            f"  ssl_certificate_key {folder}/proxy.key;\n{block}}}\n")
        self.process: subprocess.Popen | None = None

    def start(self) -> "Nginx":
        program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        assert program, "nginx is missing: scripts/install test brings it"
        self.process = subprocess.Popen(
            [program, "-p", self.folder, "-c", self.file, "-e", self.folder / "error.log"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(self._is_open, 10, "nginx listens")
        except BaseException:
            self.stop()
            raise
        return self

    def _is_open(self) -> bool:
        assert self.process.poll() is None, (self.folder / "error.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)

    def __enter__(self) -> "Nginx":
        return self.start()

    def __exit__(self, *_) -> None:
        self.stop()
