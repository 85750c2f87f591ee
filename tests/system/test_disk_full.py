"""The disk of the data folder fills under load and gets space again: what is refused was
not stored, what is acknowledged is, and nobody's hand is needed."""
import ctypes
import os
import pathlib
import subprocess

import pytest

from footfall import Server, wait_until
from journal import Load, check_embedded, fixed_ports

CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 1 << 18
SIZE = 128 << 20  # More than the write-ahead logs of the test grow to.


def enter_own_mounts() -> None:
    """From here on what this process mounts is seen by it and its children alone, and
    is gone when they end, however they end."""
    libc = ctypes.CDLL(None, use_errno=True)
    for done in (libc.unshare(CLONE_NEWNS),
                 libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None)):
        if done != 0:
            code = ctypes.get_errno()
            raise OSError(code, f"cannot have mounts of our own: {os.strerror(code)}")


@pytest.fixture
def small_disk(tmp_path) -> pathlib.Path:
    enter_own_mounts()
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: pathlib.Path) -> pathlib.Path:
    """Takes all space that is left."""
    path = folder / "filler"
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass
    return path


def refused(load: Load) -> int:
    return load.journal.answers[507] + load.journal.answers[503]


def test_a_full_disk_refuses_and_recovers_by_itself(small_disk):
    with Server("--fold-every-ms", "20", data=small_disk / "data") as server:
        with Load(server, clients=4, seed=30) as load:
            for _ in range(3):
                enough = load.accepted() + 50
                wait_until(lambda: load.accepted() >= enough or load.trouble, 30, "it serves")
                filler = fill(small_disk)
                many = refused(load) + 50
                wait_until(lambda: refused(load) >= many or load.trouble, 30, "posts are refused")
                assert server.admin.get("/healthz").status == 200
                filler.unlink()
            enough = load.accepted() + 200
            wait_until(lambda: load.accepted() >= enough or load.trouble, 30, "it serves again")
        check = check_embedded(server, load.journal, "disk full three times")
    assert set(load.journal.answers) <= {200, 503, 507}, load.journal.answers
    assert load.journal.answers[507] > 0
    assert check.acknowledged


def test_a_start_on_a_full_disk_waits_for_space_and_says_so(small_disk):
    with Server(data=small_disk / "data", ports=fixed_ports()) as server:
        with Load(server, clients=2, seed=31) as load:
            wait_until(lambda: load.accepted() >= 100 or load.trouble, 30, "it serves")
            server.kill9()
            filler = fill(small_disk)
            process = server.launch()
            wait_until(lambda: "not ready yet" in server.stderr(), 30, "it says what is missing")
            assert "store.db" in server.stderr() and "full" in server.stderr(), server.stderr()
            assert process.poll() is None and not server.ready_file.exists()
            filler.unlink()
            server.await_ready()
            enough = load.accepted() + 50
            wait_until(lambda: load.accepted() >= enough or load.trouble, 30, "it serves again")
        check_embedded(server, load.journal, "start on a full disk")
