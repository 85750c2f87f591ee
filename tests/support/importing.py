"""Imports into a site of its own, on a server that several tests share."""
from __future__ import annotations

import pathlib
import signal
import subprocess

from footfall import BINARY, PATIENCE, ROOT, run, wait_until

DATA = ROOT / "tests/data/import"


class Site:
    """A site of its own for each test, on the one server."""

    def __init__(self, server, name):
        self.server, self.name = server, name

    @classmethod
    def of_test(cls, server, request):
        return cls(server, "t" + str(abs(hash(request.node.name)) % 10**12))

    def load(self, *arguments, stdin=b"", wanted=0):
        words = [str(DATA / x) if (DATA / str(x)).is_file() else str(x) for x in arguments]
        done = run("import", *words, "--site", self.name, "--to", self.server.url("ingest"),
                   stdin=stdin)
        assert done.returncode == wanted, done
        return done

    def pages(self) -> dict[str, int]:
        answer = self.server.query.get("/v1/stats/top-pages", limit=1000, site=self.name)
        assert answer.status == 200, answer
        return {row["page_url"]: row["clicks"] for row in answer.json()["pages"]}

    def users(self, page) -> dict[str, int]:
        answer = self.server.query.get("/v1/stats/users", page_url=page, limit=1000,
                                       site=self.name)
        return {row["user_id"]: row["clicks"] for row in answer.json()["users"]}

    def settled(self):
        """All that was acknowledged so far is counted."""
        mark = self.server.ingest.post("/v1/events?site=mark", [
            {"user_id": "u", "event_type": "t", "page_url": f"/{n}"} for n in range(100)])
        self.server.query.get("/v1/stats/top-pages", site=self.name,
                              headers={"Footfall-After": mark.headers["footfall-position"]})
        return self

    def holds(self, wanted: dict[str, int]):
        wait_until(lambda: sum(self.pages().values()) >= sum(wanted.values()),
                   what=f"{wanted} are counted")
        assert self.settled().pages() == wanted


def summary(done) -> dict[str, str]:
    return dict(line.split(None, 1) for line in done.stdout.splitlines()
                if not line.startswith("refused    ") or line.split()[1].isdigit())


def data(*names: str) -> bytes:
    return b"".join((DATA / name).read_bytes() for name in names)


def line_of(n: int) -> str:
    return (f'192.0.2.1 - - [10/Oct/2025:13:{n // 60:02}:{n % 60:02} +0000] '
            f'"GET /f HTTP/1.1" 200 1 "-" "UA"\n')


def append(log: pathlib.Path, *numbers: int) -> None:
    with open(log, "a") as file:
        file.write("".join(map(line_of, numbers)))


class Following:
    """`footfall import --follow` in the background."""

    def __init__(self, site, log, *options):
        self.site = site
        self.process = subprocess.Popen(
            [BINARY, "import", str(log), "--follow", "--site", site.name, "--to",
             site.server.url("ingest"), *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        out, errors = self.process.communicate(timeout=20 * PATIENCE)
        return subprocess.CompletedProcess([], self.process.returncode, out, errors)
