"""A disk that is soon full: mounted for one test process alone, gone when that ends."""
from __future__ import annotations

import contextlib
import ctypes
import os
import pathlib
import subprocess
from typing import Iterator

CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 1 << 18


def enter_own_mounts() -> None:
    """From here on what this process mounts is seen by it and its children alone, and
    is gone when they end, however they end."""
    libc = ctypes.CDLL(None, use_errno=True)
    for done in (libc.unshare(CLONE_NEWNS),
                 libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None)):
        if done != 0:
            code = ctypes.get_errno()
            raise OSError(code, f"cannot have mounts of our own: {os.strerror(code)}")


@contextlib.contextmanager
def small_disk(folder: pathlib.Path, size: int) -> Iterator[pathlib.Path]:
    """A disk of `size` bytes at `folder`. Needs the right to mount, or raises."""
    enter_own_mounts()
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


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
