"""Clients that ask while clicks come in, and what an answer may not be."""
from __future__ import annotations

import random
import threading

from footfall import Server
from journal import Journal, Rows


class Askers:
    """Ask for the counts of what was sent lately, until they are stopped.

        with Load(server) as load, Askers(server, load.journal) as askers:
            ...
        assert not askers.problems

    Clicks are only added: for one client a count never goes backwards."""

    def __init__(self, server: Server, journal: Journal, clients: int = 3, seed: int = 1):
        self.server = server
        self.journal = journal
        self.asked = 0
        self.backwards: list[str] = []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(random.Random(f"{seed}/{n}"),))
                        for n in range(clients)]
        self.trouble: list[BaseException] = []

    def __enter__(self) -> "Askers":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, *_) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        if self.trouble and kind is None:
            raise self.trouble[0]

    @property
    def problems(self) -> list[str]:
        if not self.backwards:
            return []
        return [f"a count went backwards: {len(self.backwards)}, such as {self.backwards[0]}"]

    def _run(self, chance: random.Random) -> None:
        client = self.server.client("query")
        seen: dict[tuple[str, str], int] = {}
        try:
            while not self.stopping.is_set():
                with self.journal.lock:
                    recent = tuple(self.journal.recent)
                if not recent:
                    self.stopping.wait(0.005)
                    continue
                pair = chance.choice(recent)
                count, source = count_of(client, *pair)
                if count < seen.get(pair, 0):
                    self.backwards.append(f"{pair} {seen[pair]} then {count} from the {source}")
                seen[pair] = max(count, seen.get(pair, 0))
                self.asked += 1
        except BaseException as error:  # Shown by the thread that waits for us.
            self.trouble.append(error)
        client.close()


def count_of(client, page: str, user: str) -> tuple[int, str]:
    """The count, and where the answer says it is from."""
    answer = client.get("/analytics/events", user_id=user, page_url=page)
    assert answer.status == 200, answer
    return answer.json()["count"], answer.headers.get("footfall-source", "?")


def wrong_answers(server: Server, rows: Rows, most: int = 1000) -> list[str]:
    """Asks for each count of a settled server; what differs from the stored rows."""
    wrong = []
    stored = list(rows("SELECT page_url, user_id, count(*) FROM click_events"
                       f" GROUP BY page_url, user_id LIMIT {most}"))
    for page, user, count in stored:
        answered, source = count_of(server.query, page, user)
        if answered != count:
            wrong.append(f"{page} {user}: {answered} from the {source}, {count} stored")
    return [f"answers differ from the rows: {len(wrong)} of {len(stored)}, such as {wrong[0]}"] \
        if wrong else []
