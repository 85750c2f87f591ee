"""A Docker engine of its own, for tests of images and of Compose: no service, no pulls, a network
namespace of its own. Nothing of it is left afterwards."""
from __future__ import annotations

import contextlib
import ctypes
import importlib.resources
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from footfall import Answer, Client, PATIENCE, ROOT, wait_until

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
STORE = ROOT / "build/image"
GROUPS = pathlib.Path("/sys/fs/cgroup")
# Not the script of that name in the environment's bin: it ends with 0 whatever happens.
COMPOSE = importlib.resources.files("compose") / "docker-compose"


def check_needs() -> None:
    missing = [] if os.geteuid() == 0 else ["root"]
    missing += [f"{program} ({package})" for program, package in (
        ("dockerd", "docker.io"), ("docker", "docker.io"), ("containerd", "containerd"),
        ("runc", "runc"), ("docker-init", "docker.io"), ("iptables", "iptables"),
        ("buildah", "buildah"), ("mmdebstrap", "mmdebstrap"), ("ip", "iproute2"))
        if not shutil.which(program)]
    if missing:
        pytest.fail(f"an engine cannot be started; missing: {', '.join(missing)} "
                    "(scripts/install deploy)")


def image_script(*words: str, seconds: float = 1500) -> str:
    """scripts/image, which says what went wrong."""
    done = subprocess.run([ROOT / "scripts/image", *words], capture_output=True, text=True,
                          timeout=seconds * PATIENCE)
    assert done.returncode == 0, f"scripts/image {words}:\n{done.stderr[-5000:]}"
    return done.stdout + done.stderr


class Engine:
    """
        with Engine() as engine:
            engine.load("localhost/footfall:0.1.0")
            engine.docker("run", "-d", ...)
            engine.client("127.0.0.1:8080").get("/")
    """

    def __init__(self):
        check_needs()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="footfall-engine-"))
        self.host = f"unix://{self.folder}/docker.sock"
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> "Engine":
        # dockerd ends with this process, however that ends; its containers end with dockerd.
        self._log = open(self.folder / "dockerd.log", "wb")
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "unshare", "--net", "sh", "-c",
             'ip link set lo up && exec "$@"', "sh", "dockerd",
             "--data-root", self.folder / "data", "--exec-root", self.folder / "exec",
             "--pidfile", self.folder / "pid", "--host", self.host, "--bip", "10.90.0.1/24",
             "--default-address-pool", "base=10.91.0.0/16,size=24", "--log-level", "warn",
             *self._group()],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        try:
            wait_until(self._answers, 60, lambda: f"dockerd answers: {self.log()}")
            self.namespace = os.open(f"/proc/{self.process.pid}/ns/net", os.O_RDONLY)
        except BaseException:
            self._end()
            raise
        return self

    def _group(self) -> list[str]:
        """A control group in which the containers weigh as the eight or so programs that they
        are: an engine's weigh as one otherwise, and two compilers beside them have it all."""
        if not (GROUPS / "cpu/cpu.shares").exists():
            return []  # Version 2, where systemd has the say.
        (GROUPS / "cpu" / self.folder.name).mkdir()
        (GROUPS / "cpu" / self.folder.name / "cpu.shares").write_text(str(8 * 1024))
        return ["--cgroup-parent", f"/{self.folder.name}"]

    def _answers(self) -> bool:
        assert self.process.poll() is None, f"dockerd ended:\n{self.log()}"
        return subprocess.run(["docker", "--host", self.host, "version"],
                              capture_output=True).returncode == 0

    def log(self) -> str:
        return (self.folder / "dockerd.log").read_text(errors="replace")[-3000:]

    def __exit__(self, *_) -> None:
        os.close(self.namespace)
        self._end()

    def _end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self._log.close()
            for line in pathlib.Path("/proc/mounts").read_text().splitlines():
                place = line.split()[1]
                if place.startswith(f"{self.folder}/"):
                    subprocess.run(["umount", "--lazy", place], check=False)
            for group in GROUPS.glob(f"*/{self.folder.name}"):
                for place, _, _ in os.walk(group, topdown=False):
                    os.rmdir(place)
            shutil.rmtree(self.folder)

    # The engine's tools

    def docker(self, *words: str | os.PathLike, seconds: float = 120, check: bool = True) -> str:
        done = subprocess.run(["docker", "--host", self.host, *words], capture_output=True,
                              text=True, timeout=seconds * PATIENCE)
        if check:
            assert done.returncode == 0, f"docker {words}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def load(self, image: str) -> None:
        """Brings an image that scripts/image built."""
        archive = self.folder / "image.tar"
        image_script("save", image, str(archive), seconds=300)
        self.docker("load", "--input", archive, seconds=300)
        archive.unlink()

    def state(self, container: str) -> dict:
        return json.loads(self.docker("inspect", container))[0]["State"]

    def health(self, container: str) -> str:
        return self.state(container).get("Health", {}).get("Status", "none")

    def await_health(self, container: str, wanted: str, seconds: float = 60) -> None:
        wait_until(lambda: self.health(container) == wanted, seconds,
                   lambda: f"{container} is {wanted}: {self.state(container)}\n"
                           f"{self.docker('logs', '--tail', '30', container)}")

    def files(self, container: str) -> str:
        """Where this machine sees what the container's process sees."""
        return f"/proc/{self.state(container)['Pid']}/root"

    # Its network

    @contextlib.contextmanager
    def inside(self):
        """Sockets that this thread makes meanwhile belong to the engine's network."""
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            assert LIBC.setns(self.namespace, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
            yield
        finally:
            assert LIBC.setns(own, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
            os.close(own)

    def client(self, address: str, timeout: float = 10) -> "InsideClient":
        return InsideClient(self, address, timeout)

    def run(self, *words: str, seconds: float = 120) -> subprocess.CompletedProcess:
        """A program of this machine in the engine's network."""
        return subprocess.run(["nsenter", f"--net=/proc/{self.process.pid}/ns/net", *words],
                              capture_output=True, text=True, timeout=seconds * PATIENCE)


class InsideClient(Client):
    """Reaches ports that containers publish."""

    def __init__(self, engine: Engine, address: str, timeout: float):
        super().__init__(address, timeout)
        self.engine = engine

    def request(self, *words, **named) -> Answer:
        # A connection of its own: what was kept may lead to a container that is gone.
        self.connection.close()
        with self.engine.inside():
            return super().request(*words, **named)
