"""ui/dist, which the program takes in, is what ui/src makes, and small."""
import gzip
import re
import subprocess

import pytest

from browser import Screen, chromium
from footfall import ROOT, Server

# What a first visit may load in all, and what of it may not be a chart's.
FIRST_LOAD = 60 * 1024
WITHOUT_CHART = 40 * 1024
CHARTED = ["/", "/page?u=/pricing"]
PLAIN = ["/page", "/live", "/actors", "/system", "/try", "/settings"]


@pytest.fixture(scope="module")
def browser():
    with chromium() as x:
        yield x


def test_the_sources_make_what_is_committed():
    done = subprocess.run([ROOT / "scripts/ui", "--compare"], capture_output=True, text=True,
                          timeout=500)
    assert done.returncode == 0, done.stderr[-4000:]


def test_files_are_served_as_they_are_packed_and_known_again():
    files = [x for x in (ROOT / "ui/dist").rglob("*") if x.is_file()]
    with Server() as server:
        for file in files:
            path = "/" + str(file.relative_to(ROOT / "ui/dist"))
            plain = server.query.get(path)
            assert plain.status == 200 and plain.body == file.read_bytes(), path
            packed = server.query.get(path, {"Accept-Encoding": "br, gzip;q=0.8"})
            if "content-encoding" in packed.headers:
                assert gzip.decompress(packed.body) == plain.body
            refused = server.query.get(path, {"Accept-Encoding": "gzip;q=0"})
            assert "content-encoding" not in refused.headers
            again = server.query.get(path, {"If-None-Match": plain.headers["etag"]})
            assert again.status == 304 and again.body == b""
            lasting = "immutable" in plain.headers["cache-control"]
            assert lasting == path.startswith("/assets/")
            for name, value in (("x-content-type-options", "nosniff"),
                                ("referrer-policy", "no-referrer"),
                                ("cross-origin-opener-policy", "same-origin")):
                assert plain.headers[name] == value
            assert "'unsafe" not in plain.headers["content-security-policy"]
        head = server.query.request("HEAD", "/")
        assert head.status == 200 and head.body == b""
        for missing in ("/nothing", "/assets/nothing.js", "/index.htm", "//evil.example/",
                        "/nowhere", "/assets/../index.html"):
            assert server.query.get(missing).status in (400, 404), missing
        assert server.query.post("/", b"").status in (404, 405)


def sent_size(server: Server, path: str) -> int:
    return len(server.query.get(path, {"Accept-Encoding": "gzip"}).body)


def fetched(browser, server: Server, path: str) -> set[str]:
    """What a browser that was never there fetches of the dashboard for a screen."""
    screen = Screen(browser, server.url("query")).open(path)
    if path in CHARTED:
        screen.page.locator(".chart-box canvas").wait_for()
    screen.page.wait_for_timeout(500)
    urls = screen.page.evaluate(
        "performance.getEntriesByType('resource').map(x => new URL(x.name).pathname)")
    assert not screen.faults, screen.faults
    screen.close()
    named = re.findall(r'(?:src|href)="(/assets/[^"]+)"', server.query.get("/").text)
    return {"/", *named, *(x for x in urls if x.startswith("/assets/"))}


def test_a_first_visit_loads_little(browser):
    with Server() as server:
        clicks = {"user_id": "ada", "event_type": "click", "page_url": "/pricing"}
        assert server.ingest.post("/v1/events", clicks).status == 200
        actor = server.query.get("/v1/system/actors").json()["actors"][0]["id"]
        for path in [*CHARTED, *PLAIN, f"/actors/{actor}"]:
            sizes = {x: sent_size(server, x) for x in fetched(browser, server, path)}
            chart = sum(size for x, size in sizes.items() if "/plot-" in x)
            total = sum(sizes.values())
            print(f"first visit of {path}: {total} bytes, {chart} of them for its chart")
            assert total <= FIRST_LOAD, sizes
            assert total - chart <= WITHOUT_CHART, sizes
            assert (chart > 0) == (path in CHARTED), sizes


def test_the_dashboard_can_be_left_out():
    with Server("--ui", "off") as server:
        assert server.query.get("/").status == 404
        assert server.query.get("/v1/system").status == 200


def test_every_screen_has_an_address_that_is_served():
    source = (ROOT / "ui/src/main.tsx").read_text()
    paths = re.findall(r"case '(/[a-z]*)'", source)
    assert "/" in paths and "/try" in paths
    with Server() as server:
        for path in [*paths, "/actors/17", "/actors/n1/17"]:
            answer = server.query.get(path)
            assert answer.status == 200 and b'id="app"' in answer.body, path
