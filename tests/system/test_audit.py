"""What the audit sees: rows that somebody changed, memory that differs; and that it says
what it did not look at."""
import sqlite3
import threading
import uuid

from footfall import Server, run, wait_until


def post(server: Server, count: int, pages: int = 1, client=None) -> None:
    events = [{"event_id": str(uuid.uuid4()), "user_id": f"u{number % 5}", "event_type": "click",
               "page_url": f"/{number % pages}"} for number in range(count)]
    answer = (client or server.ingest).post("/v1/events", events)
    assert answer.status == 200, answer


def folded(server: Server) -> bool:
    return all(x["folded_offset"] == x["acknowledged_end"]
               for x in server.audit_in_full("none")["partitions"])


def test_a_changed_row_shows_in_the_store_and_against_live_pages(server):
    post(server, 100, pages=10)
    wait_until(lambda: folded(server))
    healthy = server.audit_in_full("all")
    assert healthy["ok"] and healthy["differences"] == []
    assert any("10 of 10 live pages" in text for text in healthy["checked"]), healthy
    assert healthy["not_checked"]
    with sqlite3.connect(server.data / "store.db", timeout=10) as store:
        changed = store.execute(
            "UPDATE core_page_totals SET clicks = clicks - 1 WHERE page_no ="
            " (SELECT page_no FROM core_pages WHERE page_url = '/3')").rowcount
        assert changed == 1
    store.close()
    full = server.audit_in_full("all")
    assert not full["ok"]
    assert {x["table"] for x in full["differences"]} >= {"page_totals", "live page"}, full
    assert all("/3" in x["key"] for x in full["differences"]), full
    alone = server.audit_in_full("none")
    assert not any(x["table"] == "live page" for x in alone["differences"])
    assert any("live pages" in text for text in alone["not_checked"])
    done = run("audit", "--live", "all", "--url", server.url("admin"))
    assert done.returncode == 1
    assert "not checked: " in done.stdout and "live page" in done.stdout, done.stdout


def test_a_node_under_load_is_well(server):
    stop = threading.Event()

    def load(number: int) -> None:
        client = server.client("ingest")
        while not stop.is_set():
            post(server, 20 + number, pages=5 + number * 20, client=client)
        client.close()

    threads = [threading.Thread(target=load, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: server.query.get("/v1/stats/page", page_url="/0").json()["clicks"] > 50)
        for _ in range(8):
            full = server.audit_in_full("all")
            assert full["ok"], full["differences"][:5]
            for x in full["partitions"]:
                assert x["folded_offset"] <= x["next_offset"]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    wait_until(lambda: folded(server))
    assert server.audit_in_full("all")["ok"]


def test_the_command_says_what_it_looked_at(server):
    post(server, 10)
    done = run("audit", "--url", server.url("admin"))
    assert done.returncode == 0, done.stdout
    assert "checked: every aggregate" in done.stdout
    assert "not checked: " in done.stdout and done.stdout.rstrip().endswith("equal")
    assert run("audit", "--live", "some", "--url", server.url("admin")).returncode == 2


def test_one_page_is_recounted(server):
    post(server, 100, pages=10)
    wait_until(lambda: folded(server))
    well = server.query.get("/v1/system/audit", page_url="/3").json()
    assert well["ok"] and well["differences"] == [] and well["partitions"] == [], well
    assert any(text.startswith("10 raw events of the page") for text in well["checked"]), well
    assert any("the live page against the store" in text for text in well["checked"]), well
    for page in ("/3", "/4"):
        with sqlite3.connect(server.data / "store.db", timeout=10) as store:
            changed = store.execute(
                "UPDATE core_page_totals SET clicks = clicks + 1 WHERE page_no ="
                " (SELECT page_no FROM core_pages WHERE page_url = ?)", (page,)).rowcount
            assert changed == 1
        store.close()
    wrong = server.query.get("/v1/system/audit", page_url="/3").json()
    assert not wrong["ok"]
    assert all("/3" in x["key"] for x in wrong["differences"]), wrong
    assert {x["table"] for x in wrong["differences"]} == {"page_totals", "live page"}, wrong
    assert server.query.get("/v1/system/audit", page_url="/5").json()["ok"]
    assert server.admin.get("/admin/audit", page_url="/4", live="none").json()["differences"] == [
        {"table": "page_totals", "key": "default /4 clicks", "expected": 10, "found": 11}]
    done = run("audit", "--page", "/3", "--url", server.url("admin"))
    assert done.returncode == 1 and "page_totals" in done.stdout, done
    assert run("audit", "--page", "/5", "--url", server.url("admin")).returncode == 0


def test_what_an_audit_of_a_page_refuses(server):
    for parameters, words in (({}, "page_url is missing"), ({"page_url": ""}, "page_url"),
                              ({"page_url": "/x", "site": "a b"}, "site_id"),
                              ({"page_url": "/x", "live": "some"}, "live"),
                              ({"page_url": "/x", "pages": "/y"}, "pages")):
        answer = server.query.get("/v1/system/audit", **parameters)
        assert answer.status == 400 and words in answer.json()["detail"], answer
    answer = server.admin.get("/admin/audit", site="default")
    assert answer.status == 400 and "page_url is missing" in answer.json()["detail"], answer
    assert server.query.request("POST", "/v1/system/audit").status == 405
    done = run("audit", "--page", "", "--url", server.url("admin"))
    assert done.returncode == 2 and "names no page" in done.stderr, done
    assert run("audit", "--site", "shop", "--url", server.url("admin")).returncode == 2
