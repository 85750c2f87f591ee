"""Share links: what they show of each operation of docs/openapi.yaml, what they never show, and how
they end."""
import json
import re

import pytest

from footfall import Server, access_of, run, wait_until
from sse import Stream
from test_access import CLICK, OPERATIONS, ask, bearer, locked, takes_site

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def server():
    with locked() as one:
        yield one


def signed_in(server) -> dict[str, str]:
    """The cookie of an admin of all sites."""
    if not hasattr(server, "cookie"):
        done = run("user", "add", "root", "--role", "admin", "--site", "*",
                   stdin=PASSWORD + "\n", environment=access_of(server))
        assert done.returncode == 0, done
        wait_until(lambda: server.query.get("/v1/users", server.root).json()["users"], 5)
        answer = server.query.post("/v1/session", {"name": "root", "password": PASSWORD})
        server.cookie = {"Cookie": answer.headers["set-cookie"].split(";")[0]}
    return server.cookie


@pytest.fixture(scope="module")
def link(server):
    """The address of a link to the site `shop`."""
    made = run("share", "add", "--site", "shop", "--name", "for the press",
               environment=access_of(server))
    assert made.returncode == 0 and re.fullmatch(r"/s/[\w-]{22}\n", made.stdout), made
    link = made.stdout.strip()
    wait_until(lambda: server.query.get(link + "/v1/session").status == 200, 5, "it is known")
    return link


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda x: x[2]["operationId"])
def test_each_operation_below_a_link(server, link, operation):
    """A link opens what is marked so, of its own site, whatever stands beside it."""
    path, method, node = operation
    shown = node.get("x-footfall-shared")
    refused = (405, "method_not_allowed") if method != "GET" else (404, "not_found")
    for headers in ({}, server.root, bearer(server.keys["ingest", "shop"]), signed_in(server)):
        status, kind = ask(server, *operation, headers, link=link)
        told = status, kind.rpartition(":")[2]
        assert told == ((200, "") if shown else refused), (headers, told)
    if shown and takes_site(node):
        assert ask(server, *operation, {}, site="default", link=link)[0] == 403
        assert ask(server, *operation, {}, site="shop", link=link)[0] == 200
    status, kind = ask(server, *operation, server.root, link=link[:-4] + "AAAA")
    assert (status, kind.rpartition(":")[2]) == ((404, "no_share") if shown else refused)


def test_a_link_shows_its_site_and_no_user(server, link):
    for page, key in (("/shared", ("ingest", "shop")), ("/not-shared", ("ingest", "default"))):
        click = {**CLICK, "page_url": page, "user_id": "somebody-private"}
        assert server.ingest.post("/v1/events", click, bearer(server.keys[key])).status == 200
    wait_until(lambda: "/shared" in server.query.get(link + "/v1/stats/top-pages").text, 5)
    told = [server.query.get(link + path, **more) for path, more in (
        ("/v1/stats/top-pages", {}), ("/v1/stats/summary", {}), ("/v1/stats/active", {}),
        ("/v1/stats/page", {"page_url": "/shared"}), ("/v1/stats/series", {"range": "today"}))]
    assert [x.status for x in told] == [200] * 5
    assert not [x for x in told if "not-shared" in x.text or "somebody-private" in x.text]
    assert server.query.get(link + "/v1/session").json() == {
        "asks": True, "signed_in": True, "role": "share", "site": "shop", "is_global_admin": False}
    page = server.query.get(link)
    assert page.status == 200 and "text/html" in page.headers["content-type"]
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    # What is in its address opens nothing elsewhere.
    token = link.removeprefix("/s/")
    assert server.query.get("/v1/stats/top-pages", bearer(token)).status == 401
    assert server.admin.get(link + "/v1/session").status in (401, 404)
    assert server.ingest.get(link + "/v1/session").status in (401, 404)
    traced = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    assert server.query.get(link + "/v1/stats/summary", traced).status == 200
    assert server.query.get(link[:-4] + "AAAA/v1/stats/summary", traced).status == 404
    assert server.query.get(link + "/v1/session", site="a-site-that-is-long").status == 400
    wait_until(lambda: "/s/{token}/v1/stats/summary: 200" in server.stderr(), 5)
    assert token not in server.stderr() and "/s/{token}/v1/stats/summary: 404" not in \
        server.stderr()


def test_a_link_ends_with_its_streams(server):
    made = run("share", "add", "--site", "shop", "--json", environment=access_of(server))
    made = json.loads(made.stdout)
    link = "/s/" + made["key"]
    assert made["row"] | {"created_at": ""} == {
        "id": made["row"]["id"], "site": "shop", "role": "share", "state": "active", "name": "",
        "rate": 100, "created_at": ""}
    wait_until(lambda: server.query.get(link + "/v1/session").status == 200, 5, "it is known")
    listed = run("share", "list", environment=access_of(server)).stdout
    assert made["row"]["id"] in listed and made["key"] not in listed, listed
    assert made["row"]["id"] not in run("key", "list", environment=access_of(server)).stdout
    stream = Stream(server.address("query"), "summary", path=link + "/v1/live", timeout=10)
    stream.until("summary")
    done = run("share", "rm", made["row"]["id"], environment=access_of(server))
    assert done.returncode == 0 and done.stdout.startswith("link "), done
    assert [x.name for x in stream.events()][-1:] == ["bye"]
    for path in ("/v1/session", "/v1/stats/summary"):
        answer = server.query.get(link + path)
        assert answer.status == 404 and answer.json()["type"].endswith("no_share"), answer
    assert run("share", "rm", "nothing", environment=access_of(server)).returncode == 1
    assert run("share", "add", "--site", "nowhere", environment=access_of(server)).returncode == 1
    refused = server.query.post("/v1/keys", {"site": "*", "role": "share"}, server.root)
    assert refused.status == 400, refused


def test_where_nobody_is_asked_for_a_key_there_is_no_link():
    with Server("--auth", "off") as server:
        answer = server.query.get("/s/" + "a" * 22 + "/v1/stats/summary")
        assert answer.status == 404 and answer.json()["type"].endswith("no_share"), answer
