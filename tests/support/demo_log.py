"""The log that the demonstration of a cluster imports, and what it counts up to."""
from __future__ import annotations

import bisect
import collections
import dataclasses
import datetime
import functools
import hashlib
import itertools
import pathlib
import random
import tempfile
from typing import Any

# Of the published log (data of elastic/examples), which anyone can recount with awk.
KNOWN = {"f15c31e905f86c7b4b6ab44aee74d0a2086dce89f010187d983edea7ef0364ef":
         [10_000, 1_753, 1_498, 7_910, 807, 546, 538, 364]}
LINES = 10_000  # of a log that is made up


@dataclasses.dataclass
class Figure:
    """One that is known beforehand, and where Footfall has it: a statement or a question."""

    name: str
    known: int
    statement: str = ""
    path: str = ""
    query: dict[str, Any] = dataclasses.field(default_factory=dict)


class DemoLog:
    """An access log, counted by its fields, as awk would: nothing of the program is used."""

    def __init__(self, path: pathlib.Path, name: str):
        self.path, self.name = path, name
        text = path.read_bytes()
        fields = [line.split() for line in text.decode().splitlines()]
        self.lines = len(fields)
        self.clicks = collections.Counter((line[6], line[0]) for line in fields)
        pages: collections.Counter = collections.Counter()
        for (page, _), clicks in self.clicks.items():
            pages[page] += clicks
        self.pages = pages
        self.top_pages = pages.most_common(3)
        known = KNOWN.get(hashlib.sha256(text).hexdigest())
        counted = [figure.known for figure in self.figures()]
        assert known in (None, counted), f"{path} is counted wrongly: {counted}, not {known}"

    @classmethod
    def of(cls, path: pathlib.Path | None) -> "DemoLog":
        return cls(path, path.name) if path else cls(_made_up(), "a made-up log")

    def figures(self) -> list[Figure]:
        (page, user), most = self.clicks.most_common(1)[0]
        users = {name for _, name in self.clicks}
        out = [
            Figure("lines", self.lines, "SELECT sum(click_count) FROM page_clicks"),
            Figure("client addresses", len(users),
                   "SELECT count(DISTINCT user_id) FROM page_clicks"),
            Figure("pages", len(self.pages), "SELECT count(*) FROM page_totals"),
            Figure("pairs of both", len(self.clicks), "SELECT count(*) FROM page_clicks")]
        out += [Figure(name, clicks, path="/v1/stats/page", query={"page_url": name})
                for name, clicks in self.top_pages]
        out.append(Figure(f"{user} on {page}", most, path="/v1/stats/count",
                          query={"user_id": user, "page_url": page}))
        return out


@functools.cache
def _folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="footfall-log-")


def _made_up() -> pathlib.Path:
    """Some pages and visitors are most of it, and some lines are identical."""
    chance = random.Random(7)
    sums = list(itertools.accumulate(1 / (rank + 1) for rank in range(1_500)))

    def pick() -> int:
        return bisect.bisect(sums, chance.random() * sums[-1])

    at = datetime.datetime(2026, 1, 5, 9, tzinfo=datetime.timezone.utc)
    path = pathlib.Path(_folder().name) / "access.log"
    with path.open("w") as file:
        for _ in range(LINES):
            at += datetime.timedelta(seconds=chance.randrange(10))
            visitor, page = pick(), pick()
            file.write(f'192.0.{visitor // 200}.{visitor % 200 + 1} - - '
                       f'[{at:%d/%b/%Y:%H:%M:%S +0000}] "GET /articles/{page} HTTP/1.1" 200 '
                       f'{1_000 + page} "-" "Mozilla/5.0"\n')
    return path
