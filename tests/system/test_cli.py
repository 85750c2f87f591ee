"""The client commands of the real program against a real server."""
import collections
import json
import queue
import random
import socket
import subprocess
import threading

import pytest

from footfall import BINARY, PATIENCE, Server, run, wait_until

PAGES = [f"/page-{n}" for n in range(20)] + ["/a?b=c&d=%20", "/\u00e9"]
USERS = [f"10.0.0.{n}" for n in range(30)]


def access_log(lines: int, seed: int = 7) -> tuple[str, collections.Counter]:
    """A log and what it counts up to; some lines are identical."""
    chance = random.Random(seed)
    counts: collections.Counter = collections.Counter()
    out = []
    for n in range(lines):
        user, page = chance.choice(USERS), chance.choice(PAGES)
        counts[user, page] += 1
        out.append(f'{user} - - [17/May/2015:10:{n // 60 % 60:02}:{n % 60:02} +0000] '
                   f'"GET {page} HTTP/1.1" 200 1 "-" "agent"\n')
        if n % 100 == 0:
            out.append(out[-1])
            counts[user, page] += 1
    return "".join(out), counts


def summary(text: str) -> dict[str, str]:
    return dict(line.split(None, 1) for line in text.splitlines()
                if not line.startswith("refused    line"))


def import_into(server, *arguments: str, stdin: str = ""):
    return run("import", *arguments, "--to", server.url("ingest"), stdin=stdin)


def total(server, **query) -> int:
    answer = server.query.get("/v1/stats/top-pages", limit=1000, **query)
    assert answer.status == 200, answer
    return sum(page["clicks"] for page in answer.json()["pages"])


def wait_for_total(server, wanted: int, **query) -> None:
    wait_until(lambda: total(server, **query) >= wanted, what=f"{wanted} clicks are counted")
    assert total(server, **query) == wanted


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_import_counts_every_line_once_however_often_it_is_repeated(server, tmp_path):
    text, counts = access_log(3000)
    log = tmp_path / "access.log"
    log.write_text(text)
    for _ in range(2):
        done = import_into(server, str(log))
        assert done.returncode == 0, done.stderr
        said = summary(done.stdout)
        assert said["lines"] == said["accepted"] == str(counts.total())
        assert said["refused"] == "0"
        wait_for_total(server, counts.total())
    for (user, page), wanted in list(counts.items())[:50]:
        assert server.count(user, page) == wanted
    assert server.audit() == {"ok": True, "differences": []}


def test_import_reads_standard_input(server):
    text, counts = access_log(50)
    done = import_into(server, "-", "--format", "combined", stdin=text)
    assert done.returncode == 0, done.stderr
    wait_for_total(server, counts.total())


def test_import_reports_lines_that_are_wrong_and_sends_the_rest(server):
    text, counts = access_log(10)
    cut = text.splitlines()[0][:-30]
    done = import_into(server, "-", stdin=f"{text}nonsense\n\n{cut}\n")
    said = summary(done.stdout)
    assert done.returncode == 1
    assert said["refused"] == "2" and said["blank"] == "1"
    assert said["accepted"] == str(counts.total())
    assert f"line {counts.total() + 1}: no client address" in done.stdout
    assert f"line {counts.total() + 3}: the request has no closing quote" in done.stdout
    wait_for_total(server, counts.total())


def test_import_reads_ndjson_into_a_site(server):
    events = "".join(json.dumps({"user_id": "ada", "event_type": "view", "page_url": "/p",
                                 "time_stamp": f"2025-11-05T20:00:{n % 60:02}Z"}) + "\n"
                     for n in range(1500))
    for _ in range(2):
        done = import_into(server, "-", "--site", "shop", stdin=events)
        assert done.returncode == 0, done.stdout + done.stderr
        wait_for_total(server, 1500, site="shop")
    assert total(server) == 0


def test_import_tells_a_node_that_is_not_there(tmp_path):
    log = tmp_path / "access.log"
    log.write_text(access_log(5)[0])
    done = run("import", str(log), "--to", f"http://127.0.0.1:{closed_port()}")
    assert done.returncode == 3
    assert "cannot reach" in done.stderr and "before line 1" in done.stderr


class ServerOnOnePort(Server):
    """Comes back on the ingest port that it had."""
    port = "0"

    def command(self) -> list[str]:
        words = super().command()
        words[words.index("--ingest-port") + 1] = self.port
        return words


def test_import_goes_on_when_the_node_comes_back(tmp_path):
    text, counts = access_log(60_000)
    log = tmp_path / "access.log"
    log.write_text(text)
    with ServerOnOnePort() as server:
        server.port = server.address("ingest").rpartition(":")[2]
        process = subprocess.Popen(
            [BINARY, "import", str(log), "--to", server.url("ingest")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            wait_until(lambda: total(server) > 0, what="the import runs")
            server.kill9()
            server.start()
            stdout, stderr = process.communicate(timeout=120)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == 0, stderr + stdout
        wait_for_total(server, counts.total())
        assert server.audit()["ok"]


def test_import_goes_on_when_its_first_answer_is_lost(tmp_path):
    text, counts = access_log(2_000)
    log = tmp_path / "access.log"
    log.write_text(text)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        process = subprocess.Popen(
            [BINARY, "import", str(log), "--to", f"http://127.0.0.1:{port}"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        taken, _ = listener.accept()
        taken.recv(1)
        taken.close()
    try:
        with Server(ports={"ingest": port}) as server:
            stdout, stderr = process.communicate(timeout=120)
            assert process.returncode == 0, stderr + stdout
            wait_for_total(server, counts.total())
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("arguments, wanted", [
    (["import"], "file"),
    (["import", "no/such/file"], "no/such/file"),
    (["import", "."], "directory"),
    (["import", "-", "--format", "xml"], "xml"),
    (["import", "-", "--to", "nowhere"], "nowhere"),
    (["stats", "weather"], "weather"),
    (["stats", "page"], "needs a page"),
    (["stats", "count", "/p"], "needs a page and a user"),
    (["stats", "--limit", "0"], "limit"),
    (["stats", "--url", "ftp://x"], "ftp://x"),
    (["actors", "--sort", "height"], "height"),
    (["audit", "--url", "127.0.0.1"], "127.0.0.1"),
    (["bad-events", "0:17"], "--redrive"),
    (["bad-events", "--redrive", "17"], "17"),
    (["bad-events", "--redrive", "0:17,0:18"], "0:17,0:18"),
    (["bad-events", "--redrive", "--raw"], "--raw"),
    (["bad-events", "--json", "--raw"], "--raw"),
    (["bad-events", "--limit", "0"], "limit"),
    (["bad-events", "--url", "http://127.0.0.1:0"], "127.0.0.1:0"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_usage_mistakes_end_with_2(arguments, wanted):
    done = run(*arguments)
    assert done.returncode == 2, done
    assert wanted in done.stdout + done.stderr


@pytest.mark.parametrize("command", ["stats", "actors", "audit", "bad-events"])
def test_commands_tell_a_node_that_is_not_there(command):
    done = run(command, "--url", f"http://127.0.0.1:{closed_port()}")
    assert done.returncode == 3
    assert "cannot reach" in done.stderr


def test_commands_follow_the_variables_of_the_ports(server):
    ports = {f"FOOTFALL_{name.upper()}_PORT": server.address(name).rpartition(":")[2]
             for name in ("ingest", "query", "admin")}
    line = json.dumps({"event_id": "e", "user_id": "ada", "event_type": "view", "page_url": "/p"})
    assert run("import", "-", stdin=line, environment=ports).returncode == 0
    wait_for_total(server, 1)
    assert run("stats", "count", "/p", "ada", environment=ports).stdout == "1\n"
    assert "ingestion" in run("actors", environment=ports).stdout
    assert run("audit", environment=ports).returncode == 0
    assert run("bad-events", environment=ports).returncode == 0
    # What is given goes before the variable, and a variable that is empty is none.
    wrong = {"FOOTFALL_ADMIN_PORT": str(closed_port()), "FOOTFALL_QUERY_PORT": ""}
    assert run("audit", environment=wrong).returncode == 3
    assert run("audit", "--url", server.url("admin"), environment=wrong).returncode == 0
    assert "http://127.0.0.1:8081" in run("stats", "--help", environment=wrong).stdout
    for port in ("x", "0", "65536"):
        done = run("audit", environment={"FOOTFALL_ADMIN_PORT": port})
        assert done.returncode == 2 and "FOOTFALL_ADMIN_PORT" in done.stderr, done


def test_stats_prints_tables_and_the_answer_itself(server):
    text, counts = access_log(500)
    assert import_into(server, "-", stdin=text).returncode == 0
    wait_for_total(server, counts.total())
    pages: collections.Counter = collections.Counter()
    for (_, page), clicks in counts.items():
        pages[page] += clicks
    url = server.url("query")
    top = run("stats", "--limit", "3", "--url", url)
    lines = top.stdout.splitlines()
    assert top.returncode == 0 and lines[0].split() == ["page_url", "clicks", "users"]
    best = sorted(pages.items(), key=lambda x: (-x[1], x[0]))[:3]
    assert [(line.split()[0], int(line.split()[1])) for line in lines[1:4]] == best
    assert "raise --limit" in lines[4]
    user, page = next(iter(counts))
    count = run("stats", "count", page, user, "--url", url)
    assert count.returncode == 0 and count.stdout == f"{counts[user, page]}\n"
    one = run("stats", "page", page, "--url", url)
    assert one.stdout.splitlines()[1].split()[:2] == [page, str(pages[page])]
    users = run("stats", "users", page, "--limit", "1000", "--url", url)
    assert sum(int(line.split()[1]) for line in users.stdout.splitlines()[1:]) == pages[page]
    series = run("stats", "series", page, "--step", "hour", "--from", "2015-05-17T10:00:00Z",
                 "--to", "2015-05-17T12:00:00Z", "--url", url)
    assert [line.split() for line in series.stdout.splitlines()[1:]] == [
        ["2015-05-17T10:00:00Z", str(pages[page])], ["2015-05-17T11:00:00Z", "0"]]
    total = run("stats", "summary", page, "--from", "2015-05-17T10:00:00Z",
                "--to", "2015-05-17T12:00:00Z", "--url", url)
    assert total.stdout.splitlines()[1].split() == [
        "2015-05-17T10:00:00Z", "2015-05-17T12:00:00Z", str(pages[page])]
    months = run("stats", "series", page, "--range", "12mo", "--tz", "Asia/Kathmandu", "--url", url)
    assert months.returncode == 0 and len(months.stdout.splitlines()) == 13
    raw = run("stats", "--json", "--url", url)
    assert raw.returncode == 0 and len(json.loads(raw.stdout)["pages"]) == 10
    wrong = run("stats", "--from", "yesterday", "--url", url)
    assert wrong.returncode == 2 and "from" in wrong.stderr


def lines_of(process: subprocess.Popen) -> queue.Queue:
    """What the process writes, line by line, as it comes."""
    lines: queue.Queue = queue.Queue()

    def read() -> None:
        for line in process.stdout:
            lines.put(line)

    threading.Thread(target=read, daemon=True).start()
    return lines


def test_watch_tells_each_change_also_after_the_node_was_away():
    with Server() as server:
        query = int(server.address("query").rsplit(":", 1)[1])
        server.terminate()
        server.ports["query"] = str(query)
        server.start()
        with subprocess.Popen([BINARY, "watch", "/p", "--json", "--url", server.url("query")],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watch:
            try:
                lines = lines_of(watch)

                def told() -> int:
                    return json.loads(lines.get(timeout=20 * PATIENCE))["clicks"]

                assert told() == 0
                click = {"user_id": "u", "event_type": "click", "page_url": "/p"}
                assert server.ingest.post("/v1/events", click).status == 200
                assert told() == 1
                server.kill9()
                server.start()
                assert server.ingest.post("/v1/events", click).status == 200
                while told() != 2:
                    pass
            finally:
                watch.kill()
        asked = run("stats", "series", "--watch", "--url", server.url("query"))
        assert asked.returncode == 2 and "watched" in asked.stderr
        away = run("watch", "/p", "--url", "http://127.0.0.1:1")
        assert away.returncode == 3 and "cannot reach" in away.stderr


def test_actors_lists_all_and_shows_one(server):
    url = server.url("admin")
    listed = run("actors", "--url", url)
    assert listed.returncode == 0, listed.stderr
    rows = listed.stdout.splitlines()
    assert rows[0].split()[:3] == ["id", "name", "key"]
    names = {row.split()[1] for row in rows[1:]}
    assert {"supervisor", "gateway", "ingestion", "partition"} <= names
    some = json.loads(run("actors", "--json", "--name", "partition", "--url", url).stdout)["actors"]
    assert some and all(row["name"] == "partition" for row in some)
    one = run("actors", str(some[0]["id"]), "--url", url)
    assert one.returncode == 0 and "partition" in one.stdout
    none = run("actors", "999999999", "--url", url)
    assert none.returncode == 1 and "no such actor" in none.stderr


def test_audit_says_ok(server):
    done = run("audit", "--url", server.url("admin"))
    assert done.returncode == 0 and done.stdout.splitlines()[-1].startswith("ok")
    assert json.loads(run("audit", "--json", "--url", server.url("admin")).stdout)["ok"] is True
