"""Nodes that share one topic and database, each in a network namespace of its own."""
from __future__ import annotations

from cluster import Cluster, gateway, links
from footfall import BINARY, Server
from namespaces import Network
from own_services import OwnServices

PORTS = {"ingest": "8080", "query": "8081", "grpc": "50051", "admin": "8082"}
PEER_PORT = 9090

# The store writes down each change of an owner or an epoch in the order of its commits: what
# looks at it now and then may miss a partition that went away and came back.
HISTORY = """
CREATE TABLE public.owner_history (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, part int, owner text, epoch bigint,
  at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE FUNCTION public.note_owner() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO public.owner_history (part, owner, epoch) VALUES (NEW.part, NEW.owner, NEW.epoch);
  RETURN NULL; END $$;
CREATE TRIGGER note_owner AFTER UPDATE ON public.partition_progress FOR EACH ROW
  WHEN (OLD.owner IS DISTINCT FROM NEW.owner OR OLD.epoch <> NEW.epoch)
  EXECUTE FUNCTION public.note_owner();
INSERT INTO public.owner_history (part, owner, epoch)
  SELECT part, owner, epoch FROM public.partition_progress;
UPDATE public.owner_history SET at = '-infinity';
"""
Move = tuple[int, str, str]  # partition, from, to


class NetCluster(Cluster):
    """Nodes n1, n2, ... in the namespaces of these names; `count` of them are started.

    Beyond what a Cluster has: each change of an owner since all was spread for the first
    time."""

    def __init__(self, network: Network, services: OwnServices, count: int, *options: str):
        self.network = network
        self.gates: dict[str, Server] = {}  # They own nothing, and have only the nodes.
        super().__init__(services.environment(), count, *options)

    def _node(self, name: str, space: str = "") -> Server:
        space = space or name
        return Server(*links(name, f"{self.network.addresses[space]}:{PEER_PORT}"),
                      *self._edge(space), *self.options, environment=self.environment,
                      start=False, ports=PORTS, binary=self.network.program(space, BINARY))

    def _edge(self, space: str) -> list[str]:
        address = self.network.addresses[space]
        return ["--bind", address, "--admin-bind", address, "--auth", "off"]

    def __getitem__(self, name: str) -> Server:
        return self.gates[name] if name in self.gates else self.nodes[name]

    def __enter__(self) -> "NetCluster":
        super().__enter__()
        try:
            self.sql(HISTORY)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def add(self, name: str, space: str = "") -> Server:
        """One more node, which runs once it is started; it ends with the others."""
        self.nodes[name] = self._held.enter_context(self._node(name, space))
        return self.nodes[name]

    def add_gate(self, name: str) -> Server:
        """A gateway without Kafka and a database, that runs once it is started; every node is a
        seed of it."""
        seeds = [f"{self.network.addresses[x]}:{PEER_PORT}" for x in self.nodes]
        server = gateway(name, *seeds, place=f"{self.network.addresses[name]}:{PEER_PORT}",
                         options=tuple(self._edge(name)), ports=PORTS,
                         binary=self.network.program(name, BINARY))
        self.gates[name] = self._held.enter_context(server)
        return server

    def peers(self, name: str) -> list[str]:
        """The addresses of all other nodes."""
        return [self.network.addresses[x] for x in self.nodes if x != name]

    def mark(self) -> int:
        """Now, for what happens afterwards."""
        return self.sql("SELECT max(number) FROM public.owner_history")[0][0]

    def changes(self, since: int) -> int:
        """Claims and releases since then."""
        return self.mark() - since

    def moves(self, since: int) -> list[Move]:
        """What went from one node to another since then, each time it did."""
        owners: dict[int, str] = {}
        out = []
        for number, part, owner in self.sql(
                "SELECT number, part, owner FROM public.owner_history"
                " WHERE owner IS NOT NULL ORDER BY number"):
            if number > since and owners.get(part, owner) != owner:
                out.append((part, owners[part], owner))
            owners[part] = owner
        return out

    def tenures(self) -> dict[int, list[tuple[str, float, float]]]:
        """Of each partition: who had it, from when to when, of time.time()."""
        out: dict[int, list[tuple[str, float, float]]] = {}
        for part, owner, begins, ends in self.sql(
                "SELECT part, owner, extract(epoch FROM at)::float,"
                " coalesce(extract(epoch FROM lead(at) OVER (PARTITION BY part ORDER BY number)),"
                " 'infinity')::float FROM public.owner_history ORDER BY number"):
            if owner is not None:
                out.setdefault(part, []).append((owner, begins, ends))
        return out
