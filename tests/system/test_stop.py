"""SIGTERM while much is under way, with actors on several threads: an orderly end each time."""
import threading

from footfall import Server, wait_until

ROUNDS = 20
PAGES = 200


def batch(number: int) -> list[dict]:
    return [{"event_id": f"e-{number}-{at}", "user_id": f"user-{at % 7}", "event_type": "click",
             "page_url": f"/{(number + at) % PAGES}"} for at in range(500)]


class Load:
    """Posts and asks until the server says no more. What was acknowledged is counted."""

    def __init__(self, server: Server, name: int):
        self.acknowledged = 0
        self.client = server.client("ingest")
        self.query = server.client("query")
        self.thread = threading.Thread(target=self.run, args=(name,))
        self.thread.start()

    def run(self, name: int) -> None:
        for number in range(name, name + 1_000):
            try:
                answer = self.client.post("/v1/events", batch(number))
                if answer.status == 200:
                    self.acknowledged += answer.json()["accepted"]
                self.query.get("/v1/stats/page", page_url=f"/{number % PAGES}")
            except Exception:  # The server has gone.
                return


def test_sigterm_with_a_backlog_ends_in_order():
    # Folds and applies wait behind each other: there is work in every actor at the end.
    with Server("--actor-threads", "4", "--apply-batch-max", "100", "--fold-every-ms", "10",
                "--drain-timeout-s", "2", start=False) as server:
        acknowledged = 0
        for round in range(ROUNDS):
            server.start()
            loads = [Load(server, round * 100_000 + name * 10_000) for name in range(2)]
            wait_until(lambda: all(load.acknowledged > 0 for load in loads), 20)
            server.terminate()
            for load in loads:
                load.thread.join()
                acknowledged += load.acknowledged
        server.start()
        wait_until(lambda: server.admin.get("/readyz").status == 200, 30)
        assert server.audit() == {"ok": True, "differences": []}
        text = server.stderr()
        assert "Sanitizer" not in text and "terminate called" not in text, text
        wait_until(lambda: total(server) >= acknowledged, 30)


def total(server: Server) -> int:
    answer = server.query.get("/v1/stats/top-pages", limit=PAGES)
    assert answer.status == 200, answer
    return sum(row["clicks"] for row in answer.json()["pages"])
