"""Screens of one node about pages of another, through the loss of that one."""
import threading
import time

from cluster import Cluster
from footfall import PATIENCE, wait_until
from services import Services
from sse import Stream

PAGES = [f"/live-{n}" for n in range(12)]  # Some of every node.


class Watcher:
    """What one screen is told of a page, in order, from a node that stays."""

    def __init__(self, address: str, page: str):
        self.told: list[tuple[float, int]] = []
        self.stream = Stream(address, f"page:{page}", timeout=60)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        for x in self.stream.events():
            if x.name == "page":
                self.told.append((x.at, x.json()["clicks"]))

    def last(self) -> int:
        return self.told[-1][1] if self.told else 0


def test_screens_of_one_node_outlive_another():
    with Services("KAFKA_BROKER", "DATABASE_URL") as services, \
            Cluster(services.environment, 3, "--partitions", "6") as nodes:
        screens = {page: Watcher(nodes["n1"].address("query"), page) for page in PAGES}
        ingest = nodes["n1"].client("ingest", timeout=30)

        def click(n: int) -> None:
            events = [{"event_id": f"{page}-{n}", "user_id": "ada", "event_type": "click",
                       "page_url": page} for page in PAGES]
            for _ in range(100):  # A retry is safe: each has its id.
                answer = ingest.post("/v1/events", events)
                if answer.status == 200 and answer.json()["rejected"] == 0:
                    return
                time.sleep(0.1)
            raise AssertionError(f"never accepted: {answer}")

        for n in range(20):
            click(n)
        wait_until(lambda: all(x.last() == 20 for x in screens.values()), 10,
                   lambda: f"each screen at 20: { {p: x.last() for p, x in screens.items()} }")
        lost = time.monotonic()
        nodes["n2"].kill9()
        for n in range(20, 60):
            click(n)
        wait_until(lambda: all(x.last() == 60 for x in screens.values()), 20,
                   lambda: f"each screen at 60: { {p: x.last() for p, x in screens.items()} }")
        gaps = []
        for page, x in screens.items():
            counts = [clicks for _, clicks in x.told]
            assert counts == sorted(counts), f"{page} counted down: {counts}"
            after = [at for at, clicks in x.told if clicks > 20]
            gaps.append(after[0] - lost)
        print(f"after kill -9 of a node: first news {min(gaps):.2f} to {max(gaps):.2f} s later")
        assert max(gaps) < 10 * PATIENCE
        for x in screens.values():
            x.stream.close()
            x.thread.join()
