"""An asynchronous standby of a PostgreSQL that a test owns, and failovers to it."""
from __future__ import annotations

import os
import pathlib
import signal
import subprocess

import psycopg

from footfall import PATIENCE, wait_until
from own_services import OwnServices
from ports import fixed_ports


def as_postgres(*command: str, **more) -> str:
    """PostgreSQL refuses to run as root."""
    prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    done = subprocess.run([*prefix, *command], capture_output=True, text=True, cwd="/",
                          timeout=60 * PATIENCE, stdin=subprocess.DEVNULL, **more)
    assert done.returncode == 0, f"{command}: {done.stderr}{done.stdout}"
    return done.stdout


def program(name: str) -> str:
    return str(sorted(pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))[-1])


class Standby:
    """Streams from the PostgreSQL of `services`; takes its address over when it is told to."""

    def __init__(self, services: OwnServices):
        self.primary = services
        folder = services.folder / "postgres"
        home = pathlib.Path((folder / "home").read_text().strip())
        self.port = int((folder / "port").read_text())
        self.password = (folder / "password").read_text().strip()
        self.data = home / "standby"
        self.old = home / "data"
        self._running = False
        source = (f"host=127.0.0.1 port={self.port} user=footfall password={self.password}"
                  " application_name=standby")
        as_postgres(program("pg_basebackup"), "-D", str(self.data), "-d", source, "-R",
                    "-c", "fast", "-X", "stream")
        self._start(int(fixed_ports()["admin"]))
        self.both = (f"postgresql://footfall:{self.password}@127.0.0.1:{self.port},"
                     f"127.0.0.1:{self.own_port}/footfall")

    def __enter__(self) -> "Standby":
        return self

    def __exit__(self, *_) -> None:
        if self._running:
            self._control("stop", "-m", "immediate")

    def _control(self, *words: str) -> None:
        # The server keeps what it inherits open: nobody may wait for the end of that.
        as_postgres(program("pg_ctl"), "-D", str(self.data), "-w", "-t", "60",
                    "-l", str(self.data) + ".log", *words)

    def _start(self, port: int) -> None:
        self._control("-o", f"-p {port}", "start")
        self._running = True
        self.own_port = port

    def url(self, database: str) -> str:
        return f"postgresql://footfall:{self.password}@127.0.0.1:{self.own_port}/{database}"

    def session(self) -> psycopg.Connection:
        return psycopg.connect(self.url("postgres"), autocommit=True)

    def await_caught_up(self, primary: psycopg.Connection) -> None:
        """Waits until it has replayed all that the primary has now."""
        until = primary.execute("SELECT pg_current_wal_insert_lsn()").fetchone()[0]

        def has_replayed() -> bool:
            with self.session() as session:
                return session.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn",
                                       (until,)).fetchone()[0]

        wait_until(has_replayed, 20, "the standby has caught up")

    def stop_streaming(self) -> None:
        """From now on it lags: nothing more comes from the primary."""
        with self.session() as session:
            session.execute("ALTER SYSTEM SET primary_conninfo = ''")
            session.execute("SELECT pg_reload_conf()")

            def is_cut() -> bool:
                return session.execute("SELECT count(*) FROM pg_stat_wal_receiver"
                                       ).fetchone()[0] == 0

            wait_until(is_cut, 20, "the standby no longer streams")

    def stop(self) -> None:
        self._control("stop", "-m", "fast")

    def start(self) -> None:
        self._start(self.own_port)

    def take_over(self, same_address: bool) -> None:
        """The primary is gone; this one takes its place."""
        if same_address:
            self.stop()
            self._start(self.port)
        self._control("promote")


def lose_commits(postgres: OwnServices) -> None:
    """From now on commits are answered before they are written, and written late."""
    with psycopg.connect(postgres.addresses["DATABASE_URL"], autocommit=True) as session:
        for setting in ("synchronous_commit = off", "wal_writer_delay = '10s'",
                        "wal_writer_flush_after = '1GB'", "bgwriter_lru_maxpages = 0",
                        "autovacuum = off"):
            session.execute(f"ALTER SYSTEM SET {setting}")
        session.execute("SELECT pg_reload_conf()")


def stop_writing(postgres: OwnServices) -> None:
    """All that is committed is written, and nothing after it: what writes the log of
    PostgreSQL in the background stands still."""
    with psycopg.connect(postgres.addresses["DATABASE_URL"], autocommit=True) as session:
        session.execute("CHECKPOINT")
        rows = session.execute("SELECT pid FROM pg_stat_activity WHERE backend_type IN"
                               " ('walwriter', 'checkpointer', 'background writer')").fetchall()
    for (pid,) in rows:
        os.kill(pid, signal.SIGSTOP)
