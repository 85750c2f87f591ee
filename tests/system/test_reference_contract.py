"""The reference's contract on the wire: what its clients send and what they get.

The rows are probes of the reference implementation that a well-meaning client
would send; the answers are the reference's own, byte for byte where they do not
hold a time of the server. Where Footfall is deliberately stricter, or right where
the reference is not, the row says so.
"""
import json
import re

import pytest

from footfall import Server
from raw_http import RawConnection, assert_problem, exchange, request

SERVER_TIME = r',"time_stamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z"}' + "\n"


@pytest.fixture(scope="module")
def shared():
    with Server() as running:
        yield running


def post(shared, body, *headers, target="/ingest"):
    data = body.encode() if isinstance(body, str) else body
    return exchange(shared.address("ingest"), request("POST", target, data, *headers))


def event(number, **fields):
    known = {"event_id": f"pR1-{number}", "user_id": "puR1", "event_type": "click",
             "page_url": "/p"}
    return json.dumps({**known, **fields}, separators=(",", ":"))


def echo(number, time, page="/p"):
    return (f'{{"event_id":"pR1-{number}","user_id":"puR1","event_type":"click",'
            f'"page_url":"{page}","time_stamp":"{time}"}}\n')


@pytest.mark.parametrize("number,given,answered", [
    (1, "2025-11-05T20:00:00Z", "2025-11-05T20:00:00Z"),
    (3, "2025-11-05T20:00:00.123456789+05:30", "2025-11-05T20:00:00.123456789+05:30"),
    (4, "2025-11-05T20:00:00.500000Z", "2025-11-05T20:00:00.5Z"),
    (5, "2025-11-05T20:00:00+00:00", "2025-11-05T20:00:00Z"),
])
def test_a_time_is_echoed_in_its_own_offset(shared, number, given, answered):
    answer = post(shared, event(number, time_stamp=given))
    assert answer.status == 200, answer
    assert answer.headers["content-type"] == "application/json"
    assert answer.body.decode() == echo(number, answered)


@pytest.mark.parametrize("fields", [{}, {"time_stamp": "0001-01-01T00:00:00Z"},
                                    {"time_stamp": None}], ids=["absent", "zero", "null"])
def test_no_time_means_now(shared, fields):
    answer = post(shared, event(2, **fields))
    assert answer.status == 200, answer
    assert re.fullmatch(re.escape(echo(2, "")[:-18]) + SERVER_TIME, answer.body.decode()), answer


def test_no_event_id_gets_one(shared):
    # The reference echoes "" and stores one such event for ever; Footfall makes an id.
    answer = post(shared, '{"user_id":"puR1","event_type":"click","page_url":"/p"}')
    assert answer.status == 200, answer
    made = answer.json()
    assert list(made) == ["event_id", "user_id", "event_type", "page_url", "time_stamp"]
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
                        made["event_id"])


@pytest.mark.parametrize("body", [
    event(25, extra={"a": [1, 2]}),
    '{"EVENT_ID":"pR1-25","User_Id":"puR1","event_TYPE":"click","PAGE_url":"/p"}',
    " \n" + event(25) + "\n",
], ids=["unknown field", "capitals", "white space"])
def test_spelling_that_the_reference_takes(shared, body):
    answer = post(shared, body)
    assert answer.status == 200, answer
    assert re.fullmatch(re.escape(echo(25, "")[:-18]) + SERVER_TIME, answer.body.decode()), answer


@pytest.mark.parametrize("page,answered", [
    ("/p?a=1&b=<c>", r"/p?a=1\u0026b=\u003cc\u003e"),
    ("/\u2028\u2029\U0001f600\u00e9", "/\\u2028\\u2029\U0001f600\u00e9"),
    ("\"\\\n\t\b\f\u0001\u007f/", "\\\"\\\\\\n\\t\\b\\f\\u0001\x7f/"),
    ("\r", "\\r"),
], ids=["html", "separators and emoji", "control", "carriage return"])
def test_text_is_escaped_as_go_does(shared, page, answered):
    time = "2025-11-05T20:00:00Z"
    answer = post(shared, event(32, page_url=page, time_stamp=time))
    assert answer.body.decode() == echo(32, time, answered)


@pytest.mark.parametrize("headers,target", [
    (("Content-Type: text/plain",), "/ingest"), (("Origin: http://localhost",), "/ingest"),
    ((), "/ingest?x=1"), (("Connection: close",), "/ingest"),
    (("Content-Type: application/json; charset=utf-8",), "/ingest"), (("Accept: */*",), "/ingest"),
])
def test_headers_and_query_do_not_matter(shared, headers, target):
    answer = post(shared, event(48), *headers, target=target)
    assert answer.status == 200, answer


def test_a_page_of_another_origin_is_refused(shared):
    """The reference takes it: any page in a browser beside it could send clicks."""
    answer = post(shared, event(49), "Origin: http://a.example")
    assert answer.status == 403
    assert_problem(answer)


def test_chunked_body(shared):
    body = event(50).encode()
    data = request("POST", "/ingest", None, "Transfer-Encoding: chunked")
    answer = exchange(shared.address("ingest"),
                      data + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
    assert answer.status == 200, answer


def test_expect_continue(shared):
    body = event(51).encode()
    with RawConnection(shared.address("ingest")) as connection:
        connection.send(request("POST", "/ingest", None, "Expect: 100-continue",
                                f"Content-Length: {len(body)}"))
        assert connection.receive().status == 100
        connection.send(body)
        assert connection.receive().status == 200


def test_http_1_0_without_host(shared):
    body = event(52).encode()
    with RawConnection(shared.address("ingest")) as connection:
        connection.send(b"POST /ingest HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s"
                        % (len(body), body))
        assert connection.receive().status == 200
        assert connection.ended()


def test_pipelined_requests(shared):
    with RawConnection(shared.address("ingest")) as connection:
        connection.send(b"".join(request("POST", "/ingest", event(n).encode())
                                 for n in range(100, 300)))
        ids = [connection.receive().json()["event_id"] for _ in range(100, 300)]
    assert ids == [f"pR1-{n}" for n in range(100, 300)]


@pytest.mark.parametrize("body", [
    event(8, time_stamp=""), event(9, time_stamp="yesterday"), event(10, time_stamp=1762372800),
    event(11, time_stamp="2025-11-05"), event(12, time_stamp="2025-11-05T20:00:00"),
    event(16, time_stamp="2025-02-30T00:00:00Z"), "[]", f"[{event(20)}]", '"x"', "5", "{not json",
    event(21)[:-3], "", "  \n ", event(22, user_id=5), event(24, event_id={}),
    "\ufeff" + event(31), event(35, page_url="/").replace('"/"', '"/\x01"'), "event_id=1",
])
def test_what_the_reference_refuses_is_refused(shared, body):
    answer = post(shared, body)
    assert answer.status == 400
    assert_problem(answer)


@pytest.mark.parametrize("method,target,status", [
    ("GET", "/ingest", 405), ("PUT", "/ingest", 405), ("DELETE", "/ingest", 405),
    ("OPTIONS", "/ingest", 405), ("POST", "/ingest/", 404), ("POST", "/INGEST", 404),
    ("POST", "/", 404), ("GET", "/health", 404), ("GET", "/healthz", 404), ("GET", "/ready", 404),
])
def test_other_methods_and_paths_of_ingestion(shared, method, target, status):
    answer = exchange(shared.address("ingest"), request(method, target, b""))
    assert answer.status == status
    assert_problem(answer)
    assert status != 405 or answer.headers["allow"] == "POST"


@pytest.mark.parametrize("listener,target", [("ingest", "/ingest"), ("query", "/analytics/events")])
def test_head_is_refused_without_a_body(shared, listener, target):
    with RawConnection(shared.address(listener)) as connection:
        connection.send(request("HEAD", target, None, "Connection: close"))
        assert connection.receive(head_only=True).status == 405
        assert connection.ended()


@pytest.fixture(scope="module")
def known(shared):
    """One event of user "known" on page "/known", and the position it has."""
    body = event(1, event_id="known-1", user_id="known", page_url="/known")
    answer = post(shared, body)
    # The reference counts a retry twice; Footfall does not.
    assert post(shared, body).status == 200
    return answer.headers["footfall-position"]


COUNTED = b'{"count":1,"page_url":"/known","user_id":"known"}\n'


@pytest.mark.parametrize("body", [
    '{"user_id":"known","page_url":"/known"}', '{"USER_ID":"known","Page_Url":"/known"}',
    '{"user_id":"known","page_url":"/known","z":1}',
], ids=["plain", "capitals", "extra field"])
def test_a_count_is_asked_with_a_body(shared, known, body):
    answer = exchange(shared.address("query"), request(
        "GET", "/analytics/events", body.encode(), f"Footfall-After: {known}"))
    assert (answer.status, answer.body) == (200, COUNTED)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["footfall-source"] in ("cache", "actor", "store")


def test_a_count_is_asked_with_a_chunked_body(shared, known):
    body = b'{"user_id":"known","page_url":"/known"}'
    answer = exchange(shared.address("query"), request(
        "GET", "/analytics/events", None, "Transfer-Encoding: chunked", f"Footfall-After: {known}")
        + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
    assert (answer.status, answer.body) == (200, COUNTED)


def test_a_count_is_asked_with_a_query_string(shared, known):
    # New in Footfall: the reference takes a body only.
    answer = exchange(shared.address("query"), request(
        "GET", "/analytics/events?user_id=known&page_url=%2Fknown", None,
        f"Footfall-After: {known}"))
    assert (answer.status, answer.body) == (200, COUNTED)


@pytest.mark.parametrize("user,page,answered", [
    ("known", "/none", "/none"), ("nobody", "/known", "/known"),
    ("known", "/a&<b>", r"/a\u0026\u003cb\u003e"),
])
def test_no_clicks_are_a_count_of_zero(shared, known, user, page, answered):
    # The reference answers 404, as it does for an outage.
    body = json.dumps({"user_id": user, "page_url": page}).encode()
    answer = exchange(shared.address("query"), request("GET", "/analytics/events", body))
    assert answer.status == 200, answer
    assert answer.body.decode() == f'{{"count":0,"page_url":"{answered}","user_id":"{user}"}}\n'


@pytest.mark.parametrize("body", [None, b"{x", b"[]", b'{"user_id":1,"page_url":"/known"}'],
                         ids=["no body", "invalid", "array", "number"])
def test_bad_questions_are_refused(shared, body):
    answer = exchange(shared.address("query"), request("GET", "/analytics/events", body))
    assert answer.status == 400
    assert_problem(answer)


@pytest.mark.parametrize("method,target,status", [
    ("POST", "/analytics/events", 405), ("PUT", "/analytics/events", 405),
    ("OPTIONS", "/analytics/events", 405), ("GET", "/analytics/events/", 404),
    ("GET", "/analytics", 404), ("GET", "/index", 404), ("GET", "/health", 404),
])
def test_other_methods_and_paths_of_queries(shared, method, target, status):
    answer = exchange(shared.address("query"), request(method, target, b""))
    assert answer.status == status
    assert_problem(answer)
