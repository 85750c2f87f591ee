"""Every event three times, a tenth of the copies with another page: each counts once."""
import collections
import random

import pytest

from footfall import Server, wait_until
from journal import Journal, end_and_check, gauge, outcomes_of, sqlite_rows
from services import Services

EVENTS = 3000


def copies(chance: random.Random) -> list[dict]:
    """Three of each event, in any order."""
    out = []
    for number in range(EVENTS):
        event = {"event_id": f"e-{number}", "user_id": f"user-{number % 50}",
                 "event_type": "click", "page_url": f"/page/{number % 20}"}
        out += [event, dict(event), dict(event)]
    for event in out:
        if chance.random() < 0.1:
            event["page_url"] = f"/other/{chance.randrange(20)}"
    chance.shuffle(out)
    return out


@pytest.mark.parametrize("names", [(), ("KAFKA_BROKER", "DATABASE_URL", "REDIS_ADDR")],
                         ids=["embedded", "services"])
def test_a_storm_of_duplicates_counts_each_event_once(names):
    if not names:
        return storm({}, None)
    with Services(*names) as services:
        storm(services.environment, services.sql)


def storm(environment: dict[str, str], sql) -> None:
    journal = Journal()
    sent = copies(random.Random(60))
    with Server(environment=environment) as server:
        for start in range(0, len(sent), 100):
            batch = sent[start:start + 100]
            journal.invoke(batch)
            answer = server.ingest.post("/v1/events", batch)
            journal.complete(batch, answer.status,
                             outcomes_of(answer.status, answer.body, len(batch)))
            journal.note_positions(answer.headers["footfall-position"])
        # The last copies are duplicates: they are applied, but add nothing to fold.
        wait_until(lambda: gauge(server, "footfall_records_applied_total") == len(sent), 60)
        conflicts = gauge(server, "footfall_id_conflicts_total")
        check = end_and_check(server, journal, sql or sqlite_rows(server), "storm")
    assert len(check.acknowledged) == len(check.stored) == EVENTS
    pages = collections.Counter((event["event_id"], event["page_url"]) for event in sent)
    unlike = sum(3 - pages[name, page] for name, page, _ in check.stored)
    print(f"copies with another page than the one stored: {unlike}, reported {conflicts:.0f}")
    assert unlike > EVENTS / 20
    assert conflicts == unlike
