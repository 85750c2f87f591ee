"""Public counters: which pages show their counts to anybody, in which form, and how it ends."""
import json
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree

import pytest

from footfall import Server, access_of, run, wait_until
from test_access import CLICK, bearer, locked
from test_openapi import DOCUMENT, Operation

OPERATIONS = {name: Operation(f"/c/{{site}}/{{page}}.{name}", "get",
                              DOCUMENT["paths"][f"/c/{{site}}/{{page}}.{name}"]["get"])
              for name in ("json", "svg")}
PAGES = ("/blog/1", "/blog/a b+c?d=é", "/private")


@pytest.fixture(scope="module")
def server():
    with locked() as one:
        for page in PAGES:
            for user in ("ada", "bob", "ada"):
                click = {**CLICK, "page_url": page, "user_id": user}
                answer = one.ingest.post("/v1/events", click, bearer(one.keys["ingest", "shop"]))
                assert answer.status == 200, answer
        yield one


def show(server, *arguments: str) -> dict:
    made = run("counter", "add", "--json", *arguments, environment=access_of(server))
    assert made.returncode == 0, made
    return json.loads(made.stdout)


def counter(server, page: str, form: str = "json", site: str = "shop", **headers):
    answer = server.query.get(f"/c/{site}/{urllib.parse.quote(page, safe='')}.{form}", headers)
    OPERATIONS[form].check(answer)
    assert answer.headers["access-control-allow-origin"] == "*", answer
    return answer


def test_a_counter_shows_its_pages_to_anybody(server):
    assert counter(server, "/blog/1").status == 404
    made = show(server, "--site", "shop", "/blog/*")
    assert made["key"] == "/c/shop/" and made["row"]["name"] == "/blog/*"
    wait_until(lambda: counter(server, "/blog/1").status == 200, 5, "it is known within 5 s")
    for page in PAGES[:2]:
        wait_until(lambda page=page: counter(server, page).json()["count"] == 3, 10)
        answer = counter(server, page, Origin="https://blog.example",
                         **{"Sec-Fetch-Site": "cross-site"})
        assert answer.json() | {"as_of": ""} == {"count": 3, "visitors": 2, "as_of": ""}
        assert answer.headers["cache-control"] in [
            f"public, max-age={x}" for x in (1, 2, 3, 4, 5)], answer
    assert counter(server, "/blog/none").json()["count"] == 0
    for page, site in (("/private", "shop"), ("/blog", "shop"), ("/blog/1", "default"),
                       ("/blog/1", "none")):
        answer = counter(server, page, site=site)
        assert answer.status == 404 and answer.json()["type"].endswith("no_counter"), answer
    listed = run("counter", "list", environment=access_of(server)).stdout
    assert made["row"]["id"] in listed and "/blog/*" in listed
    for other in ("key", "share"):
        assert made["row"]["id"] not in run(other, "list", environment=access_of(server)).stdout
    assert run("share", "rm", made["row"]["id"], environment=access_of(server)).returncode == 1
    assert run("key", "rotate", made["row"]["id"], environment=access_of(server)).returncode == 1


def test_the_picture_says_the_number_and_nothing_else(server):
    show(server, "--site", "shop", "/blog/1")
    wait_until(lambda: counter(server, "/blog/1", "svg").status == 200, 5)
    wait_until(lambda: "3 clicks" in counter(server, "/blog/1", "svg").text, 10)
    answer = counter(server, "/blog/1", "svg")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    root = ElementTree.fromstring(answer.text)
    names = {x.tag.rpartition("}")[2] for x in root.iter()}
    assert names == {"svg", "title", "rect", "text"}
    assert {x.text for x in root.iter() if x.text} == {"3 clicks"}
    assert root.attrib["aria-label"] == "3 clicks"


def test_an_answer_is_remembered_for_five_seconds(server):
    show(server, "--site", "shop", "/told")
    wait_until(lambda: counter(server, "/told").status == 200, 5)
    first = counter(server, "/told").json()
    click = {**CLICK, "page_url": "/told"}
    server.ingest.post("/v1/events", click, bearer(server.keys["ingest", "shop"]))
    wait_until(lambda: counter(server, "/told").json()["count"] == 1, 5.5)
    assert counter(server, "/told").json()["as_of"] > first["as_of"]


def test_a_counter_has_a_rate_and_an_end(server):
    made = server.query.post("/v1/keys", {"site": "shop", "role": "counter", "name": "/rate/*",
                                          "rate": 1}, server.root).json()
    wait_until(lambda: counter(server, "/rate/0").status == 200, 5)
    told = [counter(server, f"/rate/{i}") for i in range(1, 20)]
    assert {x.status for x in told} == {200, 429}, told
    refused = next(x for x in told if x.status == 429)
    assert refused.json()["type"].endswith("overloaded") and "counter" in refused.json()["detail"]
    assert refused.headers["retry-after"]
    # What is remembered costs none.
    assert [counter(server, "/rate/0").status for _ in range(50)] == [200] * 50
    done = run("counter", "rm", made["row"]["id"], environment=access_of(server))
    assert done.returncode == 0, done
    wait_until(lambda: counter(server, "/rate/0").status == 404, 5, "it ends within 5 s")


def test_the_old_number_does_while_the_rate_is_used_up(server):
    server.query.post("/v1/keys", {"site": "shop", "role": "counter", "name": "/old/*", "rate": 1},
                      server.root)
    wait_until(lambda: counter(server, "/old/1").status == 200, 5)
    began = time.monotonic()
    while time.monotonic() < began + 6:  # Others leave nothing of the rate.
        counter(server, f"/old/{time.monotonic_ns()}")
        assert counter(server, "/old/1").status == 200


def test_no_page_becomes_live_for_who_invents_addresses():
    with locked("--live-pages-max", "40") as server:
        def live() -> set[str]:
            answer = server.admin.get("/actors", server.root, name="page_aggregator", limit=1000)
            return {x["key"] for x in answer.json()["actors"] if x["name"] == "page_aggregator"}

        show(server, "--site", "shop", "/once*")
        key = bearer(server.keys["ingest", "shop"])
        for i in range(60):  # Where there is not much room, one click makes no page live.
            click = {**CLICK, "page_url": f"/once{i}"}
            assert server.ingest.post("/v1/events", click, key).status == 200
        wait_until(lambda: counter(server, "/once0").status == 200, 5)
        before = live()
        asked = [counter(server, f"/once{i}").json()["count"] for i in range(60)]
        assert asked == [1] * 60 and 0 < len(before) < 40, (asked, before)
        assert live() == before
        for i in range(60):
            assert server.query.get("/v1/stats/page", server.root, site="shop",
                                    page_url=f"/once{i}").json()["clicks"] == 1
        assert len(live()) == 40  # Questions with a key do.


@pytest.fixture(scope="module")
def all_of_blog(server):
    made = server.query.post("/v1/sites", {"site": "open"}, server.root)
    assert made.status == 200, made
    show(server, "--site", "open", "*")
    wait_until(lambda: counter(server, "x", site="open").status == 200, 5)


@pytest.mark.parametrize("target, status, kind", [
    ("/c/open/x", 404, "not_found"), ("/c/open/.json", 404, "not_found"),
    ("/c/open", 404, "not_found"), ("/c/", 404, "not_found"), ("/c//x.json", 404, "not_found"),
    ("/c/open/%zz.json", 404, "not_found"), ("/c/open/x.json?a=1", 400, "invalid_argument"),
    ("/c/open/%00.json", 400, "invalid_argument"), ("/c/open/%ff.json", 400, "invalid_argument"),
    ("/c/%2e%2e/x.json", 404, "no_counter"), ("/c/OPEN/x.json", 404, "no_counter"),
    ("/c/open/" + "x" * 3000 + ".svg", 400, "invalid_argument"),
])
def test_what_is_no_counter(server, all_of_blog, target, status, kind):
    answer = server.query.get(target)
    assert (answer.status, answer.json()["type"].rpartition(":")[2]) == (status, kind), answer
    late = server.query.get("/c/open/x.json", {"Footfall-After": "0:1"})
    assert late.status == 400, late


def test_a_head_is_answered_and_nothing_else(server, all_of_blog):
    head = server.query.request("HEAD", "/c/open/x.svg")
    assert head.status == 200 and head.body == b"" and int(head.headers["content-length"]) > 100
    answer = server.query.request("POST", "/c/open/x.svg", body=b"{}")
    assert answer.status == 405 and answer.headers["allow"] == "GET, HEAD", answer


@pytest.mark.parametrize("body, words", [
    ({"site": "*", "role": "counter", "name": "/x"}, "one site"),
    ({"site": "shop", "role": "counter"}, "the page is missing"),
    ({"site": "shop", "role": "counter", "name": "/a*b"}, "at the end"),
    ({"site": "shop", "role": "counter", "name": "/" + "x" * 128}, "what it begins with"),
    ({"site": "shop", "role": "counter", "name": "/x", "rate": 0}, "1 or more"),
])
def test_wrong_counters_are_refused(server, body, words):
    answer = server.query.post("/v1/keys", body, server.root)
    assert answer.status == 400 and words in answer.json()["detail"], answer
    if "rate" not in body:
        done = run("counter", "add", "--site", body["site"], body.get("name", ""),
                   environment=access_of(server))
        assert done.returncode == 2 and words in done.stderr, done


def test_where_nobody_is_asked_for_a_key_there_is_no_counter():
    with Server("--auth", "off") as server:
        answer = server.query.get("/c/default/x.json")
        assert answer.status == 404 and answer.json()["type"].endswith("no_counter"), answer
