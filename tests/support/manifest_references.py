"""Every name that a manifest says of something else: is it there, and has it that key?"""
from __future__ import annotations

import re
from typing import Iterator

from manifest_world import Fault, World, containers, of, pod_spec

OF_KUBERNETES = {"kube-root-ca.crt": {"ca.crt"}}


def keys(world: World, kind: str, name: str) -> set[str] | None:
    """None: there is no such object."""
    if kind == "Secret" and name in world.made:
        return world.made[name]
    if kind == "Secret":
        return next(({"tls.crt", "tls.key", "ca.crt"} for x in of(world, "Certificate")
                     if x["spec"]["secretName"] == name), None)
    if name in OF_KUBERNETES:
        return OF_KUBERNETES[name]
    found = world.find("ConfigMap", name)
    return None if found is None else {*found.get("data", {}), *found.get("binaryData", {})}


def missing(world: World, kind: str, name: str, wanted: set[str]) -> str:
    has = keys(world, kind, name)
    if has is None:
        return f"there is no {kind} {name}"
    lacks = sorted(wanted - has)
    return f"{kind} {name} has no {', '.join(lacks)}" if lacks else ""


def sources(volume: dict) -> Iterator[tuple[str, str, set[str]]]:
    """kind, name and keys of what a volume is made of"""
    parts = [volume, *volume.get("projected", {}).get("sources", [])]
    for part in parts:
        for field, kind, name in (("secret", "Secret", "secretName"),
                                  ("configMap", "ConfigMap", "name")):
            if field in part:
                yield (kind, part[field].get(name) or part[field]["name"],
                       {i["key"] for i in part[field].get("items", [])})


def files(world: World, volume: dict) -> set[str] | None:
    """What stands in it; None where that is not known."""
    for field, kind, name in (("secret", "Secret", "secretName"),
                              ("configMap", "ConfigMap", "name")):
        if field in volume:
            items = volume[field].get("items")
            return {i["path"] for i in items} if items else keys(world, kind, volume[field][name])
    return None


def of_environment(world: World, c: dict) -> Iterator[str]:
    known: set[str] = set()
    for source in c.get("envFrom", []):
        name = source["configMapRef"]["name"]
        yield missing(world, "ConfigMap", name, set())
        known |= keys(world, "ConfigMap", name) or set()
    for env in c.get("env", []):
        for field, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
            ref = env.get("valueFrom", {}).get(field)
            if ref:
                yield missing(world, kind, ref["name"], {ref["key"]})
        yield from unknown(env.get("value", ""), known)
        known.add(env["name"])
    for word in [*c.get("args", []), *c.get("command", [])]:
        yield from unknown(word, known)


def unknown(text: str, known: set[str]) -> list[str]:
    return [f"$({name}) is not known there" for name in re.findall(r"\$\((\w+)\)", str(text))
            if name not in known]


def of_volumes(world: World, x: dict) -> Iterator[str]:
    spec = pod_spec(x)
    volumes = {v["name"]: v for v in spec.get("volumes", [])}
    volumes |= {v["metadata"]["name"]: {} for v in x["spec"].get("volumeClaimTemplates", [])}
    mounted = set()
    for c in containers(x, init=True):
        mounts = c.get("volumeMounts", [])
        for mount in mounts:
            mounted.add(mount["name"])
            if mount["name"] not in volumes:
                yield f"{c['name']}: there is no volume {mount['name']}"
                continue
            has = files(world, volumes[mount["name"]])
            if has is not None and mount.get("subPath", next(iter(has), "")) not in has:
                yield f"{c['name']}: the volume {mount['name']} has no {mount['subPath']}"
        yield from of_paths(world, c, {m["mountPath"]: volumes.get(m["name"], {})
                                       for m in mounts})
    for name in volumes.keys() - mounted:
        yield f"nobody mounts the volume {name}"
    for volume in volumes.values():
        for kind, name, wanted in sources(volume):
            yield missing(world, kind, name, wanted)


def of_paths(world: World, c: dict, mounts: dict[str, dict]) -> Iterator[str]:
    """A file that a setting names stands in some volume."""
    pairs = [(e["name"], e.get("value", "")) for e in c.get("env", [])]
    for source in c.get("envFrom", []):
        found = world.find("ConfigMap", source["configMapRef"]["name"]) or {}
        pairs += found.get("data", {}).items()
    for name, path in pairs:
        if not re.search(r"_FILE$|_CA$|_CERT$|_KEY$|_LOCATION$", name) or not path:
            continue
        folder, _, file = path.rpartition("/")
        has = files(world, mounts[folder]) if folder in mounts else set()
        if has is not None and file not in has:
            yield f"{name}: no volume has {path}"


def references(world: World) -> Iterator[Fault]:
    for x in of(world, "StatefulSet Deployment Job"):
        spec = pod_spec(x)
        for c in containers(x, init=True):
            yield from ((x, f"{c['name']}: {text}") for text in of_environment(world, c) if text)
        yield from ((x, text) for text in of_volumes(world, x) if text)
        account = spec.get("serviceAccountName")
        if account and not world.find("ServiceAccount", account):
            yield x, f"there is no ServiceAccount {account}"
        priority = spec.get("priorityClassName")
        if priority and not world.find("PriorityClass", priority):
            yield x, f"there is no PriorityClass {priority}"
        if x["kind"] == "StatefulSet":
            service = world.find("Service", x["spec"]["serviceName"])
            if not service or service["spec"].get("clusterIP") != "None" \
                    or x not in world.pods({"matchLabels": service["spec"]["selector"]}):
                yield x, f"{x['spec']['serviceName']} is no headless Service of its pods"
    for x in of(world, "RoleBinding ClusterRoleBinding"):
        if not world.find(x["roleRef"]["kind"], x["roleRef"]["name"]):
            yield x, f"there is no {x['roleRef']['kind']} {x['roleRef']['name']}"
        for who in x["subjects"]:
            if not world.find(who["kind"], who["name"]):
                yield x, f"there is no {who['kind']} {who['name']}"
    for x in of(world, "Certificate"):
        if not world.find("Issuer", x["spec"]["issuerRef"]["name"]):
            yield x, f"there is no Issuer {x['spec']['issuerRef']['name']}"
