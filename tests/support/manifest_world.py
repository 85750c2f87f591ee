"""Rendered manifests as one world, in which things find each other."""
from __future__ import annotations

import json
import re

Fault = tuple[dict, str]


class World:
    def __init__(self, objects: list[dict], made: dict[str, set[str]]):
        """`made`: Secrets that are there already, with their keys."""
        self.objects = objects
        self.made = made

    def find(self, kind: str, name: str) -> dict | None:
        return next((x for x in self.objects if x["kind"] == kind
                     and x["metadata"]["name"] == name), None)

    def pods(self, selector: dict) -> list[dict]:
        """The workloads whose pods it selects."""
        return [x for x in of(self, "StatefulSet Deployment Job")
                if selects(selector, x["spec"]["template"]["metadata"].get("labels", {}))]

    def ports(self, workload: dict) -> dict[str, int]:
        return {p["name"]: p["containerPort"] for c in containers(workload)
                for p in c.get("ports", [])}


def of(world: World, kinds: str) -> list[dict]:
    return [x for x in world.objects if x["kind"] in kinds.split()]


def pod_spec(workload: dict) -> dict:
    return workload["spec"]["template"]["spec"]


def containers(workload: dict, init: bool = False) -> list[dict]:
    spec = pod_spec(workload)
    return spec["containers"] + (spec.get("initContainers", []) if init else [])


def selects(selector: dict, labels: dict[str, str]) -> bool:
    if not selector.get("matchLabels", {}).items() <= labels.items():
        return False
    for x in selector.get("matchExpressions", []):
        has = labels.get(x["key"])
        if {"In": has not in x.get("values", []), "NotIn": has in x.get("values", []),
                "Exists": has is None, "DoesNotExist": has is not None}[x["operator"]]:
            return False
    return True


def replicas(world: World, workload: dict) -> int:
    """The least that there are."""
    for x in of(world, "HorizontalPodAutoscaler"):
        to = x["spec"]["scaleTargetRef"]
        if (to["kind"], to["name"]) == (workload["kind"], workload["metadata"]["name"]):
            return x["spec"]["minReplicas"]
    return workload["spec"].get("replicas", 1)


def expand(text: str, known: dict[str, str]) -> str:
    """$(NAME), as Kubernetes does it: what is not known stays as it is."""
    return re.sub(r"\$\(([A-Za-z0-9_]+)\)", lambda m: known.get(m[1], m[0]), text)


def settings(world: World, container: dict, fields: dict[str, str] | None = None,
             secrets: dict[str, dict[str, str]] | None = None) -> dict[str, str]:
    """The environment of a container. `fields` are those of its pod, such as status.podIP;
    `secrets` has the values by name and key."""
    out: dict[str, str] = {}
    for source in container.get("envFrom", []):
        found = world.find("ConfigMap", source["configMapRef"]["name"])
        out |= {k: str(v) for k, v in (found or {}).get("data", {}).items()}
    for env in container.get("env", []):
        source = env.get("valueFrom", {})
        if "value" in env:
            out[env["name"]] = expand(env["value"], out)
        elif "fieldRef" in source:
            path = source["fieldRef"]["fieldPath"]
            out[env["name"]] = (fields or {}).get(path, f"<{path}>")
        elif "resourceFieldRef" in source:
            out[env["name"]] = str(cores(container))
        elif "secretKeyRef" in source:
            ref = source["secretKeyRef"]
            out[env["name"]] = (secrets or {}).get(ref["name"], {}).get(ref["key"], "<secret>")
        else:
            raise AssertionError(f"an environment of an unknown kind: {json.dumps(env)}")
    return out


def cores(container: dict) -> int:
    """requests.cpu with the divisor 1: rounded up."""
    text = str(container["resources"]["requests"]["cpu"])
    return -(-int(text[:-1]) // 1000) if text.endswith("m") else -int(-float(text) // 1)
