"""Who reaches whom, by the NetworkPolicies: what must be open, and what must not."""
from __future__ import annotations

from typing import Iterator, NamedTuple

from manifest_world import Fault, World, containers, of, selects


class End(NamedTuple):
    """Of a connection: pods with these labels, or something outside."""
    labels: dict[str, str] = {}
    space: dict[str, str] | None = None  # Labels of another namespace; None: the same one.
    address: str = ""  # Outside of Kubernetes.


PROMETHEUS = End({"app.kubernetes.io/name": "prometheus"},
                 {"kubernetes.io/metadata.name": "monitoring"})
CLIENTS = End({}, {"footfall/clients": "allowed"})
STRANGER = End({"app": "stranger"}, {"kubernetes.io/metadata.name": "elsewhere"})
NEIGHBOUR = End({"app": "neighbour"})
DNS = End({"k8s-app": "kube-dns"}, {"kubernetes.io/metadata.name": "kube-system"})
SERVER, INTERNET = End(address="10.1.2.3"), End(address="93.184.216.34")


def pods(workload: dict) -> End:
    return End(workload["spec"]["template"]["metadata"].get("labels", {}))


def is_peer(peer: dict, end: End) -> bool:
    if "ipBlock" in peer:
        first = peer["ipBlock"]["cidr"].split(".")[0]
        return end.address != "" and end.address.split(".")[0] == first
    if end.address:
        return False
    if "namespaceSelector" in peer:
        if end.space is None or not selects(peer["namespaceSelector"], end.space):
            return False
    elif end.space is not None:
        return False
    return selects(peer.get("podSelector", {}), end.labels)


def allows(world: World, way: str, mine: End, other: End, port: int, names: dict[str, int]) -> bool:
    """One side of a connection. `names`: the ports of whoever listens."""
    field, peers = ("ingress", "from") if way == "Ingress" else ("egress", "to")
    about = [x for x in of(world, "NetworkPolicy") if way in x["spec"]["policyTypes"]
             and selects(x["spec"]["podSelector"], mine.labels)]
    if not about:
        return True  # What no policy selects is open.
    for x in about:
        for rule in x["spec"].get(field, []):
            if peers in rule and not any(is_peer(p, other) for p in rule[peers]):
                continue
            if "ports" not in rule or any(names.get(p["port"], p["port"]) == port
                                          for p in rule["ports"]):
                return True
    return False


def reaches(world: World, one: End, other: dict | End, port: str | int) -> bool:
    """`other`: a workload, or something of elsewhere."""
    names = world.ports(other) if isinstance(other, dict) else {}
    number = names.get(port, port) if isinstance(port, str) else port
    there = pods(other) if isinstance(other, dict) else other
    ours = one.space is None and not one.address
    theirs = there.space is None and not there.address
    return (not ours or allows(world, "Egress", one, there, number, names)) \
        and (not theirs or allows(world, "Ingress", there, one, number, names))


def network_faults(world: World) -> Iterator[Fault]:
    deny = [x for x in of(world, "NetworkPolicy") if x["spec"]["podSelector"] == {}
            and set(x["spec"]["policyTypes"]) == {"Ingress", "Egress"}
            and not x["spec"].get("ingress") and not x["spec"].get("egress")]
    if not deny:
        yield {"kind": "NetworkPolicy", "metadata": {"name": "-"}}, "nothing denies by default"
    all_of = [x for x in of(world, "StatefulSet Deployment")
              if world.ports(x).get("cluster")]
    for x in all_of:
        for text in edges_of(world, x, all_of):
            yield x, text
    for x in of(world, "Job"):
        if any(e["name"] == "DATABASE_URL_FILE" for c in containers(x) for e in c.get("env", [])):
            yield from ((x, text) for text in services_of(world, x, ("postgres",)))
    for x in of(world, "StatefulSet Deployment Job"):
        if not reaches(world, pods(x), DNS, 53):
            yield x, "it cannot look up names"
    for x in of(world, "NetworkPolicy"):
        yield from ((x, text) for text in unresolved(world, x))


def edges_of(world: World, x: dict, all_of: list[dict]) -> Iterator[str]:
    for other in all_of:
        if not reaches(world, pods(x), other, "cluster"):
            yield f"it does not reach {other['metadata']['name']} at cluster"
    if not reaches(world, PROMETHEUS, x, "admin"):
        yield "Prometheus does not reach admin"
    for port in {"ingest", "query", "grpc"} & world.ports(x).keys():
        if not reaches(world, CLIENTS, x, port):
            yield f"clients do not reach {port}"
    for port in ("cluster", *(["admin"] if not is_open(world) else [])):
        if reaches(world, STRANGER, x, port) or reaches(world, NEIGHBOUR, x, port):
            yield f"strangers reach {port}"
    if reaches(world, pods(x), INTERNET, 443):
        yield "it reaches the internet"
    yield from services_of(world, x, ("kafka", "postgres", "redis"))


def services_of(world: World, x: dict, wanted: tuple[str, ...]) -> Iterator[str]:
    for port in wanted:
        there = [y for y in of(world, "StatefulSet") if port in world.ports(y)]
        number = {"kafka": 9093, "postgres": 5432, "redis": 6379}[port]
        if not reaches(world, pods(x), there[0] if there else SERVER, port if there else number):
            yield f"it does not reach {port}"


def is_open(world: World) -> bool:
    """It has NodePorts, and so all its ports but those of the cluster are anybody's."""
    return any(x["spec"].get("type") == "NodePort" for x in of(world, "Service"))


def unresolved(world: World, policy: dict) -> Iterator[str]:
    """Names of ports that no pod has which it is about; policies that are about no pod."""
    mine = world.pods(policy["spec"]["podSelector"])
    if not mine:
        yield "it is about no pod"
    for rule in policy["spec"].get("ingress", []):
        for port in rule.get("ports", []):
            if isinstance(port["port"], str) and not any(port["port"] in world.ports(x)
                                                         for x in mine):
                yield f"no pod that it is about has a port {port['port']}"
    for rule in policy["spec"].get("egress", []):
        if any("namespaceSelector" in peer for peer in rule.get("to", [])):
            continue  # Who is there stands in other manifests.
        there = [x for peer in rule.get("to", []) if "podSelector" in peer
                 for x in world.pods(peer["podSelector"])]
        for port in rule.get("ports", []):
            if isinstance(port["port"], str) and not any(port["port"] in world.ports(x)
                                                         for x in there):
                yield f"nobody at the other end has a port {port['port']}"
