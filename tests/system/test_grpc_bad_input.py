"""Bad input over gRPC: each case gets its status, stores nothing and harms nobody."""
import gzip
import socket

import grpc
import pytest
from grpc_health.v1 import health_pb2

from footfall import PATIENCE, Server
from grpc_node import Node, load_stubs, time_stamp

INVALID = grpc.StatusCode.INVALID_ARGUMENT
FULL = grpc.StatusCode.RESOURCE_EXHAUSTED
AT = 1_762_374_615  # 2025-11-05T20:30:15Z


@pytest.fixture(scope="module")
def stubs(tmp_path_factory):
    return load_stubs(tmp_path_factory.mktemp("stubs"))


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


@pytest.fixture
def stranger(shared):
    """Another client of that server. gRPC may close the connection of one that went beyond
    its limits, with whatever comes on it next."""
    made = Node(shared.server, shared.stubs)
    yield made
    made.channel.close()


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
    "deadline that passes": (lambda node: node.stats.GetPage(
        node.stubs.stats.PageRequest(page_url="/", after="0:99999999"), timeout=0.05),
        grpc.StatusCode.DEADLINE_EXCEEDED, ""),
}


def check_untouched(node):
    assert node.stored() == 1
    assert node.health.Check(health_pb2.HealthCheckRequest()).status \
        == health_pb2.HealthCheckResponse.SERVING
    assert node.server.process.poll() is None


@pytest.mark.parametrize("name", BAD)
def test_bad_requests_are_refused_as_a_whole(shared, stranger, name):
    ask, code, word = BAD[name]
    with pytest.raises(grpc.RpcError) as error:
        ask(stranger)
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
