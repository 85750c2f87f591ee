"""gRPC clients in another language against the real server: every method, and bad input."""
import gzip
import importlib
import socket
import subprocess
import sys
import threading
import time
import types
import uuid

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from footfall import PATIENCE, ROOT, Server, wait_until

INVALID = grpc.StatusCode.INVALID_ARGUMENT
FULL = grpc.StatusCode.RESOURCE_EXHAUSTED
AT = 1_762_374_615  # 2025-11-05T20:30:15Z


@pytest.fixture(scope="module")
def stubs(tmp_path_factory):
    """The modules that protoc makes of the .proto files."""
    out = tmp_path_factory.mktemp("stubs")
    files = ["analytics/analytics.proto", "footfall/v1/ingest.proto", "footfall/v1/stats.proto"]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", "-I", str(ROOT / "proto"),
                    f"--python_out={out}", f"--grpc_python_out={out}", *files], check=True,
                   cwd=ROOT / "proto")
    # A whole package, in front of the helper module of the same name while it is imported.
    for folder in (out / "footfall", out / "footfall/v1"):
        (folder / "__init__.py").touch()
    helper = sys.modules.pop("footfall")
    sys.path.insert(0, str(out))
    try:
        names = ["analytics.analytics_pb2", "analytics.analytics_pb2_grpc",
                 "footfall.v1.ingest_pb2", "footfall.v1.ingest_pb2_grpc",
                 "footfall.v1.stats_pb2", "footfall.v1.stats_pb2_grpc"]
        return types.SimpleNamespace(**{
            name.rpartition(".")[2].replace("_pb2", ""): importlib.import_module(name)
            for name in names})
    finally:
        sys.path.remove(str(out))
        sys.modules["footfall"] = helper


class Node:
    """A server with a channel and the services on it."""

    def __init__(self, server: Server, stubs):
        self.server, self.stubs = server, stubs
        # A pool of its own, so that a channel is a connection.
        self.channel = grpc.insecure_channel(server.address("grpc"), options=[
            ("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", 64 << 20)])
        self.analytics = stubs.analytics_grpc.AnalyticsServiceStub(self.channel)
        self.ingest = stubs.ingest_grpc.IngestStub(self.channel)
        self.stats = stubs.stats_grpc.StatsStub(self.channel)
        self.health = health_pb2_grpc.HealthStub(self.channel)
        self.seconds = 10 * PATIENCE

    def event(self, **fields):
        return self.stubs.ingest.Event(**{
            "event_id": str(uuid.uuid4()), "user_id": "ada", "event_type": "click",
            "page_url": "/p", **fields})

    def request(self, *events, site=""):
        return self.stubs.ingest.PostEventsRequest(site_id=site, events=events)

    def post(self, *events, site=""):
        return self.ingest.PostEvents(self.request(*events, site=site), timeout=self.seconds)

    def raw(self, method: str, data: bytes, **options):
        """A unary call with bytes of any kind."""
        call = self.channel.unary_unary(method, request_serializer=None,
                                        response_deserializer=None)
        return call(data, timeout=self.seconds, **options)

    def stored(self) -> int:
        """Events of all sites that the tests use, accepted and applied."""
        return sum(page.clicks for site in ("", "shop")
                   for page in self.stats.GetTopPages(self.stubs.stats.TopPagesRequest(
                       site_id=site, limit=1000), timeout=self.seconds).pages)


@pytest.fixture
def node(server, stubs):
    made = Node(server, stubs)
    yield made
    made.channel.close()


@pytest.fixture(scope="module")
def shared(stubs):
    """One server for the cases that must leave no trace; it holds one event."""
    with Server() as server:
        made = Node(server, stubs)
        answer = made.post(made.event(page_url="/only"))
        made.analytics.GetEventCount(
            stubs.analytics.EventCountRequest(user_id="ada", page_url="/only"),
            metadata=[("footfall-after", answer.results[0].position)], timeout=made.seconds)
        yield made
        made.channel.close()


def time_stamp(node, seconds, nanos=0):
    event = node.stubs.ingest.Event()
    event.time_stamp.seconds, event.time_stamp.nanos = seconds, nanos
    return event.time_stamp


# What a well-meaning client sees

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


def test_health_and_reflection(node):
    for service in ("", "footfall.v1.Ingest", "footfall.v1.Stats", "analytics.AnalyticsService"):
        wait_until(lambda: node.health.Check(health_pb2.HealthCheckRequest(service=service)).status
                   == health_pb2.HealthCheckResponse.SERVING, what=f"{service} serves")
    with pytest.raises(grpc.RpcError) as error:
        node.health.Check(health_pb2.HealthCheckRequest(service="elsewhere"))
    assert error.value.code() == grpc.StatusCode.NOT_FOUND
    reflection = reflection_pb2_grpc.ServerReflectionStub(node.channel)
    asked = [reflection_pb2.ServerReflectionRequest(list_services=""),
             reflection_pb2.ServerReflectionRequest(file_containing_symbol="footfall.v1.Stats")]
    services, file = reflection.ServerReflectionInfo(iter(asked))
    assert {"footfall.v1.Ingest", "footfall.v1.Stats", "analytics.AnalyticsService"} <= {
        x.name for x in services.list_services_response.service}
    assert file.file_descriptor_response.file_descriptor_proto


def test_streams_end_when_the_node_does(node):
    node.post(node.event(page_url="/w"))
    watch = node.stats.WatchPage(node.stubs.stats.PageRequest(page_url="/w"), timeout=60)
    next(watch)
    started = time.monotonic()
    node.server.terminate()
    assert time.monotonic() - started < 10 * PATIENCE
    with pytest.raises(grpc.RpcError) as error:
        next(watch)
    assert error.value.code() == grpc.StatusCode.UNAVAILABLE


# What bad input gets: each case is a status and a word of the text; nothing is stored.

def field(name, value):
    return lambda node: node.post(node.event(**{name: value}))


def raw_event(tag: int, data: bytes) -> bytes:
    """A PostEventsRequest with one event that has one field."""
    inner = bytes([tag << 3 | 2, len(data)]) + data
    return bytes([2 << 3 | 2, len(inner)]) + inner


def ingest_bytes(data, **options):
    return lambda node: node.raw("/footfall.v1.Ingest/PostEvents", data, **options)


def series(**fields):
    def ask(node):
        request = node.stubs.stats.SeriesRequest(
            **{k: v for k, v in fields.items() if k not in ("start", "to")})
        for name, bound in (("from", fields.get("start")), ("to", fields.get("to"))):
            if bound:
                getattr(request, name).seconds, getattr(request, name).nanos = bound
        return node.stats.GetSeries(request, timeout=node.seconds)
    return ask


def query(method, kind, **fields):
    return lambda node: getattr(node.stats, method)(
        getattr(node.stubs.stats, kind)(**fields), timeout=node.seconds)


def count(metadata=(), **fields):
    return lambda node: node.analytics.GetEventCount(
        node.stubs.analytics.EventCountRequest(**{"user_id": "ada", "page_url": "/only", **fields}),
        metadata=metadata, timeout=node.seconds)


def stream(*messages):
    return lambda node: node.ingest.StreamEvents(
        iter([m(node) for m in messages]), timeout=node.seconds)


def watch(**fields):
    return lambda node: next(node.stats.WatchPage(
        node.stubs.stats.PageRequest(**fields), timeout=node.seconds))


REFUSED = {  # single events: OK, with a result that names the field
    "user_id empty": ("user_id", ""),
    "user_id of 257 bytes": ("user_id", "u" * 257),
    "user_id with U+0000": ("user_id", "a\0b"),
    "event_type empty": ("event_type", ""),
    "event_type of 65 bytes": ("event_type", "t" * 65),
    "page_url empty": ("page_url", ""),
    "page_url of 2,049 bytes": ("page_url", "/" * 2049),
    "page_url of 683 three-byte letters": ("page_url", "\u20ac" * 683),
    "page_url with U+0000": ("page_url", "/\0"),
    "event_id of 65 bytes": ("event_id", "e" * 65),
    "event_id with U+0000": ("event_id", "\0"),
}

REFUSED_TIMES = {
    "time before 2000": (946_684_799, 0),
    "time at 1970": (0, 0),
    "time in 2100": (4_102_444_800, 0),
    "time of year 10000": (253_402_300_800, 0),
    "time before year 1": (-62_135_596_801, 0),
    "time of the last second there is": (2**63 - 1, 0),
    "time of the first second there is": (-2**63, 0),
    "negative nanos": (AT, -1),
    "nanos of a whole second": (AT, 1_000_000_000),
}

BAD = {
    "no events": (lambda node: node.post(), INVALID, "events is empty"),
    "1,001 events": (lambda node: node.post(*[node.event()] * 1001), INVALID, "at most 1000"),
    "100,000 empty events": (lambda node: node.post(*[node.stubs.ingest.Event()] * 100_000),
                             INVALID, "at most 1000"),
    "site with a slash": (lambda node: node.post(node.event(), site="a/b"), INVALID, "site_id"),
    "site of 65 bytes": (lambda node: node.post(node.event(), site="s" * 65), INVALID, "site_id"),
    "message of 1 MiB and more": (field("page_url", "x" * (1 << 20)), FULL, "larger than max"),
    "message of 10 MiB": (field("page_url", "x" * (10 << 20)), FULL, "larger than max"),
    "no protobuf": (ingest_bytes(b"{\"user_id\":\"ada\"}"), INVALID, "cannot be read"),
    "cut protobuf": (ingest_bytes(raw_event(2, b"ada")[:-1]), INVALID, "cannot be read"),
    "field of the wrong type": (ingest_bytes(b"\x12\x02\x10\x05" + b"\x13"), INVALID,
                                "cannot be read"),
    "text that is not UTF-8": (ingest_bytes(raw_event(4, b"/\xff\xfe")), INVALID, "UTF-8"),
    "text with a surrogate": (ingest_bytes(raw_event(2, b"\xed\xa0\x80")), INVALID, "UTF-8"),
    "text in overlong form": (ingest_bytes(raw_event(2, b"\xc0\x80")), INVALID, "UTF-8"),
    "length beyond the end": (ingest_bytes(b"\x12\xff\xff\xff\xff\x07"), INVALID,
                              "cannot be read"),
    "groups nested 200 deep": (ingest_bytes(b"\x7b" * 200 + b"\x7c" * 200), INVALID,
                               "cannot be read"),
    "gzip bomb": (lambda node: node.raw("/footfall.v1.Ingest/PostEvents", bytes(32 << 20),
                                        compression=grpc.Compression.Gzip), FULL, ""),
    "metadata of 20 kB": (count(metadata=[("x", "y" * 20_000)]), FULL, ""),
    "no such method": (lambda node: node.raw("/footfall.v1.Ingest/DeleteEvents", b""),
                       grpc.StatusCode.UNIMPLEMENTED, ""),
    "no such service": (lambda node: node.raw("/footfall.v2.Ingest/PostEvents", b""),
                        grpc.StatusCode.UNIMPLEMENTED, ""),
    "stream with an empty message": (stream(lambda n: n.request()), INVALID, "events is empty"),
    "stream with 1,001 events": (stream(lambda n: n.request(*[n.event()] * 1001)), INVALID,
                                 "at most 1000"),
    "stream with a bad site": (stream(lambda n: n.request(n.event(), site="?")), INVALID,
                               "site_id"),
    "stream with a message of 2 MiB": (
        stream(lambda n: n.request(n.event(page_url="x" * (2 << 20)))), FULL, "larger than max"),
    "count without a user": (count(user_id=""), INVALID, "user_id"),
    "count without a page": (count(page_url=""), INVALID, "page_url"),
    "count of a page with U+0000": (count(page_url="/\0"), INVALID, "page_url"),
    "count after nonsense": (count(metadata=[("footfall-after", "soon")]), INVALID,
                             "partition:offset"),
    "count after 65 positions": (query("GetCount", "CountRequest", user_id="a", page_url="/",
                                       after=",".join(["0:0"] * 65)), INVALID, "at most 64"),
    "page without a name": (query("GetPage", "PageRequest"), INVALID, "page_url"),
    "page after a negative offset": (query("GetPage", "PageRequest", page_url="/", after="0:-1"),
                                     INVALID, "after"),
    "page of a bad site": (query("GetPage", "PageRequest", page_url="/", site_id="\u00e9"),
                           INVALID, "site_id"),
    "1,001 top pages": (query("GetTopPages", "TopPagesRequest", limit=1001), INVALID, "limit"),
    "users without a page": (query("GetUsers", "UsersRequest"), INVALID, "page_url"),
    "4 billion users": (query("GetUsers", "UsersRequest", page_url="/", limit=2**32 - 1),
                        INVALID, "limit"),
    "series of an unknown step": (series(step=9), INVALID, "step"),
    "series with negative nanos": (series(start=(AT, -5)), INVALID, "from"),
    "series that ends before it begins": (series(start=(AT, 0), to=(AT - 7200, 0)), INVALID,
                                          "before"),
    "series of a century of minutes": (series(start=(946_684_800, 0), to=(4_102_444_800, 0)),
                                       INVALID, "10000 steps"),
    "series from before 2000": (series(start=(1, 0)), INVALID, "from"),
    "series to beyond year 9999": (series(to=(2**62, 0)), INVALID, "to"),
    "watch without a page": (watch(), INVALID, "page_url"),
    "watch after a position": (watch(page_url="/", after="0:1"), INVALID, "after"),
    "deadline of 0": (lambda node: node.stats.GetPage(
        node.stubs.stats.PageRequest(page_url="/"), timeout=0),
        grpc.StatusCode.DEADLINE_EXCEEDED, ""),
    "deadline of 1 ns": (lambda node: node.ingest.PostEvents(
        node.request(), timeout=1e-9), grpc.StatusCode.DEADLINE_EXCEEDED, ""),
}


def check_untouched(node):
    assert node.stored() == 1
    assert node.health.Check(health_pb2.HealthCheckRequest()).status \
        == health_pb2.HealthCheckResponse.SERVING
    assert node.server.process.poll() is None


@pytest.mark.parametrize("name", BAD)
def test_bad_requests_are_refused_as_a_whole(shared, name):
    ask, code, word = BAD[name]
    with pytest.raises(grpc.RpcError) as error:
        ask(shared)
    assert error.value.code() == code, error.value.details()
    assert word in error.value.details()
    check_untouched(shared)


@pytest.mark.parametrize("name", [*REFUSED, *REFUSED_TIMES])
def test_bad_events_are_refused_by_themselves(shared, name):
    if name in REFUSED:
        wrong, value = REFUSED[name]
    else:
        wrong, value = "time_stamp", time_stamp(shared, *REFUSED_TIMES[name])
    answer = shared.post(shared.event(**{wrong: value}), site="shop")
    assert (answer.accepted, answer.rejected) == (0, 1)
    assert wrong in answer.results[0].reason
    check_untouched(shared)


def test_a_storm_of_cancelled_calls_leaves_nothing_behind(shared):
    page = shared.stubs.stats.PageRequest(page_url="/only")
    for _ in range(20):
        calls = [shared.stats.GetPage.future(page) for _ in range(80)]
        watches = [shared.stats.WatchPage(page) for _ in range(10)]
        for call in calls + watches:
            call.cancel()
    check_untouched(shared)


def test_bytes_that_are_no_http2_close_their_connection_only(shared):
    host, _, port = shared.server.address("grpc").rpartition(":")
    for data in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0" * 100, gzip.compress(b"x" * 1000),
                 b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 64):
        with socket.create_connection((host, int(port)), timeout=10 * PATIENCE) as connection:
            connection.sendall(data)
            connection.settimeout(10 * PATIENCE)
            try:
                while connection.recv(4096):
                    pass
            except ConnectionError:
                pass
    check_untouched(shared)
