"""Records that are no events: listed with their bytes, re-driven, counted exactly once."""
import base64
import contextlib
import http.server
import json
import sqlite3
import threading
import urllib.parse

import psycopg
import pytest

from footfall import Server, run, wait_until
from journal import gauge
from services import Services, produce

CLEAN = {"ok": True, "differences": []}
# No version can make events of these.
HOPELESS = [b"not json at all", b"[]", b"\x00\x01\x02", b'{"user_id":"u","event_type":"click"}',
            b'{"user_id":"u","event_type":"click","page_url":"/no-id"}',
            '{"event_id":"\u00e9","user_id":"","event_type":"click","page_url":"/"}'.encode()]


def event(name: str, user: str = "ann", page: str = "/pricing") -> str:
    return json.dumps({"event_id": name, "user_id": user, "event_type": "click", "page_url": page})


def bad_events(server: Server, *words: str):
    return run("bad-events", *words, "--url", server.url("admin"))


def said(done) -> dict[str, int]:
    """The two last lines of a re-drive."""
    return {name: int(number) for name, number in
            (line.split() for line in done.stdout.splitlines()[-2:])}


def listed(server: Server, **query) -> list[dict]:
    """All of them, by pages that are smaller than the list."""
    rows, query = [], {"limit": 7, **query}
    while True:
        page = server.admin.get("/admin/bad-events", **query)
        assert page.status == 200, page
        rows += page.json()["bad_events"]
        assert page.json()["more"] == (page.json()["next"] is not None)
        if not page.json()["more"]:
            return rows
        query["after"] = page.json()["next"]


def record_of(row: dict) -> bytes:
    record = row["text"].encode() if "text" in row else base64.b64decode(row["base64"])
    assert len(record) == row["bytes"]
    return record


@pytest.fixture
def services():
    with Services() as running:
        yield running


def test_poison_of_other_producers_is_listed_and_what_can_be_read_is_counted_once(services):
    with Server(environment=services.environment) as server:
        # White space in front hides JSON from a reader of the first byte.
        hidden = [b"  " + event(f"hidden-{number}").encode() for number in range(10)]
        good = [event(f"good-{number}").encode() for number in range(40)]
        produce(services.environment, good[:20] + hidden + HOPELESS + good[20:])
        wait_until(lambda: services.sql("SELECT count(*) FROM bad_events") == [(16,)], 30)
        wait_until(lambda: server.count("ann", "/pricing") == 40)

        rows = listed(server)
        assert sorted(map(record_of, rows)) == sorted(hidden + HOPELESS)
        assert all(row["reason"] and row["redriven"] is None for row in rows)
        table = bad_events(server)
        assert table.returncode == 0, table.stderr
        assert table.stdout.split()[:6] == ["position", "at", "bytes", "redriven", "reason",
                                            "record"]
        assert [line.split()[0] for line in table.stdout.splitlines()[1:]] == [
            row["position"] for row in rows]

        done = bad_events(server, "--redrive")
        assert done.returncode == 1, done.stderr
        assert said(done) == {"redriven": 10, "left": 6}
        assert "event_id is missing" in done.stdout
        wait_until(lambda: server.count("ann", "/pricing") == 50)
        again = bad_events(server, "--redrive")
        assert (again.returncode, said(again)) == (1, {"redriven": 0, "left": 6})
        went = [row["position"] for row in listed(server) if row["redriven"]]
        assert len(went) == 10 and len(listed(server, open="true")) == 6

        named = bad_events(server, "--redrive", *went)
        assert (named.returncode, said(named)) == (0, {"redriven": 10, "left": 0})
        wait_until(lambda: gauge(
            server, 'footfall_records_applied_total{result="duplicate"}') == 10)
        assert services.sql("SELECT count(*), count(DISTINCT event_id) FROM click_events") == [
            (50, 50)]
        assert services.sql("SELECT count(*), count(redriven_offset) FROM bad_events") == [(16, 10)]
        assert server.count("ann", "/pricing") == 50
        assert server.audit() == CLEAN


def test_what_an_older_version_could_not_read_is_counted_once(services):
    """The rows are written as that version would have left them."""
    with Server(environment=services.environment) as server:
        produce(services.environment, [b"old version %d" % number for number in range(3)])
        wait_until(lambda: services.sql("SELECT count(*) FROM bad_events") == [(3,)], 30)
        with psycopg.connect(services.environment["DATABASE_URL"]) as session:
            for number in range(2):
                session.execute("UPDATE bad_events SET raw = %s WHERE raw = %s",
                                (event(f"old-{number}").encode(), b"old version %d" % number))
        for _ in range(2):
            answer = server.admin.post("/admin/bad-events/redrive", None)
            assert answer.status == 200, answer
        assert (answer.json()["redriven"], answer.json()["left"]) == (0, 1)
        wait_until(lambda: server.count("ann", "/pricing") == 2)
        assert services.sql("SELECT count(*) FROM click_events") == [(2,)]
        assert server.audit() == CLEAN


def test_a_re_drive_ends_when_the_store_refuses_all_of_it_again(services):
    environment = {**services.environment, "FOOTFALL_PARTITIONS": "1"}
    with Server(environment=environment) as server:
        with psycopg.connect(environment["DATABASE_URL"]) as session:
            session.execute("ALTER TABLE core.events ADD CHECK (event_id NOT LIKE 'stubborn%')")
        produce(environment, [event(f"stubborn-{number}").encode() for number in range(150)])
        wait_until(lambda: services.sql("SELECT count(*) FROM bad_events") == [(150,)], 30)
        done = bad_events(server, "--redrive")
        assert done.returncode == 0, done.stderr
        written = said(done)["redriven"]
        assert 150 <= written <= 250
        wait_until(lambda: services.sql("SELECT count(*) FROM bad_events") == [(150 + written,)],
                   30)
        assert services.sql("SELECT count(*) FROM bad_events WHERE redriven_offset IS NOT NULL"
                            ) == [(written,)]


class RefusesAgainAtOnce(http.server.BaseHTTPRequestHandler):
    """A node whose store has every event that is re-driven among the bad ones again
    before the next page is asked for."""
    end = 250

    def do_POST(self):
        after = dict(urllib.parse.parse_qsl(self.path.partition("?")[2])).get("after", "0:-1")
        first = int(after.partition(":")[2]) + 1
        rows = range(first, min(first + 100, self.end))
        results = [{"bad_event": f"0:{row}", "status": "accepted", "event_id": "e",
                    "position": f"0:{self.end + place}"} for place, row in enumerate(rows)]
        type(self).end += len(rows)
        body = json.dumps({"redriven": len(rows), "left": 0, "results": results,
                           "more": bool(rows), "next": f"0:{rows[-1]}" if rows else None}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_the_command_does_not_run_after_what_it_wrote_itself():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), RefusesAgainAtOnce) as node:
        threading.Thread(target=node.serve_forever, daemon=True).start()
        try:
            done = run("bad-events", "--redrive", "--url",
                       f"http://127.0.0.1:{node.server_address[1]}", seconds=20)
        finally:
            node.shutdown()
    assert (done.returncode, said(done)) == (0, {"redriven": 300, "left": 0})


def leave_behind(server: Server, records: list[bytes]) -> None:
    """Writes bad events into the store of an embedded server that does not run, as an
    older version would have left them."""
    with contextlib.closing(sqlite3.connect(server.data / "store.db")) as store, store:
        store.executemany(
            "INSERT INTO core_bad_events (position, time_us, reason, raw) VALUES (?, ?, ?, ?)",
            [(2 << 48 | 1000 + number, 1_762_372_800_000_000, "not known to this version", record)
             for number, record in enumerate(records)])


def test_an_embedded_server_counts_many_of_them_page_by_page():
    with Server() as server:
        server.terminate()
        records = [event(f"old-{number}", user=f"user-{number % 7}").encode()
                   for number in range(1500)]
        leave_behind(server, records + HOPELESS)
        server.start()
        raw = bad_events(server, "--raw")
        assert raw.returncode == 0
        assert len(raw.stdout.splitlines()) == 1506
        assert raw.stdout.splitlines()[:1500] == [record.decode() for record in records]
        some = bad_events(server, "--limit", "1200")
        assert some.returncode == 0
        assert len(some.stdout.splitlines()) == 1202 and "more" in some.stdout.splitlines()[-1]
        assert "2:1000" in some.stdout and "2025-11-05T20:00:00Z" in some.stdout
        pages = [json.loads(line) for line in
                 bad_events(server, "--json", "--limit", "1200").stdout.splitlines()]
        assert [len(page["bad_events"]) for page in pages] == [1000, 200]

        done = bad_events(server, "--redrive")
        assert (done.returncode, said(done)) == (1, {"redriven": 1500, "left": 6})
        for user in range(7):
            wanted = len(range(user, 1500, 7))
            wait_until(lambda: server.count(f"user-{user}", "/pricing") == wanted)
        server.restart()
        assert bad_events(server, "--redrive").returncode == 1
        assert len(bad_events(server, "--open", "--raw").stdout.splitlines()) == 6
        assert sum(server.count(f"user-{user}", "/pricing") for user in range(7)) == 1500
        assert server.audit() == CLEAN


def test_a_node_that_dies_between_log_and_mark_counts_once():
    with Server(environment={"FOOTFALL_FAILPOINT": "redrive.before_mark"}) as server:
        server.terminate()
        leave_behind(server, [event("old-1").encode(), event("old-2").encode()])
        server.start()
        died = bad_events(server, "--redrive")
        assert died.returncode == 3, died
        assert server.process.wait(10) == -9
        server.environment = {}
        server.start()
        wait_until(lambda: server.count("ann", "/pricing") == 2)
        assert len(listed(server, open="true")) == 2
        again = bad_events(server, "--redrive")
        assert (again.returncode, said(again)) == (0, {"redriven": 2, "left": 0})
        wait_until(lambda: gauge(
            server, 'footfall_records_applied_total{result="duplicate"}') == 2)
        assert server.count("ann", "/pricing") == 2
        assert server.audit() == CLEAN


def test_records_that_were_corrected_by_hand_are_imported(tmp_path):
    with Server() as server:
        server.terminate()
        leave_behind(server, [
            b'{"event_id":"a","user_id":"ann","event_type":"click","page":"/pricing"}',
            b'{"event_id":"b",\n "user_id":"ann",\n "event_type":"click",\n "page":"/pricing"}',
            b'{"user_id":"ann","event_type":"click","page":"/pricing"}',
            b"\xff\xfe\x00", b"two\nlines", b""])
        server.start()
        printed = bad_events(server, "--open", "--raw").stdout
        assert len(printed.splitlines()) == 6
        assert [json.loads(line) for line in printed.splitlines()[3:]] == [
            {"position": "2:1003", "base64": "//4A"},
            {"position": "2:1004", "text": "two\nlines"}, {"position": "2:1005", "text": ""}]
        file = tmp_path / "bad.ndjson"
        file.write_text(printed.replace('"page"', '"page_url"'))
        for _ in range(2):
            done = run("import", str(file), "--format", "ndjson", "--to", server.url("ingest"))
            assert done.returncode == 1
            assert [line.split(":")[0] for line in done.stdout.splitlines()
                    if "refused    line" in line] == [f"refused    line {n}" for n in (4, 5, 6)]
        wait_until(lambda: gauge(
            server, 'footfall_records_applied_total{result="duplicate"}') == 3)
        assert server.count("ann", "/pricing") == 3
        assert len(listed(server)) == 6
        assert server.audit() == CLEAN
