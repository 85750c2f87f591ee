"""Imports that meet trouble: on the way in, at the end of a file, at the node."""
import subprocess
import time

import pytest

from footfall import BINARY, PATIENCE, Server, run, wait_until
from importing import Following, Site, line_of, summary
from stopped import (await_total, command, copy_database, post_all, server_on_fixed_ports,
                     settled, stopped, total)


@pytest.fixture(scope="module")
def node():
    with Server() as server:
        yield server


@pytest.fixture
def site(node, request):
    return Site.of_test(node, request)


LINE = '192.0.2.1 - - [10/Oct/2025:13:01:{:02} +0000] "GET /{} HTTP/1.1" 200 1\n'
EVENT = '{{"event_id":"e{0}","user_id":"u","event_type":"click","page_url":"/{0}"}}\n'


class Piped:
    """`footfall import -` that is fed bit by bit."""

    def __init__(self, site, *options):
        self.process = subprocess.Popen(
            [BINARY, "import", "-", "--site", site.name, "--to", site.server.url("ingest"),
             *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def feed(self, write):
        write(self.process.stdin)
        out, errors = self.process.communicate(timeout=20 * PATIENCE)
        return subprocess.CompletedProcess([], self.process.returncode, out, errors)


def test_one_event_with_a_mark_and_no_newline_counts(site):
    for text in (EVENT.format(1), EVENT.format(2).strip(), EVENT.format(3).replace("\n", "\r")):
        assert summary(site.load("-", stdin="\ufeff" + text))["accepted"] == "1"
    site.holds({"/1": 1, "/2": 1, "/3": 1})


def test_a_last_line_is_the_same_with_and_without_its_line_end(site):
    line = LINE.format(0, "a").strip()
    for text in ("\ufeff" + line, line + "\r", line, line + "\r\n", line + "\n"):
        assert summary(site.load("-", "--final", stdin=text))["accepted"] == "1"
    site.holds({"/a": 1})


NOISE = '{"level":"info","msg":"starting nginx"}\n'
FIELDS = "#Fields: date time c-ip cs-method cs-uri-stem\n"
ROW = "2025-10-10 13:01:0{0} 192.0.2.1 GET /{0}\n"


@pytest.mark.parametrize("parts, refused", [
    ([NOISE, *(LINE.format(n, n) for n in range(3))], "1"),
    ([LINE.format(0, 0), *(EVENT.format(n) for n in range(1, 4))], "0"),
    ([NOISE * 2, FIELDS, *(ROW.format(n) for n in range(3))], "2"),
    ([ROW.format(9), FIELDS, *(ROW.format(n) for n in range(3))], "1"),
    ([NOISE, "\n", LINE.format(0, 0) + NOISE * 3 + "".join(LINE.format(n, n) for n in range(1, 7))],
     "4")],
    ids=["access", "events after a line of another", "w3c", "w3c cut at its start", "mixed"])
def test_lines_that_come_slowly_decide_the_format_together(site, parts, refused):
    def slowly(stdin):
        for part in parts:
            stdin.write(part)
            stdin.flush()
            time.sleep(0.25)

    said = summary(Piped(site).feed(slowly))
    assert said["refused"] == refused
    assert int(said["accepted"]) + int(refused) + int(said.get("blank", 0)) \
        + int(said.get("directives", 0)) == int(said["lines"])
    assert sum(site.settled().pages().values()) == int(said["accepted"]) >= 3


def test_more_files_than_a_process_may_open(site, tmp_path):
    files = [tmp_path / f"{n}.log" for n in range(100)]
    for n, file in enumerate(files):
        file.write_text(LINE.format(n % 60, n))
    done = subprocess.run(
        ["bash", "-c", 'ulimit -n 40; exec "$0" "$@"', BINARY, "import", *files, "--site",
         site.name, "--to", site.server.url("ingest")], capture_output=True, text=True)
    assert done.returncode == 0, done
    site.holds({f"/{n}": 1 for n in range(100)})


def test_nothing_is_imported_when_a_file_cannot_be_read(site, tmp_path):
    good = tmp_path / "good.log"
    good.write_text(LINE.format(0, "a"))
    for bad in (tmp_path / "none.log", tmp_path):
        done = site.load(good, bad, wanted=2)
        assert f"cannot read {bad}: " in done.stderr and done.stdout == ""
    assert site.settled().pages() == {}


def test_the_file_of_refused_lines_is_never_the_log(site, tmp_path):
    log, link = tmp_path / "access.log", tmp_path / "link.log"
    text = "no log line\n" + LINE.format(0, "a")
    log.write_text(text)
    link.symlink_to(log)
    for file in (log, link):
        with open(log, "rb") as stdin:
            done = subprocess.run([BINARY, "import", "-", "--refused", file, "--to",
                                   site.server.url("ingest")], stdin=stdin, capture_output=True)
        assert done.returncode == 2 and b"is the file to be imported" in done.stderr
        site.load(log, "--refused", file, wanted=2)
    assert log.read_text() == text


def test_the_refused_lines_of_an_earlier_run_go_when_this_one_has_begun(site, tmp_path):
    kept, log = tmp_path / "kept.log", tmp_path / "access.log"
    kept.write_text("of an earlier run\n")
    log.write_text(LINE.format(0, "a"))
    site.load(tmp_path / "none.log", "--refused", kept, wanted=2)
    done = run("import", str(log), "--refused", str(kept), "--to", "http://127.0.0.1:1")
    assert done.returncode == 3
    assert kept.read_text() == "of an earlier run\n"
    site.load(log, "--refused", kept)
    assert kept.read_text() == ""
    for text in ("x\n", "y\n"):
        site.load("-", "--refused", kept, stdin=text, wanted=1)
        assert kept.read_text() == text
    assert site.load(log, "--refused", tmp_path / "none" / "kept.log", wanted=2).stdout == ""


@pytest.mark.parametrize("options, taken", [([], 0), (["--final"], 1)])
def test_follow_and_final_take_the_last_line_when_they_end(site, tmp_path, options, taken):
    log = tmp_path / "access.log"
    log.write_text(line_of(1) + line_of(2).strip())
    with Following(site, log, *options) as following:
        wait_until(lambda: site.pages().get("/f") == 1, what="the first line is counted")
        time.sleep(0.3)
        done = following.interrupt()
    assert done.returncode == 0, done
    assert summary(done).get("left", "0") == str(1 - taken)
    site.holds({"/f": 1 + taken})


@pytest.fixture
def half_stopped(tmp_path):
    """A server of which one partition is stopped: its log is older than its store there."""
    with server_on_fixed_ports() as server:
        server.launch()
        server.await_ready()
        post_all(server, range(40))
        await_total(server, 40)
        copy_database(server.data / "log.db", tmp_path / "data/log.db")
        post_all(server, range(40, 4000, 40))
        await_total(server, 139)
        copy_database(server.data / "store.db", tmp_path / "data/store.db")
        server.terminate()
        server.data = tmp_path / "data"
        server.launch()
        settled(server)
        assert len(stopped(server)) == 1
        yield server


def new_lines(count: int) -> str:
    """Of the pages that `click` has, so of all partitions."""
    return "".join(f'192.0.2.1 - - [10/Oct/2025:{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02} '
                   f'+0000] "GET /p/{n % 40} HTTP/1.1" 200 1\n' for n in range(count))


def test_a_stopped_partition_does_not_keep_the_others_from_an_import(half_stopped, tmp_path):
    server, log = half_stopped, tmp_path / "access.log"
    log.write_text(new_lines(4000))
    words = ["import", str(log), "--to", server.url("ingest"), "--patience"]
    done = run(*words, "1")
    assert done.returncode == 1 and "stopped partition" in done.stderr, done
    said = summary(done)
    accepted, unsent = int(said["accepted"]), int(said["unsent"])
    assert accepted + unsent == int(said["lines"]) == 4000
    assert accepted >= 1000 and unsent >= 100 and said["new"] == str(accepted)
    await_total(server, 139 + accepted)
    with subprocess.Popen([BINARY, *words, "30"], stdout=subprocess.PIPE, text=True) as again:
        time.sleep(1)
        assert again.poll() is None, "it waits for the partition to go on"
        assert command(server, "partitions", "--new-generation", "--yes").returncode == 0
        out = again.communicate(timeout=60 * PATIENCE)[0]
    assert again.returncode == 0 and "unsent" not in out, out
    await_total(server, 139 + 4000)


def test_follow_goes_on_beside_a_stopped_partition(half_stopped, tmp_path):
    server, log = half_stopped, tmp_path / "access.log"
    log.write_text(new_lines(80))
    with Following(Site(server, "default"), log, "--patience", "1") as following:
        wait_until(lambda: total(server) > 139, what="lines of other partitions are counted")
        time.sleep(2)  # Longer than its patience.
        before = total(server)
        with open(log, "a") as file:
            file.write(new_lines(120)[len(new_lines(80)):])
        wait_until(lambda: total(server) > before, what="so are later ones")
        assert command(server, "partitions", "--new-generation", "--yes").returncode == 0
        wait_until(lambda: total(server) == 139 + 120, 20, "those set aside are tried again")
        done = following.interrupt()
    assert done.returncode == 0, done
    assert summary(done)["accepted"] == "120" and "unsent" not in done.stdout


def test_the_rows_add_up_when_the_node_goes_away():
    with Server() as server:
        site = Site(server, "default")

        def before_and_after(stdin):
            stdin.write("".join(LINE.format(n, n) for n in range(3)))
            stdin.flush()
            site.holds({"/0": 1, "/1": 1, "/2": 1})
            server.kill9()
            stdin.write("".join(LINE.format(n, n) for n in range(3, 8)))

        done = Piped(site, "--patience", "1").feed(before_and_after)
    said = summary(done)
    assert done.returncode == 3
    assert (said["lines"], said["accepted"], said["unsent"]) == ("8", "3", "5")


def test_the_rows_add_up_when_an_import_never_reaches_a_node(tmp_path):
    (tmp_path / "log").write_text(new_lines(50))
    done = run("import", str(tmp_path / "log"), "--to", "http://127.0.0.1:1")
    said = summary(done)
    assert done.returncode == 3
    assert (said["lines"], said["accepted"], said["unsent"]) == ("50", "0", "50")
