"""People who sign in: sessions, what they may, tries that are bounded, and what docs/openapi.yaml
says of all that."""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time

import pytest

from footfall import PATIENCE, ROOT, Server, access_of, make_key, run, wait_until
from raw_http import answer_to
from test_access import CLICK, bearer, locked
from test_openapi import DOCUMENT, NOT_PROVOKED, Operation

PASSWORD = "correct horse battery"
OPERATIONS = {node["operationId"]: Operation(path, method, node)
              for path, item in DOCUMENT["paths"].items() for method, node in item.items()
              if isinstance(node, dict) and node["tags"] == ["access"]}


def add_user(server: Server, name: str, role: str = "admin", site: str = "*",
             password: str = PASSWORD) -> None:
    done = run("user", "add", name, "--role", role, "--site", site, stdin=password + "\n",
               environment=access_of(server))
    assert done.returncode == 0, done


def await_user(server: Server, name: str) -> None:
    """Not by trying to sign in: tries are bounded."""
    wait_until(lambda: any(x["name"] == name for x in server.query.get(
        "/v1/users", server.root).json()["users"]), 5, f"the node knows {name}")


def sign_in(server: Server, name: str, password: str = PASSWORD, **headers):
    return server.query.request("POST", "/v1/session", {"name": name, "password": password},
                                headers)


def cookie_of(answer) -> dict[str, str]:
    return {"Cookie": answer.headers["set-cookie"].split(";")[0]}


@pytest.fixture
def server():
    with locked() as one:
        add_user(one, "ada")
        await_user(one, "ada")
        yield one


def test_somebody_signs_in_and_out(server):
    assert server.query.get("/v1/session").json() == {"asks": True, "signed_in": False}
    answer = sign_in(server, "ada")
    assert answer.status == 200, answer
    said = answer.headers["set-cookie"]
    assert re.fullmatch(r"footfall=[\w-]{43}; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000",
                        said), said
    assert answer.headers["cache-control"] == "no-store"
    cookie = cookie_of(answer)
    shown = server.query.get("/v1/session", cookie).json()
    assert shown.pop("expires_at") and shown == {
        "asks": True, "signed_in": True, "name": "ada", "role": "admin", "site": "*",
        "is_global_admin": True}
    assert server.query.get("/v1/stats/top-pages", cookie).status == 200
    assert server.query.get("/v1/system", cookie).status == 200
    # Browsers send cookies to every port of a host: they open this one alone.
    assert server.admin.get("/actors", cookie).status == 401
    assert server.ingest.post("/v1/events", CLICK, cookie).status == 401
    assert server.query.post("/v1/events", CLICK, cookie).status == 200
    again = cookie_of(sign_in(server, "ada"))
    assert again != cookie
    ended = server.query.request("DELETE", "/v1/session", headers=cookie)
    assert ended.status == 200 and "Max-Age=0" in ended.headers["set-cookie"], ended
    assert server.query.get("/v1/system", cookie).status == 401
    assert server.query.get("/v1/system", again).status == 200
    server.restart()
    assert server.query.get("/v1/system", again).status == 200
    # Nor may the page of another port of the host, which the cookie is sent to as well.
    port = int(server.address("query").rpartition(":")[2])
    for other, status in ((port + 1, 403), (port, 200)):
        origin = {**again, "Origin": f"http://127.0.0.1:{other}"}
        assert server.query.post("/v1/sites", {"site": f"s{other}"}, origin).status == status
    # A proxy may pass on what it was given itself.
    passed_on = {**again, "Authorization": "Basic YWRhOng="}
    assert server.query.get("/v1/system", passed_on).status == 200
    # A page of another origin cannot have somebody do anything.
    foreign = {**again, "Origin": "https://evil.example"}
    assert server.query.request("DELETE", "/v1/session", headers=foreign).status == 403
    assert server.query.post("/v1/keys", {"site": "*", "role": "admin"}, foreign).status == 403


def test_a_proxy_may_name_a_key_for_whom_it_let_in(server):
    shown = server.query.get("/v1/session", bearer(server.keys["read", "shop"])).json()
    assert shown == {"asks": True, "signed_in": True, "role": "viewer", "site": "shop",
                     "is_global_admin": False}
    for key in (server.keys["ingest", "*"], "nonsense"):
        assert server.query.get("/v1/session", bearer(key)).json()["signed_in"] is False


def test_over_https_the_cookie_goes_no_other_way():
    with locked("--host", "stats.example.com") as server:
        add_user(server, "ada")
        await_user(server, "ada")
        answer = sign_in(server, "ada", Host="stats.example.com",
                         Origin="https://stats.example.com")
        said = answer.headers["set-cookie"]
        assert said.startswith("__Host-footfall=") and "; Secure" in said and "Domain" not in said
        assert server.query.get("/v1/system", cookie_of(answer)).status == 200
        # What a neighbour of the host may have set does not take its place.
        both = {"Cookie": "footfall=theirs; " + cookie_of(answer)["Cookie"]}
        assert server.query.get("/v1/system", both).status == 200


def test_who_may_see_one_site_sees_it_alone(server):
    add_user(server, "bob", "viewer", "shop")
    await_user(server, "bob")
    cookie = cookie_of(sign_in(server, "bob"))
    shown = server.query.get("/v1/session", cookie).json()
    assert (shown["role"], shown["site"], shown["is_global_admin"]) == ("viewer", "shop", False)
    server.ingest.post("/v1/events?site=shop", {**CLICK, "page_url": "/own"}, server.root)
    server.ingest.post("/v1/events", {**CLICK, "page_url": "/foreign"}, server.root)
    wait_until(lambda: [x["page_url"] for x in server.query.get(
        "/v1/stats/top-pages", cookie).json()["pages"]] == ["/own"], 5)
    assert server.query.get("/v1/stats/top-pages", cookie, site="default").status == 403
    for path in ("/v1/system", "/v1/system/actors", "/v1/keys", "/v1/users", "/v1/sites"):
        assert server.query.get(path, cookie).status == 403, path
    assert server.query.post("/v1/events", CLICK, cookie).status == 403


def test_another_password_or_none_ends_all_sessions(server):
    first, second = (cookie_of(sign_in(server, "ada")) for _ in range(2))
    for path, body in (("/v1/users/ada/password", {"password": "another horse battery"}),):
        assert server.query.post(path, body, server.root).status == 200
    for cookie in (first, second):
        assert server.query.get("/v1/session", cookie).json()["signed_in"] is False
    assert sign_in(server, "ada").status == 401
    third = cookie_of(sign_in(server, "ada", "another horse battery"))
    done = run("user", "rm", "ada", environment=access_of(server))
    assert done.returncode == 0, done
    wait_until(lambda: server.query.get("/v1/system", third).status == 401, 5)
    assert sign_in(server, "ada", "another horse battery").status == 401


def test_commands_read_passwords_from_standard_input(tmp_path):
    where = {"FOOTFALL_DATA_DIR": str(tmp_path / "d"), "DATABASE_URL": ""}
    words = ["user", "add", "ada", "--role", "viewer", "--site", "default"]
    short = run(*words, stdin="short\n", environment=where)
    assert short.returncode == 2 and "12" in short.stderr, short
    assert run(*words, stdin=PASSWORD, environment=where).returncode == 0
    assert run(*words, stdin=PASSWORD, environment=where).returncode == 1
    shown = run("user", "list", environment=where)
    assert "ada" in shown.stdout and "viewer" in shown.stdout and PASSWORD not in shown.stdout
    assert run("user", "passwd", "bob", stdin=PASSWORD, environment=where).returncode == 1
    assert run("user", "passwd", "ada", stdin=PASSWORD, environment=where).returncode == 0
    assert run("user", "rm", "ada", environment=where).returncode == 0
    assert run("user", "rm", "ada", environment=where).returncode == 1
    assert run("user", "add", "a b", "--role", "viewer", "--site", "*", stdin=PASSWORD,
               environment=where).returncode == 2
    file = (tmp_path / "d" / "access.db").read_bytes()
    assert PASSWORD.encode() not in file


def provoked(server: Server):
    """(operation, answer) of each status that the document has."""
    root, o = server.root, OPERATIONS
    add_user(server, "zoe")
    await_user(server, "zoe")
    weak = bearer(server.keys["read", "default"])
    made = server.query.post("/v1/keys", {"site": "shop", "role": "counter", "name": "x*",
                                          "rate": 1}, root)
    assert made.status == 200, made
    wait_until(lambda: o["getCounter"].ask(server).status == 200, 5, "it is known")
    for name, end in (("getCounter", ".json"), ("getCounterPicture", ".svg")):
        yield from ((o[name], server.query.get(f"/c/shop/x{i}{end}")) for i in range(2, 15))
    for x in o.values():
        yield x, x.ask(server)  # 401, or 200 of a session.
        yield x, x.ask(server, headers=weak)
        yield x, x.ask(server, more="wrong=%zz", headers=root)
        yield x, x.ask(server, method="PATCH", body=b"", headers=root)
        yield x, x.ask(server, headers={"Expect": "a miracle"})
        yield x, x.ask(server, headers={"Large": "x" * 9000})
        yield x, x.ask(server, headers={"Host": "evil.example"})
        if x.method != "GET":
            yield x, x.ask(server, headers={**root, "Origin": "https://evil.example"})
        address = server.address("query")
        yield x, answer_to(address, f"{x.method} {x.path} HTTP/1.1\r\nHost: localhost\r\n"
                           "Content-Length: 2000000\r\n\r\n".encode())
    signed_out = {"Cookie": "footfall=" + "x" * 43}
    yield from ((o["deleteSession"], o["deleteSession"].ask(server, headers=signed_out))
                for _ in range(25))  # More than an address may.
    for name in ("postSite", "postKey", "postUser", "getSites", "getKeys", "getUsers"):
        yield o[name], o[name].ask(server, headers=root)
    yield o["postSite"], o["postSite"].ask(server, body={"site": "blog"}, headers=root)
    for name in ("postSite", "postUser"):
        yield o[name], o[name].ask(server, headers=root)  # Once more.
    yield o["postKey"], o["postKey"].ask(server, body={"site": "none", "role": "read"},
                                         headers=root)
    made = o["postKey"].ask(server, headers=root).json()["row"]["id"]
    yield o["deleteKey"], server.query.request("DELETE", f"/v1/keys/{made}", headers=root)
    yield o["deleteKey"], server.query.request("DELETE", "/v1/keys/aaaaaaaa", headers=root)
    yield o["postPassword"], o["postPassword"].ask(server, headers=root)
    yield o["deleteUser"], o["deleteUser"].ask(server, headers=root)
    yield o["deleteUser"], o["deleteUser"].ask(server, headers=root)
    yield o["postPassword"], o["postPassword"].ask(server, headers=root)
    time.sleep(4)  # One more try of the address.
    yield o["postSession"], sign_in(server, "zoe")
    for _ in range(6):
        answer = sign_in(server, "zoe", "wrong horse battery")
        yield o["postSession"], answer
    with concurrent.futures.ThreadPoolExecutor(64) as pool:  # More than may wait.
        for x in (o["postUser"], o["postPassword"]):
            yield from pool.map(lambda _, x=x: (x, x.ask(server, headers=root)), range(64))


def test_every_documented_status_is_answered():
    found = {}
    with locked() as server, Server() as open_one:
        for operation, answer in provoked(server):
            found[operation.id, operation.check(answer)] = answer
        for x in OPERATIONS.values():
            found[x.id, x.check(x.ask(open_one))] = 1
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            heads = pool.map(lambda x: (x, answer_to(
                open_one.address("query"), f"{x.method} {x.path} HTTP/1.1\r\n".encode())),
                OPERATIONS.values())
            for x, answer in heads:
                found[x.id, x.check(answer)] = answer
    for x in OPERATIONS.values():
        # 503: as on all operations, when there are too many connections (test_openapi.py).
        # 202: of a key, while the store is away (test_access_faults.py).
        documented = set(x.responses) - set(NOT_PROVOKED) - {"503", "202"}
        if x.id in ("getSites", "getKeys", "getUsers", "postSite", "postKey", "postUser"):
            assert (x.id, "404") in found  # Of a listener that asks nobody.
        if x.id == "getSession":
            documented.discard("404")
        answered = {status for name, status in found if name == x.id} - {"503"}
        assert answered == documented, x.id


@pytest.mark.parametrize("which", ["--exclude-operation-id", "--include-operation-id"])
def test_schemathesis_finds_nothing(server, which):
    """Revoking keys is tried by itself: it soon tries to revoke its own."""
    program = pathlib.Path(sys.executable).with_name("schemathesis")
    done = subprocess.run(
        [program, "--config-file", ROOT / "tests/support/schemathesis.toml", "run",
         ROOT / "docs/openapi.yaml", "--url", server.url("query"), "--include-tag", "access",
         which, "deleteKey", "-H", f"Authorization: {server.root['Authorization']}",
         "--phases", "examples,coverage,fuzzing", "--max-examples", "15"],
        cwd=server.folder, capture_output=True, text=True, timeout=300 * PATIENCE,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests/support"),
             "FOOTFALL_TEST_POSITION": "0:0"})
    assert done.returncode == 0, f"{done.stdout[-20000:]}\n{done.stderr[-4000:]}"
    if which.startswith("--exclude"):
        assert server.query.get("/v1/system", server.root).status == 200
    assert server.query.get("/v1/session").status == 200
