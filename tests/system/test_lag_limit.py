"""More than the store can count in time is refused, and everything accepted is counted in
time; pages of other partitions do not notice."""
from __future__ import annotations

import json
import threading
import time

import grpc
import pytest

from footfall import PATIENCE, Client, Server, run, wait_until
from grpc_node import Node, load_stubs
from journal import Journal, check_embedded, gauge, outcomes_of

LIMIT = 2
SECONDS = 8
HOT = "/hot"


class Flood:
    """Clients that send batches to one page as fast as they are answered; a 429 waits."""

    def __init__(self, server: Server, journal: Journal | None = None, clients: int = 4):
        self.server, self.journal = server, journal or Journal()
        self.lags: list[int] = []
        self.refusals: list[tuple[int, str]] = []
        self.trouble: list[BaseException] = []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(number,))
                        for number in range(clients)]

    def _run(self, name: int) -> None:
        client = Client(self.server.address("ingest"))
        count = 0
        try:
            while not self.stopping.is_set():
                count += 1
                events = [{"event_id": f"{name}-{count}-{i}", "user_id": f"u{name}",
                           "event_type": "click", "page_url": HOT} for i in range(100)]
                self.journal.invoke(events)
                answer = client.post("/v1/events", events)
                self.journal.complete(events, answer.status,
                                      outcomes_of(answer.status, answer.body, len(events)))
                if answer.status == 200:
                    self.journal.note_positions(answer.headers["footfall-position"])
                    self.lags.append(int(answer.headers.get("footfall-lag", 0)))
                else:
                    assert answer.status == 429, answer
                    problem = answer.json()
                    self.refusals.append((int(answer.headers["retry-after"]), problem["detail"]))
                    assert all(x["retry_after"] >= 1 for x in problem["results"]), problem
                    self.stopping.wait(0.1)  # Less than we are told: the limit must hold.
        except BaseException as error:
            self.trouble.append(error)
        finally:
            client.close()

    def __enter__(self) -> "Flood":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        assert not self.trouble, self.trouble


def quiet_page(server: Server, journal: Journal, hot: str) -> str:
    """A page of another partition than the hot one."""
    for number in range(100):
        page = f"/quiet/{number}"
        if one(server, journal, page, f"find-{number}").split(":")[0] != hot:
            return page
    raise AssertionError("no page of another partition")


def one(server: Server, journal: Journal, page: str, name: str) -> str:
    """Posts one event, which must be taken. @returns its position."""
    event = {"event_id": name, "user_id": "ada", "event_type": "click", "page_url": page}
    journal.invoke([event])
    answer = server.ingest.post("/ingest", event)
    journal.complete([event], answer.status, [outcomes_of(answer.status, answer.body, 1)[0]])
    assert answer.status == 200, answer
    journal.note_positions(answer.headers["footfall-position"])
    return answer.headers["footfall-position"]


def slow_server() -> Server:
    """100 events in a step, and 50 ms for each: some 2,000 a second."""
    return Server("--lag-limit", str(LIMIT), "--apply-batch-max", "100",
                  environment={"FOOTFALL_FAILPOINT": "apply.before_commit~50"})


def test_a_flood_is_refused_and_the_rest_is_fresh():
    journal = Journal()
    with slow_server() as server:
        hot = one(server, journal, HOT, "first").split(":")[0]
        quiet = quiet_page(server, journal, hot)
        waits, lags = [], []
        with Flood(server, journal) as flood:
            until = time.monotonic() + SECONDS
            number = 0
            while time.monotonic() < until and not flood.trouble:
                number += 1
                began = time.monotonic()
                after = one(server, journal, quiet, f"quiet-{number}")
                wait_until(lambda: server.query.get(
                    f"/v1/stats/page?page_url={quiet}",
                    {"Footfall-After": after}).status == 200, 5)
                waits.append(time.monotonic() - began)
                ready = server.admin.get("/readyz").json()
                lags.append(ready["lag_seconds"])
        worst = max(max(x) for x in lags)
        others = max(lag for x in lags for i, lag in enumerate(x) if i != int(hot))
        answers = dict(journal.answers)
        print(f"answers {answers}; lag at most {worst:.1f} s (limit {LIMIT}), of other partitions "
              f"{others:.2f} s; a quiet page waited {max(waits):.2f} s at most")
        assert answers[429] > 10 and answers[200] > 10
        assert max(flood.lags) >= 1, "the lag is told before the limit is reached"
        assert all("lag-limit = 2 s" in text and seconds >= 1 for seconds, text in flood.refusals)
        assert LIMIT * 0.5 < worst < LIMIT * 2 * PATIENCE
        assert others < 1 * PATIENCE and max(waits) < 1.5 * PATIENCE
        freshness = [line for line in server.admin.get("/metrics").text.splitlines()
                     if line.startswith("footfall_freshness_seconds_bucket")]
        counted = {line.split('le="')[1].split('"')[0]: int(line.rsplit(" ", 1)[1])
                   for line in freshness}
        assert gauge(server, "footfall_events_over_lag_limit_total") > 0
        wait_until(lambda: gauge(server, "footfall_partition_lag_seconds") == 0, 20)
        check_embedded(server, journal, "a flood over the lag limit")
        if PATIENCE == 1:
            assert counted["6.5536"] == counted["+Inf"], counted


@pytest.fixture(scope="module")
def stubs(tmp_path_factory):
    return load_stubs(tmp_path_factory.mktemp("stubs"))


def test_grpc_says_the_same(stubs):
    with slow_server() as server:
        node = Node(server, stubs)
        with Flood(server):
            def refusal() -> grpc.RpcError | None:
                try:
                    node.post(node.event(page_url=HOT))
                    return None
                except grpc.RpcError as error:
                    return error

            error = wait_until(refusal, 20, "an event is refused")
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "lag-limit = 2 s" in error.details() and "send it again in" in error.details()
        node.channel.close()


def test_without_a_limit_everything_is_taken():
    environment = {"FOOTFALL_FAILPOINT": "apply.before_commit~50"}
    with Server("--lag-limit", "0", "--apply-batch-max", "100", environment=environment) as server:
        with Flood(server) as flood:
            wait_until(lambda: gauge(server, "footfall_partition_lag_seconds") > 3 or flood.trouble,
                       20)
        assert set(flood.journal.answers) == {200}
        assert json.loads(server.admin.get("/readyz").body)["ready"]


def test_an_import_says_how_late_it_is_counted(tmp_path):
    """It waits as it is told, and goes on until all is taken."""
    count = 16_000  # Some 8 s of the store's pace.
    file = tmp_path / "clicks.ndjson"
    file.write_text("".join(json.dumps({
        "event_id": f"i-{number}", "user_id": "ada", "event_type": "click", "page_url": HOT,
        "time_stamp": "2026-11-05T20:00:00Z"}) + "\n" for number in range(count)))
    with slow_server() as server:
        done = run("import", str(file), "--to", server.url("ingest"), seconds=120)
        assert done.returncode == 0, done.stderr
        assert " s later" in done.stderr, done.stderr
        assert gauge(server, "footfall_events_over_lag_limit_total") > 0, done.stderr
        wait_until(lambda: server.count("ada", HOT) == count, 20)
