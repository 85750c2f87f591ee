"""Imports that meet trouble: on the way in, at the end of a file, at the node."""
import subprocess
import time

import pytest

from footfall import BINARY, PATIENCE, Server, run, wait_until
from importing import Following, Site, line_of, summary


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
