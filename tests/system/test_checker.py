"""The checker of the fault tests finds each way in which a store can be wrong."""
import shutil
import sqlite3

import pytest

from footfall import Server, wait_until
from journal import ACCEPTED, REJECTED, UNKNOWN, Check, Load, check_embedded, outcomes_of

ROW = "(SELECT position FROM core_events ORDER BY position LIMIT 1)"
DAMAGE = {
    "an event is lost": (
        f"DELETE FROM core_events WHERE position = {ROW}", "acknowledged but not stored"),
    "an event is there twice": (
        "INSERT INTO core_events SELECT position + 1000000, page_no, user_no, site_no, type_no,"
        f" at_us, delay_us, payload_hash, event_key, event_id FROM core_events"
        f" WHERE position = {ROW}", "stored twice"),
    "an event that nobody sent": (
        "INSERT INTO core_events SELECT position + 1000000, page_no, user_no, site_no, type_no,"
        f" at_us, delay_us, payload_hash, x'00', 'never' FROM core_events"
        f" WHERE position = {ROW}", "never sent"),
    "an event on another page": (
        "UPDATE core_events SET page_no = (SELECT max(page_no) FROM core_pages"
        f" WHERE page_no <> core_events.page_no) WHERE position = {ROW}", "other contents"),
    "a pair counted twice": (
        "UPDATE core_pair_blocks SET data = '1' || data WHERE first ="
        " (SELECT max(first) FROM core_pair_blocks)", "page_clicks"),
    "a total that was overwritten": (
        "UPDATE core_page_totals SET clicks = 1 WHERE page_no ="
        " (SELECT page_no FROM core_page_totals ORDER BY clicks DESC LIMIT 1)", "page_totals"),
    "a user too many": (
        "UPDATE core_page_totals SET users = users + 1 WHERE page_no ="
        " (SELECT min(page_no) FROM core_page_totals)", "page_totals"),
    "a minute without its fold": (
        "DELETE FROM core_page_series WHERE page_no ="
        " (SELECT min(page_no) FROM core_page_series)", "page_series"),
    "clicks in another minute": (
        "UPDATE core_page_series SET minute = minute + 1000000 WHERE page_no ="
        " (SELECT min(page_no) FROM core_page_series)", "page_series"),
    "a record that is called bad": (
        "INSERT INTO core_bad_events (position, time_us, reason, raw)"
        " VALUES (1000000, 0, 'no reason', x'00')", "bad_events"),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A good run: the journal and the store file."""
    folder = tmp_path_factory.mktemp("run")
    with Server(data=folder / "data") as server:
        with Load(server, clients=2, seed=40) as load:
            wait_until(lambda: load.accepted() >= 200 or load.trouble, 30, "it serves")
        check_embedded(server, load.journal, "good run")
    return load.journal, folder / "data" / "store.db"


def check(journal, path, *statements: str) -> Check:
    connection = sqlite3.connect(path)
    try:
        for statement in statements:
            assert connection.execute(statement).rowcount > 0
        return Check(journal, lambda text: connection.execute(text).fetchall())
    finally:
        connection.close()


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda name: name.replace(" ", "-"))
def test_it_finds(run, tmp_path, damage):
    journal, good = run
    statement, found = DAMAGE[damage]
    shutil.copyfile(good, tmp_path / "store.db")
    assert not check(journal, tmp_path / "store.db").problems
    problems = check(journal, tmp_path / "store.db", statement).problems
    assert any(found in problem for problem in problems), problems


def test_it_finds_what_was_refused_and_stored_all_the_same(run):
    journal, good = run
    name = sorted(journal.ids(ACCEPTED))[0]
    before = journal.outcomes[name].copy()
    journal.outcomes[name].clear()
    journal.outcomes[name][REJECTED] = 1
    try:
        assert any("refused but stored" in problem for problem in check(journal, good).problems)
    finally:
        journal.outcomes[name].update(before)
        del journal.outcomes[name][REJECTED]


@pytest.mark.parametrize("status, body, outcomes", [
    (200, b'{"event_id":"a"}', [ACCEPTED]),
    (200, b'{"results":[{"status":"accepted"},{"status":"rejected"}]}', [ACCEPTED, REJECTED]),
    (503, b'{"type":"x:timeout","results":[{"status":"unknown"}]}', [UNKNOWN]),
    (503, b'{"type":"x:timeout","outcome":"unknown"}', [UNKNOWN]),
    (503, b'{"type":"x:too_many_connections"}', [REJECTED]),
    (503, b'{"type":"x:shutting_down"}', [UNKNOWN]),
    (429, b'{"type":"x:overloaded"}', [REJECTED]),
    (507, b'{"type":"x:disk_full","outcome":"rejected"}', [REJECTED]),
    (500, b'{"type":"x:internal"}', [UNKNOWN]),
])
def test_it_reads_an_answer_as_the_client_must(status, body, outcomes):
    assert outcomes_of(status, body, len(outcomes)) == outcomes
