"""The topic is another one: deleted and made again, under a running node or while it is down."""
import pytest

from footfall import wait_until
from services import Services
from stopped import (await_total, click, command, partitions, post_all, refused,
                     server_on_fixed_ports, settled, stopped, total)
from topics import Topic


def event(number: int) -> dict:
    return {**click(number), "time_stamp": "2025-11-05T20:00:00Z"}


@pytest.fixture(params=[("KAFKA_BROKER",), ("KAFKA_BROKER", "DATABASE_URL")], ids="+".join)
def node(request):
    with Services(*request.param) as services, \
            server_on_fixed_ports(environment=services.environment) as server:
        server.launch()
        server.await_ready()
        yield server, Topic(services.environment)


def goes_on_as_new(server, wanted: int) -> None:
    assert command(server, "partitions", "--new-generation", "--yes").returncode == 0
    await_total(server, wanted)
    wait_until(lambda: server.admin.get("/readyz").status == 200, 10,
               lambda: f"it is ready: {server.admin.get('/readyz').text}")
    wait_until(lambda: all(x["next_offset"] == x["folded_offset"] for x in partitions(server)))
    assert server.audit()["ok"] is True


@pytest.mark.parametrize("others", [300, 900], ids=["shorter", "longer"])
def test_a_topic_that_was_made_anew_while_the_node_was_down(node, others):
    server, topic = node
    post_all(server, range(600))
    await_total(server, 600)
    server.terminate()
    topic.make_anew()
    topic.produce([event(x) for x in range(500, 500 + others)])
    for _ in range(2):  # Found again at each start.
        server.launch()
        rows = [x for x in settled(server) if x["state"] == "stopped"]
        assert len(rows) == 4
        assert all(x["next_offset"] > 0 for x in rows)
        assert total(server) == 600
        refused(server, rows[0])
        server.kill9()
    server.launch()
    settled(server)
    goes_on_as_new(server, 500 + others)
    server.await_ready()
    post_all(server, range(2000, 2100))
    await_total(server, 600 + others)
    server.restart()
    await_total(server, 600 + others)


@pytest.mark.parametrize("others", [0, 900], ids=["empty", "longer"])
def test_a_topic_that_was_made_anew_under_a_running_node(node, others):
    server, topic = node
    post_all(server, range(600))
    await_total(server, 600)
    topic.make_anew()
    if others:
        topic.produce([event(x) for x in range(500, 500 + others)])
    wait_until(lambda: len(stopped(server)) == 4, 20, "all partitions have stopped")
    assert server.admin.get("/readyz").status == 503
    refused(server, stopped(server)[0])
    goes_on_as_new(server, 500 + others if others else 600)
    # The producer of a topic that was made anew may have to begin anew as well.
    wait_until(lambda: server.ingest.post("/v1/events", [click(5000)]).status == 200, 60,
               "events are accepted again")
    await_total(server, (500 + others if others else 600) + 1)


def test_records_that_were_deleted_before_they_were_applied(node):
    server, topic = node
    post_all(server, range(400))
    await_total(server, 400)
    applied = partitions(server)[2]["next_offset"]
    server.terminate()
    topic.produce([event(x) for x in range(400, 800)])
    topic.delete_records(2, applied + 20)
    for _ in range(2):
        server.launch()
        rows = [x for x in settled(server) if x["state"] == "stopped"]
        assert [(x["partition"], x["stopped"]) for x in rows] == [(2, "records_lost")]
        assert f"--partition 2 --skip-to {applied + 20}" in rows[0]["reason"]
        refused(server, rows[0])
        server.kill9()
    server.launch()
    settled(server)
    done = command(server, "partitions", "--partition", "2", "--skip-to", str(applied + 20),
                   "--yes")
    assert done.returncode == 0, done.stderr
    server.await_ready()
    await_total(server, 780)
    bad = server.admin.get("/admin/bad-events").json()["bad_events"]
    assert [x["position"] for x in bad] == [f"2:{applied}"]
    assert f"records {applied} to {applied + 19} (20)" in bad[0]["reason"]
    post_all(server, range(800, 900))
    await_total(server, 880)
    assert server.audit()["ok"] is True
