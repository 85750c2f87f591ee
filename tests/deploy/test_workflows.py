"""Workflows pass actionlint and zizmor, call what exists; no runner of GitHub has run them."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from footfall import ROOT, Server

WORKFLOWS = ROOT / ".github/workflows"
FILES = sorted(x.name for x in WORKFLOWS.glob("*.yml"))
# What a job may ask for beyond reading; each needs it for what its comment says.
RIGHTS = {("release.yml", "image"): {"contents": "read", "packages": "write", "id-token": "write"},
          ("release.yml", "files"): {"contents": "write"}}
# Commit of each action, as its repository's tag has it.
ACTIONS = {"actions/checkout": "3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
           "actions/cache": "27d5ce7f107fe9357f9df03efb73ab90386fccae # v5.0.5",
           "actions/upload-artifact": "bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0",
           "sigstore/cosign-installer": "6f9f17788090df1f26f669e9d70d6ae9567deba6 # v4.1.2"}


@pytest.fixture(scope="module")
def tools():
    """actionlint, built where it is missing."""
    subprocess.run([ROOT / "scripts/go-tools", "actionlint"], check=True, timeout=500)
    return {"actionlint": ROOT / "build/tools/actionlint",
            "zizmor": pathlib.Path(sys.executable).parent / "zizmor"}


def told(tools: dict, folder: pathlib.Path) -> list[str]:
    """What the two programs find in the workflows of a folder."""
    files = sorted(folder.glob("*.yml"))
    found = []
    for words in ([tools["actionlint"], "-no-color", "-shellcheck", shutil.which("shellcheck"),
                   "-pyflakes", "", *files],
                  [tools["zizmor"], "--offline", "--no-progress", "--persona", "pedantic",
                   "--color", "never", *files]):
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            found.append(f"{pathlib.Path(words[0]).name}: {done.stdout}{done.stderr}")
    return found


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))


def calls(step: dict, matrix: dict[str, list[str]]) -> list[str]:
    """What is wrong with the command of a step: it is one script, or make."""
    commands = [step["run"]]
    for name, value in step.get("env", {}).items():
        of_matrix = re.fullmatch(r"\$\{\{ matrix\.(\w+) \}\}", value)
        for x in matrix.get(of_matrix[1], []) if of_matrix else []:
            commands.append(step["run"].replace(f'"${name}"', x))
    wrong = []
    for command in commands[len(commands) > 1:]:
        words = command.split()
        if words[0] == "scripts/in-debian":
            words = words[1:]
        if words[0] == "make":
            wrong += [f"make {x} is no target" for x in words[1:] if x not in targets()]
        elif not (words[0].startswith("scripts/") and os.access(ROOT / words[0], os.X_OK)):
            wrong.append(f"{words[0]} is no script")
        if re.search(r"[;|&\n<>]", command):
            wrong.append(f"more than one command: {command!r}")
    return wrong


def ours(folder: pathlib.Path) -> list[str]:
    """What those programs do not look at."""
    found = []
    for path in sorted(folder.glob("*.yml")):
        text = path.read_text()
        flow = yaml.safe_load(text)
        if flow.get("permissions") != {}:
            found.append(f"{path.name}: rights for all jobs")
        for name, job in flow["jobs"].items():
            wanted = RIGHTS.get((path.name, name), {"contents": "read"})
            if job.get("permissions") != wanted:
                found.append(f"{path.name}: {name} asks for {job.get('permissions')}")
            if "timeout-minutes" not in job:
                found.append(f"{path.name}: {name} may run for ever")
            matrix = job.get("strategy", {}).get("matrix", {})
            found += [f"{path.name}: {x}" for step in job["steps"] if "run" in step
                      for x in calls(step, matrix)]
        for action, pin in re.findall(r"uses: ([^@\s]+)@(.*)", text):
            if ACTIONS.get(action) != pin:
                found.append(f"{path.name}: {action} is not pinned as known: {pin}")
    return found


def test_nothing_is_wrong(tools):
    assert FILES == ["check.yml", "nightly.yml", "release.yml"]
    assert told(tools, WORKFLOWS) + ours(WORKFLOWS) == []


def test_all_that_is_to_run_does():
    flows = {x: yaml.safe_load((WORKFLOWS / x).read_text())["jobs"] for x in FILES}
    assert set(flows["check.yml"]) == {"lint", "test", "sanitizers", "deploy", "kind"}
    assert set(flows["release.yml"]) == {"check", "image", "files"}
    assert all(flows["release.yml"][x]["needs"] == "check" for x in ("image", "files"))
    commands = {s["run"] for jobs in flows.values() for j in jobs.values() for s in j["steps"]
                if "run" in s}
    ci = re.search(r"^make (.*)", (ROOT / ".ci/run").read_text(), re.M)[1].split()
    assert {f"scripts/in-debian make {x}" for x in ci} <= commands


PLANTED = [  # file, what stands there, what is put there, what is to be found
    ("check.yml", "runs-on: ubuntu-24.04", "runs_on: ubuntu-24.04", "actionlint"),
    ("check.yml", "matrix.target", "matrix.targets", "actionlint"),
    ("check.yml", "@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7", "zizmor.*unpinned"),
    ("check.yml", "@3d3c42e5aac5", "@3d3c42e5aac6", "not pinned as known"),
    ("check.yml", "{persist-credentials: false}", "{fetch-depth: 1}", "zizmor.*persist"),
    ("check.yml", "permissions: {}", "permissions: write-all", "zizmor.*permissions"),
    ("check.yml", "make lint", "make lints", "make lints is no target"),
    ("check.yml", "scripts/kind-test", "scripts/kind-tests", "no script"),
    ("check.yml", "scripts/kind-test", "scripts/kind-test || true", "more than one command"),
    ("release.yml", '"${GITHUB_REF_NAME#v}"', "${{ github.ref_name }}", "zizmor.*injection"),
    ("release.yml", "      contents: write # to make", "      contents: write\n      actions: "
     "write # to make", "files asks for"),
    ("nightly.yml", "fuzz, test-faults]", "fuzz, test-fault]", "make test-fault is no"),
    ("nightly.yml", "timeout-minutes: 300", "continue-on-error: false", "may run for ever"),
    ("nightly.yml", '"17 2 * * *"', '"17 25 * * *"', "actionlint"),
]


@pytest.mark.parametrize("file, old, new, wanted", PLANTED)
def test_a_planted_mistake_is_found(tools, tmp_path, file, old, new, wanted):
    shutil.copytree(WORKFLOWS, tmp_path / ".github/workflows")
    path = tmp_path / ".github/workflows" / file
    text = path.read_text()
    assert old in text, f"{old!r} stands no more in {file}"
    path.write_text(text.replace(old, new))
    found = told(tools, path.parent) + ours(path.parent)
    assert any(re.search(wanted, x, re.S) for x in found), f"{wanted} is not among {found}"


def stub(folder: pathlib.Path, name: str, text: str) -> dict[str, str]:
    """An environment in which the program `name` is a script that does `text`."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/bash\n{text}\n")
    (folder / name).chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


def test_a_command_runs_on_debian(tmp_path):
    environment = stub(tmp_path / "bin", "docker", 'printf "%s\\n" "$@"')
    done = subprocess.run([ROOT / "scripts/in-debian", "make", "lint"], env=environment,
                          capture_output=True, text=True, timeout=60)
    words = done.stdout.splitlines()
    assert done.returncode == 0 and words[0] == "run", done
    assert words[-3:] == ["in-debian", "make", "lint"]
    assert re.fullmatch(r"debian@sha256:[0-9a-f]{64}", words[words.index("bash") - 1]), words


def test_the_secrets_of_dev_are_made_once(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    environment = stub(tmp_path / "bin", "kubectl", f"""
        shift 2
        case "$1 $2" in
          "get secret") [[ -d {kept}/$3 ]] ;;
          "create secret")
            mkdir {kept}/$4
            for word in "${{@:5}}"; do cp "${{word#--from-file=}}" {kept}/$4/; done ;;
        esac""")

    def run() -> subprocess.CompletedProcess:
        return subprocess.run([ROOT / "scripts/kubernetes-secrets"], env=environment,
                              capture_output=True, text=True, timeout=60)

    def found() -> dict[str, str]:
        return {f"{x.parent.name}/{x.name}": x.read_text() for x in kept.rglob("*/*")}

    assert run().returncode == 0
    first = found()
    password = first["footfall-postgres/password"]
    assert re.fullmatch("[0-9a-f]{48}", password) and first == {
        "footfall-postgres/password": password,
        "footfall-secrets/redis-password": first["footfall-secrets/redis-password"],
        "footfall-secrets/database-url": f"postgresql://footfall:{password}@postgres:5432/footfall"}
    assert run().returncode == 0 and found() == first
    shutil.rmtree(kept / "footfall-secrets")
    half = run()
    assert half.returncode == 1 and "footfall-postgres alone" in half.stderr, half


def test_count_exactly_counts_exactly(tmp_path):
    def count(server: Server, *command: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, ROOT / "scripts/count-exactly", "--ingest", server.url("ingest"),
             "--query", server.url("query"), "--events", "1000", "--seconds", "20", "--",
             *command], capture_output=True, text=True, timeout=60)

    with Server() as server:
        done = count(server)
        assert done.returncode == 0 and "each is counted once" in done.stdout, done
        # A command that posts one event more of the same user and page: one too many.
        more = tmp_path / "more"
        more.write_text(f"""
import json, urllib.request, urllib.parse
def ask(url, body=None):
    return json.load(urllib.request.urlopen(url, json.dumps(body).encode() if body else None))
users = ask("{server.url('query')}/v1/stats/users?page_url=/count-exactly/1")["users"]
user = users[0]["user_id"] if users[0]["clicks"] < users[-1]["clicks"] else users[-1]["user_id"]
ask("{server.url('ingest')}/v1/events", dict(event_id="odd", user_id=user,
    page_url="/count-exactly/1", event_type="click"))
""")
        done = count(server, sys.executable, str(more))
        assert done.returncode == 1 and "counted, wanted" in done.stdout, done
        gone = count(server, "false")
        assert gone.returncode != 0, gone
