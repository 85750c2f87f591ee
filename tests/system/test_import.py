"""Logs of real servers through the real program: what counts, and once only. The files in
tests/data/import stand for what users of such programs ran into."""
import gzip
import os
import signal
import subprocess

import pytest

from footfall import BINARY, PATIENCE, Server, run, wait_until
from importing import Following, Site, append, data, line_of, summary


@pytest.fixture(scope="module")
def node():
    with Server() as server:
        yield server


@pytest.fixture
def site(node, request):
    return Site.of_test(node, request)


def zstd(text: bytes) -> bytes:
    """Frames of one raw block each, as RFC 8878 has them."""
    frames = []
    for at in range(0, len(text), 200):
        part = text[at:at + 200]
        frames.append(b"\x28\xb5\x2f\xfd\x20" + bytes([len(part)])
                      + (len(part) << 3 | 1).to_bytes(3, "little") + part)
    return b"".join(frames)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_rotated_log_counts_once_in_any_order_name_and_packing(site, order, tmp_path):
    names = ["rotated-old.log", "rotated-new.log"]
    names = [names[i] for i in order]
    for name in names:
        site.load(name)
    site.holds({"/cat": 4})
    site.load("-", stdin=data(*names))
    site.load("-", stdin=gzip.compress(data(names[0])) + gzip.compress(data(names[1])))
    (tmp_path / "access.log.1").write_bytes(data(*names))
    site.load(tmp_path / "access.log.1")
    site.load(*names)
    site.load("-", stdin=zstd(data(*names)))
    site.holds({"/cat": 4})


@pytest.mark.parametrize("files", [
    ["grown.log", "grown-tail.log"], ["grown-tail.log", "grown.log"],
    ["grown-tail.log", "grown.log", "grown-tail.log"]], ids=" ".join)
def test_a_log_and_its_tail_count_once(site, files):
    for file in files:
        site.load(file)
    site.holds({"/rot": 6})


def test_identical_lines_count_each_and_the_same_in_every_piece(site, tmp_path):
    line = '192.0.2.1 - - [10/Oct/2025:13:01:00 +0000] "GET /a HTTP/1.1" 200 1 "-" "UA"\n'
    other = line.replace("/a", "/b")
    for text in (line, line * 2 + other, other + line * 3, line * 3 + other, line):
        (tmp_path / "log").write_text(text)
        site.load(tmp_path / "log")
    site.holds({"/a": 3, "/b": 1})


def test_a_line_that_is_still_being_written_is_left_for_the_next_run(site, tmp_path):
    log = tmp_path / "access.log"
    log.write_bytes(data("half-line.log"))
    assert summary(site.load(log))["left"] == "1"
    log.write_bytes(data("half-line-finished.log"))
    site.load(log)
    site.load("gzip.log.gz")
    site.holds({"/g1": 1, "/products/blue-chair": 1})


@pytest.mark.parametrize("way", ["file", "stdin", "gzip"])
def test_final_takes_a_last_line_without_newline(site, way, tmp_path):
    text = data("half-line-finished.log").rstrip(b"\n")
    file = tmp_path / "log"
    file.write_bytes(gzip.compress(text) if way == "gzip" else text)
    name = "-" if way == "stdin" else file
    stdin = text if way == "stdin" else b""
    assert summary(site.load(name, stdin=stdin))["left"] == "1"
    site.holds({"/g1": 1})
    site.load(name, "--final", stdin=stdin)
    site.holds({"/g1": 1, "/products/blue-chair": 1})


def test_the_summary_tells_new_from_already_there(site, tmp_path):
    said = summary(site.load("grown-tail.log"))
    assert (said["accepted"], said["new"], said["already"]) == ("4", "4", "0")
    said = summary(site.load("grown.log"))
    assert (said["accepted"], said["new"], said["already"]) == ("6", "2", "4")
    log = tmp_path / "log"
    log.write_text("".join(f'192.0.2.{n % 200} - - [10/Oct/2025:{n // 3600:02}:{n // 60 % 60:02}:'
                           f'{n % 60:02} +0000] "GET /{n % 7} HTTP/1.1" 200 1\n'
                           for n in range(50_000)))
    for new in (50_000, 0):
        said = summary(site.load(log))
        assert (said["new"], said["already"]) == (str(new), str(50_000 - new))
        assert "untold" not in said


def test_what_nobody_remembers_is_not_told_as_new(tmp_path):
    with Server() as server:
        site = Site(server, "default")
        site.load("grown.log")
        mark = server.ingest.post("/v1/events", {"user_id": "u", "event_type": "t",
                                                 "page_url": "/rot"})
        position = mark.headers["footfall-position"]
        ask = f"/v1/applied?ranges={position}"
        wait_until(lambda: server.ingest.get(ask).json()["ranges"][0]["new"] == 1)
        server.restart()
        told = server.ingest.get(ask).json()["ranges"]
        assert told == [{"new": 0, "duplicate": 0, "waiting": 0, "forgotten": 1}]
        partition, offset = position.split(":")
        ahead = server.ingest.get(f"/v1/applied?ranges={partition}:0-{int(offset) + 5}")
        assert ahead.json()["ranges"][0]["waiting"] == 5


@pytest.mark.parametrize("ranges", ["", "0", "0:", "0:x", "0:5-4", "0:-1", "0:1,", "0:0-65536",
                                    "0:0-40000,1:0-40000", ",".join(["0:1"] * 65), "0:1-2-3"])
def test_ranges_are_read_strictly(node, ranges):
    answer = node.ingest.get("/v1/applied", ranges=ranges)
    assert answer.status == 400 and "ranges" in answer.json()["detail"]


def test_two_servers_are_told_apart_by_their_source(site):
    site.load("two-servers-a.log", "--source", "a")
    site.load("two-servers-b.log", "--source", "b")
    site.load("two-servers-a.log", "--source", "b")
    site.holds({"/same": 2})


def test_without_a_source_the_same_line_is_the_same_request(site):
    site.load("two-servers-a.log")
    site.load("two-servers-b.log")
    site.holds({"/same": 1})


@pytest.mark.parametrize("options", [[], ["--format", "combined"]], ids=["guessed", "given"])
def test_the_virtual_host_is_never_the_user(site, options):
    site.load("vhost-first.log", *options)
    site.holds({"/a": 2, "/b": 1})
    assert site.users("/a") == {"192.0.2.10": 1, "192.0.2.12": 1}
    assert site.users("/b") == {"192.0.2.11": 1}


def test_forwarded_lists_give_their_left_most_address(site):
    site.load("forwarded.log")
    site.holds({"/sample/sample1": 1, "/sample/sample2/": 1, "/sample/sample3/": 1, "/url": 2})
    users = [site.users(page) for page in site.pages()]
    assert sorted(users, key=str) == [{"192.0.2.12": 1}] * 2 + [{"192.0.2.12": 2}] + [
        {"192.0.2.13": 1}]


@pytest.mark.parametrize("file, wanted, user", [
    ("escaped-quotes.log", {'/find?q="tea"': 1, '/find?q="coffee"': 1}, "192.0.2.20"),
    ("bom.ndjson", {"/bom": 2}, None),
    ("array.json", {"/arr": 2}, "u"),
    ("gzip.log.gz", {"/g1": 1, "/products/blue-chair": 1}, "192.0.2.70"),
    ("caddy.json", {"/beta/": 1}, "192.0.2.4"),
    ("nginx-json.log", {"/x": 1}, "192.0.2.4"),
    ("iis.log", {"/foo/bar?q=1": 1}, "192.0.2.4"),
    ("cloudfront.log", {"/robots.txt": 1}, "192.0.2.149")])
def test_a_format_is_known_by_its_lines(site, file, wanted, user):
    site.load(file)
    site.load(file)
    site.holds(wanted)
    if user:
        assert all(set(site.users(page)) == {user} for page in wanted)


@pytest.mark.parametrize("file, name", [
    ("bom.ndjson", "ndjson"), ("array.json", "array"), ("caddy.json", "caddy"),
    ("nginx-json.log", "nginx"), ("iis.log", "iis"), ("cloudfront.log", "cloudfront"),
    ("rotated-old.log", "common")])
def test_a_given_format_reads_the_same(site, file, name):
    site.load(file)
    site.settled()
    pages = site.pages()
    site.load(file, "--format", name)
    site.holds(pages)


def test_the_first_line_alone_does_not_decide(site):
    done = site.load("first-line-is-not-json.ndjson", wanted=1)
    assert summary(done)["refused"] == "1" and "line 1:" in done.stdout
    site.holds({"/ft": 2})


def test_what_asks_for_no_page_is_refused_with_its_reason(site, tmp_path):
    kept = tmp_path / "refused.log"
    done = site.load("no-request.log", "--refused", kept, wanted=1)
    reasons = [line for line in done.stdout.splitlines() if line.startswith("refused    line")]
    assert [line.split(":")[0].split()[2] for line in reasons] == ["1", "2", "3", "4"]
    for line, word in zip(reasons, ("*", "begin with /", "CONNECT", "method")):
        assert word in line
    assert kept.read_bytes() == b"".join(data("no-request.log").splitlines(True)[:4])
    site.holds({"/real": 1})


def test_filters_leave_out_what_is_no_visit(site, node, request):
    noisy = Site(node, site.name + "-all")
    noisy.load("noise.log")
    noisy.settled()
    assert sum(noisy.pages().values()) == 7
    said = summary(site.load("noise.log", "--only-pages", "--skip-bots"))
    assert (said["accepted"], said["not_page"], said["bots"]) == ("1", "5", "1")
    site.holds({"/docs": 1})
    assert site.users("/docs") == {"192.0.2.1": 1}


def test_a_day_that_no_calendar_has_is_refused(site):
    line = '192.0.2.1 - - [{}/2025:13:01:00 +0000] "GET /a HTTP/1.1" 200 1 "-" "UA"\n'
    done = site.load("-", stdin="".join(map(line.format, ("31/Feb", "29/Feb", "31/Apr", "28/Feb"))),
                     wanted=1)
    assert summary(done)["refused"] == "3"
    site.holds({"/a": 1})


@pytest.mark.parametrize("content, code, said", [
    ("\ufeff{}\n".encode("utf-16"), 2, "UTF-16"),
    ('{"a":1}\n'.encode("utf-16-le"), 2, "UTF-16"),
    (b"\xfd7zXZ\0\0\0", 2, "xz -dc"),
    (b"BZh91AY&SY", 2, "bzip2"),
    (gzip.compress(data("grown.log"))[:-9], 1, "ends early"),
    (gzip.compress(data("grown.log")) + b"garbage", 1, "damaged"),
    (zstd(data("grown.log"))[:-9], 1, "ends early"),
    (data("array.json")[:-3], 1, "no end")],
    ids=["utf-16", "utf-16 without mark", "xz", "bzip2", "gzip cut", "gzip and more", "zstd cut",
         "array cut"])
def test_what_cannot_be_read_is_named(site, tmp_path, content, code, said):
    (tmp_path / "log").write_bytes(content)
    assert said in site.load(tmp_path / "log", wanted=code).stderr


@pytest.mark.parametrize("way", ["rename", "copytruncate"])
def test_follow_sends_within_a_second_and_survives_rotation(site, tmp_path, way):
    log = tmp_path / "access.log"
    append(log, 1)
    with Following(site, log) as following:
        def counted(wanted):
            wait_until(lambda: site.pages().get("/f") == wanted, 2, f"{wanted} lines are counted")
        counted(1)
        with open(log, "a") as file:
            file.write(line_of(2) + line_of(3)[:40])
            file.flush()
            counted(2)
            file.write(line_of(3)[40:])
        counted(3)
        if way == "rename":
            os.rename(log, tmp_path / "access.log.1")
            append(tmp_path / "access.log.1", 4)
            counted(4)
        else:
            (tmp_path / "access.log.1").write_bytes(log.read_bytes())
            os.truncate(log, 0)
            append(log, 4)
            counted(4)
        append(log, 5, 6)
        counted(6)
        done = following.interrupt()
    assert done.returncode == 0, done
    assert summary(done)["accepted"] == "6"
    for file in (log, tmp_path / "access.log.1"):
        site.load(file)
    site.holds({"/f": 6})


def test_ctrl_c_sends_what_is_read_and_sums_up(site):
    process = subprocess.Popen(
        [BINARY, "import", "-", "--site", site.name, "--to", site.server.url("ingest")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(data("grown.log"))
    process.stdin.flush()
    wait_until(lambda: site.pages() == {"/rot": 6}, what="a pipe's lines do not wait for more")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20 * PATIENCE)
    assert process.returncode == 1 and b"accepted   6" in out


def test_all_of_a_folder_at_once(site):
    names = ["rotated-old.log", "iis.log", "array.json", "gzip.log.gz"]
    assert summary(site.load(*names))["accepted"] == "7"
    site.holds({"/cat": 2, "/foo/bar?q=1": 1, "/arr": 2, "/g1": 1, "/products/blue-chair": 1})


def test_help_names_each_filter_and_format():
    text = run("import", "--help").stdout
    for word in ("--only-pages", "--skip-bots", "--source", "--final", "--follow", "--refused",
                 "--arrival-time", "cloudfront", "304", "Exit codes"):
        assert word in text
