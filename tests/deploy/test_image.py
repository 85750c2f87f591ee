"""Built, run with nothing allowed, exact through kill -9, SBOM; unproven: the real base image."""
import importlib.resources
import json
import os
import pathlib
import re
import signal
import subprocess

import jsonschema_rs
import pytest

from containers import HARDENED, ContainedLoad, ContainedServer
from doc_commands import Reader
from engine import STORE, Engine, image_script
from footfall import BINARY, ROOT, wait_until
from journal import examine, sqlite_rows

VERSION = re.search(r"project\(footfall VERSION (\S+)",
                    (ROOT / "CMakeLists.txt").read_text()).group(1)
IMAGE = f"localhost/footfall:{VERSION}"
NOTHING_ALLOWED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
                   "--memory", "512m", "--pids-limit", "256")
OPEN = ("--env", "FOOTFALL_AUTH=off")  # Nobody is asked for a key.
QUICK_CHECKS = ("--health-interval", "1s", "--health-timeout", "5s", "--health-retries", "2",
                "--health-start-period", "1s")
DATA = "/var/lib/footfall"


@pytest.fixture(scope="module")
def engine():
    print(image_script("build"))
    with Engine() as running:
        running.load(IMAGE)
        yield running


@pytest.fixture
def folder(tmp_path):
    """On this machine, for the container's user."""
    os.chmod(tmp_path, 0o755)
    made = tmp_path / "data"
    made.mkdir()
    os.chown(made, 10001, 10001)
    return made


def ended(engine: Engine, *words: str) -> tuple[int, str]:
    """A container that ends by itself: its code, and what it wrote."""
    said = engine.docker("run", "--name", "short", *words, check=False)
    code = engine.state("short")["ExitCode"]
    engine.docker("rm", "short")
    return code, said


def test_what_the_image_says_of_itself(engine):
    image = json.loads(engine.docker("image", "inspect", IMAGE))[0]
    config = image["Config"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["/usr/local/bin/footfall"] and config["Cmd"] == ["serve"]
    assert config["StopSignal"] == "SIGTERM"
    assert config["Healthcheck"]["Test"] == ["CMD", "/usr/local/bin/footfall", "health"]
    assert not config.get("Volumes"), "a volume that nobody named would be made for each container"
    said = subprocess.run([BINARY, "--version"], capture_output=True, text=True, check=True)
    labels = {name.removeprefix("org.opencontainers.image."): value
              for name, value in config["Labels"].items()}
    assert f"footfall {labels['version']}\n" == said.stdout
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?", labels["revision"]), labels
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", labels["created"]), labels
    assert {"title", "description", "licenses"} <= set(labels)
    print(f"image: {image['Size'] / 1e6:.0f} MB, not packed, on the stand-in of the base")
    assert image["Size"] < 300e6


def test_events_are_counted_exactly_through_kill_9(engine, folder):
    engine.docker("run", "--detach", "--name", "node", "--restart", "on-failure",
                  *NOTHING_ALLOWED, *QUICK_CHECKS, *OPEN, "--volume", f"{folder}:{DATA}",
                  "--env", "FOOTFALL_ADMIN_BIND=0.0.0.0", "--publish", "8080:8080",
                  "--publish", "8081:8081", "--publish", "8082:8082", IMAGE)
    server = ContainedServer(engine, "node", data=folder)
    engine.await_health("node", "healthy")
    assert server.hardened() == HARDENED
    with ContainedLoad(server, clients=4) as load:
        for round_ in range(2):
            sent = load.accepted()
            wait_until(lambda: load.accepted() > sent + 200, 30, "events are accepted")
            pid = server.pid()
            server.kill9()
            server.await_restart(pid)
        sent = load.accepted()
        wait_until(lambda: load.accepted() > sent + 200, 30, "events are accepted")
    check = examine(server, load.journal, sqlite_rows(server), "image, killed twice")
    assert not check.problems, check.problems
    # A new container on the same folder has the same counts.
    engine.docker("rm", "node")
    engine.docker("run", "--detach", "--name", "node", *NOTHING_ALLOWED, *QUICK_CHECKS,
                  *OPEN, "--volume", f"{folder}:{DATA}", "--publish", "8081:8081",
                  "--publish", "8082:8082", "--env", "FOOTFALL_ADMIN_BIND=0.0.0.0", IMAGE)
    engine.await_health("node", "healthy")
    pages = ContainedServer(engine, "node").query.get("/v1/stats/top-pages", limit=1000).json()
    assert ({page["page_url"]: page["clicks"] for page in pages["pages"]}
            == {page: clicks for page, (clicks, _) in check.totals.items()})
    engine.docker("rm", "--force", "node")


def test_sigterm_answers_what_is_open_and_ends_with_0(engine, folder):
    engine.docker("run", "--detach", "--name", "node", *NOTHING_ALLOWED, *QUICK_CHECKS,
                  *OPEN, "--volume", f"{folder}:{DATA}", "--publish", "8080:8080",
                  "--env", "FOOTFALL_DRAIN_DELAY_S=2", IMAGE)
    engine.await_health("node", "healthy")
    server = ContainedServer(engine, "node")
    with ContainedLoad(server, clients=2) as load:
        wait_until(lambda: load.accepted() > 50, 30, "events are accepted")
        engine.docker("kill", "--signal", "TERM", "node")
        sent = load.accepted()
        wait_until(lambda: load.accepted() > sent + 10, 10, "it still accepts while it drains")
        wait_until(lambda: not engine.state("node")["Running"], 30, "it ends")
        load.stopping.set()
    assert engine.state("node")["ExitCode"] == 0, server.stderr()
    assert not any(status >= 500 for status in load.journal.answers), load.journal.answers
    engine.docker("rm", "node")


def test_the_health_check_follows_the_node_and_no_shell_is_needed(engine):
    shells = [word for shell in ("sh", "bash", "dash", "rbash")
              for word in ("--volume", f"/dev/null:/usr/bin/{shell}:ro")]
    engine.docker("run", "--detach", "--name", "node", *NOTHING_ALLOWED, *QUICK_CHECKS, *OPEN,
                  *shells, "--tmpfs", f"{DATA}:uid=10001,gid=10001,mode=700", IMAGE)
    refused = engine.docker("exec", "node", "/usr/bin/dash", "-c", "true", check=False)
    assert "permission denied" in refused, refused
    engine.await_health("node", "healthy")
    server = ContainedServer(engine, "node")
    os.kill(server.pid(), signal.SIGSTOP)
    try:
        engine.await_health("node", "unhealthy")
    finally:
        os.kill(server.pid(), signal.SIGCONT)
    engine.await_health("node", "healthy")
    server.terminate()
    engine.docker("rm", "node")


def test_a_node_without_its_log_is_unhealthy_and_runs_on(engine):
    engine.docker("run", "--detach", "--name", "node", *NOTHING_ALLOWED, *QUICK_CHECKS,
                  "--env", "KAFKA_BROKER=127.0.0.1:1", "--tmpfs", f"{DATA}:uid=10001", IMAGE)
    engine.await_health("node", "unhealthy")
    assert engine.state("node")["Running"]
    def said() -> str:
        return engine.docker("exec", "node", "/usr/local/bin/footfall", "health", check=False)
    wait_until(lambda: "no Kafka broker can be reached (KAFKA_BROKER = 127.0.0.1:1)" in said(), 30,
               lambda: f"it says why: {said()}")
    ContainedServer(engine, "node").terminate()
    engine.docker("rm", "node")


@pytest.mark.parametrize("words, code, named", [
    (("--env", "FOOTFALL_QUERY_PORT=x"), 2, "FOOTFALL_QUERY_PORT"),
    (("--env", "FOOTFALL_CLUSTER_LISTEN=0.0.0.0:4242", "--env",
      "FOOTFALL_CLUSTER_ADVERTISE=node:4242"), 2, "KAFKA_BROKER"),
    (("--env", "DATABASE_URL_FILE=/run/secrets/database_url"), 2, "/run/secrets/database_url"),
    ((), 1, DATA),
], ids=["wrong", "missing", "a secret that is missing", "nowhere to write"])
def test_what_cannot_work_ends_with_one_line_that_names_it(engine, words, code, named):
    got, said = ended(engine, *NOTHING_ALLOWED, *words, IMAGE)
    assert got == code and named in said and len(said.splitlines()) == 1, (got, said)


def test_without_a_key_it_says_how_to_make_one(engine):
    got, said = ended(engine, *NOTHING_ALLOWED, "--tmpfs", f"{DATA}:uid=10001", IMAGE)
    assert got == 1 and f"footfall key add --site '*' --role admin --data-dir {DATA}" in said, said


def test_certificates_are_made_in_a_volume(engine):
    got, said = ended(engine, *NOTHING_ALLOWED, "--network", "none",
                      "--volume", "certs:/etc/footfall/certs", IMAGE,
                      "certs", "--out", "/etc/footfall/certs", "one", "two")
    assert got == 0, said
    where = pathlib.Path(engine.docker("volume", "inspect", "--format", "{{.Mountpoint}}",
                                       "certs").strip())
    key = (where / "one.key").stat()
    assert (key.st_uid, key.st_mode & 0o777) == (10001, 0o600)


def test_every_library_is_there(engine):
    said = engine.docker("run", "--rm", "--entrypoint", "ldd", IMAGE, "/usr/local/bin/footfall")
    assert "not found" not in said and "libcaf_core" in said, said


def schemas() -> jsonschema_rs.Draft7Validator:
    """CycloneDX's own, with what they refer to."""
    folder = importlib.resources.files("cyclonedx") / "schema/_res"

    def read(name: str) -> dict:
        return json.loads((folder / f"{name}.SNAPSHOT.schema.json").read_text())
    registry = jsonschema_rs.Registry([
        (f"http://cyclonedx.org/schema/{name}.SNAPSHOT.schema.json", read(name))
        for name in ("spdx", "jsf-0.82")])
    return jsonschema_rs.Draft7Validator(read("bom-1.5"), registry=registry)


def test_the_sbom_names_what_is_in_the_image(engine):
    bill = json.loads((STORE / "footfall.cdx.json").read_text())
    schemas().validate(bill)
    program, system, *packages = bill["components"]
    assert (program["name"], program["version"]) == ("footfall", VERSION)
    assert system["type"] == "operating-system"
    said = engine.docker("run", "--rm", "--entrypoint", "dpkg-query", IMAGE, "--show",
                         "--showformat", "${Package} ${Version} ${Architecture}\n")
    named = sorted(f"{x['name']} {x['version']} " + re.search(r"arch=(\w+)", x["purl"]).group(1)
                   for x in packages)
    assert named == sorted(said.splitlines())
    assert {"libpq5", "librdkafka1", "libc6"} <= {x["name"] for x in packages}
    assert {"libboost1.81-dev", "libcli11-dev"} == {x["name"] for x in program["components"]}
    print(f"SBOM: {len(packages)} packages")


def test_the_commands_of_the_document_work(engine, tmp_path):
    engine.docker("tag", IMAGE, f"footfall:{VERSION}")
    # Built already, by the same Dockerfile: there is no Docker Hub here.
    reader = Reader(engine, tmp_path, {f"docker build -t footfall:{VERSION} .": "true"})
    assert reader.run("Image") >= 6
    engine.docker("rm", "footfall")
