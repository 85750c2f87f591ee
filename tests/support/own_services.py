"""Services of one test module alone, which it may kill."""
from __future__ import annotations

import os
import pathlib
import shlex
import subprocess
import uuid

import psycopg
import pytest

import services
from footfall import PATIENCE, ROOT


class OwnServices:
    """Servers with their files in `folder`; what was killed comes back on its port and data."""

    def __init__(self, folder: pathlib.Path, *names: str, address: str = "127.0.0.1"):
        """`names`: which of kafka, postgres, redis; all when empty. `address`: where they
        listen, one of this machine."""
        self.folder = folder
        self.names = names
        self.addresses: dict[str, str] = {}
        self.scripts_environment = {**os.environ, "SERVICES_ADDRESS": address}

    def __enter__(self) -> "OwnServices":
        if not os.environ.get("FOOTFALL_TEST_KAFKA"):
            pytest.fail("FOOTFALL_TEST_KAFKA is not set; make test installs the services")
        try:
            self.run("start", *self.names)
        except BaseException:
            self.__exit__()
            raise
        for line in self.run("env", *self.names).splitlines():
            name, _, value = shlex.split(line)[1].partition("=")
            self.addresses[name] = value
        return self

    def __exit__(self, *_) -> None:
        self.run("wipe")

    def run(self, command: str, *names: str) -> str:
        done = subprocess.run([ROOT / "scripts/services", command, self.folder, *names],
                              capture_output=True, text=True, timeout=120 * PATIENCE,
                              env=self.scripts_environment)
        assert done.returncode == 0, f"services {command} {names}:\n{done.stderr}"
        return done.stdout

    def environment(self) -> dict[str, str]:
        """Settings of a Footfall with a topic and a database that nothing else uses, and
        Redis where it runs."""
        own = uuid.uuid4().hex
        with psycopg.connect(self.addresses["DATABASE_URL"], autocommit=True) as session:
            session.execute(f"CREATE DATABASE test_{own}")
        base = self.addresses["DATABASE_URL"].rsplit("/", 1)[0]
        redis = {name: x for name, x in self.addresses.items() if name == "REDIS_ADDR"}
        return {"KAFKA_BROKER": self.addresses["KAFKA_BROKER"], "KAFKA_TOPIC": f"clicks-{own}",
                "DATABASE_URL": f"{base}/test_{own}", **redis}

    def produce(self, topic: str, lines: list[bytes]) -> None:
        """Writes records to a topic as another program would: a value a line, no key."""
        services.produce({"KAFKA_BROKER": self.addresses["KAFKA_BROKER"], "KAFKA_TOPIC": topic},
                         lines)
