"""A process that gets little of a processor."""
from __future__ import annotations

import contextlib
import os
import pathlib
from typing import Iterator

import pytest

ROOT = pathlib.Path("/sys/fs/cgroup")
PERIOD_US = 100_000


@contextlib.contextmanager
def starved(pid: int, percent: int) -> Iterator[None]:
    """In the block the process and all its threads get so much of one core together."""
    quota = PERIOD_US * percent // 100
    one_tree = "cpu" in (ROOT / "cgroup.controllers").read_text().split() \
        if (ROOT / "cgroup.controllers").exists() else False
    home = ROOT if one_tree else ROOT / "cpu"
    own = home / f"footfall-test-{os.getpid()}-{pid}"
    try:
        if one_tree:
            (home / "cgroup.subtree_control").write_text("+cpu")
        own.mkdir()
        if one_tree:
            (own / "cpu.max").write_text(f"{quota} {PERIOD_US}")
        else:
            (own / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (own / "cpu.cfs_quota_us").write_text(str(quota))
        (own / "cgroup.procs").write_text(str(pid))
    except OSError as error:
        pytest.fail(f"a starved process needs root and a control group for processors, which"
                    f" may be written: {error}")
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            (home / "cgroup.procs").write_text(str(pid))
        own.rmdir()
