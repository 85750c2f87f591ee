"""The disk of the data folder fills under load and gets space again: what is refused was
not stored, what is acknowledged is, and nobody's hand is needed."""
import pathlib
from typing import Iterator

import pytest

from footfall import Server, wait_until
from journal import Load, check_embedded, settle
from ports import fixed_ports
from small_disk import fill, small_disk

SIZE = 128 << 20  # More than the write-ahead logs of the test grow to.


@pytest.fixture
def disk(tmp_path) -> Iterator[pathlib.Path]:
    with small_disk(tmp_path / "disk", SIZE) as folder:
        yield folder


def refused(load: Load) -> int:
    return load.journal.answers[507] + load.journal.answers[503]


def test_a_full_disk_refuses_and_recovers_by_itself(disk):
    with Server("--fold-every-ms", "20", data=disk / "data") as server:
        with Load(server, clients=4, seed=30) as load:
            for _ in range(3):
                enough = load.accepted() + 50
                wait_until(lambda: load.accepted() >= enough or load.trouble, 30, "it serves")
                filler = fill(disk)
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


def test_a_start_on_a_full_disk_waits_for_space_and_says_so(disk):
    with Server(data=disk / "data", ports=fixed_ports()) as server:
        with Load(server, clients=2, seed=31) as load:
            wait_until(lambda: load.accepted() >= 100 or load.trouble, 30, "it serves")
        # At rest: what a kill in the middle of a write leaves behind the end of the
        # write-ahead log would be space enough for a start.
        settle(server, load.journal)
        server.kill9()
        filler = fill(disk)
        process = server.launch()
        wait_until(lambda: "not ready yet" in server.stderr(), 30, "it says what is missing")
        assert "store.db" in server.stderr() and "full" in server.stderr(), server.stderr()
        assert process.poll() is None and not server.ready_file.exists()
        filler.unlink()
        server.await_ready()
        check_embedded(server, load.journal, "start on a full disk")
