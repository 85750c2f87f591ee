"""What bad input gets over HTTP: the right status, an explanation, and no stored row.

Every case is a row: a name, the listener, the bytes, the status. After each the
server is still ready; after all of them it holds nothing but what a good client
sent at the end.
"""
import json

import pytest

from footfall import Server
from raw_http import RawConnection, assert_problem, exchange, request

EVENT = {"event_id": "e", "user_id": "u", "event_type": "click", "page_url": "/bad"}
BODY = json.dumps(EVENT).encode()
CASES = []


def case(name, status, data, listener="ingest"):
    CASES.append(pytest.param(listener, data, status, id=name))


def changed(**fields):
    """The good event with other fields; None leaves one out."""
    return json.dumps({k: v for k, v in {**EVENT, **fields}.items() if v is not None}).encode()


# Framing: everything that two programs could understand differently.
def head(name, status, *lines, body=BODY, first="POST /ingest HTTP/1.1", host="Host: localhost"):
    text = "\r\n".join([first, *([host] if host else []), *lines])
    case("framing: " + name, status, text.encode("latin-1") + b"\r\n\r\n" + body)


LENGTH = f"Content-Length: {len(BODY)}"
head("TE gzip before length", 400, "Transfer-Encoding: gzip", LENGTH)
head("TE xchunked before length", 400, "Transfer-Encoding: xchunked", LENGTH)
head("TE identity before length", 400, "Transfer-Encoding: identity", LENGTH)
head("TE chunked, gzip", 400, "Transfer-Encoding: chunked, gzip", LENGTH)
head("TE gzip, chunked", 400, "Transfer-Encoding: gzip, chunked")
head("TE empty", 400, "Transfer-Encoding: ", LENGTH)
head("TE chunked twice", 400, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked")
head("TE with a tab and a word", 400, "Transfer-Encoding: chunked\tx")
head("TE chunked then length", 400, "Transfer-Encoding: chunked", LENGTH)
head("length then TE chunked", 400, LENGTH, "Transfer-Encoding: chunked")
head("TE in HTTP/1.0", 400, "Transfer-Encoding: chunked", first="POST /ingest HTTP/1.0")
head("length twice, equal", 400, LENGTH, LENGTH)
head("length twice, different", 400, LENGTH, "Content-Length: 5")
head("length as a list", 400, f"Content-Length: {len(BODY)}, {len(BODY)}")
head("length with a plus", 400, f"Content-Length: +{len(BODY)}")
head("length negative", 400, "Content-Length: -1")
head("length hexadecimal", 400, "Content-Length: 0x10")
head("length with a blank", 400, "Content-Length: 1 0")
head("length in words", 400, "Content-Length: ten")
head("length empty", 400, "Content-Length:")
head("length of 2^64", 400, "Content-Length: 18446744073709551616")
head("length with a fraction", 400, "Content-Length: 10.0")
head("length folded", 400, f"Content-Length:\r\n {len(BODY)}")
head("value folded with a tab", 400, "X-A: b\r\n\tc", LENGTH)
head("folded first header", 400, LENGTH, host=" Host: localhost")
head("no host", 400, LENGTH, host=None)
head("two hosts", 400, "Host: y", LENGTH)
head("host is a list", 400, LENGTH, host="Host: a, b")
head("host with a path", 400, LENGTH, host="Host: a/b")
head("host with a user", 400, LENGTH, host="Host: u@a")
head("space before the colon", 400, "X-A : b", LENGTH)
head("header without a name", 400, ": b", LENGTH)
head("header without a colon", 400, "X-A", LENGTH)
head("header name not ASCII", 400, "X-\xe4: b", LENGTH)
head("NUL in a value", 400, "X-A: b\0", LENGTH)
head("DEL in a value", 400, "X-A: b\x7f", LENGTH)
head("bare LF between headers", 400, "X-A: b\nX-B: c", LENGTH)
head("bare CR in a value", 400, "X-A: b\rX-B: c", LENGTH)
head("byte 0xFF in the target", 400, LENGTH, first="POST /ingest\xff HTTP/1.1")
head("blank in the target", 400, LENGTH, first="POST /in gest HTTP/1.1")
head("fragment in the target", 400, LENGTH, first="POST /ingest#a HTTP/1.1")
head("target without a slash", 400, LENGTH, first="POST ingest HTTP/1.1")
head("two blanks", 400, LENGTH, first="POST  /ingest HTTP/1.1")
head("leading blank", 400, LENGTH, first=" POST /ingest HTTP/1.1")
head("HTTP/2.0", 400, LENGTH, first="POST /ingest HTTP/2.0")
head("HTTP/1.2", 400, LENGTH, first="POST /ingest HTTP/1.2")
head("HTTP/0.9 line", 400, first="GET /ingest")
head("version in small letters", 400, LENGTH, first="POST /ingest http/1.1")
head("method with a sign", 400, LENGTH, first="PO@ST /ingest HTTP/1.1")
head("garbage line", 400, first="HELLO", host=None)
head("HTTP/2 preface", 400, first="PRI * HTTP/2.0", host=None, body=b"SM\r\n\r\n")
case("framing: TLS hello", 400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
case("framing: empty lines first", 400, b"\r\n\r\n" + request("POST", "/ingest", BODY))
case("framing: only LF", 400, b"POST /ingest HTTP/1.1\nHost: localhost\n\n")
head("expectation unknown", 417, "Expect: magic", LENGTH)
head("header of 9 kB", 431, "X-A: " + "a" * 9000, LENGTH)
head("header of 1 MB", 431, "X-A: " + "a" * 1000000, LENGTH)
head("65 headers", 431, *["A: b"] * 63, LENGTH)
head("2,000 tiny headers", 431, *["A:b"] * 2000, LENGTH)
head("10,000 query parameters", 431, LENGTH,
     first="POST /ingest?" + "&".join(f"a{i}=1" for i in range(10000)) + " HTTP/1.1")
head("body of 2 MB announced", 413, "Content-Length: 2097152")
head("body of 1 MiB and a byte", 413, "Content-Length: 1048577", body=b" " * 1048577)
head("body of 10 MB", 413, "Content-Length: 10000000", body=b" " * 10000000)
head("brotli", 415, "Content-Encoding: br", LENGTH)
head("gzip that is none", 400, "Content-Encoding: gzip", LENGTH)
head("zstd that is none", 400, "Content-Encoding: zstd", LENGTH)
head("gzip twice", 415, "Content-Encoding: gzip", "Content-Encoding: gzip", LENGTH)
head("unknown coding", 415, "Content-Encoding: zip", LENGTH)


def chunks(name, status, body):
    case("chunks: " + name, status,
         request("POST", "/ingest", None, "Transfer-Encoding: chunked") + body)


WHOLE = b"%x\r\n%s\r\n" % (len(BODY), BODY)
chunks("size in words", 400, b"ten\r\n")
chunks("size negative", 400, b"-1\r\n")
chunks("size empty", 400, b"\r\n")
chunks("size of 2^64", 400, b"10000000000000000\r\n")
chunks("size with 0x", 400, b"0x5\r\nabcde\r\n\r\n")
chunks("size then a blank", 400, b"5 \r\nabcde\r\n0\r\n\r\n")
chunks("longer than its size", 400, b"3\r\nabcd\r\n0\r\n\r\n")
chunks("bare LF", 400, b"5\nabcde\r\n0\r\n\r\n")
chunks("length in the trailer", 400, WHOLE + b"0\r\nContent-Length: 5\r\n\r\n")
chunks("host in the trailer", 400, WHOLE + b"0\r\nHost: y\r\n\r\n")
chunks("48 kB of extensions", 400, b"3;" + b"x" * 48000 + b"\r\n{ }\r\n0\r\n\r\n")
chunks("extensions in every chunk", 400,
       b"".join(b"1;" + b"x" * 8000 + b"\r\n \r\n" for _ in range(8)) + b"0\r\n\r\n")
chunks("chunk of 2 MB", 413, b"200000\r\n")
chunks("chunks of 1 MiB and a byte", 413, b"100000\r\n" + b" " * 1048576 + b"\r\n1\r\n")
chunks("nothing", 400, b"0\r\n\r\n")


# JSON and fields.
def single(name, body, status=400):
    case("event: " + name, status, request("POST", "/ingest", body))


single("empty body", b"")
single("white space", b"  \n ")
single("null", b"null")
single("array", b"[]")
single("array of an event", b"[" + BODY + b"]")
single("string", b'"x"')
single("number", b"5")
single("no JSON", b"{not json")
single("cut off", BODY[:-9])
single("text behind", BODY + b"xyz")
single("two objects", BODY + BODY)
single("byte order mark", b"\xef\xbb\xbf" + BODY)
single("form", b"event_id=1&user_id=2")
single("single quotes", BODY.replace(b'"', b"'"))
single("comma at the end", BODY[:-1] + b",}")
single("comment", b"/* a */" + BODY)
single("NaN", BODY[:-1] + b',"x":NaN}')
single("1e400", BODY[:-1] + b',"x":1e400}')
single("number with a leading 0", BODY[:-1] + b',"x":01}')
single("raw control byte", BODY.replace(b"/bad", b"/\x01"))
single("raw line end in a string", BODY.replace(b"/bad", b"/\n"))
single("invalid UTF-8", BODY.replace(b"/bad", b"/\xff"))
single("overlong UTF-8", BODY.replace(b"/bad", b"/\xc0\xaf"))
single("surrogate in UTF-8", BODY.replace(b"/bad", b"/\xed\xa0\x80"))
single("lone surrogate escaped", BODY.replace(b"/bad", b"/\\ud800"))
single("unknown escape", BODY.replace(b"/bad", b"/\\x41"))
single("U+0000 escaped", BODY.replace(b"/bad", b"/\\u0000"))
single("U+0000 in the user", BODY.replace(b'"u"', b'"u\\u0000"'))
single("raw NUL", BODY.replace(b"/bad", b"/\0"))
single("user_id twice", BODY[:-1] + b',"user_id":"v"}')
single("user_id twice, other case", BODY[:-1] + b',"USER_ID":"u"}')
single("user_id twice, escaped", BODY[:-1] + b',"user\\u005fid":"u"}')
single("depth 17", BODY[:-1] + b',"x":' + b"[" * 16 + b"0" + b"]" * 16 + b"}")
single("depth 9,999", BODY[:-1] + b',"x":' + b"[" * 9999 + b"]" * 9999 + b"}")
single("a million brackets", b"[" * 1000000)
single("65 keys", json.dumps({**EVENT, **{f"k{i}": i for i in range(61)}}).encode())
for field in ("event_id", "user_id", "event_type", "page_url"):
    for kind, value in (("number", 5), ("object", {}), ("array", ["x"]), ("boolean", True)):
        single(f"{field} is {kind}", changed(**{field: value}))
    if field != "event_id":
        single(f"{field} missing", changed(**{field: None}))
        single(f"{field} empty", changed(**{field: ""}))
        single(f"{field} null", BODY.replace(json.dumps(EVENT[field]).encode(), b"null", 1))
single("event_id of 65 bytes", changed(event_id="e" * 65))
single("user_id of 257 bytes", changed(user_id="u" * 257))
single("event_type of 65 bytes", changed(event_type="t" * 65))
single("page_url of 2,049 bytes", changed(page_url="/" * 2049))
single("page_url of 500 KiB", changed(page_url="/" * 500 * 1024))
single("user_id of 129 two-byte letters", changed(user_id="\u00e9" * 129))
for name, value in (
        ("empty", ""), ("a word", "yesterday"), ("a number", 1762372800), ("negative", -1),
        ("a float", 1.5), ("2^63", 2 ** 63), ("a boolean", True), ("a date", "2025-11-05"),
        ("without zone", "2025-11-05T20:00:00"), ("30 February", "2025-02-30T00:00:00Z"),
        ("second 60 within a month", "2016-12-30T23:59:60Z"),
        ("hour 24", "2025-01-01T24:00:00Z"), ("year 1969", "1969-12-31T23:59:59Z"),
        ("year 1999", "1999-12-31T23:59:59Z"), ("year 2100", "2100-01-01T00:00:00Z"),
        ("year 9999", "9999-12-31T23:59:59Z"), ("year 10000", "10000-01-01T00:00:00Z"),
        ("zone of a day", "2025-11-05T20:00:00+24:00"), ("comma", "2025-11-05T20:00:00,5Z")):
    single(f"time_stamp is {name}", changed(time_stamp=value))


# Batches.
def batch(name, status, body, query=""):
    case("batch: " + name, status, request("POST", "/v1/events" + query, body))


batch("empty body", 400, b"")
batch("empty array", 400, b"[]")
batch("null", 400, b"null")
batch("number", 400, b"5")
batch("cut off", 400, b"[" + BODY)
batch("1,001 in an array", 400, b"[" + b",".join([BODY] * 1001) + b"]")
batch("1,001 lines", 400, b"\n".join([BODY] * 1001))
batch("text behind the array", 400, b"[" + BODY + b"]x")
batch("array in an array", 422, b"[[" + BODY + b"]]")
batch("all refused", 422, b'[{"user_id":1},{},5,"x",null]')
batch("all lines refused", 422, b"{}\n{broken}\n")
batch("one object without a page", 422, b'{"user_id":"u","event_type":"t"}')
batch("unknown parameter", 400, BODY, "?sites=a")
batch("site with a slash", 400, BODY, "?site=a%2Fb")
batch("site empty", 400, BODY, "?site=")
batch("site of 65 bytes", 400, BODY, "?site=" + "s" * 65)
batch("site twice", 400, BODY, "?site=a&site=b")
batch("percent at the end", 400, BODY, "?site=a%")
batch("percent without digits", 400, BODY, "?site=%zz")


# Paths and methods.
def path(name, status, method, target, body=None, listener="ingest"):
    case("path: " + name, status, request(method, target, body), listener)


path("GET /ingest", 405, "GET", "/ingest")
path("PUT /ingest", 405, "PUT", "/ingest", BODY)
path("DELETE /ingest", 405, "DELETE", "/ingest")
path("OPTIONS /ingest", 405, "OPTIONS", "/ingest")
path("TRACE /ingest", 405, "TRACE", "/ingest")
path("made-up method", 405, "FOO", "/ingest", BODY)
path("GET /v1/events", 405, "GET", "/v1/events")
path("slash at the end", 404, "POST", "/ingest/", BODY)
path("two slashes", 404, "POST", "//ingest", BODY)
path("capitals", 404, "POST", "/INGEST", BODY)
path("root", 404, "POST", "/", BODY)
path("dots", 404, "POST", "/../ingest", BODY)
path("asterisk", 404, "OPTIONS", "*")
path("admin path on ingest", 404, "GET", "/metrics")
path("query on ingest", 404, "GET", "/analytics/events")
path("POST a query", 405, "POST", "/analytics/events", b"{}", "query")
path("POST statistics", 405, "POST", "/v1/stats/page?page_url=/p", b"", "query")
path("ingest on query", 404, "POST", "/ingest", BODY, "query")
path("unknown statistics", 404, "GET", "/v1/stats/all", None, "query")
path("POST to admin", 405, "POST", "/healthz", b"", "admin")
path("unknown admin path", 404, "GET", "/", None, "admin")
path("actor that is no number", 400, "GET", "/actors/x", None, "admin")
path("actor of 2^64", 400, "GET", "/actors/18446744073709551616", None, "admin")
path("no such actor", 404, "GET", "/actors/999999999", None, "admin")
path("actors by an unknown order", 400, "GET", "/actors?sort=up", None, "admin")
path("actors without a limit", 400, "GET", "/actors?limit=0", None, "admin")
path("actors in an unknown view", 400, "GET", "/actors?view=x", None, "admin")


# Queries.
def query(name, target, body=None, *headers, status=400):
    case("query: " + name, status, request("GET", target, body, *headers), "query")


PAIR = b'{"user_id":"u","page_url":"/p"}'
query("nothing", "/analytics/events")
query("empty object", "/analytics/events", b"{}")
query("null", "/analytics/events", b"null")
query("array", "/analytics/events", b"[]")
query("no JSON", "/analytics/events", b"{x")
query("user a number", "/analytics/events", b'{"user_id":1,"page_url":"/p"}')
query("page missing in the body", "/analytics/events", b'{"user_id":"u"}')
query("user missing in the body", "/analytics/events", b'{"page_url":"/p"}')
query("U+0000 in the body", "/analytics/events", b'{"user_id":"a\\u0000","page_url":"/p"}')
query("user twice in the body", "/analytics/events", PAIR[:-1] + b',"user_id":"v"}')
query("page missing", "/analytics/events?user_id=u")
query("user missing", "/analytics/events?page_url=/p")
query("user empty", "/analytics/events?user_id=&page_url=/p")
query("user %00", "/analytics/events?user_id=%00&page_url=/p")
query("user not UTF-8", "/analytics/events?user_id=%ff&page_url=/p")
query("user overlong UTF-8", "/analytics/events?user_id=%c0%af&page_url=/p")
query("percent cut off", "/analytics/events?user_id=u&page_url=%2")
query("user twice", "/analytics/events?user_id=u&user_id=u&page_url=/p")
query("user of 257 bytes", "/analytics/events?page_url=/p&user_id=" + "u" * 257)
query("page of 2,049 bytes", "/analytics/events?user_id=u&page_url=" + "p" * 2049)
query("both query and body", "/analytics/events?user_id=u", PAIR)
query("position is a word", "/v1/stats/page?page_url=/p", None, "Footfall-After: now")
query("position empty", "/v1/stats/page?page_url=/p", None, "Footfall-After:")
query("position negative", "/v1/stats/page?page_url=/p", None, "Footfall-After: 0:-1")
query("65 positions", "/v1/stats/page?page_url=/p", None,
      "Footfall-After: " + ",".join(["0:0"] * 65))
query("page of nothing", "/v1/stats/page")
query("page with a body", "/v1/stats/page?page_url=/p", PAIR)
query("unknown parameter", "/v1/stats/page?page_url=/p&pages=1")
query("limit 0", "/v1/stats/top-pages?limit=0")
query("limit -1", "/v1/stats/top-pages?limit=-1")
query("limit 1,001", "/v1/stats/top-pages?limit=1001")
query("limit 10^9", "/v1/stats/top-pages?limit=1000000000")
query("limit 2^32", "/v1/stats/top-pages?limit=4294967296")
query("limit a word", "/v1/stats/top-pages?limit=ten")
query("limit with a fraction", "/v1/stats/top-pages?limit=1.5")
query("limit empty", "/v1/stats/users?page_url=/p&limit=")
query("users of nothing", "/v1/stats/users")
query("from after to",
      "/v1/stats/series?from=2025-11-05T20:00:00Z&to=2025-11-05T19:00:00Z")
query("from is to", "/v1/stats/top-pages?from=2025-11-05T20:00:00Z&to=2025-11-05T20:00:00Z")
query("100 years by minute",
      "/v1/stats/series?from=2000-01-01T00:00:00Z&to=2099-12-31T00:00:00Z")
query("from is a date", "/v1/stats/series?from=2025-11-05")
query("from is a number", "/v1/stats/series?from=1762372800")
query("to in year 9999", "/v1/stats/series?to=9999-12-31T23:59:59Z")
query("plus in a zone not encoded", "/v1/stats/series?from=2025-11-05T20:00:00+01:00")
query("step of a decade", "/v1/stats/series?step=decade")
query("step empty", "/v1/stats/series?step=")
query("series of an empty page", "/v1/stats/series?page_url=")
query("count without a user", "/v1/stats/count?page_url=/p")
query("site with a quote", "/v1/stats/top-pages?site=a%27")
query("site with a blank", "/v1/stats/top-pages?site=a+b")
query("partition that is none", "/v1/stats/top-pages", None, "Footfall-After: 4294967296:0")


@pytest.fixture(scope="module")
def shared():
    with Server() as running:
        yield running


def test_there_are_enough_cases():
    names = [row.id for row in CASES]
    assert len(names) == len(set(names)) >= 120


@pytest.mark.parametrize("listener,data,status", CASES)
def test_bad_input(shared, listener, data, status):
    with RawConnection(shared.address(listener)) as connection:
        connection.send(data)
        answer = connection.receive()
        assert answer.status == status, answer
        assert_problem(answer)
        if answer.headers.get("connection") == "close":
            assert connection.ended(), "bytes follow an answer that was the last"
        else:
            # The connection is in step: the next request is read as such.
            connection.send(request("GET", "/nowhere"))
            assert connection.receive().status == 404
    assert shared.admin.get("/readyz").status == 200
    pages = shared.query.get("/v1/stats/top-pages")
    assert pages.status == 200 and pages.json()["pages"] == [], pages


def test_smuggled_requests_are_not_read(shared):
    inner = request("POST", "/ingest", BODY)
    for lines in (("Transfer-Encoding: xchunked", "Content-Length: 4"),
                  ("Content-Length: 4", "Content-Length: 4"),
                  ("Content-Length: 4, 4",), ("Content-Length:\r\n 4",)):
        outer = "\r\n".join(["POST /ingest HTTP/1.1", "Host: localhost", *lines]).encode()
        with RawConnection(shared.address("ingest")) as connection:
            connection.send(outer + b"\r\n\r\n" + b"{ }\n" + inner)
            assert connection.receive().status == 400
            assert connection.ended()


def test_a_mixed_batch_says_which_event_was_refused(shared):
    good = {**EVENT, "page_url": "/mixed"}
    body = json.dumps([{**good, "event_id": "m1"}, {**good, "user_id": 5}, 7,
                       {**good, "event_id": "m2"}, {**good, "page_url": ""}])
    answer = exchange(shared.address("ingest"),
                      request("POST", "/v1/events?site=mixed", body.encode()))
    assert answer.status == 200, answer
    got = answer.json()
    assert (got["accepted"], got["rejected"]) == (2, 3)
    assert [x["status"] for x in got["results"]] == [
        "accepted", "rejected", "rejected", "accepted", "rejected"]
    assert all(x["reason"] for x in got["results"] if x["status"] == "rejected")
    read = shared.query.get("/v1/stats/page", {"Footfall-After": answer.headers[
        "footfall-position"]}, page_url="/mixed", site="mixed")
    assert read.json()["clicks"] == 2


def test_none_of_it_was_stored(shared):
    """Runs last: a good event on each of many pages, and nothing else is there."""
    events = [{**EVENT, "event_id": f"good-{i}", "page_url": f"/good/{i}"} for i in range(64)]
    answer = shared.ingest.post("/v1/events", events)
    assert answer.status == 200, answer
    after = {"Footfall-After": answer.headers["footfall-position"]}
    pages = shared.query.get("/v1/stats/top-pages", after, limit=1000).json()["pages"]
    assert all(row["clicks"] == 1 for row in pages)
    assert {row["page_url"] for row in pages} <= {row["page_url"] for row in events}
    assert shared.query.get("/v1/stats/page", after, page_url="/bad").json()["clicks"] == 0
    assert shared.audit() == {"ok": True, "differences": []}
