"""A Debian of its own with a real systemd: a folder, namespaces and a control group.

Its network is a loopback that nobody else has; its kernel and its kernel's settings are the
host's, which it may not change."""
from __future__ import annotations

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from footfall import PATIENCE, ROOT, wait_until

CACHE = ROOT / "build/deploy"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What PID 1 finds. Without /dev/console and /dev/tty0 no login is offered anywhere.
BOOT = """set -e
echo $$ >"$2/cgroup.procs"
exec unshare --mount --pid --fork --uts --ipc --net --cgroup --kill-child=SIGKILL \
  bash -ec '
    root=$1
    mount --make-rprivate /
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount --bind "$root/proc/sys" "$root/proc/sys"
    mount -o remount,bind,ro "$root/proc/sys"
    mount -t sysfs -o ro sysfs "$root/sys"
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    mount -t tmpfs tmpfs "$root/tmp"
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
    for name in null zero full random urandom tty; do
      touch "$root/dev/$name"
      mount --bind "/dev/$name" "$root/dev/$name"
    done
    mkdir "$root/dev/shm" "$root/dev/pts"
    mount -t tmpfs tmpfs "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
    ln -s pts/ptmx "$root/dev/ptmx"
    ln -s /proc/self/fd "$root/dev/fd"
    ip link set lo up
    # Not chroot: what systemd lays out for a service begins at the root of all mounts.
    cd "$root"
    pivot_root . mnt
    cd /
    umount -l /mnt
    mount --make-rshared / # As container managers leave it; credentials need it.
    exec env -i container=test PATH='"$3"' \
      /lib/systemd/systemd --log-target=journal --show-status=no' boot "$1"
"""


def run(*words: str | os.PathLike, **more) -> subprocess.CompletedProcess:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True,
                          **{"timeout": 300 * PATIENCE, **more})
    assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def base() -> pathlib.Path:
    """A Debian 12 with systemd, packed; made once."""
    made = CACHE / "bookworm-systemd.tar"
    if not made.is_file():
        CACHE.mkdir(parents=True, exist_ok=True)
        part = made.with_suffix(f".{os.getpid()}.tar")
        run("mmdebstrap", "--variant=minbase", "--mode=root", "--include=systemd", "bookworm",
            part, timeout=1500)
        part.replace(made)
    return made


def cgroup2() -> pathlib.Path:
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        _, where, kind, _ = line.split(maxsplit=3)
        if kind == "cgroup2":
            return pathlib.Path(where)
    raise AssertionError("no cgroup2 is mounted here")


class Machine:
    """with Machine() as machine: machine.chroot(...), machine.boot(), machine("systemctl")"""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="footfall-machine-")
        self.root = pathlib.Path(self._folder.name, "root")
        self.group = cgroup2() / pathlib.Path(self._folder.name).name
        self.process: subprocess.Popen | None = None
        self.init = 0
        self.root.mkdir()
        run("tar", "-C", self.root, "-xf", base())

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *_) -> None:
        try:
            self.halt()
        finally:
            self._folder.cleanup()

    def chroot(self, *words: str) -> str:
        """Before it is up: with the host's network."""
        return run("chroot", self.root, "env", "-i", f"PATH={PATH}", "LC_ALL=C.UTF-8",
                   "DEBIAN_FRONTEND=noninteractive", *words).stdout

    def fetch(self, package: pathlib.Path) -> None:
        """Lays ready, for when it has no network, what `package` depends on."""
        shutil.copy(package, self.root / "srv")
        kept, archives = CACHE / "archives", self.root / "var/cache/apt/archives"
        kept.mkdir(parents=True, exist_ok=True)
        for file in kept.glob("*.deb"):
            shutil.copy(file, archives)
        self.chroot("apt-get", "-q", "update")
        self.chroot("apt-get", "-q", "-y", "--no-install-recommends", "--download-only",
                    "install", f"/srv/{package.name}")
        for file in archives.glob("*.deb"):
            shutil.copy(file, kept)

    def boot(self) -> None:
        self.group.mkdir()
        self.process = subprocess.Popen(
            ["bash", "-c", BOOT, "boot", str(self.root), str(self.group), PATH],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")

        def has_systemd() -> bool:
            for child in children.read_text().split():
                if pathlib.Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                    self.init = int(child)
            return self.init > 0

        wait_until(has_systemd, 30)
        wait_until(lambda: self.is_running() in ("running", "degraded"), 120,
                   lambda: f"systemd says {self.is_running()}")

    def is_running(self) -> str:
        return self.ask("systemctl", "is-system-running").stdout.strip()

    def ask(self, *words: str, **more) -> subprocess.CompletedProcess:
        return subprocess.run(self.inside(*words), capture_output=True, text=True,
                              **{"timeout": 120 * PATIENCE, **more})

    def inside(self, *words: str) -> list[str]:
        return ["nsenter", "--target", str(self.init), "--all", "--root", "--wd=/", "env", "-i",
                f"PATH={PATH}", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", *words]

    def __call__(self, *words: str, **more) -> str:
        done = self.ask(*words, **more)
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def halt(self) -> None:
        """All of it ends with its first process."""
        if self.process:
            if self.init:
                os.kill(self.init, signal.SIGKILL)
            else:
                self.process.kill()
            self.process.wait(30)
            self.process, self.init = None, 0
        if self.group.is_dir():
            wait_until(self.group_is_gone, 20)

    def group_is_gone(self) -> bool:
        for folder, _, _ in os.walk(self.group, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                return False
        return True
