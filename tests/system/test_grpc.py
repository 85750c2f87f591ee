"""gRPC clients in another language against the real server: every method."""
import collections
import socket
import threading
import time

import grpc
import pytest
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from footfall import PATIENCE, wait_until
from grpc_node import Node, load_stubs, time_stamp

AT = 1_762_374_615  # 2025-11-05T20:30:15Z


@pytest.fixture(scope="module")
def stubs(tmp_path_factory):
    return load_stubs(tmp_path_factory.mktemp("stubs"))


@pytest.fixture
def node(server, stubs):
    made = Node(server, stubs)
    yield made
    made.channel.close()


def test_the_reference_client_works_unchanged(node):
    answer = node.post(node.event(), node.event(), node.event(user_id="bob"))
    request = node.stubs.analytics.EventCountRequest(user_id="ada", page_url="/p")
    got, call = node.analytics.GetEventCount.with_call(
        request, metadata=[("footfall-after", answer.results[2].position)], timeout=node.seconds)
    assert (got.count, got.user_id, got.page_url) == (2, "ada", "/p")
    trailing = dict(call.trailing_metadata())
    assert trailing["footfall-source"] in ("cache", "actor", "store")
    assert trailing["footfall-as-of"].endswith("Z") and ":" in trailing["footfall-position"]
    request.user_id = "nobody"
    assert node.analytics.GetEventCount(request, timeout=node.seconds).count == 0


def test_events_are_answered_one_by_one_and_counted_once(node):
    events = [node.event(time_stamp=time_stamp(node, AT, 5000)), node.event(user_id=""),
              node.event(event_id="")]
    first = node.post(*events)
    assert (first.accepted, first.rejected) == (2, 1)
    assert [x.index for x in first.results] == [0, 1, 2]
    assert first.results[0].event_id == events[0].event_id
    assert "user_id" in first.results[1].reason
    assert first.results[2].event_id[14] == "7"
    again = node.post(events[0], events[0])
    assert again.accepted == 2
    count = node.stats.GetCount(node.stubs.stats.CountRequest(
        user_id="ada", page_url="/p", after=again.results[1].position), timeout=node.seconds)
    assert count.count == 2
    assert count.freshness.position and count.freshness.as_of.seconds > AT


def test_a_stream_is_summed_up(node):
    def messages():
        for n in range(30):
            yield node.request(*[node.event(page_url=f"/s{n % 3}") for _ in range(100)],
                               node.event(page_url=""))
    answer = node.ingest.StreamEvents(messages(), timeout=60 * PATIENCE)
    assert (answer.accepted, answer.rejected, answer.unknown) == (3000, 30, 0)
    assert len(answer.problems) == 30 and answer.problems[0].index == 100
    assert ":" in answer.last_position
    wait_until(lambda: node.stored() == 3000, what="3,000 clicks are counted")


def test_counts_pages_tops_series_and_users(node):
    stats = node.stubs.stats
    at = time_stamp(node, AT)
    answer = node.post(*[node.event(user_id=f"u{n % 4}", page_url=f"/{n % 2}", time_stamp=at,
                                    event_type="view" if n % 3 else "click") for n in range(24)])
    after = ",".join(x.position for x in (answer.results[-1], answer.results[-2]))
    page = node.stats.GetPage(stats.PageRequest(page_url="/1", after=after), timeout=node.seconds)
    assert (page.clicks, page.users) == (12, 2)
    assert dict(page.by_type) == {"click": 4, "view": 8}
    assert len(page.last_60_minutes) == 60 and sum(page.last_60_minutes) == 0
    wait_until(lambda: node.stored() == 24, what="24 clicks are counted")
    top = node.stats.GetTopPages(stats.TopPagesRequest(limit=1), timeout=node.seconds)
    assert [(x.page_url, x.clicks, x.users) for x in top.pages] == [("/0", 12, 2)] and top.more
    ranged = stats.TopPagesRequest()
    ranged.to.seconds = AT - 3600
    assert not node.stats.GetTopPages(ranged, timeout=node.seconds).pages
    asked = stats.SeriesRequest(page_url="/1", step="HOUR")
    getattr(asked, "from").seconds, asked.to.seconds = AT - 3600, AT
    series = node.stats.GetSeries(asked, timeout=node.seconds)
    assert [x.clicks for x in series.points] == [0, 12]
    assert series.points[1].at.seconds == AT // 3600 * 3600
    users = node.stats.GetUsers(stats.UsersRequest(page_url="/1"), timeout=node.seconds)
    assert sorted((x.user_id, x.clicks) for x in users.users) == [("u1", 6), ("u3", 6)]
    quiet = node.stats.GetActive(stats.ActiveRequest(after=after), timeout=node.seconds)
    assert (quiet.visitors, quiet.clicks, len(quiet.pages)) == (0, 0, 0)  # All is long ago.
    last = node.post(node.event(page_url="/now"), node.event(page_url="/now")).results[-1]
    active = node.stats.GetActive(stats.ActiveRequest(after=last.position), timeout=node.seconds)
    assert (active.window_seconds, active.visitors, active.clicks) == (300, 1, 2), active
    assert [(x.page_url, x.visitors, x.clicks) for x in active.pages] == [("/now", 1, 2)]
    assert not active.more and active.HasField("since")  # It began a moment ago.
    assert active.freshness.source == "actor"


def test_a_page_is_watched_live(node):
    node.post(node.event(page_url="/w"))
    watch = node.stats.WatchPage(node.stubs.stats.PageRequest(page_url="/w"), timeout=60 * PATIENCE)
    seen = []
    reader = threading.Thread(target=lambda: seen.extend(read_until(watch, 31)))
    reader.start()
    for _ in range(30):
        node.post(node.event(page_url="/w"))
    reader.join(30 * PATIENCE)
    watch.cancel()
    assert seen and seen[-1] == 31 and seen == sorted(seen)


def read_until(watch, clicks):
    for page in watch:
        yield page.clicks
        if page.clicks >= clicks:
            return


def test_health(node):
    for service in ("", "footfall.v1.Ingest", "footfall.v1.Stats", "analytics.AnalyticsService"):
        answer = node.health.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING, service
    with pytest.raises(grpc.RpcError) as error:
        node.health.Check(health_pb2.HealthCheckRequest(service="elsewhere"))
    assert error.value.code() == grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection_in_both_versions(node, version):
    """Old clients know v1alpha, new ones ask v1 first; their messages are the same."""
    ask = node.channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString)
    asked = [reflection_pb2.ServerReflectionRequest(**{name: value}) for name, value in (
        ("list_services", ""), ("file_containing_symbol", "footfall.v1.Stats.GetPage"),
        ("file_by_filename", "analytics/analytics.proto"), ("file_by_filename", "none.proto"),
        ("file_containing_symbol", "no.such.Thing"),
        ("all_extension_numbers_of_type", "footfall.v1.Event"))]
    services, file, other, *missing, extensions = ask(iter(asked), timeout=node.seconds)
    names = {x.name for x in services.list_services_response.service}
    assert {"footfall.v1.Ingest", "footfall.v1.Stats", "analytics.AnalyticsService",
            "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
            "grpc.health.v1.Health"} <= names, names
    assert services.original_request == asked[0]
    for answer, name in ((file, "footfall/v1/stats.proto"), (other, "analytics/analytics.proto")):
        files = [descriptor_pb2.FileDescriptorProto.FromString(x).name
                 for x in answer.file_descriptor_response.file_descriptor_proto]
        assert name in files, files  # v1alpha repeats what it said before.
    assert [x.error_response.error_code for x in missing] == [5, 5]  # NOT_FOUND
    assert extensions.all_extension_numbers_response.base_type_name == "footfall.v1.Event"


def frame(kind: int, payload: bytes, flags: int = 0) -> bytes:
    """One of HTTP/2, of the connection itself."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags, 0, 0, 0, 0]) + payload


def test_keep_alive_rules(server):
    """A client may ping once in 10 s, also without a call; the third ping that comes earlier
    ends its connection with a word."""
    host, port = server.address("grpc").rsplit(":", 1)
    ping, answer = frame(6, bytes(8)), frame(6, bytes(8), flags=1)
    with socket.create_connection((host, int(port)), 10 * PATIENCE) as connection:
        seen = b""

        def await_seen(wanted: bytes, times: int = 1) -> None:
            nonlocal seen
            while seen.count(wanted) < times:
                got = connection.recv(4096)
                assert got, f"closed before {wanted!r} was seen {times} times: {seen!r}"
                seen += got

        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, b""))
        await_seen(frame(4, b"", flags=1))  # What the server says itself forgives early pings.
        connection.sendall(3 * ping)
        await_seen(answer, 3)  # Two of them too early.
        time.sleep(11)  # The rule is about real time.
        connection.sendall(ping)
        await_seen(answer, 4)
        assert b"too_many_pings" not in seen, seen
        connection.sendall(ping)
        await_seen(b"too_many_pings")


def test_a_connection_that_says_nothing_is_ended(server):
    host, port = server.address("grpc").rsplit(":", 1)
    with socket.create_connection((host, int(port)), 30 * PATIENCE) as connection:
        began = time.monotonic()
        while connection.recv(4096):
            pass
        assert time.monotonic() - began < 20 * PATIENCE


def test_streams_end_when_the_node_does(node):
    node.post(node.event(page_url="/w"))
    watch = node.stats.WatchPage(node.stubs.stats.PageRequest(page_url="/w"), timeout=60)
    next(watch)
    started = time.monotonic()
    node.server.terminate()
    assert time.monotonic() - started < 10 * PATIENCE
    with pytest.raises(grpc.RpcError) as error:
        collections.deque(watch, maxlen=0)  # One change may have come before the end.
    assert error.value.code() == grpc.StatusCode.UNAVAILABLE
