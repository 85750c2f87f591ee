"""Nodes that share one topic and database, each a process of its own."""
from __future__ import annotations

import contextlib
import functools
import tempfile
import time
import psycopg

from footfall import PATIENCE, Server, run, wait_until
from ports import fixed_ports


@functools.cache
def _certificates() -> tempfile.TemporaryDirectory:
    folder = tempfile.TemporaryDirectory(prefix="footfall-certificates-")
    done = run("certs", "--out", folder.name, *(f"n{i}" for i in range(1, 10)))
    assert done.returncode == 0, done
    return folder


def renew_certificates() -> None:
    """All nodes get others, of the same authority; by rename, while they run."""
    done = run("certs", "--force", "--out", _certificates().name,
               *(f"n{i}" for i in range(1, 10)))
    assert done.returncode == 0, done


def gateway(name: str, *seeds: str, options: tuple[str, ...] = (), place: str = "127.0.0.1:0",
            **how: object) -> Server:
    """A node that takes requests and has neither Kafka nor a database; not started. `how`: more
    of Server()."""
    return Server(*links(name, place), "--roles", "gateway", "--cluster-seeds", ",".join(seeds),
                  *options, start=False, **how)


def links(name: str, place: str = "127.0.0.1:0") -> list[str]:
    """The options of a node n1 to n9 that other nodes reach at `place`."""
    folder = _certificates().name
    return ["--cluster-listen", place, "--node-name", name,
            "--cluster-ca", f"{folder}/ca.pem", "--cluster-cert", f"{folder}/{name}.pem",
            "--cluster-key", f"{folder}/{name}.key"]


class Cluster:
    """`count` nodes named n1, n2, ..., all started and each partition at one of them.

        with Cluster(services.environment, 3) as nodes:
            nodes["n1"].ingest.post(...)
    """

    def __init__(self, environment: dict[str, str], count: int, *options: str,
                 roles: dict[str, str] | None = None):
        self.environment = environment
        self.options = options
        self.roles = roles or {}  # Those that are not named have all of them.
        self.nodes = {f"n{i}": self._node(f"n{i}") for i in range(1, count + 1)}

    def _node(self, name: str) -> Server:
        roles = ["--roles", self.roles[name]] if name in self.roles else []
        return Server(*links(name), *roles, *self.options, environment=self.environment,
                      start=False, ports=fixed_ports())

    def __enter__(self) -> "Cluster":
        with contextlib.ExitStack() as held:  # Who starts half of it leaves nothing running.
            for server in self.nodes.values():
                held.enter_context(server)
                server.start()
            self._held = held
            self.await_even()
            self.await_links()
            self._held = held.pop_all()
        return self

    def __exit__(self, kind, error, trace) -> None:
        self._held.__exit__(kind, error, trace)

    def __getitem__(self, name: str) -> Server:
        return self.nodes[name]

    def alive(self) -> dict[str, Server]:
        return {name: x for name, x in self.nodes.items() if x.process and x.process.poll() is None}

    def sql(self, statement: str) -> list[tuple]:
        with psycopg.connect(self.environment["DATABASE_URL"]) as session:
            cursor = session.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def rows(self) -> dict[int, tuple[str | None, int]]:
        """Each partition's owner and epoch, as the store has them."""
        with psycopg.connect(self.environment["DATABASE_URL"]) as session:
            return {part: (owner, epoch) for part, owner, epoch in session.execute(
                "SELECT part, owner, epoch FROM public.partition_progress"
                " WHERE topic = (SELECT topic FROM core.current_topics WHERE log = %s)",
                [self.environment["KAFKA_TOPIC"]])}

    def owners(self) -> dict[int, str | None]:
        return {part: owner for part, (owner, _) in self.rows().items()}

    def owned(self, name: str) -> list[int]:
        return sorted(part for part, owner in self.owners().items() if owner == name)

    def states(self, name: str) -> list[str]:
        """Of each partition, as the node sees it."""
        answer = self.nodes[name].admin.get("/admin/partitions")
        assert answer.status == 200, answer
        return [row["state"] for row in answer.json()["partitions"]]

    def address(self, name: str) -> str:
        """Where other nodes dial it."""
        answer = self.nodes[name].admin.get("/cluster")
        assert answer.status == 200, answer
        return next(x["address"] for x in answer.json()["nodes"] if x["name"] == name)

    def linked(self, name: str) -> set[str]:
        """The nodes to which this one has a link."""
        answer = self.nodes[name].admin.get("/cluster")
        assert answer.status == 200, answer
        return {x["name"] for x in answer.json()["nodes"] if x.get("link") == "up"}

    def await_links(self, seconds: float = 10) -> None:
        """Until every node has a link to each other one."""
        alive = set(self.alive())
        wait_until(lambda: all(self.linked(name) >= alive - {name} for name in alive), seconds,
                   lambda: f"links: { {name: self.linked(name) for name in alive} }")

    def known_owners(self, name: str) -> dict[int, str | None]:
        """Each partition's owner, as the node knows it."""
        answer = self.nodes[name].admin.get("/cluster")
        assert answer.status == 200, answer
        return {part: x["name"] for x in answer.json()["nodes"] for part in x["partitions"]}

    def await_even(self, seconds: float = 20) -> None:
        """Until each partition runs at one node, as many at each, and all nodes know at which."""
        def is_even() -> bool:
            alive = list(self.alive())
            states = {name: self.states(name) for name in alive}
            counts = [x.count("running") for name, x in states.items()
                      if "aggregate" in self.roles.get(name, "aggregate")]
            parts = len(states[alive[0]])
            return (sum(counts) == parts and max(counts) - min(counts) <= 1
                    and all(state in ("running", "idle") for x in states.values() for state in x)
                    and all([x[i] for x in states.values()].count("running") == 1
                            for i in range(parts))
                    and all(self.known_owners(name) == self.owners() for name in alive))
        wait_until(is_even, seconds, lambda: f"an even spread: {self.rows()}")

    def seconds_until_taken(self, parts: list[int], lost: str, most: float = 20) -> float:
        """How long until other nodes run what `lost` had."""
        began = time.monotonic()
        others = [name for name in self.alive() if name != lost]

        def is_taken() -> bool:
            states = [self.states(name) for name in others]
            return all(any(x[part] == "running" for x in states) for part in parts)
        wait_until(is_taken, most, f"partitions {parts} run elsewhere")
        return time.monotonic() - began

