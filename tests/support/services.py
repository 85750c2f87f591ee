"""A topic, a database and a Redis number of their own on the services of `make test`."""
from __future__ import annotations

import os
import subprocess
import uuid

import psycopg
import pytest
import redis

from footfall import PATIENCE, ROOT

ADDRESSES = {"KAFKA_BROKER": "FOOTFALL_TEST_KAFKA", "DATABASE_URL": "FOOTFALL_TEST_POSTGRES",
             "REDIS_ADDR": "FOOTFALL_TEST_REDIS"}


def produce(environment: dict[str, str], lines: list[bytes]) -> None:
    """Writes records to the topic as another program would: a value a line, no key."""
    done = subprocess.run(
        ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", ROOT / "build/kafka/jars/*",
         "org.apache.kafka.tools.ConsoleProducer",
         "--bootstrap-server", environment["KAFKA_BROKER"],
         "--topic", environment["KAFKA_TOPIC"]],
        input=b"\n".join(lines) + b"\n", capture_output=True, timeout=120 * PATIENCE)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]


def let_two_share(url: str) -> None:
    """In this database nothing keeps a second node away: for what must hold all the same."""
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("CREATE FUNCTION public.pg_try_advisory_lock(bigint) RETURNS boolean"
                        " LANGUAGE sql AS 'SELECT true'")
        session.execute(f'ALTER DATABASE "{session.info.dbname}"'
                        " SET search_path = public, pg_catalog")


class Services:
    """Settings for `Server(environment=...)` that share nothing with another test.

    Fails the test where the services do not run; `make test` starts them."""

    def __init__(self, *names: str):
        """`names`: which of KAFKA_BROKER, DATABASE_URL, REDIS_ADDR; all when empty."""
        self.names = names or tuple(ADDRESSES)
        self.environment: dict[str, str] = {}
        self._database = f"test_{uuid.uuid4().hex}"

    def __enter__(self) -> "Services":
        for name in self.names:
            address = os.environ.get(ADDRESSES[name])
            if not address:
                pytest.fail(f"{ADDRESSES[name]} is not set; make test starts the services")
            self.environment[name] = address
        if "KAFKA_BROKER" in self.environment:
            self.environment["KAFKA_TOPIC"] = f"clicks-{uuid.uuid4().hex}"
        if "DATABASE_URL" in self.environment:
            self._admin(f"CREATE DATABASE {self._database}")
            base = self.environment["DATABASE_URL"].rsplit("/", 1)[0]
            self.environment["DATABASE_URL"] = f"{base}/{self._database}"
        return self

    def __exit__(self, *_) -> None:
        if "DATABASE_URL" in self.environment:
            self._admin(f"DROP DATABASE {self._database} WITH (FORCE)")

    def _admin(self, statement: str) -> None:
        with psycopg.connect(os.environ[ADDRESSES["DATABASE_URL"]], autocommit=True) as session:
            session.execute(statement)

    def sql(self, statement: str, *values) -> list[tuple]:
        """The rows of one statement in this test's database."""
        with psycopg.connect(self.environment["DATABASE_URL"]) as session:
            return session.execute(statement, values or None).fetchall()

    def redis(self) -> redis.Redis:
        host, port = self.environment["REDIS_ADDR"].rsplit(":", 1)
        return redis.Redis(host, int(port), decode_responses=True)
