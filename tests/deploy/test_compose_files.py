"""Compose files, secrets and Dockerfiles are sound as texts; that they run: test_compose."""
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

from engine import COMPOSE
from footfall import ROOT

FOLDER = ROOT / "compose"
HADOLINT = pathlib.Path(sys.executable).parent / "hadolint"
PROFILES = [(), ("single",), ("monitoring",), ("single", "monitoring")]
FILES = {"compose.yaml": PROFILES, "reference.yaml": [()]}
# Variables of the reference's own .env; the rest of what reference.yaml reads is in .env.example.
REFERENCE = {"KAFKA_BROKER", "KAFKA_TOPIC", "DATABASE_URL", "REDIS_ADDR", "REDIS_HOST",
             "REDIS_PORT", "POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"}


def compose(*words: str, check: bool = True, **settings: str) -> str:
    """docker-compose with no variables but these, and no .env."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"],
                   "COMPOSE_DISABLE_ENV_FILE": "1", **settings}
    done = subprocess.run([COMPOSE, *words], cwd=FOLDER, env=environment,
                          capture_output=True, text=True, timeout=60)
    if check:
        assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout + done.stderr


def project(name: str, *profiles: str, **settings: str) -> dict:
    words = [word for profile in profiles for word in ("--profile", profile)]
    return json.loads(compose("--file", name, *words, "config", "--format", "json",
                              **{"POSTGRES_PASSWORD": "for this test", **settings}))


def every_service():
    for name in FILES:
        for service, what in project(name, "single", "monitoring")["services"].items():
            yield pytest.param(what, id=f"{name}:{service}")


@pytest.mark.parametrize("name, profiles", [(x, y) for x in FILES for y in FILES[x]])
@pytest.mark.parametrize("over", [(), ("--file", "ci.yaml")], ids=["alone", "ci"])
def test_each_profile_is_valid_and_says_nothing(name, profiles, over):
    words = [word for profile in profiles for word in ("--profile", profile)]
    assert compose("--file", name, *over, *words, "config", "--quiet",
                   POSTGRES_PASSWORD="x") == ""


def test_profiles_add_what_they_say():
    def names(*profiles: str) -> set[str]:
        return set(project("compose.yaml", *profiles)["services"])
    cluster = {"certs", "footfall-1", "footfall-2", "footfall-3", "postgres", "redis", "redpanda"}
    assert names() == cluster
    assert names("single") == cluster | {"single"}
    assert names("monitoring") == cluster | {
        "prometheus", "alertmanager", "grafana", "postgres-exporter", "redis-exporter"}


@pytest.mark.parametrize("service", list(every_service()))
def test_each_service_is_bounded_and_watched(service):
    assert int(service["mem_limit"]) > 0 and service["cpus"] > 0
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"]["max-size"]
    if service["restart"] == "no":
        assert service["healthcheck"]["disable"]  # It ends; what waits for it waits for that.
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    for port in service.get("ports", []):
        assert port["host_ip"] == "127.0.0.1", port
    for mount in service.get("volumes", []):
        assert mount["type"] == "volume" or mount["read_only"], mount
    for needed in service.get("depends_on", {}).values():
        assert needed["condition"] in ("service_healthy", "service_completed_successfully")
    assert re.fullmatch(r"[\w./-]+:v?\d[\w.-]*", service["image"]), service["image"]
    assert not service["image"].endswith(":latest")


@pytest.mark.parametrize("name", FILES)
def test_footfall_has_no_rights(name):
    nodes = {service: what for service, what in
             project(name, "single", "monitoring")["services"].items()
             if what["image"].startswith("footfall:")}
    assert nodes
    for what in nodes.values():
        assert what["read_only"] and what["cap_drop"] == ["ALL"] and what["pids_limit"] > 0
        assert "user" not in what and not what.get("privileged")


@pytest.mark.parametrize("name", FILES)
def test_no_port_is_published_twice(name):
    services = project(name, "single", "monitoring")["services"].values()
    published = [port["published"] for what in services for port in what.get("ports", [])]
    assert published and len(published) == len(set(published)), published


def variables(name: str) -> dict[str, str]:
    """What a file reads: names and defaults."""
    text = "\n".join(line for line in (FOLDER / name).read_text().splitlines()
                     if not line.lstrip().startswith("#"))
    found = re.findall(r"(?<!\$)\$\{(\w+)(?::-([^}$]*))?", text)
    assert len(found) == len(re.findall(r"(?<!\$)\$(?!\$)", text)), "a $ that is none of ${NAME}"
    return dict(found)


def example() -> dict[str, str]:
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", (FOLDER / ".env.example").read_text(),
                           re.MULTILINE))


def test_the_example_names_exactly_what_is_read_with_its_defaults():
    assert example() == variables("compose.yaml")


def test_the_reference_keeps_its_variables():
    read = variables("reference.yaml")
    assert REFERENCE == set(read) - set(example())
    assert all(read[name] == example()[name] for name in set(read) & set(example()))
    plain = project("reference.yaml")["services"]["footfall"]["environment"]
    assert plain["DATABASE_URL"] == (
        "postgres://user:for this test@postgres:5432/events?sslmode=disable")
    own = {"DATABASE_URL": "postgres://a:b@c/d", "KAFKA_BROKER": "k:1", "KAFKA_TOPIC": "t",
           "REDIS_HOST": "r", "REDIS_PORT": "2", "REDIS_ADDR": "x:3"}
    given = project("reference.yaml", **own)["services"]["footfall"]["environment"]
    assert {name: given[name] for name in own} == own
    assert "POSTGRES_PASSWORD" in compose("--file", "reference.yaml", "config", "--quiet",
                                          check=False)


def test_the_reference_keeps_its_ports_and_names():
    services = project("reference.yaml")["services"]
    ports = {(name, port["target"], port["published"]) for name, what in services.items()
             for port in what["ports"]}
    assert ports == {("footfall", 8080, "8080"), ("footfall", 8081, "8081"),
                     ("footfall", 50051, "50051"), ("footfall", 8082, "8083"),
                     ("redpanda", 9092, "9092"), ("redpanda", 8082, "8082"),
                     ("postgres", 5432, "5432"), ("redis", 6379, "6379")}
    aliases = services["footfall"]["networks"]["app-network"]["aliases"]
    assert set(aliases) == {"ingestion", "api-gateway", "analytics", "processor"}


def test_secrets_are_files_that_the_script_makes(tmp_path):
    folder = tmp_path / "secrets"
    environment = {**os.environ, "SLACK_WEBHOOK_URL": "https://hooks.example/x"}
    made = [ROOT / "scripts/compose-secrets", folder]
    subprocess.run(made, env=environment, check=True, capture_output=True, timeout=30)
    wanted = {pathlib.Path(x["file"]).name for x in
              project("compose.yaml", "monitoring")["secrets"].values()}
    assert {path.name for path in folder.iterdir()} == wanted
    assert folder.stat().st_mode & 0o777 == 0o700
    texts = {path.name: path.read_text() for path in folder.iterdir()}
    assert all((folder / name).stat().st_mode & 0o777 == 0o444 for name in wanted)
    for name in ("postgres_password", "redis_password", "grafana_password"):
        assert re.fullmatch(r"[0-9a-f]{48}\n", texts[name]), name
    assert f":{texts['postgres_password'].strip()}@postgres:5432/" in texts["database_url"]
    assert f">{texts['redis_password'].strip()} " in texts["redis_acl"]
    assert texts["redis_password"].strip() in json.loads(
        texts["redis_exporter_passwords"]).values()
    subprocess.run(made, env=environment, check=True, capture_output=True, timeout=30)
    assert texts == {path.name: path.read_text() for path in folder.iterdir()}


def test_no_secret_is_in_git_or_in_the_environment():
    ignored = subprocess.run(["git", "check-ignore", "compose/secrets/x", "compose/.env"],
                             cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert ignored.stdout.split() == ["compose/secrets/x", "compose/.env"]
    kept = subprocess.run(["git", "ls-files", "compose"], cwd=ROOT, check=True,
                          capture_output=True, text=True, timeout=30).stdout
    assert "secrets" not in kept and ".env\n" not in kept
    for service, what in project("compose.yaml", "single", "monitoring")["services"].items():
        for name, value in (what.get("environment") or {}).items():
            if re.search("PASS|SECRET|TOKEN|KEY|DATABASE_URL|WEBHOOK", name):
                assert str(value).startswith(("/run/secrets/", "/etc/footfall/certs/")), (
                    service, name)


def test_monitoring_mounts_what_is_there():
    services = project("compose.yaml", "monitoring")["services"].values()
    sources = {mount["source"] for what in services for mount in what.get("volumes", [])
               if mount["type"] == "bind"}
    assert sources and all(pathlib.Path(source).is_dir() for source in sources), sources


@pytest.mark.parametrize("file", ["Dockerfile", "compose/ci/Dockerfile"])
def test_hadolint(file):
    done = subprocess.run([HADOLINT, file], cwd=ROOT, capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_is_built_from_all_that_it_needs_and_no_more():
    listed = (ROOT / "Dockerfile").read_text()
    version = re.search(r"project\(footfall VERSION (\S+)",
                        (ROOT / "CMakeLists.txt").read_text()).group(1)
    assert f"ARG VERSION={version}\n" in listed
    for name in FILES:
        assert f":-footfall:{version}}}" in (FOLDER / name).read_text(), name
    sources = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines()
               if line.startswith("!")]
    folders = re.findall(r"add_subdirectory\((\w+)\)", (ROOT / "CMakeLists.txt").read_text())
    assert set(folders) <= set(sources) and all((ROOT / name).exists() for name in sources)
