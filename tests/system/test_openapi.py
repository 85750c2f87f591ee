"""docs/openapi.yaml and the running server say the same.

Every status of every operation is provoked and its answer compared with the document;
then schemathesis makes up requests for each port.
"""
import concurrent.futures
import contextlib
import os
import pathlib
import re
import socket
import subprocess
import sys
import threading

import jsonschema_rs
import pytest
import yaml

from footfall import PATIENCE, ROOT, Answer, Server, make_key, wait_until
from raw_http import answer_to

DOCUMENT = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text())
# Statuses that no request can bring about, and why.
NOT_PROVOKED = {
    "500": "a bug, or data that was damaged while the server runs",
    "507": "needs a full disk",
}
EVENT = {"event_id": "e-1", "user_id": "ada", "event_type": "click", "page_url": "/pricing"}
ADMIN_CONNECTIONS = 256


def resolve(node: dict) -> dict:
    while "$ref" in node:
        target = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


class Operation:
    """One method of one path of the document."""

    def __init__(self, path: str, method: str, node: dict):
        self.id = node["operationId"]
        self.method = method.upper()
        self.path = path
        self.listener = node["tags"][0].replace("access", "query")
        self.needs = node["x-footfall-needs"]
        self.responses = {status: resolve(x) for status, x in node["responses"].items()}
        parameters = [resolve(x) for x in node.get("parameters", [])]
        self.target = path + "?" + "&".join(
            f"{x['name']}={x['example']}" for x in parameters
            if x["in"] == "query" and x.get("required"))
        for x in parameters:
            if x["in"] == "path" and node["tags"] == ["access"]:
                self.target = self.target.replace("{%s}" % x["name"], x["example"])
        self.body = None
        if "requestBody" in node:
            examples = node["requestBody"]["content"]["application/json"]["examples"]
            self.body = next(iter(examples.values()))["value"]

    def ask(self, server: Server, more: str = "", method: str = "", body=None,
            headers: dict | None = None) -> Answer:
        client = server.client(self.listener)
        target = self.target
        if "{id}" in target and "--auth" in server.options:
            target = target.replace("{id}", "1")
        elif "{id}" in target:
            admin = server.client("admin")  # Of its own: several threads ask.
            running = admin.get("/actors").json()["actors"]
            admin.close()
            target = target.replace("{id}", str(running[0]["id"]))
        try:
            return client.request(method or self.method, target + more,
                                  self.body if body is None else body, headers)
        finally:
            client.close()

    def check(self, answer: Answer) -> str:
        """Compares the answer with the document and returns its status."""
        status = str(answer.status)
        assert status in self.responses, f"{self.id}: {status} is not documented: {answer}"
        response = self.responses[status]
        media = answer.headers["content-type"].split(";")[0]
        assert media in response["content"], f"{self.id}: {answer}"
        if media.endswith("json"):
            conforms(response["content"][media]["schema"], answer.json(), f"{self.id} {status}")
        for name, header in response.get("headers", {}).items():
            if resolve(header).get("required") is False and name.lower() not in answer.headers:
                continue
            assert name.lower() in answer.headers, f"{self.id} {status}: no {name}: {answer}"
            value = answer.headers[name.lower()]
            schema = resolve(header)["schema"]
            conforms(schema, int(value) if schema.get("type") == "integer" else value,
                     f"{self.id} {status} {name}")
        return status


def conforms(schema: dict, value, where: str) -> None:
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema",
             "components": DOCUMENT["components"], "allOf": [schema]}
    validator = jsonschema_rs.validator_for(whole, validate_formats=True)
    faults = [f"{list(x.instance_path)}: {x.message}" for x in validator.iter_errors(value)]
    assert not faults, f"{where}: {faults}"


OPERATIONS = [Operation(path, method, node) for path, item in DOCUMENT["paths"].items()
              for method, node in item.items()
              if method in ("get", "post") and node["tags"] not in (["live"], ["access"])]
# See test_live.py and test_people.py for the others.
BY_LISTENER = {name: [x for x in OPERATIONS if x.listener == name]
               for name in ("ingest", "query", "admin")}


def plain_answers(server: Server):
    """What one request at a time brings about."""
    for x in OPERATIONS:
        yield x, x.ask(server)
        yield x, x.ask(server, more="&wrong=%zz")
        yield x, x.ask(server, method="DELETE", body=b"")
        yield x, x.ask(server, headers={"Expect": "a miracle"})
        yield x, x.ask(server, headers={"Large": "x" * 9000})
        yield x, x.ask(server, headers={"Host": "evil.example"})
        if x.method == "POST":
            yield x, x.ask(server, headers={"Origin": "https://evil.example"})
        yield x, answer_to(server.address(x.listener), f"{x.method} {x.path} HTTP/1.1\r\n"
                           "Host: localhost\r\nContent-Length: 2000000\r\n\r\n".encode())
        if x.listener != "admin":
            yield x, x.ask(server, headers={"Content-Encoding": "br"})
    operation = {x.id: x for x in OPERATIONS}
    yield operation["postEvents"], operation["postEvents"].ask(server, body=[{}])
    yield operation["postEvents"], operation["postEvents"].ask(server, body=[EVENT, {}, EVENT])
    yield operation["postEvents"], operation["postEvents"].ask(server, body=b"nonsense")
    yield operation["postEvent"], operation["postEvent"].ask(server, body={**EVENT, "user_id": 1})
    yield operation["getActor"], server.admin.get("/actors/999999999")
    yield operation["getSystemActor"], server.query.get("/v1/system/actors/999999999")
    yield operation["getSystemActors"], server.query.get("/v1/system/actors", node="n1")
    yield operation["getSummary"], server.query.get(
        "/v1/stats/summary", range="month", tz="America/St_Johns", compare="year")
    yield operation["getSeries"], server.query.get(
        "/v1/stats/series", range="12mo", tz="Asia/Kathmandu", compare="previous")
    yield operation["getTopPages"], server.query.get("/v1/stats/top-pages", range="today")
    yield operation["getActors"], server.admin.get("/actors", view="tree")
    yield operation["getActors"], server.admin.get("/actors", node="n1")
    yield operation["getTopPages"], server.query.get("/v1/stats/top-pages", limit=1,
                                                     **{"from": "2020-01-01T00:00:00Z"})
    yield operation["getEventCount"], server.query.request(
        "GET", "/analytics/events", {"user_id": "ada", "page_url": "/pricing"})


def late_answers(server: Server):
    """Queries that wait for a position that never comes, and heads that never end."""
    def ask(x: Operation):
        return x, x.ask(server, headers={"Footfall-After": "0:999999"})

    def dawdle(x: Operation):
        head = f"{x.method} {x.path} HTTP/1.1\r\n"
        return x, answer_to(server.address(x.listener), head.encode())

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        yield from pool.map(ask, BY_LISTENER["query"])
        yield from pool.map(dawdle, OPERATIONS)


def overload_answers():
    """What a server says that may work on one request at a time."""
    with Server("--max-in-flight", "1") as server, concurrent.futures.ThreadPoolExecutor(4) as pool:
        for x in BY_LISTENER["ingest"] + BY_LISTENER["query"]:
            if "429" not in x.responses: # It asks no actor.
                continue
            full = threading.Event()
            # A query waits for its position; an event is written in a moment, so
            # several clients send them until two meet.
            headers = {"Footfall-After": "0:999999"} if x.listener == "query" else {}

            def ask(x=x, full=full, headers=headers):
                while not full.is_set():
                    answer = x.ask(server, headers=headers)
                    assert answer.status in (200, 429, 504), answer
                    if answer.status == 429:
                        full.set()
                        return answer
                return None

            asked = [pool.submit(ask) for _ in range(4)]
            wait_until(full.is_set, 30, "more than one request is under way")
            yield from ((x, done.result()) for done in asked if done.result())


def locked_answers():
    """What a server says that asks for keys."""
    with Server("--auth", "on", start=False) as server:
        keys = {role: make_key(server, "--site", "default", "--role", role)
                for role in ("ingest", "read")}
        server.start()
        for x in OPERATIONS:
            if x.needs != "nothing":
                yield x, x.ask(server)
                wrong = keys["read" if x.needs == "ingest" else "ingest"]
                yield x, x.ask(server, headers={"Authorization": f"Bearer {wrong}"})


def crowd_answers():
    """What a server says that has as many connections as it may have."""
    with Server("--max-connections", "1") as server, contextlib.ExitStack() as stack:
        for listener, operations in BY_LISTENER.items():
            host, _, port = server.address(listener).rpartition(":")
            for _ in range(ADMIN_CONNECTIONS if listener == "admin" else 1):
                stack.enter_context(socket.create_connection((host, int(port)), 10))
            for x in operations:
                yield x, answer_to(server.address(listener), b"")


@pytest.fixture(scope="module")
def answered() -> dict[tuple[str, str], Answer]:
    """An answer of each (operation, status), all of them compared with the document."""
    found = {}
    with Server() as server:
        server.ingest.post("/v1/events", EVENT)
        wait_until(lambda: server.count("ada", "/pricing") == 1)
        for source in (plain_answers(server), late_answers(server), overload_answers(),
                       crowd_answers(), locked_answers()):
            for operation, answer in source:
                found[operation.id, operation.check(answer)] = answer
    return found


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda x: x.id)
def test_every_documented_status_is_answered(answered, operation):
    documented = {status for status in operation.responses if status not in NOT_PROVOKED}
    if operation.id in ("getAudit", "getBadEvents", "postRedrive"):
        documented.discard("429")  # It takes more of them at once than the store lets wait.
    if operation.id in ("getActorOfNode", "getSystemActorOfNode"):
        documented.discard("200")  # test_cluster.py has nodes with names.
    if operation.id in ("postSkip", "postNewGeneration"):
        documented.discard("200")  # test_other_log.py has partitions that are stopped.
    assert {status for name, status in answered if name == operation.id} == documented


def test_every_path_is_documented(server):
    """The 404 of each port lists what there is."""
    for listener, operations in BY_LISTENER.items():
        answer = server.client(listener).get("/nothing")
        assert answer.status == 404
        conforms({"$ref": "#/components/schemas/problem"}, answer.json(), listener)
        detail = answer.json()["detail"]
        detail = re.sub(r"(\S+)\{([a-z,-]+,[a-z,-]+)\}",
                        lambda m: " ".join(m[1] + name for name in m[2].split(",")), detail)
        served = set(re.findall(r"/[a-z0-9/{}-]+(?:\.json|\.svg)?", detail))
        also = {"/v1/events", "/v1/live"} | {
            path for path, item in DOCUMENT["paths"].items()
            if any(x.get("tags") == ["access"] for x in item.values() if isinstance(x, dict))
        } if listener == "query" else set()
        assert served == {x.path for x in operations} | also, listener


@pytest.mark.parametrize("operation", BY_LISTENER["query"] + BY_LISTENER["admin"],
                         ids=lambda x: x.id)
def test_head_is_answered_where_the_document_says(server, operation):
    answer = operation.ask(server, method="HEAD")
    refused = operation.path == "/analytics/events" or operation.method == "POST"
    is_of_cluster = operation.id in ("getActorOfNode", "getSystemActorOfNode")
    assert answer.status == (405 if refused else 404 if is_of_cluster else 200)
    assert answer.body == b""


@pytest.mark.parametrize("listener", BY_LISTENER)
def test_schemathesis_finds_nothing(server, listener):
    placed = server.ingest.post("/v1/events", EVENT).json()["results"][0]["position"]
    wait_until(lambda: server.count("ada", "/pricing") == 1)
    program = pathlib.Path(sys.executable).with_name("schemathesis")
    done = subprocess.run(
        [program, "--config-file", ROOT / "tests/support/schemathesis.toml", "run",
         ROOT / "docs/openapi.yaml", "--url", server.url(listener), "--include-tag", listener,
         "--phases", "examples,coverage,fuzzing", "--max-examples", "25"],
        cwd=server.folder, capture_output=True, text=True, timeout=300 * PATIENCE,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests/support"),
             "FOOTFALL_TEST_POSITION": placed})
    assert done.returncode == 0, f"{done.stdout[-20000:]}\n{done.stderr[-4000:]}"
    assert server.admin.get("/healthz").status == 200
    assert server.audit() == {"ok": True, "differences": []}
