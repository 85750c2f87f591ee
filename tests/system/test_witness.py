"""That who looks at a cluster under faults notices what may not be."""
import collections
import http.server
import json
import threading
import time

import pytest

from footfall import Client
from journal import ACCEPTED, UNKNOWN
from witness import Look, TimedJournal, Witness

PAIR = ("/a", "ann")


def event(name: str) -> dict:
    return {"event_id": name, "page_url": PAIR[0], "user_id": PAIR[1]}


@pytest.fixture
def journal():
    """Two events acknowledged, the third one not yet."""
    out = TimedJournal()
    for name in "abc":
        out.invoke([event(name)])
    for name in "ab":
        out.complete([event(name)], 200, [ACCEPTED])
    return out


class Nodes:
    """One node n1, which gives one answer after the other."""

    def __init__(self, *answers: tuple[int, dict]):
        left = collections.deque(answers)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status, body = left.popleft()
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(text)))
                self.send_header("footfall-node", "n1")
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.client = Client(f"127.0.0.1:{self.server.server_port}")


def asked(journal: TimedJournal, *answers: tuple[int, dict], through: str = "n1") -> Witness:
    nodes = Nodes(*answers)
    out = Witness(None, journal, through)
    told: dict = {}
    for _ in answers:
        out._ask_for("n1", nodes.client, PAIR, told)
    nodes.server.shutdown()
    nodes.server.server_close()
    return out


def answer(count: int, source: str = "store", ago: float = 0) -> tuple[int, dict]:
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - ago))
    return 200, {"count": count, "source": source, "as_of": f"{at}.999999Z"}


def test_counts_that_may_be(journal):
    assert not asked(journal, answer(2, ago=-5), answer(3), answer(3, "cache")).problems
    assert not asked(journal, answer(0, ago=60)).problems
    assert not asked(journal, answer(1, ago=-5), through="n2").problems, "n2 knows of it, not n1"


def test_counts_that_may_not_be(journal):
    assert "after 3" in asked(journal, answer(3), answer(2)).problems[0]
    assert "not 2 to 3" in asked(journal, answer(1, ago=-5)).problems[0]
    assert "not 2 to 3" in asked(journal, answer(4, ago=-5)).problems[0]
    assert "<500" in asked(journal, (500, {})).problems[0]
    assert "<503" in asked(journal, (503, {})).problems[0], "without Retry-After"


def test_an_event_counts_once_however_often_it_is_sent():
    journal = TimedJournal()
    for outcome in (UNKNOWN, ACCEPTED, ACCEPTED):
        journal.invoke([event("a")])
        journal.complete([event("a")], 200 if outcome == ACCEPTED else 0, [outcome])
    assert journal.bounds(PAIR, time.time() + 1) == (1, 1)
    assert journal.bounds(PAIR, time.time() - 60) == (0, 1)


def test_a_partition_that_runs_at_two_nodes_at_once(journal):
    def witness(*looks: tuple[str, float, frozenset[int]]) -> list[str]:
        out = Witness(None, journal)
        for name, at, runs in looks:
            out.looks.setdefault(name, []).append(Look(at, at + 0.01, runs))
        return out.two_at_once()

    one, both, none = frozenset({1}), frozenset({1, 2}), frozenset()
    assert "[1] run at n1 and n2" in witness(("n1", 0, both), ("n2", 0.1, one), ("n1", 0.2, one))[0]
    assert not witness(("n1", 0, one), ("n2", 0.1, one), ("n1", 0.2, none)), "it went over"
    assert not witness(("n1", 0, one), ("n2", 5, one), ("n1", 10, one)), "and came back"
    assert not witness(("n1", 0, one), ("n2", 0.1, frozenset({2})), ("n1", 0.2, one))


def test_a_live_answer_of_who_was_replaced(journal):
    def late(asked_at: float) -> list[str]:
        out = Witness(None, journal)
        out.live = [("n1", "/a", asked_at)]
        return out.late_answers({3: [("n1", 0, 100), ("n2", 100.5, float("inf"))]}, {"/a": 3})

    assert not late(50) and not late(101.9)
    assert "1 live answers" in late(102.1)[0]
