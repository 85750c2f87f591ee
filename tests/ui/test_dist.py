"""ui/dist, which the program takes in, is what ui/src makes, and small."""
import gzip
import re
import subprocess

from footfall import ROOT, Server

FIRST_LOAD = 60 * 1024


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


def test_a_first_visit_loads_little():
    with Server() as server:
        def size(path: str) -> tuple[int, str]:
            answer = server.query.get(path, {"Accept-Encoding": "gzip"})
            packed = "content-encoding" in answer.headers
            text = gzip.decompress(answer.body) if packed else answer.body
            return len(answer.body), text.decode()

        sent, index = size("/")
        for path in re.findall(r'(?:src|href)="(/assets/[^"]+)"', index):
            sent += size(path)[0]
    print(f"first load: {sent} bytes")
    assert sent <= FIRST_LOAD


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
