"""Every command of README.md works as it stands there.

`curl` and `footfall` lines run, in order, against one fresh server (its free ports
take the place of the default ones); `make` lines must name targets that exist
(test_make_run.py runs two of them). Any other command fails here, so that none gets in
that nobody runs.
"""
import os
import re
import subprocess

import pytest

from footfall import BINARY, ROOT, Server

DEFAULT_PORTS = {"8080": "ingest", "8081": "query", "8082": "admin", "50051": "grpc"}
ALLOWED_TO_NAME = ("git clone ", "cd ")


def commands() -> list[tuple[int, str]]:
    done = subprocess.run([ROOT / "scripts/check-readme"], cwd=ROOT, check=True,
                          capture_output=True, text=True)
    lines = (line.split("\t", 1) for line in done.stdout.splitlines())
    return [(int(number), command) for number, command in lines]


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.fixture(scope="module")
def server():
    with Server() as running:
        yield running


def on(server: Server, command: str) -> str:
    """The command with the addresses of `server` and with curl failing on 4xx and 5xx."""
    for port, listener in DEFAULT_PORTS.items():
        command = re.sub(rf"\b(localhost|127\.0\.0\.1):{port}\b", server.address(listener), command)
    command = command.replace("build/release/app/footfall", BINARY)
    return re.sub(r"^curl ", "curl --fail-with-body -sS ", command)


def test_readme_has_commands():
    assert commands(), "README.md has no sh block"


@pytest.mark.parametrize("number, command", commands(), ids=lambda value: str(value)[:40])
def test_command(server, number, command):
    where = f"README.md:{number}: {command}"
    if command.startswith(ALLOWED_TO_NAME):
        return
    if command.startswith("make "):
        named = [word for word in command.split()[1:] if "=" not in word and word != "#"]
        assert named and set(named[:1]) <= targets(), where
        return
    assert command.startswith(("curl ", "build/release/app/footfall ")), f"nothing runs {where}"
    # Client commands find the node by these when no address is given.
    addresses = {f"FOOTFALL_{name.upper()}_PORT": server.address(name).rsplit(":", 1)[1]
                 for name in DEFAULT_PORTS.values()}
    addresses["FOOTFALL_DATA_DIR"] = str(server.data)
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", on(server, command)], cwd=ROOT,
                          env={**os.environ, **addresses}, capture_output=True, text=True,
                          timeout=120)
    assert done.returncode == 0, f"{where}\n{done.stdout}\n{done.stderr}\n{server.stderr()}"
