"""Inputs of real clients that are easy to get wrong, on the real program: addresses that are
not encoded, lost newlines, one bad event among good ones, times in all their forms, packed
bodies, clicks dated ahead."""
import datetime
import gzip
import json
import subprocess
import zlib

import pytest

from footfall import Server, wait_until

FIELDS = {"user_id": "ada", "event_type": "click"}


@pytest.fixture(scope="module")
def shared():
    with Server() as server:
        yield server


def event(page: str, number: int = 0, **more) -> dict:
    return {"event_id": f"{page}-{number}", "page_url": page, **FIELDS, **more}


def post(server: Server, body, headers: dict | None = None):
    return server.ingest.post("/v1/events", body, headers)


def clicks(server: Server, page: str, position: str) -> int:
    answer = server.query.get(f"/v1/stats/page?page_url={page}",
                              headers={"Footfall-After": position})
    assert answer.status == 200, answer
    return answer.json()["clicks"]


def stamp(seconds: float) -> str:
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("query, words", [
    ("user_id=ada&page_url=/s?a=1&b=2", "parameter b is unknown here"),
    ("user_id=ada&page_url=/s?user_id=1&user_id=2", "parameter user_id appears twice"),
    ("user_id=ada&page_url=/s&page_url=/t", "parameter page_url appears twice"),
    ("user_id=ada&page_url=/s&pageurl=/t", "parameter pageurl is unknown here")])
def test_an_address_that_is_not_encoded_is_no_other_page(shared, query, words):
    for path in ("/analytics/events", "/v1/stats/count"):
        answer = shared.query.get(f"{path}?{query}")
        assert answer.status == 400, answer
        assert words in answer.json()["detail"] and "%26" in answer.json()["detail"], answer


def test_an_encoded_address_counts(shared):
    page = "/s?a=1&b=2"
    answer = post(shared, event(page))
    position = answer.headers["footfall-position"]
    encoded = shared.query.get("/analytics/events?user_id=ada&page_url=/s?a=1%26b=2",
                               headers={"Footfall-After": position})
    assert (encoded.status, encoded.json()["count"]) == (200, 1), encoded


@pytest.mark.parametrize("bad", [
    b'"rev":1e400', b'"n":123456789012345678901', b'"x":"\\ud800"', b'"x":"\\q"', b'"x":"\xff"',
    b'"x":"\t"', b'"x":' + b"[" * 40 + b"]" * 40, b'"x":01', b'"x":tru', b'"x" 1'])
def test_one_bad_event_refuses_no_other(shared, bad):
    page = "/alone/" + bad.hex()[:40]
    good = [json.dumps(event(page, number)).encode() for number in range(4)]
    worse = b'{"event_id":"w","user_id":"ada","event_type":"click","page_url":"/w",' + bad + b"}"
    array = b"[" + good[0] + b", " + worse + b"," + good[1] + b"]"
    lines = b"\n".join([good[2], worse, good[3]])
    for body in (array, lines):
        answer = post(shared, body)
        told = answer.json()
        assert answer.status == 200 and (told["accepted"], told["rejected"]) == (2, 1), answer
        assert [x["status"] for x in told["results"]] == ["accepted", "rejected", "accepted"]
    assert clicks(shared, page, answer.headers["footfall-position"]) == 4


def test_a_file_that_curl_joins_is_told_how_to_send_it(shared, tmp_path):
    file = tmp_path / "events.ndjson"
    file.write_text("".join(json.dumps(event("/curl", n)) + "\n" for n in range(3)))

    def curl(option: str) -> dict:
        done = subprocess.run(["curl", "-sS", shared.url("ingest") + "/v1/events", option,
                               f"@{file}"], capture_output=True, check=True, timeout=30)
        return json.loads(done.stdout)

    joined = curl("-d")
    assert joined["status"] == 400 and "--data-binary" in joined["detail"], joined
    assert curl("--data-binary")["accepted"] == 3


@pytest.mark.parametrize("name", ["timestamp", "time", "Timestamp"])
def test_a_time_under_another_name_is_told(shared, name):
    page = f"/named/{name}"
    for number, body in enumerate((event(page, 0, **{name: "2001-01-01T00:00:00Z"}),
                                   [event(page, 1), event(page, 2, **{name: 978307200})])):
        answer = post(shared, body)
        assert answer.status == 200, answer
        *others, last = answer.json()["results"]
        assert "name the field time_stamp" in last["warning"], answer
        assert all("warning" not in x for x in others), answer
    one = shared.ingest.post("/ingest", event(page, 3, **{name: "2001-01-01T00:00:00Z"}))
    assert one.status == 200 and "time_stamp" in one.headers["footfall-warning"], one
    assert one.json()["time_stamp"] > stamp(-600)
    fine = post(shared, event(page, 4, **{name: 1, "time_stamp": stamp(0)}))
    assert "warning" not in fine.json()["results"][0], fine


@pytest.mark.parametrize("text, minute", [
    ("2016-12-31T23:59:60Z", "2016-12-31T23:59:00Z"),
    ("2017-01-01T05:29:60+05:30", "2016-12-31T23:59:00Z"),
    ("2025-11-05t20:00:00z", "2025-11-05T20:00:00Z"),
    ("2025-11-05T20:00:00.1234567891Z", "2025-11-05T20:00:00Z")])
def test_times_of_rfc_3339_are_taken(shared, text, minute):
    page = "/time/" + text.replace("+", "-")
    answer = post(shared, event(page, time_stamp=text))
    assert answer.status == 200, answer
    end = minute[:17] + "59Z"
    series = shared.query.get(f"/v1/stats/series?page_url={page}&from={minute}&to={end}",
                              headers={"Footfall-After": answer.headers["footfall-position"]})
    assert series.json()["points"] == [{"at": minute, "clicks": 1}], series


@pytest.mark.parametrize("text", ["2025-02-29T00:00:00Z", "2025-04-31T00:00:00Z",
                                  "2025-11-05T20:00:60Z", "2025-11-05T24:00:00Z"])
def test_times_that_never_were_are_refused(shared, text):
    answer = post(shared, event("/never", time_stamp=text))
    assert answer.status == 422, answer
    assert "time_stamp" in answer.json()["results"][0]["reason"]


def test_packed_bodies_count_as_what_is_in_them(shared):
    lines = "".join(json.dumps(event("/gzip", n)) + "\n" for n in range(5)).encode()
    answer = post(shared, gzip.compress(lines), {"Content-Encoding": "gzip"})
    assert answer.status == 200 and answer.json()["accepted"] == 5, answer
    assert clicks(shared, "/gzip", answer.headers["footfall-position"]) == 5
    bomb = post(shared, gzip.compress(bytes(500 << 20), 1), {"Content-Encoding": "gzip"})
    assert bomb.status == 413, bomb
    other = post(shared, zlib.compress(lines), {"Content-Encoding": "deflate"})
    assert other.status == 415 and other.headers["accept-encoding"] == "gzip, zstd", other


@pytest.mark.parametrize("live", [True, False], ids=["live page", "page from the store"])
def test_clicks_dated_ahead_and_outside_a_range(live):
    """They count at once; minutes and series have them in their own time."""
    with Server() as server:
        if live:
            page = server.query.get("/v1/stats/page?page_url=/ahead").json()
        answer = post(server, [event("/ahead", 0), event("/ahead", 1, time_stamp=stamp(240)),
                               event("/ahead", 2, time_stamp=stamp(-7200)),
                               event("/ahead", 3, time_stamp="2001-01-01T00:00:00Z")])
        after = {"Footfall-After": answer.headers["footfall-position"]}
        page = server.query.get("/v1/stats/page?page_url=/ahead", headers=after).json()
        assert page["clicks"] == 4 and page["by_type"] == {"click": 4}, page
        assert sum(page["last_60_minutes"]) == 1, page

        def counted(**more) -> int:
            told = server.query.get("/v1/stats/series", headers=after, page_url="/ahead", **more)
            assert told.status == 200, told
            return sum(x["clicks"] for x in told.json()["points"])

        wait_until(lambda: counted(step="minute") == 1, 5)  # The last hour, up to now.
        assert counted(step="minute", **{"from": stamp(-60), "to": stamp(600)}) == 2
        assert counted(step="hour") in (2, 3)  # The running hour is whole.
        assert counted(step="day", **{"from": "2001-01-01T00:00:00Z",
                                      "to": "2001-01-02T00:00:00Z"}) == 1
        assert server.audit()["ok"]
