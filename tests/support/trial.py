"""One run of a cluster in namespaces under load with one kind of fault: what must hold in each,
and the line that tells what came of it."""
from __future__ import annotations

import contextlib
import json
import os
import random
import time
from typing import Callable, Iterator

from footfall import PATIENCE, Server, wait_until
from journal import REJECTED, UNKNOWN, Check, Load, Pages, examine, settle
from namespaces import Network
from net_cluster import NetCluster
from own_services import OwnServices
from roaming import RoamingLoad
from service_waits import check_counts, postgres_rows
from witness import TimedJournal, Witness

EVEN_SECONDS = 5  # From the end of a fault.
APPLY_SECONDS = 20  # Without an answer a statement is given up after 15 s.
KILL_SECONDS, TAKEN_SECONDS = 1.5, 4.0


class Trial:
    """
        with Trial(network, services, "F3", seed=1) as trial:
            victim = trial.victim
            trial.lose(lambda: trial.network.cut(victim), victim)
            trial.heal(lambda: trial.network.heal(victim), victim)
            trial.finish()

    The seed chooses the victim, the moments, and what the clients send."""

    def __init__(self, network: Network, services: OwnServices, row: str, seed: int,
                 is_long: bool = False):
        self.network, self.services = network, services
        self.row, self.seed, self.is_long = row, seed, is_long
        self.chance = random.Random(f"{row}/{seed}")
        self.count, self.options, self.roams = 3, ("--partitions", "6"), False
        self.clients, self.pause = 4, 0.01
        self.gate = ""  # The name of a gateway that all events are sent to; none: a node.
        self.taken: list[float] = []
        self.moved = 0
        self.notes: list[str] = []
        self.fault, self.number = "", 0  # For the table.
        self.check: Check | None = None

    def begin(self) -> None:
        """Starts the nodes, the load and who looks."""
        self.nodes = self._held.enter_context(
            NetCluster(self.network, self.services, self.count, *self.options))
        names = list(self.nodes.nodes)
        self.victim = self.chance.choice(names)
        if self.gate:
            self.nodes.add_gate(self.gate).start()
        self.through = self.gate or ("" if self.roams else self.chance.choice(
            [x for x in names if x != self.victim] or names))
        usual = {"clients": self.clients, "seed": self.seed, "pages": Pages(60), "users": 20,
                 "pause": self.pause}
        self.load: Load = RoamingLoad(list(self.nodes.nodes.values()), **usual) if self.roams \
            else Load(self.nodes[self.through], **usual)
        self.load.journal = TimedJournal()
        self.witness = Witness(self.nodes, self.load.journal, self.through, self.seed)
        self._watched = self._held.enter_context(contextlib.ExitStack())
        self._watched.enter_context(self.witness)
        self._watched.enter_context(self.load)
        self.enough()
        time.sleep(self.chance.random())  # The fault comes at any moment of a beat.

    def __enter__(self) -> "Trial":
        self._held = contextlib.ExitStack()
        return self

    def __exit__(self, kind, error, trace) -> None:
        if error is not None and hasattr(self, "witness"):
            print(f"{self.what()}\nproblems so far: {self.witness.problems[:5]}\n"
                  f"owners: {self._tell_history()}")
        self._record(error is None)
        for name in self.network.names:
            self.network.heal(name)
        self._held.__exit__(kind, error, trace)

    def _tell_history(self) -> object:
        try:
            return [" ".join(map(str, row)) for row in self.nodes.sql(
                "SELECT part, owner, epoch, extract(epoch FROM at) FROM public.owner_history"
                " ORDER BY number")][-60:]
        except Exception as error:
            return error

    @property
    def victims_process(self):
        return self.nodes[self.victim].process

    def port(self, service: str) -> str:
        """Of kafka or postgres; both have the bridge's address."""
        return (self.services.folder / service / "port").read_text().strip()

    def accepts(self, name: str) -> None:
        """A node takes events, though others own all partitions."""
        mine = {"user_id": "ada", "event_type": "click", "page_url": "/asked"}
        mine["event_id"] = f"{name}-{self.chance.random()}"
        self.load.journal.invoke([mine])
        answer = self.nodes[name].ingest.post("/v1/events", [mine])
        assert answer.status == 200, answer
        self.load.journal.complete([mine], 200, ["accepted"])

    def applied(self) -> int:
        """Records that are applied, of all partitions."""
        return int(self.nodes.sql("SELECT sum(next_offset) FROM public.partition_progress")[0][0])

    def await_applying(self) -> None:
        """Each partition applies: TCP may be about to send again what was lost, or the node gives
        its statement up and claims its own partition anew. Nothing moves meanwhile."""
        began, mark = time.monotonic(), self.nodes.mark()
        read = "SELECT part, next_offset FROM public.partition_progress"
        before = dict(self.nodes.sql(read))
        wait_until(lambda: all(now > before[part] for part, now in self.nodes.sql(read)),
                   APPLY_SECONDS * PATIENCE, "each partition applies something")
        assert not (moves := self.nodes.moves(mark)), moves
        self.notes.append(f"all apply again after {time.monotonic() - began:.1f} s")

    def enough(self, more: int = 40) -> None:
        wanted = self.load.accepted() + more
        wait_until(lambda: self.load.accepted() >= wanted or self.load.trouble, 20,
                   "events are accepted")

    def go_on(self, seconds: float) -> None:
        """Lets the load go on, whatever is."""
        before = self.load.accepted()
        until = time.monotonic() + seconds
        wait_until(lambda: time.monotonic() > until or self.load.trouble, seconds + 5, "it lasts")
        assert not self.load.trouble, self.load.trouble
        assert seconds < 1 or self.load.accepted() > before, "nothing is accepted"

    @contextlib.contextmanager
    def moves_at_most(self, most: int, parts: list[int] | None = None) -> Iterator[None]:
        """In the block no more partitions change hands, and only these where they are given."""
        mark = self.nodes.mark()
        yield
        moves = self.nodes.moves(mark)
        self.moved += len(moves)
        assert len(moves) <= most, f"{len(moves)} moves instead of {most}: {moves}"
        if parts is not None:
            assert {part for part, *_ in moves} <= set(parts), f"{moves}, not of {parts}"

    def lose(self, fault: Callable[[], object], victim: str, *, within: float = TAKEN_SECONDS,
             lasts: float = 0) -> None:
        """A fault that costs a node its partitions, and no other node anything."""
        parts = self.nodes.owned(victim)
        self.witness.excuse(victim)
        with self.moves_at_most(len(parts), parts):
            at, began = time.time(), time.monotonic()
            fault()
            self.nodes.seconds_until_taken(parts, victim)
            took = time.monotonic() - began
            self.taken.append(took)
            self.enough()
            self.go_on(max(0, began + lasts - time.monotonic()))
        assert took < within * PATIENCE, \
            f"{parts} of {victim} ran elsewhere after {took:.2f} s; the fault was at {at:.2f}"

    def heal(self, mend: Callable[[], object], victim: str) -> None:
        """The fault is over: the node gets its share again, and nothing else moves."""
        share = -(-len(self.nodes.owners()) // len(self.nodes.alive()))
        with self.moves_at_most(share):
            mend()
            self.nodes[victim].forget_clients()  # Those of before may have been idle for too long.
            self.await_even()
        self.witness.expect(victim)
        self.be_still()

    def await_even(self) -> None:
        """Each partition at one node, all nodes of one mind, and soon."""
        began = time.monotonic()
        self.nodes.await_even(EVEN_SECONDS)
        wanted = {name: self.nodes.owned(name) for name in self.nodes.alive()}

        def views() -> list[dict]:
            told = [server.admin.get("/cluster").json() for server in self.nodes.alive().values()]
            return [{x["name"]: x["partitions"] for x in view["nodes"]
                     if x["state"] == "live" and x["name"] not in self.nodes.gates}
                    for view in told]
        def left() -> float:
            return EVEN_SECONDS - (time.monotonic() - began)

        wait_until(lambda: all(view == wanted for view in views()), left(),
                   lambda: f"all know {wanted}: {views()}")
        self.nodes.await_links(left())

    def be_still(self) -> None:
        """Nothing moves any more, nor is claimed anew."""
        mark = self.nodes.mark()
        self.go_on(10 if self.is_long else 2)
        assert self.nodes.changes(mark) == 0, self.nodes.moves(mark)

    def lasting(self, short: float, long: float) -> float:
        return long if self.is_long else short

    def what(self) -> str:
        taken = f"taken after {max(self.taken):.2f} s" if self.taken else "nothing to take"
        told = ", ".join([taken, f"{self.moved} moves",
                          f"oldest live answer {self.witness.oldest:.2f} s", *self.notes])
        return f"{self.row} seed {self.seed}: {told}"

    def _record(self, passed: bool) -> None:
        """For the table of all rows, where it is asked for."""
        path = os.environ.get("FOOTFALL_FAULT_RESULTS")
        if not path:
            return
        out = {"row": self.row, "seed": self.seed, "fault": self.fault, "number": self.number,
               "passed": passed, "taken": self.taken, "notes": self.notes}
        if self.check:
            check = self.check
            out |= {"moves": self.moved, "oldest": self.witness.oldest,
                    "acknowledged": len(check.acknowledged), "stored": len(check.stored),
                    "unknown": len(check.journal.ids(UNKNOWN)),
                    "rejected": len(check.journal.ids(REJECTED)), "lost": len(check.lost),
                    "twice": check.twice, "phantom": len(check.phantom)}
        with open(path, "a") as file:
            file.write(json.dumps(out) + "\n")

    def finish(self) -> None:
        """Ends the load; the store is held against the journal, and all nodes' answers against
        the store."""
        self.enough()
        self._watched.__exit__(None, None, None)
        rows = postgres_rows(self.nodes.environment)
        alive = list(self.nodes.alive().values())
        for server in alive:
            settle(server, self.load.journal)
        for server in [*alive, *self.nodes.gates.values()]:
            check_counts(server, rows, 100)
        late = self.witness.late_answers(self.nodes.tenures(), dict(rows(
            "SELECT DISTINCT page_url, part FROM click_events")))
        *others, last = alive
        for server in [*self.nodes.gates.values(), *others]:
            server.terminate()
        self.nodes.await_even()
        check = self.check = examine(last, self.load.journal, rows, self.what())
        assert not check.problems, check.problems
        problems = self.witness.problems + late
        assert not problems, f"{len(problems)} problems, such as {problems[:5]}"
        assert self.witness.oldest > 0, "nobody answered live"


def memory_mib(server: Server) -> float:
    with open(f"/proc/{server.process.pid}/status") as file:
        lines = dict(line.split(":", 1) for line in file)
    return int(lines["VmRSS"].split()[0]) / 1024
