"""PostgreSQL comes back without what it had committed last: a failover to a standby that
lagged, a crash with synchronous_commit = off. Meanwhile no count may be above the truth and
no name may be of another site; within seconds, also when nothing else comes, all is right."""
import contextlib
import random
import signal
import socket
import time

import psycopg
import pytest

from footfall import Server, wait_until
from own_services import OwnServices
from services import Services
from standby import Standby, lose_commits, stop_writing

SITES = 4
PAGES = 5
HEALED_SECONDS = 15  # From when PostgreSQL takes connections again.


class Truth:
    """What was acknowledged, and what may be answered about it."""

    def __init__(self, server: Server):
        self.server = server
        self.clicks: dict[tuple[str, str], dict[str, int]] = {}
        self.after: dict[int, int] = {}
        self.wrong: list[str] = []
        self.sent = 0

    def post(self, name: str, users: int = 8) -> None:
        """Clicks of users that are new, on the pages of all and on pages of their own."""
        chance = random.Random(name)
        for i in range(SITES):
            site = f"site{i}"
            batch = []
            for user in range(users):
                for page in (f"/all{chance.randrange(PAGES)}", f"/{name}{user % PAGES}"):
                    batch.append({"event_id": f"{name}-{i}-{user}-{page}",
                                  "user_id": f"{name}{user}@{site}", "event_type": f"{name}-type",
                                  "page_url": page})
            chance.shuffle(batch)
            answer = self.server.ingest.post(f"/v1/events?site={site}", batch)
            assert answer.status == 200 and answer.json()["accepted"] == len(batch), answer
            for event, result in zip(batch, answer.json()["results"]):
                partition, offset = map(int, result["position"].split(":"))
                self.after[partition] = max(self.after.get(partition, -1), offset)
                of_page = self.clicks.setdefault((site, event["page_url"]), {})
                of_page[event["user_id"]] = of_page.get(event["user_id"], 0) + 1
                self.sent += 1

    def ask(self, path: str, most: int, key: str, **query) -> int:
        """The number told, which may lag and must never be too high; -1: no answer."""
        answer = self.server.query.get(path, **query)
        if answer.status in (503, 504):
            return -1
        assert answer.status == 200, answer
        told = answer.json()[key]
        if told > most:
            self.wrong.append(f"{path} {query}: {told} of {most}")
        return told

    def names(self, site: str, page: str, users: dict[str, int]) -> bool:
        """Whether all users of a page are named, with their clicks. None may be foreign."""
        answer = self.server.query.get("/v1/stats/users", site=site, page_url=page, limit=100)
        if answer.status in (503, 504):
            return False
        assert answer.status == 200, answer
        told = {row["user_id"]: row["clicks"] for row in answer.json()["users"]}
        for user, clicks in told.items():
            if clicks > users.get(user, 0):
                self.wrong.append(f"users of {site} {page}: {user} {clicks}")
        return told == users

    def is_told(self) -> bool:
        """Asks for everything once. True when all of it was right."""
        right = True
        for (site, page), users in self.clicks.items():
            total = sum(users.values())
            right &= self.ask("/v1/stats/page", total, "clicks", site=site, page_url=page) == total
            right &= self.names(site, page, users)
            for user, clicks in users.items():
                right &= self.ask("/v1/stats/count", clicks, "count", site=site, page_url=page,
                                  user_id=user) == clicks
        return right

    def await_told(self, seconds: float, what: str, and_more=lambda: True) -> float:
        """Asks again and again until all is right; @returns after how many seconds."""
        began = time.monotonic()
        try:
            wait_until(lambda: self.is_told() and and_more(), seconds, what)
        except AssertionError as late:
            raise AssertionError(f"{late}; {len(self.wrong)} answers were wrong, such as "
                                 f"{self.wrong[:5]}") from None
        assert not self.wrong, f"{len(self.wrong)} answers were wrong, such as {self.wrong[:5]}"
        return time.monotonic() - began

    def read_own_writes(self) -> None:
        """An answer after the last position knows it, or is none."""
        after = ",".join(f"{partition}:{offset}" for partition, offset in self.after.items())
        for (site, page), users in list(self.clicks.items())[::7]:
            answer = self.server.query.get("/v1/stats/page", site=site, page_url=page,
                                           headers={"Footfall-After": after})
            if answer.status == 200 and answer.json()["clicks"] != sum(users.values()):
                self.wrong.append(f"{site} {page} after {after}: {answer.text}")
            assert answer.status in (200, 503, 504), answer


@pytest.fixture
def postgres(tmp_path):
    with OwnServices(tmp_path / "services", "postgres") as running:
        yield running


def stored(url: str) -> int:
    with psycopg.connect(url) as session:
        return session.execute("SELECT count(*) FROM click_events").fetchone()[0]


def settle(server: Server, truth: Truth, what: str) -> None:
    truth.await_told(20, what)
    truth.is_told()  # Once more, from the cache and with names that are known.


def check_end(server: Server, truth: Truth, url: str) -> None:
    truth.read_own_writes()
    # Its connection is made when it is needed, and after a failure not at once.
    wait_until(lambda: server.admin.get("/admin/audit").status == 200, 10, "the audit answers")
    audit = server.audit()
    assert audit["ok"], audit
    assert stored(url) == truth.sent
    assert not truth.wrong, truth.wrong[:5]
    assert "went back, or is another" in server.stderr()
    wait_until(lambda: server.admin.get("/readyz").status == 200, 10, "it is ready again")


def run(server: Server, truth: Truth, url, lose, new_traffic: bool) -> None:
    """`lose` brings PostgreSQL back without its tail, and says how many events it has;
    `url` gives the address of a database of it."""
    kept = truth.sent
    truth.post(f"late{kept}-")
    settle(server, truth, "what will be lost is counted")
    lost = truth.sent - lose()
    assert lost == truth.sent - kept, f"{lost} events were lost: no test of this"
    before = truth.sent
    if new_traffic:
        truth.post("new")  # Takes the numbers that were lost.
    truth.read_own_writes()
    took = truth.await_told(HEALED_SECONDS, "everything acknowledged is counted again",
                            lambda: stored(url("footfall")) == truth.sent)
    what = "with new traffic" if new_traffic else "idle"
    print(f"{lose.__name__}, {what}: {lost} of {before} applied events were lost; all "
          f"{truth.sent} acknowledged are counted after {took:.1f} s")


def failed_over(postgres: OwnServices, standby: Standby, server: Server, new_traffic: bool,
                same_address: bool, meanwhile=lambda: None) -> Truth:
    truth = Truth(server)
    truth.post("early")
    settle(server, truth, "the first clicks are counted")
    with psycopg.connect(postgres.addresses["DATABASE_URL"]) as session:
        standby.await_caught_up(session)
    standby.stop_streaming()

    def fail_over() -> int:
        left = stored(standby.url("footfall"))
        postgres.run("kill9", "postgres")
        meanwhile()
        standby.take_over(same_address)
        return left

    run(server, truth, standby.url, fail_over, new_traffic)
    check_end(server, truth, standby.url("footfall"))
    return truth


def test_a_standby_that_lagged_takes_the_address_over(postgres):
    with Services("KAFKA_BROKER", "REDIS_ADDR") as others, Standby(postgres) as standby:
        environment = {**others.environment, "DATABASE_URL": postgres.addresses["DATABASE_URL"]}
        with Server("--partitions", "4", environment=environment) as server:
            failed_over(postgres, standby, server, new_traffic=False, same_address=True)


def test_a_standby_that_lagged_is_the_second_address(postgres):
    """The first one says nothing from then on, and then the old primary is back there."""
    with Services("KAFKA_BROKER", "REDIS_ADDR") as others, Standby(postgres) as standby, \
            contextlib.ExitStack() as silence:
        environment = {**others.environment, "DATABASE_URL": standby.both}
        with Server("--partitions", "4", environment=environment) as server:
            truth = failed_over(postgres, standby, server, new_traffic=True, same_address=False,
                                meanwhile=lambda: silence.enter_context(
                                    socket.create_server(("127.0.0.1", standby.port))))
            silence.close()
            # The old primary comes back and would take writes. It must not get any.
            postgres.run("start", "postgres")
            old = stored(postgres.addresses["DATABASE_URL"])
            standby.stop()  # So that all connections try the old one.
            truth.post("last")
            wait_until(lambda: "has replaced" in server.admin.get("/readyz").text, 10,
                       "the node says why it takes no part in that")
            standby.start()
            truth.await_told(HEALED_SECONDS, "everything is counted beside the old primary")
            assert stored(postgres.addresses["DATABASE_URL"]) == old
            check_end(server, truth, standby.url("footfall"))


def test_crashes_lose_commits(postgres):
    lose_commits(postgres)
    with Services("KAFKA_BROKER", "REDIS_ADDR") as others:
        environment = {**others.environment, "DATABASE_URL": postgres.addresses["DATABASE_URL"]}
        with Server("--partitions", "4", environment=environment) as server:
            truth = Truth(server)
            truth.post("early")

            def crash() -> int:
                postgres.run("kill9", "postgres")
                server.process.send_signal(signal.SIGSTOP)  # Or it heals before anyone looks.
                postgres.run("start", "postgres")
                left = stored(postgres.addresses["DATABASE_URL"])
                server.process.send_signal(signal.SIGCONT)
                return left

            for new_traffic in (False, True):
                settle(server, truth, "the first clicks are counted")
                stop_writing(postgres)
                run(server, truth, lambda _: postgres.addresses["DATABASE_URL"], crash, new_traffic)
            check_end(server, truth, postgres.addresses["DATABASE_URL"])
