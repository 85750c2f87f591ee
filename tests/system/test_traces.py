"""One request is followed by its trace through edges, actors and nodes, in the logs alone."""
import json
import pathlib
import re
import time

import pytest
import yaml

from cluster import Cluster, gateway
from footfall import Server, wait_until
from grpc_node import Node, load_stubs
from journal import gauge
from services import Services

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CLICK = {"user_id": "secret-user", "event_type": "click", "page_url": "/secret-page"}


def traceparent(trace: str = TRACE, flags: str = "01") -> str:
    return f"00-{trace}-00f067aa0ba902b7-{flags}"


def lines(server: Server, trace: str = TRACE) -> list[dict]:
    told = [json.loads(line) for line in server.stderr_file.read_text().split("\n")[:-1]
            if line.startswith("{")]
    return [x for x in told if x.get("trace_id") == trace]


def told_by(server: Server, trace: str = TRACE) -> set[str]:
    return {x["actor"] for x in lines(server, trace)}


def post(server: Server, trace: str, flags: str = "01"):
    return server.ingest.post("/v1/events", CLICK,
                              headers={"traceparent": traceparent(trace, flags)})


@pytest.fixture(scope="module")
def stubs(tmp_path_factory):
    return load_stubs(tmp_path_factory.mktemp("stubs"))


@pytest.fixture
def server():
    with Server("--log-format", "json") as running:
        yield running


def test_a_request_is_followed_through_the_actors(server):
    posted = post(server, TRACE)
    assert posted.status == 200
    at = posted.headers["footfall-position"]
    assert re.fullmatch(f"00-{TRACE}-[0-9a-f]{{16}}-01", posted.headers["traceresponse"])
    wait_until(lambda: told_by(server) == {"http", "gateway", "ingestion"}, 5,
               lambda: lines(server))
    span = posted.headers["traceresponse"].split("-")[2]
    assert {x["span_id"] for x in lines(server)} == {span}
    said = {x["actor"]: x["message"] for x in lines(server)}
    assert said["ingestion"] == f"1 event: 1 accepted at {at}"
    assert said["http"].startswith("POST /v1/events: 200 in ")

    asked = "5" * 32
    found = server.query.get("/v1/stats/page", page_url=CLICK["page_url"],
                             headers={"Footfall-After": at, "traceparent": traceparent(asked)})
    assert found.status == 200 and found.json()["clicks"] == 1
    wait_until(lambda: told_by(server, asked) == {"http", "gateway", "query"}, 5,
               lambda: lines(server, asked))
    said = {x["actor"]: x["message"] for x in lines(server, asked)}
    assert said["query"] == f"page answered from the {found.json()['source']}"
    assert "secret" not in server.stderr()
    assert all(x["node"] for x in lines(server))


def test_what_is_not_sampled_is_not_told(server):
    assert post(server, TRACE, "00").headers["traceresponse"].endswith("-00")
    assert server.ingest.post("/v1/events", CLICK, headers={"traceparent": "nonsense"}).status \
        == 200
    assert post(server, "6" * 32).status == 200
    wait_until(lambda: len(lines(server, "6" * 32)) == 3, 5, lambda: server.stderr())
    assert not lines(server)


def test_as_text_a_line_ends_with_the_trace():
    with Server() as server:
        assert post(server, TRACE).status == 200
        wait_until(lambda: server.stderr().count(f"(trace {TRACE})") == 3, 5, server.stderr)
        assert re.search(rf"info    ingestion: 1 event: 1 accepted at \d:0 \(trace {TRACE}\)\n",
                         server.stderr()), server.stderr()


def test_nobody_fills_the_log_by_traces(server):
    """And who traces hides no failure."""
    def left_out() -> int:
        return int(gauge(server, "footfall_trace_lines_left_out_total"))

    began, posted = time.monotonic(), 0
    while not left_out() and time.monotonic() < began + 60:
        for _ in range(200):
            assert post(server, TRACE).status == 200
        posted += 200
    may = 200 + 50 * (time.monotonic() - began + 1)
    wait_until(lambda: len(lines(server)) + left_out() == 3 * posted, 5,
               lambda: (len(lines(server)), left_out(), posted))
    assert 200 <= len(lines(server)) <= may and left_out() > 0
    late = server.query.get("/v1/stats/page", page_url="/p", headers={"Footfall-After": "0:99999"})
    name = late.headers["traceresponse"].split("-")[1]
    wait_until(lambda: told_by(server, name) == {"http"}, 5, "the failure is told")


def test_all_paths_are_told_as_the_document_names_them(server):
    document = yaml.safe_load((pathlib.Path(__file__).parents[2] / "docs/openapi.yaml").read_text())
    default = document["servers"][0]["url"]
    seen = 0
    for pattern, path in document["paths"].items():
        listener = {"8080": "ingest", "8081": "query"}.get(
            path.get("servers", [{"url": default}])[0]["url"].rsplit(":", 1)[1])
        if not listener or pattern == "/v1/live":
            continue
        seen += 1
        verb = next(x for x in ("get", "post", "delete") if x in path)
        trace = f"{seen:032x}"
        server.client(listener).request(
            verb.upper(), re.sub(r"\{\w+\}", "secret-thing", pattern),
            headers={"traceparent": traceparent(trace)})
        wait_until(lambda: "http" in told_by(server, trace), 5, pattern)
        told = next(x["message"] for x in lines(server, trace) if x["actor"] == "http")
        assert told.startswith(f"{verb.upper()} {pattern}: "), told
    assert seen > 20
    assert "secret" not in server.stderr()


def test_grpc_takes_traces(server, stubs):
    node = Node(server, stubs)
    try:
        request = node.request(node.event())
        _, call = node.ingest.PostEvents.with_call(
            request, metadata=[("traceparent", traceparent())], timeout=node.seconds)
        assert dict(call.trailing_metadata())["traceresponse"].startswith(f"00-{TRACE}-")
        wait_until(lambda: told_by(server) == {"grpc", "gateway", "ingestion"}, 5,
                   lambda: lines(server))
        streamed = "7" * 32
        summed = node.ingest.StreamEvents(
            iter([request]), metadata=[("traceparent", traceparent(streamed))],
            timeout=node.seconds)
        assert summed.accepted == 1
        wait_until(lambda: told_by(server, streamed) == {"grpc", "gateway", "ingestion"},
                   5, lambda: lines(server, streamed))
    finally:
        node.channel.close()


def test_who_is_failed_can_be_found_in_the_log(server):
    late = server.query.get("/v1/stats/page", page_url="/p", headers={"Footfall-After": "0:99"})
    assert late.status == 504, late
    name = late.headers["traceresponse"].split("-")[1]
    wait_until(lambda: told_by(server, name) == {"http"}, 5, server.stderr)
    told = lines(server, name)[0]
    assert told["level"] == "warning"
    assert told["message"].startswith("GET /v1/stats/page: 504 in ")


def test_a_trace_crosses_nodes():
    with Services("KAFKA_BROKER", "DATABASE_URL") as services, \
            Cluster(services.environment, 2, "--log-format", "json") as nodes, \
            gateway("n9", nodes.address("n1"), nodes.address("n2"),
                    options=("--log-format", "json")) as gate:
        gate.start()
        posted = post(gate, TRACE)
        assert posted.status == 200
        wait_until(lambda: told_by(gate) == {"http", "gateway"}, 5, gate.stderr)
        took = [x["message"] for x in lines(gate) if x["actor"] == "gateway"][0]
        node = re.search(r"by node (n\d)", took).group(1)
        wait_until(lambda: told_by(nodes[node]) == {"ingestion"}, 5, nodes[node].stderr)
        assert {x["node"] for x in lines(nodes[node])} == {node}
        assert {x["node"] for x in lines(gate)} == {"n9"}

        asked = "8" * 32
        found = gate.query.get("/v1/stats/page", page_url=CLICK["page_url"],
                               headers={"Footfall-After": posted.headers["footfall-position"],
                                        "traceparent": traceparent(asked)})
        owner = found.headers["footfall-node"]
        wait_until(lambda: told_by(nodes[owner], asked) == {"query"}, 5, nodes[owner].stderr)
        assert any(f"by node {owner} in " in x["message"] for x in lines(gate, asked))
