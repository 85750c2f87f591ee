"""`make run` and `make run-services`, as a newcomer calls them: built, started, announced
with lines to try, which work, and ended without a trace but the data."""
import os
import re
import signal
import subprocess

import psycopg
import pytest

from footfall import ROOT, wait_until

OF_MAKE = ("FOOTFALL_", "KAFKA_", "REDIS_", "DATABASE_URL", "MAKE", "MFLAGS", "ARGS")
PORTS = " ".join(f"--{name}-port 0" for name in ("ingest", "query", "admin", "grpc"))


class Made:
    """`make TARGET`, and what it has printed so far."""

    def __init__(self, target: str, folder):
        self.output = folder / "output"
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(OF_MAKE)}
        environment["FOOTFALL_SERVICES_DIR"] = str(folder / "services")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                ["make", target, f"ARGS=--data-dir {folder}/data {PORTS}"], cwd=ROOT,
                env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)

    def text(self) -> str:
        return self.output.read_text(errors="replace")

    def await_ready(self) -> int:
        """@returns the server's process."""
        wait_until(lambda: "is ready (process" in self.text() or self.process.poll() is not None,
                   300, "make run has announced the server")
        found = re.search(r"is ready \(process (\d+)\)", self.text())
        assert found, self.text()
        return int(found.group(1))

    def __enter__(self) -> "Made":
        return self

    def __exit__(self, *_) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(60)


@pytest.mark.parametrize("target", ["run", "run-services"])
def test_a_newcomer_tries_it(tmp_path, target):
    with Made(target, tmp_path) as made:
        server = made.await_ready()
        post, count = re.findall(r"^  (curl .*)$", made.text(), re.MULTILINE)

        def tried(line: str) -> str:
            return subprocess.run(["bash", "-c", line.replace("curl", "curl --fail-with-body", 1)],
                                  capture_output=True, text=True, check=True, timeout=30).stdout

        assert '"accepted"' in tried(post), made.text()
        wait_until(lambda: '"count":1' in tried(count).replace(" ", ""), 10, "the click counts")
        if target == "run-services":
            address = re.search(r"^  DATABASE_URL=(.*)$", made.text(), re.MULTILINE).group(1)
            with psycopg.connect(address.strip("'\"")) as session:
                assert session.execute("SELECT count(*) FROM click_events").fetchone() == (1,)
        os.kill(server, signal.SIGTERM)
        assert made.process.wait(60) == 0, made.text()
        if target == "run-services":
            status = subprocess.run([ROOT / "scripts/services", "status", tmp_path / "services"],
                                    capture_output=True, text=True, check=True, timeout=30)
            assert status.stdout.count("does not run") == 3, status.stdout
