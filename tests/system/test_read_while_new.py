"""Questions that meet a page while it becomes known never leave an old count behind."""
from footfall import Server, wait_until
from services import Services

CLICK = {"user_id": "ann", "event_type": "click"}


def ask_at_once(server: Server, page: str, event_id: str, wanted: int) -> None:
    """One click, then questions without a pause until it is counted."""
    answer = server.ingest.post("/v1/events", {**CLICK, "event_id": event_id, "page_url": page})
    assert answer.status == 200, answer
    wait_until(lambda: server.count("ann", page) == wanted, 5, f"{page} counts {wanted}")


def many_pages(server: Server) -> None:
    for number in range(30):
        ask_at_once(server, f"/new/{number}", f"first-{number}", 1)


def test_new_pages_embedded(server):
    many_pages(server)


def test_new_pages_on_postgresql():
    with Services("DATABASE_URL") as services:
        with Server(environment=services.environment) as server:
            many_pages(server)


def test_known_pages_that_become_live_again():
    """After a restart no page is live, and the questions fill the cache from the store."""
    with Server() as server:
        many_pages(server)
        server.restart()
        for number in range(30):
            page = f"/new/{number}"
            wait_until(lambda: server.count("ann", page) == 1)
            ask_at_once(server, page, f"second-{number}", 2)
