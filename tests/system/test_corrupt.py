"""A data folder that is damaged, foreign or too new: the server leaves it alone and says why."""
import hashlib
import os
import pathlib
import random
import shutil
import sqlite3

import pytest

from footfall import Answer, Client, Server, wait_until
from ports import fixed_ports
from stopped import command, server_on_fixed_ports, settled

CLICK = {"user_id": "ann", "event_type": "click", "page_url": "/pricing"}
FILES = ["log.db", "store.db"]


@pytest.fixture(scope="module")
def good_data(tmp_path_factory) -> pathlib.Path:
    """A data folder with some clicks, of a server that ended well."""
    folder = tmp_path_factory.mktemp("good") / "data"
    with Server(data=folder) as server:
        events = [{**CLICK, "event_id": f"e-{number}", "page_url": f"/page/{number}"}
                  for number in range(500)]
        assert server.ingest.post("/v1/events", events).json()["accepted"] == 500
        wait_until(lambda: server.count("ann", "/page/499") == 1)
        server.terminate()
    return folder


def random_bytes(path: pathlib.Path) -> None:
    path.write_bytes(random.Random(1).randbytes(path.stat().st_size))


def foreign_database(path: pathlib.Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE photos (name TEXT)")
    connection.close()


def unnamed_database(path: pathlib.Path) -> None:
    """As some programs make them: a database of theirs that has our tables' names."""
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE core_events (position INTEGER PRIMARY KEY)")
        connection.execute("CREATE TABLE blocks (id INTEGER PRIMARY KEY)")
    connection.close()


def truncated(path: pathlib.Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def cut_in_the_first_page(path: pathlib.Path) -> None:
    os.truncate(path, 700)


def newer_schema(path: pathlib.Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 900")
    connection.close()


def text_file(path: pathlib.Path) -> None:
    path.write_text("Nothing to see here.\n" * 1000)


def other_one_of_ours(path: pathlib.Path) -> None:
    other = path.with_name("store.db" if path.name == "log.db" else "log.db")
    shutil.copyfile(other, path)


DAMAGE = {
    random_bytes: "not a database",
    foreign_database: "database of another program",
    unnamed_database: "database of another program",
    truncated: "malformed",
    cut_in_the_first_page: "",
    newer_schema: "newer version of footfall (schema 900",
    text_file: "not a database",
    other_one_of_ours: "database of another program",
}


def digest(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_it_refuses_to_start_and_says_which_file_and_what_to_do(
        good_data, tmp_path, damage, name):
    data = tmp_path / "data"
    shutil.copytree(good_data, data)
    damage(data / name)
    before = digest(data / name)
    with Server(data=data, start=False) as server:
        assert server.launch().wait(15) == 1
        said = server.stderr()
    assert str(data / name) in said, said
    assert DAMAGE[damage] in said, said
    assert "--data-dir" in said and "backup" in said, said
    assert digest(data / name) == before, "a file that was refused was changed"


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_the_place_of_a_file_is_refused(good_data, tmp_path, name):
    data = tmp_path / "data"
    shutil.copytree(good_data, data)
    (data / name).unlink()
    (data / name).mkdir()
    with Server(data=data, start=False) as server:
        assert server.launch().wait(15) == 1
        assert str(data / name) in server.stderr(), server.stderr()


def test_the_folder_that_was_put_right_serves_again(good_data, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(good_data, data)
    random_bytes(data / "store.db")
    with Server(data=data, start=False) as server:
        assert server.launch().wait(15) == 1
        shutil.copyfile(good_data / "store.db", data / "store.db")
        server.start()
        assert server.count("ann", "/page/7") == 1
        assert server.audit() == {"ok": True, "differences": []}


def test_a_lost_store_is_made_again_from_the_log(good_data, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(good_data, data)
    for path in data.glob("store.db*"):
        path.unlink()
    with Server(data=data) as server:
        wait_until(lambda: server.count("ann", "/page/499") == 1)
        wait_until(lambda: server.audit() == {"ok": True, "differences": []})


def test_a_log_without_its_old_file_goes_on_after_the_stored_events(good_data, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(good_data, data)
    for path in data.glob("log.db*"):
        path.unlink()
    with server_on_fixed_ports(data=data) as server:
        server.launch()
        fresh = {**CLICK, "event_id": "new", "page_url": "/page/7"}
        assert all(x["stopped"] == "other_log" for x in settled(server))
        assert server.ingest.post("/v1/events", fresh).status == 503
        assert command(server, "partitions", "--new-generation", "--yes").returncode == 0
        server.await_ready()
        assert server.ingest.post("/v1/events", fresh).status == 200
        wait_until(lambda: server.count("ann", "/page/7") == 2)
        assert server.audit() == {"ok": True, "differences": []}


def test_a_hole_in_the_log_stops_its_partition_and_says_why(good_data, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(good_data, data)
    fresh = {**CLICK, "event_id": "last", "page_url": "/page/7"}
    with Server(data=data) as server:
        position = server.ingest.post("/v1/events", fresh).headers["footfall-position"]
        server.terminate()
    partition = int(position.split(":")[0])
    with sqlite3.connect(data / "log.db") as connection:
        connection.execute("DELETE FROM blocks WHERE id = (SELECT min(id) FROM blocks"
                           " WHERE id >> 48 = ?)", (partition,))
    connection.close()
    for path in data.glob("store.db*"):
        path.unlink()
    with Server(data=data, start=False, ports=fixed_ports()) as server:
        server.launch()
        said = f"partition {partition} stopped: "
        wait_until(lambda: said in server.stderr(), 10, "standard error says why")
        admin = Client(f"127.0.0.1:{server.ports['admin']}")

        def is_ready() -> Answer | None:
            try:
                return admin.get("/readyz")
            except ConnectionRefusedError:
                return None  # It does not listen yet.

        answer = wait_until(is_ready)
        assert answer.status == 503
        why = answer.json()["roles"]["aggregate"]
        assert why.startswith(said) and "the log holds offsets" in why, why
        assert admin.get("/healthz").status == 200


def test_a_store_that_contradicts_itself_stops_that_partition_alone(good_data, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(good_data, data)
    with sqlite3.connect(data / "store.db") as connection:
        connection.execute("UPDATE fold_progress SET folded_offset = 1000000 WHERE part = 2")
    connection.close()
    with server_on_fixed_ports(data=data) as server:
        server.launch()
        stopped = [x["stopped"] for x in settled(server)]
        assert stopped == [None, None, "store_damaged", None]
        why = command(server, "partitions").stdout
        assert "folded those below 1000000" in why and "backup" in why, why
        skipped = command(server, "partitions", "--partition", "2", "--skip-to", "1000000",
                          "--yes")
        assert skipped.returncode != 0 and "skipping does not help" in skipped.stderr, skipped
        statuses = {server.ingest.post("/v1/events", {**CLICK, "page_url": f"/new/{n}"}).status
                    for n in range(20)}
        assert statuses == {200, 503}
