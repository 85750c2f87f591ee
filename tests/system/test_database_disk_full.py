"""The disk of PostgreSQL fills under load and gets space again: clicks are accepted all
the while, and counted once there is space."""
import os
import pathlib
import shutil
import tempfile
import time
from typing import Iterator

import pytest

from footfall import Server, wait_until
from journal import Load, end_and_check, gauge
from own_services import OwnServices
from ports import fixed_ports
from service_waits import await_for, await_more, check_counts, postgres_rows, recovery
from services import Services
from small_disk import fill, small_disk

SIZE = 256 << 20  # A new cluster takes 40 MiB, its write-ahead log up to 80.
FULL_SECONDS = 5
PARTITIONS = 4


@pytest.fixture
def disk() -> Iterator[pathlib.Path]:
    # The user postgres cannot reach pytest's own folders.
    outer = pathlib.Path(tempfile.mkdtemp(prefix="footfall-disk.", dir="/var/tmp"))
    outer.chmod(0o755)
    with small_disk(outer / "disk", SIZE) as folder:
        yield folder
    outer.rmdir()


@pytest.fixture
def postgres(disk, tmp_path) -> Iterator[OwnServices]:
    """A PostgreSQL with all its files on the small disk."""
    home = disk / "postgres"
    home.mkdir()
    if os.geteuid() == 0:
        shutil.chown(home, "postgres")
    place = tmp_path / "services/postgres/home"
    place.parent.mkdir(parents=True)
    place.write_text(f"{home}\n")
    with OwnServices(tmp_path / "services", "postgres") as running:
        yield running


def test_a_full_disk_of_the_database_costs_only_freshness(disk, postgres):
    with Services("KAFKA_BROKER", "REDIS_ADDR") as others:
        settings = {**others.environment, "DATABASE_URL": postgres.addresses["DATABASE_URL"]}
        rows = postgres_rows(settings)
        with Server(environment=settings, ports=fixed_ports()) as server:
            process = server.process.pid
            with Load(server, clients=4, seed=90) as load:
                await_more(load, 50)
                for number in range(2):
                    be_full(server, load, disk)
                    # PostgreSQL may have ended itself; whoever runs it starts it again.
                    postgres.run("start", "postgres")
                    recovery(server, load, f"full disk of the database, {number + 1}")
                assert server.process.pid == process and server.process.poll() is None
                assert gauge(server, "footfall_actor_restarts_total") == 0
            check = end_and_check(server, load.journal, rows, "PostgreSQL's disk full twice")
            server.start()
            check_counts(server, rows)
    assert set(load.journal.answers) == {200}, load.journal.answers
    assert check.acknowledged


def be_full(server: Server, load: Load, disk: pathlib.Path) -> None:
    """Until the store has been missed and clicks were accepted all the same."""
    began, failures = time.monotonic(), gauge(server, "footfall_apply_failures_total")
    filler = fill(disk)
    wait_until(lambda: gauge(server, "footfall_apply_failures_total") > failures + 10, 60,
               "applies fail")
    await_for(FULL_SECONDS, load)
    await_more(load, 100)
    assert gauge(server, "footfall_partition_lag_records") > 0
    failures = gauge(server, "footfall_apply_failures_total") - failures
    seconds = time.monotonic() - began
    print(f"full for {seconds:.1f} s: {failures:.0f} applies or claims failed")
    # Each partition tries at once, then after 50 ms, twice that, ... and every 2 s.
    assert failures <= PARTITIONS * (8 + seconds / 2)
    filler.unlink()
