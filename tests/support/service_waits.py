"""What the tests of service faults wait for, and what they look at afterwards."""
from __future__ import annotations

import random
import time

import psycopg

from footfall import Server, wait_until
from journal import Load, Rows, gauge


def postgres_rows(environment: dict[str, str]) -> Rows:
    def rows(statement: str) -> list[tuple]:
        with psycopg.connect(environment["DATABASE_URL"]) as session:
            # Tables that nobody analysed yet look tiny to the planner.
            session.execute("SET enable_nestloop = off")
            return session.execute(statement).fetchall()

    return rows


def await_more(load: Load, more: int, seconds: float = 60) -> None:
    enough = load.accepted() + more
    wait_until(lambda: load.accepted() >= enough or load.trouble, seconds, "clicks are accepted")


def await_applied(server: Server, seconds: float = 60) -> None:
    """Waits until more was applied than had been when this was called."""
    before = gauge(server, "footfall_events_folded_total")
    wait_until(lambda: gauge(server, "footfall_events_folded_total") > before, seconds,
               "clicks are counted")


def await_answer(server: Server) -> None:
    """Reads have connections of their own; after an outage of PostgreSQL each of them
    tries again every 0.5 s at most, and until then some questions get 503."""
    wait_until(lambda: server.query.get("/v1/stats/count", user_id="user-1",
                                        page_url="/page/0").status == 200, 10, "it answers")


def recovery(server: Server, load: Load, what: str) -> float:
    """Seconds from the end of the fault until clicks are accepted and counted, and
    questions answered."""
    began = time.monotonic()
    await_more(load, 20)
    await_applied(server)
    took = time.monotonic() - began
    await_answer(server)
    wait_until(lambda: server.admin.get("/readyz").status == 200, 10, "it is ready again")
    print(f"{what}: accepts and counts {took:.1f} s after it is back, answers "
          f"after {time.monotonic() - began:.1f} s")
    return took


def await_for(seconds: float, load: Load) -> None:
    """Lets a fault last, under load that goes on."""
    until = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > until or load.trouble, seconds + 5, "it has lasted")


def check_counts(server: Server, rows: Rows, most: int = 1000) -> int:
    """Asks for counts and compares them with the store, which is folded and at rest.

    @returns how many were asked for."""
    stored = [(page, user, int(n)) for page, user, n in rows(
        "SELECT page_url, user_id, click_count FROM page_clicks")]
    asked = random.Random(len(stored)).sample(stored, min(most, len(stored)))
    wrong = [(page, user, n, told) for page, user, n in asked
             if (told := server.count(user, page)) != n]
    assert not wrong, f"{len(wrong)} of {len(asked)} counts are wrong, such as {wrong[:3]}"
    return len(asked)
