"""Who may what where keys are asked for: each operation of docs/openapi.yaml with each kind of
key, and what keys do to sites, streams, rates and logs."""
import contextlib
import json
import os
import pathlib
import re
import shlex
import threading

import pytest

from footfall import Server, access_of, make_key, run, wait_until
from raw_http import answer_to
from sse import Stream
from test_openapi import DOCUMENT, resolve

CLICK = {"user_id": "ada", "event_type": "click", "page_url": "/x"}
OPERATIONS = [(path, method.upper(), node) for path, item in DOCUMENT["paths"].items()
              for method, node in item.items() if method in ("get", "post", "delete")]
KINDS = [(role, site) for role in ("ingest", "read", "admin") for site in ("default", "shop", "*")]
# Which keys pass where nothing is said of a site, by what the operation needs.
PASSES = {
    "nothing": set(KINDS),
    "ingest": {(role, site) for role, site in KINDS if role in ("ingest", "admin")},
    "read": {(role, site) for role, site in KINDS if role in ("read", "admin")},
    "all_read": {("read", "*"), ("admin", "*")},
    "all_admin": {("admin", "*")},
}


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@contextlib.contextmanager
def locked(*options: str):
    """A server that asks for keys at all its listeners, with one of each kind."""
    with Server("--auth", "on", *options, start=False) as server:
        added = run("site", "add", "shop", environment=access_of(server))
        assert added.returncode == 0, added
        server.keys = {(role, site): make_key(server, "--role", role, "--site", site, "--rate", "0")
                       for role, site in KINDS}
        server.root = bearer(server.keys["admin", "*"])
        server.start()
        yield server


@pytest.fixture(scope="module")
def server():
    with locked() as one:
        wrong = dict(one.keys)
        wrong["unknown"] = make_key(one, "--role", "admin", "--site", "*")
        one.wrong = {
            "none": {},
            "of another scheme": {"Authorization": "Basic YWRhOng="},
            "no key": bearer("secret"),
            "another secret": bearer(wrong["unknown"][:-4] + "AAAA"),
            "another id": bearer("ff_live_aaaaaaaa" + wrong["unknown"][16:]),
            "revoked": bearer(wrong["unknown"]),
        }
        done = run("key", "revoke", wrong["unknown"].split("_")[2], environment=access_of(one))
        assert done.returncode == 0, done
        wait_until(lambda: one.query.get("/v1/stats/top-pages", bearer(wrong["unknown"])).status
                   == 401, 5, "the key is dead within 5 s")
        yield one


def ask(server, path, method, node, headers, site="", topic="summary", link=""):
    """`link`: the address of a share link, below which it is asked."""
    listener = {"live": "query", "access": "query"}.get(node["tags"][0], node["tags"][0])
    if link:
        listener = "query"
    target = link + re.sub(r"\{id\}", "1", path).replace("{node}", "n1")
    target = target.replace("{site}", "default").replace("{page}", "x")
    target = target.replace("{name}", "nobody") + "?" + "&".join(
        f"{x['name']}={x['example'][0] if isinstance(x['example'], list) else x['example']}"
        for x in map(resolve, node.get("parameters", []))
        if x["in"] == "query" and x.get("required"))
    if node["tags"] == ["live"]:
        target = target.replace("topic=system", f"topic={topic}")
    if site:
        target += f"&site={site}"
    body = None
    if "requestBody" in node:
        body = next(iter(node["requestBody"]["content"]["application/json"]["examples"].values()))
        body = body["value"]
    client = server.client(listener)
    try:
        if node["tags"] == ["live"]:  # It does not end.
            client.connection.request(method, target, headers=headers)
            response = client.connection.getresponse()
            found = response.status, "" if response.status == 200 else json.loads(
                response.read())["type"]
            return found
        answer = client.request(method, target, body, headers)
        is_problem = answer.headers["content-type"] == "application/problem+json"
        return answer.status, answer.json()["type"] if is_problem else ""
    finally:
        client.close()


def takes_site(node) -> bool:
    return any((x["name"], x["in"]) == ("site", "query")
               for x in map(resolve, node.get("parameters", [])))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda x: x[2]["operationId"])
def test_each_operation_with_each_kind_of_key(server, operation):
    path, method, node = operation
    needs = node["x-footfall-needs"]
    for name, headers in server.wrong.items():
        status, kind = ask(server, *operation, headers)
        if needs == "nothing":  # Signing in is refused for another reason.
            assert kind.rpartition(":")[2] not in ("key_needed", "key_refused"), (name, status)
        else:
            assert (status, kind) == (401, "urn:footfall:problem:" + (
                "key_needed" if name == "none" else "key_refused")), name
    for key, text in server.keys.items():
        status, kind = ask(server, *operation, bearer(text))
        if key in PASSES[needs]:
            assert status not in (401, 403) or kind.endswith(":sign_in_refused"), (key, kind)
        else:
            assert (status, kind) == (403, "urn:footfall:problem:role_needed"), key
        if takes_site(node) and key in PASSES[needs]:
            status, kind = ask(server, *operation, bearer(text), site="default")
            if key[1] == "shop":
                assert (status, kind) == (403, "urn:footfall:problem:foreign_site"), key
            else:
                assert status not in (401, 403), (key, status, kind)


def test_the_dashboard_is_served_and_shows_nothing(server):
    page = server.query.get("/")
    assert page.status == 200 and "text/html" in page.headers["content-type"]
    assert server.query.get("/v1/system").status == 401


def test_a_live_stream_of_the_node_is_for_admins(server):
    operation = next(x for x in OPERATIONS if x[0] == "/v1/live")
    assert ask(server, *operation, bearer(server.keys["read", "*"]),
               topic="system") == (403, "urn:footfall:problem:role_needed")
    assert ask(server, *operation, server.root, topic="system")[0] == 200
    answer = server.client("query").get("/v1/live", bearer(server.keys["read", "shop"]),
                                        topic="summary", site="default")
    assert answer.status == 403 and answer.json()["type"].endswith("foreign_site"), answer


def test_who_starts_in_a_network_without_a_key_is_told_how(tmp_path):
    with Server("--bind", "0.0.0.0", data=tmp_path / "d", start=False) as server:
        process = server.launch()
        assert process.wait(20) == 1
        commands = re.findall(r"^  footfall (.*)$", server.stderr(), re.M)
        assert len(commands) == 2 and "--auth off" in server.stderr(), server.stderr()
        keys = [run(*shlex.split(x)).stdout.strip() for x in commands]
        server.start()
        port = server.ready["ingest"].rpartition(":")[2]
        server.ready["ingest"] = f"127.0.0.1:{port}"
        assert server.ingest.post("/v1/events", CLICK).status == 401
        for key in keys:
            assert server.ingest.post("/v1/events", CLICK, bearer(key)).status == 200
        # The admin port stays on the loopback, where everybody of the machine may ask.
        assert server.admin.get("/actors").status == 200
        assert "WARN" not in server.stderr().upper()


def test_off_is_said_at_each_start():
    with Server("--bind", "0.0.0.0", "--auth", "off") as server:
        assert "--auth off: whoever reaches 0.0.0.0" in server.stderr()
    with Server("--auth", "off") as server:
        assert "--auth" not in server.stderr()


def test_the_site_comes_from_the_key(server):
    shop = bearer(server.keys["ingest", "shop"])
    reads = bearer(server.keys["read", "shop"])
    assert server.ingest.post("/v1/events", {**CLICK, "page_url": "/own"}, shop).status == 200
    assert server.ingest.post("/ingest", {**CLICK, "page_url": "/own"}, shop).status == 200
    wait_until(lambda: server.query.get("/v1/stats/page", reads, page_url="/own").json()["clicks"]
               == 2, 5, "both are at the key's site")
    assert server.query.get("/v1/stats/page", server.root, page_url="/own",
                            site="shop").json()["clicks"] == 2
    assert server.query.get("/v1/stats/page", server.root, page_url="/own").json()["clicks"] == 0
    # One of a foreign site refuses the whole, and nothing of it is stored.
    mixed = [{**CLICK, "page_url": "/mixed"}, {**CLICK, "page_url": "/mixed"}]
    refused = server.ingest.post("/v1/events?site=default", mixed, shop)
    assert refused.status == 403 and refused.json()["type"].endswith("foreign_site"), refused
    assert server.query.get("/v1/stats/page", reads, page_url="/mixed").json()["clicks"] == 0


def test_a_site_that_is_empty_is_the_keys_own(server):
    """Without keys it stands for the default: that is another site."""
    server.ingest.post("/v1/events", {**CLICK, "page_url": "/secret"}, server.root)
    own = bearer(server.keys["read", "shop"])
    wait_until(lambda: "/secret" in server.query.get("/v1/stats/top-pages", server.root).text, 5)
    for path, more in (("/v1/stats/top-pages", {}), ("/v1/stats/page", {"page_url": "/secret"}),
                       ("/v1/stats/count", {"page_url": "/secret", "user_id": "ada"}),
                       ("/v1/stats/users", {"page_url": "/secret"}),
                       ("/v1/stats/series", {"page_url": "/secret", "step": "hour"}),
                       ("/v1/stats/summary", {"page_url": "/secret"}),
                       ("/analytics/events", {"page_url": "/secret", "user_id": "ada"})):
        empty, said = (server.query.get(path, own, **site, **more)
                       for site in ({"site": ""}, {"site": "shop"}))
        assert empty.status == said.status == 200, (path, empty)
        assert strip_time(empty.json()) == strip_time(said.json()), path
        assert path != "/v1/stats/users" or "ada" not in empty.text
    for topic in ("page:/secret", "top:5", "summary"):
        with contextlib.closing(Stream(server.address("query"), topic, site="",
                                       key=server.keys["read", "shop"])) as stream:
            told = stream.until(topic.partition(":")[0]).json()
            assert told.get("clicks", 0) == 0 and "/secret" not in str(told.get("pages")), told
            if topic == "summary":
                shop = server.query.get("/v1/stats/summary", own, site="shop").json()
                assert told["now"] == shop["now"], told


def strip_time(answer: dict) -> dict:
    return {name: value for name, value in answer.items()
            if name not in ("as_of", "position", "source", "range")}


def test_no_other_key_can_make_an_event_a_duplicate(server):
    event = {**CLICK, "page_url": "/mine", "event_id": "order-4711"}
    shop, default = (bearer(server.keys["ingest", x]) for x in ("shop", "default"))
    assert server.ingest.post("/v1/events", event, shop).status == 200
    assert server.ingest.post("/v1/events", event, default).status == 200
    for site in ("shop", "default"):
        wait_until(lambda: server.query.get("/v1/stats/page", server.root, page_url="/mine",
                                            site=site).json()["clicks"] == 1, 5, site)


def test_a_revoked_key_ends_its_stream_too():
    with locked() as server:
        key = make_key(server, "--role", "read", "--site", "default")
        wait_until(lambda: server.query.get("/v1/stats/top-pages", bearer(key)).status == 200, 5)
        with contextlib.closing(Stream(server.address("query"), "summary", key=key)) as stream:
            stream.until("summary")
            done = run("key", "revoke", key.split("_")[2], environment=access_of(server))
            assert done.returncode == 0 and "within 5 s" in done.stdout, done
            stream.timeout = 5
            stream.until("bye")
        assert server.query.get("/v1/stats/top-pages", bearer(key)).status == 401


def test_rates_are_kept_and_told():
    with locked() as server:
        reads = bearer(make_key(server, "--role", "read", "--site", "default", "--rate", "2/s"))
        sends = bearer(make_key(server, "--role", "ingest", "--site", "default", "--rate", "2"))
        assert server.query.get("/v1/keys", server.root).status == 200  # As they are now.
        answers = [server.query.get("/v1/stats/top-pages", reads) for _ in range(11)]
        assert [x.status for x in answers].count(200) == 10 and answers[-1].status == 429, answers
        assert answers[0].headers["ratelimit-limit"] == "10"
        assert answers[0].headers["ratelimit-remaining"] == "9"
        assert answers[-1].headers["ratelimit-remaining"] == "0"
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 2
        assert answers[-1].json()["type"].endswith("rate_exceeded")
        sent = [server.ingest.post("/v1/events", [CLICK] * 5, sends) for _ in range(3)]
        assert [x.status for x in sent] == [200, 200, 429], sent
        assert "nothing was stored" in sent[2].json()["detail"]
        wait_until(lambda: server.query.get("/v1/stats/page", server.root, page_url="/x").json()[
            "clicks"] == 10, 5, "what was accepted is counted, and no more")


def test_a_secret_is_shown_once_and_kept_nowhere():
    with locked("--log-level", "debug") as server:
        key = server.keys["admin", "*"]
        assert server.query.get("/v1/system", bearer(key)).status == 200
        assert server.query.get("/v1/system", bearer(key[:-1])).status == 401
        secret = key.split("_", 3)[3].encode()
        pid = server.process.pid
        seen = b"".join(pathlib.Path(f"/proc/{pid}/{x}").read_bytes()
                        for x in ("cmdline", "environ"))
        shown = run("key", "list", "--json", environment=access_of(server)).stdout
        answers = [server.admin.get(x, bearer(key)).body
                   for x in ("/actors", "/metrics", "/cluster")]
        server.terminate()
        files = [x.read_bytes() for x in server.data.rglob("*") if x.is_file()]
        for text in (seen, server.stderr().encode(), shown.encode(), *answers, *files):
            assert secret not in text
        assert key.split("_")[2] in shown


def test_requests_of_many_threads_while_keys_change():
    """The keys are replaced as a whole under those who look at them."""
    with locked() as server:
        ends, faults = threading.Event(), []

        def ask_on():
            client = server.client("query")
            while not ends.is_set():
                answer = client.get("/v1/stats/top-pages", server.root)
                if answer.status != 200:
                    faults.append(answer)
            client.close()

        threads = [threading.Thread(target=ask_on) for _ in range(4)]
        for thread in threads:
            thread.start()
        for number in range(3):
            key = make_key(server, "--role", "read", "--site", "default", "--name", str(number))
            wait_until(lambda: server.query.get("/v1/stats/top-pages", bearer(key)).status == 200,
                       5, "the keys were replaced")
        ends.set()
        for thread in threads:
            thread.join()
        assert not faults


def test_a_backup_has_the_keys_and_a_restore_leaves_newer_ones(tmp_path):
    def keys(folder):
        listed = run("key", "list", "--json", environment={"FOOTFALL_DATA_DIR": str(folder),
                                                           "DATABASE_URL": ""})
        assert listed.returncode == 0, listed
        return {x["id"]: x["state"] for x in json.loads(listed.stdout)["keys"]}

    with locked() as server:
        backup, fresh = tmp_path / "backup", tmp_path / "fresh"
        done = run("backup", str(backup), "--data-dir", str(server.data))
        assert done.returncode == 0, done
        before = keys(server.data)
        assert len(before) == len(KINDS) and (backup / "access.db").stat().st_mode & 0o777 == 0o600
        dead = next(iter(before))
        assert run("key", "revoke", dead, environment=access_of(server)).returncode == 0
        server.terminate()
        assert run("restore", str(backup), "--data-dir", str(fresh)).returncode == 0
        assert keys(fresh) == before
        done = run("restore", str(backup), "--data-dir", str(server.data), "--replace")
        assert done.returncode == 0 and keys(server.data) == {**before, dead: "revoked"}, done


@pytest.mark.parametrize("words, code, said", [
    (["key", "add", "--site", "nowhere", "--role", "read"], 1, "footfall site add nowhere"),
    (["key", "add", "--site", "a b", "--role", "read"], 2, "site_id may hold"),
    (["key", "add", "--site", "default", "--role", "king"], 2, "king"),
    (["key", "add", "--site", "default", "--role", "read", "--rate", "fast"], 2, "--rate"),
    (["key", "add", "--site", "default", "--role", "read", "--expires", "soon"], 2, "--expires"),
    (["key", "add", "--site", "default", "--role", "read", "--name", "a\nb"], 2, "--name"),
    (["key", "revoke", "nobody"], 1, "footfall key list"),
    (["key", "rotate", "nobody"], 1, "footfall key list"),
    (["key", "list", "--database-url", "postgresql://127.0.0.1:1/none?connect_timeout=1"], 3,
     "Connection refused"),
    (["site", "add", "default"], 1, "already"),
    (["site", "add", "*"], 2, "site_id may hold"),
    (["key"], 2, "subcommand"),
])
def test_what_commands_refuse(tmp_path, words, code, said):
    done = run(*words, environment={"FOOTFALL_DATA_DIR": str(tmp_path / "d"), "DATABASE_URL": ""})
    assert done.returncode == code and said in done.stderr, done


def test_a_folder_that_is_named_counts_more_than_the_environment(tmp_path):
    done = run("key", "list", "--data-dir", str(tmp_path / "d"),
               environment={"DATABASE_URL": "postgresql://127.0.0.1:1/none?connect_timeout=1"})
    assert done.returncode == 0 and "there are no keys" in done.stdout, done


def test_a_key_is_listed_rotated_and_expires(tmp_path):
    where = {"FOOTFALL_DATA_DIR": str(tmp_path / "d"), "DATABASE_URL": ""}
    assert "there are no keys" in run("key", "list", environment=where).stdout
    made = run("key", "add", "--site", "default", "--role", "read", "--name", "report",
               "--expires", "90d", "--json", environment=where)
    first = json.loads(made.stdout)
    assert first["row"]["rate"] == 20 and first["row"]["state"] == "active", first
    again = json.loads(run("key", "rotate", first["row"]["id"], "--json", environment=where).stdout)
    assert again["key"] != first["key"] and again["row"]["name"] == "report"
    lasts = [x["row"]["expires_at"][:10] for x in (first, again)]
    assert lasts[0] == lasts[1] or lasts[0] < lasts[1]  # Midnight may lie between.
    shown = run("key", "list", environment=where)
    assert shown.stdout.count("report") == 2 and "20/s" in shown.stdout, shown
    assert all(len(line) <= 80 for line in shown.stdout.splitlines()), shown.stdout


def test_nobody_sends_a_body_for_nothing(server):
    """Who names no key is refused by the head alone."""
    head = ("POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            "Content-Length: 1000000\r\n\r\n[")
    assert answer_to(server.address("ingest"), head.encode()).status == 401
    assert answer_to(server.address("ingest"), head.replace(
        "\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n").encode()).status == 401


def test_a_key_that_root_makes_can_be_read_by_the_nodes_own_user(tmp_path):
    data = tmp_path / "d"
    data.mkdir()
    os.chown(data, 10001, 10001)
    made = run("key", "add", "--site", "default", "--role", "read",
               environment={"FOOTFALL_DATA_DIR": str(data), "DATABASE_URL": ""})
    assert made.returncode == 0, made
    assert {(x.stat().st_uid, x.stat().st_gid) for x in data.iterdir()} == {(10001, 10001)}
