"""Database, broker, both lost; a dump made under load brings back all. Unproven: other clusters."""
import os
import pathlib
import shutil
import signal
import subprocess
import time

import psycopg
import pytest

from footfall import PATIENCE, Server, wait_until
from journal import Load, end_and_check, gauge
from own_services import OwnServices
from ports import fixed_ports
from service_waits import await_more, postgres_rows, recovery
from standby import program
from stopped import (await_total, click, command, partitions, post_all, server_on_fixed_ports,
                     stopped, total)


class Disaster:
    """Servers of a test's own, whose disks can be lost; what comes instead has their address."""

    def __init__(self, own: OwnServices):
        self.own = own
        self.environment = own.environment()
        self.base, self.name = self.environment["DATABASE_URL"].rsplit("/", 1)

    def lose_broker(self) -> None:
        self.own.run("kill9", "kafka")
        shutil.rmtree(self.own.folder / "kafka/data")
        self.own.run("start", "kafka")

    def lose_database(self) -> None:
        """Its whole server, and a new one with the same password and no database yet."""
        folder = self.own.folder / "postgres"
        password = (folder / "password").read_text().strip()
        self.own.run("kill9", "postgres")
        shutil.rmtree(pathlib.Path((folder / "home").read_text().strip()) / "data")
        (folder / "password").unlink()
        self.own.run("start", "postgres")
        new = self.base.replace(f":{password}@", f":{(folder / 'password').read_text().strip()}@")
        with psycopg.connect(f"{new}/postgres", autocommit=True) as session:
            session.execute(f"ALTER ROLE footfall PASSWORD '{password}'")
        (folder / "password").write_text(f"{password}\n")

    def dump(self, file: pathlib.Path) -> None:
        tool("pg_dump", "--format=custom", f"--file={file}", self.environment["DATABASE_URL"])

    def restore(self, file: pathlib.Path) -> None:
        """As docs/operations.md has it: nobody sees it before it is whole."""
        with psycopg.connect(f"{self.base}/postgres", autocommit=True) as session:
            session.execute("CREATE DATABASE footfall_restored")
            tool("pg_restore", "--exit-on-error", f"--dbname={self.base}/footfall_restored", file)
            session.execute(f"ALTER DATABASE footfall_restored RENAME TO {self.name}")

    def create_empty(self) -> None:
        with psycopg.connect(f"{self.base}/postgres", autocommit=True) as session:
            session.execute(f"CREATE DATABASE {self.name}")


def tool(name: str, *words: str | os.PathLike) -> None:
    done = subprocess.run([program(name), *words], capture_output=True, text=True,
                          timeout=120 * PATIENCE)
    assert done.returncode == 0, f"{name}: {done.stderr}"


@pytest.fixture
def disaster(tmp_path):
    with OwnServices(tmp_path / "services") as own:
        yield Disaster(own)


def is_missed(server: Server) -> None:
    wait_until(lambda: gauge(server, 'footfall_dependency_up{name="store"}') == 0, 30,
               "the store is missed")


def test_a_lost_database_comes_back_from_a_dump_that_was_made_under_load(disaster, tmp_path):
    rows = postgres_rows(disaster.environment)
    with Server(environment=disaster.environment, ports=fixed_ports()) as server:
        with Load(server, clients=4, seed=60, pause=0.005) as load:
            await_more(load, 300)
            disaster.dump(tmp_path / "dump")
            await_more(load, 300)
            counted = gauge(server, "footfall_records_applied_total")
            wait_until(lambda: gauge(server, "footfall_records_applied_total") > counted + 100, 30,
                       "more is counted than the dump has")
            disaster.lose_database()
            is_missed(server)
            await_more(load, 300)  # No click is refused.
            disaster.restore(tmp_path / "dump")
            recovery(server, load, "a database from its dump")
            await_more(load, 100)
        check = end_and_check(server, load.journal, rows, "database lost, dump put back")
    assert set(load.journal.answers) == {200}, load.journal.answers
    assert len(check.acknowledged) > 1000


def test_a_lost_database_without_a_dump_is_counted_anew_from_the_log(disaster):
    rows = postgres_rows(disaster.environment)
    with Server(environment=disaster.environment, ports=fixed_ports()) as server:
        with Load(server, clients=4, seed=61, pause=0.005) as load:
            await_more(load, 300)
            disaster.lose_database()
            is_missed(server)
            await_more(load, 100)
        disaster.create_empty()
        # It is no store of a node that runs: twice the time in which that one looks.
        began = time.monotonic()
        wait_until(lambda: time.monotonic() > began + 4, 10)
        is_missed(server)
        assert not tables(disaster), server.stderr()
        server.restart()
        again = Load(server, clients=4, seed=62, pause=0.005)
        again.journal = load.journal
        with again:
            await_more(again, 100)
        end_and_check(server, load.journal, rows, "database lost, no dump")
    assert set(load.journal.answers) == {200}, load.journal.answers


def tables(disaster: Disaster) -> list[str]:
    with psycopg.connect(disaster.environment["DATABASE_URL"]) as session:
        return [x for x, in session.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]


def goes_on(server: Server) -> None:
    done = command(server, "partitions", "--new-generation", "--yes")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: server.admin.get("/readyz").status == 200, 30,
               lambda: server.admin.get("/readyz").text)
    wait_until(lambda: server.ingest.post("/v1/events", [click(0)]).status == 200, 60,
               "events are accepted again")


def ends(server: Server) -> None:
    """librdkafka 2.0.2 may never end once another cluster answered at its broker's address (a
    broker's thread waits for ever in rd_kafka_destroy); then the node ends hard, 10 s after its
    drain, with 1."""
    server.forget_clients()
    server.process.send_signal(signal.SIGTERM)
    code = server.process.wait(25 * PATIENCE)
    print(f"ended with {code}")
    assert code == 0 or (code == 1 and "the drain took too long" in server.stderr()), code


@pytest.mark.parametrize("both", [False, True], ids=["broker", "broker and database"])
def test_a_lost_broker_takes_what_was_not_counted(disaster, tmp_path, both):
    with server_on_fixed_ports(environment=disaster.environment) as server:
        server.launch()
        server.await_ready()
        post_all(server, range(400))
        await_total(server, 400)
        disaster.dump(tmp_path / "dump")
        post_all(server, range(400, 600))
        await_total(server, 600)
        if both:
            disaster.lose_database()
        disaster.lose_broker()
        if both:
            disaster.restore(tmp_path / "dump")
        kept = 400 if both else 600
        ends(server)
        server.launch()  # Which makes the topic; a node that runs waits for it.
        wait_until(lambda: len(stopped(server)) == 4, 60,
                   lambda: f"all partitions have stopped: {partitions(server)}\n{server.stderr()}")
        assert total(server) == kept
        goes_on(server)
        await_total(server, kept)
        # Whoever kept the events sends all of them again: each counts once.
        post_all(server, range(700))
        await_total(server, 700)
        wait_until(lambda: all(x["next_offset"] == x["folded_offset"] for x in partitions(server)))
        assert server.audit()["ok"] is True
        server.restart()
        assert total(server) == 700
